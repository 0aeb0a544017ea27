# Helpers for tests that run what documents say; loaded with `load lib/document`, which loads
# command.bash, too.
#
# A document is Markdown, mdoc, or the mount's /README. A command in it begins with "$ " or "# ", as
# after a prompt, where text is shown as it is typed: in an indented block, or in mdoc in a literal
# display or behind .Dl. While sh finds it unfinished, the lines below belong to it; what else follows,
# up to an empty line or the block's end, is what it prints. Its section is the heading above it.
#
#   session DOCUMENT SECTION...   run all commands of these sections, in their order, in one sh. Fails
#                       unless each of them succeeds, and prints what the document says that it prints
#   said TEXT           what that command of the last session printed that has TEXT in it
#   commands DOCUMENT   all of them: section, a tab, and the command, with \n for a newline in it
#   reason SECTION COMMAND   why no session runs it; fails if one does. A file of tests can have its own
#   sections_run        those that sessions of this file of tests ran: document, a tab, and section
#   displays DOCUMENT   of each block without a command in it the section, a tab, and the first line
#
# A session's HOME is a directory with a .pinecone-key, in which MNT is ~/pinecone; a document's
# /mnt/pinecone stands for it, too. The real API's address leads to SIM_URL, for curl and for pinefs,
# and programs are those that are tested. IN is where it begins; by default a directory of its own, in
# which there is a program next-step. With GO_ON=1 it goes on after a command that failed, as a person
# may who pastes them all. Variables that are exported are there. What is typed is the key.

load lib/command
part document

DOCUMENT_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

document_set_up() {
	export HOME=$BATS_TEST_TMPDIR/home
	rmdir "$MNT"
	MNT=$HOME/pinecone
	JOBS=$MNT/restore-jobs
	IN=$HOME/work
	PROGRAMS=$BATS_TEST_TMPDIR/programs
	mkdir -p "$MNT" "$IN" "$PROGRAMS"
	(umask 077 && echo "$SIM_KEY" >"$HOME/.pinecone-key")
	program next-step 'echo next'
	mv "$PROGRAMS/next-step" "$IN"
	program pinefs "exec '$PINEFS' \"\$@\""
	program pinecone-sim "exec '$PINEFS_SIM' --die-with-parent \"\$@\""
	program curl "for word; do
		case \$word in https://api.pinecone.io/*) word=\$SIM_URL\${word#https://api.pinecone.io} ;; esac
		set -- \"\$@\" \"\$word\"
		shift
	done
	case \$* in -fsS*) ;; *) set -- --fail-with-body \"\$@\" ;; esac
	exec $(command -v curl) \"\$@\""
}

document_tear_down() {
	:
}

program() { # NAME TEXT
	printf '#!/bin/sh\n%s\n' "$2" >"$PROGRAMS/$1"
	chmod 755 "$PROGRAMS/$1"
}

# Each line of a block: section and text, with \037 between; a text \036 ends a block.
document_lines() { # DOCUMENT
	case $1 in
	*.[1-9])
		awk -v between=$'\037' -v end=$'\037\036' '
			function plain(text) {
				gsub(/\\&/, "", text)
				gsub(/\\\(dq/, "\"", text)
				gsub(/\\e/, "\\", text)
				return text
			}
			/^\.S[hs] / { section = plain(substr($0, 5)) }
			/^\.Ed/ { literal = 0; print section end }
			literal { print section between plain($0) }
			/^\.Bd -literal/ { literal = 1 }
			/^\.Dl / { print section between plain(substr($0, 5)); print section end }' "$1"
		;;
	*)
		awk -v between=$'\037' -v end=$'\037\036' '
			/^#+ / { section = $0; sub(/^#+ /, "", section) }
			sub(/^    /, "") { print section between $0; next }
			{ print section end }' "$1"
		;;
	esac
}

is_unfinished() { # COMMAND
	case $1 in
	*\\) return 0 ;;
	esac
	! sh -nc "$1" 2>/dev/null
}

