/* SPDX-License-Identifier: MIT */
/* What is asked, and what a failure becomes. */
#include <errno.h>
#include <string.h>

#include "api_fixture.h"
#include "wiped.h"

/* --- the errno table ----------------------------------------------------------------------- */

static void test_errno_each_row_of_the_table(void **state)
{
	static const struct {
		enum pfs_http_outcome outcome;
		int status;
		int error;
	} rows[] = {
		{PFS_HTTP_ANSWERED, 200, 0},
		{PFS_HTTP_ANSWERED, 202, 0},
		{PFS_HTTP_ANSWERED, 299, 0},
		{PFS_HTTP_ANSWERED, 300, -EREMOTEIO},
		{PFS_HTTP_ANSWERED, 302, -EREMOTEIO},
		{PFS_HTTP_ANSWERED, 399, -EREMOTEIO},
		{PFS_HTTP_ANSWERED, 400, -EIO},
		{PFS_HTTP_ANSWERED, 401, -EACCES},
		{PFS_HTTP_ANSWERED, 402, -EIO},
		{PFS_HTTP_ANSWERED, 403, -EACCES},
		{PFS_HTTP_ANSWERED, 404, -ENOENT},
		{PFS_HTTP_ANSWERED, 405, -EIO},
		{PFS_HTTP_ANSWERED, 408, -ETIMEDOUT},
		{PFS_HTTP_ANSWERED, 409, -EIO},
		{PFS_HTTP_ANSWERED, 410, -EIO},
		{PFS_HTTP_ANSWERED, 412, -EIO},
		{PFS_HTTP_ANSWERED, 422, -EIO},
		{PFS_HTTP_ANSWERED, 429, -EBUSY},
		{PFS_HTTP_ANSWERED, 500, -EIO},
		{PFS_HTTP_ANSWERED, 501, -EIO},
		{PFS_HTTP_ANSWERED, 502, -EIO},
		{PFS_HTTP_ANSWERED, 503, -EIO},
		{PFS_HTTP_ANSWERED, 504, -EIO},
		{PFS_HTTP_ANSWERED, 599, -EIO},
		{PFS_HTTP_ANSWERED, 199, -EIO},
		{PFS_HTTP_ANSWERED, 0, -EIO},
		{PFS_HTTP_ANSWERED, 999, -EIO},
		{PFS_HTTP_RESOLVE, 0, -EHOSTUNREACH},
		{PFS_HTTP_CONNECT, 0, -EHOSTUNREACH},
		{PFS_HTTP_PROXY, 0, -EHOSTUNREACH},
		{PFS_HTTP_TLS, 0, -EPROTO},
		{PFS_HTTP_NO_TLS, 0, -EPROTO},
		{PFS_HTTP_TIMEOUT, 0, -ETIMEDOUT},
		{PFS_HTTP_TIMEOUT, 200, -ETIMEDOUT}, /* the answer had begun */
		{PFS_HTTP_BROKEN, 0, -EIO},
		{PFS_HTTP_BROKEN, 200, -EIO},
		{PFS_HTTP_TOO_LARGE, 200, -EFBIG},
		{PFS_HTTP_NO_MEMORY, 0, -ENOMEM},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (pfs_api_errno(rows[i].outcome, rows[i].status) != rows[i].error)
			fail_msg("%d %d: not %d", rows[i].outcome, rows[i].status, rows[i].error);
	}
}

/* --- the text of an error ------------------------------------------------------------------ */

static void test_error_text_each_body_as_in_table(void **state)
{
	static const struct {
		const char *body, *text;
	} rows[] = {
		{"{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"no such job\"},\"status\":404}",
		 "no such job"},
		{"{\"description\":\"4\",\"detail\":\"3\",\"message\":\"2\","
		 "\"error\":{\"message\":\"1\"}}",
		 "1"},
		{"{\"description\":\"4\",\"detail\":\"3\",\"message\":\"2\",\"error\":{}}", "2"},
		{"{\"description\":\"4\",\"detail\":\"3\",\"error\":{\"message\":\"\"}}", "3"},
		{"{\"description\":\"4\",\"detail\":[\"3\"],\"message\":null}", "4"},
		{"{\"error\":\"just words\"}", "just words"},
		{"{\"message\":\"\\u00fcber\"}", "\xc3\xbc"
						 "ber"},
		{"{\"code\":5}", "{\"code\":5}"},
		{"{\"error\":[1]}", "{\"error\":[1]}"},
		{"Invalid API key", "Invalid API key"},
		{"Invalid API key \r\n\n", "Invalid API key"},
		{"<html>bad gateway</html>", "<html>bad gateway</html>"},
		{"{\"message\":\"cut", "{\"message\":\"cut"},
		{"[{\"message\":\"in a list\"}]", "[{\"message\":\"in a list\"}]"},
		{"", ""},
		{" \n", ""},
	};
	char out[600];

	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(out, 'z', sizeof(out));
		assert_ptr_equal(
			pfs_api_error_text(rows[i].body, strlen(rows[i].body), out, sizeof(out)),
			out);
		if (strcmp(out, rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].body, out);
	}
}

