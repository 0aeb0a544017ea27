/* SPDX-License-Identifier: MIT */
/* What the answer to a command says is there, before anybody has seen it; and lists from after it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store_fixture.h"

static struct pfs_object *announce(struct fixture *fixture, const char *id)
{
	struct pfs_object *object = NULL;

	fixture->announced_at = pfs_loop_wall(fixture->loop);
	assert_int_equal(pfs_store_announce(fixture->store, fixture->kind, id, &object), 0);
	assert_string_equal(object->id, id);
	return object;
}

static struct pfs_object *find(struct fixture *fixture, const char *id)
{
	return pfs_store_find(fixture->store, fixture->kind, id);
}

/* --- announced ----------------------------------------------------------------------------- */

static void test_announced_has_its_slot_but_is_not_there_before_it_is_described(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object;
	uint64_t slot;

	learn_list(fixture, "a b");
	assert_news(fixture, "+a +b");
	object = announce(fixture, "c");
	slot = object->slot;
	assert_int_not_equal(slot, 0);
	assert_ptr_equal(pfs_store_by_slot(fixture->store, fixture->kind, slot), object);
	assert_int_equal(object->references, 1);
	assert_int_equal(fixture->stats.objects, 3);
	assert_int_equal(fixture->api.describes, 1); /* with nobody waiting */
	assert_null(find(fixture, "c"));
	assert_null(pfs_store_next(fixture->store, fixture->kind, slot - 1));
	assert_int_equal(pfs_store_left(fixture->store, object), 0);
	assert_false(pfs_store_is_stale(fixture->store, object));
	assert_news(fixture, "");

	pass(fixture, PFS_SECOND);
	fake_api_status(&fixture->api, "c", "Pending");
	assert_news(fixture, "+c");
	assert_ptr_equal(find(fixture, "c"), object);
	assert_int_equal(object->slot, slot);
	assert_int_equal(object->first_seen, fixture->announced_at);
	assert_ptr_equal(pfs_store_next(fixture->store, fixture->kind, slot - 1), object);
	assert_int_equal(fixture->stats.objects, 3);
	pfs_store_release(fixture->store, object, 1);
	assert_ptr_equal(find(fixture, "c"), object);
}

static void test_whoever_asks_for_an_announced_one_waits_for_its_description(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	announce(fixture, "c");
	assert_int_equal(ask(fixture, "c", &waiter), -EINPROGRESS);
	assert_int_equal(fixture->api.describes, 1);
	fake_api_status(&fixture->api, "c", "Pending");
	assert_told(&waiter, 0);
}

static void test_that_it_was_missing_is_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object;

	assert_int_equal(ask(fixture, "c", NULL), -EINPROGRESS);
	fake_api_fail(&fixture->api, "c", -ENOENT, 404);
	assert_true(pfs_store_missing_left(fixture->store, fixture->kind, "c") > 0);
	assert_int_equal(fixture->stats.missing, 1);
	object = announce(fixture, "c");
	assert_int_equal(pfs_store_missing_left(fixture->store, fixture->kind, "c"), 0);
	assert_int_equal(fixture->stats.missing, 0);
	assert_int_equal(fixture->api.describes, 2);
	fake_api_status(&fixture->api, "c", "Pending");
	assert_ptr_equal(find(fixture, "c"), object);
	pfs_store_release(fixture->store, object, 1);
}

/* It was asked for before it was made: that answer says nothing, and yet it may come later. */
static void test_a_question_from_before_is_asked_anew(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask(fixture, "c", &waiter), -EINPROGRESS);
	pass(fixture, PFS_SECOND);
	announce(fixture, "c");
	assert_int_equal(fixture->api.describes, 2);
	assert_int_equal(fixture->api.under_way, 1);
	assert_waiting(&waiter);
	fake_api_status(&fixture->api, "c", "Pending");
	assert_told(&waiter, 0);
	assert_non_null(find(fixture, "c"));
}

static void test_a_question_that_can_not_be_asked_anew_fails(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask(fixture, "c", &waiter), -EINPROGRESS);
	fixture->api.refuse = -EBUSY;
	announce(fixture, "c");
	fixture->api.refuse = 0;
	assert_told(&waiter, -EBUSY);
	assert_int_equal(fixture->api.under_way, 0);
	assert_int_equal(ask(fixture, "c", NULL), -EBUSY); /* for a while */
	pass(fixture, TTL_ERROR);
	learn(fixture, "c", "Pending");
}

/* It may be of another object that had this id before. */
static void test_what_is_known_of_it_has_expired(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = learn(fixture, "a", "Completed");
	struct waiter waiter = {0};

	assert_int_equal(pfs_store_left(fixture->store, object), TTL_FINAL);
	pass(fixture, PFS_SECOND);
	assert_ptr_equal(announce(fixture, "a"), object);
	assert_int_equal(pfs_store_left(fixture->store, object), 0);
	assert_int_equal(fixture->api.describes, 2);
	assert_ptr_equal(find(fixture, "a"), object);
	assert_int_equal(ask(fixture, "a", &waiter), -EINPROGRESS);
	fake_api_status(&fixture->api, "a", "Pending");
	assert_told(&waiter, 0);
	assert_news(fixture, "+a ~a");
	pfs_store_release(fixture->store, object, 1);
}

