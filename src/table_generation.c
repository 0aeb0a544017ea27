/* SPDX-License-Identifier: MIT */
/*
 * The texts that there are. The latest of a table stays, whoever refers to it. One that is
 * superseded stays for those who have it, and goes with the last of them; where all of these take
 * too much, the oldest lose their bytes.
 */
#include <errno.h>
#include <stdlib.h>

#include "pinefs/stats.h"
#include "table.h"

struct generation *pfs_generation_latest(const struct table *table)
{
	return TAILQ_LAST(&table->generations, generation_list);
}

static struct generation *find(const struct table *table, uint64_t number)
{
	struct generation *generation;

	TAILQ_FOREACH(generation, &table->generations, link) {
		if (generation->number == number)
			return generation;
	}
	return NULL;
}

void pfs_generation_free(struct generation *generation)
{
	if (generation)
		pfs_buffer_finish(&generation->text);
	free(generation);
}

static void drop(struct table *table, struct generation *generation)
{
	TAILQ_REMOVE(&table->generations, generation, link);
	table->tables->stats->table_texts--;
	table->tables->stats->table_bytes -= generation->text.length;
	pfs_generation_free(generation);
}

static void lose_text(struct table *table, struct generation *generation)
{
	table->tables->held -= generation->text.length;
	table->tables->stats->table_bytes -= generation->text.length;
	pfs_buffer_finish(&generation->text);
	generation->lost = true;
}

/* Free a superseded text that nobody refers to. */
static void settle(struct table *table, struct generation *generation)
{
	if (generation == pfs_generation_latest(table) || generation->references)
		return;
	table->tables->held -= generation->text.length;
	drop(table, generation);
}

/* The oldest superseded text of a table that has its bytes; NULL: none has. */
static struct generation *oldest(const struct table *table)
{
	struct generation *generation;

	TAILQ_FOREACH(generation, &table->generations, link) {
		if (generation == pfs_generation_latest(table))
			return NULL;
		if (!generation->lost)
			return generation;
	}
	return NULL;
}

/* Over the bound, lose the oldest of all superseded texts: its readers get -ESTALE, and no byte of
 * another. */
static void keep_bound(struct pfs_tables *tables)
{
	while (tables->held > tables->config.max_held) {
		struct generation *lost = NULL;
		struct table *of = NULL;

		for (size_t i = 0; i < (size_t)PFS_KINDS_MAX * PFS_TABLE_FORMATS; i++) {
			struct table *table =
				&tables->all[i / PFS_TABLE_FORMATS][i % PFS_TABLE_FORMATS];
			struct generation *generation = oldest(table);

			if (generation && (!lost || generation->number < lost->number)) {
				lost = generation;
				of = table;
			}
		}
		lose_text(of, lost);
	}
}

void pfs_generation_publish(struct table *table, struct generation *generation)
{
	struct generation *before = pfs_generation_latest(table);

	pfs_buffer_trim(&generation->text);
	generation->made_at =
		pfs_loop_wall_after(table->tables->loop, before ? before->made_at : 0);
	TAILQ_INSERT_TAIL(&table->generations, generation, link);
	table->tables->stats->table_texts++;
	table->tables->stats->table_bytes += generation->text.length;
	if (!before)
		return;
	table->tables->held += before->text.length;
	settle(table, before);
	keep_bound(table->tables);
}

void pfs_generation_finish(struct table *table)
{
	struct generation *generation, *next;

	for (generation = TAILQ_FIRST(&table->generations); generation; generation = next) {
		next = TAILQ_NEXT(generation, link);
		drop(table, generation);
	}
}

/* --- for the other rooms ------------------------------------------------------------------- */

uint64_t pfs_tables_latest(const struct pfs_tables *tables, const struct pfs_kind *kind,
			   enum pfs_table_format format)
{
	const struct generation *latest = pfs_generation_latest(pfs_table_of(tables, kind, format));

	return latest ? latest->number : 0;
}

int pfs_tables_read(const struct pfs_tables *tables, const struct pfs_kind *kind,
		    enum pfs_table_format format, uint64_t number, struct pfs_slice *ret_text)
{
	const struct generation *found = find(pfs_table_of(tables, kind, format), number);

	if (!found || found->lost)
		return -ESTALE;
	*ret_text = (struct pfs_slice){found->text.bytes, found->text.length};
	return 0;
}

int64_t pfs_tables_made_at(const struct pfs_tables *tables, const struct pfs_kind *kind,
			   enum pfs_table_format format, uint64_t number)
{
	const struct generation *found = find(pfs_table_of(tables, kind, format), number);

	return found ? found->made_at : 0;
}

void pfs_tables_hold(struct pfs_tables *tables, const struct pfs_kind *kind,
		     enum pfs_table_format format, uint64_t number, uint64_t count)
{
	struct generation *found = find(pfs_table_of(tables, kind, format), number);

	if (found)
		found->references += count;
}

void pfs_tables_release(struct pfs_tables *tables, const struct pfs_kind *kind,
			enum pfs_table_format format, uint64_t number, uint64_t count)
{
	struct table *table = pfs_table_of(tables, kind, format);
	struct generation *found = find(table, number);

	if (!found)
		return;
	found->references -= count < found->references ? count : found->references;
	settle(table, found);
}
