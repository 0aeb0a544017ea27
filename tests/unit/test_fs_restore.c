/* SPDX-License-Identifier: MIT */
/* mkdir(2) of what is to be made of a backup, and what else the kernel may ask for there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel_fixture.h"
#include "restore_fixture.h"

#define MAKE_GRACE (3 * PFS_SECOND / 2)

static uint64_t find_in(struct kernel *kernel, uint64_t parent, const char *name)
{
	return request_name(kernel, FUSE_LOOKUP, parent, name);
}

/* The backup "b" is known, the kernel holds it and its `restores`, and the list of jobs is fresh.
 */
static int know(void **state)
{
	struct kernel *kernel = *state;
	struct bench *bench = kernel->scene->bench;

	kernel->uid = OWNER;
	know_backup(bench, "b");
	list_jobs(bench, "");
	assert_replied(kernel, find_in(kernel, pfs_tree_collection_inode(BACKUPS), "b"), 0);
	assert_replied(kernel, find_in(kernel, kernel->body.entry.nodeid, "restores"), 0);
	assert_int_equal(kernel->body.entry.nodeid, pfs_tree_restores_inode(backup(bench)));
	assert_int_equal(kernel->body.entry.attr.mode & 0777, 0750);
	assert_int_equal(backup(bench)->references, 2);
	assert_notices(kernel, kernel->notices);
	kernel->api->lists = kernel->api->describes = 0;
	return 0;
}

static int begin(void **state)
{
	return setup_kernel_with_restores(state) ? -1 : know(state);
}

static int begin_with_time_limit(void **state)
{
	return setup_kernel_with_restores_and_time_limit(state) ? -1 : know(state);
}

static struct bench *bench_of(const struct kernel *kernel)
{
	return kernel->scene->bench;
}

static uint64_t restores(const struct kernel *kernel)
{
	return pfs_tree_restores_inode(backup(bench_of(kernel)));
}

static uint64_t make_in(struct kernel *kernel, uint64_t directory, const char *name)
{
	const struct fuse_mkdir_in in = {.mode = 0700};
	uint64_t unique =
		post(kernel, FUSE_MKDIR, directory, &in, sizeof(in), name, strlen(name) + 1);

	serve(kernel);
	return unique;
}

static uint64_t make_directory(struct kernel *kernel, const char *name)
{
	return make_in(kernel, restores(kernel), name);
}

static void assert_no_commands(struct kernel *kernel)
{
	assert_int_equal(kernel->api->commands, 0);
	assert_int_equal(kernel->api->under_way, 0);
}

/* --- making one ---------------------------------------------------------------------------- */

static void test_mkdir_gives_a_command_and_is_the_directory_that_it_makes(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = make_directory(kernel, "prod");
	struct pfs_object *job;
	char notice[60];

	assert_unanswered(kernel, unique);
	assert_int_equal(kernel->api->commands, 1);
	fake_api_made(kernel->api, "b>prod", "j");
	assert_replied(kernel, unique, 0);
	job = pfs_restores_find(bench_of(kernel)->restores, backup(bench_of(kernel)), "prod");
	assert_int_equal(kernel->body.entry.nodeid, pfs_tree_restore_inode(job));
	assert_true(S_ISDIR(kernel->body.entry.attr.mode));
	assert_int_equal(kernel->body.entry.attr.nlink, 2);
	assert_int_equal(job->references, 2); /* the kernel's, and the restores' */
	/* The kernel's listing of the directory is from before. */
	snprintf(notice, sizeof(notice), "inval:%llu", (unsigned long long)restores(kernel));
	assert_notices(kernel, notice);
	assert_replied(kernel, find_in(kernel, kernel->body.entry.nodeid, "restore_job_id"), 0);
	assert_int_equal(kernel->body.entry.attr.size, 2);
	assert_replied(kernel, request_read(kernel, kernel->body.entry.nodeid, 0, 4096), 0);
	assert_memory_equal(kernel->body.bytes, "j\n", 2);
	assert_replied(kernel, find_in(kernel, restores(kernel), "prod"), 0);
	fake_api_answer(kernel->api, "j", JOB_DOC("j", "b", "prod", "1"));
	assert_int_equal(job->references, 3);
	forget(kernel, pfs_tree_restore_inode(job), 2);
	forget(kernel, pfs_tree_restore_inode(job) + 1, 1);
	assert_int_equal(job->references, 0);
	assert_ptr_equal(known(bench_of(kernel), JOBS, "j"), job);
}

