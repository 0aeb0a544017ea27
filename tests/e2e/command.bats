# The command: how it starts, what it says when it can't, and how it ends.
load lib/user
load lib/command

tear_down() {
	[ -z "${MANAGER-}" ] || kill "$MANAGER" 2>/dev/null || true
}

asked() { # ENDPOINT
	[ "$(sim_requests "$1")" -eq 1 ]
}

@test "wrong usage: one line, exit status 2" {
	local arguments
	for arguments in --nonsense -x 'a b' --ttl=x '--timeout 0' '--max-rate 0' --ttl=-1 --help=3 \
		--no-check=1 '-o nonsense' '-o ttl' '-o no_check=1' '-o uid=me' '-o umask=8' \
		'-o fsname' '--demo --api-url localhost' '--demo --api-key-file key' --api-url= \
		--api-version=2025/10 --api-key=pcsk_secret '-o api_key=pcsk_secret' \
		--apikey=pcsk_secret; do
		# shellcheck disable=SC2086
		pinefs $arguments
		echo "$arguments: $CODE, $SAID"
		[ "$CODE" -eq 2 ]
		said_one_line ' (see pinefs --help)'
		[ "${SAID/secret/}" = "$SAID" ]
	done
	run "$PINEFS"
	[ "$status" -eq 2 ]
	[ "$output" = 'pinefs: no mountpoint given (see pinefs --help)' ]
	run "$PINEFS" --ttl
	[ "$status" -eq 2 ]
	[ "$output" = 'pinefs: --ttl: needs an argument (see pinefs --help)' ]
}

@test "help and version need neither key nor mountpoint" {
	run --separate-stderr "$PINEFS" --help
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 'Usage: pinefs [OPTIONS] [SOURCE] MOUNTPOINT' ]
	[ -z "$stderr" ]
	run --separate-stderr "$PINEFS" -V
	[ "$status" -eq 0 ]
	[[ $output =~ ^pinefs\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ -z "$stderr" ]
	writes_to_full() { "$PINEFS" "$1" >/dev/full; }
	says 'pinefs: standard output: No space left on device' writes_to_full --help
	says 'pinefs: standard output: No space left on device' writes_to_full --version
}

@test "no key, or a key file that is refused" {
	local file=$BATS_TEST_TMPDIR/key mode
	# shellcheck disable=SC2016
	KEY='' refuses 'set $PINECONE_API_KEY or give --api-key-file' --api-url "$NOBODY"
	KEY='two words' refuses 'is no API key' --api-url "$NOBODY"
	refuses "key file $file: No such file" --api-key-file "$file" --api-url "$NOBODY"
	echo pcsk_good >"$file"
	for mode in 640 604 660 622 777; do
		chmod "$mode" "$file"
		refuses "(mode 0$mode); chmod 600 it" --api-key-file "$file" --api-url "$NOBODY"
	done
	chmod 600 "$file"
	printf 'key: pcsk_secret\n' >"$file"
	refuses 'must hold the API key alone' --api-key-file "$file" --api-url "$NOBODY"
	[ "${SAID/secret/}" = "$SAID" ]
	refuses 'not a regular file' --api-key-file /dev/null --api-url "$NOBODY"
	need_root
	echo pcsk_good >"$file"
	chown 65534 "$file"
	refuses 'belongs to another user (65534); chown it' --api-key-file "$file" --api-url "$NOBODY"
}

