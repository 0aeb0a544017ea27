/* SPDX-License-Identifier: MIT */
/* One mount: the rooms wired together, from the API's first answer to the last reply. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "main.h"
#include "pinefs/api.h"
#include "pinefs/fs.h"
#include "pinefs/history.h"
#include "pinefs/http.h"
#include "pinefs/log.h"
#include "pinefs/loop.h"
#include "pinefs/poke.h"
#include "pinefs/resource.h"
#include "pinefs/restore.h"
#include "pinefs/store.h"
#include "pinefs/table.h"
#include "pinefs/text.h"
#include "pinefs/watch.h"

/* The bounds of everything that grows. */
#define MAX_BODY	  ((size_t)16 * 1024 * 1024)
#define MAX_HELD	  ((size_t)64 * 1024 * 1024)
#define MAX_ACTIVE	  128
#define MAX_QUEUED	  20000
#define BURST		  20
#define MAX_MISSING	  4096
#define MAX_IDLE	  1024
#define MAX_HISTORY	  ((size_t)64 * 1024)
#define MAX_WHOLE_HISTORY ((size_t)4 * 1024 * 1024)
#define MAX_COMMANDS	  64
#define MAX_TABLE	  ((size_t)64 * 1024 * 1024)
#define SHORTEST_REFRESH  (100 * PFS_MILLISECOND)
#define TTL_ERROR	  (2 * PFS_SECOND)

/* --- signals ------------------------------------------------------------------------------- */

static void forget_all(struct program *program)
{
	int changed = pfs_key_reload(&program->key);

	pfs_info("SIGHUP: forgetting all that is cached");
	if (changed == 1)
		program->stats.key_reloads++;
	else if (changed < 0)
		pfs_warning("main: key file %s: %s; the old key is kept", program->key.file,
			    strerror(-changed));
	pfs_store_expire(program->store);
	pfs_http_reconnect(program->http);
	if (program->fs) {
		pfs_watch_expire(program->watch);
		pfs_fs_invalidate(program->fs);
	}
}

static void on_signal(void *arg)
{
	struct program *program = arg;
	struct signalfd_siginfo info;

	while (read(program->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			forget_all(program);
		} else {
			program->ended = true;
			pfs_loop_stop(program->loop);
		}
	}
}

static int watch_signals(struct program *program)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	program->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (program->signals < 0)
		return -errno;
	return pfs_loop_add_fd(program->loop, program->signals, on_signal, program);
}

/* --- the rooms ----------------------------------------------------------------------------- */

static int make_http(struct program *program)
{
	struct pfs_http_config config = {
		.max_body = MAX_BODY,
		.max_held = MAX_HELD,
		.max_active = MAX_ACTIVE,
		.max_queued = MAX_QUEUED,
		.rate = program->options.max_rate,
		.burst = BURST,
		.cacert = program->options.cacert,
		.user_agent = "pinefs/" PFS_VERSION,
		.strict = PFS_STRICT,
	};

	(void)!getrandom(&config.jitter_seed, sizeof(config.jitter_seed), GRND_NONBLOCK);
	return pfs_http_create(program->loop, &program->stats, &config, &program->http);
}

static int make_api(struct program *program)
{
	const struct pfs_api_config config = {
		.url = program->options.api_url,
		.version = program->options.api_version,
		.additional_headers = program->options.additional_headers,
	};

	return pfs_api_create(program->http, &program->stats, &program->key, &config, &program->api,
			      program->text, sizeof(program->text));
}

static int make_store(struct program *program)
{
	const struct pfs_options *options = &program->options;
	const struct pfs_store_config config = {
		.kinds = &options->kinds,
		.ttl = options->ttl,
		.ttl_ready = options->ttl_ready,
		.ttl_final = options->ttl_final,
		.ttl_missing = options->ttl_missing,
		.ttl_error = TTL_ERROR,
		.timeout = options->timeout,
		.stale = options->stale,
		.max_objects = MAX_OBJECTS,
		.max_bytes = MAX_OBJECT_BYTES,
		.max_missing = MAX_MISSING,
		.max_idle = MAX_IDLE,
	};

	int error = pfs_store_create(program->api, program->loop, &program->stats, &config,
				     &program->store);

	return error ? error : failure_log(program);
}

static int make_history(struct program *program)
{
	const struct pfs_history_config config = {
		.max_object = MAX_HISTORY,
		.max_whole = MAX_WHOLE_HISTORY,
		.max_together = MAX_HISTORY_BYTES,
	};

	return pfs_history_create(program->store, program->loop, &program->stats, &config,
				  &program->history);
}

