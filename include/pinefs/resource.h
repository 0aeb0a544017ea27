/* SPDX-License-Identifier: MIT */
/*
 * resource: the table of kinds. Each kind of object that the API has (restore jobs, backups,
 * indexes) is one row of data here, and no other room asks which kind it has.
 *
 * May include json.
 */
#ifndef PINEFS_RESOURCE_H
#define PINEFS_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "pinefs/json.h"

/* Bounds of the table, since an inode number has bits for no more. */
#define PFS_KINDS_MAX  16
#define PFS_FIELDS_MAX 23 /* of one kind */
#define PFS_LINKS_MAX  2  /* of one kind */
#define PFS_PATHS_MAX  3  /* of one field */

/*
 * A file that each object of a kind has, whether or not the API sends its value. The value may
 * stand in several places of a document: the first path that leads to a value wins. Without paths
 * the name is the path.
 */
struct pfs_field {
	const char *name; /* of the file */
	const char *paths[PFS_PATHS_MAX];
	bool is_map; /* an object is shown with a line for each member: key, tab, value */
};

/* How an object has ended. Nobody needs to wait for an object that has. */
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

/*
 * A symbolic link in an object's directory, to an object of another kind. Links run one way, from
 * what was made to what it was made of: a program that follows them comes to an end.
 */
struct pfs_link {
	const char *name;
	const char *kind;  /* the other kind's name */
	const char *field; /* whose value is the other object's id */
};

/*
 * A command to the API that makes something of an object, by a job. mkdir(2) of a name in a
 * directory of the object's gives it. Both kinds are named, since rows can't refer to each other.
 */
struct pfs_command {
	const char *directory; /* in the object's, "restores" */
	const char *path;      /* below the object's at the API, "/create-index" */
	const char *answer;    /* the member of the API's answer that is the job's id */
	const char *job_kind;  /* "restore-jobs" */
	const char *source;    /* the job's field that is the id of the object */
	const char *target;    /* the job's field that is the name of what it makes */
	const char *made_kind; /* of what it makes, "indexes"; its id is that name */
};

/* What /.pinefs/metrics says of a kind's objects. Names are without "pinefs_". */
struct pfs_kind_metrics {
	const char *count; /* how many there are in each state, "backups" */
	const char *label; /* whose value is the state, "status" */
	/* When the oldest object that hasn't ended was created; NULL: that isn't said. */
	const char *oldest;
	/* When the newest that has failed did so, or NULL. */
	const char *failed;
	/* When the newest that has ended well was created, for each value of a field; or NULL. */
	const char *newest;
	const char *newest_of;	  /* the field's name */
	const char *newest_label; /* "index" */
};

struct pfs_kind {
	unsigned number;  /* part of the inode numbers; unique, below PFS_KINDS_MAX */
	const char *name; /* of the kind's directory, "restore-jobs" */
	const char *path; /* of the collection below the API's base, "/restore-jobs" */

	/* The API's list of the kind. */
	const char *list_key; /* the member of the answer that is the array of rows */
	bool is_paged; /* it comes in pages, asked for with a limit and a token; else whole */
	bool is_whole; /* what it lacks is most likely gone; else it may leave some out for long */

	/* Names of fields; NULL: the kind has no such field. */
	const char *id;
	const char *status;   /* NULL: an object of this kind never ends by its status */
	const char *ready;    /* true is a good end, where the status is no end */
	const char *created;  /* its value is an RFC 3339 time or null */
	const char *finished; /* likewise */

	const struct pfs_field *fields; /* in the order of a directory's listing */
	size_t field_count;
	const struct pfs_state *states; /* each status that is an end */
	size_t state_count;
	const struct pfs_link *links;
	size_t link_count;
	const struct pfs_command *command; /* NULL: there is none */
	struct pfs_kind_metrics metrics;

	bool is_final;	       /* an object that has ended never changes again */
	bool has_done;	       /* an object that has ended has a file `done` */
	bool is_gone_at_a_404; /* one 404 proves that an object is gone; else it takes two */
};

/*
 * Does the API take this name for what a command makes? 1 to 45 of [a-z0-9-], the first and the
 * last no hyphen: so the API's description of the names of indexes.
 */
#define PFS_MADE_NAME_MAX 45
bool pfs_command_takes(const char *name);

/* The kinds that a mount serves, in the order of its root's listing. */
struct pfs_kinds {
	const struct pfs_kind *rows[PFS_KINDS_MAX];
	size_t count;
};

/* The kinds that pinefs knows. */
extern const struct pfs_kinds pfs_all_kinds;

/* The kind whose directory has this name, or NULL. */
const struct pfs_kind *pfs_kind_by_name(const struct pfs_kinds *kinds, const char *name);

/* The field with this name, or NULL. Takes NULL as a name. */
const struct pfs_field *pfs_kind_field(const struct pfs_kind *kind, const char *name);

/* Where a field's value is looked for, seen from a member of a document. */
enum pfs_reach {
	PFS_REACH_NONE,	 /* never in this member */
	PFS_REACH_PART,	 /* inside of it */
	PFS_REACH_WHOLE, /* it may be the value */
};
enum pfs_reach pfs_field_reach(const struct pfs_field *field, const struct pfs_json_value *member);

/* The field's value in a document; of type PFS_JSON_NULL where it is null or absent. */
struct pfs_json_value pfs_field_value(const struct pfs_field *field, const struct pfs_json *json);

/* The same by the field's name. Takes NULL as a name; the value is then absent. */
struct pfs_json_value pfs_kind_value(const struct pfs_kind *kind, const char *name,
				     const struct pfs_json *json);

/* Has the object that this document describes ended, and how? */
enum pfs_end pfs_kind_end(const struct pfs_kind *kind, const struct pfs_json *json);

#endif
