/* SPDX-License-Identifier: MIT */
/*
 * Perhaps nobody reads the log, so a line that would have to wait is dropped. But O_NONBLOCK must
 * not be set on the stderr that we were given, since the shell and other programs share its open
 * file. So a pipe or a terminal is opened again for each line, which gives an open file of our own;
 * a socket takes a flag with each message. poll(2) alone isn't enough: it promises room for one
 * byte of a terminal, and another writer may take the room first. It is what remains where we may
 * not open: a pipe or a terminal of another user.
 *
 * syslog(3) waits, too, and so does sd_journal_send(3): their datagrams are sent from here, in the
 * same formats.
 */
#include "pinefs/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "pinefs/text.h"

#define NAME  "pinefs"
#define OTHER 100 /* bytes of a line that aren't its text */

static enum pfs_log_level level_shown = PFS_LOG_WARNING;
static enum pfs_log_target target;
static const char *socket_path; /* of syslogd or journald */
static bool torn;		/* the last line on stderr got there in part */
static uint64_t dropped;	/* lines, since one was written */
static uint64_t all_dropped;

/* A pipe's atomic write has room for a whole line. */
_Static_assert(PFS_LOG_LINE + OTHER <= PIPE_BUF, "a line is written as a whole or not at all");

void pfs_log_open(enum pfs_log_level level, enum pfs_log_target to, const char *path)
{
	level_shown = level;
	target = to;
	socket_path = path		      ? path
		      : to == PFS_LOG_JOURNAL ? PFS_LOG_JOURNAL_PATH
					      : PFS_LOG_SYSLOG_PATH;
}

enum pfs_log_target pfs_log_background(void)
{
	return access(PFS_LOG_JOURNAL_PATH, W_OK) ? PFS_LOG_SYSLOG : PFS_LOG_JOURNAL;
}

enum pfs_log_target pfs_log_foreground(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat stat;
	char own[64];

	if (!stream || fstat(STDERR_FILENO, &stat))
		return PFS_LOG_STDERR;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
	return strcmp(stream, own) != 0 || access(PFS_LOG_JOURNAL_PATH, W_OK) ? PFS_LOG_STDERR
									      : PFS_LOG_JOURNAL;
}

uint64_t pfs_log_dropped(void)
{
	return all_dropped;
}

/* --- to standard error --------------------------------------------------------------------- */

static bool is_waited_for(mode_t mode)
{
	return S_ISFIFO(mode) || (S_ISCHR(mode) && isatty(STDERR_FILENO));
}

static bool has_room(int fd)
{
	struct pollfd waited = {.fd = fd, .events = POLLOUT};

	return poll(&waited, 1, 0) == 1 && (waited.revents & POLLOUT);
}

/* What write(2) says; -1, too, if it would have to wait. */
static ssize_t write_at_once(const char *line, size_t length)
{
	struct stat stat;
	ssize_t written;
	int fd = -1;

	if (fstat(STDERR_FILENO, &stat))
		return -1;
	if (S_ISSOCK(stat.st_mode))
		return send(STDERR_FILENO, line, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (is_waited_for(stat.st_mode))
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return has_room(STDERR_FILENO) ? write(STDERR_FILENO, line, length) : -1;
	written = write(fd, line, length);
	close(fd);
	return written;
}

/* In one write, so that the lines of several processes don't mix. */
static bool write_line(const char *escaped)
{
	char line[PFS_LOG_LINE + OTHER];
	int length = snprintf(line, sizeof(line), "%s" NAME ": %s\n", torn ? "\n" : "", escaped);
	ssize_t written = write_at_once(line, (size_t)length);

	if (written > 0)
		torn = written < length;
	return written == length;
}

/* --- to syslog ----------------------------------------------------------------------------- */

static int syslog_severity(enum pfs_log_level level)
{
	static const int severities[] = {
		[PFS_LOG_ERROR] = LOG_ERR,
		[PFS_LOG_WARNING] = LOG_WARNING,
		[PFS_LOG_INFO] = LOG_INFO,
		[PFS_LOG_DEBUG] = LOG_DEBUG,
	};

	return severities[level];
}

/*
 * Send a line over a new socket, so that it doesn't matter whether syslogd has been restarted, or
 * started only after us. 0 or -errno.
 */
static int send_as(int type, const char *message, size_t length)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	ssize_t sent;

	if (fd < 0)
		return -errno;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		error = -errno;
	} else {
		sent = send(fd, message, length, MSG_NOSIGNAL);
		if (sent != (ssize_t)length)
			error = sent < 0 ? -errno : -EAGAIN;
	}
	close(fd);
	return error;
}

