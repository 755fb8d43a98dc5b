"""A second reader of every format: a few lines of Python that know RFC 8949
and the documents' tables, and nothing of the C code, read the golden bytes.

Source  docs/formats/encoding.md; RFC 8949 4.2.1
"""
import glob
import importlib.machinery
import importlib.util
import os
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(SOURCE, "tests", "golden")


def load_tables():
    """The documents' tables, as dev/check-docs reads them."""
    loader = importlib.machinery.SourceFileLoader("check_docs", os.path.join(SOURCE, "dev", "check-docs"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_docs", loader))
    loader.exec_module(module)
    return module


def decode(data, at=0):
    """(value, where it ends): int, bytes, str or list."""
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    value = low
    if low >= 24:
        width = {24: 1, 25: 2, 26: 4, 27: 8}[low]
        value = int.from_bytes(data[at:at + width], "big")
        at += width
    if major == 0:
        return value, at
    if major in (2, 3):
        content = data[at:at + value]
        if len(content) != value:
            raise ValueError("truncated")
        return (bytes(content) if major == 2 else content.decode("utf-8")), at + value
    if major == 4:
        items = []
        for _ in range(value):
            item, at = decode(data, at)
            items.append(item)
        return items, at
    raise ValueError(f"major type {major}")


def encode_head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for low, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << (8 * width):
            return bytes([major << 5 | low]) + value.to_bytes(width, "big")
    raise ValueError(value)


def encode(value):
    if isinstance(value, int):
        return encode_head(0, value)
    if isinstance(value, bytes):
        return encode_head(2, len(value)) + value
    if isinstance(value, str):
        content = value.encode("utf-8")
        return encode_head(3, len(content)) + content
    return encode_head(4, len(value)) + b"".join(encode(item) for item in value)


def golden(path):
    return bytes.fromhex(open(path, encoding="ascii").read().replace("\n", ""))


KINDS = {"uint": int, "bytes": bytes, "text": str, "list": list}


def measure(value):
    if isinstance(value, str):
        return len(value.encode("utf-8"))
    return value if isinstance(value, int) else len(value)


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tables = load_tables()
        cls.records = dict(tables.records().values())
        cls.documented = {name: rows for name, (_, rows) in tables.documented().items()}
        cls.files = sorted(glob.glob(os.path.join(GOLDEN, "*.hex")))

    def test_every_named_record_of_the_wire_has_golden_bytes(self):
        found = {decode(golden(path))[0][0] for path in self.files if os.path.basename(path).startswith("keyquay-")}
        inside_module = {"keyquay/world-secrets", "keyquay/state"}
        named = {name for name in self.records if name.startswith("keyquay/")}
        self.assertEqual(sorted(named - inside_module - found), [])

    def test_golden_bytes_are_canonical(self):
        for path in self.files:
            data = golden(path)
            value, end = decode(data)
            self.assertEqual(end, len(data), path)
            self.assertEqual(encode(value), data, path)

    def test_named_records_are_what_the_documents_say(self):
        for path in self.files:
            value, _ = decode(golden(path))
            if not value or not isinstance(value[0], str) or not value[0].startswith("keyquay/"):
                continue
            name, version, *fields = value
            self.assertEqual(version, 1, path)
            self.check_fields(path, self.documented.get(name, self.records[name]), fields)

    def check_fields(self, path, rows, fields):
        self.assertEqual(len(fields), len(rows), path)
        for (field, kind, limits), value in zip(rows, fields):
            self.assertIs(type(value), KINDS[kind], f"{path}: {field}")
            low, _, high = limits.partition("..")
            self.assertTrue(int(low) <= measure(value) <= int(high or low), f"{path}: {field}")


if __name__ == "__main__":
    unittest.main()
