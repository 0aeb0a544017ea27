# What things cost: requests, counted by the simulator, and messages to the daemon.
load lib/mount

# That the daemon gets no message of the kernel while COMMAND runs, once all is known. It takes up
# to three times until that is so: a listing that brings new jobs moves the directory's time, and
# after each read that isn't cached the kernel asks once more for the access time.
is_silent() {
	local before after
	"$@" >/dev/null || return
	"$@" >/dev/null || return
	"$@" >/dev/null || return
	before=$(grep '^pinefs_messages' "$MNT/.pinefs/stats")
	"$@" >/dev/null || return
	after=$(grep '^pinefs_messages' "$MNT/.pinefs/stats")
	[ "$before" = "$after" ] && return
	diff - <(echo "$after") <<<"$before" >&2
	return 1
}

often() {
	local n
	for n in {1..50}; do
		"$@" || return
	done
}

@test "to mount: one row of the list" {
	sim_start --jobs 250
	mount_start
	[ "$(requests)" -eq 1 ]
	[ "$(curl -s "$SIM_URL/_sim/log" | jq -r '.[].target')" = '/restore-jobs?limit=1' ]
	mount_stop
	mount_start --no-check
	[ "$(requests)" -eq 1 ]
}

@test "all files of one job: one request" {
	sim_start --jobs 0
	add_job a '{"status": "Completed", "note": "x"}'
	mount_start
	costs 1 0 cat "$JOBS"/a/{status,raw.json,created_at,done}
	costs 0 0 find "$JOBS/a" -type f -exec cat {} +
	[ "$(wc -l <"$COST_OUTPUT")" -ge 8 ]
	costs 0 0 grep -r . "$JOBS/a"
	costs 0 0 stat "$JOBS/a" "$JOBS/a/status"
}

@test "ls -l of 250 jobs: three requests; then grep -r over finished ones: none" {
	sim_start --jobs 250 --pending 0
	mount_start --ttl "$(longer 60)"
	costs 0 3 ls -l "$JOBS"
	[ "$(grep -c '^d' "$COST_OUTPUT")" -eq 250 ]
	costs 0 0 grep -r . "$JOBS"
	[ "$(grep -c '/status:' "$COST_OUTPUT")" -eq 250 ]
	costs 0 3 find "$MNT" -type f -name percent_complete -size +0 # of the other kinds
	costs 0 0 ls -lR "$MNT"
	costs 0 0 du -a "$MNT"
}

@test "grep -r over finished jobs, though the list has expired: only the list" {
	sim_start --jobs 250 --pending 0
	mount_start --ttl "$(longer 2)"
	costs 0 3 ls -l "$JOBS"
	list_expired() { [ "$(stat -c %y "$JOBS")" != "$1" ]; }
	wait_until 10 list_expired "$(stat -c %y "$JOBS")"
	ls "$JOBS" >"$BATS_TEST_TMPDIR/names"
	local before after
	before=$(requests describe)
	grep -r . "$JOBS" >"$BATS_TEST_TMPDIR/all"
	after=$(requests describe)
	[ "$(grep -c '/status:' "$BATS_TEST_TMPDIR/all")" -eq 250 ]
	[ "$before" -eq "$after" ]
}

@test "cat reads a file of 100 KiB by one message" {
	local raw before
	sim_start --jobs 0
	raw=$(printf '{"restore_job_id":"a","status":"Completed","filler":"%0102400d"}' 7)
	jq -n --arg raw "$raw" '{restore_job_id: "a", $raw}' >"$BATS_TEST_TMPDIR/job"
	sim_post /_sim/jobs "@$BATS_TEST_TMPDIR/job" >/dev/null
	mount_start
	ls -l "$JOBS/a"
	before=$(counter messages read)
	[ "$(cat "$JOBS/a/raw.json")" = "$raw" ]
	[ "$(counter messages read)" -eq $((before + 1)) ]
}

@test "a full last page has a token: one request more" {
	sim_start --jobs 200
	mount_start --ttl "$(longer 60)"
	costs 0 3 ls "$JOBS"
	[ "$(wc -l <"$COST_OUTPUT")" -eq 200 ]
}

@test "fifty processes read one expired status at once: one request" {
	local said
	sim_start --jobs 0
	add_job a '{"status": "Pending"}'
	mount_start --ttl "$(longer 5)" --timeout "$(longer 30)"
	cat "$JOBS/a/status"
	sim_post /_sim/jobs/a '{"status": "Odd"}'
	wait_until 20 expired "$JOBS/a/status"
	fault "{\"match\": \"describe\", \"delay\": $(longer 2)}"
	costs 1 0 fifty_readers "$JOBS/a/status"
	said=$(cat "$BATS_TEST_TMPDIR"/reader.* | sort | uniq -c | tr -s ' ')
	echo "readers: $said"
	[ "$said" = ' 50 Odd' ]
	[ "$(counter joined)" -gt 10 ]
}

