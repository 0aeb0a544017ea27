/* SPDX-License-Identifier: MIT */
/* Commands: when one is given, when it is dropped, and why it may be refused. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "restore_fixture.h"

#define J_DOC	JOB_DOC("j", "b", "prod", "1")
#define UNKNOWN PFS_FATE_UNKNOWN

/* --- giving one ---------------------------------------------------------------------------- */

static void test_a_command_is_given_and_its_job_is_known(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
	assert_true(fake_api_is_asked(&bench->store->api, "b>prod"));
	assert_string_equal(job_of(bench, backup(bench), "prod"), "");
	assert_int_equal(bench->store->stats.waiting, 1);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_told(&waiter, 0);
	assert_string_equal(made_of(bench, backup(bench)), "prod=j");
	assert_int_equal(waited_for, 1);
	assert_int_equal(unexpected, 0);
	assert_int_equal(bench->store->api.commands, 1);
	/* What it made is asked for, with nobody waiting. */
	assert_true(fake_api_is_asked(&bench->store->api, "j"));
	assert_true(fake_api_is_asked(&bench->store->api, "prod"));
	assert_error(bench, NULL);
	assert_false(pfs_restores_is_sent(bench->restores, backup(bench), "prod"));
	assert_int_equal(bench->store->api.under_way, 2);
	answer_index(bench, "prod", 0, 200);
	assert_int_equal(known(bench, INDEXES, "prod")->references, 0);
	assert_int_equal(bench->store->stats.failure_count, 0);
}

static void test_a_bad_name_is_not_sent(void **state)
{
	static const char *const names[] = {"", "A", "a_b", "-a", "a-", "tmp.XyZ", "a/b"};
	struct bench *bench = *state;

	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(make(bench, backup(bench), names[i], NULL), -EINVAL);
	assert_int_equal(bench->store->api.commands, 0);
	assert_error(bench, "EINVAL: not sent: a name has 1 to 45 of a-z, 0-9 and -, and neither "
			    "begins nor ends with -");
}

static void test_a_known_name_is_not_sent(void **state)
{
	struct bench *bench = *state;

	know_made(bench, "j", J_DOC);
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EEXIST);
	assert_int_equal(bench->store->api.commands, 0);
	assert_int_equal(bench->store->api.lists, 0);
}

static void test_those_who_give_the_same_get_the_same(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[3] = {0};

	assert_int_equal(make(bench, backup(bench), "prod", &waiters[0]), -EINPROGRESS);
	assert_int_equal(make(bench, backup(bench), "prod", &waiters[1]), -EINPROGRESS);
	assert_int_equal(make(bench, backup(bench), "test", &waiters[2]), -EINPROGRESS);
	assert_int_equal(bench->store->api.commands, 2);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_told(&waiters[0], 0);
	assert_told(&waiters[1], 0);
	assert_waiting(&waiters[2]);
	fake_api_refuse(&bench->store->api, "b>test", PFS_FATE_NOT_DONE, -EDQUOT, 403);
	assert_told(&waiters[2], -EDQUOT);
}

static void test_the_same_name_of_two_backups_are_two_commands(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[2] = {0};

	know_backup(bench, "c");
	assert_int_equal(make(bench, backup(bench), "prod", &waiters[0]), -EINPROGRESS);
	assert_int_equal(make(bench, known(bench, BACKUPS, "c"), "prod", &waiters[1]),
			 -EINPROGRESS);
	assert_int_equal(bench->store->api.commands, 2);
	fake_api_refuse(&bench->store->api, "c>prod", PFS_FATE_NOT_DONE, -EBUSY, 412);
	assert_waiting(&waiters[0]);
	assert_told(&waiters[1], -EBUSY);
	assert_error(bench, NULL);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_told(&waiters[0], 0);
}

/* Its directory may still be open where the backup has come again: another object. */
static void test_a_backup_that_came_again_has_no_second_command(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[2] = {0};
	struct pfs_object *old = backup(bench);

	assert_int_equal(make(bench, old, "prod", &waiters[0]), -EINPROGRESS);
	pass(bench->store, TTL_READY);
	pfs_store_refresh(bench->store->store, old);
	fake_api_fail(&bench->store->api, "b", -ENOENT, 404);
	know_backup(bench, "b");
	assert_ptr_not_equal(backup(bench), old);
	assert_int_equal(make(bench, backup(bench), "prod", &waiters[1]), -EINPROGRESS);
	assert_int_equal(bench->store->api.commands, 1);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_told(&waiters[0], 0);
	assert_told(&waiters[1], 0);
	pfs_store_release(bench->store->store, old, 1);
}

