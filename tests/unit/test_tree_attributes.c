/* SPDX-License-Identifier: MIT */
/* Attributes, the bytes they promise, extended attributes, and who holds what. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tree_fixture.h"

#define STATUS "restore-jobs/a/status"

static int64_t nanoseconds(struct timespec time)
{
	return time.tv_sec * PFS_SECOND + time.tv_nsec;
}

static int64_t modified(struct bench *bench, const char *path)
{
	struct stat stat = attributes(bench, path);

	return nanoseconds(stat.st_mtim);
}

/* How long its attributes hold. */
static int64_t holds(struct bench *bench, const char *path)
{
	struct pfs_node node = walk(bench, path);
	struct stat stat;
	int64_t ns;

	assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &ns), 0);
	return ns;
}

/* --- attributes ---------------------------------------------------------------------------- */

static void test_attributes_each_place_as_in_table(void **state)
{
	static const struct {
		const char *path;
		mode_t mode; /* umask is 0007 */
		off_t size;
		nlink_t links;
	} rows[] = {
		{"", S_IFDIR | 0550, 0, 4},
		{"README", S_IFREG | 0440, sizeof(README) - 1, 1},
		{".pinefs", S_IFDIR | 0550, 0, 2},
		{".pinefs/config", S_IFREG | 0440, 6, 1},
		{"restore-jobs", S_IFDIR | 0550, 0, 1},
		{"restore-jobs/a", S_IFDIR | 0550, 0, 2},
		{STATUS, S_IFREG | 0440, 8, 1},
		{"restore-jobs/a/created_at", S_IFREG | 0440, 0, 1},
		{"restore-jobs/a/wait", S_IFREG | 0440, 4096, 1},
	};
	struct bench *bench = *state;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stat stat = attributes(bench, rows[i].path);

		if (stat.st_mode != rows[i].mode || stat.st_size != rows[i].size ||
		    stat.st_nlink != rows[i].links)
			fail_msg("%s: %o %ld %lu", rows[i].path, stat.st_mode, (long)stat.st_size,
				 (unsigned long)stat.st_nlink);
		assert_int_equal(stat.st_uid, 12);
		assert_int_equal(stat.st_gid, 34);
		assert_int_equal(stat.st_blocks, (stat.st_size + 511) / 512);
	}
}

static void test_attributes_hold_as_long_as_the_answer(void **state)
{
	struct bench *bench = *state;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	learn_object(bench, "b", "{\"status\":\"Failed\"}");
	assert_int_equal(holds(bench, "restore-jobs/b/status"), TTL_FINAL);
	assert_int_equal(holds(bench, STATUS), 0);
	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	pass(bench->store, PFS_SECOND);
	assert_int_equal(holds(bench, STATUS), TTL - PFS_SECOND);
	assert_int_equal(holds(bench, "restore-jobs/a"), TTL - PFS_SECOND);
	assert_int_equal(holds(bench, "restore-jobs/a/wait"), 0);
	assert_true(holds(bench, "README") >= 600 * PFS_SECOND);
	assert_int_equal(holds(bench, ".pinefs/stats"), 0);
	learn_list(bench->store, "a b:Failed");
	pass(bench->store, PFS_SECOND);
	assert_int_equal(holds(bench, "restore-jobs"), TTL - PFS_SECOND);
}

/* What can change is looked up again in time: else who sets a watch on it isn't seen. */
static void test_names_hold_no_longer_than_what_they_name_can_change(void **state)
{
	static const struct {
		const char *path;
		int64_t least, most;
	} rows[] = {
		{"README", 600 * PFS_SECOND, INT64_MAX},
		{".pinefs", 600 * PFS_SECOND, INT64_MAX},
		{".pinefs/stats", 0, 0},
		{"events", TTL, TTL},
		{"restore-jobs", TTL, TTL},
		{"restore-jobs/a", TTL - PFS_SECOND, TTL - PFS_SECOND},
		{STATUS, TTL - PFS_SECOND, TTL - PFS_SECOND},
		{"restore-jobs/a/events", TTL - PFS_SECOND, TTL - PFS_SECOND},
		{"restore-jobs/a/wait", TTL - PFS_SECOND, TTL - PFS_SECOND},
		{"restore-jobs/b/status", TTL_FINAL - PFS_SECOND, TTL_FINAL - PFS_SECOND},
		{"restore-jobs/old/status", TTL, TTL}, /* has run out: its attributes say so */
	};
	struct bench *bench = *state;

	learn_object(bench, "old", "{\"status\":\"Pending\"}");
	learn_object(bench, "b", "{\"status\":\"Failed\"}");
	assert_int_equal(ask(bench->store, "a", NULL), -EINPROGRESS);
	fake_api_answer(&bench->store->api, "a", "{\"status\":\"Pending\"}");
	pass(bench->store, PFS_SECOND);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pfs_node node = walk(bench, rows[i].path);
		int64_t ns = pfs_tree_entry_valid(bench->tree, &node);

		if (ns < rows[i].least || ns > rows[i].most)
			fail_msg("%s: %lld ns", rows[i].path, (long long)ns);
	}
}

