"""Lets programs that are not ours find a test vault's names.

Real clients ask the system's resolver. They are started in a mount name space
of their own in which /etc/hosts holds the vault's names; the machine's own file
stays as it is.
"""
import os
import subprocess

ENTER = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'


def name_space():
    """The command that gives a program a mount name space of its own, or None."""
    for command in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if subprocess.run([*command, "mount", "--bind", "/etc/hosts", "/etc/hosts"], capture_output=True,
                          check=False).returncode == 0:
            return command
    return None


class Names:
    def __init__(self, folder, domain, labels, address="127.0.0.1"):
        self.path = os.path.join(folder, f"hosts-{address}")
        self.command = name_space()
        names = " ".join(f"{label}.{domain}" for label in labels)
        kept = ""  # a container may have no such file, and then no name space either
        if os.path.exists("/etc/hosts"):
            with open("/etc/hosts", encoding="utf-8") as hosts:
                kept = hosts.read()
        with open(self.path, "w", encoding="utf-8") as out:
            out.write(f"{kept}\n{address} {names}\n")
        os.chmod(self.path, 0o644)

    def available(self):
        return self.command is not None

    def launcher(self):
        """Stands before a command."""
        return [*self.command, "sh", "-c", ENTER, "sh", self.path]
