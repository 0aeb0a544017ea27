/* SPDX-License-Identifier: MIT */
#include "pinefs/wait.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_time.h"
#include "pinefs/text.h"
#include "unit.h"

#define DEADLINE (30 * PFS_SECOND)

struct bench {
	struct fake_time time;
	struct pfs_loop *loop;
	struct pfs_wait_queue queue;
	uint64_t count;
	int overdue; /* calls */
	char order[100];
};

/* One that waits; when it is woken it does what the test says. */
struct waiter {
	struct pfs_wait wait; /* first, so that one is the other */
	struct bench *bench;
	char name;
	int calls;
	int error;
	void (*then)(struct waiter *waiter);
	struct waiter *other;
};

static int on_overdue(void *arg)
{
	((struct bench *)arg)->overdue++;
	return -ETIMEDOUT;
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		return -1;
	*state = bench;
	fake_time_init(&bench->time);
	if (pfs_loop_create(&bench->time.clock, &bench->loop))
		return -1;
	fake_time_drive(&bench->time, bench->loop);
	pfs_wait_queue_init_timed(&bench->queue, &bench->count, bench->loop, on_overdue, bench);
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	int error = bench->count || bench->queue.timer.running ? -1 : 0;

	pfs_loop_destroy(bench->loop);
	free(bench);
	return error;
}

static void on_woken(struct pfs_wait *wait, int error)
{
	struct waiter *waiter = (struct waiter *)wait;

	assert_null(wait->queue);
	waiter->calls++;
	waiter->error = error;
	waiter->bench->order[strlen(waiter->bench->order)] = waiter->name;
	if (waiter->then)
		waiter->then(waiter);
}

static void begin(struct bench *bench, struct waiter *waiters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		waiters[i] = (struct waiter){
			.wait.done = on_woken,
			.bench = bench,
			.name = (char)('a' + i),
		};
}

static void join(struct bench *bench, struct waiter *waiter, uint64_t mark)
{
	assert_true(pfs_wait_join_until(&bench->queue, &waiter->wait, mark,
					pfs_loop_now(bench->loop) + DEADLINE));
}

static void pass(struct bench *bench, int64_t ns)
{
	fake_time_pass(&bench->time, bench->loop, ns);
}

static void test_all_are_woken_once_in_their_order(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[3];

	begin(bench, waiters, COUNT(waiters));
	for (size_t i = 0; i < COUNT(waiters); i++)
		join(bench, &waiters[i], 0);
	assert_int_equal(bench->count, 3);
	assert_false(pfs_wait_queue_is_empty(&bench->queue));
	pfs_wait_wake(&bench->queue, -EIO);
	pfs_wait_wake(&bench->queue, 0);
	assert_string_equal(bench->order, "abc");
	for (size_t i = 0; i < COUNT(waiters); i++)
		assert_int_equal(waiters[i].error, -EIO);
	assert_int_equal(bench->count, 0);
	assert_true(pfs_wait_queue_is_empty(&bench->queue));
}

static void test_backwards_the_last_is_first(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[3];

	begin(bench, waiters, COUNT(waiters));
	for (size_t i = 0; i < COUNT(waiters); i++)
		join(bench, &waiters[i], 0);
	pfs_wait_wake_backwards(&bench->queue, 0);
	assert_string_equal(bench->order, "cba");
}

static uint64_t one = 1; /* the remainder of an odd one */

static bool is_odd(void *arg, uint64_t mark)
{
	return mark % 2 == *(const uint64_t *)arg;
}

static void test_only_those_are_woken_for_whom_it_happened(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[5];

	begin(bench, waiters, COUNT(waiters));
	for (size_t i = 0; i < COUNT(waiters); i++)
		join(bench, &waiters[i], i);
	pfs_wait_wake_due(&bench->queue, is_odd, &one, 0);
	assert_string_equal(bench->order, "bd");
	assert_int_equal(bench->count, 3);
	pfs_wait_wake(&bench->queue, 0);
	assert_string_equal(bench->order, "bdace");
}

static void test_cancelled_is_not_woken_and_a_second_time_is_nothing(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[2];

	begin(bench, waiters, COUNT(waiters));
	pfs_wait_cancel(&waiters[0].wait);
	join(bench, &waiters[0], 0);
	join(bench, &waiters[1], 0);
	pfs_wait_cancel(&waiters[0].wait);
	pfs_wait_cancel(&waiters[0].wait);
	assert_int_equal(bench->count, 1);
	pfs_wait_wake(&bench->queue, 0);
	assert_string_equal(bench->order, "b");
}

/* --- while they are woken ------------------------------------------------------------------ */

static void cancel_other(struct waiter *waiter)
{
	pfs_wait_cancel(&waiter->other->wait);
}

static void test_one_that_is_woken_may_cancel_another(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[3];

	for (unsigned backwards = 0; backwards < 2; backwards++) {
		begin(bench, waiters, COUNT(waiters));
		waiters[0].then = waiters[2].then = cancel_other;
		waiters[0].other = &waiters[2];
		waiters[2].other = &waiters[0];
		for (size_t i = 0; i < COUNT(waiters); i++)
			join(bench, &waiters[i], 1);
		bench->order[0] = bench->order[1] = '\0';
		if (backwards)
			pfs_wait_wake_backwards(&bench->queue, 0);
		else
			pfs_wait_wake_due(&bench->queue, is_odd, &one, 0);
		assert_string_equal(bench->order, backwards ? "cb" : "ab");
		assert_int_equal(bench->count, 0);
	}
}

static void join_again(struct waiter *waiter)
{
	if (waiter->calls < 3)
		join(waiter->bench, waiter, 1);
}

