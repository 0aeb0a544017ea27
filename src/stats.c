/* SPDX-License-Identifier: MIT */
#include "pinefs/stats.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pinefs/text.h"

enum family_type { COUNTER, GAUGE };

/* One metric family: a number of struct pfs_stats, or a row of numbers told apart by a label. */
struct family {
	const char *name; /* without pinefs_ and _total */
	const char *help;
	enum family_type type;
	const char *unit; /* the end of name, where it has one */
	size_t field;	  /* offset of the (first) uint64_t */
	const char *label;
	const char *const *values; /* of the label, one for each number; NULL without one */
	size_t count;
};

static const char *const message_names[PFS_MESSAGE_COUNT] = {
	[PFS_MESSAGE_LOOKUP] = "lookup",     [PFS_MESSAGE_GETATTR] = "getattr",
	[PFS_MESSAGE_READ] = "read",	     [PFS_MESSAGE_READDIR] = "readdir",
	[PFS_MESSAGE_GETXATTR] = "getxattr", [PFS_MESSAGE_OTHER] = "other",
};

static const char *const endpoint_names[PFS_ENDPOINT_COUNT] = {
	[PFS_ENDPOINT_DESCRIBE] = "describe",
	[PFS_ENDPOINT_LIST] = "list",
	[PFS_ENDPOINT_COMMAND] = "command",
};

static const char *const served_names[PFS_SERVED_COUNT] = {
	[PFS_SERVED_FRESH] = "fresh",
	[PFS_SERVED_EXPIRED] = "expired",
	[PFS_SERVED_MISSING] = "missing",
	[PFS_SERVED_STALE] = "stale",
};

