"""What keyvaultd's own user could leave in its folder for root, who runs `keyquay up` and `down`."""
import fcntl
import os
import pwd
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from owner_world import BIN  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

SERVICE_USER = "nobody"
USERS = ("--module-user", "daemon", "--hardserver-user", "bin", "--vault-user", SERVICE_USER)


def as_service_user(*command):
    user = pwd.getpwnam(SERVICE_USER)
    return subprocess.run(["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command],
                          capture_output=True, check=False)


@unittest.skipUnless(os.geteuid() == 0, "needs root, to start programs as other users")
class ServiceUserTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if as_service_user("test", "-x", os.path.join(BIN, "keyvaultd")).returncode != 0:
            raise unittest.SkipTest("other users cannot reach the build folder")
        cls.world = VaultWorld(regions=("NA",), options=USERS, parent="/tmp", start=False)
        cls.addClassCleanup(cls.world.__exit__)
        os.chmod(cls.world.folder, 0o755)
        cls.world.up()
        cls.world.down()

    def in_folder(self, name):
        return os.path.join(self.world.data, "vault", name)

    def test_up__link_to_a_file_of_root__is_not_followed_as_root(self):
        victim = os.path.join(self.world.folder, "of-root")
        trap = self.in_folder("keyvault.db-wal")
        with open(victim, "wb") as file:
            file.write(b"kept")
        os.chmod(victim, 0o600)
        self.assertEqual(as_service_user("ln", "-sf", victim, trap).returncode, 0)
        done = self.world.run("keyquay", "up", "--data", self.world.data, *USERS)
        self.assertIn("keyvaultd could not be set up", done.stderr, "root opened what the link names")
        with open(victim, "rb") as file:
            self.assertEqual(file.read(), b"kept")
        self.world.down()
        os.unlink(trap)
        self.world.up()
        self.world.down()

    def test_down__process_of_somebody_else_in_the_pid_file__lives(self):
        sleeper = subprocess.Popen(["sleep", "60"])
        try:
            with open(self.in_folder("keyvaultd.pid"), "w", encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(f"{sleeper.pid}\n")
                file.flush()
                os.fchown(file.fileno(), pwd.getpwnam(SERVICE_USER).pw_uid, -1)
                done = self.world.run("keyquay", "down", "--data", self.world.data, timeout=20)
            self.assertIn("belongs to somebody else", done.stderr)
            self.assertIsNone(sleeper.poll(), "root ended a process that the service's user named")
        finally:
            sleeper.kill()
            sleeper.wait()


if __name__ == "__main__":
    unittest.main()
