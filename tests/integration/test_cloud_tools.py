"""keyquay up, down, status, vault, subscription and the cmdlets of steps 1 and 5, against a running vault."""
import fcntl
import glob
import json
import os
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.dont_write_bytecode = True
from journey import BIN, Journey, flip, read, write  # noqa: E402
from vault_world import VaultWorld, free_port  # noqa: E402


class CloudTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={"contoso": "eastus", "contoso-eu": "North Europe"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.journey = Journey()
        cls.addClassCleanup(cls.journey.close)
        cls.journey.data = cls.world.data
        cls.regions = {region["code"]: region for region in cls.world.endpoints["regions"]}
        cls.owner = cls.journey.owner("alice", "NA")
        cls.owner.new_world()
        cls.owner.new_key("rsakey")
        cls.owner.new_key("eckey", "type=EC", "size=P-384")
        cls.owner.expects(cls.regions["NA-1"])
        cls.packages = {}
        for ident, friendly in (("rsakey", "Rsa"), ("eckey", "Ec")):
            cls.package(ident, friendly)

    @classmethod
    def package(cls, ident, friendly, *more):
        subscription = cls.world.endpoints["subscriptionId"]
        done = cls.owner.modify(ident, "NA-1")
        if done.code == 0:
            done = cls.owner.package(ident, "NA-1", friendly, *more, subscription=subscription)
        if done.code != 0:
            raise AssertionError(repr(done))
        cls.packages[friendly] = cls.owner.path(f"TransferPackage-{friendly}.byok")
        return cls.packages[friendly]

    def setUp(self):
        self.state = os.path.join(self.world.folder, "state-" + self.id().rsplit(".", 1)[1][:20])
        self.signed_in = {"XDG_STATE_HOME": self.state}

    def tool(self, *command, **environment):
        return self.world.run(*command, env={**self.signed_in, **environment})

