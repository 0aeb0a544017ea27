/* SPDX-License-Identifier: MIT */
/*
 * That each request gets exactly one reply, or is parked until then, is asserted where it is made:
 * a call that does otherwise ends the process. A process of its own, so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/fs.h"
#include "kernel_fixture.h"

static void say_nothing(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)dup2(nowhere, STDOUT_FILENO);
	(void)dup2(nowhere, STDERR_FILENO);
	(void)prctl(PR_SET_DUMPABLE, 0); /* no core */
}

/* It was seen only when the mount ended. */
static void be_late(int number)
{
	_exit(3);
}

/* The signal that ends a mount in which this is done; 0: it lives on to its end. */
static int end_of(void (*act)(struct kernel *kernel))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		void *state = NULL;

		say_nothing();
		if (setup_kernel(&state))
			_exit(2);
		act(state);
		(void)signal(SIGABRT, be_late);
		_exit(teardown_kernel(&state) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* A lookup that waits, and is to be run in another way when it is woken. */
static void meet(struct kernel *kernel, int (*run)(struct call *call, bool told, int error))
{
	uint64_t parent = pfs_tree_collection_inode(kernel->store->kind);
	uint64_t unique = request_name(kernel, FUSE_LOOKUP, parent, "a");

	assert_unanswered(kernel, unique);
	TAILQ_FIRST(&kernel->fs->parked)->run = run;
	fake_api_status(kernel->api, "a", "Pending");
}

static int reply_once(struct call *call, bool told, int error)
{
	return pfs_reply_error(call->fs, call->request, EIO);
}

static int forget_reply(struct call *call, bool told, int error)
{
	return 0;
}

static int reply_twice(struct call *call, bool told, int error)
{
	(void)reply_once(call, told, error);
	return reply_once(call, told, error);
}

static int reply_and_wait(struct call *call, bool told, int error)
{
	(void)reply_once(call, told, error);
	return -EINPROGRESS;
}

static void do_well(struct kernel *kernel)
{
	meet(kernel, reply_once);
}

static void forget_one(struct kernel *kernel)
{
	meet(kernel, forget_reply);
}

static void reply_one_twice(struct kernel *kernel)
{
	meet(kernel, reply_twice);
}

static void reply_to_one_that_waits_on(struct kernel *kernel)
{
	meet(kernel, reply_and_wait);
}

/* Another message, which has nothing to do with it, gets the reply of one that waits. */
static void reply_to_parked(struct kernel *kernel)
{
	uint64_t parent = pfs_tree_collection_inode(kernel->store->kind);

	(void)request_name(kernel, FUSE_LOOKUP, parent, "a");
	(void)pfs_reply_error(kernel->fs, TAILQ_FIRST(&kernel->fs->parked)->request, EIO);
}

static void test_each_request_is_replied_to_exactly_once(void **state)
{
	static const struct {
		void (*act)(struct kernel *kernel);
		int end;
	} rows[] = {
		{do_well, 0},
		{forget_one, SIGABRT},
		{reply_one_twice, SIGABRT},
		{reply_to_one_that_waits_on, SIGABRT},
		{reply_to_parked, SIGABRT},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(end_of(rows[i].act), rows[i].end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_request_is_replied_to_exactly_once),
	};

#ifdef NDEBUG
	/* Not by skip(): cmocka 1.1 says "not ok" of it. */
	puts("1..0 # SKIP assertions are off");
	return 0;
#endif
	return cmocka_run_group_tests_name("fs_replies", tests, NULL, NULL);
}
