/* SPDX-License-Identifier: MIT */
/*
 * What is known of the objects is counted anew each time: a count that is kept up to date by each
 * change would have to be right in every corner of the store, and this is read a few times a
 * minute.
 *
 * The API decides which states and names there are. So that no answer of it can make the text
 * endless, only so many of each are shown, and the rest together.
 */
#include "pinefs/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pinefs/json.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"

#define STATES_MAX 24	/* of a kind; others are counted together, as "other" */
#define GROUPS_MAX 1000 /* of a kind; those beyond aren't shown */
#define LONGEST	   128	/* bytes of a string that becomes a label's; the rest is cut off */
#define PLACES	   2048 /* for the groups, by their hash: a power of two, so that half are free */

static void add_gauge(struct pfs_buffer *buffer, const char *labels, const char *name,
		      const char *help, double value)
{
	pfs_stats_add_head(buffer, name, help, "gauge");
	(void)pfs_buffer_format(buffer, "pinefs_%s{%s} %.15g\n", name, labels, value);
}

static double seconds(int64_t ns)
{
	return (double)ns / (double)PFS_SECOND;
}

/* --- this process -------------------------------------------------------------------------- */

static double resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (file && fscanf(file, "%*s %ld", &pages) != 1)
		pages = 0;
	if (file)
		(void)fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double processor(void)
{
	struct rusage usage = {0};

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* But for the one that this takes. */
static double descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		(void)closedir(directory);
	return count > 3 ? count - 3 : 0; /* ".", ".." */
}

static void add_process(const struct pfs_metrics *metrics, const char *labels,
			struct pfs_buffer *buffer)
{
	pfs_stats_add_head(buffer, "build_info", "1; the version is in a label.", "gauge");
	(void)pfs_buffer_format(buffer, "pinefs_build_info{%s,version=\"%s\"} 1\n", labels,
				metrics->version);
	add_gauge(buffer, labels, "process_start_time_seconds", "When the daemon was started.",
		  seconds(metrics->started));
	add_gauge(buffer, labels, "process_resident_memory_bytes", "Memory of the daemon.",
		  resident());
	pfs_stats_add_head(buffer, "process_cpu_seconds_total", "Processor time of the daemon.",
			   "counter");
	(void)pfs_buffer_format(buffer, "pinefs_process_cpu_seconds_total{%s} %.6f\n", labels,
				processor());
	add_gauge(buffer, labels, "process_open_fds", "Descriptors of the daemon.", descriptors());
}

/* --- the objects of a kind ----------------------------------------------------------------- */

/* ns since the epoch; 0: the object doesn't say. */
static int64_t created_at(const struct pfs_object *object)
{
	int64_t created;

	return pfs_content_time(object->kind, object->content, object->kind->created, &created)
		       ? created
		       : 0;
}

/* When it ended, as it says; else when it was seen to have changed last. */
static int64_t failed_at(const struct pfs_object *object)
{
	const struct pfs_content *content = object->content;
	int64_t failed;

	if (pfs_content_time(object->kind, content, object->kind->finished, &failed))
		return failed;
	return content->modified;
}

/* Names are as they are written in labels, where several of the API's may be one. */
struct group {
	char *name; /* owned */
	uint64_t hash;
	int64_t newest; /* ns since the epoch */
};

struct tally {
	char *states[STATES_MAX]; /* owned */
	uint64_t counts[STATES_MAX];
	size_t state_count;
	uint64_t others;
	int64_t oldest; /* ns since the epoch; 0: none */
	int64_t failed; /* likewise */
	uint64_t seed;	/* of the groups' hashes */
	struct group *groups;
	size_t group_count;
	uint16_t *places;	 /* the number of a group, from 1; 0: the place is free */
	struct pfs_buffer label; /* of the object at hand */
};

/* The label that a string of the API's makes, or ""; valid until the next. NULL: no memory. */
static const char *label_of(struct tally *tally, const struct pfs_object *object, const char *field)
{
	const struct pfs_json_value value =
		pfs_kind_value(object->kind, field, &object->content->json);
	size_t length = value.type == PFS_JSON_STRING ? value.length : 0;

	pfs_buffer_clear(&tally->label);
	(void)pfs_buffer_add_string(&tally->label, "");
	if (length)
		(void)pfs_buffer_add_label(&tally->label, value.text,
					   length < LONGEST ? length : LONGEST);
	return tally->label.error ? NULL : tally->label.bytes;
}

/* Without memory for its name, a state is one of the others. */
static void count_state(struct tally *tally, const char *state)
{
	char *name = NULL;

	for (size_t i = 0; state && i < tally->state_count; i++) {
		if (!strcmp(tally->states[i], state)) {
			tally->counts[i]++;
			return;
		}
	}
	if (state && tally->state_count < STATES_MAX && strcmp(state, "other") != 0)
		name = strdup(state);
	if (!name) {
		tally->others++;
		return;
	}
	tally->states[tally->state_count] = name;
	tally->counts[tally->state_count++] = 1;
}

/* The group of this name, new if there was none. NULL: there are too many, or no memory. */
static struct group *find_group(struct tally *tally, const char *name)
{
	uint64_t hash = pfs_hash(tally->seed, name);
	size_t place = hash % PLACES;
	struct group *group;

	for (; tally->places[place]; place = (place + 1) % PLACES) {
		group = &tally->groups[tally->places[place] - 1];
		if (group->hash == hash && !strcmp(group->name, name))
			return group;
	}
	if (tally->group_count == GROUPS_MAX)
		return NULL;
	group = &tally->groups[tally->group_count];
	*group = (struct group){.name = strdup(name), .hash = hash};
	if (!group->name)
		return NULL;
	tally->places[place] = (uint16_t)++tally->group_count;
	return group;
}