@test "fifty processes look up one new id at once: one request; also if there is no such job" {
	sim_start --jobs 0
	add_job a
	mount_start --timeout "$(longer 30)" --ttl "$(longer 20)" --ttl-missing "$(longer 20)"
	fault "{\"match\": \"describe\", \"delay\": $(longer 1)}"
	costs 1 0 fifty_readers "$JOBS/a/status"
	run ! fifty_readers "$JOBS/b/status"
	[ "$(requests 'paths["/restore-jobs/b"]')" -eq 1 ]
}

@test "twenty listings at once: one walk" {
	sim_start --jobs 250
	mount_start --timeout "$(longer 30)" --ttl "$(longer 30)"
	fault "{\"match\": \"list\", \"delay\": $(longer 1)}"
	listings() {
		local n pids=()
		for n in {1..20}; do
			ls "$JOBS" >"$BATS_TEST_TMPDIR/listing.$n" 3>&- &
			pids+=("$!")
		done
		wait "${pids[@]}"
	}
	costs 0 3 listings
	[ "$(cat "$BATS_TEST_TMPDIR"/listing.* | sort | uniq -c | awk '$1 == 20' | wc -l)" -eq 250 ]
}

@test "many expired jobs, asked for by name: the list tells, not a describe each" {
	sim_start --jobs 0
	local id ids
	for id in job-{1..40}; do
		add_job "$id" '{"restore_time": 1000}'
	done
	mount_start --ttl "$(longer 3)"
	ids=("$JOBS"/job-{1..40}/status)
	ls "$JOBS"
	wait_until 20 expired "$JOBS/job-40/status"
	local before
	before=$(requests)
	cat "${ids[@]}" >"$BATS_TEST_TMPDIR/all"
	[ "$(grep -cx Pending "$BATS_TEST_TMPDIR/all")" -eq 40 ]
	[ "$(($(requests) - before))" -le 4 ]
	[ "$(($(requests) - before))" -ge 1 ]
}

@test "ls -la and tab completion in a job's directory: none" {
	sim_start --jobs 0
	add_job a '{"restore_time": 1000}'
	mount_start --ttl "$(longer 60)"
	cat "$JOBS/a/status"
	costs 0 0 ls -la "$JOBS/a"
	[ "$(grep -c '^-r--r--r--' "$COST_OUTPUT")" -ge 9 ]
	costs 0 0 compgen -f "$JOBS/a/st"
	[ "$(cat "$COST_OUTPUT")" = "$JOBS/a/status" ]
	costs 0 0 test ! -e "$JOBS/a/done"
	costs 0 0 test ! -e "$JOBS/a/.gitignore"
}

@test "git status in a job's directory: one at most" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl "$(longer 60)" --ttl-missing "$(longer 60)"
	cat "$JOBS/a/status"
	cd "$JOBS/a"
	git_status() { says 'not a git repository' git status; }
	local before
	before=$(requests)
	git_status
	[ "$(($(requests) - before))" -le 1 ]
	costs 0 0 git_status
	cd /
}

@test "while it holds: no message to the daemon for a read, a stat, a listing" {
	sim_start --jobs 5 --pending 0
	add_job a '{"restore_time": 1000}'
	mount_start --ttl "$(longer 100)"
	is_silent often cat "$JOBS/a/status"
	is_silent often stat "$JOBS/a/status"
	is_silent often ls "$JOBS"
	is_silent often ls "$JOBS/a"
	is_silent often test ! -e "$JOBS/a/done"
	# That messages are counted at all.
	another_name() { test ! -e "$JOBS/a/name.$RANDOM.$RANDOM"; }
	run ! is_silent another_name
}

@test "nobody reads: no request, and the daemon sleeps" {
	sim_start --jobs 5 --restore-time 1
	mount_start --ttl 0.2 --ttl-final 0.2
	ls -l "$JOBS"
	cat "$JOBS"/*/status
	wakeups() { grep ctxt_switches "/proc/$PINEFS_PID/status"; }
	idle_since() { [ "$(wakeups)" = "$1" ]; }
	# A second without a wake-up, some time after the last answer has run out.
	idle() { stays 1 idle_since "$(wakeups)"; }
	local before
	before=$(requests)
	wait_until 20 idle
	idle
	[ "$(requests)" -eq "$before" ]
}
