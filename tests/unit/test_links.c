/* SPDX-License-Identifier: MIT */
/* Symbolic links from one object to another: where they lead, and which inode has which target. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel_fixture.h"
#include "three_kinds.h"

#define TO(target) "{\"restore_job_id\":\"a\",\"status\":\"Pending\",\"gadget\":" target "}"

static int setup_kinds(void **state)
{
	use_kinds(&three_kinds);
	return setup_kernel(state);
}

/* The gadgets aren't served. */
static int setup_jobs_only(void **state)
{
	static struct pfs_kinds kinds = {.count = 1};

	kinds.rows[0] = JOBS;
	use_kinds(&kinds);
	return setup_kernel(state);
}

/* The job "a" says this from now on. */
static void say(struct kernel *kernel, const char *object)
{
	learn_object(kernel->scene->bench, "a", object);
}

static struct pfs_node link_of(struct kernel *kernel)
{
	return walk(kernel->scene->bench, "restore-jobs/a/index");
}

static const char *target(struct kernel *kernel, const struct pfs_node *node)
{
	struct pfs_buffer *buffer = &kernel->scene->bench->buffer;

	pfs_buffer_clear(buffer);
	assert_int_equal(pfs_tree_readlink(kernel->scene->bench->tree, node, buffer), 0);
	assert_int_equal(pfs_buffer_add(buffer, "", 1), 0);
	return buffer->bytes;
}

static void test_link_leads_to_the_other_object(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_node node;
	struct stat stat;

	say(kernel, TO("\"movies\""));
	node = link_of(kernel);
	assert_int_equal(node.type, PFS_NODE_LINK);
	assert_string_equal(target(kernel, &node), "../../gadgets/movies");
	stat = attributes(kernel->scene->bench, "restore-jobs/a/index");
	assert_int_equal(stat.st_mode, S_IFLNK | 0777);
	assert_int_equal(stat.st_nlink, 1);
	assert_int_equal(stat.st_size, strlen("../../gadgets/movies"));
	assert_non_null(strstr(names(kernel->scene->bench, "restore-jobs/a", 2), " index "));
}

/* The field is there as it was sent; what can't be a name here is no link. */
static void test_link_is_there_if_its_field_can_be_an_id(void **state)
{
	static const char *const objects[] = {
		TO("null"), TO("7"),	   TO("\"\""),	      TO("\"../x\""),
		TO("{}"),   TO("\"a/b\""), TO("\".hidden\""), "{\"restore_job_id\":\"a\"}",
	};
	struct kernel *kernel = *state;

	for (size_t i = 0; i < COUNT(objects); i++) {
		say(kernel, objects[i]);
		assert_int_equal(look_up(kernel->scene->bench, "restore-jobs/a", "index"), -ENOENT);
		assert_null(strstr(names(kernel->scene->bench, "restore-jobs/a", 2), " index "));
	}
}

/* The kernel keeps what it has read of an inode for ever. */
static void test_another_target_is_another_inode(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_node first, node;

	say(kernel, TO("\"movies\""));
	first = link_of(kernel);
	say(kernel, "{\"restore_job_id\":\"a\",\"status\":\"Stuck\",\"gadget\":\"movies\"}");
	assert_int_equal(link_of(kernel).inode, first.inode);
	say(kernel, TO("\"songs\""));
	node = link_of(kernel);
	assert_int_not_equal(node.inode, first.inode);
	assert_string_equal(target(kernel, &node), "../../gadgets/songs");
	assert_int_equal(pfs_tree_node(kernel->scene->bench->tree, first.inode, &node), -ESTALE);
	say(kernel, TO("null"));
	say(kernel, TO("\"movies\""));
	node = link_of(kernel);
	assert_int_not_equal(node.inode, first.inode);
	assert_string_equal(target(kernel, &node), "../../gadgets/movies");
}

