/* SPDX-License-Identifier: MIT */
/* Places and names: from an inode or a name to a node, and the listings of directories. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROTATED		(UINT64_C(1) << 63)
#define GENERATION_BITS 16
#define GENERATION_MASK ((UINT64_C(1) << GENERATION_BITS) - 1)

/* --- nodes --------------------------------------------------------------------------------- */

static struct pfs_node plain_node(enum pfs_node_type type, uint64_t inode)
{
	return (struct pfs_node){.type = type, .inode = inode};
}

static struct pfs_node report_node(unsigned index)
{
	struct pfs_node node = plain_node(PFS_NODE_REPORT, INODE_REPORT + index);

	node.index = index;
	return node;
}

uint64_t pfs_tree_collection_inode(const struct pfs_kind *kind)
{
	return INODE_COLLECTION + (uint64_t)(kind - pfs_kinds);
}

static struct pfs_node collection_node(const struct pfs_kind *kind)
{
	struct pfs_node node = plain_node(PFS_NODE_COLLECTION, pfs_tree_collection_inode(kind));

	node.kind = kind;
	return node;
}

static struct pfs_node object_node(struct pfs_object *object, unsigned index)
{
	return (struct pfs_node){
		.type = index ? PFS_NODE_FILE : PFS_NODE_OBJECT,
		.inode = object->slot * INODE_SLOT + index,
		.index = index,
		.kind = object->kind,
		.object = object,
	};
}

/* The first generation has the number that any file would have. */
static uint64_t history_inode(uint64_t slot, uint64_t generation)
{
	if (generation)
		return ROTATED | slot << GENERATION_BITS | (generation & GENERATION_MASK);
	return slot ? slot * INODE_SLOT + FILE_EVENTS : INODE_EVENTS;
}

static struct pfs_node history_node(struct pfs_object *object, uint64_t generation)
{
	struct pfs_node node = object ? object_node(object, FILE_EVENTS)
				      : plain_node(PFS_NODE_EVENTS, INODE_EVENTS);

	node.generation = generation;
	node.inode = history_inode(object ? object->slot : 0, generation);
	return node;
}

/* The history as it is now, under the number of its present generation. */
static struct pfs_node present_history(struct pfs_tree *tree, struct pfs_object *object)
{
	return history_node(object, pfs_history_generation(tree->history, object));
}

uint64_t pfs_tree_events_inode(struct pfs_tree *tree, const struct pfs_object *object)
{
	return history_inode(object ? object->slot : 0,
			     pfs_history_generation(tree->history, object));
}

uint64_t pfs_tree_rotated_inode(struct pfs_tree *tree, const struct pfs_object *object)
{
	if (!pfs_history_is_rotated(tree->history, object))
		return 0;
	return history_inode(object ? object->slot : 0,
			     pfs_history_generation(tree->history, object) - 1);
}

uint64_t pfs_tree_object_inode(const struct pfs_object *object)
{
	return object->slot * INODE_SLOT;
}

uint64_t pfs_tree_last_inode(const struct pfs_object *object)
{
	return object->slot * INODE_SLOT + INODE_SLOT - 1;
}

uint64_t pfs_tree_done_inode(const struct pfs_object *object)
{
	return object->slot * INODE_SLOT + FILE_DONE;
}

uint64_t pfs_tree_wait_inode(const struct pfs_object *object)
{
	return object->slot * INODE_SLOT + FILE_WAIT;
}

/* A file of an object by its index, whichever kind of file it is. */
static struct pfs_node file_node(struct pfs_tree *tree, struct pfs_object *object, unsigned index)
{
	return index == FILE_EVENTS ? present_history(tree, object) : object_node(object, index);
}

