/* SPDX-License-Identifier: MIT */
/*
 * options: the command line. Writes its own messages, one line on stderr for
 * what is wrong; ends nothing.
 */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "kind.h"

#include <sys/types.h>

struct sim_options {
	unsigned int port;	    /* 0: any */
	struct sim_seeding seeding; /* but for its start */
	int64_t latency_us;
	bool dies_with_parent;
	pid_t parent; /* that must be alive; 0: whoever it is */
};

/* What the command line came to. */
enum sim_parsed {
	SIM_PARSED_RUN,
	SIM_PARSED_DONE, /* --help or --version was written */
	SIM_PARSED_WRONG,
};

enum sim_parsed sim_options_parse(int argc, char **argv, struct sim_options *ret_options);

#endif
