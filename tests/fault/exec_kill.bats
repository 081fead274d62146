# kill -9 of the daemon while commands run and fail and are tried again.
#
# EXEC_KILL_ROUNDS: how often the daemon is killed (12)

load ../lib/daemon

export BATS_TEST_TIMEOUT=$((180 + ${EXEC_KILL_ROUNDS:-12} * 6))

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

dice() {
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/dice.py" "$@"
}

# The next list, when the last one is done: there is work for as long as there are kills.
feed() {
  if [ -z "${id:-}" ] || ended "$id"; then
    id=$(ctl submit "$((1000 * (${#ids[@]} + 1)))-$((1000 * (${#ids[@]} + 1) + 149))")
    ids+=("$id")
  fi
}

@test "killed at random moments under commands that fail: one final state per id, no attempt too many" {
  local rounds=${EXEC_KILL_ROUNDS:-12} id='' ids=() one killed=0

  daemon_flags --rate 1/3ms --settle 1ms --concurrency 4 --batch-size 3 --max-attempts 6 \
    --retry-base 5ms --retry-max 100ms --exec-grace 200ms \
    --handler "exec:python3 -S -E $BATS_TEST_DIRNAME/../lib/dice.py throw $DIR/record 0.05"
  start_daemon
  for ((; killed < rounds; killed++)); do
    feed
    sleep "0.$((RANDOM % 300 + 100))"
    kill_daemon
    start_daemon
  done
  for one in "${ids[@]}"; do
    wait_until 120 ended "$one" || fail "$(ctl status "$one" | head -n 12)"
  done
  for one in "${ids[@]}"; do
    ctl status --json "$one" >"$DIR/status"
    ctl report --format csv "$one" >"$DIR/report"
    # A record names its batch by its id; those of other lists are not meant.
    python3 -S -E -c 'import json, sys
mine = {b["batch_id"] for b in json.load(open(sys.argv[1]))["batches"]}
sys.stdout.writelines(l for l in open(sys.argv[2]) if json.loads(l)["batch"] in mine)' \
      "$DIR/status" "$DIR/record" >"$DIR/mine"
    dice verify "$DIR/mine" "$DIR/status" "$DIR/report" 6 $((4 * rounds))
  done
  assert_spacing 3000000
  assert_no_attempt_twice
  stop_daemon
  check_store
}
