/* SPDX-License-Identifier: MIT */
/*
 * clock: the time of day that never jumps.
 *
 * Jobs show times of day, but must end when their time is over even if
 * somebody sets the clock meanwhile: so the time of day is read once and
 * carried on by the monotonic clock.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdint.h>
#include <time.h>

struct sim_clock {
	int64_t offset_us; /* time of day minus monotonic, at the start */
};

static inline int64_t sim_clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* CLOCK_MONOTONIC in microseconds: for timers. */
static inline int64_t sim_clock_monotonic(void)
{
	return sim_clock_read(CLOCK_MONOTONIC);
}

static inline void sim_clock_start(struct sim_clock *clock)
{
	clock->offset_us = sim_clock_read(CLOCK_REALTIME) - sim_clock_monotonic();
}

/* Microseconds since the epoch: for jobs. */
static inline int64_t sim_clock_now(const struct sim_clock *clock)
{
	return clock->offset_us + sim_clock_monotonic();
}

#endif
