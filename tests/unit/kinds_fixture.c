/* SPDX-License-Identifier: MIT */
#include "kinds_fixture.h"

#include <errno.h>

int setup_kinds(void **state)
{
	use_kinds(&three_kinds);
	return setup_watch(state);
}

void mean(struct scene *scene, const struct pfs_kind *kind)
{
	scene->store->kind = kind;
	scene->api->of = kind;
}

struct pfs_object *find(struct scene *scene, const struct pfs_kind *kind, const char *id)
{
	return pfs_store_find(scene->store->store, kind, id);
}

struct pfs_object *describe(struct scene *scene, const struct pfs_kind *kind, const char *id,
			    const char *object)
{
	mean(scene, kind);
	assert_int_equal(ask(scene->store, id, NULL), -EINPROGRESS);
	fake_api_answer(scene->api, id, object);
	return find(scene, kind, id);
}

void list(struct scene *scene, const struct pfs_kind *kind, const char *rows)
{
	mean(scene, kind);
	assert_int_equal(ask_list(scene->store, 0, NULL), -EINPROGRESS);
	fake_api_page(scene->api, rows, NULL);
}

int64_t left(struct scene *scene, struct pfs_object *object)
{
	return pfs_store_left(scene->store->store, object);
}
