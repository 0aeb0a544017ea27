/* SPDX-License-Identifier: MIT */
/* The file `success` as the kernel sees it; and `wait` of what can go on after it had ended. */
#include <errno.h>
#include <string.h>

#include "kernel_fixture.h"
#include "three_kinds.h"

#define RESTORE(status) "{\"restore_job_id\":\"a\",\"status\":\"" status "\"}"
#define READY		"{\"name\":\"a\",\"status\":{\"ready\":true,\"state\":\"Ready\"}}"
#define INITIALIZING	"{\"name\":\"a\",\"status\":{\"ready\":false,\"state\":\"Initializing\"}}"
#define BROKEN		"{\"name\":\"a\",\"status\":{\"ready\":false,\"state\":\"Broken\"}}"

static int setup_kinds(void **state)
{
	use_kinds(&three_kinds);
	return setup_kernel(state);
}

static int setup_kinds_with_time_limit(void **state)
{
	use_kinds(&three_kinds);
	return setup_kernel_with_time_limit(state);
}

/* From here on the fixtures' functions mean this kind. */
static void mean(struct kernel *kernel, const struct pfs_kind *kind)
{
	kernel->store->kind = kind;
	kernel->api->of = kind;
}

/* The kernel holds a file of an object of this kind. */
static uint64_t hold(struct kernel *kernel, const struct pfs_kind *kind, const char *object,
		     const char *file)
{
	uint64_t unique = request_name(kernel, FUSE_LOOKUP, pfs_tree_collection_inode(kind), "a");

	mean(kernel, kind);
	fake_api_answer(kernel->api, "a", object);
	serve(kernel);
	assert_replied(kernel, unique, 0);
	assert_replied(kernel, request_name(kernel, FUSE_LOOKUP, kernel->body.entry.nodeid, file),
		       0);
	return kernel->body.entry.nodeid;
}

static uint64_t directory(struct kernel *kernel, const struct pfs_kind *kind)
{
	return pfs_tree_object_inode(pfs_store_find(kernel->store->store, kind, "a"));
}

/* The API's answer to what was asked of the gadget. */
static void answer(struct kernel *kernel, const char *object)
{
	fake_api_answer(kernel->api, "a", object);
	serve(kernel);
}

static void assert_reads(struct kernel *kernel, uint64_t inode, const char *bytes)
{
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_int_equal(kernel->body.attributes.attr.size, strlen(bytes));
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), 0);
	assert_int_equal(kernel->length, strlen(bytes));
	assert_memory_equal(kernel->body.bytes, bytes, strlen(bytes));
}

/* However it is read, this is the error, and stat(2) promises bytes for no time. */
static void assert_fails(struct kernel *kernel, uint64_t inode, int error)
{
	assert_replied(kernel, request_getattr(kernel, inode, true), error);
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), error);
	assert_replied(kernel, request_getattr(kernel, inode, false), 0);
	assert_int_equal(kernel->body.attributes.attr.size, 4096);
	assert_int_equal(kernel->body.attributes.attr_valid, 0);
	assert_int_equal(kernel->body.attributes.attr_valid_nsec, 0);
}

static void test_a_good_end_is_read(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold(kernel, JOBS, RESTORE("Completed"), "success");

	assert_reads(kernel, inode, "Completed\n");
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_int_equal(kernel->body.attributes.attr_valid, TTL_FINAL / PFS_SECOND);
}

static void test_a_failure_fails_each_read(void **state)
{
	assert_fails(*state, hold(*state, JOBS, RESTORE("Failed"), "success"), -EREMOTEIO);
	assert_fails(*state, hold(*state, GADGETS, BROKEN, "success"), -EREMOTEIO);
}

static void test_a_cancellation_fails_each_read(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold(kernel, JOBS, RESTORE("Cancelled"), "success");

	assert_int_equal(kernel->body.entry.attr.size, 4096); /* as the lookup said */
	assert_int_equal(kernel->body.entry.attr_valid, 0);
	assert_int_equal(kernel->body.entry.attr_valid_nsec, 0);
	assert_fails(kernel, inode, -ECANCELED);
	assert_replied(kernel, request_name(kernel, FUSE_LOOKUP, directory(kernel, JOBS), "wait"),
		       0);
	assert_reads(kernel, kernel->body.entry.nodeid, "Cancelled\n");
}

static void test_a_reader_is_held_until_the_end_and_gets_its_error(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold(kernel, GADGETS, INITIALIZING, "success"), reader, late;

	assert_replied(kernel, request_getattr(kernel, inode, false), 0);
	assert_int_equal(kernel->body.attributes.attr.size, 4096);
	reader = request_getattr(kernel, inode, true);
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), -EAGAIN);
	kernel_pass(kernel, 2 * TTL);
	late = request_getattr(kernel, inode, true);
	assert_unanswered(kernel, reader);
	answer(kernel, BROKEN);
	assert_replied(kernel, reader, -EREMOTEIO);
	assert_replied(kernel, late, -EREMOTEIO);
	assert_fails(kernel, inode, -EREMOTEIO);
}

