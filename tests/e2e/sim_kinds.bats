# pinecone-sim, driven by curl: backups and indexes beside the restore jobs.
load lib/sim

# All backups, an array; at most 20 pages.
all_backups() {
	local page token query='' n=0
	while [ $((n++)) -lt 20 ]; do
		page=$(sim_get "/backups$query")
		jq -c '.data[]' <<<"$page"
		token=$(jq -r '.pagination.next // empty' <<<"$page")
		[ -n "$token" ] || break
		query="?paginationToken=$(jq -rn --arg t "$token" '$t | @uri')"
	done | jq -s .
}

all_jobs() {
	sim_get /restore-jobs | jq .data
}

all_indexes() {
	sim_get /indexes | jq .indexes
}

add() {
	sim_post "/_sim/$1" "$2" >/dev/null
}

shows() {
	sim_get "$1" | jq -e "$2" >/dev/null
}

@test "backups come in pages, described and listed alike" {
	sim_start --backups 250
	[ "$(sim_get /backups | jq '.data | length')" = 100 ]
	[ "$(sim_get '/backups?limit=7' | jq -r '.pagination.next | @base64d')" = '{"limit":7,"offset":7}' ]
	[ "$(sim_code '/backups?limit=101')" = 400 ]
	all_backups >"$BATS_TEST_TMPDIR/all"
	[ "$(jq 'map(.backup_id) | unique | length' "$BATS_TEST_TMPDIR/all")" = 250 ]
	local id
	id=$(jq -r '.[249].backup_id' "$BATS_TEST_TMPDIR/all")
	[ "$(sim_get "/backups/$id")" = "$(jq -c '.[249]' "$BATS_TEST_TMPDIR/all")" ]
	[ "$(sim_get /backups/nope)" = \
		'{"error":{"code":"NOT_FOUND","message":"Backup nope not found."},"status":404}' ]
	[ "$(sim_get "/indexes/$id")" = \
		"{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"Index $id not found.\"},\"status\":404}" ]
}

@test "indexes come whole, and a limit is ignored" {
	sim_start --indexes 150
	sim_get /indexes >"$BATS_TEST_TMPDIR/all"
	jq -e 'keys == ["indexes"] and (.indexes | length == 150 and (map(.name) | unique | length == 150))' \
		"$BATS_TEST_TMPDIR/all"
	sim_get '/indexes?limit=1&paginationToken=x' | cmp - "$BATS_TEST_TMPDIR/all"
	local name
	name=$(jq -r '.indexes[17].name' "$BATS_TEST_TMPDIR/all")
	[ "$(sim_get "/indexes/$name")" = "$(jq -c '.indexes[17]' "$BATS_TEST_TMPDIR/all")" ]
	sim_start --indexes 0 --backups 0
	[ "$(sim_get /indexes)" = '{"indexes":[]}' ]
	[ "$(sim_get /backups)" = '{"data":[],"pagination":null}' ]
}

