/* SPDX-License-Identifier: MIT */
/*
 * Inode numbers, and their nodes. A number is computed, not stored:
 *
 *	bits 63 to 60	its class
 *	bits 59 to 56	the kind of its object
 *	bits 55 to 0	depend on the class
 *
 * NUMBER_OBJECT: the object's slot times 64, plus the index of the file in it, or 0 for its
 * directory. Slot 0 of kind 0 has the nodes that belong to no object.
 *
 * NUMBER_ROTATED: a history after its first generation. The slot of its object, then the last 16
 * bits of the generation. Slot 0 of kind 0 is /events.
 *
 * NUMBER_LINK: a symbolic link. The slot of its object, the index of the link among those of its
 * kind (LINK_BITS), and how often its target has changed, the last 16 bits of it. The kernel
 * never reads an inode's target twice.
 *
 * NUMBER_TABLE: the text of a table. The number of the text, then its format (FORMAT_BITS).
 *
 * NUMBER_RESTORE: the directory of a job among what was made of an object. The slot of the job,
 * then 0, or 1 for the file in it (RESTORE_BITS). Had it the number of the job's own directory, the
 * kernel would move that one here, with the shells in it.
 */
#include "tree.h"

#include <errno.h>

enum number_class {
	NUMBER_OBJECT,
	NUMBER_ROTATED,
	NUMBER_LINK,
	NUMBER_TABLE,
	NUMBER_RESTORE,
};

#define CLASS_SHIFT	60
#define KIND_SHIFT	56
#define KIND_MASK	(PFS_KINDS_MAX - 1)
#define REST_MASK	((UINT64_C(1) << KIND_SHIFT) - 1)
#define GENERATION_BITS 16
#define GENERATION_MASK ((UINT64_C(1) << GENERATION_BITS) - 1)

#define LINK_BITS    1
#define FORMAT_BITS  1
#define RESTORE_BITS 1

_Static_assert(PFS_LINKS_MAX == 1 << LINK_BITS, "each link has a number");
_Static_assert((int)PFS_TABLE_FORMATS == 1 << FORMAT_BITS, "each format has a number");
_Static_assert(PFS_KINDS_MAX == 1 << (CLASS_SHIFT - KIND_SHIFT), "each kind has its numbers");

static uint64_t number(enum number_class class, const struct pfs_kind *kind, uint64_t rest)
{
	return (uint64_t) class << CLASS_SHIFT | (uint64_t)(kind ? kind->number : 0) << KIND_SHIFT |
	       rest;
}

/* --- from a node to its number ------------------------------------------------------------- */

uint64_t pfs_tree_collection_inode(const struct pfs_kind *kind)
{
	return INODE_COLLECTION + kind->number;
}

static uint64_t file_inode(const struct pfs_object *object, unsigned index)
{
	return number(NUMBER_OBJECT, object->kind, object->slot * INODE_SLOT + index);
}

uint64_t pfs_tree_object_inode(const struct pfs_object *object)
{
	return file_inode(object, 0);
}

uint64_t pfs_tree_last_inode(const struct pfs_object *object)
{
	return file_inode(object, INODE_SLOT - 1);
}

uint64_t pfs_tree_done_inode(const struct pfs_object *object)
{
	return file_inode(object, FILE_DONE);
}

uint64_t pfs_tree_wait_inode(const struct pfs_object *object)
{
	return file_inode(object, FILE_WAIT);
}

uint64_t pfs_tree_restores_inode(const struct pfs_object *object)
{
	return file_inode(object, FILE_RESTORES);
}

static uint64_t restore_inode(const struct pfs_object *job, bool is_file)
{
	return number(NUMBER_RESTORE, job->kind, job->slot << RESTORE_BITS | is_file);
}

uint64_t pfs_tree_restore_inode(const struct pfs_object *job)
{
	return restore_inode(job, false);
}

uint64_t pfs_tree_success_inode(const struct pfs_object *object)
{
	return file_inode(object, FILE_SUCCESS);
}

/* The first generation has a file's ordinary number. */
static uint64_t history_inode(const struct pfs_object *object, uint64_t generation)
{
	const uint64_t slot = object ? object->slot : 0;

	if (generation)
		return number(NUMBER_ROTATED, object ? object->kind : NULL,
			      slot << GENERATION_BITS | (generation & GENERATION_MASK));
	return object ? file_inode(object, FILE_EVENTS) : INODE_EVENTS;
}

uint64_t pfs_tree_events_inode(struct pfs_tree *tree, const struct pfs_object *object)
{
	return history_inode(object, pfs_history_generation(tree->history, object));
}

uint64_t pfs_tree_rotated_inode(struct pfs_tree *tree, const struct pfs_object *object)
{
	if (!pfs_history_is_rotated(tree->history, object))
		return 0;
	return history_inode(object, pfs_history_generation(tree->history, object) - 1);
}

