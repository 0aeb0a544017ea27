# Extended attributes, and what it costs that tools ask for them.
load lib/mount

# How many messages a command comes to; its output goes to the file COST_OUTPUT.
messages_of() {
	local before
	before=$(counter messages)
	"$@" >"$COST_OUTPUT" || return
	echo $(($(counter messages) - before))
}

# It comes to ten at most. Where memory is short the kernel forgets some of what it had: so once of
# three times.
is_cheap() {
	local asked=()
	for _ in {1..3}; do
		asked+=("$(messages_of "$@")")
		[ "${asked[-1]}" -gt 10 ] || return 0
	done
	echo "messages: ${asked[*]}"
	return 1
}

in_directory() {
	cd "$1" && shift && "$@"
}

@test "extended attributes of files and directories" {
	sim_start --jobs 0
	add_job a '{"status": "Completed"}'
	mount_start
	local file=$JOBS/a/status
	cat "$file"
	[ "$(getfattr -m- --absolute-names "$file" | grep '^user' | sort | tr '\n' ' ')" = \
		'user.pinefs.age user.pinefs.error user.pinefs.expires_in user.pinefs.fetched_at '\
'user.pinefs.http_status user.pinefs.request_id user.pinefs.source user.pinefs.stale ' ]
	[ "$(attribute "$file" source)" = describe ]
	[ "$(attribute "$file" stale)" = 0 ]
	[ "$(attribute "$file" http_status)" = 200 ]
	[ -z "$(attribute "$file" error)" ]
	[[ $(attribute "$file" request_id) =~ ^[0-9a-f-]{36}$ ]]
	[[ $(attribute "$file" fetched_at) =~ ^20[0-9-]{8}T[0-9:]{8}(\.[0-9]+)?Z$ ]]
	jq -ne --arg age "$(attribute "$file" age)" --arg left "$(attribute "$file" expires_in)" \
		'($age | tonumber) as $a | ($left | tonumber) as $l
			| $a >= 0 and $a < 60 and $l > 540 and $l <= 600'
	# A directory's are had by name, but not listed.
	[ "$(getfattr --only-values -n user.pinefs.source "$JOBS/a")" = describe ]
	says 'not supported' getfattr -d "$JOBS/a"
	local where
	for where in "$file" "$JOBS/a"; do
		says 'No such attribute' getfattr -n user.pinefs.nothing "$where"
		says 'No such attribute' getfattr -n user.other "$where"
	done
	for where in "$file" "$JOBS/a" "$JOBS" "$MNT" "$MNT/.pinefs/stats"; do
		says 'not supported' getfattr -n security.selinux "$where"
		# To others the kernel says itself that there are none.
		[ "$(id -u)" -ne 0 ] || says 'not supported' getfattr -n trusted.other "$where"
	done
	[ -z "$(getfattr -m- "$MNT/README" "$MNT/.pinefs/stats")" ]
}

@test "reading an extended attribute of a directory never fetches" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl 0.1
	local file=$JOBS/a/status
	cat "$file"
	costs 0 0 wait_until 10 expired "$file"
	costs 0 0 attribute "$JOBS/a" age
}

@test "a second ls -l asks the daemon next to nothing, however many entries there are" {
	sim_start --jobs 2000 --pending 0
	mount_start --ttl 600
	ls -l "$JOBS" >"$COST_OUTPUT"
	is_cheap ls -l "$JOBS"
	[ "$(grep -c '^d' "$COST_OUTPUT")" -eq 2000 ]
	is_cheap in_directory "$JOBS" ls -l
	[ "$(grep -c '^d' "$COST_OUTPUT")" -eq 2000 ]
}

@test "tools that copy or show labels and attributes have no errors" {
	sim_start --jobs 3 --pending 0
	mount_start --ttl 600
	local copy=$BATS_TEST_TMPDIR/copy said=$BATS_TEST_TMPDIR/said tool
	for tool in 'cp -a' 'cp -r --preserve=xattr' 'rsync -aX'; do
		command -v "${tool%% *}" || continue # not everybody has an rsync
		rm -rf "$copy"
		# shellcheck disable=SC2086
		$tool "$JOBS/" "$copy" 2>"$said"
		[ ! -s "$said" ]
		[ "$(find "$copy" -name raw.json | wc -l)" -eq 3 ]
		chmod -R u+w "$copy"
	done
	tar -C "$MNT" --xattrs --acls --selinux -cf "$copy.tar" restore-jobs 2>"$said"
	[ "$(tar -tf "$copy.tar" | grep -c /raw.json)" -eq 3 ]
	ls -Z "$JOBS" >"$said"
	[ "$(wc -l <"$said")" -eq 3 ]
	ls -lZ "$JOBS"/*/status
	find "$JOBS" -type f -exec getfattr -d -m - {} + >"$said"
	[ "$(grep -c '^user.pinefs.source="list"' "$said")" -eq \
		"$(find "$JOBS" -type f ! -path "$JOBS/events" | wc -l)" ]
}
