/* SPDX-License-Identifier: MIT */
/* As test_memory.c, for the api room, on its own fake of http. */
#include <errno.h>
#include <string.h>

#include "api_fixture.h"
#include "short_memory.h"

#define OBJECT "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}"
#define PAGE   "{\"data\":[" OBJECT "," OBJECT ",7],\"pagination\":{\"next\":\"token\"}}"

static void assert_short(int error)
{
	assert_int_equal(error, -ENOMEM);
	assert_true(short_memory_struck());
}

static void ask_and_answer(struct fixture *fixture, const char *id, int status, const char *body)
{
	int error = id ? pfs_api_describe(fixture->api, fixture->kind, id, INT64_MAX, on_done,
					  &fixture->outcome, &fixture->call)
		       : pfs_api_list(fixture->api, fixture->kind, "token", 100, INT64_MAX, on_done,
				      &fixture->outcome, &fixture->call);

	fixture->outcome = (struct outcome){0};
	fixture->stats.rows_refused = 0;
	if (error) {
		assert_short(error);
		assert_false(fixture->http.request.under_way);
		return;
	}
	answer_with(fixture, status, body);
	assert_int_equal(fixture->outcome.calls, 1);
	if (status != 200) {
		assert_int_equal(fixture->outcome.error, -EIO);
		assert_string_not_equal(fixture->outcome.text, "");
	} else if (fixture->outcome.error) {
		assert_short(fixture->outcome.error);
	} else if (id) {
		assert_string_equal(fixture->outcome.object, body);
	} else {
		assert_string_equal(fixture->outcome.next, "token");
		/* Only a row that can't be shown is left out. */
		assert_int_equal(fixture->stats.rows_refused, 1);
		assert_string_equal(fixture->outcome.rows, "a=" OBJECT ";a=" OBJECT ";");
	}
}

static void live_through(void *arg)
{
	struct fixture *fixture = arg;
	char text[200];
	int error = create_api(fixture, "{\"X-A\":\"b\",\"X-C\":\"d\"}", text, sizeof(text));

	if (error) {
		assert_short(error);
		return;
	}
	ask_and_answer(fixture, "a", 200, OBJECT);
	ask_and_answer(fixture, NULL, 200, PAGE);
	ask_and_answer(fixture, "a", 500, "{\"error\":{\"message\":\"it failed\"}}");
	pfs_api_destroy(fixture->api);
	fixture->api = NULL;
	forget_headers(&fixture->http.request);
}

static void test_memory_short_in_api(void **state)
{
	struct fixture *fixture = *state;

	pfs_api_destroy(fixture->api);
	fixture->api = NULL; /* so that a test that fails isn't torn down twice */
	forget_headers(&fixture->http.request);
	short_memory_run(live_through, fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory_short_in_api, setup, teardown),
	};

	return cmocka_run_group_tests_name("memory_api", tests, NULL, NULL);
}
