# For how long what is read holds: seen from outside, with the kernel's cache in between.
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

milliseconds() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

change() {
	sim_post "/_sim/jobs/$1" "$2" >/dev/null
}

# The whole content of descriptor 9, which stays open.
descriptor_says() {
	[ "$(python3 -c 'import os; print(os.pread(9, 65536, 0).decode(), end="")')" = "$1" ]
}

exists() {
	[ -e "$1" ]
}

is_missing() {
	[ ! -e "$1" ]
}

waiting_are() {
	[ "$(counter waiting)" -eq "$1" ]
}

listing() {
	find "$JOBS" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' '
}

lists() {
	[ "$(listing)" = "$1" ]
}

@test "a change shows after the TTL, and not before" {
	sim_start --jobs 0
	add_job a '{"status": "Odd 1"}'
	mount_start --ttl 2
	local begun ended value='Odd 1'
	begun=$(milliseconds)
	file_says "$JOBS/a/status" 'Odd 1'
	# The same size: the kernel has to go by the time.
	change a '{"status": "Odd 2"}'
	while [ "$value" = 'Odd 1' ]; do
		value=$(cat "$JOBS/a/status")
		ended=$(milliseconds)
		[ $((ended - begun)) -lt 20000 ]
	done
	[ "$value" = 'Odd 2' ]
	[ $((ended - begun)) -ge 2000 ]
	[ "$(requests describe)" -eq 2 ]
	# All of it is new at once.
	costs 0 0 grep -q '"Odd 2"' "$JOBS/a/raw.json"
}

@test "an open descriptor sees a change, too" {
	sim_start --jobs 0
	add_job a '{"status": "Odd 1"}'
	mount_start --ttl 1
	exec 9<"$JOBS/a/status"
	descriptor_says 'Odd 1'
	change a '{"status": "Odd 2"}'
	descriptor_says 'Odd 1' || [ "$(requests describe)" -gt 1 ]
	wait_until 20 descriptor_says 'Odd 2'
	change a '{"status": "Another one, and longer"}'
	wait_until 20 descriptor_says 'Another one, and longer'
	change a '{"status": "x"}'
	wait_until 20 descriptor_says x
	exec 9<&-
}

@test "a finished job holds for --ttl-final" {
	sim_start --jobs 0
	add_job a '{"status": "Completed"}'
	mount_start --ttl 0.1 --ttl-final 4
	file_says "$JOBS/a/target_index_name" "$(sim_get /restore-jobs/a | jq -r .target_index_name)"
	change a '{"target_index_name": "other"}'
	local begun
	begun=$(milliseconds)
	costs 0 0 stays 1 is_unchanged
	wait_until 20 file_says "$JOBS/a/target_index_name" other
	[ $(($(milliseconds) - begun)) -ge 3000 ]
}

is_unchanged() {
	run ! file_says "$JOBS/a/target_index_name" other
}

@test "a miss holds for --ttl-missing" {
	sim_start --jobs 0
	mount_start --ttl-missing 3
	local begun
	begun=$(milliseconds)
	is_missing "$JOBS/a"
	add_job a
	costs 0 0 stays 1 is_missing "$JOBS/a"
	wait_until 20 exists "$JOBS/a/status"
	[ $(($(milliseconds) - begun)) -ge 3000 ]
	[ "$(requests describe)" -eq 2 ]
}

@test "done and keys come and go" {
	sim_start --jobs 0
	add_job a '{"status": "Pending"}'
	mount_start --ttl 0.5 --ttl-final 0.5
	is_missing "$JOBS/a/done"
	is_missing "$JOBS/a/note"
	change a '{"status": "Completed", "percent_complete": 100, "note": 1}'
	wait_until 20 exists "$JOBS/a/done"
	file_says "$JOBS/a/done" Completed
	wait_until 20 file_says "$JOBS/a/percent_complete" 100
	wait_until 20 file_says "$JOBS/a/note" 1
	find "$JOBS/a" -name 'done' | grep -q .
	change a '{"status": "Pending", "remove": ["note", "percent_complete"]}'
	wait_until 20 is_missing "$JOBS/a/done"
	wait_until 20 is_missing "$JOBS/a/note"
	wait_until 20 file_says "$JOBS/a/percent_complete" ''
	run ! grep -qxE 'note|done' <(ls "$JOBS/a")
	change a '{"note": 2}'
	wait_until 20 file_says "$JOBS/a/note" 2
}

