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

bool pfs_poke_is_idle(const struct pfs_poke *poke)
{
	return !poke->gone && poke->operation == PFS_POKE_NOTHING;
}

int pfs_poke_restart(struct pfs_poke *poke)
{
	poke->restarts++;
	if (poke->restart_error)
		return poke->restart_error;
	poke->dead = poke->gone = false;
	return 0;
}

int pfs_poke_ask(struct pfs_poke *poke, enum pfs_poke_operation operation, uint64_t inode,
		 const char *path)
{
	static const char *const names[] = {
		[PFS_POKE_STAT] = "stat",
		[PFS_POKE_MODIFY] = "modify",
		[PFS_POKE_ATTRIB] = "attrib",
		[PFS_POKE_CLOSE_WRITE] = "close",
		[PFS_POKE_CREATE_DIRECTORY] = "mkdir",
		[PFS_POKE_CREATE_FILE] = "mknod",
		[PFS_POKE_REMOVE_DIRECTORY] = "rmdir",
		[PFS_POKE_REMOVE_FILE] = "unlink",
	};
	size_t length = strlen(poke->orders);

	if (poke->dead)
		return -EPIPE;
	assert_int_equal(poke->operation, PFS_POKE_NOTHING);
	assert_int_not_equal(operation, PFS_POKE_NOTHING);
	poke->operation = operation;
	poke->inode = inode;
	snprintf(poke->path, sizeof(poke->path), "%s", path);
	poke->asked += operation != PFS_POKE_SCAN;
	poke->scans += operation == PFS_POKE_SCAN;
	if (operation != PFS_POKE_SCAN)
		snprintf(poke->orders + length, sizeof(poke->orders) - length, "%s%s:%s",
			 length ? " " : "", names[operation], path);
	return 0;
}

bool pfs_poke_is_child(const struct pfs_poke *poke, pid_t pid)
{
	return pid == FAKE_CHILD;
}

bool pfs_poke_permits(struct pfs_poke *poke, pid_t pid, enum pfs_poke_operation operation,
		      uint64_t inode, const char *name)
{
	return pid == FAKE_CHILD && operation == poke->operation && inode == poke->inode;
}

enum pfs_poke_operation pfs_poke_under_way(const struct pfs_poke *poke, uint64_t inode,
					   const char *name)
{
	const char *slash = strrchr(poke->path, '/');

	return inode == poke->inode && !strcmp(name, slash ? slash + 1 : poke->path)
		       ? poke->operation
		       : PFS_POKE_NOTHING;
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
	bool scan = poke->operation == PFS_POKE_SCAN;

	assert_int_not_equal(poke->operation, PFS_POKE_NOTHING);
	poke->operation = PFS_POKE_NOTHING;
	if (scan)
		poke->listener.scanned(poke->listener.arg, poke->watchers, poke->watcher_count);
	if (poke->operation == PFS_POKE_NOTHING)
		poke->listener.idle(poke->listener.arg);
}

void fake_poke_fail(struct pfs_poke *poke, int error)
{
	poke->listener.failed(poke->listener.arg, error);
	fake_poke_done(poke);
}

void fake_poke_work(struct pfs_poke *poke)
{
	while (poke->operation != PFS_POKE_NOTHING)
		fake_poke_done(poke);
}

void fake_poke_die(struct pfs_poke *poke)
{
	poke->dead = poke->gone = true;
	poke->operation = PFS_POKE_NOTHING;
	poke->listener.gone(poke->listener.arg);
}

void assert_orders(struct pfs_poke *poke, const char *orders)
{
	assert_string_equal(poke->orders, orders);
	poke->orders[0] = '\0';
}
