# What HTTP has beyond the original API, on TCP and on the socket. What is checked in detail is in
# tests/lib/web/more.py.

load ../lib/daemon
load ../lib/http

setup() { daemon_setup; }
teardown() { daemon_teardown; }

# ---- keys ----

@test "Idempotency-Key: the same list gets the same answer, another one 422" {
  start_web --settle 10m
  web more keys "$PORT" "$SOCKET"
}

@test "Idempotency-Key: the answer is the same after a restart, and each user has keys of its own" {
  start_web --settle 10m
  VIA=unix
  post '{"ids":[1],"priority":"HIGH"}' -H 'Idempotency-Key: k'
  first=$ID
  kill_daemon
  start_web --settle 10m
  post '{"ids":[1],"priority":"HIGH"}' -H 'Idempotency-Key: "k"'
  [ "$ID" = "$first" ]
  # The CLI is the same user on the same socket.
  [ "$(ctl submit --priority HIGH --key k 1)" = "$first" ]
  # Whoever comes by TCP is not.
  VIA=tcp
  post '{"ids":[1],"priority":"HIGH"}' -H 'Idempotency-Key: k'
  status_is 200
  [ "$ID" != "$first" ]
}

@test "Idempotency-Key: twenty at once make one ingestion" {
  start_web --settle 10m
  web more many_at_once "$PORT"
  figure_is 'sum(sum(lane["ingestions"].values()) for lane in d["lanes"])' 1
}

@test "Idempotency-Key: 409 with Retry-After while the first request is in progress" {
  start_web --settle 10m
  web more in_progress "$SOCKET,$SOCKET"
}

@test "Idempotency-Key: what is no key is 400" {
  start_web --settle 10m
  web more wrong_keys "$PORT" "$SOCKET"
  figure_is 'sum(sum(lane["ingestions"].values()) for lane in d["lanes"])' 0
}

# ---- status ----

@test "ETag and If-None-Match" {
  start_web --settle 10m
  web more etags "$PORT" "$SOCKET"
}

@test "?wait: the answer comes with the change, or with the end" {
  start_web --settle 400ms --rate 1/200ms --handler simulate:delay=200ms
  web more waits "$PORT" "$SOCKET"
}

@test "?wait: without news the answer comes when the time is over" {
  start_web --settle 10m
  web more time_is_over "$PORT" "$SOCKET"
}

@test "?wait: who goes away leaves nothing behind" {
  start_web --settle 10m
  web more vanish "$PORT,20" "$SOCKET,20"
  wait_figure 'd["requests"]["waiting"], d["connections"]["open"]' '(0, 1)'
}

@test "?wait: the end of input ends it, and so does a shutdown" {
  start_web --settle 10m
  web more hurried "$PORT" "$SOCKET"
  post '{"ids":[1],"priority":"HIGH"}'
  curl -s "http://127.0.0.1:$PORT/status/$ID?wait=1h" >"$DIR/waited" 3>&- &
  waiter=$!
  wait_figure 'd["requests"]["waiting"]' 1
  stop_daemon
  wait "$waiter"
  grep -q '"status":"yet_to_start"' "$DIR/waited"
}

@test "what is wrong in a query is refused by name" {
  start_web --settle 10m
  web more wrong_queries "$PORT"
}

@test "long documents come in pages" {
  start_web --settle 10m
  web more pages "$PORT" "$SOCKET"
}

@test "GET /ingestions: newest first, in pages, with filters" {
  start_web --settle 10m
  web more lists "$PORT" "$SOCKET"
}

# ---- try again later ----

# The last answer has Retry-After in whole seconds, at least 1.
has_retry_after() {
  [[ $(field Retry-After) =~ ^[1-9][0-9]*$ ]] || fail "Retry-After: $(field Retry-After)"
  # shellcheck disable=SC2016
  [ "$(of_body '-(-d["retry_after_ms"] // 1000)')" = "$(field Retry-After)" ]
}

@test "429 with Retry-After beyond --max-connections, and never a hang" {
  start_web --max-connections 3
  python3 -B -S -E "$WEB/crowd.py" hold "$PORT,3,$DIR/held" 3>&- &
  COMPANIONS+=("$!")
  wait_until 20 test -e "$DIR/held"
  ask /health -H 'X-Request-Id: x'
  problem 429 limited max-connections
  has_retry_after
  [ "$(field Connection)" = close ]
  for _ in 1 2 3 4 5; do
    ask /ingest --data-binary '{"ids":[1],"priority":"HIGH"}'
    problem 429 limited
  done
  # The log says so, but not for each of them.
  log_has 'level=warn msg="connection refused" reason="there are 3 connections already, and max-connections is 3" client=127.0.0.1'
  [ "$(grep -c 'msg="connection refused"' "$LOG")" -lt 6 ]
  kill "${COMPANIONS[0]}"
  served() {
    ask /health
    [ "$CODE" = 200 ]
  }
  wait_until 20 served
}

