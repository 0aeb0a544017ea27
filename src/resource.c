/* SPDX-License-Identifier: MIT */
#include "pinefs/resource.h"

#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- the table ----------------------------------------------------------------------------- */

static const struct pfs_field restore_job_fields[] = {
	{.name = "restore_job_id"},  {.name = "backup_id"},	   {.name = "target_index_name"},
	{.name = "target_index_id"}, {.name = "status"},	   {.name = "created_at"},
	{.name = "completed_at"},    {.name = "percent_complete"},
};

_Static_assert(COUNT(restore_job_fields) <= PFS_FIELDS_MAX, "each field is a file");

/* The service says Cancelled; one l is the other spelling that clients have been seen to expect. */
static const struct pfs_state restore_job_ends[] = {
	{"Completed", PFS_END_GOOD},
	{"Failed", PFS_END_FAILED},
	{"Cancelled", PFS_END_CANCELLED},
	{"Canceled", PFS_END_CANCELLED},
};

static const struct pfs_link restore_job_links[] = {
	{"backup", "backups", "backup_id"},
	{"index", "indexes", "target_index_name"},
};

_Static_assert(COUNT(restore_job_links) <= PFS_LINKS_MAX, "each link has a number");

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
	.links = restore_job_links,
	.link_count = COUNT(restore_job_links),
	.metrics = {.count = "restore_jobs",
		    .label = "status",
		    .oldest = "restore_job_oldest_pending_timestamp_seconds",
		    .failed = "restore_job_newest_failed_timestamp_seconds"},
	.is_final = true,
	.has_done = true,
};

static const struct pfs_field backup_fields[] = {
	{.name = "backup_id"},
	{.name = "source_index_name"},
	{.name = "source_index_id"},
	{.name = "name"},
	{.name = "description"},
	{.name = "status"},
	{.name = "cloud"},
	{.name = "region"},
	{.name = "dimension", .paths = {"dimension", "schema.fields.*.dimension"}},
	{.name = "metric", .paths = {"metric", "schema.fields.*.metric"}},
	{.name = "schema"},
	{.name = "record_count"},
	{.name = "namespace_count"},
	{.name = "size_bytes"},
	{.name = "tags", .is_map = true},
	{.name = "created_at"},
};

_Static_assert(COUNT(backup_fields) <= PFS_FIELDS_MAX, "each field is a file");

static const struct pfs_state backup_ends[] = {
	{"Ready", PFS_END_GOOD},
	{"InitializationFailed", PFS_END_FAILED},
	{"Failed", PFS_END_FAILED},
};

static const struct pfs_link backup_links[] = {{"index", "indexes", "source_index_name"}};

_Static_assert(COUNT(backup_links) <= PFS_LINKS_MAX, "each link has a number");

static const struct pfs_command backup_command = {
	.directory = "restores",
	.path = "/create-index",
	.answer = "restore_job_id",
	.job_kind = "restore-jobs",
	.source = "backup_id",
	.target = "target_index_name",
	.made_kind = "indexes",
};

/* Backups that have ended still change: a schedule may delete them. */
static const struct pfs_kind backups = {
	.number = 1,
	.name = "backups",
	.path = "/backups",
	.list_key = "data",
	.is_paged = true,
	.is_whole = true,
	.id = "backup_id",
	.status = "status",
	.created = "created_at",
	.fields = backup_fields,
	.field_count = COUNT(backup_fields),
	.states = backup_ends,
	.state_count = COUNT(backup_ends),
	.links = backup_links,
	.link_count = COUNT(backup_links),
	.command = &backup_command,
	.metrics = {.count = "backups",
		    .label = "status",
		    .newest = "backup_newest_ready_timestamp_seconds",
		    .newest_of = "source_index_name",
		    .newest_label = "index"},
	.has_done = true,
	.is_gone_at_a_404 = true,
};

/* Values stand in other places from version 2026-07 of the API on: see the second and third paths.
 */
static const struct pfs_field index_fields[] = {
	{.name = "name"},
	{.name = "status", .paths = {"status.state"}},
	{.name = "ready", .paths = {"status.ready"}},
	{.name = "host"},
	{.name = "private_host"},
	{.name = "dimension", .paths = {"dimension", "schema.fields.*.dimension"}},
	{.name = "metric", .paths = {"metric", "schema.fields.*.metric"}},
	{.name = "vector_type"},
	{.name = "cloud",
	 .paths = {"spec.serverless.cloud", "spec.byoc.cloud", "deployment.cloud"}},
	{.name = "region",
	 .paths = {"spec.serverless.region", "spec.byoc.region", "deployment.region"}},
	{.name = "deletion_protection"},
	{.name = "tags", .is_map = true},
	{.name = "embed"},
	{.name = "spec"},
	{.name = "deployment"},
	{.name = "schema"},
	{.name = "read_capacity", .paths = {"read_capacity", "spec.serverless.read_capacity"}},
	{.name = "source_collection",
	 .paths = {"source_collection", "spec.serverless.source_collection",
		   "spec.pod.source_collection"}},
	{.name = "source_backup_id"},
	{.name = "cmek_id"},
	{.name = "created_at"},
};

_Static_assert(COUNT(index_fields) <= PFS_FIELDS_MAX, "each field is a file");

/* States that can't become ready. One that is ready says so: see `ready`. */
static const struct pfs_state index_ends[] = {
	{"InitializationFailed", PFS_END_FAILED},
	{"Failed", PFS_END_FAILED},
	{"Terminating", PFS_END_FAILED},
	{"Terminated", PFS_END_FAILED},
	{"Disabled", PFS_END_FAILED},
};

static const struct pfs_kind indexes = {
	.number = 2,
	.name = "indexes",
	.path = "/indexes",
	.list_key = "indexes",
	.is_whole = true,
	.id = "name",
	.status = "status",
	.ready = "ready",
	.created = "created_at",
	.fields = index_fields,
	.field_count = COUNT(index_fields),
	.states = index_ends,
	.state_count = COUNT(index_ends),
	.metrics = {.count = "indexes", .label = "state"},
	.is_gone_at_a_404 = true,
};

static const struct pfs_field collection_fields[] = {
	{.name = "name"},      {.name = "size"},	 {.name = "status"},
	{.name = "dimension"}, {.name = "vector_count"}, {.name = "environment"},
};

_Static_assert(COUNT(collection_fields) <= PFS_FIELDS_MAX, "each field is a file");

static const struct pfs_state collection_ends[] = {
	{"Ready", PFS_END_GOOD},
	{"Terminating", PFS_END_FAILED},
	{"Terminated", PFS_END_FAILED},
};

static const struct pfs_kind collections = {
	.number = 3,
	.name = "collections",
	.path = "/collections",
	.list_key = "collections",
	.is_whole = true,
	.id = "name",
	.status = "status",
	.fields = collection_fields,
	.field_count = COUNT(collection_fields),
	.states = collection_ends,
	.state_count = COUNT(collection_ends),
	.metrics = {.count = "collections", .label = "status"},
	.has_done = true,
	.is_gone_at_a_404 = true,
};

const struct pfs_kinds pfs_all_kinds = {
	.rows = {&restore_jobs, &backups, &indexes, &collections},
	.count = 4,
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
		const char *other = kind->fields[i].name;

		if (*other == *name && !strcmp(other, name)) /* mostly no call */
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

bool pfs_command_takes(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	const size_t length = strlen(name);

	return length && length <= PFS_MADE_NAME_MAX && strspn(name, allowed) == length &&
	       name[0] != '-' && name[length - 1] != '-';
}
