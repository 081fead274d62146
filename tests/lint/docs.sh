#!/bin/bash
# Holds the manual pages against the programs: every option and command that a program's help shows is
# in its page and the other way round, the options in ingestd-http(7), ingestd-handlers(7) and
# ingestd-postgresql(7) are there, every wire method is in ingestd-protocol(7), every key that
# ingestd --print-config shows is an option, and what ingestd(8) says of SIGHUP is what it takes over.
#
# usage: tests/lint/docs.sh [BUILDDIR]     needs the built programs; prints what is missing
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${1:-build/release}
status=0

complain() {
	echo "$*"
	status=1
}

# The options in a help text: long ones wherever they stand, short ones only at the start of a line,
# where options are described (an example may show those of other programs).
options_of_help() {
	sed -n -E -e 's/^[ \t]+(-[[:alpha:]])([, =].*|$)/\1/p' <<<"$1"
	grep -oE '(^|[^[:alnum:]-])--[a-z][a-z0-9-]*' <<<"$1" | grep -oE -- '--.*'
}

# The options that a page mentions anywhere, also several on a line: Fl x, Fl -long.
options_in_page() {
	grep -oE 'Fl -?[[:alpha:]][a-z0-9-]*' "$1" | sed 's/^Fl /-/'
}

# Those that it describes: .It Fl x , Fl -long
options_of_page() {
	grep -E '^\.It .*Fl ' "$1" | options_in_page -
}

# The words that a page describes, in a list or as a section: .It Ic word, .Ss word.
words_of_page() {
	sed -n -E 's/^\.(It|Ss|It Xo|Ss Xo) ((Ic|Cm|Nm|Li|Sy) )?"?([a-z][a-z_-]*).*/\4/p' "$1"
}

# What the second list has and the first one lacks, a line each.
lacks() {
	comm -13 <(sort -u <<<"$1") <(sort -u <<<"$2") | grep -v '^$'
}

# Both directions for the options of one page; $2 is all help text of the program.
check_options() {
	local page=$1 shown option

	shown=$(options_of_help "$2")
	[ -n "$shown" ] || complain "$page: the program's help shows no options"
	for option in $(lacks "$(options_in_page "$page")" "$shown"); do
		complain "$page: $option is in the program's help and not in the page"
	done
	for option in $(lacks "$shown" "$(options_of_page "$page")"); do
		complain "$page: $option is described in the page and not in the program's help"
	done
}

# usage: check_words PAGE KIND WORD...
check_words() {
	local page=$1 kind=$2 described word

	shift 2
	described=$(words_of_page "$page")
	[ $# -gt 0 ] || complain "$page: found no $kind to look for"
	for word; do
		grep -qxF -- "$word" <<<"$described" || complain "$page: the $kind $word is missing"
	done
}

# The commands of ingestctl: the words of the list below the heading "Commands".
commands_of_help() {
	awk 'tolower($1) ~ /^commands:?$/ { on = 1; next } on && /^[^ \t]/ { on = 0 }
	    on && NF { print $1 }' <<<"$1"
}

for file in "$build/ingestd" "$build/ingestctl" man/ingestd.8 man/ingestd.conf.5 man/ingestctl.1 \
    man/ingestd-handlers.7 man/ingestd-http.7 man/ingestd-postgresql.7 man/ingestd-protocol.7; do
	[ -e "$file" ] || complain "$file is missing"
done
[ "$status" -eq 0 ] || exit 1

help=$("$build/ingestd" --help) || complain "ingestd --help fails"
check_options man/ingestd.8 "$help"
for page in man/ingestd-http.7 man/ingestd-handlers.7 man/ingestd-postgresql.7; do
	for option in $(lacks "$(options_of_help "$help")" "$(options_in_page "$page")"); do
		complain "$page: $option is not in the program's help"
	done
done
keys=$(env -i PATH="$PATH" HOME=/nonexistent XDG_RUNTIME_DIR=/nonexistent XDG_STATE_HOME=/nonexistent \
    "$build/ingestd" --print-config | sed -n -E 's/^#? *([a-z][a-z0-9_-]*).*/--\1/p' | tr _ -)
[ -n "$keys" ] || complain "ingestd --print-config shows no keys"
for key in $(lacks "$(options_of_help "$help")" "$keys"); do
	complain "ingestd --print-config shows ${key#--}, which is no option"
done

# What SIGHUP takes over: a row of the table says so behind the default value.
reloadable=$(tr '\n\t' '  ' <daemon/conf_options.c |
	grep -oE '\{"[a-z-]+", ("[^"]*"|NULL), *("[^"]*"|NULL), *true' | sed -E 's/^\{"([a-z-]+)".*/--\1/')
[ -n "$reloadable" ] || complain "daemon/conf_options.c: found no options that SIGHUP takes over"
told=$(sed -n '/^\.It Dv SIGHUP/,/^\.El/p' man/ingestd.8 | sed 's/ , -/ Fl -/g' | options_in_page -)
for option in $(lacks "$told" "$reloadable"); do
	complain "man/ingestd.8: SIGHUP takes over $option, and the page does not say so"
done
for option in $(lacks "$reloadable" "$told"); do
	complain "man/ingestd.8: SIGHUP does not take over $option, and the page says so"
done

help=$("$build/ingestctl" --help) || complain "ingestctl --help fails"
commands=$(commands_of_help "$help")
for command in $commands; do
	help+=$'\n'$("$build/ingestctl" "$command" --help) || complain "ingestctl $command --help fails"
done
check_options man/ingestctl.1 "$help"
# shellcheck disable=SC2086 # a list of words
check_words man/ingestctl.1 command $commands
# shellcheck disable=SC2046
check_words man/ingestd-protocol.7 method \
    $(sed -n -E 's/^[ \t]*\.method = "([a-z_]+)".*/\1/p' common/wire_*.c)
exit "$status"
