"""The descriptions of the HTTP interface, held against each other and against a daemon. What is wrong is
printed, a line each; the exit status is 1 then.

    openapi.py same                 daemon/openapi.json, ingestd-http(7) and the daemon's source have the
                                    same routes with the same scopes, and the same error codes
    openapi.py document             the document is sound, and its examples fit their schemas
    openapi.py live PORT            a daemon without tokens answers as the document says
    openapi.py scopes PORT TOKENS   one with tokens asks for the scopes that the document names; TOKENS is
                                    SCOPES=TOKEN,..., where SCOPES are as in a tokens file
    openapi.py page PORT            the page refers to nothing elsewhere

Run in the directory of the sources. The checks of JSON Schema are those that the document needs; a keyword
that is not known here is a fault, so that nothing stays unchecked.
"""

import http.client
import json
import re
import sys
import time
import uuid

PROBLEM = "application/problem+json"
faults = []


def fault(*words):
    faults.append(" ".join(str(word) for word in words))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def unique(pairs):
    """A member that stands there twice would hide the first one."""
    members = dict(pairs)
    if len(members) != len(pairs):
        fault("openapi.json: a member stands there twice among", *[name for name, _ in pairs])
    return members


DOC = json.loads(read("daemon/openapi.json"), object_pairs_hook=unique)

# ---- the document ----


def resolve(node):
    while "$ref" in node:
        target = DOC
        for step in node["$ref"][2:].split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = {**target, **{name: value for name, value in node.items() if name != "$ref"}}
    return node


def operations():
    for path, methods in DOC["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def scope_of(operation):
    """The scope that a token needs, or "-"."""
    return next((scopes["bearer"][0] for scopes in operation["security"] if "bearer" in scopes), "-")


# ---- schemas ----


def is_time(text):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)


def is_uuid(text):
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) and uuid.UUID(text)


TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
FORMATS = {
    "date-time": is_time,
    "uuid": is_uuid,
    "int64": lambda value: -2**63 <= value < 2**63,
}
CHECKS = {
    "type": lambda value, wanted: type(value) is TYPES[wanted],
    "format": lambda value, wanted: FORMATS[wanted](value),
    "enum": lambda value, wanted: value in wanted,
    "const": lambda value, wanted: value == wanted,
    "minimum": lambda value, wanted: value >= wanted,
    "maximum": lambda value, wanted: value <= wanted,
    "minLength": lambda value, wanted: len(value) >= wanted,
    "maxLength": lambda value, wanted: len(value) <= wanted,
    "pattern": lambda value, wanted: re.search(wanted, value),
    "minItems": lambda value, wanted: len(value) >= wanted,
    "maxItems": lambda value, wanted: len(value) <= wanted,
    "required": lambda value, wanted: all(name in value for name in wanted),
}
TALK = {"title", "description", "default", "example"}
INNER = {"properties", "items", "allOf", "oneOf"}


def errors(value, node, where):
    """What of a value does not fit its schema."""
    schema = resolve(node)
    for keyword, wanted in schema.items():
        if keyword in CHECKS:
            if not CHECKS[keyword](value, wanted):
                return [f"{where}: {value!r} breaks {keyword} {wanted!r}"]
        elif keyword not in TALK | INNER:
            return [f"{where}: the keyword {keyword} is not known here"]
    found = []
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            found += errors(value[name], inner, f"{where}.{name}")
    for index, item in enumerate(value if "items" in schema else []):
        found += errors(item, schema["items"], f"{where}[{index}]")
    for inner in schema.get("allOf", []):
        found += errors(value, inner, where)
    ways = [errors(value, inner, where) for inner in schema.get("oneOf", [])]
    if ways and sum(not way for way in ways) != 1:
        found += [f"{where}: fits not one of oneOf"] + sum(ways, [])
    return found


def known(node):
    """The members of an object, as schemas by name."""
    schema = resolve(node)
    names = dict(schema.get("properties", {}))
    for inner in schema.get("allOf", []):
        names.update(known(inner))
    return names


