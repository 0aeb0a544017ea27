/* SPDX-License-Identifier: MIT */
/*
 * The messages about extended attributes.
 *
 * `ls -l` asks of each entry whether it has a label and access control lists, each time anew: the
 * kernel keeps no attributes. But what it hears that a filesystem doesn't support it doesn't ask
 * of the next entry. So names outside of "user." are not supported, rather than not there; and
 * since a newer ls asks for the list of names instead, no directory has one. Its attributes are
 * had by name. (Rejected: ENOSYS, which the kernel remembers for all names.)
 */
#include "fs.h"

#include <errno.h>
#include <string.h>

#define NAMESPACE "user."

static int find_names(struct pfs_fs *fs, const struct pfs_node *node, struct pfs_buffer *names)
{
	if (pfs_tree_type(node) != S_IFREG)
		return -EOPNOTSUPP;
	pfs_tree_xattr_names(fs->tree, node, names);
	return names->error;
}

/* size 0: how long it is; else the whole of it must fit. */
static void reply_value(struct pfs_fs *fs, fuse_req_t request, int error,
			const struct pfs_buffer *value, size_t size)
{
	if (!error && size && size < value->length)
		error = -ERANGE;
	if (error)
		pfs_reply_error(fs, request, error);
	else if (size)
		(void)pfs_reply_bytes(fs, request, value->bytes, value->length);
	else
		pfs_reply_length(fs, request, value->length);
}

static void do_getxattr(fuse_req_t request, fuse_ino_t inode, const char *name, size_t size)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_buffer *value = &fs->scratch;
	struct pfs_node node;
	int error = pfs_enter(request, PFS_MESSAGE_GETXATTR, inode, NULL, &node);

	pfs_buffer_clear(value);
	if (strncmp(name, NAMESPACE, strlen(NAMESPACE)) != 0)
		error = -EOPNOTSUPP;
	if (!error)
		error = pfs_tree_xattr(fs->tree, &node, name, value);
	reply_value(fs, request, error, value, size);
}

static void do_listxattr(fuse_req_t request, fuse_ino_t inode, size_t size)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_buffer *names = &fs->scratch;
	struct pfs_node node;
	int error = pfs_enter(request, PFS_MESSAGE_GETXATTR, inode, NULL, &node);

	pfs_buffer_clear(names);
	if (!error)
		error = find_names(fs, &node, names);
	reply_value(fs, request, error, names, size);
}

void pfs_fs_add_xattrs(struct fuse_lowlevel_ops *operations)
{
	operations->getxattr = do_getxattr;
	operations->listxattr = do_listxattr;
}
