/* SPDX-License-Identifier: MIT */
/* What counts as an answer, and what is taken from it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api_fixture.h"

/* --- a describe's answer ------------------------------------------------------------------- */

static void test_describe_gives_the_bytes_as_sent(void **state)
{
	static const char body[] = " {\"status\" :\"Pending\",\n\"restore_job_id\":\"a\","
				   "\"percent_complete\":1e2,\"x\":{\"y\":[ ]}}\n";
	struct fixture *fixture = *state;

	describe(fixture, "a");
	answer_with(fixture, 200, body);
	assert_int_equal(fixture->outcome.calls, 1);
	assert_int_equal(fixture->outcome.error, 0);
	assert_int_equal(fixture->outcome.status, 200);
	assert_string_equal(fixture->outcome.text, "");
	assert_int_equal(fixture->outcome.length, strlen(body));
	assert_string_equal(fixture->outcome.object, body);
	assert_int_equal(fixture->outcome.sent_at, FAKE_START);
	assert_int_equal(fixture->stats.answers[2], 1);
}

static void test_describe_what_is_not_the_object_is_no_answer(void **state)
{
	static const struct {
		const char *body;
		int error;
	} rows[] = {
		{"{\"restore_job_id\":\"b\"}", -EIO},
		{"{\"restore_job_id\":\"A\"}", -EIO},
		{"{\"restore_job_id\":null}", -EIO},
		{"{\"restore_job_id\":7}", -EIO},
		{"{\"restore_job_id\":\"a\",\"restore_job_id\":\"b\"}", -EIO},
		{"{}", -EIO},
		{"[{\"restore_job_id\":\"a\"}]", -EIO},
		{"{\"restore_job_id\":\"a\"", -EIO},
		{"{\"restore_job_id\":\"a\"}x", -EIO},
		{"{\"restore_job_id\":\"a\\u0000\"}", -EIO},
		{"\"a\"", -EIO},
		{"null", -EIO},
		{"", -EIO},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		describe(fixture, "a");
		answer_with(fixture, 200, rows[i].body);
		if (fixture->outcome.error != rows[i].error)
			fail_msg("%s: %d", rows[i].body, fixture->outcome.error);
		assert_int_equal(fixture->outcome.status, 200);
		assert_string_not_equal(fixture->outcome.text, "");
	}
}

static void test_describe_too_deep_or_too_many_values_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char *body = malloc(600000);

	assert_non_null(body);
	strcpy(body, "{\"restore_job_id\":\"a\",\"x\":");
	memset(body + strlen(body) + 1, 0, 200);
	for (int i = 0; i < 64; i++)
		strcat(body, "[");
	for (int i = 0; i < 64; i++)
		strcat(body, "]");
	strcat(body, "}");
	describe(fixture, "a");
	answer_with(fixture, 200, body);
	assert_int_equal(fixture->outcome.error, -EIO);
	strcpy(body, "{\"restore_job_id\":\"a\",\"x\":[0");
	for (char *at = body + strlen(body), *end = body + 599990; at < end; at += 2)
		memcpy(at, ",0", 3);
	strcat(body, "]}");
	describe(fixture, "a");
	answer_with(fixture, 200, body);
	assert_int_equal(fixture->outcome.error, -EFBIG);
	free(body);
}

static void test_describe_failed_passes_on_what_the_server_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_http_answer made = http_answer(429, "slow down");

	made.retry_after = 7 * PFS_SECOND;
	made.sent_at = FAKE_START + 5;
	describe(fixture, "a");
	answer(fixture, &made);
	assert_int_equal(fixture->outcome.error, -EBUSY);
	assert_int_equal(fixture->outcome.retry_after, 7 * PFS_SECOND);
	assert_string_equal(fixture->outcome.text, "429: slow down (Retry-After: 7 s)");
	assert_int_equal(fixture->outcome.sent_at, FAKE_START + 5);
	assert_int_equal(fixture->stats.answers[4], 1);
}

/* --- a page's answer ----------------------------------------------------------------------- */

