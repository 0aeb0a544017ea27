# Helpers for tests that start pinefs as a person does; loaded with `load lib/command`, which loads
# mount.bash, too.
#
#   pinefs ARG...       run it in its own environment (see KEY and SETTINGS) with MNT as the last
#                       argument, until it exits or has gone to the background. Sets CODE, its exit
#                       status, and SAID, what it wrote to standard error
#   refuses TEXT ARG... run it so; fails unless it exits with 1 and one line with TEXT, mounts
#                       nothing and leaves nothing running
#   daemons             process ids of those that were started with MNT
#   none_runs           are there none?
#   signal_daemons SIGNAL
#   do_as_told [PREFIX...]   run the command that SAID ends with
#   jobs_are NUMBER [PREFIX...]   does a listing by PREFIX show so many jobs?
#
# MNT is an empty directory; after a test it is unmounted, and its daemon ended.
#
# KEY is the API key in the environment, none if empty; SETTINGS is an array of NAME=VALUE that
# are in the environment, too. With PREFIX set to an array of words, pinefs is run through them.

load lib/mount
part command

# An address on which nobody listens: port 1 is for what no machine runs any more.
NOBODY=http://127.0.0.1:1

command_set_up() {
	MNT=$(mktemp -d "${MOUNT_BASE:-$BATS_TEST_TMPDIR}/mnt.XXXXXX")
	JOBS=$MNT/restore-jobs
	KEY=$SIM_KEY
	SETTINGS=()
	PREFIX=()
}

command_tear_down() {
	local pid
	! is_mounted "$MNT" || fusermount3 -u "$MNT" || true
	wait_until 20 none_runs || for pid in $(daemons); do
		echo "pinefs $pid still runs" >&2
		kill -KILL "$pid" || true
	done
	! is_mounted "$MNT" || fusermount3 -uz "$MNT" || true
	rmdir "$MNT" 2>/dev/null || true
}

# By the argument: a process that has ended, but was not waited for, has none.
daemons() {
	printf '%s' "$MNT" >"$BATS_TEST_TMPDIR/argument"
	grep -lzxFf "$BATS_TEST_TMPDIR/argument" /proc/[0-9]*/cmdline 2>/dev/null |
		cut -d / -f 3 | grep -vxF "$$" || true
}

none_runs() {
	[ -z "$(daemons)" ]
}

signal_daemons() {
	local pids
	mapfile -t pids < <(daemons)
	kill "-$1" "${pids[@]}"
}

pinefs() {
	local variables=("${SETTINGS[@]}")
	[ -z "$KEY" ] || variables+=("PINECONE_API_KEY=$KEY")
	CODE=0
	"${PREFIX[@]}" env -u PINECONE_API_KEY "${variables[@]}" "$PINEFS" "$@" "$MNT" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/said" 3>&- || CODE=$?
	SAID=$(cat "$BATS_TEST_TMPDIR/said")
}

# said_one_line TEXT: exactly one line, which is all that was written, with this in it.
said_one_line() {
	[ "$(wc -l <"$BATS_TEST_TMPDIR/said")" -eq 1 ] && [[ $SAID == "pinefs: "*"$1"* ]] &&
		[ ! -s "$BATS_TEST_TMPDIR/out" ] && return
	echo "exit status $CODE, said: $SAID; and on stdout: $(cat "$BATS_TEST_TMPDIR/out")" >&2
	return 1
}

refuses() {
	local text=$1
	shift
	pinefs "$@"
	said_one_line "$text" || return
	if [ "$CODE" -ne 1 ] || is_mounted "$MNT"; then
		echo "exit status $CODE; $(grep -F "$MNT" /proc/self/mounts)" >&2
		return 1
	fi
	wait_until 10 none_runs
}

do_as_told() {
	local words
	read -ra words <<<"${SAID##*with: }"
	"$@" "${words[@]}"
}

jobs_are() {
	local number=$1
	shift
	[ "$("$@" find "$JOBS" -mindepth 1 -maxdepth 1 | wc -l)" -eq "$number" ]
}
