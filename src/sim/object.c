/* SPDX-License-Identifier: MIT */
/*
 * Fields come from the kind's row. A field's function appends the value that the
 * facts give for this moment, or returns false where the real service leaves
 * the key out. The members are written into a scratch text first and then
 * joined, since the pretty layout has them in the reverse order.
 */
#include "kind.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys of one object; more than these are left out (cJSON objects set by hand are small). */
#define MEMBERS_MAX 256

/* Keys set by hand, so that a kind's own have room as well. */
#define SET_MAX	    200
#define REMOVED_MAX 1000

/* Whole numbers that a double has exactly. */
#define NUMBER_MAX 9e15

struct member {
	const char *key;
	size_t start; /* of its value in the scratch text */
	size_t len;
};

struct members {
	struct sim_text values;
	struct member list[MEMBERS_MAX];
	size_t n;
};

const char *sim_object_text(const struct sim_object *object, const char *key, const char *fallback)
{
	const char *set = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object->set, key));

	return set ? set : fallback;
}

void sim_object_write_schema(const struct sim_object *object, struct sim_text *text)
{
	const struct sim_contents *contents = &object->facts.contents;

	sim_text_str(text, "{\"fields\":{\"embedding\":{");
	if (contents->dimension > 0) {
		sim_text_str(text, "\"dimension\":");
		sim_text_number(text, contents->dimension);
		sim_text_char(text, ',');
	}
	sim_text_str(text, "\"metric\":");
	sim_text_quoted(text, contents->metric);
	sim_text_str(text, contents->dimension > 0 ? ",\"type\":\"dense_vector\"}}}"
						   : ",\"type\":\"sparse_vector\"}}}");
}

bool sim_object_is_done(const struct sim_object *object, int64_t now_us)
{
	return now_us >= object->facts.done_us;
}

bool sim_object_is_good(const struct sim_object *object, int64_t now_us)
{
	return sim_object_is_done(object, now_us) && object->facts.outcome == 0 && !object->gone_us;
}

const char *sim_object_state(const struct sim_object *object, int64_t now_us)
{
	if (object->gone_us)
		return object->kind->goes;
	if (sim_object_is_done(object, now_us))
		return object->kind->ends[object->facts.outcome];
	return object->running ? object->running : object->kind->begins;
}

static bool is_removed(const struct sim_object *object, const char *key)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, object->removed) {
		if (strcmp(item->valuestring, key) == 0)
			return true;
	}
	return false;
}

static void write_set(const cJSON *item, struct sim_text *text)
{
	char *value = cJSON_PrintUnformatted(item);

	if (value)
		sim_text_str(text, value);
	else
		text->failed = true;
	cJSON_free(value);
}

static void add_member(struct members *members, const char *key, size_t start)
{
	struct member *member = &members->list[members->n++];

	member->key = key;
	member->start = start;
	member->len = members->values.len - start;
}

/* An optional key that objects of this habit lack, or have as null. */
static bool is_absent(const struct sim_field *field, uint64_t habit)
{
	return field->period && habit % field->period == field->period / 2;
}

static bool is_null(const struct sim_field *field, uint64_t habit)
{
	return field->period && habit % field->period == field->period - 1;
}

static bool write_field(const struct sim_object *object, const struct sim_field *field,
			const struct sim_view *view, struct sim_text *text)
{
	if (is_absent(field, object->facts.habit))
		return false;
	if (!is_null(field, object->facts.habit))
		return field->write(object, view, text);
	sim_text_str(text, "null");
	return true;
}

/* Does this version have the field? */
static bool is_in(const struct sim_field *field, enum sim_version version)
{
	return field->shown == SIM_ALWAYS ||
	       (field->shown == SIM_FROM_2026_07) == (version == SIM_2026_07);
}

static bool is_field(const struct sim_kind *kind, const char *key, enum sim_version version)
{
	for (size_t i = 0; i < kind->n_fields; i++) {
		if (is_in(&kind->fields[i], version) && strcmp(kind->fields[i].key, key) == 0)
			return true;
	}
	return false;
}

static void collect_fields(const struct sim_object *object, const struct sim_view *view,
			   struct members *members)
{
	for (size_t i = 0; i < object->kind->n_fields; i++) {
		const struct sim_field *field = &object->kind->fields[i];
		const cJSON *set = cJSON_GetObjectItemCaseSensitive(object->set, field->key);
		size_t start = members->values.len;

		if (is_removed(object, field->key) || !is_in(field, view->version))
			continue;
		if (set)
			write_set(set, &members->values);
		else if (!write_field(object, field, view, &members->values))
			continue;
		add_member(members, field->key, start);
	}
}

