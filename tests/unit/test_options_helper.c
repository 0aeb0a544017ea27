/* SPDX-License-Identifier: MIT */
/* What mount(8) says to its helpers, and what is left of it. */
#include <string.h>

#include "pinefs/options.h"
#include "unit.h"

#define WORDS_MAX  12
#define WORDS(...) ((const char *const[WORDS_MAX + 1]){__VA_ARGS__})

/* What is left of a helper's words, with blanks between; and was it a fake? */
static bool take(const char *program, const char *const words[], char *text)
{
	char *argv[WORDS_MAX + 2] = {(char *)program};
	int argc = 1, left;
	bool fake = true;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	left = pfs_options_take_helper(argc, argv, &fake);
	assert_null(argv[left]);
	text[0] = '\0';
	for (int i = 1; i < left; i++) {
		strcat(text, i > 1 ? " " : "");
		strcat(text, argv[i]);
	}
	return fake;
}

static void test_helper_takes_the_letters_of_mount(void **state)
{
	char text[200];

	assert_false(take("/sbin/mount.pinefs", WORDS("prod", "/mnt", "-o", "rw,demo"), text));
	assert_string_equal(text, "prod /mnt -o rw,demo");
	assert_false(take("mount.fuse.pinefs",
			  WORDS("prod", "/mnt", "-sv", "-n", "-N", "ns", "-o", "-f", "-t", "a.b"),
			  text));
	assert_string_equal(text, "prod /mnt -o -f");
	assert_true(take("mount.pinefs", WORDS("prod", "/mnt", "-fv"), text));
	assert_string_equal(text, "prod /mnt");
	assert_false(take("mount.pinefs", WORDS("--demo", "-", "-V", "-t"), text));
	assert_string_equal(text, "--demo - -V");
	assert_false(take("/mount.d/pinefs", WORDS("-f", "-t", "/mnt"), text));
	assert_string_equal(text, "-f -t /mnt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helper_takes_the_letters_of_mount),
	};

	return cmocka_run_group_tests_name("options_helper", tests, NULL, NULL);
}