/* --- nodes --------------------------------------------------------------------------------- */

struct pfs_node pfs_node_plain(enum pfs_node_type type, uint64_t inode)
{
	return (struct pfs_node){.type = type, .inode = inode};
}

struct pfs_node pfs_node_of_report(unsigned index)
{
	struct pfs_node node = pfs_node_plain(PFS_NODE_REPORT, INODE_REPORT + index);

	node.index = index;
	return node;
}

struct pfs_node pfs_node_of_kind(const struct pfs_kind *kind)
{
	struct pfs_node node = pfs_node_plain(PFS_NODE_COLLECTION, pfs_tree_collection_inode(kind));

	node.kind = kind;
	return node;
}

/* Index 0 is the object's directory. */
static struct pfs_node object_node(struct pfs_object *object, unsigned index)
{
	return (struct pfs_node){
		.type = index ? PFS_NODE_FILE : PFS_NODE_OBJECT,
		.inode = file_inode(object, index),
		.index = index,
		.kind = object->kind,
		.object = object,
	};
}

struct pfs_node pfs_node_of_object(struct pfs_object *object)
{
	return object_node(object, 0);
}

struct pfs_node pfs_node_of_restores(struct pfs_object *source)
{
	struct pfs_node node = object_node(source, FILE_RESTORES);

	node.type = PFS_NODE_RESTORES;
	return node;
}

struct pfs_node pfs_node_of_restore(struct pfs_object *job, bool is_file)
{
	return (struct pfs_node){
		.type = is_file ? PFS_NODE_RESTORE_ID : PFS_NODE_RESTORE,
		.inode = restore_inode(job, is_file),
		.kind = job->kind,
		.object = job,
	};
}

struct pfs_node pfs_node_of_table(const struct pfs_kind *kind, enum pfs_table_format format,
				  uint64_t text)
{
	return (struct pfs_node){
		.type = PFS_NODE_TABLE,
		.inode = number(NUMBER_TABLE, kind, text << FORMAT_BITS | format),
		.index = format,
		.kind = kind,
		.generation = text,
	};
}

static struct pfs_node history_node(struct pfs_object *object, uint64_t generation)
{
	struct pfs_node node = object ? object_node(object, FILE_EVENTS)
				      : pfs_node_plain(PFS_NODE_EVENTS, INODE_EVENTS);

	node.generation = generation;
	node.inode = history_inode(object, generation);
	return node;
}

struct pfs_node pfs_node_of_history(struct pfs_tree *tree, struct pfs_object *object)
{
	return history_node(object, pfs_history_generation(tree->history, object));
}

uint64_t pfs_link_inode(const struct pfs_object *object, unsigned link)
{
	const uint64_t place = object->slot << LINK_BITS | link;

	return number(NUMBER_LINK, object->kind,
		      place << GENERATION_BITS | object->retargeted[link]);
}

static struct pfs_node link_node(struct pfs_object *object, unsigned link)
{
	struct pfs_node node = object_node(object, FILE_LINK + link);

	node.type = PFS_NODE_LINK;
	node.inode = pfs_link_inode(object, link);
	return node;
}

static bool is_link(unsigned index)
{
	return index >= FILE_LINK && index < FILE_LINK + PFS_LINKS_MAX;
}

struct pfs_node pfs_node_of_file(struct pfs_tree *tree, struct pfs_object *object, unsigned index)
{
	if (is_link(index))
		return link_node(object, index - FILE_LINK);
	if (index == FILE_RESTORES)
		return pfs_node_of_restores(object);
	return index == FILE_EVENTS ? pfs_node_of_history(tree, object)
				    : object_node(object, index);
}

/* --- from a number to its node ------------------------------------------------------------- */

static const struct pfs_kind *kind_by_number(const struct pfs_tree *tree, uint64_t number)
{
	for (size_t i = 0; i < tree->kinds->count; i++) {
		if (tree->kinds->rows[i]->number == number)
			return tree->kinds->rows[i];
	}
	return NULL;
}

/* The object with this slot, of the kind in this inode; NULL: there is none, or none any more. */
static struct pfs_object *object_by_number(const struct pfs_tree *tree, uint64_t inode,
					   uint64_t slot)
{
	const struct pfs_kind *kind = kind_by_number(tree, inode >> KIND_SHIFT & KIND_MASK);

	return kind ? pfs_store_by_slot(tree->store, kind, slot) : NULL;
}

/* The object of this inode, be it of a file that it hasn't any more. NULL: it is of no object, or
 * that is gone. */
static struct pfs_object *object_of(const struct pfs_tree *tree, uint64_t inode)
{
	const uint64_t rest = inode & REST_MASK;

