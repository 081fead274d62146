# Several daemons on one store, on top of daemon.bash and postgres.bash. Each has a letter for a name: its
# socket is $DIR/NAME.sock, its log $DIR/NAME.log, its pid is in NODES. A file begins with
#
#   load ../lib/daemon
#   load ../lib/postgres
#   load ../lib/nodes
#   setup_file() { pg_start; }
#   teardown_file() { pg_stop immediate; }
#   setup() { nodes_setup; }
#   teardown() { nodes_teardown; }

# load sources this file within a function.
declare -gA NODES=()

nodes_setup() {
  daemon_setup
  STORE_URL=$(pg_new_store)
  NODE_FLAGS=(--rate 1/50ms --lease 3s)
}

# Flags of all nodes of the test from now on.
node_flags() {
  NODE_FLAGS=("$@")
}

# Ends the nodes that run; those of a test that went well have to end in order.
nodes_teardown() {
  local name problem=

  for name in "${!NODES[@]}"; do
    if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
      kill_node "$name"
    else
      end_node "$name" || problem="node $name did not end in order"
    fi
  done
  # A test that failed may have left the server stopped, or none at all.
  pg_thaw 2>/dev/null || true
  pg_is_up || pg_restart
  # What daemon_teardown looks at.
  cat "$DIR"/?.log >>"$LOG" 2>/dev/null || true
  pg_sql "DROP DATABASE IF EXISTS $(store_database) WITH (FORCE)" postgres ||
    problem="the database cannot be dropped"
  daemon_teardown
  [ -z "$problem" ] || fail "$problem"
}

pg_is_up() {
  pg_runs && pg_sql 'SELECT 1' postgres >/dev/null 2>&1
}

store_database() {
  local name=${STORE_URL%%\?*}

  echo "${name##*/}"
}

# launch_node NAME [FLAG...]
launch_node() {
  "$BUILD/ingestd" --socket "$DIR/$1.sock" --store "$STORE_URL" --node-name "$1" "${NODE_FLAGS[@]}" "${@:2}" \
    >>"$DIR/$1.log" 2>&1 </dev/null 3>&- &
  NODES[$1]=$!
}

start_node() {
  launch_node "$@"
  await_node "$1"
}

await_node() {
  wait_until 20 node_answers "$1" || fail "node $1 does not answer: $(tail -n 5 "$DIR/$1.log")"
}

node_answers() {
  on "$1" ping >/dev/null 2>&1
}

# ingestctl at a node: on NAME COMMAND [ARG...]
on() {
  "$BUILD/ingestctl" --socket "$DIR/$1.sock" "${@:2}"
}

# Raw lines to a node: rpc_on NAME LINE...
rpc_on() {
  printf '%s\n' "${@:2}" | nc -NU -w 20 "$DIR/$1.sock"
}

node_is_gone() {
  ! kill -0 "${NODES[$1]}" 2>/dev/null
}

kill_node() {
  kill -9 "${NODES[$1]}" 2>/dev/null || true
  wait "${NODES[$1]}" 2>/dev/null || true
  unset "NODES[$1]"
}

# In order; fails when it ends otherwise.
end_node() {
  local status=0

  kill "${NODES[$1]}" 2>/dev/null || true
  wait_until 1 node_is_gone "$1" || kill "${NODES[$1]}" 2>/dev/null || true
  wait_until 20 node_is_gone "$1" || { kill_node "$1"; return 1; }
  wait "${NODES[$1]}" 2>/dev/null || status=$?
  unset "NODES[$1]"
  [ "$status" -eq 0 ]
}

# Waits until the node has ended by itself, with this status: expect_node_exit NAME STATUS
expect_node_exit() {
  local status=0

  wait_until 20 node_is_gone "$1" || fail "node $1 goes on"
  wait "${NODES[$1]}" 2>/dev/null || status=$?
  unset "NODES[$1]"
  [ "$status" -eq "$2" ] || fail "node $1 ended with status $status, not $2"
}

