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

#define MASKS (IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE)

/* The masks that inotify has to tell, of one file; each a word. */
static const char *seen(int watch, const char *name)
{
	static const struct {
		uint32_t mask;
		const char *word;
	} words[] = {
		{IN_MODIFY, "modify "}, {IN_ATTRIB, "attrib "}, {IN_CLOSE_WRITE, "close "},
		{IN_CREATE, "create "}, {IN_DELETE, "delete "}, {IN_ISDIR, "directory "},
	};
	static char text[200];
	char bytes[4096] __attribute__((aligned(8)));
	ssize_t length = read(watch, bytes, sizeof(bytes));

	text[0] = '\0';
	for (ssize_t at = 0; at < length;) {
		const struct inotify_event *event = (const void *)(bytes + at);

		assert_string_equal(event->name, name);
		for (size_t i = 0; i < COUNT(words); i++)
			strcat(text, event->mask & words[i].mask ? words[i].word : "");
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return text;
}

static void test_each_type_makes_its_events_and_no_others(void **state)
{
	static const struct {
		enum pfs_poke_type type;
		const char *path;
		const char *seen;
		int error;
	} rows[] = {
		{PFS_POKE_CHANGED, "file", "modify attrib close ", 0},
		{PFS_POKE_DIRECTORY_CREATED, "made", "create directory ", 0},
		{PFS_POKE_DIRECTORY_REMOVED, "made", "delete directory ", 0},
		{PFS_POKE_FILE_CREATED, "made", "create ", 0},
		{PFS_POKE_FILE_REPLACED, "made", "delete create ", 0},
		{PFS_POKE_FILE_REMOVED, "made", "delete ", 0},
		/* Steps that can't be taken keep none from the others. */
		{PFS_POKE_FILE_REPLACED, "made", "create ", -ENOENT},
		{PFS_POKE_FILE_CREATED, "made", "", -EEXIST},
		{PFS_POKE_FILE_REMOVED, "made", "delete ", 0},
		/* Of several that can't, the first says why. */
		{PFS_POKE_DIRECTORY_CREATED, "made", "create directory ", 0},
		{PFS_POKE_FILE_REPLACED, "made", "", -EISDIR},
		{PFS_POKE_DIRECTORY_REMOVED, "made", "delete directory ", 0},
		{PFS_POKE_CHANGED, "nowhere", "", -ENOENT},
		{PFS_POKE_FILE_REMOVED, "nowhere/made", "", -ENOENT},
	};
	struct nest *nest = *state;
	int watch = inotify_init1(IN_NONBLOCK);

	make_file(nest);
	assert_true(inotify_add_watch(watch, nest->directory, MASKS) > 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		nest->error = 0;
		have_made(nest, rows[i].type, rows[i].path);
		assert_int_equal(nest->error, rows[i].error);
		assert_string_equal(seen(watch, rows[i].path), rows[i].seen);
	}
	close(watch);
}

static void test_one_thing_at_a_time(void **state)
{
	const struct pfs_poke_event event = event_of(PFS_POKE_CHANGED, "a");
	struct nest *nest = *state;

	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_make(nest->poke, &event), 0);
	assert_int_equal(pfs_poke_make(nest->poke, &event), -EBUSY);
	assert_int_equal(pfs_poke_scan(nest->poke), -EBUSY);
	assert_int_equal(kill(nest->child, SIGCONT), 0);
	await(nest, &nest->idle, 1);
	have_made(nest, PFS_POKE_CHANGED, "b");
}

static void test_path_that_is_too_long_is_refused_and_the_longest_is_not(void **state)
{
	struct nest *nest = *state;
	size_t longest = 4095;
	char *path = calloc(1, longest + 2);
	const struct pfs_poke_event event = event_of(PFS_POKE_CHANGED, path);

	assert_non_null(path);
	memset(path, 'x', longest + 1);
	assert_int_equal(pfs_poke_make(nest->poke, &event), -ENAMETOOLONG);
	assert_true(pfs_poke_is_idle(nest->poke));
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_MODIFY, INODE, NULL));
	path[longest] = '\0';
	have_made(nest, PFS_POKE_CHANGED, path);
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
	have_made(nest, PFS_POKE_CHANGED, "file");
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
	have_scanned(nest);
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
	have_made(nest, PFS_POKE_CHANGED, "file");
	assert_int_equal(nest->error, -ENODEV);
	assert_true(inotify_add_watch(watch, nest->directory, IN_MODIFY) > 0);
	scan(nest);
	assert_int_equal(nest->watcher_count, 0);
	close(watch);
}

/* --- what it may --------------------------------------------------------------------------- */

/* The child is stopped just before it begins. */
static void begin(struct nest *nest, enum pfs_poke_type type, const char *path)
{
	struct pfs_poke_event event = event_of(type, path);

	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_make(nest->poke, &event), 0);
}

static void end(struct nest *nest)
{
	unsigned before = nest->idle;

	assert_int_equal(kill(nest->child, SIGCONT), 0);
	await(nest, &nest->idle, before + 1);
}