@test "a URL that the key must not be sent to" {
	refuses 'plain http would send the API key in clear; use https://' --api-url http://192.0.2.1
	refuses 'use https://' --api-url http://localhost.example.com
	refuses 'must begin with https://' --api-url ftp://127.0.0.1
	refuses 'must not hold a user or password' --api-url https://me:secret@127.0.0.1
	[ "${SAID/secret/}" = "$SAID" ]
	refuses 'must not hold a query' --api-url 'https://127.0.0.1/?a=b'
	SETTINGS=(PINECONE_CONTROLLER_HOST=http://192.0.2.1)
	refuses 'use https://'
}

@test "an API that can't be reached, or rejects the key" {
	refuses "$NOBODY: Failed to connect" --api-url "$NOBODY"
	[[ $SAID == *': check the network and --api-url; --no-check mounts all the same' ]]
	refuses 'https://no-such-name.invalid: Could not resolve host' --api-url no-such-name.invalid
	[[ $SAID == *': check the network and --api-url; --no-check mounts all the same' ]]
	sim_start --jobs 1
	KEY=sk_secret refuses '401: Invalid API key' --api-url "$SIM_URL"
	[[ $SAID == *'check the key'* ]]
	[ "${SAID/secret/}" = "$SAID" ]
	fault '{"match":"list","status":403}'
	refuses 'the key lacks a permission' --api-url "$SIM_URL"
	sim_delete /_sim/faults >/dev/null
	fault '{"match":"list","kind":"redirect","location":"/","count":1}'
	refuses '302: a redirect, which pinefs never follows: check --api-url' --api-url "$SIM_URL"
	fault '{"match":"list","status":200,"body":"<html>","content_type":"text/html","count":1}'
	refuses 'the answer is not a readable list: check --api-url' --api-url "$SIM_URL"
	fault '{"match":"list","status":404,"count":1}'
	refuses '404: Resource not found: check --api-url' --api-url "$SIM_URL"
	fault '{"match":"list","status":429,"retry_after":"120","count":1}'
	refuses '429: Too many requests (Retry-After: 120 s): try again later' --api-url "$SIM_URL"
	fault '{"match":"list","kind":"silence"}'
	refuses '(--timeout): try again later; --no-check mounts all the same' \
		--api-url "$SIM_URL" --timeout 0.5
	[ "$(sim_requests unauthorized)" -eq 1 ]
}

@test "a server without TLS where https is meant; certificates that aren't there" {
	local file
	sim_start --jobs 1
	refuses "https://${SIM_URL#http://}: " --api-url "https://${SIM_URL#http://}" \
		--timeout "$(longer 5)"
	[[ $SAID == *': check --api-url: what is there may not speak TLS' ]]
	refuses "--cacert /nonexistent: No such file or directory" --cacert /nonexistent --no-check
	refuses "--cacert $BATS_TEST_TMPDIR: Is a directory" --cacert "$BATS_TEST_TMPDIR" --demo
	echo '-----BEGIN PRIVATE KEY-----' >"$BATS_TEST_TMPDIR/private"
	for file in /dev/null /dev/zero "$BATS_TEST_TMPDIR/private"; do
		refuses "--cacert $file: holds no certificate in PEM form" --cacert "$file" --no-check
	done
	[ "${SAID/see --cacert/}" = "$SAID" ]
}

@test "additional headers that are none" {
	local headers
	for headers in '{' '[]' '{"a":1}' '{"a b":"c"}' '{"a":"b\r\nc: d"}'; do
		SETTINGS=("PINECONE_ADDITIONAL_HEADERS=$headers")
		refuses 'PINECONE_ADDITIONAL_HEADERS: must be a JSON object' --api-url "$NOBODY"
	done
}

@test "standard streams that are closed" {
	sim_start --jobs 1
	PINECONE_API_KEY=$SIM_KEY "$PINEFS" --api-url "$SIM_URL" "$MNT" 3>&- 0<&- 1>&- 2>&-
	is_mounted "$MNT"
	jobs_are 1
	# It still hears signals.
	signal_daemons TERM
	wait_until 20 none_runs
	run ! is_mounted "$MNT"
	CODE=0
	PINECONE_API_KEY=$SIM_KEY "$PINEFS" --api-url "$NOBODY" "$MNT" 3>&- 0<&- 1>&- 2>&- || CODE=$?
	[ "$CODE" -eq 1 ]
}

@test "an ordinary user is told in one line what fusermount3 says" {
	need_root
	need_user
	rmdir "$MNT"
	command_set_up
	sim_start --jobs 1
	PREFIX=("${AS_USER[@]}")
	chmod 755 "$MNT"
	refuses 'no write access to mountpoint' --api-url "$SIM_URL"
	chown 65534 "$MNT"
	need_fuse_conf ''
	refuses "'user_allow_other' is set in /etc/fuse.conf" --api-url "$SIM_URL" -o allow_other
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	jobs_are 1 as_user
	signal_daemons KILL
	wait_until 20 none_runs
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 1 ]
	said_one_line 'a dead mount is there'
	do_as_told as_user
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	chown 0 "$MNT" || true
}

@test "the question at the start is one row, and feeds nothing" {
	sim_start --jobs 3
	mount_start
	[ "$(curl -sS "$SIM_URL/_sim/log" | jq -r '.[].target')" = '/restore-jobs?limit=1' ]
	[ "$(counter objects)" -eq 0 ]
	costs 0 1 ls "$JOBS"
	[ "$(wc -l <"$COST_OUTPUT")" -eq 3 ]
	mount_stop
}

