/* SPDX-License-Identifier: MIT */
/* Names: from a name to a node, the listings of directories, the path of a node. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- lookup -------------------------------------------------------------------------------- */

static int lookup_root(struct pfs_tree *tree, const char *name, struct pfs_node *ret_node,
		       int64_t *ret_valid)
{
	const struct pfs_kind *kind = pfs_kind_by_name(tree->kinds, name);

	*ret_valid = STATIC_VALID;
	if (kind)
		*ret_node = pfs_node_of_kind(kind);
	else if (!strcmp(name, "README"))
		*ret_node = pfs_node_plain(PFS_NODE_README, INODE_README);
	else if (!strcmp(name, "events"))
		*ret_node = pfs_node_of_history(tree, NULL);
	else if (!strcmp(name, ".pinefs"))
		*ret_node = pfs_node_plain(PFS_NODE_REPORTS, INODE_REPORTS);
	else if (!strcmp(name, "tables") && tree->config.tables)
		*ret_node = pfs_node_plain(PFS_NODE_TABLES, INODE_TABLES);
	else
		return -ENOENT;
	return 0;
}

static int lookup_report(struct pfs_tree *tree, const char *name, struct pfs_node *ret_node,
			 int64_t *ret_valid)
{
	*ret_valid = STATIC_VALID;
	for (unsigned i = 0; i < tree->config.report_count; i++) {
		if (strcmp(tree->config.reports[i].name, name) != 0)
			continue;
		pfs_snapshot_refresh(tree, i, true);
		*ret_node = pfs_node_of_report(i);
		return 0;
	}
	return -ENOENT;
}

/* Does a table of this kind have this name, and in which format? */
static bool is_table_name(const struct pfs_kind *kind, const char *name,
			  enum pfs_table_format *ret_format)
{
	const size_t length = strlen(kind->name);

	if (strncmp(name, kind->name, length) != 0 || name[length] != '.')
		return false;
	for (int i = 0; i < PFS_TABLE_FORMATS; i++) {
		*ret_format = (enum pfs_table_format)i;
		if (!strcmp(name + length + 1, pfs_table_suffix(*ret_format)))
			return true;
	}
	return false;
}

/* Who opens a table wants what is so now: this waits for the list, and for the text. */
static int lookup_table(struct pfs_tree *tree, const char *name, struct pfs_wait *wait,
			struct pfs_node *ret_node, int64_t *ret_valid)
{
	const struct pfs_kind *kind = NULL;
	enum pfs_table_format format;
	uint64_t number;
	int error = 0;

	for (size_t i = 0; !kind && i < tree->kinds->count; i++)
		kind = is_table_name(tree->kinds->rows[i], name, &format) ? tree->kinds->rows[i]
									  : NULL;
	*ret_valid = STATIC_VALID;
	if (!kind)
		return -ENOENT;
	*ret_valid = 0;
	if (wait)
		error = pfs_tables_ask(tree->config.tables, kind, format, wait);
	number = pfs_tables_latest(tree->config.tables, kind, format);
	if (error || !number)
		return error ? error : -ENOENT;
	*ret_node = pfs_node_of_table(kind, format, number);
	return 0;
}

/*
 * An id that was seen is found at once, even if its content has expired: the GETATTR that follows
 * waits for fresh content. A lookup that waits would block others in the directory.
 */
static int lookup_id(struct pfs_tree *tree, const struct pfs_node *parent, const char *name,
		     struct pfs_wait *wait, struct pfs_node *ret_node, int64_t *ret_valid)
{
	struct pfs_object *object = NULL;
	int error = 0;

	*ret_valid = STATIC_VALID;
	if (!pfs_is_object_id(name, strlen(name)))
		return -ENOENT;
	object = pfs_store_find(tree->store, parent->kind, name);
	if (!object && wait)
		error = pfs_store_ask(tree->store, parent->kind, name, wait, &object);
	if (object) {
		*ret_node = pfs_node_of_object(object);
		return 0;
	}
	/* A command may make it at any moment, and then it is there: the kernel must ask again. The
	 * store doesn't ask the API again for that. */
	*ret_valid =
		tree->config.restores ? 0 : pfs_store_missing_left(tree->store, parent->kind, name);
	return error && error != -ESTALE ? error : -ENOENT;
}

/* Does the object's last content have this file? */
static bool has_file(struct pfs_tree *tree, const struct pfs_object *object, unsigned index)
{
	if (!index || !object->content)
		return false;
	if (pfs_file_awaits_end(index))
		return object->kind->status != NULL;
	return pfs_file_next(tree, object->kind, object->content, index - 1) == index;
}

