/* SPDX-License-Identifier: MIT */
/* What becomes of connections that can't be trusted any more. HTTP/2 is for tests/weather/tls. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/http.h"
#include "http_fixture.h"

#define TIMEOUT (30 * PFS_SECOND)

/* So many connections that nobody is on. */
static void make_idle(struct fixture *fixture, size_t count)
{
	struct outcome outcomes[4] = {0};

	assert_true(count <= COUNT(outcomes));
	for (size_t i = 0; i < count; i++)
		get(fixture, &outcomes[i], TIMEOUT);
	for (size_t i = 0; i < count; i++)
		finish(fixture, &outcomes[i]);
	assert_int_equal(fixture->accepted, count);
	assert_int_equal(fixture->connection_count, count);
}

/* Until the server has been asked so many times. */
static void turn_until_asked(struct fixture *fixture, size_t requests)
{
	while (fixture->requests < requests)
		turn(fixture);
	assert_int_equal(fixture->requests, requests);
}

static void test_after_a_timeout_no_idle_connection_is_used(void **state)
{
	struct fixture *fixture = *state;
	struct outcome late = {0}, good = {0};

	make_idle(fixture, 4);
	set_fate(fixture, IS_SILENT);
	get(fixture, &late, TIMEOUT);
	turn_until_asked(fixture, 5);
	pass(fixture, TIMEOUT);
	assert_int_equal(late.calls, 1);
	assert_int_equal(late.outcome, PFS_HTTP_TIMEOUT);
	get(fixture, &good, TIMEOUT);
	turn_until_asked(fixture, 6);
	finish(fixture, &good);
	assert_int_equal(good.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->accepted, 5);
	/* All ends of ours are closed, but for the last. */
	while (fixture->connection_count > 1)
		turn(fixture);
}

static void test_after_a_timeout_others_under_way_go_on(void **state)
{
	struct fixture *fixture = *state;
	struct outcome late = {0}, slow = {0};

	make_idle(fixture, 2);
	set_fate(fixture, IS_SILENT);
	get(fixture, &late, TIMEOUT);
	get(fixture, &slow, 2 * TIMEOUT);
	turn_until_asked(fixture, 4);
	pass(fixture, TIMEOUT);
	assert_int_equal(late.calls, 1);
	while (fixture->connection_count > 1) /* that of the late one goes */
		turn(fixture);
	assert_int_equal(send(fixture->connections[0].fd, OK_ANSWER, strlen(OK_ANSWER), 0),
			 strlen(OK_ANSWER));
	finish(fixture, &slow);
	assert_int_equal(slow.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->requests, 4);
}

