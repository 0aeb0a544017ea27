/* SPDX-License-Identifier: MIT */
#include "pinefs/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "pinefs/text.h"

static const char prefix[] = "pinefs: ";

static enum pfs_log_level level_shown = PFS_LOG_WARNING;
static bool in_syslog;

void pfs_log_open(enum pfs_log_level level, bool to_syslog)
{
	level_shown = level;
	if (to_syslog)
		openlog("pinefs", LOG_PID, LOG_DAEMON);
	else if (in_syslog)
		closelog();
	in_syslog = to_syslog;
}

static int syslog_priority(enum pfs_log_level level)
{
	static const int priorities[] = {
		[PFS_LOG_ERROR] = LOG_ERR,
		[PFS_LOG_WARNING] = LOG_WARNING,
		[PFS_LOG_INFO] = LOG_INFO,
		[PFS_LOG_DEBUG] = LOG_DEBUG,
	};

	return priorities[level];
}

/* In one write, so that the lines of several processes don't mix. */
static void write_line(const char *escaped)
{
	char line[sizeof(prefix) + PFS_LOG_LINE + 1];
	int length = snprintf(line, sizeof(line), "%s%s\n", prefix, escaped);

	/* There is nobody to tell when stderr is gone. */
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}

void pfs_log(enum pfs_log_level level, const char *format, ...)
{
	int saved_errno = errno; /* a log line must not change what the caller is about to read */
	char escaped[PFS_LOG_LINE];
	va_list arguments;

	if (level > level_shown)
		return;
	va_start(arguments, format);
	pfs_escape_format(escaped, sizeof(escaped), format, arguments);
	va_end(arguments);

	if (in_syslog)
		syslog(syslog_priority(level), "%s", escaped);
	else
		write_line(escaped);
	errno = saved_errno;
}
