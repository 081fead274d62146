# For tests of limits: clients that misbehave, and what the daemon shows of itself. Loaded behind daemon.bash.

# tests/lib/rude.py says what it can do.
rude() {
  INGESTD_SOCKET=$SOCKET python3 -S -E "$BATS_TEST_DIRNAME/../lib/rude.py" "$@"
}

# Runs a client that stays, until it has sent everything; its line is in RUDE_LINE, its pid in RUDE.
rude_stays() {
  rm -f "$DIR/rude"
  INGESTD_SOCKET=$SOCKET python3 -S -E "$BATS_TEST_DIRNAME/../lib/rude.py" "$@" >"$DIR/rude" 2>"$DIR/rude-errors" 3>&- &
  RUDE=$!
  COMPANIONS+=("$RUDE")
  wait_until 40 test -s "$DIR/rude" || fail "the client is not ready: $(<"$DIR/rude-errors")"
  RUDE_LINE=$(<"$DIR/rude")
}

# Ends the client that stays.
rude_leaves() {
  kill "$RUDE"
  wait "$RUDE" 2>/dev/null || true
}

# ---- stats ----

# A Python expression on the result of stats: stats EXPRESSION
stats() {
  rpc '{"jsonrpc":"2.0","id":1,"method":"stats"}' | e2e json "(lambda s: $1)(d['result'])"
}

# limit_of NAME MEMBER, such as hits
limit_of() {
  stats "[l['$2'] for l in s['limits'] if l['name'] == '$1'][0]"
}

limit_was_hit() {
  [ "$(limit_of "$1" hits)" -ge "${2:-1}" ]
}

# Connections that are open, but for the one that asks.
connections() {
  stats "s['connections']['open'] - 1"
}

connections_are() {
  [ "$(connections)" = "$1" ]
}

# ---- a daemon that is well ----

# Somebody else is answered within a second; sanitizers are slow.
bystander_is_quick() {
  local start=${EPOCHREALTIME/./} most=1000000 took

  [[ $BUILD == */release ]] || most=5000000
  bystander_works
  took=$((${EPOCHREALTIME/./} - start))
  [ "$took" -lt "$most" ] || fail "the bystander had to wait for $took us"
}

# The memory of the daemon in kB; that of a sanitizer says nothing.
rss() {
  awk '/VmRSS/ { print $2 }' "/proc/$DAEMON/status"
}

# rss_grew_less BEFORE KB
rss_grew_less() {
  local now

  now=$(rss)
  if [[ $BUILD != */release ]]; then
    echo "# memory is not looked at: the build is not release" >&3
  else
    [ $((now - $1)) -lt "$2" ] || fail "the daemon grew by $((now - $1)) kB"
  fi
}

# Ticks of the processor that the daemon has used.
ticks() {
  local fields

  read -ra fields <"/proc/$DAEMON/stat"
  echo $((fields[13] + fields[14]))
}

# Over a second it uses little of the processor.
is_not_spinning() {
  local before used most

  before=$(ticks)
  sleep 1
  used=$(($(ticks) - before))
  most=$(($(getconf CLK_TCK) / 4))
  [ "$used" -lt "$most" ] || fail "the daemon used $used ticks in a second"
}
