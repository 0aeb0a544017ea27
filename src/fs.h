/* SPDX-License-Identifier: MIT */
/*
 * What the files of the fs room share. Each knows those before it: fs_reply.c (replies), fs_call.c
 * (messages that wait), fs_operations.c (messages that ask for something), fs_xattr.c (those for
 * extended attributes), fs_change.c (messages that would change something, and are refused),
 * fs_notify.c (what the kernel is notified of), fs_mounted.c (the mount itself), fs.c (the
 * session).
 */
#ifndef PINEFS_SRC_FS_H
#define PINEFS_SRC_FS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <sys/queue.h>
#include <sys/statvfs.h>

#include "pinefs/fs.h"
#include "pinefs/log.h"
#include "pinefs/loop.h"
#include "pinefs/mounts.h"
#include "pinefs/poke.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"
#include "pinefs/wait.h"
#include "pinefs/watch.h"

/* A message that may have to wait. It lives from its arrival to its one reply. */
struct call {
	struct pfs_wait wait; /* first, so that one is the other */
	struct pfs_fs *fs;
	fuse_req_t request;
	/*
	 * Try to answer: reply once and return 0; or, if the store must be waited for, return
	 * -EINPROGRESS. told: the store was waited for, and error is what it said.
	 */
	int (*run)(struct call *call, bool told, int error);
	fuse_ino_t inode;
	char *name;		/* of a lookup; owned */
	bool reading;		/* getattr for a read(2) */
	bool at_once;		/* with what is known: see is_from_child() */
	bool holds_directory;	/* lookup, readdir: nobody can make a name there meanwhile */
	bool patient;		/* may wait for hours; whoever gives up is answered at once */
	bool plus;		/* readdir with attributes */
	size_t size;		/* readdir */
	off_t offset;		/* readdir */
	bool interrupted;	/* the caller has given up */
	struct pfs_timer grace; /* runs once it has, or until the longest wait is over */
	TAILQ_ENTRY(call) link; /* in fs->parked while it waits */
};

TAILQ_HEAD(call_list, call);

struct pfs_fs {
	struct pfs_tree *tree;
	struct pfs_store *store;
	struct pfs_watch *watch;
	struct pfs_poke *poke; /* NULL: no inotify */
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct fuse_session *session;
	int64_t longest_wait; /* ns for which a call may be parked; 0: no bound */
	unsigned max_read;    /* as mounted; 0: the kernel's own bound */
	bool mounted;
	struct pfs_mount mount;	 /* zeros where it isn't known */
	bool opens_unasked;	 /* the kernel opens files without asking us */
	bool listings_unasked;	 /* ... and directories */
	bool parallel_lookups;	 /* the kernel can look names up side by side: to be told yet */
	bool greeted;		 /* INIT was there, and could be answered */
	int error;		 /* what receiving failed with, or 0 */
	struct fuse_buf message; /* the one being received; libfuse's memory */
	struct pfs_buffer scratch;
	struct call_list parked;
	size_t parked_count;
	size_t unreplied; /* requests that were entered, and not yet replied to */

	/* fs_notify.c's. */
	struct pfs_timer collections_timer; /* notifies the kernel that collections changed */
	uint32_t collections_changed;	    /* a bit a kind, by its number */
	struct pfs_timer sweep_timer;	    /* pfs_fs_invalidate's */
	struct pfs_cursor swept;
};

/* --- fs_call.c --- */

/*
 * Begin a call: run it at once, and park it if it must wait. Copies the call, and its name.
 * Without memory: replies ENOMEM.
 */
void pfs_call_begin(const struct call *call);
/* Is a lookup or listing in this directory parked? */
bool pfs_call_is_busy(void *fs, uint64_t directory);
/* Reply this error to all that wait (positive), for the end of the mount. */
void pfs_call_end_all(struct pfs_fs *fs, int error);

/* --- fs_change.c --- */

/* Put its functions beside those of fs_operations.c. */
void pfs_fs_add_changes(struct fuse_lowlevel_ops *operations);

