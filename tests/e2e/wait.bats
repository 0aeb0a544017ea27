# `wait`: reading it lasts until the job has ended. Who reads gets the status and a newline, byte
# for byte, whatever else happens to the file meanwhile; who gives up is let go at once.
load lib/watching

# All outputs of readers are the same.
outputs_are() { # TEXT COUNT
	local out count=0
	for out in "$BATS_TEST_TMPDIR"/out.*; do
		cmp "$out" <(printf '%s\n' "$1") || return 1
		count=$((count + 1))
	done
	[ "$count" -eq "$2" ]
}

# Known before, or the lookup may be what is seen to wait.
background_wait() { # ID
	file_says "$JOBS/$1/status" Pending
	background "$1" cat "$JOBS/$1/wait"
	wait_until 10 waiting_is 1
}

@test "wait is in no listing, and there by name" {
	pending one
	mount_start --ttl 60
	[ -z "$(find "$MNT" -name wait)" ]
	ls -a "$JOBS/one" >"$BATS_TEST_TMPDIR/listing"
	grep -qx status "$BATS_TEST_TMPDIR/listing"
	run ! grep -x wait "$BATS_TEST_TMPDIR/listing"
	# Nothing that walks the tree can hang on it.
	in_time 20 grep -rq Pending "$JOBS"
	in_time 20 tar -cf /dev/null -C "$MNT" restore-jobs
	[ "$(stat -c '%F %a %s' "$JOBS/one/wait")" = 'regular file 444 4096' ]
	ls "$JOBS/one/wait"
	mount_stop
}

@test "a job that has ended: the status at once, however it is read" {
	add_job failed '{"status":"Failed"}'
	mount_start
	[ "$(cat "$JOBS/failed/wait")" = Failed ]
	cmp "$JOBS/failed/wait" <(echo Failed)
	dd if="$JOBS/failed/wait" bs=1 status=none | cmp - <(echo Failed)
	[ "$(<"$JOBS/failed/wait")" = Failed ]
	[ "$(wc -c <"$JOBS/failed/wait")" -eq 7 ]
	[ "$(stat -c %s "$JOBS/failed/wait")" -eq 7 ]
	mount_stop
}

@test "readers of all kinds get the status when the job ends, not before, and nothing else" {
	pending one
	mount_start --ttl 0.2
	background cat cat "$JOBS/one/wait"
	background dd dd if="$JOBS/one/wait" bs=1 status=none
	background bash bash -c "echo \"\$(<'$JOBS/one/wait')\""
	background read bash -c "read -r line <'$JOBS/one/wait'; echo \"\$line\""
	background head head -n 1 "$JOBS/one/wait"
	background grep grep . "$JOBS/one/wait"
	background python python3 -c "print(open('$JOBS/one/wait').read(), end='')"
	background copy python3 -c "
import shutil, sys
shutil.copyfile('$JOBS/one/wait', '$BATS_TEST_TMPDIR/copied')
print(open('$BATS_TEST_TMPDIR/copied').read(), end='')"
	wait_until 20 waiting_is 8
	# What else is done to it meanwhile disturbs nobody.
	stat "$JOBS/one/wait" >/dev/null
	ls -l "$JOBS/one" "$JOBS/one/wait" >/dev/null
	find "$JOBS/one" -type f -exec cat {} + >/dev/null
	says 'Read-only' touch "$JOBS/one/wait"
	says 'Resource temporarily unavailable' python3 -c "
import os
source = os.open('$JOBS/one/wait', os.O_RDONLY)
os.sendfile(os.open('$BATS_TEST_TMPDIR/sent', os.O_CREAT | os.O_WRONLY), source, 0, 100)"
	# From here on nobody can change its attributes: lseek(2) to the end holds the kernel's lock.
	background tail tail -n 5 "$JOBS/one/wait"
	background late cat "$JOBS/one/wait"
	wait_until 10 waiting_is 10
	sim_post /_sim/jobs/one '{"percent_complete":41}' >/dev/null
	wait_until 10 grep -q 41 "$JOBS/one/percent_complete"
	ended "${BACKGROUND[@]}" && false
	waiting_is 10
	end_job one Cancelled
	wait_until 10 ended "${BACKGROUND[@]}"
	background after cat "$JOBS/one/wait"
	wait_until 10 ended "${BACKGROUND[@]}"
	outputs_are Cancelled 11
	[ "$(stat -c %s "$JOBS/one/wait")" -eq 10 ]
	mount_stop
}

