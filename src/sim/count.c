/* SPDX-License-Identifier: MIT */
#include "count.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_path(const char *path)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	return hash;
}

static void count_path(struct sim_count *count, const char *path)
{
	uint64_t hash = hash_path(path);
	struct sim_path_count *place;

	for (size_t i = 0; i < count->n_paths; i++) {
		place = &count->paths[i];
		if (place->hash == hash && strcmp(place->path, path) == 0) {
			place->n++;
			return;
		}
	}
	if (count->n_paths == SIM_PATHS_MAX) {
		count->other_paths++;
		return;
	}
	place = &count->paths[count->n_paths];
	place->path = strdup(path);
	if (!place->path) {
		count->other_paths++;
		return;
	}
	place->hash = hash;
	place->n = 1;
	count->n_paths++;
}

void sim_count_begin(struct sim_count *count, const struct sim_call *call, const char *path,
		     const char *key)
{
	count->routes[call->route]++;
	if (call->route == SIM_ROUTE_DESCRIBE)
		count->kinds[call->kind].describe++;
	else if (call->route == SIM_ROUTE_LIST)
		count->kinds[call->kind].list++;
	else if (call->route == SIM_ROUTE_COMMAND)
		count->commands[call->command]++;
	if (!sim_api_accepts_key(key))
		count->unauthorized++;
	if (++count->at_once > count->most_at_once)
		count->most_at_once = count->at_once;
	count_path(count, path);
}

void sim_count_end(struct sim_count *count)
{
	count->at_once--;
}

struct sim_text *sim_count_log(struct sim_count *count)
{
	struct sim_text *entry = &count->log[count->logged++ % SIM_LOG_MAX];

	entry->len = 0;
	entry->failed = false;
	return entry;
}

static void write_figure(struct sim_text *text, const char *name, uint64_t n)
{
	sim_text_quoted(text, name);
	sim_text_char(text, ':');
	sim_text_number(text, (int64_t)n);
	sim_text_char(text, ',');
}

static void render_kinds(const struct sim_count *count, struct sim_text *text)
{
	sim_text_str(text, "\"kinds\":{");
	for (unsigned int kind = 0; kind < SIM_KINDS; kind++) {
		if (kind > 0)
			sim_text_char(text, ',');
		sim_text_quoted(text, sim_kinds[kind]->name);
		sim_text_str(text, ":{\"describe\":");
		sim_text_number(text, (int64_t)count->kinds[kind].describe);
		sim_text_str(text, ",\"list\":");
		sim_text_number(text, (int64_t)count->kinds[kind].list);
		sim_text_char(text, '}');
	}
	sim_text_str(text, "},");
}

void sim_count_render(const struct sim_count *count, struct sim_text *text)
{
	const uint64_t *routes = count->routes;
	uint64_t total = 0;

	for (unsigned int route = 0; route < SIM_ROUTES; route++)
		total += routes[route];
	sim_text_char(text, '{');
	write_figure(text, "describe", routes[SIM_ROUTE_DESCRIBE]);
	write_figure(text, "list", routes[SIM_ROUTE_LIST]);
	write_figure(text, "commands", routes[SIM_ROUTE_COMMAND]);
	for (unsigned int command = 0; command < SIM_COMMANDS; command++)
		write_figure(text, sim_commands[command].name, count->commands[command]);
	write_figure(text, "stats", routes[SIM_ROUTE_STATS]);
	write_figure(text, "other", routes[SIM_ROUTE_OTHER]);
	write_figure(text, "total", total);
	write_figure(text, "unauthorized", count->unauthorized);
	write_figure(text, "at_once", count->at_once);
	write_figure(text, "most_at_once", count->most_at_once);
	write_figure(text, "connections", count->connections);
	write_figure(text, "other_paths", count->other_paths);
	render_kinds(count, text);
	sim_text_str(text, "\"paths\":{");
	for (size_t i = 0; i < count->n_paths; i++) {
		if (i > 0)
			sim_text_char(text, ',');
		sim_text_quoted(text, count->paths[i].path);
		sim_text_char(text, ':');
		sim_text_number(text, (int64_t)count->paths[i].n);
	}
	sim_text_str(text, "}}");
}

void sim_count_render_log(const struct sim_count *count, struct sim_text *text)
{
	uint64_t first = count->logged > SIM_LOG_MAX ? count->logged - SIM_LOG_MAX : 0;

	sim_text_char(text, '[');
	for (uint64_t i = first; i < count->logged; i++) {
		const struct sim_text *entry = &count->log[i % SIM_LOG_MAX];

		if (i > first)
			sim_text_char(text, ',');
		if (entry->failed || entry->len == 0)
			sim_text_str(text, "null");
		else
			sim_text_bytes(text, entry->data, entry->len);
	}
	sim_text_char(text, ']');
}

void sim_count_finish(struct sim_count *count)
{
	for (size_t i = 0; i < count->n_paths; i++)
		free(count->paths[i].path);
	for (size_t i = 0; i < SIM_LOG_MAX; i++)
		sim_text_finish(&count->log[i]);
	*count = (struct sim_count){0};
}

void sim_count_reset(struct sim_count *count)
{
	uint64_t at_once = count->at_once;
	uint64_t round = count->round + 1;

	sim_count_finish(count);
	count->at_once = at_once;
	count->most_at_once = at_once;
	count->round = round;
}
