# Several nodes share one store: one rate, one order, and each batch is somebody's.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/postgres
load ../lib/nodes

export BATS_TEST_TIMEOUT=180

setup_file() {
  pg_start
}

teardown_file() {
  pg_stop immediate
}

setup() {
  nodes_setup
  RECORD=$DIR/record
  RECORDER=exec:$BUILD/tests/postgres/recorder
}

teardown() {
  nodes_teardown
}

# How many starts each node has had: "COUNT NAME" lines
shares() {
  node_starts | cut -d ' ' -f 5 | sort | uniq -c
}

# Submits batches through a, b and c in turn while nothing starts; what the model expects goes to
# $DIR/expected.
submit_all() {
  local last

  INGESTD_SOCKET=$(sockets_of a b c) e2e spread "$1" "$2" >"$DIR/loaded"
  last=$(wc -l <"$DIR/loaded")
  head -n $((last - 1)) "$DIR/loaded" >"$DIR/expected"
}

assert_expected_order() {
  node_starts | cut -d ' ' -f 2,3 >"$DIR/got"
  diff "$DIR/expected" "$DIR/got" >"$DIR/diff" || fail "another order:"$'\n'"$(head -n 20 "$DIR/diff")"
}

@test "three nodes: one rate, the order of one line, each batch once, and all have their share" {
  local batches n name seed=$RANDOM

  echo "seed $seed"
  node_flags --rate 1/50ms --settle 0s --handler "$RECORDER $RECORD" --poll 100ms
  for name in a b c; do
    start_node "$name"
  done
  on a pause
  submit_all "$seed" 500
  batches=$(wc -l <"$DIR/expected")
  on b resume
  wait_until 120 nothing_is_left_on c || fail "after 2 minutes $(node_starts | wc -l) of $batches have started"

  assert_nodes_spaced 50000000
  assert_expected_order
  [ "$(node_starts | awk '$4 != 1' | wc -l)" -eq 0 ] || fail "more than one attempt: $(node_starts | awk '$4 != 1')"
  [ "$(wc -l <"$RECORD")" -eq "$batches" ]
  [ "$(cut -d ' ' -f 3 "$RECORD" | sort -u | wc -l)" -eq "$batches" ]
  [ "$(on a stats --json | e2e json 'sum(l["batches"]["completed"] for l in d["lanes"])')" -eq "$batches" ]
  assert_records_spaced "$RECORD" 50000000
  shares | tr -s '\n ' ' ' | sed 's/^/shares:/; s/$/\n/' | tell_figures
  for name in a b c; do
    n=$(node_starts | grep -c " $name$")
    [ "$n" -ge $((batches / 10)) ] || fail "shares: $(shares)"
  done
  check_shared_store
}

@test "what comes within the settle time is ordered by priority, whichever node took it" {
  node_flags --rate 1/50ms --settle 2s --handler simulate:delay=1ms
  start_node a
  start_node b
  start_node c
  submit_all "$RANDOM" 30
  wait_until 30 nothing_is_left_on a
  assert_expected_order
  assert_nodes_spaced 50000000
}

@test "load from all sides: never too fast, nothing twice, nothing lost" {
  local client

  node_flags --rate 1/20ms --settle 0s --concurrency 4 --handler simulate:delay=30ms
  start_node a
  start_node b
  start_node c
  INGESTD_SOCKET=$(sockets_of a b c) storm run "$DIR" "$RANDOM" 3>&- &
  client=$!
  sleep 5 # of load
  touch "$DIR/stop"
  wait "$client"
  wait_until 60 nothing_is_left_on b || fail "work is left over"
  INGESTD_SOCKET=$DIR/c.sock storm verify "$DIR"
  assert_nodes_spaced 20000000
  assert_no_attempt_twice_on_nodes
}

