"""The official clients sign in with a registered certificate instead of a secret."""
import json
import os
import shutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
sys.path.insert(0, HERE)
from clients import JavaScript, Python  # noqa: E402
from test_principals import Robot  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

NO_SECRET = ["env", "-u", "AZURE_CLIENT_SECRET"]
SAID = {"certificate": ["signing"], "chain": ["signing"], "environment": ["signing"]}


class Certificates(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.robot = Robot(cls.world.folder, "robot")
        made = json.loads(cls.world.check("keyquay", "principal", "create", "robot", "--certificate", cls.robot.path,
                                          "--data", cls.world.data, "--json"))
        cls.allow(made["objectId"])
        if cls.world.vault("POST", "contoso", "/keys/signing/create", {"kty": "RSA"}).status != 200:
            raise RuntimeError("no key was made")
        cls.settings = {"AZURE_CLIENT_ID": made["clientId"], "AZURE_CLIENT_CERTIFICATE_PATH": cls.robot.path}

    @classmethod
    def allow(cls, object_id):
        vault = (f"/subscriptions/{cls.world.endpoints['subscriptionId']}/resourceGroups/keyquay/providers/Microsoft.KeyVault"
                 "/vaults/contoso/accessPolicies/add")
        policy = {"tenantId": cls.world.credentials["tenantId"], "objectId": object_id, "permissions": {"keys": ["list", "get"]}}
        answer = cls.world.manage("PUT", vault, {"properties": {"accessPolicies": [policy]}}, version="2023-07-01")
        if answer.status not in (200, 201):
            raise RuntimeError(f"no access policy: {answer}")

    def test_javascript__signs_in_with_certificate(self):
        js = JavaScript(self.world, ["contoso.vault"])
        shutil.copy(os.path.join(HERE, "js", "certificate.mjs"), js.folder)
        command = [*NO_SECRET, js.node, os.path.join(js.folder, "certificate.mjs"), self.world.vault_url("contoso"), self.robot.path]
        self.assertEqual(js.last_line(command, {**self.settings, "NODE_EXTRA_CA_CERTS": self.world.ca}), SAID)

    def test_python__signs_in_with_certificate(self):
        python = Python(self.world, ["contoso.vault"])
        command = [*NO_SECRET, os.path.join(python.folder, "bin", "python"), os.path.join(HERE, "python", "certificate.py"),
                   self.world.vault_url("contoso"), self.robot.path]
        self.assertEqual(python.last_line(command, {**self.settings, "REQUESTS_CA_BUNDLE": self.world.ca}), SAID)


if __name__ == "__main__":
    unittest.main()
