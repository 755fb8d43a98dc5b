"""Holds answers against the published OpenAPI (Swagger 2) documents.

The newest document that is not later than the version asked counts. An answer
is wrong if it has a member that its document does not declare, a value of
another type, a required member missing, a status that is not declared, or a
body in no JSON.
"""
import datetime
import glob
import json
import os
import re
import urllib.parse
import uuid

DEFAULT_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))),
                              "shared", "openapi")
# Members that the service itself, as recorded, sends as null.
NULLABLE = {"nextLink", "innererror"}
# The shape of errors where a document leaves it to a file that is not there.
COMMON_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"$ref": "#/error"}}}
COMMON_ERROR_BODY = {"type": "object", "required": ["code", "message"], "properties": {
    "code": {"type": "string"}, "message": {"type": "string"}, "target": {"type": "string"},
    "details": {"type": "array", "items": {"$ref": "#/error"}}, "additionalInfo": {"type": "array", "items": {}}}}
METHODS = ("get", "put", "post", "patch", "delete", "head")


def folder():
    """Where the documents are, or None."""
    path = os.environ.get("KEYQUAY_OPENAPI", DEFAULT_FOLDER)
    return path if os.path.isdir(os.path.join(path, "data-plane")) else None


def version_order(version):
    """Sorts api-versions by when they came: 2015..2016, 7.x, then dates again; previews before their own."""
    number, _, preview = version.partition("-preview")
    is_final = "-preview" not in version
    if number.startswith("7."):
        return (1, int(number[2:]), is_final, preview)
    return (0 if number < "2017" else 2, number, is_final, preview)


class Document:
    def __init__(self, path, version=None):
        with open(path, encoding="utf-8") as file:
            self.root = json.load(file)
        self.path = path
        self.version = version or self.root["info"]["version"]
        self.operations = [(template_pattern(template, optional), len(re.sub(r"{[^}]*}", "", template)), method, template, operation)
                           for template, methods in self.root.get("paths", {}).items()
                           for method, operation in methods.items() if method in METHODS
                           for optional in ((False, True) if "{key-version}" in template else (False,))]

    def find(self, method, path):
        """The operation whose template fits with the most literal text."""
        fitting = [entry for entry in self.operations if entry[2] == method.lower() and entry[0].fullmatch(path)]
        return max(fitting, key=lambda entry: entry[1], default=None)


def template_pattern(template, without_version):
    if without_version:
        template = template.replace("/{key-version}", "")
    parts = [".+" if part in ("{scope}", "{roleId}", "{resourceId}") else "[^/]+" if part.startswith("{") else re.escape(part)
             for part in re.findall(r"{[^}]*}|[^{]+", template)]
    return re.compile("".join(parts), re.IGNORECASE)