static void test_time_is_the_objects_and_moves_with_each_change(void **state)
{
	struct bench *bench = *state;
	int64_t before;

	learn_object(bench, "a", "{\"created_at\":\"1969-12-31T23:59:58.5Z\"}");
	assert_int_equal(modified(bench, STATUS), -3 * PFS_SECOND / 2);
	learn_object(bench, "b", "{\"created_at\":\"2023-11-14T22:13:20.000001Z\"}");
	before = modified(bench, "restore-jobs/b");
	assert_int_equal(before, INT64_C(1700000000) * PFS_SECOND + 1000);
	for (int i = 0; i < 5; i++) {
		char object[100];

		snprintf(object, sizeof(object),
			 "{\"created_at\":\"2023-11-14T22:13:20.000001Z\",\"n\":%d}", i);
		learn_object(bench, "b", object);
		assert_true(modified(bench, "restore-jobs/b/status") > before);
		before = modified(bench, "restore-jobs/b");
	}
	learn_object(bench, "b", " {\"n\":4,\"created_at\":\"2023-11-14T22:13:20.000001Z\"}");
	assert_int_equal(modified(bench, "restore-jobs/b"), before);
}

static void test_ctime_is_when_the_content_was_seen_first(void **state)
{
	static const char *const paths[] = {"restore-jobs/a", STATUS, "restore-jobs/a/raw.json"};
	struct bench *bench = *state;
	int64_t seen;

	learn_object(bench, "a", "{\"created_at\":\"2023-11-14T22:13:20Z\"}");
	seen = pfs_loop_wall(bench->store->loop);
	pass(bench->store, TTL);
	learn_object(bench, "a", "{\"created_at\":\"2023-11-14T22:13:20Z\"}");
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct stat stat = attributes(bench, paths[i]);

		assert_int_equal(nanoseconds(stat.st_ctim), seen);
		assert_int_equal(nanoseconds(stat.st_mtim), INT64_C(1700000000) * PFS_SECOND);
		assert_int_equal(nanoseconds(stat.st_atim), INT64_C(1700000000) * PFS_SECOND);
	}
}

static void test_touch_moves_a_files_time_by_the_least(void **state)
{
	static const char *const paths[] = {"README", ".pinefs/stats", STATUS};
	struct bench *bench = *state;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct pfs_node node = walk(bench, paths[i]);
		int64_t before = modified(bench, paths[i]);

		pfs_tree_touch(bench->tree, &node);
		assert_int_equal(modified(bench, paths[i]), before + 1);
	}
}

static void test_collection_moves_when_something_came_or_its_time_is_up(void **state)
{
	struct bench *bench = *state;
	int64_t before, changed;

	learn_list(bench->store, "a");
	(void)names(bench, "restore-jobs", 0);
	before = modified(bench, "restore-jobs");
	assert_int_equal(modified(bench, "restore-jobs"), before);
	learn_object(bench, "b", "{}");
	assert_true(modified(bench, "restore-jobs") > before);
	learn_list(bench->store, "a b");
	before = modified(bench, "restore-jobs");
	changed = nanoseconds(attributes(bench, "restore-jobs").st_ctim);
	(void)names(bench, "restore-jobs", 0);
	assert_int_equal(modified(bench, "restore-jobs"), before);
	pass(bench->store, TTL); /* the kernel's listing must go, once */
	assert_int_equal(modified(bench, "restore-jobs"), before + 1);
	assert_int_equal(modified(bench, "restore-jobs"), before + 1);
	/* That is for the kernel's listing; nothing has changed. */
	assert_int_equal(nanoseconds(attributes(bench, "restore-jobs").st_ctim), changed);
}