/* Must whoever reads this file wait for the object's end first? Until then it needs no fresh
 * content.
 */
static bool waits_yet(const struct pfs_object *object, unsigned index)
{
	return pfs_file_awaits_end(index) && object->content && !object->content->end;
}

static int lookup_file(struct pfs_tree *tree, const struct pfs_node *parent, const char *name,
		       struct pfs_wait *wait, struct pfs_node *ret_node, int64_t *ret_valid)
{
	struct pfs_object *object = parent->object;
	unsigned index = pfs_file_by_name(tree, parent->kind, name);
	int error = 0;

	*ret_valid = tree->config.ttl;
	if (*name == '.') /* no file of an object has such a name */
		return -ENOENT;
	if (!index && object->content) {
		pfs_file_learn(tree, parent->kind, object->content);
		index = pfs_file_by_name(tree, parent->kind, name);
	}
	if (index == FILE_RESTORES)
		return pfs_restores_lookup(tree, object, wait, ret_node);
	/* Who looks up a file is about to read it, and sendfile(2) asks for no attributes first. */
	if (wait && !waits_yet(object, index))
		error = pfs_store_ask_object(tree->store, object, wait);
	if (error != -EINPROGRESS && has_file(tree, object, index)) {
		*ret_node = pfs_node_of_file(tree, object, index);
		return 0;
	}
	if (pfs_store_left(tree->store, object) < *ret_valid)
		*ret_valid = pfs_store_left(tree->store, object);
	return error ? error : -ENOENT;
}

static int lookup_restore(const struct pfs_node *parent, const char *name,
			  struct pfs_node *ret_node, int64_t *ret_valid)
{
	*ret_valid = STATIC_VALID;
	if (strcmp(name, parent->kind->id) != 0)
		return -ENOENT;
	*ret_node = pfs_node_of_restore(parent->object, true);
	return 0;
}

bool pfs_tree_is_there(const struct pfs_tree *tree, const struct pfs_node *parent, const char *name)
{
	return parent->type == PFS_NODE_OBJECT && pfs_file_has_restores(tree, parent->kind) &&
	       !strcmp(name, parent->kind->command->directory);
}

int pfs_tree_lookup(struct pfs_tree *tree, const struct pfs_node *parent, const char *name,
		    struct pfs_wait *wait, struct pfs_node *ret_node, int64_t *ret_valid)
{
	switch (parent->type) {
	case PFS_NODE_ROOT:
		return lookup_root(tree, name, ret_node, ret_valid);
	case PFS_NODE_REPORTS:
		return lookup_report(tree, name, ret_node, ret_valid);
	case PFS_NODE_TABLES:
		return lookup_table(tree, name, wait, ret_node, ret_valid);
	case PFS_NODE_COLLECTION:
		return lookup_id(tree, parent, name, wait, ret_node, ret_valid);
	case PFS_NODE_OBJECT:
		return lookup_file(tree, parent, name, wait, ret_node, ret_valid);
	case PFS_NODE_RESTORES: /* a miss isn't cached: the next may be there */
		*ret_valid = 0;
		return pfs_restore_lookup(tree, parent->object, name, ret_node);
	case PFS_NODE_RESTORE:
		return lookup_restore(parent, name, ret_node, ret_valid);
	default:
		return -ENOTDIR;
	}
}

/* --- listings ------------------------------------------------------------------------------ */

/* Cursors 1 and 2 come after "." and ".."; what follows counts from there. */
#define DOTS 2

static uint64_t parent_inode(const struct pfs_tree *tree, const struct pfs_node *directory)
{
	if (pfs_restore_is_node(directory))
		return pfs_restore_parent(tree, directory);
	return directory->type == PFS_NODE_OBJECT ? pfs_tree_collection_inode(directory->kind)
						  : PFS_ROOT_INODE;
}

static int list_dots(struct pfs_tree *tree, const struct pfs_node *directory, uint64_t cursor,
		     struct pfs_entry *ret_entry)
{
	ret_entry->name = cursor ? ".." : ".";
	ret_entry->cursor = cursor + 1;
	ret_entry->node = *directory;
	if (cursor) /* where that is gone meanwhile, the entry has the directory's own number */
		(void)pfs_tree_node(tree, parent_inode(tree, directory), &ret_entry->node);
	return 1;
}

