/* SPDX-License-Identifier: MIT */
/*
 * route: which call of the API a request is.
 */
#ifndef SIM_ROUTE_H
#define SIM_ROUTE_H

#include "command.h"

enum sim_route {
	SIM_ROUTE_DESCRIBE,		/* GET /kind/{id} */
	SIM_ROUTE_LIST,			/* GET /kind, or /indexes/{name}/backups */
	SIM_ROUTE_COMMAND,		/* what makes or deletes something */
	SIM_ROUTE_STATS,		/* describe_index_stats of an index's data plane */
	SIM_ROUTE_OTHER,		/* any other API request: an error */
	SIM_ROUTES,			/* how many are counted */
	SIM_ROUTE_CONTROL = SIM_ROUTES, /* /_sim/…, not a part of the API */
};

struct sim_call {
	enum sim_route route;
	unsigned int kind; /* what is described or listed, or what a command's path names */
	int command;	   /* the number of a command */
	const char *id;	   /* of the object that the path names, a part of the path */
	size_t id_len;	   /* 0: the path names none */
};

/* Which call this is. */
struct sim_call sim_route_find(const char *method, const char *path);

#endif
