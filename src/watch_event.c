/*
 * Events wait in a queue until two things are certain: that somebody watches (of all the changes
 * that are seen, hardly any is watched, and making an event costs messages), and that the child
 * has nothing else to do.
 *
 * Whether somebody watches is known from a look through /proc. A watch can be set without a
 * message for as long as the kernel may use what it was last told, which is a TTL. So a look is
 * proof of absence only if it came a TTL after the last message; else an event that nobody seems
 * to watch waits for a look that begins after it.
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

#define BUSY_PAUSE   (20 * PFS_MILLISECOND)
#define LOOK_PAUSE   (10 * PFS_MILLISECOND)
#define PATH_LONGEST 900 /* a kind's name, an id and a file's name */

/* --- the queue ----------------------------------------------------------------------------- */

static void drop_event(struct pfs_watch *watch, struct event *event)
{
	if (watch->current == event) {
		watch->current = NULL;
		watch->window = 0;
	}
	TAILQ_REMOVE(&watch->events, event, link);
	watch->event_count--;
	if (event->object)
		pfs_store_release(watch->store, event->object, 1);
	free(event);
}

static bool is_event_watched(const struct pfs_watch *watch, const struct event *event)
{
	return pfs_watch_is_watched(watch, event->inode) ||
	       pfs_watch_is_watched(watch, event->directory);
}

/* Does the last look prove that who isn't in it isn't there? */
static bool is_proof(const struct pfs_watch *watch, const struct event *event)
{
	return watch->scanned_at >= event->happened_at ||
	       watch->scanned_at > watch->noticed_at + watch->config.ttl;
}

static void add_event(struct pfs_watch *watch, const struct event *like, const char *path)
{
	size_t size = strlen(path) + 1;
	struct event *event;
	int64_t due;

	if (like->type == EVENT_CHANGE)
		pfs_poll_changed(watch, like->inode);
	if (!watch->poke || watch->event_count == EVENTS_MAX)
		return;
	event = malloc(sizeof(*event) + size);
	if (!event)
		return;
	*event = *like;
	memcpy(event->path, path, size);
	event->happened_at = pfs_loop_now(watch->loop);
	event->checked = is_event_watched(watch, event);
	if (!event->checked && is_proof(watch, event)) {
		free(event);
		return;
	}
	if (event->object)
		pfs_store_hold(watch->store, event->object, 1);
	TAILQ_INSERT_TAIL(&watch->events, event, link);
	watch->event_count++;
	/*
	 * Not at once: what changes together is looked for together. And a look keeps a processor
	 * busy for milliseconds, so whoever brought the change to light gets it first.
	 */
	due = event->happened_at + (event->checked ? 0 : LOOK_PAUSE);
	if (!watch->retry.running || due < watch->retry.due)
		pfs_timer_start(watch->loop, &watch->retry, due);
	watch->scan_wanted = watch->scan_wanted || !event->checked;
}

void pfs_event_check(struct pfs_watch *watch)
{
	struct event *event, *next;

	for (event = TAILQ_FIRST(&watch->events); event; event = next) {
		next = TAILQ_NEXT(event, link);
		if (is_event_watched(watch, event))
			event->checked = true;
		else if (event->checked || event == watch->current)
			continue;
		else if (is_proof(watch, event))
			drop_event(watch, event);
		else
			watch->scan_wanted = true;
	}
}

void pfs_event_finish(struct pfs_watch *watch)
{
	struct event *event;

	while ((event = TAILQ_FIRST(&watch->events)))
		drop_event(watch, event);
}

/* --- what happened ------------------------------------------------------------------------- */

/* A line came to the history of all. */
static void add_to_whole(struct pfs_watch *watch)
{
	const struct event event = {
		.type = EVENT_CHANGE,
		.inode = pfs_tree_events_inode(watch->tree, NULL),
		.directory = PFS_ROOT_INODE,
	};

	add_event(watch, &event, "events");
}

