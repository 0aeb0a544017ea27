/* SPDX-License-Identifier: MIT */
/*
 * wait: queues of waiters. A caller that can't go on joins a queue, and the owner of the queue
 * wakes it, with 0 or an error. What the waiters wait for only the owner knows.
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
 * A waiter. It lies in its user's memory, zeroed but for done, and must stay there while it is in a
 * queue. To wake a waiter is to take it out of its queue and call done, from the loop, with 0 or
 * -errno; once for each join, and never after pfs_wait_cancel. done may join a queue again, cancel
 * other waiters, and free its own.
 */
struct pfs_wait {
	void (*done)(struct pfs_wait *wait, int error);

	/* The room's own. */
	struct pfs_wait_queue *queue; /* NULL: it is in no queue */
	TAILQ_ENTRY(pfs_wait) link;
	uint64_t mark;
	int64_t deadline; /* monotonic; 0: none */
};

/* Those who wait for the same thing. The queue lies in its owner's memory. */
struct pfs_wait_queue {
	/* The room's own. */
	TAILQ_HEAD(pfs_wait_list, pfs_wait) waits; /* in the order of their deadlines */
	uint64_t *count;
	struct pfs_loop *loop;
	struct pfs_timer timer;
	int (*overdue)(void *arg);
	void *arg;
};

/* Make an empty queue. *count (borrowed) is kept at the number of waiters; queues may share it. */
void pfs_wait_queue_init(struct pfs_wait_queue *queue, uint64_t *count);

/*
 * Make a queue whose waiters have deadlines. Waiters whose deadline has come are woken with what
 * overdue(arg) returns; it is called once for all of them. The loop is borrowed.
 */
void pfs_wait_queue_init_timed(struct pfs_wait_queue *queue, uint64_t *count, struct pfs_loop *loop,
			       int (*overdue)(void *arg), void *arg);

bool pfs_wait_queue_is_empty(const struct pfs_wait_queue *queue);
size_t pfs_wait_queue_length(const struct pfs_wait_queue *queue); /* counted anew each time */

/* Join a queue, as the last. The waiter must be in none. */
void pfs_wait_join(struct pfs_wait_queue *queue, struct pfs_wait *wait);

/*
 * Join a queue with deadlines (monotonic). mark is for the queue's owner: pfs_wait_wake_due. A
 * waiter that joins a second time, this queue or another, keeps its first deadline. If that has
 * passed, returns false, and the waiter hasn't joined.
 */
bool pfs_wait_join_until(struct pfs_wait_queue *queue, struct pfs_wait *wait, uint64_t mark,
			 int64_t deadline);

/* Leave the queue; done is not called. Does nothing for a waiter that is in none. */
void pfs_wait_cancel(struct pfs_wait *wait);

/*
 * Wake all waiters of the queue, the first first. A waiter that joins meanwhile stays until the
 * next wake. done may free the queue: it isn't read after the first done was called.
 */
void pfs_wait_wake(struct pfs_wait_queue *queue, int error);

/* Wake all, the last first. */
void pfs_wait_wake_backwards(struct pfs_wait_queue *queue, int error);

/* Wake those for whose mark is_due returns true. is_due must not change the queue. */
void pfs_wait_wake_due(struct pfs_wait_queue *queue, bool (*is_due)(void *arg, uint64_t mark),
		       void *arg, int error);

#endif
