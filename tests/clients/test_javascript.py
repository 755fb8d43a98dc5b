"""The official clients for JavaScript, unmodified and with default settings."""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, HERE)
from clients import JavaScript  # noqa: E402
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


if __name__ == "__main__":
    unittest.main()