# A service manager: what it is told goes into the file `told`.
manage() { # ADDRESS
	rm -f "$BATS_TEST_TMPDIR/told" # or the one before may be taken for this one's
	python3 -c '
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1].replace("@", "\0", 1))
print("listens", flush=True)
while True:
    print(manager.recv(100).decode(), flush=True)' "$1" >"$BATS_TEST_TMPDIR/told" 3>&- &
	MANAGER=$!
	wait_until 20 told listens
}

told() {
	grep -qsx "$1" "$BATS_TEST_TMPDIR/told"
}

@test "NOTIFY_SOCKET is told once of a mount with -f, by a path and by an abstract name" {
	local address
	sim_start --jobs 1
	for address in "$BATS_TEST_TMPDIR/socket" "@pinefs-tests-$BASHPID"; do
		manage "$address"
		MOUNT_AS=(env "NOTIFY_SOCKET=$address")
		mount_start
		wait_until 20 told READY=1
		mount_stop
		[ "$(wc -l <"$BATS_TEST_TMPDIR/told")" -eq 2 ]
		kill "$MANAGER"
	done
}

@test "NOTIFY_SOCKET that can't be told is no reason not to mount; in the background nobody is" {
	sim_start --jobs 1
	MOUNT_AS=(env "NOTIFY_SOCKET=$BATS_TEST_TMPDIR/nobody")
	mount_start
	mount_logged 'NOTIFY_SOCKET: No such file or directory'
	mount_stop
	manage "$BATS_TEST_TMPDIR/socket"
	MNT=$(mktemp -d "$BATS_TEST_TMPDIR/mnt.XXXXXX")
	SETTINGS=("NOTIFY_SOCKET=$BATS_TEST_TMPDIR/socket")
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	cat "$MNT/.pinefs/version"
	run ! told READY=1
}

# Has it failed once more, after the pause that follows a failure?
fails_again() { # ID
	says 'Input/output error' cat "$JOBS/$1/status"
	cut -f 2,7 "$MNT/.pinefs/errors" | grep -qE "^/restore-jobs/$1	times=([2-9]|[0-9]{2,})$"
}

@test "-f: the process that was started is the daemon; it logs to standard error" {
	sim_start --jobs 1
	mount_start
	[ "$(awk '/^PPid:/ { print $2 }' "/proc/$PINEFS_PID/status")" -eq "$BASHPID" ]
	! is_root || find "/proc/$PINEFS_PID/fd" -lname /dev/fuse | grep -q .
	# It is mounted before it says so.
	wait_until 10 mount_logged 'mounted on'
	[ "$(cat "$PINEFS_LOG")" = "pinefs: mounted on $MNT, from $SIM_URL" ]
	fault '{"match":"any","status":400}'
	says 'Input/output error' cat "$JOBS/some-id/status"
	says 'Input/output error' cat "$JOBS/other-id/status"
	# Each has a line, and the second failure of one of them has none.
	wait_until 20 fails_again some-id
	[ "$(grep -c 'api: /restore-jobs/some-id: EIO: 400: ' "$PINEFS_LOG")" -eq 1 ]
	[ "$(grep -c 'api: /restore-jobs/other-id: EIO: 400: ' "$PINEFS_LOG")" -eq 1 ]
	mount_stop
	[ "$(tail -n 1 "$PINEFS_LOG")" = "pinefs: unmounted from $MNT" ]
}

