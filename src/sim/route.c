/* SPDX-License-Identifier: MIT */
#include "route.h"

#include <string.h>

static const char stats[] = "/describe_index_stats";
static const char backups[] = "/backups";

/* How long @text is without @suffix; 0: it hasn't got it, or is nothing else. */
static size_t length_before(const char *text, const char *suffix)
{
	size_t n = strlen(text);
	size_t end = strlen(suffix);

	return n > end && strcmp(text + n - end, suffix) == 0 ? n - end : 0;
}

/* What follows @root in the path; NULL: it begins otherwise. */
static const char *skip(const char *path, const char *root)
{
	size_t n = strlen(root);

	return strncmp(path, root, n) == 0 ? path + n : NULL;
}

static struct sim_call find_read(unsigned int kind, const char *id)
{
	struct sim_call call = {.route = SIM_ROUTE_DESCRIBE, .kind = kind, .id = id};

	call.id_len = kind == SIM_INDEXES ? length_before(id, backups) : 0;
	if (call.id_len > 0) {
		call.route = SIM_ROUTE_LIST;
		call.kind = SIM_BACKUPS;
	} else {
		call.id_len = strlen(id);
	}
	return call;
}

/* A call below /kind/. */
static struct sim_call find_object(const char *method, unsigned int kind, const char *id)
{
	struct sim_call call = {.route = SIM_ROUTE_OTHER, .kind = kind};

	if (strcmp(method, "GET") == 0)
		return find_read(kind, id);
	call.command = sim_command_find(method, kind, id);
	if (call.command < 0)
		return call;
	call.route = SIM_ROUTE_COMMAND;
	call.id = id;
	call.id_len = strlen(id) - strlen(sim_commands[call.command].suffix);
	return call;
}

/* Below SIM_DATA_PATH. Older clients GET what newer ones POST. */
static struct sim_call find_stats(const char *method, const char *name)
{
	struct sim_call call = {.route = SIM_ROUTE_OTHER, .kind = SIM_INDEXES, .id = name};

	if (strcmp(method, "POST") == 0 || strcmp(method, "GET") == 0)
		call.id_len = length_before(name, stats);
	if (call.id_len > 0)
		call.route = SIM_ROUTE_STATS;
	return call;
}

static bool is_control(const char *path)
{
	const char *rest = skip(path, "/_sim");

	return rest && (*rest == '\0' || *rest == '/');
}

struct sim_call sim_route_find(const char *method, const char *path)
{
	struct sim_call call = {.route = SIM_ROUTE_OTHER};
	const char *rest = skip(path, SIM_DATA_PATH);

	if (is_control(path))
		call.route = SIM_ROUTE_CONTROL;
	if (rest)
		return find_stats(method, rest);
	for (unsigned int kind = 0; kind < SIM_KINDS; kind++) {
		rest = skip(path, "/");
		rest = rest ? skip(rest, sim_kinds[kind]->name) : NULL;
		if (rest && rest[0] == '/' && rest[1])
			return find_object(method, kind, rest + 1);
		if (!rest || *rest || strcmp(method, "GET") != 0)
			continue;
		call.route = SIM_ROUTE_LIST;
		call.kind = kind;
	}
	return call;
}
