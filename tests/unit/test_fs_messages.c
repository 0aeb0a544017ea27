/* SPDX-License-Identifier: MIT */
/* Requests that are answered at once, and what the kernel is told unasked. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_fixture.h"

#define STATUS_FILE "restore-jobs/a/status"

static uint64_t collection(const struct kernel *kernel)
{
	return pfs_tree_collection_inode(kernel->store->kind);
}

static struct pfs_object *object_of(struct kernel *kernel, const char *id)
{
	return pfs_store_find(kernel->store->store, kernel->store->kind, id);
}

static uint64_t file(struct kernel *kernel, const char *path)
{
	return inode_of(kernel->scene, path);
}

static uint64_t others(const struct kernel *kernel)
{
	return kernel->store->stats.messages[PFS_MESSAGE_OTHER];
}

/* --- reading ------------------------------------------------------------------------------- */

static void assert_read(struct kernel *kernel, uint64_t inode, uint64_t offset, uint32_t size,
			const char *bytes)
{
	assert_replied(kernel, request_read(kernel, inode, offset, size), 0);
	assert_int_equal(kernel->length, strlen(bytes));
	assert_memory_equal(kernel->body.bytes, bytes, strlen(bytes));
}

static void test_read_gives_any_slice(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode;

	(void)know_job(kernel, "a", "Pending");
	inode = file(kernel, STATUS_FILE);
	assert_read(kernel, inode, 0, 4096, "Pending\n");
	assert_read(kernel, inode, 0, 8, "Pending\n");
	assert_read(kernel, inode, 0, 3, "Pen");
	assert_read(kernel, inode, 3, 2, "di");
	assert_read(kernel, inode, 7, 1, "\n");
	assert_read(kernel, inode, 7, 8, "\n"); /* as long as the file, but not from its start */
	assert_read(kernel, inode, 7, 4096, "\n");
	assert_read(kernel, inode, 8, 4096, "");
	assert_read(kernel, inode, 4096, 4096, "");
	assert_read(kernel, inode, INT64_MAX, 4096, "");
	assert_int_equal(kernel->store->stats.messages[PFS_MESSAGE_READ], 10);
}

/* What a READ is told fits the size that the kernel was told last, whatever is known by now. */
static void test_read_keeps_what_was_promised(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode;

	(void)know_job(kernel, "a", "Pending");
	inode = file(kernel, STATUS_FILE);
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	change_job(kernel->scene, "InProgress");
	assert_read(kernel, inode, 0, 4096, "Pending\n");
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_read(kernel, inode, 0, 4096, "InProgress\n");
	assert_read(kernel, inode, 2, 4096, "Progress\n");
}

static void test_read_of_what_has_no_bytes_is_an_error(void **state)
{
	struct kernel *kernel = *state;

	(void)know_job(kernel, "a", "Pending");
	assert_replied(kernel, request_read(kernel, collection(kernel), 0, 10), -EISDIR);
	assert_replied(kernel, request_read(kernel, 64 * 7 + 5, 0, 10), -ESTALE);
	assert_replied(kernel, request_read(kernel, file(kernel, "restore-jobs/a/wait"), 0, 10),
		       -EAGAIN);
}

static void test_files_and_directories_are_opened_unasked(void **state)
{
	struct kernel *kernel = *state;
	const struct fuse_open_in in = {0};
	const struct fuse_flush_in flush = {0};

	assert_replied(kernel, request(kernel, FUSE_OPEN, 2, &in, sizeof(in)), -ENOSYS);
	assert_replied(kernel, request(kernel, FUSE_OPENDIR, 1, &in, sizeof(in)), -ENOSYS);
	assert_replied(kernel, request(kernel, FUSE_FLUSH, 2, &flush, sizeof(flush)), -ENOSYS);
	assert_replied(kernel, request(kernel, FUSE_STATFS, 1, NULL, 0), 0);
}

static void test_access_says_who_may_what(void **state)
{
	static const struct {
		const char *path;
		uint32_t mask;
		int error;
	} rows[] = {
		{"README", R_OK, 0},
		{"README", F_OK, 0},
		{"README", W_OK, -EROFS},
		{"README", R_OK | W_OK, -EROFS},
		{"README", X_OK, -EACCES},
		{"restore-jobs", R_OK | X_OK, 0},
		{"restore-jobs", W_OK | X_OK, -EROFS},
	};
	struct kernel *kernel = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct fuse_access_in in = {.mask = rows[i].mask};

		assert_replied(
			kernel,
			request(kernel, FUSE_ACCESS, file(kernel, rows[i].path), &in, sizeof(in)),
			rows[i].error);
	}
}

