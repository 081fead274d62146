# A disk that fails or fills up.

# shellcheck disable=SC2030,SC2031 # each test is a subshell, so its variables do not get out

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# ---- a failed sync ----

is_over() {
  daemon_is_gone || has_status "$1" completed
}

# Submits and waits; notes what was acknowledged in $DIR/acknowledged. Each submission must end with an
# answer or with an exit status that says that there is none.
submit_and_wait() {
  local id status=0

  id=$(ctl submit "$@" 2>"$DIR/err") || status=$?
  case $status in
    0) echo "$id" >>"$DIR/acknowledged" ;;
    3) wait_until 5 daemon_is_gone || fail "not reachable, but the daemon runs" ;;
    5) unknown=yes ;;
    *) fail "submit ended with status $status: $(<"$DIR/err")" ;;
  esac
  [ "$status" -ne 0 ] || wait_until 20 is_over "$id" || fail "$id goes on for ever"
}

# One life of a daemon whose sync number $1 fails. Sets `reached` unless it ended with fewer syncs.
life_with_failing_sync() {
  local unknown=

  reached=
  new_store
  rm -f "$DIR/acknowledged"
  : >"$LOG"
  : >"$DIR/acknowledged"
  FAILSYNC_AT=$1 preload_daemon failsync
  wait_until 20 daemon_answers_or_is_gone
  submit_and_wait 1 2 3 4 5
  submit_and_wait 6 7
  kill "$DAEMON" 2>/dev/null || true
  wait_until 20 daemon_is_gone || fail "the daemon goes on"
  collect_daemon
  log_has "failsync: call $1 fails" || return 0

  reached=yes
  # 3: it never got ready. 1: a commit was lost. 0: all was committed, and only closing failed.
  echo "sync $1: exit status $DAEMON_STATUS${unknown:+, a submission is unknown}"
  if log_has msg=ready; then
    # Any other journal would keep less than the daemon promises.
    [ "$(sqlite3 "$STORE" 'PRAGMA journal_mode')" = wal ] || fail "the store is not in WAL mode"
    if [ -n "$unknown" ] || log_has 'msg="store failed"'; then
      [ "$DAEMON_STATUS" -eq 1 ] || fail "exit status $DAEMON_STATUS after an unknown outcome"
    else
      [ "$DAEMON_STATUS" -eq 0 ] || fail "exit status $DAEMON_STATUS"
    fi
  else
    [ "$DAEMON_STATUS" -eq 3 ] || fail "exit status $DAEMON_STATUS"
  fi
  # The start whose record failed may be logged behind the failure, but before anybody knows of it.
  if sed '1,/msg="stopping, the next start recovers"/d' "$LOG" | grep 'msg="batch started"'; then
    fail "started something afterwards"
  fi
}

@test "whichever sync fails: unknown is called unknown, nothing starts, nothing acknowledged is lost" {
  local n reached statuses=

  daemon_flags --rate 1/30ms --settle 0 --handler simulate:delay=1ms
  for ((n = 1; n < 100; n++)); do
    life_with_failing_sync "$n"
    [ -n "$reached" ] || break
    statuses+=$DAEMON_STATUS
    start_daemon
    wait_all_completed "$DIR/acknowledged"
    assert_spacing 30000000
    assert_no_attempt_twice
    stop_daemon
    check_store
  done
  # The faults have hit the opening and the work, or this test has shown nothing.
  [[ $statuses == *3*1* ]] || fail "the exit statuses were $statuses"
}

@test "a commit that fails: its outcome is unknown, what waits does not start, a restart goes on" {
  local waiting

  export FAILSYNC_FLAG=$DIR/fail
  preload_daemon failsync --settle 1s
  await_daemon
  waiting=$(ctl submit 1 2 3 4)
  touch "$FAILSYNC_FLAG"
  # The connection may end before the answer is sent; then the client says so.
  refuses 5 unknown -- ctl submit --priority HIGH 5
  expect_exit 1
  [ -z "$(starts)" ] || fail "started: $(starts)"
  log_has 'level=error msg="stopping, the next start recovers"' || fail "no reason in the log"
  start_daemon
  wait_status "$waiting" completed
  assert_spacing 100000000
}

# ---- a full disk ----

@test "a full disk refuses submissions; outcomes are recorded late; it goes on without a restart" {
  local id seen

  export FULLDISK_FLAG=$DIR/full
  preload_daemon fulldisk --rate 1/200ms --settle 0 --handler simulate:delay=500ms
  await_daemon
  id=$(ctl submit 1 2 3 4 5)
  wait_starts 1
  wait_until 20 start_is_recorded "$id"
  touch "$FULLDISK_FLAG"
  refuses 5 disk -- ctl submit 6
  refuses_line disk_low '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[6],"priority":"HIGH"}}' full
  wait_log 'msg="batch completed"'

  # The outcome is not on disk, so it is not shown, and nothing further starts.
  wait_log 'level=warn msg="the store did not take an outcome'
  sleep 1.2 # longer than an interval, and than a repetition of the write
  has_status "$id" triggered
  seen=$(ctl status --json "$id" | e2e json '[b["status"] for b in d["batches"]]')
  [ "$seen" = "['triggered', 'yet_to_start']" ]
  [ "$(starts | wc -l)" -eq 1 ]
  refuses 5 disk -- ctl submit 6
  daemon_answers

  rm "$FULLDISK_FLAG"
  wait_status "$id" completed
  [ "$(starts | cut -d ' ' -f 3 | tr '\n' ' ')" = "1 1 " ] || fail "a batch ran twice"
  assert_spacing 200000000
  ctl submit --wait 6
}

start_is_recorded() {
  [[ $(ctl status --json "$1") == *'"attempts":1,'*'"started_at"'* ]]
}

@test "a disk that is full when the daemon starts: it says so and ends, worth another start" {
  export FULLDISK_FLAG=$DIR/full
  touch "$FULLDISK_FLAG"
  preload_daemon fulldisk
  expect_exit 1
  grep -q '^ingestd: .*full' "$LOG" || fail "no clear reason: $(<"$LOG")"
}
