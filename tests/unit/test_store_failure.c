/* SPDX-License-Identifier: MIT */
/* What a failure leaves: ids that aren't there, an API that fails, objects that vanish. */
#include <errno.h>
#include <string.h>

#include "store_fixture.h"

static void ask_and_fail(struct fixture *fixture, const char *id, int error, int status,
			 int expected)
{
	struct waiter waiter = {0};

	assert_int_equal(ask(fixture, id, &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, id, error, status);
	assert_told(&waiter, expected);
}

/* --- ids of which nothing good is known ---------------------------------------------------- */

static void test_missing_id_is_remembered_for_its_ttl(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "a"), 0);
	ask_and_fail(fixture, "a", -ENOENT, 404, -ENOENT);
	assert_int_equal(fixture->stats.missing, 1);
	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "a"), TTL_MISSING);
	pass(fixture, TTL_MISSING - 1);
	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "a"), 1);
	assert_int_equal(ask(fixture, "a", NULL), -ENOENT);
	assert_int_equal(fixture->api.describes, 1);
	pass(fixture, 1);
	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "a"), 0);
	learn(fixture, "a", "Pending"); /* now it is there */
	assert_int_equal(fixture->stats.missing, 0);
	assert_int_equal(fixture->stats.objects, 1);
	assert_news(fixture, "?/restore-jobs/a +a");
}

static void test_missing_id_is_never_known_however_often(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 5; i++) {
		ask_and_fail(fixture, "a", -ENOENT, 404, -ENOENT);
		pass(fixture, STALE);
	}
	assert_null(pfs_store_find(fixture->store, fixture->kind, "a"));
	assert_null(pfs_store_next(fixture->store, fixture->kind, 0));
	assert_int_equal(fixture->stats.missing, 1);
}

static void test_failure_of_an_unknown_id_is_remembered_for_its_ttl(void **state)
{
	static const struct {
		int error, status;
	} rows[] = {
		{-EIO, 500},	{-EBUSY, 429},	{-ETIMEDOUT, 0}, {-EHOSTUNREACH, 0}, {-EPROTO, 0},
		{-EACCES, 401}, {-EACCES, 403}, {-EFBIG, 200},	 {-EREMOTEIO, 302},  {-ENOMEM, 0},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned asked = fixture->api.describes;

		ask_and_fail(fixture, "a", rows[i].error, rows[i].status, rows[i].error);
		assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "a"), 0);
		pass(fixture, TTL_ERROR - 1);
		assert_int_equal(ask(fixture, "a", NULL), rows[i].error);
		assert_int_equal(fixture->api.describes, asked + 1);
		pass(fixture, 1);
	}
}

/* The key may not see it: that doesn't change by itself. */
static void test_refused_id_is_asked_for_at_growing_pauses(void **state)
{
	struct fixture *fixture = *state;
	int64_t pause = TTL_ERROR;

	for (int i = 0; i < 10; i++) {
		ask_and_fail(fixture, "a", -EACCES, 403, -EACCES);
		pass(fixture, pause - 1);
		assert_int_equal(ask(fixture, "a", NULL), -EACCES);
		pass(fixture, 1);
		pause = pause * 2 < 60 * PFS_SECOND ? pause * 2 : 60 * PFS_SECOND;
	}
	/* Another failure ends that, and so does its own end. */
	ask_and_fail(fixture, "a", -EIO, 500, -EIO);
	pass(fixture, TTL_ERROR);
	ask_and_fail(fixture, "a", -EACCES, 403, -EACCES);
	pass(fixture, TTL_ERROR);
	learn(fixture, "a", "Pending");
}

static void test_refused_list_is_asked_for_at_growing_pauses(void **state)
{
	struct fixture *fixture = *state;
	int64_t pause = TTL_ERROR;

	for (int i = 0; i < 10; i++) {
		assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
		fake_api_fail(&fixture->api, NULL, -EACCES, 403);
		pass(fixture, pause - 1);
		assert_int_equal(ask_list(fixture, 0, NULL), -EACCES);
		pass(fixture, 1);
		pause = pause * 2 < 60 * PFS_SECOND ? pause * 2 : 60 * PFS_SECOND;
	}
	pfs_store_expire(fixture->store); /* SIGHUP: at once */
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", NULL);
}

