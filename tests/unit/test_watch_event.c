/* SPDX-License-Identifier: MIT */
/* What the kernel is told, through the child: only what is watched, in order, and once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "watch_fixture.h"

#define MANY 34 /* busy directories: two more than are kept apart */

/* --- whom it concerns ---------------------------------------------------------------------- */

static void test_changes_that_nobody_watches_cost_one_look_and_nothing_is_kept(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	pass(scene->store, PFS_SECOND);
	change_job(scene, "Stuck");
	change_job(scene, "Failed");
	blink(scene);
	assert_orders(&scene->poke, "");
	assert_int_equal(job(scene)->references, 0);
	assert_int_equal(scene->poke.scans, 1);
	assert_true(is_at_rest(scene));
}

/* The kernel may have looked at what it is set on long ago. */
static void test_watch_that_was_set_without_a_message_is_found(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	pfs_watch_noticed(scene->watch);
	live(scene, 2 * LOOK);
	fake_poke_watch(&scene->poke, PFS_ROOT_INODE);
	change_job(scene, "Stuck");
	blink(scene);
	assert_orders(&scene->poke, TOLD("events"));
}

static void test_change_is_told_of_the_file_that_is_watched(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB "/status");
	change_job(scene, "Stuck");
	fake_poke_work(&scene->poke);
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
}

static void test_change_is_told_of_each_changed_file_in_a_watched_directory(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB);
	change_job(scene, "Stuck");
	blink(scene);
	assert_orders(&scene->poke, ALL_TOLD);
	change_job(scene, "Failed");
	blink(scene);
	assert_orders(&scene->poke, ALL_TOLD " mknod:" JOB "/done");
}

static void test_watch_set_since_the_last_look_is_found_before_a_change_is_told(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	pass(scene->store, PFS_SECOND);
	watch_path(scene, JOB "/events");
	change_job(scene, "Stuck");
	assert_orders(&scene->poke, "");
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/events"));
}

/* A look that was under way when it happened may have passed by the watch too early. */
static void test_watch_that_a_look_under_way_may_have_missed_is_found_by_the_next(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	pfs_watch_noticed(scene->watch);
	pass(scene->store, LOOK);
	assert_true(scene->poke.scanning);
	pass(scene->store, PFS_SECOND);
	pfs_watch_noticed(scene->watch);
	change_job(scene, "Stuck");
	fake_poke_done(&scene->poke); /* nobody seen */
	watch_path(scene, JOB "/status");
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
	assert_int_equal(scene->poke.scans, 2);
}

static void test_two_changes_before_a_look_are_told_each_by_its_files(void **state)
{
	struct scene *scene = *state;

	learn_object(scene->bench, "a", "{\"restore_job_id\":\"a\",\"backup_id\":\"1\"}");
	pass(scene->store, PFS_SECOND);
	watch_path(scene, JOB "/status");
	watch_path(scene, JOB "/backup_id");
	answer_job(scene, "{\"restore_job_id\":\"a\",\"backup_id\":\"2\"}");
	answer_job(scene, "{\"restore_job_id\":\"a\",\"backup_id\":\"2\",\"status\":\"Pending\"}");
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/backup_id") " " TOLD(JOB "/status"));
}

static void test_watcher_who_has_gone_is_not_told(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB "/status");
	fake_poke_unwatch_all(&scene->poke);
	live_with_api(scene, 3 * TTL, "Pending");
	change_job(scene, "Stuck");
	blink(scene);
	assert_orders(&scene->poke, "");
}

/* The scan under way takes so long that the next one is wanted before it ends. */
static void end_long_scan(struct scene *scene)
{
	assert_true(scene->poke.scanning);
	pfs_watch_noticed(scene->watch);
	pass(scene->store, 2 * LOOK);
	fake_poke_done(&scene->poke);
}