class Documents:
    def __init__(self, path):
        self.path = path
        self.files = {}
        self.data = []
        for name in ("keys.json", "keys.derived.json", "keyvault.json"):
            for file in glob.glob(os.path.join(path, "data-plane", "*", name)):
                self.data.append(self.load(file, os.path.basename(os.path.dirname(file))))
        management = glob.glob(os.path.join(path, "resource-manager", "*", "*.json")) + \
            glob.glob(os.path.join(path, "resources", "*.json"))
        self.management = [document for document in map(self.load, management) if document.operations]

    def load(self, path, version=None):
        path = os.path.normpath(path)
        if path not in self.files:
            self.files[path] = Document(path, version)
        return self.files[path]

    def operation(self, is_data, method, path, version):
        """(document, entry) for a request, or (None, None)."""
        found = [(document, document.find(method, path)) for document in (self.data if is_data else self.management)]
        if is_data:
            not_later = [document for document in self.data if version_order(document.version) <= version_order(version)]
            newest = max(not_later, key=lambda document: version_order(document.version))
            found = [(document, entry) for document, entry in found if document is newest]
        found = [(document, entry) for document, entry in found if entry]
        not_later = [item for item in found if version_order(item[0].version) <= version_order(version)]
        # Of the control plane there is one version of each document: older clients are held against it too.
        return max(not_later or found, key=lambda item: item[1][1], default=(None, None))

    # ---- references

    def resolve(self, document, schema):
        while "$ref" in schema:
            file, _, pointer = schema["$ref"].partition("#")
            if schema["$ref"] == "#/error":
                return document, COMMON_ERROR_BODY
            if file:
                document = self.other(document, file)
            if document is None:
                # The first version of the common types calls the inner object so.
                error = COMMON_ERROR_BODY if "/v1/types.json" in file else COMMON_ERROR
                return None, error if pointer.endswith("/ErrorResponse") else {}
            schema = document.root
            for part in pointer.strip("/").split("/"):
                schema = schema[part.replace("~1", "/").replace("~0", "~")]
        return document, schema

    def other(self, document, file):
        moved = re.search(r"/stable/([^/]+)/([^/]+)$", file)
        path = os.path.join(self.path, "data-plane", moved[1], moved[2]) if moved else \
            os.path.join(os.path.dirname(document.path), file)
        return self.load(path, document.version) if os.path.exists(path) else None

    # ---- checks

    def check(self, exchange):
        """(name of the operation or None, [what is wrong])"""
        path, _, query = exchange["target"].partition("?")
        query = urllib.parse.parse_qs(query)
        is_data = ".vault." in exchange["host"]
        path = re.sub("/+", "/", path).rstrip("/") or "/"
        version = query.get("api-version", ["2015-06-01"])[0]
        document, entry = self.operation(is_data, exchange["method"], path, version)
        status = exchange["status"]
        if entry is None:
            if status < 400:
                return None, [f"no document describes {exchange['method']} {path} of {version}"]
            return None, self.check_body(None, COMMON_ERROR, exchange)
        responses = entry[4]["responses"]
        response = responses.get(str(status), responses.get("default") if status >= 400 else None)
        name = f"{entry[2].upper()} {entry[3]}"
        if response is None and status >= 400:
            response = {"schema": COMMON_ERROR}
        if response is None:
            return name, [f"status {status} is not declared"]
        return name, self.check_body(document, response.get("schema"), exchange)

    def check_body(self, document, schema, exchange):
        text = exchange["answer"]
        if schema is None or exchange["method"] == "HEAD":
            return [f"a body where none is declared: {text[:80]}"] if text.strip() and schema is None else []
        if not exchange["headers"].get("content-type", "").startswith("application/json"):
            return [f"Content-Type is {exchange['headers'].get('content-type')}"]
        try:
            value = json.loads(text)
        except ValueError as error:
            return [f"no JSON: {error}: {text[:80]}"]
        return list(self.problems(document, schema, value, "$"))

    def problems(self, document, schema, value, where):
        document, schema = self.resolve(document, schema)
        if value is None:
            if where.rsplit(".", 1)[-1] not in NULLABLE:
                yield f"{where} is null"
            return
        kind = schema.get("type") or ("object" if "properties" in schema or "allOf" in schema else None)
        wrong = kind and not TYPES[kind](value)
        if wrong:
            yield f"{where} is no {kind}: {json.dumps(value)[:80]}"
        elif kind == "object":
            yield from self.object_problems(document, schema, value, where)
        elif kind == "array":
            for i, item in enumerate(value):
                yield from self.problems(document, schema.get("items", {}), item, f"{where}[{i}]")
        else:
            yield from value_problems(schema, value, where)

    def members(self, document, schema):
        """({name: (document, schema)}, required names, what other members may be: False, True or a schema)"""
        document, schema = self.resolve(document, schema)
        declared = {name: (document, member) for name, member in schema.get("properties", {}).items()}
        required = set(schema.get("required", ()))
        other = schema.get("additionalProperties", not declared and "allOf" not in schema)
        for part in schema.get("allOf", ()):
            inherited, also_required, _ = self.members(document, part)
            declared = {**inherited, **declared}
            required |= also_required
        return declared, required, other

    def object_problems(self, document, schema, value, where):
        declared, required, other = self.members(document, schema)
        for name in sorted(required - set(value)):
            yield f"{where}.{name} is missing"
        for name, member in value.items():
            if name in declared:
                owner, member_schema = declared[name]
                if "read" not in member_schema.get("x-ms-mutability", ["read"]):
                    yield f"{where}.{name} is not for answers"
                yield from self.problems(owner, member_schema, member, f"{where}.{name}")
            elif other is False:
                yield f"{where}.{name} is not declared"
            elif isinstance(other, dict):
                yield from self.problems(document, other, member, f"{where}.{name}")


TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def is_date_time(value):
    try:
        # Fractions of any length are good in a date-time, but not for this parser.
        datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", value).replace("Z", "+00:00"))
        return "T" in value
    except ValueError:
        return False


def is_uuid(value):
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


FORMATS = {
    "base64url": lambda value: re.fullmatch("[A-Za-z0-9_-]*", value),
    "date-time": is_date_time,
    "uuid": is_uuid,
    "int32": lambda value: -2 ** 31 <= value < 2 ** 31,
    "unixtime": lambda value: 0 <= value < 2 ** 40,
}


def value_problems(schema, value, where):
    if schema.get("format") in FORMATS and not FORMATS[schema["format"]](value):
        yield f"{where} is no {schema['format']}: {value}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is none of {', '.join(map(str, schema['enum']))}: {value}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where} does not match {schema['pattern']}: {value}"
    for bound, fits in (("minimum", lambda limit: value >= limit), ("maximum", lambda limit: value <= limit)):
        if bound in schema and not fits(schema[bound]):
            yield f"{where} is out of bounds: {value}"