static void test_link_goes_with_its_object(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_object *object;
	struct pfs_node node;

	say(kernel, TO("\"movies\""));
	node = link_of(kernel);
	pfs_tree_hold(kernel->scene->bench->tree, &node, 1);
	object = node.object;
	for (int i = 0; !object->gone && i < 3; i++) {
		pass(kernel->store, STALE);
		assert_int_equal(ask(kernel->store, "a", NULL), -EINPROGRESS);
		fake_api_fail(kernel->api, "a", -ENOENT, 404);
	}
	assert_true(object->gone);
	pfs_buffer_clear(&kernel->scene->bench->buffer);
	assert_int_equal(
		pfs_tree_readlink(kernel->scene->bench->tree, &node, &kernel->scene->bench->buffer),
		-ESTALE);
	pfs_tree_forget(kernel->scene->bench->tree, node.inode, 1);
}

static void test_kernel_reads_a_link_and_keeps_it(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_node node;
	uint64_t unique;

	say(kernel, TO("\"movies\""));
	unique = request_name(kernel, FUSE_LOOKUP,
			      walk(kernel->scene->bench, "restore-jobs/a").inode, "index");
	assert_replied(kernel, unique, 0);
	assert_int_equal(kernel->body.entry.attr.mode, S_IFLNK | 0777);
	assert_int_equal(kernel->body.entry.entry_valid, TTL / PFS_SECOND);
	assert_true(kernel->body.entry.attr_valid >= 3600);
	node = link_of(kernel);
	assert_int_equal(kernel->body.entry.nodeid, node.inode);
	assert_replied(kernel, request(kernel, FUSE_READLINK, node.inode, "", 0), 0);
	assert_int_equal(kernel->length, strlen("../../gadgets/movies"));
	assert_memory_equal(kernel->body.bytes, "../../gadgets/movies", kernel->length);
	assert_replied(kernel, request_getattr(kernel, node.inode, false), 0);
	unique = request(kernel, FUSE_READLINK, walk(kernel->scene->bench, "restore-jobs/a").inode,
			 "", 0);
	assert_replied(kernel, unique, -EINVAL);
	unique = request(kernel, FUSE_READLINK, node.inode + 1, "", 0);
	assert_replied(kernel, unique, -ESTALE);
}

/* It dangles; to make it vanish would say that the job has no target. */
static void test_link_to_a_kind_that_is_not_served_dangles(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_node node;

	say(kernel, TO("\"movies\""));
	node = link_of(kernel);
	assert_string_equal(target(kernel, &node), "../../gadgets/movies");
	assert_int_equal(look_up(kernel->scene->bench, "", "gadgets"), -ENOENT);
}

/* Else the object would stay for ever. */
static void test_kernel_gives_back_a_link_that_has_another_target_by_now(void **state)
{
	struct kernel *kernel = *state;
	struct pfs_node job;
	uint64_t link, references;

	say(kernel, TO("\"movies\""));
	job = walk(kernel->scene->bench, "restore-jobs/a");
	link = link_of(kernel).inode;
	assert_replied(kernel, request_name(kernel, FUSE_LOOKUP, job.inode, "index"), 0);
	say(kernel, TO("\"songs\""));
	references = job.object->references;
	forget(kernel, link, 1);
	assert_int_equal(job.object->references, references - 1);
}

static void test_path_of_a_link(void **state)
{
	struct kernel *kernel = *state;
	char path[100];

	say(kernel, TO("\"movies\""));
	assert_int_equal(pfs_tree_path(kernel->scene->bench->tree, link_of(kernel).inode, path,
				       sizeof(path)),
			 0);
	assert_string_equal(path, "restore-jobs/a/index");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup_kinds, teardown_kernel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_link_leads_to_the_other_object),
		TEST(test_link_is_there_if_its_field_can_be_an_id),
		TEST(test_another_target_is_another_inode),
		TEST(test_link_goes_with_its_object),
		TEST(test_kernel_reads_a_link_and_keeps_it),
		TEST(test_kernel_gives_back_a_link_that_has_another_target_by_now),
		TEST(test_path_of_a_link),
		cmocka_unit_test_setup_teardown(test_link_to_a_kind_that_is_not_served_dangles,
						setup_jobs_only, teardown_kernel),
	};

	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
