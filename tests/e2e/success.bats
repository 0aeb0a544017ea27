# `success`: reading it lasts until the job has ended, and fails unless that was a good end. Which
# programs fail then, which hide the error, and that none of them shows a byte of the status.
load lib/watching

# --- the programs ------------------------------------------------------------------------------
# Each line is a shell's, in the directory of `success`, and may write to "$copy".

# After a bad end these give nothing, and exit with a status that isn't 0.
failing() {
	cat <<-'END'
		cat success
		cat <success
		cat success && echo 'restored, go on'
		head success
		head -n 1 success
		head -c -1 success
		tail success
		tail -n 1 success
		tail -c 20 success
		tail -n +1 <success
		tac success
		nl success
		cp success "$copy"
		cp --sparse=always success "$copy"
		cp -a success "$copy"
		install -m 644 success "$copy"
		dd if=success status=none
		dd if=success bs=1 status=none
		dd if=success iflag=direct status=none
		dd if=success skip=1 status=none
		tee "$copy" <success
		tr C c <success
		sort success
		sort -o "$copy" success
		uniq success
		cut -c 1- success
		paste success
		join success status
		fold success
		split success "$copy"
		shuf success
		wc -c <success
		wc -l <success
		od -c success
		base64 success
		md5sum success
		sha256sum success
		cmp success <(echo Completed)
		diff <(echo Completed) success
		busybox cmp success <(echo Completed)
		grep . success
		grep -c . success
		grep -q . success
		grep -v Failed success
		grep -r . success
		grep -z . success
		awk 1 success
		awk 1 <success
		sed '' success
		sed -n 1p success
		sed '' <success
		xargs echo <success
		xargs cat <<<success
		find success -exec cat {} +
		gzip -cn success
		jq -R . success
		jq -Rn inputs success
		jq -n --rawfile text success '$text'
		read -r line <success && echo "$line"
		dash -c 'read -r line <success && echo "$line"'
		said=$(cat success) && echo "$said"
		dash -c 'said=$(cat success) && echo "$said"'
		set -e; said=$(cat success); echo "$said"
		set -o pipefail; cat success | cat
		test "$(cat success)" = Completed
		perl -MFile::Copy -e 'exit !copy(@ARGV)' success "$copy"
		perl -e 'open F, "success"; print <F>; close F or exit 1'
		python3 -c 'print(open("success").read())'
		python3 -c 'print(open("success", "rb", 0).read())'
		python3 -c 'print(*open("success"))'
		python3 -c 'import shutil, sys; shutil.copyfile("success", sys.argv[1])' "$copy"
		python3 -c 'import os; print(os.pread(os.open("success", 0), 99, 3))'
		node -e 'console.log(fs.readFileSync("success", "utf8"))'
		node -e 'fs.promises.readFile("success", "utf8").then(console.log)'
		node -e 'fs.createReadStream("success").pipe(process.stdout)'
		busybox cat success
		busybox cat <success
		busybox cp success "$copy"
		busybox dd if=success status=none
		busybox head success
		busybox tail success
		busybox grep . success
		busybox awk 1 success
		busybox wc -c <success
		busybox md5sum <success
		busybox ash -c 'read -r line <success && echo "$line"'
		openssl dgst -r success
	END
	if_there gawk 1 success
	if_there xxd success
	if_there xz -c success
	if_there zsh -c "'said=\$(<success) && echo \$said'"
}

# So do these; those that wait go by the size from before, and fail after a good end, too.
measuring() {
	cat <<-'END'
		rsync success "$copy"
		rsync -a success "$copy"
		git hash-object success
		set -o pipefail; tar -cf - success | tar -xO | tr -d '\0'
	END
}

# So do these, which never wait, since they don't use read(2).
not_waiting() {
	cat <<-'END'
		node -e 'fs.copyFileSync("success", process.argv[1])' "$copy"
		python3 -c 'import os; r, w = os.pipe(); os.splice(os.open("success", 0), w, 99); os.close(w); print(os.read(r, 99))'
		python3 -c 'import os; print(os.sendfile(1, os.open("success", 0), 0, 99))'
		python3 -c 'import mmap; f = open("success"); print(mmap.mmap(f.fileno(), 0, prot=1)[:])'
	END
}

