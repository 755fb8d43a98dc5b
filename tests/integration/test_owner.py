"""The owner's side from end to end: worlds, cards, keys, inspection, and what bad input gets."""
import glob
import hashlib
import json
import os
import pty
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("KEYQUAY_BUILD", os.path.join(SOURCE, "build"))
BIN = os.path.join(BUILD, "bin")

# Answers come from the file queue-KIND, one line each; when it is used up, from the rules below.
ASKPASS = """#!/bin/sh
folder=$(dirname "$0")
echo "$1 card=$KEYQUAY_ASK_CARD of=$KEYQUAY_ASK_OF left=$KEYQUAY_ASK_ATTEMPTS_LEFT" >> "$folder/asked"
queue=$folder/queue-$1
if [ -s "$queue" ]; then
    answer=$(head -n 1 "$queue")
    sed -i 1d "$queue"
    [ "$answer" = CANCEL ] && exit 1
    echo "$answer"
    exit 0
fi
case $1 in
blank-card | card) echo "file:$folder/cards/card-$KEYQUAY_ASK_CARD" ;;
new-passphrase | passphrase) echo "passphrase of card $KEYQUAY_ASK_CARD" ;;
*) exit 1 ;;
esac
"""


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


class Owner:
    """A host data folder with its module, cards and officers."""

    def __init__(self, copy_of=None):
        self.folder = tempfile.mkdtemp(prefix="keyquay-owner-")
        self.kmdata = os.path.join(self.folder, "kmdata")
        self.local = os.path.join(self.kmdata, "local")
        self.cards = os.path.join(self.folder, "cards")
        os.mkdir(self.cards)
        askpass = os.path.join(self.folder, "askpass")
        with open(askpass, "w", encoding="ascii") as out:
            out.write(ASKPASS)
        os.chmod(askpass, 0o700)
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("KEYQUAY_", "NFAST_", "XDG_"))}
        self.environment = {**kept, "NFAST_KMDATA": self.kmdata, "NFAST_HOME": BUILD, "KEYQUAY_ASKPASS": askpass,
                            "KEYQUAY_TRANSCRIPT": os.path.join(self.folder, "transcript"),
                            "PATH": BIN + os.pathsep + os.environ.get("PATH", "/usr/bin:/bin")}
        if copy_of is not None:
            shutil.copytree(copy_of.kmdata, self.kmdata,
                            ignore=lambda _, names: [name for name in names if name.endswith((".sock", ".pid"))])
            shutil.rmtree(self.cards)
            shutil.copytree(copy_of.cards, self.cards)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.done("keyquay-hsm", "run", "--folder", self.kmdata, "--allow-unlocked", "--idle-exit", "120", "--daemon")

    def stop(self):
        self.run("keyquay", "hsm", "stop", "--folder", self.kmdata)

    def run(self, name, *arguments, **changes):
        environment = {**self.environment, **changes}
        environment = {key: value for key, value in environment.items() if value is not None}
        program = os.path.join(BIN, name)
        return subprocess.run([program if os.path.exists(program) else name, *arguments], env=environment,
                              cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              start_new_session=True, timeout=120)

    def done(self, name, *arguments, **changes):
        result = self.run(name, *arguments, **changes)
        if result.returncode != 0:
            raise AssertionError(f"{name} {' '.join(arguments)}: exit status {result.returncode}\n{result.stdout}"
                                 f"{result.stderr}")
        return result.stdout

    def answer(self, kind, *lines):
        with open(os.path.join(self.folder, f"queue-{kind}"), "w", encoding="utf-8") as out:
            out.write("".join(line + "\n" for line in lines))

    def asked(self):
        path = os.path.join(self.folder, "asked")
        lines = read_bytes(path).decode().splitlines() if os.path.exists(path) else []
        if lines:
            os.unlink(path)
        return lines

    def card(self, number):
        return os.path.join(self.cards, f"card-{number}")

    def key_file(self, ident, application="simple"):
        return os.path.join(self.local, f"key_{application}_{ident}")

    def generate(self, ident, *properties):
        return self.done("generatekey", "--batch", "simple", f"ident={ident}", *(properties or ("type=EC",)))

    def hknso(self):
        return json.loads(self.done("nfkminfo", "--json")).get("hknso")

    def write(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(content)
        return path


WORLDS = {}


def setUpModule():
    """Two worlds made once; tests that change one work on a copy."""
    for name, quorum in (("base", "2/3"), ("other", "1/2")):
        owner = Owner()
        WORLDS[name] = owner
        owner.start()
        WORLDS[name + " printed"] = owner.done("new-world", "--initialize", "--module=1", f"--acs-quorum={quorum}")
        WORLDS[name + " asked"] = owner.asked()
    owner = WORLDS["base"]
    owner.generate("ec", "type=EC", "size=P-256")
    owner.generate("rsa", "type=RSA", "size=2048")
    for name in ("base", "other"):
        WORLDS[name].stop()


def tearDownModule():
    for owner in WORLDS.values():
        if isinstance(owner, Owner):
            owner.close()


class OwnerCase(unittest.TestCase):
    def owner(self, copy_of="base", start=True):
        owner = Owner(WORLDS[copy_of] if copy_of else None)
        self.addCleanup(owner.close)
        if start:
            owner.start()
        return owner

    def refused(self, result, status, *parts):
        """Exit status, a message that names what it is about, and no success on standard output."""
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)

    def sign(self, owner, ident, mechanism="es256"):
        """Signs with the key and has openssl check the signature."""
        owner.write("message", b"to be signed\n")
        result = owner.run("keyquay", "key", "use", "sign", "--app", "simple", "--ident", ident, "--mechanism",
                           mechanism, "--in", "message", "--out", "signature", "--format", "der")
        if result.returncode != 0:
            return result
        owner.done("keyquay", "key", "export-public", "--app", "simple", "--ident", ident, "--out", "public.pem")
        options = ["-sigopt", "rsa_padding_mode:pss"] if mechanism.startswith("ps") else []
        checked = owner.done("openssl", "dgst", "-sha256", "-verify", "public.pem", *options, "-signature",
                             "signature", "message")
        self.assertIn("Verified OK", checked)
        return result