static void test_one_whose_description_fails_stays_for_who_holds_it(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = announce(fixture, "c");
	uint64_t slot = object->slot;

	fake_api_fail(&fixture->api, "c", -ENOENT, 404);
	assert_ptr_equal(pfs_store_by_slot(fixture->store, fixture->kind, slot), object);
	assert_null(find(fixture, "c"));
	pass(fixture, 2 * STALE);
	pfs_store_expire(fixture->store); /* SIGHUP */
	assert_ptr_equal(pfs_store_by_slot(fixture->store, fixture->kind, slot), object);
	learn_list(fixture, "a b c");
	assert_ptr_equal(find(fixture, "c"), object);
	assert_int_equal(object->slot, slot);
	pfs_store_release(fixture->store, object, 1);
}

static void test_one_whose_description_fails_is_evicted_if_nobody_holds_it(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = announce(fixture, "c");
	uint64_t slot = object->slot;
	char id[20];

	pfs_store_release(fixture->store, object, 1);
	assert_ptr_equal(pfs_store_by_slot(fixture->store, fixture->kind, slot), object);
	fake_api_fail(&fixture->api, "c", -ENOENT, 404);
	assert_int_equal(fixture->stats.missing, 1);
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		assert_int_equal(ask(fixture, id, NULL), -EINPROGRESS);
		fake_api_fail(&fixture->api, id, -ENOENT, 404);
	}
	assert_null(pfs_store_by_slot(fixture->store, fixture->kind, slot));
	assert_int_equal(fixture->stats.objects, 0);
}

/* A walk that leaves it out asks for it, as for all that it leaves out. */
static void test_one_that_is_not_listed_is_asked_for_again(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = announce(fixture, "c");

	fake_api_fail(&fixture->api, "c", -ENOENT, 404);
	pass(fixture, TTL_MISSING);
	learn_list(fixture, "a");
	assert_true(fake_api_is_asked(&fixture->api, "c"));
	fake_api_status(&fixture->api, "c", "Pending");
	assert_ptr_equal(find(fixture, "c"), object);
	pfs_store_release(fixture->store, object, 1);
}

/* An index whose restore failed never comes: it must not cost a request at each `ls`. */
static void test_one_that_is_missing_and_that_nobody_holds_is_not(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = announce(fixture, "c");

	pfs_store_release(fixture->store, object, 1);
	fake_api_fail(&fixture->api, "c", -ENOENT, 404);
	pass(fixture, TTL_MISSING);
	learn_list(fixture, "a");
	assert_false(fake_api_is_asked(&fixture->api, "c"));
	pass(fixture, TTL);
	learn_list(fixture, "a c"); /* but the list may bring it */
	assert_ptr_equal(find(fixture, "c"), object);
}

static void test_there_may_be_no_room_for_it(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_store_config config = fixture->config;
	struct pfs_object *object = NULL;

	config.max_objects = 1;
	configure(fixture, &config);
	learn(fixture, "a", "Pending");
	assert_int_equal(pfs_store_announce(fixture->store, fixture->kind, "c", &object), -ENOSPC);
	assert_null(object);
	assert_int_equal(fixture->api.under_way, 0);
	assert_int_equal(fixture->unseen_freed, 1);
	assert_int_equal(ask(fixture, "c", NULL), -EINPROGRESS);
	assert_int_equal(pfs_store_announce(fixture->store, fixture->kind, "c", &object), -ENOSPC);
	fake_api_fail(&fixture->api, "c", -ENOENT, 404);
	assert_int_equal(pfs_store_announce(fixture->store, fixture->kind, "c", &object), -ENOSPC);
	assert_int_equal(fixture->stats.missing, 1);
}

/* --- lists from after it ------------------------------------------------------------------- */

static int list_since(struct fixture *fixture, int64_t since, struct waiter *waiter)
{
	return pfs_store_ask_list_since(fixture->store, fixture->kind, since, &waiter->wait);
}

static void test_a_list_from_before_is_walked_anew(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};
	int64_t since;

	learn_list(fixture, "a");
	since = pfs_loop_now(fixture->loop);
	(void)prepare(&waiter);
	assert_int_equal(list_since(fixture, since, &waiter), 0); /* it began now */
	assert_int_equal(list_since(fixture, since + 1, &waiter), -EINPROGRESS);
	assert_int_equal(fixture->api.lists, 2);
	pass(fixture, 1);
	fake_api_page(&fixture->api, "a b", NULL);
	assert_told(&waiter, 0);
	assert_int_equal(list_since(fixture, since, &waiter), 0);
	pass(fixture, TTL); /* that it has expired is of no account */
	assert_int_equal(list_since(fixture, since, &waiter), 0);
}

