/* SPDX-License-Identifier: MIT */
/*
 * Pages of a list, of each kind: each part of the input (cut at bytes 0x1e) is one answer; when
 * there are no more, the last one comes again for ever. The listing is read twice, with a TTL
 * between.
 *
 * Holds whatever they say: it ends, after no more requests than there are pages (and some, to see
 * that the last one goes in a circle); names are safe; no name comes twice; each object's bytes are
 * in one of the pages; a page that isn't one is an error, and never an empty listing. The tables
 * have a line for each object: as many columns as the kind has fields, fit for a terminal; or a
 * document that says what the object says.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "pinefs/json.h"
#include "pinefs/text.h"

#define PAGES_MAX 16

struct pages {
	struct slice input;
	struct slice parts[PAGES_MAX];
	size_t count;
	size_t next;
	unsigned requests; /* for pages */
};

static void answer(struct world *world, struct pages *pages)
{
	static const char missing[] = "{\"error\":{\"message\":\"not found\"}}";

	if (strchr(world_asked(world) + 1, '/')) {
		world_answer(world, 404, (struct slice){missing, sizeof(missing) - 1});
		return;
	}
	pages->requests++;
	world_answer(world, 200, pages->parts[pages->next]);
	if (pages->next + 1 < pages->count)
		pages->next++;
}

static void check_raw(void *arg, const char *name, const struct pfs_node *node,
		      const struct pfs_buffer *content)
{
	const struct pages *pages = arg;

	if (!strcmp(name, "raw.json"))
		must(content->length && memmem(pages->input.bytes, pages->input.length,
					       content->bytes, content->length));
}

/* One entry; waits for pages as long as it must. */
static int next_entry(struct world *world, struct pages *pages, uint64_t cursor,
		      struct pfs_entry *ret_entry)
{
	const struct pfs_node collection = world_collection(world);

	for (;;) {
		struct waiter waiter;
		int more;

		waiter_init(&waiter);
		more = pfs_tree_list(world->tree, &collection, cursor, &waiter.wait, ret_entry);
		if (more != -EINPROGRESS)
			return more;
		while (!waiter.told)
			answer(world, pages);
		if (waiter.error)
			return waiter.error;
	}
}

/* Read the listing from its beginning to its end. 0, or why it can't be had. */
static int read_listing(struct world *world, struct pages *pages, size_t *ret_count)
{
	struct pfs_entry entry;
	uint64_t cursor = 0;
	int more;

	*ret_count = 0;
	pages->next = pages->requests = 0;
	while ((more = next_entry(world, pages, cursor, &entry)) == 1) {
		must(entry.cursor > cursor);
		cursor = entry.cursor;
		if (!strcmp(entry.name, ".") || !strcmp(entry.name, ".."))
			continue;
		must(is_file_name(entry.name));
		++*ret_count;
		/* Of two entries with one name only one would be found by it. */
		struct pfs_node found;
		must(world_object(world, entry.name, &found) && found.inode == entry.node.inode);
		world_each_file(world, &entry.node, check_raw, pages);
	}
	while (world_asked(world))
		answer(world, pages);
	must(pages->requests <= pages->count + 4);
	return more;
}

/* Its list is valid: nothing is asked for. */
static struct slice read_table(struct world *world, enum pfs_table_format format)
{
	struct waiter waiter;
	struct pfs_slice text;

	waiter_init(&waiter);
	must(pfs_tables_ask(world->tables, world->kind, format, &waiter.wait) == -EINPROGRESS);
	while (!waiter.told) {
		world_pass(world, 1);
		must(!pfs_loop_turn(world->loop));
	}
	must(!waiter.error && !world_asked(world));
	must(!pfs_tables_read(world->tables, world->kind, format,
			      pfs_tables_latest(world->tables, world->kind, format), &text));
	must(!text.length || text.bytes[text.length - 1] == '\n');
	return (struct slice){text.bytes, text.length};
}

static void check_row(const struct pfs_kind *kind, struct slice line)
{
	struct slice cell;
	size_t cells = 1;

	for (size_t i = 0; i < line.length; i++)
		cells += line.bytes[i] == '\t';
	must(cells == kind->field_count);
	while (slice_next(&line, '\t', &cell))
		must(is_for_people(cell.bytes, cell.length));
}

static void check_document(const struct pfs_object *object, struct slice line)
{
	struct pfs_json said;

	for (size_t i = 0; i < line.length; i++)
		must((unsigned char)line.bytes[i] >= ' ');
	must(!pfs_json_parse(line.bytes, line.length, PFS_JSON_DEPTH, &said));
	must(pfs_json_same(&said, &object->content->json));
	pfs_json_finish(&said);
}

static void check_tables(struct world *world)
{
	struct slice rows = read_table(world, PFS_TABLE_TSV), line;
	struct slice documents = read_table(world, PFS_TABLE_JSONL);
	const struct pfs_object *object = pfs_store_next(world->store, world->kind, 0);

	must(slice_next(&rows, '\n', &line));
	check_row(world->kind, line);
	for (; object; object = pfs_store_next(world->store, world->kind, object->slot)) {
		must(slice_next(&rows, '\n', &line));
		check_row(world->kind, line);
		must(slice_next(&documents, '\n', &line));
		check_document(object, line);
	}
	must(!rows.length && !documents.length);
}

static void run(const struct pfs_kind *kind, struct slice input)
{
	struct pages pages = {.input = input};
	struct slice rest = pages.input;
	struct world *world = world_create(kind);
	size_t first, second;
	int error;

	while (pages.count < PAGES_MAX && slice_next(&rest, 0x1e, &pages.parts[pages.count]))
		pages.count++;
	error = read_listing(world, &pages, &first);
	must(error == 0 || error == -EIO || error == -EFBIG || error == -ENOSPC);
	if (!error)
		check_tables(world);
	world_pass(world, 10 * PFS_SECOND);
	if (!error) {
		/* What was there still is: the list takes nothing away. */
		must(!read_listing(world, &pages, &second));
		must(second == first);
	}
	world_destroy(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < pfs_all_kinds.count; i++)
		run(pfs_all_kinds.rows[i], (struct slice){(const char *)data, size});
	return 0;
}
