/* SPDX-License-Identifier: MIT */
/*
 * seed: how the objects that there are at the start belong together.
 *
 * Each is computed from the seed and its number whenever somebody asks for it,
 * so that millions cost nothing. What links one kind to another is here: the
 * rows of kinds ask for it from both ends and get the same answer.
 *
 * The first indexes are old and ready, and have been backed up; the last ones,
 * at most half of them, are the targets of the Pending jobs and get ready after
 * these.
 */
#ifndef SIM_SEED_H
#define SIM_SEED_H

#include "kind.h"

#define SIM_SECOND INT64_C(1000000)

/* A name for an index: the @number-th roll of a seed, names may repeat. */
void sim_seed_imagine_name(uint64_t seed, uint64_t number, char ret_name[SIM_NAME_SIZE]);

/* What an index, or a backup of it, contains. */
void sim_seed_imagine_contents(uint64_t seed, uint64_t number, struct sim_contents *ret_contents);

/* The life of a seeded job: created, done, outcome. */
void sim_seed_job_life(const struct sim_seeding *seeding, uint32_t job, struct sim_facts *facts);

/* Which index a job restores to, and which backup it restores; there must be at least one. */
uint32_t sim_seed_target_of(const struct sim_seeding *seeding, uint32_t job);
uint32_t sim_seed_backup_of(const struct sim_seeding *seeding, uint32_t job);

/* The last job that is Pending for this index, or -ENOENT: it is ready. */
int64_t sim_seed_last_job_for(const struct sim_seeding *seeding, uint32_t index);

/* Which index a backup was made of; there must be at least one. */
uint32_t sim_seed_source_of(const struct sim_seeding *seeding, uint32_t backup);

/* Did this backup fail? The first one never did. */
bool sim_seed_has_failed(uint32_t backup);

/* A seeded index's unique name. */
void sim_seed_index_name(uint64_t seed, uint32_t index, char ret_name[SIM_NAME_SIZE]);

/* The same with its id and its contents. */
void sim_seed_index(const struct sim_seeding *seeding, uint32_t index, char ret_name[SIM_NAME_SIZE],
		    char ret_id[SIM_UUID_SIZE], struct sim_contents *ret_contents);

/*
 * When a seeded backup was made, and an index that is older than all of them,
 * microseconds since the epoch. Any job can have restored any backup.
 */
int64_t sim_seed_backup_us(const struct sim_seeding *seeding, uint32_t backup);
int64_t sim_seed_index_us(const struct sim_seeding *seeding);

#endif
