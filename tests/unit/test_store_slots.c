/* SPDX-License-Identifier: MIT */
/* The store's table of numbers: who has which, and what stays of those that are gone. */
#include "unit.h"

#include <stdlib.h>

#include "../../src/store.h"

#define OBJECTS 5000

struct fixture {
	struct slot_table table;
	struct pfs_object *objects; /* OBJECTS of them, without ids */
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	if (!fixture)
		return -1;
	fixture->objects = calloc(OBJECTS, sizeof(*fixture->objects));
	for (unsigned i = 0; fixture->objects && i < OBJECTS; i++) {
		if (pfs_slots_add(&fixture->table, &fixture->objects[i]))
			return -1;
	}
	return fixture->objects ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pfs_slots_finish(&fixture->table);
	free(fixture->objects);
	free(fixture);
	return 0;
}

static unsigned blocks(const struct fixture *fixture)
{
	unsigned count = 0;

	for (uint64_t i = 0; i < fixture->table.capacity; i++)
		count += fixture->table.blocks[i] != NULL;
	return count;
}

static void test_numbers_are_in_order_and_find_their_objects(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object *object = NULL;

	for (unsigned i = 0; i < OBJECTS; i++) {
		assert_int_equal(fixture->objects[i].slot, i + 1);
		assert_ptr_equal(pfs_slots_get(&fixture->table, i + 1), &fixture->objects[i]);
		object = pfs_slots_next(&fixture->table, object ? object->slot : 0);
		assert_ptr_equal(object, &fixture->objects[i]);
	}
	assert_null(pfs_slots_next(&fixture->table, OBJECTS));
	assert_null(pfs_slots_next(&fixture->table, UINT64_MAX));
	assert_null(pfs_slots_get(&fixture->table, 0));
	assert_null(pfs_slots_get(&fixture->table, OBJECTS + 1));
	assert_null(pfs_slots_get(&fixture->table, UINT64_MAX));
}

static void test_those_that_are_gone_are_stepped_over_and_take_no_room(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_object more = {0};

	for (unsigned i = 0; i < OBJECTS; i++) {
		if (i != 7 && i != 4321)
			pfs_slots_remove(&fixture->table, &fixture->objects[i]);
	}
	assert_int_equal(blocks(fixture), 2);
	assert_ptr_equal(pfs_slots_next(&fixture->table, 0), &fixture->objects[7]);
	assert_ptr_equal(pfs_slots_next(&fixture->table, 8), &fixture->objects[4321]);
	assert_null(pfs_slots_next(&fixture->table, 4322));
	assert_null(pfs_slots_get(&fixture->table, 9));
	assert_null(pfs_slots_get(&fixture->table, 1000));
	pfs_slots_remove(&fixture->table, &fixture->objects[7]);
	pfs_slots_remove(&fixture->table, &fixture->objects[4321]);
	assert_int_equal(blocks(fixture), 0);
	assert_null(pfs_slots_next(&fixture->table, 0));
	/* The numbers stay theirs. */
	assert_int_equal(pfs_slots_add(&fixture->table, &more), 0);
	assert_int_equal(more.slot, OBJECTS + 1);
	assert_ptr_equal(pfs_slots_next(&fixture->table, 0), &more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers_are_in_order_and_find_their_objects,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_those_that_are_gone_are_stepped_over_and_take_no_room, set_up,
			tear_down),
	};

	return cmocka_run_group_tests_name("store_slots", tests, NULL, NULL);
}
