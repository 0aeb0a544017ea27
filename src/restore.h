/* SPDX-License-Identifier: MIT */
/*
 * What the files of the restore room share: restore_index.c (which jobs each source has),
 * restore.c (commands). The first doesn't know the second.
 */
#ifndef PINEFS_SRC_RESTORE_H
#define PINEFS_SRC_RESTORE_H

#include <sys/queue.h>

#include "pinefs/api.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/restore.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/wait.h"

#define MAX_RESTORE_LISTENERS 2
#define ERRORS_KEPT	      32
#define BUCKETS		      1024

/* A job of a source. */
struct made {
	struct pfs_object *job;
	char *name;	 /* of what it makes; owned */
	int64_t created; /* ns since the epoch, as the job says; INT64_MAX: it wasn't described */
	bool held;	 /* it is announced only, and we have a reference to it */
};

/* An object that jobs were begun for, whether or not the store knows it. */
struct source {
	TAILQ_ENTRY(source) link; /* in its bucket */
	const struct pfs_kind *kind;
	struct made *made; /* by the jobs' slots */
	size_t count;
	size_t capacity;
	int64_t modified; /* ns since the epoch */
	char id[];
};

TAILQ_HEAD(source_list, source);

/* What a command failed with. */
struct refusal {
	char *source; /* the source's id; owned; NULL: none */
	char *text;   /* owned */
};

struct command;
TAILQ_HEAD(command_list, command);

struct pfs_restores {
	struct pfs_api *api;
	struct pfs_store *store;
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct pfs_restores_config config;
	struct pfs_restores_listener listeners[MAX_RESTORE_LISTENERS];
	size_t listener_count;

	/* Owned by restore_index.c. */
	struct source_list sources[BUCKETS]; /* by the hash of their ids */
	uint64_t seed;

	/* Owned by restore.c. */
	struct command_list commands;
	size_t command_count;
	struct refusal refusals[ERRORS_KEPT];
	size_t refused; /* how many there were so far */
};

/* --- restore_index.c --- */

/* Listen to the store. 0, -ENOSPC. */
int pfs_restore_index_begin(struct pfs_restores *restores);
void pfs_restore_index_finish(struct pfs_restores *restores);

/*
 * A command has begun a job, which the store has announced: the name is there from now on. Takes
 * over the caller's reference to the job. waited: see the listener. 0, -ENOMEM.
 */
int pfs_restore_index_add(struct pfs_restores *restores, const struct pfs_object *source,
			  const char *name, struct pfs_object *job, bool waited);

#endif
