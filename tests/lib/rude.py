"""Clients that do what no client should. The socket is what INGESTD_SOCKET names.

    rude.py send [SECONDS]          sends stdin as far as the daemon takes it, and prints all that it
                                    answers until it closes; it reads only after so long
    rude.py trickle TEXT            sends TEXT over and over, a byte every 50 ms; prints the answer
    rude.py cut TEXT                for each n: sends the first n bytes of TEXT and disconnects
    rude.py hold N [TEXT]           opens N connections, sends TEXT, or what is in @FILE, on each, and stays
    rude.py flood N TEXT [read]     sends the line TEXT N times over one connection without reading an
                                    answer, as far as that goes, and stays; or then reads all answers

Who stays prints a line when everything is sent: how many connections are open without an answer, have
been answered, or were refused with which error; or how many lines were sent. It ends when it is killed.
"""

import collections
import json
import os
import select
import signal
import socket
import sys
import time

PATIENCE = 30  # seconds


def connect():
    client = socket.socket(socket.AF_UNIX)
    client.connect(os.environ["INGESTD_SOCKET"])  # waits while too many others do
    client.settimeout(PATIENCE)
    return client


def is_ready(client, seconds, event=select.POLLIN):
    """Like select(2), but for any number of descriptors."""
    poll = select.poll()
    poll.register(client, event)
    return bool(poll.poll(seconds * 1000))


def read_all(client):
    """All that comes until the other side closes."""
    parts = []
    while True:
        try:
            part = client.recv(1 << 16)
        except ConnectionResetError:
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)


def send(seconds):
    client = connect()
    try:
        client.sendall(sys.stdin.buffer.read())
        client.shutdown(socket.SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        pass
    time.sleep(seconds)
    sys.stdout.write(read_all(client))


def trickle(text):
    client = connect()
    end = time.monotonic() + PATIENCE / 3
    while time.monotonic() < end and not is_ready(client, 0.05):
        client.sendall(text[:1].encode())
        text = text[1:] + text[:1]
    if not is_ready(client, 0):
        sys.exit("there was no answer while bytes came")
    sys.stdout.write(read_all(client))


def cut(text):
    for n in range(len(text) + 1):
        client = connect()
        client.sendall(text[:n].encode())
        client.close()
    print(len(text))


def what_became_of(client):
    if not is_ready(client, 0):
        return "open"
    data = client.recv(1 << 16)
    if b'"error":' in data[:1000]:
        return json.loads(data.split(b"\n")[0])["error"]["data"]["code"]
    return "answered" if data else "closed"


def stay(*words):
    print(*words, flush=True)
    signal.pause()


def hold(n, text):
    clients = [connect() for _ in range(n)]
    for client in clients:
        try:
            client.sendall(text.encode())
        except (BrokenPipeError, ConnectionResetError):
            pass
    # The daemon accepts in order: the last one is refused last. Who is served may have no answer.
    is_ready(clients[-1], 2)
    time.sleep(0.3)
    found = collections.Counter(what_became_of(client) for client in clients)
    stay(" ".join(f"{kind}={count}" for kind, count in sorted(found.items())))


def flood(n, text, read):
    client = connect()
    line, sent = text.encode() + b"\n", 0
    data = memoryview(line * n)
    client.setblocking(False)
    while sent < len(data) and is_ready(client, 1, select.POLLOUT):
        sent += client.send(data[sent:sent + (1 << 16)])
    if not read:
        stay(sent // len(line))
    answers = 0
    while answers < n:
        ready = select.select([client], [client] if sent < len(data) else [], [], PATIENCE)
        if ready[0]:
            answers += client.recv(1 << 16).count(b"\n")
        elif ready[1]:
            sent += client.send(data[sent:sent + (1 << 16)])
        else:
            sys.exit(f"{answers} answers, and no more")
    print(answers)


def text_of(argument):
    return open(argument[1:]).read() if argument[:1] == "@" else argument


def main():
    command, *args = sys.argv[1:]
    if command == "send":
        send(float(args[0]) if args else 0)
    elif command == "trickle":
        trickle(args[0])
    elif command == "cut":
        cut(args[0])
    elif command == "hold":
        hold(int(args[0]), text_of(args[1]) if len(args) > 1 else "")
    elif command == "flood":
        flood(int(args[0]), args[1], len(args) > 2)
    else:
        sys.exit(__doc__)


main()
