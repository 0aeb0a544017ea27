/* SPDX-License-Identifier: MIT */
/*
 * api: the calls of the control plane, as the service answers them.
 *
 * Takes what a request said and writes a reply; no sockets, no faults, no
 * counting. What the service does and its description doesn't say is the
 * business of this room: a plain-text 401, a limit of 100 where the text says
 * 10, a parameter that is ignored when it is spelt in the wrong case.
 */
#ifndef SIM_API_H
#define SIM_API_H

#include "page.h"
#include "reply.h"
#include "world.h"

enum sim_route {
	SIM_ROUTE_DESCRIBE, /* GET /kind/{id} */
	SIM_ROUTE_LIST,	    /* GET /kind */
	SIM_ROUTE_OTHER,    /* any other API request: an error */
	SIM_ROUTE_CONTROL,  /* /_sim/…, not a part of the API */
};

/* A request; absent headers and parameters are NULL. */
struct sim_query {
	const char *method;
	const char *path; /* percent-decoded, without the query */
	const char *key;  /* Api-Key header */
	const char *limit;
	const char *token; /* paginationToken */
};

struct sim_call {
	enum sim_route route;
	unsigned int kind; /* of a describe or a list */
	const char *id;	   /* of a describe, in the path that was given */
};

/* Which call this is. */
struct sim_call sim_api_route(const char *method, const char *path);

/* Whether the service would take this Api-Key (NULL: none was sent). */
bool sim_api_accepts_key(const char *key);

/*
 * Answer an API request at @now_us; @listings has the habits of each kind's
 * list. @ret_reply is empty before; the caller
 * frees it also after a failure. Returns -ENOMEM, -E2BIG.
 */
int sim_api_answer(const struct sim_world *world, const struct sim_listing *listings,
		   const struct sim_query *query, int64_t now_us, struct sim_reply *ret_reply);

#endif
