/* SPDX-License-Identifier: MIT */
/*
 * Who gets a changed file's attributes first, and how long the others then follow. The process that
 * asks first is this one: it runs, so that the kernel may be at work for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_fixture.h"

#define LONGEST (PFS_SECOND / 10) /* that is waited for a process that shows nothing */

#define SLEEPER ((uint32_t)1) /* process 1, which mostly sleeps */

static uint32_t self(void)
{
	return (uint32_t)getpid();
}

static uint64_t getattr_of(struct kernel *kernel, uint32_t process, uint64_t inode, bool reading)
{
	kernel->pid = process;
	return request_getattr(kernel, inode, reading);
}

/* A job's file whose content the kernel has, and which has expired. Its inode. */
static uint64_t expired_file(struct kernel *kernel)
{
	uint64_t inode;

	(void)know_job(kernel, "a", "Pending");
	inode = inode_of(kernel->scene, "restore-jobs/a/status");
	assert_replied(kernel, getattr_of(kernel, SLEEPER, inode, true), 0);
	kernel_pass(kernel, TTL);
	return inode;
}

/* Two wait for the file's content, which changes; the first has got its attributes. */
static uint64_t first_of_two(struct kernel *kernel, uint64_t inode, uint32_t process)
{
	uint64_t first = getattr_of(kernel, process, inode, false);
	uint64_t second = getattr_of(kernel, SLEEPER, inode, true);

	fake_api_status(kernel->api, "a", "Odd");
	assert_replied(kernel, first, 0);
	assert_int_equal(kernel->body.attributes.attr.size, strlen("Odd\n"));
	assert_int_equal(kernel->body.attributes.attr_valid, 0);
	assert_int_equal(kernel->body.attributes.attr_valid_nsec, 0);
	return second;
}

static void assert_valid(struct kernel *kernel, uint64_t unique)
{
	assert_replied(kernel, unique, 0);
	assert_int_equal(kernel->unique, unique);
	assert_int_equal(kernel->body.attributes.attr.size, strlen("Odd\n"));
	assert_true(kernel->body.attributes.attr_valid > 0);
}

static void test_others_follow_once_the_first_has_sent_another_message(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel);
	uint64_t second = first_of_two(kernel, inode, self());

	assert_unanswered(kernel, second);
	kernel->pid = SLEEPER; /* not the one */
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), 0);
	assert_unanswered(kernel, second);
	kernel->pid = self();
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), 0);
	assert_replied(kernel, second, 0);
	assert_valid(kernel, getattr_of(kernel, SLEEPER, inode, true));
	assert_int_equal(kernel->api->describes, 2);
}

static void test_the_first_itself_never_follows(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel);
	uint64_t second = first_of_two(kernel, inode, self());

	assert_valid(kernel, getattr_of(kernel, self(), inode, true));
	assert_replied(kernel, second, 0);
}

/* S in /proc/PID/stat, behind the name. */
static bool sleeps(pid_t process)
{
	char path[40], line[300] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, line, sizeof(line) - 1) > 0);
	close(fd);
	return strstr(line, ") S ");
}

static void test_nobody_follows_one_who_sleeps(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel), second;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	while (!sleeps(child))
		usleep(1000);
	second = first_of_two(kernel, inode, (uint32_t)child);
	kernel_pass(kernel, LONGEST / 10);
	assert_valid(kernel, second);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_nobody_follows_one_who_has_ended(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel), second;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	second = first_of_two(kernel, inode, (uint32_t)child);
	assert_valid(kernel, getattr_of(kernel, SLEEPER, inode, true));
	assert_replied(kernel, second, 0);
}

static void test_one_who_shows_nothing_is_followed_after_a_moment(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel);
	uint64_t second = first_of_two(kernel, inode, self());

	kernel_pass(kernel, LONGEST - PFS_SECOND / 1000);
	assert_unanswered(kernel, second);
	kernel_pass(kernel, PFS_SECOND / 1000);
	assert_replied(kernel, second, 0);
	assert_valid(kernel, getattr_of(kernel, SLEEPER, inode, true));
}

