"""The judge of the clients' runs, judged: tests/harness/openapi.py finds what
it is there to find, and lets pass what the documents allow."""
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "harness"))
from openapi import Documents, version_order  # noqa: E402


def document(version, more):
    """A small API of the published kind: things with a list, and errors in a file of their own."""
    thing = {"type": "object", "required": ["id"], "properties": {
        "id": {"type": "string"}, "size": {"type": "integer", "format": "int32"}, "kind": {"type": "string", "enum": ["a", "b"]},
        "value": {"type": "string", "format": "base64url"}, "on": {"type": "boolean"},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "secret": {"type": "string", "x-ms-mutability": ["create"]}, **more}}
    answers = {"200": {"schema": {"$ref": "#/definitions/Thing"}}, "default": {"schema": {"$ref": "common.json#/definitions/Failure"}}}
    listing = {"200": {"schema": {"properties": {"value": {"type": "array", "items": {"$ref": "#/definitions/Base"}},
                                                 "nextLink": {"type": "string"}}}}}
    return {"swagger": "2.0", "info": {"version": version}, "definitions": {
        "Thing": thing, "Base": {"allOf": [{"$ref": "#/definitions/Thing"}], "properties": {"extra": {"type": "number"}}}},
        "paths": {"/keys": {"get": {"responses": listing}}, "/keys/{key-name}/{key-version}": {"get": {"responses": answers}},
                  "/keys/{key-name}": {"delete": {"responses": {"204": {}}}}}}


FAILURE = {"definitions": {"Failure": {"type": "object", "properties": {"error": {"type": "object", "properties": {
    "code": {"type": "string"}, "message": {"type": "string"}, "innererror": {"type": "object"}}}}}},
    "info": {"version": "1"}}


class Judgements(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for version, more in (("7.1", {}), ("7.2", {"young": {"type": "string"}}), ("2025-07-01", {"youngest": {"type": "string"}})):
            place = os.path.join(folder.name, "data-plane", version)
            os.makedirs(place)
            for name, content in (("keys.json", document(version, more)), ("common.json", FAILURE)):
                with open(os.path.join(place, name), "w", encoding="utf-8") as out:
                    json.dump(content, out)
        self.documents = Documents(folder.name)

    def judge(self, answer, target="/keys/n/v", status=200, version="7.1", method="GET", kind="application/json"):
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return self.documents.check({"host": "c.vault.test", "method": method, "target": f"{target}?api%2Dversion={version}",
                                     "status": status, "headers": {"content-type": kind}, "answer": text})[1]

    def test_check__declared_answers__pass(self):
        whole = {"id": "x", "size": 7, "kind": "a", "value": "AQ-_", "on": True, "tags": {"any": "thing"}}
        self.assertEqual(self.judge(whole), [])
        self.assertEqual(self.judge({"value": [{"id": "x", "extra": 1.5}], "nextLink": None}, "/keys"), [])
        self.assertEqual(self.judge({"error": {"code": "c", "message": "m", "innererror": None}}, status=404), [])
        self.assertEqual(self.judge("", "/keys/n", 204, method="DELETE"), [])

    def test_check__paths_as_clients_write_them__find_the_same_operation(self):
        for target in ("/keys/n/v", "/keys/n/", "/keys/n", "//keys/n//v", "/KEYS/N/v"):
            self.assertEqual(self.judge({"id": "x", "surplus": 1}, target), ["$.surplus is not declared"], target)

    def test_check__each_fault__is_named(self):
        for answer, problem in (
                ({"id": "x", "other": 1}, "$.other is not declared"), ({"size": 1}, "$.id is missing"),
                ({"id": 1}, "$.id is no string: 1"), ({"id": "x", "size": "1"}, '$.size is no integer: "1"'),
                ({"id": "x", "size": True}, "$.size is no integer: true"), ({"id": "x", "on": 1}, "$.on is no boolean: 1"),
                ({"id": "x", "size": 2 ** 31}, "$.size is no int32: 2147483648"),
                ({"id": "x", "kind": "c"}, "$.kind is none of a, b: c"), ({"id": "x", "value": "AQ=="}, "$.value is no base64url: AQ=="),
                ({"id": "x", "tags": {"a": 1}}, "$.tags.a is no string: 1"), ({"id": None}, "$.id is null"),
                ({"id": "x", "secret": "s"}, "$.secret is not for answers"), ([], "$ is no object: []")):
            self.assertEqual(self.judge(answer), [problem])
        self.assertEqual(self.judge({"value": [{"id": "x", "far": 1}]}, "/keys"), ["$.value[0].far is not declared"])
        self.assertEqual(self.judge({"error": {"code": 4, "message": "m"}}, status=404), ["$.error.code is no string: 4"])
        self.assertEqual(self.judge({"fault": {}}, status=404), ["$.fault is not declared"])

    def test_check__bodies_and_statuses__are_named(self):
        self.assertEqual(self.judge({"id": "x"}, status=202), ["status 202 is not declared"])
        self.assertEqual(self.judge({"id": "x"}, kind="text/plain"), ["Content-Type is text/plain"])
        self.assertIn("no JSON", self.judge("{")[0])
        self.assertIn("a body where none is declared", self.judge("{}", "/keys/n", 204, method="DELETE")[0])
        self.assertIn("no document describes", self.judge({}, "/elsewhere")[0])

    def test_check__version_asked__newest_not_later_counts(self):
        young, youngest = {"id": "x", "young": "y"}, {"id": "x", "youngest": "y"}
        for version, answer, is_good in (("7.1", young, False), ("7.2-preview", young, False), ("7.2", young, True), ("7.3", young, True),
                                         ("7.6-preview.2", youngest, False), ("2025-07-01", youngest, True), ("2026-01-01", youngest, True)):
            self.assertEqual(self.judge(answer, version=version) == [], is_good, version)

    def test_version_order__all_that_there_are__as_they_came(self):
        came = ["2015-06-01", "2016-10-01", "7.0", "7.1-preview", "7.1", "7.4-preview.1", "7.4", "7.6-preview.1", "7.6-preview.2",
                "7.6", "2025-06-01-preview", "2025-07-01"]
        self.assertEqual(sorted(reversed(came), key=version_order), came)


if __name__ == "__main__":
    unittest.main()
