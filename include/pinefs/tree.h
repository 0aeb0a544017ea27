/* SPDX-License-Identifier: MIT */
/*
 * tree: the files. It makes directories and files of the store's objects: names, inode numbers,
 * attributes, contents, extended attributes. It decides which calls wait for fresh content, and
 * gets that from the store, never from the API.
 *
 * Doesn't know FUSE. May include history, table, restore, store, json, resource and the ground.
 *
 * Inode numbers are computed, not stored, and an object's never change during the mount: see
 * tree_node.c. No call blocks: those that take a pfs_wait return -EINPROGRESS once it has joined,
 * and say what to call when it is woken.
 */
#ifndef PINEFS_TREE_H
#define PINEFS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct pfs_buffer;
struct pfs_content;
struct pfs_history;
struct pfs_kind;
struct pfs_loop;
struct pfs_object;
struct pfs_restores;
struct pfs_slice;
struct pfs_store;
struct pfs_tables;
struct pfs_wait;

#define PFS_ROOT_INODE 1

enum pfs_node_type {
	PFS_NODE_ROOT,
	PFS_NODE_README,
	PFS_NODE_REPORTS,    /* the directory /.pinefs */
	PFS_NODE_REPORT,     /* a file in it */
	PFS_NODE_EVENTS,     /* the whole history */
	PFS_NODE_COLLECTION, /* a kind's directory */
	PFS_NODE_OBJECT,     /* an object's directory */
	PFS_NODE_FILE,	     /* a file in that */
	PFS_NODE_LINK,	     /* a symbolic link in that */
	PFS_NODE_TABLES,     /* the directory /tables */
	PFS_NODE_TABLE,	     /* a file in it: one text of a kind */
	PFS_NODE_RESTORES,   /* in an object's, the directory of what was made of it */
	PFS_NODE_RESTORE,    /* in that, the directory of a job, named after what it makes */
	PFS_NODE_RESTORE_ID, /* the file in that */
};

/* A directory, a file or a link. Valid until the store is next asked; while the kernel holds a
 * reference to its object, for longer. */
struct pfs_node {
	enum pfs_node_type type;
	uint64_t inode;
	unsigned index;		     /* of a report, a file or a link; the format of a table */
	const struct pfs_kind *kind; /* of a collection, a table, or of object; else NULL */
	struct pfs_object *object;   /* of an object, a file, a link, RESTORES; the job of a
				      * RESTORE, which may have no content yet; else NULL */
	uint64_t generation;	     /* of a history, or the number of a table's text */
};

/* A file of /.pinefs. render appends what it says now; errors stay in the buffer. */
struct pfs_report {
	const char *name;
	void (*render)(void *arg, struct pfs_buffer *buffer);
	void *arg;
	bool moves; /* it says something else each time, as where it shows an age */
};

struct pfs_tree_config {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	int64_t ttl; /* ns: names and attributes of what can change are valid for at most this */
	const char *readme;		  /* the content of /README; borrowed */
	const struct pfs_report *reports; /* borrowed; at most PFS_REPORTS_MAX */
	size_t report_count;
	struct pfs_restores *restores; /* borrowed; NULL: nothing can be made here */
	struct pfs_tables *tables;     /* borrowed; NULL: there is no /tables */
};
#define PFS_REPORTS_MAX 12

struct pfs_tree;

/*
 * Listens to the store. store, history and loop are borrowed. 0, -ENOMEM, -E2BIG for too many
 * reports, -ENOSPC from the store.
 */
int pfs_tree_create(struct pfs_store *store, struct pfs_history *history, struct pfs_loop *loop,
		    const struct pfs_tree_config *config, struct pfs_tree **ret_tree);
void pfs_tree_destroy(struct pfs_tree *tree); /* after the store; takes NULL */

/* The node with this inode number. 0; -ESTALE if there is none, or none any more. */
int pfs_tree_node(struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node);

/*
 * Find the child of a directory by name. With wait, asks the store for an id that it has never
 * seen, and for the object of a file if its content has expired. With wait NULL, or if the store
 * fails, answers from what has been seen.
 * 0: *ret_node is set. -ENOENT: there is no such child; that is valid for *ret_valid ns.
 * -EINPROGRESS: call again with wait NULL once wait is woken with 0. -ENOTDIR; else an errno of the
 * store.
 */
