/* SPDX-License-Identifier: MIT */
/*
 * Sources, the names that they have, and the jobs that make those.
 *
 * Sources and names are in hash tables with a fixed number of buckets. The hash has a seed, since
 * anybody who may make backups can choose their ids. A source's jobs are in an array: a source
 * rarely has more than a few. But with very many nothing here takes a time for each pair of them.
 */
#include "restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pinefs/text.h"

/* --- sources ------------------------------------------------------------------------------- */

static size_t fold(uint64_t hash)
{
	return (size_t)((hash ^ (hash >> 32)) % BUCKETS);
}

static struct source_list *bucket(const struct pfs_restores *restores, const char *id)
{
	return (struct source_list *)&restores->sources[fold(pfs_hash(restores->seed, id))];
}

struct source *pfs_source_find(const struct pfs_restores *restores, const struct pfs_kind *kind,
			       const char *id)
{
	struct source *source;

	TAILQ_FOREACH(source, bucket(restores, id), link) {
		if (source->kind == kind && !strcmp(source->id, id))
			return source;
	}
	return NULL;
}

struct source *pfs_source_intern(struct pfs_restores *restores, const struct pfs_kind *kind,
				 const char *id)
{
	struct source *source = pfs_source_find(restores, kind, id);
	const size_t size = strlen(id) + 1;

	if (source)
		return source;
	source = calloc(1, sizeof(*source) + size);
	if (!source)
		return NULL;
	source->kind = kind;
	source->modified = restores->emptied; /* it may have been this one */
	memcpy(source->id, id, size);
	TAILQ_INSERT_TAIL(bucket(restores, id), source, link);
	return source;
}

static void free_source(struct pfs_restores *restores, struct source *source)
{
	TAILQ_REMOVE(bucket(restores, source->id), source, link);
	free(source->made);
	free(source);
}

struct pfs_object *pfs_source_object(const struct pfs_restores *restores,
				     const struct source *source)
{
	return pfs_store_find(restores->store, source->kind, source->id);
}

/* --- their names --------------------------------------------------------------------------- */

static struct name_list *name_bucket(const struct pfs_restores *restores,
				     const struct source *source, const char *text)
{
	const uint64_t hash = pfs_hash(pfs_hash(restores->seed, source->id), text);

	return (struct name_list *)&restores->names[fold(hash)];
}

struct name *pfs_source_name(const struct pfs_restores *restores, const struct source *source,
			     const char *text)
{
	struct name *name;

	TAILQ_FOREACH(name, name_bucket(restores, source, text), link) {
		if (name->source == source && !strcmp(name->text, text))
			return name;
	}
	return NULL;
}

static struct name *intern_name(struct pfs_restores *restores, const struct source *source,
				const char *text)
{
	struct name *name = pfs_source_name(restores, source, text);
	const size_t size = strlen(text) + 1;

	if (name)
		return name;
	name = calloc(1, sizeof(*name) + size);
	if (!name)
		return NULL;
	name->source = source;
	name->created = INT64_MIN;
	memcpy(name->text, text, size);
	TAILQ_INSERT_TAIL(name_bucket(restores, source, text), name, link);
	return name;
}

static void free_name(struct pfs_restores *restores, struct name *name)
{
	TAILQ_REMOVE(name_bucket(restores, name->source, name->text), name, link);
	free(name);
}

/* One of its jobs was added, or was found to be of this time: is it the newest? */
static void note_newest(struct name *name, const struct made *made)
{
	if (made->created < name->created ||
	    (made->created == name->created && made->job->slot < name->slot))
		return;
	name->created = made->created;
	name->slot = made->job->slot;
}

/* The newest of its jobs is that no more. */
static void find_newest(struct name *name)
{
	const struct source *source = name->source;

	name->created = INT64_MIN;
	name->slot = 0;
	for (size_t i = 0; i < source->count; i++) {
		if (source->made[i].name == name)
			note_newest(name, &source->made[i]);
	}
}

/* --- what a source has --------------------------------------------------------------------- */

