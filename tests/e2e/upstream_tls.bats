# The handler http over TLS: which certificates are trusted, and for which names.

load ../lib/daemon
load ../lib/upstream

setup() {
  daemon_setup
  daemon_flags --rate 1/20ms --settle 0 --max-attempts 1
  authority ca
  certificate ca good 'IP:127.0.0.1,DNS:localhost'
}

teardown() {
  daemon_teardown
}

# A certificate authority of our own: authority NAME
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -subj "/CN=authority $1" -keyout "$DIR/$1.key" -out "$DIR/$1.pem" 2>/dev/null
}

# A server's certificate, with its key in the same file: certificate AUTHORITY NAME SUBJECTS
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
    -keyout "$DIR/$2.key" -out "$DIR/$2.csr" 2>/dev/null
  openssl x509 -req -in "$DIR/$2.csr" -CA "$DIR/$1.pem" -CAkey "$DIR/$1.key" -CAcreateserial -days 2 \
    -extfile <(echo "subjectAltName=$3") -out "$DIR/$2.crt" 2>/dev/null
  cat "$DIR/$2.crt" "$DIR/$2.key" >"$DIR/$2.both"
}

# The only attempt fails with an error that has this text, and the server has not seen it.
is_refused() {
  local id

  id=$(ctl submit 1 2 3)
  wait_status "$id" failed
  [[ "$(error_of "$id")" == *"$1"* ]] || fail "the error is: $(error_of "$id")"
  [ ! -s "$RECORD" ] || fail "it was sent all the same"
}

@test "a server with a certificate of --http-ca is trusted, and its connection is kept" {
  local id

  start_upstream --cert "$DIR/good.both"
  start_daemon --handler "http:$URL/" --http-ca "$DIR/ca.pem" --batch-size 1
  id=$(ctl submit 1-5)
  wait_status "$id" completed
  [ "$(record 'len({call["port"] for call in calls})')" -eq 1 ]
}

@test "without --http-ca it is not" {
  start_upstream --cert "$DIR/good.both"
  start_daemon --handler "http:$URL/"
  is_refused "certificate"
}

@test "nor is one that another authority has signed" {
  authority other
  start_upstream --cert "$DIR/good.both"
  start_daemon --handler "http:$URL/" --http-ca "$DIR/other.pem"
  is_refused "certificate"
}

@test "nor, with --http-ca, is one that an authority of the system has signed" {
  local alone=(unshare -m sh -c "mount --bind '$DIR/system' /etc/ssl/certs && exec \"\$@\"" -)

  mkdir "$DIR/system"
  cp "$DIR/ca.pem" "$DIR/system/"
  openssl rehash "$DIR/system"
  "${alone[@]}" true || skip "the authorities of the system cannot be replaced here"
  authority other
  start_upstream --cert "$DIR/good.both"
  "${alone[@]}" "$BUILD/ingestd" --socket "$SOCKET" --store "sqlite:$STORE" "${DAEMON_FLAGS[@]}" \
    --handler "http:$URL/" --http-ca "$DIR/other.pem" >>"$LOG" 2>&1 </dev/null 3>&- &
  DAEMON=$!
  await_daemon
  is_refused "certificate"
}

@test "nor is one whose certificate is for another name" {
  certificate ca wrong 'DNS:elsewhere.example'
  start_upstream --cert "$DIR/wrong.both"
  start_daemon --handler "http:$URL/" --http-ca "$DIR/ca.pem"
  is_refused "127.0.0.1"
}

@test "a new --http-ca is trusted after SIGHUP; one without a certificate changes nothing" {
  local id

  authority other
  cp "$DIR/other.pem" "$DIR/trusted.pem"
  start_upstream --cert "$DIR/good.both"
  start_daemon --handler "http:$URL/" --http-ca "$DIR/trusted.pem"
  is_refused "certificate"
  cp "$DIR/ca.pem" "$DIR/trusted.pem"
  kill -HUP "$DAEMON"
  wait_log 'msg=reloaded'
  id=$(ctl submit 4 5 6)
  wait_status "$id" completed
  echo nonsense >"$DIR/trusted.pem"
  kill -HUP "$DAEMON"
  wait_log 'it has no certificate (PEM)'
  id=$(ctl submit 7 8 9)
  wait_status "$id" completed
}

@test "a file without certificates is refused" {
  echo nonsense >"$DIR/none.pem"
  refuses 2 http-ca "$DIR/none.pem" 'no certificate' -- "$BUILD/ingestd" --socket "$SOCKET" \
    --store "sqlite:$STORE" --handler http:https://localhost/ --http-ca "$DIR/none.pem" --check-config
  refuses 2 http-ca "$DIR/gone.pem" 'No such file' -- "$BUILD/ingestd" --socket "$SOCKET" \
    --store "sqlite:$STORE" --handler http:https://localhost/ --http-ca "$DIR/gone.pem" --check-config
}
