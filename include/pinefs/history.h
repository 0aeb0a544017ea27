/* SPDX-License-Identifier: MIT */
/*
 * history: what this mount saw of each object, and of all of them, as lines that only ever grow
 * at their end. Listens to the store; asks nobody.
 *
 * A line of an object's history: time of observation (RFC 3339), field, old value, new value; of
 * the whole history also the object's path, after the time: "restore-jobs/ID". Separated by tabs,
 * values escaped as by pfs_buffer_add_escaped. No value (absent or null) is an empty one. No time
 * is earlier than the one before it, even where the wall clock was set back.
 *
 * An object's history begins with its state when it was first seen. While nothing has changed
 * since, that is rendered from the object, so a quiet object costs no memory. The whole history
 * begins empty: it has what came after the first listing.
 *
 * May include store, json, resource and the ground.
 */
#ifndef PINEFS_HISTORY_H
#define PINEFS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pfs_buffer;
struct pfs_loop;
struct pfs_object;
struct pfs_slice;
struct pfs_store;

struct pfs_history_config {
	size_t max_object; /* bytes of one object's lines; with more, they are rotated */
	size_t max_whole;  /* bytes of the lines about all objects */
};

struct pfs_history;

/* store and loop are borrowed. 0, -ENOMEM, -ENOSPC from the store. */
int pfs_history_create(struct pfs_store *store, struct pfs_loop *loop,
		       const struct pfs_history_config *config, struct pfs_history **ret_history);
void pfs_history_destroy(struct pfs_history *history); /* after the store; takes NULL */

/*
 * Lines are never rewritten. When they have grown past their bound, the next one begins a new
 * generation, and the one before is kept as it was; those before that are gone.
 *
 * object NULL: the whole history.
 */
uint64_t pfs_history_generation(const struct pfs_history *history, const struct pfs_object *object);

/* Did its generation begin with the last change, which came after others? */
bool pfs_history_is_rotated(const struct pfs_history *history, const struct pfs_object *object);

/* When the last line was added, ns since the epoch; always moves with a new line. */
int64_t pfs_history_modified(const struct pfs_history *history, const struct pfs_object *object);

/* Move that time by the least that there is, without a new line. 0, -ENOMEM. */
int pfs_history_touch(struct pfs_history *history, struct pfs_object *object);

/*
 * How many bytes pfs_history_read would lend; costs nothing for an object that has changed. Its
 * errors; ret_size is untouched then.
 */
int pfs_history_size(const struct pfs_history *history, const struct pfs_object *object,
		     uint64_t generation, size_t *ret_size);

/*
 * Lend the lines of a generation, until the store next tells of a change. Those that must be made
 * first are put into scratch, in the place of what is there. 0; -ESTALE if the generation is gone;
 * -ENOMEM.
 */
int pfs_history_read(const struct pfs_history *history, const struct pfs_object *object,
		     uint64_t generation, struct pfs_buffer *scratch, struct pfs_slice *ret_lines);

#endif
