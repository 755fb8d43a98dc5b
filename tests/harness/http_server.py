"""Starts tests/harness/http_echo.c and speaks to it byte by byte over TLS."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

SOURCE = os.environ.get("KEYQUAY_SOURCE", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("KEYQUAY_BUILD", os.path.join(SOURCE, "build"))
PROGRAM = os.environ.get("KEYQUAY_HTTP_ECHO", os.path.join(BUILD, "tests", "harness", "http_echo"))


class Answer:
    """A response: status, headers (names in lower case), body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:200]}"


class Client:
    """A connection. What comes in beyond one answer is kept for the next."""

    def __init__(self, server, context=None, timeout=20, name="localhost", session=None, source="127.0.0.1"):
        self.raw = socket.create_connection(("127.0.0.1", server.port), timeout=timeout, source_address=(source, 0))
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = context or server.context()
        self.tls = context.wrap_socket(self.raw, server_hostname=name, session=session)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.tls.close()

    def send(self, text):
        self.tls.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))

    def more(self):
        try:
            data = self.tls.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            data = b""
        self.rest += data
        return data != b""

    def answer(self, to_head=False):
        """The next answer, None at the end of the connection."""
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                return None
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        status = int(lines[0].split(" ")[1])
        length = 0 if to_head or status in (100, 204) else int(headers.get("content-length", "0"))
        while len(self.rest) < length:
            if not self.more():
                return None
        body, self.rest = self.rest[:length], self.rest[length:]
        return Answer(status, headers, body)

    def ask(self, text):
        self.send(text)
        return self.answer()

    def is_closed(self):
        """True once the server has closed and nothing else came."""
        return self.rest == b"" and not self.more()


class Server:
    def __init__(self, program=PROGRAM, **options):
        self.folder = tempfile.mkdtemp(prefix="keyquay-http-")
        arguments = [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen([program, self.folder, *arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.strip().isdigit():
            raise AssertionError(f"http_echo does not start: {line!r}")
        self.port = int(line)

    def context(self):
        context = ssl.create_default_context(cafile=os.path.join(self.folder, "ca.pem"))
        return context

    def client(self, **options):
        return Client(self, **options)

    def get(self, path="/echo", headers=""):
        with self.client() as client:
            return client.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")

    def status(self, name):
        """A number of /proc/PID/status, in kB where it is memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)

    def stop(self):
        """Ends it gently; returns what it printed last."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            out, _ = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            out = "did not stop"
        shutil.rmtree(self.folder, ignore_errors=True)
        return out.strip()
