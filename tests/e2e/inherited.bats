# What pinefs was started with and isn't its own is left alone by all who stay: the daemon, its
# child, the simulator, and fusermount3 where that stays, too.
load lib/user
load lib/command

set_up() {
	LOCK=$BATS_TEST_TMPDIR/lock
	KEY=
}

# As an ordinary user where PREFIX says so, whose the mountpoint then is.
for_an_ordinary_user() {
	need_user
	rmdir "$MNT"
	command_set_up
	if [ ${#AS_USER[@]} -gt 0 ]; then
		chown 65534 "$MNT"
		PREFIX=("${AS_USER[@]}")
		# For --demo.
		cp "$PINEFS_SIM" "$MOUNT_BASE/pinecone-sim"
	fi
}

lock_is_free_after() { # OPTION...
	: >"$LOCK"
	PREFIX=(flock -n "$LOCK" "${PREFIX[@]}")
	pinefs "$@"
	[ "$CODE" -eq 0 ]
	is_mounted "$MNT"
	[ "$(flock -n "$LOCK" echo got)" = got ]
}

@test "a lock is free as soon as the command has ended" {
	lock_is_free_after --demo
}

@test "a lock is free as soon as the command has ended: an ordinary user's mount" {
	for_an_ordinary_user
	lock_is_free_after --demo
}

@test "a lock is free as soon as the command has ended, where fusermount3 stays" {
	for_an_ordinary_user
	lock_is_free_after --demo -o auto_unmount
}

# Whoever reads what it may have written gets to the end at once.
pipe_ends_after() { # OPTION...
	local fifo=$BATS_TEST_TMPDIR/fifo
	mkfifo "$fifo"
	in_time 60 cat "$fifo" >/dev/null 3>&- &
	PIPE_READER=$!
	"${PREFIX[@]}" "$PINEFS" "$@" "$MNT" >"$fifo" 2>&1 3>&1 4>&1 99>&1
	is_mounted "$MNT"
	wait "$PIPE_READER"
}

@test "a pipe on its output and on descriptors that it knows nothing of ends with the command" {
	pipe_ends_after --demo
}

@test "a pipe ends with the command, where fusermount3 stays" {
	for_an_ordinary_user
	pipe_ends_after --demo -o auto_unmount
}

# In the foreground standard streams are its own.
@test "-f keeps its standard streams, and neither a lock nor a pipe" {
	is_root || skip "only root may see what the daemon holds"
	local pid found=0
	: >"$LOCK"
	"$PINEFS" -f --demo "$MNT" >"$BATS_TEST_TMPDIR/log" 2>&1 3<"$LOCK" 77<"$LOCK" &
	PINEFS_PID=$!
	wait_until 30 grep -q 'mounted on' "$BATS_TEST_TMPDIR/log"
	for pid in "$PINEFS_PID" $(pgrep -P "$PINEFS_PID"); do
		[ -z "$(find "/proc/$pid/fd" -lname "$LOCK")" ]
		found=$((found + 1))
	done
	[ "$found" -eq 3 ] # it, its child, the simulator
	[ "$(find "/proc/$PINEFS_PID/fd" -lname "$BATS_TEST_TMPDIR/log" -printf '%f ')" = '1 2 ' ]
	kill -TERM "$PINEFS_PID"
	wait "$PINEFS_PID"
}

@test "a key file that is named as a descriptor is kept, and read again" {
	local file=$BATS_TEST_TMPDIR/key
	sim_start --jobs 1
	(umask 077 && echo "$SIM_KEY" >"$file")
	"$PINEFS" -f --api-url "$SIM_URL" --api-key-file /dev/fd/8 "$MNT" \
		2>"$BATS_TEST_TMPDIR/log" 3>&- 7<"$file" 8<"$file" 9<"$file" &
	PINEFS_PID=$!
	wait_until 30 grep -q 'mounted on' "$BATS_TEST_TMPDIR/log"
	! is_root || [ "$(find "/proc/$PINEFS_PID/fd" -lname "$file" -printf '%f ')" = '8 ' ]
	PINEFS_LOG=$BATS_TEST_TMPDIR/log
	mount_forget
	run ! grep 'the old key is kept' "$PINEFS_LOG"
	jobs_are 1
	kill -TERM "$PINEFS_PID"
	wait "$PINEFS_PID"
}
