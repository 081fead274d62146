# Many at once: nobody has to wait for those who ask much.

load ../lib/daemon

setup() { daemon_setup; }
teardown() { daemon_teardown; }

@test "a flood of long replies delays neither a ping nor the batches" {
  start_daemon --rate 1/200ms --handler simulate:delay=50ms --batch-size 1000
  # A page of this one has half a megabyte.
  long=$(ctl submit --priority LOW 1000000000000-1000000029999)
  python3 -S -E - "$SOCKET" "$long" <<'PY'
import json, socket, sys, threading, time
request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status",
                      "params": {"ingestion_id": sys.argv[2]}}).encode() + b"\n"
def connect():
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(50)
    client.connect(sys.argv[1])
    return client
def flood():
    client = connect()
    client.sendall(request * 40)
    reader = client.makefile("rb")
    for _ in range(40):
        reader.readline()
threads = [threading.Thread(target=flood) for _ in range(10)]
for thread in threads:
    thread.start()
ping = connect()
reader = ping.makefile("rb")
worst = 0
while any(thread.is_alive() for thread in threads):
    start = time.monotonic()
    ping.sendall(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    reader.readline()
    worst = max(worst, time.monotonic() - start)
    time.sleep(0.01)
# Loose, for a machine that is busy; it was several seconds when replies went first.
assert worst < 2, worst
PY
  # The slots went on meanwhile: no two starts are further apart than a few intervals.
  wait_starts 4
  starts | python3 -S -E -c '
import sys
at = [int(line.split()[3]) for line in sys.stdin]
gaps = [b - a for a, b in zip(at, at[1:])]
assert len(at) > 3 and max(gaps) < 2_000_000_000, gaps'
}
