# Who may do what: tokens, scopes, Host, Origin, users of the socket. What is checked in detail is in
# tests/lib/web/access.py.

load ../lib/daemon
load ../lib/http

setup() {
  daemon_setup
  TOKENS=$DIR/tokens
}

teardown() { daemon_teardown; }

# A line of a tokens file: token NAME SCOPES [TOKEN]
token() {
  echo "$1 $2 $(printf %s "${3:-$1-secret}" | sha256sum | cut -d ' ' -f 1)"
}

write_tokens() {
  {
    echo '# Who may come in.'
    token one read
    echo
    token two submit | sed 's/ /\t  /g; s/$/   # may not look/'
    token both submit+read
    token ALL ADMIN all-secret | tr '[:upper:][:lower:]' '[:lower:][:upper:]'
  } >"$TOKENS"
}

as() {
  ask "$2" -H "Authorization: Bearer $1-secret" "${@:3}"
}

reload() {
  local before

  before=$(grep -cE 'msg=("?)(reloaded|not reloaded)' "$LOG") || true
  kill -HUP "$DAEMON"
  has_reloaded() {
    [ "$(grep -cE 'msg=("?)(reloaded|not reloaded)' "$LOG")" -gt "$before" ]
  }
  wait_until 20 has_reloaded
}

@test "tokens: 401 without a good one, 403 without the scope; health and documentation need none" {
  write_tokens
  start_web --settle 10m --http-token-file "$TOKENS"
  web access tokens "$PORT"
  web access principals "$PORT"
  # Neither tokens nor hashes get into the log, but who it was.
  log_lacks -E 'secret|[0-9a-fA-F]{64}'
  grep 'path=/ingest ' "$LOG" | grep -qF principal=token:both
  # The socket has users instead.
  VIA=unix
  ask /stats
  status_is 200
}

@test "tokens: SIGHUP reads the file again; one that is wrong changes nothing" {
  write_tokens
  start_web --http-token-file "$TOKENS"
  as one /stats
  status_is 200
  token new read >"$TOKENS"
  reload
  as new /stats
  status_is 200
  as one /stats
  problem 401 unauthorized
  for wrong in 'new read' 'new read 1234' 'new write' '' '# nothing' 'new read zz' "$(token new submit,read)" "$(token 'n/w' read)" \
    "$(token a read; token a read b)" "$(token a read x; token b read x)"; do
    echo "$wrong" >"$TOKENS"
    reload
    tail -n 1 "$LOG" | grep -F 'level=error msg="not reloaded, the old values stay"' |
      grep -qF "http-token-file: $TOKENS" || fail "$wrong: $(tail -n 1 "$LOG")"
    as new /stats
    status_is 200
  done
  rm "$TOKENS"
  reload
  log_has 'cannot open'
  as new /stats
  status_is 200
}

@test "tokens: a reload never leaves an open address without them" {
  write_tokens
  printf 'http = 0.0.0.0:0\nhttp-token-file = %s\n' "$TOKENS" >"$DIR/conf"
  start_daemon --config "$DIR/conf"
  find_port
  as one /stats
  status_is 200
  echo 'http = 0.0.0.0:0' >"$DIR/conf"
  reload
  log_has 'others than this machine can reach 0.0.0.0:0: give --http-token-file'
  ask /stats
  problem 401 unauthorized
  as one /stats
  status_is 200
}

@test "an address for others needs tokens, or --http-auth none" {
  local flags=(--socket "$SOCKET" --store "sqlite:$STORE")

  refuses 2 0.0.0.0:0 --http-token-file '--http-auth none' -- timeout 20 "$BUILD/ingestd" "${flags[@]}" --http 0.0.0.0:0
  refuses 2 0.0.0.0:0 -- timeout 20 "$BUILD/ingestd" "${flags[@]}" --http 127.0.0.1:0,0.0.0.0:0
  refuses 2 http-token-file nowhere -- timeout 20 "$BUILD/ingestd" "${flags[@]}" --http 0.0.0.0:0 --http-token-file "$DIR/nowhere"
  write_tokens
  refuses 2 http-auth http-token-file -- timeout 20 "$BUILD/ingestd" "${flags[@]}" --http 0.0.0.0:0 --http-auth none --http-token-file "$TOKENS"
  [ ! -e "$STORE" ]
  start_daemon --http 0.0.0.0:0 --http-auth none
  find_port
  ask /stats
  status_is 200
  # Such a listener cannot know its names.
  ask /stats -H 'Host: other.example'
  status_is 200
  stop_daemon
  start_daemon --http 0.0.0.0:0 --http-token-file "$TOKENS"
  find_port
  ask /stats
  problem 401 unauthorized
  as one /stats
  status_is 200
}

