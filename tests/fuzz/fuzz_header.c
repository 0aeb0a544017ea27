/* SPDX-License-Identifier: MIT */
/*
 * Header lines of an answer (cut at newlines), and the values of Retry-After by themselves.
 *
 * Holds: a pause is none or a time to come; what is kept of a header is a string within its bound.
 */
#include <string.h>

#include "../../src/http.h"
#include "fuzz.h"

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t nows[] = {0, 1764000000 * PFS_SECOND, INT64_MAX};
	struct slice rest = {(const char *)data, size}, line;
	struct world *world = world_create(pfs_all_kinds.rows[0]);
	struct pfs_http http = {.loop = world->loop, .stats = world->stats};
	struct pfs_http_request request = {.http = &http, .retry_after = -1};

	while (slice_next(&rest, '\n', &line)) {
		/* libcurl's lines have no NUL behind them. */
		char *copy = malloc(line.length ? line.length : 1);
		char *value = slice_string(line);

		must(copy);
		memcpy(copy, line.bytes, line.length);
		(void)pfs_attempt_header(&request, copy, line.length);
		must(request.retry_after >= -1);
		for (size_t i = 0; i < sizeof(nows) / sizeof(nows[0]); i++) {
			int64_t pause = pfs_http_retry_after(value, nows[i]);

			must(pause >= -1);
			must(pause <= INT64_C(3155760000) * PFS_SECOND);
		}
		free(value);
		free(copy);
	}
	must(ends(request.reason, sizeof(request.reason)));
	must(ends(request.request_id, sizeof(request.request_id)));
	must(ends(request.rejected, sizeof(request.rejected)));
	world_destroy(world);
	return 0;
}
