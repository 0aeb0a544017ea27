/* SPDX-License-Identifier: MIT */
/* Texts of a whole kind: what they say, and how long one is kept. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "table_fixture.h"

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

/* JSON forbids them, and pinefs takes them: the line must stay one line. */
static void test_jsonl_escapes_control_bytes_in_strings(void **state)
{
	struct desk *desk = *state;
	uint64_t number = list_and_make(
		desk, JSONL,
		"a={\"restore_job_id\":\"a\",\"x\":\"1\n2\r3\t4\0335\x7f\",\"y\\\"\n\":[\n],"
		"\"\\\\\":\n1}");

	assert_text(desk, JSONL, number,
		    "{\"restore_job_id\":\"a\",\"x\":\"1\\u000a2\\u000d3\\u00094\\u001b5\x7f\","
		    "\"y\\\"\\u000a\":[],\"\\\\\":1}\n");
}

static void test_jsonl_keeps_blanks_in_strings(void **state)
{
	struct desk *desk = *state;

	desk->store->kind = JOBS;
	learn_list(desk->store, "");
	assert_int_equal(ask(desk->store, "a", NULL), -EINPROGRESS);
	fake_api_answer(&desk->store->api, "a",
			"{ \"restore_job_id\" : \"a\", \"x y\": \" 1  2 \" , \"n\": [ 1, {} ] }");
	assert_text(desk, JSONL, make(desk, JSONL),
		    "{\"restore_job_id\":\"a\",\"x y\":\" 1  2 \",\"n\":[1,{}]}\n");
}

static void test_no_object_is_a_header_and_no_line(void **state)
{
	struct desk *desk = *state;

	assert_text(desk, TSV, list_and_make(desk, TSV, ""), HEADER);
	assert_text(desk, JSONL, make(desk, JSONL), "");
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

/* Of whichever table they are. */
static void test_oldest_text_of_all_tables_is_lost_first(void **state)
{
	struct desk *desk = *state;
	char rows[600] = "a={\"restore_job_id\":\"a\",\"status\":\"1";
	const size_t digit = strlen(rows) - 1;
	uint64_t numbers[2][PFS_TABLE_FORMATS];
	struct pfs_slice text;

	(void)memset(rows + strlen(rows), 'x', MAX_HELD / 4);
	strcat(rows, "\"}");
	for (int i = 0; i < 3; i++, rows[digit]++) {
		for (int format = PFS_TABLE_FORMATS - 1; format >= 0; format--) {
			uint64_t number = format == JSONL ? list_and_make(desk, JSONL, rows)
							  : make(desk, TSV);

			pfs_tables_hold(desk->tables, JOBS, format, number, 1);
			if (i < 2)
				numbers[i][format] = number;
		}
	}
	/* The first of both were superseded, then the second; there is room for three. */
	assert_int_equal(pfs_tables_read(desk->tables, JOBS, JSONL, numbers[0][JSONL], &text),
			 -ESTALE);
	assert_int_equal(pfs_tables_read(desk->tables, JOBS, TSV, numbers[0][TSV], &text), 0);
	assert_int_equal(pfs_tables_read(desk->tables, JOBS, JSONL, numbers[1][JSONL], &text), 0);
	assert_int_equal(pfs_tables_read(desk->tables, JOBS, TSV, numbers[1][TSV], &text), 0);
}

/* A text may be empty: it is read as such, whatever came after it. */
static void test_old_empty_text_is_not_a_lost_one(void **state)
{
	struct desk *desk = *state;
	uint64_t first = list_and_make(desk, JSONL, "");

	pfs_tables_hold(desk->tables, JOBS, JSONL, first, 1);
	(void)list_and_make(desk, JSONL, "a");
	assert_text(desk, JSONL, first, "");
	assert_int_equal(desk->store->stats.table_texts, 2);
}

/* Each reader has one, and comes and goes; what is left is what somebody has, and the latest. */
static void test_thousand_changes_leave_nothing_behind(void **state)
{
	const size_t length = strlen(HEADER "a\tS1000\t\t\t\n");
	struct desk *desk = *state;
	uint64_t numbers[1000];
	char rows[100];

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(rows, sizeof(rows), "a:S%d", 1000 + i);
		numbers[i] = list_and_make(desk, TSV, rows);
		pfs_tables_hold(desk->tables, JOBS, TSV, numbers[i], 3);
		if (i >= 5) {
			(void)snprintf(rows, sizeof(rows), HEADER "a\tS%d\t\t\t\n", 1000 + i - 5);
			assert_text(desk, TSV, numbers[i - 5], rows);
			pfs_tables_release(desk->tables, JOBS, TSV, numbers[i - 5], 2);
			pfs_tables_release(desk->tables, JOBS, TSV, numbers[i - 5], 1);
		}
		assert_int_equal(desk->store->stats.table_texts, i < 5 ? i + 1 : 5);
		assert_int_equal(desk->store->stats.table_bytes,
				 length * desk->store->stats.table_texts);
	}
	for (int i = 995; i < 1000; i++)
		pfs_tables_release(desk->tables, JOBS, TSV, numbers[i], 3);
	assert_int_equal(desk->store->stats.table_texts, 1);
	assert_int_equal(desk->store->stats.table_bytes, length);
}

