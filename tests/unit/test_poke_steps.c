/* SPDX-License-Identifier: MIT */
/* The steps of the child's that inotify says nothing of, and their order. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "poke_fixture.h"

#define STEPS_LENGTH 1000

/* Shared with the child; a word each: "fetch:PATH", where attributes must be fetched, touch, mknod.
 */
static char *steps;

static void note(const char *step, const char *path)
{
	size_t length = strlen(steps);

	(void)snprintf(steps + length, STEPS_LENGTH - length, "%s%s:%s", length ? " " : "", step,
		       path);
}

int __wrap_statx(int directory, const char *path, int flags, unsigned mask, struct statx *ret);
int __real_statx(int directory, const char *path, int flags, unsigned mask, struct statx *ret);
int __wrap_utimensat(int directory, const char *path, const struct timespec times[2], int flags);
int __real_utimensat(int directory, const char *path, const struct timespec times[2], int flags);
int __wrap_mknodat(int directory, const char *path, mode_t mode, dev_t device);
int __real_mknodat(int directory, const char *path, mode_t mode, dev_t device);

int __wrap_statx(int directory, const char *path, int flags, unsigned mask, struct statx *ret)
{
	if (flags & AT_STATX_FORCE_SYNC)
		note("fetch", path);
	return __real_statx(directory, path, flags, mask, ret);
}

int __wrap_utimensat(int directory, const char *path, const struct timespec times[2], int flags)
{
	note("touch", path);
	return __real_utimensat(directory, path, times, flags);
}

int __wrap_mknodat(int directory, const char *path, mode_t mode, dev_t device)
{
	note("mknod", path);
	return __real_mknodat(directory, path, mode, device);
}

static int set_up(void **state)
{
	steps = mmap(NULL, STEPS_LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return steps == MAP_FAILED ? -1 : set_up_nest(state);
}

static int tear_down(void **state)
{
	munmap(steps, STEPS_LENGTH);
	return tear_down_nest(state);
}

/* Else the kernel would keep what it has of the file; and it would not see the window. */
static void test_attributes_are_fetched_before_a_change_and_around_a_window(void **state)
{
	static const struct {
		bool window;
		enum pfs_poke_type type;
		const char *path;
		const char *steps;
	} rows[] = {
		{false, PFS_POKE_CHANGED, "file", "fetch:file touch:file touch:file"},
		{false, PFS_POKE_FILE_CREATED, "made", "mknod:made"},
		{true, PFS_POKE_CHANGED, "file", "fetch:file touch:file touch:file fetch:file"},
		{true, PFS_POKE_FILE_REPLACED, "made", "fetch:. mknod:made fetch:."},
		{true, PFS_POKE_FILE_REMOVED, "made", "fetch:. fetch:."},
		{true, PFS_POKE_DIRECTORY_CREATED, "made", "fetch:. fetch:."},
		{true, PFS_POKE_FILE_CREATED, "made/in", "fetch:made mknod:made/in fetch:made"},
		{true, PFS_POKE_FILE_REMOVED, "made/in", "fetch:made fetch:made"},
		{true, PFS_POKE_DIRECTORY_REMOVED, "made", "fetch:. fetch:."},
	};
	struct nest *nest = *state;

	make_file(nest);
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].window)
			pfs_poke_set_window(nest->poke);
		steps[0] = '\0';
		have_made(nest, rows[i].type, rows[i].path);
		assert_int_equal(nest->error, 0);
		assert_string_equal(steps, rows[i].steps);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(test_attributes_are_fetched_before_a_change_and_around_a_window),
	};

	pfs_poke_main(argc, argv);
	return cmocka_run_group_tests_name("poke_steps", tests, NULL, NULL);
}
