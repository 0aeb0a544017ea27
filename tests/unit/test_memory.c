/* SPDX-License-Identifier: MIT */
/*
 * Each allocation of a scenario fails once: the call must say so or succeed all the same, and what
 * it took is given back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_api.h"
#include "fake_time.h"
#include "pinefs/history.h"
#include "pinefs/json.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/table.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"
#include "pinefs/wait.h"
#include "short_memory.h"
#include "unit.h"

#define FIRST  "{\"restore_job_id\":\"a\",\"status\":\"Pending\",\"note\":\"x\",\"created_at\":null}"
#define SECOND "{\"restore_job_id\":\"a\",\"status\":\"Completed\",\"note\":\"y\",\"more\":1}"

/* --- text ---------------------------------------------------------------------------------- */

static void use_buffers(void *arg)
{
	struct pfs_buffer buffer = {0};

	(void)done(pfs_buffer_add_string(&buffer, "some text that is longer than nothing"));
	(void)done(pfs_buffer_format(&buffer, "%d %s", 12, "more of it"));
	(void)done(pfs_buffer_add_escaped(&buffer, "\x01\x02", 2));
	for (int i = 0; i < 200; i++)
		(void)pfs_buffer_add_url_encoded(&buffer, "/ /", 3);
	assert_int_equal(buffer.error, short_memory_struck() ? -ENOMEM : 0);
	if (buffer.bytes)
		assert_int_equal(strlen(buffer.bytes), buffer.length);
	pfs_buffer_finish(&buffer);
}

static void test_memory_short_in_buffers(void **state)
{
	short_memory_run(use_buffers, NULL);
}

/* --- json ---------------------------------------------------------------------------------- */

/* An object with as many members as letters, from one letter to another, and an escape in each. */
static void add_members(struct pfs_buffer *text, char first, char last)
{
	char separator = '{';

	for (char key = first; separator; key = (char)(key + (first < last ? 1 : -1))) {
		(void)pfs_buffer_format(text, "%c\"%c\":\"\\u00e9%c\"", separator, key, key);
		separator = key == last ? '\0' : ',';
	}
	(void)pfs_buffer_add_string(text, "}");
}

static void use_json(void *arg)
{
	const struct pfs_buffer *texts = arg;
	struct pfs_json a = {0}, b = {0};
	bool parsed = done(pfs_json_parse(texts[0].bytes, texts[0].length, PFS_JSON_DEPTH, &a)) &&
		      done(pfs_json_parse(texts[1].bytes, texts[1].length, PFS_JSON_DEPTH, &b));
	struct pfs_json_value value;
	char *string;

	if (parsed) {
		value = pfs_json_at(&a, "c");
		if (pfs_json_strdup(&value, &string) == 1) {
			assert_string_equal(string, "\xc3\xa9"
						    "c");
			free(string);
		} else {
			assert_true(short_memory_struck());
		}
		if (!pfs_json_same(&a, &b))
			assert_true(short_memory_struck());
	}
	pfs_json_finish(&a);
	pfs_json_finish(&b);
}

static void test_memory_short_in_json(void **state)
{
	struct pfs_buffer texts[2] = {0};

	add_members(&texts[0], 'a', 'z');
	add_members(&texts[1], 'z', 'a');
	short_memory_run(use_json, texts);
	pfs_buffer_finish(&texts[0]);
	pfs_buffer_finish(&texts[1]);
}

/* --- store and tree ------------------------------------------------------------------------ */

struct world {
	struct fake_time time;
	struct pfs_loop *loop;
	struct pfs_api api;
	struct pfs_stats stats;
	struct pfs_store *store;
	struct pfs_history *history;
	struct pfs_tree *tree;
	struct pfs_tables *tables;
	const struct pfs_kind *kind;
	struct pfs_wait wait;
	unsigned waiting;
	struct pfs_buffer buffer;
};

