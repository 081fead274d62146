# Where option values come from, the checks of the configuration, and reloading.

# shellcheck disable=SC2030,SC2031 # each test is a subshell, so its variables do not get out

load ../lib/daemon

setup() {
  daemon_setup
  daemon_flags
}

teardown() {
  daemon_teardown
}

ingestd() {
  "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" "$@"
}

# The line of an option: value and origin
line_of() {
  grep -E "^(# )?$1 = " | sed -E 's/ +# /|/'
}

@test "flags go before the environment, that before the file, that before the default" {
  local printed

  printf '%s\n' '# a comment' 'rate = 1/3s  # another' 'batch-size = 4' '' 'settle=2s' >"$DIR/conf"
  printed=$(INGESTD_BATCH_SIZE=5 INGESTD_RATE=1/2s ingestd --config "$DIR/conf" --rate 1/1s --print-config)
  [ "$(line_of rate <<<"$printed")" = "rate = 1/1s|--rate" ] || fail "$printed"
  [ "$(line_of batch-size <<<"$printed")" = "batch-size = 5|INGESTD_BATCH_SIZE" ] || fail "$printed"
  [ "$(line_of settle <<<"$printed")" = "settle = 2s|$DIR/conf:5" ] || fail "$printed"
  [ "$(line_of concurrency <<<"$printed")" = "concurrency = 1|default" ] || fail "$printed"
  # The environment can name the file, too.
  printed=$(INGESTD_CONFIG=$DIR/conf ingestd --print-config)
  [ "$(line_of rate <<<"$printed")" = "rate = 1/3s|$DIR/conf:2" ] || fail "$printed"
}

# Row and table as the store has them: set_rate NANOSECONDS
set_rate() {
  sqlite3 "$STORE" "UPDATE control SET rate_ns = $1"
}

@test "--print-config: a rate that was set in the store wins, and looking changes nothing" {
  start_daemon --settle 10m
  set_rate 1500000000
  [ "$(ingestd --rate 1/7s --print-config | line_of rate)" = "rate = 1/1.5s|store" ]
  stop_daemon
  before=$(ls "$DIR")
  [ "$(ingestd --rate 1/7s --print-config | line_of rate)" = "rate = 1/1.5s|store" ]
  [ "$(ls "$DIR")" = "$before" ]
  set_rate 0
  [ "$(ingestd --rate 1/7s --print-config | line_of rate)" = "rate = 1/7s|--rate" ]
  # No store, or another file, is no reason not to answer.
  rm "$STORE"
  [ "$(ingestd --rate 1/7s --print-config | line_of rate)" = "rate = 1/7s|--rate" ]
  [ ! -e "$STORE" ]
  echo 'not a store' >"$STORE"
  [ "$(ingestd --rate 1/7s --print-config | line_of rate)" = "rate = 1/7s|--rate" ]
  [ "$(<"$STORE")" = 'not a store' ]
  rm "$STORE"
}

@test "what --print-config prints can be used as a file" {
  ingestd --rate 7/1m --batch-size 9 --pack --max-id 77 --handler 'simulate:delay=1ms,fail=1,2' \
    --default-priority LOW --print-config >"$DIR/conf"
  "$BUILD/ingestd" --config "$DIR/conf" --print-config >"$DIR/again"
  diff <(sed 's/ *# .*//; /^$/d' "$DIR/conf") <(sed 's/ *# .*//; /^$/d' "$DIR/again")
  grep -q '^rate = 7/1m' "$DIR/again"
  grep -q '^pack = yes' "$DIR/again"
}

@test "a daemon runs by its config file alone" {
  local id

  printf '%s\n' "socket = $SOCKET" "store = sqlite:$STORE" "rate = 1/200ms" "batch-size = 2" \
    "handler = simulate:delay=1ms" "settle = 0" >"$DIR/conf"
  "$BUILD/ingestd" --config "$DIR/conf" >>"$LOG" 2>&1 3>&- &
  DAEMON=$!
  await_daemon
  id=$(ctl submit 1 2 3 4)
  wait_status "$id" completed
  assert_order "$id 0" "$id 1"
  assert_spacing 200000000
}