@test "a node with another rate is refused while others live; with the same it joins" {
  node_flags --rate 1/50ms --handler simulate:delay=1ms
  start_node a
  launch_node b --rate 1/70ms
  expect_node_exit b 3
  grep -q 50ms "$DIR/b.log" && grep -q 70ms "$DIR/b.log" || fail "$(<"$DIR/b.log")"
  launch_node b --max-attempts 7
  expect_node_exit b 3
  start_node b
  [ "$(on a nodes --json | e2e json 'sorted((n["name"], n["alive"]) for n in d["nodes"])')" = \
    "[('a', True), ('b', True)]" ] || fail "$(on a nodes)"
  [ "$(on b nodes --json | e2e json '[n["name"] for n in d["nodes"] if n["asked"]]')" = "['b']" ]
  end_node a
  end_node b
  # Alone its options win.
  start_node c --rate 1/70ms
  [ "$(on c stats --json | e2e json 'd["dispatch"]["interval_ns"]')" = 70000000 ]
}

@test "a name that is in use is refused" {
  start_node a
  mkdir "$DIR/other"
  "$BUILD/ingestd" --socket "$DIR/other/sock" --store "$STORE_URL" --node-name a "${NODE_FLAGS[@]}" \
    >"$DIR/other/log" 2>&1 </dev/null 3>&- &
  NODES[x]=$!
  expect_node_exit x 3
  grep -q 'a node named "a" is connected .* already (--node-name)' "$DIR/other/log" || fail "$(<"$DIR/other/log")"
  node_answers a
}

@test "kill -9 of a node: its batch runs again elsewhere within the lease and an interval" {
  local id killed again

  node_flags --rate 1/50ms --settle 0s --lease 3s --handler "$RECORDER $RECORD $DIR/go"
  start_node a
  id=$(on a submit 1 2 3)
  wait_until 20 lines_are "$RECORD" 1
  start_node b
  start_node c
  kill_node a
  killed=$(boot_ns)
  wait_until 20 lines_are "$RECORD" 2 || fail "it does not run again"
  again=$(sed -n '2s/ .*//p' "$RECORD")
  echo "taken over after $(((again - killed) / 1000000)) ms" | tell_figures
  # The lease and an interval; a tenth of the lease until the others look, and 1.7 s for a loaded machine.
  [ $((again - killed)) -le 5050000000 ] || fail "after $((again - killed)) ns"
  # Nobody ends the handler of a node whose machine may be another one: there are two now.
  [ "$(tail -n 1 "$RECORD" | cut -d ' ' -f 4)" = 2 ]
  touch "$DIR/go"
  wait_status_on b "$id" completed
  [ "$(on b status --json "$id" | e2e json '[(b["status"], b["attempts"]) for b in d["batches"]]')" = \
    "[('completed', 2)]" ]
  [ "$(on c nodes --json | e2e json 'sorted((n["name"], n["alive"]) for n in d["nodes"])')" = \
    "[('a', False), ('b', True), ('c', True)]" ]
  assert_nodes_spaced 50000000
  check_shared_store
}

@test "a node that is killed and comes back ends what it had started, and runs it again at once" {
  local id began

  node_flags --rate 1/50ms --settle 0s --lease 1h --handler "$RECORDER $RECORD $DIR/go"
  start_node a
  start_node b
  on b pause
  id=$(on a submit 1 2 3)
  # b has something to do, and is killed for good: a has to get the batch.
  kill_node b
  on a resume
  wait_until 20 lines_are "$RECORD" 1
  kill_node a
  began=$(boot_ns)
  start_node a
  wait_until 10 lines_are "$RECORD" 2 || fail "it does not run again: $(<"$DIR/a.log")"
  recorders_are "$RECORD" 1 || fail "the old handler still runs"
  echo "taken up after $((($(sed -n '2s/ .*//p' "$RECORD") - began) / 1000000)) ms" | tell_figures
  touch "$DIR/go"
  wait_status_on a "$id" completed 10
  [ "$(on a status --json "$id" | e2e json '[b["attempts"] for b in d["batches"]]')" = '[2]' ]
  check_shared_store
}

@test "cancel through one node ends what runs on another" {
  local id

  node_flags --rate 1/50ms --settle 0s --handler "$RECORDER $RECORD $DIR/never"
  start_node b
  id=$(on b submit 1 2 3)
  wait_until 20 lines_are "$RECORD" 1
  start_node a
  on a cancel "$id" || [ $? -eq 1 ]
  wait_status_on a "$id" cancelled 10
  wait_status_on b "$id" cancelled 10
  recorders_are "$RECORD" 0
}

