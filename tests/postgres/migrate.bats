# A store of SQLite moves into PostgreSQL with all that it knows.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/postgres

export BATS_TEST_TIMEOUT=180

setup_file() {
  pg_start
}

teardown_file() {
  pg_stop immediate
}

setup() {
  daemon_setup
  SOURCE=$STORE_URL
  TARGET=$(pg_new_database)
  cat >"$DIR/handler" <<'END'
#!/bin/bash
printf 'batch %s\x01 \xc3\xa9 \\ \x27\n' "$INGEST_BATCH_ID" >&2
while read -r id; do
  case $id in
    7??) printf '%s\tfail\tno such "thing": %s\n' "$id" "$id" ;;
    8??) printf '%s\tretry\tnot yet\n' "$id" ;;
    9??) until [ -e "${0%/*}/open" ]; do sleep 0.1; done ;;
  esac
done
END
  chmod +x "$DIR/handler"
  daemon_flags --rate 1/20ms --settle 0s --concurrency 2 --batch-size 3 --max-attempts 2 --retry-base 1h \
    --handler "exec:$DIR/handler" --notify exec:false
}

teardown() {
  local name=${TARGET%%\?*}

  daemon_teardown
  pg_sql "DROP DATABASE IF EXISTS ${name##*/} WITH (FORCE)" postgres
}

migrate() {
  "$BUILD/ingestctl" migrate --from "$SOURCE" --to "$TARGET"
}

# It is refused, or fails, with this status and these parts of a message: migrate_fails STATUS [PART...]
migrate_fails() {
  local status=$1 parts=() part

  shift
  run --separate-stderr -"$status" migrate
  for part; do
    [[ $stderr == *"$part"* ]] || fail "the message has no '$part': $stderr"
  done
}

in_target() {
  pg_sql "SET search_path = ingestd; $1" "$TARGET"
}

check_target() {
  run -0 "$BUILD/ingestd" --socket "$SOCKET" --store "$TARGET" --check
  [[ $output == *": sound" ]]
}

# The next daemons use the new store.
move_in() {
  STORE_URL=$TARGET
}

request() {
  rpc "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\",\"params\":$2}"
}

# ids FIRST LAST: as a list in JSON
ids() {
  seq -s , "$1" "$2" | sed 's/.*/[&]/'
}

