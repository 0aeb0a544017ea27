/* SPDX-License-Identifier: MIT */
/*
 * A text is made in three steps. First the kind's list is made valid: all who ask meanwhile wait
 * for that in one queue. Then the contents of all objects are taken, with a reference each, in one
 * piece: whatever changes later isn't in the text. Last they are rendered, some in each turn of the
 * loop.
 */
#include "pinefs/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pinefs/json.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "table.h"

/* How much is done in one turn, in bytes of documents: a millisecond or two. */
#define SLICE ((size_t)256 * 1024)

/* So much later than the wait for the list ends that of the first who waits for the text: whether
 * an older list will do is known by then. */
#define MOMENT PFS_MILLISECOND

static const char *const suffixes[PFS_TABLE_FORMATS] = {
	[PFS_TABLE_TSV] = "tsv",
	[PFS_TABLE_JSONL] = "jsonl",
};

const char *pfs_table_suffix(enum pfs_table_format format)
{
	return suffixes[format];
}

static uint64_t revision_of(const struct table *table)
{
	return table->tables->revisions[table->kind->number];
}

/* --- making -------------------------------------------------------------------------------- */

static void drop_contents(struct draft *draft)
{
	for (; draft->done < draft->count; draft->done++)
		pfs_content_drop(draft->contents[draft->done]);
	free(draft->contents);
	draft->contents = NULL;
	draft->count = draft->done = draft->room = 0;
}

static void drop_draft(struct table *table)
{
	struct draft *draft = &table->draft;

	pfs_timer_stop(table->tables->loop, &draft->timer);
	drop_contents(draft);
	pfs_generation_free(draft->generation);
	draft->generation = NULL;
}

static void finish(struct table *table, int error)
{
	table->busy = false;
	pfs_wait_wake(&table->waits, error);
}

/* It is too long: until an object changes nobody tries again. */
static void refuse(struct table *table)
{
	const size_t most = table->tables->config.max_bytes;
	char text[80];
	const struct pfs_failed failed = {
		.when = pfs_loop_wall(table->tables->loop),
		.error = EFBIG,
		.object = table->kind->path,
		.text = text,
	};

	(void)snprintf(text, sizeof(text), "its table, .%s, would be longer than %zu bytes",
		       suffixes[table->format], most);
	table->too_long = true;
	table->refused = table->draft.generation->revision;
	pfs_stats_fail(table->tables->stats, &failed);
}

/* Render some objects, and come back for the rest in the next turn. */
static void on_turn(void *arg)
{
	struct table *table = arg;
	struct draft *draft = &table->draft;
	struct generation *generation = draft->generation;
	size_t work = 0;
	int error;

	for (; draft->done < draft->count && work < SLICE; draft->done++) {
		struct pfs_content *content = draft->contents[draft->done];

		pfs_table_render(&generation->text, table->kind, table->format, &content->json);
		work += content->json.length;
		pfs_content_drop(content);
	}
	error = generation->text.error;
	if (!error && draft->done < draft->count) {
		pfs_timer_start(table->tables->loop, &draft->timer, 0);
		return;
	}
	if (error == -EFBIG)
		refuse(table);
	if (!error) {
		draft->generation = NULL;
		pfs_generation_publish(table, generation);
	}
	drop_draft(table);
	finish(table, error);
}

static int make_room(struct draft *draft)
{
	const size_t room = draft->room ? 2 * draft->room : 128;
	struct pfs_content **contents =
		reallocarray(draft->contents, room, sizeof(struct pfs_content *));

	if (!contents)
		return -ENOMEM;
	draft->contents = contents;
	draft->room = room;
	return 0;
}

/* Take all contents that there are now: in one piece, and so in one pass. */
static int take_contents(struct table *table)
{
	struct pfs_store *store = table->tables->store;
	struct draft *draft = &table->draft;
	struct pfs_object *object;

	for (object = pfs_store_next(store, table->kind, 0); object;
	     object = pfs_store_next(store, table->kind, object->slot)) {
		if (draft->count == draft->room && make_room(draft))
			return -ENOMEM;
		draft->contents[draft->count++] = pfs_content_keep(object->content);
	}
	return 0;
}

static int begin_draft(struct table *table)
{
	struct draft *draft = &table->draft;
	int error;

	draft->generation = calloc(1, sizeof(*draft->generation));
	if (!draft->generation)
		return -ENOMEM;
	draft->generation->number = ++table->tables->last_number;
	draft->generation->revision = revision_of(table);
	draft->generation->text.max = table->tables->config.max_bytes;
	error = take_contents(table);
	if (error) {
		drop_draft(table);
		return error;
	}
	pfs_table_render_head(&draft->generation->text, table->kind, table->format);
	pfs_timer_start(table->tables->loop, &draft->timer, 0);
	return 0;
}

