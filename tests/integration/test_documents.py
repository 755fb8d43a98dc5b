"""What the documents say beside the field tables (dev/check-docs) is what the sources say."""
import glob
import os
import re
import unittest

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ROW = re.compile(r"\{KQ_OP_(\w+),\s*\w+,\s*([^,{}]+),\s*([^,{}]+),\s*([^,{}]+?),?\s*\}")
ROLES = (("use", "USE"), ("admin", "ADMIN"), ("vault", "VAULT"))
WORLDS = (("-", "NO_WORLD"), ("o", "OWNER"), ("r", "REGION"), ("f", "FACTORY"))
FLAGS = (("D", "DRAFT"), ("R", "RECORDED"), ("Q", "QUORUM"), ("S", "SLOW"), ("U", "USE"))


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def expand(text, macros):
    for _ in range(3):
        for name, value in macros:
            text = re.sub(rf"\b{name}\b", value, text)
    return text


def rows():
    """Operation -> (roles, worlds, flags) as module.md writes them."""
    found = {}
    for path in glob.glob(os.path.join(SOURCE, "src", "module", "**", "*.c"), recursive=True):
        text = read(path)
        macros = re.findall(r"#define (\w+) (\([^)]*\)|\w+)$", text, re.M)
        for name, *cells in ROW.findall(text):
            roles, worlds, flags = (expand(cell, macros) for cell in cells)
            worlds = worlds.replace("HSM_IN_ANY_WORLD", "OWNER REGION FACTORY")
            worlds = worlds.replace("HSM_IN_ANY", "NO_WORLD OWNER REGION FACTORY")
            found[name.lower()] = (", ".join(short for short, word in ROLES if f"KQ_ROLE_{word}" in roles),
                                   " ".join(short for short, word in WORLDS if word in worlds),
                                   "".join(short for short, word in FLAGS if f"HSM_ROW_{word}" in flags))
    return found


class Documents(unittest.TestCase):
    def test_links__lead_somewhere(self):
        pages = glob.glob(os.path.join(SOURCE, "docs", "**", "*.md"), recursive=True) + glob.glob(os.path.join(SOURCE, "*.md"))
        for page in pages:
            for target in re.findall(r"\]\(([^)#\s]+)", read(page)):
                with self.subTest(page=os.path.relpath(page, SOURCE), target=target):
                    if not target.startswith("http"):
                        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(page), target)))

    def test_options_of_keyvaultd__are_those_of_its_table(self):
        """docs/man/keyvaultd.1 has each option in its section, with its words, bounds and default."""
        table = read("src/vault/config.c").split("options[] = {")[1].split("\n};")[0]
        expected = []
        for section, name, kind, least, most, default, words in re.findall(
                r'\{"([\w-]+)", "([\w-]+)", KIND_(\w+), AT\(\w+\), (\d+), (\d+), (\d+),\s*"([^"]*)"\}', table):
            bounds = {"NUMBER": f" ({least} to {most}; default {default})",
                      "YES_NO": f" (yes or no; default {'yes' if default == '1' else 'no'})"}.get(kind, "")
            expected.append((section, name, words + bounds))
        self.assertEqual(len(expected), table.count("AT("))
        page = read("docs/man/keyvaultd.1").split(".SH CONFIGURATION")[1].split(".SH ")[0].replace("\\-", "-")
        told, section = [], None
        for part in re.split(r"^\.SS ", page, flags=re.M)[1:]:
            section = part.partition("\n")[0].strip("[]")
            told += [(section, name, words) for name, words in re.findall(r"^\.TP\n\\fB([\w-]+)\\fR\n(.*)$", part, re.M)]
        self.assertEqual(told, expected)

    def test_statuses__are_those_of_the_header(self):
        expected = dict(re.findall(r"(KQ_\w+) = (\d+),", read("src/base/status.h")))
        told = {name: number for number, name in re.findall(r"^\| (\d+) \| `(KQ_\w+)`", read("docs/protocols/module.md"), re.M)}
        self.assertEqual(told, expected)

    def test_rights_of_operations__are_those_of_the_rows(self):
        told = {name: (roles, worlds, flags) for name, roles, worlds, flags in re.findall(
            r"^\| \d+ \| `(\w+)` \| `\w+` \| `\w+` \| ([^|]*?) \| ([^|]*?) \| ([^|]*?) ?\|$",
            read("docs/protocols/module.md"), re.M)}
        found = rows()
        self.assertGreater(len(found), 30)
        for name, expected in sorted(found.items()):
            with self.subTest(name):
                self.assertEqual(told.get(name), expected)

    def test_steps__are_named_in_the_protocol(self):
        protocol = read("docs/protocols/transfer.md")
        names = re.findall(r'^    \{"([a-zA-Z -]+)", check_\w+\},', read("src/trust/packages.c"), re.M)
        self.assertEqual(len(names), 7)
        for number, name in enumerate(names, 1):
            self.assertIn(f"| {number} | `{name}` |", protocol)

    def test_labels__are_in_the_formats(self):
        told = "\n".join(read(path) for path in glob.glob(os.path.join(SOURCE, "docs", "**", "*.md"), recursive=True))
        for path in glob.glob(os.path.join(SOURCE, "src", "module", "**", "*.c"), recursive=True):
            for label in re.findall(r'(?:LABEL|label\w*\[\]|,) ?=? ?"(keyquay[/-][\w/-]+)"', read(path)):
                with self.subTest(label):
                    self.assertIn(label, told)


if __name__ == "__main__":
    unittest.main()
