# Helpers of the tests of HTTP, on top of daemon.bash: load both. A test finds $PORT, the daemon's port on
# 127.0.0.1, and the last answer in $CODE, $BODY and field().

export WEB=$BATS_TEST_DIRNAME/../lib/web

# Starts a daemon that serves HTTP on a free port of this machine, besides its socket.
start_web() {
  start_daemon --http 127.0.0.1:0 "$@"
  find_port
}

# The port of the daemon that was started last, from its log.
find_port() {
  PORT=$(sed -n 's/.* msg="serving http" address=.*:\([0-9]*\)$/\1/p' "$LOG" | tail -n 1)
  [ -n "$PORT" ] || fail "the log does not say which port serves HTTP"
}

# Which way ask() goes: tcp or unix.
VIA=tcp

# One request with curl: ask PATH [CURL ARG...]
ask() {
  local path=$1 way=()

  shift
  [ "$VIA" = tcp ] || way=(--unix-socket "$SOCKET")
  CODE=$(curl -sS -g --path-as-is -m 30 "${way[@]}" -D "$DIR/head" -o "$DIR/body" -w '%{http_code}' "$@" \
    "http://127.0.0.1:$PORT$path") || fail "curl failed ($?): $path"
  BODY=
  [ ! -e "$DIR/body" ] || BODY=$(<"$DIR/body")
}

# The same by both ways, each with its own answer: on_both COMMAND [ARG...]
on_both() {
  for VIA in tcp unix; do
    "$@"
  done
  VIA=tcp
}

# The value of a field of the last answer; fails when it is not there.
field() {
  local line

  line=$(grep -i "^$1: " "$DIR/head") || fail "the answer has no $1: $(<"$DIR/head")"
  line=${line#*: }
  echo "${line%$'\r'}"
}

# The answer has this status: status_is CODE
status_is() {
  [ "$CODE" = "$1" ] || fail "status $CODE, not $1: $BODY"
}

# The answer is a problem document with that status and error, and its text has all parts:
# problem STATUS CODE [PART...]
problem() {
  status_is "$1"
  python3 -B -S -E "$WEB/problem.py" "$DIR" "$@"
}

# A Python expression on the JSON document d of the last answer.
of_body() {
  e2e json "$1" <<<"$BODY"
}

# POST /ingest: submit JSON [CURL ARG...]; the id is in $ID.
post() {
  ask /ingest --data-binary "$1" "${@:2}"
  ID=
  [[ ! $BODY =~ \"ingestion_id\":\"([0-9a-f-]{36})\" ]] || ID=${BASH_REMATCH[1]}
}

# A script of tests/lib/web: web NAME [ARG...]
web() {
  python3 -B -S -E "$WEB/$1.py" "${@:2}"
}

# A figure of the daemon, as a Python expression on the reply of the verb stats; asked on the socket, so
# that it does not count as a request of HTTP.
figure() {
  ctl stats --json | e2e json "$1"
}

figure_is() {
  [ "$(figure "$1")" = "$2" ]
}

# wait_figure EXPRESSION VALUE
wait_figure() {
  wait_until 20 figure_is "$1" "$2" || fail "$1 is $(figure "$1"), not $2"
}

# The path of a program that is unpacked when it is not installed (tests/lib/tools.sh) goes to $TOOL; the
# test is skipped when that cannot be: need_tool NAME
need_tool() {
  TOOL=$("$BATS_TEST_DIRNAME/../lib/tools.sh" "$1" 2>"$DIR/why") || skip "$(tail -n 1 "$DIR/why")"
}

# The log has no line that matches: log_lacks GREP_ARG...
log_lacks() {
  local line

  line=$(LC_ALL=C grep -m 1 "$@" "$LOG") || return 0
  fail "the log has: $line"
}
