# How often is asked again, and for how long not.
load lib/mount

@test "--timeout holds for all attempts together" {
	sim_start --jobs 0
	mount_start --timeout "$(longer 2)"
	job_fault a "{\"status\": 503, \"delay\": $(longer 1.2)}"
	# In the middle of the second one.
	says 'Connection timed out' cat "$JOBS/a/status"
	[ "$(requests describe)" -eq 2 ]
}

@test "a failure that passes is not seen" {
	sim_start --jobs 0
	add_job a
	add_job b
	mount_start
	job_fault a '{"count": 2, "status": 500}'
	job_fault b '{"count": 1, "kind": "half"}'
	costs 3 0 cat "$JOBS/a/status"
	costs 2 0 cat "$JOBS/b/status"
	[ "$(cat "$COST_OUTPUT")" = Pending ]
	[ "$(counter http_retries)" -eq 3 ]
	[ "$(counter failures)" -eq 0 ]
	[ -z "$(cat "$MNT/.pinefs/errors")" ]
}

# Read job $1 and set took to the milliseconds of it.
timed_read() {
	local begun
	begun=$(milliseconds)
	cat "$JOBS/$1/status"
	took=$(($(milliseconds) - begun))
}

@test "Retry-After is honoured: seconds, and a date" {
	sim_start --jobs 0
	add_job a
	add_job b
	mount_start --timeout "$(longer 30)"
	local took due
	job_fault a '{"count": 1, "status": 429, "retry_after": "2"}'
	timed_read a
	[ "$took" -ge 2000 ]
	[ "$(requests 'paths["/restore-jobs/a"]')" -eq 2 ]
	due=$(($(date +%s) + $(longer 4)))
	job_fault b "$(jq -cn --arg date "$(date -u -d "@$due" '+%a, %d %b %Y %H:%M:%S GMT')" \
		'{count: 1, status: 503, retry_after: $date}')"
	timed_read b
	[ "$(date +%s)" -ge "$due" ]
	[ "$(requests 'paths["/restore-jobs/b"]')" -eq 2 ]
}

@test "Retry-After beyond --timeout: the error at once, and no question until then" {
	sim_start --jobs 0
	mount_start --timeout "$(longer 20)"
	job_fault a "{\"status\": 503, \"retry_after\": \"$(longer 40)\"}"
	local begun
	begun=$(milliseconds)
	says 'Input/output error' cat "$JOBS/a/status"
	[ $(($(milliseconds) - begun)) -lt "$(longer 10000)" ]
	[ "$(requests describe)" -eq 1 ]
	# A failure is remembered for two seconds, but here for longer.
	asks_nothing() {
		says 'Input/output error' cat "$JOBS/a/status"
		[ "$(requests describe)" -eq 1 ]
	}
	stays 4 asks_nothing
}

@test "a failure is remembered for two seconds" {
	sim_start --jobs 0
	mount_start
	job_fault a '{"status": 400}'
	local begun
	begun=$(milliseconds)
	for _ in {1..5}; do
		says 'Input/output error' cat "$JOBS/a/status"
	done
	[ $(($(milliseconds) - begun)) -ge 2000 ] || [ "$(requests describe)" -eq 1 ]
	asks_again() {
		says 'Input/output error' cat "$JOBS/a/status"
		[ "$(requests describe)" -ge 2 ]
	}
	wait_until 20 asks_again
	[ $(($(milliseconds) - begun)) -ge 2000 ]
}
