# pinecone-sim, driven by curl: what makes and deletes something.
load lib/sim

# A request with a body: METHOD PATH [BODY]; prints the status code and what the answer says.
send() {
	local body=()
	[ $# -lt 3 ] || body=(-d "$3")
	sim_get "$2" -X "$1" "${body[@]}" -w '\n%{http_code}' >"$BATS_TEST_TMPDIR/answer"
	printf '%s %s' "$(tail -n 1 "$BATS_TEST_TMPDIR/answer")" "$(sed '$d' "$BATS_TEST_TMPDIR/answer" |
		jq -r '.error.code // "good"' 2>/dev/null)"
}

# What the last of them answered.
answer() {
	sed '$d' "$BATS_TEST_TMPDIR/answer"
}

shows() {
	sim_get "$1" | jq -e "$2" >/dev/null
}

is_gone() {
	[ "$(sim_code "$1")" = 404 ]
}

# A world with the index "from", a backup of it, "b", and nothing else.
begin() {
	sim_start --jobs 0 --backups 0 --indexes 0 "$@"
	sim_post /_sim/indexes '{"name":"from","state":"Ready","dimension":3,"metric":"euclidean"}'
	sim_post /_sim/backups '{"backup_id":"b","source_index_name":"from","status":"Ready",
		"record_count":5000000001,"namespace_count":2,"dimension":3,"metric":"euclidean"}'
}

restore() {
	send POST /backups/b/create-index "{\"name\":\"${1:-new}\"}" >/dev/null
	answer | jq -r .restore_job_id
}

@test "a restore: a job, then its index" {
	begin --restore-time "$(longer 2)" --ready-time "$(longer 2)"
	[ "$(send POST /backups/b/create-index '{"name":"new","tags":{"a":"b"}}')" = '202 good' ]
	local job index
	job=$(answer | jq -r .restore_job_id)
	index=$(answer | jq -r .index_id)
	answer | jq -e 'keys == ["index_id", "restore_job_id"]'
	sim_get "/restore-jobs/$job" | jq -e --arg index "$index" '
		.status == "Pending" and .backup_id == "b" and .target_index_name == "new"
		and .target_index_id == $index and .completed_at == null'
	[ "$(sim_get /restore-jobs | jq -r '.data[-1].restore_job_id')" = "$job" ]
	sim_get /indexes/new | jq -e '.status == {"ready": false, "state": "Initializing"}
		and .tags == {"a": "b"} and .dimension == 3 and .metric == "euclidean"'
	sim_get /indexes | jq -e '.indexes[1].name == "new"'
	wait_until 10 shows "/restore-jobs/$job" '.status == "Completed" and .percent_complete == 100'
	shows /indexes/new '.status.ready == false'
	[ "$(sim_code /_data/new/describe_index_stats -d '{}')" = 503 ]
	wait_until 10 shows /indexes/new '.status == {"ready": true, "state": "Ready"}'
	sim_get "$(sim_get /indexes/new | jq -r .host | sed "s,^$SIM_URL,,")/describe_index_stats" -d '{}' |
		jq -e '.totalVectorCount == 5000000001 and .dimension == 3 and .metric == "euclidean"
			and ([.namespaces[].vectorCount] | length == 2 and add == 5000000001)'
	[ "$(sim_code /_data/nope/describe_index_stats -d '{}')" = 404 ]
	[ "$(sim_code /_data/new)" = 404 ]
}

@test "the host of a new index is null at first" {
	begin
	local n=0
	# By one connection, as it is a matter of half a second.
	has_none() {
		n=$((n + 1))
		curl -sS -H "Api-Key: $SIM_KEY" -d "{\"name\":\"new-$n\"}" -o /dev/null \
			"$SIM_URL/backups/b/create-index" --next -sS -H "Api-Key: $SIM_KEY" \
			"$SIM_URL/indexes/new-$n" | jq -e 'has("host") and .host == null'
	}
	wait_until 20 has_none
	wait_until 5 shows "/indexes/new-$n" '.host | type == "string"'
}

@test "a new job may be late in the list" {
	begin
	sim_post /_sim/list "{\"late\":$(longer 2)}"
	local job
	job=$(restore)
	[ "$(sim_code "/restore-jobs/$job")" = 200 ]
	shows /restore-jobs '.data == []'
	shows /indexes '.indexes | length == 2'
	wait_until 10 shows /restore-jobs '.data | length == 1'
}

