/* SPDX-License-Identifier: MIT */
#include "pinefs/resource.h"

#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- the table ----------------------------------------------------------------------------- */

static const struct pfs_field restore_job_fields[] = {
	{"restore_job_id", {NULL}},  {"backup_id", {NULL}},	   {"target_index_name", {NULL}},
	{"target_index_id", {NULL}}, {"status", {NULL}},	   {"created_at", {NULL}},
	{"completed_at", {NULL}},    {"percent_complete", {NULL}},
};

_Static_assert(COUNT(restore_job_fields) <= PFS_FIELDS_MAX, "each field is a file");

/* The service says Cancelled; one l is the other spelling that clients have been seen to expect. */
static const struct pfs_state restore_job_ends[] = {
	{"Completed", PFS_END_GOOD},
	{"Failed", PFS_END_FAILED},
	{"Cancelled", PFS_END_CANCELLED},
	{"Canceled", PFS_END_CANCELLED},
};

static const struct pfs_kind restore_jobs = {
	.number = 0,
	.name = "restore-jobs",
	.path = "/restore-jobs",
	.list_key = "data",
	.is_paged = true,
	.id = "restore_job_id",
	.status = "status",
	.created = "created_at",
	.finished = "completed_at",
	.fields = restore_job_fields,
	.field_count = COUNT(restore_job_fields),
	.states = restore_job_ends,
	.state_count = COUNT(restore_job_ends),
	.is_final = true,
	.has_done = true,
};

const struct pfs_kinds pfs_all_kinds = {
	.rows = {&restore_jobs},
	.count = 1,
};

/* --- reading it ---------------------------------------------------------------------------- */

const struct pfs_kind *pfs_kind_by_name(const struct pfs_kinds *kinds, const char *name)
{
	for (size_t i = 0; i < kinds->count; i++) {
		if (!strcmp(kinds->rows[i]->name, name))
			return kinds->rows[i];
	}
	return NULL;
}

const struct pfs_field *pfs_kind_field(const struct pfs_kind *kind, const char *name)
{
	for (size_t i = 0; name && i < kind->field_count; i++) {
		if (!strcmp(kind->fields[i].name, name))
			return &kind->fields[i];
	}
	return NULL;
}

/* Is the member's key this path, or its first part? */
static enum pfs_reach path_reach(const char *path, const struct pfs_json_value *member)
{
	size_t length = strcspn(path, ".");

	if (!member->key || member->key_length != length || memcmp(member->key, path, length) != 0)
		return PFS_REACH_NONE;
	return path[length] ? PFS_REACH_PART : PFS_REACH_WHOLE;
}

enum pfs_reach pfs_field_reach(const struct pfs_field *field, const struct pfs_json_value *member)
{
	enum pfs_reach reach = PFS_REACH_NONE;

	if (!field->paths[0])
		return path_reach(field->name, member);
	for (size_t i = 0; i < PFS_PATHS_MAX && field->paths[i]; i++) {
		enum pfs_reach found = path_reach(field->paths[i], member);

		reach = found > reach ? found : reach;
	}
	return reach;
}

struct pfs_json_value pfs_field_value(const struct pfs_field *field, const struct pfs_json *json)
{
	struct pfs_json_value value = {0};

	if (!field->paths[0])
		return pfs_json_at(json, field->name);
	for (size_t i = 0; value.type == PFS_JSON_NULL && i < PFS_PATHS_MAX && field->paths[i]; i++)
		value = pfs_json_at(json, field->paths[i]);
	return value;
}

struct pfs_json_value pfs_kind_value(const struct pfs_kind *kind, const char *name,
				     const struct pfs_json *json)
{
	const struct pfs_field *field = pfs_kind_field(kind, name);

	return field ? pfs_field_value(field, json) : (struct pfs_json_value){0};
}

static bool says(const struct pfs_json_value *value, const char *word)
{
	return value->type == PFS_JSON_STRING && value->length == strlen(word) &&
	       !strncasecmp(value->text, word, value->length);
}

static bool is_true(const struct pfs_json_value *value)
{
	return value->type == PFS_JSON_BOOLEAN && value->length == strlen("true");
}

enum pfs_end pfs_kind_end(const struct pfs_kind *kind, const struct pfs_json *json)
{
	const struct pfs_json_value status = pfs_kind_value(kind, kind->status, json),
				    ready = pfs_kind_value(kind, kind->ready, json);

	for (size_t i = 0; i < kind->state_count; i++) {
		const struct pfs_state *state = &kind->states[i];

		if (says(&status, state->status))
			return state->end;
	}
	return is_true(&ready) ? PFS_END_GOOD : PFS_END_NONE;
}