@test "a listing holds for --ttl" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl 2
	local begun
	begun=$(milliseconds)
	lists 'a '
	add_job b
	costs 0 0 stays 0 lists 'a '
	wait_until 20 lists 'a b '
	[ $(($(milliseconds) - begun)) -ge 2000 ]
	# And what a listing brought is there, whatever was known before.
	is_missing "$JOBS/c"
	add_job c
	wait_until 20 lists 'a b c '
	wait_until 20 exists "$JOBS/c/status"
}

@test "SIGHUP forgets all, the kernel's copy included" {
	sim_start --jobs 0
	add_job a '{"status": "Odd 1"}'
	add_job b '{"status": "Failed"}'
	mount_start --ttl 600
	exec 9<"$JOBS/a/status"
	lists 'a b '
	descriptor_says 'Odd 1'
	file_says "$JOBS/a/status" 'Odd 1'
	file_says "$JOBS/b/status" Failed
	change a '{"status": "Completed"}'
	change b '{"status": "Odd 2"}'
	add_job c
	stays 0 file_says "$JOBS/a/status" 'Odd 1'
	mount_forget
	file_says "$JOBS/a/status" Completed
	descriptor_says Completed
	file_says "$JOBS/b/status" 'Odd 2'
	lists 'a b c '
	file_says "$JOBS/c/status" Pending
	file_says "$JOBS/a/done" Completed
	is_missing "$JOBS/b/done"
	exec 9<&-
}

@test "SIGHUP forgets what isn't there, too" {
	[ "$(printf '%s\n' 6.16 "$(uname -r)" | sort -V | head -n 1)" = 6.16 ] ||
		skip 'before Linux 6.16 the kernel keeps such names'
	sim_start --jobs 0
	add_job a
	mount_start --ttl 600 --ttl-missing 600
	is_missing "$JOBS/a/done"
	is_missing "$JOBS/a/note"
	is_missing "$JOBS/c"
	cd "$JOBS/a"
	change a '{"status": "Completed", "note": "x"}'
	add_job c
	stays 0 is_missing 'done'
	stays 0 is_missing "$JOBS/c"
	mount_forget
	# A shell that is inside doesn't notice.
	[ "$(/bin/pwd -P)" = "$JOBS/a" ]
	file_says 'done' Completed
	file_says "$JOBS/a/done" Completed
	file_says "$JOBS/a/note" x
	file_says "$JOBS/c/status" Pending
	[ "$(/bin/pwd -P)" = "$JOBS/a" ]
	cd /
}

# Never anything but a full listing or an error.
ends_with() {
	local said
	if said=$(ls "$JOBS" 2>&1); then
		[ "$said" = $'a\nb' ] || bad=$said
		return 1
	fi
	[[ $said == *"$1"* ]] || bad=$said
}

@test "a killed API: the last values for --stale, then errors, never an empty listing" {
	sim_start --jobs 0
	add_job a
	add_job b '{"status": "Failed"}'
	mount_start --ttl 0.2 --ttl-final 0.2 --stale 6 --timeout 0.5
	local bad='' begun
	begun=$(milliseconds)
	lists 'a b '
	file_says "$JOBS/a/status" Pending
	[ "$(attribute "$JOBS/a/status" stale)" = 0 ]
	sim_stop
	wait_until 10 expired "$JOBS/b/status"
	file_says "$JOBS/a/status" Pending
	file_says "$JOBS/b/done" Failed
	[ "$(attribute "$JOBS/a/status" stale)" = 1 ]
	[ "$(attribute "$JOBS/a" stale)" = 1 ]
	[[ $(attribute "$JOBS/a/status" error) == 'EHOSTUNREACH: Failed to connect'* ]]
	lists 'a b '
	[ $(($(milliseconds) - begun)) -lt 6000 ]
	wait_until 30 ends_with 'No route to host'
	[ $(($(milliseconds) - begun)) -ge 6000 ]
	[ -z "$bad" ]
	wait_until 30 says 'No route to host' cat "$JOBS/a/status"
	wait_until 30 says 'No route to host' cat "$JOBS/b/done"
	says 'No route to host' ls "$JOBS"
	# What nobody can take from us: the name, and what it last was.
	[ "$(stat -c %F "$JOBS/a/status")" = 'regular file' ]
}

