/* SPDX-License-Identifier: MIT */
/*
 * An interest is an object whose file `wait` somebody reads, or that somebody polls, or that
 * somebody watched when /proc was last scanned. While there is an interest, or a list is watched, a
 * timer runs. Each time it fires, the expired objects are refreshed: by one walk of the list, if
 * there are more of them than a walk costs requests. Abandoned interests are dropped then, and
 * after the last one the timer stops.
 *
 * A failing API doesn't end an interest. The pause between two requests then doubles from the TTL
 * up to a minute; after the first good answer it is the TTL again.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>

#define LONGEST_PAUSE (60 * PFS_SECOND)
#define SHORTEST_TICK (20 * PFS_MILLISECOND)

static bool can_change(const struct pfs_object *object)
{
	return object->content && !object->content->is_final && !object->gone;
}

static void drop_interest(struct pfs_watch *watch, struct pfs_interest *interest)
{
	struct pfs_object *object = interest->object;

	TAILQ_REMOVE(&watch->interest.all, interest, link);
	object->interest = NULL;
	free(interest);
	pfs_store_follow(watch->store, object, false);
	pfs_store_release(watch->store, object, 1);
}

static struct pfs_interest *find_or_make(struct pfs_watch *watch, struct pfs_object *object)
{
	struct pfs_interest *interest = object->interest;

	if (interest)
		return interest;
	interest = calloc(1, sizeof(*interest));
	if (!interest)
		return NULL;
	interest->object = object;
	pfs_wait_queue_init(&interest->waits, &watch->stats->waiting);
	TAILQ_INSERT_TAIL(&watch->interest.all, interest, link);
	object->interest = interest;
	pfs_store_hold(watch->store, object, 1);
	pfs_store_follow(watch->store, object, true);
	return interest;
}

/*
 * Wake those who read `wait`, the last first. The kernel caches no attributes from a reply to a
 * request that it sent before it last got some. Only the latest request is sure to be newer than
 * that; were others replied to first, each of their readers would ask again before it reads on.
 */
static void wake_readers(struct pfs_interest *interest, int error)
{
	pfs_wait_wake_backwards(&interest->waits, error);
}

/* --- refreshing ---------------------------------------------------------------------------- */