static void test_who_comes_later_follows_too(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel), late;

	(void)first_of_two(kernel, inode, self());
	late = getattr_of(kernel, SLEEPER, inode, false);
	assert_unanswered(kernel, late);
	kernel->pid = self();
	(void)request_read(kernel, inode, 0, 4096);
	assert_replied(kernel, late, 0);
}

/* The kernel can take the attributes from any of the replies: all of them must be through. */
static void test_all_who_look_it_up_must_be_done(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel);
	uint64_t directory = inode_of(kernel->scene, "restore-jobs/a"), reader;
	pid_t parent = getpid(), child = fork();

	assert_true(child >= 0);
	if (!child) {
		while (getppid() == parent)
			continue;
		_exit(0);
	}
	learn(kernel->store, "a", "Odd");
	for (size_t i = 0; i < 2; i++) {
		kernel->pid = i ? (uint32_t)child : self();
		assert_replied(kernel, request_name(kernel, FUSE_LOOKUP, directory, "status"), 0);
		assert_int_equal(kernel->body.entry.attr.size, strlen("Odd\n"));
		assert_int_equal(kernel->body.entry.attr_valid, 0);
	}
	reader = getattr_of(kernel, self(), inode, true);
	assert_unanswered(kernel, reader);
	kernel->pid = (uint32_t)child;
	(void)request_read(kernel, inode, 0, 4096);
	assert_replied(kernel, reader, 0);
	assert_valid(kernel, getattr_of(kernel, self(), inode, true));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Of a container's processes no number is known. */
static void test_one_of_a_container_has_done_when_somebody_of_one_asks_again(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel);
	uint64_t second = first_of_two(kernel, inode, 0);

	kernel->pid = 0;
	assert_replied(kernel, request_getattr(kernel, PFS_ROOT_INODE, false), 0);
	assert_unanswered(kernel, second);
	(void)request_read(kernel, inode, 0, 4096);
	assert_replied(kernel, second, 0);
}

static void test_nobody_follows_where_nothing_has_changed(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel);
	uint64_t first = getattr_of(kernel, self(), inode, true);
	uint64_t second = getattr_of(kernel, SLEEPER, inode, true);

	fake_api_status(kernel->api, "a", "Pending");
	assert_replied(kernel, first, 0);
	assert_replied(kernel, second, 0);
	assert_int_equal(kernel->body.attributes.attr_valid, TTL / PFS_SECOND);
}

/* It gets what it waits for within the moment that whoever gave up still has. */
static void test_who_follows_and_is_interrupted_gets_it_all_the_same(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = expired_file(kernel);
	uint64_t second = first_of_two(kernel, inode, self());

	interrupt(kernel, second);
	assert_unanswered(kernel, second);
	kernel->pid = self();
	(void)request_read(kernel, inode, 0, 4096);
	assert_replied(kernel, second, 0);
	kernel_pass(kernel, PFS_SECOND);
	assert_replied(kernel, second, 0);
}

static void test_end_of_the_mount_ends_it(void **state)
{
	struct kernel *kernel = *state;
	uint64_t second = first_of_two(kernel, expired_file(kernel), self());

	end_mount(kernel);
	assert_replied(kernel, second, -ENOTCONN);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_kernel, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_others_follow_once_the_first_has_sent_another_message),
		TEST(test_the_first_itself_never_follows),
		TEST(test_nobody_follows_one_who_sleeps),
		TEST(test_nobody_follows_one_who_has_ended),
		TEST(test_one_who_shows_nothing_is_followed_after_a_moment),
		TEST(test_who_comes_later_follows_too),
		TEST(test_all_who_look_it_up_must_be_done),
		TEST(test_one_of_a_container_has_done_when_somebody_of_one_asks_again),
		TEST(test_nobody_follows_where_nothing_has_changed),
		TEST(test_who_follows_and_is_interrupted_gets_it_all_the_same),
		TEST(test_end_of_the_mount_ends_it),
	};

	return cmocka_run_group_tests_name("fs_turn", tests, NULL, NULL);
}
