"""What the programs refuse, by name, with nothing lost and nothing half written."""
import json
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from journey import SUBSCRIPTION, Journey, flip, read, write  # noqa: E402

OTHER = "ffffffff-0000-4000-8000-000000000000"
WRONG_HASH = "59178a47de508c3f291277ee184f46c4f1d9c639" + "0" * 24


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.journey = Journey()
        cls.addClassCleanup(cls.journey.close)
        cls.facts = {fact["code"]: fact for fact in cls.journey.regions("NA", "EU")}
        cls.owner = cls.journey.owner("owner", "NA", "EU")
        cls.owner.new_world()
        for ident in ("key", "other", "fresh"):
            cls.owner.new_key(ident)
        cls.owner.expects(cls.facts["NA-1"])
        cls.must(cls.owner.modify("key", "NA-1"))
        cls.must(cls.owner.package("key", "NA-1", "good"))
        cls.owner.expects(cls.facts["EU-1"])
        cls.must(cls.owner.modify("other", "EU-1"))
        cls.must(cls.owner.package("other", "EU-1", "europe"))
        cls.good = cls.owner.path("TransferPackage-good.byok")

    @staticmethod
    def must(done):
        if done.code != 0:
            raise AssertionError(done)

    def assert_refused(self, done, *words, code=1):
        self.assertEqual(done.code, code, done)
        for word in words:
            self.assertIn(word, done.err, done)
        self.assertNotIn("SUCCESS", done.out)

    def scratch(self, name):
        folder = self.owner.path(name)
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        return folder

    # ---- destinations

    def test_import__region_of_another_package__names_both(self):
        done = self.journey.bring(self.owner.path("TransferPackage-europe.byok"), "x", "--region", "NA")
        self.assert_refused(done, "EU-1", "UnitedStates")

    def test_import__without_region__is_found_from_the_package(self):
        done = self.journey.bring(self.owner.path("TransferPackage-europe.byok"), "found", "--json")
        self.assertEqual(json.loads(done.out)["region"], "Europe")

    def test_import__operator_without_that_exchange_key__is_refused(self):
        data = os.path.join(self.journey.folder, "elsewhere")
        self.journey.operator.must("keyquay", "region", "create", "JPN", "--data", data)
        self.assert_refused(self.journey.bring(self.good, "x", data=data), "exchange key")

    def test_import__other_subscription__names_the_right_one(self):
        self.assert_refused(self.journey.bring(self.good, "x", subscription=OTHER), "subscription", SUBSCRIPTION)

    def test_import__not_a_guid__is_refused(self):
        self.assert_refused(self.journey.bring(self.good, "x", subscription="contoso"), "GUID")

    def test_import__names_that_are_paths__are_refused(self):
        self.assert_refused(self.journey.bring(self.good, "../x"), "name")
        self.assert_refused(self.journey.bring(self.good, "x", "--vault", "../../x"), "vault")

    def test_import__attested_only__refuses_an_unenrolled_source(self):
        self.assert_refused(self.journey.bring(self.good, "x", "--require-attested"), "origin")

    def test_import__source_of_an_unknown_manufacturer__is_refused(self):
        stranger = self.journey.owner("stranger", "NA")
        data = os.path.join(self.journey.folder, "strangers")
        self.journey.operator.must("keyquay", "region", "create", "UK", "--data", data)
        request, warrant = stranger.path("request"), stranger.path("warrant")
        stranger.must("keyquay", "enrol", "request", "--out", request)
        stranger.must("keyquay-factory", "sign", request, "--data", os.path.join(data, "factory"), "--out", warrant)
        stranger.must("keyquay", "enrol", "install", warrant)
        stranger.new_world()
        stranger.new_key("key")
        stranger.expects(self.facts["NA-1"])
        self.must(stranger.modify("key", "NA-1"))
        self.must(stranger.package("key", "NA-1", "stranger"))
        self.assert_refused(self.journey.bring(stranger.path("TransferPackage-stranger.byok"), "x"), "origin")

    def test_import__twice__is_two_versions(self):
        first = json.loads(self.journey.bring(self.good, "twice", "--json").out)
        second = json.loads(self.journey.bring(self.good, "twice", "--json").out)
        self.assertNotEqual(first["version"], second["version"])
        self.assertEqual(first["packageId"], second["packageId"])

    def test_use__in_a_region_that_does_not_hold_it__is_not_found(self):
        self.must(self.journey.bring(self.good, "here"))
        done = self.journey.use("public", "here", "--region", "EU", "--out", self.owner.path("no.pem"))
        self.assert_refused(done, "Europe")

    def test_use__blob_moved_to_another_name__is_refused(self):
        fact = json.loads(self.journey.bring(self.good, "origin", "--json").out)
        moved = fact["path"].replace("/origin/", "/moved/")
        shutil.copytree(fact["path"], moved)
        write(self.owner.path("m"), b"m")
        done = self.journey.use("sign", "moved", "--mechanism", "rs256", "--in", self.owner.path("m"), "--out",
                                self.owner.path("s"))
        self.assert_refused(done, "place")
        record = read(os.path.join(moved, "key"))
        write(os.path.join(moved, "key"), record.replace(b"origin", b"forged"))
        forged = self.journey.use("sign", "moved", "--mechanism", "rs256", "--in", self.owner.path("m"), "--out",
                                  self.owner.path("s"))
        self.assert_refused(forged)

    # ---- trust

    def test_modify__wrong_root_typed__is_refused(self):
        owner = self.journey.owner("cautious", "NA")
        owner.new_world()
        owner.new_key("key")
        owner.knows("root-hash", WRONG_HASH)
        owner.knows("world-hash", self.facts["NA-1"]["world"])
        self.assert_refused(owner.modify("key", "NA-1"), "hash typed")
        self.assertFalse(os.path.exists(os.path.join(owner.local, "key_xferacld_key")))
        self.assertIn("REHEARSAL", read(os.path.join(owner.ask, "prompts")).decode())
        owner.knows("root-hash", self.facts["NA-1"]["rootHash"])
        owner.knows("world-hash", self.facts["EU-1"]["world"])
        self.assert_refused(owner.modify("key", "NA-1"), "hash typed")
        owner.knows("world-hash", "yes")
        self.assert_refused(owner.modify("key", "NA-1"))
        owner.knows("world-hash", self.facts["NA-1"]["world"].upper())
        self.must(owner.modify("key", "NA-1"))

    def test_modify__nobody_to_ask__ends_at_once(self):
        done = self.owner.modify("key", "NA-1", environment={"KEYQUAY_ASKPASS": ""})
        self.assert_refused(done)

    def test_modify__officer_cancels__exit_3(self):
        self.owner.knows("cancel", "")
        try:
            self.assert_refused(self.owner.modify("key", "NA-1"), code=3)
        finally:
            os.remove(os.path.join(self.owner.ask, "cancel"))

    def test_modify__wrong_passphrase__gives_nothing(self):
        owner = self.journey.owner("forgetful", "NA")
        owner.new_world()
        owner.new_key("key")
        owner.expects(self.facts["NA-1"])
        owner.knows("passphrase", "something else entirely")
        self.assert_refused(owner.modify("key", "NA-1"))
        self.assertFalse(os.path.exists(os.path.join(owner.local, "key_xferacld_key")))

    # ---- packages of the destination

    def both_tools(self, kek, world):
        return [self.owner.run("verifykeypackage", "-k", kek, "-w", world),
                self.owner.run("KeyTransferRemote", "-ModifyAcls", "-KeyAppName", "simple", "-KeyIdentifier", "fresh",
                               "-ExchangeKeyPackage", kek, "-NewSecurityWorldPackage", world)]

    def test_packages__of_two_regions_or_swapped__are_refused(self):
        for kek, world in (("BYOK-KEK-pkg-NA-1", "BYOK-SecurityWorld-pkg-EU-1"),
                           ("BYOK-KEK-pkg-EU-1", "BYOK-SecurityWorld-pkg-NA-1"),
                           ("BYOK-SecurityWorld-pkg-NA-1", "BYOK-KEK-pkg-NA-1")):
            for done in self.both_tools(kek, world):
                with self.subTest(kek=kek, world=world):
                    self.assertEqual(done.code, 1, done)
                    self.assertIn("Result: FAILURE", done.out)

    def test_packages__damaged__are_refused(self):
        folder = self.scratch("damaged")
        for name in ("BYOK-KEK-pkg-NA-1", "BYOK-SecurityWorld-pkg-NA-1"):
            whole = read(self.owner.path(name))
            other = {"BYOK-KEK-pkg-NA-1": "BYOK-SecurityWorld-pkg-NA-1"}.get(name, "BYOK-KEK-pkg-NA-1")
            for what, bytes_ in (("empty", b""), ("truncated", whole[:-1]), ("half", whole[:len(whole) // 2]),
                                 ("flipped", flip(whole, len(whole) // 3)), ("longer", whole + b"\0"),
                                 ("oversized", whole + bytes(1 << 20))):
                write(os.path.join(folder, name), bytes_)
                pair = {name: os.path.join(folder, name), other: self.owner.path(other)}
                for done in self.both_tools(pair["BYOK-KEK-pkg-NA-1"], pair["BYOK-SecurityWorld-pkg-NA-1"]):
                    with self.subTest(name=name, what=what):
                        self.assertEqual(done.code, 1, done)
                        self.assertNotEqual(done.err + done.out, "")
        self.assertFalse(os.path.exists(os.path.join(self.owner.local, "key_xferacld_fresh")))

    def test_packages__missing__are_named(self):
        self.assert_refused(self.owner.modify("key", "JPN-1"), "BYOK-KEK-pkg-JPN-1")

    def test_rollover__old_package_imports_old_generation_is_a_rollback(self):
        journey = self.journey
        data = os.path.join(journey.folder, "rolling")
        (fact,) = journey.regions("KOREA", data=data)
        owner = journey.owner("rolling-owner")
        owner.must("unzip", "-q", "-o", journey.toolset("KOREA", data=data), "-d", owner.work)
        owner.new_world()
        owner.new_key("key")
        owner.expects(fact)
        self.must(owner.modify("key", "KOREA-1"))
        self.must(owner.package("key", "KOREA-1", "old"))
        journey.operator.must("keyquay", "region", "rollover", "KOREA", "--data", data)
        owner.must("unzip", "-q", "-o", journey.toolset("KOREA", data=data), "-d", owner.work)
        self.must(journey.bring(owner.path("TransferPackage-old.byok"), "old", data=data))
        self.must(owner.modify("key", "KOREA-2"))
        self.must(owner.package("key", "KOREA-2", "new"))
        self.must(journey.bring(owner.path("TransferPackage-new.byok"), "new", data=data))
        self.assert_refused(owner.modify("key", "KOREA-1"), "generation")

    # ---- transfer packages

    def test_byok__damaged__is_refused_and_nothing_kept(self):
        whole = read(self.good)
        file = self.owner.path("damaged.byok")
        positions = range(10, len(whole), len(whole) // 40)
        for what, bytes_ in [("empty", b""), ("truncated", whole[:-1]), ("longer", whole + b"\0"),
                             ("oversized", whole + bytes(1 << 20)), *((at, flip(whole, at)) for at in positions)]:
            with self.subTest(what):
                write(file, bytes_)
                self.assert_refused(self.journey.bring(file, "damaged"))
        self.assert_refused(self.journey.bring(self.owner.path("nothing.byok"), "damaged"), "nothing.byok")
        self.assert_refused(self.journey.bring(self.owner.path("BYOK-KEK-pkg-NA-1"), "damaged"))
        vault = os.path.join(self.journey.data, "regions", "UnitedStates", "vault", SUBSCRIPTION, "default", "damaged")
        self.assertFalse(os.path.exists(vault))

    def test_package__file_exists__only_with_force(self):
        before = read(self.good)
        self.assert_refused(self.owner.package("key", "NA-1", "good"), "TransferPackage-good.byok", "-Force")
        self.assertEqual(read(self.good), before)
        self.must(self.owner.package("key", "NA-1", "twice"))
        first = read(self.owner.path("TransferPackage-twice.byok"))
        self.must(self.owner.package("key", "NA-1", "twice", "-Force"))
        self.assertNotEqual(read(self.owner.path("TransferPackage-twice.byok")), first)

    def test_package__copy_of_another_region__names_both(self):
        self.assert_refused(self.owner.package("key", "EU-1", "no"), "NA-1", "EU-1")
        self.assertFalse(os.path.exists(self.owner.path("TransferPackage-no.byok")))
        self.assertFalse(os.path.exists(self.owner.path("TransferPackage-no.receipt")))

    def test_package__without_a_copy__is_refused(self):
        self.assert_refused(self.owner.package("fresh", "NA-1", "no"), "key_xferacld_fresh")

    def test_package__bad_subscription_or_name__is_refused(self):
        self.assert_refused(self.owner.package("key", "NA-1", "no", subscription="SubscriptionID"), "GUID")
        self.assert_refused(self.owner.package("key", "NA-1", "../no"), "KeyFriendlyName")
        self.assert_refused(self.owner.package("key", "NA-1", ""), "KeyFriendlyName")
        self.assert_refused(self.owner.package("key", "NA-1", "x" * 128), "KeyFriendlyName")

    # ---- keys of the owner

    def test_identifiers__too_long__in_the_old_words(self):
        done = self.owner.modify("x" * 75, "NA-1")
        self.assert_refused(done, "Application and identifiers cannot exceed 80 characters.")
        done = self.owner.package("x" * 75, "NA-1", "no")
        self.assert_refused(done, "Application and identifiers cannot exceed 80 characters.")

    def test_identifier__of_no_key__is_named(self):
        self.assert_refused(self.owner.modify("nobody", "NA-1"), "key_simple_nobody")

    def test_key_file__damaged_or_of_another_key__is_refused(self):
        folder = self.owner.local
        whole = read(os.path.join(folder, "key_simple_key"))
        for what, bytes_ in (("empty", b""), ("truncated", whole[:-1]), ("flipped", flip(whole, len(whole) // 2)),
                             ("other", read(os.path.join(folder, "key_simple_other")))):
            with self.subTest(what):
                write(os.path.join(folder, "key_simple_bad"), bytes_)
                self.assert_refused(self.owner.modify("bad", "NA-1"))
                self.assertFalse(os.path.exists(os.path.join(folder, "key_xferacld_bad")))

    def test_copy__asked_for_anything_else__is_denied(self):
        write(self.owner.path("m"), b"m")
        for act, mechanism in (("sign", "rs256"), ("decrypt", "rsa-oaep-256")):
            done = self.owner.run("keyquay", "key", "use", act, "--app", "xferacld", "--ident", "key", "--mechanism",
                                  mechanism, "--in", self.owner.path("m"), "--out", self.owner.path("never"))
            with self.subTest(act):
                self.assert_refused(done)
                self.assertFalse(os.path.exists(self.owner.path("never")))
        done = self.owner.run("KeyTransferRemote", "-ModifyAcls", "-KeyAppName", "xferacld", "-KeyIdentifier", "key",
                              "-ExchangeKeyPackage", "BYOK-KEK-pkg-NA-1", "-NewSecurityWorldPackage",
                              "BYOK-SecurityWorld-pkg-NA-1")
        self.assert_refused(done, "xferacld")

    def test_original__asked_to_be_packaged__is_denied(self):
        folder = self.owner.local
        original = read(os.path.join(folder, "key_simple_fresh"))
        write(os.path.join(folder, "key_xferacld_fresh"), original.replace(b"fsimple", b"hxferacld"))
        done = self.owner.package("fresh", "NA-1", "no")
        os.remove(os.path.join(folder, "key_xferacld_fresh"))
        self.assert_refused(done)

    # ---- regions

    def region(self, *arguments):
        return self.journey.operator.run("keyquay", "region", *arguments, "--data", self.journey.data)

    def test_region__that_never_was__is_explained(self):
        self.assert_refused(self.region("create", "China"), "never offered")
        self.assert_refused(self.region("create", "Norway"), "no toolset")
        self.assert_refused(self.region("create", "Atlantis"), "region list")
        self.assert_refused(self.region("create", "eastus"), "UnitedStates")
        self.assert_refused(self.region("create", "NA", "--variant", "sovereign"), "one world")
        self.assert_refused(self.region("create", "FRANCE-2"), "rollover")

    def test_region__existing_or_missing__is_refused(self):
        self.assert_refused(self.region("create", "NA"), "exists already")
        self.assert_refused(self.region("rollover", "FRANCE"), "France")
        self.assert_refused(self.region("toolset", "FRANCE", "--out", self.owner.path("f.zip")), "France")

    def test_region__weak_suite_or_bad_numbers__are_refused(self):
        self.assert_refused(self.region("create", "SUI", "--cipher-suite", "DLf1024s160mRijndael"), "80-bit")
        self.assert_refused(self.region("create", "SUI", "--cipher-suite", "ROT13"), "suite", "ECp521mAES")
        self.assert_refused(self.region("create", "SUI", "--acs-quorum=3/2"), code=2)
        self.assert_refused(self.region("create", "SUI", "--kek-bits", "1024"), code=2)
        self.assert_refused(self.region("create", "SUI", "--days", "0"), code=2)
        self.assert_refused(self.region("create"), code=2)
        self.assert_refused(self.region("dance"), code=2)

    def test_manufacturer__that_is_none__is_named_and_not_made(self):
        nowhere = os.path.join(self.journey.folder, "nowhere")
        self.assert_refused(self.region("create", "AUS", "--factory", nowhere), nowhere, "keyquay-factory init")
        write(self.owner.path("request"), b"")
        self.assert_refused(self.owner.run("keyquay-factory", "sign", self.owner.path("request"), "--data", nowhere, "--out",
                                           self.owner.path("warrant")), nowhere)
        self.assert_refused(self.region("join", "admit", "FRANCE", self.owner.path("request"), "--out",
                                        self.owner.path("admitted")), "France")
        self.assertFalse(os.path.exists(nowhere))

    def test_toolset__over_an_existing_file__only_with_replace(self):
        path = self.owner.path("mine.zip")
        write(path, b"mine")
        self.assert_refused(self.region("toolset", "NA", "--out", path), "exists already")
        self.assertEqual(read(path), b"mine")

    def test_exchange_file_of_another_region__does_not_import(self):
        regions = os.path.join(self.journey.data, "regions")
        mine = os.path.join(regions, "UnitedStates", "exchange", "1")
        whole = read(mine)
        try:
            for what, bytes_ in (("empty", b""), ("truncated", whole[:-1]), ("flipped", flip(whole, len(whole) // 2)),
                                 ("foreign", read(os.path.join(regions, "Europe", "exchange", "1")))):
                with self.subTest(what):
                    write(mine, bytes_)
                    self.assert_refused(self.journey.bring(self.good, "x", "--region", "NA"))
        finally:
            write(mine, whole)
        self.must(self.journey.bring(self.good, "x", "--region", "NA"))

    # ---- the umbrella

    def test_commands__of_later_versions__say_so(self):
        for name in ("byok", "backup", "restore"):
            with self.subTest(name):
                self.assert_refused(self.owner.run("keyquay", name), "not part of this version")
        self.assert_refused(self.owner.run("keyquay", "fly"), code=2)
        self.assertEqual(self.owner.run("keyquay", "help", "region").code, 0)
        self.assertEqual(self.owner.run("keyquay").code, 2)


class Manufacturer(unittest.TestCase):
    def test_requests__damaged_or_foreign__are_refused(self):
        with Journey() as journey:
            party = journey.owner("maker")
            data = party.path("factory")
            party.must("keyquay-factory", "init", "--data", data, "--name", "Maker", "--acs-quorum=1/2")
            again = party.run("keyquay-factory", "init", "--data", data, "--name", "Maker", "--acs-quorum=1/2")
            self.assertEqual(again.code, 1, again)
            party.must("keyquay", "enrol", "request", "--out", party.path("request"))
            request = read(party.path("request"))
            for what, bytes_ in (("empty", b""), ("text", b"hello"), ("truncated", request[:-40]),
                                 ("flipped", request.replace(b"A", b"B", 3))):
                with self.subTest(what):
                    write(party.path("bad"), bytes_)
                    done = party.run("keyquay-factory", "sign", party.path("bad"), "--data", data, "--out",
                                     party.path("warrant"))
                    self.assertEqual(done.code, 1, done)
                    self.assertFalse(os.path.exists(party.path("warrant")))
            party.must("keyquay-factory", "sign", party.path("request"), "--data", data, "--out", party.path("warrant"))
            party.must("keyquay-factory", "root", "--data", data, "--out", party.path("root.pem"))
            party.must("openssl", "verify", "-CAfile", party.path("root.pem"), party.path("warrant"))
            other = journey.owner("other")
            refused = other.run("keyquay", "enrol", "install", party.path("warrant"))
            self.assertEqual(refused.code, 1, refused)
            party.must("keyquay", "enrol", "install", party.path("warrant"))
            party.run("keyquay", "hsm", "stop", "--folder", data)


if __name__ == "__main__":
    unittest.main()
