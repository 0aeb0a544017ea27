/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include <errno.h>
#include <stdlib.h>

static void put(struct sim_timers *timers, size_t place, struct sim_timer *timer)
{
	timers->heap[place - 1] = timer;
	timer->place = place;
}

static void sift_up(struct sim_timers *timers, size_t place, struct sim_timer *timer)
{
	while (place > 1 && timers->heap[place / 2 - 1]->due_us > timer->due_us) {
		put(timers, place, timers->heap[place / 2 - 1]);
		place /= 2;
	}
	put(timers, place, timer);
}

static void sift_down(struct sim_timers *timers, size_t place, struct sim_timer *timer)
{
	for (;;) {
		size_t child = place * 2;

		if (child > timers->n)
			break;
		if (child < timers->n &&
		    timers->heap[child]->due_us < timers->heap[child - 1]->due_us)
			child++;
		if (timers->heap[child - 1]->due_us >= timer->due_us)
			break;
		put(timers, place, timers->heap[child - 1]);
		place = child;
	}
	put(timers, place, timer);
}

int sim_timers_set(struct sim_timers *timers, struct sim_timer *timer, int64_t due_us)
{
	if (timers->n == timers->cap) {
		size_t cap = timers->cap ? timers->cap * 2 : 64;
		void *heap = realloc(timers->heap, cap * sizeof(struct sim_timer *));

		if (!heap)
			return -ENOMEM;
		timers->heap = heap;
		timers->cap = cap;
	}
	timer->due_us = due_us;
	timers->n++;
	sift_up(timers, timers->n, timer);
	return 0;
}

void sim_timers_drop(struct sim_timers *timers, struct sim_timer *timer)
{
	size_t place = timer->place;
	struct sim_timer *last;

	if (place == 0)
		return;
	timer->place = 0;
	last = timers->heap[--timers->n];
	if (last == timer)
		return;
	/* The last one fills the gap, which may be in another branch of the heap. */
	if (place > 1 && timers->heap[place / 2 - 1]->due_us > last->due_us)
		sift_up(timers, place, last);
	else
		sift_down(timers, place, last);
}

struct sim_timer *sim_timers_first(const struct sim_timers *timers)
{
	return timers->n > 0 ? timers->heap[0] : NULL;
}

void sim_timers_finish(struct sim_timers *timers)
{
	free(timers->heap);
	*timers = (struct sim_timers){0};
}
