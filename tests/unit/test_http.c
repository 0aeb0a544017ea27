/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "http_fixture.h"

/* --- what an answer brings ----------------------------------------------------------------- */

static void test_get_brings_the_answer_as_it_was_sent(void **state)
{
	static const char *const answers[] = {"HTTP/1.1 404 Gone Fishing\r\n"
					      "X-Request-Id: second\r\n"
					      "x-pinecone-request-id:  first \r\n"
					      "x-request-id: third\r\n"
					      "X-Pinecone-Auth-Rejected-Reason: why not\r\n"
					      "Content-Length: 5\r\n\r\n{\"a\" ",
					      NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = answers;
	get(fixture, &outcome, 30 * PFS_SECOND);
	assert_int_equal(outcome.calls, 0); /* never from inside */
	assert_int_equal(under_way(fixture), 1);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(outcome.status, 404);
	assert_int_equal(outcome.length, 5);
	assert_string_equal(outcome.body, "{\"a\" ");
	assert_string_equal(outcome.text, "Gone Fishing");
	assert_string_equal(outcome.request_id, "first");
	assert_string_equal(outcome.rejected, "why not");
	assert_int_equal(outcome.retry_after, -1);
	assert_int_equal(outcome.sent_at, FAKE_START);
	assert_int_equal(under_way(fixture), 0);
	assert_int_equal(fixture->stats.attempts, 1);
	assert_int_equal(fixture->stats.received, 5);
}

static void test_get_sends_its_headers_and_no_others_of_note(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	get(fixture, &outcome, 30 * PFS_SECOND);
	finish(fixture, &outcome);
	assert_memory_equal(fixture->request, "GET /x HTTP/1.1\r\n", 17);
	assert_non_null(strstr(fixture->request, "\r\nApi-Key: pcsk_unit\r\n"));
	assert_non_null(strstr(fixture->request, "\r\nX-Other: yes\r\n"));
	assert_non_null(strstr(fixture->request, "\r\nUser-Agent: unit\r\n"));
	assert_null(strstr(fixture->request, "Cookie"));
	assert_null(strstr(fixture->request, "Authorization"));
}

static void test_get_other_request_id_serves_where_the_first_is_missing(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nx-request-id: only\r\nContent-Length: 0\r\n\r\n", NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = answers;
	get(fixture, &outcome, 30 * PFS_SECOND);
	finish(fixture, &outcome);
	assert_string_equal(outcome.request_id, "only");
	assert_int_equal(outcome.length, 0);
	assert_string_equal(outcome.body, "");
}

static void test_get_body_at_bound_fits_and_past_it_is_too_large(void **state)
{
	struct fixture *fixture = *state;

	for (int extra = 0; extra < 2; extra++) {
		struct outcome outcome = {0};

		answer_with(fixture, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%*s", 64 + extra,
			    64 + extra, "x");
		get(fixture, &outcome, 30 * PFS_SECOND);
		finish(fixture, &outcome);
		assert_int_equal(outcome.outcome, extra ? PFS_HTTP_TOO_LARGE : PFS_HTTP_ANSWERED);
		assert_int_equal(fixture->stats.attempts, extra + 1); /* it won't get smaller */
		if (extra)
			assert_non_null(strstr(outcome.text, "larger than 64 bytes"));
	}
}

static void test_get_redirect_is_the_answer(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	answer_with(fixture,
		    "HTTP/1.1 302 Found\r\nLocation: %s/there\r\nContent-Length: 0\r\n\r\n",
		    fixture->url);
	get(fixture, &outcome, 30 * PFS_SECOND);
	finish(fixture, &outcome);
	assert_int_equal(outcome.status, 302);
	assert_int_equal(fixture->requests, 1);
}

/* --- retries ------------------------------------------------------------------------------- */

/* From "backing off" on: the next attempt begins not before least and not after most. */
static void assert_pause(struct fixture *fixture, int64_t least, int64_t most)
{
	uint64_t attempts = fixture->stats.attempts;

	pass(fixture, least - 1);
	assert_int_equal(fixture->stats.attempts, attempts);
	assert_string_equal(state_of(fixture), "backing off");
	pass(fixture, most - least + 1);
	assert_int_equal(fixture->stats.attempts, attempts + 1);
}

static void test_retry_pauses_double_and_fourth_answer_is_final(void **state)
{
	static const char *const answers[] = {BUSY, NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = answers;
	get(fixture, &outcome, 30 * PFS_SECOND);
	for (int64_t whole = 250; whole <= 1000; whole *= 2) {
		turn_until(fixture, "backing off");
		assert_pause(fixture, whole / 2 * PFS_MILLISECOND, whole * PFS_MILLISECOND);
	}
	finish(fixture, &outcome);
	assert_int_equal(outcome.status, 503);
	assert_string_equal(outcome.body, "busy");
	assert_int_equal(fixture->requests, 4);
	assert_int_equal(fixture->stats.retries, 3);
	assert_int_equal(outcome.sent_at, FAKE_START + 1750 * PFS_MILLISECOND);
}

static void test_retry_good_answer_leaves_nothing_of_the_bad_one(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 500 Oops\r\nx-request-id: bad\r\nRetry-After: 1\r\n"
		"X-Pinecone-Auth-Rejected-Reason: r\r\nContent-Length: 6\r\n\r\nfailed",
		OK_ANSWER, NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = answers;
	get(fixture, &outcome, 30 * PFS_SECOND);
	turn_until(fixture, "backing off");
	pass(fixture, 2 * PFS_SECOND);
	finish(fixture, &outcome);
	assert_int_equal(outcome.status, 200);
	assert_string_equal(outcome.body, "ok");
	assert_string_equal(outcome.request_id, "");
	assert_string_equal(outcome.rejected, "");
	assert_string_equal(outcome.text, "OK");
	assert_int_equal(outcome.retry_after, -1);
}

static void test_retry_each_status_as_in_table(void **state)
{
	static const struct {
		int status;
		bool again;
	} rows[] = {
		{200, false}, {204, false}, {302, false}, {400, false}, {401, false}, {403, false},
		{404, false}, {408, true},  {409, false}, {422, false}, {429, true},  {500, true},
		{501, false}, {502, true},  {503, true},  {504, true},	{505, false},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct outcome outcome = {0};
		struct pfs_http_request *request;

		answer_with(fixture, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", rows[i].status);
		assert_int_equal(get_within(fixture, &outcome, 30 * PFS_SECOND, &request), 0);
		while (!outcome.calls && strcmp(state_of(fixture), "backing off") != 0)
			turn(fixture);
		if (!outcome.calls != rows[i].again)
			fail_msg("%d: %s", rows[i].status, state_of(fixture));
		if (!outcome.calls)
			pfs_http_cancel(request);
		fixture->time.passed += PFS_SECOND; /* for the budget */
	}
}

static void test_retry_after_is_waited_for(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", OK_ANSWER,
		NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = answers;
	get(fixture, &outcome, 30 * PFS_SECOND);
	turn_until(fixture, "backing off");
	/* No sooner than told; and a little later, each client by its own dice. */
	assert_pause(fixture, 3 * PFS_SECOND + 1, 3 * PFS_SECOND + 63 * PFS_MILLISECOND);
	finish(fixture, &outcome);
	assert_int_equal(outcome.status, 200);
}

static void test_retry_that_would_come_too_late_is_not_tried(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 429 Slow\r\nRetry-After: 31\r\nContent-Length: 0\r\n\r\n", NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = answers;
	get(fixture, &outcome, 30 * PFS_SECOND);
	finish(fixture, &outcome);
	assert_int_equal(outcome.status, 429);
	assert_int_equal(outcome.retry_after, 31 * PFS_SECOND);
	assert_int_equal(fixture->stats.attempts, 1);
	assert_int_equal(fixture->time.passed, 0);
}

static void test_transport_failures_are_retried_and_named(void **state)
{
	static const char *const garbage[] = {"\x01\x02\x03", NULL};
	static const char *const half[] = {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
					   NULL};
	static const char *const nothing[] = {"", NULL};
	const char *const *const rows[] = {garbage, half, nothing};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct outcome outcome = {0};

		fixture->answers = rows[i];
		fixture->time.passed += 10 * PFS_SECOND;
		get(fixture, &outcome, 200 * PFS_MILLISECOND);
		while (!outcome.calls) {
			turn(fixture);
			if (!strcmp(state_of(fixture), "backing off"))
				pass(fixture, 180 * PFS_MILLISECOND);
		}
		assert_int_equal(outcome.outcome, PFS_HTTP_BROKEN);
		assert_string_not_equal(outcome.text, "");
	}
	assert_true(fixture->stats.retries > 0);
}

static void test_nobody_listening_is_told_as_that(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	pfs_loop_remove_fd(fixture->loop, fixture->listener);
	close(fixture->listener);
	get(fixture, &outcome, 10 * PFS_MILLISECOND);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_CONNECT);
	assert_int_equal(outcome.status, 0);
	assert_string_not_equal(outcome.text, "");
	fixture->listener = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_get_brings_the_answer_as_it_was_sent),
		TEST(test_get_sends_its_headers_and_no_others_of_note),
		TEST(test_get_other_request_id_serves_where_the_first_is_missing),
		TEST(test_get_body_at_bound_fits_and_past_it_is_too_large),
		TEST(test_get_redirect_is_the_answer),
		TEST(test_retry_pauses_double_and_fourth_answer_is_final),
		TEST(test_retry_good_answer_leaves_nothing_of_the_bad_one),
		TEST(test_retry_each_status_as_in_table),
		TEST(test_retry_after_is_waited_for),
		TEST(test_retry_that_would_come_too_late_is_not_tried),
		TEST(test_transport_failures_are_retried_and_named),
		TEST(test_nobody_listening_is_told_as_that),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
