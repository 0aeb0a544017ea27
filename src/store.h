/* SPDX-License-Identifier: MIT */
/*
 * What the files of the store room share. Each knows only those before it: store_index.c (ids),
 * store_slots.c (numbers), store_failure.c (failures of the API), store_object.c (objects and
 * their contents), store_flight.c (requests for one object), store_walk.c (walks of the list),
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

#define MAX_LISTENERS 7

/* One `cat` is a few messages: even with a TTL of 0 they are served by one answer. */
#define SHORTEST_TTL (20 * PFS_MILLISECOND)

/* A time before all others: what was valid until then has expired, whatever span is added. */
#define FORGOTTEN (INT64_MIN / 2)

struct collection;

/* A request under way for one object, or the expectation that a walk of the list brings it. */
struct pfs_flight {
	struct pfs_store *store;
	struct pfs_object *object;
	struct pfs_api_call *call; /* the describe; NULL while expecting */
	bool expecting;		   /* the walk under way is to bring the object */
	/* Called once it has landed, and those in waits were woken; or NULL. */
	void (*landed)(struct collection *collection);
	struct pfs_timer patience;    /* while expecting: when to describe it after all */
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
	struct pfs_failure *failure; /* of the last walk; NULL: it was complete */
	uint64_t walk;		     /* number of the last walk, or of the one under way */
	int64_t walk_at;	     /* monotonic: when that began */
	uint64_t complete_walk;	     /* number of the last complete walk; 0: none */
	int64_t complete_at;	     /* monotonic: when that began */
	size_t complete_pages;	     /* how many requests that one took */
	struct slot_table slots;
	struct object_index index;   /* of objects that haven't vanished */
	uint64_t checked_slot;	     /* of the last left out object that was described */
	size_t checking;	     /* describes of left out objects for which the list waits */
	struct pfs_wait_queue waits; /* readers; mark: the slot behind which they read on */
	TAILQ_HEAD(flight_list, pfs_flight) expecting;

	/* The walk under way. */
	bool walking;
	struct pfs_api_call *call;
	size_t pages;
	unsigned barren;  /* consecutive pages with nothing new */
	uint64_t *tokens; /* hashes of those met */
	size_t token_capacity;

	/* How many objects were described one by one since window_at: pfs_store_prefers_walk. */
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
	struct pfs_object_list missing; /* ids that were never seen, oldest first */
	struct pfs_object_list idle; /* known, left out by the list, unreferenced; oldest first */
	struct collection *collections; /* PFS_KINDS_MAX of them, by the kind's number */
};

/* --- store_index.c --- */

void pfs_index_init(struct object_index *index);
void pfs_index_finish(struct object_index *index); /* the objects are not its own */
struct pfs_object *pfs_index_find(const struct object_index *index, const char *id);
/* 0, -ENOMEM. There must not be one of its id. */
int pfs_index_add(struct object_index *index, struct pfs_object *object);
/* Does nothing for an object that isn't in it. */
void pfs_index_remove(struct object_index *index, const struct pfs_object *object);

/* --- store_slots.c --- */

/* Give the object a number. 0, -ENOMEM. */
int pfs_slots_add(struct slot_table *table, struct pfs_object *object);
void pfs_slots_remove(struct slot_table *table, const struct pfs_object *object);
/* NULL: no object has this number, or none has it any more. */
struct pfs_object *pfs_slots_get(const struct slot_table *table, uint64_t slot);
/* The object with the lowest number above `after`; NULL at the end. */
struct pfs_object *pfs_slots_next(const struct slot_table *table, uint64_t after);
void pfs_slots_finish(struct slot_table *table); /* the objects are not its own */

/* --- store_object.c --- */

struct collection *pfs_store_collection(const struct pfs_store *store, const struct pfs_kind *kind);

/* Find the object with this id, or make an unknown one. NULL without memory. */
struct pfs_object *pfs_store_intern(struct pfs_store *store, const struct pfs_kind *kind,
				    const char *id);

/*
 * Take what the API sent of an object, unless its content is from a later request. 0, -ENOMEM;
 * -ENOSPC for the first content of one object too many; -EFBIG past config.max_bytes.
 */
int pfs_store_feed(struct pfs_store *store, struct pfs_object *object, const struct pfs_json *json,
		   struct pfs_origin *origin);
/* What to tell people of an error of pfs_store_feed. */
const char *pfs_store_refusal(int error);

/* NULL without memory; starts with one reference. */
struct pfs_origin *pfs_origin_create(struct pfs_store *store, const struct pfs_api_answer *answer,
				     bool listed);
void pfs_origin_drop(struct pfs_origin *origin);

/* Give the object its slot. 0, -ENOMEM, -ENOSPC. */
int pfs_store_assign_slot(struct pfs_store *store, struct pfs_object *object);

/* The object is gone from the API. */
void pfs_store_vanish(struct pfs_store *store, struct pfs_object *object);

/* Something that the object was needed for has ended: free it, or let it be evicted, if nothing
 * else needs it. */
void pfs_store_settle(struct pfs_store *store, struct pfs_object *object);

void pfs_store_free_object(struct pfs_store *store, struct pfs_object *object);

/* --- store_failure.c --- */

/* Set *failure (created if it is NULL) to what an answer failed with. 0, -ENOMEM. */
int pfs_failure_set(struct pfs_store *store, struct pfs_failure **failure,
		    const struct pfs_api_answer *answer);
void pfs_failure_free(struct pfs_failure *failure); /* takes NULL */

/* Notify the listeners of a failure, and report it in /.pinefs/errors. */
void pfs_failure_report(struct pfs_store *store, const char *path,
			const struct pfs_failure *failure);

/* --- store_flight.c --- */

/* What a caller gets for an object that has expired and whose last request failed. 0 or -errno. */
int pfs_store_verdict(const struct pfs_store *store, const struct pfs_object *object);
/* So many callers were given content by a verdict. */
void pfs_store_count_stale(struct pfs_store *store, uint64_t callers);

/* Begin a flight that describes the object. 0, or an error: no request was begun. */
int pfs_flight_describe(struct pfs_store *store, struct pfs_object *object);

/* Begin a flight that expects the walk under way to bring the object. 0, -ENOMEM. */
int pfs_flight_expect(struct pfs_store *store, struct pfs_object *object);

/* Have a flight that expects the walk describe its object instead. */
void pfs_flight_stop_expecting(struct pfs_flight *flight);
/* Describe it anew: what is under way was asked too early to say what is now. May land it. */
void pfs_flight_begin_anew(struct pfs_flight *flight);

/* Wake those who wait for the object's flight with what is known now; the flight goes on. */
void pfs_flight_wake(struct pfs_store *store, struct pfs_object *object);

/* End the flight of an object, and wake those who wait for it. */
void pfs_flight_land(struct pfs_store *store, struct pfs_object *object);

void pfs_flight_free(struct pfs_flight *flight); /* wakes nobody */

/* --- store_walk.c --- */

void pfs_store_init_collection(struct pfs_store *store, const struct pfs_kind *kind);

/* Begin a walk if none is under way. 0, or an error: no request was begun. */
int pfs_store_walk(struct pfs_store *store, struct collection *collection);
void pfs_store_end_walk(struct collection *collection);

/*
 * Would a walk of the list cost fewer requests than describing this expired object and those that
 * will be asked for after it? Each call counts as one object: see store_walk.c.
 */
bool pfs_store_prefers_walk(struct pfs_store *store, const struct pfs_object *object);

#endif
