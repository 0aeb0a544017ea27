# The tree: what is in it, what is in the files, and where that came from.
load lib/mount

entries() {
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n'
}

names() {
	entries "$1" | sort | tr '\n' ' '
}

@test "the root: README, a directory for each kind, events and .pinefs" {
	sim_start --jobs 2
	mount_start
	[ "$(names "$MNT")" = '.pinefs README backups collections events indexes restore-jobs tables ' ]
	[ "$(ls "$MNT")" = $'README\nbackups\ncollections\nevents\nindexes\nrestore-jobs\ntables' ]
	grep -q 'All of it is read-only' "$MNT/README"
	[ "$(stat -c '%F %a' "$MNT" "$MNT/README" "$JOBS" "$MNT/.pinefs" | tr '\n' ' ')" = \
		'directory 555 regular file 444 directory 555 directory 555 ' ]
	[ "$(stat -c %s "$MNT/README")" -eq "$(wc -c <"$MNT/README")" ]
	says 'No such file' cat "$MNT/nothing"
	costs 0 0 names "$MNT"
	mount_stop
}

fields='restore_job_id backup_id target_index_name target_index_id status created_at completed_at percent_complete'

@test "a job's directory" {
	sim_start --jobs 0
	mount_start
	add_job a '{"status": "Completed"}'
	add_job b '{"restore_time": 1000}'
	[ "$(names "$JOBS/a")" = 'backup backup_id completed_at created_at done events index percent_complete raw.json '\
'restore_job_id status target_index_id target_index_name ' ]
	[ "$(names "$JOBS/b")" = 'backup backup_id completed_at created_at events index percent_complete raw.json '\
'restore_job_id status target_index_id target_index_name ' ]
	[ "$(find "$JOBS"/[ab]/ -mindepth 1 -printf '%y %m\n' | sort -u)" = $'f 444\nl 777' ]
	says 'No such file' cat "$JOBS/a/nothing"
	says 'No such file' cat "$JOBS/b/done"
	says 'No such file' ls "$JOBS/a/.git"
	says 'Not a directory' ls "$JOBS/a/status/"
}

@test "the eight fields, as the API sends them" {
	sim_start --jobs 12 --pending 3 --restore-time 1000
	mount_start --ttl 60
	local field
	# A young job doesn't say when it was created.
	all_created() { sim_get /restore-jobs | jq -e '.data | all(.created_at)'; }
	wait_until 10 all_created
	sim_get /restore-jobs >"$BATS_TEST_TMPDIR/page"
	# shellcheck disable=SC2016,SC2086
	jq -r '.data[] as $job | $ARGS.positional[] as $field | select($job[$field] != null)
		| "\($job.restore_job_id)/\($field):\($job[$field])"' --args $fields \
		<"$BATS_TEST_TMPDIR/page" | sort >"$BATS_TEST_TMPDIR/wanted"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/wanted")" -gt 60 ]
	cd "$JOBS"
	for field in $fields; do
		grep -H '' -- */"$field"
	done | sort | diff "$BATS_TEST_TMPDIR/wanted" -
	[ "$(find . -name status | wc -l)" -eq 12 ]
	grep -H '' -- */done | sed 's/done:/status:/' |
		diff <(grep '/status:' "$BATS_TEST_TMPDIR/wanted" | grep -v ':Pending$') -
	cd /
}

@test "numbers keep the form in which they were sent" {
	sim_start --jobs 0
	mount_start
	local number n=0
	for number in 42.2 100 1e2 1E+2 0.10 -0 100.000 123456789012345678901234567890 4.0e-400; do
		add_raw "n$n" "{\"restore_job_id\":\"n$n\",\"status\":\"Pending\",\"percent_complete\": $number }"
		[ "$(cat "$JOBS/n$n/percent_complete")" = "$number" ]
		n=$((n + 1))
	done
	[ "$n" -eq 9 ]
}

