"""The control plane over HTTPS: subscriptions, groups, vaults, policies, roles, toolsets, health, the page."""
import hashlib
import io
import os
import re
import sys
import unittest
import uuid
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from vault_world import VaultWorld  # noqa: E402

KEY_VAULT = "/providers/Microsoft.KeyVault"
ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments/"
OBJECT = "11111111-2222-4333-8444-555555555555"


class ControlPlane(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA", "EU"), vaults={"page-vault": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.subscription = "/subscriptions/" + cls.world.subscriptions[0]
        cls.tenant = cls.world.endpoints["tenantId"]

    def manage(self, status, method, path, body=None, **options):
        answer = self.world.manage(method, path, body, **options)
        self.assertEqual(answer.status, status, answer)
        return answer

    def group(self):
        path = f"{self.subscription}/resourcegroups/group-{uuid.uuid4().hex[:8]}"
        self.manage(201, "PUT", path, {"location": "East US"})
        return path

    def body(self, location="eastus2", **properties):
        return {"location": location, "properties": {"tenantId": self.tenant, "sku": {"family": "A", "name": "premium"},
                                                     "accessPolicies": [], **properties}}

    def vault(self, group, **properties):
        path = f"{group}{KEY_VAULT}/vaults/v{uuid.uuid4().hex[:12]}"
        self.manage(200, "PUT", path, self.body(**properties))
        return path

    def test_two_subscriptions_and_one_more(self):
        first = self.manage(200, "GET", "/subscriptions").json["value"]
        self.assertGreaterEqual(len(first), 2)
        self.assertEqual({item["tenantId"] for item in first}, {self.tenant})
        path = "/providers/Microsoft.Subscription/aliases/" + uuid.uuid4().hex
        made = self.manage(201, "PUT", path, {"properties": {"displayName": "Third"}}).json
        identity = made["properties"]["subscriptionId"]
        self.assertEqual(self.manage(200, "GET", "/subscriptions/" + identity).json["displayName"], "Third")
        locations = self.manage(200, "GET", f"/subscriptions/{identity}/locations").json["value"]
        usable = {item["name"] for item in locations if item["metadata"]["regionCategory"] == "Recommended"}
        self.assertIn("westeurope", usable)
        self.assertNotIn("japaneast", usable)
        self.assertEqual(self.manage(200, "GET", "/tenants").json["value"][0]["tenantId"], self.tenant)

    def test_without_a_token_nothing_is_said(self):
        answer = self.world.request("GET", self.world.management_url(self.subscription))
        self.assertEqual(answer.status, 401, answer)

    def test_groups_in_any_case(self):
        path = self.group()
        other = path.replace("resourcegroups", "resourceGroups").replace("group-", "GROUP-")
        self.assertEqual(self.manage(200, "GET", other).json["location"], "eastus")
        self.manage(204, "HEAD", other)
        self.manage(200, "PUT", path, {"location": "eastus", "tags": {"a": "b"}})
        self.manage(409, "PUT", path, {"location": "westus"})
        self.manage(200, "DELETE", path)
        self.manage(404, "HEAD", path)

    def test_life_of_a_vault(self):
        path = self.vault(self.group(), softDeleteRetentionInDays=7)
        vault = self.manage(200, "GET", path).json
        name = vault["name"]
        self.assertEqual(vault["properties"]["vaultUri"], self.world.vault_url(name, "/"))
        self.assertEqual(self.manage(200, "PUT", path, vault).json["properties"], vault["properties"])
        query = f"?$filter=resourceType%20eq%20'Microsoft.KeyVault/vaults'%20and%20name%20eq%20'{name}'"
        listed = self.manage(200, "GET", f"{self.subscription}/resources{query}", version="2015-11-01").json["value"]
        self.assertEqual([item["id"] for item in listed], [path.replace("resourcegroups", "resourceGroups")])
        self.manage(200, "DELETE", path)
        self.manage(404, "GET", path)
        deleted = f"{self.subscription}{KEY_VAULT}/locations/eastus2/deletedVaults/{name}"
        self.assertEqual(self.manage(200, "GET", deleted).json["name"], name)
        recover = self.body(createMode="recover", sku={"family": "A", "name": "standard"})
        self.assertEqual(self.manage(200, "PUT", path, recover).json["properties"], vault["properties"])
        self.manage(200, "DELETE", path)
        self.manage(200, "POST", deleted + "/purge")
        self.manage(404, "GET", deleted)

    def test_a_region_without_a_world_names_its_command(self):
        path = f"{self.group()}{KEY_VAULT}/vaults/v{uuid.uuid4().hex[:12]}"
        answer = self.manage(400, "PUT", path, self.body(location="japaneast"))
        self.assertEqual(answer.error_code, "RegionNotSupported")
        self.assertIn(f"keyquay region create JPN --data {self.world.data}", answer.json["error"]["message"])
        answer = self.manage(400, "PUT", path, self.body(location="atlantis"))
        self.assertEqual(answer.error_code, "LocationNotAvailableForResourceType")

    def test_policies_take_effect_at_once(self):
        path = self.vault(self.group())
        name = path.rsplit("/", 1)[1]
        self.assertEqual(self.world.vault("GET", name, "/keys").status, 403)
        own = self.own_object_id()
        policy = {"properties": {"accessPolicies": [{"tenantId": self.tenant, "objectId": own,
                                                     "permissions": {"keys": ["List"]}}]}}
        self.manage(200, "PUT", path + "/accessPolicies/add", policy)
        self.assertEqual(self.world.vault("GET", name, "/keys").status, 200)
        self.manage(200, "PUT", path + "/accessPolicies/remove", policy)
        self.assertEqual(self.world.vault("GET", name, "/keys").status, 403)

    def test_roles_take_effect_at_once(self):
        path = self.vault(self.group(), enableRbacAuthorization=True)
        name = path.rsplit("/", 1)[1]
        self.assertEqual(self.world.vault("GET", name, "/keys").inner_code, "ForbiddenByRbac")
        found = self.manage(200, "GET", f"{self.subscription}/providers/Microsoft.Authorization/roleDefinitions"
                                        "?$filter=roleName%20eq%20'Key%20Vault%20Crypto%20User'").json["value"]
        assignment = path + ASSIGNMENTS + str(uuid.uuid4())
        self.manage(201, "PUT", assignment, {"properties": {"roleDefinitionId": found[0]["id"],
                                                            "principalId": self.own_object_id()}})
        self.assertEqual(self.world.vault("GET", name, "/keys").status, 200)
        self.manage(200, "DELETE", assignment)
        self.assertEqual(self.world.vault("GET", name, "/keys").status, 403)

    def own_object_id(self):
        import base64
        import json
        part = self.world.token().split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["oid"]

    def test_networks_shut_out_others(self):
        path = self.vault(self.group(), networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]})
        answer = self.world.vault("GET", path.rsplit("/", 1)[1], "/keys")
        self.assertEqual((answer.status, answer.inner_code), (403, "ForbiddenByFirewall"))

    def test_managed_hsms_are_none(self):
        for path in ("/managedHSMs", "/deletedManagedHSMs"):
            self.assertEqual(self.manage(200, "GET", self.subscription + KEY_VAULT + path).json["value"], [])

    def test_health_and_readiness_on_every_host(self):
        for url in (self.world.login_url, self.world.management_url):
            self.assertEqual(self.world.request("GET", url("/healthz"), version=None).json, {"status": "ok"})
            ready = self.world.request("GET", url("/readyz"), version=None)
            self.assertEqual((ready.status, ready.json), (200, {"status": "ready", "away": []}))

    def test_toolsets_are_what_their_sums_say(self):
        listed = self.world.request("GET", self.world.login_url("/toolsets"), version=None).json["value"]
        self.assertEqual({item["name"] for item in listed}, {"UnitedStates", "Europe"})
        for item in listed:
            answer = self.world.request("GET", item["url"], version=None)
            digest = hashlib.sha256(answer.raw).hexdigest()
            self.assertEqual((digest, len(answer.raw)), (item["sha256"], item["size"]))
            self.assertEqual(answer.headers["x-keyquay-sha256"], digest)
            self.assertIn("verifykeypackage.py", " ".join(zipfile.ZipFile(io.BytesIO(answer.raw)).namelist()))
            text = self.world.request("GET", item["url"] + ".sha256", version=None).raw.decode()
            self.assertEqual(text, f"{digest}  {item['toolset']}\n")
        for name in ("..%2f..%2fcredentials.json", "KeyVault-BYOK-Tools-Japan.zip", "ca.pem"):
            self.assertIn(self.world.request("GET", self.world.login_url("/toolsets/" + name), version=None).status,
                          (400, 404))

    def test_the_page_of_a_vault(self):
        answer = self.world.request("GET", self.world.vault_url("page-vault", "/"), version=None)
        page = answer.raw.decode()
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(answer.headers["Content-Type"].startswith("text/html"))
        nonce = re.search(r"'nonce-([0-9a-f]{32})'", answer.headers["Content-Security-Policy"]).group(1)
        self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
        self.assertEqual(page.count(f'nonce="{nonce}"'), 2)
        self.assertNotIn("http://", page)
        region = next(item for item in self.world.endpoints["regions"] if item["name"] == "UnitedStates")
        groups = " ".join(re.findall(".{8}", region["world"]))
        shown = " ".join(re.sub(r"<[^>]*>", "", page).split())
        self.assertIn(groups.lower(), shown.lower())
        self.assertIn(self.world.vault_url("page-vault"), page)
        self.assertIn("az cloud register", page)
        again = self.world.request("GET", self.world.vault_url("page-vault", "/"), version=None)
        self.assertNotIn(nonce, again.headers["Content-Security-Policy"])

    def test_the_authority_is_the_one_we_trust(self):
        answer = self.world.request("GET", self.world.login_url("/ca.pem"), version=None)
        with open(self.world.ca, "rb") as file:
            self.assertEqual(answer.raw, file.read())


if __name__ == "__main__":
    unittest.main()
