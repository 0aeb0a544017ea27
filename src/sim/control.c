/* SPDX-License-Identifier: MIT */
#include "control.h"

#include "habit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char json[] = "application/json";

/* What an endpoint is given; @id is what follows its path, "" for none. */
struct order {
	struct sim *sim;
	unsigned int kind; /* of an endpoint for objects */
	struct sim_shelf *shelf;
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
		return refuse(order, 409, "there is an object with this id already", NULL);
	case -EINVAL:
		return refuse(order, 400,
			      "a key has a value of the wrong type; see pinecone-sim(1)", NULL);
	case -E2BIG:
		return refuse(order, 400, "too many keys", NULL);
	case -ENOSPC:
		return refuse(order, 400, "too many objects", NULL);
	default:
		return error;
	}
}

static int answer_empty(const struct order *order)
{
	order->reply->status = 204;
	return 0;
}

static int answer_object(const struct order *order, uint32_t slot, unsigned int status)
{
	const struct sim_world *world = &order->sim->world;
	struct sim_view view =
		sim_world_view(world, sim_clock_now(&order->sim->clock), SIM_COMPACT, SIM_2025_10);
	struct sim_scratch scratch;

	sim_object_render(sim_shelf_read(order->shelf, slot, &scratch), &view, &order->reply->body);
	return sim_reply_start(order->reply, status, json);
}

static int add_object(const struct order *order)
{
	const struct sim *sim = order->sim;
	int64_t now_us = sim_clock_now(&sim->clock);
	uint32_t slot;
	int r;

	r = sim_shelf_add(order->shelf, order->body, now_us, &slot);
	return r < 0 ? answer_errno(order, r) : answer_object(order, slot, 201);
}

static int change_object(const struct order *order)
{
	int64_t slot = sim_shelf_find(order->shelf, order->id);
	int r;

	if (slot < 0)
		return refuse(order, 404, "there is no such id", order->id);
	r = sim_world_change(&order->sim->world, order->kind, (uint32_t)slot, order->body,
			     sim_clock_now(&order->sim->clock));
	return r < 0 ? answer_errno(order, r) : answer_object(order, (uint32_t)slot, 200);
}

static int remove_object(const struct order *order)
{
	int64_t slot = sim_shelf_find(order->shelf, order->id);

	if (slot < 0)
		return refuse(order, 404, "there is no such id", order->id);
	sim_shelf_remove(order->shelf, (uint32_t)slot);
	return answer_empty(order);
}

static int show_habits(const struct order *order, unsigned int kind)
{
	sim_habit_render(&order->sim->listings[kind], kind, &order->reply->body);
	return sim_reply_start(order->reply, 200, json);
}

static int show_list(const struct order *order)
{
	return show_habits(order, SIM_JOBS);
}

static int change_list(const struct order *order)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(order->body, "kind");
	int kind = name ? -ENOENT : SIM_JOBS;
	const char *why = NULL;
	int r;

	if (cJSON_IsString(name))
		kind = sim_kind_find(cJSON_GetStringValue(name));
	if (kind < 0)
		return refuse(order, 400, "there is no such kind", cJSON_GetStringValue(name));
	r = sim_habit_change(&order->sim->listings[kind], &order->sim->world.shelves[kind],
			     order->body, &why);
	if (r == -EINVAL)
		return refuse(order, 400, "the list has no such habit, or it takes another value",
			      why);
	if (r == -ENOENT)
		return refuse(order, 404, "there is no such id", why);
	return r < 0 ? r : show_habits(order, (unsigned int)kind);
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

static int show_limits(const struct order *order)
{
	struct sim_text *text = &order->reply->body;

	for (unsigned int kind = 0; kind < SIM_KINDS; kind++) {
		uint32_t limit = order->sim->world.limits[kind];

		sim_text_char(text, kind == 0 ? '{' : ',');
		sim_text_quoted(text, sim_kinds[kind]->name);
		sim_text_char(text, ':');
		if (limit == UINT32_MAX)
			sim_text_str(text, "null");
		else
			sim_text_number(text, limit);
	}
	sim_text_char(text, '}');
	return sim_reply_start(order->reply, 200, json);
}

