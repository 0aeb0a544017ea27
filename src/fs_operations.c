/* SPDX-License-Identifier: MIT */
/*
 * The messages that ask for something. The tree knows what they mean; here they are counted, and
 * the results are put into libfuse's structs.
 */
#include "fs.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define LONGEST_REPLY  ((size_t)64 * 1024)    /* of a listing */
#define SMALLEST_ENTRY ((size_t)160)	      /* with attributes: struct fuse_direntplus */
#define LONGEST_READ   ((unsigned)128 * 1024) /* of a file */

/* --- lookup and forget --------------------------------------------------------------------- */

/* Reply "no such file" in the form that the kernel caches for as long as it is valid. */
static int reply_missing(struct pfs_fs *fs, fuse_req_t request, int64_t valid)
{
	const struct fuse_entry_param entry = {.ino = 0, .entry_timeout = pfs_seconds(valid)};

	if (!valid)
		return pfs_reply_error(fs, request, ENOENT);
	(void)pfs_reply_entry(fs, request, &entry);
	return 0;
}

static int run_lookup(struct call *call, bool woken, int error)
{
	struct pfs_fs *fs = call->fs;
	struct pfs_wait *wait = woken || call->at_once ? NULL : &call->wait;
	struct pfs_node parent, node;
	int64_t valid = 0;
	int found = pfs_tree_node(fs->tree, call->inode, &parent);

	if (woken && error && error != -ENOENT && error != -ESTALE &&
	    (found || !pfs_tree_is_there(fs->tree, &parent, call->name)))
		return pfs_reply_error(call->fs, call->request, error);
	error = found;
	if (!error)
		error = pfs_tree_lookup(fs->tree, &parent, call->name, wait, &node, &valid);
	if (error == -EINPROGRESS)
		return error;
	if (error == -ENOENT)
		return reply_missing(fs, call->request, valid);
	if (error)
		return pfs_reply_error(call->fs, call->request, error);
	return pfs_reply_node(call->fs, call->request, &node);
}

/* If our child is about to make or remove this name, pretend that it hasn't happened yet. */
static bool reply_pretence(const struct call *call)
{
	struct pfs_fs *fs = call->fs;
	struct fuse_entry_param entry = {.generation = 1};
	pid_t pid = fuse_req_ctx(call->request)->pid;
	uint64_t inode;

	if (!fs->poke)
		return false;
	switch (pfs_poke_pretends(fs->poke, pid, call->inode, call->name, &inode)) {
	case PFS_PRETEND_MISSING:
		pfs_reply_error(call->fs, call->request, ENOENT);
		return true;
	case PFS_PRETEND_THERE:
		entry.ino = inode;
		pfs_tree_vanished_attributes(fs->tree, inode, &entry.attr);
		pfs_tree_hold_inode(fs->tree, inode, 1);
		if (!pfs_reply_entry(call->fs, call->request, &entry))
			pfs_tree_forget(fs->tree, inode, 1);
		return true;
	case PFS_PRETEND_NOTHING:
		break;
	}
	return false;
}

static void do_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	const struct call call = {
		.fs = pfs_fs_of(request),
		.request = request,
		.run = run_lookup,
		.inode = parent,
		.name = (char *)name,
		.at_once = pfs_is_from_child(request),
		.holds_directory = true,
	};

	(void)pfs_enter(request, PFS_MESSAGE_LOOKUP, parent, name, NULL);
	if (strlen(name) > NAME_MAX) /* newer kernels let up to 4095 bytes through */
		pfs_reply_error(call.fs, request, ENAMETOOLONG);
	else if (!reply_pretence(&call))
		pfs_call_begin(&call);
}

static void do_forget(fuse_req_t request, fuse_ino_t inode, uint64_t times)
{
	pfs_tree_forget(pfs_fs_of(request)->tree, inode, times);
	fuse_reply_none(request);
}

static void do_forget_multi(fuse_req_t request, size_t count_of, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count_of; i++)
		pfs_tree_forget(pfs_fs_of(request)->tree, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(request);
}

/* --- attributes ---------------------------------------------------------------------------- */

static int reply_attributes(const struct call *call, const struct pfs_node *node)
{
	struct stat stat;
	int64_t valid;
	int error = pfs_fill_attributes(call->request, node, &stat, &valid);

	if (error)
		return pfs_reply_error(call->fs, call->request, error);
	pfs_reply_attributes(call->fs, call->request, &stat, valid);
	return 0;
}

