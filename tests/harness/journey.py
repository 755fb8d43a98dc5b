"""Both ends of a transfer in one temporary folder, for tests of the programs:
a manufacturer and regions made with rehearsal cards, and owners with cards of their own.

    with Journey() as journey:
        journey.regions("NA", "EU")
        owner = journey.owner("alice")
        owner.line("generatekey --generate simple ...")
"""
import json
import os
import re
import shutil
import subprocess
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("KEYQUAY_BUILD", os.path.join(SOURCE, "build"))
BIN = os.path.join(BUILD, "bin")
SUBSCRIPTION = "00112233-4455-6677-8899-aabbccddeeff"
PASSPHRASE = "a passphrase of tests"

ASKPASS = """#!/bin/sh
# ASK_DIR holds what the officers of a test know: cards, root-hash, world-hash, and present (which cards, in order).
[ ! -e "$ASK_DIR/cancel" ] || exit 1
case $1 in
blank-card) echo "$ASK_DIR/card-$KEYQUAY_ASK_CARD" ;;
card)
    set -- $(cat "$ASK_DIR/present" 2>/dev/null || echo 1 2 3)
    shift $((KEYQUAY_ASK_CARD - 1))
    echo "$ASK_DIR/card-$1"
    ;;
new-passphrase | passphrase) cat "$ASK_DIR/passphrase" ;;
confirm) cat "$ASK_DIR/confirm" ;;
trust-root) echo "$2" >>"$ASK_DIR/prompts"; cat "$ASK_DIR/root-hash" ;;
trust-world) echo "$2" >>"$ASK_DIR/prompts"; cat "$ASK_DIR/world-hash" ;;
*) exit 1 ;;
esac
"""


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


def linux_line(line, home=BUILD, kmdata="$NFAST_KMDATA"):
    """A command line of the documents with Linux paths in place of Windows ones."""
    line = line.replace("\\", "/")
    line = re.sub("%nfast_home%", lambda _: home, line, flags=re.IGNORECASE)
    return re.sub("%nfast_kmdata%", lambda _: kmdata, line, flags=re.IGNORECASE)


class Party:
    """Somebody with a folder, an environment and officers."""

    def __init__(self, folder):
        self.folder = folder
        self.ask = os.path.join(folder, "ask")
        self.kmdata = os.path.join(folder, "kmdata")
        self.local = os.path.join(self.kmdata, "local")
        self.work = os.path.join(folder, "work")
        for path in (self.ask, self.kmdata, self.work):
            os.makedirs(path)
        askpass = os.path.join(folder, "askpass")
        write(askpass, ASKPASS)
        os.chmod(askpass, 0o700)
        self.knows("passphrase", PASSPHRASE)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KEYQUAY_", "NFAST_"))}
        self.environment = {**kept, "NFAST_KMDATA": self.kmdata, "NFAST_HOME": BUILD, "KEYQUAY_ASKPASS": askpass,
                            "ASK_DIR": self.ask, "LC_ALL": "C.UTF-8",
                            "PATH": os.pathsep.join([BIN, os.path.join(BUILD, "python", "bin"), kept["PATH"]])}

    def knows(self, what, text):
        write(os.path.join(self.ask, what), text)

    def run(self, *command, cwd=None, timeout=120, environment=None):
        return Result(subprocess.run(command, cwd=cwd or self.work, env={**self.environment, **(environment or {})},
                                     capture_output=True, text=True, timeout=timeout, check=False,
                                     stdin=subprocess.DEVNULL, start_new_session=True))

    def line(self, line, **options):
        """Runs a line as pasted into a shell."""
        return self.run("sh", "-c", line, **options)

    def must(self, *command, **options):
        done = self.run(*command, **options)
        if done.code != 0:
            raise AssertionError(f"{' '.join(command)}: {done}")
        return done

    def must_line(self, line, **options):
        done = self.line(line, **options)
        if done.code != 0:
            raise AssertionError(f"{line}: {done}")
        return done

    def stop(self):
        self.run(os.path.join(BIN, "keyquay"), "hsm", "stop")


class Owner(Party):
    def new_world(self, suite="ECp521mAES", quorum="1/1"):
        self.must("new-world", "--initialize", f"--cipher-suite={suite}", "--module=1", f"--acs-quorum={quorum}")

    def new_key(self, ident, kind="type=RSA", size="size=2048"):
        self.must("generatekey", "--generate", "--batch", "simple", kind, size, "protect=module", f"ident={ident}",
                  f"plainname={ident}")

    def expects(self, region):
        """The officers read the region's hashes in the newspaper."""
        self.knows("root-hash", region["rootHash"])
        self.knows("world-hash", region["world"])

    def modify(self, ident, code, *more, **options):
        return self.run("KeyTransferRemote", "-ModifyAcls", "-KeyAppName", "simple", "-KeyIdentifier", ident,
                        "-ExchangeKeyPackage", f"BYOK-KEK-pkg-{code}", "-NewSecurityWorldPackage",
                        f"BYOK-SecurityWorld-pkg-{code}", *more, **options)

    def package(self, ident, code, friendly, *more, subscription=SUBSCRIPTION, **options):
        return self.run("KeyTransferRemote", "-Package", "-KeyIdentifier", ident, "-ExchangeKeyPackage",
                        f"BYOK-KEK-pkg-{code}", "-NewSecurityWorldPackage", f"BYOK-SecurityWorld-pkg-{code}",
                        "-SubscriptionId", subscription, "-KeyFriendlyName", friendly, *more, **options)

    def path(self, name):
        return os.path.join(self.work, name)


class Journey:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="kq-journey-", dir="/tmp")  # short, for the sockets' paths
        self.data = os.path.join(self.folder, "operator")
        self.operator = Party(os.path.join(self.folder, "desk"))
        self.parties = []
        self.made = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for party in self.parties:
            party.stop()
        for root, folders, _ in os.walk(self.folder):
            if "hsm" in folders and "kmdata" not in root:
                self.operator.run("keyquay", "hsm", "stop", "--folder", root)
        shutil.rmtree(self.folder, ignore_errors=True)

    def regions(self, *codes, data=None):
        done = self.operator.must("keyquay", "region", "create", *codes, "--data", data or self.data, "--json")
        facts = [json.loads(line) for line in done.out.splitlines()]
        self.made.update({fact["code"]: fact for fact in facts})
        return facts

    def toolset(self, code, data=None):
        path = os.path.join(self.folder, f"toolset-{code}.zip")
        self.operator.must("keyquay", "region", "toolset", code, "--data", data or self.data, "--out", path, "--replace")
        return path

    def owner(self, name, *codes):
        """An owner whose work folder holds the toolsets of these regions."""
        owner = Owner(os.path.join(self.folder, name))
        self.parties.append(owner)
        for code in codes:
            owner.must("unzip", "-q", "-o", self.toolset(code), "-d", owner.work)
        return owner

    def bring(self, file, name, *more, subscription=SUBSCRIPTION, data=None):
        return self.operator.run("keyquay", "region", "import", file, "--data", data or self.data, "--subscription",
                                 subscription, "--name", name, *more)

    def use(self, act, name, *more, subscription=SUBSCRIPTION):
        return self.operator.run("keyquay", "region", "use", act, "--data", self.data, "--subscription", subscription,
                                 "--name", name, *more)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


def flip(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