int pfs_tree_lookup(struct pfs_tree *tree, const struct pfs_node *parent, const char *name,
		    struct pfs_wait *wait, struct pfs_node *ret_node, int64_t *ret_valid);

/* Is this child there whatever the API says, so that a lookup which has waited for it in vain finds
 * it all the same? So it is with the directory of what was made of an object. */
bool pfs_tree_is_there(const struct pfs_tree *tree, const struct pfs_node *parent,
		       const char *name);

/*
 * Make sure that a node's attributes are valid; call it before pfs_tree_attributes. reading: a
 * read(2) will follow, which must not get expired content.
 * 0; -ESTALE; or an errno of the store. Without reading a failure of the store is 0 for an object
 * that was seen: its last attributes are better than none. With reading, a `success` whose object
 * has ended badly is -ECANCELED (cancelled) or -EREMOTEIO (failed). -EINPROGRESS: call
 * pfs_tree_refreshed with the error that wait is woken with, and how often it has been woken since
 * pfs_tree_refresh; it returns one of the same results.
 */
int pfs_tree_refresh(struct pfs_tree *tree, const struct pfs_node *node, bool reading,
		     struct pfs_wait *wait);
int pfs_tree_refreshed(struct pfs_tree *tree, const struct pfs_node *node, bool reading,
		       size_t wakes, int error, struct pfs_wait *wait);

/*
 * Fill a node's attributes; they are valid for *ret_valid ns. This promises a file's content: until
 * its attributes are filled again, pfs_tree_read lends the bytes that it has now. 0; -ESTALE if the
 * file is gone; -ENOMEM.
 */
int pfs_tree_attributes(struct pfs_tree *tree, const struct pfs_node *node, struct stat *ret_stat,
			int64_t *ret_valid);
/*
 * Say which process gets a node's attributes, before pfs_tree_attributes; asker 0: it isn't known.
 * Returns for how many ns they may be valid at most. For a moment after a history has got a line
 * that is 0, and each process gets another modification time than the one before: the kernel then
 * drops its pages for each of them, where one could get the page that it was about to drop for
 * another, with NULs for the new line.
 */
int64_t pfs_tree_settle(struct pfs_tree *tree, const struct pfs_node *node, pid_t asker);
/*
 * Are a file's attributes other ones now than when they were last filled, so that the kernel drops
 * the pages that it has of the file? Of a history: may they be?
 */
bool pfs_tree_is_news(const struct pfs_tree *tree, const struct pfs_node *node);
/* ns for which a node's name is valid. */
int64_t pfs_tree_entry_valid(const struct pfs_tree *tree, const struct pfs_node *node);

/*
 * Lend a file's promised content, whole, until the tree or the store is next called. Never waits,
 * and copies nothing that may be large. 0; -EISDIR; -ESTALE; -EAGAIN for a file that
 * pfs_tree_must_wait; the error of a `success` whose object has ended badly; -ENOMEM.
 */
int pfs_tree_read(struct pfs_tree *tree, const struct pfs_node *node,
		  struct pfs_slice *ret_content);

/*
 * Append a link's target to buffer: a path from the directory that the link is in. Asks nobody; the
 * target need not be there. 0; -EINVAL: it is no link; -ESTALE: it has another target now, and so
 * another inode; or the buffer's error.
 */
int pfs_tree_readlink(struct pfs_tree *tree, const struct pfs_node *node,
		      struct pfs_buffer *buffer);

/*
 * Is this a file `wait` or `success` whose object hasn't ended? Then a read(2) of it must not get a
 * reply before the object has: see the watch room. Until then its attributes give a size that it
 * won't have (4096 bytes) and are valid for no time, so that the kernel asks for them before each
 * read(2). So they do for a `success` whose object has ended badly.
 */
bool pfs_tree_must_wait(const struct pfs_node *node);
/* Is this a file `wait` or `success`? */
bool pfs_tree_is_wait(const struct pfs_node *node);

