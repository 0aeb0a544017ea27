# The log in the journal, which is a real one here: journald runs by itself, in a /run of its own.
load lib/command

set_up() {
	JOURNAL=
	[ -n "${PINEFS_PRIVATE-}" ] || skip 'only root can have a journal of its own'
	[ -x /lib/systemd/systemd-journald ] || skip 'systemd is not installed'
	[ -s /etc/machine-id ] || skip 'this machine has no id, which journald wants'
	mount -t tmpfs pinefs-tests /run
	mkdir -p /run/log/journal /run/systemd/journald.conf.d
	cat >/run/systemd/journald.conf.d/tests.conf <<-'END'
		[Journal]
		Storage=volatile
		RuntimeMaxUse=8M
		RateLimitBurst=0
		Audit=
		ReadKMsg=no
		ForwardToSyslog=no
	END
	# Without a network, so that it finds no audit in the kernel.
	unshare --net /lib/systemd/systemd-journald >"$BATS_TEST_TMPDIR/journald" 2>&1 3>&- &
	JOURNAL=$!
	wait_until 20 test -S /run/systemd/journal/socket
	sim_start --jobs 0 --backups 0 --indexes 0 --collections 0
}

tear_down() {
	[ -n "$JOURNAL" ] || return 0
	kill -CONT "$JOURNAL"
	fusermount3 -u "$MNT" || true
	kill -TERM "$JOURNAL"
	wait "$JOURNAL" || true
	umount --lazy /run
}

# What it has of these fields, a line for each message.
journal() { # FIELD=VALUE...
	journalctl --directory=/run/log/journal --output=json "$@" |
		jq -r '[.PRIORITY, .PINEFS_HTTP_STATUS // "-", .PINEFS_REQUEST_ID // "-", .MESSAGE] | join(" ")'
}

journal_has() { # PATTERN FIELD=VALUE...
	local pattern=$1
	shift
	journal "$@" >"$BATS_TEST_TMPDIR/journal"
	grep -qxE -- "$pattern" "$BATS_TEST_TMPDIR/journal"
}

failing() {
	add_job a
	add_job b
	add_job c
	job_fault a '{"status": 500}'
	job_fault b '{"status": 403}'
	job_fault c '{"status": 500}'
}

@test "journalctl finds what failed by its object, with HTTP status and request id" {
	local id='[0-9a-f-]{36}'
	failing
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	says 'Input/output error' cat "$JOBS/a/status"
	says 'Input/output error' cat "$JOBS/c/status" # as a did, within the same minute
	says 'Permission denied' cat "$JOBS/b/status"
	wait_until 20 journal_has "4 500 $id api: /restore-jobs/a: EIO: 500: .*" PINEFS_OBJECT=restore-jobs/a
	[ "$(wc -l <"$BATS_TEST_TMPDIR/journal")" -eq 1 ]
	wait_until 20 journal_has "4 403 $id api: /restore-jobs/b: EACCES: 403: .*" PINEFS_OBJECT=restore-jobs/b
	wait_until 20 journal_has "4 500 $id api: /restore-jobs/c: EIO: 500: .*" PINEFS_OBJECT=restore-jobs/c
	journal_has "4 403 $id .*" PINEFS_HTTP_STATUS=403
	journal_has '.* mounted on .*' SYSLOG_IDENTIFIER=pinefs
	[ "$(wc -l <"$BATS_TEST_TMPDIR/journal")" -eq 4 ]
}

@test "journalctl finds the mkdir that began a restore by its job, and by its path" {
	local job line
	add_backup nightly '{"source_index_name":"movies","status":"Ready"}'
	pinefs --api-url "$SIM_URL" --allow-restore
	mkdir "$MNT/backups/nightly/restores/fresh"
	job=$(cat "$MNT/backups/nightly/restores/fresh/restore_job_id")
	line="6 202 [0-9a-f-]{36} restore: uid 0, pid [0-9]+ \(mkdir\): backups/nightly/restores/fresh: begun, restore-jobs/$job"
	wait_until 20 journal_has "$line" "PINEFS_OBJECT=restore-jobs/$job"
	journal_has "$line" PINEFS_OBJECT=backups/nightly/restores/fresh
}

@test "in the foreground it is the journal, too, if that is where stderr leads" {
	failing
	PINECONE_API_KEY=$SIM_KEY python3 -c 'import os, socket, sys
stream = socket.socket(socket.AF_UNIX)
stream.connect("/run/systemd/journal/stdout")
stream.sendall(b"raw\n\n6\n0\n0\n0\n0\n")
os.dup2(stream.fileno(), 2)
file = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{file.st_dev}:{file.st_ino}"
os.execv(sys.argv[1], sys.argv[1:])' "$PINEFS" -f --api-url "$SIM_URL" "$MNT" 3>&- &
	wait_until 20 is_mounted "$MNT"
	says 'Input/output error' cat "$JOBS/a/status"
	wait_until 20 journal_has '4 500 .* api: /restore-jobs/a: .*' PINEFS_OBJECT=restore-jobs/a
}

@test "a journald that reads nothing holds up nothing, and is told how much it missed" {
	local dropped='4 - - log: lines dropped that couldn.t be written: 1'
	failing
	pinefs --api-url "$SIM_URL"
	wait_until 20 journal_has '.* mounted on .*' SYSLOG_IDENTIFIER=pinefs
	kill -STOP "$JOURNAL"
	python3 -c 'import socket
sent = 1
while sent:
    full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sent = 0
    try:
        while True:
            full.sendto(b"MESSAGE=full\n", "/run/systemd/journal/socket")
            sent += 1
    except BlockingIOError:
        pass'
	# No signal would end it while the daemon waits.
	cat "$JOBS/a/status" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	wait_until 10 is_no_child "$!"
	grep -q 'Input/output error' "$BATS_TEST_TMPDIR/said"
	[ "$(counter log_lines_dropped)" -eq 1 ]
	kill -CONT "$JOURNAL"
	wait_until 20 journal_has '.*full' MESSAGE=full
	fusermount3 -u "$MNT"
	wait_until 20 journal_has '6 - - unmounted from .*' SYSLOG_IDENTIFIER=pinefs
	grep -qx "$dropped" "$BATS_TEST_TMPDIR/journal"
}
