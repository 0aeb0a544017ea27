/* SPDX-License-Identifier: MIT */
/* How long an answer holds, who waits for it, and what it changes. */
#include "pinefs/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

/* --- freshness ----------------------------------------------------------------------------- */

static void test_ask_unknown_id_describes_and_holds_for_its_ttl(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};
	struct pfs_object *object;

	assert_null(pfs_store_find(fixture->store, fixture->kind, "a"));
	assert_int_equal(ask(fixture, "a", &waiter), -EINPROGRESS);
	assert_null(pfs_store_find(fixture->store, fixture->kind, "a"));
	assert_waiting(&waiter);
	fake_api_status(&fixture->api, "a", "Pending");
	assert_told(&waiter, 0);
	object = pfs_store_find(fixture->store, fixture->kind, "a");
	assert_non_null(object);
	assert_string_equal(object->content->json.bytes,
			    "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}");
	assert_int_equal(object->content->json.length, strlen(object->content->json.bytes));
	assert_string_equal(object->origin->request_id, "req-1");
	assert_false(object->origin->listed);
	assert_int_equal(object->origin->sent_at, FAKE_START);
	assert_news(fixture, "+a");

	assert_int_equal(pfs_store_left(fixture->store, object), TTL);
	pass(fixture, TTL - 1);
	assert_int_equal(pfs_store_left(fixture->store, object), 1);
	assert_int_equal(ask(fixture, "a", NULL), 0);
	pass(fixture, 1);
	assert_int_equal(pfs_store_left(fixture->store, object), 0);
	assert_int_equal(fixture->api.describes, 1);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	assert_int_equal(fixture->api.describes, 2);
}

static void test_ask_finished_object_holds_for_the_final_ttl(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "completed");

	assert_true(object->content->end);
	assert_int_equal(pfs_store_ttl(fixture->store, object), TTL_FINAL);
	pass(fixture, TTL_FINAL - 1);
	assert_int_equal(ask(fixture, "a", NULL), 0);
	pass(fixture, 1);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
}

static void test_ask_with_ttl_zero_serves_the_messages_of_one_cat(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;

	config.ttl = 0;
	configure(fixture, &config);
	learn(fixture, "a", "Pending");
	pass(fixture, 10 * PFS_MILLISECOND);
	assert_int_equal(ask(fixture, "a", NULL), 0);
	pass(fixture, 10 * PFS_MILLISECOND);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
}

static void test_wall_clock_set_back_and_forth_changes_no_freshness(void **state)
{
	const int64_t year = 365 * 24 * 3600 * PFS_SECOND;
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");
	int64_t before = object->content->modified;

	fixture->time.set_by = -3 * year;
	assert_int_equal(pfs_store_left(fixture->store, object), TTL);
	fixture->time.set_by = 3 * year;
	pass(fixture, TTL - 1);
	assert_int_equal(ask(fixture, "a", NULL), 0);
	fixture->time.set_by = -3 * year;
	pass(fixture, 1);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	fake_api_status(&fixture->api, "a", "Failed");
	assert_int_equal(pfs_store_left(fixture->store, object), TTL_FINAL);
	assert_true(object->content->modified > before);
}

static void test_suspend_counts_as_time_that_has_passed(void **state)
{
	struct fixture *fixture = *state;

	learn(fixture, "a", "Completed");
	learn_list(fixture, "b:Pending");
	fixture->time.passed += 8 * 3600 * PFS_SECOND;
	assert_int_equal(pfs_store_list_left(fixture->store, fixture->kind), 0);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	assert_int_equal(ask(fixture, "b", NULL), -EINPROGRESS);
}

static void test_expire_makes_everything_be_asked_again(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0}, lister = {0};

	learn(fixture, "a", "Completed");
	learn_list(fixture, "a:Completed");
	assert_int_equal(ask(fixture, "b", NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, "b", -ENOENT, 404);
	assert_int_equal(fixture->stats.missing, 1);
	pfs_store_expire(fixture->store);
	assert_int_equal(fixture->stats.missing, 0);
	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "b"), 0);
	assert_int_equal(pfs_store_list_left(fixture->store, fixture->kind), 0);
	assert_non_null(pfs_store_find(fixture->store, fixture->kind, "a"));

	/* And nothing outlives a failing API. */
	assert_int_equal(ask(fixture, "a", &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, "a", -EIO, 500);
	assert_told(&waiter, -EIO);
	assert_int_equal(ask_list(fixture, 0, &lister), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EIO, 500);
	assert_told(&lister, -EIO);
}

