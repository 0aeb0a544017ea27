/* SPDX-License-Identifier: MIT */
/*
 * Find a mount in the kernel's table, and unmount it, but no other. To unmount a path is to unmount
 * whatever is there by then. So the path is opened, the opened directory's device is checked, and
 * that directory is unmounted by way of /proc/self/fd. A plain umount2(2) would fail, since our
 * descriptor keeps it in use; MNT_DETACH doesn't, but takes along what is mounted inside, so
 * nothing may be.
 */
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_COPIES 64 /* of one mount, by mount --bind */

static int read_table(struct mounts_table *ret_table)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	int error;

	if (!file) /* without /proc there is no table: another failure than no such mount */
		return errno == ENOENT ? -ENOSYS : -errno;
	error = mounts_read(file, ret_table);
	(void)fclose(file);
	return error;
}

/* --- finding ------------------------------------------------------------------------------- */

int pfs_mounts_top(const char *path, struct pfs_mount *ret_mount)
{
	struct mounts_table table = {0};
	int error = read_table(&table);

	if (error)
		return error;
	error = -ENOENT;
	for (size_t i = 0; error && i < table.count; i++) {
		const struct mounts_entry *entry = &table.entries[i];

		if (!entry->is_fuse || strcmp(entry->path, path) != 0 ||
		    !mounts_is_reached(&table, entry))
			continue;
		*ret_mount = (struct pfs_mount){.device = entry->device, .id = entry->id};
		error = 0;
	}
	mounts_finish(&table);
	return error;
}

int pfs_mounts_find(dev_t device, char **ret_path)
{
	struct mounts_table table = {0};
	int error = read_table(&table);

	if (error)
		return error;
	error = -ENOENT;
	for (size_t i = 0; error && error != -ENOMEM && i < table.count; i++) {
		const struct mounts_entry *entry = &table.entries[i];

		if (entry->device != device || !entry->is_whole)
			continue;
		error = -EBUSY;
		if (!mounts_is_reached(&table, entry))
			continue;
		*ret_path = strdup(entry->path);
		error = *ret_path ? 0 : -ENOMEM;
	}
	mounts_finish(&table);
	return error;
}

/* With an empty mask and AT_STATX_DONT_SYNC the kernel asks the filesystem nothing. */
static bool is_of(int fd, dev_t device)
{
	struct statx seen;

	return !statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &seen) &&
	       makedev(seen.stx_dev_major, seen.stx_dev_minor) == device;
}

int pfs_mounts_open(const char *path, dev_t device)
{
	/* Not O_DIRECTORY: with it an automounter would be asked to mount. */
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (is_of(fd, device))
		return fd;
	close(fd);
	return -ESTALE;
}

/* --- unmounting ---------------------------------------------------------------------------- */

bool pfs_mounts_has_ended(int fd)
{
	struct pollfd polled = {.fd = fd};

	return poll(&polled, 1, 0) == 1 && polled.revents & POLLERR;
}

/* Run fusermount3. 0: it has ended; whether it has unmounted, the table says. -EPERM: it can't run.
 */
static int ask_fusermount(char *path)
{
	char *const arguments[] = {(char *)"fusermount3", (char *)"-uzq", (char *)"--", path, NULL};
	pid_t pid;

	if (posix_spawnp(&pid, arguments[0], NULL, NULL, arguments, environ) &&
	    posix_spawn(&pid, "/usr/bin/fusermount3", NULL, NULL, arguments, environ))
		return -EPERM;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int detach(const struct mounts_entry *entry, int served)
{
	int fd = pfs_mounts_open(entry->path, entry->device), error = 0;
	char ours[32];

	if (fd < 0)
		return fd == -ESTALE || fd == -ENOENT ? -EBUSY : fd; /* since the table was read */
	(void)snprintf(ours, sizeof(ours), "/proc/self/fd/%d", fd);
	/* If what was opened is ours, it can't end from here on. */
	if (pfs_mounts_has_ended(served))
		error = -ENOENT;
	else if (umount2(ours, MNT_DETACH))
		error = -errno;
	close(fd);
	return error == -EPERM ? ask_fusermount(entry->path) : error;
}

/* Choose a mount of this device that can be unmounted, else any of them. NULL: there is none. */
static const struct mounts_entry *choose(const struct mounts_table *table, dev_t device,
					 bool *ret_free)
{
	const struct mounts_entry *any = NULL;

	*ret_free = false;
	for (size_t i = 0; !*ret_free && i < table->count; i++) {
		const struct mounts_entry *entry = &table->entries[i];

		if (entry->device != device)
			continue;
		*ret_free = !mounts_is_parent(table, entry) && mounts_is_reached(table, entry);
		if (!any || *ret_free)
			any = entry;
	}
	return any;
}

/* Keep a path for the caller: that of the first mount, or later of one that can't be unmounted. */
static int keep_path(const char *path, char **kept)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	free(*kept);
	*kept = copy;
	return 0;
}

/* Unmount one mount of this device. 0; -ENOENT: there is none; else why it stays. *last is the id
 * of the one before. */
static int detach_one(dev_t device, int served, unsigned *last, char **path)
{
	struct mounts_table table = {0};
	const struct mounts_entry *entry;
	bool is_free;
	int error = read_table(&table);

	if (error)
		return error;
	entry = choose(&table, device, &is_free);
	/* The filesystem may have ended with its last mount, and another may have its number. */
	if (!entry || pfs_mounts_has_ended(served))
		error = -ENOENT;
	else if (!*path || !is_free || entry->id == *last)
		error = keep_path(entry->path, path);
	if (!error && !is_free)
		error = -EBUSY;
	if (!error && entry->id == *last)
		error = -EPERM; /* fusermount3 didn't */
	if (!error) {
		*last = entry->id;
		error = detach(entry, served);
	}
	mounts_finish(&table);
	return error;
}

int pfs_mounts_detach(dev_t device, int served, char **ret_path)
{
	char *path = NULL;
	unsigned last = 0;
	int error = 0;

	for (unsigned i = 0; !error && i < MOST_COPIES; i++)
		error = detach_one(device, served, &last, &path);
	*ret_path = path;
	return error == -ENOENT ? 0 : error ? error : -EBUSY;
}

/* --- the end ------------------------------------------------------------------------------- */

int pfs_mounts_check_end(const struct pfs_mount *mount, char **ret_path)
{
	struct mounts_table table = {0};
	struct statvfs whole;
	int error = read_table(&table);

	if (error)
		return 0; /* then nobody can say that it is still there */
	for (size_t i = 0; !error && i < table.count; i++) {
		const struct mounts_entry *entry = &table.entries[i];

		if (entry->device != mount->device || entry->id != mount->id)
			continue;
		/* If it answers, it is another mount that has got both numbers. */
		if (mounts_is_reached(&table, entry) &&
		    (!statvfs(entry->path, &whole) || errno != ENOTCONN))
			break;
		*ret_path = strdup(entry->path);
		error = *ret_path ? -ENOTCONN : -ENOMEM;
	}
	mounts_finish(&table);
	return error;
}
