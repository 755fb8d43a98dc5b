"""Every call of KeyClient.

    keys.py secret|environment VAULT_URL BYOK_FILE
"""
import datetime
import sys

from azure.keyvault.keys import JsonWebKey, KeyClient, KeyReleasePolicy, KeyRotationLifetimeAction, KeyRotationPolicy, KeyVaultKeyIdentifier
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from steps import credential, refused, report, step

MODE, VAULT_URL, BYOK_FILE = sys.argv[1:]
CLIENT = KeyClient(VAULT_URL, credential(MODE))
RSA_OPS = ["decrypt", "encrypt", "sign", "unwrapKey", "verify", "wrapKey"]
UTC = datetime.timezone.utc


@step("create_key")
def _():
    key = CLIENT.create_key("py-plain", "RSA")
    assert key.key_type == "RSA" and len(key.key.n) == 256 and key.key.e == b"\x01\x00\x01"
    assert sorted(key.key_operations) == RSA_OPS
    assert key.id == f"{VAULT_URL}/keys/py-plain/{key.properties.version}"
    assert key.properties.enabled and key.properties.recoverable_days == 90
    assert key.properties.recovery_level == "Recoverable+Purgeable"
    begin, end = datetime.datetime(2030, 1, 1, tzinfo=UTC), datetime.datetime(2031, 1, 1, tzinfo=UTC)
    full = CLIENT.create_key("py-full", "RSA-HSM", size=2048, key_operations=["sign", "verify"], enabled=False,
                             not_before=begin, expires_on=end, tags={"team": "blue"})
    assert full.key_type == "RSA-HSM" and sorted(full.key_operations) == ["sign", "verify"]
    assert full.properties.enabled is False and full.properties.tags == {"team": "blue"}
    assert (full.properties.not_before, full.properties.expires_on) == (begin, end)


@step("create_rsa_key")
def _():
    assert len(CLIENT.create_rsa_key("py-rsa", size=3072).key.n) == 384
    assert CLIENT.create_rsa_key("py-rsahsm", hardware_protected=True, public_exponent=65537).key_type == "RSA-HSM"
    refused(400, "BadParameter", CLIENT.create_rsa_key, "py-short", size=1024)


@step("create_ec_key")
def _():
    for curve, size in (("P-256", 32), ("P-384", 48), ("P-521", 66), ("P-256K", 32)):
        for hardware in (False, True):
            key = CLIENT.create_ec_key(f"py-{curve}-{hardware}", curve=curve, hardware_protected=hardware)
            assert key.key_type == ("EC-HSM" if hardware else "EC") and key.key.crv == curve
            assert (len(key.key.x), len(key.key.y)) == (size, size)


@step("create_oct_key is refused")
def _():
    refused(400, "BadParameter", CLIENT.create_oct_key, "py-oct", size=256, hardware_protected=True)


@step("get_key")
def _():
    first = CLIENT.get_key("py-plain")
    second = CLIENT.create_rsa_key("py-plain")
    assert first.properties.version != second.properties.version
    assert CLIENT.get_key("py-plain").id == second.id
    assert CLIENT.get_key("py-plain", first.properties.version).id == first.id
    assert KeyVaultKeyIdentifier(first.id).version == first.properties.version
    refused(404, "KeyNotFound", CLIENT.get_key, "absent")
    refused(404, "KeyNotFound", CLIENT.get_key, "py-plain", "0" * 32)


@step("list_properties_of_keys, list_properties_of_key_versions")
def _():
    names = [item.name for item in CLIENT.list_properties_of_keys()]
    assert {"py-plain", "py-full", "py-rsa"} <= set(names) and len(names) == len(set(names))
    paged = [item.name for page in CLIENT.list_properties_of_keys(max_page_size=3).by_page() for item in page]
    assert sorted(paged) == sorted(names)
    versions = list(CLIENT.list_properties_of_key_versions("py-plain", max_page_size=1))
    assert len({item.version for item in versions}) == 2
    assert all(item.id == f"{VAULT_URL}/keys/py-plain/{item.version}" for item in versions)


@step("update_key_properties")
def _():
    expires = datetime.datetime(2033, 3, 3, 3, 3, 3, tzinfo=UTC)
    changed = CLIENT.update_key_properties("py-plain", expires_on=expires, key_operations=["sign"], tags={"a": "1"}, enabled=False)
    assert changed.properties.expires_on == expires and changed.key_operations == ["sign"]
    again = CLIENT.update_key_properties("py-plain", changed.properties.version, enabled=True)
    assert again.properties.enabled and again.properties.tags == {"a": "1"} and again.properties.expires_on == expires
    refused(404, "KeyNotFound", CLIENT.update_key_properties, "absent", enabled=True)


@step("begin_delete_key, get_deleted_key, list_deleted_keys, begin_recover_deleted_key")
def _():
    key = CLIENT.create_ec_key("py-returns", tags={"was": "here"})
    deleted = CLIENT.begin_delete_key("py-returns").result()
    assert deleted.recovery_id == f"{VAULT_URL}/deletedkeys/py-returns"
    assert deleted.scheduled_purge_date - deleted.deleted_date == datetime.timedelta(days=90)
    assert CLIENT.get_deleted_key("py-returns").name == "py-returns"
    assert "py-returns" in [item.name for item in CLIENT.list_deleted_keys()]
    refused(404, "KeyNotFound", CLIENT.get_key, "py-returns")
    refused(409, "Conflict", CLIENT.create_ec_key, "py-returns")
    recovered = CLIENT.begin_recover_deleted_key("py-returns").result()
    assert recovered.id == key.id and CLIENT.get_key("py-returns").properties.tags == {"was": "here"}
    refused(404, "KeyNotFound", CLIENT.get_deleted_key, "py-returns")


