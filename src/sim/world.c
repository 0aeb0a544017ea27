/* SPDX-License-Identifier: MIT */
/*
 * Ids are found through a hash table of slot numbers. The ids themselves are
 * not stored for seeded jobs: two rolls of the dice give one back, which is
 * cheaper than the cache miss of reading it. Removing a job moves the rest of
 * the order down (a memmove of 4 bytes a job, rare), so that a place in the
 * list is an index and a page costs the same however deep it is.
 */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)

/* Seeded jobs were created this far apart, give or take. */
#define SPACING_US (300 * SECOND)

#define REMOVED UINT32_MAX

static uint32_t hash_id(const char *id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *id; id++)
		hash = (hash ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash ^ (hash >> 32));
}

static void slot_id(const struct sim_world *world, uint32_t slot, char ret_id[SIM_UUID_SIZE])
{
	sim_dice_uuid(world->options.seed, slot, SIM_SALT_JOB, ret_id);
}

static bool slot_has_id(const struct sim_world *world, uint32_t slot, const char *id)
{
	char own[SIM_UUID_SIZE];

	if (world->own[slot])
		return strcmp(world->own[slot]->id, id) == 0;
	slot_id(world, slot, own);
	return strcmp(own, id) == 0;
}

/* Where the table holds this id; -ENOENT. */
static int64_t find_entry(const struct sim_world *world, const char *id)
{
	uint32_t mask = world->table_size - 1;

	for (uint32_t at = hash_id(id) & mask; world->table[at] != 0; at = (at + 1) & mask) {
		uint32_t entry = world->table[at];

		if (entry != REMOVED && slot_has_id(world, entry - 1, id))
			return at;
	}
	return -ENOENT;
}

static void enter(struct sim_world *world, const char *id, uint32_t slot)
{
	uint32_t mask = world->table_size - 1;
	uint32_t at = hash_id(id) & mask;

	while (world->table[at] != 0)
		at = (at + 1) & mask;
	world->table[at] = slot + 1;
	world->table_used++;
}

/* A table with room for twice as many jobs as there are, without the removed ones. */
static int rebuild_table(struct sim_world *world)
{
	uint32_t size = 64;
	uint32_t *table;

	while (size / 4 < world->n_jobs + 1)
		size *= 2;
	table = calloc(size, sizeof(*table));
	if (!table)
		return -ENOMEM;
	free(world->table);
	world->table = table;
	world->table_size = size;
	world->table_used = 0;
	for (uint32_t i = 0; i < world->n_jobs; i++) {
		struct sim_scratch scratch;

		enter(world, sim_world_view(world, world->order[i], &scratch)->id, world->order[i]);
	}
	return 0;
}

static int grow(struct sim_world *world, uint32_t cap)
{
	void *own = realloc(world->own, cap * sizeof(*world->own));
	void *flags, *order;

	if (!own)
		return -ENOMEM;
	world->own = own;
	flags = realloc(world->flags, cap);
	if (!flags)
		return -ENOMEM;
	world->flags = flags;
	order = realloc(world->order, cap * sizeof(*world->order));
	if (!order)
		return -ENOMEM;
	world->order = order;
	world->cap = cap;
	return 0;
}

/* A slot at the end of the order that the seed fills; its id is not entered yet. */
static uint32_t append_slot(struct sim_world *world)
{
	uint32_t slot = world->n_slots++;

	world->own[slot] = NULL;
	world->flags[slot] = 0;
	world->order[world->n_jobs++] = slot;
	return slot;
}

int sim_world_init(struct sim_world *world, const struct sim_world_options *options)
{
	int r;

	*world = (struct sim_world){.options = *options};
	if (options->jobs > SIM_JOBS_MAX || options->pending > options->jobs)
		return -EINVAL;
	r = grow(world, options->jobs + 16);
	if (r == 0) {
		while (world->n_slots < options->jobs)
			append_slot(world);
		r = rebuild_table(world);
	}
	if (r < 0)
		sim_world_finish(world);
	return r;
}

void sim_world_finish(struct sim_world *world)
{
	for (uint32_t slot = 0; slot < world->n_slots; slot++) {
		if (world->own[slot])
			sim_job_finish(world->own[slot]);
		free(world->own[slot]);
	}
	free(world->own);
	free(world->flags);
	free(world->order);
	free(world->table);
	*world = (struct sim_world){0};
}

int64_t sim_world_find(const struct sim_world *world, const char *id)
{
	int64_t at = find_entry(world, id);

	return at < 0 ? at : (int64_t)world->table[at] - 1;
}

uint32_t sim_world_at(const struct sim_world *world, uint32_t position)
{
	return world->order[position];
}

static void dream_name(uint64_t roll, char *ret_name, size_t size)
{
	static const char *const things[] = {"movies", "products", "articles", "tickets",
					     "papers", "recipes",  "songs",    "reviews"};
	static const char *const places[] = {"prod", "staging", "eu", "us-east",
					     "dev",  "archive", "qa", "shadow"};

	(void)snprintf(ret_name, size, "%s-%s-%u", things[roll & 7], places[roll >> 3 & 7],
		       (unsigned int)(roll >> 6 & 1023));
}

/* What doesn't depend on whether the job was seeded or added. */
static void dream_facts(uint64_t seed, uint64_t number, struct sim_facts *facts)
{
	uint64_t habit = sim_dice_roll(seed, number, SIM_SALT_HABIT);

	sim_dice_uuid(seed, number, SIM_SALT_BACKUP, facts->backup_id);
	sim_dice_uuid(seed, number, SIM_SALT_INDEX, facts->index_id);
	dream_name(sim_dice_roll(seed, number, SIM_SALT_NAME), facts->index_name,
		   sizeof(facts->index_name));
	facts->tells_end = habit & 1;
	facts->percent_null = (habit >> 1 & 3) == 0;
}

