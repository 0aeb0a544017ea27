/* SPDX-License-Identifier: MIT */
/*
 * Events wait in a queue until a scan shows that somebody watches, and the child is idle. Hardly
 * any of the changes that we see are watched, and to make an event costs messages. Even which files
 * of an object differ is found out only then: until then the change waits unsorted, as both
 * contents.
 *
 * While the kernel's cached names and attributes are valid a watch can be set without a message;
 * for the root and for objects that have ended that is long. So only a scan that begins after a
 * change proves that nobody watched it; it proves that for all changes before it.
 *
 * The child can't make or remove a name while a lookup or listing in that directory waits for its
 * reply: the child would wait, too, and everything else for the child. So such an event waits, and
 * so do all later ones in the same directory. Those in other directories don't.
 */
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/log.h"

#define SCAN_PAUSE   (10 * PFS_MILLISECOND)
#define BLOCKED_MAX  32	 /* directories in which events wait while others go on */
#define PATH_LONGEST 900 /* a kind's name, an id and a file's name */

/* --- the queue ----------------------------------------------------------------------------- */

static void free_event(struct pfs_watch *watch, struct event *event)
{
	pfs_content_drop(event->before);
	pfs_content_drop(event->after);
	if (event->object)
		pfs_store_release(watch->store, event->object, 1);
	free(event);
}

static void drop_event(struct pfs_watch *watch, struct event *event)
{
	if (watch->event.current == event)
		watch->event.current = NULL;
	if (watch->event.whole == event)
		watch->event.whole = NULL;
	TAILQ_REMOVE(&watch->event.all, event, link);
	if (!--watch->event.count)
		watch->event.overflowed = false;
	free_event(watch, event);
}

/* rotated: the inode that its history had before. */
static bool is_object_watched(struct pfs_watch *watch, const struct pfs_object *object,
			      uint64_t rotated)
{
	return pfs_scan_finds_any(watch, pfs_tree_object_inode(object),
				  pfs_tree_last_inode(object)) ||
	       pfs_scan_finds(watch, pfs_tree_events_inode(watch->tree, object)) ||
	       pfs_scan_finds(watch, rotated);
}

/* Not only a name among what was made of it. */
static bool is_object_removed(const struct event *event)
{
	return event->what.type == PFS_POKE_DIRECTORY_REMOVED &&
	       event->what.inode == pfs_tree_object_inode(event->object);
}

static bool is_event_watched(struct pfs_watch *watch, const struct event *event)
{
	if (!event->is_sorted)
		return is_object_watched(watch, event->object, event->what.inode);
	if (is_object_removed(event) && is_object_watched(watch, event->object, 0))
		return true; /* all in it is removed, too */
	return pfs_scan_finds(watch, event->what.inode) ||
	       pfs_scan_finds(watch, event->what.directory);
}

/*
 * A scan begins only after SCAN_PAUSE, so that one is enough for all that changes together. It also
 * keeps a processor busy for milliseconds, which the process whose request showed us the change
 * needs first.
 */
static void pump_soon(struct pfs_watch *watch, const struct event *event)
{
	int64_t now = pfs_loop_now(watch->loop);

	if (event->checked)
		pfs_watch_pump_at(watch, now);
	else
		pfs_scan_want_at(watch, now + SCAN_PAUSE);
}

/* The second half of the queue is for events that somebody is known to watch. */
static bool is_full(struct pfs_watch *watch, bool checked)
{
	if (watch->event.count < (checked ? EVENTS_MAX : EVENTS_MAX / 2))
		return false;
	if (!watch->event.overflowed)
		pfs_warning("watch: more changes at once than can be told: some are not");
	watch->event.overflowed = true;
	return true;
}

/*
 * Queue a copy of an event, unless a scan has proved that nobody watches. The queue takes
 * references of its own to the object and the contents.
 */