static void test_commands_under_way_have_a_bound(void **state)
{
	struct bench *bench = *state;
	char name[] = "n0", command[] = "b>n0";

	bench->store->api.sends = true;
	for (int i = 0; i < COMMANDS_MAX; i++, name[1]++)
		assert_int_equal(make(bench, backup(bench), name, NULL), -EINPROGRESS);
	assert_int_equal(make(bench, backup(bench), name, NULL), -EAGAIN);
	assert_error(bench, "EAGAIN: not sent: 4 commands are under way");
	assert_int_equal(make(bench, backup(bench), "n0", NULL), -EINPROGRESS); /* no other one */
	assert_int_equal(bench->store->api.commands, COMMANDS_MAX);
	fake_api_refuse(&bench->store->api, command, PFS_FATE_NOT_DONE, -EBUSY, 412);
	assert_int_equal(make(bench, backup(bench), name, NULL), -EINPROGRESS);
}

static void test_what_can_not_be_asked_leaves_nothing(void **state)
{
	struct bench *bench = *state;
	uint64_t references = backup(bench)->references;

	bench->store->api.refuse = -EBUSY;
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EAGAIN);
	assert_error(bench, "EAGAIN: not sent: too many requests are waiting");
	bench->store->api.refuse = -ENOMEM;
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -ENOMEM);
	bench->store->api.refuse = 0;
	assert_int_equal(backup(bench)->references, references);
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
	assert_int_equal(backup(bench)->references, references + 1);
	assert_int_equal(bench->store->api.commands, 1);
}

/* --- who gives up -------------------------------------------------------------------------- */

static void test_it_is_sent_when_the_api_says_so(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_false(pfs_restores_is_sent(bench->restores, backup(bench), "prod"));
	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
	assert_false(pfs_restores_is_sent(bench->restores, backup(bench), "prod"));
	bench->store->api.sends = true;
	assert_true(pfs_restores_is_sent(bench->restores, backup(bench), "prod"));
	assert_false(pfs_restores_is_sent(bench->restores, backup(bench), "test"));
	bench->store->api.sends = false;
	fake_api_refuse(&bench->store->api, "b>prod", UNKNOWN, -EIO, 0);
	assert_true(pfs_restores_is_sent(bench->restores, backup(bench), "prod"));
	answer_index(bench, "prod", -ENOENT, 404);
	assert_true(pfs_restores_is_sent(bench->restores, backup(bench), "prod"));
	pfs_wait_cancel(&waiter.wait);
	pfs_restores_abandon(bench->restores);
	assert_true(pfs_restores_is_sent(bench->restores, backup(bench), "prod"));
}

static void test_one_that_was_not_sent_is_dropped_with_its_last_caller(void **state)
{
	struct bench *bench = *state;
	struct waiter waiters[2] = {0};
	uint64_t references = backup(bench)->references;

	assert_int_equal(make(bench, backup(bench), "prod", &waiters[0]), -EINPROGRESS);
	assert_int_equal(make(bench, backup(bench), "prod", &waiters[1]), -EINPROGRESS);
	pfs_wait_cancel(&waiters[0].wait);
	pfs_restores_abandon(bench->restores);
	assert_int_equal(bench->store->api.under_way, 1);
	pfs_wait_cancel(&waiters[1].wait);
	pfs_restores_abandon(bench->restores);
	assert_int_equal(bench->store->api.under_way, 0);
	assert_int_equal(backup(bench)->references, references);
	assert_int_equal(waiters[0].calls + waiters[1].calls, 0);
}

static void test_one_that_was_sent_goes_on_without_its_callers(void **state)
{
	struct bench *bench = *state;

	bench->store->api.sends = true;
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
	pfs_restores_abandon(bench->restores);
	assert_int_equal(bench->store->api.under_way, 1);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_string_equal(made_of(bench, backup(bench)), "prod=j");
	assert_int_equal(waited_for, 0);
	assert_int_equal(unexpected, 1);
}

static void test_several_are_dropped_at_once(void **state)
{
	struct bench *bench = *state;

	for (int i = 0; i < 3; i++) {
		char name[] = {(char)('x' + i), '\0'};

		assert_int_equal(make(bench, backup(bench), name, NULL), -EINPROGRESS);
	}
	pfs_restores_abandon(bench->restores);
	assert_int_equal(bench->store->api.under_way, 0);
}

/* In each of its steps: the teardown sees that nothing is left, and that nobody is woken. */
static void test_the_end_comes_while_they_are_under_way(void **state)
{
	struct bench *bench = *state;

	bench->store->api.sends = true;
	assert_int_equal(make(bench, backup(bench), "x", NULL), -EINPROGRESS);
	assert_int_equal(make(bench, backup(bench), "y", NULL), -EINPROGRESS);
	fake_api_refuse(&bench->store->api, "b>y", UNKNOWN, -EIO, 0);
	assert_int_equal(make(bench, backup(bench), "z", NULL), -EINPROGRESS);
	fake_api_refuse(&bench->store->api, "b>z", PFS_FATE_NOT_DONE, -EEXIST, 409);
	assert_int_equal(make(bench, backup(bench), "w", NULL), -EINPROGRESS);
	fake_api_made(&bench->store->api, "b>w", "j"); /* announced only */
	pfs_restores_end(bench->restores);
	assert_int_equal(bench->store->stats.waiting, 0);
}

