# What the options do that decide about batches, slots and submissions.

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# Milliseconds from one time stamp of a status document to another: between FROM TO <JSON, as Python
# expressions on d. These stamps are UTC, which may be slewed: bounds on them leave one percent.
between() {
  e2e json "(lambda t: int((t($2) - t($1)).total_seconds() * 1000))(__import__('datetime').datetime.fromisoformat)"
}

# ---- settle ----

@test "--settle: an idle daemon waits that long before its first slot" {
  local id

  start_daemon --settle 700ms
  id=$(ctl submit 1)
  wait_status "$id" completed
  [ "$(ctl status --json "$id" | between 'd["created_at"]' 'd["started_at"]')" -ge 693 ]
  # It is idle again, so it waits again.
  id=$(ctl submit 1)
  wait_status "$id" completed
  [ "$(ctl status --json "$id" | between 'd["created_at"]' 'd["started_at"]')" -ge 693 ]
}

@test "--settle: later arrivals do not extend the wait" {
  local first second

  start_daemon --settle 3s
  first=$(ctl submit 1)
  sleep 1.5
  second=$(ctl submit --priority HIGH 2)
  wait_status "$first" completed
  [ "$(ctl status --json "$second" | between 'd["created_at"]' 'd["started_at"]')" -lt 3000 ]
  [ "$(ctl status --json "$second" | between 'd["created_at"]' 'd["started_at"]')" -ge 990 ]
}

@test "--settle: what waits already when the daemon starts is not delayed" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit 1)
  stop_daemon
  start_daemon --settle 10m
  wait_status "$id" completed
}

@test "--settle auto: a tenth of the interval, at most 300ms" {
  start_daemon --rate 1/2s
  log_has settle=200ms
  stop_daemon
  start_daemon --rate 1/5s
  log_has settle=300ms
  stop_daemon
  start_daemon --rate 1/1h
  log_has settle=300ms 2
}

# ---- pack ----

@test "--pack: a slot takes further whole batches while their ids fit" {
  local medium high at

  start_daemon --pack --rate 1/700ms --settle 0
  medium=$(ctl submit --priority MEDIUM 1 2 3 4 5)
  wait_starts 1
  high=$(ctl submit --priority HIGH 6 7 8 9)
  wait_status "$medium" completed
  wait_status "$high" completed
  assert_order "$medium 0" "$high 0" "$high 1" "$medium 1"
  mapfile -t at < <(starts | cut -d ' ' -f 4)
  [ $((at[1] - at[0])) -ge 700000000 ]
  [ $((at[2] - at[1])) -ge 700000000 ]
  [ $((at[3] - at[2])) -lt 350000000 ] || fail "[9] and [4 5] did not share a slot"
}

@test "--pack: the slot after a packed one keeps its distance from the last start in it" {
  local id at

  start_daemon --pack --rate 1/500ms --settle 1s
  ctl submit 1
  ctl submit 2
  ctl submit 3
  id=$(ctl submit 4)
  wait_status "$id" completed
  mapfile -t at < <(starts | cut -d ' ' -f 4)
  [ ${#at[@]} -eq 4 ]
  [ $((at[2] - at[0])) -lt 250000000 ] || fail "1, 2 and 3 did not share a slot"
  [ $((at[3] - at[2])) -ge 500000000 ] || fail "more than a batch size in one slot, or too early"
}

@test "--pack: the next in the order is never overtaken by a smaller one" {
  local a b c at

  start_daemon --pack --rate 1/500ms --settle 1s
  a=$(ctl submit 1 2)
  b=$(ctl submit 3 4)
  c=$(ctl submit 5)
  wait_status "$c" completed
  assert_order "$a 0" "$b 0" "$c 0"
  mapfile -t at < <(starts | cut -d ' ' -f 4)
  [ $((at[1] - at[0])) -ge 500000000 ]
  [ $((at[2] - at[1])) -lt 250000000 ]
}

@test "--pack: packed batches that a kill interrupts all run again" {
  start_daemon --pack --settle 500ms --handler simulate:delay=10s
  ctl submit 1 >"$DIR/acknowledged"
  ctl submit 2 >>"$DIR/acknowledged"
  wait_starts 2
  kill_daemon
  start_daemon --pack
  wait_all_completed "$DIR/acknowledged"
  [ "$(starts | cut -d ' ' -f 3 | tr '\n' ' ')" = "1 1 2 2 " ]
}

@test "without --pack every batch takes a slot" {
  local a b

  start_daemon --rate 1/300ms --settle 500ms
  a=$(ctl submit 1)
  b=$(ctl submit 2)
  wait_status "$b" completed
  assert_order "$a 0" "$b 0"
  assert_spacing 300000000
}

# ---- max-id ----

@test "--max-id: larger ids are refused, by name and with the limit" {
  start_daemon --max-id 1000 --settle 10m
  ctl submit 1000
  refuses 2 'ids[1]' 1001 'from 1 to 1000' -- ctl submit 1000 1001
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[5,"1001"],"priority":"LOW"}}' \
    'ids[1]' 'from 1 to 1000'
  [[ $(rpc '{"jsonrpc":"2.0","id":1,"method":"hello"}') == *'"max_id":1000,'* ]]
}

