"""Applications beside the operator's: made, shown, signed in with a secret or a certificate, and taken away."""
import base64
import hashlib
import json
import os
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from openssl import openssl  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOBODY = "99999999-2222-4333-8444-555555555555"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Robot:
    """A private key with its certificate, as the owner of an application makes them."""

    def __init__(self, folder, name, key="rsa:2048"):
        self.path = os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")
        certificate = os.path.join(folder, name + ".crt")
        openssl("req", "-x509", "-newkey", key, "-nodes", "-keyout", self.key, "-out", certificate, "-days", "30",
                "-subj", f"/CN={name}")
        with open(self.path, "wb") as both:
            for part in (self.key, certificate):
                with open(part, "rb") as file:
                    both.write(file.read())
        self.der = openssl("x509", "-in", certificate, "-outform", "DER")

    def assertion(self, client_id, audience, alg="RS256", header=None, **changes):
        now = time.time()
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": os.urandom(8).hex(), "iat": now, "nbf": now,
                  "exp": now + 600, **changes}
        named = {"x5t#S256": encode(hashlib.sha256(self.der).digest())} if alg == "PS256" else {
            "x5t": encode(hashlib.sha1(self.der).digest())}
        head = {"alg": alg, "typ": "JWT", **named, **(header or {})}
        text = encode(json.dumps(head).encode()) + "." + encode(json.dumps(claims).encode())
        padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if alg == "PS256" else []
        return text + "." + encode(openssl("dgst", "-sha256", *padding, "-sign", self.key, content=text.encode()))


