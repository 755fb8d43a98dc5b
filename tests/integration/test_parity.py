"""What Azure Key Vault's clients rely on, point by point; docs/PARITY-REST.md names the test of each."""
import base64
import hashlib
import json
import os
import re
import sys
import time
import unittest
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from travel import Traveller, base64url, unbase64url  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

KEY_VAULT = "/providers/Microsoft.KeyVault/vaults/"
DIGEST = base64url(hashlib.sha256(b"text").digest())
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DAY = 86400
# RFC 7515 appendix A.3: a P-256 key that everybody knows
CURVE_KEY = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}


class Parity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.rsa = cls.must(cls.world.vault("POST", "contoso", "/keys/rsa/create", {"kty": "RSA-HSM"}))["key"]
        cls.ec = cls.must(cls.world.vault("POST", "contoso", "/keys/ec/create", {"kty": "EC-HSM"}))["key"]

    @staticmethod
    def must(answer, status=200):
        if answer.status != status:
            raise AssertionError(answer)
        return answer.json if answer.raw else None

    def ask(self, method, path, body=None, vault="contoso", **options):
        return self.world.vault(method, vault, path, body, **options)

    def create(self, name, **body):
        return self.must(self.ask("POST", f"/keys/{name}/create", {"kty": "EC", **body}))

    def refuses(self, answer, status, code, inner=None, words=""):
        self.assertEqual((answer.status, answer.error_code, answer.inner_code), (status, code, inner), answer)
        self.assertIn(words, answer.json["error"]["message"])
        self.assertEqual(set(answer.json), {"error"})
        self.assertLessEqual(set(answer.json["error"]), {"code", "message", "innererror"})

    def new_vault(self, **properties):
        """A vault of its own for a case; returns (name, path)."""
        name = "v" + uuid.uuid4().hex[:12]
        group = f"/subscriptions/{self.world.subscriptions[0]}/resourceGroups/parity"
        self.assertIn(self.world.manage("PUT", group, {"location": "eastus"}).status, (200, 201))
        body = {"location": "eastus", "properties": {
            "tenantId": self.world.endpoints["tenantId"], "sku": {"family": "A", "name": "premium"},
            "accessPolicies": [{"tenantId": self.world.endpoints["tenantId"], "objectId": self.own_object_id(),
                                "permissions": {"keys": ["all", "purge"]}}], **properties}}
        self.must(self.world.manage("PUT", group + KEY_VAULT + name, body))
        return name, group + KEY_VAULT + name

    def own_object_id(self):
        return json.loads(unbase64url(self.world.token().split(".")[1]))["oid"]

    # ---- the traps

    def package(self):
        if not hasattr(Parity, "content"):
            with Traveller(self.world) as owner, open(owner.package("mykey", "NA-1", "Friendly"), "rb") as file:
                Parity.content = file.read()
        return self.content

    def import_package(self, name, text, **more):
        key = {"kty": "RSA-HSM", "key_hsm": text, **more.pop("key", {})}
        return self.ask("PUT", f"/keys/{name}", {"key": key, **more})

    def test_trap_01_hsm_false__beside_a_package__is_a_hardware_key(self):
        made = self.must(self.import_package("trap1", base64url(self.package()), Hsm=False))
        self.assertEqual(made["key"]["kty"], "RSA-HSM")

    def test_trap_02_key_hsm_alphabets__each_padded_or_not__is_read(self):
        plain = base64.b64encode(self.package()).decode()
        url = base64.urlsafe_b64encode(self.package()).decode()
        numbers = {self.must(self.import_package("trap2", text))["key"]["n"]
                   for text in (plain, plain.rstrip("="), url, url.rstrip("="))}
        self.assertEqual(len(numbers), 1)
        # the two alphabets in one text are neither
        mixed = plain.replace("+", "-", 1) if "/" in plain and "+" in plain else plain + "-"
        self.refuses(self.import_package("trap2", mixed), 400, "BadParameter")

    def test_trap_03_formats_of_byok__told_apart_by_content__json_is_named(self):
        text = base64url(b' {"schema_version":"1.0.0","header":{"kid":"x","alg":"dir","enc":"CKM_RSA_AES_KEY_WRAP"}}')
        self.refuses(self.import_package("trap3", text), 400, "NotSupported", words="vendor-neutral")
        self.refuses(self.import_package("trap3", base64url(b"neither")), 400, "BadParameter")

    def test_trap_04_stray_n_and_e__beside_a_package__are_ignored(self):
        stray = {"n": self.rsa["n"], "e": "AQAB"}
        made = self.must(self.import_package("trap4", base64url(self.package()), key=stray))
        self.assertNotEqual(made["key"]["n"], self.rsa["n"])

    def test_trap_05_empty_segments_and_no_version__each_form_of_path__is_the_same(self):
        for path in ("/keys/ec", "/keys/ec/", "//keys/ec", "/keys//ec//"):
            self.assertEqual(self.must(self.ask("GET", path))["key"]["kid"], self.ec["kid"])
        version = self.ec["kid"].rpartition("/")[2]
        for path in ("/keys/ec/sign", "/keys/ec//sign", "//keys/ec//sign", "/KEYS/ec/Sign", f"/keys/ec/{version}/sign"):
            made = self.must(self.ask("POST", path, {"alg": "ES256", "value": DIGEST}))
            self.assertEqual(made["kid"], self.ec["kid"])

    def test_trap_06_first_request__without_token_and_body__is_challenged_before_all_else(self):
        for method, path in (("POST", "/keys/n/create"), ("PUT", "/keys/n"), ("GET", "/keys"), ("PATCH", "/keys/n/v"),
                             ("POST", "/keys/restore"), ("DELETE", "/keys/n"), ("GET", "/nowhere")):
            answer = self.world.request(method, self.world.vault_url("contoso", path), b"",
                                        headers={"Content-Length": "0"}, version=None)
            self.refuses(answer, 401, "Unauthorized", words="AKV10000: Request is missing a Bearer or PoP token.")

    def challenge(self):
        answer = self.world.request("GET", self.world.vault_url("contoso", "/keys"))
        return answer.headers["WWW-Authenticate"]

    def test_trap_07_resource_of_the_challenge__the_vaults_host_ends_with_it(self):
        resource = re.search(r'resource="([^"]+)"', self.challenge()).group(1)
        parts = urllib.parse.urlsplit(resource)
        self.assertEqual((parts.scheme, parts.path, parts.query), ("https", "", ""))
        self.assertTrue(urllib.parse.urlsplit(self.world.vault_url("contoso")).netloc.endswith("." + parts.netloc))

    def test_trap_08_form_of_the_challenge__both_clients_parsers__find_the_tenant(self):
        text = self.challenge()
        # Python: split at commas, then at "=", pairs with more than one are dropped
        pairs = dict(part.strip().split("=") for part in text.removeprefix("Bearer ").split(",") if part.count("=") == 1)
        self.assertEqual(set(pairs), {"authorization", "resource"})
        # JavaScript: name="value", the tenant is the path without its first slash
        quoted = dict(re.findall(r'(\w+)="([^"]*)"', text))
        authority = urllib.parse.urlsplit(quoted["authorization"])
        self.assertEqual(authority.path[1:], self.world.endpoints["tenantId"])
        self.assertEqual((authority.scheme, authority.query), ("https", ""))

    def test_trap_09_oct__on_a_vault__is_a_key_type_not_supported(self):
        for kty in ("oct", "oct-HSM"):
            self.refuses(self.ask("POST", "/keys/oct/create", {"kty": kty}), 400, "BadParameter", "KeyTypeNotSupported",
                         f"Invalid kty value: {kty}")
            answer = self.ask("PUT", "/keys/oct", {"key": {"kty": kty, "k": "AAAA"}})
            self.refuses(answer, 400, "BadParameter", "KeyTypeNotSupported")

    def test_trap_10_exponent__of_every_rsa_key__is_aqab(self):
        self.assertEqual(self.rsa["e"], "AQAB")
        made = self.must(self.ask("POST", "/keys/rsasoft/create", {"kty": "RSA", "public_exponent": 65537}))
        self.assertEqual(made["key"]["e"], "AQAB")

    def test_trap_11_pollers__after_delete_and_recover__see_404_then_200(self):
        self.create("trap11")
        self.must(self.ask("DELETE", "/keys/trap11"))
        self.must(self.ask("GET", "/deletedkeys/trap11"))
        self.refuses(self.ask("GET", "/keys/trap11"), 404, "KeyNotFound")
        self.must(self.ask("POST", "/deletedkeys/trap11/recover"))
        self.must(self.ask("GET", "/keys/trap11"))
        self.refuses(self.ask("GET", "/deletedkeys/trap11"), 404, "KeyNotFound", words="Deleted Key not found: trap11")

    def test_trap_12_names_of_secp256k1__old_and_new__both_work(self):
        old = self.must(self.ask("POST", "/keys/old/create", {"kty": "EC", "crv": "SECP256K1"}, version="2016-10-01"))
        self.assertEqual(old["key"]["crv"], "SECP256K1")
        self.assertEqual(self.must(self.ask("GET", "/keys/old"))["key"]["crv"], "P-256K")
        for algorithm, other in (("ECDSA256", "ES256K"), ("ES256K", "ECDSA256")):
            signed = self.must(self.ask("POST", "/keys/old/sign", {"alg": algorithm, "value": DIGEST}, version="2016-10-01"))
            checked = self.must(self.ask("POST", "/keys/old/verify", {"alg": other, "digest": DIGEST, "value": signed["value"]}))
            self.assertIs(checked["value"], True)

    # ---- 1.1 versions, 1.5 names, 1.6 pages, 1.7 headers

    def test_version__missing_or_empty__is_said_and_any_other_taken(self):
        for path in ("/keys", "/keys?api-version="):
            self.refuses(self.ask("GET", path, version=None), 400, "BadParameter", words="api-version")
        for version in ("2015-06-01", "2016-10-01", "7.0", "7.3-preview", "7.6-preview.2", "2025-07-01", "2099-01-01"):
            self.must(self.ask("GET", "/keys/ec", version=version))
        self.must(self.ask("GET", "/keys/ec?api%2Dversion=7.4", version=None))

    def test_names__of_parameters__in_any_case_and_encoding(self):
        for query in ("API-Version=7.4&MaxResults=1", "api%2Dversion=7.4&max%52esults=1"):
            page = self.must(self.ask("GET", "/keys?" + query, version=None))
            self.assertEqual(len(page["value"]), 1)
            token = page["nextLink"].partition("$skiptoken=")[2].partition("&")[0]
            after = self.must(self.ask("GET", f"/keys?{query}&%24SkipToken={token}", version=None))
            self.assertNotEqual(after["value"], page["value"])

    def test_names__of_keys__length_and_letters(self):
        long = "a" * 127
        self.assertTrue(self.create(long)["key"]["kid"].split("/")[4] == long)
        for name in ("a" * 128, "a_b", "a.b", "a%20b", "%C3%A4"):
            self.refuses(self.ask("POST", f"/keys/{name}/create", {"kty": "EC"}), 400, "BadParameter")
            self.refuses(self.ask("PUT", f"/keys/{name}", {"key": CURVE_KEY}), 400, "BadParameter")
        self.assertEqual(self.must(self.ask("GET", "/keys/EC"))["key"]["kid"], self.ec["kid"])

    def test_kid__of_an_answer__is_the_address_with_a_version_of_32_hex_digits(self):
        self.assertRegex(self.ec["kid"], "^" + re.escape(self.world.vault_url("contoso", "/keys/ec/")) + "[0-9a-f]{32}$")
        self.assertNotIn("d", self.ec)

    def test_tags__fifteen_of_256_letters__and_no_more(self):
        tags = {f"{i:0256}": "v" * 256 for i in range(15)}
        self.assertEqual(self.create("tagged", tags=tags)["tags"], tags)
        for wrong in ({**tags, "one": "more"}, {"n" * 257: ""}, {"n": "v" * 257}, {"n": 1}, []):
            self.refuses(self.ask("POST", "/keys/tagged/create", {"kty": "EC", "tags": wrong}), 400, "BadParameter")

    def test_pages__followed_to_the_end__have_every_key_once(self):
        name, _ = self.new_vault()
        for i in range(7):
            self.must(self.ask("POST", f"/keys/k{i}/create", {"kty": "EC"}, vault=name))
        seen, link, pages = [], "/keys?maxresults=3", 0
        while link:
            page = self.must(self.ask("GET", link, vault=name))
            self.assertLessEqual(len(page["value"]), 3)
            seen += [item["kid"].rpartition("/")[2] for item in page["value"]]
            pages += 1
            if page["nextLink"]:
                self.assertRegex(page["nextLink"], r"^https://[^/]+:\d+/keys\?api-version=7\.4&\$skiptoken=[\w-]+&maxresults=3$")
                link = page["nextLink"].partition(f":{self.world.port}")[2].replace("$", "%24")
            else:
                link = None
        self.assertEqual((sorted(seen), pages >= 3), ([f"k{i}" for i in range(7)], True))
        self.assertEqual(self.must(self.ask("GET", "/deletedkeys", vault=name)), {"value": [], "nextLink": None})
        self.assertEqual(self.must(self.ask("GET", "/keys/none/versions", vault=name)), {"value": [], "nextLink": None})

    def test_maxresults__outside_1_to_25__is_refused(self):
        for path in ("/keys", "/deletedkeys", "/keys/ec/versions"):
            for wrong in ("0", "26", "-1", "x", "1.5", ""):
                self.refuses(self.ask("GET", f"{path}?maxresults={wrong}"), 400, "BadParameter", words="maxresults")
            self.must(self.ask("GET", f"{path}?maxresults=25"))
        self.refuses(self.ask("GET", "/keys?$skiptoken=!"), 400, "BadParameter", words="nextLink")

    def test_headers__of_good_and_bad_answers__are_the_documented_set(self):
        identity = str(uuid.uuid4())
        for path in ("/keys/ec", "/keys/none"):
            headers = self.ask("GET", path, headers={"x-ms-client-request-id": identity}).headers
            expected = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Expires": "-1",
                        "Content-Type": "application/json; charset=utf-8", "X-Content-Type-Options": "nosniff",
                        "Strict-Transport-Security": "max-age=31536000;includeSubDomains",
                        "x-ms-keyvault-region": "eastus", "x-ms-client-request-id": identity,
                        "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;"}
            self.assertEqual({name: headers[name] for name in expected}, expected)
            self.assertRegex(headers["x-ms-request-id"], f"^{GUID}$")
            self.assertTrue(headers["x-ms-keyvault-service-version"])
            self.assertEqual(len(headers.get_all("x-ms-request-id")), 1)

    def test_headers__of_managed_hsms_and_the_control_plane__are_not_offered(self):
        absent = ("x-ms-failure-cause", "x-ms-correlation-request-id", "x-ms-ratelimit-remaining-subscription-writes")
        for answer in (self.ask("GET", "/keys/ec"), self.ask("GET", "/keys/none"), self.world.manage("GET", "/subscriptions")):
            self.assertEqual([name for name in absent if name in answer.headers], [])

    # ---- 1.3 shapes, 1.4 kinds

    def test_create__kty_alone__has_the_documented_defaults(self):
        rsa = self.must(self.ask("POST", "/keys/plain/create", {"kty": "RSA"}))
        self.assertEqual(len(unbase64url(rsa["key"]["n"])), 256)
        self.assertEqual(rsa["key"]["key_ops"], ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
        self.assertEqual((self.ec["crv"], self.ec["key_ops"]), ("P-256", ["sign", "verify"]))
        self.assertEqual(set(rsa["attributes"]), {"enabled", "created", "updated", "recoveryLevel", "recoverableDays",
                                                  "exportable"})
        newest = self.must(self.ask("GET", "/keys/plain", version="7.5"))["attributes"]
        self.assertEqual((newest["hsmPlatform"], newest["exportable"]), ("0", False))
        self.assertEqual(self.must(self.ask("GET", "/keys/ec", version="2025-07-01"))["attributes"]["hsmPlatform"], "1")
        self.assertNotIn("exportable", self.must(self.ask("GET", "/keys/plain", version="7.2"))["attributes"])

    def test_attributes__attestation_external_key_managed__are_in_no_answer(self):
        for version in ("7.4", "7.6", "2025-07-01"):
            for path in ("/keys/rsa", "/keys", "/keys/rsa/versions"):
                answer = self.must(self.ask("GET", path, version=version))
                for item in answer.get("value", [answer]):
                    self.assertEqual({"attestation", "external_key"} & set(item["attributes"]), set())
                    self.assertNotIn("managed", item)

    def test_encrypt__iv_aad_and_tag__are_ignored(self):
        ignored = {"iv": DIGEST, "aad": DIGEST, "tag": DIGEST}
        sealed = self.must(self.ask("POST", "/keys/rsa/encrypt", {"alg": "RSA-OAEP-256", "value": DIGEST, **ignored}))
        self.assertEqual(set(sealed), {"kid", "value"})
        opened = self.must(self.ask("POST", "/keys/rsa/decrypt",
                                    {"alg": "RSA-OAEP-256", "value": sealed["value"], **ignored}))
        self.assertEqual(opened["value"], DIGEST)

    def test_create__wrong_members__are_named(self):
        for body, words in (({}, "kty"), ({"kty": "RSA", "key_size": 1024}, "key_size"), ({"kty": "EC", "crv": "P-1"}, "crv"),
                            ({"kty": "EC", "key_ops": ["fly"]}, "key_ops"), ({"kty": "EC", "attributes": 1}, "attributes"),
                            ({"kty": "EC", "attributes": {"exp": "soon"}}, "exp"),
                            ({"kty": "RSA", "public_exponent": 3}, "'public_exponent'"),
                            ({"kty": "RSA", "public_exponent": 65538}, "'public_exponent'")):
            answer = self.ask("POST", "/keys/wrong/create", body)
            self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"), answer)
            self.assertIn(words, answer.json["error"]["message"])
        answer = self.ask("POST", "/keys/wrong/create", {"kty": "AKP", "alg": "ML-DSA-44"}, version="2026-05-01-preview")
        self.refuses(answer, 400, "BadParameter", "KeyTypeNotSupported", "Invalid kty value: AKP")
        self.refuses(self.ask("GET", "/keys/wrong"), 404, "KeyNotFound")

    # ---- 1.9 errors

    def test_error__key_not_found__has_the_documented_words(self):
        self.refuses(self.ask("GET", "/keys/none"), 404, "KeyNotFound", words="A key with (name/id) none was not found in "
                     "this key vault. If you recently deleted this key you may be able to recover it using the correct "
                     "recovery command. For help resolving this issue, please see "
                     "https://go.microsoft.com/fwlink/?linkid=2125182")
        self.refuses(self.ask("GET", "/keys/ec/" + "0" * 32), 404, "KeyNotFound", words="ec/" + "0" * 32)
        for method, path in (("GET", "/deletedkeys/none"), ("DELETE", "/deletedkeys/none"),
                             ("POST", "/deletedkeys/none/recover")):
            self.refuses(self.ask(method, path), 404, "KeyNotFound", words="Deleted Key not found: none")

    def test_error__access_denied__names_caller_permission_and_vault(self):
        name, _ = self.new_vault(accessPolicies=[])
        for path, verb in (("/keys", "list"), ("/keys/n", "get")):
            answer = self.ask("GET", path, vault=name)
            self.refuses(answer, 403, "Forbidden", "AccessDenied", "https://go.microsoft.com/fwlink/?linkid=2125287")
            self.assertRegex(answer.json["error"]["message"],
                             rf"^The user, group or application 'appid={GUID};oid={GUID};iss=https://[^']+' does not have "
                             rf"keys {verb} permission on key vault '{name};location=eastus'\.")

    def test_error__forbidden_by_rbac__names_action_and_resource(self):
        name, _ = self.new_vault(enableRbacAuthorization=True)
        answer = self.ask("POST", "/keys/n/sign", {"alg": "ES256", "value": DIGEST}, vault=name)
        self.refuses(answer, 403, "Forbidden", "ForbiddenByRbac", "Action: 'Microsoft.KeyVault/vaults/keys/sign/action'\r\n")
        for words in ("Caller is not authorized to perform action on resource.\r\n", "Assignment: (not found)\r\n",
                      f"vaults/{name}/keys/n'\r\n", f"Vault: {name};location=eastus"):
            self.assertIn(words, answer.json["error"]["message"])

    def test_error__forbidden_by_firewall__names_the_address(self):
        name, _ = self.new_vault(networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]})
        self.refuses(self.ask("GET", "/keys", vault=name), 403, "Forbidden", "ForbiddenByFirewall",
                     "Client address: 127.0.0.1")

    def test_error__operation_not_in_key_ops__is_forbidden(self):
        self.must(self.ask("POST", "/keys/only/create", {"kty": "RSA", "key_ops": ["sign"]}))
        answer = self.ask("POST", "/keys/only/decrypt", {"alg": "RSA1_5", "value": base64url(bytes(256))})
        self.refuses(answer, 403, "Forbidden", "KeyOperationForbidden", "Operation decrypt is not permitted on this key.")

    def test_error__disabled_key__does_nothing_but_is_read(self):
        self.create("off", attributes={"enabled": False})
        self.must(self.ask("GET", "/keys/off"))
        answer = self.ask("POST", "/keys/off/sign", {"alg": "ES256", "value": DIGEST})
        self.refuses(answer, 403, "Forbidden", "KeyDisabled", "Operation sign is not allowed on a disabled key.")
        self.must(self.ask("PATCH", "/keys/off", {"attributes": {"enabled": True}}))
        self.must(self.ask("POST", "/keys/off/sign", {"alg": "ES256", "value": DIGEST}))

    def test_error__outside_nbf_and_exp__sign_is_refused_and_verify_works(self):
        now = int(time.time())
        signed = self.must(self.ask("POST", "/keys/ec/sign", {"alg": "ES256", "value": DIGEST}))["value"]
        for name, attributes, inner in (("early", {"nbf": now + DAY}, "KeyNotYetValid"),
                                        ("late", {"nbf": now - 9 * DAY, "exp": now - DAY}, "KeyExpired")):
            self.create(name, attributes=attributes)
            answer = self.ask("POST", f"/keys/{name}/sign", {"alg": "ES256", "value": DIGEST})
            self.refuses(answer, 403, "Forbidden", inner)
            body = {"alg": "ES256", "digest": DIGEST, "value": signed}
            self.assertIs(self.must(self.ask("POST", f"/keys/{name}/verify", body))["value"], False)

    def test_error__name_of_a_deleted_key__create_import_and_restore_conflict(self):
        self.create("gone")
        value = self.must(self.ask("POST", "/keys/gone/backup"))["value"]
        self.must(self.ask("DELETE", "/keys/gone"))
        for method, path, body in (("POST", "/keys/gone/create", {"kty": "EC"}), ("PUT", "/keys/gone", {"key": CURVE_KEY}),
                                   ("POST", "/keys/restore", {"value": value})):
            self.refuses(self.ask(method, path, body), 409, "Conflict", "ObjectIsDeletedButRecoverable",
                         "Key gone is currently in a deleted but recoverable state, and its name cannot be reused; in this "
                         "state, the key can only be recovered or purged.")

    def test_error__restore_over_a_key__is_a_conflict(self):
        value = self.must(self.ask("POST", "/keys/ec/backup"))["value"]
        self.refuses(self.ask("POST", "/keys/restore", {"value": value}), 409, "Conflict",
                     words="There was a conflict restoring the key")
        for wrong in ("", "AAAA", value[:-4], value[:200] + ("A" if value[200] != "A" else "B") + value[201:]):
            self.refuses(self.ask("POST", "/keys/restore", {"value": wrong}), 400, "BadParameter")
        azure = base64url(b"&AzureKeyVaultKeyBackupV1.microsoft.com" + b"eyJraWQiOiI")
        self.refuses(self.ask("POST", "/keys/restore", {"value": azure}), 400, "NotSupported", words="only Azure can open")

    def test_error__import_without_a_web_key__has_the_documented_words(self):
        for body in ({}, {"key": 5}, {"key": None}, {"Hsm": True}):
            self.refuses(self.ask("PUT", "/keys/nokey", body), 400, "BadParameter",
                         words='The property "key" must be a valid JsonWebKey object.')
        for missing in ("x", "y", "d", "crv"):
            key = {name: value for name, value in CURVE_KEY.items() if name != missing}
            self.refuses(self.ask("PUT", "/keys/nokey", {"key": key}), 400, "BadParameter", words=f"'{missing}'")

    def test_error__length_of_a_digest__has_the_documented_words(self):
        self.refuses(self.ask("POST", "/keys/ec/sign", {"alg": "ES256", "value": "AA"}), 400, "BadParameter",
                     words="Invalid length of 'value': 1 bytes. ES256 requires 32 bytes, encoded with base64url.")
        self.refuses(self.ask("POST", "/keys/ec/sign", {"alg": "ES384", "value": DIGEST}), 400, "BadParameter")
        self.refuses(self.ask("POST", "/keys/ec/encrypt", {"alg": "RSA-OAEP", "value": "AA"}), 403, "Forbidden",
                     "KeyOperationForbidden")
        for algorithm in ("A256KW", "A128GCM", "HS256", "ES256K", "none"):
            self.refuses(self.ask("POST", "/keys/rsa/sign", {"alg": algorithm, "value": DIGEST}), 400, "BadParameter",
                         words=algorithm)

    def test_error__hardware_kind_on_a_standard_vault__has_the_documented_words(self):
        name, _ = self.new_vault(sku={"family": "A", "name": "standard"})
        for kty in ("RSA-HSM", "EC-HSM"):
            self.refuses(self.ask("POST", "/keys/n/create", {"kty": kty}, vault=name), 400, "BadParameter",
                         words="Hardware key operation not allowed on standard vault")
        self.must(self.ask("POST", "/keys/n/create", {"kty": "EC"}, vault=name))

    def test_error__wrong_sku__is_not_supported(self):
        group = f"/subscriptions/{self.world.subscriptions[0]}/resourceGroups/parity"
        self.world.manage("PUT", group, {"location": "eastus"})
        body = {"location": "eastus", "properties": {"tenantId": self.world.endpoints["tenantId"], "accessPolicies": [],
                                                     "sku": {"family": "A", "name": "gold"}}}
        self.refuses(self.world.manage("PUT", group + KEY_VAULT + "wrong-sku-vault", body), 400, "SkuNotSupported",
                     words="The key vault sku is invalid.")

    def test_not_offered__each_route__is_refused_by_name(self):
        version = self.rsa["kid"].rpartition("/")[2]
        routes = [("POST", f"/keys/rsa/{version}/release", {"target": "x"}), ("POST", "/keys/rsa/release", {"target": "x"}),
                  ("POST", f"/keys/rsa/{version}/securewrapkey", {"alg": "RSA-OAEP-256"}),
                  ("POST", f"/keys/rsa/{version}/secureunwrapkey", {"alg": "RSA-OAEP-256"}),
                  ("GET", f"/keys/rsa/{version}/attestation", None), ("GET", "/keys/rsa/attestation", None),
                  ("POST", "/rng", {"count": 4})]
        routes += [("GET", "/" + tree, None) for tree in ("secrets", "certificates", "storage", "settings", "deletedsecrets",
                                                          "deletedcertificates", "securitydomain/download/pending")]
        routes += [("POST", path, {}) for path in ("/backup", "/securitydomain/upload")]
        for method, path, body in routes:
            with self.subTest(path):
                self.refuses(self.ask(method, path, body, version="2025-07-01"), 400, "NotSupported", words="support"
                             if path != "/rng" else "managed HSMs only")

    def test_terraform__reads_contacts_of_a_vault__is_told_of_none(self):
        self.refuses(self.ask("GET", "/certificates/contacts", version="7.1"), 404, "NotFound", words="certificate contacts")
        for method in ("PUT", "DELETE"):
            self.refuses(self.ask(method, "/certificates/contacts", {}), 400, "NotSupported")

    def test_not_offered__release_policy_export_and_exportable__are_refused_by_name(self):
        policy = {"data": "e30", "contentType": "application/json; charset=utf-8"}
        for body in ({"release_policy": policy}, {"attributes": {"exportable": True}}, {"key_ops": ["export"]}):
            self.refuses(self.ask("POST", "/keys/out/create", {"kty": "EC-HSM", **body}), 400, "NotSupported")
        self.refuses(self.ask("PATCH", "/keys/ec", {"release_policy": policy}), 400, "NotSupported")
        answer = self.ask("PUT", "/keys/out", {"key": CURVE_KEY, "release_policy": policy})
        self.refuses(answer, 400, "NotSupported")
        self.refuses(self.ask("GET", "/keys/out"), 404, "KeyNotFound")

    def test_not_offered__methods_and_tunnelled_methods__are_405(self):
        answer = self.ask("PUT", "/keys/ec/versions", {})
        self.refuses(answer, 405, "MethodNotAllowed")
        self.assertEqual(answer.headers["Allow"], "GET, HEAD, PATCH")
        # X-HTTP-METHOD of the article on the protocol is not obeyed: what is written in the request line counts
        answer = self.ask("POST", "/keys/ec", {}, headers={"X-HTTP-METHOD": "DELETE"})
        self.assertEqual(answer.status, 405)
        self.must(self.ask("GET", "/keys/ec"))

    # ---- 1.11 soft delete, 1.12 rotation

    def test_deleted_key__its_members_and_dates__are_the_documented(self):
        self.create("dated")
        deleted = self.must(self.ask("DELETE", "/keys/dated"))
        self.assertEqual(deleted["recoveryId"], self.world.vault_url("contoso", "/deletedkeys/dated"))
        self.assertEqual(deleted["scheduledPurgeDate"] - deleted["deletedDate"],
                         deleted["attributes"]["recoverableDays"] * DAY)
        listed = [item for item in self.must(self.ask("GET", "/deletedkeys"))["value"] if item["kid"].endswith("/dated")]
        self.assertEqual(len(listed), 1)
        for method, path, body in (("POST", "/keys/dated/sign", {"alg": "ES256", "value": DIGEST}),
                                   ("PATCH", "/keys/dated", {}), ("POST", "/keys/dated/backup", None),
                                   ("POST", "/keys/dated/rotate", None), ("GET", "/keys/dated/rotationpolicy", None)):
            self.refuses(self.ask(method, path, body), 404, "KeyNotFound")
        answer = self.ask("DELETE", "/deletedkeys/dated")
        self.assertEqual((answer.status, answer.raw), (204, b""))

    def test_recovery_levels__by_days_and_purge_protection__are_the_documented(self):
        for properties, level in (({"softDeleteRetentionInDays": 7}, "CustomizedRecoverable+Purgeable"),
                                  ({}, "Recoverable+Purgeable"), ({"enablePurgeProtection": True}, "Recoverable"),
                                  ({"softDeleteRetentionInDays": 89, "enablePurgeProtection": True},
                                   "CustomizedRecoverable")):
            name, _ = self.new_vault(**properties)
            made = self.must(self.ask("POST", "/keys/k/create", {"kty": "EC"}, vault=name))
            self.assertEqual(made["attributes"]["recoveryLevel"], level)
            self.assertEqual(made["attributes"]["recoverableDays"], properties.get("softDeleteRetentionInDays", 90))
            self.must(self.ask("DELETE", "/keys/k", vault=name))
            purged = self.ask("DELETE", "/deletedkeys/k", vault=name)
            if "Purgeable" in level:
                self.assertEqual(purged.status, 204, purged)
            else:
                self.refuses(purged, 403, "Forbidden", words="purge protection is enabled")

    def test_vault__what_soft_delete_fixes__cannot_be_changed(self):
        for properties in ({"softDeleteRetentionInDays": 6}, {"softDeleteRetentionInDays": 91}, {"enableSoftDelete": False}):
            with self.subTest(properties), self.assertRaisesRegex(AssertionError, "^400 .*" + next(iter(properties))):
                self.new_vault(**properties)
        _, path = self.new_vault(enablePurgeProtection=True, softDeleteRetentionInDays=30)
        for properties in ({"enablePurgeProtection": False}, {"softDeleteRetentionInDays": 31}):
            answer = self.world.manage("PATCH", path, {"properties": properties})
            self.refuses(answer, 400, "BadRequest", words=next(iter(properties)))

    def test_vault__purge_protection_false_from_the_start__is_off_and_may_be_turned_on(self):
        _, path = self.new_vault(enablePurgeProtection=False)
        self.assertNotIn("enablePurgeProtection", self.must(self.world.manage("GET", path))["properties"])
        changed = self.must(self.world.manage("PATCH", path, {"properties": {"enablePurgeProtection": True}}))
        self.assertIs(changed["properties"]["enablePurgeProtection"], True)

    def test_rotation__policy_as_recorded__new_version_expires_after_it(self):
        self.create("turning", key_ops=["sign", "verify"], tags={"a": "b"})
        policy = {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P15D"}, "action": {"type": "rotate"}},
                                      {"trigger": {"timeBeforeExpiry": "P7D"}, "action": {"type": "NOTIFY"}}],
                  "attributes": {"expiryTime": "P30D"}}
        kept = self.must(self.ask("PUT", "/keys/turning/rotationpolicy", policy))
        self.assertEqual(kept["id"], self.world.vault_url("contoso", "/keys/turning/rotationpolicy"))
        self.assertEqual([action["action"]["type"] for action in kept["lifetimeActions"]], ["Rotate", "Notify"])
        self.assertLessEqual({"created", "updated", "expiryTime"}, set(kept["attributes"]))
        self.assertEqual(self.must(self.ask("GET", "/keys/turning/rotationpolicy")), kept)
        new = self.must(self.ask("POST", "/keys/turning/rotate"))
        self.assertEqual(new["attributes"]["exp"] - new["attributes"]["created"], 30 * DAY)
        self.assertEqual((new["key"]["key_ops"], new["tags"]), (["sign", "verify"], {"a": "b"}))
        self.assertEqual(len(self.must(self.ask("GET", "/keys/turning/versions"))["value"]), 2)

    def test_rotation__policies_below_the_minima__are_refused(self):
        def action(kind, **trigger):
            return {"trigger": trigger, "action": {"type": kind}}
        month = {"expiryTime": "P90D"}
        for policy in ({"attributes": {"expiryTime": "P27D"}}, {"lifetimeActions": [action("Rotate", timeAfterCreate="P6D")]},
                       {"lifetimeActions": [action("Rotate", timeBeforeExpiry="P6D")], "attributes": month},
                       {"lifetimeActions": [action("Rotate", timeBeforeExpiry="P30D")]},
                       {"lifetimeActions": [action("Rotate", timeAfterCreate="P9D"), action("Rotate", timeAfterCreate="P8D")]},
                       {"lifetimeActions": [action("Notify", timeBeforeExpiry="P9D")] * 3, "attributes": month},
                       {"lifetimeActions": [action("Sing", timeAfterCreate="P9D")]},
                       {"lifetimeActions": [action("Rotate", timeAfterCreate="9 days")]},
                       {"lifetimeActions": [action("Rotate")]}, {"attributes": {"expiryTime": 30}}):
            self.refuses(self.ask("PUT", "/keys/rsa/rotationpolicy", policy), 400, "BadParameter")


if __name__ == "__main__":
    unittest.main()
