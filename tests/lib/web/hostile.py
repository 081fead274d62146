"""What clients do that they should not: hostile.py CHECK ADDRESS,ARGUMENT..."""

import contextlib
import os
import re
import select
import socket
import threading
import time

from wire import Wire, ask, check_problem, cpu_and_rss, get, post, run, submit, until

ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)")
NAMED = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def unescape(text):
    return ESCAPE.sub(lambda m: NAMED.get(m[1]) or bytes.fromhex(m[1][1:].decode()), text)


def read_table(path):
    """The cases of tests/http/requests.txt, which describes its form: (name, bytes, lines)."""
    cases = []
    with open(path, "rb") as file:
        for line in file.read().split(b"\n"):
            word, _, rest = line.partition(b" ")
            if word == b"case":
                cases.append((rest.decode(), [], []))
            elif word == b"send":
                cases[-1][1].append(unescape(rest))
            elif word == b"repeat":
                count, _, text = rest.partition(b" ")
                cases[-1][1].append(int(count) * unescape(text))
            elif word == b"want":
                cases[-1][2].append(rest.decode())
    return [(name, b"".join(sent), want) for name, sent, want in cases]


def exchange(address, data, end):
    """Sends and receives at the same time. Returns the replies; the connection has ended then."""
    with Wire(address) as wire:
        wire.socket.setblocking(False)
        received, at, is_over = b"", 0, False
        while not is_over:
            readable, writable, _ = select.select([wire.socket], [wire.socket] if at < len(data) else [], [], 20)
            assert readable or writable, f"the connection stays open after {received[:300]!r}"
            if writable:
                try:
                    at += wire.socket.send(data[at:at + 1 << 20])
                    if at == len(data) and end:
                        wire.end()
                except (BrokenPipeError, ConnectionResetError):
                    at = len(data)
            if readable:
                try:
                    piece = wire.socket.recv(1 << 20)
                    received += piece
                    is_over = not piece
                except ConnectionResetError:
                    # Only who sends more than is thrown away is cut off.
                    assert len(data) > 16 << 20, f"a reset instead of an end after {received[:300]!r}"
                    is_over = True
        wire.pending = received
        replies = []
        head = data.startswith(b"HEAD ")
        while wire.pending:
            wire.more = lambda: False
            reply = wire.reply(head)
            if reply.status != 100:
                replies.append(reply)
        return replies


@contextlib.contextmanager
def bystander(address):
    """Somebody who behaves, on one connection all the time, must be served at once."""
    over = threading.Event()
    worst = [0.0]
    failure = []

    def ask_on():
        try:
            with Wire(address) as wire:
                while not over.wait(0.01):
                    start = time.monotonic()
                    wire.send(get("/health"))
                    assert wire.reply().status == 200
                    worst[0] = max(worst[0], time.monotonic() - start)
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=ask_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not failure, failure
    # Loose, for a machine that is busy.
    assert worst[0] < 2, worst


def table(address, path):
    """The daemon allows the hosts of the table."""
    count = errors = 0
    with bystander(address):
        for name, sent, want in read_table(path):
            # A path that takes a body, so that the body is read.
            sent = re.sub(rb"POST /\d? HTTP", b"POST /ingest HTTP", sent)
            try:
                errors += check_case(address, sent, want)
                count += 1
            except Exception as error:
                raise AssertionError(f"{name}: {error}") from error
    assert count >= 150 and errors >= 100, (count, errors)


def check_case(address, sent, want):
    error = re.fullmatch(r"(\d{3}) (.*)", want[-1])
    requests = [line for line in want if " HTTP/1." in line and not line[0].isdigit()]
    replies = exchange(address, sent, end=not error)
    if error:
        last = replies.pop()
        check_problem(last, int(error[1]), None, error[2])
        assert last.fields["connection"] == "close", last
    # The last request may have been cut off within its body.
    has_body = bool(requests) and re.search(r" (chunked|length=[1-9]\d*) ", requests[-1])
    fewest = len(requests) - (1 if has_body and want[-1] != requests[-1] else 0)
    assert fewest <= len(replies) <= len(requests), (want, replies)
    for line, reply in zip(requests, replies):
        method, target, _ = line.split(" ", 2)
        if method == "GET" and target in ("/", "/health", "/?b=/"):
            assert reply.status == 200, (line, reply)
        assert reply.status in (200, 204, 400, 404, 405), (line, reply)
    return bool(error)


# ---- time ----

def slow_head(address):
    """A daemon with --http-header-timeout 1s."""
    with bystander(address), Wire(address) as wire:
        start = time.monotonic()
        for byte in get("/health", "X: " + "x" * 1000):
            wire.send_what_goes(bytes([byte]))
            if select.select([wire.socket], [], [], 0.1)[0]:
                break
        reply = wire.reply()
        check_problem(reply, 408, None, "--http-header-timeout")
        assert reply.fields["connection"] == "close" and 1 <= time.monotonic() - start < 8, reply
        wire.send_what_goes(b"x")
        wire.is_at_end()
    # The time counts from the first byte of each request, not from the last answer, and empty lines are no bytes.
    with Wire(address) as wire:
        for _ in range(2 if address.isdigit() else 0):
            time.sleep(1.2)
            wire.send(b"\r\n" + get("/health"))
            assert wire.reply().status == 200


