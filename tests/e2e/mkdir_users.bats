# What others can make pinefs send: other users, links and mounts that lead into `restores`, an API
# that means ill.
load lib/user
load lib/restoring

set_up() {
	need_user
	ALL="$MOUNT_BASE" # all users get into it
}

mkdir_is_denied() { # PREFIX...
	sent 0 says 'Permission denied' "$@" mkdir "$RESTORES/theirs" &&
		sent 0 says 'Permission denied' "$@" mkdir -p "$RESTORES/theirs/more" &&
		sent 0 says 'Permission denied' "$@" mkdir -m 700 "$RESTORES/theirs"
}

@test "allow_other: nobody but the one who mounts may, and who uid= names" {
	need_root
	restore_mount --ttl 100 -o allow_other
	ls "$RESTORES" >/dev/null
	mkdir_is_denied as_user
	mkdir_is_denied as_other
	[ "$(as_other ls "$RESTORES")" = '' ]
	sent 1 mkdir "$RESTORES/fresh"
	[ -n "$(as_other cat "$RESTORES/fresh/restore_job_id")" ]
	sent 0 says 'Operation not permitted' as_other chmod 777 "$RESTORES/fresh"
	sent 0 says 'Permission denied' as_other rmdir "$RESTORES/fresh"
	mount_stop
	restore_mount --ttl 100 -o allow_other,uid=65534
	[ "$(stat -c %u "$RESTORES")" = 65534 ]
	mkdir_is_denied as_other
	sent 1 as_user mkdir "$RESTORES/by-user"
	mount_logged 'restore: uid 65534, pid '
	sent 1 mkdir "$RESTORES/by-root"
	mount_stop
}

@test "an ordinary user's mount with allow_other: the user may, root and others may not" {
	need_root
	need_fuse_conf user_allow_other
	# shellcheck disable=SC2034
	MOUNT_AS=("${AS_USER[@]}")
	restore_mount --ttl 100 -o allow_other
	mkdir_is_denied env
	mkdir_is_denied as_other
	sent 1 as_user mkdir "$RESTORES/fresh"
	made_are 1
	# Nor as root of a user namespace of their own.
	sent 0 run as_other unshare -Ur mkdir "$RESTORES/theirs"
	[ "$status" -ne 0 ]
	mount_stop
}

@test "without allow_other others don't even get in" {
	need_root
	# shellcheck disable=SC2034
	MOUNT_AS=("${AS_USER[@]}")
	restore_mount --ttl 100
	mkdir_is_denied env
	mkdir_is_denied as_other
	sent 1 as_user mkdir "$RESTORES/fresh"
	mount_stop
}

@test "a symbolic link that leads into restores: only its user's own mkdir is a command" {
	need_root
	restore_mount --ttl 100 -o allow_other
	mkdir "$RESTORES/fresh"
	as_other ln -s "$RESTORES" "$BATS_TEST_TMPDIR/none" 2>/dev/null || true
	mkdir -m 1777 "$ALL/shared"
	as_other ln -s "$RESTORES" "$ALL/shared/into"
	as_other ln -s "$RESTORES/planted" "$ALL/shared/dangling"
	mkdir_is_denied as_other
	sent 0 says 'Permission denied' as_other mkdir "$ALL/shared/into/theirs"
	# mkdir(2) doesn't follow the last part of a path.
	sent 0 says 'File exists' mkdir "$ALL/shared/dangling"
	# mkdir -p looks where it leads, which the kernel may refuse.
	sent 0 says "'$ALL/shared/dangling'" mkdir -p "$ALL/shared/dangling"
	# A link on the way is followed, whoever made it: fs.protected_symlinks is about the last part.
	ln -s "$RESTORES" "$BATS_TEST_TMPDIR/into"
	sent 1 mkdir "$BATS_TEST_TMPDIR/into/linked"
	mount_logged '(mkdir): backups/nightly/restores/linked: begun'
	sent 1 mkdir "$ALL/shared/into/planted"
	mount_stop
}

@test "a bind mount of restores: the same rules; a read-only one sends nothing" {
	need_root
	[ -n "${PINEFS_PRIVATE-}" ] || skip 'not in a mount namespace of our own'
	restore_mount --ttl 100 -o allow_other
	mkdir "$ALL/bound"
	mount --bind "$RESTORES" "$ALL/bound"
	sent 0 says 'Permission denied' as_other mkdir "$ALL/bound/theirs"
	sent 0 says 'Invalid argument' mkdir "$ALL/bound/Not-A-Name"
	sent 1 mkdir "$ALL/bound/bound"
	[ "$(ls "$RESTORES")" = bound ]
	mount -o remount,bind,ro "$ALL/bound"
	sent 0 says 'Read-only file system' mkdir "$ALL/bound/more"
	umount "$ALL/bound"
	mount_stop
	# And so does a mount with -o ro.
	restore_mount --ttl 100 -o ro
	sent 0 says 'Read-only file system' mkdir "$RESTORES/more"
	mount_stop
}

