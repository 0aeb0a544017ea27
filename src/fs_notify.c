/* SPDX-License-Identifier: MIT */
/*
 * Notifications to the kernel: that something in its cache is invalid.
 *
 * Only of an inode's attributes (FUSE_NOTIFY_INVAL_INODE with a negative offset), and of all names
 * together. All other notifications wait for locks, whose holder may wait for us; but for
 * FUSE_NOTIFY_PRUNE, of which watch_forget.c says why it isn't enough.
 */
#include "fs.h"

#include <unistd.h>

#define SWEEP_SLICE 256 /* objects a turn */

#define NOTIFY_INC_EPOCH 8 /* linux/fuse.h, since Linux 6.16 */

void pfs_notify_attributes(void *arg, uint64_t inode)
{
	struct pfs_fs *fs = arg;

	/* Negative offset: attributes only. An inode that the kernel doesn't have is no error. */
	(void)fuse_lowlevel_notify_inval_inode(fs->session, inode, -1, 0);
}

static void notify_collections(void *arg)
{
	struct pfs_fs *fs = arg;

	const struct pfs_kinds *kinds = pfs_store_kinds(fs->store);

	for (size_t i = 0; i < kinds->count; i++) {
		if (fs->collections_changed & (UINT32_C(1) << kinds->rows[i]->number))
			pfs_notify_attributes(fs, pfs_tree_collection_inode(kinds->rows[i]));
	}
	fs->collections_changed = 0;
}

/* An object has appeared or vanished: the kernel's listing is invalid. Notifies once a turn. */
static void on_membership(void *arg, struct pfs_object *object)
{
	struct pfs_fs *fs = arg;

	if (!fs->mounted)
		return;
	fs->collections_changed |= UINT32_C(1) << object->kind->number;
	if (!fs->collections_timer.running)
		pfs_timer_start(fs->loop, &fs->collections_timer, pfs_loop_now(fs->loop));
}

/* A process that is woken reads next, and must get the new content: so attributes first. */
void pfs_notify_inode(void *arg, uint64_t inode, void *handle)
{
	struct pfs_fs *fs = arg;

	pfs_notify_attributes(fs, inode);
	if (handle)
		(void)fuse_lowlevel_notify_poll(handle);
}

static void sweep(void *arg)
{
	struct pfs_fs *fs = arg;
	struct pfs_object *object = NULL;

	for (unsigned slice = 0; slice < SWEEP_SLICE; slice++) {
		object = pfs_store_each(fs->store, &fs->swept);
		if (!object)
			return;
		if (object->references)
			pfs_tree_each_inode(fs->tree, object, pfs_notify_attributes, fs);
	}
	pfs_timer_start(fs->loop, &fs->sweep_timer, pfs_loop_now(fs->loop));
}

/*
 * The kernel looks each name up again before it next uses it, above all those that it knows to be
 * missing. A kernel that doesn't know this notification (EINVAL) keeps names until they expire.
 * FUSE_NOTIFY_INVAL_ENTRY is no way out: it waits for the directory's lock, whose holder may wait
 * for us.
 */
void pfs_notify_names(void *arg)
{
	const struct pfs_fs *fs = arg;
	const struct {
		uint32_t length;
		int32_t code;
		uint64_t unique;
	} notice = {.length = sizeof(notice), .code = NOTIFY_INC_EPOCH};

	(void)!write(fuse_session_fd(fs->session), &notice, sizeof(notice));
}

/* The kernel's listing of what was made of an object is invalid. */
static void on_made(void *arg, struct pfs_object *source, struct pfs_object *job, const char *name,
		    bool waited)
{
	struct pfs_fs *fs = arg;

	if (fs->mounted)
		pfs_notify_attributes(fs, pfs_tree_restores_inode(source));
}

static void on_unmade(void *arg, struct pfs_object *source, struct pfs_object *job,
		      const char *name)
{
	on_made(arg, source, job, name, false);
}

void pfs_fs_invalidate(struct pfs_fs *fs)
{
	const struct pfs_kinds *kinds = pfs_store_kinds(fs->store);

	pfs_notify_names(fs);
	for (size_t i = 0; i < kinds->count; i++)
		pfs_notify_attributes(fs, pfs_tree_collection_inode(kinds->rows[i]));
	pfs_notify_attributes(fs, pfs_tree_events_inode(fs->tree, NULL));
	fs->swept = (struct pfs_cursor){0};
	sweep(fs);
}

int pfs_notify_begin(struct pfs_fs *fs)
{
	const struct pfs_store_listener listener = {
		.appeared = on_membership,
		.vanished = on_membership,
		.arg = fs,
	};

	const struct pfs_restores_listener made = {
		.appeared = on_made,
		.vanished = on_unmade,
		.arg = fs,
	};
	int error;

	fs->collections_timer = (struct pfs_timer){.fire = notify_collections, .arg = fs};
	fs->sweep_timer = (struct pfs_timer){.fire = sweep, .arg = fs};
	error = pfs_store_listen(fs->store, &listener);
	if (!error && fs->restores)
		error = pfs_restores_listen(fs->restores, &made);
	return error;
}

void pfs_notify_end(struct pfs_fs *fs)
{
	pfs_timer_stop(fs->loop, &fs->collections_timer);
	pfs_timer_stop(fs->loop, &fs->sweep_timer);
}

/*
 * The kernel may know the name that the history had before for ten minutes yet. What that inode has
 * now may be longer than what it had, so the attributes must be fetched anew.
 */
void pfs_notify_forgotten(void *arg, struct pfs_object *object)
{
	struct pfs_fs *fs = arg;

	if (fs->mounted)
		pfs_notify_attributes(fs, pfs_tree_rotated_inode(fs->tree, object));
}
