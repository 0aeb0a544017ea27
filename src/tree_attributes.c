/* SPDX-License-Identifier: MIT */
/*
 * Attributes: what stat(2) says of a node, and for how long that is valid; the refresh that comes
 * before; contents; which files differ after a change.
 *
 * The kernel caches a directory's listing until the directory's modification time moves. A
 * collection's moves when an object appears or vanishes. But the kernel must also ask again for a
 * listing that has expired, though nothing has appeared or vanished. So the time is nudged by a
 * nanosecond when the list has expired and a listing was given since the last nudge. (Rejected: to
 * wait for the whole list in GETATTR. With default_permissions every path walk asks for the
 * directory's attributes.)
 */
#include "tree.h"

#include <errno.h>
#include <string.h>

/*
 * The size that `wait` and `success` pretend to have until they can be read, as files of sysfs do,
 * whose size only a read shows. A `success` that never can be read keeps it: programs that find a
 * file empty, or that have read as much as its size says, don't read on, and so don't see an error.
 */
#define WAIT_SIZE 4096

#define SETTLING PFS_SECOND /* after a line was added to a history: see pfs_tree_settle */

/* --- attributes ---------------------------------------------------------------------------- */

static struct timespec timespec_of(int64_t ns)
{
	int64_t seconds = ns / PFS_SECOND, rest = ns % PFS_SECOND;

	if (rest < 0) { /* before 1970 */
		seconds--;
		rest += PFS_SECOND;
	}
	return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)rest};
}

static void set_time(struct stat *stat, int64_t ns)
{
	stat->st_atim = stat->st_mtim = stat->st_ctim = timespec_of(ns);
}

static void set_size(struct stat *stat, size_t size)
{
	stat->st_size = (off_t)size;
	stat->st_blocks = (blkcnt_t)(size / 512 + (size % 512 != 0));
}

mode_t pfs_tree_type(const struct pfs_node *node)
{
	switch (node->type) {
	case PFS_NODE_README:
	case PFS_NODE_REPORT:
	case PFS_NODE_EVENTS:
	case PFS_NODE_FILE:
	case PFS_NODE_TABLE:
	case PFS_NODE_RESTORE_ID:
		return S_IFREG;
	case PFS_NODE_LINK:
		return S_IFLNK;
	default:
		return S_IFDIR;
	}
}

/* Without the umask. A link's mode means nothing, and is this everywhere. */
static mode_t mode_of(mode_t type)
{
	if (type == S_IFLNK)
		return S_IFLNK | 0777;
	return type == S_IFREG ? S_IFREG | 0444 : S_IFDIR | 0555;
}

static void fill_common(const struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	const mode_t mode = mode_of(pfs_tree_type(node));

	*stat = (struct stat){
		.st_ino = node->inode,
		.st_uid = tree->config.uid,
		.st_gid = tree->config.gid,
		.st_blksize = 4096,
		.st_nlink = 1,
	};
	stat->st_mode = S_ISLNK(mode) ? mode : mode & ~tree->config.umask;
	if (node->type == PFS_NODE_RESTORES) /* the owner may make directories in it */
		stat->st_mode |= S_IWUSR;
	/* A directory's links are its subdirectories and two more; 1 says "not counted". What has
	 * vanished and was freed has no kind any more. */
	if (node->type == PFS_NODE_OBJECT && node->kind && pfs_file_has_restores(tree, node->kind))
		stat->st_nlink = 3;
	else if (node->type == PFS_NODE_OBJECT || node->type == PFS_NODE_REPORTS ||
		 node->type == PFS_NODE_TABLES || node->type == PFS_NODE_RESTORE)
		stat->st_nlink = 2;
	else if (node->type == PFS_NODE_ROOT)
		stat->st_nlink = (nlink_t)(3 + (tree->config.tables != NULL) + tree->kinds->count);
}

static int64_t collection_time(struct pfs_tree *tree, const struct pfs_kind *kind, int64_t left)
{
	struct listing *listing = &tree->listings[kind->number];

	if (!left && listing->served) {
		listing->nudge++;
		listing->served = false;
	}
	return pfs_store_list_modified(tree->store, kind) + listing->nudge;
}

