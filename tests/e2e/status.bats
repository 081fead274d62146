# ingestctl status: what is shown before, during and after a run.

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

@test "before, during and after a run the statuses are right" {
  local id time='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3,}Z$'

  start_daemon --settle 1500ms --rate 1/4s --handler simulate:delay=2s
  id=$(ctl submit --priority HIGH 1 2 3 4 5)

  ctl status --json "$id" >"$DIR/before"
  [ "$(e2e json 'd["status"], [b["status"] for b in d["batches"]]' <"$DIR/before")" = \
    "('yet_to_start', ['yet_to_start', 'yet_to_start'])" ]
  # What has not started has no attempts and no times.
  [ "$(e2e json 'sorted(d["batches"][0])' <"$DIR/before")" = "['batch_id', 'ids', 'index', 'status']" ]
  [ "$(e2e json '"started_at" in d or "finished_at" in d' <"$DIR/before")" = False ]

  wait_until 20 saved_as_triggered "$id" "$DIR/during"
  [ "$(e2e json 'd["status"], [b["status"] for b in d["batches"]]' <"$DIR/during")" = \
    "('triggered', ['triggered', 'yet_to_start'])" ]
  [ "$(e2e json '"finished_at" in d["batches"][0] or "finished_at" in d' <"$DIR/during")" = False ]

  wait_until 10 has_batches "$id" "['completed', 'yet_to_start']" || fail "$(ctl status "$id")"
  has_status "$id" triggered # some batches have not started yet, none runs

  wait_status "$id" completed
  ctl status --json "$id" >"$DIR/after"
  [ "$(e2e json '[(b["status"], b["ids"], b["attempts"]) for b in d["batches"]]' <"$DIR/after")" = \
    "[('completed', [1, 2, 3], 1), ('completed', [4, 5], 1)]" ]
  for member in created_at started_at finished_at; do
    [[ $(e2e json "d['$member']" <"$DIR/after") =~ $time ]]
  done
  for member in started_at finished_at; do
    [[ $(e2e json "d['batches'][1]['$member']" <"$DIR/after") =~ $time ]]
  done
  [ "$(e2e json 'd["created_at"] <= d["started_at"] == d["batches"][0]["started_at"] <= d["batches"][0]["finished_at"] <= d["batches"][1]["started_at"] <= d["batches"][1]["finished_at"] <= d["finished_at"]' <"$DIR/after")" = True ]

  # What does not change stays the same, and the version grows.
  for file in before during; do
    [ "$(e2e json '[b["batch_id"] for b in d["batches"]]' <"$DIR/$file")" = \
      "$(e2e json '[b["batch_id"] for b in d["batches"]]' <"$DIR/after")" ]
    [ "$(e2e json 'd["version"]' <"$DIR/$file")" -lt "$(e2e json 'd["version"]' <"$DIR/after")" ]
  done
}

saved_as_triggered() {
  ctl status --json "$1" >"$2"
  grep -q '^{"ingestion_id":"[^"]*","status":"triggered"' "$2"
}

has_batches() {
  [ "$(ctl status --json "$1" | e2e json '[b["status"] for b in d["batches"]]')" = "$2" ]
}

@test "the members of the original API and the additions" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit -p LOW -l "x y" 1 2 3 4 5)
  ctl status --json "$id" >"$DIR/json"
  [ "$(wc -l <"$DIR/json")" -eq 1 ]
  [ "$(e2e json 'd["ingestion_id"]' <"$DIR/json")" = "$id" ]
  [ "$(e2e json 'sorted(d)' <"$DIR/json")" = \
    "['batch_size', 'batches', 'counts', 'created_at', 'ingestion_id', 'label', 'priority', 'seq', 'status', 'version']" ]
  [ "$(e2e json 'd["counts"]' <"$DIR/json")" = \
    "{'ids': 5, 'batches': 2, 'yet_to_start': 2, 'triggered': 0, 'retrying': 0, 'completed': 0, 'failed': 0, 'cancelled': 0, 'ids_completed': 0, 'ids_failed': 0, 'ids_cancelled': 0, 'ids_unknown': 0, 'attempts': 0, 'retries': 0}" ]
}

@test "the id of a batch is the version 5 UUID of the ingestion and the index" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit 1-33)
  ctl status --json "$id" | python3 -E -c '