static int make_tables(struct program *program)
{
	const struct pfs_tables_config config = {
		.timeout = program->options.timeout,
		.max_bytes = MAX_TABLE,
		.max_held = MAX_TABLES_HELD,
	};

	return pfs_tables_create(program->store, program->loop, &program->stats, &config,
				 &program->tables);
}

static int make_restores(struct program *program)
{
	const struct pfs_restores_config config = {
		.timeout = program->options.timeout,
		.max_commands = MAX_COMMANDS,
	};

	if (!program->options.allow_restore)
		return 0;
	return pfs_restores_create(program->api, program->store, program->loop, &program->stats,
				   &config, &program->restores);
}

static int make_tree(struct program *program)
{
	const struct pfs_options *options = &program->options;
	struct pfs_tree_config config = {
		.uid = options->uid,
		.gid = options->gid,
		.umask = options->umask,
		.ttl = options->ttl,
		.readme = report_readme,
		.reports = program->reports,
		.tables = program->tables,
		.restores = program->restores,
	};

	program->started = pfs_loop_wall(program->loop);
	report_set_up(program);
	config.report_count = program->report_count;
	return pfs_tree_create(program->store, program->history, program->loop, &config,
			       &program->tree);
}

/*
 * May we change files that aren't ours, or aren't writable? Not every root may: a service can have
 * only a few of its capabilities.
 */
static bool passes_modes(void)
{
	const uint32_t needed = 1U << CAP_DAC_OVERRIDE | 1U << CAP_FOWNER;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

	return !syscall(SYS_capget, &header, sets) && (sets[0].effective & needed) == needed;
}

static int make_watch(struct program *program)
{
	const struct pfs_watch_config config = {
		.ttl = program->options.ttl > SHORTEST_REFRESH ? program->options.ttl
							       : SHORTEST_REFRESH,
		.restores = program->restores,
	};

	if (program->poke && program->options.check_modes && !passes_modes())
		pfs_poke_set_window(program->poke);
	return pfs_watch_create(program->store, program->tree, program->loop, &program->stats,
				program->poke, &config, &program->watch);
}

/* A number of seconds in /proc/sys/fs/fuse; 0: none, or a kernel that doesn't know it. */
static unsigned read_limit(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned limit = 0;

	if (file && fscanf(file, "%u", &limit) != 1)
		limit = 0;
	if (file)
		(void)fclose(file);
	return limit;
}

/*
 * ns after which the kernel (6.15 and later, if configured so) ends the whole mount because a
 * message had no reply; 0: it doesn't.
 */
static int64_t time_limit(void)
{
	unsigned limit = read_limit("/proc/sys/fs/fuse/default_request_timeout");
	unsigned most = read_limit("/proc/sys/fs/fuse/max_request_timeout");

	if (most && (!limit || most < limit))
		limit = most;
	return limit * PFS_SECOND;
}

static int make_fs(struct program *program)
{
	const struct pfs_options *options = &program->options;
	const struct pfs_fs_config config = {
		.options = options->fuse,
		.source = options->source,
		.time_limit = time_limit(),
		.max_read = options->max_read,
		.check_modes = options->check_modes,
		.poke = program->poke,
		.restores = program->restores,
		.history = program->history,
		.uid = options->uid,
	};

	return pfs_fs_create(program->tree, program->store, program->watch, program->loop,
			     &program->stats, &config, &program->fs, program->text,
			     sizeof(program->text));
}

/* --- the first answer ---------------------------------------------------------------------- */

static void on_checked(void *arg, const struct pfs_api_answer *answer)
{
	struct program *program = arg;

	program->checked = true;
	program->check_error = answer->error;
	program->forbidden = answer->error && answer->status == PFS_API_FORBIDDEN;
	if (answer->error)
		answer_explain(program->options.api_url, answer, program->text,
			       sizeof(program->text));
	pfs_loop_stop(program->loop);
}

/* Ask for one row of the list: that costs little, and checks name, network and key. */
static int check_kind(struct program *program, const struct pfs_kind *kind, int64_t deadline)
{
	struct pfs_api_call *call = NULL;
	int error;

	program->checked = false;
	error = pfs_api_list(program->api, kind, NULL, 1, deadline, on_checked, program, &call);
	if (error)
		return error;
	error = pfs_loop_run(program->loop);
	if (program->checked && !program->ended)
		return program->check_error;
	if (!program->checked)
		pfs_api_cancel(call);
	(void)snprintf(program->text, sizeof(program->text), "ended by a signal");
	return error ? error : -EINTR;
}

