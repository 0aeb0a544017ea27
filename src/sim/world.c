/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <errno.h>

int sim_world_init(struct sim_world *world, const struct sim_seeding *seeding)
{
	int r = seeding->pending > seeding->n[SIM_JOBS] ? -EINVAL : 0;

	*world = (struct sim_world){.seeding = *seeding};
	for (unsigned int kind = 0; r == 0 && kind < SIM_KINDS; kind++)
		r = sim_shelf_init(&world->shelves[kind], kind, &world->seeding);
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
			       enum sim_layout layout)
{
	return (struct sim_view){.now_us = now_us, .layout = layout, .base = world->base};
}
