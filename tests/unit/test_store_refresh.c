/* SPDX-License-Identifier: MIT */
/* What has expired: when a walk of the list spares describes, and what is asked for at all. */
#include <errno.h>

#include "store_fixture.h"

static void test_many_expired_are_told_by_one_walk(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiters[5] = {0};
	static const char *const ids[] = {"a", "b", "c", "d", "e"};

	learn_list(fixture, "a b c d e");
	pass(fixture, TTL);
	for (size_t i = 0; i < COUNT(ids); i++)
		assert_int_equal(ask(fixture, ids[i], &waiters[i]), -EINPROGRESS);
	assert_int_equal(fixture->api.describes, 2); /* what a list would have cost */
	assert_int_equal(fixture->api.lists, 2);
	fake_api_page(&fixture->api, "a b c d:Failed e", NULL);
	for (size_t i = 0; i < COUNT(ids); i++)
		assert_told(&waiters[i], 0);
	assert_int_equal(fixture->api.describes, 2);
	assert_news(fixture, "+a +b +c +d +e ~d");
}

static void test_many_expired_are_told_by_one_walk_also_after_one_that_failed(void **state)
{
	struct fixture *fixture = *state;
	static const char *const ids[] = {"a", "b", "c", "d", "e"};

	learn_list(fixture, "a b c d e");
	pass(fixture, TTL);
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EIO, 500);
	pass(fixture, TTL_ERROR);
	learn_list(fixture, "a b c d e");
	pass(fixture, TTL);
	for (size_t i = 0; i < COUNT(ids); i++)
		assert_int_equal(ask(fixture, ids[i], NULL), -EINPROGRESS);
	assert_int_equal(fixture->api.describes, 2);
	assert_int_equal(fixture->api.lists, 4);
}

/* Three are asked for, the third of which expects the walk. */
static void expect_walk(struct fixture *fixture, struct waiter *waiter)
{
	learn_list(fixture, "a b c");
	pass(fixture, TTL);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
	assert_int_equal(ask(fixture, "b", NULL), -EINPROGRESS);
	assert_int_equal(ask(fixture, "c", waiter), -EINPROGRESS);
	assert_int_equal(fixture->api.describes, 2);
	assert_int_equal(fixture->api.lists, 2);
}

static void test_walk_that_leaves_it_out_is_followed_by_a_describe(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	expect_walk(fixture, &waiter);
	fake_api_page(&fixture->api, "a b", NULL);
	assert_waiting(&waiter);
	fake_api_status(&fixture->api, "c", "Failed");
	assert_told(&waiter, 0);
	assert_int_equal(fixture->api.describes, 3);
}

/* What the walk was waited for is over, too: time passes, and nothing more comes of it. */
static void test_describe_after_a_walk_is_the_only_one_however_long_it_takes(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	expect_walk(fixture, &waiter);
	fake_api_page(&fixture->api, "a b", NULL);
	assert_int_equal(fixture->api.describes, 3);
	pass(fixture, TIMEOUT / 2 + PFS_SECOND);
	assert_int_equal(fixture->api.describes, 3);
	assert_waiting(&waiter);
	fake_api_status(&fixture->api, "c", "Failed");
	assert_told(&waiter, 0);
	pass(fixture, TIMEOUT);
	assert_false(fake_api_is_asked(&fixture->api, "c"));
	assert_news(fixture, "+a +b +c ~c");
}

static void test_walk_that_fails_is_followed_by_a_describe(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	expect_walk(fixture, &waiter);
	fake_api_fail(&fixture->api, NULL, -EIO, 500);
	assert_waiting(&waiter);
	fake_api_status(&fixture->api, "c", "Failed");
	assert_told(&waiter, 0);
}

static void test_walk_that_takes_long_is_not_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	expect_walk(fixture, &waiter);
	pass(fixture, TIMEOUT / 2 - 1);
	assert_false(fake_api_is_asked(&fixture->api, "c"));
	pass(fixture, 1);
	assert_true(fake_api_is_asked(&fixture->api, "c"));
	fake_api_status(&fixture->api, "c", "Failed");
	assert_told(&waiter, 0);
	fake_api_page(&fixture->api, "a b c", NULL); /* was asked before that */
	assert_news(fixture, "+a +b +c ~c");
}

