# .pinefs: what the daemon tells about itself.
load lib/mount

inflight_says() {
	grep -qE -- "$1" "$MNT/.pinefs/inflight"
}

@test "eight files, whose sizes are true" {
	sim_start
	mount_start
	[ "$(find "$MNT/.pinefs" -mindepth 1 -printf '%f %y %m\n' | sort | tr '\n' ' ')" = \
		'config f 444 errors f 444 health f 444 inflight f 444 metrics f 444 stats f 444 version f 444 watchers f 444 ' ]
	local file
	cat "$JOBS/nothing" || true
	for file in config errors stats version; do
		[ "$(stat -c %s "$MNT/.pinefs/$file")" -eq "$(wc -c <"$MNT/.pinefs/$file")" ]
		[ "$(stat -c %s "$MNT/.pinefs/$file")" -gt 0 ]
	done
	says 'No such file' cat "$MNT/.pinefs/nothing"
	costs 0 0 grep -r '' "$MNT/.pinefs"
}

@test "version and config" {
	sim_start
	PINECONE_ADDITIONAL_HEADERS='{"X-Secret":"hidden words"}' mount_start --ttl 2.5 \
		--ttl-final 60 --stale 7 --timeout 9 --max-rate 100 -o fsname=name source
	[ "$(cat "$MNT/.pinefs/version")" = "$("$PINEFS" --version)" ]
	local line
	for line in "mountpoint=$MNT" source=source "api_url=$SIM_URL" api_version=2025-10 ttl=2.5 \
		ttl_final=60 ttl_missing=2 stale=7 timeout=9 max_rate=100 no_check=0 demo=0 \
		additional_headers=set fuse=fsname=name foreground=1 debug=0 "uid=$(id -u)" \
		"gid=$(id -g)" umask=000; do
		grep -qxF -- "$line" "$MNT/.pinefs/config"
	done
	run ! grep -rqE 'pcsk_|hidden words' "$MNT/.pinefs"
}

@test "config has each number as an option would take it" {
	sim_start
	mount_start --ttl 0.000000001 --ttl-final 1234567 --ttl-missing 0 --stale 100.25 \
		--timeout 86400 --max-rate 2000000.5 -o uid=12,gid=34,umask=027
	local line
	for line in ttl=0.000000001 ttl_final=1234567 ttl_missing=0 stale=100.25 timeout=86400 \
		max_rate=2000000.5 uid=12 gid=34 umask=027; do
		grep -qxF -- "$line" "$MNT/.pinefs/config"
	done
}

# Is stdin OpenMetrics text, as far as this daemon uses it?
check_openmetrics() {
	python3 -c '
import re, sys
text = sys.stdin.read()
assert text.endswith("# EOF\n") and text.count("# EOF") == 1
types, seen, family = {}, set(), None
for line in text.split("\n")[:-2]:
    if found := re.fullmatch(r"# (TYPE|HELP|UNIT) ([a-z_]+) (.+)", line):
        what, name, value = found.groups()
        if what == "TYPE":
            assert name not in types and value in ("counter", "gauge"), line
            types[name] = value
            family = name
        assert name == family, line
        if what == "UNIT":
            assert name.endswith("_" + value), line
        continue
    name, labels, value = re.fullmatch(r"([a-z_]+)(\{[a-z]+=\"[a-z0-9]+\"\})? ([0-9]+)", line).groups()
    assert name == family + ("_total" if types[family] == "counter" else ""), line
    assert (name, labels) not in seen, line
    seen.add((name, labels))
assert len(types) >= 15 and len(seen) >= 25
'
}

@test "stats are OpenMetrics text" {
	sim_start
	mount_start
	ls -l "$JOBS"
	check_openmetrics <"$MNT/.pinefs/stats"
	# The check itself can fail.
	run ! check_openmetrics < <(sed 's/_total//' "$MNT/.pinefs/stats")
	run ! check_openmetrics < <(grep -v TYPE "$MNT/.pinefs/stats")
}

