"""keyvaultd as something to run: test mode, scheduler, metrics, limits, reload, a clean end."""
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from names import Names  # noqa: E402
from owner_world import BIN  # noqa: E402
from processes import wait_until  # noqa: E402
from snippets import Page, substitutes  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

DAY = 86400
POLICY = {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P30D"}, "action": {"type": "Rotate"}}],
          "attributes": {"expiryTime": "P90D"}}
# RFC 7515 appendix A.3: a P-256 key that everybody knows
CURVE_KEY = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}
SAMPLE = re.compile(r'^([a-z_]+)(\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? ([0-9.]+|\+Inf)$')


class Operated(unittest.TestCase):
    """A world whose service is started by the test, with options in keyvaultd.conf."""

    options = {}
    arguments = ()

    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.stop_service()
        cls.configure(cls.options)
        cls.start_service(*cls.arguments)

    @classmethod
    def configure(cls, options):
        path = os.path.join(cls.world.data, "keyvaultd.conf")
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        section = ""
        for i, line in enumerate(lines):
            if line.startswith("["):
                section = line[1:-1]
            name = line.partition(" = ")[0]
            if (section, name) in options:
                lines[i] = f"{name} = {options[section, name]}"
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    @classmethod
    def stop_service(cls):
        pid = cls.world.pid()
        os.kill(pid, signal.SIGTERM)
        if not wait_until(lambda: not os.path.exists(f"/proc/{pid}")):
            raise AssertionError("keyvaultd does not stop")

    @classmethod
    def start_service(cls, *arguments):
        cls.world.check(os.path.join(BIN, "keyvaultd"), "--data", cls.world.data, "--daemon", *arguments)

    def must(self, answer, status=200):
        self.assertEqual(answer.status, status, answer)
        return answer

    def metrics(self, host="management"):
        answer = self.must(self.world.request("GET", f"https://{self.world.host(host)}:{self.world.port}/metrics", version=None))
        samples = {}
        for line in answer.raw.decode().splitlines():
            if line.startswith("#"):
                self.assertRegex(line, r"^# (HELP|TYPE) keyquay_[a-z_]+ .+$")
                continue
            match = SAMPLE.match(line)
            self.assertTrue(match, line)
            name = match.group(1) + (match.group(2) or "")
            self.assertNotIn(name, samples)
            samples[name] = float(match.group(3))
        return answer, samples


