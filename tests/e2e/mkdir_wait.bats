# A mkdir in `restores` that takes its time: what goes on meanwhile, what ends it, and that nothing is
# sent twice.
load lib/restoring

# A mkdir in the background whose command the simulator has got. By itself bash would have it ignore
# SIGINT.
begin_mkdir() { # NAME
	local before
	before=$(requests commands)
	background "$1" env --default-signal=INT mkdir "$RESTORES/$1"
	wait_until 20 commands_are $((before + 1))
}

# How it ended: nothing if well.
said() { # NAME
	wait_until 30 ended "${BACKGROUND[-1]}" || return
	sed 's/.*: //' "$(out "$1")"
}

@test "while it waits: cached files, other directories, other names, other objects' events go on" {
	pending one two
	restore_mount --ttl 0.5 --ttl-final 100 --timeout "$(longer 200)"
	ls "$RESTORES" "$MNT/indexes" "$JOBS" >/dev/null
	mkdir "$RESTORES/before"
	cat "$RESTORES/before/restore_job_id" "$MNT/README" >/dev/null
	inotify one -e close_write "$JOBS/one/status"
	command_fault '{"kind":"silence"}'
	begin_mkdir fresh
	[ "$(in_time 20 cat "$RESTORES/before/restore_job_id")" != '' ]
	[ "$(in_time 20 cat "$JOBS/two/status")" = Pending ]
	[ "$(in_time 20 ls "$MNT/indexes")" = $'before\nmovies' ]
	[ "$(in_time 20 cat "$MNT/backups/nightly/status")" = Ready ]
	in_time 20 ls "$MNT/backups/nightly" "$MNT/backups" "$JOBS" "$MNT" >/dev/null
	in_time 20 df "$RESTORES" >/dev/null
	in_time 20 stat "$RESTORES" >/dev/null
	says 'No such file' in_time 20 cat "$MNT/backups/nope/status"
	end_job one
	wait_until 20 saw one "CLOSE_WRITE,CLOSE $JOBS/one/status"
	# All that before the answer.
	run ! ended "${BACKGROUND[-1]}"
	[ "$(counter waiting)" -ge 1 ]
	commands_are 2
	kill -KILL "${BACKGROUND[-1]}"
	wait_until 20 ended "${BACKGROUND[-1]}"
	mount_stop
}

@test "another backup's restores are free meanwhile, for mkdir, too" {
	add_backup weekly '{"source_index_name":"movies","status":"Ready"}'
	restore_mount --ttl 100 --timeout "$(longer 200)"
	ls "$RESTORES" "$MNT/backups/weekly/restores" >/dev/null
	command_fault '{"kind":"silence"}'
	begin_mkdir fresh
	sent 1 in_time 20 mkdir "$MNT/backups/weekly/restores/other"
	[ "$(in_time 20 ls "$MNT/backups/weekly/restores")" = other ]
	run ! ended "${BACKGROUND[-1]}"
	kill -KILL "${BACKGROUND[-1]}"
	wait_until 20 ended "${BACKGROUND[-1]}"
	mount_stop
}

@test "what appears in the directory meanwhile is told of afterwards" {
	restore_mount --ttl 0.3 --timeout "$(longer 200)"
	ls "$RESTORES" >/dev/null
	inotify made -e create "$RESTORES"
	inotify jobs -e create "$JOBS"
	command_fault '{"count":1,"kind":"silence"}'
	begin_mkdir fresh
	local id
	id=$(order other)
	wait_until 20 saw jobs "CREATE,ISDIR $JOBS/$id"
	run ! ended "${BACKGROUND[-1]}"
	kill -TERM "${BACKGROUND[-1]}"
	wait_until 20 saw made "CREATE,ISDIR $RESTORES/other"
	mount_stop
}

@test "ended before it was sent: at once, and it never is" {
	local n signal
	# One request in 20 s, and what may go at once at the beginning has gone.
	restore_mount --ttl 100 --max-rate 0.05 --timeout "$(longer 200)"
	ls "$RESTORES" >/dev/null
	is_throttled() { [ "$(counter http_throttled)" -ge 1 ]; }
	while ! is_throttled; do
		in_time 1 stat "$JOBS/none-$((n++))" 2>/dev/null || true
	done
	n=$(requests commands)
	[ "$n" -eq 0 ]
	for n in 1 2 3; do
		for signal in TERM KILL; do
			background "$signal-$n" mkdir "$RESTORES/fresh-$n"
			wait_until 20 waiting_is 1
			kill "-$signal" "${BACKGROUND[-1]}"
			wait_until 20 ended "${BACKGROUND[-1]}"
			wait_until 20 waiting_is 0
		done
	done
	commands_are 0
	# The next one is sent, and only that.
	sent 1 mkdir "$RESTORES/last"
	made_are 1
	mount_stop
}

