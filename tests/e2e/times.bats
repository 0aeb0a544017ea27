# The times of files, and what goes by them: find, make, incremental backups.
load lib/watching

set_up() {
	STAMP=$BATS_TEST_TMPDIR/stamp
}

# It ended long ago, but nobody has asked since.
has_ended() { # ID
	change "$1" '{"status":"Completed","completed_at":"2026-01-03T00:00:00Z"}'
}

# The clock that touch(1) goes by stands still for some milliseconds.
is_after() { # STAMP FILE...
	local stamp=$1
	shift
	touch "$stamp"
	[ -z "$(find "$@" -cnewer "$stamp")" ]
}

# Two jobs that were looked at; then a stamp is made while one of them has ended, unseen.
look_at_two() {
	pending one two
	mount_start --ttl 300
	file_says "$JOBS/one/status" Pending
	file_says "$JOBS/two/status" Pending
	has_ended one
	wait_until 20 is_after "$STAMP" "$JOBS/one/status" "$JOBS/two/status"
	file_says "$JOBS/one/status" Pending
}

newer() { # TEST
	find "$JOBS/one" "$JOBS/two" -name status "$1" "$STAMP"
}

@test "find -newer and -cnewer find what is another than before the stamp, whenever it happened" {
	local test
	look_at_two
	for test in -newer -cnewer; do
		[ -z "$(newer "$test")" ]
	done
	mount_forget
	file_says "$JOBS/one/status" Completed
	for test in -newer -cnewer; do
		[ "$(newer "$test")" = "$JOBS/one/status" ]
	done
	# That it is fetched once more changes nothing.
	wait_until 20 is_after "$STAMP" "$JOBS/one/status" "$JOBS/two/status"
	mount_forget
	file_says "$JOBS/one/status" Completed
	for test in -newer -cnewer; do
		[ -z "$(newer "$test")" ]
	done
}

@test "make makes again what was made of an older content" {
	look_at_two
	printf 'copy: %s\n\tcp -f $< $@\n' "$JOBS/one/status" >"$BATS_TEST_TMPDIR/Makefile"
	make -C "$BATS_TEST_TMPDIR"
	file_says "$BATS_TEST_TMPDIR/copy" Pending
	make -q -C "$BATS_TEST_TMPDIR"
	mount_forget
	make -C "$BATS_TEST_TMPDIR"
	file_says "$BATS_TEST_TMPDIR/copy" Completed
	mount_forget
	make -q -C "$BATS_TEST_TMPDIR"
}

@test "tar --listed-incremental takes what is another than in the archive before" {
	local n
	look_at_two
	for n in 0 1 2; do
		tar -C "$JOBS" --listed-incremental="$BATS_TEST_TMPDIR/snapshot" \
			-cf "$BATS_TEST_TMPDIR/$n.tar" one two
		tar -tf "$BATS_TEST_TMPDIR/$n.tar" | grep -v '/$' >"$BATS_TEST_TMPDIR/$n" || true
		[ "$n" -ne 0 ] || mount_forget
		# What tar(1) itself brings, it takes once more: it is later than its beginning.
		file_says "$JOBS/two/status" Pending
		cat "$JOBS/one/status"
	done
	grep -qx one/status "$BATS_TEST_TMPDIR/0"
	grep -qx two/status "$BATS_TEST_TMPDIR/0"
	[ "$(tar -xOf "$BATS_TEST_TMPDIR/0.tar" one/status)" = Pending ]
	[ "$(tar -xOf "$BATS_TEST_TMPDIR/1.tar" one/status)" = Completed ]
	run ! grep two/ "$BATS_TEST_TMPDIR/1"
	[ ! -s "$BATS_TEST_TMPDIR/2" ]
}
