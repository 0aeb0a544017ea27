/* SPDX-License-Identifier: MIT */
#include "seed.h"

#include <errno.h>
#include <stdio.h>

/* Seeded jobs were created this far apart, give or take. */
#define SPACING_US (300 * SIM_SECOND)

/* The same of backups. */
#define BACKUP_SPACING_US (SIM_SECOND * 6 * 3600)

/* Indexes that aren't the target of a seeded job are older than all backups by this. */
#define INDEX_AGE_US (SIM_SECOND * 90 * 86400)

static const char *const things[] = {"movies", "products", "articles", "tickets",
				     "papers", "recipes",  "songs",    "reviews"};
static const char *const places[] = {"prod", "staging", "eu", "us-east",
				     "dev",  "archive", "qa", "shadow"};

static void write_name(uint64_t roll, unsigned int last, char ret_name[SIM_NAME_SIZE])
{
	(void)snprintf(ret_name, SIM_NAME_SIZE, "%s-%s-%u", things[roll & 7], places[roll >> 3 & 7],
		       last);
}

void sim_seed_imagine_name(uint64_t seed, uint64_t number, char ret_name[SIM_NAME_SIZE])
{
	uint64_t roll = sim_dice_roll(seed, number, SIM_SALT_NAME);

	write_name(roll, (unsigned int)(roll >> 6 & 1023), ret_name);
}

void sim_seed_imagine_contents(uint64_t seed, uint64_t number, struct sim_contents *ret_contents)
{
	static const int64_t dimensions[] = {1536, 384, 768, 3072};
	static const char *const metrics[] = {"cosine", "dotproduct", "euclidean", "cosine"};
	static const char *const regions[][2] = {{"aws", "us-east-1"},
						 {"aws", "eu-west-1"},
						 {"gcp", "us-central1"},
						 {"azure", "eastus2"}};
	uint64_t roll = sim_dice_roll(seed, number, SIM_SALT_CONTENTS);
	struct sim_contents *c = ret_contents;

	*c = (struct sim_contents){
		.dimension = dimensions[roll & 3],
		.records = (int64_t)(roll >> 8 & 0xffffff),
		.namespaces = 1 + (int64_t)(roll >> 4 & 3),
	};
	/* Four bytes a number, and the metadata. */
	c->bytes = c->records * (c->dimension * 4 + 100);
	(void)snprintf(c->metric, sizeof(c->metric), "%s", metrics[roll >> 2 & 3]);
	(void)snprintf(c->cloud, sizeof(c->cloud), "%s", regions[roll >> 6 & 3][0]);
	(void)snprintf(c->region, sizeof(c->region), "%s", regions[roll >> 6 & 3][1]);
}

static void finished_life(const struct sim_seeding *seeding, uint32_t job, struct sim_facts *facts)
{
	uint64_t roll = sim_dice_roll(seeding->seed, job, SIM_SALT_TIME);
	int64_t age = (int64_t)(seeding->n[SIM_JOBS] - seeding->pending - job) * SPACING_US;

	facts->created_us = seeding->start_us - age - (int64_t)(roll % (uint64_t)(SPACING_US / 2));
	/* Small restores take 6 to 132 seconds. */
	facts->done_us =
		facts->created_us + 6 * SIM_SECOND + (int64_t)((roll >> 32) % (126 * SIM_SECOND));
	/* Places among a job's ends. */
	if (job % 12 == 5)
		facts->outcome = 1;
	else if (job % 12 == 8)
		facts->outcome = 2;
}

static void pending_life(const struct sim_seeding *seeding, uint32_t job, struct sim_facts *facts)
{
	uint32_t k = job - (seeding->n[SIM_JOBS] - seeding->pending);

	/* One a second until the start; the last is as fresh as the world. */
	facts->created_us = seeding->start_us - (int64_t)(seeding->pending - 1 - k) * SIM_SECOND;
	facts->done_us = seeding->start_us + seeding->restore_us +
			 (int64_t)((double)seeding->restore_us * k / seeding->pending);
}

void sim_seed_job_life(const struct sim_seeding *seeding, uint32_t job, struct sim_facts *facts)
{
	if (job < seeding->n[SIM_JOBS] - seeding->pending)
		finished_life(seeding, job, facts);
	else
		pending_life(seeding, job, facts);
}

