# The README's lines under Install and Configure, as they are typed.
# shellcheck disable=SC2016
load lib/command

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

set_up() {
	export HOME=$BATS_TEST_TMPDIR/home
	MNT=$HOME/pinecone
	mkdir "$HOME"
}

# The lines of a section that a user types, without what is said about them.
typed() { # SECTION
	awk -v section="$1" '/^##+ / { on = $0 == "## " section || $0 == "### " section } on && sub(/^    \$ /, "")' "$ROOT/README.md" |
		sed -E 's/ {3,}# .*//'
}

# What only the tests need isn't there: no cmocka, by whichever way meson looks for it.
hide_cmocka() {
	local bin=$BATS_TEST_TMPDIR/bin
	mkdir "$bin"
	printf '#!/bin/sh\nexit 1\n' >"$bin/cmake"
	cat >"$bin/pkg-config" <<END
#!/bin/sh
case "\$*" in *cmocka*) exit 1 ;; esac
exec $(command -v pkg-config) "\$@"
END
	chmod 755 "$bin"/*
	export PATH=$bin:$PATH
	unset PKG_CONFIG
}

@test "install: with what tests/install brings, and everything goes to its place" {
	local line file
	export DESTDIR=$BATS_TEST_TMPDIR/root
	hide_cmocka
	[ "$(typed 'From source' | head -n 1)" = tests/install ]
	# Not in the source, and all of it is the user's.
	typed 'From source' | tail -n +2 | sed -e "s|\bbuild\b|$BATS_TEST_TMPDIR/build|g" -e 's/^sudo //' \
		>"$BATS_TEST_TMPDIR/lines"
	[ "$(grep -c meson "$BATS_TEST_TMPDIR/lines")" -eq 2 ]
	(cd "$ROOT" && bash -e "$BATS_TEST_TMPDIR/lines")
	for file in bin/pinefs bin/pinecone-sim share/man/man1/pinefs.1 share/man/man1/pinecone-sim.1 \
		share/man/man7/pinefs-promises.7 share/bash-completion/completions/pinefs \
		share/zsh/site-functions/_pinefs share/fish/vendor_completions.d/pinefs.fish \
		share/doc/pinefs/examples/alerts.yml share/doc/pinefs/examples/dashboard.json; do
		echo "$file"
		[ -s "$DESTDIR/usr/local/$file" ]
	done
	[ "$(find "$DESTDIR" -type f | wc -l)" -eq 10 ]
	# The simulator is found beside it.
	mkdir "$MNT"
	"$DESTDIR/usr/local/bin/pinefs" --demo "$MNT" 3>&-
	[ "$(find "$MNT/restore-jobs" -mindepth 1 -maxdepth 1 | wc -l)" -eq 12 ]
}

@test "configure: a key file, mounted, listed and unmounted" {
	sim_start --jobs 3
	export PATH=${PINEFS%/*}:$PATH PINECONE_CONTROLLER_HOST=$SIM_URL
	unset PINECONE_API_KEY
	typed Configure >"$BATS_TEST_TMPDIR/lines"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/lines")" -eq 5 ]
	bash -e "$BATS_TEST_TMPDIR/lines" <<<"$SIM_KEY" >"$BATS_TEST_TMPDIR/listing" 3>&-
	[ "$(wc -l <"$BATS_TEST_TMPDIR/listing")" -eq 3 ]
	run ! is_mounted "$MNT"
	wait_until 20 none_runs
	[ "$(stat -c %a "$HOME/.pinecone-key")" = 600 ]
}

# For tests/install: a PATH of its own with what it calls, where libfuse3 is missing and the user is
# an ordinary one. apt-get and sudo, if it is there, write down how they were called.
lack_fuse() { # PROGRAM...
	local bin=$BATS_TEST_TMPDIR/lacking program
	mkdir "$bin"
	for program in bash env cat uname gcc meson ninja fusermount3; do
		ln -s "$(PATH=$PATH:/usr/sbin:/sbin command -v "$program")" "$bin/$program"
	done
	printf '#!/bin/sh\necho 1000\n' >"$bin/id"
	printf '#!/bin/sh\n[ "$*" != "--exists fuse3" ]\n' >"$bin/pkg-config"
	for program; do
		printf '#!/bin/sh\n%s\necho "${0##*/} $*" >>%q\n' '[ "$1" != -n ] || exit '"${SUDO_ASKS-0}" \
			"$BATS_TEST_TMPDIR/called" >"$bin/$program"
	done
	chmod 755 "$bin"/{id,pkg-config} "${@/#/$bin/}"
}

# Without a terminal that sudo could ask on.
install_lacking() { run -"$1" setsid --wait env PATH="$BATS_TEST_TMPDIR/lacking" "$ROOT/tests/install"; }

@test "install: a user who can't become root is told in one line what to type" {
	lack_fuse apt-get
	install_lacking 1
	[ "$output" = "tests/install: as root, type: apt-get update && apt-get install --no-install-recommends libfuse3-dev" ]
	[ ! -e "$BATS_TEST_TMPDIR/called" ]
}

@test "install: nor is anything begun if sudo would ask for a password, and nobody can type it" {
	SUDO_ASKS=1 lack_fuse apt-get sudo
	install_lacking 1
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"as root, type: "*libfuse3-dev ]]
	[ ! -e "$BATS_TEST_TMPDIR/called" ]
}

@test "install: a user who may call sudo has only what is missing installed" {
	lack_fuse apt-get sudo
	install_lacking 0
	[ "$output" = "tests/install: installing libfuse3-dev" ]
	[ "$(cat "$BATS_TEST_TMPDIR/called")" = "sudo apt-get update -q
sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends libfuse3-dev" ]
}

@test "install: where only the tests' own needs are missing meson says what it leaves out" {
	local build=$BATS_TEST_TMPDIR/build
	hide_cmocka
	cd "$ROOT"
	run -0 meson setup "$build"
	grep -q 'tests left out *: unit (no cmocka)' <<<"$output"
	run -0 meson setup --reconfigure "$build" -Dtests=false
	grep -q 'tests left out *: all$' <<<"$output"
	run -1 meson setup --reconfigure "$build" -Dtests=true
	grep -q 'Dependency "cmocka" not found' <<<"$output"
}
