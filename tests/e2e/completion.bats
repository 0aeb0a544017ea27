# Completion in bash: what is offered where. The words are those that bash would hand over.
# shellcheck disable=SC2016
load lib/suite

COMPLETIONS=${PINEFS_COMPLETIONS:-$BATS_TEST_DIRNAME/../../src/completions/pinefs.bash}

set_up() {
	[ -e /usr/share/bash-completion/bash_completion ] || skip 'bash-completion is not installed'
	cd "$BATS_TEST_TMPDIR" || return
}

# What Tab would offer behind this line, one a line.
offers() { # LINE
	bash --norc -c '
		. /usr/share/bash-completion/bash_completion
		. "$1"
		compopt() { :; } # there is no completion going on
		COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9
		read -ra COMP_WORDS <<<"${2//=/ = }" # as "=" divides words
		[[ $2 != *[\ =] ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_pinefs pinefs
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$COMPLETIONS" "$1" | LC_ALL=C sort
}

@test "each option of --help is offered, and nothing else" {
	[ "$(offers 'pinefs --' | wc -l)" -gt 10 ]
	diff <(offers 'pinefs --') \
		<("$PINEFS" --help | grep -oE '^  .{4}--[a-z-]+' | grep -oE -- '--.*' | LC_ALL=C sort)
	diff <(offers 'pinefs -' | grep -E '^-.$') \
		<("$PINEFS" --help | sed -nE 's/^  (-.).*/\1/p' | LC_ALL=C sort)
}

@test "a beginning, and what was written before" {
	[ "$(offers 'pinefs --demo --tt' | tr '\n' ' ')" = '--ttl --ttl-final --ttl-missing --ttl-ready ' ]
}

@test "files where an option takes one, directories to mount on" {
	mkdir mount
	: >key
	[ "$(offers 'pinefs --api-key-file ' | tr '\n' ' ')" = 'key mount ' ]
	[ "$(offers 'pinefs --cacert=k')" = key ]
	[ "$(offers 'pinefs ')" = mount ]
	[ "$(offers 'pinefs --demo ')" = mount ]
	[ "$(offers 'pinefs --ttl 5 ')" = mount ]
	[ -z "$(offers 'pinefs --ttl ')" ]
	[ -z "$(offers 'pinefs --ttl=')" ]
}

@test "kinds, one after the other" {
	[ "$(offers 'pinefs --kinds ' | tr '\n' ' ')" = "$("$PINEFS" --kinds '' "$BATS_TEST_TMPDIR" 2>&1 |
		sed 's/.*there are //; s/ (see.*//' | tr -d , | tr ' ' '\n' | LC_ALL=C sort | tr '\n' ' ')" ]
	[ "$(offers 'pinefs --kinds=backups,i')" = backups,indexes ]
}

@test "the words of -o, each of which pinefs takes" {
	local word value
	[ "$(offers 'pinefs -o ro,ttl=5,ttl_' | tr '\n' ' ')" = \
		'ro,ttl=5,ttl_final= ro,ttl=5,ttl_missing= ro,ttl=5,ttl_ready= ' ]
	[ "$(offers 'pinefs -o ' | wc -l)" -gt 20 ]
	for word in $(offers 'pinefs -o '); do
		[ "$word" != demo ] || continue
		value=
		[ "$word" = "${word%=}" ] || value=1
		[ "$word" != kinds= ] || value=all
		# Refused is what comes behind it.
		run "$PINEFS" -o "$word$value,no-such-word" mount
		[ "$status" -eq 2 ]
		[ "$output" = 'pinefs: -o no-such-word: unknown option (see pinefs --help)' ]
	done
}