/* --- extended attributes ------------------------------------------------------------------- */

static uint64_t request_xattr(struct kernel *kernel, uint64_t inode, const char *name,
			      uint32_t size)
{
	const struct fuse_getxattr_in in = {.size = size};
	uint64_t unique;

	if (!name)
		return request(kernel, FUSE_LISTXATTR, inode, &in, sizeof(in));
	unique = post(kernel, FUSE_GETXATTR, inode, &in, sizeof(in), name, strlen(name) + 1);
	serve(kernel);
	return unique;
}

static void assert_sized(struct kernel *kernel, uint64_t inode, const char *name)
{
	uint32_t size;

	assert_replied(kernel, request_xattr(kernel, inode, name, 0), 0);
	assert_int_equal(kernel->length, sizeof(struct fuse_getxattr_out));
	size = kernel->body.xattr.size;
	assert_true(size > 1);
	assert_replied(kernel, request_xattr(kernel, inode, name, size), 0);
	assert_int_equal(kernel->length, size);
	assert_replied(kernel, request_xattr(kernel, inode, name, size + 1), 0);
	assert_int_equal(kernel->length, size);
	assert_replied(kernel, request_xattr(kernel, inode, name, size - 1), -ERANGE);
	assert_replied(kernel, request_xattr(kernel, inode, name, 1), -ERANGE);
}

static void test_xattr_fits_a_buffer_of_just_its_size(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode;

	(void)know_job(kernel, "a", "Pending");
	inode = file(kernel, STATUS_FILE);
	assert_sized(kernel, inode, "user.pinefs.source");
	assert_memory_equal(kernel->body.bytes, "describe", 8);
	assert_sized(kernel, file(kernel, "restore-jobs/a"), "user.pinefs.source");
	assert_sized(kernel, inode, NULL);
	assert_int_equal(strncmp(kernel->body.bytes, "user.pinefs.", 12), 0);
	/* A value may be empty. */
	assert_replied(kernel, request_xattr(kernel, inode, "user.pinefs.error", 10), 0);
	assert_int_equal(kernel->length, 0);
}

static void test_xattr_of_other_names_is_not_supported(void **state)
{
	static const char *const names[] = {"security.selinux", "system.posix_acl_access",
					    "trusted.pinefs", "user", "USER.x"};
	struct kernel *kernel = *state;
	const char *const paths[] = {STATUS_FILE, "restore-jobs/a", "restore-jobs", "", "README"};

	(void)know_job(kernel, "a", "Pending");
	for (size_t i = 0; i < COUNT(paths); i++) {
		uint64_t inode = file(kernel, paths[i]);

		for (size_t j = 0; j < COUNT(names); j++)
			assert_replied(kernel, request_xattr(kernel, inode, names[j], 100),
				       -EOPNOTSUPP);
		assert_replied(kernel, request_xattr(kernel, inode, "user.other", 100), -ENODATA);
		assert_replied(kernel, request_xattr(kernel, inode, NULL, 1000),
			       i == 0 || i == 4 ? 0 : -EOPNOTSUPP);
	}
	assert_replied(kernel, request_xattr(kernel, 64 * 7, "user.pinefs.age", 100), -ESTALE);
	assert_replied(kernel, request_xattr(kernel, 64 * 7, NULL, 100), -ESTALE);
	assert_int_equal(kernel->store->stats.replies_failed, 2); /* but those two, none failed */
}

/* --- changes ------------------------------------------------------------------------------- */

