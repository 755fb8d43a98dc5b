"""Every call of KeyVaultManagementClient that is about vaults.

    management.py secret|environment MANAGEMENT_URL SUBSCRIPTION TENANT GROUP VAULT_HOST_SUFFIX
"""
import sys

from azure.mgmt.keyvault import KeyVaultManagementClient

from steps import credential, refused, report, step

MODE, URL, SUBSCRIPTION, TENANT, GROUP, SUFFIX = sys.argv[1:]
CLIENT = KeyVaultManagementClient(credential(MODE), SUBSCRIPTION, base_url=URL, credential_scopes=[URL + "/.default"])
VAULTS = CLIENT.vaults
NAME = f"managed-{MODE}"
SOMEBODY = "11111111-2222-4333-8444-555555555555"
OTHER = "66666666-7777-4888-9999-aaaaaaaaaaaa"


def policy(who, *keys):
    return {"tenantId": TENANT, "objectId": who, "permissions": {"keys": list(keys), "secrets": [], "certificates": []}}


def vault_of(**more):
    return {"location": "eastus", "tags": {"made": "by the client"},
            "properties": {"tenantId": TENANT, "sku": {"family": "A", "name": "premium"},
                           "accessPolicies": [policy(SOMEBODY, "get", "list")], **more}}


def policies_of(vault):
    said = {}
    for entry in vault.properties.access_policies:
        # The member is called otherwise since it hides a method of dictionaries.
        permissions = getattr(entry.permissions, "keys_property", None) or entry.permissions.keys
        said[entry.object_id] = sorted(str(getattr(item, "value", item)).lower() for item in permissions)
    return said


@step("check_name_availability")
def _():
    kind = {"name": NAME, "type": "Microsoft.KeyVault/vaults"}
    assert VAULTS.check_name_availability(kind).name_available
    taken = VAULTS.check_name_availability({**kind, "name": "contoso"})
    assert not taken.name_available and taken.reason == "AlreadyExists" and taken.message
    invalid = VAULTS.check_name_availability({**kind, "name": "1-bad--name"})
    assert not invalid.name_available and invalid.reason == "AccountNameInvalid"


@step("begin_create_or_update")
def _():
    vault = VAULTS.begin_create_or_update(GROUP, NAME, vault_of(softDeleteRetentionInDays=7)).result()
    assert vault.name == NAME and vault.location == "eastus" and vault.tags == {"made": "by the client"}
    assert vault.type == "Microsoft.KeyVault/vaults"
    assert vault.id.lower() == f"/subscriptions/{SUBSCRIPTION}/resourcegroups/{GROUP}/providers/microsoft.keyvault/vaults/{NAME}"
    assert vault.properties.vault_uri.rstrip("/") == f"https://{NAME}{SUFFIX}"
    assert vault.properties.soft_delete_retention_in_days == 7 and vault.properties.enable_soft_delete
    assert vault.properties.sku.name == "premium" and vault.properties.provisioning_state == "Succeeded"
    assert policies_of(vault) == {SOMEBODY: ["get", "list"]}
    assert vault.system_data.created_at is not None
    refused(400, "LocationNotAvailableForResourceType", VAULTS.begin_create_or_update, GROUP, "elsewhere", {**vault_of(), "location": "atlantis"})
    refused(404, "ResourceGroupNotFound", VAULTS.begin_create_or_update, "no-such-group", "lost-vault", vault_of())


@step("get")
def _():
    assert VAULTS.get(GROUP, NAME).properties.tenant_id == TENANT
    refused(404, "ResourceNotFound", VAULTS.get, GROUP, "absent-vault")


@step("list, list_by_resource_group, list_by_subscription")
def _():
    assert NAME in [vault.name for vault in VAULTS.list_by_subscription()]
    assert NAME in [vault.name for vault in VAULTS.list_by_resource_group(GROUP)]
    assert NAME in [vault.name for vault in VAULTS.list_by_resource_group(GROUP, top=1)]
    assert NAME in [resource.name for resource in VAULTS.list()]


@step("update")
def _():
    vault = VAULTS.update(GROUP, NAME, {"tags": {"now": "another"}, "properties": {"enabledForDeployment": True}})
    assert vault.tags == {"now": "another"} and vault.properties.enabled_for_deployment
    assert policies_of(vault) == {SOMEBODY: ["get", "list"]}
    rules = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [{"value": "192.0.2.0/24"}], "virtualNetworkRules": []}
    vault = VAULTS.update(GROUP, NAME, {"properties": {"networkAcls": rules}})
    assert vault.properties.network_acls.default_action == "Deny"
    assert [rule.value for rule in vault.properties.network_acls.ip_rules] == ["192.0.2.0/24"]


@step("update_access_policy")
def _():
    said = VAULTS.update_access_policy(GROUP, NAME, "add", {"properties": {"accessPolicies": [policy(OTHER, "sign"), policy(SOMEBODY, "create")]}})
    assert said.properties.access_policies
    assert policies_of(VAULTS.get(GROUP, NAME)) == {SOMEBODY: ["create", "get", "list"], OTHER: ["sign"]}
    VAULTS.update_access_policy(GROUP, NAME, "remove", {"properties": {"accessPolicies": [policy(SOMEBODY, "create", "get")]}})
    assert policies_of(VAULTS.get(GROUP, NAME))[SOMEBODY] == ["list"]
    VAULTS.update_access_policy(GROUP, NAME, "replace", {"properties": {"accessPolicies": [policy(SOMEBODY, "verify")]}})
    assert policies_of(VAULTS.get(GROUP, NAME))[SOMEBODY] == ["verify"]


@step("delete, get_deleted, list_deleted")
def _():
    VAULTS.delete(GROUP, NAME)
    refused(404, "ResourceNotFound", VAULTS.get, GROUP, NAME)
    deleted = VAULTS.get_deleted(NAME, "eastus")
    assert deleted.name == NAME and deleted.properties.vault_id.lower().endswith(f"/vaults/{NAME}")
    assert (deleted.properties.scheduled_purge_date - deleted.properties.deletion_date).days == 7
    assert NAME in [vault.name for vault in VAULTS.list_deleted()]
    refused(409, "ConflictError", VAULTS.begin_create_or_update, GROUP, NAME, vault_of())


@step("recover")
def _():
    VAULTS.begin_create_or_update(GROUP, NAME, {"location": "eastus", "properties": {
        "createMode": "recover", "tenantId": TENANT, "sku": {"family": "A", "name": "standard"}}}).result()
    vault = VAULTS.get(GROUP, NAME)
    assert vault.properties.sku.name == "premium" and vault.tags == {"now": "another"}
    assert policies_of(vault)[SOMEBODY] == ["verify"]
    assert NAME not in [item.name for item in VAULTS.list_deleted()]


@step("begin_purge_deleted")
def _():
    VAULTS.delete(GROUP, NAME)
    VAULTS.begin_purge_deleted(NAME, "eastus").result()
    assert NAME not in [item.name for item in VAULTS.list_deleted()]
    assert VAULTS.check_name_availability({"name": NAME, "type": "Microsoft.KeyVault/vaults"}).name_available


@step("purge protection")
def _():
    vault = VAULTS.begin_create_or_update(GROUP, f"kept-{MODE}", vault_of(enablePurgeProtection=True)).result()
    assert vault.properties.enable_purge_protection
    VAULTS.delete(GROUP, f"kept-{MODE}")
    refused(405, "MethodNotAllowed", VAULTS.begin_purge_deleted, f"kept-{MODE}", "eastus")


@step("managed HSMs: none")
def _():
    assert not list(CLIENT.managed_hsms.list_by_subscription())


report()
