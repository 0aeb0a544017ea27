/* SPDX-License-Identifier: MIT */
/* Failures of the API: what is kept of the last one, how long the pause after it lasts, and who is
 * notified. */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/stats.h"

/* No server may keep us from asking for longer than this, whatever its Retry-After says. */
#define LONGEST_PAUSE (60 * PFS_SECOND)

void pfs_failure_free(struct pfs_failure *failure)
{
	if (!failure)
		return;
	free(failure->request_id);
	free(failure->text);
	free(failure);
}

/* The pause after this many consecutive refusals: twice as long each time, since whoever may give
 * the key a permission does so rarely. */
static int64_t pause_of_refused(const struct pfs_store *store, unsigned refusals)
{
	int64_t pause = store->config.ttl_error;

	while (--refusals > 0 && pause < LONGEST_PAUSE)
		pause *= 2;
	return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

int pfs_failure_set(struct pfs_store *store, struct pfs_failure **failure,
		    const struct pfs_api_answer *answer)
{
	struct pfs_failure *made = *failure ? *failure : calloc(1, sizeof(*made));
	char *request_id = strdup(answer->request_id), *text = strdup(answer->text);
	int64_t now = pfs_loop_now(store->loop), pause = store->config.ttl_error;

	if (!made || !request_id || !text) {
		if (!*failure)
			free(made);
		free(request_id);
		free(text);
		return -ENOMEM;
	}
	free(made->request_id);
	free(made->text);
	made->request_id = request_id;
	made->text = text;
	made->error = answer->error;
	made->status = answer->status;
	if (answer->error == -ENOENT) {
		pause = store->config.ttl_missing;
		if (!made->misses++)
			made->missed_at = now;
	} else {
		made->misses = 0;
		made->missed_at = 0;
	}
	made->refusals = answer->status == PFS_API_FORBIDDEN ? made->refusals + 1 : 0;
	if (made->refusals)
		pause = pause_of_refused(store, made->refusals);
	if (answer->retry_after > pause)
		pause = answer->retry_after < LONGEST_PAUSE ? answer->retry_after : LONGEST_PAUSE;
	made->until = now + pause;
	*failure = made;
	return 0;
}

void pfs_failure_report(struct pfs_store *store, const char *path,
			const struct pfs_failure *failure)
{
	int64_t wall = pfs_loop_wall(store->loop);
	const struct pfs_failed failed = {
		.when = wall,
		.again = wall + failure->until - pfs_loop_now(store->loop),
		.error = -failure->error,
		.status = failure->status,
		.object = path,
		.request_id = failure->request_id,
		.text = failure->text,
	};

	pfs_stats_fail(store->stats, &failed);
	for (size_t i = 0; i < store->listener_count; i++) {
		if (store->listeners[i].failed)
			store->listeners[i].failed(store->listeners[i].arg, path, failure);
	}
}
