/* SPDX-License-Identifier: MIT */
/*
 * stats: the counters that /.pinefs/stats shows, and the last failures that /.pinefs/errors
 * shows. main has the one struct and lends it to every room that counts; a room writes only its
 * own counters.
 *
 * Ground: uses text only.
 */
#ifndef PINEFS_STATS_H
#define PINEFS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pfs_buffer;

/* Types of messages from the kernel, in the order of the table of names in stats.c. */
enum pfs_message {
	PFS_MESSAGE_LOOKUP,
	PFS_MESSAGE_GETATTR,
	PFS_MESSAGE_READ,
	PFS_MESSAGE_READDIR,
	PFS_MESSAGE_GETXATTR,
	PFS_MESSAGE_OTHER, /* open, access, statfs, and all that would change something */
	PFS_MESSAGE_COUNT,
};

/* Types of requests to the API. */
enum pfs_endpoint {
	PFS_ENDPOINT_DESCRIBE,
	PFS_ENDPOINT_LIST,
	PFS_ENDPOINT_COMMAND,
	PFS_ENDPOINT_COUNT,
};

/* What there was for a caller of the store. One for whom the API was asked in vain, and who got
 * stale content, counts twice: by what there was when it came, and as stale. */
enum pfs_served {
	PFS_SERVED_FRESH,   /* content that was valid: the API wasn't asked */
	PFS_SERVED_EXPIRED, /* content that had expired: it was asked */
	PFS_SERVED_MISSING, /* there was none: it was asked */
	PFS_SERVED_STALE,   /* content that had expired, given since the API had failed */
	PFS_SERVED_COUNT,
};

/* How long requests took, by the bounds of the table in stats.c; the last has none. */
#define PFS_DURATIONS 12
struct pfs_durations {
	uint64_t counts[PFS_DURATIONS];
	int64_t sum; /* ns */
};

#define PFS_STATUS_FIRST 100
#define PFS_STATUS_COUNT 500

/* A failure, or several that differ in nothing but their time. */
#define PFS_FAILURE_TEXT 512
struct pfs_failure_line {
	int64_t when;	/* of the last one; ns since the epoch, as all times here */
	int64_t since;	/* of the first */
	int64_t again;	/* when the pause after it ends; 0: there is none */
	uint64_t times; /* how many failures this line counts */
	int error;	/* errno, positive */
	int status;	/* of HTTP; 0 if there was no answer */
	int64_t logged; /* main, monotonic: when one was last logged; 0: none was */
	char object[300];
	char request_id[80];
	char text[PFS_FAILURE_TEXT];
};

#define PFS_FAILURES_KEPT 50

struct pfs_stats {
	/* fs: messages from the kernel, but for those about /.pinefs: to read the counters mustn't
	 * change them. */
	uint64_t messages[PFS_MESSAGE_COUNT];
	uint64_t replies_failed; /* replies of an errno other than "no such file or attribute" */
	uint64_t interrupted;	 /* callers that gave up waiting */

	uint64_t log_lines_dropped; /* main: as the log counts them */

	/* http */
	uint64_t attempts;    /* requests sent, retries included */
	uint64_t retries;     /* those that repeat an earlier one */
	uint64_t connections; /* connections opened */
	uint64_t received;    /* bytes of bodies */
	uint64_t throttled;   /* requests that had to wait for --max-rate */

	/* api */
	uint64_t requests[PFS_ENDPOINT_COUNT]; /* each counted once with its retries */
	uint64_t answers[6];		       /* by first digit of the status; [0]: no answer */
	uint64_t key_reloads;
	uint64_t rows_refused; /* rows of a list that can't be read, or whose id can't be a name */

	/* store */
	uint64_t served[PFS_SERVED_COUNT];
	uint64_t joined;       /* callers that waited for a request already under way */
	uint64_t stale_served; /* callers given expired content because the API failed */
	uint64_t changes;      /* objects whose content changed */
	uint64_t objects;      /* known now */
	uint64_t object_bytes; /* of their contents now, and of older ones still in use */
	uint64_t missing;      /* ids now remembered as not there */
	uint64_t waiting;      /* callers now waiting for an answer */

	/* history */
	uint64_t history_bytes; /* of the objects' lines now */

	/* table */
	uint64_t table_texts; /* held now: the latest, and those that somebody still refers to */
	uint64_t table_bytes; /* of these */

	/* The last failures, oldest first. */
	uint64_t failure_count; /* of all failures so far */
	struct pfs_failure_line failures[PFS_FAILURES_KEPT];
	size_t failures_kept;

	/* api, for pfs_stats_render_metrics: see pfs_stats_end. */
	uint64_t statuses[PFS_STATUS_COUNT]; /* answers by status, less PFS_STATUS_FIRST */
	struct pfs_durations durations[PFS_ENDPOINT_COUNT];
	int64_t last_success; /* ns since the epoch: when the API last answered well; 0: never */
	/* Why the API doesn't answer well, for people, and since when (ns since the epoch); "": the
	 * last answer was good, or there was none. */
	char failing[PFS_FAILURE_TEXT];
	int64_t failing_since;
	bool key_rejected; /* by the last answer */
};

/* A failure for pfs_stats_fail, as in a line of failures. request_id and text may be NULL. */
struct pfs_failed {
	int64_t when;
	int64_t again;
	int error;
	int status;
	const char *object;
	const char *request_id;
	const char *text;
};

/*
 * Count a failure and copy it, its texts cut to fit. If a kept one is of the same object, with the
 * same error and status and a text that differs at most in numbers ("after 12 ms"), the failure is
 * counted there, and the line becomes the newest. So an object that fails again and again doesn't
 * push out all others.
 */
void pfs_stats_fail(struct pfs_stats *stats, const struct pfs_failed *failed);

/*
 * A request to the API has ended: with this status of HTTP, 0 for none; with this errno (positive;
 * 0 for a good answer) and these words for people; after took ns; at a time in ns since the epoch.
 */
struct pfs_ended {
	enum pfs_endpoint endpoint;
	int status;
	int error;
	const char *text;
	int64_t took;
	int64_t at;
};
void pfs_stats_end(struct pfs_stats *stats, const struct pfs_ended *ended);

/* Append the lines before a metric's samples; its name without "pinefs_". */
void pfs_stats_add_head(struct pfs_buffer *buffer, const char *name, const char *help,
			const char *type);
/*
 * Append what pfs_stats_render does, and the times that requests took, in the text format that
 * Prometheus and node_exporter take. Each sample has these labels (mount="/mnt").
 */
void pfs_stats_render_metrics(const struct pfs_stats *stats, const char *labels,
			      struct pfs_buffer *buffer);

/*
 * Append the counters as OpenMetrics 1.0 text; and the failures, one line each, the newest last:
 * time, object, errno, HTTP status, request id, text, times=N, since=TIME, again=TIME; with tabs
 * between, all escaped, "-" for what is missing. Errors stay in the buffer.
 */
void pfs_stats_render(const struct pfs_stats *stats, struct pfs_buffer *buffer);
void pfs_stats_render_failures(const struct pfs_stats *stats, struct pfs_buffer *buffer);

#endif
