/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char json[] = "application/json";

/* What an endpoint is given; @id is what follows its path, "" for none. */
struct order {
	struct sim *sim;
	const char *id;
	const cJSON *body; /* NULL for GET and DELETE */
	struct sim_reply *reply;
};

static int refuse(const struct order *order, unsigned int status, const char *why, const char *what)
{
	struct sim_text message = {0};
	char *str;
	int r;

	sim_text_str(&message, why);
	if (what) {
		sim_text_str(&message, ": ");
		sim_text_str(&message, what);
	}
	str = sim_text_take(&message);
	r = str ? sim_reply_error(order->reply, status, NULL, str) : -ENOMEM;
	free(str);
	return r;
}

static int answer_errno(const struct order *order, int error)
{
	switch (error) {
	case -EEXIST:
		return refuse(order, 409, "a job has this id already", NULL);
	case -EINVAL:
		return refuse(order, 400,
			      "not a job: a key has a value of the wrong kind; see pinecone-sim(1)",
			      NULL);
	case -E2BIG:
		return refuse(order, 400, "too many keys", NULL);
	case -ENOSPC:
		return refuse(order, 400, "too many jobs", NULL);
	default:
		return error;
	}
}

static int answer_empty(const struct order *order)
{
	order->reply->status = 204;
	return 0;
}

static int answer_job(const struct order *order, uint32_t slot, unsigned int status)
{
	struct sim_scratch scratch;
	const struct sim_job *job = sim_world_view(&order->sim->world, slot, &scratch);

	sim_job_render(job, sim_clock_now(&order->sim->clock), SIM_COMPACT, &order->reply->body);
	return sim_reply_start(order->reply, status, json);
}

static int add_job(const struct order *order)
{
	struct sim *sim = order->sim;
	int64_t now_us = sim_clock_now(&sim->clock);
	uint32_t slot;
	int r;

	r = sim_world_add(&sim->world, order->body, now_us, now_us + sim->listing.late_us, &slot);
	return r < 0 ? answer_errno(order, r) : answer_job(order, slot, 201);
}

static int change_job(const struct order *order)
{
	struct sim *sim = order->sim;
	int64_t slot = sim_world_find(&sim->world, order->id);
	int r;

	if (slot < 0)
		return refuse(order, 404, "no such job", order->id);
	r = sim_world_change(&sim->world, (uint32_t)slot, order->body, sim_clock_now(&sim->clock));
	return r < 0 ? answer_errno(order, r) : answer_job(order, (uint32_t)slot, 200);
}

static int remove_job(const struct order *order)
{
	int64_t slot = sim_world_find(&order->sim->world, order->id);

	if (slot < 0)
		return refuse(order, 404, "no such job", order->id);
	sim_world_remove(&order->sim->world, (uint32_t)slot);
	return answer_empty(order);
}

