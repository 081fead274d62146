# Attempts through a real command: every id ends as the command said last, what is done is done, the rate
# holds for retries, too.

load ../lib/daemon

export BATS_TEST_TIMEOUT=120

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

dice() {
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/dice.py" "$@"
}

@test "1000 ids with random outcomes and exit statuses: each ends once, as the command said last" {
  local id

  start_daemon --rate 1/2ms --concurrency 4 --batch-size 10 \
    --max-attempts 4 --retry-base 10ms --retry-max 50ms \
    --handler "exec:python3 -S -E $BATS_TEST_DIRNAME/../lib/dice.py throw $DIR/record"
  id=$(ctl submit 5000-5999)
  wait_until 100 ended "$id" || fail "$(ctl status "$id" | head -n 12)"
  ctl status --json "$id" >"$DIR/status"
  ctl report --format csv "$id" >"$DIR/report"
  [ "$(wc -l <"$DIR/report")" -eq 1001 ]
  dice verify "$DIR/record" "$DIR/status" "$DIR/report" 4 0
  # All outcomes have come up, or nothing was tested.
  [ "$(cut -d , -f 4 "$DIR/report" | sort | uniq -c | awk '$1 > 20' | wc -l)" -eq 2 ]
  [ "$(ctl report --failed --format csv "$id" | tail -n +2 | wc -l)" -eq \
    "$(grep -c ',failed,' "$DIR/report")" ]
  assert_no_attempt_twice
  stop_daemon
  check_store
}

@test "30 % fail at 1/50ms and four places: no two starts, first or again, are closer than 50 ms" {
  local id

  cat >"$DIR/handler" <<'SH'
#!/bin/sh
# Batches whose first id ends in 1, 4 or 7 do not make it in their first attempt.
read -r id
case $INGEST_ATTEMPT$id in
1*[147]) exit 1 ;;
esac
SH
  chmod +x "$DIR/handler"
  start_daemon --rate 1/50ms --concurrency 4 --batch-size 1 --handler "exec:$DIR/handler" \
    --max-attempts 3 --retry-base 60ms --retry-max 200ms
  id=$(ctl submit 1-60)
  wait_status "$id" completed 60
  assert_spacing 50000000
  [ "$(starts | wc -l)" -eq 78 ]
  [ "$(starts | awk '$3 == 2' | wc -l)" -eq 18 ]
}

@test "a batch in backoff does not hold up the head of its lane, and comes back before what is behind it" {
  local id

  cat >"$DIR/handler" <<'SH'
#!/bin/sh
read -r id
[ "$INGEST_ATTEMPT$id" != 11 ]
SH
  chmod +x "$DIR/handler"
  # Between one and two slots after its end it is due again: at the fourth slot at the latest.
  start_daemon --rate 1/300ms --batch-size 1 --settle 0 --handler "exec:$DIR/handler" \
    --retry-base 600ms --retry-max 600ms
  id=$(ctl submit 1-8)
  wait_status "$id" completed 30
  [ "$(starts | awk '{ print $2 "." $3 }' | sed -n 2p)" = 1.1 ] || fail "$(starts)"
  [ "$(starts | awk '{ print $2 "." $3 }' | grep -n '^0.2$' | cut -d : -f 1)" -le 4 ] || fail "$(starts)"
  [ "$(starts | awk '$3 == 1 { print $2 }' | tr '\n' ' ')" = "0 1 2 3 4 5 6 7 " ] || fail "$(starts)"
  assert_spacing 300000000
}