@test "503 with Retry-After when the queue of the store is full" {
  SLOWSYNC_HOLD=$DIR/hold slow_daemon --settle 10m --max-queued 2 --http 127.0.0.1:0
  await_daemon
  find_port
  web crowd full_queue "$PORT,$DIR/hold"
}

@test "507 with Retry-After when the disk is almost full; /readyz says so, reads go on" {
  only_sqlite "the disk of a server is not seen"
  start_web --settle 10m
  post '{"ids":[1],"priority":"HIGH"}'
  kept=$ID
  stop_daemon
  start_web --settle 10m --min-free 8000000000000000000
  post '{"ids":[1],"priority":"HIGH"}'
  problem 507 disk_low
  has_retry_after
  ask /readyz
  problem 503 busy disk
  has_retry_after
  ask "/status/$kept"
  status_is 200
  ask /health
  status_is 200
}

@test "503 with Retry-After while the daemon is shutting down; /readyz says so, reads go on" {
  start_web --handler simulate:delay=60s --shutdown-grace 60s --settle 0
  ask /readyz
  status_is 200
  [ "$BODY" = '{"status":"ready"}' ]
  post '{"ids":[1],"priority":"HIGH"}'
  wait_starts 1
  kill "$DAEMON"
  wait_log 'msg=stopping'
  kept=$ID
  draining() {
    post '{"ids":[1],"priority":"HIGH"}'
    problem 503 draining
    has_retry_after
    ask /readyz
    problem 503 busy 'shutting down'
    has_retry_after
    ask /health
    status_is 200
    ask "/status/$kept"
    [ "$(of_body 'd["status"]')" = triggered ]
  }
  on_both draining
  stop_daemon
}

# ---- requests and connections ----

@test "X-Request-Id is taken when it is harmless, else made; answer and log have it" {
  start_web
  web more request_ids "$PORT" "$SOCKET"
  grep 'request_id=refused-413' "$LOG" | grep -F 'method=POST path=/ingest status=413' | grep -qF client=127.0.0.1
  ask '/status/x?token=secret' -H 'X-Request-Id: mine-1'
  [ "$(of_body 'd["instance"]')" = mine-1 ]
  grep 'request_id=mine-1' "$LOG" | grep -F 'msg="http request" method=GET path=/status/x status=404' | grep -qF client=127.0.0.1
  # The query is not logged: it may hold what is nobody's business.
  log_lacks -F secret
}

@test "traceparent is in the log when it is one" {
  local good=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01

  start_web
  ask /health -H "traceparent: $good"
  ask /nope -H "traceparent: $good" -H 'X-Request-Id: lost'
  grep "traceparent=$good" "$LOG" | grep -qF path=/health
  for wrong in "${good^^}" "${good}0" "${good%1}" "ff${good#00}" "${good//[0-9a-f]/0}" "${good//4736/473g}" "${good/b7/ 7}" x ''; do
    ask /health -H "traceparent: $wrong" -H 'X-Request-Id: wrong'
    status_is 200
  done
  log_has 'request_id=wrong' 9
  log_lacks -E 'request_id=wrong.*traceparent|traceparent.*request_id=wrong'
}

@test "what the path of a request holds cannot break the log" {
  start_web
  ask '/a%0ats=x%20level=error%20msg=%22forged%22%1b%ff'
  problem 404 not_found
  log_lacks '^ts=x'
  log_lacks $'[\x01-\x08\x0b-\x1f]'
  log_has 'status=404'
}

@test "HEAD is GET without the body" {
  start_web --settle 10m
  web more heads "$PORT" "$SOCKET"
}

@test "OPTIONS says what there is, and permits nothing to other pages" {
  start_web
  web more options "$PORT" "$SOCKET"
}

@test "Expect: 100-continue, and the refusal instead" {
  start_web --settle 10m
  web more expectations "$PORT" "$SOCKET"
}

@test "connections stay open, or not, as the client wants" {
  start_web
  web more keep_alive "$PORT" "$SOCKET"
}

@test "pipelined requests are answered in order, all of them, also behind a half-close" {
  start_web --settle 10m
  web more pipelined "$PORT" "$SOCKET"
}

@test "chunked bodies" {
  start_web --settle 10m
  web more chunked "$PORT" "$SOCKET"
}

@test "--http-idle-timeout ends idle connections" {
  start_web --http-idle-timeout 1s
  web more idle "$PORT"
}

@test "JSON-RPC and HTTP share the socket" {
  start_web --settle 10m
  VIA=unix
  post '{"ids":[1],"priority":"HIGH"}'
  [ "$(status_of "$ID")" = yet_to_start ]
  [[ $(rpc '{"jsonrpc":"2.0","id":1,"method":"ping"}') == *pong* ]]
  # Without --http it speaks HTTP, too.
  stop_daemon
  start_daemon --settle 10m
  PORT=1
  ask /health
  status_is 200
}

# ---- figures ----

@test "GET /stats and GET /metrics" {
  start_web
  web more figures "$PORT" "$SOCKET"
}
