"""The documents' five steps from end to end, line by line as printed.

Only what the documents leave to the reader is put in: the subscription's id, and
Linux paths for Windows ones. The connected workstation and the disconnected one
are two folders; files alone cross between them.
"""
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from journey import Journey, linux_line, write  # noqa: E402
from travel import base64url, unbase64url  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

VAULTS = {"NA": "ContosoKeyVaultHSM", "EU": "ContosoKeyVaultHSM-EU"}
LOCATIONS = {"NA": "eastus", "EU": "northeurope"}
SIGN_IN = ("Add-AzureAccount", "Get-AzureSubscription")
FILE_HASH = "Get-FileHash KeyVault-BYOK-Tools-*.zip"
NEW_WORLD = "new-world.exe --initialize --cipher-suite=DLf1024s160mRijndael --module=1 --acs-quorum=2/3"
VERIFY = "python verifykeypackage.py -k BYOK-KEK-pkg-{0}-1 -w BYOK-SecurityWorld-pkg-{0}-1"
GENERATE = ("generatekey --generate simple type=RSA size=2048 protect=module ident=contosokey plainname=contosokey "
            "nvram=no pubexp=")
MODIFY = ("KeyTransferRemote.exe -ModifyAcls -KeyAppName simple -KeyIdentifier contosokey "
          "-ExchangeKeyPackage BYOK-KEK-pkg-{0}-1 -NewSecurityWorldPackage BYOK-SecurityWorld-pkg-{0}-1")
ACLPRINT = ('"%nfast_home%\\bin\\preload.exe" -m 1 -A xferacld -K contosokey "%nfast_home%\\python\\bin\\python" '
            '"%nfast_home%\\python\\examples\\aclprint.py"')
DUMP = '"%nfast_home%\\bin\\kmfile-dump.exe" "%NFAST_KMDATA%\\local\\key_xferacld_contosokey"'
PACKAGE = ("KeyTransferRemote.exe -Package -KeyIdentifier contosokey -ExchangeKeyPackage BYOK-KEK-pkg-{0}-1 "
           "-NewSecurityWorldPackage BYOK-SecurityWorld-pkg-{0}-1 -SubscriptionId SubscriptionID "
           "-KeyFriendlyName ContosoFirstHSMkey")
ADD_KEY = ("Add-AzureKeyVaultKey -VaultName '{vault}' -Name 'ContosoFirstHSMkey' "
           "-KeyFilePath 'TransferPackage-ContosoFirstHSMkey.byok' -Destination 'HSM'")


class Story(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={VAULTS[code]: LOCATIONS[code] for code in VAULTS})
        cls.addClassCleanup(cls.world.__exit__)
        cls.journey = Journey()
        cls.addClassCleanup(cls.journey.close)
        cls.online = cls.journey.owner("online")
        cls.online.environment.update({"KEYQUAY_ENDPOINTS": os.path.join(cls.world.data, "endpoints.json"),
                                       "XDG_STATE_HOME": os.path.join(cls.online.folder, "state"),
                                       "KEYQUAY_ASKPASS": cls.write_sign_in()})
        cls.offline = cls.journey.owner("offline")

    @classmethod
    def write_sign_in(cls):
        """What the person at the connected workstation answers."""
        path = os.path.join(cls.online.folder, "sign-in")
        write(path, "#!/bin/sh\ncase $1 in\nusername) echo {clientId} ;;\nsecret) echo '{clientSecret}' ;;\n*) exit 3 ;;\nesac\n"
              .format(**cls.world.credentials))
        os.chmod(path, 0o700)
        return path

    def region(self, code):
        return next(region for region in self.world.endpoints["regions"] if region["code"] == f"{code}-1")

    def carry(self, pattern, source, target):
        for path in glob.glob(os.path.join(source.work, pattern)):
            shutil.copy(path, target.work)

    def test_every_line__north_america_and_europe__key_signs_in_the_vault(self):
        subscription = self.step_1_2_sign_in()
        self.step_1_3_toolsets()
        self.carry("KeyVault-BYOK-Tools-*.zip", self.online, self.offline)
        for path in glob.glob(os.path.join(self.offline.work, "*.zip")):
            self.offline.must("unzip", "-q", "-o", path, "-d", self.offline.work)
        self.assertIn("security world generated on module #1", self.offline.must_line(NEW_WORLD).out)
        for code in VAULTS:
            self.assertIn("Result: SUCCESS", self.offline.must_line(VERIFY.format(code)).out)
        self.offline.must_line(GENERATE)
        self.offline.must("keyquay", "key", "export-public", "--app", "simple", "--ident", "contosokey", "--out", "public.pem")
        for code, vault in VAULTS.items():
            with self.subTest(code):
                self.steps_4(code, subscription)
                self.carry("TransferPackage-ContosoFirstHSMkey.*", self.offline, self.online)
                shown = self.online.must_line(ADD_KEY.format(vault=vault)).out
                self.assertRegex(shown, r"Key type\s*: RSA-HSM")
                self.sign(vault)
                self.match_receipts()

    def step_1_2_sign_in(self):
        for line in SIGN_IN:
            shown = self.online.must_line(line).out
        self.assertRegex(shown, r"SubscriptionId\s*: " + self.world.endpoints["subscriptionId"])
        return self.world.endpoints["subscriptionId"]

    def step_1_3_toolsets(self):
        for code in VAULTS:
            region = self.region(code)
            path = "/toolsets/" + region["toolset"]
            answer = self.world.request("GET", self.world.login_url(path), version=None)
            self.assertEqual(answer.status, 200)
            self.assertEqual(hashlib.sha256(answer.raw).hexdigest(), region["toolsetSha256"])
            write(self.online.path(region["toolset"]), answer.raw)
        shown = self.online.must_line(FILE_HASH).out
        for code in VAULTS:
            self.assertIn(self.region(code)["toolsetSha256"].upper(), shown)

    def steps_4(self, code, subscription):
        for path in glob.glob(self.offline.path("TransferPackage-*")) + glob.glob(self.online.path("*Package-*")) + \
                glob.glob(self.online.path("ImportReceipt-*")):
            os.unlink(path)
        self.offline.expects(self.region(code))
        self.assertIn("Result: SUCCESS", self.offline.must_line(MODIFY.format(code)).out)
        for line in (ACLPRINT, DUMP):
            self.assertIn("MakeTransferPackage", self.offline.must_line(linux_line(line)).out)
        line = PACKAGE.format(code).replace("SubscriptionID", subscription)
        self.assertIn("Result: SUCCESS", self.offline.must_line(line).out)

    def sign(self, vault):
        text = b"signed by the key that was born in the owner's world"
        answer = self.world.vault("POST", vault, "/keys/ContosoFirstHSMkey/sign",
                                  {"alg": "RS256", "value": base64url(hashlib.sha256(text).digest())})
        self.assertEqual(answer.status, 200, answer)
        write(self.offline.path("signature"), unbase64url(answer.json["value"]))
        write(self.offline.path("text"), text)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "signature", "text"],
                              cwd=self.offline.work, capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout.strip(), "Verified OK", done.stderr)

    def match_receipts(self):
        receipt = glob.glob(self.online.path("ImportReceipt-ContosoFirstHSMkey-*.receipt"))
        self.assertEqual(len(receipt), 1)
        done = self.online.must("keyquay", "receipt", "match", "TransferPackage-ContosoFirstHSMkey.receipt", receipt[0],
                                "--package", "TransferPackage-ContosoFirstHSMkey.byok")
        self.assertIn("Result: SUCCESS", done.out)


if __name__ == "__main__":
    unittest.main()
