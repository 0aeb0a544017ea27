/* SPDX-License-Identifier: MIT */
/*
 * Commands. One goes through these steps:
 *
 *	SENDING       the API has it, or will; until it has, it can be taken back
 *	ASKING_MADE   the answer was lost: is what it was to make there?
 *	ASKING_JOBS   likewise, or the name is taken: which jobs are there?
 *
 * It ends in finish(), which wakes those who wait for it. What became of a command without an
 * answer:
 *
 *	a job of this source makes this name   it was carried out
 *	neither that, nor what it makes        it wasn't: what the command failed with is said
 *	anything else                          nobody can know: -ETIMEDOUT
 *
 * The question for what it makes comes first: were it made between the two questions, the second
 * would see its job. The list must come from a walk that began after the command had failed.
 */
#include "restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/log.h"
#include "pinefs/text.h"

#define NAME_RULE                                                                                  \
	"not sent: a name has 1 to 45 of a-z, 0-9 and -, and neither begins nor ends with -"

enum step { SENDING, ASKING_MADE, ASKING_JOBS };

struct command {
	struct pfs_wait list; /* for jobs; first, so that its address is the command's */
	TAILQ_ENTRY(command) link;
	struct pfs_restores *restores;
	struct pfs_object *source; /* has a reference */
	char name[PFS_MADE_NAME_MAX + 1];
	struct pfs_giver giver;
	enum step step;
	struct pfs_api_call *call; /* SENDING, ASKING_MADE; else NULL */
	struct pfs_wait_queue waits;

	/* What the API said to it. */
	enum pfs_api_fate fate;
	int error;
	int status;	     /* of HTTP */
	bool made;	     /* what it was to make is there */
	bool unmade;	     /* it isn't: the API says so; with neither, it doesn't say */
	int64_t answered_at; /* monotonic */
	char request_id[80];
	char text[PFS_FAILURE_TEXT];
};

/* --- errors -------------------------------------------------------------------------------- */

static void keep_refusal(struct pfs_restores *restores, const struct pfs_object *source, int error,
			 const char *said)
{
	struct refusal *refusal = &restores->refusals[restores->refused++ % ERRORS_KEPT];
	struct pfs_buffer text = {0};

	free(refusal->source);
	free(refusal->text);
	(void)pfs_buffer_format(&text, "%s: ", pfs_errno_name(-error));
	(void)pfs_buffer_add_escaped(&text, said, strlen(said));
	refusal->source = text.error ? NULL : strdup(source->id);
	refusal->text = text.bytes;
}

static void drop_refusals(struct pfs_restores *restores, const char *source)
{
	for (size_t i = 0; i < ERRORS_KEPT; i++) {
		struct refusal *refusal = &restores->refusals[i];

		if (source && (!refusal->source || strcmp(refusal->source, source) != 0))
			continue;
		free(refusal->source);
		free(refusal->text);
		*refusal = (struct refusal){0};
	}
}

const char *pfs_restores_error(const struct pfs_restores *restores, const struct pfs_object *source)
{
	for (size_t i = 1; i <= ERRORS_KEPT && i <= restores->refused; i++) {
		const struct refusal *refusal =
			&restores->refusals[(restores->refused - i) % ERRORS_KEPT];

		if (refusal->source && !strcmp(refusal->source, source->id))
			return refusal->text;
	}
	return NULL;
}

static void report_failure(struct pfs_restores *restores, const struct command *command,
			   const char *path)
{
	const struct pfs_failed failed = {
		.when = pfs_loop_wall(restores->loop),
		.error = -command->error,
		.status = command->status,
		.object = path,
		.request_id = command->request_id,
		.text = command->text,
	};

	pfs_stats_fail(restores->stats, &failed);
	keep_refusal(restores, command->source, command->error, command->text);
}

/* The one line that the log has for each command. */
static void log_command(const struct command *command, const char *path,
			const struct pfs_object *job)
{
	char who[80], begun[600] = "";
	const struct pfs_log_about about = {
		.object = path,
		.other = begun,
		.http_status = command->status,
		.request_id = command->request_id,
	};

	(void)snprintf(who, sizeof(who), "uid %u, pid %d (%s)", (unsigned)command->giver.uid,
		       (int)command->giver.pid, command->giver.name);
	if (job) {
		(void)snprintf(begun, sizeof(begun), "%s/%s", job->kind->name, job->id);
		pfs_log_of(PFS_LOG_INFO, &about, "restore: %s: %s: begun, %s", who, path, begun);
	} else {
		pfs_log_of(PFS_LOG_INFO, &about, "restore: %s: %s: %s: %s", who, path,
			   strerror(-command->error), command->text);
	}
}

/* --- the end of a command ------------------------------------------------------------------ */

static void free_command(struct command *command)
{
	struct pfs_restores *restores = command->restores;

	pfs_api_cancel(command->call);
	pfs_wait_cancel(&command->list);
	TAILQ_REMOVE(&restores->commands, command, link);
	restores->command_count--;
	pfs_store_release(restores->store, command->source, 1);
	free(command);
}

