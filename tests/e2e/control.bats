# pause, resume, drain, rate: what everything that starts depends on; each is durable.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/http

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# A Python expression on the document d of a command: of_json EXPRESSION COMMAND [ARG...]
of_json() {
  local expression=$1

  shift
  ctl "$@" --json | e2e json "$expression"
}

pause_is() {
  [ "$(of_json 'd["dispatch"]["pause"]' stats)" = "$1" ]
}

interval_is() {
  [ "$(of_json 'd["dispatch"]["interval_ns"]' stats)" = "$1" ]
}

@test "pause: nothing starts, submissions are accepted, what runs goes on, resume ends it" {
  start_daemon --settle 0s --handler simulate:delay=300ms
  first=$(ctl submit 1)
  wait_status "$first" triggered
  ctl pause
  second=$(ctl submit 2)
  ctl wait --quiet --timeout 20s "$first"
  sleep 0.3 # more than the interval
  [ "$(starts | wc -l)" = 1 ]
  [ "$(status_of "$second")" = yet_to_start ]
  pause_is paused
  [ "$(of_json 'd["dispatch"]["paused_by"]' stats)" = "uid:$(id -u)" ]
  grep -qE '^pause +paused, by uid:' <(ctl stats)
  ctl resume
  ctl wait --quiet --timeout 20s "$second"
  pause_is none
  grep -q 'msg=control verb=pause who=uid:.* what="until resume"' "$LOG"
  grep -q 'msg=control verb=resume who=uid:' "$LOG"
}

@test "pause: it outlives kill -9" {
  start_daemon --settle 0s
  ctl pause
  id=$(ctl submit 1)
  kill_daemon
  start_daemon --settle 0s
  pause_is paused
  sleep 0.3
  [ "$(status_of "$id")" = yet_to_start ]
  ctl resume
  wait_status "$id" completed
}

@test "pause --until: it ends by itself" {
  start_daemon --settle 0s
  ctl pause --until 1s
  begun=$(date +%s%N)
  id=$(ctl submit 1)
  ctl wait --quiet --timeout 20s "$id"
  [ $(($(date +%s%N) - begun)) -ge 900000000 ]
  pause_is none
}

@test "pause --until: it ends while the daemon is away" {
  start_daemon --settle 0s
  ctl pause --until "$(date -u -d '+1 second' +%Y-%m-%dT%H:%M:%S.%3NZ)"
  id=$(ctl submit 1)
  kill_daemon
  sleep 1.1
  start_daemon --settle 0s
  wait_status "$id" completed
  pause_is none
}

@test "pause --until: what is no time, has passed, or is too far away is refused" {
  start_daemon --settle 0s
  refuses 2 'neither a time in UTC' -- ctl pause --until soon
  refuses 2 'neither a time in UTC' -- ctl pause --until 1970-01-01T00:00:00Z
  refuses 2 'neither a time in UTC' -- ctl pause --until 2027-02-30T00:00:00Z
  refuses 2 2020-01-01T00:00:00.000Z 'is over' -- ctl pause --until 2020-01-01T00:00:00Z
  refuses 2 'more than 365 days' -- ctl pause --until 9999-01-01T00:00:00Z
  pause_is none
}

@test "drain: --wait returns when nothing runs any more" {
  start_daemon --settle 0s --handler simulate:delay=700ms
  id=$(ctl submit 1-9)
  wait_status "$id" triggered
  run ctl drain --wait --timeout 20s
  [ "$status" -eq 0 ]
  grep -qE '^pause +draining, by uid:' <<<"$output"
  grep -qE '^running +0 batches$' <<<"$output"
  grep -qE '^waiting +2 batches$' <<<"$output"
  [ "$(ctl status --json "$id" | e2e json 'd["counts"]["completed"]')" = 1 ]
  pause_is draining
  # Nothing runs: it returns at once, and again.
  ctl drain --wait
  ctl submit 10
}

