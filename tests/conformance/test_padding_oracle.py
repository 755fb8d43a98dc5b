"""RSA1_5 tells a client nothing about the padding: an adaptive search that works against a leaking service fails here.

The search is Bleichenbacher's (CRYPTO 1998): from many questions "is the
padding of this right?" it finds what d does to a number, a decryption or a
signature. It is run against a service of our own making that says whether a
padding was right, where it must succeed, and against the vault with everything
that a client of the REST API sees, where it must not.

Not hidden is what the caller asked for, the plaintext itself. Time is not
measured here: tests/unit and dev/ctime look at that in the module.
"""
import random
import unittest

from vault_keys import VaultCase, base64url, rsa_jwk, unbase64url

SEED = 20260801
E = 65537
BITS = 2048
OCTETS = BITS // 8
B = 1 << 8 * (OCTETS - 2)
SAMPLES = 80  # ciphertexts of each kind
QUESTIONS = 100  # of one search over the network
SECRET = b"what only the holder can read: 32"[:32]


# ---- a key that is the same each time, so that every answer is

def is_prime(number, chance):
    if any(number % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(24):
        x = pow(chance.randrange(2, number - 1), odd, number)
        if x in (1, number - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % number
            if x == number - 1:
                break
        else:
            return False
    return True


def make_prime(chance):
    while True:
        number = chance.getrandbits(BITS // 2) | 3 << (BITS // 2 - 2) | 1
        if (number - 1) % E and is_prime(number, chance):
            return number


def make_key(chance):
    p, q = make_prime(chance), make_prime(chance)
    return p * q, pow(E, -1, (p - 1) * (q - 1)), p, q


# ---- ciphertexts

def nonzero(chance, count):
    return bytes(chance.randrange(1, 256) for _ in range(count))


def right_padding(chance, length):
    return b"\0\2" + nonzero(chance, OCTETS - 3 - length) + b"\0" + bytes(chance.randrange(256) for _ in range(length))


def any_length(chance):
    return chance.randrange(1, OCTETS - 11 + 1)


KINDS = {
    "right": lambda chance: right_padding(chance, any_length(chance)),
    "first byte": lambda chance: b"\1" + right_padding(chance, any_length(chance))[1:],
    "block type 1": lambda chance: b"\0\1" + right_padding(chance, any_length(chance))[2:],
    "block type 0": lambda chance: b"\0\0" + right_padding(chance, any_length(chance))[2:],
    "zero in the first eight": lambda chance: b"\0\2" + nonzero(chance, 3) + b"\0" + nonzero(chance, OCTETS - 6),
    "no zero": lambda chance: b"\0\2" + nonzero(chance, OCTETS - 2),
    "nothing like it": lambda chance: b"\5" + bytes(chance.randrange(256) for _ in range(OCTETS - 1)),
}


def is_right(number):
    """What a leaking service would say."""
    octets = number.to_bytes(OCTETS, "big")
    return octets[:2] == b"\0\2" and 0 not in octets[2:10] and 0 in octets[10:]


# ---- the search

class GaveUp(Exception):
    """No questions left, or the answers contradict each other."""


def ceil_div(a, b):
    return -(-a // b)


def search(n, says_right, limit):
    """What is m, if m is between 2B and 3B and says_right(s) answers for m * s? (steps 2 to 4 of the paper)"""
    count = 0

    def ask(s):
        nonlocal count
        count += 1
        if count > limit:
            raise GaveUp(f"{limit} questions")
        return says_right(s)

    ranges = [(2 * B, 3 * B - 1)]
    s = ceil_div(n, 3 * B)
    while not ask(s):
        s += 1
    while True:
        ranges = narrowed(n, ranges, s)
        if not ranges:
            raise GaveUp("the answers contradict each other")
        if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
            return ranges[0][0], count
        s = next_right(n, ranges, s, ask)


def next_right(n, ranges, s, ask):
    if len(ranges) > 1:
        s += 1
        while not ask(s):
            s += 1
        return s
    low, high = ranges[0]
    r = ceil_div(2 * (high * s - 2 * B), n)
    while True:
        for s in range(ceil_div(2 * B + r * n, high), (3 * B - 1 + r * n) // low + 1):
            if ask(s):
                return s
        r += 1


def narrowed(n, ranges, s):
    found = set()
    for low, high in ranges:
        for r in range(ceil_div(low * s - 3 * B + 1, n), (high * s - 2 * B) // n + 1):
            a, b = max(low, ceil_div(2 * B + r * n, s)), min(high, (3 * B - 1 + r * n) // s)
            if a <= b:
                found.add((a, b))
    return sorted(found)


# ---- the vault

class PaddingOracle(VaultCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chance = random.Random(SEED)
        cls.n, cls.d, p, q = make_key(cls.chance)
        cls.jwk = rsa_jwk(cls.n, E, cls.d, p, q)
        sealed = b"\0\2" + nonzero(cls.chance, OCTETS - 3 - len(SECRET)) + b"\0" + SECRET
        cls.m = int.from_bytes(sealed, "big")
        cls.sealed = pow(cls.m, E, cls.n)

    def setUp(self):
        self.name = self.bring(self.jwk)

    def visible(self, number, operation="decrypt"):
        """Everything of an answer but its time and the octets of the plaintext, by name."""
        answer = self.use(self.name, operation, "RSA1_5", number.to_bytes(OCTETS, "big"))
        body = answer.json
        value = body.get("value", "")
        headers = {name.lower(): text for name, text in answer.headers.items()
                   if name.lower() not in ("date", "x-ms-request-id", "content-length")}
        same = (answer.status, tuple(sorted(headers.items())), tuple(sorted(body)), body.get("kid"),
                str(body.get("error")), len(answer.raw) - len(value), len(answer.raw) - int(answer.headers["Content-Length"]))
        return same, len(unbase64url(value)), value

    def test_answers__right_and_each_wrong_padding__look_alike(self):
        """The same members, headers and status; lengths that are spread alike."""
        chance = random.Random(SEED + 1)
        seen, lengths = {}, {}
        for kind, make in KINDS.items():
            for i in range(SAMPLES):
                number = int.from_bytes(make(chance), "big")
                self.assertEqual(is_right(number), kind == "right")
                same, length, _ = self.visible(pow(number, E, self.n), ("decrypt", "unwrapkey")[i % 2])
                seen.setdefault(kind, set()).add(same)
                lengths.setdefault(kind, []).append(length)
        self.assertEqual(len(set.union(*seen.values())), 1, seen)
        # two-sample Kolmogorov-Smirnov at a level of 0.1 %: 1.95 * sqrt(2 / SAMPLES)
        limit = 1.95 * (2 / SAMPLES) ** 0.5
        for kind, sample in lengths.items():
            with self.subTest(kind):
                self.assertLess(self.distance(sample, lengths["right"]), limit)

    @staticmethod
    def distance(a, b):
        points = set(a) | set(b)
        return max(abs(sum(x <= point for x in a) / len(a) - sum(x <= point for x in b) / len(b)) for point in points)

    def test_noise__asked_again_and_by_the_other_operation__is_the_same(self):
        chance = random.Random(SEED + 2)
        for kind, make in KINDS.items():
            with self.subTest(kind):
                sealed = pow(int.from_bytes(make(chance), "big"), E, self.n)
                answers = {self.visible(sealed, operation) for operation in ("decrypt", "unwrapkey", "decrypt")}
                self.assertEqual(len(answers), 1)

    def test_search__of_a_service_that_leaks__finds_the_plaintext(self):
        """So that the next case means something."""
        found, count = search(self.n, lambda s: is_right(self.m * s % self.n), 5_000_000)
        self.assertEqual(found, self.m)
        self.assertGreater(count, 1000)

    def test_search__of_the_vault_by_all_that_a_client_sees__finds_nothing(self):
        usual = self.visible(self.sealed)
        readings = {
            "a 200": lambda s: self.told(s)[0][0] == 200,
            "anything but the usual answer": lambda s: self.told(s)[0] != usual[0],
            "the length of the secret": lambda s: self.told(s)[1] == len(SECRET),
            "at most the length of the secret": lambda s: self.told(s)[1] <= len(SECRET),
            "an even length": lambda s: self.told(s)[1] % 2 == 0,
            "a length of a key": lambda s: self.told(s)[1] in (16, 24, 32, 48, 64),
            "the plaintext itself": lambda s: SECRET in unbase64url(self.told(s)[2]),
        }
        for reading, says_right in readings.items():
            with self.subTest(reading):
                try:
                    found, _ = search(self.n, says_right, QUESTIONS)
                except GaveUp:
                    found = None
                self.assertNotEqual(found, self.m)

    def test_guesses__of_every_reading__are_no_better_than_chance(self):
        """A client learns from half of the answers which are right, and is asked about the other half."""
        chance = random.Random(SEED + 3)
        wrong = [kind for kind in KINDS if kind != "right"]
        sample = []
        for i in range(2 * SAMPLES):
            kind = "right" if i % 2 == 0 else wrong[i // 2 % len(wrong)]
            same, length, _ = self.visible(pow(int.from_bytes(KINDS[kind](chance), "big"), E, self.n))
            sample.append((kind == "right", same, length))
        learnt, asked = sample[:SAMPLES], sample[SAMPLES:]
        rules = [(lambda same, length, cut=cut: length <= cut) for cut in range(0, OCTETS, 8)]
        rules += [(lambda same, length, part=part: length % part == 0) for part in (2, 4, 8, 16)]
        rules += [lambda same, length: same == learnt[0][1]]

        def share(rule, cases):
            hits = sum(rule(same, length) == right for right, same, length in cases)
            return max(hits, len(cases) - hits) / len(cases)

        best = max(rules, key=lambda rule: share(rule, learnt))
        # half, and three standard deviations of a coin
        self.assertLess(share(best, asked), 0.5 + 3 * 0.5 / len(asked) ** 0.5)

    def told(self, s):
        return self.visible(self.sealed * pow(s, E, self.n) % self.n)


if __name__ == "__main__":
    unittest.main()