size_t pfs_source_place(const struct source *source, uint64_t slot)
{
	size_t low = 0, high = source->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (source->made[middle].job->slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct made *pfs_source_made(const struct source *source, const struct pfs_object *job)
{
	size_t place = pfs_source_place(source, job->slot);

	return place < source->count && source->made[place].job == job ? &source->made[place]
								       : NULL;
}

static int insert(struct source *source, const struct made *made)
{
	size_t place = pfs_source_place(source, made->job->slot);

	if (source->count == source->capacity) {
		size_t capacity = source->capacity ? 2 * source->capacity : 2;
		struct made *larger = reallocarray(source->made, capacity, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		source->made = larger;
		source->capacity = capacity;
	}
	memmove(&source->made[place + 1], &source->made[place],
		(source->count - place) * sizeof(*made));
	source->made[place] = *made;
	source->count++;
	return 0;
}

static void notify_appeared(struct pfs_restores *restores, const struct source *source,
			    struct pfs_object *job, const char *name, bool waited)
{
	struct pfs_object *object = pfs_source_object(restores, source);

	for (size_t i = 0; object && i < restores->listener_count; i++) {
		const struct pfs_restores_listener *listener = &restores->listeners[i];

		listener->appeared(listener->arg, object, job, name, waited);
	}
}

static void notify_vanished(struct pfs_restores *restores, const struct source *source,
			    struct pfs_object *job, const char *name)
{
	struct pfs_object *object = pfs_source_object(restores, source);

	for (size_t i = 0; object && i < restores->listener_count; i++) {
		const struct pfs_restores_listener *listener = &restores->listeners[i];

		listener->vanished(listener->arg, object, job, name);
	}
}

int pfs_source_add(struct pfs_restores *restores, struct source *source, struct pfs_object *job,
		   const char *name, int64_t created, bool waited)
{
	struct made made = {.job = job, .created = created};
	int error;

	made.name = intern_name(restores, source, name);
	error = made.name ? insert(source, &made) : -ENOMEM;
	if (error) {
		if (made.name && !made.name->count)
			free_name(restores, made.name);
		if (!source->count)
			free_source(restores, source);
		return error;
	}
	made.name->count++;
	note_newest(made.name, &made);
	source->modified = pfs_loop_wall_after(restores->loop, source->modified);
	if (made.name->count == 1)
		notify_appeared(restores, source, job, made.name->text, waited);
	return 0;
}

/* One of the name's jobs is gone. */
static void lose(struct pfs_restores *restores, const struct source *source, struct name *name,
		 struct pfs_object *job, bool quiet)
{
	if (--name->count) {
		if (name->slot == job->slot)
			find_newest(name);
		return;
	}
	if (!quiet)
		notify_vanished(restores, source, job, name->text);
	free_name(restores, name);
}

void pfs_source_drop(struct pfs_restores *restores, struct source *source, struct made *made,
		     bool quiet)
{
	const struct made dropped = *made;

	memmove(made, made + 1,
		(size_t)(&source->made[source->count] - (made + 1)) * sizeof(*made));
	source->count--;
	source->modified = pfs_loop_wall_after(restores->loop, source->modified);
	lose(restores, source, dropped.name, dropped.job, quiet);
	pfs_source_release(restores, dropped.job);
	if (source->count)
		return;
	if (source->modified > restores->emptied)
		restores->emptied = source->modified;
	free_source(restores, source);
}

void pfs_source_date(struct made *made, int64_t created)
{
	if (made->created == created)
		return;
	made->created = created;
	find_newest(made->name);
}

/* --- held jobs ----------------------------------------------------------------------------- */

static void free_held(struct pfs_restores *restores, struct held *held)
{
	TAILQ_REMOVE(&restores->held, held, link);
	free(held);
}

int pfs_source_announce(struct pfs_restores *restores, struct source *source,
			struct pfs_object *job, const char *name, bool waited)
{
	struct held *held = malloc(sizeof(*held));
	int error;

	if (!held) {
		if (!source->count)
			free_source(restores, source);
		return -ENOMEM;
	}
	held->job = job;
	held->source = source;
	TAILQ_INSERT_TAIL(&restores->held, held, link); /* before listeners ask where it is */
	error = pfs_source_add(restores, source, job, name, INT64_MAX, waited);
	if (error)
		free_held(restores, held);
	return error;
}

void pfs_source_release(struct pfs_restores *restores, struct pfs_object *job)
{
	struct held *held;

	TAILQ_FOREACH(held, &restores->held, link) {
		if (held->job == job)
			break;
	}
	if (!held)
		return;
	free_held(restores, held);
	pfs_store_release(restores->store, job, 1);
}

/* --- the whole ----------------------------------------------------------------------------- */

void pfs_sources_init(struct pfs_restores *restores)
{
	(void)!getrandom(&restores->seed, sizeof(restores->seed), GRND_NONBLOCK);
	TAILQ_INIT(&restores->held);
	for (size_t i = 0; i < BUCKETS; i++) {
		TAILQ_INIT(&restores->sources[i]);
		TAILQ_INIT(&restores->names[i]);
	}
}

void pfs_sources_finish(struct pfs_restores *restores)
{
	while (!TAILQ_EMPTY(&restores->held))
		free_held(restores, TAILQ_FIRST(&restores->held));
	for (size_t i = 0; i < BUCKETS; i++) {
		struct name *name;

		while ((name = TAILQ_FIRST(&restores->names[i])))
			free_name(restores, name);
	}
	for (size_t i = 0; i < BUCKETS; i++) { /* after the names, whose hash needs them */
		struct source *source;

		while ((source = TAILQ_FIRST(&restores->sources[i])))
			free_source(restores, source);
	}
}
