"""Clients that submit while daemon or database are lost again and again, and the check of what became of it.

    storm.py run DIR SEED       submits until DIR/stop exists; writes DIR/oracle, one JSON object per
                                ingestion that was acknowledged, and DIR/unknown, how many unkeyed
                                submissions have an unknown outcome
    storm.py verify DIR         all of it is there, completed, with the same ids in the same order, and
                                nothing else is

INGESTD_SOCKET names the socket, or those of several nodes with spaces between; a client that fails at one
goes on with the next. A client that loses its connection tries again with the same key
until it has an answer; without a key it does not know, and goes on.
"""

import json
import os
import random
import socket
import sys
import threading
import time

CLIENTS = 4
PAUSE = 0.05  # of each client between two submissions: the daemon must get them done


class Lost(Exception):
    pass


class Client:
    def __init__(self, node=0):
        self.socket = None
        self.number = 0
        self.node = node

    def connect(self):
        paths = os.environ["INGESTD_SOCKET"].split()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(paths[self.node % len(paths)])
        self.reader = self.socket.makefile("r")

    def call(self, method, **params):
        """The result, or the error object; Lost when nobody knows."""
        self.number += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        try:
            if not self.socket:
                self.connect()
            self.socket.sendall(line.encode() + b"\n")
            reply = json.loads(self.reader.readline())
        except (OSError, ValueError):
            self.socket = None
            self.node += 1
            time.sleep(0.01)
            raise Lost()
        return reply.get("result") or reply["error"]

    def must(self, method, **params):
        reply = self.call(method, **params)
        if "code" in reply:
            if reply["data"]["code"] in ("draining", "busy", "unknown_outcome"):
                time.sleep(min(reply["data"].get("retry_after_ms", 10), 100) / 1000)
                raise Lost()
            sys.exit(f"{method} was refused: {reply}")
        return reply


def upload(client, key, label, priority, ids):
    opened = client.must("submit", open=True, key=key, label=label, priority=priority)
    if opened["sealed"]:
        return opened
    at = opened["received"]
    while at < len(ids):
        end = at + max(1, len(ids) // 3)
        at = client.must("append", ingestion_id=opened["ingestion_id"], offset=at,
                         ids=ids[at:end])["received"]
    return client.must("seal", ingestion_id=opened["ingestion_id"], id_count=len(ids))


def until_known(action):
    while True:
        try:
            return action()
        except Lost:
            pass


def storm(directory, seed, number, log, unknown):
    rng = random.Random(f"{seed} {number}")
    client = Client(number)
    count = 0
    while not os.path.exists(f"{directory}/stop"):
        count += 1
        ids = [rng.randint(1, 2**63 - 1) for _ in range(rng.randint(1, 5))]
        priority = rng.choice(["HIGH", "MEDIUM", "LOW"])
        kind = rng.choice(["keyed", "keyed", "keyed", "upload", "plain"])
        key = f"storm-{seed}-{number}-{count}"
        params = {"ids": ids, "priority": priority, "label": kind}
        if kind == "upload":
            reply = until_known(lambda: upload(client, key, kind, priority, ids))
        elif kind == "keyed":
            reply = until_known(lambda: client.must("submit", key=key, **params))
        else:
            try:
                reply = client.must("submit", **params)
            except Lost:
                unknown.append(1)
                continue
        log(json.dumps({"id": reply["ingestion_id"], "seq": reply["seq"], "ids": ids, "label": kind}))
        time.sleep(PAUSE)


def run(directory, seed):
    lock = threading.Lock()
    unknown = []
    with open(f"{directory}/oracle", "w") as oracle:
        def log(line):
            with lock:
                oracle.write(line + "\n")
                oracle.flush()

        clients = [threading.Thread(target=storm, args=(directory, seed, number, log, unknown))
                   for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    with open(f"{directory}/unknown", "w") as file:
        file.write(f"{len(unknown)}\n")


def listed(client, **params):
    """All ingestions that the filter asks for."""
    cursor = {}
    while True:
        page = client.must("list", limit=1000, **params, **cursor)
        yield from page["ingestions"]
        if "next_cursor" not in page:
            return
        cursor = {"cursor": page["next_cursor"]}


def ids_of(client, ingestion):
    ids, at = [], 0
    while at is not None:
        page = client.must("status", ingestion_id=ingestion, from_batch=at)
        for batch in page["batches"]:
            ids += batch["ids"]
        at = page.get("next_batch")
    return ids


def verify(directory):
    client = Client()
    with open(f"{directory}/oracle") as file:
        oracle = [json.loads(line) for line in file]
    with open(f"{directory}/unknown") as file:
        unknown = int(file.read())
    known = {entry["id"]: entry for entry in oracle}
    wrong = []
    if len(known) != len(oracle) or len({entry["seq"] for entry in oracle}) != len(oracle):
        wrong.append("two submissions were given the same ingestion or number")
    there = {}
    for one in listed(client):
        there[one["ingestion_id"]] = one
        if one["status"] != "completed":
            wrong.append(f"{one['ingestion_id']} is {one['status']}")
    for missing in known.keys() - there.keys():
        wrong.append(f"{missing} was acknowledged and is lost")
    extra = [there[one] for one in there.keys() - known.keys()]
    if any(one.get("label") != "plain" for one in extra) or len(extra) > unknown:
        wrong.append(f"{len(extra)} ingestions that nobody has submitted, {unknown} may be: {extra[:3]}")
    for one in known.keys() & there.keys():
        if ids_of(client, one) != known[one]["ids"]:
            wrong.append(f"{one} has other ids")
    stats = client.must("stats")
    for status in ("completed", "failed", "yet_to_start", "triggered", "receiving"):
        counted = sum(lane["ingestions"][status] for lane in stats["lanes"])
        if counted != (len(there) if status == "completed" else 0):
            wrong.append(f"stats count {counted} as {status}")
    batches = sum(lane["batches"]["completed"] for lane in stats["lanes"])
    if batches != sum(one["counts"]["batches"] for one in there.values()):
        wrong.append(f"stats count {batches} completed batches")
    print(f"{len(oracle)} acknowledged, {len(there)} there, {unknown} of unknown outcome")
    if wrong:
        sys.exit("\n".join(wrong[:20]))


if sys.argv[1] == "run":
    run(sys.argv[2], sys.argv[3])
else:
    verify(sys.argv[2])
