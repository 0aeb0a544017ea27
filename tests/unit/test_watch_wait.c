/* SPDX-License-Identifier: MIT */
/* Who reads `wait`: told at the end, and until then asked for, through whatever fails. */
#include <errno.h>
#include <string.h>

#include "watch_fixture.h"

static void test_wait_for_what_has_ended_is_over_at_once(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};

	learn(scene->store, "a", "Failed");
	assert_int_equal(wait_for(scene, "a", &waiter), 0);
	assert_true(is_at_rest(scene));
}

static void test_wait_asks_once_a_ttl_until_the_end_is_seen(void **state)
{
	struct scene *scene = *state;
	struct waiter first = {0}, second = {0};

	learn(scene->store, "a", "Pending");
	assert_int_equal(wait_for(scene, "a", &first), -EINPROGRESS);
	assert_int_equal(wait_for(scene, "a", &second), -EINPROGRESS);
	assert_int_equal(scene->store->stats.waiting, 2);
	assert_uint_in_range(live_with_api(scene, 20 * TTL, "Pending"), 19, 20);
	assert_int_equal(live_with_api(scene, TTL, "Rumoured"), 1); /* unknown: not an end */
	assert_waiting(&first);
	live_with_api(scene, 2 * TTL, "Completed");
	assert_told(&first, 0);
	assert_told(&second, 0);
	assert_int_equal(scene->store->stats.waiting, 0);
	assert_int_equal(live_with_api(scene, 10 * TTL, "Completed"), 0);
	assert_true(is_at_rest(scene));
}

/* Somebody who, when told, tells the kernel at once how long the attributes hold. */
struct reader {
	struct waiter waiter;
	struct bench *bench;
	int64_t holds;
};

static void note_holds(struct pfs_wait *wait, int error)
{
	struct reader *reader = (struct reader *)wait;
	struct pfs_node node = walk(reader->bench, "restore-jobs/a/wait");
	struct stat stat;

	assert_int_equal(error, 0);
	assert_int_equal(pfs_tree_attributes(reader->bench->tree, &node, &stat, &reader->holds), 0);
	reader->waiter.calls++;
}

static void test_end_of_a_wait_holds_for_the_final_ttl_by_list_and_by_describe(void **state)
{
	struct scene *scene = *state;

	for (unsigned listed = 0; listed < 2; listed++) {
		struct reader reader = {.waiter.wait.done = note_holds, .bench = scene->bench};

		pfs_store_expire(scene->store->store);
		learn(scene->store, "a", "Pending");
		assert_int_equal(wait_for(scene, "a", &reader.waiter), -EINPROGRESS);
		if (listed)
			learn_list(scene->store, "a:Completed");
		else
			live_with_api(scene, 2 * TTL, "Completed");
		assert_int_equal(reader.waiter.calls, 1);
		assert_int_equal(reader.holds, TTL_FINAL);
	}
}

/* Somebody who remembers as the how manieth of all he was told. */
struct turn {
	struct waiter waiter;
	unsigned *told;
	unsigned number;
};

static void note_turn(struct pfs_wait *wait, int error)
{
	struct turn *turn = (struct turn *)wait;

	assert_int_equal(error, 0);
	turn->number = ++*turn->told;
}

/* The kernel keeps the attributes of its last question only, and not if it is told to drop them. */
static void test_end_of_a_wait_is_told_to_the_last_who_came_first(void **state)
{
	struct scene *scene = *state;
	struct turn waiters[4];
	unsigned told = 0;

	learn(scene->store, "a", "Pending");
	for (size_t i = 0; i < COUNT(waiters); i++) {
		waiters[i] = (struct turn){.waiter.wait.done = note_turn, .told = &told};
		assert_int_equal(wait_for(scene, "a", &waiters[i].waiter), -EINPROGRESS);
	}
	give_up(scene, &waiters[1].waiter);
	live_with_api(scene, 2 * TTL, "Completed");
	assert_int_equal(told, 3);
	assert_int_equal(waiters[3].number, 1);
	assert_int_equal(waiters[2].number, 2);
	assert_int_equal(waiters[0].number, 3);
	assert_false(is_fetched_anew(scene, "restore-jobs/a/wait"));
	assert_false(is_fetched_anew(scene, "restore-jobs/a/success"));
}

/* Who waited for one file reads another next. */
static void test_end_of_a_wait_makes_all_that_the_kernel_knows_of_the_job_old(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};

	learn(scene->store, "a", "Pending");
	learn(scene->store, "b", "Pending");
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	pass(scene->store, TTL);
	assert_int_equal(scene->fetch_count, 0);
	learn(scene->store, "b", "Failed");
	assert_int_equal(scene->fetch_count, 0); /* nobody wants to know */
	live_with_api(scene, TTL, "Stuck");
	assert_int_equal(scene->names_forgotten, 0); /* no file came or went */
	live_with_api(scene, TTL, "Failed");
	assert_told(&waiter, 0);
	assert_true(is_fetched_anew(scene, "restore-jobs/a"));
	assert_true(is_fetched_anew(scene, "restore-jobs/a/status"));
	assert_true(is_fetched_anew(scene, "restore-jobs/a/completed_at"));
	assert_true(is_fetched_anew(scene, "restore-jobs/a/events"));
	assert_int_equal(scene->names_forgotten, 1); /* `done` isn't missing any more */
}

