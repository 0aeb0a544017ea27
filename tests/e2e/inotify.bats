# Real inotify events, for whoever watches and nobody else; and requests for watchers only.
load lib/watching

@test "a change: modify, attrib and close_write, once, and the value is new then" {
	pending one
	change one '{"percent_complete":41}'
	mount_start --ttl 0.3
	inotify file -e modify,attrib,close_write "$JOBS/one/percent_complete"
	inotify directory -e modify,attrib,close_write,create,delete "$JOBS/one"
	# As long as 41: only the time of the file moves.
	background value bash -c "inotifywait -qq -e close_write '$JOBS/one/percent_complete' &&
		cat '$JOBS/one/percent_complete'"
	is_watching() { is_watched '[0-9]*' "/restore-jobs/one/percent_complete" &&
		[ "$(grep -c percent_complete "$MNT/.pinefs/watchers")" -eq 2 ]; }
	wait_until 20 is_watching
	change one '{"percent_complete":42}'
	wait_until 20 saw file "CLOSE_WRITE,CLOSE $JOBS/one/percent_complete"
	wait_until 20 ended "${BACKGROUND[2]}"
	[ "$(cat "$(out value)")" = 42 ]
	wait_until 20 saw directory "CLOSE_WRITE,CLOSE $JOBS/one/events"
	[ "$(grep -c . "$(out file)")" -eq 5 ] # two lines are inotifywait's own
	saw file "MODIFY $JOBS/one/percent_complete"
	saw file "ATTRIB $JOBS/one/percent_complete"
	# Of the directory's files only those whose content is another.
	[ "$(grep -c status "$(out directory)")" -eq 0 ]
	[ "$(grep -c percent_complete "$(out directory)")" -eq 3 ]
	saw directory "CLOSE_WRITE,CLOSE $JOBS/one/raw.json"
	mount_stop
}

@test "fanotify is told as inotify is" {
	command -v fsnotifywait >/dev/null || skip 'fsnotifywait is not there'
	pending one
	mount_start --ttl 0.3
	background fanotify fsnotifywait -m -e close_write --format '%e %f' "$JOBS/one"
	is_there() { ended "${BACKGROUND[0]}" || is_watched "${BACKGROUND[0]}" /restore-jobs/one; }
	wait_until 20 is_there
	! ended "${BACKGROUND[0]}" || skip 'the kernel has no fanotify for us'
	end_job one
	wait_until 20 saw fanotify 'CLOSE_WRITE,CLOSE status'
	[ "$(cat "$JOBS/one/status")" = Completed ]
	kill "${BACKGROUND[0]}"
	wait_until 10 ended "${BACKGROUND[0]}"
	mount_stop
}

@test "a new job: create in restore-jobs, also as the first use of the mount" {
	pending one
	mount_start --ttl 0.3
	inotify jobs -e create "$JOBS"
	walked() { [ "$(requests list)" -ge 2 ]; }
	wait_until 20 walked
	add_job two '{"status":"Pending"}'
	wait_until 20 saw jobs "CREATE,ISDIR $JOBS/two"
	[ "$(ls "$JOBS")" = $'one\ntwo' ]
	[ "$(grep -c CREATE "$(out jobs)")" -eq 1 ]
	mount_stop
}

@test "a job that somebody looked up before the list had it: create, once" {
	pending one
	mount_start --ttl 0.3
	ls "$JOBS" >/dev/null
	inotify jobs -e create "$JOBS"
	sim_post /_sim/list '{"late":60}' >/dev/null
	add_job two '{"status":"Pending"}'
	[ "$(cat "$JOBS/two/status")" = Pending ]
	wait_until 20 saw jobs "CREATE,ISDIR $JOBS/two"
	(cd "$JOBS/two" && cat status >/dev/null)
	mount_stop
}

@test "done appears: create in the job; a job vanishes: delete in restore-jobs" {
	pending one two
	mount_start --ttl 0.3 --ttl-missing 0.3 --stale 1
	ls "$JOBS" >/dev/null
	inotify one -e create "$JOBS/one"
	inotify jobs -e delete "$JOBS"
	inotify status -e delete_self "$JOBS/two/status"
	background loop bash -c "while inotifywait -qq -e close_write '$JOBS/two/status'; do
		cat '$JOBS/two/status'; done"
	says 'No such file' cat "$JOBS/one/done"
	end_job one
	wait_until 20 saw one "CREATE $JOBS/one/done"
	[ "$(cat "$JOBS/one/done")" = Completed ]
	sim_delete /_sim/jobs/two
	wait_until 30 saw jobs "DELETE,ISDIR $JOBS/two"
	wait_until 20 saw status "DELETE_SELF $JOBS/two/status"
	wait_until 20 ended "${BACKGROUND[-1]}"
	says 'No such file' ls "$JOBS/two"
	[ "$(ls "$JOBS")" = one ]
	mount_stop
}

