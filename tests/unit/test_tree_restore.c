/* SPDX-License-Identifier: MIT */
/* What was made of a backup, as a directory of it: names, attributes, contents, and who waits. */
#include <errno.h>
#include <string.h>

#include "restore_fixture.h"

#define RESTORES "backups/b/restores"
#define PROD	 RESTORES "/prod"

static void know_prod(struct bench *bench)
{
	list_jobs(bench, JOB_ROW("j", "b", "prod", "1"));
}

static uint64_t inode_of(struct bench *bench, const char *path)
{
	return walk(bench, path).inode;
}

static const char *xattr(struct bench *bench, const char *path, const char *name, int error)
{
	const struct pfs_node node = walk(bench, path);

	pfs_buffer_clear(&bench->buffer);
	assert_int_equal(pfs_tree_xattr(bench->tree, &node, name, &bench->buffer), error);
	assert_int_equal(pfs_buffer_add_string(&bench->buffer, ""), 0);
	return bench->buffer.bytes;
}

/* --- names --------------------------------------------------------------------------------- */

static void test_a_backup_has_a_directory_with_one_for_each_name(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node;

	list_jobs(bench,
		  JOB_ROW("j1", "b", "prod", "1") " " JOB_ROW("j2", "b", "prod", "2") " " JOB_ROW(
			  "j3", "b", "test", "1") " " JOB_ROW("j4", "c", "other", "1"));
	assert_non_null(strstr(names(bench, "backups/b", 0), " restores "));
	assert_string_equal(names(bench, RESTORES, 0), ". .. prod test ");
	assert_string_equal(names(bench, PROD, 0), ". .. restore_job_id ");
	assert_string_equal(content(bench, PROD "/restore_job_id"), "j2\n");
	node = walk(bench, PROD);
	assert_int_equal(node.type, PFS_NODE_RESTORE);
	assert_ptr_equal(node.object, known(bench, JOBS, "j2"));
	assert_int_equal(look_up(bench, RESTORES, "other"), -ENOENT);
	assert_int_equal(look_up(bench, PROD, "status"), -ENOENT);
	assert_int_equal(look_up(bench, PROD "/restore_job_id", "x"), -ENOTDIR);
}

static void test_a_listing_goes_on_where_it_stopped(void **state)
{
	struct bench *bench = *state;
	const struct pfs_node directory = walk(bench, RESTORES);
	struct pfs_entry entry;

	list_jobs(bench, JOB_ROW("j1", "b", "x", "1") " " JOB_ROW("j2", "b", "y", "1") " " JOB_ROW(
				 "j3", "b", "z", "1"));
	assert_int_equal(pfs_tree_list(bench->tree, &directory, 2, NULL, &entry), 1);
	assert_string_equal(entry.name, "x");
	assert_string_equal(names(bench, RESTORES, entry.cursor), "y z ");
}

static void test_its_inodes_are_its_own(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *job;
	struct pfs_node node;
	uint64_t inode;

	know_prod(bench);
	job = known(bench, JOBS, "j");
	inode = inode_of(bench, PROD);
	assert_int_not_equal(inode, pfs_tree_object_inode(job)); /* the kernel would move that */
	assert_int_equal(inode, pfs_tree_restore_inode(job));
	assert_int_equal(inode_of(bench, PROD "/restore_job_id"), inode + 1);
	assert_int_equal(inode_of(bench, RESTORES), pfs_tree_restores_inode(backup(bench)));
	assert_int_equal(pfs_tree_node(bench->tree, inode, &node), 0);
	assert_int_equal(node.type, PFS_NODE_RESTORE);
	assert_int_equal(pfs_tree_node(bench->tree, inode + 1, &node), 0);
	assert_int_equal(node.type, PFS_NODE_RESTORE_ID);
	assert_int_equal(pfs_tree_node(bench->tree, inode + 2, &node), -ESTALE); /* no such job */
}

static void test_each_has_its_path_and_its_parent(void **state)
{
	static const char *const paths[] = {RESTORES, PROD, PROD "/restore_job_id"};
	struct bench *bench = *state;
	char path[600];

	know_prod(bench);
	for (size_t i = 0; i < COUNT(paths); i++) {
		assert_int_equal(
			pfs_tree_path(bench->tree, inode_of(bench, paths[i]), path, sizeof(path)),
			0);
		assert_string_equal(path, paths[i]);
		assert_int_equal(pfs_tree_path(bench->tree, inode_of(bench, paths[i]), path,
					       strlen(paths[i])),
				 -ENAMETOOLONG);
	}
	for (size_t i = 0; i < 2; i++) {
		const struct pfs_node node = walk(bench, paths[i]);
		struct pfs_entry entry;

		assert_int_equal(pfs_tree_list(bench->tree, &node, 1, NULL, &entry), 1);
		assert_string_equal(entry.name, "..");
		assert_int_equal(entry.node.inode, inode_of(bench, i ? paths[i - 1] : "backups/b"));
	}
}

