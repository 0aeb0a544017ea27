/* SPDX-License-Identifier: MIT */
/*
 * reply: an answer before it goes out: status, headers, body.
 *
 * The rooms that decide what to answer (api, control, faults) fill one of
 * these and know nothing of sockets; serve sends it.
 */
#ifndef SIM_REPLY_H
#define SIM_REPLY_H

#include "text.h"

#define SIM_REPLY_HEADERS 32

struct sim_reply {
	unsigned int status;
	struct sim_text body;
	struct {
		char *name;
		char *value;
	} headers[SIM_REPLY_HEADERS];
	unsigned int n_headers;
};

/* Add a header; both strings are copied. Returns -E2BIG, -ENOMEM. */
int sim_reply_header(struct sim_reply *reply, const char *name, const char *value);

/* Set the status and the Content-Type. */
int sim_reply_start(struct sim_reply *reply, unsigned int status, const char *type);

/*
 * Make @reply the service's JSON error with this status. @code as in the API's
 * description ("NOT_FOUND"), or NULL for the one that belongs to the status.
 */
int sim_reply_error(struct sim_reply *reply, unsigned int status, const char *code,
		    const char *message);

/* The same for a 404 about an object: @noun @id not found. */
int sim_reply_missing(struct sim_reply *reply, const char *noun, const char *id);

/* Free what the reply owns and zero it. */
void sim_reply_finish(struct sim_reply *reply);

#endif
