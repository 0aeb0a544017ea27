/* SPDX-License-Identifier: MIT */
#include "pinefs/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* A copy without a NUL behind it, so that a sanitizer sees whoever reads on. */
static char *exactly(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, text, length);
	return copy;
}

static char *repeated(const char *unit, size_t count, const char *end)
{
	size_t length = strlen(unit);
	char *text = malloc(count * length + strlen(end) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * length, unit, length);
	strcpy(text + count * length, end);
	return text;
}

/* --- bounds -------------------------------------------------------------------------------- */

static void test_check_each_text_as_in_table(void **state)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = {
		{"", 0},
		{"{}", 0},
		{"[{\"a\":[]},{}]", 0},
		{"{\"a\":\"}]\\\"}\"}", 0}, /* brackets in strings don't count */
		{"no JSON at all", 0},	    /* nor is it said to be */
		{"{", -EBADMSG},
		{"}", -EBADMSG},
		{"[}", -EBADMSG},
		{"{\"a\":[}]", -EBADMSG},
		{"{}}", -EBADMSG},
		{"{\"a", -EBADMSG},
		{"{\"a\\\"}", -EBADMSG},
		{"\"\\", -EBADMSG},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t length = strlen(rows[i].text);
		char *text = exactly(rows[i].text, length);

		if (pfs_json_check(text, length) != rows[i].result)
			fail_msg("%s: not %d", rows[i].text, rows[i].result);
		free(text);
	}
}

static void assert_check(char *text, int result)
{
	assert_int_equal(pfs_json_check(text, strlen(text)), result);
	free(text);
}

static void test_check_depth_at_bound_passes_and_past_it_fails(void **state)
{
	char *closing = repeated("]", PFS_JSON_DEPTH, "");
	char *deeper = repeated("]", PFS_JSON_DEPTH + 1, "");

	assert_check(repeated("[", PFS_JSON_DEPTH, closing), 0);
	assert_check(repeated("[", PFS_JSON_DEPTH + 1, deeper), -EBADMSG);
	assert_check(repeated("[", 1000000, ""), -EBADMSG);
	free(closing);
	free(deeper);
}

static void test_check_values_at_bound_pass_and_past_it_fail(void **state)
{
	assert_check(repeated("1,", PFS_JSON_VALUES, "1"), 0);
	assert_check(repeated("1,", PFS_JSON_VALUES + 1, "1"), -EFBIG);
}

/* --- the walk ------------------------------------------------------------------------------ */

static void assert_next(struct pfs_json_walk *walk, enum pfs_json_type type, const char *key,
			const char *string, const char *raw)
{
	struct pfs_json_value value;

	assert_int_equal(pfs_json_next(walk, &value), 1);
	assert_int_equal(value.type, type);
	if (key)
		assert_string_equal(value.key, key);
	else
		assert_null(value.key);
	if (string)
		assert_string_equal(value.string, string);
	else
		assert_null(value.string);
	assert_int_equal(value.raw_length, strlen(raw));
	assert_memory_equal(value.raw, raw, strlen(raw));
}

static void walk_members(bool shallow)
{
	static const char text[] =
		" {\"n\" : 4.20e1 ,\"s\":\"a\\n\\u00e9\\\"\",\"t\":true,\"f\":false\n,\"z\":null,"
		"\"o\":{\"x\": [1,2]},\"l\":[ ],\"k\\u0041\":-0,\"n\":1} \r\n\t";
	char *copy = exactly(text, strlen(text));
	struct pfs_json_walk walk;
	struct pfs_json_value value;

	assert_int_equal(pfs_json_open(&walk, copy, strlen(text)), 0);
	assert_int_equal(walk.type, PFS_JSON_OBJECT);
	walk.shallow = shallow;
	assert_next(&walk, PFS_JSON_NUMBER, "n", NULL, "4.20e1");
	assert_next(&walk, PFS_JSON_STRING, "s", "a\n\xc3\xa9\"", "\"a\\n\\u00e9\\\"\"");
	assert_next(&walk, PFS_JSON_BOOLEAN, "t", NULL, "true");
	assert_next(&walk, PFS_JSON_BOOLEAN, "f", NULL, "false");
	assert_next(&walk, PFS_JSON_NULL, "z", NULL, "null");
	assert_next(&walk, PFS_JSON_OBJECT, "o", NULL, "{\"x\": [1,2]}");
	assert_next(&walk, PFS_JSON_ARRAY, "l", NULL, "[ ]");
	assert_next(&walk, PFS_JSON_NUMBER, "kA", NULL, "-0");
	assert_next(&walk, PFS_JSON_NUMBER, "n", NULL, "1");
	assert_int_equal(pfs_json_next(&walk, &value), 0);
	pfs_json_close(&walk);
	free(copy);
}

