/* SPDX-License-Identifier: MIT */
/*
 * Which jobs each source has, by the names of what they make. A job belongs to the source that a
 * field of it names. It is known here while the store knows it, and from the moment on at which a
 * command has begun it.
 *
 * Sources are in a hash table with a fixed number of buckets. Its hash has a seed, since anybody
 * who may make backups can choose their ids. A source's jobs are in an array: a source rarely has
 * more than a few.
 */
#include "restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "pinefs/json.h"
#include "pinefs/text.h"

/* --- sources ------------------------------------------------------------------------------- */

static struct source_list *bucket(const struct pfs_restores *restores, const char *id)
{
	uint64_t hash = restores->seed;

	for (; *id; id++) /* FNV-1a, then folded */
		hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
	return (struct source_list *)&restores->sources[(hash ^ (hash >> 32)) % BUCKETS];
}

static struct source *find_source(const struct pfs_restores *restores, const struct pfs_kind *kind,
				  const char *id)
{
	struct source *source;

	TAILQ_FOREACH(source, bucket(restores, id), link) {
		if (source->kind == kind && !strcmp(source->id, id))
			return source;
	}
	return NULL;
}

static struct source *intern_source(struct pfs_restores *restores, const struct pfs_kind *kind,
				    const char *id)
{
	struct source *source = find_source(restores, kind, id);
	const size_t size = strlen(id) + 1;

	if (source)
		return source;
	source = calloc(1, sizeof(*source) + size);
	if (!source)
		return NULL;
	source->kind = kind;
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

/* --- what a source has --------------------------------------------------------------------- */

/* The first of a source's jobs with this slot or a higher one. */
static size_t place_of(const struct source *source, uint64_t slot)
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

static struct made *find_made(const struct source *source, const struct pfs_object *job)
{
	size_t place = place_of(source, job->slot);

	return place < source->count && source->made[place].job == job ? &source->made[place]
								       : NULL;
}

static struct made *find_newest(const struct source *source, const char *name)
{
	struct made *newest = NULL;

	for (size_t i = 0; i < source->count; i++) {
		struct made *made = &source->made[i];

		if (!strcmp(made->name, name) && (!newest || made->created >= newest->created))
			newest = made;
	}
	return newest;
}

static int insert(struct source *source, const struct made *made)
{
	size_t place = place_of(source, made->job->slot);

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

/* The source's object, if the store knows it; nobody else can have its directory. */
static struct pfs_object *object_of(const struct pfs_restores *restores,
				    const struct source *source)
{
	return pfs_store_find(restores->store, source->kind, source->id);
}

static void notify_appeared(struct pfs_restores *restores, const struct source *source,
			    const struct made *made, bool waited)
{
	struct pfs_object *object = object_of(restores, source);

	for (size_t i = 0; object && i < restores->listener_count; i++) {
		const struct pfs_restores_listener *listener = &restores->listeners[i];

		listener->appeared(listener->arg, object, made->job, made->name, waited);
	}
}

static void notify_vanished(struct pfs_restores *restores, const struct source *source,
			    struct pfs_object *job, const char *name)
{
	struct pfs_object *object = object_of(restores, source);

	for (size_t i = 0; object && i < restores->listener_count; i++) {
		const struct pfs_restores_listener *listener = &restores->listeners[i];

		listener->vanished(listener->arg, object, job, name);
	}
}

/* The name is copied. The caller's reference to the job is taken over if made.held. */
static int add(struct pfs_restores *restores, struct source *source, struct made made, bool waited)
{
	int error;

	made.name = strdup(made.name);
	error = made.name ? insert(source, &made) : -ENOMEM;
	if (error) {
		free(made.name);
		return error;
	}
	source->modified = pfs_loop_wall_after(restores->loop, source->modified);
	notify_appeared(restores, source, &made, waited);
	return 0;
}

/* quiet: the job was evicted by the store: the API still has it. */
static void drop(struct pfs_restores *restores, struct source *source, struct made *made,
		 bool quiet)
{
	const struct made dropped = *made;

	memmove(made, made + 1,
		(size_t)(&source->made[source->count] - (made + 1)) * sizeof(*made));
	source->count--;
	source->modified = pfs_loop_wall_after(restores->loop, source->modified);
	if (!quiet)
		notify_vanished(restores, source, dropped.job, dropped.name);
	if (dropped.held)
		pfs_store_release(restores->store, dropped.job, 1);
	free(dropped.name);
	if (!source->count)
		free_source(restores, source);
}

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

/* What a job's content says, if both can be names. The caller frees both. */
struct place {
	char *source;
	char *name;
};

static bool read_id(const struct pfs_kind *kind, const char *field, const struct pfs_json *json,
		    char **ret_id)
{
	const struct pfs_json_value value = pfs_kind_value(kind, field, json);

	*ret_id = NULL;
	return value.type == PFS_JSON_STRING && pfs_is_object_id(value.text, value.length) &&
	       pfs_json_strdup(&value, ret_id) == 1;
}

static bool read_place(const struct pfs_kind *sources, const struct pfs_object *job,
		       const struct pfs_content *content, struct place *place)
{
	const struct pfs_command *command = sources->command;

	*place = (struct place){0};
	if (content && read_id(job->kind, command->source, &content->json, &place->source) &&
	    read_id(job->kind, command->target, &content->json, &place->name))
		return true;
	free(place->source);
	*place = (struct place){0};
	return false;
}

static void finish_place(struct place *place)
{
	free(place->source);
	free(place->name);
}

static int64_t created_at(const struct pfs_object *job)
{
	const struct pfs_json_value value =
		pfs_kind_value(job->kind, job->kind->created, &job->content->json);
	char text[PFS_TIME_SIZE];
	int64_t created = 0;

	if (value.type == PFS_JSON_STRING && value.length < sizeof(text)) {
		memcpy(text, value.text, value.length);
		text[value.length] = '\0';
		(void)pfs_time_parse(text, &created);
	}
	return created;
}

/* It was announced, and has been described: the store keeps it by itself from now on. */
static void settle(struct pfs_restores *restores, struct made *made, int64_t created)
{
	made->created = created;
	if (!made->held)
		return;
	made->held = false;
	pfs_store_release(restores->store, made->job, 1);
}

static void on_appeared(void *arg, struct pfs_object *job)
{
	struct pfs_restores *restores = arg;
	const struct pfs_kind *sources = kind_of_sources(restores, job->kind);
	struct made made = {.job = job}, *known;
	struct source *source;
	struct place place;

	if (!sources || !read_place(sources, job, job->content, &place))
		return;
	made.created = created_at(job);
	made.name = place.name;
	source = intern_source(restores, sources, place.source);
	known = source ? find_made(source, job) : NULL;
	if (known && !strcmp(known->name, place.name))
		settle(restores, known, made.created);
	else if (source && !known && add(restores, source, made, false) && !source->count)
		free_source(restores, source);
	finish_place(&place);
}

static void leave(struct pfs_restores *restores, const struct pfs_object *job,
		  const struct pfs_content *content, bool quiet)
{
	const struct pfs_kind *sources = kind_of_sources(restores, job->kind);
	struct source *source;
	struct made *made;
	struct place place;

	if (!sources || !read_place(sources, job, content, &place))
		return;
	source = find_source(restores, sources, place.source);
	made = source ? find_made(source, job) : NULL;
	if (made)
		drop(restores, source, made, quiet);
	finish_place(&place);
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
	finish_place(&old);
	finish_place(&new);
	if (same)
		return;
	leave(restores, job, before, false);
	on_appeared(restores, job);
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

struct pfs_object *pfs_restores_find(const struct pfs_restores *restores,
				     const struct pfs_object *source, const char *name)
{
	const struct source *found = find_source(restores, source->kind, source->id);
	const struct made *made = found ? find_newest(found, name) : NULL;

	return made ? made->job : NULL;
}

struct pfs_object *pfs_restores_next(const struct pfs_restores *restores,
				     const struct pfs_object *source, uint64_t after,
				     const char **ret_name)
{
	const struct source *found = find_source(restores, source->kind, source->id);

	for (size_t i = found ? place_of(found, after + 1) : 0; found && i < found->count; i++) {
		const struct made *made = &found->made[i];

		if (find_newest(found, made->name) != made)
			continue;
		*ret_name = made->name;
		return made->job;
	}
	return NULL;
}

/* The source that has this job. Only one that wasn't described must be searched for. */
static const struct source *source_of(const struct pfs_restores *restores,
				      const struct pfs_object *job)
{
	const struct pfs_kind *sources = kind_of_sources(restores, job->kind);
	const struct source *source = NULL;
	struct place place;

	if (sources && read_place(sources, job, job->content, &place)) {
		source = find_source(restores, sources, place.source);
		finish_place(&place);
		return source;
	}
	for (size_t i = 0; i < BUCKETS; i++) {
		TAILQ_FOREACH(source, &restores->sources[i], link) {
			if (find_made(source, job))
				return source;
		}
	}
	return NULL;
}

bool pfs_restores_place(const struct pfs_restores *restores, const struct pfs_object *job,
			struct pfs_object **ret_source, const char **ret_name)
{
	const struct source *source = source_of(restores, job);
	const struct made *made = source ? find_made(source, job) : NULL;

	if (!made)
		return false;
	*ret_source = object_of(restores, source);
	*ret_name = made->name;
	return *ret_source != NULL;
}

int64_t pfs_restores_modified(const struct pfs_restores *restores, const struct pfs_object *source)
{
	const struct source *found = find_source(restores, source->kind, source->id);

	return found ? found->modified : 0;
}

int pfs_restore_index_add(struct pfs_restores *restores, const struct pfs_object *source,
			  const char *name, struct pfs_object *job, bool waited)
{
	struct source *found = intern_source(restores, source->kind, source->id);
	struct made made = {.job = job, .name = (char *)name, .created = INT64_MAX, .held = true};
	int error = found ? 0 : -ENOMEM;

	/* Its description, or a page of the list, may have been quicker. */
	if (found && !find_made(found, job))
		error = add(restores, found, made, waited);
	else
		pfs_store_release(restores->store, job, 1);
	if (error && found && !found->count)
		free_source(restores, found);
	return error;
}

int pfs_restore_index_begin(struct pfs_restores *restores)
{
	const struct pfs_store_listener listener = {
		.appeared = on_appeared,
		.changed = on_changed,
		.vanished = on_vanished,
		.freed = on_freed,
		.arg = restores,
	};

	(void)!getrandom(&restores->seed, sizeof(restores->seed), GRND_NONBLOCK);
	for (size_t i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&restores->sources[i]);
	return pfs_store_listen(restores->store, &listener);
}

void pfs_restore_index_finish(struct pfs_restores *restores)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct source *source;

		while ((source = TAILQ_FIRST(&restores->sources[i]))) {
			while (source->count)
				free(source->made[--source->count].name);
			free_source(restores, source);
		}
	}
}
