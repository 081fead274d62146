#!/bin/bash
# Holds the layers of layers.txt against the #include lines of common/, daemon/ and cli/.
#
# usage: tests/lint/layers.sh      prints each line that breaks a rule, and fails if there is one
set -u
cd "$(dirname "$0")/../.." || exit 2
shopt -s nullglob

rules=tests/lint/layers.txt
declare -A layer_of_name=()
layer_patterns=() layer_numbers=() limits=()
status=0

complain() {
	echo "$*"
	status=1
}

read_rules() {
	local kind first rest word words

	while read -r kind first rest; do
		read -r -a words <<<"$rest"
		case $kind in
		'' | '#'*) ;;
		layer)
			for word in "${words[@]}"; do
				case $word in
				*[*?[]*) layer_patterns+=("$word") layer_numbers+=("$first") ;;
				*) layer_of_name[$word]=$first ;;
				esac
			done
			;;
		only | never) limits+=("$kind $first $rest") ;;
		*) complain "$rules: unknown rule \"$kind\"" ;;
		esac
	done <"$rules"
}

# Sets $layer to the layer of a module; fails when it has none.
find_layer() {
	local i

	layer=${layer_of_name[$1]:-}
	for ((i = 0; i < ${#layer_patterns[@]} && ${#layer} == 0; i++)); do
		# shellcheck disable=SC2053 # a pattern is a pattern
		[[ $1 != ${layer_patterns[i]} ]] || layer=${layer_numbers[i]}
	done
	[ -n "$layer" ]
}

# Whether the file matches one of the patterns.
matches_any() {
	local file=$1 pattern

	shift
	for pattern; do
		# shellcheck disable=SC2053
		[[ $file != $pattern ]] || return 0
	done
	return 1
}

# The rules about single headers.
check_limits() {
	local place=$1 file=$2 header=$3 limit kind pattern files

	for limit in "${limits[@]}"; do
		read -r kind pattern files <<<"$limit"
		# shellcheck disable=SC2053
		[[ $header == $pattern ]] || continue
		read -r -a files <<<"$files"
		if matches_any "$file" "${files[@]}"; then
			[ "$kind" = only ] || complain "$place: $file may not include $header"
		else
			[ "$kind" = never ] || complain "$place: only ${files[*]} may include $header"
		fi
	done
}

# Where our header is: the file's own directory first, as the compiler does. A generated header stands
# for the file that it is made from.
find_header() {
	local dir=$1 name=$2

	if [ -e "$dir/$name" ] || [[ $name == *.*.h && -e $dir/${name%.h} ]]; then
		echo "$dir/$name"
	elif [ -e "common/$name" ]; then
		echo "common/$name"
	fi
}

check_include() {
	local place=$1 file=$2 header=$3 found own
	local dir=${file%/*} stem

	found=$(find_header "$dir" "$header")
	if [[ $header == */* || -z $found ]]; then
		complain "$place: $header is no header of $dir/ or common/"
		return
	fi
	if [ "$dir" = cli ] || [[ ${found##*/} == *.*.h ]]; then
		return
	fi
	stem=$(basename "${file%.*}")
	find_layer "$stem" || return
	own=$layer
	stem=$(basename "${found%.*}")
	find_layer "$stem" || return
	if [ "$layer" -gt "$own" ]; then
		complain "$place: layer $own may not include $header of layer $layer"
	fi
}

read_rules
for file in common/*.[ch] daemon/*.[ch] cli/*.[ch]; do
	stem=$(basename "${file%.*}")
	if [[ $file != cli/* ]] && ! find_layer "$stem"; then
		complain "$file: give the module $stem a layer in $rules"
	fi
	while IFS=$'\t' read -r line quote header; do
		check_limits "$file:$line" "$file" "$header"
		[ "$quote" != '"' ] || check_include "$file:$line" "$file" "$header"
	done < <(sed -n -E '/^[ \t]*#[ \t]*include[ \t]*[<"]/{=;s/^[^<"]*([<"])([^>"]*).*/\1\t\2/p}' "$file" |
	    paste - -)
done
exit "$status"
