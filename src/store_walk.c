/* SPDX-License-Identifier: MIT */
/*
 * A walk asks for the pages of the list, one after the other. Each page feeds its objects when it
 * comes, so a long listing can be read while the walk goes on. An object that is on a page exists;
 * that it is on none proves nothing: the API's list leaves out jobs, repeats rows, and may end
 * with an empty page.
 *
 * A walk is complete at a page without a next token, at a token that it has met before, or after
 * BARREN_PAGES consecutive pages with nothing new. A few of those prove nothing: where each
 * restore's target index is deleted in the end, the first pages are all empty, and the jobs come
 * after them. A walk fails with the first page that fails.
 *
 * When many known objects have expired, one list is cheaper than a describe each. How many callers
 * will come isn't known, so this is the ski rental problem: describe one by one until that has cost
 * as many requests as a list, then walk the list. That costs at most twice what it would with
 * foresight.
 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/stats.h"

#define PAGE_ROWS	100 /* the most that the API gives */
#define BARREN_PAGES	100 /* 10,000 consecutive jobs that the list leaves out */
#define WALK_PAGES_MAX	50  /* longer lists are no short cut to one object */
#define UNKNOWN_PRICE	10  /* requests: a guess at what a list costs, until one was walked */
#define TOKEN_SEED	UINT64_C(14695981039346656037) /* FNV's own */
#define CHECKED_AT_ONCE 16 /* objects that a walk left out, described after it */

/* 1: this walk has met the token before. 0: it hadn't; the token is remembered now. -ENOMEM. */
static int meet_token(struct collection *collection, const char *token)
{
	uint64_t hash = pfs_hash(TOKEN_SEED, token);

	for (size_t i = 0; i + 1 < collection->pages; i++) {
		if (collection->tokens[i] == hash)
			return 1;
	}
	if (collection->pages > collection->token_capacity) {
		size_t capacity = 2 * collection->pages + 14;
		uint64_t *tokens = reallocarray(collection->tokens, capacity, sizeof(*tokens));

		if (!tokens)
			return -ENOMEM;
		collection->tokens = tokens;
		collection->token_capacity = capacity;
	}
	collection->tokens[collection->pages - 1] = hash;
	return 0;
}

/* Is there an object behind this slot, for a reader who waits there? */
static bool can_read_on(void *arg, uint64_t after)
{
	const struct collection *collection = arg;

	return pfs_store_next(collection->store, collection->kind, after) != NULL;
}

static int overdue_verdict(const struct collection *collection);

/* Some readers have waited for config.timeout. */
static int on_overdue(void *arg)
{
	const struct collection *collection = arg;
	const struct pfs_failed failed = {
		.when = pfs_loop_wall(collection->store->loop),
		.error = ETIMEDOUT,
		.object = collection->kind->path,
		.text = "the list has more pages than could be asked for in time (--timeout, "
			"--max-rate)",
	};

	pfs_stats_fail(collection->store->stats, &failed);
	return overdue_verdict(collection);
}

static bool is_due(const struct pfs_store *store, const struct pfs_object *object)
{
	return !object->flight && !pfs_store_left(store, object) &&
	       (!object->failure || object->failure->until <= pfs_loop_now(store->loop));
}

/* The list is valid for those who have waited, however short its TTL and long the checks. */
static void end_check(struct collection *collection)
{
	int64_t soonest = pfs_loop_now(collection->store->loop) + SHORTEST_TTL;

	if (--collection->checking || collection->walking)
		return;
	if (collection->fresh_until < soonest)
		collection->fresh_until = soonest;
	pfs_wait_wake(&collection->waits, 0);
}

/*
 * Take care of the objects that the walk left out. Those without references may be evicted from now
 * on. Up to CHECKED_AT_ONCE of the expired ones are described, so that we see their changes, and
 * one that is really gone doesn't stay in the listing for ever; each walk goes on where the one
 * before stopped. Of a kind whose list is whole, all of them expire with this: most likely they are
 * gone. If it isn't paged, its readers wait until that is known of those that are described; a
 * paged one's have been given the first objects already.
 */
