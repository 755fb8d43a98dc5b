"""Runs the fenced blocks of a page of the guide as its reader would: from top to
bottom, in one shell, in one folder.

    ```sh run             a piece of the page's one shell; its commands succeed
    ```sh run fails       a piece that must be refused (in a subshell: sets nothing)
    ```js file=sign.mjs   is written to that file when the page reaches it
    ```text shows         what the piece before printed; a line `...` stands for any
                          lines, `...` within a line for any text

Every block in a language that runs must be marked so: a block that nobody runs
is an error. Blocks of text and json are free.

    page = Page("az.md", substitutes(world))
    page.run(client.start, world.folder)
"""
import os
import re

GUIDE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "docs", "guide")
FENCE = re.compile(r"^```(.*?)\n(.*?)^```$", re.M | re.S)
FREE = {"", "text", "json"}
MARK = "=== piece"


def substitutes(world):
    """The names that pages use, and those of a world of the tests, longest first."""
    return {"~/keyquay": world.data,
            "keyquay up --data": f"keyquay up --domain {world.domain} --listen 127.0.0.1:{world.port} --data",
            "keyquay.localhost:8443": f"{world.domain}:{world.port}", "keyquay.localhost": world.domain}


class Block:
    def __init__(self, line, words, text):
        self.line = line
        self.language, *self.words = words or [""]
        self.text = text
        self.file = next((word[len("file="):] for word in self.words if word.startswith("file=")), None)

    def has(self, word):
        return word in self.words

    def is_idle(self):
        return self.language not in FREE and not self.has("run") and self.file is None


class Page:
    """name: in docs/guide, or a path. replace: {what the page says: what the test runs}"""

    def __init__(self, name, replace=None):
        self.path = os.path.join(GUIDE, name)
        self.replace = dict(replace or {})
        with open(self.path, encoding="utf-8") as file:
            text = file.read()
        self.blocks = [Block(text[:found.start()].count("\n") + 1, found[1].split(), found[2])
                       for found in FENCE.finditer(text)]
        idle = [block.line for block in self.blocks if block.is_idle()]
        if idle or not any(block.has("run") for block in self.blocks):
            raise AssertionError(f"{self.path}: nothing runs the blocks at lines {idle}")

    def replaced(self, text):
        for name, value in self.replace.items():
            text = text.replace(name, value)
        return text

    def script(self, folder):
        """One shell script; each piece announces itself on both outputs."""
        lines = ["set -e", f"cd '{folder}'"]
        for number, block in enumerate(self.blocks):
            text = self.replaced(block.text)
            if block.file is not None:
                lines.append(f"cat >'{block.file}' <<'END OF {number}'\n{text}END OF {number}")
            if not block.has("run"):
                continue
            lines += [f"printf '{MARK} {number}\\n'", f"printf '{MARK} {number}\\n' >&2"]
            lines += [f"if (\n{text}); then echo 'was not refused' >&2; exit 1; fi"] if block.has("fails") else [text]
        return "\n".join(lines) + "\n"

    def run(self, start, folder):
        """start: as Client.start. Returns {line of the block: (what it printed, its complaints)}."""
        done = start(["bash", "-c", self.script(folder)])
        out, err = pieces(done.stdout), pieces(done.stderr)
        if done.returncode != 0:
            last = max(out, default=0)
            raise AssertionError(f"{self.path}:{self.blocks[last].line}: exit status {done.returncode}\n"
                                 f"{self.replaced(self.blocks[last].text)}\n{out.get(last)}\n{err.get(last) or done.stderr}")
        self.check_shown(out)
        return {self.blocks[number].line: (out[number], err[number]) for number in out}

    def check_shown(self, out):
        for number, block in enumerate(self.blocks):
            if not block.has("shows"):
                continue
            before = max(earlier for earlier in out if earlier < number)
            if not matches(self.replaced(block.text), out[before]):
                raise AssertionError(f"{self.path}:{block.line}: is shown\n{block.text}\nand was printed\n{out[before]}")


def pieces(output):
    parts = re.split(rf"^{MARK} (\d+)\n", output, flags=re.M)
    return dict(zip(map(int, parts[1::2]), parts[2::2]))


def matches(shown, printed):
    pattern = re.escape(shown.strip()).replace(re.escape("\n...\n"), r"\n(?:.*\n)*?").replace(re.escape("..."), ".*")
    return re.fullmatch(pattern, printed.strip()) is not None
