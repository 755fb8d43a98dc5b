"""Runs the cases of a class side by side: for clients that mostly start up and wait.

    @together(workers=2)
    class Cases(unittest.TestCase): ...

Each case keeps its own instance, result and traceback. Cases must not depend on
one another, nor use subTest (it belongs to the runner's thread). A case marked
@alone runs as usual, in its place by name.
"""
import functools
from concurrent.futures import ThreadPoolExecutor


class Side:
    """The cases of a class that are under way."""

    def __init__(self, workers):
        self.workers = workers
        self.pool = None
        self.started = {}

    def result(self, kind, first, methods):
        if self.pool is None:
            self.pool = ThreadPoolExecutor(self.workers)
            kind.addClassCleanup(self.pool.shutdown, wait=True, cancel_futures=True)
            for name in sorted(methods, key=lambda name: (name != first, name)):
                self.started[name] = self.pool.submit(methods[name], kind(name))
        return self.started[first].result()


def alone(method):
    method.is_alone = True
    return method


def together(workers):
    def decorate(kind):
        methods = {name: method for name, method in vars(kind).items()
                   if name.startswith("test_") and not hasattr(method, "is_alone")}
        side = Side(workers)
        for name, method in methods.items():
            setattr(kind, name, waits(side, name, method, methods))
        return kind
    return decorate


def waits(side, name, method, methods):
    @functools.wraps(method)
    def wait(self):
        return side.result(type(self), name, methods)
    return wait
