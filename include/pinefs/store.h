/* SPDX-License-Identifier: MIT */
/*
 * store: the cache of the API's objects. It knows what each object last said and until when that
 * is valid, and it alone decides when to ask the API: at most one request for the same thing is
 * under way, and later callers wait for it. It remembers misses and failures for a while, and
 * while the API fails it keeps serving the last good answer for a while.
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

/* One version of an object. Immutable; its references are counted. */
struct pfs_content {
	unsigned references;
	enum pfs_end end;
	bool is_final; /* the object has ended, and will never change again */
	/* ns since the epoch; each is later than in the version before: */
	int64_t modified; /* a first version: when the object says that it finished or was created;
			   * if it doesn't say, or for a later version: when we first saw it */
	int64_t changed;  /* when we first saw this version */
	uint64_t *held;	  /* the store's count of the bytes of all versions, with this one's */
	struct pfs_json json;
	uint32_t memory[]; /* what json points to */
};

/* The API's answer that brought a content; all objects of one page share one. */
struct pfs_origin {
	unsigned references;
	bool listed;	     /* the answer was a page of the list; else a describe's */
	int status;	     /* of HTTP */
	int64_t sent_at;     /* monotonic: when the request was sent */
	int64_t received_at; /* ns since the epoch */
	char request_id[];
};

/* A failure of the last request. */
struct pfs_failure {
	int error;	   /* -errno */
	int status;	   /* of HTTP; 0 if there was no answer */
	int64_t until;	   /* monotonic: no new request before this */
	int64_t missed_at; /* monotonic: when the first of the misses came; 0 if there are none */
	unsigned misses;   /* consecutive 404s; 0 if the last failure was another */
	unsigned refusals; /* consecutive 403s; likewise */
	char *request_id;  /* owned, never NULL */
	char *text;	   /* owned, never NULL */
};

struct pfs_promise;  /* tree's */
struct pfs_record;   /* history's */
struct pfs_interest; /* watch's */
struct pfs_flight;   /* store's */
TAILQ_HEAD(pfs_object_list, pfs_object);

struct pfs_object {
	uint64_t slot; /* its number among the objects of its kind; the mount never gives it to
			* another. 0 until the object has been seen, or announced */
	const struct pfs_kind *kind;
	struct pfs_content *content;  /* NULL: never seen */
	struct pfs_origin *origin;    /* of content; NULL exactly if content is */
	struct pfs_failure *failure;  /* NULL: the last request succeeded */
	int64_t fresh_until;	      /* monotonic: when content expires */
	int64_t first_seen;	      /* ns since the epoch */
	uint64_t references;	      /* the kernel's: pfs_store_hold */
	uint64_t walk;		      /* number of the last walk of the list that met it; 0: none */
	bool gone;		      /* it has vanished from the API: asking for it is ESTALE */
	bool followed;		      /* pfs_store_follow */
	struct pfs_flight *flight;    /* the request under way for it, or NULL */
	struct pfs_object_list *idle; /* the list from which it may be evicted, or NULL */
	TAILQ_ENTRY(pfs_object) idle_link;

	/* The tree room's: the files whose attributes were last filled from content (one bit
	 * each), and the older contents from which other files' attributes still are. */
	uint64_t promised;
	struct pfs_promise *promises;
	uint16_t retargeted[PFS_LINKS_MAX]; /* how often the target of each link has changed */

	struct pfs_record *record; /* the history room's: what changed; NULL: nothing yet */

	struct pfs_interest *interest; /* the watch room's: who wants it refreshed; NULL: nobody */

	char id[];
};

/*
 * What the store calls as soon as something has happened; each function may be NULL. During a call
 * the object is whole: content, origin, failure and fresh_until are those after the event. The
 * functions must not ask the store for anything.
 */
struct pfs_store_listener {
	void (*appeared)(void *arg, struct pfs_object *object);
	/* object->content is the new version; before, the old one, is valid during the call. */
	void (*changed)(void *arg, struct pfs_object *object, struct pfs_content *before);
	void (*vanished)(void *arg, struct pfs_object *object);
	void (*freed)(void *arg, struct pfs_object *object);
	/* A request to the API failed; path names what it was for, to people. */
	void (*failed)(void *arg, const char *path, const struct pfs_failure *failure);
	void *arg;
};

