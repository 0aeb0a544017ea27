/* SPDX-License-Identifier: MIT */
/* The simulator's timers: thousands of answers wait in this heap, and any may leave early. */
#include "timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIMERS 500

/* A generator of its own, so that every run is the same. */
static uint32_t roll(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void drain(struct sim_timers *timers, int64_t *ret_last, size_t *ret_n)
{
	struct sim_timer *first;

	*ret_last = INT64_MIN;
	*ret_n = 0;
	while ((first = sim_timers_first(timers))) {
		assert_true(first->due_us >= *ret_last);
		*ret_last = first->due_us;
		sim_timers_drop(timers, first);
		assert_int_equal(first->place, 0);
		(*ret_n)++;
	}
}

static void test_timers_empty_have_no_first(void **state)
{
	struct sim_timers timers = {0};

	assert_null(sim_timers_first(&timers));
	sim_timers_finish(&timers);
}

static void test_timers_come_in_order(void **state)
{
	static struct sim_timer set[TIMERS];
	struct sim_timers timers = {0};
	uint32_t seed = 1;
	int64_t last;
	size_t n;

	for (size_t i = 0; i < TIMERS; i++)
		assert_int_equal(sim_timers_set(&timers, &set[i], roll(&seed) % 100), 0);
	drain(&timers, &last, &n);
	assert_int_equal(n, TIMERS);
	sim_timers_finish(&timers);
}

static void test_timers_dropped_anywhere_keep_order(void **state)
{
	static struct sim_timer set[TIMERS];
	struct sim_timers timers = {0};
	int64_t last;
	size_t n;

	for (uint32_t seed = 1; seed < 200; seed++) {
		uint32_t dice = seed;
		size_t dropped = 0;

		for (size_t i = 0; i < TIMERS; i++)
			assert_int_equal(sim_timers_set(&timers, &set[i], roll(&dice) % 1000), 0);
		for (size_t i = 0; i < TIMERS; i++) {
			if (roll(&dice) % 2 == 0)
				continue;
			sim_timers_drop(&timers, &set[i]);
			dropped++;
		}
		drain(&timers, &last, &n);
		assert_int_equal(n, TIMERS - dropped);
	}
	sim_timers_finish(&timers);
}

static void test_timer_unset_is_dropped_quietly(void **state)
{
	struct sim_timers timers = {0};
	struct sim_timer timer = {0};

	sim_timers_drop(&timers, &timer);
	assert_int_equal(sim_timers_set(&timers, &timer, 5), 0);
	sim_timers_drop(&timers, &timer);
	sim_timers_drop(&timers, &timer);
	assert_null(sim_timers_first(&timers));
	sim_timers_finish(&timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_empty_have_no_first),
		cmocka_unit_test(test_timers_come_in_order),
		cmocka_unit_test(test_timers_dropped_anywhere_keep_order),
		cmocka_unit_test(test_timer_unset_is_dropped_quietly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