/* One kind that the key may see is enough: the others' directories will say that it may not. */
static int check_api(struct program *program)
{
	const struct pfs_kinds *kinds = &program->options.kinds;
	int64_t deadline = pfs_loop_now(program->loop) + program->options.timeout;
	int error = -EACCES;

	program->forbidden = true;
	for (size_t i = 0; i < kinds->count && program->forbidden; i++) {
		program->forbidden = false;
		error = check_kind(program, kinds->rows[i], deadline);
	}
	if (!error)
		program->text[0] = '\0';
	return error;
}

/* --- beginning and end --------------------------------------------------------------------- */

static int make_rooms(struct program *program)
{
	static int (*const makers[])(struct program *) = {
		make_http,     make_api,  make_store, make_history, make_tables,
		make_restores, make_tree, make_watch, make_fs,
	};
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(makers) / sizeof(makers[0]); i++)
		error = makers[i](program);
	return error;
}

static int start_demo(struct program *program)
{
	char *url = NULL;
	int error = demo_start(program, &url, program->text, sizeof(program->text));

	if (!error) {
		free(program->options.api_url);
		program->options.api_url = url;
	}
	return error;
}

/* Wipe what the child must not have: the key, and headers, which may be credentials, too. */
static void wipe_secrets(void *arg)
{
	struct program *program = arg;
	char *headers = program->options.additional_headers;

	explicit_bzero(program->key.value, sizeof(program->key.value));
	if (headers)
		explicit_bzero(headers, strlen(headers));
}

static int mount_it(struct program *program)
{
	int error = pfs_fs_mount(program->fs, program->mountpoint, program->text,
				 sizeof(program->text));

	if (error)
		advise_on_mount(strstr(program->options.fuse, "auto_unmount"), program->text,
				sizeof(program->text));
	else
		pfs_poke_set_device(program->poke, pfs_fs_device(program->fs));
	return error;
}

int serve_begin(struct program *program)
{
	int error = pfs_loop_create(&pfs_system_clock, &program->loop);

	program->text[0] = '\0';
	/* Before there is anything that a fork would copy. */
	if (!error)
		error = pfs_poke_start(program->mountpoint, wipe_secrets, program, &program->poke);
	if (!error)
		error = watch_signals(program);
	if (!error)
		error = resume_watch(program);
	if (!error && program->options.demo)
		error = start_demo(program);
	if (!error)
		error = make_rooms(program);
	/* libcurl has sockets that fusermount3 would inherit. Before Linux 5.11 it does. */
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (!error && !program->options.no_check)
		error = check_api(program);
	if (!error)
		error = mount_it(program);
	if (error && !*program->text)
		(void)snprintf(program->text, sizeof(program->text), "%s", strerror(-error));
	return error;
}

/* Unmount, wherever the mount is now. 0, or -errno if it is still there. */
static int end_mount(struct program *program)
{
	char *path = NULL;
	int error = pfs_fs_unmount(program->fs, &path);

	if (error) {
		mountpoint_explain_left(error, path, program->text, sizeof(program->text));
		pfs_error("main: %s", program->text);
	} else {
		pfs_info("unmounted from %s", path ? path : program->mountpoint);
	}
	free(path);
	return error;
}

int serve_run(struct program *program)
{
	int error = program->options.foreground ? start_notify() : 0, ended;

	if (error)
		pfs_error("main: NOTIFY_SOCKET: %s", strerror(-error));
	pfs_info("mounted on %s, from %s", program->mountpoint, program->options.api_url);
	error = pfs_loop_run(program->loop);
	if (!error)
		error = pfs_fs_error(program->fs);
	if (error)
		pfs_error("main: %s: %s", program->mountpoint, strerror(-error));
	ended = end_mount(program);
	return error ? error : ended;
}

void serve_end(struct program *program)
{
	pfs_fs_destroy(program->fs);
	pfs_watch_destroy(program->watch);
	pfs_poke_destroy(program->poke);
	pfs_tables_destroy(program->tables);
	pfs_restores_end(program->restores);
	pfs_store_destroy(program->store);
	failure_end(program);
	pfs_restores_destroy(program->restores);
	pfs_tree_destroy(program->tree);
	pfs_history_destroy(program->history);
	pfs_api_destroy(program->api);
	pfs_http_destroy(program->http);
	pfs_loop_destroy(program->loop);
	if (program->signals >= 0)
		close(program->signals);
	if (program->steps >= 0)
		close(program->steps);
	demo_stop(program);
}
