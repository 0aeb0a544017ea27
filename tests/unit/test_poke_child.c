/* SPDX-License-Identifier: MIT */
/* What the child is: what it holds and knows, and when it ends. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/poke.h"
#include "poke_fixture.h"

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

static void assert_holds_one_descriptor_and_no_directory(pid_t child)
{
	char path[60], target[60] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)child);
	assert_int_equal(count_entries(path), 1);
	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)child);
	assert_int_equal(readlink(path, target, sizeof(target) - 1), 1);
	assert_string_equal(target, "/");
}

static void test_child_holds_one_descriptor_and_no_directory(void **state)
{
	struct nest *nest = *state;

	have_made(nest, PFS_POKE_CHANGED, "");
	assert_holds_one_descriptor_and_no_directory(nest->child);
}

/* However often it looked for watchers, and whatever it was shown in /proc. */
static void test_child_that_looked_many_times_holds_one_descriptor(void **state)
{
	struct nest *nest = *state;
	char path[60];

	for (unsigned i = 0; i < 3; i++)
		have_scanned(nest);
	have_made(nest, PFS_POKE_CHANGED, "self/comm");
	assert_int_equal(nest->error, 0);
	assert_int_equal(nest->scanned, 3);
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)nest->child);
	assert_int_equal(count_entries(path), 1);
}

static void test_child_that_dies_is_told_once_and_asked_nothing(void **state)
{
	struct nest *nest = *state;
	char path[30];

	assert_int_equal(kill(nest->child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_make(nest->poke, &(struct pfs_poke_event){.path = "file"}), 0);
	assert_int_equal(kill(nest->child, SIGKILL), 0);
	await(nest, &nest->gone, 1);
	assert_int_equal(nest->idle, 0);
	assert_false(pfs_poke_permits(nest->poke, nest->child, PFS_POKE_MODIFY, INODE, NULL));
	assert_int_equal(pfs_poke_scan(nest->poke), -EPIPE);
	/* Nobody else can get its number meanwhile. */
	snprintf(path, sizeof(path), "/proc/%d", (int)nest->child);
	assert_int_equal(access(path, F_OK), 0);
}

/* The number of the socket's second end, which is the child's: the second that is free now. */
static int next_socket(void)
{
	int first = dup(STDIN_FILENO), second = dup(STDIN_FILENO);

	assert_true(first >= 0 && second >= 0);
	close(first);
	close(second);
	return second;
}

/* A child that makes nothing but says so, and ends at the next order. */
static void end_at_second_order(void *arg)
{
	const struct poke_answer answer = {.last = true};
	const int *socket = arg;
	struct poke_order order;

	(void)!recv(*socket, &order, sizeof(order), 0);
	(void)!send(*socket, &answer, sizeof(answer), MSG_NOSIGNAL);
	(void)!recv(*socket, &order, sizeof(order), 0);
	_exit(EXIT_SUCCESS);
}

static void test_child_that_ends_while_its_window_closes_has_made_the_event(void **state)
{
	struct nest *nest = *state;
	const struct pfs_poke_event event = event_of(PFS_POKE_CHANGED, "file");

	for (unsigned windows = 0; windows < 2; windows++) {
		int socket;

		pfs_poke_destroy(nest->poke);
		socket = next_socket();
		assert_int_equal(start_nest(nest, nest->directory, end_at_second_order, &socket),
				 0);
		if (windows)
			pfs_poke_set_window(nest->poke);
		nest->gone = nest->idle = 0;
		assert_int_equal(pfs_poke_make(nest->poke, &event), 0);
		if (!windows) { /* the event is done before the second order */
			await(nest, &nest->idle, 1);
			assert_int_equal(pfs_poke_make(nest->poke, &event), 0);
		}
		await(nest, &nest->gone, 1);
		assert_int_equal(nest->made, windows);
	}
}

/* A child that speaks nonsense, as one would that was taken over: answers of these sizes. */
struct nonsense {
	int socket;
	size_t size;
	struct poke_answer answer;
};

static void speak_nonsense(void *arg)
{
	const struct nonsense *nonsense = arg;

	(void)!send(nonsense->socket, &nonsense->answer, nonsense->size, MSG_NOSIGNAL);
}

static void test_child_that_speaks_nonsense_is_ended_and_what_it_said_not_taken(void **state)
{
	static const struct {
		size_t count;
		size_t size;
		bool taken;
	} rows[] = {
		{POKE_WATCHERS, sizeof(struct poke_answer), true},
		{POKE_WATCHERS + 1, sizeof(struct poke_answer), false},
		{SIZE_MAX, sizeof(struct poke_answer), false},
		{1, sizeof(struct poke_answer) - 1, false},
		{1, 1, false},
	};
	struct nest *nest = *state;

	make_file(nest);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nonsense nonsense = {
			.size = rows[i].size,
			.answer = {.count = rows[i].count, .error = -EIO},
		};

		pfs_poke_destroy(nest->poke);
		nest->error = 0;
		nest->gone = 0;
		nest->idle = 0;
		nonsense.socket = next_socket();
		assert_int_equal(start_nest(nest, nest->directory, speak_nonsense, &nonsense), 0);
		if (rows[i].taken) {
			have_made(nest, PFS_POKE_CHANGED, "file");
			assert_int_equal(nest->error, -EIO);
			assert_int_equal(nest->gone, 0);
			continue;
		}
		await(nest, &nest->gone, 1);
		assert_int_equal(nest->error, 0);
		assert_false(pfs_poke_is_idle(nest->poke));
		assert_int_equal(pfs_poke_make(nest->poke, &(struct pfs_poke_event){.path = ""}),
				 -EPIPE);
	}
}

