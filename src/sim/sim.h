/* SPDX-License-Identifier: MIT */
/*
 * sim: the state of one simulator, handed from main to the rooms that answer.
 *
 * The rooms, from the ground up; each includes only what stands below it:
 *
 *   main        options, signals, the order of beginning and end
 *    └ serve      HTTP: connections, waiting answers, the loop
 *       ├ listen    the socket
 *       ├ inject    faults of the transport; with serve all that knows libmicrohttpd
 *       ├ control   the /_sim endpoints
 *       │   ├ habit   the list's habits by name
 *       │   ├ count   what was asked
 *       │   └ faults  rules of misbehaviour
 *       └ api       describe, list, errors
 *           ├ page    a list, paging and its habits
 *           ├ data    the counts of an index
 *           └ route   which call a request is
 *               └ command   what makes and deletes
 *                   └ world   all that there is, and what links it
 *                       └ shelf   all objects of a kind
 *                           └ kind    the table; its rows are job, backup, index, collection
 *                               ├ field   what several rows show
 *                               ├ seed    how those at the start belong together
 *                               └ object  one of them
 *   reply, text, dice, timer, clock   the ground
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "clock.h"
#include "count.h"
#include "faults.h"
#include "page.h"
#include "world.h"

struct sim {
	struct sim_clock clock;
	struct sim_world world;
	struct sim_listing listings[SIM_KINDS];
	struct sim_faults faults;
	struct sim_count count;
	int64_t latency_us; /* every API answer is that late */
};

#endif