static void dream_finished(const struct sim_world_options *o, uint32_t slot,
			   struct sim_facts *facts)
{
	uint64_t roll = sim_dice_roll(o->seed, slot, SIM_SALT_TIME);
	int64_t age = (int64_t)(o->jobs - o->pending - slot) * SPACING_US;

	facts->created_us = o->start_us - age - (int64_t)(roll % (uint64_t)(SPACING_US / 2));
	/* Small restores take 6 to 132 seconds. */
	facts->done_us = facts->created_us + 6 * SECOND + (int64_t)((roll >> 32) % (126 * SECOND));
	if (slot % 12 == 5)
		facts->outcome = SIM_FAILED;
	else if (slot % 12 == 8)
		facts->outcome = SIM_CANCELLED;
	else
		facts->outcome = SIM_COMPLETED;
}

static void dream_pending(const struct sim_world_options *o, uint32_t slot, struct sim_facts *facts)
{
	uint32_t k = slot - (o->jobs - o->pending);

	/* One a second until the start; the last is as fresh as the world. */
	facts->created_us = o->start_us - (int64_t)(o->pending - 1 - k) * SECOND;
	facts->done_us =
		o->start_us + o->restore_us + (int64_t)((double)o->restore_us * k / o->pending);
	facts->outcome = SIM_COMPLETED;
}

const struct sim_job *sim_world_view(const struct sim_world *world, uint32_t slot,
				     struct sim_scratch *scratch)
{
	const struct sim_world_options *o = &world->options;

	if (world->own[slot])
		return world->own[slot];
	scratch->job = (struct sim_job){.id = scratch->id};
	slot_id(world, slot, scratch->id);
	dream_facts(o->seed, slot, &scratch->job.facts);
	if (slot < o->jobs - o->pending)
		dream_finished(o, slot, &scratch->job.facts);
	else
		dream_pending(o, slot, &scratch->job.facts);
	return &scratch->job;
}

/* A job of its own with this id and these facts. */
static int make_job(const char *id, const struct sim_facts *facts, struct sim_job **ret_job)
{
	struct sim_job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->id = strdup(id);
	if (!job->id) {
		free(job);
		return -ENOMEM;
	}
	job->facts = *facts;
	*ret_job = job;
	return 0;
}

static void destroy_job(struct sim_job *job)
{
	sim_job_finish(job);
	free(job);
}

static int make_added(struct sim_world *world, const cJSON *body, int64_t now_us,
		      struct sim_job **ret_job)
{
	const cJSON *given = cJSON_GetObjectItemCaseSensitive(body, "restore_job_id");
	uint64_t number = world->invented;
	struct sim_facts facts = {.created_us = now_us};
	char invented[SIM_UUID_SIZE];
	struct sim_job *job;
	const char *id;
	int r;

	if (given && (!cJSON_IsString(given) || !*given->valuestring))
		return -EINVAL;
	sim_dice_uuid(world->options.seed, number, SIM_SALT_ADDED, invented);
	id = given ? given->valuestring : invented;
	if (sim_world_find(world, id) >= 0)
		return -EEXIST;
	/* Numbers of added jobs must not meet those of seeded ones. */
	dream_facts(~world->options.seed, number, &facts);
	facts.done_us = now_us + world->options.restore_us;
	r = make_job(id, &facts, &job);
	if (r < 0)
		return r;
	r = sim_job_change(job, body, now_us);
	if (r < 0) {
		destroy_job(job);
		return r;
	}
	*ret_job = job;
	return 0;
}

static int make_space(struct sim_world *world)
{
	if (world->n_slots >= 2 * SIM_JOBS_MAX)
		return -ENOSPC;
	if (world->n_slots == world->cap) {
		int r = grow(world, world->cap * 2);

		if (r < 0)
			return r;
	}
	return world->table_used >= world->table_size / 2 ? rebuild_table(world) : 0;
}

int sim_world_add(struct sim_world *world, const cJSON *body, int64_t now_us, int64_t listed_us,
		  uint32_t *ret_slot)
{
	struct sim_job *job;
	uint32_t slot;
	int r = make_space(world);

	if (r < 0)
		return r;
	r = make_added(world, body, now_us, &job);
	if (r < 0)
		return r;
	world->invented++;
	job->listed_us = listed_us;
	slot = append_slot(world);
	world->own[slot] = job;
	enter(world, job->id, slot);
	*ret_slot = slot;
	return 0;
}

int sim_world_change(struct sim_world *world, uint32_t slot, const cJSON *body, int64_t now_us)
{
	if (!world->own[slot]) {
		struct sim_scratch scratch;
		const struct sim_job *seeded = sim_world_view(world, slot, &scratch);
		int r = make_job(seeded->id, &seeded->facts, &world->own[slot]);

		if (r < 0)
			return r;
	}
	return sim_job_change(world->own[slot], body, now_us);
}

void sim_world_remove(struct sim_world *world, uint32_t slot)
{
	struct sim_scratch scratch;
	int64_t at = find_entry(world, sim_world_view(world, slot, &scratch)->id);
	uint32_t position = 0;

	if (at >= 0)
		world->table[at] = REMOVED;
	while (position < world->n_jobs && world->order[position] != slot)
		position++;
	if (position < world->n_jobs) {
		world->n_jobs--;
		memmove(&world->order[position], &world->order[position + 1],
			(world->n_jobs - position) * sizeof(*world->order));
	}
	if (world->own[slot]) {
		destroy_job(world->own[slot]);
		world->own[slot] = NULL;
	}
}
