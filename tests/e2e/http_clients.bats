# Other people's clients and servers in front of the daemon.

load ../lib/daemon
load ../lib/http

setup() { daemon_setup; }
teardown() { daemon_teardown; }

LIST='{"ids":[1,2,3],"priority":"HIGH"}'

@test "curl: several requests on one connection, HTTP/1.0, a body from a pipe" {
  start_web --settle 10m
  url=http://127.0.0.1:$PORT
  [ "$(curl -sS -w '%{num_connects} ' -o /dev/null "$url/health" -o /dev/null "$url/stats" -o /dev/null "$url/nope" -o /dev/null -I "$url/")" = '1 0 0 0 ' ]
  [ "$(curl -sS --http1.0 "$url/health")" = '{"status":"ok"}' ]
  [ "$(curl -sS --http1.0 --data-binary "$LIST" -o /dev/null -w '%{http_code}' "$url/ingest")" = 200 ]
  # From a pipe: in chunks, with Expect.
  [ "$(echo "$LIST" | curl -sS -X POST -T - -H 'Expect: 100-continue' -o /dev/null -w '%{http_code}' "$url/ingest")" = 200 ]
  # A large body, of which curl asks first whether it is wanted; without a wait for nothing.
  head -c 2000000 /dev/zero | tr '\0' ' ' >"$DIR/large"
  [ "$(curl -sS --expect100-timeout 20 --data-binary "@$DIR/large" -o /dev/null -w '%{http_code}' "$url/ingest")" = 400 ]
  [ "$(curl -sS --expect100-timeout 20 --data-binary "@$DIR/large" -o /dev/null -w '%{http_code}' "$url/nope")" = 404 ]
  [ "$SECONDS" -lt 15 ]
  # HTTP/2 is offered and not taken.
  [ "$(curl -sS --http2 "$url/health" -w '%{http_version}')" = '{"status":"ok"}'$'\n''1.1' ]
}

@test "wget" {
  start_web --settle 10m
  url=http://127.0.0.1:$PORT
  command -v wget >/dev/null || skip "wget is not there"
  [ "$(wget -qO- "$url/health" "$url/health")" = '{"status":"ok"}'$'\n''{"status":"ok"}' ]
  [[ $(wget -qO- --post-data "$LIST" "$url/ingest") == '{"ingestion_id":"'* ]]
  [[ $(wget -qO- --content-on-error "$url/status/x") == *'"Ingestion ID not found"'* ]]
  wget -q --spider "$url/"
}

@test "Python's http.client keeps its connection" {
  start_web --settle 50ms
  python3 -B -S -E "$WEB/client.py" "$PORT"
}

@test "fetch of Node.js" {
  command -v node >/dev/null || skip "node is not there"
  # A version in which fetch() is there.
  node -e 'fetch' 2>/dev/null || skip "this node has no fetch(): $(node --version)"
  start_web --settle 50ms --rate 1/200ms
  node "$WEB/client.mjs" "$PORT"
  wait_figure 'd["requests"]["waiting"]' 0
}

