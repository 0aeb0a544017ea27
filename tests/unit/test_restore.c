/* SPDX-License-Identifier: MIT */
/* What was made of each backup, as the jobs say that the store knows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "restore_fixture.h"

/* What a listener hears: "+SOURCE/NAME=JOB" (with "!" where somebody waits), "-SOURCE/NAME=JOB". */
static char heard[4000];

static void note(const char *mark, const struct pfs_object *source, const struct pfs_object *job,
		 const char *name)
{
	size_t length = strlen(heard);

	snprintf(heard + length, sizeof(heard) - length, "%s%s%s/%s=%s", length ? " " : "", mark,
		 source->id, name, job->id);
}

static void on_appeared(void *arg, struct pfs_object *source, struct pfs_object *job,
			const char *name, bool waited)
{
	note(waited ? "!" : "+", source, job, name);
}

static void on_vanished(void *arg, struct pfs_object *source, struct pfs_object *job,
			const char *name)
{
	note("-", source, job, name);
}

static void assert_heard(const char *news)
{
	assert_string_equal(heard, news);
	heard[0] = '\0';
}

static int begin(void **state)
{
	const struct pfs_restores_listener listener = {on_appeared, on_vanished, NULL};
	const struct bench *bench;

	if (setup_tree_with_restores(state))
		return -1;
	bench = *state;
	heard[0] = '\0';
	return pfs_restores_listen(bench->restores, &listener);
}

/* The API says of a job that it isn't there, until the store believes it. */
static void lose(struct bench *bench, const char *id)
{
	for (int i = 0; i < 2; i++) {
		pass(bench->store, STALE);
		pfs_store_refresh(bench->store->store, known(bench, JOBS, id));
		fake_api_fail(&bench->store->api, id, -ENOENT, 404);
	}
	assert_null(known(bench, JOBS, id));
}

/* --- names --------------------------------------------------------------------------------- */

static void test_jobs_of_a_list_are_found_by_the_names_they_make(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b, *c;

	list_jobs(bench, JOB_ROW("j1", "b", "prod", "1") " " JOB_ROW(
				 "j2", "c", "prod", "2") " " JOB_ROW("j3", "b", "test", "3"));
	b = know_backup(bench, "b");
	c = know_backup(bench, "c");
	assert_string_equal(made_of(bench, b), "prod=j1 test=j3");
	assert_string_equal(made_of(bench, c), "prod=j2");
	assert_string_equal(job_of(bench, b, "nothing"), "");
	assert_string_equal(made_of(bench, know_backup(bench, "d")), "");
	assert_heard(""); /* nobody knew the backups */
}

static void test_of_several_jobs_of_one_name_the_newest_counts(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b");

	list_jobs(bench,
		  JOB_ROW("j1", "b", "prod", "2") " " JOB_ROW("j2", "b", "prod", "3") " " JOB_ROW(
			  "j3", "b", "prod", "1") " " JOB_ROW("j4", "b", "test", "1"));
	assert_string_equal(made_of(bench, b), "prod=j2 test=j4");
	know_made(bench, "j5", JOB_DOC("j5", "b", "prod", "4"));
	assert_string_equal(made_of(bench, b), "test=j4 prod=j5");
	know_made(bench, "j6", JOB_DOC("j6", "b", "prod", "1"));
	assert_string_equal(made_of(bench, b), "test=j4 prod=j5");
	know_made(bench, "j7", JOB_DOC("j7", "b", "prod", "4")); /* at the same time: the later */
	assert_string_equal(made_of(bench, b), "test=j4 prod=j7");
}

static void test_a_job_without_a_time_is_the_oldest(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b");

	know_made(bench, "j1", JOB_DOC("j1", "b", "prod", "1"));
	know_made(bench, "j2",
		  "{\"restore_job_id\":\"j2\",\"backup_id\":\"b\",\"target_index_name\":\"prod\"}");
	assert_string_equal(made_of(bench, b), "prod=j1");
}

