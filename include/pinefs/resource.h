/* SPDX-License-Identifier: MIT */
/*
 * resource: the table of kinds. What the API calls a restore job, a backup, an index is one row
 * of data here, and no other room asks which kind it has.
 *
 * Ground: knows no other room.
 */
#ifndef PINEFS_RESOURCE_H
#define PINEFS_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>

/* What the numbers of files and directories have room for; the compiler checks the table. */
#define PFS_KINDS_MAX  32
#define PFS_FIELDS_MAX 23 /* of one kind */

struct pfs_kind {
	const char *name;	     /* of its directory, "restore-jobs" */
	const char *path;	     /* of the collection below the API's base, "/restore-jobs" */
	const char *id_key;	     /* the member that holds an object's id */
	const char *list_key;	     /* the member of a list's answer that holds the rows */
	const char *status_key;	     /* NULL: an object of this kind never ends */
	const char *created_key;     /* RFC 3339 or null; NULL if the kind has none */
	const char *finished_key;    /* as above */
	const char *const *fields;   /* files that are always there, in order; NULL-terminated */
	const char *const *terminal; /* states in which it can't change any more; NULL-terminated */
};

extern const struct pfs_kind pfs_kinds[];
extern const size_t pfs_kind_count;

/* The row whose directory is called so, or NULL. */
const struct pfs_kind *pfs_kind_by_name(const char *name);

/* Is this a state in which an object of the kind can't change any more? Case doesn't count. */
bool pfs_kind_is_terminal(const struct pfs_kind *kind, const char *status);

#endif
