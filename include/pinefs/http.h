/* SPDX-License-Identifier: MIT */
/*
 * http: GET requests over libcurl's multi interface: many at once on one thread, with a deadline,
 * retries with backoff, a bound on every size, and a budget of requests a second. The only room
 * that knows libcurl. It doesn't know what is asked, or of whom.
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
	PFS_HTTP_ANSWERED, /* whole answer, whatever its status */
	PFS_HTTP_RESOLVE,  /* no such name, or no name server */
	PFS_HTTP_CONNECT,  /* nobody listens, no route */
	PFS_HTTP_PROXY,	   /* the proxy couldn't be used, or refused */
	PFS_HTTP_TLS,	   /* the other side isn't who it should be */
	PFS_HTTP_NO_TLS,   /* nor does it say so: no TLS could be agreed on */
	PFS_HTTP_TIMEOUT,  /* the deadline came first */
	PFS_HTTP_BROKEN,   /* reset, half a body, no HTTP */
	PFS_HTTP_TOO_LARGE,
	PFS_HTTP_NO_MEMORY,
};

/* Lives only during the call of done. */
struct pfs_http_answer {
	enum pfs_http_outcome outcome;
	int status;		/* 0 unless an answer began */
	int proxy_status;	/* what a proxy said when it refused the tunnel; 0 if none did */
	const char *text;	/* reason phrase, or libcurl's words for a failure; never NULL */
	const char *body;	/* followed by a NUL; "" if there is none */
	size_t length;		/* of body */
	const char *request_id; /* x-pinecone-request-id, else x-request-id; "" if none came */
	const char *rejected;	/* x-pinecone-auth-rejected-reason; "" if none came */
	int64_t retry_after;	/* ns that the server asked to wait; -1 if it didn't */
	int64_t sent_at;	/* monotonic: when the attempt that this answers was begun */
};

struct pfs_http_config {
	size_t max_body;	/* bytes, after decoding */
	size_t max_held;	/* bytes of all bodies that are under way; small ones pass always */
	size_t max_active;	/* transfers at once; more of them queue */
	size_t max_queued;	/* beyond this, pfs_http_get refuses */
	double rate;		/* attempts a second in the long run */
	double burst;		/* attempts at once after a pause */
	const char *cacert;	/* PEM file, or NULL for the system's; borrowed */
	const char *user_agent; /* borrowed */
	uint64_t jitter_seed;	/* backoff differs between mounts; any number does */
	bool strict;		/* abort on a request that outlived its deadline; see below */
};

struct pfs_http;
struct pfs_http_request;

/*
 * Becomes the loop's waiter, and starts libcurl: so not before the last fork. loop and stats are
 * borrowed. 0, -ENOMEM, -EIO when libcurl can't start.
 */
int pfs_http_create(struct pfs_loop *loop, struct pfs_stats *stats,
		    const struct pfs_http_config *config, struct pfs_http **ret_http);

/* Drops what is under way without calling anybody. Takes NULL. */
void pfs_http_destroy(struct pfs_http *http);

/*
 * Ask, and call done exactly once, from the loop and never from inside this call, at latest a
 * moment after deadline (monotonic). 408, 429, 500, 502, 503, 504 and failures of the transport
 * are tried again, up to four attempts with jittered, doubling pauses or what Retry-After says, as
 * long as the next attempt would begin before the deadline; else the last answer is given. After a
 * deadline no idle connection is used again, nor one that was silent until then: whoever else is
 * under way on that is asked for again at once, on another.
 *
 * url and headers ("Name: value", NULL-terminated) are copied, and wiped after use. label names
 * the request to people (no query, no key) and is copied. Plain http never goes through a proxy,
 * since it carries the key in clear.
 *
 * 0; -ENOMEM; -EBUSY with max_queued requests waiting.
 */
int pfs_http_get(struct pfs_http *http, const char *url, const char *const headers[],
		 const char *label, int64_t deadline,
		 void (*done)(void *arg, const struct pfs_http_answer *answer), void *arg,
		 struct pfs_http_request **ret_request);

/*
 * A request that isn't answered PFS_HTTP_OVERDUE after its deadline has been forgotten by this
 * room: a bug, and somebody may wait for ever. With strict that aborts. Else it is answered with
 * PFS_HTTP_BROKEN, and the first one is logged.
 */
#define PFS_HTTP_OVERDUE (5 * INT64_C(1000000000)) /* ns */

/* Forget a request: done is not called. Not from inside done. Takes NULL. */
void pfs_http_cancel(struct pfs_http_request *request);

/*
 * The network may be another now: nothing more is sent on the connections that there are. What is
 * under way is asked for once more on new ones, but by this only once, and as one of its four
 * attempts; whoever has had that already stays where he is. May call done. Not from inside done.
 */
void pfs_http_reconnect(struct pfs_http *http);

/* What is under way, oldest first. */
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
 * May pinefs talk to this URL? https to anybody; http only to loopback, since the key travels in
 * clear; no user, password, query or fragment in it. 0, or -EINVAL with a line for a person in
 * text.
 */
int pfs_http_check_url(const char *url, char *text, size_t size);

/*
 * Seconds or an HTTP date (RFC 9110, section 10.2.3) to ns from wall time now; -1 if neither. Never
 * more than a hundred years.
 */
int64_t pfs_http_retry_after(const char *value, int64_t wall_now);

#endif
