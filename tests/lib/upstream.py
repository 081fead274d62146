"""A server behind the handler http, and the check of what the daemon made of its answers.

    upstream.py serve RECORD PORT [--answer KIND]... [--seed N] [--rest S] [--cert FILE]
                       serves on 127.0.0.1, writes the number of its port to the file PORT and what it was
                       asked and is going to say to RECORD, a JSON line per call. Answers the n-th call
                       with the n-th KIND and all further ones with the last; `random` throws dice, which
                       fall the same with the same seed. --cert has certificate and key, for https.
    upstream.py verify RECORD STATUS REPORT MAX_ATTEMPTS
                       replays RECORD and compares: STATUS holds the JSON status of the ingestion (all of
                       its batches), REPORT its report as CSV
    upstream.py signed RECORD SECRET...
                       each call is signed by exactly these secrets, in their order
"""

import argparse
import base64
import collections
import csv
import email.utils
import hashlib
import hmac
import http.server
import json
import os
import random
import socket
import ssl
import struct
import sys
import threading
import time
import uuid

lock = threading.Lock()
calls = collections.Counter()  # per batch; "" counts all
HUGE = 10_000_000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.answer(500, b"GET is wrong")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        call = json.loads(body)
        ids, batch = call.get("ids", []), call.get("batch_id", "")
        with lock:
            n = calls[""]
            calls[""] += 1
            calls[batch] += 1
            # Who comes first does not matter to the dice.
            dice = random.Random(f"{options.seed}/{ids[:1]}/{calls[batch]}")
        kind = options.answer[min(n, len(options.answer) - 1)]
        if kind == "random":
            kind = dice.choices(list(KINDS), [weight for _, weight, _ in KINDS.values()])[0]
        say, _, effect = KINDS[kind]
        said = mixed(dice, ids) if kind in ("results", "bad_results") else {}
        entry = {"n": n, "kind": kind, "effect": effect, "said": list(said.items()), "batch": batch,
                 "ids": ids, "attempt": self.headers["Ingest-Attempt"],
                 "key": self.headers["Idempotency-Key"], "path": self.path, "port": self.client_address[1],
                 "headers": self.headers.items(), "body": body.decode(),
                 "at": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}
        with lock, open(options.record, "ab", buffering=0) as file:
            file.write(json.dumps(entry).encode() + b"\n")
        say(self, dice, ids, said)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", len(body))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def raw(self, data):
        self.wfile.write(data)
        self.close_connection = True


def mixed(dice, ids):
    """What is said of the ids: word and message; of some nothing."""
    said = {}
    for number in ids:
        word = dice.choice(["ok", "ok", "retry", "fail", None])
        if word:
            said[number] = [word, dice.choice([None, f"{word} of {number}"])]
    return said


def results(said):
    rows = []
    for number, (word, message) in said.items():
        # A server may give an id as string, and say it twice: the last one counts.
        rows.append({"id": number, "status": "retry"})
        rows.append({"id": str(number), "status": word} | ({"message": message} if message else {}))
    return json.dumps({"results": rows, "took": 0.5}).encode()


def ok(handler, dice, ids, said):
    handler.answer(dice.choice([200, 201, 202]), dice.choice([b"", b"OK", b"<p>fine</p>", b"{}", b"[1"]))


def nothing(handler, dice, ids, said):
    handler.answer(204)


def error(handler, dice, ids, said):
    handler.answer(dice.choice([500, 502, 408, 425]), b"out of order\nsecond line")


def problem(handler, dice, ids, said):
    handler.answer(503, b'{"title":"no","detail":"the \\u00fcber disk is full"}')


def rest(handler, dice, ids, said):
    handler.answer(dice.choice([429, 503]), b"slow down", Retry_After=str(options.rest))


def date(handler, dice, ids, said):
    handler.answer(503, b"", Retry_After=email.utils.formatdate(time.time() + 1 + options.rest, usegmt=True))


