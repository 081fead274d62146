# The limits of what all clients together can make the daemon hold, and what stats shows.

load ../lib/daemon
load ../lib/rude

setup() {
  daemon_setup
  daemon_flags --settle 10m
}

teardown() { daemon_teardown; }

ping='{"jsonrpc":"2.0","id":1,"method":"ping"}'

# A request of so many bytes that is not complete.
half() {
  head -c "$1" /dev/zero | tr '\0' ' '
}

page_request() {
  echo '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"'"$1"'"}}'
}

# wait_request ID: until it ends, or an hour has gone
wait_request() {
  echo '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"'"$1"'","limit":0,"until":"final","wait_ms":3600000}}'
}

# ---- stats ----

@test "stats shows the daemon, its dispatch, its lanes and its store" {
  local id

  start_daemon --rate 1/20s --settle 10s --concurrency 2 --batch-size 5
  [ "$(stats "'next_slot_ms' in s['dispatch']")" = False ]
  ctl submit --priority HIGH 1-12
  [ "$(stats "0 < s['dispatch'].pop('next_slot_ms') <= 10000 and s['dispatch']")" = \
    "{'interval_ns': 20000000000, 'settle_ns': 10000000000, 'batch_size': 5, 'concurrency': 2, 'running_slots': 0, 'running_batches': 0, 'max_attempts': 5, 'retry_base_ms': 10000, 'retry_max_ms': 3600000, 'pack': False, 'pause': 'none'}" ]
  [ "$(stats "[(l['priority'], l['waiting_ids'], l['batches']['yet_to_start'], l['ingestions']['yet_to_start']) for l in s['lanes']]")" = \
    "[('HIGH', 12, 3, 1), ('MEDIUM', 0, 0, 0), ('LOW', 0, 0, 0)]" ]
  [ "$(stats "s['version'] + s['store']['url']")" = "$("$BUILD/ingestd" --version | cut -d ' ' -f 2)$STORE_URL" ]
  [ "$(stats "s['store']['commits'] > 0 and s['store']['operations'] > 0 and s['store']['commit_max_us'] >= s['store']['commit_mean_us']")" = True ]
  [ "$(stats "s['rss_bytes'] > 1000000 and 0 <= s['uptime_ms'] < 60000")" = True ]
}

@test "stats shows what runs; the next slot depends on it" {
  start_daemon --rate 1/1ms --settle 0 --handler simulate:delay=30s --shutdown-grace 0
  ctl submit 1-6
  wait_starts 1
  [ "$(stats "(s['dispatch']['running_slots'], s['dispatch']['running_batches'], 'next_slot_ms' in s['dispatch'])")" = "(1, 1, False)" ]
  [ "$(stats "s['lanes'][1]['batches']['triggered']")" -eq 1 ]
}

@test "stats has every limit: the value of its option, what is used, how often it was hit" {
  start_daemon --max-connections 77 --max-in-flight 3 --request-timeout 7s --max-upload-bytes 3g
  open_bystander
  [ "$(stats "[l['name'] for l in s['limits']]")" = \
    "['max-connections', 'max-connections-per-uid', 'max-in-flight', 'max-message-bytes', 'max-buffer-bytes', 'max-unsent-bytes', 'max-reply-bytes', 'max-queued', 'max-queued-bytes', 'max-uploads', 'max-upload-bytes', 'request-timeout', 'send-timeout', 'descriptors']" ]
  [ "$(limit_of max-connections limit)" -eq 77 ]
  [ "$(limit_of max-connections used)" -eq 2 ]
  [ "$(limit_of max-connections-per-uid used)" -eq 2 ]
  [ "$(limit_of max-in-flight limit)" -eq 3 ]
  [ "$(limit_of max-in-flight used)" -eq 1 ] # the request for this
  [ "$(limit_of request-timeout limit)" -eq 7000 ]
  [ "$(limit_of max-upload-bytes limit)" -eq 3221225472 ]
  [ "$(stats "[l['hits'] for l in s['limits']] == [0] * 14")" = True ]
}

@test "limits can be changed by SIGHUP; they hold for connections that are open, too" {
  local reply

  echo 'max-connections = 2' >"$DIR/conf"
  start_daemon --config "$DIR/conf"
  open_bystander
  rude_stays hold 2
  [ "$RUDE_LINE" = "limited=1 open=1" ] || fail "$RUDE_LINE"
  printf '%s\n' 'max-connections = 4' 'max-message-bytes = 1k' >"$DIR/conf"
  kill -HUP "$DAEMON"
  wait_log msg=reloaded
  ctl ping
  [ "$(limit_of max-connections limit)" -eq 4 ]
  printf '%01025d\n' 0 >&"${BYSTANDER[1]}"
  read -rt 20 reply <&"${BYSTANDER[0]}"
  [[ $reply == *too_large*  && $reply == *1024* ]] || fail "$reply"
}

