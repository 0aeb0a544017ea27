# shellcheck shell=bash
# For the checks beside it: results in TAP on stdout. Sourced.

tap_count=0

ok() # WHAT
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

# The reasons come on stdin.
not_ok() # WHAT
{
	tap_count=$((tap_count + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$1"
	sed 's/^/# /'
}

# ok if there are no complaints, that is if REASONS is empty.
verdict() # WHAT REASONS
{
	if [ -z "$2" ]; then
		ok "$1"
	else
		not_ok "$1" <<<"$2"
	fi
}

finish()
{
	printf '1..%d\n' "$tap_count"
}

need() # COMMAND
{
	command -v "$1" >/dev/null && return
	printf '1..0 # SKIP %s is not installed\n' "$1"
	exit 0
}

# The project's files of that name below the current directory, NUL-terminated, without what was
# built.
project_files() # PATTERN
{
	find . \( -name 'build*' -o -name node_modules -o -name .git \) -type d -prune -o \
		-type f -name "$1" -print0
}
