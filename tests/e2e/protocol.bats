# The socket as any program sees it: JSON-RPC 2.0, a message per line.

load ../lib/daemon

setup() {
  daemon_setup
  start_daemon --settle 10m
}

teardown() {
  daemon_teardown
}

ping='{"jsonrpc":"2.0","id":1,"method":"ping"}'
pong='{"jsonrpc":"2.0","id":1,"result":{"pong":true}}'

@test "one request with nc" {
  run bash -c "printf '%s\n' '$ping' | nc -NU '$SOCKET'"
  [ "$status" -eq 0 ]
  [ "$output" = "$pong" ]
}

@test "hello tells protocol, version, limits and features; it is optional" {
  local json

  json=$(rpc '{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"test"}}')
  [ "$(e2e json 'd["result"]["protocol"], sorted(d["result"]), sorted(d["result"]["limits"])' <<<"$json")" = \
    "(1, ['features', 'limits', 'protocol', 'version'], ['batch_size', 'max_id', 'max_ids', 'max_key_bytes', 'max_label_bytes', 'max_message_bytes'])" ] ||
    fail "$json"
  [[ $json == *'"max_message_bytes":1048576,"max_id":9223372036854775807,'* ]]
}

@test "version names the daemon and its libraries" {
  [ "$(rpc '{"jsonrpc":"2.0","id":1,"method":"version"}' | e2e json 'sorted(d["result"]["libraries"])')" = \
    "['cjson', 'libevent', 'sqlite']" ]
  [[ $(ctl version) == ingestctl*ingestd*SQLite* ]]
  [ "$(ctl version --json | e2e json 'd["client"]["version"] == d["daemon"]["version"]')" = True ]
  [ "$(ctl ping --json | e2e json 'd["pong"]')" = True ]
}

@test "ids are echoed as they were written" {
  local id

  for id in 0 -5 9007199254740993 123456789012345678901234567890 '"x"' '""' '"a\u00e9\/\"\n"' '"漢"' \
    "\"$(printf '%064d' 0)\""; do
    [ "$(rpc '{"jsonrpc":"2.0","id":'"$id"',"method":"ping"}')" = \
      '{"jsonrpc":"2.0","id":'"$id"',"result":{"pong":true}}' ] || fail "id $id"
    [[ $(rpc '{"jsonrpc":"2.0","id":'"$id"',"method":"frob"}') == '{"jsonrpc":"2.0","id":'"$id"',"error":'* ]] ||
      fail "id $id in an error"
  done
  for id in 1.5 1e3 null true '[]' '{}' "\"$(printf '%065d' 0)\""; do
    refuses_line invalid '{"jsonrpc":"2.0","id":'"$id"',"method":"ping"}' id
  done
}

@test "a message without id, another version, a batch: refused" {
  refuses_line invalid '{"jsonrpc":"2.0","method":"ping"}' id
  refuses_line invalid '{"jsonrpc":"1.0","id":1,"method":"ping"}' jsonrpc 2.0
  refuses_line invalid '{"id":1,"method":"ping"}' jsonrpc
  refuses_line invalid "[$ping,$ping]" batch
  refuses_line invalid '[]' batch
}

@test "pipelined requests all get their reply, errors included" {
  local n

  for n in $(seq 1000); do
    case $((n % 4)) in
      0) echo '{"jsonrpc":"2.0","id":'"$n"',"method":"ping"}' ;;
      1) echo '{"jsonrpc":"2.0","id":'"$n"',"method":"submit","params":{"ids":['"$n"'],"priority":"LOW"}}' ;;
      2) echo '{"jsonrpc":"2.0","id":'"$n"',"method":"frob"}' ;;
      3) echo '{"jsonrpc":"2.0","id":'"$n"',"method":"status","params":{"ingestion_id":"019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42"}}' ;;
    esac
  done >"$DIR/requests"
  nc -NU -w 20 "$SOCKET" <"$DIR/requests" >"$DIR/replies"
  seq 1000 | diff - <(sed -E 's/^\{"jsonrpc":"2.0","id":([0-9]+),.*/\1/' "$DIR/replies" | sort -n)
  [ "$(grep -c '"result":{"pong":true}' "$DIR/replies")" -eq 250 ]
  [ "$(grep -c '"ingestion_id"' "$DIR/replies")" -eq 250 ]
  # Writes of one connection are applied in order.
  grep -o '"id":[0-9]*,"result":{"ingestion_id":"[^"]*","seq":[0-9]*' "$DIR/replies" |
    sed -E 's/"id":([0-9]+),.*"seq":([0-9]+)/\1 \2/' | sort -n | cut -d ' ' -f 2 | diff <(seq 250) -
}

@test "a client that half-closes after its requests still gets all replies" {
  local n

  # More than a megabyte of replies, which the client reads late.
  rpc '{"jsonrpc":"2.0","id":0,"method":"submit","params":{"priority":"LOW","ids":['"$(seq -s , 3000)"']}}' >"$DIR/reply"
  id=$(e2e json 'd["result"]["ingestion_id"]' <"$DIR/reply")
  for n in $(seq 30); do
    echo '{"jsonrpc":"2.0","id":'"$n"',"method":"status","params":{"ingestion_id":"'"$id"'"}}'
  done | nc -NU -w 20 "$SOCKET" | (sleep 1; cat) >"$DIR/replies"
  [ "$(wc -l <"$DIR/replies")" -eq 30 ]
  [ "$(grep -c '"next_batch"\|"batches"' "$DIR/replies")" -eq 30 ]
  [ "$(wc -c <"$DIR/replies")" -gt 1000000 ]
}

