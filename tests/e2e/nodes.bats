# nodes: who shares the store, and what each of them does; with SQLite there is one. And migrate, as far as
# the client has a part in it.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/http

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# A Python expression on the reply d of the verb.
nodes() {
  ctl nodes --json | e2e json "$1"
}

# What a user at a terminal with so many columns sees: on_terminal COLUMNS COMMAND [ARG...]
on_terminal() {
  TERM=xterm NO_COLOR=1 script -qec "stty cols $1; ${*:2}" /dev/null </dev/null | tr -d '\r'
}

# ---- one node ----

@test "nodes: the daemon of a SQLite store is the only one" {
  only_sqlite "there a node has a lease"
  start_daemon --settle 0s --rate 1/50ms --batch-size 2 --concurrency 3 --max-attempts 2 --pack \
    --handler simulate:delay=1ms,fail=3
  [ "$(nodes 'd["together"]')" = "{'alive': 1, 'running': 0, 'attempts': 0, 'retries': 0, 'interrupted': 0, 'failed': 0}" ]
  run -1 ctl submit --wait 1-4
  ctl retry 1
  run -1 ctl wait 1
  [ "$(nodes 'len(d["nodes"])')" = 1 ]
  [ "$(nodes '[d["nodes"][0][n] for n in ("asked", "alive", "lease_ms", "pack", "interval_ns", "settle_ns", "max_attempts", "batch_size", "concurrency")]')" = \
    "[True, True, None, True, 50000000, 0, 2, 2, 3]" ]
  # Two batches; the one with the 3 has failed twice.
  [ "$(nodes '[d["nodes"][0][n] for n in ("running", "attempts", "retries", "interrupted", "failed")]')" = "[0, 3, 1, 0, 2]" ]
  [ "$(nodes '[d["together"][n] for n in ("alive", "running", "attempts", "retries", "interrupted", "failed")]')" = "[1, 0, 3, 1, 0, 2]" ]
  [ "$(nodes 'd["nodes"][0]["name"]')" = "$(uname -n):$SOCKET" ]
  [ "$(nodes 'd["nodes"][0]["version"]')" = "$("$BUILD/ingestd" --version | cut -d ' ' -f 2)" ]
}

@test "nodes: when it was started stays, when it was seen does not; the id is that of the store" {
  start_daemon
  started=$(nodes 'd["nodes"][0]["started_at"]')
  seen=$(nodes 'd["nodes"][0]["seen_at"]')
  id=$(nodes 'd["nodes"][0]["node_id"]')
  grep -q " node=$id" "$LOG"
  later() { [[ $(nodes 'd["nodes"][0]["seen_at"]') > $seen ]]; }
  wait_until 20 later
  [ "$(nodes 'd["nodes"][0]["started_at"]')" = "$started" ]
  [[ ! $started > $seen ]]
  stop_daemon
  start_daemon
  [ "$(nodes 'd["nodes"][0]["node_id"]')" = "$id" ]
  [[ $(nodes 'd["nodes"][0]["started_at"]') > $seen ]]
}

@test "nodes: what runs, and what was interrupted" {
  start_daemon --settle 0s --concurrency 2 --handler simulate:delay=1m
  ctl submit 1-6
  wait_starts 2
  [ "$(nodes 'd["nodes"][0]["running"], d["together"]["running"]')" = "(2, 2)" ]
  ctl cancel 1
  stopped() { [ "$(nodes 'd["nodes"][0]["running"], d["nodes"][0]["interrupted"]')" = "(0, 2)" ]; }
  wait_until 20 stopped || fail "$(ctl nodes --json)"
}

@test "nodes: socket and HTTP give the same document" {
  start_web
  on_both ask /nodes
  status_is 200
  [ "$(field content-type)" = application/json ]
  same='[n.pop(name, 0) for n in d["nodes"] for name in ("seen_at", "lease_ms")] and d'
  [ "$(of_body "$same")" = "$(nodes "$same")" ]
  [ "$(rpc '{"jsonrpc":"2.0","id":1,"method":"nodes"}' | e2e json "d['result']['nodes'][0]['node_id']")" = \
    "$(of_body 'd["nodes"][0]["node_id"]')" ]
  ask /nodes -X POST -d '{}'
  problem 405 method_not_allowed
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"nodes","params":{"all":true}}' all
}

