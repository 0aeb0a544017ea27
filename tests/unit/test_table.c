/* SPDX-License-Identifier: MIT */
/* When a text is made, of what, who waits for it, and for how long. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table_fixture.h"

static void test_text_is_made_anew_only_after_a_change(void **state)
{
	struct desk *desk = *state;
	uint64_t first = list_and_make(desk, TSV, "a"), other = make(desk, JSONL);

	assert_int_equal(make(desk, TSV), first);
	assert_int_equal(list_and_make(desk, TSV, "a"),
			 first); /* the list is asked, not the text */
	assert_int_not_equal(list_and_make(desk, TSV, "a:Failed"), first);
	assert_int_not_equal(make(desk, JSONL), other);
	assert_int_equal(desk->store->api.lists, 3); /* both share a walk */
	assert_text(desk, TSV, pfs_tables_latest(desk->tables, JOBS, TSV),
		    HEADER "a\tFailed\t\t\t\n");
}

/* Who asks while it is made waits for the same. */
static void test_one_walk_and_one_text_for_all_who_ask(void **state)
{
	struct desk *desk = *state;
	struct waiter waiters[3] = {0};

	for (size_t i = 0; i < COUNT(waiters); i++)
		assert_int_equal(ask_table(desk, TSV, &waiters[i]), -EINPROGRESS);
	assert_int_equal(desk->store->api.lists, 1);
	pfs_wait_cancel(&waiters[1].wait);
	fake_api_page(&desk->store->api, "a", NULL);
	pass(desk->store, 0);
	assert_told(&waiters[0], 0);
	assert_told(&waiters[2], 0);
	assert_int_equal(pfs_tables_latest(desk->tables, JOBS, TSV), 1);
}

/* The text is of one moment, though it is made in many turns. */
static void test_what_changes_while_it_is_made_is_in_the_next(void **state)
{
	struct desk *desk = *state;
	struct waiter waiter = {0};
	uint64_t first;

	desk->store->kind = JOBS;
	learn_list(desk->store, "a b");
	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	pfs_store_expire(desk->store->store);
	learn(desk->store, "b", "Failed");
	pass(desk->store, 0);
	assert_told(&waiter, 0);
	first = pfs_tables_latest(desk->tables, JOBS, TSV);
	assert_text(desk, TSV, first, HEADER "a\tPending\t\t\t\nb\tPending\t\t\t\n");
	assert_int_not_equal(list_and_make(desk, TSV, "a b:Failed"), first);
}

static void test_text_that_is_too_long_is_none(void **state)
{
	struct desk *desk = *state;
	char rows[6000] = "";
	struct waiter waiter = {0};

	for (int i = 0; i < 300; i++)
		(void)snprintf(rows + strlen(rows), sizeof(rows) - strlen(rows), "job-%d:Failed ",
			       i);
	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	fake_api_page(&desk->store->api, rows, NULL);
	pass(desk->store, 0);
	assert_told(&waiter, -EFBIG);
	assert_int_equal(pfs_tables_latest(desk->tables, JOBS, TSV), 0);
	assert_int_equal(desk->store->stats.failures[0].error, EFBIG);
	assert_string_equal(desk->store->stats.failures[0].object, "/restore-jobs");
	assert_string_equal(desk->store->stats.failures[0].text,
			    "its table, .tsv, would be longer than 4096 bytes");
	/* Nobody tries again before there is another one to be made. */
	assert_int_equal(ask_table(desk, TSV, &waiter), -EFBIG);
	assert_int_equal(desk->store->stats.failure_count, 1);
	assert_int_equal(ask_table(desk, JSONL, &waiter), -EINPROGRESS); /* by itself */
	pass(desk->store, 0);
	assert_told(&waiter, -EFBIG);
	pfs_store_expire(desk->store->store);
	desk->store->kind = JOBS;
	learn(desk->store, "job-0", "Cancelled");
	pfs_store_expire(desk->store->store);
	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	fake_api_page(&desk->store->api, rows, NULL);
	pass(desk->store, 0);
	assert_told(&waiter, -EFBIG);
	assert_int_equal(desk->store->stats.failure_count, 3);
}

/* What was good before stays so for those who have it. */
static void test_text_before_one_that_is_too_long_stays(void **state)
{
	struct desk *desk = *state;
	char rows[MAX_BYTES + 200] = "b={\"restore_job_id\":\"b\",\"status\":\"";
	uint64_t first = list_and_make(desk, TSV, "a");
	struct waiter waiter = {0};

	pfs_tables_hold(desk->tables, JOBS, TSV, first, 1);
	memset(rows + strlen(rows), 'x', MAX_BYTES);
	strcat(rows, "\"}");
	pfs_store_expire(desk->store->store);
	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	fake_api_page(&desk->store->api, rows, NULL);
	pass(desk->store, 0);
	assert_told(&waiter, -EFBIG);
	assert_text(desk, TSV, first, HEADER "a\tPending\t\t\t\n");
	assert_int_not_equal(list_and_make(desk, TSV, "b:Failed"), first);
}