/* The pause after this many consecutive failures. */
static int64_t pause_after(const struct pfs_watch *watch, unsigned failures)
{
	int64_t pause = watch->config.ttl > PFS_SECOND / 2 ? watch->config.ttl : PFS_SECOND / 2;

	while (failures-- > 0 && pause < LONGEST_PAUSE)
		pause *= 2;
	return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

/* When is the next refresh of this interest, or the next check of whether it needs one? */
static int64_t next_time(const struct pfs_watch *watch, const struct pfs_interest *interest)
{
	const struct pfs_object *object = interest->object;
	int64_t now = pfs_loop_now(watch->loop);
	int64_t left = pfs_store_left(watch->store, object);

	if (!can_change(object) || object->flight)
		return now + watch->config.ttl;
	if (left || !object->failure)
		return now + left;
	return interest->next > object->failure->until ? interest->next : object->failure->until;
}

static bool is_due(const struct pfs_watch *watch, const struct pfs_interest *interest)
{
	return next_time(watch, interest) <= pfs_loop_now(watch->loop);
}

/* If a walk is under way that will bring the object, does nothing. */
static void refresh_one(struct pfs_watch *watch, struct pfs_interest *interest)
{
	if (pfs_store_is_walking(watch->store, interest->object->kind) &&
	    pfs_store_is_listed(watch->store, interest->object))
		return;
	interest->failures = interest->object->failure ? interest->failures + 1 : 0;
	interest->next = pfs_loop_now(watch->loop) + pause_after(watch, interest->failures);
	(void)pfs_store_refresh(watch->store, interest->object);
}

/* When may the next walk be begun? */
static int64_t next_walk(const struct pfs_watch *watch, const struct pfs_kind *kind)
{
	const struct list_interest *list = &watch->interest.lists[kind->number];

	if (pfs_store_is_walking(watch->store, kind))
		return pfs_loop_now(watch->loop) + watch->config.ttl;
	return list->begun && pfs_store_list_failed(watch->store, kind) ? list->next : 0;
}

static void begin_walk(struct pfs_watch *watch, const struct pfs_kind *kind)
{
	struct list_interest *list = &watch->interest.lists[kind->number];
	bool failed = list->begun && pfs_store_list_failed(watch->store, kind);

	list->failures = failed ? list->failures + 1 : 0;
	list->begun = true;
	list->next = pfs_loop_now(watch->loop) + pause_after(watch, list->failures);
	(void)pfs_store_refresh_list(watch->store, kind);
}

/*
 * How many interests of a kind a walk would refresh; without one, each costs a request every TTL. 0
 * while none is due.
 */
static size_t count_wanted(const struct pfs_watch *watch, const struct pfs_kind *kind)
{
	const struct pfs_interest *interest;
	bool any_due = false;
	size_t wanted = 0;

	TAILQ_FOREACH(interest, &watch->interest.all, link) {
		bool due = is_due(watch, interest);

		if (interest->object->kind != kind || !can_change(interest->object) ||
		    !pfs_store_is_listed(watch->store, interest->object))
			continue;
		wanted += due || !interest->object->failure;
		any_due = any_due || due;
	}
	return any_due ? wanted : 0;
}

static void refresh_kind(struct pfs_watch *watch, const struct pfs_kind *kind)
{
	bool list_due = watch->interest.lists[kind->number].watched &&
			!pfs_store_list_left(watch->store, kind);
	struct pfs_interest *interest;

	if (next_walk(watch, kind) <= pfs_loop_now(watch->loop) &&
	    (list_due || pfs_store_prefers_list(watch->store, kind, count_wanted(watch, kind))))
		begin_walk(watch, kind);
	TAILQ_FOREACH(interest, &watch->interest.all, link) {
		if (interest->object->kind == kind && is_due(watch, interest))
			refresh_one(watch, interest);
	}
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void pfs_interest_schedule(struct pfs_watch *watch)
{
	int64_t now = pfs_loop_now(watch->loop), due = INT64_MAX;
	int64_t pause = watch->config.ttl / 32;
	int64_t soonest = now + (pause > SHORTEST_TICK ? pause : SHORTEST_TICK);
	const struct pfs_interest *interest;

	TAILQ_FOREACH(interest, &watch->interest.all, link)
		due = sooner(due, next_time(watch, interest));
	for (size_t i = 0; i < watch->kinds->count; i++) {
		const struct pfs_kind *kind = watch->kinds->rows[i];
		int64_t expires = now + pfs_store_list_left(watch->store, kind);
		int64_t next = next_walk(watch, kind);

		if (watch->interest.lists[kind->number].watched)
			due = sooner(due, expires > next ? expires : next);
	}
	if (due == INT64_MAX)
		pfs_timer_stop(watch->loop, &watch->interest.timer);
	else
		pfs_timer_start(watch->loop, &watch->interest.timer, due > soonest ? due : soonest);
}

void pfs_interest_refresh(struct pfs_watch *watch)
{
	struct pfs_interest *interest, *next;

	for (interest = TAILQ_FIRST(&watch->interest.all); interest; interest = next) {
		next = TAILQ_NEXT(interest, link);
		if (pfs_wait_queue_is_empty(&interest->waits) &&
		    (!interest->watched || !can_change(interest->object)))
			drop_interest(watch, interest);
	}
	for (size_t i = 0; i < watch->kinds->count; i++)
		refresh_kind(watch, watch->kinds->rows[i]);
}

bool pfs_interest_can_change(const struct pfs_watch *watch, uint64_t inode)
{
	struct pfs_node node;

	if (pfs_tree_node(watch->tree, inode, &node))
		return false;
	if (node.object)
		return can_change(node.object);
	return node.type == PFS_NODE_EVENTS || node.type == PFS_NODE_COLLECTION;
}

/* The kind whose list says what is in a directory, or whether it is still there; NULL: none does.
 */
static const struct pfs_kind *list_of(const struct pfs_watch *watch, const struct pfs_node *node)
{
	switch (node->type) {
	case PFS_NODE_COLLECTION:
	case PFS_NODE_RESTORE:
	case PFS_NODE_RESTORE_ID:
		return node->kind;
	case PFS_NODE_RESTORES:
		return pfs_restores_job_kind(watch->config.restores, node->kind);
	default:
		return NULL;
	}
}

void pfs_interest_take(struct pfs_watch *watch, uint64_t inode)
{
	const struct pfs_kind *list;
	struct pfs_interest *interest;
	struct pfs_node node;

	if (pfs_tree_node(watch->tree, inode, &node))
		return;
	for (size_t i = 0; node.type == PFS_NODE_EVENTS && i < PFS_KINDS_MAX; i++)
		watch->interest.lists[i].watched = true;
	list = list_of(watch, &node);
	if (list) {
		watch->interest.lists[list->number].watched = true;
		return;
	}
	if (!node.object || !can_change(node.object))
		return;
	interest = find_or_make(watch, node.object);
	if (interest)
		interest->watched = true;
}

void pfs_interest_forget_watchers(struct pfs_watch *watch)
{
	struct pfs_interest *interest;

	for (size_t i = 0; i < PFS_KINDS_MAX; i++)
		watch->interest.lists[i].watched = false;
	TAILQ_FOREACH(interest, &watch->interest.all, link)
		interest->watched = false;
}

void pfs_watch_expire(struct pfs_watch *watch)
{
	struct pfs_interest *interest;

	TAILQ_FOREACH(interest, &watch->interest.all, link)
		interest->failures = 0;
	for (size_t i = 0; i < PFS_KINDS_MAX; i++)
		watch->interest.lists[i].begun = false;
	pfs_interest_schedule(watch);
}

/* --- waiting ------------------------------------------------------------------------------- */

/*
 * Most failures pass, so a reader goes on waiting. But a rejected key may stay rejected until
 * somebody replaces it, and nobody would if no read failed.
 */
static bool ends_waiting(const struct pfs_object *object)
{
	return object->failure && object->failure->error == -EACCES;
}

int pfs_watch_wait(struct pfs_watch *watch, struct pfs_object *object, struct pfs_wait *wait)
{
	struct pfs_interest *interest;

	if (object->gone)
		return -ESTALE;
	if (!object->content || object->content->end)
		return 0;
	if (ends_waiting(object) && pfs_loop_now(watch->loop) < object->failure->until)
		return object->failure->error;
	interest = find_or_make(watch, object);
	if (!interest)
		return -ENOMEM;
	pfs_wait_join(&interest->waits, wait);
	pfs_interest_schedule(watch);
	return -EINPROGRESS;
}

void pfs_interest_on_changed(struct pfs_object *object)
{
	if (object->interest && object->content->end)
		wake_readers(object->interest, 0);
}

void pfs_interest_on_vanished(struct pfs_object *object)
{
	if (object->interest)
		wake_readers(object->interest, -ESTALE);
}

void pfs_interest_on_failed(struct pfs_watch *watch, const struct pfs_failure *failure)
{
	struct pfs_interest *interest;

	TAILQ_FOREACH(interest, &watch->interest.all, link) {
		if (interest->object->failure == failure && ends_waiting(interest->object))
			wake_readers(interest, failure->error);
	}
}

void pfs_interest_init(struct pfs_watch *watch, void (*on_timer)(void *watch))
{
	watch->interest.timer = (struct pfs_timer){.fire = on_timer, .arg = watch};
	TAILQ_INIT(&watch->interest.all);
}

void pfs_interest_finish(struct pfs_watch *watch)
{
	struct pfs_interest *interest;

	pfs_timer_stop(watch->loop, &watch->interest.timer);
	while ((interest = TAILQ_FIRST(&watch->interest.all)))
		drop_interest(watch, interest);
}
