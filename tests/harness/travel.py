"""A key on its way into a vault of the tests: an owner, and what he hands over.

    with Traveller(world) as owner:
        package = owner.package("mykey", "NA-1", "Friendly")
        world.import_package("contoso", "Friendly", package)
"""
import base64
import os

from journey import Journey, read


class Traveller:
    """An owner with a world of his own who trusts the regions of a VaultWorld."""

    def __init__(self, world):
        self.world = world
        self.journey = Journey()
        self.owner = self.journey.owner("alice")
        self.owner.new_world()
        self.keys = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.journey.close()

    def region(self, code):
        return next(region for region in self.world.endpoints["regions"] if region["code"] == code)

    def package(self, ident, code, friendly, *more, kind="type=RSA", size="size=2048", subscription=None):
        """The path of the .byok; more goes to KeyTransferRemote -Package."""
        region = self.region(code)
        owner = self.owner
        if ident not in self.keys:
            owner.new_key(ident, kind, size)
            self.keys.add(ident)
        owner.must("unzip", "-q", "-o", os.path.join(self.world.region_folder(region["name"]), "toolset",
                                                     f"KeyVault-BYOK-Tools-{region['name']}.zip"), "-d", owner.work)
        owner.expects(region)
        for done in (owner.modify(ident, code),
                     owner.package(ident, code, friendly, *more,
                                   subscription=subscription or self.world.endpoints["subscriptionId"])):
            if done.code != 0:
                raise AssertionError(done)
        return owner.path(f"TransferPackage-{friendly}.byok")

    def public_key(self, ident):
        """PEM, as the owner's side exports it."""
        path = self.owner.path(f"{ident}.pem")
        self.owner.must("keyquay", "key", "export-public", "--app", "simple", "--ident", ident, "--out", path)
        return read(path).decode()


def base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
