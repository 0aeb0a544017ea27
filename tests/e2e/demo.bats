# pinefs --demo: the simulator that comes and goes with it; and tests/demo.
# shellcheck disable=SC2016
load lib/user
load lib/command

set_up() {
	KEY=''
	simulator=
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
}

tear_down() {
	command_tear_down # which should end the simulator
	[ -z "$simulator" ] || is_gone "$simulator" || kill -KILL "$simulator"
}

# The simulator that is a child of one of the processes of this mount.
simulator() {
	local pid
	for pid in $(daemons); do
		ps -o pid=,args= --ppid "$pid"
	done | awk '/[/ ]pinecone-sim / { print $1 }'
}

# Zombies count as gone: not every machine has a process 1 that waits for them.
is_gone() {
	! grep -q '^State:[[:space:]][^ZX]' "/proc/$1/status" 2>/dev/null
}

# It has twelve jobs, and some are done.
shows_jobs() {
	[ "$(find "$JOBS" -mindepth 1 -maxdepth 1 | wc -l)" -eq 12 ]
	[ "$(cat "$JOBS"/*/status | sort -u | head -n 1)" = Cancelled ]
}

@test "it needs no key, and the simulator ends when it is unmounted" {
	pinefs --demo
	[ "$CODE" -eq 0 ]
	[ -z "$SAID" ]
	shows_jobs
	simulator=$(simulator)
	[ -n "$simulator" ]
	# Only the one who mounts talks to it.
	grep -qE '^api_url=http://127\.0\.0\.1:[0-9]+$' "$MNT/.pinefs/config"
	fusermount3 -u "$MNT"
	wait_until 20 none_runs
	wait_until 20 is_gone "$simulator"
}

