"""A small OpenID Connect issuer on 127.0.0.1: discovery, keys that can be replaced, tokens of any kind.

    with Issuer(folder) as issuer:
        issuer.add_key("one")                    # RSA; or kind="P-256", "P-384"
        token = issuer.token("one", sub="robot", aud="https://...")
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import subprocess
import threading
import time


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def raw_ecdsa(der, size):
    """r || s of a DER signature, each of size bytes."""
    at, numbers = 2 if der[1] < 0x80 else 3, []
    for _ in range(2):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2:at + 2 + length], "big"))
        at += 2 + length
    return b"".join(number.to_bytes(size, "big") for number in numbers)


class Key:
    KINDS = {"RSA": ("RS256", "-sha256", 0), "P-256": ("ES256", "-sha256", 32), "P-384": ("ES384", "-sha384", 48)}

    def __init__(self, folder, kid, kind):
        self.kid, self.kind = kid, kind
        self.alg, self.digest, self.size = self.KINDS[kind]
        self.path = os.path.join(folder, os.urandom(6).hex() + ".key")
        options = ["rsa_keygen_bits:2048"] if kind == "RSA" else [f"ec_paramgen_curve:{kind}"]
        openssl("genpkey", "-algorithm", "RSA" if kind == "RSA" else "EC", "-pkeyopt", options[0], "-out", self.path)
        self.spki = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")

    @property
    def jwk(self):
        if self.kind == "RSA":
            words = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip()
            return {"kty": "RSA", "use": "sig", "kid": self.kid, "n": encode(bytes.fromhex(words.split("=")[1])), "e": "AQAB",
                    "x5c": ["MIIB"]}
        point = self.spki[-2 * self.size:]
        return {"kty": "EC", "crv": self.kind, "alg": self.alg, "kid": self.kid, "x": encode(point[:self.size]),
                "y": encode(point[self.size:])}

    def sign(self, text, alg):
        if alg == "HS256":
            return hmac.new(self.spki, text, hashlib.sha256).digest()
        if alg == "none":
            return b""
        padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if alg == "PS256" else []
        signature = openssl("dgst", self.digest, *padding, "-sign", self.path, data=text)
        return raw_ecdsa(signature, self.size) if self.size else signature


class Issuer:
    def __init__(self, folder, path=""):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.keys = {}
        self.changes = {}    # of the configuration document
        self.answers = {}    # path: (status, headers, body), instead of what is usual
        self.ca = os.path.join(folder, "ca.pem")
        self._make_certificate()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *_: None
        self.host = f"https://localhost:{self.server.server_address[1]}"
        self.path = path
        self.url = self.host + path
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def _make_certificate(self):
        def inside(name):
            return os.path.join(self.folder, name)

        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                inside("ca.key"), "-out", self.ca, "-subj", "/CN=CA of an issuer", "-days", "2")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", inside("server.key"),
                "-out", inside("server.csr"), "-subj", "/CN=localhost")
        with open(inside("names"), "w", encoding="ascii") as names:
            names.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", inside("server.csr"), "-CA", self.ca, "-CAkey", inside("ca.key"),
                "-CAcreateserial", "-days", "2", "-extfile", inside("names"), "-out", inside("server.pem"))

    def _handler(issuer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                status, headers, body = issuer.answer(self.path)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        return Handler

    def answer(self, path):
        if path in self.answers:
            return self.answers[path]
        kind = {"Content-Type": "application/json"}
        if path == self.path.rstrip("/") + "/.well-known/openid-configuration":
            document = {"issuer": self.url, "jwks_uri": self.host + "/keys", **self.changes}
            return 200, kind, json.dumps(document).encode()
        if path == "/keys":
            return 200, kind, json.dumps({"keys": [key.jwk for key in self.keys.values()]}).encode()
        return 404, kind, b"{}"

    def add_key(self, kid, kind="RSA"):
        self.keys[kid] = Key(self.folder, kid, kind)
        return self.keys[kid]

    def token(self, key, alg=None, header=None, **changes):
        """A token signed by a key, which is one of this issuer's by its id, or any. Claims that are None are left out."""
        key = self.keys[key] if isinstance(key, str) else key
        now = int(time.time())
        claims = {"iss": self.url, "sub": "robot", "iat": now, "nbf": now, "exp": now + 600, **changes}
        head = {"alg": alg or key.alg, "typ": "JWT", "kid": key.kid, **(header or {})}
        text = ".".join(encode(json.dumps(part).encode()) for part in
                        (head, {name: value for name, value in claims.items() if value is not None}))
        return text + "." + encode(key.sign(text.encode(), alg or key.alg))
