# ingestctl list, cancel and stats, and what status and wait show of uploads.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/daemon
load ../lib/http

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# Begins an upload with these ids: open_upload '1,2,3' [MORE_PARAMS]; prints its id.
open_upload() {
  local id

  id=$(rpc '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"open":true,"priority":"MEDIUM"'"${2:-}"'}}' |
    e2e json 'd["result"]["ingestion_id"]')
  rpc '{"jsonrpc":"2.0","id":1,"method":"append","params":{"ingestion_id":"'"$id"'","offset":0,"ids":['"$1"']}}' >/dev/null
  echo "$id"
}

# The ids that a list has, on one line: listed [OPTION...]
listed() {
  ctl list --json "$@" | grep -oE '"ingestion_id":"[^"]*"' | cut -d '"' -f 4 | tr '\n' ' '
}

@test "the table: newest first, with what has ended" {
  local first second upload

  start_daemon --settle 0 --handler simulate:delay=20ms,fail=42
  first=$(ctl submit -p HIGH -l nightly 1-7)
  second=$(ctl submit -p LOW 42)
  ctl wait "$first" "$second" || true
  upload=$(open_upload 1,2,3,4)
  run --separate-stderr ctl list
  [ "$status" -eq 0 ]
  [ -z "$stderr" ] || fail "$stderr"
  [ "${#lines[@]}" -eq 4 ]
  [[ ${lines[0]} =~ ^NUMBER\ +STATUS\ +PRIORITY\ +IDS\ +FAILED\ +BATCHES\ +SUBMITTED\ +LABEL\ +ID$ ]]
  [[ ${lines[1]} =~ ^\ +-\ +receiving\ +MEDIUM\ +4\ +-\ +-\ +20[0-9T:-]+Z\ +-\ +$upload$ ]] || fail "${lines[1]}"
  [[ ${lines[2]} =~ ^\ +2\ +failed\ +LOW\ +1\ +1\ +1/1\ +20[0-9T:-]+Z\ +-\ +$second$ ]] || fail "${lines[2]}"
  [[ ${lines[3]} =~ ^\ +1\ +completed\ +HIGH\ +7\ +0\ +3/3\ +20[0-9T:-]+Z\ +nightly\ +$first$ ]] || fail "${lines[3]}"
  # The ids stand below each other.
  [ "$(awk '{ print length($0) - length($NF) }' <<<"$output" | sort -u | wc -l)" -eq 1 ]
}

@test "what is selected, alone and combined" {
  local a b c

  start_daemon --settle 10m
  a=$(ctl submit -p HIGH -l x 1)
  b=$(ctl submit -p LOW -l x 2)
  sleep 0.002
  c=$(ctl submit -p LOW -l "x y" 3)
  [ "$(listed)" = "$c $b $a " ]
  [ "$(listed --priority low)" = "$c $b " ]
  [ "$(listed --label x)" = "$b $a " ]
  [ "$(listed -l x -p LOW)" = "$b " ]
  [ "$(listed --seq 3)" = "$c " ]
  [ "$(listed --status yet_to_start)" = "$c $b $a " ]
  [ "$(listed --id "$c")" = "$c " ]
  [ "$(listed --id "${c:0:8}" --seq 1)" = "$a " ]
  [ "$(listed --id "${c:0:14}" --label "x y")" = "$c " ]
  run --separate-stderr ctl list --status failed
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [[ $stderr == *"there are none"* ]]
}

# The numbers of the ingestions that a list has, on one line.
numbers() {
  ctl list --json "$@" 2>/dev/null | grep -oE '"seq":[0-9]+' | cut -d : -f 2 | tr '\n' ' '
}

@test "pages: --limit, --cursor and --all" {
  local cursor

  start_daemon --settle 10m
  # More than the daemon puts on a page.
  for i in $(seq 1060); do
    echo '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"priority":"LOW","ids":['"$i"']}}'
  done | nc -NU -w 20 "$SOCKET" >/dev/null
  run --separate-stderr ctl list
  [ "${#lines[@]}" -eq 51 ]
  [[ $stderr =~ "there are more: --cursor "([^ ]+)" shows the next, --all shows all" ]] || fail "$stderr"
  cursor=${BASH_REMATCH[1]}
  [ "$(numbers --cursor "$cursor" -n 3)" = "1010 1009 1008 " ]
  run --separate-stderr ctl list --all
  [ "${#lines[@]}" -eq 1061 ]
  [ -z "$stderr" ] || fail "$stderr"
  [ "$(numbers --all)" = "$(seq 1060 -1 1 | tr '\n' ' ')" ]
  [ "$(numbers --limit 1055)" = "$(seq 1060 -1 6 | tr '\n' ' ')" ]
  [ "$(numbers --limit 2000)" = "$(seq 1060 -1 1 | tr '\n' ' ')" ]
}

