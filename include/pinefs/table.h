/* SPDX-License-Identifier: MIT */
/*
 * table: all objects of a kind in one text, a line each.
 *
 * A text is made in one piece from what the store knows at one moment, and never changes: it is a
 * generation, with a number that no other text has. So a reader who takes long gets the text with
 * which it began, to its end. A new generation is made when somebody asks after an object has
 * changed; the one before goes when nobody refers to it.
 *
 * Asks for a list as a listing of the kind does, and so for nothing that isn't needed. Making a
 * text takes many turns of the loop, so that nobody else waits for it.
 *
 * May include store, json, resource and the ground.
 */
#ifndef PINEFS_TABLE_H
#define PINEFS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pfs_kind;
struct pfs_loop;
struct pfs_slice;
struct pfs_stats;
struct pfs_store;
struct pfs_tables;
struct pfs_wait;

enum pfs_table_format {
	/*
	 * The names of the kind's fields, then each object's values; tabs between. In names and
	 * values tab, newline, backslash and control bytes are escaped as in a history.
	 */
	PFS_TABLE_TSV,
	/*
	 * Each object as the API sent it, without the white space outside of its strings. A control
	 * byte in one, which JSON forbids, is escaped.
	 */
	PFS_TABLE_JSONL,
	PFS_TABLE_FORMATS,
};

struct pfs_tables_config {
	int64_t timeout;  /* ns: how long a caller waits for a text */
	size_t max_bytes; /* of one text; a longer one is -EFBIG */
	size_t max_held;  /* bytes of texts that were superseded; beyond, the oldest is lost */
};

/* store, loop and stats are borrowed. Listens to the store. 0, -ENOMEM, -ENOSPC from the store. */
int pfs_tables_create(struct pfs_store *store, struct pfs_loop *loop, struct pfs_stats *stats,
		      const struct pfs_tables_config *config, struct pfs_tables **ret_tables);
void pfs_tables_destroy(struct pfs_tables *tables); /* before the store; takes NULL */

/* "tsv", "jsonl": what comes behind the kind's name and a dot. */
const char *pfs_table_suffix(enum pfs_table_format format);

/*
 * Have a text of a kind that says what the store knows, once the kind's list is valid.
 * 0: the latest does: pfs_tables_latest. -EINPROGRESS: wait has joined, and is woken with 0 once
 * the latest does, or with why none can be had. Else why none can be had: -EFBIG, -ENOMEM, or an
 * errno of the store; of a text that is too long nothing is tried until an object has changed.
 * While a list can't be had in time, but may still be served by the store's rules, the latest is
 * good enough, if there is one; else that is -ETIMEDOUT, or the list's failure.
 */
int pfs_tables_ask(struct pfs_tables *tables, const struct pfs_kind *kind,
		   enum pfs_table_format format, struct pfs_wait *wait);

/* The number of the latest text; 0: there is none. */
uint64_t pfs_tables_latest(const struct pfs_tables *tables, const struct pfs_kind *kind,
			   enum pfs_table_format format);

/* Lend a text. 0; -ESTALE: there is none with this number, or none any more. */
int pfs_tables_read(const struct pfs_tables *tables, const struct pfs_kind *kind,
		    enum pfs_table_format format, uint64_t number, struct pfs_slice *ret_text);
/* ns since the epoch: when it was made; 0: there is none with this number. */
int64_t pfs_tables_made_at(const struct pfs_tables *tables, const struct pfs_kind *kind,
			   enum pfs_table_format format, uint64_t number);

/* The kernel has count more references to a text, or has given them back. */
void pfs_tables_hold(struct pfs_tables *tables, const struct pfs_kind *kind,
		     enum pfs_table_format format, uint64_t number, uint64_t count);
void pfs_tables_release(struct pfs_tables *tables, const struct pfs_kind *kind,
			enum pfs_table_format format, uint64_t number, uint64_t count);

#endif