@step("backup_key, purge_deleted_key, restore_key_backup")
def _():
    made = [CLIENT.create_ec_key("py-saved").id for _ in range(2)]
    backup = CLIENT.backup_key("py-saved")
    refused(409, "Conflict", CLIENT.restore_key_backup, backup)
    CLIENT.begin_delete_key("py-saved").wait()
    CLIENT.purge_deleted_key("py-saved")
    refused(404, "KeyNotFound", CLIENT.get_deleted_key, "py-saved")
    refused(400, "BadParameter", CLIENT.restore_key_backup, backup[:-40])
    assert CLIENT.restore_key_backup(backup).id == made[1]
    assert sorted(item.id for item in CLIENT.list_properties_of_key_versions("py-saved")) == sorted(made)


@step("rotate_key, get_key_rotation_policy, update_key_rotation_policy")
def _():
    key = CLIENT.create_ec_key("py-turns", hardware_protected=True)
    assert CLIENT.get_key_rotation_policy("py-turns").id == f"{VAULT_URL}/keys/py-turns/rotationpolicy"
    actions = [KeyRotationLifetimeAction("Rotate", time_after_create="P60D"),
               KeyRotationLifetimeAction("Notify", time_before_expiry="P10D")]
    said = CLIENT.update_key_rotation_policy("py-turns", KeyRotationPolicy(), lifetime_actions=actions, expires_in="P90D")
    assert said.expires_in == "P90D" and said.created_on and said.updated_on
    assert sorted(str(getattr(item.action, "value", item.action)).lower() for item in said.lifetime_actions) == ["notify", "rotate"]
    assert CLIENT.get_key_rotation_policy("py-turns").expires_in == "P90D"
    turned = CLIENT.rotate_key("py-turns")
    assert turned.properties.version != key.properties.version and turned.key_type == "EC-HSM" and turned.key.crv == key.key.crv
    assert turned.properties.expires_on - turned.properties.created_on == datetime.timedelta(days=90)
    refused(400, "BadParameter", CLIENT.update_key_rotation_policy, "py-turns", KeyRotationPolicy(), expires_in="P5D", lifetime_actions=[])


def octets(number, size=None):
    return number.to_bytes(size or (number.bit_length() + 7) // 8, "big")


@step("import_key of private numbers")
def _():
    own = rsa.generate_private_key(65537, 2048).private_numbers()
    public = own.public_numbers
    numbers = {"n": octets(public.n), "e": octets(public.e), "d": octets(own.d), "p": octets(own.p), "q": octets(own.q),
               "dp": octets(own.dmp1), "dq": octets(own.dmq1), "qi": octets(own.iqmp)}
    for hardware in (False, True):
        key = CLIENT.import_key(f"py-clear-{hardware}", JsonWebKey(kty="RSA", key_ops=["sign"], **numbers), hardware_protected=hardware)
        assert key.key_type == ("RSA-HSM" if hardware else "RSA") and key.key.n == numbers["n"]
    for curve, name, size in ((ec.SECP256R1(), "P-256", 32), (ec.SECP384R1(), "P-384", 48), (ec.SECP521R1(), "P-521", 66),
                              (ec.SECP256K1(), "P-256K", 32)):
        own = ec.generate_private_key(curve).private_numbers()
        x, y = (octets(number, size) for number in (own.public_numbers.x, own.public_numbers.y))
        key = CLIENT.import_key(f"py-{name}-clear", JsonWebKey(kty="EC", crv=name, x=x, y=y, d=octets(own.private_value, size)))
        assert (key.key.crv, key.key.x, key.key.y) == (name, x, y)


@step("import_key of a transfer package")
def _():
    with open(BYOK_FILE, "rb") as file:
        package = file.read()
    assert CLIENT.import_key(f"py-travelled-{MODE}", JsonWebKey(kty="RSA-HSM", t=package)).key_type == "RSA-HSM"
    refused(400, "BadParameter", CLIENT.import_key, "py-broken", JsonWebKey(kty="RSA-HSM", t=package[:-40]), hardware_protected=True)


@step("calls that vaults do not serve are refused in clear words")
def _():
    refused(400, "NotSupported", CLIENT.get_random_bytes, 8)
    refused(400, "NotSupported", CLIENT.release_key, "py-plain", "e30.e30.")
    refused(400, "NotSupported", CLIENT.create_rsa_key, "py-exportable", hardware_protected=True, exportable=True,
            release_policy=KeyReleasePolicy(b'{"version":"1.0.0","anyOf":[]}'))
    if hasattr(CLIENT, "get_key_attestation"):
        refused(400, "NotSupported", CLIENT.get_key_attestation, "py-plain")


@step("get_cryptography_client")
def _():
    result = CLIENT.get_cryptography_client("py-rsahsm").sign("RS256", bytes(32))
    assert len(result.signature) == 256 and result.key_id.startswith(f"{VAULT_URL}/keys/py-rsahsm/")


report()
