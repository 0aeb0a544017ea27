/* SPDX-License-Identifier: MIT */
/*
 * history: what this mount has seen change, of each object and of all of them, as lines that are
 * only ever appended. Listens to the store; asks nobody.
 *
 * A line of an object's history has the time at which we saw the change (RFC 3339), the field, the
 * old and the new value. A line of the whole history (/events) has the object's path,
 * "restore-jobs/ID", after the time. Tabs separate them, values are escaped as by
 * pfs_buffer_add_escaped, and a value that is absent or null is empty. One of more than 4 KiB is
 * cut, which "…" at its end says. No line's time is earlier than that of the line before, even
 * where the wall clock was set back.
 *
 * An object's history begins with its fields when it was first seen. Until one changes, these lines
 * are rendered from the object, so an object that doesn't change costs no memory. The whole history
 * begins empty: it has what came after the first listing.
 *
 * Where the objects' histories together have too many bytes, that of the object which has changed
 * least lately is forgotten, with all its generations, and begins anew with the object's fields.
 * The kernel may still know the file that was forgotten by its name, so whoever reads that gets
 * what the new one has.
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
struct pfs_stats;
struct pfs_store;

struct pfs_history_config {
	size_t max_object;     /* bytes of one object's lines; beyond, they are rotated */
	size_t max_whole;      /* bytes of the whole history's lines; likewise */
	uint64_t max_together; /* bytes of all objects' lines; beyond, the oldest are forgotten */
};

struct pfs_history;

/* store, loop and stats are borrowed. 0, -ENOMEM, -ENOSPC from the store. */
int pfs_history_create(struct pfs_store *store, struct pfs_loop *loop, struct pfs_stats *stats,
		       const struct pfs_history_config *config, struct pfs_history **ret_history);
void pfs_history_destroy(struct pfs_history *history); /* after the store; takes NULL */

/*
 * Call forgotten whenever an object's history is forgotten, right after that: its present
 * generation is the new one. There is one listener; it must not call the store.
 */
void pfs_history_listen(struct pfs_history *history,
			void (*forgotten)(void *arg, struct pfs_object *object), void *arg);

/*
 * The number of a history's present generation, from 0. Lines are never rewritten: when they have
 * grown past their bound, the next line begins a new generation, and the one before is kept as it
 * was. Older generations are gone. The one before, if it was forgotten, has the lines and the time
 * of the present one instead.
 *
 * Here and below: object NULL is the whole history.
 */
uint64_t pfs_history_generation(const struct pfs_history *history, const struct pfs_object *object);

/* Did the last change begin the present generation, and end another? Or was that forgotten? */
bool pfs_history_is_rotated(const struct pfs_history *history, const struct pfs_object *object);

/*
 * ns since the epoch: when the last line of a generation that isn't gone was added. Each new line
 * moves it; of the generation before, nothing does any more.
 */
int64_t pfs_history_modified(const struct pfs_history *history, const struct pfs_object *object,
			     uint64_t generation);

/* ns since then, monotonic; a long time if this generation has got no line since it was first seen,
 * or is gone. */
int64_t pfs_history_age(const struct pfs_history *history, const struct pfs_object *object,
			uint64_t generation);

/* Move the modification time by 1 ns, without a new line. 0, -ENOMEM. */
int pfs_history_touch(struct pfs_history *history, struct pfs_object *object, uint64_t generation);

/*
 * How many bytes pfs_history_read would lend: *ret_size, untouched on failure. Cheap for an object
 * that has changed. The errors of pfs_history_read.
 */
int pfs_history_size(const struct pfs_history *history, const struct pfs_object *object,
		     uint64_t generation, size_t *ret_size);

/*
 * Lend the lines of a generation until the store next notifies its listeners. Lines that must be
 * rendered first are put into scratch, which is cleared. 0; -ESTALE: the generation is gone;
 * -ENOMEM.
 */
int pfs_history_read(const struct pfs_history *history, const struct pfs_object *object,
		     uint64_t generation, struct pfs_buffer *scratch, struct pfs_slice *ret_lines);

#endif
