# pinecone-sim, driven by curl: the versions of the API, and a whole restore in the newest one.
load lib/sim

# A request of a version: VERSION PATH [ARG...].
ask() {
	local version=$1 path=$2
	shift 2
	sim_get "$path" -H "X-Pinecone-Api-Version: $version" "$@"
}

new() {
	ask 2026-07 "$@"
}

new_shows() {
	new "$1" | jq -e "$2" >/dev/null
}

is_gone() {
	[ "$(new "$1" -o /dev/null -w '%{http_code}')" = 404 ]
}

@test "2026-04, no version and an unknown one have the form of 2025-10" {
	sim_start --indexes 20 --backups 20
	local path version
	for path in /indexes /backups /restore-jobs; do
		sim_get "$path" >"$BATS_TEST_TMPDIR/none"
		for version in 2025-10 2026-04 2030-01 nonsense; do
			# A job's created_at may appear in between.
			diff <(ask "$version" "$path" | jq 'del(.. | .created_at?)') \
				<(jq 'del(.. | .created_at?)' "$BATS_TEST_TMPDIR/none")
		done
	done
	sim_get /indexes | jq -e 'all(.indexes[]; has("spec") and has("metric")
		and (has("deployment") or has("schema") | not))'
}

@test "2026-07 has indexes of another form" {
	sim_start --indexes 30
	new /indexes | jq -e '.indexes | length == 30 and all(
		(has("dimension") or has("metric") or has("spec") or has("vector_type")
			or has("created_at") | not)
		and (.status | keys == ["ready", "state"]) and (.host | type == "string")
		and .deployment.deployment_type == "managed"
		and (.deployment.cloud, .deployment.region | type == "string")
		and .read_capacity.mode == "OnDemand"
		and (.schema.fields[] | .type == "dense_vector" and .dimension > 0)
		and .deletion_protection == "disabled")'
	local name
	name=$(new /indexes | jq -r '.indexes[7].name')
	[ "$(new "/indexes/$name")" = "$(new /indexes | jq -c '.indexes[7]')" ]
	# The same index in both forms.
	jq -ne --argjson new "$(new "/indexes/$name")" --argjson old "$(sim_get "/indexes/$name")" '
		$new.schema.fields[].dimension == $old.dimension
		and $new.deployment.region == $old.spec.serverless.region
		and $new.host == $old.host and $new.status == $old.status'
}

@test "2026-07 has backups without dimension and metric, and jobs as ever" {
	sim_start --backups 60 --pending 0
	new /backups | jq -e '.data | all(has("dimension") or has("metric") | not)
		and any(.[].schema.fields[]?; .type == "dense_vector" and .dimension > 0)
		and (map(if has("schema") then .schema | type else "absent" end) | unique
			== ["absent", "null", "object"])'
	[ "$(new /restore-jobs)" = "$(sim_get /restore-jobs)" ]
}

@test "2026-07 names the backup that an index was made from" {
	sim_start --jobs 3 --pending 1 --indexes 2
	local job index
	job=$(new /restore-jobs | jq -c '.data[2]')
	index=$(jq -r .target_index_name <<<"$job")
	[ "$(new "/indexes/$index" | jq -r .source_backup_id)" = "$(jq -r .backup_id <<<"$job")" ]
	new /indexes | jq -e '.indexes[0] | has("source_backup_id") | not'
}

@test "a key that was set is shown in every version, and a sparse index has no dimension" {
	sim_start --indexes 0
	sim_post /_sim/indexes '{"name":"i","state":"Ready","dimension":5,"spec":{"byoc":{}}}'
	sim_get /indexes/i | jq -e '.dimension == 5 and .spec == {"byoc": {}}'
	new /indexes/i | jq -e '.dimension == 5 and .spec == {"byoc": {}}
		and .schema.fields.embedding.dimension == 5'
	sim_post /_sim/indexes/i '{"remove":["spec","schema"]}'
	new /indexes/i | jq -e 'has("spec") or has("schema") | not'
	sim_post /_sim/indexes '{"name":"s","dimension":0,"metric":"dotproduct","remove":["dimension"]}' |
		jq -e '.vector_type == "sparse" and (has("dimension") | not)'
	new /indexes/s | jq -e '.schema.fields.embedding == {"metric": "dotproduct", "type": "sparse_vector"}'
}

@test "a whole restore in 2026-07, as the official client does it" {
	sim_start --restore-time "$(longer 1)" --ready-time "$(longer 1)"
	local index backup job count
	index=$(new /indexes | jq -r '[.indexes[] | select(.status.ready)][0].name')
	new "/indexes/$index/backups" -d '{"name":"before-upgrade"}' -w '%{http_code}' \
		>"$BATS_TEST_TMPDIR/backup"
	[ "$(tail -c 3 "$BATS_TEST_TMPDIR/backup")" = 200 ]
	backup=$(head -c -3 "$BATS_TEST_TMPDIR/backup" | jq -r .backup_id)
	wait_until 20 new_shows "/backups/$backup" '.status == "Ready"'
	job=$(new "/backups/$backup/create-index" -d '{"name":"restored"}' | jq -r .restore_job_id)
	new_shows "/restore-jobs/$job" '.status == "Pending" or .status == "Completed"'
	wait_until 20 new_shows "/restore-jobs/$job" '.status == "Completed" and .percent_complete == 100'
	wait_until 20 new_shows /indexes/restored '.status.ready'
	[ "$(new /indexes/restored | jq -r .source_backup_id)" = "$backup" ]
	count=$(new "$(new /indexes/restored | jq -r .host | sed "s,^$SIM_URL,,")/describe_index_stats" -d '{}' |
		jq .totalVectorCount)
	[ "$count" = "$(new "/backups/$backup" | jq .record_count)" ]
	[ "$(new /indexes/restored -X DELETE -o /dev/null -w '%{http_code}')" = 202 ]
	wait_until 20 is_gone /indexes/restored
	is_gone "/restore-jobs/$job"
	[ "$(new "/backups/$backup" -X DELETE -o /dev/null -w '%{http_code} %{size_download}')" = '202 0' ]
	is_gone "/backups/$backup"
}