@test "--check-config says yes, or no and where" {
  printf 'rate = 1/3s\nbatch-size = 4\n' >"$DIR/conf"
  run --separate-stderr ingestd --config "$DIR/conf" --check-config
  [ "$status" -eq 0 ]
  [ ! -e "$STORE" ] # it has touched nothing
  printf 'rate = 1/3s\nfrob = 4\n' >"$DIR/conf"
  refuses 2 "$DIR/conf:2" 'unknown key "frob"' -- ingestd --config "$DIR/conf" --check-config
  printf 'rate = 1/3s\nrate = 1/4s\n' >"$DIR/conf"
  refuses 2 "$DIR/conf:2" rate twice -- ingestd --config "$DIR/conf" --check-config
  printf 'rate = fast\n' >"$DIR/conf"
  refuses 2 "$DIR/conf:1" rate '"fast"' -- ingestd --config "$DIR/conf" --check-config
  printf '\nhello\n' >"$DIR/conf"
  refuses 2 "$DIR/conf:2" hello -- ingestd --config "$DIR/conf" --check-config
  refuses 2 "$DIR/nosuch" "No such file" -- ingestd --config "$DIR/nosuch" --check-config
  printf 'config = other\n' >"$DIR/conf"
  refuses 2 "$DIR/conf:1" config -- ingestd --config "$DIR/conf" --check-config
}

@test "a store of no known kind is refused, and no password is shown" {
  refuses 2 --store '"mysql://u:***@h/d"' sqlite:PATH postgresql:// -- \
    "$BUILD/ingestd" --store mysql://u:secret@h/d --check-config
  run --separate-stderr "$BUILD/ingestd" --store mysql://u:secret@h/d --check-config
  [[ $output$stderr != *secret* ]]
  [ "$("$BUILD/ingestd" --store postgresql://u:secret@h/d --print-config | line_of store)" = \
    "store = postgresql://u:***@h/d|--store" ]
}

@test "a node of a store that is shared needs a name" {
  [ "$("$BUILD/ingestd" --socket "$SOCKET" --print-config | line_of node-name)" = \
    "node-name = $(uname -n):$SOCKET|default" ]
  refuses 2 "node name" --node-name -- \
    "$BUILD/ingestd" --socket "$DIR/a b" --store postgresql://h/d --check-config
  "$BUILD/ingestd" --socket "$DIR/a b" --store "sqlite:$STORE" --check-config
  "$BUILD/ingestd" --socket "$DIR/a b" --store postgresql://h/d --node-name a --check-config
  # Not who only looks at it.
  "$BUILD/ingestd" --socket "$DIR/a b" --store postgresql://h/d --store-schema >/dev/null
}

@test "--init-store and --store-schema: a store of SQLite needs nothing, and can be read about" {
  run --separate-stderr ingestd --init-store
  [ "$status" -eq 0 ]
  [[ $output == *"nothing to do"* ]]
  [ ! -e "$STORE" ]
  ingestd --store-schema >"$DIR/schema"
  sqlite3 "$DIR/new.db" <"$DIR/schema"
  start_daemon
  diff <(sqlite3 "$DIR/new.db" .schema) <(sqlite3 "$STORE" .schema)
}

@test "the example in ingestd.conf(5) is a good file" {
  # There may be no such group here.
  sed -n '/^\.Bd -literal$/,/^\.Ed$/p' "$BATS_TEST_DIRNAME/../../man/ingestd.conf.5" |
    grep -v '^\.\|^socket-group = ' >"$DIR/conf"
  [ "$(grep -c ' = ' "$DIR/conf")" -ge 8 ]
  "$BUILD/ingestd" --config "$DIR/conf" --check-config
}

# A wrong value, wherever it stands: bad_value OPTION VALUE PART...
bad_value() {
  local option=$1 value=$2 variable=INGESTD_${1^^}

  shift 2
  refuses 2 "--$option" "\"$value\"" "$@" -- ingestd "--$option" "$value" --check-config
  printf '%s = "%s"\n' "$option" "$value" >"$DIR/conf"
  refuses 2 "$DIR/conf:1" "\"$value\"" "$@" -- ingestd --config "$DIR/conf" --check-config
  [ -n "$value" ] || return 0 # an empty variable counts as none
  refuses 2 "${variable//-/_}" "\"$value\"" "$@" -- env "${variable//-/_}=$value" \
    "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" --check-config
}

