/* SPDX-License-Identifier: MIT */
/*
 * An object that has vanished is freed with the kernel's last reference to it, and a kernel that
 * has memory to spare keeps its inodes for ever. So it is told to drop them: FUSE_NOTIFY_PRUNE,
 * since Linux 6.18. That drops the names that nobody uses, and waits for no lock that somebody may
 * hold who waits for us. What it can't drop goes when the kernel needs the memory, as everything
 * does for an older kernel: a file that is open, and a directory in which somebody has looked up a
 * name that isn't there, which the kernel remembers, too.
 *
 * It is told a while later, in which those who see that the object vanished look once more.
 */
#include "fs.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define A_WHILE	   (2 * PFS_SECOND)
#define SLICE	   16	/* objects a turn */
#define INODES_MAX 1024 /* of one object; the kernel keeps the rest */

#define NOTIFY_PRUNE 9 /* linux/fuse.h, since Linux 6.18 */

/* linux/fuse.h: struct fuse_out_header, struct fuse_notify_prune_out, and the inodes. */
struct notice {
	uint32_t length;
	int32_t code;
	uint64_t unique;
	uint32_t count, padding;
	uint64_t spare;
	uint64_t inodes[INODES_MAX];
};

/* It holds the object, so that it isn't freed meanwhile. */
struct gone {
	struct pfs_object *object;
	TAILQ_ENTRY(gone) link;
};

static void add_inode(void *arg, uint64_t inode)
{
	struct notice *notice = arg;

	if (notice->count < INODES_MAX)
		notice->inodes[notice->count++] = inode;
}

/* The directory comes first of an object's inodes, but while it has files it is in use. */
static void move_directory_last(struct notice *notice)
{
	uint64_t first = notice->inodes[0];

	for (uint32_t i = 1; i < notice->count; i++)
		notice->inodes[i - 1] = notice->inodes[i];
	notice->inodes[notice->count - 1] = first;
}

static void prune(struct pfs_fs *fs, const struct pfs_object *object)
{
	struct notice notice = {.code = NOTIFY_PRUNE};

	pfs_tree_each_inode(fs->tree, object, add_inode, &notice);
	move_directory_last(&notice);
	notice.length = (uint32_t)(offsetof(struct notice, inodes) +
				   notice.count * sizeof(notice.inodes[0]));
	if (write(fuse_session_fd(fs->session), &notice, notice.length) < 0 && errno == EINVAL)
		fs->prunes_not = true;
}

static void drop_first(struct pfs_fs *fs)
{
	struct gone *gone = TAILQ_FIRST(&fs->gone);

	TAILQ_REMOVE(&fs->gone, gone, link);
	pfs_store_release(fs->store, gone->object, 1);
	free(gone);
}

static void prune_some(void *arg)
{
	struct pfs_fs *fs = arg;

	for (unsigned i = 0; i < SLICE && !TAILQ_EMPTY(&fs->gone); i++) {
		const struct pfs_object *object = TAILQ_FIRST(&fs->gone)->object;

		/* Ours is one of the references. */
		if (object->references > 1 && !fs->prunes_not && fs->mounted)
			prune(fs, object);
		drop_first(fs);
	}
	if (!TAILQ_EMPTY(&fs->gone))
		pfs_timer_start(fs->loop, &fs->prune_timer, pfs_loop_now(fs->loop));
}

void pfs_prune_begin(struct pfs_fs *fs)
{
	TAILQ_INIT(&fs->gone);
	fs->prune_timer = (struct pfs_timer){.fire = prune_some, .arg = fs};
}

void pfs_prune_vanished(struct pfs_fs *fs, struct pfs_object *object)
{
	struct gone *gone;

	if (!object->references || fs->prunes_not)
		return;
	gone = malloc(sizeof(*gone));
	if (!gone) /* the kernel keeps it for longer */
		return;
	gone->object = object;
	pfs_store_hold(fs->store, object, 1);
	TAILQ_INSERT_TAIL(&fs->gone, gone, link);
	if (!fs->prune_timer.running)
		pfs_timer_start(fs->loop, &fs->prune_timer, pfs_loop_now(fs->loop) + A_WHILE);
}

void pfs_prune_end(struct pfs_fs *fs)
{
	pfs_timer_stop(fs->loop, &fs->prune_timer);
	while (!TAILQ_EMPTY(&fs->gone))
		drop_first(fs);
}
