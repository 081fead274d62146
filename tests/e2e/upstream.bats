# The handler http with a real server behind it (tests/lib/upstream.py).

load ../lib/daemon
load ../lib/upstream

export BATS_TEST_TIMEOUT=120

setup() {
  daemon_setup
  daemon_flags --rate 1/20ms --settle 0 --retry-base 10ms --retry-max 30ms
}

teardown() {
  daemon_teardown
}

verify() {
  ctl status --json "$1" >"$DIR/status"
  ctl report --format csv "$1" >"$DIR/report"
  upstream verify "$RECORD" "$DIR/status" "$DIR/report" "${@:2}"
}

@test "a batch is a POST with all ids, exact to the last digit, and its keys" {
  local id batch

  start_upstream
  start_daemon --handler "http:$URL/in?tenant=7" --upstream-header "X-Tenant:  seven, 8"
  id=$(ctl submit --priority HIGH --label 'näh"t' 9007199254740993 9223372036854775807 1)
  wait_status "$id" completed
  batch=$(ctl status --json "$id" | grep -oE '"batch_id":"[^"]*"' | cut -d '"' -f 4)
  [ "$(record 'len(calls)')" -eq 1 ]
  [ "$(record 'calls[0]["path"]')" = "/in?tenant=7" ]
  [ "$(record 'calls[0]["body"]')" = '{"ingestion_id":"'"$id"'","batch_id":"'"$batch"'","ids":[9007199254740993,9223372036854775807,1],"priority":"HIGH","label":"näh\"t"}' ] ||
    fail "$(record 'calls[0]["body"]')"
  record '"\n".join(sorted(f"{n.lower()}: {v}" for n, v in calls[0]["headers"]))' >"$DIR/headers"
  sed -i -E 's/(webhook-timestamp: )[0-9]{10}$/\1T/; s/^(content-length: ).*/\1N/' "$DIR/headers"
  diff "$DIR/headers" - <<EOF || fail "other headers"
accept: */*
content-length: N
content-type: application/json
host: ${URL#http://}
idempotency-key: $batch
ingest-attempt: 1
user-agent: ingestd/$("$BUILD/ingestd" --version | cut -d ' ' -f 2)
webhook-id: $batch
webhook-timestamp: T
x-tenant: seven, 8
EOF
}

@test "one connection carries one call after the other; the starts keep the rate" {
  local id

  start_upstream
  start_daemon --handler "http:$URL/" --rate 1/50ms --batch-size 1
  id=$(ctl submit 1-20)
  wait_status "$id" completed
  [ "$(record 'len({call["port"] for call in calls})')" -eq 1 ]
  [ "$(record 'len(calls)')" -eq 20 ]
  assert_spacing 50000000
}

@test "as many calls as places run at a time" {
  local id

  start_upstream --answer hang
  start_daemon --handler "http:$URL/" --rate 1/1ms --batch-size 1 --concurrency 50 --shutdown-grace 0
  id=$(ctl submit 1-60)
  wait_calls 50
  [ "$(record 'max(call["at"] for call in calls) - min(call["at"] for call in calls) < 20e9')" = True ]
  [ "$(ctl status --json "$id" | grep -o '"status":"triggered"' | wc -l)" -gt 50 ]
}

@test "300 batches against a server that throws dice: each id ends as it said last" {
  local id

  start_upstream --answer random --seed 7
  start_daemon --handler "http:$URL/" --rate 1/2ms --concurrency 8 --batch-size 4 --max-attempts 4 \
    --upstream-first-byte-timeout 2s --upstream-timeout 4s
  id=$(ctl submit 5001-6200)
  wait_until 110 ended "$id" || fail "$(ctl status "$id" | head -n 12)"
  verify "$id" 4 --all
  stop_daemon
  check_store
}

@test "what the server says of single ids counts, in 2xx and in 4xx" {
  local id

  start_upstream --answer results --answer bad_results --answer results --answer ok
  start_daemon --handler "http:$URL/" --batch-size 50 --max-attempts 9
  id=$(ctl submit 1-200)
  wait_until 20 ended "$id"
  verify "$id" 9
  # A batch with some of its ids has another key than the whole one.
  [ "$(record 'len({call["key"] for call in calls}) > 4')" = True ]
}

# The second attempt is the last one, and the server repeats itself.
@test "what is tried again, what fails at once, and what the error says" {
  local id answer text calls

  while read -r answer calls text; do
    start_upstream --answer "$answer"
    start_daemon --handler "http:$URL/" --max-attempts 2 --upstream-first-byte-timeout 200ms \
      --upstream-timeout 500ms --upstream-max-reply 100k
    id=$(ctl submit 1 2 3)
    wait_status "$id" failed
    # shellcheck disable=SC2053 # it is a pattern
    [[ "$(error_of "$id")" == $text ]] || fail "$answer: $(error_of "$id")"
    [ "$(record 'len(calls)')" -eq "$calls" ] || fail "$answer: $(record 'len(calls)') calls"
    stop_daemon
    kill "$UPSTREAM"
    new_store
    rm -f "$RECORD"
  done <<'EOF'
error 2 HTTP ???: out of order
problem 2 HTTP 503: the über disk is full
too_many 2 HTTP 429: slow down
refuse 1 HTTP 4??: not so
redirect 1 HTTP 302 (redirects are not followed)
unclear 2 HTTP 200: the answer cannot be used: results\[0\] has the status "done", which is none of ok, retry, fail
hang 2 no answer within 200ms
dribble 2 no whole answer within 500ms
huge 2 HTTP 200: the answer has more than 102400 bytes (--upstream-max-reply)
cut 2 *transfer closed*
garbage 2 *HTTP/0.9*
empty 2 Empty reply from server
reset 2 *reset by peer*
EOF
}

@test "without a server, and with one that does not speak TLS" {
  local id

  start_upstream --answer hang
  start_daemon --handler "http:https${URL#http}/" --max-attempts 1 --upstream-connect-timeout 200ms
  id=$(ctl submit 1 2 3)
  wait_status "$id" failed
  [[ "$(error_of "$id")" == "no connection within 200ms" || "$(error_of "$id")" == *SSL* ]] ||
    fail "$(error_of "$id")"
  kill "$UPSTREAM"
  wait "$UPSTREAM" 2>/dev/null || true
  id=$(ctl submit 4 5 6)
  wait_status "$id" failed
  [[ "$(error_of "$id")" == "Failed to connect to 127.0.0.1 "* ]] || fail "$(error_of "$id")"
}

@test "no proxy is taken from the environment" {
  local id

  start_upstream
  http_proxy=http://127.0.0.1:1 HTTP_PROXY=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1 \
    start_daemon --handler "http:$URL/" --max-attempts 1
  id=$(ctl submit 1 2 3)
  wait_status "$id" completed
}

@test "a server that closes kept connections is not asked twice in one attempt" {
  local id

  # The first answer keeps the connection, the second call gets none.
  start_upstream --answer ok --answer empty --answer ok
  start_daemon --handler "http:$URL/" --batch-size 1
  id=$(ctl submit 1 2)
  wait_status "$id" completed
  [ "$(record '[call["attempt"] for call in calls]')" = "['1', '1', '2']" ] || fail "$(record calls)"
}

@test "status -v shows the answer" {
  local id

  start_upstream --answer error
  start_daemon --handler "http:$URL/" --max-attempts 1
  id=$(ctl submit 1 2 3)
  wait_status "$id" failed
  [[ "$(ctl status -v "$id")" == *"second line"* ]] || fail "$(ctl status -v "$id")"
}

# ---- a rest ----

@test "an attempt that ends with Retry-After does not count" {
  local id

  start_upstream --answer rest --answer date --answer rest --answer ok --rest 60
  start_daemon --handler "http:$URL/" --max-attempts 1 --max-hold 100ms
  id=$(ctl submit 1 2 3)
  wait_status "$id" completed
  [ "$(record '[call["attempt"] for call in calls]')" = "['1', '1', '1', '1']" ] || fail "$(record calls)"
  verify "$id" 1
}

@test "after Retry-After nothing is started for so long" {
  local id

  start_upstream --answer rest --answer ok --rest 1
  start_daemon --handler "http:$URL/" --batch-size 1
  id=$(ctl submit 1-3)
  wait_status "$id" completed
  [ "$(record 'calls[1]["at"] - calls[0]["at"] >= 1e9')" = True ] || fail "$(record calls)"
  verify "$id" 5
}

@test "the rest goes on over kill -9" {
  local id

  start_upstream --answer rest --answer ok --rest 3
  start_daemon --handler "http:$URL/" --batch-size 1
  id=$(ctl submit 1-3)
  wait_calls 1
  wait_log 'msg="batch interrupted"'
  ctl ping
  kill_daemon
  start_daemon --handler "http:$URL/" --batch-size 1
  wait_status "$id" completed
  [ "$(record 'calls[1]["at"] - calls[0]["at"] >= 3e9')" = True ] || fail "$(record calls)"
}

@test "--max-hold bounds the rest" {
  local id

  start_upstream --answer rest --answer ok --rest 3600
  start_daemon --handler "http:$URL/" --max-hold 300ms
  id=$(ctl submit 1 2 3)
  wait_status "$id" completed
}

# ---- secrets ----

SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
OTHER=whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD

@test "calls are signed; a second secret is added, then the first one taken away, without a restart" {
  local id

  start_upstream
  printf '# ours\n\n%s\n' "$SECRET" >"$DIR/secrets"
  chmod 600 "$DIR/secrets"
  start_daemon --handler "http:$URL/" --batch-size 1 --upstream-secret-file "$DIR/secrets"
  id=$(ctl submit 1 2)
  wait_status "$id" completed
  upstream signed "$RECORD" "$SECRET"
  : >"$RECORD"
  printf '%s\n%s' "$OTHER" "$SECRET" >"$DIR/secrets"
  kill -HUP "$DAEMON"
  wait_log 'msg=reloaded'
  id=$(ctl submit 3 4)
  wait_status "$id" completed
  upstream signed "$RECORD" "$OTHER" "$SECRET"
  : >"$RECORD"
  printf '%s\n' "$OTHER" >"$DIR/secrets"
  kill -HUP "$DAEMON"
  wait_log 'msg=reloaded' 2
  id=$(ctl submit 5)
  wait_status "$id" completed
  upstream signed "$RECORD" "$OTHER"
  run ! grep -F -e "${SECRET#whsec_}" -e "${OTHER#whsec_}" "$LOG"
}

@test "a file that has become wrong changes nothing, and the log says why" {
  local id

  start_upstream
  echo "$SECRET" >"$DIR/secrets"
  echo 'Authorization: Bearer first' >"$DIR/headers"
  chmod 600 "$DIR/secrets" "$DIR/headers"
  printf '%s\n' "upstream-secret-file = $DIR/secrets" "upstream-header-file = $DIR/headers" \
    "max-id = 1000" >"$DIR/conf"
  start_daemon --config "$DIR/conf" --handler "http:$URL/"
  echo 'whsec_short' >"$DIR/secrets"
  echo 'Authorization: Bearer second' >"$DIR/headers"
  sed -i 's/1000/10/' "$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log 'not reloaded'
  wait_log "upstream-secret-file: $DIR/secrets:1: "
  id=$(ctl submit 100)
  wait_status "$id" completed
  upstream signed "$RECORD" "$SECRET"
  [ "$(record 'dict(calls[0]["headers"])["Authorization"]')" = "Bearer first" ]
  echo "$OTHER" >"$DIR/secrets"
  kill -HUP "$DAEMON"
  wait_log 'msg=reloaded'
  refuses 2 "from 1 to 10" -- ctl submit 100
  : >"$RECORD"
  id=$(ctl submit 10)
  wait_status "$id" completed
  upstream signed "$RECORD" "$OTHER"
  [ "$(record 'dict(calls[0]["headers"])["Authorization"]')" = "Bearer second" ]
}

@test "wrong options are refused, and no text shows a secret" {
  check() {
    "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" --check-config "$@"
  }
  check --handler http:http://localhost/x
  check --handler 'http:HTTPS://[::1]:8443/x?y'
  refuses 2 'http:https://host/path' -- check --handler http://localhost/x
  refuses 2 'http:https://host/path' -- check --handler http:ftp://localhost/x
  refuses 2 'not a URL' -- check --handler http:http://
  refuses 2 'not a URL' -- check --handler http:http://host:99999/
  refuses 2 'user or a password' -- check --handler http:http://u:geheim@host/
  [[ "$stderr" != *geheim* ]]
  refuses 2 fragment -- check --handler http:http://host/#x
  refuses 2 upstream-header idempotency-key -- check --handler http:http://h/ --upstream-header 'idempotency-key: 1'
  refuses 2 upstream-header webhook-Foo -- check --handler http:http://h/ --upstream-header 'webhook-Foo: 1'
  refuses 2 'NAME: VALUE' -- check --handler http:http://h/ --upstream-header geheim
  refuses 2 'control character' -- check --handler http:http://h/ --upstream-header $'X: geheim\r\nY: 1'
  [[ "$stderr" != *geheim* ]]
  refuses 2 upstream-secret-file "$DIR/none" 'No such file' -- check --handler http:http://h/ \
    --upstream-secret-file "$DIR/none"
  printf 'whsec_%s\n' geheim >"$DIR/secrets"
  chmod 600 "$DIR/secrets"
  refuses 2 "$DIR/secrets:1: " base64 -- check --handler http:http://h/ --upstream-secret-file "$DIR/secrets"
  [[ "$stderr" != *geheim* ]]
  echo "$SECRET" >"$DIR/secrets"
  check --handler http:http://h/ --upstream-secret-file "$DIR/secrets"
  chmod 622 "$DIR/secrets"
  refuses 2 "$DIR/secrets" 'may write' -- check --handler http:http://h/ --upstream-secret-file "$DIR/secrets"
}

# ---- an end from outside ----

@test "a call that is under way when the daemon stops is made again after the next start" {
  local id

  start_upstream --answer hang --answer ok
  start_daemon --handler "http:$URL/" --shutdown-grace 100ms
  id=$(ctl submit 1 2 3)
  wait_calls 1
  stop_daemon
  log_has 'msg="batch interrupted"'
  start_daemon --handler "http:$URL/"
  wait_status "$id" completed
  [ "$(record '[call["attempt"] for call in calls]')" = "['1', '1']" ] || fail "$(record calls)"
  [ "$(record 'len({call["key"] for call in calls})')" -eq 1 ]
}