class TestMode(Operated):
    options = {("test", "clock-control"): "yes", ("test", "fault-injection"): "yes", ("housekeeping", "seconds"): "1",
               ("keys", "clear-import"): "no"}
    arguments = ("--test-mode",)

    def setUp(self):
        self.addCleanup(self.move_clock, 0)

    def move_clock(self, offset):
        self.world.tokens = {}
        return self.must(self.world.request("POST", self.world.login_url("/test/clock"), {"offsetSeconds": offset},
                                            version=None)).json

    def fault(self, **order):
        self.must(self.world.request("POST", self.world.login_url("/test/faults"), order, version=None), 204)

    def versions(self, name):
        return self.must(self.world.vault("GET", "contoso", f"/keys/{name}/versions")).json["value"]

    def test_mode__is_shown_everywhere(self):
        answer = self.must(self.world.request("GET", self.world.login_url("/healthz"), version=None))
        self.assertEqual(answer.json, {"status": "ok", "testMode": True})
        self.assertEqual(answer.headers["x-keyquay-test-mode"], "yes")
        refused = self.world.request("GET", self.world.vault_url("contoso", "/keys"))
        self.assertEqual((refused.status, refused.headers["x-keyquay-test-mode"]), (401, "yes"))
        with open(os.path.join(self.world.data, "vault", "keyvaultd.log"), encoding="utf-8") as file:
            self.assertIn('"level":"warning","event":"TEST MODE', file.read())

    def test_clock__rotates_and_sets_expiry(self):
        self.must(self.world.vault("POST", "contoso", "/keys/turning/create", {"kty": "EC-HSM"}))
        self.must(self.world.vault("PUT", "contoso", "/keys/turning/rotationpolicy", POLICY))
        self.assertEqual(len(self.versions("turning")), 1)
        now = self.move_clock(31 * DAY)["now"]
        self.assertTrue(wait_until(lambda: len(self.versions("turning")) == 2))
        newest = self.must(self.world.vault("GET", "contoso", "/keys/turning")).json["attributes"]
        self.assertAlmostEqual(newest["created"], now, delta=15)
        self.assertEqual(newest["exp"], newest["created"] + 90 * DAY)
        time.sleep(2.5)  # two more looks: it is not due again
        self.assertEqual(len(self.versions("turning")), 2)
        self.assertGreaterEqual(self.metrics()[1]["keyquay_keys_rotated_total"], 1)

    def test_clock__purges_keys(self):
        self.must(self.world.vault("POST", "contoso", "/keys/dying/create", {"kty": "EC"}))
        deleted = self.must(self.world.vault("DELETE", "contoso", "/keys/dying")).json
        self.move_clock(deleted["scheduledPurgeDate"] - deleted["deletedDate"] - 60)
        time.sleep(2.5)
        self.must(self.world.vault("GET", "contoso", "/deletedkeys/dying"))
        self.move_clock(deleted["scheduledPurgeDate"] - deleted["deletedDate"] + 60)
        self.assertTrue(wait_until(lambda: self.world.vault("GET", "contoso", "/deletedkeys/dying").status == 404))
        audit = self.world.check("keyquay", "audit", "show", "--folder", self.world.region_folder())
        self.assertRegex(audit, r"vault\.key\.purge .* contoso/dying its scheduled purge date has come")

    def test_clock__expired_and_early_keys_are_refused(self):
        now = self.move_clock(0)["now"]
        self.must(self.world.vault("POST", "contoso", "/keys/timed/create",
                                   {"kty": "EC", "attributes": {"nbf": now + DAY, "exp": now + 2 * DAY}}))
        body = {"alg": "ES256", "value": "A" * 43}
        self.assertEqual(self.world.vault("POST", "contoso", "/keys/timed/sign", body).inner_code, "KeyNotYetValid")
        self.move_clock(DAY + DAY // 2)
        self.must(self.world.vault("POST", "contoso", "/keys/timed/sign", body))
        self.move_clock(3 * DAY)
        self.assertEqual(self.world.vault("POST", "contoso", "/keys/timed/sign", body).inner_code, "KeyExpired")

    def test_clock__old_tokens_are_refused(self):
        token = self.world.token()
        self.must(self.world.request("GET", self.world.vault_url("contoso", "/keys"), token=token))
        self.move_clock(2 * DAY)
        self.assertEqual(self.world.request("GET", self.world.vault_url("contoso", "/keys"), token=token).status, 401)

    def test_clear_import__switched_off__is_refused_by_name(self):
        answer = self.world.vault("PUT", "contoso", "/keys/brought", {"key": CURVE_KEY})
        self.assertEqual((answer.status, answer.error_code), (400, "NotSupported"))
        self.assertIn("switched off", answer.json["error"]["message"])
        self.assertEqual(self.world.vault("GET", "contoso", "/keys/brought").status, 404)

    def test_faults__hit_so_many_requests(self):
        self.fault(match="/keys/none", status=429, count=2)
        statuses = [self.world.vault("GET", "contoso", "/keys/none").status for _ in range(3)]
        self.assertEqual(statuses, [429, 429, 404])
        self.fault(match="/deletedkeys", status=503, count=1, delayMs=700)
        began = time.monotonic()
        self.assertEqual(self.world.vault("GET", "contoso", "/deletedkeys").error_code, "ServiceUnavailable")
        self.assertGreaterEqual(time.monotonic() - began, 0.7)

    def test_term__finishes_what_was_accepted(self):
        """A request that is being answered when the signal comes gets its answer."""
        self.world.token()
        self.fault(match="/deletedkeys", status=0, count=1, delayMs=1500)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.world.vault("GET", "contoso", "/deletedkeys")))
        thread.start()
        time.sleep(0.6)
        self.stop_service()
        thread.join()
        self.start_service(*self.arguments)
        self.assertEqual([answer.status for answer in answers], [200])

    def test_hup__drops_no_request(self):
        self.world.token()
        failures, ended = [], threading.Event()

        def ask():
            while not ended.is_set():
                try:
                    answer = self.world.vault("GET", "contoso", "/keys")
                    if answer.status != 200:
                        failures.append(answer)
                except OSError as error:
                    failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(4):
            os.kill(self.world.pid(), signal.SIGHUP)
            time.sleep(0.3)
        ended.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


