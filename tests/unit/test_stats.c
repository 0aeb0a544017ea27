/* SPDX-License-Identifier: MIT */
#include "pinefs/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/text.h"
#include "unit.h"

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct pfs_stats));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void assert_has_line(const struct pfs_buffer *buffer, const char *line)
{
	char wanted[200];
	int size = snprintf(wanted, sizeof(wanted), "\n%s\n", line);

	assert_true(size > 0 && (size_t)size < sizeof(wanted));
	if (!strstr(buffer->bytes, wanted))
		fail_msg("no line '%s' in:\n%s", line, buffer->bytes);
}

static void test_render_numbers_stand_under_their_names(void **state)
{
	struct pfs_stats *stats = *state;
	struct pfs_buffer buffer = {0};

	stats->messages[PFS_MESSAGE_LOOKUP] = 1;
	stats->messages[PFS_MESSAGE_OTHER] = 2;
	stats->requests[PFS_ENDPOINT_DESCRIBE] = 3;
	stats->requests[PFS_ENDPOINT_LIST] = 4;
	stats->answers[0] = 5;
	stats->answers[2] = 6;
	stats->answers[5] = 7;
	stats->received = UINT64_MAX;
	stats->objects = 8;
	stats->waiting = 9;
	pfs_stats_render(stats, &buffer);

	assert_int_equal(buffer.error, 0);
	assert_has_line(&buffer, "pinefs_messages_total{op=\"lookup\"} 1");
	assert_has_line(&buffer, "pinefs_messages_total{op=\"getattr\"} 0");
	assert_has_line(&buffer, "pinefs_messages_total{op=\"other\"} 2");
	assert_has_line(&buffer, "pinefs_requests_total{endpoint=\"describe\"} 3");
	assert_has_line(&buffer, "pinefs_requests_total{endpoint=\"list\"} 4");
	assert_has_line(&buffer, "pinefs_answers_total{class=\"none\"} 5");
	assert_has_line(&buffer, "pinefs_answers_total{class=\"2xx\"} 6");
	assert_has_line(&buffer, "pinefs_answers_total{class=\"5xx\"} 7");
	assert_has_line(&buffer, "pinefs_http_received_bytes_total 18446744073709551615");
	assert_has_line(&buffer, "# UNIT pinefs_http_received_bytes bytes");
	assert_has_line(&buffer, "# TYPE pinefs_objects gauge");
	assert_has_line(&buffer, "pinefs_objects 8");
	assert_has_line(&buffer, "pinefs_waiting 9");
	assert_null(strstr(buffer.bytes, "own_messages"));
	pfs_buffer_finish(&buffer);
}

/* Every number of the struct must be shown: fill all with one value, and count it. */
static void test_render_shows_every_number_of_the_struct(void **state)
{
	struct pfs_stats *stats = *state;
	struct pfs_buffer buffer = {0};
	const size_t count = offsetof(struct pfs_stats, failures) / sizeof(uint64_t);
	uint64_t *numbers = (uint64_t *)(void *)stats;
	size_t shown = 0;

	for (size_t i = 0; i < count; i++)
		numbers[i] = 770000 + i;
	pfs_stats_render(stats, &buffer);
	for (size_t i = 0; i < count; i++) {
		char wanted[20];

		snprintf(wanted, sizeof(wanted), " %zu\n", 770000 + i);
		shown += strstr(buffer.bytes, wanted) != NULL;
	}
	assert_int_equal(shown, count);
	pfs_buffer_finish(&buffer);
}

/* Of OpenMetrics: the families in blocks, TYPE first, no blank line, EOF last, nothing twice. */
static void test_render_is_well_formed(void **state)
{
	struct pfs_buffer buffer = {0};
	char family[100] = "";
	char *rest, *line;

	pfs_stats_render(*state, &buffer);
	assert_string_equal(buffer.bytes + buffer.length - strlen("\n# EOF\n"), "\n# EOF\n");
	for (line = strtok_r(buffer.bytes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "# TYPE ", 7) == 0)
			assert_int_equal(sscanf(line, "# TYPE %99s", family), 1);
		else if (strcmp(line, "# EOF") == 0)
			assert_null(strtok_r(NULL, "\n", &rest));
		else if (line[0] == '#')
			assert_memory_equal(strchr(line + 2, ' ') + 1, family, strlen(family));
		else
			assert_memory_equal(line, family, strlen(family));
		if (strcmp(line, "# EOF") == 0)
			break;
	}
	pfs_buffer_finish(&buffer);
}

