/* SPDX-License-Identifier: MIT */
/* What the two files of the poke room share: what is sent over their socket. */
#ifndef PINEFS_SRC_POKE_H
#define PINEFS_SRC_POKE_H

#include <limits.h>

#include "pinefs/poke.h"

#define POKE_PATH_MAX PATH_MAX /* with its NUL; the kernel takes no longer one */

/* What the child does on the mount. */
enum poke_step {
	STEP_END,
	STEP_STAT,	  /* have the kernel fetch the attributes anew */
	STEP_MODIFY,	  /* set the modification time: IN_MODIFY */
	STEP_ATTRIB,	  /* set both times: IN_ATTRIB */
	STEP_CLOSE_WRITE, /* open for writing and close: IN_CLOSE_WRITE */
	STEP_CREATE_DIRECTORY,
	STEP_CREATE_FILE,
	STEP_REMOVE_DIRECTORY,
	STEP_REMOVE_FILE,
};

/* The steps that make an event, by enum pfs_poke_type; in the order that a writer would take. */
#define POKE_STEPS_MAX 4
extern const enum poke_step poke_steps[][POKE_STEPS_MAX + 1];

enum poke_task { TASK_SCAN, TASK_MAKE_EVENT, TASK_CLOSE_WINDOW };

/* To the child. */
struct poke_order {
	enum poke_task task;
	enum pfs_poke_type event;
	bool window;  /* what is changed seems to be writable now: the kernel must see it */
	dev_t device; /* of the mount */
	char path[POKE_PATH_MAX]; /* below it; nothing for a scan */
};

/* From the child: it is done, or (scans only) there is more to come. */
#define POKE_WATCHERS 64
struct poke_answer {
	int error; /* 0 or -errno: of the first step that failed */
	bool last;
	size_t count;
	struct pfs_watcher watchers[POKE_WATCHERS];
};

/* The child's whole life; returns its exit status. Frees the mountpoint. */
int poke_child_run(int socket, char *mountpoint);

#endif
