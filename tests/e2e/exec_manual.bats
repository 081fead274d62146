# The example of ingestd-handlers(7), as it stands there, against a real server.

load ../lib/daemon

setup() {
  daemon_setup
  man=$BATS_TEST_DIRNAME/../../man/ingestd-handlers.7
}

teardown() {
  daemon_teardown
}

# The example NAME of the manual, with roff's escapes undone.
example() {
  sed -n "/^\\.\\\\\" example: $1\$/,/^\\.\\\\\" end\$/p" "$man" | grep -v '^\.' | sed 's/\\e/\\/g'
}

start_items() {
  python3 -S -E "$BATS_TEST_DIRNAME/../lib/items.py" "$DIR/port" "$DIR/requests" 3>&- &
  COMPANIONS+=($!)
  wait_until 20 test -s "$DIR/port" || fail "the server does not start"
  url=http://127.0.0.1:$(cat "$DIR/port")/items
}

@test "the example of the manual fetches every id, tries again what was unavailable, and reports the rest" {
  local id url

  example fetch >"$DIR/fetch"
  [ "$(head -n 1 "$DIR/fetch")" = '#!/bin/sh' ] || fail "no example in the manual"
  chmod +x "$DIR/fetch"
  mkdir "$DIR/items"
  start_items
  start_daemon --rate 1/20ms --batch-size 3 --concurrency 2 --retry-base 50ms \
    --handler "exec:$DIR/fetch $url $DIR/items"
  id=$(ctl submit 1-20)
  wait_status "$id" failed

  # 4 and 14 are not there; 7 and 17 were not at first; nothing was asked for twice but these.
  [ "$(ctl report --failed --format csv "$id" | cut -d , -f 2,4,5,8)" = \
    $'id,outcome,attempts,error\n4,failed,1,HTTP status 404\n14,failed,1,HTTP status 404' ] ||
    fail "$(ctl report "$id")"
  [ "$(find "$DIR/items" -type f ! -name '*.part' | wc -l)" -eq 18 ]
  [ "$(cat "$DIR/items/17")" = "item 17" ]
  [ "$(sort "$DIR/requests" | uniq -d | sort | tr '\n' ' ')" = "/items/17 /items/7 " ] ||
    fail "$(sort "$DIR/requests" | uniq -c)"
  [ "$(wc -l <"$DIR/requests")" -eq 22 ]
}

@test "a server that is gone: the last line of curl is the error, and the attempt is repeated" {
  local id

  example fetch >"$DIR/fetch"
  chmod +x "$DIR/fetch"
  start_daemon --rate 1/20ms --retry-base 30ms --max-attempts 2 \
    --handler "exec:$DIR/fetch http://127.0.0.1:1/items $DIR"
  id=$(ctl submit 7)
  wait_status "$id" failed
  [ "$(ctl report --format csv "$id" | tail -n 1 | cut -d , -f 2,4,5,8)" = "7,failed,2,HTTP status 000" ] ||
    fail "$(ctl report "$id")"
  ctl status -v "$id" | grep -q 'Failed to connect\|Could not connect\|onnection refused' || fail "$(ctl status -v "$id")"
}
