/* SPDX-License-Identifier: MIT */
/*
 * Objects by number. A number is never given out twice, since the kernel may keep it, so the
 * numbers grow as ids come and go. The table has a block for each 512 consecutive numbers, and
 * frees a block with its last object. What stays for ever is the pointer to the block, less than a
 * bit for each object that is gone.
 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK 512

struct slot_block {
	unsigned used;
	struct pfs_object *objects[BLOCK];
};

static int make_room(struct slot_table *table)
{
	uint64_t capacity = table->capacity ? 2 * table->capacity : 16;
	struct slot_block **blocks =
		reallocarray(table->blocks, capacity, sizeof(struct slot_block *));

	if (!blocks)
		return -ENOMEM;
	for (uint64_t i = table->capacity; i < capacity; i++)
		blocks[i] = NULL;
	table->blocks = blocks;
	table->capacity = capacity;
	return 0;
}

int pfs_slots_add(struct slot_table *table, struct pfs_object *object)
{
	uint64_t slot = table->count ? table->count : 1; /* 0 is no object's */
	struct slot_block *block;

	if (slot / BLOCK >= table->capacity && make_room(table))
		return -ENOMEM;
	block = table->blocks[slot / BLOCK];
	if (!block)
		block = calloc(1, sizeof(*block));
	if (!block)
		return -ENOMEM;
	block->objects[slot % BLOCK] = object;
	block->used++;
	table->blocks[slot / BLOCK] = block;
	object->slot = slot;
	table->count = slot + 1;
	return 0;
}

void pfs_slots_remove(struct slot_table *table, const struct pfs_object *object)
{
	struct slot_block **block = &table->blocks[object->slot / BLOCK];

	(*block)->objects[object->slot % BLOCK] = NULL;
	if (!--(*block)->used) {
		free(*block);
		*block = NULL;
	}
}

struct pfs_object *pfs_slots_get(const struct slot_table *table, uint64_t slot)
{
	const struct slot_block *block = slot < table->count ? table->blocks[slot / BLOCK] : NULL;

	return block ? block->objects[slot % BLOCK] : NULL;
}

struct pfs_object *pfs_slots_next(const struct slot_table *table, uint64_t after)
{
	uint64_t slot = after < table->count ? after + 1 : table->count;

	while (slot < table->count) {
		const struct slot_block *block = table->blocks[slot / BLOCK];

		if (block && block->objects[slot % BLOCK])
			return block->objects[slot % BLOCK];
		slot = block ? slot + 1 : (slot / BLOCK + 1) * BLOCK;
	}
	return NULL;
}

void pfs_slots_finish(struct slot_table *table)
{
	for (uint64_t i = 0; i < table->capacity; i++)
		free(table->blocks[i]);
	free(table->blocks);
	*table = (struct slot_table){0};
}
