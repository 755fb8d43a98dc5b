"""The official clients sign a person in with a device code; the person is at the page."""
import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, HERE)
from azcli import Az  # noqa: E402
from clients import Python  # noqa: E402
from device_page import DevicePage, make_person  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

PASSPHRASE = "a passphrase of Alice"
CODE = re.compile(r"\b[B-Z]{4}-[B-Z]{4}\b")


class Devices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.alice = make_person(cls.world, "alice", PASSPHRASE, "--operator")
        vault = (f"/subscriptions/{cls.world.endpoints['subscriptionId']}/resourceGroups/keyquay/providers/Microsoft.KeyVault"
                 "/vaults/contoso/accessPolicies/add")
        policy = {"tenantId": cls.world.credentials["tenantId"], "objectId": cls.alice["objectId"],
                  "permissions": {"keys": ["list", "get"]}}
        answer = cls.world.manage("PUT", vault, {"properties": {"accessPolicies": [policy]}}, version="2023-07-01")
        if answer.status not in (200, 201):
            raise RuntimeError(f"no access policy: {answer}")
        if cls.world.vault("POST", "contoso", "/keys/signing/create", {"kty": "RSA"}).status != 200:
            raise RuntimeError("no key was made")

    def sign_in(self, client, command, settings=None):
        """Starts a client, and approves the code that it shows. Returns what it printed."""
        with subprocess.Popen([*client.names.launcher(), *command], env={**client.environment(), **(settings or {})},
                              cwd=self.world.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as running:
            said = ""
            while not CODE.search(said):
                line = running.stderr.readline()
                said += line
                if not line:
                    self.fail(f"no code: {said}{running.stdout.read()}")
            approved = DevicePage(self.world).decide(CODE.search(said).group(), "alice", PASSPHRASE)
            self.assertIn("Approved", approved.raw.decode())
            try:
                out, err = running.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        self.assertEqual(running.returncode, 0, f"{out}{said}{err}")
        return out

    def test_python__device_code_credential(self):
        python = Python(self.world, ["contoso.vault"])
        out = self.sign_in(python, [os.path.join(python.folder, "bin", "python"), os.path.join(HERE, "python", "device.py"),
                                    self.world.vault_url("contoso")], {"REQUESTS_CA_BUNDLE": self.world.ca})
        self.assertEqual(json.loads(out), {"keys": ["signing"], "has_second": True})

    def test_az__login_with_device_code(self):
        az = Az(self.world, ["contoso.vault", "azperson.vault"])
        az("cloud", "register", "-n", "Keyquay", "--cloud-config", "@" + self.world.endpoints["azCloudConfig"])
        az("cloud", "set", "-n", "Keyquay")
        accounts = json.loads(self.sign_in(az, [az.program, "login", "--use-device-code", "--output", "json"]))
        self.assertEqual({account["user"]["name"] for account in accounts}, {"alice"})
        self.assertEqual({account["user"]["type"] for account in accounts}, {"user"})
        self.assertEqual([key["name"] for key in az.key("list", "contoso", None)], ["signing"])
        self.assertIn("keyquay", [group["name"] for group in az("group", "list")])
        # Who makes a vault with policies gets one: az asks who that is.
        made = az("keyvault", "create", "-n", "azperson", "-g", "keyquay", "-l", "eastus", "--enable-rbac-authorization", "false")
        self.assertEqual([entry["objectId"] for entry in made["properties"]["accessPolicies"]], [self.alice["objectId"]])
        self.assertEqual(az.key("list", "azperson", None), [])


if __name__ == "__main__":
    unittest.main()