static void test_all_that_would_change_something_is_refused(void **state)
{
	static const struct {
		uint32_t opcode;
		size_t length; /* of what comes before the names */
		bool of_directory;
	} rows[] = {
		{FUSE_SETATTR, sizeof(struct fuse_setattr_in), false},
		{FUSE_MKNOD, sizeof(struct fuse_mknod_in), true},
		{FUSE_MKDIR, sizeof(struct fuse_mkdir_in), true},
		{FUSE_UNLINK, 0, true},
		{FUSE_RMDIR, 0, true},
		{FUSE_SYMLINK, 0, true},
		{FUSE_RENAME, sizeof(struct fuse_rename_in), true},
		{FUSE_RENAME2, sizeof(struct fuse_rename2_in), true},
		{FUSE_LINK, sizeof(struct fuse_link_in), true},
		{FUSE_CREATE, sizeof(struct fuse_create_in), true},
		{FUSE_WRITE, sizeof(struct fuse_write_in), false},
		{FUSE_SETXATTR, 8, false},
		{FUSE_REMOVEXATTR, 0, false},
		{FUSE_FALLOCATE, sizeof(struct fuse_fallocate_in), false},
		{FUSE_COPY_FILE_RANGE, sizeof(struct fuse_copy_file_range_in), false},
	};
	static const char nothing[200];
	struct kernel *kernel = *state;

	(void)know_job(kernel, "a", "Pending");
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t inode =
			rows[i].of_directory ? collection(kernel) : file(kernel, STATUS_FILE);
		uint64_t before = others(kernel), unique;

		unique = post(kernel, rows[i].opcode, inode, nothing, rows[i].length, "a\0b", 4);
		serve(kernel);
		assert_replied(kernel, unique, -EROFS);
		/* The second part of a copy is where it would go to: inode 0. */
		assert_int_equal(others(kernel), before + 1);
	}
	assert_int_equal(kernel->store->stats.replies_failed, COUNT(rows));
	assert_int_equal(object_of(kernel, "a")->references, 0);
}

/* A mapping could have written into the kernel's pages: a new time makes it drop them. */
static void test_write_moves_the_time_of_the_file(void **state)
{
	struct kernel *kernel = *state;
	const struct fuse_write_in in = {.size = 1};
	struct fuse_attr before;
	uint64_t inode, unique;
	char notice[40];

	(void)know_job(kernel, "a", "Pending");
	inode = file(kernel, STATUS_FILE);
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	before = kernel->body.attributes.attr;
	unique = post(kernel, FUSE_WRITE, inode, &in, sizeof(in), "x", 1);
	serve(kernel);
	assert_replied(kernel, unique, -EROFS);
	(void)snprintf(notice, sizeof(notice), "inval:%llu", (unsigned long long)inode);
	assert_notices(kernel, notice);
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_int_not_equal(before.mtimensec, kernel->body.attributes.attr.mtimensec);
}

/* --- our child ----------------------------------------------------------------------------- */

/* The child is to make this event of the file or directory of this inode, and does it. */
static uint64_t child_asks(struct kernel *kernel, enum pfs_poke_type type, uint64_t inode,
			   const char *path, uint32_t opcode, const void *body, size_t length)
{
	struct pfs_poke *poke = &kernel->scene->poke;
	const char *name = strrchr(path, '/') + 1;
	uint64_t unique;

	poke->making = true;
	poke->event = (struct pfs_poke_event){
		.type = type,
		.inode = inode,
		.directory = inode,
	};
	(void)snprintf(poke->path, sizeof(poke->path), "%s", path);
	kernel->pid = FAKE_CHILD;
	unique = post(kernel, opcode, inode, body, length, name,
		      opcode == FUSE_SETATTR ? 0 : strlen(name) + 1);
	serve(kernel);
	kernel->pid = 1;
	poke->making = false;
	return unique;
}

static uint64_t child_touches(struct kernel *kernel, uint64_t inode)
{
	const struct fuse_setattr_in in = {.valid = FATTR_MTIME | FATTR_MTIME_NOW};

	return child_asks(kernel, PFS_POKE_CHANGED, inode, STATUS_FILE, FUSE_SETATTR, &in,
			  sizeof(in));
}

/*
 * The kernel drops its pages when a GETATTR brings another time than it has, and takes that of a
 * SETATTR without dropping any: so the time that the child is told must be none of the true ones.
 */
static void test_touch_by_the_child_tells_a_time_that_is_not_true(void **state)
{
	struct kernel *kernel = *state;
	struct fuse_attr_out told;
	uint64_t inode;

	(void)know_job(kernel, "a", "AAAA");
	inode = file(kernel, STATUS_FILE);
	for (const char *status = "BBBB\0CCCC\0DDDD\0"; *status; status += 5) {
		assert_replied(kernel, request_getattr(kernel, inode, true), 0);
		change_job(kernel->scene, status);
		assert_replied(kernel, child_touches(kernel, inode), 0);
		told = kernel->body.attributes;
		assert_int_equal(told.attr_valid, 0);
		assert_int_equal(told.attr_valid_nsec, 0);
		assert_replied(kernel, request_getattr(kernel, inode, true), 0);
		assert_int_equal(told.attr.mtime, kernel->body.attributes.attr.mtime);
		assert_int_not_equal(told.attr.mtimensec, kernel->body.attributes.attr.mtimensec);
		assert_true(kernel->body.attributes.attr_valid > 0);
	}
}