import json, sys, uuid
status = json.load(sys.stdin)
assert len(status["batches"]) == 11
for batch in status["batches"]:
    assert batch["batch_id"] == str(uuid.uuid5(uuid.UUID(status["ingestion_id"]), str(batch["index"]))), batch
'
}

@test "a failed batch: its error is shown, the other batches run, the ingestion fails" {
  local id

  start_daemon --handler simulate:delay=10ms,fail=2
  id=$(ctl submit 1 2 3 4 5)
  wait_status "$id" failed
  [ "$(ctl status --json "$id" | e2e json '[(b["status"], b.get("error")) for b in d["batches"]]')" = \
    "[('failed', 'simulated failure of id 2'), ('completed', None)]" ]
  # status exits 0 whatever it shows.
  run --separate-stderr ctl status "$id"
  [ "$status" -eq 0 ]
  [[ $output == *failed*"simulated failure of id 2"* ]]
}

@test "the outcomes of single ids are counted" {
  local id

  start_daemon --handler simulate:delay=10ms,fail=2
  id=$(ctl submit 1 2 3 4 5)
  wait_status "$id" failed
  [ "$(ctl status --json "$id" | e2e json '[(b["attempts"], b["ids_completed"], b["ids_failed"]) for b in d["batches"]]')" = \
    "[(1, 2, 1), (1, 2, 0)]" ]
  [ "$(ctl status --json "$id" | e2e json '[d["counts"][n] for n in ("ids_completed", "ids_failed", "attempts", "retries")]')" = \
    "[4, 1, 2, 0]" ]
  run --separate-stderr ctl status "$id"
  [[ $output == *"outcomes   4 completed, 1 failed, 0 pending"* ]] || fail "$output"
  grep -qx 'attempts   2' <<<"$output" || fail "$output"
}

@test "what is tried again: when, and how many ids" {
  local id

  start_fake
  id=$(ctl submit 1-8 14)
  run --separate-stderr ctl status "$id"
  [ "$status" -eq 0 ]
  [[ $output == *"outcomes   6 completed, 1 failed, 2 pending"* ]] || fail "$output"
  [[ $output == *"attempts   6, 3 of them retries"* ]] || fail "$output"
  grep -qE '^ +0 +completed +2 ' <<<"$output" || fail "$output"
  grep -qE '^ +1 +failed +2 ' <<<"$output" || fail "$output"
  grep -qE '^ +2 +retrying +2 ' <<<"$output" || fail "$output"
  grep -qE '^ +error: exit status 75$' <<<"$output" || fail "$output"
  grep -qE '^ +2 of 3 ids to be tried again at 2026-11-22T13:02:40.500Z$' <<<"$output" || fail "$output"
  [[ $output != *stdout* ]] || fail "$output"
  # What is done or waits for nothing is not tried again.
  [ "$(grep -c 'tried again' <<<"$output")" -eq 1 ]
}

