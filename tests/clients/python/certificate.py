"""Signs in with a certificate, by name and from the environment alone, and lists keys.
    certificate.py VAULT_URL CERTIFICATE"""
import json
import os
import sys

from azure.identity import CertificateCredential, DefaultAzureCredential
from azure.keyvault.keys import KeyClient

vault, certificate = sys.argv[1:]
authority = os.environ["AZURE_AUTHORITY_HOST"]
found = {}
for chain in (False, True):
    credential = CertificateCredential(os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], certificate,
                                       send_certificate_chain=chain, authority=authority, disable_instance_discovery=True)
    with KeyClient(vault, credential) as keys:
        found["chain" if chain else "certificate"] = [key.name for key in keys.list_properties_of_keys()]
    # A second resource: the library sends the assertion that it has made before.
    credential.get_token(authority.replace("//login.", "//management.") + "/.default")
with KeyClient(vault, DefaultAzureCredential()) as keys:
    found["environment"] = [key.name for key in keys.list_properties_of_keys()]
print(json.dumps(found))
