# The whole restore, followed by ls, cat and &&: the backup, the job, and the index that answers in
# the end. The restore itself is ordered by curl.
load lib/watching

set_up() {
	sim_stop
	sim_start --jobs 0 --backups 0 --indexes 0 --collections 0 --restore-time "$(longer 3)" \
		--ready-time "$(longer 2)"
	add_index movies '{"state":"Ready","dimension":3,"metric":"euclidean"}'
	add_backup nightly '{"source_index_name":"movies","status":"Ready","record_count":12}'
}

# Order it; prints the job's id.
restore() { # VERSION NAME
	sim_get /backups/nightly/create-index -H "X-Pinecone-Api-Version: $1" -d "{\"name\":\"$2\"}" |
		jq -er .restore_job_id
}

follow() { # VERSION
	local id
	mount_start --ttl 0.2 --ttl-ready 0.2 --api-version "$1"
	[ "$(grep -l Ready "$MNT"/backups/*/status)" = "$MNT/backups/nightly/status" ]
	[ "$(cat "$MNT/indexes/movies/success")" = Ready ]
	id=$(restore "$1" fresh)
	# It is there at once, and the index isn't ready when the job is over.
	[ "$(cat "$JOBS/$id/status")" = Pending ]
	[ "$(cat "$MNT/indexes/fresh/ready")" = false ]
	background line bash -c "
		cat '$JOBS/$id/success' && cat '$MNT/indexes/fresh/success' && echo switched"
	wait_until 20 grep -q Completed "$(out line)"
	[ "$(cat "$JOBS/$id/percent_complete" "$JOBS/$id/target_index_name" "$JOBS/$id/backup_id")" = \
		$'100\nfresh\nnightly' ]
	wait_until 20 ended "${BACKGROUND[0]}"
	[ "$(cat "$(out line)")" = $'Completed\nReady\nswitched' ]
	[ "$(cat "$MNT/indexes/fresh/ready")" = true ]
	[ "$(cat "$MNT/indexes/fresh/host")" = "$(sim_get /indexes/fresh | jq -r .host)" ]
	cmp "$MNT/indexes/fresh/raw.json" \
		<(sim_get /indexes/fresh -H "X-Pinecone-Api-Version: $1")
	cut -f 3- "$MNT/indexes/fresh/events" | grep -qxF $'false\ttrue' # not the first state: a change
}

@test "version 2025-10" {
	follow 2025-10
	[ "$(cat "$MNT/indexes/fresh/"{dimension,metric,cloud} | tr '\n' ' ')" = \
		"$(sim_get /indexes/fresh | jq -r '"\(.dimension) \(.metric) \(.spec.serverless.cloud) "')" ]
}

@test "version 2026-04, the same" {
	follow 2026-04
}

@test "version 2026-07, whose values stand elsewhere" {
	follow 2026-07
	[ "$(cat "$MNT/indexes/fresh/source_backup_id")" = nightly ]
	[ "$(cat "$MNT/indexes/fresh/"{dimension,metric,cloud} | tr '\n' ' ')" = \
		"$(sim_get /indexes/fresh | jq -r '"\(.dimension) \(.metric) \(.spec.serverless.cloud) "')" ]
	[ -z "$(cat "$MNT/indexes/fresh/spec")" ]
	[ -n "$(cat "$MNT/indexes/fresh/deployment")" ]
}

@test "a restore that fails: neither && goes on" {
	local id
	mount_start --ttl 0.2
	id=$(restore 2025-10 fresh)
	background job bash -c "cat '$JOBS/$id/success' && echo wrong"
	background index bash -c "cat '$MNT/indexes/fresh/success' && echo wrong"
	wait_until 20 waiting_is 2
	end_job "$id" Failed
	wait_until 30 ended "${BACKGROUND[@]}"
	grep -q 'Remote I/O error' "$(out job)"
	grep -q 'Remote I/O error' "$(out index)"
	run ! grep -q wrong "$(out job)" "$(out index)"
}

@test "cleaned up: the index goes, with its job; then the backup" {
	local id
	mount_start --ttl 0.2 --ttl-ready 0.2 --ttl-final 1 --stale 1
	id=$(restore 2025-10 fresh)
	cat "$JOBS/$id/wait" "$MNT/indexes/fresh/success"
	inotify indexes -e delete "$MNT/indexes"
	inotify backups -e delete "$MNT/backups"
	[ "$(sim_code /indexes/fresh -X DELETE)" = 202 ]
	wait_until 20 saw indexes "DELETE,ISDIR $MNT/indexes/fresh"
	wait_until 20 is_missing "$JOBS/$id"
	[ "$(sim_code /backups/nightly -X DELETE)" = 202 ]
	wait_until 20 saw backups "DELETE,ISDIR $MNT/backups/nightly"
	# Only the whole history remembers it.
	grep -qP "\\trestore-jobs/$id\\tstatus\\tPending\\tCompleted" "$MNT/events"
	grep -qP "\\trestore-jobs/$id\\trestore_job_id\\t$id\\t$" "$MNT/events"
}
