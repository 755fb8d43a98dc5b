"""The command lines of the documents, as printed, from an empty Security World to a key used at its destination."""
import json
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from journey import SOURCE, SUBSCRIPTION, Journey, linux_line, read, write  # noqa: E402

NEW_WORLD = "new-world.exe --initialize --cipher-suite=DLf1024s160mRijndael --module=1 --acs-quorum=2/3"
VERIFY = {
    "NA-1": "python verifykeypackage.py -k BYOK-KEK-pkg-NA-1 -w BYOK-SecurityWorld-pkg-NA-1",
    "EU-1": "python verifykeypackage.py -k BYOK-KEK-pkg-EU-1 -w BYOK-SecurityWorld-pkg-EU-1",
}
GENERATE = ("generatekey --generate simple type=RSA size=2048 protect=module ident=contosokey plainname=contosokey "
            "nvram=no pubexp=")
MODIFY = {
    "NA-1": "KeyTransferRemote.exe -ModifyAcls -KeyAppName simple -KeyIdentifier contosokey -ExchangeKeyPackage "
            "BYOK-KEK-pkg-NA-1 -NewSecurityWorldPackage BYOK-SecurityWorld-pkg-NA-1",
    "EU-1": "KeyTransferRemote.exe -ModifyAcls -KeyAppName simple -KeyIdentifier contosokey -ExchangeKeyPackage "
            "BYOK-KEK-pkg-EU-1 -NewSecurityWorldPackage BYOK-SecurityWorld-pkg-EU-1",
}
INSPECT = [
    '"%nfast_home%\\bin\\preload.exe" -m 1 -A xferacld -K contosokey "%nfast_home%\\python\\bin\\python" '
    '"%nfast_home%\\python\\examples\\aclprint.py"',
    '"%nfast_home%\\bin\\kmfile-dump.exe" "%NFAST_KMDATA%\\local\\key_xferacld_contosokey"',
]
PACKAGE = {
    "NA-1": "KeyTransferRemote.exe -Package -KeyIdentifier contosokey -ExchangeKeyPackage BYOK-KEK-pkg-NA-1 "
            "-NewSecurityWorldPackage BYOK-SecurityWorld-pkg-NA-1 -SubscriptionId SubscriptionID -KeyFriendlyName "
            "ContosoFirstHSMkey",
    "EU-1": "KeyTransferRemote.exe -Package -KeyIdentifier contosokey -ExchangeKeyPackage BYOK-KEK-pkg-EU-1 "
            "-NewSecurityWorldPackage BYOK-SecurityWorld-pkg-EU-1 -SubscriptionId SubscriptionID -KeyFriendlyName "
            "ContosoFirstHSMkey",
}
OTHER_REGIONS = {"AP": "AP-1", "LATAM": "LATAM-1", "JPN": "JPN-1", "AUS": "AUS-1", "USGOV": "USGOV-1",
                 "CANADA": "CANADA-1", "GERMANY": "GERMANY-1", "INDIA": "INDIA-1"}
DOCUMENT = os.path.join(SOURCE, "..", "shared", "seeds", "003_48f9ca5e4cb270e8.txt")


