# The handler exec: what a command is given, what it can say, how it ends.

load ../lib/daemon

setup() {
  daemon_setup
  daemon_flags --rate 1/50ms --settle 0 --retry-base 100ms --retry-max 100ms
  COMMAND=$DIR/command
}

teardown() {
  daemon_teardown
}

# Makes the command of the test from stdin.
command_is() {
  cat >"$COMMAND"
  chmod +x "$COMMAND"
}

# A daemon with the command of the test, and an ingestion of these ids: runs_once ID... [-- FLAG...]
run_ids() {
  local ids=()

  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    ids+=("$1")
    shift
  done
  start_daemon --handler "exec:$COMMAND $DIR" "${@:2}"
  id=$(ctl submit "${ids[@]}")
}

# What status says of the first batch: batch EXPRESSION
batch() {
  ctl status -v --json "$id" | e2e json "d['batches'][0]$1"
}

# Outcome and error of each id: ID OUTCOME ERROR
outcomes() {
  ctl report --json "$id" |
    python3 -S -E -c 'import json, sys
for line in sys.stdin:
  d = json.loads(line)
  print(d["id"], d["outcome"], d.get("error", "-"))'
}

attempts_have_failed() {
  [ "$(grep -c 'msg="attempt failed"' "$LOG")" -ge "$1" ]
}

# ---- what it is given ----

@test "ids come on stdin, one per line, exactly" {
  command_is <<'END'
#!/bin/sh
cat >>"$1/ids"
echo . >>"$1/ids"
END
  run_ids 9223372036854775807 1 9007199254740993 7
  wait_status "$id" completed
  [ "$(<"$DIR/ids")" = $'9223372036854775807\n1\n9007199254740993\n.\n7\n.' ]
}

@test "a list as long as it can be comes whole" {
  command_is <<'END'
#!/bin/sh
sleep 0.2 # the daemon does not wait for who reads late
sha256sum >"$1/sum"
END
  start_daemon --handler "exec:$COMMAND $DIR" --batch-size 10000
  id=$(ctl submit 9223372036854765808-9223372036854775807)
  wait_status "$id" completed
  [ "$(<"$DIR/sum")" = "$(seq 9223372036854765808 9223372036854775807 | sha256sum)" ]
}