static void test_one_that_joins_again_waits_for_the_next_time(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[2];

	begin(bench, waiters, COUNT(waiters));
	waiters[0].then = waiters[1].then = join_again;
	join(bench, &waiters[0], 1);
	join(bench, &waiters[1], 1);
	pfs_wait_wake(&bench->queue, 0);
	assert_string_equal(bench->order, "ab");
	assert_int_equal(bench->count, 2);
	pfs_wait_wake_due(&bench->queue, is_odd, &one, 0);
	assert_string_equal(bench->order, "abab");
	pfs_wait_wake_backwards(&bench->queue, 0);
	assert_string_equal(bench->order, "ababba");
	assert_int_equal(bench->count, 0);
}

/* What somebody waited for, that is gone before all of them were woken; as is who waited. */
struct thing {
	struct pfs_wait_queue queue;
	unsigned left;
};

struct owned {
	struct pfs_wait wait;
	struct thing *thing;
};

static void free_all(struct pfs_wait *wait, int error)
{
	struct owned *owned = (struct owned *)wait;

	if (owned->thing->left-- == 3) /* the first */
		memset(&owned->thing->queue, 0xa5, sizeof(owned->thing->queue));
	if (!owned->thing->left)
		free(owned->thing);
	free(owned);
}

static void test_the_queue_may_be_gone_after_the_first(void **state)
{
	struct bench *bench = *state;
	struct thing *thing = calloc(1, sizeof(*thing));
	unsigned count = 3;

	assert_non_null(thing);
	pfs_wait_queue_init(&thing->queue, &bench->count);
	thing->left = count;
	for (unsigned i = 0; i < count; i++) {
		struct owned *owned = calloc(1, sizeof(*owned));

		assert_non_null(owned);
		owned->wait.done = free_all;
		owned->thing = thing;
		pfs_wait_join(&thing->queue, &owned->wait);
	}
	pfs_wait_wake(&thing->queue, 0);
	assert_int_equal(bench->count, 0);
}

/* --- deadlines ----------------------------------------------------------------------------- */

static void test_each_is_woken_at_its_deadline(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[4];

	begin(bench, waiters, COUNT(waiters));
	join(bench, &waiters[0], 0);
	join(bench, &waiters[1], 0);
	pass(bench, PFS_SECOND);
	join(bench, &waiters[2], 0);
	join(bench, &waiters[3], 0);
	pass(bench, DEADLINE - PFS_SECOND - 1);
	assert_string_equal(bench->order, "");
	pass(bench, 1);
	assert_string_equal(bench->order, "ab");
	assert_int_equal(waiters[1].error, -ETIMEDOUT);
	assert_int_equal(bench->overdue, 1); /* said once */
	assert_int_equal(bench->count, 2);
	pfs_wait_cancel(&waiters[2].wait);
	pass(bench, PFS_SECOND);
	assert_string_equal(bench->order, "abd");
	assert_int_equal(bench->overdue, 2);
}

/* Its owner may free the queue then. */
static void test_nothing_is_left_running_when_the_last_is_cancelled(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[2];

	begin(bench, waiters, COUNT(waiters));
	join(bench, &waiters[0], 0);
	pass(bench, PFS_SECOND);
	join(bench, &waiters[1], 0);
	pfs_wait_cancel(&waiters[0].wait);
	assert_int_equal(bench->queue.timer.due, waiters[1].wait.deadline);
	pfs_wait_cancel(&waiters[1].wait);
	assert_false(bench->queue.timer.running);
}

static void test_one_that_joins_again_keeps_its_deadline(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[2];

	begin(bench, waiters, COUNT(waiters));
	join(bench, &waiters[0], 0);
	pass(bench, DEADLINE / 2);
	pfs_wait_wake(&bench->queue, 0);
	join(bench, &waiters[1], 0);
	join(bench, &waiters[0], 0); /* behind one with a later deadline */
	pass(bench, DEADLINE / 2 - 1);
	assert_string_equal(bench->order, "a");
	pass(bench, 1);
	assert_string_equal(bench->order, "aa");
	assert_int_equal(waiters[0].error, -ETIMEDOUT);
	assert_false(pfs_wait_join_until(&bench->queue, &waiters[0].wait, 0,
					 pfs_loop_now(bench->loop) + DEADLINE));
	assert_int_equal(bench->count, 1);
	pfs_wait_cancel(&waiters[1].wait);
	pass(bench, 2 * DEADLINE);
	assert_int_equal(bench->overdue, 1);
}

static void test_one_that_is_overdue_may_cancel_another_that_is(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[3];

	begin(bench, waiters, COUNT(waiters));
	waiters[0].then = cancel_other;
	waiters[0].other = &waiters[1];
	for (size_t i = 0; i < COUNT(waiters); i++)
		join(bench, &waiters[i], 0);
	pass(bench, DEADLINE);
	assert_string_equal(bench->order, "ac");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_are_woken_once_in_their_order),
		TEST(test_backwards_the_last_is_first),
		TEST(test_only_those_are_woken_for_whom_it_happened),
		TEST(test_cancelled_is_not_woken_and_a_second_time_is_nothing),
		TEST(test_one_that_is_woken_may_cancel_another),
		TEST(test_one_that_joins_again_waits_for_the_next_time),
		TEST(test_the_queue_may_be_gone_after_the_first),
		TEST(test_each_is_woken_at_its_deadline),
		TEST(test_nothing_is_left_running_when_the_last_is_cancelled),
		TEST(test_one_that_joins_again_keeps_its_deadline),
		TEST(test_one_that_is_overdue_may_cancel_another_that_is),
	};

	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
