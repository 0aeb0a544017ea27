/* SPDX-License-Identifier: MIT */
/* What those who watch a directory of what was made hear of its names, and what that asks for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "restore_fixture.h"
#include "watch_fixture.h"

#define RESTORES "backups/b/restores"
#define MKDIR	 "mkdir:" RESTORES "/prod"
#define RMDIR	 "rmdir:" RESTORES "/prod"

static int begin(void **state)
{
	struct scene *scene;

	if (setup_watch_with_restores(state))
		return -1;
	scene = *state;
	know_backup(scene->bench, "b");
	pfs_store_hold(scene->store->store, backup(scene->bench), 1);
	return 0;
}

static void expect_orders(struct scene *scene, const char *orders)
{
	blink(scene);
	assert_orders(&scene->poke, orders);
}

static void make_prod(struct scene *scene, struct waiter *waiter)
{
	assert_int_equal(make(scene->bench, backup(scene->bench), "prod", waiter), -EINPROGRESS);
	scene->store->announced_at = pfs_loop_wall(scene->store->loop);
	fake_api_made(scene->api, "b>prod", "j");
}

static void lose(struct scene *scene, const char *id)
{
	for (int i = 0; i < 2; i++) {
		live(scene, STALE);
		if (!known(scene->bench, JOBS, id)->flight)
			pfs_store_refresh(scene->store->store, known(scene->bench, JOBS, id));
		fake_api_fail(scene->api, id, -ENOENT, 404);
	}
	assert_null(known(scene->bench, JOBS, id));
}

static void test_a_name_from_elsewhere_is_created(void **state)
{
	struct scene *scene = *state;

	list_jobs(scene->bench, "");
	watch_and_look(scene, RESTORES);
	know_made(scene->bench, "j", JOB_DOC("j", "b", "prod", "1"));
	know_made(scene->bench, "k", JOB_DOC("k", "c", "other", "1")); /* another's */
	expect_orders(scene, MKDIR);
}

static void test_nobody_who_watches_elsewhere_hears_of_it(void **state)
{
	struct scene *scene = *state;

	list_jobs(scene->bench, "");
	watch_and_look(scene, "indexes");
	know_made(scene->bench, "j", JOB_DOC("j", "b", "prod", "1"));
	expect_orders(scene, "");
}

static void test_names_of_the_first_list_have_not_just_been_made(void **state)
{
	struct scene *scene = *state;

	watch_and_look(scene, RESTORES);
	live(scene, TTL); /* it is walked for who watches */
	fake_api_page(scene->api, JOB_ROW("j", "b", "prod", "1"), NULL);
	expect_orders(scene, "");
	assert_string_equal(made_of(scene->bench, backup(scene->bench)), "prod=j");
}

/* Its mkdir(2) is the event. */
static void test_a_name_that_its_caller_waits_for_is_not_created_twice(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};

	list_jobs(scene->bench, "");
	watch_and_look(scene, RESTORES);
	make_prod(scene, &waiter);
	assert_told(&waiter, 0);
	expect_orders(scene, "");
	fake_api_answer(scene->api, "j", JOB_DOC("j", "b", "prod", "1"));
	expect_orders(scene, "");
}

static void test_a_name_whose_caller_has_given_up_is_created(void **state)
{
	struct scene *scene = *state;

	list_jobs(scene->bench, "");
	watch_and_look(scene, RESTORES);
	make_prod(scene, NULL);
	expect_orders(scene, MKDIR);
	fake_api_answer(scene->api, "j", JOB_DOC("j", "b", "prod", "1"));
	expect_orders(scene, "");
}

/* It has just been made, whether or not there was a list before. */
static void test_a_name_that_was_made_here_needs_no_list(void **state)
{
	struct scene *scene = *state;

	watch_and_look(scene, RESTORES);
	live(scene, TTL);
	fake_api_fail(scene->api, NULL, -EACCES, 403);
	make_prod(scene, NULL);
	expect_orders(scene, MKDIR);
}

static void test_a_name_that_is_gone_is_removed(void **state)
{
	struct scene *scene = *state;

	list_jobs(scene->bench, "");
	know_made(scene->bench, "j", JOB_DOC("j", "b", "prod", "1"));
	watch_and_look(scene, RESTORES);
	assert_orders(&scene->poke, "");
	lose(scene, "j");
	expect_orders(scene, RMDIR);
}

