# --notify: who is told of the ends of ingestions, how often, and what becomes of it when that fails.

# shellcheck disable=SC2030,SC2031 # each test is a subshell, so its variables do not get out

load ../lib/daemon

setup() {
  daemon_setup
  daemon_flags --rate 1/10ms --settle 0 --batch-size 2 --handler simulate:delay=1ms,fail=13 \
    --retry-base 100ms --retry-max 100ms --exec-grace 200ms --notify "exec:$DIR/tell $DIR"
  TOLD=$DIR/told
  : >"$TOLD"
}

teardown() {
  daemon_teardown
}

# Makes the command that is told, from stdin; its directory is $1.
tell_is() {
  cat >"$DIR/tell"
  chmod +x "$DIR/tell"
}

# It adds the documents to $TOLD.
tell_notes() {
  tell_is <<'END'
#!/bin/sh
cat >>"$1/told"
END
}

# Whether exactly these were told, in any order: told_of ID...
told_of() {
  diff <(told_ids | sort) <(printf '%s\n' "$@" | sort) >/dev/null
}

told_ids() {
  sed -E 's/.*"ingestion_id":"([^"]*)".*/\1/' "$TOLD"
}

await_told() {
  wait_until 20 told_of "$@" || fail "told of:"$'\n'"$(told_ids)"$'\n'"expected:"$'\n'"$*"
}

# One who is told of something has had the time for it: what was to be told before is told.
told_no_more_than() {
  local last

  last=$(ctl submit 99)
  await_told "$@" "$last"
}

