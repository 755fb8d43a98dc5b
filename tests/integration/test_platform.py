"""Supervisor, hardserver and module as processes: starting, stopping, killing,
refusing, and what is on the disk afterwards.

Source  docs/formats/audit.md; architecture promises 2, 3, 7
"""
import hashlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "harness"))
import ledger  # noqa: E402
from module_client import AUDIT_APPEND, ERR_IO, OK, PEER_SET, ModuleClient, decode  # noqa: E402
from processes import running, wait_until  # noqa: E402

BIN = os.path.join(os.environ.get("KEYQUAY_BUILD", os.path.join(SOURCE, "build")), "bin")
KEYQUAY_HSM = os.path.join(BIN, "keyquay-hsm")
NUM_KILLS = 200 if os.environ.get("KEYQUAY_DEEP") else 24


def read_log(path):
    """(records, heads as (num_records, root)) of an audit log; fails on anything that is no whole entry."""
    with open(path, "rb") as file:
        data = file.read()
    records, heads, at = [], [], 0
    while at < len(data):
        length = struct.unpack(">I", data[at:at + 4])[0]
        name, version, kind, content = decode(data[at + 4:at + 4 + length])[0]
        assert (name, version) == ("keyquay/audit-entry", 1)
        at += 4 + length
        if kind == 1:
            records.append((content, decode(content)[0][2:]))
        elif kind == 2:
            head = decode(decode(content)[0][2])[0]
            heads.append((head[3], head[4]))
    return records, heads


