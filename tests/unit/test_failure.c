/* SPDX-License-Identifier: MIT */
/* Failures of the API in the log: which have a line, and how many. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/main.h"
#include "capture.h"
#include "store_fixture.h"

#define MINUTE (60 * PFS_SECOND)

struct scene {
	struct fixture *store;
	struct program program;
	struct capture capture;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	void *store = NULL;

	if (!scene || setup(&store))
		return -1;
	*state = scene;
	scene->store = store;
	/* The same store, which counts failures in the program. */
	pfs_store_destroy(scene->store->store);
	if (pfs_store_create(&scene->store->api, scene->store->loop, &scene->program.stats,
			     &scene->store->config, &scene->store->store))
		return -1;
	scene->program.store = scene->store->store;
	scene->program.loop = scene->store->loop;
	return failure_log(&scene->program);
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	void *store = scene->store;
	int error;

	failure_end(&scene->program);
	error = teardown(&store);
	free(scene);
	return error;
}

static void fail_job(struct scene *scene, const char *id, int error, int status)
{
	assert_int_equal(ask(scene->store, id, NULL), -EINPROGRESS);
	fake_api_fail(&scene->store->api, id, error, status);
}

static void assert_logged(struct scene *scene, const char *lines)
{
	assert_string_equal(capture_end(&scene->capture), lines);
}

static void test_each_object_has_a_line_whatever_others_have(void **state)
{
	struct scene *scene = *state;

	capture_begin(&scene->capture);
	fail_job(scene, "a", -EIO, 500);
	fail_job(scene, "b", -EIO, 500);
	fail_job(scene, "c", -ENOENT, 404); /* nobody's failure */
	assert_logged(scene, "pinefs: api: /restore-jobs/a: EIO: it failed\n"
			     "pinefs: api: /restore-jobs/b: EIO: it failed\n");
}

static void test_same_failure_has_a_line_a_minute(void **state)
{
	struct scene *scene = *state;
	int64_t began = pfs_loop_now(scene->store->loop);

	capture_begin(&scene->capture);
	while (pfs_loop_now(scene->store->loop) - began < MINUTE) { /* by turns */
		fail_job(scene, "a", -EIO, 500);
		fail_job(scene, "b", -EACCES, 401);
		pass(scene->store, TTL_ERROR);
	}
	fail_job(scene, "a", -EIO, 500);
	fail_job(scene, "a2", -EIO, 500);
	assert_logged(scene, "pinefs: api: /restore-jobs/a: EIO: it failed\n"
			     "pinefs: api: /restore-jobs/b: EACCES: it failed\n"
			     "pinefs: api: /restore-jobs/a: EIO: it failed\n"
			     "pinefs: api: /restore-jobs/a2: EIO: it failed\n");
}

static void fail_many(struct scene *scene, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char id[20];

		snprintf(id, sizeof(id), "job%u", i);
		fail_job(scene, id, -EIO, 500);
	}
}

static size_t lines_in(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void test_many_at_once_have_ten_lines_and_one_that_counts_the_others(void **state)
{
	static const char more[] = "pinefs: api: further failures within a minute: 190; "
				   "see .pinefs/errors\n";
	struct scene *scene = *state;
	const char *text;

	capture_begin(&scene->capture);
	fail_many(scene, 200);
	pass(scene->store, MINUTE);
	fail_job(scene, "late", -EIO, 500); /* has one again */
	text = capture_end(&scene->capture);
	assert_int_equal(lines_in(text), 12);
	assert_non_null(strstr(text, "/job9: EIO: it failed\n"));
	assert_null(strstr(text, "/job10: "));
	assert_non_null(strstr(text, more));
	assert_non_null(strstr(text, "/late: EIO: it failed\n"));
}

static void test_end_says_how_many_were_left_out(void **state)
{
	struct scene *scene = *state;

	fail_many(scene, 11);
	capture_begin(&scene->capture);
	failure_end(&scene->program);
	failure_end(&scene->program);
	assert_logged(scene, "pinefs: api: further failures within a minute: 1; "
			     "see .pinefs/errors\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_object_has_a_line_whatever_others_have),
		TEST(test_same_failure_has_a_line_a_minute),
		TEST(test_many_at_once_have_ten_lines_and_one_that_counts_the_others),
		TEST(test_end_says_how_many_were_left_out),
	};

	return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