/* --- refreshing ---------------------------------------------------------------------------- */

static void test_refresh_waits_for_what_does_not_hold(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};
	struct pfs_node node;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	node = walk(bench, STATUS);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, NULL), 0);
	pass(bench->store, TTL);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, prepare(&waiter)),
			 -EINPROGRESS);
	fake_api_status(&bench->store->api, "a", "Pending");
	assert_told(&waiter, 0);
	node = walk(bench, "restore-jobs");
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, false, NULL), 0);
	node = walk(bench, "");
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, false, NULL), 0);
	assert_int_equal(bench->store->api.lists, 0);
}

static void test_refresh_that_fails_is_forgiven_unless_it_is_read(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	pass(bench->store, TTL + STALE);
	assert_int_equal(ask(bench->store, "a", NULL), -EINPROGRESS);
	fake_api_fail(&bench->store->api, "a", -EIO, 500);
	node = walk(bench, STATUS);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, NULL), -EIO);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, false, NULL), 0);
	assert_int_equal(pfs_tree_refreshed(bench->tree, &node, false, 1, -EACCES, NULL), 0);
	assert_int_equal(pfs_tree_refreshed(bench->tree, &node, true, 1, -EACCES, NULL), -EACCES);
	assert_int_equal(pfs_tree_refreshed(bench->tree, &node, false, 1, -ESTALE, NULL), -ESTALE);
	assert_int_equal(pfs_tree_refreshed(bench->tree, &node, false, 1, -EINPROGRESS, NULL),
			 -EINPROGRESS);
	node = walk(bench, "restore-jobs/a/events"); /* what was seen was seen */
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, NULL), 0);
}

/* --- promises ------------------------------------------------------------------------------ */

static void test_read_gives_what_the_attributes_last_promised(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node;

	learn_object(bench, "a", "{\"status\":\"Pending\",\"backup_id\":\"b1\"}");
	node = walk(bench, STATUS);
	pfs_tree_hold(bench->tree, &node, 1);
	assert_int_equal(attributes(bench, STATUS).st_size, 8);
	learn_object(bench, "a", "{\"status\":\"Completed\",\"backup_id\":\"b2\"}");
	assert_string_equal(content(bench, STATUS), "Pending\n");
	/* Of this one nothing was promised. */
	assert_string_equal(content(bench, "restore-jobs/a/backup_id"), "b2\n");
	assert_int_equal(attributes(bench, STATUS).st_size, 10);
	assert_string_equal(content(bench, STATUS), "Completed\n");
	pfs_tree_forget(bench->tree, node.inode, 1);
}

static void test_read_each_file_from_the_content_of_its_own_promise(void **state)
{
	static const char *const files[] = {
		"restore-jobs/a/status",
		"restore-jobs/a/backup_id",
		"restore-jobs/a/created_at",
		"restore-jobs/a/raw.json",
	};
	struct bench *bench = *state;
	struct pfs_node node;
	char object[200], expected[20];

	learn_object(bench, "a", "{}");
	node = walk(bench, "restore-jobs/a");
	pfs_tree_hold(bench->tree, &node, 1);
	for (int version = 0; version < 4; version++) {
		snprintf(object, sizeof(object),
			 "{\"status\":\"s%d\",\"backup_id\":\"s%d\",\"created_at\":\"s%d\"}",
			 version, version, version);
		learn_object(bench, "a", object);
		/* The first file's is told in the first version only, and so on. */
		for (size_t i = (size_t)version; i < COUNT(files); i++)
			(void)attributes(bench, files[i]);
	}
	for (int i = 0; i < 3; i++) {
		snprintf(expected, sizeof(expected), "s%d\n", i);
		assert_string_equal(content(bench, files[i]), expected);
	}
	assert_string_equal(content(bench, files[3]), object);
	for (size_t i = 0; i < COUNT(files); i++)
		(void)attributes(bench, files[i]);
	for (int i = 0; i < 3; i++)
		assert_string_equal(content(bench, files[i]), "s3\n");
	pfs_tree_forget(bench->tree, node.inode, 1);
}

