# The original API over HTTP, on TCP and on the socket: programs that were written for it see no
# difference. What is checked in detail is in tests/lib/web/api.py.

load ../lib/daemon
load ../lib/http

setup() { daemon_setup; }
teardown() { daemon_teardown; }

# ---- POST /ingest ----

accepted() {
  post '{"ids":[1,2,3,4,5],"priority":"HIGH"}' -H 'Content-Type: application/json'
  status_is 200
  [[ $BODY =~ ^\{\"ingestion_id\":\"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\"\}$ ]] || fail "not the id alone: $BODY"
  [ "$(field Location)" = "/ingestions/$ID" ]
  [ "$(field Content-Type)" = application/json ]
  [ "$(status_of "$ID")" = yet_to_start ]
}

@test "POST /ingest answers with the id alone, and with Location, when the list is durable" {
  start_web --settle 10m
  on_both accepted
  kill_daemon
  start_web
  # What is found at the start does not wait.
  [[ $(status_of "$ID") =~ ^(yet_to_start|triggered|completed)$ ]]
}

@test "POST /ingest: whatever the Content-Type, the body is read as JSON" {
  start_web --settle 10m
  web api any_type "$PORT" "$SOCKET"
}

@test "POST /ingest: ids are exact up to 2^63-1, also as strings; duplicates and order stay; unknown members do not matter" {
  start_web --settle 10m
  web api exact "$PORT" "$SOCKET"
}

@test "POST /ingest: what is wrong is refused, the answer names it, and nothing is queued" {
  start_web --settle 10m
  web api refused "$PORT" "$SOCKET"
  figure_is 'sum(sum(lane["ingestions"].values()) for lane in d["lanes"])' 0
}

@test "POST /ingest: 200000 ids in one body" {
  start_web --settle 10m
  web api large "$PORT" "$SOCKET"
}

@test "--max-id is the largest id, and the answer says so" {
  start_web --settle 10m --max-id 1000000007
  post '{"ids":[1000000007],"priority":"HIGH"}'
  status_is 200
  post '{"ids":[1,1000000008],"priority":"HIGH"}'
  problem 400 invalid 'ids[1]: 1000000008 is not an integer from 1 to 1000000007'
}

@test "--default-priority is for submissions without one; a wrong one is still wrong" {
  start_web --settle 10m --default-priority LOW
  post '{"ids":[1]}'
  status_is 200
  [ "$(ctl status --json "$ID" | e2e json 'd["priority"]')" = LOW ]
  post '{"ids":[1],"priority":"low"}'
  problem 400 invalid '"low"'
  post '{"ids":[1],"priority":null}'
  problem 400 invalid priority
}

@test "--http-accepted-status: 200, 201 or 202" {
  for code in 201 202; do
    start_web --settle 10m --http-accepted-status $code
    post '{"ids":[1],"priority":"HIGH"}'
    status_is $code
    [ "$(field Location)" = "/ingestions/$ID" ]
    stop_daemon
  done
  refuses 2 http-accepted-status 203 -- "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" --http-accepted-status 203
}

# ---- GET /status/<id> ----

@test "GET /status/<id>: batches and ids in the order of submission; the same at /ingestions/<id>" {
  start_web --settle 500ms
  web api documents "$PORT" "$SOCKET"
}

@test "GET /status/<id> over time: yet_to_start, triggered, completed" {
  start_web --rate 1/600ms --settle 300ms --handler simulate:delay=200ms
  web api timeline "$PORT"
}

@test "GET /status/<id>: a failed batch makes the ingestion failed" {
  start_web --handler simulate:delay=10ms,fail=5
  web api failing "$PORT" "$SOCKET"
}

@test "an unknown id is 404, whatever its form" {
  start_web
  web api unknown "$PORT" "$SOCKET"
}

# ---- the rest ----

@test "GET /health" {
  start_web
  web api health "$PORT" "$SOCKET"
}

@test "GET / is JSON for programs and a page for browsers" {
  start_web
  web api index "$PORT" "$SOCKET"
}

@test "an unknown path is 404, a wrong method 405 with Allow" {
  start_web
  web api elsewhere "$PORT" "$SOCKET"
}
