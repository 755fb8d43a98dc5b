"""keyvaultd as a service: restarts, damaged files, full disks, modules that die."""
import hashlib
import json
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from owner_world import BIN  # noqa: E402
from processes import module_of, wait_until  # noqa: E402
from travel import base64url  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

DIGEST = base64url(hashlib.sha256(b"a test").digest())


class Service(unittest.TestCase):
    """Tests that leave the service as they found it."""

    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={"contoso": "eastus", "fabrikam": "eastus", "europe": "northeurope"})
        cls.addClassCleanup(cls.world.__exit__)
        for vault in ("contoso", "fabrikam", "europe"):
            cls.must(cls.world.vault("POST", vault, "/keys/signer/create", {"kty": "EC-HSM"}))

    @staticmethod
    def must(answer):
        if answer.status != 200:
            raise AssertionError(answer)
        return answer.json

    def sign(self, vault="contoso", key="signer"):
        return self.world.vault("POST", vault, f"/keys/{key}/sign", {"alg": "ES256", "value": DIGEST})

    def test_module__killed_under_load__no_request_fails(self):
        answers, stop = [], threading.Event()

        def load():
            while not stop.is_set():
                answers.append(self.sign())

        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                time.sleep(0.4)
                os.kill(module_of(self.world), signal.SIGKILL)
            time.sleep(0.6)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        bad = [answer for answer in answers if answer.status != 200]
        self.assertGreater(len(answers), 20)
        self.assertEqual(bad, [])

    def test_supervisor__stopped__answers_503_then_works_again(self):
        world = self.world
        folder = world.region_folder("Europe")
        self.must(self.sign("europe"))
        world.check("keyquay", "hsm", "stop", "--folder", folder)
        started = time.monotonic()
        answer = self.sign("europe")
        self.assertEqual((answer.status, answer.error_code), (503, "ServiceUnavailable"), answer)
        self.assertLess(time.monotonic() - started, 30)
        self.assertEqual(self.sign("contoso").status, 200, "the other region goes on")
        ready = world.request("GET", world.login_url("/readyz"), version=None)
        self.assertEqual(ready.status, 503, ready)
        world.check("keyquay", "up", "--data", world.data)
        self.must(self.sign("europe"))

    def test_second_service__same_folder__refused(self):
        done = self.world.run("keyvaultd", "--data", self.world.data, "--foreground", timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("served already", done.stderr)

    def test_sighup__certificate_made_anew__connections_go_on(self):
        world = self.world
        path = os.path.join(world.data, "vault", "server.pem")
        before = open(path, encoding="ascii").read()
        connection = world.connection(world.host("login"))
        connection.request("GET", "/healthz")
        self.assertEqual(connection.getresponse().read() and 1, 1)
        os.unlink(path)
        os.kill(world.pid(), signal.SIGHUP)
        self.assertTrue(wait_until(lambda: os.path.exists(path)))
        connection.request("GET", "/healthz")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.assertNotEqual(open(path, encoding="ascii").read(), before)
        self.assertTrue(wait_until(lambda: self.served_certificate() in open(path, encoding="ascii").read()))
        self.must(self.sign())

    def served_certificate(self):
        import ssl
        connection = self.world.connection(self.world.host("login"))
        try:
            return ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(True)).strip()
        finally:
            connection.close()

    def test_sigterm__under_load__what_was_accepted_is_answered(self):
        world = self.world
        outcomes, stop = [], threading.Event()

        def load():
            while not stop.is_set():
                try:
                    answer = self.sign()
                    # What comes after the signal on a connection that was there is told to come again.
                    is_refused = answer.status == 503 and answer.headers["Retry-After"] is not None
                    outcomes.append("refused" if is_refused else answer.status)
                except OSError:
                    outcomes.append("not connected")

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        pid = world.pid()
        os.kill(pid, signal.SIGTERM)
        gone = wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
        stop.set()
        for thread in threads:
            thread.join()
        world.check("keyquay", "up", "--data", world.data)
        self.assertTrue(gone)
        self.assertEqual(set(outcomes) - {200, "refused", "not connected"}, set())
        self.must(self.sign())

    def test_token__service_restarted__still_good(self):
        world = self.world
        token = world.token()
        pid = world.pid()
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(wait_until(lambda: not os.path.exists(f"/proc/{pid}")))
        world.check("keyquay", "up", "--data", world.data)
        self.assertEqual(world.request("GET", world.vault_url("contoso", "/keys"), token=token).status, 200)

    def test_log__after_requests__holds_no_token_and_no_secret(self):
        self.must(self.sign())
        log = open(os.path.join(self.world.data, "vault", "keyvaultd.log"), encoding="utf-8").read()
        self.assertIn('"path":"/keys/signer/sign"', log)
        for secret in (self.world.token(), self.world.credentials["clientSecret"], DIGEST):
            self.assertNotIn(secret, log)

    def log(self):
        with open(os.path.join(self.world.data, "vault", "keyvaultd.log"), encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.startswith("{")]

    def test_log__requests_refused_for_their_form__have_a_line_with_their_id(self):
        host = self.world.host("login")
        for name, target, headers, status in (("malformed", "/a%00", {}, 400), ("method", "/", {}, 405),
                                              ("length", "/", {"Content-Length": str(1 << 40)}, 413)):
            with self.subTest(name):
                connection = self.world.connection(host)
                connection.putrequest("OPTIONS" if name == "method" else "POST", target)
                for header in headers.items():
                    connection.putheader(*header)
                connection.endheaders()
                answer = connection.getresponse()
                code = json.loads(answer.read())["error"]["code"]
                connection.close()
                self.assertEqual(answer.status, status)
                lines = [line for line in self.log() if line.get("id") == answer.headers["x-ms-request-id"]]
                self.assertEqual([(line["status"], line["code"], line["from"]) for line in lines],
                                 [(status, code, "127.0.0.1")])

    def test_log__truncated_by_a_rotation__goes_on_at_its_start(self):
        path = os.path.join(self.world.data, "vault", "keyvaultd.log")
        os.truncate(path, 0)
        self.must(self.sign())
        with open(path, "rb") as file:
            self.assertEqual(file.read(1), b"{")

    def test_files__after_all__are_the_service_users_alone(self):
        for name in ("keyvault.db", "keyvault.db-wal", "keyvaultd.log", "keyvaultd.pid"):
            path = os.path.join(self.world.data, "vault", name)
            if os.path.exists(path):
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, name)
        self.assertEqual(os.stat(os.path.join(self.world.data, "credentials.json")).st_mode & 0o777, 0o600)


