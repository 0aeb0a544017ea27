/* SPDX-License-Identifier: MIT */
/*
 * The quick ways through a document against the careful one: two texts, cut at the byte 0x1e.
 *
 * Holds: of a good object, picking a member tells what finding it tells; a pair of objects gives
 * just the members that differ; saying the same is symmetric, and true of one and the same. And
 * whatever they are, nothing is read beyond their end.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "pinefs/json.h"

/* Just as long as it is, so that a sanitizer sees who reads on. */
static char *exact(struct slice slice)
{
	char *copy = malloc(slice.length ? slice.length : 1);

	must(copy);
	if (slice.length)
		memcpy(copy, slice.bytes, slice.length);
	return copy;
}

static bool is_same_value(const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	if (a->type != b->type || a->raw_length != b->raw_length)
		return false;
	if (a->string && b->string && strcmp(a->string, b->string) != 0)
		return false;
	return !a->string == !b->string && a->raw == b->raw;
}

/* What pick and find tell of a key. */
static void check_member(struct slice text, const char *key)
{
	struct pfs_json_found found, picked;

	must(!pfs_json_find(text.bytes, text.length, key, &found));
	must(!pfs_json_pick(text.bytes, text.length, key, &picked));
	must(is_same_value(&found.value, &picked.value));
	pfs_json_found_finish(&found);
	pfs_json_found_finish(&picked);
}

/* A whole object, within bounds? Then all of its members are checked, and one it may not have. */
static bool check_object(struct slice text)
{
	struct pfs_json_walk walk;
	struct pfs_json_value value;
	struct pfs_json_found found;
	int more = pfs_json_check(text.bytes, text.length);

	if (more || pfs_json_find(text.bytes, text.length, "status", &found)) {
		if (!more && !pfs_json_pick(text.bytes, text.length, "status", &found))
			pfs_json_found_finish(&found);
		return false;
	}
	pfs_json_found_finish(&found);
	must(!pfs_json_open(&walk, text.bytes, text.length));
	while ((more = pfs_json_next(&walk, &value)) == 1)
		check_member(text, value.key);
	must(!more);
	pfs_json_close(&walk);
	check_member(text, "status");
	return true;
}

/* The members at the same places whose bytes differ; -1 if the keys part ways. */
static int count_differences(struct slice a, struct slice b)
{
	struct pfs_json_walk walk_a, walk_b;
	struct pfs_json_value value_a, value_b;
	int more_a, more_b, count = 0;

	must(!pfs_json_open(&walk_a, a.bytes, a.length));
	must(!pfs_json_open(&walk_b, b.bytes, b.length));
	for (;;) {
		more_a = pfs_json_next(&walk_a, &value_a);
		more_b = pfs_json_next(&walk_b, &value_b);
		if (more_a != 1 || more_b != 1)
			break;
		if (strcmp(value_a.key, value_b.key) != 0) {
			more_a = -1;
			break;
		}
		count += value_a.raw_length != value_b.raw_length ||
			 memcmp(value_a.raw, value_b.raw, value_a.raw_length) != 0;
	}
	pfs_json_close(&walk_a);
	pfs_json_close(&walk_b);
	return more_a == more_b ? count : -1;
}

static void check_pair(struct slice a, struct slice b)
{
	struct pfs_json_pair pair;
	struct pfs_json_value value_a, value_b;
	int expected = count_differences(a, b), count = 0;
	int more = pfs_json_open_pair(&pair, a.bytes, a.length, b.bytes, b.length);

	must(!more);
	while ((more = pfs_json_next_pair(&pair, &value_a, &value_b)) == 1) {
		must(!strcmp(value_a.key, value_b.key));
		must(value_a.raw_length != value_b.raw_length ||
		     memcmp(value_a.raw, value_b.raw, value_a.raw_length) != 0);
		count++;
	}
	pfs_json_close_pair(&pair);
	/* The same key may be written in two ways: then it is -EAGAIN though none differ. */
	must(more == 0 || more == -EAGAIN);
	if (!more)
		must(count == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = {(const char *)data, size}, a = {"", 0}, b = {"", 0};
	char *copies[2];
	bool good;

	(void)slice_next(&rest, 0x1e, &a);
	(void)slice_next(&rest, 0x1e, &b);
	a.bytes = copies[0] = exact(a);
	b.bytes = copies[1] = exact(b);
	good = check_object(a);
	good = check_object(b) && good;
	if (good) {
		check_pair(a, b);
		must(pfs_json_same(a.bytes, a.length, a.bytes, a.length));
		must(pfs_json_same(a.bytes, a.length, b.bytes, b.length) ==
		     pfs_json_same(b.bytes, b.length, a.bytes, a.length));
	}
	free(copies[0]);
	free(copies[1]);
	return 0;
}
