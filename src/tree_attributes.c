/*
 * Attributes, and the bytes they promise.
 *
 * The kernel reads a file as long as its attributes say, from whatever pages it has. So a read
 * must give the bytes of which the attributes were last told, even if the API has said something
 * else meanwhile; never fewer. Each content is immutable and counted: when an object's content is
 * replaced, the one before is kept with the set of files that were promised from it, and each
 * file leaves that set when its attributes are told again. The sets are masks of 64 files, and
 * there are rarely more than one.
 *
 * The kernel keeps a directory's listing as long as its time doesn't move. That of a collection
 * moves when an object comes or goes; but a listing whose time is up must be asked for again,
 * though nothing has come or gone. So the time is nudged by a nanosecond when the list has
 * expired and a listing was given since the last nudge. (Rejected: waiting for the whole list in
 * GETATTR: with default_permissions every path walk asks for the directory's attributes.)
 */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pfs_promise {
	struct pfs_promise *next;
	struct pfs_content *content;
	uint64_t files;
};

#define BIT(index) (UINT64_C(1) << (index))

/* --- promises ------------------------------------------------------------------------------ */

void pfs_promise_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	struct pfs_promise *promise;

	if (!object->promised)
		return;
	promise = malloc(sizeof(*promise));
	/* Without memory the promise is broken: reads then get the new bytes. */
	if (promise) {
		promise->next = object->promises;
		promise->content = pfs_content_keep(before);
		promise->files = object->promised;
		object->promises = promise;
	}
	object->promised = 0;
}

/* Nothing is promised any more of these files; what nobody needs then is freed. */
static void drop_promises(struct pfs_object *object, uint64_t files)
{
	struct pfs_promise **place = &object->promises;

	while (*place) {
		struct pfs_promise *promise = *place;

		promise->files &= ~files;
		if (promise->files) {
			place = &promise->next;
			continue;
		}
		*place = promise->next;
		pfs_content_drop(promise->content);
		free(promise);
	}
	object->promised &= ~files;
}

void pfs_promise_freed(void *arg, struct pfs_object *object)
{
	drop_promises(object, ~UINT64_C(0));
}

static const struct pfs_content *promised_content(const struct pfs_object *object, unsigned index)
{
	const struct pfs_promise *promise = object->promises;

	while (promise && !(promise->files & BIT(index)))
		promise = promise->next;
	return promise ? promise->content : object->content;
}

/* --- reports ------------------------------------------------------------------------------- */

void pfs_snapshot_take(struct pfs_tree *tree, unsigned index)
{
	const struct pfs_report *report = &tree->config.reports[index];
	struct snapshot *snapshot = &tree->snapshots[index];
	struct pfs_buffer buffer = {0};
	bool same;

	report->render(report->arg, &buffer);
	same = snapshot->taken_at && buffer.length == snapshot->buffer.length &&
	       (!buffer.length || !memcmp(buffer.bytes, snapshot->buffer.bytes, buffer.length));
	if (!same) {
		int64_t now = pfs_loop_wall(tree->loop);

		snapshot->modified = now > snapshot->modified ? now : snapshot->modified + 1;
	}
	pfs_buffer_finish(&snapshot->buffer);
	snapshot->buffer = buffer;
	snapshot->taken_at = pfs_loop_now(tree->loop);
}

/* --- attributes ---------------------------------------------------------------------------- */

static void set_time(struct stat *stat, int64_t ns)
{
	int64_t seconds = ns / PFS_SECOND, rest = ns % PFS_SECOND;

	if (rest < 0) { /* before 1970 */
		seconds--;
		rest += PFS_SECOND;
	}
	stat->st_mtim = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)rest};
	stat->st_atim = stat->st_ctim = stat->st_mtim;
}

static void set_size(struct stat *stat, size_t size)
{
	stat->st_size = (off_t)size;
	stat->st_blocks = (blkcnt_t)(size / 512 + (size % 512 != 0));
}

static void fill_common(const struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	bool file = node->type == PFS_NODE_README || node->type == PFS_NODE_REPORT ||
		    node->type == PFS_NODE_FILE;

	*stat = (struct stat){
		.st_ino = node->inode,
		.st_uid = tree->config.uid,
		.st_gid = tree->config.gid,
		.st_blksize = 4096,
		.st_nlink = 1,
	};
	stat->st_mode = (file ? S_IFREG | 0444 : S_IFDIR | 0555) & ~tree->config.umask;
	/* A directory's links are its subdirectories and two more; 1 says "not counted". */
	if (node->type == PFS_NODE_OBJECT || node->type == PFS_NODE_OWN)
		stat->st_nlink = 2;
	else if (node->type == PFS_NODE_ROOT)
		stat->st_nlink = (nlink_t)(3 + pfs_kind_count);
}

