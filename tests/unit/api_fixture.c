/* SPDX-License-Identifier: MIT */
#include "api_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the fake http ------------------------------------------------------------------------- */

void forget_headers(struct pfs_http_request *request)
{
	while (request->header_count)
		free(request->headers[--request->header_count]);
}

static int ask(struct pfs_http *http, const char *url, const char *const headers[],
	       const char *label, const char *body, int64_t deadline, pfs_http_done *done,
	       void *arg, struct pfs_http_request **ret_request)
{
	struct pfs_http_request *request = &http->request;

	if (http->refuse)
		return http->refuse;
	assert_false(request->under_way);
	request->under_way = true;
	snprintf(request->url, sizeof(request->url), "%s", url);
	snprintf(request->label, sizeof(request->label), "%s", label);
	forget_headers(request);
	for (; *headers; headers++) {
		assert_true(request->header_count < HEADERS_MAX);
		request->headers[request->header_count++] = strdup(*headers);
	}
	snprintf(request->body, sizeof(request->body), "%s", body);
	request->deadline = deadline;
	request->done = done;
	request->arg = arg;
	http->asked++;
	*ret_request = request;
	return 0;
}

int pfs_http_get(struct pfs_http *http, const char *url, const char *const headers[],
		 const char *label, int64_t deadline, pfs_http_done *done, void *arg,
		 struct pfs_http_request **ret_request)
{
	return ask(http, url, headers, label, "", deadline, done, arg, ret_request);
}

int pfs_http_post(struct pfs_http *http, const char *url, const char *const headers[],
		  const char *label, const char *body, int64_t deadline, pfs_http_done *done,
		  void *arg, struct pfs_http_request **ret_request)
{
	return ask(http, url, headers, label, body, deadline, done, arg, ret_request);
}

bool pfs_http_is_sent(const struct pfs_http_request *request)
{
	return request->sent;
}

void pfs_http_cancel(struct pfs_http_request *request)
{
	struct pfs_http *http = (struct pfs_http *)request; /* its first member */

	if (!request)
		return;
	assert_true(request->under_way);
	request->under_way = false;
	http->cancelled++;
}

/* --- the fixture --------------------------------------------------------------------------- */

int create_api(struct fixture *fixture, const char *additional, char *text, size_t size)
{
	const struct pfs_api_config config = {
		.url = "https://api.example",
		.version = "2025-10",
		.additional_headers = additional,
	};

	return pfs_api_create(&fixture->http, &fixture->stats, &fixture->key, &config,
			      &fixture->api, text, size);
}

int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	char text[200];

	if (!fixture)
		return -1;
	*state = fixture;
	fake_time_init(&fixture->time);
	strcpy(fixture->key.value, "pcsk_unit");
	fixture->kind = pfs_kind_by_name(&pfs_all_kinds, "restore-jobs");
	if (pfs_loop_create(&fixture->time.clock, &fixture->loop))
		return -1;
	return create_api(fixture, NULL, text, sizeof(text));
}

int teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_false(fixture->http.request.under_way);
	pfs_api_destroy(fixture->api);
	pfs_key_finish(&fixture->key);
	forget_headers(&fixture->http.request);
	pfs_loop_destroy(fixture->loop);
	free(fixture);
	return 0;
}

void on_done(void *arg, const struct pfs_api_answer *told)
{
	struct outcome *outcome = arg;
	size_t length = 0;

	*outcome = (struct outcome){
		.calls = outcome->calls + 1,
		.error = told->error,
		.status = told->status,
		.sent_at = told->sent_at,
		.retry_after = told->retry_after,
		.length = told->object ? told->object->length : 0,
		.row_count = told->row_count,
	};
	snprintf(outcome->text, sizeof(outcome->text), "%s", told->text);
	snprintf(outcome->request_id, sizeof(outcome->request_id), "%s", told->request_id);
	if (told->object)
		memcpy(outcome->object, told->object->bytes, told->object->length);
	for (size_t i = 0; i < told->row_count && length < sizeof(outcome->rows); i++)
		length += (size_t)snprintf(outcome->rows + length, sizeof(outcome->rows) - length,
					   "%s=%.*s;", told->rows[i].id,
					   (int)told->rows[i].object.length,
					   told->rows[i].object.bytes);
	snprintf(outcome->next, sizeof(outcome->next), "%s", told->next ? told->next : "");
}

void describe(struct fixture *fixture, const char *id)
{
	fixture->outcome.calls = 0;
	assert_int_equal(pfs_api_describe(fixture->api, fixture->kind, id, DEADLINE, on_done,
					  &fixture->outcome, &fixture->call),
			 0);
}

void list(struct fixture *fixture, const char *token)
{
	fixture->outcome.calls = 0;
	assert_int_equal(pfs_api_list(fixture->api, fixture->kind, token, 100, DEADLINE, on_done,
				      &fixture->outcome, &fixture->call),
			 0);
}

void answer(struct fixture *fixture, const struct pfs_http_answer *made)
{
	struct pfs_http_request *request = &fixture->http.request;

	assert_true(request->under_way);
	request->under_way = false;
	request->done(request->arg, made);
}

struct pfs_http_answer http_answer(int status, const char *body)
{
	return (struct pfs_http_answer){
		.outcome = PFS_HTTP_ANSWERED,
		.status = status,
		.text = "Reason",
		.body = body,
		.length = strlen(body),
		.request_id = "req-1",
		.rejected = "",
		.retry_after = -1,
		.sent_at = FAKE_START,
	};
}

void answer_with(struct fixture *fixture, int status, const char *body)
{
	const struct pfs_http_answer made = http_answer(status, body);

	answer(fixture, &made);
}

bool was_sent(const struct fixture *fixture, const char *header)
{
	for (size_t i = 0; i < fixture->http.request.header_count; i++) {
		if (!strcmp(fixture->http.request.headers[i], header))
			return true;
	}
	return false;
}
