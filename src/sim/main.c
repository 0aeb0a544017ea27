/* SPDX-License-Identifier: MIT */
/*
 * pinecone-sim: a stand-in for the Pinecone control plane. The map of the
 * source is in sim.h.
 */
#include "options.h"
#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/*
 * The simulator has no use for an API key, but inherits one when a shell that
 * has it exported starts it. unsetenv would leave the bytes where
 * /proc/PID/environ shows them to everybody of the same user, so they go first.
 */
static void forget_key(void)
{
	static const char name[] = "PINECONE_API_KEY=";

	for (char **entry = environ; *entry; entry++) {
		if (strncmp(*entry, name, sizeof(name) - 1) == 0)
			explicit_bzero(*entry + sizeof(name) - 1,
				       strlen(*entry + sizeof(name) - 1));
	}
	unsetenv("PINECONE_API_KEY");
}

/* False: the parent is gone already and no signal will come. */
static bool follow_parent(const struct sim_options *options, pid_t parent)
{
	if (!options->dies_with_parent)
		return true;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return false;
	return getppid() == (options->parent ? options->parent : parent);
}

/* A descriptor that is readable once we are asked to end. */
static int take_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int fail(const char *what, int error)
{
	(void)fprintf(stderr, "pinecone-sim: %s: %s\n", what, strerror(-error));
	return EXIT_FAILURE;
}

static const char *listening_on(unsigned int port, char *out, size_t size)
{
	if (port)
		(void)snprintf(out, size, "can't listen on 127.0.0.1, port %u", port);
	else
		(void)snprintf(out, size, "can't listen on 127.0.0.1");
	return out;
}

static int serve(struct sim *sim, const struct sim_options *options, int stop_fd)
{
	struct sim_server *server;
	char where[64];
	int r = sim_server_create(sim, options->port, &server);

	if (r < 0)
		return fail(listening_on(options->port, where, sizeof(where)), r);
	printf("http://127.0.0.1:%u\n", sim_server_port(server));
	(void)fflush(stdout);
	r = sim_server_run(server, stop_fd);
	sim_server_destroy(server);
	return r < 0 ? fail("loop", r) : EXIT_SUCCESS;
}

static int simulate(const struct sim_options *options, int stop_fd)
{
	struct sim_seeding seeding = options->seeding;
	struct sim *sim = calloc(1, sizeof(*sim));
	int status;
	int r;

	if (!sim)
		return fail("start", -ENOMEM);
	sim_clock_start(&sim->clock);
	seeding.start_us = sim_clock_now(&sim->clock);
	sim->latency_us = options->latency_us;
	r = sim_world_init(&sim->world, &seeding);
	status = r < 0 ? fail("world", r) : serve(sim, options, stop_fd);
	for (unsigned int kind = 0; kind < SIM_KINDS; kind++)
		cJSON_Delete(sim->listings[kind].extra_rows);
	sim_faults_clear(&sim->faults);
	sim_count_finish(&sim->count);
	sim_world_finish(&sim->world);
	free(sim);
	return status;
}

int main(int argc, char **argv)
{
	pid_t parent = getppid();
	struct sim_options options;
	int stop_fd;
	int status;

	forget_key();
	switch (sim_options_parse(argc, argv, &options)) {
	case SIM_PARSED_DONE:
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	case SIM_PARSED_WRONG:
		return 2;
	case SIM_PARSED_RUN:
		break;
	}
	stop_fd = take_signals();
	if (stop_fd < 0)
		return fail("signals", stop_fd);
	if (!follow_parent(&options, parent)) {
		close(stop_fd);
		return EXIT_SUCCESS;
	}
	status = simulate(&options, stop_fd);
	close(stop_fd);
	return status;
}