static void test_walk_gives_members_in_order_with_their_bytes(void **state)
{
	walk_members(false);
}

static void test_walk_shallow_gives_the_same(void **state)
{
	walk_members(true);
}

static void test_walk_gives_elements_without_keys(void **state)
{
	static const char text[] = "[\"x\",{\"a\":\"]\"},[[]],7]";
	struct pfs_json_walk walk;
	struct pfs_json_value value;

	assert_int_equal(pfs_json_open(&walk, text, strlen(text)), 0);
	assert_int_equal(walk.type, PFS_JSON_ARRAY);
	walk.shallow = true;
	assert_next(&walk, PFS_JSON_STRING, NULL, "x", "\"x\"");
	assert_next(&walk, PFS_JSON_OBJECT, NULL, NULL, "{\"a\":\"]\"}");
	assert_next(&walk, PFS_JSON_ARRAY, NULL, NULL, "[[]]");
	assert_next(&walk, PFS_JSON_NUMBER, NULL, NULL, "7");
	assert_int_equal(pfs_json_next(&walk, &value), 0);
	pfs_json_close(&walk);
}

/* Walk to the end: 0, or what the walk failed with. */
static int walk_through(const char *text, size_t length, bool shallow)
{
	char *copy = exactly(text, length);
	struct pfs_json_walk walk;
	struct pfs_json_value value;
	int more = pfs_json_open(&walk, copy, length);

	walk.shallow = shallow;
	while (!more && (more = pfs_json_next(&walk, &value)) == 1)
		more = 0;
	pfs_json_close(&walk);
	free(copy);
	return more;
}

static void test_walk_what_is_no_json_fails(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"1",
		"\"a\"",
		"null",
		"plain text",
		"<html>",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{,}",
		"{\"a\" 1}",
		"{\"a\":1 \"b\":2}",
		"{1:2}",
		"{a:1}",
		"{\"a\":1} x",
		"{\"a\":1}{}",
		"[1,]",
		"[1 2]",
		"[,1]",
		"[nul]",
		"[tru]",
		"[\"\\x\"]",
		"[\"\\ud800\"]",
		"[-]",
		"{'a':1}",
		/* A NUL in a string would end it early. */
		"{\"a\":\"x\\u0000y\"}",
		"{\"x\\u0000y\":1}",
		"[\"\\\\\\u0000\"]",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		for (int shallow = 0; shallow < 2; shallow++) {
			if (walk_through(texts[i], strlen(texts[i]), shallow) != -EBADMSG)
				fail_msg("taken: %s", texts[i]);
		}
	}
	assert_int_equal(walk_through("[1]\0", 4, false), -EBADMSG);
	assert_int_equal(walk_through("[\0]", 3, false), -EBADMSG);
}

/* What cJSON skips but JSON doesn't know as white space must not end up in a value's bytes. */
static void test_walk_control_bytes_before_a_value_fail(void **state)
{
	static const char *const texts[] = {
		"[\x01"
		"1]",
		"{\"a\":\v1}",
		"{\f\"a\":1}",
		"[\xef\xbb\xbf"
		"1]",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		if (walk_through(texts[i], strlen(texts[i]), false) != -EBADMSG)
			fail_msg("row %zu was taken", i);
	}
}

static void test_walk_escaped_backslash_before_u0000_is_text(void **state)
{
	static const char text[] = "[\"\\\\u0000\"]";
	struct pfs_json_walk walk;

	assert_int_equal(pfs_json_open(&walk, text, strlen(text)), 0);
	assert_next(&walk, PFS_JSON_STRING, NULL, "\\u0000", "\"\\\\u0000\"");
	pfs_json_close(&walk);
}

