"""What the clients of the control plane rely on, point by point; docs/PARITY-REST.md names the test of each."""
import os
import sys
import unittest
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from vault_world import VaultWorld  # noqa: E402

KEY_VAULT = "/providers/Microsoft.KeyVault"
AUTHORIZATION = "/providers/Microsoft.Authorization"


class ControlParity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        vaults = [vault for one in cls.world.subscriptions
                  for vault in cls.world.manage("GET", f"/subscriptions/{one}{KEY_VAULT}/vaults").json["value"]]
        cls.vault = vaults[0]["id"]
        cls.group = cls.vault.partition("/providers/")[0]
        cls.subscription = cls.vault.partition("/resourceGroups/")[0]

    def must(self, method, path, body=None, status=200, **options):
        answer = self.world.manage(method, path, body, **options)
        self.assertEqual(answer.status, status, answer)
        return answer.json if answer.raw else None

    def refuses(self, answer, status, code, words=""):
        self.assertEqual((answer.status, answer.error_code), (status, code), answer)
        self.assertIn(words, answer.json["error"]["message"])

    def body(self, location="eastus", sku="premium"):
        return {"location": location, "properties": {"tenantId": self.world.endpoints["tenantId"], "accessPolicies": [],
                                                     "sku": {"family": "A", "name": sku}}}

    def test_providers__listed_shown_registered__are_registered(self):
        shown = self.must("GET", f"{self.subscription}{KEY_VAULT}")
        self.assertEqual((shown["namespace"], shown["registrationState"]), ("Microsoft.KeyVault", "Registered"))
        self.assertIn(shown["id"], [item["id"] for item in self.must("GET", f"{self.subscription}/providers")["value"]])
        self.assertEqual(self.must("POST", f"{self.subscription}{KEY_VAULT}/register")["registrationState"], "Registered")
        self.refuses(self.world.manage("GET", f"{self.subscription}/providers/None.Such"), 404, "NotFound")

    def test_operations__of_the_provider__name_their_actions(self):
        listed = {item["name"]: item["isDataAction"] for item in self.must("GET", KEY_VAULT + "/operations")["value"]}
        self.assertIs(listed["Microsoft.KeyVault/vaults/write"], False)

    def test_private_links__of_a_vault__are_none(self):
        for tree in ("privateLinkResources", "privateEndpointConnections"):
            self.assertEqual(self.must("GET", f"{self.vault}/{tree}")["value"], [])
            self.refuses(self.world.manage("GET", f"{self.vault}-2/{tree}"), 404, "ResourceNotFound")

    def test_managed_hsms__everywhere__are_none_and_are_not_made(self):
        for path in (f"{self.subscription}{KEY_VAULT}/managedHSMs", f"{self.group}{KEY_VAULT}/managedHSMs",
                     f"{self.subscription}{KEY_VAULT}/deletedManagedHSMs"):
            self.assertEqual(self.must("GET", path), {"value": []})
        nowhere = f"{self.subscription}/resourceGroups/nowhere{KEY_VAULT}/managedHSMs"
        self.refuses(self.world.manage("GET", nowhere), 404, "ResourceGroupNotFound")
        one = f"{self.group}{KEY_VAULT}/managedHSMs/one"
        self.refuses(self.world.manage("GET", one), 404, "ResourceNotFound")
        self.refuses(self.world.manage("PUT", one, self.body()), 400, "NotSupported", "Managed HSMs are not offered here")
        self.assertIs(self.must("POST", f"{self.subscription}{KEY_VAULT}/checkMhsmNameAvailability",
                                {"name": "one"})["nameAvailable"], True)

    def test_groups__listed_changed_with_their_resources__in_either_case(self):
        self.assertIn(self.group, [item["id"] for item in self.must("GET", self.subscription + "/resourcegroups")["value"]])
        changed = self.must("PATCH", self.group, {"tags": {"a": "b"}})
        self.assertEqual((changed["tags"], changed["location"]), ({"a": "b"}, self.must("GET", self.group)["location"]))
        resources = self.must("GET", self.group.replace("resourceGroups", "resourcegroups") + "/resources")["value"]
        self.assertIn(self.vault, [item["id"] for item in resources])
        self.assertIn(self.vault, [item["id"] for item in self.must("GET", f"{self.group}{KEY_VAULT}/vaults")["value"]])

    def test_deleted_vaults__list__has_the_deleted_and_no_others(self):
        path = f"{self.group}{KEY_VAULT}/vaults/v{uuid.uuid4().hex[:12]}"
        self.must("PUT", path, self.body())
        listed = self.subscription + KEY_VAULT + "/deletedVaults"
        self.assertNotIn(path, [item["properties"]["vaultId"] for item in self.must("GET", listed)["value"]])
        self.must("DELETE", path)
        self.assertIn(path, [item["properties"]["vaultId"] for item in self.must("GET", listed)["value"]])
        self.refuses(self.world.manage("PUT", path, self.body()), 409, "ConflictError", "either recover or purge")
        taken = {"name": path.rpartition("/")[2], "type": "Microsoft.KeyVault/vaults"}
        answer = self.must("POST", f"{self.subscription}{KEY_VAULT}/checkNameAvailability", taken)
        self.assertEqual((answer["nameAvailable"], answer["reason"]), (False, "AlreadyExists"))

    def test_graph__of_an_application__names_it_and_no_person(self):
        client = self.world.credentials["clientId"]
        query = f"?$filter=servicePrincipalNames/any(c:c%20eq%20'{client}')"
        found = self.must("GET", "/v1.0/servicePrincipals" + query)["value"]
        self.assertEqual([item["appId"] for item in found], [client])
        self.refuses(self.world.manage("GET", "/v1.0/servicePrincipals"), 400, "Request_UnsupportedQuery")
        self.refuses(self.world.manage("GET", "/v1.0/me"), 404, "Request_ResourceNotFound")

    def test_graph__more_than_an_application_and_oneself__is_not_there(self):
        for method, path, body in (("GET", "/v1.0/users/ada@example.org", None), ("GET", "/v1.0/users", None),
                                   ("POST", "/v1.0/directoryObjects/getByIds", {"ids": []})):
            self.refuses(self.world.manage(method, path, body), 404, "NotFound")

    def test_keys__through_the_resource_manager__are_not_there(self):
        for method, path, body in (("GET", "/keys", None), ("GET", "/keys/one", None),
                                   ("PUT", "/keys/one", {"properties": {"kty": "EC"}})):
            self.refuses(self.world.manage(method, self.vault + path, body), 404, "NotFound")

    def test_policies__of_an_application_for_somebody__give_nothing(self):
        client = self.world.credentials["clientId"]
        query = f"?$filter=appId%20eq%20'{client}'"
        own = self.must("GET", "/v1.0/servicePrincipals" + query)["value"][0]["id"]
        path = f"{self.group}{KEY_VAULT}/vaults/v{uuid.uuid4().hex[:12]}"
        entry = {"tenantId": self.world.endpoints["tenantId"], "objectId": own, "applicationId": client,
                 "permissions": {"keys": ["list"]}}
        body = self.body()
        body["properties"]["accessPolicies"] = [entry]
        self.assertEqual(self.must("PUT", path, body)["properties"]["accessPolicies"], [entry])
        answer = self.world.vault("GET", path.rpartition("/")[2], "/keys")
        self.assertEqual((answer.status, answer.inner_code), (403, "AccessDenied"))

    def test_sign_in_by_browser__is_refused_in_the_form_of_oauth(self):
        for path in ("/common/oauth2/authorize", "/common/oauth2/v2.0/authorize"):
            answer = self.world.request("GET", self.world.login_url(path), version=None)
            self.assertEqual((answer.status, answer.json["error"]), (400, "unsupported_response_type"))
        url = self.world.login_url("/common/discovery/instance")
        self.assertEqual(self.world.request("GET", url, version="1.1").json["error"], "invalid_instance")

    def test_metadata__in_both_shapes__leads_here(self):
        old = self.world.request("GET", self.world.management_url("/metadata/endpoints"), version="2015-01-01").json
        self.assertIn("login." + self.world.domain, old["authentication"]["loginEndpoint"])
        new = self.world.request("GET", self.world.management_url("/metadata/endpoints"), version="2022-09-01").json
        cloud = new[0] if isinstance(new, list) else new
        self.assertIn("vault." + self.world.domain, cloud["suffixes"]["keyVaultDns"])

    def test_errors__of_what_is_not_there__each_has_its_code(self):
        someone = str(uuid.uuid4())
        for path, code in (("/subscriptions/" + someone, "SubscriptionNotFound"),
                           (self.subscription + "/resourcegroups/none", "ResourceGroupNotFound"),
                           (f"{self.group}{KEY_VAULT}/vaults/none", "ResourceNotFound"),
                           (f"{self.vault}{AUTHORIZATION}/roleAssignments/{someone}", "RoleAssignmentNotFound"),
                           (f"{self.vault}{AUTHORIZATION}/roleDefinitions/{someone}", "RoleDefinitionDoesNotExist"),
                           ("/nowhere", "NotFound")):
            self.refuses(self.world.manage("GET", path), 404, code)
        self.refuses(self.world.manage("DELETE", "/tenants"), 405, "MethodNotAllowed")
        self.refuses(self.world.vault("GET", "nosuch", "/keys"), 404, "VaultNotFound")
        self.refuses(self.world.vault("GET", "contoso", "/nowhere"), 404, "NotFound")

    def test_errors__of_names_and_places__each_has_its_code(self):
        vaults = f"{self.group}{KEY_VAULT}/vaults/"
        for name in ("a--b", "ab", "1abc", "a" * 25, "a_b", "ends-"):
            self.refuses(self.world.manage("PUT", vaults + name, self.body()), 400, "VaultNameNotValid")
        self.refuses(self.world.manage("PUT", self.vault, self.body("westus")), 409, "InvalidResourceLocation")
        self.refuses(self.world.manage("PUT", vaults + "nowhere", self.body("atlantis")), 400,
                     "LocationNotAvailableForResourceType")
        self.refuses(self.world.manage("PUT", vaults + "japan", self.body("japaneast")), 400, "RegionNotSupported")
        other = self.subscription + "/resourcegroups/other"
        self.must("PUT", other, {"location": "eastus"}, status=201)
        self.refuses(self.world.manage("PUT", f"{other}{KEY_VAULT}/vaults/contoso", self.body()), 409, "VaultAlreadyExists")

    def test_errors__of_any_request__version_token_body_size(self):
        self.refuses(self.world.manage("GET", "/tenants", version=None), 400, "MissingApiVersionParameter")
        self.refuses(self.world.request("GET", self.world.management_url("/tenants")), 401, "AuthenticationFailed")
        create = "/keys/n/create"
        self.refuses(self.world.vault("POST", "contoso", create, b"{" + b" " * (5 << 20)), 413, "RequestEntityTooLarge")
        self.refuses(self.world.vault("POST", "contoso", create, b"[1]"), 400, "BadParameter", "a JSON object")
        self.refuses(self.world.vault("POST", "contoso", create, b"{,"), 400, "BadParameter", "line 1, column 2")
        self.refuses(self.world.manage("PUT", self.vault, b"{,"), 400, "BadRequest", "line 1, column 2")
        self.refuses(self.world.manage("PUT", self.vault, b"[1]"), 400, "BadRequest", "a JSON object")

    def test_public__health_toolsets_ca_and_page__want_no_token(self):
        for path, kind in (("/healthz", "application/json"), ("/readyz", "application/json"),
                           ("/toolsets", "application/json"), ("/ca.pem", "application/x-pem-file"), ("/", "text/html")):
            answer = self.world.request("GET", self.world.vault_url("contoso", path), version=None)
            self.assertEqual((answer.status, answer.headers["Content-Type"].partition(";")[0]), (200, kind))


if __name__ == "__main__":
    unittest.main()
