/* SPDX-License-Identifier: MIT */
/*
 * data: the data plane of an index, as far as it has been simulated: how many
 * records there are.
 *
 * The real service has a host for each index; here it is a path of the
 * simulator, SIM_DATA_PATH and the index's name.
 */
#ifndef SIM_DATA_H
#define SIM_DATA_H

#include "reply.h"
#include "world.h"

/* Answer describe_index_stats for this index. Returns -ENOMEM, -E2BIG. */
int sim_data_answer(const struct sim_world *world, const char *name, int64_t now_us,
		    struct sim_reply *ret_reply);

#endif