/* Somebody else's turn comes before a long text is done. */
static void test_long_text_takes_many_turns(void **state)
{
	struct desk *desk = *state;
	size_t size = 200000, turns = 0;
	char *rows = calloc(1, 10 * (size + 100));
	struct waiter waiters[PFS_TABLE_FORMATS] = {0};

	assert_non_null(rows);
	for (int i = 0; i < 10; i++) {
		(void)sprintf(rows + strlen(rows), "%sj%d={\"restore_job_id\":\"j%d\",\"x\":\"",
			      i ? " " : "", i, i);
		memset(rows + strlen(rows), 'y', size);
		strcat(rows, "\"}");
	}
	for (int i = 0; i < PFS_TABLE_FORMATS; i++)
		assert_int_equal(ask_table(desk, i, &waiters[i]), -EINPROGRESS);
	fake_api_page(&desk->store->api, rows, NULL);
	free(rows);
	for (; !waiters[TSV].calls || !waiters[JSONL].calls; turns++) {
		assert_true(turns < 100);
		desk->store->time.left = 1;
		assert_int_equal(pfs_loop_turn(desk->store->loop), 0);
	}
	assert_uint_in_range(turns, 5, 12);
	assert_told(&waiters[TSV], 0);
	assert_told(&waiters[JSONL], 0);
	assert_int_equal(desk->store->api.lists, 1); /* both have waited for the same */
	assert_text(desk, TSV, pfs_tables_latest(desk->tables, JOBS, TSV),
		    HEADER "j0\t\t\t\t\nj1\t\t\t\t\nj2\t\t\t\t\nj3\t\t\t\t\nj4\t\t\t\t\n"
			   "j5\t\t\t\t\nj6\t\t\t\t\nj7\t\t\t\t\nj8\t\t\t\t\nj9\t\t\t\t\n");
}

static void test_change_of_one_kind_leaves_the_texts_of_others(void **state)
{
	struct desk *desk = *state;
	uint64_t first = list_and_make(desk, TSV, "a");

	desk->store->kind = desk->store->api.of = GADGETS;
	learn_list(desk->store, "g={\"name\":\"g\"}");
	desk->store->api.of = NULL;
	assert_int_equal(make(desk, TSV), first);
	assert_int_equal(pfs_tables_latest(desk->tables, GADGETS, TSV), 0);
}

static void test_object_that_vanished_is_in_no_text(void **state)
{
	struct desk *desk = *state;
	struct waiter waiter = {0};
	uint64_t first;

	desk->store->kind = GADGETS;
	learn_list(desk->store, "g={\"name\":\"g\"} h={\"name\":\"h\"}");
	assert_int_equal(pfs_tables_ask(desk->tables, GADGETS, JSONL, prepare(&waiter)),
			 -EINPROGRESS);
	pass(desk->store, 0);
	first = pfs_tables_latest(desk->tables, GADGETS, JSONL);
	pfs_store_expire(desk->store->store);
	assert_int_equal(pfs_tables_ask(desk->tables, GADGETS, JSONL, prepare(&waiter)),
			 -EINPROGRESS);
	fake_api_page(&desk->store->api, "h={\"name\":\"h\"}", NULL);
	pass(desk->store, 0);
	assert_waiting(&waiter); /* until it is known */
	fake_api_fail(&desk->store->api, "g", -ENOENT, 404);
	pass(desk->store, 0);
	assert_told(&waiter, 0);
	assert_int_not_equal(pfs_tables_latest(desk->tables, GADGETS, JSONL), first);
	assert_int_equal(desk->store->stats.table_bytes, strlen("{\"name\":\"h\"}\n"));
}

/* A part of the list is no list. */
static void test_list_that_breaks_off_gives_no_text(void **state)
{
	struct desk *desk = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	fake_api_page(&desk->store->api, "a b", "next");
	pass(desk->store, 0);
	assert_waiting(&waiter);
	fake_api_fail(&desk->store->api, NULL, -EIO, 500);
	assert_told(&waiter, -EIO);
	assert_int_equal(pfs_tables_latest(desk->tables, JOBS, TSV), 0);
	pass(desk->store, TTL_ERROR);
	(void)list_and_make(desk, TSV, "a b c");
}

/* Let the walk go on, so that no page is late, for less than a reader waits: but a second. */
static void walk_on(struct desk *desk, const char *next)
{
	fake_api_page(&desk->store->api, "a:Failed", next);
	pass(desk->store, TIMEOUT - PFS_SECOND);
}