/* What /.pinefs/errors has of it: when it may be asked for again, too. */
static void test_failure_is_kept_for_people(void **state)
{
	struct fixture *fixture = *state;
	const struct pfs_failure_line *line = fixture->stats.failures;

	ask_and_fail(fixture, "a", -EIO, 500, -EIO);
	assert_int_equal(fixture->stats.failures_kept, 1);
	assert_string_equal(line->object, "/restore-jobs/a");
	assert_int_equal(line->error, EIO);
	assert_int_equal(line->status, 500);
	assert_int_equal(line->when, FAKE_EPOCH);
	assert_int_equal(line->again, FAKE_EPOCH + TTL_ERROR);
	pass(fixture, TTL_ERROR);
	fixture->api.retry_after = 20 * PFS_SECOND;
	ask_and_fail(fixture, "a", -EIO, 500, -EIO);
	assert_int_equal(line->times, 2);
	assert_int_equal(line->again, FAKE_EPOCH + TTL_ERROR + 20 * PFS_SECOND);
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EBUSY, 429);
	assert_string_equal(line[1].object, "/restore-jobs");
	assert_int_equal(line[1].again, FAKE_EPOCH + TTL_ERROR + 20 * PFS_SECOND);
	learn(fixture, "b", "Pending");
	assert_int_equal(fixture->stats.failure_count, 3);
}

static void test_retry_after_is_honoured_up_to_a_minute(void **state)
{
	static const struct {
		int64_t told, pause;
	} rows[] = {
		{-1, TTL_ERROR},
		{0, TTL_ERROR},
		{10 * PFS_SECOND, 10 * PFS_SECOND},
		{3600 * PFS_SECOND, 60 * PFS_SECOND},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		fixture->api.retry_after = rows[i].told;
		ask_and_fail(fixture, "a", -EBUSY, 429, -EBUSY);
		pass(fixture, rows[i].pause - 1);
		assert_int_equal(ask(fixture, "a", NULL), -EBUSY);
		pass(fixture, 1);
	}
	assert_int_equal(fixture->api.describes, COUNT(rows));
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
}

static void test_question_that_can_not_be_asked_is_not_remembered(void **state)
{
	struct fixture *fixture = *state;

	fixture->api.refuse = -EBUSY;
	assert_int_equal(ask(fixture, "a", NULL), -EBUSY);
	fixture->api.refuse = 0;
	learn(fixture, "a", "Pending");
	pass(fixture, TTL);
	fixture->api.refuse = -EBUSY;
	assert_int_equal(ask(fixture, "a", NULL), -EBUSY);
	assert_int_equal(ask_list(fixture, 0, NULL), -EBUSY);
	fixture->api.refuse = 0;
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
}

/* --- the last good answer ------------------------------------------------------------------ */

static void test_failing_api_leaves_the_last_answer_until_stale_is_over(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");

	pass(fixture, TTL);
	assert_false(pfs_store_is_stale(fixture->store, object));
	ask_and_fail(fixture, "a", -EIO, 503, 0);
	assert_true(pfs_store_is_stale(fixture->store, object));
	assert_int_equal(fixture->stats.stale_served, 1);
	assert_int_equal(object->failure->status, 503);
	assert_string_equal(object->failure->text, "it failed");
	assert_string_equal(object->failure->request_id, "req-1");

	pass(fixture, TTL_ERROR - 1);
	assert_int_equal(ask(fixture, "a", NULL), 0); /* nor is it asked for */
	assert_int_equal(fixture->api.describes, 2);
	pass(fixture, STALE - TTL_ERROR);
	ask_and_fail(fixture, "a", -ETIMEDOUT, 0, 0); /* the last moment */
	pass(fixture, 1);
	assert_int_equal(ask(fixture, "a", NULL), -ETIMEDOUT);
	assert_news(fixture, "+a ?/restore-jobs/a ?/restore-jobs/a");

	pass(fixture, TTL_ERROR);
	learn(fixture, "a", "Pending");
	assert_false(pfs_store_is_stale(fixture->store, object));
	assert_null(object->failure);
	assert_int_equal(ask(fixture, "a", NULL), 0);
}

/* Each caller that gets the old content counts, whether it waited or came during the pause; but a
 * refresh has no caller. */
