/* SPDX-License-Identifier: MIT */
#include "api.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char collection[] = "/restore-jobs";

/* What a list gives without a limit; the API's description says 10. */
#define LIMIT_DEFAULT 100

enum sim_route sim_api_route(const char *method, const char *path)
{
	size_t n = sizeof(collection) - 1;

	if (strcmp(path, "/_sim") == 0 || strncmp(path, "/_sim/", 6) == 0)
		return SIM_ROUTE_CONTROL;
	if (strcmp(method, "GET") != 0 || strncmp(path, collection, n) != 0)
		return SIM_ROUTE_OTHER;
	if (!path[n])
		return SIM_ROUTE_LIST;
	if (path[n] == '/' && path[n + 1])
		return SIM_ROUTE_DESCRIBE;
	return SIM_ROUTE_OTHER;
}

bool sim_api_accepts_key(const char *key)
{
	return key && strncmp(key, "pcsk_", 5) == 0;
}

static int answer_unauthorized(const struct sim_query *query, struct sim_reply *reply)
{
	const char *reason = query->key ? "invalid_api_key" : "missing_api_key";
	int r = sim_reply_start(reply, 401, "text/plain");

	sim_text_str(&reply->body, "Invalid API key");
	return r < 0 ? r : sim_reply_header(reply, "x-pinecone-auth-rejected-reason", reason);
}

static int answer_describe(const struct sim_world *world, const struct sim_query *query,
			   int64_t now_us, struct sim_reply *reply)
{
	const char *id = query->path + sizeof(collection);
	int64_t slot = sim_world_find(world, id);
	struct sim_scratch scratch;

	if (slot < 0) {
		struct sim_text message = {0};
		char *str;
		int r = -ENOMEM;

		sim_text_str(&message, "Restore job ");
		sim_text_str(&message, id);
		sim_text_str(&message, " not found.");
		str = sim_text_take(&message);
		if (str)
			r = sim_reply_error(reply, 404, NULL, str);
		free(str);
		return r;
	}
	sim_job_render(sim_world_view(world, (uint32_t)slot, &scratch), now_us, SIM_COMPACT,
		       &reply->body);
	return sim_reply_start(reply, 200, "application/json");
}

/* A limit is digits and nothing else, in range; 0: it isn't. */
static uint32_t parse_limit(const char *text)
{
	uint32_t limit = 0;

	for (size_t i = 0; text[i]; i++) {
		if (!isdigit((unsigned char)text[i]) || i >= 3)
			return 0;
		limit = limit * 10 + (uint32_t)(text[i] - '0');
	}
	return limit <= SIM_LIMIT_MAX ? limit : 0;
}

static int answer_list(const struct sim_world *world, const struct sim_listing *listing,
		       const struct sim_query *query, int64_t now_us, struct sim_reply *reply)
{
	struct sim_place place = {.limit = LIMIT_DEFAULT};

	if (query->limit && query->token)
		return sim_reply_error(reply, 400, NULL,
				       "limit and paginationToken must not be given together");
	if (query->limit) {
		place.limit = parse_limit(query->limit);
		if (place.limit == 0)
			return sim_reply_error(reply, 400, NULL, "limit must be between 1 and 100");
	}
	if (query->token && sim_page_parse_token(query->token, &place) < 0)
		return sim_reply_error(reply, 400, NULL, "Invalid pagination token");
	sim_page_render(world, listing, &place, now_us, &reply->body);
	return sim_reply_start(reply, 200, "application/json");
}

static int answer_other(const struct sim_query *query, struct sim_reply *reply)
{
	int r;

	if (sim_api_route("GET", query->path) == SIM_ROUTE_OTHER)
		return sim_reply_error(reply, 404, NULL, "Resource not found");
	r = sim_reply_error(reply, 405, NULL, "Method not allowed");
	return r < 0 ? r : sim_reply_header(reply, "Allow", "GET");
}

int sim_api_answer(const struct sim_world *world, const struct sim_listing *listing,
		   const struct sim_query *query, int64_t now_us, struct sim_reply *ret_reply)
{
	int r;

	if (!sim_api_accepts_key(query->key)) {
		r = answer_unauthorized(query, ret_reply);
		return r < 0 ? r : sim_text_error(&ret_reply->body);
	}
	switch (sim_api_route(query->method, query->path)) {
	case SIM_ROUTE_DESCRIBE:
		r = answer_describe(world, query, now_us, ret_reply);
		break;
	case SIM_ROUTE_LIST:
		r = answer_list(world, listing, query, now_us, ret_reply);
		break;
	default:
		r = answer_other(query, ret_reply);
		break;
	}
	return r < 0 ? r : sim_text_error(&ret_reply->body);
}
