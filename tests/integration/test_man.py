"""Man pages name the options that the programs have, and groff takes them."""
import glob
import os
import re
import shutil
import subprocess
import unittest

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGES = os.path.join(SOURCE, "docs", "man")
BIN = os.path.join(os.environ.get("KEYQUAY_BUILD", os.path.join(SOURCE, "build")), "bin")
LONG = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")
CMDLET = re.compile(r"(?<![\w-])-([A-Z][A-Za-z]+)")
# Programs whose help is spread over sub-commands, and the words that reach all of it.
HELPS = {
    "keyquay": [["help"], ["help", "bench"]] + [[name, "any", "--help"] for name in
               ("hsm", "enrol", "region", "root", "world", "key", "card", "audit", "receipt", "vault", "subscription",
                "principal", "issuer")]
               + [[name, "--help"] for name in ("up", "down", "status")],
    "KeyTransferRemote": [["-Help"]],
    "Get-FileHash": [["-Help"]],
    "Add-AzureAccount": [["-Help"]],
    "Get-AzureSubscription": [["-Help"]],
    "Add-AzureKeyVaultKey": [["-Help"]],
}
# hsm-module and hardserver are started by keyquay-hsm only.
INTERNAL = {"hsm-module", "hardserver"}


def page(name):
    with open(os.path.join(PAGES, name + ".1"), encoding="utf-8") as file:
        return file.read().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")


def help_of(name):
    texts = []
    for words in HELPS.get(name, [["--help"]]):
        done = subprocess.run([os.path.join(BIN, name), *words], capture_output=True, text=True, timeout=20,
                              stdin=subprocess.DEVNULL, check=False)
        texts.append(done.stdout + done.stderr)
    return "\n".join(texts)


def programs():
    names = [os.path.basename(path)[:-2] for path in sorted(glob.glob(os.path.join(PAGES, "*.1")))]
    return [name for name in names if os.path.exists(os.path.join(BIN, name))]


class Man(unittest.TestCase):
    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_every_page__groff_warns_of_nothing(self):
        for path in sorted(glob.glob(os.path.join(PAGES, "*.1"))):
            with self.subTest(path):
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", path], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    @unittest.skipUnless(os.path.isdir(BIN), "nothing is built")
    def test_every_program__has_a_page(self):
        built = {name for name in os.listdir(BIN) if os.access(os.path.join(BIN, name), os.X_OK)}
        built = {name for name in built if "." not in name and os.path.isfile(os.path.join(BIN, name))} - INTERNAL
        for name in sorted(built):
            with self.subTest(name):
                self.assertTrue(os.path.exists(os.path.join(PAGES, name + ".1")))

    @unittest.skipUnless(os.path.isdir(BIN), "nothing is built")
    def test_every_option_of_help__is_in_the_page(self):
        for name in programs():
            text, told = page(name), help_of(name)
            for option in sorted(set(LONG.findall(told)) | set(CMDLET.findall(told))):
                with self.subTest(f"{name} {option}"):
                    self.assertTrue(re.search(rf"-{option}\b", text), "in the help, not in the page")

    @unittest.skipUnless(os.path.isdir(BIN), "nothing is built")
    def test_every_option_of_the_page__is_in_help(self):
        for name in programs():
            told = help_of(name)
            section = page(name).split(".SH OPTIONS")[-1].split(".SH ")[0]
            for option in sorted(set(LONG.findall(section)) | set(CMDLET.findall(section))):
                with self.subTest(f"{name} {option}"):
                    self.assertTrue(re.search(rf"-{option}\b", told), "in the page, not in the help")


if __name__ == "__main__":
    unittest.main()
