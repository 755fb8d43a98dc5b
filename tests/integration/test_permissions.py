"""Who may do what with keys: every permission of access policies and every role, alone, against every route."""
import os
import sys
import unittest
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from vault_world import Answer, VaultWorld  # noqa: E402

VERSION = "0" * 32
# Nothing here is there or well-formed: what is refused is refused before that is looked at, and nothing is changed.
ROUTES = {
    ("GET", "/keys"): "list", ("GET", "/keys/none"): "get", ("GET", f"/keys/none/{VERSION}"): "get",
    ("GET", "/keys/none/versions"): "list", ("GET", "/keys/none/receipt"): "get", ("GET", "/keys/none/attestation"): "get",
    ("POST", "/keys/none/create"): "create", ("PUT", "/keys/none"): "import", ("PATCH", "/keys/none"): "update",
    ("PATCH", f"/keys/none/{VERSION}"): "update", ("DELETE", "/keys/none"): "delete", ("GET", "/deletedkeys"): "list",
    ("GET", "/deletedkeys/none"): "get", ("POST", "/deletedkeys/none/recover"): "recover",
    ("DELETE", "/deletedkeys/none"): "purge", ("POST", "/keys/none/backup"): "backup", ("POST", "/keys/restore"): "restore",
    ("POST", "/keys/none/rotate"): "rotate", ("GET", "/keys/none/rotationpolicy"): "getrotationpolicy",
    ("PUT", "/keys/none/rotationpolicy"): "setrotationpolicy", ("POST", f"/keys/none/{VERSION}/release"): "release",
    ("POST", f"/keys/none/{VERSION}/securewrapkey"): "wrapKey", ("POST", f"/keys/none/{VERSION}/secureunwrapkey"): "unwrapKey",
    **{("POST", f"/keys/none{version}/{name.lower()}"): name for version in ("", "/" + VERSION)
       for name in ("sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey")},
}
EVERY = set(ROUTES.values())
READ = {"get", "list"}
ROLES = {
    "Key Vault Administrator": EVERY,
    "Key Vault Crypto Officer": EVERY,
    "Key Vault Crypto User": READ | {"update", "backup", "encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"},
    "Key Vault Crypto Service Encryption User": READ | {"wrapKey", "unwrapKey"},
    "Key Vault Crypto Service Release User": {"release"},
    "Key Vault Reader": READ | {"getrotationpolicy"},
    "Key Vault Certificate User": READ,
    "Key Vault Certificates Officer": set(), "Key Vault Secrets Officer": set(), "Key Vault Secrets User": set(),
    "Key Vault Purge Operator": set(), "Key Vault Contributor": set(), "Key Vault Data Access Administrator": set(),
    "Owner": set(), "Contributor": set(), "Reader": set(), "User Access Administrator": set(),
}


class Permissions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={"policies": "eastus", "roles": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        made = cls.world.manage("POST", "/keyquay/principals", {"displayName": "somebody"}).json
        cls.object_id = made["objectId"]
        cls.token = cls.world.fetch_token(f"https://vault.{cls.world.domain}:{cls.world.port}", made["clientId"],
                                          made["secret"]["clientSecret"]).json["access_token"]
        cls.subscription = "/subscriptions/" + cls.world.subscriptions[0]
        cls.group = cls.subscription + "/resourceGroups/keyquay/providers/Microsoft.KeyVault/vaults/"

    def must(self, method, path, body=None):
        answer = self.world.manage(method, path, body)
        self.assertIn(answer.status, (200, 201), answer)
        return answer.json

    def opened(self, vault, inner_code):
        """The permissions whose routes, all of them and no others, are not refused to somebody."""
        found = {}
        connection = self.world.connection(self.world.host(vault + ".vault"))
        self.addCleanup(connection.close)
        for (method, path), name in ROUTES.items():
            connection.request(method, path + "?api-version=7.4", None if method == "GET" else b"{}",
                               {"Authorization": "Bearer " + self.token})
            reply = connection.getresponse()
            answer = Answer(reply.status, reply.headers, reply.read())
            self.assertNotIn(answer.status, (401, 500), (path, answer))
            if answer.status == 403:
                self.assertEqual(answer.inner_code, inner_code, (path, answer))
            found.setdefault(name, set()).add(answer.status != 403)
        for name, seen in found.items():
            self.assertEqual(len(seen), 1, name)
        return {name for name, seen in found.items() if True in seen}

    def allow(self, names):
        entry = {"tenantId": self.world.endpoints["tenantId"], "objectId": self.object_id, "permissions": {"keys": names}}
        self.must("PUT", self.group + "policies/accessPolicies/replace", {"properties": {"accessPolicies": [entry]}})

    def test_policies__each_permission_alone__opens_its_routes_and_no_others(self):
        self.assertEqual(len(EVERY), 20)
        self.assertEqual(self.opened("policies", "AccessDenied"), set())
        for name in sorted(EVERY):
            self.allow([name])
            self.assertEqual(self.opened("policies", "AccessDenied"), {name})
        for names in (["all"], ["All", "get"], sorted(EVERY)):
            self.allow(names)
            self.assertEqual(self.opened("policies", "AccessDenied"), EVERY)
        self.allow([])
        self.assertEqual(self.opened("policies", "AccessDenied"), set())

    def test_roles__each_alone__opens_its_routes_and_no_others(self):
        self.must("PATCH", self.group + "roles", {"properties": {"enableRbacAuthorization": True}})
        self.assertEqual(self.opened("roles", "ForbiddenByRbac"), set())
        definitions = self.must("GET", self.subscription + "/providers/Microsoft.Authorization/roleDefinitions")["value"]
        ids = {item["properties"]["roleName"]: item["id"] for item in definitions}
        for name, expected in ROLES.items():
            with self.subTest(name):
                path = f"{self.group}roles/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
                self.must("PUT", path, {"properties": {"roleDefinitionId": ids[name], "principalId": self.object_id}})
                self.assertEqual(self.opened("roles", "ForbiddenByRbac"), expected)
                self.must("DELETE", path)
        self.assertEqual(self.opened("roles", "ForbiddenByRbac"), set())


if __name__ == "__main__":
    unittest.main()
