/* SPDX-License-Identifier: MIT */
/*
 * Those who poll(2). For each poll(2) that begins or is woken the kernel sends one POLL, which
 * identifies the open file. It opens files without asking us, so it doesn't say either when one is
 * closed, and an entry here may be abandoned. So all who poll are probed now and then, which is to
 * wake them though nothing has changed: where somebody still polls, the kernel sends a POLL again.
 * After two probes without one an entry no longer causes refreshes. It stays, as long as there is
 * room, for those who poll only now and then: their next POLL reports a change seen meanwhile. A
 * poll(2) for which there is no room returns at once, since nothing would wake it.
 *
 * A change is reported once to each open file, as an edge: whether the new content has been read
 * since we can't know, because most reads don't get here.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>

#define POLLS_MAX  1024
#define UNANSWERED 2

struct poll {
	uint64_t key;
	uint64_t inode;
	void *handle;	     /* NULL: has never slept in poll(2) */
	bool changed;	     /* and not yet reported */
	unsigned unanswered; /* consecutive probes without a POLL; past UNANSWERED: abandoned */
	TAILQ_ENTRY(poll) link;
};

static void drop_handle(struct pfs_watch *watch, struct poll *poll)
{
	if (poll->handle)
		watch->host.drop(watch->host.arg, poll->handle);
	poll->handle = NULL;
}

static void drop_poll(struct pfs_watch *watch, struct poll *poll)
{
	TAILQ_REMOVE(&watch->poll.all, poll, link);
	watch->poll.count--;
	drop_handle(watch, poll);
	free(poll);
}

/* The kernel is notified even if nobody sleeps: whoever polls later then reads, and must not get
 * old bytes. */
static void notify(struct pfs_watch *watch, struct poll *poll)
{
	poll->changed = true;
	watch->host.notify(watch->host.arg, poll->inode, poll->handle);
}

static struct poll *find_poll(const struct pfs_watch *watch, uint64_t key)
{
	struct poll *poll;

	TAILQ_FOREACH(poll, &watch->poll.all, link) {
		if (poll->key == key)
			return poll;
	}
	return NULL;
}

static bool is_live(const struct poll *poll)
{
	return poll->unanswered <= UNANSWERED;
}

/*
 * If the table is full, evict an entry that is abandoned, or whose file can't change any more: it
 * isn't probed, so we can't know whether somebody is there.
 */
static int make_room(struct pfs_watch *watch)
{
	struct poll *poll;

	if (watch->poll.count < POLLS_MAX)
		return 0;
	TAILQ_FOREACH(poll, &watch->poll.all, link) {
		if (is_live(poll) && pfs_interest_can_change(watch, poll->inode))
			continue;
		drop_poll(watch, poll);
		return 0;
	}
	return -ENOSPC;
}

static int make_poll(struct pfs_watch *watch, uint64_t key, uint64_t inode, struct poll **ret_poll)
{
	int error = make_room(watch);
	struct poll *poll = error ? NULL : calloc(1, sizeof(*poll));

	if (!poll)
		return error ? error : -ENOMEM;
	poll->key = key;
	poll->inode = inode;
	TAILQ_INSERT_TAIL(&watch->poll.all, poll, link);
	watch->poll.count++;
	*ret_poll = poll;
	return 0;
}

int pfs_watch_poll(struct pfs_watch *watch, uint64_t inode, uint64_t key, void *handle,
		   bool *ret_changed)
{
	struct poll *poll = find_poll(watch, key);
	int error = poll ? 0 : make_poll(watch, key, inode, &poll);

	if (error)
		return error;
	if (handle) {
		drop_handle(watch, poll);
		poll->handle = handle;
	}
	poll->unanswered = 0;
	*ret_changed = poll->changed;
	poll->changed = false;
	pfs_interest_take(watch, inode);
	pfs_interest_schedule(watch);
	return 0;
}

void pfs_poll_changed(struct pfs_watch *watch, uint64_t inode)
{
	struct poll *poll;

	TAILQ_FOREACH(poll, &watch->poll.all, link) {
		if (poll->inode == inode)
			notify(watch, poll);
	}
}

static bool is_of(const struct pfs_watch *watch, const struct poll *poll,
		  const struct pfs_object *object)
{
	struct pfs_node node;

	return !pfs_tree_node(watch->tree, poll->inode, &node) && node.object == object;
}

bool pfs_poll_is_polled(const struct pfs_watch *watch, const struct pfs_object *object)
{
	const struct poll *poll;

	TAILQ_FOREACH(poll, &watch->poll.all, link) {
		if (is_of(watch, poll, object))
			return true;
	}
	return false;
}

void pfs_poll_vanished(struct pfs_watch *watch, const struct pfs_object *object)
{
	struct poll *poll;

	TAILQ_FOREACH(poll, &watch->poll.all, link) {
		if (is_of(watch, poll, object))
			notify(watch, poll);
	}
}

bool pfs_poll_probe(struct pfs_watch *watch)
{
	int64_t now = pfs_loop_now(watch->loop);
	struct poll *poll;

	if (!watch->poll.count || now - watch->poll.probed_at < watch->config.ttl)
		return false;
	watch->poll.probed_at = now;
	TAILQ_FOREACH(poll, &watch->poll.all, link) {
		if (is_live(poll) && poll->unanswered++ < UNANSWERED && poll->handle)
			watch->host.notify(watch->host.arg, poll->inode, poll->handle);
	}
	return true;
}

void pfs_poll_each(struct pfs_watch *watch, void (*visit)(struct pfs_watch *watch, uint64_t inode))
{
	struct poll *poll;

	TAILQ_FOREACH(poll, &watch->poll.all, link) {
		if (is_live(poll))
			visit(watch, poll->inode);
	}
}

void pfs_poll_init(struct pfs_watch *watch)
{
	TAILQ_INIT(&watch->poll.all);
}

void pfs_poll_finish(struct pfs_watch *watch)
{
	struct poll *poll;

	while ((poll = TAILQ_FIRST(&watch->poll.all)))
		drop_poll(watch, poll);
}
