/* SPDX-License-Identifier: MIT */
/*
 * Three kinds side by side, see three_kinds.h: what is said of one is said of no other, and each
 * row is obeyed in every room.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kinds_fixture.h"

#define READY  "{\"name\":\"a\",\"status\":{\"ready\":true,\"state\":\"Ready\"}}"
#define MAKING "{\"name\":\"a\",\"status\":{\"ready\":false,\"state\":\"Initializing\"}}"
#define BROKEN "{\"name\":\"a\",\"status\":{\"ready\":false,\"state\":\"Broken\"}}"
#define NOTE   "{\"note_id\":\"a\",\"text\":\"x\",\"status\":\"Completed\"}"

/* An object "a" of each kind, none of which has ended. */
static void know_three(struct scene *scene)
{
	(void)describe(scene, JOBS, "a", "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}");
	(void)describe(scene, GADGETS, "a", MAKING);
	(void)describe(scene, NOTES, "a", NOTE);
}

/* --- names and numbers --------------------------------------------------------------------- */

static void test_one_id_is_three_objects(void **state)
{
	struct scene *scene = *state;
	struct pfs_object *objects[3];
	struct pfs_cursor cursor = {0};

	know_three(scene);
	for (size_t i = 0; i < COUNT(objects); i++) {
		const struct pfs_kind *kind = three_kinds.rows[i];
		struct pfs_node node;

		objects[i] = find(scene, kind, "a");
		assert_int_equal(objects[i]->slot, 1);
		assert_ptr_equal(pfs_store_by_slot(scene->store->store, kind, 1), objects[i]);
		assert_ptr_equal(pfs_store_next(scene->store->store, kind, 0), objects[i]);
		assert_null(pfs_store_next(scene->store->store, kind, 1));
		assert_ptr_equal(pfs_store_each(scene->store->store, &cursor), objects[i]);
		assert_int_equal(
			pfs_tree_node(scene->bench->tree, pfs_tree_object_inode(objects[i]), &node),
			0);
		assert_ptr_equal(node.object, objects[i]);
		assert_int_equal(
			pfs_tree_node(scene->bench->tree, pfs_tree_collection_inode(kind), &node),
			0);
		assert_ptr_equal(node.kind, kind);
	}
	assert_null(pfs_store_each(scene->store->store, &cursor));
	assert_int_equal(pfs_tree_object_inode(objects[0]), 64);
	assert_int_equal(pfs_tree_object_inode(objects[1]), UINT64_C(7) << 56 | 64);
	assert_int_equal(pfs_tree_object_inode(objects[2]), UINT64_C(15) << 56 | 64);
}

static void test_numbers_of_no_kind_and_of_no_class_are_stale(void **state)
{
	static const uint64_t inodes[] = {
		UINT64_C(1) << 56 | 64,			       /* kind 1 is not there */
		INT64_C(2) << 60 | 64,			       /* a link */
		UINT64_C(15) << 60 | UINT64_C(15) << 56 | 64,  /* no class */
		UINT64_C(1) << 60 | UINT64_C(1) << 56 | 65536, /* a history of kind 1 */
		UINT64_C(1) << 60 | UINT64_C(7) << 56,	       /* ... of no object */
		33,					       /* the collection of kind 1 */
		UINT64_MAX,
	};
	struct scene *scene = *state;
	struct pfs_node node;

	know_three(scene);
	for (size_t i = 0; i < COUNT(inodes); i++) {
		if (pfs_tree_node(scene->bench->tree, inodes[i], &node) != -ESTALE)
			fail_msg("%jx", (uintmax_t)inodes[i]);
	}
}

