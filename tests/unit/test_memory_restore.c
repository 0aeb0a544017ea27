/* SPDX-License-Identifier: MIT */
/*
 * As test_memory_fs, for mkdir(2): memory is short while the message or an answer of the API is in
 * hand. What was begun is said to have been begun, or that there was no memory to keep that; and
 * once there is memory again each job has its name.
 */
#include <errno.h>
#include <string.h>

#include "kernel_fixture.h"
#include "restore_fixture.h"
#include "short_memory.h"

#define J_DOC JOB_DOC("j", "b", "prod", "1")
#define J_ROW JOB_ROW("j", "b", "prod", "1")

static struct kernel *begin(void)
{
	void *state = NULL;
	struct kernel *kernel;

	short_memory_pause(true);
	assert_int_equal(setup_kernel_with_restores(&state), 0);
	short_memory_adopt(); /* libfuse's buffer for messages */
	kernel = state;
	kernel->uid = OWNER;
	know_backup(kernel->scene->bench, "b");
	pfs_store_hold(kernel->store->store, backup(kernel->scene->bench), 1);
	return kernel;
}

static void end(struct kernel *kernel)
{
	void *state = kernel;

	assert_int_equal(teardown_kernel(&state), 0);
}

static uint64_t make_short(struct kernel *kernel)
{
	const struct fuse_mkdir_in in = {.mode = 0700};
	uint64_t unique =
		post(kernel, FUSE_MKDIR, pfs_tree_restores_inode(backup(kernel->scene->bench)), &in,
		     sizeof(in), "prod", 5);

	short_memory_pause(false);
	serve(kernel);
	short_memory_pause(true);
	return unique;
}

static void tell_short(struct kernel *kernel, const char *id, struct pfs_api_answer *answer)
{
	answer->text = "";
	answer->retry_after = -1;
	if (!fake_api_is_asked(kernel->api, id))
		return;
	short_memory_pause(false);
	fake_api_tell(kernel->api, id, answer);
	serve(kernel);
	short_memory_pause(true);
}

/* A describe of the job, or a page of the list that has it. */
static void answer_short(struct kernel *kernel, bool listed)
{
	struct pfs_json json;
	char id[] = "j";
	struct pfs_api_row row = {.id = id};
	struct pfs_api_answer answer = {.status = 200};

	short_memory_parse(J_DOC, &json);
	row.object = json;
	answer.object = listed ? NULL : &json;
	answer.rows = &row;
	answer.row_count = listed;
	tell_short(kernel, listed ? NULL : "j", &answer);
	pfs_json_finish(&json);
}

/* It was replied to; was it done? The errno may be that nobody can know. */
static bool is_done(struct kernel *kernel, uint64_t unique)
{
	const struct outcome *outcome = &kernel->outcomes[unique / 2 - 1];

	assert_int_equal(outcome->replies, 1);
	if (outcome->error == -ETIMEDOUT || outcome->error == -EIO) {
		assert_true(short_memory_struck());
		return false;
	}
	return done(outcome->error);
}

/* There is memory again: the list has the job, and so has the directory. */
static void recover(struct kernel *kernel)
{
	struct bench *bench = kernel->scene->bench;
	unsigned tries = 0;

	while (!*job_of(bench, backup(bench), "prod")) {
		kernel_pass(kernel, TTL_FINAL);
		assert_true(++tries < 5);
		(void)ask_list(kernel->store, PFS_LIST_WHOLE, NULL);
		while (fake_api_is_asked(kernel->api, NULL))
			fake_api_page(kernel->api, J_ROW, NULL);
	}
	assert_string_equal(made_of(bench, backup(bench)), "prod=j");
	assert_int_equal(kernel->store->stats.waiting, 0);
	serve(kernel);
}

static void make_and_describe(void *arg)
{
	const struct pfs_api_answer made = {.status = 202, .fate = PFS_FATE_DONE, .job = "j"};
	struct pfs_api_answer answer = made;
	struct kernel *kernel = begin();
	uint64_t unique = make_short(kernel);

	if (fake_api_is_asked(kernel->api, "b>prod")) {
		assert_unanswered(kernel, unique);
		tell_short(kernel, "b>prod", &answer);
		if (is_done(kernel, unique))
			assert_string_equal(
				job_of(kernel->scene->bench, backup(kernel->scene->bench), "prod"),
				"j");
		assert_int_equal(kernel->api->commands, 1);
	} else {
		assert_false(is_done(kernel, unique));
		assert_int_equal(kernel->api->commands, 0);
	}
	answer_short(kernel, false);
	recover(kernel);
	end(kernel);
}

static void test_memory_short_in_mkdir(void **state)
{
	short_memory_run(make_and_describe, NULL);
}

static void lose_the_answer(void *arg)
{
	const struct pfs_api_answer lost = {.error = -EIO, .fate = PFS_FATE_UNKNOWN};
	const struct pfs_api_answer missing = {.error = -ENOENT, .status = 404};
	struct pfs_api_answer answer = lost;
	struct kernel *kernel = begin();
	uint64_t unique = make_short(kernel);

	tell_short(kernel, "b>prod", &answer);
	answer = missing;
	tell_short(kernel, "prod", &answer);
	answer_short(kernel, true);
	if (is_done(kernel, unique))
		assert_string_equal(
			job_of(kernel->scene->bench, backup(kernel->scene->bench), "prod"), "j");
	assert_true(kernel->api->commands <= 1);
	recover(kernel);
	end(kernel);
}

static void test_memory_short_while_an_answer_is_lost(void **state)
{
	short_memory_run(lose_the_answer, NULL);
}

/* Jobs that come and go: nothing of one that is gone stays. */
static void lose_the_job(void *arg)
{
	const struct pfs_api_answer missing = {.error = -ENOENT, .status = 404};
	struct pfs_api_answer answer;
	struct kernel *kernel = begin();
	struct bench *bench = kernel->scene->bench;
	struct pfs_object *job;

	(void)ask(kernel->store, "j", NULL);
	answer_short(kernel, false);
	for (int i = 0; i < 2 && (job = known(bench, JOBS, "j")); i++) {
		kernel_pass(kernel, STALE);
		(void)pfs_store_refresh(kernel->store->store, job);
		answer = missing;
		tell_short(kernel, "j", &answer);
	}
	if (!known(bench, JOBS, "j"))
		assert_string_equal(made_of(bench, backup(bench)), "");
	recover(kernel);
	end(kernel);
}

static void test_memory_short_while_jobs_come_and_go(void **state)
{
	short_memory_run(lose_the_job, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_short_in_mkdir),
		cmocka_unit_test(test_memory_short_while_an_answer_is_lost),
		cmocka_unit_test(test_memory_short_while_jobs_come_and_go),
	};

	return cmocka_run_group_tests_name("memory_restore", tests, NULL, NULL);
}
