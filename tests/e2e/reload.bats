# reload as a verb: the same as SIGHUP, but it says how it went.

# shellcheck disable=SC2154 # run sets output and stderr

load ../lib/daemon
load ../lib/http

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

limit_of() {
  ctl stats --json | e2e json "[l['limit'] for l in d['limits'] if l['name'] == 'max-queued'][0]"
}

@test "reload: what can change does, on both doors" {
  echo 'max-queued = 100' >"$DIR/conf"
  start_web --settle 10m --config "$DIR/conf"
  [ "$(limit_of)" = 100 ]
  echo 'max-queued = 200' >"$DIR/conf"
  [ "$(ctl reload)" = reloaded ]
  [ "$(limit_of)" = 200 ]
  echo 'max-queued = 300' >"$DIR/conf"
  ask /reload -X POST
  status_is 200
  [ "$BODY" = '{}' ]
  [ "$(limit_of)" = 300 ]
  grep -q 'msg=control verb=reload who=http what=options' "$LOG"
}

@test "reload: what is wrong changes nothing, and the answer says what it is" {
  echo 'max-queued = 100' >"$DIR/conf"
  start_web --settle 10m --config "$DIR/conf"
  printf 'max-queued = 200\nmax-queued-bytes = much\n' >"$DIR/conf"
  refuses 2 much -- ctl reload
  [ "$(limit_of)" = 100 ]
  ask /reload -X POST
  problem 400 invalid much
  [ "$(limit_of)" = 100 ]
  rm "$DIR/conf"
  refuses 2 "$DIR/conf" -- ctl reload
  [ "$(limit_of)" = 100 ]
  refuses 2 'unexpected argument' -- ctl reload now
  echo 'max-queued = 200' >"$DIR/conf"
  [ "$(ctl reload --json)" = '{}' ]
  [ "$(limit_of)" = 200 ]
}
