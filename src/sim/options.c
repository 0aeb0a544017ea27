/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Pending jobs without --pending: a quarter of all, and not more than these. */
#define PENDING_MAX 100

static const char help[] =
	"Usage: pinecone-sim [OPTION]...\n"
	"Behave as the control plane of Pinecone does, on 127.0.0.1.\n"
	"\n"
	"      --port N            listen on this port (0, the default: any)\n"
	"      --jobs N            restore jobs at the start (12)\n"
	"      --pending N         how many of them are Pending (a quarter, at most 100)\n"
	"      --backups N         backups at the start (6)\n"
	"      --indexes N         indexes at the start (4)\n"
	"      --collections N     collections at the start (2)\n"
	"      --restore-time S    seconds that a restore takes (20)\n"
	"      --ready-time S      seconds until a restored index is ready (3)\n"
	"      --seed N            another seed gives other ids, names and times (1)\n"
	"      --latency S         seconds by which each answer is late (0)\n"
	"      --die-with-parent[=PID]\n"
	"                          end when the parent process, or PID as the parent, ends\n"
	"  -h, --help              show this text\n"
	"  -V, --version           show the version\n"
	"\n"
	"The first line on stdout is the base URL. See pinecone-sim(1) for the /_sim\n"
	"endpoints, by which a test changes the world and orders faults.\n";

enum {
	OPT_PORT = 256,
	OPT_JOBS,
	OPT_PENDING,
	OPT_BACKUPS,
	OPT_INDEXES,
	OPT_COLLECTIONS,
	OPT_RESTORE,
	OPT_READY,
	OPT_SEED,
	OPT_LATENCY,
	OPT_DIE,
};

static const struct option long_options[] = {
	{"port", required_argument, NULL, OPT_PORT},
	{"jobs", required_argument, NULL, OPT_JOBS},
	{"pending", required_argument, NULL, OPT_PENDING},
	{"backups", required_argument, NULL, OPT_BACKUPS},
	{"indexes", required_argument, NULL, OPT_INDEXES},
	{"collections", required_argument, NULL, OPT_COLLECTIONS},
	{"restore-time", required_argument, NULL, OPT_RESTORE},
	{"ready-time", required_argument, NULL, OPT_READY},
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
	case OPT_BACKUPS:
		return "a number of backups, 10000000 at most";
	case OPT_INDEXES:
		return "a number of indexes, 100000 at most";
	case OPT_COLLECTIONS:
		return "a number of collections, 1000 at most";
	case OPT_SEED:
		return "a number from 0 to 18446744073709551615";
	case OPT_RESTORE:
	case OPT_READY:
	case OPT_LATENCY:
		return "a number of seconds, 1000000 at most";
	default:
		return "the id of a process";
	}
}

static int parse_count(const char *text, unsigned int kind, uint32_t *ret_count)
{
	uint64_t number = 0;
	int r = parse_number(text, sim_kinds[kind]->most, &number);

	*ret_count = (uint32_t)number;
	return r;
}

static int parse_option(int option, const char *value, struct sim_options *options)
{
	struct sim_seeding *seeding = &options->seeding;
	uint64_t number = 0;
	int r;

	switch (option) {
	case OPT_PORT:
		r = parse_number(value, 65535, &number);
		options->port = (unsigned int)number;
		return r;
	case OPT_JOBS:
		return parse_count(value, SIM_JOBS, &seeding->n[SIM_JOBS]);
	case OPT_PENDING:
		return parse_count(value, SIM_JOBS, &seeding->pending);
	case OPT_BACKUPS:
		return parse_count(value, SIM_BACKUPS, &seeding->n[SIM_BACKUPS]);
	case OPT_INDEXES:
		return parse_count(value, SIM_INDEXES, &seeding->n[SIM_INDEXES]);
	case OPT_COLLECTIONS:
		return parse_count(value, SIM_COLLECTIONS, &seeding->n[SIM_COLLECTIONS]);
	case OPT_SEED:
		return parse_number(value, UINT64_MAX, &seeding->seed);
	case OPT_RESTORE:
		return parse_seconds(value, &seeding->restore_us);
	case OPT_READY:
		return parse_seconds(value, &seeding->ready_us);
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
static enum sim_parsed settle(struct sim_seeding *seeding)
{
	uint32_t jobs = seeding->n[SIM_JOBS];

	if (seeding->pending == UINT32_MAX) {
		seeding->pending = (jobs + 3) / 4;
		if (seeding->pending > PENDING_MAX)
			seeding->pending = PENDING_MAX;
	}
	if (seeding->pending > jobs)
		return complain("--pending %u: there are only %u jobs", seeding->pending, jobs);
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
		.seeding =
			{
				.n = {[SIM_JOBS] = 12,
				      [SIM_BACKUPS] = 6,
				      [SIM_INDEXES] = 4,
				      [SIM_COLLECTIONS] = 2},
				.pending = UINT32_MAX,
				.seed = 1,
				.restore_us = 20000000,
				.ready_us = 3000000,
			},
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
	parsed = settle(&options.seeding);
	if (parsed == SIM_PARSED_RUN)
		*ret_options = options;
	return parsed;
}
