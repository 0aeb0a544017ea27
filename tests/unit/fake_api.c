/* SPDX-License-Identifier: MIT */
#include "fake_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/resource.h"
#include "unit.h"

#define ROWS_MAX 400

struct pfs_api_call {
	struct pfs_api *api;
	TAILQ_ENTRY(pfs_api_call) link;
	const struct pfs_kind *kind;
	char *id; /* NULL: a list */
	int64_t sent_at;
	pfs_api_done *done;
	void *arg;
};

void fake_api_init(struct pfs_api *api, struct pfs_loop *loop)
{
	*api = (struct pfs_api){.loop = loop, .retry_after = -1};
	TAILQ_INIT(&api->calls);
}

static void drop(struct pfs_api_call *call)
{
	TAILQ_REMOVE(&call->api->calls, call, link);
	call->api->under_way--;
	free(call->id);
	free(call);
}

void fake_api_finish(struct pfs_api *api)
{
	while (!TAILQ_EMPTY(&api->calls))
		drop(TAILQ_FIRST(&api->calls));
}

static int ask(struct pfs_api *api, const struct pfs_kind *kind, const char *id, pfs_api_done *done,
	       void *arg, struct pfs_api_call **ret_call)
{
	struct pfs_api_call *call;

	if (api->refuse)
		return api->refuse;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->id = id ? strdup(id) : NULL;
	if (id && !call->id) {
		free(call);
		return -ENOMEM;
	}
	call->api = api;
	call->kind = kind;
	call->sent_at = pfs_loop_now(api->loop);
	call->done = done;
	call->arg = arg;
	TAILQ_INSERT_TAIL(&api->calls, call, link);
	api->under_way++;
	*ret_call = call;
	return 0;
}

int pfs_api_describe(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		     int64_t deadline, pfs_api_done *done, void *arg,
		     struct pfs_api_call **ret_call)
{
	int error = ask(api, kind, id, done, arg, ret_call);

	assert_true(deadline > pfs_loop_now(api->loop));
	if (!error)
		api->describes++;
	return error;
}

int pfs_api_list(struct pfs_api *api, const struct pfs_kind *kind, const char *token,
		 unsigned limit, int64_t deadline, pfs_api_done *done, void *arg,
		 struct pfs_api_call **ret_call)
{
	int error = ask(api, kind, NULL, done, arg, ret_call);

	assert_int_equal(limit, 100);
	assert_true(deadline > pfs_loop_now(api->loop));
	if (!error)
		api->lists++;
	snprintf(api->token, sizeof(api->token), "%s", token ? token : "");
	return error;
}

int pfs_api_command(struct pfs_api *api, const struct pfs_kind *kind, const char *id,
		    const char *name, int64_t deadline, pfs_api_done *done, void *arg,
		    struct pfs_api_call **ret_call)
{
	char both[400];
	int error;

	snprintf(both, sizeof(both), "%s>%s", id, name);
	error = ask(api, kind, both, done, arg, ret_call);
	assert_true(deadline > pfs_loop_now(api->loop));
	if (!error)
		api->commands++;
	return error;
}

bool pfs_api_is_sent(const struct pfs_api_call *call)
{
	return call->api->sends;
}

void pfs_api_cancel(struct pfs_api_call *call)
{
	if (call)
		drop(call);
}

static struct pfs_api_call *find(const struct pfs_api *api, const char *id)
{
	struct pfs_api_call *call;

	TAILQ_FOREACH(call, &api->calls, link) {
		if (api->of && call->kind != api->of)
			continue;
		if (id ? call->id && !strcmp(call->id, id) : !call->id)
			return call;
	}
	return NULL;
}

bool fake_api_is_asked(const struct pfs_api *api, const char *id)
{
	return find(api, id) != NULL;
}

bool fake_api_oldest(const struct pfs_api *api, const char **ret_id)
{
	const struct pfs_api_call *call = TAILQ_FIRST(&api->calls);

	*ret_id = call ? call->id : NULL;
	return call != NULL;
}

