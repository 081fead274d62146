# cancel, retry and bump of single ingestions, on both doors.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/http

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# The value of a member of the status: of_status ID EXPRESSION, a Python expression on the document d.
of_status() {
  ctl status --json "$1" | e2e json "$2"
}

@test "cancel: what waits is cancelled at once, twice with the same answer, and nothing of it starts" {
  start_daemon --settle 10m
  id=$(ctl submit 1-10)
  [ "$(ctl cancel "$id")" = "$id cancelled" ]
  version=$(of_status "$id" 'd["version"]')
  [ "$(ctl cancel "$id")" = "$id cancelled" ]
  [ "$(of_status "$id" 'd["version"]')" = "$version" ]
  [ "$(of_status "$id" 'd["cancelled_by"]')" = "uid:$(id -u)" ]
  [ "$(of_status "$id" 'd["counts"]["cancelled"]')" = 4 ]
  [ "$(of_status "$id" 'd["counts"]["ids_cancelled"]')" = 10 ]
  [ "$(ctl report --json "$id" | grep -c '"outcome":"cancelled"')" = 10 ]
  run ctl wait "$id"
  [ "$status" -eq 1 ]
  [ "$output" = "$id cancelled" ]
  grep -q "msg=control verb=cancel who=uid:$(id -u) what=$id" "$LOG"
  stop_daemon
  start_daemon --settle 0s
  [ "$(status_of "$id")" = cancelled ]
  ctl submit --wait 11
  [ "$(starts | wc -l)" = 1 ]
  stop_daemon
  check_store
}

@test "cancel: what runs is ended, and the rest never starts" {
  start_daemon --settle 0s --handler simulate:delay=10m
  id=$(ctl submit 1-10)
  wait_status "$id" triggered
  run ctl cancel "$id"
  [ "$status" -eq 0 ]
  [[ "$output" =~ ^"$id "cancell(ing|ed)$ ]]
  run ctl wait --timeout 20s "$id"
  [ "$status" -eq 1 ]
  [ "$(of_status "$id" 'd["counts"]["cancelled"]')" = 4 ]
  [ "$(of_status "$id" 'd["counts"]["ids_cancelled"] + d["counts"]["ids_unknown"]')" = 10 ]
  stop_daemon
  check_store
}

@test "cancel: a watcher sees cancelling, then cancelled" {
  printf '#!/bin/sh\ntrap "" TERM\nsleep 1 & wait $!\nwait\nexit 1\n' >"$DIR/command"
  chmod +x "$DIR/command"
  start_daemon --settle 0s --handler "exec:$DIR/command"
  id=$(ctl submit 1)
  wait_status "$id" triggered
  "$BUILD/ingestctl" --socket "$SOCKET" status --watch "$id" >"$DIR/watched" 3>&- &
  COMPANIONS+=($!)
  wait_until 10 grep -q triggered "$DIR/watched"
  [ "$(ctl cancel "$id")" = "$id cancelling" ]
  refuses 4 cancel -- ctl retry "$id"
  wait "${COMPANIONS[-1]}"
  grep -q ' cancelling ' "$DIR/watched"
  grep -q ' cancelled ' "$DIR/watched"
}

@test "cancel: what has ended is refused and stays as it is" {
  start_daemon --settle 0s --max-attempts 1 --handler simulate:delay=1ms,fail=2
  id=$(ctl submit --wait 1)
  refuses 4 completed -- ctl cancel "$id"
  failed=$(ctl submit 2)
  wait_status "$failed" failed
  refuses 4 failed -- ctl cancel "$failed"
  [ "$(status_of "$id")" = completed ]
  refuses 6 019b2c6e-1234-7abc-8def-0123456789ab -- ctl cancel 019b2c6e-1234-7abc-8def-0123456789ab
  # One that cannot be cancelled does not protect the others.
  ctl pause
  waiting=$(ctl submit 3)
  run ctl cancel "$id" "$waiting"
  [ "$status" -eq 4 ]
  [ "$(status_of "$waiting")" = cancelled ]
}

@test "cancel: racing with completion, every batch has one end" {
  start_daemon --settle 0s --rate 1/5ms --concurrency 8 --handler simulate:delay=5ms
  for round in {1..12}; do
    id=$(ctl submit 1-60)
    [ $((round % 3)) -ne 0 ] || sleep 0.0$((round % 7))
    ctl cancel "$id" || [ "$(status_of "$id")" = completed ]
    ctl wait --quiet --timeout 20s "$id" || [ $? -eq 1 ]
    [ "$(of_status "$id" 'sum(d["counts"][n] for n in ("ids_completed","ids_cancelled","ids_unknown"))')" = 60 ]
    [ "$(of_status "$id" 'd["counts"]["completed"] + d["counts"]["cancelled"]')" = 20 ]
  done
  stop_daemon
  check_store
}

