/* SPDX-License-Identifier: MIT */
/* Tables of mounts as the kernel writes them: what is read, and what a walk would get to. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../src/mounts.h"

#define ROOT "21 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
#define OURS "50 21 0:39 / /m rw,nosuid,nodev - fuse.pinefs pinefs rw,user_id=0\n"

static void read_text(const char *text, struct mounts_table *table)
{
	FILE *file = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(file);
	assert_int_equal(mounts_read(file, table), 0);
	(void)fclose(file);
}

static const struct mounts_entry *entry_of(const struct mounts_table *table, unsigned id)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->entries[i].id == id)
			return &table->entries[i];
	}
	fail_msg("%u isn't in the table", id);
	return NULL;
}

static void test_lines_are_read_and_what_is_no_line_is_passed_over(void **state)
{
	struct mounts_table table;
	const struct mounts_entry *entry;

	read_text(
		ROOT
		"\n12 nonsense\n22 21 0:4 / /x rw fuse.pinefs\n"
		"23 21 7:3 /a\\040- /a\\040b\\011c\\012d\\134e\\12 rw shared:1 master:2 - fuse x rw\n"
		"24 21 0:5 / /n rw - fusectl fusectl rw\n"
		"25 21 0:1048575 / /o rw - fuse.b y rw",
		&table);
	assert_int_equal(table.count, 4);
	entry = &table.entries[0];
	assert_int_equal(entry->id, 21);
	assert_int_equal(entry->parent, 1);
	assert_int_equal(entry->device, makedev(254, 0));
	assert_true(entry->is_whole);
	assert_false(entry->is_fuse);
	assert_string_equal(entry->path, "/");
	entry = &table.entries[1];
	assert_int_equal(entry->device, makedev(7, 3));
	assert_false(entry->is_whole);
	assert_true(entry->is_fuse);
	assert_string_equal(entry->path, "/a b\tc\nd\\e\\12");
	assert_false(table.entries[2].is_fuse);
	assert_true(table.entries[3].is_fuse);
	assert_int_equal(table.entries[3].device, makedev(0, 1048575));
	mounts_finish(&table);
}

/* Is 50 reached, and does something lie on it? */
static const struct {
	const char *text;
	bool reached, parent;
} walks[] = {
	{ROOT OURS, true, false},
	{OURS ROOT, true, false},
	/* Beside it, with a name that begins alike. */
	{ROOT OURS "51 21 0:40 / /mm rw - tmpfs x rw\n", true, false},
	{ROOT OURS "51 21 0:40 / /n rw - tmpfs x rw\n", true, false},
	/* On it; in it. */
	{ROOT OURS "51 50 0:40 / /m rw - tmpfs x rw\n", false, true},
	{ROOT OURS "51 50 0:40 / /m/x rw - tmpfs x rw\n", true, true},
	/* It lies on others. */
	{ROOT "40 21 0:30 / /m rw - autofs x rw\n"
	      "50 40 0:39 / /m rw - fuse.pinefs x rw\n",
	 true, false},
	{ROOT "50 41 0:39 / /m rw - fuse.pinefs x rw\n"
	      "41 40 0:31 / /m rw - tmpfs x rw\n"
	      "40 21 0:30 / /m rw - autofs x rw\n",
	 true, false},
	/* It was there first, and another is beside it, not on it. */
	{ROOT "50 21 0:39 / /a/m rw - fuse.pinefs x rw\n"
	      "51 21 0:40 / /a rw - tmpfs x rw\n",
	 false, false},
	{ROOT "51 21 0:40 / /a rw - tmpfs x rw\n"
	      "50 51 0:39 / /a/b/m rw - fuse.pinefs x rw\n",
	 true, false},
	/* Something lies on the root of all. */
	{ROOT OURS "22 21 0:40 / / rw - tmpfs x rw\n", false, false},
	{ROOT "22 21 0:40 / / rw - tmpfs x rw\n"
	      "50 22 0:39 / /m rw - fuse.pinefs x rw\n",
	 true, false},
	/* In a chroot that is no mount of its own; and at the very root. */
	{OURS "51 21 0:4 / /proc rw - proc x rw\n", true, false},
	{"50 50 0:39 / / rw - fuse.pinefs x rw\n", true, false},
	{"50 1 0:39 / / rw - fuse.pinefs x rw\n", true, false},
	/* What isn't a tree ends, too. */
	{"50 51 0:39 / /m rw - fuse.pinefs x rw\n51 50 0:4 / /m rw - proc x rw\n", false, true},
};

static void test_mount_is_reached_unless_something_lies_on_it_or_above(void **state)
{
	for (size_t i = 0; i < COUNT(walks); i++) {
		struct mounts_table table;
		const struct mounts_entry *entry;

		read_text(walks[i].text, &table);
		entry = entry_of(&table, 50);
		if (mounts_is_reached(&table, entry) != walks[i].reached ||
		    mounts_is_parent(&table, entry) != walks[i].parent)
			fail_msg("row %zu: %s", i, walks[i].text);
		mounts_finish(&table);
	}
}

static void test_what_is_mounted_here_is_found_by_its_device(void **state)
{
	struct stat proc;
	struct pfs_mount mount;
	char *path = NULL;
	int fd;

	assert_int_equal(stat("/proc", &proc), 0);
	assert_int_equal(pfs_mounts_find(proc.st_dev, &path), 0);
	fd = pfs_mounts_open(path, proc.st_dev);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	close(fd);
	assert_int_equal(pfs_mounts_open("/", proc.st_dev), -ESTALE);
	assert_int_equal(pfs_mounts_open("/proc/nowhere", proc.st_dev), -ENOENT);
	assert_int_equal(pfs_mounts_top(path, &mount), -ENOENT); /* it is no FUSE */
	free(path);
	path = NULL;
	assert_int_equal(pfs_mounts_find(makedev(0, 0xfffff), &path), -ENOENT);
	assert_null(path);
}

static void test_what_is_mounted_nowhere_is_unmounted_already(void **state)
{
	const struct pfs_mount nobody = {.device = makedev(0, 0xfffff), .id = 1};
	char *path = (char *)"";

	assert_int_equal(pfs_mounts_detach(nobody.device, -1, &path), 0);
	assert_null(path);
	assert_int_equal(pfs_mounts_check_end(&nobody, &path), 0);
	assert_null(path);
}

/* After the end its number can be another's: here it is that of /proc. */
static void test_nothing_is_unmounted_for_what_has_ended(void **state)
{
	struct stat another, still;
	char *path = NULL;
	int ends[2];

	/* Root could unmount it, if this weren't so. */
	if (geteuid() == 0 &&
	    (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		return;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(stat("/proc", &another), 0);
	assert_false(pfs_mounts_has_ended(ends[1]));
	close(ends[0]); /* then poll(2) says of the other what it says of /dev/fuse */
	assert_true(pfs_mounts_has_ended(ends[1]));
	assert_int_equal(pfs_mounts_detach(another.st_dev, ends[1], &path), 0);
	assert_null(path);
	assert_int_equal(stat("/proc", &still), 0);
	assert_int_equal(still.st_dev, another.st_dev);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_are_read_and_what_is_no_line_is_passed_over),
		cmocka_unit_test(test_mount_is_reached_unless_something_lies_on_it_or_above),
		cmocka_unit_test(test_what_is_mounted_here_is_found_by_its_device),
		cmocka_unit_test(test_what_is_mounted_nowhere_is_unmounted_already),
		cmocka_unit_test(test_nothing_is_unmounted_for_what_has_ended),
	};

	return cmocka_run_group_tests_name("mounts", tests, NULL, NULL);
}
