/* SPDX-License-Identifier: MIT */
/* Names, inodes, listings, and what is in the files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree_fixture.h"

#define FIELDS                                                                                     \
	"restore_job_id backup_id target_index_name target_index_id status created_at "            \
	"completed_at percent_complete raw.json "

/* The names of a pending job's files that only the API knows. */
static const char *extra_names(struct bench *bench, const char *directory)
{
	static const char usual[] = ". .. " FIELDS "events ";
	const char *all = names(bench, directory, 0);

	assert_memory_equal(all, usual, strlen(usual));
	return all + strlen(usual);
}

/* --- the top ------------------------------------------------------------------------------- */

static void test_root_lists_what_it_has_and_finds_it(void **state)
{
	struct bench *bench = *state;

	assert_string_equal(names(bench, "", 0), ". .. README .pinefs events restore-jobs ");
	assert_int_equal(look_up(bench, "", "README"), 0);
	assert_int_equal(look_up(bench, "", "restore-job"), -ENOENT);
	assert_int_equal(look_up(bench, "", "readme"), -ENOENT);
	assert_string_equal(names(bench, ".pinefs", 0), ". .. config stats inflight ");
	assert_int_equal(look_up(bench, ".pinefs", "status"), -ENOENT);
	assert_string_equal(content(bench, "README"), README);
	assert_int_equal(bench->store->api.lists + bench->store->api.describes, 0);
}

static void test_name_in_a_file_is_no_directory(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node = walk(bench, "README");
	struct pfs_entry entry;

	assert_int_equal(look_up(bench, "README", "x"), -ENOTDIR);
	assert_int_equal(pfs_tree_list(bench->tree, &node, 2, NULL, &entry), -ENOTDIR);
}

static void test_read_of_a_directory_is_refused(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node = walk(bench, "restore-jobs");

	assert_int_equal(read_node(bench, &node), -EISDIR);
}

/* --- ids ----------------------------------------------------------------------------------- */

static void test_lookup_of_an_unknown_id_asks_and_then_finds(void **state)
{
	struct bench *bench = *state;
	struct pfs_node jobs = walk(bench, "restore-jobs"), node;
	struct waiter waiter = {0};
	int64_t holds;

	assert_int_equal(look_up(bench, "restore-jobs", "a"), -ENOENT); /* as far as is known */
	assert_int_equal(pfs_tree_lookup(bench->tree, &jobs, "a", prepare(&waiter), &node, &holds),
			 -EINPROGRESS);
	pfs_wait_cancel(&waiter.wait);
	fake_api_status(&bench->store->api, "a", "Pending");
	assert_int_equal(pfs_tree_lookup(bench->tree, &jobs, "a", NULL, &node, &holds), 0);
	assert_int_equal(node.type, PFS_NODE_OBJECT);
	assert_int_equal(node.inode, pfs_tree_object_inode(node.object));

	pass(bench->store, TTL); /* known and old: found at once, and nobody asked */
	assert_int_equal(pfs_tree_lookup(bench->tree, &jobs, "a", prepare(&waiter), &node, &holds),
			 0);
	assert_int_equal(bench->store->api.describes, 1);
}

static void test_lookup_of_a_missing_id_says_for_how_long(void **state)
{
	struct bench *bench = *state;
	struct pfs_node jobs = walk(bench, "restore-jobs"), node;
	int64_t holds = -1;

	assert_int_equal(ask(bench->store, "a", NULL), -EINPROGRESS);
	fake_api_fail(&bench->store->api, "a", -ENOENT, 404);
	pass(bench->store, PFS_SECOND / 2);
	assert_int_equal(pfs_tree_lookup(bench->tree, &jobs, "a", NULL, &node, &holds), -ENOENT);
	assert_int_equal(holds, TTL_MISSING - PFS_SECOND / 2);
}

static void test_lookup_of_what_can_be_no_id_never_asks(void **state)
{
	struct bench *bench = *state;
	struct pfs_node jobs = walk(bench, "restore-jobs"), node;
	char longest[257] = "";
	const char *const bad[] = {".git", "..", "a b", "a\nb", "a%2fb", "\xc3\xbc", longest, ""};
	struct waiter waiter = {0};

	memset(longest, 'a', 256);
	for (size_t i = 0; i < COUNT(bad); i++) {
		int64_t holds = 0;

		assert_int_equal(pfs_tree_lookup(bench->tree, &jobs, bad[i], prepare(&waiter),
						 &node, &holds),
				 -ENOENT);
		assert_true(holds > TTL_MISSING); /* it never will be */
	}
	assert_int_equal(bench->store->api.describes, 0);
}

