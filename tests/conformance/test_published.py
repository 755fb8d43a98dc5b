"""Published vectors through the REST API: what Wycheproof, RFC 7520 and NIST say of every algorithm a vault serves.

A vault verifies only with keys that it has, and takes none without its private
part, so the files with public keys alone run on the layer below
(tests/unit/pubcrypto/test_verify.c); here their faults are made again under
keys whose private part is published.
"""
import hashlib
import math
import random
import re
import unittest

from vault_keys import VaultCase, base64url, digest, load_cavp, load_json, number_of, number_text, rsa_jwk, unbase64url

PREFIX = {"256": "3031300d060960864801650304020105000420", "384": "3041300d060960864801650304020205000430",
          "512": "3051300d060960864801650304020305000440"}
ORDERS = {"P-256": 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
          "P-384": 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
          "P-521": (1 << 521) - 0x5ae79787c40d069948033feb708f65a2fc44a36477663b851449048e16ec79bf7,
          "P-256K": 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141}
EC_ALGORITHM = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "P-256K": "ES256K"}
WEBCRYPTO = {"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1", "P-256K": "secp256k1"}
ODD_SIZED = "InvalidCiphertextFormat"


def mgf1(seed, length, name):
    blocks = (hashlib.new(name, seed + counter.to_bytes(4, "big")).digest() for counter in range(length // 20 + 1))
    return b"".join(blocks)[:length]


def primes_of(n, e, d):
    """The factors of a modulus whose exponents are known (SP 800-56B appendix C)."""
    odd, twos = e * d - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in range(2, 100):
        root = pow(base, odd, n)
        for _ in range(twos):
            square = root * root % n
            if square == 1 and root not in (1, n - 1):
                p = math.gcd(root - 1, n)
                return p, n // p
            root = square
    raise ValueError("no factors found")


def pss_encoded(hashed, bits, name, salt, mask_hash=None, trailer=0xbc, extra=0):
    """EMSA-PSS (RFC 8017 9.1.1) with room for faults."""
    length = (bits - 1 + 7) // 8
    check = hashlib.new(name, bytes(8) + hashed + salt).digest()
    data = bytes(length - len(salt) - len(check) - 2) + b"\1" + salt
    mask = mgf1(check, len(data), mask_hash or name)
    masked = bytearray(a ^ b for a, b in zip(data, mask))
    masked[0] &= 0xff >> (8 * length - (bits - 1))
    masked[0] |= extra
    return bytes(masked) + check + bytes([trailer])


class Published(VaultCase):
    # ---- decryption

    def opens(self, file, algorithm, operation):
        """Right ones give the message, wrong ones the one error of their kind."""
        errors = set()
        for group in load_json(file)["testGroups"]:
            name = self.bring(group["privateKeyJwk"])
            for vector in group["tests"]:
                with self.subTest(file=file, case=vector["tcId"], comment=vector["comment"]):
                    if vector.get("label"):
                        continue  # the API has no labels
                    message, sealed = bytes.fromhex(vector["msg"]), bytes.fromhex(vector["ct"])
                    answer = self.use(name, operation, algorithm, sealed)
                    if vector["result"] == "valid":
                        self.assertEqual(answer.status, 200, answer)
                        self.assertEqual(unbase64url(answer.json["value"]), message)
                    else:
                        self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"), answer)
                        if len(sealed) == len(unbase64url(group["privateKeyJwk"]["n"])):
                            errors.add(answer.raw)
        self.assertLessEqual(len(errors), 1, errors)

    def test_oaep_sha1__wycheproof__opens_what_is_valid(self):
        self.opens("wycheproof/rsa_oaep_2048_sha1_mgf1sha1_test.json", "RSA-OAEP", "decrypt")

    def test_oaep_sha256__wycheproof_of_each_size__opens_what_is_valid(self):
        self.opens("wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json", "RSA-OAEP-256", "unwrapkey")
        self.opens("wycheproof/rsa_oaep_3072_sha256_mgf1sha256_test.json", "RSA-OAEP-256", "decrypt")
        self.opens("wycheproof/rsa_oaep_4096_sha256_mgf1sha256_test.json", "RSA-OAEP-256", "unwrapkey")

    def test_pkcs1__wycheproof_of_each_size__wrong_ones_are_the_same_noise_each_time(self):
        for size in ("2048", "3072", "4096"):
            noise = {}
            # the first key has most of the cases; each of the others has one
            for group in load_json(f"wycheproof/rsa_pkcs1_{size}_test.json")["testGroups"][:3]:
                name = self.bring(group["privateKeyJwk"])
                for vector in group["tests"]:
                    with self.subTest(size=size, case=vector["tcId"], comment=vector["comment"]):
                        self.opens_or_noise(name, vector, noise)
            self.assertGreater(len(noise), 10)
            self.assertEqual(len(set(noise.values())), len(noise))

    def opens_or_noise(self, name, vector, noise):
        sealed = bytes.fromhex(vector["ct"])
        answer = self.use(name, "decrypt", "RSA1_5", sealed)
        if ODD_SIZED in vector["flags"]:
            self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"), answer)
            return
        self.assertEqual(answer.status, 200, answer)
        opened = unbase64url(answer.json["value"])
        if vector["result"] == "valid":
            self.assertEqual(opened, bytes.fromhex(vector["msg"]))
            return
        again = self.use(name, "unwrapkey", "RSA1_5", sealed)
        self.assertEqual(again.json, answer.json)
        noise[sealed] = answer.json["value"] + str(len(opened))

    # ---- signatures

    def test_pkcs1_signatures__wycheproof_of_each_size__are_the_same_bytes(self):
        counted = 0
        for size in ("2048", "3072", "4096"):
            for group in load_json(f"wycheproof/rsa_pkcs1_{size}_sig_gen_test.json")["testGroups"]:
                key = group["privateKey"]
                if group["sha"] not in ("SHA-256", "SHA-384", "SHA-512"):
                    continue
                n, e, d = (int(key[name], 16) for name in ("modulus", "publicExponent", "privateExponent"))
                if e < 65537:
                    continue  # refused, see test_import__public_exponent_3__is_refused
                name = self.bring(rsa_jwk(n, e, d, *primes_of(n, e, d)))
                for vector in group["tests"]:
                    with self.subTest(size=size, sha=group["sha"], case=vector["tcId"]):
                        counted += self.signs_the_same(name, "RS" + group["sha"][4:], vector)
        self.assertGreater(counted, 40)

    def signs_the_same(self, name, algorithm, vector):
        hashed = digest(algorithm, bytes.fromhex(vector["msg"]))
        answer = self.use(name, "sign", algorithm, hashed)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(unbase64url(answer.json["value"]), bytes.fromhex(vector["sig"]))
        self.assertTrue(self.verifies(name, algorithm, hashed, bytes.fromhex(vector["sig"])))
        return 1

    def published_rsa(self):
        """A published key of 2048 bits with its numbers."""
        jwk = load_json("wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json")["testGroups"][0]["privateKeyJwk"]
        return self.bring(jwk), number_of(jwk["n"]), number_of(jwk["d"])

    def test_pkcs1_verify__each_wrong_encoding__is_false(self):
        name, n, d = self.published_rsa()
        for size, prefix in PREFIX.items():
            hashed = hashlib.new("sha" + size, b"text").digest()
            info = bytes.fromhex(prefix) + hashed
            no_null = bytes([0x30, len(info) - 4, 0x30, 0x0b]) + info[4:15] + info[17:]
            long_form = b"\x30\x81" + bytes([len(info) - 2]) + info[2:]
            other = bytes.fromhex(PREFIX["512" if size == "256" else "256"])
            wrong = {
                "digest without its name": b"\0\1" + b"\xff" * (253 - len(hashed)) + b"\0" + hashed,
                "no NULL": self.padded(no_null), "long form length": self.padded(long_form),
                "another hash's name": self.padded(other + hashed),
                "block type 2": b"\0\2" + self.padded(info)[2:], "block type 0": b"\0\0" + self.padded(info)[2:],
                "first byte 1": b"\1\1" + self.padded(info)[2:] if n >> 2040 > 1 else b"\0\3" + self.padded(info)[2:],
                "padding of 8 and rubbish after it": (b"\0\1" + b"\xff" * 8 + b"\0" + info).ljust(256, b"\5"),
                "a padding byte is not ff": self.padded(info).replace(b"\xff\0", b"\xfe\0", 1),
                "no zero after the padding": self.padded(info).replace(b"\xff\0", b"\xff\1", 1),
                "rubbish in the digest": self.padded(info[:-1] + bytes([info[-1] ^ 1])),
            }
            for fault, encoded in {"": self.padded(info), **wrong}.items():
                with self.subTest(size=size, fault=fault):
                    signature = pow(int.from_bytes(encoded, "big"), d, n).to_bytes(256, "big")
                    self.assertIs(self.verifies(name, "RS" + size, hashed, signature), fault == "")
                    self.assertFalse(self.verifies(name, "PS" + size, hashed, signature))

    @staticmethod
    def padded(info):
        return b"\0\1" + b"\xff" * (253 - len(info)) + b"\0" + info

    def test_pss_verify__salts_masks_and_trailers_of_others__are_false(self):
        name, n, d = self.published_rsa()
        for size in PREFIX:
            sha = "sha" + size
            hashed = hashlib.new(sha, b"text").digest()
            length = len(hashed)
            cases = {"": {}, "no salt": {"salt": b""}, "salt of 20": {"salt": b"s" * 20},
                     "salt one longer": {"salt": b"s" * (length + 1)},
                     "longest salt": {"salt": b"s" * (254 - length)}, "masked with SHA-1": {"mask_hash": "sha1"},
                     "trailer cc": {"trailer": 0xcc}, "first bit set": {"extra": 0x80}}
            for fault, options in cases.items():
                with self.subTest(size=size, fault=fault):
                    encoded = pss_encoded(hashed, n.bit_length(), sha, **{"salt": b"s" * length, **options})
                    value = int.from_bytes(encoded, "big")
                    if value >= n:
                        continue  # nothing can have been signed so
                    signature = pow(value, d, n).to_bytes(256, "big")
                    self.assertIs(self.verifies(name, "PS" + size, hashed, signature), fault == "")

    def test_rsa_verify__signatures_that_are_no_numbers_below_the_modulus__are_false(self):
        name, n, _ = self.published_rsa()
        hashed = digest("RS256", b"text")
        good = unbase64url(self.use(name, "sign", "RS256", hashed).json["value"])
        value = int.from_bytes(good, "big")
        others = [b"", b"\0", bytes(256), n.to_bytes(256, "big"), b"\xff" * 256, b"\0" + good, good + b"\0", good[1:],
                  (n - value).to_bytes(256, "big")]
        others += [(value + n).to_bytes(256, "big")] if value + n < 1 << 2048 else []
        for signature in others:
            with self.subTest(signature.hex()[:20]):
                self.assertFalse(self.verifies(name, "RS256", hashed, signature))
        self.assertTrue(self.verifies(name, "RS256", hashed, good))

    def curve_key(self, curve):
        """The first private key of the published agreements on a curve."""
        for group in load_json(f"wycheproof/ecdh_{WEBCRYPTO[curve]}_webcrypto_test.json")["testGroups"]:
            for vector in group["tests"]:
                if isinstance(vector["private"], dict) and vector["result"] == "valid":
                    return {**vector["private"], "crv": curve}
        return self.fail("no private key")

    def test_ecdsa_verify__edges_of_r_and_s_on_each_curve__are_false(self):
        for curve, order in ORDERS.items():
            algorithm = EC_ALGORITHM[curve]
            name = self.bring(self.curve_key(curve))
            hashed = digest(algorithm, b"text") if algorithm != "ES256K" else hashlib.sha256(b"text").digest()
            good = unbase64url(self.use(name, "sign", algorithm, hashed).json["value"])
            half = len(good) // 2
            r, s = int.from_bytes(good[:half], "big"), int.from_bytes(good[half:], "big")
            self.assertEqual(half, (order.bit_length() + 7) // 8)
            numbers = {"r 0": (0, s), "s 0": (r, 0), "both 0": (0, 0), "r order": (order, s), "s order": (r, order),
                       "r 1 and s 1": (1, 1), "swapped": (s, r), "order less one": (order - 1, order - 1),
                       "r negated": (order - r, s)}
            numbers.update({"r over the order": (r + order, s)} if r + order < 1 << 8 * half else {})
            wrong = {fault: a.to_bytes(half, "big") + b.to_bytes(half, "big") for fault, (a, b) in numbers.items()}
            wrong.update({"short": good[:-1], "long": good + b"\0", "half": good[:half], "none": b"",
                          "as DER": b"\x30\x06\x02\x01\x01\x02\x01\x01",
                          "ones": b"\xff" * len(good), "wider halves": b"\0" + good[:half] + b"\0" + good[half:]})
            for fault, signature in wrong.items():
                with self.subTest(curve=curve, fault=fault):
                    self.assertFalse(self.verifies(name, algorithm, hashed, signature))
            with self.subTest(curve=curve, fault=""):
                self.assertTrue(self.verifies(name, algorithm, hashed, good))
                # the other s of the same r is a signature too (SEC 1 4.1.4)
                other = good[:half] + (order - s).to_bytes(half, "big")
                self.assertTrue(self.verifies(name, algorithm, hashed, other))

    # ---- keys

    def test_import__keys_of_the_published_agreements__each_curve_and_their_faults(self):
        for curve in ORDERS:
            key = self.curve_key(curve)
            self.bring(key)
            size = len(unbase64url(key["x"]))
            faults = {"another point": {"x": key["y"], "y": key["x"]}, "scalar 0": {"d": base64url(bytes(size))},
                      "scalar of the order": {"d": number_text(ORDERS[curve], size)},
                      "scalar of another key": {"d": number_text(number_of(key["d"]) ^ 2, size)},
                      "short x": {"x": base64url(unbase64url(key["x"])[:-1])},
                      "point at 0": {"x": base64url(bytes(size))},
                      "another curve": {"crv": "P-384" if curve != "P-384" else "P-256"}, "no y": {"y": None}}
            for fault, members in faults.items():
                with self.subTest(curve=curve, fault=fault):
                    wrong = {name: value for name, value in {**key, **members}.items()
                             if name in ("kty", "crv", "x", "y", "d") and value is not None}
                    answer = self.ask("PUT", "/keys/wrong", {"key": wrong})
                    self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"), answer)
        self.assertEqual(self.ask("GET", "/keys/wrong").status, 404)

    def test_import__public_exponent_3__is_refused(self):
        jwk = load_json("wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json")["testGroups"][0]["privateKeyJwk"]
        p, q = number_of(jwk["p"]), number_of(jwk["q"])
        n, phi = p * q, (p - 1) * (q - 1)
        for e in (1, 3, 5):
            if e > 1 and phi % e == 0:
                continue
            answer = self.ask("PUT", "/keys/three", {"key": rsa_jwk(n, e, pow(e, -1, phi), p, q)})
            self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"), answer)

    # ---- RFC 7520

    def test_jose_cookbook__signatures__verify_under_the_imported_keys(self):
        rsa = self.bring(load_json("rfc/jose-cookbook/jwk/3_4.rsa_private_key.json"))
        curve = self.bring(load_json("rfc/jose-cookbook/jwk/3_2.ec_private_key.json"))
        keys = {"4_1.rsa_v15_signature": rsa, "4_2.rsa-pss_signature": rsa, "4_3.ecdsa_signature": curve}
        for file, name in keys.items():
            record = load_json(f"rfc/jose-cookbook/jws/{file}.json")
            with self.subTest(file):
                signed, _, signature = record["output"]["compact"].rpartition(".")
                hashed = digest(record["input"]["alg"], signed.encode())
                algorithm, octets = record["input"]["alg"], unbase64url(signature)
                self.assertTrue(self.verifies(name, algorithm, hashed, octets))
                self.assertFalse(self.verifies(name, algorithm, bytes(len(hashed)), octets))
        record = load_json("rfc/jose-cookbook/jws/4_1.rsa_v15_signature.json")
        signed, _, signature = record["output"]["compact"].rpartition(".")
        self.assertEqual(self.use(rsa, "sign", "RS256", digest("RS256", signed.encode())).json["value"], signature)

    def test_jose_cookbook__encrypted_keys__unwrap(self):
        for file in ("5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2",
                     "5_2.key_encryption_using_rsa-oaep_with_aes-gcm"):
            record = load_json(f"rfc/jose-cookbook/jwe/{file}.json")
            with self.subTest(file):
                name = self.bring(record["input"]["key"])
                sealed = unbase64url(record["encrypting_key"]["encrypted_key"])
                answer = self.use(name, "unwrapkey", record["input"]["alg"], sealed)
                self.assertEqual(answer.json["value"], record["generated"]["cek"])

    def test_encodings__base64url_alone_is_read__everything_else_is_named(self):
        name, _, _ = self.published_rsa()
        hashed = next(h for h in (hashlib.sha256(bytes([i])).digest() for i in range(256)) if b"\xff\xff" in h or
                      "-" in base64url(h) and "_" in base64url(h))
        text = base64url(hashed)
        last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        wrong = {"padded": text + "=", "padded twice": text + "==", "base64": text.replace("-", "+").replace("_", "/"),
                 "line": text[:20] + "\n" + text[20:], "space": " " + text, "one byte over": text + "A",
                 "bits left over": text[:-1] + last[last.index(text[-1]) + 1], "star": text[:-1] + "*",
                 "zero byte": text[:5] + "\0" + text[6:], "letters beyond ASCII": text[:-1] + "\u212a",
                 "number": 5, "null": None, "list": [text], "true": True, "object": {}}
        for fault, value in wrong.items():
            for operation in ("sign", "verify", "decrypt", "unwrapkey", "encrypt", "wrapkey"):
                with self.subTest(fault=fault, operation=operation):
                    algorithm = "RS256" if operation in ("sign", "verify") else "RSA-OAEP-256"
                    body = {"alg": algorithm, "value": value, "digest": text}
                    answer = self.ask("POST", f"/keys/{name}/{operation}", body)
                    if fault == "one byte over" and operation in ("verify", "encrypt", "wrapkey"):
                        self.assertEqual(answer.status, 200)
                        continue
                    self.assertEqual((answer.status, answer.error_code), (400, "BadParameter"), answer)
                    self.assertRegex(answer.json["error"]["message"], "'value'|a string holds a zero character")
        self.assertEqual(self.ask("POST", f"/keys/{name}/sign", {"alg": "RS256", "value": text}).status, 200)

    # ---- NIST

    def test_cavp_ecdsa__published_scalars_and_signatures__verify(self):
        counted = 0
        text = load_cavp("ECDSA/FIPS_186-3/SigGen.txt")
        sections = r"^\[(P-256|P-384|P-521),SHA-(256|384|512)\]\s*(.*?)(?=^\[|\Z)"
        for curve, sha, section in re.findall(sections, text, re.M | re.S):
            algorithm = EC_ALGORITHM[curve]
            if algorithm != "ES" + sha:
                continue
            size = (ORDERS[curve].bit_length() + 7) // 8
            for block in section.split("\n\n"):
                fields = dict(re.findall(r"^(\w+) = ([0-9a-f]+)$", block, re.M))
                if "S" not in fields:
                    continue
                with self.subTest(curve=curve, message=fields["Msg"][:12]):
                    counted += self.cavp_case(curve, size, fields)
        self.assertGreaterEqual(counted, 45)

    def cavp_case(self, curve, size, fields):
        number = {name: int(value, 16) for name, value in fields.items()}
        name = self.bring({"kty": "EC", "crv": curve, "x": number_text(number["Qx"], size),
                           "y": number_text(number["Qy"], size), "d": number_text(number["d"], size)})
        algorithm = EC_ALGORITHM[curve]
        hashed = digest(algorithm, bytes.fromhex(fields["Msg"]))
        signature = number["R"].to_bytes(size, "big") + number["S"].to_bytes(size, "big")
        self.assertTrue(self.verifies(name, algorithm, hashed, signature))
        position = random.Random(number["R"]).randrange(len(signature))
        other = signature[:position] + bytes([signature[position] ^ 1]) + signature[position + 1:]
        self.assertFalse(self.verifies(name, algorithm, hashed, other))
        return 1

    def test_cavp_rsa__published_judgements__are_the_vaults(self):
        """With the public exponents that keys here may have; the right key is brought for one that was changed."""
        judged = self.cavp_judgements("RSA/FIPS_186-2/SigVer15_186-3.rsp", "RS", lambda size, salt: True)
        self.assertGreater(min(judged.values()), 2, judged)

    def test_cavp_pss__published_judgements__good_with_a_salt_as_long_as_the_hash(self):
        judged = self.cavp_judgements("RSA/FIPS_186-2/SigVerPSS_186-3.rsp", "PS", lambda size, salt: len(salt) == size // 8)
        self.assertGreater(judged[False], 2, judged)

    def cavp_judgements(self, file, family, is_ours):
        """How many were good and how many not."""
        judged = {True: 0, False: 0}
        text = load_cavp(file)
        for bits, section in re.findall(r"^\[mod = (2048|3072)\]$(.*?)(?=^\[|\Z)", text, re.M | re.S):
            fields = {}
            for name, value in re.findall(r"^(\w+) = ([0-9A-Za-z]+)", section, re.M):
                fields[name] = value
                if name != "Result" or fields["SHAAlg"] not in ("SHA256", "SHA384", "SHA512"):
                    continue
                n, p, q, d, e = (int(fields[member], 16) for member in ("n", "p", "q", "d", "e"))
                if e < 65537 or e.bit_length() > 32 or e * d % math.lcm(p - 1, q - 1) != 1:
                    continue
                with self.subTest(bits=bits, sha=fields["SHAAlg"], message=fields["Msg"][:12]):
                    size = int(fields["SHAAlg"][3:])
                    key = self.bring(rsa_jwk(n, e, d, p, q))
                    hashed = digest(family + str(size), bytes.fromhex(fields["Msg"]))
                    good = value == "P" and is_ours(size, bytes.fromhex(fields["SaltVal"]))
                    self.assertIs(self.verifies(key, family + str(size), hashed, bytes.fromhex(fields["S"])), good)
                    judged[good] += 1
        return judged


if __name__ == "__main__":
    unittest.main()
