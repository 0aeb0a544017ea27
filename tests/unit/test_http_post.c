/* SPDX-License-Identifier: MIT */
/* What is sent once: whatever becomes of it, the server gets it once or not at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/http.h"
#include "http_fixture.h"

#define TIMEOUT	      (30 * PFS_SECOND)
#define STATUS(words) "HTTP/1.1 " words "\r\nContent-Length: 2\r\n\r\nno"

/* Whatever is still to happen happens: nothing more may be sent. */
static void assert_sent_once(struct fixture *fixture)
{
	struct outcome other = {0};

	pass(fixture, TIMEOUT);
	fixture->next_fate = ANSWERS;
	set_fate(fixture, ANSWERS);
	answer_with(fixture, "%s", OK_ANSWER);
	get(fixture, &other, TIMEOUT);
	finish(fixture, &other);
	assert_int_equal(other.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->requests, 2);
	assert_int_equal(fixture->stats.attempts, 2);
	assert_int_equal(fixture->stats.retries, 0);
	assert_memory_equal(fixture->request, "GET /x", 6);
}

/* --- what the server gets ------------------------------------------------------------------ */

static void test_post_sends_its_body_and_headers(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};
	struct pfs_http_request *request;
	char body[] = "{\"name\":\"prod\"}";

	assert_int_equal(post_within(fixture, body, &outcome, TIMEOUT, &request), 0);
	memset(body, 'x', strlen(body));    /* it was copied */
	assert_int_equal(outcome.calls, 0); /* never from inside */
	assert_int_equal(under_way(fixture), 1);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(outcome.status, 200);
	assert_true(outcome.sent);
	assert_int_equal(outcome.sent_at, FAKE_START);
	assert_string_equal(outcome.body, "ok");
	assert_memory_equal(fixture->request, "POST /x HTTP/1.1\r\n", 18);
	assert_non_null(strstr(fixture->request, "\r\nApi-Key: pcsk_unit\r\n"));
	assert_non_null(strstr(fixture->request, "\r\nContent-Length: 15\r\n"));
	assert_null(strstr(fixture->request, "Expect"));
	assert_null(strstr(fixture->request, "chunked"));
	assert_string_equal(strstr(fixture->request, "\r\n\r\n"), "\r\n\r\n{\"name\":\"prod\"}");
	assert_sent_once(fixture);
}

static void test_is_sent_from_the_moment_at_which_the_server_may_have_it(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};
	struct pfs_http_request *request;

	fixture->next_fate = IS_SILENT;
	assert_int_equal(post_within(fixture, "{}", &outcome, TIMEOUT, &request), 0);
	assert_false(pfs_http_is_sent(request));
	while (!fixture->requests)
		turn(fixture);
	assert_true(pfs_http_is_sent(request));
	pass(fixture, TIMEOUT);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.outcome, PFS_HTTP_TIMEOUT);
	assert_true(outcome.sent);
	assert_sent_once(fixture);
}

/* --- failures after which a GET is sent again ---------------------------------------------- */

