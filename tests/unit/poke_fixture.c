/* SPDX-License-Identifier: MIT */
#include "poke_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pinefs/text.h"

#define DEADLINE (30 * PFS_SECOND)

void wipe_nest(void *arg)
{
	struct nest *nest = arg;

	explicit_bzero(nest->secret, SECRET_LENGTH);
	*nest->wiped = getpid();
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

static void on_gone(void *arg, bool made)
{
	struct nest *nest = arg;

	nest->gone++;
	nest->made = made;
}

static void on_deadline(void *arg)
{
	fail_msg("the child doesn't answer");
}

void await(struct nest *nest, const unsigned *count, unsigned many)
{
	pfs_timer_start(nest->loop, &nest->deadline, pfs_loop_now(nest->loop) + DEADLINE);
	while (*count < many)
		assert_int_equal(pfs_loop_turn(nest->loop), 0);
	pfs_timer_stop(nest->loop, &nest->deadline);
	assert_int_equal(*count, many);
}

int start_nest(struct nest *nest, const char *mountpoint, void (*wipe)(void *arg), void *arg)
{
	const struct pfs_poke_listener listener = {
		.idle = on_idle,
		.failed = on_failed,
		.scanned = on_scanned,
		.gone = on_gone,
		.arg = nest,
	};

	struct stat root;

	if (stat(mountpoint, &root) || pfs_poke_start(mountpoint, wipe, arg, &nest->poke) ||
	    pfs_poke_listen(nest->poke, nest->loop, &listener))
		return -1;
	pfs_poke_set_device(nest->poke, root.st_dev);
	return 0;
}

static int start(struct nest *nest, const char *mountpoint)
{
	if (start_nest(nest, mountpoint, wipe_nest, nest))
		return -1;
	for (int i = 0; i < 30000 && !*nest->wiped; i++)
		(void)usleep(1000);
	nest->child = *nest->wiped;
	return nest->child > 0 ? 0 : -1;
}

int set_up_nest(void **state)
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
	nest->secret = malloc(SECRET_LENGTH);
	if (shared == MAP_FAILED || !nest->secret || !mkdtemp(nest->directory))
		return -1;
	if (getrandom(nest->secret, SECRET_LENGTH, 0) != SECRET_LENGTH)
		return -1;
	*state = nest;
	return start(nest, nest->directory);
}

int set_up_nest_on_proc(void **state)
{
	struct nest *nest;

	if (set_up_nest(state))
		return -1;
	nest = *state;
	pfs_poke_destroy(nest->poke);
	*nest->wiped = 0;
	return start(nest, "/proc");
}

int tear_down_nest(void **state)
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
	free(nest->secret);
	if (rmdir(nest->directory))
		return -1;
	free(nest);
	return 0;
}

struct pfs_poke_event event_of(enum pfs_poke_type type, const char *path)
{
	bool is_name = type != PFS_POKE_CHANGED;

	return (struct pfs_poke_event){
		.type = type,
		.inode = is_name ? NAMED : INODE,
		.directory = is_name ? INODE : DIRECTORY,
		.path = path,
	};
}

void have_scanned(struct nest *nest)
{
	unsigned before = nest->idle;

	assert_int_equal(pfs_poke_scan(nest->poke), 0);
	assert_false(pfs_poke_is_idle(nest->poke));
	await(nest, &nest->idle, before + 1);
	assert_true(pfs_poke_is_idle(nest->poke));
}

void have_made(struct nest *nest, enum pfs_poke_type type, const char *path)
{
	const struct pfs_poke_event event = event_of(type, path);
	unsigned before = nest->idle;

	assert_int_equal(pfs_poke_make(nest->poke, &event), 0);
	assert_false(pfs_poke_is_idle(nest->poke));
	await(nest, &nest->idle, before + 1);
	assert_true(pfs_poke_is_idle(nest->poke));
}

void make_file(struct nest *nest)
{
	char path[60];
	int fd;

	snprintf(path, sizeof(path), "%s/file", nest->directory);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}
