# What goes wrong at the API, and what a reader gets of it.
load lib/mount

set_up() {
	TLS_PID=
}

tear_down() {
	[ -z "$TLS_PID" ] || kill "$TLS_PID"
}

# Rows of: id ! what cat says ! errno ! status (- for none) ! attempts ! text (a pattern) ! fault
table() {
	cat <<'END'
s304!Remote I/O error!EREMOTEIO!304!1!304: .*redirect.*!{"status": 304}
redirect!Remote I/O error!EREMOTEIO!302!1!302: .*redirect.*!{"kind": "redirect", "location": "/restore-jobs/elsewhere"}
s400!Input/output error!EIO!400!1!400: .+!{"status": 400}
s401!Permission denied!EACCES!401!1!401: Invalid API key \(why\)!{"status": 401, "body": "Invalid API key", "content_type": "text/plain", "headers": {"X-Pinecone-Auth-Rejected-Reason": "why"}}
s402!Input/output error!EIO!402!1!402: pay first!{"status": 402, "body": "{\"message\": \"pay first\"}"}
s403!Permission denied!EACCES!403!1!403: Access denied!{"status": 403, "body": "{\"error\": {\"code\": \"PERMISSION_DENIED\", \"message\": \"Access denied\"}, \"status\": 403}"}
s404!No such file or directory!ENOENT!404!1!404: not here!{"status": 404, "body": "{\"detail\": \"not here\"}"}
s408!Connection timed out!ETIMEDOUT!408!4!408: .+!{"status": 408}
s418!Input/output error!EIO!418!1!418: .+!{"status": 418}
s429!Device or resource busy!EBUSY!429!4!429: .+!{"status": 429}
s500!Input/output error!EIO!500!4!500: .+!{"status": 500}
s501!Input/output error!EIO!501!1!501: .+!{"status": 501}
s502!Input/output error!EIO!502!4!502: <html>.*!{"status": 502, "body": "<html>\nbad gateway\n</html>", "content_type": "text/html"}
s503!Input/output error!EIO!503!4!503: Service unavailable!{"status": 503}
s504!Input/output error!EIO!504!4!504: .+!{"status": 504, "body": ""}
garbage!Input/output error!EIO!200!1!.*not readable JSON!{"kind": "garbage"}
deep!Input/output error!EIO!200!1!.*not readable JSON!{"kind": "deep"}
empty!Input/output error!EIO!200!1!.+!{"status": 200, "body": ""}
cut!Input/output error!EIO!200!1!.*not readable JSON!{"status": 200, "body": "{\"restore_job_id\": \"cut\", "}
array!Input/output error!EIO!200!1!.*not readable JSON!{"status": 200, "body": "[]"}
no-id!Input/output error!EIO!200!1!.*not the object.*!{"status": 200, "body": "{\"status\": \"Pending\"}"}
odd-id!Input/output error!EIO!200!1!.*not the object.*!{"status": 200, "body": "{\"restore_job_id\": 7}"}
other!Input/output error!EIO!200!1!.*not the object.*!{"status": 200, "body": "{\"restore_job_id\": \"Other\", \"status\": \"Pending\"}"}
half!Input/output error!EIO!200!4!.+!{"kind": "half", "body": "{\"restore_job_id\": \"half\", \"status\": \"Pending\"}"}
huge!File too large!EFBIG!200!1!answer larger than 16777216 bytes!{"kind": "huge"}
stream!File too large!EFBIG!200!1!answer larger than 16777216 bytes!{"kind": "huge", "chunked": true}
END
}

