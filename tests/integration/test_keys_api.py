"""The keys of a vault over HTTPS, checked with openssl on the other side."""
import base64
import hashlib
import os
import re
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from openssl import der, der_integer, ecdsa_der, openssl, openssl_agrees  # noqa: E402
from travel import Traveller, base64url, unbase64url  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

HASHES = {"256": "sha256", "384": "sha384", "512": "sha512"}
CURVES = {"P-256": ("ES256", "2a8648ce3d030107", 32), "P-384": ("ES384", "2b81040022", 48),
          "P-521": ("ES512", "2b81040023", 66), "P-256K": ("ES256K", "2b8104000a", 32)}
EC_HASH = {"ES256": "sha256", "ES384": "sha384", "ES512": "sha512", "ES256K": "sha256"}


def spki(jwk):
    if jwk["kty"].startswith("RSA"):
        algorithm = der(0x30, der(6, bytes.fromhex("2a864886f70d010101")), der(5))
        key = der(0x30, der_integer(unbase64url(jwk["n"])), der_integer(unbase64url(jwk["e"])))
    else:
        algorithm = der(0x30, der(6, bytes.fromhex("2a8648ce3d0201")), der(6, bytes.fromhex(CURVES[jwk["crv"]][1])))
        key = b"\4" + unbase64url(jwk["x"]) + unbase64url(jwk["y"])
    return der(0x30, algorithm, der(3, b"\0", key))


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={"contoso": "eastus", "fabrikam": "westus", "europe": "northeurope"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.folder = tempfile.TemporaryDirectory(prefix="keyquay-keys-test-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.rsa = cls.must(cls.world.vault("POST", "contoso", "/keys/rsa/create", {"kty": "RSA-HSM"}))["key"]

    @staticmethod
    def must(answer, status=200):
        if answer.status != status:
            raise AssertionError(answer)
        return answer.json

    def post(self, path, body, vault="contoso"):
        return self.world.vault("POST", vault, path, body)

    def file(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def verifies(self, jwk, algorithm, digest, signature):
        """Does openssl find the signature good?"""
        if algorithm.startswith("ES"):
            signature = ecdsa_der(signature)
            options = []
        else:
            padding = "pss" if algorithm.startswith("PS") else "pkcs1"
            options = ["-pkeyopt", f"rsa_padding_mode:{padding}"]
            if algorithm != "RSNULL":
                options += ["-pkeyopt", "digest:" + HASHES[algorithm[2:]]]
            options += ["-pkeyopt", "rsa_pss_saltlen:digest"] if padding == "pss" else []
        return openssl_agrees("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", self.file("key.der", spki(jwk)),
                              "-sigfile", self.file("signature", signature), "-in", self.file("digest", digest), *options)

    # ---- uses

    def test_sign__each_rsa_algorithm__openssl_and_verify_agree(self):
        for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "RSNULL"):
            digest = b"not a digest" if algorithm == "RSNULL" else hashlib.new(HASHES[algorithm[2:]], b"text").digest()
            with self.subTest(algorithm):
                self.sign_and_verify("rsa", self.rsa, algorithm, digest)

    def test_sign__each_curve__openssl_and_verify_agree(self):
        for curve, (algorithm, _, octets) in CURVES.items():
            for kty in ("EC", "EC-HSM"):
                with self.subTest(curve=curve, kty=kty):
                    name = (kty + curve).replace("-", "")
                    key = self.must(self.post(f"/keys/{name}/create", {"kty": kty, "crv": curve}))["key"]
                    self.assertEqual(len(unbase64url(key["x"])), octets)
                    digest = hashlib.new(EC_HASH[algorithm], b"text").digest()
                    signature = self.sign_and_verify(name, key, algorithm, digest)
                    self.assertEqual(len(signature), 2 * octets)

    def sign_and_verify(self, name, jwk, algorithm, digest):
        signed = self.must(self.post(f"/keys/{name}/sign", {"alg": algorithm, "value": base64url(digest)}))
        signature = unbase64url(signed["value"])
        self.assertEqual(signed["kid"], jwk["kid"])
        self.assertTrue(self.verifies(jwk, algorithm, digest, signature))
        other = bytes([signature[0] ^ 1]) + signature[1:]
        for value, expected in ((signature, True), (other, False), (signature[:-1], False)):
            body = {"alg": algorithm, "digest": base64url(digest), "value": base64url(value)}
            self.assertIs(self.must(self.post(f"/keys/{name}/verify", body))["value"], expected)
        return signature

    def test_decrypt__what_openssl_encrypted__comes_back(self):
        modes = {"RSA-OAEP": ["oaep"], "RSA-OAEP-256": ["oaep", "-pkeyopt", "rsa_oaep_md:sha256"], "RSA1_5": ["pkcs1"]}
        for algorithm, (mode, *more) in modes.items():
            sealed = openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey",
                             self.file("key.der", spki(self.rsa)), "-pkeyopt", f"rsa_padding_mode:{mode}", *more,
                             content=b"a key")
            for operation in ("decrypt", "unwrapkey"):
                with self.subTest(algorithm=algorithm, operation=operation):
                    body = {"alg": algorithm, "value": base64url(sealed)}
                    opened = self.must(self.post(f"/keys/rsa/{operation}", body))
                    self.assertEqual(unbase64url(opened["value"]), b"a key")

    def test_encrypt__and_wrap__are_undone_by_decrypt_and_unwrap(self):
        for algorithm in ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"):
            for do, undo in (("encrypt", "decrypt"), ("wrapkey", "unwrapkey")):
                with self.subTest(algorithm=algorithm, do=do):
                    sealed = self.must(self.post(f"/keys/rsa/{do}", {"alg": algorithm, "value": base64url(b"x" * 32)}))
                    opened = self.must(self.post(f"/keys/rsa/{undo}", {"alg": algorithm, "value": sealed["value"]}))
                    self.assertEqual(unbase64url(opened["value"]), b"x" * 32)

    def test_decrypt__damaged__oaep_is_one_error_and_pkcs1_gives_noise(self):
        damaged = base64url(b"\1" * 256)
        for algorithm in ("RSA-OAEP", "RSA-OAEP-256"):
            answer = self.post("/keys/rsa/decrypt", {"alg": algorithm, "value": damaged})
            self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"))
        noise = [self.must(self.post("/keys/rsa/decrypt", {"alg": "RSA1_5", "value": damaged}))["value"]
                 for _ in range(2)]
        self.assertEqual(noise[0], noise[1])  # the same question has the same answer

    # ---- imports

    @staticmethod
    def rsa_jwk():
        """A JSON Web Key of openssl's, with its private members."""
        rsa = openssl("genrsa", "2048")
        fields = dict(re.findall(r"^(\w+):(?: 65537.*)?\n?((?:    [0-9a-f:]+\n)*)",
                                 openssl("rsa", "-noout", "-text", content=rsa).decode(), re.M))
        number = {name: base64url(bytes.fromhex(re.sub(r"[^0-9a-f]", "", text)).lstrip(b"\0"))
                  for name, text in fields.items() if text}
        return {"kty": "RSA", "n": number["modulus"], "e": "AQAB", "d": number["privateExponent"], "p": number["prime1"],
               "q": number["prime2"], "dp": number["exponent1"], "dq": number["exponent2"], "qi": number["coefficient"]}

    def test_import__web_keys_of_openssl__sign_under_their_public_key(self):
        jwk = self.rsa_jwk()
        for hsm, kty in ((False, "RSA"), (True, "RSA-HSM")):
            made = self.must(self.world.vault("PUT", "contoso", "/keys/clear", {"key": jwk, "Hsm": hsm}))["key"]
            self.assertEqual((made["kty"], made["n"], made["e"]), (kty, jwk["n"], "AQAB"))
            self.sign_and_verify("clear", made, "PS256", hashlib.sha256(b"text").digest())
        receipt = self.must(self.world.vault("GET", "contoso", "/keys/clear/receipt"))
        self.assertEqual(receipt["origin"], "imported in the clear")
        wrong = dict(jwk, d=base64url(b"\3" * 256))
        answer = self.world.vault("PUT", "contoso", "/keys/wrong", {"key": wrong})
        self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"))
        self.assertEqual(self.world.vault("GET", "contoso", "/keys/wrong").status, 404)

    @staticmethod
    def ec_numbers(curve):
        """d, x and y of a new key of openssl's, each as long as the curve has it."""
        key = openssl("ecparam", "-name", curve, "-genkey", "-noout", "-outform", "DER")
        text = openssl("ec", "-inform", "DER", "-noout", "-text", content=key).decode()
        private, public = (bytes.fromhex(re.sub(r"[^0-9a-f]", "", re.search(name + r":([0-9a-f:\s]+)", text).group(1)))
                           for name in ("priv", "pub"))
        size = len(public) // 2
        return private.rjust(size, b"\0"), public[1:1 + size], public[1 + size:]

    def test_import__zeros_in_front_of_numbers__count_for_nothing(self):
        jwk = self.rsa_jwk()
        longer = {name: value if name == "kty" else base64url(b"\0" + unbase64url(value)) for name, value in jwk.items()}
        self.assertEqual(longer["e"], "AAEAAQ")
        made = self.must(self.world.vault("PUT", "contoso", "/keys/zeros", {"key": longer}))["key"]
        self.assertEqual((made["n"], made["e"]), (jwk["n"], "AQAB"))
        numbers = self.ec_numbers("secp521r1")
        while not any(number[0] == 0 for number in numbers):
            numbers = self.ec_numbers("secp521r1")
        short = dict(zip("dxy", (base64url(number.lstrip(b"\0")) for number in numbers)))
        made = self.must(self.world.vault("PUT", "contoso", "/keys/zeros-ec", {"key": {"kty": "EC", "crv": "P-521", **short}}))
        self.assertEqual((made["key"]["x"], made["key"]["y"]), tuple(base64url(number) for number in numbers[1:]))
        self.sign_and_verify("zeros-ec", made["key"], "ES512", hashlib.sha512(b"text").digest())

    def test_import__packages__only_where_they_were_made_for(self):
        with Traveller(self.world) as owner:
            path = owner.package("mykey", "NA-1", "Friendly")
            made = self.must(self.world.import_package("contoso", "travelled", path))["key"]
            self.assertEqual(made["kty"], "RSA-HSM")
            public = openssl("pkey", "-pubin", "-outform", "DER", content=owner.public_key("mykey").encode())
            self.assertEqual(spki(made), public)
            self.sign_and_verify("travelled", made, "RS256", hashlib.sha256(b"text").digest())
            with open(path, "rb") as file:
                content = file.read()
            padded = base64.b64encode(content).decode()
            body = {"key": {"kty": "RSA-HSM", "key_hsm": padded}, "Hsm": False}
            self.must(self.world.vault("PUT", "fabrikam", "/keys/again", body))
            self.refuses("europe", content)
            self.refuses("contoso", content[:-1] + bytes([content[-1] ^ 1]))
            self.refuses("contoso", content[:-1])
            receipt = self.must(self.world.vault("GET", "contoso", "/keys/travelled/receipt"))
            # this owner's module has no warrant of a manufacturer, and the receipt does not claim one
            self.assertEqual((receipt["kind"], receipt["origin"]), ("import-receipt", "transferred, self-asserted"))

    def refuses(self, vault, content):
        body = {"Hsm": True, "key": {"kty": "RSA-HSM", "key_hsm": base64url(content)}}
        answer = self.world.vault("PUT", vault, "/keys/refused", body)
        self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"), answer)
        self.assertEqual(self.world.vault("GET", vault, "/keys/refused").status, 404)

    # ---- life

    def test_life__deleted_recovered_purged__at_once(self):
        vault = lambda method, path, body=None: self.world.vault(method, "contoso", path, body)  # noqa: E731
        self.must(vault("POST", "/keys/mortal/create", {"kty": "EC"}))
        self.must(vault("DELETE", "/keys/mortal"))
        self.assertEqual(vault("GET", "/keys/mortal").status, 404)
        self.assertEqual(vault("POST", "/keys/mortal/create", {"kty": "EC"}).inner_code, "ObjectIsDeletedButRecoverable")
        self.must(vault("POST", "/deletedkeys/mortal/recover"))
        self.must(vault("POST", "/keys/mortal/sign", {"alg": "ES256", "value": base64url(b"x" * 32)}))
        self.must(vault("DELETE", "/keys/mortal"))
        self.assertEqual(vault("DELETE", "/deletedkeys/mortal").status, 204)
        self.assertEqual(vault("GET", "/deletedkeys/mortal").status, 404)

    def test_backup__restored__same_ids_in_its_geography_only(self):
        first = self.must(self.post("/keys/kept/create", {"kty": "EC-HSM"}))["key"]["kid"]
        second = self.must(self.post("/keys/kept/rotate", None))["key"]
        value = self.must(self.post("/keys/kept/backup", None))["value"]
        answer = self.post("/keys/restore", {"value": value}, vault="europe")
        self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"))
        self.assertIn("UnitedStates", answer.json["error"]["message"])
        self.assertEqual(self.post("/keys/restore", {"value": value}).status, 409)
        back = self.must(self.post("/keys/restore", {"value": value}, vault="fabrikam"))["key"]
        self.assertEqual(back["kid"].rpartition("/")[2], second["kid"].rpartition("/")[2])
        self.assertEqual((back["x"], back["y"]), (second["x"], second["y"]))
        for version in (first, second["kid"]):
            path = "/keys/kept/" + version.rpartition("/")[2] + "/sign"
            self.must(self.post(path, {"alg": "ES256", "value": base64url(b"x" * 32)}, vault="fabrikam"))

    def test_backup__of_many_versions__is_taken_back(self):
        tags = {f"{i:0256}": "v" * 256 for i in range(15)}
        self.must(self.post("/keys/aged/create", {"kty": "EC", "tags": tags}))
        for _ in range(119):
            self.must(self.post("/keys/aged/rotate", None))
        value = self.must(self.post("/keys/aged/backup", None))["value"]
        self.assertGreater(len(value), 1 << 20)
        self.must(self.post("/keys/restore", {"value": value}, vault="fabrikam"))
        seen, path = [], "/keys/aged/versions"
        while path:
            page = self.must(self.world.vault("GET", "fabrikam", path))
            seen += page["value"]
            path = (page["nextLink"] or "").partition(f":{self.world.port}")[2]
        self.assertEqual(len({item["kid"] for item in seen}), 120)

    def test_exchange_key__import_alone__does_nothing_else(self):
        made = self.must(self.post("/keys/kek/create", {"kty": "RSA-HSM", "key_size": 3072, "key_ops": ["import"]}))
        self.assertEqual(made["key"]["key_ops"], ["import"])
        answer = self.post("/keys/kek/decrypt", {"alg": "RSA-OAEP", "value": base64url(b"x" * 384)})
        self.assertEqual((answer.status, answer.inner_code), (403, "KeyOperationForbidden"))

    def test_challenge__first_request_of_every_client__before_the_body(self):
        for body in (b"", b"{", b"\xff"):
            answer = self.world.request("POST", self.world.vault_url("contoso", "/keys/n/create"), body, version=None)
            self.assertEqual(answer.status, 401)
            self.assertRegex(answer.headers["WWW-Authenticate"],
                             r'^Bearer authorization="https://login\.[^/"]+/[0-9a-f-]{36}", '
                             rf'resource="https://vault\.{self.world.domain}:{self.world.port}"$')


if __name__ == "__main__":
    unittest.main()