static void check_left_out(struct collection *collection)
{
	struct pfs_store *store = collection->store;
	uint64_t count = collection->slots.count, start = collection->checked_slot;
	unsigned checked = 0;

	for (uint64_t step = 1; step <= count; step++) {
		uint64_t slot = (start + step) % count;
		struct pfs_object *object = pfs_slots_get(&collection->slots, slot);

		if (!object || object->gone || object->walk == collection->walk ||
		    (!object->content && !object->references)) /* announced, and never came */
			continue;
		if (object->kind->is_whole && pfs_store_left(store, object))
			object->fresh_until = pfs_loop_now(store->loop);
		if (checked < CHECKED_AT_ONCE && is_due(store, object) &&
		    !pfs_flight_describe(store, object)) {
			checked++;
			collection->checked_slot = slot;
			if (object->kind->is_whole && !object->kind->is_paged) {
				object->flight->landed = end_check;
				collection->checking++;
			}
		}
		if (!object->idle)
			pfs_store_settle(store, object);
	}
}

void pfs_store_end_walk(struct collection *collection)
{
	pfs_api_cancel(collection->call);
	collection->call = NULL;
	collection->walking = false;
	free(collection->tokens);
	collection->tokens = NULL;
	collection->token_capacity = 0;
}

/* Have the flights that expected the walk to bring their object describe it: the walk didn't. */
static void stop_expecting(struct collection *collection)
{
	struct pfs_flight *flight;

	while ((flight = TAILQ_FIRST(&collection->expecting)))
		pfs_flight_stop_expecting(flight);
}

static void complete_walk(struct collection *collection)
{
	struct pfs_store *store = collection->store;

	collection->complete_walk = collection->walk;
	collection->complete_at = collection->walk_at;
	collection->complete_pages = collection->pages;
	collection->fresh_until =
		pfs_loop_now(store->loop) +
		(store->config.ttl > SHORTEST_TTL ? store->config.ttl : SHORTEST_TTL);
	pfs_failure_free(collection->failure);
	collection->failure = NULL;
	pfs_store_end_walk(collection);
	stop_expecting(collection);
	check_left_out(collection);
	if (!collection->checking)
		pfs_wait_wake(&collection->waits, 0);
}

static int list_verdict(const struct collection *collection);

static void fail_walk(struct collection *collection, const struct pfs_api_answer *answer)
{
	struct pfs_store *store = collection->store;
	int error = pfs_failure_set(store, &collection->failure, answer);

	pfs_store_end_walk(collection);
	if (!error)
		pfs_failure_report(store, collection->kind->path, collection->failure);
	stop_expecting(collection);
	pfs_wait_wake(&collection->waits, error ? error : list_verdict(collection));
}

/* 1: the row is of an object that this walk hadn't met. 0: it had. Or an error. */
static int feed_row(struct collection *collection, const struct pfs_api_row *row,
		    struct pfs_origin *origin)
{
	struct pfs_store *store = collection->store;
	struct pfs_object *object = pfs_store_intern(store, collection->kind, row->id);
	int error;

	if (!object)
		return -ENOMEM;
	/* The same id twice in one walk: the first row is as good as the second. */
	if (object->walk == collection->walk)
		return 0;
	object->walk = collection->walk;
	error = pfs_store_feed(store, object, &row->object, origin);
	if (error) {
		pfs_store_settle(store, object);
		return error;
	}
	if (object->flight && object->flight->expecting)
		pfs_flight_land(store, object);
	else if (object->flight) /* its describe may take longer yet */
		pfs_flight_wake(store, object);
	return 1;
}

static int feed_page(struct collection *collection, const struct pfs_api_answer *answer)
{
	struct pfs_origin *origin = pfs_origin_create(collection->store, answer, true);
	bool news = false;
	int error = origin ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < answer->row_count; i++) {
		int fed = feed_row(collection, &answer->rows[i], origin);

		news = news || fed == 1;
		error = fed < 0 ? fed : 0;
	}
	pfs_origin_drop(origin);
	collection->barren = news ? 0 : collection->barren + 1;
	return error;
}

static void on_page(void *arg, const struct pfs_api_answer *answer);

static int ask_page(struct collection *collection, const char *token)
{
	struct pfs_store *store = collection->store;

	return pfs_api_list(store->api, collection->kind, token, PAGE_ROWS,
			    pfs_loop_now(store->loop) + store->config.timeout, on_page, collection,
			    &collection->call);
}

