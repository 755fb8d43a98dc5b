"""The page that a person sees who opens a vault's address in a browser: what it
says is true, its commands work as they stand, everybody can read it."""
import hashlib
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, HERE)
from azcli import Az  # noqa: E402
from clients import Client, JavaScript, Python, prepare  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

VAULT = "ContosoKeyVaultHSM"
BROWSER = shutil.which("chromium")


class Blocks(html.parser.HTMLParser):
    """The text of each element with an id."""

    def __init__(self, page):
        super().__init__()
        self.open = []
        self.text = {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link"):
            self.open.append(dict(attrs).get("id"))

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        for name in filter(None, self.open):
            self.text[name] = self.text.get(name, "") + data


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={VAULT: "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.answer = cls.world.request("GET", cls.world.vault_url(VAULT, "/"), version=None)
        cls.blocks = Blocks(cls.answer.raw.decode()).text
        cls.region = next(region for region in cls.world.endpoints["regions"] if region["code"] == "NA-1")
        made = cls.world.vault("POST", VAULT, "/keys/listed/create", {"kty": "EC-HSM"})
        assert made.status == 200, made

    # ---- what it says

    def test_facts__are_those_of_the_vault(self):
        self.assertEqual(self.answer.status, 200)
        self.assertEqual(self.answer.headers["Content-Type"], "text/html; charset=utf-8")
        for name, value in (("address", self.world.vault_url(VAULT).lower()), ("geography", "UnitedStates"),
                            ("region", "NA-1"), ("location", "eastus"), ("sku", "premium"),
                            ("tenant", self.world.credentials["tenantId"]), ("toolset-sha256", self.region["toolsetSha256"])):
            self.assertEqual(self.blocks[name], value)
        self.assertRegex(self.blocks["api-version"], r"^2025-07-01 ")

    def test_hashes__in_groups__are_those_of_the_region(self):
        for name, value in (("root-hash", self.region["rootHash"]), ("world-hash", self.region["world"])):
            self.assertRegex(self.blocks[name], r"^([0-9a-f]{8} ){8}$")
            self.assertEqual(self.blocks[name].replace(" ", ""), value)
        self.assertIn(b"one for rehearsals", self.answer.raw)

    def test_toolset__link__leads_to_the_bytes_of_its_hash(self):
        link = re.search(rb'id="toolset" href="([^"]+)"', self.answer.raw)[1].decode()
        fetched = self.world.request("GET", self.world.vault_url(VAULT, link), version=None)
        self.assertEqual(hashlib.sha256(fetched.raw).hexdigest(), self.blocks["toolset-sha256"])
        with open(self.world.ca, "rb") as file:
            self.assertEqual(self.world.request("GET", self.world.vault_url(VAULT, "/ca.pem"), version=None).raw, file.read())

    def test_policy__lets_in_only_what_the_page_brings(self):
        policy = dict(part.strip().split(" ", 1) for part in self.answer.headers["Content-Security-Policy"].split(";"))
        nonce = re.fullmatch(r"'nonce-([0-9a-f]{32})'", policy["script-src"])[1]
        self.assertEqual(policy, {"default-src": "'none'", "style-src": f"'nonce-{nonce}'", "script-src": f"'nonce-{nonce}'",
                                  "img-src": "data:", "base-uri": "'none'", "form-action": "'none'",
                                  "frame-ancestors": "'none'"})
        again = self.world.request("GET", self.world.vault_url(VAULT, "/"), version=None)
        self.assertNotIn(nonce, again.raw.decode())
        self.assertEqual(self.answer.headers["Referrer-Policy"], "no-referrer")

    # ---- its commands, as they stand

    def reader(self, client, programs=None):
        """Runs commands as a reader would who filled in the two gaps of the first block."""
        folder = os.path.join(self.world.folder, self.id().rsplit(".", 1)[1])
        os.mkdir(folder)
        shutil.copy(self.world.ca, os.path.join(folder, "ca.pem"))
        before = self.blocks["environment"]
        for name, key in (("CLIENT_ID", "clientId"), ("CLIENT_SECRET", "clientSecret")):
            self.assertIn(f"AZURE_{name}=...", before)
            before = before.replace(f"AZURE_{name}=...", f"AZURE_{name}='{self.world.credentials[key]}'")
        path = (programs + os.pathsep if programs else "") + self.world.environment["PATH"]
        settings = {"PATH": path, "NFAST_HOME": self.world.environment["NFAST_HOME"], "PYTHONDONTWRITEBYTECODE": "1",
                    "AZURE_CONFIG_DIR": os.path.join(folder, "azure"), "AZURE_CORE_COLLECT_TELEMETRY": "false"}

        def run(commands):
            done = client.start(["bash", "-e", "-c", f"cd {folder}\n{before}\n{commands}"], settings)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done.stdout
        return folder, run

    def names(self):
        return [f"{VAULT.lower()}.vault", f"{VAULT}.vault"]

    def test_fetch__as_shown__ends_in_success(self):
        _, run = self.reader(Client(None, self.world, self.names()))
        said = run(self.blocks["fetch"])
        self.assertIn("KeyVault-BYOK-Tools-UnitedStates.zip: OK", said)
        self.assertIn("Result: SUCCESS", said)

    def test_curl__as_shown__lists_the_keys(self):
        _, run = self.reader(Client(None, self.world, self.names()))
        self.assertIn("/keys/listed", json.loads(run(self.blocks["curl"]))["value"][0]["kid"])

    def test_javascript__as_shown__lists_the_keys(self):
        client = JavaScript(self.world, self.names())
        folder, run = self.reader(client)
        os.symlink(os.path.join(client.folder, "node_modules"), os.path.join(folder, "node_modules"))
        self.assertEqual(run(f"cat >list.mjs <<'END'\n{self.blocks['javascript']}\nEND\n{client.node} list.mjs"), "listed\n")

    def test_python__as_shown__lists_the_keys(self):
        client = Python(self.world, self.names())
        _, run = self.reader(client, os.path.join(client.folder, "bin"))
        self.assertEqual(run(f"cat >list.py <<'END'\n{self.blocks['python']}\nEND\npython list.py"), "listed\n")

    def test_az__as_shown__lists_the_keys(self):
        az = Az(self.world, self.names())
        _, run = self.reader(Client(None, self.world, self.names()), os.path.dirname(az.program))
        said = run(self.blocks["az"])
        self.assertIn("/keys/listed", said)


@unittest.skipUnless(BROWSER and shutil.which("certutil"), "no chromium and certutil here: the page was not seen by a browser")
class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(regions=("NA",), vaults={VAULT: "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        cls.said = cls.look()

    @classmethod
    def look(cls):
        """The browser trusts the world's authority, in a profile of its own; it switches no check off."""
        folder = prepare("page")
        shutil.copy(os.path.join(HERE, "page", "page.mjs"), folder)
        known = os.path.join(cls.world.folder, ".pki", "nssdb")
        os.makedirs(known)
        for arguments in (["-N", "--empty-password"], ["-A", "-n", "keyquay", "-t", "C,,", "-i", cls.world.ca]):
            subprocess.run(["certutil", "-d", "sql:" + known, *arguments], check=True)
        done = subprocess.run(["node", os.path.join(folder, "page.mjs"), cls.world.vault_url(VAULT.lower(), "/"), BROWSER,
                               cls.world.folder], env={**os.environ, "HOME": cls.world.folder}, capture_output=True,
                              text=True, check=False, timeout=300)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_opened__shows_the_vault__without_complaint(self):
        self.assertEqual(self.said["status"], 200)
        self.assertEqual(self.said["title"], f"{VAULT} - key vault")
        self.assertEqual(self.said["headings"][0], f"H1 {VAULT}")
        self.assertEqual(self.said["complaints"], [])

    def test_requests__go_to_the_vault_alone(self):
        self.assertEqual(set(self.said["requests"]), {self.world.vault_url(VAULT.lower(), "/")})

    def test_buttons__copy_what_is_shown__by_keyboard(self):
        self.assertEqual(set(self.said["commands"]), {"fetch", "environment", "az", "javascript", "python", "curl"})
        self.assertEqual(self.said["copied"], self.said["commands"])
        self.assertEqual(self.said["announced"], "Copied: curl")
        self.assertEqual(self.said["selected"].strip(), self.said["commands"]["fetch"].strip())

    def test_keyboard__reaches_all__and_sees_where_it_is(self):
        reached = [one["name"] for one in self.said["reached"]]
        for name in ("toolset", "ca", *self.said["commands"]):
            self.assertIn(name, reached)
        self.assertEqual(sum(name.startswith("Copy: ") for name in reached), len(self.said["commands"]))
        self.assertEqual([one for one in self.said["reached"] if not one["seen"]], [])

    def test_judge_of_accessibility__finds_nothing(self):
        for name, judged in self.said["judged"].items():
            with self.subTest(name):
                self.assertEqual(judged["violations"], [])
                self.assertGreater(judged["rules"], 20)

    def test_narrow__does_not_scroll_sideways(self):
        self.assertEqual(self.said["judged"]["narrow"]["width"], [320, 320])

    def test_without_scripts__says_the_same(self):
        self.assertEqual(self.said["buttons_without_scripts"], 0)
        seen = re.sub(r"\s+", " ", self.said["body"])
        for title in (heading[3:] for heading in self.said["headings"] if heading.startswith("H3 ")):
            self.assertIn(f"Copy : {title} ", seen)
            seen = seen.replace(f"Copy : {title} ", "")
        self.assertEqual(re.sub(r"\s+", " ", self.said["still"]), seen)



if __name__ == "__main__":
    unittest.main()
