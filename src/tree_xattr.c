/* SPDX-License-Identifier: MIT */
/* Extended attributes: which answer brought an object's content, how old that is, what has failed
 * since. */
#include "tree.h"

#include <errno.h>
#include <string.h>

#define PREFIX "user.pinefs."

typedef void add_attribute(struct pfs_tree *tree, const struct pfs_object *object,
			   struct pfs_buffer *buffer);

static void add_seconds(struct pfs_buffer *buffer, int64_t ns)
{
	(void)pfs_buffer_format(buffer, "%.3f", (double)ns / (double)PFS_SECOND);
}

static void add_fetched_at(struct pfs_tree *tree, const struct pfs_object *object,
			   struct pfs_buffer *buffer)
{
	char time[PFS_TIME_SIZE];

	(void)pfs_buffer_add_string(
		buffer, pfs_time_format(object->origin->received_at, time, sizeof(time)));
}

static void add_age(struct pfs_tree *tree, const struct pfs_object *object,
		    struct pfs_buffer *buffer)
{
	add_seconds(buffer, pfs_loop_now(tree->loop) - object->origin->sent_at);
}

static void add_expires_in(struct pfs_tree *tree, const struct pfs_object *object,
			   struct pfs_buffer *buffer)
{
	add_seconds(buffer, pfs_store_left(tree->store, object));
}

static void add_source(struct pfs_tree *tree, const struct pfs_object *object,
		       struct pfs_buffer *buffer)
{
	(void)pfs_buffer_add_string(buffer, object->origin->listed ? "list" : "describe");
}

static void add_stale(struct pfs_tree *tree, const struct pfs_object *object,
		      struct pfs_buffer *buffer)
{
	(void)pfs_buffer_add_string(buffer, pfs_store_is_stale(tree->store, object) ? "1" : "0");
}

static void add_http_status(struct pfs_tree *tree, const struct pfs_object *object,
			    struct pfs_buffer *buffer)
{
	const struct pfs_failure *failure = object->failure;

	(void)pfs_buffer_format(buffer, "%d", failure ? failure->status : object->origin->status);
}

static void add_request_id(struct pfs_tree *tree, const struct pfs_object *object,
			   struct pfs_buffer *buffer)
{
	const struct pfs_failure *failure = object->failure;
	const char *id = failure ? failure->request_id : object->origin->request_id;

	(void)pfs_buffer_add_escaped(buffer, id, strlen(id));
}

static void add_error(struct pfs_tree *tree, const struct pfs_object *object,
		      struct pfs_buffer *buffer)
{
	const struct pfs_failure *failure = object->failure;

	if (!failure)
		return;
	(void)pfs_buffer_format(buffer, "%s: ", pfs_errno_name(-failure->error));
	(void)pfs_buffer_add_escaped(buffer, failure->text, strlen(failure->text));
}

static const struct {
	const char *name;
	add_attribute *add;
} attributes[] = {
	{PREFIX "fetched_at", add_fetched_at}, {PREFIX "age", add_age},
	{PREFIX "expires_in", add_expires_in}, {PREFIX "source", add_source},
	{PREFIX "stale", add_stale},	       {PREFIX "http_status", add_http_status},
	{PREFIX "request_id", add_request_id}, {PREFIX "error", add_error},
};

#define ATTRIBUTE_COUNT (sizeof(attributes) / sizeof(attributes[0]))

/* A job may have been announced only, and so have come with no answer. */
static bool has_attributes(const struct pfs_node *node)
{
	return node->object && !pfs_restore_is_node(node);
}

/* Why the last command for this object failed, of its directory `restores`. */
static int add_refusal(struct pfs_tree *tree, const struct pfs_object *source, const char *name,
		       struct pfs_buffer *buffer)
{
	const char *text = pfs_restores_error(tree->config.restores, source);

	if (strcmp(name, PREFIX "error") != 0 || !text)
		return -ENODATA;
	return pfs_buffer_add_string(buffer, text);
}

int pfs_tree_xattr(struct pfs_tree *tree, const struct pfs_node *node, const char *name,
		   struct pfs_buffer *buffer)
{
	if (node->type == PFS_NODE_RESTORES)
		return add_refusal(tree, node->object, name, buffer);
	for (size_t i = 0; has_attributes(node) && i < ATTRIBUTE_COUNT; i++) {
		if (strcmp(attributes[i].name, name) != 0)
			continue;
		attributes[i].add(tree, node->object, buffer);
		return buffer->error;
	}
	return -ENODATA;
}

void pfs_tree_xattr_names(struct pfs_tree *tree, const struct pfs_node *node,
			  struct pfs_buffer *buffer)
{
	for (size_t i = 0; has_attributes(node) && i < ATTRIBUTE_COUNT; i++)
		(void)pfs_buffer_add(buffer, attributes[i].name, strlen(attributes[i].name) + 1);
}
