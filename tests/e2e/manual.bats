# The lines under WAITING AND WATCHING, in the manual and in the README, do what they say.
# shellcheck disable=SC2016
load lib/watching

set_up() {
	ROOT=$BATS_TEST_DIRNAME/../..
	pending job-1
	mount_start --ttl 0.3
	cd "$JOBS" || return
	export id=job-1 TERM=xterm
}

tear_down() {
	cd /
}

manual_lines() {
	awk '/^\.Sh WAITING/ { on = 1 } /^\.Ss / { on = 0 }
		/^\.Ed/ { literal = 0 } on && literal { print } /^\.Bd/ { literal = 1 }' \
		"$ROOT/man/pinefs.1"
}

readme_lines() {
	awk '/^## Waiting/ { on = 1; next } /^## / { on = 0 }
		on && sub(/^    /, "") { print }' "$ROOT/README.md"
}

# The manual's line that begins so. It counts as run.
line() {
	manual_lines | grep -F -- "$1" | tee -a "$BATS_FILE_TMPDIR/run"
}

background_line() {
	background line bash -c "$(line "$1")"
}

is_told() {
	grep -q "$1" "$(out line)"
}

some_watch() {
	grep -q "	$1\$" "$MNT/.pinefs/watchers"
}

@test "manual and README have the same lines" {
	[ "$(manual_lines | wc -l)" -ge 14 ]
	diff <(manual_lines | grep -vE '^$|Install|WantedBy') <(readme_lines | grep -v '^$')
}

@test "wait, then act" {
	background_line '[ "$(cat'
	wait_until 10 waiting_is 1
	end_job job-1
	wait_until 10 ended "${BACKGROUND[0]}"
	[ "$(cat "$(out line)")" = 'restored, go on' ]
}

@test "wait, then act: not after a failure" {
	background_line '[ "$(cat'
	wait_until 10 waiting_is 1
	end_job job-1 Failed
	wait_until 10 ended "${BACKGROUND[0]}"
	[ ! -s "$(out line)" ]
}

@test "wait for success, then act" {
	background_line 'cat $id/success'
	wait_until 10 waiting_is 1
	end_job job-1
	wait_until 10 ended "${BACKGROUND[0]}"
	cmp "$(out line)" <(printf '%s\n' Completed 'restored, go on')
}

@test "wait for success, then act: not after a failure" {
	background_line 'cat $id/success'
	wait_until 10 waiting_is 1
	end_job job-1 Failed
	wait_until 10 ended "${BACKGROUND[0]}"
	[ "$(cat "$(out line)")" = 'cat: job-1/success: Remote I/O error' ]
}

@test "tail -f of a job" {
	background_line 'tail -f'
	wait_until 10 is_told Pending
	end_job job-1
	wait_until 20 is_told $'status\tPending\tCompleted'
}

@test "tail -F of all jobs" {
	background_line 'tail -F'
	walked() { [ "$(requests list)" -ge 3 ]; }
	wait_until 20 walked
	end_job job-1
	wait_until 20 is_told $'job-1\tstatus\tPending\tCompleted'
}

@test "inotifywait in a loop" {
	background_line 'while inotifywait'
	wait_until 20 some_watch /restore-jobs/job-1/status
	end_job job-1 Cancelled
	wait_until 20 is_told Cancelled
}

@test "inotifywait for new jobs" {
	background_line 'inotifywait -qm'
	wait_until 20 some_watch /restore-jobs
	# What the first listing brings has not just been created.
	walked() { [ "$(requests list)" -ge 2 ]; }
	wait_until 20 walked
	add_job job-2 '{"status":"Failed"}'
	wait_until 20 is_told Failed
}

@test "entr" {
	command -v entr >/dev/null || skip 'entr is not installed'
	background_line 'ls $id/status'
	wait_until 20 some_watch /restore-jobs/job-1/status
	[ ! -s "$(out line)" ]
	end_job job-1
	wait_until 20 is_told Completed
}

@test "watch" {
	background_line 'watch -g'
	wait_until 20 is_told Pending
	end_job job-1
	wait_until 20 ended "${BACKGROUND[0]}"
}

@test "until" {
	background_line 'until'
	end_job job-1
	wait_until 20 ended "${BACKGROUND[0]}"
	[ "$(cat "$(out line)")" = Completed ]
}

@test "a path unit of systemd, by the events that systemd watches for" {
	local uuid=9857add2-99d4-4399-870e-aa7f15d8d326 units=$BATS_TEST_TMPDIR/units path
	mkdir "$units"
	manual_lines | sed -n '/^\[Path\]/,/^WantedBy/p' | sed "s|/mnt/pinecone|$MNT|" \
		>"$units/restored.path"
	manual_lines | sed -n '/^\[Service\]/,$p' | sed "s|/mnt/pinecone|$MNT|" \
		>"$units/restored.service"
	# Where no systemd runs, it wants to make the directory.
	if command -v systemd-analyze >/dev/null && { [ -d /run/systemd ] || [ -w /run ]; }; then
		says_nothing() { [ -z "$(systemd-analyze verify "$units"/restored.* 2>&1)" ]; }
		says_nothing
	fi
	pending "$uuid"
	path=$(sed -n 's/^PathExists=//p' "$units/restored.path")
	[ "$path" = "$JOBS/$uuid/done" ]
	# The file isn't there, so systemd watches the directory in which it will be.
	[ ! -e "$path" ]
	inotify unit -e attrib,create,moved_to,move_self,delete_self "${path%/*}"
	end_job "$uuid"
	wait_until 20 saw unit "CREATE $path"
	[ "$(bash -c "$(sed -n 's/^ExecStart=//p' "$units/restored.service")")" = Completed ]
}

@test "each line for a shell was run above" {
	diff <(manual_lines | sed '/^\[Path\]/,$d' | sort) <(sort -u "$BATS_FILE_TMPDIR/run")
}
