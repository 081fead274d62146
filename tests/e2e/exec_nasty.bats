# The handler exec: commands that do not behave. What they leave behind ends, and the daemon stays as
# it was.

load ../lib/daemon

setup() {
  daemon_setup
  daemon_flags --rate 1/50ms --settle 0 --retry-base 100ms --retry-max 100ms
  COMMAND=$DIR/command
}

teardown() {
  daemon_teardown
}

command_is() {
  cat >"$COMMAND"
  chmod +x "$COMMAND"
}

run_command() {
  start_daemon --handler "exec:$COMMAND $DIR" "$@"
  id=$(ctl submit 1)
}

milliseconds() {
  echo $((${EPOCHREALTIME/./} / 1000))
}

# Whether the process whose pid is in that file has ended, and nobody has to wait for it.
is_gone() {
  [ -s "$1" ] && [ ! -e "/proc/$(<"$1")" ]
}

wait_gone() {
  local file

  for file; do
    wait_until 20 is_gone "$file" || fail "${file##*/} still runs: $(ps -o pid,ppid,pgid,stat,args -p "$(<"$file")")"
  done
}

# The daemon has no children, not even dead ones.
assert_no_children() {
  wait_until 5 has_no_children || fail "children: $(cat "/proc/$DAEMON"/task/*/children)"
}

has_no_children() {
  [ -z "$(cat "/proc/$DAEMON"/task/*/children)" ]
}

descriptors() {
  # shellcheck disable=SC2012 # they are numbers
  ls "/proc/$DAEMON/fd" | wc -l
}

@test "what it has started ends with it: in its group, in a session of its own, twice forked" {
  command_is <<'END'
#!/bin/bash
sleep 1000 & echo $! >"$1/group"
setsid sleep 1000 & echo $! >"$1/session"
(setsid bash -c 'sleep 1000 & echo $! >"$1/twice"; sleep 0.01' - "$1" &)
setsid bash -c 'echo $$ >"$1/parent"; sleep 1000 & echo $! >"$1/child"; wait' - "$1" &
until [ -s "$1/child" ] && [ -s "$1/twice" ] && [ -s "$1/session" ]; do sleep 0.01; done
END
  run_command
  wait_status "$id" completed
  wait_gone "$DIR/group" "$DIR/session" "$DIR/twice" "$DIR/parent" "$DIR/child"
  assert_no_children
}

@test "what it has started while it runs is left to it" {
  command_is <<'END'
#!/bin/bash
# The daemon becomes the parent of these at once, and looks around when the second one ends.
(setsid bash -c 'sleep 0.5; echo done >"$1/daemon"' - "$1" &)
(setsid sleep 0.1 &)
until [ -s "$1/daemon" ]; do sleep 0.01; done
END
  run_command --exec-timeout 10s
  wait_status "$id" completed
}

@test "who has cleared its environment is left alone, and waited for when it ends" {
  command_is <<'END'
#!/bin/bash
setsid env -i /bin/sleep 2 &
echo $! >"$1/pid"
until [ "$(tr -d '\0' <"/proc/$!/cmdline")" = /bin/sleep2 ]; do sleep 0.01; done
END
  run_command
  wait_status "$id" completed
  [ -e "/proc/$(<"$DIR/pid")" ]
  wait_gone "$DIR/pid"
  assert_no_children
}

@test "in its group nobody is left alone" {
  command_is <<'END'
#!/bin/bash
env -i /bin/sleep 1000 &
echo $! >"$1/pid"
until [ "$(tr -d '\0' <"/proc/$!/cmdline")" = /bin/sleep1000 ]; do sleep 0.01; done
END
  run_command
  wait_status "$id" completed
  wait_gone "$DIR/pid"
  assert_no_children
}

@test "the end is the end of the command, whoever holds its output" {
  command_is <<'END'
#!/bin/bash
echo before
env -i setsid /bin/sleep 5 &
until [ "$(tr -d '\0' <"/proc/$!/cmdline")" = /bin/sleep5 ]; do sleep 0.01; done
END
  begin=$(milliseconds)
  run_command
  wait_status "$id" completed
  [ $(($(milliseconds) - begin)) -lt 4000 ] || fail "it took $(($(milliseconds) - begin)) ms"
  [ "$(ctl status -v --json "$id" | e2e json 'd["batches"][0]["stdout"]["text"]')" = before ]
}

