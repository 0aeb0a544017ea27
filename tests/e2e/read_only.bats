# Nothing can be changed, by nobody: every way to write, as root and as an ordinary user, in a
# mount for oneself and in one for all.
load lib/user
load lib/mount

set_up() {
	need_user
	writes=$BATS_TEST_DIRNAME/programs/writes
	if [ "$(id -u)" -eq 0 ]; then
		cp "$writes" "$MOUNT_BASE/writes"
		writes=$MOUNT_BASE/writes
	fi
	results=$BATS_TEST_TMPDIR/results
	sim_start --jobs 1 --pending 0
}

# Names, modes, times and contents of all but what the daemon tells about itself. Times in seconds:
# that of a file for which a write came moves by a nanosecond, see src/fs_change.c.
picture() {
	"$@" find "$MNT" -not -path '*/.pinefs/*' -printf '%p %M %s %Ts\n' | sort
	"$@" find "$MNT" -type f -not -path '*/.pinefs/*' -exec sha256sum {} + | sort
}

# try_all [PREFIX...]: every write, through PREFIX. Fails if one of them succeeded or changed
# something. The job is in $job.
try_all() {
	local before after
	job=$JOBS/$(as_mounter ls "$JOBS")
	before=$(picture as_mounter)
	"$@" "$writes" "$job" >"$results"
	if grep $'\tsucceeded$' "$results" || [ "$(wc -l <"$results")" -lt 50 ]; then
		echo "$(wc -l <"$results") lines" >&2
		return 1
	fi
	after=$(picture as_mounter)
	diff <(echo "$before") <(echo "$after") >&2
	# And not only in the kernel's memory.
	kill -HUP "$PINEFS_PID"
	wait_until 10 mount_logged SIGHUP
	after=$(picture as_mounter)
	diff <(echo "$before") <(echo "$after") >&2
}

as_mounter() {
	"${MOUNT_AS[@]}" "$@"
}

# all_say TEXT...: fails, and shows the lines, unless each result is one of the texts.
all_say() {
	local bad
	bad=$(awk -F '\t' 'BEGIN { for (i = 1; i < ARGC; i++) good[ARGV[i]]; ARGC = 1 }
		!($2 in good)' "$@" <"$results")
	[ -z "$bad" ] && return
	echo "$bad" >&2
	return 1
}

# result NAME TEXT: did this one say that?
result() {
	grep -qxF "$1"$'\t'"$2" "$results" && return
	grep -F "$1"$'\t' "$results" >&2
	return 1
}

@test "the one who mounts: every write is refused as on a read-only file system" {
	mount_start
	try_all
	all_say 'Read-only file system'
	mount_stop
}

@test "an ordinary user who mounts: the same" {
	need_root
	MOUNT_AS=("${AS_USER[@]}")
	mount_start
	try_all as_user
	all_say 'Read-only file system'
	says 'Permission denied' ls "$MNT"
	says 'Permission denied' as_other ls "$MNT"
	mount_stop
}

@test "allow_other, mounted by root: the same for root; others may not by the modes" {
	need_root
	mount_start -o allow_other
	try_all
	all_say 'Read-only file system'
	try_all as_other
	all_say 'Permission denied' 'Operation not permitted'
	result 'echo value >status' 'Permission denied'
	result ': >status' 'Permission denied'
	result 'rm -f status' 'Permission denied'
	result 'mkdir new' 'Permission denied'
	result 'chmod 777 status' 'Operation not permitted'
	mount_stop
}

@test "allow_other, mounted by an ordinary user: the same; the owner's chmod is refused by us" {
	need_root
	need_fuse_conf user_allow_other
	MOUNT_AS=("${AS_USER[@]}")
	mount_start -o allow_other
	try_all
	all_say 'Read-only file system'
	try_all as_user
	all_say 'Permission denied' 'Read-only file system'
	result 'echo value >status' 'Permission denied'
	result 'mkdir new' 'Permission denied'
	result 'chmod 777 status' 'Read-only file system'
	result 'touch .' 'Read-only file system'
	try_all as_other
	all_say 'Permission denied' 'Operation not permitted'
	mount_stop
}

@test "-o ro: the same, and opening for writing is refused, too" {
	mount_start -o ro
	grep -F " $MNT fuse.pinefs ro," /proc/self/mounts
	try_all
	all_say 'Read-only file system'
	says 'Read-only file system' python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR)' \
		"$job/status"
	mount_stop
}

@test "what the manual says of opening for writing, access, locks, O_TMPFILE and chattr" {
	mount_start
	job=$JOBS/$(ls "$JOBS")
	python3 - "$job/status" "$job" <<'END'
import ctypes, errno, fcntl, os, sys

status, job = sys.argv[1:]

def fails(number, call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        assert error.errno == number, (call, error)
    else:
        raise AssertionError((call, "succeeded"))

def access(path, mode):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.access(path.encode(), mode):
        raise OSError(ctypes.get_errno(), "access")

fd = os.open(status, os.O_RDWR)
fails(errno.EROFS, os.write, fd, b"value")
fails(errno.EROFS, access, status, os.W_OK)
access(status, os.R_OK)
fails(errno.EROFS, access, job, os.W_OK)
access(job, os.R_OK | os.X_OK)
fcntl.flock(fd, fcntl.LOCK_EX)
fcntl.lockf(fd, fcntl.LOCK_EX)
os.fsync(fd)
fails(errno.EOPNOTSUPP, os.open, job, os.O_RDWR | os.O_TMPFILE)
END
	says 'Operation not supported' chattr +i "$job/status"
	mount_stop
}

@test "a store through a shared mapping doesn't last" {
	mount_start --ttl 600
	local file value
	has_value() { [ "$(cat "$file" 2>&1)" = "$value" ]; }
	for file in "$JOBS/$(ls "$JOBS")"/{status,events} "$MNT/README"; do
		value=$(cat "$file")
		python3 - "$file" <<'END'
import errno, mmap, os, sys
mapping = mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 0)
mapping[0:1] = b"X"
try:
    mapping.flush()
except OSError as error:
    # The kernel remembers only that a page could not be written.
    sys.exit(0 if error.errno in (errno.EROFS, errno.EIO) else str(error))
sys.exit("msync succeeded")
END
		wait_until 20 has_value
		has_value
	done
	mount_stop
}

@test "a shared mapping that its process leaves behind doesn't last, nor does it for others" {
	need_root
	mount_start --ttl 600 -o allow_other
	local file value store
	file=$JOBS/$(ls "$JOBS")/status
	value=$(cat "$file")
	store='import mmap, os, sys
mapping = mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 0)
mapping[0:1] = b"X"
os._exit(0)'
	python3 -c "$store" "$file"
	has_value() { [ "$(as_other cat "$file" 2>&1)" = "$value" ]; }
	wait_until 20 has_value
	[ "$(cat "$file")" = "$value" ]
	# Another user can't even begin.
	says 'Permission denied' as_other python3 -c "$store" "$file"
	mount_stop
}
