/* SPDX-License-Identifier: MIT */
/* The simulator of --demo: find it, start it, end it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "main.h"

#define SIMULATOR "pinecone-sim"
#define PATIENCE  10000 /* ms until its first line */

extern char **environ;

/* Find it beside this program, or below as in the build tree; else give its name, for PATH. */
static int find_simulator(char **ret_path)
{
	static const char *const places[] = {"/" SIMULATOR, "/sim/" SIMULATOR};
	char self[4096], *slash, *path;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length > 0 ? length : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		if (asprintf(&path, "%s%s", self, places[i]) < 0)
			return -ENOMEM;
		if (!access(path, X_OK)) {
			*ret_path = path;
			return 0;
		}
		free(path);
	}
	*ret_path = strdup(SIMULATOR);
	return *ret_path ? 0 : -ENOMEM;
}

/* Our signals are blocked for signalfd; the simulator wants its own. 0 or -errno. */
static int spawn(const char *path, int output, pid_t *ret_pid)
{
	/* A restore that somebody watches should end before they lose patience. */
	char *const arguments[] = {(char *)SIMULATOR, (char *)"--die-with-parent",
				   (char *)"--restore-time=12", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	(void)sigemptyset(&none);
	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes)) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return -ENOMEM;
	}
	/* Whoever reads our stderr must not wait for the simulator to close it. */
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
							 O_WRONLY, 0);
	if (!error)
		error = posix_spawnattr_setsigmask(&attributes, &none);
	if (!error)
		error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (!error)
		error = posix_spawnp(ret_pid, path, &actions, &attributes, arguments, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	return -error;
}

/* Read the first line of its output, without the newline. 0, -ETIMEDOUT, -EIO. */
static int read_line(int fd, char *line, size_t size)
{
	struct pollfd waited = {.fd = fd, .events = POLLIN};
	size_t length = 0;

	while (length < size - 1) {
		int ready = poll(&waited, 1, PATIENCE);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return -ETIMEDOUT;
		if (read(fd, line + length, 1) != 1)
			return -EIO;
		if (line[length] == '\n')
			break;
		length++;
	}
	line[length] = '\0';
	return 0;
}

int demo_start(struct program *program, char **ret_url, char *text, size_t size)
{
	char *path = NULL, line[200];
	int ends[2], error = find_simulator(&path);

	if (error || pipe2(ends, O_CLOEXEC)) {
		free(path);
		return error ? error : -errno;
	}
	error = spawn(path, ends[1], &program->simulator);
	close(ends[1]);
	program->simulator_output = ends[0];
	if (!error)
		error = read_line(ends[0], line, sizeof(line));
	if (!error)
		*ret_url = strdup(line);
	if (!error && !*ret_url)
		error = -ENOMEM;
	if (error == -ENOENT)
		(void)snprintf(text, size, "--demo: there is no " SIMULATOR "; install " SIMULATOR);
	else if (error)
		(void)snprintf(text, size, "--demo: can't start %s: %s", path, strerror(-error));
	free(path);
	return error;
}

void demo_stop(struct program *program)
{
	if (program->simulator > 0) {
		(void)kill(program->simulator, SIGTERM);
		while (waitpid(program->simulator, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (program->simulator_output >= 0)
		close(program->simulator_output);
	program->simulator = 0;
	program->simulator_output = -1;
}