@test "strings are decoded, other values are shown as they are" {
	sim_start --jobs 0
	mount_start
	# shellcheck disable=SC1003
	add_raw a '{"restore_job_id":"a","target_index_name":"a\u00e9\ud83d\ude00\"\\\/b\tc\nd","status":" Odd ",
		"backup_id":true,"target_index_id":{ "x" : [1] },"created_at":"","completed_at":7}'
	printf 'a\303\251\360\237\230\200"\\/b\tc\nd\n' | cmp - "$JOBS/a/target_index_name"
	[ "$(cat "$JOBS/a/status")" = ' Odd ' ]
	[ "$(cat "$JOBS/a/backup_id")" = true ]
	[ "$(cat "$JOBS/a/target_index_id")" = '{ "x" : [1] }' ]
	[ "$(od -An -c "$JOBS/a/created_at" | tr -d ' ')" = '\n' ]
	[ "$(cat "$JOBS/a/completed_at")" = 7 ]
}

@test "null and absent: an empty file" {
	sim_start --jobs 0
	mount_start
	add_raw a '{"restore_job_id":"a","status":null,"percent_complete":null,"created_at":null}'
	add_raw b '{"restore_job_id":"b"}'
	local id field
	for id in a b; do
		[ "$(cat "$JOBS/$id/restore_job_id")" = "$id" ]
		for field in ${fields#* }; do
			[ "$(stat -c '%F %s' "$JOBS/$id/$field")" = 'regular empty file 0' ]
			cat "$JOBS/$id/$field" >"$BATS_TEST_TMPDIR/value"
			[ ! -s "$BATS_TEST_TMPDIR/value" ]
		done
		[ ! -e "$JOBS/$id/done" ]
	done
}

@test "scalar keys that nobody knows become files, others stay in raw.json" {
	sim_start --jobs 0
	mount_start
	add_raw a '{"restore_job_id":"a","status":"Pending","region":"eu-west1","tries":3.50,"paused":false,
		"nothing":null,"tags":{"x":1},"list":[1,2]}'
	# Without a listing before.
	[ "$(cat "$JOBS/a/region")" = eu-west1 ]
	[ "$(cat "$JOBS/a/tries")" = 3.50 ]
	[ "$(cat "$JOBS/a/paused")" = false ]
	ls "$JOBS/a" >"$BATS_TEST_TMPDIR/names"
	[ "$(grep -cxE 'region|tries|paused' "$BATS_TEST_TMPDIR/names")" -eq 3 ]
	[ "$(grep -cxE 'nothing|tags|list' "$BATS_TEST_TMPDIR/names" || true)" -eq 0 ]
	says 'No such file' cat "$JOBS/a/nothing"
	says 'No such file' cat "$JOBS/a/tags"
	# Another job that lacks them has no such files.
	add_job b
	[ -e "$JOBS/b/status" ]
	[ ! -e "$JOBS/b/region" ]
}

@test "hostile keys get safe names, and hide no other file" {
	sim_start --jobs 0
	mount_start
	local long
	long=$(printf 'k%.0s' {1..300})
	add_raw a "$(printf '{"restore_job_id":"a","status":"Completed","../../x":1,"a/b":2,"a b":3,"..":4,
		".":5,"":6,"raw.json":7,"done":8,"events":9,"wait":10,"new\\nline":11,"\\u0001control":12,"é":13,
		".hidden":14,"-rf":15,"%s":16,"Status":17}' "$long")"
	ls -A "$JOBS/a" >"$BATS_TEST_TMPDIR/names"
	run ! grep -qvE '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$' "$BATS_TEST_TMPDIR/names"
	# All of the odd ones are there, each once.
	local name
	while IFS= read -r name; do
		grep -qxE '[0-9]+' "$JOBS/a/$name" && cat "$JOBS/a/$name"
	done <"$BATS_TEST_TMPDIR/names" >"$BATS_TEST_TMPDIR/values" || true
	[ "$(sort -n "$BATS_TEST_TMPDIR/values" | tr '\n' ' ')" = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 ' ]
	[ "$(sort "$BATS_TEST_TMPDIR/names" | uniq -d | wc -l)" -eq 0 ]
	# What was there before them still is.
	[ "$(cat "$JOBS/a/done")" = Completed ]
	cmp <(sim_get /restore-jobs/a) "$JOBS/a/raw.json"
	[ "$(cat "$JOBS/a/status" "$JOBS/a/Status" | tr '\n' ' ')" = 'Completed 17 ' ]
	[ "$(cat "$JOBS/a/a_b" "$JOBS/a/a_b_2" | tr '\n' ' ')" = '2 3 ' ]
}

