/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "world.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Pending jobs unless told otherwise: a quarter of all, and not more than these. */
#define PENDING_MAX 100

static const char help[] =
	"Usage: pinecone-sim [OPTION]...\n"
	"Behave as the control plane of Pinecone does, on 127.0.0.1.\n"
	"\n"
	"      --port N            listen on this port (0, the default: any)\n"
	"      --jobs N            restore jobs at the start (12)\n"
	"      --pending N         how many of them are Pending (a quarter, at most 100)\n"
	"      --restore-time S    seconds that a restore takes (20)\n"
	"      --seed N            another seed gives other ids, names and times (1)\n"
	"      --latency S         seconds by which each answer is late (0)\n"
	"      --die-with-parent[=PID]\n"
	"                          end when the parent process, or PID as the parent, ends\n"
	"  -h, --help              show this text\n"
	"  -V, --version           show the version\n"
	"\n"
	"The first line on stdout is the base URL. See pinecone-sim(1) for the /_sim\n"
	"endpoints, by which a test changes jobs and orders faults.\n";

enum { OPT_PORT = 256, OPT_JOBS, OPT_PENDING, OPT_RESTORE, OPT_SEED, OPT_LATENCY, OPT_DIE };

static const struct option long_options[] = {
	{"port", required_argument, NULL, OPT_PORT},
	{"jobs", required_argument, NULL, OPT_JOBS},
	{"pending", required_argument, NULL, OPT_PENDING},
	{"restore-time", required_argument, NULL, OPT_RESTORE},
	{"seed", required_argument, NULL, OPT_SEED},
	{"latency", required_argument, NULL, OPT_LATENCY},
	{"die-with-parent", optional_argument, NULL, OPT_DIE},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/* Digits only: strtoull alone would take signs and blanks. */
static int parse_number(const char *text, uint64_t most, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (*end || errno || number > most)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int parse_seconds(const char *text, int64_t *ret_us)
{
	double seconds;
	char *end;

	if ((*text < '0' || *text > '9') && *text != '.')
		return -EINVAL;
	seconds = strtod(text, &end);
	if (*end || end == text || !(seconds >= 0 && seconds <= 1e6))
		return -EINVAL;
	*ret_us = (int64_t)llround(seconds * 1e6);
	return 0;
}

/* What an option takes, for the line about one that got something else. */
static const char *wanted(int option)
{
	switch (option) {
	case OPT_PORT:
		return "a port: a number from 0 to 65535";
	case OPT_JOBS:
	case OPT_PENDING:
		return "a number of jobs, 10000000 at most";
	case OPT_SEED:
		return "a number from 0 to 18446744073709551615";
	case OPT_RESTORE:
	case OPT_LATENCY:
		return "a number of seconds, 1000000 at most";
	default:
		return "the id of a process";
	}
}

static int parse_option(int option, const char *value, struct sim_options *options)
{
	uint64_t number = 0;
	int r;

	switch (option) {
	case OPT_PORT:
		r = parse_number(value, 65535, &number);
		options->port = (unsigned int)number;
		return r;
	case OPT_JOBS:
		r = parse_number(value, SIM_JOBS_MAX, &number);
		options->jobs = (uint32_t)number;
		return r;
	case OPT_PENDING:
		r = parse_number(value, SIM_JOBS_MAX, &number);
		options->pending = (uint32_t)number;
		return r;
	case OPT_SEED:
		return parse_number(value, UINT64_MAX, &options->seed);
	case OPT_RESTORE:
		return parse_seconds(value, &options->restore_us);
	case OPT_LATENCY:
		return parse_seconds(value, &options->latency_us);
	default:
		options->dies_with_parent = true;
		r = value ? parse_number(value, INT32_MAX, &number) : 0;
		options->parent = (pid_t)number;
		return r;
	}
}

__attribute__((format(printf, 1, 2))) static enum sim_parsed complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fputs("pinecone-sim: ", stderr);
	(void)vfprintf(stderr, format, arguments);
	(void)fputs(" (see pinecone-sim --help)\n", stderr);
	va_end(arguments);
	return SIM_PARSED_WRONG;
}

/* Values that depend on others. */
static enum sim_parsed settle(struct sim_options *options)
{
	if (options->pending == UINT32_MAX) {
		options->pending = (options->jobs + 3) / 4;
		if (options->pending > PENDING_MAX)
			options->pending = PENDING_MAX;
	}
	if (options->pending > options->jobs)
		return complain("--pending %u: there are only %u jobs", options->pending,
				options->jobs);
	return SIM_PARSED_RUN;
}

static enum sim_parsed show(const char *text)
{
	(void)fputs(text, stdout);
	return SIM_PARSED_DONE;
}

enum sim_parsed sim_options_parse(int argc, char **argv, struct sim_options *ret_options)
{
	struct sim_options options = {
		.jobs = 12,
		.pending = UINT32_MAX,
		.seed = 1,
		.restore_us = 20000000,
	};
	enum sim_parsed parsed;
	int index = 0;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":hV", long_options, &index)) >= 0) {
		if (c == 'h')
			return show(help);
		if (c == 'V')
			return show("pinecone-sim " SIM_VERSION "\n");
		if (c == ':')
			return complain("%s: needs a value", argv[optind - 1]);
		if (c == '?')
			return complain("%s: unknown or ambiguous option", argv[optind - 1]);
		if (parse_option(c, optarg, &options) < 0)
			return complain("--%s: '%s' is not %s", long_options[index].name, optarg,
					wanted(c));
	}
	if (optind < argc)
		return complain("'%s': takes options only", argv[optind]);
	parsed = settle(&options);
	if (parsed == SIM_PARSED_RUN)
		*ret_options = options;
	return parsed;
}
