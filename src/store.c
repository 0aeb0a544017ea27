/* SPDX-License-Identifier: MIT */
/*
 * Asking. An object's content is valid until fresh_until. The first caller after that begins a
 * flight (store_flight.c), and callers who come while it is under way wait for it to land.
 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>

#include "pinefs/stats.h"

/* Expect it from a walk of the list, or describe it. 0, or an error: no request was begun. */
static int begin_flight(struct pfs_store *store, struct pfs_object *object)
{
	if (pfs_store_prefers_walk(store, object) &&
	    !pfs_store_walk(store, pfs_store_collection(store, object->kind)) &&
	    !pfs_flight_expect(store, object))
		return 0;
	return pfs_flight_describe(store, object);
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
	if (pfs_store_left(store, object)) {
		store->stats->served[PFS_SERVED_FRESH]++;
		return 0;
	}
	if (object->flight) {
		store->stats->joined++;
	} else {
		if (object->failure && pfs_loop_now(store->loop) < object->failure->until) {
			error = pfs_store_verdict(store, object);
			if (!error)
				pfs_store_count_stale(store, 1);
			return error;
		}
		error = begin_flight(store, object);
		if (error) {
			pfs_store_settle(store, object);
			return error;
		}
	}
	store->stats->served[object->content ? PFS_SERVED_EXPIRED : PFS_SERVED_MISSING]++;
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

int pfs_store_announce(struct pfs_store *store, const struct pfs_kind *kind, const char *id,
		       struct pfs_object **ret_object)
{
	struct pfs_object *object = pfs_store_intern(store, kind, id);
	int error;

	if (!object)
		return -ENOMEM;
	if (!object->slot) {
		error = pfs_store_assign_slot(store, object);
		if (error) {
			pfs_store_settle(store, object);
			return error;
		}
		object->first_seen = pfs_loop_wall(store->loop);
	}
	/* It may have been asked for before it was made; or what is known is of one before it. */
	if (!object->content && object->failure) {
		pfs_failure_free(object->failure);
		object->failure = NULL;
	}
	if (pfs_store_left(store, object))
		object->fresh_until = pfs_loop_now(store->loop);
	pfs_store_hold(store, object, 1);
	if (object->flight)
		pfs_flight_begin_anew(object->flight);
	else
		(void)pfs_flight_describe(store, object); /* else whoever reads it asks */
	*ret_object = object;
	return 0;
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
		pfs_flight_free(object->flight);
	pfs_failure_free(object->failure);
	free(object);
}

static void finish_collection(struct collection *collection)
{
	struct pfs_object *object;

	while ((object = pfs_slots_next(&collection->slots, 0))) {
		if (object->flight)
			pfs_flight_free(object->flight);
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
