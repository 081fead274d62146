"""Many connections: crowd.py CHECK ADDRESS,ARGUMENT..."""

import os
import resource
import select
import socket
import time

from wire import Wire, ask, check_problem, cpu_and_rss, get, post, run, submit, until

BODY = '{"ids":[1],"priority":"HIGH"}'


def served(address):
    """A connection on which a request was answered, with a head like those of browsers."""
    wire = Wire(address)
    wire.send(get("/health", "Cookie: " + "x" * 6000))
    assert wire.reply().status == 200
    return wire


def hold(address, number, told):
    """Holds that many connections until it is killed; the file `told` says that it has them."""
    wires = [served(address) for _ in range(int(number))]
    open(told, "w").close()
    time.sleep(60)
    del wires


def full_queue(address, hold):
    """A store that does not write while the file `hold` is there, with a queue of a few places."""
    open(hold, "w").close()
    wires = [Wire(address) for _ in range(10)]
    for wire in wires:
        wire.send(post(BODY))
        time.sleep(0.02)
    refused, _, _ = select.select([wire.socket for wire in wires], [], [], 20)
    assert 0 < len(refused) < 10, len(refused)
    os.unlink(hold)
    accepted = 0
    for wire in wires:
        reply = wire.reply()
        if wire.socket in refused:
            check_problem(reply, 503, "busy")
            assert reply.fields["retry-after"] == "1" and reply.json()["retry_after_ms"] == 1000, reply
        else:
            assert reply.status == 200, reply
            accepted += 1
    # Nothing that was accepted is lost, and nothing else is there. All connections are still good.
    wires[-1].send(get("/ingestions"))
    assert len(wires[-1].reply().json()["ingestions"]) == accepted


def idle(address, pid, cap):
    """A daemon that takes `cap` connections: that many at rest, then more."""
    cap = int(cap)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # So much is there for other reasons; what is measured comes on top.
    wires = [served(address) for _ in range(100)]
    _, rss = cpu_and_rss(pid)
    while len(wires) < cap:
        wires.append(served(address))
    cpu, rss_then = cpu_and_rss(pid)
    each = (rss_then - rss) / (cap - 100)
    print(f"{cap} connections, {each:.0f} bytes each")
    if os.environ.get("VARIANT", "release") == "release":
        assert each < 4096, each
    # Beyond the cap each one is refused, and told so.
    for at in range(100):
        if at % 2:
            check_problem(ask(address, get("/health")), 429, "limited", "max-connections")
        else:
            with Wire(address) as wire:
                check_problem(wire.reply(), 429, "limited")
                assert wire.is_at_end()
    # At rest they cost nothing.
    time.sleep(1)
    assert cpu_and_rss(pid)[0] - cpu < 0.5
    # All of them are still good, and whoever goes makes room.
    for wire in wires[::97]:
        wire.send(get("/health"))
        assert wire.reply().status == 200
    wires.pop().socket.close()
    until(10, lambda: ask(address, get("/health")).status == 200)
    for wire in wires:
        wire.socket.close()
    stats = until(20, lambda: alone(address))
    assert stats["connections"]["refused"] >= 100 and stats["connections"]["dropped"] == 0, stats["connections"]


def alone(address):
    reply = ask(address, get("/stats"))
    return reply.status == 200 and reply.json()["connections"]["open"] == 1 and reply.json()


def no_descriptors(address, pid):
    """A daemon whose descriptors are taken away while it runs."""
    kept = served(address)
    used = len(os.listdir(f"/proc/{pid}/fd"))
    before = resource.prlimit(int(pid), resource.RLIMIT_NOFILE)
    resource.prlimit(int(pid), resource.RLIMIT_NOFILE, (used + 5, before[1]))
    wires = []
    refused = 0
    for _ in range(60):
        wire = Wire(address)
        wire.send_what_goes(get("/health"))
        reply = wire.reply()
        if reply.status == 200:
            wires.append(wire)
        else:
            check_problem(reply, 429, "limited", "descriptor")
            refused += 1
    assert refused >= 50 and wires, (refused, len(wires))
    cpu, _ = cpu_and_rss(pid)
    # Who is served stays served, and the daemon does not turn in circles.
    end = time.monotonic() + 1
    while time.monotonic() < end:
        kept.send(get("/health"))
        assert kept.reply().status == 200
        time.sleep(0.05)
    assert cpu_and_rss(pid)[0] - cpu < 0.5
    resource.prlimit(int(pid), resource.RLIMIT_NOFILE, before)
    until(10, lambda: ask(address, get("/health")).status == 200)
    assert ask(address, post(BODY)).status == 200