    def sign_in(self):
        done = self.tool("Add-AzureAccount", "-Credential", os.path.join(self.world.data, "credentials.json"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def send(self, vault, name, path, *more):
        return self.tool("Add-AzureKeyVaultKey", "-VaultName", vault, "-Name", name, "-KeyFilePath", path,
                         "-Destination", "HSM", *more)

    def refused(self, done, *words, code=1):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    # ---- up, status

    def test_up__again__changes_nothing_and_prints_the_same(self):
        pid = self.world.pid()
        again = ["keyquay", "up", "--data", self.world.data, "--region", "NA,EU", "--vault", "contoso:eastus"]
        first = self.world.run(*again)  # other tests make subscriptions and regions
        self.assertEqual(first.returncode, 0, first.stderr)
        before = {name: read(os.path.join(self.world.data, name)) for name in ("endpoints.json", "credentials.json")}
        started = time.monotonic()
        done = self.world.run(*again)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertEqual(done.stdout, first.stdout)
        self.assertEqual(json.loads(done.stdout), self.world.read("endpoints.json"))
        for member in ("tenantId", "subscriptionId", "ca", "vaultSuffix", "clientId"):
            self.assertEqual(json.loads(done.stdout)[member], self.world.endpoints[member])
        self.assertEqual(self.world.pid(), pid)
        for name, content in before.items():
            self.assertEqual(read(os.path.join(self.world.data, name)), content)

    def test_files__endpoints_and_secrets__lie_apart(self):
        mode = stat.S_IMODE(os.stat(os.path.join(self.world.data, "credentials.json")).st_mode)
        self.assertEqual(mode, 0o600)
        secret = self.world.credentials["clientSecret"]
        for name in ("endpoints.json", "az-cloud.json", "vault/keyvaultd.log"):
            self.assertNotIn(secret.encode(), read(os.path.join(self.world.data, name)))
        for member in ("vaultSuffix", "login", "management", "graph", "tenantId", "subscriptionId", "ca", "azCloudConfig"):
            self.assertIn(member, self.world.endpoints)
        for region in self.world.endpoints["regions"]:
            for member in ("code", "name", "socket", "world", "rootHash", "toolset", "toolsetSha256", "toolsetUrl"):
                self.assertIn(member, region)
        cloud = json.loads(read(self.world.endpoints["azCloudConfig"]))
        self.assertEqual(cloud["suffixes"]["keyvault_dns"], self.world.endpoints["vaultSuffix"])
        self.assertEqual(cloud["endpoints"]["active_directory"], self.world.endpoints["login"] + "/adfs")

    def test_status__all_runs__says_so_and_names_the_protection(self):
        done = self.world.run("keyquay", "status", "--data", self.world.data, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        facts = json.loads(done.stdout)
        self.assertTrue(facts["running"])
        self.assertEqual({module["name"] for module in facts["modules"]} >= {"platform", "UnitedStates", "Europe"}, True)
        for module in facts["modules"]:
            self.assertIn("keyProtection", module)

    def test_status__nothing_there__is_said(self):
        self.refused(self.world.run("keyquay", "status", "--data", "/nowhere"), "no such folder", "keyquay up")

    def test_up__what_is_wrong_on_the_line__is_usage(self):
        free = f"127.0.0.1:{free_port()}"
        for words in (["--vault", "contoso"], ["--vault", "contoso:atlantis"], ["--listen", "127.0.0.1"],
                      ["--region", "NA,,EU"], ["--listen"], ["--nonsense"], ["--ephemeral", "--data", "x"],
                      ["--domain", "two words"], ["--domain", ""], ["--domain", "a..b"], ["--listen", "nowhere:8443"],
                      ["--listen", "127.0.0.1:0"], ["--listen", free, "--listen", free]):
            with self.subTest(words):
                data = [] if "--ephemeral" in words else ["--data", os.path.join(self.world.folder, "other")]
                self.refused(self.world.run("keyquay", "up", *data, *words), "--help", code=2)

    def test_up__address_is_taken__says_so_and_makes_nothing(self):
        folder = os.path.join(self.world.folder, "taken")
        done = self.world.run("keyquay", "up", "--data", folder, "--listen", f"127.0.0.1:{self.world.port}")
        self.refused(done, f"127.0.0.1:{self.world.port}: cannot listen there", "--listen")
        self.assertEqual(os.listdir(folder), ["changing.lock"])
        status = self.world.run("keyquay", "status", "--data", folder)
        self.refused(status, "keyquay up", code=4)
        self.assertNotIn("https://NAME", status.stdout)

    def test_up__other_address_than_before__is_told_where_to_change_it(self):
        done = self.world.run("keyquay", "up", "--quiet", "--data", self.world.data, "--listen", "127.0.0.1:1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("keyvaultd.conf", done.stderr)

    def test_up__again_without_regions__makes_no_more(self):
        before = os.listdir(os.path.join(self.world.data, "regions"))
        done = self.world.run("keyquay", "up", "--quiet", "--data", self.world.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(os.path.join(self.world.data, "regions")), before)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_folder_of_somebody_else__is_said(self):
        folder = os.path.join(self.world.folder, "private")
        os.mkdir(folder, 0o700)
        os.chmod(self.world.folder, 0o755)
        for words in (["up"], ["down"], ["status"]):
            with self.subTest(words):
                done = self.world.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "keyquay", *words,
                                      "--data", folder)
                self.refused(done, "you may not read", "user who owns")

    def test_up__what_is_no_folder__is_said(self):
        path = os.path.join(self.world.folder, "file")
        write(path, "x")
        self.refused(self.world.run("keyquay", "up", "--data", path), "is not a folder", "--data")
        self.refused(self.world.run("keyquay", "up", "--data", ""), "--help", code=2)

    def test_up__second_command_meanwhile__waits_its_turn(self):
        with open(os.path.join(self.world.data, "changing.lock"), "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused(self.world.run("keyquay", "up", "--data", self.world.data), "another command")

    # ---- signing in

    def test_account__credential_file__gives_a_session_without_the_secret(self):
        self.sign_in()
        path = os.path.join(self.state, "keyquay", "session.json")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertNotIn(self.world.credentials["clientSecret"].encode(), read(path))
        done = self.tool("Get-AzureSubscription")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"SubscriptionName : .+\nSubscriptionId   : [0-9a-f-]{36}\nTenantId         : "
                                      r"[0-9a-f-]{36}\nState            : Enabled\nIsDefault        : (True|False)\n")
        default = self.tool("Get-AzureSubscription", "-def", "-json")
        self.assertEqual(json.loads(default.stdout)[0]["SubscriptionId"], self.world.endpoints["subscriptionId"])

    def test_account__asked_name_and_secret__signs_in(self):
        askpass = os.path.join(self.world.folder, "askpass")
        write(askpass, '#!/bin/sh\ncase $1 in username) echo "$ASK_NAME" ;; secret) echo "$ASK_SECRET" ;; *) exit 3 ;; esac\n')
        os.chmod(askpass, 0o700)
        name, secret = self.world.credentials["clientId"], self.world.credentials["clientSecret"]
        done = self.tool("Add-AzureAccount", KEYQUAY_ASKPASS=askpass, ASK_NAME=name, ASK_SECRET=secret)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refused(self.tool("Add-AzureAccount", KEYQUAY_ASKPASS=askpass, ASK_NAME=name, ASK_SECRET="wrong"), "secret")
        self.refused(self.tool("Add-AzureAccount", KEYQUAY_ASKPASS=askpass, ASK_NAME="me", ASK_SECRET="wrong"), "GUID")
        write(askpass, "#!/bin/sh\nexit 1\n")
        self.refused(self.tool("Add-AzureAccount", KEYQUAY_ASKPASS=askpass), code=3)

    def test_account__foreign_ca_or_no_vault__is_not_trusted(self):
        credential = ["-Credential", os.path.join(self.world.data, "credentials.json")]
        other = os.path.join(self.world.folder, "other-ca.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", os.devnull, "-out", other, "-subj", "/CN=x", "-days", "2"], check=True, capture_output=True)
        self.refused(self.tool("Add-AzureAccount", *credential, KEYQUAY_CA=other), "certificate")
        self.refused(self.tool("Add-AzureAccount", *credential, KEYQUAY_CA="/nowhere/ca.pem"), "cannot be read")
        self.refused(self.tool("Add-AzureAccount", *credential, KEYQUAY_ENDPOINTS="/nowhere"), "endpoints.json")
        self.refused(self.tool("Add-AzureAccount", *credential, "-VaultUrl", "http://x"), "not the URL of a vault")
        self.refused(self.tool("Get-AzureSubscription"), "Add-AzureAccount")

    def test_session__damaged_or_expired__asks_to_sign_in_again(self):
        self.sign_in()
        path = os.path.join(self.state, "keyquay", "session.json")
        session = json.loads(read(path))
        for change in ({"version": 2}, {"managementToken": {"token": "x", "expires": 1}}, {"vaultToken": None}):
            with self.subTest(change):
                write(path, json.dumps({**session, **change}))
                self.refused(self.tool("Get-AzureSubscription"), "Add-AzureAccount")
        write(path, "{")
        self.refused(self.tool("Get-AzureSubscription"), "Add-AzureAccount")
        forged = {"token": session["managementToken"]["token"][:-4] + "AAAA", "expires": session["managementToken"]["expires"]}
        write(path, json.dumps({**session, "managementToken": forged}))
        self.refused(self.tool("Get-AzureSubscription"), "Add-AzureAccount")

    # ---- sending keys

    def test_send__rsa_and_ec__come_back_with_a_receipt_that_matches(self):
        self.sign_in()
        for friendly, kty in (("Rsa", "RSA-HSM"), ("Ec", "EC-HSM")):
            with self.subTest(friendly):
                path = self.packages[friendly]
                done = self.send("contoso", "sent" + friendly, path, "-Json")
                self.assertEqual(done.returncode, 0, done.stderr)
                facts = json.loads(done.stdout)
                self.assertEqual(facts["key"]["key"]["kty"], kty)
                self.assertTrue(facts["receipt"]["exportReceiptMatched"])
                receipt = facts["receipt"]["path"]
                self.assertRegex(receipt, r"/ImportReceipt-sent\w+-[0-9a-f]{32}\.receipt$")
                match = self.tool("keyquay", "receipt", "match", path[:-5] + ".receipt", receipt, "--package", path)
                self.assertEqual(match.returncode, 0, match.stderr)
        again = self.send("contoso", "sentRsa", self.packages["Rsa"])
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("Import receipt", again.stdout)
        self.assertEqual(len(glob.glob(os.path.join(self.owner.work, "ImportReceipt-sentRsa-*"))), 2)

    def test_send__another_export_receipt_beside__is_told(self):
        self.sign_in()
        folder = os.path.join(self.world.folder, "mixed")
        os.makedirs(folder)
        write(os.path.join(folder, "TransferPackage-M.byok"), read(self.packages["Rsa"]))
        write(os.path.join(folder, "TransferPackage-M.receipt"), read(self.packages["Ec"][:-5] + ".receipt"))
        done = self.send("contoso", "mixed", os.path.join(folder, "TransferPackage-M.byok"))
        self.refused(done, "TransferPackage-M.receipt", "is in the vault")

    def test_send__elsewhere__is_refused_by_the_vault(self):
        self.sign_in()
        self.refused(self.send("contoso-eu", "stray", self.packages["Rsa"]), "NA-1", "EU-1")
        other = next(one for one in self.world.subscriptions if one != self.world.endpoints["subscriptionId"])
        made = self.tool("keyquay", "vault", "create", "contoso-other", "--location", "eastus", "--subscription", other,
                         "--data", self.world.data)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.refused(self.send("contoso-other", "stray", self.packages["Rsa"]), "subscription")
        self.refused(self.send("no-such-vault", "stray", self.packages["Rsa"]))

    def test_send__past_its_date__is_refused(self):
        self.sign_in()
        soon = int(time.time()) + 8
        path = self.package("rsakey", "Brief", "-ValidUntil", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon)))
        time.sleep(max(0.0, soon + 1.5 - time.time()))
        self.refused(self.send("contoso", "brief", path), "ended")

