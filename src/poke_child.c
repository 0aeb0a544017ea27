/* SPDX-License-Identifier: MIT */
/*
 * The child. It has nothing but a socket, stays outside of the mount (a working directory there
 * would keep the mount busy), and does one thing at a time. A call on the mount may take as long as
 * pinefs takes to reply; when pinefs dies, the call ends with ENOTCONN.
 *
 * In /proc it uses only readlink(2) and fdinfo: /proc/PID/fd/N may be a file of our own mount,
 * which it would stat or open.
 */
#include "poke.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pinefs/mounts.h"

struct scan {
	int socket;
	unsigned device; /* of the mount, as fdinfo writes it */
	pid_t pid;	 /* the process whose descriptors are being scanned */
	char name[16];	 /* of that process; "" until a watch of it was found */
	struct poke_answer answer;
};

static int send_answer(int socket, const struct poke_answer *answer)
{
	ssize_t sent;

	do {
		sent = send(socket, answer, sizeof(*answer), MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* --- the scan ------------------------------------------------------------------------------ */

static void read_name(struct scan *scan)
{
	char path[64];
	ssize_t length = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)scan->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, scan->name, sizeof(scan->name) - 1);
		close(fd);
	}
	scan->name[length > 0 ? length : 0] = '\0';
	scan->name[strcspn(scan->name, "\n")] = '\0';
}

static void add_watcher(struct scan *scan, uint64_t inode)
{
	struct poke_answer *answer = &scan->answer;
	struct pfs_watcher *watcher;

	if (answer->count == POKE_WATCHERS) {
		(void)send_answer(scan->socket, answer);
		answer->count = 0;
	}
	if (!*scan->name)
		read_name(scan);
	watcher = &answer->watchers[answer->count++];
	*watcher = (struct pfs_watcher){.pid = scan->pid, .inode = inode};
	memcpy(watcher->name, scan->name, sizeof(watcher->name));
}

/*
 * A line for each watch of a descriptor, in hexadecimal: "inotify wd:1 ino:40 sdev:33 mask:2 ...".
 * Or "fanotify ino:40 sdev:33 ...", whose events the kernel makes of the same changes.
 */
static bool is_watch(const char *line, unsigned device, uint64_t *ret_inode)
{
	const char *what = strstr(line, "ino:");
	unsigned long inode;
	unsigned on;

	if (!what || sscanf(what, "ino:%lx sdev:%x", &inode, &on) != 2 || on != device)
		return false;
	*ret_inode = inode;
	return true;
}

static void read_fdinfo(struct scan *scan, const char *fd)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)scan->pid, fd);
	file = fopen(path, "re");
	while (file && getline(&line, &size, file) > 0) {
		uint64_t inode;

		if (is_watch(line, scan->device, &inode))
			add_watcher(scan, inode);
	}
	free(line);
	if (file)
		(void)fclose(file);
}

static void scan_process(struct scan *scan, pid_t pid)
{
	char path[64], target[64];
	struct dirent *entry;
	DIR *directory;

	scan->pid = pid;
	scan->name[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	while (directory && (entry = readdir(directory))) {
		ssize_t length =
			readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

		target[length > 0 ? length : 0] = '\0';
		if (!strcmp(target, "anon_inode:inotify") ||
		    !strcmp(target, "anon_inode:[fanotify]"))
			read_fdinfo(scan, entry->d_name);
	}
	if (directory)
		(void)closedir(directory);
}

static void scan_all(int socket, dev_t device)
{
	struct scan scan = {
		.socket = socket,
		.device = major(device) << 20 | minor(device),
	};
	DIR *proc = scan.device ? opendir("/proc") : NULL;
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid > 0 && !*end)
			scan_process(&scan, (pid_t)pid);
	}
	if (proc)
		(void)closedir(proc);
	scan.answer.last = true;
	(void)send_answer(socket, &scan.answer);
}

/* --- changes on the mount ------------------------------------------------------------------ */

static int touch(int mount, const char *path, bool both)
{
	const struct timespec times[2] = {
		{.tv_nsec = both ? UTIME_NOW : UTIME_OMIT},
		{.tv_nsec = UTIME_NOW},
	};

	return utimensat(mount, path, times, AT_SYMLINK_NOFOLLOW);
}

