/* SPDX-License-Identifier: MIT */
/*
 * What the files of the json room share: json.c (reading the table), json_parse.c (making it),
 * json_pair.c (two objects side by side).
 */
#ifndef PINEFS_SRC_JSON_H
#define PINEFS_SRC_JSON_H

#include "pinefs/json.h"

/*
 * Where a value stands; entries are in the order sent, the whole document first. An offset below
 * the document's length is one in its bytes, another is one in the decoded strings, less that
 * length.
 */
struct pfs_json_entry {
	uint32_t key; /* offset; 0: it isn't a member */
	uint32_t key_length;
	uint32_t text; /* offset */
	uint32_t length;
	uint32_t next : 28; /* the entry after this one and all that is in it */
	uint32_t type : 3;
	uint32_t is_shadowed : 1;
};

/* A member of an object whose members are sorted by their keys. */
struct named {
	const char *key;
	uint32_t length;
	uint32_t index;
};

/* The members that aren't shadowed, by key, then in the order sent. 0, -ENOMEM. */
int pfs_json_sort(const struct pfs_json *json, uint32_t object, struct named **ret_sorted,
		  size_t *ret_count);
int pfs_json_compare_keys(const void *a, const void *b); /* of struct named, for bsearch(3) */

const char *pfs_json_bytes_at(const struct pfs_json *json, uint32_t offset);
struct pfs_json_value pfs_json_value_of(const struct pfs_json *json, uint32_t index);

#endif
