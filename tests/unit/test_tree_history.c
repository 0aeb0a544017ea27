/* SPDX-License-Identifier: MIT */
/* Histories as files: what they say, how large they are, and what a rotation leaves of them. */
#include <errno.h>
#include <stdio.h>

#include "tree_fixture.h"

static void test_events_tell_what_was_seen_and_only_grow(void **state)
{
	struct bench *bench = *state;
	size_t size;

	assert_int_equal(ask(bench->store, "a", NULL), -EINPROGRESS);
	fake_api_answer(&bench->store->api, "a", "{\"status\":\"Pending\"}");
	assert_string_equal(content(bench, "restore-jobs/a/events"),
			    "2025-06-15T15:06:40.000000Z\tstatus\t\tPending\n");
	size = (size_t)attributes(bench, "restore-jobs/a/events").st_size;
	assert_int_equal(size, bench->buffer.length);
	learn_list(bench->store, "");
	learn_object(bench, "a", "{\"status\":\"Failed\"}");
	assert_string_equal(content(bench, "restore-jobs/a/events"),
			    "2025-06-15T15:06:40.000000Z\tstatus\t\tPending\n"
			    "2025-06-15T15:16:40.000000Z\tstatus\tPending\tFailed\n");
	assert_int_equal(attributes(bench, "restore-jobs/a/events").st_size, bench->buffer.length);
	assert_string_equal(
		content(bench, "events"),
		"2025-06-15T15:16:40.000000Z\trestore-jobs/a\tstatus\tPending\tFailed\n");
}

/* Have the history of "a" rotated so many times. */
static void rotate(struct bench *bench, uint64_t times)
{
	static unsigned n;
	uint64_t end = walk(bench, "restore-jobs/a/events").generation + times;

	while (walk(bench, "restore-jobs/a/events").generation < end) {
		char object[60];

		snprintf(object, sizeof(object), "{\"n\":%u}", n++);
		learn_object(bench, "a", object);
	}
}

/* Whoever has the old file open reads on in it, to an end that doesn't move any more. */
static void test_rotated_history_is_another_file_and_the_one_before_stays(void **state)
{
	static const char *const paths[] = {"restore-jobs/a/events", "events"};
	struct bench *bench = *state;
	struct pfs_node job;

	learn_object(bench, "a", "{}");
	learn_list(bench->store, "a");
	job = walk(bench, "restore-jobs/a");
	pfs_tree_hold(bench->tree, &job, 1);
	for (size_t i = 0; i < COUNT(paths); i++) {
		uint64_t inodes[3] = {walk(bench, paths[i]).inode};
		uint64_t first = walk(bench, paths[i]).generation;
		struct pfs_node node;
		struct stat stat;
		int64_t ns;

		for (unsigned n = 0, count = 1; n < 1000 && count < COUNT(inodes); n++) {
			char object[60];

			snprintf(object, sizeof(object), "{\"n\":%u}", n);
			learn_object(bench, "a", object);
			inodes[count] = walk(bench, paths[i]).inode;
			count += inodes[count] != inodes[count - 1];
		}
		/* The present one, the one before, and one that is gone. */
		assert_int_equal(pfs_tree_node(bench->tree, inodes[2], &node), 0);
		assert_int_equal(node.inode, inodes[2]);
		assert_int_equal(node.generation, first + 2);
		assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &ns), 0);
		assert_int_equal(stat.st_nlink, 1);
		assert_int_equal(pfs_tree_node(bench->tree, inodes[1], &node), 0);
		assert_int_equal(node.inode, inodes[1]);
		assert_int_equal(node.generation, first + 1);
		assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &ns), 0);
		assert_int_equal(stat.st_nlink, 0);
		assert_true(stat.st_size >= 4096);
		assert_int_equal(read_node(bench, &node), 0);
		assert_int_equal(bench->buffer.length, stat.st_size);
		if (pfs_tree_node(bench->tree, inodes[0], &node) != -ESTALE)
			assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &ns),
					 -ESTALE);
	}
	pfs_tree_forget(bench->tree, job.inode, 1);
}

/* Else the object would stay for ever. */
static void test_kernel_gives_back_a_history_that_was_rotated_twice_since(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node, held;
	uint64_t references;

	learn_object(bench, "a", "{}");
	rotate(bench, 1);
	held = walk(bench, "restore-jobs/a/events");
	references = held.object->references;
	pfs_tree_hold(bench->tree, &held, 1);
	rotate(bench, 2);
	assert_int_equal(pfs_tree_node(bench->tree, held.inode, &node), -ESTALE);
	pfs_tree_forget(bench->tree, held.inode, 1);
	assert_int_equal(held.object->references, references);
}

/* The modification time that a process gets, and for how long it is valid at most. */
static int64_t modified_for(struct bench *bench, const char *path, pid_t asker, int64_t *ret_valid)
{
	const struct pfs_node node = walk(bench, path);
	struct stat stat;
	int64_t valid;

	*ret_valid = pfs_tree_settle(bench->tree, &node, asker);
	assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &valid), 0);
	return stat.st_mtim.tv_sec * PFS_SECOND + stat.st_mtim.tv_nsec;
}

/* Or he would depend on what the kernel does for another. */
static void test_who_asks_soon_after_a_line_gets_another_time_than_the_one_before(void **state)
{
	static const char *const paths[] = {"restore-jobs/a/events", "events"};
	static const struct {
		pid_t asker;
		bool moves;
	} rows[] = {{1, true}, {2, true}, {2, false}, {0, true}, {0, true}, {1, true}};
	struct bench *bench = *state;
	int64_t valid;

	learn_list(bench->store, "a:Pending");
	pass(bench->store, TTL);
	learn_list(bench->store, "a:Stuck");
	for (size_t i = 0; i < COUNT(paths); i++) {
		int64_t last = (int64_t)attributes(bench, paths[i]).st_mtim.tv_sec * PFS_SECOND;

		for (size_t n = 0; n < COUNT(rows); n++) {
			int64_t now = modified_for(bench, paths[i], rows[n].asker, &valid);

			assert_int_equal(now > last, rows[n].moves);
			assert_int_equal(valid, 0);
			last = now;
		}
	}
	pass(bench->store, PFS_SECOND);
	for (size_t i = 0; i < COUNT(paths); i++) {
		int64_t last = modified_for(bench, paths[i], 1, &valid);

		assert_int_equal(valid, INT64_MAX);
		assert_int_equal(modified_for(bench, paths[i], 2, &valid), last);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_tree, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rotated_history_is_another_file_and_the_one_before_stays),
		TEST(test_kernel_gives_back_a_history_that_was_rotated_twice_since),
		TEST(test_who_asks_soon_after_a_line_gets_another_time_than_the_one_before),
		TEST(test_events_tell_what_was_seen_and_only_grow),
	};

	return cmocka_run_group_tests_name("tree_history", tests, NULL, NULL);
}