static void test_inodes_are_stable_and_tell_their_place(void **state)
{
	struct bench *bench = *state;
	static const char *const paths[] = {
		"README",
		".pinefs",
		".pinefs/stats",
		"events",
		"restore-jobs",
		"restore-jobs/a",
		"restore-jobs/a/status",
		"restore-jobs/b",
		"restore-jobs/a/wait",
		"restore-jobs/a/raw.json",
		"restore-jobs/a/done",
		"restore-jobs/a/events",
		"restore-jobs/b/x_y",
	};
	uint64_t inodes[COUNT(paths)];
	char path[300];

	learn_object(bench, "a", "{\"status\":\"Completed\"}");
	learn_object(bench, "b", "{\"x/y\":1}");
	assert_string_equal(extra_names(bench, "restore-jobs/b"), "x_y ");
	for (size_t i = 0; i < COUNT(paths); i++) {
		inodes[i] = walk(bench, paths[i]).inode;
		assert_int_equal(pfs_tree_path(bench->tree, inodes[i], path, sizeof(path)), 0);
		assert_string_equal(path, paths[i]);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(inodes[i], inodes[j]);
	}
	assert_int_equal(pfs_tree_path(bench->tree, inodes[5], path, 10), -ENAMETOOLONG);
	learn_object(bench, "c", "{\"status\":\"Pending\",\"x/y\":2}");
	learn_object(bench, "b", "{\"x/y\":3}");
	for (size_t i = 0; i < COUNT(paths); i++)
		assert_int_equal(walk(bench, paths[i]).inode, inodes[i]);
}

static void test_inode_of_what_is_not_there_is_stale(void **state)
{
	static const uint64_t inodes[] = {
		0, 5, 7, 11, 31, 33, 63, 64, 64 * 1000, UINT64_MAX, UINT64_C(1) << 63 | 7 << 16};
	struct bench *bench = *state;
	struct pfs_node node;

	for (size_t i = 0; i < COUNT(inodes); i++)
		assert_int_equal(pfs_tree_node(bench->tree, inodes[i], &node), -ESTALE);
}

/* --- listings ------------------------------------------------------------------------------ */

static void test_collection_is_listed_from_any_cursor(void **state)
{
	struct bench *bench = *state;
	struct pfs_node jobs = walk(bench, "restore-jobs");
	struct pfs_entry entry, dot;

	learn_list(bench->store, "a b c");
	assert_string_equal(names(bench, "restore-jobs", 0), ". .. a b c ");
	assert_int_equal(pfs_tree_list(bench->tree, &jobs, 1, NULL, &dot), 1);
	assert_string_equal(dot.name, "..");
	assert_int_equal(dot.node.inode, PFS_ROOT_INODE);
	assert_int_equal(pfs_tree_list(bench->tree, &jobs, 2, NULL, &entry), 1);
	assert_string_equal(entry.name, "a");
	assert_string_equal(names(bench, "restore-jobs", entry.cursor), "b c ");
	pass(bench->store, TTL);
	learn_list(bench->store, "new c b"); /* who reads on sees what came meanwhile */
	assert_string_equal(names(bench, "restore-jobs", entry.cursor), "b c new ");
}

static void test_collection_that_can_not_be_listed_fails_at_once(void **state)
{
	struct bench *bench = *state;
	struct pfs_node jobs = walk(bench, "restore-jobs");
	struct waiter waiter = {0};
	struct pfs_entry entry;

	assert_int_equal(pfs_tree_list(bench->tree, &jobs, 0, prepare(&waiter), &entry),
			 -EINPROGRESS);
	pfs_wait_cancel(&waiter.wait);
	fake_api_fail(&bench->store->api, NULL, -EIO, 500);
	assert_int_equal(pfs_tree_list(bench->tree, &jobs, 0, NULL, &entry), -EIO);
}

