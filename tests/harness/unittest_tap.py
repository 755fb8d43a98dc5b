"""Runs one file of unittest cases and prints the Test Anything Protocol.

    unittest_tap.py FILE [NAME...]
"""
import importlib.util
import os
import sys
import traceback
import unittest


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self.num_failed = 0

    def line(self, test, outcome, remark=""):
        self.number += 1
        name = getattr(test, "_testMethodName", None) or str(test)
        print(f"{outcome} {self.number} - {name}{remark}", flush=True)

    def explain(self, error):
        self.num_failed += 1
        for line in "".join(traceback.format_exception(*error)).splitlines():
            print("# " + line)

    def addSuccess(self, test):
        self.line(test, "ok")

    def addFailure(self, test, err):
        self.explain(err)
        self.line(test, "not ok")

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.explain(err)
            self.line(test, "not ok", f" {subtest._subDescription()}".replace("#", ""))

    def addSkip(self, test, reason):
        self.line(test, "ok", f" # SKIP {reason}")

    def addExpectedFailure(self, test, err):
        self.line(test, "ok")

    def addUnexpectedSuccess(self, test):
        self.num_failed += 1
        self.line(test, "not ok", " passed, though it was expected to fail")


def main():
    path = os.path.abspath(sys.argv[1])
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    loader = unittest.defaultTestLoader
    if sys.argv[2:]:
        tests = loader.loadTestsFromNames(sys.argv[2:], module)
    else:
        tests = loader.loadTestsFromModule(module)
    result = TapResult()
    tests.run(result)
    print(f"1..{result.number}", flush=True)
    return 0 if result.num_failed == 0 and result.number > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