static int fill_file(struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	struct pfs_object *object = node->object;
	struct pfs_slice bytes;
	int error = pfs_file_read(tree, node->kind, object->content, node->index, &tree->scratch,
				  &bytes);

	if (error == -ENOENT)
		return -ESTALE;
	if (error)
		return error;
	set_size(stat, bytes.length);
	pfs_promise_make(object, node->index);
	return 0;
}

bool pfs_tree_is_wait(const struct pfs_node *node)
{
	return node->type == PFS_NODE_FILE && pfs_file_awaits_end(node->index);
}

bool pfs_tree_must_wait(const struct pfs_node *node)
{
	return pfs_tree_is_wait(node) && !node->object->gone && node->object->content &&
	       !node->object->content->end;
}

/* What read(2) of a file gives instead of this content: the error of a `success` at a bad end. */
static int verdict(const struct pfs_node *node, const struct pfs_content *content)
{
	if (node->type != PFS_NODE_FILE || node->index != FILE_SUCCESS || !content)
		return 0;
	switch (content->end) {
	case PFS_END_FAILED:
		return -EREMOTEIO;
	case PFS_END_CANCELLED:
		return -ECANCELED;
	default:
		return 0;
	}
}

/* Does the kernel get WAIT_SIZE for this file, and has to ask again before each read(2)? */
static bool is_unreadable(const struct pfs_node *node)
{
	return pfs_tree_must_wait(node) ||
	       (node->object && !node->object->gone && verdict(node, node->object->content));
}

static bool is_history(const struct pfs_node *node)
{
	return node->type == PFS_NODE_EVENTS ||
	       (node->type == PFS_NODE_FILE && node->index == FILE_EVENTS);
}

static int fill_history(struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	size_t size;
	int error = pfs_history_size(tree->history, node->object, node->generation, &size);

	if (error)
		return error;
	set_size(stat, size);
	set_time(stat, pfs_history_modified(tree->history, node->object, node->generation));
	/* A rotated generation has no name any more; with no links left, inotify reports that. */
	if (node->generation != pfs_history_generation(tree->history, node->object))
		stat->st_nlink = 0;
	return 0;
}

/* A text never changes: another one has another inode. */
static int fill_table(struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	struct pfs_slice text;
	int error = pfs_tables_read(tree->config.tables, node->kind, node->index, node->generation,
				    &text);

	if (error)
		return error;
	set_size(stat, text.length);
	set_time(stat, pfs_tables_made_at(tree->config.tables, node->kind, node->index,
					  node->generation));
	return 0;
}

static int fill_restore(struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat,
			int64_t *ret_valid)
{
	int64_t modified;
	size_t size;
	int error = pfs_restore_attributes(tree, node, &modified, &size);

	if (error)
		return error;
	set_time(stat, modified);
	if (S_ISREG(stat->st_mode))
		set_size(stat, size);
	*ret_valid = pfs_restore_valid(tree, node);
	return 0;
}

static int fill_link(struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	int error;

	if (node->object->gone || !node->object->content)
		return -ESTALE;
	set_time(stat, node->object->first_seen);
	pfs_buffer_clear(&tree->scratch);
	error = pfs_tree_readlink(tree, node, &tree->scratch);
	if (!error)
		set_size(stat, tree->scratch.length);
	return error;
}

static int fill_object(struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	const struct pfs_content *content = node->object->content;

	if (node->object->gone || !content)
		return -ESTALE;
	set_time(stat, content->modified);
	stat->st_ctim = timespec_of(content->changed);
	if (node->type == PFS_NODE_OBJECT)
		return 0;
	if (node->index == FILE_EVENTS)
		return fill_history(tree, node, stat);
	if (is_unreadable(node)) {
		set_size(stat, WAIT_SIZE);
		pfs_promise_end(node->object, node->index);
		return 0;
	}
	return fill_file(tree, node, stat);
}

/*
 * How long the kernel may cache what it gets of an object. If the object can change, no longer than
 * the shortest TTL, whatever its own is: a process that sets a watch is noticed only if that takes
 * a message to us.
 */
