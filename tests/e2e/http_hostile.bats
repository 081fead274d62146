# Clients that do what they should not. What is checked in detail is in tests/lib/web/hostile.py.

load ../lib/daemon
load ../lib/http

setup() { daemon_setup; }
teardown() { daemon_teardown; }

@test "ordinary, odd and hostile requests: the table of the parser, on a live daemon" {
  start_web --settle 10m --http-allow-host 'a,b,a.b,[::ffff:1.2.3.4]'
  web hostile table "$PORT,$BATS_TEST_DIRNAME/../http/requests.txt"
  # Nothing of it was taken for a list of ids.
  figure_is 'sum(sum(lane["ingestions"].values()) for lane in d["lanes"])' 0
  wait_figure 'd["connections"]["open"]' 1
}

@test "a header that takes too long is 408" {
  start_web --http-header-timeout 1s
  web hostile slow_head "$PORT" "$SOCKET"
  wait_figure 'd["connections"]["dropped"]' 2
}

@test "a body that is too slow is 408, and one that is quick enough is not" {
  start_web --http-header-timeout 1s
  web hostile slow_body "$PORT"
  web hostile resting_body "$PORT" "$SOCKET"
}

@test "20 MB without an end, in whichever place, cost neither time nor memory" {
  start_web
  web hostile endless "$PORT,$DAEMON"
}

@test "the longest body is read, and a longer one is 413" {
  start_web
  web hostile large_body "$PORT" "$SOCKET"
}

@test "bodies that are being received are bounded together" {
  start_web --settle 10m --max-buffer-bytes 1m
  web hostile too_much_together "$PORT"
}

@test "who reads no answers is dropped after --send-timeout, and the log says so" {
  start_web --settle 10m --send-timeout 1s --http-idle-timeout 1h
  web hostile never_reads "$PORT"
  log_has 'msg="connection dropped" reason='
}

@test "who reads the last answer late gets all of it" {
  start_web --settle 10m --batch-size 1000
  web hostile reads_late "$PORT" "$SOCKET"
}
