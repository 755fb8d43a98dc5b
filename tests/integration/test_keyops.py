"""The vault's road to its modules against real ones: keys of each type, packages of real owners, modules that die."""
import base64
import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from journey import BUILD, SUBSCRIPTION, Journey, read, write  # noqa: E402
from openssl import ecdsa_der, openssl  # noqa: E402
from owner_world import OwnerWorld  # noqa: E402
from processes import running  # noqa: E402

DRIVER = os.path.join(BUILD, "tests", "unit", "vault", "keyops", "keyops_driver")
RSA, P256, P384, P521, P256K = 1, 2, 3, 4, 5
EC = {P256: ("ES256", "sha256", 256), P384: ("ES384", "sha384", 384), P521: ("ES512", "sha512", 521),
      P256K: ("ES256K", "sha256", 256)}
ERR_AUTH, ERR_DENIED, ERR_STATE, ERR_MISMATCH, ERR_CONNECT = 9, 11, 13, 16, 20
MAX_LOADED = 100


class Failed(Exception):
    def __init__(self, status, words):
        super().__init__(f"status {status}: {words}")
        self.status = status
        self.words = words


class Driver:
    def __init__(self, data, max_loaded=MAX_LOADED):
        self.process = subprocess.Popen([DRIVER, data, str(max_loaded)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(60) != 0:
            raise AssertionError(f"the driver ended with {self.process.returncode}")

    def start(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def finish(self):
        kind, _, rest = self.process.stdout.readline().rstrip("\n").partition(" ")
        if kind != "ok":
            status, _, words = rest.partition(" ")
            raise Failed(int(status or -1), words)
        return rest.split(" ")

    def __call__(self, *words):
        self.start(*words)
        return self.finish()


def version():
    return secrets.token_hex(16)


def jwk_member(number, length=None):
    raw = number.to_bytes(length or (number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.journey = Journey()
        cls.addClassCleanup(cls.journey.close)
        cls.facts = {fact["name"]: fact for fact in cls.journey.regions("NA", "EU")}
        for name in cls.facts:
            folder = cls.folder(name)
            cls.journey.operator.must("keyquay", "hsm", "start", "--folder", folder)
        cls.driver = Driver(cls.journey.data)
        cls.addClassCleanup(cls.driver.close)

    @classmethod
    def folder(cls, name):
        return os.path.join(cls.journey.data, "regions", name)

    def where(self, label, region="UnitedStates", name=None):
        return [label, region, SUBSCRIPTION.upper(), "contoso", name or f"key-{label}", version()]

    def generate(self, label, kind, bits, purpose=1, **where):
        made = self.driver("generate", *self.where(label, **where), kind, bits, purpose)
        self.assertEqual(made[:3], [str(kind), str(bits), "1"])
        self.assertGreater(int(made[3]), 0)
        write(self.path(label + ".der"), bytes.fromhex(made[4]))
        return bytes.fromhex(made[4])

    def path(self, name):
        return os.path.join(self.journey.folder, name)

    def verify(self, label, digest, data, signature, *options):
        write(self.path("data"), data)
        write(self.path("signature"), signature)
        words = ["dgst", "-" + digest, "-keyform", "DER", "-verify", self.path(label + ".der"), *options,
                 "-signature", self.path("signature"), self.path("data")]
        self.assertIn(b"OK", openssl(*words))

    def sign(self, label, algorithm, digest):
        return bytes.fromhex(self.driver("use", label, "sign", algorithm, digest.hex())[0])

    def fails(self, status, *words):
        with self.assertRaises(Failed) as caught:
            self.driver(*words)
        self.assertEqual(caught.exception.status, status, caught.exception)
        return caught.exception.words

    def test_ec__each_curve__signs_for_openssl_and_verifies_here(self):
        for kind, (algorithm, name, bits) in EC.items():
            with self.subTest(algorithm):
                label = f"ec{kind}"
                self.generate(label, kind, bits)
                digest = hashlib.new(name, b"data").digest()
                signature = self.sign(label, algorithm, digest)
                self.verify(label, name, b"data", ecdsa_der(signature))
                self.assertEqual(self.driver("verify", label, algorithm, digest.hex(), signature.hex()), ["true"])
                self.assertEqual(self.driver("verify", label, algorithm, digest.hex(), signature[::-1].hex()), ["false"])
                self.assertEqual(self.driver("verify", label, algorithm, digest.hex(), "00"), ["false"])

    def test_rsa__every_mechanism__both_ways(self):
        self.generate("rsa", RSA, 2048)
        for size in (256, 384, 512):
            digest = hashlib.new(f"sha{size}", b"data").digest()
            self.verify("rsa", f"sha{size}", b"data", self.sign("rsa", f"RS{size}", digest))
            self.verify("rsa", f"sha{size}", b"data", self.sign("rsa", f"PS{size}", digest), "-sigopt",
                        "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
            for kind in ("RS", "PS"):
                signature = self.sign("rsa", f"{kind}{size}", digest).hex()
                self.assertEqual(self.driver("verify", "rsa", f"{kind}{size}", digest.hex(), signature), ["true"])
        raw = self.sign("rsa", "RSNULL", b"as it stands")
        self.assertEqual(self.driver("verify", "rsa", "RSNULL", b"as it stands".hex(), raw.hex()), ["true"])
        for algorithm in ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"):
            for closing, opening in (("encrypt", "decrypt"), ("wrapKey", "unwrapKey")):
                closed = self.driver("use", "rsa", closing, algorithm, b"secret".hex())[0]
                self.assertEqual(self.driver("use", "rsa", opening, algorithm, closed), [b"secret".hex()])
        damaged = bytearray(bytes.fromhex(self.driver("use", "rsa", "encrypt", "RSA-OAEP", b"secret".hex())[0]))
        damaged[40] ^= 1
        self.fails(ERR_AUTH, "use", "rsa", "decrypt", "RSA-OAEP", damaged.hex())
        self.assertIn("too long", self.fails(1, "use", "rsa", "encrypt", "RSA-OAEP", "00" * 215))

    def test_rsa__openssl_encrypts__decrypted_here(self):
        self.generate("rsa-dec", RSA, 3072)
        write(self.path("plain"), b"from outside")
        closed = openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", self.path("rsa-dec.der"),
                              "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-in",
                              self.path("plain"))
        opened = self.driver("use", "rsa-dec", "decrypt", "RSA-OAEP-256", closed.hex())
        self.assertEqual(opened, [b"from outside".hex()])

    def test_import_kek__by_its_template__signs_nothing(self):
        self.generate("kek", RSA, 2048, purpose=2)
        self.fails(ERR_DENIED, "use", "kek", "sign", "RS256", "00" * 32)

    def test_place__row_moved_to_another_vault__refused(self):
        self.generate("moved", P256, 256)
        self.driver("move", "moved", "fabrikam")
        self.fails(ERR_MISMATCH, "use", "moved", "sign", "ES256", "00" * 32)
        self.driver("move", "moved", "contoso")
        self.sign("moved", "ES256", bytes(32))

    def test_restore__into_another_vault__same_key_there(self):
        public = self.generate("backed", P256, 256)
        made = self.driver("restore", "restored", "backed", "fabrikam")
        self.assertEqual(bytes.fromhex(made[4]), public)
        write(self.path("restored.der"), public)
        digest = hashlib.sha256(b"data").digest()
        self.verify("restored", "sha256", b"data", ecdsa_der(self.sign("restored", "ES256", digest)))

    def test_clear__ec_and_rsa_of_openssl__used_here(self):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.path("ec.pem"))
        text = openssl("pkey", "-in", self.path("ec.pem"), "-text", "-noout").decode()
        point, private = hex_block(text, "pub"), hex_block(text, "priv")
        members = ["-", "-", jwk_member(private, 32), *["-"] * 5, jwk_member(point >> 256 & (1 << 256) - 1, 32),
                   jwk_member(point & (1 << 256) - 1, 32)]
        made = self.driver("clear", *self.where("clear-ec"), P256, *members)
        self.assertEqual(made[:3], [str(P256), "256", "2"])
        write(self.path("clear-ec.der"), openssl("pkey", "-in", self.path("ec.pem"), "-pubout", "-outform", "DER"))
        digest = hashlib.sha256(b"data").digest()
        self.verify("clear-ec", "sha256", b"data", ecdsa_der(self.sign("clear-ec", "ES256", digest)))

        openssl("genrsa", "-out", self.path("rsa.pem"), "2048")
        text = openssl("pkey", "-in", self.path("rsa.pem"), "-text", "-noout").decode()
        names = ["modulus", None, "privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"]
        members = [jwk_member(65537 if name is None else hex_block(text, name)) for name in names] + ["-", "-"]
        self.driver("clear", *self.where("clear-rsa"), RSA, *members)
        write(self.path("clear-rsa.der"), openssl("rsa", "-in", self.path("rsa.pem"), "-pubout", "-outform", "DER"))
        self.verify("clear-rsa", "sha256", b"data", self.sign("clear-rsa", "RS256", digest))
        members[0] = "A" * 701
        self.assertIn("key.n", self.fails(1, "clear", *self.where("long"), RSA, *members))

    def test_package__of_a_real_owner__only_in_its_region(self):
        owner = self.journey.owner("alice", "NA")
        owner.new_world()
        owner.new_key("one")
        owner.expects(self.facts["UnitedStates"])
        self.assertEqual(owner.modify("one", "NA-1").code, 0)
        self.assertEqual(owner.package("one", "NA-1", "One").code, 0)
        file = next(owner.path(name) for name in os.listdir(owner.work) if name.endswith(".byok"))
        words = self.fails(ERR_MISMATCH, "package", *self.where("wrong", region="Europe"), file, 1)
        self.assertIn("made for region NA-1 (world", words)
        self.assertIn("this vault is in EU-1 (world", words)
        # a rollover of the region keeps older packages valid
        self.journey.operator.must("keyquay", "region", "rollover", "NA", "--data", self.journey.data)
        self.assertEqual(self.driver("region", "UnitedStates")[:2], ["NA-2", "2"])
        made = self.driver("package", *self.where("packed"), file, 1)
        self.assertEqual(made[:3], [str(RSA), "2048", "4"])  # an owner without a warrant
        write(self.path("packed.der"), bytes.fromhex(made[4]))
        self.verify("packed", "sha256", b"data", self.sign("packed", "RS256", hashlib.sha256(b"data").digest()))
        write(self.path("damaged.byok"), read(file)[:-7])
        self.assertIn("damaged", self.fails(2, "package", *self.where("damaged"), self.path("damaged.byok"), 1))

    def test_audit__record_of_the_service__taken(self):
        self.driver("audit", "UnitedStates", SUBSCRIPTION, "vault.key.delete", "caller-\x01-" + "x" * 200, "y" * 300)

    def test_ping__module_and_no_module(self):
        self.driver("ping", "UnitedStates")
        self.fails(ERR_STATE, "ping", "Japan")
        self.fails(ERR_CONNECT, "ping", "platform")

    def test_load__many_more_keys_than_may_be_loaded__all_work(self):
        for i in range(1050):
            self.driver("generate", *self.where(f"many{i}", name=f"many-{i}"), P256, 256, 1)
        good, failed, microseconds = self.driver("hammer", "many0", 1050, 8, 3000)[:3]
        print(f"# 1050 keys, {MAX_LOADED} loaded: {good} signatures in 3 s, {microseconds} us of CPU each")
        self.assertEqual(failed, "0")
        self.assertGreater(int(good), 1050)
        good, failed, microseconds = self.driver("hammer", "many0", 50, 8, 3000)[:3]
        print(f"# 50 keys, all loaded: {good} signatures in 3 s, {microseconds} us of CPU each")
        self.assertEqual(failed, "0")
        good, failed, microseconds = self.driver("hammer", "many0", 1, 1, 2000)[:3]
        print(f"# 1 key, 1 thread: {good} signatures in 2 s, {microseconds} us of CPU each")
        self.assertEqual(failed, "0")

    def test_load__module_killed_again_and_again__callers_see_nothing(self):
        for i in range(20):
            self.driver("generate", *self.where(f"kill{i}", name=f"kill-{i}"), P256, 256, 1)
        self.driver.start("hammer", "kill0", 20, 8, 8000)
        num_kills = 0
        for _ in range(4):
            time.sleep(1.5)
            module = running(self.folder("UnitedStates"))["hsm-module"]
            if module is not None:
                os.kill(module, signal.SIGKILL)
                num_kills += 1
        good, failed, *words = self.driver.finish()
        self.assertGreaterEqual(num_kills, 3)
        self.assertEqual(failed, "0", words)
        self.assertGreater(int(good), 1000)


def hex_block(text, name):
    """The number under a heading of `openssl pkey -text`."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(name + ":"):
            break
    digits = ""
    for line in lines:
        if not line.startswith(" "):
            break
        digits += line.strip().replace(":", "")
    return int(digits, 16)


class Platform(unittest.TestCase):
    def test_platform__key_made_and_used_again(self):
        with OwnerWorld() as world:
            data = os.path.join(world.folder, "data")
            os.mkdir(data)
            os.symlink(world.kmdata, os.path.join(data, "platform"))
            driver = Driver(data)
            self.addCleanup(driver.close)
            driver("ping", "platform")
            public = driver("platform-make", "tls", P256, 256)[0]
            digest = hashlib.sha256(b"data").digest()
            signature = bytes.fromhex(driver("platform-sign", "tls", 7, digest.hex())[0])
            for name, content in (("public", bytes.fromhex(public)), ("signature", ecdsa_der(signature)), ("data.txt", b"data")):
                write(os.path.join(world.folder, name), content)
            world.check(["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", "public", "-signature", "signature",
                         "data.txt"])
            # the place is told by the name that the service asks for
            with self.assertRaises(Failed) as caught:
                driver("platform-sign", "token", 7, digest.hex())
            self.assertEqual(caught.exception.status, ERR_MISMATCH)


if __name__ == "__main__":
    unittest.main()
