# The mount is found by what it is, not by its path: pinefs unmounts its own and no other, wherever
# that is by now, and makes events on it there. As root and as an ordinary user.
load lib/user
load lib/watching

set_up() {
	need_user
	add_job one '{"status":"Pending"}'
	STARTED=0
}

# Run it with a mount of root's, and with one of an ordinary user's; a tester who isn't root has
# only the latter.
as_each() { # COMMAND...
	MOUNT_AS=()
	"$@"
	if [ ${#AS_USER[@]} -gt 0 ]; then
		MOUNT_AS=("${AS_USER[@]}")
		"$@"
	fi
}

# As mount_start does, at a directory that is there.
start_at() { # DIRECTORY [OPTION...]
	PINEFS_LOG=$BATS_TEST_TMPDIR/log.$((++STARTED))
	PINECONE_API_KEY=$SIM_KEY "${MOUNT_AS[@]}" "$PINEFS" -f --api-url "$SIM_URL" --ttl 0.3 "${@:2}" \
		"$1" >"$PINEFS_LOG" 2>&1 3>&- &
	PINEFS_PID=$!
	MOUNT_DIRECTORIES+=("$1")
	MOUNT_PIDS+=("$PINEFS_PID")
	wait_until 30 is_serving_or_dead "$PINEFS_PID"
	is_mounted "$1"
}

# One for the user whose mount it will be.
make_directory() { # NAME; sets MNT and JOBS
	MNT=$MOUNT_BASE/$1
	JOBS=$MNT/restore-jobs
	mkdir -p "$MNT"
	[ ${#MOUNT_AS[@]} -eq 0 ] || chmod 777 "$MNT"
}

as_mounter() {
	"${MOUNT_AS[@]}" "$@"
}

ends_with() { # STATUS PID
	local result=0
	wait_until 20 sim_is_gone "$2" || return
	wait "$2" || result=$?
	MOUNT_ENDS[$2]=$1
	[ "$result" -eq "$1" ] && return
	echo "ended with $result: $(tail -n 3 "$BATS_TEST_TMPDIR"/log.*)" >&2
	return 1
}

mounts_of() { # DIRECTORY [TYPE]
	awk -v path="$1" -v type="${2:-fuse.pinefs}" \
		'$2 == path && $3 == type { n++ } END { print n + 0 }' /proc/self/mounts
}

# What it reads was never looked up: only the daemon can know it.
serves() { # DIRECTORY
	as_mounter grep -qx Pending "$1/restore-jobs/one/status"
}

# Mounted anew where the first, somebody being in it, was taken away lazily, as README says.
taken_away_in_use() {
	local first inside
	make_directory "in-use.$STARTED"
	start_at "$MNT"
	first=$PINEFS_PID
	# shellcheck disable=SC2016
	exec 9< <(exec "${MOUNT_AS[@]}" bash -c 'cd "$1" && cat restore-jobs/one/status && exec sleep 900' \
		bash "$MNT" 3>&-)
	inside=$!
	read -r -u 9
	as_mounter fusermount3 -uz "$MNT"
	start_at "$MNT"
	kill -TERM "$first"
	ends_with 0 "$first"
	[ "$(mounts_of "$MNT")" -eq 1 ]
	serves "$MNT"
	kill "$inside"
	exec 9<&-
	mount_stop
}

@test "SIGTERM to one that was taken away while in use: the one that is there now stays" {
	as_each taken_away_in_use
}

# The kernel gives a new one the numbers of the old one at once, so no number tells them apart.
taken_away() {
	local first
	make_directory "gone.$STARTED"
	start_at "$MNT"
	first=$PINEFS_PID
	kill -STOP "$first"
	as_mounter fusermount3 -uz "$MNT"
	start_at "$MNT"
	kill -TERM "$first"
	kill -CONT "$first"
	ends_with 0 "$first"
	[ "$(mounts_of "$MNT")" -eq 1 ]
	serves "$MNT"
	mount_stop
}

@test "one that was taken away, and sees that late: the one that is there now stays" {
	as_each taken_away
}

# It can't be unmounted without the other one.
covered() { # DIRECTORY, at or below the mount
	make_directory "covered.$STARTED"
	# For as long as the kernel knows the name it leads to what is mounted there, when nobody answers.
	start_at "$MNT" --ttl "$(longer 60)"
	# Not everybody's mount lets root in.
	as_mounter stat "$MNT$1" >/dev/null
	mount -t tmpfs pinefs-tests "$MNT$1"
	: >"$MNT$1/file"
	kill -TERM "$PINEFS_PID"
	ends_with 1 "$PINEFS_PID"
	[ -e "$MNT$1/file" ]
	mount_logged "main: $MNT: not unmounted, since something else is mounted on it, in it or above it"
	umount "$MNT$1"
	says 'Transport endpoint is not connected' as_mounter stat -f "$MNT"
	as_mounter fusermount3 -u "$MNT"
}

@test "something else is mounted on it, or in it: SIGTERM leaves that alone, and says so" {
	need_root
	as_each covered ''
	# Root can't mount in another user's.
	MOUNT_AS=()
	covered /restore-jobs
}

above() {
	make_directory "above.$STARTED/m"
	start_at "$MNT"
	mount -t tmpfs pinefs-tests "${MNT%/m}"
	mkdir "$MNT"
	mount -t tmpfs pinefs-tests "$MNT"
	kill -TERM "$PINEFS_PID"
	ends_with 1 "$PINEFS_PID"
	[ "$(mounts_of "$MNT" tmpfs)" -eq 1 ]
	umount "$MNT" "${MNT%/m}"
	as_mounter fusermount3 -u "$MNT"
}

@test "something else is mounted above it: what is at its path by then isn't its own" {
	need_root
	as_each above
}

renamed() {
	make_directory "old.$STARTED/m x"
	start_at "$MNT"
	mv "${MNT%/*}" "$MOUNT_BASE/new.$STARTED"
	MNT="$MOUNT_BASE/new.$STARTED/m x"
	serves "$MNT"
	kill -TERM "$PINEFS_PID"
	ends_with 0 "$PINEFS_PID"
	run ! grep "$MOUNT_BASE/.*fuse.pinefs" /proc/self/mounts
	mount_logged "unmounted from $MNT"
	rmdir "$MNT" "${MNT%/*}"
}

@test "a directory above it was renamed: SIGTERM unmounts it where it is" {
	as_each renamed
}

moved() {
	make_directory "to.$STARTED"
	make_directory "from.$STARTED"
	start_at "$MNT"
	mount --move "$MNT" "$MOUNT_BASE/to.${MNT##*.}"
	# What is at its old path now isn't its own.
	mount -t tmpfs pinefs-tests "$MNT"
	kill -TERM "$PINEFS_PID"
	ends_with 0 "$PINEFS_PID"
	run ! grep "$MOUNT_BASE/.*fuse.pinefs" /proc/self/mounts
	[ "$(mounts_of "$MNT" tmpfs)" -eq 1 ]
	umount "$MNT"
}

@test "mount --move: SIGTERM unmounts it where it is" {
	need_root
	as_each moved
}

@test "mount --bind: SIGTERM leaves no dead copy" {
	need_root
	mount_start
	mkdir "$MOUNT_BASE/whole" "$MOUNT_BASE/part"
	mount --bind "$MNT" "$MOUNT_BASE/whole"
	mount --bind "$JOBS" "$MOUNT_BASE/part"
	kill -TERM "$PINEFS_PID"
	ends_with 0 "$PINEFS_PID"
	run ! grep "fuse.pinefs" /proc/self/mounts
}

# From where fusermount3 can't get to.
@test "an ordinary user's that was moved out of reach: exit status 1, and a line that clears it" {
	need_root
	MOUNT_AS=("${AS_USER[@]}")
	make_directory from
	start_at "$MNT"
	mkdir -m 700 "$MOUNT_BASE/closed"
	mkdir "$MOUNT_BASE/closed/to"
	mount --move "$MNT" "$MOUNT_BASE/closed/to"
	kill -TERM "$PINEFS_PID"
	ends_with 1 "$PINEFS_PID"
	mount_logged "main: $MOUNT_BASE/closed/to: can't be unmounted (Permission denied); it is left"
	umount "$MOUNT_BASE/closed/to"
}

# In another directory than it was mounted on.
tells_watchers() {
	AS=("${MOUNT_AS[@]}")
	make_directory "watched.$STARTED/m"
	start_at "$MNT"
	mv "${MNT%/m}" "$MOUNT_BASE/renamed.$STARTED"
	MNT=$MOUNT_BASE/renamed.$STARTED/m
	JOBS=$MNT/restore-jobs
	inotify "status.$STARTED" -e close_write "$JOBS/one/status"
	inotify "jobs.$STARTED" -e create,delete "$JOBS"
	change one '{"status":"Completed"}'
	wait_until 20 saw "status.$STARTED" "CLOSE_WRITE,CLOSE $JOBS/one/status"
	add_job "two.$STARTED" '{"status":"Pending"}'
	wait_until 20 saw "jobs.$STARTED" "CREATE,ISDIR $JOBS/two.$STARTED"
	change one '{"status":"Pending"}'
	kill -TERM "$PINEFS_PID"
	ends_with 0 "$PINEFS_PID"
}

@test "who watches it is told where it is by now" {
	as_each tells_watchers
}

@test "after an event no descriptor of it is kept: once nobody uses it, it can be unmounted" {
	mount_start --ttl 0.3
	inotify status -e close_write "$JOBS/one/status"
	change one '{"status":"Completed"}'
	wait_until 20 saw status "CLOSE_WRITE,CLOSE $JOBS/one/status"
	kill "${BACKGROUND[-1]}"
	wait_until 20 fusermount3 -u "$MNT"
	ends_with 0 "$PINEFS_PID"
}