static int64_t object_left(const struct pfs_tree *tree, const struct pfs_object *object)
{
	int64_t left = pfs_store_left(tree->store, object);

	if (object->content && object->content->is_final)
		return left;
	return left < tree->config.ttl ? left : tree->config.ttl;
}

/*
 * How long the attributes of /events are valid: until one of the lists may be walked again. While
 * the pause after a failed walk lasts, that kind (which the key may not see, say) doesn't have the
 * others walked each time.
 */
static int64_t whole_list_left(struct pfs_tree *tree)
{
	int64_t left = tree->config.ttl;

	for (size_t i = 0; i < tree->kinds->count; i++) {
		int64_t of_kind = pfs_store_list_pause(tree->store, tree->kinds->rows[i]);

		left = of_kind < left ? of_kind : left;
	}
	return left;
}

int pfs_tree_attributes(struct pfs_tree *tree, const struct pfs_node *node, struct stat *ret_stat,
			int64_t *ret_valid)
{
	struct stat stat;
	int64_t valid = STATIC_VALID;
	int error = 0;

	fill_common(tree, node, &stat);
	set_time(&stat, tree->mounted_at);
	switch (node->type) {
	case PFS_NODE_README:
		set_size(&stat, strlen(tree->config.readme));
		break;
	case PFS_NODE_REPORT:
		set_size(&stat, tree->snapshots[node->index].buffer.length);
		set_time(&stat, tree->snapshots[node->index].modified);
		valid = 0;
		break;
	case PFS_NODE_COLLECTION:
		valid = pfs_store_list_left(tree->store, node->kind);
		set_time(&stat, collection_time(tree, node->kind, valid));
		/* The nudge is for the kernel's cache only: in ctime nothing has changed. */
		stat.st_ctim = timespec_of(pfs_store_list_modified(tree->store, node->kind));
		valid = valid ? valid : tree->config.ttl;
		break;
	case PFS_NODE_EVENTS:
		valid = whole_list_left(tree);
		error = fill_history(tree, node, &stat);
		break;
	case PFS_NODE_OBJECT:
	case PFS_NODE_FILE:
		valid = is_unreadable(node) ? 0 : object_left(tree, node->object);
		error = fill_object(tree, node, &stat);
		break;
	case PFS_NODE_LINK: /* it never changes: with another target it is another one */
		error = fill_link(tree, node, &stat);
		break;
	case PFS_NODE_TABLE:
		error = fill_table(tree, node, &stat);
		break;
	case PFS_NODE_RESTORES:
	case PFS_NODE_RESTORE:
	case PFS_NODE_RESTORE_ID:
		error = fill_restore(tree, node, &stat, &valid);
		break;
	default:
		break;
	}
	if (error)
		return error;
	*ret_stat = stat;
	*ret_valid = valid;
	return 0;
}

/*
 * From a reply with another size the kernel takes over the size first, and drops its pages a moment
 * later. The last of them may be from before, with zeros where the new line is now; who reads in
 * that moment, which on a busy machine lasts, gets those. A process whose own GETATTR brings a new
 * modification time drops the pages itself, before it reads. So for a second after each line, each
 * process that isn't the last asker gets a new time; and it is valid for no time, so that each
 * read(2) asks first.
 */
int64_t pfs_tree_settle(struct pfs_tree *tree, const struct pfs_node *node, pid_t asker)
{
	if (!is_history(node) ||
	    pfs_history_age(tree->history, node->object, node->generation) >= SETTLING)
		return INT64_MAX;
	if (!asker || tree->settling.asker != asker || tree->settling.inode != node->inode)
		pfs_tree_touch(tree, node);
	tree->settling.asker = asker;
	tree->settling.inode = node->inode;
	return 0;
}

bool pfs_tree_is_news(const struct pfs_tree *tree, const struct pfs_node *node)
{
	const struct pfs_content *promised;

	if (is_history(node))
		return pfs_history_age(tree->history, node->object, node->generation) < SETTLING;
	if (node->type != PFS_NODE_FILE || !node->object->content)
		return false;
	promised = pfs_promise_content(node->object, node->index);
	return promised && promised->modified != node->object->content->modified;
}

