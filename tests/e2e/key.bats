# The API key: where it comes from, where it goes, and where it must never be seen. And the other
# two variables that the official clients know.
load lib/user
load lib/command

set_up() {
	requests=$BATS_TEST_TMPDIR/requests
	key_file=$BATS_TEST_TMPDIR/key
	SERVER=
}

tear_down() {
	if [ -n "$SERVER" ]; then
		kill -KILL "$SERVER"
		wait "$SERVER" || true
	fi
}

# server_start [CERTIFICATE KEY]: sets ADDRESS (host and port) and SERVER, its process.
server_start() {
	local fifo=$BATS_TEST_TMPDIR/server.fifo
	mkfifo "$fifo"
	"$BATS_TEST_DIRNAME/programs/api_server" "$requests" "$@" >"$fifo" 2>"$BATS_TEST_TMPDIR/server" 3>&- &
	SERVER=$!
	IFS= read -r -t 30 ADDRESS <"$fifo"
}

# sent HEADER: its value in the last request.
sent() {
	tail -n 1 "$requests" | jq -r --arg name "$1" '.headers[$name]'
}

write_key() { # TEXT [FILE]
	(umask 077 && printf '%s\n' "$1" >"${2:-$key_file}.new")
	mv "${2:-$key_file}.new" "${2:-$key_file}"
}

# A daemon's process and all that it started.
family() { # PID
	local child
	echo "$1"
	for child in $(ps -o pid= --ppid "$1"); do
		family "$child"
	done
}

# not_in_environment PIDS...: the key "secret" isn't in what /proc shows of them, though other
# variables are. Call it at the end.
not_in_environment() {
	local pid
	not_under_memcheck "it keeps the environment that it began with"
	for pid; do
		grep -qz '^PATH=' "/proc/$pid/environ" || return
		! grep -qaF secret "/proc/$pid/environ" "/proc/$pid/cmdline" || return
	done
}

