/* SPDX-License-Identifier: MIT */
/*
 * The machine was suspended, and has resumed. For pinefs that time has passed: the loop measures
 * it. For the kernel it hasn't: it counts the validity of cached names and attributes in jiffies,
 * which stood still, and so did poll(2)'s timeout. So we need to be woken, and notify the kernel
 * that its cache is invalid. Besides, the peers of our connections may have forgotten them, or know
 * us by another address.
 *
 * We are woken by a timer of the wall clock that is never due, but is cancelled when that clock is
 * set, as it is at each resume. It costs nothing until then. A timer of CLOCK_BOOTTIME would have
 * to be set again and again, and would miss a suspend shorter than its period.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "main.h"
#include "pinefs/fs.h"
#include "pinefs/http.h"
#include "pinefs/log.h"
#include "pinefs/loop.h"

/* Seconds since the epoch, in the year 2255; the kernel knows no more than 2262. */
#define NEVER 9000000000

/* The two clocks aren't read at the same moment. */
#define SHORTEST_SUSPEND (100 * INT64_C(1000000)) /* ns */

/* How long this machine has been suspended, in all, since it was started: ns. */
static int64_t time_suspended(const struct program *program)
{
	struct timespec awake = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &awake);
	return pfs_loop_now(program->loop) -
	       ((int64_t)awake.tv_sec * INT64_C(1000000000) + awake.tv_nsec);
}

static int set_timer(const struct program *program)
{
	const struct itimerspec never = {.it_value = {.tv_sec = NEVER}};

	return timerfd_settime(program->steps, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
			       NULL)
		       ? -errno
		       : 0;
}

static void on_step(void *arg)
{
	struct program *program = arg;
	int64_t suspended = time_suspended(program);
	uint64_t ignored;

	/* ECANCELED; it stays readable until it is set again. */
	(void)!read(program->steps, &ignored, sizeof(ignored));
	(void)set_timer(program);
	if (suspended - program->suspended < SHORTEST_SUSPEND)
		return;
	pfs_debug("main: suspended for %d s", (int)((suspended - program->suspended) / 1000000000));
	program->suspended = suspended;
	pfs_http_reconnect(program->http);
	if (program->fs)
		pfs_fs_invalidate(program->fs);
}

int resume_watch(struct program *program)
{
	int error;

	program->suspended = time_suspended(program);
	program->steps = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (program->steps < 0)
		return -errno;
	error = set_timer(program);
	return error ? error : pfs_loop_add_fd(program->loop, program->steps, on_step, program);
}
