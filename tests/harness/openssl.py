"""The other side of a check: what openssl is asked, and the DER it reads."""
import subprocess


def _run(arguments, content):
    return subprocess.run(["openssl", *arguments], input=content, capture_output=True, check=False)


def openssl(*arguments, content=b""):
    """What it prints."""
    done = _run(arguments, content)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout


def openssl_agrees(*arguments, content=b""):
    """Does it end with exit status 0?"""
    return _run(arguments, content).returncode == 0


def der(tag, *parts):
    content = b"".join(parts)
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def der_integer(octets):
    octets = octets.lstrip(b"\0") or b"\0"
    return der(2, (b"\0" if octets[0] & 0x80 else b"") + octets)


def ecdsa_der(signature):
    """r and s side by side, as openssl reads them."""
    half = len(signature) // 2
    return der(0x30, der_integer(signature[:half]), der_integer(signature[half:]))
