# The socket file, the lock files, and stores that cannot be used.

# shellcheck disable=SC2030,SC2031 # each test is a subshell, so its variables do not get out

load ../lib/daemon

setup() {
  daemon_setup
}

teardown() {
  daemon_teardown
}

# A second daemon, beside the one that runs: second [FLAG...]
second() {
  timeout 20 "$BUILD/ingestd" "$@" 3>&-
}

@test "the socket has mode 0600, whatever the umask is" {
  umask 0
  start_daemon
  umask 022
  [ "$(stat -c %a "$SOCKET")" = 600 ]
  [ "$(stat -c %a "$STORE")" = 600 ]
  stop_daemon
  umask 0777
  launch_daemon
  umask 022
  await_daemon
  [ "$(stat -c %a "$SOCKET")" = 600 ]
}

@test "--socket-group: mode 0660 and the group" {
  local group

  group=$(id -gn)
  start_daemon --socket-group "$group"
  [ "$(stat -c '%a %G' "$SOCKET")" = "660 $group" ]
}

@test "the socket file that a killed daemon left is taken over" {
  start_daemon
  kill_daemon
  [ -S "$SOCKET" ]
  refuses 3 "$SOCKET" -- ctl ping
  start_daemon
  ctl ping
}

@test "a second daemon on the same socket is refused; the first one goes on" {
  start_daemon
  open_bystander
  refuses 2 "$SOCKET" "another daemon" -- second --socket "$SOCKET" --store "sqlite:$DIR/other" --log-level error
  [ ! -e "$DIR/other" ]
  bystander_works
  ctl ping
}

@test "a second daemon on the same store is refused; the first one goes on" {
  start_daemon --settle 10m
  open_bystander
  refuses 3 "$STORE" "another daemon" -- second --socket "$DIR/other" --store "sqlite:$STORE"
  [ ! -e "$DIR/other" ]
  bystander_works
  ctl submit 1
}

@test "what is not a socket, or somebody else's, is left alone" {
  echo precious >"$SOCKET"
  refuses 2 "$SOCKET" "not a socket" -- second --socket "$SOCKET" --store "sqlite:$STORE" --log-level error
  [ "$(<"$SOCKET")" = precious ]
  rm "$SOCKET"
  nc -lkU "$SOCKET" 3>&- &
  COMPANIONS+=("$!")
  wait_until 10 test -S "$SOCKET"
  refuses 2 "$SOCKET" -- second --socket "$SOCKET" --store "sqlite:$STORE" --log-level error
  [ -S "$SOCKET" ]
}

@test "a daemon that ends does not remove the socket of its successor" {
  start_daemon
  rm "$SOCKET"
  nc -lkU "$SOCKET" 3>&- &
  COMPANIONS+=("$!")
  wait_until 10 test -S "$SOCKET"
  stop_daemon
  [ -S "$SOCKET" ]
}

@test "a socket path of 200 characters" {
  local path

  path=$DIR/$(printf '%0200d' 0)
  path=${path:0:200}
  refuses 2 200 107 -- second --socket "$path" --store "sqlite:$STORE"
  refuses 2 200 107 -- second --socket "$path" --store "sqlite:$STORE" --check-config
  refuses 2 200 107 -- "$BUILD/ingestctl" --socket "$path" ping
  [ ! -e "$STORE" ]
}

@test "the longest socket path works" {
  SOCKET=$DIR/$(printf '%0107d' 0)
  SOCKET=${SOCKET:0:107}
  start_daemon
  ctl ping
  stop_daemon
  refuses 2 108 107 -- second --socket "${SOCKET}0" --store "sqlite:$STORE"
}

@test "a directory that cannot be written" {
  # A file in place of a directory stops root, too.
  touch "$DIR/file"
  refuses 3 "$DIR/file/db" "Not a directory" -- second --socket "$SOCKET" --store "sqlite:$DIR/file/db"
  refuses 3 "$DIR/none/db" "No such file or directory" -- second --socket "$SOCKET" --store "sqlite:$DIR/none/db"
  refuses 2 "$DIR/file/sock" "Not a directory" -- \
    second --socket "$DIR/file/sock" --store "sqlite:$STORE" --log-level error
}

@test "a directory without permission" {
  [ "$(id -u)" -ne 0 ] || skip "root may write everywhere"
  mkdir -m 0500 "$DIR/closed"
  refuses 3 "$DIR/closed/db" "Permission denied" -- second --socket "$SOCKET" --store "sqlite:$DIR/closed/db"
}

@test "a store of a newer version is refused and not touched" {
  start_daemon --settle 10m
  ctl submit 1
  stop_daemon
  sqlite3 "$STORE" 'PRAGMA user_version = 99'
  sha256sum "$STORE" >"$DIR/sum"
  refuses 3 "$STORE" 99 newer -- second --socket "$SOCKET" --store "sqlite:$STORE"
  refuses 3 "$STORE" 99 newer -- second --socket "$SOCKET" --store "sqlite:$STORE" --check
  sha256sum --quiet -c "$DIR/sum"
}

@test "a database of another program is refused and not touched" {
  sqlite3 "$STORE" 'CREATE TABLE t (x); INSERT INTO t VALUES (1)'
  sha256sum "$STORE" >"$DIR/sum"
  refuses 3 "$STORE" "another program" -- second --socket "$SOCKET" --store "sqlite:$STORE"
  sha256sum --quiet -c "$DIR/sum"
  # One that has a version or an application id of its own, too.
  rm "$STORE"
  sqlite3 "$STORE" 'PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE ingestion (x)'
  refuses 3 "$STORE" "another program" -- second --socket "$SOCKET" --store "sqlite:$STORE"
}

@test "a file that is no database is refused and not touched" {
  yes "not a database" | head -n 1000 >"$STORE"
  sha256sum "$STORE" >"$DIR/sum"
  refuses 3 "$STORE" "not a database" -- second --socket "$SOCKET" --store "sqlite:$STORE"
  sha256sum --quiet -c "$DIR/sum"
}

@test "a corrupted store is refused" {
  start_daemon --settle 10m
  ctl submit 1-5000
  stop_daemon
  cp "$STORE" "$DIR/copy"
  # The header is right, what follows is not.
  dd if=/dev/urandom of="$STORE" bs=4096 seek=1 count=8 conv=notrunc status=none
  refuses 3 "$STORE" -- second --socket "$SOCKET" --store "sqlite:$STORE"
  refuses 3 "$STORE" -- second --socket "$SOCKET" --store "sqlite:$STORE" --check
  # Cut short.
  cp "$DIR/copy" "$STORE"
  truncate -s 20000 "$STORE"
  refuses 3 "$STORE" -- second --socket "$SOCKET" --store "sqlite:$STORE" --check
  # Without its ledger.
  cp "$DIR/copy" "$STORE"
  sqlite3 "$STORE" 'DELETE FROM ledger'
  refuses 3 "$STORE" -- second --socket "$SOCKET" --store "sqlite:$STORE"
  refuses 3 "$STORE" ledger -- second --socket "$SOCKET" --store "sqlite:$STORE" --check
  # With a lane whose counter says that nothing waits.
  cp "$DIR/copy" "$STORE"
  sqlite3 "$STORE" 'UPDATE lane SET yet_to_start = 0'
  refuses 3 "$STORE" -- second --socket "$SOCKET" --store "sqlite:$STORE"
}

@test "none of these leaves a socket file behind" {
  sqlite3 "$STORE" 'CREATE TABLE t (x)'
  refuses 3 "$STORE" -- second --socket "$SOCKET" --store "sqlite:$STORE"
  [ ! -e "$SOCKET" ]
}