@test "TERM ignored, by all of the group: KILL after the grace time" {
  command_is <<'END'
#!/bin/bash
trap '' TERM
bash -c 'echo $$ >"$1/child"; while :; do sleep 0.05; done' - "$1" &
while :; do sleep 0.05; done
END
  run_command --exec-timeout 500ms --exec-grace 500ms --max-attempts 1
  wait_status "$id" failed
  log_has 'reason="timed out after 500ms"'
  duration=$(sed -n 's/.*attempt failed.* duration_ms=\([0-9]*\).*/\1/p' "$LOG")
  [ "$duration" -ge 1000 ] || fail "killed after $duration ms"
  wait_gone "$DIR/child"
}

@test "who leaves its group for that of the daemon is ended all the same" {
  command_is <<'END'
#!/usr/bin/python3 -SE
import os, sys, time
os.setpgid(0, os.getpgid(os.getppid()))
with open(sys.argv[1] + "/leader", "w") as f:
    print(os.getpid(), file=f)
time.sleep(1000)
END
  run_command --exec-timeout 500ms --max-attempts 1
  wait_status "$id" failed
  log_has 'reason="timed out after 500ms"'
  wait_gone "$DIR/leader"
  ctl ping
}

@test "a command that has ended and that a debugger holds back keeps nobody busy" {
  local before after

  # Its child attaches itself, and takes its time.
  command_is <<'END'
#!/usr/bin/python3 -SE
import ctypes, os, sys, time
libc = ctypes.CDLL(None)
PR_SET_PTRACER, ANY, PTRACE_SEIZE = 0x59616d61, ctypes.c_ulong(-1), 0x4206
libc.prctl(PR_SET_PTRACER, ANY)
parent, (r, w) = os.getpid(), os.pipe()
if os.fork() == 0:
    os.setsid()
    seized = libc.ptrace(PTRACE_SEIZE, parent, None, None) == 0
    os.write(w, b"y" if seized else b"n")
    while seized and not os.path.exists(sys.argv[1] + "/go"):
        time.sleep(0.01)
    os._exit(0)
with open(sys.argv[1] + "/seized", "w") as f:
    f.write(os.read(r, 1).decode())
END
  run_command
  wait_until 20 test -s "$DIR/seized"
  [ "$(<"$DIR/seized")" = y ] || skip "nobody may trace here"
  wait_until 20 has_zombie
  before=$(ticks)
  for _ in 1 2 3 4 5; do
    timeout 5 "$BUILD/ingestctl" --socket "$SOCKET" ping || fail "the daemon does not answer"
    sleep 0.2
  done
  after=$(ticks)
  [ $((after - before)) -lt 50 ] || fail "$((after - before)) hundredths of a second of work"
  [ "$(status_of "$id")" = triggered ]
  touch "$DIR/go"
  wait_status "$id" completed
  assert_no_children
}

# A child has ended and is not waited for.
has_zombie() {
  # shellcheck disable=SC2046 # they are numbers
  grep -q '^State:.Z' $(sed 's,[0-9]\+,/proc/&/status,g' "/proc/$DAEMON/task/$DAEMON/children")
}

# Time that the daemon has worked, in hundredths of a second.
ticks() {
  awk '{ print $14 + $15 }' "/proc/$DAEMON/stat"
}

@test "pipes that are closed early, ids that nobody reads, an end before all" {
  command_is <<'END'
#!/bin/bash
case $INGEST_ATTEMPT in
1) exec 0<&- 1>&- 2>&-; sleep 0.3; exit 3 ;;
2) exit 4 ;;
3) sleep 0.3; exit 5 ;;
esac
END
  start_daemon --handler "exec:$COMMAND" --batch-size 10000
  id=$(ctl submit 1-10000)
  wait_status "$id" completed
  log_has 'reason="exit status 3"'
  log_has 'reason="exit status 4"'
  log_has 'reason="exit status 5"'
}

