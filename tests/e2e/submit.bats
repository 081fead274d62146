# ingestctl submit: what can be submitted, and what is printed.

load ../lib/daemon

setup() {
  daemon_setup
  # Nothing starts in most tests: they look at what was submitted.
  start_daemon --settle 10m
}

teardown() {
  daemon_teardown
}

uuid='^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'

# The ids of an ingestion as JSON lists, one per batch.
batches_of() {
  ctl status --all --json "$1" | grep -oE '"ids":\[[0-9,]*\]' | cut -d : -f 2 | tr '\n' ' '
}

@test "prints the ingestion id alone on stdout" {
  run --separate-stderr ctl submit --priority HIGH 1 2 3
  [ "$status" -eq 0 ]
  [[ $output =~ $uuid ]]
  [ -z "$stderr" ]
  [ "$(batches_of "$output")" = "[1,2,3] " ]
}

@test "ids come as arguments, ranges, files and stdin, in this order" {
  local id

  printf '%s\n' '# the first of March' '10, 11' '12-14 # a range' '' >"$DIR/ids"
  id=$(echo "20 21" | ctl submit 1 2-3 4,5 -f "$DIR/ids" -)
  [ "$(batches_of "$id")" = "[1,2,3] [4,5,10] [11,12,13] [14,20,21] " ]
}

@test "the end of a text ends an id" {
  printf 1 >"$DIR/one"
  printf '2 # two' >"$DIR/two"
  [ "$(batches_of "$(printf 3 | ctl submit 7 8 -f "$DIR/one" -f "$DIR/two" -)")" = "[7,8,1] [2,3] " ]
}

@test "order and repetitions are kept" {
  [ "$(batches_of "$(ctl submit 3 1 3 2)")" = "[3,1,3] [2] " ]
}

@test "large ids come back digit for digit" {
  local id

  id=$(ctl submit 9007199254740993 9223372036854775807 4503599627370497)
  [ "$(batches_of "$id")" = "[9007199254740993,9223372036854775807,4503599627370497] " ]
  [[ $(COLUMNS=200 ctl status "$id") == *9007199254740993* ]]
  # On the socket as number and as string of digits.
  id=$(rpc '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[9223372036854775807,"9007199254740993"],"priority":"LOW"}}' |
    e2e json 'd["result"]["ingestion_id"]')
  [ "$(batches_of "$id")" = "[9223372036854775807,9007199254740993] " ]
}

@test "large ids are shown whole in the table of a wide terminal" {
  local id table

  id=$(ctl submit 9007199254740993 9223372036854775807)
  # A pipe has no width of its own; the terminal that script(1) makes has the one that stty sets.
  table=$(script -qec "stty cols 160; '$BUILD/ingestctl' --socket '$SOCKET' status $id" /dev/null </dev/null)
  [[ $table == *"9007199254740993 9223372036854775807"* ]] || fail "$table"
}

@test "a priority can be written in any case; without one it is MEDIUM" {
  local word

  for word in HIGH high High MEDIUM medium LOW low lOw; do
    [[ $(ctl status --json "$(ctl submit -p "$word" 1)") == *'"priority":"'"${word^^}"'"'* ]]
  done
  [[ $(ctl status --json "$(ctl submit 1)") == *'"priority":"MEDIUM"'* ]]
}

@test "a label is shown as it was given" {
  local id label='März "1" \ <x> 漢'

  id=$(ctl submit --label "$label" 1)
  [[ $(ctl status "$id") == *"$label"* ]]
  [ "$(ctl status --json "$id" | PYTHONIOENCODING=utf-8 e2e json 'd["label"]')" = "$label" ]
  [[ $(ctl status --json "$(ctl submit 1)") != *label* ]]
  ctl submit --label "$(printf '%0128d' 0)" 1
}

@test "--json prints the answer as an object" {
  local json

  json=$(ctl submit --json 1 2 3 4)
  [ "$(e2e json 'sorted(d), d["id_count"], d["batch_count"]' <<<"$json")" = \
    "(['batch_count', 'id_count', 'ingestion_id', 'seq'], 4, 2)" ] || fail "$json"
  [ "$(ctl submit --json 1 | e2e json 'd["seq"]')" -eq 2 ]
}

@test "--verbose says on stderr what was submitted" {
  run --separate-stderr ctl submit -v -p low 1 2 3 4
  [ "$status" -eq 0 ]
  [[ $output =~ $uuid ]]
  [[ $stderr =~ "submitted as number 1: 4 ids in 2 batches, priority LOW, key "([^ ]+)$ ]] || fail "$stderr"
  # With that key it would not be submitted again.
  [ "$(ctl submit -p low --key "${BASH_REMATCH[1]}" 1 2 3 4)" = "$output" ]
}

@test "submissions are numbered, and ids sort by time" {
  local first second

  first=$(ctl submit 1)
  sleep 0.01
  second=$(ctl submit 1)
  [[ $first < $second ]]
}

@test "a list of any length is one ingestion" {
  local id range

  # In one message, and in parts (upload.bats).
  for range in 1-100000 1000000-1700000; do
    ctl submit --quiet "$range" >"$DIR/id"
    id=$(<"$DIR/id")
    [[ $(ctl status --json "$id") == *'"counts":{"ids":'$((${range#*-} - ${range%-*} + 1))',"batches":'* ]]
  done
  [ "$(ctl submit --json 1 | e2e json 'd["seq"]')" -eq 3 ]
}

@test "--wait waits for the end: 0 when all completed, 1 when a batch failed" {
  stop_daemon
  start_daemon --settle 0 --handler simulate:delay=20ms,fail=42
  run --separate-stderr ctl submit --wait 1 2 3 4
  [ "$status" -eq 0 ]
  [[ $output =~ $uuid ]]
  has_status "$output" completed
  run --separate-stderr ctl submit --wait 1 2 3 42
  [ "$status" -eq 1 ]
  [[ $output =~ $uuid ]]
  [[ $stderr == *failed* ]]
}

@test "nobody listens: exit status 3, and how to say where" {
  refuses 3 "$DIR/nowhere" --socket INGESTD_SOCKET -- "$BUILD/ingestctl" --socket "$DIR/nowhere" submit 1
}

@test "the socket comes from --socket, then from INGESTD_SOCKET" {
  INGESTD_SOCKET=$SOCKET "$BUILD/ingestctl" submit 1
  INGESTD_SOCKET=$DIR/nowhere "$BUILD/ingestctl" submit --socket "$SOCKET" 1
  INGESTD_SOCKET=$DIR/nowhere "$BUILD/ingestctl" --socket "$SOCKET" submit 1
}

@test "stdout that is full or closed is an error that still names the ingestion" {
  run --separate-stderr bash -c "'$BUILD/ingestctl' --socket '$SOCKET' submit 1 >/dev/full"
  [ "$status" -ne 0 ]
  [[ $stderr =~ [0-9a-f]{8}-[0-9a-f]{4}-7 ]]
}

@test "help everywhere, and every error says more than no" {
  local command

  for command in submit status wait list cancel stats ping version completion; do
    run --separate-stderr ctl "$command" --help
    [ "$status" -eq 0 ]
    [[ $output == "usage: ingestctl $command"* ]]
    [[ $output == *"exit status:"* ]]
  done
  run --separate-stderr ctl --help
  [ "$status" -eq 0 ]
  refuses 2 help -- "$BUILD/ingestctl"
  refuses 2 frob help -- ctl frob
  refuses 2 --frob help -- ctl submit --frob 1
}
