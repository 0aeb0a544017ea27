/* SPDX-License-Identifier: MIT */
/* The walk of a list: its pages, its whims, and what fails in it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

/* The known ids in the order in which they are listed. */
static const char *listed(struct fixture *fixture)
{
	static char ids[2000];
	struct pfs_object *object = NULL;
	size_t length = 0;

	ids[0] = '\0';
	while ((object = pfs_store_next(fixture->store, fixture->kind, object ? object->slot : 0)))
		length += (size_t)snprintf(ids + length, sizeof(ids) - length, "%s%s",
					   length ? " " : "", object->id);
	return ids;
}

static uint64_t slot_of(struct fixture *fixture, const char *id)
{
	const struct pfs_object *object = pfs_store_find(fixture->store, fixture->kind, id);

	assert_non_null(object);
	return object->slot;
}

/* --- pages --------------------------------------------------------------------------------- */

static void test_list_is_asked_for_once_and_holds_for_its_ttl(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiters[20] = {0};

	assert_int_equal(pfs_store_list_left(fixture->store, fixture->kind), 0);
	assert_int_equal(pfs_store_list_generation(fixture->store, fixture->kind), 0);
	for (size_t i = 0; i < COUNT(waiters); i++)
		assert_int_equal(ask_list(fixture, 0, &waiters[i]), -EINPROGRESS);
	assert_int_equal(fixture->api.lists, 1);
	assert_string_equal(fixture->api.token, "");
	fake_api_page(&fixture->api, "b a c:Completed", NULL);
	for (size_t i = 0; i < COUNT(waiters); i++)
		assert_told(&waiters[i], 0);
	assert_string_equal(listed(fixture), "b a c");
	assert_int_equal(pfs_store_list_left(fixture->store, fixture->kind), TTL);
	assert_int_equal(pfs_store_list_generation(fixture->store, fixture->kind), 1);
	assert_news(fixture, "+b +a +c");

	assert_int_equal(ask(fixture, "a", NULL), 0); /* what a fresh page tells is fresh */
	pass(fixture, TTL - 1);
	assert_int_equal(ask_list(fixture, 0, NULL), 0);
	pass(fixture, 1);
	learn_list(fixture, "b a:Failed c:Completed");
	assert_int_equal(fixture->api.lists, 2);
	assert_int_equal(fixture->api.describes, 0);
	assert_int_equal(pfs_store_list_generation(fixture->store, fixture->kind), 2);
	assert_news(fixture, "~a");
}

static void test_list_empty_is_an_answer(void **state)
{
	struct fixture *fixture = *state;

	learn_list(fixture, "");
	assert_null(pfs_store_next(fixture->store, fixture->kind, 0));
	assert_int_equal(pfs_store_list_left(fixture->store, fixture->kind), TTL);
}

static void test_list_is_read_on_while_it_is_walked(void **state)
{
	struct fixture *fixture = *state;
	struct waiter first = {0}, second = {0}, whole = {0};

	assert_int_equal(ask_list(fixture, 0, &first), -EINPROGRESS);
	assert_int_equal(ask_list(fixture, PFS_LIST_WHOLE, &whole), -EINPROGRESS);
	fake_api_page(&fixture->api, "a b", "token1");
	assert_string_equal(fixture->api.token, "token1");
	assert_told(&first, 0);
	assert_int_equal(ask_list(fixture, slot_of(fixture, "a"), NULL), 0);
	assert_int_equal(ask_list(fixture, slot_of(fixture, "b"), &second), -EINPROGRESS);
	assert_int_equal(ask_list(fixture, 0, NULL), 0); /* a new reader has something, too */
	fake_api_page(&fixture->api, "c", "token2");
	assert_told(&second, 0);
	assert_int_equal(ask_list(fixture, slot_of(fixture, "b"), NULL), 0);
	assert_int_equal(ask_list(fixture, slot_of(fixture, "c"), &second), -EINPROGRESS);
	assert_waiting(&whole);
	fake_api_page(&fixture->api, "", NULL);
	assert_told(&second, 0);
	assert_told(&whole, 0);
	assert_int_equal(ask_list(fixture, slot_of(fixture, "c"), NULL), 0);
	assert_string_equal(listed(fixture), "a b c");
	assert_false(pfs_store_prefers_list(fixture->store, fixture->kind, 3));
	assert_true(pfs_store_prefers_list(fixture->store, fixture->kind, 4));
}

