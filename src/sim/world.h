/* SPDX-License-Identifier: MIT */
/*
 * world: all restore jobs that the simulated project has.
 *
 * Jobs stand in slots; a slot is never used again. A seeded job is computed
 * from the seed whenever somebody looks at it and takes about 21 bytes of
 * memory; only jobs that were added or changed by hand are objects of their
 * own. The order of the list is a separate row of slot numbers. No clock of
 * its own: whoever asks brings the time.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "job.h"

/* A slot's flag: lists leave the job out, describe knows it. */
#define SIM_SLOT_DROPPED 1U

/* More jobs than this are refused. */
#define SIM_JOBS_MAX 10000000

struct sim_world_options {
	uint64_t seed;
	uint32_t jobs;	    /* seeded ones */
	uint32_t pending;   /* how many of these are still under way at start_us */
	int64_t restore_us; /* how long a restore takes */
	int64_t start_us;   /* microseconds since the epoch */
};

struct sim_world {
	struct sim_world_options options;
	struct sim_job **own; /* by slot; NULL: as the seed has it */
	uint8_t *flags;	      /* by slot: SIM_SLOT_ bits */
	uint32_t n_slots;     /* used ones, removed jobs included */
	uint32_t cap;	      /* of own, flags and order */
	uint32_t *order;      /* slots of the existing jobs, in the order of the list */
	uint32_t n_jobs;
	uint32_t *table;     /* open addressing: slot + 1, 0 empty, UINT32_MAX removed */
	uint32_t table_size; /* a power of two */
	uint32_t table_used; /* with the removed ones */
	uint64_t invented;   /* ids given to jobs that were added without one */
};

/* Room for a view of a seeded job; the view is good while this lives. */
struct sim_scratch {
	struct sim_job job;
	char id[SIM_UUID_SIZE];
};

/*
 * Fill @world with options->jobs jobs. The last options->pending of them are
 * Pending: of P, the k-th (from 0) ends restore_us × (1 + k/P) after the start.
 * Of the others, finished before the start, every twelfth from the sixth on is
 * Failed, every twelfth from the ninth on Cancelled, the rest Completed.
 * Returns -EINVAL for too many jobs, -ENOMEM; @world is empty then.
 */
int sim_world_init(struct sim_world *world, const struct sim_world_options *options);

/* Free all jobs. Takes a zeroed world. */
void sim_world_finish(struct sim_world *world);

/* The slot of the job with this id, or -ENOENT. */
int64_t sim_world_find(const struct sim_world *world, const char *id);

/* The slot at @position (below n_jobs) of the list. */
uint32_t sim_world_at(const struct sim_world *world, uint32_t position);

/* The job in @slot. It may point into @scratch; the world stays its owner. */
const struct sim_job *sim_world_view(const struct sim_world *world, uint32_t slot,
				     struct sim_scratch *scratch);

/*
 * Add a job, born at @now_us, at the end of the list, which shows it from
 * @listed_us on. @body as in sim_job_change, with its restore_job_id or an
 * invented one. Without a status the job is Pending for restore_us.
 * Returns -EEXIST for a known id, -EINVAL, -ENOSPC, -ENOMEM.
 */
int sim_world_add(struct sim_world *world, const cJSON *body, int64_t now_us, int64_t listed_us,
		  uint32_t *ret_slot);

/* Change the job in @slot; see sim_job_change. */
int sim_world_change(struct sim_world *world, uint32_t slot, const cJSON *body, int64_t now_us);

/* Make the job in @slot vanish; its id may be used again. */
void sim_world_remove(struct sim_world *world, uint32_t slot);

#endif