@test "cancel: an upload ends without having been submitted" {
  start_daemon --settle 10m
  reply=$(rpc '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"priority":"LOW","open":true}}')
  id=$(e2e json 'd["result"]["ingestion_id"]' <<<"$reply")
  [ "$(ctl cancel "$id")" = "$id cancelled" ]
  [ "$(ctl cancel "$id")" = "$id cancelled" ]
  refuses 4 -- ctl retry "$id"
}

@test "retry: what has failed is tried again in its place, with its number" {
  printf '#!/bin/sh\n[ -e "%s/well" ]\n' "$DIR" >"$DIR/command"
  chmod +x "$DIR/command"
  start_daemon --settle 0s --max-attempts 1 --handler "exec:$DIR/command"
  id=$(ctl submit 1-6)
  wait_status "$id" failed
  seq=$(of_status "$id" 'd["seq"]')
  touch "$DIR/well"
  run ctl retry --failed "$id"
  [ "$status" -eq 0 ]
  [[ "$output" = "$id "*", 2 batches again" ]]
  wait_status "$id" completed
  [ "$(of_status "$id" 'd["seq"]')" = "$seq" ]
  [ "$(of_status "$id" 'd["counts"]["attempts"]')" = 4 ]
  [ "$(of_status "$id" 'd["counts"]["ids_completed"]')" = 6 ]
  # There is nothing of the kind any more, which is no error.
  run ctl retry "$id"
  [ "$status" -eq 0 ]
  [[ "$output" = "$id completed, 0 batches again" ]]
  stop_daemon
  check_store
}

@test "retry: what was cancelled only when that is wanted" {
  start_daemon --settle 0s
  ctl pause
  id=$(ctl submit 1-6)
  ctl cancel "$id"
  [ "$(ctl retry "$id")" = "$id cancelled, 0 batches again" ]
  [ "$(ctl retry --cancelled "$id")" = "$id yet_to_start, 2 batches again" ] ||
    [ "$(status_of "$id")" = triggered ]
  ctl resume
  wait_status "$id" completed
  [ "$(of_status "$id" 'd["counts"]["ids_cancelled"]')" = 0 ]
  [ "$(of_status "$id" '"cancelled_by" in d')" = False ]
  stop_daemon
  check_store
}

@test "bump: what waits goes before others, at the place of its number" {
  start_daemon --settle 0s
  ctl pause
  low=$(ctl submit -p LOW 1-3)
  high=$(ctl submit -p HIGH 4-6)
  later=$(ctl submit -p LOW 7-9)
  run ctl bump "$low" "$later" high
  [ "$status" -eq 0 ]
  [ "$output" = "$low HIGH
$later HIGH" ]
  ctl resume
  ctl wait --quiet "$low" "$high" "$later"
  [ "$(grep -oE 'msg="batch started" ingestion_id=[^ ]+' "$LOG" | cut -d = -f 3)" = "$low
$high
$later" ]
  refuses 4 -- ctl bump "$low" LOW
  refuses 2 'not one of HIGH, MEDIUM, LOW' -- ctl bump "$low" TOP
  refuses 2 -- ctl bump
}

@test "HTTP: DELETE, retry and priority do the same" {
  start_web --settle 10m
  id=$(ctl submit 1-6)
  ask "/ingestions/$id/priority" -X PUT -d '{"priority":"HIGH"}'
  status_is 200
  [ "$BODY" = "{\"ingestion_id\":\"$id\",\"priority\":\"HIGH\"}" ]
  [ "$(of_status "$id" 'd["priority"]')" = HIGH ]
  for _ in first second; do
    ask "/ingestions/$id" -X DELETE
    status_is 200
    [ "$BODY" = "{\"ingestion_id\":\"$id\",\"status\":\"cancelled\"}" ]
  done
  ask "/ingestions/$id" -X DELETE -H 'Origin: http://example.net'
  problem 403 forbidden
  ask "/ingestions/$id/retry" -X POST
  status_is 200
  [ "$(of_body 'd["batches"]')" = 0 ]
  ask "/ingestions/$id/retry" -X POST -d '{"cancelled":true}'
  status_is 200
  [ "$(of_body 'd["batches"]')" = 2 ]
  ask "/ingestions/$id/retry" -X POST -d '{"canceled":true}'
  problem 400 invalid 'unknown member "canceled"'
  ask "/ingestions/$id/priority" -X PUT -d '{}'
  problem 400 invalid priority HIGH
  ask /ingestions/019b2c6e-1234-7abc-8def-0123456789ab -X DELETE
  problem 404 not_found
  ask /ingestions/x -X DELETE
  problem 404 not_found
  grep -q "msg=control verb=cancel who=http what=$id" "$LOG"
}
