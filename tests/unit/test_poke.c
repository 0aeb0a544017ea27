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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pinefs/loop.h"
#include "pinefs/poke.h"
#include "pinefs/text.h"
#include "unit.h"

#define DEADLINE (30 * PFS_SECOND)
#define INODE	 77 /* what the orders are about; the child knows only paths */

struct nest {
	struct pfs_loop *loop;
	struct pfs_timer deadline;
	struct pfs_poke *poke;
	char directory[40];    /* to be changed by the child */
	volatile pid_t *wiped; /* shared with the child: who called wipe */
	pid_t child;
	unsigned idle; /* times that each was called */
	unsigned scanned;
	unsigned gone;
	int error;		      /* of the last order that failed */
	struct pfs_watcher *watchers; /* of the last scan */
	size_t watcher_count;
};

static void wipe(void *arg)
{
	*((struct nest *)arg)->wiped = getpid();
}

static void on_idle(void *arg)
{
	((struct nest *)arg)->idle++;
}

static void on_failed(void *arg, int error)
{
	((struct nest *)arg)->error = error;
}

static void on_scanned(void *arg, const struct pfs_watcher *watchers, size_t count)
{
	struct nest *nest = arg;

	nest->scanned++;
	free(nest->watchers);
	nest->watchers = calloc(count + 1, sizeof(*watchers));
	assert_non_null(nest->watchers);
	if (count)
		memcpy(nest->watchers, watchers, count * sizeof(*watchers));
	nest->watcher_count = count;
}

static void on_gone(void *arg)
{
	((struct nest *)arg)->gone++;
}

static void on_deadline(void *arg)
{
	fail_msg("the child doesn't answer");
}

/* Turn until this has come to be so many. */
static void await(struct nest *nest, const unsigned *count, unsigned many)
{
	pfs_timer_start(nest->loop, &nest->deadline, pfs_loop_now(nest->loop) + DEADLINE);
	while (*count < many)
		assert_int_equal(pfs_loop_turn(nest->loop), 0);
	pfs_timer_stop(nest->loop, &nest->deadline);
	assert_int_equal(*count, many);
}

static int start(struct nest *nest, const char *mountpoint)
{
	const struct pfs_poke_listener listener = {
		.idle = on_idle,
		.failed = on_failed,
		.scanned = on_scanned,
		.gone = on_gone,
		.arg = nest,
	};

	if (pfs_poke_start(mountpoint, wipe, nest, &nest->poke) ||
	    pfs_poke_listen(nest->poke, nest->loop, &listener))
		return -1;
	for (int i = 0; i < 30000 && !*nest->wiped; i++)
		(void)usleep(1000);
	nest->child = *nest->wiped;
	return nest->child > 0 ? 0 : -1;
}

static int set_up(void **state)
{
	struct nest *nest = calloc(1, sizeof(*nest));
	void *shared;

	if (!nest || pfs_loop_create(&pfs_system_clock, &nest->loop))
		return -1;
	nest->deadline.fire = on_deadline;
	shared = mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	strcpy(nest->directory, "/tmp/pinefs-poke.XXXXXX");
	nest->wiped = shared;
	if (shared == MAP_FAILED || !mkdtemp(nest->directory))
		return -1;
	*state = nest;
	return start(nest, nest->directory);
}

static int set_up_on_proc(void **state)
{
	struct nest *nest;

	if (set_up(state))
		return -1;
	nest = *state;
	pfs_poke_destroy(nest->poke);
	*nest->wiped = 0;
	return start(nest, "/proc");
}

static int tear_down(void **state)
{
	struct nest *nest = *state;
	char path[60];

	pfs_poke_destroy(nest->poke);
	snprintf(path, sizeof(path), "%s/file", nest->directory);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/made", nest->directory);
	(void)remove(path);
	free(nest->watchers);
	pfs_timer_stop(nest->loop, &nest->deadline);
	pfs_loop_destroy(nest->loop);
	munmap((void *)nest->wiped, sizeof(pid_t));
	if (rmdir(nest->directory))
		return -1;
	free(nest);
	return 0;
}

/* Ask, and wait until that is done. */
static void have_done(struct nest *nest, enum pfs_poke_operation operation, const char *path)
{
	unsigned before = nest->idle;

	assert_int_equal(pfs_poke_ask(nest->poke, operation, INODE, path), 0);
	assert_false(pfs_poke_is_idle(nest->poke));
	await(nest, &nest->idle, before + 1);
	assert_true(pfs_poke_is_idle(nest->poke));
}

static void make_file(struct nest *nest)
{
	char path[60];
	int fd;

	snprintf(path, sizeof(path), "%s/file", nest->directory);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

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
	size_t longest = 4095 - strlen(nest->directory) - 1;
	char *path = calloc(1, longest + 2);

	assert_non_null(path);
	memset(path, 'x', longest + 1);
	assert_int_equal(pfs_poke_ask(nest->poke, PFS_POKE_STAT, INODE, path), -ENAMETOOLONG);
	assert_true(pfs_poke_is_idle(nest->poke));
	path[longest] = '\0';
	have_done(nest, PFS_POKE_STAT, path);
	free(path);
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

static void test_scan_of_what_is_no_mount_finds_nothing(void **state)
{
	struct nest *nest = *state;
	int watch = inotify_init1(0);

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

/* --- its life ------------------------------------------------------------------------------ */

static unsigned count_entries(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		count += *entry->d_name != '.';
	closedir(directory);
	return count;
}

static void test_child_holds_one_descriptor_and_no_directory(void **state)
{
	struct nest *nest = *state;
	char path[60], target[60] = "";

	have_done(nest, PFS_POKE_STAT, "");
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)nest->child);
	assert_int_equal(count_entries(path), 1);
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)nest->child);
	assert_int_equal(readlink(path, target, sizeof(target) - 1), 1);
	assert_string_equal(target, "/");
}