static void test_scans_and_events_without_end_leave_time_for_each_other(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB);
	pfs_watch_noticed(scene->watch);
	pass(scene->store, LOOK);
	change_job(scene, "Stuck");
	end_long_scan(scene);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
	for (unsigned i = 0; i < 3; i++)
		fake_poke_done(&scene->poke);
	assert_orders(&scene->poke, TOLD(JOB "/raw.json") " " TOLD(JOB "/events"));
	change_job(scene, "Pending");
	end_long_scan(scene);
	pass(scene->store, 2 * LOOK);
	fake_poke_done(&scene->poke);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
	assert_true(scene->poke.scanning);
}

/* --- names --------------------------------------------------------------------------------- */

static void test_first_listing_is_no_news_and_what_comes_after_is(void **state)
{
	struct scene *scene = *state;

	watch_and_look(scene, "restore-jobs");
	scene->rows = "a b";
	live_with_api(scene, TTL, "Pending");
	assert_orders(&scene->poke, "");
	scene->rows = "a b c";
	live_with_api(scene, TTL, "Pending");
	assert_orders(&scene->poke, "mkdir:restore-jobs/c");
	live_with_api(scene, 3 * TTL, "Pending");
	assert_orders(&scene->poke, "");
}

static void test_name_waits_for_a_busy_directory_and_holds_up_no_other(void **state)
{
	struct scene *scene = *state;

	scene->rows = "a";
	watch_and_look(scene, "restore-jobs");
	live_with_api(scene, TTL, "Pending");
	watch_and_look(scene, JOB "/status");
	scene->busy = inode_of(scene, "restore-jobs");
	learn(scene->store, "b", "Pending");
	learn(scene->store, "c", "Pending");
	change_job(scene, "Stuck");
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
	scene->busy = 0;
	blink(scene);
	assert_orders(&scene->poke, "mkdir:restore-jobs/b mkdir:restore-jobs/c");
}

/* What comes after an event that waits, in its directory, comes after it; elsewhere it doesn't. */
static void test_events_of_one_directory_keep_their_order(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB);
	fake_poke_watch(&scene->poke, PFS_ROOT_INODE);
	live(scene, LOOK);
	scene->busy = inode_of(scene, JOB);
	change_job(scene, "Failed");
	change_job(scene, "Cancelled");
	blink(scene);
	assert_orders(&scene->poke, ALL_TOLD " " TOLD("events"));
	scene->busy = 0;
	blink(scene);
	assert_orders(&scene->poke,
		      "mknod:" JOB "/done " TOLD(JOB "/status") " " TOLD(JOB "/raw.json") " " TOLD(
			      JOB "/done") " " TOLD(JOB "/events"));
}

static void change_all(struct scene *scene, const char *status)
{
	char name[30];

	pfs_store_expire(scene->store->store);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "job%u", i);
		assert_int_equal(ask(scene->store, name, NULL), -EINPROGRESS);
		fake_api_status(scene->api, name, status);
	}
	blink(scene);
}

/* Where more of them are busy than are kept apart, the rest waits, too. */
static void test_events_keep_their_order_in_however_many_busy_directories(void **state)
{
	struct scene *scene = *state;
	char name[30];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "job%u", i);
		learn(scene->store, name, "Pending");
		snprintf(name, sizeof(name), "restore-jobs/job%u", i);
		watch_path(scene, name);
	}
	live(scene, LOOK);
	scene->busy = EVERY_DIRECTORY;
	change_all(scene, "Failed");
	change_all(scene, "Cancelled");
	/* What comes before `done`: of the first change three files, of the second none. */
	assert_uint_in_range(scene->poke.asked, 3 * (MANY - 2), 3 * MANY);
	scene->busy = 0;
	blink(scene);
	assert_int_equal(scene->poke.asked, (3 + 1 + 4) * MANY);
}

static void vanish(struct scene *scene)
{
	pfs_store_expire(scene->store->store);
	(void)ask(scene->store, "a", NULL);
	fake_api_fail(scene->api, "a", -ENOENT, 404);
}

