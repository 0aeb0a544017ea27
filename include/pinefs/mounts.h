/* SPDX-License-Identifier: MIT */
/*
 * mounts: which mount is ours, and where it is now. Its path doesn't say that: a directory on the
 * way can be renamed, the mount can be moved, something else can be mounted on it or in its place.
 * Its device number does: no other mount has it while our filesystem lives. Once that has ended
 * another may get the number at once, so the owner of /dev/fuse asks pfs_mounts_has_ended first.
 *
 * Reads the kernel's table, /proc/self/mountinfo, for which the kernel asks no filesystem anything.
 * Where there is no /proc, all of these fail with -ENOSYS. Ground: includes nothing.
 */
#ifndef PINEFS_MOUNTS_H
#define PINEFS_MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

struct pfs_mount {
	dev_t device;
	unsigned id; /* of the mount; once this mount has ended, another may get it */
};

/*
 * The mount at this path (absolute, without symbolic links), if it is on top there and is FUSE. 0;
 * -ENOENT: there is none; or what reading the table failed with.
 */
int pfs_mounts_top(const char *path, struct pfs_mount *ret_mount);

/*
 * Find a path to this device's root. 0: the caller owns *ret_path. -ENOENT: it is mounted nowhere
 * that we can see. -EBUSY: something else is mounted on it or on the way to it. -ENOMEM; or what
 * reading the table failed with.
 */
int pfs_mounts_find(dev_t device, char **ret_path);

/*
 * Open what is at this path (O_PATH), if it is on this device. Asks neither an automounter there
 * nor the filesystem anything, but walks the way to it. The descriptor keeps the mount busy until
 * the caller closes it. -ESTALE: another device is there; or what open(2) failed with.
 */
int pfs_mounts_open(const char *path, dev_t device);

/*
 * Has the filesystem that this descriptor of /dev/fuse serves ended, or the kernel cut it off? Then
 * no number says any more which mount is ours. Until then its device number is no other's.
 */
bool pfs_mounts_has_ended(int fd);

/*
 * Unmount this device wherever it is mounted, as umount -l does: at once, even if it is in use.
 * Stops when the filesystem that `served` (a descriptor of /dev/fuse) serves has ended. Unmounts
 * nothing else: where something is mounted on it, in it or on the way to it, it stays.
 *
 * For an ordinary user fusermount3 unmounts it, which knows only paths: if somebody exchanges what
 * is there after our last check, it unmounts another mount of this user, but nobody else's.
 *
 * 0: it is mounted nowhere any more, or never was. -EBUSY: it stays, as above. -EPERM: fusermount3
 * refuses, or isn't installed. -ENOMEM; or what reading the table or opening a path failed with.
 * *ret_path is where it was or has stayed; NULL if neither is known; owned by the caller. Blocks
 * while fusermount3 works.
 */
int pfs_mounts_detach(dev_t device, int served, char **ret_path);

/*
 * Check whether this mount is gone, after its filesystem has ended. 0: it is. -ENOTCONN: the kernel
 * has cut it off and left it there, dead, at *ret_path, which the caller owns. Touches the mount
 * only if the table still has it, so that no automounter brings it back.
 */
int pfs_mounts_check_end(const struct pfs_mount *mount, char **ret_path);

#endif
