"""What officers, administrators and attackers get wrong: files of the wrong kind, damaged at every place, questions
answered badly, dates that pass, trust given and taken back. Each time the exit status, a message that names the file
or field, and nothing half written."""
import json
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from journey import BIN, SUBSCRIPTION, Journey, flip, read, write  # noqa: E402

SPKI_OF_P256 = bytes.fromhex("3059301306072a8648ce3d0201")


def damages(whole, places):
    """A file empty, cut, longer, too long, and with one bit changed at many places."""
    yield "empty", b""
    yield "half", whole[:len(whole) // 2]
    yield "cut", whole[:-1]
    yield "longer", whole + b"\0"
    yield "oversized", whole + bytes(4 << 20)
    for at in range(0, len(whole), max(1, len(whole) // places)):
        yield at, flip(whole, at)


def setUpModule():
    """Two regions, an owner with a 2 of 3 quorum, a copy and a package; tests put back what they change."""
    journey = Case.journey = Journey()
    unittest.addModuleCleanup(journey.close)
    Case.facts = {fact["code"]: fact for fact in journey.regions("NA", "EU")}
    owner = Case.owner = journey.owner("owner", "NA", "EU")
    owner.new_world(quorum="2/3")
    owner.new_key("key", "type=EC", "size=P-256")
    owner.expects(Case.facts["NA-1"])
    for done in (owner.modify("key", "NA-1"), owner.package("key", "NA-1", "good")):
        if done.code != 0:
            raise AssertionError(done)


class Case(unittest.TestCase):
    journey = owner = facts = None

    def refused(self, done, *words, code=1):
        self.assertEqual(done.code, code, done)
        for word in words:
            self.assertIn(word, done.err, done)
        self.assertNotIn("SUCCESS", done.out)
        self.assertFalse(done.err.startswith(":"))

    def done(self, done):
        self.assertEqual(done.code, 0, done)
        return done

    def kept(self, path):
        """Puts the file back after the test."""
        whole = read(path)
        self.addCleanup(write, path, whole)
        return whole

    def askpass(self, script):
        path = self.owner.path("askpass-of-this-test")
        write(path, "#!/bin/sh\n" + script + "\n")
        os.chmod(path, 0o700)
        return {"KEYQUAY_ASKPASS": path}

    def copy_path(self, ident="key"):
        return os.path.join(self.owner.local, f"key_xferacld_{ident}")


class Kinds(Case):
    """Every file in the place of every other."""

    def test_every_program__file_of_another_kind__named(self):
        owner = self.owner
        kinds = {
            "world": os.path.join(owner.local, "world"), "key": os.path.join(owner.local, "key_simple_key"),
            "card": os.path.join(owner.ask, "card-1"), "kek": owner.path("BYOK-KEK-pkg-NA-1"),
            "package": owner.path("BYOK-SecurityWorld-pkg-NA-1"), "byok": owner.path("TransferPackage-good.byok"),
            "receipt": owner.path("TransferPackage-good.receipt"),
            "log": os.path.join(owner.kmdata, "hsm", "audit.log"), "state": os.path.join(owner.kmdata, "hsm", "state"),
            "text": owner.path("README.txt"), "folder": owner.work,
            "device": "/dev/zero", "none": owner.path("nothing-of-that-name")}
        factory = os.path.join(self.journey.data, "factory")
        readers = {
            "byok": lambda file: self.journey.bring(file, "swapped"),
            "receipt": lambda file: owner.run("keyquay", "receipt", "verify", file),
            "kek": lambda file: owner.run("verifykeypackage", "-k", file, "-w", "BYOK-SecurityWorld-pkg-NA-1"),
            "package": lambda file: owner.run("verifykeypackage", "-k", "BYOK-KEK-pkg-NA-1", "-w", file),
            "card": lambda file: owner.run("cardpp", "--examine", file),
            "log": lambda file: owner.run("keyquay", "audit", "verify", "--log", file),
            "request": lambda file: owner.run("keyquay-factory", "sign", file, "--data", factory, "--out", "unwarranted"),
            "warrant": lambda file: owner.run("keyquay", "enrol", "install", file)}
        for wanted, reader in readers.items():
            for kind, path in kinds.items():
                if kind == wanted:
                    continue
                with self.subTest(wanted=wanted, kind=kind):
                    self.refused(reader(path), path)
        self.assertFalse(os.path.exists(owner.path("unwarranted")))
        self.assertFalse(os.path.exists(os.path.join(self.journey.data, "regions", "UnitedStates", "vault",
                                                     SUBSCRIPTION, "default", "swapped")))

    def test_packages__other_files__told_what_they_are(self):
        done = self.owner.run("verifykeypackage", "-k", "TransferPackage-good.byok", "-w", "BYOK-SecurityWorld-pkg-NA-1")
        self.refused(done, "TransferPackage-good.byok", "keyquay/transfer-package")
        self.assertIn("Result: FAILURE", done.out)

    def test_key_world_card__in_each_others_place__refused(self):
        owner = self.owner
        paths = [os.path.join(owner.local, "key_simple_key"), os.path.join(owner.local, "world"),
                 os.path.join(owner.ask, "card-1")]
        contents = [self.kept(path) for path in paths]
        write(paths[0], contents[1])
        self.refused(owner.modify("key", "NA-1"), paths[0])
        write(paths[0], contents[0])
        write(paths[2], contents[0])
        self.refused(owner.modify("key", "NA-1"), paths[2])
        write(paths[2], contents[2])
        self.done(owner.modify("key", "NA-1"))


class Damage(Case):
    def test_receipts__damaged_anywhere__do_not_verify(self):
        imported = json.loads(self.done(self.journey.bring(self.owner.path("TransferPackage-good.byok"), "k", "--json")).out)
        export = self.owner.path("TransferPackage-good.receipt")
        for path in (export, os.path.join(imported["path"], "receipt")):
            bad = self.owner.path("bad.receipt")
            for what, content in damages(read(path), 25):
                with self.subTest(path=os.path.basename(path), what=what):
                    write(bad, content)
                    self.refused(self.owner.run("keyquay", "receipt", "verify", bad), "bad.receipt")

    def test_copy__damaged_anywhere__makes_no_package(self):
        whole = self.kept(self.copy_path())
        first = whole.index(b"keyquay/key-blob")
        last = whole.index(SPKI_OF_P256) - 8  # names and dates before the blob and copies after it only describe it
        for what, content in damages(whole, 60):
            if isinstance(what, int) and not first <= what < last:
                continue
            with self.subTest(what=what):
                write(self.copy_path(), content)
                done = self.owner.package("key", "NA-1", "damaged")
                self.refused(done, "key_xferacld_key")
                self.assertFalse(os.path.exists(self.owner.path("TransferPackage-damaged.byok")))
                self.assertFalse(os.path.exists(self.owner.path("TransferPackage-damaged.receipt")))

    def test_public_half__damaged__not_handed_on(self):
        path = os.path.join(self.owner.local, "key_simple_key")
        whole = self.kept(path)
        write(path, flip(whole, whole.index(SPKI_OF_P256) + 60))
        done = self.owner.run("keyquay", "key", "export-public", "--app", "simple", "--ident", "key", "--out", "public.pem")
        self.refused(done, path, "public_key")
        self.assertFalse(os.path.exists(self.owner.path("public.pem")))

    def test_card__damaged_anywhere__not_taken(self):
        card = os.path.join(self.owner.ask, "card-1")
        whole = self.kept(card)
        for what, content in damages(whole, 12):
            with self.subTest(what=what):
                write(card, content)
                self.refused(self.owner.run("cardpp", "--examine", card), card)
                self.refused(self.owner.modify("key", "NA-1"), card)

    def test_warrant_and_request__damaged__not_taken(self):
        factory = os.path.join(self.journey.data, "factory")
        self.done(self.owner.run("keyquay", "enrol", "request", "--out", "request"))
        self.done(self.owner.run("keyquay-factory", "sign", "request", "--data", factory, "--out", "warrant"))
        for name, command in (("request", ["keyquay-factory", "sign", "bad", "--data", factory, "--out", "never"]),
                              ("warrant", ["keyquay", "enrol", "install", "bad"])):
            whole = read(self.owner.path(name))
            lines = whole.splitlines(keepends=True)
            for what, content in (("empty", b""), ("half", whole[:len(whole) // 2]), ("text", b"hello\n"),
                                  ("oversized", whole + b"x" * (1 << 20)), ("without its last line", b"".join(lines[:-1])),
                                  ("flipped", whole.replace(lines[3][:8], lines[3][:8][::-1]))):
                with self.subTest(name=name, what=what):
                    write(self.owner.path("bad"), content)
                    self.refused(self.owner.run(*command), "bad")
        self.assertFalse(os.path.exists(self.owner.path("never")))

    def test_audit_log__emptied__does_not_verify(self):
        stopped = os.path.join(self.journey.folder, "stopped")
        os.makedirs(os.path.join(stopped, "hsm"))
        write(os.path.join(stopped, "hsm", "audit.log"), b"")
        self.refused(self.owner.run("keyquay", "audit", "verify", "--folder", stopped), "empty")

    def test_device_key__dumped__is_not_shown(self):
        path = os.path.join(self.owner.kmdata, "hsm", "device-key")
        done = self.done(self.owner.run("kmfile-dump", path))
        self.assertIn("not shown", done.out)
        secret = read(path)[-32:].hex()
        self.assertNotIn(secret[:8], done.out)


class Ceremony(Case):
    def test_askpass__answers_badly__told_and_nothing_changed(self):
        before = read(self.copy_path())
        for what, script, code, words in (
                ("nothing", "exit 0", 1, ["no card was named", "no usable card"]),
                ("empty line", "echo", 1, ["no card was named"]),
                ("too long", "head -c 100000 /dev/zero | tr '\\0' x", 1, ["larger than allowed"]),
                ("rubbish", "printf 'no\\tsuch\\001card\\n'", 1, ["no usable card"]),
                ("a folder", "echo /", 1, ["a folder, not a file"]),
                ("a device", "echo /dev/zero", 1, ["not a regular file"]),
                ("cancelled", "exit 1", 3, ["cancelled"]),
                ("killed", "kill -9 $$", 3, ["cancelled"])):
            with self.subTest(what):
                self.refused(self.owner.modify("key", "NA-1", environment=self.askpass(script)), *words, code=code)
        self.assertEqual(read(self.copy_path()), before)

    def test_askpass__cannot_run__named(self):
        for path in ("/nonexistent", "/etc/passwd", "/"):
            with self.subTest(path):
                self.refused(self.owner.modify("key", "NA-1", environment={"KEYQUAY_ASKPASS": path}), "KEYQUAY_ASKPASS",
                             path)

    def test_hash__left_out_or_nonsense__not_trusted(self):
        self.done(self.owner.run("keyquay", "world", "distrust", self.facts["NA-1"]["world"]))
        self.addCleanup(self.owner.expects, self.facts["NA-1"])
        for answer in ("", "yes", self.facts["NA-1"]["world"][:63], "g" * 64, self.facts["EU-1"]["world"]):
            with self.subTest(answer):
                self.owner.knows("world-hash", answer + "\n")
                self.refused(self.owner.modify("key", "NA-1"))
        self.refused(self.owner.package("key", "NA-1", "never"), "-ModifyAcls")
        self.owner.expects(self.facts["NA-1"])
        self.done(self.owner.modify("key", "NA-1"))

    def test_rehearsal_root__trusted_without_that_word__asked_again(self):
        root = self.facts["NA-1"]["rootHash"]
        self.done(self.owner.run("keyquay", "root", "distrust", root))
        self.refused(self.owner.package("key", "NA-1", "never"), "not on this module's list", "root|world trust")
        self.done(self.owner.run("keyquay", "root", "trust", root))
        self.refused(self.owner.package("key", "NA-1", "never"), "rehearsal")
        self.done(self.owner.modify("key", "NA-1"))
        self.done(self.owner.package("key", "NA-1", "named", "-Force"))


class Dates(Case):
    def test_validity__beyond_the_copy_or_no_number__refused(self):
        self.done(self.owner.modify("key", "NA-1", "-ValidDays", "2"))
        self.refused(self.owner.package("key", "NA-1", "never", "-ValidDays", "4"), "date", "-ValidDays")
        self.done(self.owner.package("key", "NA-1", "as-long", "-ValidDays", "2"))
        for days in ("0", "-1", "x", "3651", ""):
            self.refused(self.owner.package("key", "NA-1", "never", "-ValidDays", days), "-ValidDays", code=2)
        self.assertFalse(os.path.exists(self.owner.path("TransferPackage-never.byok")))


class CommandLines(Case):
    def test_parameters__any_case_prefix_and_colon(self):
        done = self.owner.run("KeyTransferRemote", "-pack", "-keyi:KEY", "-EXCH", "BYOK-KEK-pkg-NA-1", "-new",
                              "BYOK-SecurityWorld-pkg-NA-1", "-subs", SUBSCRIPTION.upper(), "-KEYF", "short", "-j")
        self.assertEqual(json.loads(self.done(done).out)["result"], "SUCCESS")
        self.assertTrue(os.path.exists(self.owner.path("TransferPackage-short.byok")))

    def test_parameters__value_forgotten_twice_or_ambiguous__usage(self):
        for words in (["-KeyFriendlyName", "-Force"], ["-KeyFriendlyName"], ["-KeyFriendlyName", "a", "-keyf", "b"],
                      ["-Key", "x"], ["-Nonsense"], ["word"], ["-ModifyAcls"]):
            with self.subTest(words=words):
                done = self.owner.run("KeyTransferRemote", "-Package", "-KeyIdentifier", "key", "-ExchangeKeyPackage",
                                      "BYOK-KEK-pkg-NA-1", "-NewSecurityWorldPackage", "BYOK-SecurityWorld-pkg-NA-1",
                                      "-SubscriptionId", SUBSCRIPTION, *words)
                self.refused(done, "KeyTransferRemote --help", code=2)

    def test_names__suffixes_of_the_documents(self):
        for name in sorted(os.listdir(BIN)):
            if name.endswith(".exe"):
                with self.subTest(name):
                    self.assertEqual(os.path.realpath(os.path.join(BIN, name)),
                                     os.path.realpath(os.path.join(BIN, name[:-len(".exe")])))
        for name in ("verifykeypackage.py", "KeyTransferRemote.py", "aclprint.py"):
            self.assertIn("usage", self.done(self.owner.run(name, "--help")).out + "usage")

    def test_json__every_command_that_prints_facts(self):
        package = ("-ExchangeKeyPackage", "BYOK-KEK-pkg-NA-1", "-NewSecurityWorldPackage", "BYOK-SecurityWorld-pkg-NA-1")
        data = ("--data", self.journey.data)
        card = os.path.join(self.owner.ask, "card-1")
        for command in (
                ["verifykeypackage", "-k", "BYOK-KEK-pkg-NA-1", "-w", "BYOK-SecurityWorld-pkg-NA-1", "--json"],
                ["KeyTransferRemote", "-ModifyAcls", "-KeyAppName", "simple", "-KeyIdentifier", "key", *package, "-Json"],
                ["KeyTransferRemote", "-Package", "-KeyIdentifier", "key", *package, "-SubscriptionId", SUBSCRIPTION,
                 "-KeyFriendlyName", "json", "-Json"],
                ["generatekey", "--batch", "--json", "simple", "type=EC", "ident=json"],
                ["enquiry", "--json"], ["nfkminfo", "--json"], ["nfkminfo", "-l", "--json"],
                ["nfkminfo", "-k", "simple", "key", "--json"], ["slotinfo", card, "--json"],
                ["cardpp", "--examine", card, "--json"], ["cardpp", "--check", card, "--json"],
                ["preload", "-A", "simple", "-K", "*", "aclprint", "--json"], ["Get-FileHash", "README.txt", "-Json"],
                ["keyquay", "hsm", "status", "--json"], ["keyquay", "key", "list", "--json"],
                ["keyquay", "root", "list", "--json"], ["keyquay", "world", "list", "--json"],
                ["keyquay", "audit", "verify", "--json"], ["keyquay", "card", "examine", card, "--json"],
                ["keyquay", "receipt", "verify", "TransferPackage-good.receipt", "--json"],
                ["keyquay", "region", "list", *data, "--json"],
                ["keyquay-factory", "status", "--data", os.path.join(self.journey.data, "factory"), "--json"]):
            with self.subTest(command=command[:3]):
                json.loads(self.done(self.owner.run(*command)).out)

    def test_help__of_every_program__and_letters(self):
        for name in ("new-world", "generatekey", "verifykeypackage", "KeyTransferRemote", "preload", "aclprint",
                     "kmfile-dump", "nfkminfo", "enquiry", "slotinfo", "cardpp", "Get-FileHash", "keyquay-factory"):
            shown = self.done(self.owner.run(name, "--help")).out
            with self.subTest(name):
                self.assertIn(name, shown)
                self.assertEqual(self.done(self.owner.run(name, "-h")).out, shown)
                self.assertEqual(self.done(self.owner.run(name, "-?")).out, shown)


class Environment(Case):
    def test_kmlocal__key_files_go_there(self):
        local = self.owner.path("local-elsewhere")
        os.mkdir(local)
        self.done(self.owner.run("generatekey", "--batch", "simple", "type=EC", "ident=elsewhere",
                                 environment={"NFAST_KMLOCAL": local}))
        self.assertTrue(os.path.exists(os.path.join(local, "key_simple_elsewhere")))
        self.assertFalse(os.path.exists(os.path.join(self.owner.local, "key_simple_elsewhere")))

    def test_socket__of_the_owner_from_another_folder(self):
        socket = os.path.join(self.owner.kmdata, "hardserver.sock")
        other = os.path.join(self.journey.folder, "other")
        done = self.done(self.owner.run("enquiry", "--json", environment={"KEYQUAY_SOCKET": socket, "NFAST_KMDATA": other}))
        self.assertEqual(json.loads(done.out)["esn"], json.loads(self.owner.must("enquiry", "--json").out)["esn"])
        self.assertFalse(os.path.exists(os.path.join(other, "hsm")))

    def test_socket__nothing_there_or_too_long__exit_4_with_the_remedy(self):
        self.refused(self.owner.run("enquiry", environment={"KEYQUAY_SOCKET": "/etc/passwd"}), "/etc/passwd", code=4)
        self.refused(self.owner.run("enquiry", environment={"NFAST_KMDATA": "/tmp/" + "x" * 120}), "107", "NFAST_KMDATA",
                     code=4)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become another user")
    def test_another_user__told_that_he_may_not(self):
        if shutil.which("setpriv") is None:
            self.skipTest("no setpriv here")
        os.chmod(self.journey.folder, 0o711)
        for path in (self.owner.folder, self.owner.kmdata):
            os.chmod(path, 0o711)
        become = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"]
        key = os.path.join(self.owner.local, "key_simple_key")
        self.refused(self.owner.run(*become, os.path.join(BIN, "kmfile-dump"), key, cwd="/"), key, "Permission denied")
        socket = os.path.join(self.owner.kmdata, "hardserver.sock")
        done = self.owner.run(*become, os.path.join(BIN, "enquiry"), cwd="/", environment={"KEYQUAY_SOCKET": socket})
        self.refused(done, "your user may not connect", "keyquay hsm allow", code=4)

    def test_transcript__cannot_be_written__said_and_the_work_is_done(self):
        done = self.owner.run("generatekey", "--batch", "simple", "type=EC", "ident=no-transcript",
                              environment={"KEYQUAY_TRANSCRIPT": "/nonexistent/transcript"})
        self.done(done)
        self.assertIn("/nonexistent/transcript", done.err)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody without a home")
    def test_home__unset__never_the_current_folder(self):
        if shutil.which("setpriv") is None:
            self.skipTest("no setpriv here")
        empty = os.path.join(self.journey.folder, "empty")
        os.mkdir(empty)
        os.chmod(empty, 0o777)
        os.chmod(self.journey.folder, 0o711)
        done = self.owner.run("setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "env", "-u", "HOME", "-u",
                              "NFAST_KMDATA", "-u", "XDG_DATA_HOME", os.path.join(BIN, "nfkminfo"), cwd=empty)
        self.refused(done, "NFAST_KMDATA")
        self.assertEqual(os.listdir(empty), [])


if __name__ == "__main__":
    unittest.main()
