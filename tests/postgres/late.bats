# A store that is slower than the guard of a slot.

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
  # A new store, as an end-to-end test has it.
  # shellcheck disable=SC2034 # slow_server looks at it
  STORE_KIND=postgres
}

teardown() {
  nodes_teardown
}

@test "a guard that is too short for the store is told, once; with a longer one all goes on" {
  local id

  slow_server 100 "$DIR/never"
  node_flags --rate 1/50ms --settle 0s --handler simulate:delay=1ms
  start_node a --slot-guard 1ms
  id=$(on a submit 1-3)
  wait_until 30 grep -q 'level=warn msg="nothing is started: the store takes longer than --slot-guard" slots=10' \
    "$DIR/a.log"
  [ "$(grep -c 'longer than --slot-guard' "$DIR/a.log")" -eq 1 ]
  end_node a
  start_node a --slot-guard 1s
  on a wait "$id"
  # What was given back has used up no attempt.
  [ "$(on a status --json "$id" | e2e json 'd["batches"][0]["attempts"]')" -eq 1 ]
}
