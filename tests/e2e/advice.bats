# A system on which nothing can be mounted: one line says what is missing. libfuse's own words, which
# stand in front of that, are others in each of its versions.
# shellcheck disable=SC2016
load lib/user
load lib/command

set_up() {
	need_user
	need_root
	command_set_up # once more, where the user can get at it
	sim_start --jobs 1
	chown 65534 "$MNT"
}

# Set PREFIX: start it on a machine that this script has changed, for itself alone, through WORDS.
where() { # SCRIPT WORDS...
	local script=$1
	shift
	PREFIX=(unshare --mount --propagation private bash -euc "$script"'; exec "$@"' bash env "$@")
}

# A /dev of its own.
DEV='mount -t tmpfs -o mode=755,dev pinefs-tests /dev; mknod -m 666 /dev/null c 1 3'

# Programs of its own: a copy of the system's, to be changed.
PROGRAMS='mount -t tmpfs pinefs-tests /mnt; mkdir /mnt/upper /mnt/work
mount -t overlay -o lowerdir=/usr/bin,upperdir=/mnt/upper,workdir=/mnt/work pinefs-tests /usr/bin
cd /usr/bin'

@test "/dev/fuse is missing, or there is nothing behind it" {
	local script words
	for script in "$DEV" "$DEV; mknod -m 666 /dev/fuse c 10 254"; do
		where "$script"
		refuses "; load the kernel's module (modprobe fuse); a container must be given /dev/fuse" \
			--api-url "$SIM_URL"
		where "$script" "${AS_USER[@]}"
		refuses "; load the kernel's module (modprobe fuse); a container must be given /dev/fuse" \
			--api-url "$SIM_URL"
	done
}

@test "/dev/fuse is closed to the user, or to everybody" {
	where "$DEV; mknod -m 600 /dev/fuse c 10 229" "${AS_USER[@]}"
	refuses '; mount as root, or ask root to: chmod 666 /dev/fuse' --api-url "$SIM_URL"
	where "$DEV; mknod -m 666 /dev/fuse c 10 229; mount -o remount,nodev /dev"
	refuses '; the container must be given /dev/fuse' --api-url "$SIM_URL"
}

@test "fusermount3 is missing" {
	where "$PROGRAMS; rm fusermount3" "${AS_USER[@]}"
	refuses "; fusermount3 isn't there; install it (Debian: package fuse3)" --api-url "$SIM_URL"
	where "$PROGRAMS; chmod 644 fusermount3" "${AS_USER[@]}"
	refuses "; fusermount3 isn't there; install it (Debian: package fuse3)" --api-url "$SIM_URL"
	# Root needs it for this only.
	where "$PROGRAMS; rm fusermount3"
	refuses "; fusermount3 isn't there; install it (Debian: package fuse3)" --api-url "$SIM_URL" \
		-o auto_unmount
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	signal_daemons TERM
}

@test "fusermount3 is found in PATH, too" {
	where "$PROGRAMS; mkdir /mnt/bin; mv fusermount3 /mnt/bin; chmod u-s /mnt/bin/fusermount3
		PATH=\$PATH:/mnt/bin" "${AS_USER[@]}"
	refuses "; /mnt/bin/fusermount3 must be root's and setuid: " --api-url "$SIM_URL"
}

@test "fusermount3 can't do more than who calls it" {
	where "$PROGRAMS; chmod 755 fusermount3" "${AS_USER[@]}"
	refuses "; /usr/bin/fusermount3 must be root's and setuid: chown root /usr/bin/fusermount3; chmod 4755 /usr/bin/fusermount3" \
		--api-url "$SIM_URL"
	where "$PROGRAMS; chown 65533 fusermount3; chmod 4755 fusermount3" "${AS_USER[@]}"
	refuses "; /usr/bin/fusermount3 must be root's and setuid: " --api-url "$SIM_URL"
	where "$PROGRAMS; mount -o remount,bind,nosuid /usr/bin" "${AS_USER[@]}"
	refuses '; /usr/bin/fusermount3 is on a filesystem mounted nosuid' --api-url "$SIM_URL"
	where : setpriv --no-new-privs "${AS_USER[@]:1}"
	refuses "; a service that isn't root's mustn't have NoNewPrivileges" --api-url "$SIM_URL"
}

@test "a container without the right to mount" {
	where : setpriv --bounding-set -sys_admin --
	refuses '; a container must be given CAP_SYS_ADMIN' --api-url "$SIM_URL"
	where : setpriv --bounding-set -sys_admin "${AS_USER[@]:1}"
	refuses '; a container must be given CAP_SYS_ADMIN' --api-url "$SIM_URL"
}

@test "where the system is as it should be no advice is given about it" {
	chown 0 "$MNT"
	chmod 755 "$MNT"
	PREFIX=("${AS_USER[@]}")
	refuses 'no write access to mountpoint' --api-url "$SIM_URL"
	[[ ! $SAID == *';'* ]]
}
