/* SPDX-License-Identifier: MIT */
/*
 * Ids are found through a hash table of slot numbers. The ids themselves are
 * not stored for seeded objects: two rolls of the dice give one back, which is
 * cheaper than the cache miss of reading it. Removing an object moves the rest of
 * the order down (a memmove of 4 bytes an object, rare), so that a place in the
 * list is an index and a page costs the same however deep it is.
 */
#include "shelf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMOVED UINT32_MAX

static uint32_t hash_id(const char *id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *id; id++)
		hash = (hash ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash ^ (hash >> 32));
}

static void slot_id(const struct sim_shelf *shelf, uint32_t slot, char ret_id[SIM_NAME_SIZE])
{
	shelf->kind->invent_id(shelf->seeding->seed, slot, SIM_SEEDED, ret_id);
}

static bool slot_has_id(const struct sim_shelf *shelf, uint32_t slot, const char *id)
{
	char own[SIM_NAME_SIZE];

	if (shelf->own[slot])
		return strcmp(shelf->own[slot]->id, id) == 0;
	slot_id(shelf, slot, own);
	return strcmp(own, id) == 0;
}

/* The id's place in the table, or -ENOENT. */
static int64_t find_entry(const struct sim_shelf *shelf, const char *id)
{
	uint32_t mask = shelf->table_size - 1;

	for (uint32_t at = hash_id(id) & mask; shelf->table[at] != 0; at = (at + 1) & mask) {
		uint32_t entry = shelf->table[at];

		if (entry != REMOVED && slot_has_id(shelf, entry - 1, id))
			return at;
	}
	return -ENOENT;
}

static void enter(struct sim_shelf *shelf, const char *id, uint32_t slot)
{
	uint32_t mask = shelf->table_size - 1;
	uint32_t at = hash_id(id) & mask;

	while (shelf->table[at] != 0)
		at = (at + 1) & mask;
	shelf->table[at] = slot + 1;
	shelf->table_used++;
}

/* A table with room for twice as many objects as there are, without the removed ones. */
static int rebuild_table(struct sim_shelf *shelf)
{
	uint32_t size = 64;
	uint32_t *table;

	while (size / 4 < shelf->n + 1)
		size *= 2;
	table = calloc(size, sizeof(*table));
	if (!table)
		return -ENOMEM;
	free(shelf->table);
	shelf->table = table;
	shelf->table_size = size;
	shelf->table_used = 0;
	for (uint32_t i = 0; i < shelf->n; i++) {
		struct sim_scratch scratch;

		enter(shelf, sim_shelf_read(shelf, shelf->order[i], &scratch)->id, shelf->order[i]);
	}
	return 0;
}

static int grow(struct sim_shelf *shelf, uint32_t cap)
{
	void *own = realloc(shelf->own, cap * sizeof(*shelf->own));
	void *flags, *order;

	if (!own)
		return -ENOMEM;
	shelf->own = own;
	flags = realloc(shelf->flags, cap);
	if (!flags)
		return -ENOMEM;
	shelf->flags = flags;
	order = realloc(shelf->order, cap * sizeof(*shelf->order));
	if (!order)
		return -ENOMEM;
	shelf->order = order;
	shelf->cap = cap;
	return 0;
}

/* A slot at the end of the order that the seed fills; its id is not entered yet. */
static uint32_t append_slot(struct sim_shelf *shelf)
{
	uint32_t slot = shelf->n_slots++;

	shelf->own[slot] = NULL;
	shelf->flags[slot] = 0;
	shelf->order[shelf->n++] = slot;
	return slot;
}

int sim_shelf_init(struct sim_shelf *shelf, unsigned int kind, const struct sim_seeding *seeding)
{
	uint32_t n = seeding->n[kind];
	int r;

	*shelf = (struct sim_shelf){.kind = sim_kinds[kind], .seeding = seeding, .seeded = n};
	if (n > shelf->kind->most)
		return -EINVAL;
	r = grow(shelf, n + 16);
	if (r == 0) {
		while (shelf->n_slots < n)
			append_slot(shelf);
		r = rebuild_table(shelf);
	}
	if (r < 0)
		sim_shelf_finish(shelf);
	return r;
}

