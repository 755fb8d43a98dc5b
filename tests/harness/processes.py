"""What runs, found in /proc, and waiting for what it does."""
import os
import time


def running(folder):
    """{program: process id} of what runs for a folder."""
    found = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                words = file.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if folder in words:
            found[os.path.basename(words[0])] = int(entry)
    return found


def module_of(world, region="UnitedStates"):
    """The process id of a region's module."""
    return running(world.region_folder(region))["hsm-module"]


def wait_until(condition, seconds=20):
    """Did the condition become true in time?"""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