/* The same slot, the same generation: three files, each of its own object. */
static void test_rotated_histories_are_told_apart(void **state)
{
	struct scene *scene = *state;
	uint64_t inodes[3];

	know_three(scene);
	for (size_t i = 0; i < COUNT(inodes); i++) {
		struct pfs_object *object = find(scene, three_kinds.rows[i], "a");

		mean(scene, object->kind);
		for (int n = 0; !pfs_history_generation(scene->bench->history, object); n++) {
			char text[2100], document[2400];

			memset(text, '0' + n, 2000);
			text[2000] = '\0';
			(void)snprintf(document, sizeof(document), "{\"%s\":\"a\",\"note\":\"%s\"}",
				       object->kind->id, text);
			pfs_store_expire(scene->store->store);
			(void)describe(scene, object->kind, "a", document);
		}
		inodes[i] = pfs_tree_events_inode(scene->bench->tree, object);
	}
	for (size_t i = 0; i < COUNT(inodes); i++) {
		struct pfs_node node;

		assert_int_equal(inodes[i], UINT64_C(1) << 60 |
						    (uint64_t)three_kinds.rows[i]->number << 56 |
						    65536 | 1);
		assert_int_equal(pfs_tree_node(scene->bench->tree, inodes[i], &node), 0);
		assert_ptr_equal(node.object, find(scene, three_kinds.rows[i], "a"));
		assert_int_equal(node.generation, 1);
	}
}

static void test_each_kind_has_its_files(void **state)
{
	struct scene *scene = *state;
	struct bench *bench = scene->bench;

	know_three(scene);
	list(scene, JOBS, "a");
	list(scene, GADGETS, "a=" MAKING);
	list(scene, NOTES, "a=" NOTE);
	assert_string_equal(names(bench, "", 2),
			    "README .pinefs events restore-jobs gadgets notes ");
	assert_string_equal(names(bench, "gadgets", 2), "a ");
	assert_string_equal(names(bench, "gadgets/a", 2),
			    "name status ready cloud raw.json events ");
	assert_string_equal(names(bench, "notes/a", 2), "note_id text raw.json events status ");
	assert_string_equal(content(bench, "gadgets/a/status"), "Initializing\n");
	assert_string_equal(content(bench, "gadgets/a/ready"), "false\n");
	assert_string_equal(content(bench, "gadgets/a/cloud"), "");
	assert_int_equal(attributes(bench, "").st_nlink, 6);
	/* What never ends can't be waited for. */
	assert_int_equal(look_up(bench, "notes/a", "wait"), -ENOENT);
	assert_int_equal(look_up(bench, "gadgets/a", "wait"), 0);
	assert_int_equal(look_up(bench, "restore-jobs/a", "wait"), 0);
}

static void test_done_is_there_where_the_kind_has_it(void **state)
{
	struct scene *scene = *state;
	struct bench *bench = scene->bench;

	(void)describe(scene, JOBS, "a", "{\"restore_job_id\":\"a\",\"status\":\"Failed\"}");
	(void)describe(scene, GADGETS, "a", READY);
	(void)describe(scene, NOTES, "a", NOTE);
	assert_string_equal(content(bench, "restore-jobs/a/done"), "Failed\n");
	assert_int_equal(look_up(bench, "gadgets/a", "done"), -ENOENT);
	assert_int_equal(look_up(bench, "notes/a", "done"), -ENOENT);
	assert_string_equal(content(bench, "gadgets/a/wait"), "Ready\n");
}

static void test_path_and_xattrs_of_each_kind(void **state)
{
	static const char *const paths[] = {"restore-jobs/a/status", "gadgets/a/status",
					    "notes/a/text"};
	struct scene *scene = *state;
	char path[100];

	know_three(scene);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct pfs_node node = walk(scene->bench, paths[i]);
		struct pfs_buffer *buffer = &scene->bench->buffer;

		assert_int_equal(pfs_tree_path(scene->bench->tree, node.inode, path, sizeof(path)),
				 0);
		assert_string_equal(path, paths[i]);
		pfs_buffer_clear(buffer);
		assert_int_equal(
			pfs_tree_xattr(scene->bench->tree, &node, "user.pinefs.source", buffer), 0);
		assert_int_equal(buffer->length, strlen("describe"));
	}
}

