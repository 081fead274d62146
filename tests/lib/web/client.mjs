// fetch() of Node.js: client.mjs PORT
import assert from "node:assert/strict";

const base = `http://127.0.0.1:${process.argv[2]}`;

const post = (body, headers = {}) =>
  fetch(`${base}/ingest`, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

let reply = await post('{"ids":["9223372036854775807",1],"priority":"HIGH"}', { "idempotency-key": "k" });
assert.equal(reply.status, 200);
const { ingestion_id: id } = await reply.json();
assert.equal((await (await post('{"ids":["9223372036854775807",1],"priority":"HIGH"}', { "idempotency-key": "k" })).json())
  .ingestion_id, id);

reply = await fetch(`${base}/status/${id}?wait=20s&until=final`);
assert.match(await reply.text(), /"status":"completed".*\[9223372036854775807,1\]/);

reply = await post('{"ids":[0],"priority":"HIGH"}');
assert.equal(reply.status, 400);
const problem = await reply.json();
assert.equal(problem.error, problem.detail);
assert.match(problem.error, /^ids\[0\]: 0 /);

reply = await fetch(`${base}/health`, { method: "HEAD" });
assert.equal(reply.status, 200);
assert.equal(await reply.text(), "");

// Several at once, on several connections.
const all = await Promise.all(Array.from({ length: 50 }, () => post('{"ids":[1],"priority":"LOW"}').then((r) => r.json())));
assert.equal(new Set(all.map((one) => one.ingestion_id)).size, 50);

// Whoever does not want to wait any more hangs up.
const slow = await (await post('{"ids":[1],"priority":"LOW"}')).json();
await assert.rejects(fetch(`${base}/status/${slow.ingestion_id}?wait=1h&until=final`, { signal: AbortSignal.timeout(200) }));
