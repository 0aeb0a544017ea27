/* SPDX-License-Identifier: MIT */
/*
 * An object's lines are in a record, which is created when the object first changes: its content
 * before the change is still there then, so the record can begin with the object's first state.
 * Lines are rotated between two changes, never inside one.
 *
 * Where all records together have too many bytes, the one that has got no line for the longest time
 * forgets its own: its next generation begins with the object's state, like that of an object that
 * hasn't changed.
 */
#include "pinefs/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pinefs/json.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"

#define TEXT_LONGEST 4096 /* bytes of a value, or of its name, in a line */

/* The lines between two rotations. */
struct generation {
	struct pfs_buffer lines;
	int64_t modified; /* ns since the epoch */
	int64_t grown_at; /* monotonic: when its lines last became others; 0: never */
};

struct pfs_record {
	uint64_t number; /* of the present generation */
	int64_t begun;	 /* ns since the epoch: when that was; 0: it is the first */
	struct generation present;
	struct generation before;

	/* Of an object's record only. */
	struct pfs_object *object;
	/* Its lines are gone; until the next change they are rendered from the object, as if it had
	 * no record. */
	bool is_forgotten;
	bool replaces_forgotten; /* the generation before was forgotten: it reads as the present */
	size_t bytes;		 /* counted in the history's */
	TAILQ_ENTRY(pfs_record) link; /* in the history's list, if bytes isn't 0 */
};

struct pfs_history {
	struct pfs_store *store;
	struct pfs_loop *loop;
	struct pfs_stats *stats;
	struct pfs_history_config config;
	struct pfs_record whole;
	TAILQ_HEAD(record_list, pfs_record) records; /* that have lines, the latest last */
	void (*forgotten)(void *arg, struct pfs_object *object); /* NULL: nobody listens */
	void *arg;
};

/* --- lines --------------------------------------------------------------------------------- */

/* A line's time, and, in the whole history, its object. */
struct subject {
	int64_t time;
	const struct pfs_object *object; /* NULL: in the object's own history */
};

/* Append text; if it is long, only its first characters: one change mustn't fill the memory. */
static void add_text(struct pfs_buffer *lines, const char *text, size_t length)
{
	size_t shown = length;

	if (length > TEXT_LONGEST) {
		shown = TEXT_LONGEST;
		while (shown > TEXT_LONGEST - 4 && (text[shown] & 0xC0) == 0x80) /* of UTF-8 */
			shown--;
	}
	(void)pfs_buffer_add_escaped(lines, text, shown);
	if (shown < length)
		(void)pfs_buffer_add_string(lines, "…");
}

static void add_value(struct pfs_buffer *lines, const struct pfs_json_value *value)
{
	if (value->type != PFS_JSON_NULL)
		add_text(lines, value->text, value->length);
}

/* What a line is about: a field of the object's kind, or a member that no field shows. */
struct named {
	const char *name;
	size_t length;
};

/* Append a whole line; or nothing, if it doesn't fit or memory is short. */
static void add_line(struct pfs_buffer *lines, const struct subject *subject, struct named named,
		     const struct pfs_json_value *old, const struct pfs_json_value *new)
{
	size_t begin = lines->length;
	char time[PFS_TIME_SIZE];

	(void)pfs_buffer_add_string(lines, pfs_time_format(subject->time, time, sizeof(time)));
	if (subject->object) {
		(void)pfs_buffer_add_string(lines, "\t");
		(void)pfs_buffer_add_string(lines, subject->object->kind->name);
		(void)pfs_buffer_add_string(lines, "/");
		(void)pfs_buffer_add_string(lines, subject->object->id);
	}
	(void)pfs_buffer_add_string(lines, "\t");
	add_text(lines, named.name, named.length);
	(void)pfs_buffer_add_string(lines, "\t");
	add_value(lines, old);
	(void)pfs_buffer_add_string(lines, "\t");
	add_value(lines, new);
	if (pfs_buffer_add_string(lines, "\n"))
		lines->length = begin;
}

/* A history to which a change's lines are appended; lines NULL: none. */
struct target {
	struct pfs_buffer *lines;
	struct subject subject;
};

/* An object's content before and after a change; before NULL: there was none. */
struct change {
	const struct pfs_kind *kind;
	const struct pfs_json *before, *after;
	const struct target *targets;
	size_t target_count;
};

static struct pfs_json_value value_in(const struct pfs_field *field, const struct pfs_json *json)
{
	return json ? pfs_field_value(field, json) : (struct pfs_json_value){0};
}

