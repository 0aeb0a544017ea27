/* SPDX-License-Identifier: MIT */
/*
 * What was made of an object: a directory in the object's, with a directory for each name, and in
 * that a file with the id of the job that made it. The names come from the jobs that the store
 * knows. Only the first of these directories, looked up or listed, has the list of jobs walked; all
 * in it is served from what is known, so that nobody who makes something waits for a list twice.
 */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool pfs_restore_is_node(const struct pfs_node *node)
{
	return node->type == PFS_NODE_RESTORES || node->type == PFS_NODE_RESTORE ||
	       node->type == PFS_NODE_RESTORE_ID;
}

static const struct pfs_kind *job_kind(const struct pfs_tree *tree, const struct pfs_object *source)
{
	return pfs_restores_job_kind(tree->config.restores, source->kind);
}

/* --- names --------------------------------------------------------------------------------- */

int pfs_restores_refresh(struct pfs_tree *tree, const struct pfs_node *node, struct pfs_wait *wait)
{
	if (node->type != PFS_NODE_RESTORES)
		return 0;
	return pfs_store_ask_list(tree->store, job_kind(tree, node->object), PFS_LIST_WHOLE, wait);
}

int pfs_restores_lookup(struct pfs_tree *tree, struct pfs_object *source, struct pfs_wait *wait,
			struct pfs_node *ret_node)
{
	*ret_node = pfs_node_of_restores(source);
	if (wait && pfs_restores_refresh(tree, ret_node, wait) == -EINPROGRESS)
		return -EINPROGRESS;
	return 0;
}

int pfs_restore_lookup(struct pfs_tree *tree, struct pfs_object *source, const char *name,
		       struct pfs_node *ret_node)
{
	struct pfs_object *job = pfs_restores_find(tree->config.restores, source, name);

	if (!job)
		return -ENOENT;
	*ret_node = pfs_node_of_restore(job, false);
	return 0;
}

int pfs_restores_list(struct pfs_tree *tree, struct pfs_object *source, uint64_t place,
		      struct pfs_entry *ret_entry)
{
	struct pfs_object *job =
		pfs_restores_next(tree->config.restores, source, place, &ret_entry->name);

	if (!job)
		return 0;
	ret_entry->node = pfs_node_of_restore(job, false);
	return 1;
}

int pfs_restore_path(const struct pfs_tree *tree, const struct pfs_node *node, char *path,
		     size_t size)
{
	const bool is_file = node->type == PFS_NODE_RESTORE_ID;
	struct pfs_object *source = node->object;
	const char *name = NULL;
	int length;

	if (node->type != PFS_NODE_RESTORES &&
	    !pfs_restores_place(tree->config.restores, node->object, &source, &name))
		return -ESTALE;
	length = snprintf(path, size, "%s/%s/%s%s%s%s%s", source->kind->name, source->id,
			  source->kind->command->directory, name ? "/" : "", name ? name : "",
			  is_file ? "/" : "", is_file ? node->kind->id : "");
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

uint64_t pfs_restore_parent(const struct pfs_tree *tree, const struct pfs_node *node)
{
	struct pfs_object *source;
	const char *name;

	if (node->type == PFS_NODE_RESTORES)
		return pfs_tree_object_inode(node->object);
	return pfs_restores_place(tree->config.restores, node->object, &source, &name)
		       ? pfs_tree_restores_inode(source)
		       : PFS_ROOT_INODE;
}

/* --- attributes and contents --------------------------------------------------------------- */

int pfs_restore_attributes(struct pfs_tree *tree, const struct pfs_node *node, int64_t *ret_time,
			   size_t *ret_size)
{
	const struct pfs_object *object = node->object;
	int64_t modified;

	*ret_size = 0;
	*ret_time = object->first_seen;
	if (object->gone)
		return -ESTALE;
	if (node->type == PFS_NODE_RESTORES) {
		modified = pfs_restores_modified(tree->config.restores, object);
		*ret_time = modified ? modified : object->first_seen;
	} else if (node->type == PFS_NODE_RESTORE_ID) {
		*ret_size = strlen(object->id) + 1;
	}
	return 0;
}

int64_t pfs_restore_valid(const struct pfs_tree *tree, const struct pfs_node *node)
{
	int64_t left;

	if (node->type != PFS_NODE_RESTORES)
		return tree->config.ttl;
	left = pfs_store_list_left(tree->store, job_kind(tree, node->object));
	return left < tree->config.ttl ? left : tree->config.ttl;
}

int pfs_restore_read(struct pfs_tree *tree, const struct pfs_node *node,
		     struct pfs_slice *ret_content)
{
	pfs_buffer_clear(&tree->scratch);
	(void)pfs_buffer_format(&tree->scratch, "%s\n", node->object->id);
	*ret_content = (struct pfs_slice){tree->scratch.bytes, tree->scratch.length};
	return tree->scratch.error;
}