/* How many indexes, the last ones, are the targets of Pending jobs. */
static uint32_t count_targets(const struct sim_seeding *seeding)
{
	uint32_t half = (seeding->n[SIM_INDEXES] + 1) / 2;

	return seeding->pending < half ? seeding->pending : half;
}

/* How many indexes, the first ones, are ready at the start; where none is, the first counts. */
static uint32_t count_old(const struct sim_seeding *seeding)
{
	uint32_t targets = count_targets(seeding);

	return seeding->n[SIM_INDEXES] > targets ? seeding->n[SIM_INDEXES] - targets : 1;
}

uint32_t sim_seed_target_of(const struct sim_seeding *seeding, uint32_t job)
{
	uint32_t finished = seeding->n[SIM_JOBS] - seeding->pending;
	uint32_t targets = count_targets(seeding);

	if (job < finished)
		return job % count_old(seeding);
	return seeding->n[SIM_INDEXES] - targets + (job - finished) % targets;
}

int64_t sim_seed_last_job_for(const struct sim_seeding *seeding, uint32_t index)
{
	uint32_t targets = count_targets(seeding);
	uint32_t first = seeding->n[SIM_INDEXES] - targets;
	uint32_t rounds;

	if (index < first)
		return -ENOENT;
	/* Job first + k is for target k modulo targets. */
	rounds = (seeding->pending - 1 - (index - first)) / targets;
	return (int64_t)seeding->n[SIM_JOBS] - seeding->pending + (index - first) +
	       (int64_t)rounds * targets;
}

bool sim_seed_has_failed(uint32_t backup)
{
	return backup % 5 == 3;
}

uint32_t sim_seed_backup_of(const struct sim_seeding *seeding, uint32_t job)
{
	uint32_t backup = job % seeding->n[SIM_BACKUPS];

	/* Only a Ready one can be restored. */
	return sim_seed_has_failed(backup) ? backup - 1 : backup;
}

uint32_t sim_seed_source_of(const struct sim_seeding *seeding, uint32_t backup)
{
	return backup % count_old(seeding);
}

void sim_seed_index_name(uint64_t seed, uint32_t index, char ret_name[SIM_NAME_SIZE])
{
	/* The number makes it unique. */
	write_name(sim_dice_roll(seed, index, SIM_SALT_INDEX_NAME), index + 1, ret_name);
}

/* The index whose contents this one has: a restored one has those of its backup. */
static uint32_t contents_of(const struct sim_seeding *seeding, uint32_t index)
{
	int64_t job = sim_seed_last_job_for(seeding, index);

	if (job < 0 || seeding->n[SIM_BACKUPS] == 0)
		return index;
	return sim_seed_source_of(seeding, sim_seed_backup_of(seeding, (uint32_t)job));
}

void sim_seed_index(const struct sim_seeding *seeding, uint32_t index, char ret_name[SIM_NAME_SIZE],
		    char ret_id[SIM_UUID_SIZE], struct sim_contents *ret_contents)
{
	sim_seed_index_name(seeding->seed, index, ret_name);
	sim_dice_uuid(seeding->seed, index, SIM_SALT_INDEX, ret_id);
	sim_seed_imagine_contents(seeding->seed, contents_of(seeding, index), ret_contents);
}

int64_t sim_seed_backup_us(const struct sim_seeding *seeding, uint32_t backup)
{
	uint64_t roll = sim_dice_roll(seeding->seed, backup, SIM_SALT_BACKUP_TIME);
	int64_t jobs = (int64_t)(seeding->n[SIM_JOBS] - seeding->pending + 1) * SPACING_US;
	int64_t age = (int64_t)(seeding->n[SIM_BACKUPS] - backup) * BACKUP_SPACING_US;

	return seeding->start_us - jobs - age + (int64_t)(roll % (uint64_t)(BACKUP_SPACING_US / 2));
}

int64_t sim_seed_index_us(const struct sim_seeding *seeding)
{
	return sim_seed_backup_us(seeding, 0) - INDEX_AGE_US;
}
