/* SPDX-License-Identifier: MIT */
/*
 * Fields come from a table of writers. A writer appends the value that the
 * facts give for this moment, or returns false where the real service leaves
 * the key out. The members are written into a scratch text first and then
 * joined, since the pretty layout has them in the reverse order.
 */
#include "job.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Keys of one object; more than these are left out (cJSON objects set by hand are small). */
#define MEMBERS_MAX 256

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

static bool is_done(const struct sim_job *job, int64_t now_us)
{
	return now_us >= job->facts.done_us;
}

static bool is_completed(const struct sim_job *job, int64_t now_us)
{
	return is_done(job, now_us) && job->facts.outcome == SIM_COMPLETED;
}

static const char *status_of(const struct sim_job *job, int64_t now_us)
{
	static const char *const ends[] = {"Completed", "Failed", "Cancelled"};

	if (is_done(job, now_us))
		return ends[job->facts.outcome];
	return job->running ? job->running : "Pending";
}

static bool write_id(const struct sim_job *job, int64_t now_us, struct sim_text *text)
{
	sim_text_quoted(text, job->id);
	return true;
}

static bool write_backup(const struct sim_job *job, int64_t now_us, struct sim_text *text)
{
	sim_text_quoted(text, job->facts.backup_id);
	return true;
}

static bool write_name(const struct sim_job *job, int64_t now_us, struct sim_text *text)
{
	sim_text_quoted(text, job->facts.index_name);
	return true;
}

static bool write_index(const struct sim_job *job, int64_t now_us, struct sim_text *text)
{
	sim_text_quoted(text, job->facts.index_id);
	return true;
}

static bool write_status(const struct sim_job *job, int64_t now_us, struct sim_text *text)
{
	sim_text_quoted(text, status_of(job, now_us));
	return true;
}

static bool write_created(const struct sim_job *job, int64_t now_us, struct sim_text *text)
{
	if (now_us - job->facts.created_us < SIM_FRESH_US)
		sim_text_str(text, "null");
	else
		sim_text_time(text, job->facts.created_us);
	return true;
}

static bool write_completed(const struct sim_job *job, int64_t now_us, struct sim_text *text)
{
	bool told = job->facts.outcome == SIM_COMPLETED || job->facts.tells_end;

	if (is_done(job, now_us) && told)
		sim_text_time(text, job->facts.done_us);
	else
		sim_text_str(text, "null");
	return true;
}

static bool write_percent(const struct sim_job *job, int64_t now_us, struct sim_text *text)
{
	if (is_completed(job, now_us))
		sim_text_str(text, "100");
	else if (job->facts.percent_null)
		sim_text_str(text, "null");
	else
		return false;
	return true;
}

static const struct field {
	const char *key;
	bool (*write)(const struct sim_job *job, int64_t now_us, struct sim_text *text);
} fields[] = {
	{"restore_job_id", write_id},	   {"backup_id", write_backup},
	{"target_index_name", write_name}, {"target_index_id", write_index},
	{"status", write_status},	   {"created_at", write_created},
	{"completed_at", write_completed}, {"percent_complete", write_percent},
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static bool is_field(const char *key)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcmp(fields[i].key, key) == 0)
			return true;
	}
	return false;
}

static bool is_removed(const struct sim_job *job, const char *key)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, job->removed) {
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

static void collect_fields(const struct sim_job *job, int64_t now_us, struct members *members)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const cJSON *set = cJSON_GetObjectItemCaseSensitive(job->set, fields[i].key);
		size_t start = members->values.len;

		if (is_removed(job, fields[i].key))
			continue;
		if (set)
			write_set(set, &members->values);
		else if (!fields[i].write(job, now_us, &members->values))
			continue;
		add_member(members, fields[i].key, start);
	}
}

