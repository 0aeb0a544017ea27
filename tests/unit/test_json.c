/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_fixture.h"
#include "unit.h"

static int try_levels(const char *text, size_t length, unsigned levels)
{
	struct document document;
	int error = parse(&document, text, length, levels);

	finish(&document);
	return error;
}

static int try(const char *text)
{
	return try_levels(text, strlen(text), PFS_JSON_DEPTH);
}

/* --- bounds -------------------------------------------------------------------------------- */

static void assert_whole(char *text, int result)
{
	assert_int_equal(try(text), result);
	free(text);
}

/* The same whether the table goes so deep or not. */
static void assert_try(char *text, int result)
{
	assert_int_equal(try_levels(text, strlen(text), 1), result);
	assert_whole(text, result);
}

static void test_parse_depth_at_bound_passes_and_past_it_fails(void **state)
{
	assert_try(nested(repeated("[", PFS_JSON_DEPTH, ""), repeated("]", PFS_JSON_DEPTH, "")), 0);
	assert_whole(nested(repeated("[", PFS_JSON_DEPTH + 1, ""),
			    repeated("]", PFS_JSON_DEPTH + 1, "")),
		     -EBADMSG);
	assert_whole(repeated("[", 1000000, ""), -EBADMSG);
	assert_try(repeated("[", PFS_JSON_VALUES, ""), -EBADMSG);
}

/* What is stepped over is for its own reader to refuse: others stand beside it. */
static void test_parse_steps_over_what_is_too_deep(void **state)
{
	static const char end[] = ",\"b\":1}";
	char *text = nested(repeated("{\"a\":", 1, ""),
			    nested(repeated("[", 200000, "{}"), repeated("]", 200000, end)));
	struct document document;
	struct pfs_json_value whole, b;

	assert_int_equal(parse(&document, text, strlen(text), 1), 0);
	whole = pfs_json_whole(&document.json);
	b = pfs_json_member(&whole, "b");
	assert_int_equal(b.type, PFS_JSON_NUMBER);
	finish(&document);
	free(text);
	assert_int_equal(try_levels("{\"a\":[[}]}", 10, 1), -EBADMSG);
}

static void test_parse_values_at_bound_pass_and_past_it_fail(void **state)
{
	assert_try(nested(repeated("[", 1, ""), repeated("1,", PFS_JSON_VALUES - 1, "1]")), 0);
	assert_try(nested(repeated("[", 1, ""), repeated("1,", PFS_JSON_VALUES, "1]")), -EFBIG);
	assert_try(nested(repeated("[[", 1, ""), repeated("1,", PFS_JSON_VALUES - 2, "1]]")), 0);
	assert_try(nested(repeated("[[", 1, ""), repeated("1,", PFS_JSON_VALUES - 1, "1]]")),
		   -EFBIG);
}

/* --- values -------------------------------------------------------------------------------- */

static void assert_value(const struct pfs_json_value *value, enum pfs_json_type type,
			 const char *key, const char *text)
{
	assert_int_equal(value->type, type);
	assert_int_equal(value->length, strlen(text));
	assert_memory_equal(value->text, text, strlen(text));
	if (!key) {
		assert_null(value->key);
		return;
	}
	assert_int_equal(value->key_length, strlen(key));
	assert_memory_equal(value->key, key, strlen(key));
	assert_true(pfs_json_is_key(value, key));
}

struct expected {
	enum pfs_json_type type;
	const char *key, *text;
};

static void assert_items(const struct pfs_json_value *parent, const struct expected *expected,
			 size_t count)
{
	struct pfs_json_value value = {0};

	for (size_t i = 0; i < count; i++) {
		assert_true(pfs_json_next(parent, &value));
		assert_value(&value, expected[i].type, expected[i].key, expected[i].text);
	}
	assert_false(pfs_json_next(parent, &value));
	assert_int_equal(value.type, PFS_JSON_NULL);
	assert_null(value.text);
}

