# What is written about HTTP, and what the daemon does: openapi.json, the page, ingestd-http(7).

load ../lib/daemon

setup() {
  daemon_setup
  cd "$BATS_TEST_DIRNAME/../.." || return # where the documents are
}

teardown() {
  daemon_teardown
}

# tests/lib/openapi.py says what it can do.
openapi() {
  python3 -S -E tests/lib/openapi.py "$@"
}

# Starts a daemon that serves HTTP on a free port, which goes to $PORT.
serve() {
  start_daemon --http 127.0.0.1:0 "$@"
  PORT=$(sed -n -E 's/.* msg="serving http" address=127\.0\.0\.1:([0-9]+).*/\1/p' "$LOG" | tail -n 1)
  [ -n "$PORT" ] || fail "the log does not say where HTTP is served"
}

# A line of a tokens file: token_line NAME SCOPES TOKEN
token_line() {
  echo "$1 $2 $(printf %s "$3" | sha256sum | cut -d ' ' -f 1)"
}

@test "document, manual and source have the same routes, scopes and errors" {
  openapi same
}

@test "the document is sound, and its examples fit their schemas" {
  openapi document
}

@test "the daemon answers as the document says" {
  serve --handler simulate:delay=10ms,fail=42 --http-max-body 4k
  openapi live "$PORT"
}

@test "the scopes of the document are those that the daemon asks for" {
  {
    echo "# NAME SCOPES SHA256"
    token_line r read r-token
    token_line s submit s-token
    token_line both read+submit both-token
    token_line a admin a-token
  } >"$DIR/tokens"
  serve --http-token-file "$DIR/tokens"
  openapi scopes "$PORT" read=r-token,submit=s-token,read+submit=both-token,admin=a-token
}

@test "the page refers to nothing elsewhere" {
  serve
  openapi page "$PORT"
}