static bool is_called(pid_t pid, const char *expected)
{
	char path[60], name[30] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	(void)!fgets(name, sizeof(name), file);
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	return !strcmp(name, expected);
}

static pid_t only_child(void)
{
	char path[60];
	pid_t child = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &child), 1);
	fclose(file);
	return child;
}

/* As the first: but the program is executed for it. */
static void test_successor_does_what_the_child_did_and_holds_no_more(void **state)
{
	struct nest *nest = *state;
	pid_t child, first = nest->child;

	make_file(nest);
	assert_int_equal(kill(first, SIGKILL), 0);
	await(nest, &nest->gone, 1);
	assert_false(pfs_poke_is_idle(nest->poke));
	assert_int_equal(pfs_poke_restart(nest->poke), 0);
	assert_false(pfs_poke_is_child(nest->poke, first));
	have_made(nest, PFS_POKE_CHANGED, "file");
	assert_int_equal(nest->error, 0);
	child = only_child();
	assert_true(pfs_poke_is_child(nest->poke, child));
	if (geteuid() == 0) /* nobody else may look at what an undumpable process holds */
		assert_holds_one_descriptor_and_no_directory(child);
	assert_true(is_called(child, PFS_POKE_NAME));
	/* And so on, also while it was at something. */
	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(pfs_poke_make(nest->poke, &(struct pfs_poke_event){.path = "file"}), 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	await(nest, &nest->gone, 2);
	assert_int_equal(pfs_poke_restart(nest->poke), 0);
	have_made(nest, PFS_POKE_CHANGED, "file");
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
	assert_int_equal(pfs_poke_scan(nest->poke), 0);
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

	have_made(nest, PFS_POKE_CHANGED, ""); /* so it has come as far as to ignore them */
	for (const int *signal = (const int[]){SIGINT, SIGTERM, SIGHUP, 0}; *signal; signal++)
		assert_int_equal(kill(nest->child, *signal), 0);
	have_made(nest, PFS_POKE_CHANGED, "");
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	*nest->wiped = 0;
	parent = fork();
	if (parent == 0) {
		struct pfs_poke *poke;

		(void)!pfs_poke_start(nest->directory, wipe_nest, nest, &poke);
		/* Its name is what it takes after it has asked to die with us. */
		while (!*nest->wiped || !is_called(*nest->wiped, PFS_POKE_NAME))
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

/* Mappings that are as large are a sanitizer's, and empty but for a few pages. */
#define MAPPING_MAX (256UL << 20)

static bool mapping_has(int memory, unsigned long begin, unsigned long end, const char *bytes)
{
	char *copy = malloc(end - begin);
	ssize_t length;
	bool found;

	assert_non_null(copy);
	length = pread(memory, copy, end - begin, (off_t)begin);
	found = length > 0 && memmem(copy, (size_t)length, bytes, SECRET_LENGTH);
	free(copy);
	return found;
}

/* Are these bytes somewhere in what this process can write? */
static bool memory_has(pid_t pid, const char *bytes)
{
	char path[60], line[1000], rights[5];
	unsigned long begin, end;
	unsigned read = 0;
	bool found = false;
	FILE *maps;
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps)) {
		assert_int_equal(sscanf(line, "%lx-%lx %4s", &begin, &end, rights), 3);
		if (strncmp(rights, "rw", 2) != 0 || end - begin > MAPPING_MAX)
			continue;
		found = mapping_has(memory, begin, end, bytes) || found;
		read++;
	}
	assert_true(read > 0);
	fclose(maps);
	close(memory);
	return found;
}

/* It is a copy of us; but it forgets at once what it is to forget, and nobody else does. */
static void test_child_knows_nothing_of_the_parents_secrets(void **state)
{
	struct nest *nest = *state;

	have_made(nest, PFS_POKE_CHANGED, "");
	assert_int_equal(*nest->wiped, nest->child);
	assert_int_not_equal(nest->child, getpid());
	assert_true(memory_has(getpid(), nest->secret));
	assert_false(memory_has(nest->child, nest->secret));
}

/* It isn't even a copy. */
static void test_nor_does_its_successor(void **state)
{
	struct nest *nest = *state;
	pid_t child;

	/* Nobody else may look at its memory. (No skip(): cmocka 1.1 writes that as "not ok".) */
	if (geteuid() != 0)
		return;
	assert_int_equal(kill(nest->child, SIGKILL), 0);
	await(nest, &nest->gone, 1);
	assert_int_equal(pfs_poke_restart(nest->poke), 0);
	have_made(nest, PFS_POKE_CHANGED, "");
	child = only_child();
	assert_true(pfs_poke_is_child(nest->poke, child));
	assert_false(memory_has(child, nest->secret));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_nest, tear_down_nest)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		TEST(test_child_holds_one_descriptor_and_no_directory),
		cmocka_unit_test_setup_teardown(
			test_child_that_looked_many_times_holds_one_descriptor, set_up_nest_on_proc,
			tear_down_nest),
		TEST(test_child_that_dies_is_told_once_and_asked_nothing),
		TEST(test_child_that_ends_while_its_window_closes_has_made_the_event),
		TEST(test_child_that_speaks_nonsense_is_ended_and_what_it_said_not_taken),
		TEST(test_successor_does_what_the_child_did_and_holds_no_more),
		TEST(test_destroy_ends_the_child_even_one_that_is_stopped_at_work),
		TEST(test_child_outlives_signals_but_not_its_parent),
		TEST(test_child_knows_nothing_of_the_parents_secrets),
		TEST(test_nor_does_its_successor),
	};

	pfs_poke_main(argc, argv); /* where this program was executed as the child */
	return cmocka_run_group_tests_name("poke_child", tests, NULL, NULL);
}
