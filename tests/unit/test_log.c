/* SPDX-License-Identifier: MIT */
#include "pinefs/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "unit.h"

static void test_log_unopened_shows_warnings_only(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	pfs_error("one %d", 1);
	pfs_warning("two");
	pfs_info("three");
	pfs_debug("four");
	assert_string_equal(capture_end(&capture), "pinefs: one 1\npinefs: two\n");
}

static void test_log_debug_level_shows_all(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	pfs_log_open(PFS_LOG_DEBUG, false);
	pfs_info("three");
	pfs_debug("four");
	pfs_log_open(PFS_LOG_WARNING, false);
	pfs_info("five");
	assert_string_equal(capture_end(&capture), "pinefs: three\npinefs: four\n");
}

static void test_log_escapes_what_a_terminal_obeys(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	pfs_error("%s", "a\nb\x1b[2J");
	assert_string_equal(capture_end(&capture), "pinefs: a\\nb\\x1b[2J\n");
}

static void test_log_long_message_is_cut_to_one_line(void **state)
{
	struct capture capture;
	char message[2 * PFS_LOG_LINE];
	const char *text;

	memset(message, 'a', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	capture_begin(&capture);
	pfs_error("%s", message);
	text = capture_end(&capture);
	assert_int_equal(strlen(text), strlen("pinefs: ") + PFS_LOG_LINE - 1 + 1);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_log_keeps_errno(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	close(STDERR_FILENO);
	errno = ESTALE;
	pfs_error("nobody hears");
	assert_int_equal(errno, ESTALE);
	capture_end(&capture);
}

static void test_log_syslog_keeps_stderr_silent(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	pfs_log_open(PFS_LOG_WARNING, true);
	pfs_error("pinefs unit test: not for stderr");
	pfs_log_open(PFS_LOG_WARNING, false);
	pfs_error("back");
	assert_string_equal(capture_end(&capture), "pinefs: back\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_unopened_shows_warnings_only),
		cmocka_unit_test(test_log_debug_level_shows_all),
		cmocka_unit_test(test_log_escapes_what_a_terminal_obeys),
		cmocka_unit_test(test_log_long_message_is_cut_to_one_line),
		cmocka_unit_test(test_log_keeps_errno),
		cmocka_unit_test(test_log_syslog_keeps_stderr_silent),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