static void test_job_lists_its_files_as_they_come_and_go(void **state)
{
	struct bench *bench = *state;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	assert_string_equal(names(bench, "restore-jobs/a", 0), ". .. " FIELDS "events ");
	learn_object(bench, "a", "{\"status\":\"Completed\",\"note\":\"x\",\"o\":{},\"n\":null}");
	assert_string_equal(names(bench, "restore-jobs/a", 0), ". .. " FIELDS "done events note ");
	learn_object(bench, "a", "{\"status\":\"Failed\"}");
	assert_string_equal(names(bench, "restore-jobs/a", 0), ". .. " FIELDS "done events ");
	assert_int_equal(look_up(bench, "restore-jobs/a", "note"), -ENOENT);
	assert_int_equal(look_up(bench, "restore-jobs/a", "wait"), 0); /* but in no listing */
}

static void test_lookup_of_a_file_that_may_have_come_asks(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};
	struct pfs_node job, node;
	int64_t holds;

	learn(bench->store, "a", "Pending");
	job = walk(bench, "restore-jobs/a");
	pass(bench->store, TTL - 1);
	assert_int_equal(
		pfs_tree_lookup(bench->tree, &job, "done", prepare(&waiter), &node, &holds),
		-ENOENT);
	assert_int_equal(holds, 1); /* for as long as the job's answer holds */
	pass(bench->store, 1);
	assert_int_equal(
		pfs_tree_lookup(bench->tree, &job, ".git", prepare(&waiter), &node, &holds),
		-ENOENT);
	assert_int_equal(bench->store->api.describes, 1);
	assert_int_equal(
		pfs_tree_lookup(bench->tree, &job, "done", prepare(&waiter), &node, &holds),
		-EINPROGRESS);
	fake_api_status(&bench->store->api, "a", "Completed");
	assert_int_equal(pfs_tree_lookup(bench->tree, &job, "done", NULL, &node, &holds), 0);
}

/* A finished job holds for long, but a file that it lacks may be seen by who watches. */
static void test_lookup_of_a_missing_file_holds_for_the_ttl_at_most(void **state)
{
	struct bench *bench = *state;
	struct pfs_node job, node;
	int64_t holds = -1;

	learn(bench->store, "a", "Failed");
	job = walk(bench, "restore-jobs/a");
	assert_int_equal(pfs_tree_lookup(bench->tree, &job, "nothing", NULL, &node, &holds),
			 -ENOENT);
	assert_int_equal(holds, TTL);
	learn(bench->store, "b", "Pending");
	job = walk(bench, "restore-jobs/b");
	pass(bench->store, PFS_SECOND);
	assert_int_equal(pfs_tree_lookup(bench->tree, &job, "done", NULL, &node, &holds), -ENOENT);
	assert_int_equal(holds, TTL - PFS_SECOND);
}

/* sendfile(2), and so cat(1) of busybox, reads what the lookup found. */
static void test_lookup_of_a_file_asks_once_it_does_not_hold(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};
	struct pfs_node job, node;
	int64_t holds;

	learn(bench->store, "a", "Pending");
	job = walk(bench, "restore-jobs/a");
	pass(bench->store, TTL - 1);
	assert_int_equal(
		pfs_tree_lookup(bench->tree, &job, "status", prepare(&waiter), &node, &holds), 0);
	pass(bench->store, 1);
	/* Whoever reads `wait` waits for another thing. */
	assert_int_equal(
		pfs_tree_lookup(bench->tree, &job, "wait", prepare(&waiter), &node, &holds), 0);
	assert_int_equal(bench->store->api.describes, 1);
	assert_int_equal(
		pfs_tree_lookup(bench->tree, &job, "status", prepare(&waiter), &node, &holds),
		-EINPROGRESS);
	fake_api_fail(&bench->store->api, "a", -EIO, 500);
	/* The name stays, whatever has failed. */
	assert_int_equal(waiter.calls, 1);
	assert_int_equal(pfs_tree_lookup(bench->tree, &job, "status", NULL, &node, &holds), 0);
	assert_int_equal(
		pfs_tree_lookup(bench->tree, &job, "status", prepare(&waiter), &node, &holds), 0);
}

/* --- contents ------------------------------------------------------------------------------ */

