# pinecone-sim, driven by curl: the faults that it can be told to have.
load lib/sim

# A rule for one list request.
fault() {
	sim_post /_sim/faults "$(jq -cn --argjson rule "$1" '{match: "list", count: 1} + $rule')"
}

@test "a status fault, its headers and its count" {
	sim_start
	fault '{"count":2,"status":503,"retry_after":"7","headers":{"X-Test":"yes"}}'
	run sim_get /restore-jobs -i
	[[ $output == "HTTP/1.1 503"* ]]
	[[ $output == *$'\nRetry-After: 7\r'* ]]
	[[ $output == *$'\nX-Test: yes\r'* ]]
	[[ $output == *'{"error":{"code":"UNAVAILABLE","message":"Service unavailable"},"status":503}' ]]
	[ "$(sim_code /restore-jobs/nope)" = 404 ]
	[ "$(sim_code /restore-jobs)" = 503 ]
	[ "$(sim_code /restore-jobs)" = 200 ]
	[ "$(curl -s "$SIM_URL/_sim/faults" | jq -c '[.[].hits]')" = '[2]' ]
}

@test "a fault with a body of one's own" {
	sim_start
	fault '{"status":502,"body":"<html>","content_type":"text/html"}'
	run sim_get /restore-jobs -i
	[[ $output == *$'\nContent-Type: text/html\r'* ]]
	[[ $output == *$'\r\n\r\n<html>' ]]
}

@test "the first rule that fits wins; a rule without a count stays" {
	sim_start
	sim_post /_sim/faults '{"match":"/restore-jobs/a","status":500}'
	sim_post /_sim/faults '{"match":"describe","status":429}'
	sim_post /_sim/faults '{"match":"any","status":403}'
	[ "$(sim_code /restore-jobs/a)" = 500 ]
	[ "$(sim_code /restore-jobs/a)" = 500 ]
	[ "$(sim_code /restore-jobs/b)" = 429 ]
	[ "$(sim_code /restore-jobs)" = 403 ]
	[ "$(sim_code /elsewhere)" = 403 ]
	sim_delete /_sim/faults
	[ "$(sim_code /restore-jobs)" = 200 ]
}

@test "a delay alone changes the time, not the answer" {
	sim_start
	fault '{"delay":0.4}'
	run sim_get /restore-jobs -o /dev/null -w '%{http_code} %{time_total}'
	[ "${output% *}" = 200 ]
	jq -ne --arg t "${output#* }" '($t | tonumber) >= 0.4'
}

@test "reset: the connection breaks" {
	sim_start
	fault '{"kind":"reset"}'
	run sim_get /restore-jobs
	[ "$status" -eq 56 ]
	[[ $output == *reset* ]]
	[ "$(sim_code /restore-jobs)" = 200 ]
}

@test "half: less than was promised" {
	sim_start
	fault '{"kind":"half","body":"0123456789"}'
	run sim_get /restore-jobs
	[ "$status" -eq 18 ]
	[[ $output == *01234* ]]
	[[ $output != *012345* ]]
}

@test "garbage, deep and redirect are answers" {
	sim_start
	fault '{"kind":"garbage"}'
	sim_get /restore-jobs >"$BATS_TEST_TMPDIR/garbage"
	run ! jq . "$BATS_TEST_TMPDIR/garbage"
	fault '{"kind":"deep"}'
	[ "$(sim_get /restore-jobs | tr -cd '[' | wc -c)" -eq 10000 ]
	fault '{"kind":"redirect","location":"http://127.0.0.1:1/elsewhere"}'
	run sim_get /restore-jobs -o /dev/null -w '%{http_code} %{redirect_url}'
	[ "$output" = '302 http://127.0.0.1:1/elsewhere' ]
}

@test "drip: a byte a second, without end" {
	sim_start
	fault '{"kind":"drip"}'
	run sim_get /restore-jobs -m 1.5 -o /dev/null -w '%{size_download}\n'
	[ "$status" -eq 28 ]
	[ "${lines[0]}" -eq 2 ] || [ "${lines[1]}" -eq 2 ]
	wait_until 5 figure_is at_once 0
}

@test "huge: 17 MiB, chunked or not" {
	sim_start
	fault '{"kind":"huge"}'
	[ "$(sim_get /restore-jobs | wc -c)" -eq 17825792 ]
	fault '{"kind":"huge","chunked":true,"size":100000}'
	sim_get /restore-jobs -D "$BATS_TEST_TMPDIR/head" | jq -e '.data == []'
	grep -qi '^transfer-encoding: chunked' "$BATS_TEST_TMPDIR/head"
}

@test "silence: no answer, and a client that leaves is noticed" {
	sim_start
	fault '{"kind":"silence"}'
	run sim_get /restore-jobs -m 0.3
	[ "$status" -eq 28 ]
	wait_until 5 figure_is at_once 0
}

@test "latency delays, but doesn't queue" {
	sim_start --latency "$(longer 0.4)"
	run curl -sS -Z --parallel-immediate --parallel-max 60 -H "Api-Key: $SIM_KEY" \
		-o /dev/null -w '%{http_code} %{time_total}\n' "$SIM_URL/restore-jobs?limit=[1-60]"
	[ "$status" -eq 0 ]
	# Queued, they would take 24 s.
	printf '%s\n' "${lines[@]}" | jq -Rse --argjson times "$PATIENCE" 'split("\n")
		| map(select(startswith("200 "))) | length == 60
		and all((split(" ")[1] | tonumber / $times) as $t | $t >= 0.4 and $t < 10)'
	[ "$(sim_requests most_at_once)" -gt 30 ]
}
