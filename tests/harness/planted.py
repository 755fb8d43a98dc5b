"""Looking for a known key where it must not be: in memory and files.

A planted key is made outside, so that its numbers are known. Every 16-byte
window of its secret numbers, in every form in which programs keep numbers, is
looked for with tests/memory/search.
"""
import base64
import os
import re
import subprocess

from owner_world import BUILD

SEARCH = os.path.join(BUILD, "tests", "memory", "search")
NUMBERS = {"privateExponent": "d", "prime1": "p", "prime2": "q", "exponent1": "dP", "exponent2": "dQ",
           "coefficient": "qInv"}


class Report:
    def __init__(self):
        self.number = 0
        self.num_failed = 0

    def case(self, passed, name, explanation=""):
        self.number += 1
        self.num_failed += not passed
        if not passed:
            for line in explanation.splitlines():
                print("# " + line)
        print(f"{'ok' if passed else 'not ok'} {self.number} - {name}", flush=True)


# ---- the planted key ----------------------------------------------------------

def make_pem(folder, name="planted.pem"):
    path = os.path.join(folder, name)
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], capture_output=True, check=True)
    return path


def secret_numbers(pem):
    """Name -> value of what nobody outside may know, as openssl prints it."""
    text = subprocess.run(["openssl", "rsa", "-in", pem, "-text", "-noout"], capture_output=True, text=True,
                          check=True).stdout
    found = {}
    for name, body in re.findall(r"^(\w+):\n((?:    [0-9a-f:]+\n)+)", text, re.M):
        if name in NUMBERS:
            found[NUMBERS[name]] = int(body.replace(":", "").replace("\n", "").replace(" ", ""), 16)
    return found


def radix_52(value):
    """Digits of 52 bits, each in eight bytes: what vector code keeps."""
    digits = b""
    while value:
        digits += (value & ((1 << 52) - 1)).to_bytes(8, "little")
        value >>= 52
    return digits


def forms(value):
    """Every way in which a number may lie in memory or in a file."""
    size = (value.bit_length() + 7) // 8
    big = value.to_bytes(size, "big")
    yield "big-endian", big
    yield "limbs", value.to_bytes((size + 7) // 8 * 8, "little")
    yield "limbs-big-endian-bytes", b"".join(reversed([big[i:i + 8] for i in range(0, size, 8)]))
    yield "radix-52", radix_52(value)
    yield "hex", big.hex().encode()
    yield "hex-upper", big.hex().upper().encode()
    for shift in range(3):
        text = base64.b64encode(big[shift:])
        yield "base64", text
        yield "base64url", text.replace(b"+", b"-").replace(b"/", b"_")


def write_patterns(numbers, path):
    with open(path, "w", encoding="ascii") as out:
        for name, value in numbers.items():
            for form, data in forms(value):
                out.write(f"{name}/{form} {data.hex()}\n")


# ---- searching ------------------------------------------------------------------

def search(patterns, targets):
    """Target -> (bytes read, windows found, where); None for what could not be read."""
    result = subprocess.run([SEARCH, patterns, *targets], capture_output=True, text=True, check=False)
    found = {}
    for line in result.stdout.splitlines():
        target, rest = line.split(" ", 1)
        fields = rest.split()
        found[target] = None if fields[0] == "unreadable" else (int(fields[0]), int(fields[1]), " ".join(fields[2:]))
    return found


def files_below(folder):
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and " " not in path:
                yield path


def may_read_others():
    """True if another process's memory can be read here."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        with open(f"/proc/{child.pid}/mem", "rb") as memory, open(f"/proc/{child.pid}/maps", encoding="ascii") as maps:
            memory.seek(int(maps.readline().split("-")[0], 16))
            return os.geteuid() == 0 and len(memory.read(16)) == 16
    except OSError:
        return False
    finally:
        child.kill()
        child.wait()