/* Also where the clock was set back. */
static void test_each_text_is_younger_than_the_one_before(void **state)
{
	struct desk *desk = *state;
	uint64_t first = list_and_make(desk, TSV, "a"), second;
	int64_t made_at = pfs_tables_made_at(desk->tables, JOBS, TSV, first);

	assert_int_equal(made_at, pfs_loop_wall(desk->store->loop));
	pfs_tables_hold(desk->tables, JOBS, TSV, first, 1);
	desk->store->time.set_by = -TTL_FINAL;
	second = list_and_make(desk, TSV, "a:Failed");
	assert_int_equal(pfs_tables_made_at(desk->tables, JOBS, TSV, second), made_at + 1);
}

static void test_too_many_old_texts_lose_the_oldest(void **state)
{
	struct desk *desk = *state;
	uint64_t numbers[40];
	struct pfs_slice text;
	char rows[40], of_first[200];
	size_t held = 0, length = strlen(HEADER "a\tS10\t\t\t\n");

	for (int i = 0; i < 40; i++) {
		(void)snprintf(rows, sizeof(rows), "a:S%d", 10 + i);
		numbers[i] = list_and_make(desk, TSV, rows);
		pfs_tables_hold(desk->tables, JOBS, TSV, numbers[i], 1);
	}
	for (int i = 0; i < 40; i++)
		held += !pfs_tables_read(desk->tables, JOBS, TSV, numbers[i], &text);
	assert_int_equal(held, MAX_HELD / length + 1);
	assert_int_equal(desk->store->stats.table_bytes, held * length);
	assert_int_equal(pfs_tables_read(desk->tables, JOBS, TSV, numbers[40 - held - 1], &text),
			 -ESTALE);
	(void)snprintf(of_first, sizeof(of_first), HEADER "a\tS%zu\t\t\t\n", 50 - held);
	assert_text(desk, TSV, numbers[40 - held], of_first);
	/* It is still known, to those who have it, until they let it go. */
	assert_int_not_equal(pfs_tables_made_at(desk->tables, JOBS, TSV, numbers[0]), 0);
	pfs_tables_release(desk->tables, JOBS, TSV, numbers[0], 1);
	assert_int_equal(pfs_tables_made_at(desk->tables, JOBS, TSV, numbers[0]), 0);
	assert_int_equal(desk->store->stats.table_bytes, held * length);
	assert_text(desk, TSV, numbers[38], HEADER "a\tS48\t\t\t\n");
	assert_text(desk, TSV, numbers[39], HEADER "a\tS49\t\t\t\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_table, tear_down_table)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tsv_has_a_header_and_a_line_an_object),
		TEST(test_jsonl_has_each_object_on_a_line_else_as_sent),
		TEST(test_jsonl_escapes_control_bytes_in_strings),
		TEST(test_jsonl_keeps_blanks_in_strings),
		TEST(test_no_object_is_a_header_and_no_line),
		TEST(test_old_text_stays_for_who_has_it_and_goes_then),
		TEST(test_oldest_text_of_all_tables_is_lost_first),
		TEST(test_old_empty_text_is_not_a_lost_one),
		TEST(test_thousand_changes_leave_nothing_behind),
		TEST(test_each_text_is_younger_than_the_one_before),
		TEST(test_too_many_old_texts_lose_the_oldest),
	};

	return cmocka_run_group_tests_name("table_text", tests, NULL, NULL);
}
