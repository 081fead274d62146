# The file of the store: who may open it, and what is left alone.

load ../lib/daemon

setup() { daemon_setup; }
teardown() { daemon_teardown; }

second() {
  timeout 20 "$BUILD/ingestd" --log-level error "$@"
}

@test "two links to one store are one store" {
  start_daemon
  ln -s "$STORE" "$DIR/link"
  refuses 3 "another daemon" -- second --socket "$DIR/other" --store "sqlite:$DIR/link"
  daemon_answers
}

@test "a database of another program keeps its WAL, and gets no lock file" {
  # A program that was killed: the WAL holds what is not in the database yet.
  python3 -S -E - "$STORE" <<'PY'
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE t (x)")
db.execute("INSERT INTO t VALUES (1)")
db.commit()
os._exit(0)
PY
  before=$(md5sum <"$STORE"; md5sum <"$STORE-wal")
  refuses 3 "another program" -- second --socket "$SOCKET" --store "sqlite:$STORE"
  [ "$(md5sum <"$STORE"; md5sum <"$STORE-wal")" = "$before" ]
  [ ! -e "$STORE.lock" ]
}

@test "what SQLite does not take for a path is refused" {
  for path in "" ":memory:" "file:db" "file:$STORE?mode=memory"; do
    refuses 2 "sqlite:PATH" -- second --socket "$SOCKET" --store "sqlite:$path"
  done
  refuses 2 "sqlite:PATH" "mysql://x" -- second --socket "$SOCKET" --store mysql://x
}

@test "--check: sound, damaged, in use, missing" {
  start_daemon
  id=$(ctl submit 1-5)
  refuses 3 "another daemon" -- second --socket "$SOCKET" --store "sqlite:$STORE" --check
  ctl wait "$id"
  stop_daemon
  run -0 second --socket "$SOCKET" --store "sqlite:$STORE" --check
  [ "$output" = "$STORE: sound" ]
  sqlite3 "$STORE" 'DELETE FROM ledger'
  refuses 3 "ledger" -- second --socket "$SOCKET" --store "sqlite:$STORE" --check
  refuses 3 "damaged" -- second --socket "$SOCKET" --store "sqlite:$STORE"
  refuses 3 "$DIR/none" -- second --socket "$SOCKET" --store "sqlite:$DIR/none" --check
  [ ! -e "$DIR/none" ]
}
