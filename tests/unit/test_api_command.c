/* SPDX-License-Identifier: MIT */
/* A command: what is sent, once, and what its answer means. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api_fixture.h"

#define JOB_ID	 "{\"restore_job_id\":\"j-1\",\"index_id\":\"i-1\"}"
#define CODE(of) "{\"error\":{\"code\":\"" of "\",\"message\":\"said so\"},\"status\":400}"

/* What only a command is told. */
struct said {
	struct outcome outcome; /* first, so that on_done may fill it */
	enum pfs_api_fate fate;
	char job[300];
};

static void on_said(void *arg, const struct pfs_api_answer *answer)
{
	struct said *said = arg;

	on_done(&said->outcome, answer);
	said->fate = answer->fate;
	snprintf(said->job, sizeof(said->job), "%s", answer->job ? answer->job : "");
}

static void command(struct fixture *fixture, struct said *said, const char *id, const char *name)
{
	*said = (struct said){0};
	assert_int_equal(pfs_api_command(fixture->api, pfs_kind_by_name(&pfs_all_kinds, "backups"),
					 id, name, DEADLINE, on_said, said, &fixture->call),
			 0);
}

/* It came to the server, which says this. */
static void answer_sent(struct fixture *fixture, int status, const char *body)
{
	struct pfs_http_answer made = http_answer(status, body);

	made.sent = true;
	answer(fixture, &made);
}

/* --- what is sent -------------------------------------------------------------------------- */

static void test_command_says_where_and_what(void **state)
{
	struct fixture *fixture = *state;
	struct said said;

	command(fixture, &said, "b 1/2", "prod-2");
	assert_string_equal(fixture->http.request.url,
			    "https://api.example/backups/b%201%2F2/create-index");
	assert_string_equal(fixture->http.request.body, "{\"name\":\"prod-2\"}");
	assert_string_equal(fixture->http.request.label, "/backups/b 1/2");
	assert_int_equal(fixture->http.request.deadline, DEADLINE);
	assert_true(was_sent(fixture, "Api-Key: pcsk_unit"));
	assert_true(was_sent(fixture, "X-Pinecone-Api-Version: 2025-10"));
	assert_true(was_sent(fixture, "Accept: application/json"));
	assert_true(was_sent(fixture, "Content-Type: application/json"));
	assert_true(was_sent(fixture, "Expect:"));
	assert_int_equal(fixture->stats.requests[PFS_ENDPOINT_COMMAND], 1);
	assert_int_equal(fixture->stats.requests[PFS_ENDPOINT_DESCRIBE], 0);
	answer_sent(fixture, 202, JOB_ID);
	assert_int_equal(said.outcome.calls, 1);
	assert_int_equal(said.outcome.error, 0);
	assert_int_equal(said.outcome.status, 202);
	assert_int_equal(said.fate, PFS_FATE_DONE);
	assert_string_equal(said.job, "j-1");
	assert_string_equal(said.outcome.text, "");
	assert_int_equal(fixture->stats.answers[2], 1);
}

static void test_a_question_has_no_body_and_none_of_its_headers(void **state)
{
	struct fixture *fixture = *state;

	describe(fixture, "a");
	assert_string_equal(fixture->http.request.body, "");
	assert_false(was_sent(fixture, "Content-Type: application/json"));
	assert_false(was_sent(fixture, "Expect:"));
	answer_with(fixture, 404, "");
}

static void test_it_may_have_as_many_headers_as_there_can_be(void **state)
{
	struct fixture *fixture = *state;
	char headers[1000] = "{", text[200];
	struct said said;
	size_t length = 1;

	for (int i = 0; i < 32; i++)
		length += (size_t)snprintf(headers + length, sizeof(headers) - length,
					   "%s\"X-%d\":\"y\"", i ? "," : "", i);
	strcpy(headers + length, "}");
	pfs_api_destroy(fixture->api);
	assert_int_equal(create_api(fixture, headers, text, sizeof(text)), 0);
	command(fixture, &said, "b", "n");
	assert_true(was_sent(fixture, "X-31: y"));
	assert_true(was_sent(fixture, "Expect:"));
	assert_int_equal(fixture->http.request.header_count, 3 + 32 + 2);
	answer_with(fixture, 404, "");
}

