/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sim_world_init(struct sim_world *world, const struct sim_seeding *seeding)
{
	int r = seeding->pending > seeding->n[SIM_JOBS] ? -EINVAL : 0;

	*world = (struct sim_world){.seeding = *seeding, .settles_us = SIM_NEVER};
	for (unsigned int kind = 0; r == 0 && kind < SIM_KINDS; kind++) {
		world->limits[kind] = UINT32_MAX;
		r = sim_shelf_init(&world->shelves[kind], kind, &world->seeding);
	}
	if (r < 0)
		sim_world_finish(world);
	return r;
}

void sim_world_finish(struct sim_world *world)
{
	for (unsigned int kind = 0; kind < SIM_KINDS; kind++)
		sim_shelf_finish(&world->shelves[kind]);
	*world = (struct sim_world){0};
}

struct sim_view sim_world_view(const struct sim_world *world, int64_t now_us,
			       enum sim_layout layout, enum sim_version version)
{
	return (struct sim_view){
		.now_us = now_us, .layout = layout, .version = version, .base = world->base};
}

static bool is_for(const struct sim_object *job, const void *index)
{
	return strcmp(sim_job_target(job), index) == 0;
}

/* Remove the index in @slot and the jobs that made it. */
static void clear_index(struct sim_world *world, uint32_t slot)
{
	struct sim_shelf *indexes = &world->shelves[SIM_INDEXES];

	sim_shelf_remove_all(&world->shelves[SIM_JOBS], is_for, indexes->own[slot]->id);
	sim_shelf_remove(indexes, slot);
}

void sim_world_settle(struct sim_world *world, int64_t now_us)
{
	struct sim_shelf *indexes = &world->shelves[SIM_INDEXES];

	if (now_us < world->settles_us)
		return;
	world->settles_us = SIM_NEVER;
	for (uint32_t slot = 0; slot < indexes->n_slots; slot++) {
		const struct sim_object *index = indexes->own[slot];

		if (!index || !index->gone_us)
			continue;
		if (index->gone_us <= now_us)
			clear_index(world, slot);
		else if (index->gone_us < world->settles_us)
			world->settles_us = index->gone_us;
	}
}

int sim_world_terminate(struct sim_world *world, uint32_t slot, int64_t now_us)
{
	struct sim_object *index = sim_shelf_own(&world->shelves[SIM_INDEXES], slot);

	if (!index)
		return -ENOMEM;
	if (index->gone_us)
		return 0;
	index->gone_us = now_us + world->seeding.ready_us;
	if (index->gone_us < world->settles_us)
		world->settles_us = index->gone_us;
	return 0;
}

/* The index's end as it follows from the job's. */
static void follow(const struct sim_world *world, const struct sim_object *job,
		   struct sim_object *index)
{
	index->facts.outcome = job->facts.outcome == 0 ? 0 : 1;
	index->facts.done_us = job->facts.done_us;
	if (job->facts.outcome == 0 && job->facts.done_us != SIM_NEVER)
		index->facts.done_us += world->seeding.ready_us;
}

/* The index that this job made, not just one that has its name; or NULL. */
static struct sim_object *find_made(struct sim_world *world, const struct sim_object *job)
{
	struct sim_shelf *indexes = &world->shelves[SIM_INDEXES];
	int64_t slot = sim_shelf_find(indexes, job->facts.index_name);
	struct sim_scratch scratch;
	const struct sim_object *index;

	if (slot < 0)
		return NULL;
	index = sim_shelf_read(indexes, (uint32_t)slot, &scratch);
	if (strcmp(index->facts.index_id, job->facts.index_id) != 0 ||
	    index->facts.created_us != job->facts.created_us)
		return NULL;
	return sim_shelf_own(indexes, (uint32_t)slot);
}

int sim_world_change(struct sim_world *world, unsigned int kind, uint32_t slot, const cJSON *body,
		     int64_t now_us)
{
	struct sim_shelf *shelf = &world->shelves[kind];
	struct sim_object *index = NULL;
	int r = sim_shelf_change(shelf, slot, body, now_us);

	if (r == 0 && kind == SIM_JOBS)
		index = find_made(world, shelf->own[slot]);
	if (index)
		follow(world, shelf->own[slot], index);
	return r;
}

bool sim_world_has_room(const struct sim_world *world, unsigned int kind)
{
	return world->shelves[kind].n < world->limits[kind];
}

/* Add an object that was made from @origin, which is copied. */
static int add_from(struct sim_shelf *shelf, const cJSON *body, const char *origin, int64_t now_us,
		    uint32_t *ret_slot)
{
	char *copy = strdup(origin);
	int r = copy ? sim_shelf_add(shelf, body, now_us, ret_slot) : -ENOMEM;

	if (r < 0)
		free(copy);
	else
		shelf->own[*ret_slot]->origin = copy;
	return r;
}

int sim_world_restore(struct sim_world *world, uint32_t backup, const cJSON *index, int64_t now_us,
		      uint32_t *ret_job, uint32_t *ret_index)
{
	struct sim_shelf *jobs = &world->shelves[SIM_JOBS];
	struct sim_shelf *indexes = &world->shelves[SIM_INDEXES];
	struct sim_scratch scratch;
	const struct sim_object *from =
		sim_shelf_read(&world->shelves[SIM_BACKUPS], backup, &scratch);
	struct sim_object *made;
	struct sim_facts *facts;
	int r = add_from(indexes, index, from->id, now_us, ret_index);

	if (r < 0)
		return r;
	r = add_from(jobs, NULL, from->id, now_us, ret_job);
	if (r < 0) {
		sim_shelf_remove(indexes, *ret_index);
		return r;
	}
	made = indexes->own[*ret_index];
	made->facts.contents = from->facts.contents;
	facts = &jobs->own[*ret_job]->facts;
	memcpy(facts->index_id, made->facts.index_id, sizeof(facts->index_id));
	(void)snprintf(facts->index_name, sizeof(facts->index_name), "%s", made->id);
	follow(world, jobs->own[*ret_job], made);
	return 0;
}

int sim_world_back_up(struct sim_world *world, uint32_t index, const cJSON *backup, int64_t now_us,
		      uint32_t *ret_backup)
{
	struct sim_shelf *backups = &world->shelves[SIM_BACKUPS];
	struct sim_scratch scratch;
	const struct sim_object *from =
		sim_shelf_read(&world->shelves[SIM_INDEXES], index, &scratch);
	struct sim_facts *facts;
	int r = add_from(backups, backup, from->id, now_us, ret_backup);

	if (r < 0)
		return r;
	facts = &backups->own[*ret_backup]->facts;
	facts->contents = from->facts.contents;
	memcpy(facts->index_id, from->facts.index_id, sizeof(facts->index_id));
	return 0;
}

int64_t sim_world_find_restore(const struct sim_world *world, const char *backup, int64_t now_us)
{
	const struct sim_shelf *jobs = &world->shelves[SIM_JOBS];

	for (uint32_t position = 0; position < jobs->n; position++) {
		uint32_t slot = jobs->order[position];
		struct sim_scratch scratch;
		const struct sim_object *job = sim_shelf_read(jobs, slot, &scratch);

		if (!sim_object_is_done(job, now_us) && strcmp(sim_job_backup(job), backup) == 0)
			return slot;
	}
	return -ENOENT;
}
