/* SPDX-License-Identifier: MIT */
/* Those who poll(2): who is woken, when, and what is asked for their sake. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "watch_fixture.h"

#define MOST	  1024 /* who may be woken */
#define FIRST_KEY 5000 /* of a crowd */

static int poll_file(struct scene *scene, const char *path, uint64_t key, const char *handle,
		     bool *ret_changed)
{
	return pfs_watch_poll(scene->watch, inode_of(scene, path), key, (void *)handle,
			      ret_changed);
}

/* Polls as who sleeps does, and is told this. */
static void assert_polled(struct scene *scene, const char *path, uint64_t key, const char *handle,
			  bool expected)
{
	bool changed = !expected;

	assert_int_equal(poll_file(scene, path, key, handle, &changed), 0);
	assert_int_equal(changed, expected);
}

static void change(struct scene *scene, const char *id, const char *status)
{
	pass(scene->store, TTL_FINAL);
	learn(scene->store, id, status);
}

static void test_change_wakes_who_polls_that_file_and_is_told_once(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	learn(scene->store, "b", "Pending");
	assert_polled(scene, "restore-jobs/a/status", 1, "one", false);
	assert_polled(scene, "restore-jobs/a/backup_id", 2, "two", false);
	assert_polled(scene, "restore-jobs/b/status", 3, "three", false);
	learn_object(scene->bench, "a", "{\"restore_job_id\":\"a\",\"status\":\"Stuck\"}");
	assert_non_null(strstr(scene->told, "wake:one"));
	assert_polled(scene, "restore-jobs/a/status", 1, NULL, true);
	assert_polled(scene, "restore-jobs/a/status", 1, NULL, false);
	assert_polled(scene, "restore-jobs/a/backup_id", 2, NULL, false);
	assert_polled(scene, "restore-jobs/b/status", 3, NULL, false);
}

static void test_who_polls_without_sleeping_reads_the_new_value_too(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	assert_polled(scene, "restore-jobs/a/status", 1, NULL, false);
	learn_object(scene->bench, "a", "{\"restore_job_id\":\"a\",\"status\":\"Stuck\"}");
	assert_host_told(scene, "");
	assert_true(is_fetched_anew(scene, "restore-jobs/a/status"));
	assert_polled(scene, "restore-jobs/a/status", 1, NULL, true);
}

static void test_new_handle_takes_the_place_of_the_one_before(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	assert_polled(scene, "restore-jobs/a/status", 1, "one", false);
	assert_polled(scene, "restore-jobs/a/status", 1, NULL, false); /* it sleeps on */
	assert_host_told(scene, "");
	assert_polled(scene, "restore-jobs/a/status", 1, "two", false);
	assert_host_told(scene, "drop:one");
	pfs_watch_destroy(scene->watch);
	assert_host_told(scene, "drop:two");
	scene->watch = NULL;
}

static void test_end_wakes_who_polls_wait(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	assert_polled(scene, "restore-jobs/a/wait", 1, "one", false);
	live_with_api(scene, TTL + PFS_SECOND, "Stuck");
	assert_host_told(scene, "wake:one"); /* only asked whether it is still there */
	assert_polled(scene, "restore-jobs/a/wait", 1, NULL, false);
	assert_polled(scene, "restore-jobs/a/success", 2, NULL, false);
	live_with_api(scene, TTL, "Failed");
	assert_polled(scene, "restore-jobs/a/wait", 1, NULL, true);
	assert_polled(scene, "restore-jobs/a/success", 2, NULL, true);
}

static void test_vanishing_wakes_who_polls_anything_of_the_object(void **state)
{
	struct scene *scene = *state;
	struct pfs_object *object = learn(scene->store, "a", "Pending");
	uint64_t inode = inode_of(scene, "restore-jobs/a/status");
	bool changed = false;

	learn(scene->store, "b", "Failed");
	pfs_store_hold(scene->store->store, object, 1); /* as the kernel does */
	assert_polled(scene, "restore-jobs/a/status", 1, "one", false);
	assert_polled(scene, "restore-jobs/a/wait", 2, "two", false);
	assert_polled(scene, "restore-jobs/b/status", 3, "three", false);
	for (int i = 0; i < 1000 && !object->gone; i++) {
		scene->told[0] = '\0';
		live(scene, PFS_SECOND);
		(void)ask(scene->store, "a", NULL);
		if (fake_api_is_asked(scene->api, "a"))
			fake_api_fail(scene->api, "a", -ENOENT, 404);
	}
	assert_true(object->gone);
	assert_non_null(strstr(scene->told, "wake:one"));
	assert_non_null(strstr(scene->told, "wake:two"));
	assert_null(strstr(scene->told, "wake:three"));
	assert_int_equal(pfs_watch_poll(scene->watch, inode, 1, NULL, &changed), 0);
	assert_true(changed);
	pfs_store_release(scene->store->store, object, 1);
}