static void add_event(struct pfs_watch *watch, const struct event *like, const char *path)
{
	bool checked = watch->poke && is_event_watched(watch, like);
	size_t size = strlen(path) + 1;
	struct event *event;

	if (!watch->poke || watch->child.hopeless ||
	    (!checked && pfs_scan_proves(watch, like->happened_at)) || is_full(watch, checked))
		return;
	event = malloc(sizeof(*event) + size);
	if (!event)
		return;
	*event = *like;
	memcpy(event->path, path, size);
	event->what.path = event->path;
	event->checked = checked;
	if (event->object)
		pfs_store_hold(watch->store, event->object, 1);
	if (!event->is_sorted) {
		(void)pfs_content_keep(event->before);
		(void)pfs_content_keep(event->after);
	}
	TAILQ_INSERT_TAIL(&watch->event.all, event, link);
	watch->event.count++;
	if (!event->object && event->what.type == PFS_POKE_CHANGED)
		watch->event.whole = event;
	pump_soon(watch, event);
}

void pfs_event_init(struct pfs_watch *watch)
{
	TAILQ_INIT(&watch->event.all);
}

void pfs_event_finish(struct pfs_watch *watch)
{
	struct event *event;

	while ((event = TAILQ_FIRST(&watch->event.all)))
		drop_event(watch, event);
}

/* --- what happened ------------------------------------------------------------------------- */

/*
 * The whole history has new lines. One event is enough for all lines that come before the child
 * begins it, but not beyond a rotation.
 */
static void add_to_whole(struct pfs_watch *watch)
{
	struct event event = {
		.is_sorted = true,
		.what.type = PFS_POKE_FILE_REPLACED,
		.what.inode = pfs_tree_rotated_inode(watch->tree, NULL),
		.what.directory = PFS_ROOT_INODE,
		.happened_at = pfs_loop_now(watch->loop),
	};

	if (event.what.inode) {
		pfs_poll_changed(watch, event.what.inode);
		add_event(watch, &event, "events");
		watch->event.whole = NULL;
	}
	event.what.type = PFS_POKE_CHANGED;
	event.what.inode = pfs_tree_events_inode(watch->tree, NULL);
	pfs_poll_changed(watch, event.what.inode);
	if (!watch->event.whole) {
		add_event(watch, &event, "events");
		return;
	}
	watch->event.whole->happened_at = event.happened_at;
	pump_soon(watch, watch->event.whole);
}

static void add_directory(struct pfs_watch *watch, struct pfs_object *object,
			  enum pfs_poke_type type)
{
	const struct event event = {
		.is_sorted = true,
		.what.type = type,
		.what.inode = pfs_tree_object_inode(object),
		.what.directory = pfs_tree_collection_inode(object->kind),
		.object = object,
		.happened_at = pfs_loop_now(watch->loop),
	};
	char path[PATH_LONGEST];

	(void)snprintf(path, sizeof(path), "%s/%s", object->kind->name, object->id);
	add_event(watch, &event, path);
}

/* Objects that the first listing brings have not just been created. */
void pfs_event_on_appeared(struct pfs_watch *watch, struct pfs_object *object)
{
	if (!pfs_store_list_generation(watch->store, object->kind))
		return;
	add_directory(watch, object, PFS_POKE_DIRECTORY_CREATED);
	add_to_whole(watch);
}

void pfs_event_on_made(struct pfs_watch *watch, struct pfs_object *source, struct pfs_object *job,
		       const char *name, enum pfs_poke_type type)
{
	const struct event event = {
		.is_sorted = true,
		.what.type = type,
		.what.inode = pfs_tree_restore_inode(job),
		.what.directory = pfs_tree_restores_inode(source),
		.object = source,
		.happened_at = pfs_loop_now(watch->loop),
	};
	char path[PATH_LONGEST];

	/* Those that the first listing brings have not just been made; but what was begun here and
	 * hasn't been described yet has. */
	if (type == PFS_POKE_DIRECTORY_CREATED && job->content &&
	    !pfs_store_list_generation(watch->store, job->kind))
		return;
	(void)snprintf(path, sizeof(path), "%s/%s/%s/%s", source->kind->name, source->id,
		       source->kind->command->directory, name);
	if (type == PFS_POKE_DIRECTORY_REMOVED)
		pfs_forget_later(watch, job, event.what.directory, path);
	add_event(watch, &event, path);
}