static void test_without_the_option_it_is_not_there(void **state)
{
	struct bench *bench = *state;
	struct pfs_object *job;
	struct pfs_node node;

	know_backup(bench, "b");
	job = know_made(bench, "j", JOB_DOC("j", "b", "prod", "1"));
	assert_int_equal(look_up(bench, "backups/b", "restores"), -ENOENT);
	assert_null(strstr(names(bench, "backups/b", 0), "restores"));
	assert_int_equal(attributes(bench, "backups/b").st_nlink, 2);
	assert_int_equal(pfs_tree_node(bench->tree, pfs_tree_restore_inode(job), &node), -ESTALE);
}

static void test_only_backups_have_it(void **state)
{
	struct bench *bench = *state;

	know_prod(bench);
	assert_int_equal(look_up(bench, "restore-jobs/j", "restores"), -ENOENT);
	assert_int_equal(attributes(bench, "restore-jobs/j").st_nlink, 2);
}

/* A field of this name would hide it. */
static void test_a_field_of_its_name_does_not_hide_it(void **state)
{
	struct bench *bench = *state;
	const char *listing;

	pass(bench->store, TTL_READY);
	bench->store->kind = BACKUPS;
	assert_int_equal(ask(bench->store, "b", NULL), -EINPROGRESS);
	fake_api_answer(&bench->store->api, "b",
			"{\"backup_id\":\"b\",\"status\":\"Ready\",\"restores\":\"x\",\"y\":1}");
	assert_int_equal(walk(bench, RESTORES).type, PFS_NODE_RESTORES);
	listing = names(bench, "backups/b", 0);
	assert_non_null(strstr(listing, " restores "));
	assert_null(strstr(strstr(listing, " restores ") + 1, " restores "));
}

/* --- attributes ---------------------------------------------------------------------------- */

static void test_only_its_owner_may_write_in_it(void **state)
{
	struct bench *bench = *state;

	know_prod(bench); /* the umask of the fixture is 0007 */
	assert_int_equal(attributes(bench, RESTORES).st_mode, S_IFDIR | 0750);
	assert_int_equal(attributes(bench, PROD).st_mode, S_IFDIR | 0550);
	assert_int_equal(attributes(bench, PROD "/restore_job_id").st_mode, S_IFREG | 0440);
	assert_int_equal(attributes(bench, "backups/b").st_mode, S_IFDIR | 0550);
}

static void test_links_are_counted(void **state)
{
	struct bench *bench = *state;

	know_prod(bench);
	assert_int_equal(attributes(bench, "backups/b").st_nlink, 3);
	assert_int_equal(attributes(bench, RESTORES).st_nlink, 1); /* not counted */
	assert_int_equal(attributes(bench, PROD).st_nlink, 2);
	assert_int_equal(attributes(bench, PROD "/restore_job_id").st_nlink, 1);
}

static void test_sizes_and_times(void **state)
{
	struct bench *bench = *state;
	struct stat before, after;

	before = attributes(bench, RESTORES);
	pass(bench->store, 1);
	know_prod(bench);
	after = attributes(bench, RESTORES);
	assert_true(after.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
	assert_int_equal(attributes(bench, PROD "/restore_job_id").st_size, 2);
	assert_int_equal(attributes(bench, PROD).st_mtim.tv_sec, FAKE_EPOCH / PFS_SECOND);
}

static void test_it_is_valid_as_long_as_the_list(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node;
	struct stat stat;
	int64_t valid;

	know_prod(bench);
	node = walk(bench, RESTORES);
	assert_int_equal(pfs_tree_entry_valid(bench->tree, &node), TTL);
	pass(bench->store, TTL - 1);
	assert_int_equal(pfs_tree_entry_valid(bench->tree, &node), 1);
	assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &valid), 0);
	assert_int_equal(valid, 1);
	node = walk(bench, PROD);
	assert_int_equal(pfs_tree_entry_valid(bench->tree, &node), TTL);
}

static void test_what_is_missing_may_come_at_any_time(void **state)
{
	struct bench *bench = *state;
	struct pfs_node directory = walk(bench, RESTORES), node;
	int64_t valid = 1;

	assert_int_equal(pfs_tree_lookup(bench->tree, &directory, "no", NULL, &node, &valid),
			 -ENOENT);
	assert_int_equal(valid, 0);
	bench->store->kind = INDEXES;
	assert_int_equal(ask(bench->store, "no", NULL), -EINPROGRESS);
	fake_api_fail(&bench->store->api, "no", -ENOENT, 404);
	directory = walk(bench, "indexes");
	valid = 1;
	assert_int_equal(pfs_tree_lookup(bench->tree, &directory, "no", NULL, &node, &valid),
			 -ENOENT);
	assert_int_equal(valid, 0);
}