@test "the key is in no environment, argument, log or file of the mount" {
	local family
	need_root
	sim_start --jobs 1 --pending 0
	SIM_KEY=pcsk_secret
	mount_start -d
	mapfile -t family < <(family "$PINEFS_PID")
	[ ${#family[@]} -ge 2 ]
	find "$JOBS" -type f -exec cat {} + >/dev/null
	fault '{"match":"describe","status":401,"body":"Invalid API key"}'
	says 'Permission denied' cat "$JOBS/some-id/status"
	run ! grep -rF secret "$MNT"
	[ "$(grep -c . "$MNT/.pinefs/errors")" -eq 1 ]
	# Names and values of all extended attributes.
	find "$MNT" -type f -exec getfattr -d -m - {} + >"$BATS_TEST_TMPDIR/attributes" 2>&1
	grep -q user.pinefs "$BATS_TEST_TMPDIR/attributes"
	run ! grep -F secret "$BATS_TEST_TMPDIR/attributes" "$PINEFS_LOG"
	mount_logged '/restore-jobs/some-id: 401'
	not_in_environment "${family[@]}"
	mount_stop
}

@test "in the background, and by a file: the same" {
	local all
	need_root
	sim_start --jobs 1
	KEY=pcsk_secret
	write_key pcsk_secret
	# That in the environment is wiped, too, although it isn't used.
	pinefs --api-url "$SIM_URL" --api-key-file "$key_file"
	[ "$CODE" -eq 0 ]
	run ! grep -rF secret "$MNT"
	grep -qxF "api_key_file=$key_file" "$MNT/.pinefs/config"
	mapfile -t all < <(daemons)
	not_in_environment "${all[@]}"
	fusermount3 -u "$MNT"
	wait_until 20 none_runs
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	mapfile -t all < <(daemons)
	[ ${#all[@]} -eq 2 ]
	not_in_environment "${all[@]}"
}

@test "the simulator of --demo doesn't get it either" {
	local all
	need_root
	KEY=pcsk_secret
	SETTINGS=('PINECONE_ADDITIONAL_HEADERS={"X-Project":"secret one"}')
	pinefs -f --demo &
	wait_until 30 is_mounted "$MNT"
	mapfile -t all < <(family "$(daemons | head -n 1)")
	[ ${#all[@]} -eq 3 ]
	cat "/proc/${all[1]}/cmdline" "/proc/${all[2]}/cmdline" | grep -qaF pinecone-sim
	not_in_environment "${all[@]}"
	fusermount3 -u "$MNT"
	wait "$!"
}

@test "no core dump, and no looking into the process by its own user" {
	need_root
	need_user
	MOUNT_AS=("${AS_USER[@]}")
	sim_start --jobs 1
	mount_start
	grep -qE '^Max core file size +0 +0 ' "/proc/$PINEFS_PID/limits"
	[ "$(awk '/^Uid:/ { print $2 }' "/proc/$PINEFS_PID/status")" -eq 65534 ]
	says 'Permission denied' as_user cat "/proc/$PINEFS_PID/environ"
	says 'Permission denied' as_user cat "/proc/$PINEFS_PID/maps"
	says 'Permission denied' as_user head -c 1 "/proc/$PINEFS_PID/mem"
	mount_stop
}

@test "the file comes before the variable, and that before the credential" {
	local credentials=$BATS_TEST_TMPDIR/credentials
	server_start
	mkdir "$credentials"
	write_key pcsk_credential "$credentials/pinecone_api_key"
	write_key pcsk_file
	SETTINGS=("CREDENTIALS_DIRECTORY=$credentials")

	KEY=pcsk_variable pinefs --api-url "http://$ADDRESS" --api-key-file "$key_file"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = pcsk_file ]
	fusermount3 -u "$MNT"

	KEY=pcsk_variable pinefs --api-url "http://$ADDRESS"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = pcsk_variable ]
	grep -qxF api_key_file= "$MNT/.pinefs/config"
	fusermount3 -u "$MNT"

	KEY='' pinefs --api-url "http://$ADDRESS"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = pcsk_credential ]
	grep -qxF "api_key_file=$credentials/pinecone_api_key" "$MNT/.pinefs/config"
	fusermount3 -u "$MNT"

	# A variable that is empty is none.
	SETTINGS+=(PINECONE_API_KEY=)
	KEY='' pinefs --api-url "http://$ADDRESS"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = pcsk_credential ]
	fusermount3 -u "$MNT"

	# What is named must be there: no other source takes its place.
	rm "$key_file"
	KEY=pcsk_variable refuses "key file $key_file: No such file" --api-url "http://$ADDRESS" \
		--api-key-file "$key_file"
}

@test "systemd's credential may be readable by its group, another file may not" {
	local credentials=$BATS_TEST_TMPDIR/credentials
	server_start
	mkdir "$credentials"
	write_key pcsk_credential "$credentials/pinecone_api_key"
	chmod 440 "$credentials/pinecone_api_key"
	KEY=''
	SETTINGS=("CREDENTIALS_DIRECTORY=$credentials")
	pinefs --api-url "http://$ADDRESS"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = pcsk_credential ]
	fusermount3 -u "$MNT"
	chmod 444 "$credentials/pinecone_api_key"
	refuses '(mode 0444); chmod 600 it' --api-url "http://$ADDRESS"
	write_key pcsk_file
	chmod 440 "$key_file"
	refuses '(mode 0440); chmod 600 it' --api-url "http://$ADDRESS" --api-key-file "$key_file"
}

# As a container gets it: its mode isn't its user's to change.
@test "a secret on a read-only mount: the line says what helps, and that helps" {
	local secrets=$BATS_TEST_TMPDIR/secrets credentials=$BATS_TEST_TMPDIR/credentials
	[ "$(id -u)" -eq 0 ] || skip 'only root can mount such a one'
	server_start
	mkdir -m 700 "$secrets" "$credentials"
	mount -t tmpfs pinefs-tests "$secrets"
	echo pcsk_secret >"$secrets/key"
	echo pcsk_other >"$secrets/other"
	chown 65534 "$secrets/other"
	chmod 400 "$secrets/other"
	refuses '(mode 0644); chmod 600 it' --api-url "http://$ADDRESS" --api-key-file "$secrets/key"
	refuses '(65534); chown it' --api-url "http://$ADDRESS" --api-key-file "$secrets/other"
	mount -o remount,ro "$secrets"
	refuses '(65534); its mount is read-only: have it mounted as yours, or let systemd' \
		--api-url "http://$ADDRESS" --api-key-file "$secrets/other"
	refuses '(mode 0644); its mount is read-only: have it mounted with mode 0400, or let systemd hand it over (LoadCredential=pinecone_api_key:FILE), or copy it to pinecone_api_key in a private CREDENTIALS_DIRECTORY' \
		--api-url "http://$ADDRESS" --api-key-file "$secrets/key"
	(umask 077 && cp --no-preserve=mode "$secrets/key" "$credentials/pinecone_api_key")
	KEY=''
	SETTINGS=("CREDENTIALS_DIRECTORY=$credentials")
	pinefs --api-url "http://$ADDRESS"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = pcsk_secret ]
	fusermount3 -u "$MNT"
	umount "$secrets"
}

@test "white space around the key, in its file or the variable, is no part of it" {
	server_start
	write_key $' \t\npcsk_file \r\n\n'
	pinefs --api-url "http://$ADDRESS" --api-key-file "$key_file"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = pcsk_file ]
	fusermount3 -u "$MNT"
	KEY=$'pcsk_variable\r\n'
	pinefs --api-url "http://$ADDRESS"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = pcsk_variable ]
}

