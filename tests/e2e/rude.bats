# Clients that misbehave: they are told so, or dropped, and nobody else notices.

load ../lib/daemon
load ../lib/rude

setup() {
  daemon_setup
  daemon_flags --settle 10m
}

teardown() { daemon_teardown; }

ping='{"jsonrpc":"2.0","id":1,"method":"ping"}'

# An ingestion whose status pages have half a megabyte each.
submit_long() {
  ctl submit --priority LOW 1000000000000-1000000029999
}

status_request() {
  echo '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"'"$1"'"}}'
}

@test "2 MiB without a newline: too_large, and the end" {
  local answer before

  start_daemon
  open_bystander
  before=$(rss)
  answer=$(head -c 2097152 /dev/zero | tr '\0' x | rude send)
  [[ $answer == '{"jsonrpc":"2.0","id":null,'*'"code":"too_large"'* ]] || fail "$answer"
  [[ $answer == *1048576*max-message-bytes* ]] || fail "$answer"
  bystander_is_quick
  rss_grew_less "$before" 8000
  [ "$(limit_of max-message-bytes hits)" -eq 1 ]
  [ "$(stats "s['connections']['dropped']")" -eq 1 ]
  connections_are 1
}

@test "who is refused and reads late gets the answers to what was asked before" {
  start_daemon --batch-size 1000 --max-message-bytes 1k
  status_request "$(submit_long)" >"$DIR/request"
  # Longer than what comes behind the refusal is thrown away.
  (cat "$DIR/request"; head -c 2000 /dev/zero | tr '\0' x) | rude send 7 >"$DIR/answers"
  grep -q '"code":"too_large"' "$DIR/answers"
  grep '"result"' "$DIR/answers" | e2e json 'd["result"]["status"]'
}

@test "binary garbage" {
  local seed

  start_daemon
  open_bystander
  for seed in 1 2 3 4 5; do
    python3 -S -E -c 'import random, sys
sys.stdout.buffer.write(b"{" + random.Random(int(sys.argv[1])).randbytes(400000))' "$seed" |
      rude send >"$DIR/answers"
    # Each line of it is refused, whatever it is.
    [ "$(grep -c '"code":"parse_error"' "$DIR/answers")" -ge 1000 ]
    ! grep -v '"error"' "$DIR/answers" || fail "something was understood"
    bystander_is_quick
  done
  # A line without an end, of bytes that are no text.
  [[ $(head -c 3000000 /dev/zero | rude send) == *'"too_large"'* ]]
  [ "$(stats "s['requests']['errors']")" -ge 5000 ]
}

@test "half a request, then silence: an error after --request-timeout, and the end" {
  local answer start=${EPOCHREALTIME/./} took

  start_daemon --request-timeout 600ms
  open_bystander
  # A second line has a time of its own; the first one is answered.
  answer=$(printf '%s\n%s' "$ping" "${ping%??}" | (cat; sleep 20) 3>&- | nc -U "$SOCKET")
  took=$((${EPOCHREALTIME/./} - start))
  [[ $answer == *'"pong":true'*'"id":null'*'"code":"invalid"'* ]] || fail "$answer"
  [[ $answer == *'600 ms'*request-timeout* ]] || fail "$answer"
  [ "$took" -ge 600000 ] || fail "after $took us already"
  bystander_is_quick
  [ "$(limit_of request-timeout hits)" -eq 1 ]
  connections_are 1
}

@test "a byte now and then does not put --request-timeout off" {
  local answer

  start_daemon --request-timeout 600ms
  answer=$(rude trickle '{"jsonrpc":"2.0","id":1,')
  [[ $answer == *'"code":"invalid"'* && $answer == *request-timeout* ]] || fail "$answer"
}

@test "who is idle, or waits for an answer, is not late" {
  local id wait

  start_daemon --request-timeout 100ms
  open_bystander
  id=$(ctl submit 1)
  wait='{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"'"$id"'","wait_ms":2500,"until":"final"}}'
  [[ $( (echo "$wait"; sleep 4) 3>&- | nc -U -q 0 "$SOCKET") == *'"status":"yet_to_start"'* ]]
  bystander_works
  [ "$(limit_of request-timeout hits)" -eq 0 ]
}

@test "disconnecting after every byte of a request" {
  local submit='{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[1],"priority":"LOW"}}'

  start_daemon
  open_bystander
  rude cut "$ping"
  rude cut "$submit"$'\n'"$ping"$'\n'
  bystander_is_quick
  wait_until 5 connections_are 1
  is_not_spinning
}

@test "100000 requests at once without reading an answer" {
  local before

  start_daemon
  open_bystander
  before=$(rss)
  rude_stays flood 100000 "$ping"
  [ "$RUDE_LINE" -lt 100000 ] || fail "all of it was read"
  bystander_is_quick
  rss_grew_less "$before" 8000
  is_not_spinning
  limit_was_hit max-unsent-bytes
  rude_leaves
  wait_until 5 connections_are 1
}

@test "100000 requests at once, the answers read late: all are there" {
  start_daemon
  [ "$(rude flood 100000 "$ping" read)" -eq 100000 ]
}

