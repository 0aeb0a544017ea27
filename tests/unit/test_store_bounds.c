/* SPDX-License-Identifier: MIT */
/* Everything in the store that grows has a bound, and what nobody needs is freed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

static void miss(struct fixture *fixture, const char *id)
{
	assert_int_equal(ask(fixture, id, NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, id, -ENOENT, 404);
}

static bool is_known(struct fixture *fixture, const char *id)
{
	return pfs_store_find(fixture->store, fixture->kind, id) != NULL;
}

static void test_objects_past_their_bound_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	struct waiter waiter = {0}, lister = {0};

	config.max_objects = 2;
	configure(fixture, &config);
	learn(fixture, "a", "Pending");
	learn(fixture, "b", "Pending");
	assert_int_equal(ask(fixture, "c", &waiter), -EINPROGRESS);
	fake_api_status(&fixture->api, "c", "Pending");
	assert_told(&waiter, -ENOSPC);
	assert_false(is_known(fixture, "c"));
	assert_int_equal(ask_list(fixture, 0, &lister), -EINPROGRESS);
	fake_api_page(&fixture->api, "a b d", NULL);
	assert_told(&lister, -ENOSPC);
	assert_false(is_known(fixture, "d"));
	assert_int_equal(ask(fixture, "b", NULL), 0);
	assert_int_equal(fixture->stats.objects, 2);
	/* Of a row that there is no room for nothing is left; the failure about c is remembered. */
	assert_int_equal(fixture->unseen_freed, 1);
}

static void test_bytes_past_their_bound_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	struct waiter waiter = {0}, lister = {0};
	uint64_t one;

	learn(fixture, "a", "Pending");
	one = fixture->stats.object_bytes;
	assert_true(one > strlen("{\"restore_job_id\":\"a\",\"status\":\"Pending\"}"));
	config.max_bytes = 3 * one;
	configure(fixture, &config);
	assert_int_equal(fixture->stats.object_bytes, 0);
	learn(fixture, "a", "Pending");
	learn(fixture, "b", "Pending");
	learn(fixture, "c", "Pending");
	assert_int_equal(fixture->stats.object_bytes, 3 * one);
	assert_int_equal(ask(fixture, "d", &waiter), -EINPROGRESS);
	fake_api_status(&fixture->api, "d", "Pending");
	assert_told(&waiter, -EFBIG);
	assert_non_null(strstr(fixture->stats.failures[0].text, "too much memory"));
	assert_int_equal(ask_list(fixture, 0, &lister), -EINPROGRESS);
	fake_api_page(&fixture->api, "a b c d", NULL);
	assert_told(&lister, -EFBIG);
	assert_false(is_known(fixture, "d"));
	assert_int_equal(ask(fixture, "b", NULL), 0);
	assert_int_equal(fixture->stats.object_bytes, 3 * one);
}

/* What is new needs room beside what it replaces. Where there is none, the old one is served. */
static void test_change_that_there_is_no_room_for_fails(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	struct waiter waiter = {0};

	learn(fixture, "a", "Pending");
	config.max_bytes = fixture->stats.object_bytes;
	configure(fixture, &config);
	learn(fixture, "a", "Pending");
	pass(fixture, TTL);
	assert_int_equal(ask(fixture, "a", &waiter), -EINPROGRESS);
	fake_api_status(&fixture->api, "a", "Odd");
	assert_told(&waiter, 0);
	assert_int_equal(fixture->stats.stale_served, 1);
	assert_int_equal(fixture->stats.object_bytes, config.max_bytes);
}

static void test_missing_ids_past_their_bound_forget_the_oldest(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;

	config.max_missing = 2;
	configure(fixture, &config);
	miss(fixture, "a");
	miss(fixture, "b");
	pass(fixture, PFS_SECOND);
	miss(fixture, "c");
	assert_int_equal(fixture->stats.missing, 2);
	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "a"), 0);
	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "b"), PFS_SECOND);
	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "c"), TTL_MISSING);
	assert_int_equal(ask(fixture, "a", NULL), -EINPROGRESS); /* unknown once more */
}

static void test_missing_ids_with_a_bound_of_none_are_just_told(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	struct waiter waiter = {0};

	config.max_missing = 0;
	configure(fixture, &config);
	assert_int_equal(ask(fixture, "a", &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, "a", -ENOENT, 404);
	assert_told(&waiter, -ENOENT);
	assert_int_equal(fixture->stats.missing, 0);
}

static void test_ids_in_a_storm_of_lookups_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	char id[20];

	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "job%d", i);
		miss(fixture, id);
	}
	assert_int_equal(fixture->stats.missing, 100);
	assert_int_equal(fixture->stats.objects, 0);
}

static void test_unlisted_objects_past_their_bound_free_the_oldest(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;

	config.max_idle = 2;
	configure(fixture, &config);
	learn(fixture, "a", "Pending");
	pfs_store_hold(fixture->store, learn(fixture, "held", "Pending"), 1);
	learn(fixture, "b", "Pending");
	assert_true(is_known(fixture, "a"));
	learn(fixture, "c", "Pending");
	assert_false(is_known(fixture, "a"));
	assert_true(is_known(fixture, "b"));
	assert_true(is_known(fixture, "held"));
	pfs_store_release(fixture->store, pfs_store_find(fixture->store, fixture->kind, "held"), 1);
	assert_false(is_known(fixture, "b")); /* now there are three again */
	assert_true(is_known(fixture, "held"));
	assert_int_equal(fixture->stats.objects, 2);
	assert_news(fixture, "+a +held +b +c !a !b");
}