def come_and_go(address, pid):
    """Connections that end in all ways leave nothing behind."""
    def round_():
        for at in range(300):
            wire = Wire(address)
            if at % 6 == 1:
                wire.send("GET /hea")
            elif at % 6 == 2:
                wire.send(get("/stats"))
            elif at % 6 == 3:
                wire.send(get("/ingest", "Content-Length: 100000", method="POST") + b"x" * 50000)
            elif at % 6 == 4:
                wire.send(get("/stats") * 20 + b"\r\nx")
                wire.end()
            elif at % 6 == 5:
                wire.send(get("/stats") * 20)
                wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            wire.socket.close()
        return until(10, lambda: alone(address))

    # The allocator has its own idea of what to keep at first.
    for _ in range(3):
        round_()
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    _, rss = cpu_and_rss(pid)
    for _ in range(4):
        stats = round_()
    for name in ["max-buffer-bytes", "max-reply-bytes", "max-queued-bytes"]:
        (limit,) = [one for one in stats["limits"] if one["name"] == name]
        assert limit["used"] == 0, limit
    assert len(os.listdir(f"/proc/{pid}/fd")) <= descriptors + 1
    if os.environ.get("VARIANT", "release") == "release":
        assert cpu_and_rss(pid)[1] - rss < 2 << 20


def limit(address, name):
    (one,) = [one for one in ask(address, get("/stats")).json()["limits"] if one["name"] == name]
    return one


def unread(address):
    """A daemon with --max-reply-bytes 1m on a Unix socket, whose buffers are small. Many clients ask and do not read."""
    wires = [Wire(address) for _ in range(30)]
    for wire in wires:
        wire.send(get("/openapi.json") * 150)
    # Each has left a reply or two of its own, beyond what the kernel holds.
    time.sleep(1)
    size = len(ask(address, get("/openapi.json")).body)
    used = limit(address, "max-reply-bytes")["used"]
    assert 1 << 20 <= used <= (1 << 20) + 2 * len(wires) * size, used
    assert ask(address, get("/health")).status == 200
    # Nothing is lost.
    for wire in wires:
        for _ in range(150):
            assert wire.reply().status == 200
    until(10, lambda: limit(address, "max-reply-bytes")["used"] == 0)


def awaited(address):
    """The same daemon with --batch-size 1000: long polls that end together with long pages."""
    path = "/status/" + submit(address, list(range(10 ** 15, 10 ** 15 + 30_000)))
    wires = [Wire(address) for _ in range(20)]
    for wire in wires:
        wire.send(get(path + "?wait=1h"))
    until(10, lambda: ask(address, get("/stats")).json()["requests"]["waiting"] == 20)
    assert limit(address, "max-reply-bytes")["used"] == 20 * 8192
    for wire in wires:
        wire.end()
    until(10, lambda: ask(address, get("/stats")).json()["requests"]["waiting"] == 0)
    replies = [wire.reply() for wire in wires]
    whole = [reply for reply in replies if reply.status == 200]
    assert 1 <= len(whole) < 20, len(whole)
    for reply in replies:
        if reply.status != 200:
            check_problem(reply, 503, "busy", "--max-reply-bytes")
            assert reply.fields["retry-after"] == "1" and "etag" not in reply.fields, reply
    until(10, lambda: limit(address, "max-reply-bytes")["used"] == 0)


run(globals())