static void test_what_can_be_no_name_is_left_out(void **state)
{
	static const char *const documents[] = {
		"{\"restore_job_id\":\"j\"}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"b\"}",
		"{\"restore_job_id\":\"j\",\"target_index_name\":\"n\"}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"b\",\"target_index_name\":null}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"b\",\"target_index_name\":7}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"b\",\"target_index_name\":\"\"}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"b\",\"target_index_name\":\".\"}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"b\",\"target_index_name\":\"..\"}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"b\",\"target_index_name\":\"a/b\"}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"b\",\"target_index_name\":\"a\\n\"}",
		"{\"restore_job_id\":\"j\",\"backup_id\":\"../b\",\"target_index_name\":\"n\"}",
	};
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b");

	for (size_t i = 0; i < COUNT(documents); i++) {
		pass(bench->store, TTL_FINAL);
		know_made(bench, "j", documents[i]);
		assert_string_equal(made_of(bench, b), "");
	}
	assert_heard("");
	pass(bench->store, TTL_FINAL);
	know_made(bench, "j", JOB_DOC("j", "b", "n", "1")); /* and now it is one */
	assert_string_equal(made_of(bench, b), "n=j");
	assert_heard("+b/n=j");
}

static void test_names_are_listed_by_slots_from_anywhere(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b"), *job;
	const char *name;

	list_jobs(bench, JOB_ROW("j1", "b", "x", "1") " " JOB_ROW("j2", "b", "y", "1") " " JOB_ROW(
				 "j3", "b", "z", "1"));
	job = pfs_restores_next(bench->restores, b, known(bench, JOBS, "j1")->slot, &name);
	assert_string_equal(job->id, "j2");
	assert_string_equal(name, "y");
	assert_null(pfs_restores_next(bench->restores, b, known(bench, JOBS, "j3")->slot, &name));
	assert_null(pfs_restores_next(bench->restores, b, UINT64_MAX - 1, &name));
}

static void test_a_job_is_placed(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *job = know_made(bench, "j", JOB_DOC("j", "b", "prod", "1")), *source, *b;
	const char *name;

	assert_false(pfs_restores_place(bench->restores, job, &source, &name));
	b = know_backup(bench, "b"); /* now it is known of what */
	assert_true(pfs_restores_place(bench->restores, job, &source, &name));
	assert_ptr_equal(source, b);
	assert_string_equal(name, "prod");
	assert_false(pfs_restores_place(bench->restores,
					know_made(bench, "k", "{\"restore_job_id\":\"k\"}"),
					&source, &name));
	assert_false(pfs_restores_place(bench->restores, b, &source, &name));
}

static void test_only_backups_have_a_command(void **state)
{
	struct bench *bench = *state;

	assert_true(pfs_restores_has(bench->restores, BACKUPS));
	assert_false(pfs_restores_has(bench->restores, JOBS));
	assert_false(pfs_restores_has(bench->restores, INDEXES));
	assert_ptr_equal(pfs_restores_job_kind(bench->restores, BACKUPS), JOBS);
}

/* --- what changes -------------------------------------------------------------------------- */

static void test_a_vanished_job_takes_its_name_along(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b");

	know_made(bench, "j1", JOB_DOC("j1", "b", "prod", "1"));
	know_made(bench, "j2", JOB_DOC("j2", "b", "test", "1"));
	assert_heard("+b/prod=j1 +b/test=j2");
	lose(bench, "j1");
	assert_heard("-b/prod=j1");
	assert_string_equal(made_of(bench, b), "test=j2");
	lose(bench, "j2");
	assert_heard("-b/test=j2");
	assert_string_equal(made_of(bench, b), "");
}

/* The name is there before and after: nobody who watches it hears anything. */
static void test_a_name_that_another_job_has_too_is_neither_gained_nor_lost(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b");

	know_made(bench, "j1", JOB_DOC("j1", "b", "prod", "1"));
	assert_heard("+b/prod=j1");
	know_made(bench, "j2", JOB_DOC("j2", "b", "prod", "2"));
	assert_heard("");
	lose(bench, "j1");
	assert_heard("");
	assert_string_equal(made_of(bench, b), "prod=j2");
	know_made(bench, "j3", JOB_DOC("j3", "b", "prod", "1"));
	lose(bench, "j2");
	assert_heard("");
	assert_string_equal(made_of(bench, b), "prod=j3");
	lose(bench, "j3");
	assert_heard("-b/prod=j3");
}

