/* SPDX-License-Identifier: MIT */
/*
 * What the files of the restore room share: restore_source.c (sources, their names and jobs),
 * restore_index.c (where each job belongs, as the store says), restore.c (commands). Each knows
 * only those before it.
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

struct source;

/* A name that a source has. */
struct name {
	TAILQ_ENTRY(name) link; /* in its bucket */
	const struct source *source;
	size_t count;	 /* of the source's jobs that make it */
	uint64_t slot;	 /* of the newest of these */
	int64_t created; /* likewise: see struct made */
	char text[];
};

/* A job of a source. */
struct made {
	struct pfs_object *job;
	struct name *name; /* of what it makes */
	int64_t created;   /* ns since the epoch, as the job says; INT64_MAX: it wasn't described */
};

/* A job that was announced, and hasn't said itself yet where it belongs: we have a reference to
 * it. */
struct held {
	TAILQ_ENTRY(held) link;
	struct pfs_object *job;
	struct source *source;
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

TAILQ_HEAD(name_list, name);
TAILQ_HEAD(held_list, held);
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

	/* Owned by restore_source.c. */
	struct source_list sources[BUCKETS]; /* by the hash of their ids */
	struct name_list names[BUCKETS];     /* by the hash of their texts and their source's id */
	uint64_t seed;
	struct held_list held;
	int64_t emptied; /* ns since the epoch: when last a source lost its last job; 0: never */

	bool incomplete; /* there was no memory for a job that the store knows */
	bool ended;	 /* the store is about to be destroyed: what it says is of no use */

	/* Owned by restore.c. */
	struct command_list commands;
	size_t command_count;
	struct refusal refusals[ERRORS_KEPT];
	size_t refused; /* how many there were so far */
};

/* --- restore_source.c --- */

void pfs_sources_init(struct pfs_restores *restores);
void pfs_sources_finish(struct pfs_restores *restores); /* after the store */

struct source *pfs_source_find(const struct pfs_restores *restores, const struct pfs_kind *kind,
			       const char *id);
/* The same, or a new one that has nothing yet: pfs_source_add. NULL without memory. */
struct source *pfs_source_intern(struct pfs_restores *restores, const struct pfs_kind *kind,
				 const char *id);
/* The source's object, if the store knows it; nobody else can have its directory. */
struct pfs_object *pfs_source_object(const struct pfs_restores *restores,
				     const struct source *source);

/* The index of the first of its jobs with this slot or a higher one. */
size_t pfs_source_place(const struct source *source, uint64_t slot);
/* The source's entry of a job, or NULL; valid until another is added or dropped. */
struct made *pfs_source_made(const struct source *source, const struct pfs_object *job);
struct name *pfs_source_name(const struct pfs_restores *restores, const struct source *source,
			     const char *text);

/* The source has another job; listeners hear of a new name. A source that has nothing after this
 * has failed is freed. 0, -ENOMEM. */
int pfs_source_add(struct pfs_restores *restores, struct source *source, struct pfs_object *job,
		   const char *name, int64_t created, bool waited);
/* It has it no more; listeners hear of a name that is gone, but if quiet. Frees a source that has
 * nothing any more; releases a held job. */
void pfs_source_drop(struct pfs_restores *restores, struct source *source, struct made *made,
		     bool quiet);
/* A job's time is known now. */
void pfs_source_date(struct made *made, int64_t created);

/* The same for a job that was announced: with 0, takes over the caller's reference to it. */
int pfs_source_announce(struct pfs_restores *restores, struct source *source,
			struct pfs_object *job, const char *name, bool waited);
/* Release a job, if it is held. */
void pfs_source_release(struct pfs_restores *restores, struct pfs_object *job);

/* --- restore_index.c --- */

/* Listen to the store. 0, -ENOSPC. */
int pfs_restore_index_begin(struct pfs_restores *restores);

/*
 * A command has begun a job, which the store has announced: the name is there from now on. Takes
 * over the caller's reference to the job. waited: see the listener. 0; -ENOMEM; -EBADMSG: this job
 * is known to make something else.
 */
int pfs_restore_index_add(struct pfs_restores *restores, const struct pfs_object *source,
			  const char *name, struct pfs_object *job, bool waited);

#endif
