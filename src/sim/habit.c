/* SPDX-License-Identifier: MIT */
#include "habit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

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
		/* The others are read later, when all have been found good. */
		return strcmp(key, "kind") == 0 ||
		       (strcmp(key, "drop") == 0 && sim_is_array_of_strings(item)) ||
		       (strcmp(key, "extra_rows") == 0 && sim_is_array_of_strings(item)) ||
		       (strcmp(key, "reset") == 0 && cJSON_IsBool(item));
	}
	return at >= 0;
}

static void drop(struct sim_shelf *shelf, const cJSON *ids)
{
	const cJSON *id;

	memset(shelf->flags, 0, shelf->n_slots);
	cJSON_ArrayForEach(id, ids) {
		int64_t slot = sim_shelf_find(shelf, id->valuestring);

		if (slot >= 0)
			shelf->flags[slot] |= SIM_SLOT_DROPPED;
	}
}

static const char *find_unknown(const struct sim_shelf *shelf, const cJSON *ids)
{
	const cJSON *id;

	cJSON_ArrayForEach(id, ids) {
		if (sim_shelf_find(shelf, id->valuestring) < 0)
			return id->valuestring;
	}
	return NULL;
}

void sim_habit_render(const struct sim_listing *listing, unsigned int kind, struct sim_text *text)
{
	char late[32];

	(void)snprintf(late, sizeof(late), "%.9g", (double)listing->late_us / 1e6);
	sim_text_str(text, "{\"kind\":");
	sim_text_quoted(text, sim_kinds[kind]->name);
	sim_text_str(text, ",\"repeat\":");
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

int sim_habit_change(struct sim_listing *listing, struct sim_shelf *shelf, const cJSON *body,
		     const char **ret_why)
{
	const cJSON *ids = cJSON_GetObjectItemCaseSensitive(body, "drop");
	const cJSON *rows = cJSON_GetObjectItemCaseSensitive(body, "extra_rows");
	bool reset = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "reset"));
	struct sim_listing next = *listing;
	const cJSON *item;

	if (reset)
		next = (struct sim_listing){.extra_rows = listing->extra_rows};
	cJSON_ArrayForEach(item, body) {
		*ret_why = item->string;
		if (!read_habit(&next, item))
			return -EINVAL;
	}
	*ret_why = find_unknown(shelf, ids);
	if (*ret_why)
		return -ENOENT;
	if (rows || reset) {
		int r = replace_extra_rows(&next, rows);

		if (r < 0)
			return r;
	}
	if (ids || reset)
		drop(shelf, ids);
	*listing = next;
	shelf->late_us = next.late_us;
	return 0;
}
