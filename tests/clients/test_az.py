"""The current Azure command line, unmodified, nothing switched off: the control
plane and every command for keys. What az computes itself, openssl checks."""
import base64
import hashlib
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, HERE)
from azcli import Az  # noqa: E402
from openssl import ecdsa_der, openssl, openssl_agrees  # noqa: E402
from recorded import Recorded  # noqa: E402
from snippets import Page, substitutes  # noqa: E402
from together import alone, together  # noqa: E402
from travel import Traveller  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

STRANGER = "11111111-2222-4333-8444-555555555555"
TEXT = b"what the signer means"
LABELS = ["contoso.vault", "azpolicy.vault", "azroles.vault", "azlife.vault"]
OFFICER = "Key Vault Crypto Officer"


def digest(bits=256, text=TEXT):
    return base64.b64encode(hashlib.new(f"sha{bits}", text).digest()).decode()


def jwk_number(text):
    return int.from_bytes(base64.b64decode(text), "big")


@together(workers=2)
class Commands(Recorded):
    vaults = {"contoso": "eastus"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        az = cls.az = Az(cls.world, LABELS, cls.recorder)
        az("cloud", "register", "-n", "Keyquay", "--endpoint-resource-manager", cls.world.management_url())
        az("cloud", "set", "-n", "Keyquay")
        cls.accounts = az(*az.login())
        # Commands side by side would make it at once.
        az("group", "create", "-n", "shared", "-l", "eastus")

    def write(self, name, content):
        path = self.az.path(name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def read(self, name):
        with open(self.az.path(name), "rb") as file:
            return file.read()

    def verifies(self, public_pem, signature, algorithm):
        """openssl's judgement of a signature in az's words."""
        kind, bits = algorithm[:2], algorithm[2:5]
        raw = base64.b64decode(signature)
        raw = ecdsa_der(raw) if kind == "ES" else raw
        # Cases run side by side: files of their own.
        own = f"{self._testMethodName}-{algorithm}"
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if kind == "PS" else []
        return openssl_agrees("dgst", f"-sha{bits}", "-verify", public_pem, *options, "-signature",
                              self.write(f"{own}.sig", raw), self.write(f"{own}.text", TEXT))

    # ---- clouds and accounts

    def test_cloud__from_the_file_and_by_metadata__same_endpoints(self):
        az = self.az.apart("azure-file")
        az("cloud", "register", "-n", "Filed", "--cloud-config", "@" + self.world.endpoints["azCloudConfig"])
        filed, found = az("cloud", "show", "-n", "Filed"), self.az("cloud", "show", "-n", "Keyquay")
        self.assertEqual(filed["suffixes"]["keyvaultDns"], f".vault.{self.world.domain}:{self.world.port}")
        self.assertEqual(filed["endpoints"]["activeDirectory"], self.world.login_url("/adfs"))
        for name in ("resourceManager", "management", "activeDirectory", "activeDirectoryResourceId", "microsoftGraphResourceId"):
            self.assertEqual(filed["endpoints"][name], found["endpoints"][name], name)
        self.assertEqual(filed["suffixes"]["keyvaultDns"], found["suffixes"]["keyvaultDns"])
        az("cloud", "set", "-n", "Filed")
        self.assertIn("AADSTS7000215", az.fails(*az.login(secret="no such secret")))
        self.assertEqual(len(az(*az.login())), 2)

    def test_login__tenant_in_the_authority__signs_in(self):
        az = self.az.apart("azure-tenant", AZURE_CORE_INSTANCE_DISCOVERY="false")
        az("cloud", "register", "-n", "Tenant", "--cloud-config", "@" + self.world.endpoints["azCloudConfig"])
        az("cloud", "update", "-n", "Tenant", "--endpoint-active-directory", self.world.login_url())
        az("cloud", "set", "-n", "Tenant")
        self.assertEqual({account["name"] for account in az(*az.login())}, {"Production", "Test"})
        self.assertIn("contoso", az("keyvault", "list", "--query", "[].name"))

    def test_account__list_show_token__tell_the_truth(self):
        tenant = self.world.credentials["tenantId"]
        self.assertEqual({account["id"] for account in self.accounts}, set(self.world.subscriptions))
        self.assertEqual({account["id"] for account in self.az("account", "list", "--refresh")}, set(self.world.subscriptions))
        shown = self.az("account", "show")
        self.assertEqual((shown["tenantId"], shown["environmentName"]), (tenant, "Keyquay"))
        token = self.az("account", "get-access-token")
        self.assertEqual((token["tenant"], token["tokenType"]), (tenant, "Bearer"))
        answer = self.world.request("GET", self.world.management_url("/subscriptions"), token=token["accessToken"])
        self.assertEqual(answer.status, 200, answer)
        answer = self.world.request("GET", self.world.vault_url("contoso", "/keys"), token=token["accessToken"])
        self.assertEqual(answer.status, 401, "a token for management opened a vault")

    # ---- groups and vaults

    def test_group__life(self):
        az = self.az
        made = az("group", "create", "-n", "short", "-l", "westeurope", "--tags", "a=b")
        self.assertEqual((made["location"], made["tags"]), ("westeurope", {"a": "b"}))
        self.assertEqual(az("group", "show", "-n", "short"), made)
        self.assertIn("short", az("group", "list", "--query", "[].name"))
        az("group", "delete", "-n", "short", "--yes")
        self.assertIs(az("group", "exists", "-n", "short"), False)
        self.assertIs(az("group", "exists", "-n", "shared"), True)
        self.assertIn("ResourceGroupNotFound", az.fails("group", "show", "-n", "short"))

    def test_vault__access_policies__decide(self):
        az, vault = self.az, "azpolicy"
        self.assertIs(az("keyvault", "check-name", "--name", vault)["nameAvailable"], True)
        made = az("keyvault", "create", "-n", vault, "-g", "shared", "-l", "eastus", "--sku", "premium",
                  "--enable-rbac-authorization", "false")
        self.assertEqual(made["properties"]["vaultUri"], self.world.vault_url(vault, "/"))
        self.assertEqual(made["properties"]["accessPolicies"][0]["permissions"]["keys"], ["all"])
        self.assertIs(az("keyvault", "check-name", "--name", vault)["nameAvailable"], False)
        az.key("create", vault, "k", "--kty", "RSA")
        policies = az("keyvault", "set-policy", "-n", vault, "--object-id", STRANGER, "--key-permissions", "get", "list")
        self.assertEqual({policy["objectId"]: sorted(policy["permissions"]["keys"])
                          for policy in policies["properties"]["accessPolicies"]}.get(STRANGER), ["get", "list"])
        az("keyvault", "delete-policy", "-n", vault, "--object-id", STRANGER)
        # By the application's name, which az asks the Graph for; without "get" az sends its requests unprepared.
        left = az("keyvault", "set-policy", "-n", vault, "--spn", self.world.credentials["clientId"], "--key-permissions",
                  "encrypt", "decrypt")["properties"]["accessPolicies"]
        self.assertEqual([sorted(policy["permissions"]["keys"]) for policy in left], [["decrypt", "encrypt"]])
        self.assertIn("Forbidden", az.key_fails("list", vault, None))
        sealed = az.key("encrypt", vault, "k", "-a", "RSA-OAEP-256", "--value", "c2VjcmV0")["result"]
        self.assertEqual(az.key("decrypt", vault, "k", "-a", "RSA-OAEP-256", "--value", sealed)["result"], "c2VjcmV0")
        updated = az("keyvault", "update", "-n", vault, "--set", "tags.team=keys")
        self.assertEqual((updated["tags"], len(updated["properties"]["accessPolicies"])), ({"team": "keys"}, 1))

    def test_vault__roles__decide(self):
        az, vault, client = self.az, "azroles", self.world.credentials["clientId"]
        made = az("keyvault", "create", "-n", vault, "-g", "shared", "-l", "eastus", "--sku", "premium")
        self.assertIs(made["properties"]["enableRbacAuthorization"], True)
        self.assertIn("ForbiddenByRbac", az.key_fails("create", vault, "k"))
        role = az("role", "definition", "list", "--name", OFFICER)[0]
        self.assertEqual((role["roleName"], role["name"]), (OFFICER, "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"))
        given = az("role", "assignment", "create", "--assignee", client, "--role", OFFICER, "--scope", made["id"])
        self.assertEqual((given["scope"], given["roleDefinitionId"].rpartition("/")[2]), (made["id"], role["name"]))
        az.key("create", vault, "k")
        listed = az("role", "assignment", "list", "--scope", made["id"], "--assignee", client)
        self.assertEqual([(item["id"], item["roleDefinitionName"]) for item in listed], [(given["id"], OFFICER)])
        az("role", "assignment", "delete", "--assignee", client, "--role", OFFICER, "--scope", made["id"])
        self.assertEqual(az("role", "assignment", "list", "--scope", made["id"]), [])
        self.assertIn("ForbiddenByRbac", az.key_fails("show", vault, "k"))

    def test_vault__life(self):
        az, vault = self.az, "azlife"
        made = az("keyvault", "create", "-n", vault, "-g", "shared", "-l", "westeurope", "--retention-days", "7")
        self.assertEqual(az("keyvault", "show", "-n", vault), made)
        self.assertIn(vault, az("keyvault", "list", "--query", "[].name"))
        self.assertIn(vault, az("keyvault", "list", "-g", "shared", "--query", "[].name"))
        self.assertIn("RegionNotSupported", az.fails("keyvault", "create", "-n", "azplace", "-g", "shared", "-l", "japaneast"))
        az("keyvault", "delete", "-n", vault)
        self.assertNotIn(vault, az("keyvault", "list", "--query", "[].name"))
        self.assertIn(vault, az("keyvault", "list-deleted", "--query", "[].name"))
        self.assertEqual(az("keyvault", "show-deleted", "-n", vault)["properties"]["vaultId"], made["id"])
        back = az("keyvault", "recover", "-n", vault)
        self.assertEqual({**back, "systemData": 0}, {**made, "systemData": 0})
        az("keyvault", "delete", "-n", vault)
        az("keyvault", "purge", "-n", vault)
        self.assertNotIn(vault, az("keyvault", "list-deleted", "--query", "[].name"))

    # ---- keys

    def test_key__kinds__are_made_as_asked(self):
        az = self.az
        made = az.key("create", "contoso", "ring-rsa", "--kty", "RSA-HSM", "--size", "3072", "--tags", "a=1", "--expires",
                      "2041-01-01T00:00:00Z", "--not-before", "2020-01-01T00:00:00Z")
        self.assertEqual((made["key"]["kty"], jwk_number(made["key"]["n"]).bit_length()), ("RSA-HSM", 3072))
        self.assertEqual((made["attributes"]["expires"], made["tags"]), ("2041-01-01T00:00:00+00:00", {"a": "1"}))
        for name, words, kty in (("ring-hsm", ["--protection", "hsm"], "RSA-HSM"), ("ring-soft", ["-p", "software"], "RSA"),
                                 ("ring-ec", ["--kty", "EC", "--curve", "P-256K"], "EC"),
                                 ("ring-ec-hsm", ["--kty", "EC-HSM", "--curve", "P-521"], "EC-HSM")):
            self.assertEqual(az.key("create", "contoso", name, *words)["key"]["kty"], kty, name)
        exchange = az.key("create", "contoso", "ring-kek", "--kty", "RSA-HSM", "--size", "4096", "--ops", "import")
        self.assertEqual(exchange["key"]["keyOps"], ["import"])
        names = az.key("list", "contoso", None, "--query", "[].name")
        self.assertLessEqual({"ring-rsa", "ring-hsm", "ring-soft", "ring-ec", "ring-ec-hsm", "ring-kek"}, set(names))
        self.assertEqual(len(az.key("list", "contoso", None, "--maxresults", "2")), 2)
        shown = az("keyvault", "key", "show", "--id", made["key"]["kid"])
        self.assertEqual(shown, made)
        off = az.key("set-attributes", "contoso", "ring-rsa", "--enabled", "false", "--tags", "b=2", "--ops", "sign")
        self.assertEqual((off["attributes"]["enabled"], off["tags"], off["key"]["keyOps"]), (False, {"b": "2"}, ["sign"]))
        self.assertIn("Forbidden", az.key_fails("sign", "contoso", "ring-rsa", "-a", "RS256", "--digest", digest()))

    def test_key__rsa__signs_and_decrypts(self):
        az = self.az
        made = az.key("create", "contoso", "az-rsa", "--kty", "RSA-HSM")
        az.key("download", "contoso", "az-rsa", "-f", az.path("az-rsa.pem"))
        modulus = openssl("rsa", "-pubin", "-in", az.path("az-rsa.pem"), "-noout", "-modulus").decode()
        self.assertEqual(int(modulus.strip().partition("=")[2], 16), jwk_number(made["key"]["n"]))
        for algorithm in ("RS256", "PS384"):
            text = digest(int(algorithm[2:]))
            signed = az.key("sign", "contoso", "az-rsa", "-a", algorithm, "--digest", text)
            self.assertTrue(self.verifies(az.path("az-rsa.pem"), signed["signature"], algorithm), algorithm)
            good = az.key("verify", "contoso", "az-rsa", "-a", algorithm, "--digest", text, "--signature", signed["signature"])
            self.assertIs(good["isValid"], True)
        bad = az.key("verify", "contoso", "az-rsa", "-a", "PS384", "--digest", digest(384, b"other"), "--signature",
                     signed["signature"])
        self.assertIs(bad["isValid"], False)
        sealed = az.key("encrypt", "contoso", "az-rsa", "-a", "RSA-OAEP", "--value", "plain words", "--data-type", "plaintext")
        opened = az.key("decrypt", "contoso", "az-rsa", "-a", "RSA-OAEP", "--value", sealed["result"], "--data-type", "plaintext")
        self.assertEqual(opened["result"], "plain words")
        by_openssl = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", az.path("az-rsa.pem"), "-pkeyopt",
                             "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", content=TEXT)
        opened = az.key("decrypt", "contoso", "az-rsa", "-a", "RSA-OAEP-256", "--value", base64.b64encode(by_openssl).decode())
        self.assertEqual(base64.b64decode(opened["result"]), TEXT)

    def test_key__ec__signs(self):
        az = self.az
        for name, kty, curve, algorithm in (("az-p256", "EC-HSM", "P-256", "ES256"), ("az-p521", "EC", "P-521", "ES512")):
            az.key("create", "contoso", name, "--kty", kty, "--curve", curve)
            az.key("download", "contoso", name, "-f", az.path(name))
            signed = az.key("sign", "contoso", name, "-a", algorithm, "--digest", digest(int(algorithm[2:])))
            self.assertTrue(self.verifies(az.path(name), signed["signature"], algorithm), name)

    def test_key__deleted_backed_up_restored(self):
        az, name = self.az, "az-life"
        made = az.key("create", "contoso", name, "--kty", "EC-HSM")
        az.key("download", "contoso", name, "-f", az.path(name + ".pem"))
        az.key("backup", "contoso", name, "-f", az.path(name + ".backup"))
        gone = az.key("delete", "contoso", name)
        self.assertEqual(gone["recoveryId"], self.world.vault_url("contoso", f"/deletedkeys/{name}"))
        self.assertIn("KeyNotFound", az.key_fails("show", "contoso", name))
        self.assertIn(name, [item["kid"].rpartition("/")[2] for item in az.key("list-deleted", "contoso", None)])
        self.assertEqual(az.key("show-deleted", "contoso", name)["key"], made["key"])
        self.assertEqual(az.key("recover", "contoso", name)["key"], made["key"])
        az.key("delete", "contoso", name)
        az.key("purge", "contoso", name)
        self.assertIn("KeyNotFound", az.key_fails("show-deleted", "contoso", name))
        back = az.key("restore", "contoso", None, "-f", az.path(name + ".backup"))
        self.assertEqual(back["key"], made["key"])
        signed = az.key("sign", "contoso", name, "-a", "ES256", "--digest", digest())
        self.assertTrue(self.verifies(az.path(name + ".pem"), signed["signature"], "ES256"))

    def test_key__rotation(self):
        az, name = self.az, "az-turn"
        made = az.key("create", "contoso", name, "--kty", "EC")
        before = az.key("rotation-policy show", "contoso", name)
        self.assertEqual([item["action"] for item in before["lifetimeActions"]], ["Notify"])
        rules = {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}],
                 "attributes": {"expiryTime": "P2Y"}}
        path = self.write("rotation.json", json.dumps(rules).encode())
        set_to = az.key("rotation-policy update", "contoso", name, "--value", path)
        self.assertEqual((set_to["expiresIn"], set_to["lifetimeActions"][0]["timeAfterCreate"]), ("P2Y", "P90D"))
        self.assertEqual(az.key("rotation-policy show", "contoso", name)["lifetimeActions"], set_to["lifetimeActions"])
        turned = az.key("rotate", "contoso", name)
        self.assertNotEqual(turned["key"]["kid"], made["key"]["kid"])
        self.assertEqual(turned["attributes"]["expires"][:4], str(int(turned["attributes"]["created"][:4]) + 2))
        versions = az.key("list-versions", "contoso", name, "--query", "[].kid")
        self.assertEqual(set(versions), {made["key"]["kid"], turned["key"]["kid"]})

    def test_key__imported_from_pem__signs_under_its_public_key(self):
        az = self.az
        for name, made, words, algorithm in (("in-rsa", ["genrsa", "2048"], ["-p", "hsm"], "RS256"),
                                             ("in-ec", ["ecparam", "-name", "secp384r1", "-genkey", "-noout"], [], "ES384")):
            pem = self.write(f"{name}.key", openssl(*made))
            public = self.write(f"{name}.pub", openssl("pkey", "-in", pem, "-pubout"))
            said = az.key("import", "contoso", name, "--pem-file", pem, *words)
            self.assertEqual(said["key"]["kty"], "RSA-HSM" if words else "EC")
            signed = az.key("sign", "contoso", name, "-a", algorithm, "--digest", digest(int(algorithm[2:])))
            self.assertTrue(self.verifies(public, signed["signature"], algorithm), name)

    def test_key__imported_from_byok_file__signs_under_its_owners_key(self):
        az = self.az
        with Traveller(self.world) as owner:
            package = owner.package("travelled", "NA-1", "AzImported")
            public = self.write("travelled.pem", owner.public_key("travelled").encode())
            said = az.key("import", "contoso", "AzImported", "--byok-file", package)
        self.assertEqual((said["key"]["kty"], said["attributes"]["hsmPlatform"]), ("RSA-HSM", "1"))
        signed = az.key("sign", "contoso", "AzImported", "-a", "RS256", "--digest", digest())
        self.assertTrue(self.verifies(public, signed["signature"], "RS256"))
        noise = self.write("noise.byok", os.urandom(700))
        self.assertRegex(az.key_fails("import", "contoso", "noise", "--byok-file", noise), "BadParameter")

    def test_what_is_not_offered__is_said(self):
        az = self.az
        for words in (["keyvault", "key", "random", "--count", "8", "--id", self.world.vault_url("contoso", "/")],
                      ["keyvault", "secret", "list", "--vault-name", "contoso"],
                      ["keyvault", "certificate", "list", "--vault-name", "contoso"]):
            self.assertIn("NotSupported", az.fails(*words))
        self.assertIn("claim", json.dumps(az("keyvault", "key", "get-policy-template")))
        self.assertIn("BadParameter", az.key_fails("create", "contoso", "bad_name"))

    @alone
    def test_zz_answers__hold_to_the_published_documents(self):
        self.check_documents(least=150)


class Guide(unittest.TestCase):
    def test_page__each_piece_runs(self):
        with VaultWorld(vaults={"contoso": "eastus"}) as world:
            az = Az(world, ["contoso.vault", "fabrikam.vault"])
            programs = os.path.dirname(az.program) + os.pathsep + world.environment["PATH"]
            az.configure("azure", PATH=programs, **{name: world.environment[name] for name in ("NFAST_HOME", "XDG_STATE_HOME")})
            with Traveller(world) as owner:
                os.rename(owner.package("contosokey", "NA-1", "ContosoFirstHSMkey"),
                          az.path("TransferPackage-ContosoFirstHSMkey.byok"))
            Page("az.md", substitutes(world)).run(az.start, world.folder)


if __name__ == "__main__":
    unittest.main()
