# The same script, a thousand times at once: one submission.
#
# ONCE_RUNS: how often (1000; 100 with sanitizers)

load ../lib/daemon

export BATS_TEST_TIMEOUT=300

setup() {
  daemon_setup
  RUNS=${ONCE_RUNS:-1000}
  [ "${VARIANT:-release}" = release ] || RUNS=${ONCE_RUNS:-100}
  seq 1 5000 >"$DIR/ids"
  daemon_flags --rate 1/1h
}

teardown() {
  daemon_teardown
}

# All at once; prints what each has printed, and then its exit status.
run_all() {
  # shellcheck disable=SC2016 # for the inner shell
  seq "$RUNS" | xargs -P "$RUNS" -n 1 sh -c \
    '"$0" --socket "$1" submit --quiet --once -f "$2" 2>>"$2.err"; echo "status $?"' \
    "$BUILD/ingestctl" "$SOCKET" "$DIR/ids" 3>&-
}

one_is_there() {
  [ "$(ctl list --all --json | wc -l)" -eq 1 ]
}

@test "so many runs of submit --once of one file make one ingestion" {
  start_daemon
  run_all >"$DIR/out"
  [ "$(grep -c '^status 0$' "$DIR/out")" -eq "$RUNS" ] || fail "$(sort "$DIR/out" "$DIR/ids.err" | uniq -c)"
  [ "$(grep -v '^status' "$DIR/out" | sort -u | wc -l)" -eq 1 ]
  one_is_there
}

@test "the same while the daemon is killed and started again" {
  local all id

  start_daemon
  run_all >"$DIR/out" &
  all=$!
  for _ in 1 2 3 4 5; do
    sleep 0.3
    kill_daemon
    start_daemon
  done
  wait "$all"
  # Who came while nobody listened was told so; all others mean the same ingestion.
  if grep '^status' "$DIR/out" | grep -qvx -e 'status 0' -e 'status 3'; then
    fail "$(sort "$DIR/out" "$DIR/ids.err" | uniq -c)"
  fi
  id=$(grep -v '^status' "$DIR/out" | sort -u)
  [ "$(wc -l <<<"$id")" -eq 1 ]
  one_is_there
  [ "$(ctl submit --quiet --once -f "$DIR/ids")" = "$id" ]
  stop_daemon
  check_store
}
