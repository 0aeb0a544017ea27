/* SPDX-License-Identifier: MIT */
/*
 * timer: what is due when.
 *
 * A heap of timers that live inside other structs: thousands of answers can
 * wait at once, and setting or dropping one costs a handful of swaps. Time is
 * CLOCK_MONOTONIC in microseconds; no code here reads a clock.
 */
#ifndef SIM_TIMER_H
#define SIM_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_timer {
	int64_t due_us; /* INT64_MAX: never, but known */
	size_t place;	/* in the heap, from 1; 0: not set */
};

struct sim_timers {
	struct sim_timer **heap;
	size_t n;
	size_t cap;
};

/* Set an unset timer. Returns -ENOMEM. The timer must be dropped before its memory goes. */
int sim_timers_set(struct sim_timers *timers, struct sim_timer *timer, int64_t due_us);

/* Drop a timer; one that isn't set is fine. */
void sim_timers_drop(struct sim_timers *timers, struct sim_timer *timer);

/* The timer that is due first, still set, or NULL. */
struct sim_timer *sim_timers_first(const struct sim_timers *timers);

/* Free the heap; the timers in it are forgotten. */
void sim_timers_finish(struct sim_timers *timers);

#endif
