/* SPDX-License-Identifier: MIT */
/*
 * loop: time, readiness and timers. One thread waits in one place for everything that can happen:
 * descriptors that became readable, timers that fell due, and whatever the waiting function
 * itself drives (libcurl's transfers).
 *
 * Ground: knows no other room. Nothing here blocks but pfs_loop_turn and pfs_loop_run.
 */
#ifndef PINEFS_LOOP_H
#define PINEFS_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Where time comes from; tests bring their own. All times are int64_t nanoseconds. */
struct pfs_clock {
	/* Never steps, goes on during suspend: freshness and deadlines are measured in it. */
	int64_t (*monotonic)(const struct pfs_clock *clock);
	/* Since the epoch: shown to people, and in st_mtime. Never compared with monotonic. */
	int64_t (*wall)(const struct pfs_clock *clock);
};

extern const struct pfs_clock pfs_system_clock; /* CLOCK_BOOTTIME, CLOCK_REALTIME */

/*
 * A timer lies in its user's memory. fire and arg are set by the user, the rest by the loop.
 * Zeroed but for these, it is stopped.
 */
struct pfs_timer {
	void (*fire)(void *arg);
	void *arg;
	int64_t due; /* monotonic; meaningful while running */
	bool running;
	TAILQ_ENTRY(pfs_timer) link;
};

struct pfs_loop;

/* 0, or -ENOMEM. The clock is borrowed for the loop's life. */
int pfs_loop_create(const struct pfs_clock *clock, struct pfs_loop **ret_loop);
void pfs_loop_destroy(struct pfs_loop *loop); /* takes NULL */

int64_t pfs_loop_now(const struct pfs_loop *loop);  /* monotonic */
int64_t pfs_loop_wall(const struct pfs_loop *loop); /* since the epoch */

/*
 * The same for what has happened after something else: later than that, even if the clock was set
 * back meanwhile, or the other one had its time from another clock.
 */
int64_t pfs_loop_wall_after(const struct pfs_loop *loop, int64_t before);

/*
 * Call ready(arg) whenever fd is readable or in error. At most PFS_LOOP_FDS of them. 0, -ENOSPC.
 * A descriptor may be removed at any time, also from its own callback; removing one that isn't
 * there does nothing.
 */
#define PFS_LOOP_FDS 16
int pfs_loop_add_fd(struct pfs_loop *loop, int fd, void (*ready)(void *arg), void *arg);
void pfs_loop_remove_fd(struct pfs_loop *loop, int fd);

/*
 * What to wait with instead of poll(2). wait has poll's contract (revents filled in; timeout in
 * ms, -1 for ever; result below 0 is -errno, and -EINTR is no failure). after is called once in
 * each turn, after the descriptors and before the timers.
 */
struct pfs_loop_waiter {
	int (*wait)(void *arg, struct pollfd *fds, size_t count, int timeout);
	void (*after)(void *arg);
	void *arg;
};
void pfs_loop_set_waiter(struct pfs_loop *loop, const struct pfs_loop_waiter *waiter);

/*
 * Fire the timer once at monotonic time due (a past one: in the next turn). A running timer is
 * moved. Allocates nothing, can't fail. fire may start or stop any timer and free its own.
 */
void pfs_timer_start(struct pfs_loop *loop, struct pfs_timer *timer, int64_t due);
void pfs_timer_stop(struct pfs_loop *loop, struct pfs_timer *timer);

/* One turn: wait at most until the next timer, then serve what is ready. 0, or -errno of wait. */
int pfs_loop_turn(struct pfs_loop *loop);

/* Turn until pfs_loop_stop. 0, or the error that a turn ended with. */
int pfs_loop_run(struct pfs_loop *loop);
void pfs_loop_stop(struct pfs_loop *loop);

#endif
