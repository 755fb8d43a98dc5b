#!/usr/bin/env python3
"""Runs the program of the same name, so that the documents' command lines
(python aclprint.py, python verifykeypackage.py) work as printed."""
import os
import sys


def find_program():
    here = os.path.dirname(os.path.realpath(os.path.abspath(__file__)))
    name = os.path.splitext(os.path.basename(__file__))[0]
    folders = [here, os.path.join(here, "..", "..", "bin"), os.path.join(os.environ.get("NFAST_HOME", here), "bin")]
    for folder in folders:
        path = os.path.normpath(os.path.join(folder, name))
        if os.access(path, os.X_OK):
            return path
    sys.exit(f"{name}.py: the program {name} was not found beside it; set NFAST_HOME to where Keyquay is installed")


def main():
    program = find_program()
    os.execv(program, [program] + sys.argv[1:])


if __name__ == "__main__":
    main()
