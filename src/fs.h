/* SPDX-License-Identifier: MIT */
/*
 * What the files of the fs room share. Each knows only those before it: fs_turn.c (who is
 * the first to learn of a change), fs_reply.c (replies), fs_call.c (messages that wait),
 * fs_operations.c (messages that ask for something), fs_xattr.c (those for extended attributes),
 * fs_command.c (mkdir(2) of what a command makes), fs_change.c (all other messages that would
 * change something, and are refused), fs_notify.c (what the kernel is notified of), fs_mounted.c
 * (the mount itself), fs.c (the session).
 */
#ifndef PINEFS_SRC_FS_H
#define PINEFS_SRC_FS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <sys/queue.h>
#include <sys/statvfs.h>

#include "pinefs/fs.h"
#include "pinefs/history.h"
#include "pinefs/log.h"
#include "pinefs/loop.h"
#include "pinefs/mounts.h"
#include "pinefs/poke.h"
#include "pinefs/resource.h"
#include "pinefs/restore.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"
#include "pinefs/wait.h"
#include "pinefs/watch.h"

/* A message that may have to wait. It lives from its arrival to its one reply. */
struct call {
	struct pfs_wait wait; /* first, so that its address is the call's */
	struct pfs_fs *fs;
	fuse_req_t request;
	/*
	 * Reply once and return 0; or, if wait has joined a queue, return -EINPROGRESS. woken: wait
	 * was woken with error.
	 */
	int (*run)(struct call *call, bool woken, int error);
	fuse_ino_t inode;
	char *name;	      /* of a lookup or a mkdir; owned */
	bool reading;	      /* of a getattr: a read(2) follows */
	bool at_once;	      /* reply with what is known: pfs_is_from_child */
	bool holds_directory; /* lookup, readdir, mkdir: nobody can make a name there meanwhile */
	bool patient;	      /* may wait for hours; an interrupt gets its reply at once */
	/* Of a mkdir: where to make something, whose name is `name`; NULL: it is no mkdir. */
	struct pfs_object *source;
	bool plus;		/* of a readdir: with attributes */
	size_t size;		/* of a readdir */
	off_t offset;		/* of a readdir */
	int64_t begun_at;	/* monotonic */
	size_t wakes;		/* how often wait was woken */
	bool follows;		/* has all it waited for, but another has a turn: fs_turn.c */
	bool interrupted;	/* the caller has given up */
	struct pfs_timer grace; /* while parked: when to give up, if there is a bound */
	TAILQ_ENTRY(call) link; /* in fs->parked while parked */
};

TAILQ_HEAD(call_list, call);
TAILQ_HEAD(turn_list, turn);

struct pfs_fs {
	struct pfs_tree *tree;
	struct pfs_store *store;
	struct pfs_watch *watch;
	struct pfs_poke *poke;	       /* NULL: no inotify */
	struct pfs_restores *restores; /* NULL: nothing can be made */
	uid_t uid;		       /* who may make something, besides ourselves */
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct fuse_session *session;
	int64_t longest_wait; /* ns that a call may take; 0: no bound */
	unsigned max_read;    /* as mounted; 0: the kernel's own bound */
	bool mounted;
	struct pfs_mount mount;	 /* zeros where it isn't known */
	bool opens_unasked;	 /* the kernel opens files without asking us */
	bool listings_unasked;	 /* ... and directories */
	bool parallel_lookups;	 /* the reply to INIT must still ask the kernel for them */
	bool greeted;		 /* INIT has come, and libfuse could reply to it */
	int error;		 /* what receiving a message failed with, or 0 */
	struct fuse_buf message; /* the one being received; libfuse's memory */
	struct pfs_buffer scratch;
	struct call_list parked;
	size_t parked_count;
	size_t unreplied; /* requests that were entered, and not yet replied to */
	struct turn_list turns;
	uint64_t followers; /* calls that wait for the end of a turn */

