"""One vault's keys in the making leave threads for everybody else."""
import base64
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


if __name__ == "__main__":
    unittest.main()