/* Of the number only some bits are kept: it is the present generation or the one before. */
static int rotated_node(struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	uint64_t slot = (inode & ~ROTATED) >> GENERATION_BITS, generation;
	struct pfs_object *object = slot ? pfs_store_by_slot(tree->store, slot) : NULL;

	if (slot && !object)
		return -ESTALE;
	generation = pfs_history_generation(tree->history, object);
	if (((generation - 1) & GENERATION_MASK) == (inode & GENERATION_MASK))
		generation--;
	else if ((generation & GENERATION_MASK) != (inode & GENERATION_MASK))
		return -ESTALE;
	*ret_node = history_node(object, generation);
	return 0;
}

static int static_node(const struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	if (inode == PFS_ROOT_INODE)
		*ret_node = plain_node(PFS_NODE_ROOT, inode);
	else if (inode == INODE_README)
		*ret_node = plain_node(PFS_NODE_README, inode);
	else if (inode == INODE_REPORTS)
		*ret_node = plain_node(PFS_NODE_REPORTS, inode);
	else if (inode == INODE_EVENTS)
		*ret_node = history_node(NULL, 0);
	else if (inode >= INODE_REPORT && inode - INODE_REPORT < tree->config.report_count)
		*ret_node = report_node((unsigned)(inode - INODE_REPORT));
	else if (inode >= INODE_COLLECTION && inode - INODE_COLLECTION < pfs_kind_count)
		*ret_node = collection_node(&pfs_kinds[inode - INODE_COLLECTION]);
	else
		return -ESTALE;
	return 0;
}

int pfs_tree_node(struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	struct pfs_object *object;

	if (inode < INODE_SLOT)
		return static_node(tree, inode, ret_node);
	if (inode & ROTATED)
		return rotated_node(tree, inode, ret_node);
	object = pfs_store_by_slot(tree->store, inode / INODE_SLOT);
	if (!object)
		return -ESTALE;
	*ret_node = object_node(object, (unsigned)(inode % INODE_SLOT));
	return 0;
}

/* --- lookup -------------------------------------------------------------------------------- */

static int lookup_root(struct pfs_tree *tree, const char *name, struct pfs_node *ret_node,
		       int64_t *ret_holds)
{
	const struct pfs_kind *kind = pfs_kind_by_name(name);

	*ret_holds = STATIC_HOLDS;
	if (kind)
		*ret_node = collection_node(kind);
	else if (!strcmp(name, "README"))
		*ret_node = plain_node(PFS_NODE_README, INODE_README);
	else if (!strcmp(name, "events"))
		*ret_node = present_history(tree, NULL);
	else if (!strcmp(name, ".pinefs"))
		*ret_node = plain_node(PFS_NODE_REPORTS, INODE_REPORTS);
	else
		return -ENOENT;
	return 0;
}

static int lookup_report(struct pfs_tree *tree, const char *name, struct pfs_node *ret_node,
			 int64_t *ret_holds)
{
	*ret_holds = STATIC_HOLDS;
	for (unsigned i = 0; i < tree->config.report_count; i++) {
		if (strcmp(tree->config.reports[i].name, name) != 0)
			continue;
		pfs_snapshot_look(tree, i, true);
		*ret_node = report_node(i);
		return 0;
	}
	return -ENOENT;
}

/*
 * An id that was seen is answered at once, however old: whether it still holds is for whoever
 * asks for its attributes, since a lookup that waits holds up others in the directory.
 */
static int lookup_id(struct pfs_tree *tree, const struct pfs_node *parent, const char *name,
		     struct pfs_wait *wait, struct pfs_node *ret_node, int64_t *ret_holds)
{
	struct pfs_object *object = NULL;
	int error = 0;

	*ret_holds = STATIC_HOLDS;
	if (!pfs_is_object_id(name, strlen(name)))
		return -ENOENT;
	object = pfs_store_find(tree->store, parent->kind, name);
	if (!object && wait)
		error = pfs_store_ask(tree->store, parent->kind, name, wait, &object);
	if (object) {
		*ret_node = object_node(object, 0);
		return 0;
	}
	*ret_holds = pfs_store_missing_left(tree->store, parent->kind, name);
	return error && error != -ESTALE ? error : -ENOENT;
}