@test "drain: --wait returns when the outcomes are on disk" {
  SLOWSYNC_HOLD=$DIR/hold SLOWSYNC_MAX_MS=400 slow_daemon --settle 0s --slot-guard 1s --handler simulate:delay=1s
  await_daemon
  id=$(ctl submit 1)
  wait_starts 1
  touch "$DIR/hold"
  "$BUILD/ingestctl" --socket "$SOCKET" drain --wait >"$DIR/out" 2>&1 3>&- &
  COMPANIONS+=($!)
  # It ends while the drain is not committed yet.
  wait_until 20 grep -q 'msg="batch completed"' "$LOG"
  rm "$DIR/hold"
  wait "${COMPANIONS[-1]}"
  [ "$(ctl status --json "$id" | e2e json 'd["status"]')" = completed ]
}

@test "drain: the timeout says what is left, with exit status 7" {
  start_daemon --settle 0s --handler simulate:delay=10m
  id=$(ctl submit 1)
  wait_status "$id" triggered
  run --separate-stderr ctl drain --wait --timeout 300ms
  [ "$status" -eq 7 ]
  grep -qE '^running +1 batch$' <<<"$output"
  refuses 2 'needs --wait' -- ctl drain --timeout 1s
  # Who only asks does not wait.
  [ "$(of_json 'd["running_batches"]' drain)" = 1 ]
}

@test "drain: who resumes ends the wait of others" {
  start_daemon --settle 0s --handler simulate:delay=10m
  id=$(ctl submit 1)
  wait_status "$id" triggered
  "$BUILD/ingestctl" --socket "$SOCKET" drain --wait >"$DIR/out" 2>"$DIR/err" 3>&- &
  COMPANIONS+=($!)
  wait_until 10 pause_is draining
  ctl resume
  code=0
  wait "${COMPANIONS[-1]}" || code=$?
  [ "$code" -eq 1 ]
  grep -q 'has ended the drain' "$DIR/err"
}

@test "rate: another one holds from the last start on, outlives a restart, and --reset goes back" {
  start_daemon --settle 0s --rate 1/1h
  id=$(ctl submit 1-9)
  wait_starts 1
  ctl rate 1/300ms
  interval_is 300000000
  ctl wait --quiet --timeout 20s "$id"
  assert_spacing 300000000
  kill_daemon
  start_daemon --settle 0s --rate 1/1h
  interval_is 300000000
  grep -qE '^rate +a slot every 300ms, by uid:' <(ctl rate)
  [ "$(of_json 'd["rate"]["set_by"]' rate)" = "uid:$(id -u)" ]
  ctl rate --reset
  interval_is 3600000000000
  [ "$(of_json '"set_by" in d["rate"]' rate)" = False ]
  kill_daemon
  start_daemon --settle 0s --rate 1/2h
  interval_is 7200000000000
}

@test "rate: what is none is refused" {
  start_daemon --settle 0s
  refuses 2 '"fast" is not a rate' -- ctl rate fast
  refuses 2 'is not a rate' -- ctl rate 1/101d
  refuses 2 'one rate at a time' -- ctl rate 1/s 2/s
  refuses 2 'exclude each other' -- ctl rate --reset 1/s
  interval_is 100000000
}

@test "HTTP: the same verbs, and the same document" {
  start_web --settle 0s --handler simulate:delay=10ms
  ask /pause -X POST
  status_is 200
  [ "$(of_body 'd["pause"], d["paused_by"]')" = "('paused', 'http')" ]
  ask /metrics
  grep -qx 'ingestd_paused 1' "$DIR/body"
  grep -qx 'ingestd_hold_seconds 0' "$DIR/body"
  grep -qx 'ingestd_notices_waiting 0' "$DIR/body"
  ask /pause -X POST -d '{"until":"2020-01-01T00:00:00Z"}'
  problem 400 invalid 2020-01-01T00:00:00.000Z 'is over'
  ask /drain -X POST -d '{"wait_ms":10000}'
  [ "$(of_body 'd["pause"], d["running_batches"]')" = "('draining', 0)" ]
  ask /drain -X POST -d '{"wait_ms":3600001}'
  problem 400 invalid 'from 0 to 3600000'
  ask /rate -X PUT -d '{"rate":"1/1s"}'
  [ "$(of_body 'd["rate"]["interval_ns"], d["rate"]["set_by"]')" = "(1000000000, 'http')" ]
  ask /rate -X PUT -d '{"rate":"1/101d"}'
  problem 400 invalid 100 days
  ask /rate -X DELETE
  [ "$(of_body 'd["rate"]')" = "{'interval_ns': 100000000}" ]
  ask /resume -X POST -d '{"clear_hold":true}'
  [ "$(of_body 'd["pause"]')" = none ]
  ask /resume -X POST -d '{"clear":true}'
  problem 400 invalid 'unknown member "clear"'
  ask /pause
  problem 405 method_not_allowed
  ask /metrics
  grep -qx 'ingestd_paused 0' "$DIR/body"
}