static void test_is_sent_is_what_http_says(void **state)
{
	struct fixture *fixture = *state;
	struct said said;

	command(fixture, &said, "b", "n");
	assert_false(pfs_api_is_sent(fixture->call));
	fixture->http.request.sent = true;
	assert_true(pfs_api_is_sent(fixture->call));
	pfs_api_cancel(fixture->call);
	assert_int_equal(fixture->http.cancelled, 1);
	assert_int_equal(said.outcome.calls, 0);
}

static void test_what_cannot_be_asked_is_said(void **state)
{
	struct fixture *fixture = *state;
	struct said said = {0};

	fixture->http.refuse = -EBUSY;
	assert_int_equal(pfs_api_command(fixture->api, pfs_kind_by_name(&pfs_all_kinds, "backups"),
					 "b", "n", DEADLINE, on_said, &said, &fixture->call),
			 -EBUSY);
	assert_int_equal(fixture->stats.requests[PFS_ENDPOINT_COMMAND], 0);
	assert_int_equal(said.outcome.calls, 0);
}

/* --- what an answer means ------------------------------------------------------------------ */

static void test_each_status_and_code_has_its_errno_and_fate(void **state)
{
	static const struct {
		int status;
		const char *body;
		int error;
		enum pfs_api_fate fate;
	} rows[] = {
		{302, "", -EREMOTEIO, PFS_FATE_NOT_DONE},
		{400, CODE("INVALID_ARGUMENT"), -EINVAL, PFS_FATE_NOT_DONE},
		{401, "Invalid API key", -EACCES, PFS_FATE_NOT_DONE},
		{402, CODE("PAYMENT_REQUIRED"), -EPERM, PFS_FATE_NOT_DONE},
		{403, CODE("FORBIDDEN"), -EDQUOT, PFS_FATE_NOT_DONE},
		{403, CODE("PERMISSION_DENIED"), -EACCES, PFS_FATE_NOT_DONE},
		{403, CODE("forbidden"), -EACCES, PFS_FATE_NOT_DONE},
		{403, "FORBIDDEN", -EACCES, PFS_FATE_NOT_DONE}, /* a text, no code */
		{403, "{\"code\":\"FORBIDDEN\"}", -EACCES, PFS_FATE_NOT_DONE},
		{403, "{\"error\":\"FORBIDDEN\"}", -EACCES, PFS_FATE_NOT_DONE},
		{403, "{\"error\":{\"code\":7}}", -EACCES, PFS_FATE_NOT_DONE},
		{403, "", -EACCES, PFS_FATE_NOT_DONE},
		{404, CODE("NOT_FOUND"), -ENOENT, PFS_FATE_NOT_DONE},
		{405, "", -EIO, PFS_FATE_NOT_DONE},
		{408, "", -ETIMEDOUT, PFS_FATE_UNKNOWN},
		{409, CODE("ALREADY_EXISTS"), -EEXIST, PFS_FATE_NOT_DONE},
		{409, "", -EEXIST, PFS_FATE_NOT_DONE},
		{412, CODE("FAILED_PRECONDITION"), -EBUSY, PFS_FATE_NOT_DONE},
		{422, CODE("INVALID_ARGUMENT"), -EINVAL, PFS_FATE_NOT_DONE},
		{429, CODE("RESOURCE_EXHAUSTED"), -EAGAIN, PFS_FATE_NOT_DONE},
		{499, "", -EIO, PFS_FATE_NOT_DONE},
		{500, CODE("FORBIDDEN"), -EIO, PFS_FATE_UNKNOWN},
		{502, "<html>", -EIO, PFS_FATE_UNKNOWN},
		{503, "", -EIO, PFS_FATE_UNKNOWN},
		{504, "", -EIO, PFS_FATE_UNKNOWN},
		{599, "", -EIO, PFS_FATE_UNKNOWN},
		{199, "", -EIO, PFS_FATE_UNKNOWN},
		{999, "", -EIO, PFS_FATE_UNKNOWN},
	};
	struct fixture *fixture = *state;
	struct said said;

	for (size_t i = 0; i < COUNT(rows); i++) {
		command(fixture, &said, "b", "n");
		answer_sent(fixture, rows[i].status, rows[i].body);
		assert_int_equal(said.outcome.calls, 1);
		if (said.outcome.error != rows[i].error || said.fate != rows[i].fate)
			fail_msg("%d %s: %d, fate %d", rows[i].status, rows[i].body,
				 said.outcome.error, said.fate);
		assert_int_equal(said.outcome.status, rows[i].status);
		assert_string_equal(said.job, "");
		assert_string_not_equal(said.outcome.text, "");
	}
}

