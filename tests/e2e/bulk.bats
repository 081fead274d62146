# cancel, retry and bump of all ingestions that a filter asks for.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/http

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# Submits so many ingestions of one id: submit_many N [LABEL]
submit_many() {
  seq "$1" | sed "s/.*/{\"jsonrpc\":\"2.0\",\"id\":&,\"method\":\"submit\",\"params\":{\"ids\":[&],\"priority\":\"LOW\",\"label\":\"${2:-many}\"}}/" |
    nc -NU -w 50 "$SOCKET" >"$DIR/submitted"
  [ "$(grep -c '"result"' "$DIR/submitted")" = "$1" ] || fail "$(grep -v '"result"' "$DIR/submitted" | head -n 3)"
}

count() {
  ctl list --all --json "$@" | wc -l
}

@test "bulk: a dry run counts and changes nothing" {
  start_daemon --settle 10m
  submit_many 30
  ctl submit -p HIGH 1
  [ "$(ctl cancel --label many --dry-run)" = "30 ingestions match" ]
  [ "$(ctl cancel --status yet_to_start --dry-run)" = "31 ingestions match" ]
  [ "$(ctl cancel --priority high --dry-run)" = "1 ingestion matches" ]
  [ "$(ctl cancel --label many -p HIGH --dry-run)" = "0 ingestions match" ]
  [ "$(ctl cancel --older-than 1h --dry-run)" = "0 ingestions match" ]
  [ "$(ctl cancel --label many --dry-run --json)" = '{"matched":30,"changed":0,"refused":0}' ]
  [ "$(count --status yet_to_start)" = 31 ]
}

@test "bulk: more than a page is changed, in order of the pages, and the rest is left alone" {
  start_daemon --settle 10m
  submit_many 1203
  other=$(ctl submit -l other 1)
  [ "$(ctl cancel --label many --yes)" = "1203 ingestions match, 1203 changed, 0 refused" ]
  [ "$(count --status cancelled)" = 1203 ]
  [ "$(status_of "$other")" = yet_to_start ]
  [ "$(ctl retry --status cancelled --cancelled -y)" = "1203 ingestions match, 1203 changed, 0 refused" ]
  [ "$(ctl bump --label many --yes HIGH)" = "1203 ingestions match, 1203 changed, 0 refused" ]
  [ "$(count --priority HIGH)" = 1203 ]
  stop_daemon
  check_store
}

@test "bulk: what is not possible is counted as refused, with exit status 1" {
  start_daemon --settle 0s --rate 1/1ms --handler simulate:delay=1ms
  ctl submit -l many --wait 1
  ctl pause
  submit_many 3
  run ctl cancel --label many --yes
  [ "$status" -eq 1 ]
  [ "$output" = "4 ingestions match, 3 changed, 1 refused" ]
  # Nothing has failed, so there is nothing to try again.
  run ctl retry --label many --yes
  [ "$status" -eq 1 ]
  [ "$output" = "4 ingestions match, 0 changed, 4 refused" ]
}

@test "bulk: without a terminal --yes is needed, and something has to be selected" {
  start_daemon --settle 10m
  submit_many 2
  for command in "cancel --label many" "retry --status failed" "bump --label many HIGH"; do
    # shellcheck disable=SC2086 # several words
    refuses 2 'no terminal to ask on' -- ctl $command </dev/null
  done
  [ "$(count --status cancelled)" = 0 ]
  refuses 2 'at least one of --status' -- ctl cancel --yes
  refuses 2 'exclude each other' -- ctl cancel --label many 1
  refuses 2 'not a duration' -- ctl cancel --older-than soon
  refuses 2 'not one of' -- ctl cancel --status ended
  refuses 2 'to which priority' -- ctl bump --label many
}