static void put_failure(struct pfs_stats *stats, int64_t when, const char *object, int error,
			int status, const char *text)
{
	const struct pfs_failed failed = {
		.when = when, .object = object, .error = error, .status = status, .text = text};

	pfs_stats_fail(stats, &failed);
}

static void test_failures_none_renders_nothing(void **state)
{
	struct pfs_buffer buffer = {0};

	pfs_stats_render_failures(*state, &buffer);
	assert_int_equal(buffer.length, 0);
	pfs_buffer_finish(&buffer);
}

static void test_failures_each_is_a_line_with_columns(void **state)
{
	struct pfs_buffer buffer = {0};

	pfs_stats_fail(*state, &(struct pfs_failed){.when = INT64_C(1745604845227526000),
						    .again = INT64_C(1745604847000000000),
						    .object = "job-1",
						    .error = EIO,
						    .status = 503,
						    .request_id = "req-1",
						    .text = "Service\tUnavailable\n"});
	put_failure(*state, 0, "list", EHOSTUNREACH, 0, NULL);
	pfs_stats_render_failures(*state, &buffer);
	assert_string_equal(buffer.bytes,
			    "2025-04-25T18:14:05.227526Z\tjob-1\tEIO\t503\treq-1\t"
			    "Service\\tUnavailable\\n\ttimes=1\tsince=2025-04-25T18:14:05.227526Z"
			    "\tagain=2025-04-25T18:14:07.000000Z\n"
			    "1970-01-01T00:00:00.000000Z\tlist\tEHOSTUNREACH\t-\t-\t-"
			    "\ttimes=1\tsince=1970-01-01T00:00:00.000000Z\tagain=-\n");
	pfs_buffer_finish(&buffer);
}

static void test_failures_past_the_last_kept_drop_the_oldest(void **state)
{
	struct pfs_stats *stats = *state;
	struct pfs_buffer buffer = {0};
	char object[20];
	size_t lines = 0;

	for (int i = 0; i < PFS_FAILURES_KEPT + 3; i++) {
		snprintf(object, sizeof(object), "job-%d", i);
		put_failure(stats, i, object, EIO, 500, NULL);
	}
	pfs_stats_render_failures(stats, &buffer);
	for (const char *c = buffer.bytes; *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, PFS_FAILURES_KEPT);
	assert_non_null(strstr(buffer.bytes, "\tjob-3\t"));
	assert_null(strstr(buffer.bytes, "\tjob-2\t"));
	assert_true(strstr(buffer.bytes, "\tjob-3\t") < strstr(buffer.bytes, "\tjob-52\t"));
	assert_int_equal(stats->failure_count, PFS_FAILURES_KEPT + 3);
	pfs_buffer_finish(&buffer);
}

static void test_failures_that_differ_in_numbers_only_are_one_line(void **state)
{
	struct pfs_stats *stats = *state;
	const struct pfs_failure_line *lines = stats->failures;

	put_failure(stats, 1, "a", EIO, 503, "after 9 ms, at 10.0.0.1");
	put_failure(stats, 2, "b", EIO, 503, "after 9 ms, at 10.0.0.1");
	put_failure(stats, 3, "a", EIO, 503, "after 1234 ms, at 10.0.0.2");
	assert_int_equal(stats->failures_kept, 2);
	assert_string_equal(lines[0].object, "b");
	assert_int_equal(lines[0].times, 1);
	assert_string_equal(lines[1].object, "a");
	assert_string_equal(lines[1].text, "after 1234 ms, at 10.0.0.2");
	assert_int_equal(lines[1].times, 2);
	assert_int_equal(lines[1].since, 1);
	assert_int_equal(lines[1].when, 3);
	/* Each of these is another failure. */
	put_failure(stats, 4, "a", EIO, 503, "after 12 ms");
	put_failure(stats, 5, "a", EIO, 503, "after ms, at 10.0.0.2");
	put_failure(stats, 6, "a", EIO, 500, "after 9 ms, at 10.0.0.1");
	put_failure(stats, 7, "a", EBUSY, 503, "after 9 ms, at 10.0.0.1");
	assert_int_equal(stats->failures_kept, 6);
	/* And this one is the third of its kind, though others came between. */
	put_failure(stats, 8, "a", EIO, 503, "after 0 ms, at 1.2.3.4");
	assert_int_equal(stats->failures_kept, 6);
	assert_int_equal(lines[5].times, 3);
	assert_int_equal(stats->failure_count, 8);
}

