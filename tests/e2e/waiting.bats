# Questions that take long: who waits for them, and who doesn't.
# shellcheck disable=SC2154

# Set by mount_start and sim_start.
# shellcheck disable=SC2153
bats_require_minimum_version 1.5.0
load mount

setup() {
	mount_set_up
}

teardown() {
	mount_tear_down
}

waiting_are() {
	[ "$(counter waiting)" -eq "$1" ]
}

@test "while one new id is being asked for, nothing else waits" {
	sim_start --jobs 0
	add_job a
	add_job b
	mount_start --ttl 60 --timeout 100
	file_says "$JOBS/a/status" Pending
	fault '{"match": "/restore-jobs/slow", "kind": "silence"}'
	cat "$JOBS/slow/status" 3>&- 2>/dev/null &
	local slow=$!
	slow_is_asked_for() { [ "$(requests 'paths["/restore-jobs/slow"]')" = 1 ]; }
	wait_until 20 slow_is_asked_for
	# Known file, unknown id, an id that isn't there, listings, the rest of the mount.
	[ "$(timeout 20 cat "$JOBS/a/status")" = Pending ]
	[ "$(timeout 20 cat "$JOBS/b/status")" = Pending ]
	says 'No such file' timeout 20 cat "$JOBS/c/status"
	[ "$(timeout 20 ls "$JOBS" | tr '\n' ' ')" = 'a b ' ]
	timeout 20 ls -l "$JOBS/a" "$MNT" >"$BATS_TEST_TMPDIR/listing"
	timeout 20 find "$MNT" >"$BATS_TEST_TMPDIR/found"
	timeout 20 df "$JOBS" >"$BATS_TEST_TMPDIR/df"
	says 'No such file' timeout 20 cat "$JOBS/d/status"
	# And it waits still.
	kill -0 "$slow"
	[ "$(counter waiting)" -eq 1 ]
	grep -q 'sent.*/restore-jobs/slow$' "$MNT/.pinefs/inflight"
}

@test "while a known job is being asked for, nothing else waits, and Ctrl-C works" {
	sim_start --jobs 0
	add_job a
	add_job b
	mount_start --ttl 1 --timeout 100
	lists 'a b '
	file_says "$JOBS/a/status" Pending
	wait_until 20 expired "$JOBS/a/status"
	fault '{"match": "/restore-jobs/a", "kind": "silence"}'
	# Not to be ignored, as signals are for the shell's children in the background.
	python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("cat", ["cat", sys.argv[1]])' "$JOBS/a/status" 3>&- &
	local slow=$!
	wait_until 20 waiting_are 1
	[ "$(timeout 20 cat "$JOBS/b/status")" = Pending ]
	says 'No such file' timeout 20 cat "$JOBS/c/status"
	[ "$(timeout 20 ls "$JOBS/b" | grep -c '^status$')" -eq 1 ]
	timeout 20 df "$JOBS" >"$BATS_TEST_TMPDIR/df"
	kill -0 "$slow"
	kill -INT "$slow"
	wait_until 10 sim_is_gone "$slow"
	[ "$(counter interrupted)" -eq 1 ]
	wait_until 10 waiting_are 0
}
