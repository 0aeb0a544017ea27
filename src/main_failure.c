/* SPDX-License-Identifier: MIT */
/*
 * Failures of the API, in the log. A failing API fails for everybody who reads, again and again. So
 * a failure that differs from an earlier one in nothing but its time is logged once a minute, and
 * no more than so many different ones are in a minute; the next line says how many more there were.
 * With --debug all are logged.
 */
#include "main.h"

#include <errno.h>

#include "pinefs/log.h"
#include "pinefs/loop.h"
#include "pinefs/store.h"
#include "pinefs/text.h"

#define PAUSE (60 * PFS_SECOND)
#define MOST  10 /* in each such time */

static void end_minute(void *arg)
{
	struct program *program = arg;

	if (program->failures.left_out)
		pfs_warning("api: further failures within a minute: %u; see .pinefs/errors",
			    program->failures.left_out);
	program->failures.logged = program->failures.left_out = 0;
}

static void begin_minute(struct program *program, int64_t now)
{
	if (program->failures.minute.running)
		return;
	program->failures.minute = (struct pfs_timer){.fire = end_minute, .arg = program};
	pfs_timer_start(program->loop, &program->failures.minute, now + PAUSE);
}

/* Of a failure that was just counted in the newest line of .pinefs/errors. */
static enum pfs_log_level level_of(struct program *program, const struct pfs_failure *failure)
{
	struct pfs_failure_line *line = &program->stats.failures[program->stats.failures_kept - 1];
	int64_t now = pfs_loop_now(program->loop);

	if (failure->error == -ENOENT || (line->logged && now - line->logged < PAUSE))
		return PFS_LOG_DEBUG;
	line->logged = now;
	begin_minute(program, now);
	if (program->failures.logged == MOST) {
		program->failures.left_out++;
		return PFS_LOG_DEBUG;
	}
	program->failures.logged++;
	return PFS_LOG_WARNING;
}

static void on_failed(void *arg, const char *object, const struct pfs_failure *failure)
{
	struct program *program = arg;
	const struct pfs_log_about about = {
		.object = object + (*object == '/'), /* as below the mountpoint */
		.http_status = failure->status,
		.request_id = failure->request_id,
	};

	pfs_log_of(level_of(program, failure), &about, "api: %s: %s: %s", object,
		   pfs_errno_name(-failure->error), failure->text);
}

int failure_log(struct program *program)
{
	const struct pfs_store_listener listener = {.failed = on_failed, .arg = program};

	return pfs_store_listen(program->store, &listener);
}

void failure_end(struct program *program)
{
	if (!program->failures.minute.running)
		return;
	pfs_timer_stop(program->loop, &program->failures.minute);
	end_minute(program);
}
