/* SPDX-License-Identifier: MIT */
#include "api.h"

#include "data.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A request, and all that it takes to answer it. */
struct question {
	struct sim_world *world;
	const struct sim_listing *listings;
	const struct sim_query *query;
	struct sim_call call;
	enum sim_version version;
	const char *id; /* of the object that the path names, "" for none */
	int64_t now_us;
	struct sim_reply *reply;
};

/* What a list gives without a limit; the API's description says 10. */
#define LIMIT_DEFAULT 100

bool sim_api_accepts_key(const char *key)
{
	return key && strncmp(key, "pcsk_", 5) == 0;
}

/* Without a version, or with an unknown one, the service takes the oldest. */
static enum sim_version parse_version(const char *version)
{
	return version && strcmp(version, "2026-07") == 0 ? SIM_2026_07 : SIM_2025_10;
}

static int answer_unauthorized(const struct sim_query *query, struct sim_reply *reply)
{
	const char *reason = query->key ? "invalid_api_key" : "missing_api_key";
	int r = sim_reply_start(reply, 401, "text/plain");

	sim_text_str(&reply->body, "Invalid API key");
	return r < 0 ? r : sim_reply_header(reply, "x-pinecone-auth-rejected-reason", reason);
}

static int answer_describe(const struct question *q)
{
	const struct sim_shelf *shelf = &q->world->shelves[q->call.kind];
	struct sim_view view = sim_world_view(q->world, q->now_us, SIM_COMPACT, q->version);
	int64_t slot = sim_shelf_find(shelf, q->id);
	struct sim_scratch scratch;

	if (slot < 0)
		return sim_reply_missing(q->reply, shelf->kind->noun, q->id);
	sim_object_render(sim_shelf_read(shelf, (uint32_t)slot, &scratch), &view, &q->reply->body);
	return sim_reply_start(q->reply, 200, "application/json");
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

/* A page of these rows. */
static int answer_page(const struct question *q, struct sim_rows rows)
{
	const struct sim_listing *listing = &q->listings[q->call.kind];
	struct sim_view view = sim_world_view(q->world, q->now_us, listing->layout, q->version);
	struct sim_place place = {.limit = LIMIT_DEFAULT};

	if (q->query->limit && q->query->token)
		return sim_reply_error(q->reply, 400, NULL,
				       "limit and paginationToken must not be given together");
	if (q->query->limit) {
		place.limit = parse_limit(q->query->limit);
		if (place.limit == 0)
			return sim_reply_error(q->reply, 400, NULL,
					       "limit must be between 1 and 100");
	}
	if (q->query->token && sim_page_parse_token(q->query->token, &place) < 0)
		return sim_reply_error(q->reply, 400, NULL, "Invalid pagination token");
	sim_page_render(&q->world->shelves[q->call.kind], listing, rows, &place, &view,
			&q->reply->body);
	return sim_reply_start(q->reply, 200, "application/json");
}

static bool is_of_index(const struct sim_object *backup, const void *name)
{
	return strcmp(sim_backup_source(backup), name) == 0;
}

/* The backups of one index. */
static int answer_selected(const struct question *q)
{
	const struct sim_shelf *indexes = &q->world->shelves[SIM_INDEXES];
	struct sim_rows rows;
	int r;

	if (sim_shelf_find(indexes, q->id) < 0)
		return sim_reply_missing(q->reply, indexes->kind->noun, q->id);
	r = sim_shelf_select(&q->world->shelves[SIM_BACKUPS], is_of_index, q->id, &rows);
	if (r < 0)
		return r;
	r = answer_page(q, rows);
	free((void *)rows.slots);
	return r;
}

static int answer_list(const struct question *q)
{
	const struct sim_shelf *shelf = &q->world->shelves[q->call.kind];
	const struct sim_listing *listing = &q->listings[q->call.kind];
	struct sim_view view = sim_world_view(q->world, q->now_us, listing->layout, q->version);

	if (q->call.id_len > 0)
		return answer_selected(q);
	if (shelf->kind->is_paged)
		return answer_page(q, sim_shelf_rows(shelf));
	sim_page_render_whole(shelf, listing, &view, &q->reply->body);
	return sim_reply_start(q->reply, 200, "application/json");
}

static int answer_command(const struct question *q)
{
	struct sim_order order = {
		.world = q->world,
		.id = q->id,
		.body = q->query->body,
		.version = q->version,
		.now_us = q->now_us,
		.reply = q->reply,
	};

	return sim_command_answer(&sim_commands[q->call.command], &order);
}

static int answer_stats(const struct question *q)
{
	return sim_data_answer(q->world, q->id, q->now_us, q->reply);
}

/* 404, or 405 for a path that has other methods. */
static int answer_other(const struct question *q)
{
	static const char *const methods[] = {"GET", "POST", "DELETE"};
	struct sim_text allowed = {0};
	char *str;
	int r;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (sim_route_find(methods[i], q->query->path).route == SIM_ROUTE_OTHER)
			continue;
		if (allowed.len > 0)
			sim_text_str(&allowed, ", ");
		sim_text_str(&allowed, methods[i]);
	}
	if (allowed.len == 0)
		return sim_reply_error(q->reply, 404, NULL, "Resource not found");
	str = sim_text_take(&allowed);
	r = str ? sim_reply_error(q->reply, 405, NULL, "Method not allowed") : -ENOMEM;
	if (r == 0)
		r = sim_reply_header(q->reply, "Allow", str);
	free(str);
	return r;
}

static int answer_call(const struct question *q)
{
	switch (q->call.route) {
	case SIM_ROUTE_DESCRIBE:
		return answer_describe(q);
	case SIM_ROUTE_LIST:
		return answer_list(q);
	case SIM_ROUTE_COMMAND:
		return answer_command(q);
	case SIM_ROUTE_STATS:
		return answer_stats(q);
	default:
		return answer_other(q);
	}
}

int sim_api_answer(struct sim_world *world, const struct sim_listing *listings,
		   const struct sim_query *query, int64_t now_us, struct sim_reply *ret_reply)
{
	struct question q = {
		.world = world,
		.listings = listings,
		.query = query,
		.call = sim_route_find(query->method, query->path),
		.version = parse_version(query->version),
		.now_us = now_us,
		.reply = ret_reply,
	};
	char *id = strndup(q.call.id ? q.call.id : "", q.call.id_len);
	int r;

	if (!id)
		return -ENOMEM;
	q.id = id;
	sim_world_settle(world, now_us);
	if (sim_api_accepts_key(query->key))
		r = answer_call(&q);
	else
		r = answer_unauthorized(query, ret_reply);
	free(id);
	return r < 0 ? r : sim_text_error(&ret_reply->body);
}