@test "stats count what happened, but not who looks at them" {
	sim_start --jobs 3
	mount_start --ttl 60
	[ "$(counter requests list)" -eq 1 ]
	[ "$(counter requests describe)" -eq 0 ]
	ls "$JOBS"
	cat "$JOBS/nothing" || true
	[ "$(counter requests list)" -eq 2 ]
	[ "$(counter requests describe)" -eq 1 ]
	[ "$(counter answers 2xx)" -eq 2 ]
	[ "$(counter answers 4xx)" -eq 1 ]
	[ "$(counter http_attempts)" -eq "$(requests)" ]
	[ "$(counter http_connections)" -eq "$(requests connections)" ]
	[ "$(counter objects)" -eq 3 ]
	[ "$(counter missing)" -eq 1 ]
	[ "$(counter failures)" -eq 1 ]
	[ "$(counter waiting)" -eq 0 ]
	cat "$MNT/.pinefs/stats" >"$BATS_TEST_TMPDIR/stats"
	cat "$MNT/.pinefs/stats" "$MNT/.pinefs/errors"
	ls -l "$MNT/.pinefs"
	says 'No such file' cat "$MNT/.pinefs/nothing"
	cmp "$MNT/.pinefs/stats" "$BATS_TEST_TMPDIR/stats"
}

# Each of these complains of a file that changes, or isn't as long as it was said to be.
archive_by() { # TOOL ARCHIVE
	case $1 in
	tar) tar -cf "$2.tar" -C "$MNT" . && tar -cf /dev/null "$MNT" ;;
	cpio) # a find beside it would be counted in stats
		(cd "$MNT" && find . -depth -print0 >"$2.names" &&
			cpio -0o --quiet --format=newc <"$2.names" >"$2.cpio")
		;;
	rsync) rsync -a "$MNT/" "$2.rsync" && chmod -R u+w "$2.rsync" ;;
	mksquashfs) mksquashfs "$MNT" "$2.squashfs" -no-progress -noappend ;;
	esac
}

# A report stands still until nobody has looked for a second. A tool that takes longer from when it
# looks at a file to when it reads it may complain: so one that took longer for all of it, and
# complains, tries again; where it always does, it proves nothing.
archive() { # NUMBER
	local tool begun
	for tool in tar cpio rsync mksquashfs; do
		for _ in {1..5}; do
			sleep 1.1 # five seconds from now on
			begun=${EPOCHREALTIME/[.,]/} # microseconds
			if archive_by "$tool" "$BATS_TEST_TMPDIR/archive.$1" >"$BATS_TEST_TMPDIR/said" 2>&1 &&
				! grep -iE 'changed|shrank|grew|fail|error|vanished' "$BATS_TEST_TMPDIR/said"; then
				continue 2
			fi
			[ $((${EPOCHREALTIME/[.,]/} - begun)) -ge 1000000 ] || {
				cat "$BATS_TEST_TMPDIR/said"
				return 1
			}
		done
		echo "# $tool took longer than a report stands still" >&3
	done
}

@test "tar, cpio, rsync and mksquashfs take all of it, and nothing changes by that" {
	local n
	sim_start --jobs 0 --backups 0 --indexes 0 --collections 0
	for n in {1..20}; do
		add_job "job-$n" '{"status":"Pending","created_at":"2026-01-02T03:04:05Z"}'
	done
	# Answers run out while they are being read.
	mount_start --ttl 0.5 --max-rate 1000
	archive 1
	cmp "$BATS_TEST_TMPDIR/archive.1.rsync/.pinefs/version" "$MNT/.pinefs/version"
	[ "$(find "$BATS_TEST_TMPDIR/archive.1.rsync/restore-jobs" -name raw.json | wc -l)" -eq 20 ]
}