/* job: what the command has begun; NULL: command->error. */
static void finish(struct command *command, const struct pfs_object *job)
{
	struct pfs_restores *restores = command->restores;
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/%s/%s/%s", command->source->kind->name,
		       command->source->id, command->source->kind->command->directory,
		       command->name);
	log_command(command, path, job);
	if (job)
		drop_refusals(restores, command->source->id);
	else
		report_failure(restores, command, path);
	pfs_wait_wake(&command->waits, job ? 0 : command->error);
	free_command(command);
}

static void fail(struct command *command, int error, const char *text)
{
	command->error = error;
	(void)snprintf(command->text, sizeof(command->text), "%s", text);
	finish(command, NULL);
}

/* Before a list tells of it, what the command makes is there, too. */
static void announce_made(struct command *command)
{
	struct pfs_restores *restores = command->restores;
	const struct pfs_kind *kind = pfs_kind_by_name(pfs_store_kinds(restores->store),
						       command->source->kind->command->made_kind);
	struct pfs_object *made;

	if (kind && !pfs_store_announce(restores->store, kind, command->name, &made))
		pfs_store_release(restores->store, made, 1);
}

/* --- what became of it --------------------------------------------------------------------- */

/* Add to what the command failed with, for people. */
static void add_text(struct command *command, const char *text)
{
	size_t length = strlen(command->text);

	(void)snprintf(command->text + length, sizeof(command->text) - length, "%s%s",
		       length ? "; " : "", text);
}

/* The list of jobs is as it was after the command had failed; or it can't be had. */
static void judge(struct command *command, int list_error)
{
	struct pfs_object *job =
		pfs_restores_find(command->restores, command->source, command->name);

	if (command->fate != PFS_FATE_NOT_DONE && job) {
		announce_made(command);
		finish(command, job);
		return;
	}
	if (command->fate == PFS_FATE_UNKNOWN && command->unmade && !list_error) {
		add_text(command, "the restore was not begun");
	} else if (command->fate != PFS_FATE_NOT_DONE) {
		command->error = -ETIMEDOUT;
		add_text(command, command->made ? "an index of this name is there, but its job "
						  "isn't listed: look again in a minute"
						: "whether the restore was begun can't be known "
						  "now: look again in a minute");
	}
	finish(command, NULL);
}

static void ask_jobs(struct command *command)
{
	struct pfs_restores *restores = command->restores;
	int error;

	command->step = ASKING_JOBS;
	error = pfs_store_ask_list_since(restores->store,
					 pfs_restores_job_kind(restores, command->source->kind),
					 command->answered_at, &command->list);
	if (error != -EINPROGRESS)
		judge(command, error);
}

/* A walk that had begun before may end first. */
static void on_list(struct pfs_wait *wait, int error)
{
	struct command *command = (struct command *)wait;

	if (error)
		judge(command, error);
	else
		ask_jobs(command);
}

static void on_made(void *arg, const struct pfs_api_answer *answer)
{
	struct command *command = arg;

	command->call = NULL;
	command->made = !answer->error;
	command->unmade = answer->error == -ENOENT;
	ask_jobs(command);
}

/* Of the API itself, since what the store knows may be from before. */
static void ask_made(struct command *command)
{
	struct pfs_restores *restores = command->restores;
	const struct pfs_kind *kind =
		pfs_kind_by_name(&pfs_all_kinds, command->source->kind->command->made_kind);

	command->step = ASKING_MADE;
	if (pfs_api_describe(restores->api, kind, command->name,
			     pfs_loop_now(restores->loop) + restores->config.timeout, on_made,
			     command, &command->call)) {
		command->call = NULL;
		ask_jobs(command);
	}
}

static void succeed(struct command *command, const char *id)
{
	struct pfs_restores *restores = command->restores;
	const struct pfs_kind *kind = pfs_restores_job_kind(restores, command->source->kind);
	struct pfs_object *job = NULL;
	int error = pfs_store_announce(restores->store, kind, id, &job);

	if (!error)
		error = pfs_restore_index_add(restores, command->source, command->name, job,
					      !pfs_wait_queue_is_empty(&command->waits));
	if (error == -EBADMSG) {
		command->error = -EIO;
		add_text(command, "the answer names a job of something else");
		ask_made(command);
		return;
	}
	if (error) {
		fail(command, error, "it was begun, but there is no room to keep that");
		return;
	}
	announce_made(command);
	finish(command, job);
}

static void on_answer(void *arg, const struct pfs_api_answer *answer)
{
	struct command *command = arg;

	command->call = NULL;
	command->answered_at = pfs_loop_now(command->restores->loop);
	command->fate = answer->fate;
	command->error = answer->error;
	command->status = answer->status;
	(void)snprintf(command->request_id, sizeof(command->request_id), "%s", answer->request_id);
	(void)snprintf(command->text, sizeof(command->text), "%s", answer->text);
	if (answer->job)
		succeed(command, answer->job);
	else if (answer->fate != PFS_FATE_NOT_DONE)
		ask_made(command);
	else if (answer->error == -EEXIST)
		ask_jobs(command); /* whoever asks next finds it, if it is one of ours */
	else
		finish(command, NULL);
}

