"""Bench lines of the whole vault over HTTPS: what a client gets, and what it costs the host.

The load comes from wrk (Debian package of that name; `dev/install-dependencies
bench`). CPU time is that of keyvaultd and of the modules together; audit is on,
as always. Latencies count from the first request on, when all clients shake
hands at once: with 256 of them that is what p99 of a short run shows.
https-import sends packages that an owner made for as many names, one after the
other on one connection.
"""
import base64
import json
import os
import shutil
import subprocess
import time

from owner_world import cpu_seconds
from travel import Traveller, base64url
from vault_world import VaultWorld

CONNECTIONS = (1, 16, 64, 256)
# name: what create is asked for, algorithm, digest length, connections
SIGNATURES = {
    "https-rsa2048-sign": ({"kty": "RSA-HSM", "key_size": 2048}, "RS256", 32, CONNECTIONS),
    "https-rsa3072-sign": ({"kty": "RSA-HSM", "key_size": 3072}, "RS256", 32, (16,)),
    "https-rsa4096-sign": ({"kty": "RSA-HSM", "key_size": 4096}, "RS256", 32, (16,)),
    "https-p256-sign": ({"kty": "EC-HSM", "crv": "P-256"}, "ES256", 32, CONNECTIONS),
}
SCRIPT = """
wrk.method = "{method}"
wrk.body = [[{body}]]
wrk.headers["Host"] = "{host}"
wrk.headers["Authorization"] = "Bearer {token}"
wrk.headers["Content-Type"] = "application/json"
function done(summary, latency, requests)
    io.write(string.format('RESULT {{"requests":%d,"us":%d,"p50":%d,"p99":%d,"status":%d,"socket":%d}}\\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
"""


def processes_of(world):
    """Process ids of everything that serves: keyvaultd and each module folder's processes."""
    found = {"keyvaultd": [world.pid()], "module": [], "others": []}
    folders = [os.path.join(world.data, "platform")]
    folders += [os.path.join(world.data, "regions", name) for name in os.listdir(os.path.join(world.data, "regions"))]
    for folder in folders:
        path = os.path.join(folder, "hsm", "supervisor.pid")
        supervisor = int(open(path, encoding="ascii").read().split()[0])
        found["others"].append(supervisor)
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                fields = open(f"/proc/{entry}/stat", encoding="ascii", errors="replace").read().rpartition(")")
            except OSError:
                continue
            if int(fields[2].split()[1]) == supervisor:
                found["module" if "hsm-module" in fields[0] else "others"].append(int(entry))
    return found


def memory_mib(pids):
    total = 0
    for pid in pids:
        for line in open(f"/proc/{pid}/smaps_rollup", encoding="ascii"):
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def import_body(path):
    with open(path, "rb") as package:
        return json.dumps({"Hsm": True, "key": {"kty": "RSA-HSM", "key_hsm": base64url(package.read())}})