@test "each failure has its errno, its text, and as many attempts as make sense" {
	sim_start --jobs 0
	mount_start --max-rate 10000 --timeout 60
	local id said errno status attempts text rule pids=() n=0 sum=0
	while IFS='!' read -r id said errno status attempts text rule; do
		job_fault "$id" "$rule"
		cat "$JOBS/$id/status" 3>&- >/dev/null 2>"$BATS_TEST_TMPDIR/$id" &
		pids+=("$!")
	done < <(table)
	for n in "${pids[@]}"; do
		if wait "$n"; then
			return 1
		fi
	done
	tr '\t' '!' <"$MNT/.pinefs/errors" >"$BATS_TEST_TMPDIR/errors"
	sim_requests paths >"$BATS_TEST_TMPDIR/paths"
	n=0
	while IFS='!' read -r id said errno status attempts text rule; do
		echo "$id: $(cat "$BATS_TEST_TMPDIR/$id")" "$(grep -F "!/restore-jobs/$id!" "$BATS_TEST_TMPDIR/errors")"
		[ "$(cat "$BATS_TEST_TMPDIR/$id")" = "cat: $JOBS/$id/status: $said" ]
		grep -qxE "[^!]+!/restore-jobs/$id!$errno!$status!([0-9a-f-]{36}|-)!$text!times=1!since=[^!]+!again=20[^!]+" \
			"$BATS_TEST_TMPDIR/errors"
		[ "$(jq --arg path "/restore-jobs/$id" '.[$path]' "$BATS_TEST_TMPDIR/paths")" = "$attempts" ]
		n=$((n + 1))
		sum=$((sum + attempts))
	done < <(table)
	[ "$n" -eq 26 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/errors")" -eq "$n" ]
	[ "$(requests describe)" -eq "$sum" ]
	[ "$(counter http_retries)" -eq $((sum - n)) ]
	[ "$(counter failures)" -eq "$n" ]
	# Nobody followed the redirect.
	[ "$(jq 'has("/restore-jobs/elsewhere")' "$BATS_TEST_TMPDIR/paths")" = false ]
}

@test "a reset connection" {
	sim_start --jobs 0
	mount_start
	job_fault a '{"kind": "reset"}'
	says 'Input/output error' cat "$JOBS/a/status"
	# Also on a connection that was used before libcurl doesn't try once more by itself.
	[ "$(requests describe)" -eq 4 ]
	[ "$(cut -f2-5 "$MNT/.pinefs/errors")" = $'/restore-jobs/a\tEIO\t-\t-' ]
	[ "$(counter answers none)" -eq 1 ]
}

@test "no answer in time: silence, and bytes that drip" {
	sim_start --jobs 0
	mount_start --timeout "$(longer 1.5)"
	job_fault a '{"kind": "silence"}'
	job_fault b '{"kind": "drip", "body": "{"}'
	local id begun ended
	for id in a b; do
		begun=$(milliseconds)
		says 'Connection timed out' cat "$JOBS/$id/status"
		ended=$(milliseconds)
		[ $((ended - begun)) -ge 1400 ]
		[ $((ended - begun)) -lt "$(longer 10000)" ]
	done
	[ "$(requests describe)" -eq 2 ]
	[ "$(grep -c $'\tETIMEDOUT\t.*--timeout' "$MNT/.pinefs/errors")" -eq 2 ]
}

@test "a known job keeps its value, and its attributes say why" {
	sim_start --jobs 0
	mount_start --ttl 0.1 --max-rate 10000
	local id said errno status attempts text rule pids=() ids=()
	while IFS='!' read -r id said errno status attempts text rule; do
		[ "$errno" != EACCES ] || continue
		add_job "$id" '{"status": "Odd"}'
		ids+=("$id")
		[ "$(cat "$JOBS/$id/status")" = Odd ]
		job_fault "$id" "$rule"
	done < <(table)
	wait_until 10 expired "$JOBS/${ids[-1]}/status"
	for id in "${ids[@]}"; do
		cat "$JOBS/$id/status" 3>&- >"$BATS_TEST_TMPDIR/$id" &
		pids+=("$!")
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
	n=0
	while IFS='!' read -r id said errno status attempts text rule; do
		[ "$errno" != EACCES ] || continue
		getfattr -d --absolute-names "$JOBS/$id/status" >"$BATS_TEST_TMPDIR/attributes"
		cat "$BATS_TEST_TMPDIR/attributes"
		[ "$(cat "$BATS_TEST_TMPDIR/$id")" = Odd ]
		grep -qxF 'user.pinefs.stale="1"' "$BATS_TEST_TMPDIR/attributes"
		grep -qxF "user.pinefs.http_status=\"$status\"" "$BATS_TEST_TMPDIR/attributes"
		grep -qxE "user\.pinefs\.error=\"$errno: $text\"" "$BATS_TEST_TMPDIR/attributes"
		n=$((n + 1))
	done < <(table)
	[ "$n" -eq 24 ]
	[ "$(counter stale_served)" -ge 24 ]
}