static void test_file_each_value_as_in_table(void **state)
{
	static const struct {
		const char *object, *file, *content;
	} rows[] = {
		{"{\"status\":\"Pending\"}", "status", "Pending\n"},
		{"{\"status\":\"\\u00fc\\n\\\"\"}", "status", "\xc3\xbc\n\"\n"},
		{"{\"status\":\"\"}", "status", "\n"},
		{"{\"percent_complete\":42.2}", "percent_complete", "42.2\n"},
		{"{\"percent_complete\": 100}", "percent_complete", "100\n"},
		{"{\"percent_complete\":1e2}", "percent_complete", "1e2\n"},
		{"{\"percent_complete\":-0.10}", "percent_complete", "-0.10\n"},
		{"{\"percent_complete\":12345678901234567890}", "percent_complete",
		 "12345678901234567890\n"},
		{"{\"created_at\":null}", "created_at", ""},
		{"{}", "created_at", ""},
		{"{\"status\":true}", "status", "true\n"},
		{"{\"status\":\"a\",\"status\":\"b\"}", "status", "b\n"},
		{"{\"status\":{\"x\": 1}}", "status", "{\"x\": 1}\n"},
		{"{\"new_key\":7}", "new_key", "7\n"},
		{"{\"new_key\":false}", "new_key", "false\n"},
		{"{\"status\":\"Completed\"}", "done", "Completed\n"},
		{"{\"status\":\"failed\"}", "done", "failed\n"},
		{" {\"z\":[ 1 ],\n \"a\" :null}\n", "raw.json", " {\"z\":[ 1 ],\n \"a\" :null}\n"},
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char id[20], path[60];

		snprintf(id, sizeof(id), "job%zu", i);
		snprintf(path, sizeof(path), "restore-jobs/%s/%s", id, rows[i].file);
		learn_object(bench, id, rows[i].object);
		if (strcmp(content(bench, path), rows[i].content) != 0)
			fail_msg("%s of %s: %s", rows[i].file, rows[i].object, bench->buffer.bytes);
		assert_int_equal(attributes(bench, path).st_size, strlen(rows[i].content));
	}
}

static void test_unknown_keys_become_safe_names(void **state)
{
	struct bench *bench = *state;

	learn_object(bench, "a",
		     "{\"a/b\":1,\"a b\":2,\"..\":3,\".x\":4,\"\":5,\"done\":6,\"raw.json\":7,"
		     "\"\\u00fc\":8,\"x\\ny\":9,\"wait\":10,\"v1.2-z\":11,\"events\":12}");
	assert_string_equal(extra_names(bench, "restore-jobs/a"),
			    "a_b a_b_2 _. _x _ done_2 raw.json_2 __ x_y wait_2 v1.2-z "
			    "events_2 ");
	assert_string_equal(content(bench, "restore-jobs/a/a_b"), "1\n");
	assert_string_equal(content(bench, "restore-jobs/a/a_b_2"), "2\n");
	assert_string_equal(content(bench, "restore-jobs/a/_."), "3\n");
	assert_string_equal(content(bench, "restore-jobs/a/done_2"), "6\n");
	assert_string_equal(content(bench, "restore-jobs/a/raw.json_2"), "7\n");
	/* Another object with another first key: the names stay where they are. */
	learn_object(bench, "b", "{\"a b\":\"of b\"}");
	assert_string_equal(content(bench, "restore-jobs/b/a_b_2"), "of b\n");
	assert_int_equal(look_up(bench, "restore-jobs/b", "a_b"), -ENOENT);
}

/* There are no such files yet, but there will be: nobody may have got used to another. */
static void test_unknown_keys_get_no_name_that_is_reserved(void **state)
{
	static const char *const names[] = {"tags", "backup", "index", "restores"};
	struct bench *bench = *state;
	char path[100];

	learn_object(bench, "a",
		     "{\"tags\":0,\"backup\":1,\"index\":2,\"restores\":3,\"success\":4}");
	for (size_t i = 0; i < COUNT(names); i++) {
		char expected[] = {(char)('0' + i), '\n', '\0'};

		assert_int_equal(look_up(bench, "restore-jobs/a", names[i]), -ENOENT);
		(void)snprintf(path, sizeof(path), "restore-jobs/a/%s_2", names[i]);
		assert_string_equal(content(bench, path), expected);
	}
	assert_string_equal(content(bench, "restore-jobs/a/success_2"), "4\n");
}

