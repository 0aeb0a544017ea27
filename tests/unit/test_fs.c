/* SPDX-License-Identifier: MIT */
/* The session, with a socket in the place of /dev/fuse and the test in that of the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_api.h"
#include "pinefs/fs.h"
#include "pinefs/history.h"
#include "pinefs/loop.h"
#include "pinefs/resource.h"
#include "pinefs/stats.h"
#include "pinefs/store.h"
#include "pinefs/text.h"
#include "pinefs/tree.h"
#include "pinefs/watch.h"
#include "unit.h"

struct fuse_session;
struct fuse_custom_io;

int __wrap_fuse_version(void);
int __real_fuse_version(void);
int __wrap_fuse_session_custom_io(struct fuse_session *session, const struct fuse_custom_io *io,
				  int fd);
int __real_fuse_session_custom_io(struct fuse_session *session, const struct fuse_custom_io *io,
				  int fd) __attribute__((weak)); /* not in every libfuse */

/* What a libfuse says that isn't the one here; 0: what the one here says. */
static struct {
	int version;
	bool refuses;
	int asked;
} other;

int __wrap_fuse_version(void)
{
	return other.version ? other.version : __real_fuse_version();
}

int __wrap_fuse_session_custom_io(struct fuse_session *session, const struct fuse_custom_io *io,
				  int fd)
{
	other.asked++;
	if (!other.refuses)
		return __real_fuse_session_custom_io(session, io, fd);
	(void)fprintf(stderr, "fuse: custom io is not enabled in this build\n");
	return -1;
}

/* What Linux 6 says that it can. */
#define CAPABLE                                                                                    \
	(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_AUTO_INVAL_DATA |          \
	 FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT | FUSE_PARALLEL_DIROPS |                   \
	 FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO)

struct machine {
	struct pfs_loop *loop;
	struct pfs_api api;
	struct pfs_stats stats;
	struct pfs_store *store;
	struct pfs_history *history;
	struct pfs_tree *tree;
	struct pfs_watch *watch;
	struct pfs_fs *fs;
	int kernel; /* our end of the socket */
	char mountpoint[40];
	char text[200];
	struct {
		struct fuse_out_header header;
		char body[4096];
	} reply;
};

static int set_up(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	const struct pfs_store_config store = {
		.kinds = &pfs_all_kinds,
		.ttl = 60 * PFS_SECOND,
		.ttl_final = 60 * PFS_SECOND,
		.timeout = 60 * PFS_SECOND,
		.max_objects = 10,
		.max_bytes = UINT64_MAX,
		.max_missing = 10,
		.max_idle = 10,
	};
	const struct pfs_history_config history = {
		.max_object = 4096, .max_whole = 4096, .max_together = UINT64_MAX};
	const struct pfs_tree_config tree = {.ttl = 60 * PFS_SECOND, .readme = ""};
	const struct pfs_watch_config watch = {.ttl = 60 * PFS_SECOND};

	*state = machine;
	memset(&other, 0, sizeof(other));
	if (!machine || pfs_loop_create(&pfs_system_clock, &machine->loop))
		return -1;
	machine->kernel = -1;
	fake_api_init(&machine->api, machine->loop);
	return pfs_store_create(&machine->api, machine->loop, &machine->stats, &store,
				&machine->store) ||
	       pfs_history_create(machine->store, machine->loop, &machine->stats, &history,
				  &machine->history) ||
	       pfs_tree_create(machine->store, machine->history, machine->loop, &tree,
			       &machine->tree) ||
	       pfs_watch_create(machine->store, machine->tree, machine->loop, &machine->stats, NULL,
				&watch, &machine->watch);
}

static int tear_down(void **state)
{
	struct machine *machine = *state;

	pfs_fs_destroy(machine->fs);
	pfs_watch_destroy(machine->watch);
	pfs_store_destroy(machine->store);
	pfs_tree_destroy(machine->tree);
	pfs_history_destroy(machine->history);
	fake_api_finish(&machine->api);
	pfs_loop_destroy(machine->loop);
	if (machine->kernel >= 0)
		close(machine->kernel);
	free(machine);
	return 0;
}

static void send_to(struct machine *machine, uint32_t opcode, uint64_t inode, const void *body,
		    size_t length)
{
	struct {
		struct fuse_in_header header;
		char body[200];
	} message = {.header = {.opcode = opcode, .unique = 42, .nodeid = inode}};

	assert_true(length <= sizeof(message.body));
	memcpy(message.body, body, length);
	message.header.len = (uint32_t)(sizeof(message.header) + length);
	assert_int_equal(send(machine->kernel, &message, message.header.len, 0),
			 message.header.len);
}

static bool receive_from(struct machine *machine)
{
	ssize_t length =
		recv(machine->kernel, &machine->reply, sizeof(machine->reply), MSG_DONTWAIT);

	if (length < 0)
		return false;
	assert_int_equal(length, machine->reply.header.len);
	return true;
}