@test "in the background: it is mounted when the command returns, and detached" {
	local pid found=
	sim_start --jobs 1
	fault '{"match":"list","delay":1,"count":1}'
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	[ -z "$SAID" ]
	is_mounted "$MNT"
	jobs_are 1
	for pid in $(daemons); do
		[ "$(ps -o sid= -p "$pid")" -eq "$(ps -o sid= -p "$BASHPID")" ] || found=$pid
	done
	[ -n "$found" ]
	found=
	for pid in $(! is_root || daemons); do
		[ "$(readlink "/proc/$pid/cwd")" = / ]
		# Whoever reads what the command says must not wait for those that stay.
		[ -z "$(find "/proc/$pid/fd" -lname "$BATS_TEST_TMPDIR/*")" ]
		[ -n "$(find "/proc/$pid/fd" -lname /dev/fuse)" ] || continue
		found=$pid
		[ "$(readlink "/proc/$pid/fd/"[012] | sort -u)" = /dev/null ]
		[ "$(ps -o sid= -p "$pid")" -ne "$(ps -o sid= -p "$BASHPID")" ]
	done
	! is_root || [ -n "$found" ]
	fusermount3 -u "$MNT"
	wait_until 20 none_runs
}

# Run a script in a mount namespace whose /dev is its own, and in which there is no journal; $log_socket
# is where it will have /dev/log, and `own_dev_begins` makes it so.
in_own_dev() { # SCRIPT
	need_root
	{
		cat <<'END'
log_socket=$BATS_TEST_TMPDIR/dev/log
mkdir "$BATS_TEST_TMPDIR/dev"
mount -t tmpfs -o dev pinefs-tests "$BATS_TEST_TMPDIR/dev"
mknod -m 666 "$BATS_TEST_TMPDIR/dev/null" c 1 3
mknod -m 666 "$BATS_TEST_TMPDIR/dev/urandom" c 1 9
mknod -m 666 "$BATS_TEST_TMPDIR/dev/fuse" c 10 229
own_dev_begins() {
	wait_until 20 test -S "$log_socket"
	mount --move "$BATS_TEST_TMPDIR/dev" /dev
	[ ! -d /run/systemd/journal ] || mount -t tmpfs pinefs-tests /run/systemd/journal
}
END
		cat
	} >"$BATS_TEST_TMPDIR/script"
	export -f counter wait_until
	export PATIENCE
	export BATS_TEST_TMPDIR SIM_URL MNT
	export PINECONE_API_KEY=$SIM_KEY
	run in_time 90 unshare --mount --propagation private bash -eu "$BATS_TEST_TMPDIR/script" 3>&-
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	wait_until 20 none_runs
}

@test "in the background it logs to syslog" {
	sim_start --jobs 1
	in_own_dev <<'END'
python3 -c 'import os, socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
while True:
    os.write(1, log.recv(10000) + b"\n")
' "$log_socket" >"$BATS_TEST_TMPDIR/syslog" &
trap 'kill "$!"' EXIT
own_dev_begins
"$PINEFS" --api-url "$SIM_URL" "$MNT" 2>&1
fusermount3 -u "$MNT"
wait_until 20 grep -q 'unmounted from' "$BATS_TEST_TMPDIR/syslog"
END
	cat "$BATS_TEST_TMPDIR/syslog"
	grep -qE "^<30>.* pinefs\[[0-9]+\]: mounted on $MNT, from $SIM_URL\$" "$BATS_TEST_TMPDIR/syslog"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/syslog")" -eq 2 ]
}

@test "a syslogd that reads nothing holds up nothing, and is told how much it missed" {
	sim_start --jobs 1
	in_own_dev <<'END'
# It is full before anybody else says something, and is read when it is told to.
mkfifo "$BATS_TEST_TMPDIR/read"
python3 -c 'import os, socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1] + ".full")
# A sender may be full before the log is: until a new one is from the beginning.
sent = 1
while sent:
    full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sent = 0
    try:
        while True:
            full.sendto(b"full", sys.argv[1] + ".full")
            sent += 1
    except BlockingIOError:
        pass
os.rename(sys.argv[1] + ".full", sys.argv[1])
open(sys.argv[2]).read()
while True:
    os.write(1, log.recv(10000) + b"\n")
' "$log_socket" "$BATS_TEST_TMPDIR/read" >"$BATS_TEST_TMPDIR/syslog" &
trap 'kill "$!"' EXIT
own_dev_begins
timeout -s KILL "$((20 * PATIENCE))" "$PINEFS" --api-url "$SIM_URL" "$MNT" 2>&1
timeout -s KILL "$((20 * PATIENCE))" ls "$MNT/restore-jobs" >/dev/null
[ "$(timeout -s KILL "$((20 * PATIENCE))" cat "$MNT/restore-jobs"/*/status | wc -l)" -eq 1 ]
[ "$(counter log_lines_dropped)" -eq 1 ]
: >"$BATS_TEST_TMPDIR/read"
wait_until 20 test -s "$BATS_TEST_TMPDIR/syslog"
fusermount3 -u "$MNT"
wait_until 20 grep -q 'unmounted from' "$BATS_TEST_TMPDIR/syslog"
END
	grep -v '^full$' "$BATS_TEST_TMPDIR/syslog" | sed 's/^.*]: //' >"$BATS_TEST_TMPDIR/rest"
	cat "$BATS_TEST_TMPDIR/rest"
	[ "$(head -n 1 "$BATS_TEST_TMPDIR/rest")" = \
		"log: lines dropped that couldn't be written: 1" ]
	[ "$(tail -n +2 "$BATS_TEST_TMPDIR/rest")" = "unmounted from $MNT" ]
}