static void test_promise_ends_with_the_last_reference(void **state)
{
	struct bench *bench = *state;
	struct pfs_node job, node;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	job = walk(bench, "restore-jobs/a");
	node = walk(bench, STATUS);
	pfs_tree_hold(bench->tree, &job, 1);
	pfs_tree_hold(bench->tree, &node, 2);
	assert_int_equal(job.object->references, 3);
	(void)attributes(bench, STATUS);
	learn_object(bench, "a", "{\"status\":\"Failed\"}");
	pfs_tree_forget(bench->tree, node.inode, 2);
	assert_string_equal(content(bench, STATUS), "Pending\n");
	pfs_tree_forget(bench->tree, job.inode, 1);
	assert_int_equal(job.object->references, 0);
	assert_string_equal(content(bench, STATUS), "Failed\n");
	pfs_tree_forget(bench->tree, 64 * 1000, 7); /* of what isn't there: nothing */
	pfs_tree_hold_inode(bench->tree, PFS_ROOT_INODE, 7);
	pfs_tree_forget(bench->tree, PFS_ROOT_INODE, 7);
}

static void test_vanished_job_is_stale_but_keeps_its_promise(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node, done;
	struct stat stat;
	int64_t ns;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	node = walk(bench, STATUS);
	pfs_tree_hold(bench->tree, &node, 1);
	assert_int_equal(attributes(bench, STATUS).st_size, 8);
	pfs_store_expire(bench->store->store);
	assert_int_equal(ask(bench->store, "a", NULL), -EINPROGRESS);
	fake_api_fail(&bench->store->api, "a", -ENOENT, 404);
	assert_int_equal(pfs_tree_node(bench->tree, node.inode, &done), 0);
	assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &ns), -ESTALE);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, false, NULL), -ESTALE);
	assert_int_equal(read_node(bench, &node), 0);
	assert_string_equal(bench->buffer.bytes, "Pending\n");
	assert_int_equal(look_up(bench, "restore-jobs", "a"), -ENOENT);
	/* Who removes it, as our child does, must find what it was. */
	pfs_tree_vanished_attributes(bench->tree, node.inode, &stat);
	assert_int_equal(stat.st_ino, node.inode);
	assert_true(S_ISREG(stat.st_mode));
	pfs_tree_vanished_attributes(bench->tree, pfs_tree_object_inode(node.object), &stat);
	assert_int_equal(stat.st_ino, pfs_tree_object_inode(node.object));
	assert_true(S_ISDIR(stat.st_mode));
	pfs_tree_forget(bench->tree, node.inode, 1);
	assert_int_equal(pfs_tree_node(bench->tree, node.inode, &done), -ESTALE);
}

/* Whatever it is long: a READ is a small part of it, and there are many of those. */
static void test_read_copies_nothing_that_is_kept(void **state)
{
	struct bench *bench = *state;
	struct pfs_slice slice;
	struct pfs_node node;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	node = walk(bench, "restore-jobs/a/raw.json");
	assert_int_equal(pfs_tree_read(bench->tree, &node, &slice), 0);
	assert_ptr_equal(slice.bytes, node.object->content->json.bytes);
	assert_int_equal(slice.length, node.object->content->json.length);
	node = walk(bench, "README");
	assert_int_equal(pfs_tree_read(bench->tree, &node, &slice), 0);
	assert_string_equal(slice.bytes, README);
	assert_int_equal(slice.length, strlen(README));
}

static void test_file_that_went_is_stale(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node;
	struct stat stat;
	int64_t ns;

	learn_object(bench, "a", "{\"note\":1}");
	(void)names(bench, "restore-jobs/a", 0);
	node = walk(bench, "restore-jobs/a/note");
	learn_object(bench, "a", "{}");
	assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &ns), -ESTALE);
	assert_int_equal(read_node(bench, &node), -ESTALE);
	learn_object(bench, "a", "{\"note\":2}");
	assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &ns), 0);
	assert_string_equal(content(bench, "restore-jobs/a/note"), "2\n");
}

