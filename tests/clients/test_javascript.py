"""The official clients for JavaScript, unmodified and with default settings."""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, HERE)
from clients import JavaScript  # noqa: E402
from recorded import KEY_OPERATIONS, USE_OPERATIONS, Recorded  # noqa: E402
from travel import Traveller, unbase64url  # noqa: E402
from vault_world import VaultWorld  # noqa: E402


class JavaScriptClients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.js = JavaScript(cls.world, ["contoso.vault"])

    def test_default_settings__sign_with_imported_key__verifies(self):
        with Traveller(self.world) as owner:
            package = owner.package("contosokey", "NA-1", "ContosoFirstHSMkey")
            exported = owner.public_key("contosokey")
            imported = self.world.import_package("contoso", "ContosoFirstHSMkey", package)
        self.assertEqual(imported.status, 200, imported)
        said = self.js.run("sign.mjs", self.world.vault_url("contoso"), "ContosoFirstHSMkey")
        self.assertEqual(said["keyType"], "RSA-HSM")
        self.verify_with_openssl(exported, said["text"], said["signatures"]["RS256"])

    def verify_with_openssl(self, public_pem, text, signature):
        paths = {}
        for name, content in (("public", public_pem.encode()), ("text", text.encode()), ("signature", unbase64url(signature))):
            paths[name] = os.path.join(self.world.folder, name)
            with open(paths[name], "wb") as out:
                out.write(content)
        result = subprocess.run(["openssl", "dgst", "-sha256", "-verify", paths["public"], "-signature",
                                 paths["signature"], paths["text"]], capture_output=True, text=True, check=False)
        self.assertEqual(result.stdout.strip(), "Verified OK", result.stderr)


class EveryCall(Recorded):
    """In both ways to sign in; each has a vault of its own."""

    vaults = {"contoso": "eastus", "fabrikam": "westus2"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.js = JavaScript(cls.world, ["contoso.vault", "fabrikam.vault"], cls.recorder)
        with Traveller(cls.world) as owner:
            with open(owner.package("contosokey", "NA-1", "Travelled"), "rb") as package:
                content = package.read()
        cls.package = os.path.join(cls.world.folder, "travelled.byok")
        with open(cls.package, "wb") as out:
            out.write(content)

    def test_client_secret__every_key_call__answers(self):
        self.check_steps(self.js.run("keys.mjs", "secret", self.vault_url("contoso"), self.package), 15)

    def test_client_secret__every_algorithm__answers(self):
        self.check_steps(self.js.run("crypto.mjs", "secret", self.vault_url("contoso")), 28)

    def test_environment_alone__every_key_call__answers(self):
        self.check_steps(self.js.run("keys.mjs", "environment", self.vault_url("fabrikam"), self.package), 15)

    def test_environment_alone__every_algorithm__answers(self):
        self.check_steps(self.js.run("crypto.mjs", "environment", self.vault_url("fabrikam")), 28)

    def test_tenant_by_its_number__default_verification__answers(self):
        self.check_steps(self.js.run("tenant.mjs", self.vault_url("contoso"), self.world.credentials["tenantId"]), 1)

    def test_recorded_answers__published_documents__fit(self):
        # Named to run last: it judges what the others recorded.
        self.check_agents("azsdk-js-keyvault-keys/4.10.2")
        self.check_documents(400, KEY_OPERATIONS | USE_OPERATIONS)


if __name__ == "__main__":
    unittest.main()
