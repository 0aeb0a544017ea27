/* SPDX-License-Identifier: MIT */
/* The kernel's table, as the files of the mounts room and their test see it. */
#ifndef PINEFS_SRC_MOUNTS_H
#define PINEFS_SRC_MOUNTS_H

#include <stdbool.h>
#include <stdio.h>

#include "pinefs/mounts.h"

struct mounts_entry {
	dev_t device;
	unsigned id, parent; /* parent: of the mount that this one is mounted on */
	bool is_whole;	     /* its root is the filesystem's own, not a directory of it */
	bool is_fuse;
	char *path; /* of the mountpoint, unescaped */
};

struct mounts_table {
	struct mounts_entry *entries;
	size_t count;
};

/* Read the table from a file like /proc/self/mountinfo. 0; -ENOMEM; or what reading failed with. */
int mounts_read(FILE *file, struct mounts_table *ret_table);
void mounts_finish(struct mounts_table *table);

/* Does a walk to this mount's path reach its root? */
bool mounts_is_reached(const struct mounts_table *table, const struct mounts_entry *entry);
/* Is something mounted on it, or in it? */
bool mounts_is_parent(const struct mounts_table *table, const struct mounts_entry *entry);

#endif
