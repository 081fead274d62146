# Long polls: a status whose answer is held back until there is news.

load ../lib/daemon

setup() { daemon_setup; }
teardown() { daemon_teardown; }

# ask PARAMS...: one status request with these further params; prints the reply.
ask() {
  rpc_open "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":{\"ingestion_id\":\"$ID\",$1}}"
}

# Sends a line on a connection that stays open on our side until the reply has come.
rpc_open() {
  python3 -S -E - "$SOCKET" "$1" <<'PY'
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(30)
client.connect(sys.argv[1])
client.sendall(sys.argv[2].encode() + b"\n")
print(client.makefile("r").readline(), end="")
PY
}

@test "until final: the answer comes when the ingestion has ended" {
  start_daemon --rate 1/200ms
  ID=$(ctl submit 1-6)
  run ask '"wait_ms":30000,"until":"final"'
  [[ $output == *'"status":"completed"'* ]]
  # Not later than necessary: the time of the poll has not been used up.
  [ "$SECONDS" -lt 25 ]
}

@test "until change: the answer has a newer version than the one that is known" {
  start_daemon --rate 1/300ms --settle 1500ms --handler simulate:delay=5s
  ID=$(ctl submit 1)
  run ask '"wait_ms":30000,"since":1'
  [[ $output == *'"status":"triggered"'* ]]
  [[ $output == *'"version":2'* || $output == *'"version":3'* ]]
}

@test "until change: a version that is old already is answered at once" {
  start_daemon
  ID=$(ctl submit 1)
  ctl wait "$ID"
  run ask '"wait_ms":3600000,"since":1'
  [[ $output == *'"status":"completed"'* ]]
}

@test "without news the answer comes when the time is over" {
  start_daemon --settle 1h
  ID=$(ctl submit 1)
  run ask '"wait_ms":200,"until":"final"'
  [[ $output == *'"status":"yet_to_start"'* ]]
}

@test "an unknown ingestion is refused at once" {
  start_daemon
  ID=00000000-0000-7000-8000-000000000000
  run ask '"wait_ms":3600000'
  [[ $output == *'"code":"not_found"'* ]]
}

@test "the end of input ends the wait, and the answer still comes" {
  start_daemon --settle 1h
  ID=$(ctl submit 1)
  run rpc "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":{\"ingestion_id\":\"$ID\",\"wait_ms\":3600000}}"
  [[ $output == *'"status":"yet_to_start"'* ]]
}

# Sockets that the daemon has open.
sockets() {
  find "/proc/$DAEMON/fd" -lname 'socket:*' 2>/dev/null | wc -l
}

has_more_sockets_than() {
  [ "$(sockets)" -gt "$1" ]
}

has_sockets() {
  [ "$(sockets)" -eq "$1" ]
}

@test "who waits and goes away leaves nothing behind, and who waits does not hold up a shutdown" {
  start_daemon --settle 1h
  ID=$(ctl submit 1)
  idle=$(sockets)
  for _ in 1 2 3 4 5; do
    "$BUILD/ingestctl" --socket "$SOCKET" wait "$ID" 3>&- &
    waiter=$!
    wait_until 20 has_more_sockets_than "$idle"
    kill -9 "$waiter"
    wait "$waiter" || true
    wait_until 20 has_sockets "$idle"
  done
  "$BUILD/ingestctl" --socket "$SOCKET" wait "$ID" 3>&- 2>/dev/null &
  waiter=$!
  wait_until 20 has_more_sockets_than "$idle"
  stop_daemon
  kill "$waiter"
}

@test "200 waiters for one ingestion all hear of its end" {
  start_daemon --settle 500ms
  ID=$(ctl submit 1)
  python3 -S -E - "$SOCKET" "$ID" <<'PY'
import json, socket, sys
request = {"jsonrpc": "2.0", "id": 1, "method": "status",
           "params": {"ingestion_id": sys.argv[2], "wait_ms": 60000, "until": "final"}}
clients = []
for _ in range(200):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(40)
    client.connect(sys.argv[1])
    client.sendall(json.dumps(request).encode() + b"\n")
    clients.append(client)
for client in clients:
    assert json.loads(client.makefile("r").readline())["result"]["status"] == "completed"
PY
}

@test "wrong members are refused with the limit" {
  start_daemon
  ID=$(ctl submit 1)
  run ask '"wait_ms":-1'
  [[ $output == *'\"wait_ms\" must be an integer from 0 to 3600000'* ]]
  run ask '"wait_ms":3600001'
  [[ $output == *'must be an integer from 0 to 3600000'* ]]
  run ask '"since":1.5'
  [[ $output == *'\"since\" must be the version of a status'* ]]
  run ask '"until":"later"'
  [[ $output == *'\"until\" must be \"change\" or \"final\"'* ]]
}

@test "a client that waits asks seldom" {
  start_daemon --rate 1/1s --handler simulate:delay=10ms --log-level debug
  ID=$(ctl submit 1-6)
  ctl wait "$ID"
  # Two batches, three changes each, and the first question.
  [ "$(grep -c 'msg=request method=status' "$LOG")" -le 7 ]
}
