# ingestctl completion: what shells complete, and that the scripts are valid. No daemon is needed.

load ../lib/daemon

setup() {
  DIR=$(mktemp -d /tmp/ingestd.XXXXXX)
}

teardown() {
  rm -rf "$DIR"
}

# What bash offers for a command line whose last word is being typed: offers WORD...
offers() {
  # shellcheck disable=SC2016 # the other bash expands it
  "$BUILD/ingestctl" completion bash |
    bash --norc -c 'source /dev/stdin
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ingestctl
[ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' - ingestctl "$@" | sort | tr '\n' ' '
}

# assert_offers WANTED WORD...
assert_offers() {
  local got

  got=$(offers "${@:2}")
  [ "$got" = "$1" ] || fail "for '${*:2}' it offers: $got"
}

# The commands that the program's help lists, sorted, on one line.
commands() {
  "$BUILD/ingestctl" --help | awk '/^commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }' |
    sort | tr '\n' ' '
}

@test "bash: commands" {
  [ -n "$(commands)" ]
  assert_offers "$(commands)" ""
  assert_offers "submit " su
  assert_offers "submit " --socket /tmp/x su
  assert_offers "submit " --socket = /tmp/x su
  assert_offers "" nosuch
  assert_offers "--help --socket --version " -
}

@test "bash: options, those of --help and no others" {
  local command wanted

  for command in $(commands); do
    wanted=$("$BUILD/ingestctl" "$command" --help | sed -n -E 's/^  (-[a-z],|   ) (--[a-z-]+).*/\2/p' |
      sort | tr '\n' ' ')
    [[ $wanted == *--help* ]] || fail "no options in the help of $command"
    assert_offers "$wanted" "$command" --
  done
  assert_offers "--label " submit --lab
  # After operands and values, too.
  assert_offers "--label " submit 1 2 --priority HIGH --lab
}

@test "bash: values" {
  assert_offers "HIGH LOW MEDIUM " submit --priority ""
  assert_offers "HIGH " submit -p H
  assert_offers "LOW " submit --priority = L
  assert_offers "HIGH LOW MEDIUM " submit --priority =
  assert_offers "" submit --label ""
  assert_offers "bash fish zsh " completion ""
  assert_offers "- " submit ""
  assert_offers "" ping ""
}

@test "bash: names of files" {
  touch "$DIR/ids one" "$DIR/ids two" "$DIR/other"
  assert_offers "$DIR/ids one $DIR/ids two " submit --file "$DIR/i"
  assert_offers "$DIR/other " submit -f "$DIR/o"
  assert_offers "$DIR/other " status --socket "$DIR/o"
  assert_offers "$DIR/other " --socket "$DIR/o"
}

@test "bash: the script is valid" {
  "$BUILD/ingestctl" completion bash >"$DIR/script"
  bash -n "$DIR/script"
  [[ $(bash --norc -c 'source "$0"; complete -p ingestctl' "$DIR/script") == *"-F _ingestctl ingestctl" ]]
}

# What every script must name, whatever its form.
names_everything() {
  local command option

  for command in $(commands); do
    grep -qw -- "$command" "$1" || fail "no command $command"
    while read -r option; do
      grep -q -- "$option" "$1" || fail "no option $option"
    done < <("$BUILD/ingestctl" "$command" --help | sed -n -E 's/^  (-[a-z],|   ) --([a-z-]+).*/\2/p')
  done
  grep -q "HIGH MEDIUM LOW" "$1"
}

@test "zsh: all commands and options are there" {
  "$BUILD/ingestctl" completion zsh >"$DIR/script"
  [ "$(head -n 1 "$DIR/script")" = "#compdef ingestctl" ]
  names_everything "$DIR/script"
}

@test "zsh: the script is valid" {
  command -v zsh >/dev/null || skip "zsh is not installed: only the text was checked"
  "$BUILD/ingestctl" completion zsh >"$DIR/script"
  zsh -n "$DIR/script"
}

@test "fish: all commands and options are there" {
  "$BUILD/ingestctl" completion fish >"$DIR/script"
  names_everything "$DIR/script"
  # Each line is a command of its own, with its quotes closed.
  [ "$(grep -vcE "^(#.*|complete -c ingestctl([^']|'([^'\\\\]|\\\\.)*')*|)\$" "$DIR/script")" -eq 0 ]
}

@test "fish: the script is valid" {
  command -v fish >/dev/null || skip "fish is not installed: only the text was checked"
  "$BUILD/ingestctl" completion fish >"$DIR/script"
  fish --no-execute "$DIR/script"
}

@test "another shell, and none" {
  refuses 2 '"csh"' "bash zsh fish" -- "$BUILD/ingestctl" completion csh
  refuses 2 shell "bash zsh fish" -- "$BUILD/ingestctl" completion
  refuses 2 zsh -- "$BUILD/ingestctl" completion bash zsh
}
