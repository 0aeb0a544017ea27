/* SPDX-License-Identifier: MIT */
/*
 * What the files of the watch room share: watch.c (who wants to know, and refreshing for them),
 * watch_event.c (telling the kernel, one thing after the other), watch_poll.c (poll(2)).
 */
#ifndef PINEFS_SRC_WATCH_H
#define PINEFS_SRC_WATCH_H

#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"
#include "pinefs/wait.h"
#include "pinefs/watch.h"

#define EVENTS_MAX 20000 /* queued; more are not made */

/* An object that somebody wants to know of. Holds a reference to it. */
struct pfs_interest {
	struct pfs_object *object;
	struct pfs_wait_queue waits; /* read(2) of its file `wait` */
	bool watched;		     /* by inotify, when last looked, or by poll(2) */
	unsigned failures;	     /* in a row, of those that were begun here */
	int64_t next;		     /* monotonic: no refresh before this, while it fails */
	TAILQ_ENTRY(pfs_interest) link;
};

/* The same for the list of a kind. */
struct list_interest {
	bool watched;
	bool begun;	     /* a walk was, from here */
	uint64_t generation; /* of the list then: if it is still the same, the walk has failed */
	unsigned failures;
	int64_t next;
};

TAILQ_HEAD(interest_list, pfs_interest);

enum event_type {
	EVENT_CHANGES, /* of an object's content; of which files, is still to be found out */
	EVENT_CHANGE,  /* of a file's content */
	EVENT_DIRECTORY_CREATED,
	EVENT_DIRECTORY_REMOVED,
	EVENT_FILE_CREATED,
	EVENT_FILE_REMOVED,
	EVENT_FILE_REPLACED, /* by another of the same name: a history that was rotated */
};

/* Something to tell the kernel. */
struct event {
	enum event_type type;
	unsigned step;			    /* how many operations that make it are begun */
	bool checked;			    /* somebody is watching it */
	uint64_t inode;			    /* of what changed, came or went */
	uint64_t directory;		    /* where it is */
	struct pfs_object *object;	    /* held; NULL for the whole history */
	struct pfs_content *before, *after; /* of EVENT_CHANGES, counted; else NULL */
	int64_t happened_at;		    /* monotonic */
	TAILQ_ENTRY(event) link;
	char path[];
};

TAILQ_HEAD(event_list, event);

struct pfs_watch {
	struct pfs_store *store;
	const struct pfs_kinds *kinds;
	struct pfs_tree *tree;
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct pfs_poke *poke; /* NULL: no inotify */
	struct pfs_watch_config config;
	struct pfs_watch_host host;

	/* poke's child, should it end. */
	struct pfs_timer revival;
	int64_t child_began;  /* monotonic */
	unsigned short_lives; /* of children, one after the other */
	bool hopeless;	      /* the last two are gone, or the one there has done nothing yet */

	struct interest_list interests;
	struct pfs_timer refresh;
	struct list_interest lists[PFS_KINDS_MAX]; /* by the kind's number */

	/* Looking for watchers. */
	struct pfs_timer look;
	int64_t noticed_at; /* monotonic: the last message from the kernel */
	int64_t scan_begun; /* ... when the scan under way was asked for */
	int64_t scanned_at; /* ... when the last one that is done was */
	bool scan_wanted;
	struct pfs_watcher *watchers; /* as found, by inode */
	size_t watcher_count;

	/* Who polls, oldest first. */
	TAILQ_HEAD(poll_list, poll) polls;
	size_t poll_count;
	int64_t polls_asked_at; /* monotonic */

	/* Telling. */
	struct event_list events;
	size_t event_count;
	bool overflowed;	/* some were not queued since it was last empty */
	struct event *current;	/* the one that the child is at, or NULL */
	struct event *whole;	/* the one about the whole history, if it isn't begun, or NULL */
	struct pfs_timer retry; /* pumps: something new, or a directory was busy */
	uint64_t window;	/* inode that seems to be ours and writable; 0: none */
};

/* --- watch.c --- */

/* Have /proc looked through as soon as the child has time. */
void pfs_watch_look(struct pfs_watch *watch);
bool pfs_watch_is_watched(const struct pfs_watch *watch, uint64_t inode);
/* Any inode from first to last? */
bool pfs_watch_is_any_watched(const struct pfs_watch *watch, uint64_t first, uint64_t last);

/* Can what has this inode change by itself? */
bool pfs_watch_can_change(const struct pfs_watch *watch, uint64_t inode);

/* Somebody polls what has this inode. */
void pfs_watch_add_polled(struct pfs_watch *watch, uint64_t inode);

/* --- watch_poll.c --- */

void pfs_poll_changed(struct pfs_watch *watch, uint64_t inode);
/* Does anybody poll a file of this object? */
bool pfs_poll_is_polled(const struct pfs_watch *watch, const struct pfs_object *object);
/* The same as pfs_poll_changed for all of them. */
void pfs_poll_vanished(struct pfs_watch *watch, const struct pfs_object *object);
/* Wake all for nothing, and count out those who haven't answered to that for some time. */
void pfs_poll_probe(struct pfs_watch *watch);
/* Visit what somebody polls, who seems to be there still. */
void pfs_poll_each(struct pfs_watch *watch, void (*visit)(struct pfs_watch *watch, uint64_t inode));
void pfs_poll_finish(struct pfs_watch *watch);

/* --- watch_event.c --- */

void pfs_event_on_appeared(void *arg, struct pfs_object *object);
void pfs_event_on_changed(void *arg, struct pfs_object *object, struct pfs_content *before);
void pfs_event_on_vanished(void *arg, struct pfs_object *object);
/* A look is done: drop the events that nobody watches, go on with the others. */
void pfs_event_check(struct pfs_watch *watch);
/* The child couldn't take its step. */
void pfs_event_failed(void *arg, int error);
/* The child has ended at it. What it was telling will be told from the beginning. */
void pfs_event_interrupted(struct pfs_watch *watch);
/* If the child has nothing to do, give it something. */
void pfs_event_pump(void *arg);
void pfs_event_finish(struct pfs_watch *watch);

#endif
