/* SPDX-License-Identifier: MIT */
/*
 * The bytes that attributes promise.
 *
 * The kernel reads as many bytes of a file as its attributes say, some of them from cached pages.
 * So a READ must give the bytes from which the attributes were last filled, and never fewer, even
 * if the API has sent new content meanwhile. When an object's content is replaced, the old one is
 * kept, with the set of files whose attributes were last filled from it; a file leaves that set
 * when its attributes are filled again. A set is a mask of 64 files. An object rarely has more than
 * one.
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

void pfs_promise_changed(struct pfs_object *object, struct pfs_content *before)
{
	struct pfs_promise *promise;

	if (!object->promised)
		return;
	promise = malloc(sizeof(*promise));
	/* Without memory the promise is broken: a READ then gets the new bytes. */
	if (promise) {
		promise->next = object->promises;
		promise->content = pfs_content_keep(before);
		promise->files = object->promised;
		object->promises = promise;
	}
	object->promised = 0;
}

/* End the promises for these files, and drop the contents that no other file needs. */
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

void pfs_promise_end(struct pfs_object *object, unsigned index)
{
	drop_promises(object, BIT(index));
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
 * tar calls stat(2) before and after it reads a file, and complains if the two differ. So a
 * snapshot lives until nobody has asked for SNAPSHOT_IDLE; but at most for SNAPSHOT_LONGEST, since
 * `tail -f` keeps a file open and asks again and again.
 *
 * A lookup takes a new snapshot at once, since a program that opens a report wants what it says
 * now. Not so of a report that says something else each time: it would differ between the lookups
 * of stat(2) and open(2).
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

void pfs_snapshot_refresh(struct pfs_tree *tree, unsigned index, bool by_name)
{
	struct snapshot *snapshot = &tree->snapshots[index];
	int64_t now = pfs_loop_now(tree->loop);

	if (!snapshot->taken_at || (by_name && !tree->config.reports[index].moves) ||
	    now - snapshot->asked_at > SNAPSHOT_IDLE || now - snapshot->taken_at > SNAPSHOT_LONGEST)
		take_snapshot(tree, index);
	snapshot->asked_at = now;
}
