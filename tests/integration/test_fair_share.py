"""Nobody takes all threads: neither by keys in the making nor by requests to a module that hangs."""
import base64
import contextlib
import json
import os
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from processes import module_of  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

FLOOD = 32
SOON_S = 10  # a module that hangs keeps a thread for a minute
PATIENCE_S = 20  # the module has one worker for what is quick; the machine may be busy


class Flood:
    """Clients that ask for large keys, all at once."""

    def __init__(self, world):
        self.answers = []
        self.threads = [threading.Thread(target=self.create, args=(world, i)) for i in range(FLOOD)]
        for thread in self.threads:
            thread.start()

    def create(self, world, i):
        self.answers.append(world.vault("POST", "alpha", f"/keys/flood-{i}/create",
                                        {"kty": "RSA-HSM", "key_size": 3072}))

    def join(self):
        for thread in self.threads:
            thread.join()


class FairShareTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"alpha": "eastus", "beta": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.world.token()
        cls.world.token("management")
        made = cls.world.vault("POST", "beta", "/keys/quick/create", {"kty": "EC-HSM", "crv": "P-256"})
        assert made.status == 200, made

    def timed(self, ask):
        began = time.monotonic()
        answer = ask()
        self.assertEqual(answer.status, 200, answer)
        return time.monotonic() - began

    def test_flood_of_large_keys__others_are_served_and_the_rest_is_refused(self):
        digest = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()
        flood = Flood(self.world)
        while not flood.answers and any(thread.is_alive() for thread in flood.threads):
            time.sleep(0.01)  # the first is refused or made: all have come
        health = self.timed(lambda: self.world.request("GET", self.world.login_url("/healthz")))
        sign = self.timed(lambda: self.world.vault("POST", "beta", "/keys/quick/sign",
                                                   {"alg": "ES256", "value": digest}))
        flood.join()
        self.assertLess(health, PATIENCE_S)
        self.assertLess(sign, PATIENCE_S)
        refused = [answer for answer in flood.answers if answer.status == 429]
        self.assertEqual(len(flood.answers), FLOOD)
        self.assertTrue(refused)
        self.assertEqual({answer.status for answer in flood.answers}, {200, 429})
        self.assertTrue(all(answer.headers["Retry-After"] == "2" for answer in refused))
        self.assertEqual(refused[0].error_code, "Throttled")
        again = self.world.vault("POST", "alpha", "/keys/after/create", {"kty": "EC-HSM", "crv": "P-256"})
        self.assertEqual(again.status, 200, again)

    def test_readiness_asked_by_many__module_hangs__others_are_served(self):
        ask = lambda: self.world.request("GET", self.world.login_url("/readyz"))  # noqa: E731
        self.assertEqual(ask().status, 200)
        module = module_of(self.world)
        os.kill(module, signal.SIGSTOP)
        try:
            threads = [threading.Thread(target=ask) for _ in range(8 * FLOOD)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            health = self.timed(lambda: self.world.request("GET", self.world.login_url("/healthz")))
            for thread in threads:
                thread.join()
            answer = ask()
        finally:
            os.kill(module, signal.SIGCONT)
        self.assertLess(health, 4)  # a look at a module that hangs takes a second; sixteen threads look at once
        self.assertEqual(answer.status, 503)
        self.assertEqual([away["part"] for away in answer.json["away"]], ["module"])
        self.assertEqual(ask().status, 200)


class Principals(unittest.TestCase):
    """One asks for signatures of a module that hangs, as often as it can; another wants what needs no module."""

    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"alpha": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        made = cls.world.vault("POST", "alpha", "/keys/slow/create", {"kty": "EC-HSM", "crv": "P-256"})
        assert made.status == 200, made
        cls.other = json.loads(cls.world.check("keyquay", "principal", "create", "other", "--days", "2", "--data",
                                               cls.world.data, "--json"))

    def others_token(self):
        """A new one, which has not been used."""
        answer = self.world.fetch_token(f"https://vault.{self.world.domain}:{self.world.port}", self.other["clientId"],
                                        self.other["secret"]["clientSecret"])
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def operators_token(self):
        answer = self.world.fetch_token(f"https://vault.{self.world.domain}:{self.world.port}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def list_keys(self, token, **options):
        """That the other has no right to see them needs the same thread."""
        began = time.monotonic()
        answer = self.world.request("GET", self.world.vault_url("alpha", "/keys"), token=token, **options)
        self.assertIn(answer.status, (200, 403), answer)
        return time.monotonic() - began

    @contextlib.contextmanager
    def flood(self, tokens, sources):
        """Signatures that do not come, one for each token and source."""
        body = {"alg": "ES256", "value": base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()}
        answers = []

        def sign(token, source):
            with contextlib.suppress(TimeoutError):  # then its answer is missing
                answers.append(self.world.request("POST", self.world.vault_url("alpha", "/keys/slow/sign"), body,
                                                  token=token, source=source))

        module = module_of(self.world)
        os.kill(module, signal.SIGSTOP)
        threads = [threading.Thread(target=sign, args=pair) for pair in zip(tokens, sources)]
        try:
            for thread in threads:
                thread.start()
            time.sleep(1)
            self.assertEqual(answers, [])
            yield
            self.assertEqual(answers, [])  # they held their threads all the time
        finally:
            os.kill(module, signal.SIGCONT)
            for thread in threads:
                thread.join()
        self.assertEqual(len(answers), len(threads))

    def test_one_floods__another_at_the_same_address_is_served(self):
        used, fresh = self.others_token(), self.others_token()
        self.list_keys(used)
        with self.flood([self.world.token()] * 3 * FLOOD, ["127.0.0.1"] * 3 * FLOOD):
            self.assertLess(self.list_keys(used), SOON_S)
            self.assertLess(self.list_keys(fresh), SOON_S)

    def test_one_floods_from_many_addresses__is_one_client(self):
        token = self.others_token()
        with self.flood([self.world.token()] * 2 * FLOOD, [f"127.0.1.{i + 1}" for i in range(2 * FLOOD)]):
            self.assertLess(self.list_keys(token), SOON_S)
            self.assertLess(self.list_keys(token, source="127.0.1.1"), SOON_S)

    def test_one_floods_with_a_new_token_each_time__is_one_client(self):
        token = self.others_token()
        tokens = [self.operators_token() for _ in range(FLOOD)] + [self.world.token()] * FLOOD
        with self.flood(tokens, [f"127.0.2.{i + 1}" for i in range(2 * FLOOD)]):
            self.assertLess(self.list_keys(token), SOON_S)
        with self.flood(tokens[FLOOD:] + [self.operators_token() for _ in range(FLOOD)], ["127.0.0.1"] * 2 * FLOOD):
            self.assertLess(self.list_keys(token), SOON_S)


if __name__ == "__main__":
    unittest.main()
