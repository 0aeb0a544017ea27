/* SPDX-License-Identifier: MIT */
/* What vanished is forgotten: the kernel is told to, a while later, and then it is freed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel_fixture.h"

#define A_WHILE (2 * PFS_SECOND)

static uint64_t collection(const struct kernel *kernel)
{
	return pfs_tree_collection_inode(kernel->store->kind);
}

/* The API says that there is no such job any more. */
static void vanish(struct kernel *kernel, const char *id)
{
	pfs_store_expire(kernel->store->store);
	assert_int_equal(ask(kernel->store, id, NULL), -EINPROGRESS);
	fake_api_fail(kernel->api, id, -ENOENT, 404);
}

/* A job that the kernel has looked up, which vanishes now. Its directory's inode. */
static uint64_t lose_job(struct kernel *kernel, const char *id)
{
	struct pfs_object *job = know_job(kernel, id, "Completed");
	uint64_t inode = pfs_tree_object_inode(job);

	assert_replied(kernel, request_name(kernel, FUSE_LOOKUP, collection(kernel), id), 0);
	kernel->notices[0] = '\0';
	vanish(kernel, id);
	return inode;
}

/* How often was the kernel told to drop an object's inodes, of which this is the last? */
static unsigned pruned(struct kernel *kernel, uint64_t last)
{
	char notice[40];
	unsigned times = 0;

	(void)snprintf(notice, sizeof(notice), "prune:%llu ", (unsigned long long)last);
	(void)strcat(kernel->notices, " ");
	for (const char *at = kernel->notices; (at = strstr(at, notice)) != NULL; at++)
		times++;
	return times;
}

static uint64_t objects(const struct kernel *kernel)
{
	return kernel->store->stats.objects;
}

static void test_the_kernel_is_told_a_while_later_and_the_directory_is_last(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = lose_job(kernel, "a");

	kernel_pass(kernel, A_WHILE - 1);
	assert_int_equal(pruned(kernel, inode), 0);
	kernel_pass(kernel, 1);
	assert_int_equal(pruned(kernel, inode), 1);
	assert_int_equal(objects(kernel), 1);
	forget(kernel, inode, 1);
	assert_int_equal(objects(kernel), 0);
	kernel_pass(kernel, 10 * A_WHILE);
	assert_int_equal(pruned(kernel, inode), 1);
}

static void test_what_the_kernel_has_forgotten_meanwhile_is_freed_then(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = lose_job(kernel, "a");

	forget(kernel, inode, 1);
	kernel_pass(kernel, A_WHILE);
	assert_int_equal(pruned(kernel, inode), 0);
	assert_int_equal(objects(kernel), 0);
}

static void test_what_the_kernel_never_had_is_freed_at_once(void **state)
{
	struct kernel *kernel = *state;
	(void)know_job(kernel, "a", "Completed");
	vanish(kernel, "a");
	assert_int_equal(objects(kernel), 0);
	kernel->notices[0] = '\0';
	kernel_pass(kernel, A_WHILE);
	assert_null(strstr(kernel->notices, "prune"));
}

/* More than are told of in one turn. */
static void test_all_of_many_are_told_of(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inodes[50];

	for (size_t i = 0; i < COUNT(inodes); i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "job-%zu", i);
		inodes[i] = lose_job(kernel, id);
	}
	kernel_pass(kernel, A_WHILE);
	assert_int_equal(pruned(kernel, inodes[0]), 1);
	assert_int_equal(pruned(kernel, inodes[COUNT(inodes) - 1]), 0);
	for (int turn = 0; turn < 3; turn++)
		kernel_pass(kernel, 1);
	for (size_t i = 0; i < COUNT(inodes); i++) {
		assert_int_equal(pruned(kernel, inodes[i]), 1);
		forget(kernel, inodes[i], 1);
	}
	assert_int_equal(objects(kernel), 0);
}

static void test_a_mount_that_ends_before_frees_them(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = lose_job(kernel, "a");

	end_mount(kernel);
	assert_int_equal(pruned(kernel, inode), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_kernel, teardown_kernel)
	const struct CMUnitTest tests[] = {
		TEST(test_the_kernel_is_told_a_while_later_and_the_directory_is_last),
		TEST(test_what_the_kernel_has_forgotten_meanwhile_is_freed_then),
		TEST(test_what_the_kernel_never_had_is_freed_at_once),
		TEST(test_all_of_many_are_told_of),
		TEST(test_a_mount_that_ends_before_frees_them),
	};

	return cmocka_run_group_tests_name("fs_prune", tests, NULL, NULL);
}