static void test_child_does_once_what_it_was_asked_to_and_is_counted(void **state)
{
	struct kernel *kernel = *state;
	const struct fuse_mkdir_in mkdir = {0};
	const struct fuse_mknod_in mknod = {0};
	uint64_t directory, before;

	(void)know_job(kernel, "a", "Completed");
	directory = file(kernel, "restore-jobs/a");
	before = others(kernel);
	assert_replied(kernel, child_touches(kernel, file(kernel, STATUS_FILE)), 0);
	assert_replied(kernel,
		       child_asks(kernel, PFS_POKE_DIRECTORY_CREATED, collection(kernel),
				  "restore-jobs/a", FUSE_MKDIR, &mkdir, sizeof(mkdir)),
		       0);
	assert_int_equal(kernel->body.entry.nodeid, directory);
	assert_replied(kernel,
		       child_asks(kernel, PFS_POKE_FILE_CREATED, directory, "restore-jobs/a/done",
				  FUSE_MKNOD, &mknod, sizeof(mknod)),
		       0);
	assert_int_equal(kernel->body.entry.nodeid, file(kernel, "restore-jobs/a/done"));
	assert_int_equal(object_of(kernel, "a")->references, 2);
	assert_replied(kernel,
		       child_asks(kernel, PFS_POKE_FILE_REMOVED, directory, "restore-jobs/a/done",
				  FUSE_UNLINK, NULL, 0),
		       0);
	assert_replied(kernel,
		       child_asks(kernel, PFS_POKE_DIRECTORY_REMOVED, collection(kernel),
				  "restore-jobs/a", FUSE_RMDIR, NULL, 0),
		       0);
	assert_int_equal(others(kernel), before + 5);
	assert_int_equal(kernel->store->stats.replies_failed, 0);
	/* Not what it wasn't asked to; and what it makes must be there. */
	assert_replied(kernel,
		       child_asks(kernel, PFS_POKE_CHANGED, collection(kernel), "restore-jobs/a",
				  FUSE_RMDIR, NULL, 0),
		       -EROFS);
	assert_replied(kernel,
		       child_asks(kernel, PFS_POKE_DIRECTORY_CREATED, collection(kernel),
				  "restore-jobs/b", FUSE_MKDIR, &mkdir, sizeof(mkdir)),
		       -ENOENT);
	assert_int_equal(others(kernel), before + 7);
}

/* Live until the child is at an event of this type; the list is answered with rows. */
static void await_event(struct kernel *kernel, enum pfs_poke_type type, const char *rows)
{
	struct pfs_poke *poke = &kernel->scene->poke;

	for (int i = 0; !poke->making || poke->event.type != type; i++) {
		assert_true(i < 1000);
		if (fake_api_is_asked(kernel->api, NULL))
			fake_api_page(kernel->api, rows, NULL);
		else if (poke->making || poke->scanning)
			fake_poke_done(poke);
		else
			kernel_pass(kernel, 20 * PFS_MILLISECOND);
	}
}

static uint64_t look_up_as(struct kernel *kernel, uint32_t pid, const char *id)
{
	uint64_t unique;

	kernel->pid = pid;
	unique = request_name(kernel, FUSE_LOOKUP, collection(kernel), id);
	kernel->pid = 1;
	return unique;
}