@test "wrong values: the place, the value and what would be right" {
  bad_value rate 0/5s N/DURATION
  bad_value rate 1/0s N/DURATION
  bad_value rate 1/366d N/DURATION
  bad_value rate 10/1us range
  bad_value batch-size 0 "from 1 to 10000"
  bad_value batch-size 10001 "from 1 to 10000"
  bad_value batch-size 3.5 "from 1 to 10000"
  bad_value concurrency -1 "from 1 to 1000"
  bad_value settle soon duration
  bad_value max-id 9223372036854775808 "from 1 to 9223372036854775807"
  bad_value default-priority URGENT HIGH MEDIUM LOW
  bad_value min-free lots size
  bad_value shutdown-grace 5 duration
  bad_value max-connections 0 "from 1 to 1000000"
  bad_value max-buffer-bytes 100k "from 1048576"
  bad_value send-timeout 50ms "from 100ms to 1h"
  bad_value log-level loud debug
}

@test "wrong command lines" {
  refuses 2 --frob -- ingestd --frob
  refuses 2 --rate value -- "$BUILD/ingestd" --rate
  refuses 2 nonsense -- ingestd nonsense
  refuses 2 '"mail:x"' simulate -- ingestd --handler mail:x --check-config
  refuses 2 soon -- ingestd --handler simulate:delay=soon --check-config
  refuses 2 '"mysql:x"' sqlite: -- ingestd --store mysql:x --check-config
  refuses 2 no-such-group -- ingestd --socket-group no-such-group --check-config
}

@test "--help names every option that --print-config prints; --version" {
  local option

  run --separate-stderr ingestd --help
  [ "$status" -eq 0 ]
  while read -r option; do
    [[ $output == *"--$option "* ]] || fail "--help does not know --$option"
  done < <(ingestd --print-config | sed -E 's/^# //; s/ = .*//; s/ =$//')
  run --separate-stderr ingestd --version
  [ "$status" -eq 0 ]
  [[ $output =~ ^"ingestd "[0-9]+\.[0-9]+\.[0-9]+$ ]]
}

# ---- reload ----

@test "SIGHUP takes over new values; what needs a restart stays" {
  local id

  printf 'max-id = 100\nbatch-size = 2\n' >"$DIR/conf"
  start_daemon --config "$DIR/conf" --settle 10m
  refuses 2 'from 1 to 100' -- ctl submit 101
  printf 'max-id = 200\nbatch-size = 5\n' >"$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log msg=reloaded
  id=$(ctl submit 1 101 200)
  refuses 2 'from 1 to 200' -- ctl submit 201
  [[ $(ctl status --json "$id") == *'"batch_size":2,'* ]]
}

@test "SIGHUP with a bad file changes nothing" {
  printf 'max-id = 100\n' >"$DIR/conf"
  start_daemon --config "$DIR/conf" --settle 10m
  printf 'max-id = 200\nfrob = 1\n' >"$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log 'unknown key'
  grep -F 'level=error' "$LOG" | grep -F "$DIR/conf:2" || fail "the log does not name the line"
  refuses 2 'from 1 to 100' -- ctl submit 101
  rm "$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log 'No such file'
  refuses 2 'from 1 to 100' -- ctl submit 101
  ctl submit 100
}

# Nothing of a file is taken over when something is wrong: stays_as_it_was REASON...; the file has a
# max-id of 200.
stays_as_it_was() {
  local before

  before=$(grep -c 'msg="not reloaded, the old values stay"' "$LOG") || true
  kill -HUP "$DAEMON"
  is_refused() {
    [ "$(grep -c 'msg="not reloaded, the old values stay"' "$LOG")" -gt "$before" ]
  }
  wait_until 20 is_refused
  tail -n 1 "$LOG" | grep -F level=error | grep -F "$1" || fail "the log does not say \"$1\": $(tail -n 1 "$LOG")"
  refuses 2 'from 1 to 100' -- ctl submit 101
}

@test "SIGHUP takes all or nothing: files that options name count, too" {
  local tokens=$DIR/tokens

  printf 'a read %064d\n' 1 >"$tokens"
  printf 'max-id = 100\nhttp-token-file = %s\n' "$tokens" >"$DIR/conf"
  start_daemon --config "$DIR/conf" --settle 10m
  printf 'max-id = 200\nhttp-token-file = %s\n' "$tokens" >"$DIR/conf"
  printf 'a write %064d\n' 1 >"$tokens"
  stays_as_it_was "$tokens:1"
  printf 'a read %064d\n' 1 >"$tokens"
  printf '%s\n' 'max-id = 200' 'socket-access = user:nobody-of-that-name=read' >"$DIR/conf"
  stays_as_it_was "$DIR/conf:2: socket-access"
  printf '%s\n' 'max-id = 200' 'exec-limits = nofile=lots' >"$DIR/conf"
  stays_as_it_was "$DIR/conf:2: exec-limits"
  # What would only count after a restart has to be right, too.
  printf '%s\n' 'max-id = 200' 'handler = exec:/no/such/command' >"$DIR/conf"
  stays_as_it_was "$DIR/conf:2: handler exec: cannot run /no/such/command"
  printf '%s\n' 'max-id = 200' 'socket-group = none-of-that-name' >"$DIR/conf"
  stays_as_it_was "$DIR/conf:2: socket-group"
  printf 'max-id = 200\n' >"$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log msg=reloaded
  ctl submit 101
}

