# An API that fails for a while: last good values, and what comes after them.
load lib/mount

# Never anything but a full listing or an error.
ends_with() {
	local said
	if said=$(ls "$JOBS" 2>&1); then
		[ "$said" = $'a\nb' ] || bad=$said
		return 1
	fi
	[[ $said == *"$1"* ]] || bad=$said
}

# The first question may have met it while it was ending.
nobody_listens() {
	file_says "$JOBS/a/status" Pending &&
		[[ $(attribute "$JOBS/a/status" error) == 'EHOSTUNREACH: Failed to connect'* ]]
}

@test "a killed API: the last values, never an empty listing" {
	sim_start --jobs 0
	add_job a
	add_job b '{"status": "Failed"}'
	mount_start --ttl 0.2 --ttl-final 0.2 --stale 86400 --timeout "$(longer 0.5)"
	lists 'a b '
	file_says "$JOBS/a/status" Pending
	[ "$(attribute "$JOBS/a/status" stale)" = 0 ]
	sim_stop
	wait_until 10 expired "$JOBS/b/status"
	file_says "$JOBS/a/status" Pending
	file_says "$JOBS/b/done" Failed
	[ "$(attribute "$JOBS/a/status" stale)" = 1 ]
	[ "$(attribute "$JOBS/a" stale)" = 1 ]
	wait_until 20 nobody_listens
	lists 'a b '
}

@test "a killed API: errors after --stale, not before, never an empty listing" {
	sim_start --jobs 0
	add_job a
	add_job b '{"status": "Failed"}'
	# Time enough to hear that nobody listens: else the last failure may be another.
	mount_start --ttl 0.2 --ttl-final 0.2 --stale 5 --timeout "$(longer 3)"
	local bad='' begun
	begun=$(milliseconds)
	lists 'a b '
	file_says "$JOBS/a/status" Pending
	file_says "$JOBS/b/done" Failed
	sim_stop
	wait_until 30 ends_with 'No route to host'
	[ $(($(milliseconds) - begun)) -ge 5000 ]
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
	mount_start --ttl 0.2 --stale 86400
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

@test "one 404 doesn't make a known job go" {
	sim_start --jobs 0
	add_job a '{"status": "Odd"}'
	mount_start --ttl 0.2 --ttl-missing 0.2 --stale 86400
	lists 'a '
	file_says "$JOBS/a/status" Odd
	sim_delete /_sim/jobs/a
	wait_until 10 expired "$JOBS/a/status"
	file_says "$JOBS/a/status" Odd
	[ "$(attribute "$JOBS/a/status" stale)" = 1 ]
	[ "$(attribute "$JOBS/a/status" error)" = 'ENOENT: 404: Restore job a not found.' ]
}

@test "several 404s and some time make a known job go" {
	sim_start --jobs 0
	add_job a '{"status": "Odd"}'
	add_job b
	mount_start --ttl 0.2 --ttl-missing 0.2 --stale 3
	local begun
	begun=$(milliseconds)
	lists 'a b '
	file_says "$JOBS/a/status" Odd
	exec 9<"$JOBS/a/status"
	sim_delete /_sim/jobs/a
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
	mount_start --ttl 0.2 --ttl-missing 0.2 --stale 86400
	file_says "$JOBS/a/status" Odd
	stat -c '%i %y' "$JOBS/a/status" >"$BATS_TEST_TMPDIR/before"
	fault '{"match": "describe", "count": 2, "status": 404}'
	failed() { file_says "$JOBS/a/status" Odd && [ "$(counter failures)" -ge "$1" ]; }
	wait_until 20 failed 2
	is_good() { file_says "$JOBS/a/status" Odd && [ "$(attribute "$JOBS/a/status" stale)" = 0 ]; }
	wait_until 20 is_good
	stat -c '%i %y' "$JOBS/a/status" | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "a job that comes back after it was gone" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl 0.2 --ttl-missing 0.2 --stale 0.5
	lists 'a '
	file_says "$JOBS/a/status" Pending
	sim_delete /_sim/jobs/a
	wait_until 20 is_missing "$JOBS/a/status"
	wait_until 20 lists ''
	add_job a '{"status": "Odd"}'
	wait_until 20 file_says "$JOBS/a/status" Odd
	wait_until 20 lists 'a '
	[ "$(attribute "$JOBS/a" stale)" = 0 ]
}

@test "with --stale 0 a failure is one at once" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl 0.2 --stale 0
	lists 'a '
	file_says "$JOBS/a/status" Pending
	fault '{"match": "any", "status": 400}'
	wait_until 20 says 'Input/output error' cat "$JOBS/a/status"
	wait_until 20 says 'Input/output error' ls "$JOBS"
	[ "$(counter stale_served)" -eq 0 ]
}
