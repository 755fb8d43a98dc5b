"""Two who change one record at once: neither undoes what the other was told is done."""
import os
import sys
import threading
import unittest
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from vault_world import VaultWorld  # noqa: E402

ROUNDS = 12


class Meanwhile:
    """Somebody else who does the same thing over and over."""

    def __init__(self, act):
        self.act = act
        self.stops = False
        self.count = 0
        self.thread = threading.Thread(target=self.run)
        self.started = threading.Event()

    def run(self):
        while not self.stops:
            self.act()
            self.count += 1
            self.started.set()

    def __enter__(self):
        self.thread.start()
        self.started.wait()
        return self

    def __exit__(self, *_):
        self.stops = True
        self.thread.join()


class ChangesAtOnceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.world.token()
        cls.world.token("management")
        listed = cls.world.manage("GET", f"/subscriptions/{cls.world.endpoints['subscriptionId']}/resources"
                                         "?$filter=resourceType%20eq%20'Microsoft.KeyVault/vaults'"
                                         "&api-version=2021-04-01", version=None)
        cls.resource = listed.json["value"][0]["id"]

    def create(self, name):
        made = self.world.vault("POST", "contoso", f"/keys/{name}/create", {"kty": "EC-HSM", "crv": "P-256"})
        self.assertEqual(made.status, 200, made)

    def arm(self, method, suffix="", body=None):
        return self.world.manage(method, self.resource + suffix, body, version="2023-07-01")

    def test_disable__tags_changed_meanwhile__stays_disabled(self):
        self.create("disabled")

        def tag():
            self.world.vault("PATCH", "contoso", "/keys/disabled", {"tags": {"n": uuid.uuid4().hex}})

        for _ in range(ROUNDS):
            with Meanwhile(tag):
                answer = self.world.vault("PATCH", "contoso", "/keys/disabled", {"attributes": {"enabled": False}})
                self.assertEqual(answer.status, 200, answer)
            self.assertFalse(self.world.vault("GET", "contoso", "/keys/disabled").json["attributes"]["enabled"])
            self.world.vault("PATCH", "contoso", "/keys/disabled", {"attributes": {"enabled": True}})

    def test_delete__rotation_policy_put_meanwhile__stays_deleted(self):
        policy = {"lifetimeActions": [], "attributes": {"expiryTime": "P90D"}}
        for i in range(ROUNDS):
            self.create(f"deleted-{i}")
            with Meanwhile(lambda i=i: self.world.vault("PUT", "contoso", f"/keys/deleted-{i}/rotationpolicy", policy)):
                answer = self.world.vault("DELETE", "contoso", f"/keys/deleted-{i}")
                self.assertEqual(answer.status, 200, answer)
            self.assertEqual(self.world.vault("GET", "contoso", f"/keys/deleted-{i}").status, 404)

    def test_policy_entry_removed__another_added_meanwhile__stays_removed(self):
        tenant = self.world.endpoints["tenantId"]

        def entry(principal):
            return {"properties": {"accessPolicies": [{"tenantId": tenant, "objectId": principal,
                                                       "permissions": {"keys": ["sign"]}}]}}

        other = str(uuid.uuid4())
        for _ in range(ROUNDS):
            leaver = str(uuid.uuid4())
            self.assertEqual(self.arm("PUT", "/accessPolicies/add", entry(leaver)).status, 200)
            with Meanwhile(lambda: self.arm("PUT", "/accessPolicies/replace", entry(other))):
                answer = self.arm("PUT", "/accessPolicies/remove", entry(leaver))
                self.assertEqual(answer.status, 200, answer)
            holders = [item["objectId"] for item in self.arm("GET").json["properties"]["accessPolicies"]]
            self.assertIn(other, holders)
            self.assertNotIn(leaver, holders)


if __name__ == "__main__":
    unittest.main()