/* Does the file exist, as far as is known? All do but `done` and those of unknown keys. */
static bool has_file(struct pfs_tree *tree, const struct pfs_object *object, unsigned index)
{
	if (!index || !object->content)
		return false;
	return index == FILE_WAIT ||
	       pfs_file_next(tree, object->kind, object->content, index - 1) == index;
}

static int lookup_file(struct pfs_tree *tree, const struct pfs_node *parent, const char *name,
		       struct pfs_wait *wait, struct pfs_node *ret_node, int64_t *ret_holds)
{
	struct pfs_object *object = parent->object;
	unsigned index = pfs_file_by_name(tree, parent->kind, name);
	int error = 0;

	*ret_holds = tree->config.ttl;
	if (*name == '.') /* no member of an object is ever called so */
		return -ENOENT;
	if (!index && object->content) {
		pfs_file_learn(tree, parent->kind, object->content);
		index = pfs_file_by_name(tree, parent->kind, name);
	}
	/* Who looks up a file is about to read it, and sendfile(2) asks for no attributes first. */
	if (wait && index != FILE_WAIT)
		error = pfs_store_ask_object(tree->store, object, wait);
	if (error != -EINPROGRESS && has_file(tree, object, index)) {
		*ret_node = file_node(tree, object, index);
		return 0;
	}
	if (pfs_store_left(tree->store, object) < *ret_holds)
		*ret_holds = pfs_store_left(tree->store, object);
	return error ? error : -ENOENT;
}

int pfs_tree_lookup(struct pfs_tree *tree, const struct pfs_node *parent, const char *name,
		    struct pfs_wait *wait, struct pfs_node *ret_node, int64_t *ret_holds)
{
	switch (parent->type) {
	case PFS_NODE_ROOT:
		return lookup_root(tree, name, ret_node, ret_holds);
	case PFS_NODE_REPORTS:
		return lookup_report(tree, name, ret_node, ret_holds);
	case PFS_NODE_COLLECTION:
		return lookup_id(tree, parent, name, wait, ret_node, ret_holds);
	case PFS_NODE_OBJECT:
		return lookup_file(tree, parent, name, wait, ret_node, ret_holds);
	default:
		return -ENOTDIR;
	}
}

int64_t pfs_tree_entry_holds(const struct pfs_tree *tree, const struct pfs_node *node)
{
	int64_t left;

	switch (node->type) {
	case PFS_NODE_REPORT:
		return 0;
	case PFS_NODE_COLLECTION:
	case PFS_NODE_EVENTS:
		return tree->config.ttl;
	case PFS_NODE_OBJECT:
	case PFS_NODE_FILE:
		/* The attributes say whether the object still holds, not the name. */
		left = pfs_store_left(tree->store, node->object);
		return left ? left : tree->config.ttl;
	default:
		return STATIC_HOLDS;
	}
}

/* --- listings ------------------------------------------------------------------------------ */

/* Cursors 1 and 2 come after "." and ".."; what follows counts from there. */
#define DOTS 2

static uint64_t parent_inode(const struct pfs_node *directory)
{
	return directory->type == PFS_NODE_OBJECT ? pfs_tree_collection_inode(directory->kind)
						  : PFS_ROOT_INODE;
}

static int list_dots(struct pfs_tree *tree, const struct pfs_node *directory, uint64_t cursor,
		     struct pfs_entry *ret_entry)
{
	ret_entry->name = cursor ? ".." : ".";
	ret_entry->cursor = cursor + 1;
	ret_entry->node = *directory;
	if (cursor) /* a parent is no object's: it is always there */
		(void)static_node(tree, parent_inode(directory), &ret_entry->node);
	return 1;
}