static void test_unknown_keys_too_long_or_too_many_are_bounded(void **state)
{
	struct bench *bench = *state;
	char object[6000], name[300];
	const char *listed;
	size_t count = 0;

	memset(name, 'k', sizeof(name));
	name[299] = '\0';
	snprintf(object, sizeof(object), "{\"%s\":1,\"%sX\":2", name, name);
	for (int i = 0; i < 100; i++)
		sprintf(object + strlen(object), ",\"key%d\":%d", i, i);
	strcat(object, "}");
	learn_object(bench, "a", object);
	listed = extra_names(bench, "restore-jobs/a");
	for (const char *c = listed; *c; c++)
		count += *c == ' ';
	assert_int_equal(count, 32); /* as many as there is room for */
	assert_true(strcspn(listed, " ") <= 255);
	assert_string_equal(content(bench, "restore-jobs/a/key29"), "29\n");
	assert_int_equal(look_up(bench, "restore-jobs/a", "key30"), -ENOENT);
	assert_string_equal(content(bench, "restore-jobs/a/raw.json"), object);
}

static void collect(void *arg, uint64_t inode, const char *name)
{
	struct pfs_buffer *buffer = arg;

	assert_true(inode >= 64);
	pfs_buffer_add_string(buffer, name);
	pfs_buffer_add_string(buffer, " ");
}

static void test_each_change_names_the_files_with_other_bytes(void **state)
{
	struct bench *bench = *state;
	struct pfs_buffer changed = {0};
	struct pfs_content *before;
	struct pfs_object *object;

	learn_object(bench, "a", "{\"status\":\"Pending\",\"n\":1,\"m\":1,\"o\":1}");
	object = pfs_store_find(bench->store->store, bench->store->kind, "a");
	before = pfs_content_keep(object->content);
	learn_object(bench, "a", "{\"status\":\"Completed\",\"n\":1,\"m\":2,\"created_at\":null}");
	pfs_tree_each_change(bench->tree, object, before, object->content, collect, &changed);
	assert_string_equal(changed.bytes, "status raw.json events m ");
	pfs_content_drop(before);
	pfs_buffer_finish(&changed);
}

static void add_inode(void *arg, uint64_t inode)
{
	uint64_t *set = arg;

	*set |= UINT64_C(1) << inode % 64;
}

static void test_each_inode_leaves_none_out(void **state)
{
	struct bench *bench = *state;
	struct pfs_node job;
	struct pfs_entry entry;
	uint64_t set = 0, cursor = 2;

	learn_object(bench, "a", "{\"status\":\"Completed\",\"n\":1,\"m\":1}");
	job = walk(bench, "restore-jobs/a");
	(void)names(bench, "restore-jobs/a", 0);
	pfs_tree_each_inode(bench->tree, job.object, add_inode, &set);
	assert_true(set & 1);
	for (; pfs_tree_list(bench->tree, &job, cursor, NULL, &entry) == 1; cursor = entry.cursor)
		assert_true(set & UINT64_C(1) << entry.node.inode % 64);
	assert_true(set & UINT64_C(1) << walk(bench, "restore-jobs/a/wait").inode % 64);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_tree, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_root_lists_what_it_has_and_finds_it),
		TEST(test_name_in_a_file_is_no_directory),
		TEST(test_read_of_a_directory_is_refused),
		TEST(test_lookup_of_an_unknown_id_asks_and_then_finds),
		TEST(test_lookup_of_a_missing_id_says_for_how_long),
		TEST(test_lookup_of_what_can_be_no_id_never_asks),
		TEST(test_inodes_are_stable_and_tell_their_place),
		TEST(test_inode_of_what_is_not_there_is_stale),
		TEST(test_collection_is_listed_from_any_cursor),
		TEST(test_collection_that_can_not_be_listed_fails_at_once),
		TEST(test_job_lists_its_files_as_they_come_and_go),
		TEST(test_lookup_of_a_file_that_may_have_come_asks),
		TEST(test_lookup_of_a_missing_file_holds_for_the_ttl_at_most),
		TEST(test_lookup_of_a_file_asks_once_it_does_not_hold),
		TEST(test_file_each_value_as_in_table),
		TEST(test_unknown_keys_become_safe_names),
		TEST(test_unknown_keys_get_no_name_that_is_reserved),
		TEST(test_unknown_keys_too_long_or_too_many_are_bounded),
		TEST(test_each_change_names_the_files_with_other_bytes),
		TEST(test_each_inode_leaves_none_out),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
