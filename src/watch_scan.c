/* SPDX-License-Identifier: MIT */
/*
 * Scans of /proc for those who watch by inotify. A scan begins a little more than a TTL after the
 * last message from the kernel, since nobody can set a watch on what can still change without a
 * message; and whenever a part of this room wants one (pfs_scan_want): for each event, and every
 * TTL while anybody watches.
 *
 * Where a scan takes longer than what has the next one wanted (a short TTL, or changes all the
 * time, on a busy machine) there is always one that is wanted. So after each scan the child rests
 * from them for as long as that took, and makes events meanwhile.
 */
#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/log.h"

#define MARGIN (20 * PFS_MILLISECOND)

void pfs_watch_pump_at(struct pfs_watch *watch, int64_t due)
{
	if (!watch->pump.running || due < watch->pump.due)
		pfs_timer_start(watch->loop, &watch->pump, due);
}

void pfs_scan_want_at(struct pfs_watch *watch, int64_t due)
{
	if (!watch->poke)
		return;
	watch->scan.wanted = true;
	pfs_watch_pump_at(watch, due);
}

void pfs_scan_want(struct pfs_watch *watch)
{
	if (!watch->poke)
		return;
	watch->scan.wanted = true;
	watch->pump.fire(watch->pump.arg);
}

bool pfs_scan_is_first(const struct pfs_watch *watch)
{
	return watch->scan.wanted && pfs_loop_now(watch->loop) >= watch->scan.rests_until;
}

int pfs_scan_begin(struct pfs_watch *watch)
{
	int error = pfs_poke_scan(watch->poke);

	if (error)
		return error;
	watch->scan.begun_at = pfs_loop_now(watch->loop);
	watch->scan.wanted = false;
	return 0;
}

/* The earliest time at which a scan sees every watch that the last message made possible. */
static int64_t next_scan(const struct pfs_watch *watch)
{
	return watch->scan.noticed_at + watch->config.ttl + watch->config.ttl / 8 + MARGIN;
}

/* Scan; and again a TTL after the last message, if messages have come since the timer was set. */
static void on_timer(void *arg)
{
	struct pfs_watch *watch = arg;

	pfs_scan_want(watch);
	if (pfs_loop_now(watch->loop) < next_scan(watch))
		pfs_timer_start(watch->loop, &watch->scan.timer, next_scan(watch));
}

void pfs_watch_noticed(struct pfs_watch *watch)
{
	watch->scan.noticed_at = pfs_loop_now(watch->loop);
	if (watch->poke && !watch->scan.timer.running)
		pfs_timer_start(watch->loop, &watch->scan.timer, next_scan(watch));
}

static int compare_watchers(const void *a, const void *b)
{
	const struct pfs_watcher *first = a, *second = b;

	return (first->inode > second->inode) - (first->inode < second->inode);
}

bool pfs_scan_finds_any(const struct pfs_watch *watch, uint64_t first, uint64_t last)
{
	size_t begin = 0, end = watch->scan.watcher_count;

	while (begin < end) { /* the first that isn't below `first` lies in between */
		size_t middle = begin + (end - begin) / 2;

		if (watch->scan.watchers[middle].inode < first)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin < watch->scan.watcher_count && watch->scan.watchers[begin].inode <= last;
}

bool pfs_scan_finds(const struct pfs_watch *watch, uint64_t inode)
{
	return pfs_scan_finds_any(watch, inode, inode);
}

bool pfs_scan_proves(const struct pfs_watch *watch, int64_t time)
{
	return watch->scan.done_at >= time;
}

int pfs_scan_take(struct pfs_watch *watch, const struct pfs_watcher *found, size_t count)
{
	struct pfs_watcher *copy = count ? calloc(count, sizeof(*copy)) : NULL;
	int64_t now = pfs_loop_now(watch->loop);

	watch->scan.rests_until = now + (now - watch->scan.begun_at);
	if (count && !copy)
		return -ENOMEM;
	watch->scan.done_at = watch->scan.begun_at;
	free(watch->scan.watchers);
	watch->scan.watchers = copy;
	if (count == PFS_WATCHERS_MAX && watch->scan.watcher_count < count)
		pfs_warning("watch: more than %d watches: the others are told nothing", (int)count);
	watch->scan.watcher_count = count;
	if (count) {
		memcpy(copy, found, count * sizeof(*copy));
		qsort(copy, count, sizeof(*copy), compare_watchers);
	}
	return 0;
}

void pfs_scan_each(struct pfs_watch *watch, void (*visit)(struct pfs_watch *watch, uint64_t inode))
{
	for (size_t i = 0; i < watch->scan.watcher_count; i++)
		visit(watch, watch->scan.watchers[i].inode);
}

void pfs_scan_forget(struct pfs_watch *watch)
{
	free(watch->scan.watchers);
	watch->scan.watchers = NULL;
	watch->scan.watcher_count = 0;
}

void pfs_watch_render(const struct pfs_watch *watch, struct pfs_buffer *buffer)
{
	for (size_t i = 0; i < watch->scan.watcher_count; i++) {
		const struct pfs_watcher *watcher = &watch->scan.watchers[i];
		char path[600];

		if (pfs_tree_path(watch->tree, watcher->inode, path, sizeof(path)))
			continue;
		(void)pfs_buffer_format(buffer, "%d\t", (int)watcher->pid);
		(void)pfs_buffer_add_escaped(buffer, watcher->name, strlen(watcher->name));
		(void)pfs_buffer_format(buffer, "\t/%s\n", path);
	}
}

void pfs_scan_init(struct pfs_watch *watch)
{
	watch->scan.done_at = pfs_loop_now(watch->loop);
	watch->scan.timer = (struct pfs_timer){.fire = on_timer, .arg = watch};
}

void pfs_scan_finish(struct pfs_watch *watch)
{
	pfs_timer_stop(watch->loop, &watch->scan.timer);
	pfs_scan_forget(watch);
}
