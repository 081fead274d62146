# A password in the URL of the store is for nobody's eyes.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/postgres
load ../lib/http

# Stands in each URL, wherever a password may be.
SECRET=hush

setup_file() {
  PG_TCP=1 pg_start
}

teardown_file() {
  pg_stop immediate
}

setup() {
  daemon_setup
  STORE_URL=$(PG_TCP=1 pg_new_store)
}

teardown() {
  daemon_teardown
}

# Runs a command, whatever becomes of it, and adds all that it says to $DIR/said.
listen() {
  "$@" >>"$DIR/said" 2>&1 || true
}

assert_secret() {
  [ -s "$DIR/said" ] || fail "nothing was said"
  ! grep -a -m 3 "$SECRET" "$DIR/said" "$LOG" || fail "the secret is out"
}

@test "what a daemon says of itself has no password: log, stats, metrics, nodes, options" {
  local id

  STORE_URL=${STORE_URL/postgres@/postgres:${SECRET}1@}"?application_name=x&password=${SECRET}2"
  start_web --settle 0s --log-level debug
  id=$(ctl submit --wait 1-3)
  listen ctl stats
  listen ctl stats --json
  listen ctl nodes
  listen ctl nodes --json
  listen ctl status "$id"
  for path in /stats /metrics /nodes /readyz /version; do
    ask "$path"
    echo "$BODY" >>"$DIR/said"
  done
  for way in --print-config --check-config --init-store; do
    listen "$BUILD/ingestd" --socket "$SOCKET" --store "$STORE_URL" "$way"
  done
  # It is there, but for what has to be hidden.
  grep -qF "postgres:***@127.0.0.1:" "$DIR/said"
  grep -qF "password=***" "$DIR/said"
  grep -qF "postgres:***@127.0.0.1:" "$LOG"
  assert_secret
}

@test "neither has what it says when it cannot do something" {
  local id

  STORE_URL=${STORE_URL/postgres@/postgres:$SECRET@}
  start_daemon --settle 0s --log-level debug
  # A second one of the same name.
  listen timeout 20 "$BUILD/ingestd" --socket "$SOCKET" --store "$STORE_URL"
  listen timeout 20 "$BUILD/ingestd" --socket "$DIR/other" --store "${STORE_URL}_not_there"
  listen timeout 20 "$BUILD/ingestd" --socket "$DIR/other" --store "${STORE_URL/postgres:/nobody_knows:}"
  pg_kill
  listen ctl submit 1
  listen timeout 20 "$BUILD/ingestd" --socket "$DIR/other" --store "$STORE_URL"
  pg_restart
  works_again() { ctl submit 2 >/dev/null 2>&1; }
  wait_until 20 works_again
  grep -q 'refused' "$DIR/said"
  assert_secret
}

@test "neither has what it says of a URL that is none, however the password was written" {
  local url

  for url in "u:$SECRET%zz@h/db" "u:$SECRET/x@h/db" "u:12/$SECRET@h/db" "u:$SECRET@h:nope/db" \
    "u:$SECRET@[h/db" "u:$SECRET@h/db?${SECRET}opt" "u@h/db?password=$SECRET%zz" "u@h/db?password=$SECRET&nope=1" \
    "u:$SECRET" "u:$SECRET/" "u:$SECRET/$SECRET@h:1/db" "u:$SECRET%ZZ/$SECRET@h:1/db"; do
    for way in --check-config --init-store --print-config "--socket $DIR/other"; do
      # shellcheck disable=SC2086 # words
      run timeout 20 "$BUILD/ingestd" --store "postgresql://$url" $way
      [ "$status" -eq 2 ] || fail "$url $way: status $status: $output"
      [[ $output == *"not a URL of PostgreSQL"* ]] || fail "$url $way: $output"
      echo "$output" >>"$DIR/said"
    done
  done
  assert_secret
  # What is no secret may be shown.
  refuses 2 'invalid percent-encoded token: "x%zz"' -- "$BUILD/ingestd" --store "postgresql://h/db?options=x%zz" --check-config
}
