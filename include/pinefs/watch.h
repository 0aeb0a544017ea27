/* SPDX-License-Identifier: MIT */
/*
 * watch: who waits for a change of the files, and how they are woken. Here, and only here, pinefs
 * asks the API without being asked: for objects that can still change and that somebody waits for,
 * polls or watches, and for lists that somebody polls or watches. While nobody does, no timer runs.
 *
 * Readers of `wait` are known, since their read(2) waits for our reply, and so are callers of
 * poll(2). The kernel doesn't announce those who watch by inotify, so the poke room scans /proc for
 * them: after each change; a little more than a TTL after the kernel's last message, since nobody
 * can set a watch on what can still change without a message; and every TTL while there are any.
 *
 * The child that makes the events may be killed; then a new one is started a little later. When
 * there is no event to be made, it looks at what has vanished, so that the kernel forgets that.
 *
 * May include poke, tree, restore, history, store, resource and the ground.
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
struct pfs_restores;
struct pfs_stats;
struct pfs_store;
struct pfs_tree;
struct pfs_wait;

struct pfs_watch_config {
	int64_t ttl; /* ns: how often what somebody waits for, polls or watches is refreshed */
	struct pfs_restores *restores; /* borrowed; NULL: nothing can be made */
};

struct pfs_watch;

/*
 * store, tree, loop, stats and poke are borrowed; with poke NULL no inotify events are made.
 * Listens to the store and to poke. 0, -ENOMEM, -ENOSPC.
 */
int pfs_watch_create(struct pfs_store *store, struct pfs_tree *tree, struct pfs_loop *loop,
		     struct pfs_stats *stats, struct pfs_poke *poke,
		     const struct pfs_watch_config *config, struct pfs_watch **ret_watch);
void pfs_watch_destroy(struct pfs_watch *watch); /* nobody may wait any more; takes NULL */

/*
 * What the room that talks to the kernel (fs) does for the watch. Set it before the mount.
 */
struct pfs_watch_host {
	/* Does a lookup or listing in this directory wait for its reply? Then the child, if it made
	 * or looked at a name there, would wait for that reply, and everybody else for the child.
	 */
	bool (*is_busy)(void *arg, uint64_t directory);
	/* Notify the kernel that the inode's attributes are invalid; and wake the poll(2) that this
	 * handle is of, unless it is NULL. */
	void (*notify)(void *arg, uint64_t inode, void *handle);
	/* Notify the kernel that all names are invalid, and that names it knows to be missing may
	 * exist. */
	void (*notify_names)(void *arg);
	/* Free the handle. */
	void (*drop)(void *arg, void *handle);
	void *arg;
};
void pfs_watch_set_host(struct pfs_watch *watch, const struct pfs_watch_host *host);

/*
 * Wait until the object has ended. 0: it has. -ESTALE: it has vanished. -EACCES: the API rejects
 * the key; after other failures the wait goes on. -EINPROGRESS: wait has joined, and is woken with
 * one of these; pfs_wait_cancel gives up. -ENOMEM.
 */
int pfs_watch_wait(struct pfs_watch *watch, struct pfs_object *object, struct pfs_wait *wait);

/*
 * Somebody polls a file. key identifies the open file. handle is what host.notify wakes it by, or
 * NULL if this poll(2) doesn't sleep; the watch owns it until host.drop. *ret_changed: has the file
 * changed since the same key last polled? 0. -ENOSPC: 1024 others are alive; -ENOMEM. After an
 * error the handle is still the caller's, and nothing will wake it.
 */
int pfs_watch_poll(struct pfs_watch *watch, uint64_t inode, uint64_t key, void *handle,
		   bool *ret_changed);

/*
 * Call this after pfs_store_expire: refreshes what somebody waits for, polls or watches, without
 * the pause that earlier failures had led to.
 */
void pfs_watch_expire(struct pfs_watch *watch);

/* A caller has got this directory as the reply to his mkdir(2), from which the kernel makes the
 * event. The list may have brought the name while he waited: then the child makes no second one. */
void pfs_watch_made(struct pfs_watch *watch, uint64_t inode);

/* A message has come from the kernel, or a reply has gone out: somebody may set a watch now. */
void pfs_watch_noticed(struct pfs_watch *watch);

/* For /.pinefs/watchers: append a line for each watch of the last scan: process id, process name,
 * path; tabs between. */
void pfs_watch_render(const struct pfs_watch *watch, struct pfs_buffer *buffer);

#endif