@test "nodes: needs the scope read over HTTP" {
  for scope in read submit admin; do
    echo "$scope $scope $(printf %s "$scope-token" | sha256sum | cut -d ' ' -f 1)"
  done >"$DIR/tokens"
  start_web --http-token-file "$DIR/tokens"
  ask /nodes
  problem 401 unauthorized
  ask /nodes -H 'Authorization: Bearer submit-token'
  problem 403 forbidden 'needs the scope read'
  for scope in read admin; do
    ask /nodes -H "Authorization: Bearer $scope-token"
    status_is 200
  done
}

@test "nodes: needs the scope read on the socket" {
  [ "$(id -u)" = 0 ] || skip "only root can be somebody else"
  as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
  as_nobody test -x "$BUILD/ingestctl" || skip "the user nobody cannot run $BUILD/ingestctl"
  for scope in read submit; do
    start_daemon --socket-access "user:nobody=$scope"
    chmod 755 "$DIR"
    chmod 777 "$SOCKET"
    if [ "$scope" = read ]; then
      as_nobody "$BUILD/ingestctl" --socket "$SOCKET" nodes
    else
      refuses 4 'nodes needs the scope read' -- as_nobody "$BUILD/ingestctl" --socket "$SOCKET" nodes
    fi
    stop_daemon
  done
}

@test "nodes: the table of one node" {
  start_daemon
  run --separate-stderr ctl nodes
  [ "$status" -eq 0 ] && [ -z "$stderr" ]
  [[ ${lines[0]} =~ ^NAME\ +VERSION\ +STATE\ +SEEN\ +RUNNING\ +ATTEMPTS\ +RETRIES\ +FAILED$ ]]
  [[ ${lines[1]} =~ ^"$(uname -n):$SOCKET"\ +[0-9.]+\ +here\ +0s\ +0\ +0\ +0\ +0$ ]]
  [[ ${lines[2]} =~ ^together\ +-\ +1\ alive\ +-\ +0\ +0\ +0\ +0$ ]]
  [ "${#lines[@]}" -eq 3 ]
  refuses 2 '"x"' -- ctl nodes x
  stop_daemon
  refuses 3 "$SOCKET" -- ctl nodes
}

# ---- several ----

