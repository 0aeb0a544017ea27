/* SPDX-License-Identifier: MIT */
#include "fake_time.h"

static int64_t monotonic(const struct pfs_clock *clock)
{
	return FAKE_START + ((const struct fake_time *)clock)->passed;
}

static int64_t wall(const struct pfs_clock *clock)
{
	const struct fake_time *time = (const struct fake_time *)clock;

	return FAKE_EPOCH + time->passed + time->set_by;
}

void fake_time_init(struct fake_time *time)
{
	*time = (struct fake_time){.clock = {.monotonic = monotonic, .wall = wall}};
}

static int jump(void *arg, struct pollfd *fds, size_t count, int timeout)
{
	struct fake_time *time = arg;
	int64_t step = time->left;

	if (timeout >= 0 && timeout * PFS_MILLISECOND < step) {
		step = timeout * PFS_MILLISECOND;
		time->wakes++;
	}
	time->passed += step;
	time->left -= step;
	for (size_t i = 0; i < count; i++)
		fds[i].revents = 0;
	return 0;
}

void fake_time_drive(struct fake_time *time, struct pfs_loop *loop)
{
	const struct pfs_loop_waiter waiter = {.wait = jump, .arg = time};

	pfs_loop_set_waiter(loop, &waiter);
}

void fake_time_pass(struct fake_time *time, struct pfs_loop *loop, int64_t ns)
{
	time->left = ns;
	do
		(void)pfs_loop_turn(loop);
	while (time->left);
	(void)pfs_loop_turn(loop); /* what the last moment brought */
}
