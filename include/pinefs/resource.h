/* SPDX-License-Identifier: MIT */
/*
 * resource: the table of kinds. What the API calls a restore job, a backup, an index is one row
 * of data here, and no other room asks which kind it has.
 *
 * May include json.
 */
#ifndef PINEFS_RESOURCE_H
#define PINEFS_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "pinefs/json.h"

/* What the numbers of files and directories have room for. */
#define PFS_KINDS_MAX  16
#define PFS_FIELDS_MAX 23 /* of one kind */
#define PFS_LINKS_MAX  2  /* of one kind */
#define PFS_PATHS_MAX  3  /* of one field */

/* A file that each object of a kind has, whether or not the API sends its value. */
struct pfs_field {
	const char *name; /* of the file */
	const char
		*paths[PFS_PATHS_MAX]; /* where the value may stand in a document: the first path
					* that leads to a value wins. None: the name is the path */
};

/* How an object ends: from then on nothing more is to be waited for. */
enum pfs_end {
	PFS_END_NONE, /* it hasn't ended */
	PFS_END_GOOD,
	PFS_END_FAILED,
	PFS_END_CANCELLED,
};

/* A status that is an end. */
struct pfs_state {
	const char *status; /* case doesn't count */
	enum pfs_end end;
};

/* A symbolic link in an object's directory, to an object of another kind. */
struct pfs_link {
	const char *name;
	const char *kind;  /* the other kind's name */
	const char *field; /* whose value is the other object's id */
};

struct pfs_kind {
	unsigned number;  /* in inode numbers: unique, below PFS_KINDS_MAX */
	const char *name; /* of its directory, "restore-jobs" */
	const char *path; /* of the collection below the API's base, "/restore-jobs" */

	/* How its list answers. */
	const char *list_key; /* the member that holds the rows */
	bool is_paged;	      /* pages of a limit, with a token each; else all rows at once */
	bool is_whole; /* what the list lacks is not there; else the list may leave out some */

	/* What an object is. Fields are named by their names; NULL where a kind has none. */
	const char *id;			/* the field with its id */
	const char *status;		/* NULL: an object of this kind never ends */
	const char *ready;		/* a field whose true is a good end, whatever the status */
	const char *created;		/* RFC 3339 or null */
	const char *finished;		/* as above */
	const struct pfs_field *fields; /* in the order of the listing */
	size_t field_count;
	const struct pfs_state *states; /* those that are an end */
	size_t state_count;
	const struct pfs_link *links;
	size_t link_count;

	bool is_final;	       /* an object that has ended never changes again */
	bool has_done;	       /* there is a file `done` once an object has ended */
	bool is_gone_at_a_404; /* one answer that says so is enough; else it must be confirmed */
};

/* The kinds that a mount has, in the order of its root's listing. */
struct pfs_kinds {
	const struct pfs_kind *rows[PFS_KINDS_MAX];
	size_t count;
};

/* The kinds that pinefs knows. */
extern const struct pfs_kinds pfs_all_kinds;

/* The row whose directory is called so, or NULL. */
const struct pfs_kind *pfs_kind_by_name(const struct pfs_kinds *kinds, const char *name);

/* The field that is called so, or NULL; takes NULL as a name. */
const struct pfs_field *pfs_kind_field(const struct pfs_kind *kind, const char *name);

/* The field's value in a document. null, or none at all: a value of type PFS_JSON_NULL. */
struct pfs_json_value pfs_field_value(const struct pfs_field *field, const struct pfs_json *json);

/* The same by the field's name; takes NULL as a name, for which there is no value. */
struct pfs_json_value pfs_kind_value(const struct pfs_kind *kind, const char *name,
				     const struct pfs_json *json);

/* Has the object that this document describes ended, and how? */
enum pfs_end pfs_kind_end(const struct pfs_kind *kind, const struct pfs_json *json);

#endif
