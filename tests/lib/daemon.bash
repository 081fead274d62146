# Helpers of the end-to-end tests: a private daemon per test, with its own directory, socket, store and
# log. A file begins with
#
#   load ../lib/daemon
#   setup() { daemon_setup; }
#   teardown() { daemon_teardown; }
#
# and its tests find: $DIR, $SOCKET, $STORE_URL, $STORE (path of the database), $LOG (of all daemons of the
# test, one after the other), $DAEMON (pid; empty when none runs).
#
# With INGESTD_TEST_STORE=postgres the store is a fresh database of the server that tests/run has started.

bats_require_minimum_version 1.5.0

# bats reads this when it runs a test; a file can set another value behind `load`.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-60}

: "${BUILD:=$(cd "$BATS_TEST_DIRNAME/../../build/release" && pwd)}"
export BUILD

STORE_KIND=${INGESTD_TEST_STORE:-sqlite}
if [ "$STORE_KIND" = postgres ]; then
  # shellcheck source=/dev/null
  . "$BATS_TEST_DIRNAME/../lib/postgres.bash"
fi

# What a sanitizer finds must not look like an exit status that a test expects.
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=99}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-exitcode=99:print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}

# Flags of all daemons of the test from now on, instead of the usual ones, which are quick enough for
# most tests. Those that are given to a single daemon win.
daemon_flags() {
  DAEMON_FLAGS=("$@")
}
daemon_flags --rate 1/100ms --handler simulate:delay=20ms

# ---- a directory per test ----

daemon_setup() {
  # Short, because a socket path has at most 107 bytes.
  DIR=$(mktemp -d /tmp/ingestd.XXXXXX)
  SOCKET=$DIR/sock
  STORE=$DIR/db
  LOG=$DIR/log
  DAEMON=
  BYSTANDER_PID=
  COMPANIONS=() # pids of further processes that are to end with the test
  : >"$LOG"
  # The caller's own settings are none of ours.
  unset "${!INGESTD_@}" XDG_RUNTIME_DIR XDG_STATE_HOME
  STORE_URL=
  new_store
}

# Forgets the store; the next daemon begins with an empty one.
new_store() {
  if [ "$STORE_KIND" = postgres ]; then
    drop_database
    STORE_URL=$(pg_new_store)
  else
    rm -f "$STORE"*
    STORE_URL=sqlite:$STORE
  fi
}

drop_database() {
  local name=${STORE_URL%%\?*}

  [ "$STORE_KIND" = sqlite ] || [ -z "$STORE_URL" ] ||
    pg_sql "DROP DATABASE IF EXISTS ${name##*/} WITH (FORCE)" postgres
}

# What a query on the store gives.
store_sql() {
  if [ "$STORE_KIND" = postgres ]; then
    pg_sql "SET search_path = ingestd; $1" "$STORE_URL"
  else
    sqlite3 -readonly "$STORE" "$1"
  fi
}

# For tests that look into the file, or at its disk: only_sqlite [REASON]
only_sqlite() {
  [ "$STORE_KIND" = sqlite ] || skip "${1:-it is about the file of SQLite}"
}

# Ends what the test has left running, and fails when a daemon ended badly or a sanitizer spoke.
daemon_teardown() {
  local problem='' process

  for process in $BYSTANDER_PID "${COMPANIONS[@]}"; do
    kill "$process" 2>/dev/null || true
  done
  if [ -n "$DAEMON" ]; then
    # A second TERM ends running batches at once. A test that failed may have left a daemon that hangs.
    if [ -n "${BATS_TEST_COMPLETED:-}" ]; then
      kill "$DAEMON" 2>/dev/null || true
      wait_until 1 daemon_is_gone || kill "$DAEMON" 2>/dev/null || true
      wait_until 20 daemon_is_gone || problem="the daemon does not end after SIGTERM"
    fi
    kill -9 "$DAEMON" 2>/dev/null || true
    collect_daemon
    if [ -z "$problem" ] && [ -n "${BATS_TEST_COMPLETED:-}" ] && [ "$DAEMON_STATUS" -ne 0 ]; then
      problem="the daemon ended with status $DAEMON_STATUS"
    fi
  fi
  if grep -E 'ERROR: AddressSanitizer|runtime error:|WARNING: ThreadSanitizer|LeakSanitizer' "$LOG"; then
    problem="a sanitizer found something"
  fi
  if [ -n "$problem" ] || [ -z "${BATS_TEST_COMPLETED:-}" ]; then
    echo "---- log of the daemon ($LOG) ----"
    tail -n 100 "$LOG"
    echo "---- end of the log ----"
  fi
  drop_database || problem="the database cannot be dropped"
  rm -rf "$DIR"
  [ -z "$problem" ] || fail "$problem"
}

# ---- the daemon ----