static void test_each_failure_has_its_errno_and_its_fate_by_whether_it_was_sent(void **state)
{
	static const struct {
		enum pfs_http_outcome outcome;
		int status;
		int error;
	} rows[] = {
		{PFS_HTTP_RESOLVE, 0, -EHOSTUNREACH}, {PFS_HTTP_CONNECT, 0, -EHOSTUNREACH},
		{PFS_HTTP_PROXY, 0, -EHOSTUNREACH},   {PFS_HTTP_TLS, 0, -EPROTO},
		{PFS_HTTP_TIMEOUT, 0, -ETIMEDOUT},    {PFS_HTTP_TIMEOUT, 202, -ETIMEDOUT},
		{PFS_HTTP_BROKEN, 0, -EIO},	      {PFS_HTTP_BROKEN, 202, -EIO},
		{PFS_HTTP_TOO_LARGE, 202, -EFBIG},    {PFS_HTTP_NO_MEMORY, 0, -ENOMEM},
		{PFS_HTTP_BROKEN, 409, -EIO},
	};
	struct fixture *fixture = *state;
	struct said said;

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		const bool sent = i % 2;
		const struct pfs_http_answer made = {
			.outcome = rows[i / 2].outcome,
			.status = rows[i / 2].status,
			.text = "what libcurl says",
			.body = JOB_ID,
			.length = strlen(JOB_ID),
			.request_id = "",
			.rejected = "",
			.sent = sent,
		};

		command(fixture, &said, "b", "n");
		answer(fixture, &made);
		assert_int_equal(said.outcome.error, rows[i / 2].error);
		assert_int_equal(said.fate, sent ? PFS_FATE_UNKNOWN : PFS_FATE_NOT_DONE);
		assert_string_equal(said.job, "");
		assert_string_equal(said.outcome.text, "what libcurl says");
	}
}

static void test_the_apis_own_words_are_brought(void **state)
{
	struct fixture *fixture = *state;
	struct said said;

	command(fixture, &said, "b", "n");
	answer_sent(fixture, 403, CODE("FORBIDDEN"));
	assert_string_equal(said.outcome.text, "403: said so");
	assert_string_equal(said.outcome.request_id, "req-1");
}

/* It was begun, whatever the answer lacks. */
static void test_an_answer_without_a_job_is_done_and_no_good(void **state)
{
	static const char *const bodies[] = {
		"",
		"null",
		"[]",
		"{}",
		"{\"restore_job_id\":null}",
		"{\"restore_job_id\":7}",
		"{\"restore_job_id\":\"\"}",
		"{\"restore_job_id\":\".\"}",
		"{\"restore_job_id\":\"..\"}",
		"{\"restore_job_id\":\"../../etc\"}",
		"{\"restore_job_id\":\"a/b\"}",
		"{\"restore_job_id\":\"a\\u0000b\"}",
		"{\"restore_job_id\":\"a\\nb\"}",
		"{\"restore_job_id\":\"j-1\"",
		"{\"restore_job_id\":[\"j-1\"]}",
		"{\"data\":{\"restore_job_id\":\"j-1\"}}",
		"<html>",
	};
	struct fixture *fixture = *state;
	struct said said;

	for (size_t i = 0; i < COUNT(bodies); i++) {
		command(fixture, &said, "b", "n");
		answer_sent(fixture, 202, bodies[i]);
		if (said.outcome.error != -EIO || said.fate != PFS_FATE_DONE || *said.job)
			fail_msg("%s: %d, fate %d, job %s", bodies[i], said.outcome.error,
				 said.fate, said.job);
		assert_string_equal(said.outcome.text,
				    "the answer doesn't say which job was begun");
		assert_int_equal(said.outcome.status, 202);
	}
}