static void test_expire_while_under_way_lets_it_land(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask(fixture, "a", &waiter), -EINPROGRESS);
	pfs_store_expire(fixture->store);
	assert_waiting(&waiter);
	fake_api_status(&fixture->api, "a", "Pending");
	assert_told(&waiter, 0);
}

/* --- single flight ------------------------------------------------------------------------- */

static void test_ask_by_many_at_once_is_one_request(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiters[50] = {0};

	for (size_t i = 0; i < COUNT(waiters); i++)
		assert_int_equal(ask(fixture, "a", &waiters[i]), -EINPROGRESS);
	assert_int_equal(fixture->api.describes, 1);
	assert_int_equal(fixture->stats.joined, 49);
	assert_int_equal(fixture->stats.waiting, 50);
	fake_api_status(&fixture->api, "a", "Pending");
	for (size_t i = 0; i < COUNT(waiters); i++)
		assert_told(&waiters[i], 0);
	assert_int_equal(fixture->stats.waiting, 0);
	assert_int_equal(fixture->api.describes, 1);
}

static void test_ask_ids_one_by_one_do_not_wait_for_each_other(void **state)
{
	struct fixture *fixture = *state;
	struct waiter a = {0}, b = {0};

	assert_int_equal(ask(fixture, "a", &a), -EINPROGRESS);
	assert_int_equal(ask(fixture, "b", &b), -EINPROGRESS);
	fake_api_status(&fixture->api, "b", "Pending");
	assert_told(&b, 0);
	assert_waiting(&a);
	fake_api_status(&fixture->api, "a", "Pending");
	assert_told(&a, 0);
}

static void test_cancel_leaves_the_request_to_the_others(void **state)
{
	struct fixture *fixture = *state;
	struct waiter first = {0}, second = {0};

	assert_int_equal(ask(fixture, "a", &first), -EINPROGRESS);
	assert_int_equal(ask(fixture, "a", &second), -EINPROGRESS);
	pfs_wait_cancel(&first.wait);
	pfs_wait_cancel(&first.wait); /* a second time: nothing */
	assert_int_equal(fixture->stats.waiting, 1);
	assert_true(fake_api_is_asked(&fixture->api, "a"));
	fake_api_status(&fixture->api, "a", "Pending");
	assert_waiting(&first);
	assert_told(&second, 0);
}

static void test_cancel_of_the_last_keeps_the_answer_for_the_next(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask(fixture, "a", &waiter), -EINPROGRESS);
	pfs_wait_cancel(&waiter.wait);
	fake_api_status(&fixture->api, "a", "Pending");
	assert_waiting(&waiter);
	assert_int_equal(ask(fixture, "a", NULL), 0);
	assert_int_equal(fixture->api.describes, 1);
}

/* Somebody whose done does something to the store. */
struct meddler {
	struct waiter waiter;
	struct fixture *fixture;
	struct waiter *other;
	int asked; /* what asking again said */
};

static void cancel_other(struct pfs_wait *wait, int error)
{
	struct meddler *meddler = (struct meddler *)wait;

	meddler->waiter.calls++;
	pfs_wait_cancel(&meddler->other->wait);
}

static void test_cancel_of_another_from_inside_done_holds(void **state)
{
	struct fixture *fixture = *state;
	struct waiter other = {0}, third = {0};
	struct meddler meddler = {.fixture = fixture, .other = &other};

	meddler.waiter.wait.done = cancel_other;
	assert_int_equal(ask(fixture, "a", &meddler.waiter), -EINPROGRESS);
	assert_int_equal(ask(fixture, "a", &other), -EINPROGRESS);
	assert_int_equal(ask(fixture, "a", &third), -EINPROGRESS);
	fake_api_status(&fixture->api, "a", "Pending");
	assert_int_equal(meddler.waiter.calls, 1);
	assert_waiting(&other);
	assert_told(&third, 0);
}