static void test_a_vanished_job_leaves_only_its_number(void **state)
{
	struct bench *bench = *state;
	struct pfs_node restore, file;
	struct pfs_object *job;
	struct stat stat;
	int64_t valid;
	char path[600];
	uint64_t inode;

	know_prod(bench);
	job = known(bench, JOBS, "j");
	inode = pfs_tree_restore_inode(job);
	restore = walk(bench, PROD);
	file = walk(bench, PROD "/restore_job_id");
	pfs_tree_hold(bench->tree, &restore, 1);
	for (int i = 0; i < 2; i++) {
		pass(bench->store, STALE);
		pfs_store_refresh(bench->store->store, job);
		fake_api_fail(&bench->store->api, "j", -ENOENT, 404);
	}
	assert_int_equal(look_up(bench, RESTORES, "prod"), -ENOENT);
	assert_int_equal(pfs_tree_attributes(bench->tree, &restore, &stat, &valid), -ESTALE);
	assert_int_equal(pfs_tree_attributes(bench->tree, &file, &stat, &valid), -ESTALE);
	assert_int_equal(pfs_tree_path(bench->tree, inode, path, sizeof(path)), -ESTALE);
	pfs_tree_forget(bench->tree, inode, 1); /* now it is freed */
	assert_null(pfs_store_by_slot(bench->store->store, JOBS, 1));
	/* The child removes the name all the same: it must find a directory. */
	pfs_tree_vanished_attributes(bench->tree, inode, &stat);
	assert_true(S_ISDIR(stat.st_mode));
	assert_int_equal(stat.st_ino, inode);
}

static unsigned visited;

static void look_for_restores(void *arg, uint64_t inode)
{
	struct bench *bench = arg;

	visited += inode == pfs_tree_restores_inode(backup(bench));
}

static void test_each_inode_of_a_backup_is_visited(void **state)
{
	struct bench *bench = *state;

	know_prod(bench);
	visited = 0;
	pfs_tree_each_inode(bench->tree, backup(bench), look_for_restores, bench);
	assert_int_equal(visited, 1);
}

/* --- a job that isn't described yet -------------------------------------------------------- */

static void test_an_announced_job_has_its_directory(void **state)
{
	struct bench *bench = *state;
	struct pfs_node node;
	struct stat stat;
	struct waiter waiter = {0};
	int64_t valid;

	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
	fake_api_made(&bench->store->api, "b>prod", "j");
	list_jobs(bench, "");
	assert_string_equal(names(bench, RESTORES, 0), ". .. prod ");
	assert_string_equal(names(bench, PROD, 0), ". .. restore_job_id ");
	assert_string_equal(content(bench, PROD "/restore_job_id"), "j\n");
	node = walk(bench, PROD);
	assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &valid), 0);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, true, prepare(&waiter)), 0);
	assert_int_equal(look_up(bench, "restore-jobs", "j"), -ENOENT);
	assert_string_equal(xattr(bench, PROD, "user.pinefs.error", -ENODATA), "");
	assert_string_equal(xattr(bench, PROD "/restore_job_id", "user.pinefs.origin", -ENODATA),
			    "");
	pfs_buffer_clear(&bench->buffer);
	pfs_tree_xattr_names(bench->tree, &node, &bench->buffer);
	assert_int_equal(bench->buffer.length, 0);
}

/* --- extended attributes ------------------------------------------------------------------- */

static void test_why_not_is_an_attribute(void **state)
{
	struct bench *bench = *state;

	assert_string_equal(xattr(bench, RESTORES, "user.pinefs.error", -ENODATA), "");
	assert_int_equal(make(bench, backup(bench), "prod", NULL), -EINPROGRESS);
	fake_api_refuse(&bench->store->api, "b>prod", PFS_FATE_NOT_DONE, -EDQUOT, 403);
	assert_string_equal(xattr(bench, RESTORES, "user.pinefs.error", 0),
			    "EDQUOT: it was refused");
	assert_string_equal(xattr(bench, RESTORES, "user.pinefs.request_id", -ENODATA), "");
}

/* --- who waits ----------------------------------------------------------------------------- */

static int find_restores(struct bench *bench, struct waiter *waiter)
{
	const struct pfs_node parent = walk(bench, "backups/b");
	struct pfs_node node;
	int64_t valid;

	return pfs_tree_lookup(bench->tree, &parent, "restores", prepare(waiter), &node, &valid);
}

