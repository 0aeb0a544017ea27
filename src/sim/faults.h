/* SPDX-License-Identifier: MIT */
/*
 * faults: rules by which the service misbehaves.
 *
 * A rule says which requests it takes, how many of them, and what happens to
 * them. This room keeps the rules and turns those faults that are answers into
 * replies; faults of the transport (reset, silence, …) are carried out by
 * inject.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "api.h"

#define SIM_RULES_MAX 1000

/* What becomes of the request. */
enum sim_fault {
	SIM_FAULT_NONE,	    /* delayed at most, then answered as ever */
	SIM_FAULT_STATUS,   /* this status, headers and body */
	SIM_FAULT_GARBAGE,  /* 200 and bytes that are no JSON */
	SIM_FAULT_DEEP,	    /* 200 and JSON nested 10,000 deep */
	SIM_FAULT_REDIRECT, /* 302 to a location */
	/* From here on the transport is at fault; see inject.h. */
	SIM_FAULT_RESET,
	SIM_FAULT_SILENCE,
	SIM_FAULT_HALF,
	SIM_FAULT_DRIP,
	SIM_FAULT_HUGE,
};

struct sim_rule {
	cJSON *spec; /* as it was sent */
	enum sim_fault kind;
	int64_t left; /* requests that it still takes; -1: all */
	uint64_t hits;
};

struct sim_faults {
	struct sim_rule rules[SIM_RULES_MAX];
	size_t n;
};

/*
 * Add a rule; @spec is the caller's. Returns -EINVAL for an unknown key or a
 * value that makes no sense, with @ret_why naming it (of @spec or constant), -ENOSPC,
 * -ENOMEM.
 */
int sim_faults_add(struct sim_faults *faults, const cJSON *spec, const char **ret_why);

/*
 * The first rule that takes this request, counted as used, or NULL. Good until
 * the rules change: a request that waits copies what it needs.
 */
const struct sim_rule *sim_faults_match(struct sim_faults *faults, enum sim_route route,
					const char *path);

/* Delay in microseconds that a rule's spec asks for. */
int64_t sim_faults_delay(const cJSON *spec);

/* Whether a command is carried out before the fault, and only its answer suffers. NULL: no rule. */
bool sim_faults_loses_answer(const cJSON *spec);

/*
 * Write the answer of a rule that is one (kind below SIM_FAULT_RESET), or the
 * status, headers and body that half, drip and huge begin with.
 */
int sim_faults_reply(enum sim_fault kind, const cJSON *spec, struct sim_reply *ret_reply);

/* Append all rules as a JSON array, each as it was sent with its "hits". */
void sim_faults_render(const struct sim_faults *faults, struct sim_text *text);

/* Forget all rules. */
void sim_faults_clear(struct sim_faults *faults);

#endif
