# The listing of restore-jobs: pages and their oddities, names, and the tools that walk a tree.
load lib/mount

# The listing has exactly the simulator's jobs 1 to N (of those it began with).
lists_all() {
	local pages=("$BATS_TEST_TMPDIR"/page.*)
	find "$JOBS" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort |
		diff - <(jq -r '.data[].restore_job_id' "${pages[@]}" | sort)
}

# All pages of the list as curl gets them, in files page.0 and so on.
save_pages() {
	local offset
	rm -f "$BATS_TEST_TMPDIR"/page.*
	for ((offset = 0; offset == 0 || offset < $1; offset += 100)); do
		sim_get "/restore-jobs?paginationToken=$(
			printf '{"limit":100,"offset":%d}' "$offset" | base64 -w0 | jq -Rr @uri
		)" >"$BATS_TEST_TMPDIR/page.$offset"
	done
}

lists_so_many() {
	[ "$(find "$JOBS" -mindepth 1 -maxdepth 1 | wc -l)" -eq "$1" ]
}

@test "0, 1, 100, 101, 250, 1000 jobs" {
	local jobs lists
	while read -r jobs lists; do
		sim_start --jobs "$jobs" --pending 0
		save_pages "$jobs"
		mount_start --ttl 100
		costs 0 "$lists" lists_all
		lists_so_many "$jobs"
		mount_stop
		sim_stop
	done <<-'END'
		0 1
		1 1
		100 2
		101 2
		250 3
		1000 11
	END
}

@test "rows that come twice are listed once" {
	sim_start --jobs 250
	save_pages 250
	sim_post /_sim/list '{"repeat": 30}' >/dev/null
	mount_start --ttl 100
	lists_all
}

@test "a token that comes again ends the list" {
	sim_start --jobs 250
	sim_post /_sim/list '{"loop_token": true}' >/dev/null
	mount_start --ttl 100
	costs 0 2 ls "$JOBS"
	[ "$(wc -l <"$COST_OUTPUT")" -ge 100 ]
}

@test "pages without rows, for ever: the list ends" {
	sim_start --jobs 150
	save_pages 150
	sim_post /_sim/list '{"endless": "empty"}' >/dev/null
	mount_start --ttl 100 --max-rate 10000
	lists_all
	[ "$(requests list)" -lt 120 ]
}

@test "each way in which the last page can look" {
	sim_start --jobs 101
	save_pages 101
	mount_start --ttl 100
	local end
	for end in missing empty next_null null; do
		sim_post /_sim/list "{\"end\": \"$end\"}" >/dev/null
		mount_forget
		costs 0 2 lists_all
	done
}

@test "pages that lost all their rows aren't the end" {
	sim_start --jobs 500
	save_pages 500
	jq -sc '{drop: [.[].data[].restore_job_id]}' "$BATS_TEST_TMPDIR"/page.{0,100,200,300} \
		>"$BATS_TEST_TMPDIR/drop"
	sim_post /_sim/list "@$BATS_TEST_TMPDIR/drop" >/dev/null
	rm "$BATS_TEST_TMPDIR"/page.{0,100,200,300}
	mount_start --ttl 100
	costs 0 6 lists_all
	lists_so_many 100
}

# It lists this, now that the simulator got so many requests for the list.
lists_after() {
	lists "$2" && [ "$(requests list)" -ge "$1" ]
}

@test "a job that the list leaves out is there, and listed once it was looked up" {
	sim_start --jobs 0
	add_job a '{"status": "Completed"}'
	add_job b '{"status": "Completed"}'
	add_job c '{"status": "Completed"}'
	sim_post /_sim/list '{"drop": ["b"]}' >/dev/null
	mount_start --ttl 0.3 --ttl-final 600
	lists 'a c '
	costs 1 0 cat "$JOBS/b/status"
	lists 'a b c '
	[ "$(attribute "$JOBS/b" source)" = describe ]
	[ "$(attribute "$JOBS/a" source)" = list ]
	# Also after the list was read anew.
	local before
	before=$(requests list)
	wait_until 20 lists_after $((before + 2)) 'a b c '
	[ "$(requests describe)" -eq 1 ]
}

