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
	STEP_STAT,	  /* make the kernel ask for the attributes */
	STEP_MODIFY,	  /* set the modification time: IN_MODIFY */
	STEP_ATTRIB,	  /* set both times: IN_ATTRIB */
	STEP_CLOSE_WRITE, /* open for writing and close: IN_CLOSE_WRITE */
	STEP_CREATE_DIRECTORY,
	STEP_CREATE_FILE,
	STEP_REMOVE_DIRECTORY,
	STEP_REMOVE_FILE,
};

/* The steps that make each type of event, in the order that a writer would take them. */
#define POKE_STEPS_MAX 4
extern const enum poke_step poke_steps[][POKE_STEPS_MAX + 1];

enum poke_task {
	TASK_SCAN,
	TASK_MAKE_EVENT,
	TASK_LOOK, /* make the kernel ask for the attributes */
};

/* To the child. */
struct poke_order {
	enum poke_task task;
	enum pfs_poke_type event;
	bool window;  /* the kernel must ask for attributes first, to see that they let the child */
	bool gone;    /* the directory has vanished, too: as pfs_poke_event's gone_from */
	dev_t device; /* of the mount */
	char path[POKE_PATH_MAX]; /* below the mount; "" for a scan */
};

/* From the child. A scan has as many answers as it needs; last says that the order is done. */
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
