/* SPDX-License-Identifier: MIT */
/*
 * poke: makes the kernel tell inotify. No call lets a filesystem say "this file changed" to those
 * who watch it; but a change that a process makes on the mount is told to everybody. So a child
 * process, started before the mount and without its descriptor, makes the changes that pinefs
 * wants to be told: it touches a file, makes or removes a name. pinefs lets just this one change
 * through: the one that it asked for, once, from that process. Everybody else gets EROFS.
 *
 * The child also looks who is watching (/proc/PID/fdinfo), which takes too long for the loop.
 *
 * It can't hang us: it is asked over a socket and answers when it does. It ends when the socket
 * closes, or when we are killed. May include the ground.
 */
#ifndef PINEFS_POKE_H
#define PINEFS_POKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pfs_loop;
struct pfs_poke;

enum pfs_poke_operation {
	PFS_POKE_NOTHING,
	PFS_POKE_STAT,		   /* have the kernel fetch the attributes anew */
	PFS_POKE_MODIFY,	   /* set the modification time: IN_MODIFY */
	PFS_POKE_ATTRIB,	   /* set both times: IN_ATTRIB */
	PFS_POKE_CLOSE_WRITE,	   /* open for writing and close: IN_CLOSE_WRITE */
	PFS_POKE_CREATE_DIRECTORY, /* IN_CREATE */
	PFS_POKE_CREATE_FILE,
	PFS_POKE_REMOVE_DIRECTORY, /* IN_DELETE */
	PFS_POKE_REMOVE_FILE,
	PFS_POKE_SCAN,
};

#define PFS_WATCHERS_MAX 100000 /* found by one scan; those beyond are passed over */

/* One watch, as /proc tells it. */
struct pfs_watcher {
	pid_t pid;
	uint64_t inode;
	char name[16]; /* of the process, as in /proc/PID/comm */
};

/*
 * Start the child. Call it before the mount, before libcurl and anything else that has threads
 * or descriptors. wipe(arg) is called in the child at once, to forget what it must not know.
 * 0, -errno.
 */
int pfs_poke_start(const char *mountpoint, void (*wipe)(void *arg), void *arg,
		   struct pfs_poke **ret_poke);

/*
 * Start another child in place of one that is gone; listened to as before. Executes the program
 * anew, since a fork would copy what we have by now: it must call pfs_poke_main first of all, which
 * doesn't return in a child and does nothing otherwise. 0: the child is there, or will be gone
 * again, if it can't be executed; -errno.
 */
int pfs_poke_restart(struct pfs_poke *poke);
void pfs_poke_main(int count, char *arguments[]); /* as of main */
#define PFS_POKE_NAME "pinefs-poke"		  /* of the process */

/* End the child and wait for that. Call it once the mount is gone, or nobody answers it. */
void pfs_poke_destroy(struct pfs_poke *poke); /* takes NULL */

/*
 * Have the answers served from the loop. idle is called whenever what was asked for is done, well
 * or not, and another thing may be asked for; before that failed, with -errno, if it couldn't be
 * done, and scanned after each scan, with what was found (borrowed); gone at most once a child.
 * 0, -ENOSPC.
 */
struct pfs_poke_listener {
	void (*idle)(void *arg);
	void (*failed)(void *arg, int error);
	void (*scanned)(void *arg, const struct pfs_watcher *watchers, size_t count);
	void (*gone)(void *arg); /* the child has ended; nothing can be asked until a restart */
	void *arg;
};
int pfs_poke_listen(struct pfs_poke *poke, struct pfs_loop *loop,
		    const struct pfs_poke_listener *listener);

/*
 * What the mount is to be known by from now on. Until then no scan finds anything, and nothing can
 * be changed: it fails with -ENODEV. The mountpoint that the child was started with is where it
 * looks first; it finds the mount wherever that has been moved to.
 */
void pfs_poke_set_device(struct pfs_poke *poke, dev_t device);

bool pfs_poke_is_idle(const struct pfs_poke *poke);

/*
 * Ask for one thing; only while idle. path is below the mountpoint ("restore-jobs/ID/status"),
 * inode the file that is changed or, for a name that is made or removed, its directory; both mean
 * nothing for a scan. 0; -EBUSY; -ENAMETOOLONG; -EPIPE: the child is gone, or listener->gone will
 * tell so; or what send(2) fails with.
 */
int pfs_poke_ask(struct pfs_poke *poke, enum pfs_poke_operation operation, uint64_t inode,
		 const char *path);

/* Is this the child's process id? Nobody else has it until there is another child, or none. */
bool pfs_poke_is_child(const struct pfs_poke *poke, pid_t pid);

/*
 * May this process do this to this inode now? True once for what was asked for, and only while
 * it is under way. name: of what is made or removed, else NULL.
 */
bool pfs_poke_permits(struct pfs_poke *poke, pid_t pid, enum pfs_poke_operation operation,
		      uint64_t inode, const char *name);

/*
 * What is under way about this inode and name, whether or not its permission was used; for what
 * the child looks up. name: as above. PFS_POKE_NOTHING: something else, or nothing.
 */
enum pfs_poke_operation pfs_poke_under_way(const struct pfs_poke *poke, uint64_t inode,
					   const char *name);

#endif
