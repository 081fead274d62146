# ingestctl report and GET /ingestions/{id}/report: what has become of each id.

load ../lib/daemon
load ../lib/http

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# Members of the entries that come as JSON, one per line: members NAME... <LINES
members() {
  python3 -S -E -c 'import json, sys
for line in sys.stdin:
    entry = json.loads(line)
    print(*[entry.get(name, "-") for name in sys.argv[1:]])' "$@"
}

# The same of a page of HTTP.
entries() {
  python3 -S -E -c 'import json, sys
for entry in json.load(sys.stdin)["entries"]:
    print(*[entry.get(name, "-") for name in sys.argv[1:]])' "$@"
}

# An ingestion that has ended, with failed ids and the largest ones.
MAX=9223372036854775807
start_and_submit() {
  start_web --handler "simulate:delay=10ms,fail=2,5,$MAX"
  ID=$(ctl submit 1-6 9223372036854775806 $MAX 9007199254740993)
  wait_status "$ID" failed
}

# ---- the real daemon ----

@test "each id with its outcome, exact to the last digit, by both doors" {
  start_and_submit
  ctl report --json "$ID" >"$DIR/lines"
  [ "$(members position id batch outcome attempts <"$DIR/lines")" = "0 1 0 completed 1
1 2 0 failed 1
2 3 0 completed 1
3 4 1 completed 1
4 5 1 failed 1
5 6 1 completed 1
6 9223372036854775806 2 completed 1
7 9223372036854775807 2 failed 1
8 9007199254740993 2 completed 1" ] || fail "$(<"$DIR/lines")"
  [ "$(members error <"$DIR/lines" | grep -v '^-$')" = "simulated failure of id 2
simulated failure of id 5
simulated failure of id $MAX" ]
  # Each has a start, and an end behind it.
  members started_at finished_at <"$DIR/lines" | awk '!($1 < $2) { exit 1 }'
  ask "/ingestions/$ID/report"
  status_is 200
  [ "$(entries position id batch outcome attempts started_at finished_at error <<<"$BODY")" = \
    "$(members position id batch outcome attempts started_at finished_at error <"$DIR/lines")" ]
  [[ $BODY == "{\"ingestion_id\":\"$ID\",\"entries\":["* ]]
  [[ $BODY != *'"next'* ]]
}

@test "only what has failed, only one id, both" {
  start_and_submit
  [ "$(ctl report --failed --json "$ID" | members id)" = "2
5
$MAX" ]
  [ "$(ctl report --id $MAX --json "$ID" | members position id)" = "7 $MAX" ]
  [ "$(ctl report --id 9223372036854775806 --json "$ID" | members position id)" = "6 9223372036854775806" ]
  # A neighbour that a double would take for the same.
  [ -z "$(ctl report --id 9007199254740992 --json "$ID")" ]
  [ -z "$(ctl report --failed --id 3 --json "$ID")" ]
  ask "/ingestions/$ID/report?failed=true&id=$MAX"
  [ "$(entries position id outcome <<<"$BODY")" = "7 $MAX failed" ]
  ask "/ingestions/$ID/report?failed=false&id=3"
  [ "$(entries position outcome <<<"$BODY")" = "2 completed" ]
}

@test "an id in several places is found in each" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit 7 8 7 9 7)
  [ "$(ctl report --id 7 --json "$id" | members position batch outcome attempts started_at)" = "0 0 pending 0 -
2 0 pending 0 -
4 1 pending 0 -" ]
}

@test "the ingestion by its number, by the beginning of its id, and when there is none" {
  start_and_submit
  [ "$(ctl report --failed --json 1)" = "$(ctl report --failed --json "$ID")" ]
  [ "$(ctl report --failed --json "${ID:0:8}")" = "$(ctl report --failed --json "$ID")" ]
  refuses 6 "ingestion 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42 not found" -- \
    ctl report 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42
  refuses 6 "number 2 not found" -- ctl report 2
  ask /ingestions/019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42/report
  problem 404 not_found "Ingestion ID not found"
  ask "/ingestions/${ID:0:8}/report"
  problem 404 not_found
}

@test "an upload has no entries" {
  local id

  start_daemon
  id=$(rpc '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"priority":"LOW","open":true}}' |
    e2e json 'd["result"]["ingestion_id"]')
  run --separate-stderr ctl report --json "$id"
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [[ $stderr == *"there are none"* ]]
}

@test "a list of many pages comes whole and in order" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit 1-200000)
  ctl report --format csv "$id" >"$DIR/csv"
  tail -n +2 "$DIR/csv" | cut -d , -f 1-5 >"$DIR/seen"
  awk 'BEGIN { for (i = 0; i < 200000; i++) printf "%d,%d,%d,pending,0\n", i, i + 1, i / 3 }' | cmp - "$DIR/seen"
  # What has not failed is passed over, however much it is.
  [ "$(ctl report --failed --format csv "$id")" = "$(head -n 1 "$DIR/csv")" ]
  [ "$(ctl report --id 199999 --json "$id" | members position)" = 199998 ]
}

