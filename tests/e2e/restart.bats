# A daemon that ends and is started again: what those see who waited and watched.
load lib/watching

# All kinds of them, on the job `one`.
watch_all() {
	inotify inotify -e modify,close_write,unmount "$JOBS/one/status"
	background tail tail -f "$JOBS/one/status"
	background retry tail -F "$JOBS/one/status"
	background wait cat "$JOBS/one/wait"
	background poll python3 -u -c "
import os, select, time
file = os.open('$JOBS/one/status', os.O_RDONLY)
os.pread(file, 99, 0)
poll = select.poll()
poll.register(file, select.POLLPRI)
print('polls', poll.poll(0))
print(*[events == select.POLLERR for _, events in poll.poll()])
try:
    while os.pread(file, 99, 0): # while what it has read holds
        time.sleep(0.05)
except OSError as error:
    print(error.strerror)"
	local name
	for name in tail retry; do
		wait_until 20 grep -q Pending "$(out "$name")"
	done
	wait_until 20 waiting_is 1
	wait_until 20 grep -q polls "$(out poll)"
}

# As the manual says.
all_are_told() { # ERROR
	wait_until 20 ended "${BACKGROUND[1]}" "${BACKGROUND[3]}" "${BACKGROUND[4]}"
	grep -q 'no files remaining' "$(out tail)"
	grep -qE "$1" "$(out wait)"
	[ "$(tail -n 2 "$(out poll)")" = $'True\nTransport endpoint is not connected' ]
	wait_until 20 saw inotify "UNMOUNT $JOBS/one/status"
}

# Those who go by the name see it; a watch was the old mount's.
the_new_mount_is_seen() {
	mount_again --ttl 0.3
	[ "$(cat "$JOBS/one/status")" = Pending ]
	background wait cat "$JOBS/one/wait"
	wait_until 20 waiting_is 1
	end_job one
	wait_until 20 ended "${BACKGROUND[-1]}"
	file_says "$(out wait)" Completed
	# What it says depends on what it saw of the time between.
	wait_until 20 grep -qE 'has (become accessible|appeared|been replaced)' "$(out retry)"
	[ ! -s "$MNT/.pinefs/watchers" ]
	[ "$(tail -n 1 "$(out inotify)")" = "UNMOUNT $JOBS/one/status" ]
	kill "${BACKGROUND[2]}"
	wait_until 20 ended "${BACKGROUND[2]}"
	mount_stop
}

@test "a daemon that is ended by SIGTERM, and a new one" {
	pending one
	mount_start --ttl 0.3
	watch_all
	kill -TERM "$PINEFS_PID"
	wait_until 20 sim_is_gone "$PINEFS_PID"
	wait "$PINEFS_PID"
	all_are_told 'Transport endpoint is not connected'
	the_new_mount_is_seen
}

@test "a daemon that is killed, its mount cleared away, and a new one" {
	pending one
	mount_start --ttl 0.3
	watch_all
	kill -KILL "$PINEFS_PID"
	wait_until 20 sim_is_gone "$PINEFS_PID"
	fusermount3 -uz "$MNT"
	all_are_told 'Software caused connection abort|Transport endpoint is not connected'
	the_new_mount_is_seen
}
