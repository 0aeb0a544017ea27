/* SPDX-License-Identifier: MIT */
/* What becomes of a command: its answer is lost, names no job, or one that isn't described yet. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "restore_fixture.h"

#define J_DOC	JOB_DOC("j", "b", "prod", "1")
#define J_ROW	JOB_ROW("j", "b", "prod", "1")
#define UNKNOWN PFS_FATE_UNKNOWN

/* The answer to the command for "prod" is lost: the index is asked for. */
static void lose_answer(struct bench *bench, struct waiter *waiter)
{
	assert_int_equal(make(bench, backup(bench), "prod", waiter), -EINPROGRESS);
	fake_api_refuse(&bench->store->api, "b>prod", UNKNOWN, -EIO, 0);
	assert_waiting(waiter);
	assert_int_equal(bench->store->api.lists, 0); /* the index first */
	assert_true(fake_api_is_asked(&bench->store->api, "prod"));
}

/* --- a name that is taken ------------------------------------------------------------------ */

static void give_a_taken_name(struct bench *bench, struct waiter *waiter)
{
	assert_int_equal(make(bench, backup(bench), "prod", waiter), -EINPROGRESS);
	fake_api_refuse(&bench->store->api, "b>prod", PFS_FATE_NOT_DONE, -EEXIST, 409);
}

static void test_a_taken_name_asks_the_list_once_first(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	list_jobs(bench, ""); /* a fresh one doesn't count: it is from before */
	pass(bench->store, 1);
	give_a_taken_name(bench, &waiter);
	assert_waiting(&waiter);
	assert_int_equal(bench->store->api.lists, 2);
	assert_int_equal(bench->store->api.under_way, 1); /* nobody asks for the index */
	fake_api_page(&bench->store->api, J_ROW, NULL);
	assert_told(&waiter, -EEXIST); /* whoever made it, it wasn't this command */
	assert_string_equal(job_of(bench, backup(bench), "prod"), "j");
	assert_int_equal(bench->store->api.lists, 2);
	assert_error(bench, "EEXIST: it was refused");
}

static void test_a_name_that_another_has_taken_is_taken(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	give_a_taken_name(bench, &waiter);
	fake_api_page(&bench->store->api, "", NULL);
	assert_told(&waiter, -EEXIST);
	assert_string_equal(job_of(bench, backup(bench), "prod"), "");
}

static void test_a_taken_name_is_taken_also_if_the_list_fails(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	give_a_taken_name(bench, &waiter);
	fake_api_fail(&bench->store->api, NULL, -EACCES, 403);
	assert_told(&waiter, -EEXIST);
	give_a_taken_name(bench, &waiter); /* during the pause after that */
	assert_told(&waiter, -EEXIST);
	assert_int_equal(bench->store->api.lists, 1);
}

static void test_a_walk_from_before_is_not_enough(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask_list(bench->store, PFS_LIST_WHOLE, NULL), -EINPROGRESS);
	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
	pass(bench->store, PFS_SECOND);
	fake_api_refuse(&bench->store->api, "b>prod", PFS_FATE_NOT_DONE, -EEXIST, 409);
	assert_int_equal(bench->store->api.lists, 1);
	fake_api_page(&bench->store->api, "", NULL);
	assert_waiting(&waiter);
	assert_int_equal(bench->store->api.lists, 2);
	fake_api_page(&bench->store->api, J_ROW, NULL);
	assert_told(&waiter, -EEXIST);
	assert_string_equal(job_of(bench, backup(bench), "prod"), "j");
}

static void test_a_list_that_never_comes_is_not_waited_for(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	give_a_taken_name(bench, &waiter);
	pass(bench->store, TIMEOUT - 1);
	assert_waiting(&waiter);
	pass(bench->store, 1);
	assert_told(&waiter, -EEXIST);
}

/* --- a lost answer ------------------------------------------------------------------------- */

static void test_lost_and_a_job_is_there_it_was_carried_out(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	lose_answer(bench, &waiter);
	answer_index(bench, "prod", -ENOENT, 404); /* made between the two questions */
	assert_waiting(&waiter);
	fake_api_page(&bench->store->api, J_ROW, NULL);
	assert_told(&waiter, 0);
	assert_string_equal(job_of(bench, backup(bench), "prod"), "j");
	assert_error(bench, NULL);
	assert_int_equal(bench->store->api.commands, 1);
	assert_true(fake_api_is_asked(&bench->store->api, "prod")); /* it is there, too */
}