def other_address():
    """One of this host that is not loopback, or None. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


class Production(Operated):
    options = {("throttle", "enabled"): "yes"}

    @classmethod
    def configure(cls, options):
        if other_address() and options == cls.options:
            options = {**options, ("server", "listen"):
                       f"127.0.0.1:{cls.world.port}\nlisten = {other_address()}:{cls.world.port}"}
        super().configure(options)

    def keyvaultd(self, *arguments):
        return subprocess.run([os.path.join(BIN, "keyvaultd"), "--data", self.world.data, *arguments],
                              capture_output=True, text=True, timeout=30, check=False)

    def test_test_mode__needs_the_switch(self):
        for option in ("clock-control", "fault-injection"):
            with self.subTest(option):
                self.configure({("test", option): "yes"})
                self.addCleanup(self.configure, {("test", option): "no"})
                for arguments in ((), ("--check",)):
                    done = self.keyvaultd(*arguments)
                    self.assertEqual(done.returncode, 1)
                    self.assertIn("need --test-mode", done.stderr)
                self.assertEqual(self.keyvaultd("--check", "--test-mode").returncode, 0)
                self.configure({("test", option): "no"})
        answer = self.world.request("POST", self.world.login_url("/test/clock"), {"offsetSeconds": 5}, version=None)
        self.assertEqual(answer.status, 404)
        health = self.world.request("GET", self.world.login_url("/healthz"), version=None)
        self.assertEqual(health.json, {"status": "ok"})
        self.assertIsNone(health.headers["x-keyquay-test-mode"])

    def test_metrics__count_what_happens(self):
        self.must(self.world.vault("POST", "contoso", "/keys/counted/create", {"kty": "EC-HSM"}))
        self.must(self.world.vault("POST", "contoso", "/keys/counted/sign", {"alg": "ES256", "value": "A" * 43}))
        answer, before = self.metrics()
        self.assertEqual(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        for _ in range(3):
            self.must(self.world.vault("GET", "contoso", "/keys"))
        self.world.vault("GET", "contoso", "/keys/absent")
        _, after = self.metrics()
        good = 'keyquay_requests_total{host="vault",method="GET",status="2xx"}'
        bad = 'keyquay_requests_total{host="vault",method="GET",status="4xx"}'
        self.assertEqual(after[good] - before.get(good, 0), 3)
        self.assertEqual(after[bad] - before.get(bad, 0), 1)
        self.assertEqual(after["keyquay_request_seconds_count"], after['keyquay_request_seconds_bucket{le="+Inf"}'])
        self.assertGreater(after["keyquay_request_seconds_sum"], before["keyquay_request_seconds_sum"])
        self.assertEqual(after['keyquay_module_up{region="UnitedStates"}'], 1)
        self.assertEqual(after['keyquay_module_up{region="platform"}'], 1)
        self.assertGreaterEqual(after['keyquay_keys_loaded{region="UnitedStates"}'], 1)
        self.assertGreater(after["keyquay_store_bytes"], 4096)
        self.assertGreaterEqual(after["keyquay_http_connections"], 1)
        self.assertGreaterEqual(after["keyquay_housekeeping_passes_total"], 1)
        self.assertEqual(after["keyquay_certificate_end_seconds"], self.certificate_end())
        self.assertEqual(after["keyquay_test_mode"], 0)

    def certificate_end(self):
        connection = self.world.connection(self.world.host("login"))
        try:
            return ssl.cert_time_to_seconds(connection.sock.getpeercert()["notAfter"])
        finally:
            connection.close()

    @unittest.skipUnless(other_address(), "this host has no address but loopback")
    def test_metrics__from_another_address__are_refused(self):
        self.assertEqual(self.ask_from(None, "/metrics", "", other_address(), "management"), 403)
        self.assertEqual(self.ask_from(None, "/healthz", "", other_address(), "management"), 200)
        self.assertEqual(self.ask_from(None, "/metrics", "", "127.0.0.1", "management"), 200)

    def test_metrics__not_on_vaults_and_login(self):
        for url in (self.world.vault_url("contoso", "/metrics"), self.world.login_url("/metrics")):
            self.assertIn(self.world.request("GET", url, version=None).status, (401, 404))

    def test_guide__its_pieces_run(self):
        """docs/guide/operate.md, as its reader types it."""
        names = Names(self.world.folder, self.world.domain, ["management"])
        if not names.available():
            self.skipTest("no mount name space")
        folder = os.path.join(self.world.folder, "reader")
        os.mkdir(folder)
        Page("operate.md", substitutes(self.world)).run(
            lambda command: subprocess.run([*names.launcher(), *command], env=self.world.environment, cwd=folder, text=True,
                                           stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False), folder)

    def test_throttle__creating_in_hardware_ends_at_ten(self):
        statuses = [self.world.vault("POST", "contoso", f"/keys/many{i}/create", {"kty": "EC-HSM"}).status
                    for i in range(24)]
        self.assertIn(429, statuses)
        self.assertIn(statuses.index(429), range(8, 21))  # the ten seconds may turn over once
        answer = self.world.vault("POST", "contoso", "/keys/more/create", {"kty": "EC-HSM"})
        if answer.status == 429:
            self.assertEqual(answer.error_code, "Throttled")
            self.assertNotIn("Retry-After", answer.headers)
        self.must(self.world.vault("GET", "contoso", "/keys"))

    def ask_from(self, address, path, token, to="127.0.0.1", label="contoso.vault"):
        host = f"{label}.{self.world.domain}"
        context = ssl.create_default_context(cafile=self.world.ca)
        raw = socket.create_connection((to, self.world.port), timeout=10, source_address=(address, 0) if address else None)
        with context.wrap_socket(raw, server_hostname=host) as connection:
            connection.sendall((f"GET {path}?api-version=7.4 HTTP/1.1\r\nHost: {host}:{self.world.port}\r\n"
                                f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n").encode())
            return int(connection.recv(4096).split(b" ")[1])


if __name__ == "__main__":
    unittest.main()
