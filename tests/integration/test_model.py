"""The symbolic model still finds what docs/model/RESULT.md says, and can fail."""
import os
import subprocess
import sys
import unittest

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "model")
sys.path.insert(0, MODEL)
sys.dont_write_bytecode = True
import transfer_model  # noqa: E402

# Each of these alone is covered by another element; RESULT.md says by which.
COVERED = {"signed-ciphertext", "public-key", "target", "origin-esn"}


class Model(unittest.TestCase):
    def test_everything_in_place__nothing_breaks(self):
        broken, examined = transfer_model.search(())
        self.assertEqual(broken, {})
        self.assertGreater(examined, 1000)

    def test_one_element_out__something_breaks(self):
        for element in transfer_model.ELEMENTS:
            with self.subTest(element):
                broken, _ = transfer_model.search((element,))
                self.assertEqual(bool(broken), element not in COVERED)

    def test_both_ties_of_key_to_header_out__origin_breaks(self):
        broken, _ = transfer_model.search(("signed-ciphertext", "public-key"))
        self.assertIn("origin", {name for _, name in broken})

    def test_result__is_what_the_model_finds(self):
        done = subprocess.run([os.path.join(MODEL, "run"), "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