static void test_walk_cut_short_anywhere_fails(void **state)
{
	static const char text[] = "{\"a\":[1,{\"b\":\"\\u00e9\"}],\"c\":-1.5e3,\"d\":null}";

	assert_int_equal(walk_through(text, strlen(text), false), 0);
	for (size_t length = 0; length < strlen(text); length++)
		assert_int_equal(walk_through(text, length, false), -EBADMSG);
}

/* --- finding ------------------------------------------------------------------------------- */

typedef int finder(const char *text, size_t length, const char *key, struct pfs_json_found *found);
static finder *const finders[] = {pfs_json_find, pfs_json_pick};
#define FINDER_COUNT (sizeof(finders) / sizeof(finders[0]))

static void test_find_gives_the_last_of_several(void **state)
{
	static const char text[] = "{\"a\":1,\"b\":2,\"a\":\"three\"}";
	struct pfs_json_found found;

	for (size_t i = 0; i < FINDER_COUNT; i++) {
		assert_int_equal(finders[i](text, strlen(text), "a", &found), 0);
		assert_int_equal(found.value.type, PFS_JSON_STRING);
		assert_string_equal(found.value.string, "three");
		assert_null(found.value.key);
		assert_memory_equal(found.value.raw, "\"three\"", 7);
		assert_int_equal(found.value.raw_length, 7);
		pfs_json_found_finish(&found);
		pfs_json_found_finish(&found); /* once more does nothing */
	}
}

static void test_find_absent_is_null(void **state)
{
	struct pfs_json_found found;

	for (size_t i = 0; i < FINDER_COUNT; i++) {
		memset(&found, 0xff, sizeof(found));
		assert_int_equal(finders[i]("{\"a\":{\"b\":1}}", 13, "b", &found), 0);
		assert_int_equal(found.value.type, PFS_JSON_NULL);
		assert_null(found.value.raw);
		pfs_json_found_finish(&found);
	}
}

static void test_find_in_what_is_no_object_fails(void **state)
{
	static const char *const texts[] = {"[\"a\"]",	"x",	"{\"a\":1", "{\"a\":1}]",
					    "{\"a\"}",	"{\"a", "{\"b\":",  "{\"b\":\"",
					    "{\"b\":{", "{,}",	"{\"a\":}", "{\"b\":1 \"a\":1}"};
	struct pfs_json_found found;

	for (size_t i = 0; i < FINDER_COUNT; i++) {
		for (size_t j = 0; j < sizeof(texts) / sizeof(texts[0]); j++)
			assert_int_equal(finders[i](texts[j], strlen(texts[j]), "a", &found),
					 -EBADMSG);
	}
}

/* Every value of each text, found by both, is the same. */
static void test_find_and_pick_agree(void **state)
{
	static const char *const texts[] = {
		"{}",
		" { \"a\" : \"x\" , \"ab\" : 1e2 , \"\":null,\"b\":true } ",
		"{\"\\u0061\":1,\"a\\\"\":2,\"a\\\\\":\"\\\"}\"}",
		"{\"ab\":{\"a\":[\"}\",{\"a\":1}]},\"a\":[1,[2,{\"]\":3}]],\"b\":-0.5}",
		"{\"a\":\"\\\\\",\"b\":\"{\\\"a\\\":1\"}",
	};
	static const char *const keys[] = {"a", "ab", "b", "", "a\"", "a\\", "c"};
	struct pfs_json_found one, other;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t j = 0; j < sizeof(keys) / sizeof(keys[0]); j++) {
			size_t length = strlen(texts[i]);

			assert_int_equal(pfs_json_find(texts[i], length, keys[j], &one), 0);
			assert_int_equal(pfs_json_pick(texts[i], length, keys[j], &other), 0);
			assert_int_equal(one.value.type, other.value.type);
			assert_ptr_equal(one.value.raw, other.value.raw);
			assert_int_equal(one.value.raw_length, other.value.raw_length);
			if (one.value.string)
				assert_string_equal(one.value.string, other.value.string);
			pfs_json_found_finish(&one);
			pfs_json_found_finish(&other);
		}
	}
}

/* --- pairs --------------------------------------------------------------------------------- */

