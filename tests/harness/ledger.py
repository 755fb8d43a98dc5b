"""Long counts that add up over runs: fuzz executions, kills, mutants.

Each run appends one line of JSON: when, test, commit, seed, count, failures.
The file lies outside the tree ($KEYQUAY_LEDGER, else
$XDG_STATE_HOME/keyquay/ledger.jsonl), so that it survives a fresh clone and
never makes one dirty.
"""
import json
import os
import subprocess
import sys
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def path():
    chosen = os.environ.get("KEYQUAY_LEDGER")
    if chosen:
        return chosen
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(state, "keyquay", "ledger.jsonl")


def commit():
    result = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=SOURCE, capture_output=True, text=True,
                            check=False)
    return result.stdout.strip() or "unknown"


def append(test, count, failures, seed=None):
    """Adds one line; a ledger that cannot be written does not fail a test run."""
    line = json.dumps({"time": int(time.time()), "test": test, "commit": commit(), "seed": seed, "count": count,
                       "failures": failures})
    try:
        os.makedirs(os.path.dirname(path()), exist_ok=True)
        with open(path(), "a", encoding="utf-8") as out:
            out.write(line + "\n")
    except OSError as error:
        print(f"ledger: {error}", file=sys.stderr)
