# pinefs@NAME.service, the unit of the packages, under a systemd that is really there.
load lib/machine

ID=9857add2-99d4-4399-870e-aa7f15d8d326

set_up() {
	PACKAGING=$BATS_TEST_DIRNAME/../../src/packaging
	pending "$ID"
	mkdir -p "$UNITS/pinefs@.service.d"
	sed 's|@bindir@|/usr/bin|' "$PACKAGING/pinefs@.service.in" >"$UNITS/pinefs@.service"
	cat >"$UNITS/pinefs@.service.d/test.conf" <<-END
		[Unit]
		StartLimitIntervalSec=$(longer 60)
		[Service]
		Environment=ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 UBSAN_OPTIONS=${UBSAN_OPTIONS-}
		StandardError=append:$BATS_TEST_TMPDIR/pinefs.log
	END
}

# A project of this name, with its key, and with options.
project() { # NAME KEY [OPTIONS]
	machine sh -c "umask 077; echo $2 >/etc/pinefs/$1.key"
	machine sh -c "echo 'PINECONE_CONTROLLER_HOST=$SIM_URL
OPTIONS=\"${3-}\"' >/etc/pinefs/$1.conf"
}

status_of() { # NAME STATUS
	[ "$(machine cat "/mnt/pinecone/$1/restore-jobs/$ID/status")" = "$2" ]
}

main_pid() { # NAME
	machine systemctl show -P MainPID "pinefs@$1"
}

mounts() { # NAME
	machine grep -c " /mnt/pinecone/$1 " /proc/self/mounts
}

@test "systemd has nothing to say against the units, and calls the sandbox OK" {
	local name
	machine_start
	cp "$UNITS/pinefs@.service" "$BATS_TEST_TMPDIR/pinefs@a.service"
	sed 's|@bindir@|/usr/bin|' "$PACKAGING/pinefs-user@.service.in" >"$BATS_TEST_TMPDIR/pinefs-user@a.service"
	for name in pinefs pinefs-user; do
		run -0 machine systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/$name@a.service"
		[ -z "$output" ]
	done
	# 0 to 100, the higher the more exposed.
	machine systemd-analyze security --offline=yes --threshold=50 "$BATS_TEST_TMPDIR/pinefs@a.service"
}

@test "side by side, without a network at first: each has its own key and options" {
	machine_start
	project a "$SIM_KEY"
	project b wrong '--kinds backups,restore-jobs'
	project eu-west "$SIM_KEY"
	machine rmdir /mnt/pinecone # as it is at the first start
	unplug
	machine systemctl start pinefs@a pinefs@b pinefs@eu-west
	is_active pinefs@a
	is_active pinefs@b
	[ "$(machine cat /proc/self/mounts | grep -c '^[abe][-a-z]* /mnt/pinecone/[a-z-]* fuse.pinefs ')" -eq 3 ]
	says 'No route to host' machine cat "/mnt/pinecone/a/restore-jobs/$ID/status"
	plug_in
	wait_until 20 status_of a Pending
	wait_until 20 status_of eu-west Pending
	rejected() { says 'Permission denied' machine cat "/mnt/pinecone/b/restore-jobs/$ID/status"; }
	wait_until 20 rejected
	[ "$(machine ls /mnt/pinecone/b | tr '\n' ' ')" = 'README backups events restore-jobs tables ' ]
	machine grep -q indexes <(machine ls /mnt/pinecone/a)
	# Everybody may look, and nobody's key is where others could read it.
	machine setpriv --reuid 65534 --clear-groups cat "/mnt/pinecone/a/restore-jobs/$ID/status"
	says 'Permission denied' machine setpriv --reuid 65534 --clear-groups \
		cat /run/credentials/pinefs@a.service/pinecone_api_key
	project b "$SIM_KEY"
	machine systemctl restart pinefs@b
	wait_until 20 status_of b Pending
	machine systemctl stop pinefs@a
	machine sh -c '! grep " /mnt/pinecone/a " /proc/self/mounts'
	status_of b Pending
}