/* --- asking -------------------------------------------------------------------------------- */

/*
 * The list is as valid as it can be had. 0: the latest text is good; -EINPROGRESS: one is made; or
 * an error.
 */
static int go_on(struct table *table)
{
	const struct generation *latest = pfs_generation_latest(table);
	int error;

	if (latest && (latest->revision == revision_of(table) ||
		       !pfs_store_list_left(table->tables->store, table->kind)))
		return 0;
	if (table->too_long && table->refused == revision_of(table))
		return -EFBIG;
	error = begin_draft(table);
	return error ? error : -EINPROGRESS;
}

/* Make the list valid first. */
static int begin(struct table *table)
{
	int error = pfs_store_ask_list(table->tables->store, table->kind, PFS_LIST_WHOLE,
				       &table->list_wait);

	return error ? error : go_on(table);
}

/* Where the list takes too long for who came first, whoever came later has time left. */
static void on_list(struct pfs_wait *wait, int error)
{
	struct table *table = (struct table *)((char *)wait - offsetof(struct table, list_wait));

	table->busy = !pfs_wait_queue_is_empty(&table->waits);
	if (!table->busy) /* nobody is left who would read it */
		return;
	if (error == -ETIMEDOUT)
		table->list_wait = (struct pfs_wait){.done = on_list};
	if (!error || error == -ETIMEDOUT)
		error = begin(table);
	if (error != -EINPROGRESS)
		finish(table, error);
}

/* Some have waited for config.timeout: no older list would do, or they'd have been woken. */
static int on_overdue(void *arg)
{
	return -ETIMEDOUT;
}

int pfs_tables_ask(struct pfs_tables *tables, const struct pfs_kind *kind,
		   enum pfs_table_format format, struct pfs_wait *wait)
{
	struct table *table = pfs_table_of(tables, kind, format);
	int error;

	if (!table->busy) {
		table->list_wait = (struct pfs_wait){.done = on_list};
		error = begin(table);
		if (error != -EINPROGRESS)
			return error;
		table->busy = true;
	}
	return pfs_wait_join_until(&table->waits, wait, 0,
				   pfs_loop_now(tables->loop) + tables->config.timeout + MOMENT)
		       ? -EINPROGRESS
		       : -ETIMEDOUT;
}

/* --- the whole room ------------------------------------------------------------------------ */

static void on_event(void *arg, struct pfs_object *object)
{
	struct pfs_tables *tables = arg;

	tables->revisions[object->kind->number]++;
}

static void on_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	on_event(arg, object);
}

static void init_table(struct pfs_tables *tables, const struct pfs_kind *kind,
		       enum pfs_table_format format)
{
	struct table *table = pfs_table_of(tables, kind, format);

	table->tables = tables;
	table->kind = kind;
	table->format = format;
	table->draft.timer = (struct pfs_timer){.fire = on_turn, .arg = table};
	pfs_wait_queue_init_timed(&table->waits, &tables->stats->waiting, tables->loop, on_overdue,
				  table);
}

int pfs_tables_create(struct pfs_store *store, struct pfs_loop *loop, struct pfs_stats *stats,
		      const struct pfs_tables_config *config, struct pfs_tables **ret_tables)
{
	struct pfs_tables *tables = calloc(1, sizeof(*tables));
	struct pfs_store_listener listener = {
		.appeared = on_event,
		.changed = on_changed,
		.vanished = on_event,
		.arg = tables,
	};
	int error;

	if (!tables)
		return -ENOMEM;
	error = pfs_store_listen(store, &listener);
	if (error) {
		free(tables);
		return error;
	}
	tables->store = store;
	tables->loop = loop;
	tables->stats = stats;
	tables->config = *config;
	for (size_t i = 0; i < (size_t)PFS_KINDS_MAX * PFS_TABLE_FORMATS; i++)
		TAILQ_INIT(&tables->all[i / PFS_TABLE_FORMATS][i % PFS_TABLE_FORMATS].generations);
	for (size_t i = 0; i < pfs_store_kinds(store)->count; i++) {
		init_table(tables, pfs_store_kinds(store)->rows[i], PFS_TABLE_TSV);
		init_table(tables, pfs_store_kinds(store)->rows[i], PFS_TABLE_JSONL);
	}
	*ret_tables = tables;
	return 0;
}

static void finish_table(struct table *table)
{
	pfs_wait_cancel(&table->list_wait);
	drop_draft(table);
	pfs_generation_finish(table);
}

void pfs_tables_destroy(struct pfs_tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < pfs_store_kinds(tables->store)->count; i++) {
		finish_table(pfs_table_of(tables, pfs_store_kinds(tables->store)->rows[i], 0));
		finish_table(pfs_table_of(tables, pfs_store_kinds(tables->store)->rows[i], 1));
	}
	free(tables);
}
