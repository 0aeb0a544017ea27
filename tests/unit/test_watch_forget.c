/* SPDX-License-Identifier: MIT */
/* What vanished is forgotten: the child looks at it, a while later, and then it is freed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "watch_fixture.h"

#define A_WHILE (2 * PFS_SECOND)
#define LOOKED	"look:" JOB

static uint64_t objects(const struct scene *scene)
{
	return scene->store->stats.objects;
}

/* The API says that there is no such job any more. */
static void lose(struct scene *scene, const char *id)
{
	pfs_store_expire(scene->store->store);
	assert_int_equal(ask(scene->store, id, NULL), -EINPROGRESS);
	fake_api_fail(scene->api, id, -ENOENT, 404);
}

/* A job that the kernel knows by so many references, which vanishes now. */
static struct pfs_object *lose_known(struct scene *scene, const char *id, unsigned references)
{
	struct pfs_object *object = learn(scene->store, id, "Completed");

	pfs_store_hold(scene->store->store, object, references);
	lose(scene, id);
	return object;
}

static void forget(struct scene *scene, struct pfs_object *object, unsigned references)
{
	pfs_store_release(scene->store->store, object, references);
}

static void test_child_looks_a_while_later_and_the_rest_is_the_kernels(void **state)
{
	struct scene *scene = *state;
	struct pfs_object *object = lose_known(scene, "a", 3);

	live(scene, A_WHILE - PFS_MILLISECOND);
	assert_orders(&scene->poke, "");
	live(scene, PFS_MILLISECOND);
	assert_orders(&scene->poke, LOOKED);
	assert_int_equal(objects(scene), 1);
	forget(scene, object, 3);
	assert_int_equal(objects(scene), 0);
	live(scene, 10 * A_WHILE);
	assert_orders(&scene->poke, "");
}

static void test_what_the_kernel_forgets_meanwhile_is_freed_then(void **state)
{
	struct scene *scene = *state;

	forget(scene, lose_known(scene, "a", 1), 1);
	live(scene, A_WHILE);
	assert_orders(&scene->poke, "");
	assert_int_equal(objects(scene), 0);
}

static void test_what_the_kernel_never_had_is_freed_at_once(void **state)
{
	struct scene *scene = *state;

	(void)learn(scene->store, "a", "Completed");
	blink(scene);
	lose(scene, "a");
	blink(scene);
	assert_int_equal(objects(scene), 0);
	live(scene, A_WHILE);
	assert_orders(&scene->poke, "");
}

/* The child would wait for that lookup, and all events for the child. */
static void test_child_does_not_look_while_a_lookup_there_is_unanswered(void **state)
{
	struct scene *scene = *state;

	(void)lose_known(scene, "a", 1);
	scene->busy = inode_of(scene, "restore-jobs");
	live(scene, 5 * A_WHILE);
	assert_orders(&scene->poke, "");
	scene->busy = 0;
	live(scene, 40 * PFS_MILLISECOND);
	assert_orders(&scene->poke, LOOKED);
}

/* For them it must find what vanished. */
static void test_events_come_first(void **state)
{
	struct scene *scene = *state;

	learn(scene->store, "b", "Pending");
	watch_and_look(scene, "restore-jobs/b");
	scene->busy = inode_of(scene, "restore-jobs/b");
	assert_int_equal(ask(scene->store, "b", NULL), -EINPROGRESS);
	fake_api_status(scene->api, "b", "Completed");
	(void)lose_known(scene, "a", 1);
	live(scene, 2 * A_WHILE);
	assert_null(strstr(scene->poke.orders, LOOKED));
	assert_null(strstr(scene->poke.orders, "mknod:"));
	scene->busy = 0;
	live(scene, PFS_SECOND);
	assert_non_null(strstr(scene->poke.orders, "mknod:restore-jobs/b/done"));
	assert_true(strstr(scene->poke.orders, LOOKED) > strstr(scene->poke.orders, "mknod:"));
}

static void test_next_child_looks_when_this_one_has_ended(void **state)
{
	struct scene *scene = *state;

	(void)lose_known(scene, "a", 1);
	live(scene, A_WHILE - PFS_MILLISECOND);
	scene->poke.dead = true; /* and nobody has heard of it yet */
	live(scene, PFS_SECOND);
	fake_poke_die(&scene->poke);
	assert_orders(&scene->poke, "");
	live(scene, 2 * PFS_SECOND);
	assert_orders(&scene->poke, LOOKED);
}

/* More than a turn drops of those that the kernel has forgotten, too. */
static void test_all_of_many_are_looked_at(void **state)
{
	struct scene *scene = *state;
	unsigned looks = 0;

	for (int i = 0; i < 300; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "%d", i);
		forget(scene, lose_known(scene, id, 1), 1);
	}
	for (int i = 300; i < 350; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "%d", i);
		(void)lose_known(scene, id, 1);
	}
	live(scene, A_WHILE);
	assert_int_equal(objects(scene), 350 - 256);
	live(scene, PFS_SECOND);
	for (const char *at = scene->poke.orders; (at = strstr(at, "look:")); at++)
		looks++;
	assert_int_equal(looks, 50);
	assert_int_equal(objects(scene), 50);
}

static void test_without_a_child_the_kernel_keeps_it(void **state)
{
	struct scene *scene = *state;
	struct pfs_object *object = lose_known(scene, "a", 1);

	live(scene, 2 * A_WHILE);
	assert_int_equal(objects(scene), 1);
	forget(scene, object, 1);
	assert_int_equal(objects(scene), 0);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown_watch)
	const struct CMUnitTest tests[] = {
		TEST(test_child_looks_a_while_later_and_the_rest_is_the_kernels, setup_watch),
		TEST(test_what_the_kernel_forgets_meanwhile_is_freed_then, setup_watch),
		TEST(test_what_the_kernel_never_had_is_freed_at_once, setup_watch),
		TEST(test_child_does_not_look_while_a_lookup_there_is_unanswered, setup_watch),
		TEST(test_events_come_first, setup_watch),
		TEST(test_next_child_looks_when_this_one_has_ended, setup_watch),
		TEST(test_all_of_many_are_looked_at, setup_watch),
		TEST(test_without_a_child_the_kernel_keeps_it, setup_watch_without_child),
	};

	return cmocka_run_group_tests_name("watch_forget", tests, NULL, NULL);
}
