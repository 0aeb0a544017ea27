/* SPDX-License-Identifier: MIT */
/*
 * count: what was asked of the simulator.
 *
 * Tests keep clients to "one request, no more" by these figures. A request
 * counts from the moment its header has arrived, whatever becomes of it.
 * Control requests are never counted. Bounded: so many paths, so many log
 * entries, and never the value of a secret header.
 */
#ifndef SIM_COUNT_H
#define SIM_COUNT_H

#include "api.h"

/* Requests that the log remembers, and paths that are counted one by one. */
#define SIM_LOG_MAX   1000
#define SIM_PATHS_MAX 1000

struct sim_path_count {
	uint64_t hash;
	char *path;
	uint64_t n;
};

struct sim_count {
	uint64_t routes[SIM_ROUTES];
	uint64_t commands[SIM_COMMANDS];
	struct {
		uint64_t describe;
		uint64_t list;
	} kinds[SIM_KINDS];
	uint64_t unauthorized;
	uint64_t connections; /* that carried at least one API request */
	uint64_t at_once;     /* under way now */
	uint64_t most_at_once;
	struct sim_path_count paths[SIM_PATHS_MAX];
	size_t n_paths;
	uint64_t other_paths;		  /* requests for paths beyond these */
	struct sim_text log[SIM_LOG_MAX]; /* a ring of JSON objects */
	uint64_t logged;		  /* in all; the next place is modulo the size */
	uint64_t round;			  /* grows with each reset */
};

/* A request, this @call, arrived for the decoded @path; @key is its Api-Key or NULL. */
void sim_count_begin(struct sim_count *count, const struct sim_call *call, const char *path,
		     const char *key);

/* A request that began is over, answered or not. */
void sim_count_end(struct sim_count *count);

/*
 * The place for the log entry of a request, emptied: the caller writes one
 * JSON object into it.
 */
struct sim_text *sim_count_log(struct sim_count *count);

/* Append the figures, or the log (an array, oldest first), as JSON. */
void sim_count_render(const struct sim_count *count, struct sim_text *text);
void sim_count_render_log(const struct sim_count *count, struct sim_text *text);

/*
 * Forget all but the requests that are under way: they are the new
 * most_at_once, and their connections are counted with their next request.
 */
void sim_count_reset(struct sim_count *count);

/* Free the memory. */
void sim_count_finish(struct sim_count *count);

#endif
