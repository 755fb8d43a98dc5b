"""A symbolic model of the transfer (docs/protocols/transfer.md).

Cryptography is perfect and bytes are terms. The attacker owns every wire and
file, keys and modules of his own, and may ask every honest module anything, in
any order, as often as he likes. What an honest module does depends only on its
trust lists, the clock and the terms it is shown, and what the attacker knows
only grows; so instead of walking every order of events the search shows each
module everything the attacker can show it, takes what comes out, and repeats
until nothing new appears. That state contains all others of the same clock.

Each protective element has a name in ELEMENTS; a search runs with a set of
elements taken out and returns the properties that break, each with a witness.
"""
from itertools import product

# ---- what can be taken out ----------------------------------------------------

ELEMENTS = {
    "label": "OAEP label is the hash of H",
    "signature": "source's signature",
    "signed-ciphertext": "signature covers the ciphertext, not H alone",
    "public-key": "public key in H, compared with the key that comes out",
    "names-signer": "H names the key that signs",
    "target": "exchange key and world of H compared with the destination's own",
    "origin-esn": "ESN of H compared with the source's warrant",
    "origin-root": "source's warrant leads to a root the destination trusts",
    "origin-policy": "policy 'attested only'",
    "subscription": "subscription of H compared with the caller's",
    "import-date": "end date of H compared with the clock",
    "root": "root trusted (source)",
    "world": "world trusted (source)",
    "quorum": "quorum bound to the parameters of the act",
    "copy": "reduced copy names exchange key and world",
    "module-state": "module state",
    "kind": "world binding: kind region, no recovery",
    "region": "region statement",
    "generation": "generation not below the newest seen",
    "statement-date": "region statement not past its end",
    "belongs": "exchange key belongs to the world",
    "acl": "exchange key ACL equals the template",
    "acl-denylist": "exchange key ACL by allow-list (a list of forbidden rights instead)",
}

# ---- the cast --------------------------------------------------------------------
# Keys are names. M: module signing keys, N: the KNSO of a world, R: roots.

REAL_MODULES = {  # module -> (root, world); the attacker owns S2, DX and DR
    "S1": ("ROOT", "WS1"), "S2": ("ROOT", "WS2"), "D1": ("ROOT", "W1"), "D2": ("ROOT", "W2"),
    "DX": ("ROOT", "WX"), "DR": ("ROOT", "WR"),
}
KINDS = {"WS1": "owner", "WS2": "owner", "W1": "region", "W2": "region", "WX": "region", "WR": "owner"}
RECOVERY = {"WS1": "recovery", "WS2": "recovery", "WR": "recovery"}
# exchange keys: where they live, generation, end of the region statement
REAL_KEKS = {"KEK0": ("D1", 1, 0), "KEK1": ("D1", 2, 1), "KEK2": ("D2", 1, 1), "KEKX": ("DX", 1, 1)}
SUBSCRIPTIONS = ("SUB1", "SUBX")
FAKE_MODULE, FAKE_WORLD = "F", "WF"  # made of software by the attacker, under his own root ROOTX
WORLDS = ("W1", "W2", "WX", "WR", "WF", "WS2")
ESNS = ("F", "DR", "S2", "DX", "D1", "D2", "S1")


def template(world):
    return ("template", world)


LAX = ("template-and-decrypt",)

SCENARIOS = {
    # KEK0 was retired because it leaked; this source has seen generation 2.
    "honest operator": {"trusted": {"W1", "W2"}, "intended": {"W1"}, "seen": {"W1": 2}, "clock": 0, "operator": False},
    # The operator himself cheats: he published the hashes of worlds he could open, holds the quorum of W1,
    # and has its module make keys with more rights.
    "dishonest operator": {"trusted": {"W1", "WR", "WF"}, "intended": {"W1", "WR", "WF"}, "seen": {"W1": 2},
                           "clock": 0, "operator": True},
    # A source that never saw generation 2, after the end of generation 1.
    "first contact": {"trusted": {"W1"}, "intended": {"W1"}, "seen": {}, "clock": 1, "operator": False},
}
# A region's name is a text: these worlds say what the officers want to read, so only the trust lists stop them.
POSING = {"WX", "WR", "WF", "WS2"}


def signed(key, *body):
    return ("signed", key, body)


def make_header(removed, package_id, end, kek, world, subscription, esn, signer, public):
    return ("H", package_id, end, kek, world, subscription, esn, signer, "-" if "public-key" in removed else public)


