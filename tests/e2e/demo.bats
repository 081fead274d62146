# The demo: what it shows, and that it leaves nothing behind however it ends.

# shellcheck disable=SC2030,SC2031 # each test is a subshell, so its variables do not get out

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

demo=$BATS_TEST_DIRNAME/../demo.sh

# The directory that a demo said it uses, from its output so far.
demo_directory() {
  grep -oE '/tmp/ingestd-demo\.[A-Za-z0-9]+' "$DIR/out" | head -n 1
}

nothing_is_left() {
  local dir

  dir=$(demo_directory)
  [ -n "$dir" ]
  [ ! -e "$dir" ] || fail "$dir is still there"
  # No process of it has the directory in its environment.
  ! grep -lsF "$dir" /proc/[0-9]*/environ || fail "the daemon still runs"
}

@test "it ends with both batches completed and leaves nothing behind" {
  run "$demo" "$BUILD"
  echo "$output" >"$DIR/out"
  [ "$status" -eq 0 ]
  [[ $output == *$'\n$ ingestctl submit --priority HIGH 1 2 3 4 5\n'* ]]
  [[ $output == *"yet_to_start 0/2"*"triggered"*"completed 2/2"* ]]
  [[ $output == *"2 of 2 batches completed"* ]]
  grep -qE '^ +0 +completed +1 .* 1 2 3$' "$DIR/out"
  grep -qE '^ +1 +completed +1 .* 4 5$' "$DIR/out"
  nothing_is_left
}

@test "on a terminal it draws a progress bar; settings of the caller do not matter" {
  INGESTD_RATE=1/1h INGESTD_CONFIG=/nonexistent TERM=xterm \
    script -qec "'$demo' '$BUILD'" /dev/null </dev/null >"$DIR/out"
  grep -q "2 of 2 batches completed" "$DIR/out"
  grep -q $'\r.*HIGH' "$DIR/out" || fail "no progress bar"
  nothing_is_left
}

# A demo in the background that has submitted its ids.
demo_under_way() {
  # Background commands of a shell without job control ignore SIGINT; this gives it back.
  python3 -S -E -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setpgid(0, 0)
os.execv(sys.argv[1], sys.argv[1:])' "$demo" "$BUILD" >"$DIR/out" 2>&1 3>&- &
  running=$!
  wait_until 20 grep -q triggered "$DIR/out"
}

@test "Ctrl-C ends it cleanly" {
  local status=0

  demo_under_way
  kill -INT -- "-$running" # the terminal sends it to the whole group
  wait "$running" || status=$?
  [ "$status" -eq 130 ] || fail "exit status $status: $(<"$DIR/out")"
  nothing_is_left
}

@test "TERM ends it cleanly" {
  local status=0

  demo_under_way
  kill -TERM -- "-$running"
  wait "$running" || status=$?
  [ "$status" -eq 143 ] || fail "exit status $status: $(<"$DIR/out")"
  nothing_is_left
}

@test "a failure: it says so, shows the log, and leaves nothing behind" {
  mkdir "$DIR/bin"
  ln -s "$BUILD/ingestd" "$DIR/bin/"
  cat >"$DIR/bin/ingestctl" <<SCRIPT
#!/bin/sh
[ "\$1" = submit ] && exit 4
exec "$BUILD/ingestctl" "\$@"
SCRIPT
  chmod +x "$DIR/bin/ingestctl"
  run "$demo" "$DIR/bin"
  echo "$output" >"$DIR/out"
  [ "$status" -eq 4 ]
  [[ $output == *"msg=ready"* ]]
  nothing_is_left
  run "$demo" "$DIR"
  [ "$status" -eq 2 ]
  [[ $output == usage:* ]]
}
