/* SPDX-License-Identifier: MIT */
/*
 * The parts of the room put together: what the store and poke report is passed on to each part, in
 * the order that they need; interests are counted again after each scan and probe; and a child that
 * has ended is replaced.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/log.h"

#define LONGEST_PAUSE (60 * PFS_SECOND)
#define FIRST_REVIVAL (1 * PFS_SECOND)	/* after the child's end; then twice as long each time */
#define LONG_LIFE     (60 * PFS_SECOND) /* of a child: its end begins anew with the first pause */

/* Others than before may poll and watch. */
static void recount(struct pfs_watch *watch)
{
	pfs_interest_forget_watchers(watch);
	pfs_scan_each(watch, pfs_interest_take);
	pfs_poll_each(watch, pfs_interest_take);
	pfs_interest_schedule(watch);
}

static void on_refresh(void *arg)
{
	struct pfs_watch *watch = arg;

	/* Do those who poll still answer? */
	if (pfs_poll_probe(watch))
		recount(watch);
	pfs_interest_refresh(watch);
	/* Are those who watch still there? */
	if (watch->scan.watcher_count &&
	    !pfs_scan_proves(watch, pfs_loop_now(watch->loop) - watch->config.ttl + 1))
		pfs_scan_want(watch);
	pfs_interest_schedule(watch);
}

/* Without memory for its result a scan counts for nothing: the result before stays. */
static void on_scanned(void *arg, const struct pfs_watcher *found, size_t count)
{
	struct pfs_watch *watch = arg;

	if (pfs_scan_take(watch, found, count))
		return;
	watch->child.hopeless = false;
	recount(watch);
	pfs_event_check(watch);
}

/* --- the child's end ----------------------------------------------------------------------- */

/*
 * The child was killed. The next makes the events that are queued. But if children keep ending
 * soon, the pause before the next doubles; until then nobody counts as watching, and the queue is
 * dropped: nothing could be done with either.
 */
static void end_life(struct pfs_watch *watch)
{
	int64_t now = pfs_loop_now(watch->loop), pause = FIRST_REVIVAL;

	if (now - watch->child.began_at >= LONG_LIFE)
		watch->child.short_lives = 0;
	for (unsigned i = 0; i < watch->child.short_lives && pause < LONGEST_PAUSE; i++)
		pause *= 2;
	watch->child.hopeless = watch->child.short_lives++ > 0;
	pfs_warning("watch: the process that makes inotify events has ended: "
		    "another is started in %d s%s",
		    (int)(pause / PFS_SECOND),
		    watch->child.hopeless ? "; what changes until then is not told" : "");
	pfs_scan_want_at(watch, now);
	if (watch->child.hopeless) {
		pfs_event_finish(watch);
		pfs_scan_forget(watch);
		recount(watch);
	}
	pfs_timer_start(watch->loop, &watch->child.revival, now + pause);
}

static void on_child_gone(void *arg, bool made)
{
	struct pfs_watch *watch = arg;

	if (!made) /* else it stays the current one, which the next pump drops */
		pfs_event_interrupted(watch);
	end_life(watch);
}

static void revive(void *arg)
{
	struct pfs_watch *watch = arg;
	int error = pfs_poke_restart(watch->poke);

	watch->child.began_at = pfs_loop_now(watch->loop);
	if (error) {
		pfs_warning("watch: the process that makes inotify events can't be started: %s",
			    strerror(-error));
		end_life(watch);
		return;
	}
	pfs_event_pump(watch);
}

/* --- news from the store ------------------------------------------------------------------- */

static void on_appeared(void *arg, struct pfs_object *object)
{
	pfs_event_on_appeared(arg, object);
}

static void on_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	pfs_event_on_changed(arg, object, before);
	pfs_interest_on_changed(object);
}

static void on_vanished(void *arg, struct pfs_object *object)
{
	pfs_event_on_vanished(arg, object);
	pfs_interest_on_vanished(object);
}

static void on_failed(void *arg, const char *path, const struct pfs_failure *failure)
{
	pfs_interest_on_failed(arg, failure);
}

/* --- news of what was made ----------------------------------------------------------------- */

/* Who makes a name by mkdir(2) makes the event, too. */
static void on_made(void *arg, struct pfs_object *source, struct pfs_object *job, const char *name,
		    bool waited)
{
	if (!waited)
		pfs_event_on_made(arg, source, job, name, PFS_POKE_DIRECTORY_CREATED);
}

static void on_unmade(void *arg, struct pfs_object *source, struct pfs_object *job,
		      const char *name)
{
	pfs_event_on_made(arg, source, job, name, PFS_POKE_DIRECTORY_REMOVED);
}

void pfs_watch_made(struct pfs_watch *watch, uint64_t inode)
{
	pfs_event_drop_created(watch, inode);
}

/* --- the whole ----------------------------------------------------------------------------- */

int pfs_watch_create(struct pfs_store *store, struct pfs_tree *tree, struct pfs_loop *loop,
		     struct pfs_stats *stats, struct pfs_poke *poke,
		     const struct pfs_watch_config *config, struct pfs_watch **ret_watch)
{
	struct pfs_watch *watch = calloc(1, sizeof(*watch));
	const struct pfs_store_listener listener = {
		.appeared = on_appeared,
		.changed = on_changed,
		.vanished = on_vanished,
		.failed = on_failed,
		.arg = watch,
	};
	const struct pfs_restores_listener made = {
		.appeared = on_made,
		.vanished = on_unmade,
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
	watch->pump = (struct pfs_timer){.fire = pfs_event_pump, .arg = watch};
	watch->child.began_at = pfs_loop_now(loop);
	watch->child.revival = (struct pfs_timer){.fire = revive, .arg = watch};
	pfs_scan_init(watch);
	pfs_forget_init(watch);
	pfs_interest_init(watch, on_refresh);
	pfs_poll_init(watch);
	pfs_event_init(watch);
	error = pfs_store_listen(store, &listener);
	if (!error && config->restores)
		error = pfs_restores_listen(config->restores, &made);
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
	if (!watch)
		return;
	pfs_timer_stop(watch->loop, &watch->pump);
	pfs_timer_stop(watch->loop, &watch->child.revival);
	pfs_event_finish(watch);
	pfs_poll_finish(watch);
	pfs_interest_finish(watch);
	pfs_forget_finish(watch);
	pfs_scan_finish(watch);
	free(watch);
}