/* Ask for the page after this one. 1: this was the last; 0: under way; or an error. */
static int go_on(struct collection *collection, const char *token)
{
	int met;

	if (!token || collection->barren == BARREN_PAGES)
		return 1;
	met = meet_token(collection, token);
	return met ? met : ask_page(collection, token);
}

static void on_page(void *arg, const struct pfs_api_answer *answer)
{
	struct collection *collection = arg;
	struct pfs_api_answer failed = *answer;
	int result = answer->error;

	collection->call = NULL;
	if (!result) {
		collection->pages++;
		result = feed_page(collection, answer);
		failed.text = pfs_store_refusal(result);
		if (!result) {
			result = go_on(collection, answer->next);
			failed.text = "the list could not be taken in whole";
		}
		failed.error = result;
	}
	if (result < 0)
		fail_walk(collection, &failed);
	else if (result == 1)
		complete_walk(collection);
	else
		pfs_wait_wake_due(&collection->waits, can_read_on, collection, 0);
}

int pfs_store_walk(struct pfs_store *store, struct collection *collection)
{
	int error;

	if (collection->walking)
		return 0;
	collection->walk++;
	collection->walk_at = pfs_loop_now(store->loop);
	collection->pages = 0;
	collection->barren = 0;
	error = ask_page(collection, NULL);
	if (!error)
		collection->walking = true;
	return error;
}

void pfs_store_init_collection(struct pfs_store *store, const struct pfs_kind *kind)
{
	struct collection *collection = pfs_store_collection(store, kind);

	collection->store = store;
	collection->kind = kind;
	collection->fresh_until = FORGOTTEN;
	collection->modified = pfs_loop_wall(store->loop);
	pfs_wait_queue_init_timed(&collection->waits, &store->stats->waiting, store->loop,
				  on_overdue, collection);
	pfs_index_init(&collection->index);
	TAILQ_INIT(&collection->expecting);
}

bool pfs_store_prefers_walk(struct pfs_store *store, const struct pfs_object *object)
{
	struct collection *collection = pfs_store_collection(store, object->kind);
	int64_t now = pfs_loop_now(store->loop);
	/* A last page of a paged list may be followed by an empty one. */
	size_t least = collection->kind->is_paged ? 2 : 1;
	size_t price = collection->complete_pages > least ? collection->complete_pages : least;

	if (!object->content || !object->walk || object->walk != collection->complete_walk ||
	    collection->failure || price > WALK_PAGES_MAX)
		return false;
	if (now - collection->window_at > store->config.ttl) {
		collection->window_at = now;
		collection->described = 0;
	}
	return ++collection->described > price;
}

/* --- the listing --------------------------------------------------------------------------- */

/* May the last whole list still be given, though another one can't be had just now? */
static bool is_good_enough(const struct collection *collection)
{
	const struct pfs_store *store = collection->store;
	const struct pfs_failure *failure = collection->failure;

	return collection->complete_walk && !(failure && failure->error == -EACCES) &&
	       pfs_loop_now(store->loop) < collection->fresh_until + store->config.stale;
}

/* What a listing gets while the last walk has failed. */
static int list_verdict(const struct collection *collection)
{
	return collection->failure && !is_good_enough(collection) ? collection->failure->error : 0;
}

/* What a listing gets that has waited for config.timeout while the walk goes on. */
static int overdue_verdict(const struct collection *collection)
{
	return is_good_enough(collection) ? 0 : -ETIMEDOUT;
}

/* Wait for the walk under way. */
static int wait_for_list(struct collection *collection, uint64_t after, struct pfs_wait *wait)
{
	const struct pfs_store *store = collection->store;

	if (!pfs_wait_join_until(&collection->waits, wait, after,
				 pfs_loop_now(store->loop) + store->config.timeout))
		return overdue_verdict(collection);
	return -EINPROGRESS;
}

int pfs_store_ask_list(struct pfs_store *store, const struct pfs_kind *kind, uint64_t after,
		       struct pfs_wait *wait)
{
	struct collection *collection = pfs_store_collection(store, kind);
	int64_t now = pfs_loop_now(store->loop);
	int error;