@test "every seeded backup has the service's form" {
	sim_start --backups 200
	all_backups | jq -e '
		def uuid: test("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$");
		def ways($key): map(if has($key) then .[$key] | type else "absent" end) | unique;
		length == 200 and all(
			(.backup_id, .source_index_id | uuid)
			and (.source_index_name | test("^[a-z0-9-]{1,45}$"))
			and (.cloud, .region, .created_at | type == "string"))
		and (map(.status) | unique == ["InitializationFailed", "Ready"])
		and (map(select(.status == "Ready")) | length == 160)
		and ways("name") == ["absent", "null", "string"]
		and ways("description") == ["absent", "null", "string"]
		and ways("dimension") == ["absent", "null", "number"]
		and ways("metric") == ["absent", "null", "string"]
		and ways("schema") == ["absent", "null", "object"]
		and ways("record_count") == ["absent", "null", "number"]
		and ways("namespace_count") == ["absent", "null", "number"]
		and ways("size_bytes") == ["absent", "null", "number"]
		and ways("tags") == ["absent", "null", "object"]
		and any(.size_bytes // 0 | . > 4294967296)
		and (map(.created_at) | . == sort and (unique | length == 200))'
}

@test "every seeded index has the service's form" {
	sim_start --indexes 60
	sim_get /indexes | jq -e --arg base "$SIM_URL" '
		.indexes | all(
			(.name | test("^[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?$"))
			and .vector_type == "dense" and (.dimension | type == "number")
			and (.status | keys == ["ready", "state"])
			and .status.ready == (.status.state == "Ready")
			and (.host | startswith($base))
			and (.spec.serverless | keys == ["cloud", "region"]))
		and (map(.status.state) | unique == ["Initializing", "Ready"])
		and (map(has("tags"), .tags == null) | unique | length == 2)'
}

@test "the seeded world is coherent" {
	sim_start --jobs 90 --pending 5 --backups 30 --indexes 9
	jq -n --slurpfile jobs <(all_jobs) --slurpfile backups <(all_backups) \
		--slurpfile indexes <(all_indexes) '{jobs: $jobs[0], backups: $backups[0], indexes: $indexes[0]}' \
		>"$BATS_TEST_TMPDIR/world"
	jq -e '
		(.backups | map({(.backup_id): .}) | add) as $backup
		| (.indexes | map({(.name): .}) | add) as $index
		| (.backups | map({(.source_index_id): .source_index_name}) | add) as $name
		| (.jobs | all($backup[.backup_id].status == "Ready"
			and (.created_at == null or $backup[.backup_id].created_at < .created_at)
			and $index[.target_index_name] != null
			and ($name[.target_index_id] // .target_index_name) == .target_index_name
			and (.status != "Pending" or $index[.target_index_name].status.ready == false)))
		and (.backups | all($index[.source_index_name].status.ready)
			and (group_by(.source_index_name) | all(map(.source_index_id) | unique | length == 1)))
		and (.jobs | map(select(.status == "Pending").target_index_name) | unique | length) == 5' \
		"$BATS_TEST_TMPDIR/world"
}

@test "without backups and indexes the jobs are as they always were" {
	sim_start --seed 7 --backups 0 --indexes 0
	all_jobs >"$BATS_TEST_TMPDIR/alone"
	sim_start --seed 7
	all_jobs >"$BATS_TEST_TMPDIR/others"
	local ids='map(.restore_job_id)'
	[ "$(jq -c "$ids" "$BATS_TEST_TMPDIR/alone")" = "$(jq -c "$ids" "$BATS_TEST_TMPDIR/others")" ]
	jq -e 'map(.backup_id) | unique | length == 12' "$BATS_TEST_TMPDIR/alone"
	sim_start --jobs 3 --backups 1 --indexes 1
	all_jobs | jq -e --argjson backup "$(sim_get /backups)" --argjson index "$(sim_get /indexes)" '
		all(.backup_id == $backup.data[0].backup_id
			and .target_index_name == $index.indexes[0].name)'
}

@test "an index gets ready some seconds after its restore" {
	sim_start --jobs 1 --indexes 1 --restore-time "$(longer 1)" --ready-time "$(longer 2)"
	local job name
	job=$(all_jobs | jq -r '.[0].restore_job_id')
	name=$(all_indexes | jq -r '.[0].name')
	shows "/indexes/$name" '.status == {"ready": false, "state": "Initializing"}'
	wait_until 10 shows "/restore-jobs/$job" '.status == "Completed"'
	shows "/indexes/$name" '.status.ready == false'
	wait_until 10 shows "/indexes/$name" '.status == {"ready": true, "state": "Ready"}'
}

@test "backups are added, changed and removed" {
	sim_start --backups 2
	sim_post /_sim/backups '{"backup_id":"b","restore_time":100,"tags":{"a\tb":[1]},"note":1.5}' |
		jq -e '.backup_id == "b" and .status == "Initializing" and .record_count == null
			and .tags == {"a\tb": [1]} and .note == 1.5 and (.created_at | type == "string")'
	[ "$(sim_code /_sim/backups -d '{"backup_id":"b"}')" = 409 ]
	[ "$(sim_code /_sim/backups -d '{"backup_id":""}')" = 400 ]
	sim_post /_sim/backups/b '{"status":"Ready","remove":["metric"],"record_count":5000000000}' |
		jq -e '.status == "Ready" and .record_count == 5000000000 and (has("metric") | not)
			and (.size_bytes | type == "number")'
	sim_post /_sim/backups/b '{"status":"Odd"}' | jq -e '.status == "Odd"'
	sim_post /_sim/backups/b '{"status":"InitializationFailed"}' |
		jq -e '.status == "InitializationFailed"'
	sim_post /_sim/backups/b '{"raw":"{ \"backup_id\":\"b\" }"}'
	[ "$(sim_get /backups/b)" = '{ "backup_id":"b" }' ]
	[ "$(sim_get /backups | jq -c '.data[2]')" = '{"backup_id":"b"}' ]
	sim_delete /_sim/backups/b
	[ "$(sim_code /backups/b)" = 404 ]
	[ "$(all_backups | jq length)" = 2 ]
	# The ids of a kind are its own.
	add jobs '{"restore_job_id":"b"}'
	[ "$(sim_code /backups/b)" = 404 ]
	add backups '{"backup_id":"b"}'
	sim_delete /_sim/jobs/b
	[ "$(sim_code /backups/b)" = 200 ]
}

@test "a backup that is added gets Ready" {
	sim_start --backups 0 --restore-time "$(longer 3)"
	add backups '{"backup_id":"a"}'
	add backups '{"backup_id":"b","restore_time":0.1}'
	shows /backups/a '.status == "Initializing"'
	wait_until 10 shows /backups/b '.status == "Ready" and .record_count > 0'
	wait_until 10 shows /backups/a '.status == "Ready" and .record_count > 0'
}

@test "indexes are added, changed and removed" {
	sim_start --indexes 1
	sim_post /_sim/indexes '{"name":"prod","restore_time":100,"dimension":3}' |
		jq -e '.name == "prod" and .dimension == 3
			and .status == {"ready": false, "state": "Initializing"}'
	sim_post /_sim/indexes/prod '{"state":"Ready"}' |
		jq -e '.status == {"ready": true, "state": "Ready"}'
	sim_post /_sim/indexes/prod '{"ready":false}' |
		jq -e '.status == {"ready": false, "state": "Ready"}'
	sim_post /_sim/indexes/prod '{"state":"ScalingUp","ready":true}' |
		jq -e '.status == {"ready": true, "state": "ScalingUp"}'
	sim_post /_sim/indexes/prod '{"ready":false,"state":"Ready"}' |
		jq -e '.status == {"ready": false, "state": "Ready"}'
	sim_post /_sim/indexes/prod '{"state":"Ready"}' |
		jq -e '.status == {"ready": true, "state": "Ready"}'
	sim_post /_sim/indexes/prod '{"state":"Terminating"}' |
		jq -e '.status == {"ready": false, "state": "Terminating"}'
	sim_post /_sim/indexes/prod '{"status":"Ready","spec":{"pod":{"pods":1}},"host":null}' |
		jq -e '.status == "Ready" and .spec == {"pod": {"pods": 1}} and has("host") and .host == null'
	sim_post /_sim/indexes/prod '{"status":{"ready":true,"more":1}}' |
		jq -e '.status == {"ready": true, "more": 1}'
	sim_post /_sim/indexes/prod '{"state":"Ready"}' |
		jq -e '.status == {"ready": true, "state": "Ready"}'
	[ "$(sim_code /_sim/indexes/prod -d '{"ready":1}')" = 400 ]
	[ "$(sim_code /_sim/indexes/nope -d '{}')" = 404 ]
	[ "$(sim_get /indexes | jq -r '.indexes[1].name')" = prod ]
	sim_delete /_sim/indexes/prod
	[ "$(sim_code /indexes/prod)" = 404 ]
	[ "$(all_indexes | jq length)" = 1 ]
}

@test "a change with too many keys changes nothing" {
	sim_start --indexes 0
	add indexes '{"name":"i"}'
	local before
	before=$(sim_get /indexes/i)
	[ "$(sim_code /_sim/indexes/i -d "$(jq -cn '[range(201) | {"k\(.)": 1}] | add')")" = 400 ]
	[ "$(sim_code /_sim/indexes/i -d "$(jq -cn '{remove: [range(1001) | "k\(.)"]}')")" = 400 ]
	[ "$(sim_get /indexes/i)" = "$before" ]
	add indexes/i "$(jq -cn '[range(200) | {"k\(.)": 1}] | add')"
	add indexes/i "$(jq -cn '[range(200) | {"k\(.)": 2}] | add')"
	shows /indexes/i '.k199 == 2'
}

@test "habits are those of one kind's list" {
	sim_start --jobs 4 --backups 4 --indexes 4
	local names
	mapfile -t names < <(all_indexes | jq -r '.[].name')
	sim_post /_sim/list "$(jq -cn --arg name "${names[1]}" \
		'{kind: "indexes", drop: [$name], extra_rows: ["42"], layout: "pretty"}')" |
		jq -e '.kind == "indexes" and .extra_rows == 1'
	sim_get /indexes | jq -e --arg name "${names[1]}" '.indexes | length == 4 and .[3] == 42
		and all(.[:3][]; .name != $name)'
	[ "$(sim_get /indexes | wc -l)" -gt 20 ]
	[ "$(sim_code "/indexes/${names[1]}")" = 200 ]
	[ "$(all_jobs | jq length)" = 4 ]
	sim_post /_sim/list '{"kind":"backups","end":"missing","endless":"rows"}'
	[ "$(all_backups | jq 'map(.backup_id) | unique | length')" = 2000 ]
	[ "$(sim_get /restore-jobs | jq -c .pagination)" = null ]
	sim_post /_sim/list "{\"kind\":\"backups\",\"reset\":true,\"late\":$(longer 2)}"
	add backups '{"backup_id":"late"}'
	add indexes '{"name":"at-once"}'
	[ "$(all_backups | jq length)" = 4 ]
	[ "$(all_indexes | jq -r '.[3].name')" = at-once ]
	listed() { all_backups | jq -e '.[4].backup_id == "late"'; }
	wait_until 10 listed
	[ "$(sim_code /_sim/list -d '{"kind":"jobs"}')" = 400 ]
	[ "$(sim_code /_sim/list -d '{"kind":7}')" = 400 ]
	[ "$(sim_code /_sim/list -d "{\"drop\":[\"${names[0]}\"]}")" = 404 ]
}

@test "collections come whole, too, and are described and controlled as the others" {
	sim_start --collections 3
	sim_get '/collections?limit=1' >"$BATS_TEST_TMPDIR/all"
	jq -e 'keys == ["collections"] and (.collections | length == 3 and all(.status == "Ready" and .environment))' \
		"$BATS_TEST_TMPDIR/all"
	[ "$(sim_get /collections/pods-2)" = "$(jq -c '.collections[1]' "$BATS_TEST_TMPDIR/all")" ]
	[ "$(sim_get /collections/nope)" = \
		'{"error":{"code":"NOT_FOUND","message":"Collection nope not found."},"status":404}' ]
	add collections '{"name":"new","restore_time":1000,"note":"x"}'
	shows /collections/new '.status == "Initializing" and .note == "x" and has("size") == false'
	sim_post /_sim/collections/new '{"status":"Ready"}'
	shows /collections/new '.status == "Ready" and .size > 0'
	sim_delete /_sim/collections/new
	[ "$(sim_code /collections/new)" = 404 ]
}

@test "requests are counted by kind, too" {
	sim_start
	sim_code /restore-jobs
	sim_code /backups
	sim_code /backups/a
	sim_code /backups/b
	sim_code /indexes/a
	sim_code /indexes/
	sim_code /indexesa
	curl -s "$SIM_URL/_sim/requests" | jq -e '
		.describe == 3 and .list == 2 and .other == 2 and .total == 7
		and .kinds == {"restore-jobs": {"describe": 0, "list": 1},
			"backups": {"describe": 2, "list": 1}, "indexes": {"describe": 1, "list": 0},
			"collections": {"describe": 0, "list": 0}}'
	sim_delete /_sim/requests
	[ "$(sim_requests kinds.backups.describe)" = 0 ]
}

@test "faults may be those of one kind" {
	sim_start
	sim_post /_sim/faults '{"match":"backups","status":403}'
	[ "$(sim_code /backups)" = 403 ]
	[ "$(sim_code /backups/x)" = 403 ]
	[ "$(sim_code /indexes)" = 200 ]
	[ "$(sim_code /backupsx)" = 404 ]
	[ "$(sim_code /restore-jobs)" = 200 ]
	sim_post /_sim/faults '{"match":"restore-jobs","count":1,"status":500}'
	sim_post /_sim/faults '{"match":"list","status":429}'
	[ "$(sim_code /restore-jobs)" = 500 ]
	[ "$(sim_code /restore-jobs)" = 429 ]
	[ "$(sim_code /indexes)" = 429 ]
	[ "$(sim_code /_sim/faults -d '{"match":"jobs","status":500}')" = 400 ]
}