static void test_unlisted_object_that_is_asked_again_is_not_the_oldest_any_more(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;

	config.max_idle = 2;
	configure(fixture, &config);
	learn(fixture, "a", "Pending");
	learn(fixture, "b", "Pending");
	pass(fixture, TTL);
	learn(fixture, "a", "Pending");
	learn(fixture, "c", "Pending");
	assert_true(is_known(fixture, "a"));
	assert_false(is_known(fixture, "b"));
}

static void test_listed_objects_are_never_idle(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;

	config.max_idle = 1;
	configure(fixture, &config);
	learn_list(fixture, "a b c");
	learn(fixture, "x", "Pending");
	for (const char *id = "a\0b\0c\0"; *id; id += 2) {
		struct pfs_object *object = pfs_store_find(fixture->store, fixture->kind, id);

		pfs_store_hold(fixture->store, object, 1);
		pfs_store_release(fixture->store, object, 1);
	}
	assert_int_equal(fixture->stats.objects, 4);
	pass(fixture, TTL);
	learn_list(fixture, "a"); /* b and c are asked for: under way, so not idle either */
	assert_int_equal(fixture->stats.objects, 4);
	fake_api_status(&fixture->api, "b", "Pending");
	fake_api_status(&fixture->api, "c", "Pending");
	fake_api_status(&fixture->api, "x", "Pending");
	assert_int_equal(fixture->stats.objects, 2);
	assert_true(is_known(fixture, "a"));
	assert_true(is_known(fixture, "x"));
}

static void test_slots_are_never_used_again(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	uint64_t last = 0;
	char id[20];

	config.max_idle = 1;
	configure(fixture, &config);
	for (int i = 0; i < 600; i++) {
		struct pfs_object *object;

		snprintf(id, sizeof(id), "job%d", i % 3);
		pass(fixture, TTL);
		object = learn(fixture, id, "Pending");
		assert_true(object->slot > last);
		assert_ptr_equal(pfs_store_by_slot(fixture->store, fixture->kind, object->slot),
				 object);
		last = object->slot;
	}
	assert_null(pfs_store_by_slot(fixture->store, fixture->kind, 0));
	assert_null(pfs_store_by_slot(fixture->store, fixture->kind, last + 1));
	assert_null(pfs_store_by_slot(fixture->store, fixture->kind, UINT64_MAX));
}

static void test_release_of_more_than_is_held_is_all_of_it(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Pending");

	pfs_store_hold(fixture->store, object, 2);
	pfs_store_release(fixture->store, object, 100);
	assert_int_equal(object->references, 0);
	assert_true(is_known(fixture, "a"));
}

static void test_listeners_have_a_bound(void **state)
{
	struct fixture *fixture = *state;
	const struct pfs_store_listener deaf = {0};

	for (int i = 0; i < 6; i++) /* the fixture's own is the first */
		assert_int_equal(pfs_store_listen(fixture->store, &deaf), 0);
	assert_int_equal(pfs_store_listen(fixture->store, &deaf), -ENOSPC);
	learn(fixture, "a", "Pending");
	pass(fixture, TTL);
	learn(fixture, "a", "Failed");
	assert_news(fixture, "+a ~a");
}

static void test_destroy_cancels_what_is_under_way(void **state)
{
	struct fixture *fixture = *state;
	const struct pfs_store_config config = fixture->config;

	learn_list(fixture, "a b c d");
	pass(fixture, TTL);
	for (const char *id = "a\0b\0c\0d\0"; *id; id += 2)
		assert_int_equal(ask(fixture, id, NULL), -EINPROGRESS);
	assert_int_equal(ask(fixture, "new", NULL), -EINPROGRESS);
	miss(fixture, "gone");
	assert_int_equal(fixture->api.under_way, 4); /* two describes, the walk, the new one */
	configure(fixture, &config);
	assert_int_equal(fixture->api.under_way, 0);
	assert_int_equal(fixture->stats.objects, 0);
	pfs_store_destroy(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_objects_past_their_bound_are_refused),
		TEST(test_bytes_past_their_bound_are_refused),
		TEST(test_change_that_there_is_no_room_for_fails),
		TEST(test_missing_ids_past_their_bound_forget_the_oldest),
		TEST(test_missing_ids_with_a_bound_of_none_are_just_told),
		TEST(test_ids_in_a_storm_of_lookups_are_bounded),
		TEST(test_unlisted_objects_past_their_bound_free_the_oldest),
		TEST(test_unlisted_object_that_is_asked_again_is_not_the_oldest_any_more),
		TEST(test_listed_objects_are_never_idle),
		TEST(test_slots_are_never_used_again),
		TEST(test_release_of_more_than_is_held_is_all_of_it),
		TEST(test_listeners_have_a_bound),
		TEST(test_destroy_cancels_what_is_under_way),
	};

	return cmocka_run_group_tests_name("store_bounds", tests, NULL, NULL);
}
