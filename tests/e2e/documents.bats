# What documents tell one to type is typed: each line that begins with a prompt, in README.md, in the
# manuals, and in the mount's /README. What no session runs is in UNTYPED, and the last tests compare.
# shellcheck disable=SC2016
load lib/document
load lib/watching

JOB=9857add2-99d4-4399-870e-aa7f15d8d326 # as in README.md
DOCUMENTS=(README.md man/pinefs.1 man/pinefs-promises.7 man/pinecone-sim.1
	man/mount.pinefs.8)

# Section and command, as a pattern, and why.
UNTYPED=(
	'pinefs: the Pinecone control plane as files/tests/demo *|demo.bats runs it'
	'pinefs: the Pinecone control plane as files/tests/run *|it runs this'
	'Install/*|tests/run packages runs these lines in roots of Debian'
	'Packages/*|tests/run packages does it there'
	'From source/*|install.bats runs what is in this section'
	'DESCRIPTION/mount -t pinefs *|tests/run packages runs this line there'
	'Units and mount helpers/*|tests/run packages runs these lines there'
	'Configure/*|install.bats runs what is in this section'
	'Figures/tests/bench/figures *|it takes twelve minutes; meson runs it as a benchmark'
	'METRICS/ln -s *|monitoring.bats does it, in a folder of its own'
	'Metrics and alerts/ln -s *|monitoring.bats does it, in a folder of its own'
	'Tests/tests/run systems *|it makes three roots of Debian, and runs this in them'
	'Tests/tests/run packages|it makes three more, and runs this in them'
	'Tests/tests/run memcheck *|it runs this under valgrind'
	'Tests/tests/run slow|it runs this with a fifth of a processor, for an hour'
	'Tests/*tests/run fuzz|it takes ten minutes a target'
	'Tests/tests/soak *|it takes ten minutes'
)

# Blocks of the manuals without a prompt: section and first line.
UNTYPABLE=(
	'WAITING AND WATCHING	*|manual.bats runs these lines'
	'wait	until said=*|wait.bats runs it'
	'MANY MACHINES	proxy_cache_path *|fleet.bats has nginx read it'
	'DESCRIPTION	prod /mnt/pinecone/prod *|tests/run packages mounts by it'
	'Without a package	pinecone /mnt/pinecone *|systemd.bats mounts by it'
	'Without a package	[[]Unit]|systemd.bats starts it'
	'The API	{"error":*|it is an answer'
	'Choose, restore, switch over	#!/bin/sh -e|it is run as a script'
	'From the tests of a client	const pc *|tests/peer has the like'
)

matching() { # TEXT RULE...
	local text=$1 rule
	shift
	for rule; do
		# shellcheck disable=SC2053
		[[ $text != ${rule%|*} ]] || echo "$rule"
	done
}

reason() {
	[ -n "$(matching "$1/$2" "${UNTYPED[@]}")" ]
}

# A project: jobs that are over and one that isn't, and the index "movies" with a backup.
world() {
	sim_start --jobs 12 --backups 6 --indexes 4
	add_job "$JOB" '{"backup_id":"nightly","target_index_name":"movies","status":"Completed"}'
	add_index movies '{"state":"Ready","dimension":3}'
	add_backup nightly '{"source_index_name":"movies","status":"Ready","created_at":"2026-11-27T01:00:00Z"}'
	export id=$JOB
}

# Where a session expects the mount, with times that a test can wait for.
mounted() {
	pinefs --api-url "$SIM_URL" --ttl 0.3 --ttl-ready 0.3
	[ "$CODE" -eq 0 ]
}

is_about() { # TEXT WHAT
	[ "$(said "$1")" = "$2" ]
}

