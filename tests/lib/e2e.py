"""Parts of the end-to-end tests that want more than a shell. Each call prints its result.

    e2e.py json EXPRESSION          evaluates a Python expression on the JSON document `d` from stdin
    e2e.py load SEED BATCHES        submits random ingestions over one connection; prints the starts that
                                    the model expects, as "INGESTION INDEX" lines; the last line is the
                                    moment when the last one was accepted (CLOCK_BOOTTIME in ns)
    e2e.py spread SEED BATCHES      the same, over all nodes whose sockets INGESTD_SOCKET names (with spaces
                                    between) in turn; each answer is waited for
    e2e.py unfinished               reads ingestion ids from stdin, prints those that are not completed

All but the first talk to the socket that INGESTD_SOCKET names.
"""

import json
import os
import random
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
    elif command == "unfinished":
        unfinished()
    else:
        sys.exit(__doc__)


main()