/* Its files go first, and one of them waits. */
static void test_directory_goes_after_what_waits_in_it(void **state)
{
	struct scene *scene = *state;

	learn_list(scene->store, "a b");
	watch_and_look(scene, JOB "/status");
	scene->busy = inode_of(scene, JOB);
	vanish(scene);
	vanish(scene);
	blink(scene);
	assert_orders(&scene->poke, "");
	scene->busy = 0;
	blink(scene);
	assert_orders(&scene->poke, "unlink:" JOB "/status rmdir:" JOB);
}

/* The child looks its name up there. */
static void test_file_waits_for_the_directory_that_its_own_has_vanished_from(void **state)
{
	struct scene *scene = *state;

	learn_list(scene->store, "a b");
	watch_and_look(scene, JOB "/status");
	scene->busy = inode_of(scene, "restore-jobs");
	vanish(scene);
	blink(scene);
	assert_orders(&scene->poke, "");
	scene->busy = 0;
	blink(scene);
	assert_orders(&scene->poke, "unlink:" JOB "/status rmdir:" JOB);
}

static void test_vanishing_is_told_by_its_name_which_only_the_child_still_sees(void **state)
{
	struct scene *scene = *state;
	uint64_t jobs, slot;

	scene->rows = "a b";
	learn_list(scene->store, "a b");
	watch_and_look(scene, "restore-jobs");
	jobs = inode_of(scene, "restore-jobs");
	slot = job(scene)->slot;
	vanish(scene);
	assert_null(job(scene));
	pass(scene->store, PFS_MILLISECOND);
	assert_orders(&scene->poke, "rmdir:restore-jobs/a");
	assert_int_equal(scene->poke.event.inode, slot * 64);
	assert_int_equal(scene->poke.event.directory, jobs);
	/* Held until it is told. */
	assert_non_null(pfs_store_by_slot(scene->store->store, scene->store->kind, slot));
	fake_poke_work(&scene->poke);
	assert_null(pfs_store_by_slot(scene->store->store, scene->store->kind, slot));
}

static void test_who_watches_a_file_of_what_vanishes_is_told_too(void **state)
{
	struct scene *scene = *state;
	const struct pfs_poke_event *event = &scene->poke.event;
	uint64_t jobs, directory, status;

	learn_list(scene->store, "a b");
	watch_and_look(scene, JOB "/status");
	jobs = inode_of(scene, "restore-jobs");
	directory = inode_of(scene, JOB);
	status = inode_of(scene, JOB "/status");
	vanish(scene);
	pass(scene->store, PFS_MILLISECOND);
	assert_orders(&scene->poke, "unlink:" JOB "/status");
	assert_int_equal(event->inode, status);
	assert_int_equal(event->directory, directory);
	assert_int_equal(event->gone_from, jobs); /* or the child could not remove what is in it */
	fake_poke_done(&scene->poke);
	assert_orders(&scene->poke, "rmdir:" JOB);
	assert_int_equal(event->inode, directory);
	assert_int_equal(event->directory, jobs);
	assert_int_equal(event->gone_from, 0);
	fake_poke_work(&scene->poke);
}

static void test_watch_on_a_file_is_found_when_its_object_has_vanished(void **state)
{
	struct scene *scene = *state;

	learn_list(scene->store, "a b");
	pass(scene->store, PFS_SECOND);
	watch_path(scene, JOB "/events");
	vanish(scene);
	blink(scene);
	assert_orders(&scene->poke, "unlink:" JOB "/events rmdir:" JOB);
}

/* A change that was queued whole: the events of its files take its place. */
static void test_files_of_a_change_keep_its_place_among_the_events(void **state)
{
	struct scene *scene = *state;

	learn_list(scene->store, "a b");
	pass(scene->store, PFS_SECOND);
	watch_path(scene, JOB "/status");
	watch_path(scene, "restore-jobs");
	change_job(scene, "Stuck");
	learn(scene->store, "c", "Pending");
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/status") " mkdir:restore-jobs/c");
}