static void test_lost_and_the_job_was_known_before_the_questions(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	lose_answer(bench, &waiter);
	know_made(bench, "j", J_DOC);
	answer_index(bench, "prod", 0, 200);
	fake_api_fail(&bench->store->api, NULL, -EIO, 503); /* nor is the list needed */
	assert_told(&waiter, 0);
}

static void test_lost_and_an_index_is_there_but_no_job(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	lose_answer(bench, &waiter);
	answer_index(bench, "prod", 0, 200);
	fake_api_page(&bench->store->api, JOB_ROW("j", "c", "prod", "1"), NULL);
	assert_told(&waiter, -ETIMEDOUT);
	assert_error(bench, "ETIMEDOUT: it was refused; an index of this name is there, but its "
			    "job isn't listed: look again in a minute");
}

static void test_lost_and_neither_is_there_it_was_not_begun(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	lose_answer(bench, &waiter);
	answer_index(bench, "prod", -ENOENT, 404);
	fake_api_page(&bench->store->api, JOB_ROW("j", "c", "prod", "1"), NULL);
	assert_told(&waiter, -EIO);
	assert_error(bench, "EIO: it was refused; the restore was not begun");
	assert_int_equal(bench->store->api.commands, 1);
}

static void test_lost_and_the_list_fails(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	lose_answer(bench, &waiter);
	answer_index(bench, "prod", -ENOENT, 404);
	fake_api_fail(&bench->store->api, NULL, -EIO, 503);
	assert_told(&waiter, -ETIMEDOUT);
	assert_error(bench, "ETIMEDOUT: it was refused; whether the restore was begun can't be "
			    "known now: look again in a minute");
}

static void test_lost_and_the_index_can_not_be_had(void **state)
{
	static const int errors[] = {-EIO, -EACCES, -ETIMEDOUT};
	struct bench *bench = *state;

	for (size_t i = 0; i < COUNT(errors); i++) {
		struct waiter waiter = {0};

		bench->store->api.lists = 0;
		lose_answer(bench, &waiter);
		answer_index(bench, "prod", errors[i], 503);
		fake_api_page(&bench->store->api, "", NULL);
		assert_told(&waiter, -ETIMEDOUT);
		pass(bench->store, PFS_SECOND);
	}
}

static void test_lost_and_the_index_can_not_be_asked_for(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
	assert_int_equal(ask_list(bench->store, PFS_LIST_WHOLE, NULL), -EINPROGRESS);
	bench->store->api.refuse = -EBUSY;
	fake_api_refuse(&bench->store->api, "b>prod", UNKNOWN, -EIO, 0);
	bench->store->api.refuse = 0;
	fake_api_page(&bench->store->api, "", NULL); /* it began when the answer was lost */
	assert_told(&waiter, -ETIMEDOUT);
}

static void test_lost_and_nothing_can_be_asked(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
	bench->store->api.refuse = -ENOMEM;
	fake_api_refuse(&bench->store->api, "b>prod", UNKNOWN, -EIO, 0);
	assert_told(&waiter, -ETIMEDOUT);
	assert_int_equal(bench->store->api.under_way, 0);
}

/* --- an answer without a job --------------------------------------------------------------- */

static void lose_job(struct bench *bench, struct waiter *waiter)
{
	assert_int_equal(make(bench, backup(bench), "prod", waiter), -EINPROGRESS);
	fake_api_refuse(&bench->store->api, "b>prod", PFS_FATE_DONE, -EIO, 202);
	assert_waiting(waiter);
}

static void test_done_and_its_job_is_found(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	lose_job(bench, &waiter);
	answer_index(bench, "prod", 0, 200);
	fake_api_page(&bench->store->api, J_ROW, NULL);
	assert_told(&waiter, 0);
}

/* It was carried out: that nothing is there yet is no proof. */
static void test_done_and_nothing_is_there_yet(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	lose_job(bench, &waiter);
	answer_index(bench, "prod", -ENOENT, 404);
	fake_api_page(&bench->store->api, "", NULL);
	assert_told(&waiter, -ETIMEDOUT);
	assert_null(strstr(pfs_restores_error(bench->restores, backup(bench)), "was not begun"));
}