static void test_one_that_waits_for_the_budget_until_its_deadline_costs_no_connection(void **state)
{
	struct pfs_http_config config = http_fixture_config;
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	config.burst = 1;
	config.rate = 1;
	configure(fixture, &config);
	make_idle(fixture, 1);
	get(fixture, &outcome, PFS_SECOND / 2);
	pass(fixture, PFS_SECOND / 2);
	assert_int_equal(outcome.outcome, PFS_HTTP_TIMEOUT);
	assert_non_null(strstr(outcome.text, "--max-rate"));
	pass(fixture, PFS_SECOND);
	outcome = (struct outcome){0};
	get(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(fixture->accepted, 1);
}

static void test_many_dead_connections_cost_one_more_attempt(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	make_idle(fixture, 4);
	set_fate(fixture, HANGS_UP);
	get(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->requests, 4 + 2);
	assert_int_equal(fixture->stats.attempts, 4 + 2);
	assert_int_equal(fixture->time.passed, 0); /* nor a pause: it says nothing of the API */
	assert_int_equal(fixture->accepted, 5);
}

static void test_reconnect_leaves_no_idle_connection(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	make_idle(fixture, 4);
	set_fate(fixture, IS_SILENT);
	pfs_http_reconnect(fixture->http);
	while (fixture->connection_count)
		turn(fixture);
	get(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->stats.attempts, 4 + 1);
	/* And what was made after that is kept. */
	outcome = (struct outcome){0};
	get(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(fixture->accepted, 5);
}

static void test_reconnect_asks_once_more_for_what_is_under_way(void **state)
{
	static const char *const nothing[] = {NULL}, *const ok[] = {OK_ANSWER, NULL};
	struct fixture *fixture = *state;
	struct outcome outcomes[3] = {0};

	fixture->answers = nothing;
	for (size_t i = 0; i < COUNT(outcomes); i++)
		get(fixture, &outcomes[i], TIMEOUT);
	turn_until_asked(fixture, 3);
	fixture->answers = ok;
	pfs_http_reconnect(fixture->http);
	for (size_t i = 0; i < COUNT(outcomes); i++) {
		finish(fixture, &outcomes[i]);
		assert_int_equal(outcomes[i].outcome, PFS_HTTP_ANSWERED);
	}
	assert_int_equal(fixture->time.passed, 0);
	assert_int_equal(fixture->requests, 3 + 3);
	assert_int_equal(fixture->stats.retries, 3);
	assert_int_equal(fixture->accepted, 3 + 3);
}

static void test_reconnect_again_and_again_lets_a_slow_answer_come(void **state)
{
	static const char *const nothing[] = {NULL};
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	fixture->answers = nothing;
	get(fixture, &outcome, TIMEOUT);
	turn_until_asked(fixture, 1);
	pfs_http_reconnect(fixture->http);
	turn_until_asked(fixture, 2);
	for (int i = 0; i < 5; i++) {
		pfs_http_reconnect(fixture->http);
		pass(fixture, PFS_SECOND);
	}
	assert_int_equal(fixture->requests, 2);
	while (fixture->connection_count > 1)
		turn(fixture);
	answer_with(fixture, OK_ANSWER);
	assert_int_equal(send(fixture->connections[0].fd, OK_ANSWER, strlen(OK_ANSWER), 0),
			 strlen(OK_ANSWER));
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	/* Its connection is an old one: closed now that nobody is on it. */
	while (fixture->connection_count)
		turn(fixture);
	outcome = (struct outcome){0};
	get(fixture, &outcome, TIMEOUT);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->requests, 3);
	assert_int_equal(fixture->accepted, 3);
}

/* Three attempts are answered BUSY; the fourth goes out on their connection, which has this fate.
 */
static void get_to_last_attempt(struct fixture *fixture, struct outcome *outcome, enum fate fate)
{
	static const char *const answers[] = {BUSY, NULL};

	fixture->answers = answers;
	get(fixture, outcome, TIMEOUT);
	for (int i = 0; i < 3; i++) {
		turn_until(fixture, "backing off");
		if (i == 2)
			set_fate(fixture, fate);
		pass(fixture, PFS_SECOND);
	}
}

static void test_reconnect_leaves_a_last_attempt_alone(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	get_to_last_attempt(fixture, &outcome, IS_SILENT);
	turn_until_asked(fixture, 4);
	pfs_http_reconnect(fixture->http);
	assert_int_equal(outcome.calls, 0);
	assert_int_equal(send(fixture->connections[0].fd, OK_ANSWER, strlen(OK_ANSWER), 0),
			 strlen(OK_ANSWER));
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->requests, 4);
}

/* Where the connection of a last attempt was dead already, what the API says is still its answer.
 */
static void test_last_attempt_on_a_dead_connection_is_made_on_another(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	get_to_last_attempt(fixture, &outcome, HANGS_UP);
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(outcome.status, 503);
	assert_true(fixture->accepted > 1);
	assert_int_equal(fixture->requests, 5); /* with the one that was lost */
}

static void test_reconnect_with_nothing_there_does_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	pfs_http_reconnect(fixture->http);
	get(fixture, &outcome, TIMEOUT);
	pfs_http_reconnect(fixture->http); /* before libcurl has opened anything */
	finish(fixture, &outcome);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_int_equal(fixture->requests, 1);
}

/* libcurl 7.88 does this with one that isn't connected yet. */
static void test_one_that_is_closed_without_a_word_is_forgotten(void **state)
{
	struct curl_sockaddr address = {.family = AF_INET, .socktype = SOCK_STREAM};
	struct fixture *fixture = *state;
	int fd = pfs_connection_open(fixture->http, CURLSOCKTYPE_IPCXN, &address);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(pfs_connection_open(fixture->http, CURLSOCKTYPE_IPCXN, &address), fd);
	assert_int_equal(pfs_connection_close(fixture->http, fd), 0);
	assert_true(TAILQ_EMPTY(&fixture->http->connections));
	/* The last of all is freed with the rest: the sanitizer sees to that. */
	assert_int_equal(pfs_connection_open(fixture->http, CURLSOCKTYPE_IPCXN, &address), fd);
	close(fd);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_after_a_timeout_no_idle_connection_is_used),
		TEST(test_after_a_timeout_others_under_way_go_on),
		TEST(test_one_that_waits_for_the_budget_until_its_deadline_costs_no_connection),
		TEST(test_many_dead_connections_cost_one_more_attempt),
		TEST(test_reconnect_leaves_no_idle_connection),
		TEST(test_reconnect_asks_once_more_for_what_is_under_way),
		TEST(test_reconnect_again_and_again_lets_a_slow_answer_come),
		TEST(test_reconnect_leaves_a_last_attempt_alone),
		TEST(test_last_attempt_on_a_dead_connection_is_made_on_another),
		TEST(test_reconnect_with_nothing_there_does_nothing),
		TEST(test_one_that_is_closed_without_a_word_is_forgotten),
	};

	return cmocka_run_group_tests_name("http_connection", tests, NULL, NULL);
}
