"""Debian 12's own az, unmodified. Its package lacks the module azure.keyvault;
a stand-in for it, which is no part of Keyquay, comes from the folder that
KEYQUAY_AZ_COMPAT names."""
import base64
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, HERE)
from azcli import Az  # noqa: E402
from openssl import openssl  # noqa: E402
from recorded import Recorded  # noqa: E402
from together import alone, together  # noqa: E402
from travel import Traveller  # noqa: E402

PROGRAM = "/usr/bin/az"
BESIDE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(HERE))), "shared", "tools", "az-compat")
COMPAT = os.environ.get("KEYQUAY_AZ_COMPAT", BESIDE)
# A download that takes longer is given up; unpacking is never interrupted.
DOWNLOAD_S = 100
INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends", "azure-cli"]
LABELS = ["contoso.vault", "debian.vault", "debianlife.vault"]


def is_debian_12():
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            words = file.read()
    except OSError:
        return False
    return "ID=debian\n" in words and 'VERSION_ID="12"' in words


def why_not():
    """Brings Debian's az in where that is fit. None, or why it is not there."""
    if not os.path.isdir(os.path.join(COMPAT, "azure", "keyvault")):
        return "Debian's az needs a module azure.keyvault; KEYQUAY_AZ_COMPAT names no folder with one"
    if os.path.exists(PROGRAM):
        return None
    if not is_debian_12() or os.geteuid() != 0:
        return "Debian 12's az is not installed (apt-get install azure-cli)"
    settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run([*INSTALL, "--download-only"], env=settings, stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=DOWNLOAD_S, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        return f"Debian's az cannot be downloaded: {error}"
    done = subprocess.run(INSTALL, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return None if os.path.exists(PROGRAM) else f"Debian's az cannot be installed: {done.stderr[-500:]}"


@together(workers=2)
class Commands(Recorded):
    vaults = {"contoso": "eastus"}

    @classmethod
    def setUpClass(cls):
        missing = why_not()
        if missing:
            raise unittest.SkipTest(missing)
        super().setUpClass()
        az = cls.az = Az(cls.world, LABELS, cls.recorder, PROGRAM)
        az.configure("azure", PYTHONPATH=COMPAT, PYTHONDONTWRITEBYTECODE="1")
        az("cloud", "register", "-n", "Keyquay", "--cloud-config", "@" + cls.world.endpoints["azCloudConfig"])
        az("cloud", "set", "-n", "Keyquay")
        cls.accounts = az(*az.login())
        az("group", "create", "-n", "shared", "-l", "eastus")

    def test_account_and_groups(self):
        az = self.az
        self.assertEqual([account["name"] for account in self.accounts], ["Production", "Test"])
        self.assertEqual(az("account", "show")["tenantId"], self.world.credentials["tenantId"])
        self.assertEqual(az("account", "get-access-token")["tokenType"], "Bearer")
        az("group", "create", "-n", "short", "-l", "westeurope")
        self.assertIn("short", az("group", "list", "--query", "[].name"))
        az("group", "delete", "-n", "short", "--yes")
        self.assertIs(az("group", "exists", "-n", "short"), False)

    def test_vault__life(self):
        az, vault = self.az, "debianlife"
        made = az("keyvault", "create", "-n", vault, "-g", "shared", "-l", "eastus", "--sku", "premium")
        self.assertEqual(made["properties"]["accessPolicies"][0]["permissions"]["keys"], ["all"])
        self.assertEqual(az("keyvault", "show", "-n", vault), made)
        left = az("keyvault", "set-policy", "-n", vault, "--spn", self.world.credentials["clientId"], "--key-permissions", "get")
        self.assertEqual([policy["permissions"]["keys"] for policy in left["properties"]["accessPolicies"]], [["get"]])
        self.assertIn("does not have keys", az.key_fails("list", vault, None))
        self.assertLessEqual({vault, "contoso"}, set(az("keyvault", "list", "--query", "[].name")))
        az("keyvault", "delete", "-n", vault)
        self.assertIn(vault, az("keyvault", "list-deleted", "--query", "[].name"))
        self.assertEqual(az("keyvault", "recover", "-n", vault)["properties"]["accessPolicies"],
                         left["properties"]["accessPolicies"])
        az("keyvault", "delete", "-n", vault)
        az("keyvault", "purge", "-n", vault)
        self.assertNotIn(vault, az("keyvault", "list-deleted", "--query", "[].name"))

    def test_key__used_and_turned(self):
        az, name = self.az, "deb-rsa"
        made = az.key("create", "contoso", name, "--kty", "RSA-HSM", "--size", "3072")
        self.assertEqual(az.key("show", "contoso", name)["key"], made["key"])
        self.assertEqual(az.key("set-attributes", "contoso", name, "--tags", "a=b")["tags"], {"a": "b"})
        az.key("download", "contoso", name, "-f", az.path("deb-rsa.pem"))
        sealed = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", az.path("deb-rsa.pem"), "-pkeyopt",
                         "rsa_padding_mode:oaep", content=b"from outside")
        opened = az.key("decrypt", "contoso", name, "-a", "RSA-OAEP", "--value", base64.b64encode(sealed).decode())
        self.assertEqual(base64.b64decode(opened["result"]), b"from outside")
        with open(az.path("deb-rotation.json"), "w", encoding="utf-8") as out:
            json.dump({"lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}],
                       "attributes": {"expiryTime": "P2Y"}}, out)
        az.key("rotation-policy update", "contoso", name, "--value", az.path("deb-rotation.json"))
        self.assertEqual(az.key("rotation-policy show", "contoso", name)["expiresIn"], "P2Y")
        turned = az.key("rotate", "contoso", name)["key"]["kid"]
        self.assertEqual({item["kid"] for item in az.key("list-versions", "contoso", name)}, {made["key"]["kid"], turned})

    def test_key__deleted_and_restored(self):
        az, name = self.az, "deb-life"
        made = az.key("create", "contoso", name, "--kty", "EC-HSM", "--curve", "P-384")
        az.key("backup", "contoso", name, "-f", az.path("deb-life.backup"))
        az.key("delete", "contoso", name)
        self.assertIn(name, [item["kid"].rpartition("/")[2] for item in az.key("list-deleted", "contoso", None)])
        self.assertEqual(az.key("show-deleted", "contoso", name)["key"]["kid"], made["key"]["kid"])
        self.assertEqual(az.key("recover", "contoso", name)["key"]["kid"], made["key"]["kid"])
        az.key("delete", "contoso", name)
        az.key("purge", "contoso", name)
        self.assertEqual(az.key("restore", "contoso", None, "-f", az.path("deb-life.backup"))["key"]["kid"], made["key"]["kid"])
        self.assertIn(name, [item["kid"].rpartition("/")[2] for item in az.key("list", "contoso", None)])

    def test_key__imported(self):
        az = self.az
        with open(az.path("deb.pem"), "wb") as out:
            out.write(openssl("genrsa", "2048"))
        self.assertEqual(az.key("import", "contoso", "deb-pem", "--pem-file", az.path("deb.pem"))["key"]["kty"], "RSA")
        az.key("download", "contoso", "deb-pem", "-f", az.path("deb.pub"))
        self.assertEqual(openssl("pkey", "-in", az.path("deb.pem"), "-pubout"),
                         openssl("pkey", "-pubin", "-in", az.path("deb.pub")))
        with Traveller(self.world) as owner:
            package = owner.package("travelled", "NA-1", "DebImported")
            public = openssl("pkey", "-pubin", content=owner.public_key("travelled").encode())
            az.key("import", "contoso", "DebImported", "--byok-file", package)
        az.key("download", "contoso", "DebImported", "-f", az.path("travelled.pub"))
        self.assertEqual(openssl("pkey", "-pubin", "-in", az.path("travelled.pub")), public)

    @alone
    def test_zz_answers__hold_to_the_published_documents(self):
        self.check_documents(least=70)


if __name__ == "__main__":
    unittest.main()