@test "all that is read of the job after the wait is new, too" {
	pending one
	# Until then the kernel needn't ask for what it was told of the job.
	mount_start --ttl 60
	[ "$(cat "$JOBS/one/status")" = Pending ]
	background wait bash -c "cat '$JOBS/one/wait' '$JOBS/one/status'"
	wait_until 10 waiting_is 1
	end_job one
	[ "$(cat "$JOBS/one/status")" = Pending ]
	ls "$JOBS" >/dev/null # the first listing tells of it
	wait_until 10 ended "${BACKGROUND[0]}"
	cmp "$(out wait)" <(printf 'Completed\nCompleted\n')
	mount_stop
}

@test "twenty readers who are let go ask for little more" {
	pending one
	# How they meet in the kernel is chance: of five times, the best.
	local i before asked=()
	for _ in {1..5}; do
		mount_start --ttl 60
		for i in {1..20}; do
			background "$i" cat "$JOBS/one/wait"
		done
		wait_until 20 waiting_is 20
		before=$(counter messages getattr)
		end_job one
		ls "$JOBS" >/dev/null # the first listing tells of it
		wait_until 20 ended "${BACKGROUND[@]}"
		asked+=($(($(counter messages getattr) - before)))
		outputs_are Completed 20
		mount_stop
		end_job one Pending
	done
	echo "questions for attributes: ${asked[*]}"
	[ "$(printf '%s\n' "${asked[@]}" | sort -n | head -n 1)" -le 8 ]
}

@test "done is there after the wait, however long its absence was said to hold" {
	[ "$(printf '%s\n' 6.16 "$(uname -r)" | sort -V | head -n 1)" = 6.16 ] ||
		skip 'before Linux 6.16 the kernel keeps such names'
	pending one
	mount_start --ttl 60
	says 'No such file' cat "$JOBS/one/done"
	background wait bash -c "cd '$JOBS/one' && cat wait done && /bin/pwd -P"
	wait_until 10 waiting_is 1
	end_job one
	ls "$JOBS" >/dev/null # the first listing tells of it
	wait_until 10 ended "${BACKGROUND[0]}"
	cmp "$(out wait)" <(printf 'Completed\nCompleted\n%s\n' "$JOBS/one")
	mount_stop
}

@test "SIGINT, SIGKILL and timeout end a reader at once, and no other" {
	pending one
	mount_start --ttl 0.5
	background stays cat "$JOBS/one/wait"
	local stays=$!
	background killed cat "$JOBS/one/wait"
	local killed=$!
	# A job of a shell without job control ignores SIGINT.
	background interrupted env --default-signal=INT cat "$JOBS/one/wait"
	local interrupted=$!
	wait_until 10 waiting_is 3
	kill -KILL "$killed"
	wait_until 5 ended "$killed"
	kill -INT "$interrupted"
	wait_until 5 ended "$interrupted"
	run -124 timeout 1 cat "$JOBS/one/wait"
	[ -z "$output" ]
	run -1 python3 -c "
import os, signal, sys
signal.setitimer(signal.ITIMER_REAL, 0.3)
signal.signal(signal.SIGALRM, lambda *_: sys.exit(1))
os.read(os.open('$JOBS/one/wait', os.O_RDONLY), 100)"
	wait_until 5 waiting_is 1
	kill -0 "$stays"
	end_job one
	wait_until 10 ended "$stays"
	cmp "$(out stays)" <(echo Completed)
	mount_stop
}

@test "while somebody waits the job is asked for, and when nobody does it isn't" {
	pending one
	mount_start --ttl 0.2
	local before
	background_wait one
	before=$(requests)
	is_more() { [ "$(requests)" -ge $((before + 3)) ]; }
	wait_until 20 is_more
	kill -KILL "${BACKGROUND[0]}"
	wait_until 10 waiting_is 0
	wait_until 10 stays_at_rest
	mount_stop
}

