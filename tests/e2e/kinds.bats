# Backups, indexes and collections beside restore jobs: what they cost, that no kind hurts another, and that what
# happens to them is seen.
# shellcheck disable=SC2016
load lib/watching

kind_fault() { # KIND JSON
	fault "$(jq -cn --arg kind "$1" --argjson rule "$2" '{match: $kind} + $rule')"
}

asked() { # KIND describe|list
	curl -sS "$SIM_URL/_sim/requests" | jq ".kinds[\"$1\"].$2 // 0"
}

# Of each kind: "DESCRIBES LISTS".
all_asked() {
	curl -sS "$SIM_URL/_sim/requests" |
		jq -r '[.kinds["restore-jobs", "backups", "indexes", "collections"] | "\(.describe // 0) \(.list // 0)"] | join(", ")'
}

is_ready() { # NAME
	[ "$(cat "$MNT/indexes/$1/ready")" = true ]
}

told() { # LINE: does it stand in /events, without the time?
	cut -f 2- "$MNT/events" | grep -qxF "$(printf '%b' "$1")"
}

@test "the whole project costs as many requests as it has pages" {
	sim_stop
	sim_start --jobs 250 --pending 0 --backups 130 --indexes 7 --collections 5
	mount_start --no-check --ttl "$(longer 60)"
	costs 0 7 ls "$MNT/restore-jobs" "$MNT/backups" "$MNT/indexes" "$MNT/collections"
	[ "$(all_asked)" = '0 3, 0 2, 0 1, 0 1' ]
	costs 0 0 grep -rs . "$MNT"/{restore-jobs,backups,indexes,collections}
	[ "$(grep -c '/raw.json:' "$COST_OUTPUT")" -eq 392 ]
	costs 0 0 tar -cf /dev/null "$MNT"
	# An unpaged list has no limit.
	[ "$(curl -sS "$SIM_URL/_sim/log" | jq -r '.[].target' | grep -c '^/indexes$')" -eq 1 ]
}

@test "raw.json is what was sent, by the list and by itself" {
	add_backup a '{"tags":{"k":"v"}}'
	add_index movies
	mount_start --ttl 0.2
	ls "$MNT/backups" "$MNT/indexes" >/dev/null
	cmp <(sim_get /backups/a) "$MNT/backups/a/raw.json"
	cmp <(sim_get /indexes/movies) "$MNT/indexes/movies/raw.json"
	mount_forget
	cmp <(sim_get /backups/a) "$MNT/backups/a/raw.json"
	cmp <(sim_get /indexes/movies) "$MNT/indexes/movies/raw.json"
}

@test "--kinds: the others are neither there nor asked for" {
	add_index movies
	mount_start --ttl 0.2 --kinds indexes
	[ "$(ls "$MNT")" = "$(printf 'README\nevents\nindexes\ntables')" ]
	says 'No such file' ls "$MNT/restore-jobs"
	says 'No such file' ls "$MNT/backups/x"
	[ "$(ls "$MNT/indexes")" = movies ]
	cat "$MNT/events" "$MNT/indexes/movies/events" >/dev/null
	grep -qx 'kinds=indexes' "$MNT/.pinefs/config"
	[ "$(asked restore-jobs list)$(asked backups list)" = 00 ]
	[ "$(asked indexes list)" -ge 2 ]
	mount_stop
	mount_start --kinds restore-jobs
	cat "$MNT/events" >/dev/null
	grep -rq . "$MNT" || true
	[ "$(asked backups list)" = 0 ]
}

@test "a kind that the key may not see is denied, and hurts no other" {
	add_job a
	add_backup b
	kind_fault backups '{"status":403}'
	mount_start --ttl 0.2
	says 'Permission denied' ls "$MNT/backups"
	says 'Permission denied' cat "$MNT/backups/b/status"
	[ "$(ls "$MNT/restore-jobs")" = a ]
	cat "$MNT/restore-jobs/a/status" "$MNT/events"
	[ "$(ls "$MNT")" = "$(printf 'README\nbackups\ncollections\nevents\nindexes\nrestore-jobs\ntables')" ]
	grep -P '/backups\tEACCES\t403' "$MNT/.pinefs/errors"
	# It is asked again, at pauses of seconds, not at each TTL.
	before=$(asked backups list) began=$SECONDS
	for _ in {1..10}; do
		says 'Permission denied' ls "$MNT/backups"
		cat "$MNT/events" >/dev/null
	done
	[ "$(asked backups list)" -le $((before + 1 + (SECONDS + 1 - began) / 2)) ]
	sim_delete /_sim/faults >/dev/null
	mount_forget
	[ "$(ls "$MNT/backups")" = b ]
}