struct pfs_store_config {
	const struct pfs_kinds *kinds; /* borrowed */
	int64_t ttl;	     /* ns: how long an answer is valid while the object hasn't ended */
	int64_t ttl_ready;   /* ns: once the object has ended, but can still change */
	int64_t ttl_final;   /* ns: once the object can't change any more */
	int64_t ttl_missing; /* ns: how long a 404 is valid */
	int64_t ttl_error;   /* ns: the pause after another failure, before the next request */
	int64_t timeout;     /* ns: how long a caller waits for an answer, retries included */
	int64_t stale;	     /* ns: how long an expired answer is served while the API fails */
	size_t max_objects;  /* objects that were seen; one more is -ENOSPC */
	uint64_t max_bytes;  /* of their contents, and older ones still in use; more are -EFBIG */
	size_t max_missing;  /* missing ids that are remembered; then the oldest is evicted */
	size_t max_idle;     /* objects that neither the list nor the kernel has; likewise */
};

struct pfs_store;

/* api, loop and stats are borrowed. 0, -ENOMEM. */
int pfs_store_create(struct pfs_api *api, struct pfs_loop *loop, struct pfs_stats *stats,
		     const struct pfs_store_config *config, struct pfs_store **ret_store);
/* Cancels the requests under way; nobody may wait for them any more. Takes NULL. */
void pfs_store_destroy(struct pfs_store *store);

/* config.kinds. */
const struct pfs_kinds *pfs_store_kinds(const struct pfs_store *store);

/*
 * Add a listener (copied); there may be seven. They are called in the order in which they were
 * added. 0, -ENOSPC.
 */
int pfs_store_listen(struct pfs_store *store, const struct pfs_store_listener *listener);

/* The object with this id if the store has seen it and it hasn't vanished, else NULL. Asks nobody,
 * so the content may have expired. */
struct pfs_object *pfs_store_find(struct pfs_store *store, const struct pfs_kind *kind,
				  const char *id);

/* The object with this slot, or NULL. It may have vanished, if the kernel still refers to it. */
struct pfs_object *pfs_store_by_slot(struct pfs_store *store, const struct pfs_kind *kind,
				     uint64_t slot);

/*
 * Get an object whose content is valid now; ask the API if the store has none.
 * 0: *ret_object is set. While the API fails its content may have expired: pfs_store_is_stale.
 * -EINPROGRESS: the API is being asked. wait has joined, and is woken with what this call would
 *    return then.
 * -ENOENT: the API says that there is no such object. -ESTALE: the object has vanished. Else the
 *    errno of a failure; the API isn't asked again for ttl_error.
 * pfs_store_ask_object does the same for an object that the caller has.
 */
int pfs_store_ask(struct pfs_store *store, const struct pfs_kind *kind, const char *id,
		  struct pfs_wait *wait, struct pfs_object **ret_object);
int pfs_store_ask_object(struct pfs_store *store, struct pfs_object *object, struct pfs_wait *wait);

/*
 * The answer to a command says that there is an object with this id, which the store may not have
 * seen: give it its slot, forget that it was missing, and ask for it with nobody waiting; what was
 * known of it, or is being asked, is from before, and has expired. Until it has been described it
 * has no content, and is neither found nor listed. 0, and *ret_object has a reference more, which
 * is the caller's: pfs_store_release. -ENOMEM; -ENOSPC: too many objects.
 */
int pfs_store_announce(struct pfs_store *store, const struct pfs_kind *kind, const char *id,
		       struct pfs_object **ret_object);

/*
 * Ask the API for an object with nobody waiting. Does nothing while the content is valid, a request
 * is under way, or the pause after a failure lasts. 0, or an error: no request was begun.
 */
int pfs_store_refresh(struct pfs_store *store, struct pfs_object *object);

/*
 * Walk the list of a kind with nobody waiting, even if the last listing is still valid. 0: a walk
 * is under way. -EAGAIN: the pause after a failed walk lasts. Else why no walk could be begun.
 */
int pfs_store_refresh_list(struct pfs_store *store, const struct pfs_kind *kind);
bool pfs_store_is_walking(const struct pfs_store *store, const struct pfs_kind *kind);

/* Did the last walk fail? */
bool pfs_store_list_failed(const struct pfs_store *store, const struct pfs_kind *kind);

/*
 * Is a walk of the list expected to meet this object? True if the last complete walk did, or while
 * there was none.
 */
bool pfs_store_is_listed(const struct pfs_store *store, const struct pfs_object *object);
/* Would a walk of the list cost fewer requests than describing this many objects one by one? */
bool pfs_store_prefers_list(const struct pfs_store *store, const struct pfs_kind *kind,
			    size_t objects);

/*
 * Say whether somebody follows this object. A followed object that has ended but can still change
 * has the TTL of one that hasn't ended, if that is shorter.
 */
void pfs_store_follow(struct pfs_store *store, struct pfs_object *object, bool followed);

/*
 * Somebody may follow this object in a way that isn't seen to end, as by reading its history again
 * and again: unless it is final, its content expires in config.ttl at the latest.
 */
