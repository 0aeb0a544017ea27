/* SPDX-License-Identifier: MIT */
/*
 * loop: time, readiness and timers. One thread waits in one place for everything that can happen:
 * a descriptor is readable, a timer is due, or something that the waiting function itself drives
 * (libcurl's transfers).
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
	/* For freshness and deadlines: never steps, and goes on during suspend. */
	int64_t (*monotonic)(const struct pfs_clock *clock);
	/* Since the epoch: for people and st_mtime. Never compare it with monotonic. */
	int64_t (*wall)(const struct pfs_clock *clock);
};

extern const struct pfs_clock pfs_system_clock; /* CLOCK_BOOTTIME, CLOCK_REALTIME */

/*
 * A timer lies in its user's memory. The user sets fire and arg, the loop sets the rest. A timer
 * whose other fields are zero is stopped.
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
 * The wall time of something that happened after `before`: later than that, at least by 1 ns, even
 * if the clock was set back or `before` comes from another clock.
 */
int64_t pfs_loop_wall_after(const struct pfs_loop *loop, int64_t before);

/*
 * Call ready(arg) whenever fd is readable or in error. There may be PFS_LOOP_FDS descriptors. 0,
 * -ENOSPC. A descriptor may be removed at any time, also from inside its own ready; to remove one
 * that isn't there does nothing.
 */
#define PFS_LOOP_FDS 16
int pfs_loop_add_fd(struct pfs_loop *loop, int fd, void (*ready)(void *arg), void *arg);
void pfs_loop_remove_fd(struct pfs_loop *loop, int fd);

/*
 * Functions that the loop waits with instead of poll(2). wait is called like poll: it sets revents;
 * timeout is in ms, -1 for ever. It returns -errno on failure; -EINTR is none. after is called once
 * in each turn, after the descriptors and before the timers.
 */
struct pfs_loop_waiter {
	int (*wait)(void *arg, struct pollfd *fds, size_t count, int timeout);
	void (*after)(void *arg);
	void *arg;
};
void pfs_loop_set_waiter(struct pfs_loop *loop, const struct pfs_loop_waiter *waiter);

/*
 * Call fire once at monotonic time due, or in the next turn if that has passed. If the timer is
 * running, moves it. Allocates nothing, can't fail. fire may start or stop any timer, and free its
 * own.
 */
void pfs_timer_start(struct pfs_loop *loop, struct pfs_timer *timer, int64_t due);
void pfs_timer_stop(struct pfs_loop *loop, struct pfs_timer *timer);

/* Make one turn: wait at most until the next timer is due, then serve what is ready. 0, or the
 * -errno of wait. */
int pfs_loop_turn(struct pfs_loop *loop);

/* Make turns until pfs_loop_stop. 0, or the error of a turn, which ends this. */
int pfs_loop_run(struct pfs_loop *loop);
void pfs_loop_stop(struct pfs_loop *loop);

#endif