static bool is_field_changed(const struct change *change, const struct pfs_field *field)
{
	const struct pfs_json_value old = value_in(field, change->before),
				    new = value_in(field, change->after);

	return !pfs_json_is_same(&old, &new);
}

static void add_lines(const struct change *change, struct named named,
		      const struct pfs_json_value *old, const struct pfs_json_value *new)
{
	for (size_t i = 0; i < change->target_count; i++) {
		if (change->targets[i].lines)
			add_line(change->targets[i].lines, &change->targets[i].subject, named, old,
				 new);
	}
}

static void add_field(const struct change *change, const struct pfs_field *field)
{
	const struct named named = {field->name, strlen(field->name)};
	const struct pfs_json_value old = value_in(field, change->before),
				    new = value_in(field, change->after);

	add_lines(change, named, &old, &new);
}

/* Do lines of fields show how this member has changed? */
static bool is_covered(const struct change *change, const struct pfs_json_value *member)
{
	for (size_t i = 0; i < change->kind->field_count; i++) {
		const struct pfs_field *field = &change->kind->fields[i];
		enum pfs_reach reach = pfs_field_reach(field, member);

		if (reach == PFS_REACH_WHOLE ||
		    (reach == PFS_REACH_PART && is_field_changed(change, field)))
			return true;
	}
	return false;
}

/* Append lines for this member, if its value differs and no line of a field says so. */
static bool add_member(void *arg, const struct pfs_json_value *new,
		       const struct pfs_json_value *old)
{
	const struct change *change = arg;
	const struct pfs_json_value *member = new->key ? new : old;
	const struct named named = {member->key, member->key_length};

	if (!pfs_json_is_same(new, old) && !is_covered(change, member))
		add_lines(change, named, old, new);
	return true;
}

static void add_fields(const struct change *change)
{
	for (size_t i = 0; i < change->kind->field_count; i++) {
		if (is_field_changed(change, &change->kind->fields[i]))
			add_field(change, &change->kind->fields[i]);
	}
}

/*
 * Append lines for the fields that differ, in their order, then for the other members that do:
 * those that are there now, then those that were. Without memory, only the first.
 */
static void add_changes(struct change *change)
{
	const struct pfs_json_value old = pfs_json_whole(change->before),
				    new = pfs_json_whole(change->after);

	add_fields(change);
	(void)pfs_json_each_pair(&new, &old, add_member, change);
}

/* Append a line for each value of a content that there was none before. */
static void add_state(struct pfs_buffer *lines, const struct subject *subject,
		      const struct pfs_object *object, const struct pfs_content *content)
{
	static const struct pfs_json_value nothing = {0};
	const struct pfs_json_value whole = pfs_json_whole(&content->json);
	const struct target target = {lines, *subject};
	struct change change = {
		.kind = object->kind,
		.after = &content->json,
		.targets = &target,
		.target_count = 1,
	};
	struct pfs_json_value value = {0};

	add_fields(&change);
	while (pfs_json_next(&whole, &value)) {
		if (!value.is_shadowed)
			(void)add_member(&change, &value, &nothing);
	}
}

/* --- records ------------------------------------------------------------------------------- */

/* Before lines are appended: begin a new generation if there are too many, and move the time. */
static void open_record(struct pfs_history *history, struct pfs_record *record, size_t max)
{
	struct generation *present = &record->present;
	const int64_t now = pfs_loop_wall_after(history->loop, present->modified);

	if (present->lines.length >= max || present->lines.error) {
		pfs_buffer_finish(&record->before.lines);
		record->before = *present;
		*present = (struct generation){0};
		record->number++;
		record->begun = now;
		record->replaces_forgotten = false;
	}
	if (record->is_forgotten) { /* to those who watch the file it is replaced now */
		record->is_forgotten = false;
		record->begun = now;
	}
	present->modified = now;
	present->grown_at = pfs_loop_now(history->loop);
}

/* When a generation that begins with the object's state begins: this is the time of its lines. */
static int64_t state_time(const struct pfs_object *object)
{
	return object->record && object->record->is_forgotten ? object->record->begun
							      : object->first_seen;
}

/*
 * The object's record, which begins with the object's first state, if it had no lines. What is
 * forgotten stays so until open_record. NULL without memory.
 */
static struct pfs_record *record_of(struct pfs_object *object, const struct pfs_content *first)
{
	const struct subject subject = {.time = state_time(object)};
	struct pfs_record *record = object->record;

