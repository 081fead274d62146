"""Sessions of tests/golden (see the README there) against a real daemon.

    golden.py flags FILE            prints the daemon's flags that the session wants; nothing if it is not live
    golden.py replay FILE SOCKET    sends the requests and compares the replies
    golden.py record FILE SOCKET    sends the requests and prints the session with the replies that came, for
                                    new files; in requests {1} stands for the first ingestion id that a reply
                                    had, {2} for the second, {cursor} for the last cursor
"""

import json
import re
import socket
import sys
import uuid

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIMES = {"created_at", "started_at", "seen_at", "finished_at", "retry_at", "time"}
# Members that a reply has got after lines without them were released.
NEWER = {"ids_completed", "ids_failed", "attempts", "retries", "max_attempts", "retry_base_ms", "retry_max_ms",
         "later", "oldest_waiting_ms", "cancelled", "cancelling", "cancelled_by", "ids_cancelled", "ids_unknown",
         "network", "status", "reply", "notices", "pause", "pause_until", "paused_by", "paused_at", "hold_ms",
         "rate_set_by", "rate_set_at", "free_unknown"}


def read_session(path):
    """The lines as [mark, text]; comments, too."""
    with open(path, encoding="utf-8") as file:
        return [[line[0], line[2:].rstrip("\n")] for line in file if line.strip()]


def flags_of(session):
    for mark, text in session:
        if mark == "#" and text.startswith("live"):
            return text[len("live"):].strip(" :")
    return None


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.reader = self.socket.makefile("r", encoding="utf-8", newline="\n")

    def call(self, request):
        self.socket.sendall(request.encode() + b"\n")
        reply = self.reader.readline()
        if not reply.endswith("\n"):
            sys.exit(f"no reply to {request}")
        return reply[:-1]


def parse(text):
    """JSON, with objects as lists of their members."""
    return json.loads(text, object_pairs_hook=lambda pairs: pairs)


def is_object(value):
    return isinstance(value, list) and bool(value) and isinstance(value[0], tuple)


def without_newer(reply, line):
    """The reply without new members that the line does not have."""
    if is_object(reply) and is_object(line):
        members = dict(line)
        return [(name, without_newer(value, members.get(name))) for name, value in reply
                if name in members or name not in NEWER]
    if isinstance(reply, list) and isinstance(line, list) and len(reply) == len(line):
        return [without_newer(one, other) for one, other in zip(reply, line)]
    return reply


class Side:
    """What one side, the file or the daemon, calls things."""

    def __init__(self):
        self.ids = []
        self.cursor = ""

    def normal(self, root):
        """The reply as text, without what differs from run to run. The order of members stays."""
        stats = any(name == "uptime_ms" for name, _ in dict(root).get("result", []))
        return json.dumps(self.walk(root, None, {}, stats), ensure_ascii=False)

    def walk(self, value, name, parents, stats):
        if is_object(value):
            members = dict(value)
            scope = {**parents, **{k: v for k, v in members.items() if k in ("ingestion_id", "index")}}
            inside = stats and name not in ("lanes", "uploads")
            return {k: self.walk(v, k, scope, inside and k not in ("id", "lanes", "uploads"))
                    for k, v in value}
        if name == "limits" and isinstance(value, list):
            # Which bounds there are is no part of the protocol.
            shapes = {tuple(k for k, _ in limit if k != "used") for limit in value}
            return "limits" if shapes == {("name", "limit", "hits")} else sorted(shapes)
        if isinstance(value, list):
            return [self.walk(item, name, parents, stats) for item in value]
        if name == "ingestion_id":
            if value not in self.ids:
                self.ids.append(value)
            return f"ingestion {self.ids.index(value)}"
        if name == "batch_id":
            own = uuid.uuid5(uuid.UUID(parents["ingestion_id"]), str(parents["index"]))
            return "its batch id" if value == str(own) else f"not its batch id: {value}"
        if name in TIMES:
            return "a time" if TIME.fullmatch(value) else f"not a time: {value}"
        if name == "next_cursor":
            self.cursor = value
            return "a cursor"
        if name == "message":
            return "a message" if value else "an empty message"
        if name in ("libevent", "sqlite", "cjson", "url", "node_id", "name") or (name == "version" and isinstance(value, str)):
            return "a text" if value else "an empty text"
        if name == "oldest_waiting_ms":
            return "a figure"
        if stats and isinstance(value, int) and not isinstance(value, bool):
            return "a figure"
        return value


def replay(session, path):
    file, daemon = Side(), Side()
    connection = Connection(path)
    reply = None
    for number, (mark, text) in enumerate(session, 1):
        if mark in ">~":
            for ours, theirs in zip(file.ids, daemon.ids):
                text = text.replace(ours, theirs)
            if file.cursor:
                text = text.replace(f'"cursor":"{file.cursor}"', f'"cursor":"{daemon.cursor}"')
            request = text
            reply = connection.call(request)
        elif mark == "<":
            line = parse(text)
            expected, got = file.normal(line), daemon.normal(without_newer(parse(reply), line))
            if expected != got:
                sys.exit(f"request: {request}\nreply:   {reply}\nthat is: {got}\nwanted:  {expected}")


def record(session, path):
    connection = Connection(path)
    side = Side()
    for mark, text in session:
        if mark in ">~":
            text = re.sub(r"\{(\d)\}", lambda match: side.ids[int(match[1]) - 1], text)
            text = text.replace("{cursor}", side.cursor)
            reply = connection.call(text)
            side.normal(parse(reply))
        print(mark, text)
        if mark == ">":
            print("<", reply)


def main():
    command, path, *rest = sys.argv[1:]
    session = read_session(path)
    if command == "flags":
        print(flags_of(session) or "")
    elif command == "replay":
        replay(session, *rest)
    elif command == "record":
        record(session, *rest)
    else:
        sys.exit(__doc__)


main()
