"""Bench lines of a vault with a great many keys: `tests/bench/run --keys 1000000 'million-*'`.

Each line is measured with 1,000 keys and with --keys; the last lines are the
ratios. Reads and lists go over rows that SQL multiplied from one real key,
under names of their own. Signatures take --real keys that a module made (5,000,
with --quick 2,000), a random one each time: many more than a module keeps
loaded, so that nearly every request loads. A million of them take most of an
hour to make, and 10 GB. Other work on the machine shows in p99 first: as root,
`chrt -f 10 tests/bench/run ...` keeps it out.
"""
import base64
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import time

from owner_world import BUILD, cpu_seconds
from vault_world import VaultWorld

FILLER = os.path.join(BUILD, "tests", "bench", "vault_filler")
FEW = 1000
VAULT = "million"
LINES = ("get", "get-p50", "list-page", "list-page-p50", "start", "memory", "sign")
COLUMNS = "kty, type, bits, key_ops, origin, purpose, enabled, nbf, exp, created, updated, tags"


class MillionBench:
    def __init__(self, bench, vault_bench):
        self.bench = bench
        self.vault_bench = vault_bench
        self.seconds = 2 if bench.options.quick else 10
        self.values = {}

    def wants(self, line):
        return self.bench.wants(f"million-{line}")

    def run(self):
        if not any(self.wants(line) for line in LINES):
            return
        many = max(self.bench.options.keys, 2 * FEW)
        with VaultWorld(vaults={VAULT: "eastus"}, regions=("NA",)) as world:
            world.vault("POST", VAULT, "/keys/template/create", {"kty": "EC-HSM", "crv": "P-256"})
            real = self.bench.options.real or (2000 if self.bench.options.quick else 5000)
            made = self.make(world, "real", real)
            for num in (FEW, many):
                self.fill(world, num, made if num == many else None)
                self.start(world, num)
                self.reads(world, num)
                self.memory(world, num)
            self.ratios(many)
            if self.wants("sign"):
                self.sign(world, real, made)

    def report(self, line, num, value, unit, peer=None, peer_value=None):
        self.values[line, num] = value
        if self.wants(line):
            self.bench.report(f"million-{line}", value, f"{unit}, {num} keys", peer=peer, peer_value=peer_value)

    def ratios(self, many):
        for line in LINES[:-1]:
            if self.values.get((line, FEW)):
                self.bench.report(f"million-{line}-ratio", self.values[line, many] / self.values[line, FEW],
                                  f"with {many} keys to with {FEW}")

    # ---- filling

    def make(self, world, prefix, num):
        """The file in which vault_filler has described each key on a line; None if nothing signs."""
        if not self.wants("sign"):
            return None
        path = os.path.join(world.folder, "made-keys")
        socket = os.path.join(world.region_folder(), "hardserver.sock")
        started = time.monotonic()
        with open(path, "wb") as out:
            subprocess.run([FILLER, "make", socket, world.endpoints["subscriptionId"].lower(), VAULT, prefix, str(num)],
                           stdout=out, check=True)
        self.bench.report("million-fill", num / (time.monotonic() - started), "real keys/s, P-256")
        return path

    @staticmethod
    def stop(world):
        pid = world.pid()
        os.kill(pid, signal.SIGTERM)
        while os.path.exists(f"/proc/{pid}"):
            time.sleep(0.01)

    @staticmethod
    def serve(world):
        started = time.monotonic()
        world.check("keyvaultd", "--data", world.data, "--daemon")
        return time.monotonic() - started

    def fill(self, world, num, made):
        """Brings the vault to num keys that SQL made, and puts the real ones in. Nothing else has the database open."""
        self.stop(world)
        database = sqlite3.connect(os.path.join(world.data, "vault", "keyvault.db"))
        vault, template = database.execute("SELECT vault_id, id FROM key WHERE name = 'template'").fetchone()
        have = database.execute("SELECT count(*) FROM key WHERE name LIKE 'clone-%'").fetchone()[0]
        database.execute("WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2 - 1) INSERT INTO "
                         "key (vault_id, name, next_rotation, deleted, scheduled_purge) "
                         "SELECT ?3, printf('clone-%07d', i), 0, 0, 0 FROM n", (have, num, vault))
        database.execute(f"INSERT INTO key_version (key_id, version, {COLUMNS}, public_key, blob, receipt) "
                         f"SELECT k.id, lower(hex(randomblob(16))), {COLUMNS}, public_key, blob, receipt "
                         "FROM key k, key_version t WHERE k.name >= ?1 AND k.name LIKE 'clone-%' AND t.key_id = ?2",
                         (f"clone-{have:07d}", template))
        if made is not None:
            with open(made, encoding="ascii") as lines:
                for line in lines:
                    self.put(database, vault, template, line)
        database.commit()
        database.close()
        self.serve(world)

    @staticmethod
    def put(database, vault, template, line):
        name, version, _, public_key, blob, receipt = line.split()
        key = database.execute("INSERT INTO key (vault_id, name, next_rotation, deleted, scheduled_purge) "
                               "VALUES (?, ?, 0, 0, 0)", (vault, name)).lastrowid
        database.execute(f"INSERT INTO key_version (key_id, version, {COLUMNS}, public_key, blob, receipt) "
                         f"SELECT ?, ?, {COLUMNS}, ?, ?, ? FROM key_version WHERE key_id = ?",
                         (key, version, bytes.fromhex(public_key), bytes.fromhex(blob), bytes.fromhex(receipt), template))

    # ---- lines

    def start(self, world, num):
        self.stop(world)
        self.report("start", num, 1000 * self.serve(world), "ms until keyvaultd answers (at most 1000)")

    def memory(self, world, num):
        resident = sum(int(line.split()[1]) for line in open(f"/proc/{world.pid()}/status", encoding="ascii")
                       if line.startswith("VmRSS:"))
        self.report("memory", num, resident / 1024, "MiB resident in keyvaultd after the reads (below 128)")

    def load(self, world, method, body, path_code, connections=1, prelude=""):
        """path_code: Lua that gives a path, a random one."""
        script = os.path.join(world.folder, "random.lua")
        with open(script, "w", encoding="ascii") as out:
            out.write(self.vault_bench.script(world, VAULT, method, body) +
                      f"{prelude}\nfunction request() return wrk.format(nil, {path_code} .. 'api-version=7.4') end\n")
        return self.vault_bench.wrk(world, script, connections, "/", self.seconds)

    def reads(self, world, num):
        if any(self.wants(line) for line in ("get", "get-p50", "memory")):
            result, _ = self.load(world, "GET", "", f"string.format('/keys/clone-%07d?', math.random(0, {num - 1}))")
            self.report("get-p50", num, result["p50"] / 1000, "ms, one connection")
            self.report("get", num, result["p99"] / 1000, "ms p99, one connection (below 2)")
        if any(self.wants(line) for line in ("list-page", "list-page-p50", "memory")):
            tokens = [base64.urlsafe_b64encode(f"clone-{i * (num - 26) // 499:07d}".encode()).decode().rstrip("=")
                      for i in range(500)]
            result, _ = self.load(world, "GET", "", "'/keys?maxresults=25&$skiptoken=' .. tokens[math.random(500)] .. '&'",
                                  prelude="tokens = {" + ",".join(f"'{token}'" for token in tokens) + "}")
            self.report("list-page-p50", num, result["p50"] / 1000, "ms, 25 keys of a random place")
            self.report("list-page", num, result["p99"] / 1000, "ms p99, 25 keys of a random place (below 10)")

    def sign(self, world, real, made):
        digest = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        body = json.dumps({"alg": "ES256", "value": digest})
        random_key = f"string.format('/keys/real-%07d/sign?', math.random(0, {real - 1}))"
        hot, hot_cpu = self.load(world, "POST", body, "'/keys/real-0000000/sign?'", 16)
        before = self.module_memory(world)
        cold, cold_cpu = self.load(world, "POST", body, random_key, 16)
        after = self.module_memory(world)
        hot_us = 1e6 * hot_cpu / hot["requests"]
        cold_us = 1e6 * cold_cpu / cold["requests"]
        unseal_us = self.unseal(world, made)
        self.bench.report("million-sign-hot", hot_us, "us of CPU, always one key")
        self.bench.report("million-sign-unseal", unseal_us, "us of the module's CPU, loading and unloading a key")
        self.bench.report("million-sign", cold_us, f"us of CPU, a random one of {real} keys",
                          peer="twice the hot key and one unseal", peer_value=2 * hot_us + unseal_us)
        self.bench.report("million-sign-rate", cold["requests"] / (cold["us"] / 1e6), "signatures/s, random keys", 1, 16,
                          cold_cpu)
        self.bench.report("million-sign-memory", after, f"MiB resident in the module, {before:.1f} before")

    def modules(self, world):
        return self.vault_bench.processes_of(world)["module"]

    def module_memory(self, world):
        return max(int(line.split()[1]) / 1024 for pid in self.modules(world)
                   for line in open(f"/proc/{pid}/status", encoding="ascii") if line.startswith("VmRSS:"))

    def unseal(self, world, made):
        pids = self.modules(world)
        before = sum(cpu_seconds(pid) for pid in pids)
        socket = os.path.join(world.region_folder(), "hardserver.sock")
        with open(made, encoding="ascii") as lines:
            some = "".join(itertools.islice(lines, 2000))
        output = subprocess.run([FILLER, "load", socket, str(1000 * self.seconds)], input=some, capture_output=True,
                                text=True, check=True).stdout.split()
        return 1e6 * (sum(cpu_seconds(pid) for pid in pids) - before) / int(output[0])