static void test_failures_of_one_object_push_out_no_others(void **state)
{
	struct pfs_stats *stats = *state;
	struct pfs_buffer buffer = {0};

	put_failure(stats, 1, "other", EIO, 500, "once");
	for (int i = 0; i < 10 * PFS_FAILURES_KEPT; i++)
		put_failure(stats, i, "job", EIO, 500, i % 2 ? "odd" : "even");
	pfs_stats_render_failures(stats, &buffer);
	assert_non_null(strstr(buffer.bytes, "\tother\t"));
	assert_non_null(strstr(buffer.bytes, "\todd\ttimes=250\t"));
	assert_int_equal(stats->failures_kept, 3);
	pfs_buffer_finish(&buffer);
}

static void test_failures_long_texts_are_cut(void **state)
{
	struct pfs_stats *stats = *state;
	char text[2 * PFS_FAILURE_TEXT];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	pfs_stats_fail(stats,
		       &(struct pfs_failed){
			       .object = text, .error = EIO, .request_id = text, .text = text});
	assert_int_equal(strlen(stats->failures[0].text), PFS_FAILURE_TEXT - 1);
	assert_int_equal(strlen(stats->failures[0].object), sizeof(stats->failures[0].object) - 1);
}

/* --- for Prometheus ------------------------------------------------------------------------ */

static void render_metrics(const struct pfs_stats *stats, struct pfs_buffer *buffer)
{
	pfs_buffer_clear(buffer);
	pfs_stats_render_metrics(stats, "mount=\"/m\"", buffer);
	assert_int_equal(buffer->error, 0);
}

static void test_metrics_type_stands_at_the_whole_name(void **state)
{
	struct pfs_stats *stats = *state;
	struct pfs_buffer buffer = {0};

	stats->requests[PFS_ENDPOINT_LIST] = 4;
	stats->served[PFS_SERVED_STALE] = 5;
	stats->objects = 6;
	render_metrics(stats, &buffer);
	assert_has_line(&buffer, "# TYPE pinefs_requests_total counter");
	assert_has_line(&buffer, "pinefs_requests_total{mount=\"/m\",endpoint=\"list\"} 4");
	assert_has_line(&buffer, "pinefs_served_total{mount=\"/m\",content=\"stale\"} 5");
	assert_has_line(&buffer, "# TYPE pinefs_objects gauge");
	assert_has_line(&buffer, "pinefs_objects{mount=\"/m\"} 6");
	assert_null(strstr(buffer.bytes, "# EOF"));
	assert_null(strstr(buffer.bytes, "# UNIT"));
	pfs_buffer_finish(&buffer);
}

