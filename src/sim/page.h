/* SPDX-License-Identifier: MIT */
/*
 * page: the list of a kind, a page at a time or whole, and its bad habits.
 *
 * Paging is by offset, as in the real service: a token is the base64 text of
 * {"limit":N,"offset":M}, offsets count places in the world's order, and a
 * page that is full carries a token even when nothing follows. An object that the
 * list leaves out keeps its place, so the page is shorter than its limit.
 */
#ifndef SIM_PAGE_H
#define SIM_PAGE_H

#include "shelf.h"

#define SIM_LIMIT_MAX 100

/* What the list does beyond the last object. */
enum sim_endless {
	SIM_ENDS,
	SIM_ENDLESS_ROWS,  /* invented objects, page after page */
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
	int64_t late_us; /* objects added from now on are listed this much later */
	bool loop_token; /* every page gives the token of the second one */
	enum sim_endless endless;
	enum sim_ending ending;
	enum sim_layout layout;
	cJSON *extra_rows; /* array of texts put after the rows of the first page; or NULL */
};

struct sim_place {
	uint32_t limit;	 /* 1 to SIM_LIMIT_MAX */
	uint64_t offset; /* counted in objects */
};

/* Read a token into @ret_place; -EINVAL if it is none of ours. */
int sim_page_parse_token(const char *token, struct sim_place *ret_place);

/* Append the page of these rows that begins at @place. */
void sim_page_render(const struct sim_shelf *shelf, const struct sim_listing *listing,
		     struct sim_rows rows, const struct sim_place *place,
		     const struct sim_view *view, struct sim_text *text);

/* Append the whole list of a kind that isn't paged; habits of pages don't apply. */
void sim_page_render_whole(const struct sim_shelf *shelf, const struct sim_listing *listing,
			   const struct sim_view *view, struct sim_text *text);

#endif
