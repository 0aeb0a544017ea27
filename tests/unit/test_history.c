/* SPDX-License-Identifier: MIT */
#include "pinefs/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_fixture.h"

#define T0 "2025-06-15T15:06:40.000000Z\t"
#define T1 "2025-06-15T15:16:40.000000Z\t" /* TTL_FINAL later, and so on */
#define T2 "2025-06-15T15:26:40.000000Z\t"
#define T3 "2025-06-15T15:36:40.000000Z\t"
#define T4 "2025-06-15T15:46:40.000000Z\t"

struct bench {
	struct fixture *store;
	struct pfs_history *history;
	struct pfs_buffer buffer;
};

static void create_bounded(struct bench *bench, const struct pfs_history_config *config)
{
	assert_int_equal(pfs_history_create(bench->store->store, bench->store->loop,
					    &bench->store->stats, config, &bench->history),
			 0);
}

static void create_history(struct bench *bench, size_t max_object, size_t max_whole)
{
	const struct pfs_history_config config = {
		.max_object = max_object,
		.max_whole = max_whole,
		.max_together = UINT64_MAX,
	};

	create_bounded(bench, &config);
}

static int setup_history(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	void *store = NULL;

	if (!bench || setup(&store))
		return -1;
	*state = bench;
	bench->store = store;
	return 0;
}

static int teardown_history(void **state)
{
	struct bench *bench = *state;
	void *store = bench->store;
	int error = teardown(&store);

	pfs_history_destroy(bench->history);
	pfs_buffer_finish(&bench->buffer);
	free(bench);
	return error;
}

static struct pfs_object *tell(struct bench *bench, const char *id, const char *object)
{
	if (pfs_store_find(bench->store->store, bench->store->kind, id))
		pass(bench->store, TTL_FINAL);
	assert_int_equal(ask(bench->store, id, NULL), -EINPROGRESS);
	fake_api_answer(&bench->store->api, id, object);
	return pfs_store_find(bench->store->store, bench->store->kind, id);
}

static int read_nothing(struct bench *bench, const struct pfs_object *object, uint64_t generation)
{
	struct pfs_slice slice;

	return pfs_history_read(bench->history, object, generation, &bench->buffer, &slice);
}

/*
 * The lines of a generation, of which size and rendering must agree. What was written down is lent,
 * the rest is rendered.
 */
static const char *lines_as(struct bench *bench, bool rendered, const struct pfs_object *object,
			    uint64_t generation)
{
	struct pfs_buffer scratch = {0};
	struct pfs_slice slice;
	size_t size;

	pfs_buffer_clear(&bench->buffer);
	assert_int_equal(pfs_history_read(bench->history, object, generation, &scratch, &slice), 0);
	assert_int_equal(pfs_buffer_add(&bench->buffer, slice.bytes, slice.length), 0);
	assert_int_equal(pfs_history_size(bench->history, object, generation, &size), 0);
	assert_int_equal(size, slice.length);
	assert_int_equal(scratch.length, rendered ? size : 0);
	pfs_buffer_finish(&scratch);
	assert_int_equal(pfs_buffer_add_string(&bench->buffer, ""), 0);
	return bench->buffer.bytes;
}

static const char *lines(struct bench *bench, const struct pfs_object *object, uint64_t generation)
{
	return lines_as(bench, object && !object->record, object, generation);
}

static void test_object_unchanged_shows_its_state_and_costs_nothing(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object;

	create_history(bench, 4096, 4096);
	object = tell(bench, "a",
		      "{\"status\":\"Pending\",\"created_at\":null,\"n\":1e2,\"o\":{\"x\": 1}}");
	assert_string_equal(lines(bench, object, 0),
			    T0 "status\t\tPending\n" T0 "n\t\t1e2\n" T0 "o\t\t{\"x\": 1}\n");
	assert_null(object->record);
	assert_int_equal(pfs_history_generation(bench->history, object), 0);
	assert_int_equal(pfs_history_modified(bench->history, object, 0), FAKE_EPOCH);
	assert_int_equal(read_nothing(bench, object, 1), -ESTALE);
}