/* --- how long an answer is valid ----------------------------------------------------------- */

static void test_ttl_by_what_has_ended_and_what_can_still_change(void **state)
{
	struct scene *scene = *state;

	know_three(scene);
	assert_int_equal(left(scene, find(scene, JOBS, "a")), TTL);
	assert_int_equal(left(scene, find(scene, GADGETS, "a")), TTL);
	assert_int_equal(left(scene, find(scene, NOTES, "a")), TTL);
	pass(scene->store, TTL);
	(void)describe(scene, JOBS, "a", "{\"restore_job_id\":\"a\",\"status\":\"Completed\"}");
	(void)describe(scene, GADGETS, "a", READY);
	assert_int_equal(left(scene, find(scene, JOBS, "a")), TTL_FINAL);
	assert_int_equal(left(scene, find(scene, GADGETS, "a")), TTL_READY);
	pass(scene->store, TTL_READY);
	(void)describe(scene, GADGETS, "a", BROKEN);
	assert_int_equal(left(scene, find(scene, GADGETS, "a")), TTL_READY);
}

/* Who sets a watch on what can still change must be noticed: the kernel asks again in time. */
static void test_kernel_keeps_nothing_for_longer_that_can_still_change(void **state)
{
	struct scene *scene = *state;
	struct pfs_node node;
	struct stat stat;
	int64_t valid;

	(void)describe(scene, JOBS, "a", "{\"restore_job_id\":\"a\",\"status\":\"Completed\"}");
	(void)describe(scene, GADGETS, "a", READY);
	node = walk(scene->bench, "gadgets/a/status");
	assert_int_equal(pfs_tree_attributes(scene->bench->tree, &node, &stat, &valid), 0);
	assert_int_equal(valid, TTL);
	assert_int_equal(pfs_tree_entry_valid(scene->bench->tree, &node), TTL);
	node = walk(scene->bench, "restore-jobs/a/status");
	assert_int_equal(pfs_tree_attributes(scene->bench->tree, &node, &stat, &valid), 0);
	assert_int_equal(valid, TTL_FINAL);
}

static void test_what_is_followed_is_asked_for_though_it_has_ended(void **state)
{
	struct scene *scene = *state;
	struct pfs_object *gadget = describe(scene, GADGETS, "a", READY);

	watch_and_look(scene, "gadgets/a/status");
	assert_true(left(scene, gadget) <= TTL);
	for (int i = 0; i < 3; i++) {
		live(scene, TTL + TTL / 4);
		assert_true(fake_api_is_asked(scene->api, "a"));
		fake_api_answer(scene->api, "a", READY);
	}
	fake_poke_unwatch_all(&scene->poke);
	while (gadget->followed) {
		live(scene, TTL);
		if (fake_api_is_asked(scene->api, "a"))
			fake_api_answer(scene->api, "a", READY);
	}
	pfs_store_expire(scene->store->store);
	(void)describe(scene, GADGETS, "a", READY);
	assert_int_equal(left(scene, find(scene, GADGETS, "a")), TTL_READY);
}

static void test_expire_forgets_each_kind(void **state)
{
	struct scene *scene = *state;

	know_three(scene);
	list(scene, NOTES, "a=" NOTE);
	pfs_store_expire(scene->store->store);
	for (size_t i = 0; i < three_kinds.count; i++) {
		assert_int_equal(left(scene, find(scene, three_kinds.rows[i], "a")), 0);
		assert_int_equal(pfs_store_list_left(scene->store->store, three_kinds.rows[i]), 0);
	}
}

/* --- what is not there --------------------------------------------------------------------- */