# Starts a daemon with DAEMON_FLAGS and further flags, without waiting for it.
launch_daemon() {
  # bats waits for everybody who holds descriptor 3.
  "$BUILD/ingestd" --socket "$SOCKET" --store "$STORE_URL" "${DAEMON_FLAGS[@]}" "$@" \
    >>"$LOG" 2>&1 </dev/null 3>&- &
  DAEMON=$!
}

# The same with a library in front of the others: preload_daemon NAME [FLAG...]; what the library wants
# to know comes from the environment.
preload_daemon() {
  local library=$BUILD/tests/preload/$1.so

  [ -e "$library" ] || fail "$library is missing (make test-build)"
  # The address sanitizer wants to come first unless it is told not to look.
  LD_PRELOAD=$library ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 launch_daemon "${@:2}"
}

# The same with slow commits: each takes up to SLOWSYNC_MAX_MS more, and none ends while the file
# SLOWSYNC_HOLD exists (slowsync.c). With PostgreSQL it is the server that is slow.
slow_daemon() {
  if [ "$STORE_KIND" = postgres ]; then
    slow_server "${SLOWSYNC_MAX_MS:-0}" "${SLOWSYNC_HOLD:-$DIR/never}"
    launch_daemon "$@"
  else
    preload_daemon slowsync "$@"
  fi
}

# What is deferred is done by the commit: slow_server MAX_MS HOLD
slow_server() {
  chmod 711 "$DIR" # the server looks for the file, and is somebody else
  store_sql "
    CREATE FUNCTION ingestd.slow() RETURNS trigger LANGUAGE plpgsql AS \$\$
    BEGIN
      PERFORM pg_sleep(random() * $1 / 1000);
      WHILE (pg_stat_file('$2', true)).modification IS NOT NULL LOOP
        PERFORM pg_sleep(0.001);
      END LOOP;
      RETURN NULL;
    END \$\$;
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON ingestd.moment DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION ingestd.slow()"
}

# Starts a daemon and waits until it answers.
start_daemon() {
  launch_daemon "$@"
  await_daemon
}

await_daemon() {
  wait_until 20 daemon_answers_or_is_gone
  daemon_answers || fail "the daemon did not start"
}

daemon_answers() {
  "$BUILD/ingestctl" --socket "$SOCKET" ping >/dev/null 2>&1
}

# The shell takes note of ended children while it runs other commands, so a zombie does not count.
daemon_is_gone() {
  ! kill -0 "$DAEMON" 2>/dev/null
}

daemon_answers_or_is_gone() {
  daemon_answers || daemon_is_gone
}

# Takes the exit status of a daemon that has ended into DAEMON_STATUS.
collect_daemon() {
  DAEMON_STATUS=0
  wait "$DAEMON" 2>/dev/null || DAEMON_STATUS=$?
  DAEMON=
}

# Waits until the daemon has ended by itself; its exit status must be the given one.
expect_exit() {
  wait_until 20 daemon_is_gone || fail "the daemon goes on"
  collect_daemon
  [ "$DAEMON_STATUS" -eq "$1" ] || fail "the daemon ended with status $DAEMON_STATUS, not $1"
}

# Ends the daemon in order: stop_daemon [SIGNAL]
stop_daemon() {
  kill -s "${1:-TERM}" "$DAEMON"
  expect_exit 0
}

kill_daemon() {
  kill -9 "$DAEMON"
  collect_daemon
}

# ---- clients ----

ctl() {
  "$BUILD/ingestctl" --socket "$SOCKET" "$@"
}

# Sends each argument as a line and half-closes; prints the replies.
rpc() {
  printf '%s\n' "$@" | nc -NU -w 20 "$SOCKET"
}

# tests/lib/e2e.py says what it can do.
e2e() {
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/e2e.py" "$@"
}

# Opens a connection that stays open: what others do must not disturb it.
open_bystander() {
  coproc BYSTANDER { exec nc -U "$SOCKET" 3>&-; }
  bystander_works
}

bystander_works() {
  local reply

  echo '{"jsonrpc":"2.0","id":"by","method":"ping"}' >&"${BYSTANDER[1]}"
  read -rt 20 reply <&"${BYSTANDER[0]}" || fail "the bystander's connection is dead"
  [ "$reply" = '{"jsonrpc":"2.0","id":"by","result":{"pong":true}}' ] || fail "unexpected: $reply"
}

# Runs a command in the background with SIGINT not ignored, as in a shell with job control.
interruptible() {
  python3 -S -E -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$@" 3>&- &
}

# Whether the process has a handler of its own for SIGINT (proc(5), SigCgt), and is no longer python3.
catches_interrupts() {
  [ "/proc/$1/exe" -ef "$BUILD/ingestctl" ] &&
    (($(sed -n 's/^SigCgt:\t/0x/p' "/proc/$1/status") & 2))
}

# A daemon of ours that fails when it is told to (tests/lib/fake.py): start_fake [OPTION] [FAULT...]
# What it was asked is in $REQUESTS.
start_fake() {
  REQUESTS=$DIR/requests
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/fake.py" "$SOCKET" "$REQUESTS" "$@" 3>&- &
  COMPANIONS+=($!)
  wait_until 20 daemon_answers || fail "the fake daemon does not answer"
}

