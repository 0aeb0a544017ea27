/* SPDX-License-Identifier: MIT */
#include "pinefs/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "wiped.h"

#define KEY "pcsk_2AbCd_secret-of-the-test"

/* A directory of its own for each test, an environment without a key, and room for the answer. */
struct fixture {
	char directory[64];
	char file[128];
	char text[300];
	struct pfs_key key;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	strcpy(fixture->directory, "/tmp/pinefs-key-XXXXXX");
	if (!mkdtemp(fixture->directory))
		return -1;
	snprintf(fixture->file, sizeof(fixture->file), "%s/pinecone_api_key", fixture->directory);
	unsetenv("PINECONE_API_KEY");
	unsetenv("CREDENTIALS_DIRECTORY");
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	pfs_key_finish(&fixture->key);
	unlink(fixture->file);
	rmdir(fixture->directory);
	free(fixture);
	return 0;
}

static void write_file(const struct fixture *fixture, const char *bytes, size_t length, mode_t mode)
{
	int fd;

	unlink(fixture->file);
	fd = open(fixture->file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void write_key(const struct fixture *fixture, const char *text, mode_t mode)
{
	write_file(fixture, text, strlen(text), mode);
}

static int load(struct fixture *fixture, const char *file)
{
	fixture->text[0] = '\0';
	return pfs_key_load(&fixture->key, file, fixture->text, sizeof(fixture->text));
}

/* The load fails with this errno, says something with this word in it, and never the key. */
static void assert_refused(struct fixture *fixture, const char *file, int error, const char *word)
{
	assert_int_equal(load(fixture, file), error);
	if (!strstr(fixture->text, word))
		fail_msg("no '%s' in '%s'", word, fixture->text);
	assert_null(strstr(fixture->text, "secret"));
	assert_string_equal(fixture->key.value, "");
	assert_null(fixture->key.file);
}

static void test_load_file_key_without_white_space(void **state)
{
	struct fixture *fixture = *state;
	static const char *const texts[] = {KEY, KEY "\n", " \t" KEY "\r\n\n"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		write_key(fixture, texts[i], 0600);
		assert_int_equal(load(fixture, fixture->file), 0);
		assert_string_equal(fixture->key.value, KEY);
		assert_string_equal(fixture->key.file, fixture->file);
		pfs_key_finish(&fixture->key);
	}
}

static void test_load_file_wins_over_environment(void **state)
{
	struct fixture *fixture = *state;

	setenv("PINECONE_API_KEY", "pcsk_other", 1);
	write_key(fixture, KEY, 0400);
	assert_int_equal(load(fixture, fixture->file), 0);
	assert_string_equal(fixture->key.value, KEY);
}

static void test_load_environment_wins_over_credential(void **state)
{
	struct fixture *fixture = *state;

	write_key(fixture, "pcsk_credential", 0400);
	setenv("CREDENTIALS_DIRECTORY", fixture->directory, 1);
	setenv("PINECONE_API_KEY", KEY, 1);
	assert_int_equal(load(fixture, NULL), 0);
	assert_string_equal(fixture->key.value, KEY);
	assert_null(fixture->key.file);
}

static void test_load_credential_when_nothing_else(void **state)
{
	struct fixture *fixture = *state;

	write_key(fixture, KEY "\n", 0400);
	setenv("CREDENTIALS_DIRECTORY", fixture->directory, 1);
	setenv("PINECONE_API_KEY", "", 1);
	assert_int_equal(load(fixture, NULL), 0);
	assert_string_equal(fixture->key.value, KEY);
	assert_string_equal(fixture->key.file, fixture->file);
}

static void test_load_nothing_found_says_what_to_do(void **state)
{
	struct fixture *fixture = *state;

	assert_refused(fixture, NULL, -ENOKEY, "--api-key-file");
	setenv("CREDENTIALS_DIRECTORY", fixture->directory, 1);
	assert_refused(fixture, NULL, -ENOKEY, "PINECONE_API_KEY");
}

static void test_load_each_mode_as_in_table(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		mode_t mode;
		int plain;	/* result for a file anywhere */
		int credential; /* and for the same in $CREDENTIALS_DIRECTORY */
	} rows[] = {
		{0400, 0, 0},
		{0600, 0, 0},
		{0440, -EACCES, 0},
		{0640, -EACCES, 0},
		{0660, -EACCES, -EACCES},
		{0604, -EACCES, -EACCES},
		{0444, -EACCES, -EACCES},
		{0620, -EACCES, -EACCES},
		{0601, -EACCES, -EACCES},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		write_key(fixture, KEY, rows[i].mode);
		unsetenv("CREDENTIALS_DIRECTORY");
		assert_int_equal(load(fixture, fixture->file), rows[i].plain);
		pfs_key_finish(&fixture->key);
		setenv("CREDENTIALS_DIRECTORY", fixture->directory, 1);
		assert_int_equal(load(fixture, fixture->file), rows[i].credential);
		pfs_key_finish(&fixture->key);
	}
}

static void test_load_file_below_credentials_gets_no_exception(void **state)
{
	struct fixture *fixture = *state;

	write_key(fixture, KEY, 0440);
	setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
	assert_refused(fixture, fixture->file, -EACCES, "chmod 600");
}

static void test_load_file_of_another_user_refused(void **state)
{
	struct fixture *fixture = *state;

	/* Only root can make such a file. (No skip(): cmocka 1.1 writes that as "not ok".) */
	if (geteuid() != 0)
		return;
	write_key(fixture, KEY, 0600);
	assert_int_equal(chown(fixture->file, 12345, (gid_t)-1), 0);
	assert_refused(fixture, fixture->file, -EACCES, "another user");
}

static void test_load_not_a_regular_file_refused_at_once(void **state)
{
	struct fixture *fixture = *state;

	assert_refused(fixture, fixture->file, -ENOENT, "No such file");
	assert_refused(fixture, "/dev/null", -EINVAL, "regular");
	assert_refused(fixture, fixture->directory, -EINVAL, "regular");
	assert_int_equal(mkfifo(fixture->file, 0600), 0);
	assert_refused(fixture, fixture->file, -EINVAL, "regular"); /* and doesn't wait */
}

static void test_load_what_can_not_be_a_key_refused(void **state)
{
	struct fixture *fixture = *state;
	static const char *const texts[] = {
		KEY " two",	   KEY "\n" KEY,  KEY "\x01",	 KEY "\xc3\xbc",
		"secret\x7f",	   "\"" KEY "\"", "'" KEY "'\n", "PINECONE_API_KEY=" KEY "\n",
		"NAME=\"secret\"", "=secret",
	};
	char large[6000];

	for (size_t i = 0; i < COUNT(texts); i++) {
		write_key(fixture, texts[i], 0600);
		assert_refused(fixture, fixture->file, -EINVAL, "must hold the API key alone");
	}
	write_key(fixture, "", 0600);
	assert_refused(fixture, fixture->file, -EINVAL, "is empty");
	write_key(fixture, " \n", 0600);
	assert_refused(fixture, fixture->file, -EINVAL, "is empty");
	write_file(fixture, "secret\0key", 10, 0600);
	assert_refused(fixture, fixture->file, -EINVAL, fixture->file);
	memset(large, 'a', sizeof(large));
	write_file(fixture, large, PFS_KEY_MAX + 1, 0600);
	assert_refused(fixture, fixture->file, -EINVAL, fixture->file);
	memset(large, ' ', sizeof(large));
	memcpy(large, KEY, strlen(KEY));
	write_file(fixture, large, sizeof(large), 0600);
	assert_refused(fixture, fixture->file, -EINVAL, fixture->file);

	setenv("PINECONE_API_KEY", "secret with blanks", 1);
	assert_refused(fixture, NULL, -EINVAL, "PINECONE_API_KEY");
	setenv("PINECONE_API_KEY", " \n", 1);
	assert_refused(fixture, NULL, -EINVAL, "PINECONE_API_KEY");
	setenv("PINECONE_API_KEY", "'secret'", 1);
	assert_refused(fixture, NULL, -EINVAL, "quotes");
}

static void test_load_white_space_around_the_variable_is_no_part_of_it(void **state)
{
	static const char *const values[] = {KEY "\n", KEY "\r", KEY "\r\n", "\t " KEY " \v\f"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT(values); i++) {
		setenv("PINECONE_API_KEY", values[i], 1);
		assert_int_equal(load(fixture, NULL), 0);
		assert_string_equal(fixture->key.value, KEY);
	}
}

static void test_load_key_of_greatest_length_fits(void **state)
{
	struct fixture *fixture = *state;
	char bytes[PFS_KEY_MAX];

	memset(bytes, 'a', sizeof(bytes));
	write_file(fixture, bytes, sizeof(bytes), 0600);
	assert_int_equal(load(fixture, fixture->file), 0);
	assert_int_equal(strlen(fixture->key.value), PFS_KEY_MAX);
}

/* Two: where the file is read into, and where the key is until it is known to be good. */
static void test_each_copy_of_a_key_is_wiped(void **state)
{
	struct fixture *fixture = *state;

	write_key(fixture, KEY "\n", 0600);
	wiped_begin(KEY);
	assert_int_equal(load(fixture, fixture->file), 0);
	assert_int_equal(wiped_count(), 2);
	assert_int_equal(pfs_key_reload(&fixture->key), 0);
	assert_int_equal(wiped_count(), 4);
	write_key(fixture, "pcsk_new\n", 0600);
	wiped_begin("pcsk_new");
	assert_int_equal(pfs_key_reload(&fixture->key), 1);
	assert_int_equal(wiped_count(), 2);
	/* Also if it is refused, as what comes with other words is. */
	write_key(fixture, "export " KEY "\n", 0600);
	wiped_begin(KEY);
	assert_int_equal(pfs_key_reload(&fixture->key), -EINVAL);
	assert_int_equal(wiped_count(), 1);
	wiped_begin("pcsk_new");
	pfs_key_finish(&fixture->key);
	assert_int_equal(wiped_count(), 1);
}

static void test_reload_tells_whether_the_key_changed(void **state)
{
	struct fixture *fixture = *state;

	write_key(fixture, KEY, 0600);
	assert_int_equal(load(fixture, fixture->file), 0);
	assert_int_equal(pfs_key_reload(&fixture->key), 0);
	write_key(fixture, "pcsk_new\n", 0600);
	assert_int_equal(pfs_key_reload(&fixture->key), 1);
	assert_string_equal(fixture->key.value, "pcsk_new");
	assert_int_equal(pfs_key_reload(&fixture->key), 0);
}

static void test_reload_failure_keeps_the_old_key(void **state)
{
	struct fixture *fixture = *state;

	write_key(fixture, KEY, 0600);
	assert_int_equal(load(fixture, fixture->file), 0);
	write_key(fixture, "pcsk_new", 0644);
	assert_int_equal(pfs_key_reload(&fixture->key), -EACCES);
	unlink(fixture->file);
	assert_int_equal(pfs_key_reload(&fixture->key), -ENOENT);
	assert_string_equal(fixture->key.value, KEY);
}

static void test_reload_key_of_environment_does_nothing(void **state)
{
	struct fixture *fixture = *state;

	setenv("PINECONE_API_KEY", KEY, 1);
	assert_int_equal(load(fixture, NULL), 0);
	assert_int_equal(pfs_key_reload(&fixture->key), 0);
	assert_string_equal(fixture->key.value, KEY);
}

static void test_clear_environment_overwrites_every_occurrence(void **state)
{
	char first[] = "PINECONE_API_KEY=" KEY;
	char second[] = "PINECONE_API_KEY=" KEY;
	char other[] = "PINECONE_API_KEY_FILE=kept";
	char headers[] = "PINECONE_ADDITIONAL_HEADERS={\"x\":\"" KEY "\"}";
	char *replaced[] = {first, other, headers, second, NULL};
	char **saved = environ;
	char wiped[sizeof(first)] = "PINECONE_API_KEY=";

	environ = replaced;
	pfs_key_clear_environment();
	assert_null(getenv("PINECONE_API_KEY"));
	assert_null(getenv("PINECONE_ADDITIONAL_HEADERS"));
	assert_string_equal(getenv("PINECONE_API_KEY_FILE"), "kept");
	environ = saved;
	assert_null(memmem(headers, sizeof(headers), KEY, strlen(KEY)));
	assert_memory_equal(first, wiped, sizeof(first));
	assert_memory_equal(second, wiped, sizeof(second));
}

static void test_finish_wipes_and_takes_what_was_never_loaded(void **state)
{
	struct fixture *fixture = *state;
	struct pfs_key zeroed = {0};
	const char nothing[sizeof(fixture->key.value)] = {0};

	pfs_key_finish(&zeroed);
	write_key(fixture, KEY, 0600);
	assert_int_equal(load(fixture, fixture->file), 0);
	pfs_key_finish(&fixture->key);
	assert_memory_equal(fixture->key.value, nothing, sizeof(nothing));
	assert_null(fixture->key.file);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_load_file_key_without_white_space),
		TEST(test_load_file_wins_over_environment),
		TEST(test_load_environment_wins_over_credential),
		TEST(test_load_credential_when_nothing_else),
		TEST(test_load_nothing_found_says_what_to_do),
		TEST(test_load_each_mode_as_in_table),
		TEST(test_load_file_below_credentials_gets_no_exception),
		TEST(test_load_file_of_another_user_refused),
		TEST(test_load_not_a_regular_file_refused_at_once),
		TEST(test_load_what_can_not_be_a_key_refused),
		TEST(test_load_white_space_around_the_variable_is_no_part_of_it),
		TEST(test_load_key_of_greatest_length_fits),
		TEST(test_each_copy_of_a_key_is_wiped),
		TEST(test_reload_tells_whether_the_key_changed),
		TEST(test_reload_failure_keeps_the_old_key),
		TEST(test_reload_key_of_environment_does_nothing),
		TEST(test_clear_environment_overwrites_every_occurrence),
		TEST(test_finish_wipes_and_takes_what_was_never_loaded),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
