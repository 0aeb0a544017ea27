/* SPDX-License-Identifier: MIT */
/*
 * An interest is an object that somebody wants to know of: by a read(2) of its file `wait`, by
 * poll(2), or by inotify when last looked. While there is one, or a list is watched, the refresh
 * timer runs; each time it fires, what has expired is asked for, by a walk of the list if there
 * are more interests in its objects than a walk costs requests. Interests that nobody holds any
 * more go at the same time, and with the last one the timer.
 *
 * A failing API doesn't end an interest: it is asked again after a pause that doubles from the
 * TTL to a minute, and with the first good answer goes back to the TTL.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/log.h"

#define LONGEST_PAUSE (60 * PFS_SECOND)
#define SHORTEST_TICK (20 * PFS_MILLISECOND)
#define FIRST_REVIVAL (1 * PFS_SECOND)	/* after the child's end; then twice as long each time */
#define LONG_LIFE     (60 * PFS_SECOND) /* of a child: its end begins anew with the first pause */
#define UNKNOWN_PRICE 10		/* requests that a list may cost, before there was one */

static bool can_change(const struct pfs_object *object)
{
	return object->content && !object->content->is_final && !object->gone;
}

/* --- interests ----------------------------------------------------------------------------- */

static void drop_interest(struct pfs_watch *watch, struct pfs_interest *interest)
{
	struct pfs_object *object = interest->object;

	TAILQ_REMOVE(&watch->interests, interest, link);
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
	TAILQ_INSERT_TAIL(&watch->interests, interest, link);
	object->interest = interest;
	pfs_store_hold(watch->store, object, 1);
	pfs_store_follow(watch->store, object, true);
	return interest;
}

/*
 * Those who read `wait` get their answer: 0, or an error. Whoever came last is first: of attributes
 * that were asked for before it last got some, the kernel keeps none, and each of the others would
 * ask again before it reads on.
 */
static void wake_readers(struct pfs_interest *interest, int error)
{
	pfs_wait_wake_backwards(&interest->waits, error);
}

/* --- refreshing ---------------------------------------------------------------------------- */