/*
 * A read(2) of `wait` or `success` waits here, in the GETATTR that the kernel sends before each
 * READ; it begins to wait where an object that had ended is found not to have ended any more.
 */
static int wait_for_end(struct call *call, const struct pfs_node *node)
{
	call->patient = call->reading && !call->at_once && pfs_tree_must_wait(node);
	return call->patient ? pfs_watch_wait(call->fs->watch, node->object, &call->wait) : 0;
}

static int refresh(struct call *call, const struct pfs_node *node, bool woken, int error)
{
	if (call->at_once)
		return 0;
	if (woken)
		return pfs_tree_refreshed(call->fs->tree, node, call->reading, call->wakes, error,
					  &call->wait);
	return pfs_tree_refresh(call->fs->tree, node, call->reading, &call->wait);
}

static int run_getattr(struct call *call, bool woken, int error)
{
	struct pfs_fs *fs = call->fs;
	struct pfs_node node;
	int found = pfs_tree_node(fs->tree, call->inode, &node);

	if (found)
		return pfs_reply_error(call->fs, call->request, found);
	if (!call->follows)
		error = refresh(call, &node, woken, error);
	if (!error && !call->follows)
		error = wait_for_end(call, &node);
	if (!error)
		error = pfs_turn_take(call);
	if (error == -EINPROGRESS)
		return error;
	if (error)
		return pfs_reply_error(call->fs, call->request, error);
	return reply_attributes(call, &node);
}

/*
 * The kernel sends a file handle along just before a read(2), and none for stat(2): the content
 * must be valid for the first, and may have expired for the second, if the API fails.
 */
static void do_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
	const struct call call = {
		.fs = pfs_fs_of(request),
		.request = request,
		.run = run_getattr,
		.inode = inode,
		.reading = info != NULL,
		.at_once = pfs_is_from_child(request),
	};

	(void)pfs_enter(request, PFS_MESSAGE_GETATTR, inode, NULL, NULL);
	pfs_call_begin(&call);
}

/* access(2) and chdir(2). Never asks the API; whatever the modes say, nobody can write, but where
 * something can be made. */
static void do_access(fuse_req_t request, fuse_ino_t inode, int mask)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_node node;
	int error = pfs_enter(request, PFS_MESSAGE_OTHER, inode, NULL, &node);
	bool file = !error && pfs_tree_type(&node) == S_IFREG;

	if (!error && (mask & W_OK) && !pfs_may_make(request, &node))
		error = -EROFS;
	else if (!error && (mask & X_OK) && file)
		error = -EACCES;
	if (error)
		pfs_reply_error(fs, request, error);
	else
		pfs_reply_done(fs, request);
}

/* The kernel keeps the target for as long as it keeps the inode: another target is another inode.
 */
static void do_readlink(fuse_req_t request, fuse_ino_t inode)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_node node;
	int error = pfs_enter(request, PFS_MESSAGE_OTHER, inode, NULL, &node);

	pfs_buffer_clear(&fs->scratch);
	if (!error)
		error = pfs_tree_readlink(fs->tree, &node, &fs->scratch);
	if (error)
		pfs_reply_error(fs, request, error);
	else
		(void)pfs_reply_bytes(fs, request, fs->scratch.bytes, fs->scratch.length);
}

static void do_statfs(fuse_req_t request, fuse_ino_t inode)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	const struct statvfs stat = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX};

	(void)pfs_enter(request, PFS_MESSAGE_OTHER, inode, NULL, NULL);
	pfs_reply_statfs(fs, request, &stat);
}

/* --- reading ------------------------------------------------------------------------------- */

/* After one ENOSYS the kernel opens files without a message, and keeps its pages. */
static void do_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
	struct pfs_fs *fs = pfs_fs_of(request);

	(void)pfs_enter(request, PFS_MESSAGE_OTHER, inode, NULL, NULL);
	if (fs->opens_unasked) {
		pfs_reply_unasked(fs, request);
		return;
	}
	info->keep_cache = 1;
	info->noflush = 1;
	pfs_reply_open(fs, request, info);
}

static void do_opendir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
	struct pfs_fs *fs = pfs_fs_of(request);

	(void)pfs_enter(request, PFS_MESSAGE_OTHER, inode, NULL, NULL);
	if (fs->listings_unasked) {
		pfs_reply_unasked(fs, request);
		return;
	}
	info->keep_cache = 1;
	info->cache_readdir = 1;
	pfs_reply_open(fs, request, info);
}

