/* SPDX-License-Identifier: MIT */
/*
 * Events wait in a queue until two things are certain: that somebody watches (of all the changes
 * that are seen, hardly any is watched, and making an event costs messages), and that the child
 * has nothing else to do. Which files of an object have changed is not even found out before
 * that: the change waits whole, as both contents.
 *
 * A watch is set without any message as long as the kernel may use what it was last told, which
 * for the root and for finished objects is long. So only a look that begins after an event is proof
 * that nobody watched then; one look tells of all that came before it.
 *
 * A change of a file is told in the order in which a writer would make it: modified, attributes,
 * closed. Before it the child has the kernel fetch the attributes: a touch alone would leave the
 * old bytes in the kernel's pages for good, if there are as many of them.
 */
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/log.h"

#define BUSY_PAUSE   (20 * PFS_MILLISECOND)
#define LOOK_PAUSE   (10 * PFS_MILLISECOND)
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
	if (watch->current == event) {
		watch->current = NULL;
		watch->window = 0;
	}
	if (watch->whole == event)
		watch->whole = NULL;
	TAILQ_REMOVE(&watch->events, event, link);
	if (!--watch->event_count)
		watch->overflowed = false;
	free_event(watch, event);
}

/* rotated: the inode that its history had before. */
static bool is_object_watched(struct pfs_watch *watch, const struct pfs_object *object,
			      uint64_t rotated)
{
	return pfs_watch_is_any_watched(watch, pfs_tree_object_inode(object),
					pfs_tree_last_inode(object)) ||
	       pfs_watch_is_watched(watch, pfs_tree_events_inode(watch->tree, object)) ||
	       pfs_watch_is_watched(watch, rotated);
}

static bool is_event_watched(struct pfs_watch *watch, const struct event *event)
{
	if (event->type == EVENT_CHANGES)
		return is_object_watched(watch, event->object, event->inode);
	if (event->type == EVENT_DIRECTORY_REMOVED &&
	    is_object_watched(watch, event->object, 0)) /* all in it is removed, too */
		return true;
	return pfs_watch_is_watched(watch, event->inode) ||
	       pfs_watch_is_watched(watch, event->directory);
}

/* Was /proc looked through since? Then who was not found there was not watching at this time. */
static bool was_scanned_since(const struct pfs_watch *watch, int64_t time)
{
	return watch->scanned_at >= time;
}

/*
 * Not at once: what changes together is looked for together. And a look keeps a processor busy
 * for milliseconds, so whoever brought the change to light gets it first.
 */
static void pump_soon(struct pfs_watch *watch, const struct event *event)
{
	int64_t due = pfs_loop_now(watch->loop) + (event->checked ? 0 : LOOK_PAUSE);

	if (!watch->retry.running || due < watch->retry.due)
		pfs_timer_start(watch->loop, &watch->retry, due);
	watch->scan_wanted = watch->scan_wanted || !event->checked;
}

/* Those that somebody is known to watch have the second half of the queue for themselves. */
static bool is_full(struct pfs_watch *watch, bool checked)
{
	if (watch->event_count < (checked ? EVENTS_MAX : EVENTS_MAX / 2))
		return false;
	if (!watch->overflowed)
		pfs_warning("watch: more changes at once than can be told: some are not");
	watch->overflowed = true;
	return true;
}

/*
 * Queue an event, unless it is certain that nobody watches. Keeps the object and the contents, but
 * gives none of them away: they stay the caller's.
 */
static void add_event(struct pfs_watch *watch, const struct event *like, const char *path)
{
	bool checked = watch->poke && is_event_watched(watch, like);
	size_t size = strlen(path) + 1;
	struct event *event;

	if (!watch->poke || watch->hopeless ||
	    (!checked && was_scanned_since(watch, like->happened_at)) || is_full(watch, checked))
		return;
	event = malloc(sizeof(*event) + size);
	if (!event)
		return;
	*event = *like;
	memcpy(event->path, path, size);
	event->checked = checked;
	if (event->object)
		pfs_store_hold(watch->store, event->object, 1);
	if (event->type == EVENT_CHANGES) {
		(void)pfs_content_keep(event->before);
		(void)pfs_content_keep(event->after);
	}
	TAILQ_INSERT_TAIL(&watch->events, event, link);
	watch->event_count++;
	if (!event->object && event->type == EVENT_CHANGE)
		watch->whole = event;
	pump_soon(watch, event);
}

void pfs_event_finish(struct pfs_watch *watch)
{
	struct event *event;

	while ((event = TAILQ_FIRST(&watch->events)))
		drop_event(watch, event);
}

/* --- what happened ------------------------------------------------------------------------- */

/*
 * Lines came to the history of all. One event that isn't begun yet tells of many lines, but not
 * beyond a rotation.
 */
