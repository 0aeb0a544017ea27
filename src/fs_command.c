/* SPDX-License-Identifier: MIT */
/*
 * mkdir(2) in a directory of what was made of an object gives a command to the API. The kernel has
 * sent a LOOKUP of the name just before, and nobody else makes the same name meanwhile: so this
 * caller's MKDIR is the event that watchers get, and our child makes none.
 *
 * Programs that make a directory set its mode, owner or times next (mkdir -m, install -d, cp -r).
 * That must succeed: a failure would say that nothing was made.
 */
#include "fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * The modes say the same, but only where the kernel checks them; and whom it lets pass for his
 * capabilities, such as root, isn't the user who mounts.
 */
bool pfs_may_make(fuse_req_t request, const struct pfs_node *directory)
{
	const struct pfs_fs *fs = pfs_fs_of(request);
	const uid_t uid = fuse_req_ctx(request)->uid;

	return fs->restores && directory->type == PFS_NODE_RESTORES &&
	       (uid == fs->uid || uid == getuid());
}

/* The process that asks, as far as /proc shows it. comm, since nothing else there is sure not to
 * wait for that process, which waits for us. */
static void find_giver(fuse_req_t request, struct pfs_giver *giver)
{
	const struct fuse_ctx *context = fuse_req_ctx(request);
	char path[64];
	FILE *file;

	*giver = (struct pfs_giver){.uid = context->uid, .pid = context->pid};
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)context->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(giver->name, sizeof(giver->name), file))
		giver->name[strcspn(giver->name, "\n")] = '\0';
	(void)fclose(file);
}

/* The job is known by the name now. */
static int reply_made(struct call *call)
{
	struct pfs_fs *fs = call->fs;
	struct pfs_node directory, node;
	int64_t valid;
	int error = pfs_tree_node(fs->tree, call->inode, &directory);

	if (!error)
		error = pfs_tree_lookup(fs->tree, &directory, call->name, NULL, &node, &valid);
	if (error)
		return pfs_reply_error(fs, call->request, error);
	error = pfs_reply_node(fs, call->request, &node);
	pfs_watch_made(fs->watch, node.inode);
	return error;
}

static int run_make(struct call *call, bool woken, int error)
{
	struct pfs_giver giver;

	if (woken && !error)
		return reply_made(call);
	if (!woken) {
		find_giver(call->request, &giver);
		error = pfs_restores_make(call->fs->restores, call->source, call->name, &giver,
					  &call->wait);
	}
	if (error == -EINPROGRESS)
		return error;
	return pfs_reply_error(call->fs, call->request, error);
}

void pfs_make(fuse_req_t request, const struct pfs_node *directory, const char *name)
{
	const struct call call = {
		.fs = pfs_fs_of(request),
		.request = request,
		.run = run_make,
		.inode = directory->inode,
		.name = (char *)name,
		.source = directory->object,
		.holds_directory = true,
	};

	if (pfs_may_make(request, directory))
		pfs_call_begin(&call);
	else
		pfs_reply_error(call.fs, request, EACCES);
}

void pfs_keep_attributes(fuse_req_t request, const struct pfs_node *node)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct stat stat;
	int64_t valid;
	int error = pfs_fill_attributes(request, node, &stat, &valid);

	if (error)
		pfs_reply_error(fs, request, error);
	else
		pfs_reply_attributes(fs, request, &stat, valid);
}
