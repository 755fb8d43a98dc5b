"""A person signs in with a device code; keys are listed, and a second resource is asked for with the refresh token.
    device.py VAULT_URL"""
import json
import os
import sys

from azure.identity import DeviceCodeCredential
from azure.keyvault.keys import KeyClient

authority = os.environ["AZURE_AUTHORITY_HOST"]


def show(uri, code, _):
    print(json.dumps({"uri": uri, "code": code}), file=sys.stderr, flush=True)


credential = DeviceCodeCredential(tenant_id=os.environ["AZURE_TENANT_ID"], prompt_callback=show, authority=authority,
                                  disable_instance_discovery=True)
with KeyClient(sys.argv[1], credential) as keys:
    names = [key.name for key in keys.list_properties_of_keys()]
# As the library asks for keys: with other capabilities it would begin another sign-in.
token = credential.get_token(authority.replace("//login.", "//management.") + "/.default", enable_cae=True)
print(json.dumps({"keys": names, "has_second": token.token != ""}))
