# What is made in `restores`, by whomever, shows itself to who watches, once.
load lib/restoring

# created NAME...: has inotifywait seen each of these made?
created() {
	local name
	for name; do
		saw made "CREATE,ISDIR $RESTORES/$name" || return
	done
}

# made_once NAME...: and none of them twice. A last one is made first, since its event comes after all.
made_once() {
	local name
	mkdir "$RESTORES/the-last"
	wait_until 20 created the-last "$@" || return
	for name in "$@" the-last; do
		[ "$(grep -c "CREATE,ISDIR $RESTORES/$name\$" "$(out made)")" -eq 1 ] && continue
		cat "$(out made)" >&2
		return 1
	done
}

watch_made() {
	ls "$RESTORES" >/dev/null
	inotify made -e create,delete "$RESTORES"
}

@test "by mkdir, and by curl: create, once each" {
	restore_mount --ttl 0.3
	watch_made
	mkdir "$RESTORES/by-mkdir"
	wait_until 20 created by-mkdir
	order by-curl
	wait_until 20 created by-curl
	[ "$(ls "$RESTORES")" = $'by-curl\nby-mkdir' ]
	made_once by-mkdir by-curl
	mount_stop
}

@test "watchers of restore-jobs and indexes hear of a mkdir as well, once" {
	local id
	restore_mount --ttl 0.3
	ls "$RESTORES" "$JOBS" "$MNT/indexes" >/dev/null
	inotify jobs -e create "$JOBS"
	inotify indexes -e create "$MNT/indexes"
	mkdir "$RESTORES/fresh"
	id=$(cat "$RESTORES/fresh/restore_job_id")
	wait_until 20 saw jobs "CREATE,ISDIR $JOBS/$id"
	wait_until 20 saw indexes "CREATE,ISDIR $MNT/indexes/fresh"
	mkdir "$RESTORES/second"
	id=$(cat "$RESTORES/second/restore_job_id")
	wait_until 20 saw jobs "CREATE,ISDIR $JOBS/$id"
	wait_until 20 saw indexes "CREATE,ISDIR $MNT/indexes/second"
	[ "$(grep -c CREATE "$(out jobs)")$(grep -c CREATE "$(out indexes)")" = 22 ]
	mount_stop
}

@test "a mkdir that was ended after it was sent: it appears by itself, with create, once" {
	restore_mount --ttl 0.3 --ttl-missing 100
	sim_post /_sim/list '{"late":1000}' >/dev/null # it isn't the list that tells
	watch_made
	command_fault "{\"count\":1,\"delay\":$(longer 4)}"
	background mkdir mkdir "$RESTORES/fresh"
	wait_until 20 commands_are 1
	kill -TERM "$!" # bash has it ignore SIGINT
	wait_until 10 ended "$!"
	[ ! -e "$RESTORES/fresh" ]
	made_are 0
	wait_until 20 created fresh
	[ "$(ls "$RESTORES")" = fresh ]
	cat "$RESTORES/fresh/restore_job_id"
	made_once fresh
	[ "$(requests create_index)" -eq 2 ]
	mount_stop
}

@test "the list has it before the answer comes: create, once" {
	restore_mount --ttl 0.3
	watch_made
	command_fault "{\"count\":1,\"carried_out\":true,\"delay\":$(longer 3)}"
	background mkdir mkdir "$RESTORES/fresh"
	wait_until 20 commands_are 1
	is_listed() { [ -n "$(ls "$JOBS")" ]; }
	wait_until 20 is_listed
	wait_until 20 ended "${BACKGROUND[-1]}"
	[ ! -s "$(out mkdir)" ]
	made_once fresh
	mount_stop
}

@test "the answer is lost, and the API says that it was begun: create, once" {
	restore_mount --ttl 0.3
	watch_made
	command_fault '{"count":1,"carried_out":true,"kind":"reset"}'
	sent 1 mkdir "$RESTORES/fresh"
	made_once fresh
	mount_stop
}

@test "nobody can know, and it was begun: it appears once the list has it, with create" {
	restore_mount --ttl 0.3 --timeout "$(longer 20)"
	watch_made
	sim_post /_sim/list "{\"late\":$(longer 3)}" >/dev/null
	command_fault '{"count":1,"carried_out":true,"kind":"reset"}'
	sent 1 says 'Connection timed out' mkdir "$RESTORES/fresh"
	[[ $(why) == 'ETIMEDOUT: '*'an index of this name is there, but its job'*'look again in a minute' ]]
	[ ! -e "$RESTORES/fresh" ]
	wait_until 20 created fresh
	sim_post /_sim/list '{"reset":true}' >/dev/null
	made_once fresh
	sent 0 mkdir -p "$RESTORES/fresh"
	mount_stop
}

@test "its index is deleted: delete, and its files are gone" {
	restore_world --ready-time 0.1
	restore_mount --ttl 0.2 --ttl-ready 0.2 --ttl-final 1 --stale 1
	watch_made
	mkdir "$RESTORES/fresh"
	change "$(cat "$RESTORES/fresh/restore_job_id")" '{"status":"Completed"}'
	inotify file -e delete_self "$RESTORES/fresh/restore_job_id"
	[ "$(sim_code /indexes/fresh -X DELETE)" = 202 ]
	wait_until 30 saw made "DELETE,ISDIR $RESTORES/fresh"
	wait_until 10 is_missing "$RESTORES/fresh"
	wait_until 10 is_missing "$MNT/indexes/fresh"
	[ -z "$(ls -A "$RESTORES")" ]
	[ "$(grep -c DELETE, "$(out made)")" -eq 1 ]
	# Then the name is free again.
	sent 1 mkdir "$RESTORES/fresh"
	mount_stop
}

@test "a directory that was made is watched and read as any: its job ends, and so does the wait" {
	local id
	restore_mount --ttl 0.3
	mkdir "$RESTORES/fresh"
	id=$(cat "$RESTORES/fresh/restore_job_id")
	inotify job -e close_write "$JOBS/$id/status"
	background success cat "$JOBS/$id/success"
	wait_until 20 waiting_is 1
	end_job "$id"
	wait_until 20 saw job "CLOSE_WRITE,CLOSE $JOBS/$id/status"
	wait_until 20 ended "${BACKGROUND[-1]}"
	[ "$(cat "$(out success)")" = Completed ]
	mount_stop
}
