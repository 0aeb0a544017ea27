/* SPDX-License-Identifier: MIT */
/*
 * Asking. An object's answer holds until fresh_until. After that the first who asks begins a
 * flight, and everybody who asks while it is under way waits for its landing. A flight is a
 * describe or, where many are wanted, the expectation that the walk of the list will tell; then
 * it waits for at most half of the time that a reader has, and describes after that.
 *
 * What a failure leaves is decided in verdict(), the same for those who waited and those who come
 * while the failure is remembered.
 */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/stats.h"
#include "pinefs/text.h"

/* No server may keep us from asking for longer than this, whatever its Retry-After says. */
#define LONGEST_PAUSE (60 * PFS_SECOND)

/* --- failures ------------------------------------------------------------------------------ */

void pfs_failure_free(struct pfs_failure *failure)
{
	if (!failure)
		return;
	free(failure->request_id);
	free(failure->text);
	free(failure);
}

int pfs_failure_set(struct pfs_store *store, struct pfs_failure **failure,
		    const struct pfs_api_answer *answer)
{
	struct pfs_failure *made = *failure ? *failure : calloc(1, sizeof(*made));
	char *request_id = strdup(answer->request_id), *text = strdup(answer->text);
	int64_t now = pfs_loop_now(store->loop), pause = store->config.ttl_error;

	if (!made || !request_id || !text) {
		if (!*failure)
			free(made);
		free(request_id);
		free(text);
		return -ENOMEM;
	}
	free(made->request_id);
	free(made->text);
	made->request_id = request_id;
	made->text = text;
	made->error = answer->error;
	made->status = answer->status;
	if (answer->error == -ENOENT) {
		pause = store->config.ttl_missing;
		if (!made->misses++)
			made->missed_at = now;
	} else {
		made->misses = 0;
		made->missed_at = 0;
	}
	if (answer->retry_after > pause)
		pause = answer->retry_after < LONGEST_PAUSE ? answer->retry_after : LONGEST_PAUSE;
	made->until = now + pause;
	*failure = made;
	return 0;
}

void pfs_store_tell_failure(struct pfs_store *store, const char *path,
			    const struct pfs_failure *failure)
{
	int64_t wall = pfs_loop_wall(store->loop);
	const struct pfs_failed failed = {
		.when = wall,
		.again = wall + failure->until - pfs_loop_now(store->loop),
		.error = -failure->error,
		.status = failure->status,
		.object = path,
		.request_id = failure->request_id,
		.text = failure->text,
	};

	pfs_stats_fail(store->stats, &failed);
	for (size_t i = 0; i < store->listener_count; i++) {
		if (store->listeners[i].failed)
			store->listeners[i].failed(store->listeners[i].arg, path, failure);
	}
}

/* What somebody gets whose object isn't fresh, and won't be for now. */
static int verdict(struct pfs_store *store, const struct pfs_object *object)
{
	const struct pfs_failure *failure = object->failure;

	if (object->gone)
		return -ESTALE;
	if (!failure) /* nothing is known: there was no memory even for a failure */
		return object->content ? 0 : -ENOMEM;
	if (!object->content || failure->error == -EACCES)
		return failure->error;
	if (failure->error != -ENOENT &&
	    pfs_loop_now(store->loop) >= object->fresh_until + store->config.stale)
		return failure->error;
	store->stats->stale_served++;
	return 0;
}

/* Where one 404 is not to be trusted, two are, if there is enough time between them. */
static bool is_really_gone(const struct pfs_store *store, const struct pfs_object *object)
{
	const struct pfs_failure *failure = object->failure;

	if (!object->content || failure->error != -ENOENT)
		return false;
	return object->kind->is_gone_at_a_404 || object->fresh_until == FORGOTTEN ||
	       (failure->misses >= 2 &&
		pfs_loop_now(store->loop) - failure->missed_at >= store->config.stale);
}

static void take_failure(struct pfs_store *store, struct pfs_object *object,
			 const struct pfs_api_answer *answer)
{
	char path[600];

	/* A page of the list may have told of it while the describe was under way. */
	if (object->origin && answer->sent_at < object->origin->sent_at)
		return;
	if (pfs_failure_set(store, &object->failure, answer))
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", object->kind->path, object->id);
	pfs_store_tell_failure(store, path, object->failure);
	if (is_really_gone(store, object))
		pfs_store_vanish(store, object);
}

/* --- flights ------------------------------------------------------------------------------- */

static void free_flight(struct pfs_flight *flight)
{
	pfs_api_cancel(flight->call);
	pfs_timer_stop(flight->store->loop, &flight->patience);
	free(flight);
}

static void wake(struct pfs_store *store, const struct pfs_object *object,
		 struct pfs_flight *flight)
{
	pfs_wait_wake(&flight->waits, pfs_store_left(store, object) ? 0 : verdict(store, object));
}