/* How long until it is asked for again, if what is begun now fails too, after so many others. */
static int64_t pause_after(const struct pfs_watch *watch, unsigned failures)
{
	int64_t pause = watch->config.ttl > PFS_SECOND / 2 ? watch->config.ttl : PFS_SECOND / 2;

	while (failures-- > 0 && pause < LONGEST_PAUSE)
		pause *= 2;
	return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

/* When is this one to be asked for, or to be looked at again? */
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

/* Will a walk tell of it? Before the first one has ended, nobody knows. */
static bool is_listed(const struct pfs_watch *watch, const struct pfs_interest *interest)
{
	const struct pfs_object *object = interest->object;
	uint64_t generation = pfs_store_list_generation(watch->store, object->kind);

	return !generation || object->walk >= generation;
}

static void refresh_one(struct pfs_watch *watch, struct pfs_interest *interest)
{
	interest->failures = interest->object->failure ? interest->failures + 1 : 0;
	interest->next = pfs_loop_now(watch->loop) + pause_after(watch, interest->failures);
	(void)pfs_store_refresh(watch->store, interest->object);
}

/* When may the next walk be begun? */
static int64_t next_walk(const struct pfs_watch *watch, const struct pfs_kind *kind)
{
	const struct list_interest *list = &watch->lists[kind->number];
	uint64_t generation = pfs_store_list_generation(watch->store, kind);
	bool failed = list->begun && list->generation == generation;

	if (pfs_store_is_walking(watch->store, kind))
		return pfs_loop_now(watch->loop) + watch->config.ttl;
	return failed ? list->next : 0;
}

static void begin_walk(struct pfs_watch *watch, const struct pfs_kind *kind)
{
	struct list_interest *list = &watch->lists[kind->number];
	uint64_t generation = pfs_store_list_generation(watch->store, kind);

	list->failures = list->begun && list->generation == generation ? list->failures + 1 : 0;
	list->begun = true;
	list->generation = generation;
	list->next = pfs_loop_now(watch->loop) + pause_after(watch, list->failures);
	(void)pfs_store_refresh_list(watch->store, kind);
}

/*
 * Each of the kind that somebody wants to know of costs a request every TTL; but if all of them
 * together cost more than the list does, the list is what is asked for when the first is due.
 */
static bool prefers_walk(const struct pfs_watch *watch, const struct pfs_kind *kind)
{
	size_t known_price = pfs_store_list_price(watch->store, kind), wanted = 0;
	const struct pfs_interest *interest;
	bool any_due = false;

	TAILQ_FOREACH(interest, &watch->interests, link) {
		bool due = is_due(watch, interest);

		if (interest->object->kind != kind || !can_change(interest->object) ||
		    !is_listed(watch, interest))
			continue;
		wanted += due || !interest->object->failure;
		any_due = any_due || due;
	}
	return any_due && wanted > (known_price ? known_price : UNKNOWN_PRICE);
}

static void refresh_kind(struct pfs_watch *watch, const struct pfs_kind *kind)
{
	bool list_due =
		watch->lists[kind->number].watched && !pfs_store_list_left(watch->store, kind);
	struct pfs_interest *interest;
	bool walking;

	if (next_walk(watch, kind) <= pfs_loop_now(watch->loop) &&
	    (list_due || prefers_walk(watch, kind)))
		begin_walk(watch, kind);
	walking = pfs_store_is_walking(watch->store, kind);
	TAILQ_FOREACH(interest, &watch->interests, link) {
		if (interest->object->kind == kind && is_due(watch, interest) &&
		    !(walking && is_listed(watch, interest)))
			refresh_one(watch, interest);
	}
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void schedule(struct pfs_watch *watch)
{
	int64_t now = pfs_loop_now(watch->loop), due = INT64_MAX;
	int64_t pause = watch->config.ttl / 32;
	int64_t soonest = now + (pause > SHORTEST_TICK ? pause : SHORTEST_TICK);
	const struct pfs_interest *interest;

	TAILQ_FOREACH(interest, &watch->interests, link)
		due = sooner(due, next_time(watch, interest));
	for (size_t i = 0; i < watch->kinds->count; i++) {
		const struct pfs_kind *kind = watch->kinds->rows[i];
		int64_t expires = now + pfs_store_list_left(watch->store, kind);
		int64_t next = next_walk(watch, kind);

		if (watch->lists[kind->number].watched)
			due = sooner(due, expires > next ? expires : next);
	}
	if (due == INT64_MAX)
		pfs_timer_stop(watch->loop, &watch->refresh);
	else
		pfs_timer_start(watch->loop, &watch->refresh, due > soonest ? due : soonest);
}

static void recount(struct pfs_watch *watch);

static void on_refresh(void *arg)
{
	struct pfs_watch *watch = arg;
	struct pfs_interest *interest, *next;

	/* Are those who poll still there? */
	if (watch->poll_count &&
	    pfs_loop_now(watch->loop) - watch->polls_asked_at >= watch->config.ttl) {
		watch->polls_asked_at = pfs_loop_now(watch->loop);
		pfs_poll_probe(watch);
		recount(watch);
	}
	for (interest = TAILQ_FIRST(&watch->interests); interest; interest = next) {
		next = TAILQ_NEXT(interest, link);
		if (pfs_wait_queue_is_empty(&interest->waits) &&
		    (!interest->watched || !can_change(interest->object)))
			drop_interest(watch, interest);
	}
	for (size_t i = 0; i < watch->kinds->count; i++)
		refresh_kind(watch, watch->kinds->rows[i]);
	/* And those who watch? */
	if (watch->watcher_count &&
	    pfs_loop_now(watch->loop) - watch->scanned_at >= watch->config.ttl)
		pfs_watch_look(watch);
	schedule(watch);
}

void pfs_watch_expire(struct pfs_watch *watch)
{
	struct pfs_interest *interest;

	TAILQ_FOREACH(interest, &watch->interests, link)
		interest->failures = 0;
	for (size_t i = 0; i < PFS_KINDS_MAX; i++)
		watch->lists[i].begun = false;
	schedule(watch);
}

/* --- who is watching ----------------------------------------------------------------------- */

void pfs_watch_look(struct pfs_watch *watch)
{
	if (!watch->poke)
		return;
	watch->scan_wanted = true;
	pfs_event_pump(watch);
}

/* When everybody who could set a watch after the last message has done so. */
static int64_t last_look(const struct pfs_watch *watch)
{
	return watch->noticed_at + watch->config.ttl + watch->config.ttl / 8 + SHORTEST_TICK;
}

/* A TTL after the last message; while messages go on coming, once in that time all the same. */
static void on_look(void *arg)
{
	struct pfs_watch *watch = arg;

	pfs_watch_look(watch);
	if (pfs_loop_now(watch->loop) < last_look(watch))
		pfs_timer_start(watch->loop, &watch->look, last_look(watch));
}

void pfs_watch_noticed(struct pfs_watch *watch)
{
	watch->noticed_at = pfs_loop_now(watch->loop);
	if (watch->poke && !watch->look.running)
		pfs_timer_start(watch->loop, &watch->look, last_look(watch));
}

static int compare_watchers(const void *a, const void *b)
{
	const struct pfs_watcher *first = a, *second = b;

	return (first->inode > second->inode) - (first->inode < second->inode);
}

bool pfs_watch_is_any_watched(const struct pfs_watch *watch, uint64_t first, uint64_t last)
{
	size_t begin = 0, end = watch->watcher_count;

	while (begin < end) { /* the first that isn't below `first` lies in between */
		size_t middle = begin + (end - begin) / 2;

		if (watch->watchers[middle].inode < first)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin < watch->watcher_count && watch->watchers[begin].inode <= last;
}

bool pfs_watch_is_watched(const struct pfs_watch *watch, uint64_t inode)
{
	return pfs_watch_is_any_watched(watch, inode, inode);
}

bool pfs_watch_can_change(const struct pfs_watch *watch, uint64_t inode)
{
	struct pfs_node node;

	if (pfs_tree_node(watch->tree, inode, &node))
		return false;
	if (node.object)
		return can_change(node.object);
	return node.type == PFS_NODE_EVENTS || node.type == PFS_NODE_COLLECTION;
}

/* What has this inode is wanted, as long as it can change. */
static void take_interest(struct pfs_watch *watch, uint64_t inode)
{
	struct pfs_interest *interest;
	struct pfs_node node;

	if (pfs_tree_node(watch->tree, inode, &node))
		return;
	for (size_t i = 0; node.type == PFS_NODE_EVENTS && i < PFS_KINDS_MAX; i++)
		watch->lists[i].watched = true;
	if (node.type == PFS_NODE_COLLECTION)
		watch->lists[node.kind->number].watched = true;
	if (!node.object || !can_change(node.object))
		return;
	interest = find_or_make(watch, node.object);
	if (interest)
		interest->watched = true;
}

void pfs_watch_add_polled(struct pfs_watch *watch, uint64_t inode)
{
	take_interest(watch, inode);
	schedule(watch);
}

/* Who wants to know may be others than before. */
static void recount(struct pfs_watch *watch)
{
	struct pfs_interest *interest;

	for (size_t i = 0; i < PFS_KINDS_MAX; i++)
		watch->lists[i].watched = false;
	TAILQ_FOREACH(interest, &watch->interests, link)
		interest->watched = false;
	for (size_t i = 0; i < watch->watcher_count; i++)
		take_interest(watch, watch->watchers[i].inode);
	pfs_poll_each(watch, take_interest);
	schedule(watch);
}

/* Without memory for what was found, what was found before still counts, and proves nothing new. */
static void on_scanned(void *arg, const struct pfs_watcher *found, size_t count)
{
	struct pfs_watch *watch = arg;
	struct pfs_watcher *copy = count ? calloc(count, sizeof(*copy)) : NULL;

	if (count && !copy)
		return;
	watch->scanned_at = watch->scan_begun;
	watch->hopeless = false;
	free(watch->watchers);
	watch->watchers = copy;
	if (count == PFS_WATCHERS_MAX && watch->watcher_count < count)
		pfs_warning("watch: more than %d watches: the others are told nothing", (int)count);
	watch->watcher_count = count;
	if (count) {
		memcpy(copy, found, count * sizeof(*copy));
		qsort(copy, count, sizeof(*copy), compare_watchers);
	}
	recount(watch);
	pfs_event_check(watch);
}

/* --- the child's end ----------------------------------------------------------------------- */

static void forget_watchers(struct pfs_watch *watch)
{
	free(watch->watchers);
	watch->watchers = NULL;
	watch->watcher_count = 0;
	recount(watch);
}

/*
 * It was killed, and another takes its place, so those who watch are still told. Unless that one
 * ends soon, too: without a child nobody is told of anything, so nobody counts as watching, and
 * nothing is kept to be told by the next, which comes after a pause that doubles.
 */
static void on_child_gone(void *arg)
{
	struct pfs_watch *watch = arg;
	int64_t now = pfs_loop_now(watch->loop), pause = FIRST_REVIVAL;

	if (now - watch->child_began >= LONG_LIFE)
		watch->short_lives = 0;
	for (unsigned i = 0; i < watch->short_lives && pause < LONGEST_PAUSE; i++)
		pause *= 2;
	watch->hopeless = watch->short_lives++ > 0;
	pfs_warning("watch: the process that makes inotify events has ended: "
		    "another is started in %d s%s",
		    (int)(pause / PFS_SECOND),
		    watch->hopeless ? "; what changes until then is not told" : "");
	pfs_event_interrupted(watch);
	watch->scan_wanted = true;
	if (watch->hopeless) {
		pfs_event_finish(watch);
		forget_watchers(watch);
	}
	pfs_timer_start(watch->loop, &watch->revival, now + pause);
}

static void revive(void *arg)
{
	struct pfs_watch *watch = arg;
	int error = pfs_poke_restart(watch->poke);

	watch->child_began = pfs_loop_now(watch->loop);
	if (error) {
		pfs_warning("watch: the process that makes inotify events can't be started: %s",
			    strerror(-error));
		on_child_gone(watch);
		return;
	}
	pfs_event_pump(watch);
}

void pfs_watch_render(const struct pfs_watch *watch, struct pfs_buffer *buffer)
{
	for (size_t i = 0; i < watch->watcher_count; i++) {
		const struct pfs_watcher *watcher = &watch->watchers[i];
		char path[600];

		if (pfs_tree_path(watch->tree, watcher->inode, path, sizeof(path)))
			continue;
		(void)pfs_buffer_format(buffer, "%d\t", (int)watcher->pid);
		(void)pfs_buffer_add_escaped(buffer, watcher->name, strlen(watcher->name));
		(void)pfs_buffer_format(buffer, "\t/%s\n", path);
	}
}

/* --- waiting ------------------------------------------------------------------------------- */

/*
 * Failures pass, and who waits goes on waiting; but a rejected key may stay so until somebody does
 * something about it, and nobody would if nothing were said.
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
	schedule(watch);
	return -EINPROGRESS;
}

/* --- news from the store ------------------------------------------------------------------- */

static void on_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	struct pfs_watch *watch = arg;

	pfs_event_on_changed(watch, object, before);
	if (object->interest && object->content->end)
		wake_readers(object->interest, 0);
}

static void on_failed(void *arg, const char *path, const struct pfs_failure *failure)
{
	struct pfs_watch *watch = arg;
	struct pfs_interest *interest;

	TAILQ_FOREACH(interest, &watch->interests, link) {
		if (interest->object->failure == failure && ends_waiting(interest->object))
			wake_readers(interest, failure->error);
	}
}

static void on_vanished(void *arg, struct pfs_object *object)
{
	struct pfs_watch *watch = arg;

	pfs_event_on_vanished(watch, object);
	if (object->interest)
		wake_readers(object->interest, -ESTALE);
}

/* --- the whole ----------------------------------------------------------------------------- */

int pfs_watch_create(struct pfs_store *store, struct pfs_tree *tree, struct pfs_loop *loop,
		     struct pfs_stats *stats, struct pfs_poke *poke,
		     const struct pfs_watch_config *config, struct pfs_watch **ret_watch)
{
	struct pfs_watch *watch = calloc(1, sizeof(*watch));
	const struct pfs_store_listener listener = {
		.appeared = pfs_event_on_appeared,
		.changed = on_changed,
		.vanished = on_vanished,
		.failed = on_failed,
		.arg = watch,
	};
	const struct pfs_poke_listener answers = {
		.idle = pfs_event_pump,
		.failed = pfs_event_failed,
		.scanned = on_scanned,
		.gone = on_child_gone,
		.arg = watch,
	};
	int error;

	if (!watch)
		return -ENOMEM;
	watch->store = store;
	watch->kinds = pfs_store_kinds(store);
	watch->tree = tree;
	watch->loop = loop;
	watch->stats = stats;
	watch->poke = poke;
	watch->config = *config;
	watch->scanned_at = watch->child_began = pfs_loop_now(loop);
	watch->refresh = (struct pfs_timer){.fire = on_refresh, .arg = watch};
	watch->look = (struct pfs_timer){.fire = on_look, .arg = watch};
	watch->revival = (struct pfs_timer){.fire = revive, .arg = watch};
	watch->retry = (struct pfs_timer){.fire = pfs_event_pump, .arg = watch};
	TAILQ_INIT(&watch->interests);
	TAILQ_INIT(&watch->events);
	TAILQ_INIT(&watch->polls);
	error = pfs_store_listen(store, &listener);
	if (!error && poke)
		error = pfs_poke_listen(poke, loop, &answers);
	if (error) {
		free(watch);
		return error;
	}
	*ret_watch = watch;
	return 0;
}

void pfs_watch_set_host(struct pfs_watch *watch, const struct pfs_watch_host *host)
{
	watch->host = *host;
}

void pfs_watch_destroy(struct pfs_watch *watch)
{
	struct pfs_interest *interest;

	if (!watch)
		return;
	pfs_timer_stop(watch->loop, &watch->refresh);
	pfs_timer_stop(watch->loop, &watch->look);
	pfs_timer_stop(watch->loop, &watch->revival);
	pfs_timer_stop(watch->loop, &watch->retry);
	while ((interest = TAILQ_FIRST(&watch->interests)))
		drop_interest(watch, interest);
	pfs_poll_finish(watch);
	pfs_event_finish(watch);
	free(watch->watchers);
	free(watch);
}