/* To the child what it is to make isn't there yet, and what it is to remove still is. */
static void test_child_finds_names_as_if_nothing_had_happened(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_object *object;
	uint64_t held; /* the watch holds what it tells of */

	learn_list(kernel->store, "a");
	watch_and_look(kernel->scene, "restore-jobs");
	await_event(kernel, PFS_POKE_DIRECTORY_CREATED, "a b");
	object = object_of(kernel, "b");
	held = object->references;
	assert_replied(kernel, look_up_as(kernel, FAKE_CHILD, "b"), -ENOENT);
	assert_int_equal(object->references, held);
	assert_replied(kernel, look_up_as(kernel, 1, "b"), 0);
	assert_int_equal(object->references, held + 1);
	fake_poke_work(&kernel->scene->poke);

	pfs_store_expire(kernel->store->store);
	assert_int_equal(ask(kernel->store, "b", NULL), -EINPROGRESS);
	fake_api_fail(kernel->api, "b", -ENOENT, 404);
	await_event(kernel, PFS_POKE_DIRECTORY_REMOVED, "a");
	held = object->references;
	assert_replied(kernel, look_up_as(kernel, FAKE_CHILD, "b"), 0);
	assert_int_equal(kernel->body.entry.nodeid, pfs_tree_object_inode(object));
	assert_int_equal(kernel->body.entry.entry_valid, 0);
	assert_true(S_ISDIR(kernel->body.entry.attr.mode));
	assert_int_equal(object->references, held + 1);
	turn_deaf(kernel);
	(void)look_up_as(kernel, FAKE_CHILD, "b");
	assert_int_equal(object->references, held + 1);
}

/* --- polls --------------------------------------------------------------------------------- */

static uint64_t request_poll(struct kernel *kernel, uint64_t inode, uint64_t handle, bool sleeps)
{
	const struct fuse_poll_in in = {
		.kh = handle,
		.flags = sleeps ? FUSE_POLL_SCHEDULE_NOTIFY : 0,
		.events = POLLIN | POLLPRI,
	};

	return request(kernel, FUSE_POLL, inode, &in, sizeof(in));
}

/* Who is woken reads at once, and must not find the old attributes. */
static void test_poll_is_woken_when_the_old_is_forgotten(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode;
	char notices[60];

	(void)know_job(kernel, "a", "Pending");
	inode = file(kernel, STATUS_FILE);
	assert_replied(kernel, request_poll(kernel, inode, 7, true), 0);
	assert_replied(kernel, request_poll(kernel, inode, 7, true), 0);
	assert_int_equal(kernel->body.poll.revents & POLLPRI, 0);
	kernel->notices[0] = '\0';
	(void)live_with_api(kernel->scene, 3 * TTL, "Completed");
	serve(kernel);
	(void)snprintf(notices, sizeof(notices), "inval:%llu wake:7", (unsigned long long)inode);
	assert_non_null(strstr(kernel->notices, notices));
	assert_ptr_equal(strstr(kernel->notices, "wake:7"),
			 strstr(kernel->notices, notices) + strlen(notices) - strlen("wake:7"));
	assert_replied(kernel, request_poll(kernel, inode, 7, true), 0);
	assert_int_equal(kernel->body.poll.revents & (POLLIN | POLLPRI), POLLIN | POLLPRI);
}

static void test_poll_of_wait_and_of_what_is_gone(void **state)
{
	struct kernel *kernel = *state;
	uint64_t wait;

	(void)know_job(kernel, "a", "Pending");
	wait = file(kernel, "restore-jobs/a/wait");
	assert_replied(kernel, request_poll(kernel, wait, 7, true), 0);
	assert_int_equal(kernel->body.poll.revents, 0);
	change_job(kernel->scene, "Completed");
	assert_replied(kernel, request_poll(kernel, wait, 7, true), 0);
	assert_int_equal(kernel->body.poll.revents, POLLIN | POLLRDNORM);
	assert_replied(kernel, request_poll(kernel, 64 * 7, 8, true), 0);
	assert_int_equal(kernel->body.poll.revents, POLLIN | POLLRDNORM | POLLPRI | POLLERR);
}

/* --- what the kernel is told unasked ------------------------------------------------------- */

/* However many they are: once a turn of the loop. */
static void test_coming_and_going_of_jobs_is_told_once_a_turn(void **state)
{
	struct kernel *kernel = *state;
	char notice[40];

	(void)snprintf(notice, sizeof(notice), "inval:%llu",
		       (unsigned long long)collection(kernel));
	for (int times = 0; times < 3; times++) {
		kernel_pass(kernel, TTL);
		kernel->notices[0] = '\0';
		learn_list(kernel->store, times == 0 ? "a b c" : times == 1 ? "d e" : "f");
		serve(kernel);
		assert_notices(kernel, notice);
	}
}

static void hold_jobs(struct kernel *kernel, const char *const *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_replied(kernel,
			       request_name(kernel, FUSE_LOOKUP, collection(kernel), ids[i]), 0);
}

