"""The original API: api.py CHECK ADDRESS..."""

import json
import re

from wire import ask, check_problem, get, post, run, submit, until

MAX = 2**63 - 1
RANGE = f"is not an integer from 1 to {MAX}"

# An element of ids as it is written, and how the answer names it.
ELEMENTS = ["1.0", "1e3", "1E2", "1.5", "-0", "0", "-1", "true", "false", "null", '"x"', '""', '"01"', '"1.0"', '"1e3"',
            '" 1"', '"+1"', '"-1"', '"0"', '"0x1"', str(MAX + 1), f'"{MAX + 1}"', "99999999999999999999999", "[1]", "{}"]

# A body, the error, and what its text has.
BODIES = [
    ("", "parse_error"),
    ("x", "parse_error", "byte 0"),
    ("{", "parse_error"),
    ('{"ids":[1],"priority":"HIGH"} x', "parse_error", "byte 30"),
    ('{"ids":[1],"priority":"HIGH",}', "parse_error"),
    ("{'ids':[1],'priority':'HIGH'}", "parse_error"),
    ('{"ids":[1,2,01],"priority":"HIGH"}', "parse_error", "byte 12"),
    ('{"ids":[1,2,+1],"priority":"HIGH"}', "parse_error", "byte 12"),
    ('{"ids":[1,2,NaN],"priority":"HIGH"}', "parse_error", "byte 12"),
    ('{"ids":[1,2,],"priority":"HIGH"}', "parse_error", "byte 12"),
    ('{"ids":[1],"ids":[2],"priority":"HIGH"}', "parse_error", "ids"),
    (b'{"ids":[1],"priority":"HIGH","label":"\xff"}', "parse_error"),
    ("[]", "invalid", "object"),
    ("[1,2,3]", "invalid", "object"),
    ("1", "invalid", "object"),
    ("null", "invalid", "object"),
    ('"ids"', "invalid", "object"),
    ("{}", "invalid", "ids", "missing"),
    ('{"priority":"HIGH"}', "invalid", "ids", "missing"),
    ('{"IDS":[1],"priority":"HIGH"}', "invalid", "ids", "missing"),
    ('{"ids":null,"priority":"HIGH"}', "invalid", "ids", "array"),
    ('{"ids":1,"priority":"HIGH"}', "invalid", "ids", "array"),
    ('{"ids":"1","priority":"HIGH"}', "invalid", "ids", "array"),
    ('{"ids":{"0":1},"priority":"HIGH"}', "invalid", "ids", "array"),
    ('{"ids":[],"priority":"HIGH"}', "invalid", "ids", "empty"),
    ('{"ids":[1]}', "invalid", "priority", "missing", "HIGH", "MEDIUM", "LOW"),
    ('{"ids":[1],"priority":null}', "invalid", "priority", "HIGH, MEDIUM or LOW"),
    ('{"ids":[1],"priority":1}', "invalid", "priority", "HIGH, MEDIUM or LOW"),
    ('{"ids":[1],"priority":["HIGH"]}', "invalid", "priority", "HIGH, MEDIUM or LOW"),
    ('{"ids":[1],"priority":""}', "invalid", "priority"),
    ('{"ids":[1],"priority":"high"}', "invalid", '"high"', "HIGH, MEDIUM, LOW"),
    ('{"ids":[1],"priority":"HIGH "}', "invalid", '"HIGH "'),
    ('{"ids":[1],"priority":"URGENT"}', "invalid", '"URGENT"', "HIGH, MEDIUM, LOW"),
    ('{"ids":[1],"priority":"HIGH","label":5}', "invalid", "label"),
]
BODIES += [('{"ids":[1,2,%s,4],"priority":"LOW"}' % element, "invalid", f"ids[2]: {element} {RANGE}")
           for element in ELEMENTS]
BODIES += [('{"ids":[%s],"priority":"HIGH"}' % ("7," * 5000 + "0"), "invalid", f"ids[5000]: 0 {RANGE}")]


UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def refused(address):
    for body, code, *parts in BODIES:
        check_problem(ask(address, post(body)), 400, code, *parts)


def exact(address):
    big = 2**53 + 1
    body = f'''{{"ids":[{MAX},"{MAX}",{big},"{big}",7,7,"7"],"priority":"MEDIUM","label":"l",
        "name":{{"a":[1.5e3]}},"Priority":1,"batch_size":"x"}}'''
    reply = ask(address, post(body))
    assert reply.status == 200, reply
    reply = ask(address, get("/status/" + reply.json()["ingestion_id"]))
    text = reply.body.decode()
    # As text: the JSON of other languages than Python would not tell them apart.
    for ids in [f"[{MAX},{MAX},{big}]", f"[{big},7,7]", "[7]"]:
        assert f'"ids":{ids}' in text, f"{ids} is not in {text}"
    document = reply.json()
    assert (document["label"], document["priority"], document["counts"]["ids"]) == ("l", "MEDIUM", 7), text


def any_type(address):
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "nonsense", ""]:
        reply = ask(address, post('{"ids":[1],"priority":"LOW"}', f"Content-Type: {kind}"))
        assert reply.status == 200, (kind, reply)