static void test_an_answer_that_names_a_job_of_something_else_is_none(void **state)
{
	static const char *const documents[] = {
		JOB_DOC("j", "b", "test", "1"),
		JOB_DOC("j", "c", "prod", "1"),
		"{\"restore_job_id\":\"j\"}",
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < COUNT(documents); i++) {
		struct waiter waiter = {0};
		struct pfs_object *job;

		pass(bench->store, TTL_FINAL);
		job = know_made(bench, "j", documents[i]);
		assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
		fake_api_made(&bench->store->api, "b>prod", "j");
		assert_waiting(&waiter);
		assert_int_equal(job->references, 0);
		answer_index(bench, "prod", -ENOENT, 404);
		fake_api_page(&bench->store->api, "", NULL);
		assert_told(&waiter, -ETIMEDOUT);
		assert_string_equal(job_of(bench, backup(bench), "prod"), "");
		assert_error(bench, "ETIMEDOUT: the answer names a job of something else; whether "
				    "the restore was begun can't be known now: look again in a "
				    "minute");
	}
}

static void test_two_answers_that_name_the_same_job(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[2] = {0};

	assert_int_equal(make(bench, backup(bench), "prod", &waiters[0]), -EINPROGRESS);
	assert_int_equal(make(bench, backup(bench), "test", &waiters[1]), -EINPROGRESS);
	fake_api_made(&bench->store->api, "b>prod", "j");
	fake_api_made(&bench->store->api, "b>test", "j");
	assert_told(&waiters[0], 0);
	assert_waiting(&waiters[1]);
	assert_string_equal(made_of(bench, backup(bench)), "prod=j");
	pfs_wait_cancel(&waiters[1].wait);
}

static void test_a_job_that_is_listed_before_the_answer_comes(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
	list_jobs(bench, J_ROW);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_told(&waiter, 0);
	assert_int_equal(known(bench, JOBS, "j")->references, 0);
	assert_int_equal(unexpected, 1);
	assert_int_equal(waited_for, 0);
}

static void test_a_job_for_which_there_is_no_room(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
	for (int i = 0; bench->store->stats.objects < 2; i++) {
		char id[20], object[100];

		snprintf(id, sizeof(id), "x%d", i);
		snprintf(object, sizeof(object), "{\"restore_job_id\":\"x%d\"}", i);
		know_made(bench, id, object);
	}
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_told(&waiter, -ENOSPC);
	assert_error(bench, "ENOSPC: it was begun, but there is no room to keep that");
}

static int begin_without_room(void **state)
{
	int error;

	use_room(2); /* the backup, and one more */
	error = setup_restores(state);
	use_room(1000);
	return error;
}

/* --- an announced job ---------------------------------------------------------------------- */

/* Its name is "prod", and it isn't described yet. */
static struct pfs_object *announced(struct bench *bench)
{
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_null(known(bench, JOBS, "j"));
	return pfs_restores_find(bench->restores, backup(bench), "prod");
}

static void test_an_announced_job_has_its_place(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *job = announced(bench), *source;
	const char *name;

	assert_string_equal(job->id, "j");
	assert_true(pfs_restores_place(bench->restores, job, &source, &name));
	assert_ptr_equal(source, backup(bench));
	assert_string_equal(name, "prod");
	assert_int_equal(job->references, 1);
}

static void test_a_described_job_is_the_stores(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *job = announced(bench);

	fake_api_answer(&bench->store->api, "j", J_DOC);
	assert_ptr_equal(known(bench, JOBS, "j"), job);
	assert_int_equal(job->references, 0);
	assert_string_equal(made_of(bench, backup(bench)), "prod=j");
	assert_int_equal(waited_for + unexpected, 1); /* it isn't news */
	know_made(bench, "k", JOB_DOC("k", "b", "prod", "2"));
	assert_string_equal(made_of(bench, backup(bench)), "prod=k"); /* it has a time now */
}

static void test_a_job_that_says_another_place_goes_there(void **state)
{
	struct bench *bench = *state;

	know_backup(bench, "c");
	announced(bench);
	fake_api_answer(&bench->store->api, "j", JOB_DOC("j", "c", "prod", "1"));
	assert_string_equal(made_of(bench, backup(bench)), "");
	assert_string_equal(made_of(bench, known(bench, BACKUPS, "c")), "prod=j");
	assert_int_equal(known(bench, JOBS, "j")->references, 0);
}

static void test_a_job_that_says_another_name_has_that(void **state)
{
	struct bench *bench = *state;

	announced(bench);
	fake_api_answer(&bench->store->api, "j", JOB_DOC("j", "b", "test", "1"));
	assert_string_equal(made_of(bench, backup(bench)), "test=j");
	assert_int_equal(known(bench, JOBS, "j")->references, 0);
}

