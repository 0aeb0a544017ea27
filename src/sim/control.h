/* SPDX-License-Identifier: MIT */
/*
 * control: the /_sim endpoints, by which a test moves the world.
 *
 * Not a part of the API: no key, no counting, no faults, no latency. The
 * endpoints and their bodies are described in pinecone-sim(1).
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "reply.h"
#include "sim.h"

/* Largest body of a control request, in bytes. */
#define SIM_CONTROL_BODY_MAX ((size_t)64 * 1024 * 1024)

/*
 * Carry out one control request and write its answer; a refused one changes
 * nothing. @body need not be terminated. Returns -ENOMEM, -E2BIG.
 */
int sim_control_answer(struct sim *sim, const char *method, const char *path,
		       const struct sim_text *body, struct sim_reply *ret_reply);

#endif