static int list_root(struct pfs_tree *tree, uint64_t place, struct pfs_entry *ret_entry)
{
	if (place == 0) {
		ret_entry->name = "README";
		ret_entry->node = plain_node(PFS_NODE_README, INODE_README);
	} else if (place == 1) {
		ret_entry->name = ".pinefs";
		ret_entry->node = plain_node(PFS_NODE_REPORTS, INODE_REPORTS);
	} else if (place == 2) {
		ret_entry->name = "events";
		ret_entry->node = present_history(tree, NULL);
	} else if (place - 3 < pfs_kind_count) {
		ret_entry->name = pfs_kinds[place - 3].name;
		ret_entry->node = collection_node(&pfs_kinds[place - 3]);
	} else {
		return 0;
	}
	ret_entry->cursor = place + 1 + DOTS;
	return 1;
}

static int list_reports(const struct pfs_tree *tree, uint64_t place, struct pfs_entry *ret_entry)
{
	if (place >= tree->config.report_count)
		return 0;
	ret_entry->name = tree->config.reports[place].name;
	ret_entry->node = report_node((unsigned)place);
	ret_entry->cursor = place + 1 + DOTS;
	return 1;
}

/* The place in a collection is the slot of the object before. */
static int list_collection(struct pfs_tree *tree, const struct pfs_kind *kind, uint64_t place,
			   struct pfs_wait *wait, struct pfs_entry *ret_entry)
{
	struct pfs_object *object;
	int error = pfs_store_ask_list(tree->store, kind, place, wait);

	if (error)
		return error;
	object = pfs_store_next(tree->store, kind, place);
	if (!object)
		return 0;
	ret_entry->name = object->id;
	ret_entry->node = object_node(object, 0);
	ret_entry->cursor = object->slot + DOTS;
	return 1;
}

/* The place in an object is the index of the file before. */
static int list_object(struct pfs_tree *tree, struct pfs_object *object, uint64_t place,
		       struct pfs_entry *ret_entry)
{
	unsigned index;

	if (object->gone || !object->content)
		return -ESTALE;
	if (!place)
		pfs_file_learn(tree, object->kind, object->content);
	index = place < FILE_END
			? pfs_file_next(tree, object->kind, object->content, (unsigned)place)
			: 0;
	if (!index)
		return 0;
	ret_entry->name = pfs_file_name(tree, object->kind, index);
	ret_entry->node = file_node(tree, object, index);
	ret_entry->cursor = index + DOTS;
	return 1;
}

int pfs_tree_list(struct pfs_tree *tree, const struct pfs_node *directory, uint64_t cursor,
		  struct pfs_wait *wait, struct pfs_entry *ret_entry)
{
	bool dots = cursor < DOTS;
	uint64_t place = dots ? 0 : cursor - DOTS;
	int error;

	if (directory->type == PFS_NODE_COLLECTION && !cursor) {
		/* A list that can't be had must fail before anything of it was given. */
		error = pfs_store_ask_list(tree->store, directory->kind, 0, wait);
		if (error)
			return error;
		tree->listings[directory->kind - pfs_kinds].served = true;
	}
	if (dots)
		return list_dots(tree, directory, cursor, ret_entry);
	switch (directory->type) {
	case PFS_NODE_ROOT:
		return list_root(tree, place, ret_entry);
	case PFS_NODE_REPORTS:
		return list_reports(tree, place, ret_entry);
	case PFS_NODE_COLLECTION:
		return list_collection(tree, directory->kind, place, wait, ret_entry);
	case PFS_NODE_OBJECT:
		return list_object(tree, directory->object, place, ret_entry);
	default:
		return -ENOTDIR;
	}
}

/* --- references ---------------------------------------------------------------------------- */

void pfs_tree_hold(struct pfs_tree *tree, const struct pfs_node *node, uint64_t count)
{
	if (node->object)
		pfs_store_hold(tree->store, node->object, count);
}

void pfs_tree_hold_inode(struct pfs_tree *tree, uint64_t inode, uint64_t count)
{
	struct pfs_node node;

	if (!pfs_tree_node(tree, inode, &node))
		pfs_tree_hold(tree, &node, count);
}

void pfs_tree_forget(struct pfs_tree *tree, uint64_t inode, uint64_t count)
{
	struct pfs_node node;

	if (pfs_tree_node(tree, inode, &node) || !node.object)
		return;
	if (node.object->references <= count) /* nobody is left to whom anything was promised */
		pfs_promise_freed(tree, node.object);
	pfs_store_release(tree->store, node.object, count);
}

