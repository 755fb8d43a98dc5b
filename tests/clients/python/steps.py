"""What the scripts share: named steps, and the credential that a mode means."""
import json
import os
import traceback

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential, DefaultAzureCredential

OUTCOMES = {}


def step(name):
    """Runs the function at once. A step fails alone: the others still run."""
    def run(action):
        try:
            action()
            OUTCOMES[name] = "ok"
        except Exception:  # pylint: disable=broad-except
            OUTCOMES[name] = traceback.format_exc()
        return action
    return run


def report():
    print(json.dumps(OUTCOMES))


def credential(mode):
    """"secret": all given in code. "environment": no code at all."""
    if mode == "environment":
        return DefaultAzureCredential()
    return ClientSecretCredential("adfs", os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"],
                                  authority=os.environ["AZURE_AUTHORITY_HOST"])


def refused(status, code, call, *arguments, **options):
    """The service must refuse with this status and code, and say why."""
    try:
        call(*arguments, **options)
    except HttpResponseError as error:
        assert error.status_code == status, f"{error.status_code}: {error}"
        assert f"({code})" in str(error), str(error)
        assert len(str(error)) > 20, f"says only: {error}"
        return
    raise AssertionError(f"{call.__name__} was not refused")