static void test_mkdir_fails_with_what_the_api_says(void **state)
{
	static const int errors[] = {EINVAL, EPERM,  EACCES, EDQUOT,	ENOENT,
				     EBUSY,  EAGAIN, EIO,    ETIMEDOUT, EHOSTUNREACH};
	struct kernel *kernel = *state;

	for (size_t i = 0; i < COUNT(errors); i++) {
		uint64_t unique = make_directory(kernel, "prod");

		fake_api_refuse(kernel->api, "b>prod", PFS_FATE_NOT_DONE, -errors[i], 400);
		assert_replied(kernel, unique, -errors[i]);
		assert_replied(kernel, find_in(kernel, restores(kernel), "prod"), -ENOENT);
	}
	assert_int_equal(kernel->api->commands, COUNT(errors));
}

static void test_mkdir_of_a_taken_name_is_there_after_it_has_failed(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	kernel_pass(kernel, PFS_SECOND);
	unique = make_directory(kernel, "prod");
	fake_api_refuse(kernel->api, "b>prod", PFS_FATE_NOT_DONE, -EEXIST, 409);
	assert_unanswered(kernel, unique);
	fake_api_page(kernel->api, JOB_ROW("j", "b", "prod", "1"), NULL);
	assert_replied(kernel, unique, -EEXIST);
	assert_replied(kernel, find_in(kernel, restores(kernel), "prod"), 0); /* mkdir -p: stat */
	assert_replied(kernel, make_directory(kernel, "prod"), -EEXIST);
	assert_int_equal(kernel->api->commands, 1);
}

static void test_mkdir_of_a_bad_name_sends_nothing(void **state)
{
	static const char *const names[] = {"Prod", "tmp.AbCd", ".prod.swp", "-x", "x~", "4913_"};
	struct kernel *kernel = *state;
	char name[300];

	for (size_t i = 0; i < COUNT(names); i++)
		assert_replied(kernel, make_directory(kernel, names[i]), -EINVAL);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_replied(kernel, make_directory(kernel, name), -EINVAL);
	name[46] = '\0';
	assert_replied(kernel, make_directory(kernel, name), -EINVAL);
	assert_no_commands(kernel);
	name[45] = '\0';
	assert_unanswered(kernel, make_directory(kernel, name));
	end_mount(kernel);
}

static void test_mkdir_anywhere_else_is_refused(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_object *job;

	job = know_made(bench_of(kernel), "j", JOB_DOC("j", "b", "prod", "1"));
	assert_replied(kernel, make_in(kernel, FUSE_ROOT_ID, "x"), -EROFS);
	assert_replied(kernel, make_in(kernel, pfs_tree_collection_inode(BACKUPS), "x"), -EROFS);
	assert_replied(kernel, make_in(kernel, pfs_tree_collection_inode(INDEXES), "x"), -EROFS);
	assert_replied(kernel,
		       make_in(kernel, pfs_tree_object_inode(backup(bench_of(kernel))), "restores"),
		       -EROFS);
	assert_replied(kernel, make_in(kernel, pfs_tree_restore_inode(job), "deeper"), -EROFS);
	assert_replied(kernel, make_in(kernel, pfs_tree_restore_inode(job) + 1, "x"), -EROFS);
	assert_replied(kernel, make_in(kernel, UINT64_C(12345) << 40, "x"), -EROFS);
	assert_no_commands(kernel);
}

static void test_only_its_owner_and_who_mounts_may_make_something(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	kernel->uid = OWNER + 1;
	assert_replied(kernel, make_directory(kernel, "prod"), -EACCES);
	assert_replied(kernel, make_directory(kernel, "BAD"), -EACCES);
	if (getuid() != 0) {
		kernel->uid = 0;
		assert_replied(kernel, make_directory(kernel, "prod"), -EACCES);
	}
	assert_no_commands(kernel);
	kernel->uid = getuid();
	unique = make_directory(kernel, "prod");
	fake_api_made(kernel->api, "b>prod", "j");
	assert_replied(kernel, unique, 0);
}

static void test_names_and_directories_do_not_wait_for_each_other(void **state)
{
	struct kernel *kernel = *state;
	uint64_t first = make_directory(kernel, "prod"), second = make_directory(kernel, "test");

	assert_replied(kernel, request_getattr(kernel, restores(kernel), false), 0);
	assert_replied(kernel, find_in(kernel, restores(kernel), "other"), -ENOENT);
	fake_api_made(kernel->api, "b>test", "k");
	assert_replied(kernel, second, 0);
	assert_unanswered(kernel, first);
	fake_api_refuse(kernel->api, "b>prod", PFS_FATE_NOT_DONE, -EBUSY, 412);
	assert_replied(kernel, first, -EBUSY);
}

