/* SPDX-License-Identifier: MIT */
/* The row of backups. */
#include "seed.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *sim_backup_source(const struct sim_object *backup)
{
	return sim_object_text(backup, "source_index_name",
			       backup->origin ? backup->origin : backup->facts.index_name);
}

/* Made by a command: it has of the optional keys those that it was given. */
static bool is_made(const struct sim_object *backup)
{
	return backup->origin;
}

static bool write_source_name(const struct sim_object *backup, const struct sim_view *view,
			      struct sim_text *text)
{
	sim_text_quoted(text, sim_backup_source(backup));
	return true;
}

static bool write_name(const struct sim_object *backup, const struct sim_view *view,
		       struct sim_text *text)
{
	char name[SIM_NAME_SIZE + 16];

	if (is_made(backup))
		return false;
	(void)snprintf(name, sizeof(name), "nightly-%s", backup->facts.index_name);
	sim_text_quoted(text, name);
	return true;
}

static bool write_description(const struct sim_object *backup, const struct sim_view *view,
			      struct sim_text *text)
{
	if (is_made(backup))
		return false;
	sim_text_str(text, "\"Made by the simulator, before the bulk update.\"");
	return true;
}

static bool write_cloud(const struct sim_object *backup, const struct sim_view *view,
			struct sim_text *text)
{
	sim_text_quoted(text, backup->facts.contents.cloud);
	return true;
}

static bool write_region(const struct sim_object *backup, const struct sim_view *view,
			 struct sim_text *text)
{
	sim_text_quoted(text, backup->facts.contents.region);
	return true;
}

static bool write_schema(const struct sim_object *backup, const struct sim_view *view,
			 struct sim_text *text)
{
	if (is_made(backup))
		return false;
	sim_text_str(text, "{\"fields\":{\"genre\":{\"filterable\":true}}}");
	return true;
}

static bool write_whole_schema(const struct sim_object *backup, const struct sim_view *view,
			       struct sim_text *text)
{
	sim_object_write_schema(backup, text);
	return true;
}

/* What is counted is known when the backup is made. */
static bool write_count(const struct sim_object *backup, const struct sim_view *view, int64_t count,
			struct sim_text *text)
{
	if (sim_object_is_good(backup, view->now_us))
		sim_text_number(text, count);
	else
		sim_text_str(text, "null");
	return true;
}

static bool write_records(const struct sim_object *backup, const struct sim_view *view,
			  struct sim_text *text)
{
	return write_count(backup, view, backup->facts.contents.records, text);
}

static bool write_namespaces(const struct sim_object *backup, const struct sim_view *view,
			     struct sim_text *text)
{
	return write_count(backup, view, backup->facts.contents.namespaces, text);
}

static bool write_size(const struct sim_object *backup, const struct sim_view *view,
		       struct sim_text *text)
{
	return write_count(backup, view, backup->facts.contents.bytes, text);
}

static bool write_tags(const struct sim_object *backup, const struct sim_view *view,
		       struct sim_text *text)
{
	sim_text_str(text, is_made(backup) ? "{}" : "{\"team\":\"search\",\"by\":\"schedule\"}");
	return true;
}

static void invent_id(uint64_t seed, uint64_t number, enum sim_birth birth,
		      char ret_id[SIM_NAME_SIZE])
{
	static const enum sim_salt salts[] = {
		[SIM_SEEDED] = SIM_SALT_BACKUP,
		[SIM_ADDED] = SIM_SALT_BACKUP_ADDED,
		[SIM_INVENTED] = SIM_SALT_BACKUP_INVENTED,
	};

	sim_dice_uuid(seed, number, salts[birth], ret_id);
}

static void imagine(uint64_t seed, uint64_t number, struct sim_facts *facts)
{
	sim_seed_imagine_name(seed, number, facts->index_name);
	sim_dice_uuid(seed, number, SIM_SALT_INDEX, facts->index_id);
	sim_seed_imagine_contents(seed, number, &facts->contents);
}

static void seed_facts(const struct sim_seeding *seeding, uint32_t number, struct sim_facts *facts)
{
	imagine(seeding->seed, number, facts);
	if (seeding->n[SIM_INDEXES] > 0)
		sim_seed_index(seeding, sim_seed_source_of(seeding, number), facts->index_name,
			       facts->index_id, &facts->contents);
	facts->created_us = sim_seed_backup_us(seeding, number);
	facts->done_us = facts->created_us + 60 * SIM_SECOND;
	facts->outcome = sim_seed_has_failed(number) ? 1 : 0;
	facts->habit = (uint64_t)number + 1;
}

static const struct sim_field fields[] = {
	{"backup_id", sim_field_id, 0, SIM_ALWAYS},
	{"source_index_name", write_source_name, 0, SIM_ALWAYS},
	{"source_index_id", sim_field_index_id, 0, SIM_ALWAYS},
	{"name", write_name, 4, SIM_ALWAYS},
	{"description", write_description, 3, SIM_ALWAYS},
	{"status", sim_field_state, 0, SIM_ALWAYS},
	{"cloud", write_cloud, 0, SIM_ALWAYS},
	{"region", write_region, 0, SIM_ALWAYS},
	{"dimension", sim_field_dimension, 5, SIM_UNTIL_2026_07},
	{"metric", sim_field_metric, 7, SIM_UNTIL_2026_07},
	{"schema", write_schema, 3, SIM_UNTIL_2026_07},
	{"schema", write_whole_schema, 3, SIM_FROM_2026_07},
	{"record_count", write_records, 8, SIM_ALWAYS},
	{"namespace_count", write_namespaces, 5, SIM_ALWAYS},
	{"size_bytes", write_size, 9, SIM_ALWAYS},
	{"tags", write_tags, 4, SIM_ALWAYS},
	{"created_at", sim_field_created, 0, SIM_ALWAYS},
};

static const char *const ends[] = {"Ready", "InitializationFailed"};

const struct sim_kind sim_kind_backup = {
	.name = "backups",
	.control = "backups",
	.noun = "Backup",
	.id_key = "backup_id",
	.list_key = "data",
	.is_paged = true,
	.most = 10000000,
	.fields = fields,
	.n_fields = COUNT(fields),
	.state_key = "status",
	.state_field = "status",
	.begins = "Initializing",
	.ends = ends,
	.n_ends = COUNT(ends),
	.invent_id = invent_id,
	.imagine = imagine,
	.seed = seed_facts,
};
