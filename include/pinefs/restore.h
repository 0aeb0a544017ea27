/* SPDX-License-Identifier: MIT */
/*
 * restore: what was made of an object by a command, and the commands that are given here. A kind
 * that has a command (resource.h) has objects that are sources: each job of the command was begun
 * for one source, to make something with a name. Here a source's jobs are found by that name.
 *
 * A command is given once. If its answer is lost nothing is repeated: the API is asked what became
 * of it, first what was to be made, then the list of jobs. Nothing here deletes anything.
 *
 * May include api, store, json, resource and the ground.
 */
#ifndef PINEFS_RESTORE_H
#define PINEFS_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pfs_api;
struct pfs_kind;
struct pfs_loop;
struct pfs_object;
struct pfs_restores;
struct pfs_stats;
struct pfs_store;
struct pfs_wait;

struct pfs_restores_config {
	int64_t timeout;     /* ns for a command, and for each question about what became of it */
	size_t max_commands; /* under way at once */
};

/* api, store, loop and stats are borrowed. Listens to the store. 0, -ENOMEM, -ENOSPC. */
int pfs_restores_create(struct pfs_api *api, struct pfs_store *store, struct pfs_loop *loop,
			struct pfs_stats *stats, const struct pfs_restores_config *config,
			struct pfs_restores **ret_restores);
/* Give up what is under way; nobody may wait for it any more. What was sent may be carried out all
 * the same. Call it before the store is destroyed. Takes NULL. */
void pfs_restores_end(struct pfs_restores *restores);
void pfs_restores_destroy(struct pfs_restores *restores); /* after the store; takes NULL */

/* --- what was made --------------------------------------------------------------------------- */

/* Does this kind have a command, and is the kind of its jobs served? */
bool pfs_restores_has(const struct pfs_restores *restores, const struct pfs_kind *kind);

/* The job that made this name of the source, of several the newest; NULL: none is known. Asks
 * nobody. */
struct pfs_object *pfs_restores_find(struct pfs_restores *restores, const struct pfs_object *source,
				     const char *name);

/* The source's job with the lowest slot above `after` that pfs_restores_find gives for its name;
 * NULL: the end. *ret_name is valid until the store is next asked. */
struct pfs_object *pfs_restores_next(struct pfs_restores *restores, const struct pfs_object *source,
				     uint64_t after, const char **ret_name);

/* Where a job belongs: its source and its name there, valid until the store is next asked. False:
 * nowhere, since the source isn't known, or the job is another one's by now. */
bool pfs_restores_place(const struct pfs_restores *restores, const struct pfs_object *job,
			struct pfs_object **ret_source, const char **ret_name);

/* ns since the epoch: when the source last gained or lost a name; if it has none, when any last
 * lost its last one; 0: never. */
int64_t pfs_restores_modified(const struct pfs_restores *restores, const struct pfs_object *source);

/* The kind of the jobs that a source's names come from. */
const struct pfs_kind *pfs_restores_job_kind(const struct pfs_restores *restores,
					     const struct pfs_kind *source);

/*
 * Whom the room calls when a source that the store knows gains or loses a name. waited: the caller
 * of a command is about to get this name as its reply. There may be two. 0, -ENOSPC.
 */
struct pfs_restores_listener {
	void (*appeared)(void *arg, struct pfs_object *source, struct pfs_object *job,
			 const char *name, bool waited);
	void (*vanished)(void *arg, struct pfs_object *source, struct pfs_object *job,
			 const char *name);
	void *arg;
};
int pfs_restores_listen(struct pfs_restores *restores,
			const struct pfs_restores_listener *listener);

/* --- commands -------------------------------------------------------------------------------- */

/* Who gives a command, for the log. */
struct pfs_giver {
	uid_t uid;
	pid_t pid;
	char name[16]; /* of the process, as in /proc/PID/comm */
};

/*
 * Make something of the source that gets this name; or wait for the command that does it already.
 * -EINPROGRESS: wait has joined. It is woken with 0 once the job is known (pfs_restores_find), with
 *    -EEXIST if the API says that the name is taken, after its list of jobs was asked; with
 *    -ETIMEDOUT if nobody can know what became of the command; else with an errno of
 *    pfs_api_command: then it wasn't carried out, as far as the API says now. That errno can be
 *    -ETIMEDOUT, too, of a command that couldn't be sent in time: pfs_restores_error says which.
 * -EINVAL: the API doesn't take such a name; nothing was sent. -EEXIST: pfs_restores_find has it.
 * -EAGAIN: max_commands are under way. -ENOMEM.
 */
int pfs_restores_make(struct pfs_restores *restores, struct pfs_object *source, const char *name,
		      const struct pfs_giver *giver, struct pfs_wait *wait);

/* May the API have got the command for this name by now? False also if there is none under way. */
bool pfs_restores_is_sent(const struct pfs_restores *restores, const struct pfs_object *source,
			  const char *name);

/* Call this after pfs_wait_cancel: drops the commands that weren't sent and that nobody waits for.
 * Those that were sent go on. */
void pfs_restores_abandon(struct pfs_restores *restores);

/* What the last command for this source failed with, for people: "EDQUOT: 403: ...", escaped; NULL:
 * none has failed since the last good one. */
const char *pfs_restores_error(const struct pfs_restores *restores,
			       const struct pfs_object *source);

#endif
