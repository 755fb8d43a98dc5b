"""A second module joins a region's world by files, takes over its files, and uses the same keys."""
import json
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from journey import SUBSCRIPTION, Journey, flip, read, write  # noqa: E402


class Join(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.journey = journey = Journey()
        cls.addClassCleanup(journey.close)
        fact = next(fact for fact in journey.regions("NA", "EU") if fact["code"] == "NA-1")
        cls.world = fact["world"]
        cls.owner = owner = journey.owner("owner", "NA")
        owner.new_world()
        owner.new_key("key")
        owner.expects(fact)
        for done in (owner.modify("key", "NA-1"), owner.package("key", "NA-1", "p"),
                     journey.bring(owner.path("TransferPackage-p.byok"), "first")):
            assert done.code == 0, done
        cls.first = os.path.join(journey.data, "regions", "UnitedStates")

    def path(self, name):
        return os.path.join(self.journey.operator.work, f"{self.id().rsplit('.', 1)[1]}-{name}")

    def region(self, *command):
        return self.journey.operator.run("keyquay", "region", *command)

    def must(self, *command):
        return self.journey.operator.must(*command)

    def assert_refused(self, done, *words):
        self.assertEqual(done.code, 1, done)
        for word in words:
            self.assertIn(word, done.err)

    def module(self, name):
        """The operator's folder of a new module, enrolled under the same manufacturer."""
        data = os.path.join(self.journey.folder, name)
        folder = os.path.join(data, "regions", "UnitedStates")
        request, warrant = self.path(name + "-enrol"), self.path(name + "-warrant")
        self.must("keyquay", "enrol", "request", "--folder", folder, "--out", request)
        self.must("keyquay-factory", "sign", request, "--data", os.path.join(self.journey.data, "factory"), "--out", warrant)
        self.must("keyquay", "enrol", "install", warrant, "--folder", folder)
        return data, folder

    def request(self, data, code="NA"):
        file = self.path("request")
        fact = json.loads(self.must("keyquay", "region", "join", "request", code, "--data", data, "--out", file, "--json").out)
        self.assertEqual(fact["request"], file)
        return file, fact

    def admit(self, request, code="NA"):
        file = self.path("admission-" + code)
        fact = json.loads(self.must("keyquay", "region", "join", "admit", code, request, "--data", self.journey.data,
                                    "--out", file, "--json").out)
        return file, fact

    def accept(self, data, admission, *more):
        return self.region("join", "accept", "NA", admission, "--data", data, *more)

    def assert_without_world(self, folder):
        status = json.loads(self.must("keyquay", "hsm", "status", "--folder", folder, "--json").out)
        self.assertEqual(status["world"], "none")
        self.assertFalse(os.path.exists(os.path.join(folder, "exchange")))

    def assert_signs(self, data, name):
        message, signature = self.owner.path("message"), self.owner.path("signature")
        write(message, f"{name} at {data}")
        self.must("keyquay", "region", "use", "sign", "--data", data, "--subscription", SUBSCRIPTION, "--name", name,
                  "--mechanism", "rs256", "--in", message, "--out", signature)
        self.owner.must("keyquay", "key", "use", "verify", "--app", "simple", "--ident", "key", "--mechanism", "rs256",
                        "--in", message, "--signature", signature)

    def test_second_module__joins_takes_the_files_over_and_uses_the_same_keys(self):
        data, folder = self.module("second")
        request, asked = self.request(data)
        admission, admitted = self.admit(request)
        self.assertEqual((admitted["esn"], admitted["requestHash"]), (asked["esn"], asked["requestHash"]))
        done = self.accept(data, admission, "--packages", self.journey.data, "--json")
        self.assertEqual(done.code, 0, done)
        fact = json.loads(done.out)
        self.assertEqual((fact["world"], fact["exchangeKeysCopied"], fact["keysCopied"]), (self.world, 1, 1), fact)
        self.assertEqual(read(os.path.join(self.first, "local", "world")), read(os.path.join(folder, "local", "world")))
        self.assertFalse(os.path.exists(os.path.join(folder, "rehearsal-cards")))
        for name in ("exchange/1", "packages/BYOK-KEK-pkg-NA-1", "packages/BYOK-SecurityWorld-pkg-NA-1"):
            self.assertEqual(read(os.path.join(self.first, name)), read(os.path.join(folder, name)), name)
        # a key of the first module here, a key of this module at the first
        self.assert_signs(data, "first")
        done = self.journey.bring(self.owner.path("TransferPackage-p.byok"), "second", data=data)
        self.assertEqual(done.code, 0, done)
        toolset = self.path("toolset")
        self.must("keyquay", "region", "toolset", "NA", "--data", data, "--out", toolset)
        self.assertEqual(read(toolset), read(self.journey.toolset("NA")))
        # what came since is copied by the same command, and nothing twice; here from a copy of the folder
        self.must("keyquay", "region", "rollover", "NA", "--data", self.journey.data)
        self.assertEqual(self.journey.bring(self.owner.path("TransferPackage-p.byok"), "later").code, 0)
        stick = self.path("stick")
        shutil.copytree(self.first, stick, ignore=shutil.ignore_patterns("hsm", "rehearsal-cards", "*.sock", "run"))
        for copied in ((1, 1), (0, 0)):
            done = self.accept(data, admission, "--packages", stick, "--json")
            self.assertEqual(done.code, 0, done)
            fact = json.loads(done.out)
            self.assertEqual((fact["generation"], fact["exchangeKeysCopied"], fact["keysCopied"]), (2, *copied), fact)
        self.assert_signs(data, "later")

    def test_request__without_warrant__says_to_enrol(self):
        data = os.path.join(self.journey.folder, "bare")
        done = self.region("join", "request", "NA", "--data", data, "--out", self.path("request"))
        self.assert_refused(done, "warrant", "enrol")
        self.assertFalse(os.path.exists(self.path("request")))

    def test_admission__for_another_module__is_refused(self):
        data, _ = self.module("third")
        admission, _ = self.admit(self.request(data)[0])
        other, folder = self.module("fourth")
        self.assert_refused(self.accept(other, admission, "--packages", self.journey.data), admission, "another module")
        self.assert_without_world(folder)

    def test_admission__to_another_world_or_damaged__is_refused_then_the_right_one_taken(self):
        data, folder = self.module("fifth")
        request, _ = self.request(data)
        elsewhere, _ = self.admit(request, "EU")
        self.assert_refused(self.accept(data, elsewhere, "--packages", self.journey.data), elsewhere, "another world")
        admission, _ = self.admit(request)
        whole = read(admission)
        damaged = self.path("damaged")
        for bytes_ in (b"", whole[:-1], flip(whole, len(whole) // 4), whole + b"\0", read(request)):
            write(damaged, bytes_)
            self.assert_refused(self.accept(data, damaged, "--packages", self.journey.data), damaged)
        # the packages are those of the region that was named
        europe = os.path.join(self.journey.data, "regions", "Europe")
        self.assert_refused(self.accept(data, admission, "--packages", europe), europe)
        self.assert_refused(self.accept(data, admission, "--packages", self.path("nothing")), "UnitedStates")
        self.assert_without_world(folder)
        self.assertEqual(self.accept(data, admission).code, 0)
        self.assert_refused(self.accept(data, elsewhere), elsewhere, "another world")

    def test_packages__a_file_of_another_world_or_place__is_named(self):
        data, folder = self.module("sixth")
        admission, _ = self.admit(self.request(data)[0])
        stick = self.path("stick")
        shutil.copytree(self.first, stick, ignore=shutil.ignore_patterns("hsm", "rehearsal-cards", "*.sock", "run"))
        keys = os.path.join(stick, "vault", SUBSCRIPTION, "default")
        os.rename(os.path.join(keys, "first"), os.path.join(keys, "moved"))
        self.assert_refused(self.accept(data, admission, "--packages", stick), "moved", "place")
        os.rename(os.path.join(keys, "moved"), os.path.join(keys, "first"))
        kek = os.path.join(stick, "packages", "BYOK-KEK-pkg-NA-1")
        write(kek, flip(read(kek), 500))
        self.assert_refused(self.accept(data, admission, "--packages", stick), "pkg-NA-1")

    def test_request__damaged__is_refused(self):
        data, _ = self.module("seventh")
        request, _ = self.request(data)
        whole = read(request)
        out = self.path("out")
        for bytes_ in (b"", whole[:-1], flip(whole, len(whole) // 4), whole + b"\0"):
            write(request, bytes_)
            self.assert_refused(self.region("join", "admit", "NA", request, "--data", self.journey.data, "--out", out), request)
        self.assertFalse(os.path.exists(out))

    def test_admit__too_few_cards__is_refused(self):
        holder = self.journey.owner("holder")
        holder.must("keyquay", "region", "create", "SUI", "--data", self.journey.data, "--acs-quorum=2/3")
        data, _ = self.module("eighth")
        request, _ = self.request(data)
        out = self.path("admission")
        admit = ("keyquay", "region", "join", "admit", "SUI", request, "--data", self.journey.data, "--out", out)
        for cards in ("1", "2 2"):
            holder.knows("present", cards)
            done = holder.run(*admit)
            self.assertNotEqual(done.code, 0, done)
            self.assertFalse(os.path.exists(out))
        holder.knows("present", "3 1")
        holder.must(*admit)


if __name__ == "__main__":
    unittest.main()
