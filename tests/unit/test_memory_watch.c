/* SPDX-License-Identifier: MIT */
/*
 * As test_memory, for those who wait and watch: without memory somebody may be told nothing, but
 * never something else, and a history never has half a line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_api.h"
#include "fake_poke.h"
#include "fake_time.h"
#include "pinefs/history.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"
#include "pinefs/wait.h"
#include "pinefs/watch.h"
#include "short_memory.h"
#include "unit.h"

#define FIRST  "{\"restore_job_id\":\"a\",\"status\":\"Pending\",\"note\":\"x\"}"
#define SECOND "{\"restore_job_id\":\"a\",\"status\":\"Pending\",\"note\":\"y\"}"
#define THIRD  "{\"restore_job_id\":\"a\",\"status\":\"Completed\"}"

struct world {
	struct pfs_wait wait; /* of who reads `wait`; first, so that one is the other */
	unsigned told;
	struct fake_time time;
	struct pfs_loop *loop;
	struct pfs_api api;
	struct pfs_stats stats;
	struct pfs_store *store;
	struct pfs_history *history;
	struct pfs_tree *tree;
	struct pfs_poke poke;
	struct pfs_watch *watch;
	const struct pfs_kind *kind;
};

static bool is_busy(void *arg, uint64_t directory)
{
	return false;
}

static void tell(void *arg, uint64_t inode, void *handle)
{
}

static void forget_names(void *arg)
{
}

static void drop(void *arg, void *handle)
{
	*(bool *)handle = true;
}

static bool create(struct world *world)
{
	static const struct pfs_store_config store = {
		.kinds = &pfs_all_kinds,
		.ttl = PFS_SECOND,
		.ttl_final = PFS_SECOND,
		.ttl_missing = PFS_SECOND,
		.ttl_error = PFS_SECOND,
		.timeout = PFS_SECOND,
		.stale = PFS_SECOND,
		.max_objects = 10,
		.max_bytes = UINT64_MAX,
		.max_missing = 2,
		.max_idle = 2,
	};
	static const struct pfs_history_config history = {
		.max_object = 100, .max_whole = 100, .max_together = UINT64_MAX};
	static const struct pfs_tree_config tree = {.readme = "", .ttl = PFS_SECOND};
	static const struct pfs_watch_config watch = {.ttl = PFS_SECOND};
	const struct pfs_watch_host host = {
		.is_busy = is_busy,
		.notify = tell,
		.notify_names = forget_names,
		.drop = drop,
	};

	world->kind = pfs_kind_by_name(&pfs_all_kinds, "restore-jobs");
	fake_time_init(&world->time);
	if (!done(pfs_loop_create(&world->time.clock, &world->loop)))
		return false;
	fake_time_drive(&world->time, world->loop);
	fake_api_init(&world->api, world->loop);
	if (!done(pfs_store_create(&world->api, world->loop, &world->stats, &store,
				   &world->store)) ||
	    !done(pfs_history_create(world->store, world->loop, &world->stats, &history,
				     &world->history)) ||
	    !done(pfs_tree_create(world->store, world->history, world->loop, &tree,
				  &world->tree)) ||
	    !done(pfs_watch_create(world->store, world->tree, world->loop, &world->stats,
				   &world->poke, &watch, &world->watch)))
		return false;
	pfs_watch_set_host(world->watch, &host);
	return true;
}

static void destroy(struct world *world)
{
	pfs_watch_destroy(world->watch);
	pfs_store_destroy(world->store);
	assert_int_equal(world->stats.objects, 0);
	assert_int_equal(world->stats.waiting, 0);
	pfs_tree_destroy(world->tree);
	pfs_history_destroy(world->history);
	pfs_loop_destroy(world->loop);
}

static void live(struct world *world, int64_t ns)
{
	fake_time_pass(&world->time, world->loop, ns);
	fake_poke_work(&world->poke);
	fake_time_pass(&world->time, world->loop, PFS_MILLISECOND);
	fake_poke_work(&world->poke);
}

