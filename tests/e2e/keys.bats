# Keys: a submission that is tried again is still submitted once.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# Numbers of the lists that the fake daemon was given.
given() {
  grep -c ^done "$REQUESTS"
}

@test "--key: the same again gives the same id, and says so; it is there once" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit --key order-17 --label x 1-5)
  run --separate-stderr ctl submit --key order-17 --label x --verbose 1 2 3 4-5
  [ "$status" -eq 0 ]
  [ "$output" = "$id" ]
  [[ $stderr == *"submitted before as number 1: 5 ids in 2 batches, priority MEDIUM, key order-17"* ]] || fail "$stderr"
  [ "$(ctl submit --json --key order-17 --label x 1-5 | e2e json 'd["ingestion_id"], d["replayed"]')" = "('$id', True)" ]
  [ "$(ctl list --json | wc -l)" -eq 1 ]
  # Over a restart, too.
  stop_daemon
  start_daemon --settle 10m
  [ "$(ctl submit --key order-17 --label x 1-5)" = "$id" ]
}

@test "--key with something else is a conflict: 4" {
  start_daemon --settle 10m
  ctl submit --key k --label x 1-5
  refuses 4 key -- ctl submit --key k --label x 1-6
  refuses 4 key -- ctl submit --key k --label x 1 2 3 5 4
  refuses 4 key -- ctl submit --key k --label y 1-5
  refuses 4 key -- ctl submit --key k --label x --priority HIGH 1-5
  [ "$(ctl list --json | wc -l)" -eq 1 ]
  # Case matters.
  ctl submit --key K --label x 1-6
}

@test "interrupted while the answer is awaited: 130, and what that means" {
  local pid status=0

  start_fake submit:1:hang
  interruptible "$BUILD/ingestctl" --socket "$SOCKET" submit 1-10 >"$DIR/out" 2>"$DIR/err"
  pid=$!
  wait_until 20 grep -q "^submit hang" "$REQUESTS"
  kill -INT "$pid"
  wait "$pid" || status=$?
  [ "$status" -eq 130 ] || fail "exit status $status: $(<"$DIR/err")"
  grep -q "interrupted; it is unknown whether the ids were submitted, but the same command with --key .* does it once" "$DIR/err" ||
    fail "$(<"$DIR/err")"
  [ ! -s "$DIR/out" ]
}

@test "keys that are none" {
  local long bad

  start_daemon --settle 10m
  long=$(printf '%0256d' 0)
  for bad in "" "a b" $'a\tb' "ä" "$long"; do
    refuses 2 "key" 255 -- ctl submit --key "$bad" 1
  done
  refuses 2 --once --key -- ctl submit --key k --once 1
  ctl submit --key "${long:1}" 1
  ctl submit --key '!"\x~' 1
}

@test "--once: the key is the content, so the same list is submitted once" {
  local id

  start_daemon --settle 10m
  id=$(ctl submit --once 3 1 2)
  [ "$(ctl submit --once 3,1-2)" = "$id" ]
  echo "3 1 2 # again" >"$DIR/ids"
  [ "$(ctl submit --once -f "$DIR/ids")" = "$id" ]
  [ "$(ctl submit --once - <"$DIR/ids")" = "$id" ]
  [ "$(ctl submit --once - < <(cat "$DIR/ids"))" = "$id" ]
  # Several pipes, each with a copy of its own; the last id of one does not run into the next.
  [ "$(ctl submit --once -f <(printf 3) -f <(printf 1) -f <(printf 2))" = "$id" ]
  # All of it counts.
  [ "$(ctl submit --once 1 2 3)" != "$id" ]
  [ "$(ctl submit --once -p LOW 3 1 2)" != "$id" ]
  [ "$(ctl submit --once -l x 3 1 2)" != "$id" ]
  [ "$(ctl list --json | wc -l)" -eq 4 ]
  # Without it everything is new.
  [ "$(ctl submit 3 1 2)" != "$(ctl submit 3 1 2)" ]
}

@test "--once: the key is once- and the digest that the protocol describes" {
  local wanted

  start_fake
  wanted=$(python3 -S -E -c 'import hashlib, struct
d = hashlib.sha256(b"ingestd 1\nHIGH\nmarch\n").digest()
ids = list(range(1, 2001))
for at in range(0, 2000, 1024):
    block = ids[at:at + 1024]
    d = hashlib.sha256(d + struct.pack(f"<{len(block)}q", *block)).digest()
print("once-" + d.hex())')
  ctl submit --once -p HIGH -l march 1-2000
  [ "$(sed -n 's/^done \([^ ]*\) .*/\1/p' "$REQUESTS")" = "$wanted" ]
}

@test "every submission has a key of its own: a lost answer is asked for again" {
  start_fake submit:1:lose submit:3:drop
  run --separate-stderr ctl submit --verbose 1 2 3
  [ "$status" -eq 0 ] || fail "$stderr"
  [[ $stderr == *"trying again for 10 s"* ]]
  # It was this command that has submitted it.
  [[ $stderr == *"submitted as number 1: 3 ids"* ]]
  [ "$(given)" -eq 1 ]
  run --separate-stderr ctl submit --quiet 4
  [ "$status" -eq 0 ]
  [ -z "$stderr" ] || fail "$stderr"
  [ "$(given)" -eq 2 ]
  [ "$(grep ^done "$REQUESTS" | cut -d ' ' -f 2 | sort -u | wc -l)" -eq 2 ]
}

@test "once an answer was lost, busy does not end it either" {
  start_fake submit:1:lose submit:2:busy submit:3:draining submit:5:unknown_outcome
  ctl submit --quiet 1 2 3
  [ "$(given)" -eq 1 ]
  # The same when the daemon itself does not know.
  ctl submit --quiet 4
  [ "$(given)" -eq 2 ]
}

@test "a daemon that does not come back: 5 after 10 s, and how to find out" {
  start_fake submit:1-:drop
  run --separate-stderr ctl submit --key mine 1
  [ "$status" -eq 5 ] || fail "exit status $status: $stderr"
  [[ $stderr == *"unknown whether the ids were submitted, but the same command does it once"* ]] || fail "$stderr"
}

@test "busy, limited and draining at the first request: 5 at once" {
  start_fake submit:1:busy submit:2:limited submit:3:draining
  refuses 5 busy -- ctl submit 1
  refuses 5 limited -- ctl submit 1
  refuses 5 draining -- ctl submit 1
  [ "$(given)" -eq 0 ]
}

@test "a short list under the key of an unfinished upload completes that upload" {
  local id

  start_daemon --settle 10m --max-message-bytes 2k
  # What a client left behind that sent parts of 3 ids.
  id=$(rpc '{"jsonrpc":"2.0","id":1,"method":"submit","params":{"open":true,"key":"k","priority":"LOW"}}' |
    e2e json 'd["result"]["ingestion_id"]')
  rpc '{"jsonrpc":"2.0","id":1,"method":"append","params":{"ingestion_id":"'"$id"'","offset":0,"ids":[1,2,3]}}'
  refuses 4 "other ids" -- ctl submit -q -p LOW --key k 1 2 4 5
  run --separate-stderr ctl submit -p LOW --key k 1-5
  [ "$status" -eq 0 ] || fail "$stderr"
  [ "$output" = "$id" ]
  [[ $stderr == *"continuing after 3 ids"* ]]
  [ "$(ctl status --json "$id" | e2e json '[b["ids"] for b in d["batches"]]')" = "[[1, 2, 3], [4, 5]]" ]
}