static void test_all_pages_are_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	(void)prepare(&waiter);
	assert_int_equal(list_since(fixture, 0, &waiter), -EINPROGRESS);
	fake_api_page(&fixture->api, "a", "next");
	assert_waiting(&waiter);
	fake_api_page(&fixture->api, "b", NULL);
	assert_told(&waiter, 0);
}

static void test_a_walk_that_began_before_wakes_who_must_ask_again(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};
	int64_t since;

	assert_int_equal(ask_list(fixture, PFS_LIST_WHOLE, NULL), -EINPROGRESS);
	pass(fixture, PFS_SECOND);
	since = pfs_loop_now(fixture->loop);
	(void)prepare(&waiter);
	assert_int_equal(list_since(fixture, since, &waiter), -EINPROGRESS);
	assert_int_equal(fixture->api.lists, 1);
	pass(fixture, PFS_SECOND);
	fake_api_page(&fixture->api, "a", NULL);
	assert_told(&waiter, 0);
	assert_int_equal(list_since(fixture, since, &waiter), -EINPROGRESS);
	assert_int_equal(fixture->api.lists, 2);
	fake_api_page(&fixture->api, "a", NULL);
	assert_int_equal(waiter.calls, 2);
	assert_int_equal(list_since(fixture, since, &waiter), 0);
}

static void test_after_a_failure_it_is_not_asked_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};
	int64_t since = pfs_loop_now(fixture->loop);

	(void)prepare(&waiter);
	assert_int_equal(list_since(fixture, since, &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EIO, 503);
	assert_told(&waiter, -EIO);
	(void)prepare(&waiter);
	assert_int_equal(list_since(fixture, since, &waiter), -EIO);
	assert_int_equal(fixture->api.lists, 1);
	pass(fixture, TTL_ERROR);
	assert_int_equal(list_since(fixture, since, &waiter), -EINPROGRESS);
	assert_int_equal(fixture->api.lists, 2);
	pfs_wait_cancel(&waiter.wait);
}

/* Nor is a list that others may still be served from, since it is from before. */
static void test_a_failure_is_told_while_others_get_the_list_of_before(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};
	int64_t since;

	learn_list(fixture, "a");
	pass(fixture, TTL);
	since = pfs_loop_now(fixture->loop);
	(void)prepare(&waiter);
	assert_int_equal(list_since(fixture, since, &waiter), -EINPROGRESS);
	fake_api_fail(&fixture->api, NULL, -EIO, 503);
	assert_int_equal(waiter.calls, 1);
	assert_int_equal(list_since(fixture, since, &waiter), -EIO);
	assert_int_equal(ask_list(fixture, PFS_LIST_WHOLE, NULL), 0);
}

static void test_what_can_not_be_asked_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};

	fixture->api.refuse = -EBUSY;
	(void)prepare(&waiter);
	assert_int_equal(list_since(fixture, 0, &waiter), -EBUSY);
	assert_false(pfs_store_is_walking(fixture->store, fixture->kind));
}

static void test_nobody_waits_for_longer_than_the_timeout(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter = {0};
	int64_t since;

	assert_int_equal(ask_list(fixture, PFS_LIST_WHOLE, NULL), -EINPROGRESS);
	pass(fixture, 1);
	since = pfs_loop_now(fixture->loop);
	(void)prepare(&waiter);
	assert_int_equal(list_since(fixture, since, &waiter), -EINPROGRESS);
	pass(fixture, TIMEOUT - 1);
	fake_api_page(&fixture->api, "a", NULL);
	assert_told(&waiter, 0);
	assert_int_equal(list_since(fixture, since, &waiter), -EINPROGRESS);
	pass(fixture, 1);
	assert_int_equal(waiter.calls, 2);
	assert_int_equal(list_since(fixture, since, &waiter), -ETIMEDOUT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_announced_has_its_slot_but_is_not_there_before_it_is_described),
		TEST(test_whoever_asks_for_an_announced_one_waits_for_its_description),
		TEST(test_that_it_was_missing_is_forgotten),
		TEST(test_a_question_from_before_is_asked_anew),
		TEST(test_a_question_that_can_not_be_asked_anew_fails),
		TEST(test_what_is_known_of_it_has_expired),
		TEST(test_one_whose_description_fails_stays_for_who_holds_it),
		TEST(test_one_whose_description_fails_is_evicted_if_nobody_holds_it),
		TEST(test_one_that_is_not_listed_is_asked_for_again),
		TEST(test_one_that_is_missing_and_that_nobody_holds_is_not),
		TEST(test_there_may_be_no_room_for_it),
		TEST(test_a_list_from_before_is_walked_anew),
		TEST(test_all_pages_are_waited_for),
		TEST(test_a_walk_that_began_before_wakes_who_must_ask_again),
		TEST(test_after_a_failure_it_is_not_asked_at_once),
		TEST(test_a_failure_is_told_while_others_get_the_list_of_before),
		TEST(test_what_can_not_be_asked_is_an_error),
		TEST(test_nobody_waits_for_longer_than_the_timeout),
	};

	return cmocka_run_group_tests_name("store_announce", tests, NULL, NULL);
}
