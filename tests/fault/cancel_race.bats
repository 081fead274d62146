# Cancel while batches end: whoever comes first, status, counts and report say the same.
#
# CANCEL_ROUNDS: how often, for each handler (12)

load ../lib/daemon
load ../lib/upstream

export BATS_TEST_TIMEOUT=$((120 + ${CANCEL_ROUNDS:-12} * 3))

setup() {
  daemon_setup
  daemon_flags --rate 1/5ms --settle 0 --concurrency 8 --exec-grace 100ms
}

teardown() {
  daemon_teardown
}

# Status, counts and report of one ingestion, which has ended.
agrees() {
  ctl status --json "$1" >"$DIR/status"
  ctl report --json "$1" >"$DIR/report"
  python3 -S -E -c 'import collections, json, sys
d = json.load(open(sys.argv[1]))
told = collections.Counter(json.loads(line)["outcome"] for line in open(sys.argv[2]))
counts = d["counts"]
for outcome in ("completed", "failed", "cancelled", "unknown"):
    assert told[outcome] == counts["ids_" + outcome], (outcome, told, counts)
assert sum(told.values()) == counts["ids"] == 24 and not told["pending"], (told, counts)
shown = collections.Counter(batch["status"] for batch in d["batches"])
for status in ("completed", "cancelled"):
    assert shown[status] == counts[status], (status, shown, counts)
assert sum(shown.values()) == counts["batches"] == shown["completed"] + shown["cancelled"], shown
assert d["status"] == ("cancelled" if shown["cancelled"] else "completed"), d["status"]
print(" ".join(f"{outcome}={told[outcome]}" for outcome in sorted(told)))' "$DIR/status" "$DIR/report"
}

# Cancels after a while that lasts from nothing to the whole of the work, twice.
race() {
  local round id

  for ((round = 0; round < ${CANCEL_ROUNDS:-12}; round++)); do
    id=$(ctl submit 1-24)
    sleep "0.0$((RANDOM % 90 + 10))"
    ctl cancel "$id" >/dev/null || [ "$(status_of "$id")" = completed ]
    ctl cancel "$id" >/dev/null || [ "$(status_of "$id")" = completed ]
    ctl wait --quiet --timeout 20s "$id" || [ $? -eq 1 ]
    agrees "$id" || fail "round $round: $(ctl status "$id")"
  done
  stop_daemon
  check_store
}

@test "exec: a cancel and the end of commands" {
  cat >"$DIR/handler" <<'SH'
#!/bin/sh
# Some are slow, and some do not listen.
read -r id
[ $((id % 4)) -ne 0 ] || trap '' TERM
[ $((id % 2)) -ne 0 ] || sleep 0.02
SH
  chmod +x "$DIR/handler"
  start_daemon --handler "exec:$DIR/handler"
  race
}

@test "http: a cancel and the answers of a server" {
  start_upstream
  start_daemon --handler "http:$URL/"
  race
}