static int open_and_close(int mount, const char *path)
{
	int fd = openat(mount, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -1 : close(fd);
}

/*
 * A touch alone would leave the old bytes in the kernel's pages for good, if the new content has
 * the same size: so the kernel is made to ask for the attributes before it.
 */
const enum poke_step poke_steps[][POKE_STEPS_MAX + 1] = {
	[PFS_POKE_CHANGED] = {STEP_STAT, STEP_MODIFY, STEP_ATTRIB, STEP_CLOSE_WRITE},
	[PFS_POKE_DIRECTORY_CREATED] = {STEP_CREATE_DIRECTORY},
	[PFS_POKE_DIRECTORY_REMOVED] = {STEP_REMOVE_DIRECTORY},
	[PFS_POKE_FILE_CREATED] = {STEP_CREATE_FILE},
	[PFS_POKE_FILE_REMOVED] = {STEP_REMOVE_FILE},
	[PFS_POKE_FILE_REPLACED] = {STEP_REMOVE_FILE, STEP_CREATE_FILE},
};

static int fetch_attributes(int mount, const char *path)
{
	struct statx attributes;

	return statx(mount, *path ? path : ".", AT_STATX_FORCE_SYNC | AT_SYMLINK_NOFOLLOW,
		     STATX_BASIC_STATS, &attributes);
}

/*
 * Make the kernel look a name up, whatever it has cached, so that it finds what is pretended. Other
 * processes have looked it up since it went, and what they found is valid for a while: nothing, or
 * the file that has taken its place. A name that is to be made is always looked up; this one isn't
 * made, since it is there, and since no link to a directory can be.
 */
static void find_name(int mount, const char *path)
{
	(void)!linkat(mount, ".", mount, path, 0);
}

static int remove_name(int mount, const char *path, int flags)
{
	find_name(mount, path);
	return unlinkat(mount, path, flags);
}

static int take_step(int mount, enum poke_step step, const char *path)
{
	switch (step) {
	case STEP_STAT:
		return fetch_attributes(mount, path);
	case STEP_MODIFY:
		return touch(mount, path, false);
	case STEP_ATTRIB:
		return touch(mount, path, true);
	case STEP_CLOSE_WRITE:
		return open_and_close(mount, path);
	case STEP_CREATE_DIRECTORY:
		return mkdirat(mount, path, 0555);
	case STEP_CREATE_FILE:
		return mknodat(mount, path, S_IFREG | 0444, 0);
	case STEP_REMOVE_DIRECTORY:
		return remove_name(mount, path, AT_REMOVEDIR);
	case STEP_REMOVE_FILE:
		return remove_name(mount, path, 0);
	default:
		errno = EINVAL;
		return -1;
	}
}

/* The directory that a path is in; "": the root. */
static void parent_of(const char *path, char parent[POKE_PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	(void)snprintf(parent, POKE_PATH_MAX, "%.*s", slash ? (int)(slash - path) : 0, path);
}

/* Take all steps, even after one has failed. The result is the first failure. */
static int make_event(int mount, const struct poke_order *order)
{
	char directory[POKE_PATH_MAX];
	int error = 0;

	parent_of(order->path, directory);
	if (order->gone)
		find_name(mount, directory);
	/* Make the kernel see that the directory in which a name is made or removed is writable
	 * now. */
	if (order->window && order->event != PFS_POKE_CHANGED && fetch_attributes(mount, directory))
		error = -errno;
	for (const enum poke_step *step = poke_steps[order->event]; *step != STEP_END; step++) {
		if (take_step(mount, *step, order->path) && !error)
			error = -errno;
	}
	return error;
}

/*
 * Open the mount's root, for one order only: a descriptor that stays open would keep the mount
 * busy. Tries where the mount was last, and only then the kernel's table, which may be long.
 */
static int open_mount(dev_t device, char **mountpoint)
{
	int fd = device ? pfs_mounts_open(*mountpoint, device) : -ENODEV;
	char *path;
	int error;

	if (fd >= 0 || !device)
		return fd;
	error = pfs_mounts_find(device, &path);
	if (error)
		return error;
	free(*mountpoint);
	*mountpoint = path;
	return pfs_mounts_open(path, device);
}

static int obey(const struct poke_order *order, char **mountpoint)
{
	int mount = open_mount(order->device, mountpoint), error = 0;

	if (mount < 0)
		return mount;
	if (order->task == TASK_MAKE_EVENT)
		error = make_event(mount, order);
	else if (fetch_attributes(mount, order->path))
		error = -errno;
	close(mount);
	return error;
}

/* Nothing else is read any further: the child ends, as when the socket is closed. */
static bool is_order(const struct poke_order *order, ssize_t length)
{
	return length == (ssize_t)sizeof(*order) && order->task <= TASK_LOOK &&
	       order->event < sizeof(poke_steps) / sizeof(poke_steps[0]) &&
	       memchr(order->path, '\0', sizeof(order->path));
}

int poke_child_run(int socket, char *mountpoint)
{
	struct poke_order order;

	for (;;) {
		struct poke_answer answer = {.last = true};
		ssize_t length = recv(socket, &order, sizeof(order), 0);

		if (length < 0 && errno == EINTR)
			continue;
		if (!is_order(&order, length)) {
			free(mountpoint);
			return EXIT_SUCCESS;
		}
		if (order.task == TASK_SCAN) {
			scan_all(socket, order.device);
			continue;
		}
		answer.error = obey(&order, &mountpoint);
		if (send_answer(socket, &answer)) {
			free(mountpoint);
			return EXIT_FAILURE;
		}
	}
}
