/* SPDX-License-Identifier: MIT */
/*
 * What all functions of the fs room have in common: to whom a message came, that it is counted, and
 * the replies that more than one of them gives. References are counted when a reply really went
 * out.
 */
#include "fs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct pfs_fs *pfs_fs_of(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

double pfs_seconds(int64_t ns)
{
	return (double)ns / (double)PFS_SECOND;
}

static bool is_own(const struct pfs_node *node)
{
	return node->type == PFS_NODE_REPORTS || node->type == PFS_NODE_REPORT;
}

void pfs_count(struct pfs_fs *fs, enum pfs_message message, fuse_ino_t inode, const char *name)
{
	struct pfs_node node;

	pfs_watch_noticed(fs->watch);
	if ((pfs_tree_node(fs->tree, inode, &node) || !is_own(&node)) &&
	    (!name || inode != PFS_ROOT_INODE || strcmp(name, ".pinefs") != 0))
		fs->stats->messages[message]++;
}

/* That there is no such name or attribute, or can't be, is an answer like any other, and common. */
static bool is_failure(int error)
{
	return error != ENOENT && error != ENODATA && error != EOPNOTSUPP;
}

int pfs_reply_error(struct pfs_fs *fs, fuse_req_t request, int error)
{
	if (error < 0)
		error = -error;
	fs->stats->replies_failed += is_failure(error);
	(void)fuse_reply_err(request, error);
	return 0;
}

bool pfs_is_from_child(fuse_req_t request)
{
	return pfs_watch_is_child(pfs_fs_of(request)->watch, fuse_req_ctx(request)->pid);
}

int pfs_tell_attributes(struct pfs_fs *fs, const struct pfs_node *node, bool to_child,
			struct stat *ret_stat, int64_t *ret_holds)
{
	int error = pfs_tree_attributes(fs->tree, node, ret_stat, ret_holds);

	if (error == -ESTALE && to_child) {
		pfs_tree_vanished_attributes(fs->tree, node->inode, ret_stat);
		*ret_holds = 0;
		error = 0;
	}
	if (!error && pfs_watch_is_window(fs->watch, node->inode)) {
		ret_stat->st_uid = geteuid();
		ret_stat->st_mode |= S_IWUSR;
		*ret_holds = 0;
	}
	return error;
}

int pfs_make_entry(struct pfs_fs *fs, const struct pfs_node *node,
		   struct fuse_entry_param *ret_entry)
{
	int64_t holds;
	int error;

	*ret_entry = (struct fuse_entry_param){.ino = node->inode, .generation = 1};
	error = pfs_tell_attributes(fs, node, false, &ret_entry->attr, &holds);
	if (error)
		return error;
	ret_entry->attr_timeout = pfs_seconds(holds);
	ret_entry->entry_timeout = pfs_seconds(pfs_tree_entry_holds(fs->tree, node));
	return 0;
}

int pfs_reply_node(struct pfs_fs *fs, fuse_req_t request, const struct pfs_node *node)
{
	struct fuse_entry_param entry;
	int error = pfs_make_entry(fs, node, &entry);

	/* A name that has just gone: not stale, since nobody had it from this lookup. */
	if (error)
		return pfs_reply_error(fs, request, error == -ESTALE ? ENOENT : error);
	pfs_tree_hold(fs->tree, node, 1);
	if (fuse_reply_entry(request, &entry)) /* the caller is gone: the kernel holds nothing */
		pfs_tree_forget(fs->tree, node->inode, 1);
	return 0;
}