class NewWorld(OwnerCase):
    def test_initialize__prints_and_asks_as_documented(self):
        printed = WORLDS["base printed"]
        self.assertIn("Module 1: 0 cards of 3 written", printed)
        self.assertIn("Module 1: 3 cards of 3 written", printed)
        self.assertIn("Card writing complete.", printed)
        self.assertRegex(printed, r"security world generated on module #1; hknso = ([0-9a-f]{8} ){7}[0-9a-f]{8}\n")
        kinds = [line.split()[0] for line in WORLDS["base asked"]]
        self.assertEqual(kinds, ["blank-card", "new-passphrase"] * 3)
        self.assertIn("card=2 of=3", WORLDS["base asked"][2])

    def test_initialize__cards_and_world_are_private_and_different(self):
        owner = WORLDS["base"]
        cards = [read_bytes(owner.card(number)) for number in (1, 2, 3)]
        self.assertEqual(len(set(cards)), 3)
        for path in [owner.card(1), os.path.join(owner.local, "world"), owner.key_file("ec")]:
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def test_initialize__card_place_taken__named_and_left_alone(self):
        owner = self.owner(copy_of=None)
        taken = owner.write("letter", b"a letter\n")
        foreign = WORLDS["other"].card(1)
        owner.answer("blank-card", taken, foreign, owner.card(1), owner.card(1), owner.card(2))
        result = owner.run("new-world", "-i", "-Q", "1/2")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("something else is there", result.stderr)
        self.assertIn("it is card 1 of set", result.stderr)
        self.assertIn("the same card again", result.stderr)
        self.assertEqual(read_bytes(taken), b"a letter\n")

    def test_initialize__cancelled_at_the_last_card__nothing_is_left(self):
        owner = self.owner(copy_of=None)
        owner.answer("blank-card", owner.card(1), owner.card(2), "CANCEL")
        self.refused(owner.run("new-world", "-i", "-Q", "2/3"), 3, "cancelled")
        self.assertEqual(os.listdir(owner.cards), [])
        self.assertFalse(os.path.exists(os.path.join(owner.local, "world")))
        self.assertIsNone(owner.hknso())

    def test_initialize__short_passphrase__refused_unless_weak_is_allowed(self):
        owner = self.owner(copy_of=None)
        owner.answer("new-passphrase", "short", "short", "short")
        self.refused(owner.run("new-world", "-i", "-Q", "1/1"), 1, "12 characters", "--weak-passphrase")
        self.assertEqual(os.listdir(owner.cards), [])
        owner.answer("new-passphrase", "short")
        owner.done("new-world", "-i", "-Q", "1/1", "--weak-passphrase")

    def test_initialize__old_suite_by_name__warning_and_ncore_hash(self):
        owner = self.owner(copy_of=None)
        result = owner.run("new-world", "--initialize", "--cipher-suite=DLf1024s160mRijndael", "--module=1",
                           "--acs-quorum=1/1")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("warning: DLf1024s160mRijndael", result.stderr)
        self.assertRegex(result.stdout, r"nCore hknso \(SHA-1, decides nothing\) = [0-9a-f]{40}\n")
        self.assertIn("nCore SHA-1", owner.done("nfkminfo"))

    def test_over_a_loaded_world__needs_the_first_group(self):
        owner = self.owner()
        old = owner.hknso()
        owner.answer("confirm", "yes")
        self.refused(owner.run("new-world", "-i", "-Q", "1/1"), 1, "keeps its world")
        self.assertEqual(owner.hknso(), old)
        owner.answer("confirm", old[:8].upper())
        owner.answer("blank-card", owner.card(9))
        printed = owner.done("new-world", "-i", "-Q", "1/1")
        self.assertIn("local01", printed)
        self.assertNotEqual(owner.hknso(), old)
        self.assertTrue(os.path.exists(os.path.join(owner.kmdata, "local01", "key_simple_ec")))
        self.assertEqual(sorted(os.listdir(owner.local)), ["world"])

    def test_factory__then_no_question__and_the_old_world_can_come_back(self):
        owner = self.owner()
        old = owner.hknso()
        self.assertIn("erased", owner.done("new-world", "--factory"))
        self.assertIsNone(owner.hknso())
        self.refused(owner.run("generatekey", "--batch", "simple", "ident=x"), 1, "no Security World")
        owner.asked()
        owner.answer("blank-card", owner.card(9))
        owner.done("new-world", "-i", "-Q", "1/1")
        self.assertEqual([line.split()[0] for line in owner.asked()], ["blank-card", "new-passphrase"])
        shutil.rmtree(owner.local)
        shutil.copytree(WORLDS["base"].local, owner.local, dirs_exist_ok=True)
        owner.answer("confirm", owner.hknso()[:8])
        owner.done("new-world", "--program")
        self.assertEqual(owner.hknso(), old)

    def test_modes_suites_and_quora_that_are_not_offered(self):
        owner = self.owner(copy_of=None, start=False)
        for arguments, status, part in (
                (["--mode=fips-140-level-3", "-Q", "1/1"], 1, "fips-140-level-3"),
                (["--mode=nonsense", "-Q", "1/1"], 2, "nonsense"),
                (["--cipher-suite=DLf1024s160mDES3", "-Q", "1/1"], 1, "Triple DES"),
                (["--cipher-suite=nonsense", "-Q", "1/1"], 2, "ECp521mAES"),
                (["-Q", "3/2"], 2, "K <= N"), (["-Q", "0/1"], 2, "K/N"), (["-Q", "2/65"], 2, "64"), ([], 2, "K/N"),
                (["--program", "-Q", "1/1"], 2, "choose"), (["-m", "2", "-Q", "1/1"], 2, "--module=2")):
            with self.subTest(arguments=arguments):
                self.refused(owner.run("new-world", "-i", *arguments), status, part)
        self.assertFalse(os.path.exists(owner.kmdata))

    def test_two_at_once__one_world_and_its_cards(self):
        owner = self.owner(copy_of=None)
        results = []
        for name in ("a", "b"):
            os.mkdir(os.path.join(owner.folder, name))
        askpass = owner.write("askpass-two", b"#!/bin/sh\ncase $1 in blank-card) echo $WHO/card-$KEYQUAY_ASK_CARD ;;\n"
                              b"new-passphrase) echo twelve letters ;; *) exit 1 ;; esac\n")
        os.chmod(askpass, 0o700)

        def make(who):
            results.append((who, owner.run("new-world", "-i", "-Q", "1/2", WHO=who, KEYQUAY_ASKPASS=askpass)))
        threads = [threading.Thread(target=make, args=(who,)) for who in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [who for who, result in results if result.returncode == 0]
        self.assertEqual(len(winners), 1, [result.stderr for _, result in results])
        loser = "b" if winners == ["a"] else "a"
        self.assertEqual(os.listdir(os.path.join(owner.folder, loser)), [])
        self.assertEqual(len(os.listdir(os.path.join(owner.folder, winners[0]))), 2)


class Restore(OwnerCase):
    def fresh(self):
        """A new module with a copy of the first one's local folder and cards."""
        owner = self.owner(copy_of=None)
        shutil.copytree(WORLDS["base"].local, owner.local, dirs_exist_ok=True)
        shutil.rmtree(owner.cards)
        shutil.copytree(WORLDS["base"].cards, owner.cards)
        return owner

    def test_two_of_three_cards__the_keys_work_again(self):
        owner = self.fresh()
        owner.answer("card", owner.card(3), owner.card(1))
        printed = owner.done("new-world", "--program", "--module=1")
        self.assertIn("security world loaded on module #1", printed)
        self.assertEqual(owner.hknso(), json.loads(owner.done("nfkminfo", "--json"))["hknso"])
        self.sign(owner, "ec")
        self.sign(owner, "rsa", "ps256")
        owner.generate("new-one")

    def test_bad_cards__each_named__then_good_ones(self):
        owner = self.fresh()
        damaged = bytearray(read_bytes(owner.card(1)))
        damaged[-1] ^= 1
        missing, foreign = os.path.join(owner.folder, "nowhere"), WORLDS["other"].card(1)
        owner.answer("card", foreign, owner.write("damaged", bytes(damaged)), owner.card(1), owner.card(1), missing,
                     owner.card(2))
        result = owner.run("new-world", "--program")
        self.assertEqual(result.returncode, 0, result.stderr)
        for part in ("a card of another set", "damaged: its check value does not fit", "card 1 was presented already",
                     f"{missing}: no such file"):
            self.assertIn(part, result.stderr)

    def test_forged_card__refused_by_the_module(self):
        """A card of the right set whose index and check value were made to fit."""
        owner = self.fresh()
        card = bytearray(read_bytes(owner.card(1)))
        other = read_bytes(owner.card(2))
        index = next(i for i, (a, b) in enumerate(zip(card, other)) if a != b)
        card[index] = 3
        card[-32:] = hashlib.sha256(bytes(card[:-32]) + bytes(32)).digest()
        forged = owner.write("forged", bytes(card))
        owner.answer("card", forged, owner.card(1), owner.card(2))
        owner.answer("passphrase", *["passphrase of card 1"] * 3)
        self.refused(owner.run("new-world", "--program"), 1, forged)
        self.assertIsNone(owner.hknso())

    def test_too_few_cards__nothing_is_loaded(self):
        owner = self.fresh()
        owner.answer("card", owner.card(1), "CANCEL")
        self.refused(owner.run("new-world", "--program"), 3, "cancelled")
        owner.answer("card", owner.card(1), *[WORLDS["other"].card(1)] * 3)
        self.refused(owner.run("new-world", "--program"), 1, "no usable card after 3 attempts")
        self.assertIsNone(owner.hknso())

    def test_wrong_passphrases__told_and_tried_again(self):
        owner = self.fresh()
        owner.answer("passphrase", "wrong", "wrong", "passphrase of card 1")
        result = owner.run("new-world", "--program")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.count("wrong passphrase"), 2)
        left = [line for line in owner.asked() if line.startswith("passphrase")]
        self.assertIn("left=3", left[0])
        self.assertIn("left=1", left[2])

    def test_three_wrong_passphrases__ends_and_the_next_waits(self):
        owner = self.fresh()
        owner.answer("passphrase", "wrong", "wrong", "wrong")
        self.refused(owner.run("new-world", "--program"), 1, "3 wrong passphrases")
        owner.answer("passphrase", "wrong", "wrong")  # after the fifth the delay is 4 s, longer than scrypt takes
        owner.answer("card", owner.card(1), owner.card(2))
        result = owner.run("new-world", "--program")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("must wait", result.stderr)

    def test_damaged_world_file__named_and_nothing_changed(self):
        owner = self.owner(copy_of=None)
        os.makedirs(owner.local, exist_ok=True)
        world = read_bytes(os.path.join(WORLDS["base"].local, "world"))
        path = os.path.join(owner.local, "world")
        flipped = [bytes(world[:i]) + bytes([world[i] ^ 4]) + bytes(world[i + 1:]) for i in (3, 60, 150)]
        for content in (b"", world[:100], world + b"x", b"\0" * (64 << 10), *flipped):
            with self.subTest(length=len(content)):
                with open(path, "wb") as out:
                    out.write(content)
                self.refused(owner.run("new-world", "--program"), 1, path)
        self.assertIsNone(owner.hknso())
        os.unlink(path)
        self.refused(owner.run("new-world", "--program"), 1, "no existing world to load")

    def test_world_file_flipped_anywhere__never_loads(self):
        owner = self.fresh()
        path = os.path.join(owner.local, "world")
        world = read_bytes(path)
        for at in range(400, len(world), 173):
            with self.subTest(at=at):
                with open(path, "wb") as out:
                    out.write(world[:at] + bytes([world[at] ^ 1]) + world[at + 1:])
                self.assertNotEqual(owner.run("new-world", "--program").returncode, 0)
        self.assertIsNone(owner.hknso())


