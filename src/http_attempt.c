/* SPDX-License-Identifier: MIT */
/* One attempt: what libcurl is asked for, and what it returns. */
#include "http.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SMALL_BODY  ((size_t)64 * 1024)	 /* bytes */
#define MAX_HEADERS ((size_t)256 * 1024) /* bytes of one answer's header */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct pfs_http_request *request = arg;
	struct pfs_http *http = request->http;
	size_t length = size * count;

	pfs_connection_heard(request);
	/* However many answers are huge at once. A small one must not fail for their sake. */
	if (request->body.length + length > SMALL_BODY &&
	    http->held + length > http->config.max_held) {
		request->body.error = -ENOMEM;
		return 0;
	}
	if (pfs_buffer_add(&request->body, bytes, length)) {
		request->too_large = request->body.error == -EFBIG;
		return 0;
	}
	http->held += length;
	http->stats->received += length;
	return length;
}

/* Copy the value of header `name` in this line to out, without the space around it. */
static bool header_value(const char *line, size_t length, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	if (length <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
		return false;
	line += n + 1;
	length -= n + 1;
	while (length && (*line == ' ' || *line == '\t')) {
		line++;
		length--;
	}
	while (length && strchr(" \t\r\n", line[length - 1]))
		length--;
	if (length >= size)
		length = size - 1;
	memcpy(out, line, length);
	out[length] = '\0';
	return true;
}

/* Copy the reason of "HTTP/1.1 404 Not Found"; HTTP/2 has none. */
static void keep_reason(struct pfs_http_request *request, const char *line, size_t length)
{
	const char *space = memchr(line, ' ', length);

	request->reason[0] = '\0';
	if (space)
		space = memchr(space + 1, ' ', length - (size_t)(space + 1 - line));
	if (!space)
		return;
	length -= (size_t)(space + 1 - line);
	while (length && strchr("\r\n", space[length]))
		length--;
	(void)snprintf(request->reason, sizeof(request->reason), "%.*s", (int)length, space + 1);
}

int pfs_attempt_header(struct pfs_http_request *request, const char *line, size_t length)
{
	char value[80];

	request->header_bytes += length;
	if (request->header_bytes > MAX_HEADERS) {
		request->too_large = true;
		return -EFBIG;
	}
	if (length > 5 && !memcmp(line, "HTTP/", 5)) {
		keep_reason(request, line, length);
	} else if (header_value(line, length, "retry-after", value, sizeof(value))) {
		request->retry_after =
			pfs_http_retry_after(value, pfs_loop_wall(request->http->loop));
	} else if (!header_value(line, length, "x-pinecone-request-id", request->request_id,
				 sizeof(request->request_id)) &&
		   !header_value(line, length, "x-pinecone-auth-rejected-reason", request->rejected,
				 sizeof(request->rejected)) &&
		   !*request->request_id) {
		(void)header_value(line, length, "x-request-id", request->request_id,
				   sizeof(request->request_id));
	}
	return 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
	pfs_connection_heard(arg);
	return pfs_attempt_header(arg, line, size * count) ? 0 : size * count;
}

/*
 * When a connection from its pool turns out to be dead, libcurl silently sends the request again on
 * the next one, and so on. That would escape our budget and our count, so it is aborted, and the
 * next attempt gets a new connection. The same goes for an attempt for which libcurl has chosen a
 * retired connection: it would choose that again.
 */
static int before_send(void *arg, char *peer, char *local, int peer_port, int local_port)
{
	struct pfs_http_request *request = arg;

	if (!request->sends++) {
		request->refused = !pfs_connection_take(request, local, local_port);
		if (!request->refused) {
			request->sent = true;
			return CURL_PREREQFUNC_OK;
		}
	}
	request->blameless = true;
	return CURL_PREREQFUNC_ABORT;
}

/* Notes the peer's address, which libcurl 8.14 no longer gives for a failed connection. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct pfs_http_request *request = arg;
	char host[64], port[8];

	if (!getnameinfo(&address->addr, address->addrlen, host, sizeof(host), port, sizeof(port),
			 NI_NUMERICHOST | NI_NUMERICSERV))
		(void)snprintf(request->peer, sizeof(request->peer), "%s port %s", host, port);
	return pfs_connection_open(request->http, purpose, address);
}

/*
 * A POST has a connection of its own: libcurl repeats by itself what it has sent on one that turns
 * out to be dead, and a peer that closes an idle connection may have taken the request or not.
 * HTTP/2 would let others onto the connection, and repeats what the peer refuses.
 */
static void set_up_post(struct pfs_http_request *request)
{
	CURL *easy = request->easy;

	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(request->post));
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->post); /* borrowed */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 0L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

