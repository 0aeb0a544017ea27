/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Restore jobs, and nothing else. */
static struct pfs_kinds jobs_only = {.count = 1};

static struct pfs_store_config usual = {
	.kinds = &jobs_only,
	.ttl = TTL,
	.ttl_ready = TTL_READY,
	.ttl_final = TTL_FINAL,
	.ttl_missing = TTL_MISSING,
	.ttl_error = TTL_ERROR,
	.timeout = TIMEOUT,
	.stale = STALE,
	.max_objects = 1000,
	.max_bytes = UINT64_MAX,
	.max_missing = 100,
	.max_idle = 100,
};

static void add_news(struct fixture *fixture, char mark, const char *what)
{
	size_t length = strlen(fixture->news);

	snprintf(fixture->news + length, sizeof(fixture->news) - length, "%s%c%s",
		 length ? " " : "", mark, what);
}

/* What store.h says of a known object holds inside of each call, too. */
static void assert_whole(struct fixture *fixture, const struct pfs_object *object)
{
	assert_int_not_equal(object->slot, 0);
	assert_ptr_equal(pfs_store_by_slot(fixture->store, object->kind, object->slot), object);
	assert_non_null(object->content);
	assert_non_null(object->origin);
	assert_int_not_equal(object->first_seen, 0);
	assert_null(object->idle);
	assert_true(!object->origin->listed || object->walk);
}

/* ... and of one that was told this moment. */
static void assert_renewed(struct fixture *fixture, struct pfs_object *object)
{
	int64_t now = pfs_loop_now(fixture->loop);

	assert_whole(fixture, object);
	assert_false(object->gone);
	assert_ptr_equal(pfs_store_find(fixture->store, object->kind, object->id), object);
	assert_null(object->failure);
	assert_true(object->fresh_until > now);
	assert_true(object->fresh_until >= now + pfs_store_ttl(fixture->store, object));
	assert_int_equal(pfs_store_left(fixture->store, object), object->fresh_until - now);
	assert_false(pfs_store_is_stale(fixture->store, object));
	assert_int_equal(object->origin->received_at, pfs_loop_wall(fixture->loop));
}

static void on_appeared(void *arg, struct pfs_object *object)
{
	struct fixture *fixture = arg;

	assert_renewed(fixture, object);
	if (object->first_seen != fixture->announced_at)
		assert_int_equal(object->first_seen, pfs_loop_wall(fixture->loop));
	if (pfs_store_list_generation(fixture->store, object->kind))
		assert_true(pfs_store_list_modified(fixture->store, object->kind) >=
			    object->first_seen);
	add_news(fixture, '+', object->id);
}

static void on_changed(void *arg, struct pfs_object *object, struct pfs_content *before)
{
	struct fixture *fixture = arg;

	assert_renewed(fixture, object);
	snprintf(fixture->before, sizeof(fixture->before), "%s", before->json.bytes);
	assert_ptr_not_equal(object->content, before);
	assert_true(object->content->modified > before->modified);
	add_news(fixture, '~', object->id);
}

static void on_vanished(void *arg, struct pfs_object *object)
{
	struct fixture *fixture = arg;

	assert_whole(fixture, object);
	assert_true(object->gone);
	assert_null(pfs_store_find(fixture->store, object->kind, object->id));
	assert_non_null(object->failure);
	assert_int_equal(object->failure->error, -ENOENT);
	assert_true(pfs_store_list_modified(fixture->store, object->kind) >=
		    pfs_loop_wall(fixture->loop));
	add_news(fixture, '-', object->id);
}

static void on_freed(void *arg, struct pfs_object *object)
{
	struct fixture *fixture = arg;

	assert_null(object->flight);
	assert_null(object->idle);
	assert_true(!object->origin == !object->content);
	if (object->content)
		add_news(fixture, '!', object->id);
	else
		fixture->unseen_freed++;
}

/* The kind whose object or list a failure's path means. */
static const struct pfs_kind *kind_of_path(const char *path)
{
	size_t i = 0;

	while (strncmp(path, usual.kinds->rows[i]->path, strlen(usual.kinds->rows[i]->path)) != 0)
		assert_true(++i < usual.kinds->count);
	return usual.kinds->rows[i];
}

static void on_failed(void *arg, const char *object, const struct pfs_failure *failure)
{
	struct fixture *fixture = arg;
	const struct pfs_kind *kind = kind_of_path(object);
	const char *id = object + strlen(kind->path);
	const struct pfs_object *known;

	assert_true(failure->error < 0);
	assert_non_null(failure->text);
	assert_non_null(failure->request_id);
	assert_true(failure->until >= pfs_loop_now(fixture->loop));
	assert_true((failure->misses > 0) == (failure->error == -ENOENT));
	if (!*id) { /* the list */
		assert_false(pfs_store_is_walking(fixture->store, kind));
	} else if ((known = pfs_store_find(fixture->store, kind, id + 1))) {
		assert_whole(fixture, known);
		assert_ptr_equal(known->failure, failure);
	}
	add_news(fixture, '?', object);
}