static void test_cancel_of_another_reader_of_the_list_from_inside_done_holds(void **state)
{
	struct fixture *fixture = *state;
	struct waiter other = {0}, third = {0};
	struct meddler meddler = {.fixture = fixture, .other = &other};

	meddler.waiter.wait.done = cancel_other;
	assert_int_equal(ask_list(fixture, 0, &meddler.waiter), -EINPROGRESS);
	assert_int_equal(ask_list(fixture, 0, &other), -EINPROGRESS);
	assert_int_equal(ask_list(fixture, 0, &third), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", NULL);
	assert_int_equal(meddler.waiter.calls, 1);
	assert_waiting(&other);
	assert_told(&third, 0);
	assert_int_equal(fixture->stats.waiting, 0);
	pass(fixture, TTL);
	assert_int_equal(ask_list(fixture, 0, &other), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", NULL);
	assert_told(&other, 0);
}

static void ask_again(struct pfs_wait *wait, int error)
{
	struct meddler *meddler = (struct meddler *)wait;

	meddler->waiter.calls++;
	meddler->asked = ask(meddler->fixture, "a", meddler->other);
}

static void test_ask_again_from_inside_done_gets_what_landed(void **state)
{
	struct fixture *fixture = *state;
	struct waiter other = {0};
	struct meddler meddler = {.fixture = fixture, .other = &other};

	meddler.waiter.wait.done = ask_again;
	assert_int_equal(ask(fixture, "a", &meddler.waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, "a", -EIO, 500);
	assert_int_equal(meddler.waiter.calls, 1);
	assert_int_equal(meddler.asked, -EIO); /* remembered, not asked for once more */
	pass(fixture, TTL_ERROR);
	assert_int_equal(ask(fixture, "a", &meddler.waiter), -EINPROGRESS);
	fake_api_status(&fixture->api, "a", "Pending");
	assert_int_equal(meddler.asked, 0);
	assert_int_equal(fixture->api.describes, 2);
}

/* --- changes ------------------------------------------------------------------------------- */

static void relearn(struct fixture *fixture, const char *id, const char *object)
{
	pass(fixture, TTL_FINAL);
	assert_int_equal(ask(fixture, id, NULL), -EINPROGRESS);
	fake_api_answer(&fixture->api, id, object);
}

static void test_same_object_in_other_words_is_no_change(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");
	struct pfs_content *content = object->content;

	relearn(fixture, "a",
		" {\"status\": \"Pending\", \"created_at\":null, \"restore_job_id\" :\"a\"}\n");
	assert_ptr_equal(object->content, content);
	assert_int_equal(pfs_store_left(fixture->store, object), TTL);
	assert_int_equal(object->origin->sent_at, FAKE_START + TTL_FINAL);
	assert_int_equal(fixture->stats.changes, 0);
	assert_news(fixture, "+a");
}

static void test_changed_object_is_told_with_what_was_before(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");
	uint64_t slot = object->slot;

	pass(fixture, TTL);
	assert_ptr_equal(learn(fixture, "a", "Failed"), object);
	assert_int_equal(object->slot, slot);
	assert_string_equal(fixture->before, "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}");
	assert_string_equal(object->content->json.bytes,
			    "{\"restore_job_id\":\"a\",\"status\":\"Failed\"}");
	assert_int_equal(fixture->stats.changes, 1);
	assert_news(fixture, "+a ~a");
}

static void test_content_kept_outlives_the_change(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");
	struct pfs_content *kept = pfs_content_keep(object->content);

	pass(fixture, TTL);
	learn(fixture, "a", "Failed");
	assert_string_equal(kept->json.bytes, "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}");
	pfs_content_drop(kept);
	pfs_content_drop(NULL);
}

static struct pfs_object *see(struct fixture *fixture, const char *id, const char *bytes)
{
	assert_int_equal(ask(fixture, id, NULL), -EINPROGRESS);
	fake_api_answer(&fixture->api, id, bytes);
	return pfs_store_find(fixture->store, fixture->kind, id);
}

static void assert_times(const struct pfs_object *object, int64_t modified, int64_t changed)
{
	assert_int_equal(object->content->modified, modified);
	assert_int_equal(object->content->changed, changed);
}

static void test_times_of_a_first_content_are_as_in_table(void **state)
{
	static const int64_t created = INT64_C(1700000000) * PFS_SECOND;
	static const struct {
		const char *bytes;
		int64_t modified;
	} rows[] = {
		{"{}", FAKE_EPOCH},
		{"{\"created_at\":\"yesterday\",\"completed_at\":7}", FAKE_EPOCH},
		{"{\"created_at\":\"2023-11-14T22:13:20Z\"}", created},
		{"{\"created_at\":\"2023-11-14T22:13:20Z\",\"completed_at\":null}", created},
		{"{\"created_at\":\"2023-11-14T22:13:20Z\","
		 "\"completed_at\":\"2023-11-14T22:14:20Z\"}",
		 created + 60 * PFS_SECOND},
		{"{\"completed_at\":\"2025-06-15T15:07:00Z\"}", /* our clock is slow */
		 FAKE_EPOCH + 20 * PFS_SECOND},
	};
	struct fixture *fixture = *state;
	char id[] = "a";

	for (size_t i = 0; i < COUNT(rows); i++, id[0]++)
		assert_times(see(fixture, id, rows[i].bytes), rows[i].modified, FAKE_EPOCH);
}

/* Whoever looks for what is newer than his last look finds it, whenever the job has ended. */
static void test_times_of_a_change_are_when_it_was_seen(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = see(
		fixture, "a", "{\"created_at\":\"2023-11-14T22:13:20Z\",\"status\":\"Pending\"}");
	static const char *const ended = "{\"created_at\":\"2023-11-14T22:13:20Z\","
					 "\"status\":\"Completed\","
					 "\"completed_at\":\"2023-11-14T22:14:20Z\"}";

	relearn(fixture, "a", ended);
	assert_times(object, FAKE_EPOCH + TTL_FINAL, FAKE_EPOCH + TTL_FINAL);
	/* The same once more is no change, and neither is another order. */
	pass(fixture, TTL_FINAL);
	see(fixture, "a", ended);
	pass(fixture, TTL_FINAL);
	see(fixture, "a",
	    " {\"status\":\"Completed\",\"created_at\":\"2023-11-14T22:13:20Z\","
	    "\"completed_at\":\"2023-11-14T22:14:20Z\"}");
	assert_times(object, FAKE_EPOCH + TTL_FINAL, FAKE_EPOCH + TTL_FINAL);
}

static void test_times_move_when_the_clock_went_back(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object;
	int64_t changed;

	fixture->time.set_by = 7200 * PFS_SECOND;
	object = see(fixture, "a", "{\"status\":\"Pending\"}");
	assert_times(object, FAKE_EPOCH + 7200 * PFS_SECOND, FAKE_EPOCH + 7200 * PFS_SECOND);
	fixture->time.set_by = 0;
	relearn(fixture, "a", "{\"status\":\"Pending\",\"percent_complete\":1}");
	changed = FAKE_EPOCH + 7200 * PFS_SECOND + 1;
	assert_times(object, changed, changed);
	relearn(fixture, "a", "{\"status\":\"Pending\",\"percent_complete\":2}");
	assert_times(object, changed + 1, changed + 1);
	fixture->time.set_by = 7200 * PFS_SECOND;
	relearn(fixture, "a", "{\"status\":\"Pending\",\"percent_complete\":3}");
	assert_times(object, changed - 1 + 3 * TTL_FINAL, changed - 1 + 3 * TTL_FINAL);
}

/* The API's clock is ahead of ours: its time stays the latest until ours has come there. */
static void test_times_move_when_the_api_is_ahead(void **state)
{
	static const int64_t ahead = INT64_C(4070908800) * PFS_SECOND;
	struct fixture *fixture = *state;
	struct pfs_object *object =
		see(fixture, "a", "{\"completed_at\":\"2099-01-01T00:00:00Z\"}");

	assert_times(object, ahead, FAKE_EPOCH);
	relearn(fixture, "a", "{\"status\":\"Pending\"}");
	assert_times(object, ahead + 1, FAKE_EPOCH + TTL_FINAL);
	assert_news(fixture, "+a ~a");
}

static void test_list_time_moves_when_the_clock_went_back(void **state)
{
	struct fixture *fixture = *state;
	int64_t before = 0;

	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", NULL);
	for (char id[] = "b"; id[0] < 'f'; id[0]++) {
		assert_true(pfs_store_list_modified(fixture->store, fixture->kind) > before);
		before = pfs_store_list_modified(fixture->store, fixture->kind);
		fixture->time.set_by -= 3600 * PFS_SECOND;
		see(fixture, id, "{}");
	}
	assert_true(pfs_store_list_modified(fixture->store, fixture->kind) > before);
}

/* The second one is the last that fits: one more nanosecond would be in the year 1677. */
static void test_modified_is_not_taken_from_a_time_that_can_not_be(void **state)
{
	static const char *const times[] = {
		"3000-01-01T00:00:00Z",
		"2262-04-11T23:47:16.854775807Z",
		"2200-01-01T00:00:00Z",
	};
	struct fixture *fixture = *state;
	struct pfs_object *object;
	char id[] = "a", body[200];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++, id[0]++) {
		(void)snprintf(body, sizeof(body),
			       "{\"created_at\":\"2023-11-14T22:13:20Z\",\"completed_at\":\"%s\"}",
			       times[i]);
		assert_int_equal(ask(fixture, id, NULL), -EINPROGRESS);
		fake_api_answer(&fixture->api, id, body);
		object = pfs_store_find(fixture->store, fixture->kind, id);
		assert_int_equal(object->content->modified, INT64_C(1700000000) * PFS_SECOND);
	}
}

static void test_older_news_than_what_is_known_is_passed_over(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};
	struct pfs_object *object;

	assert_int_equal(ask(fixture, "a", &waiter), -EINPROGRESS);
	pass(fixture, PFS_SECOND);
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, "a:Completed", NULL);
	assert_told(&waiter, 0); /* though its own describe is still under way */
	object = pfs_store_find(fixture->store, fixture->kind, "a");
	fake_api_status(&fixture->api, "a", "Pending");
	assert_int_equal(waiter.calls, 1);
	assert_true(object->content->end);
	assert_true(object->origin->listed);
	assert_news(fixture, "+a");
}

