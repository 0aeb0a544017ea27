# Clocks: the wall clock is set while something is mounted, and the machine is suspended.
load lib/watching

set_up() {
	local sanitizer
	export SET_CLOCKS_FILE=$BATS_TEST_TMPDIR/clocks SET_CLOCKS_FIFO=$BATS_TEST_TMPDIR/steps
	head -c 16 /dev/zero >"$SET_CLOCKS_FILE"
	mkfifo "$SET_CLOCKS_FIFO"
	# That of addresses wants to be loaded before all others.
	sanitizer=$(ldd "$PINEFS" 2>/dev/null | awk '/libasan/ { print $3 }')
	MOUNT_AS=(env "LD_PRELOAD=$sanitizer $PINEFS_SET_CLOCKS")
}

# The daemon's clocks are ahead by so many seconds; as real ones do, they say that they were set.
set_clocks() { # WALL BOOTTIME
	python3 -c 'import struct, sys
with open(sys.argv[1], "r+b", 0) as file:
    file.write(struct.pack("=qq", *(int(word) * 10**9 for word in sys.argv[2:])))
' "$SET_CLOCKS_FILE" "$@"
	printf x 1<>"$SET_CLOCKS_FIFO"
}

set_wall() { # SECONDS
	set_clocks "$1" 0
}

suspend() { # SECONDS, in all
	set_clocks "$1" "$1"
}

# A number of seconds in an extended attribute, as a whole one.
seconds() { # FILE NAME
	local value
	value=$(attribute "$1" "$2")
	echo "${value%.*}"
}

between() { # LEAST NUMBER MOST
	[ "$2" -ge "$1" ] && [ "$2" -le "$3" ] && return
	echo "$2 is not from $1 to $3" >&2
	return 1
}

# The list fails again and again, until it is asked for only once a minute.
@test "after an outage SIGHUP brings what is watched at once, not after the pause" {
	local asked i
	pending one
	mount_start --ttl 0.3
	lists 'one ' # the first listing is no news
	inotify jobs -e create "$JOBS"
	fault '{"match":"any","status":400}'
	asked_again() { [ "$(requests list)" -gt "$asked" ]; }
	for i in {1..9}; do
		asked=$(requests list)
		suspend $((i * 100))
		wait_until 20 asked_again
	done
	sim_delete /_sim/faults
	pending two
	mount_forget
	wait_until 20 saw jobs "CREATE,ISDIR $JOBS/two"
	mount_stop
}

@test "the daemon's clock is the one that is set" {
	pending one
	mount_start --ttl 0.1
	set_wall -86400
	fetched_yesterday() {
		cat "$JOBS/one/status" >/dev/null
		[ "$(attribute "$JOBS/one/status" fetched_at | cut -c -10)" = \
			"$(date -u -d '86400 seconds ago' +%F)" ]
	}
	wait_until 20 fetched_yesterday
	mount_stop
}

@test "a wall clock that is set changes no freshness" {
	local hours status
	pending one
	mount_start --ttl 300
	status=$JOBS/one/status
	file_says "$status" Pending
	for hours in 1 -24000; do
		set_wall $((hours * 3600))
		between 1 "$(seconds "$status" expires_in)" 300
		between 0 "$(seconds "$status" age)" 299
		costs 0 0 file_says "$status" Pending
	done
	mount_stop
}

@test "a wall clock that is set neither stops the requests nor makes more of them" {
	local hours before begun
	pending one
	mount_start --ttl 0.5
	three_more() {
		cat "$JOBS/one/status" >/dev/null
		[ "$(requests)" -ge $((before + 3)) ]
	}
	for hours in 1 -2 0; do
		set_wall $((hours * 3600))
		before=$(requests)
		begun=$(milliseconds)
		wait_until 20 three_more
		# The first at once, the others a TTL after each other.
		[ $(($(milliseconds) - begun)) -ge 990 ]
	done
	mount_stop
}

@test "a wall clock that is set back: histories grow at their end, and no time in them goes back" {
	local events hours=(1 -1 0) times=() i copy=$BATS_TEST_TMPDIR/copy modified
	pending one
	mount_start --ttl 0.1
	events=$JOBS/one/events
	has_change() {
		cut -f 2- "$events" | grep -qFx "percent_complete	$1	$2"
	}
	cat "$events" >"$copy"
	modified=$(stat -c %.9Y "$JOBS/one/percent_complete")
	for i in 0 1 2; do
		set_wall $((hours[i] * 3600))
		change one "{\"percent_complete\":$((i + 1))}"
		wait_until 20 has_change "${i/#0/}" $((i + 1))
		cmp -n "$(stat -c %s "$copy")" "$copy" "$events"
		cat "$events" >"$copy"
		wait_until 20 file_says "$JOBS/one/percent_complete" $((i + 1))
		between "$((${modified/./} + 1))" "$(stat -c %.9Y "$JOBS/one/percent_complete" | tr -d .)" \
			"$(date -d '2 hours' +%s%N)"
		modified=$(stat -c %.9Y "$JOBS/one/percent_complete")
		times+=("$(date -d "$(tail -n 1 "$copy" | cut -f 1)" +%s)")
	done
	# Set back, it is not believed; the first line has the hour that it was ahead.
	[ "${times[1]}" -eq "${times[0]}" ]
	[ "${times[2]}" -eq "${times[0]}" ]
	between $(($(date +%s) + 3300)) "${times[0]}" $(($(date +%s) + 3600))
	mount_stop
}