@test "2000 connections: those that are too many for a user are told so" {
  local before

  start_daemon --max-connections 1000 --max-connections-per-uid 500
  open_bystander
  before=$(rss)
  rude_stays hold 2000
  [ "$RUDE_LINE" = "limited=1501 open=499" ] || fail "$RUDE_LINE"
  bystander_is_quick
  is_not_spinning
  rss_grew_less "$before" 12000
  # What they sent would destroy the answer, if it were not read.
  [[ $(ctl ping 2>&1) == *"500 connections of uid $(id -u) already, and max-connections-per-uid is 500"* ]]
  rude_leaves
  wait_until 5 ctl ping
  [ "$(limit_of max-connections-per-uid hits)" -ge 1502 ]
  [ "$(stats "s['connections']['refused']")" -ge 1502 ]
  [ "$(stats "s['connections']['accepted']")" -ge 501 ]
  connections_are 1
}

@test "2000 connections: those that are too many altogether are told so" {
  local before

  start_daemon --max-connections 600
  open_bystander
  before=$(rss)
  rude_stays hold 2000 "$ping"$'\n'
  [ "$RUDE_LINE" = "answered=599 limited=1401" ] || fail "$RUDE_LINE"
  bystander_is_quick
  rss_grew_less "$before" 16000
  rude_leaves
  wait_until 5 ctl ping
  limit_was_hit max-connections 1400
  [ "$(limit_of max-connections-per-uid hits)" -eq 0 ]
}

@test "a user with too many connections takes none from another one" {
  [ "$(id -u)" -eq 0 ] || skip "only root can be two users"
  chmod 711 "$DIR"
  start_daemon --max-connections-per-uid 20 --socket-group nogroup
  python3 -S -E - "$SOCKET" <<'PY'
import os, socket, sys
os.setegid(65534), os.seteuid(65534)
clients = []
for _ in range(50):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(sys.argv[1])
    clients.append(client)
answers = [client.recv(4096) for client in clients[20:]]
assert all(b"connections of uid 65534 already" in answer for answer in answers), answers
os.seteuid(0)
other = socket.socket(socket.AF_UNIX)
other.settimeout(20)
other.connect(sys.argv[1])
other.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
assert b"pong" in other.recv(4096)
PY
}

@test "descriptors run out: who comes is told so, nothing spins, and it passes" {
  start_daemon --max-connections 5000
  open_bystander
  # As many as it has open now, and twenty.
  prlimit --pid "$DAEMON" --nofile=$(($(find "/proc/$DAEMON/fd" -mindepth 1 | wc -l) + 20)):
  rude_stays hold 200
  [[ $RUDE_LINE =~ ^limited=1[78][0-9]\ open=[12][0-9]$ ]] || fail "$RUDE_LINE"
  bystander_is_quick
  is_not_spinning
  [[ $(ctl ping 2>&1) == *"no descriptor left"* ]]
  rude_leaves
  wait_until 5 ctl ping
  limit_was_hit descriptors 170
  log_has 'no descriptor left'
  # Not a line of the log for each of them.
  [ "$(grep -c 'no descriptor left' "$LOG")" -lt 20 ]
}

@test "descriptors run out and the reserve is lost: it passes, too" {
  start_daemon
  open_bystander
  prlimit --pid "$DAEMON" --nofile=3:
  (rude hold 3 >"$DIR/rude") 3>&- &
  COMPANIONS+=("$!")
  is_not_spinning
  bystander_is_quick
  wait_log "cannot accept connections for now"
  prlimit --pid "$DAEMON" --nofile=100:
  wait_until 10 ctl ping
  wait_until 5 grep -q '^open=3$' "$DIR/rude" || fail "$(<"$DIR/rude")"
}

@test "too few descriptors for --max-connections: fewer are taken" {
  ulimit -n 100
  start_daemon
  log_has 'too few descriptors for max-connections'
  [ "$(limit_of max-connections limit)" -eq 36 ]
  [ "$(limit_of descriptors limit)" -eq 100 ]
  open_bystander
  rude_stays hold 60
  [ "$RUDE_LINE" = "limited=25 open=35" ] || fail "$RUDE_LINE"
  bystander_is_quick
  rude_leaves
}

@test "the limit of descriptors is raised for --max-connections" {
  ulimit -S -n 100
  start_daemon --max-connections 300
  [ "$(limit_of max-connections limit)" -eq 300 ]
  [ "$(limit_of descriptors limit)" -eq 364 ]
}

@test "a reader that stops in the middle of 50 MB of pages is dropped after --send-timeout" {
  local id before

  start_daemon --send-timeout 2s --batch-size 1000
  id=$(submit_long)
  open_bystander
  before=$(rss)
  rude_stays flood 100 "$(status_request "$id")"
  bystander_is_quick
  is_not_spinning
  rss_grew_less "$before" 16000
  wait_until 10 connections_are 1
  limit_was_hit send-timeout
  [ "$(stats "s['connections']['dropped']")" -eq 1 ]
  log_has 'connection dropped'
  [ "$(limit_of max-reply-bytes used)" -lt 10000 ]
}

@test "a reader that is slow but reads is not dropped" {
  local id

  start_daemon --send-timeout 1s --batch-size 1000
  id=$(submit_long)
  python3 -S -E - "$SOCKET" "$(status_request "$id")" <<'PY'
import socket, sys, time
client = socket.socket(socket.AF_UNIX)
client.settimeout(20)
client.connect(sys.argv[1])
client.sendall(sys.argv[2].encode() + b"\n" + sys.argv[2].encode() + b"\n")
lines = 0
start = time.monotonic()
while lines < 2:
    data = client.recv(100000)
    assert data
    lines += data.count(b"\n")
    time.sleep(0.4)
assert time.monotonic() - start > 3
PY
  [ "$(limit_of send-timeout hits)" -eq 0 ]
}