@test "the last line may lack its newline; a truncated one gets parse_error" {
  [ "$(printf '%s' "$ping" | nc -NU -w 20 "$SOCKET")" = "$pong" ]
  [[ $(printf '%s\n%s' "$ping" "${ping%?????}" | nc -NU -w 20 "$SOCKET") == \
    "$pong"$'\n{"jsonrpc":"2.0","id":null,"error":'*'"parse_error"'* ]]
}

@test "blank lines are ignored, CRLF is white space" {
  [ "$(printf '\n\n  \n\r\n%s\r\n\n%s\n \t\n' "$ping" "$ping" | nc -NU -w 20 "$SOCKET")" = \
    "$pong"$'\n'"$pong" ]
  [ -z "$(printf '\n\n\n' | nc -NU -w 20 "$SOCKET")" ]
}

@test "a line of the largest size is read, however it is cut" {
  local padding

  padding=$(head -c $((1048576 - ${#ping})) /dev/zero | tr '\0' ' ')
  [ "$(printf '%s%s\n' "$padding" "$ping" | nc -NU -w 20 "$SOCKET")" = "$pong" ]
  [ "$( (for ((i = 0; i < ${#ping}; i++)); do printf '%s' "${ping:i:1}"; sleep 0.01; done; echo) |
    nc -NU -w 20 "$SOCKET")" = "$pong" ]
}

# Sends the file, as far as the other side takes it, and reads until that closes. nc(1) will not do: it
# gives up reading when the other side has closed before everything was sent.
send_all() {
  python3 -S -E -c '
import socket, sys
client = socket.socket(socket.AF_UNIX)
client.settimeout(20)
client.connect(sys.argv[1])
try:
    client.sendall(open(sys.argv[2], "rb").read())
except (BrokenPipeError, ConnectionResetError):
    pass
while True:
    try:
        data = client.recv(65536)
    except ConnectionResetError:
        break
    if not data:
        break
    sys.stdout.write(data.decode())
' "$SOCKET" "$1"
}

@test "a line that is too long gets too_large, and the connection is closed" {
  local reply

  # One byte more than the limit.
  { printf '%s' "$ping"; head -c $((1048576 - ${#ping} + 1)) /dev/zero | tr '\0' ' '; printf '\n%s\n' "$ping"; } >"$DIR/line"
  reply=$(send_all "$DIR/line")
  [[ $reply == '{"jsonrpc":"2.0","id":null,"error":'*1048576*'"too_large"'* ]] || fail "$reply"
  [ "$(wc -l <<<"$reply")" -eq 1 ] || fail "something was answered behind the long line: $reply"
  # Without an end; the other side must not read for ever.
  head -c 30000000 /dev/zero | tr '\0' 'x' >"$DIR/line"
  reply=$(send_all "$DIR/line")
  [[ $reply == *'"too_large"'* ]] || fail "$reply"
  daemon_answers
}

@test "requests before a line that is too long are answered" {
  { printf '%s\n%s\n' "$ping" "$ping"; head -c 1048577 /dev/zero | tr '\0' ' '; } >"$DIR/line"
  [[ $(send_all "$DIR/line") == "$pong"$'\n'"$pong"$'\n'*'"too_large"'* ]]
}

@test "many connections at the same time, idle ones and busy ones" {
  python3 -S -E - "$SOCKET" <<'PYTHON'
import json, socket, sys
clients = []
for number in range(500):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(sys.argv[1])
    clients.append(client)
for number, client in enumerate(clients):
    client.sendall(b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % number)
for number, client in reversed(list(enumerate(clients))):
    assert json.loads(client.makefile("r").readline())["id"] == number
PYTHON
  daemon_answers
}

@test "clients that vanish in the middle of a request or before the reply" {
  python3 -S -E - "$SOCKET" <<'PYTHON'
import socket, sys
for text in [b"", b'{"jsonrpc"', b'{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[1],"priority":"LOW"}}\n']:
    for _ in range(50):
        client = socket.socket(socket.AF_UNIX)
        client.connect(sys.argv[1])
        client.sendall(text * 3)
        client.close()
PYTHON
  daemon_answers
  open_bystander
  bystander_works
}

@test "a client that does not read its replies holds up nobody and takes no memory without end" {
  local before after id limit=80000

  # The thread sanitizer needs several bytes for each.
  [[ $BUILD != */tsan ]] || limit=400000
  stop_daemon
  # Else the address sanitizer keeps what was freed for quite a while.
  ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1 start_daemon --settle 10m
  rpc '{"jsonrpc":"2.0","id":0,"method":"submit","params":{"priority":"LOW","ids":['"$(seq -s , 3000)"']}}' >"$DIR/reply"
  id=$(e2e json 'd["result"]["ingestion_id"]' <"$DIR/reply")
  before=$(awk '/VmRSS/ { print $2 }' "/proc/$DAEMON/status")
  # 2000 replies of 90 kB each: 180 MB if all were made at once. The client reads none of them.
  python3 -S -E - "$SOCKET" "$id" <<'PYTHON' &
import socket, sys, time
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.settimeout(2)
try:
    for _ in range(2000):
        client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"%s"}}\n' % sys.argv[2].encode())
except (TimeoutError, BrokenPipeError):
    pass
time.sleep(1)
PYTHON
  sleep 1
  daemon_answers
  after=$(awk '/VmRSS/ { print $2 }' "/proc/$DAEMON/status")
  [ $((after - before)) -lt "$limit" ] || fail "grew by $((after - before)) kB"
  wait $!
  daemon_answers
}

@test "the answer to a line that is too long arrives, whatever else the client sends" {
  for _ in {1..20}; do
    # nc(1) reads no further once it cannot write.
    [[ $(head -c 1500000 /dev/zero | tr '\0' x | nc -NU -w 20 "$SOCKET") == *'"code":"too_large"'* ]]
  done
}