# ---- what has happened ----

# Every start that the nodes have logged, by time: BOOTTIME_NS INGESTION INDEX ATTEMPT NODE
node_starts() {
  local log name

  for log in "$DIR"/?.log; do
    name=${log##*/}
    sed -n -E "s/.* msg=\"batch started\" ingestion_id=([^ ]+) .* index=([0-9]+) attempt=([0-9]+) .* boottime_ns=([0-9]+).*/\4 \1 \2 \3 ${name%.log}/p" "$log"
  done | sort -n
}

node_starts_are() {
  [ "$(node_starts | wc -l)" -ge "$1" ]
}

# Reads lines that begin with a time in nanoseconds, in order; says which are closer to the one before them
# than so many: too_close NANOSECONDS
too_close() {
  local at rest last=

  while read -r at rest; do
    [ -z "$last" ] || [ $((at - last)) -ge "$1" ] || echo "$((at - last)) ns after the last one: $rest"
    last=$at
  done
}

# No two starts of any nodes are closer than so many nanoseconds.
assert_nodes_spaced() {
  local close

  close=$(node_starts | too_close "$1")
  [ -z "$close" ] || fail "starts are too close:"$'\n'"$close"
}

# Shows a line of figures, also of a test that passes.
tell_figures() {
  sed "s/^/# $BATS_TEST_DESCRIPTION: /" >&3
}

# Pids of the recorders (tests/postgres/recorder.c) that write to FILE: recorders FILE
recorders() {
  pgrep -f "^[^ ]*recorder $1" || true
}

# recorders_are FILE COUNT
recorders_are() {
  [ "$(recorders "$1" | wc -l)" -eq "$2" ]
}

# lines_are FILE COUNT: at least so many
lines_are() {
  [ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]
}

boot_ns() {
  e2e json '__import__("time").clock_gettime_ns(7)' <<<null # CLOCK_BOOTTIME
}

# The same by the clocks of the handlers: assert_records_spaced RECORD NANOSECONDS
assert_records_spaced() {
  local early

  early=$(e2e records "$2" "$1" "$DIR"/?.log 2>"$DIR/figures")
  tell_figures <"$DIR/figures"
  [ -z "$early" ] || fail "handlers began too early:"$'\n'"$early"
}

assert_no_attempt_twice_on_nodes() {
  local twice

  twice=$(node_starts | cut -d ' ' -f 2-4 | sort | uniq -d)
  [ -z "$twice" ] || fail "started more than once (ingestion, index, attempt):"$'\n'"$twice"
}

# The full check finds nothing.
check_shared_store() {
  local output

  output=$("$BUILD/ingestd" --socket "$DIR/check.sock" --store "$STORE_URL" --check 2>&1) || fail "$output"
  [[ $output == *": sound" ]] || fail "$output"
}

status_on() {
  on "$1" status --json "$2" | e2e json 'd["status"]'
}

status_on_is() {
  [ "$(status_on "$1" "$2")" = "$3" ]
}

# wait_status_on NODE ID STATUS [SECONDS]
wait_status_on() {
  wait_until "${4:-20}" status_on_is "$1" "$2" "$3" || fail "ingestion $2 is $(status_on "$1" "$2"), not $3"
}

# Whether nothing waits and nothing runs, as this node sees it.
nothing_is_left_on() {
  [ "$(on "$1" stats --json | e2e json \
    'sum(l["ingestions"][s] for l in d["lanes"] for s in ("yet_to_start", "triggered", "receiving"))')" = 0 ]
}

# The sockets of these nodes, as tests/lib/storm.py and e2e.py want them: sockets_of NAME...
sockets_of() {
  local name sockets=()

  for name; do
    sockets+=("$DIR/$name.sock")
  done
  echo "${sockets[*]}"
}

storm() {
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/storm.py" "$@"
}
