/* SPDX-License-Identifier: MIT */
/*
 * habit: the habits of a kind's list, as control requests give and get them.
 *
 * page acts on them; their names and values are here.
 */
#ifndef SIM_HABIT_H
#define SIM_HABIT_H

#include "page.h"

/*
 * Change the habits that the object @body names, and which objects of @shelf the
 * list drops. Returns -EINVAL for what is no habit, -ENOENT for an unknown id,
 * with @ret_why naming it (a part of @body), -ENOMEM; nothing is changed then.
 */
int sim_habit_change(struct sim_listing *listing, struct sim_shelf *shelf, const cJSON *body,
		     const char **ret_why);

/* Append the habits that are in force as a JSON object. */
void sim_habit_render(const struct sim_listing *listing, unsigned int kind, struct sim_text *text);

#endif
