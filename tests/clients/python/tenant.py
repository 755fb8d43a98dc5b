"""The tenant by its number instead of "adfs": then the client asks the public
cloud which authorities there are, unless it is told not to.

    tenant.py VAULT_URL TENANT
"""
import os
import sys

from azure.identity import ClientSecretCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient

from steps import report, step

VAULT_URL, TENANT = sys.argv[1:]


@step("create and sign")
def _():
    credential = ClientSecretCredential(TENANT, os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"],
                                        authority=os.environ["AZURE_AUTHORITY_HOST"], disable_instance_discovery=True)
    key = KeyClient(VAULT_URL, credential).create_ec_key("py-by-number")
    assert len(CryptographyClient(key, credential).sign("ES256", bytes(32)).signature) == 64


report()