static void test_permission_is_for_one_process_operation_inode_and_name_and_for_once(void **state)
{
	struct nest *nest = *state;
	struct pfs_poke *poke = nest->poke;
	pid_t child = nest->child;

	assert_true(pfs_poke_is_child(poke, child));
	assert_false(pfs_poke_is_child(poke, getpid()));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_MODIFY, 0, NULL));
	begin(nest, PFS_POKE_FILE_CREATED, "a/made");
	assert_false(pfs_poke_permits(poke, getpid(), PFS_POKE_CREATE_FILE, INODE, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_CREATE_DIRECTORY, INODE, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_REMOVE_FILE, INODE, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, NAMED, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, INODE, "make"));
	assert_true(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, INODE, "made"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, INODE, "made"));
	end(nest);
}

static void test_permissions_of_a_change_are_used_in_order(void **state)
{
	struct nest *nest = *state;
	struct pfs_poke *poke = nest->poke;
	pid_t child = nest->child;

	begin(nest, PFS_POKE_CHANGED, "file");
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_MODIFY, DIRECTORY, NULL));
	assert_true(pfs_poke_permits(poke, child, PFS_POKE_MODIFY, INODE, NULL));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_MODIFY, INODE, NULL));
	assert_true(pfs_poke_permits(poke, child, PFS_POKE_ATTRIB, INODE, NULL));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_ATTRIB, INODE, NULL));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_MODIFY, INODE, NULL));
	end(nest);
	begin(nest, PFS_POKE_FILE_REPLACED, "file");
	assert_true(pfs_poke_permits(poke, child, PFS_POKE_CREATE_FILE, INODE, "file"));
	assert_false(pfs_poke_permits(poke, child, PFS_POKE_REMOVE_FILE, INODE, "file"));
	end(nest);
}

static void test_permission_that_was_not_used_ends_with_its_event(void **state)
{
	struct nest *nest = *state;

	make_file(nest);
	have_made(nest, PFS_POKE_CHANGED, "file");
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_MODIFY, INODE, NULL));
}

/* What has vanished is there for events only: a look is to find that it isn't. */
static void test_look_changes_nothing_and_finds_nothing_that_has_vanished(void **state)
{
	struct nest *nest = *state;
	int watch = inotify_init1(IN_NONBLOCK);

	make_file(nest);
	assert_true(inotify_add_watch(watch, nest->directory, MASKS) > 0);
	begin(nest, PFS_POKE_FILE_CREATED, "made");
	assert_true(pfs_poke_shows_vanished(nest->poke, nest->child));
	assert_false(pfs_poke_shows_vanished(nest->poke, getpid()));
	end(nest);
	assert_string_equal(seen(watch, "made"), "create ");
	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_look(nest->poke, "file"), 0);
	assert_false(pfs_poke_shows_vanished(nest->poke, nest->child));
	assert_false(
		pfs_poke_permits(nest->poke, nest->child, PFS_POKE_CREATE_FILE, INODE, "made"));
	end(nest);
	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_look(nest->poke, "nowhere"), 0);
	end(nest);
	assert_int_equal(nest->error, 0);
	assert_string_equal(seen(watch, "file"), "");
	close(watch);
}

static void test_scan_permits_nothing(void **state)
{
	struct nest *nest = *state;

	make_file(nest);
	have_made(nest, PFS_POKE_CHANGED, "file");
	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_scan(nest->poke), 0);
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_MODIFY, INODE, NULL));
	end(nest);
}

/* --- what it finds ------------------------------------------------------------------------- */

static enum pfs_pretence pretends(const struct nest *nest, uint64_t directory, const char *name,
				  uint64_t *ret_inode)
{
	*ret_inode = 0;
	assert_int_equal(pfs_poke_pretends(nest->poke, getpid(), directory, name, ret_inode),
			 PFS_PRETEND_NOTHING);
	return pfs_poke_pretends(nest->poke, nest->child, directory, name, ret_inode);
}

static void test_child_alone_does_not_find_what_it_is_to_make(void **state)
{
	struct nest *nest = *state;
	uint64_t inode;

	begin(nest, PFS_POKE_DIRECTORY_CREATED, "a/made");
	assert_int_equal(pretends(nest, INODE, "made", &inode), PFS_PRETEND_MISSING);
	assert_int_equal(pretends(nest, NAMED, "made", &inode), PFS_PRETEND_NOTHING);
	assert_int_equal(pretends(nest, INODE, "a", &inode), PFS_PRETEND_NOTHING);
	assert_int_equal(pretends(nest, DIRECTORY, "a", &inode), PFS_PRETEND_NOTHING);
	end(nest);
	assert_int_equal(pretends(nest, INODE, "made", &inode), PFS_PRETEND_NOTHING);
}

static void test_child_alone_finds_what_it_is_to_remove(void **state)
{
	struct nest *nest = *state;
	uint64_t inode;

	begin(nest, PFS_POKE_DIRECTORY_REMOVED, "made");
	assert_int_equal(pretends(nest, INODE, "made", &inode), PFS_PRETEND_THERE);
	assert_int_equal(inode, NAMED);
	end(nest);
}