/* What a walk of two texts ends with; the pairs that it gave are in told. */
static int walk_pairs(const char *a, const char *b, char *told, size_t size)
{
	char *a_copy = exactly(a, strlen(a)), *b_copy = exactly(b, strlen(b));
	struct pfs_json_value in_a, in_b;
	struct pfs_json_pair pair;
	size_t length = 0;
	int more = pfs_json_open_pair(&pair, a_copy, strlen(a), b_copy, strlen(b));

	told[0] = '\0';
	while (!more && (more = pfs_json_next_pair(&pair, &in_a, &in_b)) == 1) {
		more = strcmp(in_a.key, in_b.key); /* never */
		length += (size_t)snprintf(told + length, size - length, "%s:%.*s>%.*s ", in_a.key,
					   (int)in_a.raw_length, in_a.raw, (int)in_b.raw_length,
					   in_b.raw);
	}
	pfs_json_close_pair(&pair);
	free(a_copy);
	free(b_copy);
	return more;
}

static void test_pairs_each_as_in_table(void **state)
{
	static const struct {
		const char *a, *b, *told;
		int result;
	} rows[] = {
		{"{}", " { } ", "", 0},
		{"{\"a\":1,\"b\":2}", " { \"a\" : 1 , \"b\" : 2 } ", "", 0},
		{"{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":0,\"b\":2,\"c\":[4]}", "a:1>0 c:3>[4] ", 0},
		{"{\"a\":1,\"a\":2}", "{\"a\":3,\"a\":2}", "a:1>3 ", 0},
		{"{\"\\u0061\":\"x\"}", "{\"\\u0061\":\"}\"}", "a:\"x\">\"}\" ", 0},
		{"{\"a\":1}", "{\"\\u0061\":1}", "", -EAGAIN},
		{"{\"a\":1,\"b\":2}", "{\"a\":2,\"c\":2}", "a:1>2 ", -EAGAIN},
		{"{\"a\":1}", "{}", "", -EAGAIN},
		{"{\"a\":1}", "{\"a\":1,\"b\":2}", "", -EAGAIN},
		{"{\"a\":1", "{\"a\":1}", "", -EBADMSG},
		{"{\"a\":1}", "{\"a\":x}", "", -EBADMSG},
		{"{\"a\":1}", "[1]", "", -EBADMSG},
		{"{\"a\":1}", "", "", -EBADMSG},
	};
	char told[200];

	for (size_t i = 0; i < COUNT(rows); i++) {
		int result = walk_pairs(rows[i].a, rows[i].b, told, sizeof(told));

		if (result != rows[i].result || strcmp(told, rows[i].told) != 0)
			fail_msg("%s and %s: %d, %s", rows[i].a, rows[i].b, result, told);
	}
}

/* --- sameness ------------------------------------------------------------------------------ */

static bool same(const char *a, const char *b)
{
	char *a_copy = exactly(a, strlen(a)), *b_copy = exactly(b, strlen(b));
	bool result = pfs_json_same(a_copy, strlen(a), b_copy, strlen(b));

	free(a_copy);
	free(b_copy);
	return result;
}