def large(address):
    """200000 ids in one body."""
    ingestion = submit(address, list(range(1, 200001)))
    document = ask(address, get(f"/status/{ingestion}?limit=0")).json()
    assert document["counts"]["ids"] == 200000, document


def documents(address):
    ingestion = submit(address, [1, 2, 3, 4, 5])
    reply = ask(address, get("/status/" + ingestion))
    assert reply.status == 200 and reply.fields["content-type"] == "application/json", reply
    document = reply.json()
    assert document["ingestion_id"] == ingestion and document["status"] == "yet_to_start", document
    assert [batch["ids"] for batch in document["batches"]] == [[1, 2, 3], [4, 5]], document
    for batch in document["batches"]:
        assert batch["status"] == "yet_to_start" and re.fullmatch(UUID, batch["batch_id"]), document
    # UUIDs are equal whatever the case of their digits (RFC 9562 section 4).
    for path in ["/ingestions/" + ingestion, "/status/" + ingestion.upper()]:
        assert ask(address, get(path)).json() == document, path
    assert ask(address, get(f"/status/{ingestion}?wait=20s&until=final")).json()["status"] == "completed"
    document = ask(address, get("/status/" + ingestion)).json()
    assert document["status"] == "completed", document
    assert [batch["status"] for batch in document["batches"]] == ["completed"] * 2, document
    for name in ["created_at", "started_at", "finished_at"]:
        assert re.fullmatch(TIME, document[name]), document


def timeline(address):
    """A daemon with a settle time, slots and batches that are long enough to be seen."""
    ingestion = submit(address, [1, 2, 3, 4])
    seen = []

    def look():
        document = ask(address, get("/status/" + ingestion)).json()
        state = document["status"], *[batch["status"] for batch in document["batches"]]
        if not seen or seen[-1] != state:
            seen.append(state)
        return document["status"] == "completed"

    until(20, look)
    assert seen == [("yet_to_start", "yet_to_start", "yet_to_start"), ("triggered", "triggered", "yet_to_start"),
                    ("triggered", "completed", "yet_to_start"), ("triggered", "completed", "triggered"),
                    ("completed", "completed", "completed")], seen


def failing(address):
    """The handler fails for the id 5."""
    ingestion = submit(address, [1, 2, 3, 5])
    document = ask(address, get(f"/status/{ingestion}?wait=20s&until=final")).json()
    states = [batch["status"] for batch in document["batches"]]
    assert (document["status"], states) == ("failed", ["completed", "failed"]), document


def unknown(address):
    zero = "00000000-0000-7000-8000-000000000000"
    for ingestion in [zero, zero[:-1], zero + "0", zero.replace("-", ""), "abc", "1", "0", "-1", "%20", "a%2Fb", "%C3%A4",
                      "%FF", "..", "{id}", "null", "a" * 300, "a" * 8000, zero + "%0d%0aX:y"]:
        for path in [f"/status/{ingestion}", f"/ingestions/{ingestion}"]:
            reply = ask(address, get(path))
            check_problem(reply, 404, "not_found")
            assert reply.json()["error"] == reply.json()["detail"] == "Ingestion ID not found", (path, reply)


def health(address):
    for path in ["/health", "/healthz"]:
        reply = ask(address, get(path))
        assert (reply.status, reply.json()) == (200, {"status": "ok"}), reply


def index(address):
    for accept in ["Accept: */*", "Accept: application/json", "Accept:", "X: text/html", "Accept: text/htmlx"]:
        reply = ask(address, get("/", accept))
        assert (reply.status, reply.fields["content-type"]) == (200, "application/json"), reply
        assert reply.json()["name"] == "ingestd" and reply.fields["vary"] == "Accept", reply
    for accept in ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "*/*, Text/HTML;q=0.9"]:
        reply = ask(address, get("/", "Accept: " + accept))
        assert (reply.status, reply.fields["content-type"]) == (200, "text/html; charset=utf-8"), reply
        assert reply.fields["content-security-policy"].startswith("default-src 'none';"), reply
        assert b"<" in reply.body, reply
    assert ask(address, get("/docs")).body == reply.body
    assert ask(address, get("/openapi.json")).json() is not None


def elsewhere(address):
    for path in ["/nope", "/ingest/", "/Ingest", "//ingest", "/status", "/status/", "/status/a/b", "/ingestions/",
                 "/ingestions/a/b", "/health/", "/./health", "/x/../health", "/health%2F", "/%20", "/health%20"]:
        check_problem(ask(address, get(path)), 404, "not_found")
    for method, path, allowed in [
            ("GET", "/ingest", "POST"), ("HEAD", "/ingest", "POST"), ("PUT", "/ingest", "POST"),
            ("POST", "/status/x", "GET"), ("DELETE", "/status/x", "GET"), ("POST", "/health", "GET"), ("PATCH", "/", "GET"),
            ("POST", "/ingestions", "GET"), ("FOO", "/metrics", "GET"), ("Get", "/health", "GET"), ("TRACE", "/", "GET")]:
        reply = ask(address, get(path, method=method))
        if method != "HEAD":
            check_problem(reply, 405, "method_not_allowed", method, allowed)
        allow = reply.fields["allow"].split(", ")
        assert reply.status == 405 and allowed in allow and method not in allow, reply
        assert ("HEAD" in allow) == (allowed == "GET") and "OPTIONS" in allow, reply


run(globals())