@test "the check asks for a kind that the key may see" {
	kind_fault restore-jobs '{"status":403}'
	mount_start
	[ "$(all_asked)" = '0 1, 0 1, 0 0, 0 0' ]
	mount_stop
	kind_fault backups '{"status":403}'
	mount_start
	mount_stop
	kind_fault indexes '{"status":403}'
	mount_start
	mount_stop
	kind_fault collections '{"status":403}'
	if mount_start 2>"$BATS_TEST_TMPDIR/refused"; then
		return 1
	fi
	grep -q '403.*the key lacks a permission' "$BATS_TEST_TMPDIR/refused"
	MOUNT_ENDS[PINEFS_PID]=1
}

@test "what is watched is asked for every --ttl, though its own TTL is long" {
	add_index prod
	change_index prod '{"state":"Ready"}'
	mount_start --ttl 1 --ttl-ready 60
	[ "$(cat "$MNT/indexes/prod/ready")" = true ]
	sleep 2 # the kernel's copy has run out, and ours hasn't
	inotify ready -e modify "$MNT/indexes/prod/ready"
	change_index prod '{"ready":false}'
	wait_until 3 saw ready "MODIFY $MNT/indexes/prod/ready"
	[ "$(cat "$MNT/indexes/prod/ready")" = false ]
}

@test "tail -f of what is ready shows a change within --ttl" {
	add_index prod
	change_index prod '{"state":"Ready"}'
	mount_start --ttl 0.5 --ttl-ready 600
	background tail tail -n +1 -f "$MNT/indexes/prod/events"
	wait_until 10 grep -q true "$(out tail)"
	change_index prod '{"state":"ScalingUp","ready":true}'
	wait_until 10 grep -qP '\tstatus\tReady\tScalingUp$' "$(out tail)"
}

@test "inotify: a new index, one that gets ready, a backup that goes" {
	add_index old
	add_backup b
	change_backup b '{"status":"Ready"}'
	mount_start --ttl 0.2
	ls "$MNT/indexes" "$MNT/backups" >/dev/null
	inotify indexes -e create,delete "$MNT/indexes"
	inotify backups -e create,delete "$MNT/backups"
	inotify ready -e modify "$MNT/indexes/old/ready"
	add_index new
	wait_until 10 saw indexes "CREATE,ISDIR $MNT/indexes/new"
	change_index old '{"state":"Ready"}'
	wait_until 10 saw ready "MODIFY $MNT/indexes/old/ready"
	[ "$(cat "$MNT/indexes/old/ready")" = true ]
	sim_delete /_sim/backups/b
	wait_until 10 saw backups "DELETE,ISDIR $MNT/backups/b"
}

@test "/events tells of all kinds; while it is watched each list is asked for, and then none is" {
	add_backup b
	mount_start --ttl 0.2
	cat "$MNT/events"
	background tail tail -F "$MNT/events"
	inotify events -e modify "$MNT/events"
	add_index movies
	wait_until 10 told 'indexes/movies\tname\t\tmovies'
	change_backup b '{"status":"InitializationFailed"}'
	wait_until 10 told 'backups/b\tstatus\tInitializing\tInitializationFailed'
	sim_delete /_sim/indexes/movies
	wait_until 10 told 'indexes/movies\tname\tmovies\t'
	wait_until 10 grep -q 'InitializationFailed' "$(out tail)"
	before=$(all_asked)
	more_of_each() {
		[ "$(all_asked)" != "$before" ] && [ "$(asked backups list)" -gt 3 ] &&
			[ "$(asked indexes list)" -gt 3 ]
	}
	wait_until 10 more_of_each
	for pid in "${BACKGROUND[@]}"; do
		kill_family "$pid"
	done
	wait_until 10 stays_at_rest
}

@test "a deleted index is gone within the list's TTL; a job that the API denies stays" {
	add_index movies
	add_job j
	mount_start --ttl 1
	[ "$(cat "$MNT/indexes/movies/name" "$MNT/restore-jobs/j/restore_job_id" | tr '\n' ' ')" = 'movies j ' ]
	ls "$MNT/indexes" "$MNT/restore-jobs" >/dev/null
	sim_delete /_sim/indexes/movies
	sim_delete /_sim/jobs/j
	sleep 2 # the list has run out
	[ -z "$(ls "$MNT/indexes")" ] # the first listing lacks it, not only the second
	index_gone() { [ -z "$(ls "$MNT/indexes")" ] && [ ! -e "$MNT/indexes/movies" ]; }
	wait_until 10 index_gone
	[ "$(cat "$MNT/restore-jobs/j/restore_job_id")" = j ] # for --stale seconds
}

