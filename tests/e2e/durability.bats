# What was acknowledged is there, whatever comes.

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

@test "a restart in order keeps everything: queue, places, labels, outcomes, times" {
  local completed failed waiting id

  daemon_flags --rate 1/150ms --handler simulate:delay=10ms,fail=666
  start_daemon
  completed=$(ctl submit --priority LOW --label first 1 2 3 4)
  failed=$(ctl submit --priority LOW 666)
  wait_status "$completed" completed
  wait_status "$failed" failed
  stop_daemon
  start_daemon --settle 10m
  waiting=$(ctl submit --priority HIGH --label "the rest" 9007199254740993 9223372036854775807 5 7)
  for id in "$completed" "$failed" "$waiting"; do
    ctl status --json "$id"
  done >"$DIR/before"
  stop_daemon

  # A backlog does not wait for the settle time, so a rate keeps it where it is.
  start_daemon --rate 1/1h
  for id in "$completed" "$failed" "$waiting"; do
    ctl status --json "$id"
  done >"$DIR/after"
  diff "$DIR/before" "$DIR/after"
  [ "$(ctl submit --json 1 | e2e json 'd["seq"]')" -eq 4 ]
  stop_daemon
  start_daemon
  wait_status "$waiting" completed
  [[ $(ctl status --json "$waiting") == *'[9007199254740993,9223372036854775807,5]'*'[7]'* ]]
}

@test "a submission is there after a kill that follows its acknowledgement at once" {
  local id n

  for n in 1 2 3 4 5; do
    start_daemon --settle 10m --rate 1/1h
    id=$(ctl submit "$n")
    kill_daemon
    echo "$id" >>"$DIR/ids"
  done
  start_daemon
  wait_all_completed "$DIR/ids"
  [ "$(ctl status --json "$id" | e2e json 'd["seq"], d["batches"][0]["ids"]')" = "(5, [5])" ]
}

@test "order and numbers go on over restarts" {
  local a b c

  start_daemon --settle 10m
  a=$(ctl submit 1)
  stop_daemon
  start_daemon --settle 10m --rate 1/1h
  # The interval counts from the start of `a`, so nothing more starts now.
  wait_status "$a" completed
  b=$(ctl submit --priority LOW 2)
  kill_daemon
  start_daemon --rate 1/1h
  c=$(ctl submit --priority HIGH 3)
  stop_daemon
  start_daemon
  wait_status "$b" completed
  assert_order "$a 0" "$c 0" "$b 0"
}

@test "the rate holds over restarts in order, and a new one counts from the last start" {
  local id

  start_daemon --rate 1/600ms --settle 0
  id=$(ctl submit 1-9)
  wait_starts 1
  stop_daemon
  start_daemon --rate 1/600ms
  wait_starts 2
  stop_daemon
  start_daemon --rate 1/600ms
  wait_status "$id" completed
  assert_spacing 600000000
}

@test "a long list keeps every id and its place over a kill" {
  local id

  seq 1000000 7 1350000 >"$DIR/ids"
  start_daemon --batch-size 5000 --rate 1/200ms --settle 0
  id=$(ctl submit -f "$DIR/ids")
  wait_starts 3
  kill_daemon
  start_daemon --rate 1/50ms
  wait_status "$id" completed
  ctl status --all --json "$id" | grep -oE '"ids":\[[0-9,]*\]' | tr -dc '0-9,\n' | tr ',' '\n' >"$DIR/seen"
  cmp "$DIR/ids" "$DIR/seen"
}

@test "the answer to a submission waits for the commit" {
  local id waiting

  export SLOWSYNC_HOLD=$DIR/hold
  slow_daemon --settle 10m
  await_daemon
  touch "$SLOWSYNC_HOLD"
  ctl submit 1 >"$DIR/id" 2>/dev/null 3>&- &
  waiting=$!
  sleep 0.5
  [ ! -s "$DIR/id" ] || fail "acknowledged before it was durable"
  kill_daemon
  wait "$waiting" && fail "acknowledged by a dead daemon"
  [ ! -s "$DIR/id" ]
}
