/* SPDX-License-Identifier: MIT */
/*
 * world: all that the simulated project has, a shelf for each kind, and what
 * happens between objects of several kinds.
 *
 * No clock of its own: whoever asks brings the time. What was deleted and has
 * gone meanwhile is cleared away by sim_world_settle, which each request begins
 * with.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "shelf.h"

struct sim_world {
	struct sim_seeding seeding;
	struct sim_shelf shelves[SIM_KINDS];
	uint32_t limits[SIM_KINDS]; /* objects that a command may make at most; UINT32_MAX: all */
	int64_t settles_us;	    /* the first moment at which something goes; SIM_NEVER */
	char base[64];		    /* the simulator's own URL, for what points back to it */
};

/*
 * Fill @world, which must not move from then on. The last seeding->pending of
 * the jobs are Pending: of P, the k-th (from 0) ends restore_us × (1 + k/P) after
 * the start. Of the others, finished before the start, every twelfth from the
 * sixth on is Failed, every twelfth from the ninth on Cancelled, the rest
 * Completed. Returns -EINVAL for too many objects, -ENOMEM; @world is empty then.
 */
int sim_world_init(struct sim_world *world, const struct sim_seeding *seeding);

/* Free all objects. Takes a zeroed world. */
void sim_world_finish(struct sim_world *world);

/* How the world is seen at @now_us, in this layout and version. */
struct sim_view sim_world_view(const struct sim_world *world, int64_t now_us,
			       enum sim_layout layout, enum sim_version version);

/*
 * Clear away the indexes that have gone until @now_us, and with each the jobs
 * whose target it was.
 */
void sim_world_settle(struct sim_world *world, int64_t now_us);

/*
 * Change the object of @kind in @slot as sim_shelf_change does. The index that a
 * job makes follows it: ready some time after a good end, failed at another.
 */
int sim_world_change(struct sim_world *world, unsigned int kind, uint32_t slot, const cJSON *body,
		     int64_t now_us);

/* Whether a command may make another object of this kind. */
bool sim_world_has_room(const struct sim_world *world, unsigned int kind);

/*
 * Begin at @now_us to restore the backup in slot @backup: a Pending job and an
 * index that gets ready after it. @index is an object with the index's name and
 * what else it shows. Returns what sim_shelf_add does; nothing is made then.
 */
int sim_world_restore(struct sim_world *world, uint32_t backup, const cJSON *index, int64_t now_us,
		      uint32_t *ret_job, uint32_t *ret_index);

/* Begin to back up the index in slot @index; @backup is what the backup shows. */
int sim_world_back_up(struct sim_world *world, uint32_t index, const cJSON *backup, int64_t now_us,
		      uint32_t *ret_backup);

/* The first job that is under way from the backup of this id at @now_us, or -ENOENT. */
int64_t sim_world_find_restore(const struct sim_world *world, const char *backup, int64_t now_us);

/* Let the index in @slot be Terminating for ready_us, and then go. Returns -ENOMEM. */
int sim_world_terminate(struct sim_world *world, uint32_t slot, int64_t now_us);

#endif
