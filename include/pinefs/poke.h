/* SPDX-License-Identifier: MIT */
/*
 * poke: makes the kernel tell inotify. No call lets a filesystem say "this file changed" to those
 * who watch it; but a change that a process makes on the mount is told to everybody. So a child
 * process, started before the mount and without its descriptor, makes the changes that inotify is
 * to make events of: it touches a file, makes or removes a name. Which of them make which event is
 * known here and nowhere else. pinefs lets just these changes through: those of the event that it
 * asked for, once each, from that process. Everybody else gets EROFS.
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

/* What happened to a file or directory, and which events inotify makes of it. */
enum pfs_poke_type {
	PFS_POKE_CHANGED,	    /* a file's content: IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE */
	PFS_POKE_DIRECTORY_CREATED, /* IN_CREATE */
	PFS_POKE_DIRECTORY_REMOVED, /* IN_DELETE */
	PFS_POKE_FILE_CREATED,
	PFS_POKE_FILE_REMOVED,
	PFS_POKE_FILE_REPLACED, /* by another of the same name: IN_DELETE, IN_CREATE */
};

struct pfs_poke_event {
	enum pfs_poke_type type;
	uint64_t inode;	     /* of what changed, came or went */
	uint64_t directory;  /* which it is in */
	bool directory_gone; /* only the child is to find the directory: it has vanished, too */
	const char *path;    /* below the mountpoint: "restore-jobs/ID/status"; borrowed */
};

/* What a message to the filesystem asks for, where the child may do it. */
enum pfs_poke_operation {
	PFS_POKE_MODIFY, /* set the modification time */
	PFS_POKE_ATTRIB, /* set both times */
	PFS_POKE_CREATE_DIRECTORY,
	PFS_POKE_CREATE_FILE,
	PFS_POKE_REMOVE_DIRECTORY,
	PFS_POKE_REMOVE_FILE,
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
 * or not, and another thing may be asked for; before that failed, with -errno, if an event couldn't
 * be made, and scanned after each scan, with what was found (borrowed); gone at most once a child.
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
 * What the mount is to be known by from now on. Until then no scan finds anything, and no event can
 * be made: it fails with -ENODEV. The mountpoint that the child was started with is where it looks
 * first; it finds the mount wherever that has been moved to.
 */
void pfs_poke_set_device(struct pfs_poke *poke, dev_t device);

/*
 * The kernel checks modes, and the child has no rights that pass them: from now on what it changes
 * must seem to be its own, and to be writable, while it is at it: see pfs_poke_is_window.
 */
void pfs_poke_set_window(struct pfs_poke *poke);

bool pfs_poke_is_idle(const struct pfs_poke *poke);

/*
 * Have an event made, or all processes scanned for watches; only while idle. The path and the event
 * are copied. 0; -EBUSY; -ENAMETOOLONG; -EPIPE: the child is gone, or listener->gone will say so;
 * or what send(2) fails with.
 */
int pfs_poke_make(struct pfs_poke *poke, const struct pfs_poke_event *event);
int pfs_poke_scan(struct pfs_poke *poke);

/* --- what its messages are answered ---------------------------------------------------------- */

/* Is this the child's process id? Nobody else has it until there is another child, or none. */
bool pfs_poke_is_child(const struct pfs_poke *poke, pid_t pid);

/*
 * May this process do this now? inode: what is changed; or, with the name of what is made or
 * removed, the directory. True once for each operation that makes the event under way, and in their
 * order.
 */
bool pfs_poke_permits(struct pfs_poke *poke, pid_t pid, enum pfs_poke_operation operation,
		      uint64_t inode, const char *name);

/* What a process is to find that looks a name up in a directory. */
enum pfs_pretence {
	PFS_PRETEND_NOTHING, /* what everybody finds */
	PFS_PRETEND_MISSING, /* the child, which is about to make it: nothing */
	PFS_PRETEND_THERE,   /* the child, which is about to remove it, or from it: ret_inode */
};
enum pfs_pretence pfs_poke_pretends(const struct pfs_poke *poke, pid_t pid, uint64_t directory,
				    const char *name, uint64_t *ret_inode);

/* Must this file or directory seem to be the child's own, and writable to it, just now? */
bool pfs_poke_is_window(const struct pfs_poke *poke, uint64_t inode);

#endif