void pfs_store_tell(struct pfs_store *store, struct pfs_object *object)
{
	wake(store, object, object->flight);
}

void pfs_store_land(struct pfs_store *store, struct pfs_object *object)
{
	struct pfs_flight *flight = object->flight;

	if (flight->expecting)
		TAILQ_REMOVE(&pfs_store_collection(store, object->kind)->expecting, flight, link);
	object->flight = NULL;
	object->references++; /* nobody may free it meanwhile */
	wake(store, object, flight);
	free_flight(flight);
	pfs_store_release(store, object, 1);
}

static void on_described(void *arg, const struct pfs_api_answer *answer)
{
	struct pfs_flight *flight = arg;
	struct pfs_store *store = flight->store;
	struct pfs_object *object = flight->object;
	struct pfs_api_answer failed = *answer;
	struct pfs_origin *origin = NULL;

	flight->call = NULL;
	if (!answer->error) {
		origin = pfs_origin_create(store, answer, false);
		failed.error =
			origin ? pfs_store_feed(store, object, answer->object, origin) : -ENOMEM;
		failed.text = "the answer could not be kept";
	}
	pfs_origin_drop(origin);
	if (failed.error)
		take_failure(store, object, &failed);
	pfs_store_land(store, object);
}

/* On the flight's own time; it was in no list, or is in none any more. */
static int begin_describe(struct pfs_flight *flight)
{
	struct pfs_object *object = flight->object;

	return pfs_api_describe(flight->store->api, object->kind, object->id, flight->deadline,
				on_described, flight, &flight->call);
}

void pfs_store_stop_expecting(struct pfs_flight *flight)
{
	struct pfs_store *store = flight->store;
	struct collection *collection = pfs_store_collection(store, flight->object->kind);
	struct pfs_api_answer failed = {.text = "too many requests wait already",
					.request_id = "",
					.sent_at = INT64_MAX,
					.retry_after = -1};

	pfs_timer_stop(store->loop, &flight->patience);
	TAILQ_REMOVE(&collection->expecting, flight, link);
	flight->expecting = false;
	failed.error = begin_describe(flight);
	if (!failed.error)
		return;
	take_failure(store, flight->object, &failed);
	pfs_store_land(store, flight->object);
}

static void lose_patience(void *arg)
{
	pfs_store_stop_expecting(arg);
}

static struct pfs_flight *create_flight(struct pfs_store *store, struct pfs_object *object)
{
	struct pfs_flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		return NULL;
	flight->store = store;
	flight->object = object;
	flight->patience = (struct pfs_timer){.fire = lose_patience, .arg = flight};
	flight->deadline = pfs_loop_now(store->loop) + store->config.timeout;
	pfs_wait_queue_init(&flight->waits, &store->stats->waiting);
	return flight;
}

int pfs_store_describe(struct pfs_store *store, struct pfs_object *object)
{
	struct pfs_flight *flight = create_flight(store, object);
	int error = flight ? begin_describe(flight) : -ENOMEM;

	if (error) {
		free(flight);
		return error;
	}
	object->flight = flight;
	pfs_store_settle(store, object); /* what is under way is no longer idle */
	return 0;
}

static int expect_walk(struct pfs_store *store, struct pfs_object *object)
{
	struct collection *collection = pfs_store_collection(store, object->kind);
	struct pfs_flight *flight;
	int error = pfs_store_walk(store, collection);

	if (error)
		return error;
	flight = create_flight(store, object);
	if (!flight)
		return -ENOMEM;
	flight->expecting = true;
	TAILQ_INSERT_TAIL(&collection->expecting, flight, link);
	pfs_timer_start(store->loop, &flight->patience,
			pfs_loop_now(store->loop) + store->config.timeout / 2);
	object->flight = flight;
	pfs_store_settle(store, object);
	return 0;
}

/* --- asking -------------------------------------------------------------------------------- */

int64_t pfs_store_ttl(const struct pfs_store *store, const struct pfs_object *object)
{
	if (object->content->is_final)
		return store->config.ttl_final;
	return object->content->end && !object->followed ? store->config.ttl_ready
							 : store->config.ttl;
}

void pfs_store_follow(struct pfs_store *store, struct pfs_object *object, bool followed)
{
	int64_t latest = pfs_loop_now(store->loop) + store->config.ttl;

	object->followed = followed;
	if (followed && object->content && !object->content->is_final &&
	    object->fresh_until > latest)
		object->fresh_until = latest;
}

int64_t pfs_store_left(const struct pfs_store *store, const struct pfs_object *object)
{
	int64_t left = object->fresh_until - pfs_loop_now(store->loop);

	return left > 0 && object->content && !object->gone ? left : 0;
}

