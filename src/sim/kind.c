/* SPDX-License-Identifier: MIT */
#include "kind.h"

#include <errno.h>
#include <string.h>

const struct sim_kind *const sim_kinds[SIM_KINDS] = {
	[SIM_JOBS] = &sim_kind_job,
	[SIM_BACKUPS] = &sim_kind_backup,
	[SIM_INDEXES] = &sim_kind_index,
	[SIM_COLLECTIONS] = &sim_kind_collection,
};

int sim_kind_find(const char *name)
{
	for (int i = 0; i < SIM_KINDS; i++) {
		if (strcmp(sim_kinds[i]->name, name) == 0)
			return i;
	}
	return -ENOENT;
}
