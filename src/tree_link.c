/* SPDX-License-Identifier: MIT */
/* Symbolic links from an object to the one of another kind that a field of it names. */
#include "tree.h"

#include <errno.h>
#include <string.h>

struct pfs_json_value pfs_link_target(const struct pfs_kind *kind, const struct pfs_json *json,
				      unsigned index)
{
	const unsigned link = index - FILE_LINK;
	struct pfs_json_value id = {0};

	if (link < kind->link_count)
		id = pfs_kind_value(kind, kind->links[link].field, json);
	if (id.type != PFS_JSON_STRING || !pfs_is_object_id(id.text, id.length))
		id = (struct pfs_json_value){0};
	return id;
}

bool pfs_link_exists(const struct pfs_kind *kind, const struct pfs_content *content, unsigned index)
{
	return pfs_link_target(kind, &content->json, index).type != PFS_JSON_NULL;
}

void pfs_link_changed(struct pfs_object *object, const struct pfs_content *before)
{
	for (unsigned i = 0; i < object->kind->link_count; i++) {
		const unsigned index = FILE_LINK + i;
		const struct pfs_json_value old = pfs_link_target(object->kind, &before->json,
								  index),
					    new = pfs_link_target(object->kind,
								  &object->content->json, index);

		/* Where there was no link, none with this number was shown since the last change.
		 */
		if (old.type != PFS_JSON_NULL && !pfs_json_is_equal(&old, &new))
			object->retargeted[i]++;
	}
}

int pfs_tree_readlink(struct pfs_tree *tree, const struct pfs_node *node, struct pfs_buffer *buffer)
{
	const struct pfs_object *object = node->object;
	struct pfs_json_value id;

	if (node->type != PFS_NODE_LINK)
		return -EINVAL;
	if (object->gone || !object->content)
		return -ESTALE;
	id = pfs_link_target(node->kind, &object->content->json, node->index);
	if (id.type == PFS_JSON_NULL)
		return -ESTALE;
	(void)pfs_buffer_format(buffer, "../../%s/",
				node->kind->links[node->index - FILE_LINK].kind);
	return pfs_buffer_add(buffer, id.text, id.length);
}
