/* SPDX-License-Identifier: MIT */
/*
 * tree: what a path names: directories and files, their numbers, attributes, contents, extended
 * attributes. Turns objects of the store into files, and knows which of these calls may wait for
 * the API; it asks the store, never the API.
 *
 * Doesn't know FUSE. May include history, store, json, resource and the ground.
 *
 * Inode numbers are computed, not kept, and an object's are the same for the life of the mount: see
 * tree_node.c.
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
struct pfs_slice;
struct pfs_store;
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
};

/* A place in the tree, as long as the object is held or until the store is next asked. */
struct pfs_node {
	enum pfs_node_type type;
	uint64_t inode;
	unsigned index;		     /* of a report or a file */
	const struct pfs_kind *kind; /* of a collection, an object, a file; else NULL */
	struct pfs_object *object;   /* of an object, a file; else NULL */
	uint64_t generation;	     /* of a history */
};

/* A file of /.pinefs: render adds its present content. */
struct pfs_report {
	const char *name;
	void (*render)(void *arg, struct pfs_buffer *buffer);
	void *arg;
	bool moves; /* it changes by itself, with time */
};

struct pfs_tree_config {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	int64_t ttl;	    /* ns; entries and attributes of what can change hold no longer */
	const char *readme; /* what /README says; borrowed */
	const struct pfs_report *reports; /* borrowed; at most PFS_REPORTS_MAX */
	size_t report_count;
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

/* What an inode number means. 0; -ESTALE if what it meant is gone. */
int pfs_tree_node(struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node);

/*
 * The child of a directory by name. With wait, the store is asked for an id that it doesn't know,
 * and for a file of an object whose content doesn't hold; without, what is known decides, and it
 * does too where the store fails.
 * 0: ret_node. -ENOENT: there is none, and ret_valid ns of that are certain. -EINPROGRESS: call
 * again without wait once wait->done said 0. -ENOTDIR, else an errno of the store.
 */
int pfs_tree_lookup(struct pfs_tree *tree, const struct pfs_node *parent, const char *name,
		    struct pfs_wait *wait, struct pfs_node *ret_node, int64_t *ret_valid);

/*
 * Before a node's attributes are told: see that they are true. reading: a read(2) will follow,
 * and must not get a value that doesn't hold. 0, -ESTALE, or an errno of the store; where nothing
 * is to be read, the last attributes are better than none, and that is 0. -EINPROGRESS: call
 * pfs_tree_refreshed with what wait->done brings; it says the same.
 */
int pfs_tree_refresh(struct pfs_tree *tree, const struct pfs_node *node, bool reading,
		     struct pfs_wait *wait);
int pfs_tree_refreshed(struct pfs_tree *tree, const struct pfs_node *node, bool reading, int error,
		       struct pfs_wait *wait);

/*
 * Tell a node's attributes. Of a file this is a promise: until they are told again, pfs_tree_read
 * gives the bytes that are its content now. ret_valid: how many ns they hold; entry_valid: how
 * long its name does. 0, -ESTALE if the file isn't there any more, -ENOMEM.
 */
int pfs_tree_attributes(struct pfs_tree *tree, const struct pfs_node *node, struct stat *ret_stat,
			int64_t *ret_valid);
int64_t pfs_tree_entry_valid(const struct pfs_tree *tree, const struct pfs_node *node);

/*
 * Lend the whole content that was promised, until the tree or the store is next called. Never
 * waits, and copies nothing that may be large. 0, -EISDIR, -ESTALE, -EAGAIN (`wait`, while it is
 * one), -ENOMEM.
 */
int pfs_tree_read(struct pfs_tree *tree, const struct pfs_node *node,
		  struct pfs_slice *ret_content);

/*
 * Is this a file `wait` whose object can still change? Then a read(2) of it must not be answered
 * before it can't: see the watch room. Its attributes promise more than it will have (4096
 * bytes), and hold for no time, so that each read(2) asks for them first.
 */
bool pfs_tree_must_wait(const struct pfs_node *node);
bool pfs_tree_is_wait(const struct pfs_node *node);

/*
 * The files of an object whose bytes are others in one of its contents than in the one before; a
 * file that came or went is not one of them, the history always is. Visit each: its inode and its
 * name.
 */
void pfs_tree_each_change(struct pfs_tree *tree, const struct pfs_object *object,
			  const struct pfs_content *before, const struct pfs_content *after,
			  void (*visit)(void *arg, uint64_t inode, const char *name), void *arg);

/* The path of an inode below the root, without a slash in front. 0, -ESTALE, -ENAMETOOLONG. */
int pfs_tree_path(struct pfs_tree *tree, uint64_t inode, char *path, size_t size);

/* Move a file's time by the least that there is, though its content is the same. */
void pfs_tree_touch(struct pfs_tree *tree, const struct pfs_node *node);

/*
 * The entry of a directory after cursor (0: the first); ret_cursor is where the next one begins.
 * name is valid until the tree is next called. 1: an entry. 0: the end. -EINPROGRESS: call again
 * once wait->done said 0. -ENOTDIR, -ESTALE, or an errno of the store.
 */
struct pfs_entry {
	const char *name;
	struct pfs_node node;
	uint64_t cursor; /* for the entry after this one */
};
int pfs_tree_list(struct pfs_tree *tree, const struct pfs_node *directory, uint64_t cursor,
		  struct pfs_wait *wait, struct pfs_entry *ret_entry);

/*
 * Extended attributes. Add the value to buffer: 0, -ENODATA, or the buffer's error; add all names,
 * each with its NUL: errors stay in the buffer. Never ask anybody.
 */
int pfs_tree_xattr(struct pfs_tree *tree, const struct pfs_node *node, const char *name,
		   struct pfs_buffer *buffer);
void pfs_tree_xattr_names(struct pfs_tree *tree, const struct pfs_node *node,
			  struct pfs_buffer *buffer);

/* Is it a file, not a directory? */
bool pfs_tree_is_file(const struct pfs_node *node);

/* Attributes for what has just vanished, so that it can be removed. */
void pfs_tree_vanished_attributes(struct pfs_tree *tree, uint64_t inode, struct stat *ret_stat);

/*
 * The kernel holds count more references to a node, or gave them back. An inode that means nothing
 * any more is passed over.
 */
void pfs_tree_hold(struct pfs_tree *tree, const struct pfs_node *node, uint64_t count);
void pfs_tree_hold_inode(struct pfs_tree *tree, uint64_t inode, uint64_t count);
void pfs_tree_forget(struct pfs_tree *tree, uint64_t inode, uint64_t count);

/* Visit the inodes that the kernel may hold of an object: its directory and all of its files. */
void pfs_tree_each_inode(struct pfs_tree *tree, const struct pfs_object *object,
			 void (*visit)(void *arg, uint64_t inode), void *arg);

/* The inode of a kind's directory. */
uint64_t pfs_tree_collection_inode(const struct pfs_kind *kind);

/* Of an object: its directory, and the last of its files but for a rotated history. */
uint64_t pfs_tree_object_inode(const struct pfs_object *object);
uint64_t pfs_tree_last_inode(const struct pfs_object *object);
uint64_t pfs_tree_done_inode(const struct pfs_object *object);
uint64_t pfs_tree_wait_inode(const struct pfs_object *object);

/*
 * Of a history (object NULL: the whole one) as it is now; and the one that it had before, if the
 * last change began a new file of it, else 0.
 */
uint64_t pfs_tree_events_inode(struct pfs_tree *tree, const struct pfs_object *object);
uint64_t pfs_tree_rotated_inode(struct pfs_tree *tree, const struct pfs_object *object);

#endif