void pfs_event_drop_created(struct pfs_watch *watch, uint64_t inode)
{
	struct event *event = TAILQ_FIRST(&watch->event.all), *next;

	for (; event; event = next) {
		next = TAILQ_NEXT(event, link);
		if (event->is_sorted && event->what.inode == inode &&
		    event->what.type == PFS_POKE_DIRECTORY_CREATED && event != watch->event.current)
			drop_event(watch, event);
	}
}

/* An object's content changed at happened_at. */
struct change {
	struct pfs_watch *watch;
	struct pfs_object *object;
	struct pfs_content *before;
	struct pfs_content *after;
	uint64_t rotated; /* the inode that its history had before; 0: it wasn't rotated */
	int64_t happened_at;
};

static void add_file(const struct change *change, enum pfs_poke_type type, uint64_t inode,
		     const char *name)
{
	struct pfs_object *object = change->object;
	const struct event event = {
		.is_sorted = true,
		.what.type = type,
		.what.inode = inode,
		.what.directory = pfs_tree_object_inode(object),
		.object = object,
		.happened_at = change->happened_at,
	};
	char path[PATH_LONGEST];

	(void)snprintf(path, sizeof(path), "%s/%s/%s", object->kind->name, object->id, name);
	add_event(change->watch, &event, path);
}

static void add_removed_file(void *arg, uint64_t inode)
{
	const struct change *change = arg;
	char path[PATH_LONGEST];

	if (inode == pfs_tree_object_inode(change->object) ||
	    !pfs_scan_finds(change->watch, inode) ||
	    pfs_tree_path(change->watch->tree, inode, path, sizeof(path)))
		return;
	add_file(change,
		 inode == pfs_tree_restores_inode(change->object) ? PFS_POKE_DIRECTORY_REMOVED
								  : PFS_POKE_FILE_REMOVED,
		 inode, strrchr(path, '/') + 1);
}

/* As rm(1) would, remove the watched files of a vanished object before its directory. */
static void add_removed_files(struct pfs_watch *watch, struct pfs_object *object,
			      int64_t happened_at)
{
	struct change change = {.watch = watch, .object = object, .happened_at = happened_at};

	pfs_tree_each_inode(watch->tree, object, add_removed_file, &change);
}

static void forget_directory(struct pfs_watch *watch, struct pfs_object *object)
{
	char path[PATH_LONGEST];

	(void)snprintf(path, sizeof(path), "%s/%s", object->kind->name, object->id);
	pfs_forget_later(watch, object, pfs_tree_collection_inode(object->kind), path);
}

void pfs_event_on_vanished(struct pfs_watch *watch, struct pfs_object *object)
{
	pfs_poll_vanished(watch, object);
	forget_directory(watch, object);
	add_removed_files(watch, object, pfs_loop_now(watch->loop));
	add_directory(watch, object, PFS_POKE_DIRECTORY_REMOVED);
	add_to_whole(watch);
}

static void add_change(void *arg, uint64_t inode, const char *name)
{
	add_file(arg, PFS_POKE_CHANGED, inode, name);
}

/* Somebody watches the object: an event for each of its files that changed, came or went. */
static void add_files(struct change *change)
{
	uint64_t done = pfs_tree_done_inode(change->object);

	if (change->rotated)
		add_file(change, PFS_POKE_FILE_REPLACED, change->rotated, "events");
	pfs_tree_each_change(change->watch->tree, change->object, change->before, change->after,
			     add_change, change);
	if (!change->object->kind->has_done)
		return;
	if (change->after->end && !change->before->end)
		add_file(change, PFS_POKE_FILE_CREATED, done, "done");
	else if (!change->after->end && change->before->end)
		add_file(change, PFS_POKE_FILE_REMOVED, done, "done");
}

