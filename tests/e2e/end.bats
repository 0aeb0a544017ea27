# How a mount ends that nobody ended.
load lib/mount

# umount(8) -f has the kernel cut the mount off before it sees that it is in use.
cut_off() {
	cd "$MNT" && says 'target is busy' umount -f "$MNT"
}

@test "a mount that the kernel cuts off: exit status 1, and a line that clears it" {
	[ "$(id -u)" -eq 0 ] || skip 'only root can have a mount cut off'
	sim_start --jobs 1
	mount_start
	ls "$JOBS"
	(cut_off)
	wait_until 20 sim_is_gone "$PINEFS_PID"
	local result=0
	wait "$PINEFS_PID" || result=$?
	[ "$result" -eq 1 ]
	MOUNT_ENDS[PINEFS_PID]=1
	says 'Transport endpoint is not connected' stat -f "$MNT"
	mount_logged "main: $MNT: the kernel has cut this mount off, and left it there, dead; unmount"
	eval "$(sed -n 's/.*unmount it with: //p' "$PINEFS_LOG")"
	run ! is_mounted "$MNT"
}

@test "a lazy unmount, and one while it is in use: exit status 0 in the end" {
	sim_start --jobs 1
	mount_start
	exec 9<"$MNT/README"
	says 'busy' fusermount3 -u "$MNT"
	fusermount3 -uz "$MNT"
	kill -0 "$PINEFS_PID"
	exec 9<&-
	wait_until 20 sim_is_gone "$PINEFS_PID"
	wait "$PINEFS_PID"
	mount_logged "unmounted from $MNT"
}
