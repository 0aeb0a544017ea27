/* SPDX-License-Identifier: MIT */
/* Going to the background, and the report of how that went. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "main.h"

/* The report is a byte for success, or the text of a failure, or nothing if the child died. */
#define SUCCESS '\0'

static void copy_report(int report)
{
	char text[TEXT_SIZE];
	ssize_t length = 0, got;

	while ((size_t)length < sizeof(text) - 1) {
		got = read(report, text + length, sizeof(text) - 1 - (size_t)length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += got;
	}
	if (length && text[0] == SUCCESS)
		_exit(EXIT_SUCCESS);
	text[length] = '\0';
	(void)fprintf(stderr, "pinefs: %s\n", length ? text : "ended before it was mounted");
	_exit(EXIT_FAILURE);
}

/* The descriptor that a path like /dev/fd/3 means; 0: a standard one, or something else. */
static unsigned descriptor_of(const char *path)
{
	unsigned number = 0;
	int end = 0;

	if (path && sscanf(path, "/dev/fd/%u%n", &number, &end) != 1)
		(void)sscanf(path, "/proc/self/fd/%u%n", &number, &end);
	return end && !path[end] && number > STDERR_FILENO ? number : 0;
}

void start_close_inherited(const struct pfs_options *options)
{
	unsigned kept[] = {descriptor_of(options->api_key_file), descriptor_of(options->cacert)};
	unsigned first = kept[0] < kept[1] ? kept[0] : kept[1];
	unsigned last = kept[0] < kept[1] ? kept[1] : kept[0];
	unsigned next = STDERR_FILENO + 1;

	if (first > next)
		(void)close_range(next, first - 1, 0);
	if (first)
		next = first + 1;
	if (last > next)
		(void)close_range(next, last - 1, 0);
	if (last)
		next = last + 1;
	(void)close_range(next, ~0U, 0);
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

int start_in_background(int *ret_report)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		int error = -errno;

		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (child) {
		close(ends[1]);
		copy_report(ends[0]);
	}
	close(ends[0]);
	*ret_report = ends[1];
	return 0;
}

int start_report(int report, const char *text)
{
	const char success = SUCCESS;
	ssize_t sent = text ? write(report, text, strlen(text)) : write(report, &success, 1);
	int error = sent < 0 ? -errno : 0;

	close(report);
	return error;
}

void start_detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	(void)!chdir("/");
	if (null < 0)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

int start_notify(void)
{
	static const char ready[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error = 0;

	if (!length)
		return 0;
	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@') /* an abstract one, see unix(7) */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, ready, sizeof(ready) - 1, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		error = -errno;
	close(fd);
	return error;
}