/* Of a job that has vanished the kernel may know this name, too. */
static void test_child_looks_at_a_name_that_is_gone(void **state)
{
	struct scene *scene = *state;
	const char *orders = scene->poke.orders;

	list_jobs(scene->bench, "");
	know_made(scene->bench, "j", JOB_DOC("j", "b", "prod", "1"));
	pfs_store_hold(scene->store->store, known(scene->bench, JOBS, "j"), 1);
	lose(scene, "j");
	live(scene, 2 * PFS_SECOND);
	assert_non_null(strstr(orders, "look:restore-jobs/j"));
	assert_non_null(strstr(orders, "look:" RESTORES "/prod"));
}

static void test_what_was_made_is_watched_itself(void **state)
{
	struct scene *scene = *state;

	list_jobs(scene->bench, "");
	know_made(scene->bench, "j", JOB_DOC("j", "b", "prod", "1"));
	watch_and_look(scene, RESTORES "/prod");
	lose(scene, "j");
	expect_orders(scene, RMDIR);
}

/* The backup is still there, with all of its files. */
static void test_a_name_that_is_gone_removes_nothing_else(void **state)
{
	struct scene *scene = *state;

	list_jobs(scene->bench, "");
	know_made(scene->bench, "j", JOB_DOC("j", "b", "prod", "1"));
	watch_path(scene, "backups/b/status");
	watch_and_look(scene, "backups/b/done");
	lose(scene, "j");
	expect_orders(scene, "");
}

static void test_a_name_that_another_job_has_stays(void **state)
{
	struct scene *scene = *state;

	list_jobs(scene->bench, "");
	know_made(scene->bench, "j", JOB_DOC("j", "b", "prod", "1"));
	know_made(scene->bench, "k", JOB_DOC("k", "b", "prod", "2"));
	watch_and_look(scene, RESTORES);
	lose(scene, "j");
	expect_orders(scene, "");
}

/* As rm(1) would: what is in it before it. */
static void test_a_backup_that_vanishes_takes_its_directory_along(void **state)
{
	struct scene *scene = *state;

	list_jobs(scene->bench, "");
	watch_and_look(scene, RESTORES);
	pfs_store_expire(scene->store->store);
	pfs_store_refresh(scene->store->store, backup(scene->bench));
	pfs_store_release(scene->store->store, backup(scene->bench), 1);
	fake_api_fail(scene->api, "b", -ENOENT, 404);
	expect_orders(scene, "rmdir:" RESTORES " rmdir:backups/b");
}

static void test_who_watches_it_has_the_list_walked(void **state)
{
	struct scene *scene = *state;
	unsigned lists;

	list_jobs(scene->bench, "");
	watch_and_look(scene, RESTORES);
	lists = scene->api->lists;
	while (fake_api_is_asked(scene->api, NULL))
		fake_api_page(scene->api, "", NULL);
	live(scene, TTL + TTL / 4);
	assert_true(scene->api->lists > lists);
	fake_api_page(scene->api, JOB_ROW("j", "b", "prod", "1"), NULL);
	expect_orders(scene, MKDIR);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_name_from_elsewhere_is_created),
		TEST(test_nobody_who_watches_elsewhere_hears_of_it),
		TEST(test_names_of_the_first_list_have_not_just_been_made),
		TEST(test_a_name_that_its_caller_waits_for_is_not_created_twice),
		TEST(test_a_name_whose_caller_has_given_up_is_created),
		TEST(test_a_name_that_was_made_here_needs_no_list),
		TEST(test_a_name_that_is_gone_is_removed),
		TEST(test_child_looks_at_a_name_that_is_gone),
		TEST(test_what_was_made_is_watched_itself),
		TEST(test_a_name_that_is_gone_removes_nothing_else),
		TEST(test_a_name_that_another_job_has_stays),
		TEST(test_a_backup_that_vanishes_takes_its_directory_along),
		TEST(test_who_watches_it_has_the_list_walked),
	};

	return cmocka_run_group_tests_name("watch_restore", tests, NULL, NULL);
}