# ---- batch-size ----

@test "--batch-size cuts new ingestions; those that are there keep their batches" {
  local old new

  start_daemon --batch-size 2 --settle 10m
  old=$(ctl submit 1 2 3 4 5)
  stop_daemon
  start_daemon --batch-size 4
  new=$(ctl submit 1 2 3 4 5)
  wait_status "$old" completed
  wait_status "$new" completed
  [ "$(ctl status --json "$old" | e2e json 'd["batch_size"], [b["ids"] for b in d["batches"]]')" = \
    '(2, [[1, 2], [3, 4], [5]])' ]
  [ "$(ctl status --json "$new" | e2e json 'd["batch_size"], [b["ids"] for b in d["batches"]]')" = \
    '(4, [[1, 2, 3, 4], [5]])' ]
}

@test "--batch-size 1: one id per slot" {
  local id

  start_daemon --batch-size 1
  id=$(ctl submit 7 8 9)
  wait_status "$id" completed
  assert_order "$id 0" "$id 1" "$id 2"
  assert_spacing 100000000
}

# ---- concurrency ----

# The most batches that ran at the same time, by the log.
most_at_once() {
  awk '/msg="batch started"/ { if (++n > most) most = n }
    /msg="batch (completed|failed|interrupted)"/ { n-- }
    END { print most + 0 }' "$LOG"
}

@test "--concurrency 1, the default: no two batches run at once, however high the rate" {
  start_daemon --rate 1/20ms --handler simulate:delay=150ms
  ctl submit --wait 1-12
  [ "$(most_at_once)" -eq 1 ]
  [ "$(starts | wc -l)" -eq 4 ]
}

@test "--concurrency 3: three slots run side by side, never more; the rate still holds" {
  start_daemon --rate 1/20ms --concurrency 3 --handler simulate:delay=500ms
  ctl submit --wait 1-24
  [ "$(most_at_once)" -eq 3 ]
  assert_spacing 20000000
}

@test "--concurrency counts slots: a packed one takes one place" {
  start_daemon --pack --rate 1/20ms --settle 500ms --concurrency 1 --handler simulate:delay=200ms
  ctl submit 1
  ctl submit 2
  ctl submit --wait 3
  [ "$(most_at_once)" -eq 3 ]
}

# ---- default-priority ----

@test "--default-priority: without it a submission must have a priority" {
  local line='{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[1]}}' id

  start_daemon --settle 10m
  refuses_line invalid "$line" priority "HIGH, MEDIUM or LOW"
  stop_daemon
  start_daemon --settle 10m --default-priority LOW
  id=$(rpc "$line" | e2e json 'd["result"]["ingestion_id"]')
  [[ $(ctl status --json "$id") == *'"priority":"LOW"'* ]]
  # The client always sends one.
  [[ $(ctl status --json "$(ctl submit 1)") == *'"priority":"MEDIUM"'* ]]
}

# ---- min-free ----

@test "--min-free: too little space refuses submissions, while outcomes are still recorded" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit 1 2 3 4 5)
  stop_daemon
  start_daemon --min-free 4000000000g
  refuses 5 free -- ctl submit 6
  refuses_line disk_low '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[6],"priority":"HIGH"}}'
  wait_status "$id" completed
  stop_daemon
  start_daemon
  ctl submit --wait 6
}

# ---- the handler ----

@test "--handler simulate: all ids of a batch side by side, and the named ids fail" {
  local id

  start_daemon --handler simulate:delay=300ms,fail=2,5 --batch-size 10
  id=$(ctl submit 1-10)
  wait_status "$id" failed
  # Ten calls of 300 ms in a row would take 3 s. A simulated delay is no promise to the millisecond.
  [ "$(ctl status --json "$id" | between 'd["started_at"]' 'd["finished_at"]')" -ge 250 ]
  [ "$(ctl status --json "$id" | between 'd["started_at"]' 'd["finished_at"]')" -lt 2500 ]
}

# ---- message size ----

@test "--max-message-bytes: the client learns it, and the daemon keeps it" {
  local id

  start_daemon --max-message-bytes 1k --settle 10m
  ctl submit 1-100
  # The client sends what does not fit in parts.
  id=$(ctl submit --quiet 1-1000)
  [ "$(ctl status --json "$id" | e2e json 'sum(len(b["ids"]) for b in d["batches"])')" = 1000 ]
  refuses_line too_large "$(printf '%01025d' 0)" 1024 max-message-bytes
}
