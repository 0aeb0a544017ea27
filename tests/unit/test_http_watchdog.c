/* SPDX-License-Identifier: MIT */
/* What http does about a request that it has forgotten: tests lose its timer, as a bug would. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/http.h"
#include "capture.h"
#include "http_fixture.h"

#define DEADLINE (30 * PFS_SECOND)

static const char *const silence[] = {NULL};

static struct pfs_http_request *get_and_forget(struct fixture *fixture, struct outcome *outcome)
{
	struct pfs_http_request *request;

	assert_int_equal(get_within(fixture, outcome, DEADLINE, &request), 0);
	pfs_timer_stop(fixture->loop, &request->timer);
	return request;
}

/* What was written to stderr meanwhile. */
static const char *pass_logged(struct fixture *fixture, int64_t ns, struct capture *capture)
{
	capture_begin(capture);
	pass(fixture, ns);
	return capture_end(capture);
}

static void test_forgotten_requests_are_answered_and_logged_once(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcomes[2] = {0};
	struct capture capture;
	const char *said;

	fixture->answers = silence;
	get_and_forget(fixture, &outcomes[0]);
	get_and_forget(fixture, &outcomes[1]);
	pass(fixture, DEADLINE + PFS_HTTP_OVERDUE - 1);
	assert_int_equal(outcomes[0].calls + outcomes[1].calls, 0);

	said = pass_logged(fixture, 1, &capture);
	for (size_t i = 0; i < COUNT(outcomes); i++) {
		assert_int_equal(outcomes[i].calls, 1);
		assert_int_equal(outcomes[i].outcome, PFS_HTTP_BROKEN);
		assert_non_null(strstr(outcomes[i].text, "a bug in pinefs"));
	}
	assert_int_equal(under_way(fixture), 0);
	assert_non_null(strstr(said, "outlived its deadline"));
	assert_string_equal(strchr(said, '\n'), "\n"); /* one line */
}

static void test_forgotten_request_is_seen_behind_one_that_is_well(void **state)
{
	struct fixture *fixture = *state;
	struct outcome well = {0}, forgotten = {0};
	struct pfs_http_request *request;
	struct capture capture;

	fixture->answers = silence;
	assert_int_equal(get_within(fixture, &well, 2 * DEADLINE, &request), 0);
	get_and_forget(fixture, &forgotten);
	(void)pass_logged(fixture, DEADLINE + PFS_HTTP_OVERDUE, &capture);
	assert_int_equal(forgotten.calls, 1);
	assert_int_equal(well.calls, 0);
	pass(fixture, DEADLINE);
	assert_int_equal(well.calls, 1);
	assert_int_equal(well.outcome, PFS_HTTP_TIMEOUT);
}

static void test_strict_aborts(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_http_config config = http_fixture_config;
	struct outcome outcome = {0};
	struct capture capture;
	pid_t child;
	int status;

	config.strict = true;
	configure(fixture, &config);
	fixture->answers = silence;
	get_and_forget(fixture, &outcome);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		(void)pass_logged(fixture, DEADLINE + PFS_HTTP_OVERDUE, &capture);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void test_strict_minds_nothing_that_ends_in_time(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_http_config config = http_fixture_config;
	struct outcome answered = {0}, late = {0};

	config.strict = true;
	configure(fixture, &config);
	get(fixture, &answered, DEADLINE);
	finish(fixture, &answered);
	fixture->answers = silence;
	get(fixture, &late, DEADLINE);
	pass(fixture, 3 * DEADLINE); /* a process that was stopped comes back so */
	assert_int_equal(late.outcome, PFS_HTTP_TIMEOUT);
}

static void test_nothing_under_way_is_not_watched(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	assert_false(fixture->http->watchdog.running);
	get(fixture, &outcome, DEADLINE);
	assert_true(fixture->http->watchdog.running);
	finish(fixture, &outcome);
	assert_false(fixture->http->watchdog.running);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forgotten_requests_are_answered_and_logged_once),
		TEST(test_forgotten_request_is_seen_behind_one_that_is_well),
		TEST(test_strict_aborts),
		TEST(test_strict_minds_nothing_that_ends_in_time),
		TEST(test_nothing_under_way_is_not_watched),
	};

	return cmocka_run_group_tests_name("http_watchdog", tests, NULL, NULL);
}
