/* SPDX-License-Identifier: MIT */
/*
 * Documents: each part of the input (cut at bytes 0x1e) is what describe answers for one object,
 * one after the other, each after the TTL of the one before; for an object of each kind.
 *
 * Holds whatever they say: no file without an answer about just this object; raw.json is one of the
 * parts, byte for byte, and says what the last good one says; what stat(2) told of a file is what
 * read(2) gives until it is told anew.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "pinefs/json.h"
#include "pinefs/text.h"

#define ID	  "job-1"
#define FILES_MAX 64

struct told {
	struct pfs_node node;
	bool grows; /* a history */
	struct pfs_buffer content;
};

struct view {
	struct told files[FILES_MAX];
	size_t count;
	struct slice raw; /* inside of files[].content */
};

static void keep_file(void *arg, const char *name, const struct pfs_node *node,
		      const struct pfs_buffer *content)
{
	struct view *view = arg;
	struct told *told = &view->files[view->count++];

	must(view->count <= FILES_MAX);
	told->node = *node;
	told->grows = !strcmp(name, "events");
	told->content = (struct pfs_buffer){0};
	must(!pfs_buffer_add(&told->content, content->bytes, content->length));
	if (!strcmp(name, "raw.json"))
		view->raw = (struct slice){told->content.bytes, told->content.length};
}

static void forget_view(struct view *view)
{
	for (size_t i = 0; i < view->count; i++)
		pfs_buffer_finish(&view->files[i].content);
	*view = (struct view){0};
}

/*
 * Nothing was told since: read(2) must give the same bytes. A history may have more, or may have
 * been rotated away.
 */
static void check_promises(struct world *world, const struct view *view)
{
	struct pfs_slice now;

	for (size_t i = 0; i < view->count; i++) {
		const struct told *told = &view->files[i];

		size_t length = told->content.length;
		int error = pfs_tree_read(world->tree, &told->node, &now);

		if (error) {
			must(told->grows && error == -ESTALE);
			continue;
		}
		must(told->grows ? now.length >= length : now.length == length);
		must(!length || !memcmp(now.bytes, told->content.bytes, length));
	}
}

/* Is this what one of the parts said, up to and including the last one? */
static bool was_sent(struct slice input, struct slice last, struct slice raw)
{
	struct slice part;

	while (slice_next(&input, 0x1e, &part) && part.bytes <= last.bytes) {
		if (part.length == raw.length && !memcmp(part.bytes, raw.bytes, raw.length))
			return true;
	}
	return false;
}

static bool is_about_it(const struct pfs_kind *kind, const struct pfs_json *json)
{
	const struct pfs_json_value id = pfs_json_at(json, kind->id);

	return pfs_json_whole(json).type == PFS_JSON_OBJECT && pfs_json_says(&id, ID);
}

/* raw.json is about the object; an answer that says what an earlier one said needn't take its
 * place.
 */
static void check_raw(const struct pfs_kind *kind, struct slice raw, struct slice part)
{
	struct pfs_json shown, said;

	must(!pfs_json_parse(raw.bytes, raw.length, PFS_JSON_DEPTH, &shown));
	must(is_about_it(kind, &shown));
	if (!pfs_json_parse(part.bytes, part.length, PFS_JSON_DEPTH, &said)) {
		must(!is_about_it(kind, &said) || pfs_json_same(&shown, &said));
		pfs_json_finish(&said);
	}
	pfs_json_finish(&shown);
}

static int ask(struct world *world, struct slice document)
{
	const struct pfs_node collection = world_collection(world);
	struct pfs_node node;
	struct waiter waiter;
	int64_t holds;
	int error;

	waiter_init(&waiter);
	if (world_object(world, ID, &node))
		error = pfs_tree_refresh(world->tree, &node, true, &waiter.wait);
	else
		error = pfs_tree_lookup(world->tree, &collection, ID, &waiter.wait, &node, &holds);
	must(error == -EINPROGRESS && world_asked(world));
	world_answer(world, 200, document);
	must(waiter.told && !world_asked(world));
	return waiter.error;
}

static void run(const struct pfs_kind *kind, struct slice input)
{
	struct slice rest = input, part;
	struct world *world = world_create(kind);
	struct view view = {0};
	struct pfs_node node;
	unsigned parts = 0;

	while (parts++ < 8 && slice_next(&rest, 0x1e, &part)) {
		int error = ask(world, part);

		must(error == 0 || error == -EIO || error == -EFBIG);
		check_promises(world, &view);
		forget_view(&view);
		if (!world_object(world, ID, &node)) {
			must(error);
			world_pass(world, 20 * PFS_SECOND);
			continue;
		}
		world_each_file(world, &node, keep_file, &view);
		must(view.raw.bytes && was_sent(input, part, view.raw));
		check_raw(kind, view.raw, part);
		world_pass(world, 20 * PFS_SECOND);
	}
	forget_view(&view);
	world_destroy(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < pfs_all_kinds.count; i++)
		run(pfs_all_kinds.rows[i], (struct slice){(const char *)data, size});
	return 0;
}
