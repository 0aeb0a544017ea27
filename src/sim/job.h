/* SPDX-License-Identifier: MIT */
/*
 * job: one restore job, what the clock makes of it, and its JSON.
 *
 * A job is a handful of facts from which every field follows for any moment:
 * nothing is updated as time passes. Fields that were set by hand through the
 * control endpoints lie on top of the facts and win. No I/O, no HTTP; cJSON
 * only for the values set by hand.
 */
#ifndef SIM_JOB_H
#define SIM_JOB_H

#include "dice.h"
#include "text.h"

#include <cjson/cJSON.h>

/* The end of a job that never ends. */
#define SIM_NEVER INT64_MAX

/* created_at is null for this long after a job was born, as the real service shows it. */
#define SIM_FRESH_US INT64_C(500000)

enum sim_outcome { SIM_COMPLETED, SIM_FAILED, SIM_CANCELLED };

/* How an object's text is laid out; the values are the same. */
enum sim_layout {
	SIM_COMPACT, /* no white space, keys in the order of the documentation */
	SIM_PRETTY,  /* a line a key, keys in the reverse order */
};

/* Times are microseconds since the epoch. */
struct sim_facts {
	int64_t created_us;
	int64_t done_us; /* Pending before it; SIM_NEVER: for ever */
	enum sim_outcome outcome;
	bool tells_end;	   /* a Failed or Cancelled job has a completed_at too */
	bool percent_null; /* percent_complete is null, not absent, until Completed */
	char backup_id[SIM_UUID_SIZE];
	char index_id[SIM_UUID_SIZE];
	char index_name[46]; /* the real service allows 45 characters */
};

struct sim_job {
	char *id;
	struct sim_facts facts;
	char *running;	   /* the status until done_us; NULL: "Pending" */
	cJSON *set;	   /* object: keys that show this value and no other; or NULL */
	cJSON *removed;	   /* array of keys that are left out; or NULL */
	char *raw;	   /* the object's whole text, whatever the rest says; or NULL */
	int64_t listed_us; /* lists leave the job out before this moment */
};

/* Append the job's object as it is at @now_us. A raw text is the same in every layout. */
void sim_job_render(const struct sim_job *job, int64_t now_us, enum sim_layout layout,
		    struct sim_text *text);

/*
 * Change a job (whose memory is its own, unlike a view of a seeded one) as the
 * control request @body says at @now_us:
 *   status        one of the three ends: the job ends so, now or restore_time
 *                 from now. Any other string is shown until it ends.
 *   restore_time  seconds until the end; without it a status that is no end
 *                 lasts for ever
 *   raw           the object's text; null: rendered again
 *   remove        array of keys to leave out
 *   restore_job_id  ignored: an id doesn't change
 *   other keys    shown as given from now on
 * Returns -EINVAL for a value of the wrong type (nothing is changed then),
 * -E2BIG for more than about 250 keys in all, -ENOMEM.
 */
int sim_job_change(struct sim_job *job, const cJSON *body, int64_t now_us);

/* Is this an array of nothing but strings? */
bool sim_is_array_of_strings(const cJSON *array);

/* Free what the job owns and zero it. Takes an empty one. */
void sim_job_finish(struct sim_job *job);

#endif