static void test_time_of_the_list_moves_once_it_was_read_to_its_end(void **state)
{
	struct fixture *fixture = *state;
	int64_t begun = pfs_store_list_modified(fixture->store, fixture->kind), then;

	pass(fixture, 1);
	assert_non_null(learn(fixture, "z", "Pending"));
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, "a b", "token");
	pass(fixture, 1);
	fake_api_page(&fixture->api, "c", NULL);
	assert_int_equal(pfs_store_list_modified(fixture->store, fixture->kind), begun);
	pass(fixture, TTL);
	learn_list(fixture, "a b c");
	assert_int_equal(pfs_store_list_modified(fixture->store, fixture->kind), begun);
	pass(fixture, TTL);
	learn_list(fixture, "a b c d");
	then = pfs_store_list_modified(fixture->store, fixture->kind);
	assert_true(then > begun);
	pass(fixture, 1);
	assert_non_null(learn(fixture, "e", "Pending"));
	assert_true(pfs_store_list_modified(fixture->store, fixture->kind) > then);
}

static void test_list_repeated_rows_are_one_object(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, "a b a", "token");
	fake_api_page(&fixture->api, "b:Failed c", NULL); /* the first row is as good */
	assert_string_equal(listed(fixture), "a b c");
	assert_news(fixture, "+a +b +c");
}

static void test_list_repeated_token_is_its_end(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", "one");
	fake_api_page(&fixture->api, "b", "two");
	fake_api_page(&fixture->api, "c", "one");
	assert_int_equal(fixture->api.under_way, 0);
	assert_int_equal(fixture->api.lists, 3);
	assert_string_equal(listed(fixture), "a b c");
	assert_int_equal(pfs_store_list_generation(fixture->store, fixture->kind), 1);
}

static void test_list_token_that_comes_twice_in_a_row_is_its_end(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned walk = 1; walk <= 2; walk++) { /* and is none in the next walk */
		assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
		fake_api_page(&fixture->api, "a", "one");
		fake_api_page(&fixture->api, "b", "two");
		assert_true(fake_api_is_asked(&fixture->api, NULL));
		fake_api_page(&fixture->api, "c", "two");
		assert_int_equal(fixture->api.lists, 3 * walk);
		assert_false(fake_api_is_asked(&fixture->api, NULL));
		assert_int_equal(pfs_store_list_generation(fixture->store, fixture->kind), walk);
		pass(fixture, TTL);
	}
}

static void test_list_of_many_pages_remembers_each_token(void **state)
{
	struct fixture *fixture = *state;
	char id[20], token[20];

	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "job%d", i);
		snprintf(token, sizeof(token), "token%d", i);
		fake_api_page(&fixture->api, id, token);
		assert_string_equal(fixture->api.token, token);
	}
	fake_api_page(&fixture->api, "last", "token0");
	assert_int_equal(fixture->api.under_way, 0);
	assert_int_equal(fixture->stats.objects, 201);
}

/* So many pages without news, each with a token of its own. */
static void tell_nothing_new(struct fixture *fixture, unsigned pages, unsigned *token)
{
	for (unsigned i = 0; i < pages; i++) {
		char next[20];

		snprintf(next, sizeof(next), "token%u", (*token)++);
		fake_api_page(&fixture->api, i % 2 ? "a" : "", next);
	}
}

static void test_list_goes_on_after_pages_that_tell_nothing_new_but_not_for_ever(void **state)
{
	struct fixture *fixture = *state;
	unsigned token = 0;

	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", "first");
	tell_nothing_new(fixture, 99, &token);
	fake_api_page(&fixture->api, "b", "news"); /* it begins to count anew */
	tell_nothing_new(fixture, 99, &token);
	assert_true(fake_api_is_asked(&fixture->api, NULL));
	tell_nothing_new(fixture, 1, &token);
	assert_false(fake_api_is_asked(&fixture->api, NULL));
	assert_int_equal(pfs_store_list_generation(fixture->store, fixture->kind), 1);
	assert_string_equal(listed(fixture), "a b");
}

/* --- what it leaves out -------------------------------------------------------------------- */

