"""The operator's and the manufacturer's commands: real cards, lists, toolsets, users."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from journey import Journey, read, write  # noqa: E402


class Cards(unittest.TestCase):
    """A manufacturer and a region whose cards somebody holds."""

    def test_region__with_cards_of_its_own__under_a_manufacturer_here(self):
        with Journey() as journey:
            maker = journey.owner("maker")
            data = os.path.join(journey.folder, "factory")
            maker.must("keyquay-factory", "init", "--data", data, "--name", "Maker & Sons", "--acs-quorum=1/2")
            holder = journey.owner("holder")
            # One ask folder answers for both card sets: each party's cards lie where the question is asked.
            command = ["keyquay", "region", "create", "SUI", "--data", journey.data, "--acs-quorum=2/3"]
            request, warrant = holder.path("request"), holder.path("warrant")
            holder.must(*command, "--enrol-out", request)
            maker.must("keyquay-factory", "sign", request, "--data", data, "--out", warrant)
            done = holder.run(*command, "--warrant", warrant, "--json")
            self.assertEqual(done.code, 0, done)
            fact = json.loads(done.out.splitlines()[-1])
            self.assertEqual(fact["rehearsal"], False)
            root = json.loads(maker.must("keyquay-factory", "root", "--data", data, "--json").out)
            self.assertEqual(fact["rootHash"], root["hash"])
            region = os.path.join(journey.data, "regions", "Switzerland")
            self.assertFalse(os.path.exists(os.path.join(region, "rehearsal-cards")))
            # a rollover needs the cards again
            self.assertEqual(journey.operator.run("keyquay", "region", "rollover", "SUI", "--data", journey.data).code, 1)
            holder.knows("present", "3 2")
            holder.must("keyquay", "region", "rollover", "SUI", "--data", journey.data)
            listed = json.loads(journey.operator.must("keyquay", "region", "list", "--data", journey.data, "--json").out)
            self.assertEqual({r["name"]: r["generation"] for r in listed}["Switzerland"], 2)
            maker.run("keyquay", "hsm", "stop", "--folder", data)

    def test_rehearsal_cards__lie_beside_the_data_for_their_owner_only(self):
        with Journey() as journey:
            done = journey.operator.must("keyquay", "region", "create", "UAE", "--data", journey.data)
            self.assertIn("rehearsal", done.out)
            folder = os.path.join(journey.data, "regions", "UAE", "rehearsal-cards")
            self.assertIn(folder, done.out)
            for name in ("card-1", "card-1.passphrase"):
                self.assertEqual(os.stat(os.path.join(folder, name)).st_mode & 0o777, 0o600, name)


class Lists(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.journey = Journey()
        cls.addClassCleanup(cls.journey.close)
        cls.facts = {fact["code"]: fact for fact in cls.journey.regions("USDOD", "GERMANY")}
        cls.operator = cls.journey.operator

    def test_list__every_region_of_the_published_toolsets(self):
        listed = json.loads(self.operator.must("keyquay", "region", "list", "--data", self.journey.data, "--json").out)
        self.assertEqual(len(listed), 18)
        made = {region["name"] for region in listed if region["generation"] > 0}
        self.assertEqual(made - {"Germany"}, {"USGovernmentDoD", "Germany-Public"})  # another test makes the third
        dod = next(region for region in listed if region["code"] == "USDOD-1")
        self.assertEqual([place["name"] for place in dod["locations"]], ["usdodeast", "usdodcentral"])
        self.assertIn("UnitedStates", self.operator.must("keyquay", "region", "list", "--data", self.journey.data).out)

    def test_germany__both_worlds_side_by_side(self):
        self.operator.must("keyquay", "region", "create", "GERMANY-1", "--variant", "sovereign", "--data", self.journey.data)
        public, sovereign = (os.path.join(self.journey.data, "regions", name, "packages", "BYOK-KEK-pkg-GERMANY-1")
                             for name in ("Germany-Public", "Germany"))
        self.assertNotEqual(read(public), read(sovereign))

    def test_toolset__unpacked__brings_launchers_of_the_installed_programs(self):
        owner = self.journey.owner("owner", "USDOD")
        done = owner.must("python3", "verifykeypackage.py", "-k", "BYOK-KEK-pkg-USDOD-1", "-w",
                          "BYOK-SecurityWorld-pkg-USDOD-1")
        self.assertIn("Result: SUCCESS", done.out)
        self.assertEqual(owner.run("./KeyTransferRemote.exe", "-Help").code, 0)
        bare = {"PATH": "/usr/bin:/bin", "NFAST_HOME": ""}
        for command in (["python3", "verifykeypackage.py"], ["./KeyTransferRemote.exe", "-Help"]):
            done = owner.run(*command, environment=bare)
            self.assertEqual(done.code, 1, done)
            self.assertIn("NFAST_HOME", done.err)
        readme = read(owner.path("README.txt")).decode()
        for field in ("rootHash", "world"):
            compact = self.facts["USDOD-1"][field]
            self.assertIn(" ".join(compact[i:i + 8] for i in range(0, 64, 8)), readme)

    def test_get_file_hash__with_endpoints__names_the_region(self):
        path = self.journey.toolset("USDOD")
        endpoints = os.path.join(self.journey.folder, "endpoints.json")
        fact = self.facts["USDOD-1"]
        write(endpoints, json.dumps({"regions": [{"code": fact["code"], "name": fact["name"],
                                                  "toolsetSha256": fact["toolsetSha256"]}]}))
        done = self.operator.run("Get-FileHash", path, environment={"KEYQUAY_ENDPOINTS": endpoints})
        self.assertEqual(done.code, 0, done)
        self.assertIn("region USGovernmentDoD (USDOD-1)", done.out)
        write(endpoints, '{"regions": [')
        done = self.operator.run("Get-FileHash", path, environment={"KEYQUAY_ENDPOINTS": endpoints})
        self.assertEqual(done.code, 0, done)
        self.assertIn("endpoints.json", done.err)

    def test_valid_days__copy_ends_when_told_and_never_after_the_region(self):
        owner = self.journey.owner("timely", "USDOD")
        owner.new_world()
        owner.new_key("key")
        owner.expects(self.facts["USDOD-1"])
        done = owner.modify("key", "USDOD-1", "-ValidDays", "1", "-Json")
        self.assertEqual(done.code, 0, done)
        fact = json.loads(done.out)
        tomorrow = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400))
        self.assertTrue(fact["copyNotAfter"].startswith(tomorrow), fact)
        done = owner.modify("key", "USDOD-1", "-ValidDays", "3650", "-Json")
        self.assertEqual(json.loads(done.out)["copyNotAfter"], fact["notAfter"])
        self.assertIn(fact["notAfter"], owner.must("kmfile-dump", os.path.join(owner.local, "key_xferacld_key")).out)

    def test_hsm__start_status_stop(self):
        folder = os.path.join(self.journey.data, "regions", "USGovernmentDoD")
        self.operator.must("keyquay", "hsm", "start", "--folder", folder)
        status = json.loads(self.operator.must("keyquay", "hsm", "status", "--folder", folder, "--json").out)
        self.assertEqual(status["world"], "region")
        self.assertTrue(status["warranted"])
        self.operator.must("keyquay", "hsm", "allow", "65534", "--roles", "use", "--folder", folder)
        self.operator.must("keyquay", "hsm", "forbid", "65534", "--folder", folder)
        self.assertEqual(self.operator.run("keyquay", "hsm", "allow", "65534", "--roles", "god", "--folder", folder).code, 2)
        self.operator.must("keyquay", "hsm", "stop", "--folder", folder)
        self.assertEqual(self.operator.run("keyquay", "hsm", "status", "--folder", folder).code, 4)
        self.assertEqual(self.operator.run("keyquay", "hsm", "stop", "--folder", folder).code, 1)


if __name__ == "__main__":
    unittest.main()
