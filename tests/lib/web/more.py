"""What HTTP has beyond the original API: more.py CHECK ADDRESS..."""

import json
import re
import socket
import time

from wire import Wire, ask, check_problem, get, post, run, submit, until

BODY = '{"ids":[1,2,3,4],"priority":"HIGH"}'


# ---- Idempotency-Key ----

def keyed(address, key, body=BODY):
    return ask(address, post(body, "Idempotency-Key: " + key))


def keys(address):
    first = keyed(address, "one")
    assert first.status == 200, first
    for key in ["one", '"one"', "  one  "]:
        again = keyed(address, key)
        assert again.status == 200 and again.body == first.body, again
        assert again.fields["location"] == first.fields["location"], again
    # The same list in another form, and what does not belong to it.
    again = keyed(address, "one", '{"x":0, "priority":"HIGH", "ids":["1",2,3,"4"]}')
    assert again.body == first.body, again
    for other in [{"ids": [1, 2, 3], "priority": "HIGH"}, {"ids": [1, 2, 4, 3], "priority": "HIGH"},
                  {"ids": [1, 2, 3, 4], "priority": "LOW"}, {"ids": [1, 2, 3, 4], "priority": "HIGH", "label": "x"}]:
        check_problem(keyed(address, "one", json.dumps(other)), 422, "conflict")
    # A list that is wrong is 400, whatever the key is.
    check_problem(keyed(address, "one", '{"ids":[]}'), 400, "invalid")
    for key in ["One", "k" * 255, '"with space' + '"', '"a\\"b\\\\c"', "!#$%&'()*+-./:<=>?@[]^_`{|}~"]:
        reply = keyed(address, key)
        if " " in key:
            check_problem(reply, 400, "invalid", "Idempotency-Key")
        else:
            assert reply.status == 200 and reply.body != first.body, (key, reply)
            assert keyed(address, key).body == reply.body, key
    assert keyed(address, '"' + "k" * 255 + '"').body == keyed(address, "k" * 255).body


def wrong_keys(address):
    for key in ["", '""', "k" * 256, '"' + "k" * 256 + '"', "a b", "a,b", "a;b", 'a"b', "a\\b", '"a', 'a"', '"a"b', '"a";x=1',
                '"a", "b"', '"a\\n"', "\u00e9", '"\u00e9"', "a\tb"]:
        check_problem(keyed(address, key), 400, "invalid", "Idempotency-Key")


