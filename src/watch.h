/* SPDX-License-Identifier: MIT */
/*
 * What the files of the watch room share, and which part of the state each of them owns. Each knows
 * only those before it: watch_scan.c (who watches by inotify), watch_forget.c (has the kernel
 * forget what vanished), watch_interest.c (which objects are refreshed, for whom), watch_poll.c
 * (who polls), watch_event.c (inotify's events, one after the other), watch.c (all of them
 * together).
 */
#ifndef PINEFS_SRC_WATCH_H
#define PINEFS_SRC_WATCH_H

#include "pinefs/loop.h"
#include "pinefs/poke.h"
#include "pinefs/resource.h"
#include "pinefs/restore.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"
#include "pinefs/wait.h"
#include "pinefs/watch.h"

#define BUSY_PAUSE (20 * PFS_MILLISECOND) /* before another look at a directory that is busy */
#define EVENTS_MAX 20000		  /* in the queue; a further one is dropped */

/* An object that somebody waits for, polls or watches. Has a reference to it. */
struct pfs_interest {
	struct pfs_object *object;
	struct pfs_wait_queue waits; /* read(2) of its file `wait` */
	bool watched;		     /* by inotify, as the last scan says, or by poll(2) */
	unsigned failures;	     /* consecutive ones of refreshes that were begun here */
	int64_t next;		     /* monotonic: while they fail, no refresh before this */
	TAILQ_ENTRY(pfs_interest) link;
};

/* The same for the list of a kind. */
struct list_interest {
	bool watched;
	bool begun; /* a walk was begun here */
	unsigned failures;
	int64_t next;
};

TAILQ_HEAD(interest_list, pfs_interest);

/* A change of which inotify events are to be made. */
struct event {
	bool is_sorted;			    /* false: the content of an object changed, and which
					     * of its files did is not found out yet */
	struct pfs_poke_event what;	    /* unsorted: only the inode that its history had */
	bool checked;			    /* a scan says that somebody watches it */
	struct pfs_object *object;	    /* has a reference; NULL for the whole history */
	struct pfs_content *before, *after; /* unsorted: has references; else NULL */
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

	/* Owned by watch.c. */
	struct {
		struct pfs_timer revival;
		int64_t began_at;     /* monotonic */
		unsigned short_lives; /* consecutive ones */
		bool hopeless; /* no child, or one that has done nothing yet, after a short life */
	} child;

	/* Owned by watch_scan.c. */
	struct {
		struct pfs_timer timer;
		int64_t noticed_at;  /* monotonic: the last message from the kernel */
		int64_t begun_at;    /* monotonic: when the scan under way began */
		int64_t done_at;     /* monotonic: when the last complete scan began */
		int64_t rests_until; /* monotonic: before, events go before the next scan */
		bool wanted;
		struct pfs_watcher *watchers; /* of the last scan, by inode */
		size_t watcher_count;
	} scan;

	/* Owned by watch_forget.c. */
	TAILQ_HEAD(vanished_list, vanished) vanished; /* oldest first */

	/* Owned by watch_interest.c. */
	struct {
		struct interest_list all;
		struct pfs_timer timer;
		struct list_interest lists[PFS_KINDS_MAX]; /* by the kind's number */
	} interest;

	/* Owned by watch_poll.c. */
	struct {
		TAILQ_HEAD(poll_list, poll) all; /* oldest first */
		size_t count;
		int64_t probed_at; /* monotonic */
	} poll;

	/* Owned by watch_event.c. */
	struct {
		struct event_list all;
		size_t count;
		bool overflowed;       /* one was dropped since the queue was last empty */
		struct event *current; /* the one that the child is making, or NULL */
		struct event *whole;   /* a change of the whole history that can still take in the
					* next   one, or NULL */
	} event;
};

/* --- watch_scan.c --- */

void pfs_scan_init(struct pfs_watch *watch);
void pfs_scan_finish(struct pfs_watch *watch);

/* Call pfs_event_pump at this time, or earlier if it is to be called earlier already. */
void pfs_watch_pump_at(struct pfs_watch *watch, int64_t due);

/* Have /proc scanned as soon as the child is idle; or then, but on nothing's account before due. */
void pfs_scan_want(struct pfs_watch *watch);
void pfs_scan_want_at(struct pfs_watch *watch, int64_t due);
/* Is a scan wanted that goes before events, now? Else it begins when there is none to be made. */
bool pfs_scan_is_first(const struct pfs_watch *watch);
/* Begin a scan now. 0, or the error of pfs_poke_scan. */
int pfs_scan_begin(struct pfs_watch *watch);