static void test_an_id_that_is_too_long_is_none(void **state)
{
	struct fixture *fixture = *state;
	char body[400];
	struct said said;

	snprintf(body, sizeof(body), "{\"restore_job_id\":\"%0256d\"}", 0);
	command(fixture, &said, "b", "n");
	answer_sent(fixture, 202, body);
	assert_int_equal(said.outcome.error, -EIO);
	snprintf(body, sizeof(body), "{\"restore_job_id\":\"%0255d\"}", 0);
	command(fixture, &said, "b", "n");
	answer_sent(fixture, 202, body);
	assert_int_equal(said.outcome.error, 0);
	assert_int_equal(strlen(said.job), 255);
}

/* --- a new key ----------------------------------------------------------------------------- */

static void test_a_rejected_key_is_read_anew_but_the_command_is_not_given_again(void **state)
{
	struct fixture *fixture = *state;
	char path[] = "/tmp/pinefs-unit-XXXXXX";
	int fd = mkstemp(path);
	struct said said;
	char text[200];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "pcsk_old\n", 9), 9);
	assert_int_equal(pfs_key_load(&fixture->key, path, text, sizeof(text)), 0);
	assert_int_equal(pwrite(fd, "pcsk_new\n", 9, 0), 9);
	command(fixture, &said, "b", "n");
	assert_true(was_sent(fixture, "Api-Key: pcsk_old"));
	assert_int_equal(fixture->http.asked, 1);
	answer_sent(fixture, 401, "Invalid API key");
	assert_int_equal(fixture->http.asked, 1);
	assert_int_equal(said.outcome.calls, 1);
	assert_int_equal(said.outcome.error, -EACCES);
	assert_int_equal(said.fate, PFS_FATE_NOT_DONE);
	assert_int_equal(fixture->stats.key_reloads, 1);
	command(fixture, &said, "b", "n"); /* whoever gives it again has the new one */
	assert_true(was_sent(fixture, "Api-Key: pcsk_new"));
	answer_sent(fixture, 202, JOB_ID);
	assert_string_equal(said.job, "j-1");
	close(fd);
	unlink(path);
}

/* --- names --------------------------------------------------------------------------------- */

static void test_names_that_the_api_takes(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{"a", true},
		{"0", true},
		{"prod-2", true},
		{"a--b", true},
		{"abcdefghijklmnopqrstuvwxyz-0123456789", true},
		{"123456789012345678901234567890123456789012345", true},
		{"1234567890123456789012345678901234567890123456", false},
		{"", false},
		{"-", false},
		{"-a", false},
		{"a-", false},
		{"A", false},
		{"a_b", false},
		{"a.b", false},
		{"a b", false},
		{".", false},
		{"tmp.AbCdEf", false},
		{"a\n", false},
		{"\xc3\xa4", false},
		{"a\"b", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (pfs_command_takes(rows[i].name) != rows[i].good)
			fail_msg("'%s': not %d", rows[i].name, rows[i].good);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_command_says_where_and_what),
		TEST(test_a_question_has_no_body_and_none_of_its_headers),
		TEST(test_it_may_have_as_many_headers_as_there_can_be),
		TEST(test_is_sent_is_what_http_says),
		TEST(test_what_cannot_be_asked_is_said),
		TEST(test_each_status_and_code_has_its_errno_and_fate),
		TEST(test_each_failure_has_its_errno_and_its_fate_by_whether_it_was_sent),
		TEST(test_the_apis_own_words_are_brought),
		TEST(test_an_answer_without_a_job_is_done_and_no_good),
		TEST(test_an_id_that_is_too_long_is_none),
		TEST(test_a_rejected_key_is_read_anew_but_the_command_is_not_given_again),
		cmocka_unit_test(test_names_that_the_api_takes),
	};

	return cmocka_run_group_tests_name("api_command", tests, NULL, NULL);
}
