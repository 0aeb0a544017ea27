/* SPDX-License-Identifier: MIT */
/* Who wants to know, and what is asked of the API for their sake: no more than it takes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "watch_fixture.h"

/* --- the list ------------------------------------------------------------------------------ */

static void learn_many(struct scene *scene, unsigned count, char *rows, size_t size)
{
	rows[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		snprintf(rows + strlen(rows), size - strlen(rows), "job%u ", i);
	learn_list(scene->store, rows);
	scene->rows = rows;
}

static void watch_many(struct scene *scene, unsigned count)
{
	char path[60];

	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "restore-jobs/job%u/status", i);
		watch_path(scene, path);
	}
	live_with_api(scene, LOOK + TTL, "Pending");
}

static void test_watched_objects_of_a_list_are_asked_for_by_the_list(void **state)
{
	struct scene *scene = *state;
	unsigned describes, lists;
	char rows[1000];

	learn_many(scene, 50, rows, sizeof(rows));
	watch_many(scene, 50);
	describes = scene->api->describes;
	lists = scene->api->lists;
	live_with_api(scene, 10 * TTL, "Pending");
	assert_int_equal(scene->api->describes, describes);
	assert_uint_in_range(scene->api->lists - lists, 9, 10);
}

/* They run out one after the other, so that there are never many at once. */
static void test_watched_objects_that_were_looked_up_are_asked_for_by_the_list(void **state)
{
	struct scene *scene = *state;
	char rows[1000] = "", id[20];
	unsigned describes, lists;

	for (unsigned i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "job%u", i);
		learn(scene->store, id, "Pending");
		snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows), "%s ", id);
		pass(scene->store, TTL / 40);
	}
	scene->rows = rows;
	watch_many(scene, 40);
	describes = scene->api->describes;
	lists = scene->api->lists;
	live_with_api(scene, 10 * TTL, "Pending");
	assert_int_equal(scene->api->describes, describes);
	assert_uint_in_range(scene->api->lists - lists, 9, 10);
}

static void test_few_watched_objects_of_a_list_are_asked_for_one_by_one(void **state)
{
	struct scene *scene = *state;
	unsigned lists;
	char rows[1000];

	learn_many(scene, 50, rows, sizeof(rows));
	watch_many(scene, 1);
	lists = scene->api->lists;
	assert_uint_in_range(live_with_api(scene, 10 * TTL, "Pending"), 9, 10);
	assert_int_equal(scene->api->lists, lists);
}

static void test_watched_objects_that_the_list_leaves_out_are_asked_for_all_the_same(void **state)
{
	struct scene *scene = *state;
	unsigned describes;
	char rows[1000];

	learn_many(scene, 50, rows, sizeof(rows));
	watch_many(scene, 50);
	scene->rows = strchr(rows, ' ') + 1; /* all but the first */
	live_with_api(scene, 3 * TTL, "Pending");
	describes = scene->api->describes;
	live_with_api(scene, 10 * TTL, "Pending");
	assert_uint_in_range(scene->api->describes - describes, 9, 11);
}

static void test_watched_list_is_walked_once_a_ttl_and_no_longer_than_it_is_watched(void **state)
{
	struct scene *scene = *state;

	scene->rows = "a b";
	watch_and_look(scene, "restore-jobs");
	assert_uint_in_range(live_with_api(scene, 10 * TTL, "Pending"), 10, 11);
	assert_int_equal(scene->api->describes, 0);
	fake_poke_unwatch_all(&scene->poke);
	assert_uint_in_range(live_with_api(scene, 2 * TTL, "Pending"), 0, 1);
	assert_true(is_at_rest(scene));
}

static void test_watched_list_wakes_nobody_while_it_holds(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};
	unsigned wakes;

	scene->rows = "a";
	watch_and_look(scene, "restore-jobs");
	while (!live_with_api(scene, PFS_SECOND, "Pending"))
		;
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	wakes = scene->store->time.wakes;
	pass(scene->store, TTL / 2);
	assert_uint_in_range(scene->store->time.wakes - wakes, 0, 2);
	give_up(scene, &waiter);
}

static void test_whole_history_counts_as_the_list(void **state)
{
	struct scene *scene = *state;

	scene->rows = "a b";
	watch_and_look(scene, "events");
	assert_uint_in_range(live_with_api(scene, 10 * TTL, "Pending"), 10, 11);
}

