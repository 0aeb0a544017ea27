/* SPDX-License-Identifier: MIT */
/*
 * watch: who wants to know of a change, and that they hear of it. Here, and only here, pinefs
 * asks the API by itself: for objects that can still change and that somebody waits for or
 * watches, and for lists that somebody watches. With nobody there, no timer runs.
 *
 * Those who read `wait` are known, since their read(2) is with us, and so are those who poll(2).
 * Those who use inotify are not announced by the kernel: /proc is scanned for them (by poke) a
 * little more than a TTL after the last message from the kernel, since a watch on what can still
 * change can't be set without one, and after that as long as there are any; and after each change.
 *
 * The child that makes the events may be killed: then there is another a little later.
 *
 * May include poke, tree, history, store, resource and the ground.
 */
#ifndef PINEFS_WATCH_H
#define PINEFS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct pfs_buffer;
struct pfs_loop;
struct pfs_object;
struct pfs_poke;
struct pfs_stats;
struct pfs_store;
struct pfs_tree;
struct pfs_wait;

struct pfs_watch_config {
	int64_t ttl; /* ns between refreshes */
};

struct pfs_watch;

/*
 * store, tree, loop, stats and poke are borrowed; poke may be NULL: then no inotify events are
 * made. Listens to the store and to poke. 0, -ENOMEM, -ENOSPC.
 */
int pfs_watch_create(struct pfs_store *store, struct pfs_tree *tree, struct pfs_loop *loop,
		     struct pfs_stats *stats, struct pfs_poke *poke,
		     const struct pfs_watch_config *config, struct pfs_watch **ret_watch);
void pfs_watch_destroy(struct pfs_watch *watch); /* takes NULL; nobody may wait any more */

/*
 * What only the room that talks to the kernel can do; set before anything is asked of the kernel.
 */
struct pfs_watch_host {
	/* Is a lookup or listing in this directory unanswered? A name made there meanwhile would
	 * wait for it, and everybody else behind that. */
	bool (*is_busy)(void *arg, uint64_t directory);
	/* Have the kernel fetch the inode's attributes anew, and wake who polls with this handle,
	 * unless that is NULL. */
	void (*notify)(void *arg, uint64_t inode, void *handle);
	/* Have the kernel look each name up anew, also those that it knows not to exist. */
	void (*notify_names)(void *arg);
	/* The handle isn't needed any more. */
	void (*drop)(void *arg, void *handle);
	void *arg;
};
void pfs_watch_set_host(struct pfs_watch *watch, const struct pfs_watch_host *host);

/*
 * Wait until the object can't change any more. 0: it can't. -ESTALE: it has vanished. -EACCES: the
 * API rejects the key; other failures are waited through. -EINPROGRESS: wait->done will tell one of
 * these; pfs_wait_cancel gives up. -ENOMEM.
 */
int pfs_watch_wait(struct pfs_watch *watch, struct pfs_object *object, struct pfs_wait *wait);

/*
 * Somebody polls a file. key tells open files apart; handle is what wakes this one, owned by the
 * watch until it drops it, or NULL if it won't sleep. ret_changed: did the file change since the
 * same key polled last? 0; -ENOSPC with 1024 that are alive, -ENOMEM: then the handle is still the
 * caller's, and nobody will wake it.
 */
int pfs_watch_poll(struct pfs_watch *watch, uint64_t inode, uint64_t key, void *handle,
		   bool *ret_changed);

/*
 * pfs_store_expire was called: what somebody wants to know of is asked for now, whatever pause its
 * failures had led to.
 */
void pfs_watch_expire(struct pfs_watch *watch);

/* The kernel asks for something, or is answered: from now on somebody new may be watching. */
void pfs_watch_noticed(struct pfs_watch *watch);

/* For /.pinefs/watchers: a line a watch, as last seen: process id, name, path; tabs between. */
void pfs_watch_render(const struct pfs_watch *watch, struct pfs_buffer *buffer);

#endif
