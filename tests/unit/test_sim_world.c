/* SPDX-License-Identifier: MIT */
/* The simulator's world: whether what is computed apart fits together, in worlds of every size. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define START_US INT64_C(1700000000000000)

static struct sim_seeding seeding(uint32_t jobs, uint32_t pending, uint32_t backups,
				  uint32_t indexes)
{
	return (struct sim_seeding){
		.seed = 3,
		.n = {[SIM_JOBS] = jobs, [SIM_BACKUPS] = backups, [SIM_INDEXES] = indexes},
		.pending = pending,
		.restore_us = 20000000,
		.ready_us = 3000000,
		.start_us = START_US,
	};
}

/* The object of this id, which there must be. */
static const struct sim_object *find(const struct sim_world *world, unsigned int kind,
				     const char *id, struct sim_scratch *scratch)
{
	int64_t slot = sim_shelf_find(&world->shelves[kind], id);

	assert_true(slot >= 0);
	return sim_shelf_read(&world->shelves[kind], (uint32_t)slot, scratch);
}

static void check_target(const struct sim_world *world, const struct sim_object *job)
{
	struct sim_scratch scratch;
	const struct sim_object *index = find(world, SIM_INDEXES, job->facts.index_name, &scratch);

	assert_string_equal(index->facts.index_id, job->facts.index_id);
	if (!sim_object_is_done(job, START_US))
		assert_true(index->facts.done_us >= job->facts.done_us + world->seeding.ready_us);
	else if (world->seeding.n[SIM_INDEXES] > 1)
		assert_true(sim_object_is_good(index, START_US));
}

static void check_job(const struct sim_world *world, uint32_t slot)
{
	struct sim_scratch scratch, other;
	const struct sim_object *job = sim_shelf_read(&world->shelves[SIM_JOBS], slot, &scratch);
	const struct sim_object *backup;

	if (world->seeding.n[SIM_INDEXES] > 0)
		check_target(world, job);
	if (world->seeding.n[SIM_BACKUPS] == 0)
		return;
	backup = find(world, SIM_BACKUPS, job->facts.backup_id, &other);
	assert_true(sim_object_is_good(backup, job->facts.created_us));
}

static void check_backup(const struct sim_world *world, uint32_t slot)
{
	struct sim_scratch scratch, other;
	const struct sim_object *backup =
		sim_shelf_read(&world->shelves[SIM_BACKUPS], slot, &scratch);
	const struct sim_object *index;

	if (world->seeding.n[SIM_INDEXES] == 0)
		return;
	index = find(world, SIM_INDEXES, backup->facts.index_name, &other);
	assert_string_equal(index->facts.index_id, backup->facts.index_id);
	assert_memory_equal(&index->facts.contents, &backup->facts.contents,
			    sizeof(struct sim_contents));
	/* Unless there is no other, it was made of an index that is older. */
	if (world->seeding.n[SIM_INDEXES] > 1)
		assert_true(sim_object_is_good(index, backup->facts.created_us));
}

static void check_world(struct sim_seeding seeds)
{
	struct sim_world world;

	assert_int_equal(sim_world_init(&world, &seeds), 0);
	for (uint32_t slot = 0; slot < seeds.n[SIM_JOBS]; slot++)
		check_job(&world, slot);
	for (uint32_t slot = 0; slot < seeds.n[SIM_BACKUPS]; slot++)
		check_backup(&world, slot);
	sim_world_finish(&world);
}

static void test_world_of_every_size_is_coherent(void **state)
{
	for (uint32_t jobs = 0; jobs < 8; jobs++) {
		for (uint32_t rest = 0; rest < (jobs + 1) * 49; rest++)
			check_world(seeding(jobs, rest % (jobs + 1), rest / (jobs + 1) % 7,
					    rest / (jobs + 1) / 7));
	}
	check_world(seeding(5000, 100, 700, 90));
}

static void test_world_too_large_is_refused(void **state)
{
	struct sim_world world;
	struct sim_seeding seeds = seeding(0, 0, 0, sim_kinds[SIM_INDEXES]->most + 1);

	assert_int_equal(sim_world_init(&world, &seeds), -EINVAL);
	seeds = seeding(3, 4, 0, 0);
	assert_int_equal(sim_world_init(&world, &seeds), -EINVAL);
	sim_world_finish(&world);
}

static uint32_t add(struct sim_shelf *shelf, unsigned int number)
{
	cJSON *body = cJSON_CreateObject();
	char id[32];
	uint32_t slot;

	(void)snprintf(id, sizeof(id), "b-%u", number);
	assert_non_null(cJSON_AddStringToObject(body, "backup_id", id));
	assert_int_equal(sim_shelf_add(shelf, body, START_US, &slot), 0);
	assert_int_equal(sim_shelf_add(shelf, body, START_US, &slot), -EEXIST);
	cJSON_Delete(body);
	return slot;
}

static bool is_odd(const struct sim_object *object, const void *what)
{
	return strncmp(object->id, "b-", 2) == 0 && (object->id[strlen(object->id) - 1] & 1);
}

static void check_rows(const struct sim_shelf *shelf, uint32_t n)
{
	struct sim_rows rows = sim_shelf_rows(shelf);

	assert_int_equal(rows.n, n);
	for (uint32_t i = 0; i < n; i++) {
		struct sim_scratch scratch;
		const struct sim_object *object = sim_shelf_read(shelf, rows.slots[i], &scratch);

		assert_int_equal(sim_shelf_find(shelf, object->id), rows.slots[i]);
	}
}

