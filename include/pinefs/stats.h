/* SPDX-License-Identifier: MIT */
/*
 * stats: the counters that /.pinefs/stats shows, and the last failures that /.pinefs/errors
 * shows. One struct, made by main, lent to every room that counts; a room adds only to its own.
 *
 * Ground: uses text only.
 */
#ifndef PINEFS_STATS_H
#define PINEFS_STATS_H

#include <stddef.h>
#include <stdint.h>

struct pfs_buffer;

/* What the kernel can ask; order is that of the table of names in stats.c. */
enum pfs_message {
	PFS_MESSAGE_LOOKUP,
	PFS_MESSAGE_GETATTR,
	PFS_MESSAGE_READ,
	PFS_MESSAGE_READDIR,
	PFS_MESSAGE_GETXATTR,
	PFS_MESSAGE_OTHER, /* open, access, statfs, and all that would change something */
	PFS_MESSAGE_COUNT,
};

/* What the API is asked. */
enum pfs_endpoint { PFS_ENDPOINT_DESCRIBE, PFS_ENDPOINT_LIST, PFS_ENDPOINT_COUNT };

/* A failure, or several that are told apart by nothing but their time. */
#define PFS_FAILURE_TEXT 512
struct pfs_failure_line {
	int64_t when;	/* of the last one; ns since the epoch, as all times here */
	int64_t since;	/* of the first */
	int64_t again;	/* when it may be asked for again; 0: nothing keeps it from that */
	uint64_t times; /* how many */
	int error;	/* errno, positive */
	int status;	/* of HTTP; 0 if there was no answer */
	char object[300];
	char request_id[80];
	char text[PFS_FAILURE_TEXT];
};

#define PFS_FAILURES_KEPT 50

struct pfs_stats {
	/* fs: messages from the kernel, but for those about /.pinefs: looking mustn't change it. */
	uint64_t messages[PFS_MESSAGE_COUNT];
	uint64_t replies_failed; /* replies of an errno that says more than "not there" */
	uint64_t interrupted;	 /* callers that gave up waiting */

	uint64_t log_lines_dropped; /* main: as the log counts them */

	/* http */
	uint64_t attempts;    /* requests sent, retries included */
	uint64_t retries;     /* those that repeat an earlier one */
	uint64_t connections; /* connections opened */
	uint64_t received;    /* bytes of bodies */
	uint64_t throttled;   /* requests that had to wait for --max-rate */

	/* api */
	uint64_t requests[PFS_ENDPOINT_COUNT]; /* questions asked, each with its retries */
	uint64_t answers[6];		       /* by first digit of the status; [0]: no answer */
	uint64_t key_reloads;
	uint64_t rows_refused; /* rows of a list that can't be read, or whose id can't be a name */

	/* store */
	uint64_t joined;       /* callers that waited for a request already under way */
	uint64_t stale_served; /* answers given from before a failure */
	uint64_t changes;      /* objects whose content changed */
	uint64_t objects;      /* held now */
	uint64_t missing;      /* ids now remembered as not there */
	uint64_t waiting;      /* callers now waiting for an answer */

	/* The last failures, oldest first. */
	uint64_t failure_count; /* all that there were */
	struct pfs_failure_line failures[PFS_FAILURES_KEPT];
	size_t failures_kept;
};

/* As a line of failures has it. request_id and text may be NULL; borrowed. */
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
 * Keep a failure; texts are cut to fit. One that is kept already, of the same object, with the same
 * error and status and a text that differs in numbers at most ("after 12 ms"), is counted there,
 * and becomes the newest: so one object that fails again and again doesn't push out all others.
 */
void pfs_stats_fail(struct pfs_stats *stats, const struct pfs_failed *failed);

/*
 * Render as OpenMetrics 1.0 text; and the failures, a line each, newest last, tab-separated:
 * time, object, errno, HTTP status, request id, text, times=N, since=TIME, again=TIME; all escaped,
 * "-" for what isn't there. Errors stay in the buffer.
 */
void pfs_stats_render(const struct pfs_stats *stats, struct pfs_buffer *buffer);
void pfs_stats_render_failures(const struct pfs_stats *stats, struct pfs_buffer *buffer);

#endif
