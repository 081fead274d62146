# Who gets the next slot, and never too early.

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

@test "a later HIGH overtakes the remaining batches of an earlier MEDIUM" {
  local medium high

  start_daemon --rate 1/700ms --settle 0
  medium=$(ctl submit --priority MEDIUM 1 2 3 4 5)
  wait_starts 1
  high=$(ctl submit --priority HIGH 6 7 8 9)
  wait_status "$high" completed
  wait_status "$medium" completed
  assert_order "$medium 0" "$high 0" "$high 1" "$medium 1"
  assert_spacing 700000000
  [ "$(ctl status --json "$medium" | e2e json '[b["ids"] for b in d["batches"]]')" = '[[1, 2, 3], [4, 5]]' ]
  [ "$(ctl status --json "$high" | e2e json '[b["ids"] for b in d["batches"]]')" = '[[6, 7, 8], [9]]' ]
}

@test "what comes within the settle time is ordered by priority" {
  local low medium high

  start_daemon --settle 2s
  low=$(ctl submit --priority LOW 10)
  medium=$(ctl submit --priority MEDIUM 1 2 3 4 5)
  high=$(ctl submit --priority HIGH 6 7 8 9)
  wait_status "$low" completed
  assert_order "$high 0" "$high 1" "$medium 0" "$medium 1" "$low 0"
  assert_spacing 100000000
}

@test "equal priorities: first come, first served" {
  local first second third

  start_daemon --settle 2s
  first=$(ctl submit 1 2 3 4)
  second=$(ctl submit 5)
  third=$(ctl submit 6 7 8 9)
  wait_status "$third" completed
  assert_order "$first 0" "$first 1" "$second 0" "$third 0" "$third 1"
}

@test "an idle time earns nothing: no burst afterwards" {
  local id

  start_daemon --rate 1/300ms --settle 0
  id=$(ctl submit 1)
  wait_status "$id" completed
  sleep 1 # three intervals in which nothing waits
  id=$(ctl submit 1-9)
  wait_status "$id" completed
  assert_spacing 300000000
}

# Runs the random load on the daemon that was launched, and compares its starts with the model's.
compare_with_model() {
  local seed=${SEED:-$RANDOM} model accepted first

  echo "SEED=$seed"
  await_daemon
  INGESTD_SOCKET=$SOCKET e2e load "$seed" 200 >"$DIR/model"
  accepted=$(tail -n 1 "$DIR/model")
  sed -i '$d' "$DIR/model"
  model=$(wc -l <"$DIR/model")
  [ "$model" -ge 200 ]
  wait_until 50 log_has 'msg="batch completed"' "$model" || fail "not all batches have ended"
  first=$(starts | sed -n '1s/.* //p')
  [ "$accepted" -lt "$first" ] || fail "this machine is too slow to submit all within the settle time"
  starts | cut -d ' ' -f 1,2 | diff "$DIR/model" - || fail "the starts (right) are not the model's (left)"
  assert_spacing 50000000
}

@test "over 200 batches with random priorities start in the order of the model" {
  launch_daemon --rate 1/50ms --settle 2s --handler simulate:delay=1ms
  compare_with_model
}

@test "the same while commits are slow and uneven" {
  SLOWSYNC_MAX_MS=30 SLOWSYNC_SEED=7 \
    slow_daemon --rate 1/50ms --settle 2s --handler simulate:delay=1ms
  compare_with_model
  [ "$STORE_KIND" = postgres ] || grep -q '^slowsync: ' "$LOG" || fail "the commits were not slow"
}
