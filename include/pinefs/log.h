/* SPDX-License-Identifier: MIT */
/*
 * log: what pinefs reports to its operator, one line a message: to stderr in the foreground, to
 * systemd's journal or to syslog in the background. Its level, its target and the count of dropped
 * lines are the only mutable state at file scope in the program: a log that has to be handed down
 * everywhere ends by not being written.
 *
 * Lines are escaped as by pfs_buffer_add_escaped, so that nothing reaches a terminal as it came
 * from the network, and are cut at PFS_LOG_LINE - 1 bytes. Never log the key, request headers, or a
 * query string. The caller's errno is kept.
 *
 * Never waits for the reader: a line that can't be written at once is dropped and counted, and the
 * next line that can be written is preceded by one that says how many were dropped. Only a stderr
 * that is a file on a hanging filesystem can block.
 *
 * Ground: uses text only.
 */
#ifndef PINEFS_LOG_H
#define PINEFS_LOG_H

#include <stdint.h>

#define PFS_LOG_LINE 2048

enum pfs_log_level { PFS_LOG_ERROR, PFS_LOG_WARNING, PFS_LOG_INFO, PFS_LOG_DEBUG };

enum pfs_log_target { PFS_LOG_STDERR, PFS_LOG_SYSLOG, PFS_LOG_JOURNAL };

/* Where syslogd and systemd-journald listen. */
#define PFS_LOG_SYSLOG_PATH  "/dev/log"
#define PFS_LOG_JOURNAL_PATH "/run/systemd/journal/socket"

/*
 * Set the level, above which messages are dropped, and the target, with the path (borrowed) of its
 * socket; NULL: where it usually is. Until this is called, warnings and errors go to stderr.
 */
void pfs_log_open(enum pfs_log_level level, enum pfs_log_target target, const char *path);

/*
 * The target for a process without a terminal: the journal if journald listens, else syslog. For
 * a process in the foreground: the journal if its stderr leads there ($JOURNAL_STREAM, see
 * systemd.exec(5)), since lines sent to its socket can have fields; else stderr.
 */
enum pfs_log_target pfs_log_background(void);
enum pfs_log_target pfs_log_foreground(void);

/* Lines dropped so far. */
uint64_t pfs_log_dropped(void);

void pfs_log(enum pfs_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The same, of something: in the journal the line has the fields PINEFS_OBJECT, PINEFS_HTTP_STATUS
 * and PINEFS_REQUEST_ID, so that journalctl finds it. NULL, "" or 0: it lacks that one.
 */
struct pfs_log_about {
	const char *object; /* its path below the mountpoint */
	const char *other;  /* likewise: a second PINEFS_OBJECT */
	int http_status;
	const char *request_id;
};
void pfs_log_of(enum pfs_log_level level, const struct pfs_log_about *about, const char *format,
		...) __attribute__((format(printf, 3, 4)));

#define pfs_error(...)	 pfs_log(PFS_LOG_ERROR, __VA_ARGS__)
#define pfs_warning(...) pfs_log(PFS_LOG_WARNING, __VA_ARGS__)
#define pfs_info(...)	 pfs_log(PFS_LOG_INFO, __VA_ARGS__)
#define pfs_debug(...)	 pfs_log(PFS_LOG_DEBUG, __VA_ARGS__)

#endif
