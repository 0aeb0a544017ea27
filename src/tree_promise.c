/* SPDX-License-Identifier: MIT */
/*
 * The bytes that attributes promise.
 *
 * The kernel reads a file as long as its attributes say, from whatever pages it has. So a read
 * must give the bytes of which the attributes were last filled, even if the API has said something
 * else meanwhile; never fewer. Each content is immutable and counted: when an object's content is
 * replaced, the one before is kept with the set of files that were promised from it, and each
 * file leaves that set when its attributes are filled again. The sets are masks of 64 files, and
 * there are rarely more than one.
 */
#include "tree.h"

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

void pfs_promise_make(struct pfs_object *object, unsigned index)
{
	drop_promises(object, BIT(index));
	object->promised |= BIT(index);
}

void pfs_promise_freed(void *arg, struct pfs_object *object)
{
	drop_promises(object, ~UINT64_C(0));
}

const struct pfs_content *pfs_promise_content(const struct pfs_object *object, unsigned index)
{
	const struct pfs_promise *promise = object->promises;

	while (promise && !(promise->files & BIT(index)))
		promise = promise->next;
	return promise ? promise->content : object->content;
}

/* --- reports ------------------------------------------------------------------------------- */

/*
 * Whoever archives a file looks at it before and after, and complains if it has changed meanwhile.
 * So a snapshot lives until nobody has looked for a while, but not for ever, for there are those
 * who keep a file open and look again and again. A name is looked up before it is opened, and who
 * opens a report wants what it says now; but one that changes by itself would then differ between
 * the two lookups of stat(2) and open(2).
 */
#define SNAPSHOT_IDLE	 PFS_SECOND
#define SNAPSHOT_LONGEST (5 * PFS_SECOND)

static void take_snapshot(struct pfs_tree *tree, unsigned index)
{
	const struct pfs_report *report = &tree->config.reports[index];
	struct snapshot *snapshot = &tree->snapshots[index];
	struct pfs_buffer buffer = {0};
	bool same;

	report->render(report->arg, &buffer);
	same = snapshot->taken_at && buffer.length == snapshot->buffer.length &&
	       (!buffer.length || !memcmp(buffer.bytes, snapshot->buffer.bytes, buffer.length));
	if (!same)
		snapshot->modified = pfs_loop_wall_after(tree->loop, snapshot->modified);
	pfs_buffer_finish(&snapshot->buffer);
	snapshot->buffer = buffer;
	snapshot->taken_at = pfs_loop_now(tree->loop);
}

void pfs_snapshot_look(struct pfs_tree *tree, unsigned index, bool by_name)
{
	struct snapshot *snapshot = &tree->snapshots[index];
	int64_t now = pfs_loop_now(tree->loop);

	if (!snapshot->taken_at || (by_name && !tree->config.reports[index].moves) ||
	    now - snapshot->looked_at > SNAPSHOT_IDLE ||
	    now - snapshot->taken_at > SNAPSHOT_LONGEST)
		take_snapshot(tree, index);
	snapshot->looked_at = now;
}
