/* SPDX-License-Identifier: MIT */
/*
 * set-clocks.so: loaded before a program (LD_PRELOAD), it gives it clocks that a test can set.
 *
 * $SET_CLOCKS_FILE holds two int64_t: nanoseconds by which CLOCK_REALTIME and CLOCK_BOOTTIME are
 * ahead of the machine's. It is mapped, so that what is written there holds at once.
 *
 * Real clocks that make a step cancel the timers of CLOCK_REALTIME that asked for it
 * (timerfd_settime(2), TFD_TIMER_CANCEL_ON_SET). The descriptor of such a timer is $SET_CLOCKS_FIFO
 * here: whoever sets the clock writes a byte there.
 *
 * libfaketime has one offset for all clocks, so it can't suspend a machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead; /* [0] CLOCK_REALTIME, [1] CLOCK_BOOTTIME */

__attribute__((constructor)) static void map_file(void)
{
	const char *path = getenv("SET_CLOCKS_FILE");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map;

	if (fd < 0)
		return;
	map = mmap(NULL, 2 * sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		ahead = map;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, id, now);
	int64_t ns;

	if (result || !ahead || (id != CLOCK_REALTIME && id != CLOCK_BOOTTIME))
		return result;
	ns = now->tv_nsec + ahead[id == CLOCK_BOOTTIME];
	now->tv_sec += ns / 1000000000;
	now->tv_nsec = ns % 1000000000;
	if (now->tv_nsec < 0) {
		now->tv_nsec += 1000000000;
		now->tv_sec--;
	}
	return 0;
}

int timerfd_create(int id, int flags)
{
	const char *path = getenv("SET_CLOCKS_FIFO");

	if (path && id == CLOCK_REALTIME)
		return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return (int)syscall(SYS_timerfd_create, id, flags);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	int result = (int)syscall(SYS_timerfd_settime, fd, flags, new, old);

	/* The FIFO is none. */
	return result && errno == EINVAL ? 0 : result;
}
