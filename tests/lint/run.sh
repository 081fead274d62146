#!/bin/bash
# All checks of `make lint`, a line each; fails at the end when one of them has failed.
#
# usage: tests/lint/run.sh C_FILE... -- SHELL_FILE...     (the programs are built; make lint does that)
set -u
cd "$(dirname "$0")/../.." || exit 2

c_files=() shell_files=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	c_files+=("$1")
	shift
done
for file in "${@:2}"; do
	[[ " ${shell_files[*]:-} " == *" $file "* ]] || shell_files+=("$file")
done
failed=0

# usage: check NAME COMMAND [ARG...]     The output is shown when the command fails.
check() {
	local name=$1 output

	shift
	if output=$("$@" 2>&1); then
		echo "$name: ok"
	else
		[ -z "$output" ] || printf '%s\n' "$output"
		echo "$name: FAILED"
		failed=1
	fi
}

# Called by check(), which shellcheck does not see.
# shellcheck disable=SC2317
check_format() {
	local file status=0

	for file in "${c_files[@]}"; do
		if ! clang-format --dry-run -Werror "$file" >/dev/null 2>&1; then
			echo "$file: not as make format leaves it"
			status=1
		fi
	done
	return "$status"
}

# Test files and the helpers that they load share variables, which shellcheck does not follow, and each
# test is a subshell on purpose: a variable that seems not to be used (SC2034), not to be set (SC2154) or
# to be changed in a subshell only (SC2030, SC2031) is no finding there.
# shellcheck disable=SC2317
check_shell() {
	local file status=0 not_in_tests=SC2030,SC2031,SC2034,SC2154

	for file in "${shell_files[@]}"; do
		case $file in
		*.bats) shellcheck -s bats -e "$not_in_tests" "$file" ;;
		*.bash) shellcheck -s bash -e "$not_in_tests" "$file" ;;
		*) shellcheck "$file" ;;
		esac || status=1
	done
	return "$status"
}

# Work that is not finished belongs into the tracker. The words are put together here so that this file
# passes.
# shellcheck disable=SC2317
check_leftovers() {
	! git grep -n -I -w -E 'TO''DO|FIX''ME|XX''X'
}

version=$(clang-format --version | sed -n -E 's/.*version ([0-9]+).*/\1/p')
if [ "$version" = 14 ]; then
	check format check_format
else
	echo "format: skipped, other versions than 14 lay out some lines in another way (this is ${version:-?})"
fi
check shell check_shell
check manuals mandoc -Tlint -W warning man/*
check layers tests/lint/layers.sh
check docs tests/lint/docs.sh
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	check leftovers check_leftovers
else
	echo "leftovers: skipped, outside of a git checkout there is no list of the files that count"
fi
exit "$failed"
