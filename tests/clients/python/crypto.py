"""Every call of CryptographyClient with every algorithm of the vault, each
answer checked by the package `cryptography`.

    crypto.py secret|environment VAULT_URL
"""
import datetime
import hashlib
import sys

from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from steps import credential, refused, report, step

MODE, VAULT_URL = sys.argv[1:]
CREDENTIAL = credential(MODE)
KEYS = KeyClient(VAULT_URL, CREDENTIAL)
TEXT = b"what is signed here"
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(), "P-256K": ec.SECP256K1()}
OAEP = {"RSA-OAEP": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),
        "RSA-OAEP-256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None), "RSA1_5": padding.PKCS1v15()}


def public_of(key):
    if key.key.n:
        return rsa.RSAPublicNumbers(int.from_bytes(key.key.e, "big"), int.from_bytes(key.key.n, "big")).public_key()
    x, y = (int.from_bytes(number, "big") for number in (key.key.x, key.key.y))
    return ec.EllipticCurvePublicNumbers(x, y, CURVES[key.key.crv]).public_key()


def digest_of(algorithm):
    return hashlib.new("sha" + algorithm[2:5], TEXT).digest()


def check_rsa(algorithm, key, signature):
    how = HASHES[algorithm[2:]]
    pads = padding.PKCS1v15() if algorithm.startswith("RS") else padding.PSS(padding.MGF1(how), how.digest_size)
    public_of(key).verify(signature, TEXT, pads, how)


def both_ways(client, other, algorithm, signature):
    """The client verifies by itself where it can; one that knows the id alone asks the service first."""
    digest = digest_of(algorithm)
    changed = bytes([digest[0] ^ 1]) + digest[1:]
    for verifier in (client, other):
        assert verifier.verify(algorithm, digest, signature).is_valid
        assert not verifier.verify(algorithm, changed, signature).is_valid


def rsa_steps(name, hardware):
    key = KEYS.create_rsa_key(f"py-{name}", size=2048, hardware_protected=hardware)
    client = CryptographyClient(key, CREDENTIAL)
    other = CryptographyClient(key.id, CREDENTIAL)
    for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
        @step(f"{name} {algorithm}: sign, verify")
        def _(algorithm=algorithm):
            result = client.sign(algorithm, digest_of(algorithm))
            assert result.key_id == key.id
            check_rsa(algorithm, key, result.signature)
            both_ways(client, other, algorithm, result.signature)
    for algorithm, pads in OAEP.items():
        @step(f"{name} {algorithm}: encrypt, decrypt, wrap_key, unwrap_key")
        def _(algorithm=algorithm, pads=pads):
            assert client.decrypt(algorithm, public_of(key).encrypt(TEXT, pads)).plaintext == TEXT
            assert client.decrypt(algorithm, client.encrypt(algorithm, TEXT).ciphertext).plaintext == TEXT
            assert client.unwrap_key(algorithm, client.wrap_key(algorithm, bytes(32)).encrypted_key).key == bytes(32)


rsa_steps("soft", False)
rsa_steps("hard", True)

for ALGORITHM, CURVE in (("ES256", "P-256"), ("ES384", "P-384"), ("ES512", "P-521"), ("ES256K", "P-256K")):
    for HARDWARE in (False, True):
        @step(f"{'EC-HSM' if HARDWARE else 'EC'} {ALGORITHM}: sign, verify")
        def _(algorithm=ALGORITHM, curve=CURVE, hardware=HARDWARE):
            key = KEYS.create_ec_key(f"py-{algorithm}-{hardware}", curve=curve, hardware_protected=hardware)
            client = CryptographyClient(key, CREDENTIAL)
            signature = client.sign(algorithm, digest_of(algorithm)).signature
            half = len(signature) // 2
            der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
            public_of(key).verify(der, TEXT, ec.ECDSA(HASHES[algorithm[2:5]]))
            both_ways(client, CryptographyClient(key.id, CREDENTIAL), algorithm, signature)


@step("uses of the service itself: encrypt, wrap_key, verify")
def _():
    # A client that may not see the key asks the service for each use; here it sees a key whose list of uses is short.
    key = KEYS.create_rsa_key("py-remote", key_operations=["sign", "decrypt", "unwrapKey"])
    client = CryptographyClient(key, CREDENTIAL)
    signature = client.sign("PS256", digest_of("PS256")).signature
    check_rsa("PS256", key, signature)
    refused(403, "Forbidden", client.encrypt, "RSA-OAEP-256", TEXT)
    refused(403, "Forbidden", client.wrap_key, "RSA-OAEP-256", TEXT)
    refused(403, "Forbidden", client.verify, "PS256", digest_of("PS256"), signature)


@step("times and switches bind per operation")
def _():
    key = KEYS.create_rsa_key("py-bound")
    client = CryptographyClient(key.id, CREDENTIAL)
    cipher = public_of(key).encrypt(TEXT, OAEP["RSA-OAEP-256"])
    KEYS.update_key_properties("py-bound", expires_on=datetime.datetime(2021, 1, 1, tzinfo=datetime.timezone.utc))
    assert client.decrypt("RSA-OAEP-256", cipher).plaintext == TEXT
    KEYS.update_key_properties("py-bound", enabled=False)
    refused(403, "Forbidden", client.decrypt, "RSA-OAEP-256", cipher)
    refused(403, "Forbidden", client.sign, "RS256", bytes(32))


if hasattr(CryptographyClient, "create_rsa_private_key"):
    @step("create_rsa_private_key, create_rsa_public_key")
    def _():
        client = KEYS.get_cryptography_client("py-hard")
        private, public = client.create_rsa_private_key(), client.create_rsa_public_key()
        signature = private.sign(TEXT, padding.PKCS1v15(), hashes.SHA256())
        public.verify(signature, TEXT, padding.PKCS1v15(), hashes.SHA256())
        try:
            public.verify(signature, TEXT + b"!", padding.PKCS1v15(), hashes.SHA256())
            raise AssertionError("a wrong text verified")
        except InvalidSignature:
            pass


report()
