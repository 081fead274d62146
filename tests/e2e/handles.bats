# What users can call an ingestion: its UUID, the beginning of that, its number.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/daemon

setup() {
  daemon_setup
  start_daemon --settle 10m
}

teardown() {
  daemon_teardown
}

# shows WANTED HANDLE...: each of them is this ingestion
shows() {
  local wanted=$1 handle

  for handle in "${@:2}"; do
    [ "$(ctl status --json "$handle" | e2e json 'd["ingestion_id"]')" = "$wanted" ] ||
      fail "$handle is not $wanted"
  done
}

@test "the UUID, in any case" {
  local id

  id=$(ctl submit 1)
  ctl submit 2
  shows "$id" "$id" "${id^^}"
}

@test "the number" {
  local first second

  first=$(ctl submit 1)
  second=$(ctl submit -p HIGH 2)
  shows "$first" 1
  shows "$second" 2
  refuses 6 "number 3 not found" -- ctl status 3
  refuses 6 "number 9223372036854775807" -- ctl status 9223372036854775807
  # Not a number, and too short for the beginning of an id.
  refuses 2 '"01"' UUID -- ctl status 01
  refuses 2 '"0"' UUID -- ctl status 0
  refuses 2 '"-1"' UUID -- ctl status -1
}

@test "the beginning of the id, if no other begins like that" {
  local id other i

  id=$(ctl submit 1)
  sleep 0.002
  other=$(ctl submit 2)
  # Up to where the two differ it says which ones there are.
  for ((i = 0; i < 36; i++)); do
    [ "${id:0:i}" = "${other:0:i}" ] || break
  done
  shows "$id" "${id:0:i}" "${id:0:35}" "${id:0:36}"
  if [ "${id:i-1:1}" != "-" ]; then
    shows "$other" "${other:0:i}"
  fi
  refuses 2 "more than one" "$id" "$other" "${id:0:8}" -- ctl status "${id:0:8}"
  refuses 2 "more than one" "$id" "$other" -- ctl status "${id:0:4}"
  refuses 2 "more than one" -- ctl wait "${id:0:9}"
  refuses 2 '"'"${id:0:3}"'"' "first 4 digits" -- ctl status "${id:0:3}"
  refuses 6 "begins with ffff" -- ctl status ffff
  refuses 6 "begins with ffff0000-0000-7" -- ctl status FFFF0000-0000-7
  refuses 2 UUID -- ctl status ffff00000000
  refuses 2 UUID -- ctl status "${id}0"
}

@test "wait and cancel take all of them, and print the id" {
  local id upload

  stop_daemon
  start_daemon --settle 0
  id=$(ctl submit 1)
  [ "$(ctl wait 1)" = "$id completed" ]
  [ "$(ctl wait "${id:0:13}")" = "$id completed" ]
  [ "$(ctl wait 1 "$id" | sort -u)" = "$id completed" ]
  refuses 6 "number 7" -- ctl wait 1 7
  sleep 0.002
  upload=$(rpc '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"open":true,"priority":"LOW"}}' |
    e2e json 'd["result"]["ingestion_id"]')
  refuses 6 "number 7" -- ctl cancel 7
  refuses 4 ended -- ctl cancel 1
  [ "$(ctl cancel "${upload:0:30}")" = "$upload cancelled" ]
}
