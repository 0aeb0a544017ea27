/* SPDX-License-Identifier: MIT */
/*
 * An object that has vanished is freed with the kernel's last reference to it, and a kernel that
 * has memory to spare keeps its names and inodes for ever. So the child looks at what vanished. It
 * gets ESTALE from us, whereupon the kernel looks each name of the path up anew, and drops the one
 * that isn't there, with all below it. What is open or watched then goes with its last user, unless
 * its name is still valid; that goes when the kernel needs the memory.
 *
 * No notification does that: FUSE_NOTIFY_PRUNE (Linux 6.18) leaves a directory in which somebody
 * has looked up a name that isn't there, and FUSE_NOTIFY_INVAL_ENTRY waits for a lock whose holder
 * may wait for us. The child only shares that lock, so nobody else waits for it.
 *
 * It looks a while later: when the events are made, for which it has to find what vanished, and
 * when those who were about to read it have seen that.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define A_WHILE (2 * PFS_SECOND)
#define SLICE	256 /* paths that the kernel has forgotten by itself: so many a turn */

struct vanished {
	struct pfs_object *object; /* has a reference */
	uint64_t directory;
	int64_t due; /* monotonic */
	TAILQ_ENTRY(vanished) link;
	char path[];
};

static void drop(struct pfs_watch *watch, struct vanished *vanished)
{
	TAILQ_REMOVE(&watch->vanished, vanished, link);
	pfs_store_release(watch->store, vanished->object, 1);
	free(vanished);
}

void pfs_forget_init(struct pfs_watch *watch)
{
	TAILQ_INIT(&watch->vanished);
}

void pfs_forget_finish(struct pfs_watch *watch)
{
	struct vanished *vanished, *next;

	for (vanished = TAILQ_FIRST(&watch->vanished); vanished; vanished = next) {
		next = TAILQ_NEXT(vanished, link);
		drop(watch, vanished);
	}
}

void pfs_forget_later(struct pfs_watch *watch, struct pfs_object *object, uint64_t directory,
		      const char *path)
{
	size_t size = strlen(path) + 1;
	struct vanished *vanished;

	if (!watch->poke || !object->references)
		return;
	vanished = malloc(sizeof(*vanished) + size);
	if (!vanished) /* the kernel keeps it for longer */
		return;
	vanished->object = object;
	vanished->directory = directory;
	vanished->due = pfs_loop_now(watch->loop) + A_WHILE;
	memcpy(vanished->path, path, size);
	pfs_store_hold(watch->store, object, 1);
	TAILQ_INSERT_TAIL(&watch->vanished, vanished, link);
	pfs_watch_pump_at(watch, vanished->due);
}

/* The first that the kernel still knows and that is due now. NULL: none yet. */
static struct vanished *first_due(struct pfs_watch *watch)
{
	int64_t now = pfs_loop_now(watch->loop);
	struct vanished *vanished, *next;
	unsigned passed = 0;

	for (vanished = TAILQ_FIRST(&watch->vanished); vanished; vanished = next) {
		next = TAILQ_NEXT(vanished, link);
		if (vanished->due > now || passed++ == SLICE) {
			pfs_watch_pump_at(watch, vanished->due);
			return NULL;
		}
		if (vanished->object->references > 1) /* ours is one */
			return vanished;
		drop(watch, vanished);
	}
	return NULL;
}

bool pfs_forget_next(struct pfs_watch *watch)
{
	struct vanished *first = first_due(watch);

	if (!first)
		return false;
	if (watch->host.is_busy(watch->host.arg, first->directory)) {
		pfs_watch_pump_at(watch, pfs_loop_now(watch->loop) + BUSY_PAUSE);
		return false;
	}
	if (pfs_poke_look(watch->poke, first->path) == -EPIPE) /* the next child will */
		return false;
	drop(watch, first);
	return true;
}
