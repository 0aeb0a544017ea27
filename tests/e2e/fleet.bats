# Many mounts that share a cache: nginx, set up as the manual says under MANY MACHINES.
load lib/mount

FLEET=20
SLOT=5 # seconds; the manual's

set_up() {
	PATH=$PATH:/usr/sbin:/sbin
	NGINX_PID=
	command -v nginx >/dev/null || {
		[ -z "${CI-}" ] || return 1
		skip 'nginx is not installed'
	}
}

tear_down() {
	if [ -n "$NGINX_PID" ]; then
		kill -TERM "$NGINX_PID"
		wait "$NGINX_PID" || true
	fi
}

free_port() {
	python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])'
}

# What the manual says goes into a file, for this machine: the simulator instead of the API, plain
# http on the loopback instead of a certificate.
manual_configuration() { # PORT
	sed -n '/^proxy_cache_path/,/^\.Ed/{/^\.Ed/!p}' "$BATS_TEST_DIRNAME/../../man/pinefs.1" |
		sed -e "s|/run/pinecone-cache|$NGINX_DIRECTORY/cache|" \
			-e "s|https://api.pinecone.io|$SIM_URL|" \
			-e "s|listen 443 ssl|listen 127.0.0.1:$1|" \
			-e '/ssl_certificate/d'
}

answers() {
	curl -s -o /dev/null "$1"
}

nginx_start() {
	local port kind
	port=$(free_port)
	NGINX_DIRECTORY=$(mktemp -d "$BATS_TEST_TMPDIR/nginx.XXXXXX")
	{
		echo "daemon off; master_process off; pid $NGINX_DIRECTORY/pid;"
		echo "error_log $NGINX_DIRECTORY/error; events { worker_connections 512; } http {"
		echo "access_log off;"
		for kind in client_body proxy fastcgi uwsgi scgi; do
			echo "${kind}_temp_path $NGINX_DIRECTORY/$kind;"
		done
		manual_configuration "$port"
		echo '}'
	} >"$NGINX_DIRECTORY/conf"
	grep -q proxy_cache_key "$NGINX_DIRECTORY/conf"
	nginx -c "$NGINX_DIRECTORY/conf" -e "$NGINX_DIRECTORY/error" 3>&- &
	NGINX_PID=$!
	CACHE_URL=http://127.0.0.1:$port
	wait_until 20 answers "$CACHE_URL" || {
		cat "$NGINX_DIRECTORY/error" >&2
		return 1
	}
	sim_delete /_sim/requests
}

# Mounts of the cache, not of the simulator.
fleet_start() { # NUMBER
	local i url=$SIM_URL
	FLEET_JOBS=()
	SIM_URL=$CACHE_URL
	for ((i = 0; i < $1; i++)); do
		mount_start
		FLEET_JOBS+=("$JOBS")
	done
	SIM_URL=$url
}

# All of them at the same time; fails if one does.
fleet() { # COMMAND, in which {} is the directory of the jobs
	local jobs pid pids=() bad=0
	for jobs in "${FLEET_JOBS[@]}"; do
		"${@//'{}'/$jobs}" >/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || bad=1
	done
	return "$bad"
}

# The same question is asked at most once in each slot that time touched since `begun`.
asked_once_a_slot() { # ENDPOINT QUESTIONS
	local slots=$((SECONDS - begun)) got
	slots=$((slots / SLOT + 2))
	got=$(requests "$1")
	[ "$got" -le $((slots * $2)) ] && return
	echo "$1: $got requests in $slots slots, for $2 questions" >&2
	return 1
}

all_say() { # ID TEXT
	local jobs
	for jobs in "${FLEET_JOBS[@]}"; do
		file_says "$jobs/$1/status" "$2" || return
	done
}

# How often the mounts asked for a job.
fleet_asked() {
	local jobs sum=0
	for jobs in "${FLEET_JOBS[@]}"; do
		sum=$((sum + $(MNT=${jobs%/*} counter requests describe)))
	done
	echo "$sum"
}

poll_often() { # FILE
	local end=$((SECONDS + 2 * SLOT + 2))
	while [ "$SECONDS" -lt "$end" ]; do
		cat "$1" || return
		sleep 0.5
	done
}

@test "twenty mounts behind one cache cost the API what one mount costs" {
	sim_start --jobs 250 --pending 250 --restore-time 36000
	add_job a '{"status":"Pending"}'
	nginx_start
	local begun=$SECONDS
	fleet_start "$FLEET"
	fleet poll_often '{}/a/status'
	asked_once_a_slot describe 1
	# At the start each mount asks for a row of the list, to see whether the key is good.
	asked_once_a_slot list 1
	# 251 jobs are three pages.
	fleet ls '{}'
	asked_once_a_slot list 4
	echo "# a job: $(fleet_asked) questions of $FLEET mounts, $(requests describe) requests in" \
		"$((SECONDS - begun)) s" >&3
	# They did ask, all of them together many times as often.
	[ "$(fleet_asked)" -ge $((5 * $(requests describe))) ]
}

@test "a change is seen by all after twice the time at most" {
	sim_start --jobs 0
	add_job a '{"status":"Pending"}'
	nginx_start
	fleet_start 3
	all_say a Pending
	change a '{"status":"Completed"}'
	wait_until $((2 * SLOT + 5)) all_say a Completed
}

@test "an answer is given to nobody with another key" {
	sim_start --jobs 1
	nginx_start
	[ "$(SIM_URL=$CACHE_URL sim_code /restore-jobs)" = 200 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Api-Key: none' "$CACHE_URL/restore-jobs")" = 401 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$CACHE_URL/restore-jobs")" = 401 ]
	[ "$(find "$NGINX_DIRECTORY/cache" -type f ! -perm 600 | wc -l)" -eq 0 ]
	[ "$(find "$NGINX_DIRECTORY/cache" -type f | wc -l)" -ge 1 ]
}