/* The name of a node that isn't a directory of objects or an object; NULL for the root. */
static const char *plain_name(const struct pfs_tree *tree, const struct pfs_node *node)
{
	switch (node->type) {
	case PFS_NODE_README:
		return "README";
	case PFS_NODE_EVENTS:
		return "events";
	case PFS_NODE_REPORTS:
		return ".pinefs";
	case PFS_NODE_REPORT:
		return tree->config.reports[node->index].name;
	default:
		return NULL;
	}
}

int pfs_tree_path(struct pfs_tree *tree, uint64_t inode, char *path, size_t size)
{
	const char *parts[3] = {0};
	struct pfs_node node;
	int length, error = pfs_tree_node(tree, inode, &node);

	if (error)
		return error;
	parts[0] = node.kind ? node.kind->name : plain_name(tree, &node);
	parts[1] = node.object ? node.object->id : NULL;
	if (node.type == PFS_NODE_FILE)
		parts[2] = pfs_file_name(tree, node.kind, node.index);
	if (node.type == PFS_NODE_REPORT) {
		parts[1] = parts[0];
		parts[0] = ".pinefs";
	}
	length = snprintf(path, size, "%s%s%s%s%s", parts[0] ? parts[0] : "", parts[1] ? "/" : "",
			  parts[1] ? parts[1] : "", parts[2] ? "/" : "", parts[2] ? parts[2] : "");
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

void pfs_tree_each_inode(struct pfs_tree *tree, const struct pfs_object *object,
			 void (*visit)(void *arg, uint64_t inode), void *arg)
{
	const struct extras *extras = &tree->extras[object->kind - pfs_kinds];
	uint64_t first = object->slot * INODE_SLOT;

	visit(arg, first);
	for (unsigned i = 0; object->kind->fields[i]; i++)
		visit(arg, first + FILE_FIELD + i);
	for (unsigned i = FILE_RAW; i <= FILE_WAIT; i++)
		visit(arg, i == FILE_EVENTS ? pfs_tree_events_inode(tree, object) : first + i);
	for (unsigned i = 0; i < extras->count; i++)
		visit(arg, first + FILE_EXTRA + i);
}

/* --- the whole tree ------------------------------------------------------------------------ */

int pfs_tree_create(struct pfs_store *store, struct pfs_history *history, struct pfs_loop *loop,
		    const struct pfs_tree_config *config, struct pfs_tree **ret_tree)
{
	struct pfs_tree *tree;
	struct pfs_store_listener listener = {
		.changed = pfs_promise_changed,
		.freed = pfs_promise_freed,
	};
	int error;

	if (config->report_count > PFS_REPORTS_MAX)
		return -E2BIG;
	tree = calloc(1, sizeof(*tree));
	if (!tree)
		return -ENOMEM;
	tree->extras = calloc(pfs_kind_count, sizeof(*tree->extras));
	tree->listings = calloc(pfs_kind_count, sizeof(*tree->listings));
	listener.arg = tree;
	error = tree->extras && tree->listings ? pfs_store_listen(store, &listener) : -ENOMEM;
	if (error) {
		pfs_tree_destroy(tree);
		return error;
	}
	tree->store = store;
	tree->history = history;
	tree->loop = loop;
	tree->config = *config;
	tree->mounted_at = pfs_loop_wall(loop);
	*ret_tree = tree;
	return 0;
}

void pfs_tree_destroy(struct pfs_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; tree->extras && i < pfs_kind_count; i++)
		pfs_extras_finish(&tree->extras[i]);
	for (size_t i = 0; i < PFS_REPORTS_MAX; i++)
		pfs_buffer_finish(&tree->snapshots[i].buffer);
	pfs_buffer_finish(&tree->scratch);
	free(tree->extras);
	free(tree->listings);
	free(tree);
}