static bool is_limit(const cJSON *item)
{
	double value = cJSON_GetNumberValue(item);

	return sim_kind_find(item->string) >= 0 &&
	       (cJSON_IsNull(item) || (value >= 0 && value <= 1e9));
}

static int change_limits(const struct order *order)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, order->body) {
		if (!is_limit(item))
			return refuse(order, 400,
				      "there is no such limit, or it takes another value",
				      item->string);
	}
	cJSON_ArrayForEach(item, order->body)
		order->sim->world.limits[sim_kind_find(item->string)] =
			cJSON_IsNull(item) ? UINT32_MAX : (uint32_t)item->valuedouble;
	return show_limits(order);
}

/* A path that ends in a slash is followed by an id. */
struct endpoint {
	const char *method;
	const char *path;
	int (*run)(const struct order *order);
};

/* Below that of a kind, which is /_sim/jobs for restore jobs. */
static const struct endpoint object_endpoints[] = {
	{"POST", "", add_object},
	{"POST", "/", change_object},
	{"DELETE", "/", remove_object},
	{NULL, NULL, NULL},
};

static const struct endpoint endpoints[] = {
	{"GET", "/_sim/list", show_list},
	{"POST", "/_sim/list", change_list},
	{"GET", "/_sim/faults", show_faults},
	{"POST", "/_sim/faults", add_fault},
	{"DELETE", "/_sim/faults", clear_faults},
	{"GET", "/_sim/requests", show_requests},
	{"DELETE", "/_sim/requests", reset_requests},
	{"GET", "/_sim/log", show_log},
	{"GET", "/_sim/limits", show_limits},
	{"POST", "/_sim/limits", change_limits},
	{NULL, NULL, NULL},
};

/* What follows the endpoint's path, "" for nothing; NULL: it is another endpoint's. */
static const char *match_path(const struct endpoint *endpoint, const char *path)
{
	size_t n = strlen(endpoint->path);

	if (n == 0 || endpoint->path[n - 1] != '/')
		return strcmp(path, endpoint->path) == 0 ? path + n : NULL;
	return strncmp(path, endpoint->path, n) == 0 && path[n] ? path + n : NULL;
}

/* What follows the path of a kind's endpoints, and which kind it is; NULL: it is none of them. */
static const char *take_kind(struct order *order, const char *path)
{
	static const char root[] = "/_sim/";
	const char *name = path + sizeof(root) - 1;

	if (strncmp(path, root, sizeof(root) - 1) != 0)
		return NULL;
	for (unsigned int kind = 0; kind < SIM_KINDS; kind++) {
		size_t n = strlen(sim_kinds[kind]->control);

		if (strncmp(name, sim_kinds[kind]->control, n) != 0 ||
		    (name[n] != '/' && name[n] != '\0'))
			continue;
		order->kind = kind;
		order->shelf = &order->sim->world.shelves[kind];
		return name + n;
	}
	return NULL;
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
	const char *rest = take_kind(&order, path);
	const struct endpoint *endpoint = rest ? object_endpoints : endpoints;
	bool known = false;

	if (body->len > SIM_CONTROL_BODY_MAX)
		return refuse(&order, 413, "the body is too long", NULL);
	sim_world_settle(&sim->world, sim_clock_now(&sim->clock));
	for (; endpoint->path; endpoint++) {
		order.id = match_path(endpoint, rest ? rest : path);
		if (order.id && strcmp(endpoint->method, method) == 0)
			return run(endpoint, &order, body);
		known |= order.id != NULL;
	}
	return refuse(&order, known ? 405 : 404,
		      known ? "this endpoint has no such method" : "there is no such endpoint",
		      path);
}
