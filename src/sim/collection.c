/* SPDX-License-Identifier: MIT */
/* The row of collections, which are copies of indexes with pods: few projects have them. */
#include "seed.h"

#include <inttypes.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Seeded collections are this old, and were made this far apart. */
#define AGE_US	   (SIM_SECOND * 400 * 86400)
#define SPACING_US (86400 * SIM_SECOND)

static bool write_size(const struct sim_object *collection, const struct sim_view *view,
		       struct sim_text *text)
{
	if (!sim_object_is_good(collection, view->now_us))
		return false;
	sim_text_number(text, collection->facts.contents.bytes);
	return true;
}

static bool write_vectors(const struct sim_object *collection, const struct sim_view *view,
			  struct sim_text *text)
{
	if (!sim_object_is_good(collection, view->now_us))
		return false;
	sim_text_number(text, collection->facts.contents.records);
	return true;
}

static bool write_environment(const struct sim_object *collection, const struct sim_view *view,
			      struct sim_text *text)
{
	char environment[80];

	(void)snprintf(environment, sizeof(environment), "%s-%s", collection->facts.contents.region,
		       collection->facts.contents.cloud);
	sim_text_quoted(text, environment);
	return true;
}

static void invent_id(uint64_t seed, uint64_t number, enum sim_birth birth,
		      char ret_id[SIM_NAME_SIZE])
{
	uint64_t roll = sim_dice_roll(seed, number, SIM_SALT_COLLECTION);
	const char *way = birth == SIM_ADDED ? "added" : "invented";

	if (birth == SIM_SEEDED)
		(void)snprintf(ret_id, SIM_NAME_SIZE, "pods-%" PRIu64, number + 1);
	else
		(void)snprintf(ret_id, SIM_NAME_SIZE, "%s-%016" PRIx64, way, roll);
}

static void imagine(uint64_t seed, uint64_t number, struct sim_facts *facts)
{
	sim_seed_imagine_contents(~seed, number, &facts->contents);
}

static void seed_facts(const struct sim_seeding *seeding, uint32_t number, struct sim_facts *facts)
{
	imagine(seeding->seed, number, facts);
	facts->habit = (uint64_t)number + 1;
	facts->created_us = seeding->start_us - AGE_US + (int64_t)number * SPACING_US;
	facts->done_us = facts->created_us + 60 * SIM_SECOND;
}

static const struct sim_field fields[] = {
	{"name", sim_field_id, 0, SIM_ALWAYS},
	{"size", write_size, 0, SIM_ALWAYS},
	{"status", sim_field_state, 0, SIM_ALWAYS},
	{"dimension", sim_field_dimension, 5, SIM_ALWAYS},
	{"vector_count", write_vectors, 4, SIM_ALWAYS},
	{"environment", write_environment, 0, SIM_ALWAYS},
};

static const char *const ends[] = {"Ready", "Terminating"};

const struct sim_kind sim_kind_collection = {
	.name = "collections",
	.control = "collections",
	.noun = "Collection",
	.id_key = "name",
	.list_key = "collections",
	.most = 1000,
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
