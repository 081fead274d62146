# Lists that do not fit into one message: they go in parts, in bounded memory, and go on where they were
# interrupted.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

uuid='^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'

# Messages of 4 KiB make uploads of short lists, with parts of 179 ids.
start_small() {
  start_daemon --settle 10m --max-message-bytes 4k
}

# All ids of an ingestion in order, a line each.
ids_of() {
  ctl status --all --json "$1" | grep -oE '"ids":\[[0-9,]*\]' | tr -cd '0-9,\n' | tr ',' '\n'
}

# assert_ids ID FIRST LAST
assert_ids() {
  seq "$2" "$3" >"$DIR/wanted"
  ids_of "$1" | cmp - "$DIR/wanted" || fail "other ids than $2-$3"
}

# What the fake daemon was given in the end is exactly one list with these ids.
assert_given() {
  local -a lists

  mapfile -t lists < <(grep ^done "$REQUESTS" | cut -d ' ' -f 5-)
  [ ${#lists[@]} -eq 1 ] || fail "${#lists[@]} lists were submitted"
  [ "${lists[0]}" = "$(seq -s ' ' "$1" "$2")" ] || fail "other ids than $1-$2 were submitted"
}

# Starts a submission of 1-600000 from a pipe that stays open: launch_held [OPTION...]. With parts of 52224
# ids it gets stuck when so many have arrived:
held=574464
launch_held() {
  mkfifo "$DIR/pipe"
  "$BUILD/ingestctl" --socket "$SOCKET" submit "$@" - <"$DIR/pipe" >"$DIR/out" 2>"$DIR/err" 3>&- &
  HELD=$!
  exec 7>"$DIR/pipe"
  seq 1 600000 >&7
}

has_received() {
  [ "$(ctl list --json --status receiving | grep -oE '"ids":[0-9]+')" = "\"ids\":$1" ]
}

@test "a list that is too long for a message arrives in parts, every id once and in order" {
  start_small
  run --separate-stderr ctl submit --verbose --priority HIGH --label long 7 1000-2998 -f <(seq 2999 5000)
  [ "$status" -eq 0 ]
  [[ $output =~ $uuid ]]
  [[ $stderr == *"sending in parts; if this is interrupted, the same command with --key "*" continues it"* ]]
  [[ $stderr == *"submitted as number 1: 4002 ids in 1334 batches, priority HIGH, key "* ]]
  ids_of "$output" >"$DIR/got"
  { echo 7 && seq 1000 5000; } | cmp - "$DIR/got"
  [ "$(ctl status --json "$output" | e2e json 'd["label"], d["priority"], d["status"]')" = \
    "('long', 'HIGH', 'yet_to_start')" ]
}

@test "one that fits is a single message" {
  start_fake
  ctl submit 1-100000
  [ "$(grep -vxE 'hello|ping|done .*' "$REQUESTS")" = submit ]
}

@test "what does not fit a message of the daemon goes in parts of that size" {
  start_fake --max-message-bytes 2048
  ctl submit 1-1000
  assert_given 1 1000
  [ "$(grep -c ^append "$REQUESTS")" -ge 10 ]
}

@test "--quiet: nothing on stderr; --json: the answer of a submission" {
  start_small
  run --separate-stderr ctl submit --quiet --json 1-5000
  [ "$status" -eq 0 ]
  [ -z "$stderr" ] || fail "$stderr"
  [ "$(e2e json 'sorted(d), d["id_count"], d["seq"]' <<<"$output")" = \
    "(['batch_count', 'id_count', 'ingestion_id', 'seq'], 5000, 1)" ]
}

@test "ten million ids: bounded memory" {
  local small large

  [ "$(basename "$BUILD")" = release ] || skip "sanitizers have memory of their own"
  start_daemon --settle 10m
  small=$(peak_kib submit 1)
  large=$(peak_kib submit 1-10000000)
  [ "$(ctl list --json --limit 1 | e2e json 'd["counts"]["ids"]')" -eq 10000000 ]
  [ $((large - small)) -lt $((32 * 1024)) ] || fail "$small KiB for one id, $large KiB for ten million"
  # The same through a pipe, twice over.
  large=$(seq 2000000000 2003000000 | peak_kib submit --once -)
  [ "$(ctl list --json --limit 1 | e2e json 'd["counts"]["ids"]')" -eq 3000001 ]
  [ $((large - small)) -lt $((32 * 1024)) ] || fail "$large KiB from a pipe"
}

# The most memory that the client has used.
peak_kib() {
  python3 -S -E -c 'import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))' "$BUILD/ingestctl" --socket "$SOCKET" "$@" --quiet
}

@test "what is no id far behind: exit status 2, nothing is submitted, nothing is left" {
  start_daemon --settle 10m
  { seq 1 600000 && echo "12 x 3"; } >"$DIR/ids"
  refuses 2 "$DIR/ids, line 600001: x is not an integer" -- ctl submit -q -f "$DIR/ids"
  [ "$(ctl list --json | e2e json 'd["status"]')" = cancelled ]
  [ "$(ctl submit --json 1 | e2e json 'd["seq"]')" -eq 1 ]
}

@test "with --key what is no id can be corrected, and the rest follows" {
  start_fake
  { seq 1 600000 && echo "x"; } >"$DIR/ids"
  refuses 2 "line 600001" "the same command continues after" -- ctl submit -q --key k -f "$DIR/ids"
  sed -i 's/x/600001/' "$DIR/ids"
  run --separate-stderr ctl submit --key k -f "$DIR/ids"
  [ "$status" -eq 0 ]
  [[ $stderr == *"continuing after "* ]]
  assert_given 1 600001
}

@test "/dev/zero and other binary data are refused at once, without a daemon" {
  refuses 2 "/dev/zero, line 1" -- ctl submit -f /dev/zero
  refuses 2 "stdin, line 1" -- ctl submit - </dev/zero
  refuses 2 "stdin, line 2" -- ctl submit - < <(printf '1 2\n3 4' && tr '\0' '7' </dev/zero)
}

@test "more than 100 million ids are refused before any is sent" {
  start_fake
  refuses 2 "1-100000001" 100000000 -- ctl submit 1-100000001
  refuses 2 "argument 2" 100000000 -- ctl submit 1-3 1-99999998
  ! grep -q submit "$REQUESTS" || fail "$(<"$REQUESTS")"
}

# ---- going on ----

@test "an upload that was killed goes on with the same key, and only sends what is missing" {
  start_fake --max-message-bytes 4096 append:8:hang
  seq 1 3000 >"$DIR/ids"
  "$BUILD/ingestctl" --socket "$SOCKET" submit --key mine -f "$DIR/ids" 2>"$DIR/err" 3>&- &
  wait_until 20 grep -q "append hang" "$REQUESTS"
  kill -9 $!
  wait $! || true
  : >"$REQUESTS"
  run --separate-stderr ctl submit --key mine -f "$DIR/ids"
  [ "$status" -eq 0 ]
  # 7 parts of 179 ids were acknowledged.
  [[ $stderr == *"continuing after 1253 ids"* ]] || fail "$stderr"
  [ "$(grep ^append "$REQUESTS" | head -n 1)" = "append 1253 179" ]
  assert_given 1 3000
}

@test "the same against ingestd, over a restart of it, from a pipe" {
  local id

  start_daemon --settle 10m
  launch_held --key mine
  wait_until 20 has_received "$held"
  kill_daemon
  kill -9 "$HELD"
  exec 7>&-
  start_daemon --settle 10m
  has_received "$held"
  run --separate-stderr ctl submit --key mine - < <(seq 1 650000)
  [ "$status" -eq 0 ] || fail "$stderr"
  [[ $stderr == *"continuing after $held ids"* ]] || fail "$stderr"
  id=$output
  [ "$(ctl status --json --from 216666 "$id" | e2e json 'd["counts"]["ids"], [b["ids"] for b in d["batches"]]')" = \
    "(650000, [[649999, 650000]])" ]
  # Once it is complete the same command gives the same answer.
  run --separate-stderr ctl submit --verbose --key mine - < <(seq 1 650000)
  [ "$status" -eq 0 ]
  [ "$output" = "$id" ]
  [[ $stderr == *"submitted before as number 1: 650000 ids"* ]]
  [ "$(ctl list --json | wc -l)" -eq 1 ]
}

@test "Ctrl-C: 130, and how to go on" {
  local status=0

  start_daemon --settle 10m
  mkfifo "$DIR/pipe"
  interruptible "$(command -v bash)" -c "exec '$BUILD/ingestctl' --socket '$SOCKET' submit --key mine - <'$DIR/pipe'" \
    >"$DIR/out" 2>"$DIR/err"
  exec 7>"$DIR/pipe"
  seq 1 600000 >&7
  wait_until 20 has_received "$held"
  kill -INT $!
  wait $! || status=$?
  exec 7>&-
  [ "$status" -eq 130 ] || fail "exit status $status: $(<"$DIR/err")"
  grep -qE '^ingestctl: interrupted after [0-9]+ ids; the same command continues$' "$DIR/err" || fail "$(<"$DIR/err")"
  [ ! -s "$DIR/out" ]
  has_received "$held"
  ctl submit --quiet --key mine 1-600000
  [ "$(ctl list --json | e2e json 'd["status"], d["counts"]["ids"]')" = "('yet_to_start', 600000)" ]
}

@test "other ids under the key of an upload are a conflict: before, in and behind what has arrived" {
  local bad

  start_fake --max-message-bytes 4096 append:8:hang
  "$BUILD/ingestctl" --socket "$SOCKET" submit --key mine 1-3000 2>"$DIR/err" 3>&- &
  wait_until 20 grep -q "append hang" "$REQUESTS"
  kill -9 $!
  wait $! || true
  for bad in 2-3001 "1-1252 7 1254-3000" 1-1000; do
    # shellcheck disable=SC2086 # words
    refuses 4 "other ids" mine -- ctl submit --quiet --key mine $bad
  done
  refuses 4 refused -- ctl submit --quiet --key mine --priority LOW 1-3000
  ctl submit --quiet --key mine 1-3000
  assert_given 1 3000
  # The whole is compared once it is complete.
  for bad in 1-2999 1-3001 "1-2999 3001"; do
    # shellcheck disable=SC2086
    refuses 4 "other ids" mine -- ctl submit --quiet --key mine $bad
  done
  ctl submit --quiet --key mine 1-3000
  assert_given 1 3000
}

@test "--once of a long list goes on, too, and gives the same id in the end" {
  local first

  start_daemon --settle 10m --max-message-bytes 4k
  seq 1 5000 >"$DIR/ids"
  first=$(ctl submit --quiet --once -f "$DIR/ids")
  [ "$(ctl submit --quiet --once - <"$DIR/ids")" = "$first" ]
  [ "$(ctl submit --quiet --once - < <(cat "$DIR/ids"))" = "$first" ]
  [ "$(ctl submit --quiet --once 1-5000)" = "$first" ]
  [ "$(ctl submit --quiet --once --label other 1-5000)" != "$first" ]
  [ "$(ctl list --json | wc -l)" -eq 2 ]
}

# ---- trouble on the way ----

@test "lost connections and a daemon without time: it goes on by itself, every id arrives once" {
  start_fake --max-message-bytes 4096 append:2:lose append:4:drop append:6:busy append:7:limited \
    append:9:draining append:11:unknown_outcome submit:3:draining submit:4:in_progress
  run --separate-stderr ctl submit 1-3000
  [ "$status" -eq 0 ] || fail "$stderr"
  [[ $stderr == *"trying again for 30 s"*"continuing after 358 ids"* ]]
  assert_given 1 3000
}

@test "a lost answer to the seal: it is submitted once, and not \"before\"" {
  start_fake --max-message-bytes 4096 seal:1:lose
  run --separate-stderr ctl submit --verbose 1-3000
  [ "$status" -eq 0 ] || fail "$stderr"
  [[ $stderr == *"submitted as number 1: 3000 ids"* ]]
  assert_given 1 3000
}

@test "a restart of ingestd in the midst of an upload does not end it" {
  start_daemon --settle 10m
  launch_held
  wait_until 20 has_received "$held"
  kill_daemon
  start_daemon --settle 10m 7>&-
  seq 600001 700000 >&7
  exec 7>&-
  wait "$HELD" || fail "exit status $?: $(<"$DIR/err")"
  [ "$(ctl list --json | e2e json 'd["counts"]["ids"], d["seq"]')" = "(700000, 1)" ]
  grep -q "trying again" "$DIR/err"
}

@test "busy at the first request: exit status 5 at once" {
  start_fake --max-message-bytes 4096 submit:1:busy
  refuses 5 busy -- ctl submit 1-3000
  ! grep -q append "$REQUESTS" || fail "$(<"$REQUESTS")"
}

@test "after 30 s without progress it gives up with 5, and says how to go on" {
  start_fake --max-message-bytes 4096 append:3-:busy
  run --separate-stderr ctl submit 1-3000
  [ "$status" -eq 5 ] || fail "exit status $status: $stderr"
  [[ $stderr == *"refused: busy; the same command with --key "*" continues after 358 ids"* ]] || fail "$stderr"
}

@test "an upload that was cancelled meanwhile is not begun again" {
  local status=0

  start_daemon --settle 10m
  launch_held --key mine
  wait_until 20 has_received "$held"
  [[ $(ctl cancel "$(ctl list --json | e2e json 'd["ingestion_id"]')") == *" cancelled" ]]
  seq 600001 700000 >&7 2>/dev/null || true # nobody reads on
  exec 7>&-
  wait "$HELD" || status=$?
  [ "$status" -eq 4 ] || fail "exit status $status: $(<"$DIR/err")"
  grep -q cancelled "$DIR/err"
  [ "$(ctl list --json | e2e json 'd["status"]')" = cancelled ]
}

@test "two lists under one key at a time do not become one: 4" {
  local id status=0

  start_daemon --settle 10m
  launch_held --key mine
  wait_until 20 has_received "$held"
  # As somebody else who is faster.
  id=$(ctl list --json | e2e json 'd["ingestion_id"]')
  rpc "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"append\",\"params\":{\"ingestion_id\":\"$id\",\"offset\":$held,\"ids\":[5,6,7]}}"
  seq 600001 700000 >&7
  exec 7>&-
  wait "$HELD" || status=$?
  [ "$status" -eq 4 ] || fail "exit status $status: $(<"$DIR/err")"
  grep -q "same key" "$DIR/err" || fail "$(<"$DIR/err")"
  [ "$(ctl list --json | e2e json 'd["status"], d["counts"]["ids"]')" = "('receiving', 700000)" ]
}

@test "the same list twice at a time, under one key: whoever is later gets the same answer" {
  local id

  start_daemon --settle 10m
  launch_held --key mine
  wait_until 20 has_received "$held"
  id=$(ctl submit --key mine 1-700000)
  seq 600001 700000 >&7
  exec 7>&-
  wait "$HELD" || fail "exit status $?: $(<"$DIR/err")"
  [ "$(<"$DIR/out")" = "$id" ]
  [ "$(ctl list --json | e2e json 'd["seq"], d["counts"]["ids"]')" = "(1, 700000)" ]
}

@test "a longer list, when a shorter one was sealed under its key meanwhile: 4" {
  local last status

  for last in 700000 700001 700002; do
    status=0
    start_daemon --settle 10m
    launch_held --key mine
    wait_until 20 has_received "$held"
    ctl submit --key mine 1-700001
    seq 600001 "$last" >&7
    exec 7>&-
    wait "$HELD" || status=$?
    case $last in
      700001) [ "$status" -eq 0 ] || fail "exit status $status: $(<"$DIR/err")" ;;
      *) [ "$status" -eq 4 ] && grep -q "other ids" "$DIR/err" || fail "exit status $status: $(<"$DIR/err")" ;;
    esac
    stop_daemon
    rm -f "$DIR/pipe"
    new_store
  done
}