	if (record && !record->is_forgotten)
		return record;
	if (!record) {
		record = object->record = calloc(1, sizeof(*record));
		if (!record)
			return NULL;
		record->object = object;
		record->present.modified = object->first_seen;
	}
	add_state(&record->present.lines, &subject, object, first);
	return record;
}

static void free_lines(struct pfs_record *record)
{
	pfs_buffer_finish(&record->present.lines);
	pfs_buffer_finish(&record->before.lines);
}

static void stop_counting(struct pfs_history *history, struct pfs_record *record)
{
	if (!record->bytes)
		return;
	TAILQ_REMOVE(&history->records, record, link);
	history->stats->history_bytes -= record->bytes;
	record->bytes = 0;
}

/* Both generations are gone, and the next begins. */
static void forget_lines(struct pfs_history *history, struct pfs_record *record)
{
	const int64_t now = pfs_loop_wall_after(history->loop, record->present.modified);

	stop_counting(history, record);
	free_lines(record);
	record->before = (struct generation){0};
	/* To those who read the file that was forgotten it grows or shrinks now. */
	record->present = (struct generation){
		.modified = now,
		.grown_at = pfs_loop_now(history->loop),
	};
	record->number++;
	record->begun = now;
	record->is_forgotten = record->replaces_forgotten = true;
	if (history->forgotten)
		history->forgotten(history->arg, record->object);
}

/* Lines were added to this record: it is the latest. Have the oldest ones make room for them. */
static void count_lines(struct pfs_history *history, struct pfs_record *record)
{
	struct pfs_record *oldest;

	stop_counting(history, record);
	record->bytes = record->present.lines.length + record->before.lines.length;
	if (!record->bytes) /* without memory */
		return;
	TAILQ_INSERT_TAIL(&history->records, record, link);
	history->stats->history_bytes += record->bytes;
	while (history->stats->history_bytes > history->config.max_together &&
	       (oldest = TAILQ_FIRST(&history->records)) != record)
		forget_lines(history, oldest);
}

/* --- news from the store ------------------------------------------------------------------- */

static struct subject whole_subject(struct pfs_history *history, const struct pfs_object *object)
{
	open_record(history, &history->whole, history->config.max_whole);
	return (struct subject){.time = history->whole.present.modified, .object = object};
}

/* Objects that the first listing brings are new to us only. */
static void on_appeared(void *arg, struct pfs_object *object)
{
	struct pfs_history *history = arg;
	struct subject subject;

	if (!pfs_store_list_generation(history->store, object->kind))
		return;
	subject = whole_subject(history, object);
	add_state(&history->whole.present.lines, &subject, object, object->content);
}

static void on_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	struct pfs_history *history = arg;
	struct pfs_record *record = record_of(object, before);
	struct target targets[2] = {{.subject = whole_subject(history, object)}};
	struct change change = {
		.kind = object->kind,
		.before = &before->json,
		.after = &object->content->json,
		.targets = targets,
		.target_count = 2,
	};

	targets[0].lines = &history->whole.present.lines;
	if (record) {
		open_record(history, record, history->config.max_object);
		targets[1].lines = &record->present.lines;
		targets[1].subject.time = record->present.modified;
	}
	add_changes(&change);
	if (record)
		count_lines(history, record);
}

/* A vanished object's line says that its id has no value any more. */
static void on_vanished(void *arg, struct pfs_object *object)
{
	static const struct pfs_json_value nothing = {0};
	const struct named named = {object->kind->id, strlen(object->kind->id)};
	const struct pfs_json_value id = {
		.type = PFS_JSON_STRING,
		.text = object->id,
		.length = strlen(object->id),
	};
	struct pfs_history *history = arg;
	struct subject subject = whole_subject(history, object);
	struct pfs_record *record = record_of(object, object->content);

	add_line(&history->whole.present.lines, &subject, named, &id, &nothing);
	if (!record)
		return;
	open_record(history, record, history->config.max_object);
	subject = (struct subject){.time = record->present.modified};
	add_line(&record->present.lines, &subject, named, &id, &nothing);
	count_lines(history, record);
}

static void on_freed(void *arg, struct pfs_object *object)
{
	if (!object->record)
		return;
	stop_counting(arg, object->record);
	free_lines(object->record);
	free(object->record);
	object->record = NULL;
}

/* --- what the header promises -------------------------------------------------------------- */