@test "SIGHUP: what is right with the other values of the file must be right with those in force" {
  printf 'a read %064d\n' 1 >"$DIR/tokens"
  printf '%s\n' 'max-id = 100' 'http = 0.0.0.0:0' "http-token-file = $DIR/tokens" >"$DIR/conf"
  start_daemon --config "$DIR/conf" --settle 10m
  # http-auth needs a restart, the name of the file does not.
  printf '%s\n' 'max-id = 200' 'http = 0.0.0.0:0' 'http-auth = none' >"$DIR/conf"
  stays_as_it_was 'give --http-token-file'
}

@test "SIGHUP leaves alone what runs and who is connected" {
  local id answers=$DIR/answers

  printf 'max-id = 100\n' >"$DIR/conf"
  start_daemon --config "$DIR/conf" --handler simulate:delay=1s --settle 0
  mkfifo "$DIR/in"
  nc -U "$SOCKET" <"$DIR/in" >"$answers" 3>&- &
  COMPANIONS+=("$!")
  exec 7>"$DIR/in"
  id=$(ctl submit 1)
  wait_log 'msg="batch started"'
  printf 'max-id = 200\n' >"$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log msg=reloaded
  echo '{"jsonrpc":"2.0","id":1,"method":"ping"}' >&7
  answered() { grep -q '"result"' "$answers"; }
  wait_until 20 answered
  exec 7>&-
  wait_status "$id" completed
  [[ $(ctl status --json "$id") == *'"attempts":1'* ]]
}

@test "--notify is checked like the handler" {
  ingestd --notify exec:true --check-config
  refuses 2 --notify simulate 'tells nobody' exec: http: -- ingestd --notify simulate:delay=1s --check-config
  refuses 2 --notify simulate -- ingestd --notify simulate --check-config
  refuses 2 --notify '"nonsense:x"' -- ingestd --notify nonsense:x --check-config
  refuses 2 --notify /no/such/command -- ingestd --notify exec:/no/such/command
  echo 'notify = exec:' >"$DIR/conf"
  refuses 2 "$DIR/conf:1" 'no command' -- ingestd --config "$DIR/conf" --check-config
  [ ! -e "$STORE" ]
}

@test "SIGHUP: flags still go before the file; the log level can change" {
  printf 'log-level = info\nmax-id = 50\n' >"$DIR/conf"
  start_daemon --config "$DIR/conf" --max-id 100 --settle 10m
  printf 'log-level = debug\nmax-id = 70\n' >"$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log msg=reloaded
  ctl submit 100
  wait_log 'level=debug msg=request method=submit'
}

# ---- check ----

@test "--check: a store at rest that is sound; one in use is refused" {
  start_daemon --settle 10m
  ctl submit 1-10000
  refuses 3 "another daemon" "$STORE" -- ingestd --check
  stop_daemon
  run --separate-stderr ingestd --check
  [ "$status" -eq 0 ]
  [ "$output" = "$STORE: sound" ]
}

@test "--check needs no socket" {
  [ "$(id -u)" -ne 0 ] || skip "root always has a socket path"
  start_daemon
  stop_daemon
  [ "$("$BUILD/ingestd" --store "sqlite:$STORE" --check)" = "$STORE: sound" ]
}

@test "--check finds counters that do not agree, and a torn page" {
  start_daemon --settle 10m
  ctl submit 1-10000
  stop_daemon
  cp "$STORE" "$DIR/copy"
  sqlite3 "$STORE" 'UPDATE lane SET yet_to_start = yet_to_start + 1 WHERE priority = 2'
  refuses 3 "$STORE" -- ingestd --check
  cp "$DIR/copy" "$STORE"
  # The last page holds ids.
  dd if=/dev/urandom of="$STORE" bs=4096 count=1 conv=notrunc status=none \
    seek=$(($(stat -c %s "$STORE") / 4096 - 1))
  refuses 3 "$STORE" -- ingestd --check
  refuses 3 "$DIR/nosuch" -- "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$DIR/nosuch" --check
}