static void test_a_job_that_says_no_place_stays(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *job = announced(bench), *source;
	const char *name;

	fake_api_answer(&bench->store->api, "j", "{\"restore_job_id\":\"j\"}");
	assert_string_equal(made_of(bench, backup(bench)), "prod=j");
	assert_true(pfs_restores_place(bench->restores, job, &source, &name));
	pass(bench->store, TTL);
	know_made(bench, "j", "{\"restore_job_id\":\"j\",\"x\":1}");
	assert_string_equal(made_of(bench, backup(bench)), "prod=j");
	for (int i = 0; i < 2; i++) {
		pass(bench->store, STALE);
		pfs_store_refresh(bench->store->store, job);
		fake_api_fail(&bench->store->api, "j", -ENOENT, 404);
	}
	assert_string_equal(made_of(bench, backup(bench)), ""); /* it has vanished */
}

static void deny(struct bench *bench, struct pfs_object *job)
{
	if (!job->flight)
		assert_int_equal(ask(bench->store, "j", NULL), -EINPROGRESS);
	fake_api_fail(&bench->store->api, "j", -ENOENT, 404);
}

static void test_a_job_that_the_api_denies_for_good_is_let_go(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *job;

	assert_int_equal(make(bench, backup(bench), "test", NULL), -EINPROGRESS);
	fake_api_made(&bench->store->api, "b>test", "k"); /* another, which nobody denies */
	job = announced(bench);
	deny(bench, job);
	assert_string_equal(job_of(bench, backup(bench), "prod"), "j"); /* it may come yet */
	pass(bench->store, 60 * PFS_SECOND - 1);
	deny(bench, job);
	assert_string_equal(job_of(bench, backup(bench), "prod"), "j");
	pass(bench->store, TTL_MISSING);
	deny(bench, job);
	assert_string_equal(made_of(bench, backup(bench)), "test=k");
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
}

static void test_other_failures_say_nothing_of_an_announced_job(void **state)
{
	struct bench *bench = *state;

	announced(bench);
	fake_api_fail(&bench->store->api, "j", -EIO, 503);
	for (int i = 0; i < 3; i++) {
		pass(bench->store, 60 * PFS_SECOND);
		assert_int_equal(ask(bench->store, "j", NULL), -EINPROGRESS);
		fake_api_fail(&bench->store->api, "j", -EIO, 503);
	}
	assert_string_equal(made_of(bench, backup(bench)), "prod=j");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_restores, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_taken_name_asks_the_list_once_first),
		TEST(test_a_name_that_another_has_taken_is_taken),
		TEST(test_a_taken_name_is_taken_also_if_the_list_fails),
		TEST(test_a_walk_from_before_is_not_enough),
		TEST(test_a_list_that_never_comes_is_not_waited_for),
		TEST(test_lost_and_a_job_is_there_it_was_carried_out),
		TEST(test_lost_and_the_job_was_known_before_the_questions),
		TEST(test_lost_and_an_index_is_there_but_no_job),
		TEST(test_lost_and_neither_is_there_it_was_not_begun),
		TEST(test_lost_and_the_list_fails),
		TEST(test_lost_and_the_index_can_not_be_had),
		TEST(test_lost_and_the_index_can_not_be_asked_for),
		TEST(test_lost_and_nothing_can_be_asked),
		TEST(test_done_and_its_job_is_found),
		TEST(test_done_and_nothing_is_there_yet),
		TEST(test_an_answer_that_names_a_job_of_something_else_is_none),
		TEST(test_two_answers_that_name_the_same_job),
		TEST(test_a_job_that_is_listed_before_the_answer_comes),
		cmocka_unit_test_setup_teardown(test_a_job_for_which_there_is_no_room,
						begin_without_room, teardown_tree),
		TEST(test_an_announced_job_has_its_place),
		TEST(test_a_described_job_is_the_stores),
		TEST(test_a_job_that_says_another_place_goes_there),
		TEST(test_a_job_that_says_another_name_has_that),
		TEST(test_a_job_that_says_no_place_stays),
		TEST(test_a_job_that_the_api_denies_for_good_is_let_go),
		TEST(test_other_failures_say_nothing_of_an_announced_job),
	};

	return cmocka_run_group_tests_name("restore_answer", tests, NULL, NULL);
}
