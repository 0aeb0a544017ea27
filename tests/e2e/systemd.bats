# The units of the manual, and lines of fstab, under a systemd that is really there.
load lib/machine

ID=9857add2-99d4-4399-870e-aa7f15d8d326 # as in the manual
JOB=/mnt/pinecone/restore-jobs/$ID

set_up() {
	ROOT=$BATS_TEST_DIRNAME/../..
	pending "$ID"
	mkdir -p "$UNITS/pinefs.service.d" "$UNITS/mnt-pinecone.mount.d"
	unit '[Unit]' >"$UNITS/pinefs.service"
	unit '[Path]' >"$UNITS/restored.path"
	unit '[Service]' >"$UNITS/restored.service"
	# Where the API is, what there is instead of a journal, and no ptrace(2) for LeakSanitizer.
	cat >"$UNITS/pinefs.service.d/test.conf" <<-END
		[Service]
		Environment=PINECONE_CONTROLLER_HOST=$SIM_URL
		Environment=ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 UBSAN_OPTIONS=${UBSAN_OPTIONS-}
		StandardError=append:$BATS_TEST_TMPDIR/pinefs.log
	END
	cat >"$UNITS/mnt-pinecone.mount.d/test.conf" <<-END
		[Unit]
		StartLimitIntervalSec=$(longer 10)
		[Mount]
		StandardError=append:$BATS_TEST_TMPDIR/pinefs.log
	END
}

# The example of the manual that begins so.
unit() { # LINE
	awk -v first="$1" '/^\.Ed/ { on = literal = 0 } literal == 1 && $0 == first { on = 1 }
		literal { literal++ } on { print } /^\.Bd/ { literal = 1 }' "$ROOT/man/pinefs.1"
}

main_pid() {
	machine systemctl show -P MainPID pinefs
}

status_is() {
	[ "$(machine cat "$JOB/status")" = "$1" ]
}

@test "the service: started when the mount is there, in its sandbox, and stopped" {
	local status
	machine_start
	machine systemctl start pinefs
	status_is Pending
	status=/proc/$(main_pid)/status
	machine grep -Px 'NoNewPrivs:\t1' "$status"
	machine grep -Px 'Seccomp:\t2' "$status"
	# CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_SYS_ADMIN
	machine grep -Px 'CapBnd:\t0000000000280004' "$status"
	machine setpriv --reuid 65534 --clear-groups cat "$JOB/status"
	machine systemctl reload pinefs
	wait_until 20 pinefs_said SIGHUP
	machine systemctl stop pinefs
	[ "$(machine systemctl is-failed pinefs)" = inactive ]
	machine sh -c '! grep /mnt/pinecone /proc/self/mounts'
}

@test "the service sees who watches, whoever it is" {
	machine_start
	machine systemctl start pinefs
	status_is Pending
	background watcher machine setpriv --reuid 65534 --clear-groups \
		inotifywait -q -e close_write "$JOB/status"
	wait_until 20 machine grep -q "	inotifywait	/restore-jobs/$ID/status\$" \
		/mnt/pinecone/.pinefs/watchers
	end_job "$ID"
	wait_until 20 ended "$!"
	grep -q CLOSE_WRITE "$(out watcher)"
}

@test "the service: a rejected key, and it isn't started" {
	machine_start wrong
	says 'Job for pinefs.service failed' machine systemctl start pinefs
	pinefs_said '401: Invalid API key'
	machine sh -c '! grep /mnt/pinecone /proc/self/mounts'
	machine systemctl stop pinefs
}

@test "the service: killed, and there again" {
	local before
	machine_start
	machine systemctl start pinefs
	before=$(main_pid)
	background wait machine cat "$JOB/wait"
	wait_until 20 machine grep -qx 'pinefs_waiting 1' /mnt/pinecone/.pinefs/stats
	machine kill -KILL "$before"
	wait_until 20 ended "$!"
	grep -q 'Software caused connection abort\|Transport endpoint' "$(out wait)"
	is_another() { is_active pinefs && [ "$(main_pid)" -ne "$before" ]; }
	wait_until 20 is_another
	status_is Pending
	[ "$(machine grep -c /mnt/pinecone /proc/self/mounts)" -eq 1 ]
}

tried() { # TIMES
	[ "$(machine systemctl show -P NRestarts pinefs)" -ge "$1" ]
}

