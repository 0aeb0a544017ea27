/* SPDX-License-Identifier: MIT */
/*
 * store: the objects, what is known of each, and for how long it holds. Here it is decided when
 * the API is asked: at most one request for the same thing is under way, whoever comes later
 * waits for it; misses and failures are remembered for a while; a last good answer outlives a
 * failing API for a while.
 *
 * Doesn't know files, inodes or FUSE. May include api, json, resource and the ground.
 */
#ifndef PINEFS_STORE_H
#define PINEFS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "pinefs/json.h"
#include "pinefs/resource.h"

struct pfs_api;
struct pfs_loop;
struct pfs_stats;
struct pfs_wait;

/* What an object said at one time: immutable, counted. */
struct pfs_content {
	unsigned references;
	enum pfs_end end;
	bool is_final; /* it has ended, and nothing of it changes any more */
	/* ns since the epoch, each later than that of the content before: */
	int64_t modified; /* when it came to be, as far as the object says; else as changed */
	int64_t changed;  /* when we saw it first */
	struct pfs_json json;
	uint32_t memory[]; /* its own */
};

/* Where an answer came from; shared by all the objects of one page. */
struct pfs_origin {
	unsigned references;
	bool listed; /* by a page of the list, else by a describe */
	int status;
	int64_t sent_at;     /* monotonic */
	int64_t received_at; /* ns since the epoch */
	char request_id[];
};

/* The last attempt, if it failed. */
struct pfs_failure {
	int error;	   /* -errno */
	int status;	   /* 0 if there was no answer */
	int64_t until;	   /* monotonic: no new attempt before this */
	int64_t missed_at; /* monotonic: first of the 404s in a row; 0 if the last wasn't one */
	unsigned misses;   /* 404s in a row */
	char *request_id;  /* owned, never NULL */
	char *text;	   /* owned, never NULL */
};

struct pfs_promise;  /* tree's */
struct pfs_record;   /* history's */
struct pfs_interest; /* watch's */
struct pfs_flight;   /* store's */
TAILQ_HEAD(pfs_object_list, pfs_object);

struct pfs_object {
	uint64_t slot; /* its number among those of its kind, for the life of the mount; 0 while it
			* is not known to exist */
	const struct pfs_kind *kind;
	struct pfs_content *content;  /* NULL: never seen */
	struct pfs_origin *origin;    /* of content; NULL exactly if content is */
	struct pfs_failure *failure;  /* NULL: the last attempt was good */
	int64_t fresh_until;	      /* monotonic */
	int64_t first_seen;	      /* ns since the epoch */
	uint64_t references;	      /* kernel's lookups: pfs_store_hold */
	uint64_t walk;		      /* the last walk of the list that met it; 0: none */
	bool gone;		      /* vanished from the API: ESTALE for whoever still has it */
	bool followed;		      /* pfs_store_follow */
	struct pfs_flight *flight;    /* the request under way for it, or NULL */
	struct pfs_object_list *idle; /* the list of those that may be freed, or NULL */
	TAILQ_ENTRY(pfs_object) idle_link;

	/* The tree room's: which files' attributes were told from content, and what was promised
	 * from contents before it. */
	uint64_t promised;
	struct pfs_promise *promises;

	struct pfs_record *record; /* the history room's: what changed; NULL: nothing yet */

	struct pfs_interest *interest; /* the watch room's: who wants to know; NULL: nobody */

	char id[];
};

/*
 * Told to whoever must know at once; each may be NULL. Must not ask the store from inside. All that
 * is said above of an object is true during each call: how long it holds, where it came from.
 */
struct pfs_store_listener {
	void (*appeared)(void *arg, struct pfs_object *object);
	/* content is the new one; before is still whole during the call. */
	void (*changed)(void *arg, struct pfs_object *object, struct pfs_content *before);
	void (*vanished)(void *arg, struct pfs_object *object);
	void (*freed)(void *arg, struct pfs_object *object);
	/* A question to the API failed; object is its path, for people. */
	void (*failed)(void *arg, const char *object, const struct pfs_failure *failure);
	void *arg;
};

struct pfs_store_config {
	const struct pfs_kinds *kinds; /* borrowed */
	int64_t ttl;	     /* ns: how long an answer is valid while the object hasn't ended */
	int64_t ttl_ready;   /* ns: once it has ended, but can still change */
	int64_t ttl_final;   /* ns: once it can't */
	int64_t ttl_missing; /* ns: for an id that isn't there */
	int64_t ttl_error;   /* ns: no new attempt after a failure */
	int64_t timeout;     /* ns: how long anybody waits for an answer, retries included */
	int64_t stale;	     /* ns: how long past its TTL an answer outlives a failing API */
	size_t max_objects;  /* known to exist; beyond, -ENOSPC */
	size_t max_missing;  /* remembered as not there; the oldest is forgotten */
	size_t max_idle;     /* known, in no list and not held by the kernel; likewise */
};

struct pfs_store;

/* api, loop and stats are borrowed. 0, -ENOMEM. */
int pfs_store_create(struct pfs_api *api, struct pfs_loop *loop, struct pfs_stats *stats,
		     const struct pfs_store_config *config, struct pfs_store **ret_store);
/* Nobody may be waiting any more; requests under way are cancelled. Takes NULL. */
void pfs_store_destroy(struct pfs_store *store);

/* The kinds whose objects it holds, as the configuration said. */
const struct pfs_kinds *pfs_store_kinds(const struct pfs_store *store);

/* At most five; called in the order they were added. 0, -ENOSPC. */
int pfs_store_listen(struct pfs_store *store, const struct pfs_store_listener *listener);