/* It has vanished and come again, before a scan found who watches: gone first, then there. */
static void test_events_keep_their_order_when_a_scan_finds_who_watches(void **state)
{
	struct scene *scene = *state;

	learn_list(scene->store, "a b");
	pass(scene->store, PFS_SECOND);
	watch_path(scene, "restore-jobs");
	vanish(scene);
	learn(scene->store, "a", "Pending");
	blink(scene);
	assert_orders(&scene->poke, "rmdir:restore-jobs/a mkdir:restore-jobs/a");
}

static void test_event_of_a_name_says_where_it_is(void **state)
{
	struct scene *scene = *state;
	uint64_t jobs;

	learn_list(scene->store, "b");
	watch_and_look(scene, "restore-jobs");
	jobs = inode_of(scene, "restore-jobs");
	learn(scene->store, "a", "Pending");
	pass(scene->store, PFS_MILLISECOND);
	assert_orders(&scene->poke, "mkdir:restore-jobs/a");
	assert_int_equal(scene->poke.event.inode, pfs_tree_object_inode(job(scene)));
	assert_int_equal(scene->poke.event.directory, jobs);
	assert_int_equal(scene->poke.event.gone_from, 0);
}

static void test_event_that_can_not_be_made_is_logged_and_the_next_is_made(void **state)
{
	struct scene *scene = *state;
	struct capture capture;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, JOB);
	change_job(scene, "Stuck");
	pass(scene->store, PFS_MILLISECOND);
	assert_orders(&scene->poke, TOLD(JOB "/status"));
	pfs_log_open(PFS_LOG_DEBUG, PFS_LOG_STDERR, NULL);
	capture_begin(&capture);
	fake_poke_fail(&scene->poke, -EACCES);
	assert_string_equal(capture_end(&capture),
			    "pinefs: watch: " JOB "/status: no event: Permission denied\n");
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	fake_poke_work(&scene->poke);
	assert_orders(&scene->poke, TOLD(JOB "/raw.json") " " TOLD(JOB "/events"));
}

/* --- the history of all -------------------------------------------------------------------- */

static void test_many_lines_of_the_whole_history_are_one_change_of_it(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	watch_and_look(scene, "events");
	change_job(scene, "Stuck");
	pass(scene->store, 0);
	assert_orders(&scene->poke,
		      TOLD("events")); /* begun: it may be read before the next line */
	for (unsigned i = 0; i < 20; i++)
		change_job(scene, i % 2 ? "Stuck" : "Pending");
	blink(scene);
	assert_orders(&scene->poke, TOLD("events"));
	change_job(scene, "Over");
	blink(scene);
	assert_orders(&scene->poke, TOLD("events"));
}

/* The event that waits is of the last line: who came between two of them hears of the second. */
static void test_line_of_the_whole_history_is_told_to_who_came_after_the_one_before(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Pending");
	pass(scene->store, PFS_SECOND);
	change_job(scene, "Stuck");
	pass(scene->store, 20 * PFS_MILLISECOND);
	assert_true(scene->poke.scanning);
	pass(scene->store, 20 * PFS_MILLISECOND);
	change_job(scene, "Pending");
	fake_poke_done(&scene->poke); /* nobody seen */
	watch_path(scene, "events");
	blink(scene);
	assert_orders(&scene->poke, TOLD("events"));
}

/* Until a history begins a new file. */
static void fill_history(struct scene *scene, const char *path)
{
	uint64_t inode = inode_of(scene, path);

	for (unsigned i = 0; i < 1000 && inode_of(scene, path) == inode; i++) {
		scene->poke.orders[0] = '\0';
		change_job(scene, i % 2 ? "Stuck" : "Pending");
		blink(scene);
	}
	assert_int_not_equal(inode_of(scene, path), inode);
}

