/* SPDX-License-Identifier: MIT */
/* The time that a request may take, and how many may be sent. */
#include <errno.h>
#include <string.h>

#include "http_fixture.h"

/* --- deadlines ----------------------------------------------------------------------------- */

static void test_deadline_without_answer_is_a_timeout(void **state)
{
	static const char *const never[] = {NULL, NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = never;
	get(fixture, &outcome, 30 * PFS_SECOND);
	while (!fixture->requests)
		turn(fixture);
	pass(fixture, 30 * PFS_SECOND - 1);
	assert_int_equal(outcome.calls, 0);
	pass(fixture, 1);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.outcome, PFS_HTTP_TIMEOUT);
	assert_int_equal(outcome.status, 0);
	assert_non_null(strstr(outcome.text, "--timeout"));
}

static void test_deadline_in_a_retry_is_a_timeout(void **state)
{
	static const char *const answers[] = {BUSY, NULL, NULL};
	static const char *const never[] = {NULL, NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = answers;
	get(fixture, &outcome, 30 * PFS_SECOND);
	turn_until(fixture, "backing off");
	fixture->answers = never;
	pass(fixture, PFS_SECOND);
	while (fixture->requests < 2)
		turn(fixture);
	pass(fixture, 29 * PFS_SECOND);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.outcome, PFS_HTTP_TIMEOUT);
	assert_int_equal(fixture->stats.attempts, 2);
}

static void test_deadline_in_the_queue_names_the_rate(void **state)
{
	struct pfs_http_config config = http_fixture_config;
	struct fixture *fixture = *state;
	struct outcome first = {0}, second = {0};

	config.rate = 0.01;
	config.burst = 1;
	configure(fixture, &config);
	get(fixture, &first, 30 * PFS_SECOND);
	get(fixture, &second, 30 * PFS_SECOND);
	finish(fixture, &first);
	assert_string_equal(state_of(fixture), "queued");
	pass(fixture, 30 * PFS_SECOND);
	assert_int_equal(second.calls, 1);
	assert_int_equal(second.outcome, PFS_HTTP_TIMEOUT);
	assert_non_null(strstr(second.text, "--max-rate"));
	assert_int_equal(fixture->requests, 1);
}

/* --- the budget and the bounds ------------------------------------------------------------- */

static void test_budget_allows_the_burst_and_then_the_rate(void **state)
{
	static const char *const never[] = {NULL, NULL};
	struct pfs_http_config config = http_fixture_config;
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	config.rate = 2;
	config.burst = 3;
	config.max_active = 100;
	config.max_queued = 100;
	configure(fixture, &config);
	fixture->answers = never;
	for (int i = 0; i < 7; i++)
		get(fixture, &outcome, 3600 * PFS_SECOND);
	assert_int_equal(fixture->stats.attempts, 3);
	assert_int_equal(fixture->stats.throttled, 1);
	pass(fixture, 499 * PFS_MILLISECOND);
	assert_int_equal(fixture->stats.attempts, 3);
	pass(fixture, 2 * PFS_MILLISECOND);
	assert_int_equal(fixture->stats.attempts, 4);
	pass(fixture, 500 * PFS_MILLISECOND);
	assert_int_equal(fixture->stats.attempts, 5);
	pass(fixture, 3600 * PFS_SECOND / 2); /* a long pause gives the burst, not more */
	assert_int_equal(fixture->stats.attempts, 7);
	for (int i = 0; i < 7; i++)
		get(fixture, &outcome, 3600 * PFS_SECOND);
	assert_int_equal(fixture->stats.attempts, 8);
}

/* A first attempt, which is told to wait, and a second, for which the budget has nothing left. */
static void get_until_queued(struct fixture *fixture, const char *const answers[], double rate,
			     struct outcome *outcome)
{
	struct pfs_http_config config = http_fixture_config;

	config.rate = rate;
	config.burst = 1;
	configure(fixture, &config);
	fixture->answers = answers;
	get(fixture, outcome, 30 * PFS_SECOND);
	turn_until(fixture, "backing off");
	pass(fixture, PFS_SECOND);
	assert_string_equal(state_of(fixture), "queued");
}

static void test_budget_counts_retries(void **state)
{
	static const char *const answers[] = {BUSY, OK_ANSWER, NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	get_until_queued(fixture, answers, 0.1, &outcome);
	pass(fixture, 9 * PFS_SECOND + 1);
	assert_string_equal(state_of(fixture), "sent");
	finish(fixture, &outcome);
	assert_int_equal(outcome.status, 200);
}

static void test_deadline_of_a_queued_retry_gives_the_last_answer(void **state)
{
	static const char *const answers[] = {BUSY, NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	get_until_queued(fixture, answers, 0.01, &outcome);
	pass(fixture, 29 * PFS_SECOND);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(outcome.status, 503);
	assert_string_equal(outcome.body, "busy");
}

static void count_states(void *arg, const struct pfs_http_progress *progress)
{
	unsigned *counts = arg;

	counts[*progress->state == 'q' ? 0 : 1]++;
	assert_string_equal(progress->label, "/x");
	assert_int_equal(progress->age, 2 * PFS_SECOND);
	assert_int_equal(progress->left, 28 * PFS_SECOND);
}

static void test_transfers_and_queue_have_their_bounds(void **state)
{
	static const char *const never[] = {NULL, NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};
	struct pfs_http_request *requests[9];
	unsigned counts[2] = {0};

	fixture->answers = never;
	for (int i = 0; i < 8; i++)
		assert_int_equal(get_within(fixture, &outcome, 30 * PFS_SECOND, &requests[i]), 0);
	assert_int_equal(get_within(fixture, &outcome, 30 * PFS_SECOND, &requests[8]), -EBUSY);
	assert_int_equal(under_way(fixture), 8);
	fixture->time.passed += 2 * PFS_SECOND;
	pfs_http_each(fixture->http, count_states, counts);
	assert_int_equal(counts[0], 4);
	assert_int_equal(counts[1], 4);
	pfs_http_cancel(requests[0]); /* its place goes to the first in the queue */
	assert_int_equal(fixture->stats.attempts, 5);
	pfs_http_cancel(requests[7]); /* one that only waits */
	assert_int_equal(fixture->stats.attempts, 5);
	assert_int_equal(under_way(fixture), 6);
	assert_int_equal(outcome.calls, 0);
}

static void test_cancel_in_any_state_calls_nobody(void **state)
{
	static const char *const answers[] = {BUSY, NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};
	struct pfs_http_request *request;

	pfs_http_cancel(NULL);
	fixture->answers = answers;
	assert_int_equal(get_within(fixture, &outcome, 30 * PFS_SECOND, &request), 0);
	turn_until(fixture, "backing off");
	pfs_http_cancel(request);
	assert_int_equal(get_within(fixture, &outcome, 30 * PFS_SECOND, &request), 0);
	turn_until(fixture, "sent");
	pfs_http_cancel(request);
	pass(fixture, 60 * PFS_SECOND);
	assert_int_equal(outcome.calls, 0);
	assert_int_equal(under_way(fixture), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_deadline_without_answer_is_a_timeout),
		TEST(test_deadline_in_a_retry_is_a_timeout),
		TEST(test_deadline_in_the_queue_names_the_rate),
		TEST(test_budget_allows_the_burst_and_then_the_rate),
		TEST(test_budget_counts_retries),
		TEST(test_deadline_of_a_queued_retry_gives_the_last_answer),
		TEST(test_transfers_and_queue_have_their_bounds),
		TEST(test_cancel_in_any_state_calls_nobody),
	};

	return cmocka_run_group_tests_name("http_budget", tests, NULL, NULL);
}
