# What every file of tests here has in common; loaded by sim.bash and so by all helpers, or with
# `load lib/suite`.
#
#   part NAME   called by a helper: before each test of a file that loads it NAME_set_up is called,
#               after it NAME_tear_down. They are set up as they were loaded, and torn down the other
#               way round
#
# A file of tests that has more to do defines set_up, which is called after that of the parts, and
# tear_down, which is called before theirs. A test fails if any of them does.

bats_require_minimum_version 1.5.0

PARTS=("${PARTS[@]}") # what loads this may be loaded twice

part() {
	[[ " ${PARTS[*]} " == *" $1 "* ]] || PARTS+=("$1")
}

is_function() {
	declare -F "$1" >/dev/null
}

setup() {
	local part
	for part in "${PARTS[@]}"; do
		"${part}_set_up"
	done
	if is_function set_up; then
		set_up
	fi
}

teardown() {
	local i bad=0
	if is_function tear_down; then
		tear_down || bad=$?
	fi
	for ((i = ${#PARTS[@]} - 1; i >= 0; i--)); do
		"${PARTS[i]}_tear_down" || bad=$?
	done
	return "$bad"
}
