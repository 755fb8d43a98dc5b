"""Programs and modules killed at any moment, full disks, two tools at once: nothing acknowledged is lost, nothing is
half there, and the same command run again finishes the work."""
import os
import random
import signal
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from journey import SUBSCRIPTION, Journey, read, write  # noqa: E402

SEED = int(os.environ.get("KEYQUAY_SEED", "20161021"))
DEEP = bool(os.environ.get("KEYQUAY_DEEP"))


def processes_of(folder):
    """Module and hardserver of an hsm folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = read(f"/proc/{pid}/cmdline").split(b"\0")
        except OSError:
            continue
        name = os.path.basename(command[0])
        if name in (b"hsm-module", b"hardserver") and folder.encode() in b" ".join(command):
            found.append((int(pid), name.decode()))
    return found


def kill_one(folder, name):
    for pid, found in processes_of(folder):
        if found == name:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def leftovers(folder):
    """Temporary files that an interrupted program left."""
    return [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names
            if "unfinished" in name or name.startswith(".") or name.endswith(".tmp")]


class Killed(unittest.TestCase):
    def test_region_create__killed_anywhere__the_same_command_finishes_it(self):
        rng = random.Random(SEED)
        for at in range(30 if DEEP else 6):
            with Journey() as journey, self.subTest(seed=SEED, at=at):
                command = ["keyquay", "region", "create", "NA", "--data", journey.data]
                child = subprocess.Popen(command, env=journey.operator.environment, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, start_new_session=True)
                time.sleep(rng.uniform(0.02, 1.6))
                child.kill()
                child.wait()
                done = journey.operator.run(*command)
                if done.code != 0:
                    self.assertIn("exists already", done.err, done)
                owner = journey.owner("owner", "NA")
                owner.must("verifykeypackage", "-k", "BYOK-KEK-pkg-NA-1", "-w", "BYOK-SecurityWorld-pkg-NA-1")
                journey.operator.must("keyquay", "audit", "verify", "--folder",
                                      os.path.join(journey.data, "regions", "UnitedStates"))

    def test_module_killed__during_the_owners_work__it_ends_well(self):
        rng = random.Random(SEED + 1)
        with Journey() as journey:
            (fact,) = journey.regions("NA")
            owner = journey.owner("owner", "NA")
            owner.new_world()
            owner.new_key("key")
            owner.expects(fact)
            region = os.path.join(journey.data, "regions", "UnitedStates")
            steps = [("copy", owner.kmdata, lambda n: owner.modify("key", "NA-1")),
                     ("package", owner.kmdata, lambda n: owner.package("key", "NA-1", f"p{n}", "-Force")),
                     ("import", region, lambda n: journey.bring(owner.path("TransferPackage-safe.byok"), f"k{n}"))]
            self.assertEqual(owner.modify("key", "NA-1").code, 0)
            self.assertEqual(owner.package("key", "NA-1", "safe").code, 0)
            with ThreadPoolExecutor(1) as pool:
                for n in range(60 if DEEP else 9):
                    name, folder, step = steps[n % 3]
                    with self.subTest(seed=SEED, step=name, n=n):
                        running = pool.submit(step, n)
                        time.sleep(rng.uniform(0, 0.15))
                        kill_one(folder, rng.choice(["hsm-module", "hardserver"]))
                        done = running.result()
                        if done.code != 0:  # told so, and the same again goes through
                            self.assertNotEqual(done.err, "")
                            self.again(lambda n=n, step=step: step(n))
            owner.must("keyquay", "audit", "verify")
            journey.operator.must("keyquay", "audit", "verify", "--folder", region)
            self.assertEqual(leftovers(owner.local) + leftovers(owner.work), [])

    def again(self, step):
        for _ in range(5):
            done = step()
            if done.code == 0:
                return
            time.sleep(0.5)
        self.fail(done)

    def test_package__tool_killed__file_is_whole_or_absent(self):
        rng = random.Random(SEED + 2)
        with Journey() as journey:
            (fact,) = journey.regions("NA")
            owner = journey.owner("owner", "NA")
            owner.new_world()
            owner.new_key("key")
            owner.expects(fact)
            self.assertEqual(owner.modify("key", "NA-1").code, 0)
            for n in range(60 if DEEP else 12):
                child = subprocess.Popen(
                    ["KeyTransferRemote", "-Package", "-KeyIdentifier", "key", "-ExchangeKeyPackage", "BYOK-KEK-pkg-NA-1",
                     "-NewSecurityWorldPackage", "BYOK-SecurityWorld-pkg-NA-1", "-SubscriptionId", SUBSCRIPTION,
                     "-KeyFriendlyName", f"n{n}"], cwd=owner.work, env=owner.environment, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
                time.sleep(rng.uniform(0.001, 0.06))
                child.kill()
                child.wait()
                package = owner.path(f"TransferPackage-n{n}.byok")
                receipt = owner.path(f"TransferPackage-n{n}.receipt")
                with self.subTest(seed=SEED, n=n):
                    if os.path.exists(receipt):
                        owner.must("keyquay", "receipt", "verify", receipt)
                    if os.path.exists(package):
                        owner.must("keyquay", "receipt", "verify", receipt, "--package", package)


class AtOnce(unittest.TestCase):
    def test_same_region_twice_at_once__one_world_comes_out(self):
        with Journey() as journey:
            command = ["keyquay", "region", "create", "EU", "--data", journey.data]
            journey.regions("NA")  # so that the manufacturer is there
            with ThreadPoolExecutor(2) as pool:
                results = list(pool.map(lambda _: journey.operator.run(*command), range(2)))
            self.assertEqual(sorted(done.code for done in results), [0, 1], results)
            refused = next(done for done in results if done.code == 1)
            self.assertRegex(refused.err, "another command is making|exists already")
            owner = journey.owner("owner", "EU")
            owner.must("verifykeypackage", "-k", "BYOK-KEK-pkg-EU-1", "-w", "BYOK-SecurityWorld-pkg-EU-1")

    def test_same_key_twice_at_once__one_is_refused(self):
        with Journey() as journey:
            owner = journey.owner("owner")
            owner.new_world()
            command = ["generatekey", "--generate", "--batch", "simple", "type=EC", "size=P-256", "protect=module",
                       "ident=same", "plainname=same"]
            with ThreadPoolExecutor(4) as pool:
                codes = sorted(done.code for done in pool.map(lambda _: owner.run(*command), range(4)))
            self.assertEqual(codes, [0, 1, 1, 1])

    def test_imports_at_once__all_are_kept(self):
        with Journey() as journey:
            (fact,) = journey.regions("NA")
            owner = journey.owner("owner", "NA")
            owner.new_world()
            owner.new_key("key")
            owner.expects(fact)
            self.assertEqual(owner.modify("key", "NA-1").code, 0)
            self.assertEqual(owner.package("key", "NA-1", "p").code, 0)
            with ThreadPoolExecutor(6) as pool:
                results = list(pool.map(lambda _: journey.bring(owner.path("TransferPackage-p.byok"), "key"), range(6)))
            self.assertEqual([done.code for done in results], [0] * 6, results)
            kept = os.listdir(os.path.join(journey.data, "regions", "UnitedStates", "vault", SUBSCRIPTION, "default", "key"))
            self.assertEqual(len(kept), 6)
            self.assertTrue(all(len(name) == 32 for name in kept))


@unittest.skipUnless(os.geteuid() == 0, "needs root to mount a small disk")
class FullDisk(unittest.TestCase):
    def setUp(self):
        self.journey = Journey()
        self.addCleanup(self.journey.close)
        (fact,) = self.journey.regions("NA")
        self.owner = self.journey.owner("owner", "NA")
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=384k", "tmpfs", self.owner.kmdata], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("no disk may be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.owner.kmdata], check=False)
        self.addCleanup(self.owner.stop)
        self.owner.new_world()
        self.owner.new_key("key")
        self.owner.expects(fact)

    def fill(self, leave):
        filler = os.path.join(self.owner.kmdata, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1024))
            except OSError:
                pass
            file.truncate(max(0, file.tell() - leave))
        return filler

    def test_full__refused_then_works_again(self):
        for leave in (0, 4096, 8192):
            filler = self.fill(leave)
            with self.subTest(leave=leave):
                done = self.owner.modify("key", "NA-1")
                copy = os.path.join(self.owner.local, "key_xferacld_key")
                if done.code == 0:
                    self.assertTrue(os.path.exists(copy))
                    os.remove(copy)
                else:
                    self.assertNotEqual(done.err, "")
                    self.assertFalse(os.path.exists(copy))
                self.assertEqual(leftovers(self.owner.local), [])
            os.remove(filler)
            for _ in range(10):
                done = self.owner.modify("key", "NA-1")
                if done.code == 0:
                    break
                time.sleep(0.5)
            self.assertEqual(done.code, 0, done)
            os.remove(os.path.join(self.owner.local, "key_xferacld_key"))
        self.owner.must("keyquay", "audit", "verify")

    def test_full_in_the_current_folder__no_half_package(self):
        self.assertEqual(self.owner.modify("key", "NA-1").code, 0)
        small = self.owner.path("small")
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=False)
        for code in ("BYOK-KEK-pkg-NA-1", "BYOK-SecurityWorld-pkg-NA-1"):
            os.symlink(self.owner.path(code), os.path.join(small, code))
        for fill in (0, 4096, 8192, 12288):
            with open(os.path.join(small, "filler"), "wb") as file:
                try:
                    file.write(bytes(fill))
                except OSError:
                    pass
            done = self.owner.package("key", "NA-1", f"f{fill}", cwd=small)
            package = os.path.join(small, f"TransferPackage-f{fill}.byok")
            receipt = os.path.join(small, f"TransferPackage-f{fill}.receipt")
            with self.subTest(fill=fill):
                self.assertEqual(os.path.exists(package), done.code == 0, done)
                self.assertEqual(os.path.exists(receipt), done.code == 0, done)
                self.assertEqual(leftovers(small), [])
            for name in (package, receipt):
                if os.path.exists(name):
                    os.remove(name)


if __name__ == "__main__":
    unittest.main()
