# .pinefs/metrics as those read it for whom it is made: promtool, node_exporter and Prometheus; and
# the alerts and the dashboard that src/monitoring has for them.
# shellcheck disable=SC2016
load lib/watching

set_up() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	MONITORING=$ROOT/src/monitoring
	PATH=$PATH:$ROOT/build-tools # where tests/install puts them
	export GOMAXPROCS=1
	SAMPLES=$BATS_TEST_TMPDIR/samples
}

need() { # COMMAND...
	local command
	for command; do
		command -v "$command" >/dev/null || {
			[ -z "${CI-}" ] || return 1
			skip "$command is not installed"
		}
	done
}

hours_ago() {
	date -u -d "$1 hours ago" +%Y-%m-%dT%H:%M:%SZ
}

# Something of each kind, in each state that alerts ask for, and all of it known.
project() {
	add_job waiting "{\"status\":\"Pending\",\"created_at\":\"$(hours_ago 8)\"}"
	add_job restored "{\"status\":\"Completed\",\"completed_at\":\"$(hours_ago 7)\"}"
	add_job failed "{\"status\":\"Failed\",\"completed_at\":\"$(hours_ago 6)\"}"
	add_backup new "{\"source_index_name\":\"movies\",\"status\":\"Ready\",\"created_at\":\"$(hours_ago 5)\"}"
	add_backup old "{\"source_index_name\":\"movies\",\"status\":\"Ready\",\"created_at\":\"$(hours_ago 50)\"}"
	add_backup bad "{\"source_index_name\":\"movies\",\"status\":\"InitializationFailed\"}"
	add_index movies '{"state":"Ready"}'
	add_collection films '{"status":"Ready"}'
}

known() { # MOUNT
	cat "$1"/{restore-jobs,backups,indexes,collections}/*/status >/dev/null
}

# Those that it has now, but for what stands still for up to five seconds.
sampled() { # PATTERN
	cat "$MNT/.pinefs/metrics" >"$SAMPLES"
	grep -qE -- "$1" "$SAMPLES"
}

names() { # FILE
	grep -ohE '\bpinefs_[a-z_]+' "$@" | sort -u
}

expressions() {
	jq -r '.. | .expr? // empty' "$MONITORING/dashboard.json"
}

# Each is text in a file of rules, too.
expressions_as_rules() {
	expressions | sed 's/\$mount/.*/g; s/\$__rate_interval/1m/g' |
		jq -Rn '{groups: [{name: "dashboard", rules: [inputs | {record: "x:\(input_line_number)", expr: .}]}]}'
}

# Start a server of tests/install's or the machine's, and have its port in PORT.
serve() { # NAME COMMAND...
	local name=$1
	background "$@" --web.listen-address=127.0.0.1:0
	has_port() {
		PORT=$(sed -nE 's/.*"?Listening on".* address=127\.0\.0\.1:([0-9]+).*/\1/p' "$(out "$name")" | head -n 1)
		[ -n "$PORT" ]
	}
	wait_until 30 has_port || {
		cat "$(out "$name")" >&2
		return 1
	}
}