def in_progress(address, path):
    """An upload under this key is not sealed. The client on the socket is the same principal."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"submit","params":{"open":true,"key":"up","priority":"HIGH"}}\n')
        assert b'"result"' in client.recv(4096)
    reply = keyed(address, "up")
    check_problem(reply, 409, "in_progress")
    assert reply.fields["retry-after"] == "1", reply


def many_at_once(address):
    """Twenty clients with the same key and list: one ingestion."""
    wires = [Wire(address) for _ in range(20)]
    for wire in wires:
        wire.send(post(BODY, "Idempotency-Key: crowd"))
    replies = [wire.reply() for wire in wires]
    assert {reply.status for reply in replies} == {200}, replies
    assert len({reply.body for reply in replies}) == 1, replies


# ---- ETag ----

def etags(address):
    """A daemon that starts nothing soon."""
    path = "/status/" + submit(address, [1])
    reply = ask(address, get(path))
    tag = reply.fields["etag"]
    assert re.fullmatch(r'W/"\d+"', tag) and reply.fields["cache-control"] == "no-cache", reply
    for value in [tag, tag[2:], "*", f'"x", {tag}', f"{tag}, \"x\"", f'W/"0",{tag[2:]}']:
        reply = ask(address, get(path, "If-None-Match: " + value))
        assert reply.status == 304 and reply.body == b"" and reply.fields["etag"] == tag, (value, reply)
        assert "content-type" not in reply.fields, reply
    for value in ['"x"', 'W/"999"', tag[3:-1], "", '"', "w/" + tag[2:]]:
        assert ask(address, get(path, "If-None-Match: " + value)).status == 200, value
    # Nothing is left of a 304 that would be taken for the next answer.
    with Wire(address) as wire:
        wire.send(get(path, "If-None-Match: " + tag) + get("/health"))
        assert wire.reply().status == 304
        assert wire.reply().json() == {"status": "ok"}
        wire.send(get(path, "If-None-Match: " + tag, method="HEAD"))
        assert wire.reply(head=True).status == 304


# ---- ?wait ----

def waits(address):
    """A daemon with a settle time of some 400 ms."""
    path = "/status/" + submit(address, [1])
    tag = ask(address, get(path)).fields["etag"]
    start = time.monotonic()
    seen = []
    while True:
        reply = ask(address, get(path + "?wait=20s", "If-None-Match: " + tag))
        assert reply.status == 200 and reply.fields["etag"] != tag, reply
        tag = reply.fields["etag"]
        seen.append(reply.json()["status"])
        if seen[-1] == "completed":
            break
    assert "triggered" in seen and len(seen) <= 4 and time.monotonic() - start < 15, seen
    # Without a tag the state of now is the measure; what is final is final.
    path = "/status/" + submit(address, [1])
    assert ask(address, get(path + "?wait=20s")).json()["status"] == "triggered"
    assert ask(address, get(path + "?wait=20s&until=final")).json()["status"] == "completed"
    start = time.monotonic()
    assert ask(address, get(path + "?until=final&wait=1h")).json()["status"] == "completed"
    assert time.monotonic() - start < 10
    # A tag that is old already is answered at once.
    assert ask(address, get(path + "?wait=1h", 'If-None-Match: W/"1"')).status == 200
    assert time.monotonic() - start < 10


def time_is_over(address):
    """A daemon that starts nothing soon."""
    path = "/status/" + submit(address, [1])
    start = time.monotonic()
    reply = ask(address, get(path + "?wait=300ms&until=final"))
    assert reply.json()["status"] == "yet_to_start" and 0.29 < time.monotonic() - start < 10, reply
    reply = ask(address, get(path + "?wait=200ms", "If-None-Match: " + reply.fields["etag"]))
    assert reply.status == 304, reply
    # Without a time there is nothing to wait for.
    assert ask(address, get(path + "?until=final")).status == 200
    assert ask(address, get(path + "?wait=0")).status == 200


def wrong_queries(address):
    path = "/status/" + submit(address, [1])
    for query, *parts in [
            ("wait=soon", "wait", '"soon"', "30s"), ("wait=2h", "wait", "1h"), ("wait=-1s", "wait"), ("wait=", "wait"),
            ("wait=1s&wait=1s", "wait", "twice"), ("until=later", "until", '"later"', "change or final"),
            ("batches=x", "batches", '"x"'), ("batches=-1", "batches"), ("limit=1001", "limit", "1000"), ("limit=1.0", "limit"),
            ("Wait=1s", "unknown", '"Wait"'), ("x", "unknown", '"x"'), ("wait=%FF", "encoded"), ("=", "encoded")]:
        check_problem(ask(address, get(f"{path}?{query}")), 400, "invalid", *parts)
    for query, *parts in [
            ("status=done", "status", '"done"'), ("priority=high", "priority", '"high"'), ("limit=0", "limit"),
            ("limit=1001", "limit"), ("cursor=", "cursor"), ("cursor=nonsense",), ("cursor=" + "a" * 300, "cursor"),
            ("label=" + "a" * 129, "label"), ("label=", "label"), ("seq=0", "seq"), ("offset=5", "unknown", '"offset"')]:
        check_problem(ask(address, get(f"/ingestions?{query}")), 400, "invalid", *parts)
    for query in ["?", "?&&", "?limit=5&", "?limit=%35", "?status=completed&priority=LOW&label=a+b%2Bc"]:
        assert ask(address, get("/ingestions" + query)).status == 200, query


def wait_unseen(address, number):
    """That many clients that wait, go away, and leave nothing behind."""
    path = "/status/" + submit(address, [1])
    for _ in range(int(number)):
        wire = Wire(address)
        wire.send(get(path + "?wait=1h"))
        yield wire


def vanish(address, number):
    wires = list(wait_unseen(address, number))

    def waiting():
        return ask(address, get("/stats")).json()["requests"]["waiting"]

    until(10, lambda: waiting() == int(number))
    for at, wire in enumerate(wires):
        if at % 2:
            # A reset instead of an end.
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        elif at % 4 == 0:
            # More than the daemon reads ahead.
            wire.send(get("/health") * 1000)
        wire.socket.close()
    until(10, lambda: waiting() == 0)
    until(10, lambda: ask(address, get("/stats")).json()["connections"]["open"] == 1)


def hurried(address):
    """Who sends no more gets the state of now."""
    path = "/status/" + submit(address, [1])
    with Wire(address) as wire:
        wire.send(get(path + "?wait=1h"))
        wire.end()
        reply = wire.reply()
        assert reply.json()["status"] == "yet_to_start" and wire.is_at_end(), reply


# ---- X-Request-Id ----

def request_ids(address):
    for given in ["a", "A-Z_0.9", "x" * 64]:
        for path in ["/health", "/nope", "/ingestions", "/status/x"]:
            assert ask(address, get(path, "X-Request-Id: " + given)).fields["x-request-id"] == given
    made = set()
    for given in ["", "x" * 65, "a b", "a/b", "\u00e9", "a;b", '"a"', "{}"]:
        reply = ask(address, get("/health", "X-Request-Id: " + given))
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", reply.fields["x-request-id"]), reply
        assert reply.fields["x-request-id"] != given, reply
        made.add(reply.fields["x-request-id"])
    assert len(made) == 8, made
    # A request that nobody could read has one, too.
    with Wire(address) as wire:
        wire.send("GET /health HTTP/9.9\r\n\r\n")
        check_problem(wire.reply(), 505, "invalid")
    # One that is refused for what is in its head keeps its own; the answer to HEAD has no body.
    for status, field in [(413, "Content-Length: 99999999999"), (400, "Host: other"), (417, "Expect: x"), (501, "Transfer-Encoding: gzip")]:
        reply = ask(address, get("/ingest", field, f"X-Request-Id: refused-{status}", method="POST"))
        check_problem(reply, status)
        assert reply.fields["x-request-id"] == f"refused-{status}", reply
    with Wire(address) as wire:
        wire.send(get("/health", "Host: other", method="HEAD"))
        assert wire.reply(head=True).status == 400
        assert wire.is_at_end(), wire.pending


# ---- HEAD, OPTIONS, Expect ----

def heads(address):
    status = "/status/" + submit(address, [1])
    with Wire(address) as wire:
        for path in ["/health", "/", "/ingestions", status, "/status/x", "/nope", "/openapi.json", "/readyz"]:
            wire.send(get(path, "X-Request-Id: x"))
            whole = wire.reply()
            wire.send(get(path, "X-Request-Id: x", method="HEAD"))
            head = wire.reply(head=True)
            assert head.status == whole.status, path
            for fields in [head.fields, whole.fields]:
                fields.pop("date")
            assert head.fields == whole.fields and int(head.fields["content-length"]) == len(whole.body), (head, whole)


def options(address):
    with Wire(address) as wire:
        for path, allowed in [("/ingest", "POST"), ("/status/x", "GET, HEAD"), ("/health", "GET, HEAD"), ("/", "GET, HEAD"),
                              ("*", "")]:
            wire.send(get(path, method="OPTIONS"))
            reply = wire.reply()
            wanted = set(("OPTIONS, " + allowed).strip(", ").split(", "))
            assert reply.status == 204 and set(reply.fields["allow"].split(", ")) == wanted, (path, reply)
        wire.send(get("/nope", method="OPTIONS"))
        check_problem(wire.reply(), 404, "not_found")
        # Other pages get no permission to ask.
        wire.send(get("/ingest", "Origin: http://evil.example", "Access-Control-Request-Method: POST", method="OPTIONS"))
        reply = wire.reply()
        assert not [name for name in reply.fields if name.startswith("access-control")], reply


def expectations(address):
    head = post(BODY, "Expect: 100-continue")[:-len(BODY)]
    with Wire(address) as wire:
        for _ in range(2):
            wire.send(head)
            assert wire.line() == "HTTP/1.1 100 Continue" and wire.line() == ""
            wire.send(BODY)
            assert wire.reply().status == 200
    # What is refused by its head is refused without the body, which is never read as a request.
    for request, status in [
            (post(BODY, "Expect: 100-continue", path="/nope"), 404),
            (post(BODY, "Expect: 100-continue", path="/status/x"), 405),
            (post(BODY, "Expect: 100-continue", "Idempotency-Key: a b"), 400),
            (post("", "Expect: 100-continue").replace(b"Length: 0", b"Length: 99999999"), 413),
            (post(BODY, "Expect: 100-continue", "Expect: more"), 417)]:
        with Wire(address) as wire:
            wire.send(request.split(b"\r\n\r\n")[0] + b"\r\n\r\n")
            reply = wire.reply()
            check_problem(reply, status)
            assert reply.fields["connection"] == "close", reply
            wire.send_what_goes(get("/health"))
            assert wire.is_at_end()


# ---- lists and pages ----

def follow(address, path):
    """All pages from there on."""
    seen = 0
    with Wire(address) as wire:
        while path:
            wire.send(get(path))
            reply = wire.reply()
            assert reply.status == 200, (path, reply)
            document = reply.json()
            yield document
            path = document.get("next")
            seen += 1
            assert seen < 100, path


def lists(address):
    label = "a b&c=d+e%/?#\u00e4\u20ac" + address[:1]
    made = [submit(address, [1], priority, label=label) for priority in ["HIGH", "LOW"] * 5]
    pages = list(follow(address, "/ingestions?limit=3"))
    found = [one["ingestion_id"] for page in pages for one in page["ingestions"]]
    assert found[:10] == made[::-1], found
    assert all(len(page["ingestions"]) <= 3 for page in pages) and len(found) == len(set(found)), pages
    # The filters go on from page to page.
    quoted = "".join(f"%{byte:02x}" for byte in label.encode())
    pages = list(follow(address, f"/ingestions?priority=LOW&label={quoted}&limit=2&status=yet_to_start"))
    found = [one for page in pages for one in page["ingestions"]]
    assert [one["ingestion_id"] for one in found] == made[9::-2], found
    assert {one["label"] for one in found} == {label} and len(pages) >= 3, pages
    seq = found[0]["seq"]
    (page,) = follow(address, f"/ingestions?seq={seq}")
    assert [one["ingestion_id"] for one in page["ingestions"]] == [made[9]], page
    (page,) = follow(address, "/ingestions?status=completed")
    assert page["ingestions"] == [], page


def pages(address):
    """Batches of 3: 2500 of them, 1000 to a page."""
    ids = list(range(1, 7501))
    ingestion = submit(address, ids)
    for path in [f"/status/{ingestion}", f"/ingestions/{ingestion}"]:
        documents = list(follow(address, path))
        assert [len(document["batches"]) for document in documents] == [1000, 1000, 500]
        assert [one for document in documents for batch in document["batches"] for one in batch["ids"]] == ids
        assert "next" not in documents[-1] and documents[0]["counts"]["batches"] == 2500
        assert documents[0]["next"].startswith(f"/ingestions/{ingestion}?"), documents[0]["next"]
    (document,) = follow(address, f"/status/{ingestion}?batches=2499")
    assert document["batches"][0]["ids"] == ids[-3:]
    document = ask(address, get(f"/status/{ingestion}?limit=0")).json()
    assert document["batches"] == [] and document["counts"]["batches"] == 2500


# ---- figures ----

def figures(address):
    reply = ask(address, get("/stats"))
    document = reply.json()
    assert reply.status == 200 and document["requests"]["total"] >= 1, reply
    assert document["connections"]["open"] >= 1 and document["store"]["commits"] >= 0, document
    reply = ask(address, get("/metrics"))
    assert reply.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8", reply
    lines = reply.body.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert len(values) == len([line for line in lines if not line.startswith("#")]), "a series is there twice"
    assert float(values["ingestd_requests_total"]) > document["requests"]["total"]
    assert float(values["ingestd_slot_interval_seconds"]) == document["dispatch"]["interval_ns"] / 1e9
    assert 'ingestd_waiting_ids{priority="HIGH"}' in values
    assert values['ingestd_limit{name="max-connections"}'] == "4096"
    # Each family is described once, in front of its first series.
    described = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
    assert len(described) == len(set(described))
    series = {name.split("{")[0] for name in values}
    histogram = "ingestd_handler_duration_seconds"
    parts = {histogram + part for part in ("_bucket", "_sum", "_count")}
    assert parts <= series and series - parts | {histogram} == set(described)
    assert values[histogram + '_bucket{le="+Inf"}'] == values[histogram + "_count"]
    for line in lines:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert (kind == "counter") == name.endswith("_total"), line


# ---- connections ----

def keep_alive(address):
    with Wire(address) as wire:
        for _ in range(5):
            wire.send(get("/health"))
            reply = wire.reply()
            assert "connection" not in reply.fields, reply
        wire.send(get("/health", "Connection: close"))
        assert wire.reply().fields["connection"] == "close" and wire.is_at_end()
    # Old clients are told the end of an answer by that of the connection.
    for field in ["", "Connection: keep-alive\r\n"]:
        with Wire(address) as wire:
            wire.send(f"GET /health HTTP/1.0\r\n{field}\r\n")
            assert wire.reply().fields["connection"] == "close" and wire.is_at_end()
    # An empty line too many is no mistake, and neither is a body that nobody needs.
    with Wire(address) as wire:
        wire.send(b"\r\n" * (address.isdigit()) + get("/health") + b"\r\n\r\n" + get("/health", "Content-Length: 5") + b"GET /"
                  + get("/health", "Transfer-Encoding: chunked") + b"5\r\nGET /\r\n0\r\n\r\n" + get("/"))
        for _ in range(3):
            assert wire.reply().json() == {"status": "ok"}
        assert wire.reply().json()["name"] == "ingestd"


def pipelined(address):
    """Answers come in order, also those that take longer, and also when the client sends no more."""
    status = "/status/" + submit(address, [1])
    requests = [get("/health"), get(status), get("/nope"), post(BODY), get("/ingestions"), get("/health", method="HEAD"),
                post("x"), get(status + "?wait=50ms"), get("/")]
    wanted = [200, 200, 404, 200, 200, 200, 400, 200, 200]
    for end in [False, True]:
        with Wire(address) as wire:
            wire.send(b"".join(requests) * 10)
            if end:
                wire.end()
            got = [wire.reply(head=b"HEAD" in request).status for request in requests * 10]
            assert got == wanted * 10, got
            if end:
                assert wire.is_at_end()
    # Cut in pieces.
    with Wire(address) as wire:
        for byte in b"".join(requests[:5]):
            wire.send(bytes([byte]))
        assert [wire.reply().status for _ in range(5)] == wanted[:5]


def chunked(address):
    with Wire(address) as wire:
        for size in [1, 3, 1000]:
            wire.send(get("/ingest", "Transfer-Encoding: chunked", method="POST"))
            for at in range(0, len(BODY), size):
                piece = BODY[at:at + size]
                wire.send(f"{len(piece):x};x=y\r\n{piece}\r\n")
            wire.send("0\r\nTrailer: x\r\n\r\n")
            assert wire.reply().status == 200


def idle(address):
    """A daemon with --http-idle-timeout 1s: a connection that is idle is closed, without a word."""
    with Wire(address) as used, Wire(address) as fresh:
        used.send(get("/health"))
        assert used.reply().status == 200
        assert used.is_at_end() and fresh.is_at_end()


run(globals())
