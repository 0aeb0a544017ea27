/* SPDX-License-Identifier: MIT */
/* Kinds whose list is whole: what becomes of an object that it lacks. */
#include <errno.h>
#include <string.h>

#include "kinds_fixture.h"

#define READY "{\"name\":\"a\",\"status\":{\"ready\":true,\"state\":\"Ready\"}}"
#define NOTE  "{\"note_id\":\"a\",\"text\":\"x\",\"status\":\"Completed\"}"

/* Though they haven't expired: what a whole list lacks has most likely gone. */
static void test_what_a_whole_list_lacks_is_described_once(void **state)
{
	struct scene *scene = *state;

	(void)describe(scene, GADGETS, "a", READY);
	(void)describe(scene, NOTES, "a", NOTE);
	list(scene, GADGETS, "b={\"name\":\"b\"}");
	assert_true(fake_api_is_asked(scene->api, "a"));
	fake_api_fail(scene->api, "a", -ENOENT, 404);
	assert_null(find(scene, GADGETS, "a"));
	assert_string_equal(names(scene->bench, "gadgets", 2), "b ");
	list(scene, NOTES, "b={\"note_id\":\"b\"}");
	assert_false(fake_api_is_asked(scene->api, "a"));
	assert_string_equal(names(scene->bench, "notes", 2), "a b ");
}

/* Not even where it lacks more objects than are described at once. */
static void test_what_a_whole_list_lacks_is_not_read_unasked(void **state)
{
	struct scene *scene = *state;
	char id[] = "a";

	for (; *id <= 't'; ++*id) {
		(void)describe(scene, GADGETS, id, READY);
		(void)describe(scene, NOTES, id, NOTE);
	}
	list(scene, NOTES, "");
	list(scene, GADGETS, "");
	for (*id = 'a'; *id <= 't'; ++*id) {
		assert_int_equal(left(scene, find(scene, NOTES, id)), TTL);
		assert_int_equal(ask(scene->store, id, NULL), -EINPROGRESS);
		fake_api_fail(scene->api, id, -ENOENT, 404);
	}
	assert_string_equal(names(scene->bench, "gadgets", 2), "");
}

/* Whoever lists them finds none that is gone; but one that is there after all. */
static void test_whole_list_waits_for_what_it_lacks(void **state)
{
	struct scene *scene = *state;
	struct waiter first = {0}, late = {0};

	(void)describe(scene, GADGETS, "a", READY);
	(void)describe(scene, GADGETS, "c", "{\"name\":\"c\"}");
	assert_int_equal(ask_list(scene->store, 0, &first), -EINPROGRESS);
	fake_api_page(scene->api, "b={\"name\":\"b\"}", NULL);
	assert_waiting(&first);
	assert_int_equal(ask_list(scene->store, PFS_LIST_WHOLE, &late), -EINPROGRESS);
	fake_api_fail(scene->api, "a", -ENOENT, 404);
	assert_waiting(&first);
	pass(scene->store, TTL + 1); /* the list itself may expire meanwhile */
	fake_api_answer(scene->api, "c", "{\"name\":\"c\"}");
	assert_told(&first, 0);
	assert_told(&late, 0);
	assert_int_equal(ask_list(scene->store, 0, NULL), 0);
	assert_string_equal(names(scene->bench, "gadgets", 2), "c b ");
	assert_int_equal(scene->api->lists, 1);
}

/* Neither for longer than a reader waits, nor for those that fail. */
static void test_whole_list_does_not_wait_for_ever(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};

	(void)describe(scene, GADGETS, "a", READY);
	assert_int_equal(ask_list(scene->store, 0, &waiter), -EINPROGRESS);
	fake_api_page(scene->api, "", NULL);
	pass(scene->store, TIMEOUT);
	assert_told(&waiter, 0);
	fake_api_fail(scene->api, "a", -EIO, 500);
	pfs_store_expire(scene->store->store);
	assert_int_equal(ask_list(scene->store, 0, &waiter), -EINPROGRESS);
	fake_api_page(scene->api, "", NULL);
	assert_waiting(&waiter);
	fake_api_fail(scene->api, "a", -EIO, 500);
	assert_told(&waiter, 0);
	assert_string_equal(names(scene->bench, "gadgets", 2), "a ");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_kinds, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_whole_list_lacks_is_described_once),
		TEST(test_what_a_whole_list_lacks_is_not_read_unasked),
		TEST(test_whole_list_waits_for_what_it_lacks),
		TEST(test_whole_list_does_not_wait_for_ever),
	};

	return cmocka_run_group_tests_name("whole_lists", tests, NULL, NULL);
}