@test "killed while somebody reads: the dead mount is cleared, and there is one again" {
	local before
	machine_start
	project a "$SIM_KEY"
	machine systemctl start pinefs@a
	status_of a Pending
	before=$(main_pid a)
	background wait machine cat "/mnt/pinecone/a/restore-jobs/$ID/wait"
	wait_until 20 machine grep -qx 'pinefs_waiting 1' /mnt/pinecone/a/.pinefs/stats
	machine kill -KILL "$before"
	is_another() { is_active pinefs@a && [ "$(main_pid a)" -ne "$before" ]; }
	wait_until 20 is_another
	status_of a Pending
	[ "$(mounts a)" -eq 1 ]
	[ "$(machine systemctl show -P NRestarts pinefs@a)" -eq 1 ]
}

# Who may only read can't begin a restore, though everybody sees the mount.
@test "with --allow-restore in its options, for root, and not for everybody" {
	machine_start
	add_backup nightly '{"source_index_name":"movies","status":"Ready"}'
	project a "$SIM_KEY" --allow-restore
	machine systemctl start pinefs@a
	status_of a Pending
	says 'Permission denied' machine setpriv --reuid 65534 --clear-groups \
		mkdir /mnt/pinecone/a/backups/nightly/restores/movies-2
	[ "$(requests create_index)" -eq 0 ]
	machine mkdir /mnt/pinecone/a/backups/nightly/restores/movies-2
	[ "$(requests create_index)" -eq 1 ]
	[ -n "$(machine cat /mnt/pinecone/a/backups/nightly/restores/movies-2/restore_job_id)" ]
}

# By hand, as no service would leave it.
by_hand() {
	machine mkdir -p /mnt/pinecone/a
	machine env PINECONE_CONTROLLER_HOST="$SIM_URL" PINECONE_API_KEY="$SIM_KEY" \
		pinefs byhand /mnt/pinecone/a 3>&-
}

@test "a dead mount that was there before is cleared at the start" {
	machine_start
	project a "$SIM_KEY"
	by_hand
	machine ls /mnt/pinecone/a
	machine pkill -KILL -x pinefs
	dead() { ! machine stat -f /mnt/pinecone/a 2>/dev/null; }
	wait_until 20 dead
	[ "$(mounts a)" -eq 1 ]
	machine systemctl start pinefs@a
	status_of a Pending
	[ "$(mounts a)" -eq 1 ]
	machine grep -q '^a /mnt/pinecone/a ' /proc/self/mounts
}

@test "a mount that lives is left alone, and starting ends" {
	machine_start
	project a "$SIM_KEY"
	by_hand
	says 'Job for pinefs@a.service failed' machine systemctl start pinefs@a
	gave_up() { [ "$(machine systemctl is-failed pinefs@a)" = failed ]; }
	wait_until 40 gave_up
	[ "$(machine systemctl show -P NRestarts pinefs@a)" -le 5 ]
	machine grep -q '^byhand /mnt/pinecone/a ' /proc/self/mounts
	status_of a Pending
}

@test "without a key it isn't started, nor with a wrong option, and neither is tried again" {
	machine_start
	says 'Assertion failed on job for pinefs@a.service' machine systemctl start pinefs@a
	project b "$SIM_KEY" --nonsense
	says 'Job for pinefs@b.service failed' machine systemctl start pinefs@b
	[ "$(machine systemctl is-failed pinefs@b)" = failed ]
	for name in a b; do
		[ "$(machine systemctl show -P NRestarts "pinefs@$name")" -eq 0 ]
	done
}

@test "the examples of the package are those of the manual" {
	local name
	for name in path service; do
		[ -s "$PACKAGING/examples/restored.$name" ]
		# All of its lines, one behind the other.
		[[ $(cat "$PACKAGING/../../man/pinefs.1") == *"$(cat "$PACKAGING/examples/restored.$name")"* ]]
	done
}
