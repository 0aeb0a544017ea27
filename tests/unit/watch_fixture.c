/* SPDX-License-Identifier: MIT */
#include "watch_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLICE (20 * PFS_MILLISECOND)

static void tell(struct scene *scene, const char *what, const void *handle)
{
	size_t length = strlen(scene->told);

	snprintf(scene->told + length, sizeof(scene->told) - length, "%s%s:%s", length ? " " : "",
		 what, (const char *)handle);
}

static bool is_busy(void *arg, uint64_t directory)
{
	const struct scene *scene = arg;

	return directory == scene->busy || scene->busy == EVERY_DIRECTORY;
}

static void notify_inode(void *arg, uint64_t inode, void *handle)
{
	struct scene *scene = arg;

	if (handle)
		tell(scene, "wake", handle);
	scene->fetched[scene->fetch_count++ % COUNT(scene->fetched)] = inode;
}

static void notify_names(void *arg)
{
	((struct scene *)arg)->names_forgotten++;
}

static void drop(void *arg, void *handle)
{
	tell(arg, "drop", handle);
}

static int create(struct scene *scene, bool child)
{
	const struct pfs_watch_config config = {.ttl = TTL, .restores = scene->bench->restores};
	const struct pfs_watch_host host = {
		.is_busy = is_busy,
		.notify = notify_inode,
		.notify_names = notify_names,
		.drop = drop,
		.arg = scene,
	};
	int error = pfs_watch_create(scene->store->store, scene->bench->tree, scene->store->loop,
				     &scene->store->stats, child ? &scene->poke : NULL, &config,
				     &scene->watch);

	if (!error)
		pfs_watch_set_host(scene->watch, &host);
	return error;
}

static int begin(void **state, bool child, bool restores)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	void *bench = NULL;

	if (!scene || (restores ? setup_tree_with_restores(&bench) : setup_tree(&bench)))
		return -1;
	*state = scene;
	scene->bench = bench;
	scene->store = scene->bench->store;
	scene->api = &scene->store->api;
	scene->rows = "";
	return create(scene, child);
}

int setup_watch(void **state)
{
	return begin(state, true, false);
}

int setup_watch_without_child(void **state)
{
	return begin(state, false, false);
}

int setup_watch_with_restores(void **state)
{
	return begin(state, true, true);
}

int teardown_watch(void **state)
{
	struct scene *scene = *state;
	void *bench = scene->bench;
	int error;

	pfs_watch_destroy(scene->watch);
	error = teardown_tree(&bench);
	free(scene);
	return error;
}

uint64_t inode_of(struct scene *scene, const char *path)
{
	return walk(scene->bench, path).inode;
}

void watch_path(struct scene *scene, const char *path)
{
	pfs_watch_noticed(scene->watch);
	fake_poke_watch(&scene->poke, inode_of(scene, path));
}

void watch_and_look(struct scene *scene, const char *path)
{
	watch_path(scene, path);
	live(scene, LOOK);
}

void live(struct scene *scene, int64_t ns)
{
	for (; ns > 0; ns -= SLICE) {
		pass(scene->store, ns < SLICE ? ns : SLICE);
		fake_poke_work(&scene->poke);
	}
}

static void answer(struct scene *scene, const char *id, const char *status)
{
	char copy[300];

	snprintf(copy, sizeof(copy), "%s", id ? id : "");
	if (!status)
		fake_api_fail(scene->api, id ? copy : NULL, -EIO, 503);
	else if (id)
		fake_api_status(scene->api, copy, status);
	else
		fake_api_page(scene->api, scene->rows, NULL);
}

unsigned live_with_api(struct scene *scene, int64_t ns, const char *status)
{
	unsigned before = scene->api->describes + scene->api->lists;
	const char *id;

	for (; ns > 0; ns -= SLICE) {
		live(scene, ns < SLICE ? ns : SLICE);
		while (fake_api_oldest(scene->api, &id))
			answer(scene, id, status);
		fake_poke_work(&scene->poke);
	}
	return scene->api->describes + scene->api->lists - before;
}

void blink(struct scene *scene)
{
	live(scene, 100 * PFS_MILLISECOND);
}

struct pfs_object *job(struct scene *scene)
{
	return pfs_store_find(scene->store->store, scene->store->kind, "a");
}

void answer_job(struct scene *scene, const char *object)
{
	pfs_store_expire(scene->store->store);
	assert_int_equal(ask(scene->store, "a", NULL), -EINPROGRESS);
	fake_api_answer(scene->api, "a", object);
}

void change_job(struct scene *scene, const char *status)
{
	char object[100];

	snprintf(object, sizeof(object), "{\"restore_job_id\":\"a\",\"status\":\"%s\"}", status);
	answer_job(scene, object);
}

int wait_for(struct scene *scene, const char *id, struct waiter *waiter)
{
	return pfs_watch_wait(scene->watch,
			      pfs_store_find(scene->store->store, scene->store->kind, id),
			      prepare(waiter));
}

void give_up(struct scene *scene, struct waiter *waiter)
{
	pfs_wait_cancel(&waiter->wait);
}

void assert_host_told(struct scene *scene, const char *told)
{
	assert_string_equal(scene->told, told);
	scene->told[0] = '\0';
}

bool is_fetched_anew(struct scene *scene, const char *path)
{
	uint64_t inode = inode_of(scene, path);

	for (size_t i = 0; i < scene->fetch_count && i < COUNT(scene->fetched); i++) {
		if (scene->fetched[i] == inode)
			return true;
	}
	return false;
}

static int note_timeout(void *arg, struct pollfd *fds, size_t count, int timeout)
{
	*(int *)arg = timeout;
	return 0;
}

bool is_at_rest(struct scene *scene)
{
	int timeout = 0;
	const struct pfs_loop_waiter waiter = {.wait = note_timeout, .arg = &timeout};

	pfs_loop_set_waiter(scene->store->loop, &waiter);
	assert_int_equal(pfs_loop_turn(scene->store->loop), 0);
	fake_time_drive(&scene->store->time, scene->store->loop);
	return timeout == -1;
}
