# Bad input: a clear message that names the element and the limit, the right exit status, and nobody
# else notices. A bystander's connection stays open through each test.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/daemon

setup() {
  daemon_setup
  start_daemon --settle 10m
  open_bystander
}

teardown() {
  daemon_teardown
}

max=9223372036854775807
unknown=019b2c6e-7b1e-7d2a-9c55-3f0d6a1c9e42

# Whatever has happened, the daemon answers, old connections and new ones, and has taken nothing.
unharmed() {
  bystander_works
  ctl ping
  [ "$(ctl submit --json 1 | e2e json 'd["seq"]')" -eq 1 ] || fail "something was submitted"
}

submit_line() {
  echo '{"jsonrpc":"2.0","id":1,"method":"submit","params":'"$1"'}'
}

# An element that is no id, among good ones: as arguments, from a file, and on the socket.
bad_id() {
  local text=$1 json=${2:-$1}

  refuses 2 "argument 2" "$text" "from 1 to $max" -- ctl submit 1 "$text"
  printf '1\n2 %s\n' "$text" >"$DIR/ids"
  refuses 2 "$DIR/ids" "line 2" "$text" "from 1 to $max" -- ctl submit -f "$DIR/ids"
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[1,2,'"$json"',3]}')" \
    'ids[2]' "${json//\"/\\\"}" "from 1 to $max"
  # Alone, too.
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":['"$json"']}')" 'ids[0]'
  unharmed
}

@test "an empty list" {
  refuses 2 "no ids" -- ctl submit
  refuses 2 "no ids" -- ctl submit ""
  refuses 2 "no ids" stdin -- ctl submit -f - </dev/null
  echo '# nothing' >"$DIR/ids"
  refuses 2 "no ids" "$DIR/ids" -- ctl submit -f "$DIR/ids"
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[]}')" '\"ids\"' empty "at least one"
  refuses_line invalid "$(submit_line '{"priority":"HIGH"}')" '\"ids\"'
  unharmed
}

@test "0" {
  bad_id 0
}

@test "-1" {
  bad_id -1
}

@test "1.5" {
  bad_id 1.5
}

@test "1e3" {
  bad_id 1e3
}

@test "true" {
  bad_id true
}

@test "2^63, and what is far beyond" {
  bad_id 9223372036854775808
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[99999999999999999999999999999999999999999]}')" 'ids[0]'
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[18446744073709551617]}')" 'ids[0]'
}

@test "abc" {
  bad_id abc '"abc"'
}

@test "other things that are no ids" {
  local element

  for element in null false '""' '"1.5"' '"-1"' '" 1"' '"01"' '[1]' '{"id":1}' -0 1E2 1.0; do
    refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[1,'"$element"']}')" 'ids[1]'
  done
  for element in 1,2 '{}' '"1"' null 7; do
    refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":'"${element/1,2/true}"'}')" '\"ids\"' array
  done
  for element in +1 01 -0 0x10 1_000 １ 5-3 1- -1-; do
    refuses 2 "argument 1" "$element" -- ctl submit "$element"
  done
  unharmed
}

@test "ranges that are too long are refused before they are expanded" {
  refuses 2 1-9000000000000000000 100000000 -- ctl submit 1-9000000000000000000
  refuses 2 9e18 -- ctl submit 1-9e18
  unharmed
}

@test "priority URGENT" {
  local value

  refuses 2 '"URGENT"' "HIGH, MEDIUM, LOW" -- ctl submit --priority URGENT 1
  refuses_line invalid "$(submit_line '{"priority":"URGENT","ids":[1]}')" URGENT "HIGH, MEDIUM, LOW"
  # On the socket names are exact.
  for value in '"high"' '""' '"HIGH "' 1 null '["HIGH"]'; do
    refuses_line invalid "$(submit_line '{"priority":'"$value"',"ids":[1]}')" priority "HIGH, MEDIUM"
  done
  unharmed
}

@test "an unknown ingestion" {
  refuses 6 "not found" -- ctl status "$unknown"
  refuses 6 "not found" -- ctl wait "$unknown"
  refuses_line not_found \
    '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"'"$unknown"'"}}' "not found"
  unharmed
}

@test "a malformed UUID" {
  local bad

  for bad in xyz 019 "${unknown}0" "${unknown//-/}" "{$unknown}" "${unknown/e/g}" ""; do
    refuses 2 "\"$bad\"" UUID -- ctl status "$bad"
    refuses 2 "\"$bad\"" UUID -- ctl wait "$bad"
    refuses 2 "\"$bad\"" UUID -- ctl cancel "$bad"
    refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"'"$bad"'"}}' \
      "\\\"$bad\\\"" UUID
  done
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":7}}' ingestion_id UUID
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"status"}' ingestion_id
  refuses_line invalid \
    '{"jsonrpc":"2.0","id":1,"method":"status","params":{"ingestion_id":"'"$unknown"'","from_batch":-1}}' from_batch
  unharmed
}

@test "an unknown method, an unknown command" {
  refuses 2 '"explode"' -- ctl explode
  refuses_line unknown_method '{"jsonrpc":"2.0","id":1,"method":"explode"}' explode
  # Names are exact.
  refuses_line unknown_method '{"jsonrpc":"2.0","id":1,"method":"Ping"}' Ping
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":7}' method
  refuses_line invalid '{"jsonrpc":"2.0","id":1}' method
  unharmed
}

