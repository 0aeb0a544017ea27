/* SPDX-License-Identifier: MIT */
/*
 * shelf: all objects of one kind that the simulated project has.
 *
 * Objects stand in slots; a slot is never used again. A seeded object is computed
 * from the seed whenever somebody reads it and takes about 21 bytes of
 * memory; only objects that were added or changed by hand have memory of their
 * own. The order of the list is a separate row of slot numbers. No clock of
 * its own: whoever asks brings the time.
 */
#ifndef SIM_SHELF_H
#define SIM_SHELF_H

#include "kind.h"

/* A slot's flag: lists leave the object out, describe knows it. */
#define SIM_SLOT_DROPPED 1U

struct sim_shelf {
	const struct sim_kind *kind;
	const struct sim_seeding *seeding; /* the world's */
	uint32_t seeded;		   /* the first slots */
	struct sim_object **own;	   /* by slot; NULL: as the seed has it */
	uint8_t *flags;			   /* by slot: SIM_SLOT_ bits */
	uint32_t n_slots;		   /* used ones, removed objects included */
	uint32_t cap;			   /* of own, flags and order */
	uint32_t *order;		   /* slots of the existing objects, as the list has them */
	uint32_t n;			   /* existing objects */
	uint32_t *table;     /* open addressing: slot + 1, 0 empty, UINT32_MAX removed */
	uint32_t table_size; /* a power of two */
	uint32_t table_used; /* with the removed ones */
	uint64_t invented;   /* ids given to objects that were added without one */
	int64_t late_us;     /* lists show objects that are added so much later */
};

/* Objects of a shelf in the order of the list. */
struct sim_rows {
	const uint32_t *slots;
	uint32_t n;
};

/* Whether an object is one of those that are meant. */
typedef bool sim_choice(const struct sim_object *object, const void *what);

/* Room for a seeded object, which is good while this lives. */
struct sim_scratch {
	struct sim_object object;
	char id[SIM_NAME_SIZE];
};

/*
 * Fill @shelf with the seeded objects of the kind with this number. @seeding
 * must outlive it. Returns -EINVAL for too many, -ENOMEM; @shelf is empty then.
 */
int sim_shelf_init(struct sim_shelf *shelf, unsigned int kind, const struct sim_seeding *seeding);

/* Free all objects. Takes a zeroed shelf. */
void sim_shelf_finish(struct sim_shelf *shelf);

/* The slot of the object with this id, or -ENOENT. */
int64_t sim_shelf_find(const struct sim_shelf *shelf, const char *id);

/* All objects. Good until one is added or removed. */
struct sim_rows sim_shelf_rows(const struct sim_shelf *shelf);

/*
 * Those of which @is_one, given @what, is true. The slots are the caller's to
 * free. Returns -ENOMEM.
 */
int sim_shelf_select(const struct sim_shelf *shelf, sim_choice *is_one, const void *what,
		     struct sim_rows *ret_rows);

/* The object in @slot. It may point into @scratch; the shelf stays its owner. */
const struct sim_object *sim_shelf_read(const struct sim_shelf *shelf, uint32_t slot,
					struct sim_scratch *scratch);

/* Fill @ret_scratch with the @number-th of the objects that exist nowhere and never end. */
const struct sim_object *sim_shelf_invent(const struct sim_shelf *shelf, uint64_t number,
					  struct sim_scratch *ret_scratch);

/*
 * Add an object, born at @now_us, at the end of the list, which shows it after
 * late_us. @body as in sim_object_change, with its id or an
 * invented one; NULL: nothing is set. Without a state it is under way for restore_us.
 * Returns -EEXIST for a known id, -EINVAL, -E2BIG, -ENOSPC, -ENOMEM.
 */
int sim_shelf_add(struct sim_shelf *shelf, const cJSON *body, int64_t now_us, uint32_t *ret_slot);

/*
 * The object in @slot, to be changed: a seeded one gets memory of its own.
 * NULL: there is none.
 */
struct sim_object *sim_shelf_own(struct sim_shelf *shelf, uint32_t slot);

/* Change the object in @slot; see sim_object_change. */
int sim_shelf_change(struct sim_shelf *shelf, uint32_t slot, const cJSON *body, int64_t now_us);

/* Make the object in @slot vanish; its id may be used again. */
void sim_shelf_remove(struct sim_shelf *shelf, uint32_t slot);

/* The same for all objects of which @is_one, given @what, is true. */
void sim_shelf_remove_all(struct sim_shelf *shelf, sim_choice *is_one, const void *what);

#endif
