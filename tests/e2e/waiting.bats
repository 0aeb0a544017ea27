# Questions that take long: who waits for them, and who doesn't.
load lib/mount

tear_down() {
	[ -z "${PINEFS_PRIVATE-}" ] || echo 'nameserver 127.0.0.1' >/etc/resolv.conf
	[ -z "${NAME_SERVER-}" ] || kill "$NAME_SERVER"
}

waiting_are() {
	[ "$(counter waiting)" -eq "$1" ]
}

@test "while one new id is being asked for, nothing else waits" {
	sim_start --jobs 0
	add_job a
	add_job b
	mount_start --ttl "$(longer 60)" --timeout "$(longer 100)"
	file_says "$JOBS/a/status" Pending
	fault '{"match": "/restore-jobs/slow", "kind": "silence"}'
	cat "$JOBS/slow/status" 3>&- 2>/dev/null &
	local slow=$!
	slow_is_asked_for() { [ "$(requests 'paths["/restore-jobs/slow"]')" = 1 ]; }
	wait_until 20 slow_is_asked_for
	# Known file, unknown id, an id that isn't there, listings, the rest of the mount.
	[ "$(in_time 20 cat "$JOBS/a/status")" = Pending ]
	[ "$(in_time 20 cat "$JOBS/b/status")" = Pending ]
	says 'No such file' in_time 20 cat "$JOBS/c/status"
	[ "$(in_time 20 ls "$JOBS" | tr '\n' ' ')" = 'a b ' ]
	in_time 20 ls -l "$JOBS/a" "$MNT" >"$BATS_TEST_TMPDIR/listing"
	in_time 20 find "$MNT" >"$BATS_TEST_TMPDIR/found"
	in_time 20 df "$JOBS" >"$BATS_TEST_TMPDIR/df"
	says 'No such file' in_time 20 cat "$JOBS/d/status"
	# And it waits still.
	kill -0 "$slow"
	[ "$(counter waiting)" -eq 1 ]
	grep -q 'sent.*/restore-jobs/slow$' "$MNT/.pinefs/inflight"
}

@test "while a known job is being asked for, nothing else waits, and Ctrl-C works" {
	sim_start --jobs 0
	add_job a
	add_job b
	mount_start --ttl 1 --timeout "$(longer 100)"
	lists 'a b '
	file_says "$JOBS/a/status" Pending
	wait_until 20 expired "$JOBS/a/status"
	fault '{"match": "/restore-jobs/a", "kind": "silence"}'
	# Not to be ignored, as signals are for the shell's children in the background.
	python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("cat", ["cat", sys.argv[1]])' "$JOBS/a/status" 3>&- &
	local slow=$!
	wait_until 20 waiting_are 1
	[ "$(in_time 20 cat "$JOBS/b/status")" = Pending ]
	says 'No such file' in_time 20 cat "$JOBS/c/status"
	[ "$(in_time 20 ls "$JOBS/b" | grep -c '^status$')" -eq 1 ]
	in_time 20 df "$JOBS" >"$BATS_TEST_TMPDIR/df"
	kill -0 "$slow"
	kill -INT "$slow"
	wait_until 10 sim_is_gone "$slow"
	[ "$(counter interrupted)" -eq 1 ]
	wait_until 10 waiting_are 0
}

# Its addresses are some of loopback's that nothing else here uses. Three of them, since the longer
# the resolver takes the slower a machine may be on which the daemon is seen not to wait for it.
@test "a silent name server holds up only those who wait for it, and those for --timeout" {
	[ -n "${PINEFS_PRIVATE-}" ] || skip 'only root can put another name server in its place'
	not_under_memcheck "the resolver's thread is left to itself, by intent"
	local network=$((BASHPID >> 8 & 255)).$((BASHPID & 255)) start
	python3 -c '
import signal, socket, sys
silent = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in sys.argv[1:]]
for server, address in zip(silent, sys.argv[1:]):
    server.bind((address, 53))
print("bound", flush=True)
signal.pause()' "127.53.$network" "127.54.$network" "127.55.$network" \
		>"$BATS_TEST_TMPDIR/name_server" 3>&- &
	NAME_SERVER=$!
	wait_until 20 grep -qs bound "$BATS_TEST_TMPDIR/name_server"
	{
		printf 'nameserver %s\n' "127.53.$network" "127.54.$network" "127.55.$network"
		echo 'options timeout:30 attempts:5'
	} >/etc/resolv.conf
	# shellcheck disable=SC2034 # mount_start uses them
	SIM_URL=https://api.example.com SIM_KEY=pcsk_any
	mount_start --no-check --timeout 2
	start=$(milliseconds)
	says 'Connection timed out' cat "$JOBS/a/status"
	[ $(($(milliseconds) - start)) -lt "$(longer 20000)" ]
	grep -q $'\tETIMEDOUT\t' "$MNT/.pinefs/errors"
	kill -TERM "$PINEFS_PID"
	wait_until 20 sim_is_gone "$PINEFS_PID"
	# All of that was sooner than the name servers' time was over: five times 30, 20 and 40 seconds.
	[ $(($(milliseconds) - start)) -lt 440000 ]
}
