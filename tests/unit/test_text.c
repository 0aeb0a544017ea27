/* SPDX-License-Identifier: MIT */
#include "pinefs/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void test_buffer_add_grows_and_ends_in_nul(void **state)
{
	struct pfs_buffer buffer = {0};

	for (int i = 0; i < 1000; i++)
		assert_int_equal(pfs_buffer_add(&buffer, "0123456789", 10), 0);
	assert_int_equal(buffer.length, 10000);
	assert_int_equal(strlen(buffer.bytes), 10000);
	assert_memory_equal(buffer.bytes + 9990, "0123456789", 10);
	pfs_buffer_finish(&buffer);
}

static void test_buffer_add_nothing_makes_empty_string(void **state)
{
	struct pfs_buffer buffer = {0};

	assert_int_equal(pfs_buffer_add(&buffer, NULL, 0), 0);
	assert_string_equal(buffer.bytes, "");
	pfs_buffer_finish(&buffer);
}

static void test_buffer_add_at_max_fits_and_past_it_fails(void **state)
{
	struct pfs_buffer buffer = {.max = 100};

	for (int i = 0; i < 10; i++)
		assert_int_equal(pfs_buffer_add(&buffer, "0123456789", 10), 0);
	assert_int_equal(pfs_buffer_add(&buffer, "x", 1), -EFBIG);
	assert_int_equal(buffer.length, 100);
	assert_int_equal(strlen(buffer.bytes), 100);
	pfs_buffer_finish(&buffer);
}

static void test_buffer_max_below_first_allocation_holds(void **state)
{
	struct pfs_buffer buffer = {.max = 3};

	assert_int_equal(pfs_buffer_add_string(&buffer, "abc"), 0);
	assert_int_equal(pfs_buffer_add_string(&buffer, "d"), -EFBIG);
	assert_string_equal(buffer.bytes, "abc");
	pfs_buffer_finish(&buffer);
}

static void test_buffer_add_without_max_is_bounded(void **state)
{
	struct pfs_buffer buffer = {0};
	size_t size = ((size_t)64 << 20) + 1;

	assert_int_equal(pfs_buffer_add(&buffer, "", size), -EFBIG);
	assert_null(buffer.bytes);
	pfs_buffer_finish(&buffer);
}

static void test_buffer_add_length_that_overflows_fails(void **state)
{
	struct pfs_buffer buffer = {0};

	assert_int_equal(pfs_buffer_add(&buffer, "abc", 3), 0);
	assert_int_equal(pfs_buffer_add(&buffer, "", SIZE_MAX - 1), -EFBIG);
	pfs_buffer_finish(&buffer);
}

static void test_buffer_error_stays_until_cleared(void **state)
{
	struct pfs_buffer buffer = {.max = 4};

	pfs_buffer_add_string(&buffer, "ab");
	pfs_buffer_add_string(&buffer, "cde");
	assert_int_equal(pfs_buffer_add_string(&buffer, "c"), -EFBIG);
	assert_int_equal(pfs_buffer_format(&buffer, "%d", 1), -EFBIG);
	assert_int_equal(buffer.error, -EFBIG);
	assert_string_equal(buffer.bytes, "ab");

	pfs_buffer_clear(&buffer);
	assert_string_equal(buffer.bytes, "");
	assert_int_equal(pfs_buffer_add_string(&buffer, "abcd"), 0);
	assert_string_equal(buffer.bytes, "abcd");
	pfs_buffer_finish(&buffer);
}

static void test_buffer_format_appends_and_respects_max(void **state)
{
	struct pfs_buffer buffer = {.max = 10};

	assert_int_equal(pfs_buffer_format(&buffer, "%s=%d", "abc", 42), 0);
	assert_int_equal(pfs_buffer_format(&buffer, ";%03d", 7), 0);
	assert_int_equal(pfs_buffer_format(&buffer, "%s", ""), 0);
	assert_string_equal(buffer.bytes, "abc=42;007");
	assert_int_equal(buffer.length, 10);
	assert_int_equal(pfs_buffer_format(&buffer, "%d", 1), -EFBIG);
	assert_string_equal(buffer.bytes, "abc=42;007");
	pfs_buffer_finish(&buffer);
}

