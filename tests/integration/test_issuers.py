"""Tokens of other OpenID Connect issuers: added, refreshed, replaced and removed while the vault runs."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from issuer import Issuer  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

OBJECT = "12345678-1234-4234-8234-123456789abc"
CLIENT = "87654321-1234-4234-8234-123456789abc"


class Issuers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"tokens": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.audience = f"https://vault.{cls.world.domain}:{cls.world.port}"

    def setUp(self):
        name = self.id().rsplit(".", 1)[1][-24:].replace("_", "-").strip("-").lower()
        self.name = name
        self.issuer = Issuer(os.path.join(self.world.folder, name))
        self.addCleanup(self.issuer.__exit__)
        self.issuer.add_key("first")

    def tool(self, *words):
        return self.world.run("keyquay", "issuer", *words, "--data", self.world.data)

    def add(self, *options, name=None, issuer=None):
        issuer = issuer or self.issuer
        result = self.tool("add", name or self.name, "--url", issuer.url, "--ca", issuer.ca, *options)
        self.addCleanup(self.tool, "remove", name or self.name)
        return result

    def file(self, name=None):
        return os.path.join(self.world.data, "issuers", (name or self.name) + ".json")

    def call(self, token):
        return self.world.request("GET", self.world.vault_url("tokens", "/keys"), token=token)

    def wait(self, token, status, seconds=10):
        """A change is taken within seconds; the tools' signal makes it earlier."""
        end = time.monotonic() + seconds
        while True:
            answer = self.call(token)
            if answer.status == status or time.monotonic() > end:
                self.assertEqual(answer.status, status, answer)
                return answer
            time.sleep(0.05)

    def assert_refused(self, token, says):
        answer = self.call(token)
        self.assertEqual(answer.status, 401, answer)
        self.assertIn(says, answer.json["error"]["message"])

    def allow(self, object_id, vault="tokens"):
        token = self.world.token("management")
        subscription = self.world.endpoints["subscriptionId"]
        found = self.world.request("GET", self.world.management_url(f"/subscriptions/{subscription}/resources"), token=token,
                                   version="2021-04-01")
        path = next(item["id"] for item in found.json["value"] if item["name"] == vault)
        body = {"properties": {"accessPolicies": [{"tenantId": self.world.credentials["tenantId"], "objectId": object_id,
                                                   "permissions": {"keys": ["list"]}}]}}
        answer = self.world.request("PUT", self.world.management_url(path + "/accessPolicies/add"), body, token=token,
                                    version="2023-07-01")
        self.assertIn(answer.status, (200, 201), answer)

    def whoami(self, token):
        path = os.path.join(self.world.folder, "token")
        with open(path, "w", encoding="ascii") as file:
            file.write(token + "\n")
        result = self.tool("whoami", "--token", path, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    # ---- who is taken

    def test_subject(self):
        """A subject of any form has an object id here, which policies name; without a policy it may do nothing."""
        self.assertEqual(self.add().returncode, 0)
        token = self.issuer.token("first", sub="repo:contoso/app", aud=[self.audience, "https://elsewhere"])
        self.wait(token, 403)
        who = self.whoami(token)
        self.assertEqual(who["objectId"][14], "8")
        self.allow(who["objectId"])
        self.wait(token, 200)
        self.assertEqual(self.call(self.issuer.token("first", sub="repo:contoso/other", aud=self.audience)).status, 403)

    def test_guid(self):
        """A claim that is a GUID is the object id."""
        self.assertEqual(self.add("--object-claim", "oid", "--client-claim", "azp").returncode, 0)
        token = self.issuer.token("first", oid=OBJECT, azp=CLIENT, aud=self.audience)
        self.assertEqual(self.whoami(token), {"issuer": self.name, "objectId": OBJECT, "clientId": CLIENT})
        self.allow(OBJECT)
        self.wait(token, 200)
        self.assert_refused(self.issuer.token("first", azp=CLIENT, aud=self.audience), "whom it speaks of")
        self.assert_refused(self.issuer.token("first", oid=OBJECT, aud=self.audience), "names no application")

    def test_groups(self):
        """Groups and roles that a token claims are nobody here, whatever a policy says of such an object id."""
        self.assertEqual(self.add("--object-claim", "oid", "--client-claim", "azp").returncode, 0)
        group = "7a1d6f10-0000-4000-8000-00000000000a"
        self.allow(group)
        token = self.issuer.token("first", oid="7a1d6f10-0000-4000-8000-00000000000b", azp=CLIENT, aud=self.audience,
                                  groups=[group], roles=[group], wids=[group])
        self.assertEqual(self.wait(token, 403).inner_code, "AccessDenied")

    def test_operator(self):
        """An issuer that calls its application as the operator is called gets nothing by it."""
        self.assertEqual(self.add("--client-claim", "azp").returncode, 0)
        host = f"https://management.{self.world.domain}:{self.world.port}"
        token = self.issuer.token("first", azp=self.world.credentials["clientId"], sub="robot", aud=[host, self.audience])
        self.wait(token, 403)
        url = self.world.management_url("/keyquay/principals")
        self.assertEqual(self.world.request("GET", url, token=token).status, 403)
        self.assertEqual(self.tool("remove", self.name).returncode, 0)
        self.assertEqual(self.add("--object-claim", "oid", "--client-claim", "azp").returncode, 0)
        token = self.issuer.token("first", azp=self.world.credentials["clientId"], aud=[host, self.audience],
                                  oid=self.world.credentials["objectId"])
        self.wait(token, 200)
        self.assertEqual(self.world.request("GET", url, token=token).status, 403)
        self.assertEqual(self.world.request("GET", url, token=self.world.token("management")).status, 200)

    def test_algorithms(self):
        for kind in ("P-256", "P-384"):
            self.issuer.add_key(kind, kind)
        self.assertEqual(self.add().returncode, 0)
        for kid in self.issuer.keys:
            self.wait(self.issuer.token(kid, aud=self.audience), 403)
        for alg in ("PS256", "HS256", "none"):
            token = self.issuer.token("first", alg=alg, aud=self.audience)
            self.assert_refused(token, "algorithm" if alg != "none" else "compact form")

    def test_refused(self):
        self.assertEqual(self.add("--audience", "api://keys,other", "--tenant", OBJECT).returncode, 0)
        good = {"aud": "api://keys", "tid": OBJECT}
        self.wait(self.issuer.token("first", **good), 403)
        now = int(time.time())
        for says, changes in (("AKV10022", {"aud": self.audience}), ("AKV10022", {"aud": None}), ("AKV10022", {"aud": []}),
                              ("tid", {"tid": CLIENT}), ("tid", {"tid": None}),
                              ("expired", {"exp": now - 3600}), ("when it ends", {"exp": None}), ("nbf", {"nbf": now + 3600}),
                              ("AKV10046", {"iss": self.issuer.url + "/"}), ("AKV10046", {"iss": None})):
            with self.subTest(**changes):
                self.assert_refused(self.issuer.token("first", **{**good, **changes}), says)

    def test_two_issuers(self):
        """Each issuer's keys are good for its own tokens, also where a kid is the same."""
        with Issuer(os.path.join(self.world.folder, "two"), path="/tenant/v2.0") as other:
            other.add_key("first")
            other.add_key("second")
            self.assertEqual(self.add().returncode, 0)
            self.assertEqual(self.add(name="second-one", issuer=other).returncode, 0)
            self.wait(self.issuer.token("first", aud=self.audience), 403)
            self.wait(other.token("first", aud=self.audience), 403)
            self.assert_refused(other.token("first", iss=self.issuer.url, aud=self.audience), "signature")
            self.assert_refused(other.token("second", iss=self.issuer.url, aud=self.audience), "AKV10046")
            self.assertNotEqual(self.whoami(self.issuer.token("first", aud=self.audience))["objectId"],
                                self.whoami(other.token("first", aud=self.audience))["objectId"])

    # ---- keys that change

    def test_rotation(self):
        self.assertEqual(self.add().returncode, 0)
        old = self.issuer.token("first", aud=self.audience)
        self.wait(old, 403)
        del self.issuer.keys["first"]
        self.issuer.add_key("next")
        new = self.issuer.token("next", aud=self.audience)
        self.assert_refused(new, "AKV10046")
        with open(os.path.join(self.world.data, "vault", "keyvaultd.log"), encoding="utf-8") as log:
            end = time.monotonic() + 15
            text = ""
            while f"keyquay issuer refresh {self.name}" not in text:
                self.assertLess(time.monotonic(), end, "the log does not name the remedy")
                time.sleep(0.2)
                text += log.read()
        result = self.tool("refresh")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.wait(new, 403)
        self.assert_refused(old, "AKV10046")
        self.assertEqual(self.tool("remove", self.name).returncode, 0)
        self.wait(new, 401)

    def test_damaged(self):
        """A damaged file changes nothing; a file that is gone does."""
        self.assertEqual(self.add().returncode, 0)
        token = self.issuer.token("first", aud=self.audience)
        self.wait(token, 403)
        with open(self.file(), "rb") as file:
            content = file.read()
        self.assertEqual(os.stat(self.file()).st_mode & 0o777, 0o644)
        for damage in (content[:-20], b"", b"x" * 70000, content.replace(b'"RS256"', b'"HS256"'),
                       content.replace(b'"kid"', b'"d": "AQAB", "kid"')):
            with open(self.file() + ".new", "wb") as file:
                file.write(damage)
            os.rename(self.file() + ".new", self.file())
            time.sleep(0.1)
            self.world.check("kill", "-HUP", str(self.world.pid()))
            time.sleep(0.3)
            self.assertEqual(self.call(token).status, 403)
            self.assertNotEqual(self.tool("list").returncode, 0)
        os.remove(self.file())
        self.wait(token, 401)

    # ---- adding

    def test_add_refused(self):
        def refused(says, *options):
            result = self.add(*options)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(says, result.stderr)
            self.assertFalse(os.path.exists(self.file()))

        self.issuer.changes = {"issuer": self.issuer.url + "/"}
        refused("its configuration is of the issuer")
        self.issuer.changes = {"jwks_uri": self.issuer.host.replace("https", "http") + "/keys"}
        refused("jwks_uri")
        self.issuer.changes = {}
        kind = {"Content-Type": "application/json"}
        for says, answer in (("status 302", (302, {"Location": self.issuer.host + "/others"}, b"")),
                             ("status 404", (404, kind, b"{}")),
                             ("JSON", (200, kind, b"<html>")),
                             ("longer than", (200, kind, b'{"keys":["' + b"x" * 300000 + b'"]}')),
                             ("JWK set", (200, kind, b'{"key":[]}')),
                             ("no key", (200, kind, b'{"keys":[]}')),
                             ("private", (200, kind, json.dumps(
                                 {"keys": [{**self.issuer.keys["first"].jwk, "d": "AQAB"}]}).encode())),
                             ("private", (200, kind, b'{"keys":[{"kty":"oct","kid":"a","alg":"HS256","k":"AAAA"}]}')),
                             ("same kid", (200, kind, json.dumps(
                                 {"keys": [self.issuer.keys["first"].jwk] * 2}).encode()))):
            with self.subTest(says=says):
                self.issuer.answers["/keys"] = answer
                refused(says)
        self.issuer.answers = {}
        for says, options in (("--object-claim", ("--object-claim", "email")), ("--client-claim", ("--client-claim", "x")),
                              ("--tenant", ("--tenant", "contoso")), ("--audience", ("--audience", "a,,b"))):
            refused(says, *options)
        os.chmod(os.path.join(self.world.data, "issuers"), 0o777)
        refused("nobody else can write")
        os.chmod(os.path.join(self.world.data, "issuers"), 0o755)
        self.assertEqual(self.add().returncode, 0)
        self.assertIn("already", self.add().stderr)
        self.assertIn("already", self.tool("add", "again", "--url", self.issuer.url, "--ca", self.issuer.ca).stderr)
        self.assertIn(self.issuer.url, self.tool("list").stdout)


if __name__ == "__main__":
    unittest.main()
