/* SPDX-License-Identifier: MIT */
/*
 * pinefs: the Pinecone control plane as files.
 *
 * The source, from here down; include/pinefs/<room>.h says what each room promises.
 *
 *	main       this file: what happens in which order; main_*.c has its parts
 *	fs         messages from the kernel, one reply to each
 *	watch      who waits, polls and watches; what is refreshed for them; events
 *	poke       the child process: makes inotify events, scans /proc for watchers, and looks at
 *	           what has vanished
 *	tree       names, inodes, attributes, contents
 *	table      all objects of a kind in one text
 *	restore    what was made of an object by a command, and the commands
 *	metrics    what Prometheus is told of the mount and the project
 *	history    what was seen of each object, as lines that are only appended
 *	store      objects: until when they are valid, and who waits for them
 *	api        Pinecone: paths, headers, pages, commands, errors
 *	http       libcurl: deadlines, retries, the budget
 *	json       a document parsed once: its bytes and a table of its values
 *	resource   the table of kinds
 *	key        the API key
 *	options    the command line
 *	loop, log, mounts, stats, text, wait   the ground
 *	sim/       pinecone-sim, a program of its own; its map is in sim/sim.h
 *
 * The order matters, since the state of libcurl and libfuse doesn't survive a fork. What can be
 * checked without them comes first: the command line, the mountpoint, the key. Then comes the fork.
 * The forked process starts poke's child, asks the API once, and mounts; the parent waits for the
 * result and prints it.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "main.h"
#include "pinefs/http.h"
#include "pinefs/log.h"
#include "pinefs/poke.h"
#include "pinefs/text.h"

#define EXIT_USAGE   2
#define LARGE	     (256 * 1024) /* bytes */
#define CACERT_LINES 100000	  /* the first certificate is in these */

static int fail(const char *text)
{
	(void)fprintf(stderr, "pinefs: %s\n", text);
	return EXIT_FAILURE;
}

/* The key must be in no core dump, so there is none; nor may our own user's processes read us. */
static void forbid_dumps(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
}

/*
 * Otherwise, once one huge answer was freed, glibc would take such sizes from the heap, and never
 * give them back.
 */
static void give_memory_back(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
}

/* Does a line say that a certificate follows? 0, -EINVAL, or what reading failed with. */
static int find_certificate(int fd)
{
	FILE *file = fdopen(fd, "r");
	char line[256];
	bool found = false;
	int error = 0;

	if (!file) {
		error = -errno;
		close(fd);
		return error;
	}
	errno = 0;
	for (unsigned i = 0; !found && i < CACERT_LINES && fgets(line, sizeof(line), file); i++)
		found = !strncmp(line, "-----BEGIN ", 11) && strstr(line, "CERTIFICATE-----");
	if (!found)
		error = errno ? -errno : -EINVAL;
	(void)fclose(file);
	return error;
}

/*
 * libcurl opens the file only when it first connects, which with --no-check is when nobody reads
 * its complaint any more. 0, or -errno with a line in text.
 */
static int check_cacert(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error = fd < 0 ? -errno : find_certificate(fd);
	char shown[600];

	if (error)
		(void)snprintf(
			text, size, "--cacert %s: %s", pfs_escape(path, shown, sizeof(shown)),
			error == -EINVAL ? "holds no certificate in PEM form" : strerror(-error));
	return error;
}

/* Check all that needs no API. 0, or -errno with a line in program->text. */
static int prepare(struct program *program)
{
	const struct pfs_options *options = &program->options;
	int error = mountpoint_check(options->mountpoint, &program->mountpoint, program->text,
				     sizeof(program->text));

	forbid_dumps();
	give_memory_back();
	if (!error && options->demo)
		(void)snprintf(program->key.value, sizeof(program->key.value), "pcsk_demo");
	else if (!error)
		error = pfs_key_load(&program->key, options->api_key_file, program->text,
				     sizeof(program->text));
	pfs_key_clear_environment();
	if (!error && !options->demo)
		error = pfs_http_check_url(options->api_url, program->text, sizeof(program->text));
	if (!error && options->cacert)
		error = check_cacert(options->cacert, program->text, sizeof(program->text));
	return error;
}

/* From the fork (if there is one) to the end of the mount. Returns the exit status. */
static int mount_and_serve(struct program *program)
{
	bool foreground = program->options.foreground;
	int report = -1, error;

	start_close_inherited(&program->options);
	error = foreground ? 0 : start_in_background(&report);
	if (error)
		return fail(strerror(-error));
	error = serve_begin(program);
	if (error && foreground)
		(void)fail(program->text);
	else if (error)
		(void)start_report(report, program->text);
	if (!error && !foreground) {
		start_detach();
		pfs_log_open(PFS_LOG_INFO, pfs_log_background(), NULL);
		error = start_report(report, NULL);
	}
	if (!error)
		error = serve_run(program);
	serve_end(program);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct program *program)
{
	int status;

	pfs_log_open(program->options.debug ? PFS_LOG_DEBUG : PFS_LOG_INFO, pfs_log_foreground(),
		     NULL);
	status = prepare(program) ? fail(program->text) : mount_and_serve(program);
	free(program->mountpoint);
	pfs_key_finish(&program->key);
	return status;
}

/*
 * If a standard stream is closed, the next descriptor that we open gets its number: then lines
 * would be written to it, and the daemon would put /dev/null in its place.
 */
static void fill_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR); /* without O_CLOEXEC, as these are */
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Has all output been written? A full disk may fail only here. */
static int end_output(void)
{
	char text[TEXT_SIZE];

	if (!ferror(stdout) && !fflush(stdout))
		return EXIT_SUCCESS;
	(void)snprintf(text, sizeof(text), "standard output: %s", strerror(errno));
	return fail(text);
}

int main(int argc, char *argv[])
{
	struct program *program;
	int status = EXIT_SUCCESS;
	bool fake;

	pfs_poke_main(argc, argv);
	fill_standard_streams();
	program = calloc(1, sizeof(*program));
	if (!program)
		return fail(strerror(ENOMEM));
	program->signals = program->steps = program->simulator_output = -1;
	argc = pfs_options_take_helper(argc, argv, &fake);
	if (pfs_options_parse(&program->options, argc, argv, program->text,
			      sizeof(program->text))) {
		(void)fprintf(stderr, "pinefs: %s (see pinefs --help)\n", program->text);
		status = EXIT_USAGE;
	} else if (program->options.action == PFS_ACTION_HELP) {
		pfs_options_help(stdout);
		status = end_output();
	} else if (program->options.action == PFS_ACTION_VERSION) {
		(void)puts("pinefs " PFS_VERSION);
		status = end_output();
	} else if (!fake) {
		status = run(program);
	}
	pfs_options_finish(&program->options);
	free(program);
	return status;
}
