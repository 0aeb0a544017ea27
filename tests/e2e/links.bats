# Symbolic links from a job to its backup and its index, and from a backup to its index.
load lib/watching

# A job of a backup, which are of the index "movies".
set_up() {
	add_index movies '{"state":"Ready"}'
	add_backup b '{"source_index_name":"movies","status":"Ready"}'
	add_job j '{"backup_id":"b","target_index_name":"movies","status":"Completed"}'
}

list_all() {
	ls "$MNT/restore-jobs" "$MNT/backups" "$MNT/indexes" >/dev/null
}

# That the kernel sends no message, once it knows all. Whoever looks at all mounts (df) sends one
# meanwhile, but not each time.
is_silent() {
	local before after
	for _ in {1..3}; do
		"$@" >/dev/null || return
	done
	for _ in {1..5}; do
		before=$(grep '^pinefs_messages' "$MNT/.pinefs/stats")
		for _ in {1..20}; do
			"$@" >/dev/null || return
		done
		after=$(grep '^pinefs_messages' "$MNT/.pinefs/stats")
		diff - <(echo "$after") <<<"$before" >&2 && return
	done
	return 1
}

@test "where they lead" {
	mount_start
	list_all
	[ "$(readlink "$JOBS/j/backup")" = ../../backups/b ]
	[ "$(readlink "$JOBS/j/index")" = ../../indexes/movies ]
	[ "$(readlink "$MNT/backups/b/index")" = ../../indexes/movies ]
	[ "$(cat "$JOBS/j/backup/index/name" "$JOBS/j/index/ready" "$JOBS/j/backup/status")" = $'movies\ntrue\nReady' ]
	[ "$(find "$JOBS/j" -type l -printf '%f ' | xargs -n 1 | sort | xargs)" = 'backup index' ]
	[ "$(stat -c '%F %a %h' "$JOBS/j/index")" = 'symbolic link 777 1' ]
	[ "$(realpath "$JOBS/j/backup/index")" = "$(realpath "$MNT/indexes/movies")" ]
	# Nothing is made of it, and nothing of what it leads to.
	says 'Read-only' rm "$JOBS/j/index"
	says 'Read-only' ln -sfn x "$JOBS/j/index"
	says 'Read-only' mv "$JOBS/j/index" "$JOBS/j/other"
}

@test "a cached readlink, and cat through a link: no message" {
	mount_start --ttl "$(longer 60)" --ttl-final "$(longer 600)"
	list_all
	is_silent readlink "$JOBS/j/index"
	is_silent cat "$JOBS/j/index/status" "$JOBS/j/backup/index/ready" "$JOBS/j/backup/status"
	is_silent stat -L "$JOBS/j/index/status"
}

@test "what follows links comes to an end, and finds nothing to complain of" {
	local to=$BATS_TEST_TMPDIR/to
	sim_stop
	sim_start --jobs 24 --pending 0 --backups 6 --indexes 4
	mount_start --ttl "$(longer 60)"
	list_all
	cd "$MNT" || return
	in_time 60 tar -chf /dev/null .
	in_time 60 find -L . -type f >"$to.find"
	in_time 60 python3 -c 'import os; [None for _ in os.walk(".", followlinks=True)]'
	in_time 60 du -L . >/dev/null
	in_time 60 grep -R . restore-jobs >/dev/null
	mkdir "$to.cp" "$to.rsync"
	in_time 60 cp -rL restore-jobs backups indexes "$to.cp"
	in_time 60 rsync -aL restore-jobs backups indexes "$to.rsync"
	# Without following, links are copied as such.
	mkdir "$to.tar"
	tar -c restore-jobs | tar -x -C "$to.tar" --no-same-permissions
	cd "$to.tar" || return
	[ "$(find . -type l | wc -l)" -eq 48 ]
	[ "$(requests describe)" -eq 0 ]
	chmod -R u+w "$to".* # who isn't root couldn't remove them
}

@test "cat JOB/index/success waits until the restored index is ready" {
	add_index new
	add_job k '{"backup_id":"b","target_index_name":"new","status":"Completed"}'
	mount_start --ttl 0.2
	background line bash -c "cat '$JOBS/k/success' '$JOBS/k/index/success' && echo switched"
	wait_until 20 waiting_is 1
	change_index new '{"state":"Ready"}'
	wait_until 20 ended "${BACKGROUND[0]}"
	[ "$(cat "$(out line)")" = $'Completed\nReady\nswitched' ]
}

@test "a target that isn't there, can't be a name, or is of a kind that isn't shown or allowed" {
	add_job lost '{"backup_id":"gone","target_index_name":"../../README"}'
	mount_start --ttl 0.2
	[ "$(readlink "$JOBS/lost/backup")" = ../../backups/gone ]
	says 'No such file' cat "$JOBS/lost/backup/status"
	is_missing "$JOBS/lost/index"
	says 'No such file' readlink -v "$JOBS/lost/index"
	[ "$(cat "$JOBS/lost/target_index_name")" = ../../README ]
	[ "$(find "$JOBS" -xtype l)" = "$JOBS/lost/backup" ]
	mount_stop
	mount_start --kinds restore-jobs,indexes
	[ "$(readlink "$JOBS/j/backup")" = ../../backups/b ]
	says 'No such file' cat "$JOBS/j/backup/status"
	[ "$(cat "$JOBS/j/index/ready")" = true ]
	mount_stop
	fault '{"match":"indexes","status":403}'
	mount_start
	[ "$(readlink "$JOBS/j/index")" = ../../indexes/movies ]
	says 'Permission denied' cat "$JOBS/j/index/ready"
	[ "$(cat "$JOBS/j/backup/status" "$JOBS/j/status")" = $'Ready\nCompleted' ]
	tar -cf /dev/null "$JOBS"
}

@test "another target: the link shows it within --ttl" {
	add_job moving '{"backup_id":"b","target_index_name":"movies","status":"Stuck"}'
	add_index songs
	mount_start --ttl 0.2
	[ "$(readlink "$JOBS/moving/index")" = ../../indexes/movies ]
	change moving '{"target_index_name":"songs"}'
	leads_to() { [ "$(readlink "$JOBS/moving/index")" = "$1" ]; }
	wait_until 10 leads_to ../../indexes/songs
	[ "$(cat "$JOBS/moving/index/name")" = songs ]
	change moving '{"target_index_name":null}'
	wait_until 10 is_missing "$JOBS/moving/index"
	change moving '{"target_index_name":"movies"}'
	wait_until 10 leads_to ../../indexes/movies
	[ "$(cat "$JOBS/moving/index/name")" = movies ]
}
