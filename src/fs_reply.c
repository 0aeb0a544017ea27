/* SPDX-License-Identifier: MIT */
/*
 * The beginning and the end of each message: here it is counted, and here its reply goes out, so
 * that pfs_check_replies can see that each request gets exactly one.
 *
 * The kernel's references are counted only for a reply that it has taken.
 */
#include "fs.h"

#include <assert.h>
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

int pfs_enter(fuse_req_t request, enum pfs_message message, fuse_ino_t inode, const char *name,
	      struct pfs_node *ret_node)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_node node;
	int error = pfs_tree_node(fs->tree, inode, &node);

	fs->unreplied++;
	pfs_watch_noticed(fs->watch);
	if ((error || !is_own(&node)) &&
	    (!name || inode != PFS_ROOT_INODE || strcmp(name, ".pinefs") != 0))
		fs->stats->messages[message]++;
	if (!error && ret_node)
		*ret_node = node;
	return error;
}

void pfs_check_replies(const struct pfs_fs *fs)
{
	assert(fs->unreplied == fs->parked_count);
	(void)fs; /* without assert(3) */
}

bool pfs_is_from_child(fuse_req_t request)
{
	return pfs_fs_of(request)->poke &&
	       pfs_poke_is_child(pfs_fs_of(request)->poke, fuse_req_ctx(request)->pid);
}

static bool shows_vanished(fuse_req_t request)
{
	return pfs_fs_of(request)->poke &&
	       pfs_poke_shows_vanished(pfs_fs_of(request)->poke, fuse_req_ctx(request)->pid);
}

/* --- replies ------------------------------------------------------------------------------- */

/* That there is no such name or attribute, or can't be one, is a common reply and no failure. */
static bool is_failure(int error)
{
	return error != ENOENT && error != ENODATA && error != EOPNOTSUPP;
}

/* A request gets its reply. It must not be parked, nor have had one: then libfuse has freed it. */
static void leave(struct pfs_fs *fs)
{
	assert(fs->unreplied > fs->parked_count);
	fs->unreplied--;
}

int pfs_reply_error(struct pfs_fs *fs, fuse_req_t request, int error)
{
	if (error < 0)
		error = -error;
	leave(fs);
	fs->stats->replies_failed += is_failure(error);
	(void)fuse_reply_err(request, error);
	return 0;
}

void pfs_reply_done(struct pfs_fs *fs, fuse_req_t request)
{
	leave(fs);
	(void)fuse_reply_err(request, 0);
}

void pfs_reply_unasked(struct pfs_fs *fs, fuse_req_t request)
{
	leave(fs);
	(void)fuse_reply_err(request, ENOSYS);
}

void pfs_reply_open(struct pfs_fs *fs, fuse_req_t request, const struct fuse_file_info *info)
{
	leave(fs);
	(void)fuse_reply_open(request, info);
}

void pfs_reply_attributes(struct pfs_fs *fs, fuse_req_t request, const struct stat *stat,
			  int64_t valid)
{
	leave(fs);
	(void)fuse_reply_attr(request, stat, pfs_seconds(valid));
}

bool pfs_reply_bytes(struct pfs_fs *fs, fuse_req_t request, const char *bytes, size_t length)
{
	leave(fs);
	return !fuse_reply_buf(request, bytes, length);
}

void pfs_reply_length(struct pfs_fs *fs, fuse_req_t request, size_t length)
{
	leave(fs);
	(void)fuse_reply_xattr(request, length);
}

void pfs_reply_statfs(struct pfs_fs *fs, fuse_req_t request, const struct statvfs *stat)
{
	leave(fs);
	(void)fuse_reply_statfs(request, stat);
}

void pfs_reply_poll(struct pfs_fs *fs, fuse_req_t request, unsigned events)
{
	leave(fs);
	(void)fuse_reply_poll(request, events);
}

bool pfs_reply_entry(struct pfs_fs *fs, fuse_req_t request, const struct fuse_entry_param *entry)
{
	leave(fs);
	return !fuse_reply_entry(request, entry);
}

int pfs_fill_attributes(fuse_req_t request, const struct pfs_node *node, struct stat *ret_stat,
			int64_t *ret_valid)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	int64_t at_most = pfs_tree_settle(fs->tree, node, fuse_req_ctx(request)->pid);
	int error;

	pfs_turn_join(fs, request, node);
	error = pfs_tree_attributes(fs->tree, node, ret_stat, ret_valid);

	if (!error && *ret_valid > at_most)
		*ret_valid = at_most;
	if (!error && pfs_turn_is_on(fs, node->inode))
		*ret_valid = 0;
	if (error == -ESTALE && shows_vanished(request)) {
		pfs_tree_vanished_attributes(fs->tree, node->inode, ret_stat);
		*ret_valid = 0;
		error = 0;
	}
	if (!error && fs->poke && pfs_poke_is_window(fs->poke, node->inode)) {
		ret_stat->st_uid = geteuid();
		ret_stat->st_mode |= S_IWUSR;
		*ret_valid = 0;
	}
	return error;
}

int pfs_fill_entry(fuse_req_t request, const struct pfs_node *node,
		   struct fuse_entry_param *ret_entry)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	int64_t valid;
	int error;

	*ret_entry = (struct fuse_entry_param){.ino = node->inode, .generation = 1};
	error = pfs_fill_attributes(request, node, &ret_entry->attr, &valid);
	if (error)
		return error;
	ret_entry->attr_timeout = pfs_seconds(valid);
	ret_entry->entry_timeout = pfs_seconds(pfs_tree_entry_valid(fs->tree, node));
	return 0;
}

int pfs_reply_node(struct pfs_fs *fs, fuse_req_t request, const struct pfs_node *node)
{
	struct fuse_entry_param entry;
	int error = pfs_fill_entry(request, node, &entry);

	/* It has just vanished: ENOENT, not ESTALE, since the caller didn't have it yet. */
	if (error)
		return pfs_reply_error(fs, request, error == -ESTALE ? ENOENT : error);
	pfs_tree_hold(fs->tree, node, 1);
	if (!pfs_reply_entry(fs, request, &entry)) /* the caller is gone: no reference */
		pfs_tree_forget(fs->tree, node->inode, 1);
	return 0;
}