static void test_an_evicted_job_is_forgotten_quietly(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b");

	assert_true(bench->store->config.max_idle == 100);
	pfs_store_hold(bench->store->store, b, 1);
	/* Those that no list has are idle: at last one too many. */
	for (int i = 0; i <= 100; i++) {
		char id[20], object[300];

		snprintf(id, sizeof(id), "j%d", i);
		snprintf(object, sizeof(object),
			 "{\"restore_job_id\":\"j%d\",\"backup_id\":\"b\","
			 "\"target_index_name\":\"n%d\"}",
			 i, i);
		(void)ask(bench->store, id, NULL);
		fake_api_answer(&bench->store->api, id, object);
	}
	assert_null(strchr(heard, '-'));
	assert_null(known(bench, JOBS, "j0"));
	assert_string_equal(job_of(bench, b, "n0"), "");
	assert_string_equal(job_of(bench, b, "n1"), "j1");
	pfs_store_release(bench->store->store, b, 1);
}

static void test_a_job_that_says_another_place_moves(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b"), *c = know_backup(bench, "c");

	know_made(bench, "j", JOB_DOC("j", "b", "prod", "1"));
	pass(bench->store, TTL);
	know_made(bench, "j", JOB_DOC("j", "c", "prod", "1"));
	assert_heard("+b/prod=j -b/prod=j +c/prod=j");
	pass(bench->store, TTL);
	know_made(bench, "j", JOB_DOC("j", "c", "test", "1"));
	assert_heard("-c/prod=j +c/test=j");
	assert_string_equal(made_of(bench, b), "");
	assert_string_equal(made_of(bench, c), "test=j");
	pass(bench->store, TTL);
	know_made(bench, "j", "{\"restore_job_id\":\"j\"}");
	assert_heard("-c/test=j");
	pass(bench->store, TTL);
	know_made(bench, "j", JOB_DOC("j", "b", "prod", "1"));
	assert_heard("+b/prod=j");
	pass(bench->store, TTL);
	know_made(bench, "j",
		  "{\"restore_job_id\":\"j\",\"backup_id\":\"b\",\"x\":1,"
		  "\"target_index_name\":\"prod\"}");
	assert_heard(""); /* another content, the same place */
}

static void test_nobody_hears_of_a_source_that_is_not_known(void **state)
{
	struct bench *bench = *state;

	know_made(bench, "j", JOB_DOC("j", "b", "prod", "1"));
	pass(bench->store, TTL);
	know_made(bench, "j", JOB_DOC("j", "c", "prod", "1"));
	assert_heard("");
}

static void test_time_moves_forward_with_each_name(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b"), *c = know_backup(bench, "c");
	int64_t before = 0, now;

	assert_int_equal(pfs_restores_modified(bench->restores, b), 0);
	know_made(bench, "j1", JOB_DOC("j1", "b", "prod", "1"));
	now = pfs_restores_modified(bench->restores, b);
	assert_true(now >= pfs_loop_wall(bench->store->loop));
	assert_int_equal(pfs_restores_modified(bench->restores, c), 0);
	before = now;
	know_made(bench, "j2", JOB_DOC("j2", "b", "test", "1")); /* at the same time */
	now = pfs_restores_modified(bench->restores, b);
	assert_true(now > before);
	before = now;
	bench->store->time.set_by = -3600 * PFS_SECOND; /* somebody sets the clock back */
	lose(bench, "j1");
	now = pfs_restores_modified(bench->restores, b);
	assert_true(now > before);
	before = now;
	lose(bench, "j2"); /* the last: "never" would be before */
	now = pfs_restores_modified(bench->restores, b);
	assert_true(now > before);
	before = now;
	know_made(bench, "j3", JOB_DOC("j3", "b", "prod", "1"));
	assert_true(pfs_restores_modified(bench->restores, b) > before);
}

static void test_a_backup_that_comes_again_has_its_names(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b");

	know_made(bench, "j", JOB_DOC("j", "b", "prod", "1"));
	pass(bench->store, TTL_READY);
	pfs_store_refresh(bench->store->store, b);
	fake_api_fail(&bench->store->api, "b", -ENOENT, 404);
	assert_null(known(bench, BACKUPS, "b"));
	assert_string_equal(made_of(bench, know_backup(bench, "b")), "prod=j");
}