static void test_change_each_kind_as_in_table(void **state)
{
	static const struct {
		const char *before, *after, *line; /* "": none */
	} rows[] = {
		{"{\"s\":\"a\"}", "{\"s\":\"b\"}", "s\ta\tb"},
		{"{\"s\":1}", "{\"s\":1.0}", "s\t1\t1.0"},
		{"{\"s\":1}", "{\"s\":\"1\"}", "s\t1\t1"},
		{"{\"s\":null}", "{\"s\":1}", "s\t\t1"},
		{"{}", "{\"s\":1}", "s\t\t1"},
		{"{\"s\":1}", "{\"s\":null}", "s\t1\t"},
		{"{\"s\":1}", "{}", "s\t1\t"},
		{"{\"s\":[1]}", "{\"s\":[2]}", "s\t[1]\t[2]"},
		{"{\"s\":\"\"}", "{\"s\":\"x\\ty\\n\"}", "s\t\tx\\ty\\n"},
		{"{\"s\\tt\":1}", "{\"s\\tt\":2}", "s\\tt\t1\t2"},
	};
	struct bench *bench = *state;

	create_history(bench, 4096, 4096);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char id[20];
		const char *all;
		size_t length = strlen(rows[i].line);
		struct pfs_object *object;

		snprintf(id, sizeof(id), "job%zu", i);
		(void)tell(bench, id, rows[i].before);
		object = tell(bench, id, rows[i].after);
		all = lines(bench, object, 0);
		/* The last line; before it is at most the state that it began with. */
		if (strlen(all) < length + 2 || all[strlen(all) - 1] != '\n' ||
		    strncmp(all + strlen(all) - 1 - length, rows[i].line, length) != 0)
			fail_msg("%s to %s: %s", rows[i].before, rows[i].after, all);
	}
}

/* An object of this text, in which the last of many bytes is another character of UTF-8. */
static const char *long_object(struct bench *bench, char filling, size_t count)
{
	pfs_buffer_clear(&bench->buffer);
	(void)pfs_buffer_add_string(&bench->buffer, "{\"s\":\"");
	for (size_t i = 0; i < count; i++)
		(void)pfs_buffer_add(&bench->buffer, &filling, 1);
	(void)pfs_buffer_add_string(&bench->buffer, "é\"}");
	assert_int_equal(pfs_buffer_add(&bench->buffer, "", 1), 0);
	return bench->buffer.bytes;
}

static void test_long_value_is_cut_between_characters(void **state)
{
	static const struct {
		size_t count; /* then two bytes more */
		size_t shown; /* bytes of that in the line */
		const char *end;
	} rows[] = {
		{4094, 4094, "é"},
		{4095, 4095, "…"},
		{4096, 4096, "…"},
		{15000000, 4096, "…"},
	};
	struct bench *bench = *state;

	create_history(bench, 1000000, 1000000);
	learn_list(bench->store, "");
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct pfs_object *const histories[] = {
			tell(bench, "a", long_object(bench, (char)('a' + i), rows[i].count)), NULL};

		for (size_t j = 0; j < COUNT(histories); j++) {
			const char *last = strrchr(lines(bench, histories[j], 0), '\t') + 1;

			assert_int_equal(strspn(last, (char[]){(char)('a' + i), '\0'}),
					 rows[i].shown);
			last += rows[i].shown;
			assert_memory_equal(last, rows[i].end, strlen(rows[i].end));
			assert_string_equal(last + strlen(rows[i].end), "\n");
		}
	}
}

static void test_same_object_in_other_words_is_no_line(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object;

	create_history(bench, 4096, 4096);
	(void)tell(bench, "a", "{\"s\":1,\"n\":null}");
	object = tell(bench, "a", " { \"s\": 1 }");
	assert_string_equal(lines(bench, object, 0), T0 "s\t\t1\n");
}

/* The members are in another order, so the two can't be gone over side by side. */
static void test_change_of_members_in_another_order_is_no_line_of_the_others(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object;

	create_history(bench, 4096, 4096);
	(void)tell(bench, "a", "{\"s\":\"x\",\"m\":1,\"n\":2}");
	object = tell(bench, "a", "{\"n\":2,\"o\":true,\"s\":\"x\"}");
	assert_string_equal(lines(bench, object, 0), T0 "s\t\tx\n" T0 "m\t\t1\n" T0 "n\t\t2\n" T1
							"o\t\ttrue\n" T1 "m\t1\t\n");
}

static void test_key_sent_twice_counts_once(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object;

	create_history(bench, 4096, 4096);
	(void)tell(bench, "a", "{\"s\":1,\"s\":2}");
	object = tell(bench, "a", "{\"s\":3,\"s\":4}");
	assert_string_equal(lines(bench, object, 0), T0 "s\t\t2\n" T1 "s\t2\t4\n");
}