	if (after && after != PFS_LIST_WHOLE) {
		if (pfs_store_next(store, kind, after))
			return 0;
		return collection->walking ? wait_for_list(collection, after, wait)
					   : list_verdict(collection);
	}
	if (!collection->walking) {
		if (collection->checking)
			return wait_for_list(collection, after, wait);
		if (now < collection->fresh_until)
			return 0;
		if (collection->failure && now < collection->failure->until)
			return list_verdict(collection);
		error = pfs_store_walk(store, collection);
		if (error)
			return error;
	}
	if (!collection->walking ||
	    (!after && collection->pages && pfs_store_next(store, kind, after)))
		return 0;
	return wait_for_list(collection, after, wait);
}

int pfs_store_ask_list_since(struct pfs_store *store, const struct pfs_kind *kind, int64_t since,
			     struct pfs_wait *wait)
{
	struct collection *collection = pfs_store_collection(store, kind);
	int error;

	if (collection->complete_walk && collection->complete_at >= since)
		return 0;
	if (!collection->walking) {
		if (collection->failure && pfs_loop_now(store->loop) < collection->failure->until)
			return collection->failure->error;
		error = pfs_store_walk(store, collection);
		if (error)
			return error;
	}
	if (!pfs_wait_join_until(&collection->waits, wait, PFS_LIST_WHOLE,
				 pfs_loop_now(store->loop) + store->config.timeout))
		return -ETIMEDOUT;
	return -EINPROGRESS;
}

int pfs_store_refresh_list(struct pfs_store *store, const struct pfs_kind *kind)
{
	struct collection *collection = pfs_store_collection(store, kind);

	if (collection->failure && pfs_loop_now(store->loop) < collection->failure->until)
		return -EAGAIN;
	return pfs_store_walk(store, collection);
}

bool pfs_store_is_walking(const struct pfs_store *store, const struct pfs_kind *kind)
{
	return pfs_store_collection(store, kind)->walking;
}

bool pfs_store_list_failed(const struct pfs_store *store, const struct pfs_kind *kind)
{
	return pfs_store_collection(store, kind)->failure != NULL;
}

bool pfs_store_is_listed(const struct pfs_store *store, const struct pfs_object *object)
{
	uint64_t complete = pfs_store_collection(store, object->kind)->complete_walk;

	return !complete || object->walk >= complete;
}

bool pfs_store_prefers_list(const struct pfs_store *store, const struct pfs_kind *kind,
			    size_t objects)
{
	size_t price = pfs_store_collection(store, kind)->complete_pages;

	return objects > (price ? price : UNKNOWN_PRICE);
}

struct pfs_object *pfs_store_next(struct pfs_store *store, const struct pfs_kind *kind,
				  uint64_t after)
{
	const struct slot_table *slots = &pfs_store_collection(store, kind)->slots;
	struct pfs_object *object = pfs_slots_next(slots, after);

	while (object && (object->gone || !object->content))
		object = pfs_slots_next(slots, object->slot);
	return object;
}

struct pfs_object *pfs_store_each(struct pfs_store *store, struct pfs_cursor *cursor)
{
	for (; cursor->row < store->config.kinds->count; cursor->row++, cursor->slot = 0) {
		struct pfs_object *object =
			pfs_store_next(store, store->config.kinds->rows[cursor->row], cursor->slot);

		if (!object)
			continue;
		cursor->slot = object->slot;
		return object;
	}
	return NULL;
}

int64_t pfs_store_list_left(const struct pfs_store *store, const struct pfs_kind *kind)
{
	int64_t left = pfs_store_collection(store, kind)->fresh_until - pfs_loop_now(store->loop);

	return left > 0 ? left : 0;
}

int64_t pfs_store_list_pause(const struct pfs_store *store, const struct pfs_kind *kind)
{
	const struct pfs_failure *failure = pfs_store_collection(store, kind)->failure;
	int64_t pause = failure ? failure->until - pfs_loop_now(store->loop) : 0;

	return pause > 0 ? pause : pfs_store_list_left(store, kind);
}

int64_t pfs_store_list_modified(const struct pfs_store *store, const struct pfs_kind *kind)
{
	return pfs_store_collection(store, kind)->modified;
}

uint64_t pfs_store_list_generation(const struct pfs_store *store, const struct pfs_kind *kind)
{
	return pfs_store_collection(store, kind)->complete_walk;
}
