/* SPDX-License-Identifier: MIT */
/*
 * fs: the FUSE side: it gets messages from the kernel and sends exactly one reply to each. It is
 * thin: what a path means, and when the API must be asked, the tree knows. Nothing here blocks but
 * mounting and unmounting: a call whose reply isn't known yet is parked until the store wakes it
 * or its caller gives up.
 *
 * Only fs, poke and main know libfuse. May include watch, poke, tree, restore, history, store and
 * the ground.
 */
#ifndef PINEFS_FS_H
#define PINEFS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pfs_history;
struct pfs_loop;
struct pfs_poke;
struct pfs_restores;
struct pfs_stats;
struct pfs_store;
struct pfs_tree;
struct pfs_watch;

struct pfs_fs_config {
	const char *options; /* for libfuse and the kernel: "allow_other,max_read=4096", or "" */
	const char *source;  /* what /proc/mounts shows as the device; NULL: "pinefs" */
	/* ns after which the kernel ends the mount because a message had no reply
	 * (fs.fuse.max_request_timeout); 0: never. We reply well before. */
	int64_t time_limit;
	unsigned max_read;     /* bytes: max_read in options; 0: it isn't there */
	bool check_modes;      /* the kernel checks modes and owners (default_permissions) */
	struct pfs_poke *poke; /* borrowed; NULL: no inotify events are made */
	struct pfs_restores *restores; /* borrowed; NULL: nothing can be made */
	struct pfs_history *history;   /* borrowed; NULL: it forgets nothing */
	uid_t uid; /* who may make something, besides the user whose process this is */
};

struct pfs_fs;

/*
 * Create the session, but mount nothing yet. tree, store, watch, loop, stats and the rooms in
 * config are borrowed; config's strings are copied. Listens to the store and the history. 0;
 * -EINVAL for an option that libfuse doesn't know, with a line for people in text; -ENOMEM; -ENOSPC
 * from the store.
 */
int pfs_fs_create(struct pfs_tree *tree, struct pfs_store *store, struct pfs_watch *watch,
		  struct pfs_loop *loop, struct pfs_stats *stats,
		  const struct pfs_fs_config *config, struct pfs_fs **ret_fs, char *text,
		  size_t size);

/*
 * Mount on an absolute path; from then on messages are served from the loop. 0; -EIO, with a line
 * from libfuse or fusermount3 in text, also where libfuse refuses the kernel's first message; or
 * what fcntl(2) failed with. Blocks while mount(2) or fusermount3 works.
 *
 * The loop is stopped when the mount ends from outside (fusermount3 -u), or when no message can be
 * received any more.
 */
int pfs_fs_mount(struct pfs_fs *fs, const char *mountpoint, char *text, size_t size);

/*
 * Why the loop was stopped: -errno that receiving a message failed with; 0 if the kernel has ended
 * the session. It may also do that when it cuts off the mount and leaves it there, dead.
 */
int pfs_fs_error(const struct pfs_fs *fs);

/* The mount's device number, which it keeps wherever it is moved to; 0: unknown, or not mounted. */
dev_t pfs_fs_device(const struct pfs_fs *fs);

/*
 * End the mount: reply ENOTCONN to all parked calls, and unmount what is ours, nothing else.
 * 0: it isn't mounted any more, whoever has unmounted it; also when this is called again.
 * -ENOTCONN: the kernel has cut it off, and it is still there, dead. Else what pfs_mounts_detach
 * failed with: it is still there, and dead from now on. *ret_path is where it was or is; NULL if
 * that isn't known; owned by the caller. Blocks as pfs_mounts_detach does.
 */
int pfs_fs_unmount(struct pfs_fs *fs, char **ret_path);

/* Unmount if that wasn't done, and free. Takes NULL. */
void pfs_fs_destroy(struct pfs_fs *fs);

/*
 * Notify the kernel that all attributes and names that it may have cached are invalid. Before Linux
 * 6.16 names known to be missing stay so until they expire. Works on from the loop, in slices, so
 * that a large mount isn't held up.
 */
void pfs_fs_invalidate(struct pfs_fs *fs);

#endif
