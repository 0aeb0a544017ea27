/* SPDX-License-Identifier: MIT */
#include "pinefs/stats.h"

#include <inttypes.h>
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
};

static const char *const class_names[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

#define ONE(member) .field = offsetof(struct pfs_stats, member), .count = 1
#define ROW(member, key, row)                                                                      \
	.field = offsetof(struct pfs_stats, member), .label = (key), .values = (row),              \
	.count = sizeof(row) / sizeof((row)[0])

static const struct family families[] = {
	{"messages", "Messages from the kernel about the tree of the API.", COUNTER,
	 ROW(messages, "op", message_names)},
	{"own_messages", "Messages from the kernel about /.pinefs.", COUNTER, ONE(own_messages)},
	{"replies_failed",
	 "Replies to the kernel that said an error other than that there is no such name.", COUNTER,
	 ONE(replies_failed)},
	{"interrupted", "Callers that gave up waiting.", COUNTER, ONE(interrupted)},
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
	{"joined", "Callers that waited for a request already under way.", COUNTER, ONE(joined)},
	{"stale_served", "Answers from before a failure.", COUNTER, ONE(stale_served)},
	{"changes", "Objects whose content changed.", COUNTER, ONE(changes)},
	{"failures", "Failures put into /.pinefs/errors.", COUNTER, ONE(failure_count)},
	{"objects", "Objects held.", GAUGE, ONE(objects)},
	{"missing", "Ids remembered as not there.", GAUGE, ONE(missing)},
	{"waiting", "Callers waiting for an answer.", GAUGE, ONE(waiting)},
};

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

void pfs_stats_fail(struct pfs_stats *stats, int64_t when, const char *object, int error,
		    int status, const char *request_id, const char *text)
{
	struct pfs_failure_line *line = &stats->failures[stats->failure_count % PFS_FAILURES_KEPT];

	line->when = when;
	line->error = error;
	line->status = status;
	copy(line->object, sizeof(line->object), object);
	copy(line->request_id, sizeof(line->request_id), request_id);
	copy(line->text, sizeof(line->text), text);
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
	char when[PFS_TIME_SIZE];
	char status[16] = "";

	if (line->status)
		snprintf(status, sizeof(status), "%d", line->status);
	pfs_buffer_add_string(buffer, pfs_time_format(line->when, when, sizeof(when)));
	add_column(buffer, line->object);
	add_column(buffer, pfs_errno_name(line->error));
	add_column(buffer, status);
	add_column(buffer, line->request_id);
	add_column(buffer, line->text);
	pfs_buffer_add_string(buffer, "\n");
}

void pfs_stats_render_failures(const struct pfs_stats *stats, struct pfs_buffer *buffer)
{
	uint64_t end = stats->failure_count;
	uint64_t first = end > PFS_FAILURES_KEPT ? end - PFS_FAILURES_KEPT : 0;

	for (uint64_t i = first; i < end; i++)
		render_failure(&stats->failures[i % PFS_FAILURES_KEPT], buffer);
}
