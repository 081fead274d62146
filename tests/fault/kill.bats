# kill -9: nothing that was acknowledged is lost, and the rate holds over every restart.
#
# KILL_ROUNDS: how often the last test kills the daemon (25)

load ../lib/daemon

export BATS_TEST_TIMEOUT=$((120 + ${KILL_ROUNDS:-25} * 5))

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

@test "the interrupted batch runs again, the rest waits its turn, the spacing goes on" {
  local running waiting late json

  daemon_flags --rate 1/1s --settle 0 --handler simulate:delay=600ms
  start_daemon
  running=$(ctl submit --priority LOW --label "to be cut" 1 2 3 4 5)
  wait_starts 1
  waiting=$(ctl submit --priority HIGH 6 7 8)
  kill_daemon

  start_daemon
  if [ "$STORE_KIND" = postgres ]; then
    # Only once it is sure that nothing of it runs any more.
    wait_log 'are in line again" batches=1'
  else
    log_has ' waiting=3 later=0 interrupted=1' || fail "the log does not say what was found"
  fi
  has_status "$waiting" yet_to_start
  [ "$(ctl status --json "$running" | e2e json '[d["status"], d["label"], d["batches"][0]["status"]]')" = \
    "['triggered', 'to be cut', 'retrying']" ]
  late=$(ctl submit --priority LOW 9)
  wait_status "$late" completed

  # The batch keeps its place: behind HIGH, before its own rest and everything later.
  assert_order "$running 0" "$waiting 0" "$running 0" "$running 1" "$late 0"
  [ "$(starts | cut -d ' ' -f 3 | tr '\n' ' ')" = "1 1 2 1 1 " ]
  assert_spacing 1000000000
  json=$(ctl status --json "$running")
  [ "$(e2e json '[(b["ids"], b["status"], b["attempts"]) for b in d["batches"]]' <<<"$json")" = \
    "[([1, 2, 3], 'completed', 2), ([4, 5], 'completed', 1)]" ]
  has_status "$waiting" completed
  stop_daemon
  check_store
}

@test "killed right after a start: the next one keeps its distance" {
  local id count

  daemon_flags --rate 1/600ms --settle 0 --handler simulate:delay=10ms
  start_daemon
  id=$(ctl submit 1-12)
  for count in 1 2 3; do
    # From the log, so that the kill comes within a few milliseconds of the start.
    wait_starts "$count"
    kill_daemon
    start_daemon
  done
  wait_status "$id" completed
  assert_spacing 600000000
}

@test "a start lost with the log still counts: a claim alone reserves its slot" {
  local id launched started

  only_sqlite
  daemon_flags --rate 1/1s --settle 0 --handler simulate:delay=10ms
  start_daemon
  id=$(ctl submit 1-6)
  wait_status "$id" triggered
  wait_log 'msg="batch completed"'
  kill_daemon
  # As if the daemon had died between the claim and the record of the start.
  sqlite3 "$STORE" 'UPDATE ledger SET last_start = NULL'
  sleep 0.3
  launched=${EPOCHREALTIME/./}
  start_daemon
  wait_status "$id" completed
  assert_spacing 1000000000
  # A full interval from the opening on, not from a claim whose start nobody can date.
  started=$(sed -n 's/^ts=\([^ ]*\) .*msg="batch started".*/\1/p' "$LOG" | tail -n 1)
  started=$(date -d "$started" +%s%6N)
  [ $((started - launched)) -ge 990000 ] || fail "only $((started - launched)) us after the start of the daemon"
}

storm() {
  INGESTD_SOCKET=$SOCKET python3 -S -E "$BATS_TEST_DIRNAME/../lib/storm.py" "$@"
}

nothing_waits() {
  [ "$(rpc '{"jsonrpc":"2.0","id":1,"method":"stats"}' |
    e2e json 'sum(l["ingestions"][s] for l in d["result"]["lanes"] for s in ("yet_to_start", "triggered"))')" = 0 ]
}

@test "killed at random moments under load: nothing lost, nothing doubled, never too fast" {
  local rounds=${KILL_ROUNDS:-25} seed=$RANDOM client

  daemon_flags --rate 1/4ms --settle 1ms --handler simulate:delay=2ms
  start_daemon
  echo "seed $seed"
  storm run "$DIR" "$seed" 3>&- &
  client=$!
  for ((i = 0; i < rounds; i++)); do
    sleep "0.$((RANDOM % 200 + 100))"
    kill_daemon
    start_daemon
  done
  touch "$DIR/stop"
  wait "$client"

  wait_until 60 nothing_waits || fail "work is left over"
  storm verify "$DIR"
  [ "$(wc -l <"$DIR/oracle")" -ge "$rounds" ]
  assert_spacing 4000000
  assert_no_attempt_twice
  stop_daemon
  check_store
}