@test "nodes: the table of several nodes" {
  start_fake
  run --separate-stderr ctl nodes
  [ "$status" -eq 0 ] && [ -z "$stderr" ]
  # shellcheck disable=SC2001 # not a fixed text
  [ "$output" = "\
NAME                                                VERSION  STATE        SEEN  RUNNING  ATTEMPTS  RETRIES  FAILED
atlas                                               0.1.0    here           0s        1       117        4       3
boreas                                              0.1.0    alive        1.3s        3         3        0       0
castor:/run/user/1000/ingestd-of-somebody/one.sock  0.1.0    alive        3.8s        2        40        0       0
?[31mdöner                                          0.1.0    gone        1h33m        9    123456       12      20
together                                            -        3 alive         -        6    123616       16      23" ]
}

@test "nodes: what a program gets is what the daemon has said" {
  start_fake
  [ "$(nodes '[(n["name"], n["lease_ms"], n["alive"]) for n in d["nodes"]][0::3], d["together"]["running"]')" = \
    "([('atlas', 14210, True), ('\\x1b[31mdöner', None, False)], 6)" ]
}

@test "nodes: a name that is too long for the terminal is cut in the middle" {
  start_fake
  screen=$(on_terminal 80 "'$BUILD/ingestctl' --socket '$SOCKET' nodes")
  [[ $screen == *"castor...ne.sock"* ]] || fail "$screen"
  titles=${screen%%$'\n'*}
  [ "${#titles}" -eq 80 ] || fail "${#titles} columns: $screen"
  # It is never cut to less, and with room for it not at all.
  [ "$(on_terminal 30 "'$BUILD/ingestctl' --socket '$SOCKET' nodes")" = "$screen" ]
  screen=$(on_terminal 200 "'$BUILD/ingestctl' --socket '$SOCKET' nodes")
  [ "$screen" = "$(ctl nodes)" ] || fail "$screen"
}

# ---- migrate ----

# A copy of ingestctl in $DIR/$1 with a stand-in for ingestd in $DIR/$2, which tells what it was given.
install_programs() {
  mkdir -p "$DIR/$1" "$DIR/$2"
  cp "$BUILD/ingestctl" "$DIR/$1"
  # shellcheck disable=SC2016 # the script expands it
  printf '%s\n' '#!/bin/sh' 'printf "<%s>" "$0" "$@"' 'echo talk >&2' 'exit "${STATUS:-0}"' >"$DIR/$2/ingestd"
  chmod +x "$DIR/$2/ingestd"
}

migrate() {
  "$1/ingestctl" migrate --from "sqlite:/var/lib/a b.db" --to "$2"
}

@test "migrate: it is ingestd that does it, with what it says and its exit status" {
  install_programs bin bin
  for url in postgresql://u:p@db/x postgres:///x; do
    run --separate-stderr migrate "$DIR/bin" "$url"
    [ "$status" -eq 0 ]
    [ "$output" = "<$DIR/bin/ingestd><--migrate-from><sqlite:/var/lib/a b.db><--store><$url>" ]
    [ "$stderr" = talk ]
  done
  STATUS=3 run -3 migrate "$DIR/bin" postgres:///x
}

@test "migrate: ingestd is beside ingestctl, or in sbin, else on the path" {
  install_programs usr/bin usr/sbin
  run -0 migrate "$DIR/usr/bin" postgres:///x
  [[ $output == "<$DIR/usr/bin/../sbin/ingestd>"* ]] || fail "$output"
  # A link to ingestctl leads to where it is.
  mkdir "$DIR/links"
  ln -s "$DIR/usr/bin/ingestctl" "$DIR/links/ingestctl"
  run -0 migrate "$DIR/links" postgres:///x
  [[ $output == "<$DIR/usr/bin/../sbin/ingestd>"* ]] || fail "$output"
  mkdir "$DIR/path"
  mv "$DIR/usr/sbin/ingestd" "$DIR/path"
  PATH=$DIR/path:$PATH run -0 migrate "$DIR/usr/bin" postgres:///x
  [[ $output == "<$DIR/path/ingestd>"* ]] || fail "$output"
  refuses 4 "cannot run ingestd" -- env PATH="$DIR/links" "$DIR/usr/bin/ingestctl" migrate --from sqlite:x \
    --to postgres:///x
}

@test "migrate: wrong arguments are refused before anything happens" {
  install_programs bin bin
  local migrate=("$DIR/bin/ingestctl" migrate)

  refuses 2 --from -- "${migrate[@]}" --to postgresql://x
  refuses 2 --to -- "${migrate[@]}" --from sqlite:x
  refuses 2 --from '"x.db"' sqlite: -- "${migrate[@]}" --from x.db --to postgresql://x
  refuses 2 --from '"sqlite:"' -- "${migrate[@]}" --from sqlite: --to postgresql://x
  refuses 2 --from '"postgresql://a"' -- "${migrate[@]}" --from postgresql://a --to postgresql://x
  refuses 2 --to '"sqlite:y"' postgresql:// -- "${migrate[@]}" --from sqlite:x --to sqlite:y
  refuses 2 --to '"postgresql:x"' -- "${migrate[@]}" --from sqlite:x --to postgresql:x
  run --separate-stderr "${migrate[@]}" --from postgresql://a:secret@b --to postgresq://a:secret@b
  [[ $stderr == *'--from "..." is not'* ]]
  run --separate-stderr "${migrate[@]}" --from sqlite:x --to postgresq://a:secret@b
  [[ $stderr == *'--to "..." does not'* ]]
  refuses 2 '"more"' -- "${migrate[@]}" --from sqlite:x --to postgresql://x more
}
