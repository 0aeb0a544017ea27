# mkdir backups/ID/restores/NAME: what it sends, what is there then, and what it says if not.
load lib/restoring

# The job's id that the next restore gets: that of the same in a simulator of its own.
next_job() { # NAME
	local url=$SIM_URL pid=$SIM_PID
	restore_begin --seed 1
	next=$(order "$1")
	sim_stop
	SIM_URL=$url
	SIM_PID=$pid
}

holds() { # DIRECTORY NAMES...
	[ "$(ls -A "$1")" = "$(printf '%s\n' "${@:2}")" ]
}

@test "without --allow-restore there is no restores, and nothing can be made" {
	mount_start --ttl 100
	costs 0 1 ls -A "$MNT/backups"
	costs 0 0 ls -A "$MNT/backups/nightly"
	run ! grep -qx restores "$COST_OUTPUT"
	[ ! -e "$MNT/backups/nightly/restores" ]
	sent 0 says 'No such file' mkdir "$MNT/backups/nightly/restores/fresh"
	sent 0 says 'Read-only file system' mkdir "$MNT/backups/nightly/restores"
	sent 0 says 'Read-only file system' mkdir "$MNT/backups/nightly/fresh"
	sent 0 says 'Read-only file system' mkdir -p "$MNT/backups/nightly/restores/fresh"
	[ "$(stat -c %A "$MNT/backups/nightly")" = dr-xr-xr-x ]
	mount_stop
}

@test "with it: one command, and the job and the index are there at once" {
	local id
	next_job fresh
	restore_mount --ttl 100 --ttl-missing 100
	ls "$MNT"/{backups,indexes,restore-jobs} "$RESTORES" >/dev/null
	[ "$(stat -c %A "$RESTORES")" = drwxr-xr-x ]
	# They were looked for just before, and are known not to be there.
	says 'No such file' stat "$JOBS/$next" "$MNT/indexes/fresh"
	says 'No such file' stat "$RESTORES/fresh"
	sent 1 mkdir "$RESTORES/fresh"
	[ "$(cat "$JOBS/$next/target_index_name")" = fresh ]
	[ "$(cat "$MNT/indexes/fresh/name")" = fresh ]
	holds "$RESTORES" fresh
	holds "$RESTORES/fresh" restore_job_id
	[ "$(cat "$RESTORES/fresh/restore_job_id")" = "$next" ]
	id=$(sim_get /restore-jobs | jq -r '.data[].restore_job_id')
	[ "$id" = "$next" ]
	# The two directories of the job are two.
	[ "$(stat -c %i "$RESTORES/fresh")" != "$(stat -c %i "$JOBS/$id")" ]
	[ "$(cd "$RESTORES/fresh" && pwd -P)" = "$RESTORES/fresh" ]
	[ "$(cd "$JOBS/$id" && pwd -P)" = "$JOBS/$id" ]
	sent 1 mkdir "$RESTORES/second"
	holds "$RESTORES" fresh second
	made_are 2
	[ "$(requests delete_index)" -eq 0 ]
	mount_logged "restore: uid $(id -u), pid "
	mount_logged "(mkdir): backups/nightly/restores/fresh: begun, restore-jobs/$id"
	[ "$(grep -c 'restore: uid' "$PINEFS_LOG")" -eq 2 ]
	run ! grep -F "$SIM_KEY" "$PINEFS_LOG"
	mount_stop
}

@test "the reply doesn't wait until the job is described" {
	restore_mount --ttl 100 --timeout "$(longer 100)"
	ls "$RESTORES" >/dev/null
	fault '{"match":"restore-jobs","kind":"silence"}'
	fault '{"match":"indexes","kind":"silence"}'
	sent 1 in_time 20 mkdir "$RESTORES/fresh"
	in_time 20 cat "$RESTORES/fresh/restore_job_id" | grep -qx '[0-9a-f-]*'
	[ "$(in_time 20 ls -a "$RESTORES/fresh")" = $'.\n..\nrestore_job_id' ]
	mount_stop
}

@test "a taken name: File exists, after one command, or none where the restore is known" {
	local id
	add_index theirs '{"state":"Ready"}'
	restore_mount --ttl 100
	sent 1 says 'File exists' mkdir "$RESTORES/theirs"
	[[ $(why) == 'EEXIST: 409: '* ]]
	says 'No such file' ls "$RESTORES/theirs"
	mkdir "$RESTORES/fresh"
	[[ $(why 2>&1) == *'No data available'* ]]
	sent 0 says 'File exists' mkdir "$RESTORES/fresh"
	sent 0 mkdir -p "$RESTORES/fresh"
	sent 1 says 'File exists' mkdir -p "$RESTORES/theirs"
	# One that somebody else began after we had the list.
	id=$(order other)
	sent 1 costs 0 1 mkdir -p "$RESTORES/other"
	[ "$(cat "$RESTORES/other/restore_job_id")" = "$id" ]
	sent 0 mkdir -p "$RESTORES/other"
	mount_stop
	mount_again --allow-restore --ttl 100
	ls "$MNT/backups" >/dev/null
	sent 0 costs 0 1 mkdir -p "$RESTORES/fresh"
	sent 0 mkdir -p "$RESTORES/other"
	sent 0 says 'File exists' mkdir "$RESTORES/other"
	mount_stop
}

