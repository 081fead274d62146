# Many connections, and too many. What is checked in detail is in tests/lib/web/crowd.py.

load ../lib/daemon
load ../lib/http

setup() { daemon_setup; }
teardown() { daemon_teardown; }

@test "as many idle connections as there are descriptors for, up to 10000: each costs less than 4 KiB, more are refused" {
  local hard most=10000

  hard=$(ulimit -Hn)
  # Both sides need one each, and a few more.
  [ "$hard" = unlimited ] || [ "$hard" -ge $((most + 100)) ] || most=$((hard - 100))
  [ "$most" -ge 500 ] || skip "only $hard descriptors"
  start_web --max-connections "$most" --max-connections-per-uid "$most" --http-idle-timeout 1h
  web crowd idle "$PORT,$DAEMON,$most"
}

@test "beyond --max-connections-per-uid the clients on TCP are refused, and those on the socket are not" {
  start_web --max-connections-per-uid 5
  python3 -B -S -E "$WEB/crowd.py" hold "$PORT,5,$DIR/held" 3>&- &
  COMPANIONS+=("$!")
  wait_until 20 test -e "$DIR/held"
  ask /health
  problem 429 limited max-connections-per-uid
  VIA=unix
  ask /health
  status_is 200
}

@test "without descriptors the daemon says so, does not turn in circles, and recovers" {
  start_web --settle 10m
  web crowd no_descriptors "$PORT,$DAEMON"
}

@test "connections that end in all ways leave nothing behind" {
  start_web --settle 10m
  web crowd come_and_go "$PORT,$DAEMON" "$SOCKET,$DAEMON"
}

@test "--max-reply-bytes holds for clients that ask and do not read, and for long polls that end together" {
  start_web --settle 10m --batch-size 1000 --max-reply-bytes 1m
  web crowd unread "$SOCKET"
  web crowd awaited "$SOCKET"
}