@test "a wait goes on through failures of the API" {
	pending one
	mount_start --ttl 0.2 --stale 0.5 --timeout "$(longer 1)"
	background_wait one
	fault '{"match":"any","status":503}'
	fails() { says 'Input/output error' cat "$JOBS/one/status"; }
	wait_until 20 fails
	end_job one
	waiting_is 1
	sim_delete /_sim/faults
	wait_until 30 ended "${BACKGROUND[@]}"
	outputs_are Completed 1
	mount_stop
}

@test "a rejected key ends the wait, at once also for who comes then" {
	pending one
	mount_start --ttl 0.2
	background_wait one
	fault '{"match":"any","status":401,"body":"Invalid API key"}'
	wait_until 20 ended "${BACKGROUND[0]}"
	grep -q 'Permission denied' "$(out one)"
	says 'Permission denied' in_time 20 cat "$JOBS/one/wait"
	sim_delete /_sim/faults
	end_job one
	is_told() { [ "$(in_time 20 cat "$JOBS/one/wait")" = Completed ]; }
	wait_until 20 is_told
	mount_stop
}

@test "a job that is really gone ends the wait with an error" {
	pending one
	mount_start --ttl 0.2 --ttl-missing 0.2 --stale 0.5
	background_wait one
	sim_delete /_sim/jobs/one
	wait_until 20 ended "${BACKGROUND[@]}"
	run ! wait "${BACKGROUND[0]}"
	grep -q 'Stale file handle' "$(out one)"
	mount_stop
}

# mount_bounded SECONDS [OPTION...]: mount_start, with a daemon that takes the kernel to end a mount
# where a message goes unanswered for so long.
mount_bounded() {
	local limit=/proc/sys/fs/fuse/default_request_timeout result=0
	[ -n "${PINEFS_PRIVATE-}" ] || skip "$limit is the machine's"
	[ -e "$limit" ] || skip 'before Linux 6.15 there is no such bound'
	echo "$1" >"$BATS_TEST_TMPDIR/limit"
	shift
	mount --bind "$BATS_TEST_TMPDIR/limit" "$limit"
	mount_start "$@" || result=$?
	umount "$limit"
	return "$result"
}

@test "where the kernel bounds the time of a message, dd waits on, and a silent API is an error" {
	pending one
	mount_bounded "$(longer 2)" --ttl 0.5 --timeout "$(longer 60)"
	background one dd "if=$JOBS/one/wait" status=none # that is how cat was before coreutils 9.10
	# What dd is told, and reads again.
	background read python3 -c "
import ctypes, os, time
libc = ctypes.CDLL(None, use_errno=True)
file = os.open('$JOBS/one/wait', os.O_RDONLY)
begun = time.monotonic()
length = libc.read(file, ctypes.create_string_buffer(100), 100)
print(length, os.strerror(ctypes.get_errno()), time.monotonic() - begun >= $(longer 1.4))"
	wait_until 20 ended "${BACKGROUND[1]}"
	[ "$(cat "$(out read)")" = '-1 Interrupted system call True' ]
	job_fault silent '{"kind":"silence"}'
	local begun
	begun=$(milliseconds)
	says 'Connection timed out' cat "$JOBS/silent/status"
	[ $(($(milliseconds) - begun)) -ge "$(longer 1400)" ]
	[ $(($(milliseconds) - begun)) -lt "$(longer 30000)" ]
	kill -0 "${BACKGROUND[0]}"
	end_job one
	wait_until 20 ended "${BACKGROUND[0]}"
	cmp "$(out one)" <(echo Completed)
	mount_stop
}

# The lines that the manual has for this, in a file to be run by a shell.
manual_loop() {
	awk '/^\.Ss wait/ { on = 1; next } /^\.S[sh] / { on = 0 }
		/^\.Ed/ { literal = 0 } on && literal { print } /^\.Bd/ { literal = 1 }' \
		"$BATS_TEST_DIRNAME/../../man/pinefs.1" >"$BATS_TEST_TMPDIR/loop"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/loop")" -ge 3 ]
}

interrupted_twice() {
	[ "$(wc -l <"$BATS_TEST_TMPDIR/interrupted")" -ge 2 ]
}