class GenerateKey(OwnerCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = Owner(WORLDS["base"])
        cls.shared.start()

    @classmethod
    def tearDownClass(cls):
        cls.shared.close()

    def test_documents_line__verbatim(self):
        line = "--generate simple type=RSA size=2048 protect=module ident=contosokey plainname=contosokey nvram=no pubexp="
        printed = self.shared.done("generatekey.exe", *line.split(" "))
        self.assertIn("key generation parameters:", printed)
        self.assertIn(" type         Key type                           RSA\n", printed)
        self.assertIn("Key successfully generated.\n", printed)
        self.assertIn(f"Path to key: {self.shared.key_file('contosokey')}\n", printed)
        self.sign(self.shared, "contosokey", "rs256")
        self.refused(self.shared.run("generatekey", *line.split(" ")), 1, "contosokey", "exists already")

    def test_every_type__listed_with_its_name(self):
        for number, (kind, size, name) in enumerate((
                ("RSA", "3072", "RSA 3072"), ("EC", "P-256", "EC P-256"), ("EC", "384", "EC P-384"),
                ("EC", "P-521", "EC P-521"), ("EC", "secp256k1", "EC secp256k1"), ("AES", "128", "AES 128"),
                ("AES", "192", "AES 192"), ("AES", "256", "AES 256"))):
            with self.subTest(type=name):
                self.shared.generate(f"type-{number}", f"type={kind}", f"size={size}")
                facts = json.loads(self.shared.done("nfkminfo", "-k", "simple", f"type-{number}", "--json"))
                self.assertEqual(facts["type"], name)

    def test_capitals__are_lowered(self):
        self.shared.done("generatekey", "--batch", "Simple", "type=EC", "ident=Contoso-Key")
        self.assertTrue(os.path.exists(self.shared.key_file("contoso-key")))

    def test_values_not_allowed__named(self):
        before = sorted(os.listdir(self.shared.local))
        for properties, status, part in (
                (["ident=a_b"], 2, "ident"), (["ident=../../x"], 2, "ident"), (["ident=" + "a" * 80], 2, "80"),
                (["ident=x", "type=DES3"], 2, "ERROR: type: invalid option"),
                (["ident=x", "type=RSA", "size=1024"], 2, "ERROR: size: invalid option"),
                (["ident=x", "pubexp=xyz"], 2, "pubexp"), (["ident=x", "colour=red"], 2, "colour"),
                (["ident=x", "type=RSA", "pubexp=2"], 1, "pubexp"),
                (["ident=x", "nvram=perhaps"], 2, "nvram"), (["ident=x", "nvram=yes"], 1, "nvram"),
                (["ident=x", "protect=token"], 1, "does not support"),
                (["ident=x", "protect=softcard"], 1, "does not support"),
                (["ident=x", "protect=nothing"], 2, "protect"), ([], 2, "ident"),
                (["ident=x", "uselimit=0"], 2, "uselimit"), (["ident=x", "plainname=" + "n" * 300], 2, "plainname")):
            with self.subTest(properties=properties):
                self.refused(self.shared.run("generatekey", "--batch", "simple", *properties), status, part)
        self.refused(self.shared.run("generatekey", "--batch", "xferacld", "ident=x"), 1, "KeyTransferRemote")
        self.assertEqual(sorted(os.listdir(self.shared.local)), before)

    def test_missing_ident_without_terminal__exit_1_at_once(self):
        started = time.monotonic()
        self.refused(self.shared.run("generatekey", "simple", "type=EC"), 1, "nobody to ask")
        self.assertLess(time.monotonic() - started, 2)

    def test_use_limit__counts_over_a_restart(self):
        owner = self.owner()
        owner.generate("limited", "type=EC", "uselimit=3")
        self.sign(owner, "limited")
        owner.stop()
        owner.start()
        self.sign(owner, "limited")
        self.sign(owner, "limited")
        self.refused(self.sign(owner, "limited"), 1, "limit")

    def test_no_recovery__nothing_to_recover(self):
        self.shared.done("generatekey", "--batch", "--no-recovery", "simple", "type=EC", "ident=norecovery")
        self.assertIn("recovery      Disabled", self.shared.done("nfkminfo", "-k", "simple", "norecovery"))
        self.refused(self.shared.run("keyquay", "key", "recover", "--app", "simple", "--ident", "norecovery"), 1,
                     "without recovery")

    def test_import__pem_of_each_kind(self):
        for ident, options in (("pem-rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
                               ("pem-ec", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])):
            with self.subTest(ident=ident):
                pem = os.path.join(self.shared.folder, ident + ".pem")
                self.shared.done("openssl", "genpkey", *options, "-out", pem)
                printed = self.shared.done("generatekey", "--import", "--batch", "simple", f"pemreadfile={pem}",
                                           f"ident={ident}", f"plainname={ident}", "protect=module")
                self.assertIn("Key successfully imported.", printed)
                public = self.shared.done("openssl", "pkey", "-in", pem, "-pubout")
                self.sign(self.shared, ident, "ps256" if ident == "pem-rsa" else "es256")
                with open(os.path.join(self.shared.folder, "public.pem"), encoding="ascii") as exported:
                    self.assertEqual(exported.read(), public)
                self.assertIn("imported in the clear", self.shared.done("nfkminfo", "-k", "simple", ident))

    def test_import__bad_files__no_key_file(self):
        encrypted = os.path.join(self.shared.folder, "encrypted.pem")
        self.shared.done("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256",
                         "-pass", "pass:secret", "-out", encrypted)
        small = os.path.join(self.shared.folder, "small.pem")
        self.shared.done("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", small)
        ec = os.path.join(self.shared.folder, "ec.pem")
        self.shared.done("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", ec)
        for path, extra in ((encrypted, []), (small, []), (self.shared.write("empty.pem", b""), []),
                            (self.shared.write("garbage.pem", os.urandom(500)), []),
                            (self.shared.write("large.pem", b"x" * 20000), []), ("/nonexistent.pem", []),
                            (ec, ["type=RSA"])):
            with self.subTest(path=os.path.basename(path)):
                result = self.shared.run("generatekey", "--import", "--batch", "simple", f"pemreadfile={path}",
                                         "ident=bad", *extra)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertFalse(os.path.exists(self.shared.key_file("bad")))

    def test_same_ident_at_once__exactly_one_wins(self):
        results = []
        threads = [threading.Thread(target=lambda: results.append(
            self.shared.run("generatekey", "--batch", "simple", "type=EC", "ident=race"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(result.returncode for result in results), [0, 1, 1, 1])
        self.sign(self.shared, "race")

    def test_key_file_cannot_be_written__told(self):
        blocked = self.shared.write("a-file", b"")
        result = self.shared.run("generatekey", "--batch", "simple", "type=EC", "ident=x",
                                 NFAST_KMLOCAL=os.path.join(blocked, "local"))
        self.refused(result, 1, "a-file")

    def test_transcript__commands_hashes_outcomes_and_no_secrets(self):
        self.shared.generate("for-the-transcript")
        self.shared.run("generatekey", "--batch", "simple", "type=EC", "ident=for-the-transcript")
        transcript = read_bytes(self.shared.environment["KEYQUAY_TRANSCRIPT"])
        lines = [json.loads(line) for line in transcript.splitlines()]
        good, bad = [line for line in lines if "ident=for-the-transcript" in line["command"]]
        self.assertEqual(good["outcome"], "done")
        self.assertRegex(good["hashes"]["key"], "^[0-9a-f]{64}$")
        self.assertIn("exists already", bad["outcome"])
        self.assertNotIn("passphrase of", json.dumps(lines))


class Inspection(OwnerCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = Owner(WORLDS["base"])
        cls.shared.start()

    @classmethod
    def tearDownClass(cls):
        cls.shared.close()

    def test_preload_aclprint__documents_line(self):
        python = os.path.join(BUILD, "python", "bin", "python")
        script = os.path.join(BUILD, "python", "examples", "aclprint.py")
        for program in (["aclprint"], ["aclprint.exe"], [python, script], [python, os.path.join(BIN, "aclprint.py")]):
            with self.subTest(program=program):
                printed = self.shared.done("preload.exe", "-m", "1", "-A", "simple", "-K", "rsa", *program)
                self.assertIn("Key AppName simple Ident rsa\n", printed)
                for word in ("Sign", "GetACL", "MakeBlob", "MakeArchiveBlob", "Requires Cert"):
                    self.assertIn(word, printed)
                self.assertNotIn("ExportAsPlain", printed)

    def test_preload__patterns_and_json(self):
        keys = json.loads(self.shared.done("preload", "-A", "simple", "-K", "*", "aclprint", "--json"))
        self.assertEqual(sorted(key["ident"] for key in keys), ["ec", "rsa"])

    def test_preload__exit_status_of_the_program(self):
        self.assertEqual(self.shared.run("preload", "-A", "simple", "sh", "-c", "exit 7").returncode, 7)
        self.assertEqual(self.shared.run("preload", "-A", "simple", "exit").returncode, 0)
        self.refused(self.shared.run("preload", "-A", "simple", "/nonexistent"), 1, "/nonexistent")
        self.refused(self.shared.run("preload", "-A", "simple", "-K", "none", "exit"), 1, "no key matches")
        self.refused(self.shared.run("preload", "-A", "simple"), 2, "program")
        self.refused(self.shared.run("preload", "-c", "ocs", "exit"), 1, "not offered")

    def test_aclprint__without_preload__told(self):
        self.refused(self.shared.run("aclprint"), 1, "preload")

    def test_enquiry__says_what_protects(self):
        printed = self.shared.done("enquiry")
        for part in ("mode                  operational", "key protection:", "rollback protection:", "root:"):
            self.assertIn(part, printed)
        self.assertEqual(json.loads(self.shared.done("enquiry", "--json"))["world"], "owner")

    def test_nfkminfo__fields(self):
        printed = self.shared.done("nfkminfo")
        for field in ("hknso", "hkm", "hkre", "k-out-of-n    2/3", "ciphersuite   ECp521mAES", "esn"):
            self.assertIn(field, printed)
        self.assertIn("Key list - 2 keys", self.shared.done("nfkminfo", "-l"))

    def test_kmfile_dump__key_world_card(self):
        key = self.shared.done("kmfile-dump", self.shared.key_file("rsa"))
        for part in ("keyquay/key-file", "keyquay/key-blob", "keyquay/key-generation", "Action: OpPermissions"):
            self.assertIn(part, key)
        world = self.shared.done("kmfile-dump.exe", os.path.join(self.shared.local, "world"))
        self.assertIn("keyquay/world-binding", world)
        self.assertIn("scrypt_log2_n: 17", self.shared.done("kmfile-dump", self.shared.card(1)))

    def test_kmfile_dump__bad_files__each_named(self):
        key = read_bytes(self.shared.key_file("rsa"))
        for name, content in (("empty", b""), ("truncated", key[:-1]), ("longer", key + b"\0"), ("text", b"hello"),
                              ("oversized", b"\0" * (200 << 10))):
            with self.subTest(name=name):
                self.refused(self.shared.run("kmfile-dump", self.shared.write(name, content)), 1, name)

    def test_slotinfo__card_blank_and_something_else(self):
        junk = self.shared.write("junk", b"x")
        printed = self.shared.done("slotinfo", "-m", "1", self.shared.card(2), "nothing-here", junk)
        self.assertIn("AdminCard #2", printed)
        self.assertIn("Empty (blank card)", printed)
        self.assertIn("Error: not a card", printed)
        self.refused(self.shared.run("slotinfo", "--format"), 1, "--format")

    def test_usage__every_program(self):
        for command in (["new-world", "--nonsense"], ["generatekey", "--nonsense"], ["preload", "--nonsense"],
                        ["aclprint", "word"], ["enquiry", "-m", "2"], ["nfkminfo", "word"], ["slotinfo"], ["cardpp"],
                        ["cardpp", "--examine", "--check"], ["kmfile-dump"], ["keyquay", "key"],
                        ["keyquay", "key", "use", "sign"], ["keyquay", "card"], ["keyquay", "audit"],
                        ["keyquay", "root"], ["keyquay", "world", "list", "x"]):
            with self.subTest(command=command):
                result = self.shared.run(*command)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn("--help", result.stderr)

    def test_help_and_version__every_program(self):
        for name in ("new-world", "generatekey", "preload", "aclprint", "enquiry", "nfkminfo", "slotinfo", "cardpp",
                     "kmfile-dump"):
            with self.subTest(name=name):
                self.assertIn("usage: " + name, self.shared.done(name, "--help"))
                self.assertIn("Keyquay", self.shared.done(name, "--version"))

    def test_no_terminal_and_no_askpass__exit_1_at_once(self):
        for command in (["new-world", "-i", "-Q", "1/1"], ["cardpp", "--check", self.shared.card(1)],
                        ["cardpp", "--change", self.shared.card(1)], ["keyquay", "root", "trust", "ab" * 32],
                        ["keyquay", "key", "recover", "--app", "simple", "--ident", "ec"]):
            with self.subTest(command=command):
                started = time.monotonic()
                self.refused(self.shared.run(*command, KEYQUAY_ASKPASS=None), 1, "nobody to ask", "KEYQUAY_ASKPASS")
                self.assertLess(time.monotonic() - started, 2)

    def test_no_module__exit_4(self):
        self.refused(self.shared.run("enquiry", KEYQUAY_SOCKET="/nonexistent/socket"), 4, "/nonexistent/socket")


class Cards(OwnerCase):
    def test_examine_and_check(self):
        owner = self.owner()
        self.assertIn("card              2 of 3", owner.done("cardpp", "--examine", owner.card(2)))
        self.assertIn("the passphrase is right", owner.done("cardpp", "--check", owner.card(2)))
        owner.answer("passphrase", "wrong", "wrong", "wrong")
        self.refused(owner.run("cardpp", "--check", owner.card(2)), 1, "3 wrong passphrases")
        self.refused(owner.run("cardpp", "--check", WORLDS["other"].card(1)), 1, WORLDS["other"].card(1))
        self.refused(owner.run("cardpp", "--recover", owner.card(2)), 1, "--recover")

    def test_change__only_the_new_passphrase_opens(self):
        owner = self.owner()
        owner.answer("new-passphrase", "a new passphrase for it")
        owner.done("cardpp", "--change", owner.card(2))
        self.assertIn("revision          2", owner.done("cardpp", "--examine", owner.card(2)))
        owner.answer("passphrase", "passphrase of card 2", "a new passphrase for it")
        result = owner.run("cardpp", "--check", owner.card(2))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr.count("wrong passphrase"), 1)

    def test_change__wrong_passphrase__card_is_unchanged(self):
        owner = self.owner()
        before = read_bytes(owner.card(2))
        owner.answer("passphrase", "wrong", "wrong", "wrong")
        self.refused(owner.run("cardpp", "--change", owner.card(2)), 1, "wrong passphrases")
        self.assertEqual(read_bytes(owner.card(2)), before)


class FullDisk(OwnerCase):
    """No byte can be written to any file: what write() says then is what a full disk says."""

    def run_full(self, owner, *command):
        return owner.run("sh", "-c", 'trap "" XFSZ; ulimit -f 0; exec "$@"', "sh", os.path.join(BIN, command[0]),
                         *command[1:], KEYQUAY_TRANSCRIPT=None)

    @staticmethod
    def ask_quietly(owner):
        """The officers keep no record of what they were asked: they could not write it."""
        quiet = owner.write("quiet-askpass", ASKPASS.replace('>> "$folder/asked"', "> /dev/null").encode())
        os.chmod(quiet, 0o700)
        owner.environment["KEYQUAY_ASKPASS"] = quiet

    def test_generatekey__no_key_file_and_nothing_left_behind(self):
        owner = self.owner()
        before = sorted(os.listdir(owner.local))
        result = self.run_full(owner, "generatekey", "--batch", "simple", "type=EC", "ident=full")
        self.refused(result, 1, "key_simple_full")
        self.assertEqual(sorted(os.listdir(owner.local)), before)

    def test_new_world__no_world_and_no_cards(self):
        owner = self.owner(copy_of=None)
        self.ask_quietly(owner)
        self.refused(self.run_full(owner, "new-world", "-i", "-Q", "1/2"), 1, owner.card(1))
        self.assertEqual(os.listdir(owner.cards), [])
        self.assertIsNone(owner.hknso())

    def test_card_change__the_card_keeps_its_passphrase(self):
        owner = self.owner()
        self.ask_quietly(owner)
        self.refused(self.run_full(owner, "cardpp", "--change", owner.card(2)), 1, "keeps its old passphrase")
        self.assertIn("the passphrase is right", owner.done("cardpp", "--check", owner.card(2)))


class Terminal(OwnerCase):
    """A person at a terminal, without KEYQUAY_ASKPASS."""

    def talk(self, owner, command, *answers):
        """Runs a command on a terminal of its own: pairs of what to wait for and what to type then."""
        environment = {**owner.environment, "KEYQUAY_ASKPASS": ""}
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(owner.folder)
            os.execve(os.path.join(BIN, command[0]), command, environment)
        shown = b""
        for prompt, answer in answers:
            shown += self.read_until(terminal, prompt.encode(), shown)
            time.sleep(0.1)  # echo is switched off right after the prompt
            os.write(terminal, (answer if isinstance(answer, str) else answer(shown.decode())).encode() + b"\n")
            shown += b"<typed>"
        shown += self.read_until(terminal, None, b"")
        _, how = os.waitpid(pid, 0)
        os.close(terminal)
        return os.waitstatus_to_exitcode(how), shown.decode()

    def read_until(self, terminal, prompt, before):
        new = b""
        after = before.rfind(b"<typed>") + 1
        while prompt is None or prompt not in (before + new)[after:]:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                part = b""
            if part == b"":
                self.assertIsNone(prompt, f"no {prompt!r} in {before + new!r}")
                break
            new += part
        return new

    def test_generated_passphrase__shown_once_and_opens_the_card__never_echoed(self):
        owner = self.owner(copy_of=None)
        code, shown = self.talk(owner, ["new-world", "-i", "-Q", "1/1"], ("its medium): ", owner.card(1)),
                                ("one is made): ", ""), ("Enter when done: ", ""))
        self.assertEqual(code, 0, shown)
        generated = re.findall(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){4}\b", shown)
        self.assertEqual(len(generated), 1, shown)
        code, shown = self.talk(owner, ["cardpp", "--check", owner.card(1)], ("Passphrase of card 1", generated[0]))
        self.assertEqual(code, 0, shown)
        self.assertNotIn(generated[0], shown)

    def test_new_passphrase__typed_twice__a_slip_is_noticed(self):
        owner = self.owner(copy_of=None)
        code, shown = self.talk(owner, ["new-world", "-i", "-Q", "1/1"], ("its medium): ", owner.card(1)),
                                ("one is made): ", "a good passphrase"), ("same again: ", "a god passphrase"),
                                ("one is made): ", "a good passphrase"), ("same again: ", "a good passphrase"))
        self.assertEqual(code, 0, shown)
        self.assertIn("the two differ", shown)
        self.assertNotIn("a good passphrase", shown)

    def test_ctrl_c_at_a_passphrase__cancelled(self):
        owner = self.owner()
        code, shown = self.talk(owner, ["cardpp", "--check", owner.card(1)], ("Passphrase of card 1", "\x03"))
        self.assertEqual(code, 3, shown)

    def test_generatekey__asks_for_what_is_missing(self):
        owner = self.owner()
        code, shown = self.talk(owner, ["generatekey", "simple"], ("protect:", ""), ("type:", "EC"), ("size:", "P-384"),
                                ("ident:", "asked"), ("plainname:", ""))
        self.assertEqual(code, 0, shown)
        self.assertIn("EC P-384", owner.done("nfkminfo", "-k", "simple", "asked"))


class Trust(OwnerCase):
    def test_lists__grow_and_shrink_under_a_quorum(self):
        owner = self.owner()
        root = "ab" * 32
        self.assertIn("No root is trusted.", owner.done("keyquay", "root", "list"))
        owner.answer("trust-root", root)
        self.assertIn("root trusted", owner.done("keyquay", "root", "trust", "--label", "a maker"))
        self.assertEqual(json.loads(owner.done("keyquay", "root", "list", "--json"))[0]["hash"], root)
        owner.done("keyquay", "root", "distrust", root)
        self.assertEqual(json.loads(owner.done("keyquay", "root", "list", "--json")), [])

    def test_historical_root_or_nonsense__refused(self):
        owner = self.owner()
        self.refused(owner.run("keyquay", "root", "trust", "59178a47 de508c3f 291277ee 184f46c4 f1d9c639"), 1,
                     "old system")
        self.refused(owner.run("keyquay", "root", "trust", "yes"), 1, "64 hexadecimal digits")


class Damage(OwnerCase):
    def test_key_file__truncated_flipped_oversized_empty__named(self):
        owner = self.owner()
        path = owner.key_file("rsa")
        key = read_bytes(path)
        flips = [key[:at] + bytes([key[at] ^ 1]) + key[at + 1:] for at in range(20, 1700, 97)]
        for content in (b"", key[:1000], key + b"\0", b"\0" * (100 << 10), *flips):
            with open(path, "wb") as out:
                out.write(content)
            result = self.sign(owner, "rsa", "ps256")
            if result.returncode == 0:
                # The flipped bit lies in what only describes the key; the blob itself is whole.
                at = next(i for i in range(len(key)) if content[i] != key[i])
                self.assertNotIn(content[at:at + 1], key[at:at + 1])
                self.assertFalse(self.lies_in_blob(key, at), f"bit at {at} of the blob")
                continue
            self.refused(result, 1, path)
        with open(path, "wb") as out:
            out.write(key)
        self.sign(owner, "rsa", "ps256")

    @staticmethod
    def lies_in_blob(key, at):
        blob = key.index(b"keyquay/key-blob")
        return blob <= at < key.index(b"keyquay/recovery-blob") - 5

    def test_key_file_of_another_name_or_world__refused(self):
        owner = self.owner()
        shutil.copy(owner.key_file("ec"), owner.key_file("renamed"))
        self.refused(self.sign(owner, "renamed"), 1, "holds key simple ec")
        other = self.owner("other")
        shutil.copy(owner.key_file("ec"), other.key_file("ec"))
        self.assertEqual(self.sign(other, "ec").returncode, 1)

    def test_key_recover__a_damaged_blob_comes_back(self):
        owner = self.owner()
        path = owner.key_file("ec")
        key = bytearray(read_bytes(path))
        at = bytes(key).index(b"keyquay/recovery-blob") - 40
        key[at] ^= 1
        with open(path, "wb") as out:
            out.write(key)
        self.refused(self.sign(owner, "ec"), 1, path)
        owner.done("keyquay", "key", "recover", "--app", "simple", "--ident", "ec")
        self.sign(owner, "ec")

    def test_state_or_device_key_damaged__module_refuses_and_loses_nothing(self):
        owner = self.owner(start=False)
        for name in ("state", "device-key"):
            path = os.path.join(owner.kmdata, "hsm", name)
            os.chmod(path, 0o600)
            whole = read_bytes(path)
            for content in (b"", whole[:-1], whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:], b"\0" * (3 << 20)):
                with self.subTest(name=name, length=len(content)):
                    with open(path, "wb") as out:
                        out.write(content)
                    result = owner.run("enquiry")
                    self.assertEqual(result.returncode, 4, result.stdout + result.stderr)
                    self.assertIn(name, result.stderr)
            with open(path, "wb") as out:
                out.write(whole)
        os.chmod(os.path.join(owner.kmdata, "hsm", "device-key"), 0o400)
        owner.start()
        self.sign(owner, "ec")

    def test_world_file_deleted__written_again(self):
        owner = self.owner()
        path = os.path.join(owner.local, "world")
        before = read_bytes(path)
        os.unlink(path)
        owner.done("nfkminfo")
        self.assertEqual(read_bytes(path), before)

    def test_module_killed__the_next_command_finds_it_again(self):
        owner = self.owner()
        for pid in module_pids(owner.kmdata):
            os.kill(pid, 9)
        self.sign(owner, "ec")
        owner.generate("after-the-kill")


def module_pids(kmdata):
    with open(os.path.join(kmdata, "hsm", "supervisor.pid"), encoding="ascii") as file:
        supervisor = file.read().split()[0]
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                name, _, rest = file.read().rpartition(")")
        except OSError:
            continue
        if rest.split()[1] == supervisor and "hsm-module" in name:
            found.append(int(path.split("/")[2]))
    return found


class Audit(OwnerCase):
    def test_verify__success__and_damage_is_found(self):
        owner = self.owner()
        head = os.path.join(owner.folder, "head")
        owner.done("keyquay", "audit", "head", "--out", head)
        self.assertIn("Result: SUCCESS", owner.done("keyquay", "audit", "verify"))
        events = owner.done("keyquay", "audit", "show")
        for event in ("world_create_commit", "key_generate", "module-start"):
            self.assertIn(event, events)
        log = read_bytes(os.path.join(owner.kmdata, "hsm", "audit.log"))
        cut = owner.write("cut.log", log[:len(log) // 2])
        self.refused(owner.run("keyquay", "audit", "verify", "--log", cut, "--head", head), 1, "the head covers")
        flipped = owner.write("flipped.log", log[:900] + bytes([log[900] ^ 1]) + log[901:])
        result = owner.run("keyquay", "audit", "verify", "--log", flipped)
        self.assertEqual(result.returncode, 1)
        self.assertIn("Result: FAILURE", result.stdout)

    def test_verify__log_of_another_module__told(self):
        owner = self.owner()
        log = os.path.join(owner.kmdata, "hsm", "audit.log")
        shutil.copy(os.path.join(WORLDS["other"].kmdata, "hsm", "audit.log"), log)
        self.refused(owner.run("keyquay", "audit", "verify"), 1, "not signed by the module")


class AutoStart(OwnerCase):
    def test_two_tools_at_once__one_module(self):
        owner = self.owner(start=False)
        results = []
        threads = [threading.Thread(target=lambda: results.append(owner.run("enquiry", "--json"))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([result.returncode for result in results], [0, 0, 0], [result.stderr for result in results])
        self.assertEqual(len({json.loads(result.stdout)["esn"] for result in results}), 1)
        self.assertEqual(len(module_pids(owner.kmdata)), 1)


class Environment(unittest.TestCase):
    def test_env_file__puts_programs_on_the_path(self):
        printed = subprocess.run(["sh", "-c", f". {BUILD}/env && echo $NFAST_HOME && command -v new-world && command -v "
                                  "new-world.exe && python -c 'print(7)'"], capture_output=True, text=True, check=True)
        self.assertEqual(printed.stdout.split(), [os.path.realpath(BUILD), f"{os.path.realpath(BUILD)}/bin/new-world",
                                                  f"{os.path.realpath(BUILD)}/bin/new-world.exe", "7"])


if __name__ == "__main__":
    unittest.main()