static void test_failing_list_is_asked_at_growing_pauses_and_then_as_before(void **state)
{
	struct scene *scene = *state;

	scene->rows = "a";
	watch_and_look(scene, "restore-jobs");
	live_with_api(scene, TTL, "Pending");
	/* 5, 10, 20, 40, 60 and 60 seconds */
	assert_uint_in_range(live_with_api(scene, 200 * PFS_SECOND, NULL), 5, 8);
	assert_uint_in_range(live_with_api(scene, 61 * PFS_SECOND, "Pending"), 1, 13);
	assert_uint_in_range(live_with_api(scene, 10 * TTL, "Pending"), 9, 10);
}

/* --- who is watching ----------------------------------------------------------------------- */

static void test_nobody_watches_and_no_timer_runs_after_the_look(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	assert_true(is_at_rest(scene));
	pfs_watch_noticed(scene->watch);
	live(scene, LOOK - 40 * PFS_MILLISECOND);
	assert_int_equal(scene->poke.scans, 0);
	live(scene, 80 * PFS_MILLISECOND);
	assert_int_equal(scene->poke.scans, 1);
	assert_true(is_at_rest(scene));
	assert_int_equal(live_with_api(scene, 20 * TTL, "Pending"), 0);
	assert_int_equal(scene->poke.scans, 1);
}

static void test_watchers_are_looked_for_while_messages_come_and_after_the_last(void **state)
{
	struct scene *scene = *state;
	unsigned scans;

	for (int i = 0; i < 100; i++) {
		pfs_watch_noticed(scene->watch);
		live(scene, TTL / 10);
	}
	assert_uint_in_range(scene->poke.scans, 8, 10);
	scans = scene->poke.scans;
	live(scene, 2 * LOOK);
	assert_uint_in_range(scene->poke.scans - scans, 1, 2);
	assert_true(is_at_rest(scene));
}

static void test_watched_object_is_asked_for_once_a_ttl_while_it_is_watched(void **state)
{
	static const char *const paths[] = {
		"restore-jobs/a",
		"restore-jobs/a/status",
		"restore-jobs/a/events",
	};

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct scene *scene = *state;

		live(scene, 2 * TTL);
		learn(scene->store, "a", "Pending");
		learn(scene->store, "b", "Pending");
		watch_and_look(scene, paths[i]);
		assert_uint_in_range(live_with_api(scene, 10 * TTL, "Pending"), 9, 11);
		fake_poke_unwatch_all(&scene->poke);
		assert_uint_in_range(live_with_api(scene, 2 * TTL, "Pending"), 0, 1);
		assert_true(is_at_rest(scene));
	}
}

static void test_what_can_not_change_is_not_asked_for_however_it_is_watched(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Completed");
	watch_path(scene, "restore-jobs/a");
	watch_path(scene, "restore-jobs/a/status");
	watch_path(scene, "README");
	live(scene, LOOK);
	assert_int_equal(live_with_api(scene, 20 * TTL, "Completed"), 0);
	assert_true(is_at_rest(scene));
}

static void test_watchers_are_told_with_process_name_and_path(void **state)
{
	struct scene *scene = *state;
	struct pfs_buffer *buffer = &scene->bench->buffer;

	learn(scene->store, "a", "Completed");
	watch_path(scene, "restore-jobs/a/status");
	watch_path(scene, "restore-jobs");
	fake_poke_watch(&scene->poke, 64 * 99); /* of nothing that is there */
	strcpy(scene->poke.watchers[1].name, "a\tb\n");
	live(scene, LOOK);
	pfs_buffer_clear(buffer);
	pfs_watch_render(scene->watch, buffer);
	assert_string_equal(buffer->bytes, "12\ta\\tb\\n\t/restore-jobs\n"
					   "12\tentr\t/restore-jobs/a/status\n");
}

/* --- the child's end ----------------------------------------------------------------------- */

static void test_child_that_ends_has_a_successor_and_who_watches_is_asked_for(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, "restore-jobs/a");
	fake_poke_die(&scene->poke);
	assert_int_equal(scene->poke.restarts, 0);
	assert_uint_in_range(live_with_api(scene, 4 * TTL, "Pending"), 3, 4);
	assert_int_equal(scene->poke.restarts, 1);
	fake_poke_unwatch_all(&scene->poke);
	live_with_api(scene, 2 * TTL, "Pending");
	assert_int_equal(live_with_api(scene, 20 * TTL, "Pending"), 0);
	assert_true(is_at_rest(scene));
}