# ---- requests ----

@test "a message that is longer than --max-buffer-bytes arrives when nobody else sends one" {
  local answer

  start_daemon --max-buffer-bytes 1m --max-message-bytes 4m
  printf '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"priority":"LOW","ids":[%s]}}\n' \
    "$(seq -s , 1000001 1300000)" >"$DIR/line"
  answer=$(rude send <"$DIR/line")
  [[ $answer == *'"id_count":300000'* ]] || fail "$answer"
  half 20000 >"$DIR/half"
  rude_stays hold 1 "@$DIR/half"
  wait_until 5 buffers_hold 3000
  answer=$(rude send <"$DIR/line")
  [[ $answer == *'"code":"busy"'* ]] || fail "$answer"
}

@test "what was asked before a request that is too long is still answered" {
  local i id

  start_daemon --max-message-bytes 4k
  id=$(ctl submit 1)
  for i in {1..5}; do
    echo '{"jsonrpc":"2.0","id":"s'"$i"'","method":"submit","params":{"ids":[1],"priority":"LOW"}}'
  done >"$DIR/lines"
  wait_request "$id" >>"$DIR/lines"
  half 6000 >>"$DIR/lines"
  rude send <"$DIR/lines" >"$DIR/replies"
  grep -q '"code":"too_large"' "$DIR/replies" || fail "$(<"$DIR/replies")"
  for i in '"s'{1..5}'"' 1; do
    grep -q '^{"jsonrpc":"2.0","id":'"$i"',"result"' "$DIR/replies" || fail "$i: $(<"$DIR/replies")"
  done
  [ "$(limit_of max-message-bytes hits)" -eq 1 ]
}

@test "--max-buffer-bytes: who would pass it is refused, small requests are not" {
  local answer

  start_daemon --max-buffer-bytes 1m --max-message-bytes 1m
  open_bystander
  half 700000 >"$DIR/half"
  rude_stays hold 1 "@$DIR/half"
  wait_until 5 buffers_hold 600000
  [ "$(limit_of max-message-bytes used)" -eq 700000 ]
  answer=$(half 700000 | rude send)
  [[ $answer == *'"id":null'*'"code":"busy"'*retry_after_ms* && $answer == *max-buffer-bytes\ is\ 1048576* ]] || fail "$answer"
  # What counts is what goes beyond 16 KiB.
  [[ $( (half 16000; echo "$ping") | rude send) == *pong* ]]
  bystander_is_quick
  [ "$(limit_of max-buffer-bytes hits)" -eq 1 ]
  rude_leaves
  wait_until 5 connections_are 1
  [ "$(limit_of max-buffer-bytes used)" -eq 0 ]
  [[ $( (half 700000; echo "$ping") | rude send) == *pong* ]]
}

buffers_hold() {
  [ "$(limit_of max-buffer-bytes used)" -gt "$1" ]
}

@test "--max-in-flight: further requests of the connection stay unread" {
  local id

  start_daemon --max-in-flight 2
  id=$(ctl submit 1)
  open_bystander
  rude_stays hold 1 "$(wait_request "$id")"$'\n'"$(wait_request "$id")"$'\n'"$ping"$'\n'
  # The answer to the ping would have come.
  [ "$RUDE_LINE" = "open=1" ] || fail "$RUDE_LINE"
  [ "$(stats "s['requests']['waiting']")" -eq 2 ]
  [ "$(limit_of max-in-flight hits)" -eq 1 ]
  [ "$(limit_of max-in-flight used)" -eq 2 ]
  bystander_is_quick
  is_not_spinning
  # It is noticed that this one has gone although nothing is read from it.
  rude_leaves
  wait_until 5 connections_are 1
  [ "$(stats "s['requests']['waiting']")" -eq 0 ]
}

# ---- replies ----