@test "a name counts with those of its addresses that this machine has" {
  if ! command -v ip >/dev/null || ! unshare -nm true 2>/dev/null; then
    skip "there is no ip, or no right to make a network"
  fi
  printf '%s localhost\n' 127.0.0.1 ::1 >"$DIR/hosts"
  # shellcheck disable=SC2016 # for the inner shell
  run unshare -nm sh -c 'ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6 &&
    mount --bind "$1" /etc/hosts && shift && exec timeout -s TERM 3 "$@"' sh "$DIR/hosts" \
    "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" --http localhost:0
  [[ $output == *'msg="serving http" address=127.0.0.1:'*msg=ready* ]] || fail "$output"
}

@test "several addresses, each with its own rules; one that is taken is named" {
  if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
    start_web --http '127.0.0.1:0,[::1]:0'
    [ "$(grep -c 'msg="serving http"' "$LOG")" -eq 2 ]
    curl -sSfg "http://$(sed -n 's/.*msg="serving http" address="\(\[::1\]:[0-9]*\)"$/\1/p' "$LOG")/health"
    PORT=$(sed -n 's/.*msg="serving http" address=127.0.0.1:\([0-9]*\)$/\1/p' "$LOG")
  else
    start_web
  fi
  ask /health
  status_is 200
  refuses 2 "127.0.0.1:$PORT" -- timeout 20 "$BUILD/ingestd" --socket "$DIR/other" --store "sqlite:$DIR/other.db" \
    --http "127.0.0.1:$PORT" --log-level error
  for wrong in 8000 127.0.0.1 127.0.0.1: 127.0.0.1:http 127.0.0.1:65536 :80 ::1:80 '[::1]' '127.0.0.1:1,'; do
    refuses 2 http -- timeout 20 "$BUILD/ingestd" --socket "$DIR/other" --store "sqlite:$DIR/other.db" --http "$wrong"
  done
}

@test "Host: on addresses of this machine only names of this machine, and those of --http-allow-host" {
  start_web
  web access hosts "$PORT"
  stop_daemon
  start_web --http-allow-host 'ingest.example, Other.Example'
  web access hosts "$PORT,ingest.example:80,INGEST.EXAMPLE,other.example"
  # The socket is no place for pages.
  VIA=unix
  ask /stats -H 'Host: docker'
  status_is 200
}

@test "Origin: other pages may not ask; our own may, with application/json" {
  start_web --settle 10m
  web access origins "$PORT"
  figure_is 'sum(sum(lane["ingestions"].values()) for lane in d["lanes"])' 2
}

# ---- users of the socket ----

# Runs a command as the user nobody, who can reach the socket: as_nobody [GID] COMMAND [ARG...]
as_nobody() {
  local gid=65534

  case $1 in [0-9]*)
    gid=$1
    shift
    ;;
  esac
  setpriv --reuid 65534 --regid "$gid" --clear-groups "$@"
}

# Lets everybody connect: what is tested comes after the mode of the file.
open_socket() {
  chmod 755 "$DIR"
  chmod 666 "$SOCKET"
}

needs_root() {
  [ "$(id -u)" -eq 0 ] || skip "only root can become somebody else"
  [ "$(id -u nobody 2>/dev/null)" = 65534 ] || skip "there is no user nobody"
  command -v setpriv >/dev/null || skip "setpriv is not there"
  as_nobody test -x "$BUILD/ingestctl" || skip "the user nobody cannot run $BUILD/ingestctl"
}

# The status of a request of nobody's: nobody_http PATH [CURL ARG...]
nobody_http() {
  as_nobody curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" "http://localhost$1" "${@:2}"
}