void sim_shelf_finish(struct sim_shelf *shelf)
{
	for (uint32_t slot = 0; slot < shelf->n_slots; slot++) {
		if (shelf->own[slot])
			sim_object_finish(shelf->own[slot]);
		free(shelf->own[slot]);
	}
	free(shelf->own);
	free(shelf->flags);
	free(shelf->order);
	free(shelf->table);
	*shelf = (struct sim_shelf){0};
}

int64_t sim_shelf_find(const struct sim_shelf *shelf, const char *id)
{
	int64_t at = find_entry(shelf, id);

	return at < 0 ? at : (int64_t)shelf->table[at] - 1;
}

struct sim_rows sim_shelf_rows(const struct sim_shelf *shelf)
{
	return (struct sim_rows){.slots = shelf->order, .n = shelf->n};
}

const struct sim_object *sim_shelf_read(const struct sim_shelf *shelf, uint32_t slot,
					struct sim_scratch *scratch)
{
	if (shelf->own[slot])
		return shelf->own[slot];
	scratch->object = (struct sim_object){.kind = shelf->kind, .id = scratch->id};
	slot_id(shelf, slot, scratch->id);
	shelf->kind->seed(shelf->seeding, slot, &scratch->object.facts);
	return &scratch->object;
}

int sim_shelf_select(const struct sim_shelf *shelf, sim_choice *is_one, const void *what,
		     struct sim_rows *ret_rows)
{
	uint32_t *slots = malloc((shelf->n + 1) * sizeof(*slots));
	uint32_t n = 0;

	if (!slots)
		return -ENOMEM;
	for (uint32_t position = 0; position < shelf->n; position++) {
		struct sim_scratch scratch;

		if (is_one(sim_shelf_read(shelf, shelf->order[position], &scratch), what))
			slots[n++] = shelf->order[position];
	}
	*ret_rows = (struct sim_rows){.slots = slots, .n = n};
	return 0;
}

const struct sim_object *sim_shelf_invent(const struct sim_shelf *shelf, uint64_t number,
					  struct sim_scratch *ret_scratch)
{
	struct sim_facts *facts = &ret_scratch->object.facts;

	ret_scratch->object = (struct sim_object){.kind = shelf->kind, .id = ret_scratch->id};
	shelf->kind->invent_id(shelf->seeding->seed, number, SIM_INVENTED, ret_scratch->id);
	shelf->kind->imagine(shelf->seeding->seed, number, facts);
	facts->done_us = SIM_NEVER;
	facts->created_us = shelf->seeding->start_us;
	(void)snprintf(facts->index_name, sizeof(facts->index_name), "invented");
	return &ret_scratch->object;
}

/* An object of its own with this id and these facts. */
static int make_object(const struct sim_kind *kind, const char *id, const struct sim_facts *facts,
		       struct sim_object **ret_object)
{
	struct sim_object *object = calloc(1, sizeof(*object));

	if (!object)
		return -ENOMEM;
	object->id = strdup(id);
	if (!object->id) {
		free(object);
		return -ENOMEM;
	}
	object->kind = kind;
	object->facts = *facts;
	*ret_object = object;
	return 0;
}

static void destroy_object(struct sim_object *object)
{
	sim_object_finish(object);
	free(object);
}

static int make_added(struct sim_shelf *shelf, const cJSON *body, int64_t now_us,
		      struct sim_object **ret_object)
{
	const struct sim_kind *kind = shelf->kind;
	const cJSON *given = cJSON_GetObjectItemCaseSensitive(body, kind->id_key);
	uint64_t seed = shelf->seeding->seed;
	uint64_t number = shelf->invented;
	struct sim_facts facts = {.created_us = now_us};
	char invented[SIM_NAME_SIZE];
	struct sim_object *object;
	const char *id;
	int r;

