# For how long what is read holds: seen from outside, with the kernel's cache in between.
load lib/mount

# Read from the beginning of this descriptor, which /dev/fd would open once more.
read_again() {
	python3 -c 'import os, sys; os.pread(int(sys.argv[1]), 1, 0)' "$1"
}

# The whole content of descriptor 9, which stays open.
descriptor_says() {
	[ "$(python3 -c 'import os; print(os.pread(9, 65536, 0).decode(), end="")')" = "$1" ]
}

@test "a change shows after the TTL, and not before" {
	sim_start --jobs 0
	add_job a '{"status": "Odd 1"}'
	mount_start --ttl "$(longer 2)"
	local begun ended value='Odd 1'
	begun=$(milliseconds)
	file_says "$JOBS/a/status" 'Odd 1'
	# The same size: the kernel has to go by the time.
	change a '{"status": "Odd 2"}'
	while [ "$value" = 'Odd 1' ]; do
		value=$(cat "$JOBS/a/status")
		ended=$(milliseconds)
		[ $((ended - begun)) -lt "$(longer 20000)" ]
	done
	[ "$value" = 'Odd 2' ]
	[ $((ended - begun)) -ge "$(longer 2000)" ]
	[ "$(requests describe)" -eq 2 ]
	# All of it is new at once.
	costs 0 0 grep -q '"Odd 2"' "$JOBS/a/raw.json"
}

# As cat(1) of busybox has it.
sends() { # FILE VALUE
	[ "$(python3 -c 'import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
read, write = os.pipe()
print(os.read(read, os.sendfile(write, file, 0, 4096)).decode())' "$1")" = "$2" ]
}

@test "sendfile gets the value that holds, though it asks for no attributes" {
	sim_start --jobs 0
	add_job a '{"status": "Odd 1"}'
	mount_start --ttl "$(longer 0.3)"
	file_says "$JOBS/a/status" 'Odd 1'
	change a '{"status": "Odd 2"}'
	wait_until 20 expired "$JOBS/a/status"
	costs 1 0 sends "$JOBS/a/status" 'Odd 2'
	# Nor does it matter whether the kernel has known the file before.
	change a '{"target_index_name": "other"}'
	wait_until 20 expired "$JOBS/a/status"
	costs 1 0 sends "$JOBS/a/target_index_name" other
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
	mount_start --ttl 0.1 --ttl-final "$(longer 4)"
	local begun
	begun=$(milliseconds)
	file_says "$JOBS/a/target_index_name" "$(sim_get /restore-jobs/a | jq -r .target_index_name)"
	change a '{"target_index_name": "other"}'
	costs 0 0 stays 1 is_unchanged
	wait_until 20 file_says "$JOBS/a/target_index_name" other
	[ $(($(milliseconds) - begun)) -ge "$(longer 4000)" ]
}

is_unchanged() {
	run ! file_says "$JOBS/a/target_index_name" other
}

@test "a miss holds for --ttl-missing" {
	sim_start --jobs 0
	mount_start --ttl "$(longer 1)" --ttl-missing "$(longer 3)"
	local begun
	begun=$(milliseconds)
	is_missing "$JOBS/a"
	add_job a
	costs 0 0 stays 1 is_missing "$JOBS/a"
	wait_until 20 exists "$JOBS/a/status"
	[ $(($(milliseconds) - begun)) -ge "$(longer 3000)" ]
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
	mount_start --ttl "$(longer 2)"
	local begun
	begun=$(milliseconds)
	lists 'a '
	add_job b
	costs 0 0 stays 0 lists 'a '
	wait_until 20 lists 'a b '
	[ $(($(milliseconds) - begun)) -ge "$(longer 2000)" ]
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

@test "tail -f follows a value that grows" {
	sim_start --jobs 0
	add_raw a '{"restore_job_id":"a","log":"one"}'
	mount_start --ttl 0.3
	local screen=$BATS_TEST_TMPDIR/screen
	in_time 60 tail -f "$JOBS/a/log" >"$screen" 3>&- &
	wait_until 20 file_says "$screen" one
	change a "$(jq -cn '{raw: "{\"restore_job_id\":\"a\",\"log\":\"one\\ntwo\"}"}')"
	wait_until 20 file_says "$screen" $'one\ntwo'
	kill "$!"
	wait "$!" || true
}

@test "SIGHUP: whoever has /events open asks for the lists when they read on" {
	sim_start --jobs 1
	mount_start --ttl 600
	exec 9<"$MNT/events"
	costs 0 4 read_again 9
	costs 0 0 read_again 9
	mount_forget
	costs 0 4 read_again 9
	exec 9<&-
}
