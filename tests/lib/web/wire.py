"""HTTP byte by byte, for scripts in this directory: what clients that behave cannot do."""

import json
import os
import socket
import sys
import time


class Reply:
    """One answer. `fields` has lower-case names; `body` is bytes."""

    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:300]}"


class Wire:
    """A connection to 127.0.0.1:PORT, or to the socket of that path."""

    def __init__(self, address, timeout=20, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET if address.isdigit() else socket.AF_UNIX)
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", int(address)) if address.isdigit() else address)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def send_what_goes(self, data):
        """The peer may have closed already: that is no mistake."""
        try:
            self.send(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def end(self):
        """Sends no more."""
        self.socket.shutdown(socket.SHUT_WR)

    def more(self):
        data = self.socket.recv(65536)
        self.pending += data
        return bool(data)

    def line(self):
        while b"\r\n" not in self.pending:
            if not self.more():
                raise EOFError(f"the connection ended within a line: {self.pending[:200]}")
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line.decode("ascii")

    def reply(self, head=False):
        """The next answer; `head`: to HEAD. EOFError when there is none."""
        version, status, _ = self.line().split(" ", 2)
        assert version == "HTTP/1.1", version
        fields = {}
        while True:
            line = self.line()
            if not line:
                break
            name, value = line.split(": ", 1)
            assert name.lower() not in fields, f"twice: {name}"
            fields[name.lower()] = value
        length = 0
        if int(status) >= 200 and int(status) not in (204, 304):
            length = int(fields["content-length"])
        else:
            assert "content-length" not in fields, fields
        if head:
            length = 0
        while len(self.pending) < length:
            if not self.more():
                raise EOFError("the connection ended within a body")
        body, self.pending = self.pending[:length], self.pending[length:]
        return Reply(int(status), fields, body)

    def is_at_end(self):
        """Waits for the end of the stream. False: there is something else, or an error instead."""
        try:
            return not self.pending and not self.more()
        except ConnectionResetError:
            return False


def get(path, *fields, method="GET", version="1.1"):
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def post(body, *fields, path="/ingest"):
    body = body if isinstance(body, bytes) else body.encode()
    return get(path, *fields, f"Content-Length: {len(body)}", method="POST") + body


def ask(address, request):
    """One request on a connection of its own."""
    with Wire(address) as wire:
        wire.send(request)
        return wire.reply(head=request.startswith(b"HEAD "))


def check_problem(reply, status, code=None, *parts):
    """The answer is a problem document that says the same twice, as old clients want it."""
    document = reply.json()
    assert reply.status == document["status"] == status, reply
    assert reply.fields["content-type"] == "application/problem+json", reply
    assert document["error"] == document["detail"] != "", reply
    assert document["instance"] == reply.fields["x-request-id"], reply
    assert document["title"] and document["type"] == "about:blank", reply
    assert code is None or document["code"] == code, reply
    for part in parts:
        assert part in document["error"], f"{part!r} is not in {document['error']!r}"


def submit(address, ids, priority="HIGH", **more):
    """The id of a new ingestion."""
    reply = ask(address, post(json.dumps({"ids": ids, "priority": priority, **more})))
    assert reply.status == 200, reply
    return reply.json()["ingestion_id"]


def until(seconds, condition):
    """Waits until the condition is true and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "it does not become true"
        time.sleep(0.02)


def cpu_and_rss(pid):
    """Seconds that the process has computed, and the bytes of memory that it has."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/statm") as file:
        pages = int(file.read().split()[1])
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")


def run(functions):
    """Calls the function that the command line names, once for each further argument."""
    name, *arguments = sys.argv[1:]
    for argument in arguments:
        functions[name](*argument.split(","))