@test "two backups: the name of an index is taken for both" {
	add_backup weekly '{"source_index_name":"movies","status":"Ready"}'
	restore_mount --ttl 100
	sent 1 mkdir "$RESTORES/fresh"
	sent 1 says 'File exists' mkdir "$MNT/backups/weekly/restores/fresh"
	sent 1 says 'File exists' mkdir -p "$MNT/backups/weekly/restores/fresh"
	holds "$RESTORES" fresh
	[ -z "$(ls -A "$MNT/backups/weekly/restores")" ]
	sent 1 mkdir "$MNT/backups/weekly/restores/other"
	holds "$MNT/backups/weekly/restores" other
	made_are 2
	mount_stop
}

@test "a name that no index can have: Invalid argument, and nothing is sent" {
	local name
	restore_mount --ttl 100
	for name in A a_b -a a- 'a b' é a.b .a ..a "a'b" $'a\nb' a\\b - \
		aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeef '%41' 'x?y' 'x#y' '{"name":"x"}'; do
		sent 0 says 'Invalid argument' mkdir -- "$RESTORES/$name"
	done
	[[ $(why) == 'EINVAL: not sent: a name has 1 to 45 of a-z, 0-9 and -'* ]]
	sent 0 says 'File name too long' mkdir "$RESTORES/$(printf 'a%.0s' {1..256})"
	sent 0 says 'Invalid argument' mktemp -d -p "$RESTORES"
	sent 1 mkdir "$RESTORES/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeee"
	sent 1 mkdir "$RESTORES/0"
	[ "$(requests create_index)" -eq 2 ]
	made_are 2
	mount_stop
}

# refused NAME ERRNO TEXT [WORDS]: mkdir sends one command and says TEXT; the attribute, the errors'
# file and the log say ERRNO and WORDS, too.
refused() {
	sent 1 says "$3" mkdir "$RESTORES/$1" || return
	[[ $(why) == "$2: "*"${4-}"* ]] || return
	tail -n 1 "$MNT/.pinefs/errors" | grep -F "backups/nightly/restores/$1" | grep -F "$2" |
		grep -qF -- "${4-}" || return
	grep -F "(mkdir): backups/nightly/restores/$1: $3" "$PINEFS_LOG" | grep -qF -- "${4-}" || return
	[ ! -e "$RESTORES/$1" ]
}

@test "each refusal has its errno, and the API's own words" {
	restore_mount --ttl 100
	command_fault '{"count":1,"status":402,"body":"{\"error\":{\"code\":\"PAYMENT_REQUIRED\",\"message\":\"Pay first.\"}}"}'
	refused a EPERM 'Operation not permitted' '402: Pay first.'
	command_fault '{"count":1,"status":403,"body":"{\"error\":{\"code\":\"PERMISSION_DENIED\",\"message\":\"No role.\"}}"}'
	refused b EACCES 'Permission denied' '403: No role.'
	command_fault '{"count":1,"status":403,"body":"not even JSON"}'
	refused c EACCES 'Permission denied' '403: not even JSON'
	sim_post /_sim/limits '{"indexes":1}' >/dev/null
	refused d EDQUOT 'Disk quota exceeded' 'Increase your quota'
	sim_post /_sim/limits '{"indexes":null}' >/dev/null
	command_fault '{"count":1,"status":400}'
	refused e EINVAL 'Invalid argument' 400
	command_fault '{"count":1,"status":422}'
	refused f EINVAL 'Invalid argument' 422
	command_fault '{"count":1,"status":429,"retry_after":"1"}'
	refused g EAGAIN 'Resource temporarily unavailable' 429
	change_backup nightly '{"status":"Initializing"}'
	refused h EBUSY 'Device or resource busy' 412
	change_backup nightly '{"status":"Ready"}'
	command_fault '{"count":1,"status":401,"content_type":"text/plain","body":"Invalid API key"}'
	refused i EACCES 'Permission denied' '401: Invalid API key'
	command_fault '{"count":1,"status":500}'
	refused j EIO 'Input/output error' 'the restore was not begun'
	command_fault '{"count":1,"kind":"redirect","location":"/elsewhere"}'
	refused k EREMOTEIO 'Remote I/O error' redirect
	sim_delete /_sim/backups/nightly
	refused l ENOENT 'No such file or directory' 404
	made_are 0
	run ! grep -F "$SIM_KEY" "$PINEFS_LOG" "$MNT/.pinefs/errors"
	mount_stop
}