void pfs_store_hasten(const struct pfs_store *store, struct pfs_object *object);

/* ns until the object's content expires; 0: it has, or there is none. */
int64_t pfs_store_left(const struct pfs_store *store, const struct pfs_object *object);
/* ns: the TTL that the object's content would get if the API sent it now. */
int64_t pfs_store_ttl(const struct pfs_store *store, const struct pfs_object *object);
/* ns until the 404 for this id expires; 0: it has, or there was none. */
int64_t pfs_store_missing_left(struct pfs_store *store, const struct pfs_kind *kind,
			       const char *id);
/* Has the object's content expired, and did the last request for a new one fail? */
bool pfs_store_is_stale(const struct pfs_store *store, const struct pfs_object *object);

/* Add or take back references that the kernel has to an object; without any it may be freed. */
void pfs_store_hold(struct pfs_store *store, struct pfs_object *object, uint64_t count);
void pfs_store_release(struct pfs_store *store, struct pfs_object *object, uint64_t count);

/*
 * Make sure that a reader of a kind's list can go on behind slot `after`, with pfs_store_next.
 * after 0 is the beginning: only there, and with PFS_LIST_WHOLE, an expired list is walked again,
 * page by page. PFS_LIST_WHOLE makes sure that the whole list is valid.
 * 0: pfs_store_next gives the next object, or the end. -EINPROGRESS: wait has joined; call again
 *    once it was woken with 0. Else the errno of a failure: a list that the API refuses never
 *    seems to be an empty one.
 *
 * What a list that isn't paged lacks is asked for before its readers go on, some of it at least: so
 * they aren't given what has just been deleted.
 *
 * A walk of many pages may take longer than config.timeout, though each page comes in time. A
 * reader who has waited for that long is woken with 0 if the last whole list may still be served,
 * by the rules for a failing API, else with -ETIMEDOUT. A call with the same wait then returns the
 * same.
 */
#define PFS_LIST_WHOLE UINT64_MAX
int pfs_store_ask_list(struct pfs_store *store, const struct pfs_kind *kind, uint64_t after,
		       struct pfs_wait *wait);
/*
 * Make sure that the list was walked whole, in a walk that began at this time (monotonic) or later.
 * 0: it was. -EINPROGRESS: wait has joined; once it was woken, call again with the same wait.
 * -ETIMEDOUT: it has waited for config.timeout. Else the errno of a failure: another walk than the
 * last is begun only after the pause.
 */
int pfs_store_ask_list_since(struct pfs_store *store, const struct pfs_kind *kind, int64_t since,
			     struct pfs_wait *wait);
/* The object of a kind with the lowest slot above `after` that hasn't vanished. NULL: the end. */
struct pfs_object *pfs_store_next(struct pfs_store *store, const struct pfs_kind *kind,
				  uint64_t after);

/*
 * The object at the cursor's next place among those of all kinds; a zeroed cursor stands before the
 * first. Moves the cursor. NULL at the end, for good. An object that appears in a kind which the
 * cursor has left is passed over.
 */
struct pfs_cursor {
	size_t row;
	uint64_t slot;
};
struct pfs_object *pfs_store_each(struct pfs_store *store, struct pfs_cursor *cursor);

/* ns until the list of a kind expires; 0: it has, or was never walked to its end. */
int64_t pfs_store_list_left(const struct pfs_store *store, const struct pfs_kind *kind);
/* ns until it is time for the next walk: the end of the pause after a failure, else list_left. */
int64_t pfs_store_list_pause(const struct pfs_store *store, const struct pfs_kind *kind);
/*
 * ns since the epoch: when the list last gained or lost an object. Objects that appear before the
 * first complete walk don't move this time: they come behind what readers have had, as further
 * parts of that first listing.
 */
int64_t pfs_store_list_modified(const struct pfs_store *store, const struct pfs_kind *kind);
/* Rises with each complete walk: listings of one generation come from the same walk. */
uint64_t pfs_store_list_generation(const struct pfs_store *store, const struct pfs_kind *kind);

/* Expire every object, miss and list. What has expired this way isn't served, even if the API
 * fails; and the pauses after failures end. */
void pfs_store_expire(struct pfs_store *store);

/* The time in a field of this name, ns since the epoch. False: the content has none there that can
 * be one. Takes NULL as a name. */
bool pfs_content_time(const struct pfs_kind *kind, const struct pfs_content *content,
		      const char *field, int64_t *ret_time);

/* Add a reference to a content; drop gives one back and frees the last (takes NULL). */
struct pfs_content *pfs_content_keep(struct pfs_content *content);
void pfs_content_drop(struct pfs_content *content);

#endif