static void
test_child_that_ends_at_once_is_started_at_growing_pauses_and_asks_for_nobody(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};

	learn(scene->store, "a", "Pending");
	watch_path(scene, "restore-jobs");
	watch_and_look(scene, "restore-jobs/a");
	scene->poke.restart_error = -EAGAIN;
	fake_poke_die(&scene->poke);
	live_with_api(scene, 2 * PFS_SECOND, "Pending");
	pfs_watch_noticed(scene->watch);
	live_with_api(scene, TTL, "Pending");
	assert_int_equal(live_with_api(scene, 600 * PFS_SECOND, "Pending"), 0);
	assert_uint_in_range(scene->poke.restarts, 14, 17);
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	live_with_api(scene, 2 * TTL, "Completed");
	assert_told(&waiter, 0);
	/* One that does something is a child again; and after a long life the pauses begin anew. */
	scene->poke.restart_error = 0;
	fake_poke_unwatch_all(&scene->poke);
	live_with_api(scene, 150 * PFS_SECOND, "Completed");
	assert_true(is_at_rest(scene));
	scene->poke.restarts = 0;
	fake_poke_die(&scene->poke);
	live_with_api(scene, 2 * PFS_SECOND, "Completed");
	assert_int_equal(scene->poke.restarts, 1);
}

/* A child that lived for a minute is the first to end, a younger one the second. */
static void test_child_that_lived_for_a_minute_ends_as_the_first(void **state)
{
	static const struct {
		int64_t life;
		unsigned restarts; /* within the first pause */
	} rows[] = {
		{58 * PFS_SECOND, 0},
		{62 * PFS_SECOND, 1},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene *scene = *state;

		live(scene, 70 * PFS_SECOND);
		fake_poke_die(&scene->poke);
		live(scene, PFS_SECOND + 40 * PFS_MILLISECOND);
		live(scene, rows[i].life);
		scene->poke.restarts = 0;
		fake_poke_die(&scene->poke);
		live(scene, PFS_SECOND + 40 * PFS_MILLISECOND);
		assert_int_equal(scene->poke.restarts, rows[i].restarts);
		live(scene, PFS_SECOND);
		assert_int_equal(scene->poke.restarts, 1);
	}
}

static void test_second_child_that_ends_soon_leaves_no_watchers(void **state)
{
	struct scene *scene = *state;
	struct pfs_buffer *buffer = &scene->bench->buffer;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, "restore-jobs/a");
	for (unsigned ended = 1; ended <= 2; ended++) {
		fake_poke_die(&scene->poke);
		pfs_buffer_clear(buffer);
		assert_int_equal(pfs_buffer_add_string(buffer, ""), 0);
		pfs_watch_render(scene->watch, buffer);
		assert_string_equal(buffer->bytes, ended == 1 ? "12\tentr\t/restore-jobs/a\n" : "");
		live(scene, PFS_SECOND + 100 * PFS_MILLISECOND);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_watch, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_watched_objects_of_a_list_are_asked_for_by_the_list),
		TEST(test_watched_objects_that_were_looked_up_are_asked_for_by_the_list),
		TEST(test_few_watched_objects_of_a_list_are_asked_for_one_by_one),
		TEST(test_watched_objects_that_the_list_leaves_out_are_asked_for_all_the_same),
		TEST(test_watched_list_is_walked_once_a_ttl_and_no_longer_than_it_is_watched),
		TEST(test_watched_list_wakes_nobody_while_it_holds),
		TEST(test_whole_history_counts_as_the_list),
		TEST(test_failing_list_is_asked_at_growing_pauses_and_then_as_before),
		TEST(test_nobody_watches_and_no_timer_runs_after_the_look),
		TEST(test_watchers_are_looked_for_while_messages_come_and_after_the_last),
		TEST(test_watched_object_is_asked_for_once_a_ttl_while_it_is_watched),
		TEST(test_what_can_not_change_is_not_asked_for_however_it_is_watched),
		TEST(test_watchers_are_told_with_process_name_and_path),
		TEST(test_child_that_ends_has_a_successor_and_who_watches_is_asked_for),
		TEST(test_child_that_lived_for_a_minute_ends_as_the_first),
		TEST(test_second_child_that_ends_soon_leaves_no_watchers),
		TEST(test_child_that_ends_at_once_is_started_at_growing_pauses_and_asks_for_nobody),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