@test "an API that comes back" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl 0.2 --stale 0.5
	lists 'a '
	file_says "$JOBS/a/status" Pending
	fault '{"match": "any", "status": 400}'
	wait_until 20 says 'Input/output error' cat "$JOBS/a/status"
	wait_until 20 says 'Input/output error' ls "$JOBS"
	sim_delete /_sim/faults
	change a '{"status": "Completed"}'
	wait_until 20 file_says "$JOBS/a/status" Completed
	wait_until 20 lists 'a '
	[ "$(attribute "$JOBS/a/status" stale)" = 0 ]
	[ -z "$(attribute "$JOBS/a/status" error)" ]
}

@test "a rejected key is shown at once, and nothing stale" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl 0.2 --stale 600
	lists 'a '
	file_says "$JOBS/a/status" Pending
	fault '{"match": "any", "status": 401}'
	wait_until 20 says 'Permission denied' cat "$JOBS/a/status"
	wait_until 20 says 'Permission denied' ls "$JOBS"
	sim_delete /_sim/faults
	fault '{"match": "any", "status": 403}'
	local before
	before=$(requests)
	wait_until 20 says 'Permission denied' cat "$JOBS/a/status"
	sim_delete /_sim/faults
	wait_until 20 file_says "$JOBS/a/status" Pending
	[ "$(requests)" -gt "$before" ]
}

@test "one 404 doesn't make a known job go, several and some time do" {
	sim_start --jobs 0
	add_job a '{"status": "Odd"}'
	add_job b
	mount_start --ttl 0.2 --ttl-missing 0.2 --stale 3
	lists 'a b '
	file_says "$JOBS/a/status" Odd
	exec 9<"$JOBS/a/status"
	local begun
	begun=$(milliseconds)
	sim_delete /_sim/jobs/a
	wait_until 10 expired "$JOBS/a/status"
	file_says "$JOBS/a/status" Odd
	[ "$(attribute "$JOBS/a/status" stale)" = 1 ]
	[ "$(attribute "$JOBS/a/status" error)" = 'ENOENT: 404: Restore job a not found.' ]
	wait_until 20 is_missing "$JOBS/a/status"
	[ $(($(milliseconds) - begun)) -ge 3000 ]
	[ "$(requests 'paths["/restore-jobs/a"]')" -ge 2 ]
	says 'No such file' cat "$JOBS/a/status"
	wait_until 20 lists 'b '
	# Whoever still has it open is told.
	says 'Stale file handle' python3 -c 'import os; os.pread(9, 100, 0)'
	exec 9<&-
}

@test "a 404 that was a mistake leaves no trace" {
	sim_start --jobs 0
	add_job a '{"status": "Odd", "created_at": "2025-04-25T18:14:05Z"}'
	mount_start --ttl 0.2 --ttl-missing 0.2 --stale 60
	file_says "$JOBS/a/status" Odd
	stat -c '%i %y' "$JOBS/a/status" >"$BATS_TEST_TMPDIR/before"
	fault '{"match": "describe", "count": 2, "status": 404}'
	failed() { file_says "$JOBS/a/status" Odd && [ "$(counter failures)" -ge "$1" ]; }
	wait_until 20 failed 2
	is_good() { file_says "$JOBS/a/status" Odd && [ "$(attribute "$JOBS/a/status" stale)" = 0 ]; }
	wait_until 20 is_good
	stat -c '%i %y' "$JOBS/a/status" | cmp - "$BATS_TEST_TMPDIR/before"
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
