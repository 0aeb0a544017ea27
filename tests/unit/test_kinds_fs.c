/* SPDX-License-Identifier: MIT */
/* Three kinds side by side, see three_kinds.h, as the kernel sees them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel_fixture.h"
#include "three_kinds.h"

#define GADGET "{\"name\":\"a\",\"status\":{\"ready\":true,\"state\":\"Ready\"}}"

static int setup_kinds(void **state)
{
	use_kinds(&three_kinds);
	return setup_kernel(state);
}

/* From here on the fixtures' functions mean this kind. */
static void mean(struct kernel *kernel, const struct pfs_kind *kind)
{
	kernel->store->kind = kind;
	kernel->api->of = kind;
}

static uint64_t request_id(struct kernel *kernel, const struct pfs_kind *kind, const char *id)
{
	return request_name(kernel, FUSE_LOOKUP, pfs_tree_collection_inode(kind), id);
}

/* The kernel holds an object of this kind. */
static uint64_t hold(struct kernel *kernel, const struct pfs_kind *kind, const char *object)
{
	uint64_t unique = request_id(kernel, kind, "a");

	mean(kernel, kind);
	fake_api_answer(kernel->api, "a", object);
	serve(kernel);
	assert_replied(kernel, unique, 0);
	return kernel->body.entry.nodeid;
}

static void test_names_of_one_kind_are_asked_for_as_that_kind(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold(kernel, GADGETS, GADGET), unique;

	assert_int_equal(inode,
			 pfs_tree_object_inode(pfs_store_find(kernel->store->store, GADGETS, "a")));
	unique = request_id(kernel, NOTES, "a");
	assert_unanswered(kernel, unique);
	assert_false(fake_api_is_asked(kernel->api, "a")); /* no gadget */
	mean(kernel, NOTES);
	fake_api_fail(kernel->api, "a", -ENOENT, 404);
	serve(kernel);
	assert_replied(kernel, unique, 0); /* "there is none", to be kept for a while */
	assert_int_equal(kernel->body.entry.nodeid, 0);
}

static void test_kernel_is_notified_of_the_collection_that_changed_and_no_other(void **state)
{
	struct kernel *kernel = *state;
	char notice[40];

	for (size_t i = 0; i < three_kinds.count; i++) {
		mean(kernel, three_kinds.rows[i]);
		learn_list(kernel->store, "");
	}
	serve(kernel);
	kernel->notices[0] = '\0';
	(void)hold(kernel, GADGETS, GADGET);
	kernel_pass(kernel, 0);
	(void)snprintf(notice, sizeof(notice), "inval:%ju",
		       (uintmax_t)pfs_tree_collection_inode(GADGETS));
	assert_notices(kernel, notice);
}

static void test_invalidation_reaches_each_kind(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inodes[7], count = 0;
	char word[40];

	for (size_t i = 0; i < three_kinds.count; i++)
		inodes[count++] = pfs_tree_collection_inode(three_kinds.rows[i]);
	inodes[count++] = pfs_tree_events_inode(kernel->scene->bench->tree, NULL);
	inodes[count++] = hold(kernel, JOBS, "{\"restore_job_id\":\"a\",\"status\":\"Failed\"}");
	inodes[count++] = hold(kernel, GADGETS, GADGET);
	inodes[count++] = hold(kernel, NOTES, "{\"note_id\":\"a\"}");
	kernel->notices[0] = '\0';
	pfs_fs_invalidate(kernel->fs);
	kernel_pass(kernel, PFS_SECOND);
	strcat(kernel->notices, " ");
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(word, sizeof(word), " inval:%ju ", (uintmax_t)inodes[i]);
		if (!strstr(kernel->notices, word))
			fail_msg("%s is not in %s", word, kernel->notices);
	}
}

static void test_wait_of_a_gadget_is_held_until_it_is_ready(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode, unique;

	inode = hold(kernel, GADGETS, "{\"name\":\"a\",\"status\":{\"state\":\"Initializing\"}}");
	assert_replied(kernel, request_name(kernel, FUSE_LOOKUP, inode, "wait"), 0);
	inode = kernel->body.entry.nodeid;
	unique = request_getattr(kernel, inode, true);
	kernel_pass(kernel, 2 * TTL);
	assert_unanswered(kernel, unique);
	fake_api_answer(kernel->api, "a", GADGET);
	serve(kernel);
	assert_replied(kernel, unique, 0);
	assert_int_equal(kernel->body.attributes.attr.size, strlen("Ready\n"));
	assert_int_equal(kernel->body.attributes.attr_valid, TTL / PFS_SECOND);
}

/* By the time that the last list has come the first may have expired again. */
static void test_events_get_their_reply_after_each_list_has_come_once(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = pfs_tree_events_inode(kernel->scene->bench->tree, NULL);
	uint64_t unique = request_getattr(kernel, inode, true);

	for (size_t i = 0; i < three_kinds.count; i++) {
		assert_unanswered(kernel, unique);
		kernel_pass(kernel, TTL);
		mean(kernel, three_kinds.rows[i]);
		fake_api_page(kernel->api, "", NULL);
		serve(kernel);
	}
	assert_replied(kernel, unique, 0);
	assert_int_equal(kernel->api->lists, 3);
}

static void test_watchers_are_reported_with_the_path_of_their_kind(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_buffer report = {0};

	(void)hold(kernel, GADGETS, GADGET);
	watch_and_look(kernel->scene, "gadgets/a/status");
	pfs_watch_render(kernel->scene->watch, &report);
	assert_int_equal(pfs_buffer_add(&report, "", 1), 0);
	assert_string_equal(report.bytes, "12\tentr\t/gadgets/a/status\n");
	pfs_buffer_finish(&report);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_kinds, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names_of_one_kind_are_asked_for_as_that_kind),
		TEST(test_kernel_is_notified_of_the_collection_that_changed_and_no_other),
		TEST(test_invalidation_reaches_each_kind),
		TEST(test_wait_of_a_gadget_is_held_until_it_is_ready),
		TEST(test_events_get_their_reply_after_each_list_has_come_once),
		TEST(test_watchers_are_reported_with_the_path_of_their_kind),
	};

	return cmocka_run_group_tests_name("kinds_fs", tests, NULL, NULL);
}