static void assert_status_is_the_answer(struct fixture *fixture, const char *answer, int status)
{
	struct outcome outcome = {0};

	answer_with(fixture, "%s", answer);
	post(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(outcome.status, status);
	assert_string_equal(outcome.body, "no");
	assert_true(outcome.sent);
	assert_int_equal(fixture->time.passed, 0);
	assert_sent_once(fixture);
}

static void test_408_is_the_answer(void **state)
{
	assert_status_is_the_answer(*state, STATUS("408 Request Timeout"), 408);
}

static void test_429_is_the_answer(void **state)
{
	assert_status_is_the_answer(*state,
				    "HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\n"
				    "Content-Length: 2\r\n\r\nno",
				    429);
}

static void test_500_is_the_answer(void **state)
{
	assert_status_is_the_answer(*state, STATUS("500 Oops"), 500);
}

static void test_503_is_the_answer(void **state)
{
	assert_status_is_the_answer(*state, STATUS("503 Busy"), 503);
}

static void test_a_redirect_is_the_answer(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	answer_with(fixture, "HTTP/1.1 307 There\r\nLocation: %s/y\r\nContent-Length: 0\r\n\r\n",
		    fixture->url);
	post(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.status, 307);
	assert_sent_once(fixture);
}

static void assert_broken_after_it_was_sent(struct fixture *fixture, enum fate fate)
{
	struct outcome outcome = {0};

	fixture->next_fate = fate;
	post(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_BROKEN);
	assert_true(outcome.sent);
	assert_sent_once(fixture);
}

static void test_a_connection_that_is_closed_breaks_it(void **state)
{
	assert_broken_after_it_was_sent(*state, HANGS_UP);
}

static void test_a_connection_that_is_reset_breaks_it(void **state)
{
	assert_broken_after_it_was_sent(*state, RESETS);
}

static void test_half_an_answer_breaks_it(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	answer_with(fixture, "HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{\"restore");
	post(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_BROKEN);
	assert_true(outcome.sent);
	assert_sent_once(fixture);
}

/* --- not sent ------------------------------------------------------------------------------ */

static void test_refused_connection_is_not_sent(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	pfs_loop_remove_fd(fixture->loop, fixture->listener);
	close(fixture->listener);
	post(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_CONNECT);
	assert_false(outcome.sent);
	assert_int_equal(fixture->stats.attempts, 1);
	assert_int_equal(fixture->time.passed, 0);
	fixture->listener = dup(0); /* for the teardown to close */
}

static void test_host_without_an_address_is_not_sent(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	/* No label may have more than 63 characters: no resolver is asked for this. */
	snprintf(fixture->url, sizeof(fixture->url), "http://%070d.invalid/x", 0);
	post(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_RESOLVE);
	assert_false(outcome.sent);
	assert_int_equal(fixture->stats.attempts, 1);
}

static void test_deadline_in_the_queue_is_not_sent(void **state)
{
	struct pfs_http_config config = http_fixture_config;
	struct fixture *fixture = *state;
	struct outcome first = {0}, outcome = {0};
	struct pfs_http_request *request;

	config.burst = 1;
	config.rate = 1;
	configure(fixture, &config);
	get(fixture, &first, TIMEOUT);
	finish(fixture, &first);
	assert_int_equal(post_within(fixture, "{}", &outcome, PFS_SECOND / 2, &request), 0);
	turn_until(fixture, "queued");
	assert_false(pfs_http_is_sent(request));
	pass(fixture, PFS_SECOND / 2);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.outcome, PFS_HTTP_TIMEOUT);
	assert_non_null(strstr(outcome.text, "--max-rate"));
	assert_false(outcome.sent);
	pass(fixture, TIMEOUT);
	assert_int_equal(fixture->requests, 1);
}

static void test_cancelled_in_the_queue_is_not_sent(void **state)
{
	struct pfs_http_config config = http_fixture_config;
	struct fixture *fixture = *state;
	struct outcome first = {0}, outcome = {0}, last = {0};
	struct pfs_http_request *request;

	config.burst = 1;
	config.rate = 1;
	configure(fixture, &config);
	get(fixture, &first, TIMEOUT);
	finish(fixture, &first);
	assert_int_equal(post_within(fixture, "{}", &outcome, TIMEOUT, &request), 0);
	pfs_http_cancel(request);
	pass(fixture, 2 * PFS_SECOND);
	get(fixture, &last, TIMEOUT);
	finish(fixture, &last);
	assert_int_equal(outcome.calls, 0);
	assert_int_equal(fixture->requests, 2);
}

static void test_full_queue_refuses_it(void **state)
{
	struct pfs_http_config config = http_fixture_config;
	struct fixture *fixture = *state;
	struct outcome outcome = {0};
	struct pfs_http_request *request;

	config.max_queued = 0;
	configure(fixture, &config);
	assert_int_equal(post_within(fixture, "{}", &outcome, TIMEOUT, &request), -EBUSY);
	assert_int_equal(under_way(fixture), 0);
}

/* --- its connection ------------------------------------------------------------------------ */

static void test_it_has_a_connection_that_nobody_used_and_nobody_uses_after_it(void **state)
{
	struct fixture *fixture = *state;
	struct outcome before = {0}, outcome = {0}, second = {0}, after = {0};

	get(fixture, &before, TIMEOUT);
	finish(fixture, &before);
	assert_int_equal(fixture->accepted, 1);
	post(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(fixture->accepted, 2);
	while (fixture->connection_count > 1) /* it is closed */
		turn(fixture);
	post(fixture, &second, TIMEOUT);
	finish(fixture, &second);
	assert_int_equal(fixture->accepted, 3);
	get(fixture, &after, TIMEOUT);
	finish(fixture, &after);
	assert_int_equal(fixture->accepted, 3);
	assert_memory_equal(fixture->request, "GET /x", 6);
	assert_null(strstr(fixture->request, "Content-Length"));
	assert_int_equal(fixture->requests, 4);
}

/* Each idle connection hangs up as soon as it is used: it must meet none of them. */
static void test_dead_idle_connections_cost_it_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct outcome gets[3] = {0}, outcome = {0};

	for (size_t i = 0; i < COUNT(gets); i++)
		get(fixture, &gets[i], TIMEOUT);
	for (size_t i = 0; i < COUNT(gets); i++)
		finish(fixture, &gets[i]);
	set_fate(fixture, HANGS_UP);
	post(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->requests, 4);
	assert_int_equal(fixture->stats.attempts, 4);
}

