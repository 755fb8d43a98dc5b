"""A small HTTPS server for tests of HTTPS clients: python3 https_server.py FOLDER [OLD]

Makes a CA (FOLDER/ca.pem) and a certificate for *.vault.test.example and
test.example, prints its port on standard output and serves until standard
input ends. What it answers depends on the path:
  /echo   the request as JSON: method, path, host, authorization, body
  /large  a body of 3 MiB
  /slow   nothing for a long time
  /deny   401 with a challenge and an error envelope
  /token  an access token for client "app" with secret "s&cret=1", else 401
  /wrong  200 and no JSON
  /away   a redirect to /echo
With OLD the server speaks nothing newer than TLS 1.1.
"""

import http.server
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse


def make_certificates(folder):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-subj", "/CN=test CA", "-days", "2")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out",
            "server.csr", "-subj", "/CN=test.example")
    (folder / "names").write_text("subjectAltName=DNS:test.example,DNS:*.vault.test.example\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "server.pem")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, content_type="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        name = self.path.split("?")[0]
        if name == "/large":
            self.reply(200, b"x" * (3 << 20), "text/plain")
        elif name == "/slow":
            time.sleep(30)
        elif name == "/deny":
            self.reply(401, b'{"error":{"code":"Unauthorized","message":"who are you?"}}',
                       WWW_Authenticate='Bearer authorization="https://a/t", resource="https://r"')
        elif name == "/token":
            form = dict(urllib.parse.parse_qsl(body))
            good = form.get("client_id") == "app" and form.get("client_secret") == "s&cret=1"
            if good:
                token = {"access_token": "token for " + form["scope"], "expires_in": "3599", "token_type": "Bearer"}
                self.reply(200, json.dumps(token).encode())
            else:
                self.reply(401, b'{"error":"invalid_client","error_description":"AADSTS7000215: no"}')
        elif name == "/wrong":
            self.reply(200, b"<html>", "text/html")
        elif name == "/away":
            self.reply(302, b"", Location="/echo")
        else:
            seen = {"method": self.command, "path": self.path, "host": self.headers.get("Host"),
                    "authorization": self.headers.get("Authorization"), "body": body,
                    "contentType": self.headers.get("Content-Type")}
            self.reply(200, json.dumps(seen).encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    address_family = socket.AF_INET

    def handle_error(self, *_):
        pass


def main():
    folder = pathlib.Path(sys.argv[1])
    make_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if "OLD" in sys.argv[2:]:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