/* --- giving one ---------------------------------------------------------------------------- */

static struct command *find_command(const struct pfs_restores *restores,
				    const struct pfs_object *source, const char *name)
{
	struct command *command;

	TAILQ_FOREACH(command, &restores->commands, link) {
		/* By its id, since a source that has come again is another object. */
		if (command->source->kind == source->kind &&
		    !strcmp(command->source->id, source->id) && !strcmp(command->name, name))
			return command;
	}
	return NULL;
}

static int send(struct command *command)
{
	struct pfs_restores *restores = command->restores;
	int error = pfs_api_command(restores->api, command->source->kind, command->source->id,
				    command->name,
				    pfs_loop_now(restores->loop) + restores->config.timeout,
				    on_answer, command, &command->call);

	if (error)
		command->call = NULL;
	if (error != -EBUSY)
		return error;
	keep_refusal(restores, command->source, -EAGAIN, "not sent: too many requests are waiting");
	return -EAGAIN;
}

static int begin(struct pfs_restores *restores, struct pfs_object *source, const char *name,
		 const struct pfs_giver *giver, struct command **ret_command)
{
	struct command *command;
	char text[80];
	int error;

	if (restores->command_count >= restores->config.max_commands) {
		(void)snprintf(text, sizeof(text), "not sent: %zu commands are under way",
			       restores->command_count);
		keep_refusal(restores, source, -EAGAIN, text);
		return -EAGAIN;
	}
	command = calloc(1, sizeof(*command));
	if (!command)
		return -ENOMEM;
	command->restores = restores;
	command->source = source;
	command->giver = *giver;
	command->list.done = on_list;
	(void)snprintf(command->name, sizeof(command->name), "%s", name);
	pfs_wait_queue_init(&command->waits, &restores->stats->waiting);
	pfs_store_hold(restores->store, source, 1);
	TAILQ_INSERT_TAIL(&restores->commands, command, link);
	restores->command_count++;
	error = send(command);
	if (error) {
		free_command(command);
		return error;
	}
	*ret_command = command;
	return 0;
}

int pfs_restores_make(struct pfs_restores *restores, struct pfs_object *source, const char *name,
		      const struct pfs_giver *giver, struct pfs_wait *wait)
{
	struct command *command;
	int error;

	if (!pfs_command_takes(name)) {
		keep_refusal(restores, source, -EINVAL, NAME_RULE);
		return -EINVAL;
	}
	if (pfs_restores_find(restores, source, name))
		return -EEXIST;
	command = find_command(restores, source, name);
	if (!command) {
		error = begin(restores, source, name, giver, &command);
		if (error)
			return error;
	}
	pfs_wait_join(&command->waits, wait);
	return -EINPROGRESS;
}

static bool is_sent(const struct command *command)
{
	return command->step != SENDING || !command->call || pfs_api_is_sent(command->call);
}

bool pfs_restores_is_sent(const struct pfs_restores *restores, const struct pfs_object *source,
			  const char *name)
{
	const struct command *command = find_command(restores, source, name);

	return command && is_sent(command);
}

void pfs_restores_abandon(struct pfs_restores *restores)
{
	struct command *command = TAILQ_FIRST(&restores->commands), *next;

	for (; command; command = next) {
		next = TAILQ_NEXT(command, link);
		if (pfs_wait_queue_is_empty(&command->waits) && !is_sent(command))
			free_command(command);
	}
}

/* --- the whole ----------------------------------------------------------------------------- */

int pfs_restores_listen(struct pfs_restores *restores, const struct pfs_restores_listener *listener)
{
	if (restores->listener_count == MAX_RESTORE_LISTENERS)
		return -ENOSPC;
	restores->listeners[restores->listener_count++] = *listener;
	return 0;
}

int pfs_restores_create(struct pfs_api *api, struct pfs_store *store, struct pfs_loop *loop,
			struct pfs_stats *stats, const struct pfs_restores_config *config,
			struct pfs_restores **ret_restores)
{
	struct pfs_restores *restores = calloc(1, sizeof(*restores));
	int error;

	if (!restores)
		return -ENOMEM;
	restores->api = api;
	restores->store = store;
	restores->loop = loop;
	restores->stats = stats;
	restores->config = *config;
	TAILQ_INIT(&restores->commands);
	pfs_sources_init(restores);
	error = pfs_restore_index_begin(restores);
	if (error) {
		free(restores);
		return error;
	}
	*ret_restores = restores;
	return 0;
}

void pfs_restores_end(struct pfs_restores *restores)
{
	if (!restores)
		return;
	while (!TAILQ_EMPTY(&restores->commands))
		free_command(TAILQ_FIRST(&restores->commands));
	restores->ended = true;
}

void pfs_restores_destroy(struct pfs_restores *restores)
{
	if (!restores)
		return;
	drop_refusals(restores, NULL);
	pfs_sources_finish(restores);
	free(restores);
}
