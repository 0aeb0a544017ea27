/* SPDX-License-Identifier: MIT */
#include "pinefs/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pinefs/text.h"
#include "unit.h"

#define WORDS_MAX 16

static int setup(void **state)
{
	unsetenv("PINECONE_CONTROLLER_HOST");
	unsetenv("PINECONE_ADDITIONAL_HEADERS");
	return 0;
}

/* words: the arguments, NULL at the end. */
static int parse(const char *const words[], struct pfs_options *options, char *text, size_t size)
{
	char *argv[WORDS_MAX + 2] = {(char *)"pinefs"};
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	text[0] = '\0';
	return pfs_options_parse(options, argc, argv, text, size);
}

static void parse_good(const char *const words[], struct pfs_options *options)
{
	char text[200];

	if (parse(words, options, text, sizeof(text)) != 0)
		fail_msg("refused: %s", text);
}

#define WORDS(...) ((const char *const[WORDS_MAX + 1]){__VA_ARGS__})

static void test_parse_mountpoint_only_gives_defaults(void **state)
{
	struct pfs_options options;

	parse_good(WORDS("/mnt"), &options);
	assert_int_equal(options.action, PFS_ACTION_MOUNT);
	assert_string_equal(options.mountpoint, "/mnt");
	assert_null(options.source);
	assert_null(options.api_key_file);
	assert_null(options.cacert);
	assert_null(options.additional_headers);
	assert_string_equal(options.api_url, PFS_DEFAULT_API_URL);
	assert_string_equal(options.api_version, "2025-10");
	assert_true(options.ttl == 5 * PFS_SECOND);
	assert_true(options.ttl_ready == 60 * PFS_SECOND);
	assert_true(options.ttl_final == 600 * PFS_SECOND);
	assert_true(options.ttl_missing == 2 * PFS_SECOND);
	assert_true(options.stale == 60 * PFS_SECOND);
	assert_true(options.timeout == 30 * PFS_SECOND);
	assert_true(options.max_rate > 9.999 && options.max_rate < 10.001);
	assert_false(options.no_check || options.allow_restore || options.demo ||
		     options.foreground || options.debug);
	assert_false(options.check_modes);
	assert_int_equal(options.uid, getuid());
	assert_int_equal(options.gid, getgid());
	assert_int_equal(options.umask, 0);
	assert_string_equal(options.fuse, "");
	pfs_options_finish(&options);
}

/* In the table's order, whatever that of the list. */
static void test_parse_kinds_each_as_in_table(void **state)
{
	static const struct {
		const char *words[3];
		const char *names;
	} rows[] = {
		{{"--kinds=indexes", "mnt"}, "indexes"},
		{{"--kinds=indexes,restore-jobs", "mnt"}, "restore-jobs indexes"},
		{{"--kinds=backups,backups", "mnt"}, "backups"},
		{{"-okinds=indexes\\,backups", "mnt"}, "backups indexes"},
		{{"--kinds=indexes", "-okinds=backups", "mnt"}, "backups"},
	};
	struct pfs_options options;

	parse_good(WORDS("mnt"), &options);
	assert_int_equal(options.kinds.count, pfs_all_kinds.count);
	pfs_options_finish(&options);
	parse_good(WORDS("--kinds=indexes", "--kinds=all", "mnt"), &options);
	assert_memory_equal(&options.kinds, &pfs_all_kinds, sizeof(pfs_all_kinds));
	pfs_options_finish(&options);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char names[100] = "";

		parse_good(WORDS(rows[i].words[0], rows[i].words[1], rows[i].words[2]), &options);
		for (size_t j = 0; j < options.kinds.count; j++) {
			strcat(names, j ? " " : "");
			strcat(names, options.kinds.rows[j]->name);
		}
		assert_string_equal(names, rows[i].names);
		pfs_options_finish(&options);
	}
}