@test "what else makes directories: mkdir -m, install -d, os.makedirs, cp -r, rsync, mktemp, editors" {
	restore_mount --ttl 100
	mkdir -p "$BATS_TEST_TMPDIR"/from/{site,My_Files}
	touch "$BATS_TEST_TMPDIR"/from/{site,My_Files}/page
	sent 1 mkdir -m 700 "$RESTORES/mode"
	[ "$(stat -c %A "$RESTORES/mode")" = dr-xr-xr-x ]
	sent 1 install -d -m 700 "$RESTORES/installed"
	sent 0 chmod 777 "$RESTORES/mode"
	sent 0 touch "$RESTORES/mode"
	sent 0 touch -d 2001-02-03 "$RESTORES/mode"
	[ "$(stat -c %A "$RESTORES/mode")" = dr-xr-xr-x ]
	[ "$(stat -c %y "$RESTORES/mode" | cut -c 1-4)" != 2001 ]
	sent 1 says 'Read-only file system' python3 -c 'import os, sys; os.makedirs(sys.argv[1])' \
		"$RESTORES/deep/er"
	sent 1 says 'Read-only file system' cp -r "$BATS_TEST_TMPDIR/from/site" "$RESTORES/"
	sent 0 says 'Invalid argument' cp -r "$BATS_TEST_TMPDIR/from/My_Files" "$RESTORES/"
	sent 0 says 'Read-only file system' touch "$RESTORES/file"
	sent 0 says 'Read-only file system' ln -s x "$RESTORES/link"
	sent 0 says 'Read-only file system' mkfifo "$RESTORES/pipe"
	sent 0 says 'Read-only file system' bash -c "echo x >'$RESTORES/file'"
	sent 0 says 'Read-only file system' sed -i s/x/y/ "$RESTORES/mode/restore_job_id"
	sent 0 says 'Read-only file system' touch "$RESTORES"
	sent 0 says 'Read-only file system' chmod 777 "$RESTORES"
	sent 0 says 'Read-only file system' mkdir "$RESTORES/mode/more"
	sent 0 says 'Read-only file system' mkdir "$MNT/fresh" "$MNT/backups/fresh"
	sent 0 says 'Read-only file system' mkdir "$MNT/indexes/fresh" "$JOBS/fresh"
	sent 0 says 'Read-only file system' mkdir "$MNT/backups/nightly/fresh"
	holds "$RESTORES" deep installed mode site
	mount_stop
}

@test "rsync -a and vi, where they are there" {
	command -v rsync >/dev/null || skip 'no rsync'
	restore_mount --ttl 100
	mkdir -p "$BATS_TEST_TMPDIR"/from/{site,My_Files}
	touch "$BATS_TEST_TMPDIR"/from/{site,My_Files}/page
	sent 1 says 'Read-only file system' rsync -a "$BATS_TEST_TMPDIR/from/site" "$RESTORES/"
	sent 0 says 'Read-only file system' rsync -a "$BATS_TEST_TMPDIR/from/site/" "$RESTORES/site/"
	sent 0 says 'Invalid argument' rsync -a "$BATS_TEST_TMPDIR/from/My_Files" "$RESTORES/"
	sent 0 says 'Read-only file system' rsync -a --delete "$BATS_TEST_TMPDIR/from/" "$RESTORES/site/"
	# A copy out of the mount changes nothing there.
	sent 0 rsync -a "$RESTORES/" "$BATS_TEST_TMPDIR/to/"
	cmp "$RESTORES/site/restore_job_id" "$BATS_TEST_TMPDIR/to/site/restore_job_id"
	chmod -R u+w "$BATS_TEST_TMPDIR/to" # who isn't root couldn't remove it
	if command -v vi >/dev/null; then
		run sent 0 vi -es -c 'normal ix' -c 'write!' -c 'quit!' "$RESTORES/file" </dev/null
	fi
	holds "$RESTORES" site
	mount_stop
}

