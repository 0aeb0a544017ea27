/* SPDX-License-Identifier: MIT */
/*
 * wait: somebody waits for something to happen, and is woken when it has. Who may wait for what,
 * and what that is, others know.
 *
 * May include loop.
 */
#ifndef PINEFS_WAIT_H
#define PINEFS_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "pinefs/loop.h"

/*
 * One that waits. It is in the memory of whoever waits, zeroed but for done, and that memory must
 * stay until done was called or pfs_wait_cancel. done is called once for each time that it joined
 * a queue, from the loop, when it is in the queue no longer: it may join again, cancel others, and
 * free its own memory. error is 0 or -errno.
 */
struct pfs_wait {
	void (*done)(struct pfs_wait *wait, int error);

	/* The room's own. */
	struct pfs_wait_queue *queue; /* NULL: it doesn't wait */
	TAILQ_ENTRY(pfs_wait) link;
	uint64_t mark;
	int64_t deadline; /* monotonic; 0: it has none */
};

/* All that wait for the same; in the memory of whoever wakes them. */
struct pfs_wait_queue {
	/* The room's own. */
	TAILQ_HEAD(pfs_wait_list, pfs_wait) waits; /* in the order of their deadlines */
	uint64_t *count;
	struct pfs_loop *loop;
	struct pfs_timer timer;
	int (*overdue)(void *arg);
	void *arg;
};

/* Begin an empty queue. *count, which queues may share, goes up and down with those in them. */
void pfs_wait_queue_init(struct pfs_wait_queue *queue, uint64_t *count);

/*
 * The same where each has a deadline. When that of some has come, overdue is called once, and what
 * it returns is their error. The loop is borrowed.
 */
void pfs_wait_queue_init_timed(struct pfs_wait_queue *queue, uint64_t *count, struct pfs_loop *loop,
			       int (*overdue)(void *arg), void *arg);

bool pfs_wait_queue_is_empty(const struct pfs_wait_queue *queue);

/* Join, behind all others. It must not be waiting. */
void pfs_wait_join(struct pfs_wait_queue *queue, struct pfs_wait *wait);

/*
 * Join a queue with deadlines; mark says which of the things that happen it waits for, in the terms
 * of the queue's owner. One that was woken and joins again, this queue or another, keeps the
 * deadline that it joined with first. False if that is over: then it doesn't wait.
 */
bool pfs_wait_join_until(struct pfs_wait_queue *queue, struct pfs_wait *wait, uint64_t mark,
			 int64_t deadline);

/* Wait no longer; done is not called. Does nothing for one that doesn't wait. */
void pfs_wait_cancel(struct pfs_wait *wait);

/*
 * Wake all that are in the queue now; one that joins meanwhile waits for the next time. The queue
 * may be gone when this returns: it isn't looked at after the first was woken.
 */
void pfs_wait_wake(struct pfs_wait_queue *queue, int error);

/* The same, but whoever joined last is first. */
void pfs_wait_wake_backwards(struct pfs_wait_queue *queue, int error);

/* The same for those of whose mark is_due says so. It must not touch the queue. */
void pfs_wait_wake_due(struct pfs_wait_queue *queue, bool (*is_due)(void *arg, uint64_t mark),
		       void *arg, int error);

#endif
