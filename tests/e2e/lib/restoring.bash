# Helpers for tests of mkdir(1) in `restores`; loaded with `load lib/restoring`, which loads
# watching.bash, too. There is a simulator with an index "movies" and a backup of it, "nightly", that
# is Ready; a restore takes for ever, unless a test starts another simulator.
#
#   restore_world OPTIONS       such a simulator in place of the last one, with these as well
#   restore_begin OPTIONS       the same beside the last one
#   restore_mount [OPTION...]   mount it with --allow-restore, and a --timeout that answers which come
#                               later on a slow machine keep. Sets RESTORES, where nightly's are
#   sent NUMBER COMMAND...      run it; fails if it does, or if the simulator got another number of
#                               commands, of any kind, meanwhile
#   commands_are NUMBER         has the simulator got so many in all?
#   made_are NUMBER             are so many indexes there, movies aside?
#   order NAME                  restore nightly with curl; prints the job's id
#   command_fault JSON          a fault for restores of nightly alone
#   why                         what pinefs says of nightly's last refusal

load lib/watching
part restoring

restoring_set_up() {
	restore_world --seed 1
}

restoring_tear_down() {
	: # the simulator ends as all do
}

restore_world() {
	sim_stop
	restore_begin "$@"
}

restore_begin() {
	sim_start --jobs 0 --backups 0 --indexes 0 --collections 0 --restore-time 100000 "$@"
	add_index movies '{"state":"Ready","dimension":3,"metric":"euclidean"}'
	add_backup nightly '{"source_index_name":"movies","status":"Ready","record_count":12}'
}

restore_mount() {
	mount_start --allow-restore --timeout "$(longer 30)" "$@"
	RESTORES=$MNT/backups/nightly/restores
}

sent() {
	local number=$1 before after
	shift
	before=$(requests commands)
	"$@" || return
	after=$(requests commands)
	[ $((after - before)) -eq "$number" ] && return
	echo "$((after - before)) commands instead of $number" >&2
	return 1
}

commands_are() {
	[ "$(requests commands)" -eq "$1" ]
}

made_are() {
	[ "$(sim_get /indexes | jq '[.indexes[] | select(.name != "movies")] | length')" -eq "$1" ]
}

order() {
	sim_get /backups/nightly/create-index -d "{\"name\":\"$1\"}" | jq -er .restore_job_id
}

command_fault() {
	fault "$(jq -cn --argjson rule "$1" '{match: "/backups/nightly/create-index"} + $rule')"
}

why() {
	attribute "$RESTORES" error
}