/* Its pages all come in time, but there are too many. */
static void test_list_that_takes_too_long(void **state)
{
	struct desk *desk = *state;
	struct waiter first = {0}, second = {0};
	uint64_t number;

	assert_int_equal(ask_table(desk, TSV, &first), -EINPROGRESS);
	walk_on(desk, "2");
	assert_int_equal(ask_table(desk, TSV, &second), -EINPROGRESS);
	assert_waiting(&first);
	pass(desk->store, 2 * PFS_SECOND);
	assert_told(&first, -ETIMEDOUT);
	assert_waiting(&second); /* he has waited for two seconds */
	fake_api_page(&desk->store->api, "b", NULL);
	pass(desk->store, 0);
	assert_told(&second, 0);
	number = pfs_tables_latest(desk->tables, JOBS, TSV);
	assert_text(desk, TSV, number, HEADER "a\tFailed\t\t\t\nb\tPending\t\t\t\n");
	/* Now that there is a whole one, it is good for a while. */
	pass(desk->store, TTL);
	assert_int_equal(ask_table(desk, TSV, &first), -EINPROGRESS);
	fake_api_page(&desk->store->api, "a:Cancelled", "more");
	pass(desk->store, TIMEOUT + PFS_SECOND);
	assert_told(&first, 0);
	assert_int_equal(pfs_tables_latest(desk->tables, JOBS, TSV), number);
}

static void test_list_that_takes_too_long_for_all(void **state)
{
	struct desk *desk = *state;
	struct waiter first = {0}, second = {0};

	assert_int_equal(ask_table(desk, TSV, &first), -EINPROGRESS);
	walk_on(desk, "2");
	assert_int_equal(ask_table(desk, TSV, &second), -EINPROGRESS);
	walk_on(desk, "3");
	assert_told(&first, -ETIMEDOUT);
	assert_waiting(&second);
	pass(desk->store, 2 * PFS_SECOND);
	assert_told(&second, -ETIMEDOUT);
	fake_api_page(&desk->store->api, "b", NULL);
	pass(desk->store, 0);
	/* Nobody waits any more: nothing is made. */
	assert_int_equal(pfs_tables_latest(desk->tables, JOBS, TSV), 0);
	assert_int_not_equal(make(desk, TSV), 0);
	assert_int_equal(desk->store->api.lists, 3);
}

static void test_nothing_is_made_for_who_has_left(void **state)
{
	struct desk *desk = *state;
	struct waiter waiter = {0}, other = {0};

	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	pfs_wait_cancel(&waiter.wait);
	fake_api_page(&desk->store->api, "a", NULL);
	pass(desk->store, 0);
	assert_int_equal(desk->store->stats.table_texts, 0);
	assert_int_equal(make(desk, TSV), 1);
	/* In the middle of it all the end comes. */
	pfs_store_expire(desk->store->store);
	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	assert_int_equal(ask_table(desk, JSONL, &other), -EINPROGRESS);
	fake_api_page(&desk->store->api, "a:Failed", NULL);
	pfs_wait_cancel(&waiter.wait);
	pfs_wait_cancel(&other.wait);
}

static void test_list_that_fails_is_the_answer_until_stale_is_over(void **state)
{
	struct desk *desk = *state;
	struct waiter waiter = {0};

	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	fake_api_fail(&desk->store->api, NULL, -EACCES, 403);
	assert_told(&waiter, -EACCES);
	assert_int_equal(ask_table(desk, TSV, &waiter), -EACCES);
	pass(desk->store, TTL_ERROR);
	(void)list_and_make(desk, TSV, "a");
	pass(desk->store, TTL);
	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	fake_api_fail(&desk->store->api, NULL, -EIO, 500);
	assert_told(&waiter, 0); /* the last one, for a while */
	pass(desk->store, STALE);
	assert_int_equal(ask_table(desk, TSV, &waiter), -EINPROGRESS);
	fake_api_fail(&desk->store->api, NULL, -EIO, 500);
	assert_told(&waiter, -EIO);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_table, tear_down_table)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text_is_made_anew_only_after_a_change),
		TEST(test_one_walk_and_one_text_for_all_who_ask),
		TEST(test_what_changes_while_it_is_made_is_in_the_next),
		TEST(test_text_that_is_too_long_is_none),
		TEST(test_text_before_one_that_is_too_long_stays),
		cmocka_unit_test_setup_teardown(test_long_text_takes_many_turns, set_up_roomy_table,
						tear_down_table),
		TEST(test_change_of_one_kind_leaves_the_texts_of_others),
		TEST(test_object_that_vanished_is_in_no_text),
		TEST(test_list_that_breaks_off_gives_no_text),
		TEST(test_list_that_takes_too_long),
		TEST(test_list_that_takes_too_long_for_all),
		TEST(test_nothing_is_made_for_who_has_left),
		TEST(test_list_that_fails_is_the_answer_until_stale_is_over),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
