# ingestctl wait.

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

@test "prints each ingestion when it ends; 0 when all completed" {
  local first second

  start_daemon
  first=$(ctl submit 1 2 3 4)
  second=$(ctl submit 5)
  run --separate-stderr ctl wait "$second" "$first"
  [ "$status" -eq 0 ]
  [ "$(sort <<<"$output")" = "$(printf '%s completed\n' "$first" "$second" | sort)" ]
  [ -z "$stderr" ]
}

@test "1 when one of them failed" {
  local good bad

  start_daemon --handler simulate:delay=10ms,fail=42
  good=$(ctl submit 1)
  bad=$(ctl submit 42)
  run --separate-stderr ctl wait "$good" "$bad"
  [ "$status" -eq 1 ]
  [ "$(sort <<<"$output")" = "$(printf '%s\n' "$good completed" "$bad failed" | sort)" ]
}

@test "--json prints the status of each" {
  local id

  start_daemon
  id=$(ctl submit 1)
  [ "$(ctl wait --json "$id" | e2e json 'd["ingestion_id"], d["status"]')" = "('$id', 'completed')" ]
}

@test "--quiet prints nothing" {
  start_daemon
  run ctl wait --quiet "$(ctl submit 1)"
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "--timeout ends it with 7; the ingestion goes on" {
  local id

  start_daemon --settle 1s
  id=$(ctl submit 1)
  refuses 7 "$id" 200ms -- ctl wait --timeout 200ms "$id"
  wait_status "$id" completed
  # What is over already is not waited for.
  ctl wait --timeout 0 "$id"
  refuses 2 bananas -- ctl wait --timeout bananas "$id"
}

@test "an unknown ingestion: 6; a malformed id: 2; none: 2" {
  start_daemon
  refuses 6 "ingestion 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42 not found" -- ctl wait 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42
  refuses 2 '"xyz"' -- ctl wait xyz
  refuses 2 id -- ctl wait
}

@test "Ctrl-C ends it with 130 and says that the ingestion goes on" {
  local id waiting status=0

  start_daemon --settle 10m
  id=$(ctl submit 1)
  interruptible "$BUILD/ingestctl" --socket "$SOCKET" wait "$id" >"$DIR/out" 2>"$DIR/err"
  waiting=$!
  wait_until 20 catches_interrupts "$waiting"
  kill -INT "$waiting"
  wait "$waiting" || status=$?
  [ "$status" -eq 130 ] || fail "exit status $status"
  grep -q "$id is still queued" "$DIR/err" || fail "$(<"$DIR/err")"
  has_status "$id" yet_to_start
}

@test "a restart of the daemon does not end the wait" {
  local id waiter status=0

  start_daemon --settle 1s
  id=$(ctl submit 1 2 3 4)
  ctl wait "$id" >"$DIR/out" 2>"$DIR/err" 3>&- &
  waiter=$!
  sleep 0.3
  kill_daemon
  sleep 0.3
  start_daemon
  wait "$waiter" || status=$?
  [ "$status" -eq 0 ] || fail "exit status $status: $(<"$DIR/err")"
  [ "$(<"$DIR/out")" = "$id completed" ]
}