static void test_older_failure_than_what_is_known_is_passed_over(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object;

	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	pass(fixture, PFS_SECOND);
	learn_list(fixture, "a");
	object = pfs_store_find(fixture->store, fixture->kind, "a");
	fake_api_fail(&fixture->api, "a", -ENOENT, 404);
	assert_null(object->failure);
	assert_int_equal(ask(fixture, "a", NULL), 0);
	assert_news(fixture, "+a");
}

/* Each of these calls checks in the fixture that the object is whole by then. */
static void test_listener_is_told_of_a_describe_when_the_object_is_whole(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	fake_api_status(&fixture->api, "a", "Pending");
	pass(fixture, TTL);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, "a", -EIO, 500);
	pass(fixture, TTL_ERROR);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	fake_api_status(&fixture->api, "a", "Completed"); /* after a failure, and for longer */
	pfs_store_expire(fixture->store);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, "a", -ENOENT, 404);
	assert_news(fixture, "+a ?/restore-jobs/a ~a ?/restore-jobs/a -a !a");
	assert_int_equal(ask(fixture, "b", NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, "b", -ENOENT, 404);
	assert_news(fixture, "?/restore-jobs/b");
}

static void test_listener_is_told_of_a_page_when_the_object_is_whole(void **state)
{
	struct fixture *fixture = *state;

	learn(fixture, "x", "Pending"); /* in no list so far */
	learn_list(fixture, "a x");
	pass(fixture, TTL);
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EIO, 500);
	pass(fixture, TTL_ERROR);
	learn_list(fixture, "a:Failed x:Completed b");
	assert_news(fixture, "+x +a ?/restore-jobs ~a ~x +b");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ask_unknown_id_describes_and_holds_for_its_ttl),
		TEST(test_ask_finished_object_holds_for_the_final_ttl),
		TEST(test_ask_with_ttl_zero_serves_the_messages_of_one_cat),
		TEST(test_wall_clock_set_back_and_forth_changes_no_freshness),
		TEST(test_suspend_counts_as_time_that_has_passed),
		TEST(test_expire_makes_everything_be_asked_again),
		TEST(test_expire_while_under_way_lets_it_land),
		TEST(test_ask_by_many_at_once_is_one_request),
		TEST(test_ask_ids_one_by_one_do_not_wait_for_each_other),
		TEST(test_cancel_leaves_the_request_to_the_others),
		TEST(test_cancel_of_the_last_keeps_the_answer_for_the_next),
		TEST(test_cancel_of_another_from_inside_done_holds),
		TEST(test_cancel_of_another_reader_of_the_list_from_inside_done_holds),
		TEST(test_ask_again_from_inside_done_gets_what_landed),
		TEST(test_same_object_in_other_words_is_no_change),
		TEST(test_changed_object_is_told_with_what_was_before),
		TEST(test_content_kept_outlives_the_change),
		TEST(test_times_of_a_first_content_are_as_in_table),
		TEST(test_times_of_a_change_are_when_it_was_seen),
		TEST(test_times_move_when_the_clock_went_back),
		TEST(test_times_move_when_the_api_is_ahead),
		TEST(test_list_time_moves_when_the_clock_went_back),
		TEST(test_modified_is_not_taken_from_a_time_that_can_not_be),
		TEST(test_older_news_than_what_is_known_is_passed_over),
		TEST(test_older_failure_than_what_is_known_is_passed_over),
		TEST(test_listener_is_told_of_a_describe_when_the_object_is_whole),
		TEST(test_listener_is_told_of_a_page_when_the_object_is_whole),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