static void collect_extras(const struct sim_object *object, const struct sim_view *view,
			   struct members *members)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, object->set) {
		size_t start = members->values.len;

		if (members->n == MEMBERS_MAX)
			return;
		if (is_field(object->kind, item->string, view->version) ||
		    is_removed(object, item->string))
			continue;
		write_set(item, &members->values);
		add_member(members, item->string, start);
	}
}

static void join(const struct members *members, enum sim_layout layout, struct sim_text *text)
{
	bool pretty = layout == SIM_PRETTY;

	sim_text_str(text, pretty ? "{\n" : "{");
	for (size_t i = 0; i < members->n; i++) {
		const struct member *member = &members->list[pretty ? members->n - 1 - i : i];

		if (i > 0)
			sim_text_str(text, pretty ? ",\n" : ",");
		if (pretty)
			sim_text_str(text, "    ");
		sim_text_quoted(text, member->key);
		sim_text_str(text, pretty ? " : " : ":");
		sim_text_bytes(text, members->values.data + member->start, member->len);
	}
	sim_text_str(text, pretty ? "\n}" : "}");
}

void sim_object_render(const struct sim_object *object, const struct sim_view *view,
		       struct sim_text *text)
{
	struct members members;

	if (object->raw) {
		sim_text_str(text, object->raw);
		return;
	}
	members.values = (struct sim_text){0};
	members.n = 0;
	collect_fields(object, view, &members);
	collect_extras(object, view, &members);
	if (members.values.failed)
		text->failed = true;
	else
		join(&members, view->layout, text);
	sim_text_finish(&members.values);
}