static int64_t collection_time(struct pfs_tree *tree, const struct pfs_kind *kind, int64_t left)
{
	struct listing *listing = &tree->listings[kind - pfs_kinds];

	if (!left && listing->served) {
		listing->nudge++;
		listing->served = false;
	}
	return pfs_store_list_modified(tree->store, kind) + listing->nudge;
}

static int fill_file(struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	struct pfs_object *object = node->object;
	int error;

	pfs_buffer_clear(&tree->scratch);
	error = pfs_file_render(tree, node->kind, object->content, node->index, &tree->scratch);
	if (error == -ENOENT)
		return -ESTALE;
	if (error)
		return error;
	set_size(stat, tree->scratch.length);
	drop_promises(object, BIT(node->index));
	object->promised |= BIT(node->index);
	return 0;
}

static int fill_object(struct pfs_tree *tree, const struct pfs_node *node, struct stat *stat)
{
	int error;

	if (node->object->gone || !node->object->content)
		return -ESTALE;
	error = node->type == PFS_NODE_FILE ? fill_file(tree, node, stat) : 0;
	set_time(stat, node->object->content->modified);
	return error;
}

int pfs_tree_attributes(struct pfs_tree *tree, const struct pfs_node *node, struct stat *ret_stat,
			int64_t *ret_holds)
{
	struct stat stat;
	int64_t holds = STATIC_HOLDS;
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
		holds = 0;
		break;
	case PFS_NODE_COLLECTION:
		holds = pfs_store_list_left(tree->store, node->kind);
		set_time(&stat, collection_time(tree, node->kind, holds));
		holds = holds ? holds : tree->config.ttl;
		break;
	case PFS_NODE_OBJECT:
	case PFS_NODE_FILE:
		holds = pfs_store_left(tree->store, node->object);
		error = fill_object(tree, node, &stat);
		break;
	default:
		break;
	}
	if (error)
		return error;
	*ret_stat = stat;
	*ret_holds = holds;
	return 0;
}

int pfs_tree_refresh(struct pfs_tree *tree, const struct pfs_node *node, bool reading,
		     struct pfs_wait *wait)
{
	const struct snapshot *snapshot;

	if (node->object)
		return pfs_tree_forgive(node, reading,
					pfs_store_ask_object(tree->store, node->object, wait));
	if (node->type != PFS_NODE_REPORT)
		return 0;
	/* One reader's row of read(2) sees one snapshot; who keeps it open gets a new one. */
	snapshot = &tree->snapshots[node->index];
	if (!reading || pfs_loop_now(tree->loop) - snapshot->taken_at > PFS_SECOND)
		pfs_snapshot_take(tree, node->index);
	return 0;
}

int pfs_tree_forgive(const struct pfs_node *node, bool reading, int error)
{
	if (!error || error == -EINPROGRESS || error == -ESTALE || reading)
		return error;
	return node->object && node->object->content ? 0 : error;
}

void pfs_tree_touch(struct pfs_tree *tree, const struct pfs_node *node)
{
	if (node->type == PFS_NODE_README)
		tree->mounted_at++;
	else if (node->type == PFS_NODE_REPORT)
		tree->snapshots[node->index].modified++;
	else if (node->object && node->object->content)
		node->object->content->modified++;
}

/* --- reading ------------------------------------------------------------------------------- */

int pfs_tree_read(struct pfs_tree *tree, const struct pfs_node *node, struct pfs_buffer *buffer)
{
	const struct pfs_content *content;
	int error;

	pfs_buffer_clear(buffer);
	switch (node->type) {
	case PFS_NODE_README:
		return pfs_buffer_add_string(buffer, tree->config.readme);
	case PFS_NODE_REPORT:
		return pfs_buffer_add(buffer, tree->snapshots[node->index].buffer.bytes,
				      tree->snapshots[node->index].buffer.length);
	case PFS_NODE_FILE:
		content = promised_content(node->object, node->index);
		if (!content)
			return -ESTALE;
		error = pfs_file_render(tree, node->kind, content, node->index, buffer);
		return error == -ENOENT ? -ESTALE : error;
	default:
		return -EISDIR;
	}
}