static void add_to_whole(struct pfs_watch *watch)
{
	struct event event = {
		.type = EVENT_FILE_REPLACED,
		.inode = pfs_tree_rotated_inode(watch->tree, NULL),
		.directory = PFS_ROOT_INODE,
		.happened_at = pfs_loop_now(watch->loop),
	};

	if (event.inode) {
		pfs_poll_changed(watch, event.inode);
		add_event(watch, &event, "events");
		watch->whole = NULL;
	}
	event.type = EVENT_CHANGE;
	event.inode = pfs_tree_events_inode(watch->tree, NULL);
	pfs_poll_changed(watch, event.inode);
	if (!watch->whole) {
		add_event(watch, &event, "events");
		return;
	}
	watch->whole->happened_at = event.happened_at;
	pump_soon(watch, watch->whole);
}

static void add_directory(struct pfs_watch *watch, struct pfs_object *object, enum event_type type)
{
	const struct event event = {
		.type = type,
		.inode = pfs_tree_object_inode(object),
		.directory = pfs_tree_collection_inode(object->kind),
		.object = object,
		.happened_at = pfs_loop_now(watch->loop),
	};
	char path[PATH_LONGEST];

	(void)snprintf(path, sizeof(path), "%s/%s", object->kind->name, object->id);
	add_event(watch, &event, path);
}

/* What the first listing brings has not just come. */
void pfs_event_on_appeared(void *arg, struct pfs_object *object)
{
	struct pfs_watch *watch = arg;

	if (!pfs_store_list_generation(watch->store, object->kind))
		return;
	add_directory(watch, object, EVENT_DIRECTORY_CREATED);
	add_to_whole(watch);
}

/* An object's content is another since happened_at. */
struct change {
	struct pfs_watch *watch;
	struct pfs_object *object;
	struct pfs_content *before;
	struct pfs_content *after;
	uint64_t rotated; /* the inode that its history had before; 0: it goes on */
	int64_t happened_at;
};

static void add_file(const struct change *change, enum event_type type, uint64_t inode,
		     const char *name)
{
	struct pfs_object *object = change->object;
	const struct event event = {
		.type = type,
		.inode = inode,
		.directory = pfs_tree_object_inode(object),
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
	    !pfs_watch_is_watched(change->watch, inode) ||
	    pfs_tree_path(change->watch->tree, inode, path, sizeof(path)))
		return;
	add_file(change, EVENT_FILE_REMOVED, inode, strrchr(path, '/') + 1);
}

/* As rm(1) would: whoever watches a file of what has vanished is told first. */
static void add_removed_files(struct pfs_watch *watch, struct pfs_object *object,
			      int64_t happened_at)
{
	struct change change = {.watch = watch, .object = object, .happened_at = happened_at};

	pfs_tree_each_inode(watch->tree, object, add_removed_file, &change);
}

void pfs_event_on_vanished(void *arg, struct pfs_object *object)
{
	struct pfs_watch *watch = arg;

	pfs_poll_vanished(watch, object);
	add_removed_files(watch, object, pfs_loop_now(watch->loop));
	add_directory(watch, object, EVENT_DIRECTORY_REMOVED);
	add_to_whole(watch);
}

static void add_change(void *arg, uint64_t inode, const char *name)
{
	add_file(arg, EVENT_CHANGE, inode, name);
}

/* Somebody watches the object: an event for each of its files that changed, came or went. */
static void add_files(struct change *change)
{
	uint64_t done = pfs_tree_done_inode(change->object);

	if (change->rotated)
		add_file(change, EVENT_FILE_REPLACED, change->rotated, "events");
	pfs_tree_each_change(change->watch->tree, change->object, change->before, change->after,
			     add_change, change);
	if (change->after->end && !change->before->end)
		add_file(change, EVENT_FILE_CREATED, done, "done");
	else if (!change->after->end && change->before->end)
		add_file(change, EVENT_FILE_REMOVED, done, "done");
}

/* Perhaps somebody does; a look will tell. */
static void add_changes(const struct change *change)
{
	const struct event event = {
		.type = EVENT_CHANGES,
		.inode = change->rotated,
		.object = change->object,
		.before = change->before,
		.after = change->after,
		.happened_at = change->happened_at,
	};

	add_event(change->watch, &event, "");
}

/* `wait` held for no time before the end; the answer that its readers now get is to last. */
static void forget(void *arg, uint64_t inode)
{
	const struct change *change = arg;
	const struct pfs_watch *watch = change->watch;

	if (change->before->end || inode != pfs_tree_wait_inode(change->object))
		watch->host.tell(watch->host.arg, inode, NULL);
}