int64_t pfs_tree_entry_valid(const struct pfs_tree *tree, const struct pfs_node *node)
{
	int64_t left;

	switch (node->type) {
	case PFS_NODE_REPORT:
		return 0;
	case PFS_NODE_COLLECTION:
	case PFS_NODE_EVENTS:
		return tree->config.ttl;
	case PFS_NODE_TABLE: /* until the list may be walked again */
		left = pfs_store_list_pause(tree->store, node->kind);
		return left && left < tree->config.ttl ? left : tree->config.ttl;
	case PFS_NODE_OBJECT:
	case PFS_NODE_FILE:
	case PFS_NODE_LINK:
		/* Whether the object is still valid its attributes say, not its name. */
		left = object_left(tree, node->object);
		return left ? left : tree->config.ttl;
	case PFS_NODE_RESTORES:
	case PFS_NODE_RESTORE:
	case PFS_NODE_RESTORE_ID:
		return pfs_restore_valid(tree, node);
	default:
		return STATIC_VALID;
	}
}

void pfs_tree_vanished_attributes(struct pfs_tree *tree, uint64_t inode, struct stat *ret_stat)
{
	struct pfs_node node = {.type = PFS_NODE_OBJECT, .inode = inode};
	int64_t valid;

	if (pfs_tree_node(tree, inode, &node) || pfs_tree_attributes(tree, &node, ret_stat, &valid))
		fill_common(tree, &node, ret_stat);
}

/*
 * /events is valid when each kind's list is. Walks all expired lists at once, then waits for one
 * after the other, for each at most once: the first may expire again while the last is walked, and
 * a reader who then began anew might never be done. So after as many wakes the caller has waited
 * for that many lists, or found them valid. Failures don't count: what the history has stays true.
 */
static int refresh_lists(struct pfs_tree *tree, size_t wakes, struct pfs_wait *wait)
{
	const struct pfs_kinds *kinds = tree->kinds;

	for (size_t i = wakes; i < kinds->count; i++) {
		if (!pfs_store_list_left(tree->store, kinds->rows[i]))
			(void)pfs_store_refresh_list(tree->store, kinds->rows[i]);
	}
	for (size_t i = wakes; i < kinds->count; i++) {
		if (pfs_store_ask_list(tree->store, kinds->rows[i], PFS_LIST_WHOLE, wait) ==
		    -EINPROGRESS)
			return -EINPROGRESS;
	}
	return 0;
}

/* What a caller gets once its node was refreshed, or couldn't be. */
static int judge(const struct pfs_node *node, bool reading, int error)
{
	if (!error)
		return reading && node->object ? verdict(node, node->object->content) : 0;
	if (error == -EINPROGRESS || error == -ESTALE)
		return error;
	if (node->index == FILE_EVENTS)
		return 0;
	return !reading && node->object && node->object->content ? 0 : error;
}

int pfs_tree_refresh(struct pfs_tree *tree, const struct pfs_node *node, bool reading,
		     struct pfs_wait *wait)
{
	if (node->type == PFS_NODE_EVENTS)
		return refresh_lists(tree, 0, wait);
	if (pfs_tree_must_wait(node)) /* it has no content to be valid yet */
		return 0;
	if (node->type == PFS_NODE_LINK)
		return 0;
	if (pfs_restore_is_node(node)) /* what the list fails with its reader gets, not stat(2) */
		return pfs_restores_refresh(tree, node, wait) == -EINPROGRESS ? -EINPROGRESS : 0;
	if (node->object && node->index == FILE_EVENTS)
		pfs_store_hasten(tree->store, node->object);
	if (node->object)
		return judge(node, reading, pfs_store_ask_object(tree->store, node->object, wait));
	if (node->type == PFS_NODE_REPORT)
		pfs_snapshot_refresh(tree, node->index, false);
	return 0;
}

