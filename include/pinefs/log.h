/* SPDX-License-Identifier: MIT */
/*
 * log: what pinefs tells its operator, one line a message: to stderr in the foreground, to syslog
 * in the background. The level, the place and what was dropped are the one state in the program
 * at file scope, since a log that has to be handed down everywhere ends by not being written.
 *
 * Lines are escaped as by pfs_buffer_add_escaped: nothing that came from the network reaches a
 * terminal as it was sent. Never the key, request headers, or a query string. Escaped lines are
 * cut at PFS_LOG_LINE - 1 bytes. The caller's errno is kept.
 *
 * Never waits for whoever reads: a line that can't be written at once is dropped and counted, and
 * the next one that can is preceded by one that says how many. Only a stderr that is a file on a
 * filesystem which hangs can't be helped.
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
 * Messages above level are passed over. path is a socket as syslogd has it, borrowed; NULL: to
 * stderr. Until this is called: warnings and worse, to stderr.
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