static const char *const class_names[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

#define ONE(member) .field = offsetof(struct pfs_stats, member), .count = 1
#define ROW(member, key, row)                                                                      \
	.field = offsetof(struct pfs_stats, member), .label = (key), .values = (row),              \
	.count = sizeof(row) / sizeof((row)[0])

static const struct family families[] = {
	{"messages", "Messages from the kernel about the tree of the API.", COUNTER,
	 ROW(messages, "op", message_names)},
	{"replies_failed",
	 "Replies to the kernel that said an error other than that there is no such name.", COUNTER,
	 ONE(replies_failed)},
	{"interrupted", "Callers that gave up waiting.", COUNTER, ONE(interrupted)},
	{"log_lines_dropped", "Lines of the log that couldn't be written.", COUNTER,
	 ONE(log_lines_dropped)},
	{"http_attempts", "HTTP requests sent, retries included.", COUNTER, ONE(attempts)},
	{"http_retries", "HTTP requests that repeated an earlier one.", COUNTER, ONE(retries)},
	{"http_connections", "Connections opened.", COUNTER, ONE(connections)},
	{"http_received_bytes", "Bytes of answers' bodies.", COUNTER, ONE(received),
	 .unit = "bytes"},
	{"http_throttled", "Requests that had to wait for --max-rate.", COUNTER, ONE(throttled)},
	{"requests", "Questions to the API, each counted once with its retries.", COUNTER,
	 ROW(requests, "endpoint", endpoint_names)},
	{"answers", "Answers of the API by class of HTTP status; none: no answer came.", COUNTER,
	 ROW(answers, "class", class_names)},
	{"key_reloads", "Times that the key file had another key.", COUNTER, ONE(key_reloads)},
	{"rows_refused", "Rows of lists left out: unreadable, or with an id that can't be a name.",
	 COUNTER, ONE(rows_refused)},
	{"served",
	 "Callers that asked for an object, by what there was: fresh; expired or missing; or stale.",
	 COUNTER, ROW(served, "content", served_names)},
	{"joined", "Callers that waited for a request already under way.", COUNTER, ONE(joined)},
	{"stale_served", "Answers from before a failure.", COUNTER, ONE(stale_served)},
	{"changes", "Objects whose content changed.", COUNTER, ONE(changes)},
	{"failures", "Failures put into /.pinefs/errors.", COUNTER, ONE(failure_count)},
	{"objects", "Objects held.", GAUGE, ONE(objects)},
	{"object_bytes", "Bytes of their contents, with older ones still in use.", GAUGE,
	 ONE(object_bytes), .unit = "bytes"},
	{"missing", "Ids remembered as not there.", GAUGE, ONE(missing)},
	{"waiting", "Callers waiting for an answer.", GAUGE, ONE(waiting)},
	{"history_bytes", "Bytes of the histories of objects that have changed.", GAUGE,
	 ONE(history_bytes), .unit = "bytes"},
	{"table_texts", "Texts of tables held, with older ones that somebody still has open.",
	 GAUGE, ONE(table_texts)},
	{"table_bytes", "Bytes of these.", GAUGE, ONE(table_bytes), .unit = "bytes"},
};

static void copy(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from ? from : "");
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* The same text, whatever numbers are in it? */
static bool says_the_same(const char *a, const char *b)
{
	while (*a && *b) {
		if (is_digit(*a) && is_digit(*b)) {
			a += strspn(a, "0123456789");
			b += strspn(b, "0123456789");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

static struct pfs_failure_line *find_line(struct pfs_stats *stats,
					  const struct pfs_failure_line *wanted)
{
	for (size_t i = 0; i < stats->failures_kept; i++) {
		struct pfs_failure_line *line = &stats->failures[i];

		if (line->error == wanted->error && line->status == wanted->status &&
		    !strcmp(line->object, wanted->object) &&
		    says_the_same(line->text, wanted->text))
			return line;
	}
	return NULL;
}

static void drop_line(struct pfs_stats *stats, struct pfs_failure_line *line)
{
	struct pfs_failure_line *end = &stats->failures[stats->failures_kept--];

	memmove(line, line + 1, (size_t)(end - (line + 1)) * sizeof(*line));
}

void pfs_stats_fail(struct pfs_stats *stats, const struct pfs_failed *failed)
{
	struct pfs_failure_line *same;
	struct pfs_failure_line line = {
		.when = failed->when,
		.since = failed->when,
		.again = failed->again,
		.times = 1,
		.error = failed->error,
		.status = failed->status,
	};

	copy(line.object, sizeof(line.object), failed->object);
	copy(line.request_id, sizeof(line.request_id), failed->request_id);
	copy(line.text, sizeof(line.text), failed->text);
	same = find_line(stats, &line);
	if (same) {
		line.since = same->since;
		line.times += same->times;
		line.logged = same->logged;
		drop_line(stats, same);
	} else if (stats->failures_kept == PFS_FAILURES_KEPT) {
		drop_line(stats, &stats->failures[0]);
	}
	stats->failures[stats->failures_kept++] = line;
	stats->failure_count++;
}

static void render_family(const struct family *family, const struct pfs_stats *stats,
			  struct pfs_buffer *buffer)
{
	const char *suffix = family->type == COUNTER ? "_total" : "";
	const char *base = (const char *)stats + family->field;

	pfs_buffer_format(buffer, "# TYPE pinefs_%s %s\n", family->name,
			  family->type == COUNTER ? "counter" : "gauge");
	if (family->unit)
		pfs_buffer_format(buffer, "# UNIT pinefs_%s %s\n", family->name, family->unit);
	pfs_buffer_format(buffer, "# HELP pinefs_%s %s\n", family->name, family->help);

	for (size_t i = 0; i < family->count; i++) {
		uint64_t value;

		memcpy(&value, base + i * sizeof(value), sizeof(value));
		pfs_buffer_format(buffer, "pinefs_%s%s", family->name, suffix);
		if (family->values)
			pfs_buffer_format(buffer, "{%s=\"%s\"}", family->label, family->values[i]);
		pfs_buffer_format(buffer, " %" PRIu64 "\n", value);
	}
}

void pfs_stats_render(const struct pfs_stats *stats, struct pfs_buffer *buffer)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		render_family(&families[i], stats, buffer);
	pfs_buffer_add_string(buffer, "# EOF\n");
}

/* --- for Prometheus ------------------------------------------------------------------------ */

/* Upper bounds in seconds; behind them one without. */
static const double bounds[PFS_DURATIONS - 1] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
						 0.5,	1,    2.5,   5,	   10};

void pfs_stats_end(struct pfs_stats *stats, const struct pfs_ended *ended)
{
	struct pfs_durations *durations = &stats->durations[ended->endpoint];
	size_t i = 0;

	while (i < PFS_DURATIONS - 1 && (double)ended->took > bounds[i] * (double)PFS_SECOND)
		i++;
	durations->counts[i]++;
	durations->sum += ended->took;
	if (ended->status >= PFS_STATUS_FIRST &&
	    ended->status < PFS_STATUS_FIRST + PFS_STATUS_COUNT)
		stats->statuses[ended->status - PFS_STATUS_FIRST]++;
	stats->key_rejected = ended->status == 401;
	if (!ended->error) {
		stats->last_success = ended->at;
		stats->failing[0] = '\0';
		return;
	}
	if (!*stats->failing)
		stats->failing_since = ended->at;
	(void)snprintf(stats->failing, sizeof(stats->failing), "%s: %s",
		       pfs_errno_name(ended->error), ended->text);
}

void pfs_stats_add_head(struct pfs_buffer *buffer, const char *name, const char *help,
			const char *type)
{
	(void)pfs_buffer_format(buffer, "# HELP pinefs_%s %s\n# TYPE pinefs_%s %s\n", name, help,
				name, type);
}

static void add_family(const struct family *family, const struct pfs_stats *stats,
		       const char *labels, struct pfs_buffer *buffer)
{
	const char *base = (const char *)stats + family->field;
	char name[64];

	(void)snprintf(name, sizeof(name), "%s%s", family->name,
		       family->type == COUNTER ? "_total" : "");
	pfs_stats_add_head(buffer, name, family->help,
			   family->type == COUNTER ? "counter" : "gauge");
	for (size_t i = 0; i < family->count; i++) {
		uint64_t value;

		memcpy(&value, base + i * sizeof(value), sizeof(value));
		(void)pfs_buffer_format(buffer, "pinefs_%s{%s", name, labels);
		if (family->values)
			(void)pfs_buffer_format(buffer, ",%s=\"%s\"", family->label,
						family->values[i]);
		(void)pfs_buffer_format(buffer, "} %" PRIu64 "\n", value);
	}
}

static void add_statuses(const struct pfs_stats *stats, const char *labels,
			 struct pfs_buffer *buffer)
{
	pfs_stats_add_head(buffer, "http_answers_total", "Answers of the API by status of HTTP.",
			   "counter");
	for (int i = 0; i < PFS_STATUS_COUNT; i++) {
		if (stats->statuses[i])
			(void)pfs_buffer_format(
				buffer, "pinefs_http_answers_total{%s,code=\"%d\"} %" PRIu64 "\n",
				labels, PFS_STATUS_FIRST + i, stats->statuses[i]);
	}
}

/* Each bucket counts those below, too. */
static void add_durations(const struct pfs_durations *durations, const char *labels,
			  const char *endpoint, struct pfs_buffer *buffer)
{
	static const char name[] = "pinefs_request_duration_seconds";
	uint64_t count = 0;

	for (size_t i = 0; i < PFS_DURATIONS; i++) {
		char bound[16] = "+Inf";

		if (i < PFS_DURATIONS - 1)
			(void)snprintf(bound, sizeof(bound), "%g", bounds[i]);
		count += durations->counts[i];
		(void)pfs_buffer_format(buffer,
					"%s_bucket{%s,endpoint=\"%s\",le=\"%s\"} %" PRIu64 "\n",
					name, labels, endpoint, bound, count);
	}
	(void)pfs_buffer_format(buffer, "%s_sum{%s,endpoint=\"%s\"} %.9f\n", name, labels, endpoint,
				(double)durations->sum / (double)PFS_SECOND);
	(void)pfs_buffer_format(buffer, "%s_count{%s,endpoint=\"%s\"} %" PRIu64 "\n", name, labels,
				endpoint, count);
}

void pfs_stats_render_metrics(const struct pfs_stats *stats, const char *labels,
			      struct pfs_buffer *buffer)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		add_family(&families[i], stats, labels, buffer);
	add_statuses(stats, labels, buffer);
	pfs_stats_add_head(buffer, "request_duration_seconds",
			   "How long questions to the API took, retries included.", "histogram");
	for (size_t i = 0; i < PFS_ENDPOINT_COUNT; i++)
		add_durations(&stats->durations[i], labels, endpoint_names[i], buffer);
	pfs_stats_add_head(buffer, "last_success_timestamp_seconds",
			   "When the API last gave a good answer; 0: never.", "gauge");
	(void)pfs_buffer_format(buffer, "pinefs_last_success_timestamp_seconds{%s} %.3f\n", labels,
				(double)stats->last_success / (double)PFS_SECOND);
	pfs_stats_add_head(buffer, "api_failing", "1 while the API's last answer was no good one.",
			   "gauge");
	(void)pfs_buffer_format(buffer, "pinefs_api_failing{%s} %d\n", labels,
				*stats->failing != '\0');
	pfs_stats_add_head(buffer, "key_rejected",
			   "1 while the API's last answer rejected the key.", "gauge");
	(void)pfs_buffer_format(buffer, "pinefs_key_rejected{%s} %d\n", labels,
				stats->key_rejected);
}

/* --- failures ------------------------------------------------------------------------------ */

/* "-" for what isn't there, so that tools which split at runs of blanks count right, too. */
static void add_column(struct pfs_buffer *buffer, const char *text)
{
	if (!*text)
		text = "-";
	pfs_buffer_add_string(buffer, "\t");
	pfs_buffer_add_escaped(buffer, text, strlen(text));
}

static void render_failure(const struct pfs_failure_line *line, struct pfs_buffer *buffer)
{
	char time[PFS_TIME_SIZE], status[16] = "";

	if (line->status)
		(void)snprintf(status, sizeof(status), "%d", line->status);
	(void)pfs_buffer_add_string(buffer, pfs_time_format(line->when, time, sizeof(time)));
	add_column(buffer, line->object);
	add_column(buffer, pfs_errno_name(line->error));
	add_column(buffer, status);
	add_column(buffer, line->request_id);
	add_column(buffer, line->text);
	(void)pfs_buffer_format(buffer, "\ttimes=%" PRIu64 "\tsince=%s", line->times,
				pfs_time_format(line->since, time, sizeof(time)));
	(void)pfs_buffer_format(buffer, "\tagain=%s\n",
				line->again ? pfs_time_format(line->again, time, sizeof(time))
					    : "-");
}

void pfs_stats_render_failures(const struct pfs_stats *stats, struct pfs_buffer *buffer)
{
	for (size_t i = 0; i < stats->failures_kept; i++)
		render_failure(&stats->failures[i], buffer);
}