def slow_body(address):
    """The same daemon; at least 1024 bytes per second after that time."""
    with bystander(address), Wire(address) as wire, Wire(address) as quick:
        start = time.monotonic()
        wire.send(get("/ingest", "Content-Length: 100000", method="POST"))
        quick.send(get("/ingest", "Content-Length: 20000", method="POST"))
        sent = refused = 0
        while sent < 20000:
            if not refused:
                wire.send_what_goes(b" " * 20)
                refused = select.select([wire.socket], [], [], 0)[0] and time.monotonic() - start
            # Fast enough, though it takes longer than the time for a header.
            quick.send(b" " * 250)
            sent += 250
            time.sleep(0.05)
        assert time.monotonic() - start > 3.5
        check_problem(quick.reply(), 400, "parse_error")
        assert 1 <= refused < 4, refused
        check_problem(wire.reply(), 408, None, "1024 bytes per second")


def resting_body(address):
    """The same daemon. Who has sent much of a body at once may not rest on it."""
    with Wire(address) as wire, Wire(address) as other:
        start = time.monotonic()
        for one in wire, other:
            one.send(get("/ingest", "Content-Length: 1000000", method="POST") + b" " * 900_000)
        check_problem(wire.reply(), 408, None, "1024 bytes per second")
        assert 1 <= time.monotonic() - start < 8
        check_problem(other.reply(), 408)


# ---- size ----

def endless(address, pid):
    """20 MB in one place, of each kind: neither time nor memory for it."""
    with bystander(address):
        cpu, rss = cpu_and_rss(pid)
        for start in [b"", b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\nX", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a:b\r\n" * 40,
                      b"POST /ingest HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;"]:
            (reply,) = exchange(address, start + b"x" * 20_000_000, end=False)
            check_problem(reply, {b"": 501, b"GET /": 414}.get(start, 400 if b"chunked" in start else 431))
        for _ in range(10):
            (reply,) = exchange(address, post(b"x" * 20_000_000), end=False)
            check_problem(reply, 413, "too_large")
        cpu_then, rss_then = cpu_and_rss(pid)
    assert cpu_then - cpu < 4, cpu_then - cpu
    if os.environ.get("VARIANT", "release") == "release":
        assert rss_then - rss < 4 << 20, rss_then - rss


def large_body(address):
    """A body that is as long as allowed is read, as JSON refused, and the connection goes on."""
    with Wire(address) as wire:
        wire.send(post(b" " * (16 << 20)))
        check_problem(wire.reply(), 400, "parse_error")
        wire.send(get("/health"))
        assert wire.reply().status == 200
        wire.send(post(b" " * ((16 << 20) + 1))[:1000])
        check_problem(wire.reply(), 413, "too_large")


def too_much_together(address):
    """A daemon with --max-buffer-bytes 1m: many bodies that do not end."""
    wires = [Wire(address) for _ in range(8)]
    refused = 0
    for wire in wires:
        wire.send(get("/ingest", "Content-Length: 1000000", method="POST") + b" " * 300_000)
    for wire in wires:
        if select.select([wire.socket], [], [], 0.3)[0]:
            reply = wire.reply()
            check_problem(reply, 503, "busy", "--max-buffer-bytes")
            assert reply.fields["retry-after"] == "1", reply
            refused += 1
    assert 4 <= refused < 8, refused
    assert ask(address, get("/health")).status == 200
    for wire in wires:
        wire.socket.close()
    until(10, lambda: ask(address, post('{"ids":[%s],"priority":"LOW"}' % ("1," * 100_000 + "1"))).status == 200)
    # Who is alone has room for the longest body.
    until(10, lambda: ask(address, post('{"ids":[%s],"priority":"LOW"}' % ("1," * 1_000_000 + "1"))).status == 200)


def never_reads(address):
    """A daemon with --send-timeout 1s, --http-idle-timeout 1h. Whoever takes nothing is dropped; nobody else is."""
    ingestion = submit(address, list(range(1, 3001)))

    def connections(name):
        return ask(address, get("/stats")).json()["connections"][name]

    with bystander(address), Wire(address, receive_buffer=4096) as wire, Wire(address, receive_buffer=4096) as slow:
        slow.send(get("/status/" + ingestion) * 3)
        wire.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(1000):
                wire.socket.send(get("/status/" + ingestion))
        until(15, lambda: connections("dropped") == 1)
        # The bystander, the slow one, and the one that asks.
        until(5, lambda: connections("open") == 3)
        # Slow is not nothing.
        for _ in range(3):
            assert slow.reply().status == 200
        assert connections("dropped") == 1


def reads_late(address):
    """A daemon with --batch-size 1000. Who reads the last answer late, or slowly, gets all of it."""
    path = "/status/" + submit(address, list(range(10 ** 15, 10 ** 15 + 30_000)))
    whole = ask(address, get(path)).body
    with Wire(address) as http10, Wire(address) as close:
        http10.send(get(path, version="1.0"))
        close.send(get(path, "Connection: close"))
        # Longer than what a client sends behind its last request is thrown away.
        time.sleep(7)
        for wire in http10, close:
            reply = wire.reply()
            assert reply.fields["connection"] == "close" and reply.body == whole, len(reply.body)
            assert wire.is_at_end()


run(globals())