static void collect_extras(const struct sim_job *job, struct members *members)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, job->set) {
		size_t start = members->values.len;

		if (members->n == MEMBERS_MAX)
			return;
		if (is_field(item->string) || is_removed(job, item->string))
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

void sim_job_render(const struct sim_job *job, int64_t now_us, enum sim_layout layout,
		    struct sim_text *text)
{
	struct members members;

	if (job->raw) {
		sim_text_str(text, job->raw);
		return;
	}
	members.values = (struct sim_text){0};
	members.n = 0;
	collect_fields(job, now_us, &members);
	collect_extras(job, &members);
	if (members.values.failed)
		text->failed = true;
	else
		join(&members, layout, text);
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

static int set_key(struct sim_job *job, const cJSON *item)
{
	cJSON *copy;

	if (!job->set)
		job->set = cJSON_CreateObject();
	if (cJSON_GetArraySize(job->set) >= (int)(MEMBERS_MAX - FIELDS))
		return -E2BIG;
	copy = cJSON_Duplicate(item, true);
	if (!job->set || !copy) {
		cJSON_Delete(copy);
		return -ENOMEM;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(job->set, item->string);
	if (cJSON_AddItemToObject(job->set, item->string, copy))
		return 0;
	cJSON_Delete(copy);
	return -ENOMEM;
}

static void unremove(struct sim_job *job, const char *key)
{
	int n = cJSON_GetArraySize(job->removed);

	for (int i = n - 1; i >= 0; i--) {
		if (strcmp(cJSON_GetArrayItem(job->removed, i)->valuestring, key) == 0)
			cJSON_DeleteItemFromArray(job->removed, i);
	}
}

static int remove_keys(struct sim_job *job, const cJSON *keys)
{
	const cJSON *key;

	if (!job->removed)
		job->removed = cJSON_CreateArray();
	cJSON_ArrayForEach(key, keys) {
		cJSON *copy;

		unremove(job, key->valuestring);
		copy = cJSON_CreateString(key->valuestring);
		if (!cJSON_AddItemToArray(job->removed, copy)) {
			cJSON_Delete(copy);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Which end a status text is; -1: none of them. Exact, as a test may want "completed". */
static int outcome_of(const char *status)
{
	if (strcmp(status, "Completed") == 0)
		return SIM_COMPLETED;
	if (strcmp(status, "Failed") == 0)
		return SIM_FAILED;
	if (strcmp(status, "Cancelled") == 0)
		return SIM_CANCELLED;
	return -1;
}

static int change_status(struct sim_job *job, const char *status, int64_t now_us)
{
	int outcome = outcome_of(status);
	int r;

	unremove(job, "status");
	cJSON_DeleteItemFromObjectCaseSensitive(job->set, "status");
	if (outcome >= 0) {
		job->facts.outcome = (enum sim_outcome)outcome;
		job->facts.done_us = now_us;
		return 0;
	}
	r = replace(&job->running, status);
	if (r < 0)
		return r;
	job->facts.outcome = SIM_COMPLETED;
	job->facts.done_us = SIM_NEVER;
	return 0;
}

static int change_key(struct sim_job *job, const cJSON *item, int64_t now_us)
{
	if (strcmp(item->string, "restore_job_id") == 0 ||
	    strcmp(item->string, "restore_time") == 0)
		return 0;
	if (strcmp(item->string, "remove") == 0)
		return remove_keys(job, item);
	if (strcmp(item->string, "status") == 0 && cJSON_IsString(item))
		return change_status(job, item->valuestring, now_us);
	if (strcmp(item->string, "raw") == 0)
		return replace(&job->raw, cJSON_GetStringValue(item));
	unremove(job, item->string);
	return set_key(job, item);
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

/* Before anything is changed, so that a refused request changes nothing. */
static bool is_change(const cJSON *body)
{
	const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(body, "restore_time");
	const cJSON *raw = cJSON_GetObjectItemCaseSensitive(body, "raw");
	const cJSON *keys = cJSON_GetObjectItemCaseSensitive(body, "remove");

	if (!cJSON_IsObject(body))
		return false;
	if (seconds && !(cJSON_GetNumberValue(seconds) >= 0 && seconds->valuedouble <= 1e9))
		return false;
	if (raw && !cJSON_IsString(raw) && !cJSON_IsNull(raw))
		return false;
	return !keys || sim_is_array_of_strings(keys);
}

int sim_job_change(struct sim_job *job, const cJSON *body, int64_t now_us)
{
	const cJSON *item;

	if (!is_change(body))
		return -EINVAL;
	cJSON_ArrayForEach(item, body) {
		int r = change_key(job, item, now_us);

		if (r < 0)
			return r;
	}
	/* After the status, which sets the end to now or to never. */
	item = cJSON_GetObjectItemCaseSensitive(body, "restore_time");
	if (item)
		job->facts.done_us = now_us + (int64_t)llround(item->valuedouble * 1e6);
	return 0;
}

void sim_job_finish(struct sim_job *job)
{
	free(job->id);
	free(job->running);
	free(job->raw);
	cJSON_Delete(job->set);
	cJSON_Delete(job->removed);
	*job = (struct sim_job){0};
}