# The ingestion's id in a reply.
id_in() {
  [[ $1 =~ \"ingestion_id\":\"([^\"]*)\" ]]
  echo "${BASH_REMATCH[1]}"
}

# Whether nothing runs, and so many batches are in backoff.
is_quiet() {
  [ "$(store_sql 'SELECT sum(yet_to_start + triggered), sum(later) FROM lane')" = "0|$1" ]
}

# Ingestions of all kinds, and a pause, with nothing running.
fill_store() {
  local upload given_up

  start_daemon
  DONE=$(ctl submit --label 'done "é"' --key k1 1 2 3 4)
  FAILED=$(ctl submit --priority HIGH --key k2 1 700 2 701 3)
  AGAIN=$(ctl submit --priority LOW 702)
  ctl submit --priority LOW 9223372036854775807 800 5 >/dev/null
  LATER=$(ctl submit --priority MEDIUM --label later 1 801)
  ctl submit --priority MEDIUM 1-100 >/dev/null
  wait_until 30 is_quiet 2
  wait_status "$DONE" completed
  wait_status "$AGAIN" failed
  ctl rate 1/30ms >/dev/null
  ctl pause >/dev/null
  ctl retry "$AGAIN" >/dev/null
  WAITING=$(ctl submit --label waiting --key k3 1-3000)
  SHORT=$(ctl submit --priority HIGH --once 11 12 13 14)
  ctl bump "$SHORT" LOW >/dev/null
  given_up=$(ctl submit 21 22 23 24)
  ctl cancel "$given_up" >/dev/null || [ $? -eq 1 ]
  upload=$(request submit '{"open":true,"key":"u","priority":"LOW","label":"upload"}')
  UPLOAD=$(id_in "$upload")
  request append "{\"ingestion_id\":\"$UPLOAD\",\"offset\":0,\"ids\":$(ids 1 1500)}" >/dev/null
  upload=$(request submit '{"open":true,"priority":"LOW"}')
  given_up=$(id_in "$upload")
  ctl cancel "$given_up" >/dev/null
}

# All that the daemon says of the ingestions, but for what goes by the present time.
dump() {
  local id

  mkdir "$1"
  ctl list --json >"$1/list"
  ctl stats --json | grep -o '"lanes":.*' | sed -E 's/}].*//; s/"oldest_waiting_ms":[0-9]+,//g' >"$1/lanes"
  ctl stats --json | grep -o '"pause":.*"rate_set_at":"[^"]*"' >"$1/control"
  while read -r id; do
    ctl status --json "$id" | sed -E 's/("retry_at":")[^"]*/\1/g' >"$1/status.$id"
    ctl report --json "$id" >"$1/report.$id" 2>/dev/null
  done < <(grep -o '"ingestion_id":"[^"]*"' "$1/list" | cut -d '"' -f 4)
  [ "$(wc -l <"$1/list")" -ge 11 ]
}

# When the batches in backoff are due, in UTC.
due_in_source() {
  sqlite3 -readonly "$STORE" 'SELECT due_ms + utc_ms - store_ms FROM backoff, ledger ORDER BY due_ms'
}

# Begins a transaction in the target that lasts until release: hold SQL
hold() {
  mkfifo "$DIR/hold"
  PGHOST=$PG_DIR PGPORT=$PG_PORT PGUSER=postgres LD_LIBRARY_PATH=$PG_LIBRARIES "$PG_BIN/psql" -XAtq \
    -d "$TARGET" <"$DIR/hold" >"$DIR/held" 2>&1 3>&- &
  COMPANIONS+=($!)
  exec {HOLD}>"$DIR/hold"
  echo "SET search_path = ingestd; BEGIN; $1; SELECT 'held';" >&"$HOLD"
  wait_until 20 grep -q held "$DIR/held"
}

release() {
  echo 'COMMIT; \q' >&"$HOLD"
  exec {HOLD}>&-
  wait "${COMPANIONS[-1]}"
  rm "$DIR/hold"
}

# Whether a program waits for a lock there: is_stuck PROGRAM
is_stuck() {
  [ "$(in_target "SELECT count(*) FROM pg_stat_activity
    WHERE application_name = '$1' AND wait_event_type = 'Lock'")" -eq 1 ]
}

# Begins a migration that gets as far as the results; its pid is in MIGRATION.
migrate_halfway() {
  "$BUILD/ingestd" --init-store --store "$TARGET"
  hold 'LOCK TABLE result IN EXCLUSIVE MODE'
  migrate >"$DIR/migration" 2>&1 3>&- &
  MIGRATION=$!
  wait_until 20 is_stuck "ingestd migrate" || fail "$(<"$DIR/migration")"
}

kill_halfway() {
  local pid

  migrate_halfway
  # The function runs in a shell of its own.
  pid=$(pgrep -P "$MIGRATION" || echo "$MIGRATION")
  kill -9 "$pid"
  wait "$MIGRATION" || true
  release
}

# The line of the report about a table: copied_of TABLE
copied_of() {
  sed -n -E "s/^$1: ([0-9]+) rows copied, ([0-9]+) verified, sha256 [0-9a-f]{64}$/\1 \2/p" <<<"$output"
}

refuses_to_start() {
  launch_daemon --store "$TARGET"
  expect_exit 3
}

@test "everything is there on the other side, and goes on" {
  local before due name

  printf '%s\n' '#!/bin/sh' "echo \$INGEST_ID >>$DIR/told" >"$DIR/tell"
  chmod +x "$DIR/tell"
  fill_store
  dump "$DIR/before"
  stop_daemon
  check_store
  before=$(sha256sum <"$STORE")
  mapfile -t due < <(due_in_source)
  run -0 migrate
  for name in ingestion chunk batch result output redo backoff notice; do
    [ "$(copied_of "$name" | cut -d ' ' -f 1)" -ge 1 ] || fail "$name: $output"
    [ "$(copied_of "$name")" = "$(sqlite3 -readonly "$STORE" "SELECT count(*), count(*) FROM $name" |
      tr '|' ' ')" ] || fail "$name: $output"
  done
  [[ $output == *"migrated: 11 ingestions, "* ]]
  check_target
  [ "$(sha256sum <"$STORE")" = "$before" ]
  check_store

  move_in
  start_daemon --handler simulate:delay=1ms --notify "exec:$DIR/tell"
  dump "$DIR/after"
  diff -r "$DIR/before" "$DIR/after"
  [ "$(in_target 'SELECT due_ms FROM backoff ORDER BY due_ms')" = "$(printf '%s\n' "${due[@]}")" ]
  [ "$(ctl submit --label 'done "é"' --key k1 1 2 3 4)" = "$DONE" ]
  [ "$(ctl submit --label waiting --key k3 1-3000)" = "$WAITING" ]
  [ "$(ctl submit --priority HIGH --once 11 12 13 14)" = "$SHORT" ]
  refuses 4 -- "$BUILD/ingestctl" --socket "$SOCKET" submit --priority HIGH --key k2 1
  wait_until 20 grep -qs "$DONE" "$DIR/told"
  wait_until 20 grep -qs "$FAILED" "$DIR/told"

  output=$(request append "{\"ingestion_id\":\"$UPLOAD\",\"offset\":1500,\"ids\":$(ids 1501 2000)}")
  [[ $output == *'"received":2000'* ]] || fail "$output"
  output=$(request seal "{\"ingestion_id\":\"$UPLOAD\",\"id_count\":2000}")
  [[ $output == *'"seq":10'* ]] || fail "$output"
  [ "$(ctl submit --priority LOW --label upload --key u 1-2000)" = "$UPLOAD" ]
  ctl rate 1/1ms >/dev/null
  ctl resume >/dev/null
  for name in "$WAITING" "$AGAIN" "$SHORT" "$UPLOAD" "$(ctl submit 5)"; do
    wait_status "$name" completed 60
  done
  [ "$(ctl report --json "$UPLOAD" | grep -c '"completed"')" -eq 2000 ]
  has_status "$LATER" triggered
  has_status "$FAILED" failed
  stop_daemon
  check_target
}

@test "what a killed daemon has left behind is taken up" {
  local interrupted waiting

  daemon_flags --rate 1/20ms --settle 0s --max-attempts 2 --retry-base 2s --handler "exec:$DIR/handler" \
    --concurrency 2
  start_daemon
  LATER=$(ctl submit 1 801)
  interrupted=$(ctl submit 900 2)
  waiting=$(ctl submit 1-20)
  wait_starts 3
  wait_until 20 log_has 'will be tried again'
  kill_daemon
  touch "$DIR/open"
  run -0 migrate
  check_target
  [ "$(in_target 'SELECT num, owner, attempts FROM batch WHERE status = 1' | grep -cx '2|0|1')" -eq 1 ]
  move_in
  start_daemon
  wait_log 'msg="store opened"' 2
  [[ $(grep 'msg="store opened"' "$LOG" | tail -n 1) =~ interrupted=[12]\  ]]
  wait_status "$interrupted" completed
  wait_status "$waiting" completed
  wait_status "$LATER" failed
  [[ $(ctl status --json "$LATER") == *'"attempts":2'* ]]
  assert_spacing 20000000
  assert_no_attempt_twice
  stop_daemon
  check_target
}

@test "a store without anything, or without a start, moves too" {
  start_daemon
  stop_daemon
  run -0 migrate
  [ "$(copied_of ingestion)" = "0 0" ]
  check_target
  [ "$(in_target 'SELECT last_claim IS NULL FROM moment')" = t ]
  move_in
  start_daemon
  wait_status "$(ctl submit 1)" completed
}

@test "thousands of rows, in pieces" {
  daemon_flags --rate 1/1h
  start_daemon
  seq 12000 |
    sed 's/.*/{"jsonrpc":"2.0","id":&,"method":"submit","params":{"ids":[&],"priority":"LOW"}}/' |
    nc -NU -w 60 "$SOCKET" | grep -c ingestion_id >"$DIR/count"
  [ "$(<"$DIR/count")" -eq 12000 ]
  ctl submit --quiet 1-1000000 >/dev/null
  stop_daemon
  run -0 migrate
  [ "$(copied_of ingestion)" = "12001 12001" ]
  [ "$(copied_of chunk)" = "977 977" ]
  check_target
  [ "$(in_target 'SELECT sum(yet_to_start) FROM lane')" = "$((12000 + 333334 - $(in_target \
    'SELECT count(*) FROM batch')))" ]
}

@test "one that was killed goes on, and until then no daemon starts" {
  fill_store
  stop_daemon
  kill_halfway
  [ "$(in_target 'SELECT count(*) > 0, (SELECT count(*) FROM result) FROM batch')" = 't|0' ]
  refuses_to_start
  log_has 'ingestctl migrate'
  # As if a piece more was missing.
  in_target 'DELETE FROM batch WHERE (num, idx) IN (SELECT num, idx FROM batch ORDER BY 1 DESC, 2 DESC LIMIT 3)'
  in_target 'DELETE FROM chunk WHERE key IN (SELECT max(key) FROM chunk)'
  run -0 migrate
  [ "$(copied_of ingestion)" = "0 11" ]
  [ "$(copied_of batch | cut -d ' ' -f 1)" -eq 3 ]
  [ "$(copied_of chunk | cut -d ' ' -f 1)" -eq 1 ]
  [ "$(copied_of result | cut -d ' ' -f 1)" -ge 3 ]
  check_target
  move_in
  start_daemon
  ctl resume >/dev/null
  wait_status "$(ctl submit --priority HIGH 1)" completed
}

@test "one that has lost its database says so and can go on" {
  local status=0

  fill_store
  stop_daemon
  migrate_halfway
  in_target "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ingestd migrate'"
  wait "$MIGRATION" || status=$?
  [ "$status" -eq 1 ]
  grep -q 'the connection to .* was lost while copying into result .*: run it again to go on' "$DIR/migration"
  release
  run -0 migrate
  check_target
}

@test "what was changed meanwhile is found" {
  fill_store
  stop_daemon
  kill_halfway
  in_target "UPDATE ingestion SET label = 'other' WHERE num = 4"
  migrate_fails 1 'ingestion differs, first at num 4: 11 rows with sha256' 'drop the schema ingestd'
  refuses_to_start
  in_target "UPDATE ingestion SET label = '' WHERE num = 4"
  in_target 'UPDATE chunk SET ids = ids || ids WHERE key = (SELECT min(key) FROM chunk)'
  migrate_fails 1 'chunk differs, first at key '
  in_target 'UPDATE chunk SET ids = substr(ids, 1, length(ids) / 2) WHERE key = (SELECT min(key) FROM chunk)'
  in_target 'DELETE FROM batch WHERE num = 1 AND idx = 1'
  migrate_fails 1 'batch differs, first at num 1, idx 1: '
  refuses_to_start
  in_target 'DROP SCHEMA ingestd CASCADE'
  run -0 migrate
  check_target
}

@test "a store that is in use is refused, whichever it is" {
  local other=$TARGET

  start_daemon
  migrate_fails 3 'another daemon uses' "$STORE"
  stop_daemon
  run -0 migrate
  migrate_fails 3 'in use' "$PG_DIR"
  check_target

  # One with a daemon of its own.
  in_target 'DROP SCHEMA ingestd CASCADE'
  STORE_URL=$TARGET launch_daemon
  await_daemon
  migrate_fails 3 'in use'
  has_status "$(ctl submit 1)" yet_to_start || true
  stop_daemon
  migrate_fails 3 'in use'
}

@test "a daemon that starts in the very moment does not get in between" {
  "$BUILD/ingestd" --init-store --store "$TARGET"
  hold "SELECT 1 FROM ledger FOR UPDATE; UPDATE meta SET migrating = 'x'"
  launch_daemon --store "$TARGET"
  wait_until 20 is_stuck ingestd
  release
  expect_exit 3
  log_has 'ingestctl migrate'
}

@test "rows of two stores are not mixed" {
  fill_store
  stop_daemon
  kill_halfway
  mv "$STORE" "$DIR/first.db"
  start_daemon
  stop_daemon
  migrate_fails 3 'another store'
  SOURCE=sqlite:$DIR/first.db
  run -0 migrate
  check_target
}

@test "what is no store, or no database, is refused, and no password shown" {
  local url with_password=${TARGET/postgres@/postgres:geheim@}

  start_daemon
  stop_daemon
  refuses 2 --migrate-from '"postgresql://a:***@b/c"' sqlite:PATH -- "$BUILD/ingestd" \
    --migrate-from postgresql://a:geheim@b/c --store "$TARGET"
  refuses 2 --migrate-from '"sqlite:"' -- "$BUILD/ingestd" --migrate-from sqlite: --store "$TARGET"
  refuses 2 --store "\"$SOURCE\"" postgresql:// -- "$BUILD/ingestd" --migrate-from "$SOURCE" --store "$SOURCE"
  refuses 2 --migrate-from value -- "$BUILD/ingestd" --store "$TARGET" --migrate-from
  TARGET=postgresql://a:geheim@127.0.0.1:1/c migrate_fails 1 'cannot connect' 'a:***@127.0.0.1'
  TARGET="postgresql://a:geheim@127.0.0.1:1/c?nonsense=geheim" migrate_fails 2
  [[ $stderr != *geheim* ]]
  SOURCE=sqlite:$DIR/none.db migrate_fails 1 "$DIR/none.db" 'No such file'
  [ ! -e "$DIR/none.db" ]
  echo "no store" >"$DIR/text"
  SOURCE=sqlite:$DIR/text migrate_fails 3 "$DIR/text"
  [ ! -e "$DIR/text.lock" ]
  [ "$with_password" != "$TARGET" ]
  TARGET=$with_password run -0 migrate
  [[ $output != *geheim* ]]
  TARGET=$with_password migrate_fails 3 'postgres:***@'
  [[ $stderr != *geheim* ]]
}
