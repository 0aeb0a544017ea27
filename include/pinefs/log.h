/* SPDX-License-Identifier: MIT */
/*
 * log: what pinefs reports to its operator, one line a message: to stderr in the foreground, to
 * syslog in the background. Its level, its target and the count of dropped lines are the only
 * mutable state at file scope in the program: a log that has to be handed down everywhere ends by
 * not being written.
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

/* Where syslogd listens. */
#define PFS_LOG_SYSLOG "/dev/log"

/*
 * Set the level, above which messages are dropped, and the target: path (borrowed) is a socket like
 * syslogd's; NULL is stderr. Until this is called, warnings and errors go to stderr.
 */
void pfs_log_open(enum pfs_log_level level, const char *path);

/* Lines dropped so far. */
uint64_t pfs_log_dropped(void);

void pfs_log(enum pfs_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define pfs_error(...)	 pfs_log(PFS_LOG_ERROR, __VA_ARGS__)
#define pfs_warning(...) pfs_log(PFS_LOG_WARNING, __VA_ARGS__)
#define pfs_info(...)	 pfs_log(PFS_LOG_INFO, __VA_ARGS__)
#define pfs_debug(...)	 pfs_log(PFS_LOG_DEBUG, __VA_ARGS__)

#endif
