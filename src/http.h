/* SPDX-License-Identifier: MIT */
/*
 * What the files of the http room share: http.c (the life of a request, the queue, the loop),
 * http_request.c (what is sent), http_attempt.c (one attempt: what libcurl is asked for, and what
 * it returns), http_connection.c (which connections may be used), http_memory.c (libcurl's memory).
 * http_url.c stands alone.
 */
#ifndef PINEFS_SRC_HTTP_H
#define PINEFS_SRC_HTTP_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "pinefs/http.h"
#include "pinefs/loop.h"
#include "pinefs/stats.h"
#include "pinefs/text.h"

#define IDLE_HANDLES 16

enum request_state { QUEUED, SENT, PAUSED };

struct pfs_http_request {
	struct pfs_http *http;
	TAILQ_ENTRY(pfs_http_request) link;	  /* in http->requests, always */
	TAILQ_ENTRY(pfs_http_request) queue_link; /* in http->queue, while QUEUED */
	enum request_state state;
	struct pfs_timer timer;
	char *url;
	char *label;
	struct curl_slist *headers;
	char *post; /* the body to send; NULL: a GET */
	pfs_http_done *done;
	void *arg;
	int64_t asked_at;
	int64_t deadline;

	/* The current attempt, or the last one. */
	CURL *easy;
	uint64_t connection; /* number of the one that it was sent on; 0: none */
	unsigned attempts;
	int64_t sent_at;
	int64_t retry_after;
	struct pfs_buffer body;
	size_t header_bytes;
	bool too_large;
	unsigned sends; /* of this attempt; above 1: libcurl wanted to repeat it by itself */
	bool refused;	/* not sent, since libcurl chose a connection that is retired */
	bool blameless; /* what ended this attempt says nothing of the API */
	bool recalled;	/* pfs_http_reconnect has sent it again, which it does only once */
	bool sent;	/* in this attempt or an earlier one */
	enum pfs_http_outcome outcome;
	int status;
	int proxy_status;
	char peer[80]; /* the address that this attempt has connected to, or tried to */
	char reason[128];
	char request_id[80];
	char rejected[200];
	char error_text[CURL_ERROR_SIZE];
};

TAILQ_HEAD(request_list, pfs_http_request);
TAILQ_HEAD(connection_list, connection);

struct pfs_http {
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct pfs_http_config config;
	CURLM *multi;
	struct request_list requests;
	struct request_list queue;
	struct connection_list connections; /* all that libcurl has open, the newest first */
	uint64_t connections_opened;
	size_t queued;
	size_t active;
	size_t total;
	size_t held; /* bytes of all requests' bodies */
	CURL *idle[IDLE_HANDLES];
	size_t idle_count;
	double tokens;
	int64_t tokens_at;
	struct pfs_timer budget;   /* runs while the queue waits for a token */
	struct pfs_timer watchdog; /* runs while there are requests, late enough to find none */
	bool overdue_logged;
	uint64_t random;
};

/* --- http_request.c --- */

/* Make a GET request: copies all three. NULL without memory. */
struct pfs_http_request *pfs_request_create(struct pfs_http *http, const char *url,
					    const char *const headers[], const char *label);
void pfs_request_free(struct pfs_http_request *request);

/* --- http_attempt.c --- */

/* Free the body. */
void pfs_attempt_drop_body(struct pfs_http_request *request);
/* Reset what an earlier attempt has left. */
void pfs_attempt_reset(struct pfs_http_request *request);
/* Hand the request to libcurl. 0, -ENOMEM. */
int pfs_attempt_begin(struct pfs_http_request *request);
/* libcurl has ended the attempt: keep outcome, status, and the words for a failure. */
void pfs_attempt_end(struct pfs_http_request *request, CURLcode code);
/* Take a line of the answer's header, as it came, not NUL-terminated. 0; -EFBIG: the header is too
 * long. */
int pfs_attempt_header(struct pfs_http_request *request, const char *line, size_t length);
/* Take the request back from libcurl. Does nothing if libcurl doesn't have it. */
void pfs_attempt_release(struct pfs_http_request *request);

/* --- http_memory.c --- */

/* Initialise libcurl so that it wipes all memory that it frees. */
CURLcode pfs_memory_init(void);

/* --- http_connection.c --- */

/* What libcurl calls to open and close sockets; arg is the http. */
curl_socket_t pfs_connection_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
int pfs_connection_close(void *arg, curl_socket_t fd);
/* Free the list; libcurl has closed the sockets. */
void pfs_connections_forget(struct pfs_http *http);
/* libcurl is about to send the attempt on the socket with this local address. False: it mustn't. */
bool pfs_connection_take(struct pfs_http_request *request, const char *ip, int port);
/* Bytes have come for the attempt. */
void pfs_connection_heard(const struct pfs_http_request *request);
/* The attempt no longer uses its connection. */
void pfs_connection_leave(struct pfs_http_request *request);
/* Shut down the connections that no attempt but `except` (or NULL) uses. */
void pfs_connections_drop_idle(struct pfs_http *http, const struct pfs_http_request *except);
/* Retire all connections that are open now: none of them gets a further attempt. */
void pfs_connections_retire(struct pfs_http *http);
/*
 * An attempt has ended at its deadline. True: its connection was silent for so long that it has
 * been shut down, and the other attempts on it are lost. False: it goes on; but is retired, if the
 * attempt had time enough for an answer.
 */
bool pfs_connection_is_dead(const struct pfs_http_request *request);

#endif
