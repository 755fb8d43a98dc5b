"""The Azure command line as its users start it."""
import copy
import json
import os

from clients import Client


class Az(Client):
    """az with a folder of settings of its own. A failing command raises AssertionError."""

    def __init__(self, world, labels, recorder=None, program=None):
        super().__init__(None if program else "az", world, labels, recorder)
        self.program = program or os.path.join(self.folder, "bin", "az")
        self.configure("azure")

    def configure(self, settings, **more):
        """settings: the folder's name. more: variables of the environment."""
        self.variables = {"AZURE_CONFIG_DIR": os.path.join(self.world.folder, settings), "REQUESTS_CA_BUNDLE": self.ca,
                          "AZURE_CORE_COLLECT_TELEMETRY": "false", **more}
        return self

    def apart(self, settings, **more):
        """The same az with other settings."""
        return copy.copy(self).configure(settings, **more)

    def environment(self):
        """Not the variables that the clients of programs read: az has settings of its own."""
        kept = {name: value for name, value in super().environment().items() if not name.startswith("AZURE_")}
        return {**kept, **self.variables}

    def says(self, *arguments):
        """(exit status, output, complaints)"""
        done = self.start([self.program, *arguments])
        return done.returncode, done.stdout, done.stderr

    def __call__(self, *arguments):
        status, out, err = self.says(*arguments)
        if status != 0:
            raise AssertionError(f"az {' '.join(arguments)}: exit status {status}\n{out}{err}")
        return json.loads(out) if out.strip() else None

    def fails(self, *arguments):
        """What az says of a command that must fail."""
        status, out, err = self.says(*arguments)
        if status == 0:
            raise AssertionError(f"az {' '.join(arguments)} succeeded\n{out}")
        return err

    def key(self, command, vault, name, *arguments):
        return self("keyvault", "key", *command.split(), "--vault-name", vault, *(["-n", name] if name else []), *arguments)

    def key_fails(self, command, vault, name, *arguments):
        return self.fails("keyvault", "key", command, "--vault-name", vault, *(["-n", name] if name else []), *arguments)

    def login(self, secret=None):
        known = self.world.credentials
        return ["login", "--service-principal", "-u", known["clientId"], "-p", secret or known["clientSecret"],
                "--tenant", known["tenantId"]]

    def path(self, name):
        return os.path.join(self.world.folder, name)