static void test_lines_only_grow_and_each_moves_the_time(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object;
	char before[2000] = "";
	int64_t modified = 0;

	create_history(bench, 4096, 4096);
	for (int i = 0; i < 10; i++) {
		char bytes[40];

		snprintf(bytes, sizeof(bytes), "{\"n\":%d}", i);
		object = tell(bench, "a", bytes);
		assert_memory_equal(lines(bench, object, 0), before, strlen(before));
		assert_true(strlen(bench->buffer.bytes) > strlen(before));
		assert_true(pfs_history_modified(bench->history, object, 0) > modified);
		modified = pfs_history_modified(bench->history, object, 0);
		strcpy(before, bench->buffer.bytes);
	}
	learn_list(bench->store, "a:Failed"); /* in the same moment */
	assert_true(pfs_history_modified(bench->history, object, 0) > modified);
}

static void test_touch_moves_the_time_and_adds_no_line(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object, *rows[2];
	char before[2000];

	create_history(bench, 4096, 4096);
	object = tell(bench, "a", "{\"n\":1}");
	rows[0] = object; /* has no lines of its own yet */
	rows[1] = NULL;	  /* the whole history */
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t modified = pfs_history_modified(bench->history, rows[i], 0);

		strcpy(before, lines(bench, rows[i], 0));
		assert_int_equal(pfs_history_touch(bench->history, rows[i], 0), 0);
		assert_int_equal(pfs_history_modified(bench->history, rows[i], 0), modified + 1);
		assert_string_equal(lines(bench, rows[i], 0), before);
		assert_false(pfs_history_is_rotated(bench->history, rows[i]));
	}
}

static void test_lines_past_their_bound_begin_a_generation(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object;

	create_history(bench, 60, 4096); /* a line is about 40 bytes */
	(void)tell(bench, "a", "{\"s\":1}");
	object = tell(bench, "a", "{\"s\":2}");
	assert_int_equal(pfs_history_generation(bench->history, object), 0);
	assert_string_equal(lines(bench, object, 0), T0 "s\t\t1\n" T1 "s\t1\t2\n");
	(void)tell(bench, "a", "{\"s\":3}");
	assert_int_equal(pfs_history_generation(bench->history, object), 1);
	assert_string_equal(lines(bench, object, 1), T2 "s\t2\t3\n");
	assert_string_equal(lines(bench, object, 0), T0 "s\t\t1\n" T1 "s\t1\t2\n");
	for (int i = 4; i < 7; i++) {
		char bytes[40];

		snprintf(bytes, sizeof(bytes), "{\"s\":%d}", i);
		(void)tell(bench, "a", bytes);
	}
	assert_int_equal(pfs_history_generation(bench->history, object), 2);
	assert_int_equal(read_nothing(bench, object, 0), -ESTALE);
	assert_int_equal(read_nothing(bench, object, 3), -ESTALE);
}

/* `tail -F` asks for the name only once nothing has changed for a while. */
static void test_generation_that_has_ended_keeps_its_time(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object;
	int64_t ended, modified;

	create_history(bench, 60, 4096);
	(void)tell(bench, "a", "{\"s\":1}");
	object = tell(bench, "a", "{\"s\":2}");
	ended = pfs_history_modified(bench->history, object, 0);
	for (int i = 3; i < 5; i++) {
		char bytes[40];

		snprintf(bytes, sizeof(bytes), "{\"s\":%d}", i);
		(void)tell(bench, "a", bytes);
		assert_int_equal(pfs_history_generation(bench->history, object), 1);
		assert_int_equal(pfs_history_modified(bench->history, object, 0), ended);
	}
	modified = pfs_history_modified(bench->history, object, 1);
	assert_true(modified > ended);
	assert_int_equal(pfs_history_touch(bench->history, object, 0), 0);
	assert_int_equal(pfs_history_modified(bench->history, object, 0), ended + 1);
	assert_int_equal(pfs_history_modified(bench->history, object, 1), modified);
}

/* Three objects have changed, and there is room for the lines of two. */
static void create_forgetful(struct bench *bench, struct pfs_object *ret_objects[3])
{
	const struct pfs_history_config config = {4096, 4096, 170}; /* an object has 80 */

	create_bounded(bench, &config);
	for (int i = 0; i < 6; i++) {
		char bytes[40], id[] = {(char)('a' + i % 3), '\0'};

		snprintf(bytes, sizeof(bytes), "{\"s\":%d}", i / 3);
		ret_objects[i % 3] = tell(bench, id, bytes);
	}
}