static void test_walk_followed_by_a_describe_that_can_not_be_asked_tells(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	expect_walk(fixture, &waiter);
	pfs_store_expire(fixture->store); /* so that the last answer doesn't do */
	fixture->api.refuse = -EBUSY;
	pass(fixture, TIMEOUT / 2);
	assert_told(&waiter, -EBUSY);
	fixture->api.refuse = 0;
}

static void test_refresh_asks_only_for_what_is_due(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");

	assert_int_equal(pfs_store_refresh(fixture->store, object), 0);
	assert_int_equal(fixture->api.describes, 1); /* it holds */
	pass(fixture, TTL);
	assert_int_equal(pfs_store_refresh(fixture->store, object), 0);
	assert_int_equal(pfs_store_refresh(fixture->store, object), 0);
	assert_int_equal(fixture->api.describes, 2); /* under way */
	fake_api_fail(&fixture->api, "a", -EIO, 500);
	assert_int_equal(pfs_store_refresh(fixture->store, object), 0);
	assert_int_equal(fixture->api.describes, 2); /* a failure is remembered */

	assert_int_equal(pfs_store_refresh_list(fixture->store, fixture->kind), 0);
	assert_int_equal(pfs_store_refresh_list(fixture->store, fixture->kind), 0);
	assert_int_equal(fixture->api.lists, 1);
	fake_api_fail(&fixture->api, NULL, -EIO, 500);
	assert_int_equal(pfs_store_refresh_list(fixture->store, fixture->kind), -EAGAIN);
	assert_int_equal(fixture->api.lists, 1);
	pass(fixture, TTL_ERROR);
	assert_int_equal(pfs_store_refresh_list(fixture->store, fixture->kind), 0);
	assert_int_equal(fixture->api.lists, 2);
	fake_api_page(&fixture->api, "a", NULL);
	/* Also one that holds: its objects may not. */
	assert_int_equal(pfs_store_refresh_list(fixture->store, fixture->kind), 0);
	assert_int_equal(fixture->api.lists, 3);
}

static void test_hastened_with_ttl_zero_serves_the_messages_of_one_cat(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	struct pfs_object *object;

	config.ttl = 0;
	configure(fixture, &config);
	object = learn(fixture, "a", "Pending");
	pass(fixture, 10 * PFS_MILLISECOND);
	pfs_store_hasten(fixture->store, object);
	assert_int_equal(ask(fixture, "a", NULL), 0);
	pass(fixture, 10 * PFS_MILLISECOND);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS);
}

/* Whoever wants what is ready asked for more often than all else is to have it. */
static void test_what_is_followed_has_the_shorter_ttl(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	struct pfs_object *object;

	config.kinds = &pfs_all_kinds;
	config.ttl_ready = PFS_SECOND;
	configure(fixture, &config);
	fixture->kind = fixture->api.of = pfs_kind_by_name(&pfs_all_kinds, "backups");
	object = learn(fixture, "a", "Ready");
	pfs_store_follow(fixture->store, object, true);
	assert_int_equal(pfs_store_left(fixture->store, object), PFS_SECOND);
	assert_int_equal(pfs_store_ttl(fixture->store, object), PFS_SECOND);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_many_expired_are_told_by_one_walk),
		TEST(test_many_expired_are_told_by_one_walk_also_after_one_that_failed),
		TEST(test_describe_after_a_walk_is_the_only_one_however_long_it_takes),
		TEST(test_walk_that_leaves_it_out_is_followed_by_a_describe),
		TEST(test_walk_that_fails_is_followed_by_a_describe),
		TEST(test_walk_that_takes_long_is_not_waited_for),
		TEST(test_walk_followed_by_a_describe_that_can_not_be_asked_tells),
		TEST(test_refresh_asks_only_for_what_is_due),
		TEST(test_hastened_with_ttl_zero_serves_the_messages_of_one_cat),
		TEST(test_what_is_followed_has_the_shorter_ttl),
	};

	return cmocka_run_group_tests_name("store_refresh", tests, NULL, NULL);
}