static const struct pfs_store_config store_config = {
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

static void render(void *arg, struct pfs_buffer *buffer)
{
	(void)pfs_buffer_add_string(buffer, "report\n");
}

static bool create(struct world *world)
{
	static const struct pfs_report report = {.name = "report", .render = render};
	static const struct pfs_history_config history = {
		.max_object = 1, .max_whole = 1, .max_together = UINT64_MAX};
	static const struct pfs_tree_config tree = {
		.readme = "", .reports = &report, .report_count = 1};

	fake_time_init(&world->time);
	if (!done(pfs_loop_create(&world->time.clock, &world->loop)))
		return false;
	fake_time_drive(&world->time, world->loop);
	fake_api_init(&world->api, world->loop);
	world->kind = pfs_kind_by_name(&pfs_all_kinds, "restore-jobs");
	return done(pfs_store_create(&world->api, world->loop, &world->stats, &store_config,
				     &world->store)) &&
	       done(pfs_history_create(world->store, world->loop, &world->stats, &history,
				       &world->history)) &&
	       done(pfs_tree_create(world->store, world->history, world->loop, &tree,
				    &world->tree));
}

static void destroy(struct world *world)
{
	assert_int_equal(world->waiting, 0);
	assert_int_equal(world->stats.waiting, 0);
	pfs_store_destroy(world->store);
	assert_int_equal(world->stats.objects, 0);
	assert_int_equal(world->stats.missing, 0);
	pfs_tree_destroy(world->tree);
	pfs_history_destroy(world->history);
	pfs_loop_destroy(world->loop);
	pfs_buffer_finish(&world->buffer);
}

static void on_done(struct pfs_wait *wait, int error)
{
	struct world *world = (struct world *)((char *)wait - offsetof(struct world, wait));

	world->waiting--;
	/* An object that is there is told, or that memory was short, or what the API failed with.
	 */
	if (error && error != -EACCES && error != -ENOENT && error != -ESTALE)
		(void)done(error);
}

static void note_wait(struct world *world, int error)
{
	if (error == -EINPROGRESS)
		world->waiting++;
	else if (error != -EACCES && error != -ENOENT && error != -ESTALE)
		(void)done(error);
}

static void ask(struct world *world, const char *id)
{
	struct pfs_object *object;

	world->wait = (struct pfs_wait){.done = on_done};
	note_wait(world, pfs_store_ask(world->store, world->kind, id, &world->wait, &object));
}

/* Answers are made by hand: what the test itself needs must not be short of memory. */
static void describe(struct world *world, const char *id, const char *object)
{
	struct pfs_json json;
	struct pfs_api_answer answer = {
		.status = 200,
		.text = "",
		.retry_after = -1,
		.object = &json,
	};

	short_memory_parse(object, &json);
	ask(world, id);
	if (fake_api_is_asked(&world->api, id))
		fake_api_tell(&world->api, id, &answer);
	pfs_json_finish(&json);
}

static void fail_describe(struct world *world, const char *id, int error)
{
	struct pfs_api_answer answer = {.error = error, .text = "failed", .retry_after = -1};

	ask(world, id);
	if (fake_api_is_asked(&world->api, id))
		fake_api_tell(&world->api, id, &answer);
}

static void list(struct world *world)
{
	static const char *const objects[] = {FIRST, "{\"restore_job_id\":\"b\"}",
					      "{\"restore_job_id\":\"c\"}"};
	struct pfs_api_row rows[] = {
		{.id = (char[]){"a"}}, {.id = (char[]){"b"}}, {.id = (char[]){"c"}}};
	struct pfs_api_answer answer = {
		.status = 200,
		.text = "",
		.retry_after = -1,
		.rows = rows,
		.row_count = COUNT(rows),
		.next = "token",
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		short_memory_parse(objects[i], &rows[i].object);
	world->wait = (struct pfs_wait){.done = on_done};
	note_wait(world, pfs_store_ask_list(world->store, world->kind, 0, &world->wait));
	if (fake_api_is_asked(&world->api, NULL))
		fake_api_tell(&world->api, NULL, &answer);
	answer.row_count = 0;
	answer.next = NULL;
	if (fake_api_is_asked(&world->api, NULL))
		fake_api_tell(&world->api, NULL, &answer);
	for (size_t i = 0; i < COUNT(rows); i++)
		pfs_json_finish(&rows[i].object);
}

/* What is given is true, or there was no memory for it. */
static void read_file(struct world *world, const struct pfs_node *job, const char *name,
		      const char *expected)
{
	struct pfs_node node;
	struct stat stat;
	struct pfs_slice content;
	int64_t holds;
	int error = pfs_tree_lookup(world->tree, job, name, NULL, &node, &holds);

	if (error == -ENOENT) { /* unlearned, for want of memory */
		assert_true(short_memory_struck());
		return;
	}
	assert_int_equal(error, 0);
	if (!done(pfs_tree_attributes(world->tree, &node, &stat, &holds)) ||
	    !done(pfs_tree_read(world->tree, &node, &content)))
		return;
	assert_int_equal(stat.st_size, strlen(expected));
	assert_int_equal(content.length, strlen(expected));
	assert_memory_equal(content.bytes, expected, strlen(expected));
}

static void look_at_job(struct world *world, const char *bytes, const char *status,
			const char *note)
{
	struct pfs_object *object = pfs_store_find(world->store, world->kind, "a");
	struct pfs_entry entry;
	struct pfs_node job;
	uint64_t cursor = 0;

	if (!object || strcmp(object->content->json.bytes, bytes) != 0) {
		assert_true(short_memory_struck());
		return;
	}
	assert_int_equal(pfs_tree_node(world->tree, pfs_tree_object_inode(object), &job), 0);
	for (; pfs_tree_list(world->tree, &job, cursor, NULL, &entry) == 1; cursor = entry.cursor)
		continue;
	assert_int_equal(object->content->is_final, *status == 'C');
	read_file(world, &job, "status", status);
	read_file(world, &job, "note", note);
	read_file(world, &job, "raw.json", bytes);
	pfs_buffer_clear(&world->buffer);
	(void)done(pfs_tree_xattr(world->tree, &job, "user.pinefs.fetched_at", &world->buffer));
}

/* The kernel holds the job from now on: so what it was promised counts. */
static uint64_t hold_job(struct world *world)
{
	struct pfs_object *object = pfs_store_find(world->store, world->kind, "a");
	struct pfs_node job;

	if (!object)
		return 0;
	assert_int_equal(pfs_tree_node(world->tree, pfs_tree_object_inode(object), &job), 0);
	pfs_tree_hold(world->tree, &job, 1);
	return job.inode;
}

static void live_through(void *arg)
{
	struct world world = {0};
	int64_t step = 2 * PFS_SECOND;
	uint64_t held = 0;

	if (create(&world)) {
		describe(&world, "a", FIRST);
		held = hold_job(&world);
		look_at_job(&world, FIRST, "Pending\n", "x\n");
		fake_time_pass(&world.time, world.loop, step);
		describe(&world, "a", SECOND);
		look_at_job(&world, SECOND, "Completed\n", "y\n");
		fail_describe(&world, "nowhere", -ENOENT);
		list(&world);
		fake_time_pass(&world.time, world.loop, step);
		list(&world);
		fail_describe(&world, "a", -ENOENT);
		fake_time_pass(&world.time, world.loop, step);
		fail_describe(&world, "a", -ENOENT);
		fail_describe(&world, "b", -EACCES);
		pfs_store_expire(world.store);
		ask(&world, "c");
		if (world.wait.queue) {
			pfs_wait_cancel(&world.wait);
			world.waiting--;
		}
		pfs_tree_forget(world.tree, held, 1);
	}
	destroy(&world);
}

static void test_memory_short_in_store_and_tree(void **state)
{
	short_memory_run(live_through, NULL);
}

/* --- tables -------------------------------------------------------------------------------- */

/* A text that there is is whole. */
static void read_table(struct world *world, enum pfs_table_format format, const char *end)
{
	const struct pfs_api_answer denied = {
		.error = -EACCES, .status = 403, .text = "", .retry_after = -1};
	uint64_t number;
	struct pfs_slice text;

	world->wait = (struct pfs_wait){.done = on_done};
	note_wait(world, pfs_tables_ask(world->tables, world->kind, format, &world->wait));
	if (fake_api_is_asked(&world->api, NULL)) /* the list wasn't taken, for want of memory */
		fake_api_tell(&world->api, NULL, (struct pfs_api_answer[]){denied});
	fake_time_pass(&world->time, world->loop, 0);
	number = pfs_tables_latest(world->tables, world->kind, format);
	if (!number) {
		assert_true(short_memory_struck());
		return;
	}
	assert_int_equal(pfs_tables_read(world->tables, world->kind, format, number, &text), 0);
	assert_true(text.length > strlen(end));
	assert_memory_equal(text.bytes + text.length - strlen(end), end, strlen(end));
}

/* Somebody asks, and is gone. */
static void begin_table(struct world *world, enum pfs_table_format format)
{
	world->wait = (struct pfs_wait){.done = on_done};
	if (pfs_tables_ask(world->tables, world->kind, format, &world->wait) == -EINPROGRESS)
		pfs_wait_cancel(&world->wait);
}

static void make_tables(void *arg)
{
	static const struct pfs_tables_config config = {.timeout = PFS_SECOND, .max_bytes = 4096};
	struct world world = {0};

	if (create(&world) && done(pfs_tables_create(world.store, world.loop, &world.stats, &config,
						     &world.tables))) {
		list(&world);
		read_table(&world, PFS_TABLE_TSV, "b\t\t\t\t\t\t\t\nc\t\t\t\t\t\t\t\n");
		read_table(&world, PFS_TABLE_JSONL,
			   "{\"restore_job_id\":\"b\"}\n{\"restore_job_id\":\"c\"}\n");
		read_table(&world, PFS_TABLE_TSV, "c\t\t\t\t\t\t\t\n"); /* a failure is over */
		/* The end comes while they are made. */
		describe(&world, "d", "{\"restore_job_id\":\"d\"}");
		begin_table(&world, PFS_TABLE_TSV);
		pfs_store_expire(world.store);
		begin_table(&world, PFS_TABLE_JSONL);
	}
	pfs_tables_destroy(world.tables);
	assert_int_equal(world.stats.table_texts, 0);
	destroy(&world);
}

static void test_memory_short_in_tables(void **state)
{
	short_memory_run(make_tables, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_short_in_buffers),
		cmocka_unit_test(test_memory_short_in_json),
		cmocka_unit_test(test_memory_short_in_store_and_tree),
		cmocka_unit_test(test_memory_short_in_tables),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