@test "the history of all: modify on /events" {
	pending one
	mount_start --ttl 0.3
	inotify events -e modify,close_write "$MNT/events"
	walked() { [ "$(requests list)" -ge 2 ]; }
	wait_until 20 walked
	end_job one
	wait_until 20 saw events "CLOSE_WRITE,CLOSE $MNT/events"
	wait_until 20 grep -q $'\trestore-jobs/one\tstatus\tPending\tCompleted$' "$MNT/events"
	mount_stop
}

@test "many watched jobs are asked for by the list" {
	local i
	for i in {1..100}; do
		add_job "job-$i" '{"status":"Pending"}'
	done
	mount_start --ttl 0.5
	background watch inotifywait -m -e close_write "$JOBS"/*/status
	wait_until 20 grep -q 'Watches established' "$(out watch)"
	wait_until 20 is_watched "$!" /restore-jobs/job-100/status
	local before
	before=$(requests 'list, .describe')
	listed() { [ "$(requests list)" -ge $((${before%%$'\n'*} + 20)) ]; }
	wait_until 20 listed
	# The hundred are two pages.
	echo "# requests for 100 jobs: ${before/$'\n'/ } before, $(requests 'list, .describe' | xargs) after" >&3
	[ "$(requests describe)" -le $((${before##*$'\n'} + 10)) ]
	end_job job-77
	wait_until 20 saw watch "$JOBS/job-77/status CLOSE_WRITE,CLOSE "
	mount_stop
}

@test "nobody watches: no request, and the daemon and its child sleep" {
	pending one
	mount_start --ttl 0.2
	cat "$JOBS/one/status" "$MNT/events"
	inotify file -e close_write "$JOBS/one/status"
	kill "${BACKGROUND[0]}"
	wait_until 20 stays_at_rest
	local child
	child=$(pgrep -P "$PINEFS_PID")
	switches() {
		grep -h ctxt_switches "/proc/$PINEFS_PID/status" "/proc/$child/status"
	}
	is_asleep() {
		local before
		before=$(switches)
		sleep 2
		[ "$(switches)" = "$before" ]
	}
	wait_until 10 is_asleep
	stays_at_rest
	mount_stop
}

@test "watches don't keep the mount busy, and don't outlive it" {
	pending one
	mount_start --ttl 0.3
	inotify jobs -e create,unmount "$JOBS"
	inotify one "$JOBS/one"
	local child
	child=$(pgrep -P "$PINEFS_PID")
	mount_stop
	wait_until 5 ended "$child"
	wait_until 5 saw jobs "UNMOUNT,ISDIR $JOBS/"
}

@test "a child that is killed has a successor, without the key, and whoever watches is told" {
	not_under_memcheck "it can't execute the program by /proc/self/exe"
	pending one
	mount_start --ttl 0.3
	inotify one -e close_write,create "$JOBS/one"
	local first next
	first=$(pgrep -P "$PINEFS_PID")
	kill -KILL "$first"
	wait_until 10 mount_logged 'process that makes inotify events has ended'
	end_job one
	wait_until 20 saw one "CLOSE_WRITE,CLOSE $JOBS/one/status"
	wait_until 20 saw one "CREATE $JOBS/one/done"
	next=$(pgrep -P "$PINEFS_PID")
	[ "$next" != "$first" ]
	[ "$(cat "/proc/$next/comm")" = pinefs-poke ]
	holds_its_socket_only() { [ "$(ls "/proc/$next/fd")" = 0 ]; } # when it does nothing
	[ "$(id -u)" -ne 0 ] || wait_until 10 holds_its_socket_only # nobody else may look
	[ "$(grep NoNewPrivs "/proc/$next/status")" = $'NoNewPrivs:\t1' ]
	run ! grep -aqF "$SIM_KEY" "/proc/$next/environ" "/proc/$next/cmdline"
	mount_stop
	wait_until 5 ended "$next"
}

@test "where no successor can be started, the mount goes on, and asks for nobody" {
	not_under_memcheck "what is copied here is not the program"
	pending one
	cp "$PINEFS" "$BATS_TEST_TMPDIR/pinefs"
	PINEFS=$BATS_TEST_TMPDIR/pinefs mount_start --ttl 0.3
	inotify one -e close_write "$JOBS/one/status"
	# It is executed for that, and now nobody may.
	chmod 600 "$BATS_TEST_TMPDIR/pinefs"
	kill -KILL "$(pgrep -P "$PINEFS_PID")"
	wait_until 20 mount_logged 'another is started in 2 s; what changes until then is not told'
	wait_until 10 stays_at_rest
	[ -z "$(cat "$MNT/.pinefs/watchers")" ]
	end_job one
	[ "$(in_time 20 cat "$JOBS/one/wait")" = Completed ]
	mount_stop
}

@test "a child that is stopped holds up nobody" {
	pending one
	mount_start --ttl 0.3
	inotify one -e close_write "$JOBS/one/status"
	local child
	child=$(pgrep -P "$PINEFS_PID")
	kill -STOP "$child"
	end_job one
	[ "$(in_time 20 cat "$JOBS/one/wait")" = Completed ]
	[ "$(in_time 20 ls "$JOBS")" = one ]
	kill -CONT "$child"
	wait_until 20 saw one "CLOSE_WRITE,CLOSE $JOBS/one/status"
	mount_stop
}

@test "what goes is reported although others have looked its name up since" {
	pending one
	mount_start --ttl 0.3 --ttl-missing 2 --stale 0.3
	inotify directory -e delete "$JOBS"
	inotify file -e delete_self "$JOBS/one/status"
	local child
	child=$(pgrep -P "$PINEFS_PID")
	kill -STOP "$child"
	sim_delete /_sim/jobs/one
	wait_until 20 is_missing "$JOBS/one"
	kill -CONT "$child"
	wait_until 20 saw directory "DELETE,ISDIR $JOBS/one"
	wait_until 20 saw file "DELETE_SELF $JOBS/one/status"
	mount_stop
}

@test "a history that is replaced is reported although others have looked its name up since" {
	local i=0 long
	pending one
	mount_start --ttl 1
	local events=$JOBS/one/events inode
	inode=$(stat -c %i "$events")
	inotify directory -e create,delete "$JOBS/one"
	inotify file -e delete_self "$events"
	local child
	child=$(pgrep -P "$PINEFS_PID")
	kill -STOP "$child"
	is_replaced() {
		printf -v long '%04000d' "$((++i))"
		change one "{\"note\":\"$long\"}"
		mount_forget
		cat "$events" >/dev/null
		[ "$(stat -c %i "$events")" != "$inode" ]
	}
	wait_until 20 is_replaced
	kill -CONT "$child"
	wait_until 20 saw directory "CREATE $events"
	saw directory "DELETE $events"
	wait_until 20 saw file "DELETE_SELF $events"
	[ "$(stat -c %h "$events")" -eq 1 ]
	mount_stop
}

@test "a slow API holds up no event of what is known" {
	pending one
	mount_start --ttl 0.2 --timeout "$(longer 100)"
	inotify one -e close_write "$JOBS/one/status"
	local child
	child=$(pgrep -P "$PINEFS_PID")
	kill -STOP "$child"
	end_job one Failed
	wait_until 10 file_says "$JOBS/one/status" Failed
	# Now what the child will ask for has run out, and the answer takes longer than this waits.
	job_fault one '{"kind":"silence"}'
	mount_forget
	kill -CONT "$child"
	wait_until 10 saw one "CLOSE_WRITE,CLOSE $JOBS/one/status"
	mount_stop
}

@test "a watch that is set after a slow answer, without asking anything more, is found" {
	pending one
	mount_start --ttl 0.5 --timeout "$(longer 30)"
	job_fault one "{\"delay\":$(longer 2)}"
	background watcher python3 -c "
import ctypes, os, signal
os.chdir('$JOBS')
os.stat('one')
libc = ctypes.CDLL(None)
print(libc.inotify_add_watch(libc.inotify_init(), b'one', 2), flush=True) # IN_MODIFY
signal.pause()"
	wait_until 20 grep -qx 1 "$(out watcher)"
	sim_delete /_sim/faults
	# It is asked for again and again, though nobody uses the mount.
	asked() { [ "$(requests describe)" -ge 4 ]; }
	wait_until 20 asked
	kill "${BACKGROUND[0]}"
	wait_until 10 ended "${BACKGROUND[0]}"
	mount_stop
}

@test "a lookup that waits for the API holds up no watcher of another directory" {
	pending one
	mount_start --ttl 0.3 --timeout "$(longer 30)"
	inotify one -e close_write,create "$JOBS/one"
	inotify jobs -e create "$JOBS"
	fault "{\"match\":\"/restore-jobs/slow\",\"delay\":$(longer 5)}"
	background slow ls "$JOBS/slow"
	asked() { [ "$(sim_requests 'paths["/restore-jobs/slow"] // 0')" -eq 1 ]; }
	wait_until 10 asked
	add_job two '{"status":"Pending"}'
	end_job one
	wait_until 4 saw one "CREATE $JOBS/one/done"
	kill -0 "${BACKGROUND[2]}"
	wait_until 20 saw jobs "CREATE,ISDIR $JOBS/two"
	mount_stop
}

@test ".pinefs/watchers: process id, name and path" {
	pending one
	mount_start --ttl 0.3
	inotify one "$JOBS/one/status"
	[ "$(cat "$MNT/.pinefs/watchers")" = "${BACKGROUND[0]}"$'\tinotifywait\t/restore-jobs/one/status' ]
	kill "${BACKGROUND[0]}"
	has_none() { [ ! -s "$MNT/.pinefs/watchers" ]; }
	wait_until 10 has_none
	mount_stop
}
