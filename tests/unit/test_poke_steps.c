/* SPDX-License-Identifier: MIT */
/* The steps of the child's that inotify says nothing of, and their order; and what is no order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/poke.h"
#include "poke_fixture.h"

#define STEPS_LENGTH 1000

/* Shared with the child. A word each: "fetch:PATH", whose attributes must be new; touch, mknod;
 * "find:PATH", a name that must be looked up; remove. */
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

int __wrap_linkat(int from, const char *old, int to, const char *path, int flags);
int __real_linkat(int from, const char *old, int to, const char *path, int flags);
int __wrap_unlinkat(int directory, const char *path, int flags);
int __real_unlinkat(int directory, const char *path, int flags);

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

int __wrap_linkat(int from, const char *old, int to, const char *path, int flags)
{
	note("find", path);
	return __real_linkat(from, old, to, path, flags);
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
	note("remove", path);
	return __real_unlinkat(directory, path, flags);
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

static void let_in(const struct nest *nest, const char *directory)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/%s", nest->directory, directory);
	assert_int_equal(chmod(path, 0700), 0);
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
		{true, PFS_POKE_FILE_REPLACED, "made",
		 "fetch:. find:made remove:made mknod:made fetch:."},
		{true, PFS_POKE_FILE_REMOVED, "made", "fetch:. find:made remove:made fetch:."},
		{true, PFS_POKE_DIRECTORY_CREATED, "made", "fetch:. fetch:."},
		{true, PFS_POKE_FILE_CREATED, "made/in", "fetch:made mknod:made/in fetch:made"},
		{true, PFS_POKE_FILE_REMOVED, "made/in",
		 "fetch:made find:made/in remove:made/in fetch:made"},
		{true, PFS_POKE_DIRECTORY_REMOVED, "made", "fetch:. find:made remove:made fetch:."},
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
		if (rows[i].type == PFS_POKE_DIRECTORY_CREATED) /* as the window lets us in */
			let_in(nest, rows[i].path);
	}
}

/* Else it would find what the kernel has of them, which may be that they are gone. */
static void test_names_are_looked_up_before_they_are_removed_and_none_is_made(void **state)
{
	struct pfs_poke_event event = event_of(PFS_POKE_FILE_REMOVED, "made/in");
	struct nest *nest = *state;

	steps[0] = '\0';
	event.gone_from = DIRECTORY;
	assert_int_equal(pfs_poke_make(nest->poke, &event), 0);
	await(nest, &nest->idle, 1);
	assert_int_equal(nest->error, -ENOENT);
	assert_string_equal(steps, "find:made find:made/in remove:made/in");
	event.gone_from = 0;
	event.path = "made";
	assert_int_equal(pfs_poke_make(nest->poke, &event), 0);
	await(nest, &nest->idle, 2);
	assert_int_equal(nest->error, -ENOENT);
	assert_string_equal(steps, "find:made find:made/in remove:made/in find:made remove:made");
}

/* A child with nothing before it but this order: does it answer, before it ends? */
static bool is_answered(const struct nest *nest, const struct poke_order *order, size_t length)
{
	struct poke_answer answer;
	int ends[2], status;
	ssize_t received;
	pid_t child;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(ends[0]);
		_exit(poke_child_run(ends[1], strdup(nest->directory)));
	}
	close(ends[1]);
	assert_int_equal(send(ends[0], order, length, MSG_NOSIGNAL), length);
	assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
	received = recv(ends[0], &answer, sizeof(answer), 0);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, EXIT_SUCCESS);
	return received > 0;
}

static void test_child_ends_at_what_is_no_order(void **state)
{
	static const struct {
		enum poke_task task;
		enum pfs_poke_type event;
		size_t length;
		char end; /* of the path */
		bool answered;
	} rows[] = {
		{TASK_MAKE_EVENT, PFS_POKE_CHANGED, sizeof(struct poke_order), '\0', true},
		{TASK_LOOK, PFS_POKE_FILE_REPLACED, sizeof(struct poke_order), '\0', true},
		{TASK_LOOK + 1, PFS_POKE_CHANGED, sizeof(struct poke_order), '\0', false},
		{TASK_MAKE_EVENT, PFS_POKE_FILE_REPLACED + 1, sizeof(struct poke_order), '\0',
		 false},
		{TASK_MAKE_EVENT, PFS_POKE_CHANGED, sizeof(struct poke_order), 'x', false},
		{TASK_MAKE_EVENT, PFS_POKE_CHANGED, sizeof(struct poke_order) - 1, '\0', false},
	};
	struct nest *nest = *state;
	struct stat root;

	assert_int_equal(stat(nest->directory, &root), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct poke_order order = {
			.task = rows[i].task,
			.event = rows[i].event,
			.device = root.st_dev,
		};

		memset(order.path, 'x', sizeof(order.path));
		order.path[sizeof(order.path) - 1] = rows[i].end;
		assert_int_equal(is_answered(nest, &order, rows[i].length), rows[i].answered);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(test_attributes_are_fetched_before_a_change_and_around_a_window),
		TEST(test_names_are_looked_up_before_they_are_removed_and_none_is_made),
		TEST(test_child_ends_at_what_is_no_order),
	};

	pfs_poke_main(argc, argv);
	return cmocka_run_group_tests_name("poke_steps", tests, NULL, NULL);
}