# Kilobytes that the daemon has in memory at most so far.
peak() {
  awk '/VmHWM/ { print $2 }' "/proc/$DAEMON/status"
}

@test "a gigabyte on stdout: beginning and end are kept, memory and answers are not touched" {
  local before slowest=0 begin took

  [ "$VARIANT" = release ] || skip "a figure of the release build"
  command_is <<'END'
#!/bin/bash
echo begin
head -c 1000000000 /dev/zero | tr '\0' x
echo
echo end
END
  run_command
  before=$(peak)
  until has_status "$id" completed; do
    begin=$(milliseconds)
    ctl ping >/dev/null
    took=$(($(milliseconds) - begin))
    slowest=$((took > slowest ? took : slowest))
  done
  [ $(($(peak) - before)) -lt 4096 ] || fail "memory: $before KiB before, $(peak) KiB after"
  [ "$slowest" -lt 1000 ] || fail "an answer took $slowest ms"
  [ "$(ctl status -v --json "$id" | e2e json '(lambda o: (o["bytes"], o["text"][:8], o["text"][-6:]))(d["batches"][0]["stdout"])')" = \
    "(1000000011, 'begin\\nxx', 'x\\nend\\n')" ]
}

@test "lines without end, and millions of short ones, are no trouble" {
  command_is <<'END'
#!/bin/bash
head -c 3000000 /dev/zero
echo
yes | head -n 500000
yes 7 | head -n 500000 >&2
printf '1\tfail\tso it is\n'
END
  run_command --max-attempts 1
  wait_status "$id" failed
  log_has 'reason="id 1: so it is"'
  [ "$(ctl status -v --json "$id" | e2e json 'd["batches"][0]["stdout"]["bytes"], d["batches"][0]["stderr"]["bytes"]')" = "(4000001, 1000000)" ]
}

have_descriptors() {
  [ "$(descriptors)" -eq "$1" ]
}

@test "a hundred runs leave no descriptors and no children" {
  local before

  command_is <<'END'
#!/bin/sh
case $((INGEST_BATCH_INDEX % 4)) in
0) cat ;;
1) echo x >&2; setsid sleep 1000 & ;;
2) sleep 1000 & ;;
esac
END
  daemon_flags --rate 1/1ms --settle 0 --concurrency 4 --batch-size 1
  run_command
  wait_status "$id" completed
  before=$(descriptors)
  id=$(ctl submit 1-100)
  wait_status "$id" completed 40
  # A connection may just be ending.
  wait_until 5 have_descriptors "$before" || fail "$before descriptors before, $(descriptors) after"
  assert_no_children
}

@test "many at a time, each with its own ids" {
  command_is <<'END'
#!/bin/sh
sleep 0.2
sed 's/$/\tfail/'
END
  start_daemon --handler "exec:$COMMAND" --rate 1/1ms --concurrency 50 --batch-size 1
  id=$(ctl submit 1-100)
  wait_status "$id" failed 40
  [ "$(ctl status --json "$id" | e2e json 'd["counts"]["ids_failed"], d["counts"]["attempts"]')" = "(100, 100)" ]
}

# ---- a daemon that is killed ----

# A command that takes note of when it begins and ends, with a child that does the same.
command_notes() {
  command_is <<END
#!/bin/bash
trap '$1' TERM
note() {
  echo "\$1 \$INGEST_ATTEMPT \$EPOCHREALTIME" >>"\$2/notes"
}
if [ -e "\$1/go" ]; then
  note begin "\$1"
  exit 0
fi
setsid bash -c '
  trap "$1" TERM
  while :; do echo "alive \$INGEST_ATTEMPT \$EPOCHREALTIME" >>"\$1/notes"; sleep 0.02; done' - "\$1" &
echo \$\$ >"\$1/leader"
echo \$! >"\$1/child"
while :; do note alive "\$1"; sleep 0.02; done
END
}

