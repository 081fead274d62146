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
TIMES = {"created_at", "started_at", "finished_at", "time"}


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


class Side:
    """What one side, the file or the daemon, calls things."""

    def __init__(self):
        self.ids = []
        self.cursor = ""

    def normal(self, text):
        """The reply as text, without what differs from run to run. The order of members stays."""
        root = json.loads(text, object_pairs_hook=lambda pairs: pairs)
        stats = '"uptime_ms":' in text
        return json.dumps(self.walk(root, None, {}, stats), ensure_ascii=False)

    def walk(self, value, name, parents, stats):
        if isinstance(value, list) and value and isinstance(value[0], tuple):
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
        if name in ("libevent", "sqlite", "cjson", "url") or (name == "version" and isinstance(value, str)):
            return "a text" if value else "an empty text"
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
            expected, got = file.normal(text), daemon.normal(reply)
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
            side.normal(reply)
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
