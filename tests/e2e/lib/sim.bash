# Helpers for tests that need a simulator; loaded with `load lib/sim`.
#
#   PINEFS_SIM          the program, set by meson
#   sim_start [ARG...]  start one; sets SIM_URL and SIM_PID
#   sim_stop [PID]      end it (default: the last one); sets SIM_STATUS to its exit status
#   sim_post PATH JSON  a control request, e.g. sim_post /_sim/jobs '{}'; prints the answer
#   sim_delete PATH     the same with DELETE
#   sim_requests FIELD  a figure of /_sim/requests, e.g. sim_requests describe
#   figure_is FIELD VALUE   is it this?
#   sim_get PATH [ARG]  an API request with a good key; ARGs go to curl
#   sim_code PATH [ARG] only the status code of the same
#   is_child PID        is this a process that the test's shell started, and not a stranger that has
#                       got the number of one that ended? Ask it before a signal
#   wait_until SECONDS COMMAND...   poll until it succeeds; fails at the deadline
#   in_time SECONDS PROGRAM...      run it, and end it at the deadline
#   longer SECONDS      as long as that takes here: see $PINEFS_PATIENCE in private. All deadlines
#                       are so much longer by themselves
#   not_under_memcheck REASON   skips the rest of the test there
#
# After a test all simulators are ended. It fails if one of them ended badly, which is how a sanitizer
# speaks.
#
# A restore takes a day unless the test says otherwise: what is Pending stays so, however slow the
# machine is.
#
# Call sim_start in the test's own shell, not under `run` or in $( ): the
# simulator ends with the process that started it.

load lib/suite
part sim

SIM_KEY='pcsk_test'
PATIENCE=${PINEFS_PATIENCE:-1}

sim_set_up() {
	SIM_PIDS=()
}

sim_start() {
	local fifo
	fifo=$(mktemp -u "${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:-/tmp}}/sim.XXXXXX")
	mkfifo "$fifo"
	"$PINEFS_SIM" --die-with-parent --restore-time 86400 "$@" >"$fifo" 3>&- &
	SIM_PID=$!
	SIM_PIDS+=("$SIM_PID")
	SIM_URL=
	IFS= read -r -t "$(longer 20)" SIM_URL <"$fifo" || true
	rm -f "$fifo"
	[ -n "$SIM_URL" ]
}

is_child() {
	grep -qsx "PPid:[[:space:]]*$$" "/proc/$1/status"
}

is_no_child() {
	! is_child "$1"
}

sim_stop() {
	local pid=${1:-$SIM_PID}
	! is_child "$pid" || kill -TERM "$pid" 2>/dev/null || true
	wait_until 10 is_no_child "$pid" || kill -KILL "$pid"
	SIM_STATUS=0
	wait "$pid" || SIM_STATUS=$?
}

sim_is_gone() {
	! kill -0 "$1" 2>/dev/null
}

sim_tear_down() {
	local pid bad=0
	for pid in "${SIM_PIDS[@]}"; do
		sim_stop "$pid"
		# 127: it was stopped and waited for before.
		[ "$SIM_STATUS" -eq 0 ] || [ "$SIM_STATUS" -eq 127 ] || bad=$SIM_STATUS
	done
	SIM_PIDS=()
	[ "$bad" -eq 0 ] || echo "a simulator ended with $bad" >&2
	return "$bad"
}

sim_post() {
	curl -sS --fail-with-body -m "$((20 * PATIENCE))" --data-binary "$2" "$SIM_URL$1"
}

sim_delete() {
	curl -sS --fail-with-body -m "$((20 * PATIENCE))" -X DELETE "$SIM_URL$1"
}

sim_requests() {
	curl -sS --fail -m "$((20 * PATIENCE))" "$SIM_URL/_sim/requests" | jq -r ".$1"
}

figure_is() {
	[ "$(sim_requests "$1")" = "$2" ]
}

sim_get() {
	local path=$1
	shift
	curl -sS -m "$((20 * PATIENCE))" -H "Api-Key: $SIM_KEY" "$@" "$SIM_URL$path"
}

sim_code() {
	local path=$1
	shift
	sim_get "$path" -o /dev/null -w '%{http_code}' "$@"
}

longer() {
	case $1 in
	*.*) awk -v seconds="$1" -v times="$PATIENCE" 'BEGIN { print seconds * times }' ;;
	*) echo $(($1 * PATIENCE)) ;;
	esac
}

not_under_memcheck() {
	[ -z "${PINEFS_MEMCHECK-}" ] || skip "under valgrind: $1"
}

in_time() {
	timeout "$(longer "$1")" "${@:2}"
}

wait_until() {
	local end=$((SECONDS + $1 * PATIENCE + 1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}