static void test_parse_long_options_set_their_fields(void **state)
{
	struct pfs_options options;

	parse_good(WORDS("--api-key-file", "/k", "--api-url=http://localhost:80/", "--api-version",
			 "2026-07", "--ttl=0.5", "--timeout=7", "--max-rate=0.25", "--no-check",
			 "--cacert=/c", "--allow-restore", "source", "mnt"),
		   &options);
	assert_string_equal(options.api_key_file, "/k");
	assert_string_equal(options.api_url, "http://localhost:80");
	assert_string_equal(options.api_version, "2026-07");
	assert_true(options.ttl == PFS_SECOND / 2);
	assert_true(options.timeout == 7 * PFS_SECOND);
	assert_true(options.max_rate > 0.2499 && options.max_rate < 0.2501);
	assert_true(options.no_check);
	assert_true(options.allow_restore);
	assert_string_equal(options.cacert, "/c");
	assert_string_equal(options.source, "source");
	assert_string_equal(options.mountpoint, "mnt");
	pfs_options_finish(&options);
}

static void test_parse_list_words_set_the_same_fields(void **state)
{
	struct pfs_options options;

	parse_good(
		WORDS("source", "mnt", "-o",
		      "api_key_file=/k,api-url=example.com,ttl_ready=10,ttl_final=9,ttl-missing=8,stale=0",
		      "-ono_check,allow_restore,foreground,api_version=a.b_c-1,,cacert=/a\\,b=c"),
		&options);
	assert_string_equal(options.api_key_file, "/k");
	assert_string_equal(options.api_url, "https://example.com");
	assert_true(options.ttl_ready == 10 * PFS_SECOND);
	assert_true(options.ttl_final == 9 * PFS_SECOND);
	assert_true(options.ttl_missing == 8 * PFS_SECOND);
	assert_true(options.stale == 0);
	assert_true(options.no_check && options.allow_restore && options.foreground);
	assert_string_equal(options.api_version, "a.b_c-1");
	assert_string_equal(options.cacert, "/a,b=c");
	assert_string_equal(options.fuse, "");
	pfs_options_finish(&options);
}

/* As mount(8) gives them, and as a person types them; for libfuse, and then the kernel, to split.
 */
