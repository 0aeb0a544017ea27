/* SPDX-License-Identifier: MIT */
/* The messages about extended attributes. */
#include "fs.h"

#include <errno.h>

static void do_getxattr(fuse_req_t request, fuse_ino_t inode, const char *name, size_t size)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_buffer *value = &fs->scratch;
	struct pfs_node node;
	int error = pfs_tree_node(fs->tree, inode, &node);

	pfs_count(fs, PFS_MESSAGE_GETXATTR, inode, NULL);
	pfs_buffer_clear(value);
	if (!error)
		error = pfs_tree_xattr(fs->tree, &node, name, value);
	if (!error && size && size < value->length)
		error = -ERANGE;
	if (error)
		pfs_reply_error(fs, request, error);
	else if (size)
		(void)fuse_reply_buf(request, value->bytes, value->length);
	else
		(void)fuse_reply_xattr(request, value->length);
}

static void do_listxattr(fuse_req_t request, fuse_ino_t inode, size_t size)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_buffer *names = &fs->scratch;
	struct pfs_node node;
	int error = pfs_tree_node(fs->tree, inode, &node);

	pfs_count(fs, PFS_MESSAGE_GETXATTR, inode, NULL);
	pfs_buffer_clear(names);
	if (!error)
		pfs_tree_xattr_names(fs->tree, &node, names);
	if (!error)
		error = names->error;
	if (!error && size && size < names->length)
		error = -ERANGE;
	if (error)
		pfs_reply_error(fs, request, error);
	else if (size)
		(void)fuse_reply_buf(request, names->bytes, names->length);
	else
		(void)fuse_reply_xattr(request, names->length);
}

void pfs_fs_add_xattrs(struct fuse_lowlevel_ops *operations)
{
	operations->getxattr = do_getxattr;
	operations->listxattr = do_listxattr;
}
