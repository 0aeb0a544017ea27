/* SPDX-License-Identifier: MIT */
/*
 * What the files of the table room share. Each knows only those before it: table_render.c (from an
 * object to its line), table_generation.c (the texts that there are), table.c (asking for one, and
 * making it).
 */
#ifndef PINEFS_SRC_TABLE_H
#define PINEFS_SRC_TABLE_H

#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/table.h"
#include "pinefs/text.h"
#include "pinefs/wait.h"

struct pfs_content;
struct pfs_json;

/* A text. It never changes, but its bytes may be lost. */
struct generation {
	uint64_t number;
	uint64_t revision; /* of the kind, of which it is */
	uint64_t references;
	int64_t made_at; /* ns since the epoch */
	bool lost;
	struct pfs_buffer text;
	TAILQ_ENTRY(generation) link;
};

/* A text that is being made. */
struct draft {
	struct generation *generation; /* NULL: none is */
	struct pfs_content **contents;
	size_t count;
	size_t room;
	size_t done; /* so many are rendered, and dropped */
	struct pfs_timer timer;
};

/* The texts of one kind in one format. */
struct table {
	struct pfs_tables *tables;
	const struct pfs_kind *kind;
	enum pfs_table_format format;
	TAILQ_HEAD(generation_list, generation) generations; /* oldest first */
	struct pfs_wait_queue waits;
	struct pfs_wait list_wait; /* for the kind's list */
	bool busy;		   /* it waits for that, or makes a draft */
	struct draft draft;
	bool too_long; /* the text of revision refused would be: it isn't tried again */
	uint64_t refused;
};

struct pfs_tables {
	struct pfs_store *store;
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct pfs_tables_config config;
	uint64_t last_number;
	size_t held;			   /* bytes of superseded texts */
	uint64_t revisions[PFS_KINDS_MAX]; /* by the kind's number: rises with each change */
	struct table all[PFS_KINDS_MAX][PFS_TABLE_FORMATS];
};

static inline struct table *pfs_table_of(const struct pfs_tables *tables,
					 const struct pfs_kind *kind, enum pfs_table_format format)
{
	return (struct table *)&tables->all[kind->number][format];
}

/* --- table_render.c --- */

/* Append what a text begins with, and one object's line. Errors stay in the buffer. */
void pfs_table_render_head(struct pfs_buffer *text, const struct pfs_kind *kind,
			   enum pfs_table_format format);
void pfs_table_render(struct pfs_buffer *text, const struct pfs_kind *kind,
		      enum pfs_table_format format, const struct pfs_json *json);

/* --- table_generation.c --- */

struct generation *pfs_generation_latest(const struct table *table);

/* Make a generation the latest; the one before it is superseded. */
void pfs_generation_publish(struct table *table, struct generation *generation);

/* Free one that isn't published (takes NULL), or all that are. */
void pfs_generation_free(struct generation *generation);
void pfs_generation_finish(struct table *table);

#endif