class Search:
    def __init__(self, scenario, removed):
        self.scenario = SCENARIOS[scenario]
        self.removed = frozenset(removed)
        self.broken = {}  # property -> witness
        self.known_keys = {"R:ROOTX", "M:F", "N:WF", "N:WR", "N:WS2", "KA", "KEK0", "KEKF", "KEKR", "KEKS"}
        # Ordered sets: the same search finds the same witness each time.
        self.statements, self.oaeps, self.kwps, self.signatures = {}, {}, {}, {}
        self.made = {}  # (module, H, key): what real modules exported
        self.attested = {}
        self.examined = 0
        self.publish()

    def has(self, element):
        return element not in self.removed

    # ---- what the attacker starts with ---------------------------------------

    def publish(self):
        """Everything the real modules say about themselves, truthfully."""
        for module, (root, world) in REAL_MODULES.items():
            self.publishes(signed("R:" + root, "warrant", module, "M:" + module),
                           signed("M:" + module, "state", module, "M:" + module, world, KINDS[world]),
                           signed("N:" + world, "binding", world, KINDS[world], RECOVERY.get(world, "-")))
        for kek, (module, generation, end) in REAL_KEKS.items():
            self.publish_kek(kek, module, generation, end, template(REAL_MODULES[module][1]))
        # Real modules in owners' worlds make keys with any ACL; their cards bring the keys out.
        for world in WORLDS:
            self.publishes(signed("M:DR", "keygen", "DR", "WR", "KEKR", template(world)),
                           signed("M:S2", "keygen", "S2", "WS2", "KEKS", template(world)))
        if self.scenario["operator"]:
            self.publish_kek("KEKL", "D1", 2, 1, LAX)
            self.known_keys.add("KEKL")  # its right to decrypt is as good as the key

    def publish_kek(self, kek, module, generation, end, acl):
        world = REAL_MODULES[module][1]
        self.publishes(signed("M:" + module, "keygen", module, world, kek, acl),
                       signed("N:" + world, "region", world, kek, generation, end))

    def publishes(self, *statements):
        self.statements.update(dict.fromkeys(statements))

    def shown(self, *patterns):
        """Every statement of that form the attacker can show: heard, or signed with a key he knows.
        patterns: the type, then for each field the values that are tried."""
        fields = patterns[1:]
        for _, key, body in self.statements:
            if body[0] == patterns[0] and all(value in allowed for value, allowed in zip(body[1:], fields)):
                yield signed(key, *body)
        for key in sorted(self.known_keys):
            if key[:2] in ("R:", "M:", "N:"):
                for values in product(*fields):
                    yield signed(key, patterns[0], *values)

    # ---- the source: which exchange keys pass --------------------------------

    def chains(self, keys):
        """For a signing key of a module: (esn, root) of each warrant that can be shown."""
        for warrant in self.shown("warrant", ESNS, keys):
            root = warrant[1]
            if not root.startswith("R:"):
                continue
            if not self.has("root") or not self.has("quorum") or root == "R:ROOT":
                yield warrant[2][1], warrant[2][2], root[2:]

    def worlds(self):
        """(world, root): world packages that pass checks 1 to 3 and the trust lists."""
        all_keys = sorted({"M:" + m for m in REAL_MODULES} | {"M:F"})
        chains = list(dict.fromkeys(self.chains(all_keys)))
        for world in WORLDS:
            if self.has("world") and self.has("quorum") and world not in self.scenario["trusted"]:
                continue
            bound = any(b[1] == "N:" + world and (not self.has("kind") or b[2][2:] == ("region", "-"))
                        for b in self.shown("binding", (world,), ("region", "owner"), ("-", "recovery")))
            if not bound:
                continue
            kinds = ("region",) if self.has("kind") else ("region", "owner")
            for esn, key, root in chains:
                if not self.has("module-state") or any(
                        s[1] == key for s in self.shown("state", (esn,), (key,), (world,), kinds)):
                    yield world, esn, key, root

    def region_allows(self, world, kek):
        """A region statement that lets this key pass checks 4 and 6 and the generation."""
        if not self.has("region"):
            return True
        keks = (kek,) if self.has("belongs") else sorted(REAL_KEKS) + [kek]
        return any(s[1] == "N:" + world
                   and (not self.has("generation") or s[2][3] >= self.scenario["seen"].get(world, 0))
                   and (not self.has("statement-date") or s[2][4] >= self.scenario["clock"])
                   for s in self.shown("region", (world,), keks, (1, 2), (0, 1)))

    def acl_passes(self, acl, world):
        if not self.has("acl"):
            return True
        if not self.has("acl-denylist"):
            return acl in (template(world), LAX)  # Decrypt was not on the list
        return acl == template(world)

    def exchange_keys(self):
        """(kek, world, how): everything transfer_copy accepts."""
        keks = ["KEKF", "KEKS", "KEKR", "KEKL"] + sorted(REAL_KEKS)
        acls = [template(w) for w in WORLDS] + [LAX]
        found = {}
        all_keys = sorted({"M:" + m for m in REAL_MODULES} | {"M:F"})
        chains = list(dict.fromkeys(self.chains(all_keys)))
        worlds = list(dict.fromkeys(self.worlds()))
        for esn, key, root in chains:
            for keygen in dict.fromkeys(self.shown("keygen", (esn,), WORLDS, keks, acls)):
                if keygen[1] != key:
                    continue
                _, _, home, kek, acl = keygen[2]
                for world, state_esn, _, state_root in worlds:
                    self.examined += 1
                    if state_root != root or (self.has("belongs") and home != world):
                        continue
                    if (kek, world) not in found and self.acl_passes(acl, world) and self.region_allows(world, kek):
                        found[kek, world] = (f"KEK package: {kek}, certified by {esn} for {home} with ACL "
                                             f"{acl[0]} under {root}; world package: {world} with module {state_esn}")
        return found

    # ---- the source: packages ----------------------------------------------------

    def export(self):
        for (kek, world), how in self.exchange_keys().items():
            authorised = world in self.scenario["intended"] | POSING or not self.has("quorum")
            if not authorised and self.has("copy"):
                continue
            if kek == "KEKL" or kek not in REAL_KEKS or world not in REAL_MODULES_OF_REGIONS:
                self.breaks("template", f"{how}; S1 makes a package for {kek}")
            self.package("S1", "K1", kek, world, "SUB1", how)
        for kek, (module, _, _) in REAL_KEKS.items():  # the attacker's own module exports his own key
            for subscription in SUBSCRIPTIONS:
                self.package("S2", "KA", kek, REAL_MODULES[module][1], subscription, "S2 exports KA")

    def package(self, module, key, kek, world, subscription, how):
        package_id, ephemeral = f"id-{module}-{kek}-{subscription}", f"e-{module}-{kek}-{subscription}"
        header = make_header(self.removed, package_id, 0 if self.scenario["clock"] == 0 else 1, kek, world,
                             subscription, module, "M:" + module, key)
        oaep, kwp = ("oaep", kek, self.label(header), ephemeral), ("kwp", ephemeral, key)
        self.oaeps[oaep] = self.kwps[kwp] = None
        self.signatures["M:" + module, header, self.covered(oaep, kwp)] = None
        self.made[module, header, key] = None
        if kek in self.known_keys:
            self.known_keys |= {ephemeral, key}
            if key == "K1":
                self.breaks("secrecy", f"{how}; S1 makes a package; the attacker knows {kek} and opens it")

    def label(self, header):
        return ("hash", header) if self.has("label") else "constant"

    def covered(self, oaep, kwp):
        return (oaep, kwp) if self.has("signed-ciphertext") else "-"

    # ---- the destination ------------------------------------------------------------

    def destination(self):
        for clock in (0, 1):
            for kek, (module, _, _) in REAL_KEKS.items():
                for policy in ("any", "attested"):
                    for caller in SUBSCRIPTIONS:
                        self.imports(module, kek, caller, policy, clock)

    def headers(self, kek, world, caller):
        """Headers that pass the comparisons; the attacker may write any of these."""
        ids = sorted({m[1][1] for m in self.made} | {"id-attacker"})
        subscriptions = (caller,) if self.has("subscription") else SUBSCRIPTIONS
        signers = ("M:S1", "M:S2", "M:F")
        targets = [(kek, world)]
        if not self.has("target"):
            targets = [(k, REAL_MODULES[m][1]) for k, (m, _, _) in REAL_KEKS.items()]
        for package_id, end, (h_kek, h_world), subscription, esn, signer, public in product(
                ids, (0, 1), targets, subscriptions, ("S1", "S2", "F"), signers, ("K1", "KA")):
            yield make_header(self.removed, package_id, end, h_kek, h_world, subscription, esn, signer, public)

    def ciphertexts(self, kek, header):
        """(oaep, kwp, key): what opens under this exchange key with the label of this header."""
        label = self.label(header)
        for oaep in [*self.oaeps, ("oaep", kek, label, "e-attacker")]:
            if oaep[1] != kek or oaep[2] != label:
                continue
            own = [("kwp", oaep[3], k) for k in ("KA", "K1")
                   if k in self.known_keys and (oaep[3] == "e-attacker" or oaep[3] in self.known_keys)]
            for kwp in dict.fromkeys([*self.kwps, *own]):
                if kwp[1] == oaep[3]:
                    yield oaep, kwp, kwp[2]

    def signers(self, header, oaep, kwp):
        """Keys under which the attacker can show a signature over header and ciphertext."""
        if not self.has("signature"):
            yield header[7]
            return
        for key, signed_header, covered in self.signatures:
            if signed_header == header and covered == self.covered(oaep, kwp):
                yield key
        for key in sorted(self.known_keys):
            if key.startswith("M:"):
                yield key

    def is_attested(self, esn, signer):
        if (esn, signer) not in self.attested:
            self.attested[esn, signer] = self.has_warrant(esn, signer)
        return self.attested[esn, signer]

    def has_warrant(self, esn, signer):
        roots = ("R:ROOT",) if self.has("origin-root") else ("R:ROOT", "R:ROOTX")
        esns = (esn,) if self.has("origin-esn") else ESNS
        return any(w[1] in roots for w in self.shown("warrant", esns, (signer,)))

    def imports(self, module, kek, caller, policy, clock):
        world = REAL_MODULES[module][1]
        for header in dict.fromkeys(self.headers(kek, world, caller)):
            if self.has("import-date") and header[2] < clock:
                continue
            for oaep, kwp, key in self.ciphertexts(kek, header):
                self.examined += 1
                if header[8] not in ("-", key):
                    continue
                for signer in self.signers(header, oaep, kwp):
                    if self.has("names-signer") and signer != header[7]:
                        continue
                    attested = self.is_attested(header[6], signer)
                    if policy == "attested" and self.has("origin-policy") and not attested:
                        continue
                    self.imported(module, world, caller, policy, clock, header, key, signer, attested)

    def imported(self, module, world, caller, policy, clock, header, key, signer, attested):
        how = (f"{module} imports {key} for {caller} under H({header[1]}, {header[5]}, source {header[6]}), "
               f"signed by {signer}, {'attested' if attested else 'self-asserted'}, clock {clock}")
        if key == "K1" and (caller != "SUB1" or world not in self.scenario["intended"]):
            self.breaks("destination", how)
        if key == "K1" and signer != "M:S1":
            self.breaks("signer", how)
        if attested and (header[6], header, key) not in self.made:
            self.breaks("origin", how)
        if policy == "attested" and not any(m[1] == header and m[2] == key for m in self.made):
            self.breaks("policy", how)
        if clock > header[2]:
            self.breaks("date", how)

    def breaks(self, name, witness):
        self.broken.setdefault(name, witness)

    def run(self):
        before = None
        while before != (len(self.oaeps), len(self.known_keys)):
            before = (len(self.oaeps), len(self.known_keys))
            self.export()
        self.destination()
        return self.broken


REAL_MODULES_OF_REGIONS = {world for _, world in REAL_MODULES.values() if KINDS[world] == "region"}

PROPERTIES = {
    "secrecy": "the attacker never learns the transferred key",
    "destination": "the key is imported only in the intended world, for the intended subscription",
    "template": "no package for an exchange key outside a real region world or with another ACL than the template",
    "signer": "the key is imported only under the signature of the module that exported it",
    "origin": "what is recorded as attested was exported by that real module, with that H and that key",
    "policy": "under the policy 'attested only' every imported key was exported by a real module",
    "date": "nothing is imported after the end date in H",
}


def search(removed):
    """Runs all scenarios; returns {(scenario, property): witness} and the number of cases examined."""
    broken, examined = {}, 0
    for scenario in SCENARIOS:
        one = Search(scenario, removed)
        for name, witness in one.run().items():
            broken[scenario, name] = witness
        examined += one.examined
    return broken, examined