/* Whatever is asked about the job is answered so, as far as memory reaches. */
static void describe(struct world *world, const char *object)
{
	struct pfs_wait nobody = {0};
	struct pfs_object *known;
	struct pfs_json json;
	struct pfs_api_answer answer = {
		.status = 200, .text = "", .retry_after = -1, .object = &json};

	short_memory_parse(object, &json);
	pfs_store_expire(world->store);
	(void)pfs_store_ask(world->store, world->kind, "a", &nobody, &known);
	pfs_wait_cancel(&nobody);
	if (fake_api_is_asked(&world->api, "a"))
		fake_api_tell(&world->api, "a", &answer);
	pfs_json_finish(&json);
}

static void vanish(struct world *world)
{
	struct pfs_wait nobody = {0};
	struct pfs_object *known;
	struct pfs_api_answer answer = {.error = -ENOENT, .text = "", .retry_after = -1};

	pfs_store_expire(world->store);
	(void)pfs_store_ask(world->store, world->kind, "a", &nobody, &known);
	pfs_wait_cancel(&nobody);
	if (fake_api_is_asked(&world->api, "a"))
		fake_api_tell(&world->api, "a", &answer);
}

static void assert_whole_lines(struct world *world, const struct pfs_object *object)
{
	uint64_t generation = pfs_history_generation(world->history, object);
	struct pfs_buffer scratch = {0};
	struct pfs_slice lines;
	size_t size = 0;

	if (done(pfs_history_read(world->history, object, generation, &scratch, &lines)) &&
	    done(pfs_history_size(world->history, object, generation, &size))) {
		assert_int_equal(size, lines.length);
		assert_true(!size || lines.bytes[size - 1] == '\n');
	}
	pfs_buffer_finish(&scratch);
}

static void on_told(struct pfs_wait *wait, int error)
{
	((struct world *)wait)->told++;
}

static void live_through(void *arg)
{
	struct world world = {.wait.done = on_told};
	struct pfs_object *object;
	bool dropped[2] = {false, false}, changed, waits = false;

	if (!create(&world)) {
		destroy(&world);
		return;
	}
	describe(&world, FIRST);
	object = pfs_store_find(world.store, world.kind, "a");
	if (!object) {
		assert_true(short_memory_struck());
		destroy(&world);
		return;
	}
	pfs_watch_noticed(world.watch);
	fake_poke_watch(&world.poke, pfs_tree_object_inode(object));
	fake_poke_watch(&world.poke, pfs_tree_collection_inode(world.kind));
	fake_poke_watch(&world.poke, pfs_tree_events_inode(world.tree, NULL));
	waits = pfs_watch_wait(world.watch, object, &world.wait) == -EINPROGRESS;
	assert_true(waits || short_memory_struck());
	for (int i = 0; i < 2; i++) {
		if (!done(pfs_watch_poll(world.watch, pfs_tree_wait_inode(object), i, &dropped[i],
					 &changed)))
			dropped[i] = true;
	}
	describe(&world, SECOND); /* before anybody was looked for */
	live(&world, 2 * PFS_SECOND);
	assert_whole_lines(&world, object);
	describe(&world, THIRD);
	assert_int_equal(world.told, waits && object->content->end);
	live(&world, 2 * PFS_SECOND);
	assert_whole_lines(&world, object);
	assert_whole_lines(&world, NULL);
	pfs_wait_cancel(&world.wait);
	vanish(&world);
	live(&world, 2 * PFS_SECOND);
	destroy(&world);
	assert_true(dropped[0] && dropped[1]);
}

static void test_memory_short_where_somebody_watches(void **state)
{
	short_memory_run(live_through, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_short_where_somebody_watches),
	};

	return cmocka_run_group_tests_name("memory_watch", tests, NULL, NULL);
}
