/* SPDX-License-Identifier: MIT */
/*
 * Which mount is ours, and its end. libfuse would unmount by the path that it was given, whatever
 * is there by then; so it is let do so only when it finds that there is nothing to unmount.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Of what this descriptor of /dev/fuse serves; 0 before Linux 6.17, which doesn't say it. */
static dev_t device_of(int fd)
{
	char path[40], line[80];
	unsigned number = 0; /* as the kernel has it: 12 bits and 20 */
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && !number && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "fuse_connection: %u", &number) != 1)
			number = 0;
	}
	if (file)
		(void)fclose(file);
	return number ? makedev(number >> 20, number & 0xfffff) : 0;
}

void pfs_fs_find_mount(struct pfs_fs *fs, const char *mountpoint)
{
	struct pfs_mount top = {0};
	dev_t device = device_of(fuse_session_fd(fs->session));

	if (pfs_mounts_top(mountpoint, &top))
		top = (struct pfs_mount){0};
	/* Somebody may have mounted on it in this very moment. */
	fs->mount = device && device != top.device ? (struct pfs_mount){.device = device} : top;
}

dev_t pfs_fs_device(const struct pfs_fs *fs)
{
	return fs->mount.device;
}

/*
 * Close /dev/fuse, and have libfuse forget its mount. In place of the descriptor it is shown one
 * that says what /dev/fuse says after the end, on which libfuse unmounts nothing: it is that of a
 * pipe that nobody reads.
 */
static void release(struct pfs_fs *fs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return; /* fuse_session_destroy closes it, and loses the memory of a path */
	close(ends[0]);
	(void)dup3(ends[1], fuse_session_fd(fs->session), O_CLOEXEC);
	close(ends[1]);
	fuse_session_unmount(fs->session);
}

int pfs_fs_unmount(struct pfs_fs *fs, char **ret_path)
{
	int error;

	*ret_path = NULL;
	if (!fs->mounted)
		return 0;
	pfs_call_end_all(fs, ENOTCONN);
	pfs_loop_remove_fd(fs->loop, fuse_session_fd(fs->session));
	if (pfs_mounts_has_ended(fuse_session_fd(fs->session)))
		error = pfs_mounts_check_end(&fs->mount, ret_path);
	else if (fs->mount.device)
		error = pfs_mounts_detach(fs->mount.device, fuse_session_fd(fs->session), ret_path);
	else
		error = -ENOSYS;
	release(fs);
	fs->mounted = false;
	return error;
}