static const char members[] =
	" {\"n\" : 4.20e1 ,\"s\":\"a\\n\\u00e9\\\"\",\"t\":true,\"f\":false\n,\"z\":null,"
	"\"o\":{\"x\": [1,2]},\"l\":[ ],\"k\\u0041\":-0,\"e\":\"\",\"n\":1} \r\n\t";
static const struct expected of_members[] = {
	{PFS_JSON_NUMBER, "n", "4.20e1"}, {PFS_JSON_STRING, "s", "a\n\xc3\xa9\""},
	{PFS_JSON_BOOLEAN, "t", "true"},  {PFS_JSON_BOOLEAN, "f", "false"},
	{PFS_JSON_NULL, "z", "null"},	  {PFS_JSON_OBJECT, "o", "{\"x\": [1,2]}"},
	{PFS_JSON_ARRAY, "l", "[ ]"},	  {PFS_JSON_NUMBER, "kA", "-0"},
	{PFS_JSON_STRING, "e", ""},	  {PFS_JSON_NUMBER, "n", "1"},
};

static void test_members_come_in_order_with_their_bytes(void **state)
{
	for (unsigned levels = 1; levels < 5; levels++) {
		struct document document;
		struct pfs_json_value whole;

		assert_int_equal(parse(&document, members, strlen(members), levels), 0);
		whole = pfs_json_whole(&document.json);
		assert_int_equal(whole.type, PFS_JSON_OBJECT);
		assert_items(&whole, of_members, COUNT(of_members));
		finish(&document);
	}
}

static void test_copy_gives_the_same_from_its_own_memory(void **state)
{
	struct document document;
	struct pfs_json copy;
	struct pfs_json_value whole;
	void *memory;

	(void)open_document(&document, members);
	memory = malloc(pfs_json_size(&document.json));
	assert_non_null(memory);
	pfs_json_copy(&document.json, memory, &copy);
	finish(&document);
	assert_string_equal(copy.bytes, members);
	assert_int_equal(copy.length, strlen(members));
	whole = pfs_json_whole(&copy);
	assert_items(&whole, of_members, COUNT(of_members));
	free(memory);
}

static void test_elements_have_no_keys(void **state)
{
	static const struct expected expected[] = {
		{PFS_JSON_STRING, NULL, "x"},
		{PFS_JSON_OBJECT, NULL, "{\"a\":\"]\"}"},
		{PFS_JSON_ARRAY, NULL, "[[]]"},
		{PFS_JSON_NUMBER, NULL, "7"},
	};
	struct document document;
	struct pfs_json_value whole = open_document(&document, "[\"x\",{\"a\":\"]\"},[[]],7]");

	assert_int_equal(whole.type, PFS_JSON_ARRAY);
	assert_items(&whole, expected, COUNT(expected));
	finish(&document);
}

static void test_what_is_in_a_value_that_is_none_is_nothing(void **state)
{
	struct pfs_json_value none = {0}, value = {0}, number;
	struct document document;

	assert_false(pfs_json_next(&none, &value));
	assert_int_equal(pfs_json_member(&none, "a").type, PFS_JSON_NULL);
	(void)open_document(&document, "{\"a\":1,\"b\":{\"c\":2}}");
	number = pfs_json_at(&document.json, "a");
	assert_value(&number, PFS_JSON_NUMBER, "a", "1");
	assert_false(pfs_json_next(&number, &value));
	assert_null(pfs_json_member(&number, "c").text);
	finish(&document);
}

/* Deeper values have no entry, and needn't be good; but they end where they end. */
static void test_levels_bound_the_table(void **state)
{
	static const char text[] = "{\"a\":{\"b\":{\"c\":[tru,\"]\\\"}\"]}},\"d\":[{\"e\" 1}]}";
	struct document document;
	struct pfs_json_value value;

	assert_int_equal(try(text), -EBADMSG);
	assert_int_equal(parse(&document, text, strlen(text), 2), 0);
	value = pfs_json_at(&document.json, "a.b");
	assert_value(&value, PFS_JSON_OBJECT, "b", "{\"c\":[tru,\"]\\\"}\"]}");
	assert_null(pfs_json_at(&document.json, "a.b.c").text);
	value = pfs_json_at(&document.json, "d");
	assert_value(&value, PFS_JSON_ARRAY, "d", "[{\"e\" 1}]");
	assert_int_equal(document.json.count, 5);
	finish(&document);
}