static void do_flush(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
	struct pfs_fs *fs = pfs_fs_of(request);

	(void)pfs_enter(request, PFS_MESSAGE_OTHER, inode, NULL, NULL);
	pfs_reply_unasked(fs, request);
}

static void do_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
		    struct fuse_file_info *info)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	struct pfs_slice content;
	struct pfs_node node;
	int error = pfs_enter(request, PFS_MESSAGE_READ, inode, NULL, &node);

	if (!error)
		error = pfs_tree_read(fs->tree, &node, &content);
	if (error) {
		pfs_reply_error(fs, request, error);
		return;
	}
	if (offset < 0 || (size_t)offset >= content.length) {
		(void)pfs_reply_bytes(fs, request, NULL, 0);
		return;
	}
	if (size > content.length - (size_t)offset)
		size = content.length - (size_t)offset;
	(void)pfs_reply_bytes(fs, request, content.bytes + offset, size);
}

/* linux/fuse.h: struct fuse_poll_in's kh, behind a request's header and fh. */
#define POLL_KEY_OFFSET 48

/* Which open file the present message is about; libfuse doesn't say it. */
static uint64_t poll_key(const struct pfs_fs *fs)
{
	uint64_t key = 0;

	if (fs->message.size >= POLL_KEY_OFFSET + sizeof(key))
		memcpy(&key, (const char *)fs->message.mem + POLL_KEY_OFFSET, sizeof(key));
	return key;
}

/*
 * A file can be read at any time, but for `wait`. As with cgroup.events, POLLPRI and POLLERR say
 * that it has changed since the same open file was last polled. So does a file that is gone: it
 * will never change again, so nobody must sleep on it.
 */
static void do_poll(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info,
		    struct fuse_pollhandle *handle)
{
	struct pfs_fs *fs = pfs_fs_of(request);
	unsigned events = POLLIN | POLLRDNORM;
	bool changed = true;
	struct pfs_node node;
	int gone = pfs_enter(request, PFS_MESSAGE_OTHER, inode, NULL, &node);
	int refused = gone;

	if (!gone)
		refused = pfs_watch_poll(fs->watch, inode, poll_key(fs), handle, &changed);
	if (refused && handle)
		fuse_pollhandle_destroy(handle);
	if (!refused && pfs_tree_must_wait(&node))
		events = 0;
	else if (changed && (gone || !pfs_tree_is_wait(&node)))
		events |= POLLPRI | POLLERR;
	pfs_reply_poll(fs, request, events);
}

/* --- listings ------------------------------------------------------------------------------ */

/* The reply to a READDIR while it is made. */
struct listing {
	fuse_req_t request;
	size_t size; /* of bytes */
	size_t used;
	size_t held_count; /* references that it gives to the kernel, one an entry */
	uint64_t held[LONGEST_REPLY / SMALLEST_ENTRY];
	char bytes[];
};

/* Add an entry, if there is room. Returns how many bytes it takes. */
static size_t add_plain(struct listing *listing, const struct pfs_entry *entry)
{
	const struct stat stat = {
		.st_ino = entry->node.inode,
		.st_mode = pfs_tree_type(&entry->node),
	};

	return fuse_add_direntry(listing->request, listing->bytes + listing->used,
				 listing->size - listing->used, entry->name, &stat,
				 (off_t)entry->cursor);
}

/*
 * Add an entry with its attributes, where they are known. A report gets only its name, since its
 * attributes are valid for no time; and a table, since its text is made for who opens it.
 */
static size_t add_plus(struct pfs_fs *fs, struct listing *listing, const struct pfs_entry *entry)
{
	bool dots = entry->cursor <= 2;
	struct fuse_entry_param param = {0};
	size_t size, room = listing->size - listing->used;

	if (dots || entry->node.type == PFS_NODE_REPORT || entry->node.type == PFS_NODE_TABLE ||
	    pfs_fill_entry(listing->request, &entry->node, &param)) {
		param = (struct fuse_entry_param){0};
		param.attr.st_ino = entry->node.inode;
		param.attr.st_mode = pfs_tree_type(&entry->node);
	}
	size = fuse_add_direntry_plus(listing->request, listing->bytes + listing->used, room,
				      entry->name, &param, (off_t)entry->cursor);
	if (size <= room && param.ino) {
		pfs_tree_hold(fs->tree, &entry->node, 1);
		listing->held[listing->held_count++] = param.ino;
	}
	return size;
}

/*
 * Add entries from the call's offset on. 0: no more fit, or there are no more; else an error of
 * pfs_tree_list.
 */