def too_many(handler, dice, ids, said):
    handler.answer(429, b"slow down", Retry_After=dice.choice(["soon", "-1", "1.5"]))


def hang(handler, dice, ids, said):
    handler.connection.settimeout(20)
    try:
        handler.rfile.read(1)
    except OSError:
        pass
    handler.close_connection = True


def reset(handler, dice, ids, said):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    if not options.cert:
        handler.wfile.close()
        handler.rfile.close()
        handler.connection.close()


def dribble(handler, dice, ids, said):
    handler.send_response(200)
    handler.send_header("Content-Length", 1000)
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b".")
            time.sleep(0.05)
    except OSError:
        pass
    handler.close_connection = True


def huge(handler, dice, ids, said):
    handler.close_connection = True
    try:
        handler.answer(200, b"x" * HUGE)
    except OSError:
        pass


KINDS = {  # what to say, how often, what that means: done, retry, fail, rest, ids
    "ok": (ok, 30, "done"),
    "nothing": (nothing, 5, "done"),
    "results": (lambda h, d, i, said: h.answer(200, results(said)), 25, "ids"),
    "bad_results": (lambda h, d, i, said: h.answer(422, results(said)), 3, "ids_fail"),
    "unclear": (lambda h, d, i, s: h.answer(200, b'{"results":[{"id":1,"status":"done"}]}'), 3, "retry"),
    "error": (error, 5, "retry"),
    "problem": (problem, 3, "retry"),
    "rest": (rest, 4, "rest"),
    "date": (date, 3, "rest"),
    "too_many": (too_many, 3, "retry"),
    "refuse": (lambda h, d, i, s: h.answer(d.choice([400, 404, 422]), b'{"detail":"not so"}'), 3, "fail"),
    "redirect": (lambda h, d, i, s: h.answer(302, b"", Location="/elsewhere"), 2, "fail"),
    "hang": (hang, 3, "retry"),
    "reset": (reset, 3, "retry"),
    "dribble": (dribble, 2, "retry"),
    "huge": (huge, 2, "retry"),
    "garbage": (lambda h, d, i, s: h.raw(b"\x00\xff garbage\r\n\r\n"), 2, "retry"),
    "cut": (lambda h, d, i, s: h.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}"), 2, "retry"),
    "empty": (lambda h, d, i, s: h.raw(b""), 2, "retry"),
}


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(options.port + ".new", "w") as file:
        print(server.server_port, file=file)
    os.rename(options.port + ".new", options.port)
    server.serve_forever()


# ---- checks ----