static void test_a_404_is_enough_where_the_row_says_so(void **state)
{
	struct scene *scene = *state;

	know_three(scene);
	pass(scene->store, TTL);
	for (size_t i = 0; i < three_kinds.count; i++) {
		mean(scene, three_kinds.rows[i]);
		assert_int_equal(ask(scene->store, "a", NULL), -EINPROGRESS);
		fake_api_fail(scene->api, "a", -ENOENT, 404);
	}
	assert_non_null(find(scene, JOBS, "a"));
	assert_null(find(scene, GADGETS, "a"));
	assert_non_null(find(scene, NOTES, "a"));
}

/* --- lists --------------------------------------------------------------------------------- */

/* A list of one request is cheaper than two describes, one that may need two is than three. */
static void test_price_of_a_list_that_is_not_paged(void **state)
{
	static const struct {
		size_t row;
		unsigned describes;
	} rows[] = {{1, 1}, {2, 2}};
	struct scene *scene = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct pfs_kind *kind = three_kinds.rows[rows[i].row];
		unsigned before = scene->api->describes;
		char page[300] = "";

		for (char id = 'a'; id <= 'e'; id++)
			(void)snprintf(page + strlen(page), sizeof(page) - strlen(page),
				       "%c={\"%s\":\"%c\"} ", id, kind->id, id);
		list(scene, kind, page);
		pass(scene->store, TTL);
		for (char id = 'a'; id <= 'e'; id++)
			assert_int_equal(ask(scene->store, (char[]){id, '\0'}, NULL), -EINPROGRESS);
		assert_int_equal(scene->api->describes - before, rows[i].describes);
		assert_true(fake_api_is_asked(scene->api, NULL));
		fake_api_page(scene->api, page, NULL);
	}
}

static void test_listing_one_kind_asks_for_no_other_and_changes_no_other(void **state)
{
	struct scene *scene = *state;
	struct stat before = attributes(scene->bench, "restore-jobs"), after;

	list(scene, JOBS, "a b");
	list(scene, GADGETS, "c={\"name\":\"c\"}");
	assert_int_equal(scene->api->lists, 2);
	before = attributes(scene->bench, "restore-jobs");
	pass(scene->store, PFS_SECOND);
	(void)describe(scene, GADGETS, "d", "{\"name\":\"d\"}");
	assert_string_equal(names(scene->bench, "restore-jobs", 2), "a b ");
	assert_string_equal(names(scene->bench, "gadgets", 2), "c d ");
	after = attributes(scene->bench, "restore-jobs");
	assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim));
}

/* --- the whole history --------------------------------------------------------------------- */

static void test_events_name_the_kind(void **state)
{
	struct scene *scene = *state;

	know_three(scene);
	list(scene, JOBS, "a");
	list(scene, GADGETS, "a=" MAKING);
	list(scene, NOTES, "a=" NOTE);
	pass(scene->store, TTL);
	(void)describe(scene, JOBS, "a", "{\"restore_job_id\":\"a\",\"status\":\"Failed\"}");
	assert_int_equal(ask(scene->store, "b", NULL), -EINPROGRESS);
	(void)fake_api_status(scene->api, "b", "Pending");
	(void)describe(scene, NOTES, "a", "{\"note_id\":\"a\",\"text\":\"y\"}");
	mean(scene, GADGETS);
	assert_int_equal(ask(scene->store, "a", NULL), -EINPROGRESS);
	fake_api_fail(scene->api, "a", -ENOENT, 404);
	(void)content(scene->bench, "events");
	assert_non_null(
		strstr(scene->bench->buffer.bytes, "\trestore-jobs/a\tstatus\tPending\tFailed\n"));
	assert_non_null(
		strstr(scene->bench->buffer.bytes, "\trestore-jobs/b\tstatus\t\tPending\n"));
	assert_non_null(strstr(scene->bench->buffer.bytes, "\tnotes/a\ttext\tx\ty\n"));
	assert_non_null(strstr(scene->bench->buffer.bytes, "\tgadgets/a\tname\ta\t\n"));
}

