"""The units that a host with systemd uses: well formed, confined, and of options that the programs have."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from owner_world import BIN  # noqa: E402

UNITS = os.path.join(SOURCE, "packaging", "systemd")
# systemd's own measure, 0 (confined) to 100 (not at all).
WORST = {"keyquay-keyvaultd.service": 20, "keyquay-hsm@.service": 45, "keyquay-issuers.service": 25}


def read(*parts):
    with open(os.path.join(SOURCE, *parts), encoding="utf-8") as file:
        return file.read()


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="keyquay-units-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        for name in os.listdir(UNITS):
            with open(os.path.join(cls.folder, name.removesuffix(".in")), "w", encoding="utf-8") as file:
                file.write(read("packaging", "systemd", name).replace("@BINDIR@", os.path.abspath(BIN)))

    def unit(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_units__systemd_takes_them_without_a_word(self):
        shutil.copy(os.path.join(self.folder, "keyquay-hsm@.service"),
                    os.path.join(self.folder, "keyquay-hsm@platform.service"))
        paths = [os.path.join(self.folder, name) for name in
                 ("keyquay.target", "keyquay-keyvaultd.service", "keyquay-hsm@platform.service", "keyquay-issuers.timer",
                  "keyquay-issuers.service")]
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, check=False,
                              env={**os.environ, "SYSTEMD_UNIT_PATH": self.folder + ":"})
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "keyquay" in line]
        self.assertEqual((done.returncode, ours), (0, []))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_units__are_confined(self):
        for name, worst in WORST.items():
            with self.subTest(name):
                done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={worst}",
                                       os.path.join(self.folder, name)], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout[-600:] + done.stderr)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_units__allow_the_calls_that_the_programs_allow_themselves(self):
        for unit, sources in (("keyquay-keyvaultd.service", ("keyvaultd",)),
                              ("keyquay-hsm@.service", ("module", "hardserver"))):
            allowed = self.allowed_calls(unit)
            for source in sources:
                needed = set(re.findall(r"SCMP_SYS\((\w+)\)", read("src", "sandbox", source + ".c")))
                needed |= {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "clone",
                           "clone3", "execve", "prctl", "setrlimit", "prlimit64", "bind", "listen", "fchmod"}
                with self.subTest(unit=unit, source=source):
                    self.assertEqual(sorted(needed - allowed - {"socketcall"}), [])

    def allowed_calls(self, unit):
        allowed = set()
        for words in re.findall(r"^SystemCallFilter=(.*)$", self.unit(unit), re.M):
            calls = set()
            for word in words.removeprefix("~").split():
                calls |= self.expand(word)
            allowed = allowed - calls if words.startswith("~") else allowed | calls
        return allowed

    def expand(self, word):
        if not word.startswith("@"):
            return {word}
        told = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True).stdout
        calls = set()
        for line in told.splitlines()[1:]:
            name = line.strip()
            if name and not name.startswith("#"):
                calls |= self.expand(name)
        return calls

    def test_units__use_options_that_there_are(self):
        for name in WORST:
            for program, arguments in re.findall(r"^Exec\w+=\S*/bin/([\w-]+) (.*)$", self.unit(name), re.M):
                if program == "kill":
                    continue
                command = arguments.split(" --")[0].split() if program == "keyquay" else []
                told = subprocess.run([os.path.join(BIN, program), *command, "--help"], capture_output=True, text=True,
                                      check=False)
                options = re.findall(r"--[a-z-]+", arguments)
                self.assertTrue(options)
                for option in options:
                    with self.subTest(f"{program} {option}"):
                        self.assertIn(option, told.stdout + told.stderr)

    def test_stop__has_the_time_that_the_service_takes(self):
        wait = int(re.search(r"STOP_WAIT_MS (\d+)", read("src", "vault", "serve.c")).group(1))
        answer = int(re.search(r"ANSWER_MS (\d+)", read("src", "vault", "keyops", "modules.c")).group(1))
        given = int(re.search(r"^TimeoutStopSec=(\d+)$", self.unit("keyquay-keyvaultd.service"), re.M).group(1))
        self.assertGreater(given * 1000, wait + answer)

    def test_units__never_enter_test_mode(self):
        for name in os.listdir(self.folder):
            self.assertNotIn("--test-mode", self.unit(name))

    def test_users__are_those_that_programs_know(self):
        known = set(re.findall(r'#define \w+_USER "([\w-]+)"', read("src", "tools", "service", "access.c")))
        made = set(re.findall(r"^u (\S+)", read("packaging", "sysusers.d", "keyquay.conf"), re.M))
        named = set(re.findall(r"^User=(\S+)", self.unit("keyquay-keyvaultd.service"), re.M))
        named |= set(re.findall(r"--\w+-user (\S+)", self.unit("keyquay-hsm@.service")))
        self.assertEqual((made, named), (known, known))


if __name__ == "__main__":
    unittest.main()