static void test_page_gives_each_row_as_sent(void **state)
{
	struct fixture *fixture = *state;

	list(fixture, NULL);
	answer_with(fixture, 200,
		    "{\"data\":[ {\"restore_job_id\":\"a\",\"x\" : 1e2} ,"
		    "{\"x\":\"]}\",\"restore_job_id\":\"b\"}, "
		    "{\"restore_job_id\":\"a\"}],\"pagination\":{\"next\":\"to\\u006ben\"}}");
	assert_int_equal(fixture->outcome.error, 0);
	assert_string_equal(fixture->outcome.rows, "a={\"restore_job_id\":\"a\",\"x\" : 1e2};"
						   "b={\"x\":\"]}\",\"restore_job_id\":\"b\"};"
						   "a={\"restore_job_id\":\"a\"};");
	assert_string_equal(fixture->outcome.next, "token");
	assert_int_equal(fixture->stats.rows_refused, 0);
}

static void test_page_rows_that_cannot_be_read_are_refused(void **state)
{
	struct fixture *fixture = *state;

	list(fixture, NULL);
	answer_with(fixture, 200,
		    "{\"data\":[{\"restore_job_id\":\"a\",\"x\" 1},"
		    "{\"restore_job_id\":\"b\",\"x\":\"\\u0000\"},"
		    "{\"restore_job_id\":\"c\",\"x\":\"\\ud800\"},{\"restore_job_id\":\"d\"}]}");
	assert_int_equal(fixture->outcome.error, 0);
	assert_string_equal(fixture->outcome.rows, "d={\"restore_job_id\":\"d\"};");
	assert_int_equal(fixture->stats.rows_refused, 3);
}

static void test_page_row_that_is_too_deep_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char body[400] = "{\"data\":[{\"restore_job_id\":\"a\",\"x\":", *at = strchr(body, '\0');

	list(fixture, NULL);
	memset(at, '[', 64);
	memset(at + 64, ']', 64);
	strcpy(at + 128, "},{\"restore_job_id\":\"b\"}]}");
	answer_with(fixture, 200, body);
	assert_int_equal(fixture->outcome.error, 0);
	assert_string_equal(fixture->outcome.rows, "b={\"restore_job_id\":\"b\"};");
	assert_int_equal(fixture->stats.rows_refused, 1);
}

static void test_page_rows_without_usable_id_are_refused(void **state)
{
	struct fixture *fixture = *state;

	list(fixture, NULL);
	answer_with(fixture, 200,
		    "{\"data\":[{\"restore_job_id\":\"..\"},{\"restore_job_id\":\"a/b\"},{},7,null,"
		    "{\"restore_job_id\":null},{\"restore_job_id\":\".hidden\"},[],\"a\","
		    "{\"restore_job_id\":\"\"},{\"restore_job_id\":\"ok\"}]}");
	assert_int_equal(fixture->outcome.error, 0);
	assert_string_equal(fixture->outcome.rows, "ok={\"restore_job_id\":\"ok\"};");
	assert_int_equal(fixture->stats.rows_refused, 10);
}

static void test_page_each_pagination_as_in_table(void **state)
{
	static const struct {
		const char *body;
		int error;
		const char *next; /* "": the end */
	} rows[] = {
		{"{\"data\":[]}", 0, ""},
		{"{\"data\":[],\"pagination\":null}", 0, ""},
		{"{\"data\":[],\"pagination\":{}}", 0, ""},
		{"{\"data\":[],\"pagination\":{\"next\":null}}", 0, ""},
		{"{\"data\":[],\"pagination\":{\"next\":\"\"}}", 0, ""},
		{"{\"pagination\":{\"next\":\"t\"},\"data\":[]}", 0, "t"},
		{"{\"data\":[],\"pagination\":{\"next\":7}}", -EIO, ""},
		{"{\"data\":[],\"pagination\":{\"next\":{}}}", -EIO, ""},
		{"{\"data\":[],\"pagination\":[]}", -EIO, ""},
		{"{\"data\":[],\"pagination\":\"t\"}", -EIO, ""},
		/* An empty list must be one: */
		{"{}", -EIO, ""},
		{"{\"data\":null}", -EIO, ""},
		{"{\"data\":{}}", -EIO, ""},
		{"{\"data\":\"\"}", -EIO, ""},
		{"[]", -EIO, ""},
		{"", -EIO, ""},
		{"{\"data\":[]", -EIO, ""},
		{"{\"data\":[{]}", -EIO, ""},
		{"{\"data\":[{\"a\" 1}]}", -EIO, ""},
		{"{\"data\":[{},null]}", -EIO, ""},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		list(fixture, NULL);
		answer_with(fixture, 200, rows[i].body);
		if (fixture->outcome.error != rows[i].error ||
		    strcmp(fixture->outcome.next, rows[i].next) != 0)
			fail_msg("%s: %d %s", rows[i].body, fixture->outcome.error,
				 fixture->outcome.next);
		assert_int_equal(fixture->outcome.row_count, 0);
	}
}