@test "a wall clock that is set: watchers are told, and who waits gets the end" {
	local hours n=0 waiter
	pending one two
	mount_start --ttl 0.2
	cat "$JOBS/one/percent_complete"
	inotify watch -e modify "$JOBS/one/percent_complete"
	background waiter cat "$JOBS/two/wait"
	waiter=$!
	wait_until 20 waiting_is 1
	was_told() {
		[ "$(grep -cFx "MODIFY $JOBS/one/percent_complete" "$(out watch)")" -ge "$1" ]
	}
	for hours in 1 -1; do
		set_wall $((hours * 3600))
		n=$((n + 1))
		change one "{\"percent_complete\":$n}"
		wait_until 20 was_told "$n"
		file_says "$JOBS/one/percent_complete" "$n"
	done
	kill -0 "$waiter"
	end_job two
	wait_until 20 ended "$waiter"
	file_says "$(out waiter)" Completed
}

@test "after a suspend nothing from before it is fresh, not even to the kernel" {
	local index
	pending one
	add_job ended '{"status":"Completed","target_index_name":"before"}'
	mount_start --ttl 300 --ttl-final 500
	index=$JOBS/ended/target_index_name
	lists 'ended one '
	file_says "$index" before
	file_says "$JOBS/one/percent_complete" ''
	add_job new
	change one '{"percent_complete":7}'
	change ended '{"target_index_name":"after"}'
	costs 0 0 file_says "$index" before
	suspend 600
	# Without a word from the kernel first.
	wait_until 20 file_says "$index" after
	wait_until 20 file_says "$JOBS/one/percent_complete" 7
	wait_until 20 lists 'ended new one '
	between 1 "$(seconds "$index" expires_in)" 500
	mount_stop
}

@test "a suspend that is shorter than the TTL takes no more than its time" {
	pending one
	mount_start --ttl 900
	file_says "$JOBS/one/percent_complete" ''
	between 301 "$(seconds "$JOBS/one/percent_complete" expires_in)" 900
	suspend 600
	costs 0 0 file_says "$JOBS/one/percent_complete" ''
	between 1 "$(seconds "$JOBS/one/percent_complete" expires_in)" 300
	mount_stop
}

@test "a suspend during a request: its reader is answered at once, who waits for the job goes on" {
	local reader waiter result=0
	pending one two
	mount_start --ttl 0.1 --stale 0 --timeout "$(longer 100)"
	background waiter cat "$JOBS/two/wait"
	waiter=$!
	wait_until 20 waiting_is 1
	job_fault one '{"kind":"silence","count":1}'
	background reader cat "$JOBS/one/status"
	reader=$!
	wait_until 20 grep -q restore-jobs/one "$MNT/.pinefs/inflight"
	suspend "$(longer 600)"
	# Sooner than --timeout.
	wait_until 20 ended "$reader"
	wait "$reader" || result=$?
	[ "$result" -eq 1 ]
	grep -q 'timed out' "$(out reader)"
	kill -0 "$waiter"
	wait_until 20 file_says "$JOBS/one/status" Pending
	end_job two
	wait_until 20 ended "$waiter"
	file_says "$(out waiter)" Completed
	mount_stop
}

@test "after a suspend watchers are looked for, and refreshed, without waiting for the TTL" {
	pending one
	mount_start --ttl 60
	cat "$JOBS/one/percent_complete"
	background watch inotifywait -m --format '%e %w%f' -e modify "$JOBS/one/percent_complete"
	wait_until 20 grep -q 'Watches established' "$(out watch)"
	suspend 600
	wait_until 20 is_watched "$!" /restore-jobs/one/percent_complete
	is_fresh() { ! expired "$JOBS/one/percent_complete"; }
	wait_until 20 is_fresh
	change one '{"percent_complete":7}'
	suspend 1200
	wait_until 20 saw watch "MODIFY $JOBS/one/percent_complete"
	file_says "$JOBS/one/percent_complete" 7
	mount_stop
}

@test "after a suspend who was asking is asked for again at once, on another connection" {
	local reader before
	pending one two
	mount_start --timeout 600 --ttl 0.1
	file_says "$JOBS/two/status" Pending
	job_fault one '{"kind":"silence","count":1}'
	background reader cat "$JOBS/one/status"
	reader=$!
	wait_until 20 grep -q $'sent\t/restore-jobs/one' "$MNT/.pinefs/inflight"
	before=$(counter http_connections)
	suspend 10
	wait_until 20 ended "$reader"
	file_says "$(out reader)" Pending
	file_says "$JOBS/two/status" Pending
	[ "$(counter http_connections)" -gt "$before" ]
	mount_stop
}

@test "a clock that is set after a suspend is no other suspend" {
	pending one
	mount_start -d --ttl 300
	suspensions() { [ "$(grep -c 'main: suspended for' "$PINEFS_LOG")" -eq "$1" ]; }
	suspend 100
	wait_until 20 suspensions 1
	set_clocks 5000 100
	# The daemon answers only after it has seen that.
	counter messages
	counter messages
	suspensions 1
	suspend 200
	wait_until 20 suspensions 2
	mount_stop
}
