# The database goes away under the nodes, and comes back.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/postgres
load ../lib/nodes

export BATS_TEST_TIMEOUT=180

# What was acknowledged has to be there after a crash, so with fsync.
setup_file() {
  pg_start fsync=on
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

# Whether the node says that it has no database, and when to try again.
answers_busy() {
  local reply

  reply=$(rpc_on "$1" '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[1],"priority":"LOW"}}')
  [[ $reply == *'"code":"busy"'*'"retry_after_ms":'* ]]
}

# Sends from the background what storm.py sends; its pid is in CLIENT.
start_storm() {
  INGESTD_SOCKET=$(sockets_of "$@") storm run "$DIR" "$RANDOM" 3>&- &
  CLIENT=$!
}

# Ends it, lets the nodes finish, and checks that all of it is there once.
end_storm() {
  touch "$DIR/stop"
  wait "$CLIENT"
  wait_until 90 nothing_is_left_on a || fail "work is left over"
  INGESTD_SOCKET=$DIR/a.sock storm verify "$DIR"
}

@test "the server is killed: busy, nothing starts, what runs goes on and is recorded" {
  local id before

  node_flags --rate 1/50ms --settle 0s --lease 60s --concurrency 1 --handler "$RECORDER $RECORD $DIR/go"
  start_node a
  id=$(on a submit 1-6)
  wait_until 20 test -s "$RECORD"
  pg_kill
  wait_until 10 answers_busy a || fail "it does not say busy"
  refuses 5 -- on a submit 1
  touch "$DIR/go"
  sleep 0.5 # ten intervals in which something waits and nothing runs
  before=$(wc -l <"$RECORD")
  [ "$before" -eq 1 ] || fail "$(<"$RECORD")"
  node_answers a
  pg_restart
  wait_status_on a "$id" completed 30
  # Its outcome was not lost: it ran once.
  [ "$(wc -l <"$RECORD")" -eq 2 ] || fail "$(<"$RECORD")"
  [ "$(on a status --json "$id" | e2e json '[b["attempts"] for b in d["batches"]]')" = '[1, 1]' ]
  [ "$(grep -c 'msg="batch completed"' "$DIR/a.log")" -eq 2 ]
  check_shared_store
}

@test "the server is killed again and again under load: what was acknowledged ends once" {
  local round

  node_flags --rate 1/10ms --settle 0s --lease 60s --concurrency 4 --handler simulate:delay=5ms --poll 100ms
  start_node a
  start_node b
  start_storm a b
  for ((round = 0; round < ${LOST_ROUNDS:-5}; round++)); do
    sleep "1.$((RANDOM % 900 + 100))"
    pg_kill
    sleep "0.$((RANDOM % 400 + 100))"
    pg_restart
  done
  sleep 1
  end_storm
  [ "$(wc -l <"$DIR/oracle")" -ge 20 ]
  assert_nodes_spaced 10000000
  assert_no_attempt_twice_on_nodes
  end_node b
  end_node a
  check_shared_store
}

@test "all connections are ended again and again under load: nothing is lost" {
  local round

  node_flags --rate 1/10ms --settle 0s --lease 60s --concurrency 4 --handler simulate:delay=5ms --poll 100ms
  start_node a
  start_node b
  start_node c
  start_storm a b c
  for ((round = 0; round < ${LOST_ROUNDS:-10}; round++)); do
    sleep "0.$((RANDOM % 700 + 100))"
    pg_disconnect_all >/dev/null
  done
  end_storm
  [ "$(wc -l <"$DIR/oracle")" -ge 20 ]
  assert_nodes_spaced 10000000
  assert_no_attempt_twice_on_nodes
  check_shared_store
}

@test "a server that stands still: busy within seconds, and it goes on" {
  local id before began

  node_flags --rate 1/50ms --settle 0s --lease 60s --handler simulate:delay=1ms
  start_node a
  id=$(on a submit 1-600)
  wait_until 20 node_starts_are 3
  pg_freeze
  began=$SECONDS
  wait_until 40 answers_busy a || fail "it does not say busy"
  [ $((SECONDS - began)) -le 25 ] || fail "after $((SECONDS - began)) s"
  node_answers a
  before=$(node_starts | wc -l)
  sleep 0.5 # ten intervals
  [ "$(node_starts | wc -l)" -eq "$before" ]
  pg_thaw
  wait_status_on a "$id" completed 60
  assert_nodes_spaced 50000000
  assert_no_attempt_twice_on_nodes
}

@test "a node that starts without a server says so and ends; one that lost it waits for it" {
  node_flags --rate 1/50ms --settle 0s --handler simulate:delay=1ms
  start_node a
  pg_halt immediate
  launch_node b
  wait_until 40 node_is_gone b || fail "node b goes on without a store"
  wait "${NODES[b]}" || true
  unset 'NODES[b]'
  pg_restart
  wait_status_on a "$(until on a submit 1 2>/dev/null; do sleep 0.1; done)" completed
}

@test "the server is away for longer than the lease: the handlers are ended before, then all goes on" {
  local id

  node_flags --rate 1/50ms --settle 0s --lease 3s --exec-grace 100ms --handler "$RECORDER $RECORD $DIR/go"
  start_node a
  id=$(on a submit 1 2 3)
  wait_until 20 test -s "$RECORD"
  pg_kill
  no_recorder() { ! pgrep -f "^[^ ]*recorder $RECORD" >/dev/null; }
  wait_until 4 no_recorder || fail "the handler outlives the lease"
  touch "$DIR/go"
  pg_restart
  wait_status_on a "$id" completed 30
}

@test "a node whose join is lost ends as one that is worth another start" {
  node_flags --rate 1/50ms --settle 0s
  start_node a
  # Its session ends while the server is about to commit.
  pg_sql "CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
      PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(1); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER die AFTER INSERT ON ingestd.node DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION public.die()" "$STORE_URL"
  launch_node b
  expect_node_exit b 1
  pg_sql "DROP TRIGGER die ON ingestd.node" "$STORE_URL"
  start_node b
}