static void test_child_that_dies_is_told_once_and_asked_nothing(void **state)
{
	struct nest *nest = *state;
	char path[30];

	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_ask(nest->poke, PFS_POKE_MODIFY, INODE, "file"), 0);
	assert_int_equal(kill(nest->child, SIGKILL), 0);
	await(nest, &nest->gone, 1);
	assert_int_equal(nest->idle, 0);
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_MODIFY, INODE, NULL));
	assert_int_equal(pfs_poke_ask(nest->poke, PFS_POKE_SCAN, 0, ""), -EPIPE);
	/* Nobody else can get its number meanwhile. */
	snprintf(path, sizeof(path), "/proc/%d", (int)nest->child);
	assert_int_equal(access(path, F_OK), 0);
}

/* As the first: but the program is executed for it, so nothing of ours is in its memory. */
static void test_successor_does_what_the_child_did_and_holds_no_more(void **state)
{
	struct nest *nest = *state;
	char path[60], target[60] = "", name[30] = "";
	pid_t child = 0, first = nest->child;
	FILE *file;

	make_file(nest);
	assert_int_equal(kill(first, SIGKILL), 0);
	await(nest, &nest->gone, 1);
	assert_false(pfs_poke_is_idle(nest->poke));
	assert_int_equal(pfs_poke_restart(nest->poke), 0);
	assert_false(pfs_poke_is_child(nest->poke, first));
	have_done(nest, PFS_POKE_MODIFY, "file");
	assert_int_equal(nest->error, 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &child), 1);
	fclose(file);
	assert_true(pfs_poke_is_child(nest->poke, child));
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)child);
	assert_int_equal(count_entries(path), 1);
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)child);
	assert_int_equal(readlink(path, target, sizeof(target) - 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)child);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(name, sizeof(name), file));
	fclose(file);
	assert_string_equal(name, "pinefs-poke\n");
	/* And so on. */
	assert_int_equal(kill(child, SIGKILL), 0);
	await(nest, &nest->gone, 2);
	assert_int_equal(pfs_poke_restart(nest->poke), 0);
	have_done(nest, PFS_POKE_STAT, "file");
}

static void assert_no_such_process(pid_t pid)
{
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void test_destroy_ends_the_child_even_one_that_is_stopped_at_work(void **state)
{
	struct nest *nest = *state;

	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_ask(nest->poke, PFS_POKE_SCAN, 0, ""), 0);
	pfs_poke_destroy(nest->poke);
	nest->poke = NULL;
	assert_no_such_process(nest->child);
	pfs_poke_destroy(NULL);
}

/* Its signals at a terminal are for us; but when we die, it does, even one that is stopped. */
static void test_child_outlives_signals_but_not_its_parent(void **state)
{
	struct nest *nest = *state;
	pid_t parent, ended;
	int status;

	for (const int *signal = (const int[]){SIGINT, SIGTERM, SIGHUP, 0}; *signal; signal++)
		assert_int_equal(kill(nest->child, *signal), 0);
	have_done(nest, PFS_POKE_STAT, "");
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	*nest->wiped = 0;
	parent = fork();
	if (parent == 0) {
		struct pfs_poke *poke;

		(void)!pfs_poke_start(nest->directory, wipe, nest, &poke);
		while (!*nest->wiped)
			(void)usleep(1000);
		(void)kill(*nest->wiped, SIGSTOP);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_true(*nest->wiped > 0);
	(void)alarm(30); /* the deadline */
	ended = waitpid(*nest->wiped, &status, 0);
	(void)alarm(0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	assert_int_equal(ended, *nest->wiped);
}

static void test_child_knows_nothing_of_the_parents_secrets(void **state)
{
	const struct nest *nest = *state;

	assert_int_equal(*nest->wiped, nest->child);
	assert_int_not_equal(nest->child, getpid());
}

#define TEST(function)	       cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define TEST_ON_PROC(function) cmocka_unit_test_setup_teardown(function, set_up_on_proc, tear_down)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_operation_makes_its_event),
		TEST(test_one_thing_at_a_time),
		TEST(test_path_that_is_too_long_is_refused_and_the_longest_is_not),
		TEST_ON_PROC(test_scan_finds_a_watch_while_it_is_there),
		TEST_ON_PROC(test_scan_finds_many_watches),
		TEST(test_scan_of_what_is_no_mount_finds_nothing),
		TEST(test_permission_is_for_one_process_operation_inode_and_name_and_for_once),
		TEST(test_permission_that_was_not_used_ends_with_its_order),
		TEST(test_looks_permit_nothing),
		TEST(test_child_holds_one_descriptor_and_no_directory),
		TEST(test_child_that_dies_is_told_once_and_asked_nothing),
		TEST(test_successor_does_what_the_child_did_and_holds_no_more),
		TEST(test_destroy_ends_the_child_even_one_that_is_stopped_at_work),
		TEST(test_child_outlives_signals_but_not_its_parent),
		TEST(test_child_knows_nothing_of_the_parents_secrets),
	};

	pfs_poke_main(argc, argv); /* where this program was executed as the child */
	return cmocka_run_group_tests_name("poke", tests, NULL, NULL);
}
