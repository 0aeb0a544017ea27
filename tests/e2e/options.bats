# The options: what each one does, and that a mount table can give them, too.
load lib/user
load lib/command

config_has() {
	local line
	for line; do
		grep -qxF -- "$line" "$MNT/.pinefs/config" && continue
		echo "no $line in:" >&2
		cat "$MNT/.pinefs/config" >&2
		return 1
	done
}

@test "-o auto_unmount: fusermount3 stays, and ends with the mount" {
	sim_start --jobs 1
	pinefs --api-url "$SIM_URL" -o auto_unmount
	[ "$CODE" -eq 0 ]
	jobs_are 1
	# valgrind has a name of its own.
	[ "$(ps -o comm= -p "$(daemons | paste -sd ,)" | sed 's/^memcheck-.*/pinefs/' | sort |
		tr '\n' ' ')" = \
		'fusermount3 pinefs pinefs-poke ' ]
	fusermount3 -u "$MNT"
	wait_until 20 none_runs
}

@test "allow_root: root comes in, others don't" {
	need_root
	need_user
	rmdir "$MNT"
	command_set_up
	chown 65534 "$MNT"
	need_fuse_conf user_allow_other
	sim_start --jobs 1
	PREFIX=("${AS_USER[@]}")
	pinefs --api-url "$SIM_URL" --ttl 600 -o allow_root
	[ "$CODE" -eq 0 ]
	jobs_are 1
	jobs_are 1 as_user
	# Not even what the kernel has kept for others, and needn't ask for.
	cat "$JOBS"/*/status
	cat "$JOBS"/*/status
	says 'Permission denied' as_other ls "$JOBS"
	says 'Permission denied' as_other cat "$JOBS/$(ls "$JOBS")/status"
}