@test "--max-reply-bytes: long answers are refused while others are not read, short ones are not" {
  local id before

  start_daemon --max-reply-bytes 3m --batch-size 1000
  id=$(ctl submit 1000000000000-1000000029999)
  open_bystander
  before=$(rss)
  # Each of them gets a page that it does not read; but for those for whom there is no room.
  rude_stays hold 40 "$(page_request "$id")"$'\n'"$(page_request "$id")"$'\n'
  [[ $RUDE_LINE =~ answered=([0-9]+)\ busy=([0-9]+) ]] || fail "$RUDE_LINE"
  [ "${BASH_REMATCH[1]}" -ge 1 ]
  [ "${BASH_REMATCH[2]}" -ge 30 ]
  bystander_is_quick
  limit_was_hit max-reply-bytes 30
  rss_grew_less "$before" 16000
  rude_leaves
  # These take all there is, as it becomes free.
  for _ in 1 2 3 4; do
    rude_stays flood 200 "$(page_request "$id")"
  done
  rpc "$(page_request "$id")" | head -c 1000 >"$DIR/answer"
  grep -q '"code":"busy","retry_after_ms":1000' "$DIR/answer" || fail "$(<"$DIR/answer")"
  grep -q 'max-reply-bytes is 3145728' "$DIR/answer"
  [ "$(limit_of max-reply-bytes used)" -gt 2600000 ]
  bystander_is_quick
  is_not_spinning
  rss_grew_less "$before" 16000
  kill "${COMPANIONS[@]}" 2>/dev/null || true
  wait_until 5 connections_are 1
  [ "$(limit_of max-reply-bytes used)" -lt 10000 ]
  ctl status --json "$id" >"$DIR/page"
  [ "$(wc -c <"$DIR/page")" -gt 300000 ]
}

@test "long polls leave room for those who do not wait" {
  local id

  start_daemon --max-reply-bytes 2m
  id=$(ctl submit 1)
  rude_stays hold 300 "$(wait_request "$id")"$'\n'
  [ "$RUDE_LINE" = "busy=172 open=128" ] || fail "$RUDE_LINE"
  [ "$(stats "s['requests']['waiting']")" -eq 128 ]
  ctl status "$id"
  ctl list
}

@test "pages that long polls bring count, too" {
  local id before

  start_daemon --max-reply-bytes 3m --batch-size 1000 --settle 8s --rate 1/1h --handler simulate:delay=10ms
  id=$(ctl submit 1000000000000-1000000029999)
  open_bystander
  before=$(rss)
  rude_stays hold 60 '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"'"$id"'","wait_ms":60000}}'$'\n'
  [ "$RUDE_LINE" = "open=60" ] || fail "$RUDE_LINE"
  [ "$(stats "s['requests']['waiting']")" -eq 60 ]
  wait_starts 1
  wait_until 5 limit_was_hit max-reply-bytes
  rss_grew_less "$before" 20000
  [ "$(limit_of max-reply-bytes used)" -lt 3200000 ]
  bystander_is_quick
}

# ---- the store ----

# Everything that was asked for has been taken from the queue.
nothing_is_queued() {
  [ "$(stats "s['store']['queued']")" -eq 0 ]
}

@test "--max-queued: what the store has no time for is refused" {
  local submit='{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[1],"priority":"LOW"}}'

  only_sqlite "signs of life of the node wait in the queue, too"
  SLOWSYNC_HOLD=$DIR/hold slow_daemon --max-queued 2
  await_daemon
  open_bystander
  touch "$DIR/hold"
  # One runs, two wait, the others do not.
  rude_stays hold 1 "$submit"$'\n'
  wait_until 5 nothing_is_queued
  for _ in {1..10}; do
    echo "$submit"
  done >"$DIR/requests"
  (rude send <"$DIR/requests" >"$DIR/answers") 3>&- &
  wait_until 10 limit_was_hit max-queued
  bystander_is_quick
  [ "$(limit_of max-queued used)" -eq 2 ]
  rm "$DIR/hold"
  wait $!
  [ "$(grep 'max-queued is 2' "$DIR/answers" | grep -c '"code":"busy","retry_after_ms":1000')" -eq 8 ]
  [ "$(grep -c ingestion_id "$DIR/answers")" -eq 2 ]
}

@test "--max-uploads and --max-upload-bytes" {
  local open='{"jsonrpc":"2.0","id":1,"method":"submit","params":{"priority":"LOW","open":true}}' id

  start_daemon --max-uploads 1 --max-upload-bytes 80
  id=$(rpc "$open" | e2e json 'd["result"]["ingestion_id"]')
  refuses_line limited "$open"
  refuses_line limited '{"jsonrpc":"2.0","id":1,"method":"append","params":{"ingestion_id":"'"$id"'","offset":0,"ids":[1,2,3,4,5,6,7,8,9,10,11]}}'
  rpc '{"jsonrpc":"2.0","id":1,"method":"append","params":{"ingestion_id":"'"$id"'","offset":0,"ids":[1,2,3]}}'
  [ "$(stats "(s['uploads']['open'], s['uploads']['ids'])")" = "(1, 3)" ]
  [ "$(limit_of max-uploads used)" -eq 1 ]
  [ "$(limit_of max-uploads hits)" -eq 1 ]
  [ "$(limit_of max-upload-bytes used)" -eq 24 ]
  [ "$(limit_of max-upload-bytes hits)" -eq 1 ]
}
