/* SPDX-License-Identifier: MIT */
/* /tables as the kernel sees it: names, inodes, what a lookup waits for, and what forgetting frees.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel_fixture.h"
#include "three_kinds.h"

#define TABLES 5 /* the inode of /tables */

#define HEADER	"restore_job_id\tstatus\tcreated_at\tcompleted_at\tgadget\n"
#define PENDING HEADER "a\tPending\t\t\t\n"
#define FAILED	HEADER "a\tFailed\t\t\t\n"

static const struct pfs_tables_config config = {
	.timeout = TIMEOUT, .max_bytes = 4096, .max_held = 4096};

static int set_up(void **state)
{
	use_kinds(&three_kinds);
	use_tables(&config);
	return setup_kernel(state);
}

static uint64_t request_table(struct kernel *kernel, const char *name)
{
	return request_name(kernel, FUSE_LOOKUP, TABLES, name);
}

/* The list is asked for, says this, and the jobs' table is of that. Its inode. */
static uint64_t hold_table(struct kernel *kernel, const char *rows)
{
	uint64_t unique = request_table(kernel, "restore-jobs.tsv");

	if (rows) {
		assert_unanswered(kernel, unique);
		fake_api_page(kernel->api, rows, NULL);
	}
	kernel_pass(kernel, 0);
	assert_replied(kernel, unique, 0);
	return kernel->body.entry.nodeid;
}

/* What has run out is asked for again. */
static uint64_t hold_next_table(struct kernel *kernel, const char *rows)
{
	kernel_pass(kernel, TTL);
	return hold_table(kernel, rows);
}

static void assert_reads(struct kernel *kernel, uint64_t inode, const char *text)
{
	assert_replied(kernel, request_getattr(kernel, inode, true), 0);
	assert_int_equal(kernel->body.attributes.attr.size, strlen(text));
	assert_true(kernel->body.attributes.attr_valid == 3600);
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), 0);
	assert_int_equal(kernel->length, strlen(text));
	assert_memory_equal(kernel->body.bytes, text, kernel->length);
}

static void assert_gone(struct kernel *kernel, uint64_t inode)
{
	assert_replied(kernel, request_getattr(kernel, inode, true), -ESTALE);
	assert_replied(kernel, request_read(kernel, inode, 0, 4096), -ESTALE);
}