int pfs_tree_refreshed(struct pfs_tree *tree, const struct pfs_node *node, bool reading,
		       size_t wakes, int error, struct pfs_wait *wait)
{
	if (node->type == PFS_NODE_EVENTS)
		return refresh_lists(tree, wakes, wait);
	return pfs_restore_is_node(node) ? 0 : judge(node, reading, error);
}

void pfs_tree_touch(struct pfs_tree *tree, const struct pfs_node *node)
{
	if (node->type == PFS_NODE_README)
		tree->mounted_at++;
	else if (node->type == PFS_NODE_REPORT)
		tree->snapshots[node->index].modified++;
	else if (pfs_restore_is_node(node))
		node->object->first_seen++;
	else if (is_history(node))
		(void)pfs_history_touch(tree->history, node->object, node->generation);
	else if (node->object && node->object->content)
		node->object->content->modified++;
}

/* --- reading ------------------------------------------------------------------------------- */

static int read_object(struct pfs_tree *tree, const struct pfs_node *node,
		       struct pfs_slice *ret_content)
{
	const struct pfs_content *content;
	int error;

	if (node->index == FILE_EVENTS)
		return pfs_history_read(tree->history, node->object, node->generation,
					&tree->scratch, ret_content);
	content = pfs_promise_content(node->object, node->index);
	if (!content)
		return -ESTALE;
	if (pfs_tree_is_wait(node) && !content->end) /* a mapping, or splice(2): not read(2) */
		return -EAGAIN;
	error = verdict(node, content);
	if (error)
		return error;
	error = pfs_file_read(tree, node->kind, content, node->index, &tree->scratch, ret_content);
	return error == -ENOENT ? -ESTALE : error;
}

int pfs_tree_read(struct pfs_tree *tree, const struct pfs_node *node, struct pfs_slice *ret_content)
{
	const struct pfs_buffer *snapshot;

	switch (node->type) {
	case PFS_NODE_README:
		*ret_content = (struct pfs_slice){tree->config.readme, strlen(tree->config.readme)};
		return 0;
	case PFS_NODE_REPORT:
		snapshot = &tree->snapshots[node->index].buffer;
		*ret_content = (struct pfs_slice){snapshot->bytes, snapshot->length};
		return 0;
	case PFS_NODE_EVENTS:
		return pfs_history_read(tree->history, NULL, node->generation, &tree->scratch,
					ret_content);
	case PFS_NODE_FILE:
		return read_object(tree, node, ret_content);
	case PFS_NODE_RESTORE_ID:
		return pfs_restore_read(tree, node, ret_content);
	case PFS_NODE_TABLE:
		return pfs_tables_read(tree->config.tables, node->kind, node->index,
				       node->generation, ret_content);
	default:
		return -EISDIR;
	}
}

/* --- changes ------------------------------------------------------------------------------- */

static bool is_changed(struct pfs_tree *tree, const struct pfs_kind *kind,
		       const struct pfs_content *before, const struct pfs_content *after,
		       unsigned index)
{
	struct pfs_buffer scratch[2] = {{0}, {0}};
	struct pfs_slice old, new;
	bool there = !pfs_file_read(tree, kind, before, index, &scratch[0], &old) &&
		     !pfs_file_read(tree, kind, after, index, &scratch[1], &new);
	bool changed = there && (old.length != new.length ||
				 (old.length && memcmp(old.bytes, new.bytes, old.length) != 0));

	pfs_buffer_finish(&scratch[0]);
	pfs_buffer_finish(&scratch[1]);
	return changed;
}

void pfs_tree_each_change(struct pfs_tree *tree, const struct pfs_object *object,
			  const struct pfs_content *before, const struct pfs_content *after,
			  void (*visit)(void *arg, uint64_t inode, const char *name), void *arg)
{
	unsigned index = 0;

	pfs_file_learn(tree, object->kind, after);
	while ((index = pfs_file_next(tree, object->kind, after, index))) {
		if (index == FILE_EVENTS)
			visit(arg, pfs_tree_events_inode(tree, object), "events");
		else if (is_changed(tree, object->kind, before, after, index))
			visit(arg, pfs_tree_object_inode(object) + index,
			      pfs_file_name(tree, object->kind, index));
	}
}