    def test_send__what_is_no_package__is_refused_before_anything_is_sent(self):
        package = read(self.packages["Rsa"])
        path = os.path.join(self.world.folder, "bad.byok")
        for content in (b"", b"{}", package[:-1], package + b"x"):
            write(path, content)
            self.refused(self.send("contoso", "bad", path), "not a transfer package")
        self.sign_in()
        write(path, flip(package, len(package) // 2))
        self.refused(self.send("contoso", "bad", path))
        answer = self.world.vault("GET", "contoso", "/keys/bad")
        self.assertEqual(answer.status, 404)

    def test_send__file_under_the_other_spelling__is_suggested(self):
        missing = os.path.join(self.owner.work, "KeyTransferPackage-Rsa.byok")
        self.refused(self.send("contoso", "x", missing), "TransferPackage-Rsa.byok; did you mean")
        self.refused(self.send("contoso", "x", "c:\\TransferPackage-Rsa.byok"), "Linux paths")

    def test_send__destination_software_and_bad_names__are_refused(self):
        path = self.packages["Rsa"]
        line = ["Add-AzureKeyVaultKey", "-vaultn", "contoso", "-na", "x", "-keyf", path]
        self.refused(self.tool(*line, "-dest", "Software"), "HSM")
        self.refused(self.tool(*line, "-dest", "Moon"), "HSM", code=2)
        self.refused(self.tool("Add-AzureKeyVaultKey", "-VaultName", "contoso", "-KeyFilePath", path), "-Name", code=2)
        self.refused(self.send("contoso", "under_score", path), "key's name")
        self.sign_in()
        self.refused(self.send("a/b", "x", path), "name of a vault")

    # ---- vaults and subscriptions

    def test_vault__create_list_show__over_rest(self):
        run = lambda *words: self.tool("keyquay", *words, "--data", self.world.data)  # noqa: E731
        made = run("vault", "create", "tools-vault", "--location", "West US 2", "--sku", "standard", "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(json.loads(made.stdout)["properties"]["sku"]["name"], "standard")
        self.assertIn("tools-vault", run("vault", "list").stdout)
        self.assertIn("westus2", run("vault", "show", "tools-vault").stdout)
        self.refused(run("vault", "create", "tools-vault", "--location", "eastus"), "already")
        self.refused(run("vault", "show", "nobody"), "no vault")
        self.refused(run("vault", "create", "x1y", "--location", "atlantis"), "location")
        self.refused(run("vault", "create", "x1y"), "--location", code=2)
        self.refused(run("vault", "create", "no_name", "--location", "eastus"), "name of a vault")

    def test_folder_that_is_not_there__no_other_account_is_used(self):
        for command in ("vault", "subscription", "principal"):
            with self.subTest(command):
                self.refused(self.tool("keyquay", command, "list", "--data", "/nowhere"),
                             "/nowhere: there is no such folder", "keyquay up")

    def test_vault__location_of_a_region_that_is_not_there__makes_it(self):
        made = self.tool("keyquay", "vault", "create", "tokyo-vault", "--location", "japaneast", "--data", self.world.data,
                         "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(json.loads(made.stdout)["location"], "japaneast")
        announced = self.world.read("endpoints.json")
        self.assertIn("JPN-1", [region["code"] for region in announced["regions"]])
        created = self.world.vault("POST", "tokyo-vault", "/keys/first/create", {"kty": "EC-HSM", "crv": "P-256"})
        self.assertEqual(created.status, 200, created)
        type(self).world.endpoints = announced

    def test_subscription__create_twice__is_one(self):
        run = lambda *words: self.tool("keyquay", "subscription", *words, "--data", self.world.data)  # noqa: E731
        first, second = run("create", "Rehearsals", "--json"), run("create", "Rehearsals", "--json")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(json.loads(first.stdout), json.loads(second.stdout))
        self.assertEqual(run("list").stdout.count("Rehearsals"), 1)
        self.refused(run("create", ""), "1 to 64")


class Lifetime(unittest.TestCase):
    def test_down__and_up_again__everything_is_as_before(self):
        with VaultWorld(regions=("NA",), vaults={"contoso": "eastus"}) as world:
            made = world.vault("POST", "contoso", "/keys/k/create", {"kty": "RSA-HSM"}).json
            world.down()
            stopped = world.run("keyquay", "status", "--data", world.data, "--json")
            self.assertEqual(stopped.returncode, 4, stopped.stderr)
            self.assertFalse(json.loads(stopped.stdout)["running"])
            credential = ["-Credential", os.path.join(world.data, "credentials.json")]
            away = world.run("Add-AzureAccount", *credential)
            self.assertEqual(away.returncode, 4, away.stderr)
            self.assertIn("keyquay status", away.stderr)
            nothing = world.run("keyquay", "down", "--data", world.data)
            self.assertEqual(nothing.returncode, 0)
            self.assertIn("Nothing was running", nothing.stdout)
            before = world.endpoints
            world.up()
            self.assertEqual(world.endpoints, before)
            self.assertEqual(world.vault("GET", "contoso", "/keys/k").json["key"], made["key"])

    def test_up__ephemeral__leaves_nothing_behind(self):
        with VaultWorld(start=False) as world:
            done = world.run("keyquay", "up", "--ephemeral", "--quiet", "--region", "NA", "--domain", world.domain, "--listen",
                             f"127.0.0.1:{world.port}")
            self.assertEqual(done.returncode, 0, done.stderr)
            data = json.loads(done.stdout)["data"]
            self.assertTrue(os.path.exists(os.path.join(data, "credentials.json")))
            down = world.run("keyquay", "down", "--data", data)
            self.assertEqual(down.returncode, 0, down.stderr)
            self.assertFalse(os.path.exists(data))

    def test_up__interrupted__the_next_finishes_it(self):
        with VaultWorld(start=False) as world:
            command = [os.path.join(BIN, "keyquay"), "up", "--quiet", "--data", world.data, "--region", "NA,EU", "--domain",
                       world.domain, "--listen", f"127.0.0.1:{world.port}", "--vault", "contoso:eastus"]
            for wait in (0.1, 0.4, 0.9):
                child = subprocess.Popen(command, env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                         stdin=subprocess.DEVNULL, start_new_session=True)
                time.sleep(wait)
                os.killpg(child.pid, 9)
                child.wait()
            world.vaults = {"contoso": "eastus"}
            deadline = time.monotonic() + 60
            while True:  # the killed one's modules may still be ending
                try:
                    world.up()
                    break
                except RuntimeError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.5)
            self.assertEqual(world.vault("POST", "contoso", "/keys/k/create", {"kty": "EC-HSM"}).status, 200)


if __name__ == "__main__":
    unittest.main()