static void test_each_kind_has_a_table_in_each_form(void **state)
{
	static const char *const strangers[] = {
		"restore-jobs", "restore-jobs.", "restore-jobs.csv", "gadget.tsv",
		"gadgets,tsv",	".tsv",		 "gadgets.tsv.jsonl"};
	struct kernel *kernel = *state;
	struct bench *bench = kernel->scene->bench;
	struct pfs_node tables = walk(bench, "tables"), node;
	char seen[200] = "";
	struct pfs_entry entry;
	uint64_t cursor = 0;
	int64_t valid;

	assert_int_equal(tables.inode, TABLES);
	assert_int_equal(attributes(bench, "tables").st_mode, S_IFDIR | 0550);
	assert_int_equal(attributes(bench, "tables").st_nlink, 2);
	assert_int_equal(attributes(bench, "").st_nlink, 3 + three_kinds.count + 1);
	assert_non_null(strstr(names(bench, "", 2), "tables "));
	for (; pfs_tree_list(bench->tree, &tables, cursor, NULL, &entry) == 1;
	     cursor = entry.cursor)
		(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s ", entry.name);
	assert_string_equal(seen, ". .. restore-jobs.tsv restore-jobs.jsonl gadgets.tsv "
				  "gadgets.jsonl notes.tsv notes.jsonl ");
	for (size_t i = 0; i < COUNT(strangers); i++) {
		assert_replied(kernel, request_table(kernel, strangers[i]), 0);
		assert_int_equal(kernel->body.entry.nodeid, 0);
		assert_true(kernel->body.entry.entry_valid == 3600);
	}
	assert_int_equal(kernel->api->lists, 0);
	/* Before one was made there is none, but there may be one at any time. */
	assert_int_equal(pfs_tree_lookup(bench->tree, &tables, "gadgets.tsv", NULL, &node, &valid),
			 -ENOENT);
	assert_int_equal(valid, 0);
	assert_int_equal(pfs_tree_node(bench->tree, entry.node.inode, &node), -ESTALE);
}

static void test_lookup_waits_for_the_list_and_the_text(void **state)
{
	struct kernel *kernel = *state;
	struct bench *bench = kernel->scene->bench;
	uint64_t inode = hold_table(kernel, "a");
	struct pfs_node node;
	char path[40];

	assert_int_equal(kernel->body.entry.entry_valid, TTL / PFS_SECOND);
	assert_true(kernel->body.entry.attr_valid == 3600);
	assert_int_equal(kernel->body.entry.attr.mode, S_IFREG | 0440);
	assert_int_equal(kernel->body.entry.attr.size, strlen(PENDING));
	assert_int_equal(kernel->body.entry.attr.mtime,
			 pfs_loop_wall(kernel->store->loop) / PFS_SECOND);
	assert_reads(kernel, inode, PENDING);
	assert_replied(kernel, request_read(kernel, inode, strlen(HEADER), 2), 0);
	assert_int_equal(kernel->length, 2);
	assert_memory_equal(kernel->body.bytes, "a\t", 2);
	assert_replied(kernel, request_read(kernel, inode, strlen(PENDING), 2), 0);
	assert_int_equal(kernel->length, 0);
	/* The name is not valid for longer than the list. */
	kernel_pass(kernel, TTL - PFS_SECOND);
	assert_int_equal(hold_table(kernel, NULL), inode);
	assert_int_equal(kernel->body.entry.entry_valid, 1);
	assert_int_equal(kernel->api->lists, 1);
	assert_int_equal(pfs_tree_path(bench->tree, inode, path, sizeof(path)), 0);
	assert_string_equal(path, "tables/restore-jobs.tsv");
	assert_int_equal(pfs_tree_path(bench->tree, inode, path, strlen(path)), -ENAMETOOLONG);
	assert_int_equal(pfs_tree_node(bench->tree, inode, &node), 0);
	assert_int_equal(pfs_tree_xattr(bench->tree, &node, "user.pinefs.age", &bench->buffer),
			 -ENODATA);
}

static void test_each_form_has_its_own_texts(void **state)
{
	struct kernel *kernel = *state;
	uint64_t tsv = hold_table(kernel, "a");
	uint64_t unique = request_table(kernel, "restore-jobs.jsonl");

	kernel_pass(kernel, 0);
	assert_replied(kernel, unique, 0);
	assert_reads(kernel, kernel->body.entry.nodeid,
		     "{\"restore_job_id\":\"a\",\"status\":\"Pending\"}\n");
	assert_reads(kernel, tsv, PENDING);
}

/* The first lookup finds the name changed, and the kernel looks it up anew. */
static void test_both_lookups_of_a_changed_name_give_the_same(void **state)
{
	struct kernel *kernel = *state;
	uint64_t first = hold_table(kernel, "a");
	uint64_t second = hold_next_table(kernel, "a:Failed");

	assert_int_not_equal(first, second);
	assert_int_equal(hold_table(kernel, NULL), second);
	assert_int_equal(kernel->api->lists, 2);
}

/* Also of a text that nobody reads any more, while it is the latest. */
static void test_forgetting_frees_what_is_superseded(void **state)
{
	struct kernel *kernel = *state;
	const struct pfs_stats *stats = &kernel->store->stats;
	uint64_t first = hold_table(kernel, "a"), second;

	assert_int_equal(hold_table(kernel, NULL), first);
	second = hold_next_table(kernel, "a:Failed");
	assert_int_equal(stats->table_texts, 2);
	assert_reads(kernel, first, PENDING);
	forget(kernel, first, 1);
	assert_reads(kernel, first, PENDING);
	assert_reads(kernel, second, FAILED);
	forget(kernel, first, 1);
	assert_gone(kernel, first);
	assert_int_equal(stats->table_texts, 1);
	forget(kernel, second, 1);
	assert_reads(kernel, second, FAILED);
	assert_int_equal(hold_table(kernel, NULL), second);
	(void)hold_next_table(kernel, "a");
	assert_reads(kernel, second, FAILED);
	forget(kernel, second, 1);
	assert_gone(kernel, second);
	assert_int_equal(stats->table_texts, 1);
}

/* What the kernel hasn't taken it needn't forget. */
static void test_who_is_gone_before_the_reply_holds_nothing(void **state)
{
	struct kernel *kernel = *state;
	uint64_t first = hold_table(kernel, "a");

	forget(kernel, first, 1);
	turn_deaf(kernel);
	(void)request_table(kernel, "restore-jobs.tsv");
	kernel_pass(kernel, TTL);
	(void)request_table(kernel, "restore-jobs.tsv");
	fake_api_page(kernel->api, "a:Failed", NULL);
	kernel_pass(kernel, 0);
	assert_int_equal(kernel->store->stats.table_texts, 1);
}

static void test_listing_gives_names_only_and_asks_for_nothing(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold_table(kernel, "a");
	size_t count = 0;

	assert_replied(kernel, request_listing(kernel, FUSE_READDIRPLUS, TABLES, 0, 4096), 0);
	for (size_t at = 0; at < kernel->length; count++) {
		const struct fuse_direntplus *entry = (void *)&kernel->body.bytes[at];

		assert_int_equal(entry->entry_out.nodeid, 0);
		if (!strncmp(entry->dirent.name, "restore-jobs.tsv", entry->dirent.namelen))
			assert_int_equal(entry->dirent.ino, inode);
		at += FUSE_DIRENTPLUS_SIZE(entry);
	}
	assert_int_equal(count, 8);
	assert_int_equal(kernel->api->lists, 1);
	forget(kernel, inode, 1); /* the listing took no reference */
	(void)hold_next_table(kernel, "a:Failed");
	assert_int_equal(kernel->store->stats.table_texts, 1);
}

static void test_kind_that_is_denied_denies_its_tables_only(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = request_table(kernel, "gadgets.jsonl");

	fake_api_fail(kernel->api, NULL, -EACCES, 403);
	serve(kernel);
	assert_replied(kernel, unique, -EACCES);
	assert_replied(kernel, request_table(kernel, "gadgets.tsv"), -EACCES);
	(void)hold_table(kernel, "a");
}

/* Until the list may be asked for again: the kernel needn't ask us meanwhile, nor longer. */
static void test_name_of_a_stale_table_is_valid_for_the_pause(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold_table(kernel, "a"), unique;

	kernel_pass(kernel, TTL);
	unique = request_table(kernel, "restore-jobs.tsv");
	fake_api_fail(kernel->api, NULL, -EIO, 500);
	kernel_pass(kernel, 0);
	assert_replied(kernel, unique, 0);
	assert_int_equal(kernel->body.entry.nodeid, inode);
	assert_int_equal(kernel->body.entry.entry_valid, TTL_ERROR / PFS_SECOND);
	kernel_pass(kernel, STALE);
	unique = request_table(kernel, "restore-jobs.tsv");
	fake_api_fail(kernel->api, NULL, -EIO, 500);
	kernel_pass(kernel, 0);
	assert_replied(kernel, unique, -EIO);
	assert_reads(kernel, inode, PENDING); /* who has it has it */
}

static void test_who_gives_up_gets_eintr(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = request_table(kernel, "restore-jobs.tsv");
	uint64_t other = request_table(kernel, "restore-jobs.tsv");

	interrupt(kernel, unique);
	kernel_pass(kernel, 2 * PFS_SECOND);
	assert_replied(kernel, unique, -EINTR);
	assert_unanswered(kernel, other);
	fake_api_page(kernel->api, "a", NULL);
	kernel_pass(kernel, 0);
	assert_replied(kernel, other, 0);
}

static void test_reader_of_a_lost_text_gets_estale(void **state)
{
	struct kernel *kernel = *state;
	char rows[3000];
	uint64_t first, last = 0;

	for (int i = 0; i < 4; i++) {
		(void)snprintf(rows, sizeof(rows),
			       "a={\"restore_job_id\":\"a\",\"status\":\"%02000d\"}", i);
		if (i)
			last = hold_next_table(kernel, rows);
		else
			first = hold_table(kernel, rows);
	}
	assert_gone(kernel, first);
	assert_replied(kernel, request_read(kernel, last, 0, 4096), 0);
	forget(kernel, first, 1);
}

/* Numbers that were never given out. */
static void test_inode_of_no_text_is_stale(void **state)
{
	struct kernel *kernel = *state;
	uint64_t inode = hold_table(kernel, "a");
	const uint64_t format = 1, number = 2, kind = UINT64_C(1) << 56;

	assert_gone(kernel, inode ^ format);
	assert_gone(kernel, inode + number);
	assert_gone(kernel, inode - number);
	assert_gone(kernel, inode + kind);
	assert_gone(kernel, inode + 7 * kind);
	forget(kernel, inode + kind, 1);
	forget(kernel, inode ^ format, 1);
	assert_reads(kernel, inode, PENDING);
}

static void test_end_of_the_mount_ends_who_waits(void **state)
{
	struct kernel *kernel = *state;
	uint64_t unique = request_table(kernel, "gadgets.tsv");

	assert_unanswered(kernel, unique);
	end_mount(kernel);
	assert_replied(kernel, unique, -ENOTCONN);
}

static int set_up_without(void **state)
{
	use_tables(NULL);
	return setup_kernel(state);
}

static void test_without_tables_there_is_no_directory(void **state)
{
	struct kernel *kernel = *state;
	struct bench *bench = kernel->scene->bench;

	assert_int_equal(look_up(bench, "", "tables"), -ENOENT);
	assert_null(strstr(names(bench, "", 2), "tables"));
	assert_int_equal(attributes(bench, "").st_nlink, 3 + three_kinds.count);
	assert_gone(kernel, TABLES);
	assert_gone(kernel, (UINT64_C(3) << 60) + 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_kind_has_a_table_in_each_form),
		TEST(test_lookup_waits_for_the_list_and_the_text),
		TEST(test_each_form_has_its_own_texts),
		TEST(test_both_lookups_of_a_changed_name_give_the_same),
		TEST(test_forgetting_frees_what_is_superseded),
		TEST(test_who_is_gone_before_the_reply_holds_nothing),
		TEST(test_listing_gives_names_only_and_asks_for_nothing),
		TEST(test_kind_that_is_denied_denies_its_tables_only),
		TEST(test_name_of_a_stale_table_is_valid_for_the_pause),
		TEST(test_who_gives_up_gets_eintr),
		TEST(test_reader_of_a_lost_text_gets_estale),
		TEST(test_inode_of_no_text_is_stale),
		TEST(test_end_of_the_mount_ends_who_waits),
		cmocka_unit_test_setup_teardown(test_without_tables_there_is_no_directory,
						set_up_without, teardown_kernel),
	};

	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
