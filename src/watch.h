/* SPDX-License-Identifier: MIT */
/*
 * What the files of the watch room share, and which part of the state is whose. Each knows those
 * before it: watch_scan.c (who watches by inotify), watch_interest.c (what is asked for, for whom),
 * watch_poll.c (who polls), watch_event.c (inotify's events, one after the other), watch.c (all of
 * them together).
 */
#ifndef PINEFS_SRC_WATCH_H
#define PINEFS_SRC_WATCH_H

#include "pinefs/loop.h"
#include "pinefs/poke.h"
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
	unsigned failures;	     /* consecutive, of those begun here */
	int64_t next;		     /* monotonic: no refresh before this, while it fails */
	TAILQ_ENTRY(pfs_interest) link;
};

/* The same for the list of a kind. */
struct list_interest {
	bool watched;
	bool begun; /* a walk was, from here */
	unsigned failures;
	int64_t next;
};

TAILQ_HEAD(interest_list, pfs_interest);

/* Something that inotify is to make events of. */
struct event {
	bool is_sorted;			    /* else: an object's content changed, and of which
					     * files is still to be found out */
	struct pfs_poke_event what;	    /* unsorted: the inode that its history had before */
	bool checked;			    /* somebody is watching it */
	struct pfs_object *object;	    /* held; NULL for the whole history */
	struct pfs_content *before, *after; /* unsorted: counted; else NULL */
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

	struct pfs_timer pump; /* fires pfs_event_pump: see pfs_watch_pump_at */

	/* watch.c's. */
	struct {
		struct pfs_timer revival;
		int64_t began_at;     /* monotonic */
		unsigned short_lives; /* consecutive ones */
		bool hopeless; /* the last two are gone, or the one there has done nothing yet */
	} child;

	/* watch_scan.c's. */
	struct {
		struct pfs_timer timer;
		int64_t noticed_at; /* monotonic: the last message from the kernel */
		int64_t begun_at;   /* ... when the scan under way was */
		int64_t done_at;    /* ... when the last one that is done was begun */
		bool wanted;
		struct pfs_watcher *watchers; /* as found, by inode */
		size_t watcher_count;
	} scan;

	/* watch_interest.c's. */
	struct {
		struct interest_list all;
		struct pfs_timer timer;
		struct list_interest lists[PFS_KINDS_MAX]; /* by the kind's number */
	} interest;

	/* watch_poll.c's. */
	struct {
		TAILQ_HEAD(poll_list, poll) all; /* oldest first */
		size_t count;
		int64_t probed_at; /* monotonic */
	} poll;

	/* watch_event.c's. */
	struct {
		struct event_list all;
		size_t count;
		bool overflowed;       /* some were not queued since it was last empty */
		struct event *current; /* the one that the child is at, or NULL */
		struct event
			*whole; /* the one about the whole history, if it isn't begun, or NULL */
	} event;
};

/* --- watch_scan.c --- */

void pfs_scan_init(struct pfs_watch *watch);
void pfs_scan_finish(struct pfs_watch *watch);

/* If the child has nothing to do by then, it is given something: pfs_event_pump. */
void pfs_watch_pump_at(struct pfs_watch *watch, int64_t due);

/* Have /proc scanned as soon as the child has time; but not by itself before a time. */
void pfs_scan_want(struct pfs_watch *watch);
void pfs_scan_want_at(struct pfs_watch *watch, int64_t due);
/* Begin it now. 0, or what poke says. */
int pfs_scan_begin(struct pfs_watch *watch);

/* Keep what was found. 0, -ENOMEM. */
int pfs_scan_take(struct pfs_watch *watch, const struct pfs_watcher *found, size_t count);
void pfs_scan_forget(struct pfs_watch *watch);

/* Does somebody watch this inode, or any from first to last, as far as is known? */
bool pfs_scan_finds(const struct pfs_watch *watch, uint64_t inode);
bool pfs_scan_finds_any(const struct pfs_watch *watch, uint64_t first, uint64_t last);
void pfs_scan_each(struct pfs_watch *watch, void (*visit)(struct pfs_watch *watch, uint64_t inode));

/* A scan begun at or after this time proves that there were no other watchers then. Was there one?
 */
bool pfs_scan_proves(const struct pfs_watch *watch, int64_t time);

/* --- watch_interest.c --- */

void pfs_interest_init(struct pfs_watch *watch, void (*on_timer)(void *watch));
void pfs_interest_finish(struct pfs_watch *watch);

/* Can what has this inode change by itself? */
bool pfs_interest_can_change(const struct pfs_watch *watch, uint64_t inode);

/* What has this inode is wanted, as long as it can change. */
void pfs_interest_take(struct pfs_watch *watch, uint64_t inode);
/* Nobody wants anything, but for those who read `wait`. */
void pfs_interest_forget_watchers(struct pfs_watch *watch);

/* Ask for what has expired; set the timer for what will. */
void pfs_interest_refresh(struct pfs_watch *watch);
void pfs_interest_schedule(struct pfs_watch *watch);

void pfs_interest_on_changed(struct pfs_object *object);
void pfs_interest_on_vanished(struct pfs_object *object);
void pfs_interest_on_failed(struct pfs_watch *watch, const struct pfs_failure *failure);

/* --- watch_poll.c --- */

void pfs_poll_init(struct pfs_watch *watch);
void pfs_poll_finish(struct pfs_watch *watch);

/* What has this inode has changed: wake those who poll it. */
void pfs_poll_changed(struct pfs_watch *watch, uint64_t inode);
/* Does anybody poll a file of this object? */
bool pfs_poll_is_polled(const struct pfs_watch *watch, const struct pfs_object *object);
/* The same as pfs_poll_changed for all of them. */
void pfs_poll_vanished(struct pfs_watch *watch, const struct pfs_object *object);
/*
 * Once a TTL: wake all for nothing, and count out those who haven't answered to that for some time.
 * Was that done?
 */
bool pfs_poll_probe(struct pfs_watch *watch);
/* Visit what somebody polls, who seems to be there still. */
void pfs_poll_each(struct pfs_watch *watch, void (*visit)(struct pfs_watch *watch, uint64_t inode));

/* --- watch_event.c --- */

void pfs_event_init(struct pfs_watch *watch);
void pfs_event_finish(struct pfs_watch *watch);
void pfs_event_on_appeared(struct pfs_watch *watch, struct pfs_object *object);
void pfs_event_on_changed(struct pfs_watch *watch, struct pfs_object *object,
			  struct pfs_content *before);
void pfs_event_on_vanished(struct pfs_watch *watch, struct pfs_object *object);
/* A scan is done: drop the events that nobody watches, go on with the others. */
void pfs_event_check(struct pfs_watch *watch);
/* The child couldn't make its event. */
void pfs_event_failed(void *watch, int error);
/* The child has ended at it. It will be made from the beginning. */
void pfs_event_interrupted(struct pfs_watch *watch);
/* If the child has nothing to do, give it something. */
void pfs_event_pump(void *watch);

#endif
