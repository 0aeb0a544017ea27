/* SPDX-License-Identifier: MIT */
/* The child that makes the events: its rights, its end, and how much is kept for it. */
#include <errno.h>

#include "watch_fixture.h"

static void test_event_at_which_the_child_ends_is_made_by_the_next(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB "/status");
	change_job(scene, "Stuck");
	pass(scene->store, 0);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
	fake_poke_die(&scene->poke);
	change_job(scene, "Unstuck");
	assert_orders(&scene->poke, "");
	live(scene, 2 * PFS_SECOND);
	assert_orders(&scene->poke, TOLD(JOB "/status") " " TOLD(JOB "/status"));
}

static void test_event_that_was_made_before_the_child_ended_is_not_made_again(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB "/status");
	change_job(scene, "Stuck");
	pass(scene->store, 0);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
	scene->poke.made = true;
	fake_poke_die(&scene->poke);
	change_job(scene, "Unstuck");
	live(scene, 2 * PFS_SECOND);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
}

static void test_order_to_a_child_that_has_just_ended_is_for_the_next(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB);
	scene->poke.dead = true; /* and nobody has heard of it yet */
	change_job(scene, "Stuck");
	blink(scene);
	fake_poke_die(&scene->poke);
	live(scene, 2 * PFS_SECOND);
	assert_orders(&scene->poke, ALL_TOLD);
}

/* A second one that ends soon: there may be none for long, and nothing is kept for it. */
static void test_changes_are_not_kept_for_a_child_that_may_never_come(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB "/status");
	scene->poke.restart_error = -EAGAIN;
	fake_poke_die(&scene->poke);
	live(scene, 2 * TTL);
	change_job(scene, "Stuck");
	live(scene, 2 * TTL);
	assert_int_equal(job(scene)->references, 0);
	scene->poke.restart_error = 0;
	live(scene, 120 * PFS_SECOND);
	assert_orders(&scene->poke, "");
	change_job(scene, "Unstuck");
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
}

static void test_changes_past_the_bound_are_not_told_and_later_ones_are(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB);
	/* The child is stopped: three files each time. */
	for (unsigned i = 0; i < 8000; i++)
		change_job(scene, i % 2 ? "Stuck" : "Pending");
	pass(scene->store, 0);
	fake_poke_work(&scene->poke);
	assert_uint_in_range(scene->poke.asked, 15000, 20001);
	blink(scene);
	scene->poke.orders[0] = '\0';
	change_job(scene, "Over");
	blink(scene);
	assert_orders(&scene->poke, ALL_TOLD);
}

/* Many that perhaps nobody watches leave room for those that somebody does. */
static void test_changes_that_nobody_watches_leave_room_for_those_that_are_watched(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	learn(scene->store, "b", "Pending");
	watch_and_look(scene, JOB "/status");
	pass(scene->store, PFS_SECOND);
	for (unsigned i = 0; i < 21000; i++) {
		pfs_store_expire(scene->store->store);
		learn(scene->store, "b", i % 2 ? "Stuck" : "Pending");
	}
	change_job(scene, "Stuck");
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
}

static void test_without_a_child_nothing_is_told_and_nothing_kept(void **state)
{
	struct scene *scene = *state;

	learn_list(scene->store, "a");
	pfs_watch_noticed(scene->watch);
	change_job(scene, "Stuck");
	assert_int_equal(job(scene)->references, 0);
	assert_true(is_at_rest(scene));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_watch, teardown_watch)
#define TEST_WITHOUT_CHILD(function)                                                               \
	cmocka_unit_test_setup_teardown(function, setup_watch_without_child, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_event_at_which_the_child_ends_is_made_by_the_next),
		TEST(test_event_that_was_made_before_the_child_ended_is_not_made_again),
		TEST(test_order_to_a_child_that_has_just_ended_is_for_the_next),
		TEST(test_changes_are_not_kept_for_a_child_that_may_never_come),
		TEST(test_changes_past_the_bound_are_not_told_and_later_ones_are),
		TEST(test_changes_that_nobody_watches_leave_room_for_those_that_are_watched),
		TEST_WITHOUT_CHILD(test_without_a_child_nothing_is_told_and_nothing_kept),
	};

	return cmocka_run_group_tests_name("watch_child", tests, NULL, NULL);
}