static void test_events_wait_for_the_lists_of_all_kinds_at_once(void **state)
{
	struct scene *scene = *state;
	struct pfs_tree *tree = scene->bench->tree;
	struct pfs_node events = walk(scene->bench, "events");
	struct waiter waiter = {0};

	assert_int_equal(pfs_tree_refresh(tree, &events, true, prepare(&waiter)), -EINPROGRESS);
	assert_int_equal(scene->api->lists, 3);
	mean(scene, JOBS);
	fake_api_page(scene->api, "", NULL);
	assert_told(&waiter, 0);
	assert_int_equal(pfs_tree_refreshed(tree, &events, true, 1, 0, prepare(&waiter)),
			 -EINPROGRESS);
	mean(scene, NOTES);
	fake_api_page(scene->api, "", NULL);
	assert_waiting(&waiter);
	mean(scene, GADGETS);
	fake_api_fail(scene->api, NULL, -EACCES, 403);
	assert_told(&waiter, -EACCES);
	assert_int_equal(pfs_tree_refreshed(tree, &events, true, 2, waiter.error, prepare(&waiter)),
			 0);
	assert_int_equal(scene->api->lists, 3);
}

/* With a TTL shorter than the walks of two lists, one of them would always have expired. */
static void test_events_wait_for_each_list_once(void **state)
{
	struct scene *scene = *state;
	struct pfs_tree *tree = scene->bench->tree;
	struct pfs_node events = walk(scene->bench, "events");
	struct waiter waiter = {0};

	list(scene, GADGETS, "");
	assert_int_equal(pfs_tree_refresh(tree, &events, true, prepare(&waiter)), -EINPROGRESS);
	mean(scene, JOBS);
	fake_api_page(scene->api, "", NULL);
	assert_told(&waiter, 0);
	assert_int_equal(pfs_tree_refreshed(tree, &events, true, 1, 0, prepare(&waiter)),
			 -EINPROGRESS);
	pass(scene->store, TTL);
	mean(scene, NOTES);
	fake_api_page(scene->api, "", NULL);
	assert_told(&waiter, 0);
	assert_int_equal(pfs_store_list_left(scene->store->store, JOBS), 0);
	scene->api->lists = 0;
	assert_int_equal(pfs_tree_refreshed(tree, &events, true, 2, 0, prepare(&waiter)), 0);
	assert_int_equal(scene->api->lists, 0);
}

static void test_a_kind_that_can_not_be_listed_holds_up_no_other(void **state)
{
	struct scene *scene = *state;
	struct pfs_node events = walk(scene->bench, "events");
	struct stat stat;
	int64_t valid;

	mean(scene, GADGETS);
	assert_int_equal(ask_list(scene->store, 0, NULL), -EINPROGRESS);
	fake_api_fail(scene->api, NULL, -EACCES, 403);
	list(scene, JOBS, "a");
	list(scene, NOTES, "");
	assert_int_equal(pfs_tree_attributes(scene->bench->tree, &events, &stat, &valid), 0);
	assert_int_equal(valid, TTL_ERROR);
	assert_string_equal(names(scene->bench, "restore-jobs", 2), "a ");
	mean(scene, GADGETS);
	assert_int_equal(ask_list(scene->store, 0, NULL), -EACCES);
}

/* --- watching and waiting ------------------------------------------------------------------ */

static void test_who_watches_a_collection_has_only_that_listed(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < three_kinds.count; i++)
		list(scene, three_kinds.rows[i], "");
	watch_and_look(scene, "gadgets");
	live(scene, TTL / 2);
	scene->api->of = NULL;
	assert_true(fake_api_is_asked(scene->api, NULL));
	assert_int_equal(scene->api->under_way, 1);
	mean(scene, GADGETS);
	fake_api_page(scene->api, "", NULL);
	assert_int_equal(scene->api->under_way, 0);
}

static void test_who_watches_the_whole_history_has_all_listed(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < three_kinds.count; i++)
		list(scene, three_kinds.rows[i], "");
	watch_and_look(scene, "events");
	live(scene, TTL / 2);
	assert_int_equal(scene->api->under_way, 3);
	for (size_t i = 0; i < three_kinds.count; i++) {
		mean(scene, three_kinds.rows[i]);
		fake_api_page(scene->api, "", NULL);
	}
}

