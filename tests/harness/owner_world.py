"""An owner's Security World in a folder of its own, for tests that need a running module.

    with OwnerWorld() as world:
        world.tool("generatekey", "--generate", ...)
"""
import os
import shutil
import subprocess
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("KEYQUAY_BUILD", os.path.join(SOURCE, "build"))
BIN = os.path.join(BUILD, "bin")

ASKPASS = """#!/bin/sh
# Answers for the officers of a test: one card after another, always the same passphrase.
folder=$(dirname "$0")
case $1 in
blank-card | card) echo "$folder/cards/card-$KEYQUAY_ASK_CARD" ;;
new-passphrase | passphrase) echo "passphrase of a test" ;;
confirm) echo yes ;;
trust-root) cat "$folder/root-hash" ;;
trust-world) cat "$folder/world-hash" ;;
*) exit 3 ;;
esac
"""


class OwnerWorld:
    def __init__(self, quorum="1/1", suite="ECp521mAES", initialize=True, launcher=()):
        self.folder = tempfile.mkdtemp(prefix="keyquay-test-")
        self.kmdata = os.path.join(self.folder, "kmdata")
        self.socket = os.path.join(self.kmdata, "hardserver.sock")
        self.launcher = list(launcher)
        os.makedirs(os.path.join(self.folder, "cards"))
        os.makedirs(self.kmdata)
        askpass = os.path.join(self.folder, "askpass")
        with open(askpass, "w", encoding="ascii") as out:
            out.write(ASKPASS)
        os.chmod(askpass, 0o700)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KEYQUAY_", "NFAST_"))}
        self.environment = {**kept, "NFAST_KMDATA": self.kmdata, "NFAST_HOME": BUILD, "KEYQUAY_ASKPASS": askpass,
                            "PATH": BIN + os.pathsep + os.environ.get("PATH", "/usr/bin:/bin")}
        self.start()
        if initialize:
            self.tool("new-world", "--initialize", f"--cipher-suite={suite}", "--module=1", f"--acs-quorum={quorum}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """The module, which answers when this returns."""
        command = [os.path.join(BIN, "keyquay-hsm"), "run", "--folder", self.kmdata, "--allow-unlocked", "--daemon"]
        self.check([*self.launcher, *command])

    def stop(self):
        subprocess.run([os.path.join(BIN, "keyquay"), "hsm", "stop", "--folder", self.kmdata], env=self.environment,
                       stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def check(self, command, **options):
        result = subprocess.run(command, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, check=False, **options)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def tool(self, name, *arguments):
        return self.check([os.path.join(BIN, name), *arguments])

    def generate(self, ident, *properties):
        self.tool("generatekey", "--generate", "--batch", "simple", *properties, "protect=module", f"ident={ident}",
                  f"plainname={ident}")
        return self.key_file(ident)

    def trust(self, root_hash, world_hash):
        """What the officers type when they are asked for the hashes of a destination."""
        for name, text in (("root-hash", root_hash), ("world-hash", world_hash)):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as out:
                out.write(text + "\n")

    def key_file(self, ident):
        return os.path.join(self.kmdata, "local", f"key_simple_{ident}")

    def processes(self):
        """Name -> process id of supervisor, hardserver and module of this folder."""
        supervisor = int(open(os.path.join(self.kmdata, "hsm", "supervisor.pid"), encoding="ascii").read().split()[0])
        found = {"supervisor": supervisor}
        for entry in os.listdir("/proc"):
            if entry.isdigit() and parent_of(int(entry)) == supervisor:
                found[name_of(int(entry))] = int(entry)
        return found


def stat_fields(pid):
    """What /proc/PID/stat says behind the name, or None."""
    try:
        text = open(f"/proc/{pid}/stat", encoding="ascii", errors="replace").read()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def parent_of(pid):
    fields = stat_fields(pid)
    return int(fields[1]) if fields else None


def cpu_seconds(pid):
    """User and system time of a process, all its threads."""
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def name_of(pid):
    try:
        return open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace").read().strip()
    except OSError:
        return ""