static void test_together_past_their_bound_the_oldest_is_forgotten(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *objects[3];

	create_forgetful(bench, objects);
	assert_int_equal(pfs_history_generation(bench->history, objects[0]), 1);
	/* It begins anew, with what is known, as of when it was forgotten. */
	for (uint64_t i = 0; i < 2; i++) {
		assert_string_equal(lines_as(bench, true, objects[0], i), T3 "s\t\t1\n");
		assert_true(pfs_history_modified(bench->history, objects[0], i) >
			    pfs_history_modified(bench->history, objects[1], 0));
		assert_int_equal(pfs_history_age(bench->history, objects[0], i), 0);
	}
	assert_int_equal(read_nothing(bench, objects[0], 2), -ESTALE);
	for (int i = 1; i < 3; i++)
		assert_int_equal(pfs_history_generation(bench->history, objects[i]), 0);
	assert_string_equal(lines(bench, objects[2], 0), T0 "s\t\t0\n" T3 "s\t0\t1\n");
	assert_true(bench->store->stats.history_bytes <= 170);
}

static void test_what_was_forgotten_goes_on(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *objects[3];

	create_forgetful(bench, objects);
	assert_int_equal(pfs_history_touch(bench->history, objects[0], 1), 0);
	(void)tell(bench, "a", "{\"s\":2}");
	assert_true(pfs_history_is_rotated(bench->history, objects[0]));
	assert_int_equal(pfs_history_generation(bench->history, objects[0]), 1);
	for (uint64_t i = 0; i < 2; i++)
		assert_string_equal(lines(bench, objects[0], i), T3 "s\t\t1\n" T4 "s\t1\t2\n");
	/* And now b has made room for it. */
	assert_int_equal(pfs_history_generation(bench->history, objects[1]), 1);
	assert_string_equal(lines_as(bench, true, objects[1], 1), T4 "s\t\t1\n");
	(void)tell(bench, "a", "{\"s\":3}");
	assert_false(pfs_history_is_rotated(bench->history, objects[0]));
}

static void test_whole_begins_after_the_first_listing(void **state)
{
	struct bench *bench = *state;

	create_history(bench, 4096, 4096);
	(void)tell(bench, "looked-up", "{\"s\":1}");
	learn_list(bench->store, "a b");
	assert_string_equal(lines(bench, NULL, 0), "");
	(void)tell(bench, "looked-up", "{\"s\":2}");
	(void)tell(bench, "new", "{\"s\":\"x\",\"t\":null}");
	assert_string_equal(lines(bench, NULL, 0),
			    T1 "restore-jobs/looked-up\ts\t1\t2\n"
			       "2025-06-15T15:16:40.000000Z\trestore-jobs/new\ts\t\tx\n");
	assert_int_equal(pfs_history_generation(bench->history, NULL), 0);
}

static void test_vanished_object_loses_its_id(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *object;

	create_history(bench, 4096, 4096);
	object = tell(bench, "a", "{\"s\":1}");
	pfs_store_hold(bench->store->store, object, 1);
	pfs_store_expire(bench->store->store);
	assert_int_equal(ask(bench->store, "a", NULL), -EINPROGRESS);
	fake_api_fail(&bench->store->api, "a", -ENOENT, 404);
	assert_true(object->gone);
	assert_string_equal(strchr(lines(bench, object, 0), '\n') + 29, "restore_job_id\ta\t\n");
	assert_string_equal(lines(bench, NULL, 0) + 28, "restore-jobs/a\trestore_job_id\ta\t\n");
	pfs_store_release(bench->store->store, object, 1);
	assert_string_equal(lines(bench, NULL, 0) + 28, "restore-jobs/a\trestore_job_id\ta\t\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_history, teardown_history)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_object_unchanged_shows_its_state_and_costs_nothing),
		TEST(test_change_each_kind_as_in_table),
		TEST(test_long_value_is_cut_between_characters),
		TEST(test_same_object_in_other_words_is_no_line),
		TEST(test_change_of_members_in_another_order_is_no_line_of_the_others),
		TEST(test_key_sent_twice_counts_once),
		TEST(test_lines_only_grow_and_each_moves_the_time),
		TEST(test_touch_moves_the_time_and_adds_no_line),
		TEST(test_lines_past_their_bound_begin_a_generation),
		TEST(test_generation_that_has_ended_keeps_its_time),
		TEST(test_together_past_their_bound_the_oldest_is_forgotten),
		TEST(test_what_was_forgotten_goes_on),
		TEST(test_whole_begins_after_the_first_listing),
		TEST(test_vanished_object_loses_its_id),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
