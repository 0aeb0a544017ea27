# The mountpoint: which names it may have, and what is said of one that can't be.
load lib/command

@test "a mountpoint that is missing, or a file" {
	local directory=$MNT
	sim_start --jobs 1
	MNT=$directory/missing
	refuses "make it with: mkdir -p $MNT" --api-url "$SIM_URL"
	MNT=$BATS_TEST_TMPDIR/file
	: >"$MNT"
	refuses "$MNT: not a directory" --api-url "$SIM_URL"
	MNT=$directory
	[ "$(sim_requests total)" -eq 0 ]
}

@test "a mountpoint that is mounted already: the line's command unmounts it" {
	sim_start --jobs 1
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 1 ]
	said_one_line 'something is mounted there already (fuse.pinefs); unmount it with: '
	jobs_are 1
	do_as_told
	wait_until 20 none_runs
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	jobs_are 1
}

@test "a mountpoint that is another filesystem: nobody is told to unmount it" {
	local path
	for path in / /proc; do
		run env PINECONE_API_KEY="$SIM_KEY" "$PINEFS" --api-url "$NOBODY" "$path"
		[ "$status" -eq 1 ]
		[ ${#lines[@]} -eq 1 ]
		[[ $output == "pinefs: $path: something is mounted there already ("*'); choose another directory' ]]
	done
}

@test "a mountpoint that is dead from a crash: the line's command clears it" {
	sim_start --jobs 1
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	signal_daemons KILL
	wait_until 20 none_runs
	says 'Transport endpoint is not connected' stat "$MNT/README"
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 1 ]
	said_one_line 'a dead mount is there, left by a crash; unmount it with: '
	do_as_told
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	jobs_are 1
}

# The manual's CAVEATS say so; should it ever fail, they can be shorter.
@test "-o auto_unmount clears no crash once a directory was listed" {
	local pid name
	sim_start --jobs 1
	pinefs --api-url "$SIM_URL" -o auto_unmount
	[ "$CODE" -eq 0 ]
	jobs_are 1
	for pid in $(daemons); do
		# The child ends with the daemon, and nothing of it is left where somebody reaps it.
		name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
		[ "$name" = fusermount3 ] || kill -KILL "$pid" || ! [ -e "/proc/$pid" ]
	done
	# It has seen that, and has ended.
	wait_until 20 none_runs
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 1 ]
	said_one_line 'a dead mount is there, left by a crash; unmount it with: '
}

@test "a mountpoint whose name needs quotes: mounted, watched, and named so that it can be pasted" {
	local watched
	MNT="$MNT/a b,c"
	JOBS=$MNT/restore-jobs
	sim_start --jobs 1
	refuses "make it with: mkdir -p '$MNT'" --api-url "$SIM_URL"
	eval "${SAID##*with: }"
	pinefs --api-url "$SIM_URL" --ttl 0.2
	[ "$CODE" -eq 0 ]
	jobs_are 1
	grep -qxF "mountpoint=$MNT" "$MNT/.pinefs/config"
	watched=$(echo "$JOBS"/*)/status
	python3 - "$watched" <<'END' &
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
IN_MODIFY = 2
assert libc.inotify_add_watch(libc.inotify_init(), sys.argv[1].encode(), IN_MODIFY) >= 0
signal.alarm(60)
signal.pause()
END
	is_watched() { grep -q "/status$" "$MNT/.pinefs/watchers"; }
	wait_until 30 is_watched
	kill "$!"
	wait "$!" || true
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 1 ]
	eval "${SAID##*with: }"
	wait_until 20 none_runs
	rmdir "$MNT"
}

@test "a mountpoint by a relative path, with a slash behind, or through a link" {
	local path
	sim_start --jobs 1
	ln -s "$MNT" "$BATS_TEST_TMPDIR/link"
	cd "$(dirname "$MNT")"
	for path in "./${MNT##*/}" "$MNT//" "$BATS_TEST_TMPDIR/link"; do
		PINECONE_API_KEY=$SIM_KEY "$PINEFS" --api-url "$SIM_URL" "$path" 3>&-
		is_mounted "$MNT"
		jobs_are 1
		run env PINECONE_API_KEY="$SIM_KEY" "$PINEFS" --api-url "$SIM_URL" "$path"
		[ "$status" -eq 1 ]
		[[ $output == *"$path: something is mounted there already"* ]]
		fusermount3 -u "$MNT"
	done
}

@test "a mountpoint with any name at all: what the line says makes just that" {
	local base=$MNT name
	for name in "it's" "''" 'a\b' $'new\nline' $'\e[31mred' "naïve \$(x)" $'\xff!' $'all\t'\''\\\xc2\x9b'; do
		MNT=$base/$name
		refuses 'make it with: mkdir -p ' --api-url "$NOBODY"
		[ -z "$(tr -d '\n -~\303\257' <"$BATS_TEST_TMPDIR/said")" ]
		eval "${SAID##*with: }"
		rmdir "$MNT"
	done
	# Not the half of it.
	MNT=$base/$(printf 'x%.0s' {1..250})/$(printf 'x%.0s' {1..250})
	refuses 'make it with: mkdir -p MOUNTPOINT' --api-url "$NOBODY"
	MNT=$base
}