static bool is_told(struct kernel *kernel, uint64_t inode)
{
	char notice[40];

	(void)snprintf(notice, sizeof(notice), "inval:%llu ", (unsigned long long)inode);
	(void)strcat(kernel->notices, " ");
	return strstr(kernel->notices, notice) != NULL;
}

/* More than are gone through in a turn, and each time. */
static void test_invalidation_reaches_the_last_of_many(void **state)
{
	static const char *const ids[] = {"1", "257", "700"};
	struct kernel *kernel = *state;
	char rows[2 * 4000] = "";

	for (int page = 0; page < 2; page++) {
		size_t length = 0;

		for (int i = 1; i <= 350; i++)
			length += (size_t)snprintf(rows + length, sizeof(rows) - length,
						   "%d:Completed ", 350 * page + i);
		if (!page)
			assert_int_equal(ask_list(kernel->store, 0, NULL), -EINPROGRESS);
		fake_api_page(kernel->api, rows, page ? NULL : "token");
	}
	hold_jobs(kernel, ids, COUNT(ids));
	for (int times = 0; times < 2; times++) {
		serve(kernel);
		kernel->notices[0] = '\0';
		pfs_fs_invalidate(kernel->fs);
		pfs_fs_invalidate(kernel->fs); /* while the first is under way */
		kernel_pass(kernel, PFS_SECOND);
		assert_int_equal(strncmp(kernel->notices, "epoch ", 6), 0);
		assert_true(is_told(kernel, collection(kernel)));
		assert_true(is_told(kernel, file(kernel, "events")));
		for (size_t i = 0; i < COUNT(ids); i++) {
			uint64_t inode = pfs_tree_object_inode(object_of(kernel, ids[i]));

			assert_true(is_told(kernel, inode));
			assert_true(is_told(kernel, inode + 5));
		}
		assert_false(is_told(kernel, pfs_tree_object_inode(object_of(kernel, "2"))));
	}
}

/* Looking at the counters doesn't change them. */
static void test_messages_about_pinefs_itself_are_not_counted(void **state)
{
	struct kernel *kernel = *state;
	uint64_t directory = file(kernel, ".pinefs"), stats = file(kernel, ".pinefs/stats");
	uint64_t before = 0;

	for (size_t i = 0; i < PFS_MESSAGE_COUNT; i++)
		before += kernel->store->stats.messages[i];
	assert_replied(kernel, request_name(kernel, FUSE_LOOKUP, 1, ".pinefs"), 0);
	assert_replied(kernel, request_name(kernel, FUSE_LOOKUP, directory, "stats"), 0);
	assert_replied(kernel, request_getattr(kernel, stats, true), 0);
	assert_replied(kernel, request_read(kernel, stats, 0, 4096), 0);
	assert_replied(kernel, request_listing(kernel, FUSE_READDIR, directory, 0, 4096), 0);
	assert_replied(kernel, request_xattr(kernel, stats, NULL, 0), 0);
	assert_replied(kernel, request_name(kernel, FUSE_UNLINK, directory, "stats"), -EROFS);
	for (size_t i = 0; i < PFS_MESSAGE_COUNT; i++)
		before -= kernel->store->stats.messages[i];
	assert_int_equal(before, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_kernel, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_gives_any_slice),
		TEST(test_read_keeps_what_was_promised),
		TEST(test_read_of_what_has_no_bytes_is_an_error),
		TEST(test_files_and_directories_are_opened_unasked),
		TEST(test_access_says_who_may_what),
		TEST(test_xattr_fits_a_buffer_of_just_its_size),
		TEST(test_xattr_of_other_names_is_not_supported),
		TEST(test_all_that_would_change_something_is_refused),
		TEST(test_write_moves_the_time_of_the_file),
		TEST(test_touch_by_the_child_tells_a_time_that_is_not_true),
		TEST(test_child_does_once_what_it_was_asked_to_and_is_counted),
		TEST(test_child_finds_names_as_if_nothing_had_happened),
		TEST(test_poll_is_woken_when_the_old_is_forgotten),
		TEST(test_poll_of_wait_and_of_what_is_gone),
		TEST(test_coming_and_going_of_jobs_is_told_once_a_turn),
		TEST(test_invalidation_reaches_the_last_of_many),
		TEST(test_messages_about_pinefs_itself_are_not_counted),
	};

	return cmocka_run_group_tests_name("fs_messages", tests, NULL, NULL);
}
