/* SPDX-License-Identifier: MIT */
/* The real child, on directories that are no mount of ours: what it does, and what it may. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pinefs/text.h"
#include "poke_fixture.h"

/* --- what it does -------------------------------------------------------------------------- */

static void test_each_operation_makes_its_event(void **state)
{
	static const struct {
		enum pfs_poke_operation operation;
		const char *path;
		uint32_t mask;
		int error;
	} rows[] = {
		{PFS_POKE_STAT, "file", 0, 0},
		{PFS_POKE_MODIFY, "file", IN_MODIFY, 0},
		{PFS_POKE_ATTRIB, "file", IN_ATTRIB, 0},
		{PFS_POKE_CLOSE_WRITE, "file", IN_CLOSE_WRITE, 0},
		{PFS_POKE_CREATE_DIRECTORY, "made", IN_CREATE | IN_ISDIR, 0},
		{PFS_POKE_REMOVE_DIRECTORY, "made", IN_DELETE | IN_ISDIR, 0},
		{PFS_POKE_CREATE_FILE, "made", IN_CREATE, 0},
		{PFS_POKE_REMOVE_FILE, "made", IN_DELETE, 0},
		/* What can't be done is done with all the same. */
		{PFS_POKE_STAT, "nowhere", 0, -ENOENT},
		{PFS_POKE_MODIFY, "nowhere", 0, -ENOENT},
		{PFS_POKE_CLOSE_WRITE, "nowhere", 0, -ENOENT},
		{PFS_POKE_REMOVE_FILE, "nowhere/made", 0, -ENOENT},
	};
	struct nest *nest = *state;
	int watch = inotify_init1(IN_NONBLOCK);

	make_file(nest);
	assert_true(inotify_add_watch(watch, nest->directory,
				      IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE |
					      IN_DELETE) > 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		union {
			struct inotify_event event;
			char bytes[sizeof(struct inotify_event) + 256];
		} seen = {0};
		ssize_t length;

		nest->error = 0;
		have_done(nest, rows[i].operation, rows[i].path);
		assert_int_equal(nest->error, rows[i].error);
		length = read(watch, &seen, sizeof(seen));
		if (!rows[i].mask) {
			assert_int_equal(length, -1);
			continue;
		}
		assert_true(length > 0);
		assert_int_equal(seen.event.mask, rows[i].mask);
		assert_string_equal(seen.event.name, rows[i].path);
		assert_int_equal(read(watch, &seen, sizeof(seen)), -1); /* and no other */
	}
	close(watch);
}

static void test_one_thing_at_a_time(void **state)
{
	struct nest *nest = *state;

	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_ask(nest->poke, PFS_POKE_STAT, INODE, "a"), 0);
	assert_int_equal(pfs_poke_ask(nest->poke, PFS_POKE_STAT, INODE, "b"), -EBUSY);
	assert_int_equal(kill(nest->child, SIGCONT), 0);
	await(nest, &nest->idle, 1);
	have_done(nest, PFS_POKE_STAT, "b");
}

static void test_path_that_is_too_long_is_refused_and_the_longest_is_not(void **state)
{
	struct nest *nest = *state;
	size_t longest = 4095;
	char *path = calloc(1, longest + 2);

	assert_non_null(path);
	memset(path, 'x', longest + 1);
	assert_int_equal(pfs_poke_ask(nest->poke, PFS_POKE_STAT, INODE, path), -ENAMETOOLONG);
	assert_true(pfs_poke_is_idle(nest->poke));
	path[longest] = '\0';
	have_done(nest, PFS_POKE_STAT, path);
	free(path);
}

/* What is there now may be anybody's. */
static void test_another_filesystem_at_the_mountpoint_is_left_alone(void **state)
{
	struct nest *nest = *state;
	struct stat before, after;
	char path[60];

	make_file(nest);
	snprintf(path, sizeof(path), "%s/file", nest->directory);
	assert_int_equal(stat(path, &before), 0);
	pfs_poke_set_device(nest->poke, makedev(0, 0xfffff)); /* nobody's */
	have_done(nest, PFS_POKE_ATTRIB, "file");
	assert_int_equal(nest->error, -ENOENT);
	assert_int_equal(stat(path, &after), 0);
	assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim));
}

/* --- who is watching ----------------------------------------------------------------------- */

static unsigned own_watches(const struct nest *nest)
{
	unsigned count = 0;

	for (size_t i = 0; i < nest->watcher_count; i++)
		count += nest->watchers[i].pid == getpid();
	return count;
}

static void scan(struct nest *nest)
{
	have_done(nest, PFS_POKE_SCAN, "");
	assert_true(nest->scanned > 0);
}