/* A bound counts what took exactly as long, and all that was quicker. */
static void test_metrics_durations_are_a_histogram(void **state)
{
	static const int64_t took[] = {0, 5 * PFS_MILLISECOND, 5 * PFS_MILLISECOND + 1,
				       10 * PFS_SECOND, 11 * PFS_SECOND};
	static const char name[] = "pinefs_request_duration_seconds";
	struct pfs_stats *stats = *state;
	struct pfs_buffer buffer = {0};
	static const struct {
		const char *what;
		const char *value;
	} rows[] = {
		{"_bucket{mount=\"/m\",endpoint=\"list\",le=\"0.005\"}", "2"},
		{"_bucket{mount=\"/m\",endpoint=\"list\",le=\"0.01\"}", "3"},
		{"_bucket{mount=\"/m\",endpoint=\"list\",le=\"5\"}", "3"},
		{"_bucket{mount=\"/m\",endpoint=\"list\",le=\"10\"}", "4"},
		{"_bucket{mount=\"/m\",endpoint=\"list\",le=\"+Inf\"}", "5"},
		{"_sum{mount=\"/m\",endpoint=\"list\"}", "21.010000001"},
		{"_count{mount=\"/m\",endpoint=\"list\"}", "5"},
		{"_count{mount=\"/m\",endpoint=\"describe\"}", "0"},
	};

	for (size_t i = 0; i < sizeof(took) / sizeof(took[0]); i++) {
		const struct pfs_ended ended = {
			.endpoint = PFS_ENDPOINT_LIST, .status = 200, .took = took[i]};

		pfs_stats_end(stats, &ended);
	}
	render_metrics(stats, &buffer);
	assert_has_line(&buffer, "# TYPE pinefs_request_duration_seconds histogram");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[200];

		snprintf(line, sizeof(line), "%s%s %s", name, rows[i].what, rows[i].value);
		assert_has_line(&buffer, line);
	}
	pfs_buffer_finish(&buffer);
}

static void test_metrics_tell_since_when_the_api_fails_and_why(void **state)
{
	struct pfs_stats *stats = *state;
	struct pfs_buffer buffer = {0};
	struct pfs_ended ended = {.status = 200, .at = 5 * PFS_SECOND / 2};

	pfs_stats_end(stats, &ended);
	ended = (struct pfs_ended){
		.status = 401, .error = EACCES, .text = "401: no", .at = 7 * PFS_SECOND};
	pfs_stats_end(stats, &ended);
	render_metrics(stats, &buffer);
	assert_has_line(&buffer, "pinefs_api_failing{mount=\"/m\"} 1");
	assert_has_line(&buffer, "pinefs_key_rejected{mount=\"/m\"} 1");
	assert_has_line(&buffer, "pinefs_last_success_timestamp_seconds{mount=\"/m\"} 2.500");
	assert_has_line(&buffer, "pinefs_http_answers_total{mount=\"/m\",code=\"200\"} 1");
	assert_has_line(&buffer, "pinefs_http_answers_total{mount=\"/m\",code=\"401\"} 1");
	assert_string_equal(stats->failing, "EACCES: 401: no");

	ended = (struct pfs_ended){
		.status = 0, .error = ETIMEDOUT, .text = "too late", .at = 8 * PFS_SECOND};
	pfs_stats_end(stats, &ended);
	render_metrics(stats, &buffer);
	assert_has_line(&buffer, "pinefs_api_failing{mount=\"/m\"} 1");
	assert_has_line(&buffer, "pinefs_key_rejected{mount=\"/m\"} 0");
	assert_string_equal(stats->failing, "ETIMEDOUT: too late");
	assert_int_equal(stats->failing_since, 7 * PFS_SECOND);

	/* That there is no such thing is an answer. */
	ended = (struct pfs_ended){.status = 404, .at = 9 * PFS_SECOND};
	pfs_stats_end(stats, &ended);
	render_metrics(stats, &buffer);
	assert_has_line(&buffer, "pinefs_api_failing{mount=\"/m\"} 0");
	assert_has_line(&buffer, "pinefs_last_success_timestamp_seconds{mount=\"/m\"} 9.000");
	pfs_buffer_finish(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_render_numbers_stand_under_their_names, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_render_shows_every_number_of_the_struct, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_render_is_well_formed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_none_renders_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_failures_each_is_a_line_with_columns, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_failures_past_the_last_kept_drop_the_oldest,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_failures_that_differ_in_numbers_only_are_one_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_of_one_object_push_out_no_others,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures_long_texts_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_metrics_type_stands_at_the_whole_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_metrics_durations_are_a_histogram, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_metrics_tell_since_when_the_api_fails_and_why,
						setup, teardown),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
