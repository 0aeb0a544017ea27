/* SPDX-License-Identifier: MIT */
/*
 * What the files of the tree room share. Each knows those before it: tree_node.c (numbers and the
 * nodes they mean), tree_file.c (the files of an object: names and contents), tree_promise.c (the
 * bytes that attributes promise, the snapshots of reports), tree_attributes.c, tree_xattr.c, tree.c
 * (names, listings, paths).
 */
#ifndef PINEFS_SRC_TREE_H
#define PINEFS_SRC_TREE_H

#include "pinefs/history.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"

/* Inodes of what isn't an object's: slot 0. */
enum {
	INODE_README = 2,
	INODE_REPORTS = 3,
	INODE_EVENTS = 4,
	INODE_REPORT = 8, /* to INODE_REPORT + PFS_REPORTS_MAX */
	INODE_COLLECTION = 32,
	INODE_SLOT = 64, /* those of one slot */
};

/* What never changes may be kept by the kernel for as long as it likes. */
#define STATIC_VALID (3600 * PFS_SECOND)

/*
 * Indexes of an object's files. They fit the bits of a 64-bit mask and six bits of an inode. Those
 * from FILE_RAW to FILE_EXTRA have names of their own, whether or not there are such files: see
 * tree_file.c.
 */
enum {
	FILE_FIELD = 1, /* the kind's fields in order */
	FILE_RAW = FILE_FIELD + PFS_FIELDS_MAX,
	FILE_DONE,
	FILE_EVENTS,
	FILE_WAIT,				    /* there by name, but in no listing */
	FILE_SUCCESS,				    /* not yet */
	FILE_LINK,				    /* the kind's links; not yet */
	FILE_EXTRA = FILE_LINK + PFS_LINKS_MAX + 1, /* keys that no kind's row has, in order of
						     * appearance */
	FILE_END = 64,
};
#define EXTRA_MAX 32

_Static_assert(FILE_EXTRA + EXTRA_MAX == FILE_END, "the manual says how many");

_Static_assert((int)FILE_END <= (int)INODE_SLOT, "a file's index fits its inode");
_Static_assert(INODE_REPORT + PFS_REPORTS_MAX <= INODE_COLLECTION, "reports have inodes");
_Static_assert(INODE_COLLECTION + PFS_KINDS_MAX <= INODE_SLOT, "kinds have inodes");

/* A key that the API sends and the kind's row doesn't know. Kept for the life of the mount. */
struct extra {
	char *key;
	char *name; /* the key made safe for a file name */
};

struct extras {
	struct extra all[EXTRA_MAX];
	size_t count;
};

struct snapshot {
	struct pfs_buffer buffer;
	int64_t modified; /* ns since the epoch */
	int64_t taken_at; /* monotonic; 0: never */
	int64_t looked_at;
};

struct listing {
	bool served;   /* the kernel may keep a listing from since the last nudge */
	int64_t nudge; /* ns added to the directory's time: see collection_time() */
};

struct pfs_tree {
	struct pfs_store *store;
	const struct pfs_kinds *kinds;
	struct pfs_history *history;
	struct pfs_loop *loop;
	struct pfs_tree_config config;
	int64_t mounted_at; /* ns since the epoch */
	struct pfs_buffer scratch;
	struct snapshot snapshots[PFS_REPORTS_MAX];
	/* By the kind's number. */
	struct extras extras[PFS_KINDS_MAX];
	struct listing listings[PFS_KINDS_MAX];
};

/* --- tree_node.c --- */

/* A node that is no kind's, by its number. */
struct pfs_node pfs_node_plain(enum pfs_node_type type, uint64_t inode);
struct pfs_node pfs_node_of_report(unsigned index);
struct pfs_node pfs_node_of_kind(const struct pfs_kind *kind); /* its collection */
struct pfs_node pfs_node_of_object(struct pfs_object *object);
/* A file of an object by its index, whichever kind of file it is. */
struct pfs_node pfs_node_of_file(struct pfs_tree *tree, struct pfs_object *object, unsigned index);
/* A history as it is now, under the number of its present generation. NULL: the whole one. */
struct pfs_node pfs_node_of_history(struct pfs_tree *tree, struct pfs_object *object);

/* --- tree_file.c --- */

/* Which file of the kind is called so; 0 if none can be yet. */
unsigned pfs_file_by_name(struct pfs_tree *tree, const struct pfs_kind *kind, const char *name);
/* The reverse; the index must be one that was given out. */
const char *pfs_file_name(struct pfs_tree *tree, const struct pfs_kind *kind, unsigned index);

/* The file after index (0: the first) that exists in this content; 0: the last was given. */
unsigned pfs_file_next(struct pfs_tree *tree, const struct pfs_kind *kind,
		       const struct pfs_content *content, unsigned index);

/* Give files to the keys of this content that have none yet. */
void pfs_file_learn(struct pfs_tree *tree, const struct pfs_kind *kind,
		    const struct pfs_content *content);

/*
 * Lend a file's bytes as this content has them, for as long as that is kept. Those that must be
 * made first are put into scratch, in the place of what is there. 0; -ENOENT: it has no such file;
 * -ENOMEM.
 */
int pfs_file_read(struct pfs_tree *tree, const struct pfs_kind *kind,
		  const struct pfs_content *content, unsigned index, struct pfs_buffer *scratch,
		  struct pfs_slice *ret_bytes);

void pfs_extras_finish(struct extras *extras);

/* --- tree_promise.c --- */

/* The store's news, for what was promised. */
void pfs_promise_changed(void *arg, struct pfs_object *object, struct pfs_content *before);
void pfs_promise_freed(void *arg, struct pfs_object *object);

/* The attributes of this file are about to be filled from the object's present content. */
void pfs_promise_make(struct pfs_object *object, unsigned index);

/* The content of which the attributes of this file were last filled. */
const struct pfs_content *pfs_promise_content(const struct pfs_object *object, unsigned index);

/*
 * Somebody looks at a report, or by its name is about to: where that wants it, render its present
 * content. Its time moves if that is another than before.
 */
void pfs_snapshot_look(struct pfs_tree *tree, unsigned index, bool by_name);

#endif
