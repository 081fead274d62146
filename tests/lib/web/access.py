"""Who may do what: access.py CHECK ADDRESS,ARGUMENT..."""

from wire import Wire, ask, check_problem, get, post, run

BODY = '{"ids":[1],"priority":"HIGH"}'
ZERO = "/status/00000000-0000-7000-8000-000000000000"
OPEN = ["/health", "/healthz", "/readyz", "/", "/docs", "/openapi.json"]
READ = [ZERO, "/ingestions", "/ingestions" + ZERO[7:], "/stats", "/metrics", "/nodes"]


def bearer(token):
    return f"Authorization: Bearer {token}"


def challenge(reply):
    check_problem(reply, 401, "unauthorized")
    return reply.fields["www-authenticate"]


def tokens(address):
    """The tokens one (read), two (submit), both (submit+read), all (admin) are NAME-secret."""
    for path in OPEN:
        assert ask(address, get(path)).status == 200, path
        assert ask(address, get(path, bearer("wrong"))).status == 200, path
    for request in [get(path) for path in READ] + [post(BODY)]:
        assert challenge(ask(address, request)) == "Bearer"
    for value in ["bearer wrong", "Bearer one-secre", "Bearer one-secret2", "Bearer ONE-SECRET",
                  "Bearer one", "Bearer " + "x" * 600, "Bearer one-secret two-secret"]:
        reply = ask(address, get("/stats", "Authorization: " + value))
        assert challenge(reply) == 'Bearer error="invalid_token"', value
    for value in ["Bearer", "Bearer ", "one-secret", "Basic b25lOm9uZS1zZWNyZXQ=", "BearerX one-secret", 'Bearer="one-secret"', ""]:
        assert challenge(ask(address, get("/stats", "Authorization: " + value))) == "Bearer", value
    # The name of the scheme is written in either case; more spaces than one are one.
    for value in ["bearer one-secret", "BEARER one-secret", "Bearer   one-secret  "]:
        assert ask(address, get("/stats", "Authorization: " + value)).status == 200, value
    # A token in the path or in the query is none.
    assert challenge(ask(address, get("/stats?access_token=one-secret&token=one-secret"))) == "Bearer"
    for name, may_read, may_submit in [("one", 1, 0), ("two", 0, 1), ("both", 1, 1), ("all", 1, 1)]:
        token = bearer(name + "-secret")
        for path in READ:
            reply = ask(address, get(path, token))
            if may_read:
                assert reply.status == (404 if ZERO[7:] in path else 200), (name, path, reply)
            else:
                check_problem(reply, 403, "forbidden", "scope read", f"token:{name}")
        reply = ask(address, post(BODY, token))
        if may_submit:
            assert reply.status == 200, (name, reply)
        else:
            check_problem(reply, 403, "forbidden", "scope submit", f"token:{name}")
    # What is not there is not there for everybody.
    assert ask(address, get("/nope")).status == 404
    # A body is not awaited from somebody who may not send it; the connection ends.
    for field, status in [("X: y", 401), (bearer("one-secret"), 403)]:
        with Wire(address) as wire:
            wire.send(post("x" * 1000, "Expect: 100-continue", field)[:-1000])
            assert wire.reply().status == status and wire.is_at_end()
    # A connection has no memory of tokens.
    with Wire(address) as wire:
        wire.send(get("/stats", bearer("one-secret")) + get("/stats"))
        assert wire.reply().status == 200
        assert wire.reply().status == 401


def principals(address):
    """Each token has keys of its own."""
    replies = [ask(address, post(BODY, "Idempotency-Key: k", bearer(token))).body
               for token in ["two-secret", "both-secret", "two-secret"]]
    assert replies[0] == replies[2] != replies[1], replies


def hosts(address, *more):
    """`more` are allowed, too."""
    def host(name, path="/stats", method="GET"):
        with Wire(address) as wire:
            wire.send(f"{method} {path} HTTP/1.1\r\nHost: {name}\r\n\r\n")
            return wire.reply()

    for name in ["localhost", "LOCALHOST:1", "127.0.0.1", f"127.0.0.1:{address}", "[::1]", "[::1]:80", *more]:
        assert host(name).status == 200, name
    for name in ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2",
                 "0.0.0.0", "[::2]", "[::ffff:127.0.0.1]", "localhost.", "a"]:
        check_problem(host(name), 421, "forbidden", name.split(":80")[0], "--http-allow-host")
        for path in ["/health", "/healthz", "/readyz"]:
            assert host(name, path).status == 200, (name, path)
    with Wire(address) as wire:
        # The URL in the target is what counts (RFC 9112 section 3.2.2).
        wire.send("GET http://evil.example/stats HTTP/1.1\r\nHost: localhost\r\n\r\n"
                  "GET http://localhost/stats HTTP/1.1\r\nHost: evil.example\r\n\r\n"
                  "GET /stats HTTP/1.0\r\n\r\n")
        assert [wire.reply().status for _ in range(3)] == [421, 200, 200]
    with Wire(address) as wire:
        wire.send("POST /ingest HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 29\r\n\r\n" + BODY)
        check_problem(wire.reply(), 421)
        assert wire.is_at_end()


def origins(address):
    own = f"Host: localhost:{address}"

    def origin(request, value):
        return ask(address, request.replace(b"Host: localhost", f"{own}\r\nOrigin: {value}".encode()))

    json = "Content-Type: application/json"
    for value in ["http://evil.example", "null", "http://localhost", "http://localhost:1", f"ftp://localhost:{address}", "https://localhost",
                  f"http://127.0.0.1:{address}", f"http://localhost:{address}.evil.example", f"localhost:{address}", "",
                  "http://", f"http://localhost:{address}/", f"http://x@localhost:{address}", "file://"]:
        check_problem(origin(post(BODY, json), value), 403, "forbidden")
        check_problem(origin(get("/stats"), value), 403, "forbidden")
        assert origin(get("/health"), value).status == 200, value
    good = f"http://LocalHost:{address}"
    # A proxy in front of us may have spoken TLS.
    for value in [good, f"https://localhost:{address}"]:
        assert origin(get("/stats"), value).status == 200, value
    for host, value, status in [("localhost", "http://localhost", 200), ("localhost", "https://localhost:443", 200),
                                ("localhost:443", "https://localhost", 200), ("localhost:80", "http://localhost", 200),
                                ("localhost", "http://localhost:443", 403), ("localhost", f"http://localhost:{address}", 403)]:
        with Wire(address) as wire:
            wire.send(f"GET /stats HTTP/1.1\r\nHost: {host}\r\nOrigin: {value}\r\n\r\n")
            assert wire.reply().status == status, (host, value)
    for kind in [json, "Content-Type: Application/JSON; charset=utf-8"]:
        assert origin(post(BODY, kind), good).status == 200, kind
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx",
                 "application/json, text/plain", ""]:
        check_problem(origin(post(BODY, "Content-Type: " + kind), good), 415, "invalid", "application/json")
    check_problem(origin(post(BODY), good), 415)


run(globals())