@test "commands are found where a document shows them, whole, and a session sees what they do" {
	local markdown=$BATS_TEST_TMPDIR/some.md manual=$BATS_TEST_TMPDIR/some.1
	cat >"$markdown" <<-'END'
		# Some text

		$ not shown as it is typed

		## One

		    $ said=$(printf 'a\nb\n' |
		          tail -n 1)
		    $ echo "$said"     # says
		    b
		    # cd /

		    b isn't typed

		## Two

		    $ echo c
		    d
	END
	diff <(commands "$markdown") - <<-'END'
		One	said=$(printf 'a\nb\n' |\n      tail -n 1)
		One	echo "$said"     # says
		One	cd /
		Two	echo c
	END
	[ "$(displays "$markdown")" = $'One\tb isn\'t typed' ]
	cat >"$manual" <<-'END'
		.Sh ONE
		.Dl $ until \&[ -e / ]; do :; done
		$ not shown as it is typed
		.Ss The other
		.Bd -literal -offset indent
		$ printf 'a\en' \e
		      \(dqb\(dq

		$ false
		.Ed
	END
	diff <(commands "$manual") - <<-'END'
		ONE	until [ -e / ]; do :; done
		The other	printf 'a\n' \\n      "b"
		The other	false
	END
	session "$markdown" One
	is_about 'echo "$said"' b
	says '< d' session "$markdown" Two
	says $'failed with 1:\nfalse' session "$manual" ONE 'The other'
	run -1 session "$manual" TWO # there is none
	# None of this is a document that must be run.
	rm "$BATS_FILE_TMPDIR/sections"
}

@test "README.md: what it begins with" {
	world
	session README.md 'pinefs: the Pinecone control plane as files'
	is_about 'cat '"$JOBS"'/$id/success' $'Completed\nnext'
	[ "$(said 'grep -l Pending' | wc -l)" -eq 3 ]
	is_about jq '"movies"'
	said 'ls -lt' | grep -q "$JOB"
}

@test "README.md: what works" {
	world
	mounted
	session README.md 'What works'
	said getfattr | grep -q 'user.pinefs.age='
}

@test "pinefs(1): what it begins with" {
	session man/pinefs.1 DESCRIPTION
	[ "$(said 'mkdir' | wc -l)" -eq 12 ]
	wait_until 20 none_runs
}

@test "pinefs(1): the tree" {
	world
	mounted
	IN=$MNT session man/pinefs.1 'THE TREE'
	is_about grep "restore-jobs/$JOB/target_index_name"
	is_about until Completed
}

@test "pinefs(1): examples" {
	world
	rm "$HOME/.pinecone-key"
	session man/pinefs.1 EXAMPLES
	[ "$(said 'grep -l ' | wc -l)" -eq 3 ]
	[ "$(said 'grep -lE' | wc -l)" -eq 2 ]
	said column | grep -qE '^nightly  +movies  +'
	[ "$(said 'sort -t "$tab" -k 6' | wc -l)" -eq 14 ]
	said join | grep -qxF $'movies\t2026-11-27T01:00:00Z'
	diff <(said join | grep -v ^target | sort) <(said sqlite3 | sort)
	[ -n "$(said watch)" ]
	said getfattr | grep -q 'user.pinefs.age='
	[ "$(stat -c %a "$HOME/.pinecone-key")" = 600 ]
}

@test "pinecone-sim(1): examples" {
	session man/pinecone-sim.1 EXAMPLES
	[ "$(said '?limit=2' | jq '.data | length')" -eq 2 ]
	[ "$(said 'restore-jobs/job-1"' | jq -r .restore_job_id)" = job-1 ]
	[ "$(said '{"name":"restored"}' | jq -r 'keys | join(" ")')" = 'index_id restore_job_id' ]
	[ "$(said 'curl -s "$url/_sim/requests"' | jq .total)" -eq 0 ]
}

# The index "movies", with the backup that is to be chosen among others: older, not Ready, another's,
# and one of which nobody knows when it was made.
restorable() { # [RESTORE-TIME]
	sim_start --jobs 3 --backups 0 --indexes 0 --collections 0 --restore-time "$(longer "${1:-2}")" \
		--ready-time "$(longer 1)"
	add_index movies '{"state":"Ready","dimension":3}'
	add_backup older '{"source_index_name":"movies","status":"Ready","created_at":"2026-11-26T01:00:00Z"}'
	add_backup newest '{"source_index_name":"movies","status":"Ready","created_at":"2026-11-27T01:00:00Z"}'
	add_backup failed '{"source_index_name":"movies","status":"InitializationFailed","created_at":"2026-11-28T01:00:00Z"}'
	add_backup others '{"source_index_name":"movies-1","status":"Ready","created_at":"2026-11-28T02:00:00Z"}'
	add_backup undated '{"source_index_name":"movies","status":"Ready","created_at":null}'
	mounted
}

manual_and_readme_agree() {
	local section
	for section in 'A restore in seven lines' 'Cleaning up'; do
		diff <(commands README.md | grep "^$section	" | cut -f 2-) \
			<(commands man/pinefs.1 | grep -i "^$section	" | cut -f 2-)
	done
}

@test "a restore in seven lines, from README.md and from pinefs(1), and cleaning up" {
	local document heading
	manual_and_readme_agree
	[ "$(commands README.md | grep -c '^A restore in seven lines	')" -eq 7 ]
	for document in README.md man/pinefs.1; do
		heading='A restore in seven lines'
		[ "$document" = README.md ] || heading=${heading^^}
		restorable
		session "$document" "$heading" 'Cleaning up'
		is_about 'cat "restore-jobs/$job/success"' Completed
		is_about 'cat "restore-jobs/$job/index/success"' Ready
		is_about 'cat ~/current/host' "$SIM_URL/_data/movies-2"
		# It was the right backup, restored once.
		[ "$(sim_code /backups/newest)" = 404 ]
		[ "$(sim_code /backups/older)" = 200 ]
		[ "$(sim_code /indexes/movies-2)" = 404 ]
		[ "$(sim_code /indexes/movies)" = 200 ]
		[ "$(requests create_index) $(requests delete_index) $(requests delete_backup)" = '1 1 1' ]
		[ "$(readlink "$HOME/current")" = "$MNT/indexes/movies" ]
		[ "$(cat "$HOME/current/host")" = "$SIM_URL/_data/movies" ]
		fusermount3 -u "$MNT"
		sim_stop
	done
}

@test "a restore in seven lines: nothing is switched where there is no backup, or the name is taken" {
	local name
	restorable
	ln -s "$MNT/indexes/movies" "$HOME/current"
	add_index movies-2 '{"state":"Ready"}'
	GO_ON=1 session README.md 'A restore in seven lines'
	said 'index/success' | grep -q 'No such file'
	[ "$(readlink "$HOME/current")" = "$MNT/indexes/movies" ]
	sim_delete /_sim/indexes/movies-2
	for name in older newest undated; do
		sim_delete "/_sim/backups/$name"
	done
	table_lacks_them() { run -1 grep -E '^(older|newest|undated)' "$MNT/tables/backups.tsv"; }
	wait_until 10 table_lacks_them
	GO_ON=1 session README.md 'A restore in seven lines'
	said 'index/success' | grep -q 'No such file'
	[ "$(readlink "$HOME/current")" = "$MNT/indexes/movies" ]
	[ "$(requests create_index)" -eq 1 ] # the second one named no backup
}

# The restore to movies-2 ends badly, once there is one.
restore_fails() {
	local job
	job=$(sim_get /restore-jobs | jq -er '.data[] | select(.target_index_name == "movies-2").restore_job_id') &&
		end_job "$job" Failed
}

@test "a restore in seven lines: nothing is switched after a restore that failed" {
	restorable 100
	ln -s "$MNT/indexes/movies" "$HOME/current"
	background judge wait_until 20 restore_fails
	GO_ON=1 session README.md 'A restore in seven lines'
	said 'cat "restore-jobs/$job/success"' | grep -q '^cat: .*: Remote I/O error'
	said 'index/success' | grep -q '^cat: .*: Remote I/O error'
	[ "$(readlink "$HOME/current")" = "$MNT/indexes/movies" ]
}

# With a mount that may restore.
restorable_here() { # [RESTORE-TIME]
	restorable "$@"
	fusermount3 -u "$MNT"
	pinefs --api-url "$SIM_URL" --ttl 0.3 --ttl-ready 0.3 --allow-restore
	[ "$CODE" -eq 0 ]
	export backup=newest
}

@test "pinefs(1): starting a restore" {
	restorable_here
	fusermount3 -u "$MNT"
	session man/pinefs.1 'STARTING A RESTORE'
	is_about 'cat restore-jobs/$job/success' $'Completed\nReady'
	sim_post /_sim/limits '{"indexes":2}'
	IN=$MNT session man/pinefs.1 'Why not'
	said getfattr | grep -q '^user.pinefs.error="EDQUOT: 403: '
	[ "$(sim_code /indexes/movies-2) $(sim_code /indexes/movies-3)" = '200 404' ]
	[ "$(requests create_index)" -eq 2 ]
}

@test "README.md: a restore by mkdir" {
	restorable_here
	IN=$MNT session README.md 'A restore by mkdir'
	[ "$(requests create_index)" -eq 1 ]
}

# The script as it stands in the manual.
recipe() { # FLAG-OF-RUN
	recipe_for movies-2 "$1"
}

recipe_for() { # NAME FLAG-OF-RUN
	local section='Choose, restore, switch over'
	document_lines "$(document_path man/pinefs.1)" | awk -F '\037' -v section="$section" \
		'$1 == section && $2 != "\036" { print $2 }' >"$HOME/recipe"
	[ "$(wc -l <"$HOME/recipe")" -eq 10 ]
	run "$2" sh -e "$HOME/recipe" movies "$1"
}

@test "choose, restore, switch over: a good restore" {
	restorable_here
	ln -s "$MNT/indexes/movies" "$HOME/current"
	recipe -0
	[ "$output" = $'Completed\nReady\n'"$SIM_URL/_data/movies-2" ]
	[ "$(readlink "$HOME/current")" = "$MNT/indexes/movies-2" ]
	[ "$(sim_get "/restore-jobs" | jq -r '.data[] | select(.target_index_name == "movies-2").backup_id')" = newest ]
	# Another time the name is taken.
	recipe -1
	[[ $output = *'File exists'* ]]
	[ "$(requests create_index)" -eq 1 ]
}

@test "choose, restore, switch over: nothing is switched if it fails, the name is taken, or a quota used up" {
	restorable_here 100
	ln -s "$MNT/indexes/movies" "$HOME/current"
	background judge wait_until 20 restore_fails
	recipe -1
	[[ $output = *'Remote I/O error'* ]]
	# A name that is an index's already, which isn't of this backup.
	add_index movies-3 '{"state":"Ready"}'
	recipe_for movies-3 -1
	[[ $output = *'File exists'*'EEXIST: 409'* ]]
	sim_post /_sim/limits '{"indexes":3}'
	recipe_for movies-4 -1
	[[ $output = *'quota exceeded'*'EDQUOT: 403'* ]]
	[ "$(readlink "$HOME/current")" = "$MNT/indexes/movies" ]
	[ "$(requests create_index)" -eq 3 ]
}

# In every name something that a shell, jq or a line takes for something else.
HOSTILE=$'-a"b\\c $(touch pwned) \'*\' \t\nmovies'

choose() {
	IN=$MNT session man/pinefs.1 Choosing
}

hours_ago() {
	date -u -d "$1 hours ago" +%FT%T.%NZ
}

@test "choosing: the newest backup of an index, pending jobs, indexes without a backup of today" {
	local name
	sim_start --jobs 0 --backups 0 --indexes 0 --collections 0
	for name in bare covered cover failing stale; do
		add_index "$name" '{"state":"Ready"}'
	done
	add_index young '{"state":"Initializing"}'
	backup() { # ID INDEX STATUS CREATED
		add_backup "$1" "$(jq -cn --arg index "$2" --arg status "$3" --arg created "$4" \
			'{source_index_name: $index, status: $status, created_at: $created}')"
	}
	backup now covered Ready "$(hours_ago 0)"
	backup now-2 covered Ready "$(hours_ago 12)"
	backup late stale Ready "$(hours_ago 36)"
	backup bad failing InitializationFailed "$(hours_ago 0)"
	backup two-lines $'x\nbare' Ready "$(hours_ago 0)"
	backup hostile-1 "$HOSTILE" Ready "$(hours_ago 72)"
	backup hostile-2 "$HOSTILE" Ready "$(hours_ago 48)"
	add_backup undated '{"source_index_name":"bare","status":"Ready","created_at":null}'
	add_job young '{"status":"Pending","created_at":null}'
	add_job newer '{"status":"Pending","created_at":"2026-01-03T00:00:00Z"}'
	add_job over '{"status":"Completed","created_at":"2026-01-01T00:00:00Z"}'
	add_job older "$(jq -cn --arg name "$HOSTILE" \
		'{status: "Pending", created_at: "2026-01-02T00:00:00.5Z", target_index_name: $name}')"
	mounted
	index=covered choose
	is_about 'jq -ers' now
	is_about 'jq -rs ' $'older\nnewer\nyoung'
	[ "$(said 'jq -r --arg day' | sort | xargs)" = 'bare cover failing stale young' ]
	is_about awk 'young Initializing'
	# The same of an index that is called as badly as can be; and of one that has none.
	index=$HOSTILE choose
	is_about 'jq -ers' hostile-2
	index=cover GO_ON=1 choose 2>"$BATS_TEST_TMPDIR/failed"
	is_about 'jq -ers' ''
	[ "$(grep '^failed' "$BATS_TEST_TMPDIR/failed")" = 'failed with 4:' ]
}

@test "choosing: where there is nothing, and where the backups can't be read" {
	sim_start --jobs 0 --backups 0 --indexes 0 --collections 0
	add_index bare '{"state":"Ready"}'
	mounted
	index=bare GO_ON=1 choose 2>/dev/null
	is_about 'jq -ers' ''
	is_about 'jq -rs ' ''
	is_about 'jq -r --arg day' bare
	# Not an index that nobody can know of.
	fault '{"match":"backups","status":403}'
	denied() { says 'Permission denied' cat "$MNT/tables/backups.jsonl" 2>/dev/null; }
	wait_until 10 denied
	index=bare GO_ON=1 choose 2>/dev/null
	said 'jq -ers' | grep -q 'Permission denied'
	said 'jq -r --arg day' | grep -q 'Permission denied'
	run ! grep -qx bare <(said 'jq -r --arg day')
}

@test "the mount's /README: all of it" {
	world
	mounted
	cp "$MNT/README" "$BATS_TEST_TMPDIR/README"
	[ "$(commands "$BATS_TEST_TMPDIR/README" | wc -l)" -ge 7 ]
	IN=$MNT session "$BATS_TEST_TMPDIR/README" ''
	is_about 'echo restored' $'Completed\nrestored'
	is_about index/success Ready
	said 'tail -f' | grep -q 'restore_job_id'
	said jq | grep -qx nightly
}

# Of what a session of a section has run, or what is listed, nothing else stands in a document.
@test "each line with a prompt was run above, or is listed with where it is run" {
	local document section command
	for document in "${DOCUMENTS[@]}"; do
		while IFS=$'\t' read -r section command; do
			reason "$section" "$command" ||
				sections_run | grep -qxF "$document	$section" ||
				echo "$document: $section: $command"
		done < <(commands "$document")
	done >"$BATS_TEST_TMPDIR/left"
	cat "$BATS_TEST_TMPDIR/left"
	[ ! -s "$BATS_TEST_TMPDIR/left" ]
}

@test "what is listed is there; and a block of a manual without a prompt is a known one" {
	local rule document text
	all_commands() { for document in "${DOCUMENTS[@]}"; do commands "$document"; done | sed 's|\t|/|'; }
	all_commands >"$BATS_TEST_TMPDIR/all"
	for document in "${DOCUMENTS[@]:1}"; do displays "$document"; done >"$BATS_TEST_TMPDIR/displays"
	while IFS= read -r text; do
		matching "$text" "${UNTYPED[@]}"
	done <"$BATS_TEST_TMPDIR/all" | sort -u | diff - <(printf '%s\n' "${UNTYPED[@]}" | sort -u)
	while IFS= read -r text; do
		[ -n "$(matching "$text" "${UNTYPABLE[@]}")" ] || echo "no prompt: $text"
	done <"$BATS_TEST_TMPDIR/displays" | diff - /dev/null
	while IFS= read -r text; do
		matching "$text" "${UNTYPABLE[@]}"
	done <"$BATS_TEST_TMPDIR/displays" | sort -u | diff - <(printf '%s\n' "${UNTYPABLE[@]}" | sort -u)
}