@test "who waits at one node hears within a second what ends at another" {
  local id ended waiter

  node_flags --rate 1/50ms --settle 0s --lease 30s --handler "$RECORDER $RECORD $DIR/go"
  start_node b
  id=$(on b submit 1 2 3)
  wait_until 20 lines_are "$RECORD" 1
  start_node a
  (on a wait "$id" >"$DIR/waited" && boot_ns >>"$DIR/waited") 3>&- &
  waiter=$!
  # The end of what a client sends would end the wait.
  (
    printf '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"%s",' "$id"
    echo '"wait_ms":20000,"until":"final"}}'
    wait_until 20 test -e "$DIR/heard"
  ) 3>&- | nc -U "$DIR/a.sock" >"$DIR/polled" 3>&- &
  sleep 1.5 # so that both wait
  kill -0 "$waiter"
  ended=$(boot_ns)
  touch "$DIR/go"
  wait "$waiter"
  wait_until 5 test -s "$DIR/polled"
  touch "$DIR/heard"
  [ "$(e2e json 'd["result"]["status"]' <"$DIR/polled")" = completed ]
  [ "$(head -n 1 "$DIR/waited")" = "$id completed" ]
  echo "heard of after $((($(tail -n 1 "$DIR/waited") - ended) / 1000000)) ms" | tell_figures
  # A sign of life comes every second; four more are for starting programs on a loaded machine.
  [ $(($(tail -n 1 "$DIR/waited") - ended)) -le 5000000000 ]
}

@test "a drain through one node waits for what runs on another" {
  local id next drainer

  node_flags --rate 1/50ms --settle 0s --handler "$RECORDER $RECORD $DIR/go"
  start_node b
  id=$(on b submit 1 2 3)
  wait_until 20 lines_are "$RECORD" 1
  start_node a
  on a drain --wait --timeout 20s 3>&- &
  drainer=$!
  drains() { [ "$(on b stats --json | e2e json 'd["dispatch"]["pause"]')" = draining ]; }
  wait_until 10 drains || fail "$(on b stats --json)"
  next=$(on b submit 4 5 6)
  sleep 1 # several signs of life and twenty intervals
  kill -0 "$drainer" || fail "it did not wait"
  touch "$DIR/go"
  wait "$drainer"
  [ "$(wc -l <"$RECORD")" -eq 1 ]
  [ "$(status_on a "$id") $(status_on a "$next")" = 'completed yet_to_start' ]
  on b resume
  wait_status_on a "$next" completed
}

@test "pause through one node stops all; resume through another goes on" {
  local id before

  node_flags --rate 1/50ms --settle 0s --handler simulate:delay=1ms --poll 100ms
  start_node a
  start_node b
  id=$(on b submit 1-600)
  wait_until 20 node_starts_are 5
  on a pause
  sleep 0.3 # what was claimed before
  before=$(node_starts | wc -l)
  sleep 0.5 # several intervals
  [ "$(node_starts | wc -l)" -eq "$before" ]
  on b resume
  wait_until 20 node_starts_are $((before + 5))
  on b cancel "$id" || [ $? -eq 1 ]
}

@test "the same key through several nodes is one ingestion" {
  local name n id clients=()

  node_flags --rate 1/1h
  for name in a b c; do
    start_node "$name"
  done
  id=$(on a submit --key mine 1 2 3)
  [ "$(on b submit --key mine 1 2 3)" = "$id" ]
  refuses 4 -- on c submit --key mine 4 5 6
  # All at once.
  for n in {1..10}; do
    for name in a b c; do
      on "$name" submit --key "k$((n % 2))" 7 8 9 >"$DIR/$name.$n.id" 3>&- &
      clients+=($!)
    done
  done
  wait "${clients[@]}"
  [ "$(cat "$DIR"/?.*.id | wc -l)" -eq 30 ]
  [ "$(cat "$DIR"/?.*.id | sort -u | wc -l)" -eq 2 ]
  [ "$(on c list --all --json | wc -l)" -eq 3 ]
}

