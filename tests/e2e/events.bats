# `events`: what was seen of each job, and of all, as lines that are only ever added.
load lib/watching

# The columns of a history without the first, the time.
changes() {
	cut -f 2- "$1"
}

has_line() { # FILE LINE
	changes "$1" | grep -qFx -- "$2"
}

@test "a job's history begins with its state, and gets a line for each change" {
	pending one
	change one '{"percent_complete":41,"created_at":null}'
	mount_start --ttl 0.1
	local events=$JOBS/one/events first
	first=$(changes "$events")
	grep -qFx $'restore_job_id\t\tone' <<<"$first"
	grep -qFx $'status\t\tPending' <<<"$first"
	grep -qFx $'percent_complete\t\t41' <<<"$first"
	[ "$(grep -c created_at <<<"$first")" -eq 0 ]
	cut -f 1 "$events" | sort -u | grep -qE '^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}\.[0-9]{6}Z$'
	# Nothing changes: not a byte is added.
	cp "$events" "$BATS_TEST_TMPDIR/before"
	[ "$(requests describe)" -gt 0 ]
	cmp "$events" "$BATS_TEST_TMPDIR/before"
	change one '{"percent_complete":42}'
	wait_until 10 has_line "$events" $'percent_complete\t41\t42'
	change one '{"percent_complete":null,"created_at":"2026-01-02T03:04:05Z"}'
	wait_until 10 has_line "$events" $'percent_complete\t42\t'
	has_line "$events" $'created_at\t\t2026-01-02T03:04:05Z'
	end_job one
	wait_until 10 has_line "$events" $'status\tPending\tCompleted'
	# What was there before is still its beginning; size and content agree.
	cmp -n "$(stat -c %s "$BATS_TEST_TMPDIR/before")" "$events" "$BATS_TEST_TMPDIR/before"
	[ "$(stat -c %s "$events")" -eq "$(wc -c <"$events")" ]
	# completed_at came with the status.
	[ "$(changes "$events" | wc -l)" -eq "$(($(wc -l <<<"$first") + 5))" ]
	[ "$(stat -c %Y "$events")" -ge "$(($(date +%s) - 30))" ]
	mount_stop
}

@test "tabs, newlines and control bytes in values are escaped" {
	pending one
	change one '{"note":"a\tb\nc\u001b[31m\\d"}'
	mount_start --ttl 0.1
	has_line "$JOBS/one/events" $'note\t\ta\\tb\\nc\\x1b[31m\\\\d'
	change one '{"note":"x\ry"}'
	wait_until 10 has_line "$JOBS/one/events" $'note\ta\\tb\\nc\\x1b[31m\\\\d\tx\\ry'
	[ "$(LC_ALL=C tr -d '\11\12\40-\176' <"$JOBS/one/events" | wc -c)" -eq 0 ]
	mount_stop
}

@test "/events: what came after the first listing, with the job's path" {
	pending one two
	mount_start --ttl 0.1
	[ -z "$(cat "$MNT/events")" ]
	ls "$JOBS" >/dev/null
	[ "$(stat -c %s "$MNT/events")" -eq 0 ]
	add_job three '{"status":"Pending"}'
	wait_until 10 has_line "$MNT/events" $'restore-jobs/three\tstatus\t\tPending'
	has_line "$MNT/events" $'restore-jobs/three\trestore_job_id\t\tthree'
	end_job one Failed
	wait_until 10 has_line "$MNT/events" $'restore-jobs/one\tstatus\tPending\tFailed'
	[ "$(grep -c two "$MNT/events")" -eq 0 ]
	mount_stop
}

@test "a job that vanished: its id becomes nothing" {
	pending one
	mount_start --ttl 0.1 --ttl-missing 0.1 --stale 0.3
	[ "$(cat "$JOBS/one/status")" = Pending ]
	[ -z "$(cat "$MNT/events")" ]
	sim_delete /_sim/jobs/one
	is_gone() { ! cat "$JOBS/one/status" 2>/dev/null; }
	wait_until 20 is_gone
	has_line "$MNT/events" $'restore-jobs/one\trestore_job_id\tone\t'
	mount_stop
}