class Principals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"tokens": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.robot = Robot(cls.world.folder, "robot")
        cls.endpoint = cls.world.login_url("/adfs/oauth2/token")

    def principal(self, *arguments, **options):
        return json.loads(self.world.check("keyquay", "principal", *arguments, "--data", self.world.data, "--json", **options))

    def ask(self, client_id, assertion=None, **fields):
        form = {"grant_type": "client_credentials", "client_id": client_id,
                "scope": f"https://management.{self.world.domain}:{self.world.port}/.default", **fields}
        if assertion:
            form |= {"client_assertion_type": ASSERTION, "client_assertion": assertion}
        return self.world.request("POST", self.endpoint, urllib.parse.urlencode(form).encode(), headers=FORM, version=None)

    def assert_refused(self, answer, says=""):
        self.assertEqual((answer.status, answer.json["error"]), (401, "invalid_client"), answer)
        self.assertIn(says, answer.json["error_description"])

    def test_secrets__added_and_removed__count_at_once(self):
        made = self.principal("create", "secretive", "--days", "2")
        client, first = made["clientId"], made["secret"]["clientSecret"]
        self.assertEqual(self.ask(client, client_secret=first).status, 200)
        second = self.principal("secret", "add", "secretive")
        self.assertEqual(self.ask(client, client_secret=second["clientSecret"]).status, 200)
        shown = self.principal("show", client)
        # Two of one second have no order.
        self.assertCountEqual([one["id"] for one in shown["secrets"]], [made["secret"]["id"], second["id"]])
        self.assertNotIn(first, json.dumps(shown))
        self.world.check("keyquay", "principal", "secret", "remove", client, second["id"], "--data", self.world.data)
        self.assert_refused(self.ask(client, client_secret=second["clientSecret"]))
        self.assertEqual(self.ask(client, client_secret=first).status, 200)
        self.world.check("keyquay", "principal", "delete", "secretive", "--data", self.world.data)
        self.assert_refused(self.ask(client, client_secret=first))
        self.assertNotIn(client, [one["clientId"] for one in self.principal("list")])

    def test_certificate__good_assertions__tokens_that_say_so(self):
        client = self.principal("create", "certified", "--certificate", self.robot.path)["clientId"]
        for alg in ("RS256", "PS256"):
            for audience in (self.endpoint, self.world.login_url(f"/{self.world.credentials['tenantId']}/oauth2/v2.0/token")):
                answer = self.ask(client, self.robot.assertion(client, audience, alg))
                self.assertEqual(answer.status, 200, answer)
                claims = answer.json["access_token"].split(".")[1]
                claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
                self.assertEqual((claims["appid"], claims["appidacr"]), (client, "2"))
        token = answer.json["access_token"]
        self.assertEqual(self.world.request("GET", self.world.management_url("/subscriptions"), token=token,
                                            version="2022-12-01").json["value"], [])
        denied = self.world.request("GET", self.world.management_url("/keyquay/principals"), token=token)
        self.assertEqual((denied.status, denied.error_code), (403, "AuthorizationFailed"))
        found = self.world.request("GET", self.world.management_url(
            f"/v1.0/servicePrincipals?$filter=appId%20eq%20'{client}'"), token=self.world.token("management"), version=None)
        self.assertEqual([one["displayName"] for one in found.json["value"]], ["certified"])

    def test_certificate__forged_assertions__refused(self):
        client = self.principal("create", "attacked", "--certificate", self.robot.path)["clientId"]
        other = Robot(self.world.folder, "other")
        stolen = {"x5t": encode(hashlib.sha1(self.robot.der).digest())}
        good = self.robot.assertion(client, self.endpoint)
        head, body, signature = good.split(".")
        forged = {
            "of another key": other.assertion(client, self.endpoint, header=stolen),
            "of another key that it brings": other.assertion(client, self.endpoint, header={
                **stolen, "x5c": [base64.b64encode(other.der).decode()]}),
            "of a certificate that is not registered": other.assertion(client, self.endpoint),
            "without a signature": f"{head}.{body}.",
            "changed": f"{head}.{encode(base64.urlsafe_b64decode(body + '==').replace(b'nbf', b'nbg'))}.{signature}",
            "of no algorithm": f"{encode(json.dumps({'alg': 'none', **stolen}).encode())}.{body}.{signature}",
            "for another service": self.robot.assertion(client, "https://login.example/adfs/oauth2/token"),
            "for another client": self.robot.assertion(NOBODY, self.endpoint),
            "that ended": self.robot.assertion(client, self.endpoint, exp=time.time() - 400),
            "that ends in two hours": self.robot.assertion(client, self.endpoint, exp=time.time() + 7200),
            "without an id": self.robot.assertion(client, self.endpoint, jti=None),
        }
        for name, assertion in forged.items():
            with self.subTest(name):
                self.assert_refused(self.ask(client, assertion), "AADSTS700027")
        self.assert_refused(self.ask(NOBODY, self.robot.assertion(NOBODY, self.endpoint)))
        self.assertEqual(self.ask(client, good).status, 200)
        self.assertEqual(self.ask(client, good).status, 200)  # clients send one for all their tokens

    def test_certificate__removed__refused_at_once(self):
        made = self.principal("create", "changing")
        added = self.principal("certificate", "add", "changing", "--certificate", self.robot.path)
        again = self.world.run("keyquay", "principal", "certificate", "add", "changing", "--certificate", self.robot.path,
                               "--data", self.world.data)
        self.assertEqual(again.returncode, 1)
        assertion = self.robot.assertion(made["clientId"], self.endpoint)
        self.assertEqual(self.ask(made["clientId"], assertion).status, 200)
        self.world.check("keyquay", "principal", "certificate", "remove", "changing", added["id"], "--data", self.world.data)
        self.assert_refused(self.ask(made["clientId"], assertion))

    def test_bad_input__named(self):
        manage = self.world.manage
        operator = self.world.credentials["clientId"]
        elliptic = Robot(self.world.folder, "elliptic", "ec:" + self.curve())
        for body, says in (({}, "displayName"), ({"displayName": ""}, "displayName"), ({"displayName": "a\nb"}, "displayName"),
                           ({"displayName": "a" * 65}, "displayName"), ({"displayName": "a", "validDays": 0}, "validDays"),
                           ({"displayName": "a", "validDays": 1e9}, "validDays"), ({"displayName": "a", "isOperator": 1}, "isOperator"),
                           ({"displayName": "a", "certificate": 1}, "certificate"),
                           ({"displayName": "a", "certificate": "AAAA"}, "certificate"),
                           ({"displayName": "a", "certificate": base64.b64encode(elliptic.der).decode()}, "2048"),
                           ({"displayName": "a", "certificate": base64.b64encode(self.robot.der + b"x").decode()}, "certificate")):
            answer = manage("POST", "/keyquay/principals", body)
            self.assertEqual((answer.status, answer.error_code), (400, "BadRequest"), answer)
            self.assertIn(says, answer.json["error"]["message"])
        self.assertEqual(manage("GET", f"/keyquay/principals/{NOBODY}").status, 404)
        self.assertEqual(manage("GET", "/keyquay/principals/x").status, 404)
        self.assertEqual(manage("DELETE", f"/keyquay/principals/{operator}").status, 409)
        self.assertEqual(manage("DELETE", f"/keyquay/principals/{operator}/secrets/{NOBODY}").status, 404)
        self.assertEqual(self.world.request("GET", self.world.management_url("/keyquay/principals")).status, 401)

    def curve(self):
        path = os.path.join(self.world.folder, "curve.pem")
        openssl("ecparam", "-name", "prime256v1", "-out", path)
        return path

    def test_acts__join_the_audit_log(self):
        made = self.principal("create", "audited")
        shown = self.world.check("keyquay", "audit", "show", "--log", self.log())
        self.assertIn("principal.create", shown)
        self.assertIn(made["clientId"], shown)

    def log(self):
        for folder, _, names in os.walk(self.world.region_folder()):
            for name in names:
                if "audit" in name or "audit" in os.path.basename(folder):
                    return os.path.join(folder, name)
        self.fail("the region has no audit log")


if __name__ == "__main__":
    unittest.main()
