/* SPDX-License-Identifier: MIT */
/* Into the background, and the one line that says how it went. */
#include <errno.h>
#include <fcntl.h>
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