@test "config shows what memory is bounded by, and stats how much of it is in use" {
	sim_start --jobs 2
	add_job a
	pinefs --api-url "$SIM_URL"
	[ "$CODE" -eq 0 ]
	jobs_are 3
	config_has bound_objects=2097152 bound_object_bytes=1073741824 \
		bound_history_bytes=67108864 bound_table_bytes=268435456
	[ "$(counter object_bytes)" -gt "$(cat "$JOBS"/*/raw.json | wc -c)" ]
	[ "$(counter history_bytes)" -eq 0 ]
	change a '{"status": "Odd"}'
	changed() { cat "$JOBS"/*/status >/dev/null; [ "$(counter history_bytes)" -gt 0 ]; }
	wait_until 20 changed
}

@test "--no-check mounts what can't be reached; it is there once it can" {
	local port
	sim_start --jobs 2
	port=${SIM_URL##*:}
	sim_stop
	pinefs --no-check --api-url "$SIM_URL" --timeout "$(longer 1)"
	[ "$CODE" -eq 0 ]
	says 'No route to host' ls "$JOBS"
	grep -q 'All of it is read-only' "$MNT/README"
	sim_start --jobs 2 --port "$port"
	wait_until 20 jobs_are 2
}

@test "SOURCE is what /proc/mounts shows; -o fsname wins over it" {
	sim_start --jobs 1
	pinefs --api-url "$SIM_URL"
	grep "^pinefs $MNT fuse.pinefs rw," /proc/self/mounts
	fusermount3 -u "$MNT"
	pinefs --api-url "$SIM_URL" 'my project, really'
	grep -F "my\\040project,\\040really $MNT fuse.pinefs " /proc/self/mounts
	config_has 'source=my project, really'
	fusermount3 -u "$MNT"
	pinefs --api-url "$SIM_URL" source -o fsname=other,subtype=cone
	grep "^other $MNT fuse.cone " /proc/self/mounts
	fusermount3 -u "$MNT"
}

@test "-o max_read: reads come in pieces no larger than that, and give what they gave" {
	local raw before
	raw=$(jq -cn '{restore_job_id: "large", status: "Completed", note: ("x" * 20000)}')
	sim_start --jobs 0
	add_raw large "$raw"
	mount_start -o max_read=4096
	grep "^pinefs $MNT fuse.pinefs .*max_read=4096" /proc/self/mounts
	file_says "$JOBS/large/restore_job_id" large
	before=$(counter messages read)
	cmp "$JOBS/large/raw.json" <(printf %s "$raw")
	[ $(($(counter messages read) - before)) -ge 5 ]
	mount_stop
}

# Where there is no SELinux the kernel knows no such word. To an ordinary user either it says so or
# fusermount3 does.
@test "-o context and its kin get to the kernel" {
	local word
	need_root
	[ ! -e /sys/fs/selinux/enforce ] || skip 'SELinux takes them'
	sim_start --jobs 1
	for word in context fscontext defcontext rootcontext; do
		refuses 'mount failed: Invalid argument' --api-url "$SIM_URL" \
			-o "$word=\"system_u:object_r:removable_t:s0:c1,c2\",ro"
	done
	need_user
	PREFIX=("${AS_USER[@]}")
	rmdir "$MNT"
	command_set_up
	chown 65534 "$MNT"
	refuses '' --api-url "$SIM_URL" -o context=system_u:object_r:removable_t:s0
}

@test "mount(8) and fstab can call it" {
	local options key=$BATS_TEST_TMPDIR/key fstab=$BATS_TEST_TMPDIR/fstab
	need_root
	sim_start --jobs 2
	echo "$SIM_KEY" >"$key"
	chmod 600 "$key"
	options="api_key_file=$key,api_url=$SIM_URL,ttl_final=60,_netdev,nofail,noauto,user,exec"
	options+=",x-systemd.automount,x-anything=at-all,comment=text"
	# The type can be a path, so that this doesn't need an installed one.
	mount -t "fuse.$PINEFS" pinecone "$MNT" -o "$options"
	grep "^pinecone $MNT fuse.pinefs rw," /proc/self/mounts
	jobs_are 2
	config_has ttl_final=60
	umount "$MNT"
	wait_until 20 none_runs
	echo "pinecone $MNT fuse.$PINEFS $options,allow_other 0 0" >"$fstab"
	mount -T "$fstab" "$MNT"
	grep "^pinecone $MNT fuse.pinefs rw,.*allow_other" /proc/self/mounts
	jobs_are 2
	umount "$MNT"
	wait_until 20 none_runs
	# What mount(8) does, with a pinefs that is found in PATH.
	PATH=$(dirname "$PINEFS"):/usr/local/sbin:/usr/sbin:/sbin:$PATH \
		mount.fuse3 pinecone "$MNT" -o "rw,$options" -t fuse.pinefs
	jobs_are 2
	umount "$MNT"
}

@test "each long option is an -o option, too, and seconds may be fractions" {
	local key=$BATS_TEST_TMPDIR/key certificate=$BATS_TEST_TMPDIR/certificate expected
	sim_start --jobs 1
	echo "$SIM_KEY" >"$key"
	chmod 600 "$key"
	echo '-----BEGIN CERTIFICATE-----' >"$certificate"
	expected=("api_key_file=$key" "api_url=$SIM_URL" api_version=2026-01 ttl=0.5 ttl_final=1.25
		ttl_missing=0 stale=2.5 timeout=3.125 max_rate=50.5 "cacert=$certificate" no_check=1)
	KEY=''
	pinefs --api-key-file "$key" --api-url "$SIM_URL" --api-version 2026-01 --ttl 0.5 \
		--ttl-final 1.25 --ttl-missing 0 --stale 2.5 --timeout 3.125 --max-rate 50.5 \
		--cacert "$certificate" --no-check
	[ "$CODE" -eq 0 ]
	config_has "${expected[@]}"
	ls "$JOBS" >"$BATS_TEST_TMPDIR/names"
	[ "$(curl -sS "$SIM_URL/_sim/log" | jq -r '.[0].headers["x-pinecone-api-version"]')" = 2026-01 ]
	fusermount3 -u "$MNT"
	pinefs -o "$(
		IFS=,
		echo "${expected[*]/no_check=1/no_check}"
	)"
	[ "$CODE" -eq 0 ]
	config_has "${expected[@]}"
	fusermount3 -u "$MNT"
	# In another mixture, and the last one holds.
	(cd "$BATS_TEST_TMPDIR" && KEY='' pinefs --ttl=7 -o ttl=8,api-key-file=key \
		--api-url="$SIM_URL" -o ttl-final=9)
	config_has ttl=8 ttl_final=9 "api_key_file=$key" no_check=0
	fusermount3 -u "$MNT"
	wait_until 20 none_runs
	SETTINGS=(PINECONE_API_KEY=)
	pinefs -o demo,ttl=9
	[ "$CODE" -eq 0 ]
	config_has demo=1 ttl=9
}

@test "foreground and debug are -o options, too" {
	sim_start --jobs 1
	PINECONE_API_KEY=$SIM_KEY "$PINEFS" -o "foreground,debug,api_url=$SIM_URL" "$MNT" 3>&- &
	wait_until 20 is_mounted "$MNT"
	cat "$MNT/.pinefs/version"
	fusermount3 -u "$MNT"
	wait "$!"
}

@test "uid, gid and umask" {
	sim_start --jobs 1 --pending 0
	pinefs --api-url "$SIM_URL" -o uid=12,gid=34,umask=0227
	[ "$CODE" -eq 0 ]
	[ "$(stat -c '%u:%g %a' "$MNT" "$JOBS" "$JOBS"/* "$JOBS"/*/status "$MNT/README" \
		"$MNT/.pinefs/stats" | sort -u)" = $'12:34 440\n12:34 550' ]
	fusermount3 -u "$MNT"
	wait_until 20 none_runs
	pinefs --api-url "$SIM_URL"
	[ "$(stat -c '%u:%g %a' "$MNT" "$JOBS"/*/status | tr '\n' ' ')" = \
		"$(id -u):$(id -g) 555 $(id -u):$(id -g) 444 " ]
}