static void test_a_reader_is_held_until_a_good_end(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold(kernel, GADGETS, INITIALIZING, "success");
	uint64_t reader = request_getattr(kernel, inode, true);

	kernel_pass(kernel, 2 * TTL);
	answer(kernel, READY);
	assert_replied(kernel, reader, 0);
	assert_int_equal(kernel->body.attributes.attr.size, strlen("Ready\n"));
	assert_reads(kernel, inode, "Ready\n");
}

/* An end that isn't final: what was ready is found not to be so any more. */
static void assert_waits_again(struct kernel *kernel, const char *file)
{
	uint64_t inode = hold(kernel, GADGETS, READY, file), reader;

	assert_reads(kernel, inode, "Ready\n");
	kernel_pass(kernel, TTL_READY);
	reader = request_getattr(kernel, inode, true);
	assert_unanswered(kernel, reader);
	answer(kernel, INITIALIZING);
	assert_unanswered(kernel, reader);
	assert_replied(kernel, request_getattr(kernel, inode, false), 0);
	assert_int_equal(kernel->body.attributes.attr.size, 4096);
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), -EAGAIN);
	kernel_pass(kernel, 2 * TTL);
	answer(kernel, READY);
	assert_replied(kernel, reader, 0);
	assert_reads(kernel, inode, "Ready\n");
}

static void test_success_of_what_is_no_longer_ready_waits_again(void **state)
{
	assert_waits_again(*state, "success");
}

static void test_wait_of_what_is_no_longer_ready_waits_again(void **state)
{
	assert_waits_again(*state, "wait");
}

/* sendfile(2) asks for no attributes before it reads: the lookup must know. */
static void test_lookup_of_an_end_that_has_expired_asks_for_it(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	(void)hold(kernel, GADGETS, READY, "success");
	kernel_pass(kernel, TTL_READY);
	unique = request_name(kernel, FUSE_LOOKUP, directory(kernel, GADGETS), "success");
	assert_unanswered(kernel, unique);
	answer(kernel, BROKEN);
	assert_replied(kernel, unique, 0);
	assert_int_equal(kernel->body.entry.attr.size, 4096);
}

/* Until the end there is nothing to read, so nothing that must be fresh. */
static void test_lookup_before_the_end_asks_nobody(void **state)
{
	static const char *const files[] = {"wait", "success"};
	struct kernel *kernel = *state;

	(void)hold(kernel, GADGETS, INITIALIZING, "success");
	kernel_pass(kernel, TTL);
	for (size_t i = 0; i < COUNT(files); i++)
		assert_replied(
			kernel,
			request_name(kernel, FUSE_LOOKUP, directory(kernel, GADGETS), files[i]), 0);
	assert_false(fake_api_is_asked(kernel->api, "a"));
}

static void test_the_child_is_never_held_until_the_end(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold(kernel, GADGETS, INITIALIZING, "success");

	kernel->pid = FAKE_CHILD;
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_int_equal(kernel->body.attributes.attr.size, 4096);
}

/* A page that the kernel still reads belongs to attributes from before the change. */
static void test_a_promised_end_is_read_though_it_has_passed(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold(kernel, GADGETS, READY, "success");

	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	mean(kernel, GADGETS);
	learn_object(kernel->scene->bench, "a", INITIALIZING);
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), 0);
	assert_memory_equal(kernel->body.bytes, "Ready\n", 6);
}

/* First for an answer, then for an end: the kernel's bound is for both together. */
static void test_a_reader_that_waits_twice_gets_its_reply_in_time(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold(kernel, GADGETS, READY, "success"), reader;

	kernel_pass(kernel, TTL_READY);
	reader = request_getattr(kernel, inode, true);
	kernel_pass(kernel, TIME_LIMIT / 2);
	answer(kernel, INITIALIZING);
	kernel_pass(kernel, TIME_LIMIT / 4 - 1);
	assert_unanswered(kernel, reader);
	kernel_pass(kernel, 1);
	assert_replied(kernel, reader, -EINTR);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_kinds, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_good_end_is_read),
		TEST(test_a_failure_fails_each_read),
		TEST(test_a_cancellation_fails_each_read),
		TEST(test_a_reader_is_held_until_the_end_and_gets_its_error),
		TEST(test_a_reader_is_held_until_a_good_end),
		TEST(test_success_of_what_is_no_longer_ready_waits_again),
		TEST(test_wait_of_what_is_no_longer_ready_waits_again),
		TEST(test_lookup_of_an_end_that_has_expired_asks_for_it),
		TEST(test_lookup_before_the_end_asks_nobody),
		TEST(test_the_child_is_never_held_until_the_end),
		TEST(test_a_promised_end_is_read_though_it_has_passed),
		cmocka_unit_test_setup_teardown(
			test_a_reader_that_waits_twice_gets_its_reply_in_time,
			setup_kinds_with_time_limit, teardown_kernel),
	};

	return cmocka_run_group_tests_name("success", tests, NULL, NULL);
}
