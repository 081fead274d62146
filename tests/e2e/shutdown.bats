# The orderly end.

# shellcheck disable=SC2030,SC2031 # each test is a subshell, so its variables do not get out

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# A daemon with a batch that runs for so long, and one that waits behind it.
running_batch() {
  start_daemon --settle 0 --handler "simulate:delay=$1" "${@:2}"
  id=$(ctl submit 1 2 3 4)
  wait_starts 1
}

# The running batch has ended, the waiting one has not started; afterwards that one runs.
ended_in_order() {
  [ ! -e "$SOCKET" ] || fail "the socket file is still there"
  log_has 'msg="batch completed"' && log_has msg=stopped
  [ "$(starts | wc -l)" -eq 1 ]
  start_daemon
  [ "$(ctl status --json "$id" | e2e json 'd["batches"][0]["status"]')" = completed ]
  wait_status "$id" completed
  assert_order "$id 0" "$id 1"
  assert_spacing 100000000
}

@test "TERM: the running batch ends, nothing else starts, exit status 0" {
  running_batch 1s
  stop_daemon
  ended_in_order
}

@test "INT does the same" {
  running_batch 1s
  stop_daemon INT
  ended_in_order
}

@test "a daemon with nothing to do ends at once" {
  start_daemon
  begin=${EPOCHREALTIME/./}
  stop_daemon
  [ $((${EPOCHREALTIME/./} - begin)) -lt 3000000 ] # the grace is 10 s
}

@test "a batch that waits for its slot does not hold up the end" {
  start_daemon --rate 1/1h --settle 0
  id=$(ctl submit 1 2 3 4)
  wait_log 'msg="batch completed"'
  stop_daemon
  start_daemon --rate 1/1h
  [ "$(ctl status --json "$id" | e2e json '[b["status"] for b in d["batches"]]')" = "['completed', 'yet_to_start']" ]
}

# The running batch was cut, which is no fault of its own: its attempt is made again, before the one that
# waits.
was_interrupted() {
  log_has 'msg="batch interrupted"' && log_has msg=stopped
  [ ! -e "$SOCKET" ] || fail "the socket file is still there"
  start_daemon
  wait_status "$id" completed
  [ "$(starts | cut -d ' ' -f 2,3)" = $'0 1\n0 1\n1 1' ] || fail "$(starts)"
  assert_spacing 100000000
}

@test "--shutdown-grace 0: the batch is interrupted, and runs again after a restart" {
  running_batch 1h --shutdown-grace 0
  stop_daemon
  was_interrupted
}

@test "the grace time ends, too" {
  running_batch 1h --shutdown-grace 700ms
  begin=${EPOCHREALTIME/./}
  stop_daemon
  [ $((${EPOCHREALTIME/./} - begin)) -ge 700000 ]
  was_interrupted
}

@test "a second TERM means now" {
  running_batch 1h --shutdown-grace 1h
  kill "$DAEMON"
  wait_log msg=stopping
  sleep 0.3
  ! daemon_is_gone || fail "the first TERM did not wait for the batch"
  kill "$DAEMON"
  expect_exit 0
  was_interrupted
}

@test "an ingestion whose batch was interrupted is triggered, the batch retrying" {
  running_batch 1h --shutdown-grace 0
  stop_daemon
  # A slow rate, so that there is time to look before the interval is over.
  start_daemon --rate 1/1h
  [ "$(ctl status --json "$id" | e2e json 'd["status"], [b["status"] for b in d["batches"]], "attempts" in d["batches"][0]')" = \
    "('triggered', ['retrying', 'yet_to_start'], False)" ]
}

@test "while it ends: submissions are refused as draining, questions are answered" {
  running_batch 2s
  open_bystander
  kill "$DAEMON"
  wait_log msg=stopping
  refuses_line draining '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[1],"priority":"HIGH"}}' "shutting down"
  refuses 5 "shutting down" -- ctl submit 1
  bystander_works
  has_status "$id" triggered
  expect_exit 0
  refuses 3 "$SOCKET" -- ctl submit 1
}

@test "whoever waits for a commit at the end gets the answer" {
  local waiting

  export SLOWSYNC_HOLD=$DIR/hold
  slow_daemon --settle 10m
  await_daemon
  touch "$SLOWSYNC_HOLD"
  ctl submit 1 >"$DIR/id" 2>"$DIR/err" 3>&- &
  waiting=$!
  sleep 0.3
  kill "$DAEMON"
  wait_log msg=stopping
  sleep 0.2
  rm "$SLOWSYNC_HOLD"
  wait "$waiting" || fail "no answer: $(<"$DIR/err")"
  expect_exit 0
  start_daemon
  wait_status "$(<"$DIR/id")" completed
}

@test "connections that stay open do not hold up the end" {
  start_daemon
  open_bystander
  begin=${EPOCHREALTIME/./}
  stop_daemon
  [ $((${EPOCHREALTIME/./} - begin)) -lt 5000000 ]
}

@test "however often and late TERM comes, the end stays an orderly one" {
  for _ in 1 2 3 4 5; do
    start_daemon
    # Without a pause, so that some hit a daemon that is past its loop, up to its last instruction.
    while kill "$DAEMON" 2>/dev/null; do
      :
    done
    expect_exit 0
  done
}