static void test_page_of_many_rows_keeps_their_order(void **state)
{
	struct fixture *fixture = *state;
	char body[20000] = "{\"data\":[";

	for (int i = 0; i < 300; i++)
		sprintf(body + strlen(body), "%s{\"restore_job_id\":\"%d\"}", i ? "," : "", i);
	strcat(body, "]}");
	list(fixture, NULL);
	answer_with(fixture, 200, body);
	assert_int_equal(fixture->outcome.row_count, 300);
	assert_memory_equal(fixture->outcome.rows, "0={\"restore_job_id\":\"0\"};1=", 26);
}

/* --- rotation of the key ------------------------------------------------------------------- */

static void write_key(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_rejected_key_is_read_again_and_tried_once(void **state)
{
	struct fixture *fixture = *state;
	char directory[] = "/tmp/pinefs-api-XXXXXX", path[100], text[200];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/key", directory);
	write_key(path, "pcsk_old");
	assert_int_equal(pfs_key_load(&fixture->key, path, text, sizeof(text)), 0);

	describe(fixture, "a");
	assert_true(was_sent(fixture, "Api-Key: pcsk_old"));
	answer_with(fixture, 401, "Invalid API key"); /* the file has nothing new */
	assert_int_equal(fixture->outcome.error, -EACCES);
	assert_int_equal(fixture->http.asked, 1);

	write_key(path, "pcsk_new");
	describe(fixture, "a");
	answer_with(fixture, 401, "Invalid API key");
	assert_int_equal(fixture->outcome.calls, 0);
	assert_int_equal(fixture->http.asked, 3);
	assert_true(was_sent(fixture, "Api-Key: pcsk_new"));
	answer_with(fixture, 200, "{\"restore_job_id\":\"a\"}");
	assert_int_equal(fixture->outcome.error, 0);
	assert_int_equal(fixture->stats.key_reloads, 1);

	describe(fixture, "a");
	answer_with(fixture, 401, "Invalid API key"); /* no better, and no third try */
	assert_int_equal(fixture->outcome.error, -EACCES);
	assert_int_equal(fixture->http.asked, 4);
	unlink(path);
	rmdir(directory);
}

static void test_rejected_key_that_another_call_replaced_is_tried_anew(void **state)
{
	struct fixture *fixture = *state;
	const struct pfs_http_answer rejected = http_answer(401, "Invalid API key");
	char directory[] = "/tmp/pinefs-api-XXXXXX", path[100], text[200];
	struct pfs_http_request first;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/key", directory);
	write_key(path, "pcsk_old");
	assert_int_equal(pfs_key_load(&fixture->key, path, text, sizeof(text)), 0);
	write_key(path, "pcsk_new");

	describe(fixture, "a");
	first = fixture->http.request; /* stays under way, while another comes back first */
	fixture->http.request.under_way = false;
	describe(fixture, "a");
	answer(fixture, &rejected);
	answer_with(fixture, 200, "{\"restore_job_id\":\"a\"}");
	assert_int_equal(fixture->outcome.calls, 1);
	first.done(first.arg, &rejected);
	assert_int_equal(fixture->outcome.calls, 1);
	assert_true(was_sent(fixture, "Api-Key: pcsk_new"));
	answer_with(fixture, 200, "{\"restore_job_id\":\"a\"}");
	assert_int_equal(fixture->outcome.calls, 2);
	assert_int_equal(fixture->outcome.error, 0);
	assert_int_equal(fixture->stats.key_reloads, 1);
	unlink(path);
	rmdir(directory);
}

/* As on SIGHUP: then the file has nothing new for the call that comes back with the old key. */
static void test_rejected_key_that_was_reloaded_meanwhile_is_tried_anew(void **state)
{
	struct fixture *fixture = *state;
	char directory[] = "/tmp/pinefs-api-XXXXXX", path[100], text[200];

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/key", directory);
	write_key(path, "pcsk_old");
	assert_int_equal(pfs_key_load(&fixture->key, path, text, sizeof(text)), 0);
	describe(fixture, "a");
	write_key(path, "pcsk_new");
	assert_int_equal(pfs_key_reload(&fixture->key), 1);
	answer_with(fixture, 401, "Invalid API key");
	assert_int_equal(fixture->outcome.calls, 0);
	assert_true(was_sent(fixture, "Api-Key: pcsk_new"));
	answer_with(fixture, 200, "{\"restore_job_id\":\"a\"}");
	assert_int_equal(fixture->outcome.error, 0);
	unlink(path);
	rmdir(directory);
}

/* --- does the API answer well? ------------------------------------------------------------- */

static void test_health_each_answer_as_in_table(void **state)
{
	static const struct {
		int status;
		const char *body;
		bool is_well;
	} rows[] = {
		{200, "{\"restore_job_id\":\"a\"}", true},
		{200, "<html>Sign in to the network</html>", false},
		{200, "{\"restore_job_id\":\"b\"}", false},
		{302, "", false},
		{400, "", true},
		{401, "", false},
		{403, "", true},
		{404, "", true},
		{408, "", false},
		{409, "", true},
		{429, "", false},
		{500, "", false},
		{503, "", false},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		describe(fixture, "a");
		answer_with(fixture, rows[i].status, rows[i].body);
		if (!*fixture->stats.failing != rows[i].is_well)
			fail_msg("%d %s: '%s'", rows[i].status, rows[i].body,
				 fixture->stats.failing);
	}
	assert_int_equal(fixture->stats.durations[PFS_ENDPOINT_DESCRIBE].counts[0], COUNT(rows));
	assert_int_equal(fixture->stats.durations[PFS_ENDPOINT_LIST].counts[0], 0);
	list(fixture, NULL);
	answer_with(fixture, 200, "{}");
	assert_string_not_equal(fixture->stats.failing, "");
	list(fixture, NULL);
	answer_with(fixture, 200, "{\"data\":[]}");
	assert_string_equal(fixture->stats.failing, "");
	assert_int_equal(fixture->stats.durations[PFS_ENDPOINT_LIST].counts[0], 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_describe_gives_the_bytes_as_sent),
		TEST(test_describe_what_is_not_the_object_is_no_answer),
		TEST(test_describe_too_deep_or_too_many_values_is_refused),
		TEST(test_describe_failed_passes_on_what_the_server_asked_for),
		TEST(test_page_gives_each_row_as_sent),
		TEST(test_page_rows_that_cannot_be_read_are_refused),
		TEST(test_page_row_that_is_too_deep_is_refused),
		TEST(test_page_rows_without_usable_id_are_refused),
		TEST(test_page_each_pagination_as_in_table),
		TEST(test_page_of_many_rows_keeps_their_order),
		TEST(test_rejected_key_is_read_again_and_tried_once),
		TEST(test_rejected_key_that_another_call_replaced_is_tried_anew),
		TEST(test_rejected_key_that_was_reloaded_meanwhile_is_tried_anew),
		TEST(test_health_each_answer_as_in_table),
	};

	return cmocka_run_group_tests_name("api_answer", tests, NULL, NULL);
}