/*
 * Who is told of one file may read another, or look whether `done` is there: what the kernel knew
 * of them holds no more.
 */
static void forget_all(struct change *change)
{
	struct pfs_watch *watch = change->watch;

	pfs_tree_each_inode(watch->tree, change->object, forget, change);
	if (!change->after->end != !change->before->end)
		watch->host.forget_names(watch->host.arg);
}

static void tell_poll(void *arg, uint64_t inode, const char *name)
{
	const struct change *change = arg;

	pfs_poll_changed(change->watch, inode);
}

static void tell_polls(struct change *change)
{
	struct pfs_watch *watch = change->watch;

	if (!pfs_poll_is_polled(watch, change->object))
		return;
	pfs_tree_each_change(watch->tree, change->object, change->before, change->after, tell_poll,
			     change);
	if (change->after->end && !change->before->end)
		pfs_poll_changed(watch, pfs_tree_wait_inode(change->object));
	if (change->rotated)
		pfs_poll_changed(watch, change->rotated);
}

void pfs_event_on_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	struct pfs_watch *watch = arg;
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
		forget_all(&change);
	tell_polls(&change);
	if (watched)
		add_files(&change);
	else
		add_changes(&change);
	add_to_whole(watch);
}

/* The files of a change that was queued whole are queued in its place. */
static void sort_changes(struct pfs_watch *watch, struct event *event)
{
	struct change change = {
		.watch = watch,
		.object = event->object,
		.before = event->before,
		.after = event->after,
		.rotated = event->inode,
		.happened_at = event->happened_at,
	};

	forget_all(&change);
	add_files(&change);
	drop_event(watch, event);
}

/* Of what was removed somebody watches perhaps a file: that goes first. */
static void sort_removed(struct pfs_watch *watch, struct event *event)
{
	add_removed_files(watch, event->object, event->happened_at);
	TAILQ_REMOVE(&watch->events, event, link);
	TAILQ_INSERT_TAIL(&watch->events, event, link);
	event->checked = true;
}

void pfs_event_check(struct pfs_watch *watch)
{
	struct event *event, *next;

	for (event = TAILQ_FIRST(&watch->events); event; event = next) {
		bool watched = is_event_watched(watch, event);

		/* What is queued meanwhile is found watched or not when it is queued. */
		next = TAILQ_NEXT(event, link);
		if (watched && event->type == EVENT_CHANGES)
			sort_changes(watch, event);
		else if (watched && event->type == EVENT_DIRECTORY_REMOVED && !event->checked)
			sort_removed(watch, event);
		else if (watched)
			event->checked = true;
		else if (event->checked || event == watch->current)
			continue;
		else if (was_scanned_since(watch, event->happened_at))
			drop_event(watch, event);
		else
			watch->scan_wanted = true;
	}
}

/* --- telling ------------------------------------------------------------------------------- */

/*
 * What the child does to make an event. The look at the beginning is at the file, since what the
 * kernel has of it must go; or, where a name is made or removed, at its directory, so that the
 * kernel sees the window open: without one it isn't needed.
 */
#define OPERATIONS_MAX 4
static const enum pfs_poke_operation operations[][OPERATIONS_MAX + 1] = {
	[EVENT_CHANGE] = {PFS_POKE_STAT, PFS_POKE_MODIFY, PFS_POKE_ATTRIB, PFS_POKE_CLOSE_WRITE},
	[EVENT_DIRECTORY_CREATED] = {PFS_POKE_STAT, PFS_POKE_CREATE_DIRECTORY},
	[EVENT_DIRECTORY_REMOVED] = {PFS_POKE_STAT, PFS_POKE_REMOVE_DIRECTORY},
	[EVENT_FILE_CREATED] = {PFS_POKE_STAT, PFS_POKE_CREATE_FILE},
	[EVENT_FILE_REMOVED] = {PFS_POKE_STAT, PFS_POKE_REMOVE_FILE},
	[EVENT_FILE_REPLACED] = {PFS_POKE_STAT, PFS_POKE_REMOVE_FILE, PFS_POKE_CREATE_FILE},
};

/* Of what the child changes: a file, or the directory that a name is in. */
static uint64_t changed_inode(const struct event *event)
{
	return event->type == EVENT_CHANGE ? event->inode : event->directory;
}

/* PFS_POKE_NOTHING: the event is told. The last is a look at the window, which is closed then. */
static enum pfs_poke_operation next_operation(struct pfs_watch *watch, struct event *event)
{
	const bool needs_window = watch->config.needs_window;
	enum pfs_poke_operation operation;

