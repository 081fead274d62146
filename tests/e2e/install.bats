# make install: everything at its place, without privileges.

load ../lib/daemon

setup() { daemon_setup; }

teardown() { daemon_teardown; }

make_() {
  env -u MAKEFLAGS -u MAKELEVEL make -s -C "$BATS_TEST_DIRNAME/../.." V="$(basename "$BUILD")" \
    DESTDIR="$DIR/root" PREFIX=/usr "$@"
}

@test "make install and make uninstall" {
  make_ install
  [ "$("$DIR/root/usr/bin/ingestctl" --version)" = "$(ctl --version)" ]
  "$DIR/root/usr/sbin/ingestd" --version
  for page in man1/ingestctl.1 man5/ingestd.conf.5 man7/ingestd-postgresql.7 man7/ingestd-protocol.7 man8/ingestd.8; do
    [ -s "$DIR/root/usr/share/man/$page" ] || fail "$page is missing"
  done
  make_ uninstall
  [ -z "$(find "$DIR/root" -type f)" ] || fail "left: $(find "$DIR/root" -type f)"
}