# These hide an error of read(2): they give nothing, and exit with 0.
hiding() {
	cat <<-'END'
		said=$(<success) && echo "$said"
		echo "$(<success)"
		set -e; said=$(<success); echo "$said"
		mapfile -t lines <success && echo "${lines[@]}"
		while read -r line; do echo "$line"; done <success
		dash -c 'while read -r line; do echo "$line"; done <success'
		cat success | cat
		echo "$(cat success)"
		find success -exec cat {} \;
		xargs -a success
		perl -ne print success
		perl -pe 1 success
		perl -e 'print <>' success
		python3 -c 'import linecache; print(*linecache.getlines("success"))'
		set -o pipefail; less success | sed '/^read error$/d'
		curl -sS "file://$PWD/success"
		curl -sS -o "$copy" "file://$PWD/success"
		strings success
		busybox cat -n success
		busybox sed '' success
		busybox sort success
		busybox cut -c 1- success
		busybox strings success
		busybox xargs echo <success
	END
	if_there mksh -c "'said=\$(<success) && echo \$said'"
}

# Of these it depends on the version.
either() {
	cat <<-'END'
		cksum <success
		awk 'BEGIN { while ((getline line <"success") > 0) print line }'
		curl -sS -T success "file://$copy"
	END
}

if_there() {
	! command -v "$1" >/dev/null || echo "$*"
}

# --- how they are run --------------------------------------------------------------------------

set_up() {
	export TERM=dumb
	LINES_RUN=()
	CODES=()
}

# Run the lines on standard input, all at once, in this directory.
run_lines() { # DIRECTORY
	local line n=0
	mapfile -t LINES_RUN
	for line in "${LINES_RUN[@]}"; do
		rm -rf "$BATS_TEST_TMPDIR/copies.$n"
		mkdir "$BATS_TEST_TMPDIR/copies.$n"
		copy=$BATS_TEST_TMPDIR/copies.$n/copy background "$n" bash -c "
			exec 2>'$BATS_TEST_TMPDIR/said.$n'
			cd '$1'
			$line" </dev/null
		n=$((n + 1))
	done
}

