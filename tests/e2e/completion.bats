# Completion in bash, zsh and fish: what is offered where.
# shellcheck disable=SC2016
load lib/suite

COMPLETIONS=$BATS_TEST_DIRNAME/../../src/completions

set_up() {
	cd "$BATS_TEST_TMPDIR" || return
}

# What Tab would offer behind this line in SHELL, one a line. Where a long option stands before "=",
# zsh and fish offer it again.
offers() { # LINE
	"in_$SHELL" "$1" | sed 's/^--[a-z-]*=//' | LC_ALL=C sort -u
}

has_shell() { # SHELL
	SHELL=$1
	case $SHELL in
	bash) [ -e /usr/share/bash-completion/bash_completion ] || skip 'bash-completion is not installed' ;;
	*) command -v "$SHELL" || skip "$SHELL is not installed" ;;
	esac
}

# The words are those that bash would hand over.
in_bash() { # LINE
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
	' bash "$COMPLETIONS/pinefs.bash" "$1"
}

in_zsh() { # LINE
	"$BATS_TEST_DIRNAME/programs/zsh_offers" "$COMPLETIONS" "$1"
}

in_fish() { # LINE
	HOME=$BATS_TEST_TMPDIR/.fish fish --no-config -c '
		source $argv[1]/pinefs.fish
		complete -C $argv[2]
	' "$COMPLETIONS" "$1" | cut -f 1 | sed 's|/$||'
}

# Each option of --help, and nothing else.
offers_options() {
	[ "$(offers 'pinefs --' | wc -l)" -gt 10 ]
	diff <(offers 'pinefs --') \
		<("$PINEFS" --help | grep -oE '^  .{4}--[a-z-]+' | grep -oE -- '--.*' | LC_ALL=C sort)
	diff <(offers 'pinefs -' | grep -E '^-.$') \
		<("$PINEFS" --help | sed -nE 's/^  (-.).*/\1/p' | LC_ALL=C sort)
}

# Behind a beginning, and something else before it. (Fish 4 takes --tt for --timeout, too.)
goes_on() {
	[ "$(offers 'pinefs --demo --ttl' | tr '\n' ' ')" = '--ttl --ttl-final --ttl-missing --ttl-ready ' ]
}

# Files where an option takes one, directories to mount on.
offers_places() {
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

# Kinds, one after the other.
offers_kinds() {
	[ "$(offers 'pinefs --kinds ' | tr '\n' ' ')" = "$("$PINEFS" --kinds '' "$BATS_TEST_TMPDIR" 2>&1 |
		sed 's/.*there are //; s/ (see.*//' | tr -d , | tr ' ' '\n' | LC_ALL=C sort | tr '\n' ' ')" ]
	[ "$(offers 'pinefs --kinds=backups,i')" = backups,indexes ]
}

# The words of -o, each of which pinefs takes.
offers_words() {
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

@test "bash" {
	has_shell bash
	offers_options
	goes_on
	offers_places
	offers_kinds
	offers_words
}

@test "zsh" {
	has_shell zsh
	offers_options
	goes_on
	offers_places
	offers_kinds
	offers_words
}

@test "fish" {
	has_shell fish
	offers_options
	goes_on
	offers_places
	offers_kinds
	offers_words
}
