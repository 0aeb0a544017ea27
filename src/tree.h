/* SPDX-License-Identifier: MIT */
/*
 * What the files of the tree room share. Each knows only those before it: tree_node.c (inodes and
 * their nodes), tree_link.c (symbolic links), tree_file.c (the files of an object: names and
 * contents), tree_restore.c (what was made of an object), tree_promise.c (the bytes that attributes
 * promise, the snapshots of reports), tree_attributes.c, tree_xattr.c, tree.c (names, listings,
 * paths).
 */
#ifndef PINEFS_SRC_TREE_H
#define PINEFS_SRC_TREE_H

#include "pinefs/history.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/restore.h"
#include "pinefs/store.h"
#include "pinefs/table.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"

/* Inodes of what isn't an object's: slot 0. */
enum {
	INODE_README = 2,
	INODE_REPORTS = 3,
	INODE_EVENTS = 4,
	INODE_TABLES = 5,
	INODE_REPORT = 8, /* to INODE_REPORT + PFS_REPORTS_MAX */
	INODE_COLLECTION = 32,
	INODE_SLOT = 64, /* those of one slot */
};

/* ns: how long the names and attributes of what never changes are valid. */
#define STATIC_VALID (3600 * PFS_SECOND)

/*
 * Indexes of an object's files. They fit the bits of a 64-bit mask and six bits of an inode. Those
 * from FILE_RAW up to FILE_EXTRA have fixed names: see tree_file.c.
 */
enum {
	FILE_FIELD = 1, /* the kind's fields in order */
	FILE_RAW = FILE_FIELD + PFS_FIELDS_MAX,
	FILE_DONE,
	FILE_EVENTS,
	FILE_WAIT,				   /* found by name, but in no listing */
	FILE_SUCCESS,				   /* likewise */
	FILE_LINK,				   /* the kind's links in order; no files */
	FILE_RESTORES = FILE_LINK + PFS_LINKS_MAX, /* a directory: see tree_restore.c */
	FILE_EXTRA,				   /* keys that no kind's row has, in order of
						    * appearance */
	FILE_END = 64,
};
#define EXTRA_MAX 32
#define NAME_SIZE 256

/* Is this a file whose readers wait until the object has ended? */
static inline bool pfs_file_awaits_end(unsigned index)
{
	return index == FILE_WAIT || index == FILE_SUCCESS;
}

_Static_assert(FILE_EXTRA + EXTRA_MAX == FILE_END, "the manual says how many");

_Static_assert((int)FILE_END <= (int)INODE_SLOT, "a file's index fits its inode");
_Static_assert(INODE_REPORT + PFS_REPORTS_MAX <= INODE_COLLECTION, "reports have inodes");
_Static_assert(INODE_COLLECTION + PFS_KINDS_MAX <= INODE_SLOT, "kinds have inodes");

/* A key that the API sends and the kind's row lacks. It has its index for the life of the mount. */
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
	int64_t asked_at; /* monotonic: when its attributes or name were last asked for */
};

struct listing {
	bool served;   /* a listing was given since the last nudge: the kernel may have it cached */
	int64_t nudge; /* ns added to the directory's time: see tree_attributes.c */
};

struct pfs_tree {
	struct pfs_store *store;
	const struct pfs_kinds *kinds;
	struct pfs_history *history;
	struct pfs_loop *loop;
	struct pfs_tree_config config;
	int64_t mounted_at; /* ns since the epoch */
	struct pfs_buffer scratch;
	char name[NAME_SIZE]; /* of the last table that was listed */
	struct {
		uint64_t inode; /* of a history */
		pid_t asker;	/* who got its attributes last */
	} settling;
	struct snapshot snapshots[PFS_REPORTS_MAX];
	/* By the kind's number. */
	struct extras extras[PFS_KINDS_MAX];
	struct listing listings[PFS_KINDS_MAX];
};

/* --- tree_node.c --- */

/* A node that belongs to no kind. */
struct pfs_node pfs_node_plain(enum pfs_node_type type, uint64_t inode);
struct pfs_node pfs_node_of_report(unsigned index);
struct pfs_node pfs_node_of_kind(const struct pfs_kind *kind); /* its collection */
struct pfs_node pfs_node_of_object(struct pfs_object *object);
/* A file of an object by its index, whichever kind of file it is. */
struct pfs_node pfs_node_of_file(struct pfs_tree *tree, struct pfs_object *object, unsigned index);
/* The inode of one of its links, by its number among those of its kind, with its present target. */
uint64_t pfs_link_inode(const struct pfs_object *object, unsigned link);
/* The directory of what was made of an object. */
struct pfs_node pfs_node_of_restores(struct pfs_object *source);
/* A job's directory in that, or the file in it. */
struct pfs_node pfs_node_of_restore(struct pfs_object *job, bool is_file);
/*
 * The node whose references those of an inode are. As pfs_tree_node; but of a file that its object
 * hasn't any more, as a link that has another target by now, it is the object. 0, -ESTALE.
 */
int pfs_node_held(struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node);
/* A text of a kind. */
struct pfs_node pfs_node_of_table(const struct pfs_kind *kind, enum pfs_table_format format,
				  uint64_t number);
