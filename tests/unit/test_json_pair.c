/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_fixture.h"
#include "unit.h"

/* --- pairs --------------------------------------------------------------------------------- */

struct told {
	char text[400];
	unsigned left; /* visits until it says stop; 0: never */
	unsigned visits;
};

static bool tell(void *arg, const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	struct told *told = arg;
	const struct pfs_json_value *named = a->key ? a : b;
	size_t length = strlen(told->text);

	if (length < sizeof(told->text))
		snprintf(told->text + length, sizeof(told->text) - length, "%.*s:%.*s>%.*s ",
			 (int)named->key_length, named->key, (int)a->length, a->text ? a->text : "",
			 (int)b->length, b->text ? b->text : "");
	told->visits++;
	return told->visits != told->left;
}

static void test_pairs_each_as_in_table(void **state)
{
	static const struct {
		const char *a, *b, *told;
	} rows[] = {
		{"{}", " { } ", ""},
		{"{\"a\":1,\"b\":2}", " { \"a\" : 1 , \"b\" : 3 } ", "a:1>1 b:2>3 "},
		{"{\"a\":1,\"b\":2,\"c\":3}", "{\"c\":4,\"b\":5,\"a\":6}", "a:1>6 b:2>5 c:3>4 "},
		{"{\"a\":1,\"a\":2}", "{\"a\":3,\"a\":4}", "a:2>4 "},
		{"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":4,\"b\":5}", "b:2>5 a:3>4 "},
		{"{\"a\":4,\"b\":5}", "{\"a\":1,\"b\":2,\"a\":3}", "a:4>3 b:5>2 "},
		{"{\"a\":1,\"x\":2}", "{\"a\":2,\"y\":3}", "a:1>2 x:2> y:>3 "},
		{"{\"x\":1,\"a\":2,\"b\":3}", "{\"a\":4,\"b\":5}", "x:1> a:2>4 b:3>5 "},
		{"{\"a\":null,\"b\":1}", "{\"a\":2,\"b\":null}", "b:1>null a:null>2 "},
		{"{\"a\":null}", "{\"a\":null,\"b\":null}", ""},
		{"{\"a\":null,\"a\":1}", "{\"a\":1,\"a\":null}", "a:1>null "},
		{"{\"a\":1}", "{\"\\u0061\":2}", "a:1>2 "},
		{"{\"\":1}", "{\"\":2}", ":1>2 "},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct document a, b;
		struct pfs_json_value in_a = open_document(&a, rows[i].a);
		struct pfs_json_value in_b = open_document(&b, rows[i].b);
		struct told told = {0};

		assert_int_equal(pfs_json_each_pair(&in_a, &in_b, tell, &told), 0);
		assert_string_equal(told.text, rows[i].told);
		told = (struct told){.left = 1};
		assert_int_equal(pfs_json_each_pair(&in_a, &in_b, tell, &told), 0);
		assert_int_equal(told.visits, *rows[i].told != '\0');
		finish(&a);
		finish(&b);
	}
}

static bool count_equal(void *arg, const struct pfs_json_value *a, const struct pfs_json_value *b)
{
	unsigned *count = arg;

	assert_int_equal(a->key_length, b->key_length);
	assert_memory_equal(a->key, b->key, a->key_length);
	*count += pfs_json_is_equal(a, b);
	return true;
}

/* So many that looking at each for each would take minutes. */
static void test_pairs_of_very_many_in_other_orders_are_found(void **state)
{
	enum { MANY = 100000 };
	char *forth = malloc(MANY * 16 + 2), *back = malloc(MANY * 16 + 2);
	size_t forth_length = 0, back_length = 0;
	struct document a, b;
	struct pfs_json_value in_a, in_b;
	unsigned count = 0;

	assert_non_null(forth);
	assert_non_null(back);
	for (unsigned i = 0; i < MANY; i++) {
		forth_length +=
			(size_t)sprintf(forth + forth_length, "%c\"%05u\":%u", i ? ',' : '{', i, i);
		back_length += (size_t)sprintf(back + back_length, "%c\"%05u\":%u", i ? ',' : '{',
					       MANY - 1 - i, MANY - 1 - i);
	}
	strcat(forth + forth_length, "}");
	strcat(back + back_length, "}");
	in_a = open_document(&a, forth);
	in_b = open_document(&b, back);
	assert_int_equal(pfs_json_each_pair(&in_a, &in_b, count_equal, &count), 0);
	assert_int_equal(count, MANY);
	assert_true(pfs_json_same(&a.json, &b.json));
	finish(&a);
	finish(&b);
	free(forth);
	free(back);
}

/* --- sameness ------------------------------------------------------------------------------ */

static bool same(const char *a, const char *b)
{
	struct document in_a, in_b;
	bool result;

	(void)open_document(&in_a, a);
	(void)open_document(&in_b, b);
	result = pfs_json_same(&in_a.json, &in_b.json);
	finish(&in_a);
	finish(&in_b);
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
		{"{\"x\":{\"\\u0000b\":\"\\u0000\"}}", "{\"x\": {\"\\u0000b\":\"\\u0000\"}}", true},

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
		{"{\"x\":{\"a\":\"\\u0000b\"}}", "{\"x\":{\"a\":\"\\u0000c\"}}", false},
		{"{\"x\":{\"\\u0000b\":1}}", "{\"x\":{\"\\u0000c\":1}}", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (same(rows[i].a, rows[i].b) != rows[i].same ||
		    same(rows[i].b, rows[i].a) != rows[i].same)
			fail_msg("%s and %s: not %d", rows[i].a, rows[i].b, rows[i].same);
	}
}

static void test_same_deep_objects_in_any_order_are_cheap(void **state)
{
	char *a = nested(repeated("{\"a\":1,\"b\":", PFS_JSON_DEPTH, "2"),
			 repeated("}", PFS_JSON_DEPTH, ""));
	char *b = nested(repeated("{\"a\":1,\"b\":", PFS_JSON_DEPTH, " 2"),
			 repeated("}", PFS_JSON_DEPTH, " "));
	char *c = nested(repeated("{\"b\":", PFS_JSON_DEPTH, "2"),
			 repeated(",\"a\":1}", PFS_JSON_DEPTH, ""));
	char *d = nested(repeated("{\"b\":", PFS_JSON_DEPTH, "3"),
			 repeated(",\"a\":1}", PFS_JSON_DEPTH, ""));

	assert_true(same(a, b));
	assert_true(same(a, c));
	assert_false(same(a, d));
	free(a);
	free(b);
	free(c);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs_each_as_in_table),
		cmocka_unit_test(test_pairs_of_very_many_in_other_orders_are_found),
		cmocka_unit_test(test_same_each_pair_as_in_table),
		cmocka_unit_test(test_same_deep_objects_in_any_order_are_cheap),
	};

	return cmocka_run_group_tests_name("json pair", tests, NULL, NULL);
}
