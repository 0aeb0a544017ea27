/* SPDX-License-Identifier: MIT */
/*
 * Advice where the mount failed. libfuse and fusermount3 report only what a system call returned,
 * each release in its own words. So we check the system itself for what no mount can be made
 * without. Where all of that is there, their words must do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "main.h"

#define HELPER "fusermount3"
#define FUSE   "/dev/fuse"

/* What to do about the device, or NULL if it can be opened. */
static const char *advise_on_device(void)
{
	int fd = open(FUSE, O_RDWR | O_CLOEXEC), error = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	switch (error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return "load the kernel's module (modprobe fuse); a container must be given " FUSE;
	case EACCES:
		if (geteuid())
			return "mount as root, or ask root to: chmod 666 " FUSE;
		return "the container must be given " FUSE; /* its /dev is mounted nodev */
	case EPERM:
		return "the container must be given " FUSE;
	default:
		return NULL;
	}
}

static bool is_program(const char *path)
{
	struct stat found;

	return !stat(path, &found) && S_ISREG(found.st_mode) && !access(path, X_OK);
}

/* Where libfuse finds its helper: at the system's place, else in PATH. */
static bool find_helper(char *path, size_t size)
{
	const char *directories = getenv("PATH");

	(void)snprintf(path, size, "/usr/bin/" HELPER);
	if (is_program(path))
		return true;
	while (directories && *directories) {
		size_t length = strcspn(directories, ":");

		(void)snprintf(path, size, "%.*s/" HELPER, (int)length, directories);
		if (is_program(path))
			return true;
		directories += length + (directories[length] == ':');
	}
	return false;
}

/* Does it have rights that its caller lacks: root's, by its mode, or capabilities, by its file? */
static bool gives_rights(const char *path)
{
	struct stat found;

	return !stat(path, &found) && ((!found.st_uid && found.st_mode & S_ISUID) ||
				       getxattr(path, "security.capability", NULL, 0) > 0);
}

static bool is_on_nosuid(const char *path)
{
	struct statvfs whole;

	return !statvfs(path, &whole) && whole.f_flag & ST_NOSUID;
}

static bool may_mount(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

	return !syscall(SYS_capget, &header, sets) && sets[0].effective & 1U << CAP_SYS_ADMIN;
}

/* Mounting needs a right that we lack: what keeps fusermount3 from using its own? */
static void advise_on_rights(const char *helper, char *advice, size_t size)
{
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0 || !geteuid())
		(void)snprintf(advice, size, "a container must be given CAP_SYS_ADMIN");
	else if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		(void)snprintf(advice, size,
			       "a service that isn't root's mustn't have NoNewPrivileges");
	else if (!gives_rights(helper))
		(void)snprintf(advice, size,
			       "%.150s must be root's and setuid: chown root %.150s; "
			       "chmod 4755 %.150s",
			       helper, helper, helper);
	else if (is_on_nosuid(helper))
		(void)snprintf(advice, size, "%.300s is on a filesystem mounted nosuid", helper);
}

void advise_on_mount(bool wants_helper, char *text, size_t size)
{
	char helper[4096], advice[1000] = "";
	const char *about_device = advise_on_device();
	bool may = may_mount();
	size_t length = strlen(text);

	if (about_device)
		(void)snprintf(advice, sizeof(advice), "%s", about_device);
	else if ((!may || wants_helper) && !find_helper(helper, sizeof(helper)))
		(void)snprintf(advice, sizeof(advice),
			       HELPER " isn't there; install it (Debian: package fuse3)");
	else if (!may)
		advise_on_rights(helper, advice, sizeof(advice));
	if (*advice)
		(void)snprintf(text + length, size - length, "; %s", advice);
}