/*
 * Visit each file of an object that exists in both versions and differs, by inode and name; its
 * history always counts as changed.
 */
void pfs_tree_each_change(struct pfs_tree *tree, const struct pfs_object *object,
			  const struct pfs_content *before, const struct pfs_content *after,
			  void (*visit)(void *arg, uint64_t inode, const char *name), void *arg);

/* Write the path of an inode, relative to the root, to path: "restore-jobs/ID/status". 0, -ESTALE,
 * -ENAMETOOLONG. */
int pfs_tree_path(struct pfs_tree *tree, uint64_t inode, char *path, size_t size);

/* Move a file's modification time by 1 ns, though its content is the same. */
void pfs_tree_touch(struct pfs_tree *tree, const struct pfs_node *node);

/*
 * Get the entry of a directory at a cursor: 0 for the first, then each entry's own for the next.
 * 1: *ret_entry is set. 0: the end. -EINPROGRESS: call again once wait is woken with 0. -ENOTDIR,
 * -ESTALE, or an errno of the store.
 */
struct pfs_entry {
	const char *name; /* valid until the tree is next called */
	struct pfs_node node;
	uint64_t cursor; /* where the next entry is */
};
int pfs_tree_list(struct pfs_tree *tree, const struct pfs_node *directory, uint64_t cursor,
		  struct pfs_wait *wait, struct pfs_entry *ret_entry);

/* Append the value of an extended attribute to buffer. Asks nobody. 0, -ENODATA, or the buffer's
 * error. */
int pfs_tree_xattr(struct pfs_tree *tree, const struct pfs_node *node, const char *name,
		   struct pfs_buffer *buffer);
/* Append the names of all extended attributes, each with its NUL. Errors stay in the buffer. */
void pfs_tree_xattr_names(struct pfs_tree *tree, const struct pfs_node *node,
			  struct pfs_buffer *buffer);

/* S_IFREG, S_IFDIR or S_IFLNK. */
mode_t pfs_tree_type(const struct pfs_node *node);

/* Fill attributes for an inode that has just vanished, so that the poke room's child finds it and
 * can remove it: those that it had, else those of an object's directory. */
void pfs_tree_vanished_attributes(struct pfs_tree *tree, uint64_t inode, struct stat *ret_stat);

/*
 * The kernel has count more references to a node (hold), or has given them back (forget). Those of
 * a file that its object hasn't any more are the object's, too; an inode whose object or text is
 * gone is passed over.
 */
void pfs_tree_hold(struct pfs_tree *tree, const struct pfs_node *node, uint64_t count);
void pfs_tree_hold_inode(struct pfs_tree *tree, uint64_t inode, uint64_t count);
void pfs_tree_forget(struct pfs_tree *tree, uint64_t inode, uint64_t count);

/* Visit each inode of an object that the kernel may know: its directory, and what is in it. */
void pfs_tree_each_inode(struct pfs_tree *tree, const struct pfs_object *object,
			 void (*visit)(void *arg, uint64_t inode), void *arg);

/* The inode of a kind's directory. */
uint64_t pfs_tree_collection_inode(const struct pfs_kind *kind);

/* An object's inodes: its directory has the first; last is the greatest that a file of it can have,
 * but for a rotated history. */
uint64_t pfs_tree_object_inode(const struct pfs_object *object);
uint64_t pfs_tree_last_inode(const struct pfs_object *object);
uint64_t pfs_tree_done_inode(const struct pfs_object *object);
uint64_t pfs_tree_wait_inode(const struct pfs_object *object);
uint64_t pfs_tree_success_inode(const struct pfs_object *object);
/* Of the directory of what was made of it. */
uint64_t pfs_tree_restores_inode(const struct pfs_object *object);
/* Of a job's directory in that. */
uint64_t pfs_tree_restore_inode(const struct pfs_object *job);

/*
 * The inodes of a history (object NULL: of /events): events is that of its present generation;
 * rotated that of the generation before, if the last change has ended it, else 0.
 */
uint64_t pfs_tree_events_inode(struct pfs_tree *tree, const struct pfs_object *object);
uint64_t pfs_tree_rotated_inode(struct pfs_tree *tree, const struct pfs_object *object);

#endif
