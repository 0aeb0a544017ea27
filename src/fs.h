/* SPDX-License-Identifier: MIT */
/*
 * What the files of the fs room share: fs.c (the session), fs_operations.c (messages that ask
 * for something), fs_xattr.c (those for extended attributes), fs_change.c (messages that would
 * change something, and are refused), fs_call.c (messages that wait), fs_reply.c (replies),
 * fs_mounted.c (the mount itself).
 */
#ifndef PINEFS_SRC_FS_H
#define PINEFS_SRC_FS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <sys/queue.h>

#include "pinefs/fs.h"
#include "pinefs/log.h"
#include "pinefs/loop.h"
#include "pinefs/mounts.h"
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

	struct pfs_timer collections_timer; /* tells the kernel that collections changed */
	uint32_t collections_changed;	    /* a bit a kind, by its number */
	struct pfs_timer sweep_timer;	    /* pfs_fs_invalidate's */
	struct pfs_cursor swept;

	int logged_error; /* the last failure of the API that was logged, and when */
	int64_t logged_at;
};

/* --- fs.c --- */

/* Which open file the message under way, a poll, is about; libfuse doesn't tell. */
uint64_t pfs_fs_poll_key(const struct pfs_fs *fs);

/* --- fs_call.c --- */

/*
 * Begin a call: run it at once, and park it if it must wait. Copies the call, and its name.
 * Without memory: replies ENOMEM.
 */
void pfs_call_begin(const struct call *call);
/* Is a lookup or listing in this directory parked? */
bool pfs_call_is_busy(void *fs, uint64_t directory);
/* Answer all that wait with this error (positive), for the end of the mount. */
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

/* --- fs_reply.c --- */

struct pfs_fs *pfs_fs_of(fuse_req_t request);

/* ns as libfuse wants them. */
double pfs_seconds(int64_t ns);

/*
 * Count a message about an inode, or a name in it. Those about /.pinefs count apart, so that
 * looking at the counters doesn't change them.
 */
void pfs_count(struct pfs_fs *fs, enum pfs_message message, fuse_ino_t inode, const char *name);

/*
 * Our child makes an event of what is known already. It must not wait for the API: all the other
 * events wait for it.
 */
bool pfs_is_from_child(fuse_req_t request);

/*
 * Tell attributes, and for how many ns they hold. While our child is to write there, it seems to be
 * allowed to; that holds for no time. To the child, which is to remove it, what has vanished is
 * there still.
 */
int pfs_tell_attributes(struct pfs_fs *fs, const struct pfs_node *node, bool to_child,
			struct stat *ret_stat, int64_t *ret_holds);

/* Tell a node as an entry. 0, or an error: then it can't be told. */
int pfs_make_entry(struct pfs_fs *fs, const struct pfs_node *node,
		   struct fuse_entry_param *ret_entry);

/* Reply a node as an entry, or say that it isn't there. Counts the reference. */
int pfs_reply_node(struct pfs_fs *fs, fuse_req_t request, const struct pfs_node *node);

/* Reply an errno (negative or positive), counted. 0, so that a call's run can end with it. */
int pfs_reply_error(struct pfs_fs *fs, fuse_req_t request, int error);

#endif
