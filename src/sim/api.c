/* SPDX-License-Identifier: MIT */
#include "api.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a list gives without a limit; the API's description says 10. */
#define LIMIT_DEFAULT 100

/* A path of the API without its method; SIM_ROUTE_OTHER: there is none such. */
static struct sim_call parse_path(const char *path)
{
	struct sim_call call = {.route = SIM_ROUTE_OTHER};

	for (unsigned int kind = 0; kind < SIM_KINDS; kind++) {
		size_t n = strlen(sim_kinds[kind]->name);

		if (path[0] != '/' || strncmp(path + 1, sim_kinds[kind]->name, n) != 0)
			continue;
		call.kind = kind;
		call.id = path + n + 2;
		if (!path[n + 1])
			call.route = SIM_ROUTE_LIST;
		else if (path[n + 1] == '/' && path[n + 2])
			call.route = SIM_ROUTE_DESCRIBE;
	}
	return call;
}

struct sim_call sim_api_route(const char *method, const char *path)
{
	struct sim_call call = parse_path(path);

	if (strcmp(path, "/_sim") == 0 || strncmp(path, "/_sim/", 6) == 0)
		call.route = SIM_ROUTE_CONTROL;
	else if (strcmp(method, "GET") != 0)
		call.route = SIM_ROUTE_OTHER;
	return call;
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

static int answer_missing(const struct sim_call *call, struct sim_reply *reply)
{
	struct sim_text message = {0};
	char *str;
	int r = -ENOMEM;

	sim_text_str(&message, sim_kinds[call->kind]->noun);
	sim_text_char(&message, ' ');
	sim_text_str(&message, call->id);
	sim_text_str(&message, " not found.");
	str = sim_text_take(&message);
	if (str)
		r = sim_reply_error(reply, 404, NULL, str);
	free(str);
	return r;
}

static int answer_describe(const struct sim_world *world, const struct sim_call *call,
			   int64_t now_us, struct sim_reply *reply)
{
	const struct sim_shelf *shelf = &world->shelves[call->kind];
	struct sim_view view = sim_world_view(world, now_us, SIM_COMPACT);
	int64_t slot = sim_shelf_find(shelf, call->id);
	struct sim_scratch scratch;

	if (slot < 0)
		return answer_missing(call, reply);
	sim_object_render(sim_shelf_read(shelf, (uint32_t)slot, &scratch), &view, &reply->body);
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

static int answer_page(const struct sim_shelf *shelf, const struct sim_listing *listing,
		       const struct sim_query *query, const struct sim_view *view,
		       struct sim_reply *reply)
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
	sim_page_render(shelf, listing, &place, view, &reply->body);
	return sim_reply_start(reply, 200, "application/json");
}

static int answer_list(const struct sim_world *world, const struct sim_listing *listings,
		       const struct sim_call *call, const struct sim_query *query, int64_t now_us,
		       struct sim_reply *reply)
{
	const struct sim_shelf *shelf = &world->shelves[call->kind];
	const struct sim_listing *listing = &listings[call->kind];
	struct sim_view view = sim_world_view(world, now_us, listing->layout);

	if (shelf->kind->is_paged)
		return answer_page(shelf, listing, query, &view, reply);
	sim_page_render_whole(shelf, listing, &view, &reply->body);
	return sim_reply_start(reply, 200, "application/json");
}

static int answer_other(const struct sim_query *query, struct sim_reply *reply)
{
	int r;

	if (parse_path(query->path).route == SIM_ROUTE_OTHER)
		return sim_reply_error(reply, 404, NULL, "Resource not found");
	r = sim_reply_error(reply, 405, NULL, "Method not allowed");
	return r < 0 ? r : sim_reply_header(reply, "Allow", "GET");
}

int sim_api_answer(const struct sim_world *world, const struct sim_listing *listings,
		   const struct sim_query *query, int64_t now_us, struct sim_reply *ret_reply)
{
	struct sim_call call = sim_api_route(query->method, query->path);
	int r;

	if (!sim_api_accepts_key(query->key))
		r = answer_unauthorized(query, ret_reply);
	else if (call.route == SIM_ROUTE_DESCRIBE)
		r = answer_describe(world, &call, now_us, ret_reply);
	else if (call.route == SIM_ROUTE_LIST)
		r = answer_list(world, listings, &call, query, now_us, ret_reply);
	else
		r = answer_other(query, ret_reply);
	return r < 0 ? r : sim_text_error(&ret_reply->body);
}