static void test_listeners_have_a_bound(void **state)
{
	const struct pfs_restores_listener listener = {on_appeared, on_vanished, NULL};
	struct bench *bench = *state;

	assert_int_equal(pfs_restores_listen(bench->restores, &listener), 0); /* the second */
	know_backup(bench, "b");
	know_made(bench, "j", JOB_DOC("j", "b", "prod", "1"));
	assert_heard("+b/prod=j +b/prod=j");
	assert_int_equal(pfs_restores_listen(bench->restores, &listener), -ENOSPC);
}

static void test_each_of_many_backups_has_its_own_names(void **state)
{
	struct bench *bench = *state;
	char *rows = malloc(400 * 100), id[20];
	size_t length = 0;

	assert_non_null(rows);
	for (int i = 0; i < 400; i++)
		length += (size_t)snprintf(rows + length, 100,
					   "j%d={\"restore_job_id\":\"j%d\",\"backup_id\":\"b%d\","
					   "\"target_index_name\":\"prod\"} ",
					   i, i, i);
	list_jobs(bench, rows);
	free(rows);
	for (int i = 0; i < 400; i++) {
		snprintf(id, sizeof(id), "b%d", i);
		assert_string_equal(job_of(bench, know_backup(bench, id), "prod") + 1, id + 1);
	}
}

/* --- very many ----------------------------------------------------------------------------- */

#define MANY	  100000
#define PAGE_ROWS 400

/* A page of the list, of the jobs from here on; each two of them make the same. */
static void page_of_many(struct bench *bench, int first)
{
	const size_t size = 100 * PAGE_ROWS;
	char *rows = malloc(size);
	size_t length = 0;

	assert_non_null(rows);
	for (int i = first; i < first + PAGE_ROWS; i++)
		length += (size_t)snprintf(rows + length, size - length,
					   "j%d={\"restore_job_id\":\"j%d\",\"backup_id\":\"b\","
					   "\"target_index_name\":\"n%d\"} ",
					   i, i, i / 2);
	assert_true(length < size);
	snprintf(heard, sizeof(heard), "token-%d", first); /* pages need tokens of their own */
	fake_api_page(&bench->store->api, rows, first + PAGE_ROWS < MANY ? heard : NULL);
	free(rows);
}

/* With a strcmp() for each pair this takes minutes. */
static void test_very_many_jobs_of_one_backup_take_no_time_for_each_pair(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *b = know_backup(bench, "b"), *job = NULL;
	size_t count = 0;
	const char *name;

	assert_int_equal(ask_list(bench->store, PFS_LIST_WHOLE, NULL), -EINPROGRESS);
	for (int i = 0; i < MANY; i += PAGE_ROWS)
		page_of_many(bench, i);
	while ((job = pfs_restores_next(bench->restores, b, job ? job->slot : 0, &name))) {
		assert_int_equal(atoi(job->id + 1), 2 * atoi(name + 1) + 1);
		assert_ptr_equal(pfs_restores_find(bench->restores, b, name), job);
		count++;
	}
	assert_int_equal(count, MANY / 2);
}

static int begin_with_room(void **state)
{
	use_room(2 * MANY);
	if (setup_tree_with_restores(state)) /* nobody listens: each would be heard */
		return -1;
	use_room(1000);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_jobs_of_a_list_are_found_by_the_names_they_make),
		TEST(test_of_several_jobs_of_one_name_the_newest_counts),
		TEST(test_a_job_without_a_time_is_the_oldest),
		TEST(test_what_can_be_no_name_is_left_out),
		TEST(test_names_are_listed_by_slots_from_anywhere),
		TEST(test_a_job_is_placed),
		TEST(test_only_backups_have_a_command),
		TEST(test_a_vanished_job_takes_its_name_along),
		TEST(test_a_name_that_another_job_has_too_is_neither_gained_nor_lost),
		TEST(test_an_evicted_job_is_forgotten_quietly),
		TEST(test_a_job_that_says_another_place_moves),
		TEST(test_nobody_hears_of_a_source_that_is_not_known),
		TEST(test_time_moves_forward_with_each_name),
		TEST(test_a_backup_that_comes_again_has_its_names),
		TEST(test_listeners_have_a_bound),
		TEST(test_each_of_many_backups_has_its_own_names),
		cmocka_unit_test_setup_teardown(
			test_very_many_jobs_of_one_backup_take_no_time_for_each_pair,
			begin_with_room, teardown_tree),
	};

	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