static void test_stale_is_counted_by_the_callers_that_get_it(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t *served = fixture->stats.served;
	struct pfs_object *object = learn(fixture, "a", "Pending");
	struct waiter waiters[5] = {0};

	pass(fixture, TTL);
	for (size_t i = 0; i < COUNT(waiters); i++)
		assert_int_equal(ask(fixture, "a", &waiters[i]), -EINPROGRESS);
	pfs_wait_cancel(&waiters[4].wait); /* it gave up */
	fake_api_fail(&fixture->api, "a", -EIO, 503);
	assert_told(&waiters[0], 0);
	assert_int_equal(served[PFS_SERVED_EXPIRED], 5);
	assert_int_equal(served[PFS_SERVED_STALE], 4);
	assert_int_equal(ask(fixture, "a", NULL), 0);
	assert_int_equal(served[PFS_SERVED_STALE], 5);

	pass(fixture, TTL_ERROR);
	assert_int_equal(pfs_store_refresh(fixture->store, object), 0);
	fake_api_fail(&fixture->api, "a", -EIO, 503);
	assert_int_equal(served[PFS_SERVED_STALE], 5);
	assert_int_equal(fixture->stats.stale_served, 5);
	assert_int_equal(served[PFS_SERVED_EXPIRED], 5);
}

static void test_rejected_key_is_shown_at_once(void **state)
{
	struct fixture *fixture = *state;

	learn(fixture, "a", "Pending");
	pass(fixture, TTL);
	ask_and_fail(fixture, "a", -EACCES, 401, -EACCES);
	assert_int_equal(ask(fixture, "a", NULL), -EACCES);
	assert_non_null(pfs_store_find(fixture->store, fixture->kind, "a"));
	pass(fixture, TTL_ERROR);
	learn(fixture, "a", "Pending");
}

/* --- objects that vanish ------------------------------------------------------------------- */

static void test_one_404_of_a_known_object_is_not_believed(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");

	pass(fixture, TTL);
	ask_and_fail(fixture, "a", -ENOENT, 404, 0);
	assert_true(pfs_store_is_stale(fixture->store, object));
	pass(fixture, STALE * 2);
	assert_ptr_equal(pfs_store_find(fixture->store, fixture->kind, "a"), object);
	learn(fixture, "a", "Pending"); /* there it is again */
	pass(fixture, TTL);
	ask_and_fail(fixture, "a", -ENOENT, 404, 0); /* and that was the first in a row */
	pass(fixture, STALE - 1);
	ask_and_fail(fixture, "a", -ENOENT, 404, 0);
	assert_int_equal(object->failure->misses, 2);
}

static void test_two_404s_and_longer_than_stale_are(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");
	uint64_t slot = object->slot;
	int64_t modified;

	pfs_store_hold(fixture->store, object, 3);
	pass(fixture, TTL);
	ask_and_fail(fixture, "a", -ENOENT, 404, 0);
	pass(fixture, STALE);
	modified = pfs_store_list_modified(fixture->store, fixture->kind);
	ask_and_fail(fixture, "a", -ENOENT, 404, -ESTALE);
	assert_true(object->gone);
	assert_true(pfs_store_list_modified(fixture->store, fixture->kind) > modified);
	assert_null(pfs_store_find(fixture->store, fixture->kind, "a"));
	assert_null(pfs_store_next(fixture->store, fixture->kind, 0));
	assert_ptr_equal(pfs_store_by_slot(fixture->store, fixture->kind, slot), object);
	assert_int_equal(pfs_store_left(fixture->store, object), 0);
	assert_int_equal(pfs_store_ask_object(fixture->store, object, NULL), -ESTALE);
	assert_news(fixture, "+a ?/restore-jobs/a ?/restore-jobs/a -a");

	/* One that comes back under its id is another; the old one goes with its last user. */
	assert_true(learn(fixture, "a", "Pending")->slot > slot);
	assert_news(fixture, "+a");
	pfs_store_release(fixture->store, object, 2);
	assert_non_null(pfs_store_by_slot(fixture->store, fixture->kind, slot));
	pfs_store_release(fixture->store, object, 1);
	assert_null(pfs_store_by_slot(fixture->store, fixture->kind, slot));
	assert_news(fixture, "!a");
	assert_int_equal(fixture->stats.objects, 1);
}

