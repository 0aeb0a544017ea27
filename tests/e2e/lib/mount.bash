# Helpers for tests that need a mount; loaded with `load lib/mount`, which loads sim.bash, too. Where
# no mount is possible the tests are skipped.
#
#   PINEFS                   the program, set by meson
#   mount_start [OPTION...]  mount what the simulator at SIM_URL serves, and wait until that is
#                            done. Sets MNT, JOBS ($MNT/restore-jobs), PINEFS_PID and PINEFS_LOG (a
#                            file with the daemon's stderr)
#   mount_again [OPTION...]  the same where the last one was, which has ended
#   mount_stop [DIRECTORY]   unmount it (default: the last one); fails unless the daemon then ends
#                            with 0
#   mount_forget             SIGHUP the last daemon, and wait until it took that
#   mount_logged TEXT        is the text in the last daemon's log?
#   counter NAME [VALUE]     a figure of .pinefs/stats, e.g. counter messages read; without the
#                            label's value, the sum of all
#   requests [FIELD]         how many the simulator got so far: total, describe, list, other
#   costs DESCRIBES LISTS COMMAND...
#                            run it; fails if it does, or if the simulator got other numbers of
#                            requests meanwhile. Output of COMMAND goes to the file COST_OUTPUT
#   wait_until SECONDS COMMAND...   poll until it succeeds; fails at the deadline
#   stays SECONDS COMMAND... fails as soon as COMMAND does, within that time
#   expired FILE             has what it tells of run out? Asks its job's directory: to look up the
#                            file would renew it
#   file_says FILE TEXT      is this its content (but for newlines at its end)?
#   exists FILE, is_missing FILE
#   lists TEXT               is this the listing of restore-jobs: sorted, a blank after each name?
#   fifty_readers FILE       fifty processes read it at once, each into a file
#                            BATS_TEST_TMPDIR/reader.*; fails if one of them does
#   milliseconds             the time, for differences
#   says TEXT COMMAND...     fails unless COMMAND fails and says TEXT
#   fault JSON               a fault of the simulator; see pinecone-sim(1)
#   job_fault ID JSON        the same for questions about one job
#   add_job ID [JSON]        a job for the simulator, with these keys
#   add_raw ID TEXT          a job whose object is this text, byte for byte
#   add_backup ID [JSON], add_index NAME [JSON], add_collection NAME [JSON]
#                            the same for a backup and an index. They are made, and get Ready after
#                            the simulator's --restore-time: '{"status":"Ready"}', '{"state":"Ready"}'
#   change ID JSON           give a job's keys other values
#   change_backup ID JSON, change_index NAME JSON, change_collection NAME JSON
#                            the same for a backup and an index
#   attribute FILE NAME      the extended attribute user.pinefs.NAME; unlike getfattr(1) it doesn't
#                            stat the file first
#
# With MOUNT_AS set to an array of words, the daemon is started through them: they must exec it.
# MOUNT_BASE is where mountpoints are made; the default is the test's own temporary directory.
#
# After a test every daemon that was started is ended, whatever state it is in, and the mountpoints are
# removed. The test fails if one of them ended badly, which is how a sanitizer speaks; MOUNT_ENDS[PID] is
# an exit status that is right for it.
#
# Call mount_start in the test's own shell, not under `run` or in $( ).

load lib/sim
part mount

mount_set_up() {
	MOUNT_DIRECTORIES=()
	MOUNT_PIDS=()
	MOUNT_ENDS=()
	MOUNT_AS=()
	COST_OUTPUT=$BATS_TEST_TMPDIR/cost.output
	export LC_ALL=C
	unset PINECONE_CONTROLLER_HOST PINECONE_ADDITIONAL_HEADERS CREDENTIALS_DIRECTORY
	[ -z "${PINEFS_NO_FUSE-}" ] || skip "$PINEFS_NO_FUSE"
}

