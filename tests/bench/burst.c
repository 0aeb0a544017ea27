/* SPDX-License-Identifier: MIT */
/*
 * burst READERS FILE: that many processes read the file at the same time.
 *
 * They are started first, and wait on a pipe. Prints the ns from opening the pipe until the last
 * one has ended, and how many of them got the bytes that most got.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a reader got; shared with the one who counts. */
struct result {
	ssize_t length;
	char bytes[56];
};

static int64_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void read_file(const char *path, struct result *result)
{
	int fd = open(path, O_RDONLY);

	result->length = fd < 0 ? -1 : read(fd, result->bytes, sizeof(result->bytes));
	_exit(0);
}

static void start_readers(int readers, const char *path, struct result *results, int ends[2])
{
	for (int i = 0; i < readers; i++) {
		char byte;
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child)
			continue;
		close(ends[1]);
		(void)!read(ends[0], &byte, 1);
		read_file(path, &results[i]);
	}
}

static int count_equal(const struct result *results, int readers, const struct result *wanted)
{
	int count = 0;

	for (int i = 0; i < readers; i++)
		count += results[i].length == wanted->length && wanted->length > 0 &&
			 !memcmp(results[i].bytes, wanted->bytes, (size_t)wanted->length);
	return count;
}

int main(int argc, char *argv[])
{
	int readers = argc == 3 ? atoi(argv[1]) : 0, ends[2], most = 0;
	struct result *results;
	int64_t begun, ended;

	if (readers < 1)
		errx(2, "usage: burst READERS FILE");
	results = mmap(NULL, (size_t)readers * sizeof(*results), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED || pipe(ends))
		err(1, "burst");
	start_readers(readers, argv[2], results, ends);
	close(ends[0]);
	begun = now();
	close(ends[1]);
	while (wait(NULL) > 0)
		;
	ended = now();
	for (int i = 0; i < readers && most <= readers / 2; i++) {
		int same = count_equal(results, readers, &results[i]);

		most = same > most ? same : most;
	}
	printf("%lld %d\n", (long long)(ended - begun), most);
	return 0;
}
