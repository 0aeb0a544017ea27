# pinecone-sim, driven by curl: the API as the service has it, and every control endpoint but that
# for faults.
load lib/sim

# The list's ids, one a line, page after page; at most PAGES (50) pages.
all_ids() {
	local page token query="${1:+?limit=$1}" n=0
	while [ $((n++)) -lt "${PAGES:-50}" ]; do
		page=$(sim_get "/restore-jobs$query")
		jq -r '.data[].restore_job_id' <<<"$page"
		token=$(jq -r '.pagination.next // empty' <<<"$page")
		[ -n "$token" ] || return 0
		query="?paginationToken=$(jq -rn --arg t "$token" '$t | @uri')"
	done
}

token() {
	printf '%s' "$1" | base64 -w0 | jq -Rr '@uri'
}

field_is() {
	[ "$(sim_get "/restore-jobs/$1" | jq -r ".$2")" = "$3" ]
}

@test "the first line is the base URL, on the loopback only" {
	sim_start
	[[ $SIM_URL =~ ^http://127\.0\.0\.1:[0-9]+$ ]]
	local port
	port=$(printf '%04X' "${SIM_URL##*:}")
	run grep -hE "^ *[0-9]+: [0-9A-F]+:$port [0-9A-F]+:0000 0A" /proc/net/tcp /proc/net/tcp6
	[ "${#lines[@]}" -eq 1 ]
	[[ ${lines[0]} == *" 0100007F:$port "* ]]
}

@test "SIGTERM and SIGINT end it with 0" {
	sim_start
	sim_stop
	[ "$SIM_STATUS" -eq 0 ]
	sim_start
	kill -INT "$SIM_PID"
	wait_until 10 sim_is_gone "$SIM_PID"
	sim_stop
	[ "$SIM_STATUS" -eq 0 ]
}

@test "it ends while answers wait" {
	sim_start --latency "$(longer 60)"
	sim_get /restore-jobs -m "$(longer 60)" >/dev/null 2>&1 3>&- &
	wait_until 5 figure_is at_once 1
	sim_stop
	[ "$SIM_STATUS" -eq 0 ]
	wait "$!" || true
}

@test "wrong usage exits with 2 and one line" {
	local args
	for args in --nonsense --jobs '--jobs -1' '--jobs x' '--port 65536' '--restore-time 1s' \
		'--restore-time nan' '--latency -1' '--pending 13' '--seed 1x' extra -x; do
		# shellcheck disable=SC2086
		run "$PINEFS_SIM" $args
		[ "$status" -eq 2 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == "pinecone-sim: "*" (see pinecone-sim --help)" ]]
	done
	run "$PINEFS_SIM" --port 65536
	[[ $output == "pinecone-sim: --port: '65536' is not a port: a number from 0 to 65535 "* ]]
	run "$PINEFS_SIM" --pending 13
	[[ $output == "pinecone-sim: --pending 13: there are only 12 jobs "* ]]
	run "$PINEFS_SIM" --jobs
	[[ $output == "pinecone-sim: --jobs: needs a value "* ]]
}

@test "help and version" {
	run "$PINEFS_SIM" --help
	[ "$status" -eq 0 ]
	[[ $output == "Usage: pinecone-sim"* ]]
	run "$PINEFS_SIM" -V
	[ "$status" -eq 0 ]
	[[ $output =~ ^pinecone-sim\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}

@test "a port that is taken is an error" {
	sim_start
	run "$PINEFS_SIM" --port "${SIM_URL##*:}"
	[ "$status" -eq 1 ]
	[ "$output" = "pinecone-sim: can't listen on 127.0.0.1, port ${SIM_URL##*:}: Address already in use" ]
}

@test "it ends with its parent, also when that is killed" {
	local file=$BATS_TEST_TMPDIR/pid parent child
	# shellcheck disable=SC2016
	bash -c '"$PINEFS_SIM" --die-with-parent >"$1.url" & echo $! >"$1"; wait' - "$file" 3>&- &
	parent=$!
	both() { [ -s "$file" ] && [ -s "$file.url" ]; }
	wait_until 10 both
	child=$(cat "$file")
	SIM_PIDS+=("$child")
	kill -0 "$child"
	kill -KILL "$parent"
	wait_until 10 sim_is_gone "$child"
}

@test "it doesn't start for a parent that isn't its own" {
	run in_time 10 "$PINEFS_SIM" --die-with-parent=2147483647
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "an API key in its environment is wiped" {
	PINECONE_API_KEY=pcsk_very_secret sim_start
	not_under_memcheck "it keeps the environment that it began with"
	run ! grep -q very_secret "/proc/$SIM_PID/environ"
	grep -qz '^PATH=' "/proc/$SIM_PID/environ"
}

@test "a key that is no key is a plain-text 401" {
	sim_start
	local key
	for key in 'X-Nothing: x' 'Api-Key: sk_1' 'Api-Key;' 'Authorization: Bearer pcsk_x'; do
		run curl -si -H "$key" "$SIM_URL/restore-jobs"
		[[ ${lines[0]} == "HTTP/1.1 401"* ]]
		[[ $output == *$'\nContent-Type: text/plain'* ]]
		[[ $output == *$'\nx-pinecone-auth-rejected-reason: '* ]]
		[[ $output == *$'\r\n\r\nInvalid API key' ]]
	done
	[ "$(curl -s -H 'api-key: pcsk_1' -o /dev/null -w '%{http_code}' "$SIM_URL/restore-jobs")" = 200 ]
	[ "$(sim_requests unauthorized)" = 4 ]
}

@test "describe gives a bare object, an unknown id the service's 404" {
	sim_start
	local id
	id=$(sim_get /restore-jobs | jq -r '.data[0].restore_job_id')
	[ "$(sim_get "/restore-jobs/$id" | jq -r .restore_job_id)" = "$id" ]
	[ "$(sim_code /restore-jobs/nope)" = 404 ]
	[ "$(sim_get /restore-jobs/nope)" = \
		'{"error":{"code":"NOT_FOUND","message":"Restore job nope not found."},"status":404}' ]
	[ "$(sim_get /restore-jobs/a%22b | jq -r .error.message)" = 'Restore job a"b not found.' ]
	sim_get "/restore-jobs/$id" -D- -o /dev/null | grep -qE '^x-pinecone-request-id: [0-9a-f-]{36}'
}

@test "paths and methods that the API doesn't have" {
	sim_start
	[ "$(sim_code /)" = 404 ]
	[ "$(sim_code /restore-jobs/)" = 404 ]
	[ "$(sim_code /restore-job)" = 404 ]
	[ "$(sim_code /restore-jobs -X DELETE)" = 405 ]
	[ "$(sim_code /restore-jobs/x -d '{}')" = 405 ]
	[ "$(sim_requests other)" = 5 ]
}

@test "every seeded job has the service's form" {
	sim_start --jobs 200 --restore-time 1000
	sim_get /restore-jobs >"$BATS_TEST_TMPDIR/1"
	sim_get "/restore-jobs?paginationToken=$(token '{"limit":100,"offset":100}')" \
		>"$BATS_TEST_TMPDIR/2"
	jq -se '
		def uuid: test("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$");
		def stamp: test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}Z$");
		[.[].data[]] | length == 200 and all(
			(.restore_job_id, .backup_id, .target_index_id | uuid)
			and (.target_index_name | test("^[a-z0-9-]{1,45}$"))
			and (.created_at == null or (.created_at | stamp))
			and (if .status == "Completed"
				then .percent_complete == 100 and (.completed_at | stamp)
					and .completed_at > .created_at
				else .percent_complete == null end)
			and (if .status == "Pending" then .completed_at == null else true end))
		and (group_by(.status) | map({(.[0].status): length}) | add
			== {"Cancelled": 12, "Completed": 125, "Failed": 13, "Pending": 50})
		and ([.[] | select(.status == "Pending") | has("percent_complete")] | unique | length == 2)
		and (map(.restore_job_id) | unique | length == 200)' "$BATS_TEST_TMPDIR"/[12]
}

@test "the seed decides ids, names and order" {
	sim_start --jobs 30 --seed 7
	all_ids >"$BATS_TEST_TMPDIR/a"
	sim_start --jobs 30 --seed 7
	all_ids >"$BATS_TEST_TMPDIR/b"
	sim_start --jobs 30 --seed 8
	all_ids >"$BATS_TEST_TMPDIR/c"
	cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	[ "$(sort -u "$BATS_TEST_TMPDIR"/[ac] | wc -l)" -eq 60 ]
}

@test "an empty project" {
	sim_start --jobs 0
	[ "$(sim_get /restore-jobs)" = '{"data":[],"pagination":null}' ]
}

@test "pages: 100 by default, a token on a full page, then an empty one" {
	sim_start --jobs 200
	[ "$(sim_get /restore-jobs | jq '.data | length')" = 100 ]
	[ "$(sim_get /restore-jobs | jq -r .pagination.next | base64 -d)" = '{"limit":100,"offset":100}' ]
	[ "$(all_ids | sort -u | wc -l)" -eq 200 ]
	[ "$(sim_get "/restore-jobs?paginationToken=$(token '{"limit":100,"offset":200}')")" = \
		'{"data":[],"pagination":null}' ]
	[ "$(all_ids 7 | sort -u | wc -l)" -eq 200 ]
	sim_delete /_sim/requests
	all_ids >/dev/null
	[ "$(sim_requests list)" = 3 ]
}

@test "list parameters that are refused, and one that is ignored" {
	sim_start --jobs 200
	local limit bad
	for limit in 0 101 -1 x 1.5 '' 1000000000000; do
		[ "$(sim_code "/restore-jobs?limit=$limit")" = 400 ]
	done
	for bad in x '' "$(token '{"limit":0,"offset":1}')" "$(token '{"limit":101,"offset":1}')" \
		"$(token '{"limit":1}')" "$(token '{"limit":1,"offset":1}x')" \
		"$(token '{"limit":1,"offset":-1}')" 'eyJ%3D%3D%3D'; do
		[ "$(sim_get "/restore-jobs?paginationToken=$bad" | jq -r .error.message)" = \
			'Invalid pagination token' ]
	done
	[ "$(sim_code "/restore-jobs?limit=5&paginationToken=$(token '{"limit":5,"offset":5}')")" = 400 ]
	[ "$(sim_get "/restore-jobs?pagination_token=x" | jq '.data | length')" = 100 ]
}

@test "a Pending job ends when its time has come" {
	sim_start --jobs 4 --restore-time "$(longer 3)"
	local id
	id=$(sim_get /restore-jobs | jq -r '.data[-1] |
		select(.status == "Pending") | .restore_job_id')
	[ -n "$id" ]
	wait_until 10 field_is "$id" status Completed
	sim_get "/restore-jobs/$id" |
		jq -e '.percent_complete == 100 and .completed_at > .created_at and .created_at != null'
}

@test "Pending jobs end one after the other" {
	sim_start --jobs 3 --pending 3 --restore-time "$(longer 2)"
	pending() { sim_get /restore-jobs | jq '[.data[] | select(.status == "Pending")] | length'; }
	pending_is() { [ "$(pending)" = "$1" ]; }
	pending_is 3
	wait_until 10 pending_is 1
	wait_until 10 pending_is 0
}

@test "jobs are added, changed and removed" {
	sim_start --jobs 3 --pending 0
	local id
	sim_post /_sim/jobs '{"restore_job_id":"a","restore_time":100,"extra":{"x":[1,null]},"n":1.5}' |
		jq -e '.restore_job_id == "a" and .status == "Pending" and .created_at == null
			and .extra == {"x": [1, null]} and .n == 1.5'
	id=$(sim_post /_sim/jobs '' | jq -r .restore_job_id)
	[ "$(all_ids | tail -n 1)" = "$id" ]
	[ "$(sim_code /_sim/jobs -d '{"restore_job_id":"a"}')" = 409 ]
	sim_post /_sim/jobs/a '{"percent_complete":42.2,"created_at":"2020-01-01T00:00:00Z","n":null}' |
		jq -e '.percent_complete == 42.2 and .created_at == "2020-01-01T00:00:00Z"
			and has("n") and .n == null'
	sim_post /_sim/jobs/a '{"status":"Failed","remove":["n","percent_complete","backup_id"]}' |
		jq -e '.status == "Failed" and (has("n") or has("backup_id") | not)
			and (has("percent_complete") | not)'
	sim_post /_sim/jobs/a '{"status":"InProgress","percent_complete":null}' |
		jq -e '.status == "InProgress" and .percent_complete == null and .completed_at == null'
	sim_delete /_sim/jobs/a
	[ "$(sim_code /restore-jobs/a)" = 404 ]
	[ "$(all_ids | wc -l)" -eq 4 ]
	[ "$(sim_code /_sim/jobs/a -X DELETE)" = 404 ]
	sim_post /_sim/jobs '{"restore_job_id":"a"}'
	[ "$(all_ids | tail -n 1)" = a ]
}

@test "a status with a restore time is the end to come" {
	sim_start --jobs 0
	local time
	time=$(longer 2)
	sim_post /_sim/jobs "{\"restore_job_id\":\"a\",\"status\":\"Cancelled\",\"restore_time\":$time}"
	sim_post /_sim/jobs "{\"restore_job_id\":\"b\",\"status\":\"Running\",\"restore_time\":$time}"
	field_is a status Pending
	field_is b status Running
	wait_until 10 field_is a status Cancelled
	wait_until 10 field_is b status Completed
}

@test "seeded jobs are changed and removed like others" {
	sim_start --jobs 5 --pending 0
	local ids
	mapfile -t ids < <(all_ids)
	sim_post "/_sim/jobs/${ids[0]}" '{"status":"Pending"}' >/dev/null
	field_is "${ids[0]}" status Pending
	[ "$(all_ids | head -n 1)" = "${ids[0]}" ]
	sim_delete "/_sim/jobs/${ids[2]}"
	[ "$(sim_code "/restore-jobs/${ids[2]}")" = 404 ]
	[ "$(all_ids | tr '\n' ' ')" = "${ids[0]} ${ids[1]} ${ids[3]} ${ids[4]} " ]
	[ "$(sim_code "/restore-jobs/${ids[4]}")" = 200 ]
}

@test "many jobs come and go" {
	sim_start --jobs 0
	# One curl for many requests; those for ids that exist are refused with 409.
	add_all() {
		seq 300 | while read -r n; do
			printf 'url = "%s/_sim/jobs"\ndata = "{\\"restore_job_id\\":\\"j%d\\"}"\n' "$SIM_URL" "$n"
			[ "$n" -eq 300 ] || echo next
		done | curl -sS -K - >/dev/null
	}
	add_all
	[ "$(all_ids | wc -l)" -eq 300 ]
	curl -sS -X DELETE "$SIM_URL/_sim/jobs/j[1-300:2]"
	[ "$(all_ids | grep -c '[02468]$')" -eq 150 ]
	[ "$(all_ids | wc -l)" -eq 150 ]
	add_all
	[ "$(all_ids | sort -u | wc -l)" -eq 300 ]
	[ "$(sim_code /restore-jobs/j299)" = 200 ]
}

@test "a raw object goes out byte by byte" {
	sim_start --jobs 0
	local raw='{ "restore_job_id":"r",  "percent_complete":1e2, "status":"Completed" }'
	sim_post /_sim/jobs "$(jq -cn --arg raw "$raw" '{restore_job_id: "r", raw: $raw}')"
	[ "$(sim_get /restore-jobs/r)" = "$raw" ]
	[ "$(sim_get /restore-jobs)" = "{\"data\":[$raw],\"pagination\":null}" ]
	sim_post /_sim/jobs/r '{"raw":"{broken"}'
	[ "$(sim_get /restore-jobs/r)" = '{broken' ]
	sim_post /_sim/jobs/r '{"raw":null}'
	field_is r status Pending
}

@test "control requests that make no sense are refused and change nothing" {
	sim_start --jobs 1 --pending 0
	local before
	before=$(sim_get /restore-jobs)
	[ "$(sim_code /_sim/jobs -d '[]')" = 400 ]
	[ "$(sim_code /_sim/jobs -d '{')" = 400 ]
	[ "$(sim_code /_sim/jobs -d '{"restore_job_id":1}')" = 400 ]
	[ "$(sim_code /_sim/jobs -d '{"restore_time":-1}')" = 400 ]
	[ "$(sim_code /_sim/jobs -d '{"raw":{}}')" = 400 ]
	[ "$(sim_code /_sim/jobs -d '{"remove":[1]}')" = 400 ]
	[ "$(sim_code /_sim/jobs/nope -d '{}')" = 404 ]
	[ "$(sim_code /_sim/list -d '{"lat":1}')" = 400 ]
	[ "$(sim_code /_sim/list -d '{"layout":"ugly"}')" = 400 ]
	[ "$(sim_code /_sim/list -d '{"layout":"pretty","drop":["nope"]}')" = 404 ]
	[ "$(sim_code /_sim/faults -d '{"match":"sometimes","status":500}')" = 400 ]
	[ "$(sim_code /_sim/faults -d '{"match":"any","kind":"odd"}')" = 400 ]
	[ "$(sim_code /_sim/faults -d '{"match":"any","stauts":500}')" = 400 ]
	[ "$(sim_code /_sim/faults -d '{"status":500}')" = 400 ]
	[ "$(sim_get /_sim/faults -d '{"match":"any","stauts":500}' | jq -r .error.message)" = \
		'a rule has no such key, or it takes another value: stauts' ]
	[ "$(sim_code /_sim/nothing)" = 404 ]
	[ "$(sim_code /_sim/jobs)" = 405 ]
	head -c 67108865 /dev/zero >"$BATS_TEST_TMPDIR/long"
	[ "$(sim_code /_sim/jobs --data-binary "@$BATS_TEST_TMPDIR/long")" = 413 ]
	[ "$(sim_get /restore-jobs)" = "$before" ]
	[ "$(sim_requests total)" = 2 ]
}

@test "the list drops jobs that describe knows" {
	sim_start --jobs 4
	local ids
	mapfile -t ids < <(all_ids)
	sim_post /_sim/list "{\"drop\":[\"${ids[1]}\"]}"
	[ "$(all_ids | tr '\n' ' ')" = "${ids[0]} ${ids[2]} ${ids[3]} " ]
	[ "$(sim_code "/restore-jobs/${ids[1]}")" = 200 ]
	[ "$(sim_get '/restore-jobs?limit=2' | jq -c '[(.data | length), (.pagination.next | type)]')" = \
		'[1,"string"]' ]
	sim_post /_sim/list '{"reset":true}'
	[ "$(all_ids | wc -l)" -eq 4 ]
}

@test "the list repeats rows" {
	sim_start --jobs 10
	sim_post /_sim/list '{"repeat":2}'
	[ "$(all_ids 5 | sort | uniq -d | wc -l)" -ge 2 ]
	[ "$(all_ids 5 | sort -u | wc -l)" -eq 10 ]
	sim_post /_sim/list '{"repeat":100}'
	[ "$(all_ids 5 | sort -u | wc -l)" -eq 10 ]
}

@test "the list is late" {
	sim_start --jobs 0
	sim_post /_sim/list "{\"late\":$(longer 2)}"
	sim_post /_sim/jobs '{"restore_job_id":"a"}'
	[ "$(sim_code /restore-jobs/a)" = 200 ]
	[ -z "$(all_ids)" ]
	listed() { [ "$(all_ids)" = a ]; }
	wait_until 5 listed
}

@test "the list loops" {
	sim_start --jobs 10
	sim_post /_sim/list '{"loop_token":true}'
	local first next
	first=$(sim_get '/restore-jobs?limit=4' | jq -r .pagination.next)
	next=$(sim_get "/restore-jobs?paginationToken=$(jq -rn --arg t "$first" '$t | @uri')" |
		jq -r .pagination.next)
	[ "$first" = "$next" ]
}

@test "the list never ends, with rows or without" {
	sim_start --jobs 10
	local PAGES=8
	sim_post /_sim/list '{"endless":"rows"}'
	[ "$(all_ids | sort -u | wc -l)" -eq 800 ]
	[ "$(sim_code "/restore-jobs/$(all_ids | tail -n 1)")" = 404 ]
	sim_post /_sim/list '{"endless":"empty"}'
	[ "$(all_ids | sort -u | wc -l)" -eq 10 ]
	sim_delete /_sim/requests
	all_ids >/dev/null
	[ "$(sim_requests list)" = 8 ]
}

@test "the list's other layout has the same values" {
	sim_start --jobs 3 --pending 0
	local plain
	plain=$(sim_get /restore-jobs | jq -S .)
	sim_post /_sim/list '{"layout":"pretty"}'
	[ "$(sim_get /restore-jobs | jq -S .)" = "$plain" ]
	[ "$(sim_get /restore-jobs | wc -l)" -gt 20 ]
	[ "$(sim_get /restore-jobs | jq -r '.data[0] | keys_unsorted[-1]')" = restore_job_id ]
	[ "$(sim_get "/restore-jobs/$(all_ids | head -n 1)" | wc -l)" -eq 0 ]
}

@test "extra rows and the ways to end" {
	sim_start --jobs 1
	sim_post /_sim/list '{"extra_rows":["42","{\"restore_job_id\":\"x\"}"]}'
	[ "$(sim_get /restore-jobs | jq -c '.data[1:]')" = '[42,{"restore_job_id":"x"}]' ]
	sim_post /_sim/list '{"end":"missing","extra_rows":[]}'
	[ "$(sim_get /restore-jobs | jq -c 'keys')" = '["data"]' ]
	sim_post /_sim/list '{"end":"empty"}'
	[ "$(sim_get /restore-jobs | jq -c .pagination)" = '{}' ]
	sim_post /_sim/list '{"end":"next_null"}'
	[ "$(sim_get /restore-jobs | jq -c .pagination)" = '{"next":null}' ]
}

@test "requests are counted, control requests are not" {
	sim_start
	# Both by one connection.
	sim_get /restore-jobs/a "$SIM_URL/restore-jobs" -o /dev/null -o /dev/null
	sim_code /nowhere
	sim_post /_sim/jobs '{}'
	curl -s "$SIM_URL/_sim/requests" | jq -e '
		.describe == 1 and .list == 1 and .other == 1 and .total == 3 and .unauthorized == 0
		and .connections == 2 and .at_once == 0 and .most_at_once == 1
		and .paths == {"/restore-jobs/a": 1, "/restore-jobs": 1, "/nowhere": 1}'
	sim_delete /_sim/requests
	[ "$(sim_requests total)" = 0 ]
	[ "$(curl -s "$SIM_URL/_sim/log")" = '[]' ]
}

@test "the log knows headers, and hides keys" {
	sim_start
	sim_get '/restore-jobs?limit=3' -H 'X-Pinecone-Api-Version: 2025-10' \
		-H 'Authorization: Bearer secret' >/dev/null
	curl -s "$SIM_URL/_sim/log" | jq -e '.[0] |
		.method == "GET" and .target == "/restore-jobs?limit=3" and .version == "HTTP/1.1"
		and .headers["x-pinecone-api-version"] == "2025-10"
		and .headers["api-key"] == "(hidden)" and .headers.authorization == "(hidden)"'
	curl -s "$SIM_URL/_sim/log" >"$BATS_TEST_TMPDIR/log"
	run ! grep -qE 'pcsk_|secret' "$BATS_TEST_TMPDIR/log"
}

@test "the log and the paths are bounded" {
	sim_start
	curl -sS -H "Api-Key: $SIM_KEY" "$SIM_URL/restore-jobs/[1-1100]" -o /dev/null
	[ "$(curl -s "$SIM_URL/_sim/log" | jq -r 'length, .[0].target, .[-1].target' | tr '\n' ' ')" = \
		'1000 /restore-jobs/101 /restore-jobs/1100 ' ]
	[ "$(sim_requests 'paths | length')" = 1000 ]
	[ "$(sim_requests other_paths)" = 100 ]
	[ "$(sim_requests connections)" = 1 ]
}

@test "a million jobs are cheap" {
	not_under_memcheck "it spends more on each than they do"
	sim_start --jobs 1000000
	local id
	id=$(sim_get "/restore-jobs?paginationToken=$(token '{"limit":100,"offset":999950}')" |
		jq -r '.data[-1].restore_job_id')
	[ "$(sim_code "/restore-jobs/$id")" = 200 ]
	# Sanitizers keep shadow memory of their own.
	if ! grep -q lib.san "/proc/$SIM_PID/maps"; then
		[ "$(awk '/VmRSS/ {print $2}' "/proc/$SIM_PID/status")" -lt 100000 ]
	fi
}

manual() {
	# shellcheck disable=SC2016
	sed 's/\\e/\\/g' "$BATS_TEST_DIRNAME/../../man/pinecone-sim.1"
}

@test "the manual names every option and is clean" {
	local option
	while read -r option; do
		manual | grep -qE "^\.It Fl (h , |V , )?$option( |\$)" || {
			echo "not in the manual: -$option"
			return 1
		}
	done < <("$PINEFS_SIM" --help | grep -oE '^ +(-[hV], )?--[a-z-]+' | sed 's/.*--/-/')
	if command -v mandoc >/dev/null; then
		mandoc -T lint -W warning "$BATS_TEST_DIRNAME/../../man/pinecone-sim.1"
	fi
}

@test "the manual's examples work" {
	sim_start --jobs 250
	local command n=0
	# Read by the commands.
	# shellcheck disable=SC2034
	local url=$SIM_URL
	while IFS= read -r command; do
		echo "$command"
		eval "curl -f ${command#curl}"
		n=$((n + 1))
	done < <(manual | sed -n 's/^\$ \(curl .*\)/\1/p')
	[ "$n" -ge 12 ]
}