@test "pages of HTTP lead to each other, with the same filter" {
  local path

  start_and_submit
  path="/ingestions/$ID/report?limit=2"
  for wanted in "1 2" "3 4" "5 6" "9223372036854775806 $MAX" "9007199254740993"; do
    ask "$path"
    status_is 200
    [ "$(entries id <<<"$BODY" | tr '\n' ' ')" = "$wanted " ] || fail "$path: $BODY"
    path=$(e2e json 'd.get("next", "")' <<<"$BODY")
  done
  [ -z "$path" ]
  ask "/ingestions/$ID/report?limit=1&failed=true"
  [ "$(entries id <<<"$BODY")" = 2 ]
  path=$(e2e json 'd["next"]' <<<"$BODY")
  [[ $path == "/ingestions/$ID/report?limit=1&failed=true&cursor="* ]] || fail "$path"
  ask "$path"
  [ "$(entries id <<<"$BODY")" = 5 ]
  ask "/ingestions/$ID/report?id=6&limit=1"
  [ "$(entries id <<<"$BODY")" = 6 ]
}

@test "wrong parameters are refused by name" {
  start_and_submit
  while read -r query name; do
    ask "/ingestions/$ID/report?$query"
    problem 400 invalid "$name"
  done <<EOT
failed=1 failed
failed= failed
failed=TRUE failed
id=0 id
id=-1 id
id=1.0 id
id=9223372036854775808 id
limit=0 limit
limit=1001 limit
cursor=-1 cursor
cursor=100000001 cursor
cursor=x cursor
from=1 from
failed=true&failed=true failed
EOT
  ask "/status/$ID?output=yes"
  problem 400 invalid output
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"report","params":{"ingestion_id":"'"$ID"'","cursor":1}}' cursor
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"report","params":{"ingestion_id":"'"$ID"'","id":1.5}}' '\"id\"'
}

# ---- the client, with a daemon of which each page is known ----

@test "wrong usage" {
  start_fake
  refuses 2 ingestion -- ctl report
  refuses 2 '"b1"' -- ctl report 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42 b1
  refuses 2 '"xml"' table csv jsonl -- ctl report --format xml 1
  refuses 2 '"0"' 9223372036854775807 -- ctl report --id 0 1
  refuses 2 '"9223372036854775808"' -- ctl report --id 9223372036854775808 1
  refuses 2 '"x"' UUID -- ctl report x
  refuses 6 "not found" -- ctl report 019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42
}

@test "CSV is what other programs read" {
  local id

  start_fake
  id=$(ctl submit 1-30 $MAX)
  ctl report --format csv "$id" >"$DIR/csv"
  [ "$(head -n 1 "$DIR/csv")" = position,id,batch,outcome,attempts,started_at,finished_at,error ]
  run ! grep -q $'\r' "$DIR/csv"
  python3 -S -E -c '
import csv, json, sys
lines = [json.loads(line) for line in open(sys.argv[2])]
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert len(rows) == len(lines) == 31, (len(rows), len(lines))
for row, line in zip(rows, lines):
    assert set(row) >= set(line), (row, line)
    for name, text in row.items():
        assert text == str(line.get(name, "")), (name, row, line)
errors = {row["error"] for row in rows}
assert {"no \"such\" id", "first, second", "two\nlines", "plain", ""} <= errors, errors
' "$DIR/csv" <(ctl report --json "$id")
  # Texts that need no quotes have none.
  grep -q ',plain$' "$DIR/csv"
  grep -q ',"no ""such"" id"$' "$DIR/csv"
  # The titles are there when nothing else is.
  run --separate-stderr ctl report --format csv --id 99 "$id"
  [ "$status" -eq 0 ]
  [ "$output" = "$(head -n 1 "$DIR/csv")" ]
}