@test "an answer with an id that can't be a name: nothing is made of it" {
	local id n=0
	restore_mount --ttl 100
	ls "$RESTORES" "$JOBS" >/dev/null
	for id in '"../../etc/passwd"' '"a/b"' '".."' '"."' '""' '"a\u0000b"' '"\u001b[2J"' '"a\nb"' \
		"\"$(printf 'x%.0s' {1..256})\"" "\"$(printf 'x%.0s' {1..70000})\"" 7 null '{}' '["a"]' \
		'"\ud800"'; do
		command_fault "$(jq -cn --arg body "{\"restore_job_id\":$id,\"index_id\":\"i\"}" \
			'{count: 1, status: 202, body: $body}')"
		sent 1 says 'Connection timed out' mkdir "$RESTORES/name-$((n++))"
	done
	command_fault '{"count":1,"status":202,"body":"{\"restore_job_id\":"}'
	sent 1 says 'Connection timed out' mkdir "$RESTORES/name-$((n++))"
	[ "$(find "$RESTORES" "$JOBS" | wc -l)" -eq 2 ]
	[[ $(why) == 'ETIMEDOUT: '* ]]
	run ! grep -q $'\e' "$PINEFS_LOG" "$MNT/.pinefs/errors"
	sent 1 mkdir "$RESTORES/good"
	mount_stop
}

@test "an answer with the id of somebody else's job: what that job says of itself counts" {
	add_backup weekly '{"source_index_name":"movies","status":"Ready"}'
	add_job theirs '{"backup_id":"weekly","target_index_name":"other","status":"Pending"}'
	add_job mine '{"backup_id":"nightly","target_index_name":"elsewhere","status":"Pending"}'
	restore_mount --ttl 0.3
	local id
	for id in theirs mine; do
		command_fault "{\"count\":1,\"status\":202,\"body\":\"{\\\"restore_job_id\\\":\\\"$id\\\"}\"}"
		run sent 1 mkdir "$RESTORES/fresh-$id"
		in_time 20 cat "$RESTORES/fresh-$id/restore_job_id" || true
		in_time 20 cat "$JOBS/$id/status" || true
	done
	[ "$(ls "$MNT/backups/weekly/restores")" = other ]
	is_true() { [ "$(ls "$RESTORES")" = elsewhere ]; }
	wait_until 20 is_true
	sent 1 mkdir "$RESTORES/good"
	mount_stop
}

@test "a list with names that can't be names: they aren't shown, and nothing is escaped by them" {
	local name n=0 shown
	restore_mount --ttl 0.3
	for name in ../../x a/b .. . '' $'a\nb' $'\e[2J' "$(printf 'x%.0s' {1..300})" restore_job_id \
		'a b' $'\xff'; do
		add_job "job-$((n++))" "$(jq -cn --arg name "$name" \
			'{backup_id: "nightly", target_index_name: $name, status: "Pending"}')"
		add_job "job-$((n++))" "$(jq -cn --arg id "$name" \
			'{backup_id: $id, target_index_name: "stray", status: "Pending"}')"
	done
	add_job number '{"backup_id":"nightly","target_index_name":7}'
	add_job null '{"backup_id":"nightly","target_index_name":null}'
	add_job object '{"backup_id":"nightly","target_index_name":{"a":"b"}}'
	add_job good '{"backup_id":"nightly","target_index_name":"good"}'
	is_there() { [ -e "$RESTORES/good" ]; }
	wait_until 20 is_there
	shown=$(ls -A "$RESTORES")
	[ "$shown" = $'good\nrestore_job_id' ]
	[ "$(cat "$RESTORES/restore_job_id/restore_job_id")" != '' ]
	find "$MNT/backups" >/dev/null
	run ! grep -q $'\e' "$PINEFS_LOG"
	mount_stop
}

@test "the log shows no terminal's escapes, neither of the API nor of the process's name" {
	restore_mount --ttl 100
	ls "$RESTORES" >/dev/null
	command_fault '{"count":1,"status":403,"body":"\u001b[2J\nuid 0: begun\u0007"}'
	sent 1 says 'Permission denied' python3 -c '
import os, sys
with open("/proc/self/comm", "w") as file:
    file.write("\x1b[2J) begun\n")
os.mkdir(sys.argv[1])' "$RESTORES/fresh"
	mount_logged 'backups/nightly/restores/fresh: Permission denied'
	run ! grep -q $'[\e\a]' "$PINEFS_LOG" "$MNT/.pinefs/errors"
	[ "$(grep -c 'restore: uid' "$PINEFS_LOG")" -eq 1 ]
	[[ $(why) != *$'\e'* ]]
	mount_stop
}
