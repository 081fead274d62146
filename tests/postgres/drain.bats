# Drain, where several nodes share one store.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/postgres
load ../lib/nodes

setup_file() {
  pg_start
}

teardown_file() {
  pg_stop immediate
}

setup() {
  nodes_setup
  # Runs until the file is there.
  cat >"$DIR/command" <<-'END'
	#!/bin/sh
	until [ -e "$1" ]; do sleep 0.02; done
	END
  chmod +x "$DIR/command"
  node_flags --rate 1/50ms --settle 0s --handler "exec:$DIR/command $DIR/go"
}

teardown() {
  touch "$DIR/go"
  nodes_teardown
}

drain_waits() {
  [ "$(on a stats --json | e2e json 'd["requests"]["waiting"]')" = 1 ]
}

@test "drain: --wait through one node waits for what runs on another" {
  local id

  start_node b
  id=$(on b submit 1-3 -l long)
  wait_until 20 node_starts_are 1
  start_node a
  run --separate-stderr on a drain --wait --timeout 300ms
  [ "$status" -eq 7 ]
  grep -qE '^running +1 batch$' <<<"$output"
  "$BUILD/ingestctl" --socket "$DIR/a.sock" drain --wait >"$DIR/out" 2>&1 3>&- &
  COMPANIONS+=($!)
  wait_until 20 drain_waits
  touch "$DIR/go"
  wait "${COMPANIONS[-1]}"
  grep -qE '^running +0 batches$' "$DIR/out"
  [ "$(status_on a "$id")" = completed ]
}

@test "drain: who waits for another node goes on when the drain is ended, and holds up no shutdown" {
  start_node b
  on b submit 1-3
  wait_until 20 node_starts_are 1
  start_node a
  (sleep 0.5; on b resume) >/dev/null 3>&- &
  run --separate-stderr on a drain --wait --timeout 20s
  [ "$status" -eq 1 ]
  [[ $stderr == *"has ended the drain"* ]]
  on a drain --wait --timeout 20s 3>&- >"$DIR/out" 2>&1 &
  COMPANIONS+=($!)
  wait_until 20 drain_waits
  end_node a
}