/* Copy what a scan has found. 0; -ENOMEM: what the scan before found stays. */
int pfs_scan_take(struct pfs_watch *watch, const struct pfs_watcher *found, size_t count);
void pfs_scan_forget(struct pfs_watch *watch);

/* Has the last scan found a watch of this inode, or of any from first to last? */
bool pfs_scan_finds(const struct pfs_watch *watch, uint64_t inode);
bool pfs_scan_finds_any(const struct pfs_watch *watch, uint64_t first, uint64_t last);
void pfs_scan_each(struct pfs_watch *watch, void (*visit)(struct pfs_watch *watch, uint64_t inode));

/* Has a scan that began at or after this time ended? It proves who was not watching then. */
bool pfs_scan_proves(const struct pfs_watch *watch, int64_t time);

/* --- watch_forget.c --- */

void pfs_forget_init(struct pfs_watch *watch);
void pfs_forget_finish(struct pfs_watch *watch);
/* The kernel may know a path of an object, in this directory, at which there is nothing any more.
 */
void pfs_forget_later(struct pfs_watch *watch, struct pfs_object *object, uint64_t directory,
		      const char *path);
/* While the child is idle: have it look at the next such path. False: there is none now. */
bool pfs_forget_next(struct pfs_watch *watch);

/* --- watch_interest.c --- */

void pfs_interest_init(struct pfs_watch *watch, void (*on_timer)(void *watch));
void pfs_interest_finish(struct pfs_watch *watch);

/* Can the file or directory with this inode still change? */
bool pfs_interest_can_change(const struct pfs_watch *watch, uint64_t inode);

/* Somebody polls or watches this inode: refresh what it is of, while that can change. */
void pfs_interest_take(struct pfs_watch *watch, uint64_t inode);
/* Forget who polls and watches, but not who reads `wait`. */
void pfs_interest_forget_watchers(struct pfs_watch *watch);

/* Refresh what has expired, drop interests that nobody has any more; set the timer for the next. */
void pfs_interest_refresh(struct pfs_watch *watch);
void pfs_interest_schedule(struct pfs_watch *watch);

void pfs_interest_on_changed(struct pfs_object *object);
void pfs_interest_on_vanished(struct pfs_object *object);
void pfs_interest_on_failed(struct pfs_watch *watch, const struct pfs_failure *failure);

/* --- watch_poll.c --- */

void pfs_poll_init(struct pfs_watch *watch);
void pfs_poll_finish(struct pfs_watch *watch);

/* Wake those who poll this inode: it has changed. */
void pfs_poll_changed(struct pfs_watch *watch, uint64_t inode);
/* Does anybody poll a file of this object? */
bool pfs_poll_is_polled(const struct pfs_watch *watch, const struct pfs_object *object);
/* Wake those who poll any file of this object: it has vanished. */
void pfs_poll_vanished(struct pfs_watch *watch, const struct pfs_object *object);
/*
 * Once a TTL: wake all who poll, though nothing has changed, to see who is still there. False: the
 * TTL isn't over yet.
 */
bool pfs_poll_probe(struct pfs_watch *watch);
/* Visit the inodes that somebody polls who still answers probes. */
void pfs_poll_each(struct pfs_watch *watch, void (*visit)(struct pfs_watch *watch, uint64_t inode));

/* --- watch_event.c --- */

void pfs_event_init(struct pfs_watch *watch);
void pfs_event_finish(struct pfs_watch *watch);
void pfs_event_on_appeared(struct pfs_watch *watch, struct pfs_object *object);
void pfs_event_on_changed(struct pfs_watch *watch, struct pfs_object *object,
			  struct pfs_content *before);
/* A source has gained or lost (type) the name of what a job makes. */
void pfs_event_on_made(struct pfs_watch *watch, struct pfs_object *source, struct pfs_object *job,
		       const char *name, enum pfs_poke_type type);
/* Its event has been made otherwise. */
void pfs_event_drop_created(struct pfs_watch *watch, uint64_t inode);
void pfs_event_on_vanished(struct pfs_watch *watch, struct pfs_object *object);
/* After a scan: drop the events that nobody watches, go on with the others. */
void pfs_event_check(struct pfs_watch *watch);
/* The child couldn't make the current event. */
void pfs_event_failed(void *watch, int error);
/* The child has ended while it made the current event, which will be made again from the start. */
void pfs_event_interrupted(struct pfs_watch *watch);
/* If the child is idle, have it scan or make the next event, as pfs_scan_is_first says; else have
 * the kernel forget something. */
void pfs_event_pump(void *watch);

#endif