@test "a job that ends badly leaves an index that failed" {
	begin --restore-time 1000
	local a b
	a=$(restore a)
	b=$(restore b)
	sim_post "/_sim/jobs/$a" '{"status":"Failed"}'
	sim_post "/_sim/jobs/$b" '{"status":"Cancelled"}'
	shows /indexes/a '.status == {"ready": false, "state": "InitializationFailed"}'
	shows /indexes/b '.status == {"ready": false, "state": "InitializationFailed"}'
	# It follows the job, and not another of its name.
	sim_post "/_sim/jobs/$a" '{"status":"Completed","restore_time":0}'
	wait_until 10 shows /indexes/a '.status == {"ready": true, "state": "Ready"}'
	sim_post /_sim/jobs '{"restore_job_id":"x","target_index_name":"a","status":"Failed"}'
	sim_post /_sim/jobs/x '{"status":"Failed"}'
	shows /indexes/a '.status.ready'
	sim_start --jobs 4 --pending 0 --indexes 1
	a=$(sim_get /restore-jobs | jq -r '.data[0].restore_job_id')
	sim_post "/_sim/jobs/$a" '{"status":"Pending"}'
	shows /indexes '.indexes[0].status.ready'
}

@test "what a restore is refused for, and that it changes nothing then" {
	begin --restore-time 1000
	sim_post /_sim/backups '{"backup_id":"bad","status":"InitializationFailed"}'
	sim_post /_sim/backups '{"backup_id":"young","restore_time":1000}'
	local before name body
	before=$(sim_get /indexes; sim_get /restore-jobs)
	[ "$(send POST /backups/nope/create-index '{"name":"new"}')" = '404 NOT_FOUND' ]
	[ "$(answer | jq -r .error.message)" = 'Backup nope not found.' ]
	[ "$(send POST /backups/bad/create-index '{"name":"new"}')" = '412 FAILED_PRECONDITION' ]
	[ "$(send POST /backups/young/create-index '{"name":"new"}')" = '412 FAILED_PRECONDITION' ]
	[ "$(send POST /backups/b/create-index '{"name":"from"}')" = '409 ALREADY_EXISTS' ]
	for name in '' A a_b -a a- 'a b' é aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeef; do
		[ "$(send POST /backups/b/create-index "{\"name\":\"$name\"}")" = '400 INVALID_ARGUMENT' ]
	done
	for body in '' '{' 'name=new'; do
		[ "$(send POST /backups/b/create-index "$body")" = '400 INVALID_ARGUMENT' ]
	done
	for body in '[]' '{}' '{"name":1}' '{"name":null}' '{"name":"new","tags":[]}' \
		'{"name":"new","tags":{"a":1}}' '{"name":"new","deletion_protection":true}'; do
		[ "$(send POST /backups/b/create-index "$body")" = '422 UNPROCESSABLE_ENTITY' ]
	done
	head -c 1048577 /dev/zero >"$BATS_TEST_TMPDIR/long"
	[ "$(sim_code /backups/b/create-index --data-binary "@$BATS_TEST_TMPDIR/long")" = 413 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$SIM_URL/backups/b/create-index" -d '{"name":"new"}')" = 401 ]
	[ "$(sim_get /indexes; sim_get /restore-jobs)" = "$before" ]
	name=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeee
	[ "$(send POST /backups/b/create-index "{\"name\":\"$name\",\"tags\":null,\"more\":1}")" = '202 good' ]
	[ "$(send POST /backups/b/create-index '{"name":"1"}')" = '202 good' ]
}

@test "quotas" {
	begin
	curl -s "$SIM_URL/_sim/limits" |
		jq -e 'has("restore-jobs") and has("backups") and has("indexes") and all(. == null)'
	sim_post /_sim/limits '{"indexes":2,"backups":1}' | jq -e '.indexes == 2 and .backups == 1'
	[ "$(sim_code /_sim/limits -d '{"indexes":9,"pods":1}')" = 400 ]
	[ "$(sim_code /_sim/limits -d '{"indexes":-1}')" = 400 ]
	[ "$(send POST /backups/b/create-index '{"name":"two"}')" = '202 good' ]
	[ "$(send POST /backups/b/create-index '{"name":"three"}')" = '403 FORBIDDEN' ]
	[ "$(send POST /backups/b/create-index '{"name":"two"}')" = '409 ALREADY_EXISTS' ]
	[ "$(send POST /indexes/from/backups '{}')" = '403 FORBIDDEN' ]
	[ "$(sim_get /indexes | jq '.indexes | length')" = 2 ]
	sim_post /_sim/limits '{"indexes":null,"restore-jobs":1}'
	[ "$(send POST /backups/b/create-index '{"name":"three"}')" = '403 FORBIDDEN' ]
	sim_post /_sim/limits '{"restore-jobs":null}'
	[ "$(send POST /backups/b/create-index '{"name":"three"}')" = '202 good' ]
}

@test "a backup is made of an index" {
	begin --restore-time "$(longer 2)"
	sim_post /_sim/indexes/from '{"records":77}'
	[ "$(send POST /indexes/from/backups '{"name":"n","description":"d","more":1}')" = '201 good' ]
	answer | jq -e '.status == "Initializing" and .name == "n" and .description == "d"
		and .source_index_name == "from" and .dimension == 3 and .record_count == null
		and .tags == {} and (has("more") or has("schema") | not)'
	local id
	id=$(answer | jq -r .backup_id)
	[ "$(send POST "/backups/$id/create-index" '{"name":"new"}')" = '412 FAILED_PRECONDITION' ]
	wait_until 10 shows "/backups/$id" '.status == "Ready" and .record_count == 77'
	[ "$(send POST "/backups/$id/create-index" '{"name":"new"}')" = '202 good' ]
	[ "$(send POST /indexes/from/backups '{}')" = '201 good' ]
	answer | jq -e 'has("name") or has("description") | not'
	[ "$(send POST /indexes/nope/backups '{}')" = '404 NOT_FOUND' ]
	[ "$(send POST /indexes/from/backups '{"name":1}')" = '422 UNPROCESSABLE_ENTITY' ]
	sim_post /_sim/indexes/from '{"ready":false,"state":"Odd"}'
	[ "$(send POST /indexes/from/backups '{}')" = '412 FAILED_PRECONDITION' ]
}

@test "the backups of an index, in pages" {
	begin
	sim_post /_sim/indexes '{"name":"other","state":"Ready"}'
	local n
	for n in 1 2 3; do
		send POST /indexes/from/backups "{\"name\":\"$n\"}"
		send POST /indexes/other/backups "{\"name\":\"o$n\"}"
	done
	[ "$(sim_get /indexes/from/backups | jq -c '[.data[1:][].name]')" = '["1","2","3"]' ]
	[ "$(sim_get /indexes/other/backups | jq -rc '[.data[].name]')" = '["o1","o2","o3"]' ]
	n=$(sim_get '/indexes/other/backups?limit=2' | jq -r '.pagination.next | @uri')
	[ "$(sim_get "/indexes/other/backups?paginationToken=$n" | jq -rc '[.data[].name]')" = '["o3"]' ]
	[ "$(sim_code /indexes/nope/backups)" = 404 ]
	[ "$(sim_code '/indexes/from/backups?limit=0')" = 400 ]
	[ "$(sim_requests kinds.backups.list)" = 6 ]
	[ "$(sim_requests kinds.indexes.describe)" = 0 ]
}

@test "a backup is deleted, but not while it is being restored" {
	begin --restore-time 1000
	local job
	job=$(restore)
	[ "$(send DELETE /backups/b)" = '412 FAILED_PRECONDITION' ]
	answer | jq -e --arg job "$job" '.error.message | contains($job)'
	[ "$(sim_code /backups/b)" = 200 ]
	sim_post "/_sim/jobs/$job" '{"status":"Completed"}'
	[ "$(send DELETE /backups/b)" = '202 ' ]
	[ "$(wc -c <"$BATS_TEST_TMPDIR/answer")" -eq 4 ]
	[ "$(sim_code /backups/b)" = 404 ]
	[ "$(send DELETE /backups/b)" = '404 NOT_FOUND' ]
	shows "/restore-jobs/$job" '.backup_id == "b"'
}

@test "an index is deleted: Terminating, then gone, and its jobs with it" {
	begin --ready-time "$(longer 2)"
	local job other
	job=$(restore)
	other=$(restore other)
	[ "$(send DELETE /indexes/new)" = '202 ' ]
	[ "$(wc -c <"$BATS_TEST_TMPDIR/answer")" -eq 4 ]
	shows /indexes/new '.status == {"ready": false, "state": "Terminating"}'
	[ "$(send POST /backups/b/create-index '{"name":"new"}')" = '409 ALREADY_EXISTS' ]
	[ "$(send DELETE /indexes/new)" = '202 ' ]
	wait_until 10 is_gone /indexes/new
	[ "$(sim_code "/restore-jobs/$job")" = 404 ]
	[ "$(sim_get /restore-jobs | jq -r '.data[].restore_job_id')" = "$other" ]
	[ "$(sim_get /indexes | jq -c '[.indexes[].name]')" = '["from","other"]' ]
	[ "$(send DELETE /indexes/new)" = '404 NOT_FOUND' ]
	[ "$(send POST /backups/b/create-index '{"name":"new"}')" = '202 good' ]
}

@test "a protected index isn't deleted" {
	begin
	send POST /backups/b/create-index '{"name":"new","deletion_protection":"enabled"}'
	[ "$(send DELETE /indexes/new)" = '403 FORBIDDEN' ]
	shows /indexes/new '.deletion_protection == "enabled" and .status.state == "Initializing"'
	sim_post /_sim/indexes/new '{"deletion_protection":"disabled"}'
	[ "$(send DELETE /indexes/new)" = '202 ' ]
}

@test "seeded indexes are deleted with their jobs" {
	sim_start --jobs 40 --indexes 6
	local name before
	name=$(sim_get /indexes | jq -r '.indexes[1].name')
	before=$(sim_get /restore-jobs | jq --arg name "$name" '[.data[] | select(.target_index_name != $name)] | length')
	[ "$before" -lt 40 ]
	[ "$(send DELETE "/indexes/$name")" = '202 ' ]
	wait_until 10 is_gone "/indexes/$name"
	[ "$(sim_get /restore-jobs | jq '.data | length')" = "$before" ]
	# A control request takes no more than it says.
	name=$(sim_get /indexes | jq -r '.indexes[0].name')
	sim_delete "/_sim/indexes/$name"
	[ "$(sim_get /restore-jobs | jq '.data | length')" = "$before" ]
}

@test "commands are counted, also those that are refused or never answered" {
	begin
	restore >/dev/null
	send POST /backups/b/create-index '{"name":"new"}'
	send POST /indexes/from/backups '{}'
	send DELETE /indexes/new
	send DELETE /backups/nope
	send POST /backups '{}'
	sim_post /_sim/faults '{"match":"/backups/b/create-index","kind":"silence"}'
	run sim_get /backups/b/create-index -d '{"name":"lost"}' -m 0.3
	sim_get /_data/from/describe_index_stats -d '{}'
	curl -s "$SIM_URL/_sim/requests" | jq -e '.create_index == 3 and .create_backup == 1
		and .delete_index == 1 and .delete_backup == 1 and .commands == 6 and .stats == 1
		and .other == 1 and .describe == 0 and .list == 0 and .total == 8'
	shows /indexes '[.indexes[].name] | index("from") != null and index("lost") == null'
}

@test "methods that a path has, and others" {
	sim_start
	allowed() { sim_get "$1" -X PATCH -D- -o /dev/null | tr -d '\r' | sed -n 's/^Allow: //p'; }
	[ "$(allowed /restore-jobs)" = GET ]
	[ "$(allowed /restore-jobs/x)" = GET ]
	[ "$(allowed /backups/x)" = 'GET, DELETE' ]
	[ "$(allowed /indexes/x/backups)" = 'GET, POST, DELETE' ]
	[ "$(sim_code /backups -d '{}')" = 405 ]
	[ "$(sim_code /backups/x/create -d '{}')" = 405 ]
	[ "$(sim_code /_data/x/query -d '{}')" = 404 ]
}

@test "a command whose answer is lost, or comes late, was carried out" {
	begin
	lose() {
		sim_post /_sim/faults "$(jq -cn --argjson rule "$1" '{match: "any", count: 1} + $rule')"
	}
	lose '{"carried_out":true,"kind":"reset"}'
	run sim_get /backups/b/create-index -d '{"name":"one"}'
	[ "$status" -eq 56 ]
	lose '{"carried_out":true,"kind":"silence"}'
	run sim_get /backups/b/create-index -d '{"name":"two"}' -m 0.5
	[ "$status" -eq 28 ]
	lose '{"carried_out":true,"delay":1000}'
	run sim_get /backups/b/create-index -d '{"name":"three"}' -m 0.5
	[ "$status" -eq 28 ]
	lose '{"carried_out":true,"status":502}'
	[ "$(send POST /backups/b/create-index '{"name":"four"}')" = '502 UNAVAILABLE' ]
	lose '{"carried_out":true,"delay":0.2}'
	[ "$(send POST /backups/b/create-index '{"name":"five"}')" = '202 good' ]
	lose '{"carried_out":true,"status":502}'
	[ "$(send POST /backups/b/create-index '{"name":"Six"}')" = '502 UNAVAILABLE' ]
	lose '{"status":502}'
	[ "$(send POST /backups/b/create-index '{"name":"seven"}')" = '502 UNAVAILABLE' ]
	lose '{"carried_out":true,"status":502}'
	[ "$(send GET /indexes/one)" = '502 UNAVAILABLE' ]
	[ "$(sim_get /indexes | jq -c '[.indexes[1:][].name]')" = '["one","two","three","four","five"]' ]
	[ "$(sim_get /restore-jobs | jq '.data | length')" = 5 ]
	[ "$(sim_code /_sim/faults -d '{"match":"any","carried_out":1}')" = 400 ]
}