lists_all() {
	[ "$(find "$JOBS" -mindepth 1 -maxdepth 1 | wc -l)" -eq 5 ]
}

@test "a listing that fails is an error, never empty" {
	sim_start --jobs 5
	mount_start --max-rate 10000 --timeout 60
	local row
	for row in 'Input/output error!{"status": 500}' 'Permission denied!{"status": 401}' \
		'Input/output error!{"kind": "garbage"}' 'Input/output error!{"status": 200, "body": "{}"}' \
		'File too large!{"kind": "huge", "size": 17000000}' \
		'Input/output error!{"status": 200, "body": "{\"data\": null}"}' \
		'Input/output error!{"status": 200, "body": "{\"data\": {}}"}' \
		'Input/output error!{"status": 200, "body": "[]"}' \
		'Input/output error!{"status": 200, "body": "{\"data\": [], \"pagination\": 7}"}' \
		'Remote I/O error!{"kind": "redirect", "location": "/restore-jobs"}'; do
		fault "$(jq -cn --argjson rule "${row#*!}" '{match: "list"} + $rule')"
		says "${row%%!*}" ls "$JOBS"
		grep -q $'\t/restore-jobs\t' "$MNT/.pinefs/errors"
		sim_delete /_sim/faults
		mount_forget
		lists_all
		mount_forget
	done
}

@test "a server that is gone" {
	sim_start --jobs 0
	mount_start
	sim_stop
	says 'No route to host' cat "$JOBS/a/status"
	says 'No route to host' ls "$JOBS"
	[ "$(cut -f2-4 "$MNT/.pinefs/errors")" = \
		$'/restore-jobs/a\tEHOSTUNREACH\t-\n/restore-jobs\tEHOSTUNREACH\t-' ]
	grep -q 'Failed to connect' "$MNT/.pinefs/errors"
	# What needs no API goes on.
	[ "$(df --output=target "$JOBS" | tail -n 1)" = "$MNT" ]
	cat "$MNT/README" "$MNT/.pinefs/stats" >"$BATS_TEST_TMPDIR/read"
	[ -s "$BATS_TEST_TMPDIR/read" ]
}

# A certificate for 127.0.0.1, in the files $1.key and $1.pem.
make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj "/CN=$1" -addext 'subjectAltName=IP:127.0.0.1' -keyout "$1.key" -out "$1.pem" \
		2>/dev/null
}

# Serves what is in the directory "site", whole answers with their headers, over TLS.
tls_start() {
	mkdir site
	(cd site && exec openssl s_server -accept 127.0.0.1:0 -HTTP -key ../server.key \
		-cert ../server.pem) >tls.output 2>&1 3>&- &
	TLS_PID=$!
	wait_until 20 grep -q '^ACCEPT 127\.0\.0\.1:' tls.output
	TLS_PORT=$(sed -n 's/^ACCEPT 127\.0\.0\.1://p' tls.output | head -n 1)
}

@test "TLS: a certificate that can't be verified is EPROTO, --cacert trusts it" {
	cd "$BATS_TEST_TMPDIR"
	make_certificate server
	make_certificate stranger
	tls_start
	mkdir site/restore-jobs
	printf 'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n%s' \
		'{"restore_job_id":"a","status":"Secure"}' >site/restore-jobs/a
	# shellcheck disable=SC2034
	SIM_URL=https://127.0.0.1:$TLS_PORT

	mount_start --no-check
	says 'Protocol error' cat "$JOBS/a/status"
	says 'Protocol error' ls "$JOBS"
	[ "$(cut -f2-5 "$MNT/.pinefs/errors" | head -n 1)" = $'/restore-jobs/a\tEPROTO\t-\t-' ]
	grep -qi certificate "$MNT/.pinefs/errors"
	mount_stop

	mount_start --no-check --cacert stranger.pem
	says 'Protocol error' cat "$JOBS/a/status"
	mount_stop

	mount_start --no-check --cacert server.pem
	[ "$(cat "$JOBS/a/status")" = Secure ]
	[ "$(attribute "$JOBS/a/status" error)" = '' ]
	mount_stop

	# A good certificate of another name.
	# shellcheck disable=SC2034
	SIM_URL=https://localhost:$TLS_PORT
	mount_start --no-check --cacert server.pem
	says 'Protocol error' cat "$JOBS/a/status"
	cd /
}