bool pfs_store_is_stale(const struct pfs_store *store, const struct pfs_object *object)
{
	return object->content && object->failure && !pfs_store_left(store, object);
}

static int begin_flight(struct pfs_store *store, struct pfs_object *object)
{
	int error = -EAGAIN;

	if (pfs_store_prefers_walk(store, object))
		error = expect_walk(store, object);
	return error ? pfs_store_describe(store, object) : 0;
}

int pfs_store_refresh(struct pfs_store *store, struct pfs_object *object)
{
	if (object->gone || object->flight || pfs_store_left(store, object) ||
	    (object->failure && pfs_loop_now(store->loop) < object->failure->until))
		return 0;
	return begin_flight(store, object);
}

int pfs_store_ask_object(struct pfs_store *store, struct pfs_object *object, struct pfs_wait *wait)
{
	int error;

	if (object->gone)
		return -ESTALE;
	if (pfs_store_left(store, object))
		return 0;
	if (object->flight) {
		store->stats->joined++;
	} else {
		if (object->failure && pfs_loop_now(store->loop) < object->failure->until)
			return verdict(store, object);
		error = begin_flight(store, object);
		if (error) {
			pfs_store_settle(store, object);
			return error;
		}
	}
	pfs_wait_join(&object->flight->waits, wait);
	return -EINPROGRESS;
}

int pfs_store_ask(struct pfs_store *store, const struct pfs_kind *kind, const char *id,
		  struct pfs_wait *wait, struct pfs_object **ret_object)
{
	struct pfs_object *object = pfs_store_intern(store, kind, id);
	int error;

	if (!object)
		return -ENOMEM;
	error = pfs_store_ask_object(store, object, wait);
	if (!error)
		*ret_object = object;
	return error;
}

/* --- the whole store ----------------------------------------------------------------------- */

static void expire_collection(struct collection *collection)
{
	struct pfs_object *object;

	for (object = pfs_slots_next(&collection->slots, 0); object;
	     object = pfs_slots_next(&collection->slots, object->slot)) {
		object->fresh_until = FORGOTTEN;
		pfs_failure_free(object->failure);
		object->failure = NULL;
	}
	collection->fresh_until = FORGOTTEN;
	pfs_failure_free(collection->failure);
	collection->failure = NULL;
}

void pfs_store_expire(struct pfs_store *store)
{
	struct pfs_object *object;

	while ((object = TAILQ_FIRST(&store->missing)))
		pfs_store_free_object(store, object);
	for (size_t i = 0; i < store->config.kinds->count; i++)
		expire_collection(pfs_store_collection(store, store->config.kinds->rows[i]));
}

const struct pfs_kinds *pfs_store_kinds(const struct pfs_store *store)
{
	return store->config.kinds;
}

int pfs_store_listen(struct pfs_store *store, const struct pfs_store_listener *listener)
{
	if (store->listener_count == MAX_LISTENERS)
		return -ENOSPC;
	store->listeners[store->listener_count++] = *listener;
	return 0;
}

int pfs_store_create(struct pfs_api *api, struct pfs_loop *loop, struct pfs_stats *stats,
		     const struct pfs_store_config *config, struct pfs_store **ret_store)
{
	struct pfs_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->collections = calloc(PFS_KINDS_MAX, sizeof(*store->collections));
	if (!store->collections) {
		free(store);
		return -ENOMEM;
	}
	store->api = api;
	store->loop = loop;
	store->stats = stats;
	store->config = *config;
	TAILQ_INIT(&store->missing);
	TAILQ_INIT(&store->idle);
	for (size_t i = 0; i < config->kinds->count; i++)
		pfs_store_init_collection(store, config->kinds->rows[i]);
	*ret_store = store;
	return 0;
}

static void free_unseen(struct pfs_object *object)
{
	if (object->flight)
		free_flight(object->flight);
	pfs_failure_free(object->failure);
	free(object);
}

static void finish_collection(struct collection *collection)
{
	struct pfs_object *object;

	while ((object = pfs_slots_next(&collection->slots, 0))) {
		if (object->flight)
			free_flight(object->flight);
		object->flight = NULL;
		pfs_store_free_object(collection->store, object);
	}
	/* What is left in the index was never seen. */
	for (size_t i = 0; i < collection->index.capacity; i++) {
		if (collection->index.places[i])
			free_unseen(collection->index.places[i]);
	}
	pfs_index_finish(&collection->index);
	pfs_slots_finish(&collection->slots);
	pfs_store_end_walk(collection);
	pfs_failure_free(collection->failure);
}

void pfs_store_destroy(struct pfs_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->config.kinds->count; i++)
		finish_collection(pfs_store_collection(store, store->config.kinds->rows[i]));
	free(store->collections);
	free(store);
}