@test "a job that no list has is asked for, too, when somebody reads /events" {
	pending one
	sim_post /_sim/list '{"drop":["one"]}' >/dev/null
	mount_start --ttl 0.1
	[ "$(cat "$JOBS/one/status")" = Pending ]
	end_job one
	wait_until 20 has_line "$MNT/events" $'restore-jobs/one\tstatus\tPending\tCompleted'
	mount_stop
}

@test "tail -f of a job's history, as the only process on the mount" {
	pending one
	mount_start --ttl 0.2
	background tail tail -f -n 1 "$JOBS/one/events"
	wait_until 10 test -s "$(out tail)"
	end_job one
	is_told() { has_line "$(out tail)" $'status\tPending\tCompleted'; }
	wait_until 20 is_told
	kill "${BACKGROUND[0]}"
	wait_until 10 ended "${BACKGROUND[0]}"
	mount_stop
}

@test "tail -f of /events, as the only process and the first use of the mount" {
	pending one
	mount_start --ttl 0.2
	background tail tail -f "$MNT/events"
	walked() { [ "$(requests list)" -ge 3 ]; }
	wait_until 20 walked
	add_job two '{"status":"Pending"}'
	is_told() { has_line "$(out tail)" "$1"; }
	wait_until 20 is_told $'restore-jobs/two\tstatus\t\tPending'
	end_job one
	wait_until 20 is_told $'restore-jobs/one\tstatus\tPending\tCompleted'
	kill "${BACKGROUND[0]}"
	wait_until 10 stays_at_rest
	mount_stop
}

@test "a long history goes on in a new file; who has the old one open, keeps it" {
	local i long
	pending one
	mount_start --ttl 0.05
	local events=$JOBS/one/events inode
	inode=$(stat -c %i "$events")
	background tail tail -F -s 0.1 -n +1 "$events"
	inotify file "$events"
	inotify directory -e create,delete "$JOBS/one"
	exec 7<"$events"
	for i in {1..12}; do
		printf -v long '%04000d' "$i"
		change one "{\"note\":\"$long\"}"
		is_told() { tail -n 1 "$events" | cut -f 4 | grep -qFx "$long"; }
		wait_until 10 is_told
		# tail doesn't read on in a file that has been replaced.
		is_followed() { [ "$(grep -c $'\tnote\t' "$(out tail)")" -eq "$i" ]; }
		wait_until 20 is_followed
	done
	[ "$(stat -c %i "$events")" != "$inode" ]
	# More than one generation was never kept in one file.
	[ "$(stat -c %s "$events")" -lt 80000 ]
	grep -q $'^[^\t]*\tstatus\t\tPending$' <&7
	[ "$(stat -L -c %h /proc/self/fd/7)" -eq 0 ]
	exec 7<&-
	kill "${BACKGROUND[0]}"
	wait_until 10 ended "${BACKGROUND[0]}"
	# inotify tells of it as of any file whose place another takes.
	wait_until 20 saw directory "CREATE $events"
	[ "$(grep -cE '^(DELETE|CREATE) ' "$(out directory)")" -eq 2 ]
	wait_until 20 saw file "DELETE_SELF $events"
	mount_stop
}

@test "tail -F goes on in the new file although that gets line after line" {
	local i=0 long
	pending one
	mount_start --ttl 0.05
	local events=$JOBS/one/events inode
	inode=$(stat -c %i "$events")
	background tail tail -F -s 0.1 "$events"
	is_rotated() {
		printf -v long '%04000d' "$((++i))"
		change one "{\"note\":\"$long\"}"
		[ "$(stat -c %i "$events")" != "$inode" ]
	}
	wait_until 20 is_rotated
	goes_on() {
		change one "{\"note\":\"$((++i))\"}"
		cat "$events" >/dev/null
		grep -q 'has been replaced' "$(out tail)"
	}
	wait_until 20 goes_on
	kill "${BACKGROUND[0]}"
	wait_until 10 ended "${BACKGROUND[0]}"
	mount_stop
}
