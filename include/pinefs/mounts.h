/* SPDX-License-Identifier: MIT */
/*
 * mounts: which mount is ours, wherever it is by now. Its path doesn't say so: a directory on the
 * way can be renamed, the mount can be moved, something else can be mounted on it, or in its place.
 * Its device number does, as long as the filesystem lives: then it is this one's alone. Once that
 * has ended the number may be another's at once, so whoever holds /dev/fuse looks there first.
 *
 * Reads the kernel's table, /proc/self/mountinfo, which asks no filesystem anything; where there is
 * none, all of these fail with -ENOSYS. Ground: includes nothing.
 */
#ifndef PINEFS_MOUNTS_H
#define PINEFS_MOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

struct pfs_mount {
	dev_t device;
	unsigned id; /* of the mount; like the device, it is another's once this one has ended */
};

/*
 * What is mounted on this path, which is absolute and has no links in it, and is on top there: the
 * last FUSE filesystem that was. 0; -ENOENT: there is none; or what reading the table failed with.
 */
int pfs_mounts_top(const char *path, struct pfs_mount *ret_mount);

/*
 * The path that leads to this device's root. 0, and *ret_path is owned by the caller; -ENOENT: it
 * is mounted nowhere that we can see; -EBUSY: something else is mounted on it or on the way to it;
 * -ENOMEM; or what reading the table failed with.
 */
int pfs_mounts_find(dev_t device, char **ret_path);

/*
 * A descriptor (O_PATH) of what is at this path, if that is this device's: the caller closes it
 * soon, since it keeps the mount busy. Neither an automounter nor the filesystem is asked anything,
 * but the way to it is walked. -ESTALE: it is another's; or what open(2) said.
 */
int pfs_mounts_open(const char *path, dev_t device);

/*
 * The filesystem that this descriptor of /dev/fuse serves has ended, or the kernel has cut it off:
 * no number says any more what is ours. While it hasn't, its device is no other's.
 */
bool pfs_mounts_has_ended(int fd);

/*
 * Unmount this device wherever it is mounted, as umount -l does: at once, although it may be in
 * use, and until what the descriptor serves has ended. Nothing else is touched: where something is
 * mounted on it, in it or on the way to it, it stays. Root's is unmounted by what it is. An
 * ordinary user's is unmounted by fusermount3, which knows paths only: what is exchanged between
 * our last look and its doing is exchanged for another mount of the same user, since it unmounts no
 * other.
 *
 * 0: it is mounted nowhere any more, or never was; -EBUSY: see above; -EPERM: fusermount3 can't, or
 * isn't there; -ENOMEM; or what was said of the table or of a path. *ret_path is where it was, or
 * where it has stayed; NULL if neither is known; owned by the caller. Blocks while fusermount3
 * works.
 */
int pfs_mounts_detach(dev_t device, int served, char **ret_path);

/*
 * The filesystem of this mount has ended: is the mount gone, too? 0, or -ENOTCONN if the kernel has
 * cut it off and left it there, dead, at *ret_path, which the caller owns. Looks at the mount
 * itself only if the table still has it, so that no automounter brings it back.
 */
int pfs_mounts_check_end(const struct pfs_mount *mount, char **ret_path);

#endif