/* --- fs_xattr.c --- */

/* The same. */
void pfs_fs_add_xattrs(struct fuse_lowlevel_ops *operations);

/* --- fs_mounted.c --- */

/* Learn which mount is ours, right after it was mounted there. */
void pfs_fs_find_mount(struct pfs_fs *fs, const char *mountpoint);

/* --- fs_operations.c --- */

extern const struct fuse_lowlevel_ops pfs_fs_operations;

/* --- fs_notify.c --- */

/* Begin to notify the kernel of what the store has to say of objects. 0, -ENOSPC. */
int pfs_notify_begin(struct pfs_fs *fs);
void pfs_notify_end(struct pfs_fs *fs);

/* What the watch room has the kernel notified of. */
void pfs_notify_inode(void *fs, uint64_t inode, void *poll_handle);
void pfs_notify_names(void *fs);

/* The kernel is to ask for an inode's attributes again. Of one that it doesn't have: nothing. */
void pfs_notify_attributes(void *fs, uint64_t inode);

/* --- fs_reply.c --- */

struct pfs_fs *pfs_fs_of(fuse_req_t request);

/* ns as libfuse wants them. */
double pfs_seconds(int64_t ns);

/*
 * Each operation begins with this: a message about an inode, or a name in it, is counted. Those
 * about /.pinefs aren't, so that looking at the counters doesn't change them. ret_node may be NULL.
 * 0; -ESTALE: the inode means nothing any more.
 */
int pfs_enter(fuse_req_t request, enum pfs_message message, fuse_ino_t inode, const char *name,
	      struct pfs_node *ret_node);

/* In debug builds: abort unless each request that was entered was replied to once, or is parked. */
void pfs_check_replies(const struct pfs_fs *fs);

/*
 * Our child makes an event of what is known already. It must not wait for the API: all the other
 * events wait for it.
 */
bool pfs_is_from_child(fuse_req_t request);

/*
 * Fill attributes, and for how many ns they are valid. While our child is to write there, it seems
 * to be allowed to; that is valid for no time. To the child, which is to remove it, what has
 * vanished is there still.
 */
int pfs_fill_attributes(struct pfs_fs *fs, const struct pfs_node *node, bool to_child,
			struct stat *ret_stat, int64_t *ret_valid);

/* Fill an entry for a node. 0, or an error: then there is none. */
int pfs_fill_entry(struct pfs_fs *fs, const struct pfs_node *node,
		   struct fuse_entry_param *ret_entry);

/* Reply a node as an entry, or that it isn't there. Counts the reference. 0. */
int pfs_reply_node(struct pfs_fs *fs, fuse_req_t request, const struct pfs_node *node);

/* Reply an errno (negative or positive), counted. 0, so that a call's run can end with it. */
int pfs_reply_error(struct pfs_fs *fs, fuse_req_t request, int error);

/* Reply that it was done, without more. */
void pfs_reply_done(struct pfs_fs *fs, fuse_req_t request);

/* Reply that the kernel need not ask this any more, for any inode. */
void pfs_reply_unasked(struct pfs_fs *fs, fuse_req_t request);

void pfs_reply_attributes(struct pfs_fs *fs, fuse_req_t request, const struct stat *stat,
			  int64_t valid);
void pfs_reply_open(struct pfs_fs *fs, fuse_req_t request, const struct fuse_file_info *info);
void pfs_reply_length(struct pfs_fs *fs, fuse_req_t request,
		      size_t length); /* of extended attributes */
void pfs_reply_poll(struct pfs_fs *fs, fuse_req_t request, unsigned events);
void pfs_reply_statfs(struct pfs_fs *fs, fuse_req_t request, const struct statvfs *stat);

/* False: the caller is gone, and the kernel has nothing of it. */
bool pfs_reply_bytes(struct pfs_fs *fs, fuse_req_t request, const char *bytes, size_t length);
bool pfs_reply_entry(struct pfs_fs *fs, fuse_req_t request, const struct fuse_entry_param *entry);

#endif
