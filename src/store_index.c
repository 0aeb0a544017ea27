/* SPDX-License-Identifier: MIT */
/*
 * A hash table: open addressing, linear probing, backward-shift deletion. There is no empty place
 * between an object and the place that its hash names, so a search ends at the first empty one.
 *
 * At most three quarters of the places are taken. The hash has a seed, since anybody can choose the
 * ids that are looked up.
 *
 * Rejected: tsearch(3). With 100,000 objects a third of the first listing's time went into
 * walking its tree, a cache miss a level, and each node cost 32 bytes.
 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_CAPACITY 64 /* a power of two, as all that follow */

/* Eight bytes at a time, multiplied and folded. */
static size_t hash(const struct object_index *index, const char *id)
{
	const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
	size_t length = strlen(id);
	uint64_t sum = index->seed + length;

	while (length) {
		size_t part = length < sizeof(uint64_t) ? length : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, id, part);
		sum = (sum ^ word) * factor;
		sum = (sum ^ (sum >> 29) ^ index->seed) * factor;
		id += part;
		length -= part;
	}
	return (size_t)(sum ^ (sum >> 32));
}

static size_t home(const struct object_index *index, const struct pfs_object *object)
{
	return hash(index, object->id) & (index->capacity - 1);
}

static size_t after(const struct object_index *index, size_t place)
{
	return (place + 1) & (index->capacity - 1);
}

void pfs_index_init(struct object_index *index)
{
	*index = (struct object_index){0};
	(void)!getrandom(&index->seed, sizeof(index->seed), GRND_NONBLOCK);
}

void pfs_index_finish(struct object_index *index)
{
	free(index->places);
	*index = (struct object_index){0};
}

struct pfs_object *pfs_index_find(const struct object_index *index, const char *id)
{
	struct pfs_object *object;
	size_t place;

	if (!index->capacity)
		return NULL;
	place = hash(index, id) & (index->capacity - 1);
	while ((object = index->places[place])) {
		if (!strcmp(object->id, id))
			return object;
		place = after(index, place);
	}
	return NULL;
}

static void put(struct object_index *index, struct pfs_object *object)
{
	size_t place = home(index, object);

	while (index->places[place])
		place = after(index, place);
	index->places[place] = object;
}

static int grow(struct object_index *index)
{
	struct object_index larger = *index;

	larger.capacity = index->capacity ? 2 * index->capacity : FIRST_CAPACITY;
	larger.places = calloc(larger.capacity, sizeof(struct pfs_object *));
	if (!larger.places)
		return -ENOMEM;
	for (size_t i = 0; i < index->capacity; i++) {
		if (index->places[i])
			put(&larger, index->places[i]);
	}
	free(index->places);
	*index = larger;
	return 0;
}

int pfs_index_add(struct object_index *index, struct pfs_object *object)
{
	if (4 * (index->count + 1) > 3 * index->capacity && grow(index))
		return -ENOMEM;
	put(index, object);
	index->count++;
	return 0;
}

void pfs_index_remove(struct object_index *index, const struct pfs_object *object)
{
	size_t gap, place, mask = index->capacity - 1;

	if (!index->capacity)
		return;
	gap = home(index, object);
	while (index->places[gap] && index->places[gap] != object)
		gap = after(index, gap);
	if (!index->places[gap])
		return;
	for (place = after(index, gap); index->places[place]; place = after(index, place)) {
		/* May it move back to the gap? Not past its home. */
		if (((place - home(index, index->places[place])) & mask) >=
		    ((place - gap) & mask)) {
			index->places[gap] = index->places[place];
			gap = place;
		}
	}
	index->places[gap] = NULL;
	index->count--;
}
