"""Many connections: crowd.py CHECK ADDRESS,ARGUMENT..."""

import os
import select
import time

from wire import Wire, ask, check_problem, get, post, run

BODY = '{"ids":[1],"priority":"HIGH"}'


def served(address):
    """A connection on which a request was answered."""
    wire = Wire(address)
    wire.send(get("/health"))
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


run(globals())