class Damage(unittest.TestCase):
    """Each test damages a service of its own folder and puts it right again."""

    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={"contoso": "eastus", "fabrikam": "eastus", "europe": "northeurope"})
        cls.addClassCleanup(cls.world.__exit__)
        for vault in ("contoso", "fabrikam", "europe"):
            for key in ("one", "two"):
                Service.must(cls.world.vault("POST", vault, f"/keys/{key}/create", {"kty": "EC-HSM"}))

    def setUp(self):
        self.database = os.path.join(self.world.data, "vault", "keyvault.db")
        self.stop()
        self.kept = self.database + ".kept"
        shutil.copy(self.database, self.kept)
        self.addCleanup(self.put_back)

    def stop(self):
        try:
            pid = self.world.pid()
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
        except (OSError, ValueError):
            pass

    def put_back(self):
        self.stop()
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.database + suffix):
                os.unlink(self.database + suffix)
        os.replace(self.kept, self.database)

    def start(self):
        return self.world.run("keyvaultd", "--data", self.world.data, "--daemon", timeout=60)

    def sign(self, vault, key):
        return self.world.vault("POST", vault, f"/keys/{key}/sign", {"alg": "ES256", "value": DIGEST})

    def blobs(self):
        """(vault, key) -> row id of the newest version."""
        with sqlite3.connect(self.database) as database:
            tables = {row[0]: row[1] for row in database.execute("SELECT name, sql FROM sqlite_master WHERE type='table'")}
            return tables, database.execute(
                "SELECT v.name, k.name, r.rowid, r.blob FROM key_version r JOIN key k ON k.id = r.key_id "
                "JOIN vault v ON v.id = k.vault_id").fetchall()

    def swap(self, first, second):
        _, rows = self.blobs()
        found = {(vault, key): (rowid, blob) for vault, key, rowid, blob in rows}
        with sqlite3.connect(self.database) as database:
            database.execute("UPDATE key_version SET blob = ? WHERE rowid = ?", (found[second][1], found[first][0]))
            database.execute("UPDATE key_version SET blob = ? WHERE rowid = ?", (found[first][1], found[second][0]))

    def test_rows__blobs_swapped__refused_and_others_work(self):
        for first, second in ((("contoso", "one"), ("contoso", "two")), (("contoso", "one"), ("fabrikam", "one")),
                              (("contoso", "one"), ("europe", "one"))):
            with self.subTest(f"{first} {second}"):
                self.stop()
                self.swap(first, second)
                self.assertEqual(self.start().returncode, 0)
                for vault, key in (first, second):
                    answer = self.sign(vault, key)
                    self.assertGreaterEqual(answer.status, 400, answer)
                    self.assertIn("error", answer.json)
                self.assertEqual(self.sign("fabrikam", "two").status, 200)
                self.stop()
                self.swap(first, second)
                self.assertEqual(self.start().returncode, 0)
                self.assertEqual(self.sign(*first).status, 200)

    def test_database__truncated__refused_by_name(self):
        size = os.path.getsize(self.database)
        for length in (0, 10, 100, 4096, size // 2):
            with self.subTest(length):
                self.stop()
                shutil.copy(self.kept, self.database)
                os.truncate(self.database, length)
                done = self.start()
                if done.returncode == 0:  # what is missing is not looked at before it is used
                    self.assertGreaterEqual(length, 4096)
                    answers = [self.sign(vault, key) for vault in ("contoso", "fabrikam") for key in ("one", "two")]
                    self.assertTrue(any(answer.status >= 400 for answer in answers))
                    self.assertTrue(all(answer.status in (200, 401, 404, 500, 503) for answer in answers), answers)
                else:
                    self.assertEqual(done.returncode, 1)
                    self.assertIn("keyvault.db", done.stderr)

    def test_database__of_a_newer_version__refused_by_name(self):
        with sqlite3.connect(self.database) as database:
            database.execute("PRAGMA user_version = 999")
        done = self.start()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "newer")

    def test_configuration__mistakes__named_with_line(self):
        path = os.path.join(self.world.data, "keyvaultd.conf")
        kept = open(path, encoding="utf-8").read()
        self.addCleanup(lambda: open(path, "w", encoding="utf-8").write(kept))
        for line, word in (("[server]\nworkers = many\n", "workers"), ("[server]\nnonsense = 1\n", "nonsense"),
                           ("[keys]\nloaded = 0\n", "loaded"), ("[server]\nlisten = here\n", "listen"),
                           ("[server]\nlisten = 127.0.0.1:0\n", "listen"),
                           ("[tls]\ncertificate = relative.pem\n", "certificate"), ("gibberish\n", "line")):
            with self.subTest(line):
                with open(path, "w", encoding="utf-8") as out:
                    out.write(kept + line)
                done = self.world.run("keyvaultd", "--check", "--data", self.world.data)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("keyvaultd.conf, line ", done.stderr)
                self.assertIn(word, done.stderr)
                self.assertNotIn("--init", done.stderr, "the file is there")

    def test_help_and_version__beside_other_options__are_told(self):
        for word in ("--help", "--version"):
            done = self.world.run("keyvaultd", "--data", self.world.data, word, timeout=20)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("keyvaultd", done.stdout)