# It has ended, whether somebody has waited for it or not.
has_ended() {
  [ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status"
}

notices_left() {
  store_sql 'SELECT count(*) FROM notice'
}

# ---- what is told ----

@test "each end is told once, with what list says" {
  local good bad

  tell_notes
  start_daemon
  good=$(ctl submit -p HIGH --label nightly 1 2 3)
  wait_status "$good" completed
  await_told "$good"
  bad=$(ctl submit -p LOW 13)
  wait_status "$bad" failed
  await_told "$good" "$bad"
  python3 -S -E -c 'import json, sys
told = {d["ingestion_id"]: d for d in map(json.loads, open(sys.argv[1]))}
listed = {d["ingestion_id"]: d for d in json.load(sys.stdin)["result"]["ingestions"]}
assert told == listed, (told, listed)
good, bad = (told[i] for i in sys.argv[2:])
assert good["status"] == "completed" and good["label"] == "nightly" and good["counts"]["ids_completed"] == 3
assert bad["status"] == "failed" and bad["priority"] == "LOW" and bad["counts"]["ids_failed"] == 1' \
    "$TOLD" "$good" "$bad" < <(rpc '{"jsonrpc":"2.0","id":1,"method":"list"}')
  [ "$(notices_left)" -eq 0 ]
  log_has 'msg="notice given"' 2
}

@test "the command knows whose end it is from its environment, and has no batch" {
  tell_is <<'END'
#!/bin/sh
env | grep ^INGEST >"$1/env"
printf '1\tfail\tthis means nothing here\n'
cat >>"$1/told"
END
  INGEST_BATCH_ID=x start_daemon
  id=$(ctl submit -p LOW --label 'a b' 1)
  await_told "$id"
  wait_log 'msg="notice given"'
  diff <(sort "$DIR/env") <(printf '%s\n' INGEST_ATTEMPT=1 "INGEST_ID=$id" 'INGEST_LABEL=a b' \
    "INGEST_NODE=$(sed -n 's/.* node=\([^ ]*\) .*/\1/p' "$LOG")" "INGEST_NOTICE=$id" INGEST_PRIORITY=LOW)
}

@test "a cancelled ingestion is told, too" {
  local id

  tell_notes
  start_daemon --settle 10m
  id=$(ctl submit 1 2 3)
  ctl cancel "$id"
  wait_status "$id" cancelled
  await_told "$id"
  grep -q '"status":"cancelled"' "$TOLD"
}

@test "an ingestion that is tried again is told again, with its new end" {
  local id

  tell_notes
  start_daemon
  id=$(ctl submit 13)
  await_told "$id"
  ctl retry "$id"
  await_told "$id" "$id"
}

@test "nothing is told of uploads that expire" {
  local upload

  tell_notes
  start_daemon --upload-expiry 200ms
  upload=$(rpc '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"priority":"LOW","open":true}}' |
    sed -E 's/.*"ingestion_id":"([^"]*)".*/\1/')
  wait_log "msg=\"upload expired\" ingestion_id=$upload"
  told_no_more_than
}

@test "without --notify nothing is kept to be told later" {
  local before

  tell_notes
  start_daemon --notify ''
  before=$(ctl submit 1)
  wait_status "$before" completed
  [ "$(notices_left)" -eq 0 ]
  stop_daemon
  start_daemon
  told_no_more_than
}

# ---- when it fails ----

@test "what fails is tried again after a wait, and holds up nothing" {
  local id other

  tell_is <<'END'
#!/bin/sh
date +%s%N >>"$1/times"
[ "$INGEST_ATTEMPT" -ge 3 ] || { echo 'no such host' >&2; exit 7; }
cat >>"$1/told"
END
  start_daemon --retry-base 200ms --retry-max 1s
  id=$(ctl submit 1)
  wait_log 'reason="exit status 7: no such host"' 2
  await_told "$id"
  [ "$(wc -l <"$DIR/times")" -eq 3 ]
  # At least a half of 200 and of 400 ms.
  awk 'NR > 1 && $1 - last < 100000000 * (NR - 1) { exit 1 } { last = $1 }' "$DIR/times"
  [ "$(status_of "$id")" = completed ]
}

@test "after --max-attempts it is given up, and the next ones are told" {
  tell_is <<'END'
#!/bin/sh
! grep -q '"label":"bad"' || exit 1
echo "\"ingestion_id\":\"$INGEST_ID\"" >>"$1/told"
END
  start_daemon --max-attempts 3
  bad=$(ctl submit --label bad 1)
  wait_log 'level=warn msg="notice given up"'
  log_has "msg=\"notice given up\" ingestion_id=$bad attempt=3"
  log_has 'msg="notice not given, to be tried again"' 2
  told_no_more_than
  [ "$(notices_left)" -eq 0 ]
}

# ---- the end of the daemon ----

# A command that is slow in its first attempt.
tell_is_slow() {
  tell_is <<'END'
#!/bin/sh
echo $$ >>"$1/begun"
[ -e "$1/quick" ] || sleep "$(cat "$1/slow")"
cat >>"$1/told"
END
  echo "$1" >"$DIR/slow"
}

has_begun() {
  [ -e "$DIR/begun" ] && [ "$(wc -l <"$DIR/begun")" -ge "$1" ]
}

@test "kill -9 while it is told: told again, and the first command has ended" {
  tell_is_slow 1000
  start_daemon
  id=$(ctl submit 1)
  wait_until 20 has_begun 1
  kill_daemon
  : >"$DIR/quick"
  start_daemon
  await_told "$id"
  has_ended "$(head -n 1 "$DIR/begun")"
  log_has 'msg="notice given" ingestion_id='"$id attempt=2"
  told_no_more_than "$id"
}

@test "SIGTERM waits for what is being told" {
  tell_is_slow 0.5
  start_daemon
  id=$(ctl submit 1)
  wait_until 20 has_begun 1
  stop_daemon
  told_of "$id"
  start_daemon
  told_no_more_than "$id"
}

@test "SIGTERM ends what takes longer than the grace; it is told after the next start" {
  tell_is_slow 1000
  start_daemon --shutdown-grace 100ms --max-attempts 1
  id=$(ctl submit 1)
  wait_until 20 has_begun 1
  stop_daemon
  has_ended "$(head -n 1 "$DIR/begun")"
  [ ! -s "$TOLD" ]
  log_has 'level=info msg="notice interrupted"'
  : >"$DIR/quick"
  start_daemon --max-attempts 1
  await_told "$id"
}

# ---- together with a handler of the same kind ----

@test "batches and notices that run commands at the same time leave each other alone" {
  local n=60 i

  # Both leave children behind that are part of a run only for as long as it goes on.
  tell_is <<'END'
#!/bin/bash
setsid sleep 1000 &
setsid sh -c "sleep 0.01; echo '\"ingestion_id\":\"$INGEST_ID\"' >>'$1/told'" &
wait $!
END
  cat >"$DIR/work" <<'END'
#!/bin/bash
setsid sleep 1000 &
setsid sh -c "sleep 0.01; echo $INGEST_BATCH_ID >>'$1/done'" &
wait $!
END
  chmod +x "$DIR/work"
  start_daemon --concurrency 4 --handler "exec:$DIR/work $DIR" --max-attempts 1
  for ((i = 0; i < n; i++)); do
    ctl submit $((2 * i + 1)) $((2 * i + 2))
  done >"$DIR/ids"
  mapfile -t ids <"$DIR/ids"
  await_told "${ids[@]}"
  wait_all_completed "$DIR/ids"
  [ "$(sort -u "$DIR/done" | wc -l)" -eq "$n" ]
  [ "$(wc -l <"$DIR/done")" -eq "$n" ]
  childless() { [ -z "$(cat "/proc/$DAEMON/task/$DAEMON/children")" ]; }
  wait_until 20 childless || fail "children: $(ps -o pid,stat,args --ppid "$DAEMON")"
}

# ---- to a server ----

# Answers with the statuses that it is given, then with 204, and adds what it gets to $TOLD.
start_server() {
  cat >"$DIR/server" <<'END'
import http.server, sys
statuses = [int(s) for s in sys.argv[2:]]
class Handler(http.server.BaseHTTPRequestHandler):
  def do_POST(self):
    body = self.rfile.read(int(self.headers["Content-Length"])).decode()
    status = statuses.pop(0) if statuses else 204
    with open(sys.argv[1] + "/calls", "a") as calls:
      print(status, self.path, self.headers["Content-Type"], self.headers["Idempotency-Key"],
        self.headers["Ingest-Attempt"], file=calls)
    if status < 300:
      with open(sys.argv[1] + "/told", "a") as told:
        print(body, file=told)
    self.send_response(status)
    if status == 429:
      self.send_header("Retry-After", "1")
    self.send_header("Content-Length", "0")
    self.end_headers()
  def log_message(self, *args):
    pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + "/port", "w") as port:
  port.write(str(server.server_port))
server.serve_forever()
END
  python3 -S -E "$DIR/server" "$DIR" "$@" >>"$LOG" 2>&1 3>&- &
  COMPANIONS+=("$!")
  wait_until 20 test -s "$DIR/port" || fail "the server does not start"
}