/* The present generation of a history. object NULL: of /events. */
struct pfs_node pfs_node_of_history(struct pfs_tree *tree, struct pfs_object *object);

/* --- tree_link.c --- */

/* The id that a link of an object with this content leads to; type PFS_JSON_NULL: there is none,
 * and no link. */
struct pfs_json_value pfs_link_target(const struct pfs_kind *kind, const struct pfs_json *json,
				      unsigned index);
/* Is there a link with this index of a file? */
bool pfs_link_exists(const struct pfs_kind *kind, const struct pfs_content *content,
		     unsigned index);
/* Give another inode to each link whose target has changed. */
void pfs_link_changed(struct pfs_object *object, const struct pfs_content *before);

/* --- tree_file.c --- */

/* The index of the kind's file with this name; 0 if it has none so far: pfs_file_learn. */
unsigned pfs_file_by_name(struct pfs_tree *tree, const struct pfs_kind *kind, const char *name);
/* Does an object of this kind have a directory of what was made of it? */
bool pfs_file_has_restores(const struct pfs_tree *tree, const struct pfs_kind *kind);
/* The name of the file with this index, which must be a file's. */
const char *pfs_file_name(struct pfs_tree *tree, const struct pfs_kind *kind, unsigned index);

/* The lowest index above this one (0: of all) whose file this content has; 0: none. */
unsigned pfs_file_next(struct pfs_tree *tree, const struct pfs_kind *kind,
		       const struct pfs_content *content, unsigned index);

/* Give an index and a name to each key of this content that the kind has none for so far. */
void pfs_file_learn(struct pfs_tree *tree, const struct pfs_kind *kind,
		    const struct pfs_content *content);

/*
 * Lend the bytes of a file of this content. They are the content's own, or are made in scratch,
 * which is cleared first. 0; -ENOENT: the content has no such file; -ENOMEM.
 */
int pfs_file_read(struct pfs_tree *tree, const struct pfs_kind *kind,
		  const struct pfs_content *content, unsigned index, struct pfs_buffer *scratch,
		  struct pfs_slice *ret_bytes);

void pfs_extras_finish(struct extras *extras);

/* --- tree_restore.c --- */

/* Is this a node of RESTORES, RESTORE or RESTORE_ID? */
bool pfs_restore_is_node(const struct pfs_node *node);

/*
 * Find a source's RESTORES. With wait, walks the list of jobs first if it has expired; but if that
 * can't be had, the directory is there all the same. 0, -EINPROGRESS.
 */
int pfs_restores_lookup(struct pfs_tree *tree, struct pfs_object *source, struct pfs_wait *wait,
			struct pfs_node *ret_node);
/* Find a name in it, among the jobs that are known. 0, -ENOENT. */
int pfs_restore_lookup(struct pfs_tree *tree, struct pfs_object *source, const char *name,
		       struct pfs_node *ret_node);
/* The entry at a place of its listing, but for its cursor; the next place is the slot of its job.
 * 1; 0: the end. */
int pfs_restores_list(struct pfs_tree *tree, struct pfs_object *source, uint64_t place,
		      struct pfs_entry *ret_entry);
/* Have the list of jobs walked if it has expired. 0, -EINPROGRESS, an errno of the store. */
int pfs_restores_refresh(struct pfs_tree *tree, const struct pfs_node *node, struct pfs_wait *wait);

/* A node's time in ns since the epoch, and its size. 0; -ESTALE: it is gone. */
int pfs_restore_attributes(struct pfs_tree *tree, const struct pfs_node *node, int64_t *ret_time,
			   size_t *ret_size);
/* ns for which its name, or its attributes, are valid. */
int64_t pfs_restore_valid(const struct pfs_tree *tree, const struct pfs_node *node);
/* What the file says: the job's id. 0, -ENOMEM. */
int pfs_restore_read(struct pfs_tree *tree, const struct pfs_node *node,
		     struct pfs_slice *ret_content);
/* Its path. 0, -ESTALE, -ENAMETOOLONG. */
int pfs_restore_path(const struct pfs_tree *tree, const struct pfs_node *node, char *path,
		     size_t size);
/* The inode of the directory that it is in. */
uint64_t pfs_restore_parent(const struct pfs_tree *tree, const struct pfs_node *node);

/* --- tree_promise.c --- */

/* The object has new content: keep the one before for the files that still promise it. */
void pfs_promise_changed(struct pfs_object *object, struct pfs_content *before);
/* Nobody can read what was promised of it any more. arg isn't used. */
void pfs_promise_freed(void *arg, struct pfs_object *object);

/* Promise the object's present content for this file: its attributes are filled from that. */
void pfs_promise_make(struct pfs_object *object, unsigned index);
/* Promise nothing for this file any more. */
void pfs_promise_end(struct pfs_object *object, unsigned index);

/* The content from which the attributes of this file were last filled. */
const struct pfs_content *pfs_promise_content(const struct pfs_object *object, unsigned index);

/*
 * The kernel asks for a report's attributes (or, by_name, looks it up and is about to open it):
 * take a new snapshot of what the report says, if the last one is too old for that. The report's
 * time moves when what it says changes.
 */
void pfs_snapshot_refresh(struct pfs_tree *tree, unsigned index, bool by_name);

#endif