/* Mount, with the kernel's first message there already. What pfs_fs_mount says. */
static int mount_with(struct machine *machine, const struct pfs_fs_config *config,
		      const struct fuse_init_in *init)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	machine->kernel = ends[0];
	(void)snprintf(machine->mountpoint, sizeof(machine->mountpoint), "/dev/fd/%d", ends[1]);
	assert_int_equal(pfs_fs_create(machine->tree, machine->store, machine->watch, machine->loop,
				       &machine->stats, config, &machine->fs, machine->text,
				       sizeof(machine->text)),
			 0);
	send_to(machine, FUSE_INIT, 0, init, sizeof(*init));
	return pfs_fs_mount(machine->fs, machine->mountpoint, machine->text, sizeof(machine->text));
}

static const struct pfs_fs_config usual = {.options = ""};
static const struct fuse_init_in today = {.major = 7, .minor = 38, .flags = CAPABLE};

static uint32_t told_flags(const struct machine *machine)
{
	struct fuse_init_out out;

	memcpy(&out, machine->reply.body, sizeof(out));
	assert_int_equal(out.major, 7);
	return out.flags;
}

static void test_mount_greets_the_kernel(void **state)
{
	struct machine *machine = *state;

	assert_int_equal(mount_with(machine, &usual, &today), 0);
	assert_true(receive_from(machine));
	assert_int_equal(machine->reply.header.unique, 42);
	assert_int_equal(machine->reply.header.error, 0);
	assert_int_equal(told_flags(machine) & (FUSE_PARALLEL_DIROPS | FUSE_AUTO_INVAL_DATA),
			 FUSE_PARALLEL_DIROPS | FUSE_AUTO_INVAL_DATA);
	assert_int_equal(told_flags(machine) & FUSE_ATOMIC_O_TRUNC, 0);
	assert_false(receive_from(machine));
}

static void test_mount_wants_only_what_the_kernel_can(void **state)
{
	struct machine *machine = *state;
	struct fuse_init_in less = today;

	less.flags &= ~(uint32_t)FUSE_PARALLEL_DIROPS;
	assert_int_equal(mount_with(machine, &usual, &less), 0);
	assert_true(receive_from(machine));
	assert_int_equal(told_flags(machine) & FUSE_PARALLEL_DIROPS, 0);
}

/* Such a libfuse serves all the same, and what it wrote is no error of the mount. */
static void test_mount_with_a_libfuse_that_lets_nobody_send_for_it(void **state)
{
	struct machine *machine = *state;

	other.version = 314;
	other.refuses = true;
	assert_int_equal(mount_with(machine, &usual, &today), 0);
	assert_true(receive_from(machine));
	assert_int_equal(machine->reply.header.error, 0);
	assert_int_not_equal(told_flags(machine) & FUSE_AUTO_INVAL_DATA, 0);
}

static void test_mount_leaves_sending_to_a_libfuse_that_tells_all(void **state)
{
	struct machine *machine = *state;

	other.version = 317;
	assert_int_equal(mount_with(machine, &usual, &today), 0);
	assert_true(receive_from(machine));
	assert_int_equal(machine->reply.header.error, 0);
	assert_int_equal(other.asked, 0);
}

/* libfuse was told of a bound, and INIT is answered without it: then it ends the session. */
static void test_mount_that_init_ends_is_refused(void **state)
{
	struct machine *machine = *state;
	const struct pfs_fs_config config = {.options = "max_read=4096"};

	assert_int_equal(mount_with(machine, &config, &today), -EIO);
	assert_non_null(strstr(machine->text, "maximum read size"));
	assert_null(strchr(machine->text, '\n'));
}

static void test_mount_of_a_kernel_that_is_too_old_is_refused(void **state)
{
	struct machine *machine = *state;
	const struct fuse_init_in old = {.major = 6, .minor = 1};

	assert_int_equal(mount_with(machine, &usual, &old), -EIO);
	assert_non_null(strstr(machine->text, "unsupported protocol version"));
	assert_true(receive_from(machine));
	assert_int_equal(machine->reply.header.error, -EPROTO);
}

static void test_message_that_can_not_be_received_ends_the_loop_with_its_error(void **state)
{
	struct machine *machine = *state;

	assert_int_equal(mount_with(machine, &usual, &today), 0);
	assert_int_equal(pfs_fs_error(machine->fs), 0);
	close(machine->kernel); /* with our greeting unread: a reset, not an end */
	machine->kernel = -1;
	assert_int_equal(pfs_loop_run(machine->loop), 0);
	assert_int_equal(pfs_fs_error(machine->fs), -ECONNRESET);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mount_greets_the_kernel),
		TEST(test_mount_wants_only_what_the_kernel_can),
		TEST(test_mount_with_a_libfuse_that_lets_nobody_send_for_it),
		TEST(test_mount_leaves_sending_to_a_libfuse_that_tells_all),
		TEST(test_mount_that_init_ends_is_refused),
		TEST(test_mount_of_a_kernel_that_is_too_old_is_refused),
		TEST(test_message_that_can_not_be_received_ends_the_loop_with_its_error),
	};

	return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
