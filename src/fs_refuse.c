/*
 * The messages that are refused: everything that would change something. Each is refused by name,
 * since for one that isn't there libfuse says "Function not implemented".
 */
#include "fs.h"

#include <errno.h>

static void refuse(fuse_req_t request)
{
	struct pfs_fs *fs = fuse_req_userdata(request);

	fs->stats->messages[PFS_MESSAGE_OTHER]++;
	pfs_reply_error(fs, request, EROFS);
}

static void refuse_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *stat, int what,
			   struct fuse_file_info *info)
{
	refuse(request);
}

static void refuse_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
			 dev_t device)
{
	refuse(request);
}

static void refuse_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	refuse(request);
}

static void refuse_removal(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	refuse(request);
}

static void refuse_symlink(fuse_req_t request, const char *target, fuse_ino_t parent,
			   const char *name)
{
	refuse(request);
}

static void refuse_rename(fuse_req_t request, fuse_ino_t parent, const char *name,
			  fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	refuse(request);
}

static void refuse_link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char *name)
{
	refuse(request);
}

static void refuse_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
			  struct fuse_file_info *info)
{
	refuse(request);
}

static void refuse_setxattr(fuse_req_t request, fuse_ino_t inode, const char *name,
			    const char *value, size_t size, int flags)
{
	refuse(request);
}

static void refuse_removexattr(fuse_req_t request, fuse_ino_t inode, const char *name)
{
	refuse(request);
}

static void refuse_fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset,
			     off_t length, struct fuse_file_info *info)
{
	refuse(request);
}

static void refuse_copy(fuse_req_t request, fuse_ino_t from, off_t from_offset,
			struct fuse_file_info *from_info, fuse_ino_t to, off_t to_offset,
			struct fuse_file_info *to_info, size_t length, int flags)
{
	refuse(request);
}

/*
 * A write(2) leaves the kernel's pages as they were. But without OPEN a shared mapping can be
 * made writable, and a store to it is seen by every reader; it gets here when the kernel writes
 * the page back. Moving the file's time makes the kernel drop such pages.
 */
static void refuse_write(fuse_req_t request, fuse_ino_t inode, const char *bytes, size_t size,
			 off_t offset, struct fuse_file_info *info)
{
	struct pfs_fs *fs = fuse_req_userdata(request);
	struct pfs_node node;

	if (!pfs_tree_node(fs->tree, inode, &node))
		pfs_tree_touch(fs->tree, &node);
	refuse(request);
	/* Of attributes only: any other notice could wait for ourselves. */
	(void)fuse_lowlevel_notify_inval_inode(fs->session, inode, -1, 0);
}

void pfs_refuse_all(struct fuse_lowlevel_ops *operations)
{
	operations->setattr = refuse_setattr;
	operations->mknod = refuse_mknod;
	operations->mkdir = refuse_mkdir;
	operations->unlink = refuse_removal;
	operations->rmdir = refuse_removal;
	operations->symlink = refuse_symlink;
	operations->rename = refuse_rename;
	operations->link = refuse_link;
	operations->create = refuse_create;
	operations->write = refuse_write;
	operations->setxattr = refuse_setxattr;
	operations->removexattr = refuse_removexattr;
	operations->fallocate = refuse_fallocate;
	operations->copy_file_range = refuse_copy;
}