/* The place of a text in a row of names; -1: it isn't there, or is no text. */
static int find_name(const cJSON *item, const char *const *names, int n)
{
	const char *name = cJSON_GetStringValue(item);

	for (int i = 0; name && i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

static const char *const endless_names[] = {"no", "rows", "empty"};
static const char *const ending_names[] = {"null", "missing", "empty", "next_null"};
static const char *const layout_names[] = {"compact", "pretty"};

static bool is_number(const cJSON *item, double most)
{
	double value = cJSON_GetNumberValue(item);

	return value >= 0 && value <= most;
}

/* Read one habit other than drop into @listing; false: it makes no sense. */
static bool read_habit(struct sim_listing *listing, const cJSON *item)
{
	const char *key = item->string;
	int at = 0;

	if (strcmp(key, "repeat") == 0 && is_number(item, SIM_LIMIT_MAX)) {
		listing->repeat = (uint32_t)item->valueint;
	} else if (strcmp(key, "late") == 0 && is_number(item, 1e9)) {
		listing->late_us = (int64_t)llround(item->valuedouble * 1e6);
	} else if (strcmp(key, "loop_token") == 0 && cJSON_IsBool(item)) {
		listing->loop_token = cJSON_IsTrue(item);
	} else if (strcmp(key, "endless") == 0) {
		at = cJSON_IsFalse(item) ? 0 : find_name(item, endless_names, 3);
		listing->endless = (enum sim_endless)at;
	} else if (strcmp(key, "end") == 0) {
		at = find_name(item, ending_names, 4);
		listing->ending = (enum sim_ending)at;
	} else if (strcmp(key, "layout") == 0) {
		at = find_name(item, layout_names, 2);
		listing->layout = (enum sim_layout)at;
	} else {
		/* What stays is known, and is read after everything has been found good. */
		return (strcmp(key, "drop") == 0 && sim_is_array_of_strings(item)) ||
		       (strcmp(key, "extra_rows") == 0 && sim_is_array_of_strings(item)) ||
		       (strcmp(key, "reset") == 0 && cJSON_IsBool(item));
	}
	return at >= 0;
}

static void drop_jobs(struct sim_world *world, const cJSON *ids)
{
	const cJSON *id;

	memset(world->flags, 0, world->n_slots);
	cJSON_ArrayForEach(id, ids) {
		int64_t slot = sim_world_find(world, id->valuestring);

		if (slot >= 0)
			world->flags[slot] |= SIM_SLOT_DROPPED;
	}
}

static const char *unknown_job(const struct sim_world *world, const cJSON *ids)
{
	const cJSON *id;

	cJSON_ArrayForEach(id, ids) {
		if (sim_world_find(world, id->valuestring) < 0)
			return id->valuestring;
	}
	return NULL;
}

static int answer_list_habits(const struct order *order)
{
	const struct sim_listing *listing = &order->sim->listing;
	struct sim_text *text = &order->reply->body;
	char late[32];

	(void)snprintf(late, sizeof(late), "%.9g", (double)listing->late_us / 1e6);
	sim_text_str(text, "{\"repeat\":");
	sim_text_number(text, listing->repeat);
	sim_text_str(text, ",\"late\":");
	sim_text_str(text, late);
	sim_text_str(text, listing->loop_token ? ",\"loop_token\":true" : ",\"loop_token\":false");
	sim_text_str(text, ",\"endless\":");
	sim_text_quoted(text, endless_names[listing->endless]);
	sim_text_str(text, ",\"end\":");
	sim_text_quoted(text, ending_names[listing->ending]);
	sim_text_str(text, ",\"layout\":");
	sim_text_quoted(text, layout_names[listing->layout]);
	sim_text_str(text, ",\"extra_rows\":");
	sim_text_number(text, cJSON_GetArraySize(listing->extra_rows));
	sim_text_char(text, '}');
	return sim_reply_start(order->reply, 200, json);
}

static int replace_extra_rows(struct sim_listing *listing, const cJSON *rows)
{
	cJSON *copy = cJSON_GetArraySize(rows) > 0 ? cJSON_Duplicate(rows, true) : NULL;

	if (!copy && cJSON_GetArraySize(rows) > 0)
		return -ENOMEM;
	cJSON_Delete(listing->extra_rows);
	listing->extra_rows = copy;
	return 0;
}

static int change_list(const struct order *order)
{
	struct sim *sim = order->sim;
	const cJSON *drop = cJSON_GetObjectItemCaseSensitive(order->body, "drop");
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(order->body, "extra_rows");
	bool reset = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(order->body, "reset"));
	struct sim_listing listing = sim->listing;
	const char *unknown;
	const cJSON *item;
	int r;

	if (reset)
		listing = (struct sim_listing){.extra_rows = sim->listing.extra_rows};
	cJSON_ArrayForEach(item, order->body) {
		if (!read_habit(&listing, item))
			return refuse(order, 400,
				      "the list has no such habit, or it takes another value",
				      item->string);
	}
	unknown = unknown_job(&sim->world, drop);
	if (unknown)
		return refuse(order, 404, "no such job", unknown);
	if (rows || reset) {
		r = replace_extra_rows(&listing, rows);
		if (r < 0)
			return r;
	}
	if (drop || reset)
		drop_jobs(&sim->world, drop);
	sim->listing = listing;
	return answer_list_habits(order);
}

static int add_fault(const struct order *order)
{
	const char *why = NULL;
	int r = sim_faults_add(&order->sim->faults, order->body, &why);

	if (r == -EINVAL)
		return refuse(order, 400, "a rule has no such key, or it takes another value", why);
	if (r == -ENOSPC)
		return refuse(order, 400, why, NULL);
	if (r < 0)
		return r;
	sim_text_str(&order->reply->body, "{\"rules\":");
	sim_text_number(&order->reply->body, (int64_t)order->sim->faults.n);
	sim_text_char(&order->reply->body, '}');
	return sim_reply_start(order->reply, 201, json);
}

static int show_faults(const struct order *order)
{
	sim_faults_render(&order->sim->faults, &order->reply->body);
	return sim_reply_start(order->reply, 200, json);
}

static int clear_faults(const struct order *order)
{
	sim_faults_clear(&order->sim->faults);
	return answer_empty(order);
}

static int show_requests(const struct order *order)
{
	sim_count_render(&order->sim->count, &order->reply->body);
	return sim_reply_start(order->reply, 200, json);
}

static int show_log(const struct order *order)
{
	sim_count_render_log(&order->sim->count, &order->reply->body);
	return sim_reply_start(order->reply, 200, json);
}

static int reset_requests(const struct order *order)
{
	sim_count_reset(&order->sim->count);
	return answer_empty(order);
}

/* A path that ends in a slash is followed by an id. */
static const struct endpoint {
	const char *method;
	const char *path;
	int (*run)(const struct order *order);
} endpoints[] = {
	{"POST", "/_sim/jobs", add_job},	  {"POST", "/_sim/jobs/", change_job},
	{"DELETE", "/_sim/jobs/", remove_job},	  {"GET", "/_sim/list", answer_list_habits},
	{"POST", "/_sim/list", change_list},	  {"GET", "/_sim/faults", show_faults},
	{"POST", "/_sim/faults", add_fault},	  {"DELETE", "/_sim/faults", clear_faults},
	{"GET", "/_sim/requests", show_requests}, {"DELETE", "/_sim/requests", reset_requests},
	{"GET", "/_sim/log", show_log},
};

/* What follows the endpoint's path, "" for nothing; NULL: it is another endpoint's. */
static const char *match_path(const struct endpoint *endpoint, const char *path)
{
	size_t n = strlen(endpoint->path);

	if (endpoint->path[n - 1] != '/')
		return strcmp(path, endpoint->path) == 0 ? path + n : NULL;
	return strncmp(path, endpoint->path, n) == 0 && path[n] ? path + n : NULL;
}

static int run(const struct endpoint *endpoint, struct order *order, const struct sim_text *body)
{
	cJSON *parsed = NULL;
	int r;

	if (strcmp(endpoint->method, "POST") == 0) {
		parsed = cJSON_ParseWithLength(body->len ? body->data : "{}",
					       body->len ? body->len : 2);
		if (!cJSON_IsObject(parsed)) {
			cJSON_Delete(parsed);
			return refuse(order, 400, "the body is not a JSON object", NULL);
		}
	}
	order->body = parsed;
	r = endpoint->run(order);
	cJSON_Delete(parsed);
	return r < 0 ? r : sim_text_error(&order->reply->body);
}

int sim_control_answer(struct sim *sim, const char *method, const char *path,
		       const struct sim_text *body, struct sim_reply *ret_reply)
{
	struct order order = {.sim = sim, .reply = ret_reply};
	bool known = false;

	if (body->len > SIM_CONTROL_BODY_MAX)
		return refuse(&order, 413, "the body is too long", NULL);
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		order.id = match_path(&endpoints[i], path);
		if (order.id && strcmp(endpoints[i].method, method) == 0)
			return run(&endpoints[i], &order, body);
		known |= order.id != NULL;
	}
	return refuse(&order, known ? 405 : 404,
		      known ? "this endpoint has no such method" : "no such endpoint", path);
}