def tree_root(leaves):
    """RFC 9162 2.1.1, as it is written."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + tree_root(leaves[:split]) + tree_root(leaves[split:])).digest()


class Platform(unittest.TestCase):
    def setUp(self):
        self.parent = tempfile.mkdtemp(prefix="keyquay-platform-")
        self.folder = os.path.join(self.parent, "m")
        self.socket = os.path.join(self.folder, "hardserver.sock")

    def tearDown(self):
        subprocess.run([KEYQUAY_HSM, "stop", "--folder", self.folder], capture_output=True, check=False)
        shutil.rmtree(self.parent, ignore_errors=True)

    def hsm(self, name):
        return os.path.join(self.folder, "hsm", name)

    def run_hsm(self, *arguments, prefix=()):
        return subprocess.run([*prefix, KEYQUAY_HSM, "run", "--daemon", "--folder", self.folder, *arguments],
                              capture_output=True, text=True, timeout=60, check=False)

    def start(self, *arguments):
        result = self.run_hsm("--allow-unlocked", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)

    def stop(self):
        subprocess.run([KEYQUAY_HSM, "stop", "--folder", self.folder], check=True, timeout=60)

    def descriptors(self, program):
        """What a process has open, sorted: names of files, kinds of all else."""
        folder = f"/proc/{running(self.folder)[program]}/fd"
        return sorted(os.readlink(os.path.join(folder, fd)).split(":")[0].split("/")[-1] for fd in os.listdir(folder))

    def events(self):
        return [record[3] for _, record in read_log(self.hsm("audit.log"))[0]]

    def assert_log_is_sound(self):
        records, heads = read_log(self.hsm("audit.log"))
        self.assertEqual([record[0] for _, record in records], list(range(len(records))))
        leaves = [content for content, _ in records]
        for num_records, root in heads[-5:]:
            self.assertEqual(tree_root(leaves[:num_records]), root)
        self.assertEqual(heads[-1][0], len(records))
        return records

    # ---- starting and stopping ------------------------------------------------------

    def test_first_start__nothing_there__answers_within_a_second_and_stops(self):
        self.start()
        with ModuleClient(self.socket) as client:
            esn = client.status()["esn"]
        self.assertEqual(oct(os.stat(self.socket).st_mode & 0o777), "0o600")
        self.assertEqual(oct(os.stat(self.hsm("device-key")).st_mode & 0o777), "0o400")
        self.stop()
        self.assertFalse(os.path.exists(self.socket))
        self.assertEqual(running(self.folder), {})
        began = time.monotonic()
        self.start()
        with ModuleClient(self.socket) as client:
            self.assertEqual(client.status()["esn"], esn)
        self.assertLess(time.monotonic() - began, 3)  # 0.1 s with nothing else to do
        self.stop()
        self.assertEqual(self.events(), ["module-start", "clean-stop"] * 2)
        self.assert_log_is_sound()

    def test_start__several_at_once__one_module(self):
        starts = [subprocess.Popen([KEYQUAY_HSM, "run", "--daemon", "--allow-unlocked", "--folder", self.folder])
                  for _ in range(5)]
        self.assertEqual([start.wait(60) for start in starts], [0] * 5)
        with ModuleClient(self.socket) as client:
            client.status()
        self.assertEqual(self.events(), ["module-start"])
        result = subprocess.run([KEYQUAY_HSM, "run", "--folder", self.folder], capture_output=True, text=True, timeout=60,
                                check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("running there already", result.stderr)

    def test_status__running_or_not__said(self):
        command = [KEYQUAY_HSM, "status", "--folder", self.folder]
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 1)
        self.start()
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0)
        self.assertIn(str(running(self.folder)["keyquay-hsm"]), result.stdout)

    def test_idle__long_enough__leaves_and_can_be_started_again(self):
        self.start("--idle-exit", "1")
        with ModuleClient(self.socket) as client:
            time.sleep(1.5)
            client.status()  # a connection keeps it
        self.assertTrue(wait_until(lambda: not os.path.exists(self.socket), 15))
        self.assertTrue(wait_until(lambda: running(self.folder) == {}, 5))
        self.start()
        with ModuleClient(self.socket) as client:
            client.status()

    def test_idle_memory__all_processes__under_24_mib(self):
        self.start()
        with ModuleClient(self.socket) as client:
            client.status()
        total_kib = 0
        for pid in running(self.folder).values():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total_kib += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        self.assertLess(total_kib, 24 * 1024)

    def test_module__inherited_descriptors__are_its_own_only(self):
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        subprocess.run([KEYQUAY_HSM, "run", "--daemon", "--allow-unlocked", "--folder", self.folder], check=True,
                       close_fds=False, timeout=60)
        os.close(writer)
        os.set_blocking(reader, False)
        self.assertEqual(os.read(reader, 1), b"")  # nobody else holds the other end
        os.close(reader)
        kinds = self.descriptors("hsm-module")  # sockets: the control channel, the listening one
        self.assertEqual(kinds, ["anon_inode", "anon_inode", "log", "log", "null", "socket", "socket"])

    def test_hardserver__clients_connected__holds_none_of_their_sockets(self):
        self.start()
        with ModuleClient(self.socket) as client, ModuleClient(self.socket) as other:
            client.status()
            other.status()
            self.assertEqual(self.descriptors("hsm-module").count("socket"), 4)
            # the one socket is the control channel
            self.assertEqual(self.descriptors("hardserver"),
                             ["anon_inode", "audit.log", "hsm", "lock", "log", "log", "null", "socket"])

    def test_children__environment_of_the_starter__not_inherited(self):
        result = subprocess.run([KEYQUAY_HSM, "run", "--daemon", "--allow-unlocked", "--folder", self.folder],
                                env={**os.environ, "OPENSSL_CONF": "/nowhere", "KEYQUAY_TEST": "1"}, check=False)
        self.assertEqual(result.returncode, 0)
        for name in ("hsm-module", "hardserver"):
            with open(f"/proc/{running(self.folder)[name]}/environ", "rb") as file:
                self.assertEqual(file.read(), b"PATH=/usr/bin:/bin\0LANG=C.UTF-8\0")

    # ---- refusing -------------------------------------------------------------------------

    def assert_refuses(self, *words):
        result = self.run_hsm("--allow-unlocked")
        self.assertEqual(result.returncode, 1)
        for word in words:
            self.assertIn(word, result.stderr)
        # The refusal is told first, then the supervisor in the background takes its socket away.
        self.assertTrue(wait_until(lambda: not os.path.exists(self.socket), 5))

    def change_byte(self, name, at):
        with open(self.hsm(name), "rb") as file:
            data = bytearray(file.read())
        data[at] ^= 1
        mode = os.stat(self.hsm(name)).st_mode & 0o777
        os.chmod(self.hsm(name), 0o600)
        with open(self.hsm(name), "wb") as file:
            file.write(data)
        os.chmod(self.hsm(name), mode)

    def test_start__damaged_or_missing_files__refused_by_name_and_nothing_lost(self):
        self.start()
        with ModuleClient(self.socket) as client:
            esn = client.status()["esn"]
        self.stop()
        os.chmod(self.hsm("device-key"), 0o640)
        self.assert_refuses("hsm/device-key", "chmod 0400")
        os.chmod(self.hsm("device-key"), 0o400)
        self.change_byte("state", 250)
        self.assert_refuses("hsm/state", "changed")
        self.change_byte("state", 250)
        os.rename(self.hsm("state"), self.hsm("kept"))
        self.assert_refuses("hsm/state", "backup")
        os.rename(self.hsm("kept"), self.hsm("state"))
        os.rename(self.hsm("device-key"), self.hsm("kept"))
        self.assert_refuses("hsm/device-key", "backup")
        os.rename(self.hsm("kept"), self.hsm("device-key"))
        self.start()
        with ModuleClient(self.socket) as client:
            self.assertEqual(client.status()["esn"], esn)

    def test_start__audit_log_cut__recorded(self):
        self.start()
        self.stop()
        self.start()
        self.stop()
        os.truncate(self.hsm("audit.log"), 300)
        self.start()
        with ModuleClient(self.socket) as client:
            client.status()
        self.stop()
        with open(self.hsm("audit.log"), "rb") as file:
            self.assertIn(b"log-cut", file.read())

    def test_start__folder_path_too_long__refused_by_name(self):
        self.folder = os.path.join(self.parent, "x" * 100)
        result = self.run_hsm("--allow-unlocked")
        self.assertEqual(result.returncode, 1)
        self.assertIn("too long", result.stderr)

    def unprivileged(self):
        """A prefix that drops root (and its right to lock any amount of memory)."""
        if os.geteuid() != 0:
            return ["prlimit", "--memlock=65536:65536"]
        if not shutil.which("setpriv"):
            self.skipTest("no setpriv here")
        prefix = ["prlimit", "--memlock=65536:65536", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        if subprocess.run([*prefix, KEYQUAY_HSM, "--help"], capture_output=True, check=False).returncode != 0:
            self.skipTest("another user cannot reach the programs here")
        os.chmod(self.parent, 0o777)
        return prefix

    def test_start__memory_cannot_be_locked__refused_with_the_remedy(self):
        prefix = self.unprivileged()
        result = self.run_hsm(prefix=prefix)
        self.assertEqual(result.returncode, 1)
        for word in ("LimitMEMLOCK", "RLIMIT_MEMLOCK", "--allow-unlocked"):
            self.assertIn(word, result.stderr)
        result = self.run_hsm("--allow-unlocked", prefix=prefix)
        self.assertEqual(result.returncode, 0, result.stderr)
        if os.geteuid() != 0:
            with ModuleClient(self.socket) as client:
                self.assertEqual(client.status()["memory"], "not locked (--allow-unlocked)")
        os.kill(running(self.folder)["keyquay-hsm"], signal.SIGTERM)
        self.assertTrue(wait_until(lambda: running(self.folder) == {}))

    def as_user(self, uid, *command):
        """True if the command succeeds as that user, in its own group and the folder's."""
        group = os.stat(self.hsm("")).st_gid if uid == 1 else uid
        return subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={group}", "--clear-groups", *command],
                              capture_output=True, check=False).returncode == 0

    def start_three_users(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        self.unprivileged()
        os.chmod(self.parent, 0o755)
        self.start("--module-user", "65534", "--hardserver-user", "1", "--socket-mode", "0666")

    def test_start__three_users__key_is_protected_by_its_user(self):
        self.start_three_users()
        with ModuleClient(self.socket) as client:
            self.assertEqual(client.status()["key_protection"], "device key file")
            self.assertEqual(client.results(PEER_SET, [4242, 1], b"0" * 16), [])
        owners = {name: os.stat(self.hsm(name)).st_uid
                  for name in ("device-key", "state", "audit.log", "lock", "log", "supervisor.pid")}
        self.assertEqual(owners, {"device-key": 65534, "state": 1, "audit.log": 1, "lock": 0, "log": 0,
                                  "supervisor.pid": 0})
        self.assertTrue(self.as_user(1, "cat", self.hsm("state")))
        self.assertFalse(self.as_user(1, "cat", self.hsm("device-key")))
        for name in ("device-key", "log", "lock", "supervisor.pid"):
            self.assertFalse(self.as_user(1, "mv", self.hsm(name), self.hsm("moved")), name)
            self.assertFalse(self.as_user(1, "rm", "-f", self.hsm(name)), name)
        for name in ("state", "audit.log"):
            self.assertFalse(self.as_user(65534, "sh", "-c", 'echo >> "$0"', self.hsm(name)), name)
        self.assertFalse(self.as_user(65534, "touch", self.hsm("new")))
        self.assertFalse(self.as_user(3, "cat", self.hsm("state")))
        self.stop()
        self.start_three_users()
        with ModuleClient(self.socket) as client:
            client.status()

    def test_start__three_users__a_fourth_is_refused_until_he_has_a_role(self):
        self.start_three_users()
        program = f"import sys; sys.path.insert(0, {os.path.join(SOURCE, 'tests', 'harness')!r}); " \
            f"from module_client import ModuleClient; ModuleClient({self.socket!r})"
        visit = ["python3", "-c", program]
        self.assertFalse(self.as_user(3, *visit))
        with ModuleClient(self.socket) as client:
            client.results(PEER_SET, [3, 1], os.urandom(16))
        self.assertTrue(self.as_user(3, *visit))

    def test_start__three_users__links_left_by_the_hardserver_are_not_followed(self):
        self.start_three_users()
        self.stop()
        for name in ("log", "lock", "supervisor.pid"):
            victim = os.path.join(self.parent, "victim")
            with open(victim, "w", encoding="ascii") as file:
                file.write("root's own")
            os.unlink(self.hsm(name))
            os.symlink(victim, self.hsm(name))
            result = self.run_hsm("--allow-unlocked", "--module-user", "65534", "--hardserver-user", "1")
            self.assertEqual(result.returncode, 1, name)
            with open(victim, encoding="ascii") as file:
                self.assertEqual(file.read(), "root's own")
            os.unlink(self.hsm(name))

    def test_act__disk_full__error_and_goes_on_when_there_is_room(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for a small file system")
        os.mkdir(self.folder)
        command = 'mount -t tmpfs -o size=400k none "$1" && exec "$0" run --allow-unlocked --folder "$1"'
        supervisor = subprocess.Popen(["unshare", "-m", "sh", "-c", command, KEYQUAY_HSM, self.folder],
                                      stderr=subprocess.DEVNULL)
        self.addCleanup(supervisor.wait)
        self.addCleanup(supervisor.terminate)
        inside = f"/proc/{supervisor.pid}/root{self.folder}"
        if not wait_until(lambda: os.path.exists(inside + "/hardserver.sock") or supervisor.poll() is not None):
            self.fail("no module")
        if supervisor.poll() is not None:
            self.skipTest("no mount name spaces here")
        with ModuleClient(inside + "/hardserver.sock") as client:
            self.assertEqual(client.call(PEER_SET, [1, 1], os.urandom(16))[0], OK)
            with open(inside + "/fill", "wb", buffering=0) as fill:
                try:
                    while True:
                        fill.write(bytes(4096))
                except OSError:
                    pass
            status, detail, _ = client.call(PEER_SET, [2, 1], os.urandom(16))
            self.assertEqual(status, ERR_IO)
            self.assertIn("disk full", detail)
            os.unlink(inside + "/fill")
            self.assertTrue(wait_until(lambda: client.call(PEER_SET, [3, 1], os.urandom(16))[0] == OK))

    # ---- killing ------------------------------------------------------------------------------

    def test_client__module_killed__next_connection_waits_and_is_served(self):
        self.start()
        for name in ("hsm-module", "hardserver"):
            pid = running(self.folder)[name]
            os.kill(pid, signal.SIGKILL)
            self.assertTrue(wait_until(lambda pid=pid: pid not in running(self.folder).values()))
            try:
                client = ModuleClient(self.socket)
            except (ConnectionResetError, BrokenPipeError, EOFError):
                client = ModuleClient(self.socket)  # taken by the one that was just leaving; never refused
            with client:
                client.status()
        self.assertEqual(self.events().count("unclean-stop"), 2)
        self.assert_log_is_sound()

    def test_supervisor__killed__children_leave_and_a_new_one_takes_over(self):
        self.start()
        pid = running(self.folder)["keyquay-hsm"]
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: pid not in running(self.folder).values()))
        self.start()
        with ModuleClient(self.socket) as client:
            client.status()
        self.assertTrue(wait_until(lambda: len(running(self.folder)) == 3))
        self.assert_log_is_sound()

    def test_acts__everything_killed_at_random__what_was_acknowledged_is_there_once(self):
        seed = int.from_bytes(os.urandom(4), "big")
        print(f"# seed {seed}", flush=True)
        self.start()
        writers = [Writer(self.socket, number) for number in range(3)]
        for writer in writers:
            writer.start()
        num_kills = self.kill_at_random(random.Random(seed))
        for writer in writers:
            writer.is_over = True
        for writer in writers:
            writer.join(60)
            self.assertFalse(writer.is_alive())
            self.assertIsNone(writer.failure)
        self.stop()
        records = self.assert_log_is_sound()
        written = [record[9] for _, record in records if record[3] == "load"]
        self.assertEqual(len(written), len(set(written)), "an act was done twice")
        acknowledged = [detail for writer in writers for detail in writer.acknowledged]
        lost = set(acknowledged) - set(written)
        ledger.append("platform-kills", num_kills, len(lost), seed)
        self.assertEqual(lost, set())
        self.assertGreater(len(acknowledged), num_kills // 4)
        with_outcome_unknown = set(written) - set(acknowledged)
        self.assertLessEqual(len(with_outcome_unknown), len(writers))  # the last one of each, at most

    def kill_at_random(self, chance):
        num_kills = 0
        end = time.monotonic() + NUM_KILLS * 5
        while num_kills < NUM_KILLS and time.monotonic() < end:
            time.sleep(chance.uniform(0.0, 0.12))
            programs = running(self.folder)
            name = chance.choice(("hsm-module", "hardserver", "hsm-module", "hardserver", "keyquay-hsm"))
            if name not in programs:
                continue
            try:
                os.kill(programs[name], signal.SIGKILL)
            except ProcessLookupError:
                continue
            num_kills += 1
            if name == "keyquay-hsm":
                self.assertTrue(wait_until(lambda pid=programs[name]: pid not in running(self.folder).values()))
                self.start()
        return num_kills


class Writer(threading.Thread):
    """Appends numbered records; repeats each under its request id until it is answered."""

    def __init__(self, path, number):
        super().__init__(daemon=True)
        self.path, self.number = path, number
        self.acknowledged, self.is_over, self.failure = [], False, None

    def run(self):
        try:
            while not self.is_over:
                detail = f"{self.number}-{len(self.acknowledged)}"
                self.append(detail, os.urandom(16))
                self.acknowledged.append(detail)
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error

    def append(self, detail, request_id):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with ModuleClient(self.path, timeout=5) as client:
                    client.results(AUDIT_APPEND, ["load", "", b"", detail], request_id)
                    return
            except (OSError, EOFError):
                time.sleep(0.005)
        raise RuntimeError("no module for a minute")


if __name__ == "__main__":
    unittest.main()
