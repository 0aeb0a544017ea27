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
#include "route.h"

/* A request; absent headers and parameters are NULL. */
struct sim_query {
	const char *method;
	const char *path;    /* percent-decoded, without the query */
	const char *key;     /* Api-Key header */
	const char *version; /* X-Pinecone-Api-Version header */
	const char *limit;
	const char *token; /* paginationToken */
	const struct sim_text *body;
};

/* Whether the service would take this Api-Key (NULL: none was sent). */
bool sim_api_accepts_key(const char *key);

/*
 * Answer an API request at @now_us; @listings has the habits of each kind's
 * list. @ret_reply is empty before; the caller
 * frees it also after a failure. Returns -ENOMEM, -E2BIG.
 */
int sim_api_answer(struct sim_world *world, const struct sim_listing *listings,
		   const struct sim_query *query, int64_t now_us, struct sim_reply *ret_reply);

#endif
