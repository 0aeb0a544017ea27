/* SPDX-License-Identifier: MIT */
/*
 * kind: the table of kinds of objects.
 *
 * A kind is a row: where the API has it, how its list looks, which states it
 * goes through, its fields with the function that writes each, and what the
 * seed makes of it. The other rooms read the row and treat all kinds alike; only
 * world and command, which know how one kind makes another, name them. To add a
 * kind: a file with its row, a place in the enum, a place in sim_kinds.
 */
#ifndef SIM_KIND_H
#define SIM_KIND_H

#include "object.h"

enum { SIM_JOBS, SIM_BACKUPS, SIM_INDEXES, SIM_COLLECTIONS, SIM_KINDS };

/* How an object came to be; each way has ids of its own. */
enum sim_birth { SIM_SEEDED, SIM_ADDED, SIM_INVENTED };

/* What the world was like at the start. */
struct sim_seeding {
	uint64_t seed;
	uint32_t n[SIM_KINDS]; /* seeded objects of each kind */
	uint32_t pending;      /* how many of the jobs are under way at start_us */
	int64_t restore_us;    /* how long a restore, or a backup, takes */
	int64_t ready_us;      /* how long after its restore an index gets ready, or goes */
	int64_t start_us;      /* microseconds since the epoch */
};

/* Which versions of the API have a field. */
enum sim_shown { SIM_ALWAYS, SIM_UNTIL_2026_07, SIM_FROM_2026_07 };

struct sim_field {
	const char *key;
	/* Append the value; false: the key is left out. */
	bool (*write)(const struct sim_object *object, const struct sim_view *view,
		      struct sim_text *text);
	/* 0, or of so many habits in a row one has the key null and another lacks it; at least 3.
	 */
	unsigned int period;
	enum sim_shown shown;
};

/* Fields that several rows have, as struct sim_field's write; a sparse index has no dimension. */
typedef bool sim_field_write(const struct sim_object *object, const struct sim_view *view,
			     struct sim_text *text);
sim_field_write sim_field_id;
sim_field_write sim_field_state;
sim_field_write sim_field_created;
sim_field_write sim_field_index_id;
sim_field_write sim_field_metric;
sim_field_write sim_field_dimension;

struct sim_kind {
	const char *name;		/* its path is /name */
	const char *control;		/* its control endpoints are at /_sim/control */
	const char *noun;		/* what a 404 calls an object: "Restore job" */
	const char *id_key;		/* the key whose value the path of an object ends with */
	const char *list_key;		/* the key of the array in a list */
	bool is_paged;			/* false: a list is whole */
	uint32_t most;			/* seeded objects that there may be */
	const struct sim_field *fields; /* in the order of the documentation */
	size_t n_fields;
	const char *state_key;	 /* the key of control requests that sets the state, */
	const char *ready_key;	 /* and readiness; NULL: objects have none */
	const char *state_field; /* the field that shows the state */
	const char *begins;	 /* the state at first */
	const char *goes;	 /* the state while it is being deleted; NULL: it goes at once */
	const char *const *ends; /* the states at last; the first is the good one */
	unsigned int n_ends;

	/* The id of object @number that came to be in this way. */
	void (*invent_id)(uint64_t seed, uint64_t number, enum sim_birth birth,
			  char ret_id[SIM_NAME_SIZE]);

	/* What doesn't depend on how it came to be; @facts are zeroed before. */
	void (*imagine)(uint64_t seed, uint64_t number, struct sim_facts *facts);

	/* The same for seeded object @number, with all the rest. */
	void (*seed)(const struct sim_seeding *seeding, uint32_t number, struct sim_facts *facts);
};

/*
 * What an object was made from, or for, as it is shown: the backup of a job and
 * the index that it makes; the index of a backup. Whether an index may not be
 * deleted.
 */
const char *sim_job_backup(const struct sim_object *job);
const char *sim_job_target(const struct sim_object *job);
const char *sim_backup_source(const struct sim_object *backup);
bool sim_index_is_protected(const struct sim_object *index);

/* The rows, by number. */
extern const struct sim_kind *const sim_kinds[SIM_KINDS];

extern const struct sim_kind sim_kind_job;
extern const struct sim_kind sim_kind_backup;
extern const struct sim_kind sim_kind_index;
extern const struct sim_kind sim_kind_collection;

/* The number of the kind of this name, or -ENOENT. */
int sim_kind_find(const char *name);

#endif