# ---- waiting ----

# Repeats a command until it succeeds: wait_until SECONDS COMMAND [ARG...]
wait_until() {
  local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

  shift
  until "$@"; do
    [ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
    sleep 0.02
  done
}

status_of() {
  local json

  json=$(ctl status --json "$1") || return
  [[ $json =~ \"status\":\"([a-z_]+)\" ]]
  echo "${BASH_REMATCH[1]}"
}

# Whether nothing of it is left to be tried.
ended() {
  local status

  status=$(status_of "$1")
  [ "$status" = completed ] || [ "$status" = failed ]
}

has_status() {
  [ "$(status_of "$1")" = "$2" ]
}

# wait_status ID STATUS [SECONDS]
wait_status() {
  wait_until "${3:-20}" has_status "$1" "$2" || fail "ingestion $1 is $(status_of "$1"), not $2"
}

# Those of the ingestions that FILE lists which are not completed, with their status.
unfinished() {
  INGESTD_SOCKET=$SOCKET e2e unfinished <"$1"
}

nothing_unfinished() {
  [ -z "$(unfinished "$1")" ]
}

# wait_all_completed FILE [SECONDS]
wait_all_completed() {
  wait_until "${2:-20}" nothing_unfinished "$1" || fail "not completed: $(unfinished "$1")"
}

# wait_log TEXT [COUNT]: until so many lines of the log have this text
wait_log() {
  wait_until 20 log_has "$@" || fail "the log has no: $1"
}

log_has() {
  [ "$(grep -cF -- "$1" "$LOG")" -ge "${2:-1}" ]
}

# wait_starts COUNT [SECONDS]
wait_starts() {
  wait_until "${2:-20}" log_has 'msg="batch started"' "$1" || fail "fewer than $1 batches have started"
}

# ---- checking ----

fail() {
  printf '%s\n' "$*" >&2
  return 1
}

# Every start in the log, in order: ingestion_id index attempt boottime_ns
starts() {
  sed -n -E 's/.* msg="batch started" ingestion_id=([^ ]+) .* index=([0-9]+) attempt=([0-9]+) .* boottime_ns=([0-9]+).*/\1 \2 \3 \4/p' "$LOG"
}

# No two consecutive starts of the log are closer than so many nanoseconds.
assert_spacing() {
  local id index attempt at last=

  while read -r id index attempt at; do
    if [ -n "$last" ] && [ $((at - last)) -lt "$1" ]; then
      fail "batch $index of $id, attempt $attempt, started $((at - last)) ns after the last one, not $1"
      return 1
    fi
    last=$at
  done < <(starts)
}

# The full check of the store, with no daemon running, finds nothing.
check_store() {
  local output

  output=$("$BUILD/ingestd" --socket "$SOCKET" --store "$STORE_URL" --check 2>&1) || fail "$output"
  [ "$output" = "${STORE_URL#sqlite:}: sound" ] || fail "$output"
}

# Each attempt was started once: a claim is durable before its batch starts.
assert_no_attempt_twice() {
  local twice

  twice=$(starts | cut -d ' ' -f 1-3 | sort | uniq -d)
  [ -z "$twice" ] || fail "started more than once (ingestion, index, attempt):"$'\n'"$twice"
}

# assert_order "ID INDEX"...: exactly these batches were started, in this order
assert_order() {
  local got wanted

  got=$(starts | cut -d ' ' -f 1,2)
  wanted=$(printf '%s\n' "$@")
  [ "$got" = "$wanted" ] || fail "started:"$'\n'"$got"$'\n'"expected:"$'\n'"$wanted"
}

# The command fails with this exit status, prints nothing on stdout, and its message has all parts:
# refuses STATUS [PART...] -- COMMAND [ARG...]
refuses() {
  local wanted=$1 parts=() part

  shift
  while [ "$1" != -- ]; do
    parts+=("$1")
    shift
  done
  shift
  run --separate-stderr "$@"
  # shellcheck disable=SC2154 # run sets it
  [ "$status" -eq "$wanted" ] || fail "exit status $status, not $wanted: $* ($stderr)"
  [ -z "$output" ] || fail "on stdout: $output"
  for part in "${parts[@]}"; do
    [[ $stderr == *"$part"* ]] || fail "the message has no '$part': $stderr"
  done
}

# The daemon answers the raw line with this error, and the message has all parts:
# refuses_line ERROR LINE [PART...]
refuses_line() {
  local error=$1 line=$2 reply part

  shift 2
  reply=$(rpc "$line")
  [[ $reply == *'"data":{"code":"'"$error"'"'* ]] || fail "not refused as $error: ${reply:0:2000}"
  for part in "$@"; do
    [[ $reply == *"$part"* ]] || fail "the message has no '$part': ${reply:0:2000}"
  done
}