	if (!event->step && event->type != EVENT_CHANGE && !needs_window)
		event->step++;
	operation = operations[event->type][event->step];
	if (operation != PFS_POKE_NOTHING) {
		event->step++;
		watch->window = needs_window ? changed_inode(event) : 0;
	} else if (watch->window) {
		operation = PFS_POKE_STAT;
		watch->window = 0;
	}
	return operation;
}

/* The event to go on with: the one begun, else the first whose directory isn't busy. */
static struct event *choose_event(struct pfs_watch *watch)
{
	uint64_t busy = 0; /* directory that was found to be */
	struct event *event;

	if (watch->current)
		return watch->current;
	TAILQ_FOREACH(event, &watch->events, link) {
		if (!event->checked || (busy && event->directory == busy))
			continue;
		if (event->type == EVENT_CHANGE ||
		    !watch->host.is_busy(watch->host.arg, event->directory))
			return event;
		busy = event->directory;
	}
	if (busy)
		pfs_timer_start(watch->loop, &watch->retry, pfs_loop_now(watch->loop) + BUSY_PAUSE);
	return NULL;
}

/* 0: the child is at it. 1: the event is told. Or an error: it can't be. */
static int take_step(struct pfs_watch *watch, struct event *event)
{
	enum pfs_poke_operation operation = next_operation(watch, event);
	const char *slash = strrchr(event->path, '/');
	char path[PATH_LONGEST];

	if (operation == PFS_POKE_NOTHING)
		return 1;
	if (watch->whole == event)
		watch->whole = NULL;
	if (event->type != EVENT_CHANGE && operation == PFS_POKE_STAT)
		(void)snprintf(path, sizeof(path), "%.*s", slash ? (int)(slash - event->path) : 0,
			       event->path);
	else
		(void)snprintf(path, sizeof(path), "%s", event->path);
	return pfs_poke_ask(watch->poke, operation, changed_inode(event), path);
}

/* What is to be told may be gone again: that is nothing to warn of. */
void pfs_event_failed(void *arg, int error)
{
	const struct pfs_watch *watch = arg;

	if (watch->current)
		pfs_debug("watch: %s: can't be told: %s", watch->current->path, strerror(-error));
}

void pfs_event_interrupted(struct pfs_watch *watch)
{
	if (watch->current)
		watch->current->step = 0;
	watch->current = NULL;
	watch->window = 0;
}

void pfs_event_pump(void *arg)
{
	struct pfs_watch *watch = arg;
	struct event *event;
	int result;

	if (!watch->poke)
		return;
	while (pfs_poke_is_idle(watch->poke)) {
		if (watch->scan_wanted && !watch->current) {
			watch->scan_begun = pfs_loop_now(watch->loop);
			if (pfs_poke_ask(watch->poke, PFS_POKE_SCAN, 0, ""))
				return;
			watch->scan_wanted = false;
			continue;
		}
		event = choose_event(watch);
		if (!event)
			return;
		watch->current = event;
		result = take_step(watch, event);
		if (result == -EPIPE)
			return; /* its end will be told */
		if (result)
			drop_event(watch, event);
	}
}

/* --- permissions --------------------------------------------------------------------------- */

bool pfs_watch_is_child(const struct pfs_watch *watch, pid_t pid)
{
	return watch->poke && pfs_poke_is_child(watch->poke, pid);
}

bool pfs_watch_permits(struct pfs_watch *watch, pid_t pid, enum pfs_poke_operation operation,
		       uint64_t inode, const char *name)
{
	return watch->poke && pfs_poke_permits(watch->poke, pid, operation, inode, name);
}

enum pfs_pretence pfs_watch_pretends(const struct pfs_watch *watch, pid_t pid, uint64_t directory,
				     const char *name, uint64_t *ret_inode)
{
	const struct pfs_object *object = watch->current ? watch->current->object : NULL;

	if (!watch->current || !pfs_watch_is_child(watch, pid))
		return PFS_PRETEND_NOTHING;
	/* What has vanished is there until that is told, so that files can be removed from it. */
	if (object && object->gone && directory == pfs_tree_collection_inode(object->kind) &&
	    !strcmp(name, object->id)) {
		*ret_inode = pfs_tree_object_inode(object);
		return PFS_PRETEND_THERE;
	}
	switch (pfs_poke_under_way(watch->poke, directory, name)) {
	case PFS_POKE_CREATE_DIRECTORY:
	case PFS_POKE_CREATE_FILE:
		return PFS_PRETEND_MISSING;
	case PFS_POKE_REMOVE_DIRECTORY:
	case PFS_POKE_REMOVE_FILE:
		*ret_inode = watch->current->inode;
		return PFS_PRETEND_THERE;
	default:
		return PFS_PRETEND_NOTHING;
	}
}

bool pfs_watch_is_window(const struct pfs_watch *watch, uint64_t inode)
{
	return watch->window && watch->window == inode;
}