static int create(struct fixture *fixture)
{
	const struct pfs_store_listener listener = {
		.appeared = on_appeared,
		.changed = on_changed,
		.vanished = on_vanished,
		.freed = on_freed,
		.failed = on_failed,
		.arg = fixture,
	};
	int error = pfs_store_create(&fixture->api, fixture->loop, &fixture->stats,
				     &fixture->config, &fixture->store);

	return error ? error : pfs_store_listen(fixture->store, &listener);
}

void use_kinds(const struct pfs_kinds *kinds)
{
	usual.kinds = kinds;
}

void use_room(size_t max_objects)
{
	usual.max_objects = max_objects;
}

int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	*state = fixture;
	jobs_only.rows[0] = pfs_kind_by_name(&pfs_all_kinds, "restore-jobs");
	fake_time_init(&fixture->time);
	if (pfs_loop_create(&fixture->time.clock, &fixture->loop))
		return -1;
	fake_time_drive(&fixture->time, fixture->loop);
	fake_api_init(&fixture->api, fixture->loop);
	fixture->config = usual;
	fixture->kind = usual.kinds->rows[0];
	return create(fixture);
}

int teardown(void **state)
{
	struct fixture *fixture = *state;
	bool dirty = fixture->stats.waiting > 0;

	pfs_store_destroy(fixture->store);
	/* The store has cancelled what it had asked, and counted down what it held. */
	dirty = dirty || fixture->api.under_way || fixture->stats.objects ||
		fixture->stats.object_bytes || fixture->stats.history_bytes;
	fake_api_finish(&fixture->api);
	pfs_loop_destroy(fixture->loop);
	free(fixture);
	return dirty ? -1 : 0;
}

void configure(struct fixture *fixture, const struct pfs_store_config *config)
{
	pfs_store_destroy(fixture->store);
	fixture->config = *config;
	assert_int_equal(create(fixture), 0);
}

void pass(struct fixture *fixture, int64_t ns)
{
	fake_time_pass(&fixture->time, fixture->loop, ns);
}

static void on_done(struct pfs_wait *wait, int error)
{
	struct waiter *waiter = (struct waiter *)wait;

	waiter->calls++;
	waiter->error = error;
}

struct pfs_wait *prepare(struct waiter *waiter)
{
	void (*done)(struct pfs_wait * wait, int error) = waiter->wait.done;

	*waiter = (struct waiter){.wait.done = done ? done : on_done};
	return &waiter->wait;
}

int ask(struct fixture *fixture, const char *id, struct waiter *waiter)
{
	struct waiter nobody = {0};
	struct pfs_object *object = NULL;
	int error = pfs_store_ask(fixture->store, fixture->kind, id,
				  prepare(waiter ? waiter : &nobody), &object);

	if (!waiter && error == -EINPROGRESS)
		pfs_wait_cancel(&nobody.wait);
	if (!error)
		assert_string_equal(object->id, id);
	return error;
}

int ask_list(struct fixture *fixture, uint64_t after, struct waiter *waiter)
{
	struct waiter nobody = {0};
	int error = pfs_store_ask_list(fixture->store, fixture->kind, after,
				       prepare(waiter ? waiter : &nobody));

	if (!waiter && error == -EINPROGRESS)
		pfs_wait_cancel(&nobody.wait);
	return error;
}

void assert_told(const struct waiter *waiter, int error)
{
	assert_int_equal(waiter->calls, 1);
	assert_int_equal(waiter->error, error);
}

void assert_waiting(const struct waiter *waiter)
{
	assert_int_equal(waiter->calls, 0);
}

struct pfs_object *learn(struct fixture *fixture, const char *id, const char *status)
{
	struct pfs_object *object;

	assert_int_equal(ask(fixture, id, NULL), -EINPROGRESS);
	fake_api_status(&fixture->api, id, status);
	object = pfs_store_find(fixture->store, fixture->kind, id);
	assert_non_null(object);
	return object;
}

void learn_list(struct fixture *fixture, const char *rows)
{
	assert_int_equal(ask_list(fixture, 0, NULL), -EINPROGRESS);
	fake_api_page(&fixture->api, rows, NULL);
	assert_int_equal(ask_list(fixture, 0, NULL), 0);
}

void assert_news(struct fixture *fixture, const char *news)
{
	assert_string_equal(fixture->news, news);
	fixture->news[0] = '\0';
}