@test "a daemon that has lost what it had acknowledged: 4" {
  start_fake --max-message-bytes 4096 append:3:drop submit:2:forget
  refuses 4 "has lost the upload" -- ctl submit --quiet 1-3000
  ! grep -q ^done "$REQUESTS" || fail "it was submitted"
}

# ---- input that is read twice ----

@test "--once: a list that changes while it is read is not submitted" {
  local status=0

  start_fake --max-message-bytes 4096 submit:1:drop
  seq 1 3000 >"$DIR/ids"
  # When the daemon is asked for the first time the first pass is over, and the second one has not come
  # to the end.
  seq 1000000 1600000 >>"$DIR/ids"
  ctl submit --once -f "$DIR/ids" 2>"$DIR/err" 3>&- &
  wait_until 20 grep -q "submit drop" "$REQUESTS"
  truncate -s -2 "$DIR/ids"
  wait $! || status=$?
  [ "$status" -eq 2 ] || fail "exit status $status: $(<"$DIR/err")"
  grep -q "has changed" "$DIR/err"
  ! grep -q ^done "$REQUESTS" || fail "it was submitted"
}

@test "--once: both passes together may have more than 100 million ids" {
  # Nobody listens, but it comes so far.
  refuses 3 "$SOCKET" -- ctl submit --once 1-51000000
}

