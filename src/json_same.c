/* SPDX-License-Identifier: MIT */
/* Do two objects say the same? */
#include "json.h"

#include <errno.h>
#include <string.h>

/*
 * How many bytes a comparison may parse, all told. Objects in objects are looked at from both
 * sides on each level, so without a bound 64 levels would keep us busy for ever.
 */
#define SAME_BUDGET ((size_t)4 * 1024 * 1024)

static bool same_object(size_t *budget, const char *a, size_t a_length, const char *b,
			size_t b_length);
static bool same_value(size_t *budget, const struct pfs_json_value *a,
		       const struct pfs_json_value *b);

static bool spend(size_t *budget, size_t cost)
{
	bool enough = cost <= *budget;

	*budget = enough ? *budget - cost : 0;
	return enough;
}

/*
 * Is the member that both call key the same in both? Of several the last one counts. Whether the
 * rest of them is JSON is for the walks in within() to find out.
 */
static bool same_member(size_t *budget, const char *key, const char *a, size_t a_length,
			const char *b, size_t b_length)
{
	struct pfs_json_found in_a, in_b;
	bool same = false;

	if (!spend(budget, a_length) || !spend(budget, b_length))
		return false;
	if (pfs_json_pick(a, a_length, key, &in_a))
		return false;
	if (!pfs_json_pick(b, b_length, key, &in_b)) {
		same = same_value(budget, &in_a.value, &in_b.value);
		pfs_json_found_finish(&in_b);
	}
	pfs_json_found_finish(&in_a);
	return same;
}

/* Does every member of a stand in b with the same value, null being the same as absent? */
static bool within(size_t *budget, const char *a, size_t a_length, const char *b, size_t b_length)
{
	struct pfs_json_walk walk;
	struct pfs_json_value value;
	bool same = spend(budget, a_length);
	int more = pfs_json_open(&walk, a, a_length);

	while (same && !more && (more = pfs_json_next(&walk, &value)) == 1) {
		more = 0;
		same = same_member(budget, value.key, a, a_length, b, b_length);
	}
	pfs_json_close(&walk);
	return same && !more;
}

static bool same_array(size_t *budget, const struct pfs_json_value *a,
		       const struct pfs_json_value *b)
{
	struct pfs_json_walk walk_a, walk_b;
	struct pfs_json_value value_a, value_b;
	int more_a = pfs_json_open(&walk_a, a->raw, a->raw_length);
	int more_b = pfs_json_open(&walk_b, b->raw, b->raw_length);
	bool same = !more_a && !more_b && spend(budget, a->raw_length + b->raw_length);

	while (same) {
		more_a = pfs_json_next(&walk_a, &value_a);
		more_b = pfs_json_next(&walk_b, &value_b);
		if (more_a != more_b || more_a < 0)
			same = false;
		else if (!more_a)
			break;
		else
			same = same_value(budget, &value_a, &value_b);
	}
	pfs_json_close(&walk_a);
	pfs_json_close(&walk_b);
	return same;
}

static bool same_value(size_t *budget, const struct pfs_json_value *a,
		       const struct pfs_json_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case PFS_JSON_NULL:
		return true;
	case PFS_JSON_STRING:
		return !strcmp(a->string, b->string);
	case PFS_JSON_OBJECT:
		return same_object(budget, a->raw, a->raw_length, b->raw, b->raw_length);
	case PFS_JSON_ARRAY:
		return same_array(budget, a, b);
	case PFS_JSON_BOOLEAN:
	case PFS_JSON_NUMBER:
		break;
	}
	return a->raw_length == b->raw_length && !memcmp(a->raw, b->raw, a->raw_length);
}

/* Side by side, which settles nearly all. 1: the same; 0: not; -EAGAIN: it can't be told so. */
static int same_pairs(size_t *budget, const char *a, size_t a_length, const char *b,
		      size_t b_length)
{
	struct pfs_json_value in_a, in_b;
	struct pfs_json_pair pair;
	bool same = true;
	int more = spend(budget, a_length + b_length) ? 0 : -EAGAIN;

	if (more || pfs_json_open_pair(&pair, a, a_length, b, b_length))
		return -EAGAIN;
	while (same && !more && (more = pfs_json_next_pair(&pair, &in_a, &in_b)) == 1) {
		more = 0;
		same = same_value(budget, &in_a, &in_b);
	}
	if (!same)
		more = pfs_json_is_only(a, a_length, in_a.key) &&
				       pfs_json_is_only(b, b_length, in_b.key)
			       ? 0
			       : -EAGAIN;
	pfs_json_close_pair(&pair);
	return more ? -EAGAIN : same;
}

static bool same_object(size_t *budget, const char *a, size_t a_length, const char *b,
			size_t b_length)
{
	int same;

	if (a_length == b_length && !memcmp(a, b, a_length))
		return true;
	same = same_pairs(budget, a, a_length, b, b_length);
	if (same >= 0)
		return same;
	return within(budget, a, a_length, b, b_length) && within(budget, b, b_length, a, a_length);
}

bool pfs_json_same(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t budget = SAME_BUDGET;

	return same_object(&budget, a, a_length, b, b_length);
}
