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
enum sim_kind {
	SIM_KIND_NONE,	   /* delayed at most, then answered as ever */
	SIM_KIND_STATUS,   /* this status, headers and body */
	SIM_KIND_GARBAGE,  /* 200 and bytes that are no JSON */
	SIM_KIND_DEEP,	   /* 200 and JSON nested 10,000 deep */
	SIM_KIND_REDIRECT, /* 302 to a location */
	/* From here on the transport is at fault; see inject.h. */
	SIM_KIND_RESET,
	SIM_KIND_SILENCE,
	SIM_KIND_HALF,
	SIM_KIND_DRIP,
	SIM_KIND_HUGE,
};

struct sim_rule {
	cJSON *spec; /* as it was sent */
	enum sim_kind kind;
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

/*
 * Write the answer of a rule that is one (kind below SIM_KIND_RESET), or the
 * status, headers and body that half, drip and huge begin with.
 */
int sim_faults_reply(enum sim_kind kind, const cJSON *spec, struct sim_reply *ret_reply);

/* Append all rules as a JSON array, each as it was sent with its "hits". */
void sim_faults_render(const struct sim_faults *faults, struct sim_text *text);

/* Forget all rules. */
void sim_faults_clear(struct sim_faults *faults);

#endif
