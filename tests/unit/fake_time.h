/* SPDX-License-Identifier: MIT */
/*
 * fake_time: a clock that stands still unless it is moved, and a loop on it that jumps from timer
 * to timer instead of waiting. So a test sees every TTL to the nanosecond and takes no time.
 */
#ifndef PINEFS_FAKE_TIME_H
#define PINEFS_FAKE_TIME_H

#include <stdint.h>

#include "pinefs/loop.h"
#include "pinefs/text.h"

#define FAKE_START (1000 * PFS_SECOND)		      /* monotonic */
#define FAKE_EPOCH (INT64_C(1750000000) * PFS_SECOND) /* wall: 2025-06-15T15:06:40Z */

struct fake_time {
	struct pfs_clock clock; /* first: the clock's functions get its address */
	int64_t passed;		/* add to it outside of the loop: a machine that was suspended */
	int64_t set_by;		/* how far somebody has set the wall clock forward, or back */
	int64_t left;		/* of the move under way */
	unsigned wakes;		/* how often a timer stopped a move on its way */
};

void fake_time_init(struct fake_time *time);

/* Make the loop jump: it never waits, and its descriptors are not looked at. */
void fake_time_drive(struct fake_time *time, struct pfs_loop *loop);

/* Let this time pass, firing on the way what falls due. The loop must be driven. */
void fake_time_pass(struct fake_time *time, struct pfs_loop *loop, int64_t ns);

#endif