/* From two mounts of the same directory, say. */
static void test_the_same_name_twice_at_once_is_one_command(void **state)
{
	struct kernel *kernel = *state;
	uint64_t first = make_directory(kernel, "prod"), second = make_directory(kernel, "prod");

	assert_int_equal(kernel->api->commands, 1);
	fake_api_made(kernel->api, "b>prod", "j");
	assert_replied(kernel, first, 0);
	assert_replied(kernel, second, 0);
	assert_int_equal(
		pfs_restores_find(bench_of(kernel)->restores, backup(bench_of(kernel)), "prod")
			->references,
		3);
}

static void test_the_child_makes_no_command(void **state)
{
	struct kernel *kernel = *state;

	kernel->pid = FAKE_CHILD;
	kernel->uid = getuid();
	assert_replied(kernel, make_directory(kernel, "prod"), -EROFS);
	assert_no_commands(kernel);
}

static void test_while_one_is_under_way_its_directory_is_busy(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	watch_and_look(kernel->scene, "backups/b/restores");
	unique = make_directory(kernel, "prod");
	know_made(bench_of(kernel), "k", JOB_DOC("k", "b", "test", "1")); /* from elsewhere */
	blink(kernel->scene);
	assert_orders(&kernel->scene->poke, "");
	fake_api_refuse(kernel->api, "b>prod", PFS_FATE_NOT_DONE, -EBUSY, 412);
	assert_replied(kernel, unique, -EBUSY);
	blink(kernel->scene);
	assert_orders(&kernel->scene->poke, "mkdir:backups/b/restores/test");
}

/* --- who gives up -------------------------------------------------------------------------- */

static void test_interrupted_before_it_is_sent_it_never_is(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = make_directory(kernel, "prod");

	interrupt(kernel, unique);
	assert_replied(kernel, unique, -EINTR);
	assert_int_equal(kernel->api->under_way, 0);
	assert_int_equal(kernel->store->stats.interrupted, 1);
}

static void test_interrupted_after_it_was_sent_it_goes_on(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	kernel->api->sends = true;
	unique = make_directory(kernel, "prod");
	interrupt(kernel, unique);
	assert_unanswered(kernel, unique);
	kernel_pass(kernel, MAKE_GRACE - 1);
	assert_unanswered(kernel, unique);
	kernel_pass(kernel, 1);
	assert_replied(kernel, unique, -EINTR);
	assert_int_equal(kernel->api->under_way, 1);
	assert_replied(kernel, find_in(kernel, restores(kernel), "prod"), -ENOENT);
	fake_api_made(kernel->api, "b>prod", "j");
	assert_replied(kernel, find_in(kernel, restores(kernel), "prod"), 0);
	assert_int_equal(kernel->api->commands, 1);
}

static void test_interrupted_and_answered_soon_it_is_made(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	kernel->api->sends = true;
	unique = make_directory(kernel, "prod");
	interrupt(kernel, unique);
	kernel_pass(kernel, MAKE_GRACE - 1);
	fake_api_made(kernel->api, "b>prod", "j");
	assert_replied(kernel, unique, 0);
	kernel_pass(kernel, PFS_SECOND);
}

/* Sent while it is asked what became of it, too. */
static void test_interrupted_while_the_answer_is_lost(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	kernel_pass(kernel, 1); /* the list is from before */
	unique = make_directory(kernel, "prod");
	fake_api_refuse(kernel->api, "b>prod", PFS_FATE_UNKNOWN, -EIO, 0);
	interrupt(kernel, unique);
	assert_unanswered(kernel, unique);
	kernel_pass(kernel, MAKE_GRACE);
	assert_replied(kernel, unique, -EINTR);
	assert_int_equal(kernel->api->under_way, 1);
	answer_index(bench_of(kernel), "prod", -ENOENT, 404);
	fake_api_page(kernel->api, JOB_ROW("j", "b", "prod", "1"), NULL);
	assert_replied(kernel, find_in(kernel, restores(kernel), "prod"), 0);
}

static void test_interrupted_while_another_waits_it_is_not_dropped(void **state)
{
	struct kernel *kernel = *state;
	uint64_t first = make_directory(kernel, "prod"), second = make_directory(kernel, "prod");

	interrupt(kernel, first);
	assert_replied(kernel, first, -EINTR);
	assert_int_equal(kernel->api->under_way, 1);
	fake_api_made(kernel->api, "b>prod", "j");
	assert_replied(kernel, second, 0);
}

