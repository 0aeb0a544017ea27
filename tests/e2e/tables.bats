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

texts_are() {
	[ "$(counter table_texts)" -eq "$1" ]
}

@test "one of each kind in each form, named after the kind" {
	mount_start --ttl "$(longer 60)"
	[ "$(ls "$MNT/tables")" = "$(printf '%s.jsonl\n%s.tsv\n' backups{,} collections{,} indexes{,} restore-jobs{,})" ]
	[ "$(stat -c '%F %a' "$MNT/tables" "$MNT/tables/backups.tsv")" = $'directory 555\nregular file 444' ]
	is_missing "$MNT/tables/backups"
	is_missing "$MNT/tables/backups.csv"
	is_missing "$MNT/tables/nothing.tsv"
	says 'Read-only' touch "$MNT/tables/backups.tsv"
	says 'Read-only' cp "$BASH" "$MNT/tables/new.tsv"
	# To list them costs nothing, with attributes it costs the lists.
	mount_stop
	mount_start --no-check --ttl "$(longer 60)"
	costs 0 0 ls "$MNT/tables"
	costs 0 0 find "$MNT/tables"
	texts_are 0
	costs 0 4 ls -l "$MNT/tables"
	texts_are 8
	mount_stop
	mount_start --kinds indexes
	[ "$(ls "$MNT/tables")" = $'indexes.jsonl\nindexes.tsv' ]
}