@test "--once: no place for the copy of a pipe" {
  start_fake
  TMPDIR=$DIR/nowhere refuses 4 "$DIR/nowhere" TMPDIR -- ctl submit --once - < <(seq 1 10)
  # What can be read twice needs none.
  TMPDIR=$DIR/nowhere ctl submit --once 1-10
  # Nor does what is read once.
  TMPDIR=$DIR/nowhere ctl submit - < <(seq 1 10)
}

# ---- the bar ----

# The screen of a terminal with so many columns: screen COLUMNS COMMAND...
screen() {
  TERM=xterm script -qec "stty cols $1; ${*:2}" /dev/null </dev/null
}

@test "a terminal shows a bar with the ids, their speed and the time that is left" {
  local text

  start_daemon --settle 10m
  seq 1 600000 >"$DIR/ids"
  text=$(screen 100 "'$BUILD/ingestctl' --socket '$SOCKET' submit -f '$DIR/ids'" | tr '\r' '\n')
  grep -qE '^\[#+-*\] +[0-9]+%  [0-9]+ ids  [0-9]+/s  [0-9]{2}:[0-9]{2} left' <<<"$text" || fail "$text"
  grep -qE '100%  600000 ids' <<<"$text" || fail "$text"
}

@test "the bar of a pipe, whose length nobody knows; and of a narrow terminal" {
  local text

  start_daemon --settle 10m
  text=$(screen 100 "seq 1 600000 | '$BUILD/ingestctl' --socket '$SOCKET' submit -" | tr '\r' '\n')
  grep -qE '^[0-9]+ ids  [0-9]+/s  00:00:0[0-9]' <<<"$text" || fail "$text"
  text=$(screen 36 "'$BUILD/ingestctl' --socket '$SOCKET' submit 1-600000" | tr '\r' '\n')
  grep -qE '^\[#+-*\] +[0-9]+%  [0-9]+ ids.\[K' <<<"$text" || fail "$text"
  text=$(screen 100 "'$BUILD/ingestctl' --socket '$SOCKET' submit --quiet 1-600000" | tr '\r' '\n')
  [[ $text != *"ids"* ]] || fail "$text"
}
