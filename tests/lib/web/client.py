"""The client of Python's standard library, on one connection: client.py PORT"""

import http.client
import json
import sys

client = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)


def call(method, path, body=None, **more):
    client.request(method, path, body, **more)
    reply = client.getresponse()
    return reply, reply.read()


reply, body = call("POST", "/ingest", json.dumps({"ids": [2**63 - 1, 1], "priority": "HIGH"}))
assert reply.status == 200, body
ingestion = json.loads(body)["ingestion_id"]
used = client.sock
reply, body = call("GET", "/status/" + ingestion)
assert json.loads(body)["batches"][0]["ids"] == [2**63 - 1, 1], body
reply, body = call("GET", "/status/" + ingestion, headers={"If-None-Match": reply.headers["ETag"]})
assert reply.status in (200, 304), reply.status
reply, body = call("HEAD", "/health")
assert reply.status == 200 and body == b"", body
# A generator is sent in chunks.
reply, body = call("POST", "/ingest", iter([b'{"ids":[1', b'],"priority":', b'"LOW"}']), encode_chunked=True,
                   headers={"Transfer-Encoding": "chunked"})
assert reply.status == 200, body
reply, body = call("GET", "/nope")
assert reply.status == 404, body
reply, body = call("GET", f"/status/{ingestion}?wait=20s&until=final")
assert json.loads(body)["status"] == "completed", body
assert client.sock is used, "the connection was not kept"