@test "TSV: what the files of the objects say, in the order of the listing" {
	add_job odd '{"target_index_name":"a\tb\nc\\d","status":null}'
	mount_start --ttl 0.5
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
	# What a terminal would obey doesn't get there.
	add_job evil "$(printf '{"target_index_name":"\\u001b[2J\\u009b2J\\u0007\\r\u00e9"}')"
	is_there() { tsv restore-jobs | cut -f 1 | grep -qx evil; }
	wait_until 20 is_there
	[ "$(tsv restore-jobs | grep ^evil | cut -f 3)" = '\x1b[2J\xc2\x9b2J\x07\r'$'\u00e9' ]
	[ "$(tsv restore-jobs | LC_ALL=C grep -c $'[^\t -~]')" -eq 1 ] # the letter
}

@test "JSONL: each object as it was sent, on a line" {
	add_raw pretty "$(printf '{\n  "restore_job_id": "pretty",\n\t"n": 1e2, "s": " a  b\\n" }')"
	mount_start --ttl 0.5
	grep -qxF '{"restore_job_id":"pretty","n":1e2,"s":" a  b\n"}' "$MNT/tables/restore-jobs.jsonl"
	# A line break in a string, which is no JSON: still a line an object, and JSON now.
	add_raw broken "$(printf '{"restore_job_id":"broken","s":"1\n2\t3"}')"
	is_there() { grep -q broken "$MNT/tables/restore-jobs.jsonl"; }
	wait_until 20 is_there
	grep -qxF '{"restore_job_id":"broken","s":"1\u000a2\u00093"}' "$MNT/tables/restore-jobs.jsonl"
	[ "$(jq -r .restore_job_id "$MNT/tables/restore-jobs.jsonl" | wc -l)" -eq 32 ]
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

@test "what the kernel has of it costs no message" {
	local before
	sim_stop
	sim_start --jobs 600 --pending 0
	mount_start --ttl 86400 --max-rate 1000
	cat "$MNT"/tables/restore-jobs.* >"$BATS_TEST_TMPDIR/first"
	stat "$MNT"/tables/restore-jobs.* >/dev/null # the kernel asks for the access time once
	before=$(grep '^pinefs_messages' "$MNT/.pinefs/stats")
	cat "$MNT"/tables/restore-jobs.* | cmp - "$BATS_TEST_TMPDIR/first"
	diff <(echo "$before") <(grep '^pinefs_messages' "$MNT/.pinefs/stats")
}

# Of what the kernel keeps of it nothing is left: what is read next comes from pinefs.
drop_pages() { # FD
	dd "if=/proc/self/fd/$1" iflag=nocache count=0 status=none
}

@test "whoever has it open keeps the text that it was, to the end" {
	local n sums=() fds=() last=
	sim_stop
	sim_start --jobs 600 --pending 0
	mount_start --ttl 0.1 --max-rate 1000
	for n in {1..5}; do
		exec {fd}<"$MNT/tables/restore-jobs.jsonl"
		[ "$(stat -Lc %i "/proc/self/fd/$fd")" != "$last" ]
		last=$(stat -Lc %i "/proc/self/fd/$fd")
		sums[n]=$(md5sum <"/proc/self/fd/$fd")
		head -c $((7777 * n)) <&"$fd" >"$BATS_TEST_TMPDIR/reader.$n"
		fds[n]=$fd
		add_job "new-$n" '{"status":"Failed"}'
		has_it() { grep -q "new-$1" "$MNT/tables/restore-jobs.jsonl"; }
		wait_until 10 has_it "$n"
	done
	wait_until 10 texts_are 6
	for n in 3 1 5 2 4; do
		drop_pages "${fds[n]}"
		dd bs=7777 status=none <&"${fds[n]}" >>"$BATS_TEST_TMPDIR/reader.$n"
		[ "$(md5sum <"$BATS_TEST_TMPDIR/reader.$n")" = "${sums[n]}" ]
		[ "$(wc -l <"$BATS_TEST_TMPDIR/reader.$n")" -eq $((599 + n)) ]
		fd=${fds[n]}
		exec {fd}<&-
	done
	# With its last reader each of them goes; the latest stays.
	wait_until 20 texts_are 1
}

@test "readers come and go while it changes: no text is left behind" {
	local n readers=()
	mount_start --ttl 0
	for n in {1..50}; do
		add_job "new-$n" '{"status":"Failed"}'
		dd "if=$MNT/tables/restore-jobs.tsv" bs=777 of=/dev/null status=none 3>&- &
		readers+=("$!")
		if [ ${#readers[@]} -eq 5 ]; then
			wait "${readers[@]}"
			readers=()
		fi
		has_it() { tsv restore-jobs | grep -q "^new-$1	"; }
		wait_until 10 has_it "$n"
	done
	# With this TTL each look may make another text; then the one before goes a moment later.
	is_one() { [ "$(stat -c %s "$MNT/tables/restore-jobs.tsv")" -eq "$(counter table_bytes)" ] && texts_are 1; }
	wait_until 20 is_one
}

@test "SIGHUP: whoever opens it gets what is so now" {
	[ "$(printf '%s\n' 6.16 "$(uname -r)" | sort -V | head -n 1)" = 6.16 ] ||
		skip 'before Linux 6.16 the kernel keeps such names'
	mount_start --ttl 86400
	[ "$(tsv restore-jobs | wc -l)" -eq 31 ]
	add_job new
	[ "$(tsv restore-jobs | wc -l)" -eq 31 ]
	mount_forget
	[ "$(tsv restore-jobs | wc -l)" -eq 32 ]
}

@test "tools take it as it is" {
	mount_start --ttl "$(longer 60)"
	cd "$MNT/tables" || return
	[ "$(column -ts $'\t' restore-jobs.tsv | wc -l)" -eq 31 ]
	[ "$(sort -t $'\t' -k 6 restore-jobs.tsv | wc -l)" -eq 31 ]
	[ "$(awk -F '\t' '$5 == "Pending"' restore-jobs.tsv | wc -l)" -eq 5 ]
	[ "$(jq -r 'select(.status == "Pending").restore_job_id' restore-jobs.jsonl | wc -l)" -eq 5 ]
	# A job with the status of its backup.
	[ "$(join -t $'\t' -1 2 -2 1 -o 1.1,2.6 <(tail -n +2 restore-jobs.tsv | sort -t $'\t' -k 2,2) \
		<(tail -n +2 backups.tsv | sort -t $'\t' -k 1,1) | cut -f 2 | sort -u)" = Ready ]
	[ "$(sqlite3 -tabs :memory: '.import restore-jobs.tsv jobs' '.import backups.tsv backups' \
		'SELECT DISTINCT backups.status FROM jobs JOIN backups USING (backup_id)')" = Ready ]
	in_time 60 tar -cf /dev/null "$MNT"
	in_time 60 tar -chf /dev/null "$MNT"
	in_time 60 cp "$MNT"/tables/* "$BATS_TEST_TMPDIR"
	cmp "$BATS_TEST_TMPDIR/indexes.jsonl" indexes.jsonl
	cd /
}

@test "a kind that is denied, a list that fails" {
	mount_start --ttl 0.2 --stale "$(longer 3)"
	fault '{"match":"indexes","status":403}'
	says 'Permission denied' tsv indexes
	tsv backups >"$BATS_TEST_TMPDIR/before"
	fault '{"match":"backups","status":400}'
	tsv backups | cmp - "$BATS_TEST_TMPDIR/before"
	fails() { ! tsv backups 2>/dev/null; }
	wait_until 30 fails
	tsv restore-jobs | grep -q Completed
}

@test "a list that breaks off in the middle, or has too many pages: the last whole one, or none" {
	local before inode
	sim_stop
	sim_start --jobs 250 --pending 0
	mount_start --ttl 0.3 --stale 86400 --timeout "$(longer 2)" --max-rate 1000
	fault '{"match":"list","count":1,"delay":0}'
	fault '{"match":"list","count":1,"status":400}'
	says 'Input/output error' tsv restore-jobs
	# A page takes half of the time that a reader waits, and there are three.
	sim_delete /_sim/faults
	fault "{\"match\":\"list\",\"delay\":$(longer 1)}"
	wait_until 20 says 'Connection timed out' tsv restore-jobs
	grep -P '\t/restore-jobs\tETIMEDOUT\t' "$MNT/.pinefs/errors"
	whole() { [ "$(tsv restore-jobs 2>/dev/null | wc -l)" -eq 251 ]; }
	wait_until 30 whole
	inode=$(stat -c %i "$MNT/tables/restore-jobs.tsv")
	add_job late
	before=$(counter failures)
	overdue() { tsv restore-jobs >"$BATS_TEST_TMPDIR/again" && [ "$(counter failures)" -gt "$before" ]; }
	wait_until 30 overdue
	# Whole, if old; or new already.
	[ "$(wc -l <"$BATS_TEST_TMPDIR/again")" -ge 251 ]
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/again" | cut -f 1)" = restore_job_id ]
	has_it() { tsv restore-jobs | grep -q '^late	'; }
	sim_delete /_sim/faults
	wait_until 30 has_it
	[ "$(stat -c %i "$MNT/tables/restore-jobs.tsv")" -ne "$inode" ]
}
