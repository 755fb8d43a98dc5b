"""A whole key vault in a folder of its own: `keyquay up`, and what tests ask of it.

    with VaultWorld(vaults={"contoso": "eastus"}) as world:
        status, body = world.request("GET", world.vault_url("contoso", "/keys"), token=world.token())

Names below the domain are connected to at 127.0.0.1 whatever the machine's
resolver says.
"""
import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import urllib.parse

from owner_world import BIN, BUILD


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    def __init__(self, status, headers, raw):
        self.status = status
        self.headers = headers
        self.raw = raw

    @property
    def json(self):
        return json.loads(self.raw)

    @property
    def error_code(self):
        return self.json["error"]["code"]

    @property
    def inner_code(self):
        return self.json["error"].get("innererror", {}).get("code")

    def __repr__(self):
        return f"{self.status} {self.raw[:600]!r}"


class VaultWorld:
    """regions: codes; vaults: name -> location, made in the first subscription."""

    def __init__(self, regions=("NA", "EU"), vaults=None, domain="keyquay.test", options=(), start=True, parent=None):
        self.folder = tempfile.mkdtemp(prefix="keyquay-vault-test-", dir=parent)
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.domain = domain
        self.regions = regions
        self.vaults = dict(vaults or {})
        self.options = list(options)
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("KEYQUAY_", "NFAST_", "AZURE_")) and not name.lower().endswith("_proxy")}
        self.environment = {**kept, "NFAST_HOME": BUILD, "XDG_STATE_HOME": os.path.join(self.folder, "state"),
                            "PATH": BIN + os.pathsep + os.environ.get("PATH", "/usr/bin:/bin")}
        self.tokens = {}
        self.endpoints = self.credentials = None
        if start:
            self.up()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- starting and stopping

    def up(self):
        arguments = ["up", "--data", self.data, "--domain", self.domain, "--listen", f"127.0.0.1:{self.port}",
                     "--region", ",".join(self.regions)]
        for name, location in self.vaults.items():
            arguments += ["--vault", f"{name}:{location}"]
        self.check("keyquay", *arguments, *self.options)
        self.endpoints = self.read("endpoints.json")
        self.credentials = self.read("credentials.json")
        self.environment["KEYQUAY_ENDPOINTS"] = os.path.join(self.data, "endpoints.json")
        self.tokens = {}

    def down(self):
        self.run("keyquay", "down", "--data", self.data)

    def read(self, name):
        with open(os.path.join(self.data, name), encoding="utf-8") as file:
            return json.load(file)

    def run(self, *command, **options):
        return subprocess.run(command, env={**self.environment, **options.pop("env", {})}, cwd=self.folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)

    def check(self, *command, **options):
        result = self.run(*command, **options)
        if result.returncode != 0:
            log = os.path.join(self.data, "vault", "keyvaultd.log")
            words = open(log, encoding="utf-8").read()[-3000:] if os.path.exists(log) else ""
            raise RuntimeError(f"{' '.join(command)}: exit status {result.returncode}\n{result.stdout}{result.stderr}\n{words}")
        return result.stdout

    def pid(self):
        with open(os.path.join(self.data, "vault", "keyvaultd.pid"), encoding="ascii") as file:
            return int(file.read())

    def region_folder(self, name="UnitedStates"):
        return os.path.join(self.data, "regions", name)

    # ---- names

    @property
    def ca(self):
        return self.endpoints["ca"]

    def host(self, label):
        return f"{label}.{self.domain}"

    def vault_url(self, vault, path=""):
        return f"https://{vault}.vault.{self.domain}:{self.port}{path}"

    def login_url(self, path=""):
        return f"https://login.{self.domain}:{self.port}{path}"

    def management_url(self, path=""):
        return f"https://management.{self.domain}:{self.port}{path}"

    # ---- requests

    def connection(self, host, source=None):
        """A TLS connection to the service under a name, verified against its CA; from another address than 127.0.0.1."""
        context = ssl.create_default_context(cafile=self.ca)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=source and (source, 0))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body are sent one after the other
        connection = http.client.HTTPSConnection(host, self.port, context=context, timeout=60)
        connection.sock = context.wrap_socket(raw, server_hostname=host)
        return connection

    def request(self, method, url, body=None, token=None, headers=None, version="7.4", source=None):
        """body: something for JSON, or bytes as they are. version None: no api-version."""
        parts = urllib.parse.urlsplit(url)
        target = parts.path or "/"
        query = parts.query
        if version and "api-version" not in query:
            query = (query + "&" if query else "") + "api-version=" + version
        target += "?" + query if query else ""
        fields = {"Accept": "application/json", **(headers or {})}
        if token:
            fields["Authorization"] = "Bearer " + token
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        connection = self.connection(parts.hostname, source)
        try:
            connection.request(method, target, body=body, headers=fields)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def fetch_token(self, resource, client_id=None, secret=None):
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "scope": resource + "/.default",
                                       "client_id": client_id or self.credentials["clientId"],
                                       "client_secret": secret or self.credentials["clientSecret"]}).encode()
        return self.request("POST", self.login_url("/adfs/oauth2/token"), form, version=None,
                            headers={"Content-Type": "application/x-www-form-urlencoded"})

    def token(self, kind="vault"):
        if kind not in self.tokens:
            answer = self.fetch_token(f"https://{kind}.{self.domain}:{self.port}")
            if answer.status != 200:
                raise RuntimeError(f"no token: {answer}")
            self.tokens[kind] = answer.json["access_token"]
        return self.tokens[kind]

    def vault(self, method, vault, path, body=None, **options):
        return self.request(method, self.vault_url(vault, path), body, token=self.token(), **options)

    def manage(self, method, path, body=None, **options):
        return self.request(method, self.management_url(path), body, token=self.token("management"), **options)

    def import_package(self, vault, name, path, kty="RSA-HSM"):
        """PUT of a .byok file as clients send it."""
        with open(path, "rb") as file:
            content = base64.urlsafe_b64encode(file.read()).rstrip(b"=").decode()
        return self.vault("PUT", vault, f"/keys/{name}", {"Hsm": True, "key": {"kty": kty, "key_hsm": content}})

    @property
    def subscriptions(self):
        """The default one first, which holds the vaults of `keyquay up --vault`."""
        found = [item["subscriptionId"] for item in self.manage("GET", "/subscriptions").json["value"]]
        return sorted(found, key=lambda one: one != self.endpoints["subscriptionId"])
