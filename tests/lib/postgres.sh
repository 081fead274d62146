#!/bin/bash
# Prints the directory of the programs of PostgreSQL 15 that tests use: its Debian packages (.ci/deps),
# downloaded and unpacked into build/tools/postgresql once. It is never installed, since that would start a
# server, and one that is installed is not used. Fails with the reason on stderr when that is not possible,
# or not wanted (NO_INSTALL=1).
#
# usage: tests/lib/postgres.sh
set -u
cd "$(dirname "$0")/../.." || exit 2

root=$PWD/build/tools/postgresql
bin=$root/usr/lib/postgresql/15/bin
read -ra packages <<<"$(.ci/deps --unpacked postgres)"
fetch=(apt-get -q -o APT::Sandbox::User=root download "${packages[@]}")

give_up() {
	echo "PostgreSQL 15 is not in build/tools/postgresql, and $*" >&2
	exit 1
}

# Whether the programs find all their libraries; those of the packages come first.
runs() {
	local libraries missing

	libraries=$(echo "$root"/usr/lib/*-linux-gnu*)
	missing=$(LD_LIBRARY_PATH=$libraries ldd "$1"/{postgres,initdb,psql,pgbench,pg_dump} |
		sed -n 's/^\t\(.*\) => not found$/\1/p' | sort -u | tr '\n' ' ')
	[ -z "$missing" ] || give_up "the packages ${packages[*]} lack these libraries: $missing"
}

if [ ! -e "$root/ready" ]; then
	if [ -n "${NO_INSTALL:-}" ]; then
		give_up "NO_INSTALL is set; it takes (cd build/tools && ${fetch[*]}), unpacked with dpkg-deb -x"
	fi
	{ command -v apt-get && command -v dpkg-deb; } >/dev/null ||
		give_up "this is no Debian to download ${packages[*]} from"
	mkdir -p "$root" || exit 2
	exec 9>"$root.lock"
	flock 9
fi
if [ ! -e "$root/ready" ]; then
	work=$(mktemp -d "$root.XXXXXX") || exit 2
	trap 'rm -rf "$work"' EXIT
	echo "+ (cd $work && ${fetch[*]})" >&2
	download() {
		(cd "$work" && timeout 300 "${fetch[@]}") >"$work/log" 2>&1
	}
	download || { [ "$(id -u)" -eq 0 ] && timeout 120 apt-get -q update >"$work/log" 2>&1 && download; } ||
		give_up "apt-get cannot download it: $(grep -m 1 '^E:' "$work/log")"
	rm -rf "$root"
	for package in "$work"/*.deb; do
		# Without the compiler of expressions, which is large and not used (jit=off).
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work" --exclude=./usr/share/doc \
			--exclude=./usr/share/man --exclude=./usr/share/locale --exclude=./usr/lib/postgresql/15/lib/bitcode \
			--exclude='./usr/lib/postgresql/15/lib/llvmjit*' ./usr ||
			give_up "$package cannot be unpacked"
	done
	rm -f "$work"/*.deb "$work/log"
	chmod -R go+rX "$work"
	mv "$work" "$root"
	trap - EXIT
	runs "$bin"
	: >"$root/ready"
fi
echo "$bin"