/* Queue the change unsorted: a scan will show whether somebody watches. */
static void add_changes(const struct change *change)
{
	const struct event event = {
		.what.inode = change->rotated,
		.object = change->object,
		.before = change->before,
		.after = change->after,
		.happened_at = change->happened_at,
	};

	add_event(change->watch, &event, "");
}

/* Not `wait` and `success`, when the object ends: their attributes were valid for no time until
 * now, and those in the replies to their readers are to last. */
static void invalidate(void *arg, uint64_t inode)
{
	const struct change *change = arg;
	const struct pfs_watch *watch = change->watch;

	if (change->before->end || (inode != pfs_tree_wait_inode(change->object) &&
				    inode != pfs_tree_success_inode(change->object)))
		watch->host.notify(watch->host.arg, inode, NULL);
}

/* A process that gets an event may read any file of the object, or look up `done`. */
static void invalidate_all(struct change *change)
{
	struct pfs_watch *watch = change->watch;

	pfs_tree_each_inode(watch->tree, change->object, invalidate, change);
	if (!change->after->end != !change->before->end)
		watch->host.notify_names(watch->host.arg);
}

static void wake_poll(void *arg, uint64_t inode, const char *name)
{
	const struct change *change = arg;

	pfs_poll_changed(change->watch, inode);
}

static void wake_polls(struct change *change)
{
	struct pfs_watch *watch = change->watch;

	if (!pfs_poll_is_polled(watch, change->object))
		return;
	pfs_tree_each_change(watch->tree, change->object, change->before, change->after, wake_poll,
			     change);
	if (change->after->end && !change->before->end) {
		pfs_poll_changed(watch, pfs_tree_wait_inode(change->object));
		pfs_poll_changed(watch, pfs_tree_success_inode(change->object));
	}
	if (change->rotated)
		pfs_poll_changed(watch, change->rotated);
}

void pfs_event_on_changed(struct pfs_watch *watch, struct pfs_object *object,
			  struct pfs_content *before)
{
	struct change change = {
		.watch = watch,
		.object = object,
		.before = before,
		.after = object->content,
		.rotated = pfs_tree_rotated_inode(watch->tree, object),
		.happened_at = pfs_loop_now(watch->loop),
	};
	bool watched = watch->poke && is_object_watched(watch, object, change.rotated);

	if (watched || object->interest)
		invalidate_all(&change);
	wake_polls(&change);
	if (watched)
		add_files(&change);
	else
		add_changes(&change);
	add_to_whole(watch);
}

/* Put the events that were queued after `last` before this one, in their order. */
static void put_before(struct pfs_watch *watch, struct event *last, struct event *event)
{
	struct event *added;

	while ((added = TAILQ_NEXT(last, link))) {
		TAILQ_REMOVE(&watch->event.all, added, link);
		TAILQ_INSERT_BEFORE(event, added, link);
	}
}

/* Queue an event for each file of an unsorted change, in place of that. */
static void sort_changes(struct pfs_watch *watch, struct event *event)
{
	struct change change = {
		.watch = watch,
		.object = event->object,
		.before = event->before,
		.after = event->after,
		.rotated = event->what.inode,
		.happened_at = event->happened_at,
	};
	struct event *last = TAILQ_LAST(&watch->event.all, event_list);

	invalidate_all(&change);
	add_files(&change);
	put_before(watch, last, event);
	drop_event(watch, event);
}

/* Somebody may watch files in the removed directory: their events go first. */
static void sort_removed(struct pfs_watch *watch, struct event *event)
{
	struct event *last = TAILQ_LAST(&watch->event.all, event_list);

	add_removed_files(watch, event->object, event->happened_at);
	put_before(watch, last, event);
	event->checked = true;
}