static void test_buffer_trim_keeps_what_it_says_and_takes_more(void **state)
{
	struct pfs_buffer buffer = {.max = 1000};

	pfs_buffer_trim(&buffer);
	assert_null(buffer.bytes);
	for (int i = 0; i < 70; i++)
		pfs_buffer_add_string(&buffer, "x");
	assert_true(buffer.capacity > 71);
	pfs_buffer_trim(&buffer);
	assert_int_equal(buffer.capacity, 71);
	assert_int_equal(strlen(buffer.bytes), 70);
	assert_int_equal(pfs_buffer_add_string(&buffer, "y"), 0);
	assert_string_equal(buffer.bytes + 69, "xy");
	pfs_buffer_finish(&buffer);
}

static void test_buffer_finish_unused_or_null_is_harmless(void **state)
{
	struct pfs_buffer buffer = {.max = 5};

	pfs_buffer_finish(NULL);
	pfs_buffer_finish(&buffer);
	pfs_buffer_clear(&buffer);
	assert_null(buffer.bytes);
	assert_int_equal(buffer.max, 5);
}

static const struct {
	const char *in;
	const char *out;
} escapes[] = {
	{"", ""},
	{"plain text ~!", "plain text ~!"},
	{"a\\b", "a\\\\b"},
	{"tab\tnl\ncr\r", "tab\\tnl\\ncr\\r"},
	{"\x1b[31mred", "\\x1b[31mred"},
	{"\x01\x7f", "\\x01\\x7f"},
	{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	{"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
	{"\xc2\x9b"
	 "31m",
	 "\\xc2\\x9b31m"}, /* C1: CSI */
	{"\xc2\x80\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9f\xc2\xa0"},
	{"\x9b", "\\x9b"},		     /* lone continuation */
	{"\xc0\xaf", "\\xc0\\xaf"},	     /* overlong */
	{"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"}, /* overlong */
	{"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* surrogate */
	{"\xed\x9f\xbf", "\xed\x9f\xbf"},
	{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* past U+10FFFF */
	{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	{"\xe2\x82", "\\xe2\\x82"}, /* cut */
	{"\xe2\x82"
	 "a",
	 "\\xe2\\x82"
	 "a"},
};

static void test_buffer_add_escaped_each_text_as_in_table(void **state)
{
	for (size_t i = 0; i < COUNT(escapes); i++) {
		struct pfs_buffer buffer = {0};

		assert_int_equal(
			pfs_buffer_add_escaped(&buffer, escapes[i].in, strlen(escapes[i].in)), 0);
		assert_string_equal(buffer.bytes, escapes[i].out);
		pfs_buffer_finish(&buffer);
	}
}

static void test_buffer_add_escaped_nul_is_shown(void **state)
{
	struct pfs_buffer buffer = {0};

	pfs_buffer_add_escaped(&buffer, "a\0b", 3);
	assert_string_equal(buffer.bytes, "a\\x00b");
	pfs_buffer_finish(&buffer);
}

static void test_escape_each_text_as_in_table(void **state)
{
	char out[100];

	for (size_t i = 0; i < COUNT(escapes); i++) {
		assert_ptr_equal(pfs_escape(escapes[i].in, out, sizeof(out)), out);
		assert_string_equal(out, escapes[i].out);
	}
}

__attribute__((format(printf, 3, 4))) static char *escape_format(char *out, size_t size,
								 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	out = pfs_escape_format(out, size, format, arguments);
	va_end(arguments);
	return out;
}

static void test_escape_format_escapes_what_was_formatted(void **state)
{
	char out[2 * PFS_ESCAPE_MAX];

	assert_ptr_equal(escape_format(out, sizeof(out), "%d\n%s", 7, "\033[m"), out);
	assert_string_equal(out, "7\\n\\x1b[m");
	escape_format(out, 5, "%s", "a\033");
	assert_string_equal(out, "a");
	escape_format(out, sizeof(out), "%*d", PFS_ESCAPE_MAX + 100, 1);
	assert_int_equal(strlen(out), PFS_ESCAPE_MAX - 1);
	escape_format(NULL, 0, "%d", 1);
}

static void test_escape_cut_never_leaves_half_an_escape(void **state)
{
	char out[8];

	memset(out, 'x', sizeof(out));
	assert_string_equal(pfs_escape("ab\x01", out, 6), "ab");
	assert_string_equal(pfs_escape("ab\x01", out, 7), "ab\\x01");
	assert_string_equal(pfs_escape("a\n", out, 3), "a");
	assert_string_equal(pfs_escape("a\xe2\x82\xac", out, 4), "a");
	assert_string_equal(pfs_escape("abc", out, 3), "ab");
	assert_string_equal(pfs_escape("abc", out, 1), "");
	out[0] = 'x';
	pfs_escape("abc", out, 0);
	assert_int_equal(out[0], 'x');
}

static void test_url_encoding_each_text_as_in_table(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
		{"", ""},
		{"AZaz09-._~", "AZaz09-._~"},
		{"a b", "a%20b"},
		{"a/b?c#d&e=f+g%", "a%2Fb%3Fc%23d%26e%3Df%2Bg%25"},
		{"eyJsaW1pdCI6MTB9==", "eyJsaW1pdCI6MTB9%3D%3D"},
		{"\xc3\xbc\n", "%C3%BC%0A"},
		{"@[`{/:", "%40%5B%60%7B%2F%3A"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pfs_buffer buffer = {0};

		assert_int_equal(
			pfs_buffer_add_url_encoded(&buffer, rows[i].in, strlen(rows[i].in)), 0);
		assert_string_equal(buffer.bytes, rows[i].out);
		pfs_buffer_finish(&buffer);
	}
}

static void test_object_id_each_name_as_in_table(void **state)
{
	static const struct {
		const char *name;
		bool is_id;
	} rows[] = {
		{"9857add2-99d4-4399-870e-aa7f15d8d326", true},
		{"a", true},
		{"job_1.x", true},
		{"-", true},
		{"", false},
		{".", false},
		{"..", false},
		{".git", false},
		{"a/b", false},
		{"a b", false},
		{"a\n", false},
		{"\xc3\xbc", false},
		{"a%20", false},
	};
	char name[256];

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(pfs_is_object_id(rows[i].name, strlen(rows[i].name)),
				 rows[i].is_id);
	memset(name, 'a', sizeof(name));
	assert_true(pfs_is_object_id(name, 255));
	assert_false(pfs_is_object_id(name, 256));
	assert_false(pfs_is_object_id("a\0b", 3));
}

static void test_time_parse_valid_as_in_table(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2025-04-25T18:14:05Z", INT64_C(1745604845000000000)},
		{"2025-04-25T18:14:05.227Z", INT64_C(1745604845227000000)},
		{"2025-04-25T18:14:05.227526Z", INT64_C(1745604845227526000)},
		{"2025-04-25T18:14:05.227526123Z", INT64_C(1745604845227526123)},
		{"2025-04-25T18:14:05.2275261239999Z", INT64_C(1745604845227526123)},
		{"2025-04-25t18:14:05z", INT64_C(1745604845000000000)},
		{"2025-04-25T20:14:05+02:00", INT64_C(1745604845000000000)},
		{"2025-04-25T12:44:05-05:30", INT64_C(1745604845000000000)},
		{"2025-04-25T18:14:05-00:00", INT64_C(1745604845000000000)},
		{"1969-12-31T23:59:59.5Z", -500000000},
		{"2024-02-29T00:00:00Z", INT64_C(1709164800000000000)},
		{"2000-12-31T00:00:00Z", INT64_C(978220800000000000)},
		{"1900-03-01T00:00:00Z", INT64_C(-2203891200000000000)},
		{"2100-03-01T00:00:00Z", INT64_C(4107542400000000000)},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000000000)},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = 1;

		assert_int_equal(pfs_time_parse(rows[i].text, &ns), 0);
		assert_true(ns == rows[i].ns);
	}
}

static void test_time_parse_invalid_refused_and_untouched(void **state)
{
	static const char *const rows[] = {
		"",
		"2025",
		"2025-04-25",
		"2025-04-25T18:14:05",
		"2025-04-25 18:14:05Z",
		"2025-04-25T18:14Z",
		"2025-04-25T18:14:05.Z",
		"2025-04-25T18:14:05,5Z",
		"2025-04-25T18:14:05+02",
		"2025-04-25T18:14:05+0200",
		"2025-04-25T18:14:05+24:00",
		"2025-04-25T18:14:05Z ",
		"2025-04-25T18:14:05ZZ",
		" 2025-04-25T18:14:05Z",
		"2025-4-25T18:14:05Z",
		"2025-13-25T18:14:05Z",
		"2025-00-25T18:14:05Z",
		"2025-04-00T18:14:05Z",
		"2025-04-31T18:14:05Z",
		"2025-02-29T18:14:05Z",
		"2100-02-29T18:14:05Z",
		"2025-04-25T24:00:00Z",
		"2025-04-25T18:60:05Z",
		"2025-04-25T18:14:61Z",
		"2025-04-25T-1:14:05Z",
		"9999-04-25T18:14:05Z",
		"0000-04-25T18:14:05Z",
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = 42;

		assert_int_equal(pfs_time_parse(rows[i], &ns), -EINVAL);
		assert_int_equal(ns, 42);
	}
}

static void test_time_format_each_as_in_table(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{INT64_C(1745604845227526999), "2025-04-25T18:14:05.227526Z"},
		{-1, "1969-12-31T23:59:59.999999Z"},
		{-PFS_SECOND, "1969-12-31T23:59:59.000000Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854775Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145224Z"},
	};
	char out[PFS_TIME_SIZE];

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(pfs_time_format(rows[i].ns, out, sizeof(out)), rows[i].text);
}

static void test_errno_name_known_and_unknown(void **state)
{
	assert_string_equal(pfs_errno_name(EIO), "EIO");
	assert_string_equal(pfs_errno_name(EHOSTUNREACH), "EHOSTUNREACH");
	assert_string_equal(pfs_errno_name(EREMOTEIO), "EREMOTEIO");
	assert_string_equal(pfs_errno_name(0), "E?");
	assert_string_equal(pfs_errno_name(-EIO), "E?");
	assert_string_equal(pfs_errno_name(99999), "E?");
}

static void test_seconds_parse_valid_as_in_table(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{"0", 0},
		{"5", 5 * PFS_SECOND},
		{"0.5", PFS_SECOND / 2},
		{".25", PFS_SECOND / 4},
		{"007", 7 * PFS_SECOND},
		{"1.0000000019", PFS_SECOND + 1},
		{"3155760000", INT64_C(3155760000) * PFS_SECOND},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = -1;

		assert_int_equal(pfs_seconds_parse(rows[i].text, &ns), 0);
		assert_true(ns == rows[i].ns);
	}
}

