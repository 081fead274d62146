"""A daemon that keeps submissions in memory and fails on request: what a client does when answers are
lost, or the daemon has no time, cannot be tested with a daemon that works.

    fake.py SOCKET LOG [--max-message-bytes N] [FAULT...]

A fault is METHOD:N:WHAT and strikes once, at the Nth request of that method (from 1 on):

    drop    the connection ends and nothing is done
    lose    it is done, but instead of an answer the connection ends
    busy, limited, draining, in_progress
            the answer is that error, to be tried again after 50 ms
    unknown_outcome
            it is done, and the answer is that error
    forget  before it is done, all that has arrived of uploads is gone
    hang    there is no answer

N can be FIRST- for all from that one on. LOG gets a line for each request: METHOD, and for append the
offset and the number of ids. A line of "done", with key, priority, label, and all ids in order, follows each
list that is complete.

It says that it is one of four nodes. Nothing is ever dispatched, but status and report tell a story: of each list the ids that 5 divides have
failed, those that 7 divides are to be tried again, the others are completed. A report looks at LOOK ids per
page.
"""

import datetime
import hashlib
import json
import socket
import socketserver
import struct
import sys
import threading
import uuid

CODES = {"busy": -32012, "limited": -32011, "draining": -32013, "in_progress": -32007, "conflict": -32006,
         "wrong_state": -32008, "upload_gap": -32009, "not_found": -32005, "unknown_outcome": -32015,
         "unknown_method": -32601}


LOOK = 4
STARTED, FINISHED, AGAIN = "2026-11-22T13:02:29.000Z", "2026-11-22T13:02:30.250Z", "2026-11-22T13:02:40.500Z"
# What CSV has to quote, and what a terminal must not see.
ERRORS = ['no "such" id', "first, second", "two\nlines", "\x1b[31mred", "plain"]


# Those who share the store: name, state, seconds since they were seen, then the figures. This one is the first.
NODES = [
    ("atlas", "asked", 0.2, 1, 117, 4, 0, 3),
    ("boreas", "alive", 1.5, 3, 3, 0, 0, 0),
    ("castor:/run/user/1000/ingestd-of-somebody/one.sock", "alive", 4, 2, 40, 0, 1, 0),
    ("\x1b[31mdöner", "gone", 5625.7, 9, 123456, 12, 2, 20),
]
FIGURES = "running", "attempts", "retries", "interrupted", "failed"


def node(index, name, state, seen_s, *figures):
    seen = datetime.datetime(2026, 11, 22, 22, 41, 27) - datetime.timedelta(seconds=seen_s)
    return {"node_id": str(uuid.UUID(int=index)), "name": name, "version": "0.1.0", "asked": state == "asked",
            "alive": state != "gone", "started_at": STARTED, "seen_at": f"{seen.isoformat('T', 'milliseconds')}Z",
            "lease_ms": None if state == "gone" else 14210, "pack": False, "interval_ns": 5000000000,
            "settle_ns": 300000000, "max_attempts": 5, "batch_size": 3, "concurrency": 4,
            **dict(zip(FIGURES, figures))}


def outcome(id):
    return "failed" if id % 5 == 0 else "pending" if id % 7 == 0 else "completed"