# Two mounts in the folder of node_exporter's, linked as the manual says.
export_two() {
	local line directory=$BATS_TEST_TMPDIR/textfile mount
	mkdir "$directory"
	line=$(sed -n 's/^# \(ln -s .*\)/\1/p' "$ROOT/man/pinefs.1")
	grep -qxF "    # $line" "$ROOT/README.md"
	[[ $line == 'ln -s /mnt/pinecone/.pinefs/metrics /var/lib/prometheus/node-exporter/pinefs.prom' ]]
	for mount in "$@"; do
		sh -c "$(sed "s|/mnt/pinecone|$mount|; s|/var/lib/prometheus/node-exporter/pinefs|$directory/${mount##*/}|" <<<"$line")"
	done
	serve exporter prometheus-node-exporter --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$directory"
	EXPORTER=127.0.0.1:$PORT
}

exported() {
	curl -fsS "$EXPORTER/metrics" >"$SAMPLES"
}

has_sample() { # LINE'S-BEGINNING
	grep -qF -- "$1" "$SAMPLES" && return
	echo "no $1" >&2
	return 1
}

query() { # EXPRESSION
	curl -fsS --get --data-urlencode "query=$1" "$PROMETHEUS/api/v1/query" |
		jq -c '.data.result[] | .metric + {value: .value[1]}'
}

is_so() { # EXPRESSION
	[ -n "$(query "$1")" ]
}

@test "promtool has nothing to say about the metrics of a mount with an odd name that has seen a lot" {
	local base label odd
	need promtool
	project
	odd=$BATS_TEST_TMPDIR/$'a "quoted\\ n\xe4me'
	mkdir "$odd"
	MOUNT_BASE=$odd mount_start --ttl 0.3 --max-rate 1000
	known "$MNT"
	says 'No such file' cat "$JOBS/nothing"
	job_fault waiting '{"status": 500, "count": 1}'
	cat "$JOBS/waiting/status" || true
	wait_until 20 sampled '^pinefs_restore_jobs\{.*status="Failed"} 1$'
	run -0 promtool check metrics <"$SAMPLES"
	[ -z "$output" ]
	# Where it was mounted is in each line, and stays there when the mount is moved.
	base=${odd%/*}
	label="{mount=\"$base/a \\\"quoted\\\\ n"$'\xef\xbf\xbd'"me/${MNT##*/}\""
	[ "$(grep -vc '^#' "$SAMPLES")" -eq "$(grep -cF -- "$label" "$SAMPLES")" ]
	mv "$odd" "$base/moved"
	MNT=$base/moved/${MNT##*/} sampled '^pinefs_build_info'
	mv "$base/moved" "$odd"
	has_sample "pinefs_build_info$label,version="
}

@test "the alerts fire when they should, and no others: promtool test rules" {
	need promtool
	promtool check rules "$MONITORING/alerts.yml"
	in_time 120 promtool test rules "$BATS_TEST_DIRNAME/monitoring.yml"
	# There is a case for each.
	diff <(sed -n 's/^ *- alert: //p' "$MONITORING/alerts.yml" | sort) \
		<(sed -n 's/^ *alertname: //p' "$BATS_TEST_DIRNAME/monitoring.yml" | sort -u)
}

@test "alerts and dashboard name what is there, and the manual what they name" {
	local name
	project
	mount_start
	known "$MNT"
	wait_until 20 sampled '^pinefs_collections\{'
	jq -e '.title == "pinefs" and (.panels | length > 10)' "$MONITORING/dashboard.json"
	[ "$(expressions | grep -c pinefs_)" -ge 20 ]
	names "$MONITORING"/{alerts.yml,dashboard.json} >"$BATS_TEST_TMPDIR/named"
	grep -qx pinefs_restore_jobs "$BATS_TEST_TMPDIR/named"
	[ -z "$(names "$SAMPLES" | comm -13 - "$BATS_TEST_TMPDIR/named")" ]
	# What the manual promises is there, and is used.
	sed -n '/^\.Sh METRICS/,/^\.El/p' "$ROOT/man/pinefs.1" | names >"$BATS_TEST_TMPDIR/promised"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/promised")" -ge 15 ]
	[ -z "$(names "$SAMPLES" | comm -13 - <(grep -v seconds_bucket "$BATS_TEST_TMPDIR/promised"))" ]
	# Panels say what is shown in them, and none has another's number.
	[ "$(jq '[.panels[].id] | length == (unique | length)' "$MONITORING/dashboard.json")" = true ]
	need promtool
	expressions_as_rules >"$BATS_TEST_TMPDIR/dashboard.yml"
	promtool check rules "$BATS_TEST_TMPDIR/dashboard.yml"
}

@test "node_exporter passes on two mounts at once, with their types, and logs nothing" {
	local first line
	need prometheus-node-exporter promtool
	project
	mount_start --ttl "$(longer 60)"
	first=$MNT
	mount_start --ttl "$(longer 60)"
	known "$MNT"
	known "$first"
	wait_until 20 sampled '^pinefs_restore_jobs'
	export_two "$first" "$MNT"
	costs 0 0 exported
	for line in '# TYPE pinefs_restore_jobs gauge' '# TYPE pinefs_requests_total counter' \
		'# TYPE pinefs_request_duration_seconds histogram' '# TYPE pinefs_process_cpu_seconds_total counter' \
		'# HELP pinefs_restore_jobs Objects that are known, by their state.' \
		"pinefs_build_info{mount=\"$first\"," "pinefs_build_info{mount=\"$MNT\"," \
		"pinefs_restore_jobs{mount=\"$first\",status=\"Failed\"} 1" \
		"pinefs_restore_jobs{mount=\"$MNT\",status=\"Failed\"} 1" \
		"pinefs_process_start_time_seconds{mount=\"$MNT\"} " 'process_start_time_seconds 1' \
		'node_textfile_scrape_error 0' 'node_scrape_collector_success{collector="textfile"} 1'; do
		has_sample "$line"
	done
	# All that each mount says, and nothing else.
	diff <(names "$MNT/.pinefs/metrics") <(names "$SAMPLES")
	[ "$(grep -c '^pinefs_' "$SAMPLES")" -eq \
		"$(cat {"$first","$MNT"}/.pinefs/metrics | grep -c '^pinefs_')" ]
	promtool check metrics <<<"$(grep -E 'pinefs_' "$SAMPLES")"
	run ! grep -iE 'level=(warn|error)' <(grep -v 'running as root' "$(out exporter)")
	# Of a mount that is gone it says so.
	mount_stop
	exported
	has_sample 'node_textfile_scrape_error 1'
	has_sample "pinefs_build_info{mount=\"$first\","
}

@test "Prometheus scrapes it, draws the dashboard, and fires when a restore fails" {
	local expression
	need prometheus prometheus-node-exporter
	project
	mount_start --ttl 0.3
	known "$MNT"
	# So that somebody looks: as the manual says.
	background tail tail -f "$MNT/events"
	export_two "$MNT"
	cat >"$BATS_TEST_TMPDIR/prometheus.yml" <<-END
		global: {scrape_interval: 1s, evaluation_interval: 1s}
		rule_files: ["$MONITORING/alerts.yml"]
		scrape_configs:
		  - {job_name: node, static_configs: [{targets: ["$EXPORTER"]}]}
	END
	serve prometheus prometheus --config.file="$BATS_TEST_TMPDIR/prometheus.yml" \
		--storage.tsdb.path="$BATS_TEST_TMPDIR/tsdb"
	PROMETHEUS=127.0.0.1:$PORT
	wait_until 60 is_so "pinefs_restore_jobs{mount=\"$MNT\",status=\"Failed\"} == 1"
	[ "$(curl -fsS "$PROMETHEUS/api/v1/metadata?metric=pinefs_http_attempts_total" |
		jq -r '.data[][].type')" = counter ]
	while IFS= read -r expression; do
		query "$expression" >/dev/null
	done < <(expressions_as_rules | jq -r '.groups[].rules[].expr')
	run ! is_so 'ALERTS{alertname="PinefsRestoreFailed"}'
	end_job waiting Failed
	wait_until 60 is_so "ALERTS{alertname=\"PinefsRestoreFailed\",alertstate=\"firing\",mount=\"$MNT\"}"
	run ! grep -iE 'level=error' "$(out prometheus)"
}
