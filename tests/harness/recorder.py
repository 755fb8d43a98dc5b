"""Stands between the official clients and a vault of the tests, and writes down
what goes by.

It listens on an address of its own under the service's port, with certificates
of its own authority for the same names, so that every address that clients see
stays as it is. Towards the service it verifies the service's own authority.
Requests and answers pass through unchanged.

    with Recorder(world) as recorder:
        ... clients that look names up at recorder.address and trust recorder.ca ...
        for exchange in recorder.exchanges: ...
"""
import http.client
import json
import os
import socketserver
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler

ADDRESS = "127.0.0.2"
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length"}
# What only the two ends may know does not go into the records.
SECRET_HEADERS = {"authorization", "cookie"}


def make_certificates(folder, domain):
    """An authority and a server certificate for the names below the domain."""
    os.makedirs(folder, exist_ok=True)
    paths = {name: os.path.join(folder, name) for name in ("ca.key", "ca.pem", "server.key", "server.csr", "server.pem", "names")}
    with open(paths["names"], "w", encoding="ascii") as out:
        out.write(f"subjectAltName=DNS:{domain},DNS:*.{domain},DNS:*.vault.{domain}\nextendedKeyUsage=serverAuth\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (["req", "-x509", *key, "-keyout", paths["ca.key"], "-out", paths["ca.pem"], "-days", "2",
                     "-subj", "/CN=recorder of the tests"],
                    ["req", *key, "-keyout", paths["server.key"], "-out", paths["server.csr"], "-subj", f"/CN={domain}"],
                    ["x509", "-req", "-in", paths["server.csr"], "-CA", paths["ca.pem"], "-CAkey", paths["ca.key"],
                     "-CAcreateserial", "-days", "2", "-extfile", paths["names"], "-out", paths["server.pem"]]):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return paths


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    upstream = None

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.forward
        raise AttributeError(name)

    def read_body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def ask(self, target, body):
        """One request to the service; a connection that it has closed meanwhile is made anew."""
        has_body = "Content-Length" in self.headers or "Transfer-Encoding" in self.headers
        for is_last in (False, True):
            if self.upstream is None:
                self.upstream = self.server.world.connection(self.headers["Host"].split(":")[0])
            try:
                self.upstream.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        self.upstream.putheader(name, value)
                if has_body:
                    self.upstream.putheader("Content-Length", str(len(body)))
                self.upstream.endheaders(body or None)
                answer = self.upstream.getresponse()
                return answer, answer.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                self.upstream.close()
                self.upstream = None
                if is_last:
                    raise

    def forward(self):
        # Not self.path, in which doubled slashes are gone.
        target = self.requestline.split(" ")[1]
        body = self.read_body()
        answer, content = self.ask(target, body)
        self.server.recorder.write(self, target, body, answer, content)
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        if answer.will_close:
            self.upstream = None

    def finish(self):
        super().finish()
        if self.upstream is not None:
            self.upstream.close()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        raw, address = super().get_request()
        # The handshake is the handler thread's, at its first read.
        return self.context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        self.recorder.broken += 1


class Recorder:
    def __init__(self, world):
        self.address = ADDRESS
        self.world = world
        self.exchanges = []
        self.broken = 0
        self.lock = threading.Lock()
        paths = make_certificates(os.path.join(world.folder, "recorder"), world.domain)
        self.ca = paths["ca.pem"]
        self.file = open(os.path.join(world.folder, "recorder", "exchanges.jsonl"), "w", encoding="utf-8")
        self.server = Server((ADDRESS, world.port), Handler)
        self.server.world, self.server.recorder = world, self
        self.server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.context.load_cert_chain(paths["server.pem"], paths["server.key"])
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.file.close()

    def write(self, handler, target, body, answer, content):
        host = handler.headers["Host"].split(":")[0]
        is_login = host.startswith("login.")
        exchange = {"host": host, "method": handler.command, "target": target,
                    "authorized": "Authorization" in handler.headers, "agent": handler.headers.get("User-Agent", ""),
                    "request": None if is_login else body.decode("utf-8", "replace"),
                    "status": answer.status,
                    "headers": {name.lower(): value for name, value in answer.getheaders()
                                if name.lower() not in SECRET_HEADERS},
                    "answer": None if is_login else content.decode("utf-8", "replace")}
        with self.lock:
            self.exchanges.append(exchange)
            self.file.write(json.dumps(exchange) + "\n")