@test "http: the document is posted, again after 503 and Retry-After, with the same key" {
  local id

  start_server 503 429
  start_daemon --notify "http:http://127.0.0.1:$(<"$DIR/port")/ends"
  id=$(ctl submit -p HIGH 1)
  await_told "$id"
  wait_log 'msg="notice given"'
  [ "$(cut -d ' ' -f 1-3 "$DIR/calls")" = '503 /ends application/json
429 /ends application/json
204 /ends application/json' ] || fail "$(<"$DIR/calls")"
  [ "$(cut -d ' ' -f 4 "$DIR/calls" | sort -u | wc -l)" -eq 1 ]
  [ "$(cut -d ' ' -f 5 "$DIR/calls")" = $'1\n2\n2' ]
  grep -q '"status":"completed"' "$TOLD"
  told_no_more_than "$id"
}

@test "http: an answer that says no is final; one that gives no answer is tried again" {
  local refused id

  start_server 400
  start_daemon --notify "http:http://127.0.0.1:$(<"$DIR/port")/ends"
  refused=$(ctl submit 1)
  wait_log "msg=\"notice given up\" ingestion_id=$refused attempt=1"
  told_no_more_than
  kill "${COMPANIONS[0]}"
  id=$(ctl submit 1)
  wait_log "msg=\"notice not given, to be tried again\" ingestion_id=$id attempt=1"
}
