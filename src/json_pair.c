/* SPDX-License-Identifier: MIT */
/*
 * Two objects side by side. The members of each are first sorted by key, to find those of the other
 * fast.
 */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int pfs_json_compare_keys(const void *first, const void *second)
{
	const struct named *a = first, *b = second;
	int order = memcmp(a->key, b->key, a->length < b->length ? a->length : b->length);

	return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare(const void *first, const void *second)
{
	const struct named *a = first, *b = second;
	int order = pfs_json_compare_keys(a, b);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

int pfs_json_sort(const struct pfs_json *json, uint32_t object, struct named **ret_sorted,
		  size_t *ret_count)
{
	const struct pfs_json_entry *entries = json->entries;
	size_t count = 0;
	struct named *sorted;

	for (uint32_t i = object + 1; i < entries[object].next; i = entries[i].next)
		count += !entries[i].is_shadowed;
	sorted = calloc(count + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	count = 0;
	for (uint32_t i = object + 1; i < entries[object].next; i = entries[i].next) {
		if (entries[i].is_shadowed)
			continue;
		sorted[count++] = (struct named){
			.key = pfs_json_bytes_at(json, entries[i].key),
			.length = entries[i].key_length,
			.index = i,
		};
	}
	qsort(sorted, count, sizeof(*sorted), compare);
	*ret_sorted = sorted;
	*ret_count = count;
	return 0;
}

/* --- pairs --------------------------------------------------------------------------------- */

struct side {
	const struct pfs_json_value *object;
	struct named *sorted;
	size_t count;
};

static int sort_side(struct side *side)
{
	return pfs_json_sort(side->object->json, side->object->index, &side->sorted, &side->count);
}

static struct pfs_json_value find(const struct side *side, const struct pfs_json_value *member)
{
	const struct named key = {.key = member->key, .length = (uint32_t)member->key_length};
	const struct named *found =
		bsearch(&key, side->sorted, side->count, sizeof(key), pfs_json_compare_keys);

	return found ? pfs_json_value_of(side->object->json, found->index)
		     : (struct pfs_json_value){0};
}

/* The next member that counts. */
static bool next_said(const struct pfs_json_value *object, struct pfs_json_value *member)
{
	while (pfs_json_next(object, member)) {
		if (!member->is_shadowed && member->type != PFS_JSON_NULL)
			return true;
	}
	return false;
}

int pfs_json_each_pair(const struct pfs_json_value *a, const struct pfs_json_value *b,
		       pfs_json_visit *visit, void *arg)
{
	struct side in_a = {.object = a}, in_b = {.object = b};
	struct pfs_json_value value = {0}, other;
	int error = sort_side(&in_a);
	bool go_on;

	if (!error)
		error = sort_side(&in_b);
	go_on = !error;
	while (go_on && next_said(a, &value)) {
		other = find(&in_b, &value);
		go_on = visit(arg, &value, &other);
	}
	value = (struct pfs_json_value){0};
	while (go_on && next_said(b, &value)) {
		other = find(&in_a, &value);
		if (other.type == PFS_JSON_NULL)
			go_on = visit(arg, &other, &value);
	}
	free(in_a.sorted);
	free(in_b.sorted);
	return error;
}

/* --- sameness ------------------------------------------------------------------------------ */

static bool is_same_array(const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	struct pfs_json_value in_a = {0}, in_b = {0};

	for (;;) {
		bool more = pfs_json_next(a, &in_a);

		if (pfs_json_next(b, &in_b) != more)
			return false;
		if (!more)
			return true;
		if (!pfs_json_is_same(&in_a, &in_b))
			return false;
	}
}

static bool visit_same(void *arg, const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	bool *same = arg;

	*same = pfs_json_is_same(a, b);
	return *same;
}

static bool is_same_object(const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	bool same = true;

	return !pfs_json_each_pair(a, b, visit_same, &same) && same;
}

bool pfs_json_is_same(const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	if (pfs_json_is_equal(a, b))
		return true;
	if (a->type == b->type && a->type == PFS_JSON_OBJECT)
		return is_same_object(a, b);
	return a->type == b->type && a->type == PFS_JSON_ARRAY && is_same_array(a, b);
}

bool pfs_json_same(const struct pfs_json *a, const struct pfs_json *b)
{
	const struct pfs_json_value in_a = pfs_json_whole(a), in_b = pfs_json_whole(b);

	return pfs_json_is_same(&in_a, &in_b);
}