@test "wrk: all answers are 2xx, and none is lost" {
  need_tool wrk
  start_web --settle 10m
  cat >"$DIR/post.lua" <<'LUA'
wrk.method = "POST"
wrk.body = '{"ids":[1,2,3],"priority":"LOW"}'
LUA
  for arguments in "http://127.0.0.1:$PORT/health" "-s $DIR/post.lua http://127.0.0.1:$PORT/ingest"; do
    # shellcheck disable=SC2086
    run "$TOOL" -t 1 -c 16 -d 1s --timeout 10s $arguments
    [[ $status -eq 0 && $output == *'Requests/sec:'* ]]
    [[ $output != *Non-2xx* && $output != *'Socket errors'* ]] || fail "$output"
    [ "$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' <<<"$output")" -gt 100 ] || fail "$output"
  done
  [ "$(figure 'd["lanes"][2]["ingestions"]["yet_to_start"] >= '"$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p' <<<"$output")")" = True ]
  wait_figure 'd["connections"]["open"]' 1
}

# ---- nginx ----

# Starts nginx in front of the daemon, listening on $NGINX: /old/ leads to it as nginx does by itself
# (HTTP/1.0), /new/ by HTTP/1.1 with connections that are kept, /raw/ likewise and without collecting the
# body, /socket/ to the Unix socket.
start_nginx() {
  need_tool nginx
  NGINX=$DIR/nginx
  mkdir "$DIR/tmp"
  {
    [ "$(id -u)" -ne 0 ] || echo 'user root;'
    cat <<CONF
daemon off;
pid $DIR/nginx.pid;
error_log stderr warn;
worker_processes 1;
events { worker_connections 256; }
http {
  access_log off;
  client_max_body_size 20m;
  client_body_temp_path $DIR/tmp/body;
  proxy_temp_path $DIR/tmp/proxy;
  fastcgi_temp_path $DIR/tmp/fastcgi;
  uwsgi_temp_path $DIR/tmp/uwsgi;
  scgi_temp_path $DIR/tmp/scgi;
  upstream kept { server 127.0.0.1:$PORT; keepalive 4; }
  server {
    listen unix:$NGINX;
    location /old/ { proxy_pass http://127.0.0.1:$PORT/; }
    location /new/ { proxy_pass http://kept/; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost; }
    location /raw/ {
      proxy_pass http://kept/; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
      proxy_request_buffering off; proxy_buffering off;
    }
    location /socket/ { proxy_pass http://unix:$SOCKET:/; }
  }
}
CONF
  } >"$DIR/nginx.conf"
  "$TOOL" -p "$DIR" -e stderr -c "$DIR/nginx.conf" >"$DIR/nginx.log" 2>&1 </dev/null 3>&- &
  COMPANIONS+=("$!")
  wait_until 20 test -S "$NGINX" || fail "nginx does not start: $(<"$DIR/nginx.log")"
}

through() {
  curl -sS -m 30 --unix-socket "$NGINX" "$@"
}

@test "nginx as a proxy: HTTP/1.0 and 1.1, kept connections, chunked bodies, the Unix socket" {
  start_web --settle 50ms --rate 1/200ms
  start_nginx
  for way in old new raw socket; do
    url=http://localhost/$way
    for _ in 1 2 3; do
      [ "$(through "$url/health")" = '{"status":"ok"}' ]
    done
    reply=$(through --data-binary "$LIST" "$url/ingest")
    [[ $reply =~ \"ingestion_id\":\"([0-9a-f-]{36})\" ]] || fail "$way: $reply"
    id=${BASH_REMATCH[1]}
    [[ $(through "$url/status/$id?wait=20s&until=final") == *'"status":"completed"'* ]]
    [ "$(through -o /dev/null -w '%{http_code}' -I "$url/status/$id")" = 200 ]
    [ "$(through -o /dev/null -w '%{http_code}' -H 'If-None-Match: *' "$url/status/$id")" = 304 ]
    [ "$(through -o /dev/null -w '%{http_code}' -d x "$url/ingest")" = 400 ]
    [ "$(through -o /dev/null -w '%{http_code}' -d x "$url/nope")" = 404 ]
    [ "$(echo "$LIST" | through -X POST -T - -o /dev/null -w '%{http_code}' "$url/ingest")" = 200 ]
    # A large body that is refused before it is there, and one that is not.
    head -c 3000000 /dev/zero | tr '\0' ' ' >"$DIR/large"
    [ "$(through --data-binary "@$DIR/large" -o /dev/null -w '%{http_code}' "$url/ingest")" = 400 ]
    [[ $(through --data-binary "@$DIR/large" -o /dev/null -w '%{http_code}' "$url/nope") = 404 ]]
  done
  # nginx has nothing to complain about.
  run ! grep -vF 'a client request body is buffered' "$DIR/nginx.log"
  # Who hangs up on nginx leaves nothing behind in the daemon.
  id=$(ctl submit 1-1000)
  through -m 1 "http://localhost/new/status/$id?wait=1h&until=final" || true
  wait_figure 'd["requests"]["waiting"]' 0
}

# ---- Prometheus ----

@test "promtool finds nothing wrong with /metrics" {
  need_tool promtool
  start_web
  post "$LIST"
  wait_status "$ID" completed
  ask /metrics
  run "$TOOL" check metrics <"$DIR/body"
  [[ $status -eq 0 && -z $output ]] || fail "$output"
}
