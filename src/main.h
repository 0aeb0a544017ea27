/* SPDX-License-Identifier: MIT */
/*
 * What the files of the main room share: main.c (what happens in which order), main_start.c (going
 * to the background, and the report to the parent), main_mountpoint.c, main_advice.c (why the mount
 * failed), main_answer.c (what to do about the API's first answer), main_demo.c, main_serve.c (the
 * rooms wired together), main_resume.c (after a suspend), main_report.c (the files of /.pinefs),
 * main_failure.c (failures in the log).
 */
#ifndef PINEFS_SRC_MAIN_H
#define PINEFS_SRC_MAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pinefs/key.h"
#include "pinefs/loop.h"
#include "pinefs/options.h"
#include "pinefs/stats.h"
#include "pinefs/tree.h"

#define TEXT_SIZE 1024 /* of a line that says why pinefs doesn't start */

/* Bounds that .pinefs/config shows; main_serve.c has the others. */
#define MAX_OBJECTS	  ((size_t)2 * 1024 * 1024)
#define MAX_OBJECT_BYTES  ((uint64_t)1024 * 1024 * 1024)
#define MAX_HISTORY_BYTES ((uint64_t)64 * 1024 * 1024)
#define MAX_TABLES_HELD	  ((size_t)256 * 1024 * 1024)

/* Everything that one mount is made of. */
struct program {
	struct pfs_options options;
	struct pfs_key key;
	char *mountpoint; /* absolute */
	struct pfs_stats stats;
	int64_t started; /* ns since the epoch */
	struct pfs_loop *loop;
	struct pfs_http *http;
	struct pfs_api *api;
	struct pfs_store *store;
	struct pfs_history *history;
	struct pfs_tables *tables;
	struct pfs_restores *restores; /* NULL: nothing can be made */
	struct pfs_tree *tree;
	struct pfs_poke *poke; /* NULL: no inotify events */
	struct pfs_watch *watch;
	struct pfs_fs *fs;
	struct pfs_report reports[PFS_REPORTS_MAX];
	size_t report_count;
	int signals;	      /* signalfd(2), or -1 */
	bool ended;	      /* by a signal */
	int steps;	      /* timerfd(2) that is readable when the wall clock was set, or -1 */
	int64_t suspended;    /* ns that the machine has been suspended in all, when last read */
	pid_t simulator;      /* of --demo, or 0 */
	int simulator_output; /* its stdout, or -1 */
	bool checked;	      /* the API has given its first answer */
	int check_error;      /* 0 or -errno: of that answer */
	bool forbidden;	      /* that answer was: the key may not see the kind */
	struct {
		struct pfs_timer minute; /* runs from the first failure that is logged */
		unsigned logged;	 /* in this minute */
		unsigned left_out;	 /* that would have been, if there were fewer */
	} failures;
	char text[TEXT_SIZE];
};

/* --- main_failure.c --- */

/* Log failures of the API from now on. 0, -ENOSPC from the store. */
int failure_log(struct program *program);
/* Log how many were left out so far, and no more. Does nothing if none was logged. */
void failure_end(struct program *program);

/* --- main_start.c --- */

/*
 * Close descriptors that the process which started us left open: else a lock would be held, and a
 * pipe wouldn't end, as long as the mount is there. Standard streams stay, and so does what an
 * option names as /dev/fd/N.
 */
void start_close_inherited(const struct pfs_options *options);
/*
 * Go to the background. In the child returns 0, with *ret_report a descriptor for start_report().
 * The parent waits for that report, prints what it says, and exits. -errno: there is no child.
 */
int start_in_background(int *ret_report);
/* Report to the parent: success if text is NULL, else a failure. 0, or -errno if it has ended. */
int start_report(int report, const char *text);
/* Detach from the terminal and the working directory. */
void start_detach(void);
/*
 * Notify the service manager that the mount is ready, if it wants that: a datagram to
 * $NOTIFY_SOCKET, as in sd_notify(3). Never blocks. 0, or -errno if the datagram wasn't taken.
 */
int start_notify(void);

/* --- main_mountpoint.c --- */

/*
 * Can this path be mounted on? 0, and its absolute form, which the caller owns; -errno, with a line
 * in text that says what to do.
 */
int mountpoint_check(const char *path, char **ret_absolute, char *text, size_t size);

/*
 * Write a line to text: that the mount is still there although pinefs ends, why, and what clears
 * it. error: -ENOTCONN if the kernel has cut it off, else why it couldn't be unmounted. path: where
 * it is; NULL: unknown.
 */
void mountpoint_explain_left(int error, const char *path, char *text, size_t size);

/* --- main_advice.c --- */

/*
 * The mount failed, and text has what libfuse said. Append what helps, if the system shows what is
 * missing. wants_helper: not even root mounts without fusermount3.
 */
void advise_on_mount(bool wants_helper, char *text, size_t size);

/* --- main_demo.c --- */

/*
 * Start pinecone-sim (found beside this program, in its build tree, or in PATH) as a child that
 * ends when we end, in whatever way. 0: the caller owns *ret_url. -errno, with a line in text.
 */
int demo_start(struct program *program, char **ret_url, char *text, size_t size);
void demo_stop(struct program *program); /* does nothing if none was started */

/* --- main_serve.c --- */

/*
 * Wire the rooms, ask the API once (but for --no-check), mount. 0: serve_run may be called;
 * -errno, with a line in program->text. serve_end takes a half-made program.
 */
int serve_begin(struct program *program);
int serve_run(struct program *program);
void serve_end(struct program *program);

/* --- main_answer.c --- */

struct pfs_api_answer;

/* Write a line for people about an answer that is an error: where, what it says, what to do. */
void answer_explain(const char *url, const struct pfs_api_answer *answer, char *text, size_t size);

/* --- main_resume.c --- */

/* From now on notify the kernel after each suspend that its cache is invalid. 0, -errno. */
int resume_watch(struct program *program);

/* --- main_report.c --- */

void report_set_up(struct program *program);
extern const char report_readme[];

#endif
