/* SPDX-License-Identifier: MIT */
/* A history that is forgotten while the kernel knows its file. */
#include <stdio.h>
#include <string.h>

#include "kernel_fixture.h"

#define FILE_A "restore-jobs/a/events"

/* There is room for the lines of one object: each that changes has another one's forgotten. */
static int set_up(void **state)
{
	const struct pfs_history_config config = {4096, 4096, 1};

	use_history(&config);
	return setup_kernel(state);
}

static void change(struct kernel *kernel, const char *id, const char *status)
{
	pass(kernel->store, TTL);
	(void)learn(kernel->store, id, status);
	serve(kernel);
}

/* What the kernel gets of an inode that it knows, as it would for cat(1). */
static const char *read_known(struct kernel *kernel, uint64_t inode)
{
	uint64_t size;

	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	size = kernel->body.attributes.attr.size;
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), 0);
	assert_int_equal(kernel->length, size);
	kernel->body.bytes[size] = '\0';
	return kernel->body.bytes;
}

static void test_forgotten_file_has_the_lines_of_the_new_one(void **state)
{
	struct kernel *kernel = *state;
	uint64_t old, new;
	char notices[60], before[2000];

	(void)know_job(kernel, "b", "Pending");
	(void)know_job(kernel, "a", "Pending");
	change(kernel, "a", "Completed");
	old = inode_of(kernel->scene, FILE_A);
	assert_non_null(strstr(read_known(kernel, old), "status\tPending\tCompleted\n"));
	kernel->notices[0] = '\0';

	change(kernel, "b", "Stuck");
	(void)snprintf(notices, sizeof(notices), "inval:%llu", (unsigned long long)old);
	assert_notices(kernel, notices);
	new = inode_of(kernel->scene, FILE_A);
	assert_int_not_equal(new, old);
	strcpy(before, read_known(kernel, old));
	assert_non_null(strstr(before, "status\t\tCompleted\n"));
	assert_null(strstr(before, "Pending"));
	assert_string_equal(read_known(kernel, new), before);

	/* And goes on as that. */
	pass(kernel->store, TTL_FINAL);
	change(kernel, "a", "Odd");
	assert_int_equal(inode_of(kernel->scene, FILE_A), new);
	assert_non_null(strstr(read_known(kernel, old), "status\tCompleted\tOdd\n"));
	assert_memory_equal(kernel->body.bytes, before, strlen(before));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forgotten_file_has_the_lines_of_the_new_one),
	};

	return cmocka_run_group_tests_name("fs_history", tests, NULL, NULL);
}