@test "--json: an object per line, as status has them, but for the batches" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit -l 'a "b" ]}' 1 2)
  ctl submit 3
  ctl list --json >"$DIR/list"
  [ "$(wc -l <"$DIR/list")" -eq 2 ]
  [ "$(tail -n 1 "$DIR/list" | e2e json 'sorted(d), d["label"]')" = \
    "$(ctl status --json "$id" | e2e json 'sorted(set(d) - {"batches"}), d["label"]')" ]
}

@test "a long label is cut, and cannot write to the terminal" {
  start_daemon --settle 10m
  ctl submit -l "$(printf 'x%.0s' {1..128})" 1
  ctl submit -l "$(printf 'ä%.0s' {1..30})" 1
  run --separate-stderr ctl list
  [[ ${lines[2]} == *"  xxxxxxxxxxxxxxxxxxxxxxxxxxxxx...  "* ]] || fail "${lines[2]}"
  [[ ${lines[1]} == *"  $(printf 'ä%.0s' {1..30})    01"* ]] || fail "${lines[1]}"
}

@test "wrong usage" {
  start_daemon --settle 10m
  refuses 2 '"odd"' receiving -- ctl list --status odd
  refuses 2 '"URGENT"' "HIGH, MEDIUM, LOW" -- ctl list --priority URGENT
  refuses 2 '"0"' limit -- ctl list --limit 0
  refuses 2 '"x"' number -- ctl list --seq x
  refuses 2 '"xyz"' -- ctl list --id xyz
  refuses 2 cursor -- ctl list --cursor ""
  refuses 2 cursor -- ctl list --cursor nonsense
  refuses 2 '"1"' status -- ctl list 1
}

# ---- uploads ----

@test "status of an upload: how much has arrived, no batches" {
  local id

  start_daemon --settle 10m
  id=$(open_upload 1,2,3,4,5 ',"label":"part"')
  run --separate-stderr ctl status "$id"
  [ "$status" -eq 0 ]
  [ -z "$stderr" ] || fail "$stderr"
  [[ $output == *"$id"*receiving*part*"5 ids received so far" ]] || fail "$output"
  [[ $output != *number* ]]
  [ "$(ctl status --json "$id" | e2e json 'd["status"], d["counts"]["ids"], d["batches"], "seq" in d')" = \
    "('receiving', 5, [], False)" ]
  ctl cancel "$id"
  [[ $(ctl status "$id") == *cancelled*"5 ids received, none of them submitted" ]] || fail "$(ctl status "$id")"
}

@test "--watch and wait see an upload through to the end" {
  local id watching waiting status=0

  start_daemon --settle 0 --handler simulate:delay=20ms
  id=$(open_upload 1,2,3,4)
  ctl status --watch "$id" >"$DIR/watched" 3>&- &
  watching=$!
  ctl wait "$id" >"$DIR/waited" 3>&- &
  waiting=$!
  wait_until 20 grep -q "receiving 4 ids" "$DIR/watched"
  rpc '{"jsonrpc":"2.0","id":1,"method":"append","params":{"ingestion_id":"'"$id"'","offset":4,"ids":[5,6]}}'
  wait_until 20 grep -q "receiving 6 ids" "$DIR/watched"
  rpc '{"jsonrpc":"2.0","id":1,"method":"seal","params":{"ingestion_id":"'"$id"'"}}'
  wait "$watching" || fail "exit status $?"
  wait "$waiting" || fail "exit status $?"
  [[ $(tail -n 1 "$DIR/watched") == *" completed 2/2" ]]
  [ "$(<"$DIR/waited")" = "$id completed" ]
}

@test "wait: a cancelled upload is a no" {
  local id waiting status=0

  start_daemon --settle 10m
  id=$(open_upload 1)
  ctl wait "$id" >"$DIR/waited" 3>&- &
  waiting=$!
  refuses 7 "$id is not final: 1 id received so far" -- ctl wait --timeout 100ms "$id"
  ctl cancel "$id"
  wait "$waiting" || status=$?
  [ "$status" -eq 1 ] || fail "exit status $status"
  [ "$(<"$DIR/waited")" = "$id cancelled" ]
}

