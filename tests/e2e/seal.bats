# Uploads as the daemon sees them: their place in the line is that of the seal, and what is never sealed
# is never dispatched and ends by itself.

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# result METHOD PARAMS EXPRESSION: of one call
result() {
  rpc '{"jsonrpc":"2.0","id":1,"method":"'"$1"'","params":'"$2"'}' | e2e json "d['result']$3"
}

# open_upload PRIORITY IDS [KEY]: with these ids in it; prints its id
open_upload() {
  local id

  id=$(result submit '{"open":true,"priority":"'"$1"'","key":"'"${3:-some}"'"}' '["ingestion_id"]')
  [ "$(result append '{"ingestion_id":"'"$id"'","offset":0,"ids":'"$2"'}' '["ingestion_id"]')" = "$id" ]
  echo "$id"
}

seal() {
  result seal '{"ingestion_id":"'"$1"'"}' '["seq"]'
}

@test "the order is that of the seals, whatever was begun first" {
  local early late other

  daemon_flags --rate 1/50ms --settle 2s --handler simulate:delay=1ms
  start_daemon
  early=$(open_upload MEDIUM '[1,2]' one)
  late=$(open_upload MEDIUM '[3,4]' two)
  other=$(ctl submit --priority MEDIUM 5 6)
  [ "$(seal "$late")" -eq 2 ]
  [ "$(seal "$early")" -eq 3 ]
  wait_status "$early" completed
  assert_order "$other 0" "$late 0" "$early 0"
}

@test "an upload takes no slot before it is sealed, also over a restart" {
  local upload other

  daemon_flags --rate 1/20ms --settle 0 --handler simulate:delay=1ms
  start_daemon
  upload=$(open_upload HIGH '[1,2,3]')
  other=$(ctl submit --priority LOW 4-12)
  wait_status "$other" completed
  has_status "$upload" receiving
  kill_daemon
  start_daemon
  has_status "$upload" receiving
  other=$(ctl submit --priority LOW 13)
  wait_status "$other" completed
  [ "$(starts | grep -c "$upload")" -eq 0 ]
  seal "$upload"
  wait_status "$upload" completed
  stop_daemon
  check_store
}

@test "an upload that is left expires: cancelled, its ids are removed and its key is free" {
  local upload

  daemon_flags --rate 1/20ms --settle 0 --handler simulate:delay=1ms --upload-expiry 500ms
  start_daemon
  upload=$(open_upload HIGH "[$(seq -s, 1 3000)]" mine)
  run -1 ctl wait --timeout 20s "$upload"
  [ "$output" = "$upload cancelled" ]
  [ "$(starts | grep -c "$upload")" -eq 0 ]
  [ "$(result submit '{"ids":[7],"priority":"HIGH","key":"mine"}' '["ingestion_id"]')" != "$upload" ]
  refuses_line wrong_state \
    '{"jsonrpc":"2.0","id":1,"method":"seal","params":{"ingestion_id":"'"$upload"'"}}' expired
  wait_until 20 chunks_are_gone
  stop_daemon
  check_store
}

chunks_are_gone() {
  [ "$(store_sql 'SELECT count(*) FROM chunk')" -eq 0 ]
}

@test "what arrives puts the expiry off" {
  local upload i

  daemon_flags --rate 1/20ms --upload-expiry 1500ms
  start_daemon
  upload=$(open_upload LOW '[1]')
  for i in 1 2 3 4; do
    sleep 0.6
    [ "$(result append '{"ingestion_id":"'"$upload"'","offset":'"$i"',"ids":['"$i"']}' '["received"]')" -eq $((i + 1)) ]
  done
  has_status "$upload" receiving
}

@test "a key is forgotten when its time is over, and then stands for something new" {
  local first

  daemon_flags --rate 1/20ms --settle 0 --handler simulate:delay=1ms --key-expiry 300ms
  start_daemon
  first=$(ctl submit --key k 1)
  [ "$(ctl submit --key k 1)" = "$first" ]
  wait_status "$first" completed
  wait_until 20 key_is_free "$first"
  [ "$(ctl list --json | wc -l)" -eq 2 ]
}

key_is_free() {
  [ "$(ctl submit --key k 1)" != "$1" ]
}

@test "--max-uploads and --max-upload-bytes: limited, and nothing is lost of what was there" {
  local upload

  start_daemon --max-uploads 1 --max-upload-bytes 80
  upload=$(open_upload LOW '[1,2,3,4,5,6,7,8,9]')
  refuses_line limited '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"open":true,"priority":"LOW"}}' \
    max-uploads 1
  refuses_line limited \
    '{"jsonrpc":"2.0","id":1,"method":"append","params":{"ingestion_id":"'"$upload"'","offset":9,"ids":[1,2]}}' \
    max-upload-bytes 80
  [ "$(seal "$upload")" -eq 1 ]
  [ "$(open_upload LOW '[1]' another)" != "$upload" ]
}
