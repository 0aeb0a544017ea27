/* SPDX-License-Identifier: MIT */
#include "restore_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct pfs_object *known(struct bench *bench, const struct pfs_kind *kind, const char *id)
{
	return pfs_store_find(bench->store->store, kind, id);
}

static struct pfs_object *describe(struct bench *bench, const struct pfs_kind *kind, const char *id,
				   const char *object)
{
	struct fixture *store = bench->store;

	store->kind = kind;
	assert_int_equal(ask(store, id, NULL), -EINPROGRESS);
	store->api.of = kind;
	fake_api_answer(&store->api, id, object);
	store->api.of = NULL;
	store->kind = JOBS;
	assert_non_null(known(bench, kind, id));
	return known(bench, kind, id);
}

struct pfs_object *know_backup(struct bench *bench, const char *id)
{
	char object[100];

	snprintf(object, sizeof(object), "{\"backup_id\":\"%s\",\"status\":\"Ready\"}", id);
	return describe(bench, BACKUPS, id, object);
}

struct pfs_object *know_made(struct bench *bench, const char *id, const char *object)
{
	return describe(bench, JOBS, id, object);
}

void list_jobs(struct bench *bench, const char *rows)
{
	bench->store->kind = JOBS;
	assert_int_equal(ask_list(bench->store, PFS_LIST_WHOLE, NULL), -EINPROGRESS);
	fake_api_page(&bench->store->api, rows, NULL);
}

const char *made_of(struct bench *bench, const struct pfs_object *source)
{
	static char names[4000];
	struct pfs_object *job = NULL;
	size_t length = 0;
	const char *name;

	names[0] = '\0';
	while ((job = pfs_restores_next(bench->restores, source, job ? job->slot : 0, &name))) {
		assert_ptr_equal(pfs_restores_find(bench->restores, source, name), job);
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s=%s",
					   length ? " " : "", name, job->id);
		assert_true(length < sizeof(names));
	}
	return names;
}

const char *job_of(struct bench *bench, const struct pfs_object *source, const char *name)
{
	const struct pfs_object *job = pfs_restores_find(bench->restores, source, name);

	return job ? job->id : "";
}

int make(struct bench *bench, struct pfs_object *source, const char *name, struct waiter *waiter)
{
	const struct pfs_giver giver = {.uid = 1000, .pid = 4242, .name = "mkdir"};
	struct waiter nobody = {0};
	int error = pfs_restores_make(bench->restores, source, name, &giver,
				      prepare(waiter ? waiter : &nobody));

	if (!waiter && error == -EINPROGRESS)
		pfs_wait_cancel(&nobody.wait);
	return error;
}

/* --- one backup, and who listens ----------------------------------------------------------- */

unsigned waited_for, unexpected;

static void no_one(void *arg, struct pfs_object *source, struct pfs_object *job, const char *name)
{
}

static void on_made(void *arg, struct pfs_object *source, struct pfs_object *job, const char *name,
		    bool waited)
{
	assert_ptr_equal(pfs_restores_find(((struct bench *)arg)->restores, source, name), job);
	waited_for += waited;
	unexpected += !waited;
}

struct pfs_object *backup(struct bench *bench)
{
	return known(bench, BACKUPS, "b");
}

int setup_restores(void **state)
{
	struct pfs_restores_listener listener = {.appeared = on_made, .vanished = no_one};
	struct bench *bench;

	if (setup_tree_with_restores(state))
		return -1;
	bench = *state;
	listener.arg = bench;
	waited_for = unexpected = 0;
	know_backup(bench, "b");
	pfs_store_hold(bench->store->store, backup(bench), 1); /* as a caller's directory does */
	return pfs_restores_listen(bench->restores, &listener);
}

void answer_index(struct bench *bench, const char *name, int error, int status)
{
	char object[100];

	bench->store->api.of = INDEXES;
	snprintf(object, sizeof(object), "{\"name\":\"%s\"}", name);
	if (error)
		fake_api_fail(&bench->store->api, name, error, status);
	else
		fake_api_answer(&bench->store->api, name, object);
	bench->store->api.of = NULL;
}

void assert_error(struct bench *bench, const char *text)
{
	const char *error = pfs_restores_error(bench->restores, backup(bench));

	if (!text)
		assert_null(error);
	else if (!error || strcmp(error, text) != 0)
		fail_msg("'%s', not '%s'", error ? error : "", text);
}
