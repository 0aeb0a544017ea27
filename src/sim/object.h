/* SPDX-License-Identifier: MIT */
/*
 * object: one restore job, backup, index or collection, what the clock makes of
 * it, and its JSON.
 *
 * An object is a handful of facts from which every field follows for any
 * moment: nothing is updated as time passes. Keys that were set by hand through
 * the control endpoints lie on top of the facts and win. What the kinds have
 * in common is here; what one of them has of its own is in its row (kind.h).
 * No I/O, no HTTP; cJSON only for the values set by hand.
 */
#ifndef SIM_OBJECT_H
#define SIM_OBJECT_H

#include "dice.h"
#include "text.h"

#include <cjson/cJSON.h>

/* The end of what never ends. */
#define SIM_NEVER INT64_MAX

/*
 * A job's created_at, and the host of an index that is restored, are null for
 * this long after the object's birth, as in the real service.
 */
#define SIM_FRESH_US INT64_C(500000)

/* Where an index's data plane is, below the simulator's URL; its name follows. */
#define SIM_DATA_PATH "/_data/"

/* An index's name with its terminator: the real service allows 45 characters. */
#define SIM_NAME_SIZE 46

/* How an object's text is laid out; the values are the same. */
enum sim_layout {
	SIM_COMPACT, /* no white space, keys in the order of the documentation */
	SIM_PRETTY,  /* a line a key, keys in the reverse order */
};

/* A form of the API's objects: 2026-04 has that of 2025-10. */
enum sim_version { SIM_2025_10, SIM_2026_07 };

/* For whom an object is rendered. */
struct sim_view {
	int64_t now_us; /* microseconds since the epoch */
	enum sim_layout layout;
	enum sim_version version;
	const char *base; /* the simulator's own URL */
};

/* What an index has, a backup of it keeps, and a restore brings back. */
struct sim_contents {
	int64_t dimension; /* 0: a sparse index, which has none */
	int64_t records;
	int64_t namespaces;
	int64_t bytes;
	char metric[24];
	char cloud[24];
	char region[48];
};

/* Times are microseconds since the epoch. A kind uses what it has. */
struct sim_facts {
	int64_t created_us;
	int64_t done_us;      /* under way before it; SIM_NEVER: for ever */
	unsigned int outcome; /* what then: a place in the kind's ends */
	uint64_t habit;	      /* decides which optional keys are absent or null; 0: none */
	char backup_id[SIM_UUID_SIZE];
	char index_id[SIM_UUID_SIZE];
	char index_name[SIM_NAME_SIZE];
	struct sim_contents contents;
};

struct sim_kind;

/* Whether an index is ready. */
enum sim_ready { SIM_READY_BY_STATE, SIM_READY_YES, SIM_READY_NO };

struct sim_object {
	const struct sim_kind *kind;
	char *id;
	/* The id of the backup that it was made from, of a backup the index; NULL: as the facts
	 * say. */
	char *origin;
	struct sim_facts facts;
	char *running; /* the state until done_us; NULL: the kind's usual one */
	enum sim_ready ready;
	cJSON *set;	   /* object: keys that show this value and no other; or NULL */
	cJSON *removed;	   /* array of keys that are left out; or NULL */
	char *raw;	   /* the object's whole text, whatever the rest says; or NULL */
	int64_t listed_us; /* lists leave the object out before this moment */
	int64_t gone_us;   /* being deleted, it vanishes at this moment; 0: it isn't */
};

/* Append the object as it is in this view. A raw text is the same in every layout. */
void sim_object_render(const struct sim_object *object, const struct sim_view *view,
		       struct sim_text *text);

/* Whether what the object was made for is over at @now_us, and whether with the good end. */
bool sim_object_is_done(const struct sim_object *object, int64_t now_us);
bool sim_object_is_good(const struct sim_object *object, int64_t now_us);

/* The state that the facts give at @now_us. */
const char *sim_object_state(const struct sim_object *object, int64_t now_us);

/* Append the contents in the form that an index and a backup have as "schema" from 2026-07 on. */
void sim_object_write_schema(const struct sim_object *object, struct sim_text *text);

/* The text that was set for this key by hand, else @fallback. */
const char *sim_object_text(const struct sim_object *object, const char *key, const char *fallback);

/*
 * Change an object (whose memory is its own, unlike that of a seeded one) as
 * the control request @body says at @now_us:
 *   the kind's state key   one of its ends: it ends so, now or restore_time from
 *                 now. Any other string is shown until it ends.
 *   restore_time  seconds until the end; without it a state that is no end
 *                 lasts for ever
 *   records       how many there are, without being shown
 *   ready         of a kind whose state stands in an object: shown there
 *   raw           the object's text; null: rendered again
 *   remove        array of keys to leave out
 *   the kind's id key      ignored: an id doesn't change
 *   other keys    shown as given from now on; those that say what an index or a
 *                 backup contains are handed on when it is backed up or restored
 * Returns -EINVAL for a value of the wrong type (nothing is changed then),
 * -E2BIG for more than about 200 keys in all, -ENOMEM.
 */
int sim_object_change(struct sim_object *object, const cJSON *body, int64_t now_us);

/* Is this an array of nothing but strings? */
bool sim_is_array_of_strings(const cJSON *array);

/* Free what the object owns and zero it. Takes an empty one. */
void sim_object_finish(struct sim_object *object);

#endif