@test "truncated JSON" {
  local line='{"jsonrpc":"2.0","id":1,"method":"submit","params":{"ids":[1,2],"label":"x","priority":"HIGH"}}' n

  for ((n = 1; n < ${#line}; n++)); do
    echo "${line:0:n}"
  done >"$DIR/lines"
  nc -NU -w 20 "$SOCKET" <"$DIR/lines" >"$DIR/replies"
  [ "$(wc -l <"$DIR/replies")" -eq $((${#line} - 1)) ]
  [ "$(grep -c '"id":null,"error":{"code":-32700,.*"data":{"code":"parse_error"}' "$DIR/replies")" -eq \
    $((${#line} - 1)) ]
  unharmed
}

@test "text that is not JSON" {
  local line

  for line in hello "{'id':1}" '{"id":01}' '{"id":1,}' '{} x' '[1' '"x' $'{"a":"\xff"}' $'{"a":"\xc0\x80"}' \
    $'{"a":"tab\there"}' $'\xef\xbb\xbf{}' '{"a":"\ud800"}' '{"a":NaN}' '{"a":+1}' '{"a":.5}'; do
    refuses_line parse_error "$line" "not valid JSON"
  done
  for line in 1 '"x"' null true '{}'; do
    [[ $line == '{}' ]] && refuses_line invalid "$line" id && continue
    rpc "$line" | grep -E '"code":"(invalid|parse_error)"'
  done
  unharmed
}

# deep COUNT: so many arrays, one in the other
deep() {
  printf '[%.0s' $(seq "$1")
  printf ']%.0s' $(seq "$1")
}

@test "nested 1000 deep" {
  refuses_line parse_error "$(deep 1000)" 32
  refuses_line parse_error "$(submit_line '{"priority":"HIGH","ids":'"$(deep 1000)"'}')" 32
  refuses_line parse_error "$(submit_line '{"priority":"HIGH","ids":[1],"label":'"$(deep 1000)"'}')" 32
  # Not closed at all, as deep as a message can be.
  head -c 1000000 /dev/zero | tr '\0' '[' >"$DIR/line"
  nc -NU -w 20 "$SOCKET" <"$DIR/line" | grep '"code":"parse_error"'
  unharmed
}

@test "duplicate members" {
  refuses_line parse_error "$(submit_line '{"priority":"HIGH","ids":[1],"ids":[2]}')" duplicate ids
  refuses_line parse_error "$(submit_line '{"priority":"HIGH","ids":[1],"priority":"LOW"}')" duplicate priority
  refuses_line parse_error '{"jsonrpc":"2.0","id":1,"method":"ping","id":2}' duplicate id
  refuses_line parse_error '{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"ping"}' duplicate
  unharmed
}

@test "a NUL, and other control characters, in a label" {
  refuses_line parse_error "$(submit_line '{"priority":"HIGH","ids":[1],"label":"a\u0000b"}')" 'u0000'
  refuses_line parse_error "$(submit_line '{"priority":"HIGH","ids":[1],"la\u0000bel":"b"}')" 'u0000'
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[1],"label":"a\nb"}')" label control
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[1],"label":"a\u009bb"}')" label control
  refuses 2 label control -- ctl submit --label $'a\nb' 1
  refuses 2 label UTF-8 -- ctl submit --label $'a\xffb' 1
  unharmed
}

@test "a label that is too long, or none" {
  local long

  long=$(printf '%0129d' 0)
  refuses 2 label 129 128 -- ctl submit --label "$long" 1
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[1],"label":"'"$long"'"}')" label 129 128
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[1],"label":""}')" label empty
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[1],"label":5}')" label string
  unharmed
}

@test "an unknown member" {
  refuses_line invalid "$(submit_line '{"priority":"HIGH","ids":[1],"colour":"red"}')" '\"colour\"'
  refuses_line invalid "$(submit_line '{"priority":"HIGH","IDS":[1]}')" '\"IDS\"'
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1}}' '\"x\"'
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}' '\"extra\"'
  refuses_line invalid '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}' params object
  unharmed
}

@test "messages cannot smuggle control characters into a terminal or the log" {
  local reply

  kill -HUP "$DAEMON" # a line of our own in the log, to see that it is written
  reply=$(rpc '{"jsonrpc":"2.0","id":1,"method":"\u001b[31mred"}')
  [[ $reply != *$'\e'* ]]
  run --separate-stderr ctl submit $'\e[31m1'
  [ "$status" -eq 2 ]
  [[ $stderr != *$'\e'* ]]
  run --separate-stderr ctl status $'\e[31m1'
  [ "$status" -eq 2 ]
  [[ $stderr != *$'\e'* ]]
  ! grep -q $'\e' "$LOG" || fail "an escape character is in the log"
  unharmed
}

@test "files that cannot be read" {
  refuses 2 "$DIR/nosuch" "No such file" -- ctl submit -f "$DIR/nosuch"
  refuses 2 "$DIR" "directory" -- ctl submit -f "$DIR"
  refuses 2 stdin -- ctl submit - -f - </dev/null
  printf '1 2\n3 x\n' >"$DIR/ids"
  refuses 2 "$DIR/ids" "line 2" x -- ctl submit -f "$DIR/ids"
  printf '1\0002\n' >"$DIR/ids"
  refuses 2 "line 1" -- ctl submit -f "$DIR/ids"
  unharmed
}