	/* Owned by fs_notify.c. */
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
/* Reply this error (positive) to all parked calls, since the mount ends. */
void pfs_call_end_all(struct pfs_fs *fs, int error);

/* --- fs_turn.c --- */

/*
 * May this getattr get its file's attributes? 0: reply now. -EINPROGRESS: another process has a
 * turn; call->wait is woken when that has dropped the pages that the kernel had.
 */
int pfs_turn_take(struct call *call);
/*
 * The attributes of a node are about to be filled for this request: begin a turn, if they have
 * changed, or join the one that is on.
 */
void pfs_turn_join(struct pfs_fs *fs, fuse_req_t request, const struct pfs_node *node);
/* Has somebody a turn? Then the attributes must be valid for no time. */
bool pfs_turn_is_on(const struct pfs_fs *fs, uint64_t inode);
/* fs->message has come, and will be processed next: it may end a turn. */
void pfs_turn_notice(struct pfs_fs *fs);
/* Wake all who follow. */
void pfs_turn_end_all(struct pfs_fs *fs);

/* --- fs_command.c --- */

/* Is this a directory in which the caller may make something? */
bool pfs_may_make(fuse_req_t request, const struct pfs_node *directory);
/* Serve a mkdir(2) in a directory of what was made. -EACCES: this caller may not. */
void pfs_make(fuse_req_t request, const struct pfs_node *directory, const char *name);
/* Serve a change of the attributes of what was made: it succeeds, and changes nothing. */
void pfs_keep_attributes(fuse_req_t request, const struct pfs_node *node);

/* --- fs_change.c --- */

/* Add the functions of this file to those of fs_operations.c. */
void pfs_fs_add_changes(struct fuse_lowlevel_ops *operations);

/* --- fs_xattr.c --- */

/* Add the functions of this file. */
void pfs_fs_add_xattrs(struct fuse_lowlevel_ops *operations);

/* --- fs_mounted.c --- */

/* Learn which mount is ours, right after it was mounted there. */
void pfs_fs_find_mount(struct pfs_fs *fs, const char *mountpoint);

/* --- fs_operations.c --- */

extern const struct fuse_lowlevel_ops pfs_fs_operations;

/* --- fs_notify.c --- */

/* Begin to notify the kernel when objects appear and vanish. 0, -ENOSPC from the store. */
int pfs_notify_begin(struct pfs_fs *fs);
void pfs_notify_end(struct pfs_fs *fs);

/* What the watch room calls: struct pfs_watch_host. */
void pfs_notify_inode(void *fs, uint64_t inode, void *poll_handle);
void pfs_notify_names(void *fs);

/* What the history calls. */
void pfs_notify_forgotten(void *fs, struct pfs_object *object);

/* Notify the kernel that an inode's attributes are invalid. Does nothing for one that it lacks. */
void pfs_notify_attributes(void *fs, uint64_t inode);

/* --- fs_reply.c --- */

struct pfs_fs *pfs_fs_of(fuse_req_t request);

/* ns in the seconds that libfuse wants. */
double pfs_seconds(int64_t ns);

/*
 * Each operation begins with this. Counts a message about an inode, or about a name in it; but not
 * those about /.pinefs, so that to read the counters doesn't change them. ret_node may be NULL. 0;
 * -ESTALE: the inode is gone.
 */
int pfs_enter(fuse_req_t request, enum pfs_message message, fuse_ino_t inode, const char *name,
	      struct pfs_node *ret_node);

/* In debug builds: abort unless each request that was entered was replied to once, or is parked. */
void pfs_check_replies(const struct pfs_fs *fs);

/*
 * Is this message our child's? It must not wait for the API: the child makes an event of what is
 * known already, and all other events wait for it.
 */
bool pfs_is_from_child(fuse_req_t request);

/*
 * Fill the attributes that a request asks for, and for how many ns they are valid. Of a
 * pfs_poke_is_window inode they let our child write, and are valid for no time. What has vanished
 * still has some for our child, while it makes an event of that. 0; -ESTALE.
 */
int pfs_fill_attributes(fuse_req_t request, const struct pfs_node *node, struct stat *ret_stat,
			int64_t *ret_valid);

/* Fill an entry for a node. 0, or an error of pfs_fill_attributes. */
int pfs_fill_entry(fuse_req_t request, const struct pfs_node *node,
		   struct fuse_entry_param *ret_entry);

/* Reply with a node's entry, or that it isn't there. Counts the kernel's reference. 0. */
int pfs_reply_node(struct pfs_fs *fs, fuse_req_t request, const struct pfs_node *node);

/* Reply with an errno (negative or positive), and count it. 0, so that run can end with this. */
int pfs_reply_error(struct pfs_fs *fs, fuse_req_t request, int error);

/* Reply with success, without more. */
void pfs_reply_done(struct pfs_fs *fs, fuse_req_t request);

/* Reply with ENOSYS: the kernel never sends this type of message again, for any inode. */
void pfs_reply_unasked(struct pfs_fs *fs, fuse_req_t request);

void pfs_reply_attributes(struct pfs_fs *fs, fuse_req_t request, const struct stat *stat,
			  int64_t valid);
void pfs_reply_open(struct pfs_fs *fs, fuse_req_t request, const struct fuse_file_info *info);
void pfs_reply_length(struct pfs_fs *fs, fuse_req_t request,
		      size_t length); /* of extended attributes */
void pfs_reply_poll(struct pfs_fs *fs, fuse_req_t request, unsigned events);
void pfs_reply_statfs(struct pfs_fs *fs, fuse_req_t request, const struct statvfs *stat);

/* False: the caller is gone, and the kernel has dropped the reply. */
bool pfs_reply_bytes(struct pfs_fs *fs, fuse_req_t request, const char *bytes, size_t length);
bool pfs_reply_entry(struct pfs_fs *fs, fuse_req_t request, const struct fuse_entry_param *entry);

#endif
