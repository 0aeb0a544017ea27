/* SPDX-License-Identifier: MIT */
/*
 * page: the list of jobs, a page at a time, and its bad habits.
 *
 * Paging is by offset, as in the real service: a token is the base64 text of
 * {"limit":N,"offset":M}, offsets count places in the world's order, and a
 * page that is full carries a token even when nothing follows. A job that the
 * list leaves out keeps its place, so the page is shorter than its limit.
 */
#ifndef SIM_PAGE_H
#define SIM_PAGE_H

#include "world.h"

#define SIM_LIMIT_MAX 100

/* What the list does beyond the last job. */
enum sim_endless {
	SIM_ENDS,
	SIM_ENDLESS_ROWS,  /* invented jobs, page after page */
	SIM_ENDLESS_EMPTY, /* no rows, but always another token */
};

/* How the last page says that it is the last: the value of "pagination". */
enum sim_ending {
	SIM_END_NULL,	   /* null */
	SIM_END_MISSING,   /* no such key */
	SIM_END_EMPTY,	   /* {} */
	SIM_END_NEXT_NULL, /* {"next":null} */
};

/* All zero: a list without habits. */
struct sim_listing {
	uint32_t repeat; /* rows of a page that the next one begins with again */
	int64_t late_us; /* jobs added from now on are listed this much later */
	bool loop_token; /* every page gives the token of the second one */
	enum sim_endless endless;
	enum sim_ending ending;
	enum sim_layout layout;
	cJSON *extra_rows; /* array of texts put after the rows of the first page; or NULL */
};

struct sim_place {
	uint32_t limit;	 /* 1 to SIM_LIMIT_MAX */
	uint64_t offset; /* counted in jobs */
};

/* Read a token into @ret_place; -EINVAL if it is none of ours. */
int sim_page_parse_token(const char *token, struct sim_place *ret_place);

/* Append the page that begins at @place, as the list is at @now_us. */
void sim_page_render(const struct sim_world *world, const struct sim_listing *listing,
		     const struct sim_place *place, int64_t now_us, struct sim_text *text);

#endif
