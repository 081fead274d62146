# Ending while the disk takes nothing: the grace time holds all the same.

load ../lib/daemon

setup() {
  daemon_setup
  export FULLDISK_FLAG=$DIR/full
}
teardown() { daemon_teardown; }

@test "a full disk does not hold up the end: the batch runs again after the next start" {
  only_sqlite "the disk of a server is not seen"
  preload_daemon fulldisk --handler simulate:delay=500ms --shutdown-grace 1s
  await_daemon
  id=$(ctl submit 1)
  wait_starts 1
  wait_until 10 start_is_recorded "$id"
  touch "$FULLDISK_FLAG"
  wait_log 'the store did not take an outcome'
  kill "$DAEMON"
  expect_exit 0
  log_has "an outcome is lost"

  rm "$FULLDISK_FLAG"
  start_daemon
  wait_status "$id" completed
  [ "$(starts | cut -d ' ' -f 3 | tr '\n' ' ')" = "1 2 " ]
}

start_is_recorded() {
  [[ $(ctl status --json "$1") == *'"started_at"'* ]]
}

@test "another program's lock on the database holds up neither the others nor the end" {
  only_sqlite
  start_daemon --settle 10m --shutdown-grace 1s
  coproc LOCK { exec sqlite3 "$STORE" 3>&-; }
  COMPANIONS+=("$LOCK_PID")
  echo 'BEGIN IMMEDIATE; SELECT 1;' >&"${LOCK[1]}"
  read -rt 10 _ <&"${LOCK[0]}"
  # All of a turn fail together: 40 submissions do not take 40 times the time of one.
  python3 -S -E - "$SOCKET" <<'PY'
import json, socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(40)
client.connect(sys.argv[1])
line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "submit",
                   "params": {"ids": [1], "priority": "LOW"}}).encode() + b"\n"
client.sendall(line * 40)
reader = client.makefile("r")
for _ in range(40):
    assert json.loads(reader.readline())["error"]["data"]["code"] == "busy"
PY
  daemon_answers
  kill "$DAEMON"
  expect_exit 0
}

@test "a store that fails ends the daemon, and who waits for news is told" {
  only_sqlite "it is about the file of SQLite: fsync of the daemon fails"
  export FAILSYNC_FLAG=$DIR/fail
  preload_daemon failsync --settle 10m
  await_daemon
  id=$(ctl submit 1)
  python3 -S -E - "$SOCKET" "$id" "$DIR/waiting" >"$DIR/reply" 3>&- <<'PY' &
import json, socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(30)
client.connect(sys.argv[1])
lines = [{"jsonrpc": "2.0", "id": 1, "method": "status",
          "params": {"ingestion_id": sys.argv[2], "wait_ms": 600000}},
         {"jsonrpc": "2.0", "id": 2, "method": "ping"}]
client.sendall("".join(json.dumps(line) + "\n" for line in lines).encode())
reader = client.makefile("r")
reader.readline() # the ping overtakes
open(sys.argv[3], "w").close()
print(reader.readline(), end="")
PY
  waiter=$!
  COMPANIONS+=("$waiter")
  wait_until 20 test -e "$DIR/waiting"
  touch "$FAILSYNC_FLAG"
  refuses 5 unknown -- ctl submit 2
  expect_exit 1
  wait "$waiter"
  [[ $(<"$DIR/reply") == *'"code":"busy"'* ]] || fail "$(<"$DIR/reply")"
}
