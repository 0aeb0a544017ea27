# The tables: all objects of a kind in one text, a line each.
load lib/watching

set_up() {
	sim_stop
	sim_start --jobs 30 --pending 5 --restore-time 100000 --backups 12 --indexes 4 --collections 2
	# A young job doesn't say yet when it was created.
	all_created() { sim_get /restore-jobs | jq -e '.data | all(.created_at)' >/dev/null; }
	wait_until 10 all_created
}

tsv() {
	cat "$MNT/tables/$1.tsv"
}

@test "one of each kind in each form, named after the kind" {
	mount_start --ttl "$(longer 60)"
	[ "$(ls "$MNT/tables")" = "$(printf '%s.jsonl\n%s.tsv\n' backups{,} collections{,} indexes{,} restore-jobs{,})" ]
	[ "$(stat -c '%F %a' "$MNT/tables" "$MNT/tables/backups.tsv")" = $'directory 555\nregular file 444' ]
	is_missing "$MNT/tables/backups"
	is_missing "$MNT/tables/backups.csv"
	is_missing "$MNT/tables/nothing.tsv"
	says 'Read-only' touch "$MNT/tables/backups.tsv"
	mount_stop
	mount_start --kinds indexes
	[ "$(ls "$MNT/tables")" = $'indexes.jsonl\nindexes.tsv' ]
}

@test "TSV: what the files of the objects say, in the order of the listing" {
	add_job odd '{"target_index_name":"a\tb\nc\\d","status":null}'
	mount_start --ttl "$(longer 60)"
	[ "$(tsv restore-jobs | wc -l)" -eq 32 ]
	[ "$(tsv restore-jobs | head -n 1 | tr '\t' ' ')" = 'restore_job_id backup_id target_index_name '\
'target_index_id status created_at completed_at percent_complete' ]
	[ "$(tsv restore-jobs | awk -F '\t' '{ print NF }' | sort -u)" = 8 ]
	[ "$(tsv restore-jobs | awk -F '\t' '$1 == "odd" { print $3, "(" $5 ")" }')" = 'a\tb\nc\\d ()' ]
	local id
	for id in $(tsv backups | tail -n +2 | cut -f 1); do
		[ "$(tsv backups | awk -F '\t' -v id="$id" '$1 == id { print $6 }')" = "$(cat "$MNT/backups/$id/status")" ]
	done
	[ "$(tsv indexes | awk -F '\t' 'NR > 1 { print $3 }' | sort -u | tr '\n' ' ')" = 'false true ' ]
}

@test "JSONL: each object as it was sent, on a line" {
	add_raw pretty "$(printf '{\n  "restore_job_id": "pretty",\n\t"n": 1e2, "s": " a  b\\n" }')"
	mount_start --ttl "$(longer 60)"
	grep -qxF '{"restore_job_id":"pretty","n":1e2,"s":" a  b\n"}' "$MNT/tables/restore-jobs.jsonl"
	diff <(jq -cS . "$MNT/tables/backups.jsonl") <(sim_get /backups | jq -cS '.data[]')
	diff <(jq -r .name "$MNT/tables/indexes.jsonl") <(sim_get /indexes | jq -r '.indexes[].name')
}

@test "both forms share a walk; again it costs nothing; after the TTL the list, and no more" {
	mount_start --no-check --ttl "$(longer 3)"
	costs 0 1 cat "$MNT/tables/restore-jobs.tsv" "$MNT/tables/restore-jobs.jsonl"
	costs 0 0 cat "$MNT/tables/restore-jobs.tsv"
	list_ran_out() { [ "$(stat -c %y "$JOBS")" != "$1" ]; }
	ls "$JOBS" >"$BATS_TEST_TMPDIR/names"
	inode=$(stat -c %i "$MNT/tables/restore-jobs.tsv")
	wait_until 10 list_ran_out "$(stat -c %y "$JOBS")"
	costs 0 1 cat "$MNT/tables/restore-jobs.tsv"
	[ "$(stat -c %i "$MNT/tables/restore-jobs.tsv")" -eq "$inode" ] # nothing has changed
}

@test "whoever has it open keeps the text that it was, to the end" {
	local n
	mount_start --ttl 0.1
	for n in {1..5}; do
		exec {fd}<"$MNT/tables/restore-jobs.tsv"
		[ "$n" -eq 1 ] || [ "$(stat -Lc %i "/proc/self/fd/$fd")" -ne "$last" ]
		last=$(stat -Lc %i "/proc/self/fd/$fd")
		IFS= read -r -u "$fd" _ # the header
		fds[n]=$fd
		add_job "new-$n" '{"status":"Failed"}'
		has_it() { tsv restore-jobs | grep -q "^new-$1	"; }
		wait_until 10 has_it "$n"
	done
	for n in {1..5}; do
		[ "$(cat <&"${fds[n]}" | wc -l)" -eq $((29 + n)) ]
	done
}

@test "tools take it as it is" {
	mount_start --ttl "$(longer 60)"
	cd "$MNT/tables" || return
	[ "$(column -ts $'\t' restore-jobs.tsv | wc -l)" -eq 31 ]
	[ "$(sort -t $'\t' -k 6 restore-jobs.tsv | wc -l)" -eq 31 ]
	[ "$(jq -r 'select(.status == "Pending").restore_job_id' restore-jobs.jsonl | wc -l)" -eq 5 ]
	# A job with the status of its backup.
	[ "$(join -t $'\t' -1 2 -2 1 -o 1.1,2.6 <(tail -n +2 restore-jobs.tsv | sort -t $'\t' -k 2,2) \
		<(tail -n +2 backups.tsv | sort -t $'\t' -k 1,1) | cut -f 2 | sort -u)" = Ready ]
	in_time 60 tar -cf /dev/null "$MNT"
	in_time 60 cp "$MNT"/tables/* "$BATS_TEST_TMPDIR"
	cmp "$BATS_TEST_TMPDIR/indexes.jsonl" indexes.jsonl
}

@test "a kind that is denied, a list that fails" {
	mount_start --ttl 0.2 --stale 1
	tsv backups >"$BATS_TEST_TMPDIR/before"
	fault '{"match":"indexes","status":403}'
	says 'Permission denied' tsv indexes
	fault '{"match":"backups","status":400}'
	tsv backups | cmp - "$BATS_TEST_TMPDIR/before"
	fails() { ! tsv backups 2>/dev/null; }
	wait_until 20 fails
	tsv restore-jobs | grep -q Completed
}
