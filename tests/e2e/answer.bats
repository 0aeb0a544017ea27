# What pinefs says to do when the first answer is none. Proxies and TLS are in tests/weather/tls.
load lib/command

# Rows of: what the line ends with ! fault
table() {
	cat <<'END'
400: bad token: check --api-url, --api-version and $PINECONE_ADDITIONAL_HEADERS; --no-check mounts all the same!{"status": 400, "body": "{\"message\": \"bad token\"}"}
400: Invalid API version: check --api-version!{"status": 400, "body": "{\"error\": {\"message\": \"Invalid API version\"}}"}
401: no: check the key, see THE KEY in pinefs(1)!{"status": 401, "body": "no"}
402: pay: the project's bill has to be paid first; --no-check mounts all the same!{"status": 402, "body": "pay"}
403: no: the key lacks a permission; --no-check mounts all the same!{"status": 403, "body": "no"}
404: no: check --api-url; --no-check mounts all the same!{"status": 404, "body": "no"}
405: no: check --api-url; --no-check mounts all the same!{"status": 405, "body": "no"}
407: no: a proxy is in between, and wants a user and a password; --no-check mounts all the same!{"status": 407, "body": "no"}
408: no: try again later; --no-check mounts all the same!{"status": 408, "body": "no"}
410: no: check --api-url, --api-version and $PINECONE_ADDITIONAL_HEADERS; --no-check mounts all the same!{"status": 410, "body": "no"}
412: no: check --api-url, --api-version and $PINECONE_ADDITIONAL_HEADERS; --no-check mounts all the same!{"status": 412, "body": "no"}
421: no: check --api-url; --no-check mounts all the same!{"status": 421, "body": "no"}
425: no: try again later; --no-check mounts all the same!{"status": 425, "body": "no"}
429: no: try again later; --no-check mounts all the same!{"status": 429, "body": "no"}
431: no: check $PINECONE_ADDITIONAL_HEADERS!{"status": 431, "body": "no"}
451: no: a law forbids it where you or the API are; --no-check mounts all the same!{"status": 451, "body": "no"}
500: no: try again later; --no-check mounts all the same!{"status": 500, "body": "no"}
501: no: check --api-url and --api-version; --no-check mounts all the same!{"status": 501, "body": "no"}
503: no: try again later; --no-check mounts all the same!{"status": 503, "body": "no"}
505: no: check --api-url; --no-check mounts all the same!{"status": 505, "body": "no"}
511: no: the network wants you to log in first; --no-check mounts all the same!{"status": 511, "body": "no"}
a redirect, which pinefs never follows: check --api-url, and that no login page of the network is in between; --no-check mounts all the same!{"kind": "redirect", "location": "/login"}
the answer is not a readable list: check --api-url, and that no login page of the network is in between; --no-check mounts all the same!{"status": 200, "body": "<html>Welcome to our hotel</html>", "content_type": "text/html"}
the answer is not a readable list: check --api-url, and that no login page of the network is in between; --no-check mounts all the same!{"status": 204, "body": ""}
answer larger than 16777216 bytes: check --api-url; --no-check mounts all the same!{"kind": "huge"}
: check --api-url: what is there may speak TLS, or no HTTP; --no-check mounts all the same!{"kind": "reset"}
END
}

@test "each kind of first answer has its advice" {
	local advice rule n=0
	sim_start --jobs 0
	while IFS='!' read -r advice rule; do
		fault "$(jq -cn --argjson rule "$rule" '{match: "list"} + $rule')"
		refuses "$advice" --api-url "$SIM_URL" --max-rate 10000
		[[ $SAID == "pinefs: $SIM_URL: "*"$advice" ]] || {
			echo "said: $SAID" >&2
			return 1
		}
		sim_delete /_sim/faults
		n=$((n + 1))
	done < <(table)
	[ "$n" -eq 26 ]
}

@test "nobody listens, and no such host" {
	refuses 'check the network and --api-url; --no-check' --api-url "$NOBODY" --timeout "$(longer 1)"
	refuses 'check the network and --api-url; --no-check' --api-url https://127.0.0.1:1 --timeout "$(longer 1)"
	# Plain http never goes by a proxy.
	SETTINGS=("https_proxy=$NOBODY")
	refuses 'check the network and --api-url; --no-check' --api-url "$NOBODY" --timeout "$(longer 1)"
	refuses 'check the network, https_proxy and --api-url; --no-check' \
		--api-url https://127.0.0.1:2 --timeout "$(longer 1)"
	SETTINGS=(ALL_PROXY=http://nowhere.invalid:1)
	refuses 'check https_proxy and all_proxy; --no-check' --api-url https://127.0.0.1:2 --timeout "$(longer 1)"
}
