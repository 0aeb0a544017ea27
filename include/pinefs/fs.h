/* SPDX-License-Identifier: MIT */
/*
 * fs: the FUSE side: messages from the kernel in, exactly one reply to each out. Thin: what a
 * path is and when it must be asked for is the tree's business. Nothing here waits; a message
 * whose answer isn't known yet is parked until the store tells, or its caller gives up.
 *
 * Together with poke and main the only place that knows libfuse. May include watch, poke, tree,
 * store and the ground.
 */
#ifndef PINEFS_FS_H
#define PINEFS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pfs_loop;
struct pfs_poke;
struct pfs_stats;
struct pfs_store;
struct pfs_tree;
struct pfs_watch;

struct pfs_fs_config {
	const char *options; /* libfuse's and the kernel's: "allow_other,max_read=4096", or "" */
	const char *source;  /* what /proc/mounts shows as the device; NULL: "pinefs" */
	/* ns after which the kernel ends the mount for a message that wasn't answered
	 * (fs.fuse.max_request_timeout); 0: never. Messages are answered well before. */
	int64_t time_limit;
	unsigned max_read;     /* the value of max_read in options; 0: none */
	bool check_modes;      /* the kernel checks modes and owners (default_permissions) */
	struct pfs_poke *poke; /* whose child makes inotify's events; borrowed; NULL: nobody */
};

struct pfs_fs;

/*
 * Make the session, but mount nothing yet. tree, store, watch, loop and stats are borrowed; listens
 * to the store. 0; -EINVAL for an option that libfuse doesn't know, with a line in text; -ENOMEM;
 * -ENOSPC from the store.
 */
int pfs_fs_create(struct pfs_tree *tree, struct pfs_store *store, struct pfs_watch *watch,
		  struct pfs_loop *loop, struct pfs_stats *stats,
		  const struct pfs_fs_config *config, struct pfs_fs **ret_fs, char *text,
		  size_t size);

/*
 * Mount on an absolute path and serve from the loop on. 0; -EIO with what libfuse or fusermount3
 * said (one line) in text, also if it is the kernel's first message that libfuse refuses; or what
 * fcntl(2) said. Blocks while mount(2) or fusermount3 work. When the mount
 * ends from outside (fusermount3 -u), or no message can be received any more, the loop is stopped.
 */
int pfs_fs_mount(struct pfs_fs *fs, const char *mountpoint, char *text, size_t size);

/*
 * Why the loop was stopped: -errno if it was for a message that couldn't be received; 0 if the
 * kernel has ended the session, which it also does when it cuts off a mount that stays there.
 */
int pfs_fs_error(const struct pfs_fs *fs);

/* Its device number, by which it is found wherever it is mounted; 0: not known, or not mounted. */
dev_t pfs_fs_device(const struct pfs_fs *fs);

/*
 * End the mount, answering all who wait with ENOTCONN, and unmount what is ours, nothing else. 0:
 * it is gone, whoever has unmounted it. -ENOTCONN: the kernel has cut it off, and it is there
 * still; or what pfs_mounts_detach said, and it is there still, dead from now on. *ret_path is
 * where it was or is; NULL if that isn't known; owned by the caller. Once more: 0. May block as
 * pfs_mounts_detach does.
 */
int pfs_fs_unmount(struct pfs_fs *fs, char **ret_path);

/* Do so if that wasn't done, and free. Takes NULL. */
void pfs_fs_destroy(struct pfs_fs *fs);

/*
 * Tell the kernel that no attributes and names hold any longer, for everything that it may have
 * kept; before Linux 6.16 names that don't exist stay unknown for as long as they were said to.
 * Goes on from the loop in slices, so that a large mount isn't held up.
 */
void pfs_fs_invalidate(struct pfs_fs *fs);

#endif
