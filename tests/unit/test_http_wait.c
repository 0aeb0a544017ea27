/* SPDX-License-Identifier: MIT */
/* How http waits where libcurl can't: it has no memory for what it would wait with. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

#include "http_fixture.h"

static unsigned refusals; /* so many times libcurl can't wait; counted down */

/* Comes before libcurl's own. */
CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd extra[], unsigned count, int timeout,
			  int *ret_ready)
{
	CURLMcode (*real)(CURLM *, struct curl_waitfd *, unsigned, int, int *);

	if (refusals) {
		refusals--;
		return CURLM_OUT_OF_MEMORY;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "curl_multi_poll");
	return real(multi, extra, count, timeout, ret_ready);
}

static void test_request_is_answered_although_libcurl_can_not_wait(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0};

	answer_with(fixture, OK_ANSWER);
	get(fixture, &outcome, 30 * PFS_SECOND);
	refusals = 3;
	finish(fixture, &outcome);
	assert_int_equal(refusals, 0);
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	/* And in all turns that it takes. */
	outcome = (struct outcome){0};
	refusals = UINT_MAX;
	get(fixture, &outcome, 30 * PFS_SECOND);
	finish(fixture, &outcome);
	refusals = 0;
	assert_int_equal(outcome.outcome, PFS_HTTP_ANSWERED);
	assert_string_equal(outcome.body, "ok");
}

static void on_readable(void *arg)
{
	*(bool *)arg = true;
}

static void test_descriptor_is_served_although_libcurl_can_not_wait(void **state)
{
	struct fixture *fixture = *state;
	bool readable = false;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pfs_loop_add_fd(fixture->loop, ends[0], on_readable, &readable), 0);
	refusals = 2;
	turn(fixture); /* nothing is there: it comes back to look at libcurl's transfers */
	assert_false(readable);
	assert_int_equal(write(ends[1], "x", 1), 1);
	turn(fixture);
	assert_true(readable);
	pfs_loop_remove_fd(fixture->loop, ends[0]);
	close(ends[0]);
	close(ends[1]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_request_is_answered_although_libcurl_can_not_wait),
		TEST(test_descriptor_is_served_although_libcurl_can_not_wait),
	};

	return cmocka_run_group_tests_name("http_wait", tests, NULL, NULL);
}
