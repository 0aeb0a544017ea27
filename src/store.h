/* SPDX-License-Identifier: MIT */
/*
 * What the files of the store room share. Each knows those before it: store_index.c (ids),
 * store_slots.c (numbers), store_failure.c (what the API failed with), store_object.c (objects and
 * their contents), store_flight.c (an object that is being asked for), store_walk.c (the list),
 * store.c (asking, and the store as a whole).
 */
#ifndef PINEFS_SRC_STORE_H
#define PINEFS_SRC_STORE_H

#include "pinefs/api.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/wait.h"

#define MAX_LISTENERS 5

/* One `cat` is a few messages: even with a TTL of 0 they are served by one answer. */
#define SHORTEST_TTL (20 * PFS_MILLISECOND)

/* A time before all others: what was known then holds no longer, whatever is added to it. */
#define FORGOTTEN (INT64_MIN / 2)

/* A request under way for one object, or a place in the queue for a list that will tell of it. */
struct pfs_flight {
	struct pfs_store *store;
	struct pfs_object *object;
	struct pfs_api_call *call;    /* the describe, unless: */
	bool expecting;		      /* the walk of the list is to tell */
	struct pfs_timer patience;    /* until when that is waited for */
	TAILQ_ENTRY(pfs_flight) link; /* in collection->expecting */
	struct pfs_wait_queue waits;
	int64_t deadline;
};

/* Objects of a kind by id. */
struct object_index {
	struct pfs_object **places;
	size_t capacity;
	size_t count;
	uint64_t seed;
};

/* Objects by their numbers, which are never given out twice. */
struct slot_table {
	struct slot_block **blocks; /* NULL: none of its objects is left */
	uint64_t capacity;	    /* of blocks */
	uint64_t count;		    /* all numbers that were given out are below */
};

/* All objects of a kind, and the walk that lists them. */
struct collection {
	struct pfs_store *store;
	const struct pfs_kind *kind;
	int64_t fresh_until;
	int64_t modified;	     /* ns since the epoch */
	struct pfs_failure *failure; /* of the last walk; NULL: it ended well */
	uint64_t walk;		     /* number of the last walk, or of the one under way */
	uint64_t complete_walk;	     /* the last one that ended well; 0: none */
	size_t complete_pages;	     /* how many requests it took */
	struct slot_table slots;
	struct object_index index;   /* of objects that haven't vanished */
	uint64_t checked_slot;	     /* of those that walks left out, the last one asked for */
	struct pfs_wait_queue waits; /* marks: the slot behind which they read on */
	TAILQ_HEAD(flight_list, pfs_flight) expecting;

	/* The walk under way. */
	bool walking;
	struct pfs_api_call *call;
	size_t pages;
	unsigned barren;  /* pages in a row that told nothing new */
	uint64_t *tokens; /* hashes of those seen */
	size_t token_capacity;

	/* How many objects were described one by one since window_at: see prefers_walk. */
	int64_t window_at;
	size_t described;
};

struct pfs_store {
	struct pfs_api *api;
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct pfs_store_config config;
	struct pfs_store_listener listeners[MAX_LISTENERS];
	size_t listener_count;
	size_t known;
	size_t missing_count;
	size_t idle_count;
	struct pfs_object_list missing; /* never seen, oldest first: an id that isn't there */
	struct pfs_object_list idle;	/* known, unlisted, held by nobody, oldest first */
	struct collection *collections; /* PFS_KINDS_MAX of them, by the kind's number */
};

/* --- store_index.c --- */

void pfs_index_init(struct object_index *index);
void pfs_index_finish(struct object_index *index); /* the objects are not its own */
struct pfs_object *pfs_index_find(const struct object_index *index, const char *id);
/* 0, -ENOMEM. There must not be one of its id. */
int pfs_index_add(struct object_index *index, struct pfs_object *object);
/* Does nothing for one that isn't there. */
void pfs_index_remove(struct object_index *index, const struct pfs_object *object);

