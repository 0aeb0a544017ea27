/* SPDX-License-Identifier: MIT */
/*
 * What the files of the main room share: main.c (the order of things), main_start.c (background
 * and the line that is printed), main_mountpoint.c, main_advice.c (why the mount failed),
 * main_answer.c (what to do about the API's first answer), main_demo.c, main_serve.c (the rooms
 * wired together), main_resume.c (after a suspend), main_report.c (the files of /.pinefs),
 * main_failure.c (failures in the log).
 */
#ifndef PINEFS_SRC_MAIN_H
#define PINEFS_SRC_MAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pinefs/key.h"
#include "pinefs/options.h"
#include "pinefs/stats.h"
#include "pinefs/tree.h"

#define TEXT_SIZE 1024 /* of a line that says why pinefs doesn't start */

/* Everything that one mount is made of. */
struct program {
	struct pfs_options options;
	struct pfs_key key;
	char *mountpoint; /* absolute */
	struct pfs_stats stats;
	struct pfs_loop *loop;
	struct pfs_http *http;
	struct pfs_api *api;
	struct pfs_store *store;
	struct pfs_history *history;
	struct pfs_tree *tree;
	struct pfs_poke *poke; /* NULL: no inotify events */
	struct pfs_watch *watch;
	struct pfs_fs *fs;
	struct pfs_report reports[PFS_REPORTS_MAX];
	size_t report_count;
	int signals;	      /* signalfd(2), or -1 */
	bool ended;	      /* by a signal */
	int steps;	      /* timerfd(2) that tells when the wall clock was set, or -1 */
	int64_t suspended;    /* ns that the machine was, in all, when we last looked */
	pid_t simulator;      /* of --demo, or 0 */
	int simulator_output; /* its stdout, or -1 */
	bool checked;	      /* the API has given its first answer */
	int check_error;      /* 0 or -errno: what it came to */
	int logged_error;     /* -errno of the API's last failure that was logged; 0: none was */
	int64_t logged_at;    /* ... and when: monotonic */
	char text[TEXT_SIZE];
};

/* --- main_failure.c --- */

/* Have failures of the API logged from now on. 0, -ENOSPC from the store. */
int failure_log(struct program *program);

/* --- main_start.c --- */

/*
 * Close what whoever started us left open: a lock would be held, and a pipe kept from its end, for
 * as long as the mount is there. Standard streams stay, and what an option names as /dev/fd/N.
 */
void start_close_inherited(const struct pfs_options *options);
/*
 * Go to the background: returns 0 in the child, with *ret_report a descriptor for
 * start_report(). The parent waits for that report, prints what it says, and exits. -errno if
 * it can't be done.
 */
int start_in_background(int *ret_report);
/* Tell the parent: success with text NULL. 0, or -errno when nobody listens any more. */
int start_report(int report, const char *text);
/* Leave the terminal and the directory behind. */
void start_detach(void);
/*
 * Tell the service manager that the mount is there, if it wants to know: a datagram to
 * $NOTIFY_SOCKET, as sd_notify(3) describes it. Never blocks. 0, or -errno when it wasn't taken.
 */
int start_notify(void);

/* --- main_mountpoint.c --- */

/*
 * Can this path be mounted on? 0 and its absolute form, owned by the caller; -errno with a line
 * in text that says what to do.
 */
int mountpoint_check(const char *path, char **ret_absolute, char *text, size_t size);

/*
 * The mount is there still, at this path or, with NULL, nobody knows where, although pinefs ends:
 * -ENOTCONN, since the kernel has cut it off; else since it couldn't be unmounted, and why. A line
 * in text that says so, and what clears it.
 */
void mountpoint_explain_left(int error, const char *path, char *text, size_t size);

/* --- main_advice.c --- */

/*
 * The mount failed, with what libfuse said in text: add what helps, if the system shows what is
 * missing. wants_helper: not even root mounts without fusermount3.
 */
void advise_on_mount(bool wants_helper, char *text, size_t size);

/* --- main_demo.c --- */

/*
 * Start pinecone-sim (found beside this program, in its build tree, or in PATH) as a child that
 * ends with us however we end. 0; *ret_url is owned by the caller; -errno with a line in text.
 */
int demo_start(struct program *program, char **ret_url, char *text, size_t size);
void demo_stop(struct program *program); /* when none was started: nothing */

/* --- main_serve.c --- */

/*
 * Wire the rooms, ask the API once (unless told not to), mount. 0: serve_run may be called;
 * -errno with a line in program->text. serve_end takes a half-made program.
 */
int serve_begin(struct program *program);
int serve_run(struct program *program);
void serve_end(struct program *program);

/* --- main_answer.c --- */

struct pfs_api_answer;

/* The line for a person about an answer that is an error: where, what it says, what to do. */
void answer_explain(const char *url, const struct pfs_api_answer *answer, char *text, size_t size);

/* --- main_resume.c --- */

/* From now on, have the kernel ask again after each suspend. 0, -errno. */
int resume_watch(struct program *program);

/* --- main_report.c --- */

void report_set_up(struct program *program);
extern const char report_readme[];

#endif
