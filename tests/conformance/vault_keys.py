"""A vault with keys that are published, and questions to it over one connection."""
import base64
import hashlib
import http.client
import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from vault_world import Answer, VaultWorld  # noqa: E402

VECTORS = os.environ.get("KEYQUAY_VECTORS") or os.path.join(HERE, "..", "..", "..", "shared", "vectors")
CAVP = os.environ.get("KEYQUAY_CAVP") or "/usr/lib/python3/dist-packages/cryptography_vectors"
VAULT = "conformance"
HASHES = {"256": "sha256", "384": "sha384", "512": "sha512"}


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number_text(number, octets=None):
    return base64url(number.to_bytes(octets or (number.bit_length() + 7) // 8, "big"))


def number_of(text):
    return int.from_bytes(unbase64url(text), "big")


def digest(algorithm, text):
    """What a client of algorithm (RS256 ...) sends for text."""
    return hashlib.new(HASHES[algorithm.rstrip("K")[2:]], text).digest()


def rsa_jwk(n, e, d, p, q):
    """All members from the numbers."""
    numbers = {"n": n, "e": e, "d": d, "p": p, "q": q, "dp": d % (p - 1), "dq": d % (q - 1), "qi": pow(q, -1, p)}
    return {"kty": "RSA", **{name: number_text(number) for name, number in numbers.items()}}


def load_json(name):
    """A published file, or the case is skipped."""
    path = os.path.join(VECTORS, name)
    if not os.path.exists(path):
        raise unittest.SkipTest(f"no vectors at {os.path.normpath(path)} (set KEYQUAY_VECTORS)")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def load_cavp(name):
    path = os.path.join(CAVP, "asymmetric", name)
    if not os.path.exists(path):
        raise unittest.SkipTest(f"no vectors at {path} (Debian's python3-cryptography-vectors, or set KEYQUAY_CAVP)")
    with open(path, encoding="utf-8") as file:
        return file.read()


class VaultCase(unittest.TestCase):
    """One world for a class; keys are imported once each."""

    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={VAULT: "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.connection = cls.world.connection(cls.world.host(VAULT + ".vault"))
        cls.addClassCleanup(lambda: cls.connection.close())
        cls.imported = {}

    def ask(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.world.token(), "Content-Type": "application/json"}
        content = b"" if body is None else json.dumps(body).encode()
        try:
            self.connection.request(method, path + "?api-version=7.4", body=content, headers=headers)
            reply = self.connection.getresponse()
        except (http.client.HTTPException, OSError):  # the server may end an idle connection
            type(self).connection = self.world.connection(self.world.host(VAULT + ".vault"))
            self.connection.request(method, path + "?api-version=7.4", body=content, headers=headers)
            reply = self.connection.getresponse()
        return Answer(reply.status, reply.headers, reply.read())

    def bring(self, jwk, key_ops=None):
        """Imports a key; returns its name in the vault."""
        members = {name: value for name, value in jwk.items()
                   if name in ("kty", "crv", "n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y")}
        mark = hashlib.sha256(json.dumps([members, key_ops], sort_keys=True).encode()).hexdigest()[:24]
        if mark not in self.imported:
            key = {**members, "key_ops": key_ops} if key_ops else members
            answer = self.ask("PUT", f"/keys/k{mark}", {"key": key})
            self.assertEqual(answer.status, 200, answer)
            self.imported[mark] = answer.json["key"]
        return "k" + mark

    def use(self, name, operation, algorithm, value, **more):
        return self.ask("POST", f"/keys/{name}/{operation}", {"alg": algorithm, "value": base64url(value), **more})

    def verifies(self, name, algorithm, hashed, signature):
        answer = self.use(name, "verify", algorithm, signature, digest=base64url(hashed))
        self.assertEqual(answer.status, 200, answer)
        return answer.json["value"]