@test "a job that is late in the list" {
	sim_start --jobs 0
	add_job a
	sim_post /_sim/list '{"late": 600}' >/dev/null
	mount_start --ttl 0.3 --ttl-missing 0.3
	lists 'a '
	add_job b
	[ "$(cat "$JOBS/b/status")" = Pending ]
	lists 'a b '
	# Its answer runs out, the list doesn't tell, it stays.
	local before
	before=$(requests list)
	wait_until 20 lists_after $((before + 3)) 'a b '
	[ "$(cat "$JOBS/b/status")" = Pending ]
}

@test "rows that are no jobs, or whose ids are no names, are left out" {
	sim_start --jobs 0
	add_job good
	local long
	long=$(printf 'x%.0s' {1..256})
	jq -cn --arg long "$long" '{extra_rows: (["42", "null", "[]", "\"text\"", "{}"] + ([
		"", ".", "..", ".hidden", "a/b", "../x", "a b", "a\nb", "é", "a%2Fb", $long, 7, null,
		["x"]] | map({restore_job_id: ., status: "Pending"} | tojson)) +
		["{\"restore_job_id\":\"fine\",\"status\":\"Odd\"}"])}' >"$BATS_TEST_TMPDIR/rows"
	sim_post /_sim/list "@$BATS_TEST_TMPDIR/rows" >/dev/null
	mount_start --ttl 100
	lists 'fine good '
	costs 0 0 cat "$JOBS/fine/status"
	[ "$(cat "$COST_OUTPUT")" = Odd ]
	# 19 of them, and once more where they were asked for before the mount.
	[ "$(counter rows_refused)" -ge 19 ]
}

no_such_names() {
	local name
	for name in .git .hidden ..x 'a b' $'a\nb' $'a\tb' é $'\x80' 'a%2Fb' 'a~' 'a+b' '*' '?' ':' 'a=b' '@' \
		"$(printf 'x%.0s' {1..256})"; do
		[ ! -e "$JOBS/$name" ] || return
		! cat "$JOBS/$name/status" 2>/dev/null || return
	done
}

@test "names that can't be ids never reach the network" {
	sim_start --jobs 1
	mount_start
	costs 0 0 no_such_names
	says 'No such file' cat "$JOBS/.git"
	says 'File name too long' cat "$JOBS/$(printf 'x%.0s' {1..256})"
	says 'File name too long' cat "$JOBS/$(printf 'x%.0s' {1..2000})"
	[ "$(requests other)" -eq 0 ]
}

@test "what is asked for: names as they are, tokens encoded, a limit only without one" {
	sim_start --jobs 250
	PINECONE_ADDITIONAL_HEADERS='{"X-One": "two"}' mount_start
	local long
	long=$(printf 'x%.0s' {1..255})
	ls "$JOBS/A-z_0.9" "$JOBS/$long" || true
	ls "$JOBS" >"$BATS_TEST_TMPDIR/listing"
	curl -s "$SIM_URL/_sim/log" >"$BATS_TEST_TMPDIR/log"
	jq -r '.[].target' "$BATS_TEST_TMPDIR/log" >"$BATS_TEST_TMPDIR/targets"
	[ "$(sed -n 2p "$BATS_TEST_TMPDIR/targets")" = /restore-jobs/A-z_0.9 ]
	[ "$(sed -n 3p "$BATS_TEST_TMPDIR/targets")" = "/restore-jobs/$long" ]
	[ "$(sed -n 4p "$BATS_TEST_TMPDIR/targets")" = '/restore-jobs?limit=100' ]
	sed -n 5p "$BATS_TEST_TMPDIR/targets" | grep -qxE '/restore-jobs\?paginationToken=[A-Za-z0-9%]+%3D'
	sed -n 6p "$BATS_TEST_TMPDIR/targets" | grep -qxE '/restore-jobs\?paginationToken=[A-Za-z0-9%]+%3D'
	[ "$(wc -l <"$BATS_TEST_TMPDIR/targets")" -eq 6 ]
	jq -e 'all(.headers["x-pinecone-api-version"] == "2025-10" and .headers.accept == "application/json"
		and (.headers["user-agent"] | startswith("pinefs/")) and .headers["x-one"] == "two"
		and .headers["api-key"] == "(hidden)" and (.headers | has("authorization") | not))' \
		"$BATS_TEST_TMPDIR/log"
}

