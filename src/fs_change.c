/* SPDX-License-Identifier: MIT */
/*
 * The messages that would change something. All but what fs_command.c serves are refused with
 * EROFS, each by a function of its own, since libfuse replies "Function not implemented" where
 * there is none.
 *
 * But the poke room's child makes changes so that the kernel makes inotify events of them. What it
 * was ordered to do is permitted, once. It changes nothing: what it pretends to do has happened.
 */
#include "fs.h"

#include <errno.h>

static void refuse(fuse_req_t request, fuse_ino_t inode, const char *name)
{
	struct pfs_fs *fs = pfs_fs_of(request);

	(void)pfs_enter(request, PFS_MESSAGE_OTHER, inode, name, NULL);
	pfs_reply_error(fs, request, EROFS);
}

/* Is this our child, doing what it was ordered to? */
static bool is_permitted(fuse_req_t request, enum pfs_poke_operation operation, fuse_ino_t inode,
			 const char *name)
{
	struct pfs_fs *fs = pfs_fs_of(request);

	return fs->poke &&
	       pfs_poke_permits(fs->poke, fuse_req_ctx(request)->pid, operation, inode, name);
}

/*
 * From a SETATTR's reply the kernel takes the mtime over without dropping its pages, as it does for
 * a GETATTR's. If the content has changed since the last GETATTR, the true mtime would keep the old
 * bytes there for good. So this reply has a false mtime, with a timeout of 0 to force a GETATTR.
 */
static void reply_touched(struct pfs_fs *fs, fuse_req_t request, const struct pfs_node *node)
{
	struct stat stat;
	int64_t valid;
	int error = pfs_fill_attributes(request, node, &stat, &valid);

	if (error) {
		pfs_reply_error(fs, request, error);
		return;
	}
	stat.st_mtim.tv_nsec ^= 1;
	pfs_reply_attributes(fs, request, &stat, 0);
}

/* The child only sets times to now; that changes nothing. */
static void do_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *stat, int what,
		       struct fuse_file_info *info)
{
	const int modified = FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW;
	const int both = modified | FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW;
	struct pfs_fs *fs = pfs_fs_of(request);
	enum pfs_poke_operation operation;
	struct pfs_node node;
	int error = pfs_enter(request, PFS_MESSAGE_OTHER, inode, NULL, &node);

	what &= ~FUSE_SET_ATTR_CTIME;
	operation = what == modified ? PFS_POKE_MODIFY : PFS_POKE_ATTRIB;
	if ((what == modified || what == both) && is_permitted(request, operation, inode, NULL) &&
	    !error)
		reply_touched(fs, request, &node);
	else if (!error && node.type == PFS_NODE_RESTORE)
		pfs_keep_attributes(request, &node);
	else
		pfs_reply_error(fs, request, EROFS);
}

/* The name that the child makes has been there for a while; this reply shows it to the kernel. */
static void make_name(fuse_req_t request, enum pfs_poke_operation operation, fuse_ino_t parent,
		      const char *name)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_node directory, node;
	int64_t valid;
	int error = pfs_enter(request, PFS_MESSAGE_OTHER, parent, name, &directory);

	if (!is_permitted(request, operation, parent, name) || error)
		pfs_reply_error(fs, request, EROFS);
	else if (pfs_tree_lookup(fs->tree, &directory, name, NULL, &node, &valid))
		pfs_reply_error(fs, request, ENOENT);
	else
		pfs_reply_node(fs, request, &node);
}

static void do_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
		     dev_t device)
{
	make_name(request, PFS_POKE_CREATE_FILE, parent, name);
}

static void do_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_node directory;

	if (pfs_is_from_child(request) || pfs_tree_node(fs->tree, parent, &directory) ||
	    directory.type != PFS_NODE_RESTORES) {
		make_name(request, PFS_POKE_CREATE_DIRECTORY, parent, name);
		return;
	}
	(void)pfs_enter(request, PFS_MESSAGE_OTHER, parent, name, NULL);
	pfs_make(request, &directory, name);
}

static void remove_name(fuse_req_t request, enum pfs_poke_operation operation, fuse_ino_t parent,
			const char *name)
{
	struct pfs_fs *fs = pfs_fs_of(request);

	(void)pfs_enter(request, PFS_MESSAGE_OTHER, parent, name, NULL);
	if (is_permitted(request, operation, parent, name))
		pfs_reply_done(fs, request);
	else
		pfs_reply_error(fs, request, EROFS);
}

static void do_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	remove_name(request, PFS_POKE_REMOVE_FILE, parent, name);
}

static void do_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	remove_name(request, PFS_POKE_REMOVE_DIRECTORY, parent, name);
}

static void refuse_symlink(fuse_req_t request, const char *target, fuse_ino_t parent,
			   const char *name)
{
	refuse(request, parent, name);
}

static void refuse_rename(fuse_req_t request, fuse_ino_t parent, const char *name,
			  fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	refuse(request, parent, name);
}

static void refuse_link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char *name)
{
	refuse(request, parent, name);
}

static void refuse_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
			  struct fuse_file_info *info)
{
	refuse(request, parent, name);
}

static void refuse_setxattr(fuse_req_t request, fuse_ino_t inode, const char *name,
			    const char *value, size_t size, int flags)
{
	refuse(request, inode, NULL);
}

static void refuse_removexattr(fuse_req_t request, fuse_ino_t inode, const char *name)
{
	refuse(request, inode, NULL);
}

static void refuse_fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset,
			     off_t length, struct fuse_file_info *info)
{
	refuse(request, inode, NULL);
}

static void refuse_copy(fuse_req_t request, fuse_ino_t from, off_t from_offset,
			struct fuse_file_info *from_info, fuse_ino_t to, off_t to_offset,
			struct fuse_file_info *to_info, size_t length, int flags)
{
	refuse(request, to, NULL);
}

/*
 * A write(2) leaves the kernel's pages as they were. But without OPEN a shared mapping can be
 * made writable, and a store to it is seen by every reader; it gets here when the kernel writes
 * the page back. Moving the file's time makes the kernel drop such pages.
 */
static void refuse_write(fuse_req_t request, fuse_ino_t inode, const char *bytes, size_t size,
			 off_t offset, struct fuse_file_info *info)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_node node;

	if (!pfs_tree_node(fs->tree, inode, &node))
		pfs_tree_touch(fs->tree, &node);
	refuse(request, inode, NULL);
	/* Attributes only: any other notification could wait for ourselves. */
	(void)fuse_lowlevel_notify_inval_inode(fs->session, inode, -1, 0);
}

void pfs_fs_add_changes(struct fuse_lowlevel_ops *operations)
{
	operations->setattr = do_setattr;
	operations->mknod = do_mknod;
	operations->mkdir = do_mkdir;
	operations->unlink = do_unlink;
	operations->rmdir = do_rmdir;
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