@test "--socket-access: what users and groups may do, by JSON-RPC and HTTP alike" {
  needs_root
  start_daemon --settle 10m --socket-access 'user:nobody=read'
  open_socket
  id=$(ctl submit 1)
  as_nobody "$BUILD/ingestctl" --socket "$SOCKET" status "$id"
  refuses 4 scope submit -- as_nobody "$BUILD/ingestctl" --socket "$SOCKET" submit 2
  [ "$(nobody_http /stats)" = 200 ]
  [ "$(nobody_http /ingest -d '{"ids":[1],"priority":"HIGH"}')" = 403 ]
  # Root has all scopes, whatever the rules say.
  VIA=unix PORT=1
  post '{"ids":[1],"priority":"HIGH"}'
  status_is 200
  stop_daemon

  # The rules of user and group add up; * is for those whom no other rule names.
  start_daemon --settle 10m --socket-access "user:nobody=read,group:$(getent group 12 | cut -d : -f 1)=submit,*=admin"
  open_socket
  refuses 4 scope submit -- as_nobody "$BUILD/ingestctl" --socket "$SOCKET" submit 2
  as_nobody 12 "$BUILD/ingestctl" --socket "$SOCKET" submit 2
  setpriv --reuid 1 --regid 1 --clear-groups "$BUILD/ingestctl" --socket "$SOCKET" submit 3
  setpriv --reuid 65534 --regid 65534 --groups 12 "$BUILD/ingestctl" --socket "$SOCKET" submit 3
  stop_daemon

  start_daemon --settle 10m --socket-access '*=read'
  open_socket
  refuses 4 scope submit -- setpriv --reuid 1 --regid 1 --clear-groups "$BUILD/ingestctl" --socket "$SOCKET" submit 3
  setpriv --reuid 1 --regid 1 --clear-groups "$BUILD/ingestctl" --socket "$SOCKET" list
}

@test "--socket-access: a rule that is wrong is refused by name, and keeps the old ones at a reload" {
  for wrong in 'user:nobody-of-that-name=read' 'group:none-of-that-name=read' 'nobody=read' '*=write' '*' '*=read,,' 'user:root=read+'; do
    refuses 2 socket-access -- timeout 20 "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" --socket-access "$wrong"
  done
  needs_root
  echo 'socket-access = *=read' >"$DIR/conf"
  start_daemon --settle 10m --config "$DIR/conf"
  open_socket
  refuses 4 scope -- as_nobody "$BUILD/ingestctl" --socket "$SOCKET" submit 2
  echo 'socket-access = *=nonsense' >"$DIR/conf"
  reload
  log_has 'is not read, submit or admin'
  refuses 4 scope -- as_nobody "$BUILD/ingestctl" --socket "$SOCKET" submit 2
  echo 'socket-access = *=submit' >"$DIR/conf"
  reload
  as_nobody "$BUILD/ingestctl" --socket "$SOCKET" submit 2
}

@test "--socket-access: a reload holds for connections that are open, too" {
  local answers=$DIR/answers

  needs_root
  echo 'socket-access = *=admin' >"$DIR/conf"
  start_daemon --settle 10m --config "$DIR/conf"
  open_socket
  mkfifo "$DIR/rpc" "$DIR/web"
  chmod 666 "$DIR/rpc" "$DIR/web"
  for way in rpc web; do
    as_nobody nc -U "$SOCKET" <"$DIR/$way" >"$answers.$way" 3>&- &
    COMPANIONS+=("$!")
  done
  exec 7>"$DIR/rpc" 8>"$DIR/web"
  # One request on each, and the answer to it: listed ANSWERS
  listed() {
    echo '{"jsonrpc":"2.0","id":1,"method":"list"}' >&7
    printf 'GET /ingestions HTTP/1.1\r\nHost: localhost\r\n\r\n' >&8
    wait_until 20 has_answers "$1"
  }
  has_answers() {
    [ "$(grep -c '^{' "$answers.rpc")" = "$1" ] && [ "$(grep -c '^{' "$answers.web")" = "$1" ]
  }
  listed 1
  echo 'socket-access = *=submit' >"$DIR/conf"
  reload
  listed 2
  exec 7>&- 8>&-
  [ "$(grep -c forbidden "$answers.rpc")" = 1 ]
  [ "$(grep -c '^HTTP/1.1 403 ' "$answers.web")" = 1 ]
}
