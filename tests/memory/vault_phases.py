"""Promise 1 in the receiving side: keys that travelled into a vault or were sent to it in the clear."""
import hashlib
import os
import subprocess
import tempfile

from planted import files_below, make_pem, search, secret_numbers, write_patterns
from travel import Traveller, base64url
from vault_world import VaultWorld


def number_text(value):
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def clear_jwk(pem):
    """The key as a client sends it in the clear."""
    secret = secret_numbers(pem)
    text = subprocess.run(["openssl", "rsa", "-in", pem, "-noout", "-modulus"], capture_output=True, text=True,
                          check=True).stdout
    names = {"d": "d", "p": "p", "q": "q", "dp": "dP", "dq": "dQ", "qi": "qInv"}
    return {"kty": "RSA", "n": number_text(int(text.strip().split("=")[1], 16)), "e": "AQAB",
            **{member: number_text(secret[name]) for member, name in names.items()}}


def plant_travelling(world, owner, folder):
    """A known key of the owner's goes through the whole journey into the vault."""
    pem = make_pem(folder, "travels.pem")
    patterns = os.path.join(folder, "travelling-patterns")
    write_patterns(secret_numbers(pem), patterns)
    owner.owner.must("generatekey", "--import", "--batch", "simple", f"pemreadfile={pem}", "protect=module",
                     "ident=planted", "plainname=planted")
    owner.keys.add("planted")
    package = owner.package("planted", "NA-1", "Planted")
    must(world.import_package("memory", "travelled", package))
    os.unlink(pem)
    return patterns


def plant_clear(world, folder):
    pem = make_pem(folder, "clear.pem")
    patterns = os.path.join(folder, "clear-patterns")
    write_patterns(secret_numbers(pem), patterns)
    must(world.vault("PUT", "memory", "/keys/clear", {"Hsm": True, "key": clear_jwk(pem)}))
    os.unlink(pem)
    return patterns


def must(answer):
    if answer.status != 200:
        raise AssertionError(answer)
    return answer.json


def use_everywhere(world, name):
    """Each private-key operation of the REST API, once."""
    digest = base64url(hashlib.sha256(b"planted").digest())
    for algorithm in ("RS256", "PS256"):
        must(world.vault("POST", "memory", f"/keys/{name}/sign", {"alg": algorithm, "value": digest}))
    for algorithm in ("RSA-OAEP", "RSA-OAEP-256", "RSA1_5"):
        for there, back in (("encrypt", "decrypt"), ("wrapkey", "unwrapkey")):
            sealed = must(world.vault("POST", "memory", f"/keys/{name}/{there}", {"alg": algorithm, "value": digest}))
            opened = must(world.vault("POST", "memory", f"/keys/{name}/{back}",
                                      {"alg": algorithm, "value": sealed["value"]}))
            if opened["value"] != digest:
                raise AssertionError(f"{algorithm}: {back} gave something else")
    must(world.vault("POST", "memory", f"/keys/{name}/backup"))


def processes(world, region="UnitedStates"):
    """Name -> process id of keyvaultd and of the region's three."""
    found = {"keyvaultd": world.pid()}
    path = os.path.join(world.region_folder(region), "hsm", "supervisor.pid")
    found["supervisor"] = supervisor = int(open(path, encoding="ascii").read().split()[0])
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            name, _, rest = open(f"/proc/{entry}/stat", encoding="ascii", errors="replace").read().rpartition(")")
        except OSError:
            continue
        if int(rest.split()[1]) == supervisor:
            found[name.partition("(")[2]] = int(entry)
    return found


def look(report, phase, patterns, world):
    """In the module, and nowhere else."""
    for name, pid in processes(world).items():
        outcome = search(patterns, [f"pid:{pid}"])[f"pid:{pid}"]
        if name == "hsm-module":
            report.case(outcome is not None and outcome[1] >= 64, f"{phase}: the key is found inside the module",
                        f"hsm-module: {outcome}")
        else:
            report.case(outcome is not None and outcome[1] == 0, f"{phase}: nothing in {name}", f"{name}: {outcome}")
    targets = [f"file:{path}" for path in files_below(world.folder)]
    bad = [f"{target}: {outcome}" for target, outcome in search(patterns, targets).items() if outcome and outcome[1] > 0]
    names = {os.path.basename(target) for target in targets}
    has_all = {"keyvault.db", "keyvault.db-wal", "keyvaultd.log"} <= names
    report.case(not bad and has_all, f"{phase}: nothing in database, log and other files ({len(targets)})",
                "\n".join(bad) or f"not all files are there: {sorted(names)}")


def run(report):
    with tempfile.TemporaryDirectory(prefix="keyquay-planted-") as folder, \
            VaultWorld(regions=("NA",), vaults={"memory": "eastus"}) as world, Traveller(world) as owner:
        for name, patterns in (("travelled", plant_travelling(world, owner, folder)), ("clear", plant_clear(world, folder))):
            use_everywhere(world, name)
            look(report, f"vault, key that was {'sent in the clear' if name == 'clear' else 'transferred'}", patterns, world)