@test "bulk: on a terminal it asks, and only yes is yes" {
  start_daemon --settle 10m
  submit_many 3
  for answer in n '' no; do
    run python3 -B -S -E "$BATS_TEST_DIRNAME/../lib/ask.py" "$answer" "$BUILD/ingestctl" --socket "$SOCKET" cancel --label many
    [ "$status" -eq 1 ]
    grep -q 'cancel 3 ingestions? \[y/N\]' <<<"$output"
    grep -q 'nothing was changed' <<<"$output"
  done
  [ "$(count --status cancelled)" = 0 ]
  run python3 -B -S -E "$BATS_TEST_DIRNAME/../lib/ask.py" y "$BUILD/ingestctl" --socket "$SOCKET" cancel --label many
  [ "$status" -eq 0 ]
  grep -q '3 ingestions match, 3 changed, 0 refused' <<<"$output"
  [ "$(count --status cancelled)" = 3 ]
}

@test "bulk: a step for which the daemon has no time is asked for again" {
  start_fake bulk:1:busy bulk:4:limited
  run ctl cancel --label many --yes
  [ "$status" -eq 1 ]
  [ "$output" = "4 ingestions match, 2 changed, 2 refused" ]
  [ "$(grep -E '^step' "$REQUESTS")" = "$(printf 'step %s\n' '- True' 'n2 True' '- False' 'n2 False')" ]
}

@test "bulk: an error ends it, and what was done is said" {
  start_fake bulk:4:wrong_state
  run --separate-stderr ctl cancel --label many --yes
  [ "$status" -eq 4 ]
  [ "$output" = "2 ingestions match, 1 changed, 1 refused" ]
  [[ $stderr == *"refused: wrong_state"* ]]
}

@test "bulk: list selects by age, too" {
  start_daemon --settle 10m
  submit_many 2
  [ "$(count --older-than 1h)" = 0 ]
  sleep 0.3
  [ "$(count --older-than 200ms)" = 2 ]
  refuses 2 'not a duration' -- ctl list --older-than 0
}

@test "bulk: dispatch and submissions go on meanwhile" {
  start_daemon --settle 0s --rate 1/50ms --handler simulate:delay=1ms
  ctl pause
  submit_many 3000
  ctl resume
  first=$(ctl submit -p HIGH 1-60)
  "$BUILD/ingestctl" --socket "$SOCKET" cancel --label many --yes >"$DIR/out" 3>&- &
  COMPANIONS+=($!)
  for _ in {1..20}; do
    begun=${EPOCHREALTIME/./}
    ctl submit -p HIGH 7
    [ $((${EPOCHREALTIME/./} - begun)) -lt 1000000 ]
  done
  wait "${COMPANIONS[-1]}" || [ $? -eq 1 ]
  grep -q '3000 ingestions match' "$DIR/out"
  ctl wait --quiet --timeout 30s "$first"
  assert_spacing 50000000
}

@test "HTTP: bulk goes in steps" {
  start_web --settle 10m
  submit_many 5
  ask /bulk -X POST -d '{"verb":"cancel","label":"many","dry_run":true}'
  status_is 200
  [ "$BODY" = '{"matched":5,"changed":0,"refused":0}' ]
  ask /bulk -X POST -d '{"verb":"cancel","label":"many","limit":3}'
  [ "$(of_body 'd["matched"], d["changed"], d["refused"]')" = "(3, 3, 0)" ]
  ask /bulk -X POST -d "{\"verb\":\"cancel\",\"label\":\"many\",\"limit\":3,\"cursor\":\"$(of_body 'd["next_cursor"]')\"}"
  [ "$BODY" = '{"matched":2,"changed":2,"refused":0}' ]
  ask /bulk -X POST -d '{"verb":"cancel"}'
  problem 400 invalid 'at least one of'
  ask /bulk -X POST -d '{"verb":"cancel","label":"many","limit":501}'
  problem 400 invalid 'from 1 to 500'
  ask /bulk -X POST -d '{"verb":"cancel","label":"many","cursor":"nonsense"}'
  problem 400 invalid
  ask '/ingestions?older_than=1h'
  [ "$(of_body 'd["ingestions"]')" = "[]" ]
  ask '/ingestions?older_than=soon'
  problem 400 invalid older_than soon
  grep -q 'msg=control verb=bulk who=http what="cancel 3 of 3 ingestions"' "$LOG"
}
