/* SPDX-License-Identifier: MIT */
/*
 * world: all that the simulated project has, a shelf for each kind.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "shelf.h"

struct sim_world {
	struct sim_seeding seeding;
	struct sim_shelf shelves[SIM_KINDS];
	char base[64]; /* the simulator's own URL, for what points back to it */
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

/* How the world is seen at @now_us, in this layout. */
struct sim_view sim_world_view(const struct sim_world *world, int64_t now_us,
			       enum sim_layout layout);

#endif