@test "JSON lines are the entries of the answer" {
  local id

  start_fake
  id=$(ctl submit 4 5 $MAX)
  ctl report --format jsonl "$id" >"$DIR/lines"
  [ "$(<"$DIR/lines")" = '{"position":0,"id":4,"batch":0,"outcome":"completed","attempts":2,"started_at":"2026-11-22T13:02:29.000Z","finished_at":"2026-11-22T13:02:30.250Z"}
{"position":1,"id":5,"batch":0,"outcome":"failed","attempts":2,"started_at":"2026-11-22T13:02:29.000Z","finished_at":"2026-11-22T13:02:30.250Z","error":"first, second"}
{"position":2,"id":9223372036854775807,"batch":0,"outcome":"pending","attempts":2,"started_at":"2026-11-22T13:02:29.000Z","error":"first, second"}' ] ||
    fail "$(<"$DIR/lines")"
  ctl report --json "$id" | cmp - "$DIR/lines"
}

@test "the table: columns stand below their titles, and no control characters" {
  local id

  start_fake
  id=$(ctl submit 1-5 15 14 $MAX)
  run --separate-stderr ctl report "$id"
  [ "$status" -eq 0 ]
  [ -z "$stderr" ]
  [ "$output" = "POSITION  ID  BATCH  OUTCOME    ATTEMPTS  STARTED               FINISHED              ERROR
       0   1      0  completed         2  2026-11-22T13:02:29Z  2026-11-22T13:02:30Z  -
       1   2      0  completed         2  2026-11-22T13:02:29Z  2026-11-22T13:02:30Z  -
       2   3      0  completed         2  2026-11-22T13:02:29Z  2026-11-22T13:02:30Z  -
       3   4      1  completed         2  2026-11-22T13:02:29Z  2026-11-22T13:02:30Z  -
       4   5      1  failed            2  2026-11-22T13:02:29Z  2026-11-22T13:02:30Z  first, second
       5  15      1  failed            2  2026-11-22T13:02:29Z  2026-11-22T13:02:30Z  ?[31mred
       6  14      2  pending           2  2026-11-22T13:02:29Z  -                     two?lines
       7  $MAX      2  pending           2  2026-11-22T13:02:29Z  -                     first, second" ] || fail "$output"
  run --separate-stderr ctl report --id 99 "$id"
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  [[ $stderr == *"there are none"* ]]
}

@test "empty pages in the middle are no end" {
  local id

  start_fake
  id=$(ctl submit 5 1-4 6 8 9 11-13 16-19 10 20)
  [ "$(ctl report --failed --json "$id" | members id | tr '\n' ' ')" = "5 10 20 " ]
  # Each place was looked at once.
  [ "$(grep ^page "$REQUESTS" | tr '\n' ';')" = "page 0 4;page 4 8;page 8 12;page 12 16;page 16 17;" ]
}

@test "nothing is asked for that nobody reads" {
  local id pages

  start_fake
  id=$(ctl submit 1-100000)
  run --separate-stderr bash -c "'$BUILD/ingestctl' --socket '$SOCKET' report --json $id >/dev/full"
  [ "$status" -eq 4 ]
  [[ $stderr == *"cannot write to stdout: No space left on device"* ]] || fail "$stderr"
  [ "$(grep -c ^page "$REQUESTS")" -le 2 ]
  [ "$(ctl report --json "$id" | head -n 1 | members id)" = 1 ]
  pages=$(grep -c ^page "$REQUESTS")
  [ "$pages" -lt 5000 ] || fail "$pages pages for one line"
}

@test "the connection breaks in the middle: what is there was printed, and the status says so" {
  local id

  start_fake report:3:drop
  id=$(ctl submit 1-30)
  run --separate-stderr ctl report --json "$id"
  [ "$status" -eq 3 ]
  [ "${#lines[@]}" -eq 8 ]
  [[ $stderr == *"the connection to"* ]] || fail "$stderr"
}
