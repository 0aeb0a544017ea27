/* SPDX-License-Identifier: MIT */
/* What the two files of the poke room share: what is sent over their socket. */
#ifndef PINEFS_SRC_POKE_H
#define PINEFS_SRC_POKE_H

#include <limits.h>

#include "pinefs/poke.h"

#define POKE_PATH_MAX PATH_MAX /* with its NUL; the kernel takes no longer one */

/* To the child: one thing to do. */
struct poke_order {
	enum pfs_poke_operation operation;
	dev_t device;		  /* of the mount */
	char path[POKE_PATH_MAX]; /* below it */
};

/* From the child: it is done, or (scans only) there is more to come. */
#define POKE_WATCHERS 64
struct poke_answer {
	int error; /* 0 or -errno */
	bool last;
	size_t count;
	struct pfs_watcher watchers[POKE_WATCHERS];
};

/* The child's whole life; returns its exit status. Frees the mountpoint. */
int poke_child_run(int socket, char *mountpoint);

#endif
