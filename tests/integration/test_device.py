"""People sign in on another device: codes, the page, polling, tokens, refresh tokens."""
import base64
import json
import os
import re
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
import test_operation  # noqa: E402
from device_page import FORM, DevicePage, make_person  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

CLIENT = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
OTHER = "1950a258-227b-4e31-a9cf-717495945fc2"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
GOOD = "a passphrase of Alice"


def claims_of(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


class Devices(test_operation.Operated):
    options = {("test", "clock-control"): "yes"}
    arguments = ("--test-mode",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alice = make_person(cls.world, "alice", GOOD)
        cls.page = DevicePage(cls.world)
        cls.scope = f"https://vault.{cls.world.domain}:{cls.world.port}/.default"
        cls.management = f"https://management.{cls.world.domain}:{cls.world.port}//.default"

    def post(self, path, **fields):
        return self.world.request("POST", self.world.login_url(path), urllib.parse.urlencode(fields).encode(), headers=FORM,
                                  version=None)

    def begin(self, path="/adfs/oauth2/devicecode", scope=None, client_id=CLIENT):
        return self.post(path, client_id=client_id, scope=f"{scope or self.scope} openid profile offline_access")

    def poll(self, begun, client_id=CLIENT):
        return self.post("/adfs/oauth2/token", grant_type=DEVICE, client_id=client_id, client_info=1,
                         device_code=begun["device_code"])

    def refresh(self, token, scope=None, client_id=CLIENT):
        return self.post("/adfs/oauth2/v2.0/token", grant_type="refresh_token", client_id=client_id, refresh_token=token,
                         scope=f"{scope or self.scope} openid offline_access")

    def sign_in(self, **options):
        begun = self.begin(**options).json
        self.assertIn("Approved", self.page.decide(begun["user_code"], "Alice", GOOD).raw.decode())
        answer = self.poll(begun)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def assert_error(self, answer, error, status=400):
        self.assertEqual((answer.status, answer.json["error"]), (status, error), answer)

    def shift(self, seconds):
        """The service's clock from now on."""
        answer = self.world.request("POST", self.world.login_url("/test/clock"), {"offsetSeconds": seconds}, version=None)
        self.assertIn(answer.status, (200, 204), answer)

    def test_sign_in__approved__token_of_the_person(self):
        for path in ("/adfs/oauth2/devicecode", "/adfs/oauth2/devicecode/", "/common/oauth2/v2.0/devicecode",
                     f"/{self.world.credentials['tenantId']}/oauth2/v2.0/devicecode/"):
            begun = self.begin(path)
            self.assertEqual(begun.status, 200, begun)
            begun = begun.json
            self.assertRegex(begun["user_code"], "^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$")
            self.assertEqual((begun["verification_uri"], begun["interval"], begun["expires_in"]), (self.page.url, 5, 900))
            self.assertIn(begun["user_code"], begun["message"])
            self.page.decide(begun["user_code"], decision="deny")
        answer = self.sign_in()
        claims, identity = claims_of(answer["access_token"]), claims_of(answer["id_token"])
        self.assertEqual((claims["oid"], claims["upn"], claims["appid"], claims["appidacr"], claims["scp"]),
                         (self.alice["objectId"], "alice", CLIENT, "0", "user_impersonation"))
        self.assertEqual((identity["aud"], identity["oid"], identity["preferred_username"]), (CLIENT, claims["oid"], "alice"))
        info = json.loads(base64.urlsafe_b64decode(answer["client_info"] + "=="))
        self.assertEqual(info, {"uid": claims["oid"], "utid": claims["tid"]})
        keys = self.world.vault_url("contoso", "/keys")
        self.assertEqual(self.world.request("GET", keys, token=answer["access_token"]).status, 403)
        self.assertEqual(self.world.request("GET", keys, token=answer["id_token"]).status, 401)
        self.allow(claims["oid"])
        self.assertEqual(self.world.request("GET", keys, token=answer["access_token"]).status, 200)

    def test_me__of_a_person__names_the_person(self):
        token = self.sign_in(scope=self.management)["access_token"]
        answer = self.world.request("GET", self.world.management_url("/v1.0/me"), token=token, version=None)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual((answer.json["id"], answer.json["userPrincipalName"]), (self.alice["objectId"], "alice"))

    def allow(self, object_id):
        policy = {"tenantId": self.world.credentials["tenantId"], "objectId": object_id, "permissions": {"keys": ["list"]}}
        answer = self.world.manage(
            "PUT", f"/subscriptions/{self.world.endpoints['subscriptionId']}/resourceGroups/keyquay/providers/Microsoft.KeyVault"
            "/vaults/contoso/accessPolicies/add", {"properties": {"accessPolicies": [policy]}}, version="2023-07-01")
        self.assertIn(answer.status, (200, 201), answer)

    def test_polling__each_state__its_error(self):
        begun = self.begin().json
        self.assert_error(self.poll(begun), "authorization_pending")
        self.assert_error(self.poll(begun), "slow_down")
        self.assert_error(self.poll(begun, OTHER), "invalid_grant")
        self.assertIn("Denied", self.page.decide(begun["user_code"], decision="deny").raw.decode())
        self.assert_error(self.poll(begun), "access_denied")
        self.assert_error(self.poll(begun), "invalid_grant")
        self.assert_error(self.poll({"device_code": "x"}), "invalid_grant")
        self.assertEqual(self.page.decide(begun["user_code"], "alice", GOOD).status, 400)

    def test_sign_in__code_used_once(self):
        begun = self.begin().json
        self.page.decide(begun["user_code"].lower().replace("-", " "), "alice", GOOD)
        self.assertEqual(self.poll(begun).status, 200)
        self.assert_error(self.poll(begun), "invalid_grant")

    def test_requests_not_for_people__refused(self):
        self.assert_error(self.begin(client_id=self.world.credentials["clientId"]), "unauthorized_client")
        self.assert_error(self.begin(client_id="me"), "unauthorized_client")
        self.assert_error(self.begin(scope="https://elsewhere.example/.default"), "invalid_resource")
        self.assert_error(self.begin(scope="profile"), "invalid_scope")
        self.assert_error(self.begin(scope=self.scope + " " + self.management), "invalid_scope")
        self.assert_error(self.begin("/somebody/oauth2/devicecode"), "invalid_tenant")

    def test_page__is_strict(self):
        answer = self.page.open()
        policy = answer.headers["Content-Security-Policy"]
        for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            self.assertIn(part, policy)
        self.assertNotIn("script", policy + answer.raw.decode())
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertNotIn("Set-Cookie", answer.headers)
        begun = self.begin().json
        asked = self.page.post(user_code=begun["user_code"]).raw.decode()
        for shown in (CLIENT, "127.0.0.1", self.scope.removesuffix("/.default"), "Azure CLI"):
            self.assertIn(shown, asked)
        for label in re.findall(r'<input id="([^"]+)"', asked):
            self.assertIn(f'<label for="{label}">', asked)
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                        {"Sec-Fetch-Site": "same-site"}):
            forged = self.page.decide(begun["user_code"], "alice", GOOD, headers=headers)
            self.assertEqual(forged.status, 403, headers)
        self.assert_error(self.poll(begun), "authorization_pending")
        shown = self.page.post(user_code='"><b>').raw.decode()
        self.assertNotIn('"><b>', shown)
        self.page.decide(begun["user_code"], decision="deny")

    def test_refresh__rotates_and_old_tokens_end_the_family(self):
        first = self.sign_in()["refresh_token"]
        self.assert_error(self.refresh(first, client_id=OTHER), "invalid_grant")
        second = self.refresh(first, self.management)
        self.assertEqual(second.status, 200, second)
        self.assertEqual(claims_of(second.json["access_token"])["aud"], self.management.removesuffix("/.default"))
        self.assertNotEqual(second.json["refresh_token"], first)
        again = self.refresh(first)  # another process of the same client
        self.assertEqual((again.status, "refresh_token" in again.json), (200, False))
        third = self.refresh(second.json["refresh_token"]).json["refresh_token"]
        self.assert_error(self.refresh(first), "invalid_grant")
        self.shift(120)
        self.addCleanup(self.shift, 0)
        self.assert_error(self.refresh(second.json["refresh_token"]), "invalid_grant")
        self.assert_error(self.refresh(third), "invalid_grant")

    def test_people__managed_by_operators(self):
        bob = make_person(self.world, "bob", "a passphrase of Bob", "--operator")
        listed = json.loads(self.world.check("keyquay", "principal", "list", "--person", "--data", self.world.data, "--json"))
        self.assertIn(("bob", True), [(one["userName"], one["isOperator"]) for one in listed])
        self.assertNotIn("passphrase", json.dumps(listed))
        begun = self.begin(scope=self.management).json
        self.page.decide(begun["user_code"], "bob", "a passphrase of Bob")
        token = self.poll(begun).json
        people = self.world.management_url("/keyquay/people")
        self.assertEqual(self.world.request("GET", people, token=token["access_token"], version=None).status, 200)
        self.assertEqual(self.world.request("DELETE", f"{people}/{bob['objectId']}", token=token["access_token"],
                                            version=None).status, 409)
        of_alice = self.sign_in(scope=self.management)["access_token"]
        self.assertEqual(self.world.request("GET", people, token=of_alice, version=None).status, 403)
        again = self.world.manage("POST", "/keyquay/people", {"userName": "BOB", "passphrase": "x"})
        self.assertEqual(again.status, 409, again)
        for body, says in (({}, "userName"), ({"userName": "a"}, "passphrase"), ({"userName": "a", "passphrase": ""}, "passphrase"),
                           ({"userName": "a\n", "passphrase": "b"}, "userName")):
            answer = self.world.manage("POST", "/keyquay/people", body)
            self.assertEqual(answer.status, 400, answer)
            self.assertIn(says, answer.json["error"]["message"])
        self.world.check("keyquay", "principal", "delete", "bob", "--person", "--data", self.world.data)
        self.assert_error(self.refresh(token["refresh_token"]), "invalid_grant")
        self.assertEqual(self.world.request("GET", people, token=token["access_token"], version=None).status, 403)
        self.assertEqual(self.world.manage("GET", f"/keyquay/people/{bob['objectId']}").status, 404)

    def test_short_passphrase__refused_unless_wanted(self):
        with self.assertRaises(RuntimeError):
            make_person(self.world, "carol", "short")
        self.assertEqual(make_person(self.world, "carol", "short", "--weak-passphrase")["userName"], "carol")


class Guessing(unittest.TestCase):
    """In a world of its own: it ends with an address that may no longer try."""

    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"guessing": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        make_person(cls.world, "alice", GOOD)
        cls.page = DevicePage(cls.world)

    begin, poll, post = Devices.begin, Devices.poll, Devices.post
    assert_error = Devices.assert_error

    def test_wrong_passphrases_and_codes__limited(self):
        self.scope = f"https://vault.{self.world.domain}:{self.world.port}/.default"
        begun = [answer.json for answer in (self.begin() for _ in range(8))]
        self.assert_error(self.begin(), "temporarily_unavailable", 429)
        wrong = self.page.decide(begun[0]["user_code"], "alice", "not it")
        nobody = self.page.decide(begun[0]["user_code"], "nobody", "not it")
        self.assertEqual((wrong.status, nobody.status), (401, 401))
        hide = re.compile(rb'nonce="[0-9a-f]+"')
        self.assertEqual(hide.sub(b"", wrong.raw), hide.sub(b"", nobody.raw))
        for _ in range(3):
            self.page.decide(begun[0]["user_code"], "alice", "not it")
        self.assertEqual(self.page.decide(begun[0]["user_code"], "alice", GOOD).status, 400)  # the code has ended; 6 faults
        self.assert_error(self.poll(begun[0]), "access_denied")
        for _ in range(4):
            self.assertEqual(self.page.post(user_code="BCDF-GHJK").status, 400)
        limited = self.page.decide(begun[1]["user_code"], "alice", GOOD)
        self.assertEqual(limited.status, 429)
        self.assert_error(self.poll(begun[1]), "authorization_pending")


if __name__ == "__main__":
    unittest.main()