class Lines(unittest.TestCase):
    @unittest.skipUnless(os.path.exists(DOCUMENT), "the document is not here")
    def test_lines__are_those_of_the_document(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            printed = {line.strip() for line in file}
        for line in [NEW_WORLD, GENERATE, *VERIFY.values(), *MODIFY.values(), *INSPECT, *PACKAGE.values()]:
            with self.subTest(line):
                self.assertIn(line, printed)


class Steps(unittest.TestCase):
    """Tests of one class share the journey and run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.journey = Journey()
        cls.addClassCleanup(cls.journey.close)
        began = time.monotonic()
        cls.facts = {fact["code"]: fact for fact in cls.journey.regions("NA", "EU")}
        cls.seconds = time.monotonic() - began
        cls.owner = cls.journey.owner("owner", "NA", "EU")

    def line(self, line):
        done = self.owner.line(linux_line(line))
        self.assertEqual(done.code, 0, done)
        return done

    def verify_signature(self, public, name):
        message = self.owner.path("message")
        signature = self.owner.path("signature")
        write(message, b"to be signed at the destination")
        used = self.journey.use("sign", name, "--mechanism", "rs256", "--in", message, "--out", signature)
        self.assertEqual(used.code, 0, used)
        self.owner.must("openssl", "dgst", "-sha256", "-verify", public, "-signature", signature, message)

    def test_0_regions__several_at_once__are_quick(self):
        self.assertEqual(set(self.facts), {"NA-1", "EU-1"})
        self.assertLess(self.seconds, 10, "meant to be under 5 s on an idle machine with two cores")

    def test_1_toolset__get_file_hash__is_the_published_one(self):
        for code, fact in self.facts.items():
            path = self.journey.toolset(code)
            done = self.owner.must("Get-FileHash", path, "-Json")
            self.assertEqual(json.loads(done.out)[0]["Hash"], fact["toolsetSha256"].upper())

    def test_1_toolset__made_twice__same_bytes(self):
        first = read(self.journey.toolset("NA"))
        second = self.journey.operator.run("keyquay", "region", "toolset", "UnitedStates", "--data", self.journey.data,
                                           "--out", self.owner.path("again.zip"), environment={"TZ": "Asia/Tokyo"})
        self.assertEqual(second.code, 0, second)
        self.assertEqual(read(self.owner.path("again.zip")), first)
        self.assertLess(len(first), 16 * 1024 * 1024)

    def test_3_1_new_world(self):
        self.assertRegex(self.line(NEW_WORLD).out, r"security world generated on module #1; hknso = [0-9a-f]{8} ")

    def test_3_2_verify(self):
        for code, line in VERIFY.items():
            with self.subTest(code):
                out = self.line(line).out
                self.assertIn("Result: SUCCESS", out)
                groups = " ".join(re.findall("." * 8, self.facts[code]["rootHash"]))
                self.assertIn(groups, out)

    def test_3_3_generate(self):
        out = self.line(GENERATE).out
        self.assertIn("Key successfully generated.", out)
        self.assertIn("key_simple_contosokey", out)
        self.owner.must("keyquay", "key", "export-public", "--app", "simple", "--ident", "contosokey", "--out",
                        self.owner.path("contosokey.pem"))

    def test_4_and_5_each_region(self):
        for code in ("NA-1", "EU-1"):
            with self.subTest(code):
                self.transfer(code)

    def transfer(self, code):
        self.owner.expects(self.facts[code])
        modified = self.line(MODIFY[code])
        self.assertIn("Result: SUCCESS", modified.out)
        self.assertEqual("An earlier copy was replaced" in modified.out, code == "EU-1")
        shown = self.line(INSPECT[0]).out
        self.assertIn("MakeTransferPackage", shown)
        self.assertNotIn("Sign", shown)
        self.assertIn("xferacld", self.line(INSPECT[1]).out)
        file = self.owner.path("TransferPackage-ContosoFirstHSMkey.byok")
        receipt = self.owner.path("TransferPackage-ContosoFirstHSMkey.receipt")
        for stale in (file, receipt):
            if os.path.exists(stale):
                os.remove(stale)
        packaged = self.line(PACKAGE[code].replace("SubscriptionID", SUBSCRIPTION))
        self.assertIn("Result: SUCCESS", packaged.out)
        name = "Contoso" + code[:2]
        brought = self.journey.bring(file, name, "--json")
        self.assertEqual(brought.code, 0, brought)
        fact = json.loads(brought.out)
        self.assertEqual(fact["region"], self.facts[code]["name"])
        self.assertEqual(fact["sourceSuite"], "DLf1024s160mRijndael")
        self.verify_signature(self.owner.path("contosokey.pem"), name)
        self.owner.must("keyquay", "receipt", "match", receipt, os.path.join(fact["path"], "receipt"), "--package", file)

    def test_5_decrypt__with_the_imported_key(self):
        secret, sealed, opened = (self.owner.path(name) for name in ("secret", "sealed", "opened"))
        write(secret, b"for the destination only")
        self.owner.must("openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", self.owner.path("contosokey.pem"), "-pkeyopt",
                        "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-in", secret, "-out", sealed)
        done = self.journey.use("decrypt", "ContosoNA", "--mechanism", "rsa-oaep-256", "--in", sealed, "--out", opened)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(read(opened), b"for the destination only")
        done = self.journey.use("public", "ContosoNA", "--out", self.owner.path("there.pem"))
        self.assertEqual(done.code, 0, done)
        self.assertEqual(read(self.owner.path("there.pem")), read(self.owner.path("contosokey.pem")))

    def test_6_receipts_of_different_packages__do_not_match(self):
        receipts = []
        for root, _, files in os.walk(os.path.join(self.journey.data, "regions", "UnitedStates", "vault")):
            receipts += [os.path.join(root, name) for name in files if name == "receipt"]
        done = self.owner.run("keyquay", "receipt", "match", self.owner.path("TransferPackage-ContosoFirstHSMkey.receipt"),
                              receipts[0])
        self.assertEqual(done.code, 1, done)

    def test_7_audit__of_both_ends__verifies(self):
        self.owner.must("keyquay", "audit", "verify")
        self.owner.must("keyquay", "audit", "verify", "--folder", os.path.join(self.journey.data, "regions", "Europe"))

    def test_8_restore__copies_of_local_and_two_cards__sign_on_a_second_module(self):
        second = self.journey.owner("second")
        second.must("cp", "-r", self.owner.local, second.kmdata)
        second.must("sh", "-c", f"cp {self.owner.ask}/card-* {second.ask}/")
        second.knows("present", "1 3")
        second.must_line("new-world.exe --program --module=1")
        message, signature = second.path("message"), second.path("signature")
        write(message, b"restored")
        second.must("keyquay", "key", "use", "sign", "--app", "simple", "--ident", "contosokey", "--mechanism", "rs256",
                    "--in", message, "--out", signature)
        second.must("openssl", "dgst", "-sha256", "-verify", self.owner.path("contosokey.pem"), "-signature", signature,
                    message)


class EveryRegion(unittest.TestCase):
    """The lines of step 3.2 and 4 for the document's other regions."""

    def test_lines__run_for_each(self):
        with Journey() as journey:
            facts = {fact["code"]: fact for fact in journey.regions(*OTHER_REGIONS)}
            self.assertEqual(set(facts), set(OTHER_REGIONS.values()))
            self.assertEqual(facts["GERMANY-1"]["name"], "Germany-Public")
            owner = journey.owner("owner", *OTHER_REGIONS)
            owner.new_world()
            owner.must_line(GENERATE)
            for code, fact in facts.items():
                with self.subTest(code):
                    owner.expects(fact)
                    owner.must_line(VERIFY["NA-1"].replace("NA-1", code))
                    owner.must_line(MODIFY["NA-1"].replace("NA-1", code))
                    owner.must_line(PACKAGE["NA-1"].replace("NA-1", code).replace("SubscriptionID", SUBSCRIPTION)
                                    .replace("ContosoFirstHSMkey", code))
                    done = journey.bring(owner.path(f"TransferPackage-{code}.byok"), code)
                    self.assertEqual(done.code, 0, done)


class Suites(unittest.TestCase):
    """Every suite of an owner's world, and EC keys, travel the same road."""

    def test_suites_and_key_types__travel(self):
        with Journey() as journey:
            (fact,) = journey.regions("JPN")
            for suite in ("DLf3072s256mRijndael", "DLf3072s256mAEScSP800131Ar1", "ECp521mAES"):
                owner = journey.owner(suite, "JPN")
                owner.expects(fact)
                owner.new_world(suite)
                for ident, kind, size in (("rsa", "type=RSA", "size=3072"), ("ec", "type=EC", "size=P-256")):
                    with self.subTest(suite=suite, key=ident):
                        owner.new_key(ident, kind, size)
                        self.assertEqual(owner.modify(ident, "JPN-1").code, 0)
                        self.assertEqual(owner.package(ident, "JPN-1", ident).code, 0)
                        done = journey.bring(owner.path(f"TransferPackage-{ident}.byok"), f"{suite[:6]}-{ident}", "--json")
                        self.assertEqual(done.code, 0, done)
                        self.assertEqual(json.loads(done.out)["sourceSuite"], suite)
                        message = owner.path("message")
                        write(message, suite)
                        mechanism = "ps256" if ident == "rsa" else "es256"
                        used = journey.use("sign", f"{suite[:6]}-{ident}", "--mechanism", mechanism, "--in", message,
                                           "--out", owner.path("signature"))
                        self.assertEqual(used.code, 0, used)
                        owner.must("keyquay", "key", "use", "verify", "--app", "simple", "--ident", ident, "--mechanism",
                                   mechanism, "--in", message, "--signature", owner.path("signature"))
                        if ident == "ec":
                            journey.use("sign", f"{suite[:6]}-{ident}", "--mechanism", "es256", "--format", "der", "--in",
                                        message, "--out", owner.path("signature"))
                            journey.use("public", f"{suite[:6]}-{ident}", "--out", owner.path("public"))
                            owner.must("openssl", "dgst", "-sha256", "-verify", owner.path("public"), "-signature",
                                       owner.path("signature"), message)


if __name__ == "__main__":
    unittest.main()
