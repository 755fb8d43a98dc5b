"""Starts the official clients as their users would: environment variables,
the private CA, names that resolve; nothing switched off."""
import json
import os
import shutil
import subprocess
import unittest

from names import Names

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("KEYQUAY_BUILD", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"))
NOT_HERE = 3  # exit status of prepare: not to be had on this system
FOLDER = os.path.join(BUILD, "clients")


def prepare(part):
    done = subprocess.run([os.path.join(HERE, "prepare"), FOLDER, part], capture_output=True, text=True, check=False)
    if done.returncode == NOT_HERE:
        raise unittest.SkipTest(done.stderr.strip())
    if done.returncode != 0:
        raise RuntimeError(f"the client cannot be brought in ({part}):\n{done.stdout}{done.stderr}")
    return os.path.join(FOLDER, part)


class Client:
    """part: what to bring in, or None. labels: the names below the world's domain that the client will look up.
    recorder: what it then talks through."""

    def __init__(self, part, world, labels, recorder=None):
        self.world = world
        self.folder = prepare(part) if part else None
        self.ca = recorder.ca if recorder else world.ca
        self.names = Names(world.folder, world.domain, ["login", "management", "graph", *labels],
                           recorder.address if recorder else "127.0.0.1")
        if not self.names.available():
            raise unittest.SkipTest("no mount name spaces here: the vault's names cannot be made to resolve")

    def environment(self):
        """What a user of the clients sets, and nothing of this machine's own settings for them."""
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("AZURE_", "REQUESTS_", "SSL_", "CURL_", "NODE_", "ARM_"))
                and not name.lower().endswith("_proxy")}
        return {**kept, "HOME": self.world.folder,
                "AZURE_AUTHORITY_HOST": f"https://login.{self.world.domain}:{self.world.port}",
                "AZURE_TENANT_ID": "adfs", "AZURE_CLIENT_ID": self.world.credentials["clientId"],
                "AZURE_CLIENT_SECRET": self.world.credentials["clientSecret"]}

    def start(self, command, extra=None):
        return subprocess.run([*self.names.launcher(), *command], env={**self.environment(), **(extra or {})},
                              cwd=self.world.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=600)

    def last_line(self, command, settings):
        done = self.start(command, settings)
        if done.returncode != 0:
            raise AssertionError(f"{command[1]}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout.strip().splitlines()[-1])


class JavaScript(Client):
    def __init__(self, world, labels, recorder=None):
        super().__init__("js", world, labels, recorder)
        own = os.path.join(self.folder, "node_modules", "node", "bin", "node")
        self.node = own if os.path.exists(own) else "node"

    def run(self, script, *arguments):
        """Runs a script of tests/clients/js; the last line it prints is JSON."""
        # Beside the packages, where Node.js looks for them.
        for name in (script, "steps.mjs"):
            shutil.copy(os.path.join(HERE, "js", name), self.folder)
        return self.last_line([self.node, os.path.join(self.folder, script), *arguments], {"NODE_EXTRA_CA_CERTS": self.ca})


class Python(Client):
    """part: "python" for the current clients, "debian" for those of the system's own distribution."""

    def __init__(self, world, labels, recorder=None, part="python"):
        super().__init__(part, world, labels, recorder)
        self.part = part

    def run(self, script, *arguments):
        """Runs a script of tests/clients/python; the last line it prints is JSON."""
        own = os.path.join(self.folder, "bin", "python")
        settings = {"REQUESTS_CA_BUNDLE": self.ca, "PYTHONDONTWRITEBYTECODE": "1"}
        if self.part == "debian":
            own = "/usr/bin/python3"
            settings["PYTHONPATH"] = os.path.join(self.folder, "usr", "lib", "python3", "dist-packages")
        return self.last_line([own, os.path.join(HERE, "python", script), *arguments], settings)
