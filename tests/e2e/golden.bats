# The sessions of tests/golden against a real daemon: whoever spoke protocol version 1 still can.

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

golden() {
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/golden.py" "$@"
}

@test "a daemon repeats the sessions of protocol version 1" {
  local session flags replayed=0

  for session in "$BATS_TEST_DIRNAME"/../golden/*.txt; do
    flags=$(golden flags "$session")
    [ -n "$flags" ] || continue
    # The node of that one has no lease.
    [ "$STORE_KIND" = sqlite ] || [ "${session##*/}" != node.txt ] || continue
    # shellcheck disable=SC2086 # several flags
    start_daemon $flags
    golden replay "$session" "$SOCKET" || fail "$session"
    stop_daemon
    new_store
    replayed=$((replayed + 1))
  done
  [ "$replayed" -ge 6 ]
}

# This test can fail: a reply with another value, without a member, with one more.
@test "a reply that has changed is noticed" {
  local session=$BATS_TEST_DIRNAME/../golden/session.txt change

  start_daemon --settle 10m
  for change in 's/"id_count":7/"id_count":8/' 's/,"replayed":true//' 's/"batch_count":3/&,"more":1/' \
    's/"code":"conflict"/"code":"limited"/' 's/"index":1,"ids"/"ids"/'; do
    sed "$change" "$session" >"$DIR/changed"
    ! cmp -s "$session" "$DIR/changed"
    ! golden replay "$DIR/changed" "$SOCKET" 2>"$DIR/why"
    stop_daemon
    new_store
    start_daemon --settle 10m
  done
  golden replay "$session" "$SOCKET"
}