static void test_seconds_parse_invalid_refused_and_untouched(void **state)
{
	static const char *const rows[] = {
		"",
		".",
		"5.",
		"-1",
		"+1",
		"1e3",
		"0x10",
		"5s",
		" 5",
		"5 ",
		"1,5",
		"1.5.5",
		"nan",
		"inf",
		"3155760001",
		"3155760000.1",
		"99999999999999999999999999999999",
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = 42;

		assert_int_equal(pfs_seconds_parse(rows[i], &ns), -EINVAL);
		assert_int_equal(ns, 42);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffer_add_grows_and_ends_in_nul),
		cmocka_unit_test(test_buffer_add_nothing_makes_empty_string),
		cmocka_unit_test(test_buffer_add_at_max_fits_and_past_it_fails),
		cmocka_unit_test(test_buffer_max_below_first_allocation_holds),
		cmocka_unit_test(test_buffer_add_without_max_is_bounded),
		cmocka_unit_test(test_buffer_add_length_that_overflows_fails),
		cmocka_unit_test(test_buffer_error_stays_until_cleared),
		cmocka_unit_test(test_buffer_format_appends_and_respects_max),
		cmocka_unit_test(test_buffer_trim_keeps_what_it_says_and_takes_more),
		cmocka_unit_test(test_buffer_finish_unused_or_null_is_harmless),
		cmocka_unit_test(test_buffer_add_escaped_each_text_as_in_table),
		cmocka_unit_test(test_buffer_add_escaped_nul_is_shown),
		cmocka_unit_test(test_escape_each_text_as_in_table),
		cmocka_unit_test(test_escape_format_escapes_what_was_formatted),
		cmocka_unit_test(test_escape_cut_never_leaves_half_an_escape),
		cmocka_unit_test(test_url_encoding_each_text_as_in_table),
		cmocka_unit_test(test_object_id_each_name_as_in_table),
		cmocka_unit_test(test_time_parse_valid_as_in_table),
		cmocka_unit_test(test_time_parse_invalid_refused_and_untouched),
		cmocka_unit_test(test_time_format_each_as_in_table),
		cmocka_unit_test(test_errno_name_known_and_unknown),
		cmocka_unit_test(test_seconds_parse_valid_as_in_table),
		cmocka_unit_test(test_seconds_parse_invalid_refused_and_untouched),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
