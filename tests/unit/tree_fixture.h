/* SPDX-License-Identifier: MIT */
/* tree_fixture: a tree over the store of store_fixture, and what the tests of it share. */
#ifndef PINEFS_TREE_FIXTURE_H
#define PINEFS_TREE_FIXTURE_H

#include <sys/stat.h>

#include "pinefs/history.h"
#include "pinefs/restore.h"
#include "pinefs/table.h"
#include "pinefs/tree.h"
#include "store_fixture.h"

#define README "what this is\n"

#define COMMANDS_MAX 4 /* under way at once */

struct bench {
	struct fixture *store;
	struct pfs_history *history;
	struct pfs_tables *tables;     /* NULL without use_tables */
	struct pfs_restores *restores; /* NULL: nothing can be made */
	struct pfs_tree *tree;
	struct pfs_buffer buffer; /* of the last read */
	char config[20];
	char report[400]; /* what "stats" and "inflight" say now */
};

/* The trees that are set up from now on have tables. */
void use_tables(const struct pfs_tables_config *config);

/* The histories of the trees that are set up from now on have these bounds. */
void use_history(const struct pfs_history_config *config);

int setup_tree(void **state);
int setup_tree_with_restores(void **state); /* and with all kinds */
int teardown_tree(void **state);

/* The node of a path from the root ("restore-jobs/a/status"), which is known: nobody is asked. */
struct pfs_node walk(struct bench *bench, const char *path);

/* What a lookup says without asking anybody: 0, or an errno. */
int look_up(struct bench *bench, const char *directory, const char *name);

/* The names after a cursor, in order, each with a blank behind it. Nobody is asked. */
const char *names(struct bench *bench, const char *directory, uint64_t cursor);

/* Tell attributes; read what was promised. */
struct stat attributes(struct bench *bench, const char *path);
int read_node(struct bench *bench, const struct pfs_node *node); /* a copy, in buffer */
const char *content(struct bench *bench, const char *path);

/* Have a job known by a describe; the same as is answered by now in one known already. */
void learn_object(struct bench *bench, const char *id, const char *object);

#endif