class Backup(unittest.TestCase):
    def test_restored__copied_under_load__keys_and_log_are_good(self):
        """As docs/guide/operate.md says, while keys are made and used."""
        with VaultWorld(regions=("NA",), vaults={"contoso": "eastus"}) as world:
            Service.must(world.vault("POST", "contoso", "/keys/kept/create", {"kty": "EC-HSM"}))
            copy = os.path.join(world.folder, "copy")
            stop = threading.Event()

            def load(number):
                for i in range(10000):
                    if stop.is_set():
                        return
                    world.vault("POST", "contoso", f"/keys/k{number}-{i}/create", {"kty": "EC-HSM"})
                    world.vault("POST", "contoso", "/keys/kept/sign", {"alg": "ES256", "value": DIGEST})

            world.token()
            threads = [threading.Thread(target=load, args=(number,)) for number in range(3)]
            for thread in threads:
                thread.start()
            time.sleep(0.5)
            try:
                self.copy(world.data, copy)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            world.down()
            shutil.rmtree(world.data)
            shutil.copytree(copy, world.data)
            world.up()
            names = self.names(world)
            self.assertIn("kept", names)
            for name in names:
                Service.must(world.vault("POST", "contoso", f"/keys/{name}/sign", {"alg": "ES256", "value": DIGEST}))
            for folder in (world.region_folder(), os.path.join(world.data, "platform")):
                world.check("keyquay", "audit", "verify", "--folder", folder)

    @staticmethod
    def names(world):
        """Of all pages."""
        names, path = [], "/keys"
        while path:
            page = Service.must(world.vault("GET", "contoso", path))
            names += [item["kid"].rpartition("/")[2] for item in page["value"]]
            path = (page["nextLink"] or "").partition(f":{world.port}")[2]
        return names

    @staticmethod
    def copy(data, to):
        os.makedirs(os.path.join(to, "vault"), mode=0o700)
        for name in ("keyvaultd.conf", "ca.pem", "credentials.json"):
            shutil.copy(os.path.join(data, name), to)
        database = os.path.join(to, "vault", "keyvault.db")
        os.close(os.open(database, os.O_CREAT, 0o600))
        with sqlite3.connect(os.path.join(data, "vault", "keyvault.db")) as source, sqlite3.connect(database) as target:
            source.backup(target)
        regions = [os.path.join("regions", name) for name in os.listdir(os.path.join(data, "regions"))]
        for name in ("platform", "factory", *regions):
            hsm = os.path.join(to, name, "hsm")
            os.makedirs(hsm, mode=0o700)
            shutil.copy(os.path.join(data, name, "hsm", "state"), hsm)
            time.sleep(0.3)  # what is used meanwhile must do no harm
            shutil.copytree(os.path.join(data, name), os.path.join(to, name), dirs_exist_ok=True,
                            ignore=lambda _, names: [each for each in names if each.endswith(".sock") or each == "state"])