static void test_child_finds_the_old_file_then_none_where_one_is_replaced(void **state)
{
	struct nest *nest = *state;
	uint64_t inode;

	begin(nest, PFS_POKE_FILE_REPLACED, "a/made");
	assert_int_equal(pretends(nest, INODE, "made", &inode), PFS_PRETEND_THERE);
	assert_int_equal(inode, NAMED);
	assert_true(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_REMOVE_FILE, INODE, "made"));
	assert_int_equal(pretends(nest, INODE, "made", &inode), PFS_PRETEND_MISSING);
	end(nest);
}

static void test_child_finds_the_directory_that_has_vanished_with_its_file(void **state)
{
	struct pfs_poke_event event = event_of(PFS_POKE_FILE_REMOVED, "a/a/status");
	struct nest *nest = *state;
	uint64_t inode;

	for (unsigned gone = 0; gone < 2; gone++) {
		event.gone_from = gone ? DIRECTORY : 0;
		assert_int_equal(kill(nest->child, SIGSTOP), 0);
		assert_int_equal(pfs_poke_make(nest->poke, &event), 0);
		assert_int_equal(pretends(nest, DIRECTORY, "a", &inode),
				 gone ? PFS_PRETEND_THERE : PFS_PRETEND_NOTHING);
		assert_int_equal(inode, gone ? INODE : 0);
		assert_int_equal(pretends(nest, NAMED, "a", &inode), PFS_PRETEND_NOTHING);
		for (const char *const *other = (const char *const[]){"jobs", "", "b", NULL};
		     *other; other++)
			assert_int_equal(pretends(nest, DIRECTORY, *other, &inode),
					 PFS_PRETEND_NOTHING);
		end(nest);
	}
}

/* --- the window ---------------------------------------------------------------------------- */

static void test_window_is_open_while_the_child_needs_it_and_no_longer(void **state)
{
	static const enum pfs_poke_type types[] = {PFS_POKE_CHANGED, PFS_POKE_FILE_CREATED};
	struct nest *nest = *state;

	make_file(nest);
	begin(nest, PFS_POKE_CHANGED, "file");
	assert_false(pfs_poke_is_window(nest->poke, INODE)); /* most children need none */
	end(nest);
	pfs_poke_set_window(nest->poke);
	for (size_t i = 0; i < COUNT(types); i++) {
		begin(nest, types[i], i ? "made" : "file");
		assert_true(pfs_poke_is_window(nest->poke, INODE));
		assert_false(pfs_poke_is_window(nest->poke, NAMED));
		assert_false(pfs_poke_is_window(nest->poke, DIRECTORY));
		assert_false(pfs_poke_is_window(nest->poke, 0));
		end(nest);
		assert_int_equal(nest->error, 0);
		assert_false(pfs_poke_is_window(nest->poke, INODE));
	}
}

static void test_child_that_ends_leaves_no_window(void **state)
{
	struct nest *nest = *state;

	pfs_poke_set_window(nest->poke);
	begin(nest, PFS_POKE_CHANGED, "file");
	assert_int_equal(kill(nest->child, SIGKILL), 0);
	await(nest, &nest->gone, 1);
	assert_false(pfs_poke_is_window(nest->poke, INODE));
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_MODIFY, INODE, NULL));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_nest, tear_down_nest)
#define TEST_ON_PROC(function)                                                                     \
	cmocka_unit_test_setup_teardown(function, set_up_nest_on_proc, tear_down_nest)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_type_makes_its_events_and_no_others),
		TEST(test_one_thing_at_a_time),
		TEST(test_another_filesystem_at_the_mountpoint_is_left_alone),
		TEST(test_path_that_is_too_long_is_refused_and_the_longest_is_not),
		TEST_ON_PROC(test_scan_finds_a_watch_while_it_is_there),
		TEST_ON_PROC(test_scan_finds_many_watches),
		TEST(test_before_the_mount_nothing_is_found_or_done),
		TEST(test_permission_is_for_one_process_operation_inode_and_name_and_for_once),
		TEST(test_permissions_of_a_change_are_used_in_order),
		TEST(test_permission_that_was_not_used_ends_with_its_event),
		TEST(test_look_changes_nothing_and_finds_nothing_that_has_vanished),
		TEST(test_scan_permits_nothing),
		TEST(test_child_alone_does_not_find_what_it_is_to_make),
		TEST(test_child_alone_finds_what_it_is_to_remove),
		TEST(test_child_finds_the_old_file_then_none_where_one_is_replaced),
		TEST(test_child_finds_the_directory_that_has_vanished_with_its_file),
		TEST(test_window_is_open_while_the_child_needs_it_and_no_longer),
		TEST(test_child_that_ends_leaves_no_window),
	};

	pfs_poke_main(argc, argv); /* where this program was executed as the child */
	return cmocka_run_group_tests_name("poke", tests, NULL, NULL);
}