@test "of very many unknown keys the first become files, raw.json has all" {
	sim_start --jobs 0
	mount_start
	add_raw a "$(jq -cn '{restore_job_id: "a"} + ([range(1000) | {"key_\(.)": .}] | add)')"
	ls "$JOBS/a" >"$BATS_TEST_TMPDIR/names"
	[ "$(grep -c '^key_' "$BATS_TEST_TMPDIR/names")" -eq 32 ]
	[ "$(cat "$JOBS/a/key_31")" = 31 ]
	says 'No such file' cat "$JOBS/a/key_32"
	cmp <(sim_get /restore-jobs/a) "$JOBS/a/raw.json"
}

@test "raw.json is byte for byte what describe sent" {
	sim_start --jobs 0
	mount_start
	# Odd white space, a key twice, escapes that needn't be, no newline at the end.
	add_raw a $'\n{ "status" :"Pending",\t"restore_job_id":"\\u0061" ,"x":1.0,"x":1,"y":"\\/\\u00e9é"}\r\n '
	costs 1 0 cat "$JOBS/a/raw.json"
	cmp "$COST_OUTPUT" <(sim_get /restore-jobs/a)
	[ "$(attribute "$JOBS/a/raw.json" source)" = describe ]
	# More than the kernel reads at once.
	head -c 900000 /dev/urandom | base64 -w0 >"$BATS_TEST_TMPDIR/text"
	jq -Rc '{restore_job_id: "big", raw: ({restore_job_id: "big", text: .} | tojson)}' \
		"$BATS_TEST_TMPDIR/text" >"$BATS_TEST_TMPDIR/job"
	sim_post /_sim/jobs "@$BATS_TEST_TMPDIR/job" >/dev/null
	costs 1 0 cat "$JOBS/big/raw.json"
	cmp "$COST_OUTPUT" <(sim_get /restore-jobs/big)
	[ "$(stat -c %s "$JOBS/big/raw.json")" -gt 1200000 ]
	[ "$(wc -c <"$JOBS/big/text")" -eq 1200001 ]
}

# A page, put together again from the files.
page_of_files() {
	local id separator=''
	printf '{"data":['
	for id in $(entries "$JOBS"); do
		printf '%s' "$separator"
		cat "$JOBS/$id/raw.json"
		separator=,
	done
	printf '],"pagination":null}'
}

@test "raw.json is byte for byte what the page of the list sent" {
	sim_start --jobs 20 --pending 0
	add_raw x $'{ "restore_job_id":"x",\n"percent_complete":1e2, "status":"Pending","u":"\\u00e9" }'
	sim_post /_sim/list '{"layout":"pretty"}'
	mount_start --ttl 60
	sim_get /restore-jobs >"$BATS_TEST_TMPDIR/page"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/page")" -gt 100 ]
	costs 0 1 page_of_files
	cmp "$COST_OUTPUT" "$BATS_TEST_TMPDIR/page"
	[ "$(attribute "$JOBS/x/raw.json" source)" = list ]
}

