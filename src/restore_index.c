/* SPDX-License-Identifier: MIT */
/*
 * Where each job belongs: to the source that a field of it names, under the name of what it makes.
 * It is known here while the store knows it, and from the moment on at which a command has begun
 * it. Until its description has said so itself, only the answer to the command says where it
 * belongs, and it is held: the store doesn't keep what it hasn't seen.
 */
#include "restore.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pinefs/json.h"
#include "pinefs/text.h"

#define LOST_AFTER (60 * PFS_SECOND) /* by then the API shows a job that was begun */

/* --- what the store says ------------------------------------------------------------------- */

/* The kind that has a command whose jobs are of this kind; NULL: none has. */
static const struct pfs_kind *kind_of_sources(const struct pfs_restores *restores,
					      const struct pfs_kind *job)
{
	const struct pfs_kinds *kinds = pfs_store_kinds(restores->store);

	for (size_t i = 0; i < kinds->count; i++) {
		const struct pfs_kind *kind = kinds->rows[i];

		if (kind->command && !strcmp(kind->command->job_kind, job->name))
			return kind;
	}
	return NULL;
}

#define ID_SIZE 256 /* of what pfs_is_object_id lets pass, with its NUL */

/* What a job's content says, if both can be names; else both are "". It takes no memory, which must
 * not be wanting where a job is freed. */
struct place {
	char source[ID_SIZE];
	char name[ID_SIZE];
};

static bool read_id(const struct pfs_kind *kind, const char *field, const struct pfs_json *json,
		    char *id)
{
	const struct pfs_json_value value = pfs_kind_value(kind, field, json);

	if (value.type != PFS_JSON_STRING || !pfs_is_object_id(value.text, value.length))
		return false;
	memcpy(id, value.text, value.length);
	id[value.length] = '\0';
	return true;
}

static bool read_place(const struct pfs_kind *sources, const struct pfs_object *job,
		       const struct pfs_content *content, struct place *place)
{
	const struct pfs_command *command = sources->command;

	if (content && read_id(job->kind, command->source, &content->json, place->source) &&
	    read_id(job->kind, command->target, &content->json, place->name))
		return true;
	place->source[0] = place->name[0] = '\0';
	return false;
}

static int64_t created_at(const struct pfs_object *job)
{
	int64_t created = 0;

	(void)pfs_content_time(job->kind, job->content, job->kind->created, &created);
	return created;
}

/* Where a job is that was announced. There are few such, and not for long. */
static struct made *find_held(const struct pfs_restores *restores, const struct pfs_object *job,
			      struct source **ret_source)
{
	struct held *held;

	TAILQ_FOREACH(held, &restores->held, link) {
		if (held->job != job)
			continue;
		*ret_source = held->source;
		return pfs_source_made(held->source, job);
	}
	return NULL;
}

/* Where a job is whose content says, or doesn't, that it belongs to a place. */
static struct made *find_job(const struct pfs_restores *restores, const struct pfs_kind *sources,
			     const struct pfs_object *job, const struct place *place,
			     struct source **ret_source)
{
	struct made *made = NULL;

	*ret_source = *place->source ? pfs_source_find(restores, sources, place->source) : NULL;
	if (*ret_source)
		made = pfs_source_made(*ret_source, job);
	return made ? made : find_held(restores, job, ret_source);
}

static bool is_at(const struct source *source, const struct made *made, const struct place *place)
{
	return !strcmp(source->id, place->source) && !strcmp(made->name->text, place->name);
}

/*
 * A job that was announced has said itself now where it belongs, and the store keeps it by itself.
 * Without a place of its own it stays where the answer to the command put it.
 */
static void on_appeared(void *arg, struct pfs_object *job)
{
	struct pfs_restores *restores = arg;
	const struct pfs_kind *sources = kind_of_sources(restores, job->kind);
	struct source *source;
	struct made *known;
	struct place place;

	if (!sources || !read_place(sources, job, job->content, &place))
		return;
	known = find_job(restores, sources, job, &place, &source);
	if (known && is_at(source, known, &place)) {
		pfs_source_date(known, created_at(job));
		pfs_source_release(restores, job);
	} else {
		if (known)
			pfs_source_drop(restores, source, known, false);
		source = pfs_source_intern(restores, sources, place.source);
		if (!source ||
		    pfs_source_add(restores, source, job, place.name, created_at(job), false))
			restores->incomplete = true;
	}
}

/* There was no memory for some jobs, which the store knows. */
static void mend(struct pfs_restores *restores, const struct pfs_kind *jobs)
{
	struct pfs_object *job = NULL;

	if (!restores->incomplete)
		return;
	restores->incomplete = false;
	while ((job = pfs_store_next(restores->store, jobs, job ? job->slot : 0)))
		on_appeared(restores, job);
}

static void leave(struct pfs_restores *restores, const struct pfs_object *job,
		  const struct pfs_content *content, bool quiet)
{
	const struct pfs_kind *sources = kind_of_sources(restores, job->kind);
	struct source *source;
	struct made *made;
	struct place place;

	if (!sources || restores->ended)
		return;
	(void)read_place(sources, job, content, &place);
	made = find_job(restores, sources, job, &place, &source);
	if (made)
		pfs_source_drop(restores, source, made, quiet);
}