@test "the same while a request is under way, whose age changes all the time" {
	sim_start --jobs 0 --backups 0 --indexes 0 --collections 0
	add_job a '{"status":"Pending","created_at":"2026-01-02T03:04:05Z"}'
	mount_start --ttl 60
	fault '{"match": "/restore-jobs/slow", "delay": 60}'
	cat "$JOBS/slow" 3>&- 2>/dev/null &
	wait_until 10 inflight_says '/restore-jobs/slow$'
	archive 1
	grep -q /restore-jobs/slow "$BATS_TEST_TMPDIR/archive.1.rsync/.pinefs/inflight"
	# One that takes some time for it.
	python3 -c 'import os, sys, time
def look(stat):
    time.sleep(0.02)
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size
before = look(os.lstat(sys.argv[1]))
file = os.open(sys.argv[1], os.O_RDONLY)
assert look(os.fstat(file)) == before
assert len(os.read(file, 65536)) == before[2]
assert look(os.fstat(file)) == before' "$MNT/.pinefs/inflight"
	kill -KILL "$!"
	wait "$!" || true
}

@test "what isn't there is no failed reply; what failed, and what was refused, is one" {
	sim_start --jobs 0
	add_job a
	mount_start
	file_says "$JOBS/a/status" Pending
	ls -l "$JOBS/nothing" "$JOBS/a/nothing" "$MNT/nothing" || true
	getfattr -n user.nothing "$JOBS/a/status" || true
	[ "$(counter replies_failed)" -eq 0 ]
	says 'Read-only' touch "$JOBS/a/status"
	[ "$(counter replies_failed)" -eq 1 ]
	job_fault b '{"status": 403}'
	says 'Permission denied' cat "$JOBS/b/status"
	[ "$(counter replies_failed)" -eq 2 ]
}

@test "whoever keeps stats open gets new ones" {
	sim_start --jobs 1
	mount_start
	exec 9<"$MNT/.pinefs/stats"
	# /dev/fd/9 would open it again: this reads the same descriptor, from its beginning.
	objects() {
		python3 -c 'import os; print(os.pread(9, 65536, 0).decode())' | grep -qx "pinefs_objects $1"
	}
	objects 0
	ls "$JOBS"
	wait_until 10 objects 1
	exec 9<&-
}

@test "inflight shows what is under way, and how long" {
	local timeout
	timeout=$(longer 30)
	sim_start
	mount_start --timeout "$timeout"
	[ -z "$(cat "$MNT/.pinefs/inflight")" ]
	fault '{"match": "describe", "kind": "silence"}'
	cat "$JOBS/slow" 3>&- 2>/dev/null &
	wait_until 10 inflight_says $'^[0-9.]+\t[0-9.]+\t1\tsent\t/restore-jobs/slow$'
	wait_until 10 inflight_says $'^(0\\.[5-9]|[1-9]).*\t/restore-jobs/slow$'
	[ "$(awk -v all="$timeout" '{ print ($1 + $2 > all - 0.1 && $1 + $2 < all + 0.1) }' \
		"$MNT/.pinefs/inflight")" = 1 ]
	[ "$(counter waiting)" -eq 1 ]
	kill -KILL "$!"
	wait "$!" || true
}

@test "errors: the last fifty, the newest last" {
	sim_start --jobs 1
	mount_start --max-rate 1000
	[ -z "$(cat "$MNT/.pinefs/errors")" ]
	cat "$JOBS/nothing" || true
	[ "$(wc -l <"$MNT/.pinefs/errors")" -eq 1 ]
	tr '\t' '|' <"$MNT/.pinefs/errors" | grep -qxE \
		'20[0-9-]{8}T[0-9:.]+Z\|/restore-jobs/nothing\|ENOENT\|404\|[0-9a-f-]{36}\|404: Restore job nothing not found\.\|times=1\|since=[^|]+\|again=20[^|]+'
	cat "$JOBS"/job-{1..60} || true
	[ "$(cut -f2 "$MNT/.pinefs/errors" | tr '\n' ' ')" = \
		"$(printf '/restore-jobs/job-%d ' {11..60})" ]
	[ "$(counter failures)" -eq 61 ]
}

