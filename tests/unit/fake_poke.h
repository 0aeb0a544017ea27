/* SPDX-License-Identifier: MIT */
/*
 * fake_poke: a child that does nothing by itself. What it is asked to do stays under way until the
 * test says that it is done; a test links this instead of the poke room.
 */
#ifndef PINEFS_FAKE_POKE_H
#define PINEFS_FAKE_POKE_H

#include <stdbool.h>
#include <stddef.h>

#include "pinefs/poke.h"

#define FAKE_CHILD	  4711 /* its process id */
#define FAKE_WATCHERS_MAX 64

struct pfs_poke {
	struct pfs_poke_listener listener;
	bool scanning; /* what is under way, if anything is */
	bool making;
	bool looking;
	struct pfs_poke_event event;
	char path[1000];   /* of the event */
	uint64_t window;   /* of what is changed; 0: none */
	bool dead;	   /* every order is refused with EPIPE */
	bool gone;	   /* ... and the listener knows */
	bool made;	   /* a child that dies has made its event before */
	int restart_error; /* what a restart fails with; 0: there is a child again */
	unsigned restarts; /* so far */

	unsigned asked;					/* events so far */
	unsigned scans;					/* asked for so far */
	struct pfs_watcher watchers[FAKE_WATCHERS_MAX]; /* what a scan that ends now finds */
	size_t watcher_count;

	/* The events since they were last looked at, a word each: "changed:PATH", mkdir, rmdir,
	 * mknod, unlink, replaced; and the looks, "look:PATH". */
	char orders[4000];
};

/* From now on somebody watches this inode, or nobody anything; to be found by the next scan. */
void fake_poke_watch(struct pfs_poke *poke, uint64_t inode);
void fake_poke_unwatch_all(struct pfs_poke *poke);

/* What is under way is done. */
void fake_poke_done(struct pfs_poke *poke);

/* It couldn't be done. */
void fake_poke_fail(struct pfs_poke *poke, int error);

/* Do all that is asked for, until nothing more is. */
void fake_poke_work(struct pfs_poke *poke);

/* The child dies. */
void fake_poke_die(struct pfs_poke *poke);

/* The orders since the last time. */
void assert_orders(struct pfs_poke *poke, const char *orders);

#endif