# While one waits in lseek(2), others who seek wait for the kernel's lock.
most_wait() {
	[ "$(counter waiting)" -ge $((${#LINES_RUN[@]} * 4 / 5)) ]
}

# Is there no such line? Says which there are.
none() { # ended|still_runs
	local n found=0
	for n in "${!LINES_RUN[@]}"; do
		! "$1" "${BACKGROUND[n]}" || {
			echo "$1: ${LINES_RUN[n]}"
			found=1
		}
	done
	return "$found"
}

still_runs() {
	! ended "$1"
}

# When they have all ended: sets CODES.
end_lines() {
	local n code
	wait_until 60 ended "${BACKGROUND[@]}" || none still_runs
	for n in "${!LINES_RUN[@]}"; do
		code=0
		wait "${BACKGROUND[n]}" || code=$?
		CODES[n]=$code
	done
	BACKGROUND=()
}

# What came out of it, on standard output and in copies.
given() { # NUMBER
	cat "$(out "$1")"
	find "$BATS_TEST_TMPDIR/copies.$1" -type f -exec cat {} +
}

# Not a byte, but for the blanks and noughts of those who print and count what they don't have.
gave_nothing() { # NUMBER
	[ "$(given "$1" | tr -d '0 \n' | wc -c)" -eq 0 ]
}

failed() { # NUMBER
	[ "${CODES[$1]}" -ne 0 ] && gave_nothing "$1"
}

hid() { # NUMBER
	[ "${CODES[$1]}" -eq 0 ] && gave_nothing "$1"
}

exited_badly() { # NUMBER
	[ "${CODES[$1]}" -ne 0 ]
}

gave_no_status() { # NUMBER
	[ "$(given "$1" | tr -d '\0' | wc -c)" -eq "$(given "$1" | wc -c)" ] &&
		! given "$1" | grep -qE 'Failed|Cancelled'
}

gave_the_same() { # NUMBER
	[ "${CODES[$1]}" -eq 0 ] && given "$1" | cmp - "$BATS_TEST_TMPDIR/expected.$1"
}

# All lines did so.
each() { # PREDICATE
	local n bad=0
	[ "${#LINES_RUN[@]}" -gt 2 ]
	for n in "${!LINES_RUN[@]}"; do
		"$1" "$n" && continue
		bad=1
		echo "${LINES_RUN[n]}: exit status ${CODES[n]}, gave:"
		given "$n" | head -c 200 | od -c | head -n 5
		cat "$BATS_TEST_TMPDIR/said.$n"
	done
	return "$bad"
}

# What the lines on standard input give of a file like any other.
expect() {
	local n
	mkdir -p "$BATS_TEST_TMPDIR/plain"
	echo Completed | tee "$BATS_TEST_TMPDIR/plain/success" >"$BATS_TEST_TMPDIR/plain/status"
	run_lines "$BATS_TEST_TMPDIR/plain"
	end_lines
	for n in "${!LINES_RUN[@]}"; do
		given "$n" >"$BATS_TEST_TMPDIR/expected.$n"
	done
}

# --- the tests ---------------------------------------------------------------------------------

ended_badly() { # STATUS
	add_job one "{\"status\":\"$1\"}"
	mount_start
	run_lines "$JOBS/one" < <(failing && measuring && not_waiting)
	end_lines
	each failed
	run_lines "$JOBS/one" < <(hiding)
	end_lines
	each hid
	run_lines "$JOBS/one" < <(either)
	end_lines
	each gave_no_status
	mount_stop
}

@test "a job that Failed: who fails, who hides it, and not a byte" {
	ended_badly Failed
}

@test "a job that was Cancelled: who fails, who hides it, and not a byte" {
	ended_badly Cancelled
}

@test "a job that was Completed: all give the status, as of any file" {
	everything() { failing && measuring && not_waiting && hiding && either; }
	add_job one '{"status":"Completed"}'
	mount_start
	expect < <(everything)
	run_lines "$JOBS/one" < <(everything)
	end_lines
	each gave_the_same
	mount_stop
}

held_until() { # STATUS LIST...
	local list
	end_job one Pending
	mount_start --ttl 0.5
	run_lines "$JOBS/one" < <(for list in "${@:2}"; do "$list"; done)
	wait_until 60 most_wait
	none ended
	end_job one "$1"
	end_lines
	mount_stop
}

@test "held until a bad end: the same fail, and the same hide it" {
	pending one
	held_until Cancelled failing measuring
	each failed
	held_until Failed hiding
	each hid
}

@test "held until the job was Completed: all are given the status, but who goes by the size" {
	pending one
	expect < <(failing && hiding)
	held_until Completed failing hiding
	each gave_the_same
	held_until Completed measuring
	each exited_badly
}

@test "who doesn't use read(2) isn't held, and gets nothing of a job that is Pending" {
	pending one
	mount_start --ttl 60
	run_lines "$JOBS/one" < <(not_waiting)
	end_lines
	each failed
	mount_stop
}

# Which then have noughts, as for any file that can't be read: tar and cpio say so, but of the two
# only tar exits with another status than 0.
@test "no archive has the status of a bad end" {
	add_job one '{"status":"Failed"}'
	mount_start
	cd "$JOBS/one"
	says 'Remote I/O error' tar -cf "$BATS_TEST_TMPDIR/tar" success
	says 'Remote I/O error' busybox tar -cf "$BATS_TEST_TMPDIR/busybox.tar" success
	says 'Remote I/O error' rsync --inplace success "$BATS_TEST_TMPDIR/rsync"
	cpio -o <<<success 2>"$BATS_TEST_TMPDIR/cpio.said" >"$BATS_TEST_TMPDIR/cpio"
	grep 'Read error' "$BATS_TEST_TMPDIR/cpio.said"
	cd /
	run ! grep -a Failed "$BATS_TEST_TMPDIR"/{tar,busybox.tar,rsync,cpio}
	# It doesn't read what goes there.
	tar -cf /dev/null -C "$JOBS/one" success
	mount_stop
}

@test "the errors are Operation canceled and Remote I/O error" {
	add_job failed '{"status":"Failed"}'
	add_job cancelled '{"status":"Cancelled"}'
	mount_start
	says ': Remote I/O error' cat "$JOBS/failed/success"
	says ': Operation canceled' cat "$JOBS/cancelled/success"
	for id in failed cancelled; do
		python3 -c "
import errno, os
file = os.open('$JOBS/$id/success', os.O_RDONLY)
for position in 0, 3, 4095, 4096, 10000:
    try:
        print(os.pread(file, 99, position))
    except OSError as error:
        print(errno.errorcode[error.errno])"
	done | uniq -c | awk '{ print $1, $2 }' >"$BATS_TEST_TMPDIR/errors"
	diff "$BATS_TEST_TMPDIR/errors" <(printf '5 EREMOTEIO\n5 ECANCELED\n')
	mount_stop
}

@test "it is in no listing, and there by name: stat and ls work after a bad end, too" {
	add_job failed '{"status":"Failed"}'
	add_job good '{"status":"Completed"}'
	pending one
	mount_start --ttl 60
	[ -z "$(find "$MNT" -name success)" ]
	ls -a "$JOBS/failed" >"$BATS_TEST_TMPDIR/listing"
	grep -qx status "$BATS_TEST_TMPDIR/listing"
	run ! grep -x success "$BATS_TEST_TMPDIR/listing"
	# Nothing that walks the tree meets it: none hangs, and none fails.
	in_time 20 grep -rq Failed "$JOBS"
	in_time 20 grep -rc . "$JOBS" >/dev/null
	in_time 20 tar -cf "$BATS_TEST_TMPDIR/tar" -C "$MNT" restore-jobs
	in_time 20 find "$JOBS" -type f -exec cat {} + >/dev/null
	local id
	for id in failed one; do
		[ "$(stat -c '%F %a %s' "$JOBS/$id/success")" = 'regular file 444 4096' ]
		ls -l "$JOBS/$id/success"
		[ -s "$JOBS/$id/success" ] && [ -r "$JOBS/$id/success" ]
	done
	[ "$(stat -c %s "$JOBS/good/success")" -eq 10 ]
	# Whether it was stat(2) that asked before or not.
	says 'Remote I/O error' busybox cat "$JOBS/failed/success"
	says 'Remote I/O error' cat "$JOBS/failed/success"
	[ "$(stat -c %s "$JOBS/failed/success")" -eq 4096 ]
	says 'Read-only' touch "$JOBS/failed/success"
	mount_stop
}

@test "cat … && goes on after the end, if that is a good one, and not before" {
	pending good bad
	mount_start --ttl 0.2
	background good bash -c "cat '$JOBS/good/success' && echo next"
	background bad bash -c "cat '$JOBS/bad/success' && echo next"
	wait_until 10 waiting_is 2
	change good '{"percent_complete":41}'
	wait_until 10 grep -q 41 "$JOBS/good/percent_complete"
	ended "${BACKGROUND[@]}" && false
	[ ! -s "$(out good)" ] && [ ! -s "$(out bad)" ]
	end_job good
	end_job bad Failed
	wait_until 20 ended "${BACKGROUND[@]}"
	cmp "$(out good)" <(printf 'Completed\nnext\n')
	[ "$(cat "$(out bad)")" = "cat: $JOBS/bad/success: Remote I/O error" ]
	mount_stop
}

@test "a hundred readers who are held all get the same error, and leave nothing" {
	local i
	pending one
	mount_start --ttl 0.5
	for i in {1..100}; do
		background "$i" cat "$JOBS/one/success"
	done
	wait_until 60 waiting_is 100
	[ "$(in_time 10 cat "$JOBS/one/status")" = Pending ]
	end_job one Cancelled
	wait_until 60 ended "${BACKGROUND[@]}"
	cat "$BATS_TEST_TMPDIR"/out.* | uniq -c | awk '{ $1 = $1; print }' >"$BATS_TEST_TMPDIR/said"
	file_says "$BATS_TEST_TMPDIR/said" "100 cat: $JOBS/one/success: Operation canceled"
	for i in "${BACKGROUND[@]}"; do
		run ! wait "$i"
	done
	waiting_is 0
	mount_stop
}

@test "SIGINT, SIGKILL and timeout end a reader at once, and no other" {
	pending one
	mount_start --ttl 0.5
	background stays cat "$JOBS/one/success"
	background killed cat "$JOBS/one/success"
	# A job of a shell without job control ignores SIGINT.
	background interrupted env --default-signal=INT cat "$JOBS/one/success"
	wait_until 10 waiting_is 3
	kill -KILL "${BACKGROUND[1]}"
	kill -INT "${BACKGROUND[2]}"
	wait_until 5 ended "${BACKGROUND[@]:1}"
	run -124 timeout 1 cat "$JOBS/one/success"
	[ -z "$output" ]
	wait_until 5 waiting_is 1
	end_job one Failed
	wait_until 10 ended "${BACKGROUND[0]}"
	file_says "$(out stays)" "cat: $JOBS/one/success: Remote I/O error"
	mount_stop
}

@test "poll(2) wakes at either end, and the read doesn't wait then" {
	pending good bad
	# Nobody is woken by and by, to see whether he still polls.
	mount_start --ttl 60
	local id
	for id in good bad; do
		background "$id" python3 -u -c "
import os, select
file = os.open('$JOBS/$id/success', os.O_RDONLY)
poll = select.poll()
poll.register(file, select.POLLIN)
print('before', poll.poll(0))
print(poll.poll()[0][1])
try:
    print(os.read(file, 99))
except OSError as error:
    print(error.strerror)"
		wait_until 10 grep -q before "$(out "$id")"
	done
	end_job good
	end_job bad Cancelled
	ls "$JOBS" >/dev/null # the first listing tells of it
	wait_until 20 ended "${BACKGROUND[@]}"
	cmp "$(out good)" <(printf '%s\n' 'before []' 1 "b'Completed\\n'")
	cmp "$(out bad)" <(printf '%s\n' 'before []' 1 'Operation canceled')
	mount_stop
}
