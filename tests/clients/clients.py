"""Starts the official clients as their users would: environment variables,
the private CA, names that resolve; nothing switched off."""
import json
import os
import subprocess
import unittest

from names import Names

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("KEYQUAY_BUILD", os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"))
FOLDER = os.path.join(BUILD, "clients")


def prepare(part):
    done = subprocess.run([os.path.join(HERE, "prepare"), FOLDER, part], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the client cannot be brought in ({part}):\n{done.stdout}{done.stderr}")
    return os.path.join(FOLDER, part)


class Client:
    """labels: the names below the world's domain that the client will look up."""

    def __init__(self, part, world, labels):
        self.world = world
        self.folder = prepare(part)
        self.names = Names(world.folder, world.domain, ["login", "management", "graph", *labels])
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


class JavaScript(Client):
    def __init__(self, world, labels):
        super().__init__("js", world, labels)
        own = os.path.join(self.folder, "node_modules", "node", "bin", "node")
        self.node = own if os.path.exists(own) else "node"

    def run(self, script, *arguments):
        """Runs a script of tests/clients/js; the last line it prints is JSON."""
        path = os.path.join(self.folder, script)
        with open(os.path.join(HERE, "js", script), encoding="utf-8") as source, open(path, "w", encoding="utf-8") as out:
            out.write(source.read())
        done = self.start([self.node, path, *arguments], {"NODE_EXTRA_CA_CERTS": self.world.ca})
        if done.returncode != 0:
            raise AssertionError(f"{script}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout.strip().splitlines()[-1])