def read_record(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


def effect_on(call, number):
    """done, fail, retry or rest, and the message of the id's own."""
    if call["effect"] not in ("ids", "ids_fail"):
        return call["effect"], None
    word, message = dict(call["said"]).get(number, ["fail" if call["effect"] == "ids_fail" else "ok", None])
    return {"ok": "done"}.get(word, word), message


class Check:
    def __init__(self):
        self.wrong = []

    def require(self, condition, text):
        if not condition:
            self.wrong.append(text)

    def replay(self, batch, calls, max_attempts):
        """The story of one batch; returns outcome, attempts and message per id."""
        pending, attempt, ends = list(batch["ids"]), 1, {}
        for call in calls:
            where = f"call {call['n']} ({call['kind']}) of batch {batch['index']}"
            self.require(pending, f"{where}: nothing was left to do")
            self.require(call["ids"] == pending, f"{where}: {call['ids']} instead of {pending}")
            self.require(call["attempt"] == str(attempt), f"{where}: attempt {call['attempt']}, not {attempt}")
            key = call["batch"]
            if pending != batch["ids"]:
                key = str(uuid.uuid5(uuid.UUID(key), ",".join(map(str, pending))))
            self.require(call["key"] == key, f"{where}: key {call['key']}, not {key}")
            said = {number: effect_on(call, number) for number in pending}
            for number, (effect, message) in said.items():
                if effect in ("done", "fail"):
                    ends[number] = ({"done": "completed", "fail": "failed"}[effect], attempt, message)
                elif effect == "retry" and attempt == max_attempts:
                    ends[number] = ("failed", attempt, message)
            pending = [number for number in pending if number not in ends]
            attempt += call["effect"] != "rest"
        self.require(not pending, f"batch {batch['index']}: {pending} came to no end")
        return ends

    def run(self, record, status, report, max_attempts):
        by_batch = collections.defaultdict(list)
        for call in record:
            by_batch[json.loads(call["body"])["batch_id"]].append(call)
        entries = collections.defaultdict(list)
        for entry in report:
            entries[int(entry["batch"])].append(entry)
        for batch in status["batches"]:
            ends = self.replay(batch, by_batch[batch["batch_id"]], max_attempts)
            self.require([int(e["id"]) for e in entries[batch["index"]]] == batch["ids"], "other ids")
            for entry in entries[batch["index"]]:
                outcome, attempts, message = ends.get(int(entry["id"]), (None, None, None))
                where = f"id {entry['id']} of batch {batch['index']}"
                self.require(entry["outcome"] == outcome, f"{where}: {entry['outcome']}, not {outcome}")
                self.require(int(entry["attempts"]) == attempts,
                             f"{where}: {entry['attempts']} attempts, not {attempts}")
                if outcome == "completed":
                    self.require(not entry["error"], f"{where}: completed with {entry['error']}")
                else:
                    self.require(entry["error"] and message in (None, entry["error"]),
                                 f"{where}: error {entry['error']!r}, not {message!r}")
        kinds = collections.Counter(call["kind"] for call in record)
        print(f"{len(report)} ids, {len(status['batches'])} batches, {len(record)} calls: {dict(kinds)}")
        return kinds


def verify(args):
    check = Check()
    with open(args.report, newline="") as file:
        report = list(csv.DictReader(file))
    with open(args.status) as file:
        kinds = check.run(read_record(args.record), json.load(file), report, args.max_attempts)
    if args.all:
        check.require(set(kinds) == set(KINDS), f"never said: {set(KINDS) - set(kinds)}")
    if check.wrong:
        sys.exit("\n".join(check.wrong[:20]))


def signed(args):
    for call in read_record(args.record):
        headers = {name.lower(): value for name, value in call["headers"]}
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{call['body']}".encode()
        wanted = []
        for secret in args.secrets:
            key = base64.b64decode(secret.removeprefix("whsec_"))
            mac = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
            wanted.append(f"v1,{mac}")
        if headers.get("webhook-signature", "") != " ".join(wanted):
            sys.exit(f"call {call['n']}: {headers.get('webhook-signature')}, not {wanted}")
        if headers["webhook-id"] != headers["idempotency-key"]:
            sys.exit("two keys")
        if abs(int(headers["webhook-timestamp"]) - time.time()) > 60:
            sys.exit(f"timestamp {headers['webhook-timestamp']}")


def main():
    global options
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True, dest="command")
    sub = commands.add_parser("serve")
    sub.add_argument("record")
    sub.add_argument("port")
    sub.add_argument("--answer", action="append")
    sub.add_argument("--seed", type=int, default=1)
    sub.add_argument("--rest", type=int, default=1)
    sub.add_argument("--cert")
    sub = commands.add_parser("verify")
    sub.add_argument("record")
    sub.add_argument("status")
    sub.add_argument("report")
    sub.add_argument("max_attempts", type=int)
    sub.add_argument("--all", action="store_true", help="each kind of answer must have come up")
    sub = commands.add_parser("signed")
    sub.add_argument("record")
    sub.add_argument("secrets", nargs="*")
    options = parser.parse_args()
    if options.command == "serve":
        options.answer = options.answer or ["ok"]
        serve()
    else:
        globals()[options.command](options)


main()