@test "-d says what is asked, and what came of it, but never the key" {
	sim_start --jobs 1
	SIM_KEY=pcsk_secret mount_start -d
	ls "$JOBS" >/dev/null
	says 'No such file' cat "$JOBS/some-id/status"
	mount_logged '/restore-jobs: 200'
	mount_logged '/restore-jobs/some-id: 404'
	run ! grep -F secret "$PINEFS_LOG"
	mount_stop
}

@test "--max-rate holds, after a burst of twenty" {
	local began ids readers=() now
	sim_start --jobs 0
	began=$EPOCHREALTIME
	mount_start --max-rate 4 --ttl-missing 60
	# The question at the start was the first of thirty.
	for ids in {1..29}; do
		cat "$JOBS/id-$ids/status" 2>/dev/null 3>&- &
		readers+=("$!")
	done
	# At no time more than the burst and what the rate has added since.
	within() {
		local sent now
		sent=$(sim_requests total)
		now=$EPOCHREALTIME
		awk -v sent="$sent" -v began="$began" -v now="$now" \
			'BEGIN { exit !(sent <= 20 + 4 * (now - began) + 1) }' ||
			{ echo "$sent in $began to $now" >"$BATS_TEST_TMPDIR/exceeded"; }
		[ "$sent" -eq 30 ]
	}
	wait_until 30 within
	now=$EPOCHREALTIME
	[ ! -e "$BATS_TEST_TMPDIR/exceeded" ]
	wait "${readers[@]}" || true
	# Ten beyond the burst take two and a half seconds.
	awk -v began="$began" -v now="$now" 'BEGIN { exit !(now - began >= 2.25) }'
	[ "$(counter http_throttled)" -ge 1 ]
	mount_stop
}
