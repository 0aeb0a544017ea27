/* SPDX-License-Identifier: MIT */
/* The store's index: what was added and not removed is found, whatever else came and went. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/store.h"

#define IDS 700

struct fixture {
	struct object_index index;
	struct pfs_object *objects[IDS];
	bool in[IDS];
	uint32_t random;
};

static struct pfs_object *make_object(unsigned n)
{
	struct pfs_object *object = calloc(1, sizeof(*object) + 64);

	assert_non_null(object);
	/* Of all lengths, many with the same first bytes. */
	(void)snprintf(object->id, 64, "%.*s%u", (int)(n % 23), "job-job-job-job-job-job-", n);
	return object;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	pfs_index_init(&fixture->index);
	fixture->random = 1;
	for (unsigned i = 0; i < IDS; i++)
		fixture->objects[i] = make_object(i);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	pfs_index_finish(&fixture->index);
	for (unsigned i = 0; i < IDS; i++)
		free(fixture->objects[i]);
	free(fixture);
	return 0;
}

static void check(const struct fixture *fixture)
{
	size_t count = 0;

	for (unsigned i = 0; i < IDS; i++) {
		const struct pfs_object *object = fixture->objects[i];

		assert_ptr_equal(pfs_index_find(&fixture->index, object->id),
				 fixture->in[i] ? object : NULL);
		count += fixture->in[i];
	}
	assert_int_equal(fixture->index.count, count);
}

static void toggle(struct fixture *fixture, unsigned i)
{
	if (fixture->in[i])
		pfs_index_remove(&fixture->index, fixture->objects[i]);
	else
		assert_int_equal(pfs_index_add(&fixture->index, fixture->objects[i]), 0);
	fixture->in[i] = !fixture->in[i];
}

static void test_an_empty_index_has_nothing(void **state)
{
	struct fixture *fixture = *state;

	check(fixture);
	pfs_index_remove(&fixture->index, fixture->objects[0]);
	check(fixture);
}

static void test_what_was_added_and_not_removed_is_found(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned step = 0; step < 20000; step++) {
		fixture->random = fixture->random * 1664525 + 1013904223;
		toggle(fixture, (fixture->random >> 8) % IDS);
		if (step % 500 == 0)
			check(fixture);
	}
	check(fixture);
}

static void test_removing_all_in_any_order_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < IDS; i++)
		toggle(fixture, i);
	check(fixture);
	for (unsigned i = 0; i < IDS; i++) {
		toggle(fixture, i * 257 % IDS);
		if (i % 50 == 0)
			check(fixture);
	}
	check(fixture);
	assert_int_equal(fixture->index.count, 0);
}

static void test_removing_what_is_not_there_does_nothing(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < IDS; i += 2)
		toggle(fixture, i);
	for (unsigned i = 1; i < IDS; i += 2)
		pfs_index_remove(&fixture->index, fixture->objects[i]);
	check(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_an_empty_index_has_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_was_added_and_not_removed_is_found,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removing_all_in_any_order_leaves_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removing_what_is_not_there_does_nothing,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