# From the kernel's table, which escapes some bytes: no message to a daemon that may not answer.
is_mounted() {
	local path=${1//\\/\\134}
	path=${path//$'\n'/\\012}
	grep -qF " ${path// /\\040} fuse.pinefs " /proc/self/mounts
}

# Between mount(2) and the kernel's first message an unmount is a mount that failed.
is_serving_or_dead() {
	mount_logged 'mounted on ' || sim_is_gone "$1"
}

mount_start() {
	MNT=$(mktemp -d "${MOUNT_BASE:-$BATS_TEST_TMPDIR}/mnt.XXXXXX")
	JOBS=$MNT/restore-jobs
	PINEFS_LOG=$BATS_TEST_TMPDIR/log.${MNT##*.}
	[ ${#MOUNT_AS[@]} -eq 0 ] || chmod 777 "$MNT"
	MOUNT_DIRECTORIES+=("$MNT")
	mount_here "$@"
}

mount_again() {
	rm "$PINEFS_LOG" # or what it says may be taken for the new one's
	unset 'MOUNT_PIDS[-1]'
	mount_here "$@"
}

mount_here() {
	PINECONE_API_KEY=$SIM_KEY "${MOUNT_AS[@]}" "$PINEFS" -f --api-url "$SIM_URL" "$@" "$MNT" \
		>"$PINEFS_LOG" 2>&1 3>&- &
	PINEFS_PID=$!
	MOUNT_PIDS+=("$PINEFS_PID")
	wait_until 30 is_serving_or_dead "$PINEFS_PID" && is_mounted "$MNT" && return
	cat "$PINEFS_LOG" >&2
	return 1
}

mount_stop() {
	local directory=${1:-$MNT} i result=0
	for i in "${!MOUNT_DIRECTORIES[@]}"; do
		[ "${MOUNT_DIRECTORIES[i]}" = "$directory" ] || continue
		# The child that makes events has a file open for a moment.
		wait_until 5 fusermount3 -u "$directory" || return
		wait_until 20 sim_is_gone "${MOUNT_PIDS[i]}" || return
		wait "${MOUNT_PIDS[i]}" || result=$?
		[ "$result" -eq 0 ] || cat "$PINEFS_LOG" >&2
		return "$result"
	done
	return 1
}

# How the daemon ended: 137 if the test killed it, 127 if bash no longer knows.
mount_end() {
	local pid=$1 directory=$2 result=0
	! is_child "$pid" || kill -TERM "$pid" 2>/dev/null || true
	if wait_until 10 is_no_child "$pid"; then
		wait "$pid" || result=$?
	else
		kill -KILL "$pid" 2>/dev/null || true
		result='a deaf ear'
	fi
	! is_mounted "$directory" || fusermount3 -uz "$directory" || true
	rmdir "$directory" || true
	case $result in
	0 | 127 | 137 | "${MOUNT_ENDS[pid]-}") ;;
	*)
		echo "pinefs ended with $result:" >&2
		cat "$BATS_TEST_TMPDIR/log.${directory##*.}" >&2
		return 1
		;;
	esac
}

mount_tear_down() {
	local i bad=0
	for i in "${!MOUNT_PIDS[@]}"; do
		mount_end "${MOUNT_PIDS[i]}" "${MOUNT_DIRECTORIES[i]}" || bad=$?
	done
	MOUNT_PIDS=()
	MOUNT_DIRECTORIES=()
	return "$bad"
}

forgot() {
	[ "$(grep -c SIGHUP "$PINEFS_LOG")" -ge "$1" ]
}

mount_forget() {
	local before
	before=$(grep -c SIGHUP "$PINEFS_LOG" || true)
	kill -HUP "$PINEFS_PID"
	wait_until 10 forgot $((before + 1))
	# It answers this after it has done the rest.
	cat "$MNT/.pinefs/version" >/dev/null
}

mount_logged() {
	grep -qsF -- "$1" "$PINEFS_LOG"
}

counter() {
	awk -v name="pinefs_$1" -v value="${2-}" '
		{ key = $1; label = "" }
		match(key, /\{.*\}/) {
			label = substr(key, RSTART + 1, RLENGTH - 2)
			key = substr(key, 1, RSTART - 1)
			gsub(/^[^"]*"|"$/, "", label)
		}
		(key == name || key == name "_total") && (value == "" || label == value) {
			sum += $2
			found = 1
		}
		END {
			if (!found)
				exit 1
			printf "%d\n", sum
		}' "$MNT/.pinefs/stats"
}

requests() {
	sim_requests "${1:-total}"
}

costs() {
	local describes=$1 lists=$2 before after
	shift 2
	before=$(sim_requests 'describe, .list')
	"$@" >"$COST_OUTPUT" || return
	after=$(sim_requests 'describe, .list')
	# shellcheck disable=SC2046,SC2086
	set -- $before $after
	[ $(($3 - $1)) -eq "$describes" ] && [ $(($4 - $2)) -eq "$lists" ] && return
	echo "describe: $(($3 - $1)) instead of $describes, list: $(($4 - $2)) instead of $lists" >&2
	return 1
}

says() {
	local text=$1 said
	shift
	if said=$("$@" 2>&1); then
		echo "succeeded, and said: $said" >&2
		return 1
	fi
	[[ $said == *"$text"* ]] && return
	echo "said: $said" >&2
	return 1
}

fault() {
	sim_post /_sim/faults "$1" >/dev/null
}

job_fault() {
	fault "$(jq -cn --arg path "/restore-jobs/$1" --argjson rule "$2" '{match: $path} + $rule')"
}

add_job() {
	sim_post /_sim/jobs "$(jq -cn --arg id "$1" --argjson keys "${2:-"{}"}" \
		'{restore_job_id: $id} + $keys')" >/dev/null
}

add_backup() {
	sim_post /_sim/backups "$(jq -cn --arg id "$1" --argjson keys "${2:-"{}"}" \
		'{backup_id: $id} + $keys')" >/dev/null
}

add_index() {
	sim_post /_sim/indexes "$(jq -cn --arg name "$1" --argjson keys "${2:-"{}"}" \
		'{name: $name} + $keys')" >/dev/null
}

add_collection() {
	sim_post /_sim/collections "$(jq -cn --arg name "$1" --argjson keys "${2:-"{}"}" \
		'{name: $name} + $keys')" >/dev/null
}

add_raw() {
	sim_post /_sim/jobs "$(jq -cn --arg id "$1" --arg raw "$2" '{restore_job_id: $id, raw: $raw}')" \
		>/dev/null
}

attribute() {
	python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.pinefs." + sys.argv[2]).decode())' \
		"$1" "$2"
}

expired() {
	[ "$(attribute "${1%/*}" expires_in)" = 0.000 ]
}

file_says() {
	[ "$(cat "$1")" = "$2" ]
}

stays() {
	local end=$((SECONDS + $1 + 1))
	shift
	while "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 0
		sleep 0.1
	done
	return 1
}

fifty_readers() {
	local n pids=() bad=0
	for n in {1..50}; do
		cat "$1" >"$BATS_TEST_TMPDIR/reader.$n" 3>&- &
		pids+=("$!")
	done
	for n in "${pids[@]}"; do
		wait "$n" || bad=1
	done
	return "$bad"
}

milliseconds() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

change() {
	sim_post "/_sim/jobs/$1" "$2" >/dev/null
}

change_backup() {
	sim_post "/_sim/backups/$1" "$2" >/dev/null
}

change_index() {
	sim_post "/_sim/indexes/$1" "$2" >/dev/null
}

change_collection() {
	sim_post "/_sim/collections/$1" "$2" >/dev/null
}

exists() {
	[ -e "$1" ]
}

is_missing() {
	[ ! -e "$1" ]
}

listing() {
	find "$JOBS" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ' '
}

lists() {
	[ "$(listing)" = "$1" ]
}