@test "an upload in parts through different nodes" {
  local id part=0 name

  node_flags --rate 1/20ms --settle 0s --handler simulate:delay=1ms
  for name in a b c; do
    start_node "$name"
  done
  id=$(rpc_on a '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"open":true,"priority":"HIGH"}}' |
    e2e json 'd["result"]["ingestion_id"]')
  for name in b c a b; do
    rpc_on "$name" '{"jsonrpc":"2.0","id":1,"method":"append","params":{"ingestion_id":"'"$id"'","offset":'$((part * 3))',"ids":['$((part * 3 + 1)),$((part * 3 + 2)),$((part * 3 + 3))']}}' |
      e2e json 'd["result"]'
    part=$((part + 1))
  done
  rpc_on c '{"jsonrpc":"2.0","id":1,"method":"seal","params":{"ingestion_id":"'"$id"'","id_count":12}}' |
    e2e json 'd["result"]'
  wait_status_on b "$id" completed
  [ "$(on a status --json "$id" | e2e json 'sum((b["ids"] for b in d["batches"]), [])')" = \
    '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]' ]
}

@test "a rate that is set through one node holds for all" {
  node_flags --rate 1/1h --settle 0s --handler simulate:delay=1ms --poll 100ms
  start_node a
  start_node b
  on a rate 1/40ms
  on a submit 1-60
  wait_until 20 nothing_is_left_on b
  assert_nodes_spaced 40000000
  [ "$(on b stats --json | e2e json 'd["dispatch"]["interval_ns"]')" = 40000000 ]
}

@test "a node that was frozen for longer than its lease does no harm" {
  local id

  node_flags --rate 1/50ms --settle 0s --lease 3s --handler simulate:delay=1ms
  start_node a
  start_node b
  id=$(on b submit 1-900)
  wait_until 20 node_starts_are 3
  kill -STOP "${NODES[a]}"
  sleep 5 # the lease, and more
  kill -CONT "${NODES[a]}"
  wait_status_on b "$id" completed 60
  await_node a
  assert_nodes_spaced 50000000
  check_shared_store
}

# Node a has a batch and stands still for longer than its lease; b has the batch then.
freeze_with_batch() {
  node_flags --rate 1/50ms --settle 0s --lease 3s
  start_node a --handler "$RECORDER $RECORD $DIR/go.a"
  ID=$(on a submit 1 2 3)
  wait_until 20 lines_are "$RECORD" 1
  start_node b --handler "$RECORDER $RECORD $DIR/go.b"
  kill -STOP "${NODES[a]}"
  wait_until 20 lines_are "$RECORD" 2 || fail "nobody takes over"
}

finish_on_b() {
  touch "$DIR/go.b"
  wait_status_on b "$ID" completed
  [ "$(on a status --json "$ID" | e2e json '[(b["status"], b["attempts"]) for b in d["batches"]]')" = \
    "[('completed', 2)]" ]
  [ "$(wc -l <"$RECORD")" -eq 2 ]
  grep -q 'msg="the batch is not ours any more"' "$DIR/a.log" || fail "$(<"$DIR/a.log")"
  assert_nodes_spaced 50000000
  check_shared_store
}

@test "a node that was frozen for longer than its lease ends its handlers when it goes on" {
  freeze_with_batch
  recorders_are "$RECORD" 2
  kill -CONT "${NODES[a]}"
  wait_until 5 recorders_are "$RECORD" 1 || fail "the handler of a goes on"
  wait_until 5 node_answers a
  finish_on_b
}

@test "what a handler did while its node was frozen for longer than its lease does not count" {
  freeze_with_batch
  touch "$DIR/go.a"
  kill -CONT "${NODES[a]}"
  wait_until 5 recorders_are "$RECORD" 1
  wait_until 5 grep -q 'msg="the batch is not ours any more"' "$DIR/a.log"
  [ "$(status_on b "$ID")" = triggered ]
  finish_on_b
}

@test "a database that has no search path is as good as any" {
  node_flags --rate 1/50ms --settle 0s
  STORE_URL+='&options=-csearch_path%3D'
  start_node a
  wait_status_on a "$(on a submit 1)" completed
}