static int list_root(struct pfs_tree *tree, uint64_t place, struct pfs_entry *ret_entry)
{
	if (place == 0) {
		ret_entry->name = "README";
		ret_entry->node = pfs_node_plain(PFS_NODE_README, INODE_README);
	} else if (place == 1) {
		ret_entry->name = ".pinefs";
		ret_entry->node = pfs_node_plain(PFS_NODE_REPORTS, INODE_REPORTS);
	} else if (place == 2) {
		ret_entry->name = "events";
		ret_entry->node = pfs_node_of_history(tree, NULL);
	} else if (place - 3 < tree->kinds->count) {
		ret_entry->name = tree->kinds->rows[place - 3]->name;
		ret_entry->node = pfs_node_of_kind(tree->kinds->rows[place - 3]);
	} else if (place - 3 == tree->kinds->count && tree->config.tables) {
		ret_entry->name = "tables";
		ret_entry->node = pfs_node_plain(PFS_NODE_TABLES, INODE_TABLES);
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
	ret_entry->node = pfs_node_of_report((unsigned)place);
	ret_entry->cursor = place + 1 + DOTS;
	return 1;
}

/* Its text isn't made before somebody looks the name up. */
static int list_tables(struct pfs_tree *tree, uint64_t place, struct pfs_entry *ret_entry)
{
	const enum pfs_table_format format = (enum pfs_table_format)(place % PFS_TABLE_FORMATS);
	const struct pfs_kind *kind;

	if (place / PFS_TABLE_FORMATS >= tree->kinds->count)
		return 0;
	kind = tree->kinds->rows[place / PFS_TABLE_FORMATS];
	(void)snprintf(tree->name, sizeof(tree->name), "%s.%s", kind->name,
		       pfs_table_suffix(format));
	ret_entry->name = tree->name;
	ret_entry->node = pfs_node_of_table(kind, format,
					    pfs_tables_latest(tree->config.tables, kind, format));
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
	ret_entry->node = pfs_node_of_object(object);
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
	ret_entry->node = pfs_node_of_file(tree, object, index);
	ret_entry->cursor = index + DOTS;
	return 1;
}

/* The place among what was made of an object is the slot of the job before. */
static int list_restores(struct pfs_tree *tree, const struct pfs_node *directory, uint64_t place,
			 struct pfs_entry *ret_entry)
{
	int found = pfs_restores_list(tree, directory->object, place, ret_entry);

	if (found == 1)
		ret_entry->cursor = ret_entry->node.object->slot + DOTS;
	return found;
}

/* The directory of a job has one file. */
static int list_restore(const struct pfs_node *directory, uint64_t place,
			struct pfs_entry *ret_entry)
{
	if (place)
		return 0;
	ret_entry->name = directory->kind->id;
	ret_entry->node = pfs_node_of_restore(directory->object, true);
	ret_entry->cursor = 1 + DOTS;
	return 1;
}

int pfs_tree_list(struct pfs_tree *tree, const struct pfs_node *directory, uint64_t cursor,
		  struct pfs_wait *wait, struct pfs_entry *ret_entry)
{
	bool dots = cursor < DOTS;
	uint64_t place = dots ? 0 : cursor - DOTS;
	int error;

	if (directory->type == PFS_NODE_COLLECTION && !cursor) {
		/* A listing that fails must fail before its first entry. */
		error = pfs_store_ask_list(tree->store, directory->kind, 0, wait);
		if (error)
			return error;
		tree->listings[directory->kind->number].served = true;
	}
	if (directory->type == PFS_NODE_RESTORES && !cursor) {
		error = pfs_restores_refresh(tree, directory, wait);
		if (error)
			return error;
	}
	if (dots)
		return list_dots(tree, directory, cursor, ret_entry);
	switch (directory->type) {
	case PFS_NODE_ROOT:
		return list_root(tree, place, ret_entry);
	case PFS_NODE_REPORTS:
		return list_reports(tree, place, ret_entry);
	case PFS_NODE_TABLES:
		return list_tables(tree, place, ret_entry);
	case PFS_NODE_COLLECTION:
		return list_collection(tree, directory->kind, place, wait, ret_entry);
	case PFS_NODE_OBJECT:
		return list_object(tree, directory->object, place, ret_entry);
	case PFS_NODE_RESTORES:
		return list_restores(tree, directory, place, ret_entry);
	case PFS_NODE_RESTORE:
		return list_restore(directory, place, ret_entry);
	default:
		return -ENOTDIR;
	}
}

/* --- references ---------------------------------------------------------------------------- */

void pfs_tree_hold(struct pfs_tree *tree, const struct pfs_node *node, uint64_t count)
{
	if (node->type == PFS_NODE_TABLE)
		pfs_tables_hold(tree->config.tables, node->kind, node->index, node->generation,
				count);
	else if (node->object)
		pfs_store_hold(tree->store, node->object, count);
}

void pfs_tree_hold_inode(struct pfs_tree *tree, uint64_t inode, uint64_t count)
{
	struct pfs_node node;

	if (!pfs_node_held(tree, inode, &node))
		pfs_tree_hold(tree, &node, count);
}

void pfs_tree_forget(struct pfs_tree *tree, uint64_t inode, uint64_t count)
{
	struct pfs_node node;

	if (pfs_node_held(tree, inode, &node))
		return;
	if (node.type == PFS_NODE_TABLE)
		pfs_tables_release(tree->config.tables, node.kind, node.index, node.generation,
				   count);
	if (!node.object)
		return;
	if (node.object->references <= count) /* nobody is left who could read what was promised */
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
	case PFS_NODE_TABLES:
		return "tables";
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
	if (pfs_restore_is_node(&node))
		return pfs_restore_path(tree, &node, path, size);
	parts[0] = node.kind ? node.kind->name : plain_name(tree, &node);
	parts[1] = node.object ? node.object->id : NULL;
	if (node.type == PFS_NODE_FILE || node.type == PFS_NODE_LINK)
		parts[2] = pfs_file_name(tree, node.kind, node.index);
	if (node.type == PFS_NODE_REPORT) {
		parts[1] = parts[0];
		parts[0] = ".pinefs";
	}
	if (node.type == PFS_NODE_TABLE && node.kind) {
		length = snprintf(path, size, "tables/%s.%s", node.kind->name,
				  pfs_table_suffix(node.index));
		return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
	}
	length = snprintf(path, size, "%s%s%s%s%s", parts[0] ? parts[0] : "", parts[1] ? "/" : "",
			  parts[1] ? parts[1] : "", parts[2] ? "/" : "", parts[2] ? parts[2] : "");
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

void pfs_tree_each_inode(struct pfs_tree *tree, const struct pfs_object *object,
			 void (*visit)(void *arg, uint64_t inode), void *arg)
{
	const struct pfs_kind *kind = object->kind;
	uint64_t first = pfs_tree_object_inode(object);

	visit(arg, first);
	for (unsigned i = 0; i < kind->field_count; i++)
		visit(arg, first + FILE_FIELD + i);
	for (unsigned i = FILE_RAW; i <= FILE_SUCCESS; i++)
		visit(arg, i == FILE_EVENTS ? pfs_tree_events_inode(tree, object) : first + i);
	for (unsigned i = 0; i < kind->link_count; i++)
		visit(arg, pfs_link_inode(object, i));
	for (unsigned i = 0; i < tree->extras[kind->number].count; i++)
		visit(arg, first + FILE_EXTRA + i);
	if (pfs_file_has_restores(tree, kind))
		visit(arg, pfs_tree_restores_inode(object));
}

/* --- the whole tree ------------------------------------------------------------------------ */

static void on_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	pfs_link_changed(object, before);
	pfs_promise_changed(object, before);
}

int pfs_tree_create(struct pfs_store *store, struct pfs_history *history, struct pfs_loop *loop,
		    const struct pfs_tree_config *config, struct pfs_tree **ret_tree)
{
	struct pfs_tree *tree;
	struct pfs_store_listener listener = {
		.changed = on_changed,
		.freed = pfs_promise_freed,
	};
	int error;

	if (config->report_count > PFS_REPORTS_MAX)
		return -E2BIG;
	tree = calloc(1, sizeof(*tree));
	if (!tree)
		return -ENOMEM;
	listener.arg = tree;
	error = pfs_store_listen(store, &listener);
	if (error) {
		free(tree);
		return error;
	}
	tree->store = store;
	tree->kinds = pfs_store_kinds(store);
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
	for (size_t i = 0; i < PFS_KINDS_MAX; i++)
		pfs_extras_finish(&tree->extras[i]);
	for (size_t i = 0; i < PFS_REPORTS_MAX; i++)
		pfs_buffer_finish(&tree->snapshots[i].buffer);
	pfs_buffer_finish(&tree->scratch);
	free(tree);
}