/* A job never changes what it makes of what; if it says so all the same, it is another one. */
static void on_changed(void *arg, struct pfs_object *job, struct pfs_content *before)
{
	struct pfs_restores *restores = arg;
	const struct pfs_kind *sources = kind_of_sources(restores, job->kind);
	struct place old, new;
	bool was, is, same;

	if (!sources)
		return;
	was = read_place(sources, job, before, &old);
	is = read_place(sources, job, job->content, &new);
	same = was == is &&
	       (!was || (!strcmp(old.source, new.source) && !strcmp(old.name, new.name)));
	if (same)
		return;
	if (was)
		leave(restores, job, before, false);
	on_appeared(restores, job);
}

/* The store has never known a job that was only announced: that it is gone must be found here. */
static void on_failed(void *arg, const char *path, const struct pfs_failure *failure)
{
	struct pfs_restores *restores = arg;
	struct held *held;

	if (failure->misses < 2 || pfs_loop_now(restores->loop) - failure->missed_at < LOST_AFTER)
		return;
	TAILQ_FOREACH(held, &restores->held, link) {
		if (held->job->failure != failure)
			continue;
		pfs_source_drop(restores, held->source, pfs_source_made(held->source, held->job),
				false);
		return;
	}
}

static void on_vanished(void *arg, struct pfs_object *job)
{
	leave(arg, job, job->content, false);
}

static void on_freed(void *arg, struct pfs_object *job)
{
	leave(arg, job, job->content, true);
}

/* --- what the headers promise -------------------------------------------------------------- */

bool pfs_restores_has(const struct pfs_restores *restores, const struct pfs_kind *kind)
{
	return kind->command && pfs_restores_job_kind(restores, kind);
}

const struct pfs_kind *pfs_restores_job_kind(const struct pfs_restores *restores,
					     const struct pfs_kind *source)
{
	return pfs_kind_by_name(pfs_store_kinds(restores->store), source->command->job_kind);
}

struct pfs_object *pfs_restores_find(struct pfs_restores *restores, const struct pfs_object *source,
				     const char *name)
{
	const struct source *found;
	const struct name *known;

	mend(restores, pfs_restores_job_kind(restores, source->kind));
	found = pfs_source_find(restores, source->kind, source->id);
	known = found ? pfs_source_name(restores, found, name) : NULL;
	return known ? found->made[pfs_source_place(found, known->slot)].job : NULL;
}

struct pfs_object *pfs_restores_next(struct pfs_restores *restores, const struct pfs_object *source,
				     uint64_t after, const char **ret_name)
{
	const struct source *found;

	mend(restores, pfs_restores_job_kind(restores, source->kind));
	found = pfs_source_find(restores, source->kind, source->id);
	for (size_t i = found ? pfs_source_place(found, after + 1) : 0; found && i < found->count;
	     i++) {
		const struct made *made = &found->made[i];

		if (made->name->slot != made->job->slot)
			continue;
		*ret_name = made->name->text;
		return made->job;
	}
	return NULL;
}

bool pfs_restores_place(const struct pfs_restores *restores, const struct pfs_object *job,
			struct pfs_object **ret_source, const char **ret_name)
{
	const struct pfs_kind *sources = kind_of_sources(restores, job->kind);
	struct source *source;
	struct made *made;
	struct place place;

	if (!sources)
		return false;
	(void)read_place(sources, job, job->content, &place);
	made = find_job(restores, sources, job, &place, &source);
	if (!made)
		return false;
	*ret_source = pfs_source_object(restores, source);
	*ret_name = made->name->text;
	return *ret_source != NULL;
}

int64_t pfs_restores_modified(const struct pfs_restores *restores, const struct pfs_object *source)
{
	const struct source *found = pfs_source_find(restores, source->kind, source->id);

	return found ? found->modified : restores->emptied;
}

int pfs_restore_index_add(struct pfs_restores *restores, const struct pfs_object *source,
			  const char *name, struct pfs_object *job, bool waited)
{
	struct place wanted;
	struct source *found;
	const struct made *known;
	int error = -EBADMSG;

	(void)snprintf(wanted.source, sizeof(wanted.source), "%s", source->id);
	(void)snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	known = find_job(restores, source->kind, job, &wanted, &found);

	if (!known && !job->content) {
		found = pfs_source_intern(restores, source->kind, source->id);
		error = found ? pfs_source_announce(restores, found, job, name, waited) : -ENOMEM;
		if (!error)
			return 0;
	} else if (known && is_at(found, known, &wanted)) {
		error = 0; /* its description, or a page of the list, was quicker */
	}
	pfs_store_release(restores->store, job, 1);
	return error;
}

int pfs_restore_index_begin(struct pfs_restores *restores)
{
	const struct pfs_store_listener listener = {
		.appeared = on_appeared,
		.changed = on_changed,
		.vanished = on_vanished,
		.freed = on_freed,
		.failed = on_failed,
		.arg = restores,
	};

	return pfs_store_listen(restores->store, &listener);
}