def entry(position, id):
    """What a report says of an id."""
    result = {"position": position, "id": id, "batch": position // 3, "outcome": outcome(id), "attempts": 2,
              "started_at": STARTED}
    if outcome(id) != "pending":
        result["finished_at"] = FINISHED
    if outcome(id) != "completed":
        result["error"] = ERRORS[id // 5 % len(ERRORS)]
    return result


class Refusal(Exception):
    pass


def digest(ingestion):
    """As common/digest.h describes it."""
    d = hashlib.sha256(f"ingestd 1\n{ingestion['priority']}\n{ingestion['label']}\n".encode()).digest()
    for at in range(0, len(ingestion["ids"]), 1024):
        block = ingestion["ids"][at:at + 1024]
        d = hashlib.sha256(d + struct.pack(f"<{len(block)}q", *block)).digest()
    return d.hex()


class Fake:
    def __init__(self, log, max_message_bytes, faults):
        self.lock = threading.Lock()
        self.log = log
        self.max_message_bytes = max_message_bytes
        self.faults = faults
        self.counts = {}
        self.ingestions = {}
        self.seq = 0

    def say(self, *words):
        print(*words, file=self.log, flush=True)

    def fault(self, method):
        n = self.counts[method] = self.counts.get(method, 0) + 1
        for name, at, what in self.faults:
            if name == method and (int(at[:-1]) <= n if at.endswith("-") else int(at) == n):
                return what
        return None

    # ---- methods ----

    def hello(self, params):
        return {"protocol": 1, "version": "fake", "features": [],
                "limits": {"max_message_bytes": self.max_message_bytes, "max_id": 2**63 - 1,
                           "max_ids": 100000000, "max_label_bytes": 128, "batch_size": 3}}

    def ping(self, params):
        return {"pong": True}

    def find(self, params):
        ingestion = self.ingestions.get(params["ingestion_id"])
        if not ingestion:
            raise Refusal("not_found")
        return ingestion

    def sealed(self, ingestion, **more):
        return {"ingestion_id": ingestion["id"], "seq": ingestion["seq"],
                "id_count": len(ingestion["ids"]), "batch_count": -(-len(ingestion["ids"]) // 3), **more}

    def finish(self, ingestion):
        self.seq += 1
        ingestion["seq"] = self.seq
        self.say("done", ingestion["key"], ingestion["priority"], ingestion["label"] or "-", *ingestion["ids"])

    def submit(self, params):
        key = params.get("key")
        known = [i for i in self.ingestions.values() if key and i["key"] == key and not i["cancelled"]]
        new = {"id": str(uuid.uuid4()), "key": key, "priority": params.get("priority", "MEDIUM"),
               "label": params.get("label", ""), "ids": params.get("ids", []), "seq": 0, "cancelled": False}
        is_open = params.get("open", False)
        ingestion = known[0] if known else new
        if known and (new["priority"], new["label"]) != (ingestion["priority"], ingestion["label"]):
            raise Refusal("conflict")
        if known and not is_open and not ingestion["seq"]:
            raise Refusal("in_progress")
        if known and not is_open and digest(ingestion) != digest(new):
            raise Refusal("conflict")
        self.ingestions[ingestion["id"]] = ingestion
        if not is_open and not known:
            self.finish(ingestion)
        more = {"replayed": True} if known else {}
        if not is_open:
            return self.sealed(ingestion, **more)
        more.update(received=len(ingestion["ids"]), digest=digest(ingestion), sealed=ingestion["seq"] > 0)
        return self.sealed(ingestion, **more) if ingestion["seq"] else {"ingestion_id": ingestion["id"], **more}

    def append(self, params):
        ingestion = self.find(params)
        ids, offset = ingestion["ids"], params["offset"]
        self.say("append", offset, len(params["ids"]))
        if ingestion["seq"] or ingestion["cancelled"]:
            raise Refusal("wrong_state")
        if offset > len(ids):
            raise Refusal("upload_gap")
        ids += params["ids"][len(ids) - offset:]
        return {"ingestion_id": ingestion["id"], "received": len(ids)}

    def seal(self, params):
        ingestion = self.find(params)
        if params.get("id_count", len(ingestion["ids"])) != len(ingestion["ids"]):
            raise Refusal("upload_gap")
        if params.get("digest", digest(ingestion)) != digest(ingestion):
            raise Refusal("conflict")
        if ingestion["seq"]:
            return self.sealed(ingestion, replayed=True)
        self.finish(ingestion)
        return self.sealed(ingestion)

    def cancel(self, params):
        ingestion = self.find(params)
        ingestion["cancelled"] = True
        return {"ingestion_id": ingestion["id"], "status": "cancelled"}

    def bulk(self, params):
        """Two pages of two, of which one is refused."""
        first = "cursor" not in params
        self.say("step", params.get("cursor", "-"), params.get("dry_run", False))
        done = {"changed": 0, "refused": 0} if params.get("dry_run") else {"changed": 1, "refused": 1}
        return {"matched": 2, **done, **({"next_cursor": "n2"} if first else {})}

    def report(self, params):
        ingestion = self.find(params)
        first, ids = params.get("from_position", 0), ingestion["ids"] if ingestion["seq"] else []
        end = min(first + LOOK, first + params.get("limit", 1000), len(ids))
        entries = [entry(at, ids[at]) for at in range(first, end)]
        self.say("page", first, end)
        return {"ingestion_id": ingestion["id"],
                "entries": [e for e in entries if (e["outcome"] == "failed" or not params.get("failed"))
                            and int(params.get("id", e["id"])) == e["id"]],
                **({"next_position": end} if end < len(ids) else {})}

    def batch(self, ingestion, index, output):
        ids = ingestion["ids"][3 * index:3 * index + 3]
        outcomes = [outcome(id) for id in ids]
        done = outcomes.count("pending") == 0
        batch = {"batch_id": str(uuid.uuid5(uuid.UUID(ingestion["id"]), str(index))), "index": index, "ids": ids,
                 "status": "retrying" if not done else "failed" if "failed" in outcomes else "completed",
                 "attempts": 2, "ids_completed": outcomes.count("completed"),
                 "ids_failed": outcomes.count("failed"), "started_at": STARTED}
        batch.update({"finished_at": FINISHED} if done else {"retry_at": AGAIN, "error": "exit status 75"})
        if output:
            batch["stdout"] = {"text": f"{ids[0]}\tok\n\x1b[2Jlast line", "bytes": 5000}
            batch["stderr"] = {"text": "one\n\nthree\n", "bytes": 11}
        return batch

    def status(self, params):
        ingestion = self.find(params)
        ids, output = ingestion["ids"], params.get("output", False)
        batches = [self.batch(ingestion, i, output) for i in range(-(-len(ids) // 3))]
        states = [b["status"] for b in batches]
        outcomes = [outcome(id) for id in ids]
        return {"ingestion_id": ingestion["id"], "status": "triggered", "priority": ingestion["priority"],
                "seq": ingestion["seq"], "version": 1, "batch_size": 3, "created_at": STARTED,
                "started_at": STARTED, "batches": batches,
                "counts": {"ids": len(ids), "batches": len(batches), "yet_to_start": 0, "triggered": 0,
                           **{name: states.count(name) for name in ("retrying", "completed", "failed")},
                           "ids_completed": outcomes.count("completed"), "ids_failed": outcomes.count("failed"),
                           "attempts": 2 * len(batches), "retries": len(batches)}}

    def nodes(self, params):
        nodes = [node(index, *row) for index, row in enumerate(NODES, 1)]
        sums = {name: sum(n[name] for n in nodes if n["alive"] or name != "running") for name in FIGURES}
        return {"nodes": nodes, "together": {"alive": sum(n["alive"] for n in nodes), **sums}}

    # ---- requests ----

    def call(self, method, params):
        if method != "append":
            self.say(method)
        if method not in ("hello", "ping", "submit", "append", "seal", "cancel", "bulk", "status",
                          "report", "nodes"):
            raise Refusal("unknown_method")
        return getattr(self, method)(params)

    def answer(self, request):
        """The reply as a dictionary, or what to do instead of one."""
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        with self.lock:
            what = self.fault(request["method"])
            try:
                if what in ("drop", "hang"):
                    self.say(request["method"], what)
                    return what
                if what == "forget":
                    for ingestion in self.ingestions.values():
                        ingestion["ids"] = []
                elif what and what not in ("lose", "unknown_outcome"):
                    self.say(request["method"], what)
                    raise Refusal(what)
                reply["result"] = self.call(request["method"], request.get("params", {}))
                if what == "unknown_outcome":
                    del reply["result"]
                    raise Refusal(what)
            except Refusal as refusal:
                data = {"code": str(refusal)}
                if what not in (None, "unknown_outcome", "forget"):
                    data["retry_after_ms"] = 50
                reply["error"] = {"code": CODES[str(refusal)], "message": f"refused: {refusal}", "data": data}
        return "drop" if what == "lose" else reply


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            reply = self.server.fake.answer(json.loads(line))
            if reply == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if reply != "hang":
                self.wfile.write(json.dumps(reply).encode() + b"\n")


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main():
    path, log, *rest = sys.argv[1:]
    max_message_bytes = 1048576
    if rest[:1] == ["--max-message-bytes"]:
        max_message_bytes = int(rest[1])
        rest = rest[2:]
    with open(log, "a") as file, Server(path, Connection) as server:
        server.fake = Fake(file, max_message_bytes, [fault.split(":") for fault in rest])
        server.serve_forever()


main()