@test "ended after it was sent: within seconds, and the command goes on" {
	local signal
	restore_mount --ttl 100 --timeout "$(longer 100)"
	for signal in INT TERM KILL; do
		command_fault "{\"count\":1,\"delay\":$(longer 5)}"
		begin_mkdir "by-${signal,,}"
		kill "-$signal" "${BACKGROUND[-1]}"
		wait_until 4 ended "${BACKGROUND[-1]}"
		[ ! -e "$RESTORES/by-${signal,,}" ]
		wait_until 20 exists "$RESTORES/by-${signal,,}/restore_job_id"
	done
	commands_are 3
	made_are 3
	[ "$(counter interrupted)" -eq 3 ]
	[ "$(grep -c 'restore: .* begun' "$PINEFS_LOG")" -eq 3 ]
	# Who asks while it goes on waits for the same.
	command_fault "{\"count\":1,\"delay\":$(longer 5)}"
	begin_mkdir again
	kill -TERM "${BACKGROUND[-1]}"
	wait_until 4 ended "${BACKGROUND[-1]}"
	sent 0 mkdir "$RESTORES/again"
	made_are 4
	mount_stop
}

@test "Ctrl-C on a terminal ends it" {
	local press='
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("mkdir", ["mkdir", sys.argv[1]])
open(sys.argv[2]).read()
os.write(terminal, b"\x03")
os.waitpid(pid, 0)'
	restore_mount --ttl 100 --timeout "$(longer 100)"
	command_fault "{\"count\":1,\"delay\":$(longer 6)}"
	mkfifo "$BATS_TEST_TMPDIR/keys"
	background terminal env --default-signal=INT python3 -c "$press" "$RESTORES/fresh" \
		"$BATS_TEST_TMPDIR/keys"
	wait_until 20 commands_are 1
	in_time 20 sh -c "echo >'$BATS_TEST_TMPDIR/keys'"
	wait_until 5 ended "${BACKGROUND[-1]}"
	wait_until 20 exists "$RESTORES/fresh"
	made_are 1
	commands_are 1
	mount_stop
}

@test "twenty at once for one name: one command, one succeeds" {
	local n pids=() good=0
	restore_mount --ttl 100
	ls "$RESTORES" >/dev/null
	command_fault "{\"count\":1,\"delay\":$(longer 1)}"
	for n in {1..20}; do
		background "at-once-$n" mkdir "$RESTORES/fresh"
		pids+=("$!")
	done
	for n in "${pids[@]}"; do
		! wait "$n" || good=$((good + 1))
	done
	[ "$good" -eq 1 ]
	[ "$(cat "$(out at-once-)"* | grep -c 'File exists')" -eq 19 ]
	commands_are 1
	made_are 1
	mount_stop
}

@test "mkdir -p, twenty at once: one command, all succeed" {
	local n pids=()
	restore_mount --ttl 100
	command_fault "{\"count\":1,\"delay\":$(longer 1)}"
	for n in {1..20}; do
		background "at-once-$n" mkdir -p "$RESTORES/fresh"
		pids+=("$!")
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
	commands_are 1
	made_are 1
	mount_stop
}

@test "two mounts at once: the API has one restore, and mkdir -p succeeds in both" {
	local first n
	restore_mount --ttl 100
	first=$RESTORES
	restore_mount --ttl 100
	ls "$first" "$RESTORES" >/dev/null
	for n in 1 2 3; do
		background one mkdir -p "$first/both-$n"
		mkdir -p "$RESTORES/both-$n"
		wait "$!"
		[ "$(cat "$first/both-$n/restore_job_id")" = "$(cat "$RESTORES/both-$n/restore_job_id")" ]
	done
	made_are 3
	mount_stop
}

@test "64 commands under way: one more is refused, and sends nothing" {
	local n directories=()
	for n in {1..65}; do
		add_backup "b-$n" '{"status":"Ready"}'
	done
	restore_mount --ttl 1000 --max-rate 1000 --timeout "$(longer 200)"
	for n in {1..65}; do
		directories[n]=$MNT/backups/b-$n/restores
	done
	ls "${directories[@]:1}" >/dev/null
	fault '{"match":"any","kind":"silence"}'
	for n in {1..64}; do
		background "command-$n" mkdir "${directories[n]}/fresh-$n"
	done
	wait_until 60 commands_are 64
	sent 0 says 'Resource temporarily unavailable' in_time 20 mkdir "${directories[65]}/fresh-65"
	[[ $(attribute "${directories[65]}" error) == 'EAGAIN: not sent: '* ]]
	kill -TERM "$PINEFS_PID"
	wait_until 20 sim_is_gone "$PINEFS_PID"
	wait "$PINEFS_PID"
	wait_until 20 ended "${BACKGROUND[@]}"
}