@test "whatever the environment says of a real API, it isn't asked" {
	KEY=pcsk_real
	SETTINGS=(PINECONE_CONTROLLER_HOST=http://127.0.0.1:1)
	pinefs --demo
	[ "$CODE" -eq 0 ]
	shows_jobs
}

@test "the simulator ends with it also on kill -9 and on SIGTERM" {
	local signal daemon
	for signal in KILL TERM; do
		pinefs --demo
		[ "$CODE" -eq 0 ]
		simulator=$(simulator)
		daemon=$(ps -o ppid= -p "$simulator")
		[ -n "$simulator" ]
		kill "-$signal" "$daemon"
		wait_until 20 is_gone "$simulator"
		wait_until 20 none_runs
		! is_mounted "$MNT" || fusermount3 -u "$MNT"
	done
}

@test "when the mount fails, the simulator is gone" {
	need_root
	need_user
	rmdir "$MNT"
	command_set_up
	KEY=''
	chmod 755 "$MNT"
	cp "$PINEFS_SIM" "$MOUNT_BASE/pinecone-sim"
	PREFIX=("${AS_USER[@]}")
	refuses 'no write access to mountpoint' --demo
	no_simulator() {
		[ -z "$(find /proc -maxdepth 2 -name exe -lname "$MOUNT_BASE/*" 2>/dev/null)" ]
	}
	wait_until 20 no_simulator
}

@test "it finds pinecone-sim beside itself, then in the build tree, then in PATH" {
	local directory=$BATS_TEST_TMPDIR/bin
	not_under_memcheck 'what is copied here is not the program'
	path_of_simulator() { readlink "/proc/$(simulator)/exe"; }
	mkdir -p "$directory/elsewhere"
	cp "$PINEFS" "$directory/pinefs"
	cp "$PINEFS_SIM" "$directory/elsewhere/pinecone-sim"
	PINEFS=$directory/pinefs
	SETTINGS=("PATH=$directory/elsewhere:$PATH")
	pinefs --demo
	[ "$CODE" -eq 0 ]
	[ "$(path_of_simulator)" = "$directory/elsewhere/pinecone-sim" ]
	fusermount3 -u "$MNT"
	wait_until 20 none_runs

	mkdir "$directory/sim"
	cp "$PINEFS_SIM" "$directory/sim/pinecone-sim"
	pinefs --demo
	[ "$(path_of_simulator)" = "$directory/sim/pinecone-sim" ]
	fusermount3 -u "$MNT"
	wait_until 20 none_runs

	cp "$PINEFS_SIM" "$directory/pinecone-sim"
	pinefs --demo
	[ "$(path_of_simulator)" = "$directory/pinecone-sim" ]
	fusermount3 -u "$MNT"
	wait_until 20 none_runs

	rm -r "$directory/sim" "$directory/pinecone-sim"
	SETTINGS=("PATH=$directory")
	refuses "--demo: there is no pinecone-sim; install pinecone-sim" --demo
}

# What the demo printed below a line that begins so.
below() { # TEXT
	awk -v text="$ $1" 'index($0, "$ ") == 1 { on = index($0, text) == 1; next } /^$/ { on = 0 } on' \
		<<<"$output"
}

@test "tests/demo tells of a restore to its end, leaves the mount, and says how to unmount" {
	local project=$BATS_TEST_TMPDIR/project began=$SECONDS words job index
	# Its own copy of the project, with the build that is tested: so nothing is built here.
	mkdir -p "$project/tests"
	cp "$ROOT/tests/demo" "$ROOT/tests/install" "$project/tests/"
	ln -s "$(cd "$(dirname "$PINEFS")/.." && pwd)" "$project/build"
	run --separate-stderr env -u PINECONE_API_KEY "$project/tests/demo" "$MNT"
	echo "$output"
	echo "$stderr" >&2
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	is_mounted "$MNT"
	below ls | grep -qx tables
	[[ $output == *"$ build/src/pinefs --demo $MNT"* ]]
	# The backup that it chose is one that could be restored, and was.
	[ "$(below 'cat backups/' | head -n 1)" = Ready ]
	[ "$(below 'cat restore-jobs/$job/status')" = Pending ]
	job=$(grep -lx restored "$JOBS"/*/target_index_name)
	[ "$(below readlink)" = "$(readlink "${job%/*}/backup" "${job%/*}/index")" ]
	index=$(sed -n 's/^\$ index=//p' <<<"$output")
	[ "$(cat "${job%/*}/backup/source_index_name")" = "$index" ]
	[ "$(below 'cat restore-jobs/$job/success')" = $'Completed\nReady' ]
	[ "$(below 'cat restore-jobs/$job/index/host')" = "$(cat "$MNT/indexes/restored/host")" ]
	[ "$(below grep)" = "$(sed -n '1p; /^restored\t/p' "$MNT/tables/indexes.tsv" | cut -f 1-3,6-10)" ]
	below grep | grep -qP '^restored\tReady\ttrue\t'
	# README has a picture of it.
	"$ROOT/tests/tools/transcript" "$MNT" <<<"$output" >"$BATS_TEST_TMPDIR/demo.svg"
	diff -u "$ROOT/man/demo.svg" "$BATS_TEST_TMPDIR/demo.svg" ||
		{ echo 'if so it is to be: tests/demo MOUNTPOINT | tests/tools/transcript MOUNTPOINT >man/demo.svg'; false; }
	# That a build was to be made, or packages to be installed, isn't in the thirty seconds.
	[ $((SECONDS - began)) -lt "$(longer 30)" ]
	# Once more: what is mounted there isn't mounted over. And where there is no build/, none is
	# made: it would be one without tests.
	mv "$project/build" "$project/build-demo"
	run "$project/tests/demo" "$MNT"
	[ "$status" -eq 1 ]
	[[ $output == *"something is mounted there; first: fusermount3 -u $MNT"* ]]
	[ ! -e "$project/build" ]
	simulator=$(simulator)
	[ -n "$simulator" ]
	read -ra words < <(grep -oE 'fusermount3 -u .*' <<<"$output" | tail -n 1)
	"${words[@]}"
	wait_until 20 none_runs
	wait_until 20 is_gone "$simulator"
	run ! is_mounted "$MNT"
}

@test "tests/demo: wrong usage" {
	run "$ROOT/tests/demo" a b
	[ "$status" -eq 2 ]
	[[ $output == 'Usage: tests/demo'* ]]
	run "$ROOT/tests/demo" --nonsense
	[ "$status" -eq 2 ]
	run "$ROOT/tests/demo" --help
	[ "$status" -eq 0 ]
}