@test "wait and success of an index and a backup" {
	add_index movies
	add_index broken
	add_backup b
	mount_start --ttl 0.2 --ttl-ready 0.2
	for file in "$MNT/indexes/"{movies,broken}/{wait,success} "$MNT/backups/b/"{wait,success}; do
		background "${file//\//_}" bash -c 'cat "$1"; echo "$?"' bash "$file"
	done
	wait_until 20 waiting_is 6
	change_index movies '{"state":"Ready"}'
	change_index broken '{"state":"InitializationFailed"}'
	change_backup b '{"status":"Ready"}'
	wait_until 10 ended "${BACKGROUND[@]}"
	said() { cat "$(out "$(tr / _ <<<"$MNT/$1")")"; }
	[ "$(said indexes/movies/wait)" = "$(printf 'Ready\n0')" ]
	[ "$(said indexes/movies/success)" = "$(printf 'Ready\n0')" ]
	[ "$(said indexes/broken/wait)" = "$(printf 'InitializationFailed\n0')" ]
	[[ $(said indexes/broken/success) == *'Remote I/O error'*1 ]]
	[ "$(said backups/b/success)" = "$(printf 'Ready\n0')" ]
	[ -e "$MNT/backups/b/done" ]
	[ ! -e "$MNT/indexes/movies/done" ]
	# Ready once is not ready for ever: then it waits again.
	change_index movies '{"state":"ScalingDown","ready":false}'
	wait_until 10 file_says "$MNT/indexes/movies/ready" false
	background again cat "$MNT/indexes/movies/success"
	wait_until 10 waiting_is 1
	change_index movies '{"state":"Ready","ready":null}'
	wait_until 10 ended "${BACKGROUND[-1]}"
	file_says "$(out again)" Ready
}

@test "a collection: what it shows, how it ends and goes" {
	add_collection old '{"size":9007199254740993,"environment":"us-east1-gcp"}'
	mount_start --ttl 0.2 --ttl-ready 0.2
	cmp <(sim_get /collections/old) "$MNT/collections/old/raw.json"
	[ "$(cat "$MNT/collections/old/"{name,status,environment} | tr '\n' ' ')" = 'old Initializing us-east1-gcp ' ]
	background wait cat "$MNT/collections/old/success"
	wait_until 10 waiting_is 1
	inotify collections -e delete "$MNT/collections"
	change_collection old '{"status":"Ready"}'
	wait_until 10 file_says "$(out wait)" Ready
	[ "$(cat "$MNT/collections/old/done")" = Ready ]
	change_collection old '{"status":"Terminating"}'
	wait_until 10 file_says "$MNT/collections/old/status" Terminating
	says 'Remote I/O error' cat "$MNT/collections/old/success"
	sim_delete /_sim/collections/old
	wait_until 10 saw collections "DELETE,ISDIR $MNT/collections/old"
}

@test "one bad row costs that row, of each kind" {
	local kind
	add_index movies '{"status":"Ready","spec":[],"tags":{"a\tb":"c\nd"}}'
	add_index MOVIES
	add_backup b '{"size_bytes":null}'
	sim_post /_sim/list '{"kind":"indexes","extra_rows":["null","{}","{\"name\":\"../x\"}","{\"name\":7}","{\"name\":\"movies\",\"host\":\"second\"}"]}' >/dev/null
	sim_post /_sim/list '{"kind":"backups","extra_rows":["[]","{\"backup_id\":\"a/b\"}"]}' >/dev/null
	mount_start --ttl 60
	[ "$(ls "$MNT/indexes")" = $'MOVIES\nmovies' ]
	[ "$(ls "$MNT/backups")" = b ]
	[ "$(counter rows_refused)" -eq 6 ]
	[ -z "$(cat "$MNT/indexes/movies/status" "$MNT/indexes/movies/cloud")" ]
	[ "$(cat "$MNT/indexes/movies/host")" != second ]
	[ "$(cat "$MNT/indexes/movies/tags")" = 'a\tb	c\nd' ]
}