def undescribed(value, node, where):
    """Members of an answer that the document does not have."""
    schema, found = resolve(node), []
    if isinstance(value, dict):
        members = known(schema)
        for name in value:
            if name not in members:
                found.append(f"{where}.{name} is not described")
            else:
                found += undescribed(value[name], members[name], f"{where}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += undescribed(item, schema["items"], f"{where}[{index}]")
    return found


# ---- same ----


def document_routes():
    return {(method, path): scope_of(operation) for method, path, operation in operations()}


def manual_routes():
    rows = re.findall(r"^\.It (GET|POST|PUT|PATCH|DELETE) Ta (\S+) Ta (\S+) Ta ",
                      read("man/ingestd-http.7"), re.M)
    return {(method, path): scope for method, path, scope in rows}


def source_routes():
    rows = re.findall(r'^\s*\{"([A-Z]+)", "([^"]+)", SCOPE_([A-Z]+),', read("daemon/http_route.c"), re.M)
    return {(method, path): scope.lower().replace("none", "-") for method, path, scope in rows}


def same():
    routes = source_routes()
    if len(routes) < 12:
        fault("daemon/http_route.c: only", len(routes), "routes were found")
    for name, others in ("openapi.json", document_routes()), ("ingestd-http(7)", manual_routes()):
        for route in sorted(routes.items() ^ others.items()):
            fault(name, "and daemon/http_route.c do not agree about", route)

    rows = re.findall(r'X\([A-Z_]+, "([a-z_]+)", -\d+, (\d+),', read("common/err.h"))
    codes = {name for name, _ in rows}
    described = set(DOC["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
    if codes != described:
        fault("openapi.json: the error codes differ from common/err.h:", codes ^ described)
    manual = re.findall(r"^\.It ([a-z_]+) Ta (\d{3}) Ta ", read("man/ingestd-http.7"), re.M)
    if len(manual) < 10:
        fault("ingestd-http(7): only", len(manual), "error codes were found")
    for row in manual:
        if row not in rows and row != ("forbidden", "421"):
            fault("ingestd-http(7): there is no error", *row)
    for _, status in manual:
        if status not in DOC["components"]["responses"]:
            fault("openapi.json: the status", status, "of ingestd-http(7) is missing")


# ---- document ----


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def examples(node, where):
    """Every example of the document with its schema."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from examples(item, f"{where}[{index}]")
    if not isinstance(node, dict):
        return
    if "schema" in node:
        if "example" in node:
            yield node["example"], node["schema"], where
        for name, example in node.get("examples", {}).items():
            yield example["value"], node["schema"], f"{where}.{name}"
    for name, value in node.items():
        if name not in ("schemas", "examples"):
            yield from examples(value, f"{where}.{name}")


def check_operation(method, path, operation, ids):
    where = f"{method} {path}"
    if operation["operationId"] in ids:
        fault(where, "has the operationId of another")
    ids.add(operation["operationId"])
    parameters = [resolve(parameter) for parameter in operation["parameters"]]
    inside = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    if inside != set(re.findall(r"\{(\w+)\}", path)):
        fault(where, "does not describe what is in braces")
    if operation["tags"][0] not in [tag["name"] for tag in DOC["tags"]]:
        fault(where, "has a tag that is not described")
    needed = {"401", "403"} if scope_of(operation) != "-" else set()
    for status, response in operation["responses"].items():
        response = resolve(response)
        if int(status) >= 400 and list(response["content"]) != [PROBLEM]:
            fault(where, status, "is no problem document")
        needed.discard(status)
    if needed:
        fault(where, "does not describe", *needed)


def document():
    if DOC["openapi"] != "3.1.0":
        fault("the version of OpenAPI is", DOC["openapi"])
    for reference in set(references(DOC)):
        try:
            resolve({"$ref": reference})
        except KeyError:
            fault(reference, "leads nowhere")
    used = set(references(DOC))
    for kind in ("parameters", "headers", "schemas"):
        for name in DOC["components"][kind]:
            if f"#/components/{kind}/{name}" not in used:
                fault("components", kind, name, "is not used")
    ids = set()
    for method, path, operation in operations():
        check_operation(method, path, operation, ids)
    count = 0
    for value, schema, where in examples(DOC, "openapi.json"):
        count += 1
        for error in errors(value, schema, where):
            fault(error)
    if count < 20:
        fault("only", count, "examples were found")
    for status, response in DOC["components"]["responses"].items():
        for example in response.get("content", {}).get(PROBLEM, {}).get("examples", {}).values():
            if str(example["value"]["status"]) != status:
                fault("the example of", status, "has another status")


# ---- live ----


class Daemon:
    def __init__(self, port):
        self.port = int(port)

    def ask(self, method, path, body=None, fields=None):
        """Status, header fields with names in lower case, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, fields or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


def check_answer(where, operation, answer):
    """An answer is one of those that are described."""
    status, fields, content = answer
    described = operation["responses"].get(str(status))
    if described is None:
        fault(where, "was answered with", status, "which is not described:", content[:200])
        return
    described = resolve(described)
    for name, header in described.get("headers", {}).items():
        schema = resolve(header)["schema"]
        if name.lower() not in fields:
            fault(where, status, "has no field", name)
            continue
        value = fields[name.lower()]
        for error in errors(int(value) if schema["type"] == "integer" else value, schema, name):
            fault(where, status, error)
    if not described.get("content"):
        if content:
            fault(where, status, "has a body")
        return
    kind = fields.get("content-type", "").split(";")[0]
    if kind not in described["content"]:
        fault(where, status, "is of the type", kind)
        return
    if kind.endswith("json"):
        value, schema = json.loads(content), described["content"][kind]["schema"]
        for error in errors(value, schema, where):
            fault(error)
        if known(schema):
            for error in undescribed(value, schema, where):
                fault(error)


def with_id(path, ingestion):
    return path.replace("{id}", ingestion)


def wrong_values(schema):
    """Values of a parameter that its schema excludes."""
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maximum" in schema:
        yield schema["maximum"] + 1
    if schema["type"] in ("integer", "boolean") or "enum" in schema:
        yield "x"
    if schema["type"] == "boolean":
        yield 1
    if schema.get("minLength"):
        yield ""
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)


def right_values(schema, parameter):
    if schema["type"] == "boolean":
        yield from ("true", "false")
        return
    yield from schema.get("enum", [])
    for name in ("minimum", "maximum", "default"):
        if name in schema:
            yield schema[name]
    if "example" in parameter:
        yield parameter["example"]


def check_parameters(daemon, method, path, operation):
    parameters = [resolve(parameter) for parameter in operation["parameters"]]
    query = [parameter for parameter in parameters if parameter["in"] == "query"]
    # A long wait would take its time.
    for parameter in query:
        schema, name = resolve(parameter["schema"]), parameter["name"]
        for value in right_values(schema, parameter):
            if name != "wait":
                answer = daemon.ask(method, f"{path}?{name}={value}")
                check_answer(f"{method} {path}?{name}={value}", operation, answer)
                if answer[0] != 200:
                    fault(method, path, name, value, "was answered with", answer[0])
        for value in wrong_values(schema):
            status = daemon.ask(method, f"{path}?{name}={value}")[0]
            if status != 400:
                fault(method, path, name, value, "was answered with", status, "not 400")
    if query:
        status = daemon.ask(method, f"{path}?nothing=1")[0]
        if status != 400:
            fault(method, path, "knows a parameter that is not described")


def submit_examples(daemon, operation):
    """Sends all examples of a body; the ids of the ingestions."""
    ids = []
    content = operation["requestBody"]["content"]["application/json"]
    for name, example in content["examples"].items():
        answer = daemon.ask("POST", "/ingest", json.dumps(example["value"]))
        check_answer(f"the example {name}", operation, answer)
        if answer[0] == 200:
            ids.append(json.loads(answer[2])["ingestion_id"])
            if answer[1]["location"] != f"/ingestions/{ids[-1]}":
                fault("Location is", answer[1]["location"])
        else:
            fault("the example", name, "was refused:", answer[2])
    return ids


def check_methods(daemon, path, methods, asked):
    status, fields, _ = daemon.ask("OPTIONS", asked)
    wanted = {method.upper() for method in methods} | {"OPTIONS"}
    wanted |= {"HEAD"} if "GET" in wanted else set()
    if status != 204 or set(fields["allow"].split(", ")) != wanted:
        fault("OPTIONS", path, "was answered with", status, fields.get("allow"))
    # Any other method is refused with the same list.
    status, fields, content = daemon.ask("PATCH", asked)
    if status != 405 or set(fields["allow"].split(", ")) != wanted:
        fault("PATCH", path, "was answered with", status, fields.get("allow"))
    for error in errors(json.loads(content), {"$ref": "#/components/schemas/Problem"}, path):
        fault(error)
    if "GET" in wanted:
        status, fields, content = daemon.ask("HEAD", asked)
        if status != 200 or content or "content-length" not in fields:
            fault("HEAD", path, "was answered with", status, content)


def wait_for_end(daemon, ids):
    end = time.monotonic() + 20
    for ingestion in ids:
        while json.loads(daemon.ask("GET", f"/status/{ingestion}?wait=1s&until=final")[2])["status"] not in (
                "completed", "failed"):
            if time.monotonic() > end:
                fault("the ingestion", ingestion, "does not end")
                return


def check_control(daemon, ids):
    """Every example of the routes that change something; what they are answered with is described."""
    for method, path, operation in operations():
        if method == "GET" or path == "/ingest":
            continue
        content = operation.get("requestBody", {}).get("content", {"application/json": {}})["application/json"]
        for name, example in content.get("examples", {"none": {"value": None}}).items():
            body = None if example["value"] is None else json.dumps(example["value"])
            answer = daemon.ask(method, with_id(path, ids[0]), body)
            check_answer(f"{method} {path} with the example {name}", operation, answer)
        if "requestBody" in operation:
            for body in '{"nothing":1}', "[]", "{":
                answer = daemon.ask(method, with_id(path, ids[0]), body)
                check_answer(f"{method} {path} with {body}", operation, answer)
                if answer[0] != 400:
                    fault(method, path, "with", body, "was answered with", answer[0], "not 400")
        if "{id}" in path:
            answer = daemon.ask(method, with_id(path, "x"), None)
            check_answer(f"{method} {path} of nothing", operation, answer)
            if answer[0] != 404:
                fault(method, path, "of nothing was answered with", answer[0])
    if daemon.ask("POST", "/resume")[0] != 200:
        fault("POST /resume without a body is refused")


def live(port):
    daemon = Daemon(port)
    post = DOC["paths"]["/ingest"]["post"]
    ids = submit_examples(daemon, post)
    if not ids:
        return
    # One of them fails, so that its batch has all members.
    wait_for_end(daemon, ids)
    for method, path, operation in operations():
        asked = with_id(path, ids[-1])
        if method == "GET":
            answer = daemon.ask(method, asked)
            check_answer(f"{method} {path}", operation, answer)
            if answer[0] != 200:
                fault(method, path, "was answered with", answer[0])
            check_parameters(daemon, method, asked, operation)
    check_control(daemon, ids)
    for path, methods in DOC["paths"].items():
        check_methods(daemon, path, methods, with_id(path, ids[0]))

    status = DOC["paths"]["/status/{id}"]["get"]
    tag = daemon.ask("GET", f"/status/{ids[0]}")[1]["etag"]
    answer = daemon.ask("GET", f"/status/{ids[0]}", fields={"If-None-Match": tag})
    check_answer("If-None-Match", status, answer)
    if answer[0] != 304:
        fault("If-None-Match was answered with", answer[0])
    for path in "/status/x", f"/status/{uuid.uuid4()}":
        answer = daemon.ask("GET", path)
        check_answer(path, status, answer)
        if answer[0] != 404 or json.loads(answer[2])["error"] != "Ingestion ID not found":
            fault(path, "was answered with", *answer)
    # What the document gives as errors of POST /ingest.
    key, body = {"Idempotency-Key": "k"}, '{"ids":[1],"priority":"LOW"}'
    own = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "text/plain"}
    for wanted, text, fields in [(400, "{", {}), (400, '{"ids":[1,1.5],"priority":"HIGH"}', {}),
                                 (400, '{"ids":[1]}', {}), (400, body, {"Idempotency-Key": '"'}),
                                 (200, body, key), (200, body, key), (422, body.replace("1", "2"), key),
                                 (403, body, {"Origin": "http://example.net"}), (415, body, own),
                                 (421, body, {"Host": "example.net"}), (413, body + " " * 5000, {})]:
        answer = daemon.ask("POST", "/ingest", text, fields)
        check_answer(f"POST /ingest {fields} {text[:40]}", post, answer)
        if answer[0] != wanted:
            fault("POST /ingest", fields, text[:40], "was answered with", *answer)
    index = json.loads(daemon.ask("GET", "/")[2])
    if index["version"] != DOC["info"]["version"]:
        fault("the document is of version", DOC["info"]["version"], "the daemon", index["version"])
    if daemon.ask("GET", "/openapi.json")[2] != read("daemon/openapi.json").encode():
        fault("/openapi.json is another document than daemon/openapi.json")


# ---- scopes ----


def scopes(port, tokens):
    daemon = Daemon(port)
    tokens = dict(pair.split("=") for pair in tokens.split(","))
    for method, path, operation in operations():
        needed, body = scope_of(operation), "{}" if method in ("POST", "PUT") else None
        asked = with_id(path, str(uuid.uuid4()))
        answers = {"no token": daemon.ask(method, asked, body),
                   "wrong": daemon.ask(method, asked, body, {"Authorization": "Bearer wrong"})}
        for name, token in tokens.items():
            answers[name] = daemon.ask(method, asked, body, {"Authorization": f"Bearer {token}"})
        for name, answer in answers.items():
            check_answer(f"{method} {path} with {name}", operation, answer)
            if needed == "-" or needed in name.split("+") or name == "admin":
                allowed = answer[0] not in (401, 403)
            elif name in ("no token", "wrong"):
                allowed = answer[0] == 401 and answer[1]["www-authenticate"].startswith("Bearer")
            else:
                allowed = answer[0] == 403
            if not allowed:
                fault(method, path, "with", name, "was answered with", answer[0])


# ---- page ----


def page(port):
    daemon = Daemon(port)
    status, fields, content = daemon.ask("GET", "/docs")
    text = content.decode()
    if status != 200 or text != read("daemon/docs.html"):
        fault("/docs is not daemon/docs.html")
    policy = fields.get("content-security-policy", "")
    if not policy.startswith("default-src 'none';") or re.search(r"https?:|\*", policy):
        fault("the Content-Security-Policy of /docs is", policy)
    for url in re.findall(r"https?://[^\s'\"`<]*|[\s'\"(]//[a-z][^\s'\"]*", text):
        if not re.match(r"http://(localhost|127\.0\.0\.1)[:/]", url):
            fault("/docs refers to", url)
    for name, value in re.findall(r"\b(href|src|action|data)=[\"']?([^\"'\s>]*)", text):
        if name != "href" or not re.match(r"#|openapi\.json$", value):
            fault("/docs has", name, value)
    for word in re.findall(r"@import|\burl\(|<link|<img|<iframe|innerHTML|\beval\(", text):
        fault("/docs has", word)
    if re.findall(r"fetch\(([^)]*)\)", text) != ["'openapi.json'"]:
        fault("/docs fetches something else than openapi.json")
    if daemon.ask("GET", "/", fields={"Accept": "text/html,*/*;q=0.8"})[2] != content:
        fault("/ shows another page to browsers")


def main():
    commands = {"same": same, "document": document, "live": live, "scopes": scopes, "page": page}
    command, *args = sys.argv[1:] or [""]
    if command not in commands:
        sys.exit(__doc__)
    commands[command](*args)
    for text in faults:
        print(text)
    sys.exit(1 if faults else 0)


main()
