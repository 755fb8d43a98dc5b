"""Runs of the official clients through the recorder, each step a case of its
own, each answer held against the published documents."""
import re
import unittest

import openapi
from recorder import Recorder
from vault_world import VaultWorld

# Answers of our own, which no published document describes.
OWN_PATHS = ("/healthz", "/readyz", "/metadata/", "/v1.0/", "/toolsets", "/ca.pem")


class Recorded(unittest.TestCase):
    """One world and one recorder for the cases of a class."""

    vaults = {"contoso": "eastus"}

    @classmethod
    def setUpClass(cls):
        cls.world = VaultWorld(vaults=cls.vaults)
        cls.addClassCleanup(cls.world.__exit__)
        cls.recorder = Recorder(cls.world)
        cls.addClassCleanup(cls.recorder.__exit__)

    def check_steps(self, said, least):
        """said: {step: "ok" or what went wrong}"""
        self.assertGreaterEqual(len(said), least, said)
        for name, outcome in said.items():
            with self.subTest(step=name):
                if outcome != "ok":
                    self.fail(outcome)

    def check_agents(self, *agents):
        """The clients that were meant are those that came, as they name themselves."""
        said = {exchange["agent"] for exchange in self.recorder.exchanges}
        for agent in agents:
            self.assertTrue(any(re.search(rf"(^| ){re.escape(agent)}( |$)", name) for name in said), f"{agent} is not in {said}")

    def check_documents(self, least, operations=None):
        """operations: those that must have been answered with success at least once."""
        folder = openapi.folder()
        if folder is None:
            self.skipTest("the published documents are not here (KEYQUAY_OPENAPI names their folder)")
        documents = openapi.Documents(folder)
        wrong, seen, checked = {}, set(), 0
        for exchange in self.recorder.exchanges:
            if exchange["host"].startswith(("login.", "graph.")) or exchange["target"].startswith(OWN_PATHS):
                continue
            name, problems = documents.check(exchange)
            checked += 1
            if name and exchange["status"] < 300:
                seen.add(name)
            for problem in problems:
                wrong.setdefault(f"{name or exchange['target']}: {problem}", exchange)
        for problem, exchange in wrong.items():
            with self.subTest(problem=problem):
                self.fail(f"{exchange['method']} {exchange['target']} -> {exchange['status']}\n{exchange['answer'][:1500]}")
        self.assertEqual(self.recorder.broken, 0, "connections of the recorder broke")
        self.assertGreaterEqual(checked, least)
        self.assertEqual(set(operations or ()) - seen, set(), "were not asked")

    def vault_url(self, vault):
        return self.world.vault_url(vault)


KEY_OPERATIONS = {
    "POST /keys/{key-name}/create", "PUT /keys/{key-name}", "DELETE /keys/{key-name}",
    "PATCH /keys/{key-name}/{key-version}", "GET /keys/{key-name}/{key-version}", "GET /keys/{key-name}/versions",
    "GET /keys", "POST /keys/{key-name}/backup", "POST /keys/restore", "GET /deletedkeys", "GET /deletedkeys/{key-name}",
    "DELETE /deletedkeys/{key-name}", "POST /deletedkeys/{key-name}/recover", "POST /keys/{key-name}/rotate",
    "GET /keys/{key-name}/rotationpolicy", "PUT /keys/{key-name}/rotationpolicy"}
USE_OPERATIONS = {f"POST /keys/{{key-name}}/{{key-version}}/{use}"
                  for use in ("encrypt", "decrypt", "sign", "verify", "wrapkey", "unwrapkey")}
