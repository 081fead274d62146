# Helpers of the tests of the handler http, on top of daemon.bash: load both. A test finds $URL of the
# server, and in $RECORD what it was asked (tests/lib/upstream.py).

upstream() {
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/upstream.py" "$@"
}

# start_upstream [OPTION...]: a server with these options of `upstream.py serve`
start_upstream() {
  local scheme=http

  [[ " $* " != *" --cert "* ]] || scheme=https
  RECORD=$DIR/record
  rm -f "$DIR/port"
  touch "$RECORD"
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/upstream.py" serve "$RECORD" "$DIR/port" "$@" \
    2>"$DIR/upstream.log" 3>&- &
  UPSTREAM=$!
  COMPANIONS+=("$UPSTREAM")
  wait_until 20 test -s "$DIR/port" || fail "the server did not start: $(cat "$DIR/upstream.log")"
  URL=$scheme://127.0.0.1:$(cat "$DIR/port")
}

# What Python's expression says of the list `calls`: record EXPRESSION
record() {
  python3 -S -E -c 'import json, sys
calls = [json.loads(line) for line in open(sys.argv[1])]
print(eval(sys.argv[2]))' "$RECORD" "$1"
}

# wait_calls COUNT: until the server was asked so often
wait_calls() {
  wait_until 20 has_calls "$1" || fail "$(wc -l <"$RECORD") calls, not $1"
}

has_calls() {
  [ "$(wc -l <"$RECORD")" -ge "$1" ]
}

# The error of the first batch: error_of ID
error_of() {
  ctl status --json "$1" | python3 -S -E -c 'import json, sys
print(json.load(sys.stdin)["batches"][0].get("error", ""))'
}
