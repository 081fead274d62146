"""A small HTTP server for handlers: items.py PORTFILE REQUESTS

    GET /items/ID   404 when ID ends in 4, else 503 the first time when it ends in 7, else 200 `item ID`

Listens on a free port of 127.0.0.1, which it writes to PORTFILE; notes each request in REQUESTS, one
path per line.
"""

import collections
import http.server
import os
import sys

portfile, requests = sys.argv[1:]
seen = collections.Counter()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(requests, "a") as file:
            file.write(self.path + "\n")
        seen[self.path] += 1
        status = 404 if self.path.endswith("4") else 200
        if self.path.endswith("7") and seen[self.path] == 1:
            status = 503
        body = f"item {self.path.rsplit('/', 1)[1]}\n".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(portfile + ".new", "w") as file:
    file.write(f"{server.server_port}\n")
os.rename(portfile + ".new", portfile)
server.serve_forever()
