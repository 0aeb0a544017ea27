/* SPDX-License-Identifier: MIT */
/* What libcurl's memory leaves behind: the functions that it is given are tried without it. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/http.h"
#include "unit.h"
#include "wiped.h"

#define SECRET "Api-Key: pcsk_unit"

static curl_free_callback give_back;
static curl_realloc_callback move;

/* Comes before libcurl's own. */
CURLcode curl_global_init_mem(long flags, curl_malloc_callback m, curl_free_callback f,
			      curl_realloc_callback r, curl_strdup_callback s,
			      curl_calloc_callback c)
{
	give_back = f;
	move = r;
	return CURLE_OK;
}

static void test_what_is_freed_is_wiped(void **state)
{
	assert_int_equal(pfs_memory_init(), CURLE_OK);
	wiped_begin(SECRET);
	give_back(strdup(SECRET));
	assert_int_equal(wiped_count(), 1);
	give_back(NULL);
	assert_int_equal(wiped_count(), 1);
}

static void test_what_is_moved_is_whole_and_wiped_where_it_was(void **state)
{
	char *bytes;

	assert_int_equal(pfs_memory_init(), CURLE_OK);
	wiped_begin(SECRET);
	bytes = move(strdup(SECRET), 100000);
	assert_non_null(bytes);
	assert_string_equal(bytes, SECRET);
	assert_int_equal(wiped_count(), 1);
	memset(bytes, 'x', 100000);
	bytes = move(bytes, 4);
	assert_memory_equal(bytes, "xxxx", 4);
	bytes = move(bytes, 0);
	assert_non_null(bytes);
	give_back(bytes);
	bytes = move(NULL, 10);
	assert_non_null(bytes);
	give_back(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_freed_is_wiped),
		cmocka_unit_test(test_what_is_moved_is_whole_and_wiped_where_it_was),
	};

	return cmocka_run_group_tests_name("http_memory", tests, NULL, NULL);
}