static int fill_listing(struct call *call, const struct pfs_node *directory,
			struct listing *listing)
{
	struct pfs_fs *fs = call->fs;
	uint64_t cursor = (uint64_t)call->offset;

	for (;;) {
		struct pfs_entry entry;
		size_t size;
		int more = pfs_tree_list(fs->tree, directory, cursor, &call->wait, &entry);

		if (more != 1)
			return more;
		size = call->plus ? add_plus(fs, listing, &entry) : add_plain(listing, &entry);
		if (size > listing->size - listing->used)
			return 0;
		listing->used += size;
		cursor = entry.cursor;
	}
}

/* Take the references back if the caller is gone: the kernel has dropped the reply. */
static void reply_listing(struct pfs_fs *fs, const struct listing *listing)
{
	if (pfs_reply_bytes(fs, listing->request, listing->bytes, listing->used))
		return;
	for (size_t i = 0; i < listing->held_count; i++)
		pfs_tree_forget(fs->tree, listing->held[i], 1);
}

static struct listing *make_listing(const struct call *call)
{
	struct listing *listing = malloc(sizeof(*listing) + call->size);

	if (listing) {
		listing->request = call->request;
		listing->size = call->size;
		listing->used = 0;
		listing->held_count = 0;
	}
	return listing;
}

static int run_readdir(struct call *call, bool woken, int error)
{
	struct pfs_fs *fs = call->fs;
	struct pfs_node directory;
	struct listing *listing;

	if (woken && error)
		return pfs_reply_error(call->fs, call->request, error);
	error = pfs_tree_node(fs->tree, call->inode, &directory);
	listing = error ? NULL : make_listing(call);
	if (listing)
		error = fill_listing(call, &directory, listing);
	else if (!error)
		error = -ENOMEM;
	if (listing && listing->used) { /* reply with what there is; the next READDIR fails */
		pfs_wait_cancel(&call->wait);
		error = 0;
	}
	if (!error)
		reply_listing(fs, listing);
	free(listing);
	if (error == -EINPROGRESS)
		return error;
	return error ? pfs_reply_error(call->fs, call->request, error) : 0;
}

static void begin_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
			  bool plus)
{
	const struct call call = {
		.fs = pfs_fs_of(request),
		.request = request,
		.run = run_readdir,
		.inode = inode,
		.holds_directory = true,
		.plus = plus,
		.size = size < LONGEST_REPLY ? size : LONGEST_REPLY,
		.offset = offset,
	};

	(void)pfs_enter(request, PFS_MESSAGE_READDIR, inode, NULL, NULL);
	pfs_call_begin(&call);
}

static void do_readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
		       struct fuse_file_info *info)
{
	begin_readdir(request, inode, size, offset, false);
}

static void do_readdirplus(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
			   struct fuse_file_info *info)
{
	begin_readdir(request, inode, size, offset, true);
}

/* --- the session's beginning --------------------------------------------------------------- */

static void do_init(void *arg, struct fuse_conn_info *connection)
{
	struct pfs_fs *fs = arg;

	fs->opens_unasked = connection->capable & FUSE_CAP_NO_OPEN_SUPPORT;
	fs->listings_unasked = connection->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
	fs->parallel_lookups = connection->capable & FUSE_CAP_PARALLEL_DIROPS;
	/* Freshness needs this: a new time or size in a GETATTR reply drops the kernel's pages. */
	connection->want |=
		connection->capable &
		(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
		 FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_CACHE_SYMLINKS);
	/* With O_TRUNC as a flag of OPEN, which isn't sent, `: > status` would seem to succeed. */
	connection->want &=
		~(unsigned)(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_WRITEBACK_CACHE |
			    FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	/* Writes are refused; but libfuse derives from this how much is read at once, too. */
	connection->max_write = LONGEST_READ;
	/* libfuse ends the session unless this is the max_read that it has given to mount(2). */
	connection->max_read = fs->max_read;
	connection->time_gran = 1;
	fs->greeted = true;
}

const struct fuse_lowlevel_ops pfs_fs_operations = {
	.init = do_init,
	.lookup = do_lookup,
	.forget = do_forget,
	.forget_multi = do_forget_multi,
	.getattr = do_getattr,
	.access = do_access,
	.readlink = do_readlink,
	.statfs = do_statfs,
	.open = do_open,
	.opendir = do_opendir,
	.flush = do_flush,
	.read = do_read,
	.poll = do_poll,
	.readdir = do_readdir,
	.readdirplus = do_readdirplus,
};
