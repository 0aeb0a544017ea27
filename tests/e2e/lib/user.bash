# Helpers for tests that need an ordinary user; loaded with `load lib/user`, before other
# helpers: their mounts in the user's directory must go before it does.
#
#   need_user             have one; skips where such a user can't mount. The others work only then
#   as_user COMMAND...    run it as that user: nobody if the tests are run by root, else their own
#   as_other COMMAND...   run it as yet another one; only root can
#   need_root             skips unless the tests are run by root
#   is_root               are the tests run by root? Nobody else may look into a daemon's /proc/PID
#   need_allow_other      skips where whoever runs the tests may not let others in
#   need_fuse_conf TEXT   make TEXT the whole of /etc/fuse.conf; skips where that would last
#
# MOUNT_BASE becomes a directory that all users can get into, and PINEFS a program in it; with
# MOUNT_AS=("${AS_USER[@]}"), mount_start mounts as that user.

load lib/suite
part user

user_set_up() {
	AS_USER=()
	AS_OTHER=(false)
	MOUNT_BASE=
}

need_user() {
	# The test's own temporary directory is closed to others, and so may be the build's.
	MOUNT_BASE=$(mktemp -d /tmp/pinefs-tests.XXXXXX)
	chmod 755 "$MOUNT_BASE"
	if [ "$(id -u)" -eq 0 ]; then
		AS_USER=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
		AS_OTHER=(setpriv --reuid 65533 --regid 65533 --clear-groups --)
		cp "$PINEFS" "$MOUNT_BASE/pinefs"
		PINEFS=$MOUNT_BASE/pinefs
	fi
	as_user test -w /dev/fuse || skip "an ordinary user can't open /dev/fuse here"
}

user_tear_down() {
	[ -z "$MOUNT_BASE" ] || rm -rf --one-file-system "$MOUNT_BASE"
}

as_user() {
	"${AS_USER[@]}" "$@"
}

as_other() {
	"${AS_OTHER[@]}" "$@"
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

need_allow_other() {
	is_root || grep -qsx user_allow_other /etc/fuse.conf ||
		skip "/etc/fuse.conf lets no ordinary user allow others"
}

need_root() {
	is_root || skip "only root can become another user"
}

need_fuse_conf() {
	[ -n "${PINEFS_PRIVATE-}" ] || skip "/etc/fuse.conf is the machine's"
	printf '%s\n' "$1" >/etc/fuse.conf
}