static void test_wait_has_no_bytes_before_the_end(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node;

	learn_object(bench, "a", "{\"status\":\"Pending\"}");
	node = walk(bench, "restore-jobs/a/wait");
	assert_true(pfs_tree_must_wait(&node));
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, false, NULL), 0);
	assert_int_equal(read_node(bench, &node), -EAGAIN);
	learn_object(bench, "a", "{\"status\":\"Cancelled\"}");
	assert_false(pfs_tree_must_wait(&node));
	assert_int_equal(attributes(bench, "restore-jobs/a/wait").st_size, 10);
	assert_string_equal(content(bench, "restore-jobs/a/wait"), "Cancelled\n");
	node = walk(bench, STATUS);
	assert_false(pfs_tree_must_wait(&node));
}

/* --- extended attributes ------------------------------------------------------------------- */

static const char *xattr(struct bench *bench, const char *path, const char *name)
{
	struct pfs_node node = walk(bench, path);

	pfs_buffer_clear(&bench->buffer);
	if (pfs_tree_xattr(bench->tree, &node, name, &bench->buffer) == -ENODATA)
		return NULL;
	assert_int_equal(pfs_buffer_add_string(&bench->buffer, ""), 0);
	return bench->buffer.bytes;
}

static void assert_xattr(struct bench *bench, const char *name, const char *value)
{
	assert_string_equal(xattr(bench, STATUS, name), value);
	assert_string_equal(xattr(bench, "restore-jobs/a", name), value);
}

static void test_xattrs_tell_of_the_answer_and_of_the_failure_since(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(ask(bench->store, "a", NULL), -EINPROGRESS);
	fake_api_answer(&bench->store->api, "a", "{\"status\":\"Pending\"}");
	pass(bench->store, 3 * PFS_SECOND / 2);
	assert_xattr(bench, "user.pinefs.fetched_at", "2025-06-15T15:06:40.000000Z");
	assert_xattr(bench, "user.pinefs.age", "1.500");
	assert_xattr(bench, "user.pinefs.expires_in", "3.500");
	assert_xattr(bench, "user.pinefs.source", "describe");
	assert_xattr(bench, "user.pinefs.stale", "0");
	assert_xattr(bench, "user.pinefs.http_status", "200");
	assert_xattr(bench, "user.pinefs.request_id", "req-1");
	assert_xattr(bench, "user.pinefs.error", "");
	pass(bench->store, TTL);
	assert_int_equal(ask(bench->store, "a", NULL), -EINPROGRESS);
	fake_api_fail(&bench->store->api, "a", -EIO, 503);
	assert_xattr(bench, "user.pinefs.age", "6.500");
	assert_xattr(bench, "user.pinefs.expires_in", "0.000");
	assert_xattr(bench, "user.pinefs.stale", "1");
	assert_xattr(bench, "user.pinefs.http_status", "503");
	assert_xattr(bench, "user.pinefs.error", "EIO: it failed");
	learn_list(bench->store, "a");
	assert_xattr(bench, "user.pinefs.source", "list");
	assert_xattr(bench, "user.pinefs.stale", "0");
	assert_xattr(bench, "user.pinefs.error", "");
}

static void test_xattrs_are_all_named_and_only_of_objects(void **state)
{
	struct bench *bench = *state;
	struct pfs_buffer all = {0};
	struct pfs_node node;
	size_t count = 0;

	learn_object(bench, "a", "{}");
	node = walk(bench, STATUS);
	pfs_tree_xattr_names(bench->tree, &node, &all);
	for (size_t i = 0; i < all.length; i += strlen(all.bytes + i) + 1) {
		assert_non_null(xattr(bench, STATUS, all.bytes + i));
		count++;
	}
	assert_int_equal(count, 8);
	assert_null(xattr(bench, STATUS, "user.pinefs.nothing"));
	assert_null(xattr(bench, STATUS, "security.capability"));
	pfs_buffer_clear(&all);
	node = walk(bench, "restore-jobs");
	pfs_tree_xattr_names(bench->tree, &node, &all);
	assert_int_equal(all.length, 0);
	assert_null(xattr(bench, "restore-jobs", "user.pinefs.age"));
	pfs_buffer_finish(&all);
}

/* --- reports ------------------------------------------------------------------------------- */

static void look(struct bench *bench, const struct pfs_node *node, bool reading)
{
	assert_int_equal(pfs_tree_refresh(bench->tree, node, reading, NULL), 0);
}

