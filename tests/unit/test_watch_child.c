/* SPDX-License-Identifier: MIT */
/* The child that makes the events: its rights, its end, and how much is kept for it. */
#include <errno.h>

#include "watch_fixture.h"

/* At each step: is there a window, and where? */
static void assert_step(struct scene *scene, const char *order, const char *window)
{
	bool open = *window && pfs_watch_is_window(scene->watch, inode_of(scene, window));

	assert_orders(&scene->poke, order);
	assert_true(open == (*window != '\0'));
	assert_true(*window || !pfs_watch_is_window(scene->watch, inode_of(scene, JOB)));
	assert_true(*window || !pfs_watch_is_window(scene->watch, inode_of(scene, JOB "/status")));
	fake_poke_done(&scene->poke);
}

static void test_window_is_open_only_while_the_child_needs_it(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_path(scene, JOB "/status");
	fake_poke_watch(&scene->poke, pfs_tree_done_inode(job(scene)));
	live(scene, LOOK);
	change_job(scene, "Failed");
	pass(scene->store, 0);
	assert_step(scene, "stat:" JOB "/status", JOB "/status");
	assert_step(scene, "modify:" JOB "/status", JOB "/status");
	assert_step(scene, "attrib:" JOB "/status", JOB "/status");
	assert_step(scene, "close:" JOB "/status", JOB "/status");
	assert_step(scene, "stat:" JOB "/status", "");
	if (scene->poke.operation == PFS_POKE_SCAN)
		fake_poke_done(&scene->poke);
	assert_step(scene, "stat:" JOB, JOB);
	assert_step(scene, "mknod:" JOB "/done", JOB);
	assert_step(scene, "stat:" JOB, "");
	assert_false(pfs_watch_is_window(scene->watch, 0));
}

static void test_child_that_ends_leaves_no_window_and_its_event_is_told_by_the_next(void **state)
{
	struct scene *scene = *state;
	uint64_t status;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB "/status");
	status = inode_of(scene, JOB "/status");
	change_job(scene, "Stuck");
	pass(scene->store, 0);
	fake_poke_done(&scene->poke);
	assert_orders(&scene->poke, "stat:" JOB "/status modify:" JOB "/status");
	assert_true(pfs_watch_is_window(scene->watch, status));
	fake_poke_die(&scene->poke);
	assert_false(pfs_watch_is_window(scene->watch, status));
	change_job(scene, "Unstuck");
	assert_orders(&scene->poke, "");
	live(scene, 2 * PFS_SECOND);
	assert_orders(&scene->poke, TOLD(JOB "/status") " stat:" JOB "/status " TOLD(
					    JOB "/status") " stat:" JOB "/status");
	assert_false(pfs_watch_is_window(scene->watch, status));
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
	assert_uint_in_range(scene->poke.asked, 4 * 15000, 4 * 20001);
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
	assert_false(pfs_watch_is_child(scene->watch, 0));
	assert_false(pfs_watch_permits(scene->watch, 0, PFS_POKE_MODIFY, 0, NULL));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_watch, teardown_watch)
#define TEST_WITH_WINDOW(function)                                                                 \
	cmocka_unit_test_setup_teardown(function, setup_watch_with_window, teardown_watch)
#define TEST_WITHOUT_CHILD(function)                                                               \
	cmocka_unit_test_setup_teardown(function, setup_watch_without_child, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH_WINDOW(test_window_is_open_only_while_the_child_needs_it),
		TEST_WITH_WINDOW(
			test_child_that_ends_leaves_no_window_and_its_event_is_told_by_the_next),
		TEST(test_order_to_a_child_that_has_just_ended_is_for_the_next),
		TEST(test_changes_are_not_kept_for_a_child_that_may_never_come),
		TEST(test_changes_past_the_bound_are_not_told_and_later_ones_are),
		TEST(test_changes_that_nobody_watches_leave_room_for_those_that_are_watched),
		TEST_WITHOUT_CHILD(test_without_a_child_nothing_is_told_and_nothing_kept),
	};

	return cmocka_run_group_tests_name("watch_child", tests, NULL, NULL);
}