# ---- who may ----

# The body of a verb that is right but for the scope: body_of METHOD
params_of() {
  case $1 in
    cancel | retry) echo "{\"ingestion_id\":\"$ID\"}" ;;
    bump) echo "{\"ingestion_id\":\"$ID\",\"priority\":\"HIGH\"}" ;;
    bulk) echo '{"verb":"cancel","label":"none"}' ;;
    rate) echo '{"reset":true}' ;;
    *) echo '{}' ;;
  esac
}

# The error of a verb on the socket for the user nobody, or "none".
nobody_error() {
  setpriv --reuid 65534 --regid 65534 --clear-groups nc -NU -w 20 "$SOCKET" \
    <<<"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":$(params_of "$1")}" |
    e2e json 'd.get("error", {"data": {"code": "none"}})["data"]["code"]'
}

@test "every verb of control needs its scope on the socket" {
  [ "$(id -u)" = 0 ] || skip "only root can be somebody else"
  for scope in read submit admin; do
    start_daemon --settle 10m --socket-access "user:nobody=$scope"
    chmod 755 "$DIR"
    chmod 777 "$SOCKET"
    ID=$(ctl submit 1)
    for method in cancel retry bump; do
      [ "$scope" = read ] && wanted=forbidden || wanted=none
      # What was cancelled can be neither retried nor bumped meanwhile, which is another matter.
      error=$(nobody_error "$method")
      [ "$error" = "$wanted" ] || [ "$wanted$error" = nonewrong_state ] || fail "$scope: $method: $error"
    done
    for method in bulk pause resume drain rate reload; do
      [ "$scope" = admin ] && wanted=none || wanted=forbidden
      [ "$(nobody_error "$method")" = "$wanted" ] || fail "$scope: $method"
    done
    stop_daemon
  done
}

@test "every verb of control needs its scope over HTTP" {
  for scope in read submit admin; do
    echo "$scope $scope $(printf %s "$scope-token" | sha256sum | cut -d ' ' -f 1)"
  done >"$DIR/tokens"
  start_web --settle 10m --http-token-file "$DIR/tokens"
  ID=$(ctl submit 1)
  while read -r needed method path body; do
    for scope in read submit admin; do
      ask "$path" -X "$method" -H "Authorization: Bearer $scope-token" -d "$body"
      if [ "$scope" = admin ] || [ "$scope" = "$needed" ]; then
        # shellcheck disable=SC2153 # ask sets CODE
        [ "$CODE" = 200 ] || [ "$CODE" = 409 ] || fail "$method $path with $scope: $CODE"
      else
        problem 403 forbidden
      fi
    done
    ask "$path" -X "$method" -d "$body"
    problem 401 unauthorized
  done <<END
submit PUT /ingestions/$ID/priority {"priority":"HIGH"}
submit POST /ingestions/$ID/retry {}
submit DELETE /ingestions/$ID {}
admin POST /bulk {"verb":"cancel","label":"none"}
admin POST /pause {}
admin POST /drain {}
admin POST /resume {}
admin PUT /rate {"rate":"1/s"}
admin DELETE /rate {}
admin POST /reload {}
END
  grep -q 'msg=control verb=pause who=token:admin' "$LOG"
}