@test "what a server says can't forge a line of errors" {
	sim_start --jobs 0
	mount_start
	fault "$(jq -cn '{match: "describe", status: 403, body: "one\ntwo\tthree\u001b[31m\u0000four"}')"
	cat "$JOBS/a" || true
	[ "$(wc -l <"$MNT/.pinefs/errors")" -eq 1 ]
	[ "$(tr -cd '\t' <"$MNT/.pinefs/errors" | wc -c)" -eq 8 ]
	[ "$(tr -d '\n\t -~' <"$MNT/.pinefs/errors" | wc -c)" -eq 0 ]
}

@test "errors: one job that fails and fails is one line, which says until when it isn't asked for" {
	sim_start --jobs 0
	mount_start --max-rate 1000
	cat "$JOBS/nothing" || true
	job_fault a '{"status": 400}'
	fails_again() {
		cat "$JOBS/a/status"
		grep -qE $'^[^\t]+\t/restore-jobs/a\tEIO\t400\t.*\ttimes=[2-9]\tsince=' "$MNT/.pinefs/errors"
	}
	wait_until 20 fails_again
	[ "$(cut -f 2 "$MNT/.pinefs/errors" | tr '\n' ' ')" = '/restore-jobs/nothing /restore-jobs/a ' ]
	job_fault b '{"status": 429, "retry_after": "50"}'
	says 'Device or resource busy' cat "$JOBS/b/status"
	local now again
	now=$(date +%s)
	again=$(date -d "$(sed -n 's/.*\tEBUSY\t429\t.*\tagain=//p' "$MNT/.pinefs/errors")" +%s)
	[ $((again - now)) -ge 30 ]
	[ $((again - now)) -le 51 ]
}

metric() { # NAME-AND-LABELS-BEHIND-MOUNT
	awk -v wanted="$1" '$1 == wanted { print $2 }' "$MNT/.pinefs/metrics"
}

@test "metrics tell of what is known, and ask nobody" {
	sim_start --jobs 12 --pending 3 --backups 6 --indexes 4 --restore-time 100000
	mount_start --ttl "$(longer 60)"
	cat "$MNT/.pinefs/metrics" >/dev/null
	[ -z "$(metric "pinefs_restore_jobs{mount=\"$MNT\",status=\"Pending\"}")" ]
	costs 0 0 cat "$MNT/.pinefs/metrics"
	ls "$JOBS" "$MNT/backups" "$MNT/indexes" >/dev/null
	# While somebody looks it stands still, for five seconds at most.
	is_told() { [ "$(metric "pinefs_restore_jobs{mount=\"$MNT\",status=\"Pending\"}")" = 3 ]; }
	wait_until 20 is_told
	[ "$(metric "pinefs_requests_total{mount=\"$MNT\",endpoint=\"list\"}")" -eq 4 ]
	[ "$(metric "pinefs_request_duration_seconds_count{mount=\"$MNT\",endpoint=\"list\"}")" -eq 4 ]
	[ "$(metric "pinefs_http_answers_total{mount=\"$MNT\",code=\"200\"}")" -eq 4 ]
	[ "$(metric "pinefs_api_failing{mount=\"$MNT\"}")" -eq 0 ]
}

@test "health: ok, or why not and since when" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl 0.1 --stale 0
	[ "$(cat "$MNT/.pinefs/health")" = ok ]
	says 'No such file' cat "$JOBS/nothing"
	[ "$(cat "$MNT/.pinefs/health")" = ok ]
	job_fault a '{"status": 401}'
	says 'Permission denied' cat "$JOBS/a/status"
	is_ill() { grep -qE '^EACCES: 401: .*; since 20[0-9-]+T[0-9:.]+Z$' "$MNT/.pinefs/health"; }
	wait_until 10 is_ill
	fault_end() { curl -fsS -X DELETE "$SIM_URL/_sim/faults"; }
	fault_end
	is_well() { cat "$JOBS/a/status" >/dev/null 2>&1; [ "$(cat "$MNT/.pinefs/health")" = ok ]; }
	wait_until 20 is_well
}