@test "SIGHUP meanwhile: it isn't sent again" {
	restore_mount --ttl 100
	command_fault "{\"count\":1,\"delay\":$(longer 3)}"
	begin_mkdir fresh
	mount_forget
	mount_forget
	[ -z "$(said fresh)" ]
	exists "$RESTORES/fresh/restore_job_id"
	commands_are 1
	made_are 1
	mount_stop
}

@test "401, and the key file has a new key: it isn't sent again, and the next one is with it" {
	local key_file=$BATS_TEST_TMPDIR/key
	(umask 077 && echo "$SIM_KEY" >"$key_file")
	restore_mount --ttl 100 --api-key-file "$key_file"
	ls "$RESTORES" >/dev/null
	(umask 077 && echo pcsk_second >"$key_file.new" && mv "$key_file.new" "$key_file")
	command_fault '{"count":1,"status":401,"content_type":"text/plain","body":"Invalid API key"}'
	sent 1 says 'Permission denied' mkdir "$RESTORES/fresh"
	made_are 0
	[ "$(counter key_reloads)" -eq 1 ]
	sent 1 mkdir "$RESTORES/fresh"
	made_are 1
	mount_stop
}

@test "the daemon is killed in the middle: the next mount has the restore, once" {
	restore_mount --ttl 100 --timeout "$(longer 100)"
	command_fault '{"count":1,"carried_out":true,"kind":"silence"}'
	begin_mkdir fresh
	wait_until 20 made_are 1
	kill -KILL "$PINEFS_PID"
	[[ $(said fresh) == 'Software caused connection abort' || $(said fresh) == *'not connected' ]]
	wait_until 10 sim_is_gone "$PINEFS_PID" || true
	wait "$PINEFS_PID" || true
	wait_until 10 fusermount3 -u "$MNT"
	mount_again --allow-restore --ttl 100
	[ "$(ls "$RESTORES")" = fresh ]
	sent 0 mkdir -p "$RESTORES/fresh"
	[ "$(cat "$JOBS/$(cat "$RESTORES/fresh/restore_job_id")/target_index_name")" = fresh ]
	commands_are 1
	made_are 1
	mount_stop
}

@test "the mount is ended meanwhile: the caller gets an error, and the next mount has the restore" {
	restore_mount --ttl 100 --timeout "$(longer 100)"
	command_fault '{"count":1,"carried_out":true,"kind":"silence"}'
	begin_mkdir fresh
	kill -TERM "$PINEFS_PID"
	[ -n "$(said fresh)" ]
	wait_until 20 sim_is_gone "$PINEFS_PID"
	wait "$PINEFS_PID"
	mount_again --allow-restore --ttl 100
	[ "$(ls "$RESTORES")" = fresh ]
	commands_are 1
	mount_stop
}

@test "a lost answer: asked what became of it, by one question for the index and one for the jobs" {
	restore_mount --ttl 100
	ls "$RESTORES" >/dev/null
	command_fault '{"count":1,"carried_out":true,"kind":"reset"}'
	sent 1 mkdir "$RESTORES/fresh"
	[ "$(requests kinds.indexes.describe)" -ge 1 ]
	mount_logged 'backups/nightly/restores/fresh: begun, restore-jobs/'
	command_fault '{"count":1,"kind":"reset"}'
	sent 1 says 'Input/output error' mkdir "$RESTORES/second"
	[[ $(why) == 'EIO: '*'; the restore was not begun' ]]
	fault '{"match":"indexes","kind":"reset"}'
	fault '{"match":"restore-jobs","kind":"reset"}'
	command_fault '{"count":1,"carried_out":true,"kind":"reset"}'
	sent 1 says 'Connection timed out' mkdir "$RESTORES/third"
	[[ $(why) == 'ETIMEDOUT: '*"whether the restore was begun can't be known now"* ]]
	grep -F 'backups/nightly/restores/third' "$MNT/.pinefs/errors" | grep -F ETIMEDOUT |
		grep -qF "can't be known now"
	sim_delete /_sim/faults
	mount_forget
	sent 0 mkdir -p "$RESTORES/third"
	made_are 2
	mount_stop
}