static void assert_reads(struct bench *bench, const struct pfs_node *node, const char *text)
{
	assert_int_equal(read_node(bench, node), 0);
	assert_string_equal(bench->buffer.bytes, text);
}

static void test_report_lives_until_nobody_has_looked_for_a_while(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node = walk(bench, ".pinefs/stats");

	strcpy(bench->report, "longer\n");
	assert_reads(bench, &node, "1\n");
	/* Whether by fstat(2) or before a read(2). */
	pass(bench->store, PFS_SECOND);
	look(bench, &node, true);
	assert_reads(bench, &node, "1\n");
	pass(bench->store, PFS_SECOND);
	look(bench, &node, false);
	assert_reads(bench, &node, "1\n");
	pass(bench->store, PFS_SECOND + 1);
	look(bench, &node, true);
	assert_reads(bench, &node, "longer\n");
}

static void test_report_that_is_looked_at_all_the_time_is_renewed(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node = walk(bench, ".pinefs/stats");

	strcpy(bench->report, "longer\n");
	for (int i = 0; i < 5; i++) {
		pass(bench->store, PFS_SECOND);
		look(bench, &node, true);
		assert_reads(bench, &node, "1\n");
	}
	pass(bench->store, 1);
	look(bench, &node, true);
	assert_reads(bench, &node, "longer\n");
}

static void test_report_that_is_opened_says_what_is_so_now(void **state)
{
	struct bench *bench = *state;
	int64_t before = modified(bench, ".pinefs/stats");

	strcpy(bench->report, "2\n");
	assert_string_equal(content(bench, ".pinefs/stats"), "2\n");
	assert_true(modified(bench, ".pinefs/stats") > before);
	before = modified(bench, ".pinefs/stats");
	pass(bench->store, 10 * PFS_SECOND);
	assert_int_equal(modified(bench, ".pinefs/stats"), before); /* nothing new, no new time */
}

/* stat(2) looks its name up, and open(2) once more. */
static void test_report_that_moves_by_itself_stands_still_while_it_is_archived(void **state)
{
	struct bench *bench = *state;
	int64_t before = modified(bench, ".pinefs/inflight");

	strcpy(bench->report, "2\n");
	assert_string_equal(content(bench, ".pinefs/inflight"), "1\n");
	pass(bench->store, PFS_SECOND);
	assert_string_equal(content(bench, ".pinefs/inflight"), "1\n");
	assert_int_equal(modified(bench, ".pinefs/inflight"), before);
	pass(bench->store, PFS_SECOND + 1);
	assert_string_equal(content(bench, ".pinefs/inflight"), "2\n");
	assert_true(modified(bench, ".pinefs/inflight") > before);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_tree, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attributes_each_place_as_in_table),
		TEST(test_attributes_hold_as_long_as_the_answer),
		TEST(test_names_hold_no_longer_than_what_they_name_can_change),
		TEST(test_time_is_the_objects_and_moves_with_each_change),
		TEST(test_ctime_is_when_the_content_was_seen_first),
		TEST(test_touch_moves_a_files_time_by_the_least),
		TEST(test_collection_moves_when_something_came_or_its_time_is_up),
		TEST(test_refresh_waits_for_what_does_not_hold),
		TEST(test_refresh_that_fails_is_forgiven_unless_it_is_read),
		TEST(test_read_gives_what_the_attributes_last_promised),
		TEST(test_read_each_file_from_the_content_of_its_own_promise),
		TEST(test_promise_ends_with_the_last_reference),
		TEST(test_vanished_job_is_stale_but_keeps_its_promise),
		TEST(test_read_copies_nothing_that_is_kept),
		TEST(test_file_that_went_is_stale),
		TEST(test_wait_has_no_bytes_before_the_end),
		TEST(test_xattrs_tell_of_the_answer_and_of_the_failure_since),
		TEST(test_xattrs_are_all_named_and_only_of_objects),
		TEST(test_report_lives_until_nobody_has_looked_for_a_while),
		TEST(test_report_that_is_looked_at_all_the_time_is_renewed),
		TEST(test_report_that_is_opened_says_what_is_so_now),
		TEST(test_report_that_moves_by_itself_stands_still_while_it_is_archived),
	};

	return cmocka_run_group_tests_name("tree_attributes", tests, NULL, NULL);
}
