# The part of the tests of several nodes that every `make test` runs.

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
}

teardown() {
  nodes_teardown
}

@test "two nodes share the work at one rate, and it survives the server" {
  local id name

  node_flags --rate 1/50ms --settle 0s --poll 100ms --lease 10s --handler simulate:delay=1ms
  start_node a
  start_node b
  id=$(on a submit --key k 1-120)
  [ "$(on b submit --key k 1-120)" = "$id" ]
  wait_until 20 node_starts_are 10
  pg_halt immediate
  refuses 5 'database cannot be reached' -- on a submit 1
  pg_restart
  wait_status_on a "$id" completed 30
  wait_status_on b "$id" completed
  assert_nodes_spaced 50000000
  for name in a b; do
    [ "$(node_starts | grep -c " $name$")" -ge 4 ] || fail "$(node_starts)"
  done
  check_shared_store
}

@test "one of two nodes is killed: the other takes over" {
  local id

  node_flags --rate 1/50ms --settle 0s --poll 100ms --lease 3s --handler simulate:delay=1h
  start_node a
  id=$(on a submit 1 2 3)
  wait_until 20 node_starts_are 1
  start_node b
  kill_node a
  wait_until 20 node_starts_are 2
  [ "$(node_starts | cut -d ' ' -f 2-5 | tr '\n' ' ')" = "$id 0 1 a $id 0 2 b " ]
  on b cancel "$id" || [ $? -eq 1 ]
  wait_status_on b "$id" cancelled
}