static void test_who_watches_a_history_is_told_that_it_goes_on_elsewhere(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Stuck");
	watch_and_look(scene, "events");
	fill_history(scene, "events");
	assert_orders(&scene->poke, REPLACED("events"));
	/* Now the kernel has no watch on it any more, until there is a new one. */
	fake_poke_unwatch_all(&scene->poke);
	watch_and_look(scene, JOB "/events");
	fill_history(scene, JOB "/events");
	assert_orders(&scene->poke, REPLACED(JOB "/events"));
	fake_poke_unwatch_all(&scene->poke);
	watch_and_look(scene, JOB "/events");
	change_job(scene, "Over");
	blink(scene);
	assert_orders(&scene->poke, TOLD(JOB "/events"));
}

static void test_watch_on_a_history_is_found_when_that_has_been_rotated(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Stuck");
	for (unsigned i = 0; i < 1000; i++) {
		pfs_watch_noticed(scene->watch);
		fake_poke_unwatch_all(&scene->poke);
		fake_poke_watch(&scene->poke, inode_of(scene, JOB "/events"));
		live(scene, PFS_SECOND); /* too soon for a look */
		change_job(scene, i % 2 ? "Stuck" : "Pending");
		if (inode_of(scene, JOB "/events") != scene->poke.watchers[0].inode)
			break;
		fake_poke_unwatch_all(&scene->poke);
		live(scene, LOOK);
	}
	assert_orders(&scene->poke, "");
	blink(scene);
	assert_orders(&scene->poke, REPLACED(JOB "/events"));
}

static void test_done_goes_when_a_job_goes_on_after_all(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "a", "Failed");
	watch_and_look(scene, JOB "/done");
	change_job(scene, "Pending");
	pass(scene->store, PFS_MILLISECOND);
	assert_orders(&scene->poke, "unlink:" JOB "/done");
	assert_int_equal(scene->poke.event.inode, pfs_tree_done_inode(job(scene)));
	assert_int_equal(scene->poke.event.directory, inode_of(scene, JOB));
	assert_int_equal(scene->poke.event.gone_from, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_watch, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_that_nobody_watches_cost_one_look_and_nothing_is_kept),
		TEST(test_watch_that_was_set_without_a_message_is_found),
		TEST(test_change_is_told_of_the_file_that_is_watched),
		TEST(test_change_is_told_of_each_changed_file_in_a_watched_directory),
		TEST(test_watch_set_since_the_last_look_is_found_before_a_change_is_told),
		TEST(test_watch_that_a_look_under_way_may_have_missed_is_found_by_the_next),
		TEST(test_two_changes_before_a_look_are_told_each_by_its_files),
		TEST(test_watcher_who_has_gone_is_not_told),
		TEST(test_scans_and_events_without_end_leave_time_for_each_other),
		TEST(test_first_listing_is_no_news_and_what_comes_after_is),
		TEST(test_name_waits_for_a_busy_directory_and_holds_up_no_other),
		TEST(test_events_of_one_directory_keep_their_order),
		TEST(test_events_keep_their_order_in_however_many_busy_directories),
		TEST(test_directory_goes_after_what_waits_in_it),
		TEST(test_file_waits_for_the_directory_that_its_own_has_vanished_from),
		TEST(test_vanishing_is_told_by_its_name_which_only_the_child_still_sees),
		TEST(test_who_watches_a_file_of_what_vanishes_is_told_too),
		TEST(test_watch_on_a_file_is_found_when_its_object_has_vanished),
		TEST(test_files_of_a_change_keep_its_place_among_the_events),
		TEST(test_events_keep_their_order_when_a_scan_finds_who_watches),
		TEST(test_event_of_a_name_says_where_it_is),
		TEST(test_event_that_can_not_be_made_is_logged_and_the_next_is_made),
		TEST(test_many_lines_of_the_whole_history_are_one_change_of_it),
		TEST(test_line_of_the_whole_history_is_told_to_who_came_after_the_one_before),
		TEST(test_who_watches_a_history_is_told_that_it_goes_on_elsewhere),
		TEST(test_watch_on_a_history_is_found_when_that_has_been_rotated),
		TEST(test_done_goes_when_a_job_goes_on_after_all),
	};

	return cmocka_run_group_tests_name("watch_event", tests, NULL, NULL);
}