@test "rmdir, rm -rf and mv: Read-only file system, and nothing is sent" {
	restore_mount --ttl 100
	mkdir "$RESTORES/fresh"
	sent 0 says 'Read-only file system' rmdir "$RESTORES/fresh"
	sent 0 says 'Read-only file system' rm -rf "$RESTORES/fresh"
	sent 0 says 'Read-only file system' rm -rf "$RESTORES"
	sent 0 says 'Read-only file system' rm -rf "$MNT/backups" "$MNT/indexes"
	sent 0 says 'Read-only file system' mv "$RESTORES/fresh" "$RESTORES/other"
	sent 0 says 'Read-only file system' mv -T "$RESTORES" "$MNT/backups/nightly/other"
	sent 0 says 'Read-only file system' mv "$MNT/indexes/fresh" "$MNT/indexes/other"
	sent 0 says 'Read-only file system' find "$MNT" -delete
	sent 0 says 'Read-only file system' mv "$MNT/README" "$RESTORES/mine"
	holds "$RESTORES" fresh
	[ "$(requests delete_index)$(requests delete_backup)" = 00 ]
	[ "$(curl -s "$SIM_URL/_sim/log" | jq -rc 'map(.method) | unique')" = '["GET","POST"]' ]
	[ "$(sim_code /indexes/fresh)$(sim_code /backups/nightly)" = 200200 ]
	mount_stop
}

@test "listing: the jobs' list is asked when it has run out, and not else" {
	local old new
	add_backup weekly '{"source_index_name":"movies","status":"Ready"}'
	add_job old '{"backup_id":"nightly","target_index_name":"twice","status":"Failed",
		"created_at":"2026-01-02T03:04:05Z"}'
	add_job new '{"backup_id":"nightly","target_index_name":"twice","status":"Pending",
		"created_at":"2026-01-02T03:04:06Z"}'
	add_job else '{"backup_id":"weekly","target_index_name":"else","status":"Pending"}'
	restore_mount --ttl "$(longer 2)" --ttl-final 100 --ttl-ready 100
	ls "$MNT/backups" >/dev/null
	costs 0 1 ls "$RESTORES"
	[ "$(cat "$COST_OUTPUT")" = twice ]
	costs 0 0 ls "$MNT/backups/weekly/restores"
	[ "$(cat "$COST_OUTPUT")" = else ]
	[ "$(cat "$RESTORES/twice/restore_job_id")" = new ]
	# Names in it ask nobody.
	costs 0 0 cat "$RESTORES/twice/restore_job_id"
	costs 0 0 says 'No such file' ls "$RESTORES/nope"
	order third >/dev/null
	is_listed() { [[ $'\n'$(ls "$RESTORES")$'\n' == *$'\nthird\n'* ]]; }
	wait_until 20 is_listed
	sim_delete "/_sim/jobs/$(cat "$RESTORES/third/restore_job_id")"
	mount_stop
}

@test "a list of jobs that fails: ls says so, and a restore is begun all the same" {
	restore_mount --ttl 0.2 --stale 0 --timeout "$(longer 3)"
	ls "$MNT/backups" >/dev/null
	fault '{"match":"/restore-jobs","status":403}'
	sent 1 mkdir "$RESTORES/fresh"
	[ -n "$(cat "$RESTORES/fresh/restore_job_id")" ]
	says 'Permission denied' ls "$RESTORES"
}

@test "the list has the job only later: what was made stays there meanwhile" {
	local id walks
	restore_mount --ttl 0.2 --ttl-missing 0.2 --stale 1
	sim_post /_sim/list '{"late":1000}' >/dev/null
	mkdir "$RESTORES/fresh"
	id=$(cat "$RESTORES/fresh/restore_job_id")
	walks=$(requests list)
	# For longer than --stale, which is when what is gone goes.
	walked() { ls "$JOBS" "$RESTORES" "$MNT/indexes" >/dev/null && sleep 0.2 &&
		[ "$(requests list)" -ge $((walks + 30)) ]; }
	wait_until 60 walked
	[ "$(sim_get /restore-jobs | jq '.data | length')" -eq 0 ]
	[ "$(cat "$JOBS/$id/status" "$MNT/indexes/fresh/name")" = $'Pending\nfresh' ]
	holds "$RESTORES" fresh
	sent 0 mkdir -p "$RESTORES/fresh"
	mount_stop
}

@test "find, tar, du and diff go through it, and send nothing" {
	restore_mount --ttl 100
	mkdir "$RESTORES/fresh"
	sent 0 tar -C "$MNT" -cf "$BATS_TEST_TMPDIR/tar" backups restore-jobs indexes
	tar -tf "$BATS_TEST_TMPDIR/tar" | grep -qx backups/nightly/restores/fresh/restore_job_id
	sent 0 find "$MNT" -depth -path '*restores*' >"$BATS_TEST_TMPDIR/found"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/found")" -eq 3 ]
	sent 0 du "$MNT" >/dev/null
	sent 0 grep -rq nothing-such "$MNT/backups" || true
	mkdir "$BATS_TEST_TMPDIR/copy"
	sent 0 cp -r "$RESTORES" "$BATS_TEST_TMPDIR/copy"
	sent 0 diff -r "$RESTORES" "$BATS_TEST_TMPDIR/copy/restores"
	chmod -R u+w "$BATS_TEST_TMPDIR/copy"
	mount_stop
}