int pfs_history_create(struct pfs_store *store, struct pfs_loop *loop, struct pfs_stats *stats,
		       const struct pfs_history_config *config, struct pfs_history **ret_history)
{
	struct pfs_history *history = calloc(1, sizeof(*history));
	const struct pfs_store_listener listener = {
		.appeared = on_appeared,
		.changed = on_changed,
		.vanished = on_vanished,
		.freed = on_freed,
		.arg = history,
	};
	int error;

	if (!history)
		return -ENOMEM;
	history->store = store;
	history->loop = loop;
	history->stats = stats;
	TAILQ_INIT(&history->records);
	history->config = *config;
	history->whole.present.modified = pfs_loop_wall(loop);
	error = pfs_store_listen(store, &listener);
	if (error) {
		free(history);
		return error;
	}
	*ret_history = history;
	return 0;
}

void pfs_history_destroy(struct pfs_history *history)
{
	if (!history)
		return;
	free_lines(&history->whole);
	free(history);
}

void pfs_history_listen(struct pfs_history *history,
			void (*forgotten)(void *arg, struct pfs_object *object), void *arg)
{
	history->forgotten = forgotten;
	history->arg = arg;
}

static const struct pfs_record *find_record(const struct pfs_history *history,
					    const struct pfs_object *object)
{
	return object ? object->record : &history->whole;
}

/* Has this generation the present lines: is it that, or was it forgotten for that? */
static bool is_present(const struct pfs_record *record, uint64_t number)
{
	return number == record->number ||
	       (record->replaces_forgotten && number + 1 == record->number);
}

/* NULL: it is gone. */
static const struct generation *find_generation(const struct pfs_record *record, uint64_t number)
{
	if (is_present(record, number))
		return &record->present;
	return number + 1 == record->number && record->before.modified ? &record->before : NULL;
}

uint64_t pfs_history_generation(const struct pfs_history *history, const struct pfs_object *object)
{
	const struct pfs_record *record = find_record(history, object);

	return record ? record->number : 0;
}

bool pfs_history_is_rotated(const struct pfs_history *history, const struct pfs_object *object)
{
	const struct pfs_record *record = find_record(history, object);

	return record && record->begun == record->present.modified;
}

int64_t pfs_history_modified(const struct pfs_history *history, const struct pfs_object *object,
			     uint64_t generation)
{
	const struct pfs_record *record = find_record(history, object);

	if (!record)
		return object->first_seen;
	return is_present(record, generation) ? record->present.modified : record->before.modified;
}

int64_t pfs_history_age(const struct pfs_history *history, const struct pfs_object *object,
			uint64_t generation)
{
	const struct pfs_record *record = find_record(history, object);
	const struct generation *found = record ? find_generation(record, generation) : NULL;

	return found ? pfs_loop_now(history->loop) - found->grown_at : INT64_MAX;
}

int pfs_history_touch(struct pfs_history *history, struct pfs_object *object, uint64_t generation)
{
	struct pfs_record *record = &history->whole;

	if (object && object->record)
		record = object->record;
	else if (object)
		record = object->content ? record_of(object, object->content) : NULL;
	if (!record)
		return -ENOMEM;
	if (is_present(record, generation))
		record->present.modified++;
	else
		record->before.modified++;
	return 0;
}

int pfs_history_size(const struct pfs_history *history, const struct pfs_object *object,
		     uint64_t generation, size_t *ret_size)
{
	struct pfs_buffer scratch = {0};
	struct pfs_slice lines;
	int error = pfs_history_read(history, object, generation, &scratch, &lines);

	if (!error)
		*ret_size = lines.length;
	pfs_buffer_finish(&scratch);
	return error;
}

int pfs_history_read(const struct pfs_history *history, const struct pfs_object *object,
		     uint64_t generation, struct pfs_buffer *scratch, struct pfs_slice *ret_lines)
{
	const struct pfs_record *record = find_record(history, object);
	const struct pfs_buffer *lines = scratch;
	const struct generation *found;

	if (!record || record->is_forgotten) {
		const struct subject subject = {.time = state_time(object)};

		if (!(record ? is_present(record, generation) : !generation) || !object->content)
			return -ESTALE;
		pfs_buffer_clear(scratch);
		add_state(scratch, &subject, object, object->content);
		if (scratch->error)
			return scratch->error;
	} else {
		found = find_generation(record, generation);
		if (!found)
			return -ESTALE;
		lines = &found->lines;
	}
	*ret_lines = (struct pfs_slice){.bytes = lines->bytes, .length = lines->length};
	return 0;
}
