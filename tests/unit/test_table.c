/* SPDX-License-Identifier: MIT */
/* Texts of a whole kind: what they say, when another is made, and how long one is kept. */
#include "pinefs/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/text.h"
#include "store_fixture.h"
#include "three_kinds.h"

#define TSV   PFS_TABLE_TSV
#define JSONL PFS_TABLE_JSONL

#define MAX_BYTES 4096
#define MAX_HELD  1000

static const struct pfs_tables_config usual = {.max_bytes = MAX_BYTES, .max_held = MAX_HELD};

struct desk {
	struct fixture *store;
	struct pfs_tables *tables;
};

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	void *fixture;

	use_kinds(&three_kinds);
	if (!desk || setup(&fixture))
		return -1;
	desk->store = fixture;
	*state = desk;
	return pfs_tables_create(desk->store->store, desk->store->loop, &desk->store->stats, &usual,
				 &desk->tables);
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	void *fixture = desk->store;
	int result;

	pfs_tables_destroy(desk->tables);
	result = teardown(&fixture);
	free(desk);
	return result;
}

static int ask_table(struct desk *desk, enum pfs_table_format format, struct waiter *waiter)
{
	return pfs_tables_ask(desk->tables, JOBS, format, prepare(waiter));
}

/* Nothing has to be asked: let the text be made. Its number. */
static uint64_t make(struct desk *desk, enum pfs_table_format format)
{
	struct waiter waiter = {0};
	int error = ask_table(desk, format, &waiter);

	if (error == -EINPROGRESS) {
		pass(desk->store, 0);
		assert_told(&waiter, 0);
	} else {
		assert_int_equal(error, 0);
	}
	return pfs_tables_latest(desk->tables, JOBS, format);
}

/* The list says this now, and the text is of that. */
static uint64_t list_and_make(struct desk *desk, enum pfs_table_format format, const char *rows)
{
	struct waiter waiter = {0};

	pfs_store_expire(desk->store->store);
	assert_int_equal(ask_table(desk, format, &waiter), -EINPROGRESS);
	fake_api_page(&desk->store->api, rows, NULL);
	pass(desk->store, 0);
	assert_told(&waiter, 0);
	return pfs_tables_latest(desk->tables, JOBS, format);
}

static void assert_text(struct desk *desk, enum pfs_table_format format, uint64_t number,
			const char *expected)
{
	struct pfs_slice text;

	assert_int_equal(pfs_tables_read(desk->tables, JOBS, format, number, &text), 0);
	assert_int_equal(text.length, strlen(expected));
	assert_memory_equal(text.bytes, expected, text.length);
}

#define HEADER "restore_job_id\tstatus\tcreated_at\tcompleted_at\tgadget\n"

static void test_tsv_has_a_header_and_a_line_an_object(void **state)
{
	struct desk *desk = *state;
	uint64_t number = list_and_make(
		desk, TSV,
		"a={\"restore_job_id\":\"a\",\"status\":\"x\\ty\\nz\\\\\",\"gadget\":{\"k\":[1,\t2]}} "
		"b:Failed c={\"restore_job_id\":\"c\",\"status\":null,\"created_at\":7}");

	assert_text(desk, TSV, number,
		    HEADER "a\tx\\ty\\nz\\\\\t\t\t{\"k\":[1,\\t2]}\n"
			   "b\tFailed\t\t\t\n"
			   "c\t\t7\t\t\n");
}

static void test_jsonl_has_each_object_on_a_line_else_as_sent(void **state)
{
	struct desk *desk = *state;
	uint64_t number = list_and_make(
		desk, JSONL,
		"a={\n\t\"restore_job_id\":\t\"a\",\r\n\"x\":\"\\u0041\\n\\\"\\\\\",\"n\":1.0e2}");

	assert_text(desk, JSONL, number,
		    "{\"restore_job_id\":\"a\",\"x\":\"\\u0041\\n\\\"\\\\\",\"n\":1.0e2}\n");
}

static void test_no_object_is_a_header_and_no_line(void **state)
{
	struct desk *desk = *state;

	assert_text(desk, TSV, list_and_make(desk, TSV, ""), HEADER);
	assert_text(desk, JSONL, make(desk, JSONL), "");
}

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

static void test_old_text_stays_for_who_has_it_and_goes_then(void **state)
{
	struct desk *desk = *state;
	uint64_t first = list_and_make(desk, TSV, "a"), second;
	struct pfs_slice text;

	pfs_tables_hold(desk->tables, JOBS, TSV, first, 2);
	second = list_and_make(desk, TSV, "a:Failed");
	assert_text(desk, TSV, first, HEADER "a\tPending\t\t\t\n");
	pfs_tables_release(desk->tables, JOBS, TSV, first, 1);
	assert_text(desk, TSV, first, HEADER "a\tPending\t\t\t\n");
	pfs_tables_release(desk->tables, JOBS, TSV, first, 1);
	assert_int_equal(pfs_tables_read(desk->tables, JOBS, TSV, first, &text), -ESTALE);
	assert_int_equal(pfs_tables_made_at(desk->tables, JOBS, TSV, first), 0);
	/* The present one stays, though nobody refers to it. */
	pfs_tables_hold(desk->tables, JOBS, TSV, second, 1);
	pfs_tables_release(desk->tables, JOBS, TSV, second, 1);
	assert_text(desk, TSV, second, HEADER "a\tFailed\t\t\t\n");
}

static void test_too_many_old_texts_lose_the_oldest(void **state)
{
	struct desk *desk = *state;
	uint64_t numbers[40];
	struct pfs_slice text;
	char rows[40];

	for (int i = 0; i < 40; i++) {
		(void)snprintf(rows, sizeof(rows), "a:S%d", i);
		numbers[i] = list_and_make(desk, TSV, rows);
		pfs_tables_hold(desk->tables, JOBS, TSV, numbers[i], 1);
	}
	assert_int_equal(pfs_tables_read(desk->tables, JOBS, TSV, numbers[0], &text), -ESTALE);
	assert_text(desk, TSV, numbers[38], HEADER "a\tS38\t\t\t\n");
	assert_text(desk, TSV, numbers[39], HEADER "a\tS39\t\t\t\n");
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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tsv_has_a_header_and_a_line_an_object),
		TEST(test_jsonl_has_each_object_on_a_line_else_as_sent),
		TEST(test_no_object_is_a_header_and_no_line),
		TEST(test_text_is_made_anew_only_after_a_change),
		TEST(test_one_walk_and_one_text_for_all_who_ask),
		TEST(test_what_changes_while_it_is_made_is_in_the_next),
		TEST(test_old_text_stays_for_who_has_it_and_goes_then),
		TEST(test_too_many_old_texts_lose_the_oldest),
		TEST(test_text_that_is_too_long_is_none),
		TEST(test_list_that_fails_is_the_answer_until_stale_is_over),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