static void test_list_that_drops_an_object_does_not_make_it_vanish(void **state)
{
	struct fixture *fixture = *state;

	learn_list(fixture, "a b c");
	pass(fixture, TTL);
	learn_list(fixture, "a");
	assert_string_equal(listed(fixture), "a b c");
	/* Since their time is up, they are asked for one by one. */
	assert_int_equal(fixture->api.describes, 2);
	fake_api_status(&fixture->api, "b", "Failed");
	fake_api_fail(&fixture->api, "c", -ENOENT, 404);
	assert_string_equal(listed(fixture), "a b c");
	assert_news(fixture, "+a +b +c ~b ?/restore-jobs/c");
}

static void test_list_lookups_that_it_lacks_are_listed_too(void **state)
{
	struct fixture *fixture = *state;

	learn(fixture, "x", "Completed");
	learn_list(fixture, "a b");
	assert_string_equal(listed(fixture), "x a b");
	assert_int_equal(fixture->api.describes, 1);
}

static void test_list_asks_for_few_of_many_that_it_dropped(void **state)
{
	struct fixture *fixture = *state;
	char rows[2000] = "";

	for (int i = 0; i < 60; i++)
		sprintf(rows + strlen(rows), " job%d", i);
	learn_list(fixture, rows);
	pass(fixture, TTL);
	learn_list(fixture, "");
	assert_int_equal(fixture->api.describes, 16);
	for (int i = 0; i < 16; i++) {
		char id[20];

		snprintf(id, sizeof(id), "job%d", i);
		fake_api_status(&fixture->api, id, "Pending");
	}
	pass(fixture, TTL);
	learn_list(fixture, "");
	assert_int_equal(fixture->api.describes, 32);
	assert_true(fake_api_is_asked(&fixture->api, "job16")); /* those that had no turn yet */
	assert_false(fake_api_is_asked(&fixture->api, "job0"));
}

/* --- failures ------------------------------------------------------------------------------ */

static void test_list_that_fails_is_never_an_empty_one(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask_list(fixture, 0, &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EIO, 500);
	assert_told(&waiter, -EIO);
	pass(fixture, TTL_ERROR - 1);
	assert_int_equal(ask_list(fixture, 0, NULL), -EIO);
	assert_int_equal(fixture->api.lists, 1);
	pass(fixture, 1);
	learn_list(fixture, "a");
	assert_news(fixture, "?/restore-jobs +a");
}