@test "-d into a pipe that nobody reads holds up nothing, and says how much it missed" {
	local pid
	sim_start --jobs 1
	mkfifo "$BATS_TEST_TMPDIR/log"
	exec 9<>"$BATS_TEST_TMPDIR/log"
	PINECONE_API_KEY=$SIM_KEY "$PINEFS" -d --ttl 0 --max-rate 1000 --api-url "$SIM_URL" \
		"$MNT" 2>&9 9>&- 3>&- &
	pid=$!
	wait_until 20 is_mounted "$MNT"
	# Whatever fits.
	python3 -c 'import os
os.set_blocking(9, False)
try:
    while True:
        os.write(9, b"full\n")
except BlockingIOError:
    os.set_blocking(9, True)
'
	drops() {
		timeout -s KILL "$((20 * PATIENCE))" ls "$JOBS" >/dev/null && [ "$(counter log_lines_dropped)" -ge 3 ]
	}
	wait_until 20 drops
	timeout -s KILL "$((20 * PATIENCE))" cat "$JOBS"/*/status
	cat <&9 >"$BATS_TEST_TMPDIR/read" 3>&- &
	wait_until 20 grep -qx full "$BATS_TEST_TMPDIR/read"
	is_told_how_many() {
		timeout -s KILL "$((20 * PATIENCE))" ls "$JOBS" >/dev/null &&
			grep -qE "^pinefs: log: lines dropped that couldn't be written: [0-9]+\$" \
				"$BATS_TEST_TMPDIR/read"
	}
	wait_until 20 is_told_how_many
	kill "$!" "$pid"
	wait_until 20 sim_is_gone "$pid"
	wait "$pid"
	exec 9>&-
}

@test "nothing is mounted for a command that was killed while it waited" {
	sim_start --jobs 1
	fault "{\"match\":\"list\",\"delay\":$(longer 2)}"
	PINECONE_API_KEY=$SIM_KEY "$PINEFS" --api-url "$SIM_URL" "$MNT" 3>&- &
	wait_until 20 asked list
	kill -KILL "$!"
	wait "$!" || true
	wait_until 20 none_runs
	run ! is_mounted "$MNT"
}

@test "a signal while it waits ends it" {
	local pid
	sim_start --jobs 1
	fault '{"match":"list","kind":"silence"}'
	PINECONE_API_KEY=$SIM_KEY "$PINEFS" -f --api-url "$SIM_URL" "$MNT" \
		2>"$BATS_TEST_TMPDIR/log" 3>&- &
	pid=$!
	wait_until 20 asked list
	kill -TERM "$pid"
	CODE=0
	wait "$pid" || CODE=$?
	[ "$CODE" -eq 1 ]
	[ "$(cat "$BATS_TEST_TMPDIR/log")" = 'pinefs: ended by a signal' ]
	run ! is_mounted "$MNT"
}

@test "SIGTERM, SIGINT and fusermount3 -u end it with 0, and nothing is left" {
	local signal
	sim_start --jobs 1
	for signal in TERM INT; do
		mount_start
		ls "$JOBS" >/dev/null
		kill "-$signal" "$PINEFS_PID"
		CODE=0
		wait "$PINEFS_PID" || CODE=$?
		[ "$CODE" -eq 0 ]
		run ! is_mounted "$MNT"
		wait_until 20 none_runs
		[ "$(tail -n 1 "$PINEFS_LOG")" = "pinefs: unmounted from $MNT" ]
	done
	mount_start
	mount_stop
	wait_until 20 none_runs
	# The one in the background, too.
	command_set_up
	pinefs --api-url "$SIM_URL"
	signal_daemons TERM
	wait_until 20 none_runs
	run ! is_mounted "$MNT"
}

@test "SIGTERM ends it although somebody is in it, and another waits" {
	local inside waiting
	sim_start --jobs 1
	mount_start
	fault '{"match":"describe","kind":"silence"}'
	(cd "$JOBS" && exec sleep 1000 3>&-) &
	inside=$!
	cat "$JOBS/some-id/status" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	waiting=$!
	wait_until 20 asked describe
	kill -TERM "$PINEFS_PID"
	CODE=0
	wait "$PINEFS_PID" || CODE=$?
	[ "$CODE" -eq 0 ]
	run ! is_mounted "$MNT"
	CODE=0
	wait "$waiting" || CODE=$?
	[ "$CODE" -eq 1 ]
	kill "$inside"
	wait "$inside" || true
}