static void test_scan_finds_a_watch_while_it_is_there(void **state)
{
	struct nest *nest = *state;
	int watch = inotify_init1(0), added;
	char name[16] = "";
	struct stat stat_of;

	scan(nest);
	assert_int_equal(own_watches(nest), 0);
	assert_int_equal(prctl(PR_SET_NAME, "a watcher"), 0);
	assert_int_equal(prctl(PR_GET_NAME, name), 0);
	assert_true(inotify_add_watch(watch, nest->directory, IN_MODIFY) > 0); /* elsewhere */
	added = inotify_add_watch(watch, "/proc", IN_MODIFY);
	assert_true(added > 0);
	assert_int_equal(stat("/proc", &stat_of), 0);
	scan(nest);
	assert_int_equal(own_watches(nest), 1);
	for (size_t i = 0; i < nest->watcher_count; i++) {
		if (nest->watchers[i].pid != getpid())
			continue;
		assert_int_equal(nest->watchers[i].inode, stat_of.st_ino);
		assert_string_equal(nest->watchers[i].name, name);
	}
	assert_int_equal(inotify_rm_watch(watch, added), 0);
	scan(nest);
	assert_int_equal(own_watches(nest), 0);
	close(watch);
}

/* More than one answer holds. */
static void test_scan_finds_many_watches(void **state)
{
	struct nest *nest = *state;
	int watch = inotify_init1(0);
	DIR *directory = opendir("/proc/sys/kernel");
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) && count < 150) {
		char path[300];

		snprintf(path, sizeof(path), "/proc/sys/kernel/%s", entry->d_name);
		count += inotify_add_watch(watch, path, IN_MODIFY | IN_MASK_CREATE) > 0;
	}
	closedir(directory);
	assert_true(count > 70);
	scan(nest);
	assert_int_equal(own_watches(nest), count);
	close(watch);
	scan(nest);
	assert_int_equal(own_watches(nest), 0);
}

static void test_before_the_mount_nothing_is_found_or_done(void **state)
{
	struct nest *nest = *state;
	int watch = inotify_init1(0);

	pfs_poke_set_device(nest->poke, 0);
	make_file(nest);
	have_done(nest, PFS_POKE_MODIFY, "file");
	assert_int_equal(nest->error, -ENODEV);
	assert_true(inotify_add_watch(watch, nest->directory, IN_MODIFY) > 0);
	scan(nest);
	assert_int_equal(nest->watcher_count, 0);
	close(watch);
}

/* --- what it may --------------------------------------------------------------------------- */

static void test_permission_is_for_one_process_operation_inode_and_name_and_for_once(void **state)
{
	struct nest *nest = *state;
	struct pfs_poke *poke = nest->poke;
	pid_t child = nest->child;

	assert_true(pfs_poke_is_child(poke, child));
	assert_false(pfs_poke_is_child(poke, getpid()));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_NOTHING, 0, NULL));
	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_ask(poke, PFS_POKE_CREATE_FILE, INODE, "a/made"), 0);
	assert_false(pfs_poke_permits(poke, getpid(), PFS_POKE_CREATE_FILE, INODE, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_CREATE_DIRECTORY, INODE, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, INODE + 1, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, INODE, "make"));
	assert_int_equal(pfs_poke_under_way(poke, INODE, "made"), PFS_POKE_CREATE_FILE);
	assert_int_equal(pfs_poke_under_way(poke, INODE, "a"), PFS_POKE_NOTHING);
	assert_int_equal(pfs_poke_under_way(poke, INODE + 1, "made"), PFS_POKE_NOTHING);
	assert_true(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, INODE, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, INODE, "made"));
	assert_int_equal(pfs_poke_under_way(poke, INODE, "made"), PFS_POKE_CREATE_FILE);
	assert_int_equal(kill(child, SIGCONT), 0);
	await(nest, &nest->idle, 1);
	assert_int_equal(pfs_poke_under_way(poke, INODE, "made"), PFS_POKE_NOTHING);
}

static void test_permission_that_was_not_used_ends_with_its_order(void **state)
{
	struct nest *nest = *state;

	make_file(nest);
	have_done(nest, PFS_POKE_MODIFY, "file");
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_MODIFY, INODE, NULL));
}

static void test_looks_permit_nothing(void **state)
{
	struct nest *nest = *state;

	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_ask(nest->poke, PFS_POKE_STAT, INODE, "file"), 0);
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_STAT, INODE, NULL));
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_MODIFY, INODE, NULL));
	assert_int_equal(kill(nest->child, SIGCONT), 0);
	await(nest, &nest->idle, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_nest, tear_down_nest)
#define TEST_ON_PROC(function)                                                                     \
	cmocka_unit_test_setup_teardown(function, set_up_nest_on_proc, tear_down_nest)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_operation_makes_its_event),
		TEST(test_one_thing_at_a_time),
		TEST(test_another_filesystem_at_the_mountpoint_is_left_alone),
		TEST(test_path_that_is_too_long_is_refused_and_the_longest_is_not),
		TEST_ON_PROC(test_scan_finds_a_watch_while_it_is_there),
		TEST_ON_PROC(test_scan_finds_many_watches),
		TEST(test_before_the_mount_nothing_is_found_or_done),
		TEST(test_permission_is_for_one_process_operation_inode_and_name_and_for_once),
		TEST(test_permission_that_was_not_used_ends_with_its_order),
		TEST(test_looks_permit_nothing),
	};

	pfs_poke_main(argc, argv); /* where this program was executed as the child */
	return cmocka_run_group_tests_name("poke", tests, NULL, NULL);
}
