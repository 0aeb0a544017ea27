/* SPDX-License-Identifier: MIT */
/*
 * Flights. While an object is being asked for it has a flight, and callers wait for the flight to
 * land. A flight is a describe; or, where many objects have expired, it expects the walk of the
 * list to bring the object. If the walk hasn't after half of config.timeout, or ends without it,
 * the flight becomes a describe.
 *
 * pfs_store_verdict() decides what callers get after a failure: the same for those who waited and
 * for those who come during the pause after it.
 */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "pinefs/stats.h"

int pfs_store_verdict(const struct pfs_store *store, const struct pfs_object *object)
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
	return 0;
}

void pfs_store_count_stale(struct pfs_store *store, uint64_t callers)
{
	store->stats->stale_served += callers;
	store->stats->served[PFS_SERVED_STALE] += callers;
}

/* Of a kind where one 404 proves nothing, two do, with config.stale between them. */
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

	/* A page of the list may have brought it while the describe was under way. */
	if (object->origin && answer->sent_at < object->origin->sent_at)
		return;
	if (pfs_failure_set(store, &object->failure, answer))
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", object->kind->path, object->id);
	pfs_failure_report(store, path, object->failure);
	if (is_really_gone(store, object))
		pfs_store_vanish(store, object);
}

void pfs_flight_free(struct pfs_flight *flight)
{
	pfs_api_cancel(flight->call);
	pfs_timer_stop(flight->store->loop, &flight->patience);
	free(flight);
}

static void wake(struct pfs_store *store, const struct pfs_object *object,
		 struct pfs_flight *flight)
{
	int error = 0;

	if (!pfs_store_left(store, object)) {
		error = pfs_store_verdict(store, object);
		if (!error)
			pfs_store_count_stale(store, pfs_wait_queue_length(&flight->waits));
	}
	pfs_wait_wake(&flight->waits, error);
}

void pfs_flight_wake(struct pfs_store *store, struct pfs_object *object)
{
	wake(store, object, object->flight);
}

void pfs_flight_land(struct pfs_store *store, struct pfs_object *object)
{
	struct pfs_flight *flight = object->flight;
	struct collection *collection = pfs_store_collection(store, object->kind);
	void (*landed)(struct collection *) = flight->landed;

	if (flight->expecting)
		TAILQ_REMOVE(&collection->expecting, flight, link);
	object->flight = NULL;
	object->references++; /* nobody may free it meanwhile */
	wake(store, object, flight);
	pfs_flight_free(flight);
	pfs_store_release(store, object, 1);
	if (landed)
		landed(collection);
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
		failed.text = pfs_store_refusal(failed.error);
	}
	pfs_origin_drop(origin);
	if (failed.error)
		take_failure(store, object, &failed);
	pfs_flight_land(store, object);
}

/* Its deadline is the flight's, also where the flight has expected a walk first. */
static int begin_describe(struct pfs_flight *flight)
{
	struct pfs_object *object = flight->object;

	return pfs_api_describe(flight->store->api, object->kind, object->id, flight->deadline,
				on_described, flight, &flight->call);
}

/* The same; a flight that can't be gone on with lands. */
static void describe_or_land(struct pfs_flight *flight)
{
	struct pfs_api_answer failed = {.text = "too many requests wait already",
					.request_id = "",
					.sent_at = INT64_MAX,
					.retry_after = -1};

	failed.error = begin_describe(flight);
	if (!failed.error)
		return;
	take_failure(flight->store, flight->object, &failed);
	pfs_flight_land(flight->store, flight->object);
}

void pfs_flight_stop_expecting(struct pfs_flight *flight)
{
	struct pfs_store *store = flight->store;
	struct collection *collection = pfs_store_collection(store, flight->object->kind);

	pfs_timer_stop(store->loop, &flight->patience);
	TAILQ_REMOVE(&collection->expecting, flight, link);
	flight->expecting = false;
	describe_or_land(flight);
}

void pfs_flight_begin_anew(struct pfs_flight *flight)
{
	if (flight->expecting) /* what it is asked after the walk is asked late enough */
		return;
	pfs_api_cancel(flight->call);
	flight->call = NULL;
	describe_or_land(flight);
}

static void lose_patience(void *arg)
{
	pfs_flight_stop_expecting(arg);
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

int pfs_flight_describe(struct pfs_store *store, struct pfs_object *object)
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

int pfs_flight_expect(struct pfs_store *store, struct pfs_object *object)
{
	struct pfs_flight *flight = create_flight(store, object);

	if (!flight)
		return -ENOMEM;
	flight->expecting = true;
	TAILQ_INSERT_TAIL(&pfs_store_collection(store, object->kind)->expecting, flight, link);
	pfs_timer_start(store->loop, &flight->patience,
			pfs_loop_now(store->loop) + store->config.timeout / 2);
	object->flight = flight;
	pfs_store_settle(store, object);
	return 0;
}