@test "the service: without a network it is tried again, and mounted when there is one" {
	local seconds
	seconds=$(awk -F = '$1 == "RestartSec" { print $2 }' "$UNITS/pinefs.service")
	[ "$seconds" -ge 5 ]
	# Soon, and so more often than systemd usually allows within ten seconds.
	printf '[Service]\nRestartSec=0.2\n' >"$UNITS/pinefs.service.d/soon.conf"
	machine_start
	unplug
	says 'Job for pinefs.service failed' machine systemctl start pinefs
	wait_until 60 tried 8
	pinefs_said 'Failed to connect'
	machine sh -c '! grep /mnt/pinecone /proc/self/mounts'
	plug_in
	wait_until 20 is_active pinefs
	status_is Pending
}

@test "the service: with its own times it is there when the network, and then the key, is good" {
	machine_start wrong
	unplug
	says 'Job for pinefs.service failed' machine systemctl start pinefs
	# More than the ten seconds within which systemd counts.
	is_to_be_tried() { [[ $(machine systemctl is-failed pinefs) == *activating ]]; }
	stays 12 is_to_be_tried
	tried 1
	plug_in
	wait_until 30 pinefs_said '401: Invalid API key'
	machine sh -c "echo $SIM_KEY >/etc/pinefs/key"
	wait_until 30 is_active pinefs
	status_is Pending
}

@test "the service: wrong usage isn't tried again" {
	sed -i 's/ -f / -f --nonsense /' "$UNITS/pinefs.service"
	machine_start
	says 'Job for pinefs.service failed' machine systemctl start pinefs
	[ "$(machine systemctl is-failed pinefs)" = failed ]
	[ "$(machine systemctl show -P NRestarts pinefs)" -eq 0 ]
}

@test "a path unit starts its service when the job has ended" {
	sed -i '/^ExecStart=/aStandardOutput=file:/run/restored' "$UNITS/restored.service"
	machine_start
	machine systemctl start pinefs
	machine systemctl start restored.path
	wait_until 20 machine grep -q "	/restore-jobs/$ID\$" /mnt/pinecone/.pinefs/watchers
	[ "$(machine systemctl is-active restored.service)" = inactive ]
	end_job "$ID"
	wait_until 20 machine test -s /run/restored
	[ "$(machine cat /run/restored)" = Completed ]
}

# The manual's, with more options. Its generator makes units of it, as at each start of a machine.
fstab() { # OPTIONS
	local line
	line=$(grep '^pinecone /mnt/pinecone fuse.pinefs' "$ROOT/man/pinefs.1")
	machine sh -c "echo '${line/_netdev/_netdev,api_url=$SIM_URL,$1}' >/etc/fstab"
	machine systemctl daemon-reload
}

none_runs() {
	machine sh -c '! pgrep -x pinefs'
}

@test "a line of fstab that mounts when somebody comes" {
	machine_start
	fstab noauto,x-systemd.automount
	machine systemctl start mnt-pinecone.automount
	none_runs
	machine setpriv --reuid 65534 --clear-groups cat "$JOB/status"
	status_is Pending
	is_active mnt-pinecone.mount
	machine systemctl stop mnt-pinecone.automount mnt-pinecone.mount
	wait_until 20 none_runs
}

# An unmounted automount is mounted by who looks at it; a daemon that did so at its end would have
# a successor before it ends.
@test "a line of fstab that unmounts when nobody comes: it isn't mounted again" {
	machine_start
	fstab noauto,x-systemd.automount,x-systemd.idle-timeout=1
	machine systemctl start mnt-pinecone.automount
	is_inactive() { [ "$(machine systemctl is-active mnt-pinecone.mount)" = inactive ]; }
	status_is Pending
	wait_until 30 none_runs
	wait_until 20 is_inactive
	is_active mnt-pinecone.automount
	[ "$(sim_requests list)" -eq 1 ]
	# It is there for the next who comes.
	status_is Pending
	[ "$(sim_requests list)" -eq 2 ]
}

@test "lines of fstab without a network: mounted with no_check, read when there is one" {
	local i
	machine_start
	fstab no_check
	unplug
	machine systemctl start mnt-pinecone.mount
	says 'No route to host' machine cat "$JOB/status"
	machine systemctl stop mnt-pinecone.mount
	fstab noauto,x-systemd.automount,no_check
	machine systemctl start mnt-pinecone.automount
	for i in {1..10}; do
		says 'No route to host' machine cat "$JOB/status"
	done
	plug_in
	wait_until 20 status_is Pending
	machine systemctl stop mnt-pinecone.automount mnt-pinecone.mount
	wait_until 20 none_runs
	# Without it: as the manual says.
	unplug
	fstab noauto,x-systemd.automount
	machine systemctl start mnt-pinecone.automount
	gives_up() {
		machine cat "$JOB/status" 2>/dev/null
		! is_active mnt-pinecone.automount
	}
	wait_until 20 gives_up
}