@test "-v shows what the handler wrote, and nothing that a terminal must not see" {
  local id

  start_fake
  id=$(ctl submit 1 2 3)
  run --separate-stderr ctl status -v "$id"
  [ "$status" -eq 0 ]
  [ "$(tail -n 7 <<<"$output" | sed 's/^ *//')" = "stdout, 5000 bytes:
1 ok
?[2Jlast line
stderr, 11 bytes:
one

three" ] || fail "$output"
  [ "$(ctl status -v --json "$id" | e2e json 'd["batches"][0]["stderr"]')" = "{'text': 'one\\n\\nthree\\n', 'bytes': 11}" ]
  # Nobody gets it who has not asked.
  [ "$(ctl status --json "$id" | e2e json '"stdout" in d["batches"][0]')" = False ]
}

@test "-v: a command's output, end to end" {
  local id

  start_daemon --max-attempts 1 --handler "exec:sh -c 'echo to stdout; echo to stderr >&2; exit 3'"
  id=$(ctl submit 1 2 3)
  wait_status "$id" failed
  run --separate-stderr ctl status -v "$id"
  [ "$status" -eq 0 ]
  [[ $output == *"stdout, 10 bytes:"*"to stdout"*"stderr, 10 bytes:"*"to stderr"* ]] || fail "$output"
  run --separate-stderr ctl status "$id"
  [[ $output != *"stderr, "* ]] || fail "$output"
}

@test "a batch that waits for its next attempt says until when" {
  local id

  start_daemon --retry-base 10m --handler "exec:sh -c 'exit 75'"
  id=$(ctl submit 1 2 3)
  wait_until 20 has_batches "$id" "['retrying']" || fail "$(ctl status "$id")"
  [ "$(ctl status --json "$id" | e2e json 'd["batches"][0]["finished_at" if "finished_at" in d["batches"][0] else "started_at"] < d["batches"][0]["retry_at"]')" = True ]
  ctl status "$id" | grep -qE '^ +3 of 3 ids to be tried again at ' || fail "$(ctl status "$id")"
  [ "$(ctl stats --json | e2e json '[(l["later"], l["waiting_ids"], "oldest_waiting_ms" in l) for l in d["lanes"]][1]')" = "(1, 0, False)" ]
  ctl stats | grep -qF '1 more to be tried again later' || fail "$(ctl stats)"
}

@test "the table has a row per batch" {
  local id

  start_daemon
  id=$(ctl submit --priority HIGH --label nightly 1 2 3 4 5)
  wait_status "$id" completed
  run --separate-stderr ctl status "$id"
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  [[ $output == *"$id"*completed*HIGH*nightly*"2 of 2 batches completed"*INDEX*STATUS*IDS* ]]
  grep -qE '^ +0 +completed +1 .* 1 2 3$' <<<"$output"
  grep -qE '^ +1 +completed +1 .* 4 5$' <<<"$output"
}

@test "--watch prints a line per change and ends with the ingestion" {
  local id

  start_daemon --rate 1/500ms --settle 500ms --handler simulate:delay=250ms
  id=$(ctl submit 1 2 3 4 5)
  run --separate-stderr ctl status --watch "$id"
  [ "$status" -eq 0 ]
  # A change that is over soon may be missed.
  [[ $(cut -d ' ' -f 2- <<<"$output" | tr '\n' ';') =~ \
    ^"yet_to_start 0/2;"("triggered 0/2;")?("triggered 1/2;")?"completed 2/2;"$ ]] || fail "$output"
}

@test "--watch on a terminal draws a bar, then the table" {
  local id screen

  start_daemon --rate 1/300ms --settle 300ms --handler simulate:delay=150ms
  id=$(ctl submit 1 2 3 4 5)
  screen=$(TERM=xterm script -qec "'$BUILD/ingestctl' --socket '$SOCKET' status --watch $id" /dev/null </dev/null)
  [[ $screen == *$'\r'* ]] || fail "nothing was drawn over: $screen"
  [[ $screen == *INDEX* ]]
  grep -qE 'completed.* 1 2 3' <<<"$screen"
}

@test "pages: --from and --all" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit 1-9000)
  run --separate-stderr ctl status --json "$id"
  [ "$(e2e json 'len(d["batches"]), d["next_batch"]' <<<"$output")" = "(1000, 1000)" ]
  [ "$(ctl status --json --from 2998 "$id" | e2e json '[b["ids"] for b in d["batches"]], "next_batch" in d')" = \
    "([[8995, 8996, 8997], [8998, 8999, 9000]], False)" ]
  # Every batch once, in order.
  ctl status --all --json "$id" | grep -oE '"index":[0-9]+' | cut -d : -f 2 >"$DIR/seen"
  seq 0 2999 | cmp - "$DIR/seen"
  run --separate-stderr ctl status "$id"
  [ "$status" -eq 0 ]
  [[ $stderr == *2000* ]]
}

@test "unknown and malformed ids" {
  start_daemon
  refuses 6 "ingestion 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42 not found" -- ctl status 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42
  refuses 6 "begins with 019b2c6e" -- ctl status 019b2c6e
  refuses 2 '"019"' UUID -- ctl status 019
  refuses 2 id -- ctl status
}

@test "neither a status nor a ping waits behind a slow commit; the submission itself does" {
  local id waiting

  export SLOWSYNC_HOLD=$DIR/hold
  slow_daemon --settle 10m
  await_daemon
  id=$(ctl submit 1)
  touch "$SLOWSYNC_HOLD"
  ctl submit 2 >"$DIR/second" 3>&- &
  waiting=$!
  sleep 0.3 # it would have been answered in this time
  has_status "$id" yet_to_start
  ctl ping
  [ ! -s "$DIR/second" ] || fail "answered before the commit"
  rm "$SLOWSYNC_HOLD"
  wait "$waiting"
  has_status "$(<"$DIR/second")" yet_to_start
}