@test "another layout of the same object is no change" {
	sim_start --jobs 1 --pending 0
	mount_start --ttl-final 0.2
	local id before file
	id=$(sim_get /restore-jobs | jq -r '.data[0].restore_job_id')
	file=$JOBS/$id/raw.json
	before=$(cat "$file")
	sim_post /_sim/list '{"layout":"pretty"}' >/dev/null
	stat -c '%y %i' "$file" >"$BATS_TEST_TMPDIR/before"
	wait_until 10 expired "$file"
	costs 0 1 ls "$JOBS"
	[ "$(attribute "${file%/*}" source)" = list ]
	[ "$(cat "$file")" = "$before" ]
	stat -c '%y %i' "$file" | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "done is there once the status is terminal, however that is spelt" {
	sim_start --jobs 0
	mount_start
	local status
	for status in Completed Failed Cancelled Canceled COMPLETED cancelled; do
		add_raw "is-$status" "{\"restore_job_id\":\"is-$status\",\"status\":\"$status\"}"
		[ "$(cat "$JOBS/is-$status/done")" = "$status" ]
	done
	for status in Pending Running InProgress Complete ''; do
		add_raw "not-$status" "{\"restore_job_id\":\"not-$status\",\"status\":\"$status\"}"
		[ "$(cat "$JOBS/not-$status/status")" = "$status" ]
		[ ! -e "$JOBS/not-$status/done" ]
	done
	[ "$(find "$JOBS" -name 'done' | wc -l)" -eq 6 ]
}

@test "modification time: completed, else created, else first seen" {
	sim_start --jobs 0
	local before
	before=$(date +%s)
	mount_start
	add_raw a '{"restore_job_id":"a","created_at":"2025-04-25T18:14:05.227526Z","completed_at":"2025-04-25T18:14:11.074618Z"}'
	add_raw b '{"restore_job_id":"b","created_at":"2024-01-01T00:00:00Z","completed_at":null}'
	add_raw c '{"restore_job_id":"c","created_at":null}'
	add_raw d '{"restore_job_id":"d","created_at":"1969-12-31T23:59:58.250000000Z"}'
	[ "$(TZ=UTC find "$JOBS" -name status -printf '%T+ %P\n' | sort | sed '$d' | tr '\n' ' ')" = \
		'1969-12-31+23:59:58.2500000000 d/status 2024-01-01+00:00:00.0000000000 b/status '\
'2025-04-25+18:14:11.0746180000 a/status ' ]
	[ "$(stat -c %Y "$JOBS/c/status")" -ge "$before" ]
	[ "$(stat -c %Y "$JOBS/c/status")" -le "$(date +%s)" ]
	[ "$(stat -c %y "$JOBS/a")" = "$(stat -c %y "$JOBS/a/raw.json")" ]
	# shellcheck disable=SC2012 # it is ls that sorts
	[ "$(ls -t "$JOBS" | tr '\n' ' ')" = 'c a b d ' ]
}

@test "inode numbers are unique, and stay when the content changes" {
	sim_start --jobs 30
	mount_start --ttl 0.2 --ttl-final 0.2
	find "$MNT" -path "$MNT/tables" -prune -o -printf '%i %P\n' | sort >"$BATS_TEST_TMPDIR/before"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/before")" -gt 270 ]
	[ "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/before" | uniq -d | wc -l)" -eq 0 ]
	local id
	id=$(sim_get /restore-jobs | jq -r '.data[0].restore_job_id')
	sim_post "/_sim/jobs/$id" '{"target_index_name":"other"}' >/dev/null
	wait_until 10 file_says "$JOBS/$id/target_index_name" other
	# But for the link: the kernel keeps what it has read of one.
	diff <(find "$MNT" -path "$MNT/tables" -prune -o -printf '%i %P\n' | sort) "$BATS_TEST_TMPDIR/before" >"$BATS_TEST_TMPDIR/differ" || true
	[ "$(grep -c "^< .*/$id/index$" "$BATS_TEST_TMPDIR/differ")" -eq 1 ]
	[ "$(grep -c '^[<>]' "$BATS_TEST_TMPDIR/differ")" -eq 2 ]
}