def users_can_reach(path):
    """True if users without rights of their own can run what lies there."""
    done = subprocess.run(["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups", "test", "-x", path],
                          capture_output=True, check=False)
    return done.returncode == 0


@unittest.skipUnless(os.geteuid() == 0, "needs root, to start programs as other users")
class ThreeUsers(unittest.TestCase):
    def test_up__three_users__serves_and_says_so(self):
        if not users_can_reach(os.path.join(BIN, "keyvaultd")):
            self.skipTest("other users cannot reach the build folder")
        users = ("--module-user", "daemon", "--hardserver-user", "bin", "--vault-user", "nobody")
        with VaultWorld(regions=("NA",), vaults={"contoso": "eastus"}, options=users, parent="/tmp",
                        start=False) as world:
            os.chmod(world.folder, 0o755)
            world.up()
            Service.must(world.vault("POST", "contoso", "/keys/k/create", {"kty": "EC-HSM"}))
            answer = world.vault("POST", "contoso", "/keys/k/sign", {"alg": "ES256", "value": DIGEST})
            self.assertEqual(answer.status, 200, answer)
            status = world.check("keyquay", "status", "--data", world.data)
            self.assertIn("key protection: device key file", status)
            self.assertNotIn("one user", status)
            self.assertEqual(owner_of(world.pid()), "nobody")
            self.assertEqual(owner_of(module_of(world)), "daemon")
            for name in ("platform", "regions/UnitedStates"):
                key = os.path.join(world.data, name, "hsm", "device-key")
                done = subprocess.run(["setpriv", "--reuid=nobody", "--clear-groups", "--regid=nogroup", "cat", key],
                                      capture_output=True, check=False)
                self.assertNotEqual(done.returncode, 0, "the service's user reads the device key")
            world.check("keyquay", "region", "rollover", "NA", "--data", world.data)
            os.kill(world.pid(), signal.SIGHUP)
            self.assertEqual(world.request("GET", world.login_url("/readyz"), version=None).status, 200)


def owner_of(pid):
    return pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name


class FullDisk(unittest.TestCase):
    """The database on a small disk of its own."""

    def test_disk_full__creating_keys__clear_error_and_nothing_lost(self):
        with VaultWorld(regions=("NA",), vaults={"contoso": "eastus"}) as world:
            Service.must(world.vault("POST", "contoso", "/keys/kept/create", {"kty": "EC-HSM"}))
            pid = world.pid()
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
            folder = os.path.join(world.data, "vault")
            size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
            disk = os.path.join(world.folder, "disk")
            os.mkdir(disk)
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size + 400 * 1024},mode=700", "tmpfs", disk],
                                     capture_output=True, check=False)
            if mounted.returncode != 0:
                self.skipTest("no small disk can be mounted here")
            try:
                for name in os.listdir(folder):
                    shutil.move(os.path.join(folder, name), disk)
                subprocess.run(["mount", "--move", disk, folder], check=False, capture_output=True)
                if not os.path.exists(os.path.join(folder, "keyvault.db")):
                    subprocess.run(["mount", "--bind", disk, folder], check=True)
                world.check("keyvaultd", "--data", world.data, "--daemon")
                self.fill(world)
            finally:
                pid = world.pid()
                os.kill(pid, signal.SIGTERM)
                wait_until(lambda: not os.path.exists(f"/proc/{pid}"))
                subprocess.run(["umount", "-l", folder], check=False, capture_output=True)
                subprocess.run(["umount", "-l", disk], check=False, capture_output=True)

    def fill(self, world):
        made = ["kept"]
        refused = None
        for number in range(2000):
            answer = world.vault("POST", "contoso", f"/keys/k{number}/create", {"kty": "EC-HSM"})
            if answer.status != 200:
                refused = answer
                break
            made.append(f"k{number}")
        self.assertIsNotNone(refused, "the disk was never full")
        self.assertEqual((refused.status, refused.error_code), (507, "InsufficientStorage"), refused)
        for name in (made[0], made[-1]):
            answer = world.vault("POST", "contoso", f"/keys/{name}/sign", {"alg": "ES256", "value": DIGEST})
            self.assertEqual(answer.status, 200, answer)
        self.assertEqual(world.vault("GET", "contoso", f"/keys/k{len(made) - 1}").status, 404)


if __name__ == "__main__":
    unittest.main()