static void test_list_that_fails_on_a_later_page_is_not_whole(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", "token");
	assert_int_equal(ask_list(fixture, slot_of(fixture, "a"), &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -ETIMEDOUT, 0);
	assert_told(&waiter, -ETIMEDOUT);
	assert_int_equal(ask_list(fixture, slot_of(fixture, "a"), NULL), -ETIMEDOUT);
	assert_int_equal(ask(fixture, "a", NULL), 0); /* what was told, was told */
	assert_int_equal(pfs_store_list_generation(fixture->store, fixture->kind), 0);
}

static void test_list_outlives_a_failing_api_for_stale(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	learn_list(fixture, "a b");
	pass(fixture, TTL);
	assert_int_equal(ask_list(fixture, 0, &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EIO, 503);
	assert_told(&waiter, 0);
	assert_string_equal(listed(fixture), "a b");
	assert_int_equal(ask_list(fixture, slot_of(fixture, "b"), NULL), 0);
	pass(fixture, STALE - 1);
	assert_int_equal(ask_list(fixture, 0, &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EIO, 503);
	assert_told(&waiter, 0);
	pass(fixture, 1);
	assert_int_equal(ask_list(fixture, 0, NULL), -EIO);
}

/* A walk whose first page is there, and which takes longer than anybody waits. */
static void begin_long_walk(struct fixture *fixture, const char *page)
{
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, page, "token");
}

static void test_list_that_takes_long_is_given_as_it_was_for_stale(void **state)
{
	struct fixture *fixture = *state;
	struct waiter end = {0}, whole = {0};
	uint64_t last;

	learn_list(fixture, "a b");
	last = slot_of(fixture, "b");
	pass(fixture, TTL);
	begin_long_walk(fixture, "a");
	assert_int_equal(ask_list(fixture, last, &end), -EINPROGRESS);
	pass(fixture, TIMEOUT / 2);
	fake_api_page(&fixture->api, "b",
		      "another token"); /* no news for who has read to the end */
	assert_int_equal(ask_list(fixture, PFS_LIST_WHOLE, &whole), -EINPROGRESS);
	pass(fixture, TIMEOUT / 2 - 1);
	assert_waiting(&end);
	pass(fixture, 1);
	assert_told(&end, 0);
	assert_int_equal(pfs_store_ask_list(fixture->store, fixture->kind, last, &end.wait), 0);
	assert_waiting(&whole);
	pass(fixture, TIMEOUT / 2);
	assert_told(&whole, 0);
	assert_true(pfs_store_is_walking(fixture->store, fixture->kind));
	fake_api_page(&fixture->api, "c", NULL);
	assert_string_equal(listed(fixture), "a b c");
}

static void test_list_that_takes_long_is_an_error_after_stale(void **state)
{
	struct fixture *fixture = *state;
	struct waiter end = {0};
	uint64_t last;

	learn_list(fixture, "a b");
	last = slot_of(fixture, "b");
	pass(fixture, TTL + STALE - TIMEOUT);
	begin_long_walk(fixture, "a");
	assert_int_equal(ask_list(fixture, last, &end), -EINPROGRESS);
	pass(fixture, TIMEOUT);
	assert_told(&end, -ETIMEDOUT);
	assert_int_equal(fixture->stats.failures[0].error, ETIMEDOUT);
	assert_string_equal(fixture->stats.failures[0].object, "/restore-jobs");
	assert_int_equal(pfs_store_ask_list(fixture->store, fixture->kind, last, &end.wait),
			 -ETIMEDOUT);
	/* Somebody else may wait for as long. */
	assert_int_equal(ask_list(fixture, last, &end), -EINPROGRESS);
	fake_api_page(&fixture->api, "", NULL);
	assert_told(&end, 0);
}

static void test_list_whose_pages_are_all_empty_is_not_waited_for_without_end(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask_list(fixture, 0, &waiter), -EINPROGRESS);
	for (int i = 0; i < 3; i++) {
		const char *const tokens[] = {"one", "two", "three"};

		pass(fixture, TIMEOUT / 3 - 1);
		fake_api_page(&fixture->api, "", tokens[i]);
		assert_waiting(&waiter);
	}
	pass(fixture, 3);
	assert_told(&waiter, -ETIMEDOUT);
}

/* Nothing is left that would wake us when it is over. */
static void test_list_that_was_in_time_leaves_no_timer(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};
	unsigned wakes;

	assert_int_equal(ask_list(fixture, 0, &waiter), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", NULL);
	assert_told(&waiter, 0);
	wakes = fixture->time.wakes;
	pass(fixture, 2 * TIMEOUT);
	assert_int_equal(fixture->time.wakes, wakes);
}

static void test_list_with_a_rejected_key_says_so_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	learn_list(fixture, "a b");
	pass(fixture, TTL);
	assert_int_equal(ask_list(fixture, 0, &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EACCES, 401);
	assert_told(&waiter, -EACCES);
	assert_int_equal(ask_list(fixture, 0, NULL), -EACCES);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_is_asked_for_once_and_holds_for_its_ttl),
		TEST(test_list_empty_is_an_answer),
		TEST(test_list_is_read_on_while_it_is_walked),
		TEST(test_time_of_the_list_moves_once_it_was_read_to_its_end),
		TEST(test_list_repeated_rows_are_one_object),
		TEST(test_list_repeated_token_is_its_end),
		TEST(test_list_token_that_comes_twice_in_a_row_is_its_end),
		TEST(test_list_of_many_pages_remembers_each_token),
		TEST(test_list_goes_on_after_pages_that_tell_nothing_new_but_not_for_ever),
		TEST(test_list_that_drops_an_object_does_not_make_it_vanish),
		TEST(test_list_lookups_that_it_lacks_are_listed_too),
		TEST(test_list_asks_for_few_of_many_that_it_dropped),
		TEST(test_list_that_fails_is_never_an_empty_one),
		TEST(test_list_that_fails_on_a_later_page_is_not_whole),
		TEST(test_list_outlives_a_failing_api_for_stale),
		TEST(test_list_that_takes_long_is_given_as_it_was_for_stale),
		TEST(test_list_that_takes_long_is_an_error_after_stale),
		TEST(test_list_whose_pages_are_all_empty_is_not_waited_for_without_end),
		TEST(test_list_that_was_in_time_leaves_no_timer),
		TEST(test_list_with_a_rejected_key_says_so_at_once),
	};

	return cmocka_run_group_tests_name("store_list", tests, NULL, NULL);
}