void pfs_event_check(struct pfs_watch *watch)
{
	struct event *event, *next;

	for (event = TAILQ_FIRST(&watch->event.all); event; event = next) {
		bool watched = is_event_watched(watch, event);

		/* Events that this queues need no check: add_event has checked them. */
		next = TAILQ_NEXT(event, link);
		if (watched && !event->is_sorted)
			sort_changes(watch, event);
		else if (watched && is_object_removed(event) && !event->checked)
			sort_removed(watch, event);
		else if (watched)
			event->checked = true;
		else if (event->checked || event == watch->event.current)
			continue;
		else if (pfs_scan_proves(watch, event->happened_at))
			drop_event(watch, event);
		else
			pfs_scan_want_at(watch, pfs_loop_now(watch->loop));
	}
}

/* --- making them --------------------------------------------------------------------------- */

/* Directories in which an event has to wait. */
struct blocked {
	uint64_t inodes[BLOCKED_MAX];
	size_t count;
};

/* Does this event come after one that waits, in the same directory or about that directory? */
static bool is_behind(const struct blocked *blocked, const struct event *event)
{
	for (size_t i = 0; i < blocked->count; i++) {
		if (blocked->inodes[i] == event->what.directory ||
		    blocked->inodes[i] == event->what.inode)
			return true;
	}
	return false;
}

/* The directory from which that of the event has vanished; 0: it hasn't. */
static uint64_t gone_from(const struct event *event)
{
	if (!event->object || !event->object->gone || is_object_removed(event))
		return 0;
	return pfs_tree_collection_inode(event->object->kind);
}

/* Would the child have to wait for a lookup or listing of somebody else's? */
static bool is_held_up(struct pfs_watch *watch, const struct event *event)
{
	const uint64_t above = gone_from(event);

	if (event->what.type == PFS_POKE_CHANGED)
		return false;
	return watch->host.is_busy(watch->host.arg, event->what.directory) ||
	       (above && watch->host.is_busy(watch->host.arg, above));
}

/* The first event that can be made now. */
static struct event *choose_event(struct pfs_watch *watch)
{
	struct blocked blocked = {.count = 0};
	struct event *event;

	TAILQ_FOREACH(event, &watch->event.all, link) {
		if (!event->checked || is_behind(&blocked, event))
			continue;
		if (!is_held_up(watch, event))
			return event;
		if (blocked.count == BLOCKED_MAX)
			break;
		blocked.inodes[blocked.count++] = event->what.directory;
	}
	if (blocked.count)
		pfs_watch_pump_at(watch, pfs_loop_now(watch->loop) + BUSY_PAUSE);
	return NULL;
}

/* 0: the child is making it. -EPIPE: there is no child. Else it can't be made, and is dropped. */
static int make_event(struct pfs_watch *watch, struct event *event)
{
	int error;

	/* Those who get it may read before it is done: later lines need another event. */
	if (watch->event.whole == event)
		watch->event.whole = NULL;
	event->what.gone_from = gone_from(event);
	error = pfs_poke_make(watch->poke, &event->what);
	if (!error)
		watch->event.current = event;
	else if (error != -EPIPE)
		drop_event(watch, event);
	return error;
}

/* The change may have been undone meanwhile, so this is nothing to warn of. */
void pfs_event_failed(void *arg, int error)
{
	const struct pfs_watch *watch = arg;

	if (watch->event.current)
		pfs_debug("watch: %s: no event: %s", watch->event.current->path, strerror(-error));
}

void pfs_event_interrupted(struct pfs_watch *watch)
{
	watch->event.current = NULL;
}

void pfs_event_pump(void *arg)
{
	struct pfs_watch *watch = arg;
	struct event *event;

	if (!watch->poke || !pfs_poke_is_idle(watch->poke))
		return;
	if (watch->event.current)
		drop_event(watch, watch->event.current);
	while (pfs_poke_is_idle(watch->poke)) {
		event = pfs_scan_is_first(watch) ? NULL : choose_event(watch);
		if (event) {
			if (make_event(watch, event) == -EPIPE)
				return; /* the child's end will be reported */
		} else if (watch->scan.wanted) {
			if (pfs_scan_begin(watch))
				return;
		} else if (!TAILQ_EMPTY(&watch->event.all) || !pfs_forget_next(watch)) {
			return;
		}
	}
}
