/* SPDX-License-Identifier: MIT */
/*
 * wiped: an explicit_bzero(3) that keeps count, in place of the C library's. What a function leaves
 * on the stack can't be looked at when it has returned, but that it was wiped can be known.
 */
#ifndef PINEFS_WIPED_H
#define PINEFS_WIPED_H

/* From now on, count the wiped places in which this text stands. Borrowed. */
void wiped_begin(const char *text);
unsigned wiped_count(void);

#endif