/* As syslog(3) does it: datagrams, or, if syslogd listens for those, a stream of messages that each
 * end with a NUL. */
static bool send_line(enum pfs_log_level level, const char *escaped)
{
	char message[PFS_LOG_LINE + OTHER], when[32] = "";
	time_t now = time(NULL);
	struct tm local;
	int length, error;

	if (localtime_r(&now, &local))
		(void)strftime(when, sizeof(when), "%h %e %T", &local);
	length = snprintf(message, sizeof(message), "<%d>%s " NAME "[%d]: %s",
			  LOG_DAEMON | syslog_severity(level), when, (int)getpid(), escaped);
	error = send_as(SOCK_DGRAM, message, (size_t)length);
	if (error == -EPROTOTYPE)
		error = send_as(SOCK_STREAM, message, (size_t)length + 1);
	return !error;
}

/* --- to the journal ------------------------------------------------------------------------ */

/* A field that isn't "", escaped so that it stays on its line: see systemd's native protocol. */
static void add_field(struct pfs_buffer *message, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	(void)pfs_buffer_format(message, "%s=", name);
	(void)pfs_buffer_add_escaped(message, value, strlen(value));
	(void)pfs_buffer_add_string(message, "\n");
}

static bool send_entry(enum pfs_log_level level, const struct pfs_log_about *about,
		       const char *escaped)
{
	struct pfs_buffer message = {0};
	char status[16] = "";
	bool sent;

	if (about->http_status)
		(void)snprintf(status, sizeof(status), "%d", about->http_status);
	(void)pfs_buffer_format(&message, "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=" NAME "\n",
				escaped, syslog_severity(level));
	add_field(&message, "PINEFS_OBJECT", about->object);
	add_field(&message, "PINEFS_OBJECT", about->other);
	add_field(&message, "PINEFS_HTTP_STATUS", status);
	add_field(&message, "PINEFS_REQUEST_ID", about->request_id);
	sent = !message.error && !send_as(SOCK_DGRAM, message.bytes, message.length);
	pfs_buffer_finish(&message);
	return sent;
}

/* --- lines --------------------------------------------------------------------------------- */

static bool put(enum pfs_log_level level, const struct pfs_log_about *about, const char *escaped)
{
	switch (target) {
	case PFS_LOG_SYSLOG:
		return send_line(level, escaped);
	case PFS_LOG_JOURNAL:
		return send_entry(level, about, escaped);
	case PFS_LOG_STDERR:
		break;
	}
	return write_line(escaped);
}

static bool tell_dropped(void)
{
	static const struct pfs_log_about nothing = {0};
	char line[OTHER];

	(void)snprintf(line, sizeof(line), "log: lines dropped that couldn't be written: %" PRIu64,
		       dropped);
	return put(PFS_LOG_WARNING, &nothing, line);
}

__attribute__((format(printf, 3, 0))) static void log_line(enum pfs_log_level level,
							   const struct pfs_log_about *about,
							   const char *format, va_list arguments)
{
	int saved_errno = errno; /* a log line must not change what the caller is about to read */
	char escaped[PFS_LOG_LINE];

	if (level > level_shown)
		return;
	pfs_escape_format(escaped, sizeof(escaped), format, arguments);
	if (dropped && tell_dropped())
		dropped = 0;
	if (dropped || !put(level, about, escaped)) {
		dropped++;
		all_dropped++;
	}
	errno = saved_errno;
}

void pfs_log(enum pfs_log_level level, const char *format, ...)
{
	static const struct pfs_log_about nothing = {0};
	va_list arguments;

	va_start(arguments, format);
	log_line(level, &nothing, format, arguments);
	va_end(arguments);
}

void pfs_log_of(enum pfs_log_level level, const struct pfs_log_about *about, const char *format,
		...)
{
	va_list arguments;

	va_start(arguments, format);
	log_line(level, about, format, arguments);
	va_end(arguments);
}