@test "cancel: several, what is not possible, --json" {
  local a b done_

  start_daemon --settle 0s
  done_=$(ctl submit 1)
  wait_status "$done_" completed
  a=$(open_upload 1)
  b=$(open_upload 2)
  run --separate-stderr ctl cancel "$a" "$done_" "$b"
  [ "$status" -eq 4 ]
  [ "$output" = "$(printf '%s cancelled\n' "$a" "$b")" ]
  [[ $stderr == *ended* ]]
  # The key of a cancelled upload is free again.
  ctl cancel "$(open_upload 7 ',"key":"k"')"
  [ "$(ctl submit --json --key k 8 9 | e2e json 'd["id_count"], "replayed" in d')" = "(2, False)" ]
  # Again is no error.
  [ "$(ctl cancel --json "$a" | e2e json 'd["ingestion_id"], d["status"]')" = "('$a', 'cancelled')" ]
  refuses 6 "019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42 not found" -- ctl cancel 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42
  refuses 2 "cancel what" -- ctl cancel
  has_status "$done_" completed
}

# ---- stats ----

@test "stats: what waits, what has been done, what the daemon is set to" {
  local id

  start_daemon --settle 10m --rate 1/5s
  ctl submit -p HIGH 1-9
  ctl submit -p LOW 1-4
  open_upload 1,2,3
  run --separate-stderr ctl stats
  [ "$status" -eq 0 ]
  [ -z "$stderr" ] || fail "$stderr"
  [[ $output == *"a slot every 5s, batches of 3"* ]] || fail "$output"
  [[ $output == *"5 batches with 13 ids, started in about 25s"* ]] || fail "$output"
  [[ $output == *"up to 5 attempts, 10s apart at first, at most 1h"* ]] || fail "$output"
  [[ $output == *"attempts     0, 0 of them retries"* ]] || fail "$output"
  [[ $output == *"1 not complete, with 3 ids"* ]] || fail "$output"
  [[ $output == *"$STORE_URL"* ]] || fail "$output"
  grep -qE '^HIGH +9 +3 +[0-9.]+s +0 +0 +0 +0 +0$' <<<"$output" || fail "$output"
  grep -qE '^LOW +4 +2 +[0-9.]+s +0 +0 +0 +0 +0$' <<<"$output" || fail "$output"
  [ "$(ctl stats --json | e2e json '[l["waiting_ids"] for l in d["lanes"]], d["uploads"]["ids"]')" = "([9, 0, 4], 3)" ]
  refuses 2 '"x"' -- ctl stats x
}

# What stats say of attempts, on one line.
attempts() {
  ctl stats --json | e2e json '(*[d["attempts"][n] for n in ("total", "retries", "interrupted")], d["attempts"]["failures"]["ids"], d["attempts"]["failures"]["try_again"], sum(b["count"] for b in d["attempts"]["durations"]))'
}

attempts_are() {
  [ "$(attempts)" = "$1" ]
}

@test "stats: attempts, retries, failures by kind, durations" {
  start_web --retry-base 1ms --retry-max 1ms --max-attempts 3 --settle 0 --handler "exec:sh -c 'exit 75'"
  [ "$(attempts)" = "(0, 0, 0, 0, 0, 0)" ]
  ctl submit 1 2 3
  ctl wait 1 || true
  wait_until 20 attempts_are "(3, 2, 0, 0, 3, 3)" || fail "$(attempts)"
  [[ $(ctl stats) == *"attempts     3, 2 of them retries, "*" on average, 3 failed (try_again)"* ]] || fail "$(ctl stats)"
  [[ $(ctl stats) == *"up to 3 attempts, 1ms apart at first, at most 1ms"* ]] || fail "$(ctl stats)"
  ask /metrics
  for line in 'ingestd_attempts_total 3' 'ingestd_retries_total 2' 'ingestd_attempts_failed_total{kind="try_again"} 3' \
    'ingestd_handler_duration_seconds_count 3' 'ingestd_oldest_waiting_seconds{priority="HIGH"} 0.000'; do
    grep -qxF "$line" <<<"$BODY" || fail "no $line"
  done
}