/* What is known of an id, without asking: an object that was seen and has not vanished, or NULL. */
struct pfs_object *pfs_store_find(struct pfs_store *store, const struct pfs_kind *kind,
				  const char *id);

/* By kind and slot, also one that has vanished but is still held; or NULL. */
struct pfs_object *pfs_store_by_slot(struct pfs_store *store, const struct pfs_kind *kind,
				     uint64_t slot);

/*
 * Make sure that what is known of an id holds now.
 * 0: it does (or the API is failing and the last answer is still good enough: pfs_store_is_stale);
 *    *ret_object is set.
 * -EINPROGRESS: the API is being asked; wait, which has joined, is woken with what this call would
 *    return then.
 * -ENOENT: there is no such object; -ESTALE: it was there and has vanished; else the errno of
 *    the failure, which is remembered for ttl_error.
 */
int pfs_store_ask(struct pfs_store *store, const struct pfs_kind *kind, const char *id,
		  struct pfs_wait *wait, struct pfs_object **ret_object);
int pfs_store_ask_object(struct pfs_store *store, struct pfs_object *object, struct pfs_wait *wait);

/*
 * Ask for an object without anybody waiting for it; if it still holds or is under way, or a failure
 * is remembered, nothing is done. 0, or an error: nothing was begun.
 */
int pfs_store_refresh(struct pfs_store *store, struct pfs_object *object);

/*
 * Walk the list of a kind, even if it still holds, without anybody waiting for it. 0: a walk is
 * under way; -EAGAIN: not while the last failure is remembered; or another error.
 */
int pfs_store_refresh_list(struct pfs_store *store, const struct pfs_kind *kind);
bool pfs_store_is_walking(const struct pfs_store *store, const struct pfs_kind *kind);

/* Did the last walk fail? */
bool pfs_store_list_failed(const struct pfs_store *store, const struct pfs_kind *kind);

/*
 * Will a walk of its list tell of this object, as far as is known? Would one cost fewer requests
 * than describing so many of those objects?
 */
bool pfs_store_is_listed(const struct pfs_store *store, const struct pfs_object *object);
bool pfs_store_prefers_list(const struct pfs_store *store, const struct pfs_kind *kind,
			    size_t objects);

/*
 * Somebody wants to know of each change. Then an object that has ended is asked for as often as one
 * that hasn't, unless it can't change any more.
 */
void pfs_store_follow(struct pfs_store *store, struct pfs_object *object, bool followed);

/* ns for which what is known of the object holds; 0: ask again. */
int64_t pfs_store_left(const struct pfs_store *store, const struct pfs_object *object);
/* The TTL that its content would have if it came now. */
int64_t pfs_store_ttl(const struct pfs_store *store, const struct pfs_object *object);
/* ns for which it holds that there is no such id; 0: ask. */
int64_t pfs_store_missing_left(struct pfs_store *store, const struct pfs_kind *kind,
			       const char *id);
/* Is its content past its time, and kept only since the last attempt failed? */
bool pfs_store_is_stale(const struct pfs_store *store, const struct pfs_object *object);

/* Count the kernel's references to an object; at zero it may be freed. */
void pfs_store_hold(struct pfs_store *store, struct pfs_object *object, uint64_t count);
void pfs_store_release(struct pfs_store *store, struct pfs_object *object, uint64_t count);

/*
 * Make sure that the list of a kind can be read on from the object after slot `after` (0: the
 * beginning, where freshness is decided: an expired list is walked again, page by page).
 * 0: pfs_store_next gives the next one, or the end. -EINPROGRESS: wait. Else the errno: a list
 * that can't be had is never given as an empty one. after PFS_LIST_WHOLE: make sure that the list
 * holds, to its end.
 *
 * A walk may take longer than anybody waits, though each of its pages comes in time. Who has
 * waited for config.timeout is told how it stands: 0 while the last whole list may still be given,
 * as while the API fails; else -ETIMEDOUT. Asked again with the same wait, it says the same.
 */
#define PFS_LIST_WHOLE UINT64_MAX
int pfs_store_ask_list(struct pfs_store *store, const struct pfs_kind *kind, uint64_t after,
		       struct pfs_wait *wait);
/* The known object of a kind after a slot, by number. NULL at the end. */
struct pfs_object *pfs_store_next(struct pfs_store *store, const struct pfs_kind *kind,
				  uint64_t after);

/* The next known object of all kinds, and its place; from a zeroed place the first. NULL at the
 * end, which is passed over only by those that came later. */
struct pfs_cursor {
	size_t row;
	uint64_t slot;
};
struct pfs_object *pfs_store_each(struct pfs_store *store, struct pfs_cursor *cursor);

int64_t pfs_store_list_left(const struct pfs_store *store, const struct pfs_kind *kind);
/* ns until it may be asked for: the same, but while a failure is remembered, how long that is. */
int64_t pfs_store_list_pause(const struct pfs_store *store, const struct pfs_kind *kind);
/*
 * ns since the epoch: the last time that an object came or went. But until a list was read to its
 * end, whatever comes belongs to a listing that nobody has had yet: it comes behind all that was
 * given, and the time stays.
 */
int64_t pfs_store_list_modified(const struct pfs_store *store, const struct pfs_kind *kind);
/* Rises with each walk that ended well: two listings of one generation are the same walk's. */
uint64_t pfs_store_list_generation(const struct pfs_store *store, const struct pfs_kind *kind);

/* Nothing that is known holds any longer, not even while the API fails. */
void pfs_store_expire(struct pfs_store *store);

/* A copy counted up, given back with drop (takes NULL). */
struct pfs_content *pfs_content_keep(struct pfs_content *content);
void pfs_content_drop(struct pfs_content *content);

#endif