/* A gadget has no `done`, which could come and go; a job has. */
static void test_an_end_makes_a_done_only_where_the_kind_has_it(void **state)
{
	struct scene *scene = *state;

	(void)describe(scene, GADGETS, "a", MAKING);
	watch_and_look(scene, "gadgets/a");
	pfs_store_expire(scene->store->store);
	(void)describe(scene, GADGETS, "a", READY);
	live(scene, PFS_SECOND / 10);
	assert_orders(&scene->poke, "changed:gadgets/a/status changed:gadgets/a/ready "
				    "changed:gadgets/a/raw.json changed:gadgets/a/events");
	(void)describe(scene, JOBS, "a", "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}");
	watch_and_look(scene, "restore-jobs/a");
	pfs_store_expire(scene->store->store);
	(void)describe(scene, JOBS, "a", "{\"restore_job_id\":\"a\",\"status\":\"Failed\"}");
	live(scene, PFS_SECOND / 10);
	assert_orders(&scene->poke, "changed:restore-jobs/a/status changed:restore-jobs/a/raw.json "
				    "changed:restore-jobs/a/events mknod:restore-jobs/a/done");
}

static void test_wait_ends_when_it_has_ended_though_it_can_still_change(void **state)
{
	struct scene *scene = *state;
	struct waiter waiter = {0};

	(void)describe(scene, GADGETS, "a", MAKING);
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	live(scene, TTL + TTL / 4);
	assert_true(fake_api_is_asked(scene->api, "a"));
	fake_api_answer(scene->api, "a", READY);
	assert_told(&waiter, 0);
	assert_int_equal(wait_for(scene, "a", &waiter), 0);
	assert_int_equal(find(scene, GADGETS, "a")->content->end, PFS_END_GOOD);
	/* It is made anew, and once more there is something to wait for. */
	pfs_store_expire(scene->store->store);
	(void)describe(scene, GADGETS, "a", MAKING);
	assert_int_equal(wait_for(scene, "a", &waiter), -EINPROGRESS);
	pfs_store_expire(scene->store->store);
	(void)describe(scene, GADGETS, "a", BROKEN);
	assert_told(&waiter, 0);
	assert_int_equal(find(scene, GADGETS, "a")->content->end, PFS_END_FAILED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_kinds, teardown_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_id_is_three_objects),
		TEST(test_numbers_of_no_kind_and_of_no_class_are_stale),
		TEST(test_rotated_histories_are_told_apart),
		TEST(test_each_kind_has_its_files),
		TEST(test_done_is_there_where_the_kind_has_it),
		TEST(test_path_and_xattrs_of_each_kind),
		TEST(test_ttl_by_what_has_ended_and_what_can_still_change),
		TEST(test_kernel_keeps_nothing_for_longer_that_can_still_change),
		TEST(test_what_is_followed_is_asked_for_though_it_has_ended),
		TEST(test_expire_forgets_each_kind),
		TEST(test_a_404_is_enough_where_the_row_says_so),
		TEST(test_price_of_a_list_that_is_not_paged),
		TEST(test_listing_one_kind_asks_for_no_other_and_changes_no_other),
		TEST(test_events_name_the_kind),
		TEST(test_events_wait_for_the_lists_of_all_kinds_at_once),
		TEST(test_events_wait_for_each_list_once),
		TEST(test_a_kind_that_can_not_be_listed_holds_up_no_other),
		TEST(test_who_watches_a_collection_has_only_that_listed),
		TEST(test_who_watches_the_whole_history_has_all_listed),
		TEST(test_an_end_makes_a_done_only_where_the_kind_has_it),
		TEST(test_wait_ends_when_it_has_ended_though_it_can_still_change),
	};

	return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
