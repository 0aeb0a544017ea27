/* SPDX-License-Identifier: MIT */
/*
 * api_fixture: what the tests of api share: an api on an http of the test's own, where each
 * question is seen as it would be sent, and answered at will.
 */
#ifndef PINEFS_API_FIXTURE_H
#define PINEFS_API_FIXTURE_H

#include "fake_time.h"
#include "pinefs/api.h"
#include "pinefs/key.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/text.h"
#include "unit.h"

#define HEADERS_MAX 40
#define DEADLINE    (FAKE_START + 30 * PFS_SECOND)

/* There is one request at a time. */
struct pfs_http_request {
	bool under_way;
	char url[800];
	char *headers[HEADERS_MAX];
	size_t header_count;
	char label[300];
	char body[200]; /* of a POST; "" for a GET */
	bool sent;	/* what pfs_http_is_sent says */
	int64_t deadline;
	void (*done)(void *arg, const struct pfs_http_answer *answer);
	void *arg;
};

struct pfs_http {
	struct pfs_http_request request;
	unsigned asked;
	unsigned cancelled;
	int refuse; /* what pfs_http_get and pfs_http_post say instead of asking */
};

/* What one call came to; texts and rows are copied, since they live only during done. */
struct outcome {
	unsigned calls;
	int error;
	int status;
	int64_t sent_at;
	int64_t retry_after;
	char text[PFS_FAILURE_TEXT];
	char request_id[100];
	char object[1000];
	size_t length;
	size_t row_count;
	char rows[1000]; /* "ID=OBJECT;" for each */
	char next[200];	 /* "" for NULL */
};

struct fixture {
	struct fake_time time;
	struct pfs_loop *loop;
	struct pfs_http http;
	struct pfs_stats stats;
	struct pfs_key key;
	struct pfs_api *api;
	const struct pfs_kind *kind;
	struct outcome outcome;
	struct pfs_api_call *call;
};

int setup(void **state);
int teardown(void **state);
int create_api(struct fixture *fixture, const char *additional, char *text, size_t size);

/* Ask; outcome and call are the fixture's. */
void describe(struct fixture *fixture, const char *id);
void list(struct fixture *fixture, const char *token);
void on_done(void *arg, const struct pfs_api_answer *told);

/* End the request under way. */
void answer(struct fixture *fixture, const struct pfs_http_answer *made);
void answer_with(struct fixture *fixture, int status, const char *body);
struct pfs_http_answer http_answer(int status, const char *body);

/* Free the copies of the last request's headers. */
void forget_headers(struct pfs_http_request *request);

/* Was this among the headers of the last request? */
bool was_sent(const struct fixture *fixture, const char *header);

#endif
