/* SPDX-License-Identifier: MIT */
/*
 * The waiters to be woken are first moved to a queue of their own, so that none is missed or woken
 * twice, whatever done does: cancel another waiter, join again, or free the queue and its owner.
 */
#include "pinefs/wait.h"

static void on_deadline(void *arg);

void pfs_wait_queue_init(struct pfs_wait_queue *queue, uint64_t *count)
{
	*queue = (struct pfs_wait_queue){.count = count};
	TAILQ_INIT(&queue->waits);
}

void pfs_wait_queue_init_timed(struct pfs_wait_queue *queue, uint64_t *count, struct pfs_loop *loop,
			       int (*overdue)(void *arg), void *arg)
{
	pfs_wait_queue_init(queue, count);
	queue->loop = loop;
	queue->timer = (struct pfs_timer){.fire = on_deadline, .arg = queue};
	queue->overdue = overdue;
	queue->arg = arg;
}

bool pfs_wait_queue_is_empty(const struct pfs_wait_queue *queue)
{
	return TAILQ_EMPTY(&queue->waits);
}

size_t pfs_wait_queue_length(const struct pfs_wait_queue *queue)
{
	const struct pfs_wait *wait;
	size_t length = 0;

	TAILQ_FOREACH(wait, &queue->waits, link)
		length++;
	return length;
}

/* --- in and out ---------------------------------------------------------------------------- */

static void insert(struct pfs_wait_queue *queue, struct pfs_wait *before, struct pfs_wait *wait)
{
	if (before)
		TAILQ_INSERT_AFTER(&queue->waits, before, wait, link);
	else
		TAILQ_INSERT_HEAD(&queue->waits, wait, link);
	wait->queue = queue;
	++*queue->count;
}

static void take_out(struct pfs_wait *wait)
{
	TAILQ_REMOVE(&wait->queue->waits, wait, link);
	--*wait->queue->count;
	wait->queue = NULL;
}

/* The timer runs for the first waiter's deadline, and not at all if there is none. */
static void set_timer(struct pfs_wait_queue *queue)
{
	const struct pfs_wait *first = TAILQ_FIRST(&queue->waits);

	if (!queue->loop)
		return;
	if (first)
		pfs_timer_start(queue->loop, &queue->timer, first->deadline);
	else
		pfs_timer_stop(queue->loop, &queue->timer);
}

void pfs_wait_join(struct pfs_wait_queue *queue, struct pfs_wait *wait)
{
	insert(queue, TAILQ_LAST(&queue->waits, pfs_wait_list), wait);
}

bool pfs_wait_join_until(struct pfs_wait_queue *queue, struct pfs_wait *wait, uint64_t mark,
			 int64_t deadline)
{
	struct pfs_wait *before = TAILQ_LAST(&queue->waits, pfs_wait_list);

	if (!wait->deadline)
		wait->deadline = deadline;
	else if (wait->deadline <= pfs_loop_now(queue->loop))
		return false;
	/* A new waiter's deadline is mostly the latest; one that joins again kept an earlier one.
	 */
	while (before && before->deadline > wait->deadline)
		before = TAILQ_PREV(before, pfs_wait_list, link);
	wait->mark = mark;
	insert(queue, before, wait);
	set_timer(queue);
	return true;
}

void pfs_wait_cancel(struct pfs_wait *wait)
{
	struct pfs_wait_queue *queue = wait->queue;

	if (!queue)
		return;
	take_out(wait);
	set_timer(queue);
}

/* --- waking -------------------------------------------------------------------------------- */

static void move(struct pfs_wait_queue *woken, struct pfs_wait *wait)
{
	take_out(wait);
	pfs_wait_join(woken, wait);
}

static void wake(struct pfs_wait_queue *woken, bool backwards, int error)
{
	struct pfs_wait *wait;

	while ((wait = backwards ? TAILQ_LAST(&woken->waits, pfs_wait_list)
				 : TAILQ_FIRST(&woken->waits))) {
		take_out(wait);
		wait->done(wait, error);
	}
}

static void wake_all(struct pfs_wait_queue *queue, bool backwards, int error)
{
	struct pfs_wait_queue woken;
	struct pfs_wait *wait;

	pfs_wait_queue_init(&woken, queue->count);
	while ((wait = TAILQ_FIRST(&queue->waits)))
		move(&woken, wait);
	set_timer(queue);
	wake(&woken, backwards, error);
}

void pfs_wait_wake(struct pfs_wait_queue *queue, int error)
{
	wake_all(queue, false, error);
}

void pfs_wait_wake_backwards(struct pfs_wait_queue *queue, int error)
{
	wake_all(queue, true, error);
}

void pfs_wait_wake_due(struct pfs_wait_queue *queue, bool (*is_due)(void *arg, uint64_t mark),
		       void *arg, int error)
{
	struct pfs_wait_queue woken;
	struct pfs_wait *wait, *next;

	pfs_wait_queue_init(&woken, queue->count);
	for (wait = TAILQ_FIRST(&queue->waits); wait; wait = next) {
		next = TAILQ_NEXT(wait, link);
		if (is_due(arg, wait->mark))
			move(&woken, wait);
	}
	set_timer(queue);
	wake(&woken, false, error);
}

static void on_deadline(void *arg)
{
	struct pfs_wait_queue *queue = arg, woken;
	struct pfs_wait *wait;

	pfs_wait_queue_init(&woken, queue->count);
	while ((wait = TAILQ_FIRST(&queue->waits)) && wait->deadline <= pfs_loop_now(queue->loop))
		move(&woken, wait);
	set_timer(queue);
	if (!pfs_wait_queue_is_empty(&woken))
		wake(&woken, false, queue->overdue(queue->arg));
}