/* Nobody knows what becomes of it; but it goes on. */
static void test_where_the_kernel_bounds_its_messages_it_replies_before_that(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique;

	kernel->api->sends = true;
	unique = make_directory(kernel, "prod");
	kernel_pass(kernel, TIME_LIMIT / 4 * 3 - 1);
	assert_unanswered(kernel, unique);
	kernel_pass(kernel, 1);
	assert_replied(kernel, unique, -ETIMEDOUT);
	assert_true(fake_api_is_asked(kernel->api, "b>prod"));
	fake_api_made(kernel->api, "b>prod", "j");
	assert_replied(kernel, find_in(kernel, restores(kernel), "prod"), 0);
}

static void test_the_end_of_the_mount_replies_to_it(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = make_directory(kernel, "prod");

	end_mount(kernel);
	assert_int_not_equal(kernel->outcomes[unique / 2 - 1].error, 0);
}

static void test_a_caller_that_is_gone_holds_nothing(void **state)
{
	struct kernel *kernel = *state;

	(void)make_directory(kernel, "prod");
	turn_deaf(kernel);
	fake_api_made(kernel->api, "b>prod", "j");
	assert_int_equal(
		pfs_restores_find(bench_of(kernel)->restores, backup(bench_of(kernel)), "prod")
			->references,
		1);
}

/* The directory is still there for the kernel, which holds it. */
static void test_a_backup_that_vanishes_meanwhile(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_object *object = backup(bench_of(kernel));
	uint64_t unique = make_directory(kernel, "prod"), directory = restores(kernel);

	kernel_pass(kernel, TTL_READY / 4);
	pfs_store_expire(kernel->store->store);
	pfs_store_refresh(kernel->store->store, object);
	fake_api_fail(kernel->api, "b", -ENOENT, 404);
	assert_true(object->gone);
	fake_api_refuse(kernel->api, "b>prod", PFS_FATE_NOT_DONE, -ENOENT, 404);
	assert_replied(kernel, unique, -ENOENT);
	unique = make_in(kernel, directory, "test");
	fake_api_made(kernel->api, "b>test", "j"); /* the API knows better */
	assert_replied(kernel, unique, 0);
	forget(kernel, directory, 1);
	forget(kernel, pfs_tree_object_inode(object), 1);
}

/* --- what was made ------------------------------------------------------------------------- */

static uint64_t set(struct kernel *kernel, uint64_t inode, uint32_t what)
{
	const struct fuse_setattr_in in = {.valid = what, .mode = S_IFDIR | 0700, .uid = 1};

	return request(kernel, FUSE_SETATTR, inode, &in, sizeof(in));
}

static void test_its_attributes_may_be_set_without_effect(void **state)
{
	static const uint32_t some[] = {
		FATTR_MODE,
		FATTR_UID | FATTR_GID,
		FATTR_MTIME | FATTR_ATIME,
		FATTR_MTIME | FATTR_MTIME_NOW,
		FATTR_ATIME | FATTR_ATIME_NOW | FATTR_MTIME | FATTR_MTIME_NOW,
		FATTR_MODE | FATTR_CTIME,
	};
	struct kernel *kernel = *state;
	struct fuse_attr before;
	struct pfs_object *job;

	job = know_made(bench_of(kernel), "j", JOB_DOC("j", "b", "prod", "1"));
	assert_replied(kernel, request_getattr(kernel, pfs_tree_restore_inode(job), false), 0);
	before = kernel->body.attributes.attr;
	for (size_t i = 0; i < COUNT(some); i++) {
		assert_replied(kernel, set(kernel, pfs_tree_restore_inode(job), some[i]), 0);
		assert_memory_equal(&kernel->body.attributes.attr, &before, sizeof(before));
		assert_replied(kernel, set(kernel, restores(kernel), some[i]), -EROFS);
		assert_replied(kernel, set(kernel, pfs_tree_restore_inode(job) + 1, some[i]),
			       -EROFS);
		assert_replied(kernel, set(kernel, pfs_tree_object_inode(job), some[i]), -EROFS);
	}
	assert_no_commands(kernel);
}