static int replace(char **where, const char *str)
{
	char *copy = str ? strdup(str) : NULL;

	if (str && !copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

static int set_key(struct sim_object *object, const cJSON *item)
{
	cJSON *copy;

	if (!object->set)
		object->set = cJSON_CreateObject();
	copy = cJSON_Duplicate(item, true);
	if (!object->set || !copy) {
		cJSON_Delete(copy);
		return -ENOMEM;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(object->set, item->string);
	if (cJSON_AddItemToObject(object->set, item->string, copy))
		return 0;
	cJSON_Delete(copy);
	return -ENOMEM;
}

static void unremove(struct sim_object *object, const char *key)
{
	int n = cJSON_GetArraySize(object->removed);

	for (int i = n - 1; i >= 0; i--) {
		if (strcmp(cJSON_GetArrayItem(object->removed, i)->valuestring, key) == 0)
			cJSON_DeleteItemFromArray(object->removed, i);
	}
}

static int remove_keys(struct sim_object *object, const cJSON *keys)
{
	const cJSON *key;

	if (!object->removed)
		object->removed = cJSON_CreateArray();
	cJSON_ArrayForEach(key, keys) {
		cJSON *copy;

		unremove(object, key->valuestring);
		copy = cJSON_CreateString(key->valuestring);
		if (!cJSON_AddItemToArray(object->removed, copy)) {
			cJSON_Delete(copy);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Which end a state's text is; -1: none of them. Exact, as a test may want "completed". */
static int outcome_of(const struct sim_kind *kind, const char *state)
{
	for (unsigned int i = 0; i < kind->n_ends; i++) {
		if (strcmp(kind->ends[i], state) == 0)
			return (int)i;
	}
	return -1;
}

/* The field shows what the facts say again. */
static void uncover(struct sim_object *object, const char *key)
{
	unremove(object, key);
	cJSON_DeleteItemFromObjectCaseSensitive(object->set, key);
}

static int change_state(struct sim_object *object, const char *state, int64_t now_us)
{
	int outcome = outcome_of(object->kind, state);
	int r;

	uncover(object, object->kind->state_field);
	object->ready = SIM_READY_BY_STATE;
	if (outcome >= 0) {
		object->facts.outcome = (unsigned int)outcome;
		object->facts.done_us = now_us;
		return 0;
	}
	r = replace(&object->running, state);
	if (r < 0)
		return r;
	object->facts.outcome = 0;
	object->facts.done_us = SIM_NEVER;
	return 0;
}

static void change_ready(struct sim_object *object, const cJSON *item)
{
	if (!item)
		return;
	uncover(object, object->kind->state_field);
	object->ready = SIM_READY_BY_STATE;
	if (cJSON_IsBool(item))
		object->ready = cJSON_IsTrue(item) ? SIM_READY_YES : SIM_READY_NO;
}

static bool is_key(const char *key, const cJSON *item)
{
	return key && strcmp(key, item->string) == 0;
}

static void learn_number(const cJSON *item, const char *key, int64_t *number)
{
	double value = cJSON_GetNumberValue(item);

	if (is_key(key, item) && value >= 0 && value <= NUMBER_MAX)
		*number = (int64_t)value;
}

static void learn_text(const cJSON *item, const char *key, char *text, size_t size)
{
	const char *value = cJSON_GetStringValue(item);

	if (is_key(key, item) && value && strlen(value) < size)
		(void)snprintf(text, size, "%s", value);
}

/* What is shown of the contents is also what they are, if it is of the right type. */
static void learn(struct sim_contents *contents, const cJSON *item)
{
	learn_number(item, "records", &contents->records);
	learn_number(item, "record_count", &contents->records);
	learn_number(item, "namespace_count", &contents->namespaces);
	learn_number(item, "size_bytes", &contents->bytes);
	learn_number(item, "dimension", &contents->dimension);
	learn_text(item, "metric", contents->metric, sizeof(contents->metric));
	learn_text(item, "cloud", contents->cloud, sizeof(contents->cloud));
	learn_text(item, "region", contents->region, sizeof(contents->region));
}

static int change_key(struct sim_object *object, const cJSON *item, int64_t now_us)
{
	const struct sim_kind *kind = object->kind;

	learn(&object->facts.contents, item);
	if (is_key(kind->id_key, item) || is_key("restore_time", item) || is_key("records", item) ||
	    is_key(kind->ready_key, item))
		return 0;
	if (is_key("remove", item))
		return remove_keys(object, item);
	if (is_key(kind->state_key, item) && cJSON_IsString(item))
		return change_state(object, item->valuestring, now_us);
	if (is_key("raw", item))
		return replace(&object->raw, cJSON_GetStringValue(item));
	unremove(object, item->string);
	return set_key(object, item);
}

bool sim_is_array_of_strings(const cJSON *array)
{
	const cJSON *item;

	if (!cJSON_IsArray(array))
		return false;
	cJSON_ArrayForEach(item, array) {
		if (!cJSON_IsString(item))
			return false;
	}
	return true;
}

static const cJSON *find_ready(const struct sim_kind *kind, const cJSON *body)
{
	return kind->ready_key ? cJSON_GetObjectItemCaseSensitive(body, kind->ready_key) : NULL;
}

/* Before anything is changed, so that a refused request changes nothing. */
static bool is_change(const struct sim_kind *kind, const cJSON *body)
{
	const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(body, "restore_time");
	const cJSON *raw = cJSON_GetObjectItemCaseSensitive(body, "raw");
	const cJSON *keys = cJSON_GetObjectItemCaseSensitive(body, "remove");
	const cJSON *records = cJSON_GetObjectItemCaseSensitive(body, "records");
	const cJSON *ready = find_ready(kind, body);

	if (!cJSON_IsObject(body))
		return false;
	if (ready && !cJSON_IsBool(ready) && !cJSON_IsNull(ready))
		return false;
	if (records && !(cJSON_GetNumberValue(records) >= 0 && records->valuedouble <= NUMBER_MAX))
		return false;
	if (seconds && !(cJSON_GetNumberValue(seconds) >= 0 && seconds->valuedouble <= 1e9))
		return false;
	if (raw && !cJSON_IsString(raw) && !cJSON_IsNull(raw))
		return false;
	return !keys || sim_is_array_of_strings(keys);
}

/* Would the object have more keys set, or removed, than it may have? */
static bool is_too_much(const struct sim_object *object, const cJSON *body)
{
	const cJSON *removed = cJSON_GetObjectItemCaseSensitive(body, "remove");
	int n = cJSON_GetArraySize(object->set);
	const cJSON *item;

	cJSON_ArrayForEach(item, body) {
		if (!cJSON_GetObjectItemCaseSensitive(object->set, item->string))
			n++;
	}
	return n > SET_MAX ||
	       cJSON_GetArraySize(object->removed) + cJSON_GetArraySize(removed) > REMOVED_MAX;
}

int sim_object_change(struct sim_object *object, const cJSON *body, int64_t now_us)
{
	const cJSON *item;

	if (!is_change(object->kind, body))
		return -EINVAL;
	if (is_too_much(object, body))
		return -E2BIG;
	cJSON_ArrayForEach(item, body) {
		int r = change_key(object, item, now_us);

		if (r < 0)
			return r;
	}
	/* After the state, which sets the end to now or to never, and readiness to what belongs. */
	change_ready(object, find_ready(object->kind, body));
	item = cJSON_GetObjectItemCaseSensitive(body, "restore_time");
	if (item)
		object->facts.done_us = now_us + (int64_t)llround(item->valuedouble * 1e6);
	return 0;
}

void sim_object_finish(struct sim_object *object)
{
	free(object->id);
	free(object->origin);
	free(object->running);
	free(object->raw);
	cJSON_Delete(object->set);
	cJSON_Delete(object->removed);
	*object = (struct sim_object){0};
}