@test "after a 401 the file is read again: a new key needs no new mount" {
	sim_start --jobs 0
	add_job a
	write_key sk_deleted
	KEY='' pinefs --no-check --api-url "$SIM_URL" --api-key-file "$key_file" --ttl 0.2
	[ "$CODE" -eq 0 ]
	says 'Permission denied' cat "$JOBS/a/status"
	grep -qF '401: Invalid API key' "$MNT/.pinefs/errors"
	[ "$(counter key_reloads)" -eq 0 ]
	write_key pcsk_new
	reads() { [ "$(cat "$JOBS/a/status" 2>/dev/null)" = Pending ]; }
	wait_until 20 reads
	[ "$(counter key_reloads)" -eq 1 ]
	# And back: what is rejected is an error at once, whatever was known.
	write_key sk_deleted
	signal_daemons HUP
	rejected() { ! cat "$JOBS/a/status" 2>/dev/null >&2; }
	wait_until 20 rejected
	says 'Permission denied' cat "$JOBS/a/status"
	# Nor is a file taken that others can read meanwhile.
	write_key pcsk_newer
	chmod 644 "$key_file"
	says 'Permission denied' cat "$JOBS/b/status"
	chmod 600 "$key_file"
	wait_until 20 reads
}

@test "SIGHUP reads the key file again, and says so when it is refused" {
	sim_start --jobs 0
	add_job a
	write_key pcsk_one
	mount_start --api-key-file "$key_file"
	file_says "$JOBS/a/status" Pending
	write_key pcsk_two
	mount_forget
	[ "$(counter key_reloads)" -eq 1 ]
	run ! mount_logged 'key file'
	chmod 644 "$key_file"
	mount_forget
	mount_logged "key file $key_file: Permission denied; the old key is kept"
	file_says "$JOBS/a/status" Pending
}

@test "the 401 itself is answered with the new key, and nobody sees it" {
	sim_start --jobs 0
	add_job a
	write_key pcsk_old
	mount_start --api-key-file "$key_file"
	write_key pcsk_new
	fault '{"match":"describe","status":401,"count":1}'
	[ "$(cat "$JOBS/a/status")" = Pending ]
	[ "$(counter key_reloads)" -eq 1 ]
	[ "$(sim_requests describe)" -eq 2 ]
	[ ! -s "$MNT/.pinefs/errors" ]
	mount_stop
}

@test "PINECONE_CONTROLLER_HOST: with a scheme, and --api-url wins over it" {
	server_start
	SETTINGS=("PINECONE_CONTROLLER_HOST=http://$ADDRESS/")
	pinefs
	[ "$CODE" -eq 0 ]
	grep -qxF "api_url=http://$ADDRESS" "$MNT/.pinefs/config"
	[ "$(sent api-key)" = "$SIM_KEY" ]
	[ "$(tail -n 1 "$requests" | jq -r .path)" = '/restore-jobs?limit=1' ]
	fusermount3 -u "$MNT"
	SETTINGS=(PINECONE_CONTROLLER_HOST=http://127.0.0.1:1)
	pinefs --api-url "http://$ADDRESS"
	[ "$CODE" -eq 0 ]
	fusermount3 -u "$MNT"
	SETTINGS=(PINECONE_CONTROLLER_HOST=http://)
	pinefs
	[ "$CODE" -eq 2 ]
	# shellcheck disable=SC2016
	said_one_line '$PINECONE_CONTROLLER_HOST'
}

@test "PINECONE_CONTROLLER_HOST without a scheme is https; --cacert trusts a certificate" {
	local directory=$BATS_TEST_TMPDIR
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test \
		-addext 'subjectAltName=IP:127.0.0.1' -keyout "$directory/private" \
		-out "$directory/certificate" 2>"$directory/openssl"
	server_start "$directory/certificate" "$directory/private"
	SETTINGS=("PINECONE_CONTROLLER_HOST=$ADDRESS")
	refuses "https://$ADDRESS: " --timeout "$(longer 10)"
	[[ $SAID == *'if the certificate is your own, see --cacert' ]]
	# Who isn't trusted gets no key.
	[ ! -e "$requests" ]
	pinefs --cacert "$directory/certificate"
	[ "$CODE" -eq 0 ]
	[ "$(sent api-key)" = "$SIM_KEY" ]
	grep -qxF "api_url=https://$ADDRESS" "$MNT/.pinefs/config"
}

@test "PINECONE_ADDITIONAL_HEADERS are sent, and shown nowhere" {
	server_start
	SETTINGS=('PINECONE_ADDITIONAL_HEADERS={"X-Project":"secret one","x-other":"2"}')
	pinefs --api-url "http://$ADDRESS"
	[ "$CODE" -eq 0 ]
	[ "$(sent x-project)" = 'secret one' ]
	[ "$(sent x-other)" = 2 ]
	[ "$(sent api-key)" = "$SIM_KEY" ]
	[ "$(sent x-pinecone-api-version)" = 2025-10 ]
	[ "$(sent accept)" = application/json ]
	[[ $(sent user-agent) == pinefs/* ]]
	run ! grep -rF secret "$MNT"
	grep -qxF additional_headers=set "$MNT/.pinefs/config"
}