static void test_nothing_else_can_be_changed_there(void **state)
{
	const struct fuse_rename_in to = {.newdir = restores(*state)};
	const struct fuse_mknod_in node = {.mode = S_IFREG};
	const struct fuse_create_in create = {.mode = S_IFREG};
	const struct fuse_link_in link = {.oldnodeid = restores(*state)};
	struct kernel *kernel = *state;
	uint64_t directory = restores(kernel);

	know_made(bench_of(kernel), "j", JOB_DOC("j", "b", "prod", "1"));
	assert_replied(kernel, request_name(kernel, FUSE_RMDIR, directory, "prod"), -EROFS);
	assert_replied(kernel, request_name(kernel, FUSE_UNLINK, directory, "prod"), -EROFS);
	assert_replied(kernel, request(kernel, FUSE_SYMLINK, directory, "x\0y", 4), -EROFS);
	(void)post(kernel, FUSE_RENAME, directory, &to, sizeof(to), "prod\0test", 10);
	(void)post(kernel, FUSE_MKNOD, directory, &node, sizeof(node), "x", 2);
	(void)post(kernel, FUSE_CREATE, directory, &create, sizeof(create), "x", 2);
	(void)post(kernel, FUSE_LINK, directory, &link, sizeof(link), "x", 2);
	serve(kernel);
	for (size_t i = 0; i < 4; i++)
		assert_replied(kernel, 2 * (kernel->count - i), -EROFS);
	assert_no_commands(kernel);
}

static uint64_t may_access(struct kernel *kernel, uint64_t inode, uint32_t mask)
{
	const struct fuse_access_in in = {.mask = mask};

	return request(kernel, FUSE_ACCESS, inode, &in, sizeof(in));
}

static void test_access_says_who_may_make_something(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_object *job;

	job = know_made(bench_of(kernel), "j", JOB_DOC("j", "b", "prod", "1"));
	assert_replied(kernel, may_access(kernel, restores(kernel), W_OK | X_OK), 0);
	assert_replied(kernel, may_access(kernel, pfs_tree_restore_inode(job), W_OK), -EROFS);
	assert_replied(kernel, may_access(kernel, FUSE_ROOT_ID, W_OK), -EROFS);
	kernel->uid = OWNER + 1;
	assert_replied(kernel, may_access(kernel, restores(kernel), W_OK), -EROFS);
	assert_replied(kernel, may_access(kernel, restores(kernel), R_OK | X_OK), 0);
}

static void test_a_vanished_name_invalidates_the_listing(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_object *job;
	char notice[60];

	job = know_made(bench_of(kernel), "j", JOB_DOC("j", "b", "prod", "1"));
	snprintf(notice, sizeof(notice), "inval:%llu", (unsigned long long)restores(kernel));
	serve(kernel);
	assert_non_null(strstr(kernel->notices, notice));
	kernel->notices[0] = '\0';
	for (int i = 0; i < 2; i++) {
		kernel_pass(kernel, STALE);
		pfs_store_refresh(kernel->store->store, job);
		fake_api_fail(kernel->api, "j", -ENOENT, 404);
	}
	serve(kernel);
	assert_non_null(strstr(kernel->notices, notice));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mkdir_gives_a_command_and_is_the_directory_that_it_makes),
		TEST(test_mkdir_fails_with_what_the_api_says),
		TEST(test_mkdir_of_a_taken_name_is_there_after_it_has_failed),
		TEST(test_mkdir_of_a_bad_name_sends_nothing),
		TEST(test_mkdir_anywhere_else_is_refused),
		TEST(test_only_its_owner_and_who_mounts_may_make_something),
		TEST(test_names_and_directories_do_not_wait_for_each_other),
		TEST(test_the_same_name_twice_at_once_is_one_command),
		TEST(test_the_child_makes_no_command),
		TEST(test_while_one_is_under_way_its_directory_is_busy),
		TEST(test_interrupted_before_it_is_sent_it_never_is),
		TEST(test_interrupted_after_it_was_sent_it_goes_on),
		TEST(test_interrupted_and_answered_soon_it_is_made),
		TEST(test_interrupted_while_the_answer_is_lost),
		TEST(test_interrupted_while_another_waits_it_is_not_dropped),
		cmocka_unit_test_setup_teardown(
			test_where_the_kernel_bounds_its_messages_it_replies_before_that,
			begin_with_time_limit, teardown_kernel),
		TEST(test_the_end_of_the_mount_replies_to_it),
		TEST(test_a_caller_that_is_gone_holds_nothing),
		TEST(test_a_backup_that_vanishes_meanwhile),
		TEST(test_its_attributes_may_be_set_without_effect),
		TEST(test_nothing_else_can_be_changed_there),
		TEST(test_access_says_who_may_make_something),
		TEST(test_a_vanished_name_invalidates_the_listing),
	};

	return cmocka_run_group_tests_name("fs_restore", tests, NULL, NULL);
}
