/* SPDX-License-Identifier: MIT */
/*
 * poke: has the kernel make inotify events. No call lets a filesystem report a change to those who
 * watch a file; but a change that a process makes on the mount is reported to all of them. So a
 * child process, started before the mount and without its descriptor, makes changes on the mount:
 * it touches a file, makes or removes a name. Which of these make which event only this room knows.
 * pinefs permits only the changes of the event that it has ordered, once each, and only to the
 * child. Everybody else gets EROFS.
 *
 * The child also scans /proc/PID/fdinfo for those who watch, which takes too long for the loop; and
 * it looks at what has vanished, so that the kernel drops it.
 *
 * Nothing here waits for the child: it gets orders over a socket, and its answers are served from
 * the loop. It ends when the socket closes, or when we are killed. May include the ground.
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
	uint64_t inode;	    /* of what changed, came or went */
	uint64_t directory; /* the one that it is or was in */
	uint64_t gone_from; /* the directory from which that one has vanished, too: let the child
			     * alone find it there; 0: it hasn't */
	const char *path;   /* below the mountpoint: "restore-jobs/ID/status"; borrowed */
};

/* A change that a message from the kernel asks for, and that the child may make. */
enum pfs_poke_operation {
	PFS_POKE_MODIFY, /* set the modification time */
	PFS_POKE_ATTRIB, /* set both times */
	PFS_POKE_CREATE_DIRECTORY,
	PFS_POKE_CREATE_FILE,
	PFS_POKE_REMOVE_DIRECTORY,
	PFS_POKE_REMOVE_FILE,
};

#define PFS_WATCHERS_MAX 100000 /* found by one scan; those beyond are passed over */

/* One inotify or fanotify watch, as /proc shows it. */
struct pfs_watcher {
	pid_t pid;
	uint64_t inode;
	char name[16]; /* of the process, as in /proc/PID/comm */
};

/*
 * Start the child. Call this before the mount, and before libcurl or anything else has threads or
 * descriptors. The child first calls wipe(arg), to erase secrets that it must not have. 0, -errno.
 */
int pfs_poke_start(const char *mountpoint, void (*wipe)(void *arg), void *arg,
		   struct pfs_poke **ret_poke);

/*
 * Start another child in place of one that has ended; the listener stays. It executes the program
 * again, since a mere fork would copy what we have by now, the key and the mount's descriptor. So
 * the program must first of all call pfs_poke_main, which in a child never returns, and otherwise
 * does nothing. 0: the child was started; if it can't execute the program, listener->gone is
 * called. -errno.
 */
int pfs_poke_restart(struct pfs_poke *poke);
void pfs_poke_main(int count, char *arguments[]); /* as of main */
#define PFS_POKE_NAME "pinefs-poke"		  /* of the process */

/* End the child and wait until it has. Call this once the mount is gone: until then the child may
 * hang in a call on the mount. */
void pfs_poke_destroy(struct pfs_poke *poke); /* takes NULL */

/*
 * Serve the child's answers from the loop (borrowed). idle is called when an order is done, whether
 * or not it succeeded: the next may be given. Before it come, for an event that couldn't be made,
 * failed with -errno; for a scan, scanned with what was found (borrowed). gone is called at most
 * once for each child, with made if the event under way is made all the same. 0, -ENOSPC.
 */
struct pfs_poke_listener {
	void (*idle)(void *arg);
	void (*failed)(void *arg, int error);
	void (*scanned)(void *arg, const struct pfs_watcher *watchers, size_t count);
	/* The child has ended; no order is taken until a restart. */
	void (*gone)(void *arg, bool made);
	void *arg;
};
int pfs_poke_listen(struct pfs_poke *poke, struct pfs_loop *loop,
		    const struct pfs_poke_listener *listener);

/*
 * Set the device number of the mount. Until then scans find nothing, and events fail with -ENODEV.
 * The child looks for the mount at its mountpoint first, then wherever it has been moved to.
 */
void pfs_poke_set_device(struct pfs_poke *poke, dev_t device);

/*
 * Say that the kernel checks modes, which would keep the child from making its changes. From now on
 * pfs_poke_is_window says for which inode the attributes must let it, while an event is made.
 */
void pfs_poke_set_window(struct pfs_poke *poke);

bool pfs_poke_is_idle(const struct pfs_poke *poke);

/*
 * Order the child to make an event, to scan all processes for watches, or to look at a path that
 * has vanished: the kernel then asks us for what it still knows there, and drops it. Only while the
 * child is idle. The event and the path are copied. 0; -EBUSY; -ENAMETOOLONG; -EPIPE: the child has
 * ended, and listener->gone was or will be called; or what send(2) failed with.
 */
int pfs_poke_make(struct pfs_poke *poke, const struct pfs_poke_event *event);
int pfs_poke_scan(struct pfs_poke *poke);
int pfs_poke_look(struct pfs_poke *poke, const char *path); /* below the mountpoint */

/* --- replies to the child's messages --------------------------------------------------------- */

/* Is this the child's process id? No other process has it until the child is restarted or ended. */
bool pfs_poke_is_child(const struct pfs_poke *poke, pid_t pid);

/* Is this the child, making an event, for which it must find what has vanished? */
bool pfs_poke_shows_vanished(const struct pfs_poke *poke, pid_t pid);

/*
 * May this process make this change now? inode: the file to change, with name NULL; or the
 * directory in which name is to be made or removed. True for the child's changes that make the
 * event under way, once for each and in their order.
 */
bool pfs_poke_permits(struct pfs_poke *poke, pid_t pid, enum pfs_poke_operation operation,
		      uint64_t inode, const char *name);

/* What the reply to a lookup, by this process, of a name in a directory must pretend. */
enum pfs_pretence {
	PFS_PRETEND_NOTHING, /* reply what everybody gets */
	PFS_PRETEND_MISSING, /* ENOENT: it is the child, which is about to make this name */
	PFS_PRETEND_THERE,   /* *ret_inode: it is the child, which is about to remove this name, or
			      * a name in it */
};
enum pfs_pretence pfs_poke_pretends(const struct pfs_poke *poke, pid_t pid, uint64_t directory,
				    const char *name, uint64_t *ret_inode);

/* Must the attributes of this inode now say that it belongs to the child and is writable? */
bool pfs_poke_is_window(const struct pfs_poke *poke, uint64_t inode);

#endif