/* --- why not ------------------------------------------------------------------------------- */

static void test_a_refusal_is_told_and_kept(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};
	struct pfs_api_answer answer = {
		.error = -EDQUOT,
		.status = 403,
		.text = "403: the quota\nis used up",
		.fate = PFS_FATE_NOT_DONE,
	};

	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS);
	fake_api_tell(&bench->store->api, "b>prod", &answer);
	assert_told(&waiter, -EDQUOT);
	assert_error(bench, "EDQUOT: 403: the quota\\nis used up");
	assert_int_equal(bench->store->stats.failure_count, 1); /* in .pinefs/errors */
	assert_string_equal(bench->store->stats.failures[0].object, "backups/b/restores/prod");
	assert_string_equal(bench->store->stats.failures[0].text, answer.text);
	assert_string_equal(bench->store->stats.failures[0].request_id, "req-1");
	assert_int_equal(bench->store->stats.failures[0].error, EDQUOT);
	assert_int_equal(bench->store->stats.failures[0].status, 403);
	assert_int_equal(bench->store->api.lists + bench->store->api.under_way, 0);
	assert_int_equal(waited_for + unexpected, 0);
	assert_int_equal(make(bench, backup(bench), "prod", &waiter), -EINPROGRESS); /* again */
	assert_error(bench, "EDQUOT: 403: the quota\\nis used up");
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_error(bench, NULL);
}

static void test_the_last_refusal_of_each_backup_is_kept(void **state)
{
	struct bench *bench = *state;

	know_backup(bench, "c");
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
	fake_api_refuse(&bench->store->api, "b>prod", PFS_FATE_NOT_DONE, -EBUSY, 412);
	assert_int_equal(make(bench, known(bench, BACKUPS, "c"), "BAD", NULL), -EINVAL);
	assert_error(bench, "EBUSY: it was refused");
	for (int i = 0; i < 30; i++)
		assert_int_equal(make(bench, known(bench, BACKUPS, "c"), "BAD", NULL), -EINVAL);
	assert_error(bench, "EBUSY: it was refused");
	assert_int_equal(make(bench, known(bench, BACKUPS, "c"), "BAD", NULL), -EINVAL);
	assert_error(bench, NULL); /* there is room for 32 */
	assert_int_equal(make(bench, backup(bench), "BAD", NULL), -EINVAL);
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_error(bench, NULL);
	assert_non_null(pfs_restores_error(bench->restores, known(bench, BACKUPS, "c")));
}

/* --- the log ------------------------------------------------------------------------------- */

static void test_each_command_has_one_line_in_the_log(void **state)
{
	const struct pfs_giver giver = {.uid = 1000, .pid = 4242, .name = "a\nb"};
	struct bench *bench = *state;
	struct waiter waiter = {0};
	struct capture capture;

	pfs_log_open(PFS_LOG_INFO, PFS_LOG_STDERR, NULL);
	capture_begin(&capture);
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
	fake_api_made(&bench->store->api, "b>prod", "j");
	assert_int_equal(
		pfs_restores_make(bench->restores, backup(bench), "test", &giver, prepare(&waiter)),
		-EINPROGRESS);
	fake_api_refuse(&bench->store->api, "b>test", PFS_FATE_NOT_DONE, -EDQUOT, 403);
	assert_string_equal(capture_end(&capture),
			    "pinefs: restore: uid 1000, pid 4242 (mkdir): backups/b/restores/prod: "
			    "begun, restore-jobs/j\n"
			    "pinefs: restore: uid 1000, pid 4242 (a\\nb): backups/b/restores/test: "
			    "Disk quota exceeded: it was refused\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_restores, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_command_is_given_and_its_job_is_known),
		TEST(test_a_bad_name_is_not_sent),
		TEST(test_a_known_name_is_not_sent),
		TEST(test_those_who_give_the_same_get_the_same),
		TEST(test_the_same_name_of_two_backups_are_two_commands),
		TEST(test_a_backup_that_came_again_has_no_second_command),
		TEST(test_commands_under_way_have_a_bound),
		TEST(test_what_can_not_be_asked_leaves_nothing),
		TEST(test_it_is_sent_when_the_api_says_so),
		TEST(test_one_that_was_not_sent_is_dropped_with_its_last_caller),
		TEST(test_one_that_was_sent_goes_on_without_its_callers),
		TEST(test_several_are_dropped_at_once),
		TEST(test_the_end_comes_while_they_are_under_way),
		TEST(test_a_refusal_is_told_and_kept),
		TEST(test_the_last_refusal_of_each_backup_is_kept),
		TEST(test_each_command_has_one_line_in_the_log),
	};

	return cmocka_run_group_tests_name("restore_command", tests, NULL, NULL);
}
