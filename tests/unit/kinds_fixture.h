/* SPDX-License-Identifier: MIT */
/* kinds_fixture: a watch over the three kinds of three_kinds.h, and what the tests of them share.
 */
#ifndef PINEFS_KINDS_FIXTURE_H
#define PINEFS_KINDS_FIXTURE_H

#include "three_kinds.h"
#include "watch_fixture.h"

int setup_kinds(void **state);

/* From here on the fixtures' functions mean this kind. */
void mean(struct scene *scene, const struct pfs_kind *kind);

/* The object with this id, or NULL. */
struct pfs_object *find(struct scene *scene, const struct pfs_kind *kind, const char *id);

/* Have an object of a kind known, and fresh from now on. */
struct pfs_object *describe(struct scene *scene, const struct pfs_kind *kind, const char *id,
			    const char *object);

/* The list of a kind has these rows now: fake_api_page. */
void list(struct scene *scene, const struct pfs_kind *kind, const char *rows);

int64_t left(struct scene *scene, struct pfs_object *object);

#endif