static void test_shelf_finds_what_stays_when_others_come_and_go(void **state)
{
	struct sim_seeding seeds = seeding(0, 0, 50, 3);
	struct sim_world world;
	struct sim_shelf *shelf = &world.shelves[SIM_BACKUPS];

	assert_int_equal(sim_world_init(&world, &seeds), 0);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < 100; i++)
			add(shelf, i);
		check_rows(shelf, 150);
		sim_shelf_remove_all(shelf, is_odd, NULL);
		check_rows(shelf, 100);
		for (unsigned int i = 0; i < 100; i += 2) {
			char id[32];

			(void)snprintf(id, sizeof(id), "b-%u", i);
			sim_shelf_remove(shelf, (uint32_t)sim_shelf_find(shelf, id));
			assert_int_equal(sim_shelf_find(shelf, id), -ENOENT);
		}
		check_rows(shelf, 50);
	}
	sim_world_finish(&world);
}

static void test_shelf_forgets_a_seeded_object(void **state)
{
	struct sim_seeding seeds = seeding(0, 0, 5, 0);
	struct sim_world world;
	struct sim_shelf *shelf = &world.shelves[SIM_BACKUPS];
	char id[SIM_NAME_SIZE];

	assert_int_equal(sim_world_init(&world, &seeds), 0);
	shelf->kind->invent_id(seeds.seed, 2, SIM_SEEDED, id);
	assert_int_equal(sim_shelf_find(shelf, id), 2);
	sim_shelf_remove(shelf, 2);
	assert_int_equal(sim_shelf_find(shelf, id), -ENOENT);
	check_rows(shelf, 4);
	sim_world_finish(&world);
}

static void test_shelf_selects_in_order(void **state)
{
	struct sim_seeding seeds = seeding(0, 0, 1, 0);
	struct sim_world world;
	struct sim_shelf *shelf = &world.shelves[SIM_BACKUPS];
	struct sim_rows rows;

	assert_int_equal(sim_world_init(&world, &seeds), 0);
	for (unsigned int i = 0; i < 5; i++)
		add(shelf, i);
	assert_int_equal(sim_shelf_select(shelf, is_odd, NULL, &rows), 0);
	assert_int_equal(rows.n, 2);
	assert_string_equal(shelf->own[rows.slots[0]]->id, "b-1");
	assert_string_equal(shelf->own[rows.slots[1]]->id, "b-3");
	free((void *)rows.slots);
	sim_world_finish(&world);
}

/* Restore backup 0 to an index of this name; its slot. */
static uint32_t restore(struct sim_world *world, const char *name, uint32_t *ret_job)
{
	cJSON *body = cJSON_CreateObject();
	uint32_t index;

	assert_non_null(cJSON_AddStringToObject(body, "name", name));
	assert_int_equal(sim_world_restore(world, 0, body, START_US, ret_job, &index), 0);
	cJSON_Delete(body);
	return index;
}

static void test_restore_ends_with_its_job_and_then_its_index(void **state)
{
	struct sim_seeding seeds = seeding(0, 0, 1, 1);
	const int64_t done_us = START_US + seeds.restore_us;
	const struct sim_object *index, *job;
	struct sim_world world;
	uint32_t slot;

	assert_int_equal(sim_world_init(&world, &seeds), 0);
	index = world.shelves[SIM_INDEXES].own[restore(&world, "new", &slot)];
	job = world.shelves[SIM_JOBS].own[slot];
	assert_false(sim_object_is_done(job, done_us - 1));
	assert_true(sim_object_is_good(job, done_us));
	assert_false(sim_object_is_done(index, done_us + seeds.ready_us - 1));
	assert_true(sim_object_is_good(index, done_us + seeds.ready_us));
	assert_int_equal(sim_world_find_restore(&world, job->origin, done_us - 1), slot);
	assert_int_equal(sim_world_find_restore(&world, job->origin, done_us), -ENOENT);
	sim_world_finish(&world);
}

static void test_index_goes_when_its_time_has_come(void **state)
{
	struct sim_seeding seeds = seeding(0, 0, 1, 1);
	struct sim_world world;
	struct sim_shelf *indexes = &world.shelves[SIM_INDEXES];
	uint32_t a, b, job;

	assert_int_equal(sim_world_init(&world, &seeds), 0);
	a = restore(&world, "a", &job);
	b = restore(&world, "b", &job);
	assert_int_equal(sim_world_terminate(&world, a, START_US), 0);
	assert_int_equal(sim_world_terminate(&world, b, START_US + 5), 0);
	assert_int_equal(sim_world_terminate(&world, a, START_US + 9), 0);
	sim_world_settle(&world, START_US + seeds.ready_us - 1);
	assert_int_equal(indexes->n, 3);
	sim_world_settle(&world, START_US + seeds.ready_us);
	assert_int_equal(sim_shelf_find(indexes, "a"), -ENOENT);
	assert_true(sim_shelf_find(indexes, "b") >= 0);
	assert_int_equal(world.shelves[SIM_JOBS].n, 1);
	sim_world_settle(&world, START_US + seeds.ready_us + 5);
	assert_int_equal(indexes->n, 1);
	assert_int_equal(world.shelves[SIM_JOBS].n, 0);
	assert_int_equal(world.settles_us, SIM_NEVER);
	sim_world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_world_of_every_size_is_coherent),
		cmocka_unit_test(test_world_too_large_is_refused),
		cmocka_unit_test(test_shelf_finds_what_stays_when_others_come_and_go),
		cmocka_unit_test(test_shelf_forgets_a_seeded_object),
		cmocka_unit_test(test_shelf_selects_in_order),
		cmocka_unit_test(test_restore_ends_with_its_job_and_then_its_index),
		cmocka_unit_test(test_index_goes_when_its_time_has_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
