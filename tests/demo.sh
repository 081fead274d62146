#!/bin/sh
# Shows one ingestion from start to end: starts a daemon in a temporary directory at its default rate,
# submits five ids, follows them, and leaves nothing behind. Each command is shown before it runs.
#
# usage: tests/demo.sh BUILDDIR        (BUILDDIR as in build/release; make demo builds it)
set -eu

if [ $# -ne 1 ] || [ ! -x "$1/ingestd" ] || [ ! -x "$1/ingestctl" ]; then
  echo "usage: tests/demo.sh BUILDDIR   (with ingestd and ingestctl in it; make demo builds them)" >&2
  exit 2
fi
PATH=$(cd "$1" && pwd):$PATH
export PATH

# The defaults are what is to be seen, not what the caller has set for a daemon of their own.
for variable in $(env | sed -n 's/^\(INGESTD_[A-Z_]*\)=.*/\1/p'); do
  unset "$variable"
done

# A short path, since that of a socket has at most 107 bytes.
dir=$(mktemp -d /tmp/ingestd-demo.XXXXXX)
daemon=

# Whatever ends the demo: no daemon and no file stays. A second TERM ends what still runs at once.
clean_up() {
  status=$?
  trap - EXIT
  trap '' INT TERM HUP PIPE
  if [ -n "$daemon" ] && kill "$daemon" 2>/dev/null; then
    [ "$status" -eq 0 ] || kill "$daemon" 2>/dev/null || true
    wait "$daemon" || true
  fi
  # From 128 on it was a signal, and no failure.
  if [ "$status" -ne 0 ] && [ "$status" -lt 128 ] && [ -s "$dir/log" ]; then
    echo "The demo has failed; the log of the daemon:" >&2
    cat "$dir/log" >&2
  fi
  rm -rf "$dir"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE

# Shows a command as a user would type it, and runs it.
show() {
  printf '\n$ %s\n' "$*"
  "$@"
}

# The daemon finds its files, and the client finds the daemon, by the environment.
INGESTD_SOCKET=$dir/ingestd.sock
INGESTD_STORE=sqlite:$dir/ingestd.db
export INGESTD_SOCKET INGESTD_STORE

echo "A daemon, its socket and its store in $dir; the rate is the default, a batch of 3 every 5 s."
printf '\n$ ingestd &\n'
ingestd >"$dir/log" 2>&1 &
daemon=$!

# It is there within a moment; one that is not has said why.
tries=100
until ingestctl ping >/dev/null 2>&1; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ] || ! kill -0 "$daemon" 2>/dev/null; then
    echo "the daemon has not started" >&2
    exit 1
  fi
  sleep 0.1
done
show ingestctl ping

printf '\n$ ingestctl submit --priority HIGH 1 2 3 4 5\n'
id=$(ingestctl submit --priority HIGH 1 2 3 4 5)
echo "$id"

# On a terminal a progress bar, elsewhere a line per change.
if [ -t 2 ]; then
  show ingestctl wait "$id"
else
  show ingestctl status --watch "$id"
fi

show ingestctl status "$id"

# The demo has shown nothing unless both batches have completed.
case $(ingestctl status --json "$id") in
  *'"status":"completed"'*'"completed":2,"failed":0,'*) ;;
  *)
    echo "not all batches have completed" >&2
    exit 1
    ;;
esac

printf '\n$ kill %%1\n'
kill "$daemon"
wait "$daemon"
daemon=