static void add_directory(struct pfs_watch *watch, struct pfs_object *object, enum event_type type)
{
	const struct event event = {
		.type = type,
		.inode = pfs_tree_object_inode(object),
		.directory = pfs_tree_collection_inode(object->kind),
		.object = object,
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

void pfs_event_on_vanished(void *arg, struct pfs_object *object)
{
	struct pfs_watch *watch = arg;

	pfs_poll_vanished(watch, object);
	add_directory(watch, object, EVENT_DIRECTORY_REMOVED);
	add_to_whole(watch);
}

struct change {
	struct pfs_watch *watch;
	struct pfs_object *object;
};

static void add_file(struct pfs_watch *watch, struct pfs_object *object, enum event_type type,
		     uint64_t inode, const char *name)
{
	const struct event event = {
		.type = type,
		.inode = inode,
		.directory = pfs_tree_object_inode(object),
		.object = object,
	};
	char path[PATH_LONGEST];

	(void)snprintf(path, sizeof(path), "%s/%s/%s", object->kind->name, object->id, name);
	add_event(watch, &event, path);
}

static void add_change(void *arg, uint64_t inode, const char *name)
{
	const struct change *change = arg;

	add_file(change->watch, change->object, EVENT_CHANGE, inode, name);
}

void pfs_event_on_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	struct pfs_watch *watch = arg;
	struct change change = {.watch = watch, .object = object};

	pfs_tree_each_change(watch->tree, object, before, add_change, &change);
	if (object->content->terminal && !before->terminal) {
		pfs_poll_changed(watch, pfs_tree_wait_inode(object));
		add_file(watch, object, EVENT_FILE_CREATED, pfs_tree_done_inode(object), "done");
	}
	add_to_whole(watch);
}

/* --- telling ------------------------------------------------------------------------------- */

/*
 * The steps of an event. Where the kernel checks modes, an owner who isn't root needs a window:
 * the file, or the directory in which a name is made or removed, then seems to be writable.
 */
struct step {
	enum pfs_poke_operation operation; /* PFS_POKE_NOTHING: the event is told */
	bool window;			   /* it is open during this step, if one is needed */
	bool for_window; /* only made where one is: the kernel sees it opened, or closed */
};

static const struct step change_steps[] = {
	{.operation = PFS_POKE_STAT},
	{.operation = PFS_POKE_MODIFY},
	{.operation = PFS_POKE_ATTRIB},
	{.operation = PFS_POKE_STAT, .window = true, .for_window = true},
	{.operation = PFS_POKE_CLOSE_WRITE, .window = true},
	{.operation = PFS_POKE_STAT, .for_window = true},
	{.operation = PFS_POKE_NOTHING},
};
static const struct step directory_created_steps[] = {
	{.operation = PFS_POKE_STAT, .window = true, .for_window = true},
	{.operation = PFS_POKE_CREATE_DIRECTORY, .window = true},
	{.operation = PFS_POKE_STAT, .for_window = true},
	{.operation = PFS_POKE_NOTHING},
};
static const struct step file_created_steps[] = {
	{.operation = PFS_POKE_STAT, .window = true, .for_window = true},
	{.operation = PFS_POKE_CREATE_FILE, .window = true},
	{.operation = PFS_POKE_STAT, .for_window = true},
	{.operation = PFS_POKE_NOTHING},
};
static const struct step directory_removed_steps[] = {
	{.operation = PFS_POKE_STAT, .window = true, .for_window = true},
	{.operation = PFS_POKE_REMOVE_DIRECTORY, .window = true},
	{.operation = PFS_POKE_STAT, .for_window = true},
	{.operation = PFS_POKE_NOTHING},
};

static const struct step *const steps[] = {
	[EVENT_CHANGE] = change_steps,
	[EVENT_DIRECTORY_CREATED] = directory_created_steps,
	[EVENT_FILE_CREATED] = file_created_steps,
	[EVENT_DIRECTORY_REMOVED] = directory_removed_steps,
};

static const struct step *next_step(const struct pfs_watch *watch, struct event *event)
{
	const struct step *step = &steps[event->type][event->step];

	for (; step->for_window && !watch->config.needs_window; step++)
		event->step++;
	return step;
}

/* The event to go on with: the one begun, else the first whose directory isn't busy. */
static struct event *choose_event(struct pfs_watch *watch)
{
	struct event *event;
	bool busy = false;

	if (watch->current)
		return watch->current;
	TAILQ_FOREACH(event, &watch->events, link)
	{
		if (!event->checked)
			continue;
		if (event->type == EVENT_CHANGE ||
		    !watch->host.is_busy(watch->host.arg, event->directory))
			return event;
		busy = true;
	}
	if (busy)
		pfs_timer_start(watch->loop, &watch->retry, pfs_loop_now(watch->loop) + BUSY_PAUSE);
	return NULL;
}

/* 0: the child is at it. 1: the event is told. Or an error: it can't be. */
static int take_step(struct pfs_watch *watch, struct event *event)
{
	const struct step *step = next_step(watch, event);
	uint64_t inode = event->type == EVENT_CHANGE ? event->inode : event->directory;
	const char *slash = strrchr(event->path, '/');
	char path[PATH_LONGEST];

	watch->window = step->window && watch->config.needs_window ? inode : 0;
	if (step->operation == PFS_POKE_NOTHING)
		return 1;
	event->step++;
	if (event->type != EVENT_CHANGE && step->operation == PFS_POKE_STAT && slash)
		(void)snprintf(path, sizeof(path), "%.*s", (int)(slash - event->path), event->path);
	else
		(void)snprintf(path, sizeof(path), "%s", event->path);
	return pfs_poke_ask(watch->poke, step->operation, inode, path);
}

void pfs_event_pump(void *arg)
{
	struct pfs_watch *watch = arg;
	struct event *event;

	if (!watch->poke)
		return;
	while (pfs_poke_is_idle(watch->poke)) {
		if (watch->scan_wanted && !watch->current) {
			watch->scan_wanted = false;
			watch->scan_begun = pfs_loop_now(watch->loop);
			if (pfs_poke_ask(watch->poke, PFS_POKE_SCAN, 0, ""))
				return;
			continue;
		}
		event = choose_event(watch);
		if (!event)
			return;
		watch->current = event;
		if (take_step(watch, event))
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

int pfs_watch_pretends(const struct pfs_watch *watch, pid_t pid, uint64_t directory,
		       const char *name, uint64_t *ret_inode)
{
	if (!watch->current || !pfs_watch_is_child(watch, pid))
		return 0;
	switch (pfs_poke_under_way(watch->poke, directory, name)) {
	case PFS_POKE_CREATE_DIRECTORY:
	case PFS_POKE_CREATE_FILE:
		return 1;
	case PFS_POKE_REMOVE_DIRECTORY:
	case PFS_POKE_REMOVE_FILE:
		*ret_inode = watch->current->inode;
		return 2;
	default:
		return 0;
	}
}

bool pfs_watch_is_window(const struct pfs_watch *watch, uint64_t inode)
{
	return watch->window == inode;
}