static void test_two_404s_it_takes_even_without_stale(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;

	config.stale = 0;
	configure(fixture, &config);
	learn(fixture, "a", "Pending");
	pass(fixture, TTL);
	ask_and_fail(fixture, "a", -ENOENT, 404, 0);
	pass(fixture, TTL_MISSING);
	ask_and_fail(fixture, "a", -ENOENT, 404, -ESTALE);
}

/* However long ago that was: nobody asks for it, and a list's page can't bring it back. */
static void test_vanished_object_that_is_held_stays_stale_and_is_not_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");
	struct waiter waiter = {0};
	unsigned describes;

	pfs_store_hold(fixture->store, object, 1);
	pfs_store_expire(fixture->store);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, "a", -ENOENT, 404);
	describes = fixture->api.describes;
	pass(fixture, TTL_FINAL);
	assert_int_equal(pfs_store_ask_object(fixture->store, object, prepare(&waiter)), -ESTALE);
	assert_int_equal(pfs_store_refresh(fixture->store, object), 0);
	assert_int_equal(fixture->api.describes, describes);
	learn_list(fixture, "a");
	assert_true(object->gone);
	assert_ptr_not_equal(pfs_store_find(fixture->store, fixture->kind, "a"), object);
	assert_int_equal(fixture->api.describes, describes);
	pfs_store_release(fixture->store, object, 1);
}

static void test_vanished_object_that_nobody_holds_is_freed(void **state)
{
	struct fixture *fixture = *state;
	uint64_t slot = learn(fixture, "a", "Pending")->slot;

	pass(fixture, TTL);
	ask_and_fail(fixture, "a", -ENOENT, 404, 0);
	pass(fixture, STALE);
	ask_and_fail(fixture, "a", -ENOENT, 404, -ESTALE);
	assert_null(pfs_store_by_slot(fixture->store, fixture->kind, slot));
	assert_int_equal(fixture->stats.objects, 0);
	assert_news(fixture, "+a ?/restore-jobs/a ?/restore-jobs/a -a !a");
}

static void test_404s_with_another_failure_between_are_not_in_a_row(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");

	pass(fixture, TTL);
	ask_and_fail(fixture, "a", -ENOENT, 404, 0);
	pass(fixture, TTL_ERROR);
	ask_and_fail(fixture, "a", -EIO, 500, 0);
	assert_int_equal(object->failure->misses, 0);
	pass(fixture, STALE);
	ask_and_fail(fixture, "a", -ENOENT, 404, 0);
	assert_false(object->gone);
	assert_int_equal(object->failure->misses, 1);
}

static void test_404_after_expire_is_believed(void **state)
{
	struct fixture *fixture = *state;

	learn(fixture, "a", "Pending");
	pfs_store_expire(fixture->store);
	ask_and_fail(fixture, "a", -ENOENT, 404, -ESTALE);
	assert_null(pfs_store_find(fixture->store, fixture->kind, "a"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_missing_id_is_remembered_for_its_ttl),
		TEST(test_missing_id_is_never_known_however_often),
		TEST(test_failure_of_an_unknown_id_is_remembered_for_its_ttl),
		TEST(test_refused_id_is_asked_for_at_growing_pauses),
		TEST(test_refused_list_is_asked_for_at_growing_pauses),
		TEST(test_failure_is_kept_for_people),
		TEST(test_retry_after_is_honoured_up_to_a_minute),
		TEST(test_question_that_can_not_be_asked_is_not_remembered),
		TEST(test_failing_api_leaves_the_last_answer_until_stale_is_over),
		TEST(test_stale_is_counted_by_the_callers_that_get_it),
		TEST(test_rejected_key_is_shown_at_once),
		TEST(test_one_404_of_a_known_object_is_not_believed),
		TEST(test_two_404s_and_longer_than_stale_are),
		TEST(test_two_404s_it_takes_even_without_stale),
		TEST(test_vanished_object_that_is_held_stays_stale_and_is_not_asked_for),
		TEST(test_vanished_object_that_nobody_holds_is_freed),
		TEST(test_404s_with_another_failure_between_are_not_in_a_row),
		TEST(test_404_after_expire_is_believed),
	};

	return cmocka_run_group_tests_name("store_failure", tests, NULL, NULL);
}