/* Each of these options can fail only for want of memory; then the transfer fails, too. */
static void set_up(struct pfs_http_request *request)
{
	const struct pfs_http_config *config = &request->http->config;
	bool plain = !strncasecmp(request->url, "http:", 5);
	CURL *easy = request->easy;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, config->user_agent);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Else giving up waits for the name server, which may be silent, and holds up the loop. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	if (plain)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	else /* wait for HTTP/2 to say whether it multiplexes, rather than connect once more */
		curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	if (config->cacert) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, config->cacert);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, config->cacert);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	/* What a proxy says before the tunnel is there is no part of the answer. */
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, pfs_connection_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, request->http);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_send);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
	if (request->outcome == PFS_HTTP_BROKEN)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	if (request->post)
		set_up_post(request);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error_text);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
}

static enum pfs_http_outcome outcome_of(const struct pfs_http_request *request, CURLcode code)
{
	if (request->too_large)
		return PFS_HTTP_TOO_LARGE;
	if (request->body.error == -ENOMEM) /* to libcurl only a body that wasn't taken */
		return PFS_HTTP_NO_MEMORY;
	if (request->proxy_status)
		return PFS_HTTP_PROXY;
	switch (code) {
	case CURLE_OK:
		return PFS_HTTP_ANSWERED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return PFS_HTTP_RESOLVE;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return PFS_HTTP_PROXY;
	case CURLE_COULDNT_CONNECT:
		return PFS_HTTP_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return PFS_HTTP_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		return PFS_HTTP_NO_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return PFS_HTTP_TLS;
	case CURLE_OUT_OF_MEMORY:
		return PFS_HTTP_NO_MEMORY;
	default:
		return PFS_HTTP_BROKEN;
	}
}

void pfs_attempt_drop_body(struct pfs_http_request *request)
{
	request->http->held -= request->body.length;
	pfs_buffer_finish(&request->body);
	request->body.max = request->http->config.max_body;
}

void pfs_attempt_reset(struct pfs_http_request *request)
{
	pfs_attempt_drop_body(request);
	request->header_bytes = 0;
	request->too_large = false;
	request->sends = 0;
	request->blameless = false;
	request->status = request->proxy_status = 0;
	request->retry_after = -1;
	request->reason[0] = request->request_id[0] = request->rejected[0] = '\0';
	request->error_text[0] = request->peer[0] = '\0';
}

int pfs_attempt_begin(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;

	request->easy = http->idle_count ? http->idle[--http->idle_count] : curl_easy_init();
	if (!request->easy)
		return -ENOMEM;
	set_up(request);
	request->refused = false;
	return curl_multi_add_handle(http->multi, request->easy) ? -ENOMEM : 0;
}

/* Name the proxy that refuses: people forget that they have one. */
static void look_at_proxy(struct pfs_http_request *request)
{
	const char *peer = request->peer[0] ? request->peer : "?";
	char said[sizeof(request->error_text)];
	long status = 0, wrong = 0;

	curl_easy_getinfo(request->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	curl_easy_getinfo(request->easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &wrong);
	if (status >= 300) {
		request->proxy_status = (int)status;
		(void)snprintf(request->error_text, sizeof(request->error_text),
			       "the proxy at %s refuses: %ld", peer, status);
	} else if (wrong) {
		(void)snprintf(said, sizeof(said), "%s", request->error_text);
		(void)snprintf(request->error_text, sizeof(request->error_text),
			       "the proxy at %s: %.160s", peer, said);
	}
}

void pfs_attempt_end(struct pfs_http_request *request, CURLcode code)
{
	struct pfs_http *http = request->http;
	long status = 0, connects = 0;

	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(request->easy, CURLINFO_NUM_CONNECTS, &connects);
	http->stats->connections += (uint64_t)connects;
	request->status = (int)status;
	if (code)
		look_at_proxy(request);
	/* What libcurl says of a header line past its own bound. */
	if (code == CURLE_OUT_OF_MEMORY && request->header_bytes && !request->body.length)
		request->too_large = true;
	request->outcome = outcome_of(request, code);
	if (request->too_large)
		(void)snprintf(request->error_text, sizeof(request->error_text),
			       "answer larger than %zu bytes", http->config.max_body);
	else if (request->body.error == -ENOMEM)
		(void)snprintf(request->error_text, sizeof(request->error_text),
			       "no memory for so large an answer now; all may hold %zu bytes",
			       http->config.max_held);
	else if (code && !*request->error_text)
		(void)snprintf(request->error_text, sizeof(request->error_text), "%s",
			       curl_easy_strerror(code));
}

void pfs_attempt_release(struct pfs_http_request *request)
{
	struct pfs_http *http = request->http;

	if (!request->easy)
		return;
	curl_multi_remove_handle(http->multi, request->easy);
	pfs_connection_leave(request);
	if (http->idle_count < IDLE_HANDLES) {
		curl_easy_reset(request->easy);
		http->idle[http->idle_count++] = request->easy;
	} else {
		curl_easy_cleanup(request->easy);
	}
	request->easy = NULL;
}
