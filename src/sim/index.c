/* SPDX-License-Identifier: MIT */
/* The row of indexes, whose form is another one from 2026-07 on. */
#include "seed.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool sim_index_is_protected(const struct sim_object *index)
{
	return strcmp(sim_object_text(index, "deletion_protection", "disabled"), "enabled") == 0;
}

/* Made by a command: it has the tags that it was given. */
static bool is_restored(const struct sim_object *index)
{
	return index->origin;
}

static bool write_vector_type(const struct sim_object *index, const struct sim_view *view,
			      struct sim_text *text)
{
	sim_text_str(text, index->facts.contents.dimension == 0 ? "\"sparse\"" : "\"dense\"");
	return true;
}

static bool write_status(const struct sim_object *index, const struct sim_view *view,
			 struct sim_text *text)
{
	bool ready = sim_object_is_good(index, view->now_us);

	if (index->ready != SIM_READY_BY_STATE && !index->gone_us)
		ready = index->ready == SIM_READY_YES;
	sim_text_str(text, ready ? "{\"ready\":true,\"state\":" : "{\"ready\":false,\"state\":");
	sim_text_quoted(text, sim_object_state(index, view->now_us));
	sim_text_char(text, '}');
	return true;
}

/* Any byte may be in a name that a test gave. */
static void write_escaped(const char *name, struct sim_text *text)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;
		char code[4];

		if (isalnum(c) || c == '-' || c == '_' || c == '.') {
			sim_text_char(text, *name);
			continue;
		}
		(void)snprintf(code, sizeof(code), "%%%02X", c);
		sim_text_str(text, code);
	}
}

static bool write_host(const struct sim_object *index, const struct sim_view *view,
		       struct sim_text *text)
{
	if (is_restored(index) && view->now_us - index->facts.created_us < SIM_FRESH_US) {
		sim_text_str(text, "null");
		return true;
	}
	sim_text_char(text, '"');
	sim_text_str(text, view->base);
	sim_text_str(text, SIM_DATA_PATH);
	write_escaped(index->id, text);
	sim_text_char(text, '"');
	return true;
}

static bool write_spec(const struct sim_object *index, const struct sim_view *view,
		       struct sim_text *text)
{
	sim_text_str(text, "{\"serverless\":{\"region\":");
	sim_text_quoted(text, index->facts.contents.region);
	sim_text_str(text, ",\"cloud\":");
	sim_text_quoted(text, index->facts.contents.cloud);
	sim_text_str(text, "}}");
	return true;
}

static bool write_deployment(const struct sim_object *index, const struct sim_view *view,
			     struct sim_text *text)
{
	sim_text_str(text, "{\"deployment_type\":\"managed\",\"cloud\":");
	sim_text_quoted(text, index->facts.contents.cloud);
	sim_text_str(text, ",\"region\":");
	sim_text_quoted(text, index->facts.contents.region);
	sim_text_char(text, '}');
	return true;
}

static bool write_capacity(const struct sim_object *index, const struct sim_view *view,
			   struct sim_text *text)
{
	sim_text_str(text, "{\"mode\":\"OnDemand\",\"status\":{\"state\":\"Ready\"}}");
	return true;
}

static bool write_schema(const struct sim_object *index, const struct sim_view *view,
			 struct sim_text *text)
{
	sim_object_write_schema(index, text);
	return true;
}

static bool write_backup(const struct sim_object *index, const struct sim_view *view,
			 struct sim_text *text)
{
	const char *backup = is_restored(index) ? index->origin : index->facts.backup_id;

	if (!*backup)
		return false;
	sim_text_quoted(text, backup);
	return true;
}

static bool write_protection(const struct sim_object *index, const struct sim_view *view,
			     struct sim_text *text)
{
	sim_text_str(text, "\"disabled\"");
	return true;
}

static bool write_tags(const struct sim_object *index, const struct sim_view *view,
		       struct sim_text *text)
{
	if (is_restored(index))
		return false;
	sim_text_str(text, "{\"environment\":\"simulated\"}");
	return true;
}

static void invent_id(uint64_t seed, uint64_t number, enum sim_birth birth,
		      char ret_id[SIM_NAME_SIZE])
{
	uint64_t roll = sim_dice_roll(seed, number, SIM_SALT_INDEX_ADDED);
	const char *way = birth == SIM_ADDED ? "added" : "invented";

	if (birth == SIM_SEEDED)
		sim_seed_index_name(seed, (uint32_t)number, ret_id);
	else
		(void)snprintf(ret_id, SIM_NAME_SIZE, "%s-%016" PRIx64, way, roll);
}

static void imagine(uint64_t seed, uint64_t number, struct sim_facts *facts)
{
	sim_dice_uuid(seed, number, SIM_SALT_INDEX, facts->index_id);
	sim_seed_imagine_contents(seed, number, &facts->contents);
}

static void seed_facts(const struct sim_seeding *seeding, uint32_t number, struct sim_facts *facts)
{
	int64_t job = sim_seed_last_job_for(seeding, number);

	sim_seed_index(seeding, number, facts->index_name, facts->index_id, &facts->contents);
	facts->habit = (uint64_t)number + 1;
	if (job >= 0) {
		sim_seed_job_life(seeding, (uint32_t)job, facts);
		facts->done_us += seeding->ready_us;
		if (seeding->n[SIM_BACKUPS] > 0)
			sim_dice_uuid(seeding->seed, sim_seed_backup_of(seeding, (uint32_t)job),
				      SIM_SALT_BACKUP, facts->backup_id);
	} else {
		facts->created_us = sim_seed_index_us(seeding);
		facts->done_us = facts->created_us + 60 * SIM_SECOND;
	}
}

static const struct sim_field fields[] = {
	{"name", sim_field_id, 0, SIM_ALWAYS},
	{"vector_type", write_vector_type, 0, SIM_UNTIL_2026_07},
	{"metric", sim_field_metric, 0, SIM_UNTIL_2026_07},
	{"dimension", sim_field_dimension, 0, SIM_UNTIL_2026_07},
	{"status", write_status, 0, SIM_ALWAYS},
	{"host", write_host, 0, SIM_ALWAYS},
	{"spec", write_spec, 0, SIM_UNTIL_2026_07},
	{"deployment", write_deployment, 0, SIM_FROM_2026_07},
	{"read_capacity", write_capacity, 0, SIM_FROM_2026_07},
	{"schema", write_schema, 0, SIM_FROM_2026_07},
	{"source_backup_id", write_backup, 0, SIM_FROM_2026_07},
	{"deletion_protection", write_protection, 6, SIM_UNTIL_2026_07},
	{"deletion_protection", write_protection, 0, SIM_FROM_2026_07},
	{"tags", write_tags, 4, SIM_ALWAYS},
	{"created_at", sim_field_created, 5, SIM_UNTIL_2026_07},
};

static const char *const ends[] = {"Ready", "InitializationFailed"};

const struct sim_kind sim_kind_index = {
	.name = "indexes",
	.control = "indexes",
	.noun = "Index",
	.id_key = "name",
	.list_key = "indexes",
	.most = 100000,
	.fields = fields,
	.n_fields = COUNT(fields),
	.state_key = "state",
	.ready_key = "ready",
	.state_field = "status",
	.begins = "Initializing",
	.goes = "Terminating",
	.ends = ends,
	.n_ends = COUNT(ends),
	.invent_id = invent_id,
	.imagine = imagine,
	.seed = seed_facts,
};