# The last sign of life of the first attempt comes before the begin of the second.
assert_one_after_the_other() {
  awk '$1 == "alive" && $3 > last { last = $3 }
    $1 == "begin" { begin = $3 }
    END { exit !(last && begin && last < begin) }' "$DIR/notes" || fail "$(tail -n 5 "$DIR/notes")"
}

killed_daemon() {
  run_command
  wait_until 20 test -s "$DIR/child"
  wait_until 20 grep -q alive "$DIR/notes"
  kill_daemon
  [ -e "/proc/$(<"$DIR/leader")" ] && [ -e "/proc/$(<"$DIR/child")" ]
  touch "$DIR/go"
}

@test "kill -9: its commands are ended before the batch runs again" {
  command_notes "exit 1"
  killed_daemon
  start_daemon --handler "exec:$COMMAND $DIR"
  wait_status "$id" completed
  wait_gone "$DIR/leader" "$DIR/child"
  assert_one_after_the_other
  log_has 'msg="ending processes of a daemon that was killed" processes='
}

@test "kill -9: also those that ignore TERM, after the grace time; meanwhile it answers" {
  command_notes ""
  killed_daemon
  start_daemon --handler "exec:$COMMAND $DIR" --exec-grace 1s
  begin=$(milliseconds)
  ctl ping
  [ $(($(milliseconds) - begin)) -lt 800 ]
  [ "$(status_of "$id")" = triggered ]
  wait_status "$id" completed
  wait_gone "$DIR/leader" "$DIR/child"
  assert_one_after_the_other
}

@test "kill -9: a daemon that is stopped while it ends them stops" {
  command_notes ""
  killed_daemon
  start_daemon --handler "exec:$COMMAND $DIR" --exec-grace 1h
  wait_log "ending processes of a daemon that was killed"
  stop_daemon
  [ "$(starts | wc -l)" -eq 1 ]
  start_daemon --handler "exec:$COMMAND $DIR" --exec-grace 0
  wait_status "$id" completed
  wait_gone "$DIR/leader" "$DIR/child"
}

@test "commands of another node are left alone" {
  command_is <<'END'
#!/bin/sh
echo $$ >"$1/leader"
[ -e "$1/go" ] || exec sleep 3
END
  run_command
  wait_until 20 test -s "$DIR/leader"
  touch "$DIR/go"
  "$BUILD/ingestd" --socket "$DIR/sock2" --store "sqlite:$DIR/db2" --rate 1/50ms --handler exec:true \
    >>"$DIR/log2" 2>&1 </dev/null 3>&- &
  COMPANIONS+=($!)
  other=$(INGESTD_SOCKET=$DIR/sock2 wait_for_other)
  [ -e "/proc/$(<"$DIR/leader")" ] || fail "it was ended"
  [ -n "$other" ]
  wait_status "$id" completed
}

@test "commands of a living daemon are left alone, even if the store is a copy of its own" {
  only_sqlite
  command_is <<'END'
#!/bin/sh
sleep 1000 &
echo $! >"$1/child"
echo $$ >"$1/leader"
until [ -e "$1/go" ]; do sleep 0.05; done
END
  run_command --max-attempts 1
  wait_until 20 test -s "$DIR/leader"
  sqlite3 "$STORE" "VACUUM INTO '$DIR/db2'"
  "$BUILD/ingestd" --socket "$DIR/sock2" --store "sqlite:$DIR/db2" --rate 1/50ms --handler exec:true \
    >>"$DIR/log2" 2>&1 </dev/null 3>&- &
  COMPANIONS+=($!)
  other=$(wait_for_other)
  [ -n "$other" ]
  [ -e "/proc/$(<"$DIR/leader")" ] && [ -e "/proc/$(<"$DIR/child")" ] || fail "they were ended"
  touch "$DIR/go"
  wait_status "$id" completed
}

# Another daemon has recovered: it completes something.
wait_for_other() {
  wait_until 20 "$BUILD/ingestctl" --socket "$DIR/sock2" ping >/dev/null
  "$BUILD/ingestctl" --socket "$DIR/sock2" submit --wait 1
}
