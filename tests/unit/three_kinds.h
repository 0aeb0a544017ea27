/* SPDX-License-Identifier: MIT */
/*
 * three_kinds: a table of kinds that differ in all that a row can say, and whose numbers are not
 * their places in it: restore jobs as they are, gadgets and notes.
 */
#ifndef PINEFS_THREE_KINDS_H
#define PINEFS_THREE_KINDS_H

#include "pinefs/resource.h"

extern const struct pfs_kinds three_kinds;

/*
 * Gadgets come all at once, and what isn't among them is not there. Their status is nested, and it
 * is a field of its own that says whether all is well; they never rest, and have no `done`. Notes
 * come in pages, and have no status at all.
 */
#define JOBS	three_kinds.rows[0]
#define GADGETS three_kinds.rows[1]
#define NOTES	three_kinds.rows[2]

#endif