	switch (inode >> CLASS_SHIFT) {
	case NUMBER_OBJECT:
		return object_by_number(tree, inode, rest / INODE_SLOT);
	case NUMBER_ROTATED:
		return object_by_number(tree, inode, rest >> GENERATION_BITS);
	case NUMBER_LINK:
		return object_by_number(tree, inode, rest >> GENERATION_BITS >> LINK_BITS);
	case NUMBER_RESTORE:
		return object_by_number(tree, inode, rest >> RESTORE_BITS);
	default:
		return NULL;
	}
}

/* The inode has only the last bits of the generation: they are those of the present one, or of the
 * one before. */
static int rotated_node(struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	const uint64_t whole = number(NUMBER_ROTATED, NULL, 0);
	struct pfs_object *object = object_of(tree, inode);
	uint64_t generation;

	if (!object && (inode & ~GENERATION_MASK) != whole)
		return -ESTALE;
	generation = pfs_history_generation(tree->history, object);
	if (((generation - 1) & GENERATION_MASK) == (inode & GENERATION_MASK))
		generation--;
	else if ((generation & GENERATION_MASK) != (inode & GENERATION_MASK))
		return -ESTALE;
	*ret_node = history_node(object, generation);
	return 0;
}

/* A link that has another target by now is another one. */
static int node_of_link(const struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	const uint64_t place = (inode & REST_MASK) >> GENERATION_BITS;
	struct pfs_object *object = object_of(tree, inode);

	if (!object)
		return -ESTALE;
	*ret_node = link_node(object, place & (PFS_LINKS_MAX - 1));
	return ret_node->inode == inode ? 0 : -ESTALE;
}

static int node_of_table(const struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	const struct pfs_kind *kind = kind_by_number(tree, inode >> KIND_SHIFT & KIND_MASK);
	const enum pfs_table_format format = inode & (PFS_TABLE_FORMATS - 1);
	const uint64_t text = (inode & REST_MASK) >> FORMAT_BITS;

	if (!kind || !tree->config.tables ||
	    !pfs_tables_made_at(tree->config.tables, kind, format, text))
		return -ESTALE;
	*ret_node = pfs_node_of_table(kind, format, text);
	return 0;
}

static int node_of_restore(const struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	struct pfs_object *job = object_of(tree, inode);

	if (!job || !tree->config.restores)
		return -ESTALE;
	*ret_node = pfs_node_of_restore(job, inode & 1);
	return 0;
}

static int plain_node(const struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	const struct pfs_kind *kind;

	if (inode == PFS_ROOT_INODE)
		*ret_node = pfs_node_plain(PFS_NODE_ROOT, inode);
	else if (inode == INODE_README)
		*ret_node = pfs_node_plain(PFS_NODE_README, inode);
	else if (inode == INODE_REPORTS)
		*ret_node = pfs_node_plain(PFS_NODE_REPORTS, inode);
	else if (inode == INODE_EVENTS)
		*ret_node = history_node(NULL, 0);
	else if (inode == INODE_TABLES && tree->config.tables)
		*ret_node = pfs_node_plain(PFS_NODE_TABLES, inode);
	else if (inode >= INODE_REPORT && inode - INODE_REPORT < tree->config.report_count)
		*ret_node = pfs_node_of_report((unsigned)(inode - INODE_REPORT));
	else if (inode >= INODE_COLLECTION &&
		 (kind = kind_by_number(tree, inode - INODE_COLLECTION)))
		*ret_node = pfs_node_of_kind(kind);
	else
		return -ESTALE;
	return 0;
}

int pfs_tree_node(struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	struct pfs_object *object;

	if (inode < INODE_SLOT)
		return plain_node(tree, inode, ret_node);
	if (inode >> CLASS_SHIFT == NUMBER_ROTATED)
		return rotated_node(tree, inode, ret_node);
	if (inode >> CLASS_SHIFT == NUMBER_TABLE)
		return node_of_table(tree, inode, ret_node);
	if (inode >> CLASS_SHIFT == NUMBER_LINK)
		return node_of_link(tree, inode, ret_node);
	if (inode >> CLASS_SHIFT == NUMBER_RESTORE)
		return node_of_restore(tree, inode, ret_node);
	if (inode >> CLASS_SHIFT != NUMBER_OBJECT)
		return -ESTALE;
	object = object_of(tree, inode);
	if (!object)
		return -ESTALE;
	*ret_node = object_node(object, (unsigned)(inode % INODE_SLOT));
	if (ret_node->index == FILE_RESTORES)
		*ret_node = pfs_node_of_restores(object);
	return 0;
}

int pfs_node_held(struct pfs_tree *tree, uint64_t inode, struct pfs_node *ret_node)
{
	struct pfs_object *object = object_of(tree, inode);

	if (!object)
		return pfs_tree_node(tree, inode, ret_node);
	*ret_node = object_node(object, 0);
	return 0;
}
