/* SPDX-License-Identifier: MIT */
#include "fake_poke.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

int pfs_poke_listen(struct pfs_poke *poke, struct pfs_loop *loop,
		    const struct pfs_poke_listener *listener)
{
	poke->listener = *listener;
	return 0;
}

static bool is_busy(const struct pfs_poke *poke)
{
	return poke->scanning || poke->making || poke->looking;
}

bool pfs_poke_is_idle(const struct pfs_poke *poke)
{
	return !poke->gone && !is_busy(poke);
}

int pfs_poke_restart(struct pfs_poke *poke)
{
	poke->restarts++;
	if (poke->restart_error)
		return poke->restart_error;
	poke->dead = poke->gone = false;
	return 0;
}

int pfs_poke_scan(struct pfs_poke *poke)
{
	if (poke->dead)
		return -EPIPE;
	assert_false(is_busy(poke));
	poke->scanning = true;
	poke->scans++;
	return 0;
}

static void note_order(struct pfs_poke *poke, const char *what, const char *path)
{
	size_t length = strlen(poke->orders);

	snprintf(poke->orders + length, sizeof(poke->orders) - length, "%s%s:%s", length ? " " : "",
		 what, path);
}

int pfs_poke_make(struct pfs_poke *poke, const struct pfs_poke_event *event)
{
	static const char *const names[] = {
		[PFS_POKE_CHANGED] = "changed",		[PFS_POKE_DIRECTORY_CREATED] = "mkdir",
		[PFS_POKE_DIRECTORY_REMOVED] = "rmdir", [PFS_POKE_FILE_CREATED] = "mknod",
		[PFS_POKE_FILE_REMOVED] = "unlink",	[PFS_POKE_FILE_REPLACED] = "replaced",
	};

	if (poke->dead)
		return -EPIPE;
	assert_false(is_busy(poke));
	poke->making = true;
	poke->event = *event;
	snprintf(poke->path, sizeof(poke->path), "%s", event->path);
	poke->event.path = poke->path;
	poke->asked++;
	note_order(poke, names[event->type], event->path);
	return 0;
}

int pfs_poke_look(struct pfs_poke *poke, const char *path)
{
	if (poke->dead)
		return -EPIPE;
	assert_false(is_busy(poke));
	poke->looking = true;
	note_order(poke, "look", path);
	return 0;
}

bool pfs_poke_is_child(const struct pfs_poke *poke, pid_t pid)
{
	return pid == FAKE_CHILD;
}

bool pfs_poke_shows_vanished(const struct pfs_poke *poke, pid_t pid)
{
	return pid == FAKE_CHILD && poke->making;
}

static const char *name_of_event(const struct pfs_poke *poke)
{
	const char *slash = strrchr(poke->path, '/');

	return slash ? slash + 1 : poke->path;
}

/* Of what the real one knows of an event's steps, only which they are. */
bool pfs_poke_permits(struct pfs_poke *poke, pid_t pid, enum pfs_poke_operation operation,
		      uint64_t inode, const char *name)
{
	static const unsigned permitted[] = {
		[PFS_POKE_CHANGED] = 1U << PFS_POKE_MODIFY | 1U << PFS_POKE_ATTRIB,
		[PFS_POKE_DIRECTORY_CREATED] = 1U << PFS_POKE_CREATE_DIRECTORY,
		[PFS_POKE_DIRECTORY_REMOVED] = 1U << PFS_POKE_REMOVE_DIRECTORY,
		[PFS_POKE_FILE_CREATED] = 1U << PFS_POKE_CREATE_FILE,
		[PFS_POKE_FILE_REMOVED] = 1U << PFS_POKE_REMOVE_FILE,
		[PFS_POKE_FILE_REPLACED] = 1U << PFS_POKE_REMOVE_FILE | 1U << PFS_POKE_CREATE_FILE,
	};

	return pid == FAKE_CHILD && poke->making &&
	       (permitted[poke->event.type] & 1U << operation) &&
	       inode == (name ? poke->event.directory : poke->event.inode) &&
	       (!name || !strcmp(name, name_of_event(poke)));
}

enum pfs_pretence pfs_poke_pretends(const struct pfs_poke *poke, pid_t pid, uint64_t directory,
				    const char *name, uint64_t *ret_inode)
{
	if (pid != FAKE_CHILD || !poke->making || directory != poke->event.directory ||
	    strcmp(name, name_of_event(poke)) != 0 || poke->event.type == PFS_POKE_CHANGED)
		return PFS_PRETEND_NOTHING;
	*ret_inode = poke->event.inode;
	return poke->event.type == PFS_POKE_DIRECTORY_CREATED ||
			       poke->event.type == PFS_POKE_FILE_CREATED
		       ? PFS_PRETEND_MISSING
		       : PFS_PRETEND_THERE;
}

bool pfs_poke_is_window(const struct pfs_poke *poke, uint64_t inode)
{
	return poke->window && inode == poke->window;
}

void fake_poke_watch(struct pfs_poke *poke, uint64_t inode)
{
	struct pfs_watcher *watcher = &poke->watchers[poke->watcher_count++];

	assert_true(poke->watcher_count <= FAKE_WATCHERS_MAX);
	*watcher = (struct pfs_watcher){.pid = 12, .inode = inode, .name = "entr"};
}

void fake_poke_unwatch_all(struct pfs_poke *poke)
{
	poke->watcher_count = 0;
}

void fake_poke_done(struct pfs_poke *poke)
{
	bool scan = poke->scanning;

	assert_true(is_busy(poke));
	poke->scanning = poke->making = poke->looking = false;
	if (scan)
		poke->listener.scanned(poke->listener.arg, poke->watchers, poke->watcher_count);
	if (!is_busy(poke))
		poke->listener.idle(poke->listener.arg);
}

void fake_poke_fail(struct pfs_poke *poke, int error)
{
	poke->listener.failed(poke->listener.arg, error);
	fake_poke_done(poke);
}

void fake_poke_work(struct pfs_poke *poke)
{
	while (is_busy(poke))
		fake_poke_done(poke);
}

void fake_poke_die(struct pfs_poke *poke)
{
	poke->dead = poke->gone = true;
	poke->scanning = poke->making = poke->looking = false;
	poke->listener.gone(poke->listener.arg, poke->made);
}

void assert_orders(struct pfs_poke *poke, const char *orders)
{
	assert_string_equal(poke->orders, orders);
	poke->orders[0] = '\0';
}