static void test_parse_contexts_are_passed_on_commas_and_all(void **state)
{
	static const struct {
		const char *given, *passed;
	} rows[] = {
		{"context=system_u:object_r:x_t:s0", "context=system_u:object_r:x_t:s0"},
		{"context=\"u:r:t:s0\",ro", "context=u:r:t:s0,ro"},
		{"ro,context=\"u:r:t:s0:c1,c2\",nodev", "ro,context=\"u:r:t:s0:c1\\,c2\",nodev"},
		{"fscontext=u:r:t:s0:c1\\,c2,ro", "fscontext=\"u:r:t:s0:c1\\,c2\",ro"},
		{"defcontext=\"a,b,c\",rootcontext=\"d,e\"",
		 "defcontext=\"a\\,b\\,c\",rootcontext=\"d\\,e\""},
		{"context=a\\\\b", "context=a\\\\b"},
		/* Elsewhere a quote is a byte like others. */
		{"fsname=\"a,ro", "fsname=\"a,ro"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pfs_options options;

		parse_good(WORDS("mnt", "-o", rows[i].given), &options);
		assert_string_equal(options.fuse, rows[i].passed);
		assert_false(options.check_modes);
		pfs_options_finish(&options);
	}
}

static void test_parse_fuse_words_are_passed_on(void **state)
{
	struct pfs_options options;

	parse_good(WORDS("mnt", "-o", "ro,allow_other,ttl=1,fsname=a\\,b\\\\c", "-o",
			 "max_read=4096,nodev"),
		   &options);
	assert_string_equal(options.fuse, "ro,allow_other,fsname=a\\,b\\\\c,max_read=4096,nodev");
	assert_true(options.check_modes);
	assert_int_equal(options.max_read, 4096);
	pfs_options_finish(&options);

	parse_good(WORDS("mnt", "-o", "fsname=a\\", "-o", "ro"), &options);
	assert_string_equal(options.fuse, "fsname=a,ro");
	pfs_options_finish(&options);

	parse_good(WORDS("mnt", "-o", "allow_root,umask=022"), &options);
	assert_true(options.check_modes);
	assert_int_equal(options.umask, 077);
	pfs_options_finish(&options);

	parse_good(WORDS("mnt", "-o", "default_permissions"), &options);
	assert_true(options.check_modes);
	pfs_options_finish(&options);
}

static void test_parse_fstab_words_are_ignored(void **state)
{
	struct pfs_options options;

	parse_good(WORDS("src", "mnt", "-o",
			 "rw,_netdev,nofail,noauto,auto,user,users,nouser,owner,group,defaults,"
			 "x-systemd.automount,x-systemd.requires=a.service,X-mount.mkdir,"
			 "comment=hello,user=alice",
			 "-o",
			 "relatime,norelatime,strictatime,nostrictatime,diratime,nodiratime,"
			 "lazytime,nolazytime,iversion,noiversion,mand,nomand,silent,loud"),
		   &options);
	assert_string_equal(options.fuse, "");
	pfs_options_finish(&options);
}

static void test_parse_owner_words_set_ids(void **state)
{
	struct pfs_options options;

	parse_good(WORDS("mnt", "-o", "uid=1000,gid=4294967294,umask=077"), &options);
	assert_int_equal(options.uid, 1000);
	assert_int_equal(options.gid, 4294967294);
	assert_int_equal(options.umask, 077);
	assert_string_equal(options.fuse, "");
	pfs_options_finish(&options);
}

static void test_parse_option_given_twice_last_one_holds(void **state)
{
	struct pfs_options options;

	parse_good(WORDS("--ttl=1", "mnt", "-o", "ttl=2,api_url=a", "--ttl=3", "--api-url=b"),
		   &options);
	assert_true(options.ttl == 3 * PFS_SECOND);
	assert_string_equal(options.api_url, "https://b");
	pfs_options_finish(&options);
}

static void test_parse_relative_files_become_absolute(void **state)
{
	struct pfs_options options;
	char wanted[4200];
	char *directory = getcwd(NULL, 0);

	assert_non_null(directory);
	snprintf(wanted, sizeof(wanted), "%s/../key", directory);
	free(directory);
	parse_good(WORDS("--api-key-file=../key", "--cacert", "/etc/ca", "mnt"), &options);
	assert_string_equal(options.api_key_file, wanted);
	assert_string_equal(options.cacert, "/etc/ca");
	pfs_options_finish(&options);
}

static void test_parse_debug_implies_foreground(void **state)
{
	struct pfs_options options;

	parse_good(WORDS("-d", "mnt"), &options);
	assert_true(options.debug && options.foreground);
	pfs_options_finish(&options);
	parse_good(WORDS("mnt", "-o", "debug"), &options);
	assert_true(options.debug && options.foreground);
	pfs_options_finish(&options);
}

static void test_parse_words_behind_two_dashes_are_positional(void **state)
{
	struct pfs_options options;

	parse_good(WORDS("-f", "--", "-src", "--mnt"), &options);
	assert_string_equal(options.source, "-src");
	assert_string_equal(options.mountpoint, "--mnt");
	pfs_options_finish(&options);
}

static void test_parse_help_and_version_need_no_mountpoint(void **state)
{
	static const struct {
		const char *word;
		enum pfs_action action;
	} rows[] = {
		{"-h", PFS_ACTION_HELP},
		{"--help", PFS_ACTION_HELP},
		{"-V", PFS_ACTION_VERSION},
		{"--version", PFS_ACTION_VERSION},
	};
	struct pfs_options options;

	for (size_t i = 0; i < COUNT(rows); i++) {
		parse_good(WORDS(rows[i].word, "--unknown", "a", "b", "c"), &options);
		assert_int_equal(options.action, rows[i].action);
		assert_null(options.mountpoint);
		pfs_options_finish(&options);
	}
}

static void test_parse_url_each_form_as_in_table(void **state)
{
	static const struct {
		const char *given;
		const char *url;
	} rows[] = {
		{"example.com", "https://example.com"},
		{"example.com///", "https://example.com"},
		{"localhost:8080", "https://localhost:8080"},
		{"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
		{"https://a/b/", "https://a/b"},
	};
	struct pfs_options options;

	for (size_t i = 0; i < COUNT(rows); i++) {
		parse_good(WORDS("--api-url", rows[i].given, "mnt"), &options);
		assert_string_equal(options.api_url, rows[i].url);
		pfs_options_finish(&options);

		setenv("PINECONE_CONTROLLER_HOST", rows[i].given, 1);
		parse_good(WORDS("mnt"), &options);
		assert_string_equal(options.api_url, rows[i].url);
		pfs_options_finish(&options);
		unsetenv("PINECONE_CONTROLLER_HOST");
	}
}

static void test_parse_environment_yields_to_options(void **state)
{
	struct pfs_options options;

	setenv("PINECONE_CONTROLLER_HOST", "env.example", 1);
	setenv("PINECONE_ADDITIONAL_HEADERS", "{\"a\":\"b\"}", 1);
	parse_good(WORDS("--api-url=cli.example", "mnt"), &options);
	assert_string_equal(options.api_url, "https://cli.example");
	assert_string_equal(options.additional_headers, "{\"a\":\"b\"}");
	pfs_options_finish(&options);

	setenv("PINECONE_CONTROLLER_HOST", "", 1);
	setenv("PINECONE_ADDITIONAL_HEADERS", "", 1);
	parse_good(WORDS("--demo", "mnt"), &options);
	assert_string_equal(options.api_url, PFS_DEFAULT_API_URL);
	assert_null(options.additional_headers);
	pfs_options_finish(&options);
}

/* Wrong usage, and what the complaint must name. */
static const struct {
	const char *const words[5];
	const char *named;
} wrong[] = {
	{{NULL}, "mountpoint"},
	{{"-f"}, "mountpoint"},
	{{""}, "''"},
	{{"a", "b", "c"}, "'c'"},
	{{"--unknown", "mnt"}, "--unknown"},
	{{"--tt", "5", "mnt"}, "--tt"}, /* ambiguous */
	{{"-x", "mnt"}, "-x"},
	{{"--demo=1", "mnt"}, "--demo"},
	{{"--ttl"}, "--ttl"},
	{{"mnt", "-o"}, "-o"},
	{{"--ttl=x", "mnt"}, "'x'"},
	{{"--ttl=-1", "mnt"}, "'-1'"},
	{{"--ttl=", "mnt"}, "--ttl"},
	{{"--stale=1e3", "mnt"}, "--stale"},
	{{"--ttl=3155760001", "mnt"}, "100 years at most"},
	{{"--timeout=3155760001", "mnt"}, "100 years at most"},
	{{"--max-rate=3155760001", "mnt"}, "3155760000 at most"},
	{{"--timeout=0", "mnt"}, "above 0"},
	{{"--timeout=0.0", "mnt"}, "above 0"},
	{{"--max-rate=0", "mnt"}, "above 0"},
	{{"--max-rate=nan", "mnt"}, "nan"},
	{{"--api-url=", "mnt"}, "--api-url"},
	{{"--api-url=https://", "mnt"}, "https://"},
	{{"--api-url=/", "mnt"}, "--api-url"},
	{{"--api-version=", "mnt"}, "--api-version"},
	{{"--api-version=a b", "mnt"}, "a b"},
	{{"--api-version=a\r\nb", "mnt"}, "a\\r\\nb"},
	{{"--kinds=", "mnt"}, "--kinds: ''"},
	{{"--kinds=job", "mnt"}, "'job' is none; there are restore-jobs, backups"},
	{{"--kinds=backups,", "mnt"}, "--kinds: ''"},
	{{"--kinds=backups, indexes", "mnt"}, "' indexes'"},
	{{"--kinds=all,backups", "mnt"}, "'all'"},
	{{"-o", "kinds=backups,indexes", "mnt"}, "indexes"},
	{{"--api-key-file=", "mnt"}, "--api-key-file"},
	{{"--cacert", "", "mnt"}, "--cacert"},
	{{"--demo", "--api-url=a", "mnt"}, "--api-url"},
	{{"-o", "demo,api_url=a", "mnt"}, "--api-url"},
	{{"--demo", "--api-key-file=a", "mnt"}, "--api-key-file"},
	{{"mnt", "-o", "foo"}, "foo"},
	{{"mnt", "-o", "allow_other,nonempty"}, "nonempty"},
	{{"mnt", "-o", "ttl"}, "ttl"},
	{{"mnt", "-o", "ttl=x"}, "'x'"},
	{{"mnt", "-o", "demo=1"}, "demo"},
	{{"mnt", "-o", "allow_other=1"}, "allow_other"},
	{{"mnt", "-o", "fsname"}, "fsname"},
	{{"mnt", "-o", "max_read="}, "max_read"},
	{{"mnt", "-o", "context"}, "context: needs a value"},
	{{"mnt", "-o", "rootcontext="}, "rootcontext: needs a value"},
	{{"mnt", "-o", "fscontext=\"\""}, "fscontext: needs a value"},
	{{"mnt", "-o", "context=\"a,ro"}, "context: a quote isn't closed"},
	{{"mnt", "-o", "max_read=4k"}, "'4k' is not a number of bytes"},
	{{"mnt", "-o", "max_read=4294967296"}, "'4294967296'"},
	{{"mnt", "-o", "uid=root"}, "root"},
	{{"mnt", "-o", "uid"}, "uid"},
	{{"mnt", "-o", "gid=-1"}, "gid"},
	{{"mnt", "-o", "gid=4294967295"}, "4294967295"},
	{{"mnt", "-o", "uid=99999999999999999999"}, "uid"},
	{{"mnt", "-o", "umask=8"}, "'8'"},
	{{"mnt", "-o", "umask=1000"}, "1000"},
	{{"mnt", "-o", "tt_l=5"}, "tt_l"},
	{{"src", "mnt", "-o", "rw,remount"}, "unmount it and mount it again"},
	{{"mnt", "-o", "o=ttl"}, "unknown"},
	{{"a\x1b[2J", "b", "c\n"}, "'c\\n'"},
};

static void test_parse_wrong_usage_refused_and_named(void **state)
{
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct pfs_options options = {.ttl = 42};
		char text[200];

		if (parse(wrong[i].words, &options, text, sizeof(text)) != -EINVAL)
			fail_msg("row %zu (%s) was taken", i, wrong[i].named);
		if (!strstr(text, wrong[i].named))
			fail_msg("row %zu: no '%s' in '%s'", i, wrong[i].named, text);
		assert_null(strchr(text, '\n'));
		assert_int_equal(options.ttl, 42);
		assert_null(options.mountpoint);
	}
}

static void test_parse_key_as_argument_refused_and_not_quoted(void **state)
{
	static const char *const rows[][4] = {
		{"--api-key", "pcsk_secret", "mnt"},	   {"--api-key=pcsk_secret", "mnt"},
		{"mnt", "-o", "api_key=pcsk_secret"},	   {"--apikey=pcsk_secret", "mnt"},
		{"mnt", "-o", "pinecone_key=pcsk_secret"}, {"--api-k=pcsk_secret", "mnt"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pfs_options options;
		char text[200];

		assert_int_equal(parse(rows[i], &options, text, sizeof(text)), -EINVAL);
		assert_null(strstr(text, "secret"));
		if (i < 3)
			assert_non_null(strstr(text, "PINECONE_API_KEY"));
	}
}

static void test_parse_bad_environment_names_the_variable(void **state)
{
	struct pfs_options options;
	char text[200];

	setenv("PINECONE_CONTROLLER_HOST", "https://", 1);
	assert_int_equal(parse(WORDS("mnt"), &options, text, sizeof(text)), -EINVAL);
	assert_non_null(strstr(text, "PINECONE_CONTROLLER_HOST"));
}

static void test_parse_small_text_is_cut(void **state)
{
	struct pfs_options options;
	char text[10] = "xxxxxxxxx";

	assert_int_equal(parse(WORDS("--unknown-option"), &options, text, 5), -EINVAL);
	assert_string_equal(text, "--un");
	assert_int_equal(text[5], 'x');
}

static void test_parse_leaves_argv_in_its_order(void **state)
{
	struct pfs_options options;
	char *argv[] = {(char *)"pinefs", (char *)"mnt", (char *)"-f", NULL};
	char text[100];

	assert_int_equal(pfs_options_parse(&options, 3, argv, text, sizeof(text)), 0);
	assert_string_equal(argv[1], "mnt");
	assert_string_equal(argv[2], "-f");
	pfs_options_finish(&options);
}

static void test_finish_zeroed_is_harmless(void **state)
{
	struct pfs_options options = {0};

	pfs_options_finish(&options);
	assert_null(options.fuse);
}

struct seen {
	const char *help;
	size_t count;
};

static void see(void *arg, const char *name, char letter, const char *argument)
{
	struct seen *seen = arg;
	char wanted[80];

	if (letter != 0)
		snprintf(wanted, sizeof(wanted), "  -%c, --%s%s%s ", letter, name,
			 argument ? " " : "", argument ? argument : "");
	else
		snprintf(wanted, sizeof(wanted), "      --%s%s%s ", name, argument ? " " : "",
			 argument ? argument : "");
	if (!strstr(seen->help, wanted))
		fail_msg("no '%s' in the help", wanted);
	seen->count++;
}

static void test_help_has_each_option_and_fits_a_terminal(void **state)
{
	char *help = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&help, &size);
	struct seen seen = {0};

	assert_non_null(out);
	pfs_options_help(out);
	fclose(out);
	seen.help = help;
	pfs_options_each(see, &seen);
	assert_int_equal(seen.count, 19);
	assert_non_null(strstr(help, "\n  -o LIST "));
	assert_null(strstr(help, "--api-key KEY"));
	for (const char *line = help; *line != '\0'; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") < 80);
	free(help);
}

#define TEST(function) cmocka_unit_test_setup(function, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_parse_mountpoint_only_gives_defaults),
		TEST(test_parse_kinds_each_as_in_table),
		TEST(test_parse_long_options_set_their_fields),
		TEST(test_parse_list_words_set_the_same_fields),
		TEST(test_parse_contexts_are_passed_on_commas_and_all),
		TEST(test_parse_fuse_words_are_passed_on),
		TEST(test_parse_fstab_words_are_ignored),
		TEST(test_parse_owner_words_set_ids),
		TEST(test_parse_option_given_twice_last_one_holds),
		TEST(test_parse_relative_files_become_absolute),
		TEST(test_parse_debug_implies_foreground),
		TEST(test_parse_words_behind_two_dashes_are_positional),
		TEST(test_parse_help_and_version_need_no_mountpoint),
		TEST(test_parse_url_each_form_as_in_table),
		TEST(test_parse_environment_yields_to_options),
		TEST(test_parse_wrong_usage_refused_and_named),
		TEST(test_parse_key_as_argument_refused_and_not_quoted),
		TEST(test_parse_bad_environment_names_the_variable),
		TEST(test_parse_small_text_is_cut),
		TEST(test_parse_leaves_argv_in_its_order),
		TEST(test_finish_zeroed_is_harmless),
		TEST(test_help_has_each_option_and_fits_a_terminal),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
