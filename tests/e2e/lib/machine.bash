# Helpers for tests under a systemd that is really there; loaded with `load lib/machine`, which loads
# watching.bash, too. Where there can be none the test is skipped.
#
#   UNITS             put units there, then
#   machine_start [KEY]   start it, with the key in /etc/pinefs/key
#   machine COMMAND   run it there
#   is_active UNIT
#   pinefs_said TEXT  is that in BATS_TEST_TMPDIR/pinefs.log, where units append to?
#   unplug, plug_in   the API can't be reached, and can again, with one job, ID
#
# PINEFS is there as /usr/bin/pinefs and /usr/local/bin/pinefs.

load lib/watching
part machine

machine_set_up() {
	UNITS=$BATS_TEST_TMPDIR/units
	MACHINE=
	need_machine
	mkdir -p "$UNITS" "$BATS_TEST_TMPDIR/programs"
	cp "$PINEFS" "$BATS_TEST_TMPDIR/programs/pinefs"
}

machine_tear_down() {
	if [ -n "$MACHINE" ]; then
		cat "$BATS_TEST_TMPDIR"/*.log >&2
		kill -TERM "$MACHINE_PID"
		wait_until 20 sim_is_gone "$MACHINE_PID"
	fi
}

need_machine() {
	[ "$(id -u)" -eq 0 ] || skip 'only root can start a systemd'
	not_under_memcheck "the unit's sandbox allows it no code of its own making"
	[ -x /lib/systemd/systemd ] || skip 'systemd is not installed'
	grep -qw cgroup2 /proc/filesystems || skip 'the kernel has no cgroup 2'
}

# MACHINE is process 1 of it.
machine_start() {
	"$BATS_TEST_DIRNAME/programs/machine" "$UNITS" "$BATS_TEST_TMPDIR/programs" \
		>"$BATS_TEST_TMPDIR/machine.log" 2>&1 3>&- &
	MACHINE_PID=$!
	MACHINE=$MACHINE_PID
	wait_until 20 find_machine
	wait_until 20 machine systemctl is-active -q basic.target
	machine mkdir -p /etc/pinefs /mnt/pinecone
	machine sh -c "umask 077; echo ${1:-$SIM_KEY} >/etc/pinefs/key"
}

find_machine() {
	local shell
	shell=$(pgrep -P "$MACHINE_PID" -x unshare) && MACHINE=$(pgrep -P "$shell" -x systemd)
}

machine() {
	nsenter --target "$MACHINE" --all -- "$@"
}

is_active() {
	machine systemctl is-active -q "$1"
}

pinefs_said() {
	grep -q -- "$1" "$BATS_TEST_TMPDIR/pinefs.log"
}

# The API can't be reached until `sim_start --port "$PORT"`.
unplug() {
	PORT=${SIM_URL##*:}
	sim_stop
}

plug_in() {
	sim_start --jobs 0 --port "$PORT"
	pending "$ID"
}
