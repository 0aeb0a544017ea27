# A mount by an ordinary user, and one that is open to others: there the kernel asks for a
# directory's attributes on each way through it.
load lib/user
load lib/mount

set_up() {
	need_user
}

waiting_are() {
	[ "$(counter waiting)" -ge "$1" ]
}

@test "allow_other costs no more requests" {
	need_allow_other
	sim_start --jobs 250 --pending 0
	add_job a '{"status": "Pending", "restore_time": 1000}'
	mount_start -o allow_other --ttl 100 --timeout "$(longer 30)"
	costs 1 0 cat "$JOBS/a/status" "$JOBS/a/raw.json" "$JOBS/a/created_at"
	costs 0 0 ls -la "$JOBS/a"
	costs 0 3 ls -l "$JOBS"
	[ "$(grep -c '^d' "$COST_OUTPUT")" -eq 251 ]
	costs 0 0 grep -r . "$JOBS"
	[ "$(grep -c '/status:' "$COST_OUTPUT")" -eq 251 ]
	# All of it forgotten: fifty readers at once.
	change a '{"status": "Odd"}'
	mount_forget
	fault "{\"match\": \"describe\", \"delay\": $(longer 1)}"
	costs 1 0 fifty_readers "$JOBS/a/status"
	[ "$(cat "$BATS_TEST_TMPDIR"/reader.* | sort | uniq -c | tr -s ' ')" = ' 50 Odd' ]
}

@test "allow_other: while one job is being asked for, nothing else waits" {
	need_allow_other
	sim_start --jobs 0
	add_job a
	add_job b
	mount_start -o allow_other --ttl "$(longer 100)" --timeout "$(longer 100)"
	lists 'a b '
	[ "$(cat "$JOBS/a/status")" = Pending ]
	mount_forget
	fault '{"match": "/restore-jobs/a", "kind": "silence"}'
	fault '{"match": "/restore-jobs/slow", "kind": "silence"}'
	cat "$JOBS/a/status" 3>&- 2>/dev/null &
	cat "$JOBS/slow/status" 3>&- 2>/dev/null &
	wait_until 20 waiting_are 2
	[ "$(in_time 20 cat "$JOBS/b/status")" = Pending ]
	says 'No such file' in_time 20 cat "$JOBS/c/status"
	[ "$(in_time 20 find "$JOBS" -maxdepth 1 -printf '%f ')" = 'restore-jobs a b ' ]
	in_time 20 df "$JOBS" >"$BATS_TEST_TMPDIR/df"
	kill %1 %2
}

@test "allow_other: others read what the one who mounts does" {
	need_root
	sim_start --jobs 3
	add_job a '{"status": "Odd"}'
	mount_start -o allow_other --ttl 100 --timeout "$(longer 30)"
	[ "$(as_user cat "$JOBS/a/status")" = Odd ]
	[ "$(as_other ls "$JOBS" | wc -l)" -eq 4 ]
	as_user grep -r . "$JOBS" >"$BATS_TEST_TMPDIR/theirs"
	grep -r . "$JOBS" | cmp - "$BATS_TEST_TMPDIR/theirs"
	[ "$(as_other getfattr --only-values -n user.pinefs.stale "$JOBS/a")" = 0 ]
	as_other test ! -w "$JOBS/a/status"
}

@test "without it nobody else gets in" {
	need_root
	sim_start --jobs 1
	mount_start
	says 'Permission denied' as_user ls "$MNT"
	says 'Permission denied' as_other cat "$MNT/README"
	[ "$(requests list)" -eq 1 ]
}

@test "an ordinary user's mount: files are theirs, and it works as root's does" {
	sim_start --jobs 150 --pending 0
	# shellcheck disable=SC2034
	MOUNT_AS=("${AS_USER[@]}")
	mount_start --ttl 100
	[ "$(as_user find "$MNT" -printf '%U\n' | sort -u)" = "$(as_user id -u)" ]
	costs 0 0 as_user grep -r . "$JOBS"
	[ "$(grep -c '/status:' "$COST_OUTPUT")" -eq 150 ]
	add_job a
	costs 1 0 as_user cat "$JOBS/a/status"
	[ "$(as_user getfattr --only-values -n user.pinefs.source "$JOBS/a")" = describe ]
	as_user df "$JOBS" | grep -q pinefs
}
