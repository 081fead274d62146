"""Parts of the end-to-end tests that want more than a shell. Each call prints its result.

    e2e.py json EXPRESSION          evaluates a Python expression on the JSON document `d` from stdin
    e2e.py load SEED BATCHES        submits random ingestions over one connection; prints the starts that
                                    the model expects, as "INGESTION INDEX" lines; the last line is the
                                    moment when the last one was accepted (CLOCK_BOOTTIME in ns)
    e2e.py spread SEED BATCHES      the same, over all nodes whose sockets INGESTD_SOCKET names (with spaces
                                    between) in turn; each answer is waited for
    e2e.py records NS FILE LOG...   compares what tests/postgres/recorder wrote with the logs of the nodes:
                                    prints which handlers began before so long after the last start before
                                    their own, and on stderr how close they came to each other
    e2e.py unfinished               reads ingestion ids from stdin, prints those that are not completed

All but `json` and `records` talk to the socket that INGESTD_SOCKET names.
"""

import json
import os
import random
import re
import socket
import sys
import time


def connect(path=None):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    client.connect(path or os.environ["INGESTD_SOCKET"])
    return client


def call(requests):
    """Sends all requests at once; returns their results in order, or error objects."""
    if not requests:
        return []
    replies = {}
    with connect() as client:
        reader = client.makefile("r")
        # In parts: a daemon that does not read while its replies are not read would block both.
        for first in range(0, len(requests), 50):
            part = requests[first:first + 50]
            for number, (method, params) in enumerate(part, first):
                line = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
                client.sendall(json.dumps(line).encode() + b"\n")
            for _ in part:
                reply = json.loads(reader.readline())
                replies[reply["id"]] = reply.get("result") or reply["error"]
    return [replies[number] for number in range(len(requests))]


def spread(requests):
    """Like call(), but one after the other, each to the next node."""
    nodes = [connect(path).makefile("rw") for path in os.environ["INGESTD_SOCKET"].split()]
    replies = []
    for number, (method, params) in enumerate(requests):
        node = nodes[number % len(nodes)]
        node.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n")
        node.flush()
        reply = json.loads(node.readline())
        replies.append(reply.get("result") or reply["error"])
    return replies


def load(seed, batches, call):
    """Batches are of 3 ids. The order: by priority, then by submission, then by index."""
    rng = random.Random(seed)
    ingestions = []
    while sum(-(-len(params["ids"]) // 3) for params in ingestions) < batches:
        ids = [rng.randint(1, 2**63 - 1) for _ in range(rng.choice([1, 2, 3, 4, 6, 7, 12, 20]))]
        ingestions.append({"ids": ids, "priority": rng.choice(["HIGH", "MEDIUM", "LOW"])})
    replies = call([("submit", params) for params in ingestions])
    accepted = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    for priority in ["HIGH", "MEDIUM", "LOW"]:
        for params, reply in zip(ingestions, replies):
            if params["priority"] == priority:
                for index in range(-(-len(params["ids"]) // 3)):
                    print(reply["ingestion_id"], index)
    print(accepted)


def records(interval, record, logs):
    """A handler that gets the processor late comes nearer to the next one, however far apart the two were
    started. So it is measured from the start before, which the log has, and that is strict."""
    pattern = re.compile(r'msg="batch started" .* batch_id=(\S+) .* attempt=(\d+) .* boottime_ns=(\d+)')
    starts = {}
    for log in logs:
        with open(log) as file:
            for batch, attempt, at in pattern.findall(file.read()):
                starts[batch, attempt] = int(at)
    with open(record) as file:
        lines = [line.split() for line in file]
    began = {(line[2], line[3]): int(line[0]) for line in lines}
    order = sorted((at, run) for run, at in starts.items() if run in began)
    for (before, _), (_, run) in zip(order, order[1:]):
        if began[run] - before < interval:
            print(f"attempt {run[1]} of {run[0]} began {began[run] - before} ns after the start before")
    times = sorted(began.values())
    least = min(b - a for a, b in zip(times, times[1:]))
    late = max(began[run] - at for at, run in order)
    spacing = min(b[0] - a[0] for a, b in zip(order, order[1:]))
    print(f"{len(order)} starts, at least {spacing / 1e6:.3f} ms apart; their handlers were up to {late / 1e6:.3f}"
          f" ms late and so came as close as {least / 1e6:.3f} ms", file=sys.stderr)


def unfinished():
    ids = sys.stdin.read().split()
    for ingestion, reply in zip(ids, call([("status", {"ingestion_id": i}) for i in ids])):
        if reply.get("status") != "completed":
            print(ingestion, reply.get("status") or reply["message"])


def main():
    command, *args = sys.argv[1:]
    if command == "json":
        print(eval(args[0], {"d": json.load(sys.stdin)}))
    elif command == "load":
        load(int(args[0]), int(args[1]), call)
    elif command == "spread":
        load(int(args[0]), int(args[1]), spread)
    elif command == "records":
        records(int(args[0]), args[1], args[2:])
    elif command == "unfinished":
        unfinished()
    else:
        sys.exit(__doc__)


main()