/* --- store_slots.c --- */

/* Give the object a number. 0, -ENOMEM. */
int pfs_slots_add(struct slot_table *table, struct pfs_object *object);
void pfs_slots_remove(struct slot_table *table, const struct pfs_object *object);
/* NULL: there is none, or none any more. */
struct pfs_object *pfs_slots_get(const struct slot_table *table, uint64_t slot);
/* The one with the next number after this one; NULL at the end. */
struct pfs_object *pfs_slots_next(const struct slot_table *table, uint64_t after);
void pfs_slots_finish(struct slot_table *table); /* the objects are not its own */

/* --- store_object.c --- */

struct collection *pfs_store_collection(const struct pfs_store *store, const struct pfs_kind *kind);

/* Find an id, or make an object that isn't known to exist yet. NULL without memory. */
struct pfs_object *pfs_store_intern(struct pfs_store *store, const struct pfs_kind *kind,
				    const char *id);

/*
 * Take what the API said of an object. Older news than what is known is passed over. 0, -ENOMEM,
 * -ENOSPC for one too many.
 */
int pfs_store_feed(struct pfs_store *store, struct pfs_object *object, const struct pfs_json *json,
		   struct pfs_origin *origin);

/* NULL without memory; starts with one reference. */
struct pfs_origin *pfs_origin_create(struct pfs_store *store, const struct pfs_api_answer *answer,
				     bool listed);
void pfs_origin_drop(struct pfs_origin *origin);

/* The object is gone from the API. */
void pfs_store_vanish(struct pfs_store *store, struct pfs_object *object);

/* Nothing may need it any more: put it where it waits to be freed, or free it. */
void pfs_store_settle(struct pfs_store *store, struct pfs_object *object);

void pfs_store_free_object(struct pfs_store *store, struct pfs_object *object);

/* --- store_failure.c --- */

/* Keep a failure in *failure (made if NULL; the old one is overwritten). 0, -ENOMEM. */
int pfs_failure_set(struct pfs_store *store, struct pfs_failure **failure,
		    const struct pfs_api_answer *answer);
void pfs_failure_free(struct pfs_failure *failure); /* takes NULL */

/* A failure is remembered from now on: report it to the listeners, and in the last failures. */
void pfs_failure_report(struct pfs_store *store, const char *path,
			const struct pfs_failure *failure);

/* --- store_flight.c --- */

/* What somebody gets whose object isn't fresh, and won't be for now. */
int pfs_store_verdict(struct pfs_store *store, const struct pfs_object *object);

/* Ask the API for this one object. 0, or an error: then nothing was begun. */
int pfs_flight_describe(struct pfs_store *store, struct pfs_object *object);

/* The walk under way is to tell of this object. 0, -ENOMEM. */
int pfs_flight_expect(struct pfs_store *store, struct pfs_object *object);

/* It doesn't: describe. */
void pfs_flight_stop_expecting(struct pfs_flight *flight);

/* Wake whoever waits for the object's flight with what is known now; the flight may go on. */
void pfs_flight_wake(struct pfs_store *store, struct pfs_object *object);

/* The flight of an object is over: wake whoever waits. */
void pfs_flight_land(struct pfs_store *store, struct pfs_object *object);

void pfs_flight_free(struct pfs_flight *flight); /* nobody is woken */

/* --- store_walk.c --- */

void pfs_store_init_collection(struct pfs_store *store, const struct pfs_kind *kind);

/* Begin a walk if none is under way. 0, or an error: then nothing was begun. */
int pfs_store_walk(struct pfs_store *store, struct collection *collection);
void pfs_store_end_walk(struct collection *collection);

/*
 * An expired object is to be asked for. Would a walk of the list cost less than describing this
 * one and those that will follow? Counts the question: the answer hangs on how many there were.
 */
bool pfs_store_prefers_walk(struct pfs_store *store, const struct pfs_object *object);

#endif
