# The tree: what is in it, what is in the files, and where that came from.
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

names() {
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' '
}

@test "the root: README, restore-jobs, events and .pinefs" {
	sim_start --jobs 2
	mount_start
	[ "$(names "$MNT")" = '.pinefs README events restore-jobs ' ]
	[ "$(ls "$MNT")" = $'README\nevents\nrestore-jobs' ]
	grep -q 'All of it is read-only' "$MNT/README"
	[ "$(stat -c '%F %a' "$MNT" "$MNT/README" "$JOBS" "$MNT/.pinefs" | tr '\n' ' ')" = \
		'directory 555 regular file 444 directory 555 directory 555 ' ]
	[ "$(stat -c %s "$MNT/README")" -eq "$(wc -c <"$MNT/README")" ]
	says 'No such file' cat "$MNT/nothing"
	costs 0 0 names "$MNT"
	mount_stop
}
