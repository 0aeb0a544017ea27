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
	unsigned int kind; /* of what is described, listed, or named by a command's path */
	int command;	   /* its number */
	const char *id;	   /* in the given path: of the object that it names, */
	size_t id_len;	   /* 0: it names none */
};

/* Which call this is. */
struct sim_call sim_route_find(const char *method, const char *path);

#endif