static void test_same_each_pair_as_in_table(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{"{}", " { } ", true},
		{"{\"a\":1,\"b\":2}", "{ \"b\":2,\n\"a\":1 }", true},
		{"{\"a\":\"\\u0041\"}", "{\"a\":\"A\"}", true},
		{"{\"\\u0061\":1}", "{\"a\":1}", true},
		{"{\"a\":1,\"b\":null}", "{\"a\":1}", true},
		{"{\"a\":null}", "{}", true},
		{"{\"a\":1,\"a\":2}", "{\"a\":2}", true},
		{"{\"a\":{\"x\":1,\"y\":[1, 2]}}", "{\"a\":{\"y\":[1,2],\"x\":1,\"z\":null}}",
		 true},
		{"{\"a\":true}", "{\"a\": true}", true},
		{"{\"a\":1,\"a\":2}", "{\"a\":3,\"a\":2}", true},
		{"{\"a\":1,\"\\u0061\":2}", "{\"a\":3,\"\\u0061\":2}", true},
		{"{\"a\":{\"x\":1},\"b\":\"\\u0041\"}", "{\"a\":{\"x\": 1},\"b\":\"A\"}", true},

		{"{\"a\":1}", "{\"a\":2}", false},
		{"{\"a\":1}", "{}", false},
		{"{}", "{\"a\":1}", false},
		{"{\"a\":1}", "{\"b\":1}", false},
		{"{\"a\":1}", "{\"a\":\"1\"}", false},
		{"{\"a\":100}", "{\"a\":1e2}", false}, /* the file shows what was sent */
		{"{\"a\":1}", "{\"a\":1.0}", false},
		{"{\"a\":\"x\"}", "{\"a\":\"X\"}", false},
		{"{\"a\":true}", "{\"a\":false}", false},
		{"{\"a\":[1,2]}", "{\"a\":[2,1]}", false},
		{"{\"a\":[1]}", "{\"a\":[1,1]}", false},
		{"{\"a\":[1,1]}", "{\"a\":[1]}", false},
		{"{\"a\":[null]}", "{\"a\":[]}", false}, /* in an array null is a value */
		{"{\"a\":{\"x\":1}}", "{\"a\":{\"x\":2}}", false},
		{"{\"a\":1,\"a\":2}", "{\"a\":1}", false},
		{"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":3}", false},
		{"{\"a\":1,\"\\u0061\":2}", "{\"a\":1,\"\\u0061\":3}", false},
		{"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":null}", false},
		{"{\"a\":{}}", "{\"a\":[]}", false},
		{"{\"a\":1}", "{\"a\":1", false},
		{"{\"a\":1}", "gone", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (same(rows[i].a, rows[i].b) != rows[i].same ||
		    same(rows[i].b, rows[i].a) != rows[i].same)
			fail_msg("%s and %s: not %d", rows[i].a, rows[i].b, rows[i].same);
	}
}

/* The whole of opening, then closing. Owned by the caller. */
static char *nested(char *opening, char *closing)
{
	char *whole = realloc(opening, strlen(opening) + strlen(closing) + 1);

	assert_non_null(whole);
	strcat(whole, closing);
	free(closing);
	assert_int_equal(pfs_json_check(whole, strlen(whole)), 0);
	return whole;
}

static void test_same_deep_objects_in_one_order_are_cheap(void **state)
{
	char *a = nested(repeated("{\"a\":1,\"b\":", PFS_JSON_DEPTH, "2"),
			 repeated("}", PFS_JSON_DEPTH, ""));
	char *b = nested(repeated("{\"a\":1,\"b\":", PFS_JSON_DEPTH, " 2"),
			 repeated("}", PFS_JSON_DEPTH, " "));

	assert_true(same(a, b));
	free(a);
	free(b);
}

static void test_same_costs_too_much_is_false_soon(void **state)
{
	char *a = nested(repeated("{\"a\":1,\"b\":", PFS_JSON_DEPTH, "2"),
			 repeated("}", PFS_JSON_DEPTH, ""));
	char *b = nested(repeated("{\"b\":", PFS_JSON_DEPTH, "2"),
			 repeated(",\"a\":1}", PFS_JSON_DEPTH, ""));

	assert_false(same(a, b)); /* they are, but it would take 2^64 steps to know */
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_each_text_as_in_table),
		cmocka_unit_test(test_check_depth_at_bound_passes_and_past_it_fails),
		cmocka_unit_test(test_check_values_at_bound_pass_and_past_it_fail),
		cmocka_unit_test(test_walk_gives_members_in_order_with_their_bytes),
		cmocka_unit_test(test_walk_shallow_gives_the_same),
		cmocka_unit_test(test_walk_gives_elements_without_keys),
		cmocka_unit_test(test_walk_what_is_no_json_fails),
		cmocka_unit_test(test_walk_control_bytes_before_a_value_fail),
		cmocka_unit_test(test_walk_escaped_backslash_before_u0000_is_text),
		cmocka_unit_test(test_walk_cut_short_anywhere_fails),
		cmocka_unit_test(test_find_gives_the_last_of_several),
		cmocka_unit_test(test_find_absent_is_null),
		cmocka_unit_test(test_find_in_what_is_no_object_fails),
		cmocka_unit_test(test_find_and_pick_agree),
		cmocka_unit_test(test_pairs_each_as_in_table),
		cmocka_unit_test(test_same_each_pair_as_in_table),
		cmocka_unit_test(test_same_deep_objects_in_one_order_are_cheap),
		cmocka_unit_test(test_same_costs_too_much_is_false_soon),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