/* Nobody asks for it any more, but the list tells that it goes on after all. */
static void test_change_of_a_watched_job_that_had_ended_makes_all_of_it_old(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Completed");
	watch_and_look(scene, "restore-jobs/a/status");
	learn_list(scene->store, "a:Pending");
	assert_true(is_fetched_anew(scene, "restore-jobs/a/completed_at"));
	assert_true(is_fetched_anew(scene, "restore-jobs/a/wait"));
	assert_true(is_fetched_anew(scene, "restore-jobs/a/success"));
	assert_int_equal(scene->names_forgotten, 1);
}

static void test_last_waiter_who_gives_up_ends_the_asking_within_a_ttl(void **state)
{
	struct scene *scene = *state;
	struct waiter first = {0}, second = {0};

	learn(scene->store, "a", "Pending");
	assert_int_equal(wait_for(scene, "a", &first), -EINPROGRESS);
	assert_int_equal(wait_for(scene, "a", &second), -EINPROGRESS);
	give_up(scene, &first);
	assert_uint_in_range(live_with_api(scene, 2 * TTL, "Pending"), 1, 2);
	assert_waiting(&second);
	give_up(scene, &second);
	assert_int_equal(live_with_api(scene, TTL, "Pending"), 0);
	assert_true(is_at_rest(scene));
	assert_int_equal(pfs_store_find(scene->store->store, scene->store->kind, "a")->references,
			 0);
}

/* While the answer is awaited, nothing is to be looked at. */
static void test_wait_wakes_nobody_while_the_api_is_asked(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};
	unsigned wakes;

	learn(scene->store, "a", "Pending");
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	pass(scene->store, TTL + PFS_SECOND);
	assert_true(fake_api_is_asked(scene->api, "a"));
	wakes = scene->store->time.wakes;
	pass(scene->store, 2 * TTL);
	assert_uint_in_range(scene->store->time.wakes - wakes, 0, 2);
	fake_api_status(scene->api, "a", "Completed");
	assert_told(&waiter, 0);
}

static void test_wait_for_what_vanishes_ends_with_an_error(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};
	struct pfs_object *object = learn(scene->store, "a", "Pending");

	pfs_store_hold(scene->store->store, object, 1); /* as the kernel does */
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	for (int i = 0; i < 10000 && !waiter.calls; i++) {
		live(scene, PFS_SECOND);
		if (fake_api_is_asked(scene->api, "a"))
			fake_api_fail(scene->api, "a", -ENOENT, 404);
	}
	assert_told(&waiter, -ESTALE);
	assert_int_equal(pfs_watch_wait(scene->watch, object, prepare(&waiter)), -ESTALE);
	live(scene, 2 * TTL);
	assert_true(is_at_rest(scene));
	pfs_store_release(scene->store->store, object, 1);
}

/* One answer may end many waits, of which each may end, or begin, another. */
struct rude {
	struct waiter waiter;
	struct scene *scene;
	struct rude *other;
};

static void cancel_other(struct pfs_wait *wait, int error)
{
	struct rude *rude = (struct rude *)wait;
	struct pfs_object *object = job(rude->scene);

	give_up(rude->scene, &rude->other->waiter);
	assert_int_equal(pfs_watch_wait(rude->scene->watch, object, prepare(&rude->waiter)), 0);
	rude->waiter.calls = 1;
}

static void test_waiter_may_cancel_another_while_told(void **state)
{
	struct scene *scene = *state;
	struct rude first = {.scene = scene}, second = {.scene = scene};

	first.other = &second;
	second.other = &first;
	first.waiter.wait.done = second.waiter.wait.done = cancel_other;
	learn(scene->store, "a", "Pending");
	assert_int_equal(wait_for(scene, "a", &first.waiter), -EINPROGRESS);
	assert_int_equal(wait_for(scene, "a", &second.waiter), -EINPROGRESS);
	live_with_api(scene, 2 * TTL, "Completed");
	assert_int_equal(first.waiter.calls + second.waiter.calls, 1);
	assert_int_equal(scene->store->stats.waiting, 0);
}

