# inotify as root and as an ordinary user, with and without allow_other: the value is new at the
# event, and nobody can do what the child does.
load lib/user
load lib/watching

set_up() {
	need_user
}

# REFUSAL is what others are told who try the same.
value_after_event() { # REFUSAL AS...
	local refusal=$1
	shift
	is_watching() { "$@" grep -q one/status "$MNT/.pinefs/watchers"; }
	pending one
	background value "$@" bash -c "inotifywait -qq -e close_write '$JOBS/one/status' &&
		cat '$JOBS/one/status'"
	wait_until 20 is_watching "$@"
	end_job one
	wait_until 20 ended "${BACKGROUND[-1]}"
	[ "$(cat "$(out value)")" = Completed ]
	says "$refusal" "$@" mkdir "$JOBS/new"
	says "$refusal" "$@" touch "$JOBS/one/status"
	[ "$("$@" stat -c %a "$JOBS/one/status")" = 444 ]
}

# Also where the kernel would let nobody but root make and remove them.
names_come_and_go() { # AS...
	AS=("$@")
	pending two three
	"$@" ls "$JOBS" >/dev/null
	inotify jobs -e create,delete "$JOBS"
	inotify three -e create "$JOBS/three"
	inotify status -e delete_self "$JOBS/two/status"
	add_job four '{"status":"Pending"}'
	wait_until 20 saw jobs "CREATE,ISDIR $JOBS/four"
	end_job three
	wait_until 20 saw three "CREATE $JOBS/three/done"
	sim_delete /_sim/jobs/two
	wait_until 30 saw jobs "DELETE,ISDIR $JOBS/two"
	wait_until 20 saw status "DELETE_SELF $JOBS/two/status"
	says 'No such file' "$@" ls "$JOBS/two"
	[ "$("$@" stat -c %a "$JOBS" "$JOBS/three" | sort -u)" = 555 ]
}

@test "as root" {
	need_root
	mount_start --ttl 0.3
	value_after_event 'Read-only file system' env
	mount_stop
}

@test "as root with allow_other: also for watchers who are somebody else" {
	need_root
	mount_start --ttl 0.3 -o allow_other
	value_after_event 'Permission denied' as_other
	mount_stop
}

@test "as an ordinary user" {
	MOUNT_AS=("${AS_USER[@]}")
	mount_start --ttl 0.3
	value_after_event 'Read-only file system' as_user
}

@test "an ordinary user's pinefs has another child when its own is killed, closed to that user, too" {
	need_root
	not_under_memcheck "it can't execute the program by /proc/self/exe"
	MOUNT_AS=("${AS_USER[@]}")
	mount_start --ttl 0.3
	AS=("${AS_USER[@]}")
	local first next
	first=$(pgrep -P "$PINEFS_PID")
	[ "$(stat -c %u "/proc/$first/fd")" = 0 ]
	kill -KILL "$first"
	wait_until 10 mount_logged 'process that makes inotify events has ended'
	value_after_event 'Read-only file system' as_user
	next=$(pgrep -P "$PINEFS_PID")
	[ "$next" != "$first" ]
	[ "$(stat -c %u "/proc/$next/fd" "/proc/$next")" = $'0\n65534' ]
}

@test "as an ordinary user with allow_other" {
	need_fuse_conf user_allow_other
	MOUNT_AS=("${AS_USER[@]}")
	mount_start --ttl 0.3 --ttl-missing 0.3 --stale 1 -o allow_other
	value_after_event 'Permission denied' as_user
	names_come_and_go "${AS_USER[@]}"
}

@test "as an ordinary user whose modes the kernel checks" {
	MOUNT_AS=("${AS_USER[@]}")
	mount_start --ttl 0.3 --ttl-missing 0.3 --stale 1 -o default_permissions
	value_after_event 'Permission denied' as_user
	names_come_and_go "${AS_USER[@]}"
}

@test "as an ordinary user with allow_other, where all files are said to be another's" {
	need_root
	need_fuse_conf user_allow_other
	MOUNT_AS=("${AS_USER[@]}")
	mount_start --ttl 0.3 --ttl-missing 0.3 --stale 1 -o allow_other,uid=65533
	value_after_event 'Permission denied' as_user
	names_come_and_go "${AS_USER[@]}"
	[ "$(stat -c %u "$JOBS" "$JOBS/one/status" "$JOBS/three" | sort -u)" = 65533 ]
}

@test "as root with allow_other and no rights but those of the manual's unit" {
	need_root
	local rights=-all right words
	read -ra words < <(sed -n 's/^CapabilityBoundingSet=//p' \
		"$BATS_TEST_DIRNAME/../../man/pinefs.1")
	for right in "${words[@],,}"; do
		rights+=,+${right#cap_}
	done
	[ "$rights" != -all ]
	MOUNT_AS=(setpriv --no-new-privs "--bounding-set=$rights" "--inh-caps=$rights" --)
	mount_start --ttl 0.3 --ttl-missing 0.3 --stale 1 -o allow_other
	value_after_event 'Permission denied' as_other
	names_come_and_go env
}

@test "an ordinary user's pinefs doesn't see other users' watchers, who wait all the same" {
	need_root
	need_fuse_conf user_allow_other
	MOUNT_AS=("${AS_USER[@]}")
	mount_start --ttl 0.3 -o allow_other
	pending one
	background other as_other inotifywait -m "$JOBS/one/status"
	wait_until 20 grep -q established "$(out other)"
	background wait as_other cat "$JOBS/one/wait"
	wait_until 20 waiting_is 1
	end_job one
	wait_until 20 ended "${BACKGROUND[1]}"
	[ "$(cat "$(out wait)")" = Completed ]
	[ ! -s "$MNT/.pinefs/watchers" ]
	[ "$(grep -c CLOSE_WRITE "$(out other)")" -eq 0 ]
}
