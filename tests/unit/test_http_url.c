/* SPDX-License-Identifier: MIT */
#include "pinefs/http.h"

#include <errno.h>
#include <string.h>

#include "fake_time.h"
#include "unit.h"

static void test_url_each_as_in_table(void **state)
{
	static const struct {
		const char *url;
		const char *said; /* NULL: it may be used */
	} rows[] = {
		{"https://api.pinecone.io", NULL},
		{"https://api.pinecone.io/", NULL},
		{"HTTPS://api.pinecone.io:8443/base", NULL},
		{"https://[2001:db8::1]", NULL},
		{"http://127.0.0.1:5081", NULL},
		{"http://127.1.2.3", NULL},
		{"http://localhost:80", NULL},
		{"http://LocalHost", NULL},
		{"http://[::1]:5081", NULL},

		{"http://api.pinecone.io", "in clear"},
		{"http://128.0.0.1", "in clear"},
		{"http://127.0.0.1.example.com", "in clear"},
		{"http://localhost.example.com", "in clear"},
		{"http://[::2]", "in clear"},
		{"http://0.0.0.0", "in clear"},
		{"http://[::ffff:1.2.3.4]", "in clear"},
		{"ftp://localhost", "https://"},
		{"file:///etc/passwd", ""},
		{"https://user@localhost", "user or password"},
		{"https://user:secret@localhost", "user or password"},
		{"http://secret@127.0.0.1", "user or password"},
		{"https://localhost/?a=b", "query or fragment"},
		{"https://localhost/#a", "query or fragment"},
		{"https://", "no URL"},
		{"", "no URL"},
		{"localhost", "no URL"},
		{"https://local host", "no URL"},
		{"https://localhost:65535", NULL},
		{"https://localhost:65536", "port must be"},
		{"https://localhost:http", "port must be"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[300] = "";
		int error = pfs_http_check_url(rows[i].url, text, sizeof(text));

		if (error != (rows[i].said ? -EINVAL : 0))
			fail_msg("%s: %d %s", rows[i].url, error, text);
		if (rows[i].said && (!*text || !strstr(text, rows[i].said)))
			fail_msg("%s: no '%s' in '%s'", rows[i].url, rows[i].said, text);
		assert_null(strstr(text, "secret"));
		assert_null(strchr(text, '\n'));
	}
}

static void test_url_refused_is_quoted_safely(void **state)
{
	char text[300];

	assert_int_equal(pfs_http_check_url("http://x.example/\x1b[2J", text, sizeof(text)),
			 -EINVAL);
	assert_null(strchr(text, '\x1b'));
}

static void test_retry_after_each_value_as_in_table(void **state)
{
	static const struct {
		const char *value;
		int64_t seconds; /* from 2025-06-15T15:06:40Z */
	} rows[] = {
		{"0", 0},
		{"1", 1},
		{"120", 120},
		{"3155760000", 3155760000},
		{"99999999999999999999999999999999", 3155760000},
		{"Sun, 15 Jun 2025 15:06:45 GMT", 5},
		{"Sunday, 15-Jun-25 15:07:40 GMT", 60},
		{"Sun Jun 15 16:06:40 2025", 3600},
		{"Sun, 15 Jun 2025 15:06:40 GMT", 0},
		{"Sun, 15 Jun 2025 14:06:40 GMT", 0}, /* past */
	};
	static const char *const bad[] = {"", "soon", "-1", "1.5", "5s", "0x10", "GMT"};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = pfs_http_retry_after(rows[i].value, FAKE_EPOCH);

		if (ns != rows[i].seconds * PFS_SECOND)
			fail_msg("%s: %lld", rows[i].value, (long long)ns);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (pfs_http_retry_after(bad[i], FAKE_EPOCH) != -1)
			fail_msg("%s was taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url_each_as_in_table),
		cmocka_unit_test(test_url_refused_is_quoted_safely),
		cmocka_unit_test(test_retry_after_each_value_as_in_table),
	};

	return cmocka_run_group_tests_name("http_url", tests, NULL, NULL);
}
