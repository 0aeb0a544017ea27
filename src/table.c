/* SPDX-License-Identifier: MIT */
/*
 * A text is made in three steps. First the kind's list is made valid: all who ask meanwhile wait
 * for that in one queue. Then the contents of all objects are taken, with a reference each, in one
 * piece: whatever changes later isn't in the text. Last they are rendered, some in each turn of the
 * loop.
 */
#include "pinefs/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pinefs/json.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/wait.h"

/* Bytes of text that are made in one turn: a millisecond or two. */
#define SLICE ((size_t)512 * 1024)

/* A text. Immutable, but for what is lost of it. */
struct generation {
	uint64_t number;
	uint64_t revision; /* of the kind, of which it is */
	uint64_t references;
	int64_t made_at; /* ns since the epoch */
	struct pfs_buffer text;
	TAILQ_ENTRY(generation) link;
};

/* A text that is being made. */
struct draft {
	struct generation *generation; /* NULL: none is */
	struct pfs_content **contents;
	size_t count;
	size_t done;
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

static const char *const suffixes[PFS_TABLE_FORMATS] = {
	[PFS_TABLE_TSV] = "tsv",
	[PFS_TABLE_JSONL] = "jsonl",
};

const char *pfs_table_suffix(enum pfs_table_format format)
{
	return suffixes[format];
}

static struct table *table_of(const struct pfs_tables *tables, const struct pfs_kind *kind,
			      enum pfs_table_format format)
{
	return (struct table *)&tables->all[kind->number][format];
}

static uint64_t revision_of(const struct table *table)
{
	return table->tables->revisions[table->kind->number];
}

/* --- generations --------------------------------------------------------------------------- */

static struct generation *latest(const struct table *table)
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

static void lose_text(struct table *table, struct generation *generation)
{
	table->tables->held -= generation->text.length;
	pfs_buffer_finish(&generation->text);
}

/* Free a superseded text that nobody refers to. */
static void settle(struct table *table, struct generation *generation)
{
	if (generation == latest(table) || generation->references)
		return;
	TAILQ_REMOVE(&table->generations, generation, link);
	lose_text(table, generation);
	free(generation);
}

/* Over the bound, lose the oldest of all superseded texts: its readers get -ESTALE, and no byte of
 * another. */
static void keep_bound(struct pfs_tables *tables)
{
	while (tables->held > tables->config.max_held) {
		struct generation *oldest = NULL, *generation;
		struct table *of = NULL;

		for (size_t i = 0; i < PFS_KINDS_MAX * PFS_TABLE_FORMATS; i++) {
			struct table *table =
				&tables->all[i / PFS_TABLE_FORMATS][i % PFS_TABLE_FORMATS];

			TAILQ_FOREACH(generation, &table->generations, link) {
				if (generation == latest(table) || !generation->text.length ||
				    (oldest && oldest->number < generation->number))
					continue;
				oldest = generation;
				of = table;
			}
		}
		if (!oldest)
			return;
		lose_text(of, oldest);
	}
}

static void publish(struct table *table, struct generation *generation)
{
	struct generation *before = latest(table);

	TAILQ_INSERT_TAIL(&table->generations, generation, link);
	if (!before)
		return;
	table->tables->held += before->text.length;
	settle(table, before);
	keep_bound(table->tables);
}

/* --- rendering ----------------------------------------------------------------------------- */

static void add_header(struct pfs_buffer *text, const struct pfs_kind *kind)
{
	for (size_t i = 0; i < kind->field_count; i++)
		(void)pfs_buffer_format(text, "%s%s", i ? "\t" : "", kind->fields[i].name);
	(void)pfs_buffer_add_string(text, "\n");
}

static void add_row(struct pfs_buffer *text, const struct pfs_kind *kind,
		    const struct pfs_json *json)
{
	for (size_t i = 0; i < kind->field_count; i++) {
		const struct pfs_json_value value = pfs_field_value(&kind->fields[i], json);

		if (i)
			(void)pfs_buffer_add_string(text, "\t");
		if (value.type != PFS_JSON_NULL)
			(void)pfs_buffer_add_escaped(text, value.text, value.length);
	}
	(void)pfs_buffer_add_string(text, "\n");
}

/* A document without its white space, which is what stands outside of strings. */
static void add_document(struct pfs_buffer *text, const struct pfs_json *json)
{
	const char *byte = json->bytes, *end = byte + json->length, *begin;

	while (byte < end) {
		bool escaped = false;

		begin = byte;
		while (byte < end && !strchr(" \t\r\n\"", *byte))
			byte++;
		(void)pfs_buffer_add(text, begin, (size_t)(byte - begin));
		if (byte == end)
			break;
		if (*byte != '"') {
			byte++;
			continue;
		}
		begin = byte++;
		while (byte < end && (escaped || *byte != '"')) {
			escaped = !escaped && *byte == '\\';
			byte++;
		}
		byte += byte < end;
		(void)pfs_buffer_add(text, begin, (size_t)(byte - begin));
	}
	(void)pfs_buffer_add_string(text, "\n");
}

static void drop_contents(struct draft *draft)
{
	for (size_t i = 0; i < draft->count; i++)
		pfs_content_drop(draft->contents[i]);
	free(draft->contents);
	draft->contents = NULL;
	draft->count = draft->done = 0;
}

static void drop_draft(struct table *table)
{
	struct draft *draft = &table->draft;

	pfs_timer_stop(table->tables->loop, &draft->timer);
	drop_contents(draft);
	if (draft->generation)
		pfs_buffer_finish(&draft->generation->text);
	free(draft->generation);
	draft->generation = NULL;
}

static void finish(struct table *table, int error)
{
	table->busy = false;
	pfs_wait_wake(&table->waits, error);
}

static void report_too_long(const struct table *table)
{
	const struct pfs_failed failed = {
		.when = pfs_loop_wall(table->tables->loop),
		.error = EFBIG,
		.object = table->kind->path,
		.text = "the table of all objects would be too long",
	};

	pfs_stats_fail(table->tables->stats, &failed);
}

static void on_turn(void *arg)
{
	struct table *table = arg;
	struct draft *draft = &table->draft;
	struct pfs_buffer *text = &draft->generation->text;
	struct generation *made;
	size_t stop = text->length + SLICE;
	int error;

	for (; draft->done < draft->count && text->length < stop && !text->error; draft->done++) {
		const struct pfs_json *json = &draft->contents[draft->done]->json;

		if (table->format == PFS_TABLE_TSV)
			add_row(text, table->kind, json);
		else
			add_document(text, json);
	}
	error = text->error;
	if (error == -EFBIG)
		report_too_long(table);
	if (error) {
		drop_draft(table);
		finish(table, error);
	} else if (draft->done < draft->count) {
		pfs_timer_start(table->tables->loop, &draft->timer, 0);
	} else {
		made = draft->generation;
		draft->generation = NULL;
		drop_draft(table);
		made->made_at = pfs_loop_wall(table->tables->loop);
		publish(table, made);
		finish(table, 0);
	}
}

/* Take all contents that there are now. */
static int take_contents(struct table *table)
{
	struct pfs_store *store = table->tables->store;
	struct draft *draft = &table->draft;
	struct pfs_object *object;
	size_t count = 0;

	for (object = pfs_store_next(store, table->kind, 0); object;
	     object = pfs_store_next(store, table->kind, object->slot))
		count++;
	draft->contents = calloc(count + 1, sizeof(struct pfs_content *));
	if (!draft->contents)
		return -ENOMEM;
	for (object = pfs_store_next(store, table->kind, 0); object && draft->count < count;
	     object = pfs_store_next(store, table->kind, object->slot))
		draft->contents[draft->count++] = pfs_content_keep(object->content);
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
	if (table->format == PFS_TABLE_TSV)
		add_header(&draft->generation->text, table->kind);
	pfs_timer_start(table->tables->loop, &draft->timer, 0);
	return 0;
}

/* --- asking -------------------------------------------------------------------------------- */

/* The list is as valid as it can be had. 0: the latest text is good; -EINPROGRESS: one is made. */
static int go_on(struct table *table)
{
	const struct generation *last = latest(table);
	int error;

	if (last && (last->revision == revision_of(table) ||
		     !pfs_store_list_left(table->tables->store, table->kind)))
		return 0;
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

static void on_list(struct pfs_wait *wait, int error)
{
	struct table *table = (struct table *)((char *)wait - offsetof(struct table, list_wait));

	if (!error)
		error = begin(table);
	if (error != -EINPROGRESS)
		finish(table, error);
}

int pfs_tables_ask(struct pfs_tables *tables, const struct pfs_kind *kind,
		   enum pfs_table_format format, struct pfs_wait *wait)
{
	struct table *table = table_of(tables, kind, format);
	int error;

	if (!table->busy) {
		table->list_wait = (struct pfs_wait){.done = on_list};
		error = begin(table);
		if (error != -EINPROGRESS)
			return error;
		table->busy = true;
	}
	pfs_wait_join(&table->waits, wait);
	return -EINPROGRESS;
}

uint64_t pfs_tables_latest(const struct pfs_tables *tables, const struct pfs_kind *kind,
			   enum pfs_table_format format)
{
	const struct generation *last = latest(table_of(tables, kind, format));

	return last ? last->number : 0;
}

int pfs_tables_read(const struct pfs_tables *tables, const struct pfs_kind *kind,
		    enum pfs_table_format format, uint64_t number, struct pfs_slice *ret_text)
{
	const struct generation *found = find(table_of(tables, kind, format), number);

	/* A text that was lost is empty; one that is there may be, too: of no object at all. */
	if (!found || (!found->text.length && found != latest(table_of(tables, kind, format))))
		return -ESTALE;
	*ret_text = (struct pfs_slice){found->text.bytes, found->text.length};
	return 0;
}

int64_t pfs_tables_made_at(const struct pfs_tables *tables, const struct pfs_kind *kind,
			   enum pfs_table_format format, uint64_t number)
{
	const struct generation *found = find(table_of(tables, kind, format), number);

	return found ? found->made_at : 0;
}

void pfs_tables_hold(struct pfs_tables *tables, const struct pfs_kind *kind,
		     enum pfs_table_format format, uint64_t number, uint64_t count)
{
	struct generation *found = find(table_of(tables, kind, format), number);

	if (found)
		found->references += count;
}

void pfs_tables_release(struct pfs_tables *tables, const struct pfs_kind *kind,
			enum pfs_table_format format, uint64_t number, uint64_t count)
{
	struct table *table = table_of(tables, kind, format);
	struct generation *found = find(table, number);

	if (!found)
		return;
	found->references -= count < found->references ? count : found->references;
	settle(table, found);
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
	struct table *table = table_of(tables, kind, format);

	table->tables = tables;
	table->kind = kind;
	table->format = format;
	table->draft.timer = (struct pfs_timer){.fire = on_turn, .arg = table};
	pfs_wait_queue_init(&table->waits, &tables->stats->waiting);
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
	for (size_t i = 0; i < PFS_KINDS_MAX * PFS_TABLE_FORMATS; i++)
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
	struct generation *generation;

	pfs_wait_cancel(&table->list_wait);
	drop_draft(table);
	while ((generation = TAILQ_FIRST(&table->generations))) {
		TAILQ_REMOVE(&table->generations, generation, link);
		pfs_buffer_finish(&generation->text);
		free(generation);
	}
}

void pfs_tables_destroy(struct pfs_tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < pfs_store_kinds(tables->store)->count; i++) {
		finish_table(table_of(tables, pfs_store_kinds(tables->store)->rows[i], 0));
		finish_table(table_of(tables, pfs_store_kinds(tables->store)->rows[i], 1));
	}
	free(tables);
}