static void test_to_look_it_up_brings_the_list(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_int_equal(find_restores(bench, &waiter), -EINPROGRESS);
	assert_int_equal(bench->store->api.lists, 1);
	fake_api_page(&bench->store->api, JOB_ROW("j", "b", "prod", "1"), "next");
	assert_waiting(&waiter); /* for all of it */
	fake_api_page(&bench->store->api, "k", NULL);
	assert_told(&waiter, 0);
	assert_int_equal(find_restores(bench, &waiter), 0);
	assert_int_equal(bench->store->api.lists, 2);
	pass(bench->store, TTL);
	assert_int_equal(find_restores(bench, &waiter), -EINPROGRESS);
	pfs_wait_cancel(&waiter.wait);
}

static void test_it_is_there_without_the_list(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};

	assert_int_equal(find_restores(bench, &waiter), -EINPROGRESS);
	fake_api_fail(&bench->store->api, NULL, -EACCES, 403);
	assert_int_equal(waiter.calls, 1);
	assert_int_equal(find_restores(bench, &waiter), 0);
	assert_int_equal(look_up(bench, "backups/b", "restores"), 0);
}

static void test_to_list_it_needs_the_list(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};
	const struct pfs_node directory = walk(bench, RESTORES);
	struct pfs_entry entry;

	assert_int_equal(pfs_tree_list(bench->tree, &directory, 0, prepare(&waiter), &entry),
			 -EINPROGRESS);
	fake_api_fail(&bench->store->api, NULL, -EACCES, 403);
	assert_told(&waiter, -EACCES);
	assert_int_equal(pfs_tree_list(bench->tree, &directory, 0, prepare(&waiter), &entry),
			 -EACCES);
	/* But what comes after the first entry isn't asked for again. */
	assert_int_equal(pfs_tree_list(bench->tree, &directory, 2, prepare(&waiter), &entry), 0);
}

static void test_names_in_it_are_looked_up_without_asking(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};
	const struct pfs_node directory = walk(bench, RESTORES);
	struct pfs_node node;
	int64_t valid;

	assert_int_equal(
		pfs_tree_lookup(bench->tree, &directory, "prod", prepare(&waiter), &node, &valid),
		-ENOENT);
	know_prod(bench);
	pass(bench->store, TTL_FINAL);
	assert_int_equal(
		pfs_tree_lookup(bench->tree, &directory, "prod", prepare(&waiter), &node, &valid),
		0);
	assert_int_equal(pfs_tree_refresh(bench->tree, &node, false, prepare(&waiter)), 0);
	assert_int_equal(bench->store->api.under_way, 0);
}

static void test_its_attributes_wait_for_the_list_and_never_fail(void **state)
{
	struct bench *bench = *state;
	struct waiter waiter = {0};
	const struct pfs_node directory = walk(bench, RESTORES);

	assert_int_equal(pfs_tree_refresh(bench->tree, &directory, false, prepare(&waiter)),
			 -EINPROGRESS);
	fake_api_fail(&bench->store->api, NULL, -EIO, 503);
	assert_int_equal(waiter.calls, 1);
	assert_int_equal(pfs_tree_refreshed(bench->tree, &directory, false, 1, waiter.error,
					    prepare(&waiter)),
			 0);
	assert_int_equal(pfs_tree_refreshed(bench->tree, &directory, true, 1, waiter.error,
					    prepare(&waiter)),
			 0);
	assert_int_equal(pfs_tree_refresh(bench->tree, &directory, false, prepare(&waiter)), 0);
}

static int setup_without(void **state)
{
	use_kinds(&pfs_all_kinds);
	return setup_tree(state);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_restores, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_backup_has_a_directory_with_one_for_each_name),
		TEST(test_a_listing_goes_on_where_it_stopped),
		TEST(test_its_inodes_are_its_own),
		TEST(test_each_has_its_path_and_its_parent),
		cmocka_unit_test_setup_teardown(test_without_the_option_it_is_not_there,
						setup_without, teardown_tree),
		TEST(test_only_backups_have_it),
		TEST(test_a_field_of_its_name_does_not_hide_it),
		TEST(test_only_its_owner_may_write_in_it),
		TEST(test_links_are_counted),
		TEST(test_sizes_and_times),
		TEST(test_it_is_valid_as_long_as_the_list),
		TEST(test_what_is_missing_may_come_at_any_time),
		TEST(test_a_vanished_job_leaves_only_its_number),
		TEST(test_each_inode_of_a_backup_is_visited),
		TEST(test_an_announced_job_has_its_directory),
		TEST(test_why_not_is_an_attribute),
		TEST(test_to_look_it_up_brings_the_list),
		TEST(test_it_is_there_without_the_list),
		TEST(test_to_list_it_needs_the_list),
		TEST(test_names_in_it_are_looked_up_without_asking),
		TEST(test_its_attributes_wait_for_the_list_and_never_fail),
	};

	return cmocka_run_group_tests_name("tree_restore", tests, NULL, NULL);
}
