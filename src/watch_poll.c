/*
 * Those who poll(2). The kernel asks once for each poll(2) that begins or is woken, and names the
 * open file. Since it opens files without asking, it doesn't say either when one is closed: a place
 * here may belong to nobody any more. So now and then all are woken for nothing: where somebody
 * still polls, the kernel asks again, and poll(2) goes on; where two such calls brought nothing,
 * the place is given up.
 *
 * A change is told once to each open file, as an edge: nobody says whether the new value has been
 * read since, because most reads don't get here.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>

#define POLLS_MAX  1024
#define UNANSWERED 2

struct poll {
	uint64_t key;
	uint64_t inode;
	void *handle; /* NULL: has never slept in poll(2) */
	bool changed; /* and not yet told */
	unsigned unanswered;
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
	TAILQ_REMOVE(&watch->polls, poll, link);
	watch->poll_count--;
	drop_handle(watch, poll);
	free(poll);
}

static void wake(struct pfs_watch *watch, struct poll *poll)
{
	if (poll->handle)
		watch->host.wake(watch->host.arg, poll->inode, poll->handle);
}

static struct poll *find_poll(const struct pfs_watch *watch, uint64_t key)
{
	struct poll *poll;

	TAILQ_FOREACH(poll, &watch->polls, link)
	{
		if (poll->key == key)
			return poll;
	}
	return NULL;
}

static struct poll *make_poll(struct pfs_watch *watch, uint64_t key, uint64_t inode)
{
	struct poll *poll = calloc(1, sizeof(*poll));

	if (!poll)
		return NULL;
	if (watch->poll_count == POLLS_MAX)
		drop_poll(watch, TAILQ_FIRST(&watch->polls));
	poll->key = key;
	poll->inode = inode;
	TAILQ_INSERT_TAIL(&watch->polls, poll, link);
	watch->poll_count++;
	return poll;
}

int pfs_watch_poll(struct pfs_watch *watch, uint64_t inode, uint64_t key, void *handle,
		   bool *ret_changed)
{
	struct poll *poll = find_poll(watch, key);

	if (!poll)
		poll = make_poll(watch, key, inode);
	if (!poll)
		return -ENOMEM;
	if (handle) {
		drop_handle(watch, poll);
		poll->handle = handle;
	}
	poll->unanswered = 0;
	*ret_changed = poll->changed;
	poll->changed = false;
	pfs_watch_recount(watch);
	return 0;
}

void pfs_poll_changed(struct pfs_watch *watch, uint64_t inode)
{
	struct poll *poll;

	TAILQ_FOREACH(poll, &watch->polls, link)
	{
		if (poll->inode != inode)
			continue;
		poll->changed = true;
		wake(watch, poll);
	}
}

void pfs_poll_ask(struct pfs_watch *watch)
{
	struct poll *poll, *next;

	for (poll = TAILQ_FIRST(&watch->polls); poll; poll = next) {
		next = TAILQ_NEXT(poll, link);
		if (poll->unanswered++ < UNANSWERED)
			wake(watch, poll);
		else
			drop_poll(watch, poll);
	}
}

void pfs_poll_each(struct pfs_watch *watch, void (*visit)(struct pfs_watch *watch, uint64_t inode))
{
	struct poll *poll;

	TAILQ_FOREACH(poll, &watch->polls, link)
	visit(watch, poll->inode);
}

void pfs_poll_finish(struct pfs_watch *watch)
{
	struct poll *poll;

	while ((poll = TAILQ_FIRST(&watch->polls)))
		drop_poll(watch, poll);
}