class VaultBench:
    def __init__(self, bench):
        self.bench = bench
        self.seconds = 1 if bench.options.quick else 5

    def wants_any(self):
        return any(self.bench.wants(name + part) for name in (*SIGNATURES, "https-get", "https-import")
                   for part in ("", "-per-cpu", "-p50", "-p99")) or \
            any(self.bench.wants(name) for name in ("vault-idle-memory", "vault-start", "vault-first-run"))

    def run(self):
        if not self.wants_any():
            return
        started = time.monotonic()
        with VaultWorld(vaults={"bench": "eastus"}) as world:
            if self.bench.wants("vault-first-run"):
                self.bench.report("vault-first-run", time.monotonic() - started, "s, keyquay up in an empty folder")
            self.start(world)
            self.idle_memory(world)
            self.imports(world)
            if shutil.which("wrk") is None:
                print("wrk is not installed: no lines of load over HTTPS (apt-get install wrk)", flush=True)
                return
            for name, parameters in SIGNATURES.items():
                self.signatures(world, name, *parameters)
            self.reads(world)

    def start(self, world):
        if not self.bench.wants("vault-start"):
            return
        world.down()
        started = time.monotonic()
        world.up()
        self.bench.report("vault-start", time.monotonic() - started, "s, keyquay up once initialised")

    def idle_memory(self, world):
        if self.bench.wants("vault-idle-memory"):
            pids = processes_of(world)
            self.bench.report("vault-idle-memory", memory_mib(sum(pids.values(), [])),
                              "MiB PSS, keyvaultd and three modules with all their processes")

    @staticmethod
    def processes_of(world):
        return processes_of(world)

    @staticmethod
    def script(world, vault, method, body):
        return SCRIPT.format(method=method, body=body, host=f"{world.host(vault + '.vault')}:{world.port}",
                             token=world.token())

    def load(self, world, connections, method, path, body):
        script = os.path.join(world.folder, "load.lua")
        with open(script, "w", encoding="ascii") as out:
            out.write(self.script(world, "bench", method, body))
        # 256 clients shake hands at the same moment; the time must be long enough for that to be below 1 %.
        seconds = self.seconds if connections < 256 or self.bench.options.quick else 3 * self.seconds
        return self.wrk(world, script, connections, f"{path}?api-version=7.4", seconds)

    @staticmethod
    def wrk(world, script, connections, target, seconds):
        """What wrk found, and the CPU seconds of keyvaultd and modules."""
        pids = processes_of(world)
        serving = pids["keyvaultd"] + pids["module"]
        before = sum(cpu_seconds(pid) for pid in serving)
        output = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script,
                                 f"https://127.0.0.1:{world.port}{target}"],
                                capture_output=True, text=True, check=True).stdout
        cpu = sum(cpu_seconds(pid) for pid in serving) - before
        result = json.loads(output.split("RESULT ", 1)[1].splitlines()[0])
        if result["status"] or result["socket"]:
            raise RuntimeError(f"errors under load: {output}")
        return result, cpu

    def measure(self, world, name, connections, method, path, body, unit):
        result, cpu = self.load(world, connections, method, path, body)
        report = self.bench.report
        if self.bench.wants(name):
            report(name, result["requests"] / (result["us"] / 1e6), unit + "/s", 1, connections, cpu)
        if self.bench.wants(name + "-per-cpu") and cpu:
            report(name + "-per-cpu", result["requests"] / cpu, unit + "/CPU-s of keyvaultd and module", 1, connections, cpu)
        for part in ("p50", "p99"):
            if self.bench.wants(f"{name}-{part}"):
                report(f"{name}-{part}", result[part] / 1000, "ms", 1, connections, cpu)

    def signatures(self, world, name, key, algorithm, digest_len, all_connections):
        if not any(self.bench.wants(name + part) for part in ("", "-per-cpu", "-p50", "-p99")):
            return
        made = world.vault("POST", "bench", f"/keys/{name}/create", key)
        if made.status != 200:
            raise RuntimeError(f"no key: {made}")
        path = "/keys/" + "/".join(made.json["key"]["kid"].split("/")[-2:]) + "/sign"
        digest = base64.urlsafe_b64encode(os.urandom(digest_len)).rstrip(b"=").decode()
        body = json.dumps({"alg": algorithm, "value": digest})
        for connections in all_connections:
            self.measure(world, name, connections, "POST", path, body, "signatures")

    def imports(self, world):
        if not any(self.bench.wants("https-import" + part) for part in ("", "-per-cpu")):
            return
        num = 5 if self.bench.options.quick else 40
        with Traveller(world) as owner:
            bodies = [(f"import{i}", import_body(owner.package("travels", "NA-1", f"import{i}"))) for i in range(num)]
        pids = processes_of(world)
        serving = pids["keyvaultd"] + pids["module"]
        connection = world.connection(f"bench.vault.{world.domain}")
        fields = {"Authorization": "Bearer " + world.token(), "Content-Type": "application/json"}
        cpu, started = sum(cpu_seconds(pid) for pid in serving), time.monotonic()
        for name, body in bodies:
            connection.request("PUT", f"/keys/{name}?api-version=7.4", body=body, headers=fields)
            answer = connection.getresponse()
            if answer.read() and answer.status != 200:
                raise RuntimeError(f"no import: {answer.status}")
        seconds = time.monotonic() - started
        cpu = sum(cpu_seconds(pid) for pid in serving) - cpu
        if self.bench.wants("https-import"):
            self.bench.report("https-import", num / seconds, "packages/s, RSA-2048", 1, 1, cpu)
        if self.bench.wants("https-import-per-cpu") and cpu:
            self.bench.report("https-import-per-cpu", num / cpu, "packages/CPU-s of keyvaultd and module", 1, 1, cpu)

    def reads(self, world):
        if any(self.bench.wants("https-get" + part) for part in ("", "-per-cpu", "-p50", "-p99")):
            world.vault("POST", "bench", "/keys/read/create", {"kty": "EC"})
            for connections in CONNECTIONS:
                self.measure(world, "https-get", connections, "GET", "/keys/read", "", "reads")