@test "a long listing is told as it comes" {
	sim_start --jobs 250
	mount_start --timeout "$(longer 100)"
	fault '{"match": "list", "count": 2, "delay": 0}'
	fault '{"match": "list", "kind": "silence"}'
	# 200 entries are there while the third page isn't.
	[ "$(in_time 30 python3 -c '
import itertools, os, sys
print(len(list(itertools.islice(os.scandir(sys.argv[1]), 150))))' "$JOBS")" -eq 150 ]
	[ "$(requests list)" -eq 4 ]
}

@test "a page that fails in the middle is an error, and the next listing is whole" {
	sim_start --jobs 250
	save_pages 250
	mount_start --ttl 100
	fault '{"match": "list", "count": 2, "delay": 0}'
	fault '{"match": "list", "count": 1, "status": 400}'
	says 'Input/output error' ls "$JOBS"
	wait_until 20 lists_so_many 250
	lists_all
}

@test "ls, find, grep, stat, df, du, cp, tar" {
	sim_start --jobs 24 --pending 4 --restore-time 1000
	mount_start --ttl 100
	# shellcheck disable=SC2010
	[ "$(ls -l "$JOBS" | grep -c '^dr-xr-xr-x 2 ')" -eq 24 ]
	[ "$(find "$JOBS" -name 'done' | wc -l)" -eq 20 ]
	[ "$(find "$JOBS" -name completed_at -empty | wc -l)" -ge 4 ]
	[ "$(grep -rl '^Pending$' "$JOBS" --include=status | wc -l)" -eq 4 ]
	[ "$(grep -L Completed "$JOBS"/*/status | wc -l)" -eq 7 ]
	[ "$(stat -f -c %T "$MNT")" = fuseblk ] || [ "$(stat -f -c %T "$MNT")" = fuse ]
	[ "$(df --output=source,target "$JOBS" | tail -n 1 | tr -s ' ')" = "pinefs $MNT" ]
	[ "$(du -s "$JOBS" | cut -f1)" -ge 0 ]
	cp -r "$JOBS" "$BATS_TEST_TMPDIR/copy"
	diff -r --no-dereference "$JOBS" "$BATS_TEST_TMPDIR/copy"
	tar -C "$JOBS" -cf "$BATS_TEST_TMPDIR/archive" .
	tar -C "$JOBS" -df "$BATS_TEST_TMPDIR/archive"
	chmod -R u+w "$BATS_TEST_TMPDIR/copy"
}

@test "watch sees a change" {
	sim_start --jobs 0
	add_job a
	mount_start --ttl 0.3
	# It ends when what it shows has changed; that of procps 4.0.7 also when it can read no keys.
	mkfifo "$BATS_TEST_TMPDIR/keys"
	TERM=xterm in_time 60 watch -g -n 0.2 cat "$JOBS/a/status" >"$BATS_TEST_TMPDIR/screen" \
		0<>"$BATS_TEST_TMPDIR/keys" 3>&- &
	local watch=$!
	seen() { grep -q Pending "$BATS_TEST_TMPDIR/screen"; }
	wait_until 20 seen
	kill -0 "$watch"
	change a '{"status": "Completed"}'
	wait "$watch"
}

@test "what was deleted costs no memory" {
	local job jobs=()
	sim_start --jobs 40 --pending 0
	mount_start --ttl 0.3 --ttl-final 0.3 --ttl-missing 0.3 --stale 0.3
	ls -lR "$JOBS" >/dev/null
	jobs=("$JOBS"/*)
	for job in "${jobs[@]}"; do
		[ ! -e "$job/no-such-file" ]
		readlink "$job/index" >/dev/null
		change "${job##*/}" '{"target_index_name":"another"}'
	done
	wait_until 20 file_says "${jobs[39]}/target_index_name" another
	cat "$JOBS"/*/raw.json >/dev/null
	readlink "$JOBS"/*/index >/dev/null
	known() { sed -n 's/^pinefs_objects //p' "$MNT/.pinefs/stats"; }
	known_are() { [ "$(known)" -eq "$1" ]; }
	known_are 40
	for job in "${jobs[@]}"; do
		sim_delete "/_sim/jobs/${job##*/}"
	done
	none_left() { [ -z "$(ls "$JOBS")" ]; }
	wait_until 30 none_left
	wait_until 20 known_are 0
}