# Sets the arrays SECTIONS, COMMANDS, PRINTS and DISPLAYS.
read_document() { # DOCUMENT
	local section text is_open='' is_block='' last
	SECTIONS=() COMMANDS=() PRINTS=() DISPLAYS=()
	while IFS=$'\037' read -r section text; do
		last=$((${#COMMANDS[@]} - 1))
		case $text in
		$'\036')
			is_open='' is_block=''
			;;
		'$ '* | '# '*)
			SECTIONS+=("$section")
			COMMANDS+=("${text:2}")
			PRINTS+=('')
			is_open=1 is_block=1
			;;
		*)
			if [ -z "$is_open" ]; then
				[ -n "$is_block" ] || DISPLAYS+=("$section	$text")
			elif is_unfinished "${COMMANDS[last]}"; then
				COMMANDS[last]+=$'\n'$text
			elif [ -z "$text" ]; then
				is_open=''
			else
				PRINTS[last]+=$text$'\n'
			fi
			is_block=1
			;;
		esac
	done < <(document_lines "$(document_path "$1")")
}

document_path() { # DOCUMENT
	case $1 in
	/*) echo "$1" ;;
	*) echo "$DOCUMENT_ROOT/$1" ;;
	esac
}

commands() {
	local n
	read_document "$1"
	for n in "${!COMMANDS[@]}"; do
		printf '%s\t%s\n' "${SECTIONS[n]}" "${COMMANDS[n]//$'\n'/\\n}"
	done
}

displays() {
	local text
	read_document "$1"
	for text in "${DISPLAYS[@]}"; do
		printf '%s\n' "$text"
	done
}

reason() {
	return 1
}

sections_run() {
	[ ! -e "$BATS_FILE_TMPDIR/sections" ] || sort -u "$BATS_FILE_TMPDIR/sections"
}

# Braces, so that a variable or a directory that it sets is there for the next.
session() { # DOCUMENT SECTION...
	local document=$1 section n count=0
	shift
	SESSION=$BATS_TEST_TMPDIR/session
	rm -rf "$SESSION"
	mkdir "$SESSION"
	read_document "$document"
	for section; do
		printf '%s\t%s\n' "$document" "$section" >>"$BATS_FILE_TMPDIR/sections"
		for n in "${!COMMANDS[@]}"; do
			[ "${SECTIONS[n]}" = "$section" ] || continue
			! reason "$section" "${COMMANDS[n]}" >/dev/null || continue
			count=$((count + 1))
			printf '%s\n' "${COMMANDS[n]//\/mnt\/pinecone/$MNT}" >"$SESSION/$count.command"
			printf '%s' "${PRINTS[n]}" >"$SESSION/$count.prints"
			printf '{\n%s\n} >%q 2>&1 || failed %d\n' "$(one_command "$SESSION/$count.command")" \
				"$SESSION/$count.said" "$count"
		done
	done >"$SESSION/script"
	[ "$count" -gt 0 ] || return
	session_run || return
	for n in $(seq "$count"); do
		[ ! -s "$SESSION/$n.prints" ] || diff "$SESSION/$n.prints" "$SESSION/$n.said" || return
	done
}

# What doesn't end by itself is ended once it has said something.
one_command() { # FILE
	case $(cat "$1") in
	watch\ * | tail\ -[fF]*) printf 'endless %q' "$1" ;;
	*) cat "$1" ;;
	esac
}

# Newer versions of watch end at the end of what is typed.
session_run() {
	mkfifo "$SESSION/keys"
	cat >"$SESSION/prologue" <<-END
		failed() {
			{ echo "failed with \$?:"; cat '$SESSION'/\$1.command '$SESSION'/\$1.said; } >&2
			${GO_ON:+return 0}
			exit 1
		}
		endless() {
			timeout 60 sh "\$1" <>'$SESSION/keys' >'$SESSION/endless' 2>&1 &
			until [ -s '$SESSION/endless' ] || ! kill -0 \$!; do sleep 0.1; done
			kill \$! && cat '$SESSION/endless'
		}
	END
	(
		cd "$IN" || exit
		export PATH=$PROGRAMS:$PATH SIM_URL PINECONE_API_KEY=$SIM_KEY PINECONE_CONTROLLER_HOST=$SIM_URL
		export TERM=xterm
		sh -c '. "$0/prologue"; . "$0/script"' "$SESSION" <<<"$SIM_KEY" 3>&-
	)
}

said() { # TEXT
	local file
	file=$(grep -lF -- "$1" "$SESSION"/*.command) && cat "${file%.command}.said"
}