static void test_a_get_beside_it_has_another_connection(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0}, beside = {0};

	fixture->next_fate = IS_SILENT;
	post(fixture, &outcome, TIMEOUT);
	while (!fixture->requests)
		turn(fixture);
	fixture->next_fate = ANSWERS;
	get(fixture, &beside, TIMEOUT);
	finish(fixture, &beside);
	assert_int_equal(beside.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->accepted, 2);
	assert_int_equal(outcome.calls, 0);
}

static void test_reconnect_leaves_it_where_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->next_fate = IS_SILENT;
	post(fixture, &outcome, TIMEOUT);
	while (!fixture->requests)
		turn(fixture);
	pfs_http_reconnect(fixture->http);
	assert_int_equal(outcome.calls, 0);
	assert_int_equal(send(fixture->connections[0].fd, OK_ANSWER, strlen(OK_ANSWER), 0),
			 strlen(OK_ANSWER));
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_sent_once(fixture);
}

/* We ourselves keep it from a connection of before: so it wasn't sent, and goes on another. */
static void test_reconnect_before_it_is_sent_has_it_sent_on_another(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};
	struct pfs_http_request *request;

	assert_int_equal(post_within(fixture, "{}", &outcome, TIMEOUT, &request), 0);
	while (TAILQ_EMPTY(&fixture->http->connections))
		turn(fixture);
	assert_false(pfs_http_is_sent(request));
	pfs_http_reconnect(fixture->http);
	while (fixture->accepted < 2) {
		assert_false(pfs_http_is_sent(request));
		turn(fixture);
	}
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->accepted, 2);
	assert_sent_once(fixture);
}

/* Another's deadline on its own dead connection. */
static void test_the_timeout_of_another_leaves_it_where_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0}, late = {0};

	fixture->next_fate = IS_SILENT;
	post(fixture, &outcome, 2 * TIMEOUT);
	while (fixture->requests < 1)
		turn(fixture);
	get(fixture, &late, TIMEOUT);
	while (fixture->requests < 2)
		turn(fixture);
	pass(fixture, TIMEOUT);
	assert_int_equal(late.outcome, PFS_HTTP_TIMEOUT);
	assert_int_equal(outcome.calls, 0);
	assert_int_equal(send(fixture->connections[0].fd, OK_ANSWER, strlen(OK_ANSWER), 0),
			 strlen(OK_ANSWER));
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->requests, 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_post_sends_its_body_and_headers),
		TEST(test_is_sent_from_the_moment_at_which_the_server_may_have_it),
		TEST(test_408_is_the_answer),
		TEST(test_429_is_the_answer),
		TEST(test_500_is_the_answer),
		TEST(test_503_is_the_answer),
		TEST(test_a_redirect_is_the_answer),
		TEST(test_a_connection_that_is_closed_breaks_it),
		TEST(test_a_connection_that_is_reset_breaks_it),
		TEST(test_half_an_answer_breaks_it),
		TEST(test_refused_connection_is_not_sent),
		TEST(test_host_without_an_address_is_not_sent),
		TEST(test_deadline_in_the_queue_is_not_sent),
		TEST(test_cancelled_in_the_queue_is_not_sent),
		TEST(test_full_queue_refuses_it),
		TEST(test_it_has_a_connection_that_nobody_used_and_nobody_uses_after_it),
		TEST(test_dead_idle_connections_cost_it_nothing),
		TEST(test_a_get_beside_it_has_another_connection),
		TEST(test_reconnect_leaves_it_where_it_is),
		TEST(test_reconnect_before_it_is_sent_has_it_sent_on_another),
		TEST(test_the_timeout_of_another_leaves_it_where_it_is),
	};

	return cmocka_run_group_tests_name("http_post", tests, NULL, NULL);
}
