# What was due while the machine slept is done soon after it has woken up. Timers stand still meanwhile,
# but slots and retries go by a clock that does not.

load ../lib/daemon

setup() {
  daemon_setup
  export ASLEEP_FLAG=$DIR/slept ASLEEP_SPEED=60
}

teardown() {
  daemon_teardown
}

# The machine sleeps for an hour; a minute of the daemon's timers takes a second.
sleep_an_hour() {
  touch "$ASLEEP_FLAG"
}

has_started() {
  [ "$(grep -c 'msg="batch started"' "$LOG")" -ge "$1" ]
}

will_be_tried_again() {
  grep -q 'msg="batch will be tried again"' "$LOG"
}

@test "a slot that came while the machine slept is taken a minute later at most" {
  preload_daemon asleep --rate 1/30m --settle 0
  await_daemon
  ctl submit -p HIGH 1 2 3 4
  wait_until 10 has_started 1
  sleep_an_hour
  wait_until 10 has_started 2
}

@test "a batch that became due while the machine slept is tried again a minute later at most" {
  preload_daemon asleep --rate 1/1ms --settle 0 --retry-base 1h --handler "exec:sh -c 'exit 75'"
  await_daemon
  ctl submit -p HIGH 1
  wait_until 10 will_be_tried_again
  sleep_an_hour
  wait_until 10 has_started 2
}
