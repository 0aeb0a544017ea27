/* SPDX-License-Identifier: MIT */
/*
 * restore_fixture: what the tests of restores share, over the restores of a bench (tree_fixture):
 * backups, jobs that were begun for them, commands.
 */
#ifndef PINEFS_RESTORE_FIXTURE_H
#define PINEFS_RESTORE_FIXTURE_H

#include "tree_fixture.h"

#define JOBS	pfs_kind_by_name(&pfs_all_kinds, "restore-jobs")
#define BACKUPS pfs_kind_by_name(&pfs_all_kinds, "backups")
#define INDEXES pfs_kind_by_name(&pfs_all_kinds, "indexes")

/* The document of a job, as fake_api_answer takes it; "ID=" before it makes it a row. */
#define JOB_DOC(id, backup, name, created)                                                         \
	"{\"restore_job_id\":\"" id "\",\"backup_id\":\"" backup                                   \
	"\",\"target_index_name\":\"" name                                                         \
	"\",\"status\":\"Pending\",\"created_at\":\"2026-01-0" created "T00:00:00Z\"}"
#define JOB_ROW(id, backup, name, created) id "=" JOB_DOC(id, backup, name, created)

/* A backup that is known, as of now. */
struct pfs_object *know_backup(struct bench *bench, const char *id);

/* A job that is known by a describe; the list of jobs has these rows, now. */
struct pfs_object *know_made(struct bench *bench, const char *id, const char *object);
void list_jobs(struct bench *bench, const char *rows);

/* One of a kind that is known, or NULL. */
struct pfs_object *known(struct bench *bench, const struct pfs_kind *kind, const char *id);

/* The names that a source has, in order, each with the id of its job: "NAME=ID NAME=ID". */
const char *made_of(struct bench *bench, const struct pfs_object *source);

/* The id of the job that a name stands for, or "". */
const char *job_of(struct bench *bench, const struct pfs_object *source, const char *name);

/* Give a command; the waiter may be NULL where nobody is to wait. */
int make(struct bench *bench, struct pfs_object *source, const char *name, struct waiter *waiter);

/* The same, with a backup "b" that is known and held, and somebody who listens: how many names came
 * with somebody waiting, and without. */
int setup_restores(void **state);
extern unsigned waited_for, unexpected;

struct pfs_object *backup(struct bench *bench); /* "b" */

/* Answer the describe of an index; a job may have the same id. */
void answer_index(struct bench *bench, const char *name, int error, int status);

/* What the last command for "b" failed with; NULL: none has. */
void assert_error(struct bench *bench, const char *text);

#endif