/* As with the real one, the call is over before done is called. */
void fake_api_tell(struct pfs_api *api, const char *id, struct pfs_api_answer *answer)
{
	struct pfs_api_call *call = find(api, id), ended;

	if (!call) {
		fail_msg("nobody asks for %s", id ? id : "a list");
		return; /* gcc doesn't know that it never comes here */
	}
	ended = *call;
	drop(call);
	answer->sent_at = ended.sent_at;
	if (!answer->request_id)
		answer->request_id = "req-1";
	ended.done(ended.arg, answer);
}

/* From a copy of just these bytes: a sanitizer sees whoever reads on, or keeps them. */
static char *parse(const char *text, struct pfs_json *ret_json)
{
	size_t length = strlen(text);
	char *bytes = malloc(length);

	assert_non_null(bytes);
	memcpy(bytes, text, length);
	assert_int_equal(pfs_json_parse(bytes, length, PFS_JSON_DEPTH, ret_json), 0);
	return bytes;
}

void fake_api_answer(struct pfs_api *api, const char *id, const char *object)
{
	struct pfs_json json;
	struct pfs_api_answer answer = {
		.status = 200,
		.text = "",
		.retry_after = -1,
		.object = &json,
	};
	char *bytes = parse(object, &json);

	fake_api_tell(api, id, &answer);
	pfs_json_finish(&json);
	free(bytes);
}

static void format_object(const struct pfs_api *api, char *out, size_t size, const char *id,
			  const char *status)
{
	snprintf(out, size, "{\"%s\":\"%s\",\"status\":\"%s\"}",
		 api->of ? api->of->id : "restore_job_id", id, status);
}

void fake_api_status(struct pfs_api *api, const char *id, const char *status)
{
	char object[400];

	format_object(api, object, sizeof(object), id, status);
	fake_api_answer(api, id, object);
}

void fake_api_fail(struct pfs_api *api, const char *id, int error, int status)
{
	struct pfs_api_answer answer = {
		.error = error,
		.status = status,
		.text = "it failed",
		.retry_after = api->retry_after,
	};

	fake_api_tell(api, id, &answer);
}

void fake_api_page(struct pfs_api *api, const char *rows, const char *next)
{
	struct pfs_api_row *made = calloc(ROWS_MAX, sizeof(*made));
	struct pfs_api_answer answer = {
		.status = 200,
		.text = "",
		.retry_after = -1,
		.rows = made,
		.next = next,
	};
	char *words = strdup(rows), *rest = words, *word;

	assert_non_null(made);
	assert_non_null(words);
	while ((word = strsep(&rest, " "))) {
		char object[400], *status = word + strcspn(word, ":="), separator = *status;

		if (!*word)
			continue;
		assert_true(answer.row_count < ROWS_MAX);
		if (separator)
			*status++ = '\0';
		format_object(api, object, sizeof(object), word, separator ? status : "Pending");
		made[answer.row_count].id = word;
		(void)parse(separator == '=' ? status : object, &made[answer.row_count++].object);
	}
	fake_api_tell(api, NULL, &answer);
	for (size_t i = 0; i < answer.row_count; i++) {
		free((char *)made[i].object.bytes);
		pfs_json_finish(&made[i].object);
	}
	free(words);
	free(made);
}

void fake_api_made(struct pfs_api *api, const char *command, const char *job)
{
	struct pfs_api_answer answer = {
		.status = 202,
		.text = "",
		.retry_after = -1,
		.fate = PFS_FATE_DONE,
		.job = job,
	};

	fake_api_tell(api, command, &answer);
}

void fake_api_refuse(struct pfs_api *api, const char *command, enum pfs_api_fate fate, int error,
		     int status)
{
	struct pfs_api_answer answer = {
		.error = error,
		.status = status,
		.text = "it was refused",
		.retry_after = -1,
		.fate = fate,
	};

	fake_api_tell(api, command, &answer);
}