static void test_error_text_is_cut_at_500_characters_and_at_its_size(void **state)
{
	char body[2000], out[600];

	memset(body, 'a', sizeof(body));
	pfs_api_error_text(body, sizeof(body), out, sizeof(out));
	assert_int_equal(strlen(out), 500);
	pfs_api_error_text(body, sizeof(body), out, 10);
	assert_string_equal(out, "aaaaaaaaa");
	memcpy(body, "{\"message\":\"", 12);
	memcpy(body + sizeof(body) - 2, "\"}", 2);
	pfs_api_error_text(body, sizeof(body), out, sizeof(out));
	assert_int_equal(strlen(out), 500);
	assert_int_equal(out[0], 'a');
}

static void test_error_text_cut_leaves_no_half_character(void **state)
{
	char body[1200], out[600];

	for (size_t i = 0; i < sizeof(body); i += 3)
		memcpy(body + i, "\xe2\x82\xac", 3); /* 500 is no multiple of 3 */
	pfs_api_error_text(body, sizeof(body), out, sizeof(out));
	assert_int_equal(strlen(out), 498);
	assert_memory_equal(out, body, 498);
}

static void test_error_text_of_a_failed_call_says_status_and_reason(void **state)
{
	static const struct {
		int status;
		const char *body, *rejected, *text;
	} rows[] = {
		{404, "{\"error\":{\"message\":\"no job\"}}", "", "404: no job"},
		{401, "Invalid API key", "no_such_key", "401: Invalid API key (no_such_key)"},
		{500, "", "", "500: Reason"},
		{302, "moved", "", "302: a redirect, which pinefs never follows"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pfs_http_answer made = http_answer(rows[i].status, rows[i].body);

		made.rejected = rows[i].rejected;
		describe(fixture, "a");
		answer(fixture, &made);
		assert_string_equal(fixture->outcome.text, rows[i].text);
		assert_string_equal(fixture->outcome.request_id, "req-1");
	}
}

static void test_failed_transport_is_told_in_its_own_words(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_http_answer made = http_answer(0, "");

	made.outcome = PFS_HTTP_RESOLVE;
	made.text = "Could not resolve host";
	describe(fixture, "a");
	answer(fixture, &made);
	assert_int_equal(fixture->outcome.error, -EHOSTUNREACH);
	assert_int_equal(fixture->outcome.status, 0);
	assert_string_equal(fixture->outcome.text, "Could not resolve host");
	assert_int_equal(fixture->stats.answers[0], 1);
}

/* --- questions ----------------------------------------------------------------------------- */

static void test_describe_asks_for_the_id_with_key_and_version(void **state)
{
	struct fixture *fixture = *state;

	describe(fixture, "a.b_c-9");
	assert_string_equal(fixture->http.request.url, "https://api.example/restore-jobs/a.b_c-9");
	assert_string_equal(fixture->http.request.label, "/restore-jobs/a.b_c-9");
	assert_true(was_sent(fixture, "Api-Key: pcsk_unit"));
	assert_true(was_sent(fixture, "X-Pinecone-Api-Version: 2025-10"));
	assert_true(was_sent(fixture, "Accept: application/json"));
	assert_int_equal(fixture->http.request.deadline, DEADLINE);
	assert_int_equal(fixture->stats.requests[PFS_ENDPOINT_DESCRIBE], 1);
	pfs_api_cancel(fixture->call);
	assert_int_equal(fixture->http.cancelled, 1);
	assert_int_equal(fixture->outcome.calls, 0);
}

static void test_list_asks_with_limit_or_token_but_never_both(void **state)
{
	struct fixture *fixture = *state;

	list(fixture, NULL);
	assert_string_equal(fixture->http.request.url,
			    "https://api.example/restore-jobs?limit=100");
	assert_string_equal(fixture->http.request.label, "/restore-jobs");
	pfs_api_cancel(fixture->call);
	list(fixture, "eyJ+/=&limit=1 \xc3\xbc");
	assert_string_equal(fixture->http.request.url,
			    "https://api.example/restore-jobs?paginationToken="
			    "eyJ%2B%2F%3D%26limit%3D1%20%C3%BC");
	pfs_api_cancel(fixture->call);
	assert_int_equal(fixture->stats.requests[PFS_ENDPOINT_LIST], 2);
	pfs_api_cancel(NULL);
}

static void test_question_that_can_not_be_sent_is_no_call(void **state)
{
	struct fixture *fixture = *state;

	fixture->http.refuse = -EBUSY;
	assert_int_equal(pfs_api_describe(fixture->api, fixture->kind, "a", DEADLINE, on_done,
					  &fixture->outcome, &fixture->call),
			 -EBUSY);
	assert_int_equal(fixture->stats.requests[PFS_ENDPOINT_DESCRIBE], 0);
	assert_int_equal(fixture->outcome.calls, 0);
}

static void test_key_in_headers_is_wiped_with_each_request(void **state)
{
	struct fixture *fixture = *state;

	wiped_begin("Api-Key: pcsk_unit");
	for (unsigned i = 1; i <= 2; i++) {
		describe(fixture, "a");
		assert_int_equal(wiped_count(), i);
		pfs_api_cancel(fixture->call);
	}
	fixture->http.refuse = -ENOMEM;
	assert_int_equal(pfs_api_describe(fixture->api, fixture->kind, "a", DEADLINE, on_done,
					  &fixture->outcome, &fixture->call),
			 -ENOMEM);
	assert_int_equal(wiped_count(), 3);
}

static void test_additional_headers_each_as_in_table(void **state)
{
	static const struct {
		const char *json;
		const char *header; /* NULL: refused; "": none */
	} rows[] = {
		{"{\"X-A\":\"b c\"}", "X-A: b c"},
		{"{}", ""},
		{"", ""},
		{"{\"a\":1}", NULL},
		{"{\"a\":null}", NULL},
		{"[\"a\"]", NULL},
		{"{\"a\":\"b\"", NULL},
		{"a: b", NULL},
		{"{\"a b\":\"c\"}", NULL},
		{"{\"a:\":\"c\"}", NULL},
		{"{\"\":\"c\"}", NULL},
		{"{\"a\":\"c\\r\\nApi-Key: x\"}", NULL},
		{"{\"a\\n\":\"c\"}", NULL},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[200] = "";
		int error;

		pfs_api_destroy(fixture->api);
		fixture->api = NULL;
		error = create_api(fixture, rows[i].json, text, sizeof(text));
		if (error != (rows[i].header ? 0 : -EINVAL))
			fail_msg("%s: %d", rows[i].json, error);
		if (error) {
			assert_null(fixture->api);
			assert_memory_equal(text, "PINECONE_ADDITIONAL_HEADERS: ", 29);
			continue;
		}
		describe(fixture, "a");
		if (*rows[i].header)
			assert_true(was_sent(fixture, rows[i].header));
		else
			assert_int_equal(fixture->http.request.header_count, 3);
		pfs_api_cancel(fixture->call);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errno_each_row_of_the_table),
		cmocka_unit_test(test_error_text_each_body_as_in_table),
		cmocka_unit_test(test_error_text_is_cut_at_500_characters_and_at_its_size),
		cmocka_unit_test(test_error_text_cut_leaves_no_half_character),
		TEST(test_error_text_of_a_failed_call_says_status_and_reason),
		TEST(test_failed_transport_is_told_in_its_own_words),
		TEST(test_describe_asks_for_the_id_with_key_and_version),
		TEST(test_list_asks_with_limit_or_token_but_never_both),
		TEST(test_question_that_can_not_be_sent_is_no_call),
		TEST(test_key_in_headers_is_wiped_with_each_request),
		TEST(test_additional_headers_each_as_in_table),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
