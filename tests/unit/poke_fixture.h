/* SPDX-License-Identifier: MIT */
/* poke_fixture: the real child, on a directory that is no mount of ours. */
#ifndef PINEFS_POKE_FIXTURE_H
#define PINEFS_POKE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "pinefs/loop.h"
#include "pinefs/poke.h"
#include "unit.h"

/* Inodes of the event: what the child changes, a file or the directory of a name; and the other. */
#define INODE	  77
#define NAMED	  78
#define DIRECTORY 79

#define SECRET_LENGTH 32

struct nest {
	struct pfs_loop *loop;
	struct pfs_timer deadline;
	struct pfs_poke *poke;
	char directory[40];    /* to be changed by the child */
	volatile pid_t *wiped; /* shared with the child: who called wipe */
	char *secret;	       /* the only place that has these bytes */
	pid_t child;
	unsigned idle; /* times that each was called */
	unsigned scanned;
	unsigned gone;
	bool made;		      /* the event at which the last one ended */
	int error;		      /* of the last order that failed */
	struct pfs_watcher *watchers; /* of the last scan */
	size_t watcher_count;
};

int set_up_nest(void **state);
int set_up_nest_on_proc(void **state); /* the child changes and looks at /proc */
int tear_down_nest(void **state);

/* Another child, which calls this before all else. 0, or -1. */
int start_nest(struct nest *nest, const char *mountpoint, void (*wipe)(void *arg), void *arg);

/* Has its pid as wiped; forgets the secret. */
void wipe_nest(void *nest);

/* Turn until this has come to be so many. */
void await(struct nest *nest, const unsigned *count, unsigned many);

/* What an event is about: its inode is INODE, or that is of the directory that a name is in. */
struct pfs_poke_event event_of(enum pfs_poke_type type, const char *path);

/* Have an event made or all scanned, and wait until that is done. */
void have_made(struct nest *nest, enum pfs_poke_type type, const char *path);
void have_scanned(struct nest *nest);

void make_file(struct nest *nest); /* "file" in its directory */

#endif