static void test_failing_api_is_asked_at_growing_pauses_and_then_as_before(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};
	int64_t asked[12] = {0}, begun;
	unsigned count = 0;

	learn(scene->store, "a", "Pending");
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	begun = pfs_loop_now(scene->store->loop);
	while (count < COUNT(asked)) {
		live(scene, 20 * PFS_MILLISECOND);
		if (!fake_api_is_asked(scene->api, "a"))
			continue;
		asked[count++] = pfs_loop_now(scene->store->loop) - begun;
		fake_api_fail(scene->api, "a", -EIO, 503);
		assert_true(asked[count - 1] < 1000 * PFS_SECOND);
	}
	for (unsigned i = 1; i < count; i++) {
		int64_t pause = asked[i] - asked[i - 1], least = TTL << (i - 1);

		least = i > 4 || least > 60 * PFS_SECOND ? 60 * PFS_SECOND : least;
		assert_uint_in_range(pause, least, least + PFS_SECOND);
	}
	assert_waiting(&waiter);
	/* One good answer, and the pauses are what they were. */
	assert_uint_in_range(live_with_api(scene, 61 * PFS_SECOND, "Pending"), 1, 13);
	assert_uint_in_range(live_with_api(scene, 10 * TTL, "Pending"), 9, 10);
	give_up(scene, &waiter);
}

/* How often it failed before doesn't count once it was there. */
static void test_outage_after_a_good_answer_begins_with_the_first_pause(void **state)
{
	static const char *const watched[] = {"restore-jobs/a", "restore-jobs"};

	for (size_t i = 0; i < COUNT(watched); i++) {
		struct scene *scene = *state;

		pfs_store_expire(scene->store->store);
		learn(scene->store, "a", "Pending");
		scene->rows = "a";
		fake_poke_unwatch_all(&scene->poke);
		watch_and_look(scene, watched[i]);
		assert_uint_in_range(live_with_api(scene, 70 * PFS_SECOND, NULL), 3, 5);
		while (!live_with_api(scene, PFS_SECOND, "Pending"))
			;
		while (!live_with_api(scene, PFS_SECOND, NULL))
			;
		assert_int_equal(live_with_api(scene, TTL + PFS_SECOND, "Pending"), 1);
	}
}

static void test_pauses_after_failures_end_when_all_is_expired(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, "restore-jobs");
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	live_with_api(scene, 400 * PFS_SECOND, NULL);
	while (!live_with_api(scene, PFS_SECOND, NULL))
		;
	assert_true(live_with_api(scene, 20 * PFS_SECOND, NULL) < 2); /* job and list: one pause */
	pfs_store_expire(scene->store->store);
	pfs_watch_expire(scene->watch);
	/* At once, then after one TTL, then after two: the pauses have begun anew, for both. */
	assert_uint_in_range(live_with_api(scene, 4 * TTL, NULL), 6, 7);
	pfs_store_expire(scene->store->store);
	pfs_watch_expire(scene->watch);
	assert_int_equal(live_with_api(scene, PFS_SECOND, "Pending"), 2);
	assert_waiting(&waiter);
	assert_uint_in_range(live_with_api(scene, 10 * TTL, "Pending"), 9, 20);
	live_with_api(scene, 2 * TTL, "Completed");
	assert_told(&waiter, 0);
}

static void test_api_that_asks_for_a_pause_gets_it(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};

	learn(scene->store, "a", "Pending");
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	live(scene, TTL + PFS_SECOND);
	scene->api->retry_after = 30 * PFS_SECOND;
	fake_api_fail(scene->api, "a", -EBUSY, 429);
	scene->api->retry_after = -1;
	assert_int_equal(live_with_api(scene, 29 * PFS_SECOND, "Pending"), 0);
	assert_int_equal(live_with_api(scene, 2 * PFS_SECOND, "Pending"), 1);
	give_up(scene, &waiter);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_watch, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wait_for_what_has_ended_is_over_at_once),
		TEST(test_wait_asks_once_a_ttl_until_the_end_is_seen),
		TEST(test_end_of_a_wait_holds_for_the_final_ttl_by_list_and_by_describe),
		TEST(test_end_of_a_wait_is_told_to_the_last_who_came_first),
		TEST(test_end_of_a_wait_makes_all_that_the_kernel_knows_of_the_job_old),
		TEST(test_change_of_a_watched_job_that_had_ended_makes_all_of_it_old),
		TEST(test_last_waiter_who_gives_up_ends_the_asking_within_a_ttl),
		TEST(test_wait_wakes_nobody_while_the_api_is_asked),
		TEST(test_wait_for_what_vanishes_ends_with_an_error),
		TEST(test_waiter_may_cancel_another_while_told),
		TEST(test_failing_api_is_asked_at_growing_pauses_and_then_as_before),
		TEST(test_outage_after_a_good_answer_begins_with_the_first_pause),
		TEST(test_pauses_after_failures_end_when_all_is_expired),
		TEST(test_api_that_asks_for_a_pause_gets_it),
	};

	return cmocka_run_group_tests_name("watch_wait", tests, NULL, NULL);
}
