"""A handler for exec: that throws dice and keeps a record, and the check of what the daemon made of it.

    dice.py throw RECORD [PAUSE]   the handler: appends what it was given, and what it is going to say, to
                                   RECORD as one JSON line; rests for up to PAUSE seconds; says it
    dice.py verify RECORD STATUS REPORT MAX_ATTEMPTS LOST
                                   replays RECORD and compares: STATUS holds the JSON status of the
                                   ingestion (all of its batches), REPORT its report as CSV. At most LOST
                                   attempts may have gone without a record or without an effect: those
                                   that a killed daemon has interrupted.

Each id is given one of: a line `ok`, `retry`, `fail` (with or without a message), or none; then the exit
status decides.
"""

import collections
import csv
import json
import os
import random
import signal
import sys
import time

CRASHED = "interrupted: ingestd ended while it ran"


def throw(record, pause):
    ids = [int(line) for line in sys.stdin]
    said = {}
    for number in ids:
        word = random.choice(["ok", "ok", "ok", "retry", "fail", None])
        if word:
            said[number] = [word, random.choice(["", f"{word} of {number} in attempt "
                                                 f"{os.environ['INGEST_ATTEMPT']}"])]
    status = random.choice([0, 0, 0, 75, 1, 3, 255, "signal"])
    entry = {"index": int(os.environ["INGEST_BATCH_INDEX"]), "batch": os.environ["INGEST_BATCH_ID"],
             "attempt": int(os.environ["INGEST_ATTEMPT"]), "ids": ids, "said": list(said.items()),
             "status": status, "pid": os.getpid(), "at": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}
    with open(record, "ab", buffering=0) as file:
        file.write(json.dumps(entry).encode() + b"\n")
    time.sleep(random.uniform(0, pause))
    for number, (word, message) in said.items():
        print(f"{number}\t{word}" + (f"\t{message}" if message else ""))
    sys.stdout.flush()
    if status == "signal":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.exit(status)


def outcome(run, number):
    """What this run says of the id, with the message of its own."""
    word, message = dict(run["said"]).get(number, [None, ""])
    return word or ("ok" if run["status"] == 0 else "retry"), message


class Check:
    def __init__(self, lost):
        self.may_lose = lost
        self.wrong = []
        self.lost = set()

    def require(self, condition, text):
        if not condition:
            self.wrong.append(text)

    def lose(self, batch, attempt):
        self.lost.add((batch, attempt))

    def replay(self, entry, runs, max_attempts, attempts):
        """The story of one id: from attempt to attempt, until an outcome is final."""
        position, number, batch = int(entry["position"]), int(entry["id"]), int(entry["batch"])
        where = f"id {number} at {position} (batch {batch})"
        final, message = None, ""
        for attempt in range(1, attempts + 1):
            run = runs.get(attempt)
            if not run or number not in run["ids"]:
                if run and final is None:
                    self.require(False, f"{where}: not given in attempt {attempt}")
                elif not run:
                    self.lose(batch, attempt)
                    message = CRASHED if final is None else message
                continue
            if final is not None:
                # Given again: the outcome never reached the store.
                self.lose(batch, ended)
            word, message = outcome(run, number)
            final = {"ok": "completed", "fail": "failed", "retry": None}[word]
            ended = attempt
        if final is None and attempts == max_attempts:
            final, ended = "failed", attempts
        if entry["error"] == CRASHED != message:
            # What the last attempt has said never reached the store.
            self.lose(batch, attempts)
            final, ended, message = "failed", attempts, CRASHED
        self.require(entry["outcome"] == final, f"{where}: {entry['outcome']} instead of {final}")
        self.require(int(entry["attempts"]) == ended,
                     f"{where}: {entry['attempts']} attempts instead of {ended}")
        if final == "completed":
            self.require(entry["error"] == "", f"{where}: completed with the error {entry['error']}")
        elif message:
            self.require(entry["error"] == message, f"{where}: {entry['error']} instead of {message}")
        else:
            self.require(entry["error"] != "", f"{where}: failed without a reason")

    def run(self, record, status, report, max_attempts):
        runs = collections.defaultdict(dict)
        for line in open(record):
            entry = json.loads(line)
            known = runs[entry["index"]]
            self.require(entry["attempt"] not in known,
                         f"batch {entry['index']}: attempt {entry['attempt']} ran twice")
            known[entry["attempt"]] = entry
        attempts = {batch["index"]: batch["attempts"] for batch in status["batches"]}
        ids = [number for batch in status["batches"] for number in batch["ids"]]
        entries = list(csv.DictReader(open(report, newline="")))
        self.require([int(entry["id"]) for entry in entries] == ids, "the report has other ids")
        for index, known in runs.items():
            self.require(max(known) <= attempts[index],
                         f"batch {index}: {attempts[index]} attempts, but {max(known)} were seen")
            self.require(attempts[index] <= max_attempts, f"batch {index}: too many attempts")
        for entry in entries:
            index = int(entry["batch"])
            self.replay(entry, runs[index], max_attempts, attempts[index])
        for batch in status["batches"]:
            mine = [e["outcome"] for e in entries if int(e["batch"]) == batch["index"]]
            self.require(batch["status"] == ("failed" if "failed" in mine else "completed"),
                         f"batch {batch['index']} is {batch['status']}")
        self.require(len(self.lost) <= self.may_lose,
                     f"{len(self.lost)} attempts were lost, at most {self.may_lose} can be: "
                     f"{sorted(self.lost)[:10]}")
        total = sum(len(known) for known in runs.values())
        print(f"{len(entries)} ids, {len(attempts)} batches, {total} attempts seen, "
              f"{sum(attempts.values())} counted, {len(self.lost)} interrupted")
        if self.wrong:
            sys.exit("\n".join(self.wrong[:20]))


def main():
    if sys.argv[1] == "throw":
        throw(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 0)
    else:
        record, status, report, max_attempts, lost = sys.argv[2:]
        Check(int(lost)).run(record, json.load(open(status)), report, int(max_attempts))


main()
