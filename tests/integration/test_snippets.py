"""The helper that runs the guide's pages notices what would go wrong unseen."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "harness"))
from snippets import Page, matches  # noqa: E402


def start(command):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


class Snippets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def page(self, text, replace=None):
        path = os.path.join(self.folder, "page.md")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return Page(path, replace)

    def run_page(self, text, replace=None):
        return self.page(text, replace).run(start, self.folder)

    def test_pieces__share_one_shell_and_folder(self):
        ran = self.run_page("```sh run\nX=HOST\n```\nwords\n```text file=a\nHOST\n```\n```sh run\necho $X; cat a\n```\n"
                            "```text shows\nhere\nhere\n```\n", {"HOST": "here"})
        self.assertEqual(ran[8], ("here\nhere\n", ""))

    def test_a_failing_command__fails_at_its_line(self):
        with self.assertRaisesRegex(AssertionError, r"page\.md:5: exit status 1"):
            self.run_page("# title\n```sh run\ntrue\n```\n```sh run\nfalse\ntrue\n```\n")

    def test_a_piece_that_is_to_be_refused__and_is_not__fails(self):
        self.run_page("```sh run fails\nfalse\n```\n")
        with self.assertRaisesRegex(AssertionError, "was not refused"):
            self.run_page("```sh run fails\ntrue\n```\n")

    def test_other_output_than_shown__fails(self):
        with self.assertRaisesRegex(AssertionError, "was printed"):
            self.run_page("```sh run\necho one\n```\n```text shows\ntwo\n```\n")

    def test_a_block_that_nobody_runs__fails(self):
        for block in ("```sh\ntrue\n```\n", "```js\n1\n```\n", "no blocks at all\n"):
            with self.subTest(block), self.assertRaisesRegex(AssertionError, "nothing runs"):
                self.page(("```sh run\ntrue\n```\n" if "```" in block else "") + block)

    def test_shown__dots_stand_for_anything(self):
        self.assertTrue(matches("a\n...\nz .. ... y", "a\nb\nc\nz .. long words y\n"))
        self.assertTrue(matches("a\n...\nz", "a\nz"))
        self.assertFalse(matches("a\n...\nz", "a\nb\n"))
        self.assertFalse(matches("a.c", "abc"))


if __name__ == "__main__":
    unittest.main()