	if (given && (!cJSON_IsString(given) || !*given->valuestring))
		return -EINVAL;
	kind->invent_id(seed, number, SIM_ADDED, invented);
	id = given ? given->valuestring : invented;
	if (sim_shelf_find(shelf, id) >= 0)
		return -EEXIST;
	/* Numbers of added objects must not meet those of seeded ones. */
	kind->imagine(~seed, number, &facts);
	facts.done_us = now_us + shelf->seeding->restore_us;
	r = make_object(kind, id, &facts, &object);
	if (r < 0)
		return r;
	r = body ? sim_object_change(object, body, now_us) : 0;
	if (r < 0) {
		destroy_object(object);
		return r;
	}
	*ret_object = object;
	return 0;
}

static int make_space(struct sim_shelf *shelf)
{
	if (shelf->n_slots >= 2 * shelf->kind->most)
		return -ENOSPC;
	if (shelf->n_slots == shelf->cap) {
		int r = grow(shelf, shelf->cap * 2);

		if (r < 0)
			return r;
	}
	return shelf->table_used >= shelf->table_size / 2 ? rebuild_table(shelf) : 0;
}

int sim_shelf_add(struct sim_shelf *shelf, const cJSON *body, int64_t now_us, uint32_t *ret_slot)
{
	struct sim_object *object;
	uint32_t slot;
	int r = make_space(shelf);

	if (r < 0)
		return r;
	r = make_added(shelf, body, now_us, &object);
	if (r < 0)
		return r;
	shelf->invented++;
	object->listed_us = now_us + shelf->late_us;
	slot = append_slot(shelf);
	shelf->own[slot] = object;
	enter(shelf, object->id, slot);
	*ret_slot = slot;
	return 0;
}

struct sim_object *sim_shelf_own(struct sim_shelf *shelf, uint32_t slot)
{
	struct sim_scratch scratch;
	const struct sim_object *seeded;

	if (shelf->own[slot])
		return shelf->own[slot];
	seeded = sim_shelf_read(shelf, slot, &scratch);
	if (make_object(seeded->kind, seeded->id, &seeded->facts, &shelf->own[slot]) < 0)
		return NULL;
	return shelf->own[slot];
}

int sim_shelf_change(struct sim_shelf *shelf, uint32_t slot, const cJSON *body, int64_t now_us)
{
	struct sim_object *object = sim_shelf_own(shelf, slot);

	return object ? sim_object_change(object, body, now_us) : -ENOMEM;
}

/* The object is gone but for its place in the order. */
static void forget_slot(struct sim_shelf *shelf, uint32_t slot)
{
	struct sim_scratch scratch;
	int64_t at = find_entry(shelf, sim_shelf_read(shelf, slot, &scratch)->id);

	if (at >= 0)
		shelf->table[at] = REMOVED;
	if (shelf->own[slot]) {
		destroy_object(shelf->own[slot]);
		shelf->own[slot] = NULL;
	}
}

void sim_shelf_remove(struct sim_shelf *shelf, uint32_t slot)
{
	uint32_t position = 0;

	forget_slot(shelf, slot);
	while (position < shelf->n && shelf->order[position] != slot)
		position++;
	if (position < shelf->n) {
		shelf->n--;
		memmove(&shelf->order[position], &shelf->order[position + 1],
			(shelf->n - position) * sizeof(*shelf->order));
	}
}

void sim_shelf_remove_all(struct sim_shelf *shelf, sim_choice *is_one, const void *what)
{
	uint32_t kept = 0;

	for (uint32_t position = 0; position < shelf->n; position++) {
		uint32_t slot = shelf->order[position];
		struct sim_scratch scratch;

		if (is_one(sim_shelf_read(shelf, slot, &scratch), what))
			forget_slot(shelf, slot);
		else
			shelf->order[kept++] = slot;
	}
	shelf->n = kept;
}
