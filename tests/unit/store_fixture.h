/* SPDX-License-Identifier: MIT */
/* store_fixture: a store on a fake api and a fake clock, and what the tests of it share. */
#ifndef PINEFS_STORE_FIXTURE_H
#define PINEFS_STORE_FIXTURE_H

#include "fake_api.h"
#include "fake_time.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/wait.h"
#include "unit.h"

/* The configuration that a fixture begins with. */
#define TTL	    (5 * PFS_SECOND)
#define TTL_READY   (60 * PFS_SECOND)
#define TTL_FINAL   (600 * PFS_SECOND)
#define TTL_MISSING (2 * PFS_SECOND)
#define TTL_ERROR   (3 * PFS_SECOND)
#define TIMEOUT	    (30 * PFS_SECOND)
#define STALE	    (60 * PFS_SECOND)

struct fixture {
	struct fake_time time;
	struct pfs_loop *loop;
	struct pfs_api api;
	struct pfs_stats stats;
	struct pfs_store_config config;
	struct pfs_store *store;
	const struct pfs_kind *kind; /* what the functions below mean; at first restore jobs */
	/* What the store told its listener, a word each: +ID appeared, ~ID changed, -ID vanished,
	 * !ID freed, ?PATH failed. */
	char news[4000];
	unsigned unseen_freed; /* ids that were never there: that isn't news */
	int64_t announced_at;  /* ns since the epoch: when a test had something announced */
	char before[400];      /* the content before the last change */
};

/* Somebody who waits. */
struct waiter {
	struct pfs_wait wait;
	unsigned calls;
	int error; /* that done brought */
};

/* The kinds of the stores that are set up from now on; at first those that pinefs knows. */
void use_kinds(const struct pfs_kinds *kinds);
/* How many objects they may have; at first 1000. */
void use_room(size_t max_objects);

int setup(void **state);
int teardown(void **state);

/* Begin anew with another configuration. */
void configure(struct fixture *fixture, const struct pfs_store_config *config);

void pass(struct fixture *fixture, int64_t ns);

/* Have a waiter ready for a call that may let it wait; what it saw before is forgotten. */
struct pfs_wait *prepare(struct waiter *waiter);

/* Ask; the waiter may be NULL where nobody is to wait. */
int ask(struct fixture *fixture, const char *id, struct waiter *waiter);
int ask_list(struct fixture *fixture, uint64_t after, struct waiter *waiter);

/* done was called once, with this. */
void assert_told(const struct waiter *waiter, int error);
void assert_waiting(const struct waiter *waiter);

/* Have an object known, and fresh from now on, by a describe; a list, by a walk of one page. */
struct pfs_object *learn(struct fixture *fixture, const char *id, const char *status);
void learn_list(struct fixture *fixture, const char *rows);

/* The news since the last time. */
void assert_news(struct fixture *fixture, const char *news);

#endif
