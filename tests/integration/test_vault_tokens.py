"""Tokens over HTTPS: what the authority gives, what nobody else can make, and what a flood of sign-ins leaves to others."""
import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from vault_world import VaultWorld  # noqa: E402

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TENANT_OF_OTHERS = "99999999-2222-4333-8444-555555555555"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def der(tag, content):
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([0x80 + (length.bit_length() + 7) // 8]) + length.to_bytes(
        (length.bit_length() + 7) // 8, "big")
    return bytes([tag]) + size + content


def public_key_pem(jwk):
    """The PEM of an RSA JWK: what a forger would take for an HMAC key."""
    numbers = b"".join(der(2, b"\0" + decode(jwk[name]) if decode(jwk[name])[0] > 127 else decode(jwk[name])) for name in "ne")
    info = der(0x30, der(0x30, bytes.fromhex("06092a864886f70d0101010500")) + der(3, b"\0" + der(0x30, numbers)))
    text = base64.b64encode(info).decode()
    lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n".encode(), info


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"tokens": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.tenant = cls.world.credentials["tenantId"]

    def ask(self, path="/adfs/oauth2/token", headers=None, **changes):
        form = {"grant_type": "client_credentials", "client_id": self.world.credentials["clientId"],
                "client_secret": self.world.credentials["clientSecret"],
                "scope": f"https://vault.{self.world.domain}:{self.world.port}/.default", **changes}
        body = urllib.parse.urlencode({name: value for name, value in form.items() if value is not None}).encode()
        return self.world.request("POST", self.world.login_url(path), body, headers=headers or FORM, version=None)

    def get(self, path):
        answer = self.world.request("GET", self.world.login_url(path), version=None)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def keys(self, token):
        return self.world.request("GET", self.world.vault_url("tokens", "/keys"), token=token)

    def assert_challenged(self, token, says):
        answer = self.keys(token)
        self.assertEqual(answer.status, 401, answer)
        self.assertEqual(answer.error_code, "Unauthorized")
        self.assertIn(says, answer.json["error"]["message"])
        self.assertEqual(answer.headers["WWW-Authenticate"],
                         f'Bearer authorization="{self.world.login_url()}/{self.tenant}", '
                         f'resource="https://vault.{self.world.domain}:{self.world.port}"')

    def test_every_path_gives_a_token_that_works(self):
        for path in ("/adfs/oauth2/token", "/adfs/oauth2/token/", f"/{self.tenant}/oauth2/v2.0/token",
                     f"/{self.tenant}/oauth2/v2.0/token?client-request-id=1", f"/{self.tenant}/oauth2/token"):
            answer = self.ask(path)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(self.keys(answer.json["access_token"]).status, 200)
        answer = self.ask(f"/{self.tenant}/oauth2/token", scope=None,
                          resource=f"https://vault.{self.world.domain}:{self.world.port}/")
        self.assertEqual(answer.json["expires_in"], str(int(answer.json["expires_in"])))
        self.assertEqual(self.keys(answer.json["access_token"]).status, 200)

    def test_documents_lead_to_the_token_endpoint_and_the_key(self):
        for path in ("/adfs/.well-known/openid-configuration", f"/{self.tenant}/v2.0/.well-known/openid-configuration"):
            document = self.get(path)
            for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"):
                self.assertTrue(document[name].startswith(self.world.login_url("/")), document)
            answer = self.ask(urllib.parse.urlsplit(document["token_endpoint"]).path)
            self.assertEqual(answer.status, 200, answer)
            header, claims, _ = (part for part in answer.json["access_token"].split("."))
            keys = self.get(urllib.parse.urlsplit(document["jwks_uri"]).path)["keys"]
            self.assertIn(json.loads(decode(header))["kid"], [key["kid"] for key in keys])
            self.assertEqual(json.loads(decode(claims))["iss"], document["issuer"])

    def test_forged_tokens_are_refused(self):
        good = self.ask().json["access_token"]
        header, claims, signature = good.split(".")
        jwk = self.get("/adfs/discovery/keys")["keys"][0]

        def changed(part, **changes):
            return encode(json.dumps({**json.loads(decode(part)), **changes}).encode())

        none = changed(header, alg="none")
        self.assert_challenged(f"{none}.{claims}.", "Error validating token")
        self.assert_challenged(f"{none}.{claims}.{signature}", "algorithm")
        for key in public_key_pem(jwk):
            signed = f"{changed(header, alg='HS256')}.{claims}"
            tag = encode(hmac.new(key, signed.encode(), hashlib.sha256).digest())
            self.assert_challenged(f"{signed}.{tag}", "algorithm")
        self.assert_challenged(f"{changed(header, kid='other')}.{claims}.{signature}", "AKV10046")
        for change in ({"tid": TENANT_OF_OTHERS}, {"oid": TENANT_OF_OTHERS}, {"exp": 4102444800}):
            self.assert_challenged(f"{header}.{changed(claims, **change)}.{signature}", "signature")
        self.assert_challenged("x" * 8193, "8192")
        self.assert_challenged("a.b", "Error validating token")
        self.assert_challenged(None, "AKV10000")

    def test_token_for_another_host_is_refused(self):
        self.assert_challenged(self.world.token("management"), "AKV10022")
        answer = self.world.request("GET", self.world.management_url("/subscriptions"), token=self.ask().json["access_token"])
        self.assertEqual(answer.status, 401)

    def test_wrong_sign_ins_are_told_in_the_form_of_oauth(self):
        wrong = self.ask(client_secret="wrong")
        unknown = self.ask(client_id=TENANT_OF_OTHERS)
        for answer in (wrong, unknown):
            self.assertEqual((answer.status, answer.json["error"]), (401, "invalid_client"))
            self.assertIn("AADSTS7000215", answer.json["error_description"])
            self.assertNotIn(self.world.credentials["clientSecret"], answer.raw.decode())
        self.assertEqual(self.ask(scope="https://vault.azure.net/.default").json["error"], "invalid_resource")
        self.assertEqual(self.ask(grant_type="password").json["error"], "unsupported_grant_type")
        self.assertEqual(self.ask(f"/{TENANT_OF_OTHERS}/oauth2/token").json["error"], "invalid_tenant")
        self.assertEqual(self.ask(headers={"Content-Type": "application/json"}).json["error"], "invalid_request")

    def test_flood_of_wrong_secrets_leaves_the_vault_to_others(self):
        token = self.ask().json["access_token"]
        statuses, stop = [], time.monotonic() + 3

        def flood(number):
            while time.monotonic() < stop:
                statuses.append(self.ask(client_secret=f"wrong {number}").status)

        threads = [threading.Thread(target=flood, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        slowest = 0
        while time.monotonic() < stop:
            began = time.monotonic()
            self.assertEqual(self.keys(token).status, 200)
            self.assertEqual(self.ask().status, 200)  # its secret is remembered
            slowest = max(slowest, time.monotonic() - began)
        for thread in threads:
            thread.join()
        self.assertEqual(set(statuses), {401, 429})
        self.assertLess(slowest, 5)

    def test_token_outlives_the_service(self):
        token = self.ask().json["access_token"]
        kid = self.get("/adfs/discovery/keys")["keys"][0]["kid"]
        self.world.down()
        self.world.up()
        self.assertEqual(self.get("/adfs/discovery/keys")["keys"][0]["kid"], kid)
        self.assertEqual(self.keys(token).status, 200)

    def test_log_names_the_client_and_no_secret(self):
        token = self.ask().json["access_token"]
        self.keys(token)
        self.ask(client_secret="a secret that is wrong")
        with open(os.path.join(self.world.data, "vault", "keyvaultd.log"), encoding="utf-8") as file:
            log = file.read()
        self.assertIn(self.world.credentials["clientId"], log)
        for secret in (self.world.credentials["clientSecret"], token, token.split(".")[2], "a secret that is wrong"):
            self.assertNotIn(secret, log)


if __name__ == "__main__":
    unittest.main()
