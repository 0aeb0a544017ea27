/* SPDX-License-Identifier: MIT */
/*
 * fuzz: what the fuzz targets share. A target is one LLVMFuzzerTestOneInput(); it feeds hostile
 * bytes to a room as the network, or a person, would, and checks what must hold whatever they say.
 *
 * Built by clang with -Dfuzz=true it is linked with libFuzzer. In every other build replay.c is
 * its main(), and gives it the files of the corpus, one test each.
 */
#ifndef PINEFS_FUZZ_H
#define PINEFS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "pinefs/http.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/store.h"
#include "pinefs/table.h"
#include "pinefs/tree.h"
#include "pinefs/wait.h"

struct pfs_buffer;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			(void)fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__,          \
				      #condition);                                                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct slice {
	const char *bytes;
	size_t length;
};

/* Cut the part before the next byte `at` off rest. False once nothing is left. */
bool slice_next(struct slice *rest, char at, struct slice *ret_part);
/* A copy with a NUL behind it, cut where a NUL is; the caller frees it. */
char *slice_string(struct slice slice);

/* Can these bytes go to a terminal? Well-formed UTF-8 without control characters. */
bool is_for_people(const char *text, size_t length);
/* Letters, digits, `._-`, not empty, no dot in front, at most 255 bytes. */
bool is_file_name(const char *name);

/*
 * The rooms from api up to tree, over an http that is played by the target: what is asked waits
 * until world_answer, and time stands still until world_pass.
 */
struct world {
	struct pfs_clock clock; /* first: the clock's functions find the world by it */
	int64_t now;
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct pfs_key *key;
	struct pfs_api *api;
	struct pfs_store *store;
	struct pfs_history *history;
	struct pfs_tables *tables;
	struct pfs_tree *tree;
	const struct pfs_kind *kind; /* of the objects that matter here */
};

/* A world of which this kind matters. */
struct world *world_create(const struct pfs_kind *kind);
void world_destroy(struct world *world);
void world_pass(struct world *world, int64_t ns);

/* The path of what was asked first and is unanswered, or NULL. */
const char *world_asked(const struct world *world);
/* How many questions there were, all told. */
unsigned world_questions(const struct world *world);
/* Answer it: with HTTP's status and a body, or in another way. */
void world_answer(struct world *world, int status, struct slice body);
void world_answer_with(struct world *world, const struct pfs_http_answer *answer);

/* A wait that remembers what it was told. */
struct waiter {
	struct pfs_wait wait; /* first: done finds the waiter by it */
	bool told;
	int error;
};
void waiter_init(struct waiter *waiter);

/* The collection, and an object in it by id; false if it isn't known. */
struct pfs_node world_collection(const struct world *world);
bool world_object(struct world *world, const char *id, struct pfs_node *ret_node);

/* Visit each file of an object: its name, and its bytes as stat(2) and read(2) would tell. */
typedef void world_visit(void *arg, const char *name, const struct pfs_node *node,
			 const struct pfs_buffer *content);
void world_each_file(struct world *world, const struct pfs_node *object, world_visit *visit,
		     void *arg);

#endif
