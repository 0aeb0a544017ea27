/* SPDX-License-Identifier: MIT */
/*
 * Command lines: the input is cut at newlines into arguments.
 *
 * Holds: what is accepted is within its bounds and can be freed; what is refused is told in a line
 * for people.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "pinefs/options.h"
#include "pinefs/text.h"

#define ARGUMENTS_MAX 24
#define CENTURY	      (INT64_C(3155760000) * PFS_SECOND)

static bool is_time(int64_t ns)
{
	return ns >= 0 && ns <= CENTURY;
}

static void check_accepted(const struct pfs_options *options)
{
	char text[1024];

	if (options->action != PFS_ACTION_MOUNT)
		return;
	must(options->mountpoint && options->api_url && options->fuse);
	must(is_time(options->ttl) && is_time(options->ttl_ready) && is_time(options->ttl_final));
	must(is_time(options->ttl_missing) && is_time(options->stale));
	must(is_time(options->timeout) && options->timeout > 0);
	must(options->max_rate > 0);
	must((options->umask & ~0777U) == 0);
	must(options->api_url[strlen(options->api_url) - 1] != '/');
	if (pfs_http_check_url(options->api_url, text, sizeof(text)))
		must(is_for_people(text, strlen(text)));
	else
		must(strstr(options->api_url, "://"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size}, part;
	char *argv[ARGUMENTS_MAX + 2] = {strdup("pinefs")};
	struct pfs_options options = {0};
	char text[1024] = "";
	int argc = 1, error;

	while (argc <= ARGUMENTS_MAX && slice_next(&rest, '\n', &part))
		argv[argc++] = slice_string(part);
	error = pfs_options_parse(&options, argc, argv, text, sizeof(text));
	must(error == 0 || error == -EINVAL);
	if (error) {
		must(*text && is_for_people(text, strlen(text)));
	} else {
		check_accepted(&options);
		pfs_options_finish(&options);
	}
	while (argc)
		free(argv[--argc]);
	return 0;
}
