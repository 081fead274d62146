# A private PostgreSQL server for tests: one per file, a database per test. On top of daemon.bash, or by
# itself. A file begins with
#
#   load ../lib/daemon
#   load ../lib/postgres
#   setup_file() { pg_start; }
#   teardown_file() { pg_stop immediate; }
#   setup() { daemon_setup; STORE_URL=$(pg_new_store); }
#
# The server is in $PG_DIR: its data, its socket and its log. As root it runs as `nobody`, since PostgreSQL
# refuses root. Its programs come from build/tools (postgres.sh), whatever is installed.

PG_LIB=$(dirname "${BASH_SOURCE[0]}")

pg_fail() {
  printf '%s\n' "$*" >&2
  return 1
}

# The programs, and how they are run: PG_BIN, PG_LIBRARIES, PG_AS (words before a command of the server).
pg_find() {
  local tools

  [ -z "${PG_BIN:-}" ] || return 0
  PG_BIN=$("$PG_LIB/postgres.sh") || return 1
  tools=${PG_BIN%/postgresql/usr/*}
  PG_LIBRARIES=$(echo "$tools"/postgresql/usr/lib/*-linux-gnu*)
  PG_TEMPLATE=$tools/postgresql-data
  PG_AS=
  if [ "$(id -u)" -eq 0 ]; then
    PG_AS='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    # A checkout where nobody may look, such as root's home.
    if ! $PG_AS test -x "$PG_BIN/postgres"; then
      PG_AS+=' --inh-caps=+dac_override --ambient-caps=+dac_override'
      $PG_AS test -x "$PG_BIN/postgres" || pg_fail "nobody cannot run $PG_BIN/postgres" || return 1
    fi
  fi
  export PG_BIN PG_LIBRARIES PG_TEMPLATE PG_AS
}

# A program of PostgreSQL as a client: pg_run PROGRAM [ARG...]
pg_run() {
  PGHOST=$PG_DIR PGPORT=$PG_PORT PGUSER=postgres LD_LIBRARY_PATH=$PG_LIBRARIES "$PG_BIN/$1" "${@:2}"
}

# The same on the server's side.
pg_serve() {
  # shellcheck disable=SC2086 # words
  cd / && LD_LIBRARY_PATH=$PG_LIBRARIES exec $PG_AS "$PG_BIN/$1" "${@:2}"
}

# A directory with a fresh data directory, made once and copied from then on.
pg_make_template() {
  local work

  [ ! -e "$PG_TEMPLATE/ready" ] || return 0
  exec {PG_LOCK}>"$PG_TEMPLATE.lock"
  flock "$PG_LOCK"
  if [ ! -e "$PG_TEMPLATE/ready" ]; then
    work=$(mktemp -d /tmp/ingestd-pg.XXXXXX)
    [ -z "$PG_AS" ] || chown nobody:nogroup "$work"
    (pg_serve initdb -D "$work/data" --locale=C.UTF-8 --encoding=UTF8 --auth=trust --username=postgres \
      --no-sync --no-instructions) >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
    rm -rf "$PG_TEMPLATE"
    mkdir -p "$PG_TEMPLATE"
    cp -a "$work/data" "$PG_TEMPLATE/data"
    rm -rf "$work"
    : >"$PG_TEMPLATE/ready"
  fi
  exec {PG_LOCK}>&-
}

# ---- the server ----

# Starts a server of its own with settings: pg_start [SETTING=VALUE...]
# PG_TCP=1: also on a free port of 127.0.0.1.
pg_start() {
  pg_find && pg_make_template || return 1
  PG_DIR=$(mktemp -d /tmp/ingestd-pg.XXXXXX)
  PG_PORT=5432
  export PG_DIR PG_PORT
  # Whoever started it: the end of the run ends what is left over (tests/run).
  [ -z "${PG_SERVERS:-}" ] || echo "$PG_DIR" >>"$PG_SERVERS"
  chmod 755 "$PG_DIR"
  [ -z "$PG_AS" ] || chown nobody:nogroup "$PG_DIR"
  cp -a "$PG_TEMPLATE/data" "$PG_DIR/data"
  if [ -n "${PG_TCP:-}" ]; then
    PG_PORT=$(python3 -S -E -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  fi
  {
    cat <<-END
	listen_addresses = '${PG_TCP:+127.0.0.1}'
	port = $PG_PORT
	unix_socket_directories = '$PG_DIR'
	max_connections = 100
	shared_buffers = 32MB
	jit = off
	autovacuum = on
	fsync = off
	timezone = 'GMT'
	log_timezone = 'GMT'
	log_line_prefix = '%m [%p] '
	logging_collector = off
	END
    printf '%s\n' "$@"
  } >>"$PG_DIR/data/postgresql.conf"
  pg_restart
}

# Starts it again on the same data, and waits until it answers.
pg_restart() {
  local end=$((SECONDS + 60))

  rm -f "$PG_DIR/pid"
  # In a session of its own: it outlives the test that starts it again, and a signal to the suite's group
  # does not reach it. Somebody waits for it, since the next one would take a zombie for a server.
  # shellcheck disable=SC2016 # the inner shell expands it
  (setsid bash -c 'cd / || exit
    LD_LIBRARY_PATH=$PG_LIBRARIES $PG_AS "$PG_BIN/postgres" -D "$PG_DIR/data" &
    echo $! >"$PG_DIR/pid.new" && mv "$PG_DIR/pid.new" "$PG_DIR/pid"
    wait' >>"$PG_DIR/log" 2>&1 </dev/null 3>&- &)
  while [ ! -e "$PG_DIR/pid" ]; do
    sleep 0.002
  done
  until pg_is_ready; do
    if [ "$SECONDS" -ge "$end" ] || ! pg_runs; then
      tail -n 20 "$PG_DIR/log" >&2
      pg_fail "PostgreSQL does not start"
      return 1
    fi
    sleep 0.02
  done
}

# The file of one that was killed is still there.
pg_is_ready() {
  local lines

  mapfile -t lines < <(cat "$PG_DIR/data/postmaster.pid" 2>/dev/null)
  [ "${lines[0]:-}" = "$(<"$PG_DIR/pid")" ] && [[ ${lines[7]:-} == ready* ]]
}

# Whether this process goes on: not gone, and no zombie that nobody has waited for.
pg_is_process() {
  local stat

  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  stat=${stat##*) }
  [ "${stat:0:1}" != Z ]
}

# Whether the server runs, or any process of it.
pg_runs() {
  local pid

  for pid in $(pg_processes); do
    ! pg_is_process "$pid" || return 0
  done
  return 1
}

pg_processes() {
  local pid

  pid=$(<"$PG_DIR/pid") 2>/dev/null || return 0
  echo "$pid"
  pgrep -P "$pid" || true
}

# pg_await_end PID...
pg_await_end() {
  local end=$((SECONDS + 30)) pid

  for pid; do
    while pg_is_process "$pid"; do
      [ "$SECONDS" -lt "$end" ] || pg_fail "process $pid of PostgreSQL does not end" || return 1
      sleep 0.02
    done
  done
}

# Ends it for good, and removes its directory: pg_stop [fast|immediate]
pg_stop() {
  [ -n "${PG_DIR:-}" ] && [ -d "$PG_DIR" ] || return 0
  if [ -e "$PG_DIR/pid" ]; then
    pg_halt "${1:-fast}" || pg_kill
  fi
  rm -rf "$PG_DIR"
}

# Ends it in order; pg_restart goes on: pg_halt [fast|immediate]
pg_halt() {
  local pids signal=INT

  [ "${1:-fast}" = fast ] || signal=QUIT
  mapfile -t pids < <(pg_processes)
  # One that was stopped hears nothing else.
  kill -CONT "${pids[@]}" 2>/dev/null || true
  kill -s "$signal" "${pids[0]}" 2>/dev/null || true
  pg_await_end "${pids[@]}"
}

# SIGKILL for all of it, as when the machine fails; pg_restart goes on.
pg_kill() {
  local pids

  kill -STOP "$(<"$PG_DIR/pid")" 2>/dev/null || true
  mapfile -t pids < <(pg_processes)
  kill -KILL "${pids[@]}" 2>/dev/null || true
  pg_await_end "${pids[@]}"
}

# The whole server stands still until pg_thaw, with its connections open.
pg_freeze() {
  local pids

  kill -STOP "$(<"$PG_DIR/pid")"
  mapfile -t pids < <(pg_processes)
  kill -STOP "${pids[@]}"
}

pg_thaw() {
  local pids

  mapfile -t pids < <(pg_processes)
  kill -CONT "${pids[@]}"
}

# ---- its databases ----

# pg_url [DATABASE]; with PG_TCP=1 by TCP
pg_url() {
  if [ -n "${PG_TCP:-}" ]; then
    echo "postgresql://postgres@127.0.0.1:$PG_PORT/${1:-postgres}"
  else
    echo "postgresql://postgres@/${1:-postgres}?host=$PG_DIR"
  fi
}

# What a query gives, one line per row, columns separated by |: pg_sql SQL [DATABASE|URL]
# Without a database that of $STORE_URL, if there is one.
pg_sql() {
  pg_run psql -XAtq -v ON_ERROR_STOP=1 -d "${2:-${STORE_URL:-postgres}}" -c "$1"
}

# Makes an empty database and prints its URL.
pg_new_database() {
  local name

  name=t$(printf '%(%s)T' -1)_${BASHPID}_$RANDOM
  pg_sql "CREATE DATABASE $name" postgres || return 1
  pg_url "$name"
}

# The same with the tables of a new store.
pg_new_store() {
  local url

  url=$(pg_new_database) && "$BUILD/ingestd" --init-store --store "$url" >&2 || return 1
  echo "$url"
}

# Ends all connections but the one that asks: pg_disconnect_all
pg_disconnect_all() {
  pg_sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'" postgres
}
