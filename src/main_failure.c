/* SPDX-License-Identifier: MIT */
/* Failures of the API, in the log. */
#include "main.h"

#include <errno.h>

#include "pinefs/log.h"
#include "pinefs/loop.h"
#include "pinefs/store.h"
#include "pinefs/text.h"

#define PAUSE (60 * PFS_SECOND)

/* A failing API fails for everybody who reads: the same failure is logged once a minute. */
static void on_failed(void *arg, const char *object, const struct pfs_failure *failure)
{
	struct program *program = arg;
	int64_t now = pfs_loop_now(program->loop);
	enum pfs_log_level level = PFS_LOG_WARNING;
	const struct pfs_log_about about = {
		.object = object + (*object == '/'), /* as below the mountpoint */
		.http_status = failure->status,
		.request_id = failure->request_id,
	};

	if (failure->error == -ENOENT ||
	    (failure->error == program->logged_error && now - program->logged_at < PAUSE)) {
		level = PFS_LOG_DEBUG;
	} else {
		program->logged_error = failure->error;
		program->logged_at = now;
	}
	pfs_log_of(level, &about, "api: %s: %s: %s", object, pfs_errno_name(-failure->error),
		   failure->text);
}

int failure_log(struct program *program)
{
	const struct pfs_store_listener listener = {.failed = on_failed, .arg = program};

	return pfs_store_listen(program->store, &listener);
}