/* Without memory the object isn't counted. */
static void add_to_groups(struct tally *tally, const struct pfs_object *object)
{
	const char *name = label_of(tally, object, object->kind->metrics.newest_of);
	int64_t created = name && *name ? created_at(object) : 0;
	struct group *group = created && tally->places ? find_group(tally, name) : NULL;

	if (group && (!group->newest || created > group->newest))
		group->newest = created;
}

static void count(struct tally *tally, const struct pfs_object *object)
{
	const struct pfs_kind *kind = object->kind;
	int64_t created;

	count_state(tally, label_of(tally, object, kind->status));
	if (kind->metrics.oldest && !object->content->end) {
		created = created_at(object);
		if (created && (!tally->oldest || created < tally->oldest))
			tally->oldest = created;
	}
	if (kind->metrics.failed && object->content->end == PFS_END_FAILED) {
		int64_t failed = failed_at(object);

		if (failed > tally->failed)
			tally->failed = failed;
	}
	if (kind->metrics.newest && object->content->end == PFS_END_GOOD)
		add_to_groups(tally, object);
}

static void add_sample(struct pfs_buffer *buffer, const char *labels, const char *name,
		       const char *label, const char *value)
{
	(void)pfs_buffer_format(buffer, "pinefs_%s{%s,%s=\"%s\"}", name, labels, label, value);
}

static void add_states(const struct pfs_kind *kind, const struct tally *tally, const char *labels,
		       struct pfs_buffer *buffer)
{
	const struct pfs_kind_metrics *names = &kind->metrics;

	pfs_stats_add_head(buffer, names->count, "Objects that are known, by their state.",
			   "gauge");
	for (size_t i = 0; i < tally->state_count; i++) {
		add_sample(buffer, labels, names->count, names->label, tally->states[i]);
		(void)pfs_buffer_format(buffer, " %llu\n", (unsigned long long)tally->counts[i]);
	}
	if (tally->others) {
		add_sample(buffer, labels, names->count, names->label, "other");
		(void)pfs_buffer_format(buffer, " %llu\n", (unsigned long long)tally->others);
	}
}

static void add_newest(const struct pfs_kind *kind, const struct tally *tally, const char *labels,
		       struct pfs_buffer *buffer)
{
	const struct pfs_kind_metrics *names = &kind->metrics;

	pfs_stats_add_head(buffer, names->newest, "When the newest that is ready was created.",
			   "gauge");
	for (size_t i = 0; i < tally->group_count; i++) {
		const struct group *group = &tally->groups[i];

		add_sample(buffer, labels, names->newest, names->newest_label, group->name);
		(void)pfs_buffer_format(buffer, " %.3f\n", seconds(group->newest));
	}
}

static void begin_tally(struct tally *tally, const struct pfs_metrics *metrics,
			const struct pfs_kind *kind)
{
	*tally = (struct tally){.seed = (uint64_t)metrics->started};
	if (!kind->metrics.newest)
		return;
	tally->groups = calloc(GROUPS_MAX, sizeof(*tally->groups));
	if (tally->groups)
		tally->places = calloc(PLACES, sizeof(*tally->places));
}

static void finish_tally(struct tally *tally)
{
	for (size_t i = 0; i < tally->state_count; i++)
		free(tally->states[i]);
	for (size_t i = 0; i < tally->group_count; i++)
		free(tally->groups[i].name);
	free(tally->groups);
	free(tally->places);
	pfs_buffer_finish(&tally->label);
}

static void add_kind(const struct pfs_metrics *metrics, const struct pfs_kind *kind,
		     const char *labels, struct pfs_buffer *buffer)
{
	struct tally tally;
	const struct pfs_object *object;

	begin_tally(&tally, metrics, kind);
	for (object = pfs_store_next(metrics->store, kind, 0); object;
	     object = pfs_store_next(metrics->store, kind, object->slot))
		count(&tally, object);
	add_states(kind, &tally, labels, buffer);
	if (kind->metrics.oldest && tally.oldest)
		add_gauge(buffer, labels, kind->metrics.oldest,
			  "When the oldest that hasn't ended was created; absent if all have.",
			  seconds(tally.oldest));
	if (kind->metrics.failed && tally.failed)
		add_gauge(buffer, labels, kind->metrics.failed,
			  "When the newest that has failed did so; absent if none has.",
			  seconds(tally.failed));
	if (kind->metrics.newest)
		add_newest(kind, &tally, labels, buffer);
	finish_tally(&tally);
}

void pfs_metrics_render(const struct pfs_metrics *metrics, struct pfs_buffer *buffer)
{
	const struct pfs_kinds *kinds = pfs_store_kinds(metrics->store);
	struct pfs_buffer labels = {0};

	(void)pfs_buffer_add_string(&labels, "mount=\"");
	(void)pfs_buffer_add_label(&labels, metrics->mount, strlen(metrics->mount));
	(void)pfs_buffer_add_string(&labels, "\"");
	if (labels.error) {
		buffer->error = labels.error;
	} else {
		add_process(metrics, labels.bytes, buffer);
		pfs_stats_render_metrics(metrics->stats, labels.bytes, buffer);
		for (size_t i = 0; i < kinds->count; i++)
			add_kind(metrics, kinds->rows[i], labels.bytes, buffer);
	}
	pfs_buffer_finish(&labels);
}
