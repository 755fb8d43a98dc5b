"""Hostile and merely unlucky clients of the HTTPS server: malformed framing, slow senders, huge bodies, thousands of
idle connections, all while others are served. The server is tests/harness/http_echo.c over src/vault/http."""
import json
import os
import re
import resource
import socket
import ssl
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from http_server import Client, Server  # noqa: E402

NUM_IDLE = 10000
IDLE_MEMORY_KB = 512 * 1024  # of all of them
HUGE = 64 << 20

SECURITY_HEADERS = {
    "cache-control": "no-cache", "pragma": "no-cache", "expires": "-1", "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000;includeSubDomains",
}
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

# What the guard refuses: name, request, status. Each is followed by a second request that must not be answered.
REFUSED = [
    ("no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400),
    ("no header at all", "GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    ("two different hosts", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: b\r\n\r\n", 400),
    ("host with a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    ("host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("host with bad port", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
    ("host empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    ("two different lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\nabc", 400),
    ("length and chunked", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400),
    ("chunked and length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
     400),
    ("two encodings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n", 400),
    ("gzip, chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    ("identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400),
    ("chunked with a tab", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked in 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("space after a name", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 40\r\n\r\n", 400),
    ("tab after a name", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n", 400),
    ("space in a name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", 400),
    ("space before the first name", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    ("empty name", "GET / HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n", 400),
    ("continued line", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
    ("continued line at the end", "GET / HTTP/1.1\r\nX: y\r\nHost: a\r\n \r\n\r\n", 400),
    ("continued length", "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n Content-Length: 40\r\n\r\n", 400),
    ("bare LF after a header", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    ("bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("bare LF everywhere", "GET / HTTP/1.1\nHost: a\n\n", 400),
    ("CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 40\r\n\r\n", 400),
    ("zero byte in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n", 400),
    ("zero byte in the host", "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 400),
    ("zero byte in the target", "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("control character in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400),
    ("two authorizations", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400),
    ("absolute form", "GET https://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("target without slash", "GET keys HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("asterisk", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("escaped slash", "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("escaped zero", "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("escaped zero in the query", "GET /?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("escaped line end", "GET /a%0d%0a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("broken escape", "GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("dot segments", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("escaped dot segments", "GET /a/%2e%2e/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("not UTF-8", "GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("too many segments", "GET " + "/a" * 25 + " HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("too many parameters", "GET /?" + "a&" * 33 + " HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("too many headers", "GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 64 + "\r\n", 431),
    ("known method", "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    ("connect", "CONNECT /a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    ("unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    ("other expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: y\r\nContent-Length: 3\r\n\r\nabc", 417),
    ("length too large", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\nabc", 413),
    ("length far too large", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\nabc", 413),
    ("chunk too large", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" + "x" * 0x10001, 413),
]

# What libmicrohttpd refuses by itself, in words of its own (docs/decisions/0018).
REFUSED_BY_LIBRARY = [
    ("no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
    ("no version", "GET /\r\nHost: a\r\n\r\n"),
    ("HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    ("HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
    ("version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n"),
    ("length with letters", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\nabcde"),
    ("length with sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde"),
    ("length with a list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde"),
    ("length beyond 64 bits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabcde"),
    ("chunk size not hex", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"),
    ("chunk size negative", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n"),
    ("chunk longer than said", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"),
    ("chunk extension beyond its buffer", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + "a" * 100000),
    ("chunk size beyond 64 bits", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + "f" * 17 + "\r\nab"),
    ("target too long", "GET /" + "a" * 30000 + " HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("header too long", "GET / HTTP/1.1\r\nHost: a\r\nX: " + "a" * 30000 + "\r\n\r\n"),
    ("not HTTP", "\x16\x03\x01\x02\r\n\r\n"),
]


def setUpModule():
    Case.server = Server(external=1)
    unittest.addModuleCleanup(Case.server.stop)


class Case(unittest.TestCase):
    server = None

    def new_server(self, **options):
        server = Server(**options)
        self.addCleanup(server.stop)
        return server

    def still_serves(self, server=None):
        answer = (server or self.server).get()
        self.assertEqual(answer.status, 200)
        self.assertEqual(json.loads(answer.body)["segments"], ["echo"])


class Framing(Case):
    def test_malformed_requests_are_refused_and_what_follows_is_not_read(self):
        for name, request, status in REFUSED:
            with self.subTest(name), self.server.client() as client:
                answer = client.ask(request + SMUGGLED)
                self.assertIsNotNone(answer)
                self.assertEqual(answer.status, status, answer)
                error = json.loads(answer.body)["error"]
                self.assertTrue(error["code"] and error["message"], error)
                self.assertEqual(answer.headers["connection"].lower(), "close")
                self.assertTrue(client.is_closed())
        self.still_serves()

    def test_what_the_library_refuses_ends_the_connection(self):
        for name, request in REFUSED_BY_LIBRARY:
            with self.subTest(name), self.server.client() as client:
                client.send(request + SMUGGLED)
                while client.more():
                    pass
                statuses = re.findall(rb"^HTTP/1\.[01] (\d+) ", client.rest, re.M)
                self.assertTrue(all(status >= b"400" for status in statuses), client.rest)
                self.assertNotIn(b"smuggled", client.rest)
        self.still_serves()

    def test_requests_cut_anywhere_are_not_answered(self):
        request = "POST /body?a=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
        for length in range(1, len(request), 7):
            with self.subTest(length), self.server.client() as client:
                client.send(request[:length])
                client.tls.shutdown(socket.SHUT_WR)
                self.assertIsNone(client.answer())
        self.still_serves()

    def test_security_headers_are_on_every_answer(self):
        with self.server.client() as client:
            good = client.ask("GET /echo HTTP/1.1\r\nHost: a\r\nx-ms-client-request-id: my-id_1\r\n\r\n")
            second = client.ask("GET /override HTTP/1.1\r\nHost: a\r\nx-ms-client-request-id: " + "i" * 129 + "\r\n\r\n")
            refused = client.ask("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n")
        for answer in (good, refused):
            for name, value in SECURITY_HEADERS.items():
                self.assertEqual(answer.headers[name], value)
            self.assertRegex(answer.headers["x-ms-request-id"], "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.assertEqual(good.headers["x-ms-client-request-id"], "my-id_1")
        self.assertNotIn("x-ms-client-request-id", second.headers)
        self.assertEqual(second.headers["cache-control"], "max-age=60")
        self.assertNotEqual(good.headers["x-ms-request-id"], second.headers["x-ms-request-id"])

    def test_requests_are_understood_as_sent(self):
        with self.server.client() as client:
            answer = client.ask("PATCH //echo/%C3%BC/?api%2Dversion=7.4&b=a+b HTTP/1.1\r\nHost: A.Vault.Test:8443\r\n"
                                "X-Test: some value\r\nContent-Length: 3\r\n\r\nabc")
        seen = json.loads(answer.body)
        self.assertEqual(seen, {"method": "PATCH", "host": "a.vault.test", "port": 8443, "peer": "127.0.0.1", "body": 3,
                                "target": "//echo/%C3%BC/?api%2Dversion=7.4&b=a+b", "segments": ["echo", "ü"],
                                "parameters": [["api-version", "7.4"], ["b", "a b"]], "test": "some value"})

    def test_http_1_0_is_answered_and_closed(self):
        with self.server.client() as client:
            self.assertEqual(client.ask("GET /echo HTTP/1.0\r\nHost: a\r\n\r\n").status, 200)
            self.assertTrue(client.is_closed())

    def test_head_has_no_body(self):
        with self.server.client() as client:
            client.send("HEAD /big/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = client.answer(to_head=True)
            self.assertEqual((answer.status, answer.headers["content-length"]), (200, "1000"))
            self.assertEqual(client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        with self.server.client() as client:
            client.send("".join(f"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n{i:04}" for i in range(100)))
            self.assertEqual([client.answer().body for _ in range(100)], [b"%04d" % i for i in range(100)])

    def test_chunked_bodies_are_put_together(self):
        chunks = "".join(f"{len(part):x};ext=1\r\n{part}\r\n" for part in ("abc", "d" * 5000, "e"))
        with self.server.client() as client:
            for _ in range(3):
                answer = client.ask("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
                                    + "0\r\nHost: evil\r\nContent-Length: 7\r\n\r\n")
                self.assertEqual(answer.body, b"abc" + b"d" * 5000 + b"e")

    def test_a_body_of_exactly_the_limit_is_taken(self):
        with self.server.client() as client:
            self.assertEqual(client.ask("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n" + "x" * 65536).body,
                             b"x" * 65536)

    def test_large_answers_arrive_whole(self):
        self.assertEqual(self.server.get("/big/8000000").body, b"x" * 8000000)


class Bodies(Case):
    def send_huge(self, head, pack):
        """Sends 64 MiB as far as the server lets it; the answer and how much went out."""
        sent = 0
        with self.server.client() as client:
            client.send(head)
            block = pack(bytes(65536))
            try:
                while sent < HUGE:
                    client.send(block)
                    sent += 65536
            except OSError:
                pass
            return client.answer(), sent

    def test_64_mib_announced_are_refused_before_they_come(self):
        before = self.server.status("VmHWM")
        answer, sent = self.send_huge(f"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: {HUGE}\r\n\r\n", lambda b: b)
        self.assertEqual(answer.status, 413)
        self.assertEqual(json.loads(answer.body)["error"]["code"], "RequestEntityTooLarge")
        self.assertLess(sent, HUGE)
        self.assertLess(self.server.status("VmHWM") - before, 4096)

    def test_64_mib_in_chunks_are_refused_at_the_limit(self):
        before = self.server.status("VmHWM")
        answer, sent = self.send_huge("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                                      lambda b: b"10000\r\n" + b + b"\r\n")
        self.assertEqual(answer.status, 413)
        self.assertLess(sent, HUGE)
        self.assertLess(self.server.status("VmHWM") - before, 4096)

    def test_expectations_are_answered_before_the_body(self):
        head = "POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n"
        with self.server.client() as client:
            self.assertEqual(client.ask(head.format(3)).status, 100)
            self.assertEqual(client.ask("abc").body, b"abc")
            self.assertEqual(client.ask(head.format(65537)).status, 413)

    def test_many_unfinished_bodies_are_bounded_in_sum(self):
        server = self.new_server(max_body=32 << 20, max_connections=100)
        clients = [server.client(timeout=3) for _ in range(4)]
        for client in clients:
            try:
                client.send(f"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: {32 << 20}\r\n\r\n")
                for _ in range(31):
                    client.send(bytes(1 << 20))
            except OSError:
                pass
        answers = []
        for client in clients:
            try:
                answers.append(client.answer().status)
            except TimeoutError:
                answers.append("waits for the rest")
        self.assertEqual(sorted(answers, key=str), [503, 503, 503, "waits for the rest"])
        self.assertLess(server.status("VmHWM"), 192 * 1024)
        for client in clients:
            client.close()
        self.still_serves(server)


    def test_one_address_leaves_room_for_the_bodies_of_others(self):
        server = self.new_server(max_body=4 << 20, max_connections=100)
        head = "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n"
        clients = [server.client() for _ in range(17)]
        for client in clients:
            try:
                client.send(head.format(4 << 20))
                client.send(bytes((4 << 20) - 1))
            except OSError:
                pass
        with server.client(source="127.0.0.2") as other:
            self.assertEqual(other.ask(head.format(3) + "abc").body, b"abc")
        for client in clients:
            client.close()
        self.still_serves(server)


class Slow(Case):
    def setUp(self):
        self.slow = self.new_server(request_ms=800, idle_ms=2000, num_io_threads=1)

    def drip(self, first, piece, num_pieces=40):
        """Sends a piece every 100 ms until the server ends it; the answer, and the seconds it took."""
        started = time.monotonic()
        client = self.slow.client()
        client.tls.settimeout(0.1)
        client.send(first)
        for _ in range(num_pieces):
            try:
                client.send(piece)
                if not client.more():
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        took = time.monotonic() - started
        client.tls.settimeout(5)
        return client.answer(), took

    def served_meanwhile(self, function, *arguments):
        """Runs a slow client while others ask; none of them may wait."""
        result = []
        thread = threading.Thread(target=lambda: result.append(function(*arguments)))
        thread.start()
        slowest = 0
        with self.slow.client() as client:
            while thread.is_alive():
                started = time.monotonic()
                self.assertEqual(client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
                slowest = max(slowest, time.monotonic() - started)
                time.sleep(0.02)
        self.assertLess(slowest, 0.5)
        return result[0]

    def test_slow_headers_end_after_the_time_of_a_request(self):
        answer, took = self.served_meanwhile(self.drip, "GET / HTTP/1.1\r\nHost: a\r\nX: ", "y")
        self.assertLess(took, 2.5)
        self.assertEqual(answer.status, 408)

    def test_a_slow_request_line_ends_too(self):
        answer, took = self.drip("GET /", "y")
        self.assertLess(took, 2.5)
        self.assertEqual(answer.status, 408)

    def test_slow_bodies_end_after_the_time_of_a_request(self):
        answer, took = self.served_meanwhile(self.drip, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", "y")
        self.assertLess(took, 2.5)
        self.assertEqual(answer.status, 408)
        self.assertEqual(json.loads(answer.body)["error"]["code"], "RequestTimeout")

    def test_slow_chunks_end_after_the_time_of_a_request(self):
        answer, took = self.drip("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\ny\r\n")
        self.assertLess(took, 2.5)
        self.assertEqual(answer.status, 408)

    def test_a_handshake_that_does_not_come_ends(self):
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.slow.port), timeout=10) as raw:
            raw.sendall(b"\x16\x03\x01")
            self.assertEqual(raw.recv(100), b"")
        self.assertLess(time.monotonic() - started, 2.5)

    def test_an_idle_connection_lives_for_its_time_and_no_longer(self):
        with self.slow.client() as client:
            time.sleep(1.3)  # longer than a request may take
            self.assertEqual(client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
            time.sleep(1.3)
            self.assertEqual(client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
            started = time.monotonic()
            self.assertTrue(client.is_closed())
            self.assertTrue(1.5 < time.monotonic() - started < 4)

    def test_a_handler_may_take_longer_than_a_request(self):
        self.assertEqual(self.slow.get("/sleep/2500").status, 200)


class Limits(Case):
    def test_more_connections_than_allowed_are_closed(self):
        server = self.new_server(max_connections=5)
        clients = [server.client() for _ in range(5)]
        with self.assertRaises(OSError):
            server.client(timeout=5)
        for client in clients:
            self.assertEqual(client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
            client.close()
        time.sleep(0.3)
        self.still_serves(server)

    def test_one_address_gets_no_more_than_its_share(self):
        server = self.new_server(max_connections=100, max_connections_per_address=3)
        clients = [server.client() for _ in range(3)]
        with self.assertRaises(OSError):
            server.client(timeout=5)
        clients.pop().close()
        time.sleep(0.3)
        self.still_serves(server)

    def test_requests_beyond_the_queue_get_503_and_the_others_an_answer(self):
        server = self.new_server(num_workers=1, max_waiting=2)
        clients = [server.client() for _ in range(6)]
        for client in clients:
            client.send("GET /sleep/600 HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.05)
        answers = [client.answer() for client in clients]
        self.assertEqual([answer.status for answer in answers], [200] * 3 + [503] * 3)
        self.assertEqual(answers[5].headers["retry-after"], "1")
        self.assertEqual(clients[5].ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)

    def shares(self, flood, *others):
        """Three of four threads are kept by as many as ask with flood's headers; the others are served meanwhile."""
        server = self.new_server(num_workers=4)
        clients = [server.client() for _ in range(8)]
        for i, client in enumerate(clients):
            client.send(f"GET /sleep/1500 HTTP/1.1\r\nHost: a\r\n{flood(i)}\r\n")
        time.sleep(0.3)
        for headers in others:
            began = time.monotonic()
            self.assertEqual(server.get("/echo", headers).status, 200)
            self.assertLess(time.monotonic() - began, 1, headers)
        counters = json.loads(server.get("/counters", "X-Known: 99\r\n").body)
        self.assertEqual(counters["waiting"], 5)
        self.assertEqual([client.answer().status for client in clients], [200] * 8)

    def test_known_clients_at_one_address_have_shares_of_their_own(self):
        self.shares(lambda i: "X-Known: 1\r\n", "X-Known: 2\r\n", "X-Proof: 3\r\n", "")

    def test_whoever_is_found_on_a_closer_look_has_the_share_of_that_client(self):
        self.shares(lambda i: "X-Known: 1\r\n" if i % 2 else "X-Proof: 1\r\n", "X-Proof: 2\r\n", "")

    def test_whoever_is_not_known_has_the_share_of_the_address(self):
        self.shares(lambda i: f"X-Proof: 0\r\nX-Claim: {i}\r\n", "X-Known: 2\r\n")

    def test_counters_count(self):
        server = self.new_server()
        server.get()
        with server.client() as client:
            client.ask("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n")
        counters = json.loads(server.get("/counters").body)
        self.assertEqual((counters["requests"], counters["refused"], counters["waiting"]), (3, 1, 0))

    def test_idle_connections_fit_into_memory_and_others_are_served(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        num = min(NUM_IDLE, hard - 200) if hard != resource.RLIM_INFINITY else NUM_IDLE
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, num + 200) if hard == -1 else hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.new_server(max_connections=num + 100, idle_ms=600000, request_ms=600000)
        self.still_serves(server)
        before = server.status("VmRSS")
        context = server.context()
        clients = []
        for i in range(num):
            clients.append(Client(server, context=context))
            if i % 4 == 0:  # some have asked before
                self.assertEqual(clients[-1].ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
        self.assertEqual(json.loads(server.get("/counters").body)["connections"], num + 1)
        used = server.status("VmRSS") - before
        print(f"# {num} idle connections: {used / num:.1f} kB each")
        self.assertLess(used, IDLE_MEMORY_KB * num / NUM_IDLE)
        started = time.monotonic()
        for client in clients[::max(1, num // 100)]:
            self.assertEqual(client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
        self.still_serves(server)
        self.assertLess(time.monotonic() - started, 5)
        for client in clients:
            client.close()


class Tls(Case):
    def handshake(self, minimum, maximum, ciphers=None):
        context = self.server.context()
        context.minimum_version, context.maximum_version = minimum, maximum
        if ciphers:
            context.set_ciphers(ciphers)
        with self.server.client(context=context) as client:
            self.assertEqual(client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
            return client.tls.version(), client.tls.cipher()[0]

    def test_versions_1_2_and_1_3_are_spoken_and_older_ones_are_not(self):
        one_two, one_three = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        self.assertEqual(self.handshake(one_three, one_three)[0], "TLSv1.3")
        self.assertEqual(self.handshake(one_two, one_two)[0], "TLSv1.2")
        import warnings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            with self.assertRaises(OSError):
                self.handshake(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0")

    def test_suites_without_authenticated_encryption_are_refused(self):
        one_two = ssl.TLSVersion.TLSv1_2
        for suites in ("ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-CCM8",
                       "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"):
            with self.subTest(suites), self.assertRaises(OSError):
                self.handshake(one_two, one_two, suites + ":@SECLEVEL=0")

    def test_the_server_chooses_the_suite(self):
        one_two = ssl.TLSVersion.TLSv1_2
        suites = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
        self.assertEqual(self.handshake(one_two, one_two, suites)[1], "ECDHE-ECDSA-AES128-GCM-SHA256")

    def test_sessions_are_resumed_by_ticket(self):
        context = self.server.context()
        with self.server.client(context=context) as client:
            client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
            session = client.tls.session
        with self.server.client(context=context, session=session) as client:
            self.assertEqual(client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)
            self.assertTrue(client.tls.session_reused)

    def test_garbage_instead_of_a_handshake_is_dropped(self):
        for garbage in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", bytes(1000), b"\x16\x03\x01\xff\xff" + bytes(70000), b"\x80\x2e\x01"):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as raw:
                try:
                    raw.sendall(garbage)
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(1000):
                        pass
                except OSError:
                    pass
        self.still_serves()

    def test_a_new_certificate_drops_nobody(self):
        server = self.new_server()
        with server.client() as old:
            first = old.tls.getpeercert()["serialNumber"]
            old.send("GET /sleep/800 HTTP/1.1\r\nHost: a\r\n\r\n")
            server.hang_up()
            with server.client() as new:
                self.assertNotEqual(new.tls.getpeercert()["serialNumber"], first)
            self.assertEqual(old.answer().status, 200)
            self.assertEqual(old.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n").status, 200)


class Stop(Case):
    def test_requests_under_way_are_answered_and_new_ones_are_not_accepted(self):
        server = self.new_server()
        busy, idle = server.client(), server.client()
        busy.send("GET /sleep/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        server.process.terminate()
        time.sleep(0.3)
        with self.assertRaises(OSError):
            server.client(timeout=3)
        answer = busy.answer()
        self.assertEqual((answer.status, answer.headers["connection"].lower()), (200, "close"))
        self.assertTrue(idle.is_closed())
        self.assertEqual(server.stop(), "stopped")
        self.assertEqual(server.process.returncode, 0)

    def test_requests_without_a_worker_are_told_so_at_the_end(self):
        server = self.new_server(num_workers=1)
        clients = [server.client() for _ in range(3)]
        for client in clients:
            client.send("GET /sleep/6000 HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.1)
        server.process.terminate()
        self.assertEqual([client.answer().status for client in clients], [200, 503, 503])
        self.assertEqual(server.stop(), "stopped")

    def test_stopping_under_load_ends_cleanly(self):
        server = self.new_server()
        ended = threading.Event()

        def ask():
            try:
                while not ended.is_set():
                    if server.get().status != 200:
                        return
            except (OSError, AttributeError):
                return

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        server.process.terminate()
        ended.set()
        for thread in threads:
            thread.join()
        self.assertEqual(server.stop(), "stopped")
        self.assertEqual(server.process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
