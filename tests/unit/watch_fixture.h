/* SPDX-License-Identifier: MIT */
/* watch_fixture: a watch over the tree of tree_fixture, with a child that is a fake. */
#ifndef PINEFS_WATCH_FIXTURE_H
#define PINEFS_WATCH_FIXTURE_H

#include "fake_poke.h"
#include "pinefs/watch.h"
#include "tree_fixture.h"

/* When a look follows the last message: a little more than a TTL. */
#define LOOK (TTL + TTL / 8 + 20 * PFS_MILLISECOND)

#define JOB "restore-jobs/a"

/* What the child is asked to do where a file changes, and where a history begins a new one. */
#define TOLD(path)     "changed:" path
#define REPLACED(path) "replaced:" path

/* All that a change of a job's status changes, for who watches the job's directory. */
#define ALL_TOLD TOLD(JOB "/status") " " TOLD(JOB "/raw.json") " " TOLD(JOB "/events")

#define EVERY_DIRECTORY UINT64_MAX

struct scene {
	struct bench *bench;
	struct fixture *store;
	struct pfs_api *api;
	struct pfs_poke poke;
	struct pfs_watch *watch;
	const char *rows; /* of the list, as fake_api_page() takes them */
	uint64_t busy;	  /* directory in which a lookup is unanswered, or all; 0: none */
	/* What the host was told of handles, a word each: "wake:HANDLE", "drop:HANDLE". */
	char told[4000];
	uint64_t fetched[64]; /* the last inodes whose attributes it was to have fetched anew */
	size_t fetch_count;
	unsigned names_forgotten; /* times that the kernel was told to look all names up anew */
};

int setup_watch(void **state);
int setup_watch_without_child(void **state);
int setup_watch_with_restores(void **state);
int teardown_watch(void **state);

/* The inode of a path that is known. */
uint64_t inode_of(struct scene *scene, const char *path);

/* Somebody sets a watch: a message to the kernel, and what a scan will find. */
void watch_path(struct scene *scene, const char *path);

/* The same, and it has been looked for. */
void watch_and_look(struct scene *scene, const char *path);

/* Let time pass; whatever the child is asked to do meanwhile is done at once. */
void live(struct scene *scene, int64_t ns);

/*
 * The same, while the API answers each describe with this status and each list with scene->rows;
 * with NULL all fail. How many requests that were.
 */
unsigned live_with_api(struct scene *scene, int64_t ns, const char *status);

/* A moment: a look for watchers, if one is wanted, and what comes of it. */
void blink(struct scene *scene);

/* The job "a", which is known; the API says that it is this now, or has this status. No time
 * passes. */
struct pfs_object *job(struct scene *scene);
void answer_job(struct scene *scene, const char *object);
void change_job(struct scene *scene, const char *status);

/* Somebody reads `wait` of a job that is known: 0, or an errno; and gives up. */
int wait_for(struct scene *scene, const char *id, struct waiter *waiter);
void give_up(struct scene *scene, struct waiter *waiter);

/* Is the kernel to fetch its attributes anew? */
bool is_fetched_anew(struct scene *scene, const char *path);

void assert_host_told(struct scene *scene, const char *told);

/* Is no timer of anybody running? */
bool is_at_rest(struct scene *scene);

#endif