static void test_strings_each_as_in_table(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "\"\\/\b\f\n\r\t"},
		{"[\"a\\u0041b\"]", "aAb"},
		{"[\"\\u007f\\u0080\\u07ff\\u0800\\uFfFf\"]",
		 "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
		{"[\"\\ud800\\udc00\\uDBFF\\uDFFF\"]", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
		{"[\"\\\\u0000\"]", "\\u0000"},
		{"[\"\x01\xff\n\"]", "\x01\xff\n"},
		{"[\"\\\\\"]", "\\"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct document document;
		struct pfs_json_value whole = open_document(&document, rows[i].text), value = {0};
		char *string = NULL;

		assert_true(pfs_json_next(&whole, &value));
		assert_value(&value, PFS_JSON_STRING, NULL, rows[i].says);
		assert_true(pfs_json_says(&value, rows[i].says));
		assert_false(pfs_json_says(&value, ""));
		assert_int_equal(pfs_json_strdup(&value, &string), 1);
		assert_string_equal(string, rows[i].says);
		free(string);
		finish(&document);
	}
}

/* It can be in a value that no file shows, but is never cut short for a C string. */
static void test_nul_inside_is_told_whole_or_not_at_all(void **state)
{
	struct document document;
	struct pfs_json_value object, value, first = {0};
	char *string = NULL;

	(void)open_document(&document, "{\"x\":{\"a\\u0000b\":\"c\\u0000d\",\"a\":1}}");
	object = pfs_json_at(&document.json, "x");
	assert_value(&object, PFS_JSON_OBJECT, "x", "{\"a\\u0000b\":\"c\\u0000d\",\"a\":1}");
	value = pfs_json_at(&document.json, "x.a");
	assert_value(&value, PFS_JSON_NUMBER, "a", "1");
	assert_true(pfs_json_next(&object, &first));
	assert_int_equal(first.key_length, 3);
	assert_int_equal(first.length, 3);
	assert_memory_equal(first.text, "c\0d", 3);
	assert_false(pfs_json_says(&first, "c"));
	assert_int_equal(pfs_json_strdup(&first, &string), 0);
	assert_int_equal(pfs_json_strdup(&object, &string), 0);
	assert_null(string);
	finish(&document);
}

/* --- what is good -------------------------------------------------------------------------- */

static const char *const not_json[] = {
	"",
	" ",
	"1",
	"\"a\"",
	"null",
	"plain text",
	"<html>",
	"{",
	"}",
	"[}",
	"{\"a\":[}]",
	"{}}",
	"{\"a",
	"{\"a\\\"}",
	"\"\\",
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
	"[truee]",
	"[\"\\x\"]",
	"[\"\\ud800\"]",
	"[\"\\ud800\\n\"]",
	"[\"\\ud800\\u0041\"]",
	"[\"\\udc00\"]",
	"[\"\\u00g0\"]",
	"[\"\\u00\"]",
	"[\"\\u-001\"]",
	"[-]",
	"[.5]",
	"[+1]",
	"[-.]",
	"[1e]",
	"[1e+]",
	"[1.2.3]",
	"[0x10]",
	"[1-2]",
	"{'a':1}",
	/* No name could show it. */
	"{\"a\":\"x\\u0000y\"}",
	"{\"x\\u0000y\":1}",
	"[\"\\\\\\u0000\"]",
};

static void test_what_is_no_json_fails(void **state)
{
	for (size_t i = 0; i < COUNT(not_json); i++) {
		if (try(not_json[i]) != -EBADMSG ||
		    try_levels(not_json[i], strlen(not_json[i]), 1) != -EBADMSG)
			fail_msg("taken: %s", not_json[i]);
	}
	assert_int_equal(try_levels("[1]\0", 4, PFS_JSON_DEPTH), -EBADMSG);
	assert_int_equal(try_levels("[\0]", 3, PFS_JSON_DEPTH), -EBADMSG);
	assert_int_equal(try_levels("[\"\0\"]", 5, PFS_JSON_DEPTH), -EBADMSG);
}

/* What others skip but JSON doesn't know as white space must not end up in a value's bytes. */
static void test_control_bytes_around_values_fail(void **state)
{
	static const char *const texts[] = {
		"[\x01"
		"1]",
		"{\"a\":\v1}",
		"{\f\"a\":1}",
		"[\xef\xbb\xbf"
		"1]",
		"\xef\xbb\xbf{}",
		"[[\x01"
		"1]]",
		"{\"a\":{\"b\"\v:1}}",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		if (try(texts[i]) != -EBADMSG)
			fail_msg("row %zu was taken", i);
	}
}

static void test_numbers_are_taken_as_leniently_as_ever(void **state)
{
	static const char text[] = "[007,-.5,1.,1.e5,1E-5,1e999,0.1234567890123456789012345678901"
				   "2345678901234567890123456789012345678901234567890]";
	static const struct expected expected[] = {
		{PFS_JSON_NUMBER, NULL, "007"},
		{PFS_JSON_NUMBER, NULL, "-.5"},
		{PFS_JSON_NUMBER, NULL, "1."},
		{PFS_JSON_NUMBER, NULL, "1.e5"},
		{PFS_JSON_NUMBER, NULL, "1E-5"},
		{PFS_JSON_NUMBER, NULL, "1e999"},
		{PFS_JSON_NUMBER, NULL,
		 "0.1234567890123456789012345678901"
		 "2345678901234567890123456789012345678901234567890"},
	};
	struct document document;
	struct pfs_json_value whole = open_document(&document, text);

	assert_items(&whole, expected, COUNT(expected));
	finish(&document);
}

static void test_cut_short_anywhere_fails(void **state)
{
	static const char text[] = "{\"a\":[1,{\"b\":\"\\u00e9\"}],\"c\":-1.5e3,\"d\":null}";

	assert_int_equal(try(text), 0);
	for (size_t length = 0; length < strlen(text); length++) {
		for (unsigned levels = 1; levels < 4; levels++)
			assert_int_equal(try_levels(text, length, levels), -EBADMSG);
	}
}

/* --- finding ------------------------------------------------------------------------------- */

static void test_member_is_the_last_of_several(void **state)
{
	struct document document;
	struct pfs_json_value whole =
		open_document(&document, "{\"a\":1,\"b\":2,\"\\u0061\":\"three\"}");
	struct pfs_json_value value = pfs_json_member(&whole, "a");

	assert_value(&value, PFS_JSON_STRING, "a", "three");
	assert_false(value.is_shadowed);
	value = (struct pfs_json_value){0};
	assert_true(pfs_json_next(&whole, &value));
	assert_value(&value, PFS_JSON_NUMBER, "a", "1");
	assert_true(value.is_shadowed);
	assert_true(pfs_json_next(&whole, &value));
	assert_false(value.is_shadowed);
	assert_null(pfs_json_member(&whole, "c").text);
	assert_null(pfs_json_member(&whole, "").text);
	finish(&document);
}

/* An object of members "kN":N, each N below count, twice. Owned by the caller. */
static char *many_members(unsigned count)
{
	size_t size = (size_t)count * 2 * 24 + 3, length = 1;
	char *text = malloc(size);

	assert_non_null(text);
	strcpy(text, "{");
	for (unsigned i = 0; i < 2 * count; i++)
		length += (size_t)snprintf(text + length, size - length, "%s\"k%u\":%u",
					   i ? "," : "", i % count, i);
	strcat(text + length, "}");
	return text;
}

static void test_member_of_many_is_the_last_of_several(void **state)
{
	static const unsigned counts[] = {1, 7, 8, 9, 1000};

	for (size_t i = 0; i < COUNT(counts); i++) {
		char *text = many_members(counts[i]), key[16], says[16];
		struct document document;
		struct pfs_json_value whole = open_document(&document, text), value = {0};

		for (unsigned n = 0; pfs_json_next(&whole, &value); n++)
			assert_int_equal(value.is_shadowed, n < counts[i]);
		for (unsigned n = 0; n < counts[i]; n++) {
			snprintf(key, sizeof(key), "k%u", n);
			snprintf(says, sizeof(says), "%u", n + counts[i]);
			value = pfs_json_at(&document.json, key);
			assert_value(&value, PFS_JSON_NUMBER, key, says);
		}
		finish(&document);
		free(text);
	}
}

static void test_path_each_as_in_table(void **state)
{
	static const char text[] =
		"{\"status\":{\"ready\":true,\"state\":\"Ready\"},\"a.b\":1,"
		"\"spec\":{\"serverless\":{\"cloud\":\"aws\"}},\"l\":[{\"x\":1}],"
		"\"\":{\"\":2},\"spec\\u0032\":{\"\\u0061\":3},\"n\":null,"
		"\"fields\":{\"x\":{\"kind\":\"a\"},\"y\":{\"kind\":\"b\",\"size\":1},"
		"\"z\":{\"size\":null},\"w\":{\"old\":7},\"w\":8}}";
	static const struct {
		const char *path, *text; /* NULL: there is none */
	} rows[] = {
		{"status", "{\"ready\":true,\"state\":\"Ready\"}"},
		{"status.ready", "true"},
		{"status.state", "Ready"},
		{"spec.serverless.cloud", "aws"},
		{"spec2.a", "3"},
		{".", "2"},
		{"n", "null"},
		{"a.b", NULL},
		{"spec.pod.cloud", NULL},
		{"spec.serverless.cloud.x", NULL},
		{"status.", NULL},
		{"l.x", NULL},
		{"n.x", NULL},
		{"ready", NULL},
		{"fields.*.size", "1"},	 /* the only one */
		{"fields.*.kind", NULL}, /* of two */
		{"fields.*.none", NULL},
		{"fields.*.old", NULL}, /* a later member has the same key */
		{"fields.x.*.y", NULL},
		{"fields.*", NULL}, /* before others only */
		{"*.kind", NULL},
		{"n.*.x", NULL},
	};
	struct document document;

	(void)open_document(&document, text);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pfs_json_value value = pfs_json_at(&document.json, rows[i].path);

		if (!value.text != !rows[i].text)
			fail_msg("%s", rows[i].path);
		if (!value.text)
			continue;
		assert_int_equal(value.length, strlen(rows[i].text));
		assert_memory_equal(value.text, rows[i].text, value.length);
	}
	finish(&document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_depth_at_bound_passes_and_past_it_fails),
		cmocka_unit_test(test_parse_steps_over_what_is_too_deep),
		cmocka_unit_test(test_parse_values_at_bound_pass_and_past_it_fail),
		cmocka_unit_test(test_members_come_in_order_with_their_bytes),
		cmocka_unit_test(test_copy_gives_the_same_from_its_own_memory),
		cmocka_unit_test(test_elements_have_no_keys),
		cmocka_unit_test(test_what_is_in_a_value_that_is_none_is_nothing),
		cmocka_unit_test(test_levels_bound_the_table),
		cmocka_unit_test(test_strings_each_as_in_table),
		cmocka_unit_test(test_nul_inside_is_told_whole_or_not_at_all),
		cmocka_unit_test(test_what_is_no_json_fails),
		cmocka_unit_test(test_control_bytes_around_values_fail),
		cmocka_unit_test(test_numbers_are_taken_as_leniently_as_ever),
		cmocka_unit_test(test_cut_short_anywhere_fails),
		cmocka_unit_test(test_member_is_the_last_of_several),
		cmocka_unit_test(test_member_of_many_is_the_last_of_several),
		cmocka_unit_test(test_path_each_as_in_table),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
