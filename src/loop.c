/* SPDX-License-Identifier: MIT */
/*
 * Timers are a list ordered by due time. Insertion searches from the far end, where nearly all of
 * them belong: deadlines and backoffs count from now, so a later one is mostly due later. Rejected:
 * a heap. It would need memory of its own, and starting a timer must not be able to fail.
 */
#include "pinefs/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

struct watch {
	int fd;
	void (*ready)(void *arg);
	void *arg;
};

struct pfs_loop {
	const struct pfs_clock *clock;
	struct watch watches[PFS_LOOP_FDS];
	size_t watch_count;
	struct pfs_loop_waiter waiter;
	TAILQ_HEAD(timer_list, pfs_timer) timers;
	int64_t served_until; /* timers due by then are being fired; INT64_MIN: none are */
	bool stopped;
};

static int64_t clock_read(clockid_t id)
{
	struct timespec now = {0};

	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_monotonic(const struct pfs_clock *clock)
{
	return clock_read(CLOCK_BOOTTIME);
}

static int64_t system_wall(const struct pfs_clock *clock)
{
	return clock_read(CLOCK_REALTIME);
}

const struct pfs_clock pfs_system_clock = {
	.monotonic = system_monotonic,
	.wall = system_wall,
};

static int wait_with_poll(void *arg, struct pollfd *fds, size_t count, int timeout)
{
	return poll(fds, (nfds_t)count, timeout) < 0 ? -errno : 0;
}

int pfs_loop_create(const struct pfs_clock *clock, struct pfs_loop **ret_loop)
{
	struct pfs_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->clock = clock;
	loop->waiter.wait = wait_with_poll;
	loop->served_until = INT64_MIN;
	TAILQ_INIT(&loop->timers);
	*ret_loop = loop;
	return 0;
}

void pfs_loop_destroy(struct pfs_loop *loop)
{
	free(loop);
}

int64_t pfs_loop_now(const struct pfs_loop *loop)
{
	return loop->clock->monotonic(loop->clock);
}

int64_t pfs_loop_wall(const struct pfs_loop *loop)
{
	return loop->clock->wall(loop->clock);
}

int64_t pfs_loop_wall_after(const struct pfs_loop *loop, int64_t before)
{
	int64_t now = pfs_loop_wall(loop);

	return now > before ? now : before + 1;
}

static struct watch *find_watch(struct pfs_loop *loop, int fd)
{
	for (size_t i = 0; i < loop->watch_count; i++) {
		if (loop->watches[i].fd == fd)
			return &loop->watches[i];
	}
	return NULL;
}

int pfs_loop_add_fd(struct pfs_loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
	if (loop->watch_count == PFS_LOOP_FDS)
		return -ENOSPC;
	loop->watches[loop->watch_count++] = (struct watch){.fd = fd, .ready = ready, .arg = arg};
	return 0;
}

void pfs_loop_remove_fd(struct pfs_loop *loop, int fd)
{
	struct watch *watch = find_watch(loop, fd);

	if (watch)
		*watch = loop->watches[--loop->watch_count];
}

void pfs_loop_set_waiter(struct pfs_loop *loop, const struct pfs_loop_waiter *waiter)
{
	loop->waiter = *waiter;
	if (!loop->waiter.wait)
		loop->waiter.wait = wait_with_poll;
}

void pfs_timer_start(struct pfs_loop *loop, struct pfs_timer *timer, int64_t due)
{
	struct pfs_timer *before;

	pfs_timer_stop(loop, timer);
	timer->due = due > loop->served_until ? due : loop->served_until + 1;
	timer->running = true;
	TAILQ_FOREACH_REVERSE(before, &loop->timers, timer_list, link) {
		if (before->due <= timer->due) {
			TAILQ_INSERT_AFTER(&loop->timers, before, timer, link);
			return;
		}
	}
	TAILQ_INSERT_HEAD(&loop->timers, timer, link);
}

void pfs_timer_stop(struct pfs_loop *loop, struct pfs_timer *timer)
{
	if (timer->running)
		TAILQ_REMOVE(&loop->timers, timer, link);
	timer->running = false;
}

/* ms until the next timer is due, rounded up so that it is when the wait ends; -1 without one. */
static int next_timeout(const struct pfs_loop *loop)
{
	const struct pfs_timer *first = TAILQ_FIRST(&loop->timers);
	int64_t left;

	if (!first)
		return -1;
	left = first->due - pfs_loop_now(loop);
	if (left <= 0)
		return 0;
	left = left / 1000000 + (left % 1000000 != 0);
	return left > INT_MAX ? INT_MAX : (int)left;
}

static void serve_descriptors(struct pfs_loop *loop, const struct pollfd *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct watch *watch = fds[i].revents ? find_watch(loop, fds[i].fd) : NULL;

		if (watch)
			watch->ready(watch->arg);
	}
}

/*
 * Fire only the timers that were due when this began. One that is started meanwhile, even for a
 * past time, waits for the next turn, so that timers can't starve the descriptors.
 */
static void serve_timers(struct pfs_loop *loop)
{
	struct pfs_timer *timer;

	loop->served_until = pfs_loop_now(loop);
	while ((timer = TAILQ_FIRST(&loop->timers)) && timer->due <= loop->served_until) {
		pfs_timer_stop(loop, timer);
		timer->fire(timer->arg);
	}
	loop->served_until = INT64_MIN;
}

int pfs_loop_turn(struct pfs_loop *loop)
{
	struct pollfd fds[PFS_LOOP_FDS];
	size_t count = loop->watch_count;
	int error;

	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = loop->watches[i].fd, .events = POLLIN};
	error = loop->waiter.wait(loop->waiter.arg, fds, count, next_timeout(loop));
	if (error < 0 && error != -EINTR)
		return error;
	if (error >= 0)
		serve_descriptors(loop, fds, count);
	if (loop->waiter.after)
		loop->waiter.after(loop->waiter.arg);
	serve_timers(loop);
	return 0;
}

int pfs_loop_run(struct pfs_loop *loop)
{
	int error = 0;

	loop->stopped = false;
	while (!loop->stopped && !error)
		error = pfs_loop_turn(loop);
	return error;
}

void pfs_loop_stop(struct pfs_loop *loop)
{
	loop->stopped = true;
}
