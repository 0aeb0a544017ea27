/* SPDX-License-Identifier: MIT */
/*
 * http_fixture: what the tests of http share. Transfers go to a small server in the same loop, on a
 * clock that stands still unless a test moves it: so it is known to the nanosecond when what is
 * sent, while the bytes really travel.
 */
#ifndef PINEFS_HTTP_FIXTURE_H
#define PINEFS_HTTP_FIXTURE_H

#include "fake_time.h"
#include "pinefs/http.h"
#include "pinefs/loop.h"
#include "pinefs/stats.h"
#include "pinefs/text.h"
#include "unit.h"

#define SERVED_MAX 8 /* connections */
#define OK_ANSWER  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BUSY	   "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"

/* What the server does with a request on a connection. */
enum fate { ANSWERS, IS_SILENT, HANGS_UP, RESETS };

struct served {
	int fd;
	enum fate fate;
};

/* What one request came to. */
struct outcome {
	unsigned calls;
	enum pfs_http_outcome outcome;
	int status;
	int64_t retry_after;
	int64_t sent_at;
	bool sent;
	size_t length;
	char body[100];
	char text[300];
	char request_id[100];
	char rejected[100];
};

struct fixture {
	struct fake_time time;
	struct pfs_loop *loop;
	struct pfs_stats stats;
	struct pfs_http *http;
	char url[100];

	/* The server: answers each request with the next of these, the last one over and over;
	 * NULL: never. */
	int listener;
	struct served connections[SERVED_MAX];
	size_t connection_count;
	size_t accepted;     /* connections, in all */
	enum fate next_fate; /* of those that are still to come */
	const char *const *answers;
	char made[300]; /* an answer that a test makes up, and the list of it alone */
	const char *only[2];
	size_t requests;
	char request[2000]; /* the last one */
};

/* What the fixture's http begins with: bodies of 64 bytes, 4 transfers, 4 in the queue. */
extern const struct pfs_http_config http_fixture_config;

int setup(void **state);
int teardown(void **state);

/* Begin anew with another http. */
void configure(struct fixture *fixture, const struct pfs_http_config *config);

/* Have every request answered with this. */
void answer_with(struct fixture *fixture, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What becomes of requests on the connections that there are now; new ones answer. */
void set_fate(struct fixture *fixture, enum fate fate);

/* Ask, with a deadline so far from now. */
int get_within(struct fixture *fixture, struct outcome *outcome, int64_t timeout,
	       struct pfs_http_request **ret_request);
void get(struct fixture *fixture, struct outcome *outcome, int64_t timeout);

/* Send this once, with such a deadline. */
int post_within(struct fixture *fixture, const char *body, struct outcome *outcome, int64_t timeout,
		struct pfs_http_request **ret_request);
void post(struct fixture *fixture, struct outcome *outcome, int64_t timeout);

/* How many requests aren't answered yet. */
unsigned under_way(struct fixture *fixture);

/* Of the oldest request; "" without one. */
const char *state_of(struct fixture *fixture);

/* Let bytes travel: once; until the oldest request is in this state; until this one ended. */
void turn(struct fixture *fixture);
void turn_until(struct fixture *fixture, const char *state);
void finish(struct fixture *fixture, struct outcome *outcome);

/* Move the clock, and serve what fell due. */
void pass(struct fixture *fixture, int64_t ns);

#endif