# As that of coreutils 9.10, it doesn't read again, and says so.
impatient_cat() {
	mkdir "$BATS_TEST_TMPDIR/bin"
	: >"$BATS_TEST_TMPDIR/interrupted"
	{
		printf '#!%s\n' "$(command -v python3)"
		printf '%s\n' 'import ctypes, os, sys' \
			'libc = ctypes.CDLL(None, use_errno=True)' \
			'try:' \
			'    file = os.open(sys.argv[1], os.O_RDONLY)' \
			'except OSError as error:' \
			'    sys.exit(f"cat: {sys.argv[1]}: {error.strerror}")' \
			'text = ctypes.create_string_buffer(100)' \
			'length = libc.read(file, text, 100)' \
			'if length < 0:' \
			"    print('once', file=open('$BATS_TEST_TMPDIR/interrupted', 'a'))" \
			'    sys.exit(f"cat: {sys.argv[1]}: {os.strerror(ctypes.get_errno())}")' \
			'print(text.raw[:length].decode(), end="")'
	} >"$BATS_TEST_TMPDIR/bin/cat"
	chmod +x "$BATS_TEST_TMPDIR/bin/cat"
}

@test "the manual's loop goes on where cat is interrupted, and ends with the job, or a failure" {
	manual_loop
	impatient_cat
	pending one
	mount_bounded "$(longer 1)" --ttl 0.5
	cd "$JOBS"
	id=one background one env "PATH=$BATS_TEST_TMPDIR/bin:$PATH" sh "$BATS_TEST_TMPDIR/loop"
	wait_until 40 interrupted_twice
	ended "${BACKGROUND[0]}" && false
	end_job one
	wait_until 20 ended "${BACKGROUND[0]}"
	file_says "$(out one)" 'restored, go on'
	id=two background two env "PATH=$BATS_TEST_TMPDIR/bin:$PATH" sh "$BATS_TEST_TMPDIR/loop"
	wait_until 20 ended "${BACKGROUND[1]}"
	[ ! -s "$(out two)" ]
	cd /
	mount_stop
}

@test "a thousand readers of ten jobs disturb nobody, are all told, and leave nothing" {
	local i ids=() sanitized='' before after
	for i in {0..9}; do
		ids+=("job-$i")
	done
	pending "${ids[@]}" other
	mount_start --ttl 0.5
	[ -z "${PINEFS_MEMCHECK-}" ] && ! ldd "$PINEFS" | grep -q libasan || sanitized=yes
	resident() { awk '/^VmRSS/ { print $2 }' "/proc/$PINEFS_PID/status"; }
	cat "$JOBS"/*/status >/dev/null
	before=$(resident)
	for i in {0..999}; do
		background "$i" cat "$JOBS/job-$((i % 10))/wait"
	done
	wait_until 60 waiting_is 1000
	[ "$(in_time 10 cat "$JOBS/other/status")" = Pending ]
	[ "$(in_time 10 ls "$JOBS" | wc -l)" -eq 11 ]
	for i in "${ids[@]}"; do
		end_job "$i"
	done
	wait_until 60 ended "${BACKGROUND[@]}"
	outputs_are Completed 1000
	waiting_is 0
	after=$(resident)
	echo "resident: $before KiB before, $after KiB after"
	[ -n "$sanitized" ] || [ $((after - before)) -lt 4096 ]
	mount_stop
}

@test "killing the daemon ends all readers with an error, and a new mount takes its place" {
	pending one two
	mount_start --ttl 0.5
	background 1 cat "$JOBS/one/wait"
	background 2 cat "$JOBS/one/wait"
	background 3 cat "$JOBS/two/wait"
	background watcher inotifywait -q -m "$JOBS" "$JOBS/one" "$JOBS/one/status"
	wait_until 10 waiting_is 3
	local child
	child=$(pgrep -P "$PINEFS_PID")
	kill -KILL "$PINEFS_PID"
	wait_until 10 ended "${BACKGROUND[@]:0:3}" "$child"
	local i
	for i in 0 1 2; do
		run ! wait "${BACKGROUND[i]}"
	done
	grep -qE 'connection abort|not connected' "$(out 1)"
	says 'not connected' ls "$MNT"
	fusermount3 -u "$MNT"
	mount_start
	[ "$(cat "$JOBS/one/status")" = Pending ]
	mount_stop
}
