"""The pages of docs/guide do what they say: each piece runs, in the page's order."""
import glob
import os
import shutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
sys.path.insert(0, HERE)
from azcli import Az  # noqa: E402
from clients import Client, JavaScript, Python  # noqa: E402
from snippets import GUIDE, Page, substitutes  # noqa: E402
from travel import Traveller  # noqa: E402
from vault_world import VaultWorld  # noqa: E402

PACKAGE = "TransferPackage-ContosoFirstHSMkey.byok"
LABELS = ["contoso.vault", "plans.vault", "contosokeyvaulthsm.vault"]
# test_az.py runs az.md. The others are about officers with cards, lost machines and systemd: nothing runs them line by line.
ELSEWHERE = {"az.md"}
NOT_RUN = {"ceremony.md", "recover.md", "operate.md"}


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults={"contoso": "eastus"})
        cls.addClassCleanup(cls.world.__exit__)
        with Traveller(cls.world) as owner:
            cls.package = os.path.join(cls.world.folder, PACKAGE)
            shutil.copy(owner.package("contosokey", "NA-1", "ContosoFirstHSMkey"), cls.package)

    def run_page(self, name, client, programs=None):
        """programs: a folder that comes first on the reader's PATH."""
        folder = os.path.join(self.world.folder, name)
        os.mkdir(folder)
        shutil.copy(self.package, folder)
        if isinstance(client, JavaScript):
            os.symlink(os.path.join(client.folder, "node_modules"), os.path.join(folder, "node_modules"))
        environment = {**self.world.environment, "PYTHONDONTWRITEBYTECODE": "1"}
        if programs:
            environment["PATH"] = programs + os.pathsep + environment["PATH"]
        # A reader's shell knows nothing of the vault before the page says it.
        for name_of in ("AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "KEYQUAY_ENDPOINTS"):
            environment[name_of] = ""
        return Page(name, substitutes(self.world)).run(lambda command: client.start(command, environment), folder)

    def test_javascript__each_piece_runs(self):
        client = JavaScript(self.world, LABELS)
        self.run_page("javascript.md", client, os.path.dirname(shutil.which(client.node)))

    def test_python__each_piece_runs(self):
        client = Python(self.world, LABELS)
        self.run_page("python.md", client, os.path.join(client.folder, "bin"))

    def test_shell_pages__each_piece_runs(self):
        for name in ("curl.md", "terraform.md", "host.md"):
            with self.subTest(name):
                self.run_page(name, Client(None, self.world, LABELS))

    def test_readme__its_minute_runs(self):
        """In a world of its own, for it ends with `keyquay down`."""
        with VaultWorld(vaults={"contoso": "eastus"}) as world:
            python, az = Python(world, LABELS), Az(world, LABELS)
            programs = [os.path.join(python.folder, "bin"), os.path.dirname(az.program), world.environment["PATH"]]
            az.configure("azure", NFAST_HOME=world.environment["NFAST_HOME"], PATH=os.pathsep.join(programs))
            Page(os.path.join(GUIDE, "..", "..", "README.md"), substitutes(world)).run(az.start, world.folder)

    def test_pages__all_but_those_named_are_run(self):
        here = {"javascript.md", "python.md", "curl.md", "terraform.md", "host.md"}
        found = {os.path.basename(path) for path in glob.glob(os.path.join(GUIDE, "*.md"))}
        self.assertEqual(found, here | ELSEWHERE | NOT_RUN)


if __name__ == "__main__":
    unittest.main()