static void test_object_is_asked_for_while_who_polls_answers(void **state)
{
	struct scene *scene = *state;
	unsigned requests = 0;

	learn(scene->store, "a", "Pending");
	assert_polled(scene, "restore-jobs/a/status", 1, "one", false);
	for (int i = 0; i < 500; i++) {
		requests += live_with_api(scene, TTL / 10, "Pending");
		if (!strstr(scene->told, "wake"))
			continue;
		scene->told[0] = '\0';
		assert_polled(scene, "restore-jobs/a/status", 1, "one", false);
		scene->told[0] = '\0';
	}
	assert_uint_in_range(requests, 48, 51);
}

static void test_who_does_not_answer_is_not_asked_for_any_more_but_told_later(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	assert_polled(scene, "restore-jobs/a/status", 1, "one", false);
	assert_uint_in_range(live_with_api(scene, 20 * TTL, "Pending"), 2, 4);
	assert_true(is_at_rest(scene));
	assert_host_told(scene, "wake:one wake:one");
	change(scene, "a", "Failed");
	assert_host_told(scene, "wake:one");
	assert_polled(scene, "restore-jobs/a/status", 1, NULL, true);
}

static void test_whole_history_is_walked_for_who_polls_it(void **state)
{
	struct scene *scene = *state;

	scene->rows = "a";
	learn_list(scene->store, "a");
	assert_polled(scene, "events", 1, "one", false);
	live_with_api(scene, TTL + PFS_SECOND, "Pending");
	scene->told[0] = '\0';
	assert_polled(scene, "events", 1, NULL, false);
	scene->rows = "a b";
	live_with_api(scene, TTL, "Pending");
	assert_polled(scene, "events", 1, NULL, true);
}

/* Those who are there already don't count again. */
static void fill(struct scene *scene, const char *path, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_polled(scene, path, FIRST_KEY + i, NULL, false);
}

static void test_one_too_many_is_refused(void **state)
{
	struct scene *scene = *state;
	bool changed;

	learn(scene->store, "a", "Pending");
	fill(scene, "restore-jobs/a/status", MOST);
	assert_int_equal(poll_file(scene, "restore-jobs/a/status", 1, "one", &changed), -ENOSPC);
	assert_host_told(scene, ""); /* it is still the caller's */
	assert_polled(scene, "restore-jobs/a/status", FIRST_KEY, NULL, false);
}

static void test_place_of_who_is_gone_is_taken_over(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	fill(scene, "restore-jobs/a/status", MOST);
	live_with_api(scene, 4 * TTL, "Pending");
	assert_polled(scene, "restore-jobs/a/status", 1, "one", false);
}

/* Nobody asks for their sake whether they are still there. */
static void test_place_of_who_polls_what_can_not_change_is_taken_over(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	learn(scene->store, "b", "Failed");
	fill(scene, "restore-jobs/b/status", MOST / 2);
	fill(scene, "README", MOST);
	for (uint64_t key = 0; key < MOST; key++)
		assert_polled(scene, "restore-jobs/a/status", key, NULL, false);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_watch, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_change_wakes_who_polls_that_file_and_is_told_once),
		TEST(test_who_polls_without_sleeping_reads_the_new_value_too),
		TEST(test_new_handle_takes_the_place_of_the_one_before),
		TEST(test_end_wakes_who_polls_wait),
		TEST(test_vanishing_wakes_who_polls_anything_of_the_object),
		TEST(test_object_is_asked_for_while_who_polls_answers),
		TEST(test_who_does_not_answer_is_not_asked_for_any_more_but_told_later),
		TEST(test_whole_history_is_walked_for_who_polls_it),
		TEST(test_one_too_many_is_refused),
		TEST(test_place_of_who_is_gone_is_taken_over),
		TEST(test_place_of_who_polls_what_can_not_change_is_taken_over),
	};

	return cmocka_run_group_tests_name("watch_poll", tests, NULL, NULL);
}
