/* SPDX-License-Identifier: MIT */
/*
 * cached KIND ROUNDS ITERATIONS PATH...
 *
 * KIND is read, whole, link, stat or list.
 *
 * How long does it take to read, stat or list what the kernel has already? Each round goes once
 * over all paths, so that what else the machine does meets them all, and starts with another one
 * each time. Prints a line a round: ns for one operation on each path, in the order given.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* open, one read(2), close. Files here are smaller than the buffer. */
static void do_read(const char *path)
{
	char bytes[8192];
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, bytes, sizeof(bytes)) <= 0)
		err(1, "%s", path);
	close(fd);
}

/* The same to the end of the file, as cat(1) does. */
static void do_whole(const char *path)
{
	static char bytes[128 * 1024];
	int fd = open(path, O_RDONLY);
	ssize_t got, sum = 0;

	while (fd >= 0 && (got = read(fd, bytes, sizeof(bytes))) > 0)
		sum += got;
	if (fd < 0 || got < 0 || !sum)
		err(1, "%s", path);
	close(fd);
}

static void do_link(const char *path)
{
	char target[4096];

	if (readlink(path, target, sizeof(target)) <= 0)
		err(1, "%s", path);
}

static void do_stat(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		err(1, "%s", path);
}

static void do_list(const char *path)
{
	DIR *directory = opendir(path);

	if (!directory)
		err(1, "%s", path);
	while (readdir(directory))
		;
	closedir(directory);
}

static void (*operation(const char *kind))(const char *path)
{
	if (!strcmp(kind, "read"))
		return do_read;
	if (!strcmp(kind, "whole"))
		return do_whole;
	if (!strcmp(kind, "link"))
		return do_link;
	if (!strcmp(kind, "stat"))
		return do_stat;
	if (!strcmp(kind, "list"))
		return do_list;
	errx(2, "%s: not read, whole, link, stat or list", kind);
}

/* ns for one. */
static double measure(void (*operate)(const char *path), const char *path, int iterations)
{
	int64_t begun;

	for (int i = 0; i < iterations / 10 + 1; i++)
		operate(path);
	begun = now();
	for (int i = 0; i < iterations; i++)
		operate(path);
	return (double)(now() - begun) / iterations;
}

int main(int argc, char *argv[])
{
	void (*operate)(const char *path);
	int rounds, iterations, count = argc - 4;
	double *times;

	if (count < 1)
		errx(2, "usage: cached KIND ROUNDS ITERATIONS PATH...");
	operate = operation(argv[1]);
	rounds = atoi(argv[2]);
	iterations = atoi(argv[3]);
	times = calloc((size_t)count, sizeof(*times));
	if (!times || rounds < 1 || iterations < 1)
		errx(2, "can't do that");
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < count; i++) {
			int which = (round + i) % count;

			times[which] = measure(operate, argv[4 + which], iterations);
		}
		for (int i = 0; i < count; i++)
			printf("%.0f%c", times[i], i == count - 1 ? '\n' : ' ');
	}
	free(times);
	return 0;
}
