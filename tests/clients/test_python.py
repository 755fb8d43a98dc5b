"""The official clients for Python, unmodified and with default settings: the
current ones in a virtual environment, and those of Debian 12."""
import os
import shutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, HERE)
from clients import Python  # noqa: E402
from recorded import KEY_OPERATIONS, USE_OPERATIONS, Recorded  # noqa: E402
from travel import Traveller  # noqa: E402

MANAGED = ["managed-secret", "managed-environment"]
VAULT = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.KeyVault/vaults/{vaultName}"
DELETED = "/subscriptions/{subscriptionId}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{vaultName}"
VAULT_OPERATIONS = {
    f"PUT {VAULT}", f"PATCH {VAULT}", f"DELETE {VAULT}", f"GET {VAULT}", f"PUT {VAULT}/accessPolicies/{{operationKind}}",
    f"GET {DELETED}", f"POST {DELETED}/purge", "GET /subscriptions/{subscriptionId}/providers/Microsoft.KeyVault/deletedVaults",
    "GET /subscriptions/{subscriptionId}/providers/Microsoft.KeyVault/vaults", "GET /subscriptions/{subscriptionId}/resources",
    "POST /subscriptions/{subscriptionId}/providers/Microsoft.KeyVault/checkNameAvailability"}


class Runs(Recorded):
    part = None

    @classmethod
    def setUpClass(cls):
        if cls is Runs:
            raise unittest.SkipTest("the cases are those of the classes below")
        super().setUpClass()
        cls.python = Python(cls.world, ["contoso.vault"], cls.recorder, cls.part)
        with Traveller(cls.world) as owner:
            cls.package = shutil.copy(owner.package("contosokey", "NA-1", "Travelled"), cls.world.folder)

    def keys(self, mode):
        self.check_steps(self.python.run("keys.py", mode, self.vault_url("contoso"), self.package), 13)

    def uses(self, mode):
        self.check_steps(self.python.run("crypto.py", mode, self.vault_url("contoso")), 28)

    def management(self, mode):
        group = "clients"
        subscription = self.world.endpoints["subscriptionId"]
        made = self.world.manage("PUT", f"/subscriptions/{subscription}/resourcegroups/{group}", {"location": "eastus"},
                                 version="2022-09-01")
        self.assertIn(made.status, (200, 201), made)
        url = self.world.management_url()
        suffix = f".vault.{self.world.domain}:{self.world.port}"
        self.check_steps(self.python.run("management.py", mode, url, subscription, self.world.credentials["tenantId"],
                                         group, suffix), 11)


class CurrentClients(Runs):
    part = "python"

    def test_client_secret__every_key_call__answers(self):
        self.keys("secret")

    def test_client_secret__every_vault_call__answers(self):
        self.management("secret")

    def test_environment_alone__every_algorithm__answers(self):
        self.uses("environment")

    def test_environment_alone__every_vault_call__answers(self):
        self.management("environment")

    def test_tenant_by_its_number__default_verification__answers(self):
        self.check_steps(self.python.run("tenant.py", self.vault_url("contoso"), self.world.credentials["tenantId"]), 1)

    def test_recorded_answers__published_documents__fit(self):
        # Named to run last: it judges what the others recorded.
        self.check_agents("azsdk-python-keyvault-keys/4.11.3", "azsdk-python-mgmt-keyvault/14.1.0")
        self.check_documents(200, KEY_OPERATIONS | USE_OPERATIONS | VAULT_OPERATIONS)


class DebianClients(Runs):
    """Much older: other versions of the API, other shapes asked for."""

    part = "debian"

    def test_client_secret__every_vault_call__answers(self):
        self.management("secret")

    def test_client_secret__every_algorithm__answers(self):
        self.uses("secret")

    def test_environment_alone__every_key_call__answers(self):
        self.keys("environment")

    def test_recorded_answers__published_documents__fit(self):
        # Named to run last: it judges what the others recorded.
        self.check_agents("azsdk-python-keyvault-keys/4.8.0b3", "azsdk-python-azure-mgmt-keyvault/10.1.0")
        self.check_documents(200, KEY_OPERATIONS | USE_OPERATIONS | VAULT_OPERATIONS)


if __name__ == "__main__":
    unittest.main()
