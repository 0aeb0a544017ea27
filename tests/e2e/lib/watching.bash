# Helpers for tests about waiting and watching; loaded with `load lib/watching`, which loads
# mount.bash, too. There is a simulator with nothing in it; after a test what was started in the background
# is killed.
#
#   pending ID...             jobs that stay Pending, with no field that changes by itself
#   end_job ID [STATUS]       let it end
#   background NAME COMMAND   start it, its output to the file out.NAME; its process id is $!, and
#                             the last of BACKGROUND
#   out NAME                  that file
#   ended PID...              have they all ended?
#   waiting_is COUNT          so many callers wait for an answer
#   is_watched PID PATH       has pinefs seen this watch?
#   inotify NAME OPTION...    inotifywait in the background, once its watches are set and seen; it
#                             is started, and looked for, through the words in AS
#   saw NAME LINE             is this whole line in its output?
#   stays_at_rest             no request within a second
#   kill_family PID           kill it and its children

load lib/mount
part watching

watching_set_up() {
	BACKGROUND=()
	AS=()
	sim_start --jobs 0 --backups 0 --indexes 0 --collections 0
}

watching_tear_down() {
	local pid
	for pid in "${BACKGROUND[@]}"; do
		! is_child "$pid" || kill_family "$pid"
	done
}

# With its children, who would outlive it; stopped first, so that it gets no more of them.
kill_family() {
	local pid=$1 child
	kill -STOP "$pid" 2>/dev/null || return 0
	for child in $(pgrep -P "$pid"); do
		kill_family "$child"
	done
	kill -KILL "$pid" 2>/dev/null || true
}

pending() {
	local id
	for id; do
		add_job "$id" '{"status":"Pending","created_at":"2026-01-02T03:04:05Z"}'
	done
}

end_job() {
	change "$1" "{\"status\":\"${2:-Completed}\"}"
}

out() {
	echo "$BATS_TEST_TMPDIR/out.$1"
}

background() {
	local out
	out=$(out "$1")
	shift
	"$@" >"$out" 2>&1 3>&- &
	BACKGROUND+=($!)
}

ended() {
	local pid
	for pid; do
		is_no_child "$pid" || return 1
	done
}

waiting_is() {
	[ "$(counter waiting)" -eq "$1" ]
}

is_watched() {
	"${AS[@]}" grep -q "^$1	[^	]*	$2\$" "$MNT/.pinefs/watchers"
}

# The last word is what is watched.
inotify() {
	local name=$1 path=${*: -1}
	shift
	background "$name" "${AS[@]}" inotifywait -m --format '%e %w%f' "$@"
	wait_until 20 grep -q 'Watches established' "$(out "$name")" || return
	wait_until 20 is_watched "$!" "${path#"$MNT"}"
}

saw() {
	grep -qFx -- "$2" "$(out "$1")"
}

stays_at_rest() {
	local before
	before=$(requests)
	sleep 1
	[ "$(requests)" -eq "$before" ]
}
