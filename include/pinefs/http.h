/* SPDX-License-Identifier: MIT */
/*
 * http: requests over libcurl's multi interface: many at once on one thread, each with a deadline;
 * a GET with retries and backoff, a POST sent once. Every size is bounded, and so is the rate of
 * requests. The only room that knows libcurl. It doesn't know what the requests ask for.
 *
 * Redirects are never followed: libcurl would send a header like Api-Key on to the other host.
 *
 * May include loop, text, log and stats.
 */
#ifndef PINEFS_HTTP_H
#define PINEFS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pfs_loop;
struct pfs_stats;

/* How an exchange ended; the api room's table makes an errno of it. */
enum pfs_http_outcome {
	PFS_HTTP_ANSWERED, /* a whole answer has come, whatever its status */
	PFS_HTTP_RESOLVE,  /* the host's name doesn't exist, or no name server answers */
	PFS_HTTP_CONNECT,  /* nobody listens there, or there is no route */
	PFS_HTTP_PROXY,	   /* the proxy couldn't be used, or refused */
	PFS_HTTP_TLS,	   /* the peer's certificate can't be verified, or the user's CA file */
	PFS_HTTP_NO_TLS,   /* the TLS handshake failed, as where the peer doesn't speak TLS */
	PFS_HTTP_TIMEOUT,  /* the deadline came first */
	PFS_HTTP_BROKEN,   /* the connection was reset, the body cut off, or it isn't HTTP */
	PFS_HTTP_TOO_LARGE,
	PFS_HTTP_NO_MEMORY,
};

/* Valid only during the call of done. */
struct pfs_http_answer {
	enum pfs_http_outcome outcome;
	int status;		/* 0 unless an answer began */
	int proxy_status;	/* what a proxy said when it refused the tunnel; 0 if none did */
	const char *text;	/* reason phrase, or libcurl's words for a failure; never NULL */
	const char *body;	/* followed by a NUL; "" if there is none */
	size_t length;		/* of body */
	const char *request_id; /* x-pinecone-request-id, else x-request-id; "" if none came */
	const char *rejected;	/* x-pinecone-auth-rejected-reason; "" if none came */
	int64_t retry_after;	/* ns: the pause that the server asked for; -1: none */
	int64_t sent_at;	/* monotonic: when the attempt that this answers began */
	int64_t took;		/* ns since it was asked for, all attempts together */
	int64_t answered_at;	/* ns since the epoch */
	bool sent;		/* the server may have got the request; else it surely hasn't */
};

typedef void pfs_http_done(void *arg, const struct pfs_http_answer *answer);

struct pfs_http_config {
	size_t max_body;	/* bytes, after decoding */
	size_t max_held;	/* bytes of all bodies under way; a small body always fits */
	size_t max_active;	/* transfers at once; more requests wait in a queue */
	size_t max_queued;	/* requests in the queue; one more is -EBUSY */
	double rate;		/* attempts a second in the long run */
	double burst;		/* attempts at once after a pause */
	const char *cacert;	/* PEM file, or NULL for the system's; borrowed */
	const char *user_agent; /* borrowed */
	uint64_t jitter_seed;	/* any number; mounts with different ones back off differently */
	bool strict;		/* abort on an overdue request: PFS_HTTP_OVERDUE */
};

struct pfs_http;
struct pfs_http_request;

/*
 * Becomes the loop's waiter (pfs_loop_set_waiter). Starts libcurl, which may have threads: no
 * fork(2) after this. loop and stats are borrowed. 0, -ENOMEM, -EIO when libcurl can't start.
 */
int pfs_http_create(struct pfs_loop *loop, struct pfs_stats *stats,
		    const struct pfs_http_config *config, struct pfs_http **ret_http);

/* Cancels all requests: no done is called. Takes NULL. */
void pfs_http_destroy(struct pfs_http *http);

/*
 * Send a GET request. done(arg, answer) is called exactly once, from the loop and never from inside
 * this call, at latest a moment after deadline (monotonic).
 *
 * The request is tried again after a status of 408, 429, 500, 502, 503 or 504 and after a failure
 * of the transport: up to four attempts, with pauses that double and have jitter, or as long as
 * Retry-After says. If the next attempt wouldn't begin before the deadline, the last answer is
 * given at once.
 *
 * After a request has missed its deadline no idle connection is used again, nor the one that it was
 * sent on, if that had half of the request's time to answer. If that connection was silent for so
 * long, it is closed, and the other requests on it are tried again at once on another.
 *
 * url and headers ("Name: value", NULL-terminated) are copied, and wiped after use. label names
 * the request to people (no query, no key) and is copied. Plain http never goes through a proxy,
 * since it carries the key in clear.
 *
 * 0; -ENOMEM; -EBUSY with max_queued requests waiting.
 */
int pfs_http_get(struct pfs_http *http, const char *url, const char *const headers[],
		 const char *label, int64_t deadline, pfs_http_done *done, void *arg,
		 struct pfs_http_request **ret_request);

/*
 * Send a POST request with this body (copied), as above; but once. Whatever happens to it, it is
 * never sent again: there is no second attempt, and it goes alone, over HTTP/1.1 on a new
 * connection that nobody uses after it, so that no dead connection can eat it and libcurl can't
 * repeat it. It waits for the budget as others do. answer->sent says whether it can have come to
 * the server.
 */
int pfs_http_post(struct pfs_http *http, const char *url, const char *const headers[],
		  const char *label, const char *body, int64_t deadline, pfs_http_done *done,
		  void *arg, struct pfs_http_request **ret_request);
/* May the server have got this request by now? */
bool pfs_http_is_sent(const struct pfs_http_request *request);

/*
 * ns after its deadline at which a request whose done wasn't called is overdue: a bug of this room,
 * for which somebody might wait for ever. config.strict aborts then. Otherwise done is called with
 * PFS_HTTP_BROKEN, and the first overdue request is logged.
 */
#define PFS_HTTP_OVERDUE (5 * INT64_C(1000000000))

/* Cancel a request: its done is not called. Must not be called from inside done. Takes NULL. */
void pfs_http_cancel(struct pfs_http_request *request);

/*
 * Use no connection any more that is open now, since the network may have changed. What is under
 * way is sent again at once on new connections, but for a POST. That counts as one of a request's
 * four attempts, and happens only once in its life: a second call leaves it where it is. May call
 * done. Must not be called from inside done.
 */
void pfs_http_reconnect(struct pfs_http *http);

/* Visit the requests under way, oldest first. The progress is valid during the visit. */
struct pfs_http_progress {
	const char *label;
	const char *state; /* "queued", "sent", "backing off" */
	unsigned attempts;
	int64_t age;  /* ns since it was asked for */
	int64_t left; /* ns until its deadline */
};
void pfs_http_each(struct pfs_http *http,
		   void (*visit)(void *arg, const struct pfs_http_progress *progress), void *arg);

/*
 * May pinefs send requests to this URL? https to any host; http only to loopback, since the key
 * travels in clear; no user, password, query or fragment in it. 0; or -EINVAL, with a line for
 * people in text.
 */
int pfs_http_check_url(const char *url, char *text, size_t size);

/*
 * Parse Retry-After (RFC 9110, section 10.2.3): seconds, or an HTTP date less wall_now (ns since
 * the epoch). ns, at most a hundred years; -1 if it is neither.
 */
int64_t pfs_http_retry_after(const char *value, int64_t wall_now);

#endif