@test "the environment is that of the daemon without its own, and the run" {
  command_is <<'END'
#!/usr/bin/python3 -SE
import os, sys
os.rename(sys.argv[1] + "/none", sys.argv[1] + "/env")
with open("/proc/self/environ") as f, open(sys.argv[1] + "/env", "w") as to:
    to.write("\n".join(sorted(f.read().split("\0"))))
END
  touch "$DIR/none"
  INGESTD_MAX_ID=1000 INGEST_SECRET=x NOTIFY_SOCKET=/x LISTEN_FDS=1 LISTEN_PID=1 LISTEN_FDNAMES=x \
    WATCHDOG_USEC=1 FAVOURITE="a b" start_daemon --handler "exec:$COMMAND $DIR"
  id=$(ctl submit --priority HIGH --label 'x = "y"' 5)
  wait_status "$id" completed
  node=$(sed -n 's/.*msg="store opened".* node=\([^ ]*\).*/\1/p' "$LOG")
  batch_id=$(batch '["batch_id"]')
  grep -x "FAVOURITE=a b" "$DIR/env"
  [ "$(grep -E '^(INGEST|NOTIFY|LISTEN|WATCHDOG)' "$DIR/env")" = "INGEST_ATTEMPT=1
INGEST_BATCH_ID=$batch_id
INGEST_BATCH_INDEX=0
INGEST_ID=$id
INGEST_LABEL=x = \"y\"
INGEST_NODE=$node
INGEST_PRIORITY=HIGH" ] || fail "$(<"$DIR/env")"
}

@test "no descriptors, no signals, no group of the daemon are inherited" {
  command_is <<'END'
#!/usr/bin/python3 -SE
import os, sys
with open(sys.argv[1] + "/seen", "w") as to:
    # The list of descriptors is one itself, and so is this file.
    print(sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-2], file=to)
    for line in open("/proc/self/status"):
        if line.startswith(("SigBlk", "SigIgn")):
            print(line.split(), file=to)
    print(os.getpgrp() == os.getpid(), file=to)
    for fd in 1, 2:
        print(os.readlink("/proc/self/fd/%d" % fd)[:5], os.get_blocking(fd), file=to)
END
  # What python3 ignores by itself is not of interest.
  sed -i '2s/^/import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n/' "$COMMAND"
  run_ids 1
  wait_status "$id" completed
  [ "$(<"$DIR/seen")" = "[0, 1, 2]
['SigBlk:', '0000000000000000']
['SigIgn:', '0000000000000000']
True
pipe: True
pipe: True" ] || fail "$(<"$DIR/seen")"
}

@test "the limit of descriptors is the one that the daemon was started with" {
  command_is <<'END'
#!/bin/bash
echo "$(ulimit -Sn) $(ulimit -Hn)" >"$1/nofile"
END
  ulimit -Sn 300
  run_ids 1
  wait_status "$id" completed
  # The daemon has raised its own.
  [ "$(awk '/Max open files/ { print $4 }' "/proc/$DAEMON/limits")" -gt 300 ]
  [ "$(<"$DIR/nofile")" = "300 $(ulimit -Hn)" ] || fail "$(<"$DIR/nofile")"
}

@test "the umask is the one that the daemon was started with" {
  command_is <<'END'
#!/bin/bash
umask >"$1/umask"
END
  umask 0027
  run_ids 1
  wait_status "$id" completed
  [ "$(<"$DIR/umask")" = 0027 ] || fail "$(<"$DIR/umask")"
  [ "$STORE_KIND" != sqlite ] || [ "$(stat -c %a "$STORE")" = 600 ]
}

@test "--exec-limits and --exec-nice are in force" {
  command_is <<'END'
#!/bin/bash
{
  nice
  for limit in v c t d f n u s; do echo "$limit $(ulimit -S$limit) $(ulimit -H$limit)"; done
} >"$1/limits"
END
  run_ids 1 -- --exec-nice 7 --exec-limits as=4g,core=0,cpu=77,data=3g,fsize=5m,nofile=99,nproc=12345,stack=4m
  wait_status "$id" completed
  [ "$(<"$DIR/limits")" = "$(($(nice) + 7))
v 4194304 4194304
c 0 0
t 77 77
d 3145728 3145728
f 5120 5120
n 99 99
u 12345 12345
s 4096 4096" ] || fail "$(<"$DIR/limits")"
}

@test "new values count after SIGHUP, wrong ones change nothing" {
  command_is <<'END'
#!/bin/bash
ulimit -Sn >>"$1/limits"
END
  echo "exec-limits = nofile=50" >"$DIR/conf"
  run_ids 1 -- --config "$DIR/conf"
  wait_status "$id" completed
  echo "exec-limits = nofile=60" >"$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log msg=reloaded
  id=$(ctl submit 1)
  wait_status "$id" completed
  echo "exec-limits = nofile=lots" >"$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log 'exec-limits: nofile: \"lots\" is not a number'
  id=$(ctl submit 1)
  wait_status "$id" completed
  [ "$(<"$DIR/limits")" = $'50\n60\n60' ]
}

@test "words are those of a shell, and no shell is involved" {
  start_daemon --handler "exec:touch '$DIR/a b' $DIR/c\\ d"
  id=$(ctl submit 1)
  wait_status "$id" completed
  [ -e "$DIR/a b" ] && [ -e "$DIR/c d" ]
}

# ---- a command that cannot be run ----

# refused_spec SPEC PART...: at --check-config and at the start
refused_spec() {
  local spec=$1

  shift
  refuses 2 "$@" -- "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" --handler "$spec" --check-config
  refuses 2 "$@" -- "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" --handler "$spec"
  [ ! -e "$STORE" ]
}

@test "what cannot be run is refused at once" {
  refused_spec "exec:/no/such/thing x" "/no/such/thing" "/no/such/thing x" "No such file or directory"
  refused_spec "exec:no-such-command" "no-such-command" PATH
  refused_spec "exec:$DIR" "$DIR" "it is a directory"
  touch "$DIR/plain"
  refused_spec "exec:$DIR/plain" "$DIR/plain" "it is not executable"
  refused_spec "exec:" "has no command"
  refused_spec "exec" "has no command"
  refused_spec "exec:cat | cat" "cat | cat" "no shell is involved"
  refused_spec "exec:echo \$(id)" "command substitution"
  refused_spec "exec:echo \$NO_SUCH_VARIABLE" "variable that is not set"
  # shellcheck disable=SC2016 # it is not for this shell
  EMPTY='' refused_spec 'exec:echo x "$EMPTY"' 'echo x "$EMPTY"' "variable in quotes that is empty"
}

@test "without /proc it is refused at once" {
  local alone=(unshare -m sh -c "umount -l /proc && exec \"\$@\"" -)

  "${alone[@]}" "$BUILD/ingestd" --version || skip "/proc cannot be taken away here"
  refuses 2 "it needs /proc" -- "${alone[@]}" "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" \
    --handler exec:true --check-config
}

@test "a command that vanishes fails its attempts, and the daemon lives" {
  command_is <<'END'
#!/bin/sh
END
  run_ids 1
  wait_status "$id" completed
  rm "$COMMAND"
  id=$(ctl submit 2)
  wait_log "reason=\"cannot run $COMMAND: No such file or directory\"" 2
  command_is <<'END'
#!/bin/sh
END
  wait_status "$id" completed
}

@test "a script whose interpreter is missing, or which is none, says so" {
  command_is <<'END'
#!/no/such/interpreter
END
  run_ids 1 -- --max-attempts 1
  wait_status "$id" failed
  [ "$(outcomes)" = "1 failed cannot run $COMMAND: its interpreter: No such file or directory" ]
  echo "just text" >"$COMMAND"
  id=$(ctl submit 2)
  wait_status "$id" failed
  [ "$(outcomes)" = "2 failed cannot run $COMMAND: Exec format error" ]
}

@test "whatever bytes its path has, what failed can be read" {
  COMMAND=$DIR/$'c\xff\nd'
  command_is <<'END'
#!/no/such/\377
END
  sed -i $'s/.377/\xff/' "$COMMAND"
  start_daemon --handler "exec:'$COMMAND'" --max-attempts 1
  id=$(ctl submit 1)
  wait_status "$id" failed
  [ "$(outcomes)" = "1 failed cannot run $DIR/c??d: its interpreter: No such file or directory" ] ||
    fail "$(outcomes)"
}

# ---- what it says ----

@test "each id has the outcome of its line, the rest that of the exit status" {
  command_is <<'END'
#!/bin/sh
echo starting
printf '2\tfail\tno such user\n3\tretry\tbusy\n1\tfail\n'
printf '1\tok\n4711\tok\n'
exit 0
END
  run_ids 1 2 3 4 -- --batch-size 10 --max-attempts 2
  wait_status "$id" failed
  # The id that is not done is alone in the second attempt.
  [ "$(grep -o 'ids=[0-9]* boottime' "$LOG")" = $'ids=4 boottime\nids=1 boottime' ]
  [ "$(outcomes)" = "1 completed -
2 failed no such user
3 failed busy
4 completed -" ] || fail "$(outcomes)"
  log_has 'reason="2 of 4 ids were not done; id 2: no such user"'
}

@test "an exit status other than 0 is tried again, with the ids that are left" {
  command_is <<'END'
#!/bin/sh
printf '2\tok\r\n'
tr '\n' ' ' >>"$1/ids"
echo "$INGEST_ATTEMPT" >>"$1/ids"
echo "trouble $INGEST_ATTEMPT" >&2
[ "$INGEST_ATTEMPT" = 3 ]
END
  run_ids 1 2 3
  wait_status "$id" completed
  [ "$(<"$DIR/ids")" = $'1 2 3 1\n1 3 2\n1 3 3' ]
  log_has 'reason="exit status 1: trouble 1"'
  log_has 'reason="exit status 1: trouble 2"'
}

@test "exit status 75 and signals are told apart" {
  command_is <<'END'
#!/bin/sh
[ "$INGEST_ATTEMPT" = 1 ] && exit 75
kill -KILL $$
END
  run_ids 1 -- --max-attempts 2
  wait_status "$id" failed
  log_has 'reason="exit status 75"'
  [ "$(outcomes)" = "1 failed ended by signal 9 (Killed)" ]
}

@test "what it writes is kept, beginning and end" {
  command_is <<'END'
#!/bin/sh
echo begin
printf '1\tfail\tx\n'
head -c 5000 /dev/zero | tr '\0' x
printf '\nend\n\033[1m\377\n'
echo oops >&2
END
  run_ids 1 -- --exec-output 40
  wait_status "$id" failed
  [ "$(batch '["stdout"]["text"]')" = "begin
xxxxxxxxxxxxxx
[... 4977 bytes left out ...]
xxxxxxxxx
end
?[1m?" ] || fail "$(batch '["stdout"]')"
  [ "$(batch '["stdout"]["bytes"]')" = 5017 ]
  [ "$(batch '["stderr"]')" = "{'text': 'oops\\n', 'bytes': 5}" ]
}

# ---- how it ends ----

@test "who takes too long gets TERM, and so does its group" {
  command_is <<'END'
#!/bin/bash
exec 5>&2 2>/dev/null
bash -c 'trap "echo term >$1/term; exit" TERM; while :; do sleep 0.05; done' - "$1" &
trap 'until [ -s "$1/term" ]; do sleep 0.01; done; echo giving up >&5; exit 0' TERM
printf '2\tok\n'
while :; do sleep 0.05; done
END
  run_ids 1 2 -- --exec-timeout 500ms --max-attempts 1
  wait_status "$id" failed
  [ "$(outcomes)" = "1 failed timed out after 500ms: giving up
2 completed -" ] || fail "$(outcomes)"
}

@test "an orderly stop gives the attempt back" {
  command_is <<'END'
#!/bin/sh
echo "$INGEST_ATTEMPT" >>"$1/attempts"
[ -e "$1/go" ] || exec sleep 1000
END
  run_ids 1 2 -- --shutdown-grace 0
  wait_until 20 test -s "$DIR/attempts"
  stop_daemon
  log_has 'msg="batch interrupted"'
  touch "$DIR/go"
  start_daemon --handler "exec:$COMMAND $DIR"
  wait_status "$id" completed
  [ "$(<"$DIR/attempts")" = $'1\n1' ]
  [ "$(batch '["attempts"]')" = 1 ]
}

@test "a command that ends well after TERM has done its work" {
  command_is <<'END'
#!/bin/bash
trap 'exit 0' TERM
echo ready >"$1/ready"
while :; do sleep 0.05; done
END
  run_ids 1 -- --shutdown-grace 0
  wait_until 20 test -s "$DIR/ready"
  stop_daemon
  log_has 'msg="batch completed"'
}

@test "a second TERM kills at once" {
  command_is <<'END'
#!/bin/bash
trap '' TERM
echo ready >"$1/ready"
while :; do sleep 0.05; done
END
  run_ids 1 -- --shutdown-grace 0 --exec-grace 1h
  wait_until 20 test -s "$DIR/ready"
  kill "$DAEMON"
  wait_log msg=stopping
  sleep 0.3
  if daemon_is_gone; then fail "the grace time was not waited for"; fi
  kill "$DAEMON"
  expect_exit 0
  log_has 'msg="batch interrupted"'
}
