#!/bin/bash
# Prints the path of a program that tests use and that need not be installed: when it is not there, its
# Debian packages (.ci/deps) are downloaded and unpacked into build/tools. Fails with the reason on stderr
# when that is not possible, or not wanted (NO_INSTALL=1).
#
# usage: tests/lib/tools.sh TOOL
set -u
cd "$(dirname "$0")/../.." || exit 2

tool=$1
tools=$PWD/build/tools
wrapper=$tools/bin/$tool

give_up() {
	echo "$tool is not there, and $*" >&2
	exit 1
}

PATH=$PATH:/usr/sbin command -v "$tool" && exit
read -ra packages <<<"$(.ci/deps --unpacked "$tool")"
[ ${#packages[@]} -gt 0 ] || give_up "no package of .ci/deps has it"
if [ ! -x "$wrapper" ]; then
	[ -z "${NO_INSTALL:-}" ] || give_up "NO_INSTALL is set"
	{ command -v apt-get && command -v dpkg-deb; } >/dev/null || give_up "this is no Debian to download ${packages[*]} from"
fi

mkdir -p "$tools/bin" || exit 2
exec 9>"$tools/lock"
flock 9
if [ ! -x "$wrapper" ]; then
	work=$(mktemp -d "$tools/work.XXXXXX") || exit 2
	trap 'rm -rf "$work"' EXIT
	download() {
		(cd "$work" && timeout 120 apt-get -q -o APT::Sandbox::User=root download "${packages[@]}") >"$work/log" 2>&1
	}
	download || { [ "$(id -u)" -eq 0 ] && timeout 120 apt-get -q update >"$work/log" 2>&1 && download; } ||
		give_up "apt-get cannot download it: $(grep -m 1 '^E:' "$work/log")"
	mkdir -p "$tools/root"
	for package in "$work"/*.deb; do
		# The program and its libraries alone; a package has one or the other.
		dpkg-deb --fsys-tarfile "$package" |
			tar -x -C "$tools/root" --wildcards "*/bin/$tool" "*/sbin/$tool" '*/lib/*/lib*.so.*' 2>/dev/null
	done
	program=$(find "$tools/root" -name "$tool" -type f -perm /1 | head -n 1)
	[ -n "$program" ] || give_up "the packages ${packages[*]} do not have it"
	libraries=$(find "$tools/root/usr/lib" -maxdepth 1 -name '*-linux-gnu*' 2>/dev/null | head -n 1)
	# shellcheck disable=SC2016 # what the wrapper is to expand
	printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$libraries" "$program" >"$work/wrapper"
	chmod 755 "$work/wrapper"
	mv "$work/wrapper" "$wrapper"
fi
echo "$wrapper"
